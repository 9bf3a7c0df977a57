// datasets/augment.h: copies of samples with some words changed, to learn from beside them.
//
// The four operations of EDA: synonyms from a lexicon in the place of words, synonyms put in front of words, words exchanged
// with each other, words left out. Each changes `share` of the words, and at least one. A word is a run of letters, digits and
// inner hyphens and apostrophes; what stands between words stays, case is kept.
//
// Source: Wei & Zou 2019, "EDA: easy data augmentation techniques", arXiv:1901.11196, section 2.
#ifndef ASSAY_DATASETS_AUGMENT_H
#define ASSAY_DATASETS_AUGMENT_H

#include "base/philox.h"
#include "datasets/lexicon.h"
#include "datasets/sample.h"

typedef enum WordEdit {
    EDIT_SYNONYMS,
    EDIT_INSERT,
    EDIT_SWAP,
    EDIT_DELETE,
    N_WORD_EDITS,
    EDIT_ANY = N_WORD_EDITS, // one of them, drawn for each text
} WordEdit;

// Raised when the same draw gives another text.
enum { AUGMENT_VERSION = 1 };

// Which words of a sample may change.
typedef enum AugmentWhere {
    AUGMENT_TEXT,    // those of its text
    AUGMENT_TEXTS,   // of text and pair, each on its own
    AUGMENT_CONTEXT, // of its passage, outside of every answer; answers stand where they stood
    AUGMENT_TOKENS, // those tagged "O"; words put in are tagged "O", and one that parts two entities is not left out
} AugmentWhere;

typedef struct AugmentOptions {
    WordEdit edit;
    double share; // of words
    AugmentWhere where;
    const Lexicon *lexicon; // of EDIT_SYNONYMS, EDIT_INSERT and EDIT_ANY
} AugmentOptions;

// What happened to words.
typedef struct AugmentCounts {
    size_t n_words, n_changed;
} AugmentCounts;

// A copy of a sample, in the arena; ids are the sample's. *is_changed is false where nothing could be changed: the copy is
// then the sample. counts are added to.
Status augment_sample(const AugmentOptions *options, const Sample *sample, Philox *rng,
                      Arena *arena, Sample *out, bool *is_changed, AugmentCounts *counts,
                      Error *err) MUST_CHECK;

#endif
