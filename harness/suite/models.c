// The models of a suite.
#include "base/file.h"
#include "harness/suite/suite_internal.h"
#include "models/architecture.h"
#include "models/checkpoint.h"

enum { MAX_NAME_BYTES = 200 };

// What design has and this version has not, with what serves instead.
static const struct {
    const char *key, *instead;
} later[] = {
    {"endpoint", "models behind an endpoint are not in this version; give a directory as \"path\""},
    {"predictions", "recorded predictions are not in this version; give a directory as \"path\""},
    {"command", "models behind a command are not in this version; give a directory as \"path\""},
};

static Status refuse_later(const Json *object, Error *err)
{
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        const Json *value = json_get(object, later[i].key);
        if (value) return json_error(value, err, "%s", later[i].instead);
    }
    return STATUS_OK;
}

static bool writes(const SuiteCreate *create)
{
    const Architecture *architecture = architecture_find(create->architecture);
    return architecture && (architecture_class(architecture, HEAD_SEQ2SEQ) ||
                            architecture_class(architecture, HEAD_CAUSAL_LM));
}

static Status read_create(const SuiteReading *reading, const Json *object, SuiteCreate *create,
                          Error *err)
{
    Arena *arena = &reading->suite->arena;
    section_defaults(&section_create, create);
    TRY(section_read(&section_create, object, arena, create, err));
    if (create->hidden_size % create->n_heads != 0) {
        return json_error(object, err, "hidden_size %zu is no multiple of n_heads %zu",
                          create->hidden_size, create->n_heads);
    }
    if (create->tokenizer.len == 0)
        create->tokenizer = writes(create) ? SLICE("bpe") : SLICE("wordpiece");
    Buffer text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_begin_object(&w);
    section_write(&section_create, create, &w);
    json_end_object(&w);
    Status s = buffer_status(&text, err);
    if (s == STATUS_OK) s = suite_copy(reading, buffer_slice(&text), &create->json, err);
    buffer_release(&text);
    return s;
}

static Status read_source(const SuiteReading *reading, const Json *object, SuiteModel *model,
                          Error *err)
{
    const Json *path = json_get(object, "path"), *create = NULL;
    TRY(json_opt_kind(object, "create", JSON_OBJECT, &create, err));
    if (path && create) return json_error(object, err, "give \"path\" or \"create\", not both");
    if (create) {
        model->kind = SUITE_MODEL_CREATE;
        return read_create(reading, create, &model->create, err);
    }
    TRY(suite_read_path(reading, object, "path", reading->edited->name, &model->path, err));
    if (reading->without_files) return STATUS_OK;
    if (!model->path) {
        return json_error(object, err,
                          "the model \"" SLICE_FMT
                          "\" has no path; write one, or give --model " SLICE_FMT "=DIRECTORY",
                          SLICE_ARG(model->name), SLICE_ARG(model->name));
    }
    if (file_is_directory(model->path) || checkpoint_is_gguf(model->path)) return STATUS_OK;
    return json_error(
        path, err, "%s %s; want a directory with config.json and model.safetensors, or a GGUF file",
        model->path, file_exists(model->path) ? "is no directory" : "is not there");
}

static Status check_name(const SuiteReading *reading, const Json *object, size_t index, Error *err)
{
    const SuiteModel *models = reading->suite->models;
    const Slice name = models[index].name;
    if (name.len == 0) return json_error(object, err, "the key \"name\" is missing or empty");
    if (name.len > MAX_NAME_BYTES) {
        return json_error(object, err, "the name has %zu bytes; at most %d are allowed", name.len,
                          MAX_NAME_BYTES);
    }
    for (size_t i = 0; i < index; i++) {
        if (!slice_eq(models[i].name, name)) continue;
        return json_error(object, err, "two models are called \"" SLICE_FMT "\"", SLICE_ARG(name));
    }
    return STATUS_OK;
}

// The one setting of a model that is not tuned.
static Status untuned(const SuiteReading *reading, SuiteModel *model, Error *err)
{
    TuneSetting *setting = NULL;
    TRY(arena_take(&reading->suite->arena, 1, sizeof *setting, "a setting", &setting, err));
    section_defaults(&section_tune, setting);
    setting->dropout = -1;
    setting->json = SLICE("{}");
    model->settings = setting;
    model->n_settings = 1;
    return STATUS_OK;
}

// The model's own way to compute goes into each of its settings.
static Status put_compute(const SuiteReading *reading, const Json *object, SuiteModel *model,
                          Error *err)
{
    Arena *arena = &reading->suite->arena;
    TuneSetting *settings = NULL;
    if (model->compute.len == 0) return STATUS_OK;
    TRY(arena_take(arena, model->n_settings, sizeof *settings, "settings", &settings, err));
    for (size_t i = 0; i < model->n_settings; i++) {
        settings[i] = model->settings[i];
        if (settings[i].compute.len > 0) {
            return json_error(
                object, err,
                "\"compute\" stands both here and in the \"tune\" block; leave one out");
        }
        settings[i].compute = model->compute;
        if (model->does_tune) {
            TRY(tune_write_canonical(&settings[i], arena, err));
            continue;
        }
        settings[i].json = slice_from_cstr(
            arena_printf(arena, "{\"compute\":\"" SLICE_FMT "\"}", SLICE_ARG(model->compute)));
        if (!settings[i].json.ptr) return error_set_memory(err, 1, 1, "a setting");
    }
    model->settings = settings;
    return STATUS_OK;
}

