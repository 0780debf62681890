// 12 accumulators, 2 registers of weights, 1 of inputs: 15 of 16 registers.
#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include <immintrin.h>
#include "kernels_s8.h"
#define SRD_ISA avxvnni
#define SRD_TARGET __attribute__((target("avx2,avxvnni")))
#define SRD_VECTOR_REGISTER "x"
#define SRD_LANES 8
#define SRD_VECTORS 2
#define SRD_PIXELS 6
#define SRD_EPILOGUE_PIXELS 2
#include "kernels_s8_256.h"
typedef ivec four_values, four_weights;

SRD_INLINE ivec quantized(const srd_quantized *p) { return (ivec)_mm256_set1_epi32(*(const any_int *)p); }
SRD_INLINE ivec weights(const int8_t *p) { return (ivec)_mm256_loadu_si256((const __m256i *)p); }
SRD_INLINE four_values hidden(four_values c) {
    __asm__ volatile("" : "+x"(c));
    return c;
}
SRD_INLINE ivec dot(ivec sum, ivec c, ivec w) {
    return (ivec)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)c, (__m256i)w);
}
#include "kernels_s8_dot.h"
#include "kernels_s8_body.h"

#define SRD_WINOGRAD_TILES 6
SRD_INLINE ivec two_weights(const int16_t *p) { return (ivec)_mm256_load_si256((const __m256i *)p); }
SRD_INLINE ivec two_values(const int16_t *p) { return (ivec)_mm256_set1_epi32(*(const any_int *)p); }
/// Inline assembly, because the compiler makes two instructions of the intrinsic.
SRD_INLINE ivec add_two(ivec sum, ivec c, ivec w) {
    __asm__("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sum) : "x"(c), "x"(w));
    return sum;
}
#include "kernels_s8_winograd_x86.h"
#endif
