// harness/identify_internal.h: between identify.c, which knows files and folds, and what says of models and tasks what they are.
#ifndef ASSAY_HARNESS_IDENTIFY_INTERNAL_H
#define ASSAY_HARNESS_IDENTIFY_INTERNAL_H

#include "base/json_writer.h"
#include "harness/trial.h"

typedef struct Identify {
    const Suite *suite;
    Store *store;
    Arena *arena;
    SuiteIdentity *out;
    size_t capacity; // of out->files
} Identify;

// identify_models.c: what a model is, as JSON; the other models and files that tuning asks, into out->aids.
Status identify_model(Identify *id, const SuiteModel *model, Slice *json, Error *err) MUST_CHECK;
Status identify_aids(Identify *id, Error *err) MUST_CHECK;
// identify_task.c: what a task is; out->folds_json is there.
Status identify_task(Identify *id, const SuiteTask *task, TaskIdentity *out, Error *err) MUST_CHECK;
// The hash of a file, which also goes into the list for the manifest.
Status identity_add_file(Identify *id, const char *role, Slice name, const char *path,
                         Slice *sha256, Error *err) MUST_CHECK;

#endif
