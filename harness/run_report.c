// harness/run_report.c: what a run shows at its end: report files, the terminal's table, one JSON document.
#include "base/json_writer.h"
#include "harness/run_internal.h"
#include "results/report/report.h"

static Status add_path(RunResult *result, Slice path, Error *err)
{
    const Slice kept = arena_copy(&result->arena, path);
    if (kept.ptr == NULL) return error_set_memory(err, path.len, 1, "a path");
    result->reports[result->n_reports++] = kept;
    return STATUS_OK;
}

// A view is loaded at most once, and not at all where every file is current and no table is wanted.
typedef struct Reporting {
    Run *run;
    Arena scratch;
    RunView view;
    bool has_view;
} Reporting;

static Status need_view(Reporting *reporting, Error *err)
{
    if (reporting->has_view) return STATUS_OK;
    const Slice id = slice_from_cstr(reporting->run->result->run_id);
    TRY(run_view_load(reporting->run->store, id, NULL, &reporting->view, err));
    reporting->has_view = true;
    return STATUS_OK;
}

static Status write_format(Reporting *reporting, const ReportFormat *format, const char *directory,
                           const char *inputs_hash, Error *err)
{
    Slice path = {0};
    bool is_current = false, written = false;
    TRY(report_is_current(inputs_hash, format, NULL, directory, &reporting->scratch, &path,
                          &is_current, err));
    if (!is_current) {
        TRY(need_view(reporting, err));
        TRY(report_write(&reporting->view, format, NULL, directory, &reporting->scratch, &path,
                         &written, err));
    }
    return add_path(reporting->run->result, path, err);
}

static Status write_all(Reporting *reporting, Error *err)
{
    Run *run = reporting->run;
    const Suite *suite = run->suite;
    const char *directory = run->options->report_dir ? run->options->report_dir
                            : suite->report_dir      ? suite->report_dir
                                                     : "assay-report";
    char hash[SHA256_HEX_SIZE];
    TRY(run_view_hash(run->store, slice_from_cstr(run->result->run_id), hash, err));
    TRY(arena_take(&run->result->arena, suite->n_report_formats, sizeof *run->result->reports,
                   "reports", &run->result->reports, err));
    for (size_t i = 0; i < suite->n_report_formats; i++)
        TRY(write_format(reporting, suite->report_formats[i], directory, hash, err));
    if (run->options->is_quiet_table) return STATUS_OK;
    const ReportFormat *terminal = report_find(SLICE("terminal"));
    if (terminal == NULL) return STATUS_OK;
    const ReportOptions options = {.width = run->options->width, .colour = run->options->colour};
    TRY(need_view(reporting, err));
    for (size_t task = 0; task < reporting->view.n_tasks; task++) {
        report_verdict(&reporting->view, (int)task, &run->result->verdicts);
        buffer_append_byte(&run->result->verdicts, '\n');
    }
    TRY(buffer_status(&run->result->verdicts, err));
    return terminal->render(&reporting->view, &options, &run->result->table, err);
}

Status run_write_reports(Run *run, Error *err)
{
    Reporting reporting = {.run = run};
    const Status s = write_all(&reporting, err);
    if (reporting.has_view) run_view_release(&reporting.view);
    arena_release(&reporting.scratch);
    return s == STATUS_OK ? s : error_wrap(err, "report");
}

// ---- JSON ----

static void put_fold(JsonWriter *w, const char *key, int32_t fold)
{
    json_put_key(w, key);
    if (fold == STORE_NO_FOLD)
        json_put_null(w);
    else
        json_put_i64(w, fold);
}

static void put_trials(JsonWriter *w, const RunTrial *trials, const TrialStatus *status, size_t n)
{
    static const char *const names[] = {"absent", "done", "failed"};
    json_member_array(w, "trials");
    for (size_t i = 0; i < n; i++) {
        json_begin_object(w);
        json_member_string(w, "id", trials[i].trial_id);
        json_member_string(w, "model", trials[i].model);
        json_member_string(w, "task", trials[i].task);
        json_member_cstr(w, "role", trial_role_name(trials[i].role));
        put_fold(w, "outer_fold", trials[i].outer_fold);
        put_fold(w, "inner_fold", trials[i].inner_fold);
        json_member_u64(w, "seed", trials[i].seed);
        json_member_raw(w, "setting", trials[i].setting);
        json_member_bool(w, "chosen", trials[i].is_chosen);
        json_member_cstr(w, "status", names[status[i]]);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_scores(JsonWriter *w, const RunScore *scores, size_t n)
{
    json_member_array(w, "scores");
    for (size_t i = 0; i < n; i++) {
        const RunScore *score = &scores[i];
        json_begin_object(w);
        json_member_string(w, "model", score->model);
        json_member_string(w, "task", score->task);
        json_member_cstr(w, "role", trial_role_name(score->role));
        json_put_key(w, "setting");
        if (score->setting.ptr == NULL)
            json_put_null(w); // nested: each fold has its own winner
        else
            json_put_raw(w, score->setting);
        json_member_string(w, "score", score->score.name);
        stored_score_numbers(w, &score->score);
        json_member_u64(w, "folds", score->n_folds);
        json_member_u64(w, "seeds", score->n_seeds);
        json_member_u64(w, "trials", score->n_trials);
        json_end_object(w);
    }
    json_end_array(w);
}

static Status put_result(const RunResult *result, Store *store, Arena *arena, Buffer *out,
                         Error *err)
{
    const Slice id = slice_from_cstr(result->run_id);
    RunTrial *trials = NULL;
    TrialStatus *status = NULL;
    RunScore *scores = NULL;
    size_t n_trials = 0, n_scores = 0;
    TRY(store_get_plan(store, arena, id, &trials, &status, &n_trials, err));
    TRY(store_get_run_scores(store, arena, id, &scores, &n_scores, err));
    JsonWriter w = json_writer(out, 2);
    json_begin_object(&w);
    json_member_string(&w, "run", id);
    json_member_cstr(&w, "store", store_path(store));
    json_member_u64(&w, "cached", result->n_cached);
    json_member_u64(&w, "done", result->n_done);
    json_member_u64(&w, "failed", result->n_failed);
    put_trials(&w, trials, status, n_trials);
    put_scores(&w, scores, n_scores);
    json_member_array(&w, "reports");
    for (size_t i = 0; i < result->n_reports; i++) json_put_string(&w, result->reports[i]);
    json_end_array(&w);
    json_end_object(&w);
    buffer_append_byte(out, '\n');
    return buffer_status(out, err);
}

Status run_result_json(const RunResult *result, const char *path, Buffer *out, Error *err)
{
    Arena arena = {0};
    Store *store = NULL;
    Status s = store_open(path, STORE_READ_ONLY, &store, err);
    if (s == STATUS_OK) s = put_result(result, store, &arena, out, err);
    store_close(&store);
    arena_release(&arena);
    return s;
}
