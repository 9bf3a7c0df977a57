// results/run_view.h: one run as a report needs it, read from the store into plain structs.
//
// A view owns all it points to (one arena) and no longer needs the store. Tables refer to each other by index; NONE means
// no such row. Order is the plan's: models and tasks as the suite lists them (the baseline last), settings as the grid
// runs, folds ascending. Nothing is recomputed from metric rows here: scores are those the harness stored.
#ifndef ASSAY_RESULTS_RUN_VIEW_H
#define ASSAY_RESULTS_RUN_VIEW_H

#include "results/store.h"

enum { VIEW_NONE = -1, VIEW_MAX_POINTS = 400 };

typedef struct ViewModel {
    Slice name;
    bool is_baseline;
} ViewModel;

// A metric with its options and version, so that two papers can be compared.
typedef struct ViewMetric {
    Slice name, signature;
} ViewMetric;

typedef struct ViewTask {
    Slice name;
    Slice dataset;        // its name
    Slice dataset_sha256; // of the file
    Slice dataset_key;    // of the stored data set
    size_t n_samples;
    const Slice *labels;
    size_t n_labels;
    Slice primary; // score name rows are ordered by
    int direction; // of primary: +1, -1, 0
    double lowest, highest;
    const Slice *scores; // all score names, primary first, then as stored
    size_t n_scores;
    const ViewMetric *metrics; // as the first trial that is done has them
    size_t n_metrics;
} ViewTask;

typedef struct ViewPair {
    Slice key, value; // "learning_rate", "3e-05"
} ViewPair;

typedef struct ViewSetting {
    Slice json; // canonical
    char hash[SHA256_HEX_SIZE];
    Slice
        label; // only what varies over the run: "lr 3e-05, batch 16"; "default" where nothing does
    const ViewPair *pairs; // all members, sorted by key; nested ones as "a.b"
    size_t n_pairs;
} ViewSetting;

typedef struct ViewAxis {
    Slice key;           // a setting's key with more than one value over the run
    const Slice *values; // numbers ascending, then texts by bytes
    size_t n_values;
} ViewAxis;

typedef struct ViewSeries {
    Slice name;
    const CurvePoint *points; // long series are thinned: means of equal stretches
    size_t n_points;          // at most VIEW_MAX_POINTS
    size_t n_recorded;        // points before thinning
} ViewSeries;

typedef struct ViewTrial {
    Slice id;
    int model, task, setting; // indices
    TrialRole role;
    int32_t outer_fold, inner_fold;
    uint64_t seed;
    bool is_chosen;
    TrialStatus status; // TRIAL_ABSENT: planned, not run yet
    Slice error;
    int64_t best_step;
    const StoredScore *scores;
    size_t n_scores;
    const ViewSeries *series;
    size_t n_series;
    bool has_cost;
    TrialCost cost;
} ViewTrial;

// A pooled score (store.h: RunScore) with its place.
typedef struct ViewScore {
    int model, task;
    int setting; // VIEW_NONE: nested, each fold has its own winner
    double
        train_samples; // of TRIAL_CURVE: the point as the suite has it, a share or a number; else 0
    Slice after;       // of TRIAL_AFTER: the step, "q8_0"; else empty
    TrialRole role;
    StoredScore score;
    uint32_t n_folds, n_seeds, n_trials;
} ViewScore;

// A model's primary score on the samples of a group (store.h: RunSlice), with its place. Rows of an attribute stand together,
// groups in order, its gap last.
typedef struct ViewSlice {
    int model, task;
    int setting; // VIEW_NONE: nested
    TrialRole role;
    const RunSlice *slice;
} ViewSlice;

// A point of a model's learning curve: its primary score with so many labels. The headline is one of them.
typedef struct ViewPoint {
    int model, task;
    double train_samples; // as the suite has it; 1 = the whole training part
    double n_labelled;    // mean over trials, NaN where unknown
    const ViewScore *score;
} ViewPoint;

// Counts over the trials a model is judged by: chosen outer trials, single ones, or the baseline's.
typedef struct ViewConfusion {
    int model, task;
    size_t n_labels;
    const uint64_t *
        counts; // [n_labels, n_labels + 1]: row = reference, column = predicted; the last column: no answer
    uint64_t n_samples;
} ViewConfusion;

// A sample that a model got most wrong: by probability of the reference, ascending; without probabilities, wrong answers
// in order.
typedef struct ViewWorst {
    int model, task;
    Slice sample_id;
    Slice input, pair;
    Slice reference, predicted;
    double p_reference, p_predicted; // NaN where unknown
    Slice explanation;               // JSON (results/explained.h); empty without
    int32_t outer_fold;
} ViewWorst;

