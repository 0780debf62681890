// Makes one system call or allocation of a program fail. Preloaded by FaultTests; it is no part of the product.
//
//   LD_PRELOAD=faults.so SRD_FAULT=write:3:28 SRD_FAULT_LOG=FILE program …
//
// The third write fails with errno 28 (ENOSPC), and FILE is made when it does. Kinds: open, read, write, fsync, rename,
// mmap, malloc, thread. An errno of 0 lets a read or write take half of its bytes.
//
// Counted are calls of the program and of its libraries, not those inside glibc, and of allocations only large ones
// whose size may come from a file: at least 64 KiB, and not from the Swift runtime, which ends the process when an
// allocation of its own fails. (The tools check sizes from outside against the available memory before they allocate.)
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LARGE = 65536 };

static char kind[16];
static int error_number;
static atomic_int calls_left;

__attribute__((constructor)) static void read_fault(void) {
    int n = 0;
    const char *fault = getenv("SRD_FAULT");
    if (fault && sscanf(fault, "%15[a-z]:%d:%d", kind, &n, &error_number) == 3) atomic_store(&calls_left, n);
}

/// Whether this call is the one that fails.
static int fails(const char *name) {
    if (!kind[0] || strcmp(kind, name) || atomic_fetch_sub(&calls_left, 1) != 1) return 0;
    const char *log = getenv("SRD_FAULT_LOG");
    if (log) {
        long file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT, 0666);
        if (file >= 0) syscall(SYS_close, file);
    }
    errno = error_number;
    return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static mode_t mode_of(int flags, va_list arguments) {
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...) {                                                                       \
        va_list arguments;                                                                                             \
        va_start(arguments, flags);                                                                                    \
        mode_t mode = mode_of(flags, arguments);                                                                       \
        va_end(arguments);                                                                                             \
        return fails("open") ? -1 : NEXT(name)(path, flags, mode);                                                     \
    }
#define OPENAT(name)                                                                                                   \
    int name(int folder, const char *path, int flags, ...) {                                                           \
        va_list arguments;                                                                                             \
        va_start(arguments, flags);                                                                                    \
        mode_t mode = mode_of(flags, arguments);                                                                       \
        va_end(arguments);                                                                                             \
        return fails("open") ? -1 : NEXT(name)(folder, path, flags, mode);                                             \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
FILE *fopen(const char *path, const char *mode) { return fails("open") ? NULL : NEXT(fopen)(path, mode); }
FILE *fopen64(const char *path, const char *mode) { return fails("open") ? NULL : NEXT(fopen64)(path, mode); }

/// The bytes that a call takes: all, or half of them for errno 0; −1 if it fails.
static ssize_t allowed(const char *name, size_t count) {
    if (!fails(name)) return (ssize_t)count;
    return error_number ? -1 : (ssize_t)(count + 1) / 2;
}

ssize_t read(int file, void *bytes, size_t count) {
    ssize_t n = allowed("read", count);
    return n < 0 ? -1 : NEXT(read)(file, bytes, (size_t)n);
}
ssize_t pread(int file, void *bytes, size_t count, off_t offset) {
    ssize_t n = allowed("read", count);
    return n < 0 ? -1 : NEXT(pread)(file, bytes, (size_t)n, offset);
}
ssize_t pread64(int file, void *bytes, size_t count, off64_t offset) {
    ssize_t n = allowed("read", count);
    return n < 0 ? -1 : NEXT(pread64)(file, bytes, (size_t)n, offset);
}
ssize_t write(int file, const void *bytes, size_t count) {
    ssize_t n = allowed("write", count);
    return n < 0 ? -1 : NEXT(write)(file, bytes, (size_t)n);
}

int fsync(int file) { return fails("fsync") ? -1 : NEXT(fsync)(file); }
int rename(const char *from, const char *to) { return fails("rename") ? -1 : NEXT(rename)(from, to); }

void *mmap(void *start, size_t count, int protection, int flags, int file, off_t offset) {
    return fails("mmap") ? MAP_FAILED : NEXT(mmap)(start, count, protection, flags, file, offset);
}
void *mmap64(void *start, size_t count, int protection, int flags, int file, off64_t offset) {
    return fails("mmap") ? MAP_FAILED : NEXT(mmap64)(start, count, protection, flags, file, offset);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
    return fails("thread") ? error_number : NEXT(pthread_create)(thread, attributes, body, argument);
}

/// Whether an allocation of this size by this code fails.
static int allocation_fails(size_t size, void *caller) {
    if (size < LARGE || strcmp(kind, "malloc")) return 0;
    Dl_info info;
    if (dladdr(caller, &info) && info.dli_fname) {
        const char *slash = strrchr(info.dli_fname, '/'), *library = slash ? slash + 1 : info.dli_fname;
        if (!strncmp(library, "libswift", 8) || !strncmp(library, "libstdc++", 9) || strstr(library, "Foundation"))
            return 0;
    }
    return fails("malloc");
}

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t),
    *__libc_memalign(size_t, size_t);

void *malloc(size_t size) { return allocation_fails(size, __builtin_return_address(0)) ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) {
    return allocation_fails(count * size, __builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) {
    return allocation_fails(size, __builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}
int posix_memalign(void **result, size_t alignment, size_t size) {
    if (allocation_fails(size, __builtin_return_address(0))) return ENOMEM;
    *result = __libc_memalign(alignment, size);
    return *result ? 0 : ENOMEM;
}
void *aligned_alloc(size_t alignment, size_t size) {
    return allocation_fails(size, __builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}
