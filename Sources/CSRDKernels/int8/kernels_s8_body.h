// The int8 kernels, written once for every vector width. Before including it, define
//   ISA      the suffix of the functions       TARGET   __attribute__((target(…))) or nothing
//   LANES    floats in a vector                VECTORS  vectors of output channels in a block: 1, 2 or 4
//   PIXELS   pixels in the largest tile: 4, 6, 8 or 12
//   FINISHED pixels that go through the epilogue together
// the types vec (floats) and ivec (int32), and
//   VECTOR_REGISTER           how inline assembly names such a register
//   products(segment, …)      adds a segment's products to a tile's sums: kernels_s8_dot.h, or the instruction set's own
//   to_float(ivec)            rounded to nearest even
//   min_vec, max_vec          as a < b ? a : b, a > b ? a : b
//   real(p, zero)             LANES codes as floats, in units of the scale
//   put(p, v, count, zero)    `count` vectors, rounded and clamped
//
// A tile is PIXELS × VECTORS sums held in registers. Its block of weights is read anew for every tile of the row: from
// the first cache where it fits (64 channels, 3×3, 32 outputs: 18 KB), else streamed from the second.
#include "kernels_s8_epilogue.h"

/// `pixels` from x on, `vectors` of output channels from the start of a block on.
INLINE void tile(const srd_conv_row_s8_args *a, int x, int block, const int pixels, const int vectors) {
    const int o = block * BLOCK;
    vec v[PIXELS][VECTORS];
    for (int s = 0; s < a->segment_count; s++) {
        ivec sum[PIXELS][VECTORS];
        start(a, s, sum, pixels, vectors, o);
        products(&a->segments[s], sum, x, block * a->block_stride, pixels, vectors);
        add_sums(a, s, sum, v, pixels, vectors, o);
    }
    enum { together = FINISHED };
    for (int p = 0; p + together <= pixels; p += together) finish(a, v + p, together, vectors, x + p, o);
    for (int p = pixels / together * together; p < pixels; p++) finish(a, v + p, 1, vectors, x + p, o);
}

#if OVERLAPS
#define TILE(pixels)                                                                                                   \
    if (vectors == VECTORS) {                                                                                          \
        overlapping_tile(w, x, block, pixels);                                                                         \
    } else {                                                                                                           \
        tile(w->a, x, block, pixels, vectors);                                                                         \
    }
#else
#define TILE(pixels) tile(w->a, x, block, pixels, vectors);
INLINE void finish_all(waiting *w) {}
#endif

/// A block's part of the row. What is left at the end is computed with some of its neighbours again: that is as fast as
/// a narrower tile, whose few sums would wait for one another.
INLINE void columns(waiting *w, int block, const int vectors) {
    const int width = w->a->width;
    int x = 0;
    while (x + PIXELS <= width || (PIXELS > 8 && x + 8 <= width)) {
        if (PIXELS > 8 && (width - x) % PIXELS != 0) {
            bring_outputs(w->a, x + 2 * PIXELS, 8, block * BLOCK);
            TILE(8)
            x += 8;
        } else {
            bring_outputs(w->a, x + 2 * PIXELS, PIXELS, block * BLOCK);
            TILE(PIXELS)
            x += PIXELS;
        }
    }
    while (x < width && width >= 4) {
        if (x > width - 4) x = width - 4;
        TILE(4)
        x += 4;
    }
    for (; x < width; x++) TILE(1)
}

TARGET void JOIN(srd_conv_row_s8_, ISA)(const srd_conv_row_s8_args *a) {
    // What is left behind the last whole block is a multiple of SRD_CHANNEL_STEP.
    enum { rest = BLOCK > SRD_CHANNEL_STEP ? SRD_CHANNEL_STEP / LANES : VECTORS };
    waiting w = {.a = a};
    for (int o = 0; o < a->channels; o += BLOCK) {
        if (BLOCK <= SRD_CHANNEL_STEP || a->channels - o >= BLOCK) {
            columns(&w, o / BLOCK, VECTORS);
        } else {
            columns(&w, o / BLOCK, rest);
        }
    }
    finish_all(&w);
}

TARGET void JOIN(srd_quantize_row_s8_, ISA)(
    const float *floats, ptrdiff_t count, float inverse_scale, int zero_point, srd_code *codes
) {
    enum { step = 16, vectors = step / LANES };
    ptrdiff_t i = 0;
    for (; i + step <= count; i += step) {
        vec v[vectors];
        UNROLL for (int j = 0; j < vectors; j++) v[j] = load(floats + i + j * LANES) * inverse_scale;
        put(codes + i, v, vectors, zero_point);
    }
    srd_quantize_row_s8_scalar(floats + i, count - i, inverse_scale, zero_point, codes + i);
}

TARGET void JOIN(srd_dequantize_row_s8_, ISA)(
    const srd_code *codes, ptrdiff_t count, float scale, int zero_point, float *floats
) {
    ptrdiff_t i = 0;
    for (; i + LANES <= count; i += LANES) *(vec_u *)(floats + i) = real(codes + i, zero_point) * scale;
    srd_dequantize_row_s8_scalar(codes + i, count - i, scale, zero_point, floats + i);
}
