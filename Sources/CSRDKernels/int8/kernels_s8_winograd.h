// Four output rows at once by Winograd's F(4×4, 3×3) (Lavin, Gray 2016): 36 products for 4×4 pixels and a channel where
// conv_row has 144, but of 16 bits. The arithmetic is exact: transformed quantized values stay within ±68 · 255,
// transformed weights within ±144 · 127, and the accumulators, 576 times the convolution's, are right modulo 2³².
// Included after kernels_s8_body.h; before including it, define
//   SRD_WINOGRAD_BLOCK   output channels in a block, a multiple of SRD_BLOCK
//   SRD_WINOGRAD_TILES   tiles of 4×4 pixels whose products are summed together in registers, an even number;
//                        half as many at a row's end
//   regroup_weights(packed, block_stride, out)
//                        a tap's weights of SRD_CHANNEL_STEP channels in the order of point_products, as bytes
//   point_products(quantized, pixel, channels, weights, sums, tiles)
//                        the products of SRD_WINOGRAD_TILES tiles or half of them
enum {
    // Tiles that are transformed before their products, so that weights are read half as often.
    chunk = 2 * SRD_WINOGRAD_TILES,
    half = SRD_WINOGRAD_TILES / 2,
    padding = SRD_WINOGRAD_PADDING,
    point_sums = SRD_WINOGRAD_BLOCK * chunk + 16,  // from one point's sums to the next
};

#include "kernels_s8_winograd_transforms.h"

/// Computes the outputs of `tiles` and `vectors` of channels from their products. `kept` holds values between inputs.
SRD_INLINE void finish_tiles(
    const srd_conv_winograd_s8_args *a, int s, const int32_t *m, float *kept, const int *x, int tiles, int o,
    const int vectors) {
    enum { together = SRD_EPILOGUE_PIXELS, pixels = 4 * SRD_WINOGRAD_ROWS };
    const srd_winograd_input_s8 *input = &a->inputs[s];
    const srd_conv_row_s8_args *const *rows = a->rows;
    for (int t = 0; t < tiles; t++, m += SRD_WINOGRAD_BLOCK, kept += pixels * SRD_WINOGRAD_BLOCK) {
        vec v[pixels][SRD_VECTORS];
        SRD_UNROLL for (int j = 0; j < vectors; j++) {
            const ivec first = load_ints(input->correction + o + j * SRD_LANES);
            const vec scale = load(rows[0]->weight_scale + o + j * SRD_LANES) * input->scale;
            const vec bias = load(rows[0]->bias + o + j * SRD_LANES);
            ivec sum[pixels];
            transform_sums(m + j * SRD_LANES, sum);
            SRD_UNROLL for (int i = 0; i < pixels; i++) {
                v[i][j] = (s == 0 ? bias : load(kept + i * SRD_WINOGRAD_BLOCK + j * SRD_LANES)) +
                    to_float(sum[i] + first) * scale;
            }
        }
        if (s + 1 < a->input_count) {
            SRD_UNROLL for (int i = 0; i < pixels; i++) {
                SRD_UNROLL for (int j = 0; j < vectors; j++) *
                    (vec_u *)(kept + i * SRD_WINOGRAD_BLOCK + j * SRD_LANES) = v[i][j];
            }
        } else {
            for (int r = 0; r < SRD_WINOGRAD_ROWS && rows[r]; r++) {
                SRD_UNROLL for (int i = 0; i < 4; i += together) {
                    vec part[together][SRD_VECTORS];  // in registers
                    SRD_UNROLL for (int p = 0; p < together; p++) {
                        SRD_UNROLL for (int j = 0; j < vectors; j++) part[p][j] = v[4 * r + i + p][j];
                    }
                    finish(rows[r], part, together, vectors, x[t] + i, o);
                }
            }
        }
    }
}

