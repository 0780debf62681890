// 8 pixels × 8 outputs. A register holds 16 channels of a pixel, and a product takes four of them by lane.
#if defined(__aarch64__)
#pragma STDC FP_CONTRACT OFF
#include <arm_neon.h>
#include "kernels_s8.h"
#define SRD_ISA neondotprod
#define SRD_TARGET __attribute__((target("arch=armv8.2-a+dotprod")))
#define SRD_VECTORS 2
#define SRD_PIXELS 8
#define SRD_EPILOGUE_PIXELS 4
#define SRD_PRODUCTS 16
#define SRD_TOGETHER 4

SRD_INLINE void multiply(int32x4_t (*sum)[SRD_TOGETHER], const int8x16_t *c, const int8x16_t *w, const int pixels) {
    SRD_UNROLL for (int p = 0; p < pixels; p++) {
        SRD_UNROLL for (int o = 0; o < SRD_TOGETHER; o++) sum[p][o] = vdotq_s32(sum[p][o], w[o], c[p]);
    }
}
#include "kernels_s8_neon_common.h"

/// Adds an input group's products to a tile's accumulators. Weights are packed in groups of 4 channels.
SRD_INLINE void products(
    const srd_input_group_s8 *input_group, ivec (*sum)[SRD_VECTORS], int x, ptrdiff_t offset, const int pixels,
    const int vectors) {
    for (int t = 0; t < input_group->tap_count; t++) {
        const srd_tap_s8 *tap = &input_group->taps[t];
        const int8_t *packed = tap->weights + offset;
        const srd_quantized *input[SRD_PIXELS];
        SRD_UNROLL for (int p = 0; p < pixels; p++) input[p] = tap->input + (x + p) * tap->pixel;
        for (int i = 0; i < tap->channels; i += 16) {
            int8x16_t c[SRD_PIXELS];
            SRD_UNROLL for (int p = 0; p < pixels; p++) c[p] = bytes(input[p] + i);
#define SRD_FOUR_CHANNELS(lane)                                                                                        \
    SRD_UNROLL for (int j = 0; j < vectors; j++) {                                                                     \
        const int8x16_t w = bytes(packed + 16 * (SRD_VECTORS * lane + j));                                             \
        SRD_UNROLL for (int p = 0; p < pixels; p++) sum[p][j] = vdotq_laneq_s32(sum[p][j], w, c[p], lane);             \
    }
            SRD_FOUR_CHANNELS(0)
            SRD_FOUR_CHANNELS(1)
            SRD_FOUR_CHANNELS(2)
            SRD_FOUR_CHANNELS(3)
            packed += 16 * SRD_BLOCK;
        }
    }
}
#include "kernels_s8_body.h"
#endif
