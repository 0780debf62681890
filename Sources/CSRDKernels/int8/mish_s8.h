// Mish for results that get eight bits, from + − × alone: T float, I int32 of the same shape.
//
// mish(x) = x · n / (n + 2) with n = e (e + 2), e = eˣ.
// eˣ = 2ᵗ = 2^⌊t⌋ · 2^r: a cubic for 2^r, 0 ≤ r < 1, off by 7.5e-5; the power of two is added to its exponent.
// 1 / d: a guess from d's bits, y = d · guess = 0.950…1.051, then guess · 1/y by a quadratic of y, off by 3.3e-5.
#ifndef SRD_MISH_S8_H
#define SRD_MISH_S8_H

/// The operations in order: DO(number, what it changes, its new value).
#define SRD_MISH_S8_OPERATIONS 22
#define SRD_MISH_S8(DO, FLOOR, MIN, MAX, TO_INT, BITS, FROM_BITS)                                                      \
    /* mish(11) is 11 and mish(−83) is 0 to the last bit used */                                                       \
    DO(0, r, v[i][j] * 1.44269504f)                                                                                    \
    DO(1, r, MIN(r[i][j], 16.0f))                                                                                      \
    DO(2, r, MAX(r[i][j], -120.0f))                                                                                    \
    DO(3, k, FLOOR(r[i][j]))                                                                                           \
    DO(4, r, r[i][j] - k[i][j])                                                                                        \
    DO(5, e, r[i][j] * 0.07802453f)                                                                                    \
    DO(6, e, e[i][j] + 0.22606714f)                                                                                    \
    DO(7, e, e[i][j] * r[i][j])                                                                                        \
    DO(8, e, e[i][j] + 0.69583356f)                                                                                    \
    DO(9, e, e[i][j] * r[i][j])                                                                                        \
    DO(10, e, e[i][j] + 0.9999252f)                                                                                    \
    DO(11, e, FROM_BITS(BITS(e[i][j]) + (TO_INT(k[i][j]) << 23)))                                                      \
    DO(12, n, e[i][j] + 2.0f)                                                                                          \
    DO(13, n, e[i][j] * n[i][j])                                                                                       \
    DO(14, r, n[i][j] + 2.0f)                                                                                          \
    DO(15, k, FROM_BITS(0x7ef33000 - BITS(r[i][j])))                                                                   \
    DO(16, r, r[i][j] * k[i][j] - 1.5009636f)                                                                          \
    DO(17, r, r[i][j] * r[i][j])                                                                                       \
    DO(18, r, r[i][j] + 0.74903671f)                                                                                   \
    DO(19, r, k[i][j] * r[i][j])                                                                                       \
    DO(20, r, n[i][j] * r[i][j])                                                                                       \
    DO(21, r, v[i][j] * r[i][j])

#define SRD_EACH_S8                                                                                                    \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++)                                                  \
        _Pragma("clang loop unroll(full)") for (int j = 0; j < columns; j++)
#define SRD_MISH_EACH_S8(number, what, value) SRD_EACH_S8 what[i][j] = value;

/// In place, at most 4 rows: every operation on all of them before the next.
#define SRD_DEFINE_MISH_S8(NAME, COLUMNS, T, FLOOR, MIN, MAX, TO_INT, BITS, FROM_BITS, TARGET)                         \
    TARGET static inline __attribute__((always_inline)) void NAME(T (*v)[COLUMNS], const int rows, const int columns) {\
        T k[4][COLUMNS], r[4][COLUMNS], e[4][COLUMNS], n[4][COLUMNS];                                                  \
        SRD_MISH_S8(SRD_MISH_EACH_S8, FLOOR, MIN, MAX, TO_INT, BITS, FROM_BITS)                                        \
        SRD_EACH_S8 v[i][j] = r[i][j];                                                                                 \
    }
#endif
