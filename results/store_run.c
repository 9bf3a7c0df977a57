// results/store_run.c: runs, their plans and what is said about them.
#include "results/store_internal.h"

Status store_run_row(Store *store, Slice id, int64_t *row, Error *err)
{
    Query q;
    TRY(query_begin(store, "SELECT run_id FROM run WHERE id = ?", &q, err));
    query_bind_text(&q, id);
    *row = query_row(&q) ? query_i64(&q, -1) : -1;
    TRY(query_end(&q, err));
    if (*row >= 0) return STATUS_OK;
    return error_set(err, STATUS_NOT_FOUND, "store %s: no run " SLICE_FMT, store->path,
                     SLICE_ARG(id));
}

// The suite's name where it can stand in a file name or a shell without quotes, '-' for what lies between and cannot, and
// 12 digits of the hash of what is run. It never begins with '-', which would make it an option.
static void make_run_id(const RunRecord *run, char run_id[RUN_ID_SIZE])
{
    Sha256 hash;
    unsigned char digest[32];
    char hex[SHA256_HEX_SIZE];
    sha256_init(&hash);
    sha256_update_field(&hash, run->suite);
    sha256_update_field(&hash, run->identity);
    sha256_finish(&hash, digest);
    sha256_hex(digest, hex);
    size_t n = 0;
    for (size_t i = 0; i < run->suite.len && n < RUN_ID_SIZE - 16; i++) {
        const char c = run->suite.ptr[i];
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '_' || (c == '.' && n > 0);
        if (!plain && (n == 0 || run_id[n - 1] == '-')) continue;
        run_id[n++] = (char)(plain ? c : '-');
    }
    while (n > 0 && run_id[n - 1] == '-') n--;
    snprintf(run_id + n, RUN_ID_SIZE - n, "%s%.12s", n > 0 ? "-" : "", hex);
}

static Slice or_empty(Slice text)
{
    return text.ptr == NULL ? SLICE("") : text;
}

static Status begin_run(Store *store, const RunRecord *run, const char *run_id, bool *resumed,
                        Error *err)
{
    Query q;
    TRY(query_begin(store, "SELECT 1 FROM run WHERE id = ?", &q, err));
    query_bind_cstr(&q, run_id);
    *resumed = query_row(&q);
    TRY(query_end(&q, err));
    TRY(query_begin(
        store,
        "INSERT INTO run (id, suite, identity, settings, manifest, manifest_machine, primary_metric, status,"
        " started_unix_ns) VALUES (?, ?, ?, ?, ?, ?, ?, 'running', ?) ON CONFLICT (id) DO UPDATE SET"
        " settings = excluded.settings, manifest = excluded.manifest, manifest_machine ="
        " excluded.manifest_machine, primary_metric = excluded.primary_metric, status = 'running',"
        " started_unix_ns = excluded.started_unix_ns, finished_unix_ns = NULL",
        &q, err));
    query_bind_cstr(&q, run_id);
    query_bind_text(&q, or_empty(run->suite));
    query_bind_text(&q, or_empty(run->identity));
    query_bind_text(&q, or_empty(run->settings));
    query_bind_text(&q, or_empty(run->manifest));
    query_bind_text(&q, or_empty(run->manifest_machine));
    query_bind_text(&q, or_empty(run->primary_metric));
    query_bind_i64(&q, run->started_unix_ns);
    TRY(query_do(&q, err));
    return query_end(&q, err);
}

Status store_begin_run(Store *store, const RunRecord *run, char run_id[RUN_ID_SIZE], bool *resumed,
                       Error *err)
{
    make_run_id(run, run_id);
    TRY(store_transaction_begin(store, err));
    return store_transaction_end(store, begin_run(store, run, run_id, resumed, err), err);
}

static Status replace_rows(Store *store, Slice run_id, const char *delete_sql,
                           const char *insert_sql, StorePutRow put, const void *rows, size_t n_rows,
                           Error *err)
{
    int64_t row = -1;
    TRY(store_run_row(store, run_id, &row, err));
    Query q;
    TRY(query_begin(store, delete_sql, &q, err));
    query_bind_i64(&q, row);
    TRY(query_do(&q, err));
    TRY(query_begin(store, insert_sql, &q, err));
    for (size_t i = 0; i < n_rows; i++) {
        query_bind_i64(&q, row);
        query_bind_i64(&q, (int64_t)i);
        TRY(put(&q, rows, i, err));
    }
    return query_end(&q, err);
}

Status store_replace_rows(Store *store, Slice run_id, const char *delete_sql,
                          const char *insert_sql, StorePutRow put, const void *rows, size_t n_rows,
                          Error *err)
{
    TRY(store_transaction_begin(store, err));
    const Status s = replace_rows(store, run_id, delete_sql, insert_sql, put, rows, n_rows, err);
    return store_transaction_end(store, s, err);
}

