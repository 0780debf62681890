#include "CPNG.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE = 200, WARNINGS = 8 };

struct srd_png_reader {
    png_structp png;
    png_infop info;
    const uint8_t *bytes;
    size_t count, position;
    size_t row_bytes;
    uint32_t height, next_row;
    int passes;
    uint8_t *image;  // interlaced images only: every row is complete only after the last pass
    srd_png_status status;
    char message[MESSAGE];
    int warning_count;
    char warnings[WARNINGS][MESSAGE];
};

static void copy_message(char *to, const char *from) {
    strncpy(to, from, MESSAGE - 1);
    to[MESSAGE - 1] = 0;
}

static void on_error(png_structp png, png_const_charp message) {
    srd_png_reader *reader = png_get_error_ptr(png);
    if (reader->status == SRD_PNG_OK) reader->status = SRD_PNG_FAILED;
    copy_message(reader->message, message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    srd_png_reader *reader = png_get_error_ptr(png);
    if (reader->warning_count < WARNINGS) copy_message(reader->warnings[reader->warning_count++], message);
}

static void on_read(png_structp png, png_bytep out, size_t count) {
    srd_png_reader *reader = png_get_io_ptr(png);
    if (count > reader->count - reader->position) {
        reader->status = SRD_PNG_ENDS_EARLY;
        png_error(png, "the file ends early");
    }
    memcpy(out, reader->bytes + reader->position, count);
    reader->position += count;
}

srd_png_reader *srd_png_reader_create(const uint8_t *bytes, size_t count) {
    srd_png_reader *reader = calloc(1, sizeof *reader);
    if (!reader) return NULL;
    reader->bytes = bytes;
    reader->count = count;
    reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, on_error, on_warning);
    if (reader->png) reader->info = png_create_info_struct(reader->png);
    if (!reader->info) {
        srd_png_reader_destroy(reader);
        return NULL;
    }
    return reader;
}

srd_png_status srd_png_read_header(srd_png_reader *reader, srd_png_header *header) {
    png_structp png = reader->png;
    png_infop info = reader->info;
    if (setjmp(png_jmpbuf(png))) return reader->status;

    png_set_read_fn(png, reader, on_read);
    png_set_user_limits(png, 1000000, 1000000);  // one row stays below 8 MB
    png_set_chunk_malloc_max(png, 64 << 20);
    png_set_chunk_cache_max(png, 1000);
    png_set_benign_errors(png, 1);
    // A damaged critical chunk is an error; a damaged ancillary chunk is dropped with a warning.
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
    // Chunks other than IHDR, PLTE, tRNS, IDAT and IEND are skipped: the caller reads the metadata.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);

    png_read_info(png, info);
    header->inflated_bytes = (uint64_t)png_get_image_height(png, info) * (1 + (uint64_t)png_get_rowbytes(png, info));
    png_set_expand(png);  // palette to RGB, 1, 2 and 4 bits to 8, tRNS to alpha
    reader->passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);

    header->width = png_get_image_width(png, info);
    header->height = png_get_image_height(png, info);
    header->channels = png_get_channels(png, info);
    header->bit_depth = png_get_bit_depth(png, info);
    reader->height = header->height;
    reader->row_bytes = png_get_rowbytes(png, info);
    return SRD_PNG_OK;
}

static void read_interlaced(srd_png_reader *reader) {
    reader->image = calloc(
        reader->height, reader->row_bytes);  // not png_malloc: calloc's pages come as they are touched
    if (!reader->image) png_error(reader->png, "out of memory for an interlaced image");
    for (int pass = 0; pass < reader->passes; pass++)
        for (uint32_t y = 0; y < reader->height; y++)
            png_read_row(reader->png, reader->image + y * reader->row_bytes, NULL);
}

srd_png_status srd_png_read_row(srd_png_reader *reader, uint8_t *row) {
    if (setjmp(png_jmpbuf(reader->png))) return reader->status;
    if (reader->next_row >= reader->height) png_error(reader->png, "no more rows");
    if (reader->passes == 1) {
        png_read_row(reader->png, row, NULL);
    } else {
        if (!reader->image) read_interlaced(reader);
        memcpy(row, reader->image + reader->next_row * reader->row_bytes, reader->row_bytes);
    }
    reader->next_row++;
    return SRD_PNG_OK;
}

srd_png_status srd_png_read_end(srd_png_reader *reader) {
    if (setjmp(png_jmpbuf(reader->png))) return reader->status;
    png_read_end(reader->png, NULL);
    return SRD_PNG_OK;
}

const char *srd_png_reader_message(const srd_png_reader *reader) { return reader->message; }
int srd_png_warning_count(const srd_png_reader *reader) { return reader->warning_count; }
const char *srd_png_warning(const srd_png_reader *reader, int index) { return reader->warnings[index]; }

void srd_png_reader_destroy(srd_png_reader *reader) {
    png_destroy_read_struct(&reader->png, &reader->info, NULL);
    free(reader->image);
    free(reader);
}
