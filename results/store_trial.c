// results/store_trial.c: a finished trial goes in whole, in one transaction.
#include "base/size.h"
#include "results/store_internal.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "numbers in blobs are little-endian, written as they are");

static const char *const role_names[] = {
    [TRIAL_INNER] = "inner", [TRIAL_OUTER] = "outer",       [TRIAL_EXPLORE] = "explore",
    [TRIAL_FINAL] = "final", [TRIAL_SINGLE] = "single",     [TRIAL_CURVE] = "curve",
    [TRIAL_AFTER] = "after", [TRIAL_BASELINE] = "baseline",
};

const char *trial_role_name(TrialRole role)
{
    return role_names[role];
}

bool trial_role_parse(Slice name, TrialRole *out)
{
    for (size_t i = 0; i < sizeof role_names / sizeof *role_names; i++) {
        if (!slice_eq_cstr(name, role_names[i])) continue;
        *out = (TrialRole)i;
        return true;
    }
    return false;
}

Status store_trial_row(Store *store, Slice id, int64_t *row, TrialStatus *status, Error *err)
{
    Query q;
    TRY(query_begin(store, "SELECT trial_id, status = 'done' FROM trial WHERE id = ?", &q, err));
    query_bind_text(&q, id);
    *row = -1;
    *status = TRIAL_ABSENT;
    if (query_row(&q)) {
        *row = query_i64(&q, -1);
        *status = query_i64(&q, 0) != 0 ? TRIAL_DONE : TRIAL_FAILED;
    }
    return query_end(&q, err);
}

Status store_trial_status(Store *store, Slice trial_id, TrialStatus *out, Error *err)
{
    int64_t row = -1;
    return store_trial_row(store, trial_id, &row, out, err);
}

static bool is_hex_id(Slice id)
{
    if (id.len != SHA256_HEX_SIZE - 1) return false;
    for (size_t i = 0; i < id.len; i++) {
        if (slice_find_byte(SLICE("0123456789abcdef"), id.ptr[i]) == SIZE_MAX) return false;
    }
    return true;
}

// What a caller can get wrong; a row that breaks these would be found only when a report is made.
static Status check_trial(Store *store, const Trial *trial, int64_t n_samples, Error *err)
{
    if (!is_hex_id(trial->id)) {
        return error_set(err, STATUS_INTERNAL,
                         "store %s: trial id \"" SLICE_FMT "\" is not 64 hex digits", store->path,
                         SLICE_ARG(trial->id));
    }
    if (trial->status == TRIAL_ABSENT)
        return error_set(err, STATUS_INTERNAL, "store %s: a trial that is neither done nor failed",
                         store->path);
    for (size_t i = 0; i < trial->n_outputs; i++) {
        const uint32_t ordinal = trial->outputs[i].ordinal;
        if (i > 0 && ordinal <= trial->outputs[i - 1].ordinal)
            return error_set(err, STATUS_INTERNAL,
                             "store %s: outputs not in ascending order at ordinal %u", store->path,
                             ordinal);
        if ((int64_t)ordinal >= n_samples)
            return error_set(err, STATUS_INTERNAL,
                             "store %s: output of sample %u, but the data set has %lld",
                             store->path, ordinal, (long long)n_samples);
    }
    return STATUS_OK;
}

static Status put_head(Store *store, const Trial *trial, int64_t dataset, int64_t *row, Error *err)
{
    Query q;
    TRY(query_begin(
        store,
        "INSERT INTO trial (id, identity, setting, dataset_id, fold_set_id, role, outer_fold, inner_fold,"
        " seed, status, error, best_step, n_outputs) VALUES (?, ?, ?, ?, (SELECT fold_set_id FROM fold_set"
        " WHERE key = ?), ?, ?, ?, ?, ?, ?, ?, ?)",
        &q, err));
    query_bind_text(&q, trial->id);
    query_bind_text(&q, trial->identity.ptr == NULL ? SLICE("{}") : trial->identity);
    query_bind_text(&q, trial->setting.ptr == NULL ? SLICE("{}") : trial->setting);
    query_bind_optional(&q, dataset, -1);
    query_bind_text(&q, trial->folds_key);
    query_bind_cstr(&q, trial_role_name(trial->role));
    query_bind_optional(&q, trial->outer_fold, STORE_NO_FOLD);
    query_bind_optional(&q, trial->inner_fold, STORE_NO_FOLD);
    query_bind_i64(&q, (int64_t)trial->seed);
    query_bind_cstr(&q, trial->status == TRIAL_DONE ? "done" : "failed");
    query_bind_text(&q, trial->error);
    query_bind_optional(&q, trial->best_step, -1);
    query_bind_i64(&q, (int64_t)trial->n_outputs);
    TRY(query_do(&q, err));
    *row = sqlite3_last_insert_rowid(store->db);
    return STATUS_OK;
}

