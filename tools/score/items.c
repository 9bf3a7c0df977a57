#include "tools/score/items.h"

#include <math.h>
#include <stdlib.h>

#include "base/json_source.h"
#include "base/name_list.h"

enum { MAX_KEYS = 64, MAX_METRICS = 8 };

Status score_interval_of_case(const ScoreCase *c, IntervalOptions *out, Error *err)
{
    static const char *const known[] = {"resamples", "level", "seed"};
    const Json *object = NULL;
    int64_t n_resamples = DEFAULT_RESAMPLES, seed = 0;
    *out = (IntervalOptions){.level = 0.95};
    TRY(json_opt_kind(c->root, "interval", JSON_OBJECT, &object, err));
    if (object != NULL) {
        TRY(json_check_keys(object, known, 3, err));
        TRY(json_opt_i64(object, "resamples", 0, 10000000, &n_resamples, err));
        TRY(json_opt_i64(object, "seed", 0, INT64_MAX, &seed, err));
        TRY(json_opt_double(object, "level", 0.001, 0.999999, &out->level, err));
    }
    out->seed = (uint64_t)seed;
    out->n_resamples = (size_t)n_resamples;
    if (n_resamples == 0) out->method = INTERVAL_NONE;
    return STATUS_OK;
}

static bool is_known(const char *const *keys, Slice key)
{
    for (size_t i = 0; keys != NULL && keys[i] != NULL; i++) {
        if (slice_eq_cstr(key, keys[i])) return true;
    }
    return false;
}

static void add_keys(const char *const *keys, const char **all, size_t *n)
{
    for (size_t i = 0; keys != NULL && keys[i] != NULL && *n < MAX_KEYS; i++) all[(*n)++] = keys[i];
}

// The params that a metric knows, as an object of their own; *out is NULL where there are none.
static Status own_params(const Metric *metric, const Json *params, JsonDocument **out, Error *err)
{
    Buffer text = {0};
    JsonWriter w = json_writer(&text, 0);
    *out = NULL;
    json_begin_object(&w);
    for (const Json *v = json_first(params); v != NULL; v = json_next(v)) {
        if (!is_known(metric->params, json_key(v))) continue;
        json_put_key_slice(&w, json_key(v));
        json_put_raw(&w, json_source(v));
    }
    json_end_object(&w);
    Status s = buffer_status(&text, err);
    if (s == STATUS_OK) {
        s = json_parse(SLICE("params"), buffer_slice(&text), JSON_STRICT, out, err);
    }
    buffer_release(&text);
    return s;
}

typedef struct Scored {
    Score *scores;
    size_t n;
    Slice signature;
} Scored;

static Status score_one(const ScoreItems *all, const Metric *metric, Scored *out, Error *err)
{
    JsonDocument *document = NULL;
    MetricPlan plan;
    MetricSetup setup = all->setup;
    Status s = STATUS_OK;
    if (all->params != NULL) s = own_params(metric, all->params, &document, err);
    setup.params = document != NULL ? json_root(document) : NULL;
    if (s == STATUS_OK) s = metric_plan(metric, &setup, all->arena, &plan, err);
    if (s == STATUS_OK) s = metric_signature(&plan, all->arena, &out->signature, err);
    if (s == STATUS_OK) {
        s = scores_of_items(&plan, all->items, all->n, &all->interval, all->arena, &out->scores,
                            err);
        out->n = plan.n_scores;
    }
    json_close(&document);
    return s;
}

static void put_intervals(JsonWriter *w, const Scored *scored, size_t n_metrics)
{
    json_member_object(w, "intervals");
    for (size_t m = 0; m < n_metrics; m++) {
        for (size_t i = 0; i < scored[m].n; i++) {
            const Score *score = &scored[m].scores[i];
            if (isnan(score->lo)) continue;
            json_put_key_slice(w, score->name);
            json_begin_array(w);
            json_put_double(w, score->lo);
            json_put_double(w, score->hi);
            json_end_array(w);
        }
    }
    json_end_object(w);
}

Status score_put_metrics(const ScoreItems *all, const Metric *const *metrics, size_t n_metrics,
                         const char *const *own, JsonWriter *w, Error *err)
{
    Scored scored[MAX_METRICS];
    const char *keys[MAX_KEYS] = {NULL};
    size_t n_keys = 0;
    for (size_t m = 0; m < n_metrics; m++) add_keys(metrics[m]->params, keys, &n_keys);
    add_keys(own, keys, &n_keys);
    if (all->params != NULL) TRY(json_check_keys(all->params, keys, n_keys, err));
    for (size_t m = 0; m < n_metrics; m++) TRY(score_one(all, metrics[m], &scored[m], err));
    for (size_t m = 0; m < n_metrics; m++) {
        for (size_t i = 0; i < scored[m].n; i++) {
            json_put_key_slice(w, scored[m].scores[i].name);
            json_put_double(w, scored[m].scores[i].estimate);
        }
    }
    if (all->interval.method != INTERVAL_NONE) put_intervals(w, scored, n_metrics);
    json_member_object(w, "signatures");
    for (size_t m = 0; m < n_metrics; m++) {
        json_member_string(w, metrics[m]->name, scored[m].signature);
    }
    json_end_object(w);
    json_member_u64(w, "n", all->n);
    return STATUS_OK;
}

