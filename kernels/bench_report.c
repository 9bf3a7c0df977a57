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
    buffer_append_cstr(out, "\nCPU time of a call: median, its 95 % interval, quantiles; rates and "
                            "their shares of the limits above; n samples\n");
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

static void put_limits_json(JsonWriter *w, const char *key, const BenchLimits *limits)
{
    json_member_object(w, key);
    json_member_double(w, "fma_base", limits->fma_base);
    json_member_double(w, "fma_avx2", limits->fma_avx2);
    json_member_double(w, "fma_avx512", limits->fma_avx512);
    json_member_double(w, "read_small_pages", limits->read_small_pages);
    json_member_double(w, "read_huge_pages", limits->read_huge_pages);
    json_member_u64(w, "read_bytes", limits->read_bytes);
    json_end_object(w);
}

static void put_result(JsonWriter *w, const BenchResult *r)
{
    json_begin_object(w);
    json_member_cstr(w, "op", op_info(r->row->op)->name);
    json_member_cstr(w, "variant", r->row->variant);
    json_member_cstr(w, "shape", r->shape);
    json_member_double(w, "flops", r->n_flops);
    json_member_double(w, "bytes", r->n_bytes);
    json_member_double(w, "median_s", r->median_s);
    json_member_double(w, "low_s", r->low_s);
    json_member_double(w, "high_s", r->high_s);
    json_member_double(w, "q10_s", r->q10_s);
    json_member_double(w, "q90_s", r->q90_s);
    json_member_double(w, "best_s", r->best_s);
    json_member_double(w, "wall_ratio", r->wall_ratio);
    json_member_double(w, "share_of_fma", r->share_of_fma);
    json_member_double(w, "share_of_read", r->share_of_read);
    json_member_double(w, "error", r->error);
    json_member_double(w, "tolerance", r->tolerance);
    json_member_double(w, "checksum", r->checksum);
    json_member_u64(w, "calls_per_sample", r->calls_per_sample);
    json_member_array(w, "samples");
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
    json_member_double(w, "load_average", report->load_average);
    json_member_array(w, "results");
    for (size_t i = 0; i < report->n_results; i++) put_result(w, &report->results[i]);
    json_end_array(w);
    json_end_object(w);
}