// How a model that is judged as saved was tuned.
static Status read_note(const SuiteReading *reading, const Json *object, SuiteModel *model,
                        Error *err)
{
    ModelNote *note = NULL;
    Error wrong = {0};
    if (!model->path || reading->without_files) return STATUS_OK;
    TRY(arena_take(&reading->suite->arena, 1, sizeof *note, "a note", &note, err));
    model->note = note;
    if (note_read(model->path, &reading->suite->arena, note, &wrong) == STATUS_OK) return STATUS_OK;
    return json_error(object, err, "%s", wrong.text);
}

static Status read_settings(const SuiteReading *reading, const Json *root, const Json *object,
                            SuiteModel *model, Error *err)
{
    const Json *tune = json_get(object, "tune");
    if (!tune || json_kind(tune) == JSON_NULL) tune = json_get(root, "tune");
    // "tune": false, in the suite or in the model: judged as saved.
    const bool is_off = tune && json_kind(tune) == JSON_BOOL && !json_bool(tune);
    model->does_tune = tune && json_kind(tune) != JSON_NULL && !is_off;
    if (model->does_tune && model->path && checkpoint_is_gguf(model->path)) {
        return json_error(object, err,
                          "%s: a GGUF file is judged as saved (\"tune\": false); to tune it make a "
                          "folder of it: assay quantize FILE --to f32 -o FOLDER",
                          model->path);
    }
    if (model->does_tune) {
        return tune_grid_read(&reading->suite->arena, tune, &reading->suite->search,
                              &model->settings, &model->n_settings, err);
    }
    TRY(read_note(reading, object, model, err));
    if (model->kind == SUITE_MODEL_CREATE) {
        return json_error(
            object, err,
            "a fresh model knows nothing: give the suite or this model a \"tune\" block");
    }
    return untuned(reading, model, err);
}

// A tune block that no model uses, since each has its own: checked none the less, so that a mistake in it does not lie in
// wait, and not to be changed in vain.
static Status check_unused_tune(const SuiteReading *reading, const Json *root, size_t n_users,
                                Error *err)
{
    const Json *tune = json_get(root, "tune");
    const TuneSetting *settings;
    size_t n;
    if (!tune || json_kind(tune) == JSON_NULL || n_users > 0) return STATUS_OK;
    TRY(tune_grid_read(&reading->suite->arena, tune, &reading->suite->search, &settings, &n, err));
    for (const Json *v = json_first(tune); v; v = json_next(v)) {
        if (!overrides_gave(reading->edited, v)) continue;
        return json_error(v, err,
                          "this changes nothing: every model has a \"tune\" block of its own; set "
                          "models.NAME.tune." SLICE_FMT " instead",
                          SLICE_ARG(json_key(v)));
    }
    return STATUS_OK;
}

static Status read_model(const SuiteReading *reading, const Json *root, const Json *object,
                         size_t index, Error *err)
{
    SuiteModel *model = &reading->suite->models[index];
    TRY(refuse_later(object, err));
    TRY(section_read(&section_model, object, &reading->suite->arena, model, err));
    TRY(check_name(reading, object, index, err));
    TRY(read_source(reading, object, model, err));
    TRY(read_settings(reading, root, object, model, err));
    return put_compute(reading, object, model, err);
}

Status suite_read_models(const SuiteReading *reading, const Json *root, Error *err)
{
    size_t n_users = 0; // of the suite's tune block
    Suite *suite = reading->suite;
    const Json *list = NULL;
    TRY(json_opt_kind(root, "models", JSON_ARRAY, &list, err));
    if ((!list || json_len(list) == 0) && !reading->without_files) {
        return json_error(list ? list : root, err,
                          "the suite has no models; name one, or give --model NAME=DIRECTORY");
    }
    const size_t n = list ? json_len(list) : 0;
    TRY(arena_take(&suite->arena, n, sizeof *suite->models, "models", &suite->models, err));
    for (size_t i = 0; i < n; i++) {
        const Json *object = json_at(list, i);
        TRY(read_model(reading, root, object, i, err));
        const Json *own = json_get(object, "tune");
        n_users += !own || json_kind(own) == JSON_NULL;
        suite->n_models++;
    }
    return check_unused_tune(reading, root, n_users, err);
}

static Status find_files(const SuiteReading *reading, const Json *tune, SuiteModel *model,
                         Error *err)
{
    TuneSetting *settings = NULL;
    TRY(suite_check_augment(tune, err));
    TRY(arena_take(&reading->suite->arena, model->n_settings, sizeof *settings, "settings",
                   &settings, err));
    for (size_t i = 0; i < model->n_settings; i++) {
        settings[i] = model->settings[i];
        TRY(suite_find_teacher(reading, tune, model, &settings[i], err));
        TRY(suite_find_augment(reading, tune, &settings[i], err));
    }
    model->settings = settings;
    return STATUS_OK;
}

Status suite_find_files(const SuiteReading *reading, const Json *root, Error *err)
{
    const Json *list = json_get(root, "models");
    for (size_t i = 0; i < reading->suite->n_models; i++) {
        SuiteModel *model = &reading->suite->models[i];
        const Json *tune = json_get(json_at(list, i), "tune");
        if (!tune || json_kind(tune) == JSON_NULL) tune = json_get(root, "tune");
        if (model->does_tune) TRY(find_files(reading, tune, model, err));
    }
    return STATUS_OK;
}
