#include "base/machine.h"
#include "kernels/bench.h"

static void put_time(Buffer *out, double seconds)
{
    if (seconds < 1e-3) {
        buffer_printf(out, "%8.2f us", seconds * 1e6);
    } else if (seconds < 1.0) {
        buffer_printf(out, "%8.3f ms", seconds * 1e3);
    } else {
        buffer_printf(out, "%8.3f s ", seconds);
    }
}

static void put_limits(const BenchReport *report, Buffer *out)
{
    const BenchLimits *before = &report->limits, *after = &report->limits_after;
    buffer_printf(out, "limits of one thread, before and after (load average %.2f)\n",
                  report->load_average);
    if (before->fma_avx512 > 0) {
        buffer_printf(out, "  fp32 fma, avx512   %8.1f %8.1f GFLOP/s\n", before->fma_avx512 * 1e-9,
                      after->fma_avx512 * 1e-9);
    }
    if (before->fma_avx2 > 0) {
        buffer_printf(out, "  fp32 fma, avx2     %8.1f %8.1f GFLOP/s\n", before->fma_avx2 * 1e-9,
                      after->fma_avx2 * 1e-9);
    }
    buffer_printf(out, "  fp32, plain C      %8.1f %8.1f GFLOP/s\n", before->fma_base * 1e-9,
                  after->fma_base * 1e-9);
    buffer_printf(out, "  read, 2 MiB pages  %8.1f %8.1f GB/s (%zu MiB)\n",
                  before->read_huge_pages * 1e-9, after->read_huge_pages * 1e-9,
                  before->read_bytes >> 20);
    buffer_printf(out, "  read, 4 KiB pages  %8.1f %8.1f GB/s\n", before->read_small_pages * 1e-9,
                  after->read_small_pages * 1e-9);
}

void bench_write_table(const BenchReport *report, Buffer *out)
{
    put_limits(report, out);
    buffer_append_cstr(out,
                       "\nmedian CPU time of a call, its 95 % interval, 10 % and 90 % quantiles; "
                       "share of the arithmetic and of the reading limit\n");
    const BenchResult *previous = NULL;
    for (size_t i = 0; i < report->n_results; i++) {
        const BenchResult *r = &report->results[i];
        if (!previous || previous->shape != r->shape || previous->row->op != r->row->op) {
            buffer_printf(out, "\n%s: %s\n", op_info(r->row->op)->name, r->shape);
        }
        previous = r;
        buffer_printf(out, "  %-10s", r->row->variant);
        put_time(out, r->median_s);
        buffer_printf(out, " -%4.1f%% +%4.1f%% ", 100.0 * (1.0 - r->low_s / r->median_s),
                      100.0 * (r->high_s / r->median_s - 1.0));
        put_time(out, r->q10_s);
        put_time(out, r->q90_s);
        if (r->n_flops > 0) {
            buffer_printf(out, "  %7.1f GFLOP/s %3.0f %%", r->n_flops / r->median_s * 1e-9,
                          100.0 * r->share_of_fma);
        }
        buffer_printf(out, "  %6.1f GB/s %3.0f %%", r->n_bytes / r->median_s * 1e-9,
                      100.0 * r->share_of_read);
        buffer_printf(out, "  n %zu", r->n_samples);
        if (r->wall_ratio > 1.1) buffer_printf(out, "  busy: wall %.2f x", r->wall_ratio);
        buffer_append_byte(out, '\n');
    }
}

static void put_number(JsonWriter *w, const char *key, double value)
{
    json_put_key(w, key);
    json_put_double(w, value);
}

static void put_limits_json(JsonWriter *w, const char *key, const BenchLimits *limits)
{
    json_put_key(w, key);
    json_begin_object(w);
    put_number(w, "fma_base", limits->fma_base);
    put_number(w, "fma_avx2", limits->fma_avx2);
    put_number(w, "fma_avx512", limits->fma_avx512);
    put_number(w, "read_small_pages", limits->read_small_pages);
    put_number(w, "read_huge_pages", limits->read_huge_pages);
    json_put_key(w, "read_bytes");
    json_put_u64(w, limits->read_bytes);
    json_end_object(w);
}

static void put_result(JsonWriter *w, const BenchResult *r)
{
    json_begin_object(w);
    json_put_key(w, "op");
    json_put_cstr(w, op_info(r->row->op)->name);
    json_put_key(w, "variant");
    json_put_cstr(w, r->row->variant);
    json_put_key(w, "shape");
    json_put_cstr(w, r->shape);
    put_number(w, "flops", r->n_flops);
    put_number(w, "bytes", r->n_bytes);
    put_number(w, "median_s", r->median_s);
    put_number(w, "low_s", r->low_s);
    put_number(w, "high_s", r->high_s);
    put_number(w, "q10_s", r->q10_s);
    put_number(w, "q90_s", r->q90_s);
    put_number(w, "best_s", r->best_s);
    put_number(w, "wall_ratio", r->wall_ratio);
    put_number(w, "share_of_fma", r->share_of_fma);
    put_number(w, "share_of_read", r->share_of_read);
    put_number(w, "error", r->error);
    put_number(w, "tolerance", r->tolerance);
    put_number(w, "checksum", r->checksum);
    json_put_key(w, "calls_per_sample");
    json_put_u64(w, r->calls_per_sample);
    json_put_key(w, "samples");
    json_begin_array(w);
    for (size_t i = 0; i < r->n_samples; i++) {
        json_begin_array(w);
        json_put_double(w, r->samples[i].cpu_s);
        json_put_double(w, r->samples[i].wall_s);
        json_end_array(w);
    }
    json_end_array(w);
    json_end_object(w);
}

void bench_write_json(const BenchReport *report, JsonWriter *w)
{
    json_begin_object(w);
    put_limits_json(w, "limits", &report->limits);
    put_limits_json(w, "limits_after", &report->limits_after);
    put_number(w, "load_average", report->load_average);
    json_put_key(w, "results");
    json_begin_array(w);
    for (size_t i = 0; i < report->n_results; i++) put_result(w, &report->results[i]);
    json_end_array(w);
    json_end_object(w);
}
