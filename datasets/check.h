// datasets/check.h: the check of the data that users see before anything is tuned or scored on it.
//
// Plain numbers and warnings as sentences; the caller prints. Tokens are counted through a function pointer, so that this
// folder needs no tokenizer. Names of classes stand in warnings as they are in the data: whoever prints escapes them.
#ifndef ASSAY_DATASETS_CHECK_H
#define ASSAY_DATASETS_CHECK_H

#include "datasets/sample.h"

typedef struct CheckPart {
    const char *name; // "train", "dev", "test"
    const Dataset *data;
} CheckPart;

typedef struct CheckOptions {
    // Tokens of a sample as the model would see it, special ones included, before truncation; NULL = lengths in code
    // points of text and pair.
    Status (*count_tokens)(void *context, const Sample *sample, size_t *n_tokens, Error *err);
    void *context;
    size_t max_tokens;   // the model's limit for the truncated share; 0 = none
    bool without_labels; // samples have no class, and none is missing
    double
        near_threshold; // share of runs of words that nearly equal inputs have in common; 0 = not looked for
    bool
        has_folds; // parts[0] is split into folds, so that what is nearly equal may stand on both sides
    bool keeps_near; // they never stand on both sides of a split: not worth a warning within a part
    double imbalance_warned; // largest class over smallest that is worth a warning; 0 = 10
} CheckOptions;

enum { CHECK_QUANTILES = 7 }; // minimum, 5%, 25%, median, 75%, 95%, maximum (nearest rank)

typedef struct PartCheck {
    const char *name;
    size_t n_samples;
    size_t *class_counts; // [n_labels of this part's dataset]
    size_t n_labels;
    size_t n_unlabelled;
    size_t n_classes_present;
    double
        imbalance;  // largest class over smallest present one; 1 for one class, NaN without labels
    size_t n_empty; // samples whose texts are all empty or blank
    size_t n_duplicates;            // samples whose input stands earlier in the part
    size_t n_near;                  // samples nearly equal to an earlier one (near.h)
    size_t n_conflicts;             // distinct inputs that bear more than one label
    size_t first_conflict_line;     // 0 where there is none
    size_t length[CHECK_QUANTILES]; // tokens, or code points
    double mean_length;
    size_t n_truncated; // longer than max_tokens
} PartCheck;

// Inputs that stand in two parts.
typedef struct PartOverlap {
    size_t a, b;        // parts, a < b
    size_t n_shared;    // samples of b whose input stands in a
    size_t n_near;      // samples of b that are nearly, not quite, equal to one of a
    size_t n_conflicts; // those among them whose label differs from the one in a (by name)
    size_t first_line;  // of the first of them in b; 0 where there is none
} PartOverlap;

typedef struct DataCheck {
    Arena arena; // owns everything below
    bool counts_tokens;
    size_t max_tokens;
    PartCheck *parts; // [n_parts]
    size_t n_parts;
    struct NearFound
        *near;             // [n_parts, n_parts], as near.h has it; NULL where it was not looked for
    PartOverlap *overlaps; // [n_parts * (n_parts - 1) / 2]
    size_t n_overlaps;
    Slice *warnings; // sentences, the gravest first
    size_t n_warnings;
} DataCheck;

// parts[0] should be the training part. *out is zeroed by the caller; names are borrowed.
Status data_check(const CheckPart *parts, size_t n_parts, const CheckOptions *options,
                  DataCheck *out, Error *err) MUST_CHECK;
void data_check_release(DataCheck *check); // a no-op on a zeroed one

#endif
