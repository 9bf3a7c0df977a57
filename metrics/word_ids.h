// metrics/word_ids.h: numbers in place of words, so that comparing them is one instruction.
#ifndef ASSAY_METRICS_WORD_IDS_H
#define ASSAY_METRICS_WORD_IDS_H

#include "metrics/tokens.h"

typedef struct WordEntry WordEntry;

// Zeroed by word_ids_init, which sets how many words may come.
typedef struct WordIds {
    uint32_t *slots;    // number + 1, 0 = free
    WordEntry *entries; // [capacity + 2]; a word's is at its number + 1, none at 0
    size_t n_slots, n, capacity;
    unsigned shift; // of a hash, to a slot
} WordIds;

// A text as numbers.
typedef struct WordNumbers {
    const uint32_t *items;
    size_t n;
} WordNumbers;

// Room for at most `capacity` different words, in the arena.
Status word_ids_init(WordIds *ids, size_t capacity, Arena *arena, Error *err) MUST_CHECK;
// numbers [tokens->n], in the arena: equal words have equal numbers, from 0 in the order of first sight over all calls.
// Words are borrowed. Refuses more words than there would be room for if they all differed.
Status word_ids_of(WordIds *ids, const Tokens *tokens, Arena *arena, uint32_t **numbers,
                   Error *err) MUST_CHECK;
// The same without adding any: words that are not there have the number ids->n.
Status word_ids_known(const WordIds *ids, const Tokens *tokens, Arena *arena, uint32_t **numbers,
                      Error *err) MUST_CHECK;

#endif
