#if defined(__aarch64__)
#pragma STDC FP_CONTRACT OFF
#include <arm_neon.h>
#include "kernels_s8.h"
#define ISA neondotprod
#define TARGET __attribute__((target("arch=armv8.2-a+dotprod")))
#define HELPER TARGET static inline __attribute__((always_inline))
#define PIXELS 8
#define FINISHED 4
#include "kernels_s8_neon_common.h"

HELPER ivec dot(ivec sum, int8x16_t c, int8x16_t w) { return vdotq_s32(sum, w, c); }
#include "kernels_s8_body.h"
#endif
