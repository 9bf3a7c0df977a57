// harness/tokenizer_bench.h: how fast a tokenizer encodes a user's texts here: ids, types and offsets, whole texts.
//
// A round encodes every text once, each in a call of its own, in memory that is used again; the first round warms up and is not
// counted. Every round is kept, as in model_bench.h.
#ifndef ASSAY_HARNESS_TOKENIZER_BENCH_H
#define ASSAY_HARNESS_TOKENIZER_BENCH_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json_writer.h"

typedef struct TokenizerBenchOptions {
    const char *model;  // a directory, a tokenizer's file or a GGUF file
    const char *texts;  // a data set (datasets/reader.h); labels are not read
    size_t n_sequences; // at most so many texts; 0 = all
    size_t n_rounds;    // counted; 0 = 5
} TokenizerBenchOptions;

typedef struct TokenizerBench {
    size_t n_texts, n_bytes, n_tokens; // of one round
    double *wall_s, *cpu_s;            // [n_rounds], in the arena; on the calling thread
    size_t n_rounds;
    double median_cpu_s, low_s, high_s; // CPU time of a round, and its 95 % interval
    const char *kind;                   // "WordPiece", "BPE", "Unigram"
} TokenizerBench;

// STATUS_CANCELLED after the running round where *cancel becomes non-zero (may be NULL).
Status tokenizer_bench_run(const TokenizerBenchOptions *options, const atomic_int *cancel,
                           Arena *arena, TokenizerBench *out, Error *err) MUST_CHECK;
void tokenizer_bench_text(const TokenizerBench *bench, Buffer *out);
void tokenizer_bench_json(const TokenizerBench *bench, JsonWriter *w);

#endif
