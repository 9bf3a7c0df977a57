// models/generation/sample.h: choosing the next token from a row of logits.
//
// As Transformers does, in this order: repetition penalty, temperature, top-k, top-p, min-p; then one draw. The draw of token
// n of a request is number n of the Philox stream of its seed, and tokens are gone through in ascending order, so that
// nothing else of a batch shows.
#ifndef ASSAY_MODELS_SAMPLE_H
#define ASSAY_MODELS_SAMPLE_H

#include <stdbool.h>

#include "kernels/exec.h"

// Zero means off everywhere.
typedef struct SampleOptions {
    double temperature;        // 0: the highest logit, of equal ones the first
    size_t top_k;              // the k highest logits (and those equal to the last of them)
    double top_p;              // the fewest tokens that have this probability together; 1 = off
    double min_p;              // tokens at least this probable, as a share of the highest
    double repetition_penalty; // Keskar et al. 2019, arXiv:1909.05858; 1 = off
    uint64_t seed;
} SampleOptions;

// STATUS_INVALID for numbers outside what they may be.
Status sample_check(const SampleOptions *options, Error *err) MUST_CHECK;

// seen: ids of the prompt and of what was generated. index: of the token among those generated.
// logprob: of the token under the model itself, without any of the options.
Status sample_token(const SampleOptions *options, const float *logits, size_t n_vocab,
                    const int32_t *seen, size_t n_seen, size_t index, Exec *exec, int32_t *token,
                    double *logprob, Error *err) MUST_CHECK;

// What a draw may take of scores [n], which are divided by the temperature: p [n] are probabilities, 0 for tokens that top-k,
// top-p and min-p drop. The n_least highest stay whatever these say. scratch [n].
void sample_filter(const SampleOptions *options, size_t n_least, double *scores, size_t n,
                   double *p, double *scratch);

// The log-probability of a token, and whether it has the highest logit (the first of equal ones).
Status token_logprob(const float *logits, size_t n_vocab, int32_t token, Exec *exec,
                     double *logprob, bool *is_highest, Error *err) MUST_CHECK;

#endif
