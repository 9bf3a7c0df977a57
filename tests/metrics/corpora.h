// tests/metrics/corpora.h: the translations that the reference files of BLEU, chrF and TER name.
#ifndef ASSAY_TESTS_METRICS_CORPORA_H
#define ASSAY_TESTS_METRICS_CORPORA_H

#include "base/buffer.h"
#include "tests/metrics/golden.h"

enum { MAX_CORPORA = 64 };

typedef struct Corpus {
    Slice name;
    Item *items;
    size_t n;
} Corpus;

typedef struct Corpora {
    Arena arena;
    Corpus all[MAX_CORPORA];
    size_t n;
} Corpora;

// Skips the calling test where the files are absent. Release corpora->arena.
void read_corpora(Corpora *out);
// Fails the test where there is none of that name.
const Corpus *find_corpus(const Corpora *corpora, Slice name);
// An object of scalars as JSON text, to be parsed again by plan_open.
void params_text(const Json *params, Buffer *out);

#endif
