// The scalar kernel, which defines the bytes of every other conv_row.
#pragma STDC FP_CONTRACT OFF
#include "kernels_s8.h"
#include "mish_s8.h"
#include "round_s8_scalar.h"

static inline float clamp(float a, float b) { return a < -b ? -b : a > b ? b : a; }
static inline int32_t to_int(float f) { return (int32_t)f; }
static inline int32_t bits(float f) {
    int32_t i;
    __builtin_memcpy(&i, &f, sizeof i);
    return i;
}
static inline float from_bits(int32_t i) {
    float f;
    __builtin_memcpy(&f, &i, sizeof f);
    return f;
}
SRD_DEFINE_MISH_S8(mish_rows, 1, 1, float, clamp, to_int, bits, from_bits, )

float srd_mish_s8(float x) {
    float v[1][1] = {{x}};
    mish_rows(v, 1, 1);
    return v[0][0];
}

/// Returns correction + Σ taps Σ channels q · weight. Weights are [output channel][input group][tap][channel].
static int32_t sum(const srd_input_group_s8 *input_group, ptrdiff_t block_stride, int x, int o) {
    int32_t sum = input_group->correction[o];
    for (int t = 0; t < input_group->tap_count; t++) {
        const srd_tap_s8 *tap = &input_group->taps[t];
        const srd_quantized *input = tap->input + x * tap->pixel;
        const int8_t *weights = tap->weights + o * block_stride;
        for (int i = 0; i < tap->channels; i++) sum += unbiased(input[i]) * weights[i];
    }
    return sum;
}

void srd_conv_row_s8_scalar(const srd_conv_row_s8_args *a) {
    for (int x = 0; x < a->width; x++) {
        for (int o = 0; o < a->channels; o++) {
            float v = a->bias[o];
            for (int s = 0; s < a->input_group_count; s++) {
                const srd_input_group_s8 *input_group = &a->input_groups[s];
                v = v + (float)sum(input_group, a->block_stride, x, o) * (input_group->scale * a->weight_scale[o]);
            }
            if (a->activation == SRD_ACTIVATION_MISH) v = srd_mish_s8(v);
            if (a->activation == SRD_ACTIVATION_LEAKY_RELU) v = v < 0 ? v * 0.2f : v;
            if (a->gain != 1) v = v * a->gain;
            if (a->time_bias) v = v + a->time_bias[o];
            for (int r = 0; r < a->residual_count; r++) {
                const srd_residual_s8 *residual = &a->residual[r];
                const ptrdiff_t i = x * residual->pixel + o;
                const float term = residual->quantized ? real(residual->quantized[i], residual->zero_point)
                                                       : residual->floats[i];
                v = v + term * residual->scale;
            }
            if (a->floats) a->floats[x * a->floats_pixel + o] = v;
            if (a->quantized) a->quantized[x * a->quantized_pixel + o] = quantize(v, a->inverse_scale, a->zero_point);
        }
    }
}

int64_t srd_peak_s8_scalar(int64_t rounds) {
    int32_t sum[8] = {0}, q = 0, weight = 0;
    __asm__ volatile("" : "+r"(weight));
    for (int64_t r = 0; r < rounds; r++) {
        for (int i = 0; i < 8; i++) {
            __asm__ volatile("" : "+r"(q));
            sum[i] += q * weight;
        }
    }
    for (int i = 0; i < 8; i++) __asm__ volatile("" ::"r"(sum[i]));
    return rounds * 8;
}
