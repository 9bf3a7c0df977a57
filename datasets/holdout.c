// Hold-outs and subsets.
#include "datasets/splits.h"

#include "datasets/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Taking {
    const Units *units;
    const size_t *quotas; // [n_classes], or NULL: any class
    size_t *taken;        // [n_classes]
    size_t n_taken, target;
    bool *held;
} Taking;

static void count_classes(const Units *units, const Unit *unit, size_t *counts, bool adds)
{
    for (size_t i = 0; i < unit->n; i++) {
        size_t *count = &counts[units->classes[units->members[unit->begin + i]]];
        *count += adds ? 1 : (size_t)-1;
    }
}

static bool fits(const Taking *t, const Unit *unit)
{
    const Units *units = t->units;
    if (t->n_taken + unit->n > t->target) return false;
    count_classes(units, unit, t->taken, true);
    bool does_fit = true;
    for (size_t i = 0; i < unit->n && does_fit; i++) {
        const int32_t c = units->classes[units->members[unit->begin + i]];
        // A class of one sample stays where it can be learnt.
        const size_t limit = t->quotas ? t->quotas[c] : units->class_counts[c] - 1;
        does_fit = t->taken[c] <= limit;
    }
    count_classes(units, unit, t->taken, false);
    return does_fit;
}

static void take(Taking *t, const Unit *unit)
{
    count_classes(t->units, unit, t->taken, true);
    t->n_taken += unit->n;
    for (size_t i = 0; i < unit->n; i++) t->held[t->units->members[unit->begin + i]] = true;
}

static void take_fitting(Taking *t)
{
    for (size_t u = 0; u < t->units->n_units && t->n_taken < t->target; u++) {
        const Unit *unit = &t->units->units[u];
        if (!t->held[t->units->members[unit->begin]] && fits(t, unit)) take(t, unit);
    }
}

static Status hold_out(Arena *arena, const Dataset *data, const size_t *which, size_t n,
                       const HoldoutOptions *options, bool *held, Error *err)
{
    Units units;
    size_t *quotas = NULL;
    Taking t = {.units = &units, .held = held};
    TRY(units_build(arena, data, which, n, options->seed, !options->is_plain, options->is_grouped,
                    &units, err));
    if (units.n_units < 2) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": nothing can be held out of %zu sample%s that %s: both sides "
                                   "need at least one",
                         SLICE_ARG(data->path), units.n_samples, units.n_samples == 1 ? "" : "s",
                         options->is_grouped ? "form one group" : "have one input");
    }
    const double wanted = round(options->share * (double)units.n_samples);
    t.target = wanted < 1 ? 1 : (size_t)wanted;
    if (t.target >= units.n_samples) t.target = units.n_samples - 1;
    TRY(arena_take(arena, units.n_classes, sizeof *quotas, "a hold-out", &quotas, err));
    TRY(arena_take(arena, units.n_classes, sizeof *t.taken, "a hold-out", &t.taken, err));
    TRY(units_quotas(arena, units.class_counts, units.n_classes, t.target, false, quotas, err));
    for (size_t c = 0; c < units.n_classes; c++) {
        if (quotas[c] && quotas[c] >= units.class_counts[c]) quotas[c] = units.class_counts[c] - 1;
    }
    memset(held, 0, units.n_samples * sizeof *held);
    t.quotas = quotas;
    take_fitting(&t);
    t.quotas = NULL; // what groups and equal inputs left open
    take_fitting(&t);
    if (t.n_taken > 0) return STATUS_OK;
    const Unit *smallest =
        &units.units[0]; // every unit exceeds the share, or would take a class away
    for (size_t u = 1; u < units.n_units; u++) {
        if (units.units[u].n < smallest->n) smallest = &units.units[u];
    }
    take(&t, smallest);
    return STATUS_OK;
}

Status holdout_assign(const Dataset *data, const size_t *which, size_t n,
                      const HoldoutOptions *options, bool *held, Error *err)
{
    if (!(options->share > 0 && options->share < 1)) {
        return error_set(err, STATUS_INVALID,
                         "a share of %g cannot be held out: want a number between "
                         "0 and 1",
                         options->share);
    }
    Arena arena = {0};
    const Status s = hold_out(&arena, data, which, n, options, held, err);
    arena_release(&arena);
    return s;
}

typedef struct Candidate {
    uint64_t key;
    size_t position;
    Slice id;
} Candidate;

static int compare_candidates(const void *left, const void *right)
{
    const Candidate *a = left, *b = right;
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return slice_cmp(a->id, b->id);
}

static size_t class_of(const Dataset *data, const Sample *sample)
{
    return sample->label == SAMPLE_NO_LABEL ? data->n_labels : (size_t)sample->label;
}

