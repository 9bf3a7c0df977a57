// Tuning on data sets: texts and labels become examples, a validation part is watched and scored.
#include <math.h>
#include <string.h>

#include "base/sha256.h"
#include "base/size.h"
#include "datasets/check.h"
#include "datasets/reader.h"
#include "datasets/splits.h"
#include "tools/data_options.h"
#include "tools/model_options.h"
#include "tools/tune.h"

// ---- reading ----

// The part held out of --train where there is no --valid.
static Status hold_out(TuneRun *run, double share, Error *err)
{
    const HoldoutOptions options = {.share = share, .seed = run->options.seed};
    const size_t n = run->train.data.n_samples;
    bool *held = NULL;
    TRY(arena_take(&run->arena, n, sizeof *held, "a hold-out", &held, err));
    TRY(arena_take(&run->arena, n, sizeof(size_t), "a hold-out", &run->train.which, err));
    TRY(arena_take(&run->arena, n, sizeof(size_t), "a hold-out", &run->valid.which, err));
    TRY(holdout_assign(&run->train.data, NULL, 0, &options, held, err));
    run->train.n = run->valid.n = 0;
    for (size_t i = 0; i < n; i++) {
        if (held[i])
            run->valid.which[run->valid.n++] = i;
        else
            run->train.which[run->train.n++] = i;
    }
    return STATUS_OK;
}

static Status read_data(TuneRun *run, Error *err)
{
    ReadOptions options = {0};
    const char *valid = option_text(run->line, "valid");
    const double share = option_real(run->line, "valid-share");
    if (valid && share > 0) {
        return error_set(err, STATUS_INVALID, "--valid and --valid-share exclude each other");
    }
    TRY(data_options_read(run->line, &run->arena, &options, err));
    TRY(dataset_read(option_text(run->line, "train"), &options, &run->train.data, err));
    run->train.n = run->train.data.n_samples;
    if (run->train.data.n_labels < 2) {
        return error_set(err, STATUS_INVALID,
                         "%s has one class only, \"" SLICE_FMT "\": there is nothing to learn",
                         option_text(run->line, "train"), SLICE_ARG(run->train.data.labels[0]));
    }
    if (share > 0) return hold_out(run, share, err);
    if (!valid) return STATUS_OK;
    options.labels = run->train.data.labels;
    options.n_labels = run->train.data.n_labels;
    TRY(dataset_read(valid, &options, &run->valid.data, err));
    run->valid.n = run->valid.data.n_samples;
    return STATUS_OK;
}

// ---- tokens ----

static const Sample *sample_at(const TuneRun *run, const TuneData *part, size_t i)
{
    // A part held out of the training file lies in its data set.
    const Dataset *data = part->data.n_samples ? &part->data : &run->train.data;
    return &data->samples[part->which ? part->which[i] : i];
}

// Dropout's key of a sample: the first bytes of its id's hash, the same wherever the sample stands.
static uint64_t sample_key(Slice id)
{
    Sha256 hash;
    unsigned char digest[32];
    uint64_t key = 0;
    sha256_init(&hash);
    sha256_update(&hash, id);
    sha256_finish(&hash, digest);
    for (int i = 0; i < 8; i++) key |= (uint64_t)digest[i] << (8 * i);
    return key;
}

Status tune_encode(TuneRun *run, const TuneData *part, const Tokenizer *tokenizer,
                   size_t max_length, TokenBatch *out, Error *err)
{
    const size_t n = part->n;
    const EncodeOptions options = {.max_length = max_length};
    Slice *texts = NULL, *pairs = NULL;
    bool has_pairs = false;
    TRY(arena_take(&run->arena, n, sizeof *texts, "texts", &texts, err));
    TRY(arena_take(&run->arena, n, sizeof *pairs, "texts", &pairs, err));
    for (size_t i = 0; i < n; i++) {
        const Sample *sample = sample_at(run, part, i);
        texts[i] = sample->text;
        pairs[i] = sample->pair;
        if (sample->pair.ptr) has_pairs = true;
    }
    return tokenizer_encode_batch(tokenizer, texts, has_pairs ? pairs : NULL, n, &options,
                                  &run->arena, out, err);
}

