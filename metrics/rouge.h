// metrics/rouge.h: ROUGE of one hypothesis against one reference, as rouge_score 0.1.2.
#ifndef ASSAY_METRICS_ROUGE_H
#define ASSAY_METRICS_ROUGE_H

#include "metrics/metric.h"
#include "metrics/porter.h"
#include "metrics/tokens.h"

enum { ROUGE_MAX_ORDER = 9 };

typedef struct RougeScore {
    double precision, recall, f1; // [0, 1]; 0 where a side has nothing to match
} RougeScore;

// Lower-cased runs of a-z and 0-9; those of more than three letters are stemmed where asked for. Refuses text that is
// not UTF-8, naming the byte. Memory comes from the arena.
Status rouge_tokens(Slice text, bool is_stemmed, Arena *arena, Tokens *out, Error *err) MUST_CHECK;
// How texts are read: memo, of stems, may be NULL.
typedef struct RougeReading {
    bool is_stemmed;
    StemMemo *memo;
} RougeReading;
Status rouge_words(const RougeReading *reading, Slice text, Arena *arena, Tokens *out,
                   Error *err) MUST_CHECK;

// Overlap of n-grams; order in [1, ROUGE_MAX_ORDER].
Status rouge_n(const Tokens *hypothesis, const Tokens *reference, size_t order, Arena *scratch,
               RougeScore *out, Error *err) MUST_CHECK;
// The same for all orders up to one, out [max_order].
Status rouge_orders(const Tokens *hypothesis, const Tokens *reference, size_t max_order,
                    Arena *scratch, RougeScore *out, Error *err) MUST_CHECK;
// The longest common subsequence, over each text as one line.
Status rouge_l(const Tokens *hypothesis, const Tokens *reference, Arena *scratch, RougeScore *out,
               Error *err) MUST_CHECK;
// The same by sentences: for each of the reference's, the union of its longest common subsequences with all of the
// hypothesis's; no word counts more often than either side has it.
Status rouge_lsum(const Tokens *hypothesis, size_t n_hypothesis, const Tokens *reference,
                  size_t n_reference, Arena *scratch, RougeScore *out, Error *err) MUST_CHECK;

// The tokens of each line that is not empty, in the arena.
Status rouge_sentences(const RougeReading *reading, Slice text, Arena *arena, Tokens **out,
                       size_t *n, Error *err) MUST_CHECK;

enum { N_ROUGE_METRICS = 4 };
// The rows of rouge1, rouge2, rougeL and rougeLsum from one reading of the texts. plan is one of theirs, whose params
// all four have.
Status rouge_rows(const MetricPlan *plan, const Item *item, Arena *scratch,
                  double *const rows[N_ROUGE_METRICS], Error *err) MUST_CHECK;
// The words of one text as those rows read them.
Status rouge_plan_words(const MetricPlan *plan, Slice text, Arena *arena, Tokens *out,
                        Error *err) MUST_CHECK;

#endif