static Status put_plan_row(Query *q, const void *rows, size_t i, Error *err)
{
    const RunTrial *trial = (const RunTrial *)rows + i;
    query_bind_text(q, or_empty(trial->trial_id));
    query_bind_text(q, or_empty(trial->model));
    query_bind_text(q, or_empty(trial->task));
    query_bind_text(q, trial->setting.ptr == NULL ? SLICE("{}") : trial->setting);
    query_bind_cstr(q, trial_role_name(trial->role));
    query_bind_optional(q, trial->outer_fold, STORE_NO_FOLD);
    query_bind_optional(q, trial->inner_fold, STORE_NO_FOLD);
    query_bind_i64(q, (int64_t)trial->seed);
    query_bind_i64(q, trial->is_chosen ? 1 : 0);
    return query_do(q, err);
}

Status store_set_plan(Store *store, Slice run_id, const RunTrial *trials, size_t n_trials,
                      Error *err)
{
    return store_replace_rows(store, run_id, "DELETE FROM run_trial WHERE run_id = ?",
                              "INSERT INTO run_trial VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                              put_plan_row, trials, n_trials, err);
}

static Status set_chosen(Store *store, Slice run_id, Slice model, Slice task, int32_t outer_fold,
                         Slice setting, Error *err)
{
    int64_t row = -1;
    TRY(store_run_row(store, run_id, &row, err));
    Query q;
    TRY(query_begin(
        store,
        "UPDATE run_trial SET is_chosen = (setting = ?) WHERE run_id = ? AND model = ? AND task = ? AND"
        " outer_fold IS ?",
        &q, err));
    query_bind_text(&q, setting);
    query_bind_i64(&q, row);
    query_bind_text(&q, model);
    query_bind_text(&q, task);
    query_bind_optional(&q, outer_fold, STORE_NO_FOLD);
    TRY(query_do(&q, err));
    return query_end(&q, err);
}

Status store_set_chosen(Store *store, Slice run_id, Slice model, Slice task, int32_t outer_fold,
                        Slice setting, Error *err)
{
    TRY(store_transaction_begin(store, err));
    return store_transaction_end(
        store, set_chosen(store, run_id, model, task, outer_fold, setting, err), err);
}

static const char *level_name(NoteLevel level)
{
    return level == NOTE_WARNING ? "warning" : "info";
}

static Status put_check_row(Query *q, const void *rows, size_t i, Error *err)
{
    const CheckRow *check = (const CheckRow *)rows + i;
    query_bind_text(q, or_empty(check->task));
    query_bind_text(q, or_empty(check->section));
    query_bind_text(q, or_empty(check->item));
    query_bind_double(q, check->number);
    query_bind_text(q, or_empty(check->value));
    query_bind_cstr(q, level_name(check->level));
    return query_do(q, err);
}

Status store_set_data_checks(Store *store, Slice run_id, const CheckRow *checks, size_t n_checks,
                             Error *err)
{
    return store_replace_rows(store, run_id, "DELETE FROM data_check WHERE run_id = ?",
                              "INSERT INTO data_check VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                              put_check_row, checks, n_checks, err);
}

static Status put_note_row(Query *q, const void *rows, size_t i, Error *err)
{
    const RunNote *run_note = (const RunNote *)rows + i;
    query_bind_cstr(q, level_name(run_note->level));
    query_bind_text(q, run_note->trial_id.len == 0 ? (Slice){0} : run_note->trial_id);
    query_bind_text(q, or_empty(run_note->text));
    return query_do(q, err);
}

Status store_set_notes(Store *store, Slice run_id, const RunNote *notes, size_t n_notes, Error *err)
{
    return store_replace_rows(store, run_id, "DELETE FROM run_note WHERE run_id = ?",
                              "INSERT INTO run_note VALUES (?, ?, ?, ?, ?)", put_note_row, notes,
                              n_notes, err);
}

static Status put_score_row(Query *q, const void *rows, size_t i, Error *err)
{
    const RunScore *score = (const RunScore *)rows + i;
    query_bind_text(q, or_empty(score->model));
    query_bind_text(q, or_empty(score->task));
    query_bind_text(q, score->setting);
    query_bind_cstr(q, trial_role_name(score->role));
    store_bind_score(q, &score->score);
    query_bind_i64(q, score->n_folds);
    query_bind_i64(q, score->n_seeds);
    query_bind_i64(q, score->n_trials);
    return query_do(q, err);
}

Status store_set_run_scores(Store *store, Slice run_id, const RunScore *scores, size_t n_scores,
                            Error *err)
{
    return store_replace_rows(
        store, run_id, "DELETE FROM run_score WHERE run_id = ?",
        "INSERT INTO run_score VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        put_score_row, scores, n_scores, err);
}

static Status finish_run(Store *store, Slice run_id, Slice status, int64_t finished_unix_ns,
                         Error *err)
{
    int64_t row = -1;
    TRY(store_run_row(store, run_id, &row, err));
    Query q;
    TRY(query_begin(store, "UPDATE run SET status = ?, finished_unix_ns = ? WHERE run_id = ?", &q,
                    err));
    query_bind_text(&q, status);
    query_bind_optional(&q, finished_unix_ns, STORE_NO_TIME);
    query_bind_i64(&q, row);
    TRY(query_do(&q, err));
    return query_end(&q, err);
}

Status store_finish_run(Store *store, Slice run_id, Slice status, int64_t finished_unix_ns,
                        Error *err)
{
    TRY(store_transaction_begin(store, err));
    return store_transaction_end(store, finish_run(store, run_id, status, finished_unix_ns, err),
                                 err);
}
