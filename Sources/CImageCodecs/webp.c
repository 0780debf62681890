#include "CImageCodecs.h"
#include "load.h"

// webp/decode.h, decoder ABI version 2.
enum { MODE_RGB = 0, MODE_RGBA = 1 };
enum { VP8_STATUS_OK = 0, VP8_STATUS_OUT_OF_MEMORY = 1, VP8_STATUS_SUSPENDED = 5, VP8_STATUS_NOT_ENOUGH_DATA = 7 };

bool srd_webp_load(srd_webp_library *library, const char *path) {
    static const char *const names[] = {
        "WebPINewRGB",    "WebPIUpdate",           "WebPIDecGetRGB",         "WebPIDelete", "WebPEncodeRGB",
        "WebPEncodeRGBA", "WebPEncodeLosslessRGB", "WebPEncodeLosslessRGBA", "WebPFree",
    };
    void *const targets[] = {
        &library->new_decoder,
        &library->update,
        &library->get_rows,
        &library->delete_decoder,
        &library->encode_rgb,
        &library->encode_rgba,
        &library->encode_lossless_rgb,
        &library->encode_lossless_rgba,
        &library->free,
    };
    return srd_codec_load(path, names, targets, sizeof names / sizeof *names);
}

srd_codec_status srd_webp_decode(
    const srd_webp_library *library, const uint8_t *bytes, size_t count, uint8_t *pixels, int width, int height,
    int channels, int *rows, char message[SRD_CODEC_MESSAGE]) {
    *rows = 0;
    size_t stride = (size_t)width * channels;
    void *decoder = library->new_decoder(channels == 4 ? MODE_RGBA : MODE_RGB, pixels, stride * height, (int)stride);
    if (!decoder) {
        srd_codec_copy(message, "out of memory");
        return SRD_CODEC_FAILED;
    }
    // The incremental decoder, because it keeps the rows of a file that ends early.
    int status = library->update(decoder, bytes, count);
    int decoded_width, decoded_height, decoded_stride;
    if (!library->get_rows(decoder, rows, &decoded_width, &decoded_height, &decoded_stride)) *rows = 0;
    library->delete_decoder(decoder);
    if (status == VP8_STATUS_OK) {
        *rows = height;
        return SRD_CODEC_OK;
    }
    int ends_early = status == VP8_STATUS_SUSPENDED || status == VP8_STATUS_NOT_ENOUGH_DATA;
    srd_codec_copy(
        message,
        status == VP8_STATUS_OUT_OF_MEMORY ? "out of memory"
            : ends_early                   ? "the file ends early"
                                           : "invalid compressed data");
    return *rows > 0 && status != VP8_STATUS_OUT_OF_MEMORY ? SRD_CODEC_DAMAGED : SRD_CODEC_FAILED;
}

srd_codec_status srd_webp_encode(
    const srd_webp_library *library, const uint8_t *pixels, int width, int height, int channels, float quality,
    uint8_t **bytes, size_t *count, char message[SRD_CODEC_MESSAGE]) {
    int stride = width * channels;
    *bytes = NULL;
    if (quality < 0)
        *count = (channels == 4 ? library->encode_lossless_rgba : library->encode_lossless_rgb)(
            pixels, width, height, stride, bytes);
    else
        *count = (channels == 4 ? library->encode_rgba : library->encode_rgb)(
            pixels, width, height, stride, quality, bytes);
    if (*count > 0) return SRD_CODEC_OK;
    library->free(*bytes);
    *bytes = NULL;
    srd_codec_copy(message, "out of memory");  // sizes are valid, so nothing else can fail
    return SRD_CODEC_FAILED;
}

void srd_webp_free(const srd_webp_library *library, uint8_t *bytes) { library->free(bytes); }
