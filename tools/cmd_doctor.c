// assay doctor: what this machine can do, what is missing, and how to get it.
#include <cjson/cJSON.h>
#include <dlfcn.h>
#include <math.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/file.h"
#include "base/machine.h"
#include "base/pool.h"
#include "base/unicode.h"
#include "kernels/cpu/openblas.h"
#include "kernels/device.h"
#include "kernels/op.h"
#include "results/manifest.h"
#include "tools/commands.h"
#include "tools/listing.h"

// What is found goes into rows; a row that could be better has a remedy.
typedef struct Doctor {
    Listing rows; // what, state, found, remedy
    size_t n_missing;
} Doctor;

typedef enum Health { HEALTH_OK, HEALTH_NOTE, HEALTH_MISSING } Health;
static const char *const health_names[] = {"ok", "note", "missing"};

static void add(Doctor *doctor, const char *what, Health health, Slice found, const char *remedy)
{
    listing_cstr(&doctor->rows, what);
    listing_cstr(&doctor->rows, health_names[health]);
    listing_text(&doctor->rows, found);
    listing_cstr(&doctor->rows, remedy);
    if (health == HEALTH_MISSING) doctor->n_missing++;
}

static void addf(Doctor *doctor, const char *what, Health health, const char *remedy,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));
static void addf(Doctor *doctor, const char *what, Health health, const char *remedy,
                 const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const Slice copy = arena_copy(doctor->rows.arena, slice_from_cstr(len < 0 ? "" : text));
    if (!copy.ptr) doctor->rows.failed = true;
    add(doctor, what, health, copy, remedy);
}

// ---- the machine ----

static void look_at_cpu(Doctor *doctor, const Machine *machine)
{
    char features[256];
    const double limit = cgroup_cpu_limit();
    machine_feature_names(machine->cpu_features, features, sizeof features);
    addf(doctor, "processor", HEALTH_OK, NULL, "%s (%s)", machine->cpu_model,
         machine->architecture);
    const bool has_fast = (machine->cpu_features & CPU_AVX2) != 0;
    addf(doctor, "instructions", has_fast ? HEALTH_OK : HEALTH_NOTE,
         has_fast ? NULL : "without AVX2 only the reference kernels run, many times slower", "%s",
         features[0] ? features : "none that kernels ask for");
    if (!machine_cpu_setting_is_known()) {
        add(doctor, "ASSAY_CPU", HEALTH_NOTE, slice_from_cstr(getenv("ASSAY_CPU")),
            "known are base, avx2, avx512; it is ignored");
    }
    if (isfinite(limit)) {
        addf(doctor, "threads", HEALTH_OK, NULL, "%zu usable; a quota allows %.2g processors",
             pool_available_threads(), limit);
    } else {
        addf(doctor, "threads", HEALTH_OK, NULL, "%zu usable", pool_available_threads());
    }
    const bool is_busy = machine->load_average > 0.5 * (double)machine->n_threads;
    addf(doctor, "load", is_busy ? HEALTH_NOTE : HEALTH_OK,
         is_busy ? "other work runs: timings will be too long" : NULL, "%.2f over the last minute",
         machine->load_average);
}

// Which of the choices of --compute pay here.
static void look_at_products(Doctor *doctor)
{
    const bool has_bf16 = op_is_fast(OP_LINEAR_BF16), has_int8 = op_is_fast(OP_LINEAR_I8);
    const bool is_fast = has_bf16 && machine_bf16_is_fast();
    const char *remedy = NULL;
    if (!is_fast && has_bf16)
        remedy =
            "--compute bf16 is slower than f32 here: Intel's VDPBF16PS takes longer than the multiply-adds "
            "that it stands for";
    else if (!is_fast)
        remedy = has_int8
                     ? "--compute bf16 runs on the reference kernel here, many times slower"
                     : "--compute bf16 and int8 run on reference kernels here, many times slower";
    addf(doctor, "products", remedy ? HEALTH_NOTE : HEALTH_OK, remedy, "faster than f32: %s",
         is_fast && has_int8 ? "bf16, int8"
         : is_fast           ? "bf16"
         : has_int8          ? "int8"
                             : "none");
}

static void look_at_memory(Doctor *doctor, const Machine *machine)
{
    char pages[128];
    addf(doctor, "memory", HEALTH_OK, NULL, "%.1f GiB, %.1f GiB free",
         (double)machine->memory_bytes / 0x1p30, (double)machine->memory_available_bytes / 0x1p30);
    if (cgroup_read_text("/sys/kernel/mm/transparent_hugepage/enabled", pages, sizeof pages) == 0) {
        return;
    }
    const bool is_off = strstr(pages, "[never]") != NULL;
    add(doctor, "large pages", is_off ? HEALTH_NOTE : HEALTH_OK,
        is_off ? SLICE("off") : SLICE("granted where asked for"),
        is_off ? "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled (as root)" : NULL);
}

