// metrics/word_ids.h: numbers in place of words, so that comparing them is one instruction.
#ifndef ASSAY_METRICS_WORD_IDS_H
#define ASSAY_METRICS_WORD_IDS_H

#include "metrics/tokens.h"

// Zeroed by word_ids_init, which sets how many words may come.
typedef struct WordIds {
    uint32_t *slots; // number + 1, 0 = free
    Slice *words;
    uint64_t *keys; // word_hash.h
    size_t mask, n, capacity;
} WordIds;

// Room for at most `capacity` different words, in the arena.
Status word_ids_init(WordIds *ids, size_t capacity, Arena *arena, Error *err) MUST_CHECK;
// numbers [tokens->n], in the arena: equal words have equal numbers, from 0 in the order of first sight over all calls.
// Words are borrowed. Refuses more different words than there is room for.
Status word_ids_of(WordIds *ids, const Tokens *tokens, Arena *arena, uint32_t **numbers,
                   Error *err) MUST_CHECK;

#endif
