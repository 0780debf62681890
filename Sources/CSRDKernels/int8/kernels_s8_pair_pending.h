#ifndef SRD_KERNELS_S8_PAIR_PENDING_H
#define SRD_KERNELS_S8_PAIR_PENDING_H
// What of a chunk of tiles is left to do while the products of the next are under way, for kernels_s8_pair.h.
enum { chunk = 2 * PAIR_TILES };     // tiles that are transformed before their products: weights are read from afar half as often

#if OVERLAPS
/// Strips of four pixels before Mish, of one block of output channels.
typedef struct {
    waiting now;                // the strip that is under way
    int next, count;
    struct { const srd_conv_row_s8_args *row; int x; } strips[2 * chunk];
    vec v[2 * chunk][4][VECTORS];
} pending;

INLINE void begin_pending(pending *p) {
    p->now.next = p->now.end = p->now.last = 0;
    p->next = p->count = 0;
}

INLINE int is_pending(pending *p) {
    if (is_waiting(&p->now)) return 1;
    if (p->next == p->count) return 0;
    p->now.a = p->strips[p->next].row;
    p->now.x = p->strips[p->next].x;
    UNROLL for (int i = 0; i < 4; i++) UNROLL for (int j = 0; j < VECTORS; j++) p->now.v[0][i][j] = p->v[p->next][i][j];
    p->now.next = 0;
    p->now.end = 4;
    p->next++;
    return 1;
}

INLINE void finish_pending(pending *p) {
    while (is_pending(p)) finish_all(&p->now);
    p->next = p->count = 0;
}

/// Four pixels of a row from x on, output channels from o on: at once, or later.
INLINE void finish_strip(
    pending *p, const srd_conv_row_s8_args *row, vec (*v)[VECTORS], const int vectors, int x, int o
) {
    if (row->activation != SRD_ACTIVATION_MISH || vectors < VECTORS) {
        finish(row, v, 4, vectors, x, o);
        return;
    }
    p->now.o = o;
    p->strips[p->count].row = row;
    p->strips[p->count].x = x;
    UNROLL for (int i = 0; i < 4; i++) UNROLL for (int j = 0; j < VECTORS; j++) p->v[p->count][i][j] = v[i][j];
    p->count++;
}
#else
typedef struct {
} pending;

INLINE void begin_pending(pending *p) {}
INLINE void finish_pending(pending *p) {}

INLINE void finish_strip(
    pending *p, const srd_conv_row_s8_args *row, vec (*v)[VECTORS], const int vectors, int x, int o
) {
    enum { together = FINISHED };
    for (int i = 0; i < 4; i += together) finish(row, v + i, together, vectors, x + i, o);
}
#endif
#endif
