// models/training/train.h: tuning a model: batches cut into units, lanes of gradients, AdamW, schedules, checkpoints.
//
// The result depends on the model, the examples and the options alone: not on the number of threads, and not on whether
// a run was interrupted. A batch is cut into units by its own content; forward and backward of a unit run together;
// weight gradients are added in unit order in a fixed number of lanes (lane = unit mod n_lanes), then lane by lane in one
// tree; embedding gradients are lists of (row, sum) merged in unit order.
#ifndef ASSAY_MODELS_TRAIN_H
#define ASSAY_MODELS_TRAIN_H

#include "base/log.h"
#include "base/pool.h"
#include "models/model.h"
#include "models/training/distill.h"
#include "models/training/lora.h"
#include "models/training/mask.h"

typedef enum Schedule {
    SCHEDULE_LINEAR, // to 0 at the last step
    SCHEDULE_COSINE, // half a cosine to 0
    SCHEDULE_CONSTANT,
    SCHEDULE_COSINE_RESTARTS, // n_cycles cosines, each from the full rate to 0 (Loshchilov & Hutter 2017, arXiv:1608.03983)
    SCHEDULE_INVERSE_SQRT, // sqrt(warmup / step) (Vaswani et al. 2017, arXiv:1706.03762, section 5.3)
    SCHEDULE_COUNT
} Schedule;

const char *schedule_name(Schedule schedule); // "linear", "cosine", ...
Status schedule_parse(Slice name, Schedule *out, Error *err) MUST_CHECK;
// The factor on the learning rate at `step` (from 0) of n_steps: step / n_warmup during warm-up, then the schedule.
double schedule_factor(Schedule schedule, uint64_t step, uint64_t n_warmup, uint64_t n_steps,
                       unsigned n_cycles);

// One optimiser step, as logged.
typedef struct TrainStep {
    uint64_t step;  // from 0
    uint64_t epoch; // from 0; 0 for given batches
    double learning_rate;
    double loss; // mean over the labels of the step (HEAD_SPAN: half the sum of start and end loss)
    double grad_norm; // before clipping, over all trained tensors
    size_t n_sequences, n_tokens;
} TrainStep;

// One look at the validation part.
typedef struct TrainEvaluation {
    uint64_t epoch;    // epochs done
    uint64_t step;     // steps done
    double train_loss; // mean of the step losses since the last evaluation
    double loss;       // on the validation examples, without dropout; NaN where there are none
    double metric;     // what options->evaluate gave; NaN without one
    int is_best;
} TrainEvaluation;

typedef enum TrainMonitor {
    MONITOR_NONE,   // no early stopping; the last weights stay
    MONITOR_LOSS,   // validation loss, lower is better
    MONITOR_METRIC, // what evaluate gives, higher is better
} TrainMonitor;

// Zero means the default stated; a field whose zero is meant has its own rule.
typedef struct TrainOptions {
    double learning_rate; // default 5e-5
    // As given, 0 = none; never on biases and norm weights (tensors of one dimension).
    double weight_decay;
    double beta1, beta2, epsilon; // defaults 0.9, 0.999, 1e-8
    Schedule schedule;
    uint64_t warmup_steps; // as given; used where warmup_ratio is 0
    double warmup_ratio;   // of all steps, rounded up, as Transformers does
    unsigned n_cycles;     // of SCHEDULE_COSINE_RESTARTS; default 1
    double clip_norm;      // global norm; 0 = no clipping
    size_t batch_size;     // sequences; default 16
    // Batches a step; default 1. The step is that of one batch `accumulate` times as large.
    size_t accumulate;
    double epochs;      // default 3; a fraction ends within an epoch
    uint64_t max_steps; // where not 0, this many steps instead of epochs
    // The run ends here though its schedule is that of all epochs or steps; 0 = at its end. What is learnt until here does
    // not depend on it, so a state that was kept goes on beyond it.
    double until_epochs;
    uint64_t until_steps;
    const MaskOptions *
        masking; // of HEAD_MASKED_LM: each epoch asks about other tokens; NULL: as the examples say
    double dropout;             // of every place; negative = as config.json says
    uint64_t seed;              // order, dropout, re-sampling
    const float *class_weights; // [n_labels] weights of the classes in the loss, or NULL
    int balance_classes; // draws examples with replacement so that classes come equally often (HEAD_SEQUENCE)
    // [n_examples] groups that are to come equally often, in place of classes; negative: in none, drawn as often as there are
    // such examples. NULL = off. Borrowed for the run.
    const int32_t *balance_groups;
    float label_smoothing;
    const DistillOptions *distill; // a teacher; NULL = labels alone
    // "embeddings,0-3": parts that stay as they are; also "encoder" for all below the head, "name:*.bias" for tensors.
    Slice freeze;
    const LoraOptions
        *lora; // adapters in place of the layers themselves (models/training/lora.h); NULL = off
    // Epochs a group: the head alone first, then one block more each time; 0 = off.
    unsigned gradual_unfreezing;
    double layer_decay; // learning rate of block i times layer_decay^(n_layers - i); 0 = 1 = off
    size_t n_lanes;     // default 4, at most 16; it changes bits
    int bf16_products; // dense layers multiply in bf16 and add in f32; weights, gradients and all else are f32
    int gradient_checkpointing; // activations of blocks are computed anew in the backward pass: less memory, the same bits
    int sort_by_length; // batches of similar length: the order within windows of 32 batches is by length

    // Validation and stopping, once an epoch.
    const TrainExample *validation;
    size_t n_validation;
    TrainMonitor monitor;
    unsigned patience; // evaluations without a new best before stopping; 0 = never stop early
    double min_delta;  // what counts as better
    Status (*evaluate)(void *context, Model *model, double *metric, Error *err); // may be NULL

    // Called after each step and each evaluation, in order, from the calling thread; may be NULL.
    void (*on_step)(void *context, const TrainStep *step);
    void (*on_evaluation)(void *context, const TrainEvaluation *evaluation);
    void *context;

    // File for the full state, or NULL. Where it is present the run goes on from there, after a check that it is of this
    // very run. It is removed when the run ends well.
    const char *checkpoint;
    double checkpoint_seconds; // default 60
    int keep_checkpoint; // the state stays where the run ends well, to go on from with a later `until`
    // Where *cancel becomes non-zero: the step is finished, the state saved, and STATUS_CANCELLED given.
    const atomic_int *cancel;
} TrainOptions;

