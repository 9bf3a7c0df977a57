// Texts of a table as classes or numbers.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "tools/score/table.h"

typedef struct Class {
    Slice text;
    double number;
    bool is_number;
    uint32_t first; // in the order seen
} Class;

typedef struct Classes {
    Class *seen;
    size_t n, capacity;
    uint32_t *slots; // open addressing: index + 1
    size_t n_slots;  // a power of two
} Classes;

// FNV-1a (Fowler, Noll & Vo).
static size_t hash_text(Slice text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * 0x100000001b3u;
    return (size_t)(hash ^ hash >> 32);
}

static void add_slot(Classes *classes, uint32_t index)
{
    size_t at = hash_text(classes->seen[index].text) & (classes->n_slots - 1);
    while (classes->slots[at] != 0) at = (at + 1) & (classes->n_slots - 1);
    classes->slots[at] = index + 1;
}

static Status grow(Classes *classes, Arena *arena, Error *err)
{
    Class *seen;
    const size_t capacity = size_max(64, 2 * classes->capacity);
    TRY(arena_take(arena, capacity, sizeof *seen, "labels", &seen, err));
    if (classes->n > 0) memcpy(seen, classes->seen, classes->n * sizeof *seen);
    classes->seen = seen;
    classes->capacity = capacity;
    classes->n_slots = 4 * capacity;
    TRY(arena_take(arena, classes->n_slots, sizeof *classes->slots, "labels", &classes->slots,
                   err));
    for (uint32_t i = 0; i < classes->n; i++) add_slot(classes, i);
    return STATUS_OK;
}

static Status index_of(Classes *classes, Slice text, Arena *arena, int32_t *out, Error *err)
{
    if (classes->n == classes->capacity) TRY(grow(classes, arena, err));
    size_t at = hash_text(text) & (classes->n_slots - 1);
    for (; classes->slots[at] != 0; at = (at + 1) & (classes->n_slots - 1)) {
        if (!slice_eq(classes->seen[classes->slots[at] - 1].text, text)) continue;
        *out = (int32_t)(classes->slots[at] - 1);
        return STATUS_OK;
    }
    enum { MAX_CLASSES = 1 << 20 };
    if (classes->n == MAX_CLASSES)
        return error_set(err, STATUS_INVALID, "more than %d different labels", (int)MAX_CLASSES);
    Class *class = &classes->seen[classes->n];
    *class = (Class){.text = text, .first = (uint32_t)classes->n};
    class->is_number = slice_to_double(text, &class->number);
    classes->slots[at] = (uint32_t)classes->n + 1;
    *out = (int32_t)classes->n++;
    return STATUS_OK;
}

static int compare_classes(const void *a, const void *b)
{
    const Class *x = a, *y = b;
    if (x->is_number != y->is_number) return x->is_number ? -1 : 1;
    if (x->is_number && x->number != y->number) return x->number < y->number ? -1 : 1;
    return slice_cmp(x->text, y->text);
}

static Status index_texts(Table *t, Classes *classes, Arena *arena, Error *err)
{
    TRY(arena_take(arena, t->n, sizeof *t->label, "classes", &t->label, err));
    TRY(arena_take(arena, t->n, sizeof *t->predicted, "classes", &t->predicted, err));
    for (size_t i = 0; i < t->n; i++) {
        if (t->label_texts[i].ptr == NULL)
            return error_set(err, STATUS_INVALID, "%s: item %zu has no label", t->path, i + 1);
        TRY(index_of(classes, t->label_texts[i], arena, &t->label[i], err));
        t->predicted[i] = ITEM_NO_LABEL;
        if (t->predicted_texts != NULL && t->predicted_texts[i].ptr != NULL)
            TRY(index_of(classes, t->predicted_texts[i], arena, &t->predicted[i], err));
    }
    for (size_t s = 0; t->score_names != NULL && s < t->n_scores; s++) {
        int32_t ignored;
        TRY(index_of(classes, t->score_names[s], arena, &ignored, err));
    }
    return STATUS_OK;
}

// Classes in the order of sorted labels, in place of the order seen.
static Status sort_classes(Table *t, Classes *classes, Arena *arena, Error *err)
{
    int32_t *moved;
    TRY(arena_take(arena, classes->n, sizeof *moved, "labels", &moved, err));
    TRY(arena_take(arena, classes->n, sizeof *t->labels, "labels", &t->labels, err));
    if (classes->n > 1) qsort(classes->seen, classes->n, sizeof *classes->seen, compare_classes);
    t->n_labels = classes->n;
    for (size_t c = 0; c < classes->n; c++) {
        moved[classes->seen[c].first] = (int32_t)c;
        t->labels[c] = classes->seen[c].text;
    }
    for (size_t i = 0; i < t->n; i++) {
        t->label[i] = moved[t->label[i]];
        if (t->predicted[i] != ITEM_NO_LABEL) t->predicted[i] = moved[t->predicted[i]];
    }
    return STATUS_OK;
}

