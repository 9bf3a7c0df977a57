// results/judged.c: rows of several trials end to end.
#include "results/judged.h"
#include "results/keep.h"

#include "base/size.h"
#include "results/canonical.h"
#include "results/store_internal.h"

// The member of a setting by which trials of a role are pooled: a point of the learning curve, a step after tuning. NULL for
// roles that are pooled otherwise.
static const char *pooling_key(TrialRole role)
{
    return role == TRIAL_CURVE ? "train_samples" : role == TRIAL_AFTER ? "after" : NULL;
}

// Whether a setting is of a point or a step.
static bool is_of_point(Slice setting, const char *key, Slice point)
{
    Buffer own = {0};
    Error ignored = {0};
    const bool is = canonical_member(SLICE("setting"), setting, key, &own, &ignored) == STATUS_OK &&
                    slice_eq(buffer_slice(&own), point);
    buffer_release(&own);
    return is;
}

static bool matches(const RunTrial *planned, TrialStatus status, const JudgedQuery *query)
{
    if (status != TRIAL_DONE || planned->role != query->role ||
        !slice_eq(planned->model, query->model) || !slice_eq(planned->task, query->task))
        return false;
    const char *key = pooling_key(query->role);
    if (key) return is_of_point(planned->setting, key, query->setting);
    if (query->setting.ptr != NULL) return slice_eq(planned->setting, query->setting);
    return planned->role != TRIAL_OUTER || planned->is_chosen;
}

// Trials of the query with outputs and rows; a trial that stands twice in the plan counts once.
static Status read_trials(Store *store, Slice run_id, const JudgedQuery *query, Arena *arena,
                          Trial **trials, size_t *n, Error *err)
{
    RunTrial *plan = NULL;
    TrialStatus *status = NULL;
    size_t n_plan = 0;
    TRY(store_get_plan(store, arena, run_id, &plan, &status, &n_plan, err));
    TRY(arena_take(arena, n_plan, sizeof **trials, "trials", trials, err));
    *n = 0;
    for (size_t i = 0; i < n_plan; i++) {
        if (!matches(&plan[i], status[i], query)) continue;
        bool seen = false;
        for (size_t j = 0; j < *n; j++) seen = seen || slice_eq((*trials)[j].id, plan[i].trial_id);
        if (seen) continue;
        TRY(store_get_trial(store, arena, plan[i].trial_id, TRIAL_OUTPUTS | TRIAL_METRICS,
                            &(*trials)[(*n)++], err));
    }
    return STATUS_OK;
}

static void count_folds_and_seeds(const Trial *trials, size_t n, JudgedRows *out)
{
    out->n_trials = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        bool new_fold = trials[i].outer_fold != STORE_NO_FOLD, new_seed = true;
        for (size_t j = 0; j < i; j++) {
            new_fold = new_fold && trials[j].outer_fold != trials[i].outer_fold;
            new_seed = new_seed && trials[j].seed != trials[i].seed;
        }
        out->n_folds += new_fold;
        out->n_seeds += new_seed;
    }
}

static const TrialMetric *find_metric(const Trial *trial, const TrialMetric *like)
{
    for (size_t i = 0; i < trial->n_metrics; i++) {
        const TrialMetric *metric = &trial->metrics[i];
        if (slice_eq(metric->name, like->name) && slice_eq(metric->signature, like->signature) &&
            metric->width == like->width)
            return metric;
    }
    return NULL;
}

static Status join_rows(const Trial *trials, size_t n, const TrialMetric *like, size_t n_samples,
                        Arena *arena, JudgedRows *out, Error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (find_metric(&trials[i], like) == NULL) return STATUS_OK;
    }
    size_t n_values = 0;
    double *rows = NULL;
    if (!size_mul(n_samples, like->width, &n_values))
        return error_set(err, STATUS_INVALID, "metric " SLICE_FMT ": too many rows",
                         SLICE_ARG(like->name));
    TRY(arena_take(arena, n_values, sizeof *rows, "metric rows", &rows, err));
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const TrialMetric *metric = find_metric(&trials[i], like);
        const size_t n_new = trials[i].n_outputs * like->width;
        if (n_new > 0) memcpy(rows + at, metric->rows, n_new * sizeof *rows);
        at += n_new;
    }
    out->metrics[out->n_metrics++] =
        (JudgedMetric){like->name, like->params, like->signature, like->width, rows};
    return STATUS_OK;
}