static Status encode_part(TuneRun *run, TuneData *part, size_t max_length, Error *err)
{
    const size_t n = part->n;
    TokenBatch batch = {0};
    if (n == 0) return STATUS_OK;
    TRY(arena_take(&run->arena, n, sizeof *part->examples, "examples", &part->examples, err));
    TRY(tune_encode(run, part, model_tokenizer(run->model), max_length, &batch, err));
    part->n_full = batch.n_full;
    for (size_t i = 0; i < n; i++) {
        const Sample *sample = sample_at(run, part, i);
        part->examples[i] = (TrainExample){
            .input = {.ids = batch.ids + batch.starts[i],
                      .type_ids = batch.type_ids + batch.starts[i],
                      .n_tokens = batch.starts[i + 1] - batch.starts[i],
                      .key = sample_key(sample->id)},
            .labels = &sample->label,
        };
    }
    return STATUS_OK;
}

static Status encode_all(TuneRun *run, size_t *max_length, Error *err)
{
    const size_t limit = model_config(run->model)->max_positions;
    const size_t asked = (size_t)option_integer(run->line, "max-length");
    const size_t usual = tokenizer_model_max_length(model_tokenizer(run->model));
    if (asked > limit) {
        return error_set(err, STATUS_INVALID,
                         "--max-length %zu: the model takes at most %zu tokens", asked, limit);
    }
    *max_length = asked ? asked : usual ? size_min(usual, limit) : limit;
    if (encode_part(run, &run->train, *max_length, err) != STATUS_OK) {
        return error_wrap(err, "%s", option_text(run->line, "train"));
    }
    return encode_part(run, &run->valid, *max_length, err);
}

// ---- what the data look like ----

static void count_cut(const TuneRun *run, const TuneData *part, const char *name, size_t max_length)
{
    size_t n_cut = 0;
    for (size_t i = 0; i < part->n; i++) n_cut += part->n_full[i] > max_length;
    if (n_cut == 0) return;
    log_warning(run->line->log, "%s: %zu of %zu texts are longer than %zu tokens and were cut",
                name, n_cut, part->n, max_length);
}

static Status report_data(const TuneRun *run, size_t max_length, Error *err)
{
    const CheckPart parts[] = {{"train", &run->train.data}, {"valid", &run->valid.data}};
    const CheckOptions options = {0};
    DataCheck check = {0};
    TRY(data_check(parts, run->valid.data.n_samples ? 2 : 1, &options, &check, err));
    for (size_t i = 0; i < check.n_warnings; i++) {
        log_warning(run->line->log, SLICE_FMT, SLICE_ARG(check.warnings[i]));
    }
    data_check_release(&check);
    count_cut(run, &run->train, "train", max_length);
    count_cut(run, &run->valid, "valid", max_length);
    log_info(run->line->log, "%zu training samples, %zu for validation, %zu classes%s",
             run->train.n, run->valid.n, run->train.data.n_labels,
             model_head_is_fresh(run->model) ? "; the head is new" : "");
    return STATUS_OK;
}

// ---- class weights ----

static Status set_weight(const TuneRun *run, const char *text, float *weights, Error *err)
{
    const char *equals = strrchr(text, '=');
    double weight = 0;
    if (!equals || !slice_to_double(slice_from_cstr(equals + 1), &weight) || weight < 0 ||
        weight > 1e9) {
        return error_set(err, STATUS_INVALID,
                         "--class-weights %s: wanted is 'balanced', or LABEL=WEIGHT", text);
    }
    const Slice label = {text, (size_t)(equals - text)};
    const int32_t index = label_find(run->train.data.labels, run->train.data.n_labels, label);
    if (index == SAMPLE_NO_LABEL) {
        return error_set(err, STATUS_INVALID, "--class-weights %s: the data have no such label",
                         text);
    }
    weights[index] = (float)weight;
    return STATUS_OK;
}

