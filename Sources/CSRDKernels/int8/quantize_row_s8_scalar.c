#pragma STDC FP_CONTRACT OFF
#include "kernels_s8.h"
#include "round_s8_scalar.h"

void srd_quantize_row_s8_scalar(
    const float *floats, ptrdiff_t count, float inverse_scale, int zero_point, srd_quantized *quantized) {
    for (ptrdiff_t i = 0; i < count; i++) quantized[i] = quantize(floats[i], inverse_scale, zero_point);
}

void srd_dequantize_row_s8_scalar(
    const srd_quantized *quantized, ptrdiff_t count, float scale, int zero_point, float *floats) {
    for (ptrdiff_t i = 0; i < count; i++) floats[i] = real(quantized[i], zero_point) * scale;
}
