// Calls one kernel once, for `forecast` to watch in the emulator.
//
//   forecast_row peak KERNELS ROUNDS
//   forecast_row winograd KERNELS WIDTH OUT ACTIVATION RESIDUALS TIMEBIAS FLOATS CHANNELS...
//   forecast_row weights KERNELS CHANNELS
//   forecast_row s8|f32 KERNELS WIDTH OUT TAPS STRIDE ACTIVATION RESIDUALS TIMEBIAS FLOATS CHANNELS...
//
// OUT: output channels. TAPS: of each input. ACTIVATION: as srd_activation. RESIDUALS: rows of floats. FLOATS: whether
// the results are stored in float as well (s8, winograd). CHANNELS: of each of the concatenated inputs. Prints the
// multiply-accumulates; for Winograd's four rows, those of the direct 3×3 convolution.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "srd_int8.h"

enum { most_inputs = 8, vector = 64 };  // the kernels' vectors are padded to a multiple of 64

static void *zeros(size_t bytes) {
    void *p = aligned_alloc(64, (bytes + 64 + 63) / 64 * 64);
    return memset(p, 0, (bytes + 64 + 63) / 64 * 64);
}
static int round_up(int n, int step) { return (n + step - 1) / step * step; }

static int fail(const char *what) {
    fprintf(stderr, "forecast_row: %s\n", what);
    return 1;
}

static const srd_kernels_s8 *kernels_s8(const char *name) {
    int count;
    const srd_kernels_s8 *k = srd_kernels_s8_available(&count);
    for (; count > 0; k++, count--) {
        if (!strcmp(k->name, name)) return k;
    }
    return NULL;
}

/// Returns a row's arguments except for its taps. Residuals are floats.
static srd_conv_row_s8_args row_s8(
    int width, int out, const float *ones, int activation, int residuals, int has_time_bias, int keeps_floats) {
    const int padded = round_up(out, vector);
    const size_t floats = sizeof(float) * (size_t)(width * padded);
    srd_conv_row_s8_args a = {
        .width = width,
        .channels = round_up(out, SRD_CHANNEL_STEP),
        .weight_scale = ones,
        .bias = ones,
        .time_bias = has_time_bias ? ones : NULL,
        .gain = 1,
        .activation = (srd_activation)activation,
        .residual_count = residuals,
        .quantized = zeros((size_t)(width * padded)),
        .quantized_pixel = padded,
        .inverse_scale = 1,
        .floats = keeps_floats ? zeros(floats) : NULL,
        .floats_pixel = padded};
    const float *residual = zeros(floats);
    for (int r = 0; r < residuals; r++) a.residual[r] = (srd_residual_s8){NULL, residual, padded, 0, 1};
    return a;
}

static int winograd(int argc, char **argv) {
    const srd_kernels_s8 *k = kernels_s8(argv[2]);
    if (!k || !k->conv_winograd) return fail("this processor has no such kernels of Winograd's products");
    const int width = atoi(argv[3]), out = atoi(argv[4]), residuals = atoi(argv[6]), inputs = argc - 9;
    const int has_time_bias = atoi(argv[7]), keeps_floats = atoi(argv[8]), padded = round_up(out, vector);
    srd_winograd_input_s8 winograd_input[most_inputs];
    float *ones = zeros(sizeof *ones * (size_t)padded);
    for (int i = 0; i < padded; i++) ones[i] = 1;
    int sum = 0, filled[most_inputs];
    ptrdiff_t stride = 0;
    for (int i = 0; i < inputs; i++) {
        sum += atoi(argv[9 + i]);
        filled[i] = round_up(atoi(argv[9 + i]), SRD_CHANNEL_STEP);
        stride += SRD_WINOGRAD_POINTS * (filled[i] * k->winograd_block + SRD_WINOGRAD_PADDING);
    }
    const int16_t *weights = zeros(sizeof *weights * (size_t)stride * (size_t)(padded / k->winograd_block));
    for (int i = 0; i < inputs; i++) {
        winograd_input[i] = (srd_winograd_input_s8){
            .pixel = filled[i],
            .channels = filled[i],
            .weights = weights,
            .correction = zeros(4 * (size_t)padded),
            .scale = 0.01f};
        for (int r = 0; r < SRD_WINOGRAD_ROWS + 2; r++)
            winograd_input[i].rows[r] = zeros((size_t)((width + 2) * filled[i]));
        weights += SRD_WINOGRAD_POINTS * (filled[i] * k->winograd_block + SRD_WINOGRAD_PADDING);
    }
    srd_conv_row_s8_args row[SRD_WINOGRAD_ROWS];
    for (int r = 0; r < SRD_WINOGRAD_ROWS; r++)
        row[r] = row_s8(width, out, ones, atoi(argv[5]), residuals, has_time_bias, keeps_floats);
    const srd_conv_winograd_s8_args a = {winograd_input, inputs, stride, {&row[0], &row[1], &row[2], &row[3]}};
    k->conv_winograd(&a);
    printf("%ld\n", 1L * SRD_WINOGRAD_ROWS * width * out * 9 * sum);
    return 0;
}

