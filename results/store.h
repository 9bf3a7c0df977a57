// results/store.h: what runs leave behind, in one SQLite file.
//
// Readable by any SQLite client (README.md shows the tables and the views for people). The schema's version stands in
// user_version, "asay" in application_id: a database of another program or of a newer assay is refused by name. Foreign
// keys are on, the journal is WAL, every write is one transaction, and a transaction that was committed survives a kill
// at any moment. One process writes; others may read meanwhile.
//
// What a run is made of:
//   data set   inputs and references, once each, however many trials look at them: samples by ordinal from 0
//   folds      which outer fold each ordinal of a data set belongs to
//   trial      (model, task, setting, outer fold, inner fold, seed) in a role, under a 64-digit id that the harness
//              computes from everything that can change its outcome. Same id, same result: a trial may belong to many
//              runs and is stored once. Its outputs, metric rows, curves and scores come and go with it
//   cost       what a trial took in time and memory: apart from its identity, one row a measurement
//   run        settings, manifest, its trials in planned order, pooled scores, data checks, warnings. A run's id is
//              derived from its plan, so that the same suite on the same data is the same run: begun again, it resumes
//
// All text is UTF-8 and copied. What readers give lies in the arena passed to them. Every function that returns Status
// names the store's file in its message: STATUS_IO for a full disk, a lock or a refusing file system (what was committed
// is kept), STATUS_INVALID for a file that is no store of ours, damaged, or newer; STATUS_NOT_FOUND for a missing file.
// A Store belongs to one thread at a time.
#ifndef ASSAY_RESULTS_STORE_H
#define ASSAY_RESULTS_STORE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json_writer.h"
#include "base/sha256.h"

typedef struct Store Store;

typedef enum StoreFlags {
    STORE_WRITE = 0, // created where absent, older schemas are migrated
    STORE_READ_ONLY =
        1, // must exist; also works on a read-only file system; an older schema is refused with the remedy
} StoreFlags;

// path ":memory:" is a store that goes with its handle.
Status store_open(const char *path, StoreFlags flags, Store **out, Error *err) MUST_CHECK;
void store_close(Store **store); // a no-op on NULL; *store becomes NULL
const char *store_path(const Store *store);
int store_schema_version(void);

// --- data sets and folds -------------------------------------------------------------------------------------------

enum { STORE_NO_LABEL = -1, STORE_NO_FOLD = -1, STORE_NO_TIME = -1 };

typedef struct StoredSample {
    Slice id;        // as datasets/sample.h gives it
    Slice input;     // the text; for tasks with more fields a JSON object
    Slice pair;      // ptr NULL where the task has one text
    Slice reference; // the expected answer as written: a class name, a text, JSON for more
    int32_t label;   // index into labels, or STORE_NO_LABEL
    Slice group;     // samples that are not independent share it (resampled together); empty = none
    Slice attributes; // JSON object for slices of a report, {"domain": "film"}; empty = none
} StoredSample;

typedef struct StoredDataset {
    Slice
        key; // 64 hex digits: hash of the file's bytes and of how it was read. Same key, same samples
    Slice name;          // for people: "sst2 dev"
    Slice sha256;        // of the file's bytes
    const Slice *labels; // [n_labels], class names in the order of class indices
    size_t n_labels;
    const StoredSample *samples; // [n_samples], ordinal = index
    size_t n_samples;
} StoredDataset;

// Stores a data set unless its key is already there. One transaction.
Status store_put_dataset(Store *store, const StoredDataset *dataset, Error *err) MUST_CHECK;
// Whether a data set of that key is stored (then store_put_dataset need not be called, nor its samples be built).
Status store_has_dataset(Store *store, Slice key, bool *found, Error *err) MUST_CHECK;
// STATUS_NOT_FOUND where the key is unknown.
Status store_get_dataset(Store *store, Arena *arena, Slice key, StoredDataset *out,
                         Error *err) MUST_CHECK;

// Outer fold of each ordinal: folds [n_samples], STORE_NO_FOLD for samples outside. key: hash of what made the
// assignment; same key, same assignment (a second put is a no-op).
Status store_put_folds(Store *store, Slice key, Slice dataset_key, size_t k, const int32_t *folds,
                       size_t n_samples, Error *err) MUST_CHECK;
Status store_get_folds(Store *store, Arena *arena, Slice key, size_t *k, int32_t **folds,
                       size_t *n_samples, Error *err) MUST_CHECK;

// --- trials --------------------------------------------------------------------------------------------------------

