#include <string.h>
#include "kernels_s8.h"

#define SRD_KERNELS(ISA, BLOCK, GROUP, OFFSET, ...)                                                                    \
    {                                                                                                                  \
        .name = #ISA, .block = BLOCK, .group = GROUP, .offset = OFFSET, .conv_row = srd_conv_row_s8_##ISA,             \
        .quantize_row = srd_quantize_row_s8_##ISA, .dequantize_row = srd_dequantize_row_s8_##ISA,                      \
        .peak = srd_peak_s8_##ISA, __VA_ARGS__                                                                         \
    }
/// The Winograd entries of a set of kernels. TILES is the kernel's SRD_WINOGRAD_TILES.
#define SRD_WINOGRAD(ISA, BLOCK, GROUP, TILES, PIXELS)                                                                 \
    .conv_winograd = srd_conv_winograd_s8_##ISA, .winograd_weights = srd_winograd_weights_s8_##ISA,                    \
    .winograd_block = BLOCK, .winograd_group = GROUP, .winograd_pixels = PIXELS, .winograd_width = 4 * TILES - 3

#if defined(__x86_64__)
#include <cpuid.h>

/// Reads leaf 7.1, EAX bit 4, because not every compiler's __builtin_cpu_supports knows AVX-VNNI.
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

/// Returns the float kernels of this name, or the scalar ones if this machine has none of that name.
static const srd_kernels_f32 *float_kernels(const char *name) {
    int count = 0;
    const srd_kernels_f32 *all = srd_kernels_f32_available(&count);
    for (int i = 0; i < count; i++) {
        if (!strcmp(all[i].name, name)) return all + i;
    }
    return all;
}

static void add(srd_kernels_s8 kernels, const char *floats) {
    kernels.float_kernels = float_kernels(floats);
    available[available_count++] = kernels;
}

/// Fills `available`. Runs before main, so no two threads run it.
__attribute__((constructor)) static void find_available(void) {
    const srd_kernels_s8 scalar = SRD_KERNELS(scalar, 1, SRD_CHANNEL_STEP, 0);
    add(scalar, "scalar");
#if defined(__x86_64__)
    const srd_kernels_s8 sse41 = SRD_KERNELS(sse41, 8, 4, SRD_QUANTIZED_BIAS, SRD_WINOGRAD(sse41, 8, 2, 6, 32)),
                         avx2 = SRD_KERNELS(avx2, 16, 4, SRD_QUANTIZED_BIAS, SRD_WINOGRAD(avx2, 16, 2, 6, 32)),
                         avxvnni = SRD_KERNELS(
                             avxvnni, 16, 4, SRD_QUANTIZED_BIAS, SRD_WINOGRAD(avxvnni, 16, 2, 6, 512)),
                         avx512vnni = SRD_KERNELS(
                             avx512vnni, 32, 4, SRD_QUANTIZED_BIAS, SRD_WINOGRAD(avx512vnni, 32, 2, 8, 512));
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.1")) add(sse41, "vector128");
    if (__builtin_cpu_supports("avx2")) add(avx2, "avx2");
    if (has_avxvnni()) add(avxvnni, "avx2");
    if (has_avx512vnni()) add(avx512vnni, "avx512");
#elif defined(__aarch64__)
    const srd_kernels_s8 neon = SRD_KERNELS(neon, 4, 16, 0, SRD_WINOGRAD(neon, 8, 1, 8, 32));
    srd_kernels_s8 dotprod = SRD_KERNELS(neondotprod, 8, 4, 0), i8mm = SRD_KERNELS(neoni8mm, 16, 8, 0);
    dotprod.name = "neon-dotprod";
    i8mm.name = "neon-i8mm";
    add(neon, "vector128");
    if (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) add(dotprod, "vector128");
    if (getauxval(AT_HWCAP2) & HWCAP2_I8MM) add(i8mm, "vector128");
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