// As scikit-learn's "balanced": n / (classes * count).
static void balance(const TuneRun *run, float *weights)
{
    const size_t n_labels = run->train.data.n_labels;
    for (size_t k = 0; k < n_labels; k++) {
        size_t count = 0;
        for (size_t i = 0; i < run->train.n; i++) {
            count += sample_at(run, &run->train, i)->label == (int32_t)k;
        }
        if (count) weights[k] = (float)((double)run->train.n / ((double)n_labels * (double)count));
    }
}

static Status read_class_weights(TuneRun *run, Error *err)
{
    const char *const *texts = NULL;
    const size_t n = option_texts(run->line, "class-weights", &texts);
    float *weights = NULL;
    if (n == 0) return STATUS_OK;
    TRY(arena_take(&run->arena, run->train.data.n_labels, sizeof *weights, "class weights",
                   &weights, err));
    for (size_t k = 0; k < run->train.data.n_labels; k++) weights[k] = 1;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(texts[i], "balanced") == 0)
            balance(run, weights);
        else
            TRY(set_weight(run, texts[i], weights, err));
    }
    run->options.class_weights = weights;
    return STATUS_OK;
}

// ---- scores ----

// What the model says about the validation samples, as a metric sees it.
static Status judge(TuneRun *run, Arena *arena, Item **out, Error *err)
{
    const size_t n = run->valid.n, n_labels = run->train.data.n_labels;
    TokenSequence *inputs = NULL;
    float *logits = NULL;
    double *probabilities = NULL;
    Item *items = NULL;
    size_t size = 0;
    if (!size_mul(n, n_labels, &size)) size = SIZE_MAX;
    TRY(arena_take(arena, n, sizeof *inputs, "inputs", &inputs, err));
    TRY(arena_take(arena, size, sizeof *logits, "logits", &logits, err));
    TRY(arena_take(arena, size, sizeof *probabilities, "probabilities", &probabilities, err));
    TRY(arena_take(arena, n, sizeof *items, "items", &items, err));
    for (size_t i = 0; i < n; i++) inputs[i] = run->valid.examples[i].input;
    TRY(model_predict(run->model, run->pool, inputs, n, run->options.cancel, logits, err));
    model_probabilities(logits, n, n_labels, probabilities);
    for (size_t i = 0; i < n; i++) {
        const double *row = probabilities + i * n_labels;
        items[i] = item_empty();
        items[i].label = run->valid.examples[i].labels[0];
        items[i].probabilities = row;
        items[i].n_classes = n_labels;
        items[i].predicted = 0;
        for (size_t k = 1; k < n_labels; k++) {
            if (row[k] > row[items[i].predicted]) items[i].predicted = (int32_t)k;
        }
    }
    *out = items;
    return STATUS_OK;
}

static Status score_items(const TuneRun *run, const Metric *metric, const Item *items,
                          const IntervalOptions *options, Arena *arena, Score **scores, size_t *n,
                          Error *err)
{
    MetricPlan plan = {0};
    const MetricSetup setup = {.labels = run->train.data.labels,
                               .n_labels = run->train.data.n_labels};
    TRY(metric_plan(metric, &setup, arena, &plan, err));
    *n = plan.n_scores;
    return scores_of_items(&plan, items, run->valid.n, options, arena, scores, err);
}