typedef enum TrialRole {
    TRIAL_INNER,   // scored on the inner part, for choosing a setting
    TRIAL_OUTER,   // the chosen setting, scored on the outer fold left out
    TRIAL_EXPLORE, // another setting on the outer fold: shown, never used for choosing
    TRIAL_FINAL,   // trained on all data, to be shipped
    TRIAL_SINGLE,  // no folds: scored on the test file
    TRIAL_CURVE, // a point of the learning curve: the setting chosen there, scored as outer or single ones are
    TRIAL_AFTER, // the chosen setting after a step on the tuned model, scored as outer or single ones are
    TRIAL_BASELINE, // majority class, most frequent tag, source copied
} TrialRole;

const char *trial_role_name(TrialRole role); // "inner", "outer", ...
bool trial_role_parse(Slice name, TrialRole *out);

typedef enum TrialStatus { TRIAL_ABSENT, TRIAL_DONE, TRIAL_FAILED } TrialStatus;

// The state of a trial, by id.
Status store_trial_status(Store *store, Slice trial_id, TrialStatus *out, Error *err) MUST_CHECK;

// One judged sample. Outputs of a trial come in ascending order of ordinals, each at most once (refused otherwise).
typedef struct TrialOutput {
    uint32_t ordinal; // in the trial's data set
    int32_t label;    // the predicted class, or STORE_NO_LABEL
    Slice
        text; // the predicted text, tags or spans as the task writes them; ptr NULL where label says all
    const float
        *probabilities; // [n_probabilities], kept as float32; NULL where the system gives none
    size_t n_probabilities;
    int64_t latency_ns; // or STORE_NO_TIME; not part of the canonical export
    // What the answer hangs on: JSON object (results/explained.h); empty where nobody asked.
    Slice explanation;
} TrialOutput;

// A metric's rows for all outputs of the trial, in their order (metrics/metric.h: `row`).
typedef struct TrialMetric {
    Slice name;         // "accuracy": a registered metric
    Slice params;       // its options as canonical JSON; empty for defaults
    Slice signature;    // as the metric gives it
    size_t width;       // doubles a row
    const double *rows; // [n_outputs, width]
} TrialMetric;

// A score with its interval. NaN is kept (as NULL) and comes back as NaN.
typedef struct StoredScore {
    Slice metric; // "f1"
    Slice name;   // "f1/macro"; the metric's first score bears its name
    double estimate, lo, hi;
    double level;           // of the interval: 0.95
    Slice method;           // "wilson", "bootstrap-bca", ...
    uint64_t n;             // samples behind it
    int direction;          // +1 higher is better, -1 lower, 0 none
    double lowest, highest; // the metric's range; may be infinite
} StoredScore;

// Members of an object: estimate, lo, hi, level, method and n.
void stored_score_numbers(JsonWriter *w, const StoredScore *score);

typedef struct CurvePoint {
    int64_t step; // optimizer step, from 0; for values of an epoch, the steps done at its end
    double value;
} CurvePoint;

// Names that reports know: "train/loss", "train/lr", "train/grad_norm", "validation/loss", "validation/METRIC".
typedef struct TrialCurve {
    Slice series;
    const CurvePoint *points; // ascending steps, each once
    size_t n_points;
} TrialCurve;

// What a trial took. STORE_NO_TIME (or 0 for sizes and counts) where not measured.
typedef struct TrialCost {
    int64_t started_unix_ns;
    int64_t wall_ns, cpu_ns;       // the whole trial
    int64_t train_ns, evaluate_ns; // parts of wall_ns
    uint64_t n_train_tokens, n_evaluate_tokens;
    uint64_t peak_rss_bytes;
    double load_average; // when it began
    Slice device;        // "cpu", "cuda:0"
    uint32_t n_threads;
    Slice machine; // JSON object, as manifest_machine writes it; may be empty
} TrialCost;

typedef struct Trial {
    Slice id;       // 64 lower-case hex digits
    Slice identity; // canonical JSON: everything that was hashed into the id
    Slice setting;  // canonical JSON object: the hyperparameters alone; "{}" where there are none
    Slice dataset_key; // of the data set judged; must be stored before
    Slice folds_key;   // of the assignment, or empty
    TrialRole role;
    int32_t outer_fold, inner_fold; // or STORE_NO_FOLD
    uint64_t seed;
    TrialStatus status; // TRIAL_DONE or TRIAL_FAILED
    Slice error;        // what failed, for people; empty when done
    int64_t best_step;  // the step whose weights were kept (early stopping), or -1

    const TrialOutput *outputs;
    size_t n_outputs;
    const TrialMetric *metrics;
    size_t n_metrics;
    const StoredScore *scores;
    size_t n_scores;
    const TrialCurve *curves;
    size_t n_curves;
    const TrialCost *cost; // or NULL
} Trial;

