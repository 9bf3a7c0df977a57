// harness/family.h: the families of tasks: how samples become a model's input, and its output a prediction and an item.
//
// One file a family (harness/tasks/) and one row here. A sample may go to the model as several windows; positions, answers
// and items always count samples.
#ifndef ASSAY_HARNESS_FAMILY_H
#define ASSAY_HARNESS_FAMILY_H

#include "harness/prepare.h"
#include "models/chat/chat.h"
#include "models/explain.h"
#include "models/training/mask.h"

// What a model said about samples of a part, in their order. Everything in the arena of the call.
typedef struct Answers {
    size_t n;
    size_t n_classes;      // numbers a sample in probabilities; 0 without
    size_t n_values;       // numbers a sample in values; 0 without
    size_t n_tokens;       // that went through the model
    int32_t *predicted;    // [n] classes of the task, or STORE_NO_LABEL where the text says it
    double *probabilities; // [n, n_classes]
    double *
        values; // [n, n_values] whatever else the family's items are made of; kept with the outcome, not stored
    Slice *texts; // [n] tags or answers as written; NULL where predicted says all
} Answers;

// One of them.
typedef struct Answer {
    int32_t predicted;
    Slice text;                  // ptr NULL without
    const double *probabilities; // [n_classes]; NULL without
    const double *values;        // [n_values]; NULL without
    size_t n_values;
} Answer;

// How a family asks causal models in words, beside what the task's prompt says (harness/prompt/prompt.h).
typedef struct FamilyPrompt {
    // The texts among which a model chooses, in the order of the task's labels. NULL: it writes its answer.
    Status (*options)(const SuiteTask *task, const TaskData *data, const Sample *sample,
                      Arena *arena, Slice **out, size_t *n, Error *err);
    // The right answer as it would be written; ptr NULL where the sample has none.
    Status (*gold)(const SuiteTask *task, const TaskData *data, const Sample *sample, Arena *arena,
                   Slice *out, Error *err);
    // What was written, without blanks around it (empty where nothing was found), as Answers.texts has it. *is_read is
    // false where it is no answer.
    Status (*read)(const SuiteTask *task, const TaskData *data, const Sample *sample, Slice written,
                   Arena *arena, Slice *out, bool *is_read, Error *err);
} FamilyPrompt;

// Samples of a part that a model was asked about, and what it gave: its output for each window, one after the other.
typedef struct Asked {
    const SuiteTask *task;
    const TaskData *data;
    const UsedPart *part;
    const Tokens *tokens;
    const Tokenizer *tokenizer;
    const size_t *positions; // [n] into part->which
    size_t n;
    // Of models asked by the task's prompt: examples are drawn by the seed, from what is not in the fold.
    bool by_prompt;
    // Of models asked about hypotheses: a sample's windows are the classes' (tasks/hypotheses.c).
    const ModelConfig *hypotheses; // the model's; NULL else
    uint64_t seed;
    int32_t outer_fold;
    const int32_t
        *label_of;         // index among the task's labels of each of the model's; NULL = the same
    double null_threshold; // of span: the one that was found, where the task tunes it
    const float *logits;   // NULL unless the family answers by one forward pass
    size_t width;          // of a row of logits
} Asked;

// An answer of one sample that can be explained: the scores that it was read from, among the logits of a window.
typedef struct Reason {
    Slice about; // what is answered: "positive", "PER Ada Lovelace"
    size_t window;
    ExplainTarget *targets; // rows count from the window's
    size_t n_targets;
} Reason;

// The model that is asked.
typedef struct Responder {
    Model *model;
    Pool *pool;
    const atomic_int *cancel; // may be NULL
    const ChatTemplate *chat; // the model's, where a task asks for it; else NULL
} Responder;

