#include "tests/metrics/golden.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "tests/support/shared.h"

Golden golden_open(const char *relative)
{
    char path[512];
    snprintf(path, sizeof path, "goldens/metrics/%s", relative);
    const char *found = shared_need(path);
    Golden golden = {0};
    Error err = {0};
    cr_assert_eq(line_reader_open(found, &golden.lines, &err), STATUS_OK, "%s", err.text);
    cr_assert_not_null(golden_next(&golden), "%s is empty", path); // the header
    return golden;
}

const Json *golden_next(Golden *golden)
{
    json_close(&golden->document);
    Slice line;
    bool more = false;
    Error err = {0};
    cr_assert_eq(line_reader_next(golden->lines, &line, &more, &err), STATUS_OK, "%s", err.text);
    if (!more) return NULL;
    if (slice_find(line, SLICE("\\u0000")) != SIZE_MAX) return golden_next(golden);
    golden->line = line_reader_number(golden->lines);
    cr_assert_eq(json_parse(SLICE("golden"), line, JSON_STRICT, &golden->document, &err), STATUS_OK,
                 "line %zu: %s", golden->line, err.text);
    return json_root(golden->document);
}

void golden_close(Golden *golden)
{
    json_close(&golden->document);
    line_reader_close(&golden->lines);
}

double golden_double(const Json *value)
{
    cr_assert_not_null(value, "a value is missing");
    if (json_kind(value) == JSON_NUMBER) return json_double(value);
    cr_assert_eq(json_kind(value), JSON_STRING, "found %s where a number is wanted",
                 json_kind_name(json_kind(value)));
    const Slice text = json_string(value);
    if (slice_eq_cstr(text, "NaN")) return NAN;
    if (slice_eq_cstr(text, "Infinity")) return INFINITY;
    cr_assert(slice_eq_cstr(text, "-Infinity"));
    return -INFINITY;
}

double golden_get(const Json *object, const char *key)
{
    const Json *value = json_get(object, key);
    cr_assert_not_null(value, "key %s is missing", key);
    return golden_double(value);
}

double *golden_doubles(Arena *arena, const Json *array, size_t *n)
{
    *n = array != NULL ? json_len(array) : 0;
    double *out = ARENA_NEW(arena, double, *n + 1);
    cr_assert_not_null(out);
    size_t i = 0;
    for (const Json *v = json_first(array); v != NULL; v = json_next(v))
        out[i++] = golden_double(v);
    return out;
}

bool is_close(double got, double want, double relative, double absolute)
{
    if (isnan(got) || isnan(want)) return isnan(got) && isnan(want);
    if (got == want) return true;
    return fabs(got - want) <= fmax(relative * fabs(want), absolute);
}

void expect_close(double got, double want, double relative, const char *what, size_t line)
{
    cr_expect(is_close(got, want, relative, 1e-12), "line %zu: %s: got %.17g, want %.17g", line,
              what, got, want);
}

void plan_open(TestPlan *plan, const char *metric, const char *params, size_t n_labels)
{
    *plan = (TestPlan){0};
    Error err = {0};
    Slice *labels = ARENA_NEW(&plan->arena, Slice, n_labels + 1);
    for (size_t i = 0; i < n_labels; i++) {
        labels[i] = slice_from_cstr(arena_printf(&plan->arena, "%zu", i));
    }
    if (params != NULL) {
        cr_assert_eq(
            json_parse(SLICE("params"), slice_from_cstr(params), JSON_STRICT, &plan->params, &err),
            STATUS_OK, "%s", err.text);
    }
    const MetricSetup setup = {.labels = labels,
                               .n_labels = n_labels,
                               .params = params != NULL ? json_root(plan->params) : NULL};
    const Metric *found = metric_find(slice_from_cstr(metric));
    cr_assert_not_null(found, "no metric %s", metric);
    cr_assert_eq(metric_plan(found, &setup, &plan->arena, &plan->plan, &err), STATUS_OK, "%s",
                 err.text);
}

void plan_release(TestPlan *plan)
{
    json_close(&plan->params);
    arena_release(&plan->arena);
}