// What a setting took: sums over its trials in this run, beside its score.
typedef struct ViewCost {
    int model, task, setting;
    size_t n_trials; // with a cost
    int64_t wall_ns, train_ns, evaluate_ns;
    uint64_t n_train_tokens, n_evaluate_tokens;
    uint64_t peak_rss_bytes;   // the largest
    int64_t latency_median_ns; // over samples, or STORE_NO_TIME
    int score;                 // index into scores: the setting's primary one, or VIEW_NONE
} ViewCost;

// Fit of train against validation: the last values of the kept step's epoch, averaged over a setting's trials.
typedef struct ViewGap {
    int model, task, setting;
    double train_loss, validation_loss; // NaN where not recorded
    size_t n_trials;
    size_t n_rising;       // trials whose validation loss rose after its lowest point
    size_t n_kept_earlier; // of those: early stopping kept weights from before the end
    int64_t rising_epoch;  // the epoch (from 1) after which it rose, median of those trials
} ViewGap;

typedef struct RunView {
    Arena arena;
    Slice run_id, suite, status;
    int64_t started_unix_ns, finished_unix_ns;
    Slice settings;                   // JSON as read
    Slice manifest, manifest_machine; // JSON (results/manifest.h)
    Slice command;                    // from the manifest: how to run it again
    bool is_limited; // the run judged a sample of its data (--limit): reports say so
    ViewModel *models;
    size_t n_models;
    ViewTask *tasks;
    size_t n_tasks;
    ViewSetting *settings_table;
    size_t n_settings;
    ViewAxis *axes;
    size_t n_axes;
    ViewTrial *trials;
    size_t n_trials, n_done, n_failed;
    ViewScore *scores;
    size_t n_scores;
    ViewSlice *slices;
    size_t n_slices;
    ViewPoint *points; // by model, task and n_labelled; none without a learning curve
    size_t n_points;
    ViewConfusion *confusions;
    size_t n_confusions;
    ViewWorst *worst;
    size_t n_worst;
    ViewCost *costs;
    size_t n_costs;
    ViewGap *gaps;
    size_t n_gaps;
    CheckRow *checks;
    size_t n_checks;
    // The run's own, then those found here: rising validation loss, failed and missing trials.
    RunNote *notes;
    size_t n_notes;
    char inputs_hash[SHA256_HEX_SIZE]; // run_view_hash
} RunView;

typedef struct RunViewOptions {
    size_t n_worst; // a model and task; 0 means 20
} RunViewOptions;

// A hash of all that a report of the run depends on, without reading it all: a trial's id stands for its contents. When
// and on which machine the run was last begun is left out, so that a run repeated from the store changes no report.
Status run_view_hash(Store *store, Slice run_id, char hash[SHA256_HEX_SIZE], Error *err) MUST_CHECK;
// Reads run_id (as store_find_run gave it). On failure *view is released and zeroed.
Status run_view_load(Store *store, Slice run_id, const RunViewOptions *options, RunView *view,
                     Error *err) MUST_CHECK;
void run_view_release(RunView *view); // a no-op on a zeroed one

// Whether a setting is one after a step on the tuned model.
bool view_is_step(const ViewSetting *setting);
// The headline score of a model on a task: nested estimate over outer folds, else single trials, else the baseline's, of
// the named score (the task's primary one where name is empty). NULL where there is none.
const ViewScore *run_view_headline(const RunView *view, int model, int task, Slice name);
// The setting's score in a role; NULL where there is none.
const ViewScore *run_view_setting_score(const RunView *view, int model, int task, int setting,
                                        TrialRole role, Slice name);
// The model with the best headline on a task, baseline left out; VIEW_NONE where none has a score.
int run_view_best_model(const RunView *view, int task);
// The setting that won most often in the outer folds of (model, task), ties to the earlier; VIEW_NONE where none was
// chosen. *n_won of *n_folds.
int run_view_best_setting(const RunView *view, int model, int task, size_t *n_won, size_t *n_folds);
// Whether slices of a model are those that it is judged by: nested, or of its best setting where there are no folds.
bool run_view_is_verdict(const RunView *view, const ViewSlice *slice);
// Whether it is of the task's primary score.
bool run_view_is_primary_slice(const RunView *view, const ViewSlice *slice);
// The worst group of a setting over all attributes, by the primary score, in the role that its score has; NULL where there are no slices.
const ViewSlice *run_view_worst_slice(const RunView *view, int model, int task, int setting,
                                      TrialRole role);
// A trial's score of that name, or NULL.
const StoredScore *run_view_trial_score(const ViewTrial *trial, Slice name);
const ViewSeries *run_view_series(const ViewTrial *trial, const char *name);
// The value of a setting's key, or an empty slice.
Slice run_view_setting_value(const ViewSetting *setting, Slice key);

#endif
