// One body for every vector width. Before including it, define
//   NAME    the function            LANES   floats in a vector
//   PIXELS  pixels in a tile        TARGET  __attribute__((target(…))) or nothing
//   FEW     pixels in a tile of few input channels, and in the epilogue; divides PIXELS
// A tile is PIXELS pixels × 2 vectors of output channels, held in registers.
#include "srd_float.h"

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int32_t ivec __attribute__((vector_size(4 * LANES)));
typedef float vec_u __attribute__((vector_size(4 * LANES), aligned(4)));
#define INLINE TARGET static inline __attribute__((always_inline))
#define BLOCK (2 * LANES)

INLINE vec splat(float f) { return (vec){0} + f; }
INLINE vec choose(ivec mask, vec a, vec b) { return (vec)((mask & (ivec)a) | (~mask & (ivec)b)); }
#define VEC_MIN(a, b) choose((a) < splat(b), (a), splat(b))
#define VEC_MAX(a, b) choose((a) > splat(b), (a), splat(b))
#define SRD_TO_INT(k, I) __builtin_convertvector(k, I)
#define SRD_BITS(bits, T) ((T)(bits))
#include "mish.h"
SRD_DEFINE_MISH(mish, vec, ivec, VEC_MIN, VEC_MAX, TARGET)
#include "../int8/mish_s8.h"
#define CLAMP(a, b) VEC_MAX(VEC_MIN(a, b), -(b))
SRD_DEFINE_MISH_S8(mish_s8, FEW, 2, vec, CLAMP, TO_INT, BITS, FROM_BITS, TARGET)

INLINE vec load(const float *p, int lanes) {
    if (lanes >= LANES) return *(const vec_u *)p;
    vec v = {0};
    for (int i = 0; i < lanes; i++) v[i] = p[i];
    return v;
}
INLINE void store(float *p, vec v, int lanes) {
    if (lanes >= LANES) {
        *(vec_u *)p = v;
    } else {
        for (int i = 0; i < lanes; i++) p[i] = v[i];
    }
}

#define UNROLL _Pragma("clang loop unroll(full)")
#define EACH UNROLL for (int p = 0; p < pixels; p++) UNROLL for (int j = 0; j < vectors; j++)

/// All pixels take each operation together: one after the other, each would wait for its own results.
INLINE void finish(
    const srd_conv_row_f32_args *a, vec (*v)[2], const int pixels, const int vectors, int x, int o
) {
    const int lanes = a->channels - o;
    EACH v[p][j] = v[p][j] + load(a->bias + o + j * LANES, lanes - j * LANES);
    if (a->activation == SRD_ACTIVATION_MISH) EACH v[p][j] = mish(v[p][j]);
    if (a->activation == SRD_ACTIVATION_MISH_S8) mish_s8(v, pixels, vectors);
    if (a->activation == SRD_ACTIVATION_LEAKY_RELU) EACH v[p][j] = choose(v[p][j] < splat(0), v[p][j] * 0.2f, v[p][j]);
    if (a->gain != 1) EACH v[p][j] = v[p][j] * a->gain;
    if (a->time_bias) EACH v[p][j] = v[p][j] + load(a->time_bias + o + j * LANES, lanes - j * LANES);
    for (int r = 0; r < a->residual_count; r++) {
        const float *residual = a->residual[r] + x * a->residual_pixel + o, gain = a->residual_gain[r];
        EACH v[p][j] = v[p][j] + load(residual + p * a->residual_pixel + j * LANES, lanes - j * LANES) * gain;
    }
    EACH store(a->output + (x + p) * a->output_pixel + o + j * LANES, v[p][j], lanes - j * LANES);
}

/// One channel's products for every pixel and vector; a tap's sum begins with them or takes them up. (0 + v differs from v
/// in the sign of zero alone, which is lost where the tap's sum is added to the others.)
INLINE void add_channel(
    const float *input, ptrdiff_t pixel, const float *weights, vec (*part)[2], const int first, const int pixels,
    const int vectors
) {
    vec w[2];
    UNROLL for (int j = 0; j < vectors; j++) w[j] = *(const vec_u *)(weights + j * LANES);
    UNROLL for (int p = 0; p < pixels; p++) {
        const float v = input[p * pixel];
        UNROLL for (int j = 0; j < vectors; j++) part[p][j] = first ? w[j] * v : part[p][j] + w[j] * v;
    }
}

