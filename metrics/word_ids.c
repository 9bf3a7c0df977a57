#include "metrics/word_ids.h"

#include "base/size.h"
#include "metrics/word_hash.h"

Status word_ids_init(WordIds *ids, size_t capacity, Arena *arena, Error *err)
{
    size_t n_slots = 16;
    *ids = (WordIds){.capacity = capacity};
    if (capacity >= UINT32_MAX / 2) {
        return error_set(err, STATUS_INVALID, "%zu words are too many", capacity);
    }
    while (n_slots < 2 * capacity) n_slots *= 2;
    ids->mask = n_slots - 1;
    TRY(arena_take(arena, n_slots, sizeof *ids->slots, "words", &ids->slots, err));
    TRY(arena_take_raw(arena, capacity, sizeof *ids->words, "words", &ids->words, err));
    return arena_take_raw(arena, capacity, sizeof *ids->keys, "words", &ids->keys, err);
}

static Status number_of(WordIds *ids, const Tokens *tokens, size_t i, uint32_t *number, Error *err)
{
    const Slice word = tokens->items[i];
    const uint64_t key = word_key_before(word, tokens->text_end);
    size_t at = word_place(key, ids->mask);
    for (; ids->slots[at] != 0; at = (at + 1) & ids->mask) {
        *number = ids->slots[at] - 1;
        if (ids->keys[*number] == key && word_is(ids->words[*number], word)) return STATUS_OK;
    }
    if (ids->n == ids->capacity) {
        return error_set(err, STATUS_INTERNAL, "more than %zu different words", ids->capacity);
    }
    *number = (uint32_t)ids->n;
    ids->words[ids->n] = word;
    ids->keys[ids->n] = key;
    ids->slots[at] = (uint32_t)++ids->n;
    return STATUS_OK;
}

Status word_ids_of(WordIds *ids, const Tokens *tokens, Arena *arena, uint32_t **numbers, Error *err)
{
    TRY(arena_take_raw(arena, tokens->n, sizeof **numbers, "words", numbers, err));
    for (size_t i = 0; i < tokens->n; i++) {
        TRY(number_of(ids, tokens, i, &(*numbers)[i], err));
    }
    return STATUS_OK;
}
