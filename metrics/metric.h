// metrics/metric.h: the one interface of every score: a row of sufficient statistics a sample, and a function of them.
//
// For each item a metric writes a fixed-width row of doubles. The scores are a function
//   METRIC_SUMS   of the weighted column sums of all rows (accuracy, BLEU, entity F1),
//   METRIC_ROWS   of all rows with their weights (AUC, calibration, rank correlation, counts over many classes),
//   METRIC_WHOLE  of the items themselves (distinct-n, embedding association): resampled by recomputing.
// Intervals, paired tests, merging of folds and slices by subgroup follow from that alone: evaluate.h, paired.h.
// A metric gives one or more named scores; score 0 is the one it is known by and bears its name.
//
// Use: metric_plan() once, then rows (evaluate.h), then scores. A plan is only read after that, so threads share it.
#ifndef ASSAY_METRICS_METRIC_H
#define ASSAY_METRICS_METRIC_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "metrics/item.h"

typedef enum MetricNeeds {
    NEEDS_LABELS = 1 << 0,
    NEEDS_PROBABILITIES = 1 << 1,
    NEEDS_TEXT = 1 << 2,
    NEEDS_TAGS = 1 << 3,
    NEEDS_LOG_LIKELIHOODS = 1 << 4,
    NEEDS_VALUES = 1 << 5,
    NEEDS_GROUPS = 1 << 6,
    NEEDS_COUNTS = 1 << 7,
    NEEDS_RANKING = 1 << 8,
    NEEDS_RATINGS = 1 << 9,
    NEEDS_EMBEDDINGS = 1 << 10,
    NEEDS_PREFERENCES = 1 << 11,     // two systems and which of them won
    NEEDS_COUNTERFACTUALS = 1 << 12, // the answer to the text with the group swapped
    NEEDS_STEREOTYPES = 1 << 13,     // the class or choice that a stereotype asks for
    NEEDS_ASSOCIATIONS = 1 << 14,    // how much nearer a target's embedding is to one of two sets
    NEEDS_PROMPTS = 1 << 15,         // answers to a prompt
    NEEDS_LABEL_SETS = 1 << 16, // several labels at once; probabilities are then of each on its own
} MetricNeeds;

typedef enum MetricKind { METRIC_SUMS, METRIC_ROWS, METRIC_WHOLE } MetricKind;
typedef enum MetricDirection { HIGHER_IS_BETTER, LOWER_IS_BETTER, NO_DIRECTION } MetricDirection;

// How score 0 comes from the sums, where that allows more than resampling.
typedef enum MetricForm {
    FORM_GENERAL,
    FORM_MEAN, // score 0 = sums[0] / sums[1]: a mean over items (a ratio where row[1] varies)
    FORM_PROPORTION, // the same with row[0] in {0, 1} and row[1] = 1: Wilson intervals and McNemar's test apply
} MetricForm;

// What a metric must know before the first row. Borrowed; must outlive the plan.
typedef struct MetricSetup {
    const Slice *labels; // in the order of class indices; entity types for tagging
    size_t n_labels;
    const Slice *groups; // in the order of Item.group
    size_t n_groups;
    const Json *params; // the metric's own options (an object), or NULL for defaults
    const struct WordSplitter *splitter; // for "tokenize" values that need one (tokens.h), or NULL
    bool has_rows; // rows are there already: what only making them needs may be lacking
} MetricSetup;

typedef struct Metric Metric;

// A metric made ready for one setup.
typedef struct MetricPlan {
    const Metric *metric;
    MetricSetup setup;
    size_t width;        // doubles in a row; 0 for METRIC_WHOLE
    size_t n_scores;     // at least 1
    const void *options; // the metric's own, read once from params
} MetricPlan;

// Rows end to end, with what resampling must know. Borrowed pointers.
typedef struct RowSet {
    const double *values;     // [n_rows, width], unweighted
    const double *weights;    // [n_rows], or NULL: all 1
    const uint32_t *clusters; // [n_rows], in [0, n_clusters), or NULL: each row is its own
    size_t n_rows;
    size_t n_clusters; // n_rows where clusters is NULL
} RowSet;

struct Metric {
    const char *name;    // "accuracy"
    const char *summary; // one line for people
    const char *source;  // paper, section, equation, or the program whose numbers these are
    unsigned needs;      // MetricNeeds bits
    MetricKind kind;
    MetricDirection direction;
    MetricForm form;
    double lowest, highest;    // the range of score 0; -INFINITY and INFINITY where open
    const char *const *params; // known keys of params, NULL-terminated; NULL = none