struct Family {
    const char *name;    // "tag"
    const char *summary; // one line for people
    ModelHead head;
    ProblemType problem; // of HEAD_SEQUENCE: what its numbers are
    // Another head for some tasks; NULL = `head` for all. Callers use family_head.
    ModelHead (*head_for)(const SuiteTask *task);
    // Models are asked as they are saved, whichever of several heads they have (HEAD_EMBEDDING: their encoder, whatever the
    // head); NULL = only `head` will do, or a tuned model. `takes_what` says it for messages.
    bool (*takes)(ModelHead head);
    const char *takes_what;
    unsigned gives; // what its items carry: MetricNeeds of metrics/metric.h
    // Metrics where a task names none, as JSON; the first is the primary one.
    const char *metrics;
    // Both where questions have choices and other tasks of the family have none (BBQ, put to "span"); 0 and NULL = the same.
    // Callers use family_gives and family_metrics.
    unsigned gives_of_choices;
    const char *metrics_of_choices;
    bool is_stratified; // samples have a class to spread over folds by
    bool has_pairs;     // samples are a text or two, which a model reads in one
    bool has_label_set; // samples have any number of labels
    bool has_value;     // samples have a number in the label's place
    bool has_windows;   // long samples are split, not cut
    bool has_choices;   // samples are questions with choices
    bool has_targets;   // samples are sources with targets
    bool learns_texts;  // the training part is plain texts, which language models learn
    bool judges_texts;  // and so are the other parts
    bool has_tags;      // samples are words with tags
    // Answering takes far more than a forward pass: in tuning the metric is measured only where it is watched.
    bool is_slow;
    // After all parts are read: the classes of the head and of the metrics, and whether the data can serve.
    Status (*find_labels)(Prepared *prepared, size_t task, Error *err);
    // Token ids of a part, and labels where the head wants one a token. max_length includes special tokens.
    Status (*encode)(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                     const Tokenizer *tokenizer, size_t max_length, Arena *arena, Tokens *out,
                     Error *err);
    // What the model says about the samples, by whatever it takes; NULL = family_predict. out is zeroed; sets n and n_tokens
    // too. Callers use family_respond.
    Status (*respond)(const Asked *asked, const Responder *responder, Arena *arena, Answers *out,
                      Error *err);
    // Of family_predict: answers from the logits. out->n and n_tokens are set.
    Status (*answer)(const Asked *asked, Arena *arena, Answers *out, Error *err);
    // Of family_calibrate: what follows from the logits of samples that are not judged. NULL: nothing does.
    Status (*calibrate)(const Asked *asked, Arena *scratch, double *null_threshold, Error *err);
    // What an explanation needs (harness/execute_explain.c); NULL where answers cannot be explained. `windows`: the sample as it
    // goes to the model, with offsets into its text (sequence 0) and what is stored as its pair (1). `reasons`: of the one
    // sample asked about, whose logits are there; none where nothing is answered. In the arena.
    Status (*windows)(const SuiteTask *task, const Sample *sample, const Tokenizer *tokenizer,
                      size_t max_length, Arena *arena, EncodingWindows *out, Error *err);
    Status (*reasons)(const Asked *asked, const EncodingWindows *windows, Arena *arena,
                      Reason **out, size_t *n, Error *err);
    const char *baseline_name; // NULL = "majority class"
    // Answers that do not look at the input: from samples `from` at positions [n_from] of a part.
    Status (*baseline)(const TaskData *data, const UsedPart *from, const size_t *from_positions,
                       size_t n_from, const UsedPart *part, const size_t *positions, Arena *arena,
                       Answers *out, Error *err);
    // Fills an item from its sample and its answer.
    Status (*item)(const TaskData *data, const Sample *sample, const Answer *answer, Arena *arena,
                   Item *item, Error *err);
    // How causal models are asked; NULL: they are not.
    const FamilyPrompt *prompt;
    // The expected answer as it is stored beside outputs' texts; NULL where the label says it.
    Status (*reference)(const TaskData *data, const Sample *sample, Arena *arena, Slice *out,
                        Error *err);
};

