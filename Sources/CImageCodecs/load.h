#ifndef SRD_CODEC_LOAD_H
#define SRD_CODEC_LOAD_H

#include <stdbool.h>

/// Opens a library and stores `count` of its symbols through `targets`. Returns false if anything is missing.
/// The library stays loaded: opening it again costs a microsecond.
bool srd_codec_load(const char *path, const char *const *names, void *const *targets, int count);

/// Copies a message of at most SRD_CODEC_MESSAGE - 1 bytes.
void srd_codec_copy(char *to, const char *from);

#endif
