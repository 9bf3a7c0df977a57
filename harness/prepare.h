// harness/prepare.h: data read once, cut into parts once, tokenised once a model: what trials work on.
//
// Everything is made before the first trial, so that what is wrong with data (one class, fewer samples than folds, a label
// in test that train lacks) is said before anything is tuned, and so that worker processes share it.
#ifndef ASSAY_HARNESS_PREPARE_H
#define ASSAY_HARNESS_PREPARE_H

#include "datasets/augment.h"
#include "datasets/check.h"
#include "datasets/personal.h"
#include "datasets/swap.h"
#include "harness/trial.h"
#include "models/model.h"

// One part as it is used: the whole file, or its sample under a limit.
typedef struct UsedPart {
    Dataset data;
    size_t *which; // [n] indices into data.samples, ascending; they are the ordinals of the store
    size_t n;
} UsedPart;

typedef struct Family Family; // harness/family.h

typedef struct TaskData {
    bool is_read;
    const Family *family;
    ModelHead head; // of models that are asked about the task
    UsedPart parts[N_DATA_PARTS];
    PersonalCounts *personal[N_DATA_PARTS]; // of the part's samples; NULL where there are none
    StepCount *steps[N_DATA_PARTS]; // [n_prepare] what each step of the task did; NULL without
    const Slice *labels;            // of the model's head: classes, tags
    size_t n_labels;
    // Of the metrics, and as stored: the head's classes first, then those that training never saw; or entity types.
    const Slice *metric_labels;
    size_t n_metric_labels;
    const SuitePrompt *prompt;      // NULL where the task has none
    const SuiteZeroShot *zero_shot; // likewise
    // Copies of a part with words swapped; their ordinals are the part's.
    const SwapList *swaps; // NULL = none
    DataPart swapped_part;
    UsedPart swapped;
    bool *is_swapped; // [swapped.data.n_samples] whether the copy is another text
    // Hashes of all inputs of all parts, ascending: no copy may be one of them. NULL where nothing is copied.
    uint64_t *inputs;
    size_t n_inputs;
    bool has_unanswerable; // some question has no answer
    int32_t *fold; // [parts[PART_TRAIN].n] outer fold of each used sample; NULL without folds
} TaskData;

// A part's token ids for one model and length.
typedef struct Tokens {
    size_t model, task;
    DataPart part;
    size_t max_length;
    TokenBatch batch;      // sequence i is window i; n_full only where windows are samples
    uint64_t *keys;        // [n_sequences] of dropout: from the samples' ids
    size_t *first_window;  // [n + 1] of sample which[i]; NULL where each sample is one window
    TokenBatch targets;    // of each window, where samples have them; starts NULL without
    int32_t *labels;       // of each token or target token, where the head wants that; else NULL
    int32_t *words;        // of each token: the word whose tag is read here, or -1
    bool has_token_labels; // labels are one a token, and no words are read at them
    size_t n_split;        // samples of more than one window
} Tokens;

// A lexicon that copies are made with.
typedef struct NamedLexicon {
    const char *path;
    const Lexicon *lexicon;
} NamedLexicon;

// What a model wrote for the training samples of a task, for one way of copying them (harness/augment_models.c).
typedef struct Rewritten {
    size_t task;
    Slice key;    // canonical: of the way
    Slice *texts; // [n of the part, copies, 2]: text and pair; ptr NULL where none was asked for
} Rewritten;

typedef struct Prepared {
    Arena arena;
    const Suite *suite;
    TaskData *tasks; // [n_tasks]
    Tokens *tokens;
    size_t n_tokens, tokens_capacity;
    NamedLexicon *lexicons;
    size_t n_lexicons;
    Rewritten *rewritten;
    size_t n_rewritten;
    struct AugmentWhole *augmented; // by way of copying (harness/augment.h)
    size_t n_augmented;
    Tokenizer **tokenizers;             // [n_models * n_tasks], opened as needed
    const char **tokenizer_directories; // [n_models * n_tasks] of fresh encoders
    bool *by_prompt; // [n_models * n_tasks]: the model is asked by the task's prompt
    bool *
        by_hypotheses; // [n_models * n_tasks]: the model is asked about a hypothesis for each class
    size_t *model_lengths; // [n_models * n_tasks]: positions of the model
    struct AsNoted
        *noted; // [n_models * n_tasks] what models' notes change (harness/prepare_noted.c)
} Prepared;

Status prepared_init(Prepared *prepared, const Suite *suite, Error *err) MUST_CHECK;
void prepared_release(Prepared *prepared); // a no-op on a zeroed one

// Reads a task's files, takes the limit's sample and makes the folds. A no-op where that is done. Refused: no samples, one
// class only (where the task is tuned), too few samples for the folds.
Status prepare_task(Prepared *prepared, size_t task, Error *err) MUST_CHECK;
// Tokenises the parts of a task for a model at the length of each of its settings. state_directory holds what fresh
// encoders need: their tokenizers are trained there on the task's training texts.
Status prepare_tokens(Prepared *prepared, size_t model, size_t task, const char *state_directory,
                      Error *err) MUST_CHECK;
