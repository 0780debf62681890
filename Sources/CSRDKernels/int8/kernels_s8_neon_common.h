// What kernels_s8_body.h needs of ARM's vectors of four, but the products. HELPER is defined before.
#define VECTOR_REGISTER "w"
#define LANES 4
#define VECTORS 2
typedef float32x4_t vec;
typedef int32x4_t ivec;
typedef int8x16_t four_codes, four_weights;

HELPER vec to_float(ivec v) { return vcvtq_f32_s32(v); }
HELPER vec floor_vec(vec v) { return vrndmq_f32(v); }
HELPER vec min_vec(vec a, vec b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
HELPER vec max_vec(vec a, vec b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
HELPER ivec to_int(vec k) { return vcvtnq_s32_f32(k); }
HELPER int32_t four_bytes(const void *p) {
    int32_t four;
    __builtin_memcpy(&four, p, 4);
    return four;
}
HELPER int8x16_t codes(const srd_code *p) { return vreinterpretq_s8_s32(vdupq_n_s32(four_bytes(p))); }
HELPER int8x16_t weights(const int8_t *p) { return vld1q_s8(p); }
HELPER four_codes hidden(four_codes c) {
    __asm__ volatile("" : "+w"(c));
    return c;
}
HELPER vec real(const srd_code *p, int zero_point) {
    const int16x8_t words = vmovl_s8(vcreate_s8((uint32_t)four_bytes(p)));
    return vcvtq_f32_s32(vsubq_s32(vmovl_s16(vget_low_s16(words)), vdupq_n_s32(zero_point)));
}

/// Four codes a vector. The conversion and the packing saturate; NaN, which converts to 0, is clamped before.
HELPER void put(srd_code *p, const vec *v, const int count, int zero_point) {
    for (int i = 0; i < count; i++) {
        const int16x4_t q = vqmovn_s32(vcvtnq_s32_f32(min_vec(v[i], vdupq_n_f32(256))));
        const int16x4_t words = vqadd_s16(q, vdup_n_s16((int16_t)zero_point));
        const int8x8_t bytes = vqmovn_s16(vcombine_s16(words, words));
        const int32_t four = vget_lane_s32(vreinterpret_s32_s8(bytes), 0);
        __builtin_memcpy(p + 4 * i, &four, 4);
    }
}