static Status put_outputs(Store *store, int64_t row, const Trial *trial, Error *err)
{
    Query q;
    TRY(query_begin(store, "INSERT INTO output VALUES (?, ?, ?, ?, ?, ?)", &q, err));
    for (size_t i = 0; i < trial->n_outputs; i++) {
        const TrialOutput *output = &trial->outputs[i];
        query_bind_i64(&q, row);
        query_bind_i64(&q, output->ordinal);
        query_bind_optional(&q, output->label, STORE_NO_LABEL);
        query_bind_text(&q, output->text);
        query_bind_blob(&q, output->probabilities, output->n_probabilities * sizeof(float));
        query_bind_optional(&q, output->latency_ns, STORE_NO_TIME);
        TRY(query_do(&q, err));
    }
    return query_end(&q, err);
}

static Status put_blocks(Store *store, int64_t metric_row, const Trial *trial,
                         const TrialMetric *metric, Error *err)
{
    size_t n_bytes = 0;
    if (!size_mul(metric->width, STORE_BLOCK_ROWS * sizeof(double), &n_bytes))
        return error_set(err, STATUS_INVALID,
                         "metric " SLICE_FMT ": rows of %zu numbers are too wide",
                         SLICE_ARG(metric->name), metric->width);
    uint32_t ordinals[STORE_BLOCK_ROWS];
    Query q;
    TRY(query_begin(store, "INSERT INTO metric_block VALUES (?, ?, ?, ?, ?)", &q, err));
    for (size_t begin = 0, block = 0; begin < trial->n_outputs;
         begin += STORE_BLOCK_ROWS, block++) {
        const size_t n = size_min(STORE_BLOCK_ROWS, trial->n_outputs - begin);
        for (size_t i = 0; i < n; i++) ordinals[i] = trial->outputs[begin + i].ordinal;
        query_bind_i64(&q, metric_row);
        query_bind_i64(&q, (int64_t)block);
        query_bind_i64(&q, (int64_t)n);
        query_bind_blob(&q, ordinals, n * sizeof *ordinals);
        query_bind_blob(&q, metric->rows + begin * metric->width,
                        n * metric->width * sizeof(double));
        TRY(query_do(&q, err));
    }
    return query_end(&q, err);
}

static Status put_explanations(Store *store, int64_t row, const Trial *trial, Error *err)
{
    Query q;
    TRY(query_begin(store, "INSERT INTO explanation VALUES (?, ?, ?)", &q, err));
    for (size_t i = 0; i < trial->n_outputs; i++) {
        if (trial->outputs[i].explanation.len == 0) continue;
        query_bind_i64(&q, row);
        query_bind_i64(&q, trial->outputs[i].ordinal);
        query_bind_text(&q, trial->outputs[i].explanation);
        TRY(query_do(&q, err));
    }
    return query_end(&q, err);
}

static Status put_metrics(Store *store, int64_t row, const Trial *trial, Error *err)
{
    for (size_t i = 0; i < trial->n_metrics; i++) {
        const TrialMetric *metric = &trial->metrics[i];
        Query q;
        TRY(query_begin(
            store,
            "INSERT INTO metric (trial_id, position, name, params, signature, width) VALUES"
            " (?, ?, ?, ?, ?, ?)",
            &q, err));
        query_bind_i64(&q, row);
        query_bind_i64(&q, (int64_t)i);
        query_bind_text(&q, metric->name);
        query_bind_text(&q, metric->params);
        query_bind_text(&q, metric->signature.ptr == NULL ? SLICE("") : metric->signature);
        query_bind_i64(&q, (int64_t)metric->width);
        TRY(query_do(&q, err));
        TRY(put_blocks(store, sqlite3_last_insert_rowid(store->db), trial, metric, err));
    }
    return STATUS_OK;
}

static Status put_scores(Store *store, int64_t row, const Trial *trial, Error *err)
{
    Query q;
    TRY(query_begin(store, "INSERT INTO score VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &q,
                    err));
    for (size_t i = 0; i < trial->n_scores; i++) {
        const StoredScore *score = &trial->scores[i];
        query_bind_i64(&q, row);
        query_bind_i64(&q, (int64_t)i);
        store_bind_score(&q, score);
        TRY(query_do(&q, err));
    }
    return query_end(&q, err);
}

