// Four output rows at once by Winograd's F(4×4, 3×3) (Lavin, Gray 2016): 36 products for 4×4 pixels and a channel where
// conv_row has 144, but of 16 bits. All of it is exact: transformed codes stay within ±68 · 255, transformed weights within
// ±144 · 127, and the sums, 576 times the convolution's, are right modulo 2³². After kernels_s8_body.h; before including it, define
//   SRD_WINOGRAD_BLOCK   output channels in a block, a multiple of SRD_BLOCK
//   SRD_WINOGRAD_TILES   tiles of 4×4 pixels whose products are summed together in registers, an even number; at a row's end half as many
//   regroup_weights(packed, block_stride, out)  a tap's weights of SRD_CHANNEL_STEP channels, as point_products reads them, but bytes
//   point_products(codes, pixel, channels, weights, sums, tiles), of SRD_WINOGRAD_TILES or half of them
//
// The points of interpolation are 0, ±1, ±2, ∞ either way; what would be fractions of them is in the weights.
enum {
    chunk = 2 * SRD_WINOGRAD_TILES,     // tiles that are transformed before their products: weights are read from afar half as often
    half = SRD_WINOGRAD_TILES / 2,
    padding = SRD_WINOGRAD_PADDING,
    point_sums = SRD_WINOGRAD_BLOCK * chunk + 16,       // from one point's sums to the next
};
typedef ivec ivec_u __attribute__((aligned(4), may_alias));

#if SRD_QUANTIZED_BIAS
typedef uint8_t code_byte;
#else
typedef int8_t code_byte;
#endif

