#include "kernels/bench.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/machine.h"
#include "base/name_list.h"
#include "base/size.h"
#include "kernels/bench_internal.h"

enum { MAX_VARIANTS = 8, MAX_CALLS = 1 << 20 };
static const double SAMPLE_S =
    2e-4; // calls are gathered into samples at least this long: the clock's cost vanishes
static const double REFERENCE_SHARE = 0.25; // of a case's time, at most, for the slow reference

double bench_median(const double *sorted, size_t n)
{
    return n % 2 ? sorted[n / 2] : 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]);
}

void bench_median_interval(size_t n, size_t *low, size_t *high)
{
    // Ranks n / 2 -+ 0.98 sqrt(n) hold the median with 95 % (normal limit of the binomial).
    const double half = 0.98 * sqrt((double)n), middle = 0.5 * (double)n;
    const double first = floor(middle - half), last = ceil(middle + half);
    *low = first > 0.0 ? (size_t)first : 0;
    *high = last < (double)n ? (size_t)last : n - 1;
}

// One variant of the case at hand, as it is being timed.
typedef struct Runner {
    BenchResult *result;
    const OpArgs *args;
    double spent_s;
    bool is_done;
} Runner;

typedef struct Bench {
    const BenchOptions *options;
    double seconds_per_case, precision;
    Arena *arena; // of the report
    Exec *exec;
    const BenchLimits *limits;
} Bench;

static size_t storage_bytes(const Tensor *t)
{
    return t->data ? tensor_storage(t->rows, t->cols, t->layout) * dtype_size(t->dtype) : 0;
}

static double element(const Tensor *t, size_t row, size_t col)
{
    size_t at = row * t->row_stride + col;
    if (t->layout == LAYOUT_PANELS) {
        at = (row / PANEL_WIDTH * t->cols + col) * PANEL_WIDTH + row % PANEL_WIDTH;
    }
    return t->dtype == DTYPE_F64 ? ((const double *)t->data)[at]
                                 : (double)((const float *)t->data)[at];
}

// Saves (is_restoring = false) or restores the outputs of `args`; they are contiguous in every case.
static Status keep_outputs(const OpArgs *args, char **saved, Arena *arena, bool is_restoring,
                           Error *err)
{
    for (int i = 0; i < OP_MAX_OUT; i++) {
        const Tensor *t = &args->out[i];
        const size_t size = storage_bytes(t);
        if (size == 0) continue;
        if (is_restoring) {
            memcpy(t->data, saved[i], size);
            continue;
        }
        saved[i] = arena_alloc_aligned(arena, 1, size, 64);
        if (!saved[i]) return error_set_memory(err, 1, size, "a bench result");
        memcpy(saved[i], t->data, size);
    }
    return STATUS_OK;
}

// The largest difference of the outputs from `expected` (same shapes; maybe another layout), as a share of the largest
// magnitude there; infinity where NaN stands in only one. checksum: the sum of all outputs.
static double compare(const OpArgs *got, const OpArgs *expected, double *checksum)
{
    double worst = 0;
    *checksum = 0;
    for (int o = 0; o < OP_MAX_OUT; o++) {
        const Tensor *a = &got->out[o], *b = &expected->out[o];
        double difference = 0, largest = 0;
        for (size_t i = 0; a->data && i < a->rows; i++) {
            for (size_t j = 0; j < a->cols; j++) {
                const double x = element(a, i, j), y = element(b, i, j);
                *checksum += x;
                largest = fmax(largest, fabs(y));
                if (isnan(x) != isnan(y)) return INFINITY;
                difference = fmax(difference, fabs(x - y));
            }
        }
        if (difference > 0.0) worst = fmax(worst, difference / fmax(largest, 1e-30));
    }
    return worst;
}

