// models/generation/beam_internal.h: what beam.c and beam_restrict.c share.
#ifndef ASSAY_MODELS_BEAM_INTERNAL_H
#define ASSAY_MODELS_BEAM_INTERNAL_H

#include "models/generation/beam.h"

// The tokens that end in `node`, after the prompt, into search->history; their number.
size_t beam_history(BeamSearch *search, int32_t node);
// The token that must come next, or -1.
int32_t beam_forced_token(const BeamSearch *search);
// Tokens that may not come next, in a row of logits or log-probabilities of a running beam, become minus infinity.
void beam_restrict(BeamSearch *search, const BeamEntry *beam, float *row, size_t n_tokens);
// Of a row of logits whose log sum exp is lse: log-probabilities of tokens before are multiplied, each once; no group's largest
// number stays below one of its own.
Status beam_penalise(BeamSearch *search, const BeamEntry *beam, Exec *exec, double lse, float *row,
                     size_t n_tokens, float *groups, Error *err) MUST_CHECK;

#endif
