// Tokens by id, and ids by token.
#include "models/tokenizers/vocab.h"
#include "base/size.h"

#include <string.h>

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
        Slice *tokens = NULL;
        TRY(arena_take(arena, capacity, sizeof *tokens, "a vocabulary", &tokens, err));
        if (vocab->size > 0) memcpy(tokens, vocab->tokens, vocab->size * sizeof *tokens);
        vocab->tokens = tokens;
        vocab->capacity = capacity;
    }
    if (size > vocab->size) vocab->size = size;
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
    Slice *slot = &vocab->tokens[id];
    if (slot->ptr != NULL) {
        return error_set(err, STATUS_INVALID,
                         "id %lld belongs to two tokens, \"" SLICE_FMT "\" and \"" SLICE_FMT "\"",
                         (long long)id, SLICE_ARG(*slot), SLICE_ARG(token));
    }
    *slot = token.ptr != NULL ? token : SLICE("");
    vocab->n_tokens++;
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
static size_t find_slot(const TokenTable *table, const Slice *tokens, Slice key, uint64_t hash)
{
    const uint32_t tag = tag_of(table, hash);
    for (size_t i = (size_t)hash & table->mask;; i = (i + 1) & table->mask) {
        const uint32_t slot = table->slots[i];
        if (slot == 0) return i;
        if ((slot & ~table->id_mask) != tag) continue;
        if (slice_eq(key_of(table, tokens[(slot & table->id_mask) - 1]), key)) return i;
    }
}

int32_t token_table_find(const TokenTable *table, const Slice *tokens, Slice key, uint64_t hash)
{
    const uint32_t slot = table->slots[find_slot(table, tokens, key, hash)];
    return slot == 0 ? TOKEN_NONE : (int32_t)((slot & table->id_mask) - 1);
}

// Finds the same key's id, or puts id there and returns TOKEN_NONE.
static int32_t table_insert(TokenTable *table, const Slice *tokens, int32_t id)
{
    const Slice key = key_of(table, tokens[id]);
    const uint64_t hash = token_hash(key);
    uint32_t *slot = &table->slots[find_slot(table, tokens, key, hash)];
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
        n_keys += vocab->tokens[i].ptr != NULL && slice_starts_with(vocab->tokens[i], prefix);
    size_t n_slots = 16;
    while (n_slots < n_keys + n_keys / 2) n_slots *= 2; // a third to two thirds are taken
    uint32_t id_mask = 1;
    while (id_mask < vocab->size) id_mask = 2 * id_mask + 1; // ids are below INT32_MAX
    *table = (TokenTable){.mask = n_slots - 1, .id_mask = id_mask, .prefix_len = prefix.len};
    TRY(arena_take(arena, n_slots, sizeof *table->slots, "a table of tokens", &table->slots, err));
    for (size_t i = 0; i < vocab->size; i++) {
        if (vocab->tokens[i].ptr == NULL || !slice_starts_with(vocab->tokens[i], prefix)) continue;
        const int32_t other = table_insert(table, vocab->tokens, (int32_t)i);
        if (other >= 0) {
            return error_set(err, STATUS_INVALID, "token \"" SLICE_FMT "\" has two ids, %d and %zu",
                             SLICE_ARG(vocab->tokens[i]), other, i);
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
    return token_table_find(&vocab->table, vocab->tokens, token, token_hash(token));
}

Slice vocab_token(const Vocab *vocab, int32_t id)
{
    return id >= 0 && (size_t)id < vocab->size ? vocab->tokens[id] : (Slice){0};
}
