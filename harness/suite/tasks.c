// The tasks of a suite, and task definitions.
#include <math.h>

#include "base/json_source.h"
#include "harness/family.h"
#include "harness/suite/suite_internal.h"

enum { MAX_NAME_BYTES = 200 };

// ---- rows of section_shared ----

Status task_read_null_threshold(const Json *value, Arena *arena, void *target, Error *err)
{
    (void)arena;
    SuiteTask *task = target;
    task->null_threshold = 0;
    task->tunes_null_threshold =
        json_kind(value) == JSON_STRING && slice_eq_cstr(json_string(value), "tune");
    if (task->tunes_null_threshold) return STATUS_OK;
    if (json_kind(value) == JSON_NUMBER)
        return json_as_double(value, -1000, 1000, &task->null_threshold, err);
    return json_error(value, err, "found %s, want a number from -1000 to 1000, or \"tune\"",
                      json_kind(value) == JSON_STRING ? "another text"
                                                      : json_kind_name(json_kind(value)));
}

Status task_read_slices(const Json *value, Arena *arena, void *target, Error *err)
{
    SuiteTask *task = target;
    Slice *names = NULL;
    if (json_kind(value) != JSON_ARRAY)
        return json_error(value, err, "found %s, want a list of attributes such as [\"gender\"]",
                          json_kind_name(json_kind(value)));
    TRY(arena_take(arena, json_len(value), sizeof *names, "attributes", &names, err));
    for (size_t i = 0; i < json_len(value); i++)
        TRY(json_as_string(json_at(value, i), &names[i], err));
    task->has_slices = true;
    task->slices = names;
    task->n_slices = json_len(value);
    return STATUS_OK;
}

// ---- reading of files ----

static void merge_slice(Slice own, Slice *into)
{
    if (own.ptr) *into = own;
}

// What the object says takes the place of what stood there.
static void merge_read(const Json *object, const ReadOptions *own, ReadOptions *into)
{
    merge_slice(own->format, &into->format);
    merge_slice(own->columns.text, &into->columns.text);
    merge_slice(own->columns.pair, &into->columns.pair);
    merge_slice(own->columns.label, &into->columns.label);
    merge_slice(own->columns.id, &into->columns.id);
    merge_slice(own->columns.group, &into->columns.group);
    merge_slice(own->columns.target, &into->columns.target);
    merge_slice(own->labels_path, &into->labels_path);
    if (own->columns.choices) {
        into->columns.choices = own->columns.choices;
        into->columns.n_choices = own->columns.n_choices;
    }
    if (own->columns.attributes) {
        into->columns.attributes = own->columns.attributes;
        into->columns.n_attributes = own->columns.n_attributes;
    }
    if (own->columns.labels || own->columns.label.len > 0) {
        into->columns.labels = own->columns.labels;
        into->columns.n_labels = own->columns.n_labels;
    }
    merge_slice(own->label_separator, &into->label_separator);
    if (json_get(object, "header")) into->header = own->header;
    if (own->delimiter) into->delimiter = own->delimiter;
    if (json_get(object, "encoding")) into->encoding = own->encoding;
    if (json_get(object, "empty_sides")) into->empty_sides = own->empty_sides;
    if (json_get(object, "bad_answers")) into->bad_answers = own->bad_answers;
    if (json_get(object, "items")) into->items = own->items;
    if (own->labels) {
        into->labels = own->labels;
        into->n_labels = own->n_labels;
    }
}

static Status check_labels(const Json *object, const SuiteTask *task, Error *err)
{
    const Json *list = json_get(object, "labels");
    const bool has_set = family_find(task->family)->has_label_set;
    if (task->read.columns.n_labels > 0 && !has_set)
        return json_error(
            object, err,
            "several columns of labels are for \"multilabel\" tasks: name the one of a "
            "\"" SLICE_FMT "\" task",
            SLICE_ARG(task->family));
    if (!list) return STATUS_OK;
    if (task->read.n_labels < (has_set ? 1 : 2))
        return json_error(list, err, "a task needs at least %s",
                          has_set ? "one label" : "two classes");
    for (size_t i = 0; i < task->read.n_labels; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!slice_eq(task->read.labels[i], task->read.labels[j])) continue;
            return json_error(json_at(list, i), err, "the class \"" SLICE_FMT "\" stands twice",
                              SLICE_ARG(task->read.labels[i]));
        }
    }
    return STATUS_OK;
}

static void note_what_is_said(const Json *object, SuiteTask *task)
{
    static const struct {
        const char *key;
        unsigned bit;
    } keys[] = {{"prepare", SAYS_PREPARE},
                {"decode", SAYS_DECODE},
                {"doc_stride", SAYS_DOC_STRIDE},
                {"max_answer", SAYS_MAX_ANSWER},
                {"null_threshold", SAYS_NULL_THRESHOLD},
                {"threshold", SAYS_THRESHOLD}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const Json *value = json_get(object, keys[i].key);
        if (value && json_kind(value) != JSON_NULL) task->says |= keys[i].bit;
    }
}

