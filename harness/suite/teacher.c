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

size_t suite_tuned_teacher(const Suite *suite, const TuneSetting *setting)
{
    return setting->teacher_is_tuned ? find_model(suite, setting->teacher) : SIZE_MAX;
}

// A model that is tuned here teaches where it does not wait for another itself.
static Status check_tuned(const Suite *suite, const Json *at, const SuiteModel *teacher,
                          const SuiteModel *learner, Error *err)
{
    if (teacher == learner)
        return json_error(at, err, "a model cannot be its own teacher: name another one");
    for (size_t i = 0; i < teacher->n_settings; i++) {
        const size_t other = find_model(suite, teacher->settings[i].teacher);
        if (teacher->settings[i].teacher.len == 0 || other == SIZE_MAX ||
            !suite->models[other].does_tune)
            continue;
        return json_error(at, err,
                          "the model \"" SLICE_FMT "\" learns from \"" SLICE_FMT
                          "\", which is tuned here too: a teacher that is tuned here learns from "
                          "labels, or from a saved model",
                          SLICE_ARG(teacher->name), SLICE_ARG(suite->models[other].name));
    }
    return STATUS_OK;
}

Status suite_find_teacher(const SuiteReading *reading, const Json *tune, const SuiteModel *learner,
                          TuneSetting *setting, Error *err)
{
    if (setting->teacher.len == 0) return STATUS_OK;
    const Json *at = suite_text_in(tune, "distill", "teacher", setting->teacher);
    if (!at) return error_set(err, STATUS_INTERNAL, "a setting's teacher is named nowhere");
    const size_t named = find_model(reading->suite, setting->teacher);
    setting->teacher_is_tuned = named != SIZE_MAX && reading->suite->models[named].does_tune;
    if (setting->teacher_is_tuned)
        return check_tuned(reading->suite, at, &reading->suite->models[named], learner, err);
    return suite_find_saved(reading, at, setting->teacher, "a teacher", &setting->teacher_path,
                            err);
}
