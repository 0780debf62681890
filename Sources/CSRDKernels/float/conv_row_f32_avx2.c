#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include "conv_row_f32.h"
#define SRD_NAME srd_conv_row_f32_avx2
#define SRD_LANES 8
#define SRD_PIXELS 6
#define SRD_FEW_PIXELS 2
#define SRD_TARGET __attribute__((target("avx2")))
#include "conv_row_f32_body.h"
#endif
