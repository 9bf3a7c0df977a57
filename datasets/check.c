#include "datasets/check.h"

#include "base/unicode.h"
#include "datasets/check_internal.h"
#include "datasets/near.h"
#include "datasets/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Which inputs a part holds, by their number over all parts.
typedef struct PartInputs {
    size_t *input_of; // [n_samples]
    size_t *first;    // [n_inputs], the first sample with the input, SIZE_MAX = none
} PartInputs;

static Slice label_name(const Dataset *data, const Sample *sample)
{
    return sample->label == SAMPLE_NO_LABEL ? (Slice){0} : data->labels[sample->label];
}

// Numbers the inputs of all parts together.
static Status number_inputs(Arena *scratch, const CheckPart *parts, size_t n_parts,
                            PartInputs *inputs, size_t *n_inputs, Error *err)
{
    size_t n = 0, at = 0, *input_of = NULL;
    const Sample **samples = NULL;
    for (size_t p = 0; p < n_parts; p++) n += parts[p].data->n_samples;
    TRY(arena_take(scratch, n, sizeof *samples, "the check of the data", &samples, err));
    TRY(arena_take(scratch, n, sizeof *input_of, "the check of the data", &input_of, err));
    for (size_t p = 0; p < n_parts; p++) {
        inputs[p].input_of = input_of + at;
        for (size_t i = 0; i < parts[p].data->n_samples; i++) {
            samples[at++] = &parts[p].data->samples[i];
        }
    }
    TRY(units_inputs(scratch, samples, n, input_of, n_inputs, err));
    for (size_t p = 0; p < n_parts; p++) {
        size_t *first = NULL;
        TRY(arena_take(scratch, *n_inputs, sizeof *first, "the check of the data", &first, err));
        for (size_t i = 0; i < *n_inputs; i++) first[i] = SIZE_MAX;
        for (size_t i = parts[p].data->n_samples; i-- > 0;) first[inputs[p].input_of[i]] = i;
        inputs[p].first = first;
    }
    return STATUS_OK;
}

static bool is_empty(const Sample *sample)
{
    return slice_trim(sample->text).len == 0 && slice_trim(sample->pair).len == 0 &&
           slice_trim(sample->context).len == 0 && sample->n_tokens == 0;
}

static Status count_classes(Arena *arena, const Dataset *data, const CheckOptions *options,
                            PartCheck *out, Error *err)
{
    out->n_labels = data->n_labels;
    TRY(arena_take(arena, data->n_labels, sizeof *out->class_counts, "the check of the data",
                   &out->class_counts, err));
    for (size_t i = 0; i < data->n_samples; i++) {
        const Sample *sample = &data->samples[i];
        const int32_t label = sample->label;
        for (size_t k = 0; k < sample->n_held; k++) out->class_counts[sample->held[k]]++;
        if (label == SAMPLE_NO_LABEL) {
            out->n_unlabelled += !options->without_labels;
        } else {
            out->class_counts[label]++;
        }
        out->n_empty += is_empty(&data->samples[i]);
    }
    size_t smallest = SIZE_MAX, largest = 0;
    for (size_t c = 0; c < data->n_labels; c++) {
        const size_t count = out->class_counts[c];
        if (count == 0) continue;
        out->n_classes_present++;
        smallest = count < smallest ? count : smallest;
        largest = count > largest ? count : largest;
    }
    const bool has_classes =
        largest > 0 && !options->without_labels; // labels that hold together vie not
    out->imbalance = has_classes ? (double)largest / (double)smallest : NAN;
    return STATUS_OK;
}

static Status count_duplicates(Arena *scratch, const Dataset *data, const PartInputs *inputs,
                               size_t n_inputs, PartCheck *out, Error *err)
{
    bool *is_conflict = NULL;
    TRY(arena_take(scratch, n_inputs, sizeof *is_conflict, "the check of the data", &is_conflict,
                   err));
    for (size_t i = 0; i < data->n_samples; i++) {
        const size_t input = inputs->input_of[i], first = inputs->first[input];
        if (first == i) continue;
        out->n_duplicates++;
        const int32_t label = data->samples[i].label, other = data->samples[first].label;
        const bool differ = label != other && label != SAMPLE_NO_LABEL && other != SAMPLE_NO_LABEL;
        if (!differ || is_conflict[input]) continue;
        is_conflict[input] = true;
        if (out->n_conflicts++ == 0) out->first_conflict_line = data->samples[i].line;
    }
    return STATUS_OK;
}

static int compare_sizes(const void *left, const void *right)
{
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    return a < b ? -1 : a > b;
}

