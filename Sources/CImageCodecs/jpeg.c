#include "CImageCodecs.h"
#include "load.h"

// turbojpeg.h 1.4 and later.
enum { TJPF_RGB = 0, TJPF_GRAY = 6, TJPF_CMYK = 11 };
enum { TJSAMP_444 = 0, TJSAMP_420 = 2, TJSAMP_GRAY = 3 };
enum { TJFLAG_ACCURATEDCT = 4096, TJFLAG_LIMITSCANS = 32768 };
enum { TJERR_WARNING = 0 };

bool srd_jpeg_load(srd_jpeg_library *library, const char *path) {
    static const char *const names[] = {
        "tjInitDecompress", "tjInitCompress", "tjDestroy",      "tjDecompress2",
        "tjCompress2",      "tjFree",         "tjGetErrorStr2", "tjGetErrorCode",
    };
    void *const targets[] = {
        &library->init_decompress, &library->init_compress, &library->destroy,      &library->decompress,
        &library->compress,        &library->free,          &library->error_string, &library->error_code,
    };
    return srd_codec_load(path, names, targets, sizeof names / sizeof *names);
}

static int pixel_format(int channels) { return channels == 1 ? TJPF_GRAY : channels == 3 ? TJPF_RGB : TJPF_CMYK; }

srd_codec_status srd_jpeg_decode(
    const srd_jpeg_library *library, const uint8_t *bytes, size_t count, uint8_t *pixels, int width, int height,
    int channels, char message[SRD_CODEC_MESSAGE]) {
    void *decoder = library->init_decompress();
    if (!decoder) {
        srd_codec_copy(message, "out of memory");
        return SRD_CODEC_FAILED;
    }
    srd_codec_status status = SRD_CODEC_OK;
    // With width and height given, libturbojpeg scales an image of any other size down to fit, or fails.
    if (library->decompress(
            decoder, bytes, count, pixels, width, width * channels, height, pixel_format(channels),
            TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS) != 0) {
        srd_codec_copy(message, library->error_string(decoder));
        status = library->error_code(decoder) == TJERR_WARNING ? SRD_CODEC_DAMAGED : SRD_CODEC_FAILED;
    }
    library->destroy(decoder);
    return status;
}

srd_codec_status srd_jpeg_encode(
    const srd_jpeg_library *library, const uint8_t *pixels, int width, int height, int channels, int quality,
    bool is_subsampled, uint8_t **bytes, size_t *count, char message[SRD_CODEC_MESSAGE]) {
    void *encoder = library->init_compress();
    if (!encoder) {
        srd_codec_copy(message, "out of memory");
        return SRD_CODEC_FAILED;
    }
    srd_codec_status status = SRD_CODEC_OK;
    unsigned long size = 0;
    *bytes = NULL;
    int subsampling = channels == 1 ? TJSAMP_GRAY : is_subsampled ? TJSAMP_420 : TJSAMP_444;
    if (library->compress(
            encoder, pixels, width, width * channels, height, pixel_format(channels), bytes, &size, subsampling,
            quality, TJFLAG_ACCURATEDCT) != 0) {
        srd_codec_copy(message, library->error_string(encoder));
        library->free(*bytes);
        *bytes = NULL;
        status = SRD_CODEC_FAILED;
    }
    *count = size;
    library->destroy(encoder);
    return status;
}

void srd_jpeg_free(const srd_jpeg_library *library, uint8_t *bytes) { library->free(bytes); }
