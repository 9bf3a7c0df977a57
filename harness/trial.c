// harness/trial.c: identities of trials as canonical JSON. Keys are written in their sorted order.
#include "harness/trial.h"

#include "base/buffer_keep.h"
#include "datasets/augment.h"
#include "harness/family.h"

#include <stdio.h>
#include <string.h>

#include "base/json_writer.h"
#include "harness/suite/keys.h"
#include "results/canonical.h"

static Slice setting_json(const Suite *suite, const TrialSpec *spec)
{
    if (spec->model == NO_MODEL) return SLICE("{}");
    return suite->models[spec->model].settings[spec->setting].json;
}

const char *compute_name(ComputeMode compute)
{
    static const char *const names[] = {[COMPUTE_F32] = "f32",
                                        [COMPUTE_BF16] = "bf16",
                                        [COMPUTE_I8] = "int8",
                                        [COMPUTE_TF32] = "tf32"};
    return names[compute];
}

const char *kv_name(DType kv)
{
    return kv == DTYPE_F16 ? "f16" : kv == DTYPE_BF16 ? "bf16" : "f32";
}

ComputeMode trial_compute(const Suite *suite, const TrialSpec *spec, ComputeMode of_run)
{
    static const ComputeMode modes[] = {COMPUTE_BF16, COMPUTE_I8};
    if (spec->model == NO_MODEL) return of_run;
    const Slice wanted = suite->models[spec->model].settings[spec->setting].compute;
    if (wanted.len == 0) return of_run;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (slice_eq_cstr(wanted, compute_name(modes[i]))) return modes[i];
    }
    return of_run == COMPUTE_TF32 ? COMPUTE_TF32 : COMPUTE_F32; // on a GPU that was asked for
}

// Of what lies at a path that a setting names; empty without.
static Slice aid_json(const SuiteIdentity *identity, const char *path)
{
    for (size_t i = 0; path && i < identity->n_aids; i++) {
        if (strcmp(path, identity->aids[i].path) == 0) return identity->aids[i].json;
    }
    return (Slice){0};
}

bool trial_is_explained(const Suite *suite, const TrialSpec *spec)
{
    const bool is_judged = spec->role == TRIAL_OUTER || spec->role == TRIAL_SINGLE;
    return suite->explain.is_on && is_judged && spec->model != NO_MODEL &&
           family_find(suite->tasks[spec->task].family)->reasons != NULL;
}

static void put_explain(const SuiteExplain *explain, JsonWriter *w)
{
    json_member_object(w, "explain");
    section_write(&section_explain, explain, w);
    json_end_object(w);
}

static void put_aid(JsonWriter *w, const char *key, Slice json)
{
    if (json.len == 0) return;
    json_member_raw(w, key, json);
}

// The files that copies of training samples come of, and the version of how they do.
static void put_augment(const SuiteIdentity *identity, const SuiteAugment *augment, JsonWriter *w)
{
    if (!augment->is_on) return;
    json_member_object(w, "augment");
    put_aid(w, "back", aid_json(identity, augment->back_path));
    put_aid(w, "forward", aid_json(identity, augment->forward_path));
    put_aid(w, "generator", aid_json(identity, augment->generator_path));
    put_aid(w, "lexicon", aid_json(identity, augment->lexicon_path));
    json_member_i64(w, "version", AUGMENT_VERSION);
    json_end_object(w);
}

ComputeMode trial_tuning_compute(ComputeMode judged)
{
    return judged == COMPUTE_TF32 ? COMPUTE_TF32 : COMPUTE_F32;
}

// Keys in their order. of_tuning: without what is done once the model is tuned.
static void put_identity(const Suite *suite, const SuiteIdentity *identity, const TrialSpec *spec,
                         bool of_tuning, JsonWriter *w)
{
    static const TuneSetting none = {0};
    const bool is_model = spec->model != NO_MODEL;
    const TuneSetting *setting =
        is_model ? &suite->models[spec->model].settings[spec->setting] : &none;
    const ComputeMode compute = trial_compute(suite, spec, identity->compute);
    // A setting that is explored is tuned as the winner would be.
    const TrialRole judged = suite->folds.k > 0 ? TRIAL_OUTER : TRIAL_SINGLE,
                    role = of_tuning && spec->role == TRIAL_EXPLORE ? judged : spec->role;
    put_augment(identity, &setting->augment, w);
    json_member_cstr(w, "compute",
                     compute_name(of_tuning ? trial_tuning_compute(compute) : compute));
    json_member_string(w, "device", identity->device_kind);
    if (!of_tuning && trial_is_explained(suite, spec)) put_explain(&suite->explain, w);
    json_member_i64(w, "inner_fold", spec->inner_fold);
    if (!of_tuning && identity->kv != DTYPE_F32) json_member_cstr(w, "kv", kv_name(identity->kv));
    json_member_raw(w, "model",
                    is_model ? identity->models[spec->model] : SLICE("\"majority class\""));
    json_member_i64(w, "numerics", NUMERICS_VERSION);
    json_member_i64(w, "outer_fold", spec->outer_fold);
    json_member_raw(w, "parts", identity->folds_json);
    json_member_cstr(w, "role", trial_role_name(role));
    json_member_u64(w, "seed", spec->seed);
    json_member_raw(w, "setting", of_tuning ? setting->learning_json : setting_json(suite, spec));
    json_member_raw(w, "task", identity->tasks[spec->task].json);
    if (spec->teacher.len > 0) json_member_string(w, "teacher", spec->teacher);
    put_aid(w, "teacher", aid_json(identity, setting->teacher_path));
}

