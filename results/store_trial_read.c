// results/store_trial_read.c: a trial comes out as it went in.
#include "base/size.h"
#include "results/store_internal.h"

static Status read_head(Store *store, Arena *arena, Slice id, int64_t *row, Trial *out, Error *err)
{
    Query q;
    TRY(query_begin(
        store,
        "SELECT t.trial_id, t.id, t.identity, t.setting, d.key, f.key, t.role, t.outer_fold, t.inner_fold,"
        " t.seed, t.status = 'done', t.error, t.best_step, t.n_outputs FROM trial t LEFT JOIN dataset d"
        " USING (dataset_id) LEFT JOIN fold_set f USING (fold_set_id) WHERE t.id = ?",
        &q, err));
    query_bind_text(&q, id);
    *row = -1;
    if (query_row(&q)) {
        *row = query_i64(&q, -1);
        out->id = query_text(&q, arena);
        out->identity = query_text(&q, arena);
        out->setting = query_text(&q, arena);
        out->dataset_key = query_text(&q, arena);
        out->folds_key = query_text(&q, arena);
        trial_role_parse(query_text(&q, arena), &out->role);
        out->outer_fold = (int32_t)query_i64(&q, STORE_NO_FOLD);
        out->inner_fold = (int32_t)query_i64(&q, STORE_NO_FOLD);
        out->seed = (uint64_t)query_i64(&q, 0);
        out->status = query_i64(&q, 0) != 0 ? TRIAL_DONE : TRIAL_FAILED;
        out->error = query_text(&q, arena);
        out->best_step = query_i64(&q, -1);
        out->n_outputs = (size_t)query_i64(&q, 0);
    }
    return query_end(&q, err);
}

static Status read_scores(Store *store, Arena *arena, int64_t row, Trial *out, Error *err)
{
    Query q;
    TRY(query_begin(
        store,
        "SELECT metric, name, estimate, lo, hi, level, method, n, direction, lowest, highest FROM score"
        " WHERE trial_id = ? ORDER BY position",
        &q, err));
    query_bind_i64(&q, row);
    StoredScore *scores = NULL;
    size_t capacity = 0;
    while (query_row(&q) &&
           query_room(&q, arena, &scores, out->n_scores, &capacity, sizeof *scores))
        store_read_score(&q, arena, &scores[out->n_scores++]);
    out->scores = scores;
    return query_end(&q, err);
}

static Status read_cost(Store *store, Arena *arena, int64_t row, Trial *out, Error *err)
{
    Query q;
    TRY(query_begin(
        store,
        "SELECT started_unix_ns, wall_ns, cpu_ns, train_ns, evaluate_ns, n_train_tokens,"
        " n_evaluate_tokens, peak_rss_bytes, load_average, device, n_threads, machine FROM cost"
        " WHERE trial_id = ? ORDER BY cost_id DESC LIMIT 1",
        &q, err));
    query_bind_i64(&q, row);
    TrialCost *cost = NULL;
    if (query_row(&q) && (cost = ARENA_NEW(arena, TrialCost, 1)) != NULL) {
        cost->started_unix_ns = query_i64(&q, STORE_NO_TIME);
        cost->wall_ns = query_i64(&q, STORE_NO_TIME);
        cost->cpu_ns = query_i64(&q, STORE_NO_TIME);
        cost->train_ns = query_i64(&q, STORE_NO_TIME);
        cost->evaluate_ns = query_i64(&q, STORE_NO_TIME);
        cost->n_train_tokens = (uint64_t)query_i64(&q, 0);
        cost->n_evaluate_tokens = (uint64_t)query_i64(&q, 0);
        cost->peak_rss_bytes = (uint64_t)query_i64(&q, 0);
        cost->load_average = query_double(&q);
        cost->device = query_text(&q, arena);
        cost->n_threads = (uint32_t)query_i64(&q, 0);
        cost->machine = query_text(&q, arena);
    }
    out->cost = cost;
    return query_end(&q, err);
}

static void read_probabilities(Query *query, Arena *arena, TrialOutput *output)
{
    const Slice blob = query_blob(query);
    if (blob.ptr == NULL) return;
    output->n_probabilities = blob.len / sizeof(float);
    float *values = ARENA_NEW(arena, float, output->n_probabilities);
    if (values == NULL) {
        query->out_of_memory = true;
        return;
    }
    memcpy(values, blob.ptr, output->n_probabilities * sizeof(float));
    output->probabilities = values;
}

static Status read_outputs(Store *store, Arena *arena, int64_t row, Trial *out, Error *err)
{
    const size_t expected = out->n_outputs;
    TrialOutput *outputs = NULL;
    TRY(arena_take(arena, expected, sizeof *outputs, "outputs", &outputs, err));
    Query q;
    TRY(query_begin(
        store,
        "SELECT o.ordinal, o.label, o.text, o.probabilities, o.latency_ns, e.text FROM output o LEFT JOIN"
        " explanation e ON e.trial_id = o.trial_id AND e.ordinal = o.ordinal WHERE o.trial_id = ?"
        " ORDER BY o.ordinal",
        &q, err));
    query_bind_i64(&q, row);
    size_t n = 0;
    while (n < expected && query_row(&q)) {
        TrialOutput *output = &outputs[n++];
        output->ordinal = (uint32_t)query_i64(&q, 0);
        output->label = (int32_t)query_i64(&q, STORE_NO_LABEL);
        output->text = query_text(&q, arena);
        read_probabilities(&q, arena, output);
        output->latency_ns = query_i64(&q, STORE_NO_TIME);
        output->explanation = query_text(&q, arena);
    }
    out->outputs = outputs;
    TRY(query_end(&q, err));
    if (n == expected) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "store %s: trial " SLICE_FMT
                     " says %zu outputs, but only %zu are there; the file was "
                     "changed by hand or is damaged",
                     store->path, SLICE_ARG(out->id), expected, n);
}