static void look_at_gpus(Doctor *doctor)
{
    size_t n = 0;
    Error why = {0};
    if (device_count(&n, &why) != STATUS_OK || n == 0) {
        addf(doctor, "GPU", HEALTH_NOTE, NULL, "none: %s",
             why.text[0] ? why.text : "the driver sees no GPU");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        DeviceInfo info = {0};
        Error wrong = {0};
        const Device device = {.kind = DEVICE_CUDA, .index = (int)i};
        if (device_describe(device, &info, &wrong) != STATUS_OK) {
            addf(doctor, "GPU", HEALTH_MISSING, NULL, "cuda:%zu: %s", i, wrong.text);
            continue;
        }
        addf(doctor, "GPU", HEALTH_OK, NULL,
             "cuda:%zu: %s, %.1f GiB, compute capability %d.%d, driver %d.%d", i, info.name,
             (double)info.memory_bytes / 0x1p30, info.compute_major, info.compute_minor,
             info.driver_version / 1000, info.driver_version % 1000 / 10);
    }
}

// ---- libraries and programs ----

// A library that is opened when it is first needed: by its names, the first that is there.
static const char *first_library(const char *const *names)
{
    for (size_t i = 0; names[i]; i++) {
        // Kept in memory: the C++ library below it loses what it holds where it is unloaded.
        void *handle = dlopen(names[i], RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
        if (!handle) continue;
        dlclose(handle);
        return names[i];
    }
    return NULL;
}

static void look_at_gpu_libraries(Doctor *doctor)
{
    static const char *const blas[] = {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so",
                                       NULL};
    static const char *const nvml[] = {"libnvidia-ml.so.1", NULL};
    const char *found = first_library(blas);
    add(doctor, "cuBLASLt", found ? HEALTH_OK : HEALTH_NOTE,
        found ? slice_from_cstr(found) : SLICE("not found"),
        found ? NULL : "wanted on machines with a GPU: NVIDIA's package libcublas");
    found = first_library(nvml);
    add(doctor, "NVML", found ? HEALTH_OK : HEALTH_NOTE,
        found ? slice_from_cstr(found) : SLICE("not found"),
        found ? NULL : "comes with NVIDIA's driver");
}

static void look_at_libraries(Doctor *doctor)
{
    const char *openblas = openblas_description();
    add(doctor, "OpenBLAS", openblas ? HEALTH_OK : HEALTH_MISSING,
        openblas ? slice_from_cstr(openblas) : SLICE("not found"),
        openblas ? NULL : "apt-get install libopenblas0-serial (for --blas openblas and bench)");
    add(doctor, "ICU", HEALTH_OK, slice_from_cstr(unicode_version()), NULL);
    addf(doctor, "SQLite", HEALTH_OK, NULL, "%s", sqlite3_libversion());
    addf(doctor, "cJSON", HEALTH_OK, NULL, "%s", cJSON_Version());
}

// The path of a program on PATH, in the arena; NULL where there is none.
static const char *find_program(Arena *arena, const char *name)
{
    Slice rest = slice_from_cstr(getenv("PATH")), folder;
    while (slice_split(&rest, ':', &folder)) {
        const char *path = file_join(arena, folder, slice_from_cstr(name));
        if (path && access(path, X_OK) == 0 && !file_is_directory(path)) return path;
    }
    return NULL;
}

static void look_at_programs(Doctor *doctor)
{
    const char *gnuplot = find_program(doctor->rows.arena, "gnuplot");
    add(doctor, "gnuplot", gnuplot ? HEALTH_OK : HEALTH_MISSING,
        gnuplot ? slice_from_cstr(gnuplot) : SLICE("not found"),
        gnuplot ? NULL : "apt-get install gnuplot-nox (plots of HTML reports)");
}

// ---- the command ----

static void look(Doctor *doctor)
{
    Machine machine = {0};
    machine_describe(&machine);
    addf(doctor, "assay", HEALTH_OK, NULL, "%s, built with %s", version_text(),
         manifest_compiler());
    addf(doctor, "system", HEALTH_OK, NULL, "%s", machine.os);
    look_at_cpu(doctor, &machine);
    look_at_products(doctor);
    look_at_memory(doctor, &machine);
    look_at_gpus(doctor);
    look_at_libraries(doctor);
    look_at_gpu_libraries(doctor);
    look_at_programs(doctor);
}

static Status run(CommandLine *line, Error *err)
{
    static const char *const columns[] = {"what", "state", "found", "remedy"};
    Doctor doctor = {.rows = {.arena = &line->arena, .columns = columns, .n_columns = 4}};
    Buffer out = {0};
    look(&doctor);
    TRY(listing_status(&doctor.rows, err));
    if (line->is_json) {
        JsonWriter w = json_writer(&out, 2);
        json_begin_object(&w);
        json_member_u64(&w, "n_missing", doctor.n_missing);
        json_put_key(&w, "checks");
        listing_put_json(&doctor.rows, &w);
        json_end_object(&w);
        buffer_append_byte(&out, '\n');
    } else {
        listing_put_table(&doctor.rows, &out);
    }
    return output_buffer(&out, err);
}

const Command command_doctor = {
    .name = "doctor",
    .group = "About",
    .summary = "what this machine can do, what is missing, and how to get it",
    .operands = "",
    .description =
        "Looks at the processor, memory, GPUs, libraries and programs that assay uses. \"missing\" is "
        "what a part of assay does not work without; a note is worth knowing. The exit status is 0 "
        "whatever is found.",
    .examples = "assay doctor\n"
                "assay doctor --json",
    .run = run,
};
