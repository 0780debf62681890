#define _GNU_SOURCE  // secure_getenv
#include "load.h"
#include "CImageCodecs.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

const char *srd_codec_environment(const char *name) {
#ifdef __linux__
    return secure_getenv(name);
#else
    return getenv(name);
#endif
}

bool srd_codec_load(const char *path, const char *const *names, void *const *targets, int count) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) return false;
    for (int i = 0; i < count; i++) {
        void *symbol = dlsym(library, names[i]);
        if (!symbol) {
            dlclose(library);
            return false;
        }
        memcpy(targets[i], &symbol, sizeof symbol);  // ISO C has no conversion from void * to a function pointer
    }
    return true;
}

void srd_codec_copy(char *to, const char *from) {
    strncpy(to, from, SRD_CODEC_MESSAGE - 1);
    to[SRD_CODEC_MESSAGE - 1] = 0;
}
