// Mish for results that get eight bits, from + − × alone: T float, I int32 of the same shape.
//
// mish(x) = x · n / (n + 2) with n = e (e + 2), e = eˣ.
// eˣ = 2ᵗ = 2^⌊t⌋ · 2^r: a cubic for 2^r, 0 ≤ r < 1, off by 7.5e-5; the power of two is added to its exponent.
// 1 / d: a guess from d's bits, y = d · guess = 0.950…1.051, then guess · 1/y by a quadratic of y, off by 3.3e-5.
#ifndef SRD_MISH_S8_H
#define SRD_MISH_S8_H

#define SRD_EACH_S8                                                                                                    \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++)                                                  \
        _Pragma("clang loop unroll(full)") for (int j = 0; j < columns; j++)

/// In place, at most 4 rows: every operation on all of them before the next.
#define SRD_DEFINE_MISH_S8(NAME, COLUMNS, T, I, FLOOR, MIN, MAX, TO_INT, BITS, FROM_BITS, TARGET)                      \
    TARGET static inline __attribute__((always_inline)) void NAME(T (*v)[COLUMNS], const int rows, const int columns) {\
        T k[4][COLUMNS], r[4][COLUMNS], e[4][COLUMNS], n[4][COLUMNS];                                                  \
        /* mish(11) is 11 and mish(−83) is 0 to the last bit used */                                                   \
        SRD_EACH_S8 r[i][j] = MAX(MIN(v[i][j] * 1.44269504f, 16.0f), -120.0f);                                         \
        SRD_EACH_S8 k[i][j] = FLOOR(r[i][j]);                                                                          \
        SRD_EACH_S8 r[i][j] = r[i][j] - k[i][j];                                                                       \
        SRD_EACH_S8 e[i][j] = r[i][j] * 0.07802453f + 0.22606714f;                                                     \
        SRD_EACH_S8 e[i][j] = e[i][j] * r[i][j] + 0.69583356f;                                                         \
        SRD_EACH_S8 e[i][j] = e[i][j] * r[i][j] + 0.9999252f;                                                          \
        SRD_EACH_S8 e[i][j] = FROM_BITS(BITS(e[i][j]) + (TO_INT(k[i][j]) << 23));                                      \
        SRD_EACH_S8 n[i][j] = e[i][j] * (e[i][j] + 2.0f);                                                              \
        SRD_EACH_S8 r[i][j] = n[i][j] + 2.0f;                                                                          \
        SRD_EACH_S8 k[i][j] = FROM_BITS(0x7ef33000 - BITS(r[i][j]));                                                   \
        SRD_EACH_S8 r[i][j] = r[i][j] * k[i][j] - 1.5009636f;                                                          \
        SRD_EACH_S8 r[i][j] = r[i][j] * r[i][j] + 0.74903671f;                                                         \
        SRD_EACH_S8 v[i][j] = v[i][j] * (n[i][j] * (k[i][j] * r[i][j]));                                               \
    }
#endif
