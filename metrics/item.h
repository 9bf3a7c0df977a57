// metrics/item.h: what a metric sees of one judged sample: plain views, filled by the harness.
//
// metrics/ knows no Sample and no Model. A view borrows; fields that a metric's `needs` does not name may be empty.
// Start from item_empty(): its labels are ITEM_NO_LABEL and its weight is 1.
#ifndef ASSAY_METRICS_ITEM_H
#define ASSAY_METRICS_ITEM_H

#include "base/slice.h"

enum { ITEM_NO_LABEL = -1 };
typedef enum ItemGender { ITEM_MALE, ITEM_FEMALE, ITEM_NEUTRAL } ItemGender;

typedef struct Item {
    // Classification. Classes are indices into MetricSetup.labels.
    int32_t label;               // the reference, or ITEM_NO_LABEL
    int32_t predicted;           // the system's answer, or ITEM_NO_LABEL where it gave none
    const double *probabilities; // [n_classes], sums to 1; NULL where the system gives none
    size_t n_classes;
    // Several labels at once: those of the reference and of the system, each once; probabilities are then of each label on its own.
    const int32_t *held, *predicted_held;
    size_t n_held, n_predicted_held;

    // Regression: the reference and the prediction. Of SEAT, value is the association of a target. For questions that may have no answer, predicted_value is the
    // system's probability of "no answer".
    double value, predicted_value;

    // Text: what the system wrote and what it should have written. A reference with ptr NULL is absent. `source` is
    // what was translated or corrected, where a metric asks for it.
    Slice hypothesis;
    const Slice *references;
    size_t n_references;
    Slice source;

    // Tagging: one tag a token, as written ("B-PER", "O"). The two lengths should agree.
    const Slice *tags, *predicted_tags;
    size_t n_tags, n_predicted_tags;

    // Log-likelihoods (natural logarithm): of the whole text, or one for each choice, with the counts to normalise by
    // [n_choices]. Counts that a metric does not ask for may be NULL.
    const double *log_likelihoods;
    const double *unconditional_log_likelihoods; // of each choice without the question
    const double *n_tokens, *n_words, *n_chars, *n_bytes;
    size_t n_choices;

    // Code: how many programs were drawn, and how many of them passed.
    double n_drawn, n_passed;

    // Ranking: gains of the results in the order returned, and of every judged document in any order.
    const double *gains, *judged_gains;
    size_t n_gains, n_judged;

    // Agreement: each rater's class, ITEM_NO_LABEL where the rater gave none.
    const int32_t *ratings;
    size_t n_ratings;
    // Preference between two systems (indices into MetricSetup.labels): 1 = first won, 0.5 = tie, 0 = second won.
    int32_t first_system, second_system;
    double preference;

    // Bias: the answer to the text with the group swapped; the class (or choice) that a stereotype asks for; the class
    // that says "unknown"; whether the context leaves the question open; a sentence's embedding [embedding_size].
    int32_t counterfactual;
    int32_t stereotyped;
    int32_t unknown;
    bool is_ambiguous;
    // Of texts with a pronoun: its gender, as ItemGender, and the percentage of women in the occupation that `group` is, at work
    // and in texts; NaN where nobody says.
    int32_t gender;
    double women[2];
    const float *embedding;
    size_t embedding_size;
    // Counterfactuals in one: whether the answer changed, and how much worse it became; NaN where nothing was swapped.
    double flip, quality_gap;

    // Answers to a prompt: whether what was written could not be read as an answer, and tokens of the prompt that were cut.
    bool is_unparsed;
    double n_cut;

    int32_t group; // index into MetricSetup.groups, for gaps between groups, or ITEM_NO_LABEL
    Slice
        cluster; // items that are not independent (one passage, one template) share it; empty = an item of its own
    double weight; // finite and not negative; 1 by default
} Item;

static inline Item item_empty(void)
{
    return (Item){.label = ITEM_NO_LABEL,
                  .predicted = ITEM_NO_LABEL,
                  .first_system = ITEM_NO_LABEL,
                  .second_system = ITEM_NO_LABEL,
                  .counterfactual = ITEM_NO_LABEL,
                  .stereotyped = ITEM_NO_LABEL,
                  .unknown = ITEM_NO_LABEL,
                  .gender = ITEM_NO_LABEL,
                  .women = {(double)__builtin_nan(""), (double)__builtin_nan("")},
                  .group = ITEM_NO_LABEL,
                  .flip = (double)__builtin_nan(""),
                  .quality_gap = (double)__builtin_nan(""),
                  .weight = 1.0};
}

#endif
