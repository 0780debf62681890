// Mish for results that get eight bits, from + − × alone: T float, I int32 of the same shape.
//
// mish(x) = x · n / (n + 2) with n = e (e + 2), e = eˣ.
// eˣ = 2ᵗ = 2^⌊t⌋ · 2^r: a cubic for 2^r, 0 ≤ r < 1, off by 7.5e-5; the power of two is added to its exponent.
// 1 / d: a guess from d's bits, y = d · guess = 0.950…1.051, then guess · 1/y by a quadratic of y, off by 3.3e-5.
#ifndef SRD_MISH_S8_H
#define SRD_MISH_S8_H

#define SRD_DEFINE_MISH_S8(NAME, T, I, FLOOR, MIN, MAX, TO_INT, BITS, FROM_BITS, TARGET)                               \
    TARGET static inline __attribute__((always_inline)) T NAME(T x) {                                                  \
        T t = MAX(MIN(x * 1.44269504f, 16.0f), -120.0f); /* mish(11) is 11 and mish(−83) is 0 to the last bit used */  \
        T k = FLOOR(t);                                                                                                \
        T r = t - k;                                                                                                   \
        T p = r * 0.07802453f + 0.22606714f;                                                                           \
        p = p * r + 0.69583356f;                                                                                       \
        p = p * r + 0.9999252f;                                                                                        \
        T e = FROM_BITS(BITS(p) + (TO_INT(k) << 23));                                                                  \
        T n = e * (e + 2.0f);                                                                                          \
        T d = n + 2.0f;                                                                                                \
        T guess = FROM_BITS(0x7ef33000 - BITS(d));                                                                     \
        T y = d * guess - 1.5009636f;                                                                                  \
        return x * (n * (guess * (y * y + 0.74903671f)));                                                              \
    }
#endif
