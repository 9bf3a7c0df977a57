// Classification: a text, or a pair of texts, gets one class.
#include <string.h>

#include "harness/family.h"
#include "harness/prompt/prompt.h"
#include "metrics/baseline.h"
#include "metrics/metric.h"
#include "results/store.h"

static Status find_labels(Prepared *prepared, size_t task, Error *err)
{
    TaskData *data = &prepared->tasks[task];
    const UsedPart *train = &data->parts[PART_TRAIN];
    int32_t first = SAMPLE_NO_LABEL;
    for (size_t i = 0; i < train->n; i++) {
        const Sample *sample = &train->data.samples[train->which[i]];
        if (sample->label == SAMPLE_NO_LABEL) {
            return error_set(err, STATUS_INVALID, SLICE_FMT ":%zu: a training sample needs a label",
                             SLICE_ARG(train->data.path), sample->line);
        }
        if (first != SAMPLE_NO_LABEL && sample->label != first) return STATUS_OK;
        first = sample->label;
    }
    if (train->n == 0) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ": all %zu samples are of class \"" SLICE_FMT
                               "\"; a classifier needs two classes at least",
                     SLICE_ARG(train->data.path), train->n, SLICE_ARG(data->labels[first]));
}

static Status take_answers(size_t n, size_t n_labels, Arena *arena, Answers *out, Error *err)
{
    out->n = n;
    out->n_classes = n_labels;
    TRY(arena_take(arena, n * n_labels, sizeof *out->probabilities, "probabilities",
                   &out->probabilities, err));
    return arena_take(arena, n, sizeof *out->predicted, "predictions", &out->predicted, err);
}

// The probabilities over the task's labels, and the class with the highest.
static int32_t spread(const Asked *asked, const double *from, double *out)
{
    size_t best = 0;
    for (size_t i = 0; i < asked->width; i++) {
        const int32_t c = asked->label_of ? asked->label_of[i] : (int32_t)i;
        if (from[i] > from[best]) best = i;
        if (c != SAMPLE_NO_LABEL) out[c] = from[i];
    }
    return asked->label_of ? asked->label_of[best] : (int32_t)best;
}

static Status answer(const Asked *asked, Arena *arena, Answers *out, Error *err)
{
    const size_t n_labels = asked->data->n_metric_labels; // classes beyond the head's have 0
    double *from = NULL;
    if (asked->hypotheses) {
        TRY(take_answers(asked->n, n_labels, arena, out, err));
        hypotheses_answer(asked, out);
        return STATUS_OK;
    }
    TRY(arena_take(arena, asked->n * asked->width, sizeof *from, "probabilities", &from, err));
    TRY(take_answers(asked->n, n_labels, arena, out, err));
    model_probabilities(asked->logits, asked->n, asked->width, from);
    for (size_t i = 0; i < asked->n; i++) {
        out->predicted[i] =
            spread(asked, from + i * asked->width, out->probabilities + i * n_labels);
    }
    return STATUS_OK;
}

// ---- explanations ----

// The score of the likeliest class.
static Status reasons(const Asked *asked, const EncodingWindows *encoded, Arena *arena,
                      Reason **out, size_t *n, Error *err)
{
    size_t best = 0;
    (void)encoded;
    for (size_t i = 1; i < asked->width; i++) {
        if (asked->logits[i] > asked->logits[best]) best = i;
    }
    const int32_t label = asked->label_of ? asked->label_of[best] : (int32_t)best;
    TRY(arena_take(arena, 1, sizeof **out, "reasons", out, err));
    *n = 1;
    **out = (Reason){.n_targets = 1};
    if (label != SAMPLE_NO_LABEL) (*out)->about = asked->data->labels[label];
    TRY(arena_take(arena, 1, sizeof *(*out)->targets, "reasons", &(*out)->targets, err));
    (*out)->targets[0] = (ExplainTarget){0, best};
    return STATUS_OK;
}

// Always the most frequent class.
static Status baseline(const TaskData *data, const UsedPart *from, const size_t *from_positions,
                       size_t n_from, const UsedPart *part, const size_t *positions, Arena *arena,
                       Answers *out, Error *err)
{
    int32_t *labels = NULL;
    MajorityBaseline majority;
    (void)part, (void)positions;
    TRY(arena_take(arena, n_from, sizeof *labels, "labels", &labels, err));
    for (size_t i = 0; i < n_from; i++)
        labels[i] = from->data.samples[from->which[from_positions[i]]].label;
    TRY(majority_baseline(labels, n_from, data->n_metric_labels, arena, &majority, err));
    TRY(take_answers(out->n, data->n_metric_labels, arena, out, err));
    for (size_t i = 0; i < out->n; i++) {
        out->predicted[i] = majority.label;
        memcpy(out->probabilities + i * out->n_classes, majority.probabilities,
               out->n_classes * sizeof *out->probabilities);
    }
    return STATUS_OK;
}

static Status item(const TaskData *data, const Sample *sample, const Answer *given, Arena *arena,
                   Item *out, Error *err)
{
    (void)arena, (void)err;
    out->label = sample->label;
    out->predicted = given->predicted;
    out->n_classes = data->n_metric_labels;
    out->probabilities = given->probabilities;
    return STATUS_OK;
}

// ---- prompts ----

static Status options(const SuiteTask *task, const TaskData *data, const Sample *sample,
                      Arena *arena, Slice **out, size_t *n, Error *err)
{
    (void)sample;
    *n = data->n_labels;
    TRY(arena_take(arena, *n, sizeof **out, "options", out, err));
    for (size_t i = 0; i < *n; i++) (*out)[i] = prompt_word(&task->prompt, data->labels[i]);
    return STATUS_OK;
}

static Status gold(const SuiteTask *task, const TaskData *data, const Sample *sample, Arena *arena,
                   Slice *out, Error *err)
{
    (void)arena, (void)err;
    *out = sample->label == SAMPLE_NO_LABEL
               ? (Slice){0}
               : prompt_word(&task->prompt, data->metric_labels[sample->label]);
    return STATUS_OK;
}

static const FamilyPrompt prompt = {.options = options, .gold = gold};

const Family family_classify = {
    .name = "classify",
    .summary = "gives each text one class",
    .head = HEAD_SEQUENCE,
    .gives = NEEDS_LABELS | NEEDS_PROBABILITIES | NEEDS_GROUPS | NEEDS_PROMPTS,
    .metrics = "[\"accuracy\", \"f1\", \"mcc\"]",
    .is_stratified = true,
    .has_pairs = true,
    .find_labels = find_labels,
    .encode = family_encode_pairs,
    .answer = answer,
    .windows = family_pair_windows,
    .reasons = reasons,
    .baseline = baseline,
    .item = item,
    .prompt = &prompt,
};
