// The NEON operations that kernels_s8_body.h requires, except the products. Before including it, define
//   multiply(sums, inputs, weights, pixels)  adds products of 16 bytes by 16 to `pixels` × SRD_TOGETHER sums
//   SRD_PRODUCTS                             multiply-accumulates per product of two registers
#define SRD_VECTOR_REGISTER "w"
#define SRD_LANES 4
typedef float32x4_t vec;
typedef int32x4_t ivec;

SRD_INLINE vec to_float(ivec v) { return vcvtq_f32_s32(v); }
SRD_INLINE vec min_vec(vec a, vec b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
SRD_INLINE vec max_vec(vec a, vec b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
SRD_INLINE int32_t four_bytes(const void *p) {
    int32_t four;
    __builtin_memcpy(&four, p, 4);
    return four;
}
SRD_INLINE int8x16_t bytes(const void *p) { return vld1q_s8(p); }
SRD_INLINE vec real(const srd_quantized *p, int zero_point) {
    const int16x8_t words = vmovl_s8(vcreate_s8((uint32_t)four_bytes(p)));
    return vcvtq_f32_s32(vsubq_s32(vmovl_s16(vget_low_s16(words)), vdupq_n_s32(zero_point)));
}

/// Quantizes `count` vectors of four values; each element of `packed` takes two vectors. The conversion and the packing
/// saturate. NaN would convert to 0, so values are clamped first. All vectors take each operation before the next one.
SRD_INLINE void pack(const vec *v, const int count, int zero_point, int32x2_t *packed) {
    const int16x8_t zero = vdupq_n_s16((int16_t)zero_point);
    int16x8_t words[SRD_EPILOGUE_PIXELS * SRD_VECTORS > 4 ? SRD_EPILOGUE_PIXELS * SRD_VECTORS : 4];
    SRD_UNROLL for (int i = 0; i < count; i += 2) {
        const int j = i + 1 < count ? i + 1 : i;
        const int16x4_t low = vqmovn_s32(vcvtnq_s32_f32(min_vec(v[i], vdupq_n_f32(256))));
        words[i / 2] = vqmovn_high_s32(low, vcvtnq_s32_f32(min_vec(v[j], vdupq_n_f32(256))));
    }
    SRD_UNROLL for (int i = 0; i < count; i += 2)
        packed[i / 2] = vreinterpret_s32_s8(vqmovn_s16(vqaddq_s16(words[i / 2], zero)));
}

/// Stores the quantized values of vector i.
SRD_INLINE void put_packed(srd_quantized *p, const int32x2_t *packed, const int i) {
    const int32_t four = i % 2 ? vget_lane_s32(packed[i / 2], 1) : vget_lane_s32(packed[i / 2], 0);
    __builtin_memcpy(p, &four, 4);
}

SRD_INLINE void store_quantized(srd_quantized *p, const vec *v, const int count, int zero_point) {
    int32x2_t packed[4];
    pack(v, count, zero_point, packed);
    SRD_UNROLL for (int i = 0; i < count; i++) put_packed(p + 4 * i, packed, i);
}

#define SRD_STORES_PIXELS
/// Stores some pixels. `vectors` is always the whole block, which has at most SRD_CHANNEL_STEP channels.
SRD_INLINE void store_pixels(
    srd_quantized *p, ptrdiff_t pixel, vec (*v)[SRD_VECTORS], const int pixels, const int vectors, int zero_point) {
    int32x2_t packed[SRD_EPILOGUE_PIXELS * SRD_VECTORS];
    pack(v[0], pixels * SRD_VECTORS, zero_point, packed);
    SRD_UNROLL for (int i = 0; i < pixels * SRD_VECTORS; i++)
        put_packed(p + i / SRD_VECTORS * pixel + i % SRD_VECTORS * 4, packed, i);
}

/// Runs products alone, on 16 accumulators that stay in registers. Returns the multiply-accumulates.
SRD_TARGET int64_t SRD_JOIN(srd_peak_s8_, SRD_ISA)(int64_t rounds) {
    enum { pairs = 2 };
    ivec sum[2 * pairs][SRD_TOGETHER] = {0};
    int8x16_t c[2], w[SRD_TOGETHER];
    SRD_UNROLL for (int p = 0; p < 2; p++) c[p] = vdupq_n_s8(0);
    SRD_UNROLL for (int o = 0; o < SRD_TOGETHER; o++) {
        w[o] = vdupq_n_s8(0);
        __asm__ volatile("" : "+w"(w[o]));
    }
    for (int64_t r = 0; r < rounds; r++) {
        SRD_UNROLL for (int pair = 0; pair < pairs; pair++) {
            __asm__("" : "+w"(c[0]), "+w"(c[1]));  // or the compiler would compute the same products once
            multiply(sum + 2 * pair, c, w, 2);
        }
    }
    SRD_UNROLL for (int p = 0; p < 2 * pairs; p++) {
        SRD_UNROLL for (int o = 0; o < SRD_TOGETHER; o++) SRD_KEEP_ORDER(sum[p][o]);
    }
    return rounds * 2 * pairs * SRD_TOGETHER * SRD_PRODUCTS;
}
