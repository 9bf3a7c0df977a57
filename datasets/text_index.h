// datasets/text_index.h: distinct texts, numbered in the order they come. Internal to datasets/.
#ifndef ASSAY_DATASETS_TEXT_INDEX_H
#define ASSAY_DATASETS_TEXT_INDEX_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

// Zero it and set arena. Keys are borrowed.
typedef struct TextIndex {
    Arena *arena;
    Slice *keys; // [n]
    size_t n;
    size_t *slots; // index + 1 into keys, 0 = free; a power of two, at most half full
    size_t n_slots;
} TextIndex;

// The number of a key; a new key gets the next one, so that it is new exactly where *index was index->n before.
Status text_index_add(TextIndex *table, Slice key, size_t *index, Error *err) MUST_CHECK;
// SIZE_MAX where it is not there.
size_t text_index_find(const TextIndex *table, Slice key);

#endif
