#include "datasets/dataset.h"

#include "base/name_list.h"
#include "base/sha256.h"
#include "datasets/text_index.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_HEX_DIGITS = 16 };

struct DatasetBuilder {
    Arena scratch;
    Dataset *dataset;
    Slice path;
    bool labels_given, adds_labels;
    TextIndex labels;
    TextIndex ids;
    TextIndex inputs;     // hashes of inputs without an id of their own
    size_t *input_counts; // how often each was met; grown with samples
    Sample *samples;
    size_t n_samples, capacity;
};

void dataset_release(Dataset *dataset)
{
    Arena arena = dataset->arena;
    arena_release(&arena);
    *dataset = (Dataset){0};
}

const SampleAttribute *sample_attribute(const Sample *sample, Slice name)
{
    for (size_t i = 0; i < sample->n_attributes; i++) {
        if (slice_eq(sample->attributes[i].name, name)) return &sample->attributes[i];
    }
    return NULL;
}

static void hash_count(Sha256 *hash, size_t n)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)((uint64_t)n >> (8 * i));
    sha256_update(hash, (Slice){(const char *)bytes, sizeof bytes});
}

static void hash_list(Sha256 *hash, const Slice *texts, size_t n)
{
    hash_count(hash, n);
    for (size_t i = 0; i < n; i++) sha256_update_field(hash, texts[i]);
}

void sample_input_hash(const Sample *sample, char hex[65])
{
    Sha256 hash;
    unsigned char digest[32];
    sha256_init(&hash);
    sha256_update_field(&hash, sample->text);
    sha256_update_field(&hash, sample->pair);
    sha256_update_field(&hash, sample->context);
    hash_list(&hash, sample->tokens, sample->n_tokens);
    hash_list(&hash, sample->choices, sample->n_choices);
    sha256_finish(&hash, digest);
    sha256_hex(digest, hex);
}

int32_t label_find(const Slice *labels, size_t n_labels, Slice label)
{
    for (size_t i = 0; i < n_labels; i++) {
        if (slice_eq(labels[i], label)) return (int32_t)i;
    }
    return SAMPLE_NO_LABEL;
}

Status dataset_add_note(Dataset *dataset, Slice item, size_t n, Error *err, const char *format, ...)
{
    char text[1024];
    DatasetNote *notes = NULL;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const Slice copy = arena_copy(&dataset->arena, slice_from_cstr(text));
    if (!copy.ptr) return error_set_memory(err, strlen(text), 1, "a note");
    TRY(arena_take(&dataset->arena, dataset->n_notes + 1, sizeof *notes, "notes", &notes, err));
    for (size_t i = 0; i < dataset->n_notes; i++) notes[i] = dataset->notes[i];
    notes[dataset->n_notes++] = (DatasetNote){item, n, copy};
    dataset->notes = notes;
    return STATUS_OK;
}

static Status add_given_labels(DatasetBuilder *b, const Slice *labels, size_t n_labels, Error *err)
{
    for (size_t i = 0; i < n_labels; i++) {
        size_t index;
        const Slice copy = arena_copy(&b->dataset->arena, labels[i]);
        if (!copy.ptr) return error_set_memory(err, labels[i].len, 1, "a label");
        TRY(text_index_add(&b->labels, copy, &index, err));
        if (index != i) {
            return error_set(err, STATUS_INVALID, "the label \"" SLICE_FMT "\" is given twice",
                             SLICE_ARG(copy));
        }
    }
    return STATUS_OK;
}

Status dataset_builder_open(Dataset *dataset, Slice path, const Slice *labels, size_t n_labels,
                            bool adds_labels, DatasetBuilder **out, Error *err)
{
    *out = NULL;
    Arena scratch = {0};
    DatasetBuilder *b = arena_alloc(&scratch, 1, sizeof *b);
    if (!b) {
        arena_release(&scratch);
        return error_set_memory(err, 1, sizeof *b, "a data set");
    }
    *b = (DatasetBuilder){.scratch = scratch,
                          .dataset = dataset,
                          .labels_given = n_labels > 0,
                          .adds_labels = adds_labels};
    b->labels.arena = b->ids.arena = b->inputs.arena = &b->scratch;
    Status s = add_given_labels(b, labels, n_labels, err);
    b->path = arena_copy(&dataset->arena, path);
    if (s == STATUS_OK && !b->path.ptr) s = error_set_memory(err, path.len, 1, "a path");
    if (s != STATUS_OK) {
        dataset_builder_close(&b);
        return s;
    }
    *out = b;
    return STATUS_OK;
}

