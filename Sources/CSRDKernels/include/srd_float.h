// Float kernels of the reference executor.
//
// Every function gives the same bits on every instruction set: sums run in the order written here, one rounding per
// operation, no contraction to fused multiply-add.
#ifndef SRD_FLOAT_H
#define SRD_FLOAT_H

#include <stddef.h>
#include <stdint.h>

/// One tap of a convolution row: what it reads for output pixel 0, and how far the next pixel is.
typedef struct {
    const float *input;
    ptrdiff_t pixel;            // floats from one output pixel's input to the next's
    int channels;
    const float *weights;       // this tap's part of block 0, [channels][block]
} srd_tap_f32;

typedef enum {
    SRD_ACTIVATION_NONE = 0,
    SRD_ACTIVATION_MISH = 1,            // in the float kernels to rounding, in the int8 ones as srd_mish_s8
    SRD_ACTIVATION_LEAKY_RELU = 2,
    SRD_ACTIVATION_MISH_S8 = 3,         // srd_mish_s8 in the float kernels, for results that get eight bits
} srd_activation;

/// out = gain · activation(Σ taps Σ channels input · weight + bias) + time bias + Σ residual gain · residual
typedef struct {
    const srd_tap_f32 *taps;
    int tap_count;
    int width;                  // output pixels
    int channels;               // output channels
    ptrdiff_t block_stride;     // floats from a tap's weights in one block of output channels to the next
    const float *bias;          // [channels]
    const float *time_bias;     // [channels] or NULL
    float gain;
    srd_activation activation;
    int residual_count;
    const float *residual[2];
    ptrdiff_t residual_pixel;   // floats from pixel to pixel, of both
    float residual_gain[2];
    float *output;
    ptrdiff_t output_pixel;     // floats from one output pixel to the next
} srd_conv_row_f32_args;

typedef struct __attribute__((swift_attr("@Sendable"))) {
    const char *name;
    /// Output channels per block of packed weights; the last block is filled up with zeros.
    int block;
    void (*conv_row)(const srd_conv_row_f32_args *args);
} srd_kernels_f32;

/// The instruction sets this machine has, slowest first; [0] is the scalar twin.
const srd_kernels_f32 *srd_kernels_f32_available(int *count);

/// x · tanh(ln(1 + eˣ)), to about 1e-7 of its value.
float srd_mish_f32(float x);

#endif
