#include "harness/suite/suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_source.h"
#include "harness/suite/suite_internal.h"

enum { MAX_FILE_BYTES = 16 << 20, MAX_NAME_BYTES = 200 };

// --- helpers of the sources that read suites -----------------------------------------------------------------------

Status suite_keep_document(const SuiteReading *reading, JsonDocument *document, Error *err)
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

Status suite_error_at(const Json *at, Status s, const Error *wrong, Error *err)
{
    if (s == STATUS_INVALID || s == STATUS_NOT_FOUND) return json_error(at, err, "%s", wrong->text);
    if (err) *err = *wrong;
    return s;
}

Status suite_copy(const SuiteReading *reading, Slice text, Slice *out, Error *err)
{
    *out = arena_copy(&reading->suite->arena, text);
    return out->ptr ? STATUS_OK : error_set_memory(err, text.len, 1, "a suite's text");
}

Status suite_resolve_path(const SuiteReading *reading, const Json *value, Slice file,
                          const char **out, Error *err)
{
    Arena *arena = &reading->suite->arena;
    Slice text;
    TRY(json_as_string(value, &text, err));
    if (text.len == 0) return json_error(value, err, "the path is empty");
    // What the command line gave is relative to the current folder, and so is a file that stands in it.
    const Slice folder = file_directory_of(file);
    const bool is_here = overrides_gave(reading->edited, value) || slice_eq_cstr(folder, ".");
    *out = is_here ? arena_cstr(arena, text) : file_join(arena, folder, text);
    return *out ? STATUS_OK : error_set_memory(err, text.len, 1, "a path");
}

Status suite_read_path(const SuiteReading *reading, const Json *object, const char *key, Slice file,
                       const char **out, Error *err)
{
    const Json *value = json_get(object, key);
    if (!value || json_kind(value) == JSON_NULL) return STATUS_OK;
    return suite_resolve_path(reading, value, file, out, err);
}

// --- folds ---------------------------------------------------------------------------------------------------------

Status folds_read_inner(const Json *value, Arena *arena, void *target, Error *err)
{
    (void)arena;
    SuiteFolds *folds = target;
    double number;
    int64_t count = 0;
    TRY(json_as_double(value, 0, 1000, &number, err));
    folds->inner_share = 0;
    folds->inner_folds = 0;
    if (number > 0 && number < 1) {
        folds->inner_share = number;
        return STATUS_OK;
    }
    if (slice_to_i64(json_number_text(value), &count) && count != 1) {
        folds->inner_folds = (size_t)count;
        return STATUS_OK;
    }
    return json_error(value, err,
                      "found " SLICE_FMT
                      ", want a share below 1, a number of inner folds from 2, or 0",
                      SLICE_ARG(json_number_text(value)));
}

Status folds_read_shuffle(const Json *value, Arena *arena, void *target, Error *err)
{
    (void)arena;
    SuiteFolds *folds = target;
    if (json_kind(value) != JSON_BOOL) {
        return json_error(value, err, "found %s, want true or false",
                          json_kind_name(json_kind(value)));
    }
    folds->file_order = !json_bool(value);
    return STATUS_OK;
}

// What holds out nothing can neither stop early nor choose.
static Status check_inner(const SuiteReading *reading, const Json *root, Error *err)
{
    const Suite *suite = reading->suite;
    const Json *inner = json_get(json_get(root, "folds"), "inner");
    if (suite->folds.inner_share > 0 || suite->folds.inner_folds > 0 || suite->folds.k == 0) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < suite->n_models; i++) {
        const SuiteModel *model = &suite->models[i];
        if (model->n_settings > 1 && !suite->folds.explore) {
            return json_error(
                inner, err,
                "with nothing held out there is nothing to choose among the %zu settings "
                "of \"" SLICE_FMT "\" by",
                model->n_settings, SLICE_ARG(model->name));
        }
        for (size_t j = 0; j < model->n_settings; j++) {
            if (model->settings[j].monitor == MONITOR_NONE) continue;
            return json_error(inner, err,
                              "with nothing held out early stopping has nothing to watch");
        }
    }
    return STATUS_OK;
}

