// The tune block: a grid of settings, and what training needs of one.
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "harness/suite/suite_internal.h"

enum { MAX_LAYERS_NAMED = 4096 };

// --- rows of the table ---------------------------------------------------------------------------------------------

Status tune_read_warmup(const Json *value, Arena *arena, void *target, Error *err)
{
    (void)arena;
    TuneSetting *setting = target;
    double number;
    int64_t steps = 0;
    TRY(json_as_double(value, 0, 1e9, &number, err));
    setting->warmup_share = 0;
    setting->warmup_steps = 0;
    if (number > 0 && number < 1) {
        setting->warmup_share = number;
        return STATUS_OK;
    }
    if (!slice_to_i64(json_number_text(value), &steps)) {
        return json_error(value, err,
                          "found " SLICE_FMT
                          ", want a share of all steps below 1, or a whole number "
                          "of steps without a decimal point",
                          SLICE_ARG(json_number_text(value)));
    }
    setting->warmup_steps = (uint64_t)steps;
    return STATUS_OK;
}

void tune_write_warmup(const void *target, const char *key, JsonWriter *w)
{
    const TuneSetting *setting = target;
    json_put_key(w, key);
    if (setting->warmup_share > 0) {
        json_put_double(w, setting->warmup_share);
    } else {
        json_put_u64(w, setting->warmup_steps);
    }
}

// The members of an object come one by one: tune_add_weight.
Status tune_read_weights(const Json *value, Arena *arena, void *target, Error *err)
{
    (void)arena;
    TuneSetting *setting = target;
    if (json_kind(value) == JSON_STRING) {
        if (slice_eq_cstr(json_string(value), "none")) return STATUS_OK;
        if (!slice_eq_cstr(json_string(value), "balanced")) {
            return json_error(value, err,
                              "found \"" SLICE_FMT
                              "\", want \"balanced\", \"none\" or an object from label to "
                              "weight",
                              SLICE_ARG(slice_sub(json_string(value), 0, 80)));
        }
        setting->class_weighting = CLASS_WEIGHTS_BALANCED;
        return STATUS_OK;
    }
    if (json_kind(value) == JSON_OBJECT) { // its members follow
        if (json_len(value) == 0) return json_error(value, err, "no class is named");
        setting->class_weighting = CLASS_WEIGHTS_GIVEN;
        return STATUS_OK;
    }
    return json_error(value, err,
                      "found %s, want \"balanced\", \"none\" or an object from label to weight",
                      json_kind_name(json_kind(value)));
}

Status tune_add_weight(const Json *value, Slice label, Arena *arena, TuneSetting *setting,
                       Error *err)
{
    SuiteClassWeight *weights = NULL;
    const size_t n = setting->n_class_weights;
    double weight;
    TRY(json_as_double(value, 0, 1e9, &weight, err));
    TRY(arena_take(arena, n + 1, sizeof *weights, "class weights", &weights, err));
    if (n > 0) memcpy(weights, setting->class_weights, n * sizeof *weights);
    // Sorted by label, so that equal weights have equal texts.
    size_t at = n;
    for (; at > 0 && slice_cmp(weights[at - 1].label, label) > 0; at--)
        weights[at] = weights[at - 1];
    weights[at] = (SuiteClassWeight){arena_copy(arena, label), weight};
    if (!weights[at].label.ptr) return error_set_memory(err, label.len, 1, "a class's name");
    setting->class_weights = weights;
    setting->n_class_weights = n + 1;
    return STATUS_OK;
}

void tune_write_weights(const void *target, const char *key, JsonWriter *w)
{
    const TuneSetting *setting = target;
    if (setting->class_weighting == CLASS_WEIGHTS_NONE) return;
    json_put_key(w, key);
    if (setting->class_weighting == CLASS_WEIGHTS_BALANCED) {
        json_put_cstr(w, "balanced");
        return;
    }
    json_begin_object(w);
    for (size_t i = 0; i < setting->n_class_weights; i++) {
        json_put_key_slice(w, setting->class_weights[i].label);
        json_put_double(w, setting->class_weights[i].weight);
    }
    json_end_object(w);
}

