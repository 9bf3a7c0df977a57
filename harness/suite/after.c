// Steps on the tuned winner.
#include <string.h>

#include "base/buffer_keep.h"
#include "base/size.h"
#include "harness/suite/suite_internal.h"

static bool gives(const Json *object, const char *key)
{
    const Json *value = json_get(object, key);
    return value && json_kind(value) != JSON_NULL;
}

// What the step does, as a report names it.
static Status name_step(const Json *object, SuiteAfter *step, Arena *arena, Error *err)
{
    Buffer text = {0};
    if (step->does_prune) {
        buffer_append_cstr(&text, "prune ");
        JsonWriter w = json_writer(&text, 0);
        json_put_double(&w, step->values.prune);
        if (gives(object, "prune_scope"))
            buffer_printf(&text, " %s", prune_scope_name(step->values.prune_scope));
    }
    if (step->does_quantize)
        buffer_printf(&text, "%s" SLICE_FMT, text.len > 0 ? ", " : "",
                      SLICE_ARG(step->values.quantize));
    if (step->does_compute)
        buffer_printf(&text, "%scompute " SLICE_FMT, text.len > 0 ? ", " : "",
                      SLICE_ARG(step->values.compute));
    return buffer_keep(&text, arena, "a step", &step->text, err);
}

static Status read_step(const SuiteReading *reading, const Json *object, SuiteAfter *step,
                        Error *err)
{
    Arena *arena = &reading->suite->arena;
    if (json_kind(object) != JSON_OBJECT)
        return json_error(object, err, "found %s, want an object such as {\"quantize\": \"q8_0\"}",
                          json_kind_name(json_kind(object)));
    section_defaults(&section_after, &step->values);
    TRY(section_read(&section_after, object, arena, &step->values, err));
    step->does_prune = gives(object, "prune") && step->values.prune > 0;
    step->does_quantize =
        gives(object, "quantize") && !slice_eq_cstr(step->values.quantize, "none");
    step->does_compute = gives(object, "compute");
    if (gives(object, "prune_scope") && !step->does_prune)
        return json_error(json_get(object, "prune_scope"), err, "there is no \"prune\" beside it");
    if (!step->does_prune && !step->does_quantize && !step->does_compute)
        return json_error(object, err,
                          "the step does nothing: give \"prune\", \"quantize\" or \"compute\"");
    return name_step(object, step, arena, err);
}

// Weights that a setting pruned are pruned: the share of a step would be of what is left.
static Status check_settings(const Suite *suite, const SuiteAfter *step, const Json *at, Error *err)
{
    for (size_t m = 0; m < suite->n_models; m++) {
        const SuiteModel *model = &suite->models[m];
        for (size_t i = 0; model->does_tune && i < model->n_settings; i++) {
            const TuneSetting *setting = &model->settings[i];
            if (setting->after.len > 0)
                return json_error(at, err, "it sets \"after\" of \"tune\": leave it out there");
            if (!step->does_prune || setting->prune <= 0) continue;
            return json_error(at, err,
                              "the settings of \"" SLICE_FMT "\" prune already: have \"prune\" in "
                              "\"tune\" or here",
                              SLICE_ARG(model->name));
        }
    }
    return STATUS_OK;
}

static Status check_unasked(const Suite *suite, const Json *root, Error *err)
{
    for (size_t m = 0; m < suite->n_models; m++) {
        for (size_t i = 0; i < suite->models[m].n_settings; i++) {
            if (suite->models[m].settings[i].after.len > 0)
                return json_error(root, err,
                                  "\"after\" of \"tune\" is set by the suite's own \"after\": "
                                  "give a list of steps there");
        }
    }
    return STATUS_OK;
}

Status suite_read_after(const SuiteReading *reading, const Json *root, Error *err)
{
    Suite *suite = reading->suite;
    const Json *list = NULL;
    SuiteAfter *steps = NULL;
    TRY(check_unasked(suite, root, err));
    TRY(json_opt_kind(root, "after", JSON_ARRAY, &list, err));
    if (!list || json_len(list) == 0) return STATUS_OK;
    TRY(arena_take(&suite->arena, json_len(list), sizeof *steps, "steps", &steps, err));
    for (const Json *v = json_first(list); v; v = json_next(v)) {
        SuiteAfter *step = &steps[suite->n_after];
        TRY(read_step(reading, v, step, err));
        TRY(check_settings(suite, step, v, err));
        for (size_t i = 0; i < suite->n_after; i++) {
            if (slice_eq(steps[i].text, step->text))
                return json_error(v, err, "the step stands twice");
        }
        suite->n_after++;
    }
    suite->after = steps;
    return STATUS_OK;
}

Status suite_take_after(const Suite *suite, size_t after, TuneSetting *setting, Arena *arena,
                        Error *err)
{
    const SuiteAfter *step = &suite->after[after];
    setting->after = step->text;
    if (step->does_prune) {
        setting->prune = step->values.prune;
        setting->prune_scope = step->values.prune_scope;
    }
    if (step->does_quantize) setting->quantize = step->values.quantize;
    if (step->does_compute) setting->compute = step->values.compute;
    return tune_write_canonical(setting, arena, err);
}
