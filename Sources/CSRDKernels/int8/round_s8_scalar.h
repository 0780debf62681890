// Quantizes and dequantizes single values.
#ifndef SRD_ROUND_S8_SCALAR_H
#define SRD_ROUND_S8_SCALAR_H
#include "srd_int8.h"

static inline int unbiased(srd_quantized q) { return (int8_t)(q ^ SRD_QUANTIZED_BIAS); }

/// Returns clamp(rint(v · inverse scale) + zero point, −128…127) as a byte, ties to even. Beyond ±256 steps every zero
/// point gives a bound, so the steps are clamped first; NaN counts as 256.
static inline srd_quantized quantize(float v, float inverse_scale, int zero_point) {
    float steps = v * inverse_scale;
    steps = steps < 256 ? steps : 256;
    steps = steps > -256 ? steps : -256;
    const int q = (int)((steps + 12582912.0f) - 12582912.0f) + zero_point;
    return (srd_quantized)((q < -128 ? -128 : q > 127 ? 127 : q) + SRD_QUANTIZED_BIAS);
}

/// Returns the real value in units of the scale: q − zero point.
static inline float real(srd_quantized q, int zero_point) { return (float)(unbiased(q) - zero_point); }
#endif
