// The epilogue of one tile between the products of the next, where a core multiplies bytes on fewer pipes than it has:
// additions, conversions and comparisons then cost nothing. Each operation stands alone among the products, since a
// processor looks only some hundred operations ahead.
#include "kernels_s8_epilogue.h"

/// Tiles whose sums are done, the last of which has pixels that have not gone through the epilogue yet.
typedef struct {
    const srd_conv_row_s8_args *a;
    int x, o, next, end;        // of the last: where it lies, and which of its pixels are left
    int last;
    vec v[2][PIXELS][VECTORS];
} waiting;

/// A pixel in the midst of Mish, and the one before, which has what follows Mish ahead of it.
typedef struct {
    waiting *w;
    const vec *v;
    vec k[VECTORS][1], r[VECTORS][1], e[VECTORS][1], n[VECTORS][1];
    vec before[1][VECTORS];
    int has_before;
} shadow;

INLINE void keep_before(shadow *m) {
    if (m->has_before) keep(m->w->a, m->before, 1, VECTORS, m->w->x + m->w->next - 1, m->w->o);
    m->has_before = 0;
}

#define OPERATION(number, what, value)                                                                                 \
    case number:                                                                                                       \
        what[0][0] = value;                                                                                            \
        KEEP_ORDER(what[0][0]);                                                                                        \
        break;

/// What of Mish belongs behind product number `done` of `all`. The vectors take turns.
INLINE void overlap(shadow *m, const int done, const int all) {
    enum { operations = VECTORS * SRD_MISH_S8_OPERATIONS, i = 0, j = 0 };
    if (done == all / 5) keep_before(m);     // its results are there by now
    UNROLL for (int next = (done - 1) * operations / all; next < done * operations / all; next++) {
        const int vector = next % VECTORS;
        const vec(*v)[1] = (const vec(*)[1])(m->v + vector);
        vec(*k)[1] = m->k + vector, (*r)[1] = m->r + vector, (*e)[1] = m->e + vector, (*n)[1] = m->n + vector;
        switch (next / VECTORS) { SRD_MISH_S8(OPERATION, CLAMP, TO_INT, BITS, FROM_BITS) }
    }
}

INLINE int is_waiting(const waiting *w) { return w->next < w->end; }
INLINE int has_mish(const waiting *w) { return w->a->activation == SRD_ACTIVATION_MISH; }

INLINE void begin(shadow *m) { m->v = m->w->v[m->w->last][m->w->next]; }

INLINE void end(shadow *m) {
    UNROLL for (int j = 0; j < VECTORS; j++) m->before[0][j] = m->r[j][0];
    m->has_before = 1;
    m->w->next++;
}

INLINE void finish_waiting(waiting *w, const int pixels) {
    vec v[FINISHED][VECTORS];
    UNROLL for (int p = 0; p < pixels; p++) {
        UNROLL for (int j = 0; j < VECTORS; j++) v[p][j] = w->v[w->last][w->next + p][j];
    }
    finish(w->a, v, pixels, VECTORS, w->x + w->next, w->o);
    w->next += pixels;
}

INLINE void finish_all(waiting *w) {
    while (w->next + FINISHED <= w->end) finish_waiting(w, FINISHED);
    while (is_waiting(w)) finish_waiting(w, 1);
}

INLINE void add_products(
    waiting *w, const srd_segment_s8 *segment, ivec (*sum)[VECTORS], int x, ptrdiff_t offset, const int pixels,
    const int vectors);

/// `pixels` from x on, of a whole block of output channels, and the epilogue of the tile before.
INLINE void overlapping_tile(waiting *w, int x, int block, const int pixels) {
    const srd_conv_row_s8_args *a = w->a;
    const int o = block * BLOCK;
    vec(*v)[VECTORS] = w->v[!w->last];
    for (int s = 0; s < a->segment_count; s++) {
        ivec sum[PIXELS][VECTORS];
        start(a, s, sum, pixels, VECTORS, o);
        add_products(w, &a->segments[s], sum, x, block * a->block_stride, pixels, VECTORS);
        add_sums(a, s, sum, v, pixels, VECTORS, o);
    }
    finish_all(w);
    w->last = !w->last;
    w->x = x;
    w->o = o;
    w->next = 0;
    w->end = pixels;
}
