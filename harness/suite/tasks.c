// The tasks of a suite, and task definitions.
#include <math.h>

#include "base/file.h"
#include "base/json_source.h"
#include "harness/family.h"
#include "harness/suite/suite_internal.h"
#include "metrics/metrics_list.h"

enum { MAX_NAME_BYTES = 200 };

// --- metrics -------------------------------------------------------------------------------------------------------

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

static Status check_gives(const Json *at, const SuiteTask *task, const Metric *metric, Error *err)
{
    const unsigned gives = family_gives(task);
    if (!(metric->needs & ~gives)) return STATUS_OK;
    return json_error(at, err, "%s is no metric for a \"" SLICE_FMT "\" task%s: %s", metric->name,
                      SLICE_ARG(task->family),
                      gives == family_find(task->family)->gives ? ""
                                                                : " whose questions have choices",
                      metric->summary);
}

static Status check_metric(const Json *at, const SuiteTask *task, const Metric *metric, Error *err)
{
    TRY(check_gives(at, task, metric, err));
    if ((metric->needs & NEEDS_PROMPTS) && !task->prompt.is_given)
        return json_error(at, err, "%s is a metric for tasks with a \"prompt\"", metric->name);
    for (size_t i = 0; i < task->n_metrics; i++) {
        if (task->metrics[i].metric == metric) {
            return json_error(at, err, "%s stands twice among the metrics", metric->name);
        }
    }
    return STATUS_OK;
}

// Options of metrics need the labels to be read in full; keys are checked in any case.
static Status check_params(const SuiteReading *reading, const SuiteTask *task, Slice file,
                           SuiteMetric *m, Error *err)
{
    size_t n = 0;
    MetricPlan plan;
    static const char *const none[] = {NULL};
    const char *const *known = m->metric->params ? m->metric->params : none;
    while (known[n]) n++;
    TRY(json_check_keys(m->params, known, n, err));
    if (m->metric == &metric_bleu) {
        TRY(suite_read_pieces(reading, file, m, err));
    }
    if (task->read.n_labels == 0) return STATUS_OK;
    const MetricSetup setup = {.labels = task->read.labels,
                               .n_labels = task->read.n_labels,
                               .params = m->params,
                               .splitter = m->splitter,
                               .has_rows = reading->without_files};
    return metric_plan(m->metric, &setup, &reading->suite->arena, &plan, err);
}

static Status read_metric(const SuiteReading *reading, const Json *value, Slice file,
                          SuiteTask *task, Error *err)
{
    const SuiteKey *names = section_key(&section_shared, SLICE("metrics"));
    SuiteMetric *m = &task->metrics[task->n_metrics];
    size_t index;
    if (json_kind(value) != JSON_OBJECT) {
        TRY(choice_read(value, names->choice, &index, err));
    } else {
        Slice name;
        TRY(section_check_keys(&section_metric, value, err));
        TRY(json_want_string(value, "name", &name, err));
        TRY(choice_read(json_get(value, "name"), names->choice, &index, err));
        TRY(json_opt_kind(value, "params", JSON_OBJECT, &m->params, err));
    }
    m->metric = metrics_all[index];
    TRY(check_metric(value, task, m->metric, err));
    task->n_metrics++;
    if (!m->params) return STATUS_OK;
    TRY(check_params(reading, task, file, m, err));
    Buffer text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_put_value(&w, m->params);
    Status s = buffer_status(&text, err);
    if (s == STATUS_OK) s = suite_copy(reading, buffer_slice(&text), &m->params_json, err);
    buffer_release(&text);
    return s;
}

static Status read_metrics(const SuiteReading *reading, const Json *list, Slice file,
                           SuiteTask *task, Error *err)
{
    if (json_kind(list) != JSON_ARRAY || json_len(list) == 0) {
        return json_error(list, err, "found %s, want a list of metrics such as [\"accuracy\"]",
                          json_kind(list) == JSON_ARRAY ? "an empty list"
                                                        : json_kind_name(json_kind(list)));
    }
    task->n_metrics = 0;
    TRY(arena_take(&reading->suite->arena, json_len(list), sizeof *task->metrics, "metrics",
                   &task->metrics, err));
    for (const Json *v = json_first(list); v; v = json_next(v)) {
        TRY(read_metric(reading, v, file, task, err));
    }
    return STATUS_OK;
}

static const Metric *metric_of_score(const SuiteTask *task, Slice score)
{
    const Slice name = slice_sub(score, 0, slice_find_byte(score, '/'));
    for (size_t i = 0; i < task->n_metrics; i++) {
        if (slice_eq_cstr(name, task->metrics[i].metric->name)) return task->metrics[i].metric;
    }
    return NULL;
}

