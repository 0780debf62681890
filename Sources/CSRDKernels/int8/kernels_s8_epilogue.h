// From a tile's sums to what is kept of them, for kernels_s8_body.h.
#ifndef SRD_KERNELS_S8_EPILOGUE_H
#define SRD_KERNELS_S8_EPILOGUE_H
#include "kernels_s8.h"
#include "mish_s8.h"

typedef vec vec_u __attribute__((aligned(4)));

INLINE vec splat(float f) { return (vec){0} + f; }
INLINE vec load(const float *p) { return *(const vec_u *)p; }
INLINE ivec load_ints(const int32_t *p) { return (ivec)load((const float *)p); }

#ifndef CLAMP
#define CLAMP(a, b) max_vec(min_vec(a, splat(b)), splat(-(b)))
#endif
SRD_DEFINE_MISH_S8(mish, FINISHED, VECTORS, vec, CLAMP, TO_INT, BITS, FROM_BITS, TARGET)

#define EACH UNROLL for (int p = 0; p < pixels; p++) UNROLL for (int j = 0; j < vectors; j++)

/// The sums of segment s before its products.
INLINE void start(
    const srd_conv_row_s8_args *a, int s, ivec (*sum)[VECTORS], const int pixels, const int vectors, int o
) {
    UNROLL for (int j = 0; j < vectors; j++) {
        const ivec first = load_ints(a->segments[s].start + o + j * LANES);
        UNROLL for (int p = 0; p < pixels; p++) sum[p][j] = first;
    }
}

/// v = bias for the first segment, then v + sum · scale.
INLINE void add_sums(
    const srd_conv_row_s8_args *a, int s, ivec (*sum)[VECTORS], vec (*v)[VECTORS], const int pixels, const int vectors, int o
) {
    UNROLL for (int j = 0; j < vectors; j++) {
        const vec scale = load(a->weight_scale + o + j * LANES) * a->segments[s].scale;
        const vec bias = load(a->bias + o + j * LANES);
        UNROLL for (int p = 0; p < pixels; p++) v[p][j] = (s == 0 ? bias : v[p][j]) + to_float(sum[p][j]) * scale;
    }
}

#ifndef PUTS_PIXELS
INLINE void put_pixels(
    srd_code *p, ptrdiff_t pixel, vec (*v)[VECTORS], const int pixels, const int vectors, int zero_point
) {
    UNROLL for (int i = 0; i < pixels; i++) put(p + i * pixel, v[i], vectors, zero_point);
}
#endif

/// What follows the activation.
INLINE void keep(const srd_conv_row_s8_args *a, vec (*v)[VECTORS], const int pixels, const int vectors, int x, int o) {
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
        put_pixels(row, a->codes_pixel, v, pixels, vectors, a->zero_point);
    }
}

/// All that follows the sums, for some pixels from x on and some vectors of channels from o on. All of them take each
/// operation together: one after the other, each would wait for its own results.
INLINE void finish(
    const srd_conv_row_s8_args *a, vec (*v)[VECTORS], const int pixels, const int vectors, int x, int o
) {
    if (a->activation == SRD_ACTIVATION_MISH) {
        mish(v, pixels, vectors);
    } else if (a->activation == SRD_ACTIVATION_LEAKY_RELU) {
        EACH v[p][j] = max_vec(v[p][j], v[p][j] * 0.2f);
    }
    keep(a, v, pixels, vectors, x, o);
}

/// Brings in the floats and codes that the epilogue of `pixels` from x on and of a block of channels from o on will read and write:
/// they lie in lines that no processor foresees, and have left the second cache since the last band.
INLINE void bring_outputs(const srd_conv_row_s8_args *a, int x, const int pixels, int o) {
#if BRINGS_OUTPUTS
    enum { line = 16 };         // floats
    UNROLL for (int p = 0; p < pixels; p++) {
        if (a->floats) {
            UNROLL for (int c = 0; c < BLOCK; c += line) __builtin_prefetch(a->floats + (x + p) * a->floats_pixel + o + c, 1);
        }
        for (int r = 0; r < a->residual_count; r++) {
            const srd_residual_s8 *residual = &a->residual[r];
            if (residual->floats) {
                UNROLL for (int c = 0; c < BLOCK; c += line) __builtin_prefetch(residual->floats + (x + p) * residual->pixel + o + c);
            } else {
                __builtin_prefetch(residual->codes + (x + p) * residual->pixel + o);
            }
        }
        if (a->codes) __builtin_prefetch(a->codes + (x + p) * a->codes_pixel + o, 1);
    }
#endif
}

#if !OVERLAPS
/// A row and what of its epilogue is still to be done: nothing.
typedef struct {
    const srd_conv_row_s8_args *a;
} waiting;
#endif
#endif
