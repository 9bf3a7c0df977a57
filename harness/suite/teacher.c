// Where the teachers that settings name lie.
#include <string.h>

#include "base/file.h"
#include "harness/suite/suite_internal.h"
#include "models/checkpoint.h"

const Json *suite_text_in(const Json *tune, const char *section, const char *key, Slice text)
{
    const Json *objects = json_get(tune, section);
    const bool is_axis = objects && json_kind(objects) == JSON_ARRAY;
    for (const Json *d = is_axis ? json_first(objects) : objects; d;
         d = is_axis ? json_next(d) : NULL) {
        const Json *name = json_get(d, key);
        const bool is_list = name && json_kind(name) == JSON_ARRAY;
        for (const Json *v = is_list ? json_first(name) : name; v;
             v = is_list ? json_next(v) : NULL) {
            if (json_kind(v) == JSON_STRING && slice_eq(json_string(v), text)) return v;
        }
    }
    return NULL;
}

// A model of the suite by its name; SIZE_MAX where there is none.
static size_t find_model(const Suite *suite, Slice name)
{
    size_t i = 0;
    while (i < suite->n_models && !slice_eq(suite->models[i].name, name)) i++;
    return i < suite->n_models ? i : SIZE_MAX;
}

Status suite_find_saved(const SuiteReading *reading, const Json *at, Slice name, const char *what,
                        const char **path, Error *err)
{
    const Suite *suite = reading->suite;
    const size_t named = find_model(suite, name);
    if (named != SIZE_MAX) {
        const SuiteModel *model = &suite->models[named];
        if (model->kind != SUITE_MODEL_SAVED || model->does_tune) {
            return json_error(
                at, err,
                "the model \"" SLICE_FMT "\" is tuned here, but %s is done learning: tune it "
                "in a suite of its own (\"folds\": {\"final\": DIR}), then give it here with "
                "\"tune\": false",
                SLICE_ARG(model->name), what);
        }
        *path = model->path;
        return STATUS_OK;
    }
    TRY(suite_resolve_path(reading, at, reading->edited->name, path, err));
    if (reading->without_files || file_is_directory(*path) || checkpoint_is_gguf(*path))
        return STATUS_OK;
    return json_error(at, err,
                      "%s %s; %s is a directory with config.json and model.safetensors, a GGUF "
                      "file, or the name of a model of the suite",
                      *path, file_exists(*path) ? "is no directory" : "is not there", what);
}

static Status find_all(const SuiteReading *reading, const Json *tune, SuiteModel *model, Error *err)
{
    TuneSetting *settings = NULL;
    TRY(arena_take(&reading->suite->arena, model->n_settings, sizeof *settings, "settings",
                   &settings, err));
    for (size_t i = 0; i < model->n_settings; i++) {
        settings[i] = model->settings[i];
        if (settings[i].teacher.len == 0) continue;
        const Json *at = suite_text_in(tune, "distill", "teacher", settings[i].teacher);
        if (!at) return error_set(err, STATUS_INTERNAL, "a setting's teacher is named nowhere");
        TRY(suite_find_saved(reading, at, settings[i].teacher, "a teacher",
                             &settings[i].teacher_path, err));
    }
    model->settings = settings;
    return STATUS_OK;
}

Status suite_find_teachers(const SuiteReading *reading, const Json *root, Error *err)
{
    const Json *list = json_get(root, "models");
    for (size_t i = 0; i < reading->suite->n_models; i++) {
        SuiteModel *model = &reading->suite->models[i];
        const Json *tune = json_get(json_at(list, i), "tune");
        if (!tune || json_kind(tune) == JSON_NULL) tune = json_get(root, "tune");
        if (model->does_tune) TRY(find_all(reading, tune, model, err));
    }
    return STATUS_OK;
}