/// Transforms a block of 3×3 weights.
static int weights(char **argv) {
    const srd_kernels_s8 *k = kernels_s8(argv[2]);
    if (!k || !k->conv_winograd) return fail("this processor has no such kernels of Winograd's products");
    const int channels = round_up(atoi(argv[3]), SRD_CHANNEL_STEP);
    const ptrdiff_t stride = 9 * channels * k->block;
    const int8_t *packed = zeros((size_t)(stride * k->winograd_block / k->block));
    k->winograd_weights(packed, stride, channels, srd_winograd_scratch_s8());
    puts("1");
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 4 && !strcmp(argv[1], "weights")) return weights(argv);
    if (argc == 4 && !strcmp(argv[1], "peak")) {
        const srd_kernels_s8 *k = kernels_s8(argv[2]);
        if (!k) return fail("this processor has no such kernels");
        printf("%ld\n", (long)k->peak(atol(argv[3])));
        return 0;
    }
    if (argc > 9 && argc <= 9 + most_inputs && !strcmp(argv[1], "winograd")) return winograd(argc, argv);
    if (argc < 12 || argc > 11 + most_inputs) return fail("ten numbers, and the inputs' channels");
    const int is_s8 = !strcmp(argv[1], "s8"), width = atoi(argv[3]), out = atoi(argv[4]), taps = atoi(argv[5]);
    const int stride = atoi(argv[6]), residuals = atoi(argv[8]), inputs = argc - 11;
    const srd_activation activation = (srd_activation)atoi(argv[7]);
    const int has_time_bias = atoi(argv[9]), keeps_floats = atoi(argv[10]);
    const int side = taps == 9 ? 3 : taps == 4 ? 2 : 1, columns = (width + 2) * stride, padded = round_up(out, vector);
    int channels[most_inputs], sum = 0;
    for (int i = 0; i < inputs; i++) sum += channels[i] = atoi(argv[11 + i]);
    float *ones = zeros(sizeof(float) * (size_t)padded), *residual = zeros(sizeof(float) * (size_t)(width * padded));
    float *floats = zeros(sizeof(float) * (size_t)(width * padded));
    for (int i = 0; i < padded; i++) ones[i] = 1;
    if (is_s8) {
        const srd_kernels_s8 *k = kernels_s8(argv[2]);
        if (!k) return fail("this processor has no such kernels");
        srd_tap_s8 *tap = zeros(sizeof *tap * (size_t)(taps * inputs));
        srd_input_group_s8 input_group[most_inputs];
        int32_t *start = zeros(sizeof *start * (size_t)padded);
        ptrdiff_t offset = 0;
        int8_t *weights = zeros((size_t)taps * (size_t)(sum + 16 * inputs) * (size_t)padded);
        for (int i = 0; i < inputs; i++) {
            const int filled = round_up(channels[i], SRD_CHANNEL_STEP);
            srd_quantized *row = zeros((size_t)(side * columns * filled));
            for (int t = 0; t < taps; t++) {
                tap[i * taps + t] = (srd_tap_s8){
                    row + (t / side * columns + t % side) * filled, stride * filled, filled, weights + offset};
                offset += filled * k->block;
            }
            input_group[i] = (srd_input_group_s8){tap + i * taps, taps, start, 0.01f};
        }
        srd_conv_row_s8_args a = row_s8(width, out, ones, activation, residuals, has_time_bias, keeps_floats);
        a.input_groups = input_group;
        a.input_group_count = inputs;
        a.block_stride = offset;
        k->conv_row(&a);
    } else {
        int count;
        const srd_kernels_f32 *k = srd_kernels_f32_available(&count);
        while (count > 0 && strcmp(k->name, argv[2])) k++, count--;
        if (!count) return fail("this processor has no such kernels");
        srd_tap_f32 *tap = zeros(sizeof *tap * (size_t)(taps * inputs));
        float *weights = zeros(sizeof(float) * (size_t)(taps * sum) * (size_t)padded);
        ptrdiff_t offset = 0;
        for (int i = 0; i < inputs; i++) {
            float *row = zeros(sizeof(float) * (size_t)(side * columns * channels[i]));
            for (int t = 0; t < taps; t++) {
                tap[i * taps + t] = (srd_tap_f32){
                    row + (t / side * columns + t % side) * channels[i], stride * channels[i], channels[i],
                    weights + offset};
                offset += channels[i] * k->block;
            }
        }
        const srd_conv_row_f32_args a = {
            .taps = tap,
            .tap_count = taps * inputs,
            .width = width,
            .channels = out,
            .block_stride = offset,
            .bias = ones,
            .time_bias = has_time_bias ? ones : NULL,
            .gain = 1,
            .activation = activation,
            .residual_count = residuals,
            .residual = {residual, residual},
            .residual_pixel = padded,
            .residual_gain = {1, 1},
            .output = floats,
            .output_pixel = padded};
        k->conv_row(&a);
    }
    printf("%ld\n", (long)width * out * taps * sum);
    return 0;
}
