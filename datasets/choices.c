#include "datasets/choices.h"

static size_t find_text(const Slice *texts, size_t n, Slice wanted)
{
    for (size_t i = 0; texts && i < n; i++) {
        if (slice_eq(slice_trim(texts[i]), wanted)) return i;
    }
    return SIZE_MAX;
}

static size_t find_gold(const Sample *sample, Slice answer, const Slice *names)
{
    const size_t n = sample->n_choices;
    uint64_t index = 0;
    size_t found = find_text(names, n, answer);
    if (found != SIZE_MAX) return found;
    if (slice_to_u64(answer, &index)) return index < n ? (size_t)index : SIZE_MAX;
    if (answer.len == 1 && answer.ptr[0] >= 'A' && answer.ptr[0] <= 'Z') {
        found = (size_t)(answer.ptr[0] - 'A');
        if (found < n) return found;
    }
    return find_text(sample->choices, n, answer);
}

Status choices_add(const ReadInput *input, Sample *sample, Slice answer, const Slice *names,
                   Error *err)
{
    answer = slice_trim(answer);
    if (sample->n_choices == 0)
        return error_set(err, STATUS_INVALID, SLICE_FMT ":%zu: the question has no choices",
                         SLICE_ARG(input->path), sample->line);
    sample->gold = sample->n_choices == 1 && answer.len == 0 ? 0 : SAMPLE_NO_LABEL;
    if (answer.len > 0) {
        const size_t gold = find_gold(sample, answer, names);
        if (gold == SIZE_MAX) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ":%zu: the answer \"" SLICE_FMT
                                       "\" is none of the %zu choices: want an index from 0, a "
                                       "letter from A, or a choice's text",
                             SLICE_ARG(input->path), sample->line,
                             SLICE_ARG(slice_sub(answer, 0, 80)), sample->n_choices);
        }
        sample->gold = (int32_t)gold;
    }
    return dataset_builder_add(input->builder, sample, NULL, err);
}