Status score_name_index(ClusterNames *names, const Json *value, Slice name, int32_t *out,
                        Error *err)
{
    uint32_t index;
    if (name.len == 0) return json_error(value, err, "a name is empty");
    TRY(clusters_index(names, name, &index, err));
    if (index > INT32_MAX) return json_error(value, err, "too many names");
    *out = (int32_t)index;
    return STATUS_OK;
}

Status score_name_of(const Json *value, Slice *out, Error *err)
{
    if (json_kind(value) == JSON_NUMBER) {
        *out = json_number_text(value);
        return STATUS_OK;
    }
    if (json_kind(value) == JSON_BOOL) {
        *out = json_bool(value) ? SLICE("true") : SLICE("false");
        return STATUS_OK;
    }
    return json_as_string(value, out, err);
}

Status score_value_index(ClusterNames *names, const Json *value, int32_t *out, Error *err)
{
    Slice name;
    if (json_kind(value) == JSON_NULL) return STATUS_OK;
    TRY(score_name_of(value, &name, err));
    return score_name_index(names, value, name, out, err);
}

Status score_want_object(const Json *value, const char *what, Error *err)
{
    if (json_kind(value) == JSON_OBJECT) return STATUS_OK;
    return json_error(value, err, "%s must be an object, not %s", what,
                      json_kind_name(json_kind(value)));
}

Status score_want_number(const Json *object, const char *key, double *out, Error *err)
{
    const Json *value = json_get(object, key);
    if (value == NULL) return json_error(object, err, "\"%s\" is missing", key);
    return score_number(value, out, err);
}

Status score_choice(const Json *value, const char *const *choices, size_t n, size_t *out,
                    Error *err)
{
    Slice text;
    TRY(json_as_string(value, &text, err));
    NameList allowed = {0};
    for (size_t i = 0; i < n; i++) {
        if (slice_eq_cstr(text, choices[i])) {
            *out = i;
            return STATUS_OK;
        }
        name_list_add_cstr(&allowed, choices[i]);
    }
    return json_error(value, err, "\"" SLICE_FMT "\" is none of %s", SLICE_ARG(text), allowed.text);
}

Status score_want_rows(const ScoreCase *c, const char *key, const Json **out, Error *err)
{
    TRY(score_want(c, key, JSON_ARRAY, out, err));
    if (json_len(*out) > 0) return STATUS_OK;
    return json_error(*out, err, "there is nothing to score");
}

static int compare_names(const void *a, const void *b)
{
    const Slice *x = a, *y = b;
    return slice_cmp(*x, *y);
}

static int compare_numbers(const void *a, const void *b)
{
    const Slice *x = a, *y = b;
    double first = 0, second = 0;
    (void)slice_to_double(*x, &first);
    (void)slice_to_double(*y, &second);
    if (first != second) return first < second ? -1 : 1;
    return slice_cmp(*x, *y);
}

Status score_find_labels(const ScoreCase *c, const ClusterNames *seen, ScoreLabels *out, Error *err)
{
    const Json *given = NULL;
    double number;
    bool are_numbers = true;
    *out = (ScoreLabels){0};
    TRY(json_opt_kind(c->root, "labels", JSON_ARRAY, &given, err));
    if (given != NULL) {
        TRY(arena_take(c->arena, json_len(given), sizeof *out->names, "labels", &out->names, err));
        for (const Json *v = json_first(given); v != NULL; v = json_next(v)) {
            TRY(score_name_of(v, &out->names[out->n++], err));
        }
        return STATUS_OK;
    }
    out->n = seen->n_clusters;
    TRY(arena_take(c->arena, out->n, sizeof *out->names, "labels", &out->names, err));
    for (size_t i = 0; i < out->n; i++) {
        out->names[i] = seen->names[i];
        are_numbers &= slice_to_double(out->names[i], &number);
    }
    if (out->n > 1) {
        qsort(out->names, out->n, sizeof *out->names,
              are_numbers ? compare_numbers : compare_names);
    }
    return STATUS_OK;
}

Status score_label_index(const ScoreLabels *labels, const Json *value, int32_t *out, Error *err)
{
    Slice name;
    *out = ITEM_NO_LABEL;
    if (json_kind(value) == JSON_NULL) return STATUS_OK;
    TRY(score_name_of(value, &name, err));
    for (size_t i = 0; i < labels->n; i++) {
        if (!slice_eq(labels->names[i], name)) continue;
        *out = (int32_t)i;
        return STATUS_OK;
    }
    return json_error(value, err, "\"" SLICE_FMT "\" is none of the %zu labels", SLICE_ARG(name),
                      labels->n);
}
