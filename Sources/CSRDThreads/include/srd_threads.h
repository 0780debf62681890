// A thread pool for loops of a few tens of microseconds.
//
// A step of the network is some 1,500 loops of 20 to 200 µs each. Dispatch parks its workers in the kernel between
// loops; the helpers here stay awake for the next loop and start with the same part of the items each time, whose data
// their caches may still hold.
#ifndef SRD_THREADS_H
#define SRD_THREADS_H

/// Calls body(context, item) for every item in 0 ..< count, on this thread and up to threads − 1 helpers, and returns
/// when all calls have returned. Thread t of n starts with the items from count · t / n on, in one loop after another;
/// when these are done it takes others'.
///
/// Helpers are started once and wait for the next loop, spinning for some tens of microseconds, then asleep. Loops that
/// run at the same time on different threads have helpers of their own, for up to 16 of them; further loops, and loops
/// inside a body, run on their own thread alone.
void srd_parallel(int count, int threads, void (*body)(void *context, int item), void *context);

#endif
