// From a tile's accumulators to stored values, for kernels_s8_body.h.
#ifndef SRD_KERNELS_S8_EPILOGUE_H
#define SRD_KERNELS_S8_EPILOGUE_H
#include "kernels_s8.h"
#include "mish_s8.h"

typedef vec vec_u __attribute__((aligned(4)));

SRD_INLINE vec splat(float f) { return (vec){0} + f; }
SRD_INLINE vec load(const float *p) { return *(const vec_u *)p; }
SRD_INLINE ivec load_ints(const int32_t *p) { return (ivec)load((const float *)p); }

#ifndef SRD_CLAMP
#define SRD_CLAMP(a, b) max_vec(min_vec(a, splat(b)), splat(-(b)))
#endif
SRD_DEFINE_MISH_S8(
    mish, SRD_EPILOGUE_PIXELS, SRD_VECTORS, vec, SRD_CLAMP, SRD_AS_INT, SRD_AS_BITS, SRD_FROM_BITS, SRD_TARGET)

#define SRD_EACH SRD_UNROLL for (int p = 0; p < pixels; p++) SRD_UNROLL for (int j = 0; j < vectors; j++)

/// Initializes the accumulators of input group s with its zero-point correction.
SRD_INLINE void start_accumulators(
    const srd_conv_row_s8_args *a, int s, ivec (*sum)[SRD_VECTORS], const int pixels, const int vectors, int o) {
    SRD_UNROLL for (int j = 0; j < vectors; j++) {
        const ivec first = load_ints(a->input_groups[s].correction + o + j * SRD_LANES);
        SRD_UNROLL for (int p = 0; p < pixels; p++) sum[p][j] = first;
    }
}

/// Computes v = (s = 0 ? bias : v) + accumulator · scale.
SRD_INLINE void scale_accumulators(
    const srd_conv_row_s8_args *a, int s, ivec (*sum)[SRD_VECTORS], vec (*v)[SRD_VECTORS], const int pixels,
    const int vectors, int o) {
    SRD_UNROLL for (int j = 0; j < vectors; j++) {
        const vec scale = load(a->weight_scale + o + j * SRD_LANES) * a->input_groups[s].scale;
        const vec bias = load(a->bias + o + j * SRD_LANES);
        SRD_UNROLL for (int p = 0; p < pixels; p++) v[p][j] = (s == 0 ? bias : v[p][j]) + to_float(sum[p][j]) * scale;
    }
}

#ifndef SRD_STORES_PIXELS
SRD_INLINE void store_pixels(
    srd_quantized *p, ptrdiff_t pixel, vec (*v)[SRD_VECTORS], const int pixels, const int vectors, int zero_point) {
    SRD_UNROLL for (int i = 0; i < pixels; i++) store_quantized(p + i * pixel, v[i], vectors, zero_point);
}
#endif

/// Applies the part of the epilogue after the activation.
SRD_INLINE void apply_epilogue(
    const srd_conv_row_s8_args *a, vec (*v)[SRD_VECTORS], const int pixels, const int vectors, int x, int o) {
    if (a->gain != 1) SRD_EACH v[p][j] = v[p][j] * a->gain;
    if (a->time_bias) SRD_EACH v[p][j] = v[p][j] + load(a->time_bias + o + j * SRD_LANES);
    for (int r = 0; r < a->residual_count; r++) {
        const srd_residual_s8 *residual = &a->residual[r];
        const ptrdiff_t pixel = residual->pixel, first = x * pixel + o;
        const float scale = residual->scale;
        if (residual->quantized) {
            const srd_quantized *row = residual->quantized + first;
            SRD_EACH v[p][j] = v[p][j] + real(row + p * pixel + j * SRD_LANES, residual->zero_point) * scale;
        } else {
            const float *row = residual->floats + first;
            SRD_EACH v[p][j] = v[p][j] + load(row + p * pixel + j * SRD_LANES) * scale;
        }
    }
    if (a->floats) {
        float *row = a->floats + x * a->floats_pixel + o;
        SRD_EACH *(vec_u *)(row + p * a->floats_pixel + j * SRD_LANES) = v[p][j];
    }
    if (a->quantized) {
        srd_quantized *row = a->quantized + x * a->quantized_pixel + o;
        SRD_EACH v[p][j] = v[p][j] * a->inverse_scale;
        store_pixels(row, a->quantized_pixel, v, pixels, vectors, a->zero_point);
    }
}

/// Applies the epilogue from the activation on, for some pixels from x on and some vectors of channels from o on. All
/// of them take each operation before the next one, because each operation depends on the one before.
SRD_INLINE void finish(
    const srd_conv_row_s8_args *a, vec (*v)[SRD_VECTORS], const int pixels, const int vectors, int x, int o) {
    if (a->activation == SRD_ACTIVATION_MISH) {
        mish(v, pixels, vectors);
    } else if (a->activation == SRD_ACTIVATION_LEAKY_RELU) {
        SRD_EACH v[p][j] = max_vec(v[p][j], v[p][j] * 0.2f);
    }
    apply_epilogue(a, v, pixels, vectors, x, o);
}

/// Prefetches the floats and quantized values that the epilogue of `pixels` from x on and of a block of channels from o
/// on will read and write. They have left L2 since the last band, and hardware prefetchers do not predict their cache
/// lines.
SRD_INLINE void prefetch_outputs(const srd_conv_row_s8_args *a, int x, const int pixels, int o) {
#if SRD_PREFETCHES_OUTPUTS
    enum { line = 16 };  // floats
    SRD_UNROLL for (int p = 0; p < pixels; p++) {
        if (a->floats) {
            SRD_UNROLL for (int c = 0; c < SRD_BLOCK; c += line)
                __builtin_prefetch(a->floats + (x + p) * a->floats_pixel + o + c, 1);
        }
        for (int r = 0; r < a->residual_count; r++) {
            const srd_residual_s8 *residual = &a->residual[r];
            if (residual->floats) {
                SRD_UNROLL for (int c = 0; c < SRD_BLOCK; c += line)
                    __builtin_prefetch(residual->floats + (x + p) * residual->pixel + o + c);
            } else {
                __builtin_prefetch(residual->quantized + (x + p) * residual->pixel + o);
            }
        }
        if (a->quantized) __builtin_prefetch(a->quantized + (x + p) * a->quantized_pixel + o, 1);
    }
#endif
}

#if !SRD_PIPELINES_TILES
/// A row. Without pipelined tiles no epilogue is pending.
typedef struct {
    const srd_conv_row_s8_args *a;
} pipelined_tile;
#endif
#endif