static Status check_primary(const Suite *suite, const Json *object, SuiteTask *task, Error *err)
{
    bool does_choose = false;
    const bool learns_texts = family_find(task->family)->learns_texts; // with one setting
    for (size_t i = 0; i < suite->n_models; i++)
        does_choose |= suite->models[i].does_tune && !learns_texts;
    if (task->primary.len == 0) task->primary = slice_from_cstr(task->metrics[0].metric->name);
    const Json *written = json_get(object, "primary");
    const Json *at = written ? written : object;
    const Metric *metric = metric_of_score(task, task->primary);
    if (metric && (metric->direction != NO_DIRECTION || !does_choose)) return STATUS_OK;
    return json_error(at, err, "the primary score \"" SLICE_FMT "\" %s", SLICE_ARG(task->primary),
                      metric ? "is neither better higher nor lower, so nothing can be chosen by it"
                             : "belongs to none of the task's metrics");
}

// A score that early stopping watches must be one of the task's.
static Status check_monitors(const Suite *suite, const Json *object, const SuiteTask *task,
                             Error *err)
{
    for (size_t i = 0; i < suite->n_models; i++) {
        for (size_t j = 0; j < suite->models[i].n_settings; j++) {
            const Slice score = suite->models[i].settings[j].monitor_metric;
            if (score.len == 0 || metric_of_score(task, score)) continue;
            return json_error(object, err,
                              "early stopping watches \"" SLICE_FMT
                              "\", which belongs to none of the "
                              "metrics of task \"" SLICE_FMT "\"",
                              SLICE_ARG(score), SLICE_ARG(task->name));
        }
    }
    return STATUS_OK;
}

// --- reading of files ----------------------------------------------------------------------------------------------

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
    if (!list) return STATUS_OK;
    if (task->read.n_labels < 2) return json_error(list, err, "a task needs at least two classes");
    for (size_t i = 0; i < task->read.n_labels; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!slice_eq(task->read.labels[i], task->read.labels[j])) continue;
            return json_error(json_at(list, i), err, "the class \"" SLICE_FMT "\" stands twice",
                              SLICE_ARG(task->read.labels[i]));
        }
    }
    return STATUS_OK;
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
    TRY(check_labels(object, task, err));
    TRY(suite_read_prompt(reading, object, task, err));
    const Json *metrics = json_get(object, "metrics");
    if (!metrics || json_kind(metrics) == JSON_NULL) return STATUS_OK;
    if (!json_get(object, "primary")) task->primary = (Slice){0};
    return read_metrics(reading, metrics, file, task, err);
}

static Status keep_document(const SuiteReading *reading, JsonDocument *document, Error *err)
{
    struct SuiteDocuments *kept = ARENA_NEW(&reading->suite->arena, struct SuiteDocuments, 1);
    if (!kept) {
        json_close(&document);
        return error_set_memory(err, 1, sizeof *kept, "a suite");
    }
    *kept = (struct SuiteDocuments){document, reading->suite->documents};
    reading->suite->documents = kept;
    return STATUS_OK;
}

static Status read_definition(const SuiteReading *reading, const Json *use, SuiteTask *task,
                              Error *err)
{
    Arena *arena = &reading->suite->arena;
    const char *path = NULL;
    JsonDocument *document = NULL;
    Slice name;
    TRY(json_as_string(use, &name, err));
    if (slice_find_byte(name, '/') != SIZE_MAX) {
        TRY(suite_resolve_path(reading, use, reading->edited->name, &path, err));
    } else {
        Error missing = {0};
        const Slice folder = file_directory_of(reading->suite->path);
        const Status s =
            suite_find(arena, folder, "tasks", "task definition", name, &path, &missing);
        if (s == STATUS_NOT_FOUND) return json_error(use, err, "%s", missing.text);
        if (s != STATUS_OK) {
            if (err) *err = missing;
            return s;
        }
    }
    TRY(json_load(path, JSON_COMMENTS, &document, err));
    TRY(keep_document(reading, document, err));
    const Json *root = json_root(document);
    TRY(section_read(&section_definition, root, arena, task, err));
    TRY(json_want_string(root, "task", &name, err));
    return read_shared(reading, root, slice_from_cstr(path), task, err);
}

// --- data ----------------------------------------------------------------------------------------------------------

static Status check_file(const SuiteReading *reading, const Json *object, const char *key,
                         const char *path, Error *err)
{
    if (reading->without_files || !path || (file_exists(path) && !file_is_directory(path))) {
        return STATUS_OK;
    }
    return json_error(json_get(object, key), err, "%s %s; want a file", path,
                      file_exists(path) ? "is a directory" : "is not there");
}

// ---- parallel text ----

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
        if (!reading->without_files && (!file_exists(path) || file_is_directory(path)))
            return json_error(at, err, "%s %s; want a file", path,
                              file_exists(path) ? "is a directory" : "is not there");
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
    if (s == STATUS_INVALID) return json_error(at, err, "%s", wrong.text);
    if (s != STATUS_OK) {
        if (err) *err = wrong;
        return s;
    }
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
        TRY(check_file(reading, data, parts[i].key, *parts[i].path, err));
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
        if (s == STATUS_INVALID) return json_error(at, err, "%s", wrong.text);
        if (s != STATUS_OK) {
            if (err) *err = wrong;
            return s;
        }
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
    return check_file(reading, object, "data", path, err);
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

// --- tasks ---------------------------------------------------------------------------------------------------------

