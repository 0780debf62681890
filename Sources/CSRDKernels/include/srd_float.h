// Float kernels.
//
// Every function gives the same bits on every instruction set: sums run in the order written here, with one rounding
// per operation and without contraction to fused multiply-add.
#ifndef SRD_FLOAT_H
#define SRD_FLOAT_H

#include <stddef.h>
#include <stdint.h>

/// A tap of a convolution row: what it reads for output pixel 0, and the distance to the next output pixel's input.
typedef struct {
    const float *input;
    ptrdiff_t pixel;  // floats per output pixel
    int channels;
    const float *weights;  // this tap's part of block 0, [channels][block]
} srd_tap_f32;

typedef enum {
    SRD_ACTIVATION_NONE = 0,
    SRD_ACTIVATION_MISH = 1,  // in the float kernels to rounding, in the int8 ones as srd_mish_s8
    SRD_ACTIVATION_LEAKY_RELU = 2,
    SRD_ACTIVATION_MISH_S8 = 3,  // srd_mish_s8 in the float kernels, for results that are only quantized
} srd_activation;

/// out = gain · activation(Σ taps Σ channels input · weight + bias) + time bias + Σ residual gain · residual
typedef struct {
    const srd_tap_f32 *taps;
    int tap_count;
    int width;               // output pixels
    int channels;            // output channels
    ptrdiff_t block_stride;  // floats per block of output channels
    const float *bias;       // [channels]
    const float *time_bias;  // [channels] or NULL
    float gain;
    srd_activation activation;
    int residual_count;
    const float *residual[2];
    ptrdiff_t residual_pixel;  // floats per pixel of both residuals
    float residual_gain[2];
    float *output;
    ptrdiff_t output_pixel;  // floats per output pixel
} srd_conv_row_f32_args;

typedef struct __attribute__((swift_attr("@Sendable"))) {
    const char *name;
    /// Output channels per block of packed weights; the last block is padded with zeros.
    int block;
    void (*conv_row)(const srd_conv_row_f32_args *args);
} srd_kernels_f32;

/// The float kernels of this machine, slowest first; [0] is the scalar one.
const srd_kernels_f32 *srd_kernels_f32_available(int *count);

/// x · tanh(ln(1 + eˣ)), with a relative error of about 1e-7.
float srd_mish_f32(float x);

#endif
