// Products of two channels at a time, for kernels_s8_winograd.h. Before including it, define SRD_WINOGRAD_TILES and
//   two_weights(p)            two channels' weights for SRD_LANES outputs, as an ivec
//   two_values(p)             two channels of a tile, in every lane
//   add_two(sum, c, w)        adds both products in each lane
#define SRD_WINOGRAD_BLOCK SRD_BLOCK

SRD_INLINE void point_products(
    const int16_t *quantized, ptrdiff_t pixel, int channels, const int16_t *weights, int32_t *sums, const int tiles) {
    ivec sum[SRD_WINOGRAD_TILES][SRD_VECTORS];
    SRD_UNROLL for (int t = 0; t < tiles; t++) SRD_UNROLL for (int j = 0; j < SRD_VECTORS; j++) sum[t][j] = (ivec){0};
    for (int i = 0; i < channels;
         i += SRD_CHANNEL_STEP, quantized += SRD_CHANNEL_STEP, weights += SRD_CHANNEL_STEP * SRD_BLOCK) {
        SRD_UNROLL for (int g = 0; g < SRD_CHANNEL_STEP; g += 2) {
            ivec w[SRD_VECTORS];
            SRD_UNROLL for (int j = 0; j < SRD_VECTORS; j++)
                w[j] = two_weights(weights + g * SRD_BLOCK + 2 * j * SRD_LANES);
            SRD_UNROLL for (int t = 0; t < tiles; t++) {
                const ivec c = two_values(quantized + t * pixel + g);
                SRD_UNROLL for (int j = 0; j < SRD_VECTORS; j++) {
                    sum[t][j] = add_two(sum[t][j], c, w[j]);
                    SRD_KEEP_ORDER(sum[t][j]);
                }
            }
        }
    }
    SRD_UNROLL for (int t = 0; t < tiles; t++) {
        SRD_UNROLL for (int j = 0; j < SRD_VECTORS; j++) * (ivec *)(sums + t * SRD_BLOCK + j * SRD_LANES) = sum[t][j];
    }
}

/// Turns groups of four channels into groups of two.
SRD_INLINE void regroup_weights(const int8_t *packed, ptrdiff_t block_stride, int8_t *out) {
    for (int g = 0; g < SRD_CHANNEL_STEP; g += 4, packed += 4 * SRD_BLOCK, out += 4 * SRD_BLOCK) {
        SRD_UNROLL for (int j = 0; j < SRD_BLOCK; j += SRD_LANES) {
            typedef int16_t words __attribute__((vector_size(2 * SRD_LANES)));
            typedef words stored_words __attribute__((aligned(1), may_alias));
            const ivec four = load_ints((const int32_t *)(packed + 4 * j));
            *(stored_words *)(out + 2 * j) = __builtin_convertvector(four, words);
            *(stored_words *)(out + 2 * SRD_BLOCK + 2 * j) = __builtin_convertvector(four >> 16, words);
        }
    }
}
#include "kernels_s8_winograd.h"
