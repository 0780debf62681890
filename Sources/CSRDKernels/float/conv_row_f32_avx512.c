#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include "conv_row_f32.h"
#define NAME srd_conv_row_f32_avx512
#define LANES 16
#define PIXELS 12
#define FEW 4
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#include "conv_row_f32_body.h"
#endif