// Writes a finished trial with all that hangs from it, in one transaction. A failed one of the same id is replaced. Where
// a done one is already there it stands (same id, same result) and only the cost is added.
Status store_put_trial(Store *store, const Trial *trial, Error *err) MUST_CHECK;
// A further measurement of a stored trial (--retime).
Status store_put_cost(Store *store, Slice trial_id, const TrialCost *cost, Error *err) MUST_CHECK;

// Which parts of a trial to read; the rest stays empty.
typedef enum TrialParts {
    TRIAL_HEAD = 0, // all single fields, the latest cost, the scores
    TRIAL_OUTPUTS = 1,
    TRIAL_METRICS = 2, // metric names, params, signatures, widths and rows
    TRIAL_CURVES = 4,
    TRIAL_ALL = 7,
} TrialParts;
// STATUS_NOT_FOUND where the id is unknown.
Status store_get_trial(Store *store, Arena *arena, Slice trial_id, unsigned parts, Trial *out,
                       Error *err) MUST_CHECK;

// --- runs ----------------------------------------------------------------------------------------------------------

enum { RUN_ID_SIZE = 80 };

// A trial as a run planned it. Names are the run's own: they are no part of the trial's identity.
typedef struct RunTrial {
    Slice trial_id;
    Slice model; // the suite's name of the model; the baseline has one too ("majority class")
    Slice task;
    // Known when planned, so that a report can show what is still missing:
    Slice setting; // canonical JSON
    TrialRole role;
    int32_t outer_fold, inner_fold;
    uint64_t seed;
    bool is_chosen; // this setting won in its outer fold (or, without folds, over all)
} RunTrial;

// A score of a run over several trials.
typedef struct RunScore {
    Slice model, task;
    Slice
        setting; // canonical JSON; ptr NULL for the nested estimate, where each fold has its own winner; as judged.h says
    TrialRole role; // of the trials pooled
    StoredScore score;
    uint32_t n_folds, n_seeds, n_trials; // behind it
} RunScore;

// The primary score of the samples that share a value of an attribute, over the trials of a score; and, once for each
// attribute, how far its groups lie apart.
typedef struct RunSlice {
    Slice model, task, setting;
    TrialRole role;  // these four as in RunScore
    Slice attribute; // "gender"; "group" is the sample's group
    Slice value;     // "f"; ptr NULL: the largest gap between the attribute's groups
    StoredScore
        score; // of the group, or the gap; without interval where settings are only compared
    uint64_t n_without; // samples that have no value of the attribute: in no group
    // Of a group: its score less that of all other groups' samples together, and p of no difference (metrics/group_gaps.h),
    // as it is and with Holm's correction over the attribute's groups. Of the gap: p alone. NaN where undefined.
    double difference, difference_lo, difference_hi;
    double p, p_adjusted;
    bool is_worst; // the group that the score is worst for; the first of equal ones
} RunSlice;

typedef enum NoteLevel { NOTE_INFO, NOTE_WARNING } NoteLevel;

// One line of what the check of the data found.
typedef struct CheckRow {
    Slice task;
    Slice section; // "counts", "classes", "lengths", "duplicates": rows of a section stand together
    Slice item;    // "train", a class's name, "median tokens"
    double number; // NaN where value is no number
    Slice value;   // as people should read it: "1,042 (52.1%)"
    NoteLevel level;
} CheckRow;

typedef struct RunNote {
    NoteLevel level;
    Slice trial_id; // or empty
    Slice text;
} RunNote;

typedef struct RunRecord {
    Slice suite; // its name
    Slice
        identity; // canonical JSON: the plan's settings; the run's id is derived from suite and identity
    Slice settings; // the suite as read, with overrides, as plain JSON (no comments); may be empty
    Slice manifest; // JSON, the part that is identity (results/manifest.h)
    Slice manifest_machine; // JSON, the part that is this machine, now
    Slice primary_metric;   // score name by which settings are chosen and rows are ordered
    int64_t started_unix_ns;
} RunRecord;

