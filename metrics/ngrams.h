// metrics/ngrams.h: clipped n-gram matches between a hypothesis and its references.
#ifndef ASSAY_METRICS_NGRAMS_H
#define ASSAY_METRICS_NGRAMS_H

#include "metrics/word_ids.h"

// matches [max_order]: for each order the hypothesis's n-grams, each counted at most as often as in the one reference
// that has it most (Papineni et al. 2002, section 2.1). Exact: n-grams are told apart by their tokens, not by hashes.
Status ngram_matches(const Tokens *hypothesis, const Tokens *references, size_t n_references,
                     size_t max_order, Arena *scratch, double *matches, Error *err) MUST_CHECK;
// The same of numbers (word_ids.h): the hypothesis's are below n_words; n_words itself is a word that it does not have.
Status number_ngram_matches(const WordNumbers *hypothesis, const WordNumbers *references,
                            size_t n_references, size_t n_words, size_t max_order, Arena *scratch,
                            double *matches, Error *err) MUST_CHECK;

#endif
