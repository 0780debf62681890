// Mish in float32 from + − × ÷ alone, for scalars and vectors: T is float, I is int32 of the same shape.
//
// tanh(ln(1 + e)) = n / (n + 2) with e = eˣ and n = e (e + 2). eˣ = 2ᵏ · e^r, |r| ≤ ln 2 / 2, polynomial of degree 7.
#define SRD_DEFINE_MISH(SRD_NAME, T, I, SELECT_MIN, SELECT_MAX, SRD_TARGET)                                            \
    SRD_TARGET static inline __attribute__((always_inline)) T SRD_NAME(T x) {                                          \
        T c = SELECT_MAX(SELECT_MIN(x, 20.0f), -87.0f);                                                                \
        T k = (c * 1.44269504f + 12582912.0f) - 12582912.0f; /* to nearest, ties to even */                            \
        T r = (c - k * 0.693145752f) - k * 1.42860677e-6f;                                                             \
        T p = r * 1.98412698e-4f + 1.38888889e-3f;                                                                     \
        p = p * r + 8.33333333e-3f;                                                                                    \
        p = p * r + 4.16666667e-2f;                                                                                    \
        p = p * r + 1.66666667e-1f;                                                                                    \
        p = p * r + 0.5f;                                                                                              \
        p = p * r + 1.0f;                                                                                              \
        p = p * r + 1.0f;                                                                                              \
        I bits = (SRD_TO_INT(k, I) + 127) << 23;                                                                       \
        T e = p * SRD_BITS(bits, T);                                                                                   \
        T n = e * (e + 2.0f);                                                                                          \
        return x * (n / (n + 2.0f));                                                                                   \
    }