static Status choose(Arena *arena, const Dataset *data, const size_t *which, size_t n, size_t limit,
                     uint64_t seed, size_t *chosen, size_t *n_chosen, Error *err)
{
    const Sample **samples = NULL;
    Candidate *order = NULL;
    size_t *counts = NULL, *quotas = NULL;
    bool *is_chosen = NULL;
    const size_t n_classes = data->n_labels + 1;
    TRY(units_select(arena, data, which, &n, &samples, err));
    TRY(arena_take(arena, n, sizeof *order, "a subset", &order, err));
    TRY(arena_take(arena, n, sizeof *is_chosen, "a subset", &is_chosen, err));
    TRY(arena_take(arena, n_classes, sizeof *counts, "a subset", &counts, err));
    TRY(arena_take(arena, n_classes, sizeof *quotas, "a subset", &quotas, err));
    for (size_t i = 0; i < n; i++) {
        order[i] = (Candidate){units_key(seed, samples[i]->id), i, samples[i]->id};
        counts[class_of(data, samples[i])]++;
    }
    TRY(units_quotas(arena, counts, n_classes, limit < n ? limit : n, true, quotas, err));
    if (n) qsort(order, n, sizeof *order, compare_candidates);
    for (size_t i = 0; i < n; i++) {
        size_t *quota = &quotas[class_of(data, samples[order[i].position])];
        is_chosen[order[i].position] = *quota > 0;
        *quota -= *quota > 0;
    }
    *n_chosen = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_chosen[i]) chosen[(*n_chosen)++] = which ? which[i] : i;
    }
    return STATUS_OK;
}

Status subset_choose(const Dataset *data, const size_t *which, size_t n, size_t limit,
                     uint64_t seed, size_t *chosen, size_t *n_chosen, Error *err)
{
    if (limit == 0) {
        return error_set(err, STATUS_INVALID, "a limit of 0 leaves no sample: want 1 or more");
    }
    Arena arena = {0};
    const Status s = choose(&arena, data, which, n, limit, seed, chosen, n_chosen, err);
    arena_release(&arena);
    return s;
}

// ---- nested subsets ----

typedef struct Ranked {
    uint64_t key;
    size_t position, class_index;
    Slice id;
    double place; // r / c
} Ranked;

static int compare_keys(const void *left, const void *right)
{
    const Ranked *a = left, *b = right;
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return slice_cmp(a->id, b->id);
}

static int compare_places(const void *left, const void *right)
{
    const Ranked *a = left, *b = right;
    if (a->place < b->place || a->place > b->place) return a->place < b->place ? -1 : 1;
    return compare_keys(left, right);
}

static Status choose_nested(Arena *arena, const Dataset *data, const size_t *which, size_t n,
                            size_t limit, uint64_t seed, size_t *chosen, size_t *n_chosen,
                            Error *err)
{
    const Sample **samples = NULL;
    Ranked *order = NULL;
    size_t *counts = NULL, *seen = NULL;
    bool *is_chosen = NULL;
    const size_t n_classes = data->n_labels + 1;
    TRY(units_select(arena, data, which, &n, &samples, err));
    TRY(arena_take(arena, n, sizeof *order, "a subset", &order, err));
    TRY(arena_take(arena, n, sizeof *is_chosen, "a subset", &is_chosen, err));
    TRY(arena_take(arena, n_classes, sizeof *counts, "a subset", &counts, err));
    TRY(arena_take(arena, n_classes, sizeof *seen, "a subset", &seen, err));
    for (size_t i = 0; i < n; i++) {
        const size_t class_index = class_of(data, samples[i]);
        order[i] = (Ranked){units_key(seed, samples[i]->id), i, class_index, samples[i]->id, 0};
        counts[class_index]++;
    }
    if (n > 0) qsort(order, n, sizeof *order, compare_keys);
    for (size_t i = 0; i < n; i++) {
        const size_t class_index = order[i].class_index;
        order[i].place = (double)seen[class_index]++ / (double)counts[class_index];
    }
    if (n > 0) qsort(order, n, sizeof *order, compare_places);
    for (size_t i = 0; i < n && i < limit; i++) is_chosen[order[i].position] = true;
    *n_chosen = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_chosen[i]) chosen[(*n_chosen)++] = which ? which[i] : i;
    }
    return STATUS_OK;
}

Status subset_choose_nested(const Dataset *data, const size_t *which, size_t n, size_t limit,
                            uint64_t seed, size_t *chosen, size_t *n_chosen, Error *err)
{
    if (limit == 0)
        return error_set(err, STATUS_INVALID, "a limit of 0 leaves no sample: want 1 or more");
    Arena arena = {0};
    const Status s = choose_nested(&arena, data, which, n, limit, seed, chosen, n_chosen, err);
    arena_release(&arena);
    return s;
}
