// harness/tasks/tag_scheme.h: from scores of tags to one tag a word.
#ifndef ASSAY_HARNESS_TASKS_TAG_SCHEME_H
#define ASSAY_HARNESS_TASKS_TAG_SCHEME_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

typedef struct TagDecoder {
    const Slice *tags;
    size_t n_tags;
    size_t outside; // "O", else 0
    bool is_valid;  // only sequences of tags that the scheme allows
    // [n_tags + 1, n_tags + 1] whether the second may follow the first; the last row and column are the sentence's ends.
    bool *may_follow;
} TagDecoder;

// The scheme is read off the tags: with S- or E- tags IOBES (B I* E, S), with B- tags IOB2 (B I*); with I- tags alone any
// sequence is allowed. Source: Ratinov & Roth 2009, section 3; Sang & Veenstra 1999. In the arena; tags are borrowed.
Status tag_decoder_init(TagDecoder *decoder, const Slice *tags, size_t n_tags, bool is_valid,
                        Arena *arena, Error *err) MUST_CHECK;

// scores [n, n_tags]: log-probabilities; a row of NaN is a word that the model did not see: "O". Without is_valid the best
// tag of each word; with it the best valid sequence (Viterbi 1967). Of equal ones the first. In the arena.
Status tag_decode(const TagDecoder *decoder, const double *scores, size_t n, Arena *arena,
                  Slice **out, Error *err) MUST_CHECK;

#endif
