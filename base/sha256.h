// base/sha256.h: SHA-256 (FIPS 180-4), for trial ids and manifests. Uses the CPU's SHA extensions where it has them.
#ifndef ASSAY_BASE_SHA256_H
#define ASSAY_BASE_SHA256_H

#include "base/error.h"
#include "base/slice.h"

typedef struct Sha256 {
    uint32_t state[8];
    uint64_t n_bytes;
    unsigned char block[64];
} Sha256;

enum { SHA256_HEX_SIZE = 65 };

void sha256_init(Sha256 *hash);
void sha256_update(Sha256 *hash, Slice bytes);
// The bytes and, before them, their length as 8 bytes little-endian: fields hashed one after the other cannot run
// into each other.
void sha256_update_field(Sha256 *hash, Slice bytes);
void sha256_finish(Sha256 *hash, unsigned char out[32]);
// 64 lower-case hex digits and a NUL.
void sha256_hex(const unsigned char digest[32], char out[SHA256_HEX_SIZE]);
// The hash of one text.
void sha256_of(Slice bytes, char out[SHA256_HEX_SIZE]);
// The hash of a file's bytes, read in pieces.
Status sha256_file(const char *path, char out[SHA256_HEX_SIZE], Error *err) MUST_CHECK;

#endif
