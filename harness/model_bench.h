// harness/model_bench.h: how fast a whole model predicts, writes or tunes here, on a user's texts or on sequences of one length.
//
// A round goes through all sequences once; the first round warms up and is not counted. CPU time is kept beside wall time:
// on a shared machine it is the figure that repeats. Every round is kept, so that a script can put a peer's rounds between
// ours and take ratios in pairs.
// A causal model or an encoder-decoder writes n_new_tokens to each prompt or source. The time of prompts lasts until the first
// token is written behind the last of them; an encoder-decoder's is that of a call of its own, which writes one token.
#ifndef ASSAY_HARNESS_MODEL_BENCH_H
#define ASSAY_HARNESS_MODEL_BENCH_H

#include "base/json_writer.h"
#include "models/training/train.h"

typedef enum ModelBenchMode {
    MODEL_BENCH_AUTO, // generate where the model can, else classify
    MODEL_BENCH_CLASSIFY,
    MODEL_BENCH_EMBED,
    MODEL_BENCH_GENERATE,
} ModelBenchMode;

typedef struct ModelBenchOptions {
    const char *model; // directory
    const char *
        texts; // a data set (datasets/reader.h) with labels where tuning is timed; NULL: made-up sequences
    size_t length; // tokens of each made-up sequence
    size_t
        n_sequences; // of the made-up ones, or at most so many texts; 0 = 64, or all texts; generating 1
    size_t batch_size; // sequences a call, or a step; 0 when predicting = all in one call
    size_t max_length; // tokens a text is cut to; 0 = 128
    size_t n_threads;  // 0 = all
    size_t n_rounds;   // counted; 0 = 5
    ModelBenchMode mode;
    size_t n_new_tokens; // generating: of each sequence, at least 2; 0 = 64
    size_t n_beams;      // of an encoder-decoder; 0 = 1
    bool tunes;          // forward, backward and AdamW instead of predicting
    bool sorts;          // tuning: batches of similar length
    ComputeMode compute;
    DType kv; // what a causal model keeps keys and values in
    uint64_t seed;
} ModelBenchOptions;

typedef struct ModelBenchRound {
    int64_t wall_ns, cpu_ns;               // cpu_ns: of all threads together
    int64_t prompt_wall_ns, prompt_cpu_ns; // generating: until the first token
} ModelBenchRound;

// Seconds: the median of rounds and its 95 % interval.
typedef struct ModelBenchTime {
    double median_s, low_s, high_s;
} ModelBenchTime;

// What a round consists of.
typedef struct ModelBenchPart {
    const char *name; // "predict", "tune", "prompt", "generate"
    size_t n_tokens;  // that it reads, or writes
    ModelBenchTime wall, cpu;
} ModelBenchPart;

enum { MODEL_BENCH_PARTS = 2 };

// How far outputs in lower precision are from those in f32, on the first sequences.
typedef struct ModelBenchError {
    bool is_there;
    size_t n_sequences;
    double relative; // |y - y_f32| / |y_f32|, Euclidean, over all outputs
    double largest;  // the largest |y - y_f32| as a share of the largest |y_f32|
    // Where keys and values are kept in 16 bits: of the log-probabilities of the last tokens of the same sequences, which meet all
    // that is kept.
    size_t n_tokens;                      // 0: they are not
    double mean_logprob, largest_logprob; // |log p - log p_f32|
} ModelBenchError;

typedef struct ModelBench {
    ModelBenchMode mode;                   // what was done
    size_t n_sequences, n_tokens, n_calls; // of one round
    size_t n_threads;
    ModelBenchRound *rounds; // [n_rounds], in the arena
    size_t n_rounds;
    double median_wall_s, median_cpu_s; // of a round; generating: of the call that wrote all tokens
    ModelBenchPart parts[MODEL_BENCH_PARTS];
    size_t n_parts;
    double open_s; // reading and packing the weights
    double
        flops; // of a round: 2 a multiply-add of products, 3 times that when tuning; 0 generating
    uint64_t peak_rss_bytes;
    ModelBenchError error;
} ModelBench;

// STATUS_CANCELLED after the running call where *cancel becomes non-zero (may be NULL).
Status model_bench_run(const ModelBenchOptions *options, const atomic_int *cancel, Arena *arena,
                       ModelBench *out, Error *err) MUST_CHECK;
void model_bench_text(const ModelBench *bench, Buffer *out);
void model_bench_json(const ModelBench *bench, JsonWriter *w);

#endif