// Token ids of samples of a task that are in no file, as prepare_tokens makes those of its parts, in the arena.
Status prepared_encode(const Prepared *prepared, size_t model, size_t task, int setting,
                       const UsedPart *part, Arena *arena, Tokens *out, Error *err) MUST_CHECK;
// NULL where prepare_tokens was not called.
const Tokens *prepared_tokens(const Prepared *prepared, size_t model, size_t task, DataPart part,
                              int setting);
// NULL where prepare_tokens was not called.
const Tokenizer *prepared_tokenizer(const Prepared *prepared, size_t model, size_t task);
// The task and its samples as a model answers them: where the model is judged as saved and its note (harness/note.h) says how
// it was tuned, what the task leaves open is as the note has it. Else the suite's own, and the part as it was read.
const SuiteTask *prepared_task(const Prepared *prepared, size_t model, size_t task);
const UsedPart *prepared_part(const Prepared *prepared, size_t model, size_t task, DataPart part);
// What a model tuned on a task carries in its note; max_length: of its sequences. It borrows from the task.
ModelNote task_note(const SuiteTask *task, const TaskData *data, size_t max_length, bool by_prompt,
                    double null_threshold);
// Whether the model reads other texts than those of the data.
bool prepared_is_noted(const Prepared *prepared, size_t model, size_t task);
// Inside prepare: of one model and task, and of one part of it.
Status prepared_noted_init(Prepared *prepared, size_t n, Error *err) MUST_CHECK;
void prepared_noted_release(Prepared *prepared);
Status prepare_noted_task(Prepared *prepared, size_t model, size_t task, Error *err) MUST_CHECK;
Status prepare_noted_part(Prepared *prepared, size_t model, size_t task, DataPart part,
                          Error *err) MUST_CHECK;
// Whether the model is asked by the task's prompt; false where prepare_tokens was not called.
bool prepared_by_prompt(const Prepared *prepared, size_t model, size_t task);
// Whether a saved model is asked about a hypothesis for each class: it tells entailment, and has not all the classes itself.
bool prepared_by_hypotheses(const Prepared *prepared, size_t model, size_t task);
bool asks_by_hypotheses(const TaskData *data, const ModelConfig *config);
// The head of the model that is asked: of its language model where it is asked by the prompt, or where a fresh decoder learns
// texts; else what the task wants.
ModelHead prepared_head(const Prepared *prepared, size_t model, size_t task);
// Where the tokenizer of a fresh encoder stands; NULL for a saved model.
const char *prepared_tokenizer_directory(const Prepared *prepared, size_t model, size_t task);

// How folds of a task are drawn: as the suite says, but samples of a family without classes are spread by their ids alone.
FoldKind prepared_fold_kind(const Prepared *prepared, size_t task);
// The part that trials without folds are judged on: test, else valid, else train.
DataPart judged_part(const Suite *suite, size_t task);
// Whether settings of a model on a task are first judged on a part held out from tuning.
bool holds_inner(const Suite *suite, size_t model, size_t task);
// Inner trials a setting has in each outer fold and repeat: 1, or the number of inner folds.
size_t inner_trials(const Suite *suite, size_t model, size_t task);
// Whether the winner is tuned again on the whole training part: asked for, or several inner folds left no one model.
bool refits_winner(const Suite *suite, size_t model, size_t task);

// Whether the trials that judge a model have samples besides, held out from tuning, to find a threshold on.
bool watches_part(const Suite *suite, size_t model, size_t task);

// Which samples a trial is tuned on, watches and is judged on: positions into the part's `which`, ascending. In the arena.
typedef struct TrialSamples {
    size_t
        n_labelled; // samples of the training part whose labels the trial may see: tuned on, or held out for choosing
    size_t *train, n_train; // of PART_TRAIN
    DataPart watched_part;
    size_t *watched, n_watched; // for stopping and curves
    DataPart judged_part;
    size_t *judged, n_judged;
} TrialSamples;
Status trial_samples(const Prepared *prepared, const TrialSpec *spec, Arena *arena,
                     TrialSamples *out, Error *err) MUST_CHECK;

// The check of a task's data as rows and notes of a run. Lengths are counted in tokens of the model, where it is not
// NO_MODEL. Texts lie in the arena.
Status prepare_check(Prepared *prepared, size_t task, int model, Arena *arena, CheckRow **rows,
                     size_t *n_rows, RunNote **notes, size_t *n_notes, Error *err) MUST_CHECK;

// The judged part of a task as the store keeps it; in the arena.
Status prepared_dataset(const Prepared *prepared, const SuiteIdentity *identity, size_t task,
                        DataPart part, Arena *arena, StoredDataset *out, Error *err) MUST_CHECK;

#endif
