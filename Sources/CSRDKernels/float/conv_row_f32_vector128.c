// The architecture's baseline: SSE2 with 16 or NEON with 32 registers of 4 floats.
#pragma STDC FP_CONTRACT OFF
#include "conv_row_f32.h"
#define SRD_NAME srd_conv_row_f32_vector128
#define SRD_LANES 4
#if defined(__aarch64__)
#define SRD_PIXELS 12
#define SRD_FEW_PIXELS 6
#else
#define SRD_PIXELS 6
#define SRD_FEW_PIXELS 6
#endif
#define SRD_TARGET
#include "conv_row_f32_body.h"
