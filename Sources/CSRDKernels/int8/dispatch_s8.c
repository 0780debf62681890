#include "kernels_s8.h"

#define KERNELS(ISA, BLOCK, GROUP, OFFSET, ...)                                                                        \
    {                                                                                                                  \
        .name = #ISA, .block = BLOCK, .group = GROUP, .offset = OFFSET, .conv_row = srd_conv_row_s8_##ISA,             \
        .quantize_row = srd_quantize_row_s8_##ISA, .dequantize_row = srd_dequantize_row_s8_##ISA,                      \
        .peak = srd_peak_s8_##ISA, __VA_ARGS__                                                                         \
    }
/// TILES: the kernel's WINOGRAD_TILES.
#define WINOGRAD(ISA, BLOCK, GROUP, TILES, PIXELS)                                                                     \
    .conv_winograd = srd_conv_winograd_s8_##ISA, .winograd_weights = srd_winograd_weights_s8_##ISA,                    \
    .winograd_block = BLOCK, .winograd_group = GROUP, .winograd_pixels = PIXELS, .winograd_width = 4 * TILES - 3

#if defined(__x86_64__)
#include <cpuid.h>

/// Leaf 7.1, EAX bit 4: the compiler's own question is not known to every version.
static int has_avxvnni(void) {
    unsigned a, b, c, d;
    return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

static int has_avx512vnni(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vnni");
}
#endif

#if defined(__aarch64__)
#include <sys/auxv.h>
#ifndef HWCAP_ASIMDDP
#define HWCAP_ASIMDDP (1 << 20)
#endif
#ifndef HWCAP2_I8MM
#define HWCAP2_I8MM (1 << 13)
#endif
#endif

static srd_kernels_s8 available[5];
static int available_count;

/// Before main, so that no two threads do it.
__attribute__((constructor)) static void find_available(void) {
    const srd_kernels_s8 scalar = KERNELS(scalar, 1, SRD_CHANNEL_STEP, 0);
    available[available_count++] = scalar;
#if defined(__x86_64__)
    const srd_kernels_s8 sse41 = KERNELS(sse41, 8, 4, SRD_CODE_BIAS, WINOGRAD(sse41, 8, 2, 6, 32)),
                         avx2 = KERNELS(avx2, 16, 4, SRD_CODE_BIAS, WINOGRAD(avx2, 16, 2, 6, 32)),
                         avxvnni = KERNELS(avxvnni, 16, 4, SRD_CODE_BIAS, WINOGRAD(avxvnni, 16, 2, 6, 512)),
                         avx512vnni = KERNELS(avx512vnni, 32, 4, SRD_CODE_BIAS, WINOGRAD(avx512vnni, 32, 2, 8, 512));
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.1")) available[available_count++] = sse41;
    if (__builtin_cpu_supports("avx2")) available[available_count++] = avx2;
    if (has_avxvnni()) available[available_count++] = avxvnni;
    if (has_avx512vnni()) available[available_count++] = avx512vnni;
#elif defined(__aarch64__)
    const srd_kernels_s8 neon = KERNELS(neon, 4, 16, 0, WINOGRAD(neon, 8, 1, 8, 32));
    srd_kernels_s8 dotprod = KERNELS(neondotprod, 8, 4, 0), i8mm = KERNELS(neoni8mm, 16, 8, 0);
    dotprod.name = "neon-dotprod";
    i8mm.name = "neon-i8mm";
    available[available_count++] = neon;
    if (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) available[available_count++] = dotprod;
    if (getauxval(AT_HWCAP2) & HWCAP2_I8MM) available[available_count++] = i8mm;
#endif
}

const srd_kernels_s8 *srd_kernels_s8_available(int *count) {
    *count = available_count;
    return available;
}

int16_t *srd_winograd_scratch_s8(void) {
    static _Thread_local _Alignas(64) int16_t scratch[SRD_WINOGRAD_SCRATCH / sizeof(int16_t)];
    return scratch;
}
