// One body for every vector width. Before including it, define
//   SRD_NAME        the function            SRD_LANES   floats in a vector
//   SRD_PIXELS      pixels in a tile        SRD_TARGET  __attribute__((target(…))) or nothing
//   SRD_FEW_PIXELS  pixels in a tile with few input channels, and in the epilogue; divides SRD_PIXELS
// A tile is SRD_PIXELS pixels × 2 vectors of output channels, held in registers.
#include "srd_float.h"

typedef float vec __attribute__((vector_size(4 * SRD_LANES)));
typedef int32_t ivec __attribute__((vector_size(4 * SRD_LANES)));
typedef float vec_u __attribute__((vector_size(4 * SRD_LANES), aligned(4)));
#define SRD_INLINE SRD_TARGET static inline __attribute__((always_inline))
#define SRD_BLOCK (2 * SRD_LANES)

SRD_INLINE vec splat(float f) { return (vec){0} + f; }
SRD_INLINE vec choose(ivec mask, vec a, vec b) { return (vec)((mask & (ivec)a) | (~mask & (ivec)b)); }
#define SRD_VEC_MIN(a, b) choose((a) < splat(b), (a), splat(b))
#define SRD_VEC_MAX(a, b) choose((a) > splat(b), (a), splat(b))
#define SRD_TO_INT(k, I) __builtin_convertvector(k, I)
#define SRD_BITS(bits, T) ((T)(bits))
#include "mish.h"
SRD_DEFINE_MISH(mish, vec, ivec, SRD_VEC_MIN, SRD_VEC_MAX, SRD_TARGET)
#include "../int8/mish_s8.h"
#define SRD_CLAMP(a, b) SRD_VEC_MAX(SRD_VEC_MIN(a, b), -(b))
SRD_DEFINE_MISH_S8(mish_s8, SRD_FEW_PIXELS, 2, vec, SRD_CLAMP, SRD_AS_INT, SRD_AS_BITS, SRD_FROM_BITS, SRD_TARGET)

SRD_INLINE vec load(const float *p, int lanes) {
    if (lanes >= SRD_LANES) return *(const vec_u *)p;
    vec v = {0};
    for (int i = 0; i < lanes; i++) v[i] = p[i];
    return v;
}
SRD_INLINE void store(float *p, vec v, int lanes) {
    if (lanes >= SRD_LANES) {
        *(vec_u *)p = v;
    } else {
        for (int i = 0; i < lanes; i++) p[i] = v[i];
    }
}

#define SRD_UNROLL _Pragma("clang loop unroll(full)")
#define SRD_EACH SRD_UNROLL for (int p = 0; p < pixels; p++) SRD_UNROLL for (int j = 0; j < vectors; j++)

/// The epilogue of some pixels. All of them take each operation before the next one, because each operation depends on
/// the one before.
SRD_INLINE void finish(const srd_conv_row_f32_args *a, vec (*v)[2], const int pixels, const int vectors, int x, int o) {
    const int lanes = a->channels - o;
    SRD_EACH v[p][j] = v[p][j] + load(a->bias + o + j * SRD_LANES, lanes - j * SRD_LANES);
    if (a->activation == SRD_ACTIVATION_MISH) SRD_EACH v[p][j] = mish(v[p][j]);
    if (a->activation == SRD_ACTIVATION_MISH_S8) mish_s8(v, pixels, vectors);
    if (a->activation == SRD_ACTIVATION_LEAKY_RELU)
        SRD_EACH v[p][j] = choose(v[p][j] < splat(0), v[p][j] * 0.2f, v[p][j]);
    if (a->gain != 1) SRD_EACH v[p][j] = v[p][j] * a->gain;
    if (a->time_bias) SRD_EACH v[p][j] = v[p][j] + load(a->time_bias + o + j * SRD_LANES, lanes - j * SRD_LANES);
    for (int r = 0; r < a->residual_count; r++) {
        const float *residual = a->residual[r] + x * a->residual_pixel + o, gain = a->residual_gain[r];
        SRD_EACH v[p][j] = v[p][j] +
            load(residual + p * a->residual_pixel + j * SRD_LANES, lanes - j * SRD_LANES) * gain;
    }
    SRD_EACH store(a->output + (x + p) * a->output_pixel + o + j * SRD_LANES, v[p][j], lanes - j * SRD_LANES);
}

/// Adds one channel's products to a tap's sums. The first channel's products initialize them. (0 + v differs from v
/// only in the sign of zero, which is lost when the tap's sum is added to the others.)
SRD_INLINE void add_channel(
    const float *input, ptrdiff_t pixel, const float *weights, vec (*part)[2], const int first, const int pixels,
    const int vectors) {
    vec w[2];
    SRD_UNROLL for (int j = 0; j < vectors; j++) w[j] = *(const vec_u *)(weights + j * SRD_LANES);
    SRD_UNROLL for (int p = 0; p < pixels; p++) {
        const float v = input[p * pixel];
        SRD_UNROLL for (int j = 0; j < vectors; j++) part[p][j] = first ? w[j] * v : part[p][j] + w[j] * v;
    }
}