static Status read_folds(const SuiteReading *reading, const Json *root, Error *err)
{
    Suite *suite = reading->suite;
    SuiteFolds *folds = &suite->folds;
    const Slice file = reading->edited->name;
    const Json *object = NULL;
    section_defaults(&section_folds, folds);
    folds->inner_share = 0.1; // the table says so too; a test holds them together
    TRY(json_opt_kind(root, "folds", JSON_OBJECT, &object, err));
    if (!object) return STATUS_OK;
    TRY(section_read(&section_folds, object, &suite->arena, folds, err));
    TRY(suite_read_path(reading, object, "file", file, &folds->file, err));
    TRY(suite_read_path(reading, object, "final", file, &folds->final_path, err));
    if (folds->k == 1) {
        return json_error(json_get(object, "k"), err, "found 1, want 0 for no folds or at least 2");
    }
    if (folds->keep_near > 0 && (folds->file_order || folds->file)) {
        return json_error(json_get(object, "keep_near"), err,
                          "folds %s are as they are: keep_near is for those drawn from the seed",
                          folds->file ? "from a file" : "in file order");
    }
    if (folds->k == 0 && folds->file) {
        return json_error(json_get(object, "file"), err, "a file of folds needs \"k\" beside it");
    }
    bool does_tune = reading->without_files;
    for (size_t i = 0; i < suite->n_models; i++) does_tune |= suite->models[i].does_tune;
    if (!does_tune && (folds->k > 0 || folds->final_path)) {
        return json_error(
            object, err,
            "folds are for tuning; add a \"tune\" block, or leave them out to judge the "
            "models as saved");
    }
    return check_inner(reading, root, err);
}

// --- report --------------------------------------------------------------------------------------------------------

static Status read_formats(const SuiteReading *reading, const Json *list, Error *err)
{
    Suite *suite = reading->suite;
    const SuiteKey *key = section_key(&section_report, SLICE("formats"));
    if (json_kind(list) != JSON_ARRAY || json_len(list) == 0) {
        return json_error(list, err, "want a list of at least one format, such as [\"html\"]");
    }
    TRY(arena_take(&suite->arena, json_len(list), sizeof *suite->report_formats, "formats",
                   &suite->report_formats, err));
    for (const Json *v = json_first(list); v; v = json_next(v)) {
        size_t index;
        TRY(choice_read(v, key->choice, &index, err));
        for (size_t i = 0; i < suite->n_report_formats; i++) {
            if (suite->report_formats[i] == &report_formats[index]) {
                return json_error(v, err, "the format stands twice");
            }
        }
        suite->report_formats[suite->n_report_formats++] = &report_formats[index];
    }
    return STATUS_OK;
}

static Status read_explain(Suite *suite, const Json *value, Error *err)
{
    if (!value || json_kind(value) == JSON_NULL) return STATUS_OK;
    if (json_kind(value) == JSON_BOOL && !json_bool(value)) return STATUS_OK;
    if (json_kind(value) != JSON_OBJECT)
        return json_error(value, err, "found %s, want an object such as {\"samples\": 5}, or false",
                          json_kind_name(json_kind(value)));
    section_defaults(&section_explain, &suite->explain);
    suite->explain.is_on = true;
    return section_read(&section_explain, value, &suite->arena, &suite->explain, err);
}

static Status read_report(const SuiteReading *reading, const Json *root, Error *err)
{
    Suite *suite = reading->suite;
    const Json *object = NULL;
    TRY(json_opt_kind(root, "report", JSON_OBJECT, &object, err));
    if (object) {
        TRY(section_check_keys(&section_report, object, err));
        TRY(suite_read_path(reading, object, "dir", reading->edited->name, &suite->report_dir,
                            err));
        TRY(read_explain(suite, json_get(object, "explain"), err));
        const Json *formats = json_get(object, "formats");
        if (formats && json_kind(formats) != JSON_NULL) return read_formats(reading, formats, err);
    }
    TRY(arena_take(&suite->arena, 1, sizeof *suite->report_formats, "formats",
                   &suite->report_formats, err));
    suite->report_formats[0] = report_find(SLICE("html"));
    suite->n_report_formats = suite->report_formats[0] ? 1 : 0;
    return STATUS_OK;
}

// --- the whole -----------------------------------------------------------------------------------------------------

static Status check_suite(const Suite *suite, const Json *root, Error *err)
{
    if (suite->name.len == 0 || suite->name.len > MAX_NAME_BYTES) {
        const Json *name = json_get(root, "suite");
        if (!name) return json_error(root, err, "the key \"suite\" (its name) is missing");
        return json_error(name, err, "the name has %zu bytes; want 1 to %d", suite->name.len,
                          MAX_NAME_BYTES);
    }
    if (suite->seed <= INT64_MAX - suite->repeats) return STATUS_OK;
    return json_error(root, err, "seed and repeats together are too large");
}

