// harness/suite/suite.h: a suite: which models are tuned and judged on which tasks, over which settings and folds.
//
// A suite is a JSON file with comments (docs/suite.md is its reference, suites/suite.schema.json its JSON Schema; both
// follow the table of keys in harness/suite/keys.h). Paths in it are relative to its own folder; paths given on the command
// line are relative to the current one. Every message names file, line, column and key, or the flag that is at fault.
//
//     Suite *suite = NULL;
//     TRY(suite_load("suites/sentiment.json", NULL, &suite, err));
//     ...
//     suite_close(&suite);
//
// A Suite owns all it points to. Paths are ready to open: NUL-terminated, absolute or relative to the current folder.
#ifndef ASSAY_HARNESS_SUITE_SUITE_H
#define ASSAY_HARNESS_SUITE_SUITE_H

#include "base/buffer.h"
#include "base/json.h"
#include "datasets/reader.h"
#include "datasets/splits.h"
#include "datasets/steps.h"
#include "harness/note.h"
#include "harness/suite/prompt.h"
#include "metrics/metric.h"
#include "models/explain.h"
#include "models/prune.h"
#include "models/training/train.h"
#include "results/report/report.h"

typedef struct SuiteClassWeight {
    Slice label;
    double weight;
} SuiteClassWeight;

typedef enum ClassWeighting {
    CLASS_WEIGHTS_NONE,
    CLASS_WEIGHTS_BALANCED, // n / (n_classes * n_of_class), over the training part
    CLASS_WEIGHTS_GIVEN,    // classes not named weigh 1
} ClassWeighting;

// Groups of the training samples that are to count alike.
typedef enum BalanceHow {
    BALANCE_RESAMPLE, // drawn with replacement, each group as often
    BALANCE_REWEIGHT, // each group's losses weigh as much in all
} BalanceHow;

typedef struct SuiteBalance {
    bool is_on;
    BalanceHow how;
    Slice
        by; // "class", an attribute, "group", or several of them with commas between: groups are then their combinations
} SuiteBalance;

// Copies of training samples with changes, to learn from beside them (datasets/augment.h, harness/augment.h).
typedef enum AugmentKind {
    AUGMENT_SYNONYMS,       // words replaced by others of a lexicon
    AUGMENT_INSERT,         // such words put in
    AUGMENT_SWAP,           // words exchanged
    AUGMENT_DELETE,         // words left out
    AUGMENT_EDA,            // one of these, drawn for each text
    AUGMENT_BACK_TRANSLATE, // texts translated forth and back
    AUGMENT_PARAPHRASE,     // texts written anew by a causal model
    N_AUGMENT_KINDS,
} AugmentKind;

typedef struct SuiteAugment {
    bool is_on;
    AugmentKind kind;
    double share;                   // of the samples that get copies
    size_t copies;                  // of each
    double words;                   // share of a text's words that change
    Slice lexicon;                  // as written; empty = the English one
    Slice forward, back, generator; // models, as written
    const char *lexicon_path, *forward_path, *back_path,
        *generator_path; // NULL where not asked for
    Slice prompt;        // of the generator, with {text}
    double temperature;
    size_t max_new_tokens;
} SuiteAugment;

// One point of the grid: what a user may set in tuning, as models/training/train.h has it, defaults filled in.
typedef struct TuneSetting {
    double learning_rate;
    double weight_decay;
    double beta1, beta2, epsilon;
    Schedule schedule;
    double warmup_share;   // of all steps; 0 where warmup_steps says it
    uint64_t warmup_steps; // 0 where warmup_share says it
    unsigned n_cycles;
    double clip; // global norm; 0 = no clipping
    size_t batch_size;
    size_t accumulate;
    double epochs;
    uint64_t max_steps; // 0: epochs count
    double dropout;     // negative: as the model's config.json says
    double label_smoothing;
    ClassWeighting class_weighting;
    const SuiteClassWeight *class_weights; // CLASS_WEIGHTS_GIVEN, in the order written
    size_t n_class_weights;
    SuiteBalance balance;
    SuiteAugment augment;
    Slice teacher; // whose answers are learnt beside the labels, as written; empty = labels alone
    const char *teacher_path;  // its files; NULL without a teacher, or where it is tuned here
    bool teacher_is_tuned;     // it is a model of the suite that is tuned too: suite_tuned_teacher
    double temperature, alpha; // of learning from it (models/training/loss.h)
    Slice freeze;              // "embeddings,0-3"; empty = nothing
    Slice lora; // "rank=8,alpha=16,targets=query+value" (models/training/lora.h); empty = off
    unsigned gradual_unfreezing;
    double layer_decay; // 1 = off
    size_t lanes;
    bool sort_by_length;
    bool gradient_checkpointing;
    Slice tuning_compute; // "f32", "bf16": of the products of tuning; empty = f32
    size_t max_length;    // tokens of a sequence; 0: as the task says
    // Tuning ends here, though the schedule is that of all epochs: where halving stops to look. 0 = at its end.
    double until_epoch;
    uint64_t until_step;
    // Of the part a trial may learn from, a stratified subset is used, inner part included: a share below 1, or a number
    // of samples from 2; 0 = all. Smaller subsets lie within larger ones.
    double train_samples;
    double prune; // of the tuned blocks' weights, those of least magnitude that become 0
    PruneScope prune_scope;
    Slice after; // the step that was taken on the tuned model, as a report names it; empty = none
    Slice quantize; // the format that the tuned model is judged in; "none" = its own
    Slice
        compute; // how its products are computed where it is judged: "bf16"; empty = as the run says
    TrainMonitor monitor; // MONITOR_NONE without early_stopping: the last weights count
    Slice monitor_metric; // MONITOR_METRIC: the score watched; empty = the task's primary one
    unsigned patience;
    double min_delta;
    // Canonical JSON object: every value above, keys sorted, what is off or left to the model absent. Equal settings have
    // equal texts, and the text read as a tune block gives the setting again. "{}" in the one setting of a suite that does
    // not tune, or how that computes.
    Slice json;
    Slice
        learning_json; // the same without what is done once the model is tuned: settings that tune alike have equal ones
} TuneSetting;