static Status write_identity(const Suite *suite, const SuiteIdentity *identity,
                             const TrialSpec *spec, bool of_tuning, Arena *arena, Slice *json,
                             Slice *id, Error *err)
{
    Buffer buffer = {0};
    JsonWriter w = json_writer(&buffer, 0);
    json_begin_object(&w);
    put_identity(suite, identity, spec, of_tuning, &w);
    json_end_object(&w);
    TRY(buffer_keep(&buffer, arena, "an identity", json, err));
    char hex[SHA256_HEX_SIZE];
    sha256_of(*json, hex);
    *id = arena_copy(arena, (Slice){hex, SHA256_HEX_SIZE - 1});
    return id->ptr ? STATUS_OK : error_set_memory(err, sizeof hex, 1, "a trial's id");
}

Status trial_identify(const Suite *suite, const SuiteIdentity *identity, const TrialSpec *spec,
                      Arena *arena, Slice *json, Slice *id, Error *err)
{
    return write_identity(suite, identity, spec, false, arena, json, id, err);
}

Status trial_tuning_key(const Suite *suite, const SuiteIdentity *identity, const TrialSpec *spec,
                        Arena *arena, Slice *key, Error *err)
{
    Slice json;
    *key = (Slice){0};
    if (spec->model == NO_MODEL || !suite->models[spec->model].does_tune) return STATUS_OK;
    return write_identity(suite, identity, spec, true, arena, &json, key, err);
}

// Members of the setting that are not the same in all settings of the grid.
static void put_varying(const SuiteModel *model, size_t n_settings, size_t setting, Buffer *out)
{
    JsonDocument *mine = NULL, *other = NULL;
    const Slice name = SLICE("setting");
    if (n_settings < 2 ||
        json_parse(name, model->settings[setting].json, JSON_STRICT, &mine, NULL) != STATUS_OK)
        return;
    for (const Json *member = json_first(json_root(mine)); member; member = json_next(member)) {
        const Slice key = json_key(member);
        char key_text[64];
        bool varies = false;
        snprintf(key_text, sizeof key_text, SLICE_FMT, SLICE_ARG(key));
        Buffer value = {0}, compared = {0};
        canonical_json(member, &value);
        for (size_t i = 0; i < n_settings && !varies; i++) {
            if (json_parse(name, model->settings[i].json, JSON_STRICT, &other, NULL) != STATUS_OK)
                continue;
            const Json *same = json_get(json_root(other), key_text);
            buffer_clear(&compared);
            if (same) canonical_json(same, &compared);
            varies = !slice_eq(buffer_slice(&value), buffer_slice(&compared));
            json_close(&other);
        }
        if (varies) {
            buffer_printf(out, ", " SLICE_FMT " " SLICE_FMT, SLICE_ARG(key),
                          SLICE_ARG(buffer_slice(&value)));
        }
        buffer_release(&value);
        buffer_release(&compared);
    }
    json_close(&mine);
}

Slice baseline_name(const Suite *suite, size_t task)
{
    const char *name = family_find(suite->tasks[task].family)->baseline_name;
    return name ? slice_from_cstr(name) : SLICE("majority class");
}

Slice trial_title(const Suite *suite, const TrialSpec *spec, Arena *arena)
{
    Buffer buffer = {0};
    const SuiteModel *model = spec->model == NO_MODEL ? NULL : &suite->models[spec->model];
    buffer_append(&buffer, model ? model->name : baseline_name(suite, spec->task));
    buffer_append_cstr(&buffer, " on ");
    buffer_append(&buffer, suite->tasks[spec->task].name);
    if (spec->outer_fold != STORE_NO_FOLD) buffer_printf(&buffer, ", fold %d", spec->outer_fold);
    if (spec->inner_fold != STORE_NO_FOLD)
        buffer_printf(&buffer, ", inner fold %d", spec->inner_fold);
    if (spec->role == TRIAL_FINAL) buffer_append_cstr(&buffer, ", on all data");
    if (model)
        put_varying(model, suite_n_settings(suite, (size_t)spec->model), (size_t)spec->setting,
                    &buffer);
    if (suite->repeats > 1 && model)
        buffer_printf(&buffer, ", seed %llu", (unsigned long long)spec->seed);
    Slice title = arena_copy(arena, buffer_slice(&buffer));
    buffer_release(&buffer);
    return title.ptr ? title : SLICE("a trial");
}
