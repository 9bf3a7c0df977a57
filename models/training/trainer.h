// models/training/trainer.h: the state of a tuning run and its steps; for the .c files of this folder only.
#ifndef ASSAY_MODELS_TRAINER_H
#define ASSAY_MODELS_TRAINER_H

#include "models/model_internal.h"
#include "models/training/loss.h"
#include "models/training/train.h"
#include "models/training/trainer_lora.h"

enum {
    TRAIN_UNIT_TOKENS =
        512, // largest units that batches are cut to, where a sequence is not longer
    TRAIN_MAX_LANES = 16,
    CHUNK_FLOATS = 16384, // of a dense parameter, summed over lanes and updated at once
    CHUNK_ROWS = 64,      // of a gathered table
};

// A piece of a parameter that one worker sums, measures and updates.
typedef struct Chunk {
    size_t param;
    size_t begin, n; // floats of its storage
    bool is_table;   // of the gathered table: its gradient comes as rows
} Chunk;

// Gradient of one row of the gathered table, from one unit.
typedef struct RowSum {
    int32_t id;
    uint32_t unit;
    float *sum; // [cols]
} RowSum;

// One unit of the running step.
typedef struct TrainUnit {
    size_t first_token, first_label; // where its part of the step's arrays begins
    size_t n_rows;                   // distinct ids
    size_t first_row;                // of its outputs among the teacher's
    LossSums sums;
} TrainUnit;

// Arrays as long as the largest step met so far.
typedef struct StepMemory {
    size_t n_tokens, n_labels, n_sequences;
    int32_t *row_ids, *row_of_token; // [n_tokens]
    int32_t *labels;                 // [n_labels]
    float *row_sums;                 // [n_tokens, cols]
    RowSum *rows;                    // [n_tokens] sorted by id and unit
    size_t *row_starts;              // [n_tokens + 1] of equal ids in rows
    const TokenSequence **inputs;    // [n_sequences] in unit order
    float *weights;                  // [n_sequences] the same: of the examples
    const float **targets;           // [n_sequences] the same
    size_t n_rows, n_merged;
    float *teacher; // [outputs of the step, n_labels] in unit order, where there is a teacher
    size_t n_teacher;
} StepMemory;

struct Trainer {
    Model *model;
    Pool *pool;
    TrainOptions options; // defaults filled in
    LossOptions loss;
    Arena arena;
    Arena step_arena;      // the cut of a step
    size_t n_groups;       // embeddings, blocks, head
    bool *wanted;          // [n_params] trained at some time of the run
    bool *trained;         // [n_params] trained now
    uint64_t *group_start; // [n_groups] first step that trains it
    double *group_factor;  // [n_groups] on the learning rate
    Program *program;
    size_t *gradient_offsets, *moment_offsets; // [n_params] floats
    size_t lane_floats, n_moments;
    float *lanes; // [n_lanes, lane_floats]; all zero between steps
    float *first_moments, *second_moments;
    Chunk *chunks;
    size_t n_chunks;
    double *norms; // [n_chunks + merged row chunks] squared
    size_t n_norms;
    float *table_scratch; // [threads, CHUNK_ROWS, cols]; zero between uses
    size_t n_threads;
    size_t table; // the gathered table's parameter, or SIZE_MAX
    size_t row_cols;
    UnitCut cut;
    TrainUnit *units;
    LossSums batch;   // weights of the running step
    bool is_weighted; // some example of the running step has a weight of its own
    StepMemory memory;
    uint64_t step, n_steps;
    Lora *lora; // adapters, or NULL
};

// Fills in defaults, checks the options and the examples, takes memory, and makes the program for the first step.
// n_steps: of the run. steps_per_epoch: for gradual unfreezing.
Status trainer_init(Trainer *trainer, Model *model, Pool *pool, const TrainOptions *options,
                    uint64_t n_steps, uint64_t steps_per_epoch, Error *err) MUST_CHECK;
void trainer_release(Trainer *trainer); // a no-op on a zeroed one
TrainOptions train_defaults(const TrainOptions *options);
Status train_check(const Model *model, const TrainOptions *options, const TrainExample *examples,
                   size_t n_examples, Error *err) MUST_CHECK;

// Builds the program anew where a group begins to be trained at trainer->step.
Status trainer_unfreeze(Trainer *trainer, Error *err) MUST_CHECK;

// What distilling wants: logits with every example, or a teacher that can be asked (trainer_distill.c).
Status trainer_check_distill(const Model *model, const TrainOptions *options,
                             const TrainExample *examples, size_t n_examples,
                             Error *err) MUST_CHECK;
// The teacher's logits for the batch that was cut, in unit order.
Status trainer_teach(Trainer *trainer, const TrainExample *const *batch, Error *err) MUST_CHECK;

// Forward, loss and backward of a batch: lanes and rows hold the gradient of the mean loss (trainer_step.c).
Status trainer_gradients(Trainer *trainer, const TrainExample *const *batch, size_t n,
                         Error *err) MUST_CHECK;
// Adds lanes and rows up; the gradient's norm (trainer_update.c). Afterwards lane 0 and the merged rows hold the gradient.
Status trainer_sum(Trainer *trainer, double *grad_norm, Error *err) MUST_CHECK;
// AdamW on every trained parameter, then the lanes are zero again.
Status trainer_update(Trainer *trainer, double learning_rate, double gradient_scale,
                      Error *err) MUST_CHECK;
// What AdamW is to do with a parameter in the running step (trainer_update.c).
AdamwArgs trainer_adamw(const Trainer *trainer, double learning_rate, double gradient_scale,
                        size_t param);
// One whole step; trainer->step moves on.
Status trainer_step(Trainer *trainer, const TrainExample *const *batch, size_t n, TrainStep *out,
                    Error *err) MUST_CHECK;

#endif
