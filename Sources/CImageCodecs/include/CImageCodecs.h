/// JPEG and WebP codecs that are loaded at run time: libturbojpeg.so.0 and libwebp.so.7.
///
/// Neither library is needed to build or to start a program. The few prototypes and constants used here are declared in
/// jpeg.c and webp.c; both libraries keep them stable within their soname.
#ifndef SRD_CIMAGECODECS_H
#define SRD_CIMAGECODECS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    SRD_CODEC_OK,
    SRD_CODEC_DAMAGED,  // decoded in part; the message says what is wrong
    SRD_CODEC_FAILED,   // no pixels; the message says why
} srd_codec_status;

enum { SRD_CODEC_MESSAGE = 200 };

/// The environment variable's value, or NULL. NULL as well in a setuid program.
const char *srd_codec_environment(const char *name);

/// Functions of libturbojpeg.
typedef struct {
    void *(*init_decompress)(void), *(*init_compress)(void);
    int (*destroy)(void *);
    int (*decompress)(void *, const unsigned char *, unsigned long, unsigned char *, int, int, int, int, int);
    int (*compress)(
        void *, const unsigned char *, int, int, int, int, unsigned char **, unsigned long *, int, int, int);
    void (*free)(unsigned char *);
    char *(*error_string)(void *);
    int (*error_code)(void *);
} srd_jpeg_library;

/// Returns false if the library or one of its functions is missing. `path` is what dlopen takes.
bool srd_jpeg_load(srd_jpeg_library *, const char *path);

/// Decodes into `pixels`, which holds height × width × channels bytes: 1 gray, 3 RGB, 4 CMYK as stored in the file.
/// Nothing is written beyond that, whatever size the file claims.
srd_codec_status srd_jpeg_decode(
    const srd_jpeg_library *, const uint8_t *bytes, size_t count, uint8_t *pixels, int width, int height, int channels,
    char message[SRD_CODEC_MESSAGE]);

/// Encodes gray (1 channel) or RGB (3). Release `*bytes` with srd_jpeg_free.
srd_codec_status srd_jpeg_encode(
    const srd_jpeg_library *, const uint8_t *pixels, int width, int height, int channels, int quality,
    bool is_subsampled, uint8_t **bytes, size_t *count, char message[SRD_CODEC_MESSAGE]);

void srd_jpeg_free(const srd_jpeg_library *, uint8_t *bytes);

/// Functions of libwebp.
typedef struct {
    void *(*new_decoder)(int, uint8_t *, size_t, int);
    int (*update)(void *, const uint8_t *, size_t);
    uint8_t *(*get_rows)(const void *, int *, int *, int *, int *);
    void (*delete_decoder)(void *);
    size_t (*encode_rgb)(const uint8_t *, int, int, int, float, uint8_t **);
    size_t (*encode_rgba)(const uint8_t *, int, int, int, float, uint8_t **);
    size_t (*encode_lossless_rgb)(const uint8_t *, int, int, int, uint8_t **);
    size_t (*encode_lossless_rgba)(const uint8_t *, int, int, int, uint8_t **);
    void (*free)(void *);
} srd_webp_library;

/// Returns false if the library or one of its functions is missing. `path` is what dlopen takes.
bool srd_webp_load(srd_webp_library *, const char *path);

/// Decodes a file that is not animated into `pixels`: height × width × channels bytes, 3 RGB or 4 RGBA.
/// `rows` receives the number of complete rows from the top.
srd_codec_status srd_webp_decode(
    const srd_webp_library *, const uint8_t *bytes, size_t count, uint8_t *pixels, int width, int height, int channels,
    int *rows, char message[SRD_CODEC_MESSAGE]);

/// Encodes RGB (3 channels) or RGBA (4); lossless if `quality` is negative. Release `*bytes` with srd_webp_free.
srd_codec_status srd_webp_encode(
    const srd_webp_library *, const uint8_t *pixels, int width, int height, int channels, float quality,
    uint8_t **bytes, size_t *count, char message[SRD_CODEC_MESSAGE]);

void srd_webp_free(const srd_webp_library *, uint8_t *bytes);

#endif