static Status evaluate(void *context, Model *model, double *value, Error *err)
{
    TuneRun *run = context;
    const IntervalOptions options = {.method = INTERVAL_NONE};
    Arena arena = {0};
    Item *items = NULL;
    Score *scores = NULL;
    size_t n = 0;
    (void)model; // it is run->model
    Status s = judge(run, &arena, &items, err);
    if (s == STATUS_OK)
        s = score_items(run, run->metric, items, &options, &arena, &scores, &n, err);
    // Higher must be better for who watches it.
    if (s == STATUS_OK) {
        *value =
            run->metric->direction == LOWER_IS_BETTER ? -scores[0].estimate : scores[0].estimate;
    }
    arena_release(&arena);
    return s;
}

Status tune_scores(TuneRun *run, Score **scores, size_t *n, Error *err)
{
    static const char *const usual[] = {"accuracy", "f1", "mcc", "log_loss"};
    enum { N_USUAL = sizeof usual / sizeof *usual };
    const IntervalOptions options = {.pool = run->pool, .seed = run->options.seed};
    Item *items = NULL;
    *n = 0;
    *scores = NULL;
    if (run->task) return tune_task_scores(run, scores, n, err);
    if (run->valid.n == 0) return STATUS_OK;
    TRY(judge(run, &run->arena, &items, err));
    TRY(arena_take(&run->arena, N_USUAL + 1, sizeof **scores, "scores", scores, err));
    for (size_t i = 0; i < N_USUAL + 1; i++) {
        const Metric *metric = i == 0 ? run->metric : metric_find(slice_from_cstr(usual[i - 1]));
        Score *of_metric = NULL;
        size_t n_of_metric = 0;
        if (!metric || (i > 0 && metric == run->metric)) continue;
        TRY(score_items(run, metric, items, &options, &run->arena, &of_metric, &n_of_metric, err));
        (*scores)[(*n)++] = of_metric[0];
    }
    return STATUS_OK;
}

static Status choose_metric(TuneRun *run, Error *err)
{
    const char *name = option_text(run->line, "metric");
    const unsigned allowed = NEEDS_LABELS | NEEDS_PROBABILITIES;
    run->metric = metric_find(slice_from_cstr(name));
    if (!run->metric) {
        const char *near = metric_nearest(slice_from_cstr(name));
        return error_set(err, STATUS_INVALID,
                         "--metric %s: there is no such metric; %s%s (assay list metrics)", name,
                         near ? "did you mean " : "see", near ? near : " the list");
    }
    if ((run->metric->needs & ~allowed) != 0 || run->metric->direction == NO_DIRECTION) {
        return error_set(err, STATUS_INVALID, "--metric %s: it does not judge classes", name);
    }
    if (run->valid.n == 0) {
        if (run->options.monitor != MONITOR_NONE) {
            return error_set(err, STATUS_INVALID,
                             "--monitor wants samples to watch: --valid FILE or --valid-share 0.1");
        }
        run->metric = NULL;
        return STATUS_OK;
    }
    run->options.evaluate = evaluate;
    return STATUS_OK;
}

Status tune_on_data(TuneRun *run, Error *err)
{
    ModelOptions options = {0};
    size_t max_length = 0;
    TRY(read_data(run, err));
    TRY(choose_metric(run, err));
    TRY(read_class_weights(run, err));
    TRY(model_options_read(run->line, &options, err));
    options.head_choice = HEAD_FOR_LABELS;
    options.head = HEAD_SEQUENCE;
    options.labels = run->train.data.labels;
    options.n_labels = run->train.data.n_labels;
    options.seed = run->options.seed;
    TRY(model_open(run->line->operands[0], &options, &run->model, err));
    model_options_tell_unused(run->line->log, run->line->operands[0], run->model);
    TRY(encode_all(run, &max_length, err));
    if (run->options.distill) TRY(tune_ask_teacher(run, err));
    TRY(report_data(run, max_length, err));
    run->options.validation = run->valid.examples;
    run->options.n_validation = run->valid.n;
    run->planned_steps = train_planned_steps(&run->options, run->train.n);
    return model_train(run->model, run->pool, run->train.examples, run->train.n, &run->options,
                       &run->result, err);
}
