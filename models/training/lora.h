// models/training/lora.h: low-rank adapters: what of a dense layer is learned is a product of two thin matrices.
//
//     y = (W + s B A) x + b,   s = alpha / rank,   A [rank, n_in],   B [n_out, rank]
//
// Source: Hu et al. 2021, arXiv:2106.09685. The layers of the encoder stay as they are; adapters are learned, and with them
// the dense layers that make up a new task's head (lora_trains_head).
//
// The model holds W + s B A all the time: before each step it is put together from the W that the run began with, which so
// never drifts, and the gradients of A and B follow from that of the whole layer: dB = s dW A^T, dA = s B^T dW. So every
// program, and whatever is saved, evaluated or kept as the best weights, is merged as it stands, for each architecture; what
// it costs is dW of the layers named, a small part of the backward pass.
#ifndef ASSAY_MODELS_LORA_H
#define ASSAY_MODELS_LORA_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

typedef struct LoraOptions {
    size_t rank;
    double alpha; // 0 = twice the rank
    // Last parts of the names of layers ("query", "v_proj"); none = lora_default_targets, those of them that the model has.
    const Slice *targets;
    size_t n_targets;
    // A safetensors file with a start for every adapter: MODULE.lora_A and MODULE.lora_B, also with "lora.init." or
    // "base_model.model." before and ".weight" after. NULL: A is uniform within 1 / sqrt(n_in), drawn from the run's seed,
    // and B is 0.
    const char *init;
} LoraOptions;

// Queries and values, or the layer that holds them, as the architectures spell them. Ends with NULL.
extern const char *const lora_default_targets[];

// "rank=4,alpha=8,targets=query+value,init=FILE": rank ("r") alone is needed. Text is copied into the arena.
Status lora_parse(Arena *arena, Slice text, LoraOptions *out, Error *err) MUST_CHECK;

#endif
