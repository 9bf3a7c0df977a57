// Every allocation is made to fail once: the answer is an error or the whole truth, never a part of it.
#include <criterion/criterion.h>
#include <string.h>

#include "results/compare.h"
#include "results/judged.h"
#include "results/report/report.h"
#include "tests/results/fixture.h"

static Store *store;
static char run_id[RUN_ID_SIZE];

static void setup(void)
{
    Error err = {0};
    const FixtureOptions small = {.n_samples = 20,
                                  .with_failure = true,
                                  .model_name = "a model with quite a long name for a plot"};
    cr_assert_eq(store_open(":memory:", STORE_WRITE, &store, &err), STATUS_OK, "%s", err.text);
    fixture_fill(store, &small, run_id);
}

static void teardown(void)
{
    store_close(&store);
}

TestSuite(memory, .init = setup, .fini = teardown);

typedef Status (*Attempt)(Buffer *out, Error *err);

static Status attempt_reports(Buffer *out, Error *err)
{
    static const ReportOptions options = {.gnuplot = ""};
    RunView view;
    Status s = run_view_load(store, slice_from_cstr(run_id), NULL, &view, err);
    for (size_t i = 0; s == STATUS_OK && i < report_format_count; i++)
        s = report_formats[i].render(&view, &options, out, err);
    if (s == STATUS_OK) s = buffer_status(out, err);
    run_view_release(&view);
    return s;
}

static Status attempt_compare(Buffer *out, Error *err)
{
    const CompareSide base = {store, slice_from_cstr(run_id), SLICE("tiny"), {0}};
    const CompareSide candidate = {
        store, slice_from_cstr(run_id), SLICE("a model with quite a long name for a plot"), {0}};
    Comparison c;
    TRY(compare_runs(&base, &candidate, NULL, &c, err));
    comparison_json(&c, out);
    comparison_release(&c);
    return buffer_status(out, err);
}

static Status attempt_export(Buffer *out, Error *err)
{
    return store_export_canonical_buffer(store, slice_from_cstr(run_id), out, err);
}

static Status attempt_pool(Buffer *out, Error *err)
{
    TRY(run_scores_pool(store, slice_from_cstr(run_id), NULL, err));
    return attempt_export(out, err);
}

static void sweep(Attempt attempt)
{
    Buffer whole = {0};
    Error err = {0};
    cr_assert_eq(attempt(&whole, &err), STATUS_OK, "%s", err.text);
    // Steps grow: early allocations are all different, late ones repeat.
    for (size_t n = 1;; n += 1 + n / 24) {
        Buffer out = {0};
        err = (Error){0};
        arena_fail_after(n);
        const Status s = attempt(&out, &err);
        arena_fail_after(0);
        const bool is_whole = s == STATUS_OK && slice_eq(buffer_slice(&out), buffer_slice(&whole));
        cr_assert(s == STATUS_MEMORY || is_whole, "allocation %zu: %s: %s", n, status_name(s),
                  err.text);
        buffer_release(&out);
        if (is_whole) break;
    }
    buffer_release(&whole);
}

Test(memory, reports_are_whole_or_refused)
{
    sweep(attempt_reports);
}

Test(memory, comparisons_are_whole_or_refused)
{
    sweep(attempt_compare);
}

Test(memory, exports_are_whole_or_refused)
{
    sweep(attempt_export);
}

Test(memory, pooled_scores_are_whole_or_refused)
{
    sweep(attempt_pool);
}
