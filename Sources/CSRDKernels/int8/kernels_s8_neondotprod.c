// 8 pixels × 8 outputs; 16 channels of a pixel lie in a register, and a product takes four of them by lane.
#if defined(__aarch64__)
#pragma STDC FP_CONTRACT OFF
#include <arm_neon.h>
#include "kernels_s8.h"
#define ISA neondotprod
#define TARGET __attribute__((target("arch=armv8.2-a+dotprod")))
#define VECTORS 2
#define PIXELS 8
#define FINISHED 4
#define PRODUCTS 16
#define TOGETHER 4

INLINE void multiply(int32x4_t (*sum)[TOGETHER], const int8x16_t *c, const int8x16_t *w, const int pixels) {
    UNROLL for (int p = 0; p < pixels; p++) {
        UNROLL for (int o = 0; o < TOGETHER; o++) sum[p][o] = vdotq_s32(sum[p][o], w[o], c[p]);
    }
}
#include "kernels_s8_neon_common.h"

/// Weights are packed in groups of 4 channels.
INLINE void products(
    const srd_segment_s8 *segment, ivec (*sum)[VECTORS], int x, ptrdiff_t offset, const int pixels, const int vectors
) {
    for (int t = 0; t < segment->tap_count; t++) {
        const srd_tap_s8 *tap = &segment->taps[t];
        const int8_t *packed = tap->weights + offset;
        const srd_code *input[PIXELS];
        UNROLL for (int p = 0; p < pixels; p++) input[p] = tap->input + (x + p) * tap->pixel;
        for (int i = 0; i < tap->channels; i += 16) {
            int8x16_t c[PIXELS];
            UNROLL for (int p = 0; p < pixels; p++) c[p] = bytes(input[p] + i);
#define FOUR_CHANNELS(lane)                                                                                            \
    UNROLL for (int j = 0; j < vectors; j++) {                                                                         \
        const int8x16_t w = bytes(packed + 16 * (VECTORS * lane + j));                                                 \
        UNROLL for (int p = 0; p < pixels; p++) sum[p][j] = vdotq_laneq_s32(sum[p][j], w, c[p], lane);                 \
    }
            FOUR_CHANNELS(0)
            FOUR_CHANNELS(1)
            FOUR_CHANNELS(2)
            FOUR_CHANNELS(3)
            packed += 16 * BLOCK;
        }
    }
}
#include "kernels_s8_body.h"
#endif
