// Several labels at once: a text, or a pair of texts, gets any number of labels, each of which holds or not by itself.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/buffer_keep.h"
#include "harness/family.h"
#include "metrics/metric.h"
#include "results/store.h"

static const Slice no_labels = SLICE_LIT("(none)"); // as outputs and references say it

static Status find_labels(Prepared *prepared, size_t task, Error *err)
{
    const TaskData *data = &prepared->tasks[task];
    const UsedPart *train = &data->parts[PART_TRAIN];
    if (data->n_metric_labels > 0 && (train->n == 0 || data->n_labels > 0)) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ": no sample has a label: is it the right column?",
                     SLICE_ARG(train->n > 0 ? train->data.path : data->parts[PART_TEST].data.path));
}

// ---- answers ----

// The labels that hold, of those marked, as a text; in the arena.
static Status put_text(const Slice *names, const double *marks, size_t n, Arena *arena, Slice *out,
                       Error *err)
{
    Buffer text = {0};
    for (size_t c = 0; c < n; c++) {
        if (marks[c] == 0) continue;
        buffer_append_cstr(&text, text.len > 0 ? ", " : "");
        buffer_append(&text, names[c]);
    }
    TRY(buffer_keep(&text, arena, "labels", out, err));
    if (out->len == 0) *out = no_labels;
    return STATUS_OK;
}

// Room for out->n answers: probabilities, and which labels hold (`values`).
static Status take_answers(const TaskData *data, Arena *arena, Answers *out, Error *err)
{
    out->n_classes = out->n_values = data->n_metric_labels;
    const size_t n = out->n * out->n_classes;
    TRY(arena_take(arena, n, sizeof *out->probabilities, "probabilities", &out->probabilities,
                   err));
    TRY(arena_take(arena, n, sizeof *out->values, "labels", &out->values, err));
    return family_take_texts(out, arena, err);
}

static Status put_texts(const TaskData *data, Arena *arena, Answers *out, Error *err)
{
    for (size_t i = 0; i < out->n; i++)
        TRY(put_text(data->metric_labels, out->values + i * out->n_values, out->n_values, arena,
                     &out->texts[i], err));
    return STATUS_OK;
}

static Status answer(const Asked *asked, Arena *arena, Answers *out, Error *err)
{
    TRY(take_answers(asked->data, arena, out, err)); // labels beyond the head's have 0
    for (size_t i = 0; i < asked->n; i++) {
        double *probabilities = out->probabilities + i * out->n_classes,
               *holds = out->values + i * out->n_values;
        for (size_t k = 0; k < asked->width; k++) {
            const int32_t c = asked->label_of ? asked->label_of[k] : (int32_t)k;
            if (c == SAMPLE_NO_LABEL) continue;
            probabilities[c] = 1 / (1 + exp(-(double)asked->logits[i * asked->width + k]));
            holds[c] = probabilities[c] >= asked->task->threshold;
        }
    }
    return put_texts(asked->data, arena, out, err);
}

// ---- explanations ----

// The score of each label that holds; of the likeliest where none does.
static Status reasons(const Asked *asked, const EncodingWindows *windows, Arena *arena,
                      Reason **out, size_t *n, Error *err)
{
    size_t best = 0;
    (void)windows;
    *n = 0;
    TRY(arena_take(arena, asked->width, sizeof **out, "reasons", out, err));
    for (size_t k = 1; k < asked->width; k++) {
        if (asked->logits[k] > asked->logits[best]) best = k;
    }
    for (size_t k = 0; k < asked->width; k++) {
        const double probability = 1 / (1 + exp(-(double)asked->logits[k]));
        const int32_t label = asked->label_of ? asked->label_of[k] : (int32_t)k;
        if (probability < asked->task->threshold && k != best) continue;
        Reason *reason = &(*out)[(*n)++];
        *reason = (Reason){.n_targets = 1};
        if (label != SAMPLE_NO_LABEL) reason->about = asked->data->labels[label];
        TRY(arena_take(arena, 1, sizeof *reason->targets, "reasons", &reason->targets, err));
        reason->targets[0] = (ExplainTarget){0, k};
    }
    return STATUS_OK;
}

// ---- the baseline ----

static const Sample *sample_at(const UsedPart *part, const size_t *positions, size_t i)
{
    return &part->data.samples[part->which[positions[i]]];
}

static bool same_set(const Sample *a, const Sample *b)
{
    return a->n_held == b->n_held &&
           (a->n_held == 0 || memcmp(a->held, b->held, a->n_held * sizeof *a->held) == 0);
}

