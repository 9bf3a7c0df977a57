// harness/run_record.c: the run itself in the store: identity, manifest, plan, data.
#include <string.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "harness/run_internal.h"
#include "results/manifest.h"

// ---- identity and manifest ----

static void put_rungs(const SuiteModel *model, JsonWriter *w)
{
    json_member_array(w, "rungs");
    for (size_t i = 0; i < model->n_rungs; i++) {
        json_begin_object(w);
        json_member_double(w, "epochs", model->rungs[i].epochs);
        json_member_u64(w, "settings", model->rungs[i].n_settings);
        json_member_u64(w, "steps", model->rungs[i].steps);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_models(const Run *run, JsonWriter *w)
{
    json_begin_array(w);
    for (size_t i = 0; i < run->suite->n_models; i++) {
        const SuiteModel *model = &run->suite->models[i];
        json_begin_object(w);
        json_member_raw(w, "identity", run->identity.models[i]);
        json_member_string(w, "name", model->name);
        json_member_array(w, "settings");
        for (size_t s = 0; s < model->n_settings; s++) json_put_raw(w, model->settings[s].json);
        json_end_array(w);
        if (model->n_rungs > 1) put_rungs(model, w);
        json_end_object(w);
    }
    json_end_array(w);
}

// What a score is sliced by changes what a run comes to, and none of its trials.
static void put_slices(const SuiteTask *task, JsonWriter *w)
{
    if (!task->has_slices) return;
    json_member_array(w, "slices");
    for (size_t i = 0; i < task->n_slices; i++) json_put_string(w, task->slices[i]);
    json_end_array(w);
}

static void put_tasks(const Run *run, JsonWriter *w)
{
    json_begin_array(w);
    for (size_t i = 0; i < run->suite->n_tasks; i++) {
        json_begin_object(w);
        json_member_raw(w, "identity", run->identity.tasks[i].json);
        json_member_string(w, "name", run->suite->tasks[i].name);
        put_slices(&run->suite->tasks[i], w);
        json_end_object(w);
    }
    json_end_array(w);
}

// What the plan follows from: the same for the same suite on the same data, wherever both stand.
static void put_identity(const Run *run, Buffer *out)
{
    const Suite *suite = run->suite;
    JsonWriter w = json_writer(out, 0);
    json_begin_object(&w);
    if (suite->n_after > 0) {
        json_member_array(&w, "after");
        for (size_t i = 0; i < suite->n_after; i++) json_put_string(&w, suite->after[i].text);
        json_end_array(&w);
    }
    if (run->identity.n_aids > 0) {
        json_member_array(&w, "aids");
        for (size_t i = 0; i < run->identity.n_aids; i++)
            json_put_raw(&w, run->identity.aids[i].json);
        json_end_array(&w);
    }
    json_member_string(&w, "compute", run->identity.compute_dtype);
    json_member_string(&w, "device", run->identity.device_kind);
    json_member_bool(&w, "explore", suite->folds.explore);
    json_member_bool(&w, "final", suite->folds.final_path != NULL);
    if (run->identity.kv != DTYPE_F32) json_member_cstr(&w, "kv", kv_name(run->identity.kv));
    if (suite->n_curve > 0) {
        json_member_array(&w, "learning_curve");
        for (size_t i = 0; i < suite->n_curve; i++) json_put_double(&w, suite->curve[i]);
        json_end_array(&w);
    }
    json_put_key(&w, "limit"); // reports look for it
    json_put_u64(&w, suite->limit);
    json_put_key(&w, "models");
    put_models(run, &w);
    json_member_i64(&w, "numerics", NUMERICS_VERSION);
    json_member_i64(&w, "only_fold", suite->only_fold);
    json_member_raw(&w, "parts", run->identity.folds_json);
    json_member_array(&w, "seeds");
    for (size_t i = 0; i < suite->repeats; i++) json_put_u64(&w, suite_seed(suite, i));
    json_end_array(&w);
    json_put_key(&w, "tasks");
    put_tasks(run, &w);
    json_end_object(&w);
}

static Status write_manifest(Run *run, Error *err)
{
    const RunOptions *o = run->options;
    const Suite *suite = run->suite;
    ManifestFile *files = NULL;
    uint64_t *seeds = NULL;
    const size_t n_files = run->identity.n_files;
    TRY(arena_take(&run->arena, n_files, sizeof *files, "files", &files, err));
    TRY(arena_take(&run->arena, suite->repeats, sizeof *seeds, "seeds", &seeds, err));
    for (size_t i = 0; i < n_files; i++) {
        const IdentifiedFile *file = &run->identity.files[i];
        files[i] = (ManifestFile){.role = file->role,
                                  .name = file->name,
                                  .path = file->path,
                                  .sha256 = file->sha256,
                                  .size_bytes = file->size_bytes};
    }
    for (size_t i = 0; i < suite->repeats; i++) seeds[i] = suite_seed(suite, i);
    const char *numerics = arena_printf(&run->arena, "%d", NUMERICS_VERSION);
    if (numerics == NULL) return error_set_memory(err, 1, 1, "a manifest");
    const ManifestInput input = {
        .program_version = slice_from_cstr(o->program_version ? o->program_version : ""),
        .numerics_version = slice_from_cstr(numerics),
        .compute_dtype = run->identity.compute_dtype,
        .kv_dtype =
            run->identity.kv == DTYPE_F32 ? (Slice){0} : slice_from_cstr(kv_name(run->identity.kv)),
        .device_kind = run->identity.device_kind,
        .device = run->device_name,
        .build = slice_from_cstr(manifest_compiler()),
        .n_threads = run->n_threads,
        .n_jobs = o->n_jobs > 1 ? o->n_jobs : 1,
        .files = files,
        .n_files = n_files,
        .seeds = seeds,
        .n_seeds = suite->repeats,
        .settings = suite->settings_json,
        .argc = o->argc,
        .argv = o->argv,
        .unix_ns = clock_unix_ns()};
    return manifest_write(&input, &run->manifest, &run->manifest_machine, err);
}

Status run_record_begin(Run *run, bool *resumed, Error *err)
{
    Buffer identity = {0};
    put_identity(run, &identity);
    Status s = buffer_status(&identity, err);
    if (s == STATUS_OK) s = write_manifest(run, err);
    const RunRecord record = {.suite = run->suite->name,
                              .identity = buffer_slice(&identity),
                              .settings = run->suite->settings_json,
                              .manifest = buffer_slice(&run->manifest),
                              .manifest_machine = buffer_slice(&run->manifest_machine),
                              .primary_metric = run->suite->tasks[0].primary,
                              .started_unix_ns = clock_unix_ns()};
    if (s == STATUS_OK) s = store_begin_run(run->store, &record, run->result->run_id, resumed, err);
    buffer_release(&identity);
    return s;
}

Status run_record_plan(Run *run, Error *err)
{
    Arena scratch = {0};
    RunTrial *rows = NULL;
    size_t n = 0;
    Status s = plan_rows(&run->plan, &scratch, &rows, &n, err);
    if (s == STATUS_OK)
        s = store_set_plan(run->store, slice_from_cstr(run->result->run_id), rows, n, err);
    arena_release(&scratch);
    return s;
}

// ---- data ----

static Status put_part(Run *run, size_t task, DataPart part, Error *err)
{
    Arena scratch = {0};
    StoredDataset dataset;
    bool found = false;
    const Slice key = run->identity.tasks[task].keys[part];
    if (run->prepared.tasks[task].parts[part].n == 0) return STATUS_OK;
    Status s = store_has_dataset(run->store, key, &found, err);
    if (s == STATUS_OK && !found) {
        s = prepared_dataset(&run->prepared, &run->identity, task, part, &scratch, &dataset, err);
        if (s == STATUS_OK) s = store_put_dataset(run->store, &dataset, err);
    }
    arena_release(&scratch);
    return s;
}

// Outer folds by ordinal: samples outside the run's have none.
static Status put_folds(Run *run, size_t task, Error *err)
{
    const TaskData *data = &run->prepared.tasks[task];
    const TaskIdentity *identity = &run->identity.tasks[task];
    const UsedPart *train = &data->parts[PART_TRAIN];
    Arena scratch = {0};
    int32_t *folds = NULL;
    if (data->fold == NULL) return STATUS_OK;
    Status s = arena_take(&scratch, train->data.n_samples, sizeof *folds, "folds", &folds, err);
    if (s == STATUS_OK) {
        for (size_t i = 0; i < train->data.n_samples; i++) folds[i] = STORE_NO_FOLD;
        for (size_t i = 0; i < train->n; i++) folds[train->which[i]] = data->fold[i];
        s = store_put_folds(run->store, identity->folds_key, identity->keys[PART_TRAIN],
                            run->suite->folds.k, folds, train->data.n_samples, err);
    }
    arena_release(&scratch);
    return s;
}

static Status append(Arena *arena, void *list, size_t *n, const void *more, size_t n_more,
                     size_t size, Error *err)
{
    char *grown;
    TRY(arena_grow(arena, *n, *n + n_more, size, "rows", list, err));
    memcpy(&grown, list, sizeof grown);
    if (n_more > 0) memcpy(grown + *n * size, more, n_more * size);
    *n += n_more;
    return STATUS_OK;
}

static Status add_refit_note(const Run *run, Arena *arena, RunNote **notes, size_t *n, Error *err)
{
    if (run->suite->folds.inner_folds == 0 || run->suite->folds.refit) return STATUS_OK;
    const RunNote note = {
        .level = NOTE_INFO,
        .text = SLICE("inner folds leave no single tuned model: each winner was tuned again on "
                      "the whole training part, for its mean number of steps")};
    return append(arena, notes, n, &note, 1, sizeof note, err);
}

static Status add_limit_note(const Run *run, Arena *arena, RunNote **notes, size_t *n, Error *err)
{
    if (run->suite->limit == 0) return STATUS_OK;
    const char *text =
        arena_printf(arena, "limited to %zu samples of each part, drawn with seed %llu, by class",
                     run->suite->limit, (unsigned long long)run->suite->seed);
    if (text == NULL) return error_set_memory(err, 1, 1, "a note");
    const RunNote note = {.level = NOTE_WARNING, .text = slice_from_cstr(text)};
    return append(arena, notes, n, &note, 1, sizeof note, err);
}

static Status add_search_notes(const Run *run, Arena *arena, RunNote **notes, size_t *n, Error *err)
{
    for (size_t i = 0; i < run->suite->n_models; i++) {
        Buffer text = {0};
        suite_describe_search(run->suite, i, &text);
        const Slice kept = arena_copy(arena, buffer_slice(&text));
        const RunNote note = {.level = NOTE_INFO, .text = kept};
        Status s = buffer_status(&text, err);
        if (s == STATUS_OK && !kept.ptr) s = error_set_memory(err, text.len, 1, "a note");
        if (s == STATUS_OK && text.len > 0) s = append(arena, notes, n, &note, 1, sizeof note, err);
        buffer_release(&text);
        TRY(s);
    }
    return STATUS_OK;
}

static Status check_data(Run *run, Arena *arena, Error *err)
{
    CheckRow *rows = NULL, *more = NULL;
    RunNote *notes = NULL, *more_notes = NULL;
    size_t n = 0, n_more = 0, n_notes = 0, n_more_notes = 0;
    const int model = run->suite->n_models > 0 ? 0 : NO_MODEL;
    for (size_t task = 0; task < run->suite->n_tasks; task++) {
        TRY(prepare_check(&run->prepared, task, model, arena, &more, &n_more, &more_notes,
                          &n_more_notes, err));
        TRY(append(arena, &rows, &n, more, n_more, sizeof *rows, err));
        TRY(append(arena, &notes, &n_notes, more_notes, n_more_notes, sizeof *notes, err));
    }
    TRY(add_limit_note(run, arena, &notes, &n_notes, err));
    TRY(add_refit_note(run, arena, &notes, &n_notes, err));
    TRY(add_search_notes(run, arena, &notes, &n_notes, err));
    const Slice id = slice_from_cstr(run->result->run_id);
    TRY(store_set_data_checks(run->store, id, rows, n, err));
    return store_set_notes(run->store, id, notes, n_notes, err);
}

Status run_record_data(Run *run, Error *err)
{
    Arena scratch = {0};
    Status s = STATUS_OK;
    for (size_t task = 0; s == STATUS_OK && task < run->suite->n_tasks; task++) {
        for (int part = 0; s == STATUS_OK && part < N_DATA_PARTS; part++)
            s = put_part(run, task, (DataPart)part, err);
        if (s == STATUS_OK) s = put_folds(run, task, err);
    }
    if (s == STATUS_OK) s = check_data(run, &scratch, err);
    arena_release(&scratch);
    return s;
}
