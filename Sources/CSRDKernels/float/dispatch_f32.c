#include "conv_row_f32.h"

const srd_kernels_f32 *srd_kernels_f32_available(int *count) {
    static const srd_kernels_f32 all[] = {
        {"scalar", SRD_BLOCK_F32_SCALAR, srd_conv_row_f32_scalar},
        {"vector128", 8, srd_conv_row_f32_vector128},
#if defined(__x86_64__)
        {"avx2", 16, srd_conv_row_f32_avx2},
        {"avx512", 32, srd_conv_row_f32_avx512},
#endif
    };
    int n = 2;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) n = 3;
    if (n == 3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        n = 4;
#endif
    *count = n;
    return all;
}