static Status default_metrics(const SuiteReading *reading, SuiteTask *task, Error *err)
{
    JsonDocument *document = NULL;
    const Slice text = slice_from_cstr(family_metrics(task));
    TRY(json_parse(SLICE("default metrics"), text, JSON_STRICT, &document, err));
    TRY(keep_document(reading, document, err)); // options borrow from it
    return read_metrics(reading, json_root(document), SLICE("."), task, err);
}

static bool has_metric(const SuiteTask *task, Slice name)
{
    for (size_t i = 0; i < task->n_metrics; i++) {
        if (slice_eq_cstr(name, task->metrics[i].metric->name)) return true;
    }
    return false;
}

// Answers that cannot be read and prompts that were cut are never silent: their shares stand beside the other scores.
static Status add_prompt_metrics(const SuiteReading *reading, SuiteTask *task, Error *err)
{
    const Family *family = family_find(task->family);
    const bool writes = family->prompt &&
                        (!family->prompt->options || task->prompt.option == PROMPT_OPTION_WRITTEN);
    const bool cuts = task->prompt.truncate != CUT_REFUSE;
    const Slice names[] = {SLICE_LIT("unparsed"), SLICE_LIT("cut_prompts")};
    SuiteMetric *metrics = NULL;
    if (!task->prompt.is_given) return STATUS_OK;
    TRY(arena_take(&reading->suite->arena, task->n_metrics + 2, sizeof *metrics, "metrics",
                   &metrics, err));
    for (size_t i = 0; i < task->n_metrics; i++) metrics[i] = task->metrics[i];
    task->metrics = metrics;
    for (size_t i = 0; i < 2; i++) {
        if (has_metric(task, names[i]) || !(i == 0 ? writes : cuts)) continue;
        metrics[task->n_metrics++] = (SuiteMetric){.metric = metric_find(names[i])};
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

// The list of words, and the metric that tells what swapping them does.
static Status read_counterfactual(const SuiteReading *reading, const Json *object, SuiteTask *task,
                                  Error *err)
{
    Arena *arena = &reading->suite->arena;
    const Json *written = json_get(object, "counterfactual");
    const Json *at = written ? written : object;
    SuiteMetric *metrics = NULL;
    const Metric *metric = metric_find(SLICE("counterfactual"));
    if (task->counterfactual.len == 0 || reading->without_files) return STATUS_OK;
    if (family_find(task->family)->takes) {
        return json_error(at, err,
                          "a \"" SLICE_FMT "\" task compares texts already: nothing is swapped",
                          SLICE_ARG(task->family));
    }
    if (slice_find_byte(task->counterfactual, '/') != SIZE_MAX) {
        TRY(suite_resolve_path(reading, at, reading->edited->name, &task->swap_path, err));
    } else {
        Error missing = {0};
        if (suite_find(arena, file_directory_of(reading->suite->path), "swaps", "list of words",
                       task->counterfactual, &task->swap_path, &missing) != STATUS_OK)
            return json_error(at, err, "%s", missing.text);
    }
    TRY(arena_take(arena, task->n_metrics + 1, sizeof *metrics, "metrics", &metrics, err));
    // Behind the first: it was asked for, and tables show the first ones.
    metrics[0] = task->metrics[0];
    metrics[1] = (SuiteMetric){.metric = metric};
    for (size_t i = 1; i < task->n_metrics; i++) metrics[i + 1] = task->metrics[i];
    task->n_metrics++;
    task->metrics = metrics;
    return STATUS_OK;
}

// A choice that is written has no likelihood beside the others'.
static Status leave_out_likelihoods(const Json *object, SuiteTask *task, bool is_default,
                                    Error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < task->n_metrics; i++) {
        const SuiteMetric m = task->metrics[i];
        if (!(m.metric->needs & (NEEDS_PROBABILITIES | NEEDS_LOG_LIKELIHOODS))) {
            task->metrics[n++] = m;
            continue;
        }
        if (is_default) continue;
        return json_error(object, err,
                          "%s wants likelihoods, which an answer that is \"written\" has not: %s",
                          m.metric->name, m.metric->summary);
    }
    task->n_metrics = n;
    return STATUS_OK;
}

// What the task is judged by: its metrics, those that come of themselves, and the one that decides.
static Status complete_metrics(const SuiteReading *reading, const Json *object, SuiteTask *task,
                               Error *err)
{
    const bool is_default = task->n_metrics == 0;
    if (is_default) TRY(default_metrics(reading, task, err));
    // A definition's metrics were not chosen for another family or format.
    for (size_t i = 0; i < task->n_metrics; i++)
        TRY(check_gives(object, task, task->metrics[i].metric, err));
    if (task->prompt.option == PROMPT_OPTION_WRITTEN)
        TRY(leave_out_likelihoods(object, task, is_default, err));
    TRY(add_prompt_metrics(reading, task, err));
    TRY(read_counterfactual(reading, object, task, err));
    TRY(check_primary(reading->suite, object, task, err));
    return check_monitors(reading->suite, object, task, err);
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
    TRY(complete_metrics(reading, object, task, err));
    TRY(read_data(reading, object, task, err));
    TRY(find_targets(reading, object, task, err));
    TRY(check_parts(reading, object, task, err));
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
