// Integer kernels.
//
// The scalar kernels are normative: every function gives the same bytes on every instruction set. Accumulators are
// exact integers. The epilogue is float32 with one rounding per operation, in the order written here, without
// contraction; ties round to even.
#ifndef SRD_INT8_H
#define SRD_INT8_H

#include "srd_float.h"

/// A quantized value q in −128…127 stands for scale · (q − zero point). It is stored as the byte q +
/// SRD_QUANTIZED_BIAS, because x86's byte products take one unsigned factor and ARM's take two signed ones.
#if defined(__x86_64__)
#define SRD_QUANTIZED_BIAS 128
#else
#define SRD_QUANTIZED_BIAS 0
#endif
typedef uint8_t srd_quantized;

/// The channels of a pixel, quantized or float, are padded to a multiple of this. Weights of padding channels are 0.
#define SRD_CHANNEL_STEP 16

/// A tap: what it reads for output pixel 0, and the distance to the next output pixel's input.
typedef struct {
    const srd_quantized *input;
    ptrdiff_t pixel;        // bytes per output pixel
    int channels;           // a multiple of SRD_CHANNEL_STEP
    const int8_t *weights;  // this tap's part of block 0, [channels / group][block][group], −127…127
} srd_tap_s8;

/// The taps of one input, which share its scale and zero point.
typedef struct {
    const srd_tap_s8 *taps;
    int tap_count;
    // [padded channels]: the zero-point correction −(zero point + the kernels' offset) · Σ weights
    const int32_t *correction;
    float scale;  // of the input
} srd_input_group_s8;

/// A residual row: quantized values, or floats if `quantized` is NULL.
typedef struct {
    const srd_quantized *quantized;
    const float *floats;
    ptrdiff_t pixel;  // elements from pixel to pixel
    int zero_point;
    float scale;  // the quantized values' scale times the residual's gain; the gain alone for floats
} srd_residual_s8;

/// v = bias
/// v = v + (float)(Σ taps Σ channels (q − zero point) · weight) · (input scale · weight scale), by input group
/// v = activation(v);  v = v · gain (if gain ≠ 1);  v = v + time bias
/// v = v + (float)(q − zero point) · scale, by residual (floats: v + float · scale)
/// floats: v;  quantized: clamp(rint(v · inverse scale) + zero point, −128…127)
typedef struct {
    const srd_input_group_s8 *input_groups;
    int input_group_count;
    int width;                  // output pixels
    int channels;               // output channels, padded to a multiple of SRD_CHANNEL_STEP
    ptrdiff_t block_stride;     // bytes from a tap's weights in one block of output channels to the next
    const float *weight_scale;  // [channels]; this, bias, time_bias and correction are padded to a multiple of 64
    const float *bias;
    const float *time_bias;  // or NULL
    float gain;
    srd_activation activation;
    int residual_count;
    srd_residual_s8 residual[2];
    srd_quantized *quantized;   // or NULL
    ptrdiff_t quantized_pixel;  // bytes per output pixel
    float inverse_scale;
    int zero_point;
    float *floats;  // or NULL
    ptrdiff_t floats_pixel;
} srd_conv_row_s8_args;

/// The points of Winograd's F(4×4, 3×3): a transformed patch of 6×6 inputs, whose products give 4×4 outputs.
#define SRD_WINOGRAD_POINTS 36
#define SRD_WINOGRAD_ROWS 4
/// The largest accumulator of an input, of quantized values with the kernels' offset, that the products can represent:
/// theirs are 576 times as large, modulo 2³².
#define SRD_WINOGRAD_LARGEST_SUM 0x1ffffff
/// The largest number of channels of all inputs together.
#define SRD_WINOGRAD_CHANNELS 256
/// Padding between the points' weights and values, so that the points do not map to the same few cache lines.
#define SRD_WINOGRAD_PADDING 32

/// An input of a 3×3 convolution of stride 1, for four output rows.
typedef struct {
    // the row above, the four rows and the row below, each from the pixel left of output pixel 0
    const srd_quantized *rows[6];
    ptrdiff_t pixel;  // bytes per output pixel
    int channels;     // a multiple of SRD_CHANNEL_STEP
    // transformed: this input's part of block 0, [point][channels / group][block][group], padded
    const int16_t *weights;
    const int32_t *correction;  // as in srd_input_group_s8
    float scale;
} srd_winograd_input_s8;

/// Four rows by Winograd's F(4×4, 3×3) (Lavin and Gray 2016, arXiv 1509.09308) in exact integers: the same bytes as
/// four calls of conv_row.
typedef struct {
    const srd_winograd_input_s8 *inputs;
    int input_count;
    ptrdiff_t block_stride;  // weights per block of output channels
    /// The rows' epilogues and outputs; their input_groups and block_stride are not read. At least winograd_width wide.
    /// The last rows may be NULL.
    const srd_conv_row_s8_args *rows[SRD_WINOGRAD_ROWS];
} srd_conv_winograd_s8_args;

typedef struct __attribute__((swift_attr("@Sendable"))) {
    const char *name;
    /// Packed weights are [block of output channels][input group][tap][channels / group][block][group]; the last block
    /// is padded with zeros. A block is at most 64.
    int block, group;
    /// The products read q + offset: some instructions take signed bytes, some unsigned ones.
    int offset;
    void (*conv_row)(const srd_conv_row_s8_args *args);
    /// NULL if Winograd's fewer but wider products are not faster than conv_row.
    void (*conv_winograd)(const srd_conv_winograd_s8_args *args);
    /// Transforms one input's 3×3 weights of a block of winograd_block outputs from packed weights.
    void (*winograd_weights)(const int8_t *packed, ptrdiff_t block_stride, int channels, int16_t *transformed);
    int winograd_block,
        winograd_group;  // transformed weights are [block][input][point][channels / group][block][group]
    /// The fewest pixels of a band that make up for transforming the weights.
    int winograd_pixels;
    /// The smallest width of a part of the rows.
    int winograd_width;
    /// quantized[i] = clamp(rint(floats[i] · inverse scale) + zero point, −128…127) + SRD_QUANTIZED_BIAS; count is any.
    void (*quantize_row)(
        const float *floats, ptrdiff_t count, float inverse_scale, int zero_point, srd_quantized *quantized);
    /// floats[i] = (float)(q − zero point) · scale
    void (*dequantize_row)(const srd_quantized *quantized, ptrdiff_t count, float scale, int zero_point, float *floats);
    /// Runs `rounds` of this set's products from registers only: the peak rate of a convolution. Returns the number of
    /// multiply-accumulates.
    int64_t (*peak)(int64_t rounds);
    /// The float kernels with vectors of the same width.
    const srd_kernels_f32 *float_kernels;
} srd_kernels_s8;

/// The kernels of this machine's instruction sets, slowest first; [0] is the scalar one.
const srd_kernels_s8 *srd_kernels_s8_available(int *count);

/// This thread's scratch memory for transformed weights: SRD_WINOGRAD_SCRATCH bytes.
enum {
    SRD_WINOGRAD_SCRATCH = 2 * SRD_WINOGRAD_POINTS *
        (SRD_WINOGRAD_CHANNELS * 32 + SRD_WINOGRAD_CHANNELS / SRD_CHANNEL_STEP * SRD_WINOGRAD_PADDING)
};
int16_t *srd_winograd_scratch_s8(void);

/// Mish as the int8 kernels compute it: relative error at most 1.3e-4, far below a quantization step.
float srd_mish_s8(float x);

#endif
