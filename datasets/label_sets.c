#include "datasets/label_sets.h"

#include <math.h>
#include <strings.h>

Status label_set_add(const ReadInput *input, LabelSet *set, Slice label, Error *err)
{
    label = slice_trim(label);
    if (label.len == 0) return STATUS_OK;
    TRY(arena_make_room(input->arena, set->n, &set->capacity, sizeof *set->labels, "labels",
                        &set->labels, err));
    set->labels[set->n++] = label;
    return STATUS_OK;
}

Status label_set_split(const ReadInput *input, LabelSet *set, Slice field, Error *err)
{
    const Slice given = input->options->label_separator;
    const Slice separator = given.len > 0 ? given : SLICE(",");
    for (;;) {
        const size_t at = slice_find(field, separator);
        TRY(label_set_add(input, set, slice_sub(field, 0, at), err));
        if (at == SIZE_MAX) return STATUS_OK;
        field = slice_sub(field, at + separator.len, field.len);
    }
}

static bool is_word(Slice text, const char *word)
{
    const Slice wanted = slice_from_cstr(word);
    return text.len == wanted.len && strncasecmp(text.ptr, word, text.len) == 0;
}

Status label_set_mark(const ReadInput *input, size_t line, LabelSet *set, Slice label, Slice mark,
                      Error *err)
{
    double number = NAN;
    mark = slice_trim(mark);
    if (is_word(mark, "true")) number = 1;
    if (is_word(mark, "false")) number = 0;
    if (isnan(number) && !slice_to_double(mark, &number)) number = NAN;
    if (number == 0) return STATUS_OK;
    if (number == 1) return label_set_add(input, set, label, err);
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ":%zu: the column of the label \"" SLICE_FMT "\" has \"" SLICE_FMT
                               "\", want 0 or 1 (or true or false)",
                     SLICE_ARG(input->path), line, SLICE_ARG(slice_sub(label, 0, 80)),
                     SLICE_ARG(slice_sub(mark, 0, 80)));
}

Status label_set_finish(const ReadInput *input, const Sample *sample, const LabelSet *set,
                        Error *err)
{
    return dataset_builder_add_held(input->builder, sample, set->labels, set->n, err);
}

static Status add_value(const ReadInput *input, const Sample *sample, Slice field, Error *err)
{
    Sample added = *sample;
    added.value_text = field;
    if (field.len > 0 && (!slice_to_double(field, &added.value) || !isfinite(added.value)))
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: found \"" SLICE_FMT
                                   "\" in the label's place, want a number",
                         SLICE_ARG(input->path), sample->line, SLICE_ARG(slice_sub(field, 0, 80)));
    return dataset_builder_add(input->builder, &added, NULL, err);
}

Status labelled_add(const ReadInput *input, const Sample *sample, Slice field, Error *err)
{
    LabelSet set = {0};
    field = slice_trim(field);
    if (input->options->wants_value) return add_value(input, sample, field, err);
    if (!input->options->wants_label_set)
        return dataset_builder_add(input->builder, sample, field.len > 0 ? &field : NULL, err);
    TRY(label_set_split(input, &set, field, err));
    return label_set_finish(input, sample, &set, err);
}

bool labels_may_be_empty(const ReadOptions *options)
{
    return options->label_optional || options->wants_label_set;
}
