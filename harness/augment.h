// harness/augment.h: copies of a trial's training samples, to learn from beside them (tune.augment).
//
// Copies are made of the samples that a trial is tuned on and of no others, after every split: a sample and its copies are
// always on one side. A copy whose input stands in the data, in whichever part, is left out. What changes hangs on the
// trial's seed and the sample's id alone; what models write, on the suite's seed. Words change in a text and its pair, each
// on its own ("classify"), in the passage outside of all answers ("span"), among words tagged "O" ("tag"), else in the text,
// with choices and targets as they are. Models write texts anew, and of "span" the question.
#ifndef ASSAY_HARNESS_AUGMENT_H
#define ASSAY_HARNESS_AUGMENT_H

#include "harness/check_rows.h"

// What copying did.
typedef struct AugmentTotals {
    size_t n_samples, n_chosen; // of which copies were made
    size_t n_copies;
    size_t n_same; // nothing changed, or as in a copy before, or the model wrote nothing
    size_t n_seen; // the copy's input stands in the data
    AugmentCounts words;
} AugmentTotals;

// What one way of copying makes of a task's whole training part, with the suite's seed.
typedef struct AugmentWhole {
    size_t task;
    Slice key; // augment_key
    AugmentTotals totals;
} AugmentWhole;

// Training samples and their copies behind them, as a part of its own; the samples borrow.
typedef struct Augmented {
    UsedPart part; // which is 0 .. n - 1
    Tokens tokens;
} Augmented;

// Reads lexicons, has models write, and looks for inputs of a task, for all settings of a model; before the first trial.
// n_threads 0: for a look at the plan, without what models would write. Refused: copies that no sample can have.
Status augment_prepare(Prepared *prepared, size_t model, size_t task, size_t n_threads,
                       const atomic_int *cancel, Error *err) MUST_CHECK;

// Samples at positions [n] of the training part with the copies that a trial learns from, in the arena. The setting asks for
// copies. totals may be NULL.
Status augment_samples(const Prepared *prepared, size_t task, const SuiteAugment *how,
                       uint64_t seed, const size_t *positions, size_t n, Arena *arena,
                       UsedPart *out, AugmentTotals *totals, Error *err) MUST_CHECK;

// Rows of the data section: what each way of copying makes of the whole training part.
Status augment_add_rows(const Prepared *prepared, size_t task, CheckRows *rows,
                        Error *err) MUST_CHECK;

// Examples are so many times as many.
double augment_factor(const SuiteAugment *how);

// ---- augment_models.c ----

bool augment_asks_models(const SuiteAugment *how);
// Whether a sample is one of those that get copies.
bool augment_chooses(const SuiteAugment *how, uint64_t seed, const Sample *sample);
// Texts that models write for the training part of a task, in prepared's arena.
Status augment_write(Prepared *prepared, size_t task, const SuiteAugment *how, size_t n_threads,
                     const atomic_int *cancel, Error *err) MUST_CHECK;
// Those texts, [positions of the part, copies, 2]: text and pair; NULL where nothing was written.
const Slice *augment_written(const Prepared *prepared, size_t task, const SuiteAugment *how);
// The way as text, in the arena: two settings that copy alike have the same.
Status augment_key(const SuiteAugment *how, Arena *arena, Slice *out, Error *err) MUST_CHECK;

#endif
