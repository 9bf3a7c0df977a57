// gpu-check: every row of the operation table that a device can run, against the f64 reference, and whole encoders on the
// CPU and the device, as one table.
//
// Built by the script tools/gpu-check with a plain compiler call, without ICU, SQLite, cJSON or Criterion, for machines
// that have a GPU and little else. Exit status: 0 all is right; 1 something is wrong; 2 wrong usage; 3 it could not be run.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "kernels/check/sweep.h"
#include "kernels/device.h"
#include "tools/gpu_check_encoder.h"

typedef struct Settings {
    Device device;
    ComputeMode compute;
    const char *filter;  // part of an operation's name, or "encoder"; NULL = all
    const char *goldens; // folder of reference answers; NULL: the usual places
    int is_timed;
    Error no_gpu; // why there is none, where none was asked for by name
} Settings;

static const char usage_text[] =
    "usage: gpu-check [--device cpu|cuda:N] [--compute f32|tf32] [--filter TEXT] [--goldens DIR]\n"
    "                 [--no-time]\n"
    "\n"
    "  --device   where rows run (default: cuda:0 where there is a GPU, else cpu)\n"
    "  --compute  tf32: products with TF32 inputs, held to TF32's tolerance\n"
    "  --filter   only operations whose name contains TEXT; encoder: whole encoders alone\n"
    "  --goldens  folder with models/tiny-bert-* and goldens/models/tiny-bert-* (default: shared, ../shared)\n"
    "  --no-time  no timing\n";

static int parse_device(const char *text, Device *out)
{
    char *end = NULL;
    *out = (Device){.kind = DEVICE_CPU};
    if (strcmp(text, "cpu") == 0) return 1;
    if (strncmp(text, "cuda:", 5) != 0 || text[5] < '0' || text[5] > '9') return 0;
    const long index = strtol(text + 5, &end, 10);
    if (*end != '\0' || index > 1023) return 0;
    *out = (Device){.kind = DEVICE_CUDA, .index = (int)index};
    return 1;
}

static int parse_compute(const char *text, ComputeMode *out)
{
    *out = strcmp(text, "tf32") == 0 ? COMPUTE_TF32 : COMPUTE_F32;
    return *out == COMPUTE_TF32 || strcmp(text, "f32") == 0;
}

// 0 where the arguments are wrong.
static int parse_arguments(int argc, char **argv, Settings *out)
{
    size_t n_gpus = 0;
    *out = (Settings){.is_timed = 1};
    if (device_count(&n_gpus, &out->no_gpu) == STATUS_OK && n_gpus > 0)
        out->device.kind = DEVICE_CUDA;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--no-time") == 0) {
            out->is_timed = 0;
            continue;
        }
        if (!value) return 0;
        if (strcmp(argv[i], "--device") == 0) {
            if (!parse_device(value, &out->device)) return 0;
            out->no_gpu = (Error){0};
        } else if (strcmp(argv[i], "--compute") == 0) {
            if (!parse_compute(value, &out->compute)) return 0;
        } else if (strcmp(argv[i], "--filter") == 0) {
            out->filter = value;
        } else if (strcmp(argv[i], "--goldens") == 0) {
            out->goldens = value;
        } else {
            return 0;
        }
        i++;
    }
    return 1;
}

static Status print_machine(const Settings *settings, Error *err)
{
    if (settings->device.kind == DEVICE_CUDA) {
        DeviceInfo info;
        TRY(device_describe(settings->device, &info, err));
        printf("cuda:%d: %s, %.1f GiB, compute capability %d.%d, driver %d, run time %d, %s\n",
               settings->device.index, info.name, (double)info.memory_bytes / 0x1p30,
               info.compute_major, info.compute_minor, info.driver_version, info.runtime_version,
               settings->compute == COMPUTE_TF32 ? "TF32" : "fp32");
    } else {
        Machine machine;
        char features[128];
        machine_describe(&machine);
        machine_feature_names(machine.cpu_features, features, sizeof features);
        printf("cpu: %s, %s\n", machine.cpu_model, features);
        if (settings->no_gpu.status != STATUS_OK) printf("no GPU: %s\n", settings->no_gpu.text);
    }
    return STATUS_OK;
}

static void print_heading(void)
{
    printf("%-22s %-10s %-5s %6s %11s %11s %6s  %-18s %10s %9s %8s  %s\n", "operation", "variant",
           "dtype", "cases", "error", "allowed", "share", "timed shape", "us", "GFLOP/s", "GB/s",
           "verdict");
}

