#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/sha256_internal.h"
#include "base/size.h"

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes (section 4.2.2).
const uint32_t sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate_right(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint32_t load_big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void store_big_endian(uint32_t x, unsigned char *bytes)
{
    for (int i = 0; i < 4; i++) bytes[i] = (unsigned char)(x >> (24 - 8 * i));
}

// W_t = sigma1(W_t-2) + W_t-7 + sigma0(W_t-15) + W_t-16
static void expand_schedule(const unsigned char *block, uint32_t w[64])
{
    for (size_t t = 0; t < 16; t++) w[t] = load_big_endian(block + 4 * t);
    for (size_t t = 16; t < 64; t++) {
        const uint32_t x = w[t - 15];
        const uint32_t y = w[t - 2];
        const uint32_t sigma0 = rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3;
        const uint32_t sigma1 = rotate_right(y, 17) ^ rotate_right(y, 19) ^ y >> 10;
        w[t] = sigma1 + w[t - 7] + sigma0 + w[t - 16];
    }
}

static void compress_block(uint32_t state[8], const unsigned char *block)
{
    uint32_t w[64];
    expand_schedule(block, w);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (size_t t = 0; t < 64; t++) {
        const uint32_t sum1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
        const uint32_t choose = (e & f) ^ (~e & g);
        const uint32_t t1 = h + sum1 + choose + sha256_constants[t] + w[t];
        const uint32_t sum0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
        const uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + sum0 + majority;
    }
    const uint32_t mixed[8] = {a, b, c, d, e, f, g, h};
    for (size_t i = 0; i < 8; i++) state[i] += mixed[i];
}

void sha256_compress_portable(uint32_t state[8], const unsigned char *blocks, size_t n_blocks)
{
    for (size_t i = 0; i < n_blocks; i++) compress_block(state, blocks + 64 * i);
}

// The choice is made once a process; two threads that make it at once find the same.
static Sha256Compress *best_compress(void)
{
    static Sha256Compress *_Atomic chosen;
    Sha256Compress *compress = chosen;
    if (compress == NULL) {
        compress = sha256_has_extensions() ? sha256_compress_extensions : sha256_compress_portable;
        chosen = compress;
    }
    return compress;
}

void sha256_init(Sha256 *hash)
{
    // The first 32 bits of the fractional parts of the square roots of the first 8 primes (section 5.3.3).
    *hash = (Sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                               0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void sha256_update(Sha256 *hash, Slice bytes)
{
    Sha256Compress *compress = best_compress();
    const size_t waiting = hash->n_bytes % 64;
    hash->n_bytes += bytes.len;
    if (waiting > 0) {
        Slice head;
        if (!slice_take(&bytes, size_min(bytes.len, 64 - waiting), &head)) return;
        if (head.len > 0) memcpy(hash->block + waiting, head.ptr, head.len);
        if (waiting + head.len < 64) return;
        compress(hash->state, hash->block, 1);
    }
    const size_t n_blocks = bytes.len / 64;
    if (n_blocks > 0) compress(hash->state, (const unsigned char *)bytes.ptr, n_blocks);
    const Slice tail = slice_sub(bytes, 64 * n_blocks, bytes.len);
    if (tail.len > 0) memcpy(hash->block, tail.ptr, tail.len);
}

void sha256_update_field(Sha256 *hash, Slice bytes)
{
    char len[8];
    for (unsigned i = 0; i < 8; i++) len[i] = (char)((uint64_t)bytes.len >> 8 * i & 0xFF);
    sha256_update(hash, (Slice){len, sizeof len});
    sha256_update(hash, bytes);
}

void sha256_finish(Sha256 *hash, unsigned char out[32])
{
    const uint64_t n_bits = hash->n_bytes * 8;
    char padding[72] = {(char)0x80}; // one bit, zeros up to 56 mod 64, then the length in bits
    const size_t n_padding = 1 + (119 - hash->n_bytes % 64) % 64;
    for (unsigned i = 0; i < 8; i++) padding[n_padding + i] = (char)(n_bits >> (56 - 8 * i) & 0xFF);
    sha256_update(hash, (Slice){padding, n_padding + 8});
    for (size_t i = 0; i < 8; i++) store_big_endian(hash->state[i], out + 4 * i);
}

void sha256_hex(const unsigned char digest[32], char out[SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 32; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[64] = '\0';
}

static void finish_hex(Sha256 *hash, char out[SHA256_HEX_SIZE])
{
    unsigned char digest[32];
    sha256_finish(hash, digest);
    sha256_hex(digest, out);
}

void sha256_of(Slice bytes, char out[SHA256_HEX_SIZE])
{
    Sha256 hash;
    sha256_init(&hash);
    sha256_update(&hash, bytes);
    finish_hex(&hash, out);
}

Status sha256_file(const char *path, char out[SHA256_HEX_SIZE], Error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return error_set_errno(err, "%s", path);
    Sha256 hash;
    sha256_init(&hash);
    Status s = STATUS_OK;
    char piece[1 << 16];
    for (;;) {
        const ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) s = error_set_errno(err, "%s: reading", path);
        if (n <= 0) break;
        sha256_update(&hash, (Slice){piece, (size_t)n});
    }
    close(fd); // nothing was written, so nothing can be lost
    if (s == STATUS_OK) finish_hex(&hash, out);
    return s;
}
