#include "datasets/pairs.h"

#include <string.h>

static bool is_blank(Slice text)
{
    return slice_trim(text).len == 0;
}

static Status refuse(const ReadInput *input, const Sample *sample, Error *err)
{
    const bool options = input->options->speech == SPEECH_OPTIONS;
    return error_set(
        err, STATUS_INVALID,
        SLICE_FMT ":%zu: the %s is empty: fill it in, or say what is done with such pairs: %s",
        SLICE_ARG(input->path), sample->line, is_blank(sample->text) ? "source" : "target",
        options ? "--empty-sides drop (or keep)" : "\"empty_sides\": \"drop\" (or \"keep\")");
}

Status pairs_add(const ReadInput *input, const Sample *sample, Error *err)
{
    Sample added = *sample;
    Slice *targets = NULL;
    bool is_whole = !is_blank(sample->text);
    for (size_t i = 0; i < sample->n_targets; i++)
        is_whole = is_whole && !is_blank(sample->targets[i]);
    switch (is_whole ? EMPTY_SIDES_KEEP : input->options->empty_sides) {
    case EMPTY_SIDES_REFUSE:
        return refuse(input, sample, err);
    case EMPTY_SIDES_DROP:
        (*input->n_dropped)++;
        return STATUS_OK;
    case EMPTY_SIDES_KEEP:
        break;
    }
    TRY(arena_take(input->arena, sample->n_targets, sizeof *targets, "targets", &targets, err));
    memcpy(targets, sample->targets, sample->n_targets * sizeof *targets);
    added.targets = targets;
    return dataset_builder_add(input->builder, &added, NULL, err);
}
