// What kernels_s8_body.h needs of ARM's vectors of four, but the products. Before including it, define
//   multiply(sums, codes, weights, pixels)  adds the instruction set's products of 16 bytes by 16: `pixels` × TOGETHER sums
//   PRODUCTS                                how many such a product of two registers is
#define VECTOR_REGISTER "w"
#define LANES 4
typedef float32x4_t vec;
typedef int32x4_t ivec;

INLINE vec to_float(ivec v) { return vcvtq_f32_s32(v); }
INLINE vec floor_vec(vec v) { return vrndmq_f32(v); }
INLINE vec min_vec(vec a, vec b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
INLINE vec max_vec(vec a, vec b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
INLINE ivec to_int(vec k) { return vcvtnq_s32_f32(k); }
INLINE int32_t four_bytes(const void *p) {
    int32_t four;
    __builtin_memcpy(&four, p, 4);
    return four;
}
INLINE int8x16_t bytes(const void *p) { return vld1q_s8(p); }
INLINE vec real(const srd_code *p, int zero_point) {
    const int16x8_t words = vmovl_s8(vcreate_s8((uint32_t)four_bytes(p)));
    return vcvtq_f32_s32(vsubq_s32(vmovl_s16(vget_low_s16(words)), vdupq_n_s32(zero_point)));
}

/// Four codes a vector. The conversion and the packing saturate; NaN, which converts to 0, is clamped before.
INLINE void put(srd_code *p, const vec *v, const int count, int zero_point) {
    for (int i = 0; i < count; i++) {
        const int16x4_t q = vqmovn_s32(vcvtnq_s32_f32(min_vec(v[i], vdupq_n_f32(256))));
        const int16x4_t words = vqadd_s16(q, vdup_n_s16((int16_t)zero_point));
        const int8x8_t bytes = vqmovn_s16(vcombine_s16(words, words));
        const int32_t four = vget_lane_s32(vreinterpret_s32_s8(bytes), 0);
        __builtin_memcpy(p + 4 * i, &four, 4);
    }
}

/// Products alone, on 16 sums that stay in registers.
TARGET int64_t JOIN(srd_peak_s8_, ISA)(int64_t rounds) {
    enum { pairs = 2 };
    ivec sum[2 * pairs][TOGETHER] = {0};
    int8x16_t c[2], w[TOGETHER];
    UNROLL for (int p = 0; p < 2; p++) c[p] = vdupq_n_s8(0);
    UNROLL for (int o = 0; o < TOGETHER; o++) {
        w[o] = vdupq_n_s8(0);
        __asm__ volatile("" : "+w"(w[o]));
    }
    for (int64_t r = 0; r < rounds; r++) {
        UNROLL for (int pair = 0; pair < pairs; pair++) {
            __asm__("" : "+w"(c[0]), "+w"(c[1]));       // or the compiler would compute the same products once
            multiply(sum + 2 * pair, c, w, 2);
        }
    }
    UNROLL for (int p = 0; p < 2 * pairs; p++) {
        UNROLL for (int o = 0; o < TOGETHER; o++) KEEP_ORDER(sum[p][o]);
    }
    return rounds * 2 * pairs * TOGETHER * PRODUCTS;
}