void dataset_builder_close(DatasetBuilder **builder)
{
    if (!*builder) return;
    Arena scratch = (*builder)->scratch; // the builder itself lies in it
    arena_release(&scratch);
    *builder = NULL;
}

static Status reserve(DatasetBuilder *b, Error *err)
{
    if (b->n_samples < b->capacity) return STATUS_OK;
    const size_t capacity = b->capacity ? b->capacity * 2 : 64;
    TRY(arena_grow(&b->scratch, b->n_samples, capacity, sizeof *b->samples, "samples", &b->samples,
                   err));
    TRY(arena_grow(&b->scratch, b->n_samples, capacity, sizeof *b->input_counts, "samples",
                   &b->input_counts, err));
    b->capacity = capacity;
    return STATUS_OK;
}

static Status find_label(DatasetBuilder *b, size_t line, Slice label, int32_t *out, Error *err)
{
    size_t index = text_index_find(&b->labels, label);
    if (index == SIZE_MAX && b->labels_given && !b->adds_labels) {
        NameList known = {.most = 12};
        for (size_t i = 0; i < b->labels.n; i++) name_list_quote(&known, b->labels.keys[i]);
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: the label \"" SLICE_FMT "\" is not among the %zu known "
                                   "ones (%s): correct it, or add it to the training data or to "
                                   "the list of labels, where one is given",
                         SLICE_ARG(b->path), line, SLICE_ARG(slice_sub(label, 0, 80)), b->labels.n,
                         known.text);
    }
    TRY(text_index_add(&b->labels, label, &index, err));
    if (index >= INT32_MAX) {
        return error_set(err, STATUS_INVALID, SLICE_FMT ": more than 2^31 labels",
                         SLICE_ARG(b->path));
    }
    *out = (int32_t)index;
    return STATUS_OK;
}

static Status take_given_id(DatasetBuilder *b, const Sample *sample, Error *err)
{
    size_t index;
    TRY(text_index_add(&b->ids, sample->id, &index, err));
    if (index == b->n_samples) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ":%zu: the id \"" SLICE_FMT
                               "\" stands already in line %zu: make ids "
                               "unique, or name '' as the column of ids to take the inputs' hashes",
                     SLICE_ARG(b->path), sample->line, SLICE_ARG(slice_sub(sample->id, 0, 80)),
                     b->samples[index].line);
}

static Status make_id(DatasetBuilder *b, Sample *sample, Error *err)
{
    char hex[65];
    sample_input_hash(sample, hex);
    const Slice input = arena_copy(&b->dataset->arena, (Slice){hex, ID_HEX_DIGITS});
    if (!input.ptr) return error_set_memory(err, ID_HEX_DIGITS, 1, "an id");
    size_t which, index;
    TRY(text_index_add(&b->inputs, input, &which, err));
    do { // further turns only where an id given in the data looks like ours
        const size_t count = ++b->input_counts[which];
        sample->id = input;
        if (count > 1) {
            const char *numbered =
                arena_printf(&b->dataset->arena, SLICE_FMT "#%zu", SLICE_ARG(input), count);
            if (!numbered) return error_set_memory(err, ID_HEX_DIGITS, 2, "an id");
            sample->id = slice_from_cstr(numbered);
        }
        TRY(text_index_add(&b->ids, sample->id, &index, err));
    } while (index != b->n_samples);
    return STATUS_OK;
}

Status dataset_builder_add(DatasetBuilder *builder, const Sample *sample, const Slice *label,
                           Error *err)
{
    TRY(reserve(builder, err));
    Sample added = *sample;
    added.label = SAMPLE_NO_LABEL;
    if (label) TRY(find_label(builder, sample->line, *label, &added.label, err));
    if (sample->id.len) {
        TRY(take_given_id(builder, sample, err));
    } else {
        TRY(make_id(builder, &added, err));
    }
    builder->samples[builder->n_samples++] = added;
    return STATUS_OK;
}

