// The scalar kernel, which defines the bits of every other conv_row.
#pragma STDC FP_CONTRACT OFF
#include "srd_float.h"
#include "srd_int8.h"
#include "conv_row_f32.h"
#include <string.h>

static inline float from_bits(int32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}
#define SRD_TO_INT(k, I) ((I)(k))
#define SRD_BITS(bits, T) from_bits(bits)
#define SRD_MIN(a, b) ((a) < (b) ? (a) : (b))
#define SRD_MAX(a, b) ((a) > (b) ? (a) : (b))
#include "mish.h"
SRD_DEFINE_MISH(mish, float, int32_t, SRD_MIN, SRD_MAX, )

float srd_mish_f32(float x) { return mish(x); }

void srd_conv_row_f32_scalar(const srd_conv_row_f32_args *a) {
    enum { block = SRD_BLOCK_F32_SCALAR };
    for (int x = 0; x < a->width; x++) {
        for (int o = 0; o < a->channels; o++) {
            float sum = 0;
            for (int t = 0; t < a->tap_count; t++) {
                const srd_tap_f32 *tap = &a->taps[t];
                const float *input = tap->input + x * tap->pixel;
                const float *weights = tap->weights + (o / block) * a->block_stride + o % block;
                float part = 0;  // one sum per tap accumulates less rounding than one long sum
                for (int i = 0; i < tap->channels; i++) part = part + input[i] * weights[(ptrdiff_t)i * block];
                sum = sum + part;
            }
            float v = sum + a->bias[o];
            if (a->activation == SRD_ACTIVATION_MISH) v = mish(v);
            if (a->activation == SRD_ACTIVATION_MISH_S8) v = srd_mish_s8(v);
            if (a->activation == SRD_ACTIVATION_LEAKY_RELU) v = v < 0 ? v * 0.2f : v;
            if (a->gain != 1) v = v * a->gain;
            if (a->time_bias) v = v + a->time_bias[o];
            for (int r = 0; r < a->residual_count; r++) {
                v = v + a->residual[r][x * a->residual_pixel + o] * a->residual_gain[r];
            }
            a->output[x * a->output_pixel + o] = v;
        }
    }
}
