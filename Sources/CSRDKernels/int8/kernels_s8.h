#ifndef SRD_KERNELS_S8_H
#define SRD_KERNELS_S8_H
#include "srd_int8.h"

#define SRD_DECLARE_S8(ISA)                                                                                            \
    void srd_conv_row_s8_##ISA(const srd_conv_row_s8_args *a);                                                         \
    void srd_conv_winograd_s8_##ISA(const srd_conv_winograd_s8_args *a);                                               \
    void srd_winograd_weights_s8_##ISA(                                                                                \
        const int8_t *packed, ptrdiff_t block_stride, int channels, int16_t *transformed);                             \
    void srd_quantize_row_s8_##ISA(                                                                                    \
        const float *floats, ptrdiff_t count, float inverse_scale, int zero_point, srd_quantized *quantized);          \
    void srd_dequantize_row_s8_##ISA(                                                                                  \
        const srd_quantized *quantized, ptrdiff_t count, float scale, int zero_point, float *floats);                  \
    int64_t srd_peak_s8_##ISA(int64_t rounds)
SRD_DECLARE_S8(scalar);
#if defined(__x86_64__)
SRD_DECLARE_S8(sse41);
SRD_DECLARE_S8(avx2);
SRD_DECLARE_S8(avxvnni);
SRD_DECLARE_S8(avx512vnni);
#elif defined(__aarch64__)
SRD_DECLARE_S8(neon);
SRD_DECLARE_S8(neondotprod);
SRD_DECLARE_S8(neoni8mm);
#endif

// For the files of the instruction sets, each of which defines SRD_TARGET, SRD_LANES and SRD_VECTORS.
#define SRD_INLINE SRD_TARGET static inline __attribute__((always_inline))
#define SRD_UNROLL _Pragma("clang loop unroll(full)")
#define SRD_BLOCK (SRD_LANES * SRD_VECTORS)
#define SRD_JOIN_(a, b) a##b
#define SRD_JOIN(a, b) SRD_JOIN_(a, b)
// Keeps the order of products. Otherwise the compiler would load the inputs of many products in advance and spill
// accumulators for them.
#define SRD_KEEP_ORDER(sum) __asm__ volatile("" : "+" SRD_VECTOR_REGISTER(sum)::"memory")
#endif
