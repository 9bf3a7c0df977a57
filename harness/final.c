// harness/final.c: the model tuned on all data, in a directory that other tools load.
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "harness/execute_internal.h"

const char *final_directory(const Suite *suite, int model, size_t task, Arena *arena)
{
    if (suite->n_models == 1 && suite->n_tasks == 1)
        return arena_printf(arena, "%s", suite->folds.final_path);
    char *path =
        arena_printf(arena, "%s/" SLICE_FMT "-" SLICE_FMT, suite->folds.final_path,
                     SLICE_ARG(suite->models[model].name), SLICE_ARG(suite->tasks[task].name));
    if (path == NULL) return NULL;
    for (char *at = path + strlen(suite->folds.final_path) + 1; *at != '\0'; at++) {
        if (*at == '/') *at = '_'; // a name is no path
    }
    return path;
}

// Which trial made the model in a directory; false where none did. A run that finds its own there does not make it again.
static bool noted_trial(const char *directory, Arena *arena, Slice *id)
{
    JsonDocument *document = NULL;
    Slice text = {0};
    const char *path = file_join(arena, slice_from_cstr(directory), slice_from_cstr(note_name));
    if (path && file_exists(path) && json_load(path, JSON_STRICT, &document, NULL) == STATUS_OK &&
        json_kind(json_root(document)) == JSON_OBJECT &&
        json_opt_string(json_root(document), "trial", &text, NULL) == STATUS_OK)
        *id = arena_copy(arena, text);
    json_close(&document);
    return text.len > 0 && id->ptr != NULL;
}

bool final_is_saved(const Suite *suite, int model, size_t task, Slice trial_id)
{
    Arena arena = {0};
    Slice id = {0};
    const char *directory = final_directory(suite, model, task, &arena);
    const bool saved = directory && noted_trial(directory, &arena, &id) && slice_eq(id, trial_id);
    arena_release(&arena);
    return saved;
}

// A directory with a model that no final trial made is somebody's: it is not written over.
static Status check_directory(const char *directory, Arena *arena, Error *err)
{
    Slice ignored = {0};
    const char *config = file_join(arena, slice_from_cstr(directory), SLICE("config.json"));
    if (!config) return error_set_memory(err, strlen(directory), 1, "a path");
    if (file_exists(config) && !noted_trial(directory, arena, &ignored)) {
        return error_set(err, STATUS_INVALID,
                         "%s: there is a model here that assay run did not make; name another "
                         "directory in \"final\"",
                         directory);
    }
    return STATUS_OK;
}

// How the model was tuned, for who uses it.
static ModelNote note_of(const Executor *executor, const Work *work)
{
    const Prepared *prepared = executor->options.prepared;
    const TrialSpec *spec = &work->spec;
    const SuiteTask *task = &executor->options.suite->tasks[spec->task];
    const TaskData *data = &prepared->tasks[spec->task];
    const Tokens *tokens =
        prepared_tokens(prepared, (size_t)spec->model, spec->task, PART_TRAIN, spec->setting);
    const double threshold =
        task->tunes_null_threshold ? work->null_threshold : task->null_threshold;
    return task_note(task, data, tokens ? tokens->max_length : 0,
                     prepared_by_prompt(prepared, (size_t)spec->model, spec->task),
                     isnan(threshold) ? 0 : threshold);
}

Status final_save(const Executor *executor, const Work *work, Arena *arena, Error *err)
{
    const Suite *suite = executor->options.suite;
    const TrialSpec *spec = &work->spec;
    const char *directory = final_directory(suite, spec->model, spec->task, arena);
    if (directory == NULL) return error_set_memory(err, 1, 1, "a path");
    TRY(check_directory(directory, arena, err));
    TRY(file_make_directories(directory, err));
    TRY(model_save(executor->model, directory, err));
    const ModelNote note = note_of(executor, work);
    Buffer buffer = {0};
    JsonWriter w = json_writer(&buffer, 2);
    json_begin_object(&w);
    note_put(&note, &w);
    json_member_raw(&w, "setting", suite->models[spec->model].settings[spec->setting].json);
    json_member_string(&w, "suite", suite->name);
    json_member_string(&w, "task", suite->tasks[spec->task].name);
    json_member_cstr(&w, "trial", work->id);
    json_end_object(&w);
    buffer_append_byte(&buffer, '\n');
    const char *path = file_join(arena, slice_from_cstr(directory), slice_from_cstr(note_name));
    Status s = path ? buffer_status(&buffer, err) : error_set_memory(err, 1, 1, "a path");
    if (s == STATUS_OK) s = file_write(path, buffer_slice(&buffer), err);
    buffer_release(&buffer);
    return s;
}
