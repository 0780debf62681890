// 4 pixels × 16 outputs. A product multiplies 8 channels of two pixels by 8 channels of two outputs.
#if defined(__aarch64__)
#pragma STDC FP_CONTRACT OFF
#include <arm_neon.h>
#include "kernels_s8.h"
#define SRD_ISA neoni8mm
#define SRD_TARGET __attribute__((target("arch=armv8.2-a+i8mm")))
#define SRD_VECTORS 4
#define SRD_PIXELS 4
#define SRD_EPILOGUE_PIXELS 1
#define SRD_PRODUCTS 32
#define SRD_TOGETHER 4

SRD_INLINE void multiply(int32x4_t (*sum)[SRD_TOGETHER], const int8x16_t *c, const int8x16_t *w, const int pixels) {
    SRD_UNROLL for (int p = 0; p < pixels; p++) {
        SRD_UNROLL for (int o = 0; o < SRD_TOGETHER; o++) sum[p][o] = vmmlaq_s32(sum[p][o], c[p], w[o]);
    }
}
#include "kernels_s8_neon_common.h"

SRD_INLINE int8x16_t first_halves(int8x16_t a, int8x16_t b) { return vcombine_s8(vget_low_s8(a), vget_low_s8(b)); }
SRD_INLINE int8x16_t second_halves(int8x16_t a, int8x16_t b) { return vcombine_s8(vget_high_s8(a), vget_high_s8(b)); }

/// Adds an input group's products to a tile's accumulators. Weights are packed in groups of 8 channels. A tile of one
/// pixel computes it twice.
SRD_INLINE void products(
    const srd_input_group_s8 *input_group, ivec (*sum)[SRD_VECTORS], int x, ptrdiff_t offset, const int pixels,
    const int vectors) {
    enum { pairs = SRD_BLOCK / 2 };
    const int last = pixels - 1;
    ivec square[SRD_PIXELS / 2][pairs];  // pixels p, p + 1 by outputs o, o + 1
    SRD_UNROLL for (int p = 0; p < pixels; p += 2) {
        SRD_UNROLL for (int o = 0; o < pairs; o++) square[p / 2][o] = vdupq_n_s32(0);
    }
    for (int t = 0; t < input_group->tap_count; t++) {
        const srd_tap_s8 *tap = &input_group->taps[t];
        const int8_t *packed = tap->weights + offset;
        const srd_quantized *input[SRD_PIXELS];
        SRD_UNROLL for (int p = 0; p < pixels; p++) input[p] = tap->input + (x + p) * tap->pixel;
        for (int i = 0; i < tap->channels; i += 16) {
            int8x16_t c[SRD_PIXELS / 2][2];
            SRD_UNROLL for (int p = 0; p < pixels; p += 2) {
                const int8x16_t a = bytes(input[p] + i), b = p < last ? bytes(input[p + 1] + i) : a;
                c[p / 2][0] = first_halves(a, b);
                c[p / 2][1] = second_halves(a, b);
            }
            SRD_UNROLL for (int half = 0; half < 2; half++) {
                SRD_UNROLL for (int o = 0; o < pairs; o++) {
                    const int8x16_t w = bytes(packed + 16 * (half * pairs + o));
                    SRD_UNROLL for (int p = 0; p < pixels; p += 2) {
                        square[p / 2][o] = vmmlaq_s32(square[p / 2][o], c[p / 2][half], w);
                    }
                }
            }
            packed += 16 * SRD_BLOCK;
        }
    }
    SRD_UNROLL for (int p = 0; p < pixels; p += 2) {
        SRD_UNROLL for (int j = 0; j < vectors; j++) {
            const int64x2_t a = vreinterpretq_s64_s32(square[p / 2][2 * j]),
                            b = vreinterpretq_s64_s32(square[p / 2][2 * j + 1]);
            sum[p][j] = vaddq_s32(sum[p][j], vreinterpretq_s32_s64(vzip1q_s64(a, b)));
            if (p < last) sum[p + 1][j] = vaddq_s32(sum[p + 1][j], vreinterpretq_s32_s64(vzip2q_s64(a, b)));
        }
    }
}
#include "kernels_s8_body.h"
#endif
