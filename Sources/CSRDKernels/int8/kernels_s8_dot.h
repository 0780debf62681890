// A tile's products, four neighbouring channels at a time, for kernels_s8_body.h. Weights are packed in groups of 4.
// Before including it, define the requirements of the body and
//   four_values, quantized(p)  four channels of a pixel, in every lane
//   four_weights, weights(p)   four channels' weights for SRD_LANES outputs
//   dot(sum, values, weights)  adds the four products in each lane
//   hidden(values)             returns its argument, which the compiler cannot know

#include "kernels_s8_epilogue.h"
#if SRD_PIPELINES_TILES
#include "kernels_s8_overlap.h"
#else
typedef struct interleaved interleaved;
SRD_INLINE void interleave(interleaved *m, const int done, const int all) {}
#endif

/// Adds the products of SRD_CHANNEL_STEP channels. If `m` is not NULL, the epilogue of a pixel of the previous tile
/// runs between them.
SRD_INLINE void step(
    const srd_quantized *const *input, ptrdiff_t pixel, const int8_t *packed, ivec (*sum)[SRD_VECTORS],
    const int pixels, const int vectors, interleaved *m) {
    SRD_UNROLL for (int g = 0; g < SRD_CHANNEL_STEP; g += 4) {
        four_weights w[SRD_VECTORS];
        SRD_UNROLL for (int j = 0; j < vectors; j++) w[j] = weights(packed + g * SRD_BLOCK + j * SRD_LANES * 4);
        SRD_UNROLL for (int p = 0; p < pixels; p++) {
            const four_values c = quantized(input[p / 4] + p % 4 * pixel + g);
            SRD_UNROLL for (int j = 0; j < vectors; j++) {
                sum[p][j] = dot(sum[p][j], c, w[j]);
                SRD_KEEP_ORDER(sum[p][j]);
                if (m) interleave(m, (g / 4 * pixels + p) * vectors + j + 1, SRD_CHANNEL_STEP / 4 * pixels * vectors);
            }
        }
    }
}

/// Adds the taps' products to the accumulators of `pixels` from x on and `vectors` of output channels from the start of
/// a block on. The block's weights are `offset` bytes from the first block's. Pending pixels of `w`, if it is not NULL,
/// go through the epilogue meanwhile.
SRD_INLINE void add_products(
    pipelined_tile *w, const srd_input_group_s8 *input_group, ivec (*sum)[SRD_VECTORS], int x, ptrdiff_t offset,
    const int pixels, const int vectors) {
#if SRD_PIPELINES_TILES
    interleaved m = {.w = w};
#endif
    for (int t = 0; t < input_group->tap_count; t++) {
        const srd_tap_s8 *tap = &input_group->taps[t];
        const ptrdiff_t pixel = tap->pixel;
        const int8_t *packed = tap->weights + offset;
        const srd_quantized *input[(SRD_PIXELS + 3) / 4];
        SRD_UNROLL for (int p = 0; p < pixels; p += 4) input[p / 4] = tap->input + (x + p) * pixel;
        int i = 0;
#define SRD_STEP(m)                                                                                                    \
    step(input, pixel, packed, sum, pixels, vectors, m);                                                               \
    SRD_UNROLL for (int p = 0; p < pixels; p += 4) input[p / 4] += SRD_CHANNEL_STEP;                                   \
    packed += SRD_CHANNEL_STEP * SRD_BLOCK;
#if SRD_PIPELINES_TILES
        if (w && has_pending(w)) {
            if (has_mish(w)) {
                do {
                    begin(&m);
                    SRD_STEP(&m)
                    end(&m);
                    i += SRD_CHANNEL_STEP;
                } while (i < tap->channels && has_pending(w));
                if (!has_pending(w)) finish_previous(&m);
            } else {
                do {
                    SRD_STEP(0)
                    finish_pending(w, 1);
                    i += SRD_CHANNEL_STEP;
                } while (i < tap->channels && has_pending(w));
            }
        }
#endif
        for (; i < tap->channels; i += SRD_CHANNEL_STEP) { SRD_STEP(0) }
    }
#if SRD_PIPELINES_TILES
    if (w) finish_previous(&m);
#endif
}

SRD_INLINE void products(
    const srd_input_group_s8 *input_group, ivec (*sum)[SRD_VECTORS], int x, ptrdiff_t offset, const int pixels,
    const int vectors) {
    add_products(0, input_group, sum, x, offset, pixels, vectors);
}

/// Runs products alone, on a tile's accumulators, which stay in registers. Returns the multiply-accumulates.
SRD_TARGET int64_t SRD_JOIN(srd_peak_s8_, SRD_ISA)(int64_t rounds) {
    static const int8_t bytes[SRD_VECTORS * SRD_LANES * 4];
    ivec sum[SRD_PIXELS][SRD_VECTORS] = {0};
    four_weights w[SRD_VECTORS];
    four_values c = quantized((const srd_quantized *)bytes);
    SRD_UNROLL for (int j = 0; j < SRD_VECTORS; j++) w[j] = hidden(weights(bytes + j * SRD_LANES * 4));
    for (int64_t r = 0; r < rounds; r++) {
        SRD_UNROLL for (int p = 0; p < SRD_PIXELS; p++) {
            c = hidden(c);
            SRD_UNROLL for (int j = 0; j < SRD_VECTORS; j++) sum[p][j] = dot(sum[p][j], c, w[j]);
        }
    }
    ivec total = {0};
    SRD_UNROLL for (int p = 0; p < SRD_PIXELS; p++) {
        SRD_UNROLL for (int j = 0; j < SRD_VECTORS; j++) total += sum[p][j];
    }
    __asm__ volatile("" ::"r"(total[0]));
    return rounds * SRD_PIXELS * SRD_BLOCK * 4;
}