Status dataset_builder_add_held(DatasetBuilder *builder, const Sample *sample, const Slice *labels,
                                size_t n_labels, Error *err)
{
    Sample added = *sample;
    int32_t *held = NULL;
    added.n_held = 0;
    TRY(arena_take(&builder->scratch, n_labels, sizeof *held, "labels", &held, err));
    for (size_t i = 0; i < n_labels; i++) {
        bool is_new = true;
        TRY(find_label(builder, sample->line, labels[i], &held[added.n_held], err));
        for (size_t k = 0; k < added.n_held; k++) is_new = is_new && held[k] != held[added.n_held];
        added.n_held += is_new;
    }
    added.held = held;
    return dataset_builder_add(builder, &added, NULL, err);
}

typedef struct LabelRow {
    Slice name;
    int64_t value;
    size_t index; // before sorting
} LabelRow;

static int compare_bytes(const void *left, const void *right)
{
    return slice_cmp(((const LabelRow *)left)->name, ((const LabelRow *)right)->name);
}

static int compare_values(const void *left, const void *right)
{
    const LabelRow *a = left, *b = right;
    if (a->value != b->value) return a->value < b->value ? -1 : 1;
    return slice_cmp(a->name, b->name); // "1" and "01"
}

static int compare_numbers(const void *left, const void *right)
{
    const int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;
    return a < b ? -1 : a > b;
}

static Status renumber_held(DatasetBuilder *b, const int32_t *renumbered, Error *err)
{
    for (size_t i = 0; i < b->n_samples; i++) {
        Sample *sample = &b->samples[i];
        int32_t *held = NULL;
        if (sample->n_held == 0) continue;
        TRY(arena_take(&b->dataset->arena, sample->n_held, sizeof *held, "labels", &held, err));
        for (size_t k = 0; k < sample->n_held; k++) held[k] = renumbered[sample->held[k]];
        qsort(held, sample->n_held, sizeof *held, compare_numbers);
        sample->held = held;
    }
    return STATUS_OK;
}

static Status sort_labels(DatasetBuilder *b, Error *err)
{
    Dataset *dataset = b->dataset;
    const size_t n = b->labels.n;
    LabelRow *rows = NULL;
    int32_t *renumbered = NULL;
    TRY(arena_take(&b->scratch, n, sizeof *rows, "labels", &rows, err));
    TRY(arena_take(&b->scratch, n, sizeof *renumbered, "labels", &renumbered, err));
    TRY(arena_take(&dataset->arena, n, sizeof *dataset->labels, "labels", &dataset->labels, err));
    bool are_integers = true;
    for (size_t i = 0; i < n; i++) {
        rows[i] = (LabelRow){.name = b->labels.keys[i], .index = i};
        are_integers = are_integers && slice_to_i64(rows[i].name, &rows[i].value);
    }
    if (!b->labels_given && n) {
        qsort(rows, n, sizeof *rows, are_integers ? compare_values : compare_bytes);
    }
    for (size_t i = 0; i < n; i++) {
        dataset->labels[i] = rows[i].name;
        renumbered[rows[i].index] = (int32_t)i;
    }
    dataset->n_labels = n;
    for (size_t i = 0; i < b->n_samples; i++) {
        int32_t *label = &b->samples[i].label;
        if (*label != SAMPLE_NO_LABEL) *label = renumbered[*label];
    }
    return renumber_held(b, renumbered, err);
}

Status dataset_builder_finish(DatasetBuilder *builder, Error *err)
{
    Dataset *dataset = builder->dataset;
    if (builder->n_samples == 0) {
        return error_set(err, STATUS_INVALID, SLICE_FMT ": there is no sample in it",
                         SLICE_ARG(builder->path));
    }
    TRY(sort_labels(builder, err));
    TRY(arena_take(&dataset->arena, builder->n_samples, sizeof *dataset->samples, "samples",
                   &dataset->samples, err));
    memcpy(dataset->samples, builder->samples, builder->n_samples * sizeof *dataset->samples);
    dataset->n_samples = builder->n_samples;
    dataset->path = builder->path;
    return STATUS_OK;
}
