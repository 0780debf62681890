// Mish for results that are quantized to 8 bits, from + − × and integer operations: T is float.
//
// mish(x) = x · n / (n + 2) with n = e (e + 2), e = eˣ. e = 2ᵗ, with t in fixed point. For 1 ≤ f < 2, 2^(f − 1) is
// approximated by c (f³ + a f + b) with a relative error of 9.6e-5; a term in f² would hardly reduce it. log₂ c is
// included in t, which saves the product with c. The bits of t below the point are those of f, the others go to the
// exponent. 1 / d: a guess from the bits of d, y = d · guess = 0.950…1.051, then guess · 1/y by a quadratic in y, with
// a relative error of 3.3e-5.
#ifndef SRD_MISH_S8_H
#define SRD_MISH_S8_H

/// The operations in order: DO(number, variable, new value). SRD_CLAMP(a, b) clamps a to −b…b. SRD_AS_INT truncates.
#define SRD_MISH_S8_OPERATIONS 20
#define SRD_MISH_S8(DO, SRD_CLAMP, SRD_AS_INT, SRD_AS_BITS, SRD_FROM_BITS)                                             \
    /* 2²³ · log₂ e; beyond ±20.8 mish is x or 0 to the last bit used */                                         \
    DO(0, r, v[i][j] * 12102203.0f)                                                                                    \
    DO(1, r, SRD_CLAMP(r[i][j], 251658240.0f))                                                                         \
    DO(2, k, SRD_FROM_BITS(SRD_AS_INT(r[i][j]) - 31140820))                                                            \
    DO(3, r, SRD_FROM_BITS((SRD_AS_BITS(k[i][j]) & 0x7fffff) | 0x3f800000))                                            \
    DO(4, e, r[i][j] * r[i][j])                                                                                        \
    DO(5, e, e[i][j] + 6.1039605f)                                                                                     \
    DO(6, e, e[i][j] * r[i][j])                                                                                        \
    DO(7, e, e[i][j] + 6.0037537f)                                                                                     \
    DO(8, k, SRD_FROM_BITS(SRD_AS_BITS(k[i][j]) & (int32_t)0xff800000))                                                \
    DO(9, e, SRD_FROM_BITS(SRD_AS_BITS(e[i][j]) + SRD_AS_BITS(k[i][j])))                                               \
    DO(10, n, e[i][j] + 2.0f)                                                                                          \
    DO(11, n, e[i][j] * n[i][j])                                                                                       \
    DO(12, r, n[i][j] + 2.0f)                                                                                          \
    DO(13, k, SRD_FROM_BITS(0x7ef33000 - SRD_AS_BITS(r[i][j])))                                                        \
    DO(14, r, r[i][j] * k[i][j] - 1.5009636f)                                                                          \
    DO(15, r, r[i][j] * r[i][j])                                                                                       \
    DO(16, r, r[i][j] + 0.74903671f)                                                                                   \
    DO(17, r, k[i][j] * r[i][j])                                                                                       \
    DO(18, r, n[i][j] * r[i][j])                                                                                       \
    DO(19, r, v[i][j] * r[i][j])

#define SRD_EACH_S8                                                                                                    \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++)                                                  \
        _Pragma("clang loop unroll(full)") for (int j = 0; j < columns; j++)
#define SRD_MISH_EACH_S8(number, what, value) SRD_EACH_S8 what[i][j] = value;

/// Conversions for vectors of types vec and ivec.
#define SRD_AS_INT(v) __builtin_convertvector(v, ivec)
#define SRD_AS_BITS(v) ((ivec)(v))
#define SRD_FROM_BITS(v) ((vec)(v))

/// Defines a function that applies Mish in place to at most ROWS × COLUMNS values. All of them take each operation
/// before the next one.
#define SRD_DEFINE_MISH_S8(SRD_NAME, ROWS, COLUMNS, T, SRD_CLAMP, SRD_AS_INT, SRD_AS_BITS, SRD_FROM_BITS, SRD_TARGET)  \
    SRD_TARGET static inline __attribute__((always_inline)) void SRD_NAME(                                             \
        T(*v)[COLUMNS], const int rows, const int columns) {                                                           \
        T k[ROWS][COLUMNS], r[ROWS][COLUMNS], e[ROWS][COLUMNS], n[ROWS][COLUMNS];                                      \
        SRD_MISH_S8(SRD_MISH_EACH_S8, SRD_CLAMP, SRD_AS_INT, SRD_AS_BITS, SRD_FROM_BITS)                               \
        SRD_EACH_S8 v[i][j] = r[i][j];                                                                                 \
    }
#endif
