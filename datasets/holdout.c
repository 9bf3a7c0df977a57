// Hold-outs and subsets.
#include "datasets/splits.h"

#include "datasets/label_folds.h"

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

// Both sides as a fold each, of unequal shares.
static Status hold_label_sets(Arena *arena, Units *units, size_t n_labels, double share, Taking *t,
                              Error *err)
{
    const double shares[] = {share, 1 - share};
    int32_t *fold = NULL;
    TRY(arena_take(arena, units->n_samples, sizeof *fold, "a hold-out", &fold, err));
    TRY(label_folds_sort(arena, units, err));
    TRY(label_folds_deal(arena, units, n_labels, shares, 2, fold, err));
    for (size_t u = 0; u < units->n_units; u++) {
        const Unit *unit = &units->units[u];
        if (fold[units->members[unit->begin]] == 0 && t->n_taken + unit->n < units->n_samples)
            take(t, unit);
    }
    return STATUS_OK;
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
    if (options->has_label_sets) {
        TRY(hold_label_sets(arena, &units, data->n_labels, options->share, &t, err));
    } else {
        t.quotas = quotas;
        take_fitting(&t);
        t.quotas = NULL; // what groups and equal inputs left open
        take_fitting(&t);
    }
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

// The samples to choose from, in an order that ids and the seed make, not the file.
typedef struct Candidate {
    uint64_t key;
    size_t position, class_index;
    Slice id;
    double place; // of nested subsets: r / c
} Candidate;

typedef struct Candidates {
    Candidate *order; // [n], by key
    size_t n;
    size_t *counts; // [n_classes]
    size_t n_classes;
    bool *is_chosen; // [n], by position
} Candidates;

static int compare_keys(const void *left, const void *right)
{
    const Candidate *a = left, *b = right;
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return slice_cmp(a->id, b->id);
}

static size_t class_of(const Dataset *data, const Sample *sample)
{
    return sample->label == SAMPLE_NO_LABEL ? data->n_labels : (size_t)sample->label;
}

static Status list_candidates(Arena *arena, const Dataset *data, const size_t *which, size_t n,
                              uint64_t seed, Candidates *out, Error *err)
{
    const Sample **samples = NULL;
    *out = (Candidates){.n_classes = data->n_labels + 1};
    TRY(units_select(arena, data, which, &n, &samples, err));
    out->n = n;
    TRY(arena_take(arena, n, sizeof *out->order, "a subset", &out->order, err));
    TRY(arena_take(arena, n, sizeof *out->is_chosen, "a subset", &out->is_chosen, err));
    TRY(arena_take(arena, out->n_classes, sizeof *out->counts, "a subset", &out->counts, err));
    for (size_t i = 0; i < n; i++) {
        const size_t class_index = class_of(data, samples[i]);
        out->order[i] =
            (Candidate){units_key(seed, samples[i]->id), i, class_index, samples[i]->id, 0};
        out->counts[class_index]++;
    }
    if (n > 0) qsort(out->order, n, sizeof *out->order, compare_keys);
    return STATUS_OK;
}

// Those chosen, in the order of the data.
static size_t put_chosen(const Candidates *c, const size_t *which, size_t *chosen)
{
    size_t n_chosen = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (c->is_chosen[i]) chosen[n_chosen++] = which ? which[i] : i;
    }
    return n_chosen;
}

static Status choose(Arena *arena, Candidates *c, size_t limit, Error *err)
{
    size_t *quotas = NULL;
    TRY(arena_take(arena, c->n_classes, sizeof *quotas, "a subset", &quotas, err));
    TRY(units_quotas(arena, c->counts, c->n_classes, limit < c->n ? limit : c->n, true, quotas,
                     err));
    for (size_t i = 0; i < c->n; i++) {
        size_t *quota = &quotas[c->order[i].class_index];
        c->is_chosen[c->order[i].position] = *quota > 0;
        *quota -= *quota > 0;
    }
    return STATUS_OK;
}

static int compare_places(const void *left, const void *right)
{
    const Candidate *a = left, *b = right;
    if (a->place < b->place || a->place > b->place) return a->place < b->place ? -1 : 1;
    return compare_keys(left, right);
}

// The r-th of a class of c stands at r / c: the first of any number of samples hold every class by its share.
static Status choose_nested(Arena *arena, Candidates *c, size_t limit, Error *err)
{
    size_t *seen = NULL;
    TRY(arena_take(arena, c->n_classes, sizeof *seen, "a subset", &seen, err));
    for (size_t i = 0; i < c->n; i++) {
        const size_t class_index = c->order[i].class_index;
        c->order[i].place = (double)seen[class_index]++ / (double)c->counts[class_index];
    }
    if (c->n > 0) qsort(c->order, c->n, sizeof *c->order, compare_places);
    for (size_t i = 0; i < c->n && i < limit; i++) c->is_chosen[c->order[i].position] = true;
    return STATUS_OK;
}

typedef Status Chooser(Arena *arena, Candidates *candidates, size_t limit, Error *err);

static Status choose_by(Chooser *chooser, const Dataset *data, const size_t *which, size_t n,
                        size_t limit, uint64_t seed, size_t *chosen, size_t *n_chosen, Error *err)
{
    if (limit == 0)
        return error_set(err, STATUS_INVALID, "a limit of 0 leaves no sample: want 1 or more");
    Arena arena = {0};
    Candidates candidates;
    Status s = list_candidates(&arena, data, which, n, seed, &candidates, err);
    if (s == STATUS_OK) s = chooser(&arena, &candidates, limit, err);
    if (s == STATUS_OK) *n_chosen = put_chosen(&candidates, which, chosen);
    arena_release(&arena);
    return s;
}

Status subset_choose(const Dataset *data, const size_t *which, size_t n, size_t limit,
                     uint64_t seed, size_t *chosen, size_t *n_chosen, Error *err)
{
    return choose_by(choose, data, which, n, limit, seed, chosen, n_chosen, err);
}

Status subset_choose_nested(const Dataset *data, const size_t *which, size_t n, size_t limit,
                            uint64_t seed, size_t *chosen, size_t *n_chosen, Error *err)
{
    return choose_by(choose_nested, data, which, n, limit, seed, chosen, n_chosen, err);
}
