// The 256-bit operations that kernels_s8_body.h requires, except the products. SRD_TARGET must be defined.
typedef __m256 vec;
typedef int32_t ivec __attribute__((vector_size(32)));
typedef int32_t any_int __attribute__((aligned(1), may_alias));

SRD_INLINE vec to_float(ivec v) { return _mm256_cvtepi32_ps((__m256i)v); }
SRD_INLINE vec min_vec(vec a, vec b) { return _mm256_min_ps(a, b); }
SRD_INLINE vec max_vec(vec a, vec b) { return _mm256_max_ps(a, b); }
SRD_INLINE vec real(const srd_quantized *p, int zero_point) {
    const __m256i quantized = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
    return _mm256_cvtepi32_ps(_mm256_sub_epi32(quantized, _mm256_set1_epi32(SRD_QUANTIZED_BIAS + zero_point)));
}

/// Stores 16 or 8 quantized values. Packing saturates beyond ±32768. A conversion that overflows gives −2³¹, so only
/// the upper side is clamped.
SRD_INLINE void store_quantized(srd_quantized *p, const vec *v, const int count, int zero_point) {
    const vec most = _mm256_set1_ps(256);
    const __m256i zero = _mm256_set1_epi16((int16_t)(SRD_QUANTIZED_BIAS + zero_point));
    const __m256i low = _mm256_cvtps_epi32(min_vec(v[0], most));
    const __m256i high = count == 2 ? _mm256_cvtps_epi32(min_vec(v[1], most)) : low;
    const __m256i words = _mm256_adds_epi16(_mm256_packs_epi32(low, high), zero);
    const __m256i order = _mm256_set_epi32(7, 3, 6, 2, 5, 1, 4, 0);
    const __m128i bytes = _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(_mm256_packus_epi16(words, words), order));
    if (count == 2) {
        _mm_storeu_si128((__m128i *)p, bytes);
    } else {
        _mm_storel_epi64((__m128i *)p, bytes);
    }
}
