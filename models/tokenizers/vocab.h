// models/tokenizers/vocab.h: tokens by id, ids by token.
#ifndef ASSAY_MODELS_TOKENIZERS_VOCAB_H
#define ASSAY_MODELS_TOKENIZERS_VOCAB_H

#include "models/tokenizers/tokenizer.h"

// An open-addressing hash table from bytes to id. Keys are a vocabulary's tokens without their first prefix_len bytes. A slot is 0 where it is
// free, else id + 1 in the bits of id_mask and in those above them the hash's, which tell most other keys apart.
typedef struct TokenTable {
    uint32_t *slots;
    uint32_t id_mask;
    size_t mask;
    size_t prefix_len;
    size_t longest; // bytes of the longest key
} TokenTable;

// Texts lie one behind the other in blocks, each behind its length; what is kept of a token beside them takes four bytes.
typedef struct Vocab {
    uint32_t *
        places; // [size] block in the upper 16 bits and place in it, which is not 0; 0 where an id is unused
    char **blocks;
    size_t size, capacity;
    size_t n_blocks, blocks_capacity;
    size_t block_used, block_bytes; // of the last block
    size_t n_tokens;
    TokenTable table;
} Vocab;

// One step of the hash (FNV-1a); begin with TOKEN_HASH_SEED. token_hash_finish spreads it before use.
#define TOKEN_HASH_SEED UINT64_C(0xcbf29ce484222325)
static inline uint64_t token_hash_step(uint64_t hash, char byte)
{
    return (hash ^ (unsigned char)byte) * UINT64_C(0x100000001b3);
}

static inline uint64_t token_hash_finish(uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

uint64_t token_hash(Slice key);
// Puts a copy of token at id. STATUS_INVALID for an id taken by another token, negative, or far beyond n_expected.
Status vocab_put(Vocab *vocab, Arena *arena, Slice token, int64_t id, size_t n_expected,
                 Error *err) MUST_CHECK;
// Gives an id that has a token another text; what the text was stays in the arena.
Status vocab_rename(Vocab *vocab, Arena *arena, Slice token, int32_t id, Error *err) MUST_CHECK;
// The tokens of all ids, in the arena.
Status vocab_list(const Vocab *vocab, Arena *arena, Slice **out, Error *err) MUST_CHECK;
// Builds vocab->table; STATUS_INVALID where two ids have the same token.
Status vocab_index(Vocab *vocab, Arena *arena, Error *err) MUST_CHECK;
// A table of those tokens that begin with prefix, keyed by what follows it.
Status token_table_build(TokenTable *table, const Vocab *vocab, Slice prefix, Arena *arena,
                         Error *err) MUST_CHECK;
// A table of the vocabulary's. hash is finished; TOKEN_NONE where absent.
int32_t token_table_find(const TokenTable *table, const Vocab *vocab, Slice key, uint64_t hash);
int32_t vocab_find(const Vocab *vocab, Slice token);

// Of an id below size: ptr is NULL where it is unused.
static inline Slice vocab_at(const Vocab *vocab, size_t id)
{
    const uint32_t place = vocab->places[id];
    if (place == 0) return (Slice){0};
    const unsigned char *at =
        (const unsigned char *)vocab->blocks[place >> 16] + (place & UINT16_MAX);
    size_t len = *at & 0x7F; // seven bits a byte, the lowest first, the last without the eighth
    for (unsigned shift = 7; *at++ & 0x80; shift += 7) len |= (size_t)(*at & 0x7F) << shift;
    return (Slice){(const char *)at, len};
}

Slice vocab_token(const Vocab *vocab, int32_t id); // of any id

#endif
