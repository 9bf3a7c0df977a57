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

// A record of a reference file beside what the metric makes of its corpus, or of one sentence of that.
typedef struct CorpusCase {
    const Json *record, *expected;
    const MetricPlan *plan;
    const double *sums; // [plan->width] of all rows
    size_t line;
} CorpusCase;
// Takes every record of a reference file, of whole corpora or of sentences, to `check`; fails the test unless there are more
// than `least` of them.
void check_corpora(const char *file, const char *metric, bool is_sentence, size_t least,
                   void (*check)(const CorpusCase *c));

#endif
