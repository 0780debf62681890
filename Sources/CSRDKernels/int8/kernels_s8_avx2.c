// AVX2's byte product saturates, so bytes become words, even and odd channels separately, and pmaddwd adds pairs.
// 8 accumulators of 8 lanes, 4 registers of weights, 2 of inputs: 14 of 16 registers.
#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include <immintrin.h>
#include "kernels_s8.h"
#define SRD_ISA avx2
#define SRD_TARGET __attribute__((target("avx2")))
#define SRD_VECTOR_REGISTER "x"
#define SRD_LANES 8
#define SRD_VECTORS 2
#define SRD_PIXELS 4
#define SRD_EPILOGUE_PIXELS 2
#include "kernels_s8_256.h"
typedef struct {
    __m256i even, odd;
} four_values, four_weights;

SRD_INLINE four_values quantized(const srd_quantized *p) {
    const __m256i four = _mm256_set1_epi32(*(const any_int *)p);
    return (four_values){_mm256_and_si256(four, _mm256_set1_epi16(255)), _mm256_srli_epi16(four, 8)};
}
SRD_INLINE four_weights weights(const int8_t *p) {
    const __m256i four = _mm256_loadu_si256((const __m256i *)p);
    return (four_weights){_mm256_srai_epi16(_mm256_slli_epi16(four, 8), 8), _mm256_srai_epi16(four, 8)};
}
SRD_INLINE four_values hidden(four_values c) {
    __asm__ volatile("" : "+x"(c.even), "+x"(c.odd));
    return c;
}
SRD_INLINE ivec dot(ivec sum, four_values c, four_weights w) {
    return sum + (ivec)_mm256_madd_epi16(c.even, w.even) + (ivec)_mm256_madd_epi16(c.odd, w.odd);
}
#include "kernels_s8_dot.h"
#include "kernels_s8_body.h"

#define SRD_WINOGRAD_TILES 6
SRD_INLINE ivec two_weights(const int16_t *p) { return (ivec)_mm256_load_si256((const __m256i *)p); }
SRD_INLINE ivec two_values(const int16_t *p) { return (ivec)_mm256_set1_epi32(*(const any_int *)p); }
SRD_INLINE ivec add_two(ivec sum, ivec c, ivec w) { return sum + (ivec)_mm256_madd_epi16((__m256i)c, (__m256i)w); }
#include "kernels_s8_winograd_x86.h"
#endif
