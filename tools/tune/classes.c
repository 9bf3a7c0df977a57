// What tuning on classes asks for beside other tasks: weights of classes, a metric that judges them, what is odd in the data.
#include <string.h>

#include "base/size.h"
#include "datasets/check.h"
#include "harness/family.h"
#include "tools/tune/tune.h"

// ---- class weights ----

static Status set_weight(const TaskData *data, const char *text, float *weights, Error *err)
{
    const char *equals = strrchr(text, '=');
    double weight = 0;
    if (!equals || !slice_to_double(slice_from_cstr(equals + 1), &weight) || weight < 0 ||
        weight > 1e9) {
        return error_set(err, STATUS_INVALID,
                         "--class-weights %s: wanted is 'balanced', or LABEL=WEIGHT", text);
    }
    const Slice label = {text, (size_t)(equals - text)};
    const int32_t index = label_find(data->labels, data->n_labels, label);
    if (index == SAMPLE_NO_LABEL) {
        return error_set(err, STATUS_INVALID, "--class-weights %s: the data have no such label",
                         text);
    }
    weights[index] = (float)weight;
    return STATUS_OK;
}

// As scikit-learn's "balanced": n / (classes * count).
static void balance(const TaskData *data, const TrainExample *examples, size_t n, float *weights)
{
    for (size_t k = 0; k < data->n_labels; k++) {
        size_t count = 0;
        for (size_t i = 0; i < n; i++) count += examples[i].labels[0] == (int32_t)k;
        if (count) weights[k] = (float)((double)n / ((double)data->n_labels * (double)count));
    }
}

Status tune_class_weights(TuneRun *run, const TaskData *data, Error *err)
{
    const char *const *texts = NULL;
    const size_t n = option_texts(run->line, "class-weights", &texts);
    float *weights = NULL;
    if (n == 0) return STATUS_OK;
    TRY(arena_take(&run->arena, data->n_labels, sizeof *weights, "class weights", &weights, err));
    for (size_t k = 0; k < data->n_labels; k++) weights[k] = 1;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(texts[i], "balanced") == 0)
            balance(data, run->examples, run->n_examples, weights);
        else
            TRY(set_weight(data, texts[i], weights, err));
    }
    run->options.class_weights = weights;
    return STATUS_OK;
}

// ---- the metric ----

Status tune_check_metric(const CommandLine *line, const char *family, Error *err)
{
    const char *name = option_text(line, "metric");
    const unsigned allowed = NEEDS_LABELS | NEEDS_PROBABILITIES;
    const Metric *metric = metric_find(slice_from_cstr(name));
    if (!metric) {
        const char *near = metric_nearest(slice_from_cstr(name));
        return error_set(err, STATUS_INVALID,
                         "--metric %s: there is no such metric; %s%s (assay list metrics)", name,
                         near ? "did you mean " : "see", near ? near : " the list");
    }
    if (strcmp(family, "classify") != 0) return STATUS_OK;
    if ((metric->needs & ~allowed) == 0 && metric->direction != NO_DIRECTION) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "--metric %s: it does not judge classes", name);
}

// ---- what the data look like ----

static void count_cut(const TuneRun *run, const Tokens *tokens, const char *name)
{
    size_t n_cut = 0;
    if (!tokens || !tokens->batch.n_full) return;
    const size_t n = tokens->batch.n_sequences;
    for (size_t i = 0; i < n; i++) n_cut += tokens->batch.n_full[i] > tokens->max_length;
    if (n_cut > 0)
        log_warning(run->line->log, "%s: %zu of %zu texts are longer than %zu tokens and were cut",
                    name, n_cut, n, tokens->max_length);
}

Status tune_report_classes(const TuneRun *run, const Prepared *prepared, Error *err)
{
    const TaskData *data = &prepared->tasks[0];
    const Dataset *valid = &data->parts[PART_VALID].data;
    const CheckPart parts[] = {{"train", &data->parts[PART_TRAIN].data}, {"valid", valid}};
    const CheckOptions options = {.without_labels = !data->family->is_stratified};
    DataCheck check = {0};
    TRY(data_check(parts, valid->n_samples ? 2 : 1, &options, &check, err));
    for (size_t i = 0; i < check.n_warnings; i++)
        log_warning(run->line->log, SLICE_FMT, SLICE_ARG(check.warnings[i]));
    data_check_release(&check);
    count_cut(run, prepared_tokens(prepared, 0, 0, PART_TRAIN, 0), "train");
    count_cut(run, prepared_tokens(prepared, 0, 0, PART_VALID, 0), "valid");
    return STATUS_OK;
}