typedef struct TrainResult {
    uint64_t n_steps; // done, those before a resumption included
    uint64_t planned_steps;
    double epochs;                 // done
    uint64_t best_step;            // whose weights the model has now; n_steps without a monitor
    double best_loss, best_metric; // NaN where not measured
    double last_train_loss;
    uint64_t n_tokens; // trained on, every epoch counted
    int stopped_early;
    int resumed;
} TrainResult;

// Tunes the model on the examples. On success it holds the best weights (or the last ones, without a monitor). A loss or
// gradient that is not finite gives STATUS_DIVERGED, naming step and learning rate; the weights are then those before
// that step. Examples, options and what they point to are borrowed for the call.
Status model_train(Model *model, Pool *pool, const TrainExample *examples, size_t n_examples,
                   const TrainOptions *options, TrainResult *result, Error *err) MUST_CHECK;

// One step for each batch given, in this order; epochs, batch_size, accumulate, balance_classes and validation are not
// used. Batch i holds examples[starts[i] .. starts[i + 1] - 1]; starts has n_batches + 1 entries.
Status model_train_batches(Model *model, Pool *pool, const TrainExample *examples,
                           const size_t *starts, size_t n_batches, const TrainOptions *options,
                           TrainResult *result, Error *err) MUST_CHECK;

// Mean loss over examples, without dropout and without a teacher; class weights and smoothing as in options (may be NULL).
Status model_loss(Model *model, Pool *pool, const TrainExample *examples, size_t n_examples,
                  const TrainOptions *options, double *loss, Error *err) MUST_CHECK;

// Steps that model_train will take for n examples, until_... heeded.
uint64_t train_planned_steps(const TrainOptions *options, size_t n_examples);

// Class weights that let every class count alike: weights[c] = n / (n_labels * examples of class c), as scikit-learn's
// class_weight="balanced"; 0 for a class without examples. For HEAD_SEQUENCE; ignored labels do not count.
void train_balanced_weights(const TrainExample *examples, size_t n_examples, size_t n_labels,
                            float *weights);

// Reads "embeddings,0-3,7": frozen[0] is for the embeddings, frozen[1 + i] for block i, [1 + n_layers] for the head. Of
// tensors by name ("name:*.bias") the form alone is checked.
Status train_parse_freeze(Slice text, size_t n_layers, unsigned char *frozen,
                          Error *err) MUST_CHECK;

// The same for each parameter of the model's tape, tensors by name included: "name:encoder.block.*.layer.0.*", where * is
// any run of characters; frozen may be NULL, to check alone. A name that no tensor has is refused, and one that takes a part of what is stacked.
Status train_freeze(const Model *model, Slice text, bool *frozen, Error *err) MUST_CHECK;

// The gradient of the mean loss over one batch, for tests: tensor by its name in the checkpoint (rows * cols floats).
Status model_gradient(Model *model, Pool *pool, const TrainExample *batch, size_t n_examples,
                      const TrainOptions *options, Slice tensor, float *out, double *grad_norm,
                      Error *err) MUST_CHECK;

#endif
