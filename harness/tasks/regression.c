// Regression: a text, or a pair of texts, gets a number.
#include <math.h>

#include "base/buffer_keep.h"
#include "base/json_writer.h"
#include "harness/family.h"
#include "metrics/metric.h"
#include "results/store.h"

// A head of one number has one label, by the name that Transformers gives it.
static const Slice head_label = SLICE_LIT("LABEL_0");

static Status find_labels(Prepared *prepared, size_t task, Error *err)
{
    TaskData *data = &prepared->tasks[task];
    const UsedPart *train = &data->parts[PART_TRAIN];
    data->labels = &head_label;
    data->n_labels = 1;
    for (size_t i = 1; i < train->n; i++) {
        if (train->data.samples[train->which[i]].value !=
            train->data.samples[train->which[0]].value)
            return STATUS_OK;
    }
    if (train->n < 2) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ": all %zu samples have the number " SLICE_FMT
                               "; there is nothing to learn",
                     SLICE_ARG(train->data.path), train->n,
                     SLICE_ARG(train->data.samples[train->which[0]].value_text));
}

// ---- answers ----

// The shortest text that reads back as the float that a model gives; *value becomes what it says, so that whoever scores the
// texts finds the same.
static Status put_text(double *value, Arena *arena, Slice *out, Error *err)
{
    Buffer text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_put_float(&w, (float)*value);
    TRY(buffer_keep(&text, arena, "a number", out, err));
    if (slice_to_double(*out, value)) return STATUS_OK;
    return error_set(err, STATUS_INTERNAL, "a number that cannot be read back");
}

static Status answer(const Asked *asked, Arena *arena, Answers *out, Error *err)
{
    out->n_values = 1;
    TRY(arena_take(arena, out->n, sizeof *out->values, "numbers", &out->values, err));
    TRY(family_take_texts(out, arena, err));
    for (size_t i = 0; i < out->n; i++) {
        out->values[i] = (double)asked->logits[i * asked->width];
        if (!isfinite(out->values[i]))
            return error_set(err, STATUS_DIVERGED,
                             "the model's number is not finite on sample %zu of those judged", i);
        TRY(put_text(&out->values[i], arena, &out->texts[i], err));
    }
    return STATUS_OK;
}

static Status reasons(const Asked *asked, const EncodingWindows *windows, Arena *arena,
                      Reason **out, size_t *n, Error *err)
{
    (void)asked, (void)windows;
    TRY(arena_take(arena, 1, sizeof **out, "reasons", out, err));
    *n = 1;
    **out = (Reason){.about = SLICE("the number"), .n_targets = 1};
    return arena_take(arena, 1, sizeof *(*out)->targets, "reasons", &(*out)->targets, err);
}

// Always the mean.
static Status baseline(const TaskData *data, const UsedPart *from, const size_t *from_positions,
                       size_t n_from, const UsedPart *part, const size_t *positions, Arena *arena,
                       Answers *out, Error *err)
{
    double sum = 0;
    Slice text;
    (void)data, (void)part, (void)positions;
    for (size_t i = 0; i < n_from; i++)
        sum += from->data.samples[from->which[from_positions[i]]].value;
    double mean = n_from > 0 ? sum / (double)n_from : 0;
    out->n_values = 1;
    TRY(arena_take(arena, out->n, sizeof *out->values, "numbers", &out->values, err));
    TRY(family_take_texts(out, arena, err));
    TRY(put_text(&mean, arena, &text, err));
    for (size_t i = 0; i < out->n; i++) {
        out->values[i] = mean;
        out->texts[i] = text;
    }
    return STATUS_OK;
}

// ---- items ----

static Status item(const TaskData *data, const Sample *sample, const Answer *given, Arena *arena,
                   Item *out, Error *err)
{
    (void)data, (void)arena, (void)err;
    out->value = sample->value;
    out->predicted_value = given->values ? given->values[0] : (double)NAN;
    return STATUS_OK;
}

static Status reference(const TaskData *data, const Sample *sample, Arena *arena, Slice *out,
                        Error *err)
{
    (void)data, (void)arena, (void)err;
    *out = sample->value_text.ptr ? sample->value_text : SLICE("");
    return STATUS_OK;
}

const Family family_regression = {
    .name = "regression",
    .summary = "gives each text a number",
    .head = HEAD_SEQUENCE,
    .problem = PROBLEM_VALUES,
    .gives = NEEDS_VALUES | NEEDS_GROUPS,
    .metrics = "[\"pearson\", \"spearman\", \"mse\"]",
    .has_pairs = true,
    .has_value = true,
    .find_labels = find_labels,
    .encode = family_encode_pairs,
    .answer = answer,
    .windows = family_pair_windows,
    .reasons = reasons,
    .baseline_name = "mean",
    .baseline = baseline,
    .item = item,
    .reference = reference,
};
