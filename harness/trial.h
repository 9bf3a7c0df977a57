// harness/trial.h: what a trial is, and the id that stands for everything that can change its outcome.
//
// A trial tunes one model with one setting on one part of one task's data and judges it on another part. Its id is the
// SHA-256 of its identity, a canonical JSON object (keys sorted) of: the version of our numerics, device kind and compute
// dtype, the hashes of the model's files (or how a fresh one is made), the keys of the data, the task's definition, the
// folds, the setting, role, folds and seed. Nothing that it measures in time is part of it, nor are names, paths, threads
// or jobs. Same id, same result.
#ifndef ASSAY_HARNESS_TRIAL_H
#define ASSAY_HARNESS_TRIAL_H

#include "harness/suite/suite.h"
#include "results/store.h"

// Raised when the bits of logits, weights or scores change for the same input.
enum { NUMERICS_VERSION = 10 };

// Parts of a task's data.
typedef enum DataPart {
    PART_TRAIN,
    PART_VALID,
    PART_TEST,
    N_DATA_PARTS,
    PART_SWAPPED = N_DATA_PARTS, // copies of judged samples (harness/counterfactual.h): in no file
} DataPart;
const char *data_part_name(DataPart part); // "train", "valid", "test"

typedef struct IdentifiedFile {
    Slice role, name, path; // as in results/manifest.h
    Slice sha256;
    uint64_t size_bytes;
} IdentifiedFile;

// A task's data by its files alone: nothing is read where the hashes are known.
typedef struct TaskIdentity {
    Slice keys
        [N_DATA_PARTS]; // 64 hex digits: of the file and of how it is read; empty = no such part
    Slice sha256[N_DATA_PARTS]; // of the file's bytes
    Slice swap_sha256;          // of the list of words that are swapped; empty without
    Slice folds_key;            // of the outer assignment; empty without folds
    Slice json;                 // canonical: definition and data
} TaskIdentity;

// A model or a list of words that tuning takes beside the model that learns, by where it lies.
typedef struct IdentifiedAid {
    const char *path;
    Slice json; // canonical: its files
} IdentifiedAid;

// Everything of a suite that trials are identified by. All in the arena given.
typedef struct SuiteIdentity {
    Slice *models; // [n_models] canonical JSON of each
    TaskIdentity *tasks;
    IdentifiedAid *aids;
    size_t n_aids;
    IdentifiedFile *files;
    size_t n_files;
    Slice folds_json; // canonical: how parts are made
    Slice device_kind, compute_dtype;
    ComputeMode compute; // of the run
    DType kv;            // the same
} SuiteIdentity;

// Hashes the files of models and data through the store's cache. Errors name the model or the task.
Status suite_identify(const Suite *suite, Store *store, Device device, ComputeMode compute,
                      DType kv, Arena *arena, SuiteIdentity *out, Error *err) MUST_CHECK;

enum { NO_MODEL = -1 }; // the baseline's

typedef struct TrialSpec {
    int model; // index into suite->models, or NO_MODEL for the baseline
    size_t task;
    int setting; // index into the model's settings; -1 for the baseline
    TrialRole role;
    int32_t outer_fold, inner_fold; // or STORE_NO_FOLD
    size_t repeat;
    uint64_t seed;
    Slice
        teacher; // the tuning key of the trial that it learns from; empty without a teacher tuned here
} TrialSpec;

// How the trial's model computes where it is judged: as its setting says, else as the run does.
ComputeMode trial_compute(const Suite *suite, const TrialSpec *spec, ComputeMode of_run);
const char *kv_name(DType kv);                 // "f32", "f16", "bf16"
const char *compute_name(ComputeMode compute); // "f32", "tf32", "bf16", "int8"

// Whether what some answers of a trial hang on is kept with them: then it is part of the trial's identity.
bool trial_is_explained(const Suite *suite, const TrialSpec *spec);
// The hash of what a trial's tuning hangs on, in the arena: trials that have the same one tune the same model on the same
// samples, and differ in what is done with it then (prune, quantize, compute). Empty where nothing is tuned.
Status trial_tuning_key(const Suite *suite, const SuiteIdentity *identity, const TrialSpec *spec,
                        Arena *arena, Slice *key, Error *err) MUST_CHECK;
// How a model is computed while it is tuned, where it is judged so: bf16 and int8 are for answers.
ComputeMode trial_tuning_compute(ComputeMode judged);
// The identity of a trial and its hash, in the arena.
Status trial_identify(const Suite *suite, const SuiteIdentity *identity, const TrialSpec *spec,
                      Arena *arena, Slice *json, Slice *id, Error *err) MUST_CHECK;

// What reports call a task's baseline.
Slice baseline_name(const Suite *suite, size_t task);
// "minilm on sst2, fold 2, learning_rate 3e-05": for messages; only what varies in the model's grid is named. In the arena.
Slice trial_title(const Suite *suite, const TrialSpec *spec, Arena *arena);

#endif