static Slice hash_input(Arena *arena, const StoredSample *sample, bool *out_of_memory)
{
    Sha256 hash;
    unsigned char digest[32];
    char hex[SHA256_HEX_SIZE];
    sha256_init(&hash);
    sha256_update_field(&hash, sample->input);
    sha256_update_field(&hash, sample->pair);
    sha256_finish(&hash, digest);
    sha256_hex(digest, hex);
    return keep_text(arena, (Slice){hex, sizeof hex - 1}, out_of_memory);
}

// Samples judged once and without a group are units of their own.
static Status fill_samples(const Trial *trials, size_t n, const StoredDataset *dataset,
                           Arena *arena, JudgedRows *out, Error *err)
{
    unsigned char *times = NULL;
    TRY(arena_take(arena, dataset->n_samples, 1, "counts", &times, err));
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < trials[i].n_outputs; j++) {
            unsigned char *count = &times[trials[i].outputs[j].ordinal];
            if (*count < 2) ++*count;
        }
    }
    bool out_of_memory = false;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < trials[i].n_outputs; j++) {
            const TrialOutput *output = &trials[i].outputs[j];
            const StoredSample *sample = &dataset->samples[output->ordinal];
            const bool is_repeated = times[output->ordinal] > 1;
            out->samples[out->n_samples++] =
                (JudgedSample){.id = sample->id,
                               .input_hash = hash_input(arena, sample, &out_of_memory),
                               .cluster = sample->group.len > 0 ? sample->group
                                          : is_repeated         ? sample->id
                                                                : (Slice){0},
                               .group = sample->group,
                               .attributes = sample->attributes,
                               .seed = trials[i].seed,
                               .ordinal = output->ordinal,
                               .predicted = output->label,
                               .fold = trials[i].outer_fold};
        }
    }
    return out_of_memory ? error_set(err, STATUS_MEMORY, "out of memory while reading samples")
                         : STATUS_OK;
}

static Status check_dataset(const Trial *trials, size_t n, const StoredDataset *dataset, Error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!slice_eq(trials[i].dataset_key, trials[0].dataset_key))
            return error_set(err, STATUS_INVALID,
                             "trials of one score were judged on different data sets");
        for (size_t j = 0; j < trials[i].n_outputs; j++) {
            if (trials[i].outputs[j].ordinal >= dataset->n_samples)
                return error_set(err, STATUS_INVALID,
                                 "trial " SLICE_FMT " judged a sample that its data set lacks",
                                 SLICE_ARG(trials[i].id));
        }
    }
    return STATUS_OK;
}

Status judged_rows_read(Store *store, Slice run_id, const JudgedQuery *query, Arena *arena,
                        JudgedRows *out, Error *err)
{
    *out = (JudgedRows){0};
    Trial *trials = NULL;
    size_t n = 0, n_samples = 0;
    TRY(read_trials(store, run_id, query, arena, &trials, &n, err));
    count_folds_and_seeds(trials, n, out);
    if (n == 0 || trials[0].dataset_key.len == 0) return STATUS_OK;
    StoredDataset dataset;
    TRY(store_get_dataset(store, arena, trials[0].dataset_key, &dataset, err));
    TRY(check_dataset(trials, n, &dataset, err));
    out->labels = dataset.labels;
    out->n_labels = dataset.n_labels;
    for (size_t i = 0; i < n; i++) n_samples += trials[i].n_outputs;
    TRY(arena_take(arena, n_samples, sizeof *out->samples, "judged samples", &out->samples, err));
    TRY(arena_take(arena, trials[0].n_metrics, sizeof *out->metrics, "metrics", &out->metrics,
                   err));
    TRY(fill_samples(trials, n, &dataset, arena, out, err));
    for (size_t i = 0; i < trials[0].n_metrics; i++)
        TRY(join_rows(trials, n, &trials[0].metrics[i], n_samples, arena, out, err));
    return STATUS_OK;
}