// Begins a run, or takes up the run of the same suite and identity (*resumed): then manifest_machine and the start of
// this session replace what stood there. run_id: "sentiment-1f3a9c0b27e4", at most RUN_ID_SIZE bytes with its NUL.
Status store_begin_run(Store *store, const RunRecord *run, char run_id[RUN_ID_SIZE], bool *resumed,
                       Error *err) MUST_CHECK;
// The plan of a run: replaces the list of its trials. Trials need not be stored yet.
Status store_set_plan(Store *store, Slice run_id, const RunTrial *trials, size_t n_trials,
                      Error *err) MUST_CHECK;
// Marks winners: called when a choice is made, once an outer fold. All other trials of (model, task, outer fold) lose it.
Status store_set_chosen(Store *store, Slice run_id, Slice model, Slice task, int32_t outer_fold,
                        Slice setting, Error *err) MUST_CHECK;
Status store_set_data_checks(Store *store, Slice run_id, const CheckRow *checks, size_t n_checks,
                             Error *err) MUST_CHECK;
Status store_set_notes(Store *store, Slice run_id, const RunNote *notes, size_t n_notes,
                       Error *err) MUST_CHECK;
Status store_set_run_scores(Store *store, Slice run_id, const RunScore *scores, size_t n_scores,
                            Error *err) MUST_CHECK;
Status store_set_run_slices(Store *store, Slice run_id, const RunSlice *slices, size_t n_slices,
                            Error *err) MUST_CHECK;
// status: "done", "failed" (some trial failed), "interrupted".
Status store_finish_run(Store *store, Slice run_id, Slice status, int64_t finished_unix_ns,
                        Error *err) MUST_CHECK;

typedef struct RunSummary {
    Slice id, suite;
    Slice status;                              // "running" until finished
    int64_t started_unix_ns, finished_unix_ns; // finished: STORE_NO_TIME while running
    size_t n_trials, n_done, n_failed;
} RunSummary;

// All runs, newest first.
Status store_list_runs(Store *store, Arena *arena, RunSummary **runs, size_t *n_runs,
                       Error *err) MUST_CHECK;
// A run by its id, by a unique beginning of it, or "last". STATUS_NOT_FOUND names the runs there are.
Status store_find_run(Store *store, Slice name, char run_id[RUN_ID_SIZE], Error *err) MUST_CHECK;
Status store_get_run(Store *store, Arena *arena, Slice run_id, RunRecord *record,
                     RunSummary *summary, Error *err) MUST_CHECK;
// In the order of the plan. status [n]: where each trial stands; may be NULL.
Status store_get_plan(Store *store, Arena *arena, Slice run_id, RunTrial **trials,
                      TrialStatus **status, size_t *n_trials, Error *err) MUST_CHECK;
Status store_get_data_checks(Store *store, Arena *arena, Slice run_id, CheckRow **checks,
                             size_t *n_checks, Error *err) MUST_CHECK;
Status store_get_notes(Store *store, Arena *arena, Slice run_id, RunNote **notes, size_t *n_notes,
                       Error *err) MUST_CHECK;
Status store_get_run_scores(Store *store, Arena *arena, Slice run_id, RunScore **scores,
                            size_t *n_scores, Error *err) MUST_CHECK;
Status store_get_run_slices(Store *store, Arena *arena, Slice run_id, RunSlice **slices,
                            size_t *n_slices, Error *err) MUST_CHECK;

// --- a cache of file hashes ----------------------------------------------------------------------------------------

// Hashes of big files by path, size, inode and mtime, so that a cached run does not read them again. *found is false for
// a file not seen in that state.
Status store_get_file_hash(Store *store, const char *path, char sha256[SHA256_HEX_SIZE],
                           bool *found, Error *err) MUST_CHECK;
// The hash through the cache: computed and remembered where it is not there (a read-only store does not remember).
Status store_file_hash(Store *store, const char *path, char sha256[SHA256_HEX_SIZE],
                       Error *err) MUST_CHECK;

// --- export --------------------------------------------------------------------------------------------------------

// Everything of a run but times and machine, as JSON Lines in one order: equal results give equal bytes, however the run
// was interrupted, resumed or spread. Given to write piece by piece; a failure of write is returned as it is.
typedef Status (*StoreSink)(void *context, Slice bytes, Error *err);
Status store_export_canonical(Store *store, Slice run_id, StoreSink sink, void *context,
                              Error *err) MUST_CHECK;
// The same into a buffer.
Status store_export_canonical_buffer(Store *store, Slice run_id, Buffer *out,
                                     Error *err) MUST_CHECK;

#endif
