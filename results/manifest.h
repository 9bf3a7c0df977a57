// results/manifest.h: where a number came from.
//
// Two JSON objects. The identity part holds what can change a result: program and numerics versions, device kind and
// dtype, library versions that results depend on, SHA-256 of every model and data file, seeds, full settings. The machine
// part holds what can only change times: CPU, threads, memory, OS, compiler, load, paths, command line, when. Reports
// show both; the canonical export has the first alone.
#ifndef ASSAY_RESULTS_MANIFEST_H
#define ASSAY_RESULTS_MANIFEST_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"

typedef struct ManifestFile {
    Slice role; // "model", "data", "suite"
    Slice name; // the suite's name of it: "minilm", "sst2/train"
    Slice path; // as given; goes to the machine part
    Slice sha256;
    uint64_t size_bytes;
} ManifestFile;

typedef struct ManifestLibrary {
    Slice name, version;  // "OpenBLAS", "0.3.21"
    bool changes_results; // identity, not machine
} ManifestLibrary;

typedef struct ManifestInput {
    Slice program_version;  // from git: "0.1.0-12-g1f3a9c0"
    Slice numerics_version; // raised when bits change
    Slice compute_dtype;    // "f32"
    Slice kv_dtype; // of kept keys and values: "f16", "bf16"; empty, and left out, where it is f32
    Slice device_kind; // "cpu", "cuda"
    Slice device;      // "cpu", "cuda:0 NVIDIA H100": machine part
    Slice build;       // "gcc 12.2.0, Release": machine part
    size_t n_threads, n_jobs;
    const ManifestFile *files;
    size_t n_files;
    const ManifestLibrary *libraries; // further ones; ICU and SQLite are added here
    size_t n_libraries;
    const uint64_t *seeds;
    size_t n_seeds;
    Slice settings; // JSON, the suite as read with overrides; empty = none
    int argc;       // command line, quoted for a shell in the manifest
    const char *const *argv;
    int64_t unix_ns; // when
} ManifestInput;

// Appends one JSON object to each buffer: identity keys and files in a fixed order (files by role, then name).
Status manifest_write(const ManifestInput *input, Buffer *identity, Buffer *machine,
                      Error *err) MUST_CHECK;

// The compiler that built us: "gcc 12.2.0".
const char *manifest_compiler(void);

// A manifest as rows for people, in the order of the file: nested keys joined with " / ", arrays of scalars in one row,
// the settings left out (they are shown apart).
typedef struct ManifestRow {
    Slice key, value;
} ManifestRow;
Status manifest_rows(Arena *arena, Slice json, ManifestRow **rows, size_t *n_rows,
                     Error *err) MUST_CHECK;
// A member of the top object as text ("command", "program"); an empty slice where it is absent, or json is empty.
Status manifest_get(Arena *arena, Slice json, const char *key, Slice *out, Error *err) MUST_CHECK;

#endif