/// `channels` of every tap, or 0 where they are many.
INLINE void tile(
    const srd_conv_row_f32_args *a, int x, int block, const int pixels, const int vectors, const int channels
) {
    vec sum[PIXELS][2];
    EACH sum[p][j] = splat(0);
    for (int t = 0; t < a->tap_count; t++) {
        const srd_tap_f32 *tap = &a->taps[t];
        const ptrdiff_t pixel = tap->pixel;
        const float *input = tap->input + x * pixel;
        const float *weights = tap->weights + block * a->block_stride;
        vec part[PIXELS][2];
        add_channel(input, pixel, weights, part, 1, pixels, vectors);
        if (channels) {
            UNROLL for (int i = 1; i < channels; i++) {
                add_channel(input + i, pixel, weights + i * BLOCK, part, 0, pixels, vectors);
            }
        } else {
            for (int i = 1; i < tap->channels; i++) {
                add_channel(input + i, pixel, weights + (ptrdiff_t)i * BLOCK, part, 0, pixels, vectors);
            }
        }
        EACH sum[p][j] = sum[p][j] + part[p][j];
    }
    UNROLL for (int p = 0; p < pixels; p += FEW < pixels ? FEW : pixels) {
        finish(a, sum + p, FEW < pixels ? FEW : pixels, vectors, x + p, block * BLOCK);
    }
}

INLINE void columns(const srd_conv_row_f32_args *a, int block, const int pixels, const int vectors, const int channels) {
    int x = 0;
    for (; x + pixels <= a->width; x += pixels) tile(a, x, block, pixels, vectors, channels);
    if (pixels > 4) {
        for (; x + 4 <= a->width; x += 4) tile(a, x, block, 4, vectors, channels);
    }
    for (; x < a->width; x++) tile(a, x, block, 1, vectors, channels);
}

#if LANES == 4
#define ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#elif LANES == 8
#define ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#endif

/// v[i][j] becomes v[j][i].
INLINE void transpose(vec *v) {
    UNROLL for (int round = 1; round < LANES; round *= 2) {
        vec next[LANES];
        UNROLL for (int i = 0; i < LANES / 2; i++) {
            next[2 * i] = ZIP_LOW(v[i], v[i + LANES / 2]);
            next[2 * i + 1] = ZIP_HIGH(v[i], v[i + LANES / 2]);
        }
        UNROLL for (int i = 0; i < LANES; i++) v[i] = next[i];
    }
}

/// Three output channels fill a vector badly: here its lanes are LANES pixels, and the sums run in the same order.
INLINE void three_outputs(const srd_conv_row_f32_args *a, int x) {
    enum { outputs = 3 };
    vec sum[outputs];
    UNROLL for (int o = 0; o < outputs; o++) sum[o] = splat(0);
    for (int t = 0; t < a->tap_count; t++) {
        const srd_tap_f32 *tap = &a->taps[t];
        vec part[outputs];
        UNROLL for (int o = 0; o < outputs; o++) part[o] = splat(0);
        for (int i = 0; i < tap->channels; i += LANES) {
            const float *input = tap->input + x * tap->pixel + i, *weights = tap->weights + (ptrdiff_t)i * BLOCK;
            vec v[LANES];
            UNROLL for (int p = 0; p < LANES; p++) v[p] = *(const vec_u *)(input + p * tap->pixel);
            transpose(v);
            UNROLL for (int c = 0; c < LANES; c++) {
                UNROLL for (int o = 0; o < outputs; o++) part[o] = part[o] + v[c] * weights[c * BLOCK + o];
            }
        }
        UNROLL for (int o = 0; o < outputs; o++) sum[o] = sum[o] + part[o];
    }
    UNROLL for (int o = 0; o < outputs; o++) {
        sum[o] = sum[o] + a->bias[o];
        for (int p = 0; p < LANES; p++) a->output[(x + p) * a->output_pixel + o] = sum[o][p];
    }
}

INLINE int has_three_outputs(const srd_conv_row_f32_args *a) {
    if (a->channels != 3 || a->activation != SRD_ACTIVATION_NONE || a->gain != 1 || a->time_bias || a->residual_count) return 0;
    for (int t = 0; t < a->tap_count; t++) {
        if (a->taps[t].channels % LANES) return 0;
    }
    return a->width >= LANES;
}

TARGET void NAME(const srd_conv_row_f32_args *a) {
    if (has_three_outputs(a)) {
        // What is left at the end is computed with some of its neighbours again.
        for (int x = 0; x < a->width; x += LANES) three_outputs(a, x + LANES <= a->width ? x : a->width - LANES);
        return;
    }
    // With few channels a tap's own sums do not last long enough to be worth putting all others aside.
    int narrow = 1;
    for (int t = 0; t < a->tap_count; t++) narrow = narrow && a->taps[t].channels == 3;
    for (int block = 0; block * BLOCK < a->channels; block++) {
        if (a->channels - block * BLOCK <= LANES) {
            columns(a, block, PIXELS, 1, 0);
        } else if (narrow) {
            columns(a, block, FEW, 2, 3);
        } else {
            columns(a, block, PIXELS, 2, 0);
        }
    }
}
