// results/report/csv.c: every score a row: pooled ones first ("scope" run), then those of single trials.
#include <math.h>

#include "results/report/report_internal.h"

static const char header[] =
    "scope,suite,run,task,model,setting,role,outer_fold,inner_fold,seed,chosen,score,estimate,lo,"
    "hi,level,method,n,n_folds,n_seeds,wall_s,inputs\r\n";

static void field(Buffer *out, Slice text)
{
    text_csv(out, text);
    buffer_append_byte(out, ',');
}

// Undefined numbers are empty fields.
static void number(Buffer *out, double value)
{
    if (!isnan(value)) buffer_append_double(out, value);
    buffer_append_byte(out, ',');
}

static void integer(Buffer *out, int64_t value, int64_t absent)
{
    if (value != absent) buffer_printf(out, "%lld", (long long)value);
    buffer_append_byte(out, ',');
}

static void put_names(const RunView *view, const char *scope, int task, int model, int setting,
                      TrialRole role, Buffer *out)
{
    buffer_printf(out, "%s,", scope);
    field(out, view->suite);
    field(out, view->run_id);
    field(out, view->tasks[task].name);
    field(out, view->models[model].name);
    field(out, setting == VIEW_NONE ? SLICE("") : view->settings_table[setting].json);
    buffer_printf(out, "%s,", trial_role_name(role));
}

static void put_score(const StoredScore *score, Buffer *out)
{
    field(out, score->name);
    number(out, score->estimate);
    number(out, score->lo);
    number(out, score->hi);
    number(out, score->level);
    field(out, score->method);
    integer(out, (int64_t)score->n, -1);
}

static void put_trial(const RunView *view, const ViewTrial *trial, const char *mark, Buffer *out)
{
    for (size_t i = 0; i < trial->n_scores; i++) {
        put_names(view, "trial", trial->task, trial->model, trial->setting, trial->role, out);
        integer(out, trial->outer_fold, STORE_NO_FOLD);
        integer(out, trial->inner_fold, STORE_NO_FOLD);
        buffer_printf(out, "%llu,%d,", (unsigned long long)trial->seed, trial->is_chosen);
        put_score(&trial->scores[i], out);
        buffer_append_cstr(out, ",,");
        const bool has_time = trial->has_cost && trial->cost.wall_ns != STORE_NO_TIME;
        number(out, has_time ? (double)trial->cost.wall_ns / 1e9 : NAN);
        buffer_printf(out, "%s\r\n", mark);
    }
}

Status render_csv(const RunView *view, const ReportOptions *options, Buffer *out, Error *err)
{
    char mark[SHA256_HEX_SIZE];
    TRY(report_mark(view->inputs_hash, report_find(SLICE("csv")), options, mark, err));
    buffer_append_cstr(out, header);
    for (size_t i = 0; i < view->n_scores; i++) {
        const ViewScore *score = &view->scores[i];
        put_names(view, "run", score->task, score->model, score->setting, score->role, out);
        buffer_append_cstr(out, ",,,,");
        put_score(&score->score, out);
        buffer_printf(out, "%u,%u,,%s\r\n", score->n_folds, score->n_seeds, mark);
    }
    for (size_t i = 0; i < view->n_trials; i++) put_trial(view, &view->trials[i], mark, out);
    return buffer_status(out, err);
}
