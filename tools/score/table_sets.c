// Texts of a table as sets of labels.
#include <string.h>

#include "base/distinct.h"
#include "base/size.h"
#include "tools/score/table.h"

// All labels of a side, item by item.
typedef struct Side {
    Slice *labels;
    size_t n, capacity;
    size_t *starts; // [items + 1]
} Side;

static Status add_label(Side *side, size_t begin, Slice label, Arena *arena, Error *err)
{
    label = slice_trim(label);
    if (label.len == 0) return STATUS_OK; // no label
    for (size_t k = begin; k < side->n; k++) {
        if (slice_eq(side->labels[k], label)) return STATUS_OK; // said twice
    }
    TRY(arena_make_room(arena, side->n, &side->capacity, sizeof *side->labels, "labels",
                        &side->labels, err));
    side->labels[side->n++] = label;
    return STATUS_OK;
}

// Labels with the separator between them, or a list as table_open keeps it.
static Status split_labels(Side *side, Slice text, Slice separator, Arena *arena, Error *err)
{
    static const char mark = TABLE_LIST_MARK;
    const size_t begin = side->n;
    const Slice list = {&mark, 1};
    if (slice_starts_with(text, list)) {
        text = slice_sub(text, 1, text.len);
        separator = list;
    }
    for (;;) {
        const size_t at = slice_find(text, separator);
        TRY(add_label(side, begin, slice_sub(text, 0, at), arena, err));
        if (at == SIZE_MAX) return STATUS_OK;
        text = slice_sub(text, at + separator.len, text.len);
    }
}

static Status split_side(const Table *t, const Slice *texts, Slice separator, Arena *arena,
                         Side *side, Error *err)
{
    *side = (Side){0};
    TRY(arena_take(arena, t->n + 1, sizeof *side->starts, "labels", &side->starts, err));
    for (size_t i = 0; texts != NULL && i < t->n; i++) {
        if (texts[i].ptr != NULL) TRY(split_labels(side, texts[i], separator, arena, err));
        side->starts[i + 1] = side->n;
    }
    return STATUS_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return slice_cmp(*(const Slice *)a, *(const Slice *)b);
}

// Numbers labels of both sides, and those that probabilities are named by: columns [n_scores] are theirs.
static Status number_labels(Table *t, const Side *held, const Side *given, int32_t **columns,
                            Arena *arena, Error *err)
{
    const size_t n_names = t->score_names != NULL ? t->n_scores : 0;
    const size_t n = held->n + given->n + n_names;
    Slice *all = NULL;
    int32_t *index = NULL;
    TRY(arena_take(arena, n, sizeof *all, "labels", &all, err));
    TRY(arena_take(arena, n, sizeof *index, "labels", &index, err));
    if (held->n > 0) memcpy(all, held->labels, held->n * sizeof *all);
    if (given->n > 0) memcpy(all + held->n, given->labels, given->n * sizeof *all);
    if (n_names > 0) memcpy(all + held->n + given->n, t->score_names, n_names * sizeof *all);
    TRY(distinct_index(all, n, by_bytes, arena, index, &t->labels, &t->n_labels, err));
    t->held = (TableSets){index, held->starts};
    t->given = (TableSets){index + held->n, given->starts};
    *columns = n_names > 0 ? index + held->n + given->n : NULL;
    return STATUS_OK;
}

static Status check_columns(const Table *t, const int32_t *columns, Error *err)
{
    if (columns == NULL) {
        if (t->n_scores == t->n_labels) return STATUS_OK;
        return error_set(err, STATUS_INVALID,
                         "%s: %zu probabilities for %zu labels: name them by a header, or give one "
                         "for each label",
                         t->path, t->n_scores, t->n_labels);
    }
    for (size_t c = 0; c < t->n_labels; c++) {
        size_t s = 0;
        while (s < t->n_scores && columns[s] != (int32_t)c) s++;
        if (s == t->n_scores)
            return error_set(err, STATUS_INVALID,
                             "%s: there are probabilities, but none of label \"" SLICE_FMT "\"",
                             t->path, SLICE_ARG(slice_sub(t->labels[c], 0, 60)));
    }
    return STATUS_OK;
}

static Status fill_probabilities(Table *t, const int32_t *columns, Arena *arena, Error *err)
{
    size_t cells;
    TRY(check_columns(t, columns, err));
    if (!size_mul(t->n, t->n_labels, &cells))
        return error_set_memory(err, t->n, t->n_labels, "probabilities");
    TRY(arena_take(arena, cells, sizeof(double), "probabilities", &t->probabilities, err));
    for (size_t i = 0; i < t->n; i++) {
        for (size_t s = 0; s < t->n_scores; s++) {
            const double p = t->scores[i * t->n_scores + s];
            if (!(p >= 0 && p <= 1))
                return error_set(err, STATUS_INVALID,
                                 "%s: probability %g of item %zu lies outside [0, 1]", t->path, p,
                                 i + 1);
            t->probabilities[i * t->n_labels + (columns ? (size_t)columns[s] : s)] = p;
        }
    }
    return STATUS_OK;
}

static Status give_likely(Table *t, double threshold, Arena *arena, Error *err)
{
    size_t n = 0;
    for (size_t k = 0; k < t->n * t->n_labels; k++) n += t->probabilities[k] >= threshold;
    TRY(arena_take(arena, n, sizeof *t->given.labels, "labels", &t->given.labels, err));
    n = 0;
    for (size_t i = 0; i < t->n; i++) {
        for (size_t c = 0; c < t->n_labels; c++) {
            if (t->probabilities[i * t->n_labels + c] >= threshold)
                t->given.labels[n++] = (int32_t)c;
        }
        t->given.starts[i + 1] = n;
    }
    return STATUS_OK;
}

Status table_find_label_sets(Table *t, Slice separator, double threshold, Arena *arena, Error *err)
{
    Side held, given;
    int32_t *columns = NULL;
    if (separator.len == 0)
        return error_set(err, STATUS_INVALID, "--sep: what stands between labels is not empty");
    if (t->predicted_texts == NULL && t->scores == NULL)
        return error_set(err, STATUS_INVALID,
                         "%s: there are neither predictions nor probabilities: want a column "
                         "\"prediction\", or one of probabilities for each label",
                         t->path);
    for (size_t i = 0; i < t->n; i++) {
        if (t->label_texts[i].ptr == NULL)
            return error_set(err, STATUS_INVALID,
                             "%s: item %zu has null for labels: where none holds, write []",
                             t->path, i + 1);
    }
    TRY(split_side(t, t->label_texts, separator, arena, &held, err));
    TRY(split_side(t, t->predicted_texts, separator, arena, &given, err));
    TRY(number_labels(t, &held, &given, &columns, arena, err));
    if (t->n_labels == 0) return error_set(err, STATUS_INVALID, "%s: no item has a label", t->path);
    if (t->scores != NULL) TRY(fill_probabilities(t, columns, arena, err));
    return t->predicted_texts == NULL ? give_likely(t, threshold, arena, err) : STATUS_OK;
}
