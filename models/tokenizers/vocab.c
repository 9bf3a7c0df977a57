// Tokens by id, and ids by token.
#include "models/tokenizers/vocab.h"

#include <string.h>

#include "base/size.h"

uint64_t token_hash(Slice key)
{
    uint64_t hash = TOKEN_HASH_SEED;
    for (size_t i = 0; i < key.len; i++) hash = token_hash_step(hash, key.ptr[i]);
    return token_hash_finish(hash);
}

// Makes room for ids up to size - 1, and for as many as are expected: a list that grows leaves its shorter ones behind.
static Status vocab_reserve(Vocab *vocab, Arena *arena, size_t size, size_t n_expected, Error *err)
{
    enum { MOST_AT_ONCE = (1 << 18) + 64 };
    if (size > vocab->capacity) {
        const size_t grown = size_max(size, vocab->capacity + vocab->capacity / 2 + 64);
        const size_t capacity = size_max(grown, size_min(n_expected, MOST_AT_ONCE));
        TRY(arena_grow(arena, vocab->size, capacity, sizeof *vocab->places, "a vocabulary",
                       &vocab->places, err));
        vocab->capacity = capacity;
    }
    if (size > vocab->size) vocab->size = size;
    return STATUS_OK;
}

enum { MOST_BLOCKS = 1 << 16, BLOCK_BYTES = 1 << 16, LEAST_BLOCK_BYTES = 1 << 12 };

// Room for so many bytes in the last block, or in a new one. A block's first byte is nobody's, so that no place is 0.
static Status take_room(Vocab *vocab, Arena *arena, size_t size_bytes, Error *err)
{
    if (vocab->n_blocks > 0 && size_bytes <= vocab->block_bytes - vocab->block_used)
        return STATUS_OK;
    size_t room;
    if (vocab->n_blocks == MOST_BLOCKS || !size_add(size_bytes, 1, &room))
        return error_set(err, STATUS_INVALID, "the vocabulary has too much text");
    const size_t usual =
        vocab->n_blocks < 4 ? (size_t)LEAST_BLOCK_BYTES << vocab->n_blocks : (size_t)BLOCK_BYTES;
    char *block = NULL;
    room = size_max(room, usual);
    TRY(arena_make_room(arena, vocab->n_blocks, &vocab->blocks_capacity, sizeof *vocab->blocks,
                        "a vocabulary", &vocab->blocks, err));
    TRY(arena_take_raw(arena, room, 1, "a vocabulary", &block, err));
    vocab->blocks[vocab->n_blocks++] = block;
    vocab->block_bytes = room;
    vocab->block_used = 1;
    return STATUS_OK;
}

// Copies a text behind the others.
static Status keep_text(Vocab *vocab, Arena *arena, Slice text, uint32_t *place, Error *err)
{
    enum { MOST_LENGTH_BYTES = 10 };
    size_t size_bytes;
    if (!size_add(text.len, MOST_LENGTH_BYTES, &size_bytes)) size_bytes = SIZE_MAX;
    TRY(take_room(vocab, arena, size_bytes, err));
    char *at = vocab->blocks[vocab->n_blocks - 1] + vocab->block_used, *const begin = at;
    *place = (uint32_t)(vocab->n_blocks - 1) << 16 | (uint32_t)vocab->block_used;
    size_t len = text.len;
    for (; len >= 0x80; len >>= 7) *at++ = (char)((len & 0x7F) | 0x80);
    *at++ = (char)len;
    if (text.len > 0) memcpy(at, text.ptr, text.len);
    vocab->block_used += (size_t)(at - begin) + text.len;
    return STATUS_OK;
}

Status vocab_put(Vocab *vocab, Arena *arena, Slice token, int64_t id, size_t n_expected, Error *err)
{
    // Ids may have gaps, but a single huge one must not make us allocate gigabytes.
    const size_t highest = n_expected > (SIZE_MAX - 65536) / 4 ? SIZE_MAX : 4 * n_expected + 65536;
    if (id < 0 || id >= INT32_MAX || (uint64_t)id > highest) {
        return error_set(err, STATUS_INVALID,
                         "token \"" SLICE_FMT
                         "\" has id %lld: ids run from 0 to about the number of tokens",
                         SLICE_ARG(token), (long long)id);
    }
    TRY(vocab_reserve(vocab, arena, (size_t)id + 1, n_expected, err));
    const Slice other = vocab_at(vocab, (size_t)id);
    if (other.ptr != NULL) {
        return error_set(err, STATUS_INVALID,
                         "id %lld belongs to two tokens, \"" SLICE_FMT "\" and \"" SLICE_FMT "\"",
                         (long long)id, SLICE_ARG(other), SLICE_ARG(token));
    }
    TRY(keep_text(vocab, arena, token, &vocab->places[id], err));
    vocab->n_tokens++;
    return STATUS_OK;
}

