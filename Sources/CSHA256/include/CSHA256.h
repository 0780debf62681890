/// The block function of SHA-256 (FIPS 180-4, section 6.2.2).
#ifndef SRD_CSHA256_H
#define SRD_CSHA256_H

#include <stddef.h>
#include <stdint.h>

/// Updates the state H by whole blocks of 64 bytes, with the processor's SHA instructions where it has them.
void srd_sha256(uint32_t state[8], const uint8_t *bytes, size_t blocks);

/// Updates the state H by whole blocks of 64 bytes, in plain C: the twin that `srd_sha256` is checked against.
void srd_sha256_scalar(uint32_t state[8], const uint8_t *bytes, size_t blocks);

#endif