typedef enum SuiteModelKind {
    SUITE_MODEL_SAVED,  // a directory: `path`
    SUITE_MODEL_CREATE, // a fresh model, drawn from the seed: `create`
} SuiteModelKind;

// The tokenizer of a fresh model is trained on the task's training texts, sources and targets.
typedef struct SuiteCreate {
    Slice architecture; // a row of architectures_all: "bert"
    size_t hidden_size, n_layers, n_heads, intermediate_size, max_positions;
    size_t n_decoder_layers; // 0 = n_layers
    double dropout;
    Slice tokenizer; // "wordpiece", or "bpe" for encoder-decoders
    size_t vocab_size;
    bool is_cased;
    Slice json; // canonical JSON of the above
} SuiteCreate;

// How the settings of a model come from its tune block.
typedef enum SearchKind {
    SEARCH_GRID,   // all combinations
    SEARCH_RANDOM, // n_trials of them, drawn (Bergstra & Bengio 2012, JMLR 13)
    SEARCH_HALVING, // all or drawn ones, of which fewer and fewer go on (Jamieson & Talwalkar 2016, arXiv:1502.07943)
} SearchKind;

typedef struct SuiteSearch {
    SearchKind kind;
    size_t n_trials; // settings drawn; 0 = the grid
    uint64_t seed;
    double eta;        // of halving: one in eta goes on, with eta times the budget
    double min_epochs; // of halving: the first rung's budget; 0 where min_steps says it
    uint64_t min_steps;
} SuiteSearch;

// A rung of halving: the best n_settings of the rung before go on until here. Without halving there is one.
typedef struct SuiteRung {
    size_t n_settings;
    double epochs; // the last rung has 0 and 0: the whole budget
    uint64_t steps;
} SuiteRung;

typedef struct SuiteModel {
    Slice name;
    SuiteModelKind kind;
    const char *path;      // SUITE_MODEL_SAVED
    const ModelNote *note; // of a model that is judged as saved; NULL else
    SuiteCreate create;
    // The grid in order: the first key written varies slowest. The suite's tune block, or the model's own. One setting with
    // json "{}" (or how it computes) and does_tune false where the suite does not tune.
    // Behind these n_settings stand the same again for each shorter rung and each point of the learning curve, which
    // differ in until_... and train_samples alone: suite_setting finds them. Then once more for each step of `after`.
    const TuneSetting *settings;
    size_t n_settings;
    const SuiteRung *rungs; // at least one
    size_t n_rungs;
    bool does_tune; // else the model is judged as saved
    Slice compute;  // of all its settings; empty = as they say themselves
} SuiteModel;

typedef struct SuiteMetric {
    const Metric *metric;
    const Json *params; // an object, or NULL for defaults; ready for MetricSetup
    Slice params_json;  // canonical JSON; empty for defaults
    // The pieces of the SentencePiece model that params name, and its file's SHA-256; NULL and empty where none is named.
    const struct WordSplitter *splitter;
    Slice splitter_sha256;
} SuiteMetric;

// Files with the targets of a part of parallel text.
typedef struct SuiteTargets {
    const Slice *paths; // ready to open
    size_t n;           // 0: the part is no parallel text
} SuiteTargets;

