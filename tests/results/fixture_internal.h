// tests/results/fixture_internal.h: between fixture.c, which fills a store, and fixture_data.c, which makes up what.
#ifndef ASSAY_TESTS_RESULTS_FIXTURE_INTERNAL_H
#define ASSAY_TESTS_RESULTS_FIXTURE_INTERNAL_H

#include "tests/results/fixture.h"

enum { N_CLASSES = 3, N_FOLDS = 5, N_SETTINGS = 6, N_MODELS = 2, MAX_POINTS = 64 };

typedef struct Fixture {
    Store *store;
    const FixtureOptions *options;
    Arena arena;
    uint64_t seed;
    size_t n;
    StoredDataset dataset;
    char dataset_key[SHA256_HEX_SIZE], folds_key[SHA256_HEX_SIZE];
    int32_t *folds;
    const char *models[N_MODELS + 1];
    RunTrial plan[512];
    size_t n_plan;
    double inner[N_MODELS][N_FOLDS][N_SETTINGS];
    int chosen[N_MODELS][N_FOLDS];
} Fixture;

// A failure fails the test.
void fixture_check(Status s, const Error *err);

// Makes the samples and their folds, and stores them.
void fixture_put_dataset(Fixture *f);
// Setting 0 .. N_SETTINGS - 1 as its text; learning rates vary slowest.
Slice fixture_setting(Fixture *f, int setting);

// What a model (-1: the baseline) answers in a fold, or of that fold's inner part, with a setting. In the arena.
typedef struct Judged {
    TrialOutput *outputs;
    double *hits;
    double *answers; // rows [n, 2] of "f1": reference, predicted
    size_t n;
    StoredScore scores[2];
    double counts[N_CLASSES][N_CLASSES];
} Judged;

void fixture_judge(Fixture *f, int model, int fold, int setting, bool inner, Judged *out);
void fixture_accuracy(double hits, double n, StoredScore *score);
void fixture_f1(const double counts[N_CLASSES][N_CLASSES], double n, StoredScore *score);
// Five series; how many.
size_t fixture_curves(Fixture *f, int model, int fold, int setting, TrialCurve *curves);

#endif
