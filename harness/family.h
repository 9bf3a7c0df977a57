// harness/family.h: the families of tasks: how samples become a model's input, and its output a prediction and an item.
//
// One file a family (harness/tasks/) and one row here. A sample may go to the model as several windows; positions, answers
// and items always count samples.
#ifndef ASSAY_HARNESS_FAMILY_H
#define ASSAY_HARNESS_FAMILY_H

#include "harness/prepare.h"

// What a model said about samples of a part, in their order. Everything in the arena of the call.
typedef struct Answers {
    size_t n;
    size_t n_classes;      // numbers a sample in probabilities; 0 without
    size_t n_tokens;       // that went through the model
    int32_t *predicted;    // [n] classes of the task, or STORE_NO_LABEL where the text says it
    double *probabilities; // [n, n_classes]
    Slice *texts;          // [n] tags or answers as written; NULL where predicted says all
} Answers;

// Samples of a part that a model was asked about, and what it gave: its output for each window, one after the other.
typedef struct Asked {
    const SuiteTask *task;
    const TaskData *data;
    const UsedPart *part;
    const Tokens *tokens;
    const Tokenizer *tokenizer;
    const size_t *positions; // [n] into part->which
    size_t n;
    const int32_t
        *label_of; // index among the task's labels of each of the model's; NULL = the same
    const float *logits;
    size_t width; // of a row of logits
} Asked;

struct Family {
    const char *name;    // "tag"
    const char *summary; // one line for people
    ModelHead head;
    unsigned gives; // what its items carry: MetricNeeds of metrics/metric.h
    // Metrics where a task names none, as JSON; the first is the primary one.
    const char *metrics;
    bool is_stratified; // samples have a class to spread over folds by
    bool has_windows;   // long samples are split, not cut
    // After all parts are read: the classes of the head and of the metrics, and whether the data can serve.
    Status (*find_labels)(Prepared *prepared, size_t task, Error *err);
    // Token ids of a part, and labels where the head wants one a token. max_length includes special tokens.
    Status (*encode)(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                     const Tokenizer *tokenizer, size_t max_length, Arena *arena, Tokens *out,
                     Error *err);
    // out->n and n_tokens are set.
    Status (*answer)(const Asked *asked, Arena *arena, Answers *out, Error *err);
    // Answers that do not look at the input: from samples `from` at positions [n_from] of a part.
    Status (*baseline)(const TaskData *data, const UsedPart *from, const size_t *from_positions,
                       size_t n_from, const UsedPart *part, const size_t *positions, Arena *arena,
                       Answers *out, Error *err);
    // Fills an item from its sample and its answer; text and probabilities may be absent.
    Status (*item)(const TaskData *data, const Sample *sample, int32_t predicted, Slice text,
                   const double *probabilities, Arena *arena, Item *item, Error *err);
    // The expected answer as it is stored beside outputs' texts; NULL where the label says it.
    Status (*reference)(const Sample *sample, Arena *arena, Slice *out, Error *err);
};

// In the order people see.
extern const Family *const families_all[];
extern const size_t families_count;
const Family *family_find(Slice name); // NULL where there is none

// ---- shared by families ----

// Dropout's key of a sample's window, from its id, so that it is the same wherever the sample stands.
uint64_t family_key(Slice id, size_t window);
// Windows of the sample at a position of a part: begin .. end.
void family_windows(const Tokens *tokens, size_t position, size_t *begin, size_t *end);
// Where a window's labels begin among tokens->labels: one a token, or two a window for spans.
size_t family_first_label(const Tokens *tokens, size_t window);
// Words joined by single blanks, in the arena.
Status family_join(const Slice *words, size_t n, Arena *arena, Slice *out, Error *err) MUST_CHECK;
// The classes as the reader found them, for head and metrics alike.
void family_labels_as_read(TaskData *data);

#endif