// Keys of a task that a model's note may answer where the task does not.
enum {
    SAYS_PREPARE = 1,
    SAYS_DECODE = 2,
    SAYS_DOC_STRIDE = 4,
    SAYS_MAX_ANSWER = 8,
    SAYS_NULL_THRESHOLD = 16,
    SAYS_THRESHOLD = 32,
};

typedef struct SuiteTask {
    Slice name;
    Slice summary;       // one line for people; may be empty
    Slice family;        // "classify": a row of families_all (harness/family.h)
    Slice scheme;        // "IOB2": of tags; empty = found out
    Slice decode;        // "argmax" or "valid": how tags are chosen
    Slice unseen_labels; // "wrong" or "refuse": of labels that the training part lacks
    // Of questions about passages: tokens that windows share, tokens of the longest answer, and how much better "no answer"
    // must score to be given.
    size_t doc_stride, max_answer;
    double
        near_duplicates; // share of runs of words by which inputs are nearly equal; 0 = not looked for
    double null_threshold;
    double threshold;          // of several labels at once: the probability from which one holds
    bool tunes_null_threshold; // it is found on the part held out, for each tuned model
    // Of translation: beams (0 = as the model's files say), the exponent of a hypothesis' length, and the most tokens that
    // are written (0 = as the model's files say, and no more than twice the source's and 10).
    size_t beams;
    double length_penalty; // NaN = as the model's files say
    size_t max_new_tokens;
    Slice src_lang, tgt_lang; // codes of the tokenizer; empty = as the model's files say
    Slice source_prefix;      // put before each source; may be empty
    Slice
        likelihood; // of texts that are compared: a name of harness/likelihood.h; empty = by the format
    unsigned says;           // SAYS_..: what is written, here or in the definition
    SuitePrompt prompt;      // how causal models are asked
    SuiteZeroShot zero_shot; // and those that tell entailment
    bool has_slices;         // else scores are sliced by every attribute with few values
    const Slice *slices;     // [n_slices] attributes by which scores are sliced
    size_t n_slices;
    const Step **prepare; // steps that every text goes through, in order
    size_t n_prepare;
    Slice counterfactual;  // a list of words by name or path; empty = nothing is swapped
    const char *swap_path; // its file, or NULL
    ReadOptions read;      // labels_path is ready to open
    SuiteMetric *metrics;  // at least one
    size_t n_metrics;
    Slice primary;     // a score's name, "accuracy" or "f1/macro"; its metric is among metrics
    size_t max_length; // tokens of a sequence; 0 = as many as the model takes
    // Files, NULL where there is none. Which must be there: see suite_load.
    const char *train, *valid, *test;
    SuiteTargets train_targets, valid_targets, test_targets;
} SuiteTask;

// A step on the tuned winner: what of its setting is replaced.
typedef struct SuiteAfter {
    Slice text; // "prune 0.3, quantize q8_0": the keys written
    TuneSetting values;
    bool does_prune, does_quantize, does_compute;
} SuiteAfter;

typedef struct SuiteFolds {
    size_t k; // 0: no folds
    FoldKind kind;
    bool file_order; // "shuffle": false
    bool allow_rare;
    double
        keep_near; // share of runs of words from which inputs never stand on both sides; 0 = equal inputs alone
    const char *file; // pinned assignment, or NULL
    // The part of each training part that early stopping and the choice of a setting look at: a stratified share, or
    // inner folds whose mean decides. One of them is 0; both are 0 where nothing is held out. Without folds they count for
    // a task that has no valid file.
    double inner_share;
    size_t inner_folds;
    bool refit;   // the winner is tuned again on the whole part, for the winner's number of steps
    bool explore; // other settings meet the outer fold too, never for choosing
    const char *final_path; // directory for the model tuned on all data, or NULL
} SuiteFolds;

// What of the judged samples is explained.
typedef struct SuiteExplain {
    bool is_on;
    ExplainMethod method;
    size_t n_steps;
    size_t n_samples; // of each trial that is judged: the worst ones
} SuiteExplain;

typedef struct Suite {
    Arena arena;                      // owns everything below
    struct SuitePieces *pieces;       // owned: the models that metrics' params name
    struct SuiteDocuments *documents; // owned: the JSON that slices above borrow from
    Slice name;
    Slice path; // of the file
    uint64_t seed;
    size_t repeats; // seeds suite_seed(suite, 0 .. repeats - 1)
    size_t limit;   // samples of each part, a seeded stratified subset; 0 = all
    SuiteModel *models;
    size_t n_models;
    SuiteTask *tasks;
    size_t n_tasks;
    SuiteFolds folds;
    SuiteSearch search;
    // Points of the learning curve below the whole, as TuneSetting.train_samples has them, ascending by what is written.
    const double *curve;
    size_t n_curve;
    const SuiteAfter *after;
    size_t n_after;
    const ReportFormat **report_formats; // at least one; "html" by default
    size_t n_report_formats;
    SuiteExplain explain;
    const char *report_dir; // or NULL: the command line's, or the program's default
    Slice filter;           // as given, already applied to models, tasks and settings; empty = none
    int only_fold;          // of filter: the one outer fold to run; -1 = all
    Slice
        settings_json; // the suite as read with overrides, one line of plain JSON: for the manifest
} Suite;