Status tune_read_freeze(const Json *value, Arena *arena, void *target, Error *err)
{
    TuneSetting *setting = target;
    unsigned char frozen[MAX_LAYERS_NAMED + 2];
    Error wrong = {0};
    Slice text;
    TRY(json_as_string(value, &text, err));
    // How many blocks the model has is seen when it is opened; the form is checked here.
    if (text.len > 0 && train_parse_freeze(text, MAX_LAYERS_NAMED, frozen, &wrong) != STATUS_OK) {
        return json_error(value, err, "%s", wrong.text);
    }
    setting->freeze = arena_copy(arena, text);
    return setting->freeze.ptr ? STATUS_OK : error_set_memory(err, text.len, 1, "a suite's text");
}

Status tune_read_lora(const Json *value, Arena *arena, void *target, Error *err)
{
    TuneSetting *setting = target;
    LoraOptions lora = {0};
    Error wrong = {0};
    Slice text;
    TRY(json_as_string(value, &text, err));
    if (text.len > 0 && lora_parse(arena, text, &lora, &wrong) != STATUS_OK)
        return json_error(value, err, "%s", wrong.text);
    if (lora.init) {
        return json_error(value, err,
                          "init= is for `assay tune`: in a suite adapters start from the seed");
    }
    setting->lora = arena_copy(arena, text);
    return setting->lora.ptr ? STATUS_OK : error_set_memory(err, text.len, 1, "a suite's text");
}

Status tune_read_monitor(const Json *value, Arena *arena, void *target, Error *err)
{
    TuneSetting *setting = target;
    Slice text;
    TRY(json_as_string(value, &text, err));
    setting->monitor = slice_eq_cstr(text, "loss") ? MONITOR_LOSS : MONITOR_METRIC;
    setting->monitor_metric = (Slice){0};
    if (setting->monitor == MONITOR_LOSS || slice_eq_cstr(text, "primary")) return STATUS_OK;
    const size_t slash = slice_find_byte(text, '/');
    const Metric *metric = metric_find(slice_sub(text, 0, slash));
    if (!metric || metric->direction == NO_DIRECTION) {
        const char *nearest = metric ? NULL : metric_nearest(slice_sub(text, 0, slash));
        return json_error(value, err,
                          "found \"" SLICE_FMT
                          "\", want \"loss\", \"primary\" or a score's name%s%s%s",
                          SLICE_ARG(slice_sub(text, 0, 80)), nearest ? "; did you mean \"" : "",
                          nearest ? nearest : "", nearest ? "\"?" : "");
    }
    setting->monitor_metric = arena_copy(arena, text);
    return setting->monitor_metric.ptr ? STATUS_OK
                                       : error_set_memory(err, text.len, 1, "a suite's text");
}

void tune_write_monitor(const void *target, const char *key, JsonWriter *w)
{
    const TuneSetting *setting = target;
    json_put_key(w, key);
    if (setting->monitor == MONITOR_METRIC && setting->monitor_metric.len > 0) {
        json_put_string(w, setting->monitor_metric);
    } else {
        json_put_cstr(w, setting->monitor == MONITOR_METRIC ? "primary" : "loss");
    }
}

Status tune_read_balance(const Json *value, Arena *arena, void *target, Error *err)
{
    (void)arena;
    TuneSetting *setting = target;
    setting->balance = (SuiteBalance){.how = BALANCE_RESAMPLE, .by = SLICE("class")};
    if (json_kind(value) == JSON_BOOL || json_kind(value) == JSON_OBJECT) {
        setting->balance.is_on = json_kind(value) == JSON_OBJECT || json_bool(value);
        return STATUS_OK; // an object's members follow
    }
    return json_error(
        value, err,
        "found %s, want true, false or an object such as {\"by\": \"gender\", \"how\": \"resample\"}",
        json_kind_name(json_kind(value)));
}