// Reads what a task in a suite and a definition share. file: in which the object stands.
static Status read_shared(const SuiteReading *reading, const Json *object, Slice file,
                          SuiteTask *task, Error *err)
{
    Arena *arena = &reading->suite->arena;
    ReadOptions own = {0};
    const char *labels_file = NULL;
    TRY(read_options_parse(object, arena, &own, err));
    TRY(suite_read_path(reading, object, "labels_file", file, &labels_file, err));
    if (labels_file) own.labels_path = slice_from_cstr(labels_file);
    merge_read(object, &own, &task->read);
    note_what_is_said(object, task);
    TRY(check_labels(object, task, err));
    TRY(suite_read_prompt(reading, object, task, err));
    TRY(suite_read_zero_shot(reading, object, task, err));
    const Json *metrics = json_get(object, "metrics");
    if (!metrics || json_kind(metrics) == JSON_NULL) return STATUS_OK;
    if (!json_get(object, "primary")) task->primary = (Slice){0};
    return task_read_metrics(reading, metrics, file, task, err);
}

static Status read_definition(const SuiteReading *reading, const Json *use, SuiteTask *task,
                              Error *err)
{
    Arena *arena = &reading->suite->arena;
    const char *path = NULL;
    JsonDocument *document = NULL;
    Slice name;
    TRY(json_as_string(use, &name, err));
    TRY(suite_find_named(reading, use, "tasks", "task definition", name, &path, err));
    TRY(json_load(path, JSON_COMMENTS, &document, err));
    TRY(suite_keep_document(reading, document, err));
    const Json *root = json_root(document);
    TRY(section_read(&section_definition, root, arena, task, err));
    TRY(json_want_string(root, "task", &name, err));
    return read_shared(reading, root, slice_from_cstr(path), task, err);
}

// ---- tasks ----

static Status check_folds(const SuiteReading *reading, const Json *root, const Json *object,
                          const SuiteTask *task, Error *err)
{
    const SuiteFolds *folds = &reading->suite->folds;
    const bool is_grouped = folds->kind == FOLDS_GROUPED || folds->kind == FOLDS_STRATIFIED_GROUPED;
    // Questions have their article for a group, without a column.
    if (is_grouped && folds->k > 0 && task->read.columns.group.len == 0 &&
        !slice_eq_cstr(task->family, "span")) {
        return json_error(object, err,
                          "grouped folds need a column of groups: give the task \"columns\": "
                          "{\"group\": NAME}");
    }
    const Json *file = json_get(json_get(root, "folds"), "file");
    if (folds->file && json_len(json_get(root, "tasks")) > 1) {
        return json_error(file, err, "a file pins the folds of one task, but the suite has %zu",
                          json_len(json_get(root, "tasks")));
    }
    return STATUS_OK;
}

static Status check_name(const Suite *suite, const Json *object, size_t index, Error *err)
{
    const Slice name = suite->tasks[index].name;
    if (name.len == 0) {
        return json_error(object, err, "a task needs \"use\" (a definition) or \"name\"");
    }
    if (name.len > MAX_NAME_BYTES) {
        return json_error(object, err, "the name has %zu bytes; at most %d are allowed", name.len,
                          MAX_NAME_BYTES);
    }
    for (size_t i = 0; i < index; i++) {
        if (!slice_eq(suite->tasks[i].name, name)) continue;
        return json_error(object, err,
                          "two tasks are called \"" SLICE_FMT "\"; give one another \"name\"",
                          SLICE_ARG(name));
    }
    return STATUS_OK;
}

static Status read_task(const SuiteReading *reading, const Json *root, const Json *object,
                        size_t index, Error *err)
{
    Suite *suite = reading->suite;
    SuiteTask *task = &suite->tasks[index];
    TRY(section_check_keys(&section_task, object, err));
    const Json *use = json_get(object, "use");
    section_defaults(&section_task, task);
    task->length_penalty = NAN;
    if (use && json_kind(use) != JSON_NULL) TRY(read_definition(reading, use, task, err));
    TRY(section_read(&section_task, object, &suite->arena, task, err));
    TRY(check_name(suite, object, index, err));
    TRY(read_shared(reading, object, reading->edited->name, task, err));
    TRY(suite_check_prepare(object, task, err));
    TRY(suite_check_augments(reading, object, task, err));
    TRY(task_complete_metrics(reading, object, task, err));
    TRY(task_read_data(reading, object, task, err));
    TRY(suite_check_prompt(reading, object, task, err));
    return check_folds(reading, root, object, task, err);
}

Status suite_read_tasks(const SuiteReading *reading, const Json *root, Error *err)
{
    Suite *suite = reading->suite;
    const Json *list = NULL;
    TRY(json_opt_kind(root, "tasks", JSON_ARRAY, &list, err));
    if ((!list || json_len(list) == 0) && !reading->without_files) {
        return json_error(list ? list : root, err,
                          "the suite has no tasks; name one, or give --data NAME=PATH");
    }
    const size_t n = list ? json_len(list) : 0;
    TRY(arena_take(&suite->arena, n, sizeof *suite->tasks, "tasks", &suite->tasks, err));
    for (size_t i = 0; i < n; i++) {
        TRY(read_task(reading, root, json_at(list, i), i, err));
        suite->n_tasks++;
    }
    return STATUS_OK;
}
