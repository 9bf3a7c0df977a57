// base/sha256_internal.h: the two ways to compress blocks, apart so that tests can compare them.
#ifndef ASSAY_BASE_SHA256_INTERNAL_H
#define ASSAY_BASE_SHA256_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Mixes n_blocks blocks of 64 bytes into state.
typedef void Sha256Compress(uint32_t state[8], const unsigned char *blocks, size_t n_blocks);

extern const uint32_t sha256_constants[64];

// Plain C, FIPS 180-4 section 6.2.2.
Sha256Compress sha256_compress_portable;
// With the CPU's SHA extensions; call it only where sha256_has_extensions says so. Elsewhere it is the portable one.
Sha256Compress sha256_compress_extensions;
bool sha256_has_extensions(void);

#endif