static Status read_all(const SuiteReading *reading, const Json *root, Error *err)
{
    Suite *suite = reading->suite;
    Buffer settings = {0};
    JsonWriter w = json_writer(&settings, 0);
    const Json *members = json_get(root, "suites");
    if (members) {
        return json_error(members, err,
                          "a suite of suites cannot stand inside another, and has no models of its "
                          "own; name the suites themselves");
    }
    section_defaults(&section_suite, suite);
    TRY(section_read(&section_suite, root, &suite->arena, suite, err));
    TRY(check_suite(suite, root, err));
    TRY(suite_read_search(reading, root, err));
    TRY(suite_read_models(reading, root, err));
    TRY(suite_find_files(reading, root, err));
    TRY(read_folds(reading, root, err));
    TRY(suite_read_tasks(reading, root, err));
    TRY(read_report(reading, root, err));
    TRY(suite_read_after(reading, root, err));
    TRY(suite_apply_filter(reading, root, err));
    TRY(suite_expand_settings(reading, root, err));
    json_put_value(&w, root);
    Status s = buffer_status(&settings, err);
    if (s == STATUS_OK)
        s = suite_copy(reading, buffer_slice(&settings), &suite->settings_json, err);
    buffer_release(&settings);
    return s;
}

static Status knows_task(void *context, Slice task, bool *knows, Error *err)
{
    const SuiteReading *reading = context;
    Arena scratch = {0};
    Error wrong = {0};
    const char *path;
    Status s = STATUS_NOT_FOUND;
    if (slice_find_byte(task, '/') == SIZE_MAX) {
        s = suite_find(&scratch, file_directory_of(reading->suite->path), "tasks",
                       "task definition", task, &path, &wrong);
    }
    arena_release(&scratch);
    *knows = s == STATUS_OK;
    if (s == STATUS_OK || s == STATUS_NOT_FOUND) return STATUS_OK;
    if (err) *err = wrong;
    return s;
}

static Status read_document(SuiteReading *reading, Slice text, const SuiteOverrides *overrides,
                            OverrideText *edited, Error *err)
{
    Suite *suite = reading->suite;
    struct SuiteDocuments *own = ARENA_NEW(&suite->arena, struct SuiteDocuments, 1);
    if (!own) return error_set_memory(err, 1, sizeof *own, "a suite");
    suite->documents = own;
    TRY(overrides_apply(&suite->arena, suite->path, text, overrides, knows_task, reading, edited,
                        err));
    TRY(json_parse(suite->path, edited->text, JSON_COMMENTS, &own->document, err));
    return read_all(reading, json_root(own->document), err);
}

Status suite_parse(const char *path, Slice text, const SuiteOverrides *overrides, Suite **out,
                   Error *err)
{
    *out = NULL;
    Suite *suite = calloc(1, sizeof *suite);
    OverrideText edited = {0};
    Error local = {0};
    if (!suite) return error_set_memory(err, 1, sizeof *suite, "a suite");
    SuiteReading reading = {.suite = suite, .edited = &edited};
    if (overrides) reading.without_files = overrides->without_files;
    suite->only_fold = -1;
    Status s = suite_copy(&reading, slice_from_cstr(path), &suite->path, &local);
    if (s == STATUS_OK) s = read_document(&reading, text, overrides, &edited, &local);
    if (s == STATUS_OK) {
        *out = suite;
        return STATUS_OK;
    }
    overrides_explain(&edited, &local);
    if (err) *err = local;
    suite_close(&suite);
    return s;
}

static bool may_be_json(Slice text)
{
    const Slice begin = slice_trim(text);
    return begin.len > 0 && slice_find_byte(SLICE("{/"), begin.ptr[0]) != SIZE_MAX;
}

Status suite_load(const char *name, const SuiteOverrides *overrides, Suite **out, Error *err)
{
    Arena arena = {0};
    const char *path = name;
    Slice text = {0};
    *out = NULL;
    Status s = suite_locate(&arena, name, &path, err);
    if (s == STATUS_OK) s = file_read(&arena, path, MAX_FILE_BYTES, &text, err);
    if (s == STATUS_OK) s = suite_parse(path, text, overrides, out, err);
    if (s == STATUS_INVALID && err && !may_be_json(text)) {
        const Error why = *err;
        *err = (Error){0};
        s = error_set(err, s, "%s; a suite is a JSON object (assay init DATA writes one)",
                      why.text);
    }
    arena_release(&arena);
    return s;
}

void suite_close(Suite **suite)
{
    if (!*suite) return;
    for (struct SuiteDocuments *d = (*suite)->documents; d; d = d->next) json_close(&d->document);
    suite_close_pieces(*suite);
    arena_release(&(*suite)->arena);
    free(*suite);
    *suite = NULL;
}

uint64_t suite_seed(const Suite *suite, size_t repeat)
{
    return suite->seed + repeat;
}

Status suite_split_named_path(Slice argument, const char *what, SuiteNamedPath *out, Error *err)
{
    const size_t equals = slice_find_byte(argument, '=');
    if (equals == SIZE_MAX || equals == 0 || equals + 1 == argument.len) {
        return error_set(err, STATUS_INVALID, "%s " SLICE_FMT ": want NAME=PATH", what,
                         SLICE_ARG(argument));
    }
    out->name = slice_sub(argument, 0, equals);
    out->path = slice_sub(argument, equals + 1, argument.len);
    return STATUS_OK;
}