// Which class each column of scores is of.
static Status map_scores(const Table *t, size_t *class_of, Error *err)
{
    for (size_t s = 0; s < t->n_scores; s++) {
        class_of[s] = s;
        for (size_t c = 0; t->score_names != NULL && c < t->n_labels; c++) {
            if (slice_eq(t->labels[c], t->score_names[s])) class_of[s] = c;
        }
    }
    if (t->n_scores == t->n_labels) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "%s: %zu probabilities for %zu labels: give one for each label%s", t->path,
                     t->n_scores, t->n_labels,
                     t->n_scores == 1 ? ", or one score where there are two" : "");
}

static Status fill_probabilities(Table *t, Arena *arena, Error *err)
{
    size_t *class_of, cells;
    const bool is_single = t->n_scores == 1 && t->n_labels == 2;
    TRY(arena_take(arena, t->n_scores, sizeof *class_of, "labels", &class_of, err));
    if (!is_single) TRY(map_scores(t, class_of, err));
    if (!size_mul(t->n, t->n_labels, &cells))
        return error_set_memory(err, t->n, t->n_labels, "probabilities");
    TRY(arena_take(arena, cells, sizeof(double), "probabilities", &t->probabilities, err));
    for (size_t i = 0; i < t->n; i++) {
        double *to = t->probabilities + i * t->n_labels;
        const double *from = t->scores + i * t->n_scores;
        for (size_t s = 0; s < t->n_scores; s++) {
            if (!(from[s] >= 0 && from[s] <= 1))
                return error_set(err, STATUS_INVALID,
                                 "%s: probability %g of item %zu lies outside [0, 1]", t->path,
                                 from[s], i + 1);
            to[is_single ? 1 : class_of[s]] = from[s];
        }
        if (is_single) to[0] = 1 - from[0];
        size_t best = 0;
        for (size_t c = 1; c < t->n_labels; c++) best = to[c] > to[best] ? c : best;
        if (t->predicted_texts == NULL) t->predicted[i] = (int32_t)best;
    }
    return STATUS_OK;
}

Status table_find_classes(Table *table, Arena *arena, Error *err)
{
    Classes classes = {0};
    TRY(index_texts(table, &classes, arena, err));
    TRY(sort_classes(table, &classes, arena, err));
    if (table->scores != NULL) return fill_probabilities(table, arena, err);
    if (table->predicted_texts != NULL) return STATUS_OK;
    return error_set(
        err, STATUS_INVALID,
        "%s: there are neither predictions nor probabilities: want a column \"prediction\", or "
        "one of probabilities for each class",
        table->path);
}

static Status numbers_of(const Table *t, const Slice *texts, const char *what, double *out,
                         Error *err)
{
    for (size_t i = 0; i < t->n; i++) {
        if (texts[i].ptr != NULL && slice_to_double(slice_trim(texts[i]), &out[i])) continue;
        return error_set(err, STATUS_INVALID, "%s: %s of item %zu is no number: \"" SLICE_FMT "\"",
                         t->path, what, i + 1,
                         SLICE_ARG(slice_sub(texts[i], 0, size_min(texts[i].len, 60))));
    }
    return STATUS_OK;
}

Status table_find_numbers(Table *table, Arena *arena, Error *err)
{
    if (table->predicted_texts == NULL)
        return error_set(err, STATUS_INVALID, "%s: there are no predictions", table->path);
    TRY(arena_take(arena, table->n, sizeof(double), "numbers", &table->x, err));
    TRY(arena_take(arena, table->n, sizeof(double), "numbers", &table->y, err));
    TRY(numbers_of(table, table->label_texts, "the reference", table->x, err));
    return numbers_of(table, table->predicted_texts, "the prediction", table->y, err);
}

void table_set_item(const Table *table, size_t i, Item *item)
{
    if (table->label != NULL) {
        item->label = table->label[i];
        item->predicted = table->predicted[i];
        if (table->probabilities != NULL)
            item->probabilities = table->probabilities + i * table->n_labels;
        item->n_classes = table->n_labels;
    }
    if (table->held.starts != NULL) {
        item->held = table->held.labels + table->held.starts[i];
        item->n_held = table->held.starts[i + 1] - table->held.starts[i];
        item->predicted_held = table->given.labels + table->given.starts[i];
        item->n_predicted_held = table->given.starts[i + 1] - table->given.starts[i];
        if (table->probabilities != NULL)
            item->probabilities = table->probabilities + i * table->n_labels;
        item->n_classes = table->n_labels;
    }
    if (table->x != NULL) {
        item->value = table->x[i];
        item->predicted_value = table->y[i];
    }
    if (table->weights != NULL) item->weight = table->weights[i];
}