typedef struct SetOrder {
    const Sample *sample;
    size_t at;
} SetOrder;

static int by_set(const void *left, const void *right)
{
    const SetOrder *a = left, *b = right;
    for (size_t k = 0; k < a->sample->n_held && k < b->sample->n_held; k++) {
        if (a->sample->held[k] != b->sample->held[k])
            return a->sample->held[k] < b->sample->held[k] ? -1 : 1;
    }
    if (a->sample->n_held != b->sample->n_held)
        return a->sample->n_held < b->sample->n_held ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

// The set that most samples have; of equally frequent ones the first in the order of labels.
static Status most_frequent(const UsedPart *from, const size_t *positions, size_t n, Arena *arena,
                            const Sample **out, Error *err)
{
    SetOrder *order = NULL;
    size_t most = 0;
    TRY(arena_take(arena, n, sizeof *order, "labels", &order, err));
    for (size_t i = 0; i < n; i++) order[i] = (SetOrder){sample_at(from, positions, i), i};
    if (n > 0) qsort(order, n, sizeof *order, by_set);
    for (size_t begin = 0, end; begin < n; begin = end) {
        for (end = begin; end < n && same_set(order[begin].sample, order[end].sample);) end++;
        if (end - begin <= most) continue;
        most = end - begin;
        *out = order[begin].sample;
    }
    return STATUS_OK;
}

// Always the set of labels that is the most frequent; each label's share is its probability.
static Status baseline(const TaskData *data, const UsedPart *from, const size_t *from_positions,
                       size_t n_from, const UsedPart *part, const size_t *positions, Arena *arena,
                       Answers *out, Error *err)
{
    const Sample *usual = NULL;
    double *shares = NULL;
    (void)part, (void)positions;
    TRY(arena_take(arena, data->n_metric_labels, sizeof *shares, "shares", &shares, err));
    TRY(most_frequent(from, from_positions, n_from, arena, &usual, err));
    for (size_t i = 0; i < n_from; i++) {
        const Sample *sample = sample_at(from, from_positions, i);
        for (size_t k = 0; k < sample->n_held; k++) shares[sample->held[k]] += 1.0 / (double)n_from;
    }
    for (size_t c = 0; c < data->n_metric_labels; c++) shares[c] = fmin(shares[c], 1);
    TRY(take_answers(data, arena, out, err));
    for (size_t i = 0; i < out->n; i++) {
        memcpy(out->probabilities + i * out->n_classes, shares, out->n_classes * sizeof *shares);
        for (size_t k = 0; usual && k < usual->n_held; k++)
            out->values[i * out->n_values + (size_t)usual->held[k]] = 1;
    }
    return put_texts(data, arena, out, err);
}

// ---- items ----

static Status item(const TaskData *data, const Sample *sample, const Answer *given, Arena *arena,
                   Item *out, Error *err)
{
    int32_t *held = NULL;
    TRY(arena_take(arena, data->n_metric_labels, sizeof *held, "labels", &held, err));
    for (size_t c = 0; given->values && c < data->n_metric_labels; c++) {
        if (given->values[c] != 0) held[out->n_predicted_held++] = (int32_t)c;
    }
    out->predicted_held = held;
    out->held = sample->held;
    out->n_held = sample->n_held;
    out->n_classes = data->n_metric_labels;
    out->probabilities = given->probabilities;
    return STATUS_OK;
}

static Status reference(const TaskData *data, const Sample *sample, Arena *arena, Slice *out,
                        Error *err)
{
    double *marks = NULL;
    TRY(arena_take(arena, data->n_metric_labels, sizeof *marks, "labels", &marks, err));
    for (size_t k = 0; k < sample->n_held; k++) marks[sample->held[k]] = 1;
    return put_text(data->metric_labels, marks, data->n_metric_labels, arena, out, err);
}

const Family family_multilabel = {
    .name = "multilabel",
    .summary = "gives each text any number of labels",
    .head = HEAD_SEQUENCE,
    .problem = PROBLEM_LABELS,
    .gives = NEEDS_LABEL_SETS | NEEDS_PROBABILITIES | NEEDS_GROUPS,
    .metrics = "[\"multilabel_f1\", \"multilabel_average_precision\", \"subset_accuracy\"]",
    .has_pairs = true,
    .has_label_set = true,
    .find_labels = find_labels,
    .encode = family_encode_pairs,
    .answer = answer,
    .windows = family_pair_windows,
    .reasons = reasons,
    .baseline_name = "most frequent labels",
    .baseline = baseline,
    .item = item,
    .reference = reference,
};
