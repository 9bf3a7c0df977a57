// results/store_run_read.c: runs read back.
#include "base/name_list.h"
#include "results/store_internal.h"

// Columns of RunSummary, for any FROM run that follows.
#define SUMMARY_COLUMNS                                                                                 \
    "run.id, run.suite, run.status, run.started_unix_ns, run.finished_unix_ns,"                         \
    " (SELECT count(*) FROM run_trial r WHERE r.run_id = run.run_id),"                                  \
    " (SELECT count(*) FROM run_trial r JOIN trial t ON t.id = r.trial WHERE r.run_id = run.run_id AND" \
    "   t.status = 'done'),"                                                                            \
    " (SELECT count(*) FROM run_trial r JOIN trial t ON t.id = r.trial WHERE r.run_id = run.run_id AND" \
    "   t.status = 'failed')"

static void read_summary(Query *q, Arena *arena, RunSummary *out)
{
    out->id = query_text(q, arena);
    out->suite = query_text(q, arena);
    out->status = query_text(q, arena);
    out->started_unix_ns = query_i64(q, STORE_NO_TIME);
    out->finished_unix_ns = query_i64(q, STORE_NO_TIME);
    out->n_trials = (size_t)query_i64(q, 0);
    out->n_done = (size_t)query_i64(q, 0);
    out->n_failed = (size_t)query_i64(q, 0);
}

Status store_list_runs(Store *store, Arena *arena, RunSummary **runs, size_t *n_runs, Error *err)
{
    Query q;
    TRY(query_begin(store,
                    "SELECT " SUMMARY_COLUMNS
                    " FROM run ORDER BY run.started_unix_ns DESC, run.run_id DESC",
                    &q, err));
    size_t capacity = 0;
    *runs = NULL;
    *n_runs = 0;
    while (query_row(&q) && query_room(&q, arena, runs, *n_runs, &capacity, sizeof **runs))
        read_summary(&q, arena, &(*runs)[(*n_runs)++]);
    return query_end(&q, err);
}

// Names the runs there are, up to a screenful.
static Status no_such_run(Store *store, Slice name, const char *what, Error *err)
{
    enum { MAX_NAMED = 10 };
    NameList known = {.most = MAX_NAMED};
    Query q;
    TRY(query_begin(store, "SELECT id FROM run ORDER BY started_unix_ns DESC, run_id DESC", &q,
                    err));
    while (query_row(&q)) name_list_add(&known, query_blob(&q));
    TRY(query_end(&q, err));
    if (known.n == 0) {
        return error_set(err, STATUS_NOT_FOUND,
                         "store %s: no run is stored yet; run a suite first (`assay run`)",
                         store->path);
    }
    return error_set(err, STATUS_NOT_FOUND, "store %s: %s \"" SLICE_FMT "\"; there are %s%s",
                     store->path, what, SLICE_ARG(name), known.text,
                     known.n > MAX_NAMED ? " (assay list runs has all)" : "");
}

Status store_find_run(Store *store, Slice name, char run_id[RUN_ID_SIZE], Error *err)
{
    Query q;
    TRY(query_begin(store,
                    "SELECT id FROM run WHERE ?1 = 'last' OR substr(id, 1, length(?1)) = ?1"
                    " ORDER BY id = ?1 DESC, started_unix_ns DESC, run_id DESC LIMIT 2",
                    &q, err));
    query_bind_text(&q, name);
    size_t n = 0;
    bool is_exact = slice_eq_cstr(name, "last");
    while (name.len > 0 && query_row(&q)) {
        const Slice id = query_blob(&q);
        if (n++ > 0 || id.len >= RUN_ID_SIZE) continue;
        memcpy(run_id, id.ptr, id.len);
        run_id[id.len] = '\0';
        is_exact = is_exact || slice_eq(id, name);
    }
    TRY(query_end(&q, err));
    if (n == 0) return no_such_run(store, name, "no run", err);
    return n == 1 || is_exact ? STATUS_OK
                              : no_such_run(store, name, "more than one run begins with", err);
}

Status store_get_run(Store *store, Arena *arena, Slice run_id, RunRecord *record,
                     RunSummary *summary, Error *err)
{
    *record = (RunRecord){0};
    *summary = (RunSummary){0};
    Query q;
    TRY(query_begin(store,
                    "SELECT " SUMMARY_COLUMNS
                    ", identity, settings, manifest, manifest_machine, primary_metric FROM run"
                    " WHERE id = ?",
                    &q, err));
    query_bind_text(&q, run_id);
    const bool found = query_row(&q);
    if (found) {
        read_summary(&q, arena, summary);
        record->suite = summary->suite;
        record->started_unix_ns = summary->started_unix_ns;
        record->identity = query_text(&q, arena);
        record->settings = query_text(&q, arena);
        record->manifest = query_text(&q, arena);
        record->manifest_machine = query_text(&q, arena);
        record->primary_metric = query_text(&q, arena);
    }
    TRY(query_end(&q, err));
    return found ? STATUS_OK : no_such_run(store, run_id, "no run", err);
}