Status vocab_rename(Vocab *vocab, Arena *arena, Slice token, int32_t id, Error *err)
{
    return keep_text(vocab, arena, token, &vocab->places[id], err);
}

Status vocab_list(const Vocab *vocab, Arena *arena, Slice **out, Error *err)
{
    TRY(arena_take(arena, vocab->size, sizeof **out, "a vocabulary", out, err));
    for (size_t i = 0; i < vocab->size; i++) (*out)[i] = vocab_at(vocab, i);
    return STATUS_OK;
}

static Slice key_of(const TokenTable *table, Slice token)
{
    return (Slice){token.ptr + table->prefix_len, token.len - table->prefix_len};
}

// What of a hash stands in a slot.
static uint32_t tag_of(const TokenTable *table, uint64_t hash)
{
    return (uint32_t)(hash >> 32) & ~table->id_mask;
}

// The place of a key: its own, or the free one where it would go.
static size_t find_slot(const TokenTable *table, const Vocab *vocab, Slice key, uint64_t hash)
{
    const uint32_t tag = tag_of(table, hash);
    for (size_t i = (size_t)hash & table->mask;; i = (i + 1) & table->mask) {
        const uint32_t slot = table->slots[i];
        if (slot == 0) return i;
        if ((slot & ~table->id_mask) != tag) continue;
        if (slice_eq(key_of(table, vocab_at(vocab, (slot & table->id_mask) - 1)), key)) return i;
    }
}

int32_t token_table_find(const TokenTable *table, const Vocab *vocab, Slice key, uint64_t hash)
{
    const uint32_t slot = table->slots[find_slot(table, vocab, key, hash)];
    return slot == 0 ? TOKEN_NONE : (int32_t)((slot & table->id_mask) - 1);
}

// Finds the same key's id, or puts id there and returns TOKEN_NONE.
static int32_t table_insert(TokenTable *table, const Vocab *vocab, int32_t id)
{
    const Slice key = key_of(table, vocab_at(vocab, (size_t)id));
    const uint64_t hash = token_hash(key);
    uint32_t *slot = &table->slots[find_slot(table, vocab, key, hash)];
    if (*slot != 0) return (int32_t)((*slot & table->id_mask) - 1);
    *slot = tag_of(table, hash) | ((uint32_t)id + 1);
    table->longest = size_max(table->longest, key.len);
    return TOKEN_NONE;
}

Status token_table_build(TokenTable *table, const Vocab *vocab, Slice prefix, Arena *arena,
                         Error *err)
{
    size_t n_keys = 0;
    for (size_t i = 0; i < vocab->size; i++)
        n_keys += vocab->places[i] != 0 && slice_starts_with(vocab_at(vocab, i), prefix);
    size_t n_slots = 16;
    while (n_slots < n_keys + n_keys / 2) n_slots *= 2; // a third to two thirds are taken
    uint32_t id_mask = 1;
    while (id_mask < vocab->size) id_mask = 2 * id_mask + 1; // ids are below INT32_MAX
    *table = (TokenTable){.mask = n_slots - 1, .id_mask = id_mask, .prefix_len = prefix.len};
    TRY(arena_take(arena, n_slots, sizeof *table->slots, "a table of tokens", &table->slots, err));
    for (size_t i = 0; i < vocab->size; i++) {
        const Slice token = vocab_at(vocab, i);
        if (token.ptr == NULL || !slice_starts_with(token, prefix)) continue;
        const int32_t other = table_insert(table, vocab, (int32_t)i);
        if (other >= 0) {
            return error_set(err, STATUS_INVALID, "token \"" SLICE_FMT "\" has two ids, %d and %zu",
                             SLICE_ARG(token), other, i);
        }
    }
    return STATUS_OK;
}

Status vocab_index(Vocab *vocab, Arena *arena, Error *err)
{
    if (vocab->n_tokens == 0) return error_set(err, STATUS_INVALID, "the vocabulary is empty");
    return token_table_build(&vocab->table, vocab, SLICE(""), arena, err);
}

int32_t vocab_find(const Vocab *vocab, Slice token)
{
    if (vocab->table.slots == NULL || token.len > vocab->table.longest) return TOKEN_NONE;
    return token_table_find(&vocab->table, vocab, token, token_hash(token));
}

Slice vocab_token(const Vocab *vocab, int32_t id)
{
    return id >= 0 && (size_t)id < vocab->size ? vocab_at(vocab, (size_t)id) : (Slice){0};
}
