// datasets/splits.h: cross-validation folds, hold-outs and subsets, reproducible to the sample.
//
// With shuffling (the default) an assignment depends on the samples' ids, inputs, labels, groups and the seed alone, never
// on their order in the file; samples of equal input always share a fold. Everything works on a subset: `which` holds
// indices into data->samples (NULL = all, then n is ignored), and results are in the order of `which`.
#ifndef ASSAY_DATASETS_SPLITS_H
#define ASSAY_DATASETS_SPLITS_H

#include "datasets/sample.h"

typedef enum FoldKind {
    FOLDS_STRATIFIED, // each class spread evenly
    FOLDS_PLAIN,
    FOLDS_GROUPED, // samples of one group share a fold; a sample without a group is a group of its own
    FOLDS_STRATIFIED_GROUPED,
    // Samples with several labels at once, each label spread evenly (label_folds.h); in file order plain.
    FOLDS_LABEL_SETS,
    FOLDS_LABEL_SETS_GROUPED,
} FoldKind;

typedef struct FoldOptions {
    FoldKind kind;
    size_t k; // 2 or more
    uint64_t seed;
    // scikit-learn's folds without shuffling (KFold, StratifiedKFold, GroupKFold, StratifiedGroupKFold), in file order.
    // Equal inputs may then stand on both sides: see folds_split_inputs.
    bool file_order;
    // Classes with fewer samples than folds are spread as far as they go instead of being refused.
    bool allow_rare;
} FoldOptions;

// fold[i] in [0, k) is the test fold of the i-th sample. Fold sizes are as equal as groups and equal inputs allow; where
// all are single, plain sizes differ by at most one and so do the counts of each class when stratified.
// Errors (STATUS_INVALID): k < 2, k above the number of samples (or groups), a class with fewer samples than folds, a
// sample without a label where labels are needed; each with the counts and the remedy.
Status folds_assign(const Dataset *data, const size_t *which, size_t n, const FoldOptions *options,
                    int32_t *fold, Error *err) MUST_CHECK;

// The same on plain arrays and in file order, as scikit-learn 1.x does it without shuffling: labels [n] or NULL (plain),
// groups [n] or NULL; both are arbitrary integers. A rare class is refused only where all classes are rare.
Status folds_sklearn(const int32_t *labels, const int32_t *groups, size_t n, size_t k,
                     int32_t *fold, Error *err) MUST_CHECK;

// Pinned folds from a file: one line "id TAB fold" a sample, folds from 0; '#' begins no comment, since ids hold it.
// Refuses ids that are unknown or stand twice, samples without a line, and folds outside [0, k), naming the line.
Status folds_read(const char *path, const Dataset *data, const size_t *which, size_t n, size_t k,
                  int32_t *fold, Error *err) MUST_CHECK;
// Writes such a file.
Status folds_write(const char *path, const Dataset *data, const size_t *which, size_t n,
                   const int32_t *fold, Error *err) MUST_CHECK;

// From now on samples of the dataset that are nearly equal never stand on both sides of a split: sets data->kin. They are
// so where the runs of three words that they share are at least `threshold`, in (0, 1], of all they have; what is nearly
// equal to one of them belongs to them too. Of many that are alike a pair may be missed (near.h), then which of them are
// found depends on their order. Folds in file order and pinned ones heed nothing of it.
Status splits_keep_near(Dataset *data, double threshold, Error *err) MUST_CHECK;

// How many samples have a sample of equal input in another fold: a leak between train and test. *out may be 0.
Status folds_split_inputs(const Dataset *data, const size_t *which, size_t n, const int32_t *fold,
                          size_t *out, Error *err) MUST_CHECK;

typedef struct HoldoutOptions {
    double share; // of the samples, in (0, 1); the count is rounded to nearest and at least 1
    uint64_t seed;
    bool is_plain;       // not stratified: labels are not looked at
    bool is_grouped;     // groups stay together
    bool has_label_sets; // with is_plain: each of a sample's labels is spread (label_folds.h)
} HoldoutOptions;

// held[i] says whether the i-th sample is held out. Stratified by largest remainder; every class with two samples or more
// keeps at least one on the training side. Equal inputs (and groups) stay together, so the share may be missed by less
// than the largest such unit. Errors: share outside (0, 1); either side would be empty.
Status holdout_assign(const Dataset *data, const size_t *which, size_t n,
                      const HoldoutOptions *options, bool *held, Error *err) MUST_CHECK;

// A seeded subset of at most `limit` samples, stratified by label (samples without one are a class of their own): by
// largest remainder, each class at least once where limit allows. chosen has room for min(limit, n) indices into
// data->samples and comes back in the order of `which`. limit >= n chooses all. limit 0 is refused.
Status subset_choose(const Dataset *data, const size_t *which, size_t n, size_t limit,
                     uint64_t seed, size_t *chosen, size_t *n_chosen, Error *err) MUST_CHECK;

// The same, such that every subset lies within each larger one: samples stand in one order, in which the r-th of a class of
// c comes at r / c, and the first `limit` are chosen. So the first of each class come first, and shares of classes are kept
// up to a sample a class.
Status subset_choose_nested(const Dataset *data, const size_t *which, size_t n, size_t limit,
                            uint64_t seed, size_t *chosen, size_t *n_chosen, Error *err) MUST_CHECK;

#endif
