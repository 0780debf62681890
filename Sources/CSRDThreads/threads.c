#include "srd_threads.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

// The state of a team's loop: loop number << 32 | open << 31 | helpers wanted << 16 | helpers inside. A helper enters
// an open loop by adding itself. The caller closes the loop when no items are left and waits for the helpers inside. A
// helper that sleeps or has lost its processor is not waited for.
#define OPEN (UINT64_C(1) << 31)
#define WANTED(word) ((word) >> 16 & 0x7fff)
#define INSIDE(word) ((word)&0xffff)

enum { most_helpers = 1023, most_teams = 16, patience = 4000 };

/// The items that a thread starts with, the caller's first. In one loop after another a thread gets the same part of
/// the items, whose data its caches may hold. When they are done it takes those of others.
typedef struct {
    _Alignas(64) atomic_int next;
    int end;
} srd_share;

/// The helpers of one caller at a time.
typedef struct {
    _Alignas(64) _Atomic uint64_t word;
    void (*body)(void *, int);  // written while no helper is inside
    void *context;
    int share_count;
    srd_share *shares;
    _Alignas(64) atomic_int sleepers;
    int helper_count;
    pthread_mutex_t caller, sleeping;
    pthread_cond_t wake;
} srd_team;

typedef struct {
    srd_team *team;
    uint64_t index;
} srd_helper;

#define TEAM                                                                                                           \
    { .caller = PTHREAD_MUTEX_INITIALIZER, .sleeping = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER }
static srd_team teams[most_teams] = {TEAM, TEAM, TEAM, TEAM, TEAM, TEAM, TEAM, TEAM,
                                     TEAM, TEAM, TEAM, TEAM, TEAM, TEAM, TEAM, TEAM};

/// Whether this thread is inside a loop: a loop inside a loop runs on its own thread.
static _Thread_local int is_inside;

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");  // yield does nothing on most cores
#endif
}

static void take_items(srd_team *team, int own) {
    const int count = team->share_count;
    for (int i = 0; i < count; i++) {
        srd_share *share = team->shares + (own + i) % count;
        while (atomic_load_explicit(&share->next, memory_order_relaxed) < share->end) {
            const int item = atomic_fetch_add_explicit(&share->next, 1, memory_order_relaxed);
            if (item < share->end) team->body(team->context, item);
        }
    }
}

/// Whether there is a loop that this helper has not seen.
static int is_new(uint64_t w, uint64_t index, uint64_t seen) {
    return (w & OPEN) && w >> 32 != seen && index < WANTED(w);
}

static void *help(void *argument) {
    const srd_helper helper = *(srd_helper *)argument;
    free(argument);
    srd_team *team = helper.team;
    uint64_t seen = 0;
    is_inside = 1;
    for (;;) {
        uint64_t w = atomic_load(&team->word);
        for (int i = 0; i < patience && !is_new(w, helper.index, seen); i++) {
            relax();
            w = atomic_load_explicit(&team->word, memory_order_acquire);
        }
        if (!is_new(w, helper.index, seen)) {
            pthread_mutex_lock(&team->sleeping);
            atomic_fetch_add(&team->sleepers, 1);
            while (!is_new(w = atomic_load(&team->word), helper.index, seen))
                pthread_cond_wait(&team->wake, &team->sleeping);
            atomic_fetch_sub(&team->sleepers, 1);
            pthread_mutex_unlock(&team->sleeping);
        }
        while (is_new(w, helper.index, seen)) {
            if (!atomic_compare_exchange_weak(&team->word, &w, w + 1)) continue;
            seen = w >> 32;
            take_items(team, (int)helper.index + 1);
            atomic_fetch_sub(&team->word, 1);
            break;
        }
    }
    return NULL;
}

/// Starts helpers until there are `wanted`, or as many as the system allows. They take no signals: those are for the
/// application's threads.
static void start_helpers(srd_team *team, int wanted) {
    if (!team->shares) team->shares = aligned_alloc(64, sizeof(srd_share) * (most_helpers + 1));
    if (!team->shares) return;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (team->helper_count < wanted) {
        srd_helper *helper = malloc(sizeof(srd_helper));
        if (!helper) break;
        *helper = (srd_helper){team, (uint64_t)team->helper_count};
        pthread_t thread;
        if (pthread_create(&thread, NULL, help, helper)) {
            free(helper);
            break;
        }
        pthread_detach(thread);
        team->helper_count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/// Returns a team that no other thread uses, with its `caller` locked, or NULL.
static srd_team *claim_team(void) {
    for (int i = 0; i < most_teams; i++) {
        if (!pthread_mutex_trylock(&teams[i].caller)) return teams + i;
    }
    return NULL;
}

static void run(srd_team *team, int count, int wanted, void (*body)(void *, int), void *context) {
    team->body = body;
    team->context = context;
    team->share_count = wanted + 1;
    for (int i = 0; i <= wanted; i++) {
        atomic_store_explicit(&team->shares[i].next, (int)((int64_t)count * i / (wanted + 1)), memory_order_relaxed);
        team->shares[i].end = (int)((int64_t)count * (i + 1) / (wanted + 1));
    }
    const uint64_t number = (atomic_load(&team->word) >> 32) + 1;
    atomic_store(&team->word, number << 32 | OPEN | (uint64_t)wanted << 16);
    if (atomic_load(&team->sleepers)) {
        pthread_mutex_lock(&team->sleeping);
        pthread_cond_broadcast(&team->wake);
        pthread_mutex_unlock(&team->sleeping);
    }
    is_inside = 1;
    take_items(team, 0);
    is_inside = 0;
    atomic_fetch_and(&team->word, ~OPEN);
    for (int i = 0; INSIDE(atomic_load(&team->word)); i++) {
        if (i < patience) relax();
        else sched_yield();
    }
}

void srd_parallel(int count, int threads, void (*body)(void *context, int item), void *context) {
    int wanted = (threads < count ? threads : count) - 1;
    if (wanted > most_helpers) wanted = most_helpers;
    srd_team *team = wanted < 1 || is_inside ? NULL : claim_team();
    if (team) {
        if (team->helper_count < wanted) start_helpers(team, wanted);
        const int has_shares = team->shares != NULL;
        if (has_shares) run(team, count, wanted, body, context);
        pthread_mutex_unlock(&team->caller);
        if (has_shares) return;
    }
    for (int item = 0; item < count; item++) body(context, item);
}
