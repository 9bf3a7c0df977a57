// models/explain.h: which tokens of its input a model's answer hangs on.
//
//     f          the sum of the scores (logits) asked about
//     x, x'      word embeddings of the text, and of a baseline: the same with its tokens' in place of the text's
//     a[i] = (x[i] - x'[i]) . integral from 0 to 1 of df/dx[i] (x' + t (x - x')) dt      EXPLAIN_INTEGRATED_GRADIENTS
//     a[i] = x[i] . df/dx[i] (x)                                                         EXPLAIN_GRADIENT_INPUT
//
// Sources: Sundararajan, Taly & Yan 2017, arXiv:1703.01365, eq. 1; Shrikumar et al. 2016, arXiv:1605.01713, section 2.1. The
// integral is Gauss-Legendre's sum over n_steps points. Attributions of integrated gradients add up to f(x) - f(x')
// (completeness); by how much they miss it says how good the sum is. Positions and types stay as they are.
// The bits of an explanation depend on its request alone.
#ifndef ASSAY_MODELS_EXPLAIN_H
#define ASSAY_MODELS_EXPLAIN_H

#include "base/pool.h"
#include "models/model.h"

typedef enum ExplainMethod {
    EXPLAIN_INTEGRATED_GRADIENTS,
    EXPLAIN_GRADIENT_INPUT,
} ExplainMethod;

enum { N_EXPLAIN_METHODS = EXPLAIN_GRADIENT_INPUT + 1, EXPLAIN_DEFAULT_STEPS = 32 };
enum { EXPLAIN_MAX_STEPS = 1000 };
const char *explain_method_name(ExplainMethod method); // "integrated-gradients", "gradient-x-input"

typedef struct ExplainOptions {
    ExplainMethod method;
    size_t n_steps; // of the integral; 0 = EXPLAIN_DEFAULT_STEPS
} ExplainOptions;

// One number among the model's output for the input: a row of it (0, a token, ..) and a column.
typedef struct ExplainTarget {
    size_t row, column;
} ExplainTarget;

typedef struct ExplainRequest {
    const TokenSequence *input;
    const uint8_t *is_kept; // [n_tokens] not 0: the token stands in the baseline too; may be NULL
    int32_t baseline_id;    // the token in place of the others: padding, or a mask
    const ExplainTarget *targets;
    size_t n_targets; // at least 1
} ExplainRequest;

typedef struct Explanation {
    double *attributions;      // [n_tokens]
    double value, baseline;    // f(x), f(x'); the latter NaN where it is not asked for
    double completeness_error; // sum of the attributions less (value - baseline); NaN likewise
} Explanation;

// out [n]; attributions in the arena. The model classifies, tags or finds spans, runs on the CPU and holds its weights as
// numbers (not ModelOptions.keep_stored); else STATUS_INVALID, as for tokens, targets and steps that are out of range. cancel
// may be NULL.
Status model_explain(Model *model, Pool *pool, const ExplainRequest *requests, size_t n,
                     const ExplainOptions *options, const atomic_int *cancel, Arena *arena,
                     Explanation *out, Error *err) MUST_CHECK;

// The token that stands for nothing: padding, else the mask, else an unknown word; TOKEN_NONE without any.
int32_t explain_baseline_id(const Tokenizer *tokenizer);

#endif
