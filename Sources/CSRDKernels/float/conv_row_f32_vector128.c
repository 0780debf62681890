// The baseline of the architecture: SSE2 or NEON, 16 or 32 registers of 4 floats.
#pragma STDC FP_CONTRACT OFF
#include "conv_row_f32.h"
#define NAME srd_conv_row_f32_vector128
#define LANES 4
#if defined(__aarch64__)
#define PIXELS 12
#define FEW 6
#else
#define PIXELS 6
#define FEW 6
#endif
#define TARGET
#include "conv_row_f32_body.h"
