// models/training/train_run.h: a run over epochs: its order, its place, its best weights, its checkpoint; for the .c files of this folder only.
#ifndef ASSAY_MODELS_TRAIN_RUN_H
#define ASSAY_MODELS_TRAIN_RUN_H

#include "base/sha256.h"
#include "models/training/trainer.h"

// What a run knows beside the trainer's state. All of it is saved.
typedef struct RunState {
    double loss_sum; // of the steps since the last evaluation
    uint64_t loss_count;
    uint64_t n_tokens;
    double last_loss;
    double best_loss, best_metric; // NaN before the first evaluation
    uint64_t best_step;
    uint64_t n_worse; // evaluations since the best
    uint64_t n_evaluations;
    uint64_t has_best;       // best_weights are set
    uint64_t evaluated_step; // the last step after which an evaluation was made; 0 before
} RunState;

typedef struct TrainRun {
    Trainer trainer;
    const TrainExample *examples;
    size_t n_examples;
    const size_t *batch_starts; // given batches; NULL where epochs are drawn
    uint64_t steps_per_epoch;
    uint64_t last_step;         // where the run ends; the schedule may go on beyond it
    const TrainExample **batch; // [largest batch]
    size_t *order;              // [n_examples] of order_epoch
    TrainExample *masked;       // [largest batch] where tokens are masked
    int32_t *mask_ids;          // [2 * tokens of the largest batch] what they read, and are asked
    uint64_t order_epoch;
    RunState state;
    float *best_weights; // [tape.n_floats], where a monitor asks for it
    char fingerprint[SHA256_HEX_SIZE];
    int64_t saved_ns; // clock of the last checkpoint
} TrainRun;

// The order of an epoch: a permutation, or draws with replacement where classes are balanced; it depends on seed, epoch and
// the examples alone (train_order.c).
Status train_order(const TrainOptions *options, ModelHead head, const TrainExample *examples,
                   size_t n, uint64_t epoch, size_t *order, Error *err) MUST_CHECK;

// SHA-256 of all that the run's result depends on, but for the weights it starts from (train_checkpoint.c).
void train_fingerprint(TrainRun *run);
// Writes the whole state, written anew and renamed.
Status checkpoint_save(TrainRun *run, Error *err) MUST_CHECK;
// Goes on from the file; refuses one of another run.
Status checkpoint_load(TrainRun *run, Error *err) MUST_CHECK;

#endif
