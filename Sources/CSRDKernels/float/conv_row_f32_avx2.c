#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include "conv_row_f32.h"
#define NAME srd_conv_row_f32_avx2
#define LANES 8
#define PIXELS 6
#define FEW 2
#define TARGET __attribute__((target("avx2")))
#include "conv_row_f32_body.h"
#endif
