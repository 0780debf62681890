// A tile's products by four neighbouring channels at a time, for kernels_s8_body.h. Weights are packed in groups of 4.
// Before including it, define, beside what the body asks for,
//   four_codes, codes(p)      four channels of a pixel, in every lane
//   four_weights, weights(p)  four channels' weights of LANES outputs
//   dot(sum, codes, weights)  plus the four products, in each lane
//   hidden(codes)             the same, though the compiler must not know that

/// Adds the taps' products to the sums of `pixels` from x on, `vectors` of output channels from the start of a block on,
/// whose weights lie `offset` bytes from the first block's.
INLINE void products(
    const srd_segment_s8 *segment, ivec (*sum)[VECTORS], int x, ptrdiff_t offset, const int pixels, const int vectors
) {
    for (int t = 0; t < segment->tap_count; t++) {
        const srd_tap_s8 *tap = &segment->taps[t];
        const ptrdiff_t pixel = tap->pixel;
        const int8_t *packed = tap->weights + offset;
        const srd_code *input[(PIXELS + 3) / 4];
        UNROLL for (int p = 0; p < pixels; p += 4) input[p / 4] = tap->input + (x + p) * pixel;
        for (int i = 0; i < tap->channels; i += SRD_CHANNEL_STEP) {
            UNROLL for (int g = 0; g < SRD_CHANNEL_STEP; g += 4) {
                four_weights w[VECTORS];
                UNROLL for (int j = 0; j < vectors; j++) w[j] = weights(packed + g * BLOCK + j * LANES * 4);
                UNROLL for (int p = 0; p < pixels; p++) {
                    const four_codes c = codes(input[p / 4] + p % 4 * pixel + g);
                    UNROLL for (int j = 0; j < vectors; j++) {
                        sum[p][j] = dot(sum[p][j], c, w[j]);
                        KEEP_ORDER(sum[p][j]);
                    }
                }
            }
            UNROLL for (int p = 0; p < pixels; p += 4) input[p / 4] += SRD_CHANNEL_STEP;
            packed += SRD_CHANNEL_STEP * BLOCK;
        }
    }
}

/// Products alone, on a tile's worth of sums that stay in registers.
TARGET int64_t JOIN(srd_peak_s8_, ISA)(int64_t rounds) {
    static const int8_t bytes[VECTORS * LANES * 4];
    ivec sum[PIXELS][VECTORS] = {0};
    four_weights w[VECTORS];
    four_codes c = codes((const srd_code *)bytes);
    UNROLL for (int j = 0; j < VECTORS; j++) w[j] = hidden(weights(bytes + j * LANES * 4));
    for (int64_t r = 0; r < rounds; r++) {
        UNROLL for (int p = 0; p < PIXELS; p++) {
            c = hidden(c);
            UNROLL for (int j = 0; j < VECTORS; j++) sum[p][j] = dot(sum[p][j], c, w[j]);
        }
    }
    ivec total = {0};
    UNROLL for (int p = 0; p < PIXELS; p++) {
        UNROLL for (int j = 0; j < VECTORS; j++) total += sum[p][j];
    }
    __asm__ volatile("" ::"r"(total[0]));
    return rounds * PIXELS * BLOCK * 4;
}
