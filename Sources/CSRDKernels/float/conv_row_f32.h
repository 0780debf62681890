#ifndef SRD_CONV_ROW_F32_H
#define SRD_CONV_ROW_F32_H
#include "srd_float.h"

#define SRD_BLOCK_F32_SCALAR 8
void srd_conv_row_f32_scalar(const srd_conv_row_f32_args *a);
void srd_conv_row_f32_vector128(const srd_conv_row_f32_args *a);
#if defined(__x86_64__)
void srd_conv_row_f32_avx2(const srd_conv_row_f32_args *a);
void srd_conv_row_f32_avx512(const srd_conv_row_f32_args *a);
#endif
#endif