// In the order people see.
extern const Family *const families_all[];
extern const size_t families_count;
const Family *family_find(Slice name); // NULL where there is none
// The head of models that are asked about a task, or tuned on it.
ModelHead family_head(const SuiteTask *task);
// What items of a task carry, and the metrics where it names none.
unsigned family_gives(const SuiteTask *task);
const char *family_metrics(const SuiteTask *task);
// Whether samples are questions about a passage, with choices (BBQ), by the task's format.
bool family_has_questions(const SuiteTask *task);
// Whether what is learnt is of another kind than what is judged, so that no setting can be chosen by it: plain texts before
// pairs, or questions whose answers stand in their passages before questions with choices.
bool family_learns_other(const SuiteTask *task);
// Whether models may be tuned on it; else a single file is what they are judged on.
bool family_learns(const SuiteTask *task);
// The head that fresh models of an architecture have whatever the task: HEAD_CAUSAL_LM of decoders; else HEAD_COUNT.
ModelHead family_created_head(const SuiteCreate *create);
// Whether a model with this head is asked by the task's prompt.
bool family_asks_by_prompt(const SuiteTask *task, ModelHead head);
// Asks a model about samples, as the family does that, or by the prompt.
Status family_respond(const Asked *asked, const Responder *responder, Arena *arena, Answers *out,
                      Error *err) MUST_CHECK;

// The threshold that serves best on samples whose answers are known, where the task asks for that; as it is given else.
Status family_calibrate(const Asked *asked, const Responder *responder, double *null_threshold,
                        Error *err) MUST_CHECK;

// ---- shared by families ----

// Dropout's key of a sample's window, from its id, so that it is the same wherever the sample stands.
uint64_t family_key(Slice id, size_t window);
// Windows of the sample at a position of a part: begin .. end.
void family_windows(const Tokens *tokens, size_t position, size_t *begin, size_t *end);
// Where a window's labels begin among tokens->labels: one a token, one a target token, or two a window for spans.
size_t family_first_label(const Tokens *tokens, size_t window);
// The windows of samples at positions of a part, one after the other, in the arena; they borrow from tokens.
Status family_inputs(const Tokens *tokens, const size_t *positions, size_t n, Arena *arena,
                     TokenSequence **out, size_t *n_inputs, Error *err) MUST_CHECK;
// Examples to tune a model on: one for each window of the samples at positions; its labels are the sample's class, one for
// each of its tokens, a span's two, or the target's ids. In the arena; they borrow from tokens and part.
Status family_examples(const Tokens *tokens, const UsedPart *part, const size_t *positions,
                       size_t n, const Model *model, Arena *arena, TrainExample **out,
                       size_t *n_examples, Error *err) MUST_CHECK;
// How the texts of a task are masked where a model learns to fill them in; NULL where it does not.
Status family_masking(const TaskData *data, const Model *model, Arena *arena,
                      const MaskOptions **out, Error *err) MUST_CHECK;
// Answers by one forward pass over all windows: Family.answer makes them from the logits.
Status family_predict(const Asked *asked, const Responder *responder, Arena *arena, Answers *out,
                      Error *err) MUST_CHECK;
// Words joined by single blanks, in the arena.
Status family_join(const Slice *words, size_t n, Arena *arena, Slice *out, Error *err) MUST_CHECK;
// Room for out->n answers that are texts; every `predicted` says so. The texts are the caller's to fill in.
Status family_take_texts(Answers *out, Arena *arena, Error *err) MUST_CHECK;
// Of families whose samples have targets: the first one, as Family.reference and FamilyPrompt.gold want it, and what was
// written as it stands.
Status family_target_reference(const TaskData *data, const Sample *sample, Arena *arena, Slice *out,
                               Error *err) MUST_CHECK;
extern const FamilyPrompt family_target_prompt;
// Texts and their pairs as one sequence each: Family.encode and Family.windows of families that have them (tasks/pairs.c).
Status family_encode_pairs(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                           const Tokenizer *tokenizer, size_t max_length, Arena *arena, Tokens *out,
                           Error *err) MUST_CHECK;
Status family_pair_windows(const SuiteTask *task, const Sample *sample, const Tokenizer *tokenizer,
                           size_t max_length, Arena *arena, EncodingWindows *out,
                           Error *err) MUST_CHECK;
// Each sample with the hypothesis of each class, a window each; and what the model's scores of them say (tasks/hypotheses.c).
Status hypotheses_encode(const TaskData *data, const UsedPart *part, const Tokenizer *tokenizer,
                         size_t max_length, Arena *arena, Tokens *out, Error *err) MUST_CHECK;
void hypotheses_answer(const Asked *asked, Answers *out);
// The classes as the reader found them, for head and metrics alike.
void family_labels_as_read(TaskData *data);
// What a sample knows about bias, for metrics.
void family_bias_item(const Sample *sample, Item *item);

#endif