/// Computes at most `chunk` tiles, a multiple of half a group, whose left sides are at pixels x.
SRD_INLINE void compute_chunk(const srd_conv_winograd_s8_args *a, const int *x, int tiles) {
    enum { most_inputs = SRD_WINOGRAD_CHANNELS / SRD_CHANNEL_STEP };
    _Alignas(64) int16_t quantized[SRD_WINOGRAD_POINTS * (chunk * SRD_WINOGRAD_CHANNELS + most_inputs * padding)];
    _Alignas(64) int32_t sums[SRD_WINOGRAD_POINTS * point_sums];
    _Alignas(64) float kept[4 * SRD_WINOGRAD_ROWS * SRD_WINOGRAD_BLOCK * chunk];
    int16_t *transformed = quantized;
    for (int s = 0; s < a->input_count; s++) {
        const ptrdiff_t stride = chunk * a->inputs[s].channels + padding;
        transform_inputs(&a->inputs[s], x, tiles, transformed, stride);
        transformed += SRD_WINOGRAD_POINTS * stride;
    }
    const int channels = a->rows[0]->channels;
    for (int o = 0; o < channels; o += SRD_WINOGRAD_BLOCK) {
        transformed = quantized;
        for (int s = 0; s < a->input_count; s++) {
            const srd_winograd_input_s8 *input = &a->inputs[s];
            const int16_t *weights = input->weights + o / SRD_WINOGRAD_BLOCK * a->block_stride;
            const ptrdiff_t stride = chunk * input->channels + padding;
            for (int p = 0; p < SRD_WINOGRAD_POINTS;
                 p++, transformed += stride, weights += input->channels * SRD_WINOGRAD_BLOCK + padding) {
                if (s + 1 == a->input_count && p < 4 * SRD_WINOGRAD_TILES) {
                    for (int t = 0; t < tiles; t += SRD_WINOGRAD_TILES) {
                        for (int r = 0; r < SRD_WINOGRAD_ROWS && a->rows[r]; r++)
                            prefetch_outputs(a->rows[r], x[t] + p, 1, o);
                    }
                }
                for (int t = 0; t < tiles; t += SRD_WINOGRAD_TILES) {
                    const int16_t *first = transformed + t * input->channels;
                    int32_t *to = sums + p * point_sums + t * SRD_WINOGRAD_BLOCK;
                    if (t + SRD_WINOGRAD_TILES <= tiles) {
                        point_products(first, input->channels, input->channels, weights, to, SRD_WINOGRAD_TILES);
                    } else {
                        point_products(first, input->channels, input->channels, weights, to, half);
                    }
                }
            }
            SRD_UNROLL for (int part = 0; part < SRD_WINOGRAD_BLOCK; part += SRD_BLOCK) {
                enum { rest = SRD_BLOCK > SRD_CHANNEL_STEP ? SRD_CHANNEL_STEP / SRD_LANES : SRD_VECTORS };
                if (SRD_BLOCK <= SRD_CHANNEL_STEP || channels - o >= SRD_BLOCK) {
                    finish_tiles(a, s, sums + part, kept + part, x, tiles, o + part, SRD_VECTORS);
                } else {
                    finish_tiles(a, s, sums + part, kept + part, x, tiles, o + part, rest);
                }
            }
        }
    }
}

/// The last half group and the last tile may overlap their neighbours.
SRD_TARGET void SRD_JOIN(srd_conv_winograd_s8_, SRD_ISA)(const srd_conv_winograd_s8_args *a) {
    const int width = a->rows[0]->width, tiles = (width + 3) / 4;
    for (int first = 0; first < tiles; first += chunk) {
        int x[chunk], count = 0;
        for (int start = first; start < tiles && count < chunk; start += half) {
            for (int i = 0; i < half; i++) {
                const int tile = (start + half > tiles ? tiles - half : start) + i;
                x[count++] = 4 * tile > width - 4 ? width - 4 : 4 * tile;
            }
        }
        compute_chunk(a, x, count);
    }
}

SRD_TARGET void SRD_JOIN(srd_winograd_weights_s8_, SRD_ISA)(
    const int8_t *packed, ptrdiff_t block_stride, int channels, int16_t *transformed) {
    enum { part = SRD_CHANNEL_STEP * SRD_WINOGRAD_BLOCK };
    for (int i = 0; i < channels; i += SRD_CHANNEL_STEP, packed += SRD_CHANNEL_STEP * SRD_BLOCK, transformed += part) {
        _Alignas(64) int8_t weights[9 * part];
        for (int t = 0; t < 9; t++)
            regroup_weights(packed + t * channels * SRD_BLOCK, block_stride, weights + t * part);
        for (int j = 0; j < part; j += SRD_WORDS) {
            transform_weights(weights + j, part, transformed + j, channels * SRD_WINOGRAD_BLOCK + padding);
        }
    }
}
