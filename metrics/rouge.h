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

// Which scores are wanted of a pair.
typedef struct RougeWants {
    size_t max_order; // overlap of n-grams, for all orders up to this one; at most ROUGE_MAX_ORDER
    bool has_l;       // the longest common subsequence, over each text as one line
    bool
        has_l_sum; // the same by sentences, one a line: for each of the reference's, the union of its longest common
    // subsequences with all of the hypothesis's; no word counts more often than either side has it
} RougeWants;

typedef struct RougeScores {
    RougeScore n[ROUGE_MAX_ORDER]; // n[k] of order k + 1; what is not wanted is not written
    RougeScore l, l_sum;
} RougeScores;

// How texts are read: memo, of stems, may be NULL.
typedef struct RougeReading {
    bool is_stemmed;
    bool has_lines; // for has_l_sum
    StemMemo *memo;
} RougeReading;

// Lower-cased runs of a-z and 0-9; those of more than three letters are stemmed where asked for.
typedef struct RougeText {
    Tokens words;
    size_t *
        lines; // [n_lines + 1]: where the words of each line begin, of those that have any; NULL where not asked for
    size_t n_lines;
} RougeText;

// Refuses text that is not UTF-8, naming the byte. Memory comes from the arena.
Status rouge_text(const RougeReading *reading, Slice text, Arena *arena, RougeText *out,
                  Error *err) MUST_CHECK;
// The words alone.
Status rouge_tokens(Slice text, bool is_stemmed, Arena *arena, Tokens *out, Error *err) MUST_CHECK;

Status rouge_compare(const RougeText *hypothesis, const RougeText *reference, RougeWants wants,
                     Arena *scratch, RougeScores *out, Error *err) MUST_CHECK;

// The rows of n of rouge1, rouge2, rougeL and rougeLsum with the same params, from one reading of the texts.
Status rouge_rows(const MetricPlan *const *plans, size_t n, const Item *item, Arena *scratch,
                  double *const *rows, Error *err) MUST_CHECK;
// The words of one text as those rows read them.
Status rouge_plan_words(const MetricPlan *plan, Slice text, Arena *arena, Tokens *out,
                        Error *err) MUST_CHECK;

#endif