static Status call(Bench *bench, Runner *runner, size_t n_calls, BenchSample *out, Error *err)
{
    const int64_t wall = clock_now_ns(), cpu = clock_thread_cpu_ns();
    for (size_t i = 0; i < n_calls; i++) {
        TRY(runner->result->row->run(runner->args, bench->exec, err));
    }
    const double scale = 1e-9 / (double)n_calls;
    out->cpu_s = (double)(clock_thread_cpu_ns() - cpu) * scale;
    out->wall_s = (double)(clock_now_ns() - wall) * scale;
    runner->spent_s += out->wall_s * (double)n_calls;
    return STATUS_OK;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Fills what follows from the samples.
static void summarise(BenchResult *r)
{
    double sorted[BENCH_MAX_SAMPLES], walls[BENCH_MAX_SAMPLES];
    const size_t n = r->n_samples;
    for (size_t i = 0; i < n; i++) {
        sorted[i] = r->samples[i].cpu_s;
        walls[i] = r->samples[i].cpu_s > 0 ? r->samples[i].wall_s / r->samples[i].cpu_s : 1.0;
    }
    qsort(sorted, n, sizeof *sorted, by_value);
    qsort(walls, n, sizeof *walls, by_value);
    size_t low, high;
    bench_median_interval(n, &low, &high);
    r->median_s = bench_median(sorted, n);
    r->low_s = sorted[low];
    r->high_s = sorted[high];
    r->q10_s = sorted[n / 10];
    r->q90_s = sorted[n - 1 - n / 10];
    r->best_s = sorted[0];
    r->wall_ratio = bench_median(walls, n);
}

static void set_shares(BenchResult *r, const BenchLimits *limits)
{
    const unsigned features = r->row->cpu_features;
    double fma = features & CPU_AVX512 ? limits->fma_avx512
                 : features & CPU_AVX2 ? limits->fma_avx2
                                       : limits->fma_base;
    // OpenBLAS chooses by itself: it is held to the best that the machine has.
    if (r->row->is_available) fma = fmax(fma, fmax(limits->fma_avx2, limits->fma_avx512));
    if (r->n_flops > 0 && fma > 0 && r->median_s > 0) {
        r->share_of_fma = r->n_flops / r->median_s / fma;
    }
    const double read = limits->read_huge_pages;
    if (r->n_bytes > 0 && read > 0 && r->median_s > 0) {
        r->share_of_read = r->n_bytes / r->median_s / read;
    }
}

static bool is_tight(const Bench *bench, const Runner *runner)
{
    BenchResult *r = runner->result;
    if (r->n_samples == BENCH_MAX_SAMPLES) return true;
    if (r->n_samples < BENCH_MIN_SAMPLES) return false;
    summarise(r);
    return r->high_s - r->low_s <= bench->precision * r->median_s;
}

// All variants in turn, a sample each, until every one is tight or out of time.
static Status take_samples(Bench *bench, Runner *runners, size_t n, Error *err)
{
    const double share = bench->seconds_per_case / (double)n;
    for (bool is_over = false; !is_over;) {
        is_over = true;
        for (size_t i = 0; i < n; i++) {
            Runner *runner = &runners[i];
            BenchResult *r = runner->result;
            if (runner->is_done) continue;
            TRY(call(bench, runner, r->calls_per_sample, &r->samples[r->n_samples], err));
            r->n_samples++;
            const bool is_reference = r->row->preference == 0;
            const double budget = is_reference ? REFERENCE_SHARE * share : share;
            const bool has_enough = is_reference || r->n_samples >= BENCH_MIN_SAMPLES;
            runner->is_done = (has_enough && runner->spent_s >= budget) || is_tight(bench, runner);
            if (!runner->is_done) is_over = false;
        }
    }
    return STATUS_OK;
}

// Runs a variant once from the case's first state, compares with the reference's result (which the reference itself leaves
// in `expected`), and chooses how many calls make a sample.
static Status check_variant(Bench *bench, Runner *runner, char **initial, const OpArgs *expected,
                            Error *err)
{
    BenchResult *r = runner->result;
    BenchSample once;
    TRY(keep_outputs(runner->args, initial, NULL, true, err));
    TRY(call(bench, runner, 1, &once, err));
    if (r->row->preference == 0) {
        r->samples[r->n_samples++] = once; // the reference may be too slow for a second call
        for (int i = 0; i < OP_MAX_OUT; i++) {
            const size_t size = storage_bytes(&runner->args->out[i]);
            if (size > 0) memcpy(expected->out[i].data, runner->args->out[i].data, size);
        }
    }
    r->error = compare(runner->args, expected, &r->checksum);
    if (!(r->error <= r->tolerance)) {
        return error_set(err, STATUS_INTERNAL,
                         "%s (%s), %s: differs from the reference by %.3g of its largest value, "
                         "more than %.3g",
                         op_info(r->row->op)->name, r->row->variant, r->shape, r->error,
                         r->tolerance);
    }
    double calls = 1.0;
    if (once.cpu_s < SAMPLE_S) calls = ceil(SAMPLE_S / fmax(once.cpu_s, 1e-9));
    r->calls_per_sample = (size_t)fmin(calls, MAX_CALLS);
    return STATUS_OK;
}

// The rows that can run here: the reference first.
static size_t runnable_rows(const Bench *bench, OpKind op, const OpRow **rows)
{
    size_t n = 0;
    for (size_t i = 0; op_row(i) && n < MAX_VARIANTS; i++) {
        const OpRow *row = op_row(i);
        if (row->op != op || row->dtype != DTYPE_F32 || row->device != DEVICE_CPU) continue;
        if ((row->cpu_features & ~machine_cpu_features()) != 0) continue;
        if (row->is_available && !row->is_available()) continue;
        const char *wanted = bench->options->variant;
        if (wanted && row->preference != 0 && strcmp(wanted, row->variant) != 0) continue;
        rows[n++] = row;
    }
    return n;
}

// A copy of the arguments whose outputs have memory of their own.
static Status copy_outputs(const OpArgs *args, Arena *arena, OpArgs *out, Error *err)
{
    char *memory[OP_MAX_OUT] = {NULL};
    *out = *args;
    TRY(keep_outputs(args, memory, arena, false, err));
    for (int i = 0; i < OP_MAX_OUT; i++) {
        if (memory[i]) out->out[i].data = memory[i];
    }
    return STATUS_OK;
}

static Status run_case(Bench *bench, const BenchCase *c, size_t index, Arena *scratch,
                       BenchReport *report, Error *err)
{
    BenchProblem problem;
    TRY(bench_case_build(c, bench->exec, scratch, &problem, err));
    const OpRow *rows[MAX_VARIANTS];
    const size_t n = runnable_rows(bench, bench_case_op(index), rows);
    char *initial[OP_MAX_OUT] = {NULL}, *initial_rows[OP_MAX_OUT] = {NULL};
    OpArgs expected;
    TRY(keep_outputs(&problem.args, initial, scratch, false, err));
    TRY(keep_outputs(&problem.rows_args, initial_rows, scratch, false, err));
    TRY(copy_outputs(&problem.args, scratch, &expected, err));
    Runner runners[MAX_VARIANTS] = {0};
    for (size_t i = 0; i < n; i++) {
        BenchResult *r = &report->results[report->n_results + i];
        *r = (BenchResult){.row = rows[i],
                           .shape = bench_case_shape(index),
                           .n_flops = problem.n_flops,
                           .n_bytes = problem.n_bytes,
                           // Each step of a float sum may round by half a unit in the last place.
                           .tolerance = (double)(problem.sum_length + 64) * 0x1p-23 + problem.step};
        r->samples = arena_alloc(bench->arena, BENCH_MAX_SAMPLES, sizeof *r->samples);
        if (!r->samples)
            return error_set_memory(err, BENCH_MAX_SAMPLES, sizeof *r->samples, "a bench");
        const bool wants_rows = rows[i]->is_available != NULL; // a library: row-major weights
        runners[i].result = r;
        runners[i].args = wants_rows ? &problem.rows_args : &problem.args;
        TRY(check_variant(bench, &runners[i], wants_rows ? initial_rows : initial, &expected, err));
    }
    TRY(take_samples(bench, runners, n, err));
    for (size_t i = 0; i < n; i++) {
        summarise(runners[i].result);
        set_shares(runners[i].result, bench->limits);
    }
    report->n_results += n;
    return STATUS_OK;
}

static bool is_wanted(const BenchOptions *options, size_t index)
{
    const char *filter = options->filter;
    return !filter || strstr(op_info(bench_case_op(index))->name, filter) ||
           strstr(bench_case_shape(index), filter);
}

static Status no_case(const BenchOptions *options, Error *err)
{
    NameList names = {0};
    for (int op = 0; op < OP_COUNT; op++) name_list_add_cstr(&names, op_info((OpKind)op)->name);
    return error_set(err, STATUS_NOT_FOUND,
                     "no case of the bench has \"%s\" in its operation or shape; operations: %s",
                     options->filter, names.text);
}

static Status run_cases(Bench *bench, size_t n_wanted, BenchReport *out, Error *err)
{
    Arena scratch = {0};
    Status s = STATUS_OK;
    size_t done = 0;
    for (size_t i = 0; s == STATUS_OK && i < bench_case_count(); i++) {
        if (!is_wanted(bench->options, i)) continue;
        if (bench->options->progress && bench->options->progress(bench->options->context, done,
                                                                 n_wanted, bench_case_shape(i))) {
            s = error_set(err, STATUS_CANCELLED, "stopped after %zu of %zu cases", done, n_wanted);
            break;
        }
        s = run_case(bench, bench_case_at(i), i, &scratch, out, err);
        arena_release(&scratch);
        done++;
    }
    arena_release(&scratch);
    return s;
}

Status bench_run(const BenchOptions *options, Arena *arena, BenchReport *out, Error *err)
{
    *out = (BenchReport){0};
    size_t n_wanted = 0;
    for (size_t i = 0; i < bench_case_count(); i++) n_wanted += is_wanted(options, i);
    if (n_wanted == 0) return no_case(options, err);
    Bench bench = {.options = options,
                   .seconds_per_case =
                       options->seconds_per_case > 0 ? options->seconds_per_case : 1.0,
                   .precision = options->precision > 0 ? options->precision : 0.02,
                   .arena = arena,
                   .limits = &out->limits};
    out->results = arena_alloc(arena, n_wanted * MAX_VARIANTS, sizeof *out->results);
    if (!out->results) {
        return error_set_memory(err, n_wanted * MAX_VARIANTS, sizeof *out->results, "a bench");
    }
    TRY(bench_measure_limits(&out->limits, err));
    const ExecOptions defaults = {0};
    TRY(exec_open(&defaults, &bench.exec, err));
    Status s = run_cases(&bench, n_wanted, out, err);
    exec_close(&bench.exec);
    if (s == STATUS_OK) s = bench_measure_limits(&out->limits_after, err);
    Machine machine;
    machine_describe(&machine);
    out->load_average = machine.load_average;
    return s;
}
