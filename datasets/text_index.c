#include "datasets/text_index.h"

#include <string.h>

// FNV-1a with a final mix, so that the low bits depend on every byte.
static uint64_t hash_text(Slice key)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < key.len; i++) hash = (hash ^ (unsigned char)key.ptr[i]) * 0x100000001B3u;
    hash ^= hash >> 32;
    hash *= 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

// The slot that holds the key, or the free one where it belongs.
static size_t *find_slot(const TextIndex *table, Slice key)
{
    size_t at = (size_t)hash_text(key) & (table->n_slots - 1);
    while (table->slots[at] && !slice_eq(table->keys[table->slots[at] - 1], key)) {
        at = (at + 1) & (table->n_slots - 1);
    }
    return &table->slots[at];
}

static Status grow(TextIndex *table, Error *err)
{
    const size_t n_slots = table->n_slots ? table->n_slots * 2 : 16;
    TextIndex larger = {.arena = table->arena, .n = table->n, .n_slots = n_slots};
    TRY(arena_take(table->arena, n_slots, sizeof *larger.slots, "a table of texts", &larger.slots,
                   err));
    TRY(arena_take(table->arena, n_slots / 2, sizeof *larger.keys, "a table of texts", &larger.keys,
                   err));
    if (table->n) memcpy(larger.keys, table->keys, table->n * sizeof *larger.keys);
    for (size_t i = 0; i < table->n; i++) *find_slot(&larger, larger.keys[i]) = i + 1;
    *table = larger;
    return STATUS_OK;
}

Status text_index_add(TextIndex *table, Slice key, size_t *index, Error *err)
{
    if (table->n >= table->n_slots / 2) TRY(grow(table, err));
    size_t *slot = find_slot(table, key);
    if (*slot == 0) {
        table->keys[table->n++] = key;
        *slot = table->n;
    }
    *index = *slot - 1;
    return STATUS_OK;
}

size_t text_index_find(const TextIndex *table, Slice key)
{
    if (table->n_slots == 0) return SIZE_MAX;
    return *find_slot(table, key) - 1;
}