static Status put_curves(Store *store, int64_t row, const Trial *trial, Error *err)
{
    Query q;
    TRY(query_begin(store, "INSERT INTO curve VALUES (?, ?, ?, ?)", &q, err));
    for (size_t i = 0; i < trial->n_curves; i++) {
        const TrialCurve *curve = &trial->curves[i];
        for (size_t j = 0; j < curve->n_points; j++) {
            query_bind_i64(&q, row);
            query_bind_text(&q, curve->series);
            query_bind_i64(&q, curve->points[j].step);
            query_bind_double(&q, curve->points[j].value);
            TRY(query_do(&q, err));
        }
    }
    return query_end(&q, err);
}

static Status put_cost(Store *store, int64_t row, const TrialCost *cost, Error *err)
{
    Query q;
    TRY(query_begin(
        store,
        "INSERT INTO cost (trial_id, started_unix_ns, wall_ns, cpu_ns, train_ns, evaluate_ns,"
        " n_train_tokens, n_evaluate_tokens, peak_rss_bytes, load_average, device, n_threads, machine)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &q, err));
    query_bind_i64(&q, row);
    query_bind_optional(&q, cost->started_unix_ns, STORE_NO_TIME);
    query_bind_optional(&q, cost->wall_ns, STORE_NO_TIME);
    query_bind_optional(&q, cost->cpu_ns, STORE_NO_TIME);
    query_bind_optional(&q, cost->train_ns, STORE_NO_TIME);
    query_bind_optional(&q, cost->evaluate_ns, STORE_NO_TIME);
    query_bind_i64(&q, (int64_t)cost->n_train_tokens);
    query_bind_i64(&q, (int64_t)cost->n_evaluate_tokens);
    query_bind_i64(&q, (int64_t)cost->peak_rss_bytes);
    query_bind_double(&q, cost->load_average);
    query_bind_text(&q, cost->device);
    query_bind_i64(&q, cost->n_threads);
    query_bind_text(&q, cost->machine);
    TRY(query_do(&q, err));
    return query_end(&q, err);
}

static Status drop_trial(Store *store, int64_t row, Error *err)
{
    Query q;
    TRY(query_begin(store, "DELETE FROM trial WHERE trial_id = ?", &q, err));
    query_bind_i64(&q, row);
    TRY(query_do(&q, err));
    return query_end(&q, err);
}

static Status put_trial(Store *store, const Trial *trial, Error *err)
{
    int64_t dataset = -1, n_samples = 0, row = -1;
    TrialStatus present = TRIAL_ABSENT;
    TRY(store_trial_row(store, trial->id, &row, &present, err));
    if (present == TRIAL_DONE)
        return trial->cost == NULL ? STATUS_OK : put_cost(store, row, trial->cost, err);
    if (trial->dataset_key.len > 0)
        TRY(store_dataset_row(store, trial->dataset_key, &dataset, &n_samples, err));
    if (dataset < 0 && (trial->dataset_key.len > 0 || trial->n_outputs > 0)) {
        return error_set(err, STATUS_INTERNAL,
                         "store %s: the trial's data set \"" SLICE_FMT "\" is not stored",
                         store->path, SLICE_ARG(trial->dataset_key));
    }
    TRY(check_trial(store, trial, n_samples, err));
    if (present == TRIAL_FAILED) TRY(drop_trial(store, row, err));
    TRY(put_head(store, trial, dataset, &row, err));
    TRY(put_outputs(store, row, trial, err));
    TRY(put_explanations(store, row, trial, err));
    TRY(put_metrics(store, row, trial, err));
    TRY(put_scores(store, row, trial, err));
    TRY(put_curves(store, row, trial, err));
    return trial->cost == NULL ? STATUS_OK : put_cost(store, row, trial->cost, err);
}

Status store_put_trial(Store *store, const Trial *trial, Error *err)
{
    TRY(store_transaction_begin(store, err));
    return store_transaction_end(store, put_trial(store, trial, err), err);
}

static Status put_cost_of(Store *store, Slice trial_id, const TrialCost *cost, Error *err)
{
    int64_t row = -1;
    TrialStatus present = TRIAL_ABSENT;
    TRY(store_trial_row(store, trial_id, &row, &present, err));
    if (row < 0)
        return error_set(err, STATUS_NOT_FOUND, "store %s: no trial " SLICE_FMT, store->path,
                         SLICE_ARG(trial_id));
    return put_cost(store, row, cost, err);
}

Status store_put_cost(Store *store, Slice trial_id, const TrialCost *cost, Error *err)
{
    TRY(store_transaction_begin(store, err));
    return store_transaction_end(store, put_cost_of(store, trial_id, cost, err), err);
}