// Classes that are drawn equally often are `true`, as they were before other groups could be balanced.
void tune_write_balance(const void *target, const char *key, JsonWriter *w)
{
    const TuneSetting *setting = target;
    json_put_key(w, key);
    if (!setting->balance.is_on ||
        (setting->balance.how == BALANCE_RESAMPLE && slice_eq_cstr(setting->balance.by, "class"))) {
        json_put_bool(w, setting->balance.is_on);
        return;
    }
    json_begin_object(w);
    section_write(&section_balance, setting, w);
    json_end_object(w);
}

Status tune_read_stopping(const Json *value, Arena *arena, void *target, Error *err)
{
    (void)arena;
    TuneSetting *setting = target;
    if (json_kind(value) == JSON_OBJECT) { // its members follow
        section_defaults(&section_stopping, setting);
        setting->monitor = MONITOR_LOSS;
        return STATUS_OK;
    }
    if (json_kind(value) == JSON_BOOL && !json_bool(value)) return STATUS_OK;
    return json_error(value, err, "found %s, want an object such as {\"patience\": 2}, or false",
                      json_kind_name(json_kind(value)));
}

void tune_write_stopping(const void *target, const char *key, JsonWriter *w)
{
    const TuneSetting *setting = target;
    if (setting->monitor == MONITOR_NONE) return;
    json_member_object(w, key);
    section_write(&section_stopping, setting, w);
    json_end_object(w);
}

Status tune_read_distill(const Json *value, Arena *arena, void *target, Error *err)
{
    (void)arena;
    TuneSetting *setting = target;
    if (json_kind(value) == JSON_OBJECT) { // its members follow
        section_defaults(&section_distill, setting);
        return json_get(value, "teacher")
                   ? STATUS_OK
                   : json_error(value, err, "the key \"teacher\" is missing: whom to learn from");
    }
    if (json_kind(value) == JSON_BOOL && !json_bool(value)) return STATUS_OK;
    return json_error(value, err,
                      "found %s, want an object such as {\"teacher\": \"DIR\"}, or false",
                      json_kind_name(json_kind(value)));
}

void tune_write_distill(const void *target, const char *key, JsonWriter *w)
{
    const TuneSetting *setting = target;
    if (setting->teacher.len == 0) return;
    json_member_object(w, key);
    section_write(&section_distill, setting, w);
    json_end_object(w);
}

// Both keys, where something is pruned.
void tune_write_prune(const void *target, const char *key, JsonWriter *w)
{
    const TuneSetting *setting = target;
    if (setting->prune <= 0) return;
    json_put_key(w, key);
    if (slice_eq_cstr(SLICE("prune"), key))
        json_put_double(w, setting->prune);
    else
        json_put_cstr(w, prune_scope_name(setting->prune_scope));
}

// It changes no result: settings without it keep the text that they had before there was such a key.
void tune_write_checkpointing(const void *target, const char *key, JsonWriter *w)
{
    const TuneSetting *setting = target;
    if (!setting->gradient_checkpointing) return;
    json_member_bool(w, key, true);
}

void tune_write_quantize(const void *target, const char *key, JsonWriter *w)
{
    const TuneSetting *setting = target;
    if (setting->quantize.len == 0 || slice_eq_cstr(setting->quantize, "none")) return;
    json_member_string(w, key, setting->quantize);
}

void tune_write_epochs(const void *target, const char *key, JsonWriter *w)
{
    const TuneSetting *setting = target;
    if (setting->max_steps > 0) return; // then they do not count
    json_member_double(w, key, setting->epochs);
}

// --- for training --------------------------------------------------------------------------------------------------

