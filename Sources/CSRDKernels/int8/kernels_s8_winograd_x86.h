// Words of two channels at a time, for kernels_s8_winograd.h. Before including it, define WINOGRAD_TILES,
//   two_weights(p)            two channels' weights of LANES outputs, as an ivec
//   two_codes(p)              two channels of a tile, in every lane
//   add_two(sum, c, w)        plus both products, in each lane
#define WINOGRAD_BLOCK BLOCK

INLINE void point_products(
    const int16_t *codes, ptrdiff_t pixel, int channels, const int16_t *weights, int32_t *sums, const int tiles
) {
    ivec sum[WINOGRAD_TILES][VECTORS];
    UNROLL for (int t = 0; t < tiles; t++) UNROLL for (int j = 0; j < VECTORS; j++) sum[t][j] = (ivec){0};
    for (int i = 0; i < channels; i += SRD_CHANNEL_STEP, codes += SRD_CHANNEL_STEP, weights += SRD_CHANNEL_STEP * BLOCK) {
        UNROLL for (int g = 0; g < SRD_CHANNEL_STEP; g += 2) {
            ivec w[VECTORS];
            UNROLL for (int j = 0; j < VECTORS; j++) w[j] = two_weights(weights + g * BLOCK + 2 * j * LANES);
            UNROLL for (int t = 0; t < tiles; t++) {
                const ivec c = two_codes(codes + t * pixel + g);
                UNROLL for (int j = 0; j < VECTORS; j++) {
                    sum[t][j] = add_two(sum[t][j], c, w[j]);
                    KEEP_ORDER(sum[t][j]);
                }
            }
        }
    }
    UNROLL for (int t = 0; t < tiles; t++) {
        UNROLL for (int j = 0; j < VECTORS; j++) *(ivec *)(sums + t * BLOCK + j * LANES) = sum[t][j];
    }
}

/// Groups of four channels become groups of two.
INLINE void regroup_weights(const int8_t *packed, ptrdiff_t block_stride, int8_t *out) {
    for (int g = 0; g < SRD_CHANNEL_STEP; g += 4, packed += 4 * BLOCK, out += 4 * BLOCK) {
        UNROLL for (int j = 0; j < BLOCK; j += LANES) {
            typedef int16_t words __attribute__((vector_size(2 * LANES)));
            typedef words stored_words __attribute__((aligned(1), may_alias));
            const ivec four = load_ints((const int32_t *)(packed + 4 * j));
            *(stored_words *)(out + 2 * j) = __builtin_convertvector(four, words);
            *(stored_words *)(out + 2 * BLOCK + 2 * j) = __builtin_convertvector(four >> 16, words);
        }
    }
}
#include "kernels_s8_winograd.h"
