// The int8 kernels, written once for every vector width. Before including it, define
//   ISA      the suffix of the functions       TARGET   __attribute__((target(…))) or nothing
//   LANES    floats in a vector                VECTORS  vectors of output channels in a block: 1, 2 or 4
//   PIXELS   pixels in the largest tile: 4, 6, 8 or 12
//   FINISHED pixels that go through the epilogue together
// the types vec (floats) and ivec (int32), and
//   VECTOR_REGISTER           how inline assembly names such a register
//   products(segment, …)      adds a segment's products to a tile's sums: kernels_s8_dot.h, or the instruction set's own
//   to_float(ivec)            rounded to nearest even              floor_vec(vec)
//   min_vec, max_vec          as a < b ? a : b, a > b ? a : b      to_int(k)  of an integral k
//   real(p, zero)             LANES codes as floats, in units of the scale
//   put(p, v, count, zero)    `count` vectors, rounded and clamped
//
// A tile is PIXELS × VECTORS sums held in registers. Its block of weights is read anew for every tile of the row: from
// the first cache where it fits (64 channels, 3×3, 32 outputs: 18 KB), else streamed from the second.
#include "kernels_s8.h"
#include "mish_s8.h"

typedef vec vec_u __attribute__((aligned(4)));

INLINE vec splat(float f) { return (vec){0} + f; }
INLINE vec load(const float *p) { return *(const vec_u *)p; }
INLINE ivec load_ints(const int32_t *p) { return (ivec)load((const float *)p); }

#define MIN_VEC(a, b) min_vec(a, splat(b))
#define MAX_VEC(a, b) max_vec(a, splat(b))
#define BITS(v) ((ivec)(v))
#define FROM_BITS(v) ((vec)(v))
SRD_DEFINE_MISH_S8(mish, VECTORS, vec, ivec, floor_vec, MIN_VEC, MAX_VEC, to_int, BITS, FROM_BITS, TARGET)

#define EACH UNROLL for (int p = 0; p < pixels; p++) UNROLL for (int j = 0; j < vectors; j++)

/// From what the taps gave to what is kept, for some pixels from x on and some vectors of channels from o on. All of them
/// take each operation together: one after the other, each would wait for its own results.
INLINE void finish(
    const srd_conv_row_s8_args *a, vec (*v)[VECTORS], const int pixels, const int vectors, int x, int o
) {
    if (a->activation == SRD_ACTIVATION_MISH) {
        mish(v, pixels, vectors);
    } else if (a->activation == SRD_ACTIVATION_LEAKY_RELU) {
        EACH v[p][j] = max_vec(v[p][j], v[p][j] * 0.2f);
    }
    if (a->gain != 1) EACH v[p][j] = v[p][j] * a->gain;
    if (a->time_bias) EACH v[p][j] = v[p][j] + load(a->time_bias + o + j * LANES);
    for (int r = 0; r < a->residual_count; r++) {
        const srd_residual_s8 *residual = &a->residual[r];
        const ptrdiff_t pixel = residual->pixel, first = x * pixel + o;
        const float scale = residual->scale;
        if (residual->codes) {
            const srd_code *row = residual->codes + first;
            EACH v[p][j] = v[p][j] + real(row + p * pixel + j * LANES, residual->zero_point) * scale;
        } else {
            const float *row = residual->floats + first;
            EACH v[p][j] = v[p][j] + load(row + p * pixel + j * LANES) * scale;
        }
    }
    if (a->floats) {
        float *row = a->floats + x * a->floats_pixel + o;
        EACH *(vec_u *)(row + p * a->floats_pixel + j * LANES) = v[p][j];
    }
    if (a->codes) {
        srd_code *row = a->codes + x * a->codes_pixel + o;
        EACH v[p][j] = v[p][j] * a->inverse_scale;
        UNROLL for (int p = 0; p < pixels; p++) put(row + p * a->codes_pixel, v[p], vectors, a->zero_point);
    }
}

/// `pixels` from x on, `vectors` of output channels from the start of a block on.
INLINE void tile(const srd_conv_row_s8_args *a, int x, int block, const int pixels, const int vectors) {
    const int o = block * BLOCK;
    vec v[PIXELS][VECTORS];
    for (int s = 0; s < a->segment_count; s++) {
        const srd_segment_s8 *segment = &a->segments[s];
        ivec sum[PIXELS][VECTORS];
        UNROLL for (int j = 0; j < vectors; j++) {
            const ivec start = load_ints(segment->start + o + j * LANES);
            UNROLL for (int p = 0; p < pixels; p++) sum[p][j] = start;
        }
        products(segment, sum, x, block * a->block_stride, pixels, vectors);
        UNROLL for (int j = 0; j < vectors; j++) {
            const vec scale = load(a->weight_scale + o + j * LANES) * segment->scale;
            const vec bias = load(a->bias + o + j * LANES);
            UNROLL for (int p = 0; p < pixels; p++) {
                v[p][j] = (s == 0 ? bias : v[p][j]) + to_float(sum[p][j]) * scale;
            }
        }
    }
    enum { together = FINISHED };
    for (int p = 0; p + together <= pixels; p += together) finish(a, v + p, together, vectors, x + p, o);
    for (int p = pixels / together * together; p < pixels; p++) finish(a, v + p, 1, vectors, x + p, o);
}

/// A block's part of the row. What is left at the end is computed with some of its neighbours again: that is as fast as
/// a narrower tile, whose few sums would wait for one another.
INLINE void columns(const srd_conv_row_s8_args *a, int block, const int vectors) {
    int x = 0;
    for (; x + PIXELS <= a->width; x += PIXELS) tile(a, x, block, PIXELS, vectors);
    if (PIXELS > 8 && x + 8 <= a->width) {
        tile(a, x, block, 8, vectors);
        x += 8;
    }
    while (x < a->width && a->width >= 4) {
        if (x > a->width - 4) x = a->width - 4;
        tile(a, x, block, 4, vectors);
        x += 4;
    }
    for (; x < a->width; x++) tile(a, x, block, 1, vectors);
}

TARGET void JOIN(srd_conv_row_s8_, ISA)(const srd_conv_row_s8_args *a) {
    // What is left behind the last whole block is a multiple of SRD_CHANNEL_STEP.
    enum { rest = BLOCK > SRD_CHANNEL_STEP ? SRD_CHANNEL_STEP / LANES : VECTORS };
    for (int o = 0; o < a->channels; o += BLOCK) {
        if (BLOCK <= SRD_CHANNEL_STEP || a->channels - o >= BLOCK) {
            columns(a, o / BLOCK, VECTORS);
        } else {
            columns(a, o / BLOCK, rest);
        }
    }
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
