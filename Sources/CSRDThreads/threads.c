#include "srd_threads.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>

// The word that says what goes on: number of the loop << 32 | open << 31 | helpers wanted << 16 | helpers inside.
// A helper enters an open loop by adding itself; the caller closes it when no items are left, and waits for the helpers
// that are still inside. A helper that sleeps or has lost its processor is not waited for.
#define OPEN (UINT64_C(1) << 31)
#define WANTED(word) ((word) >> 16 & 0x7fff)
#define INSIDE(word) ((word) & 0xffff)

enum { most_helpers = 1023, patience = 4000 };

static _Alignas(64) struct {
    _Atomic uint64_t word;
    void (*body)(void *, int);          // these are written while nobody is inside
    void *context;
    int share_count;
} loop;
/// The items of each thread that should take part, the caller's first: one loop after another, a thread gets the same part of them,
/// whose data its own caches may hold. When they are done it takes others'.
static struct {
    _Alignas(64) atomic_int next;
    int end;
} shares[most_helpers + 1];
static _Alignas(64) atomic_int sleepers;
static int helper_count;

static pthread_mutex_t caller = PTHREAD_MUTEX_INITIALIZER, sleeping = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");            // yield does nothing on most cores
#endif
}

static void take_items(int own) {
    const int count = loop.share_count;
    for (int i = 0; i < count; i++) {
        const int share = (own + i) % count;
        while (atomic_load_explicit(&shares[share].next, memory_order_relaxed) < shares[share].end) {
            const int item = atomic_fetch_add_explicit(&shares[share].next, 1, memory_order_relaxed);
            if (item < shares[share].end) loop.body(loop.context, item);
        }
    }
}

/// Whether there is a loop that this helper has not seen.
static int is_new(uint64_t w, uint64_t index, uint64_t seen) {
    return (w & OPEN) && w >> 32 != seen && index < WANTED(w);
}

static void *help(void *argument) {
    const uint64_t index = (uintptr_t)argument;
    uint64_t seen = 0;
    for (;;) {
        uint64_t w = atomic_load(&loop.word);
        for (int i = 0; i < patience && !is_new(w, index, seen); i++) {
            relax();
            w = atomic_load_explicit(&loop.word, memory_order_acquire);
        }
        if (!is_new(w, index, seen)) {
            pthread_mutex_lock(&sleeping);
            atomic_fetch_add(&sleepers, 1);
            while (!is_new(w = atomic_load(&loop.word), index, seen)) pthread_cond_wait(&wake, &sleeping);
            atomic_fetch_sub(&sleepers, 1);
            pthread_mutex_unlock(&sleeping);
        }
        while (is_new(w, index, seen)) {
            if (!atomic_compare_exchange_weak(&loop.word, &w, w + 1)) continue;
            seen = w >> 32;
            take_items((int)index + 1);
            atomic_fetch_sub(&loop.word, 1);
            break;
        }
    }
    return NULL;
}

/// Helpers take no signals: those are for the threads of whoever uses us.
static void start_helpers(int wanted) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (helper_count < wanted) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, help, (void *)(uintptr_t)helper_count)) break;
        pthread_detach(thread);
        helper_count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void srd_parallel(int count, int threads, void (*body)(void *context, int item), void *context) {
    int wanted = (threads < count ? threads : count) - 1;
    if (wanted > most_helpers) wanted = most_helpers;
    if (wanted < 1 || pthread_mutex_trylock(&caller)) {
        for (int item = 0; item < count; item++) body(context, item);
        return;
    }
    if (helper_count < wanted) start_helpers(wanted);
    loop.body = body;
    loop.context = context;
    loop.share_count = wanted + 1;
    for (int i = 0; i <= wanted; i++) {
        atomic_store_explicit(&shares[i].next, (int)((int64_t)count * i / (wanted + 1)), memory_order_relaxed);
        shares[i].end = (int)((int64_t)count * (i + 1) / (wanted + 1));
    }
    const uint64_t number = (atomic_load(&loop.word) >> 32) + 1;
    atomic_store(&loop.word, number << 32 | OPEN | (uint64_t)wanted << 16);
    if (atomic_load(&sleepers)) {
        pthread_mutex_lock(&sleeping);
        pthread_cond_broadcast(&wake);
        pthread_mutex_unlock(&sleeping);
    }
    take_items(0);
    atomic_fetch_and(&loop.word, ~OPEN);
    for (int i = 0; INSIDE(atomic_load(&loop.word)); i++) {
        if (i < patience) relax(); else sched_yield();
    }
    pthread_mutex_unlock(&caller);
}