static void print_times(const SweepTime *time)
{
    char gflops[24] = "-", gbytes[24] = "-";
    if (time->seconds <= 0) {
        printf("  %-18s %10s %9s %8s", "-", "-", "-", "-");
        return;
    }
    if (time->n_flops > 0) {
        (void)snprintf(gflops, sizeof gflops, "%.1f", time->n_flops / time->seconds * 1e-9);
    }
    (void)snprintf(gbytes, sizeof gbytes, "%.1f", time->n_bytes / time->seconds * 1e-9);
    printf("  %-18s %10.1f %9s %8s", time->shape, time->seconds * 1e6, gflops, gbytes);
}

// All checks of one row; the first failure is the verdict.
static Status check_row(const Sweep *sweep, const Settings *settings, const OpRow *row,
                        int *is_right, Error *err)
{
    SweepResult close, parts = {0}, nan = {0}, over = {0};
    SweepTime time = {0};
    TRY(sweep_reference(sweep, 1, &row, &close, err));
    if (row->forward_safe) TRY(sweep_parts(sweep, 1, &row, &parts, err));
    TRY(sweep_nan(sweep, 1, &row, &nan, err));
    TRY(sweep_overwrite(sweep, 1, &row, &over, err));
    if (settings->is_timed && row->dtype == DTYPE_F32) TRY(sweep_time(sweep, row, &time, err));
    const char *failures[] = {close.failure, parts.failure, nan.failure, over.failure};
    const char *kinds[] = {"wrong", "depends on the batch", "spreads NaN",
                           "differs over its input"};
    printf("%-22s %-10s %-5s %6zu %11.3g %11.3g %6.3f", op_info(row->op)->name, row->variant,
           dtype_name(row->dtype), close.n_cases, close.worst_error, close.worst_tolerance,
           close.worst_share);
    print_times(&time);
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        if (failures[i][0] == '\0') continue;
        printf("  %s: %s\n", kinds[i], failures[i]);
        *is_right = 0;
        return STATUS_OK;
    }
    printf("  ok\n");
    return STATUS_OK;
}

static int is_wanted(const Settings *settings, const OpRow *row)
{
    if (row->device != settings->device.kind) return 0;
    return !settings->filter || strstr(op_info(row->op)->name, settings->filter);
}

// n_wrong counts the rows that are; *n_checked all.
static Status check_rows(const Settings *settings, size_t *n_checked, size_t *n_wrong, Error *err)
{
    Sweep sweep = {0};
    TRY(sweep_open(settings->device, settings->compute, &sweep, err));
    Status s = STATUS_OK;
    print_heading();
    for (size_t i = 0; i < op_row_count() && s == STATUS_OK; i++) {
        const OpRow *row = op_row(i);
        const char *why = NULL;
        int is_right = 1;
        if (!is_wanted(settings, row)) continue;
        if (!sweep_can_run(row, &why)) {
            printf("%-22s %-10s %-5s not run: %s\n", op_info(row->op)->name, row->variant,
                   dtype_name(row->dtype), why);
            continue;
        }
        s = check_row(&sweep, settings, row, &is_right, err);
        if (s != STATUS_OK) (void)error_wrap(err, "%s %s", op_info(row->op)->name, row->variant);
        *n_checked += 1;
        *n_wrong += !is_right;
        (void)fflush(stdout); // a line at a time; closing reports what could not be written
    }
    sweep_close(&sweep);
    return s;
}

// All that the filter lets through.
static Status check_all(const Settings *settings, size_t *n_checked, size_t *n_wrong, Error *err)
{
    const EncoderCheck encoder = {.device = settings->device,
                                  .compute = settings->compute,
                                  .goldens = settings->goldens,
                                  .is_timed = settings->is_timed};
    const int is_encoder = settings->filter && strcmp(settings->filter, "encoder") == 0;
    TRY(print_machine(settings, err));
    if (!is_encoder) TRY(check_rows(settings, n_checked, n_wrong, err));
    if (!is_encoder && settings->filter) return STATUS_OK;
    return encoder_check(&encoder, n_checked, n_wrong, err);
}

int main(int argc, char **argv)
{
    Settings settings;
    size_t n_checked = 0, n_wrong = 0;
    Error err = {0};
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        (void)fputs(usage_text, stdout);
        return 0;
    }
    if (!parse_arguments(argc, argv, &settings)) {
        (void)fputs(usage_text, stderr);
        return 2;
    }
    const Status s = check_all(&settings, &n_checked, &n_wrong, &err);
    if (s != STATUS_OK) {
        (void)fprintf(stderr, "gpu-check: %s\n", err.text);
        return status_exit_code(s);
    }
    printf("%zu lines checked, %zu wrong\n", n_checked, n_wrong);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        (void)fputs("gpu-check: standard output could not be written\n", stderr);
        return 3;
    }
    return n_wrong == 0 && n_checked > 0 ? 0 : 1;
}
