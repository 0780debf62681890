#include "CPNG.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct srd_png_writer {
    png_structp png;
    png_infop info;
    uint8_t *bytes;
    size_t count, capacity;
    char message[200];
};

static void on_error(png_structp png, png_const_charp message) {
    srd_png_writer *writer = png_get_error_ptr(png);
    strncpy(writer->message, message, sizeof writer->message - 1);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) { (void)png, (void)message; }

static void on_write(png_structp png, png_bytep data, size_t count) {
    srd_png_writer *writer = png_get_io_ptr(png);
    if (count > writer->capacity - writer->count) {
        size_t capacity = 2 * (writer->count + count);
        uint8_t *bytes = realloc(writer->bytes, capacity);
        if (!bytes) png_error(png, "out of memory for the file's bytes");
        writer->bytes = bytes;
        writer->capacity = capacity;
    }
    memcpy(writer->bytes + writer->count, data, count);
    writer->count += count;
}

static void on_flush(png_structp png) { (void)png; }

srd_png_writer *srd_png_writer_create(void) {
    srd_png_writer *writer = calloc(1, sizeof *writer);
    if (!writer) return NULL;
    writer->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, writer, on_error, on_warning);
    if (writer->png) writer->info = png_create_info_struct(writer->png);
    if (!writer->info) {
        srd_png_writer_destroy(writer);
        return NULL;
    }
    return writer;
}

srd_png_status srd_png_write_header(srd_png_writer *writer, const srd_png_header *header, int compression) {
    static const int color_types[] = {
        PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
    if (setjmp(png_jmpbuf(writer->png))) return SRD_PNG_FAILED;
    png_set_write_fn(writer->png, writer, on_write, on_flush);
    png_set_user_limits(writer->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // All fixed, so that the bytes depend on the image and on the versions of libpng and zlib only.
    if (compression == SRD_PNG_RUNS) {
        png_set_compression_level(writer->png, 6);  // what the file's header declares
        png_set_compression_strategy(writer->png, Z_RLE);
    } else {
        png_set_compression_level(writer->png, compression);
        png_set_compression_strategy(writer->png, Z_FILTERED);
    }
    png_set_filter(writer->png, PNG_FILTER_TYPE_BASE, PNG_ALL_FILTERS);
    png_set_IHDR(
        writer->png, writer->info, header->width, header->height, header->bit_depth, color_types[header->channels - 1],
        PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
    png_write_info(writer->png, writer->info);
    return SRD_PNG_OK;
}

srd_png_status srd_png_write_chunk(srd_png_writer *writer, const uint8_t type[4], const uint8_t *data, size_t count) {
    if (setjmp(png_jmpbuf(writer->png))) return SRD_PNG_FAILED;
    png_write_chunk(writer->png, type, data, count);
    return SRD_PNG_OK;
}

srd_png_status srd_png_write_row(srd_png_writer *writer, const uint8_t *row) {
    if (setjmp(png_jmpbuf(writer->png))) return SRD_PNG_FAILED;
    png_write_row(writer->png, row);
    return SRD_PNG_OK;
}

srd_png_status srd_png_write_end(srd_png_writer *writer) {
    if (setjmp(png_jmpbuf(writer->png))) return SRD_PNG_FAILED;
    png_write_end(writer->png, NULL);
    return SRD_PNG_OK;
}

size_t srd_png_take(srd_png_writer *writer, const uint8_t **bytes) {
    size_t count = writer->count;
    *bytes = writer->bytes;
    writer->count = 0;
    return count;
}

const char *srd_png_writer_message(const srd_png_writer *writer) { return writer->message; }

void srd_png_writer_destroy(srd_png_writer *writer) {
    png_destroy_write_struct(&writer->png, &writer->info);
    free(writer->bytes);
    free(writer);
}