static Status read_blocks(Store *store, int64_t metric_row, size_t n_rows, size_t width,
                          double *rows, Error *err)
{
    Query q;
    TRY(query_begin(store,
                    "SELECT n_rows, rows FROM metric_block WHERE metric_id = ? ORDER BY block", &q,
                    err));
    query_bind_i64(&q, metric_row);
    size_t n = 0;
    bool fits = true;
    while (fits && query_row(&q)) {
        const size_t n_block = (size_t)query_i64(&q, 0);
        const Slice blob = query_blob(&q);
        fits = n_block <= n_rows - n && blob.len == n_block * width * sizeof(double);
        if (!fits) break;
        if (n_block > 0) memcpy(rows + n * width, blob.ptr, blob.len);
        n += n_block;
    }
    TRY(query_end(&q, err));
    if (fits && n == n_rows) return STATUS_OK;
    return error_set(
        err, STATUS_INVALID,
        "store %s: blocks of a metric do not hold %zu rows of %zu numbers; the file was changed by hand "
        "or is damaged",
        store->path, n_rows, width);
}

static Status read_metrics(Store *store, Arena *arena, int64_t row, Trial *out, Error *err)
{
    Query q;
    TRY(query_begin(
        store,
        "SELECT metric_id, name, params, signature, width FROM metric WHERE trial_id = ? ORDER BY position",
        &q, err));
    query_bind_i64(&q, row);
    TrialMetric *metrics = NULL;
    size_t capacity = 0, id_capacity = 0;
    int64_t *ids = NULL;
    out->n_metrics = 0;
    while (query_row(&q) &&
           query_room(&q, arena, &metrics, out->n_metrics, &capacity, sizeof *metrics) &&
           query_room(&q, arena, &ids, out->n_metrics, &id_capacity, sizeof *ids)) {
        ids[out->n_metrics] = query_i64(&q, -1);
        TrialMetric *metric = &metrics[out->n_metrics++];
        metric->name = query_text(&q, arena);
        metric->params = query_text(&q, arena);
        metric->signature = query_text(&q, arena);
        metric->width = (size_t)query_i64(&q, 0);
    }
    out->metrics = metrics;
    TRY(query_end(&q, err));
    for (size_t i = 0; i < out->n_metrics; i++) {
        size_t n_values = 0;
        double *rows = NULL;
        if (!size_mul(out->n_outputs, metrics[i].width, &n_values) ||
            n_values > SIZE_MAX / sizeof(double))
            return error_set(err, STATUS_INVALID, "store %s: a metric of impossible width %zu",
                             store->path, metrics[i].width);
        TRY(arena_take(arena, n_values, sizeof *rows, "metric rows", &rows, err));
        TRY(read_blocks(store, ids[i], out->n_outputs, metrics[i].width, rows, err));
        metrics[i].rows = rows;
    }
    return STATUS_OK;
}

// Points of all series first, in one list; then each series gets its stretch of it.
static Status read_curves(Store *store, Arena *arena, int64_t row, Trial *out, Error *err)
{
    Query q;
    TRY(query_begin(
        store,
        "SELECT series, count(*) FROM curve WHERE trial_id = ? GROUP BY series ORDER BY series", &q,
        err));
    query_bind_i64(&q, row);
    TrialCurve *curves = NULL;
    size_t capacity = 0;
    out->n_curves = 0;
    while (query_row(&q) &&
           query_room(&q, arena, &curves, out->n_curves, &capacity, sizeof *curves)) {
        TrialCurve *curve = &curves[out->n_curves++];
        curve->series = query_text(&q, arena);
        curve->n_points = (size_t)query_i64(&q, 0);
    }
    out->curves = curves;
    TRY(query_end(&q, err));
    for (size_t i = 0; i < out->n_curves; i++) {
        CurvePoint *points = NULL;
        TRY(arena_take(arena, curves[i].n_points, sizeof *points, "curve", &points, err));
        TRY(query_begin(
            store, "SELECT step, value FROM curve WHERE trial_id = ? AND series = ? ORDER BY step",
            &q, err));
        query_bind_i64(&q, row);
        query_bind_text(&q, curves[i].series);
        size_t n = 0;
        while (n < curves[i].n_points && query_row(&q)) {
            points[n].step = query_i64(&q, 0);
            points[n++].value = query_double(&q);
        }
        TRY(query_end(&q, err));
        curves[i].points = points;
        curves[i].n_points = n;
    }
    return STATUS_OK;
}

Status store_get_trial(Store *store, Arena *arena, Slice trial_id, unsigned parts, Trial *out,
                       Error *err)
{
    *out = (Trial){0};
    int64_t row = -1;
    TRY(read_head(store, arena, trial_id, &row, out, err));
    if (row < 0)
        return error_set(err, STATUS_NOT_FOUND, "store %s: no trial " SLICE_FMT, store->path,
                         SLICE_ARG(trial_id));
    TRY(read_scores(store, arena, row, out, err));
    TRY(read_cost(store, arena, row, out, err));
    if ((parts & TRIAL_OUTPUTS) != 0) TRY(read_outputs(store, arena, row, out, err));
    if ((parts & TRIAL_METRICS) != 0) TRY(read_metrics(store, arena, row, out, err));
    if ((parts & TRIAL_CURVES) != 0) TRY(read_curves(store, arena, row, out, err));
    return STATUS_OK;
}
