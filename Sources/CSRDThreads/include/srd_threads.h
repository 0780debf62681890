// Threads that share out the items of a loop.
#ifndef SRD_THREADS_H
#define SRD_THREADS_H

/// Calls body(context, item) for every item in 0 ..< count, on this thread and up to threads − 1 others, and returns when
/// all have returned. Thread t of n begins with items count · t / n and on, loop after loop, so that its caches may have what
/// they are about; when these are done it takes others'.
///
/// The others are started once and wait for the next loop, awake for some tens of microseconds, then asleep. One loop has
/// them at a time: another that begins meanwhile, inside a body or on some other thread, runs on its own thread alone.
void srd_parallel(int count, int threads, void (*body)(void *context, int item), void *context);

#endif
