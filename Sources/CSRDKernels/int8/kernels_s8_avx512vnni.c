// 20 accumulators of 16 lanes: 10 pixels × 32 channels. The other registers are for the epilogue of the previous tile.
// Hidden size 32 fills a block. A block's 3×3 weights for 64 channels take 18 KB of L1.
#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include <immintrin.h>
#include "kernels_s8.h"
#define SRD_ISA avx512vnni
#define SRD_TARGET __attribute__((target("prfchw,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#define SRD_VECTOR_REGISTER "v"
#define SRD_LANES 16
#define SRD_VECTORS 2
#define SRD_PIXELS 10
#define SRD_EPILOGUE_PIXELS 4
#define SRD_PIPELINES_TILES 1
#define SRD_PREFETCHES_OUTPUTS 1
typedef __m512 vec;
typedef int32_t ivec __attribute__((vector_size(64)));
typedef ivec four_values, four_weights;
typedef int32_t any_int __attribute__((aligned(1), may_alias));

SRD_INLINE ivec quantized(const srd_quantized *p) { return (ivec)_mm512_set1_epi32(*(const any_int *)p); }
SRD_INLINE ivec weights(const int8_t *p) { return (ivec)_mm512_loadu_si512(p); }
SRD_INLINE four_values hidden(four_values c) {
    __asm__ volatile("" : "+v"(c));
    return c;
}
SRD_INLINE ivec dot(ivec sum, ivec c, ivec w) {
    return (ivec)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)c, (__m512i)w);
}
SRD_INLINE vec to_float(ivec v) { return _mm512_cvtepi32_ps((__m512i)v); }
SRD_INLINE vec min_vec(vec a, vec b) { return _mm512_min_ps(a, b); }
/// Returns the operand nearer to zero, with the sign of the first: one instruction instead of two.
#define SRD_CLAMP(a, b) _mm512_range_ps(a, splat(b), 2)
SRD_INLINE vec max_vec(vec a, vec b) { return _mm512_max_ps(a, b); }
SRD_INLINE vec real(const srd_quantized *p, int zero_point) {
    const __m512i quantized = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm512_cvtepi32_ps(_mm512_sub_epi32(quantized, _mm512_set1_epi32(SRD_QUANTIZED_BIAS + zero_point)));
}

/// Stores 32 or 16 quantized values. Packing saturates beyond ±32768. A conversion that overflows gives −2³¹, so only
/// the upper side is clamped.
SRD_INLINE void store_quantized(srd_quantized *p, const vec *v, const int count, int zero_point) {
    const vec most = _mm512_set1_ps(256);
    const __m512i zero = _mm512_set1_epi16((int16_t)(SRD_QUANTIZED_BIAS + zero_point));
    const __m512i low = _mm512_cvtps_epi32(min_vec(v[0], most));
    const __m512i high = count == 2 ? _mm512_cvtps_epi32(min_vec(v[1], most)) : low;
    const __m512i words = _mm512_adds_epi16(_mm512_packs_epi32(low, high), zero);
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    const __m512i bytes = _mm512_permutexvar_epi32(order, _mm512_packus_epi16(words, words));
    if (count == 2) {
        _mm256_storeu_si256((__m256i *)p, _mm512_castsi512_si256(bytes));
    } else {
        _mm_storeu_si128((__m128i *)p, _mm512_castsi512_si128(bytes));
    }
}
#include "kernels_s8_dot.h"
#include "kernels_s8_body.h"

#define SRD_WINOGRAD_TILES 8
SRD_INLINE ivec two_weights(const int16_t *p) { return (ivec)_mm512_load_si512(p); }
SRD_INLINE ivec two_values(const int16_t *p) { return (ivec)_mm512_set1_epi32(*(const any_int *)p); }
/// Inline assembly, because the compiler makes two instructions of the intrinsic.
SRD_INLINE ivec add_two(ivec sum, ivec c, ivec w) {
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(c), "v"(w));
    return sum;
}
#include "kernels_s8_winograd_x86.h"
#endif
