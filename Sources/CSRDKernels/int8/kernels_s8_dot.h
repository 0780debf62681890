// A tile's products by four neighbouring channels at a time, for kernels_s8_body.h. Weights are packed in groups of 4.
// Before including it, define, beside what the body asks for,
//   four_codes, codes(p)      four channels of a pixel, in every lane
//   four_weights, weights(p)  four channels' weights of LANES outputs
//   dot(sum, codes, weights)  plus the four products, in each lane
//   hidden(codes)             the same, though the compiler must not know that

#include "kernels_s8_epilogue.h"
#if OVERLAPS
#include "kernels_s8_overlap.h"
#else
typedef struct shadow shadow;
INLINE void overlap(shadow *m, const int done, const int all) {}
#endif

/// The products of SRD_CHANNEL_STEP channels, and between them, where there is one, a pixel of another tile.
INLINE void step(
    const srd_code *const *input, ptrdiff_t pixel, const int8_t *packed, ivec (*sum)[VECTORS], const int pixels,
    const int vectors, shadow *m
) {
    UNROLL for (int g = 0; g < SRD_CHANNEL_STEP; g += 4) {
        four_weights w[VECTORS];
        UNROLL for (int j = 0; j < vectors; j++) w[j] = weights(packed + g * BLOCK + j * LANES * 4);
        UNROLL for (int p = 0; p < pixels; p++) {
            const four_codes c = codes(input[p / 4] + p % 4 * pixel + g);
            UNROLL for (int j = 0; j < vectors; j++) {
                sum[p][j] = dot(sum[p][j], c, w[j]);
                KEEP_ORDER(sum[p][j]);
                if (m) overlap(m, (g / 4 * pixels + p) * vectors + j + 1, SRD_CHANNEL_STEP / 4 * pixels * vectors);
            }
        }
    }
}

/// Adds the taps' products to the sums of `pixels` from x on, `vectors` of output channels from the start of a block on,
/// whose weights lie `offset` bytes from the first block's. What waits (or NULL) goes on meanwhile.
INLINE void add_products(
    waiting *w, const srd_segment_s8 *segment, ivec (*sum)[VECTORS], int x, ptrdiff_t offset, const int pixels,
    const int vectors
) {
#if OVERLAPS
    shadow m = {.w = w};
#endif
    for (int t = 0; t < segment->tap_count; t++) {
        const srd_tap_s8 *tap = &segment->taps[t];
        const ptrdiff_t pixel = tap->pixel;
        const int8_t *packed = tap->weights + offset;
        const srd_code *input[(PIXELS + 3) / 4];
        UNROLL for (int p = 0; p < pixels; p += 4) input[p / 4] = tap->input + (x + p) * pixel;
        int i = 0;
#define STEP(m)                                                                                                        \
    step(input, pixel, packed, sum, pixels, vectors, m);                                                               \
    UNROLL for (int p = 0; p < pixels; p += 4) input[p / 4] += SRD_CHANNEL_STEP;                                       \
    packed += SRD_CHANNEL_STEP * BLOCK;
#if OVERLAPS
        if (w && is_waiting(w)) {
            if (has_mish(w)) {
                do {
                    begin(&m);
                    STEP(&m)
                    end(&m);
                    i += SRD_CHANNEL_STEP;
                } while (i < tap->channels && is_waiting(w));
                if (!is_waiting(w)) keep_before(&m);
            } else {
                do {
                    STEP(0)
                    finish_waiting(w, 1);
                    i += SRD_CHANNEL_STEP;
                } while (i < tap->channels && is_waiting(w));
            }
        }
#endif
        for (; i < tap->channels; i += SRD_CHANNEL_STEP) { STEP(0) }
    }
#if OVERLAPS
    if (w) keep_before(&m);
#endif
}

INLINE void products(
    const srd_segment_s8 *segment, ivec (*sum)[VECTORS], int x, ptrdiff_t offset, const int pixels, const int vectors
) {
    add_products(0, segment, sum, x, offset, pixels, vectors);
}

/// Products alone, on a tile's worth of sums that stay in registers.
TARGET int64_t JOIN(srd_peak_s8_, ISA)(int64_t rounds) {
    static const int8_t bytes[VECTORS * LANES * 4];
    ivec sum[PIXELS][VECTORS] = {0};
    four_weights w[VECTORS];
    four_codes c = codes((const srd_code *)bytes);
    UNROLL for (int j = 0; j < VECTORS; j++) w[j] = hidden(weights(bytes + j * LANES * 4));
    for (int64_t r = 0; r < rounds; r++) {
        UNROLL for (int p = 0; p < PIXELS; p++) {
            c = hidden(c);
            UNROLL for (int j = 0; j < VECTORS; j++) sum[p][j] = dot(sum[p][j], c, w[j]);
        }
    }
    ivec total = {0};
    UNROLL for (int p = 0; p < PIXELS; p++) {
        UNROLL for (int j = 0; j < VECTORS; j++) total += sum[p][j];
    }
    __asm__ volatile("" ::"r"(total[0]));
    return rounds * PIXELS * BLOCK * 4;
}