static Status given_weights(const TuneSetting *setting, const Slice *labels, size_t n_labels,
                            float *weights, Error *err)
{
    for (size_t i = 0; i < n_labels; i++) weights[i] = 1;
    for (size_t i = 0; i < setting->n_class_weights; i++) {
        const SuiteClassWeight *given = &setting->class_weights[i];
        size_t at = 0;
        while (at < n_labels && !slice_eq(labels[at], given->label)) at++;
        if (at == n_labels) {
            return error_set(err, STATUS_INVALID,
                             "class_weights names \"" SLICE_FMT "\", which is no class of the data",
                             SLICE_ARG(given->label));
        }
        weights[at] = (float)given->weight;
    }
    return STATUS_OK;
}

// As scikit-learn has it; a class that does not occur weighs 1, since no sample asks for its weight.
static void balanced_weights(const size_t *counts, size_t n_labels, float *weights)
{
    double n = 0, n_present = 0;
    for (size_t i = 0; i < n_labels; i++) {
        n += (double)counts[i];
        n_present += counts[i] > 0;
    }
    for (size_t i = 0; i < n_labels; i++) {
        weights[i] = counts[i] > 0 ? (float)(n / (n_present * (double)counts[i])) : 1;
    }
}

static Status fill_weights(const TuneSetting *setting, const Slice *labels, size_t n_labels,
                           const size_t *counts, Arena *arena, TrainOptions *out, Error *err)
{
    float *weights = NULL;
    if (setting->class_weighting == CLASS_WEIGHTS_NONE) return STATUS_OK;
    TRY(arena_take(arena, n_labels, sizeof *weights, "class weights", &weights, err));
    if (setting->class_weighting == CLASS_WEIGHTS_GIVEN) {
        TRY(given_weights(setting, labels, n_labels, weights, err));
    } else if (counts) {
        balanced_weights(counts, n_labels, weights);
    } else {
        return error_set(err, STATUS_INTERNAL, "balanced class weights without counts");
    }
    out->class_weights = weights;
    return STATUS_OK;
}

Status tune_setting_options(const TuneSetting *setting, const Slice *labels, size_t n_labels,
                            const size_t *counts, Arena *arena, TrainOptions *out, Error *err)
{
    *out = (TrainOptions){
        .learning_rate = setting->learning_rate,
        .weight_decay = setting->weight_decay,
        .beta1 = setting->beta1,
        .beta2 = setting->beta2,
        .epsilon = setting->epsilon,
        .schedule = setting->schedule,
        .warmup_steps = setting->warmup_steps,
        .warmup_ratio = setting->warmup_share,
        .n_cycles = setting->n_cycles,
        .clip_norm = setting->clip,
        .batch_size = setting->batch_size,
        .accumulate = setting->accumulate,
        .epochs = setting->epochs,
        .max_steps = setting->max_steps,
        .dropout = setting->dropout,
        .label_smoothing = (float)setting->label_smoothing,
        .freeze = setting->freeze,
        .gradual_unfreezing = setting->gradual_unfreezing,
        .layer_decay = setting->layer_decay,
        .n_lanes = setting->lanes,
        .sort_by_length = setting->sort_by_length,
        .bf16_products = slice_eq_cstr(setting->tuning_compute, "bf16"),
        .gradient_checkpointing = setting->gradient_checkpointing,
        .until_epochs = setting->until_epoch,
        .until_steps = setting->until_step,
        .monitor = setting->monitor,
        .patience = setting->patience,
        .min_delta = setting->min_delta,
    };
    if (setting->lora.len > 0) {
        LoraOptions *lora = NULL;
        TRY(arena_take(arena, 1, sizeof *lora, "adapters", &lora, err));
        TRY(lora_parse(arena, setting->lora, lora, err));
        out->lora = lora;
    }
    if (setting->teacher.len > 0) {
        DistillOptions *distill = NULL;
        TRY(arena_take(arena, 1, sizeof *distill, "a teacher", &distill, err));
        *distill = (DistillOptions){.temperature = setting->temperature, .alpha = setting->alpha};
        out->distill = distill;
    }
    return fill_weights(setting, labels, n_labels, counts, arena, out, err);
}
