// The int8 kernels, written once for every vector width. Before including it, define
//   SRD_ISA      the suffix of the functions       SRD_TARGET   __attribute__((target(…))) or nothing
//   SRD_LANES    floats in a vector                SRD_VECTORS  vectors of output channels in a block: 1, 2 or 4
//   SRD_PIXELS   pixels in the largest tile: 4, 6, 8 or 10
//   SRD_EPILOGUE_PIXELS pixels that go through the epilogue together
// the types vec (floats) and ivec (int32), and
//   SRD_VECTOR_REGISTER           how inline assembly names such a register
//   products(input_group, …)  adds an input group's products to a tile's accumulators (x86: kernels_s8_dot.h)
//   to_float(ivec)            rounded to nearest even
//   min_vec, max_vec          as a < b ? a : b, a > b ? a : b
//   real(p, zero)             SRD_LANES quantized values as floats, in units of the scale
//   store_quantized(p, v, count, zero)  rounds, clamps and stores `count` vectors
//
// A tile is SRD_PIXELS × SRD_VECTORS accumulators in registers. Its block of weights is read again for every tile of
// the row: from L1 if it fits (64 channels, 3×3, 32 outputs: 18 KB), else from L2.
#include "kernels_s8_epilogue.h"

/// Computes `pixels` from x on for `vectors` of output channels from the start of a block on.
SRD_INLINE void tile(const srd_conv_row_s8_args *a, int x, int block, const int pixels, const int vectors) {
    const int o = block * SRD_BLOCK;
    vec v[SRD_PIXELS][SRD_VECTORS];
    for (int s = 0; s < a->input_group_count; s++) {
        ivec sum[SRD_PIXELS][SRD_VECTORS];
        start_accumulators(a, s, sum, pixels, vectors, o);
        products(&a->input_groups[s], sum, x, block * a->block_stride, pixels, vectors);
        scale_accumulators(a, s, sum, v, pixels, vectors, o);
    }
    enum { together = SRD_EPILOGUE_PIXELS };
    for (int p = 0; p + together <= pixels; p += together) finish(a, v + p, together, vectors, x + p, o);
    for (int p = pixels / together * together; p < pixels; p++) finish(a, v + p, 1, vectors, x + p, o);
}

#if SRD_PIPELINES_TILES
#define SRD_TILE(pixels)                                                                                               \
    if (vectors == SRD_VECTORS) {                                                                                      \
        compute_pipelined(w, x, block, pixels);                                                                        \
    } else {                                                                                                           \
        tile(w->a, x, block, pixels, vectors);                                                                         \
    }
#else
#define SRD_TILE(pixels) tile(w->a, x, block, pixels, vectors);
SRD_INLINE void finish_all(pipelined_tile *w) {}
#endif

/// Computes a block's part of the row. The last pixels are computed together with some of their neighbours again, which
/// is as fast as a narrower tile, whose few accumulators would wait for one another.
SRD_INLINE void columns(pipelined_tile *w, int block, const int vectors) {
    const int width = w->a->width;
    int x = 0;
    while (x + SRD_PIXELS <= width || (SRD_PIXELS > 8 && x + 8 <= width)) {
        if (SRD_PIXELS > 8 && (width - x) % SRD_PIXELS != 0) {
            prefetch_outputs(w->a, x + 2 * SRD_PIXELS, 8, block * SRD_BLOCK);
            SRD_TILE(8)
            x += 8;
        } else {
            prefetch_outputs(w->a, x + 2 * SRD_PIXELS, SRD_PIXELS, block * SRD_BLOCK);
            SRD_TILE(SRD_PIXELS)
            x += SRD_PIXELS;
        }
    }
    while (x < width && width >= 4) {
        if (x > width - 4) x = width - 4;
        SRD_TILE(4)
        x += 4;
    }
    for (; x < width; x++) SRD_TILE(1)
}

SRD_TARGET void SRD_JOIN(srd_conv_row_s8_, SRD_ISA)(const srd_conv_row_s8_args *a) {
    // The channels after the last whole block are exactly SRD_CHANNEL_STEP, since a block is at most twice that.
    enum { rest = SRD_BLOCK > SRD_CHANNEL_STEP ? SRD_CHANNEL_STEP / SRD_LANES : SRD_VECTORS };
    pipelined_tile w = {.a = a};
    for (int o = 0; o < a->channels; o += SRD_BLOCK) {
        if (SRD_BLOCK <= SRD_CHANNEL_STEP || a->channels - o >= SRD_BLOCK) {
            columns(&w, o / SRD_BLOCK, SRD_VECTORS);
        } else {
            columns(&w, o / SRD_BLOCK, rest);
        }
    }
    finish_all(&w);
}

SRD_TARGET void SRD_JOIN(srd_quantize_row_s8_, SRD_ISA)(
    const float *floats, ptrdiff_t count, float inverse_scale, int zero_point, srd_quantized *quantized) {
    enum { step = 16, vectors = step / SRD_LANES };
    ptrdiff_t i = 0;
    for (; i + step <= count; i += step) {
        vec v[vectors];
        SRD_UNROLL for (int j = 0; j < vectors; j++) v[j] = load(floats + i + j * SRD_LANES) * inverse_scale;
        store_quantized(quantized + i, v, vectors, zero_point);
    }
    srd_quantize_row_s8_scalar(floats + i, count - i, inverse_scale, zero_point, quantized + i);
}

SRD_TARGET void SRD_JOIN(srd_dequantize_row_s8_, SRD_ISA)(
    const srd_quantized *quantized, ptrdiff_t count, float scale, int zero_point, float *floats) {
    ptrdiff_t i = 0;
    for (; i + SRD_LANES <= count; i += SRD_LANES) *(vec_u *)(floats + i) = real(quantized + i, zero_point) * scale;
    srd_dequantize_row_s8_scalar(quantized + i, count - i, scale, zero_point, floats + i);
}
