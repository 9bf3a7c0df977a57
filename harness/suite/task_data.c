// The files of a task: its parts, and the targets of parallel text.
#include "base/file.h"
#include "base/json_source.h"
#include "harness/family.h"
#include "harness/suite/suite_internal.h"

static Status check_file(const SuiteReading *reading, const Json *at, const char *path, Error *err)
{
    if (reading->without_files || !path || (file_exists(path) && !file_is_directory(path)))
        return STATUS_OK;
    return json_error(at, err, "%s %s; want a file", path,
                      file_exists(path) ? "is a directory" : "is not there");
}

static bool is_parallel(const SuiteTask *task)
{
    return slice_eq_cstr(task->read.format, "parallel");
}

// One path or a list of them.
static Status read_target_paths(const SuiteReading *reading, const Json *value, SuiteTargets *out,
                                Error *err)
{
    const bool is_list = json_kind(value) == JSON_ARRAY;
    const size_t n = is_list ? json_len(value) : 1;
    Slice *paths = NULL;
    if (n == 0) return json_error(value, err, "found an empty list, want a path or paths");
    TRY(arena_take(&reading->suite->arena, n, sizeof *paths, "paths", &paths, err));
    for (size_t i = 0; i < n; i++) {
        const Json *at = is_list ? json_at(value, i) : value;
        const char *path = NULL;
        TRY(suite_resolve_path(reading, at, reading->edited->name, &path, err));
        TRY(check_file(reading, at, path, err));
        paths[i] = slice_from_cstr(path);
    }
    *out = (SuiteTargets){paths, n};
    return STATUS_OK;
}

// The file beside the source's that columns.target names.
static Status find_target_path(const SuiteReading *reading, const Json *at, const char *source,
                               const SuiteTask *task, SuiteTargets *out, Error *err)
{
    Slice *path = NULL;
    Error wrong = {0};
    TRY(arena_take(&reading->suite->arena, 1, sizeof *path, "a path", &path, err));
    const Status s = parallel_target_path(&reading->suite->arena, slice_from_cstr(source),
                                          &task->read.columns, path, &wrong);
    if (s != STATUS_OK) return suite_error_at(at, s, &wrong, err);
    if (!reading->without_files && !file_exists(path->ptr))
        return json_error(at, err, "%s is not there: it should have the targets of %s", path->ptr,
                          source);
    *out = (SuiteTargets){path, 1};
    return STATUS_OK;
}

static Status find_targets(const SuiteReading *reading, const Json *object, SuiteTask *task,
                           Error *err)
{
    const Json *data = json_get(object, "data");
    const struct {
        const char *key;
        const char *source;
        SuiteTargets *targets;
    } parts[] = {{"train_target", task->train, &task->train_targets},
                 {"valid_target", task->valid, &task->valid_targets},
                 {"test_target", task->test, &task->test_targets}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const Json *value =
            data && json_kind(data) == JSON_OBJECT ? json_get(data, parts[i].key) : NULL;
        if (value && json_kind(value) != JSON_NULL) {
            if (!is_parallel(task))
                return json_error(
                    value, err,
                    "only parallel text has files of targets: \"format\": \"parallel\"");
            if (!parts[i].source)
                return json_error(value, err, "these are targets of a part without sources");
            TRY(read_target_paths(reading, value, parts[i].targets, err));
        } else if (is_parallel(task) && parts[i].source) {
            TRY(find_target_path(reading, data ? data : object, parts[i].source, task,
                                 parts[i].targets, err));
        }
    }
    return STATUS_OK;
}

static Status read_part_paths(const SuiteReading *reading, const Json *data, SuiteTask *task,
                              Error *err)
{
    const struct {
        const char *key;
        const char **path;
    } parts[] = {{"train", &task->train}, {"valid", &task->valid}, {"test", &task->test}};
    TRY(section_check_keys(&section_data, data, err));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        TRY(suite_read_path(reading, data, parts[i].key, reading->edited->name, parts[i].path,
                            err));
        TRY(check_file(reading, json_get(data, parts[i].key), *parts[i].path, err));
    }
    return STATUS_OK;
}

static Status find_parts(const SuiteReading *reading, const Json *at, const char *folder,
                         SuiteTask *task, Error *err)
{
    const struct {
        const char *part;
        const char **path;
    } parts[] = {{"train", &task->train}, {"dev", &task->valid}, {"test", &task->test}};
    const Slice end = is_parallel(task) ? task->read.columns.text : (Slice){0};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char *found = NULL;
        Error wrong = {0};
        const Status s =
            dataset_find_part(&reading->suite->arena, folder, parts[i].part, end, &found, &wrong);
        if (s == STATUS_NOT_FOUND) continue;
        if (s != STATUS_OK) return suite_error_at(at, s, &wrong, err);
        *parts[i].path = found;
    }
    if (task->train || task->valid || task->test) return STATUS_OK;
    return json_error(at, err, "%s has no file that is named for train, dev or test", folder);
}

static Status read_data(const SuiteReading *reading, const Json *object, SuiteTask *task,
                        Error *err)
{
    const Json *data = json_get(object, "data");
    const char *path = NULL;
    if (!data || json_kind(data) == JSON_NULL) {
        if (reading->without_files) return STATUS_OK;
        return json_error(object, err,
                          "the task \"" SLICE_FMT
                          "\" has no data; write some, or give --data " SLICE_FMT "=PATH",
                          SLICE_ARG(task->name), SLICE_ARG(task->name));
    }
    if (json_kind(data) == JSON_OBJECT) return read_part_paths(reading, data, task, err);
    if (json_kind(data) != JSON_STRING) {
        return json_error(data, err, "found %s, want a path, or an object with train, valid, test",
                          json_kind_name(json_kind(data)));
    }
    TRY(suite_resolve_path(reading, data, reading->edited->name, &path, err));
    if (reading->without_files) return STATUS_OK;
    if (file_is_directory(path)) return find_parts(reading, data, path, task, err);
    // A task that asks models as they are saved has nothing to learn from.
    if (family_learns(task))
        task->train = path;
    else
        task->test = path;
    return check_file(reading, data, path, err);
}

// Which parts are needed, by what the suite does with them.
static Status check_parts(const SuiteReading *reading, const Json *object, const SuiteTask *task,
                          Error *err)
{
    const Suite *suite = reading->suite;
    const Json *data = json_get(object, "data");
    const Json *at = data ? data : object;
    bool does_tune = false;
    if (reading->without_files) return STATUS_OK;
    for (size_t i = 0; i < suite->n_models; i++) does_tune |= suite->models[i].does_tune;
    if (does_tune && !task->train) return json_error(at, err, "tuning needs a train file");
    if (suite->folds.k > 0 || task->test || task->valid) return STATUS_OK;
    return json_error(
        at, err,
        "there is nothing to judge on: give a test file (or valid), or split train with "
        "\"folds\": {\"k\": 5}");
}

Status task_read_data(const SuiteReading *reading, const Json *object, SuiteTask *task, Error *err)
{
    TRY(read_data(reading, object, task, err));
    TRY(find_targets(reading, object, task, err));
    return check_parts(reading, object, task, err);
}