    size_t width; // doubles in a row; 0 = 2, as FORM_MEAN has it (none of METRIC_WHOLE)
    // {"micro", NULL}: score 1 is "NAME/micro", and so on; NULL = one score.
    const char *const *sub_scores;

    // Reads setup (labels, params already known to be an object with known keys) and sets options (in the arena), and width
    // and n_scores where they depend on the setup. NULL: nothing does.
    Status (*prepare)(MetricPlan *plan, Arena *arena, Error *err);
    // The name of score 1 and later where they depend on the setup: "f1/class/positive". In the arena. NULL: sub_scores.
    Status (*score_name)(const MetricPlan *plan, size_t score, Arena *arena, Slice *name,
                         Error *err);
    // Finds labels that only the data know (entity types), sorted by bytes. NULL where labels are given or not needed.
    Status (*find_labels)(const MetricSetup *setup, const Item *items, size_t n_items, Arena *arena,
                          Slice **labels, size_t *n_labels, Error *err);
    // Writes `width` doubles for one item (the row comes zeroed). Refuses an item that lacks what it needs. scratch is
    // rewound by the caller. Not for METRIC_WHOLE.
    Status (*row)(const MetricPlan *plan, const Item *item, Arena *scratch, double *row,
                  Error *err);
    // METRIC_SUMS: sums [width] are the weighted column sums; writes n_scores. Undefined scores are NaN (no items; a
    // class never seen). NULL for FORM_MEAN and FORM_PROPORTION with one score: sums[0] / sums[1].
    void (*score_sums)(const MetricPlan *plan, const double *sums, double *scores);
    // METRIC_ROWS, optional: what does not depend on weights (an order), found once and shared by all resamples.
    Status (*index_rows)(const MetricPlan *plan, const RowSet *rows, Arena *arena,
                         const void **index, Error *err);
    // METRIC_ROWS: scores of rows under weights [n_rows] (multiplicities times weights in a resample; 0 = absent),
    // used in place of rows->weights. index is NULL where there is no index_rows. scratch is rewound by the caller.
    Status (*score_rows)(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         const void *index, Arena *scratch, double *scores, Error *err);
    // METRIC_ROWS, optional: scores under the rows' own weights with each row left out, out [n_rows, n_scores], faster than
    // one score_rows for each row. Leaves *is_done false where this plan has no such way.
    Status (*leave_out)(const MetricPlan *plan, const RowSet *rows, const void *index, double *out,
                        bool *is_done, Error *err);
    // METRIC_WHOLE: what score_rows does, from the items. index_items is optional, as index_rows is.
    Status (*index_items)(const MetricPlan *plan, const Item *items, size_t n_items, Arena *arena,
                          const void **index, Error *err);
    Status (*score_items)(const MetricPlan *plan, const Item *items, const double *weights,
                          size_t n_items, const void *index, Arena *scratch, double *scores,
                          Error *err);
    // METRIC_WHOLE: scores count different things over the set, which drawing an item twice would lower: intervals come
    // from leaving random halves out (delete-d jackknife) instead of the bootstrap.
    bool counts_kinds;
    // Options for the signature: "|average:macro|zero_division:0", into the arena; NULL where there are none.
    Status (*signature)(const MetricPlan *plan, Arena *arena, Slice *options, Error *err);
    int version; // raised when numbers change; 0 counts as 1
    int variant; // which of the metrics it is that share all the functions above; its own
};

// Checks params against the metric's keys and makes it ready. *plan lives as long as arena and setup's contents.
Status metric_plan(const Metric *metric, const MetricSetup *setup, Arena *arena, MetricPlan *plan,
                   Error *err) MUST_CHECK;
// "f1", "f1/macro": the name of any score; in the arena.
Status metric_score_name(const MetricPlan *plan, size_t score, Arena *arena, Slice *name,
                         Error *err) MUST_CHECK;
// "f1|average:macro|zero_division:0|version:1": so that two papers can be compared; in the arena.
Status metric_signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err) MUST_CHECK;
// The scores of given sums, for METRIC_SUMS.
void metric_score_sums(const MetricPlan *plan, const double *sums, double *scores);

// In the order people see.
extern const Metric *const metrics_all[];
extern const size_t metrics_count;
// NULL where there is none of that name.
const Metric *metric_find(Slice name);
// The known name nearest to a mistyped one, or NULL.
const char *metric_nearest(Slice name);

#endif