static bool is_new(const JudgedQuery *queries, size_t n, const JudgedQuery *query)
{
    for (size_t i = 0; i < n; i++) {
        if (queries[i].role == query->role && slice_eq(queries[i].model, query->model) &&
            slice_eq(queries[i].task, query->task) &&
            slice_eq(queries[i].setting, query->setting) &&
            (queries[i].setting.ptr == NULL) == (query->setting.ptr == NULL))
            return false;
    }
    return true;
}

// What trials of a role are pooled by: the nested estimate, the point of a learning curve, the step, or the setting.
static Status pooled_by(const RunTrial *planned, Arena *arena, Slice *out, Error *err)
{
    Buffer point = {0};
    *out = planned->role == TRIAL_OUTER ? (Slice){0} : planned->setting;
    const char *key = pooling_key(planned->role);
    if (!key) return STATUS_OK;
    Status s = canonical_member(SLICE("setting"), planned->setting, key, &point, err);
    bool out_of_memory = false;
    if (s == STATUS_OK) *out = keep_text(arena, buffer_slice(&point), &out_of_memory);
    if (out_of_memory) s = error_set_memory(err, point.len, 1, "a point");
    buffer_release(&point);
    return s;
}

// Outer trials pool as the nested estimate, those of a learning curve by point; all others by their setting.
Status judged_queries(Store *store, Slice run_id, Arena *arena, JudgedQuery **queries, size_t *n,
                      Error *err)
{
    RunTrial *plan = NULL;
    size_t n_plan = 0;
    TRY(store_get_plan(store, arena, run_id, &plan, NULL, &n_plan, err));
    TRY(arena_take(arena, n_plan, sizeof **queries, "queries", queries, err));
    *n = 0;
    for (size_t i = 0; i < n_plan; i++) {
        JudgedQuery query = {.model = plan[i].model, .task = plan[i].task, .role = plan[i].role};
        TRY(pooled_by(&plan[i], arena, &query.setting, err));
        if (is_new(*queries, *n, &query)) (*queries)[(*n)++] = query;
    }
    return STATUS_OK;
}

Status judged_plan(const JudgedRows *rows, const JudgedMetric *stored, Arena *arena,
                   MetricPlan *plan, JsonDocument **document, Error *err)
{
    *document = NULL;
    const Metric *metric = metric_find(stored->name);
    if (metric == NULL) {
        return error_set(err, STATUS_INVALID,
                         "the store has rows of metric \"" SLICE_FMT "\", which this program lacks",
                         SLICE_ARG(stored->name));
    }
    if (stored->params.len > 0)
        TRY(json_parse(stored->name, stored->params, JSON_STRICT, document, err));
    const MetricSetup setup = {.labels = rows->labels,
                               .n_labels = rows->n_labels,
                               .has_rows = true,
                               .params = *document == NULL ? NULL : json_root(*document)};
    Status s = metric_plan(metric, &setup, arena, plan, err);
    if (s == STATUS_OK && plan->width != stored->width) {
        s = error_set(
            err, STATUS_INVALID,
            "metric " SLICE_FMT
            ": stored rows have %zu numbers, this program's have %zu; run the suite again",
            SLICE_ARG(stored->name), stored->width, plan->width);
    }
    if (s != STATUS_OK) json_close(document);
    return s;
}

Status judged_table(const JudgedRows *rows, const JudgedMetric *metric, const MetricPlan *plan,
                    RowTable *out, Error *err)
{
    row_table_init(out, plan);
    for (size_t i = 0; i < rows->n_samples; i++)
        TRY(row_table_add_values(out, metric->rows + i * metric->width, 1, rows->samples[i].cluster,
                                 err));
    return STATUS_OK;
}
