// The products of kernels_s8_avx2.c, in vectors of four.
#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include <immintrin.h>
#include "kernels_s8.h"
#define SRD_ISA sse41
#define SRD_TARGET __attribute__((target("sse4.1")))
#define SRD_VECTOR_REGISTER "x"
#define SRD_LANES 4
#define SRD_VECTORS 2
#define SRD_PIXELS 4
#define SRD_EPILOGUE_PIXELS 2
typedef __m128 vec;
typedef int32_t ivec __attribute__((vector_size(16)));
typedef int32_t any_int __attribute__((aligned(1), may_alias));
typedef struct {
    __m128i even, odd;
} four_values, four_weights;

SRD_INLINE four_values quantized(const srd_quantized *p) {
    const __m128i four = _mm_set1_epi32(*(const any_int *)p);
    return (four_values){_mm_and_si128(four, _mm_set1_epi16(255)), _mm_srli_epi16(four, 8)};
}
SRD_INLINE four_weights weights(const int8_t *p) {
    const __m128i four = _mm_loadu_si128((const __m128i *)p);
    return (four_weights){_mm_srai_epi16(_mm_slli_epi16(four, 8), 8), _mm_srai_epi16(four, 8)};
}
SRD_INLINE four_values hidden(four_values c) {
    __asm__ volatile("" : "+x"(c.even), "+x"(c.odd));
    return c;
}
SRD_INLINE ivec dot(ivec sum, four_values c, four_weights w) {
    return sum + (ivec)_mm_madd_epi16(c.even, w.even) + (ivec)_mm_madd_epi16(c.odd, w.odd);
}
SRD_INLINE vec to_float(ivec v) { return _mm_cvtepi32_ps((__m128i)v); }
SRD_INLINE vec min_vec(vec a, vec b) { return _mm_min_ps(a, b); }
SRD_INLINE vec max_vec(vec a, vec b) { return _mm_max_ps(a, b); }
SRD_INLINE vec real(const srd_quantized *p, int zero_point) {
    const __m128i quantized = _mm_cvtepu8_epi32(_mm_cvtsi32_si128(*(const any_int *)p));
    return _mm_cvtepi32_ps(_mm_sub_epi32(quantized, _mm_set1_epi32(SRD_QUANTIZED_BIAS + zero_point)));
}

/// Stores four quantized values per vector. Packing saturates beyond ±32768. A conversion that overflows gives −2³¹, so
/// only the upper side is clamped.
SRD_INLINE void store_quantized(srd_quantized *p, const vec *v, const int count, int zero_point) {
    const __m128i zero = _mm_set1_epi16((int16_t)(SRD_QUANTIZED_BIAS + zero_point));
    for (int i = 0; i < count; i++) {
        const __m128i q = _mm_cvtps_epi32(min_vec(v[i], _mm_set1_ps(256)));
        const __m128i words = _mm_adds_epi16(_mm_packs_epi32(q, q), zero);
        *(any_int *)(p + 4 * i) = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    }
}
#include "kernels_s8_dot.h"
#include "kernels_s8_body.h"

#define SRD_WINOGRAD_TILES 6
SRD_INLINE ivec two_weights(const int16_t *p) { return (ivec)_mm_load_si128((const __m128i *)p); }
SRD_INLINE ivec two_values(const int16_t *p) { return (ivec)_mm_set1_epi32(*(const any_int *)p); }
SRD_INLINE ivec add_two(ivec sum, ivec c, ivec w) { return sum + (ivec)_mm_madd_epi16((__m128i)c, (__m128i)w); }
#include "kernels_s8_winograd_x86.h"
#endif
