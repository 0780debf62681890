#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include "conv_row_f32.h"
#define SRD_NAME srd_conv_row_f32_avx512
#define SRD_LANES 16
#define SRD_PIXELS 12
#define SRD_FEW_PIXELS 4
#define SRD_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#include "conv_row_f32_body.h"
#endif
