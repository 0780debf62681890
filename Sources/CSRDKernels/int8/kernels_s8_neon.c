// Without a dot product: byte products become words, and pairs of them are added twice.
#if defined(__aarch64__)
#pragma STDC FP_CONTRACT OFF
#include <arm_neon.h>
#include "kernels_s8.h"
#define ISA neon
#define TARGET
#define HELPER static inline __attribute__((always_inline))
#define PIXELS 8
#define FINISHED 4
#include "kernels_s8_neon_common.h"

HELPER ivec dot(ivec sum, int8x16_t c, int8x16_t w) {
    const int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(c), vget_low_s8(w)));
    const int32x4_t high = vpaddlq_s16(vmull_high_s8(c, w));
    return vaddq_s32(sum, vpaddq_s32(low, high));
}
#include "kernels_s8_body.h"
#endif
