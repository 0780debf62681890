// Calls every C function of the package with random and damaged inputs: kernels of every instruction set that this
// machine has against the scalar ones, the thread pool, the PNG shim and the codec shim. Tools/sanitize/run builds it
// with UndefinedBehaviorSanitizer and AddressSanitizer. Buffers have their exact size, so every overrun is found.
//
// driver SECONDS [SEED]                   exits 0, or prints the difference
// driver --plant overflow|undefined|leak  makes this mistake, which the sanitizer must find
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "CImageCodecs.h"
#include "CPNG.h"
#include "srd_int8.h"
#include "srd_threads.h"

static uint64_t state;

static uint64_t next(void) {  // SplitMix64
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static int pick(int low, int high) { return low + (int)(next() % (uint64_t)(high - low + 1)); }
static float real(float size) { return (float)((double)next() / 0x1p64 * 4 - 2) * size; }

static void *allocated(size_t size) {
    void *memory = malloc(size ? size : 1);
    if (!memory) abort();
    return memory;
}

static void fail(const char *what, const char *kernels) {
    printf("%s: %s differs from scalar\n", kernels, what);
    exit(1);
}

static float *reals(int count, int padded, float size) {
    float *values = allocated(sizeof *values * (size_t)padded);
    for (int i = 0; i < padded; i++) values[i] = i < count ? real(size) : 0;
    return values;
}

static uint8_t *bytes(size_t count) {
    uint8_t *values = allocated(count);
    for (size_t i = 0; i < count; i++) values[i] = (uint8_t)next();
    return values;
}

// MARK: Int8 convolutions

enum { MOST_INPUTS = 3, MOST_TAPS = 9 };

/// One call, which is packed for every kernel. With 9 taps and stride 1 it is a row of a 3×3 convolution.
typedef struct {
    int width, channels, inputs, taps, stride, height, output_step;
    int in_channels[MOST_INPUTS], zero_points[MOST_INPUTS];
    float scales[MOST_INPUTS];
    uint8_t *rows[MOST_INPUTS][SRD_WINOGRAD_ROWS + 2];  // from the pixel left of output pixel 0
    int8_t *weights[MOST_INPUTS];                       // [out][tap][in]
    float *weight_scale, *bias, *time_bias, *residual_floats;
    uint8_t *residual_bytes;
    int has_time_bias, residuals, writes_bytes, writes_floats, zero_point;
    srd_activation activation;
    float gain, inverse_scale;
} call_s8;

static int padded64(int count) { return (count + 63) / 64 * 64; }
static int row_pixels(const call_s8 *call) { return (call->width - 1) * call->stride + 3; }
static int output_pixel(const call_s8 *call) { return call->output_step * call->channels; }
static size_t output_count(const call_s8 *call) {
    return (size_t)((call->width - 1) * output_pixel(call) + call->channels);
}

static call_s8 random_call(int is_winograd, int least_width) {
    static const float sizes[] = {1, 1, 1, 1e-3f, 1e4f, 1e30f, 1e-38f};
    static const int tap_counts[] = {1, 4, 9};
    call_s8 call = {0};
    float size = is_winograd ? 1 : sizes[pick(0, 6)];
    call.width = pick(is_winograd ? least_width : 1, 70);
    call.channels = SRD_CHANNEL_STEP * pick(1, 5);
    call.inputs = pick(1, MOST_INPUTS);
    call.taps = is_winograd ? 9 : tap_counts[pick(0, 2)];
    call.stride = is_winograd ? 1 : pick(1, 2);
    call.height = is_winograd ? pick(1, SRD_WINOGRAD_ROWS) : 1;
    call.output_step = is_winograd ? 1 : pick(1, 3);
    for (int s = 0; s < call.inputs; s++) {
        int channels = call.in_channels[s] = SRD_CHANNEL_STEP * pick(1, 4);
        call.zero_points[s] = pick(-128, 127);
        call.scales[s] = fabsf(real(0.005f)) + 1e-4f;
        for (int y = 0; y < call.height + 2; y++) call.rows[s][y] = bytes((size_t)(row_pixels(&call) * channels));
        call.weights[s] = allocated((size_t)(call.channels * call.taps * channels));
        for (int i = 0; i < call.channels * call.taps * channels; i++) call.weights[s][i] = (int8_t)pick(-127, 127);
    }
    int padded = padded64(call.channels), results = call.width * call.channels;
    call.weight_scale = reals(call.channels, padded, 0.01f * size);
    call.bias = reals(call.channels, padded, size);
    call.time_bias = reals(call.channels, padded, size);
    call.residual_floats = reals(results, results, size);
    call.residual_bytes = bytes((size_t)results);
    call.has_time_bias = pick(0, 1);
    call.residuals = is_winograd ? 0 : pick(0, 2);
    call.writes_bytes = pick(0, 3) > 0;
    call.writes_floats = !call.writes_bytes || pick(0, 1);
    call.zero_point = pick(-128, 127);
    call.activation = (srd_activation)pick(0, 2);
    call.gain = pick(0, 1) ? 1 : 0.2f;
    call.inverse_scale = (float)pick(1, 60) / (size > 1 ? size : 1);
    return call;
}

static void free_call(call_s8 *call) {
    for (int s = 0; s < call->inputs; s++) {
        for (int y = 0; y < call->height + 2; y++) free(call->rows[s][y]);
        free(call->weights[s]);
    }
    free(call->weight_scale);
    free(call->bias);
    free(call->time_bias);
    free(call->residual_floats);
    free(call->residual_bytes);
}

/// Packs weights in a kernel's order and computes the zero-point corrections. `blocks` must suffice for the channels.
static int8_t *packed(
    const call_s8 *call, const srd_kernels_s8 *kernels, int blocks, ptrdiff_t *block_stride, ptrdiff_t *offsets,
    int32_t *corrections[MOST_INPUTS]) {
    int block = kernels->block, group = kernels->group;
    ptrdiff_t stride = 0;
    for (int s = 0; s < call->inputs; s++) {
        offsets[s] = stride;
        stride += (ptrdiff_t)call->taps * call->in_channels[s] * block;
    }
    *block_stride = stride;
    int8_t *weights = allocated((size_t)(blocks * stride));
    memset(weights, 0, (size_t)(blocks * stride));
    for (int s = 0; s < call->inputs; s++) {
        int channels = call->in_channels[s];
        corrections[s] = allocated(sizeof(int32_t) * (size_t)padded64(call->channels));
        memset(corrections[s], 0, sizeof(int32_t) * (size_t)padded64(call->channels));
        for (int o = 0; o < call->channels; o++) {
            for (int t = 0; t < call->taps; t++) {
                for (int i = 0; i < channels; i++) {
                    int8_t weight = call->weights[s][(o * call->taps + t) * channels + i];
                    weights
                        [o / block * stride + offsets[s] + t * channels * block + i / group * block * group +
                         o % block * group + i % group] = weight;
                    corrections[s][o] -= (call->zero_points[s] + kernels->offset) * weight;
                }
            }
        }
    }
    return weights;
}

static srd_conv_row_s8_args epilogue(const call_s8 *call, uint8_t *quantized, float *floats) {
    srd_conv_row_s8_args args = {
        .width = call->width,
        .channels = call->channels,
        .weight_scale = call->weight_scale,
        .bias = call->bias,
        .time_bias = call->has_time_bias ? call->time_bias : NULL,
        .gain = call->gain,
        .activation = call->activation,
        .residual_count = call->residuals,
        .quantized = call->writes_bytes ? quantized : NULL,
        .quantized_pixel = output_pixel(call),
        .inverse_scale = call->inverse_scale,
        .zero_point = call->zero_point,
        .floats = call->writes_floats ? floats : NULL,
        .floats_pixel = output_pixel(call)};
    args.residual[0] = (srd_residual_s8){
        .quantized = call->residual_bytes, .pixel = call->channels, .zero_point = -3, .scale = 0.1f};
    args.residual[1] = (srd_residual_s8){.floats = call->residual_floats, .pixel = call->channels, .scale = 1};
    return args;
}

/// Runs a kernel. `quantized` and `floats` hold `height` rows of outputs each.
static void run_rows(const call_s8 *call, const srd_kernels_s8 *kernels, uint8_t *quantized, float *floats) {
    ptrdiff_t block_stride, offsets[MOST_INPUTS];
    int32_t *corrections[MOST_INPUTS];
    int blocks = (call->channels + kernels->block - 1) / kernels->block;
    int8_t *weights = packed(call, kernels, blocks, &block_stride, offsets, corrections);
    for (int y = 0; y < call->height; y++) {
        srd_tap_s8 taps[MOST_INPUTS * MOST_TAPS];
        srd_input_group_s8 input_groups[MOST_INPUTS];
        for (int s = 0; s < call->inputs; s++) {
            int channels = call->in_channels[s];
            for (int t = 0; t < call->taps; t++) {
                taps[s * MOST_TAPS + t] = (srd_tap_s8){
                    .input = call->rows[s][y + t / 3] + t % 3 * channels,
                    .pixel = (ptrdiff_t)call->stride * channels,
                    .channels = channels,
                    .weights = weights + offsets[s] + (ptrdiff_t)t * channels * kernels->block};
            }
            input_groups[s] = (srd_input_group_s8){
                .taps = taps + s * MOST_TAPS,
                .tap_count = call->taps,
                .correction = corrections[s],
                .scale = call->scales[s]};
        }
        srd_conv_row_s8_args args = epilogue(
            call, quantized + (size_t)y * output_count(call), floats + (size_t)y * output_count(call));
        args.input_groups = input_groups;
        args.input_group_count = call->inputs;
        args.block_stride = block_stride;
        kernels->conv_row(&args);
    }
    for (int s = 0; s < call->inputs; s++) free(corrections[s]);
    free(weights);
}

static void run_winograd(const call_s8 *call, const srd_kernels_s8 *kernels, uint8_t *quantized, float *floats) {
    int block = kernels->winograd_block, blocks = (call->channels + block - 1) / block;
    ptrdiff_t packed_stride, offsets[MOST_INPUTS], stride = 0, starts[MOST_INPUTS];
    int32_t *corrections[MOST_INPUTS];
    int8_t *weights = packed(call, kernels, blocks * block / kernels->block, &packed_stride, offsets, corrections);
    for (int s = 0; s < call->inputs; s++) {
        starts[s] = stride;
        stride += (ptrdiff_t)SRD_WINOGRAD_POINTS * (call->in_channels[s] * block + SRD_WINOGRAD_PADDING);
    }
    int16_t *transformed = aligned_alloc(64, (sizeof(int16_t) * (size_t)(blocks * stride) + 63) / 64 * 64);
    memset(transformed, 0, sizeof(int16_t) * (size_t)(blocks * stride));
    srd_winograd_input_s8 winograd_inputs[MOST_INPUTS];
    for (int s = 0; s < call->inputs; s++) {
        for (int b = 0; b < blocks; b++) {
            kernels->winograd_weights(
                weights + b * block / kernels->block * packed_stride + offsets[s], packed_stride, call->in_channels[s],
                transformed + b * stride + starts[s]);
        }
        winograd_inputs[s] = (srd_winograd_input_s8){
            .pixel = call->in_channels[s],
            .channels = call->in_channels[s],
            .weights = transformed + starts[s],
            .correction = corrections[s],
            .scale = call->scales[s]};
        for (int y = 0; y < 6; y++)
            winograd_inputs[s].rows[y] = call->rows[s][y < call->height + 2 ? y : call->height + 1];
    }
    srd_conv_row_s8_args rows[SRD_WINOGRAD_ROWS];
    srd_conv_winograd_s8_args args = {.inputs = winograd_inputs, .input_count = call->inputs, .block_stride = stride};
    for (int y = 0; y < call->height; y++) {
        rows[y] = epilogue(call, quantized + (size_t)y * output_count(call), floats + (size_t)y * output_count(call));
        args.rows[y] = rows + y;
    }
    kernels->conv_winograd(&args);
    for (int s = 0; s < call->inputs; s++) free(corrections[s]);
    free(transformed);
    free(weights);
}

static void check_int8(const srd_kernels_s8 *kernels, int count, int is_winograd) {
    int least = 1;
    for (int k = 0; k < count; k++) {
        if (kernels[k].winograd_width > least) least = kernels[k].winograd_width;
    }
    call_s8 call = random_call(is_winograd, least);
    size_t results = output_count(&call) * (size_t)call.height;
    uint8_t *expected = bytes(results), *initial = bytes(results);
    float *expected_floats = reals((int)results, (int)results, 1),
          *initial_floats = reals((int)results, (int)results, 1);
    memcpy(expected, initial, results);
    memcpy(expected_floats, initial_floats, sizeof(float) * results);
    run_rows(&call, kernels, expected, expected_floats);
    for (int k = is_winograd ? 0 : 1; k < count; k++) {
        if (is_winograd && !kernels[k].conv_winograd) continue;
        uint8_t *found = allocated(results);
        float *found_floats = allocated(sizeof(float) * results);
        memcpy(found, initial, results);
        memcpy(found_floats, initial_floats, sizeof(float) * results);
        (is_winograd ? run_winograd : run_rows)(&call, kernels + k, found, found_floats);
        if (memcmp(found, expected, results) || memcmp(found_floats, expected_floats, sizeof(float) * results)) {
            fail(is_winograd ? "conv_winograd" : "conv_row", kernels[k].name);
        }
        free(found);
        free(found_floats);
    }
    free(expected);
    free(initial);
    free(expected_floats);
    free(initial_floats);
    free_call(&call);
}

static void check_rows(const srd_kernels_s8 *kernels, int count) {
    static const float special[] = {NAN,  INFINITY, -INFINITY, 0,         -0.0f,  0.5f,
                                    1.5f, 1e30f,    -1e30f,    0x1p-140f, 126.5f, -128.5f};
    int size = pick(0, 99), zero_point = pick(-128, 127);
    float *input = reals(size, size, 150), *expected_back = NULL;
    for (int i = 0; i < size; i++) {
        if (pick(0, 3) == 0) input[i] = special[pick(0, 11)];
    }
    uint8_t *expected = NULL;
    for (int k = 0; k < count; k++) {
        uint8_t *found = allocated((size_t)size);
        float *back = allocated(sizeof(float) * (size_t)size);
        kernels[k].quantize_row(input, size, 1.5f, zero_point, found);
        kernels[k].dequantize_row(found, size, 0.3f, zero_point, back);
        if (k == 0) {
            expected = found;
            expected_back = back;
            continue;
        }
        if (memcmp(found, expected, (size_t)size) || memcmp(back, expected_back, sizeof(float) * (size_t)size)) {
            fail("quantize_row or dequantize_row", kernels[k].name);
        }
        free(found);
        free(back);
    }
    free(input);
    free(expected);
    free(expected_back);
}

// MARK: Float convolutions

static void check_float(const srd_kernels_f32 *kernels, int count) {
    static const int tap_counts[] = {1, 2, 4, 9};
    int width = pick(1, 41), channels = pick(0, 3) ? pick(1, 70) : 3, taps = tap_counts[pick(0, 3)],
        stride = pick(1, 2);
    int is_first = pick(0, 3) == 0, residuals = pick(0, 2), step = pick(1, 3), activation = pick(0, 3),
        has_time_bias = pick(0, 1);
    float gain = pick(0, 1) ? 1 : 0.2f;
    int in_channels[MOST_TAPS];
    float *inputs[MOST_TAPS], *weights[MOST_TAPS], *rows[2];
    for (int t = 0; t < taps; t++) {
        in_channels[t] = is_first ? 3 : pick(1, 20);
        int size = ((width - 1) * stride + 1) * in_channels[t];
        inputs[t] = reals(size, size, 1);
        weights[t] = reals(in_channels[t] * channels, in_channels[t] * channels, 1);
    }
    float *bias = reals(channels, channels, 1), *time_bias = reals(channels, channels, 1);
    for (int r = 0; r < 2; r++) rows[r] = reals(width * channels, width * channels, 1);
    size_t results = (size_t)((width - 1) * step * channels + channels);
    float *expected = NULL;
    for (int k = 0; k < count; k++) {
        int block = kernels[k].block, blocks = (channels + block - 1) / block, sum = 0, offset = 0;
        for (int t = 0; t < taps; t++) sum += in_channels[t];
        size_t size = sizeof(float) * (size_t)(blocks * block * sum);
        float *packed = allocated(size), *found = allocated(sizeof(float) * results);
        memset(packed, 0, size);
        memset(found, 0x55, sizeof(float) * results);
        srd_tap_f32 places[MOST_TAPS];
        for (int t = 0; t < taps; t++) {
            places[t] = (srd_tap_f32){
                .input = inputs[t],
                .pixel = (ptrdiff_t)stride * in_channels[t],
                .channels = in_channels[t],
                .weights = packed + offset};
            for (int i = 0; i < in_channels[t]; i++) {
                for (int o = 0; o < channels; o++) {
                    packed[o / block * sum * block + offset + i * block + o % block] = weights[t][i * channels + o];
                }
            }
            offset += in_channels[t] * block;
        }
        srd_conv_row_f32_args args = {
            .taps = places,
            .tap_count = taps,
            .width = width,
            .channels = channels,
            .block_stride = (ptrdiff_t)sum * block,
            .bias = bias,
            .time_bias = has_time_bias ? time_bias : NULL,
            .gain = gain,
            .activation = (srd_activation)activation,
            .residual_count = residuals,
            .residual = {rows[0], rows[1]},
            .residual_pixel = channels,
            .residual_gain = {1, 0.3f},
            .output = found,
            .output_pixel = (ptrdiff_t)step * channels};
        kernels[k].conv_row(&args);
        free(packed);
        if (k == 0) {
            expected = found;
            continue;
        }
        if (memcmp(found, expected, sizeof(float) * results)) fail("float conv_row", kernels[k].name);
        free(found);
    }
    for (int t = 0; t < taps; t++) {
        free(inputs[t]);
        free(weights[t]);
    }
    free(rows[0]);
    free(rows[1]);
    free(bias);
    free(time_bias);
    free(expected);
}

// MARK: Thread pool

typedef struct {
    int *visits, count, threads;
} loop;

static void visit(void *context, int item) {
    loop *all = context;
    all->visits[item]++;  // each item belongs to one thread
}

static void visit_nested(void *context, int item) {
    loop *all = context;
    int inner[5] = {0};
    loop nested = {inner, 5, 3};
    srd_parallel(5, 3, visit, &nested);
    for (int i = 0; i < 5; i++) all->visits[item] += inner[i];
}

static void *run_loops(void *context) {
    loop *all = context;
    for (int i = 0; i < 20; i++) {
        memset(all->visits, 0, sizeof(int) * (size_t)all->count);
        int is_nested = i == 10;
        srd_parallel(all->count, all->threads, is_nested ? visit_nested : visit, all);
        for (int item = 0; item < all->count; item++) {
            if (all->visits[item] != (is_nested ? 5 : 1)) {
                printf("srd_parallel: item %d ran %d times\n", item, all->visits[item]);
                exit(1);
            }
        }
    }
    return NULL;
}

static void check_threads(void) {
    pthread_t callers[3];
    loop loops[3];
    for (int i = 0; i < 3; i++) {
        int count = pick(0, 40);
        loops[i] = (loop){allocated(sizeof(int) * (size_t)count), count, pick(1, 6)};
        if (pthread_create(callers + i, NULL, run_loops, loops + i)) abort();
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(callers[i], NULL);
        free(loops[i].visits);
    }
}

// MARK: Image shims

/// Reads a file that may be damaged, up to 64 × 64 pixels.
static void read_png(const uint8_t *file, size_t count) {
    srd_png_reader *reader = srd_png_reader_create(file, count);
    if (!reader) return;
    srd_png_header header;
    if (srd_png_read_header(reader, &header) == SRD_PNG_OK && header.width <= 64 && header.height <= 64) {
        uint8_t *row = allocated((size_t)header.width * header.channels * (header.bit_depth / 8));
        for (uint32_t y = 0; y < header.height && srd_png_read_row(reader, row) == SRD_PNG_OK; y++) {}
        srd_png_read_end(reader);
        free(row);
    }
    (void)srd_png_reader_message(reader);
    for (int i = 0; i < srd_png_warning_count(reader); i++) (void)srd_png_warning(reader, i);
    srd_png_reader_destroy(reader);
}

/// Returns a copy with some bytes changed, sometimes truncated. Half the time PNG's checksums are corrected.
static uint8_t *damaged(const uint8_t *file, size_t count, size_t *damaged_count, int is_png) {
    uint8_t *copy = allocated(count);
    memcpy(copy, file, count);
    for (int i = pick(0, 4); i > 0 && count > 0; i--) copy[next() % count] = (uint8_t)next();
    for (size_t at = 8; is_png && pick(0, 1) && at + 12 <= count;) {
        size_t length = (size_t)copy[at] << 24 | (size_t)copy[at + 1] << 16 | (size_t)copy[at + 2] << 8 | copy[at + 3];
        if (length > count - at - 12) break;
        uint32_t crc = srd_crc32(copy + at + 4, length + 4);
        for (int i = 0; i < 4; i++) copy[at + 8 + length + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
        at += length + 12;
    }
    *damaged_count = pick(0, 3) ? count : next() % (count + 1);
    uint8_t *exact = allocated(*damaged_count);
    memcpy(exact, copy, *damaged_count);
    free(copy);
    return exact;
}

static void check_png(void) {
    srd_png_header header = {
        .width = (uint32_t)pick(1, 20),
        .height = (uint32_t)pick(1, 20),
        .channels = (uint8_t)pick(1, 4),
        .bit_depth = pick(0, 1) ? 8 : 16};
    size_t row_count = (size_t)header.width * header.channels * (header.bit_depth / 8);
    srd_png_writer *writer = srd_png_writer_create();
    if (!writer) abort();
    srd_png_status status = srd_png_write_header(writer, &header, pick(SRD_PNG_RUNS, 9));
    if (status == SRD_PNG_OK) status = srd_png_write_chunk(writer, (const uint8_t *)"tEXt", (const uint8_t *)"a\0b", 3);
    for (uint32_t y = 0; y < header.height && status == SRD_PNG_OK; y++) {
        uint8_t *row = bytes(row_count);
        status = srd_png_write_row(writer, row);
        free(row);
    }
    if (status != SRD_PNG_OK || srd_png_write_end(writer) != SRD_PNG_OK) {
        printf("PNG: %s\n", srd_png_writer_message(writer));
        exit(1);
    }
    const uint8_t *file;
    const size_t count = srd_png_take(writer, &file);
    for (int i = 0; i < 20; i++) {
        size_t size;
        uint8_t *copy = damaged(file, count, &size, 1);
        read_png(copy, size);
        free(copy);
    }
    srd_png_writer_destroy(writer);

    uint8_t *plain = bytes(row_count);
    size_t deflated_count, inflated_count, limit = pick(0, 1) ? row_count : row_count / 2;
    uint8_t *deflated = srd_deflate(plain, row_count, &deflated_count);
    if (!deflated) abort();
    uint8_t *inflated = srd_inflate(deflated, deflated_count, limit, &inflated_count);
    if ((inflated != NULL) != (limit == row_count) || (inflated && memcmp(inflated, plain, row_count))) {
        printf("zlib: %zu bytes did not come back\n", row_count);
        exit(1);
    }
    srd_zlib_free(inflated);
    size_t size;
    uint8_t *broken = damaged(deflated, deflated_count, &size, 0);
    srd_zlib_free(srd_inflate(broken, size, 1 << 16, &inflated_count));
    free(broken);
    srd_zlib_free(deflated);
    free(plain);
}

static int check_jpeg(void) {
    srd_jpeg_library library;
    if (!srd_jpeg_load(&library, "libturbojpeg.so.0")) return 0;
    char message[SRD_CODEC_MESSAGE];
    int width = pick(1, 40), height = pick(1, 40), channels = pick(0, 1) ? 1 : 3;
    uint8_t *pixels = bytes((size_t)(width * height * channels)), *file = NULL;
    size_t count = 0, size;
    if (srd_jpeg_encode(&library, pixels, width, height, channels, pick(1, 100), pick(0, 1), &file, &count, message) !=
        SRD_CODEC_OK) {
        printf("JPEG: %s\n", message);
        exit(1);
    }
    for (int i = 0; i < 5; i++) {
        uint8_t *copy = damaged(file, count, &size, 0);
        srd_jpeg_decode(&library, copy, size, pixels, width, height, channels, message);
        free(copy);
    }
    srd_jpeg_free(&library, file);
    free(pixels);
    return 1;
}

static int check_webp(void) {
    srd_webp_library library;
    if (!srd_webp_load(&library, "libwebp.so.7")) return 0;
    char message[SRD_CODEC_MESSAGE];
    int width = pick(1, 40), height = pick(1, 40), channels = pick(3, 4), rows;
    uint8_t *pixels = bytes((size_t)(width * height * channels)), *file = NULL;
    size_t count = 0, size;
    float quality = pick(0, 1) ? -1 : (float)pick(0, 100);
    if (srd_webp_encode(&library, pixels, width, height, channels, quality, &file, &count, message) != SRD_CODEC_OK) {
        printf("WebP: %s\n", message);
        exit(1);
    }
    for (int i = 0; i < 5; i++) {
        uint8_t *copy = damaged(file, count, &size, 0);
        srd_webp_decode(&library, copy, size, pixels, width, height, channels, &rows, message);
        free(copy);
    }
    srd_webp_free(&library, file);
    free(pixels);
    return 1;
}

// MARK: Mistakes that must be found

static int plant(const char *mistake) {
    volatile int largest = 0x7fffffff;
    if (!strcmp(mistake, "overflow")) {
        int count = pick(8, 8);
        uint8_t *memory = bytes((size_t)count);
        memory[count] = 1;
        printf("%d\n", memory[count]);
    } else if (!strcmp(mistake, "undefined")) {
        largest = largest + 1;
    } else if (!strcmp(mistake, "leak")) {
        uint8_t *volatile memory = bytes(100);
        memory = NULL;
        (void)memory;
    } else {
        return 2;
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "--plant")) return plant(argv[2]);
    double seconds = argc > 1 ? atof(argv[1]) : 10;
    state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    int count, float_count;
    const srd_kernels_s8 *kernels = srd_kernels_s8_available(&count);
    const srd_kernels_f32 *floats = srd_kernels_f32_available(&float_count);
    for (int k = 0; k < count; k++) (void)kernels[k].peak(10);
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    long rounds = 0;
    int has_jpeg, has_webp;
    do {
        check_int8(kernels, count, 0);
        check_int8(kernels, count, 1);
        check_rows(kernels, count);
        check_float(floats, float_count);
        check_threads();
        check_png();
        has_jpeg = check_jpeg();
        has_webp = check_webp();
        rounds++;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) * 1e-9 < seconds);
    volatile float sum = 0;
    for (float x = -100; x < 100; x += 0.37f) sum += srd_mish_f32(x) + srd_mish_s8(x);
    printf("%ld rounds of", rounds);
    for (int k = 0; k < count; k++) printf(" %s", kernels[k].name);
    for (int k = 0; k < float_count; k++) printf(" %s", floats[k].name);
    printf(", threads, PNG%s%s\n", has_jpeg ? ", JPEG" : "", has_webp ? ", WebP" : "");
    return 0;
}
