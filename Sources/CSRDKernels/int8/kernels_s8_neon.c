// NEON without dot products: 16 channels of a pixel times 16 weights of an output give eight words, which are added to
// four partial sums. Those are added up after all taps. 4 pixels × 4 outputs × 4 partial sums are 16 registers.
#if defined(__aarch64__)
#pragma STDC FP_CONTRACT OFF
#include <arm_neon.h>
#include "kernels_s8.h"
#define SRD_ISA neon
#define SRD_TARGET
#define SRD_VECTORS 1
#define SRD_PIXELS 4
#define SRD_EPILOGUE_PIXELS 4
#define SRD_PRODUCTS 16
#define SRD_TOGETHER 4

/// Adds two products per word: at most 2 · 128 · 127, since weights are within ±127. All sums take each of the three
/// operations before the next one; otherwise an in-order core (Cortex-A53) would wait for the results.
SRD_INLINE void multiply(int32x4_t (*sum)[SRD_TOGETHER], const int8x16_t *c, const int8x16_t *w, const int pixels) {
    int16x8_t word[2][SRD_TOGETHER];
    SRD_UNROLL for (int p = 0; p < pixels; p++) {
        SRD_UNROLL for (int o = 0; o < SRD_TOGETHER; o++) word[p][o] = vmull_s8(vget_low_s8(c[p]), vget_low_s8(w[o]));
    }
    SRD_UNROLL for (int p = 0; p < pixels; p++) {
        SRD_UNROLL for (int o = 0; o < SRD_TOGETHER; o++) word[p][o] = vmlal_high_s8(word[p][o], c[p], w[o]);
    }
    SRD_UNROLL for (int p = 0; p < pixels; p++) {
        SRD_UNROLL for (int o = 0; o < SRD_TOGETHER; o++) sum[p][o] = vpadalq_s16(sum[p][o], word[p][o]);
    }
}
#include "kernels_s8_neon_common.h"

/// Adds an input group's products to a tile's accumulators. Weights are packed in groups of 16 channels.
SRD_INLINE void products(
    const srd_input_group_s8 *input_group, ivec (*sum)[SRD_VECTORS], int x, ptrdiff_t offset, const int pixels,
    const int vectors) {
    ivec part[SRD_PIXELS][SRD_BLOCK];
    SRD_UNROLL for (int p = 0; p < pixels; p++) {
        SRD_UNROLL for (int o = 0; o < SRD_BLOCK; o++) part[p][o] = vdupq_n_s32(0);
    }
    for (int t = 0; t < input_group->tap_count; t++) {
        const srd_tap_s8 *tap = &input_group->taps[t];
        const int8_t *packed = tap->weights + offset;
        const srd_quantized *input[SRD_PIXELS];
        SRD_UNROLL for (int p = 0; p < pixels; p++) input[p] = tap->input + (x + p) * tap->pixel;
        for (int i = 0; i < tap->channels; i += 16) {
            int8x16_t w[SRD_BLOCK];
            SRD_UNROLL for (int o = 0; o < SRD_BLOCK; o++) w[o] = bytes(packed + 16 * o);
            SRD_UNROLL for (int p = 0; p < pixels; p += 2) {
                const int both = pixels - p < 2 ? 1 : 2;
                int8x16_t c[2];
                SRD_UNROLL for (int q = 0; q < both; q++) c[q] = bytes(input[p + q] + i);
                multiply(part + p, c, w, both);
            }
            packed += 16 * SRD_BLOCK;
        }
    }
    SRD_UNROLL for (int p = 0; p < pixels; p++) {
        const ivec low = vpaddq_s32(part[p][0], part[p][1]), high = vpaddq_s32(part[p][2], part[p][3]);
        sum[p][0] = vaddq_s32(sum[p][0], vpaddq_s32(low, high));
    }
}
#include "kernels_s8_body.h"

// Two registers of outputs × 8 tiles are 16 accumulators; eight channels of the tiles take 8 more registers.
#define SRD_WINOGRAD_BLOCK 8
#define SRD_WINOGRAD_TILES 8

SRD_INLINE void point_products(
    const int16_t *quantized, ptrdiff_t pixel, int channels, const int16_t *weights, int32_t *sums, const int tiles) {
    int32x4_t sum[SRD_WINOGRAD_TILES][2];
    SRD_UNROLL for (int t = 0; t < tiles; t++) sum[t][0] = sum[t][1] = vdupq_n_s32(0);
    for (int i = 0; i < channels; i += 8, quantized += 8, weights += 8 * SRD_WINOGRAD_BLOCK) {
        int16x8_t c[SRD_WINOGRAD_TILES], w[8];
        SRD_UNROLL for (int l = 0; l < 8; l++) w[l] = vld1q_s16(weights + l * SRD_WINOGRAD_BLOCK);
        SRD_UNROLL for (int t = 0; t < tiles; t++) c[t] = vld1q_s16(quantized + t * pixel);
        SRD_UNROLL for (int l = 0; l < 8; l++) SRD_KEEP_ORDER(w[l]);
        SRD_UNROLL for (int t = 0; t < tiles; t++) SRD_KEEP_ORDER(c[t]);
#define SRD_CHANNEL(lane)                                                                                              \
    SRD_UNROLL for (int t = 0; t < tiles; t++) {                                                                       \
        sum[t][0] = vmlal_laneq_s16(sum[t][0], vget_low_s16(w[lane]), c[t], lane);                                     \
        sum[t][1] = vmlal_high_laneq_s16(sum[t][1], w[lane], c[t], lane);                                              \
    }
        SRD_CHANNEL(0)
        SRD_CHANNEL(1) SRD_CHANNEL(2) SRD_CHANNEL(3) SRD_CHANNEL(4) SRD_CHANNEL(5) SRD_CHANNEL(6) SRD_CHANNEL(7)
    }
    SRD_UNROLL for (int t = 0; t < tiles; t++) {
        vst1q_s32(sums + t * SRD_WINOGRAD_BLOCK, sum[t][0]);
        vst1q_s32(sums + t * SRD_WINOGRAD_BLOCK + 4, sum[t][1]);
    }
}

/// Turns [output][16 channels] of two blocks into [channel][8 outputs], by interleaving the first half of the registers
/// with the second three times.
SRD_INLINE void regroup_weights(const int8_t *packed, ptrdiff_t block_stride, int8_t *out) {
    int8x16_t w[SRD_WINOGRAD_BLOCK];
    SRD_UNROLL for (int o = 0; o < SRD_WINOGRAD_BLOCK; o++)
        w[o] = vld1q_s8(packed + o / SRD_BLOCK * block_stride + o % SRD_BLOCK * 16);
    SRD_UNROLL for (int round = 1; round < SRD_WINOGRAD_BLOCK; round *= 2) {
        int8x16_t next[SRD_WINOGRAD_BLOCK];
        SRD_UNROLL for (int o = 0; o < SRD_WINOGRAD_BLOCK / 2; o++) {
            next[2 * o] = vzip1q_s8(w[o], w[o + SRD_WINOGRAD_BLOCK / 2]);
            next[2 * o + 1] = vzip2q_s8(w[o], w[o + SRD_WINOGRAD_BLOCK / 2]);
        }
        SRD_UNROLL for (int o = 0; o < SRD_WINOGRAD_BLOCK; o++) w[o] = next[o];
    }
    SRD_UNROLL for (int o = 0; o < SRD_WINOGRAD_BLOCK; o++) vst1q_s8(out + 16 * o, w[o]);
}
#include "kernels_s8_winograd.h"
#endif
