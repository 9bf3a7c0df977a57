// results/run_view_find.c: looking things up in a view, and the hash of what it is made from.
#include <math.h>

#include "results/run_view_internal.h"
#include "results/store_internal.h"

static const ViewScore *find_score(const RunView *view, int model, int task, int setting,
                                   TrialRole role, Slice name)
{
    const Slice wanted = name.len > 0 ? name : view->tasks[task].primary;
    for (size_t i = 0; i < view->n_scores; i++) {
        const ViewScore *score = &view->scores[i];
        if (score->model == model && score->task == task && score->setting == setting &&
            score->role == role && slice_eq(score->score.name, wanted))
            return score;
    }
    return NULL;
}

const ViewScore *run_view_setting_score(const RunView *view, int model, int task, int setting,
                                        TrialRole role, Slice name)
{
    return find_score(view, model, task, setting, role, name);
}

static bool is_better(const RunView *view, int task, double a, double b)
{
    return view->tasks[task].direction < 0 ? a < b : a > b;
}

// Without folds each setting has a score of its own: the best stands for the model.
static const ViewScore *best_setting_score(const RunView *view, int model, int task, TrialRole role,
                                           Slice name)
{
    const ViewScore *best = NULL;
    for (size_t s = 0; s < view->n_settings; s++) {
        const ViewScore *score = find_score(view, model, task, (int)s, role, name);
        if (score == NULL || isnan(score->score.estimate)) continue;
        if (best == NULL || is_better(view, task, score->score.estimate, best->score.estimate))
            best = score;
    }
    return best;
}

const ViewScore *run_view_headline(const RunView *view, int model, int task, Slice name)
{
    static const TrialRole nested[] = {TRIAL_OUTER, TRIAL_SINGLE, TRIAL_BASELINE};
    for (size_t i = 0; i < sizeof nested / sizeof *nested; i++) {
        const ViewScore *score = find_score(view, model, task, VIEW_NONE, nested[i], name);
        if (score == NULL) score = best_setting_score(view, model, task, nested[i], name);
        if (score != NULL) return score;
    }
    return NULL;
}

int run_view_best_model(const RunView *view, int task)
{
    int best = VIEW_NONE;
    double best_estimate = NAN;
    for (size_t m = 0; m < view->n_models; m++) {
        const ViewScore *score = run_view_headline(view, (int)m, task, (Slice){0});
        if (view->models[m].is_baseline || score == NULL || isnan(score->score.estimate)) continue;
        if (best != VIEW_NONE && !is_better(view, task, score->score.estimate, best_estimate))
            continue;
        best = (int)m;
        best_estimate = score->score.estimate;
    }
    return best;
}

int run_view_best_setting(const RunView *view, int model, int task, size_t *n_won, size_t *n_folds)
{
    int best = VIEW_NONE;
    *n_won = *n_folds = 0;
    for (size_t s = 0; s < view->n_settings; s++) {
        size_t n = 0;
        for (size_t i = 0; i < view->n_trials; i++) {
            const ViewTrial *trial = &view->trials[i];
            if (trial->model != model || trial->task != task || trial->setting != (int)s ||
                !trial->is_chosen)
                continue;
            if (trial->role == TRIAL_OUTER || trial->role == TRIAL_SINGLE) n++;
        }
        *n_folds += n;
        if (n <= *n_won) continue;
        *n_won = n;
        best = (int)s;
    }
    return best;
}

bool run_view_is_verdict(const RunView *view, const ViewSlice *slice)
{
    const ViewScore *headline = run_view_headline(view, slice->model, slice->task, (Slice){0});
    return headline != NULL && headline->setting == slice->setting && headline->role == slice->role;
}

bool run_view_is_primary_slice(const RunView *view, const ViewSlice *slice)
{
    const Slice primary = view->tasks[slice->task].primary;
    return slice_eq(slice->slice->score.metric,
                    slice_sub(primary, 0, slice_find_byte(primary, '/')));
}

const ViewSlice *run_view_worst_slice(const RunView *view, int model, int task, int setting,
                                      TrialRole role)
{
    const ViewSlice *worst = NULL;
    for (size_t i = 0; i < view->n_slices; i++) {
        const ViewSlice *slice = &view->slices[i];
        if (slice->model != model || slice->task != task || slice->setting != setting ||
            slice->role != role || !slice->slice->is_worst ||
            !run_view_is_primary_slice(view, slice))
            continue;
        if (worst == NULL ||
            is_better(view, task, worst->slice->score.estimate, slice->slice->score.estimate))
            worst = slice;
    }
    return worst;
}

const StoredScore *run_view_trial_score(const ViewTrial *trial, Slice name)
{
    for (size_t i = 0; i < trial->n_scores; i++) {
        if (slice_eq(trial->scores[i].name, name)) return &trial->scores[i];
    }
    return NULL;
}

const ViewSeries *run_view_series(const ViewTrial *trial, const char *name)
{
    for (size_t i = 0; i < trial->n_series; i++) {
        if (slice_eq_cstr(trial->series[i].name, name)) return &trial->series[i];
    }
    return NULL;
}

// Every column of every row, each as a field of its own.
static Status hash_query(Store *store, const char *sql, Slice run_id, Sha256 *hash, Error *err)
{
    Query q;
    TRY(query_begin(store, sql, &q, err));
    query_bind_text(&q, run_id);
    while (query_row(&q)) {
        const int n = sqlite3_column_count(q.stmt);
        for (int i = 0; i < n; i++) sha256_update_field(hash, query_blob(&q));
    }
    return query_end(&q, err);
}

Status run_view_hash(Store *store, Slice run_id, char hash[SHA256_HEX_SIZE], Error *err)
{
    Sha256 state;
    unsigned char digest[32];
    sha256_init(&state);
    TRY(hash_query(store,
                   "SELECT id, status, settings, manifest, primary_metric FROM run WHERE id = ?",
                   run_id, &state, err));
    TRY(hash_query(
        store,
        "SELECT r.trial, r.model, r.task, r.setting, r.role, r.is_chosen, t.status, t.error,"
        " (SELECT max(c.cost_id) FROM cost c WHERE c.trial_id = t.trial_id) FROM run_trial r"
        " LEFT JOIN trial t ON t.id = r.trial WHERE r.run_id = (SELECT run_id FROM run WHERE id = ?)"
        " ORDER BY r.position",
        run_id, &state, err));
    TRY(hash_query(
        store,
        "SELECT model, task, setting, role, name, estimate, lo, hi, n, n_folds, n_seeds FROM run_score"
        " WHERE run_id = (SELECT run_id FROM run WHERE id = ?) ORDER BY position",
        run_id, &state, err));
    TRY(hash_query(
        store,
        "SELECT model, task, setting, role, attribute, value, name, estimate, lo, hi, n, difference, p_adjusted"
        " FROM run_slice WHERE run_id = (SELECT run_id FROM run WHERE id = ?) ORDER BY position",
        run_id, &state, err));
    TRY(hash_query(store,
                   "SELECT task, section, item, value, level FROM data_check"
                   " WHERE run_id = (SELECT run_id FROM run WHERE id = ?) ORDER BY position",
                   run_id, &state, err));
    TRY(hash_query(
        store,
        "SELECT level, trial, text FROM run_note WHERE run_id = (SELECT run_id FROM run WHERE id = ?)"
        " ORDER BY position",
        run_id, &state, err));
    sha256_finish(&state, digest);
    sha256_hex(digest, hash);
    return STATUS_OK;
}
