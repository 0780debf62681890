#include "kernels_s8.h"

#define KERNELS(ISA, BLOCK, GROUP, OFFSET)                                                                             \
    {#ISA, BLOCK, GROUP, OFFSET, srd_conv_row_s8_##ISA, srd_quantize_row_s8_##ISA, srd_dequantize_row_s8_##ISA}

const srd_kernels_s8 *srd_kernels_s8_available(int *count) {
    static const srd_kernels_s8 all[] = {
        KERNELS(scalar, 1, SRD_CHANNEL_STEP, 0),
    };
    *count = 1;
    return all;
}
