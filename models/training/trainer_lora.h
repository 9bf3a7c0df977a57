// models/training/trainer_lora.h: the adapters of a tuning run (models/training/lora.h); for the .c files of this folder only.
#ifndef ASSAY_MODELS_TRAINER_LORA_H
#define ASSAY_MODELS_TRAINER_LORA_H

#include "models/model_internal.h"
#include "models/training/lora.h"

typedef struct Trainer Trainer;

// One adapter: of a tensor of the checkpoint, which may be a part of a parameter.
typedef struct LoraAdapter {
    Slice module; // the tensor's name without ".weight"
    size_t param;
    size_t row, n_out, n_in; // rows [row, row + n_out) of the parameter
    RowOrder order;          // of B's rows where a file has them
    size_t a, b;             // floats into values: A [rank, n_in] and B [n_out, rank] after it
} LoraAdapter;

// A parameter with adapters: adapters[first .. first + n).
typedef struct LoraTarget {
    size_t param;
    size_t first, n;
    size_t base; // floats into `base`: its rows as the run found them
} LoraTarget;

typedef struct Lora {
    size_t rank;
    float scale;
    LoraAdapter *adapters;
    size_t n_adapters;
    LoraTarget *targets;
    size_t n_targets;
    bool *is_adapted; // [n_params]
    size_t n_values;
    float *values, *gradients, *first_moments, *second_moments; // [n_values]
    float *base;                                                // rows of every target
    double *norms;                                              // [n_targets] squared
} Lora;

// Whether a tensor of the head is learned beside adapters: the dense layers that a task's head is made of, but not a pooler
// that came with the encoder, nor norms, nor an output layer tied to the embedding.
bool lora_trains_head(const Model *model, size_t param);

// Finds the layers, takes memory, fills A and B, and merges them in. frozen: [n_params] as train_freeze gave it. NULL
// stays in *out where options is NULL.
Status lora_start(Lora **out, Arena *arena, Model *model, const LoraOptions *options,
                  const bool *frozen, uint64_t seed, Error *err) MUST_CHECK;
// W + s B A of every target into the model's weights.
Status lora_merge(const Lora *lora, Model *model, Pool *pool, Error *err) MUST_CHECK;
// Brings back the layers as the run found them. lora may be NULL.
void lora_undo(const Lora *lora, Model *model);
// dA and dB of every target that is trained now from its gradient in lane 0; adds their squared norms in order.
Status lora_gradients(Trainer *trainer, double *norm, Error *err) MUST_CHECK;
// AdamW on the adapters that are trained now, and the merge.
Status lora_update(Trainer *trainer, double learning_rate, double gradient_scale,
                   Error *err) MUST_CHECK;

#endif