/// Computes a tile. `channels` is the number of channels of every tap, or 0 to use the taps' own, not unrolled.
SRD_INLINE void tile(
    const srd_conv_row_f32_args *a, int x, int block, const int pixels, const int vectors, const int channels) {
    vec sum[SRD_PIXELS][2];
    SRD_EACH sum[p][j] = splat(0);
    for (int t = 0; t < a->tap_count; t++) {
        const srd_tap_f32 *tap = &a->taps[t];
        const ptrdiff_t pixel = tap->pixel;
        const float *input = tap->input + x * pixel;
        const float *weights = tap->weights + block * a->block_stride;
        vec part[SRD_PIXELS][2];
        add_channel(input, pixel, weights, part, 1, pixels, vectors);
        if (channels) {
            SRD_UNROLL for (int i = 1; i < channels; i++) {
                add_channel(input + i, pixel, weights + i * SRD_BLOCK, part, 0, pixels, vectors);
            }
        } else {
            for (int i = 1; i < tap->channels; i++) {
                add_channel(input + i, pixel, weights + (ptrdiff_t)i * SRD_BLOCK, part, 0, pixels, vectors);
            }
        }
        SRD_EACH sum[p][j] = sum[p][j] + part[p][j];
    }
    SRD_UNROLL for (int p = 0; p < pixels; p += SRD_FEW_PIXELS < pixels ? SRD_FEW_PIXELS : pixels) {
        finish(a, sum + p, SRD_FEW_PIXELS < pixels ? SRD_FEW_PIXELS : pixels, vectors, x + p, block * SRD_BLOCK);
    }
}

SRD_INLINE void columns(
    const srd_conv_row_f32_args *a, int block, const int pixels, const int vectors, const int channels) {
    int x = 0;
    for (; x + pixels <= a->width; x += pixels) tile(a, x, block, pixels, vectors, channels);
    if (pixels > 4) {
        for (; x + 4 <= a->width; x += 4) tile(a, x, block, 4, vectors, channels);
    }
    for (; x < a->width; x++) tile(a, x, block, 1, vectors, channels);
}

#if SRD_LANES == 4
#define SRD_ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define SRD_ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#elif SRD_LANES == 8
#define SRD_ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define SRD_ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define SRD_ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define SRD_ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#endif

/// Transposes in place: v[i][j] becomes v[j][i].
SRD_INLINE void transpose(vec *v) {
    SRD_UNROLL for (int round = 1; round < SRD_LANES; round *= 2) {
        vec next[SRD_LANES];
        SRD_UNROLL for (int i = 0; i < SRD_LANES / 2; i++) {
            next[2 * i] = SRD_ZIP_LOW(v[i], v[i + SRD_LANES / 2]);
            next[2 * i + 1] = SRD_ZIP_HIGH(v[i], v[i + SRD_LANES / 2]);
        }
        SRD_UNROLL for (int i = 0; i < SRD_LANES; i++) v[i] = next[i];
    }
}

/// Computes SRD_LANES pixels of three output channels. The lanes are pixels, since three channels would leave most
/// lanes unused; sums run in the same order.
SRD_INLINE void three_outputs(const srd_conv_row_f32_args *a, int x) {
    enum { outputs = 3 };
    vec sum[outputs];
    SRD_UNROLL for (int o = 0; o < outputs; o++) sum[o] = splat(0);
    for (int t = 0; t < a->tap_count; t++) {
        const srd_tap_f32 *tap = &a->taps[t];
        vec part[outputs];
        SRD_UNROLL for (int o = 0; o < outputs; o++) part[o] = splat(0);
        for (int i = 0; i < tap->channels; i += SRD_LANES) {
            const float *input = tap->input + x * tap->pixel + i, *weights = tap->weights + (ptrdiff_t)i * SRD_BLOCK;
            vec v[SRD_LANES];
            SRD_UNROLL for (int p = 0; p < SRD_LANES; p++) v[p] = *(const vec_u *)(input + p * tap->pixel);
            transpose(v);
            SRD_UNROLL for (int c = 0; c < SRD_LANES; c++) {
                SRD_UNROLL for (int o = 0; o < outputs; o++) part[o] = part[o] + v[c] * weights[c * SRD_BLOCK + o];
            }
        }
        SRD_UNROLL for (int o = 0; o < outputs; o++) sum[o] = sum[o] + part[o];
    }
    SRD_UNROLL for (int o = 0; o < outputs; o++) {
        sum[o] = sum[o] + a->bias[o];
        for (int p = 0; p < SRD_LANES; p++) a->output[(x + p) * a->output_pixel + o] = sum[o][p];
    }
}

SRD_INLINE int has_three_outputs(const srd_conv_row_f32_args *a) {
    if (a->channels != 3 || a->activation != SRD_ACTIVATION_NONE || a->gain != 1 || a->time_bias || a->residual_count)
        return 0;
    for (int t = 0; t < a->tap_count; t++) {
        if (a->taps[t].channels % SRD_LANES) return 0;
    }
    return a->width >= SRD_LANES;
}

SRD_TARGET void SRD_NAME(const srd_conv_row_f32_args *a) {
    if (has_three_outputs(a)) {
        // The last pixels are computed together with some of their neighbours again.
        for (int x = 0; x < a->width; x += SRD_LANES)
            three_outputs(a, x + SRD_LANES <= a->width ? x : a->width - SRD_LANES);
        return;
    }
    // With only three channels per tap, spilling a large tile's totals for every tap does not pay off.
    int narrow = 1;
    for (int t = 0; t < a->tap_count; t++) narrow = narrow && a->taps[t].channels == 3;
    for (int block = 0; block * SRD_BLOCK < a->channels; block++) {
        if (a->channels - block * SRD_BLOCK <= SRD_LANES) {
            columns(a, block, SRD_PIXELS, 1, 0);
        } else if (narrow) {
            columns(a, block, SRD_FEW_PIXELS, 2, 3);
        } else {
            columns(a, block, SRD_PIXELS, 2, 0);
        }
    }
}
