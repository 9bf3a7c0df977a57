#include "tools/score/case_json.h"

#include <math.h>

#include "base/size.h"

Status case_array(const ScoreCase *c, const Json *array, Numbers *out, Error *err)
{
    if (json_kind(array) != JSON_ARRAY)
        return json_error(array, err, "must be a list of numbers, not %s",
                          json_kind_name(json_kind(array)));
    out->n = 0;
    TRY(arena_take(c->arena, json_len(array), sizeof *out->values, "numbers", &out->values, err));
    for (const Json *v = json_first(array); v != NULL; v = json_next(v))
        TRY(score_number(v, &out->values[out->n++], err));
    return STATUS_OK;
}

Status case_opt_numbers(const ScoreCase *c, const char *key, Numbers *out, Error *err)
{
    const Json *array = json_get(c->root, key);
    *out = (Numbers){0};
    if (array == NULL || json_kind(array) == JSON_NULL) return STATUS_OK;
    return case_array(c, array, out, err);
}

Status case_numbers(const ScoreCase *c, const char *key, Numbers *out, Error *err)
{
    const Json *array;
    TRY(json_want_kind(c->root, key, JSON_ARRAY, &array, err));
    return case_array(c, array, out, err);
}

Status case_matrix(const ScoreCase *c, const char *key, Numbers *out, size_t *columns, Error *err)
{
    const Json *rows;
    size_t cells;
    TRY(json_want_kind(c->root, key, JSON_ARRAY, &rows, err));
    *columns = json_len(json_first(rows));
    *out = (Numbers){0};
    if (!size_mul(json_len(rows), *columns, &cells))
        return error_set_memory(err, json_len(rows), *columns, "numbers");
    TRY(arena_take(c->arena, cells, sizeof *out->values, "numbers", &out->values, err));
    for (const Json *row = json_first(rows); row != NULL; row = json_next(row)) {
        if (json_kind(row) != JSON_ARRAY || json_len(row) != *columns)
            return json_error(row, err, "must be a list of %zu numbers, like the first one",
                              *columns);
        for (const Json *v = json_first(row); v != NULL; v = json_next(v))
            TRY(score_number(v, &out->values[out->n++], err));
    }
    return STATUS_OK;
}

Status case_same_length(const ScoreCase *c, const char *key, size_t n, const char *other,
                        size_t n_other, Error *err)
{
    if (n == n_other) return STATUS_OK;
    const Json *value = json_get(c->root, key);
    return json_error(value != NULL ? value : c->root, err, "has %zu values, but %s has %zu", n,
                      other, n_other);
}

Status case_check_weights(const ScoreCase *c, const Numbers *weights, Error *err)
{
    for (size_t i = 0; i < weights->n; i++) {
        if (weights->values[i] >= 0 && isfinite(weights->values[i])) continue;
        return json_error(json_get(c->root, "sample_weight"), err,
                          "weight %zu is %g: must be finite and not negative", i,
                          weights->values[i]);
    }
    return STATUS_OK;
}

Status case_opt_share(const ScoreCase *c, const char *key, double *out, Error *err)
{
    const Json *value = json_get(c->root, key);
    if (value == NULL || json_kind(value) == JSON_NULL) return STATUS_OK;
    TRY(score_number(value, out, err));
    if (*out > 0 && *out < 1) return STATUS_OK;
    return json_error(value, err, "%g must lie between 0 and 1", *out);
}

void put_interval(JsonWriter *w, const char *key, Interval interval)
{
    const double ends[] = {interval.lo, interval.hi};
    score_put_numbers(w, key, ends, 2);
}

static void put_members(JsonWriter *w, const TestResult *result, const PutResult *how)
{
    json_member_double(w, how->statistic, result->statistic);
    if (how->has_df) json_member_double(w, "df", result->df);
    json_member_double(w, "p", result->p);
    if (!how->has_sides) return;
    json_member_double(w, "p_less", result->p_less);
    json_member_double(w, "p_greater", result->p_greater);
}

void put_result(JsonWriter *w, const char *key, const TestResult *result, const PutResult *how)
{
    json_member_object(w, key);
    put_members(w, result, how);
    if (how->is_wrapped) {
        json_member_object(w, "expected");
        put_members(w, result, how);
        json_end_object(w);
    }
    json_end_object(w);
}

void reason_add(Reasons *reasons, bool is_so, const char *text)
{
    if (is_so && reasons->n < MAX_REASONS) reasons->texts[reasons->n++] = text;
}

void put_reasons(JsonWriter *w, const Reasons *reasons)
{
    if (reasons->n == 0) return;
    json_member_array(w, "undefined");
    for (size_t i = 0; i < reasons->n; i++) json_put_cstr(w, reasons->texts[i]);
    json_end_array(w);
}
