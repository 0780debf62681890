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

/// Winograd's F(2×4, 3×3): at each of these places of a 4×6 patch, transformed, one product gives 2×4 outputs their share.
#define SRD_PAIR_POINTS 24
/// A transformed product's sum is this many times the convolution's.
#define SRD_PAIR_SCALE 48
/// Most channels of all inputs together.
#define SRD_PAIR_CHANNELS 256
/// Weights (or codes) between one point's and the next's: or all points would fall on the same few lines of the cache.
#define SRD_PAIR_PADDING 32

/// An input of a 3×3 convolution of stride 1, for two output rows.
typedef struct {
    const srd_code *rows[4];    // above the two rows, these, and below: the pixel to the left of output pixel 0
    ptrdiff_t pixel;            // codes
    int channels;               // a multiple of SRD_CHANNEL_STEP
    const int16_t *weights;     // transformed: this input's part of block 0, [point][channels / group][block][group], padded
    const int32_t *start;       // as a segment's
    float scale;
} srd_pair_segment_s8;

/// Two rows by Winograd's F(2×4, 3×3) in exact integers: the same bytes as two calls of conv_row.
///
/// 48 times the convolution must fit in int32: 48 · largest |code + offset| · Σ |weight| < 2³¹, for each input and output channel.
typedef struct {
    const srd_pair_segment_s8 *segments;
    int segment_count;
    ptrdiff_t block_stride;     // weights from one block of output channels to the next
    const srd_conv_row_s8_args *rows[2];        // all but their segments and block_stride; at least pair_width wide
} srd_conv_pair_s8_args;

typedef struct __attribute__((swift_attr("@Sendable"))) {
    const char *name;
    /// Packed weights are [block of output channels][segment][tap][channels / group][block][group]; the last block is
    /// filled up with zeros. A block is at most 64.
    int block, group;
    /// What the products see of a code q is q + offset: an instruction takes signed bytes, or unsigned ones.
    int offset;
    void (*conv_row)(const srd_conv_row_s8_args *args);
    /// Where fewer, wider products are faster than conv_row; else NULL.
    void (*conv_pair)(const srd_conv_pair_s8_args *args);
    /// Transforms one input's 3×3 weights of a block of pair_block outputs, from packed ones of as many, all nine taps.
    void (*pair_weights)(const int8_t *packed, ptrdiff_t block_stride, int channels, int16_t *transformed);
    int pair_block, pair_group; // transformed weights are [block][input][point][channels / group][block][group]
    /// Pixels that must be computed with the same weights: transformed ones are five times as large to bring in.
    int pair_pixels;
    /// Pixels that a part of the two rows must have at least.
    int pair_width;
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

/// Room for this thread's transformed weights: SRD_PAIR_SCRATCH bytes.
enum { SRD_PAIR_SCRATCH = 2 * SRD_PAIR_POINTS * (SRD_PAIR_CHANNELS * 32 + SRD_PAIR_CHANNELS / SRD_CHANNEL_STEP * SRD_PAIR_PADDING) };
int16_t *srd_pair_scratch_s8(void);

/// Mish as the int8 kernels compute it: off by at most 1.1e-4 of its value, far below a code.
float srd_mish_s8(float x);

#endif
