// tools/score/ner.h: scores of tagged sentences, their report, and what kinds of mistakes were made.
#ifndef ASSAY_TOOLS_SCORE_NER_H
#define ASSAY_TOOLS_SCORE_NER_H

#include "base/json_source.h"
#include "metrics/entity_rows.h"
#include "tools/score/score.h"

typedef struct NerScore {
    TagReading reading;
    EntityReading read;
    MetricPlan plan;      // read.plan
    double *sums;         // read.sums
    double *scores;       // [plan.n_scores]
    double *other_scores; // the same with zero_division 1, or NULL
} NerScore;

// How tags are to be read, from "scheme", "mode" and "suffix".
Status ner_reading(const Json *params, TagReading *out, Error *err) MUST_CHECK;
// Fills all but reading and other_scores. numbers may be NULL. The score borrows from params, items and numbers.
Status ner_score(const Json *params, const Item *items, size_t n, const TagNumbers *numbers,
                 Arena *arena, NerScore *out, Error *err) MUST_CHECK;
// seqeval's report with so many digits; an empty one with zero averages where there is no entity.
void ner_report(const NerScore *score, int digits, Buffer *out);
// The members of the answer; has_lists: with the entities of both sides.
Status ner_put_json(const NerScore *score, const Item *items, size_t n, bool has_lists,
                    Arena *arena, JsonWriter *w, Error *err) MUST_CHECK;

// What became of each entity. Of those that are not right, a predicted one is paired with the first wanted one that it
// overlaps and that has no partner yet: same tokens but another type, same type but other tokens, or both wrong. The rest
// is spurious (predicted alone) or missed (wanted alone).
typedef enum NerErrorKind {
    NER_RIGHT,
    NER_BOUNDARY,
    NER_TYPE,
    NER_BOTH,
    NER_SPURIOUS,
    NER_MISSED,
} NerErrorKind;
enum { N_NER_ERRORS = NER_MISSED + 1 };
extern const char *const ner_error_names[N_NER_ERRORS];

typedef struct NerErrors {
    size_t counts[N_NER_ERRORS];
} NerErrors;
Status ner_errors(const TagReading *reading, const Item *items, size_t n, Arena *arena,
                  NerErrors *out, Error *err) MUST_CHECK;

// GOLD and PREDICTED, CoNLL columns.
Status ner_files_run(CommandLine *line, Error *err) MUST_CHECK;

#endif
