// harness/model_bench.h: how fast a whole model predicts or tunes here, on a user's texts or on sequences of one length.
//
// A round goes through all sequences once; the first round warms up and is not counted. CPU time is kept beside wall time:
// on a shared machine it is the figure that repeats. Every round is kept, so that a script can put a peer's rounds between
// ours and take ratios in pairs.
#ifndef ASSAY_HARNESS_MODEL_BENCH_H
#define ASSAY_HARNESS_MODEL_BENCH_H

#include "base/json_writer.h"
#include "models/train.h"

typedef struct ModelBenchOptions {
    const char *model; // directory
    const char *
        texts; // a data set (datasets/reader.h) with labels where tuning is timed; NULL: made-up sequences
    size_t length;      // tokens of each made-up sequence
    size_t n_sequences; // of the made-up ones, or at most so many texts; 0 = 64, or all texts
    size_t batch_size;  // sequences a call, or a step; 0 when predicting = all in one call
    size_t max_length;  // tokens a text is cut to; 0 = 128
    size_t n_threads;   // 0 = all
    size_t n_rounds;    // counted; 0 = 5
    bool tunes;         // forward, backward and AdamW instead of predicting
    bool sorts;         // tuning: batches of similar length
    ComputeMode compute;
    uint64_t seed;
} ModelBenchOptions;

typedef struct ModelBenchRound {
    int64_t wall_ns, cpu_ns; // cpu_ns: of all threads together
} ModelBenchRound;

typedef struct ModelBench {
    size_t n_sequences, n_tokens, n_calls; // of one round
    size_t n_threads;
    ModelBenchRound *rounds; // [n_rounds], in the arena
    size_t n_rounds;
    double open_s;                      // reading and packing the weights
    double median_wall_s, median_cpu_s; // of a round
    double flops; // of a round: 2 a multiply-add of products, 3 times that when tuning
    uint64_t peak_rss_bytes;
} ModelBench;

// STATUS_CANCELLED after the running call where *cancel becomes non-zero (may be NULL).
Status model_bench_run(const ModelBenchOptions *options, const atomic_int *cancel, Arena *arena,
                       ModelBench *out, Error *err) MUST_CHECK;
void model_bench_text(const ModelBench *bench, Buffer *out);
void model_bench_json(const ModelBench *bench, JsonWriter *w);

#endif
