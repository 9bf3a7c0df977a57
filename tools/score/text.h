// tools/score/text.h: hypotheses and references, from cases and from files, as items of the text metrics.
#ifndef ASSAY_TOOLS_SCORE_TEXT_H
#define ASSAY_TOOLS_SCORE_TEXT_H

#include "metrics/evaluate.h"
#include "tools/score/score.h"

typedef struct TextItems {
    Item *items;
    size_t n;
    size_t n_references; // of every item; 0 where they have different numbers of references
} TextItems;

typedef enum TextForm {
    TEXT_STREAMS, // refs are streams: lists as long as hyps
    TEXT_LOOSE,   // also one plain list as the only stream
} TextForm;

// {"hyps": [..], "refs": [[stream 1..], ..]}: a null in a stream is no reference. {"hyps": text, "refs": [text, null..]} is
// one segment with its references. Streams of another length than hyps, empty lists and null hypotheses are refused.
Status text_items_of_case(const ScoreCase *c, TextForm form, TextItems *out, Error *err) MUST_CHECK;

// A metric made ready for a case's items: rows and their sums [plan->width].
typedef struct TextScore {
    MetricPlan plan;
    RowSet rows;
    double *sums;
    double *scores; // [plan.n_scores]
} TextScore;

Status text_score_of_items(const Metric *metric, const MetricSetup *setup, const TextItems *items,
                           Arena *arena, TextScore *out, Error *err) MUST_CHECK;
// The score 0 of each row by itself, under "segments", where the case has "segments": true.
Status text_put_segments(const ScoreCase *c, const TextScore *score, JsonWriter *w,
                         Error *err) MUST_CHECK;

// sacreBLEU's signature of a metric's options: "nrefs:1|case:mixed|..|version:2.6.0". extra stands after nrefs ("bs:1000|
// seed:12345|"), and may be empty.
Status text_signature(const MetricPlan *plan, size_t n_references, Slice extra, Arena *arena,
                      Slice *out, Error *err) MUST_CHECK;

#endif
