#include "datasets/label_folds.h"

#include "datasets/text_index.h"

// Sets are numbered as the units come, whose order is that of their keys and not the file's.
Status label_folds_sort(Arena *arena, Units *units, Error *err)
{
    TextIndex sets = {.arena = arena};
    for (size_t u = 0; u < units->n_units; u++) {
        Unit *unit = &units->units[u];
        const Sample *sample = units->samples[units->members[unit->begin]];
        const Slice set = {sample->n_held ? (const char *)sample->held : "",
                           sample->n_held * sizeof *sample->held};
        size_t number = 0;
        TRY(text_index_add(&sets, set, &number, err));
        unit->class_of = (int32_t)number;
    }
    units_sort_for_dealing(units);
    return STATUS_OK;
}

typedef struct Dealing {
    const Units *units;
    size_t n_labels, k;
    double *labels_wanted;     // [k, n_labels]
    double *samples_wanted;    // [k]
    size_t *left;              // [n_labels] samples with the label that are not dealt yet
    size_t *units_of, *starts; // units with label c: units_of[starts[c] .. starts[c + 1])
    bool *is_dealt;            // [n_units]
    int32_t *fold;
} Dealing;

static const Sample *member_of(const Dealing *d, const Unit *unit, size_t i)
{
    return d->units->samples[d->units->members[unit->begin + i]];
}

static void count_left(Dealing *d)
{
    for (size_t i = 0; i < d->units->n_samples; i++) {
        const Sample *sample = d->units->samples[i];
        for (size_t h = 0; h < sample->n_held; h++) d->left[sample->held[h]]++;
    }
}

// starts has room for n_labels + 1; ends [n_labels] is scratch. A unit stands once under a label, however many of its samples have it.
static void list_units(Dealing *d, size_t *ends)
{
    for (size_t c = 0; c < d->n_labels; c++) {
        d->starts[c + 1] = d->starts[c] + d->left[c];
        ends[c] = d->starts[c];
    }
    for (size_t u = 0; u < d->units->n_units; u++) {
        const Unit *unit = &d->units->units[u];
        for (size_t i = 0; i < unit->n; i++) {
            const Sample *sample = member_of(d, unit, i);
            for (size_t h = 0; h < sample->n_held; h++) {
                const size_t c = (size_t)sample->held[h];
                if (ends[c] > d->starts[c] && d->units_of[ends[c] - 1] == u) continue;
                d->units_of[ends[c]++] = u;
            }
        }
    }
    // Rooms that units of several samples left empty.
    for (size_t c = 0; c < d->n_labels; c++) {
        while (ends[c] < d->starts[c + 1]) d->units_of[ends[c]++] = SIZE_MAX;
    }
}

static Status begin(Arena *arena, Dealing *d, const double *shares, Error *err)
{
    const size_t n = d->n_labels;
    size_t total = 0, *ends = NULL;
    TRY(arena_take(arena, d->k, n * sizeof(double), "folds", &d->labels_wanted, err));
    TRY(arena_take(arena, d->k, sizeof(double), "folds", &d->samples_wanted, err));
    TRY(arena_take(arena, n, sizeof *d->left, "folds", &d->left, err));
    TRY(arena_take(arena, n + 1, sizeof *d->starts, "folds", &d->starts, err));
    TRY(arena_take(arena, n, sizeof *ends, "folds", &ends, err));
    TRY(arena_take(arena, d->units->n_units, sizeof *d->is_dealt, "folds", &d->is_dealt, err));
    count_left(d);
    for (size_t c = 0; c < n; c++) total += d->left[c];
    TRY(arena_take(arena, total, sizeof *d->units_of, "folds", &d->units_of, err));
    list_units(d, ends);
    for (size_t f = 0; f < d->k; f++) {
        d->samples_wanted[f] = shares[f] * (double)d->units->n_samples;
        for (size_t c = 0; c < n; c++) d->labels_wanted[f * n + c] = shares[f] * (double)d->left[c];
    }
    return STATUS_OK;
}

// Where most of a label are wanted, then most samples; label n_labels: of samples without any.
static size_t best_fold(const Dealing *d, size_t label)
{
    size_t best = 0;
    for (size_t f = 1; f < d->k; f++) {
        const double mine = label < d->n_labels ? d->labels_wanted[f * d->n_labels + label] : 0;
        const double most = label < d->n_labels ? d->labels_wanted[best * d->n_labels + label] : 0;
        if (mine > most || (mine == most && d->samples_wanted[f] > d->samples_wanted[best]))
            best = f;
    }
    return best;
}

static void deal_unit(Dealing *d, size_t u, size_t label)
{
    const Unit *unit = &d->units->units[u];
    const size_t f = best_fold(d, label);
    for (size_t i = 0; i < unit->n; i++) {
        const Sample *sample = member_of(d, unit, i);
        for (size_t h = 0; h < sample->n_held; h++) {
            d->labels_wanted[f * d->n_labels + (size_t)sample->held[h]] -= 1;
            d->left[sample->held[h]]--;
        }
        d->fold[d->units->members[unit->begin + i]] = (int32_t)f;
    }
    d->samples_wanted[f] -= (double)unit->n;
    d->is_dealt[u] = true;
}

// The label with the fewest samples left, n_labels where none has any.
static size_t rarest(const Dealing *d)
{
    size_t found = d->n_labels;
    for (size_t c = 0; c < d->n_labels; c++) {
        if (d->left[c] > 0 && (found == d->n_labels || d->left[c] < d->left[found])) found = c;
    }
    return found;
}

Status label_folds_deal(Arena *arena, const Units *units, size_t n_labels, const double *shares,
                        size_t k, int32_t *fold, Error *err)
{
    Dealing d = {.units = units, .n_labels = n_labels, .k = k, .fold = fold};
    TRY(begin(arena, &d, shares, err));
    for (size_t c = rarest(&d); c < n_labels; c = rarest(&d)) {
        for (size_t i = d.starts[c]; i < d.starts[c + 1]; i++) {
            if (d.units_of[i] != SIZE_MAX && !d.is_dealt[d.units_of[i]])
                deal_unit(&d, d.units_of[i], c);
        }
    }
    for (size_t u = 0; u < units->n_units; u++) {
        if (!d.is_dealt[u]) deal_unit(&d, u, n_labels);
    }
    return STATUS_OK;
}
