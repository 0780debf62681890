// Runs the epilogue of one tile between the products of the next. If a core multiplies bytes on only some of its vector
// pipes, the epilogue's additions, conversions and comparisons are free. Its operations are spread evenly among the
// products, because a core looks only some hundred operations ahead.
#include "kernels_s8_epilogue.h"

/// A tile whose accumulators are complete, with the pixels that have not gone through the epilogue yet, and space for
/// the next tile's.
typedef struct {
    const srd_conv_row_s8_args *a;
    int x, o, next, end;  // the tile's first pixel and channel; its pending pixels next ..< end
    int last;             // which of v is the tile's
    vec v[2][SRD_PIXELS][SRD_VECTORS];
} pipelined_tile;

/// A pixel during Mish, and the pixel before it, which has been through Mish but not through the rest of the epilogue.
typedef struct {
    pipelined_tile *w;
    const vec *v;
    vec k[SRD_VECTORS][1], r[SRD_VECTORS][1], e[SRD_VECTORS][1], n[SRD_VECTORS][1];
    vec before[1][SRD_VECTORS];
    int has_before;
} interleaved;

SRD_INLINE void finish_previous(interleaved *m) {
    if (m->has_before) apply_epilogue(m->w->a, m->before, 1, SRD_VECTORS, m->w->x + m->w->next - 1, m->w->o);
    m->has_before = 0;
}

#define SRD_MISH_OPERATION(number, what, value)                                                                        \
    case number:                                                                                                       \
        what[0][0] = value;                                                                                            \
        SRD_KEEP_ORDER(what[0][0]);                                                                                    \
        break;

/// Runs the operations of Mish that follow product number `done` of `all`. Consecutive operations are on different
/// vectors.
SRD_INLINE void interleave(interleaved *m, const int done, const int all) {
    enum { operations = SRD_VECTORS * SRD_MISH_S8_OPERATIONS, i = 0, j = 0 };
    if (done == all / 5) finish_previous(m);  // its results are available by now
    SRD_UNROLL for (int next = (done - 1) * operations / all; next < done * operations / all; next++) {
        const int vector = next % SRD_VECTORS;
        const vec(*v)[1] = (const vec(*)[1])(m->v + vector);
        vec(*k)[1] = m->k + vector, (*r)[1] = m->r + vector, (*e)[1] = m->e + vector, (*n)[1] = m->n + vector;
        switch (next / SRD_VECTORS) {
            SRD_MISH_S8(SRD_MISH_OPERATION, SRD_CLAMP, SRD_AS_INT, SRD_AS_BITS, SRD_FROM_BITS)
        }
    }
}

SRD_INLINE int has_pending(const pipelined_tile *w) { return w->next < w->end; }
SRD_INLINE int has_mish(const pipelined_tile *w) { return w->a->activation == SRD_ACTIVATION_MISH; }

SRD_INLINE void begin(interleaved *m) { m->v = m->w->v[m->w->last][m->w->next]; }

SRD_INLINE void end(interleaved *m) {
    SRD_UNROLL for (int j = 0; j < SRD_VECTORS; j++) m->before[0][j] = m->r[j][0];
    m->has_before = 1;
    m->w->next++;
}

SRD_INLINE void finish_pending(pipelined_tile *w, const int pixels) {
    vec v[SRD_EPILOGUE_PIXELS][SRD_VECTORS];
    SRD_UNROLL for (int p = 0; p < pixels; p++) {
        SRD_UNROLL for (int j = 0; j < SRD_VECTORS; j++) v[p][j] = w->v[w->last][w->next + p][j];
    }
    finish(w->a, v, pixels, SRD_VECTORS, w->x + w->next, w->o);
    w->next += pixels;
}

SRD_INLINE void finish_all(pipelined_tile *w) {
    while (w->next + SRD_EPILOGUE_PIXELS <= w->end) finish_pending(w, SRD_EPILOGUE_PIXELS);
    while (has_pending(w)) finish_pending(w, 1);
}

SRD_INLINE void add_products(
    pipelined_tile *w, const srd_input_group_s8 *input_group, ivec (*sum)[SRD_VECTORS], int x, ptrdiff_t offset,
    const int pixels, const int vectors);

/// Computes the accumulators of `pixels` from x on for a whole block of output channels, and the epilogue of the
/// previous tile.
SRD_INLINE void compute_pipelined(pipelined_tile *w, int x, int block, const int pixels) {
    const srd_conv_row_s8_args *a = w->a;
    const int o = block * SRD_BLOCK;
    vec(*v)[SRD_VECTORS] = w->v[!w->last];
    for (int s = 0; s < a->input_group_count; s++) {
        ivec sum[SRD_PIXELS][SRD_VECTORS];
        start_accumulators(a, s, sum, pixels, SRD_VECTORS, o);
        add_products(w, &a->input_groups[s], sum, x, block * a->block_stride, pixels, SRD_VECTORS);
        scale_accumulators(a, s, sum, v, pixels, SRD_VECTORS, o);
    }
    finish_all(w);
    w->last = !w->last;
    w->x = x;
    w->o = o;
    w->next = 0;
    w->end = pixels;
}
