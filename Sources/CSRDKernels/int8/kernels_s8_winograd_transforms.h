// The three transforms of F(4×4, 3×3) with the interpolation points 0, ±1, ±2 and ∞, for kernels_s8_winograd.h, which
// defines `point_sums`.
typedef ivec ivec_u __attribute__((aligned(4), may_alias));

#if SRD_QUANTIZED_BIAS
typedef uint8_t quantized_byte;
#else
typedef int8_t quantized_byte;
#endif

/// The input transform Bᵀ d B of a patch of N channels. Point p is stored at out + p · stride.
#define SRD_DEFINE_TRANSFORM(N)                                                                                        \
    typedef quantized_byte bytes##N __attribute__((vector_size(N), aligned(1), may_alias));                            \
    typedef int16_t words##N __attribute__((vector_size(2 * N)));                                                      \
    typedef int16_t stored##N __attribute__((vector_size(2 * N), aligned(2), may_alias));                              \
    SRD_INLINE void transform_line##N(const words##N *e, words##N *point) {                                            \
        const words##N two = e[4] - e[2], one = (e[3] - e[1]) << 1;                                                    \
        const words##N even = e[4] - (e[2] << 2), odd = e[3] - (e[1] << 2);                                            \
        point[0] = ((e[0] - e[2]) << 2) + two;                                                                         \
        point[1] = even + odd;                                                                                         \
        point[2] = even - odd;                                                                                         \
        point[3] = two + one;                                                                                          \
        point[4] = two - one;                                                                                          \
        point[5] = e[5] - e[3] - (one << 1);                                                                           \
    }                                                                                                                  \
    SRD_INLINE void transform_patch##N(                                                                                \
        const srd_quantized *const *rows, ptrdiff_t pixel, int16_t *out, ptrdiff_t stride) {                           \
        words##N d[6][6];                                                                                              \
        SRD_UNROLL for (int r = 0; r < 6; r++) {                                                                       \
            words##N c[6];                                                                                             \
            SRD_UNROLL for (int k = 0; k < 6; k++) {                                                                   \
                c[k] = __builtin_convertvector(*(const bytes##N *)(rows[r] + k * pixel), words##N);                    \
            }                                                                                                          \
            transform_line##N(c, d[r]);                                                                                \
        }                                                                                                              \
        SRD_UNROLL for (int k = 0; k < 6; k++) {                                                                       \
            words##N c[6], point[6];                                                                                   \
            SRD_UNROLL for (int r = 0; r < 6; r++) c[r] = d[r][k];                                                     \
            transform_line##N(c, point);                                                                               \
            SRD_UNROLL for (int r = 0; r < 6; r++) * (stored##N *)(out + (6 * r + k) * stride) = point[r];             \
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

/// The weight transform G g Gᵀ of a vector of weights, with G times 24 and its last row times 12, so that results are
/// 16-bit integers. Tap t is at weights + t · from; point p is stored at out + p · stride.
SRD_INLINE void transform_weights(const int8_t *weights, ptrdiff_t from, int16_t *out, ptrdiff_t stride) {
    typedef int8_t bytes __attribute__((vector_size(SRD_WORDS), may_alias));
    typedef int16_t words __attribute__((vector_size(2 * SRD_WORDS), may_alias));
    words v[6][3];
#define SRD_TRANSFORM_LINE(w, point)                                                                                   \
    const words even = (w[0] + w[2]) << 2, odd = w[1] << 2, even2 = w[0] + (w[2] << 2), odd2 = w[1] << 1;              \
    const words point[6] = {w[0] * 6, -even - odd, odd - even, even2 + odd2, even2 - odd2, w[2] * 12};
    SRD_UNROLL for (int x = 0; x < 3; x++) {
        words w[3];
        SRD_UNROLL for (int y = 0; y < 3; y++)
            w[y] = __builtin_convertvector(*(const bytes *)(weights + (3 * y + x) * from), words);
        SRD_TRANSFORM_LINE(w, point)
        SRD_UNROLL for (int r = 0; r < 6; r++) v[r][x] = point[r];
    }
    SRD_UNROLL for (int r = 0; r < 6; r++) {
        const words *w = v[r];
        SRD_TRANSFORM_LINE(w, point)
        SRD_UNROLL for (int k = 0; k < 6; k++) * (words *)(out + (6 * r + k) * stride) = point[k];
    }
#undef SRD_TRANSFORM_LINE
}

/// The input transform of `tiles` patches whose left sides are at pixels x. Point p of tile t is stored at
/// quantized + p · stride + t · channels.
SRD_INLINE void transform_inputs(
    const srd_winograd_input_s8 *s, const int *x, int tiles, int16_t *quantized, ptrdiff_t stride) {
    const int channels = s->channels;
    for (int t = 0; t < tiles; t++) {
        const srd_quantized *rows[6];
        SRD_UNROLL for (int r = 0; r < 6; r++) rows[r] = s->rows[r] + x[t] * s->pixel;
        int i = 0;
#define SRD_TRANSFORM_PATCHES(N)                                                                                       \
    for (; i + N <= channels; i += N) {                                                                                \
        const srd_quantized *places[6];                                                                                \
        SRD_UNROLL for (int r = 0; r < 6; r++) places[r] = rows[r] + i;                                                \
        SRD_JOIN(transform_patch, N)(places, s->pixel, quantized + t * channels + i, stride);                          \
    }
#if SRD_LANES == 16
        SRD_TRANSFORM_PATCHES(32)
#endif
        SRD_TRANSFORM_PATCHES(SRD_TRANSFORM_CHANNELS)
    }
}

/// A row of the output transform Aᵀ applied to a row of points.
SRD_INLINE void transform_points(const ivec *p, ivec *out) {
    const ivec even = p[1] + p[2], odd = p[1] - p[2], even2 = p[3] + p[4], odd2 = p[3] - p[4];
    out[0] = p[0] + even + even2;
    out[1] = odd + (odd2 << 1);
    out[2] = even + (even2 << 2);
    out[3] = odd + (((odd2 << 2) + p[5]) << 1);
}

/// The output transform Aᵀ m A: the accumulators of 4×4 pixels, row by row. Points are `point_sums` apart in m.
SRD_INLINE void transform_sums(const int32_t *m, ivec *sum) {
    ivec c[4][6];
    SRD_UNROLL for (int k = 0; k < 6; k++) {
        ivec p[6], out[4];
        SRD_UNROLL for (int r = 0; r < 6; r++) p[r] = *(const ivec_u *)(m + (6 * r + k) * point_sums);
        transform_points(p, out);
        SRD_UNROLL for (int r = 0; r < 4; r++) c[r][k] = out[r];
    }
    SRD_UNROLL for (int r = 0; r < 4; r++) transform_points(c[r], sum + 4 * r);
    // Divides multiples of 576: by 9 with its inverse modulo 2³², then by 64 with a shift that keeps the sign.
    SRD_UNROLL for (int i = 0; i < 16; i++) sum[i] = (sum[i] * (int32_t)0x38e38e39) >> 6;
}