typedef struct SuiteNamedPath {
    Slice name, path;
} SuiteNamedPath;

// What the command line says about a suite. Zeroed means nothing.
typedef struct SuiteOverrides {
    const SuiteNamedPath *
        models; // --model NAME=PATH: the model of that name is read from there; a new name adds a model
    size_t n_models;
    const SuiteNamedPath
        *data; // --data NAME=PATH: the task's data; the name of a task definition that the suite
    size_t n_data; // does not use adds that task
    const Slice *
        set; // --set KEY.PATH=VALUE: VALUE is JSON, or text where it is none; "tasks.0.primary=mcc"
    size_t n_set;
    bool has_seed;
    uint64_t seed; // --seed
    size_t limit;  // --limit; 0 = as the suite says
    Slice filter;  // --filter; empty = as the suite says
    // Names and keys alone are wanted: no file but the suite is looked for, and models and data may be missing.
    bool without_files;
} SuiteOverrides;

// Splits the argument of --model or --data at its first '='. what ("--model") is for the message.
Status suite_split_named_path(Slice argument, const char *what, SuiteNamedPath *out,
                              Error *err) MUST_CHECK;

// Reads and checks a suite. name is a path; one without '/' and extension that is no file here is looked up in ./suites,
// in the suites of the program and in those beside its sources. overrides may be NULL.
// Data: tuning needs train; folds split train and leave valid and test alone; without folds models are judged on test, or
// on valid where there is no test (then valid is not used for choosing).
// STATUS_INVALID for a suite that is wrong, STATUS_NOT_FOUND for one that is not there.
Status suite_load(const char *name, const SuiteOverrides *overrides, Suite **out,
                  Error *err) MUST_CHECK;
// The same for a text in hand; path is its file's name, for messages and for what is relative to it.
Status suite_parse(const char *path, Slice text, const SuiteOverrides *overrides, Suite **out,
                   Error *err) MUST_CHECK;
void suite_close(Suite **suite); // a no-op on NULL

// Index of a setting as a rung and a point of the learning curve have it. point 0 is the whole training part, point i
// curve[i - 1]; the last rung has the whole budget. The settings of the last rung of point 0 are those that are chosen from.
size_t suite_setting(const Suite *suite, size_t model, size_t point, size_t rung, size_t setting);
// The same setting after a step of `after`, whose settings stand behind all others; and back.
size_t suite_after_setting(const Suite *suite, size_t model, size_t after, size_t setting);
size_t suite_before_setting(const Suite *suite, size_t model, size_t setting);
// All settings of a model, those of rungs, points and steps included.
size_t suite_n_settings(const Suite *suite, size_t model);

// The model of the suite that a setting learns from and that is tuned first; SIZE_MAX where there is none.
size_t suite_tuned_teacher(const Suite *suite, const TuneSetting *setting);

// How the settings of a model were come by, as a line for people; nothing where they are a grid.
void suite_describe_search(const Suite *suite, size_t model, Buffer *out);

// The seed of a repeat, from 0.
uint64_t suite_seed(const Suite *suite, size_t repeat);

// One setting from the text of a tune block without arrays (a canonical text, say), in the arena.
Status tune_setting_parse(Arena *arena, Slice json, TuneSetting *out, Error *err) MUST_CHECK;
// What models/training/train.h needs of a setting, for a model with these labels; class weights go into the arena. counts [n_labels]:
// samples of each class in the training part, for balanced weights (may be NULL otherwise). Refuses a class weight for a
// label that is not there. Seed, validation, callbacks and checkpoint stay for the caller.
Status tune_setting_options(const TuneSetting *setting, const Slice *labels, size_t n_labels,
                            const size_t *counts, Arena *arena, TrainOptions *out,
                            Error *err) MUST_CHECK;

// A file "NAME.json" of the suites or of the tasks found on this machine.
typedef struct SuiteEntry {
    Slice name, path, summary;
} SuiteEntry;
// What `assay list tasks` and `assay list suites` show, sorted by name; of equal names the one found first.
Status suite_list_tasks(Arena *arena, SuiteEntry **out, size_t *n, Error *err) MUST_CHECK;
Status suite_list_suites(Arena *arena, SuiteEntry **out, size_t *n, Error *err) MUST_CHECK;

// The JSON Schema of suites, from the table of keys.
void suite_schema_write(Buffer *out);

#endif
