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
    if (a->activation == SRD_ACTIVATION_LEAKY_RELU) EACH v[p][j] = choose(v[p][j] < splat(0), v[p][j] * 0.2f, v[p][j]);
    if (a->gain != 1) EACH v[p][j] = v[p][j] * a->gain;
    if (a->time_bias) EACH v[p][j] = v[p][j] + load(a->time_bias + o + j * LANES, lanes - j * LANES);
    for (int r = 0; r < a->residual_count; r++) {
        const float *residual = a->residual[r] + x * a->residual_pixel + o, gain = a->residual_gain[r];
        EACH v[p][j] = v[p][j] + load(residual + p * a->residual_pixel + j * LANES, lanes - j * LANES) * gain;
    }
    EACH store(a->output + (x + p) * a->output_pixel + o + j * LANES, v[p][j], lanes - j * LANES);
}

INLINE void tile(const srd_conv_row_f32_args *a, int x, int block, const int pixels, const int vectors) {
    vec sum[PIXELS][2];
    EACH sum[p][j] = splat(0);
    for (int t = 0; t < a->tap_count; t++) {
        const srd_tap_f32 *tap = &a->taps[t];
        const ptrdiff_t pixel = tap->pixel;
        const float *input = tap->input + x * pixel;
        const float *weights = tap->weights + block * a->block_stride;
        vec part[PIXELS][2];
        EACH part[p][j] = splat(0);
        for (int i = 0; i < tap->channels; i++) {
            vec w[2];
            UNROLL for (int j = 0; j < vectors; j++) w[j] = *(const vec_u *)(weights + (ptrdiff_t)i * BLOCK + j * LANES);
            UNROLL for (int p = 0; p < pixels; p++) {
                const vec v = splat(input[p * pixel + i]);
                UNROLL for (int j = 0; j < vectors; j++) part[p][j] = part[p][j] + v * w[j];
            }
        }
        EACH sum[p][j] = sum[p][j] + part[p][j];
    }
    UNROLL for (int p = 0; p < pixels; p += FEW < pixels ? FEW : pixels) {
        finish(a, sum + p, FEW < pixels ? FEW : pixels, vectors, x + p, block * BLOCK);
    }
}

INLINE void columns(const srd_conv_row_f32_args *a, int block, const int pixels, const int vectors) {
    int x = 0;
    for (; x + pixels <= a->width; x += pixels) tile(a, x, block, pixels, vectors);
    if (pixels > 4) {
        for (; x + 4 <= a->width; x += 4) tile(a, x, block, 4, vectors);
    }
    for (; x < a->width; x++) tile(a, x, block, 1, vectors);
}

TARGET void NAME(const srd_conv_row_f32_args *a) {
    // With few channels a tap's own sums do not last long enough to be worth putting all others aside.
    const int narrow = a->taps[0].channels <= 4;
    for (int block = 0; block * BLOCK < a->channels; block++) {
        if (a->channels - block * BLOCK <= LANES) {
            columns(a, block, PIXELS, 1);
        } else if (narrow) {
            columns(a, block, FEW, 2);
        } else {
            columns(a, block, PIXELS, 2);
        }
    }
}
