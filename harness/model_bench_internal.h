// Between the files of the model bench.
#ifndef ASSAY_HARNESS_MODEL_BENCH_INTERNAL_H
#define ASSAY_HARNESS_MODEL_BENCH_INTERNAL_H

#include "datasets/reader.h"
#include "harness/model_bench.h"
#include "models/model.h"

// What a bench holds while it runs.
typedef struct ModelBenchWork {
    const ModelBenchOptions *options;
    const atomic_int *cancel;
    Arena *arena;
    Model *model;
    ModelBenchMode mode;
    Pool *pool;
    Dataset data;
    TokenSequence *inputs;
    TrainExample *examples;
    size_t n;
    float *logits;
} ModelBenchWork;

// The model as the bench wants it, with products in `compute`, keys and values in `kv`.
Status model_bench_open(const ModelBenchWork *work, ComputeMode compute, DType kv, Model **out,
                        Error *err) MUST_CHECK;
// One round of a model that writes.
Status model_bench_write(ModelBenchWork *work, ModelBenchRound *round, Error *err) MUST_CHECK;
// The same of the beginnings of prompts and a few tokens.
Status model_bench_warm_up(ModelBenchWork *work, Error *err) MUST_CHECK;
// Outputs beside those of the same model in f32.
Status model_bench_compare(ModelBenchWork *work, ModelBenchError *out, Error *err) MUST_CHECK;

#endif
