// harness/likelihood.h: how likely a model finds each of the texts that a sample compares.
//
//     what      masked language models                                causal language models
//     sum       every token masked on its own, log-probabilities      log p of the whole text
//               added (Salazar et al. 2020, arXiv:1910.14659)
//     mean      their mean                                            log p a token
//     shared    the sum over tokens that both texts share, all others as `sum`: what two texts differ in is no token
//               as they are (Nangia et al. 2020, arXiv:2010.00133)    of its own history
//     target    log of the mean probability of the tokens that        as `mean`
//               fill the blank, each masked with those before it
//               given and those behind it left out (Nadeem et al.
//               2020, arXiv:2004.09456, the authors' program);
//               of sentences that follow a text: as `mean`
//     mention   the mean log-probability of the tokens of a person    as `mean` (there is no blank: the
//               who fills the blank in SENTENCE "PRONOUN" refers to     full stop behind goes)
//               PERSON., all of them masked (after Kocijan et al.
//               2019, arXiv:1905.06290)
//
// Special tokens around a text are not asked about. Shared tokens are those of difflib's SequenceMatcher, without its junk. Of
// a sample with a context (BBQ) only the choice's own tokens count: a masked model reads context, question and choice in a row,
// a causal one "CONTEXT\nQuestion: QUESTION\nAnswer:" and then the choice. Of sentences that follow a text (StereoSet's intersentence
// items) their own tokens count too, behind the text and a blank; the authors' program asks a head for next sentences instead,
// which published language models do not have. Where a model has no room for all tokens, the end of a
// sentence goes, and the beginning of a context.
#ifndef ASSAY_HARNESS_LIKELIHOOD_H
#define ASSAY_HARNESS_LIKELIHOOD_H

#include "harness/family.h"

typedef enum Likelihood {
    LIKELIHOOD_SUM,
    LIKELIHOOD_MEAN,
    LIKELIHOOD_SHARED,
    LIKELIHOOD_TARGET,
    LIKELIHOOD_MENTION,
    N_LIKELIHOODS,
} Likelihood;
const char *likelihood_name(Likelihood how);
// Of one sample: sentences that follow a text fill no blank, so `target` is `mean` there.
Likelihood likelihood_for(Likelihood how, const Sample *sample);
// As the task says; else by its format: shared for crows-pairs, target for stereoset, mean for bbq, mention for winobias-coreference and
// winogender-coreference, sum for others.
Likelihood likelihood_of(const SuiteTask *task);

// What is asked and what comes of it.
typedef struct Likelihoods {
    const Responder *responder;
    Likelihood how;
    const Sample *const *samples; // [n]
    size_t n, width;              // width: the most choices of a sample
    double *values;               // [n, width], NaN past a sample's choices
    double *counts;               // [n, width] tokens that were asked about; may be NULL
    size_t n_tokens;              // that went through the model
} Likelihoods;

// An error names the sample by its line. Scratch memory is the call's own.
Status likelihoods_find(Likelihoods *l, Error *err) MUST_CHECK;

// ---- between likelihood.c and likelihood_masked.c ----

Status likelihoods_masked(Likelihoods *l, Error *err) MUST_CHECK;
Status likelihoods_wrap(const Sample *sample, Status s, Error *err);
// The text before a choice, with a blank or line break at its end where there is one.
Status likelihood_context(const Sample *sample, bool is_causal, Arena *arena, Slice *out,
                          Error *err) MUST_CHECK;
// What stands before a person: SENTENCE "PRONOUN" refers to, without a blank at its end.
Status likelihood_mention(const Sample *sample, Arena *arena, Slice *before, Error *err) MUST_CHECK;
// The tokens that two sequences share, as difflib matches them: in_a [n_a] and in_b [n_b] become 1 there.
Status likelihood_shared(const int32_t *a, size_t n_a, const int32_t *b, size_t n_b, Arena *arena,
                         unsigned char *in_a, unsigned char *in_b, Error *err) MUST_CHECK;

#endif
