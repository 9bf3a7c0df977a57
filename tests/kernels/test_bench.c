#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "kernels/bench.h"

Test(bench, covers_every_operation)
{
    for (int op = 0; op < OP_COUNT; op++) {
        cr_assert(bench_covers((OpKind)op), "no case times %s", op_info((OpKind)op)->name);
    }
    cr_assert(!bench_covers(OP_COUNT));
}

Test(bench, gives_every_case_a_name_of_its_own)
{
    for (size_t i = 0; i < bench_case_count(); i++) {
        for (size_t j = 0; j < i; j++) {
            cr_assert(bench_case_op(i) != bench_case_op(j) ||
                          strcmp(bench_case_shape(i), bench_case_shape(j)) != 0,
                      "%s: %s stands twice", op_info(bench_case_op(i))->name, bench_case_shape(i));
        }
    }
    cr_assert_null(bench_case_shape(bench_case_count()));
}

Test(bench, takes_the_median_and_its_interval_from_ranks)
{
    const double odd[] = {1, 2, 9}, even[] = {1, 2, 4, 9};
    cr_assert_eq(bench_median(odd, 3), 2.0);
    cr_assert_eq(bench_median(even, 4), 3.0);
    size_t low, high;
    bench_median_interval(1, &low, &high);
    cr_assert(low == 0 && high == 0, "%zu %zu", low, high);
    bench_median_interval(5, &low, &high);
    cr_assert(low == 0 && high == 4, "%zu %zu", low, high);
    bench_median_interval(100, &low, &high); // 50 -+ 9.8
    cr_assert(low == 40 && high == 60, "%zu %zu", low, high);
}

// Runs a quick bench of what matches; the caller releases the arena.
static BenchReport quick(Arena *arena, const char *filter)
{
    const BenchOptions options = {.filter = filter, .seconds_per_case = 1e-3, .precision = 0.5};
    BenchReport report;
    Error err = {0};
    cr_assert_eq(bench_run(&options, arena, &report, &err), STATUS_OK, "%s", err.text);
    return report;
}

Test(bench, times_checks_and_keeps_every_sample)
{
    Arena arena = {0};
    const BenchReport report = quick(&arena, "layer_norm");
    cr_assert_gt(report.n_results, 2);
    cr_assert_gt(report.limits.fma_base, 0.0);
    cr_assert_gt(report.limits.read_huge_pages, 0.0);
    cr_assert_gt(report.limits_after.read_small_pages, 0.0);
    for (size_t i = 0; i < report.n_results; i++) {
        const BenchResult *r = &report.results[i];
        cr_assert_gt(r->n_samples, 0);
        cr_assert_leq(r->error, r->tolerance, "%s: %g", r->row->variant, r->error);
        cr_assert(r->best_s > 0 && r->best_s <= r->low_s && r->low_s <= r->median_s &&
                  r->median_s <= r->high_s);
        cr_assert(isfinite(r->checksum) && r->checksum != 0.0);
    }
    arena_release(&arena);
}

Test(bench, writes_a_table_and_json_with_every_result)
{
    Arena arena = {0};
    const BenchReport report = quick(&arena, "sst2");
    Buffer table = {0}, json = {0};
    JsonWriter writer = json_writer(&json, 0);
    bench_write_table(&report, &table);
    bench_write_json(&report, &writer);
    for (size_t i = 0; i < report.n_results; i++) {
        cr_assert_not_null(strstr(table.ptr, report.results[i].row->variant));
        cr_assert_not_null(strstr(json.ptr, report.results[i].row->variant));
    }
    cr_assert_not_null(strstr(table.ptr, "cross_entropy: sst2 rows, classes 32 x 2 x 1"));
    cr_assert_not_null(strstr(json.ptr, "\"read_huge_pages\""));
    cr_assert_not_null(strstr(json.ptr, "\"samples\":[["));
    buffer_release(&table);
    buffer_release(&json);
    arena_release(&arena);
}

Test(bench, names_the_operations_when_nothing_matches)
{
    Arena arena = {0};
    BenchReport report;
    Error err = {0};
    const BenchOptions options = {.filter = "convolution"};
    cr_assert_eq(bench_run(&options, &arena, &report, &err), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(err.text, "convolution"));
    cr_assert_not_null(strstr(err.text, "layer_norm_backward"));
    arena_release(&arena);
}

static int stop_at_second(void *context, size_t done, size_t total, const char *shape)
{
    (void)total;
    (void)shape;
    *(size_t *)context = done;
    return done == 1;
}

Test(bench, stops_where_it_is_told_to)
{
    Arena arena = {0};
    BenchReport report;
    Error err = {0};
    size_t done = 0;
    const BenchOptions options = {.filter = "layer_norm",
                                  .seconds_per_case = 1e-3,
                                  .precision = 0.5,
                                  .progress = stop_at_second,
                                  .context = &done};
    cr_assert_eq(bench_run(&options, &arena, &report, &err), STATUS_CANCELLED);
    cr_assert_eq(done, 1);
    arena_release(&arena);
}
