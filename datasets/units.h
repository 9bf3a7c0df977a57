// datasets/units.h: what a split may not cut: samples of equal input, and of one group. Internal to datasets/.
#ifndef ASSAY_DATASETS_UNITS_H
#define ASSAY_DATASETS_UNITS_H

#include "datasets/splits.h"

typedef struct Unit {
    size_t begin, n;  // its samples: members[begin .. begin + n), sorted by class
    uint64_t key;     // decides the order; of the seed and the ids alone
    int32_t class_of; // of its first member
} Unit;

typedef struct Units {
    size_t n_samples;
    const Sample *const *samples; // [n_samples], in the order of `which`
    const int32_t *classes;       // [n_samples]; all 0 where classes do not matter
    size_t *class_counts;         // [n_classes]
    size_t n_classes;
    size_t *members; // [n_samples], positions in samples
    Unit *units;     // in the order of the keys
    size_t n_units;
} Units;

// Everything lies in the arena. With use_classes the labels are the classes, samples without one the class after the last
// (so n_classes is n_labels + 1); else there is one class.
Status units_build(Arena *arena, const Dataset *data, const size_t *which, size_t n, uint64_t seed,
                   bool use_classes, bool use_groups, Units *out, Error *err) MUST_CHECK;
// Puts units of several samples first, the largest before the others, and the single ones behind them by class.
void units_sort_for_dealing(Units *units);

// How many of each class a choice of `target` among them should have: proportional, by largest remainder, the earlier
// class first on ties; with at_least_one, each class present once where target allows. target <= the sum of counts.
Status units_quotas(Arena *arena, const size_t *counts, size_t n_classes, size_t target,
                    bool at_least_one, size_t *quotas, Error *err) MUST_CHECK;

// The subset as pointers to samples, in the arena; n is set to n_samples where which is NULL.
Status units_select(Arena *arena, const Dataset *data, const size_t *which, size_t *n,
                    const Sample ***out, Error *err) MUST_CHECK;

// Sets of indices, by union-find: parent[i] = i to begin with. The root of a set is its lowest member.
size_t units_root(size_t *parent, size_t i);
void units_join(size_t *parent, size_t a, size_t b);

// The number of the input of each sample, from 0 in order of appearance: equal inputs have equal numbers.
Status units_inputs(Arena *arena, const Sample *const *samples, size_t n, size_t *input_of,
                    size_t *n_inputs, Error *err) MUST_CHECK;

// What decides a sample's place: the first 8 bytes of the SHA-256 of the seed and its id.
uint64_t units_key(uint64_t seed, Slice id);

#endif