Status store_get_plan(Store *store, Arena *arena, Slice run_id, RunTrial **trials,
                      TrialStatus **status, size_t *n_trials, Error *err)
{
    int64_t row = -1;
    TRY(store_run_row(store, run_id, &row, err));
    Query q;
    TRY(query_begin(
        store,
        "SELECT r.trial, r.model, r.task, r.setting, r.role, r.outer_fold, r.inner_fold, r.seed, r.is_chosen,"
        " t.status = 'done' FROM run_trial r LEFT JOIN trial t ON t.id = r.trial WHERE r.run_id = ?"
        " ORDER BY r.position",
        &q, err));
    query_bind_i64(&q, row);
    size_t capacity = 0, status_capacity = 0;
    TrialStatus *states = NULL;
    *trials = NULL;
    *n_trials = 0;
    while (query_row(&q) && query_room(&q, arena, trials, *n_trials, &capacity, sizeof **trials) &&
           query_room(&q, arena, &states, *n_trials, &status_capacity, sizeof *states)) {
        RunTrial *trial = &(*trials)[*n_trials];
        trial->trial_id = query_text(&q, arena);
        trial->model = query_text(&q, arena);
        trial->task = query_text(&q, arena);
        trial->setting = query_text(&q, arena);
        trial_role_parse(query_text(&q, arena), &trial->role);
        trial->outer_fold = (int32_t)query_i64(&q, STORE_NO_FOLD);
        trial->inner_fold = (int32_t)query_i64(&q, STORE_NO_FOLD);
        trial->seed = (uint64_t)query_i64(&q, 0);
        trial->is_chosen = query_i64(&q, 0) != 0;
        const int64_t is_done = query_i64(&q, -1);
        states[(*n_trials)++] = is_done < 0   ? TRIAL_ABSENT
                                : is_done > 0 ? TRIAL_DONE
                                              : TRIAL_FAILED;
    }
    if (status != NULL) *status = states;
    return query_end(&q, err);
}

static NoteLevel level_of(Slice name)
{
    return slice_eq_cstr(name, "warning") ? NOTE_WARNING : NOTE_INFO;
}

Status store_get_data_checks(Store *store, Arena *arena, Slice run_id, CheckRow **checks,
                             size_t *n_checks, Error *err)
{
    int64_t row = -1;
    TRY(store_run_row(store, run_id, &row, err));
    Query q;
    TRY(query_begin(
        store,
        "SELECT task, section, item, number, value, level FROM data_check WHERE run_id = ? ORDER BY position",
        &q, err));
    query_bind_i64(&q, row);
    size_t capacity = 0;
    *checks = NULL;
    *n_checks = 0;
    while (query_row(&q) && query_room(&q, arena, checks, *n_checks, &capacity, sizeof **checks)) {
        CheckRow *check = &(*checks)[(*n_checks)++];
        check->task = query_text(&q, arena);
        check->section = query_text(&q, arena);
        check->item = query_text(&q, arena);
        check->number = query_double(&q);
        check->value = query_text(&q, arena);
        check->level = level_of(query_text(&q, arena));
    }
    return query_end(&q, err);
}

Status store_get_notes(Store *store, Arena *arena, Slice run_id, RunNote **notes, size_t *n_notes,
                       Error *err)
{
    int64_t row = -1;
    TRY(store_run_row(store, run_id, &row, err));
    Query q;
    TRY(query_begin(store,
                    "SELECT level, trial, text FROM run_note WHERE run_id = ? ORDER BY position",
                    &q, err));
    query_bind_i64(&q, row);
    size_t capacity = 0;
    *notes = NULL;
    *n_notes = 0;
    while (query_row(&q) && query_room(&q, arena, notes, *n_notes, &capacity, sizeof **notes)) {
        RunNote *run_note = &(*notes)[(*n_notes)++];
        run_note->level = level_of(query_text(&q, arena));
        run_note->trial_id = query_text(&q, arena);
        run_note->text = query_text(&q, arena);
    }
    return query_end(&q, err);
}

Status store_get_run_scores(Store *store, Arena *arena, Slice run_id, RunScore **scores,
                            size_t *n_scores, Error *err)
{
    int64_t row = -1;
    TRY(store_run_row(store, run_id, &row, err));
    Query q;
    TRY(query_begin(
        store,
        "SELECT model, task, setting, role, metric, name, estimate, lo, hi, level, method, n, direction,"
        " lowest, highest, n_folds, n_seeds, n_trials FROM run_score WHERE run_id = ? ORDER BY position",
        &q, err));
    query_bind_i64(&q, row);
    size_t capacity = 0;
    *scores = NULL;
    *n_scores = 0;
    while (query_row(&q) && query_room(&q, arena, scores, *n_scores, &capacity, sizeof **scores)) {
        RunScore *score = &(*scores)[(*n_scores)++];
        score->model = query_text(&q, arena);
        score->task = query_text(&q, arena);
        score->setting = query_text(&q, arena);
        trial_role_parse(query_text(&q, arena), &score->role);
        store_read_score(&q, arena, &score->score);
        score->n_folds = (uint32_t)query_i64(&q, 0);
        score->n_seeds = (uint32_t)query_i64(&q, 0);
        score->n_trials = (uint32_t)query_i64(&q, 0);
    }
    return query_end(&q, err);
}