static Status measure_lengths(Arena *scratch, const Dataset *data, const CheckOptions *options,
                              PartCheck *out, Error *err)
{
    static const double quantiles[CHECK_QUANTILES] = {0, 0.05, 0.25, 0.5, 0.75, 0.95, 1};
    const size_t n = data->n_samples;
    size_t *lengths = NULL;
    double sum = 0;
    TRY(arena_take(scratch, n, sizeof *lengths, "the check of the data", &lengths, err));
    for (size_t i = 0; i < n; i++) {
        const Sample *sample = &data->samples[i];
        if (options->count_tokens) {
            TRY(options->count_tokens(options->context, sample, &lengths[i], err));
        } else {
            lengths[i] = utf8_count(sample->text) + utf8_count(sample->pair);
        }
        sum += (double)lengths[i];
        out->n_truncated += options->max_tokens && lengths[i] > options->max_tokens;
    }
    if (n == 0) return STATUS_OK;
    qsort(lengths, n, sizeof *lengths, compare_sizes);
    out->mean_length = sum / (double)n;
    for (size_t q = 0; q < CHECK_QUANTILES; q++) {
        const double rank = ceil(quantiles[q] * (double)n);
        out->length[q] = lengths[rank < 1 ? 0 : (size_t)rank - 1];
    }
    return STATUS_OK;
}

static void compare_parts(const CheckPart *parts, const PartInputs *inputs, PartOverlap *overlap)
{
    const Dataset *a = parts[overlap->a].data, *b = parts[overlap->b].data;
    for (size_t i = 0; i < b->n_samples; i++) {
        const size_t in_a = inputs[overlap->a].first[inputs[overlap->b].input_of[i]];
        if (in_a == SIZE_MAX) continue;
        if (overlap->n_shared++ == 0) overlap->first_line = b->samples[i].line;
        const Slice ours = label_name(b, &b->samples[i]), theirs = label_name(a, &a->samples[in_a]);
        overlap->n_conflicts += ours.ptr && theirs.ptr && !slice_eq(ours, theirs);
    }
}

static Status find_near(Arena *scratch, const CheckPart *parts, const CheckOptions *options,
                        DataCheck *out, Error *err)
{
    const size_t n = out->n_parts;
    TRY(arena_take(&out->arena, n * n, sizeof *out->near, "near duplicates", &out->near, err));
    const NearKept *kept = n == 1 ? parts[0].data->near_kept : NULL;
    if (kept && kept->n_samples == parts[0].data->n_samples &&
        kept->threshold == options->near_threshold) {
        out->near[0] = kept->found;
    } else {
        TRY(near_find(scratch, parts, n, options->near_threshold, out->near, NULL, err));
    }
    for (size_t p = 0; p < n; p++) out->parts[p].n_near = out->near[p * n + p].n;
    for (size_t i = 0; i < out->n_overlaps; i++)
        out->overlaps[i].n_near = out->near[out->overlaps[i].a * n + out->overlaps[i].b].n;
    return STATUS_OK;
}

static Status check_all(Arena *scratch, const CheckPart *parts, size_t n_parts,
                        const CheckOptions *options, DataCheck *out, Error *err)
{
    PartInputs *inputs = NULL;
    size_t n_inputs = 0;
    TRY(arena_take(scratch, n_parts, sizeof *inputs, "the check of the data", &inputs, err));
    TRY(arena_take(&out->arena, n_parts, sizeof *out->parts, "the check of the data", &out->parts,
                   err));
    TRY(number_inputs(scratch, parts, n_parts, inputs, &n_inputs, err));
    for (size_t p = 0; p < n_parts; p++) {
        PartCheck *part = &out->parts[out->n_parts++];
        part->name = parts[p].name;
        part->n_samples = parts[p].data->n_samples;
        TRY(count_classes(&out->arena, parts[p].data, options, part, err));
        TRY(count_duplicates(scratch, parts[p].data, &inputs[p], n_inputs, part, err));
        TRY(measure_lengths(scratch, parts[p].data, options, part, err));
    }
    const size_t n_pairs = n_parts ? n_parts * (n_parts - 1) / 2 : 0;
    TRY(arena_take(&out->arena, n_pairs, sizeof *out->overlaps, "the check of the data",
                   &out->overlaps, err));
    for (size_t a = 0; a < n_parts; a++) {
        for (size_t b = a + 1; b < n_parts; b++) {
            PartOverlap *overlap = &out->overlaps[out->n_overlaps++];
            *overlap = (PartOverlap){.a = a, .b = b};
            compare_parts(parts, inputs, overlap);
        }
    }
    if (options->near_threshold > 0) TRY(find_near(scratch, parts, options, out, err));
    return check_warn(parts, options, out, err);
}

Status data_check(const CheckPart *parts, size_t n_parts, const CheckOptions *options,
                  DataCheck *out, Error *err)
{
    Arena scratch = {0};
    *out = (DataCheck){.counts_tokens = options->count_tokens != NULL,
                       .max_tokens = options->max_tokens};
    const Status s = check_all(&scratch, parts, n_parts, options, out, err);
    arena_release(&scratch);
    if (s != STATUS_OK) data_check_release(out);
    return s;
}

void data_check_release(DataCheck *check)
{
    Arena arena = check->arena;
    arena_release(&arena);
    *check = (DataCheck){0};
}
