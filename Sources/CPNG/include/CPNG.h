/// PNG in memory, through libpng.
///
/// libpng reports errors by longjmp. Every function here catches its own, so no jump crosses a caller's frame:
/// after a failure the reader or writer only serves for its message and for being destroyed.
#ifndef SRD_CPNG_H
#define SRD_CPNG_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    SRD_PNG_OK,
    SRD_PNG_FAILED,      // the message says why
    SRD_PNG_ENDS_EARLY,  // the bytes end inside the image
} srd_png_status;

/// Rows are `width * channels` samples, interleaved: bytes at depth 8, big-endian pairs of bytes at depth 16.
typedef struct {
    uint32_t width, height;
    uint8_t channels;         // 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA
    uint8_t bit_depth;        // 8 or 16
    uint64_t inflated_bytes;  // reading only: the least that the file's compressed data must inflate to
} srd_png_header;

typedef struct srd_png_reader srd_png_reader;

/// NULL when out of memory. `bytes` must outlive the reader.
srd_png_reader *srd_png_reader_create(const uint8_t *bytes, size_t count);
/// Allocates nothing that grows with the image.
srd_png_status srd_png_read_header(srd_png_reader *, srd_png_header *);
/// The next row, from the top. The first row of an interlaced image allocates and reads the whole of it.
srd_png_status srd_png_read_row(srd_png_reader *, uint8_t *row);
/// Checks what follows the last row, up to the end mark.
srd_png_status srd_png_read_end(srd_png_reader *);
const char *srd_png_reader_message(const srd_png_reader *);
/// The first few warnings.
int srd_png_warning_count(const srd_png_reader *);
const char *srd_png_warning(const srd_png_reader *, int index);
void srd_png_reader_destroy(srd_png_reader *);

typedef struct srd_png_writer srd_png_writer;

enum {
    /// Deflate that looks for runs of one byte only.
    SRD_PNG_RUNS = -1,
};

/// NULL when out of memory.
srd_png_writer *srd_png_writer_create(void);
/// `compression` is zlib's level, 0 to 9, or SRD_PNG_RUNS.
srd_png_status srd_png_write_header(srd_png_writer *, const srd_png_header *, int compression);
/// Between header and first row. `type` is four ASCII letters; the data goes out as it is.
srd_png_status srd_png_write_chunk(srd_png_writer *, const uint8_t type[4], const uint8_t *data, size_t count);
srd_png_status srd_png_write_row(srd_png_writer *, const uint8_t *row);
srd_png_status srd_png_write_end(srd_png_writer *);
/// Takes the bytes written since the last call, and returns their number. They belong to the writer and last until its
/// next call.
size_t srd_png_take(srd_png_writer *, const uint8_t **bytes);
const char *srd_png_writer_message(const srd_png_writer *);
void srd_png_writer_destroy(srd_png_writer *);

/// The CRC of a PNG chunk: over its type and data.
uint32_t srd_crc32(const uint8_t *bytes, size_t count);
/// Inflates a zlib stream. NULL if it is damaged, ends early or has more than `limit` bytes. Release with
/// srd_zlib_free.
uint8_t *srd_inflate(const uint8_t *bytes, size_t count, size_t limit, size_t *inflated_count);
/// Deflates to a zlib stream. NULL when out of memory. Release with srd_zlib_free.
uint8_t *srd_deflate(const uint8_t *bytes, size_t count, size_t *deflated_count);
void srd_zlib_free(uint8_t *bytes);

#endif