/// Bᵀ d B of a patch of N channels: point p goes to out + p · stride.
#define SRD_DEFINE_TRANSFORM(N)                                                                                            \
    typedef code_byte bytes##N __attribute__((vector_size(N), aligned(1), may_alias));                                 \
    typedef int16_t words##N __attribute__((vector_size(2 * N)));                                                      \
    typedef int16_t stored##N __attribute__((vector_size(2 * N), aligned(2), may_alias));                              \
    SRD_INLINE void transform_line##N(const words##N *e, words##N *point) {                                                \
        const words##N two = e[4] - e[2], one = (e[3] - e[1]) << 1;                                                    \
        const words##N even = e[4] - (e[2] << 2), odd = e[3] - (e[1] << 2);                                            \
        point[0] = ((e[0] - e[2]) << 2) + two;                                                                         \
        point[1] = even + odd;                                                                                         \
        point[2] = even - odd;                                                                                         \
        point[3] = two + one;                                                                                          \
        point[4] = two - one;                                                                                          \
        point[5] = e[5] - e[3] - (one << 1);                                                                           \
    }                                                                                                                  \
    SRD_INLINE void transform_patch##N(const srd_quantized *const *rows, ptrdiff_t pixel, int16_t *out, ptrdiff_t stride) {     \
        words##N d[6][6];                                                                                              \
        SRD_UNROLL for (int r = 0; r < 6; r++) {                                                                           \
            words##N c[6];                                                                                             \
            SRD_UNROLL for (int k = 0; k < 6; k++) {                                                                       \
                c[k] = __builtin_convertvector(*(const bytes##N *)(rows[r] + k * pixel), words##N);                    \
            }                                                                                                          \
            transform_line##N(c, d[r]);                                                                                \
        }                                                                                                              \
        SRD_UNROLL for (int k = 0; k < 6; k++) {                                                                           \
            words##N c[6], point[6];                                                                                   \
            SRD_UNROLL for (int r = 0; r < 6; r++) c[r] = d[r][k];                                                         \
            transform_line##N(c, point);                                                                               \
            SRD_UNROLL for (int r = 0; r < 6; r++) *(stored##N *)(out + (6 * r + k) * stride) = point[r];                  \
        }                                                                                                              \
    }
#if SRD_LANES < 8
SRD_DEFINE_TRANSFORM(8)
#define SRD_TRANSFORM_CHANNELS 8
#else
SRD_DEFINE_TRANSFORM(16)
#define SRD_TRANSFORM_CHANNELS 16
#endif
#if SRD_LANES == 16
SRD_DEFINE_TRANSFORM(32)
#define SRD_WORDS 32
#else
#define SRD_WORDS SRD_TRANSFORM_CHANNELS
#endif

/// G g Gᵀ of a vector's worth of weights, of G times 24, but its last row times 12: with these all is integers, and of 16 bits.
/// Tap t's are at weights + t · from, point p's go to out + p · stride.
SRD_INLINE void transform_weights(const int8_t *weights, ptrdiff_t from, int16_t *out, ptrdiff_t stride) {
    typedef int8_t bytes __attribute__((vector_size(SRD_WORDS), may_alias));
    typedef int16_t words __attribute__((vector_size(2 * SRD_WORDS), may_alias));
    words v[6][3];
#define SRD_TRANSFORM_LINE(w, point)                                                                                            \
    const words even = (w[0] + w[2]) << 2, odd = w[1] << 2, even2 = w[0] + (w[2] << 2), odd2 = w[1] << 1;              \
    const words point[6] = {w[0] * 6, -even - odd, odd - even, even2 + odd2, even2 - odd2, w[2] * 12};
    SRD_UNROLL for (int x = 0; x < 3; x++) {
        words w[3];
        SRD_UNROLL for (int y = 0; y < 3; y++) w[y] = __builtin_convertvector(*(const bytes *)(weights + (3 * y + x) * from), words);
        SRD_TRANSFORM_LINE(w, point)
        SRD_UNROLL for (int r = 0; r < 6; r++) v[r][x] = point[r];
    }
    SRD_UNROLL for (int r = 0; r < 6; r++) {
        const words *w = v[r];
        SRD_TRANSFORM_LINE(w, point)
        SRD_UNROLL for (int k = 0; k < 6; k++) *(words *)(out + (6 * r + k) * stride) = point[k];
    }
#undef SRD_TRANSFORM_LINE
}

/// Of `tiles` patches, whose left sides are at pixels x: point p of tile t at codes + p · stride + t · channels.
SRD_INLINE void transform_inputs(const srd_winograd_segment_s8 *s, const int *x, int tiles, int16_t *quantized, ptrdiff_t stride) {
    const int channels = s->channels;
    for (int t = 0; t < tiles; t++) {
        const srd_quantized *rows[6];
        SRD_UNROLL for (int r = 0; r < 6; r++) rows[r] = s->rows[r] + x[t] * s->pixel;
        int i = 0;
#define SRD_TRANSFORM_PATCHES(N)                                                                                                     \
    for (; i + N <= channels; i += N) {                                                                                \
        const srd_quantized *places[6];                                                                                     \
        SRD_UNROLL for (int r = 0; r < 6; r++) places[r] = rows[r] + i;                                                    \
        SRD_JOIN(transform_patch, N)(places, s->pixel, quantized + t * channels + i, stride);                                  \
    }
#if SRD_LANES == 16
        SRD_TRANSFORM_PATCHES(32)
#endif
        SRD_TRANSFORM_PATCHES(SRD_TRANSFORM_CHANNELS)
    }
}

/// A line of Aᵀ, for a line of the points.
SRD_INLINE void transform_points(const ivec *p, ivec *out) {
    const ivec even = p[1] + p[2], odd = p[1] - p[2], even2 = p[3] + p[4], odd2 = p[3] - p[4];
    out[0] = p[0] + even + even2;
    out[1] = odd + (odd2 << 1);
    out[2] = even + (even2 << 2);
    out[3] = odd + (((odd2 << 2) + p[5]) << 1);
}

/// Aᵀ m A: the sums of 4×4 pixels, row by row. m: `point_sums` from point to point.
SRD_INLINE void transform_sums(const int32_t *m, ivec *sum) {
    ivec c[4][6];
    SRD_UNROLL for (int k = 0; k < 6; k++) {
        ivec p[6], out[4];
        SRD_UNROLL for (int r = 0; r < 6; r++) p[r] = *(const ivec_u *)(m + (6 * r + k) * point_sums);
        transform_points(p, out);
        SRD_UNROLL for (int r = 0; r < 4; r++) c[r][k] = out[r];
    }
    SRD_UNROLL for (int r = 0; r < 4; r++) transform_points(c[r], sum + 4 * r);
    // They are multiples of 576: the inverse of 9 modulo 2³², and a shift that keeps the sign.
    SRD_UNROLL for (int i = 0; i < 16; i++) sum[i] = (sum[i] * (int32_t)0x38e38e39) >> 6;
}

/// From the products of `tiles` to the outputs of some vectors of channels. `kept` holds values between inputs.
SRD_INLINE void finish_tiles(
    const srd_conv_winograd_s8_args *a, int s, const int32_t *m, float *kept, const int *x, int tiles, int o, const int vectors
) {
    enum { together = SRD_EPILOGUE_PIXELS, pixels = 4 * SRD_WINOGRAD_ROWS };
    const srd_winograd_segment_s8 *segment = &a->segments[s];
    const srd_conv_row_s8_args *const *rows = a->rows;
    for (int t = 0; t < tiles; t++, m += SRD_WINOGRAD_BLOCK, kept += pixels * SRD_WINOGRAD_BLOCK) {
        vec v[pixels][SRD_VECTORS];
        SRD_UNROLL for (int j = 0; j < vectors; j++) {
            const ivec first = load_ints(segment->correction + o + j * SRD_LANES);
            const vec scale = load(rows[0]->weight_scale + o + j * SRD_LANES) * segment->scale;
            const vec bias = load(rows[0]->bias + o + j * SRD_LANES);
            ivec sum[pixels];
            transform_sums(m + j * SRD_LANES, sum);
            SRD_UNROLL for (int i = 0; i < pixels; i++) {
                v[i][j] = (s == 0 ? bias : load(kept + i * SRD_WINOGRAD_BLOCK + j * SRD_LANES)) + to_float(sum[i] + first) * scale;
            }
        }
        if (s + 1 < a->segment_count) {
            SRD_UNROLL for (int i = 0; i < pixels; i++) {
                SRD_UNROLL for (int j = 0; j < vectors; j++) *(vec_u *)(kept + i * SRD_WINOGRAD_BLOCK + j * SRD_LANES) = v[i][j];
            }
        } else {
            for (int r = 0; r < SRD_WINOGRAD_ROWS && rows[r]; r++) {
                SRD_UNROLL for (int i = 0; i < 4; i += together) {
                    vec part[together][SRD_VECTORS];        // in registers
                    SRD_UNROLL for (int p = 0; p < together; p++) {
                        SRD_UNROLL for (int j = 0; j < vectors; j++) part[p][j] = v[4 * r + i + p][j];
                    }
                    finish(rows[r], part, together, vectors, x[t] + i, o);
                }
            }
        }
    }
}

/// At most `chunk` tiles, a multiple of half a group's, whose left sides are at pixels x.
SRD_INLINE void compute_chunk(const srd_conv_winograd_s8_args *a, const int *x, int tiles) {
    enum { most_segments = SRD_WINOGRAD_CHANNELS / SRD_CHANNEL_STEP };
    _Alignas(64) int16_t quantized[SRD_WINOGRAD_POINTS * (chunk * SRD_WINOGRAD_CHANNELS + most_segments * padding)];
    _Alignas(64) int32_t sums[SRD_WINOGRAD_POINTS * point_sums];
    _Alignas(64) float kept[4 * SRD_WINOGRAD_ROWS * SRD_WINOGRAD_BLOCK * chunk];
    int16_t *place = quantized;
    for (int s = 0; s < a->segment_count; s++) {
        const ptrdiff_t stride = chunk * a->segments[s].channels + padding;
        transform_inputs(&a->segments[s], x, tiles, place, stride);
        place += SRD_WINOGRAD_POINTS * stride;
    }
    const int channels = a->rows[0]->channels;
    for (int o = 0; o < channels; o += SRD_WINOGRAD_BLOCK) {
        place = quantized;
        for (int s = 0; s < a->segment_count; s++) {
            const srd_winograd_segment_s8 *segment = &a->segments[s];
            const int16_t *weights = segment->weights + o / SRD_WINOGRAD_BLOCK * a->block_stride;
            const ptrdiff_t stride = chunk * segment->channels + padding;
            for (int p = 0; p < SRD_WINOGRAD_POINTS; p++, place += stride, weights += segment->channels * SRD_WINOGRAD_BLOCK + padding) {
                if (s + 1 == a->segment_count && p < 4 * SRD_WINOGRAD_TILES) {
                    for (int t = 0; t < tiles; t += SRD_WINOGRAD_TILES) {
                        for (int r = 0; r < SRD_WINOGRAD_ROWS && a->rows[r]; r++) prefetch_outputs(a->rows[r], x[t] + p, 1, o);
                    }
                }
                for (int t = 0; t < tiles; t += SRD_WINOGRAD_TILES) {
                    const int16_t *first = place + t * segment->channels;
                    int32_t *to = sums + p * point_sums + t * SRD_WINOGRAD_BLOCK;
                    if (t + SRD_WINOGRAD_TILES <= tiles) {
                        point_products(first, segment->channels, segment->channels, weights, to, SRD_WINOGRAD_TILES);
                    } else {
                        point_products(first, segment->channels, segment->channels, weights, to, half);
                    }
                }
            }
            SRD_UNROLL for (int part = 0; part < SRD_WINOGRAD_BLOCK; part += SRD_BLOCK) {
                enum { rest = SRD_BLOCK > SRD_CHANNEL_STEP ? SRD_CHANNEL_STEP / SRD_LANES : SRD_VECTORS };
                if (SRD_BLOCK <= SRD_CHANNEL_STEP || channels - o >= SRD_BLOCK) {
                    finish_tiles(a, s, sums + part, kept + part, x, tiles, o + part, SRD_VECTORS);
                } else {
                    finish_tiles(a, s, sums + part, kept + part, x, tiles, o + part, rest);
                }
            }
        }
    }
}

/// The last half of a group may lie over its neighbours, and so may the last tile.
SRD_TARGET void SRD_JOIN(srd_conv_winograd_s8_, SRD_ISA)(const srd_conv_winograd_s8_args *a) {
    const int width = a->rows[0]->width, tiles = (width + 3) / 4;
    for (int first = 0; first < tiles; first += chunk) {
        int x[chunk], count = 0;
        for (int start = first; start < tiles && count < chunk; start += half) {
            for (int i = 0; i < half; i++) {
                const int tile = (start + half > tiles ? tiles - half : start) + i;
                x[count++] = 4 * tile > width - 4 ? width - 4 : 4 * tile;
            }
        }
        compute_chunk(a, x, count);
    }
}

SRD_TARGET void SRD_JOIN(srd_winograd_weights_s8_, SRD_ISA)(
    const int8_t *packed, ptrdiff_t block_stride, int channels, int16_t *transformed
) {
    enum { part = SRD_CHANNEL_STEP * SRD_WINOGRAD_BLOCK };
    for (int i = 0; i < channels; i += SRD_CHANNEL_STEP, packed += SRD_CHANNEL_STEP * SRD_BLOCK, transformed += part) {
        _Alignas(64) int8_t weights[9 * part];
        for (int t = 0; t < 9; t++) regroup_weights(packed + t * channels * SRD_BLOCK, block_stride, weights + t * part);
        for (int j = 0; j < part; j += SRD_WORDS) {
            transform_weights(weights + j, part, transformed + j, channels * SRD_WINOGRAD_BLOCK + padding);
        }
    }
}
