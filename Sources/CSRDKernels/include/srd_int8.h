// Integer kernels of the int8 executor.
//
// The scalar twins are the norm: every function gives the same bytes on every instruction set. Integer sums are exact;
// what follows them is float32, one rounding per operation in the order written here, no contraction, ties to even.
#ifndef SRD_INT8_H
#define SRD_INT8_H

#include "srd_float.h"

/// Activations are codes q in −128…127 with real = scale · (q − zero point), kept as one byte q + SRD_CODE_BIAS:
/// x86's byte products take one unsigned factor, ARM's take two signed ones.
#if defined(__x86_64__)
#define SRD_CODE_BIAS 128
#else
#define SRD_CODE_BIAS 0
#endif
typedef uint8_t srd_code;

/// Channels of a pixel, in codes or floats, are filled up to a multiple of this; weights of the rest are 0.
#define SRD_CHANNEL_STEP 16

/// One tap: what it reads for output pixel 0, and how far the next output pixel's input is.
typedef struct {
    const srd_code *input;
    ptrdiff_t pixel;            // codes
    int channels;               // a multiple of SRD_CHANNEL_STEP
    const int8_t *weights;      // this tap's part of block 0, [channels / group][block][group], −127…127
} srd_tap_s8;

/// Taps of one input: they share its scale and zero point.
typedef struct {
    const srd_tap_s8 *taps;
    int tap_count;
    const int32_t *start;       // [filled-up channels]: −(zero point + the kernels' offset) · Σ weights
    float scale;                // of the input
} srd_segment_s8;

/// A row to be added: codes, or floats where `codes` is NULL.
typedef struct {
    const srd_code *codes;
    const float *floats;
    ptrdiff_t pixel;            // elements from pixel to pixel
    int zero_point;
    float scale;                // of the codes, times the residual's gain; the gain alone for floats
} srd_residual_s8;

/// v = bias;  v = v + (float)(Σ taps Σ channels (q − zero point) · weight) · (segment scale · weight scale), by segment
/// v = activation(v);  v = v · gain (where gain ≠ 1);  v = v + time bias
/// v = v + (float)(q − zero point) · scale, by residual (floats: v + float · scale)
/// output floats: v;  output codes: clamp(rint(v · inverse scale) + zero point, −128…127)
typedef struct {
    const srd_segment_s8 *segments;
    int segment_count;
    int width;                  // output pixels
    int channels;               // output channels, filled up to a multiple of SRD_CHANNEL_STEP
    ptrdiff_t block_stride;     // bytes from a tap's weights in one block of output channels to the next
    const float *weight_scale;  // [channels]; this, bias, time bias and start are filled up to a multiple of 64
    const float *bias;
    const float *time_bias;     // or NULL
    float gain;
    srd_activation activation;
    int residual_count;
    srd_residual_s8 residual[2];
    srd_code *codes;            // or NULL
    ptrdiff_t codes_pixel;      // from one output pixel to the next
    float inverse_scale;
    int zero_point;
    float *floats;              // or NULL
    ptrdiff_t floats_pixel;
} srd_conv_row_s8_args;

/// Winograd's F(4×4, 3×3): at each of these places of a 6×6 patch, transformed, one product gives 4×4 outputs their share.
#define SRD_WINOGRAD_POINTS 36
#define SRD_WINOGRAD_ROWS 4
/// How large the convolution's sums of an input, of codes with the kernels' offset, may be: those of the products are 576 times
/// as large, and right modulo 2³².
#define SRD_WINOGRAD_LARGEST_SUM 0x1ffffff
/// Most channels of all inputs together.
#define SRD_WINOGRAD_CHANNELS 256
/// Weights (or codes) between one point's and the next's: or all points would fall on the same few lines of the cache.
#define SRD_WINOGRAD_PADDING 32

/// An input of a 3×3 convolution of stride 1, for four output rows.
typedef struct {
    const srd_code *rows[6];    // above the four rows, these, and below: the pixel to the left of output pixel 0
    ptrdiff_t pixel;            // codes
    int channels;               // a multiple of SRD_CHANNEL_STEP
    const int16_t *weights;     // transformed: this input's part of block 0, [point][channels / group][block][group], padded
    const int32_t *start;       // as a segment's
    float scale;
} srd_winograd_segment_s8;

/// Four rows by Winograd's F(4×4, 3×3) in exact integers: the same bytes as four calls of conv_row.
typedef struct {
    const srd_winograd_segment_s8 *segments;
    int segment_count;
    ptrdiff_t block_stride;     // weights from one block of output channels to the next
    /// All but their segments and block_stride; at least winograd_width wide. The last may be NULL: not wanted.
    const srd_conv_row_s8_args *rows[SRD_WINOGRAD_ROWS];
} srd_conv_winograd_s8_args;

typedef struct __attribute__((swift_attr("@Sendable"))) {
    const char *name;
    /// Packed weights are [block of output channels][segment][tap][channels / group][block][group]; the last block is
    /// filled up with zeros. A block is at most 64.
    int block, group;
    /// What the products see of a code q is q + offset: an instruction takes signed bytes, or unsigned ones.
    int offset;
    void (*conv_row)(const srd_conv_row_s8_args *args);
    /// Where fewer, wider products are faster than conv_row; else NULL.
    void (*conv_winograd)(const srd_conv_winograd_s8_args *args);
    /// Transforms one input's 3×3 weights of a block of winograd_block outputs, from packed ones of as many, all nine taps.
    void (*winograd_weights)(const int8_t *packed, ptrdiff_t block_stride, int channels, int16_t *transformed);
    int winograd_block, winograd_group; // transformed weights are [block][input][point][channels / group][block][group]
    /// Pixels that must be computed with the same weights: transformed ones are eight times as large to make.
    int winograd_pixels;
    /// Pixels that a part of the rows must have at least.
    int winograd_width;
    /// codes[i] = clamp(rint(floats[i] · inverse scale) + zero point, −128…127) + SRD_CODE_BIAS; count is any.
    void (*quantize_row)(const float *floats, ptrdiff_t count, float inverse_scale, int zero_point, srd_code *codes);
    /// floats[i] = (float)(q − zero point) · scale
    void (*dequantize_row)(const srd_code *codes, ptrdiff_t count, float scale, int zero_point, float *floats);
    /// `rounds` of nothing but this set's products, from registers: what a convolution can reach at most. Returns how
    /// many multiply-accumulates that was.
    int64_t (*peak)(int64_t rounds);
} srd_kernels_s8;

/// The instruction sets this machine has, slowest first; [0] is the scalar twin.
const srd_kernels_s8 *srd_kernels_s8_available(int *count);

/// Room for this thread's transformed weights: SRD_WINOGRAD_SCRATCH bytes.
enum { SRD_WINOGRAD_SCRATCH = 2 * SRD_WINOGRAD_POINTS * (SRD_WINOGRAD_CHANNELS * 32 + SRD_WINOGRAD_CHANNELS / SRD_CHANNEL_STEP * SRD_WINOGRAD_PADDING) };
int16_t *srd_winograd_scratch_s8(void);

/// Mish as the int8 kernels compute it: off by at most 1.3e-4 of its value, far below a code.
float srd_mish_s8(float x);

#endif
