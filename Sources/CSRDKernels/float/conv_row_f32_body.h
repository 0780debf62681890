// One body for every vector width. Before including it, define
//   NAME    the function            LANES   floats in a vector
//   PIXELS  pixels in a tile        TARGET  __attribute__((target(…))) or nothing
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

INLINE void finish(const srd_conv_row_f32_args *a, vec v, int x, int o) {
    const int lanes = a->channels - o;
    if (lanes <= 0) return;
    v = v + load(a->bias + o, lanes);
    if (a->activation == SRD_ACTIVATION_MISH) v = mish(v);
    if (a->activation == SRD_ACTIVATION_LEAKY_RELU) v = choose(v < splat(0), v * 0.2f, v);
    if (a->gain != 1) v = v * a->gain;
    if (a->time_bias) v = v + load(a->time_bias + o, lanes);
    for (int r = 0; r < a->residual_count; r++) {
        v = v + load(a->residual[r] + x * a->residual_pixel + o, lanes) * a->residual_gain[r];
    }
    store(a->output + x * a->output_pixel + o, v, lanes);
}

INLINE void tile(const srd_conv_row_f32_args *a, int x, int block, const int pixels) {
    vec sum[PIXELS][2];
    for (int p = 0; p < pixels; p++) sum[p][0] = sum[p][1] = splat(0);
    for (int t = 0; t < a->tap_count; t++) {
        const srd_tap_f32 *tap = &a->taps[t];
        const ptrdiff_t pixel = tap->pixel;
        const float *input = tap->input + x * pixel;
        const float *weights = tap->weights + block * a->block_stride;
        vec part[PIXELS][2];
#pragma clang loop unroll(full)
        for (int p = 0; p < pixels; p++) part[p][0] = part[p][1] = splat(0);
        for (int i = 0; i < tap->channels; i++) {
            const vec w0 = *(const vec_u *)(weights + (ptrdiff_t)i * BLOCK);
            const vec w1 = *(const vec_u *)(weights + (ptrdiff_t)i * BLOCK + LANES);
#pragma clang loop unroll(full)
            for (int p = 0; p < pixels; p++) {
                const vec v = splat(input[p * pixel + i]);
                part[p][0] = part[p][0] + v * w0;
                part[p][1] = part[p][1] + v * w1;
            }
        }
#pragma clang loop unroll(full)
        for (int p = 0; p < pixels; p++) {
            sum[p][0] = sum[p][0] + part[p][0];
            sum[p][1] = sum[p][1] + part[p][1];
        }
    }
#pragma clang loop unroll(full)
    for (int p = 0; p < pixels; p++) {
        finish(a, sum[p][0], x + p, block * BLOCK);
        finish(a, sum[p][1], x + p, block * BLOCK + LANES);
    }
}

TARGET void NAME(const srd_conv_row_f32_args *a) {
    for (int block = 0; block * BLOCK < a->channels; block++) {
        int x = 0;
        for (; x + PIXELS <= a->width; x += PIXELS) tile(a, x, block, PIXELS);
        for (; x + 4 <= a->width; x += 4) tile(a, x, block, 4);
        for (; x < a->width; x++) tile(a, x, block, 1);
    }
}
