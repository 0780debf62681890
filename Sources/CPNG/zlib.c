#include "CPNG.h"

#include <stdlib.h>
#include <zlib.h>

uint32_t srd_crc32(const uint8_t *bytes, size_t count) { return (uint32_t)crc32_z(crc32_z(0, NULL, 0), bytes, count); }

uint8_t *srd_inflate(const uint8_t *bytes, size_t count, size_t limit, size_t *inflated_count) {
    z_stream stream = {0};
    if (count > UINT32_MAX || inflateInit(&stream) != Z_OK) return NULL;
    stream.next_in = (Bytef *)bytes;
    stream.avail_in = (uInt)count;
    uint8_t *out = NULL;
    size_t capacity = 0;
    int status = Z_OK;
    while (status == Z_OK && capacity < limit) {
        size_t larger = capacity == 0 ? 4096 : 2 * capacity;
        if (larger > limit) larger = limit;
        uint8_t *grown = realloc(out, larger);
        if (!grown) break;
        out = grown;
        stream.next_out = out + capacity;
        stream.avail_out = (uInt)(larger - capacity);
        status = inflate(&stream, Z_SYNC_FLUSH);
        capacity = larger;
        if (status == Z_OK && stream.avail_out > 0) break;  // the input ends early
    }
    *inflated_count = stream.total_out;
    inflateEnd(&stream);
    if (status == Z_STREAM_END) return out;
    free(out);
    return NULL;
}

uint8_t *srd_deflate(const uint8_t *bytes, size_t count, size_t *deflated_count) {
    uLongf size = compressBound(count);
    uint8_t *out = malloc(size);
    if (!out) return NULL;
    if (compress2(out, &size, bytes, count, 9) != Z_OK) {
        free(out);
        return NULL;
    }
    *deflated_count = size;
    return out;
}

void srd_zlib_free(uint8_t *bytes) { free(bytes); }
