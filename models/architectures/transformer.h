// The encoder-decoder of post-norm blocks, as BART and Marian have it: blocks, and what both read of config.json.
//
//     encoder:  a = LayerNorm(x + attention(x, x));  x' = LayerNorm(a + W_2 act(W_1 a))
//     decoder:  a = LayerNorm(y + causal attention(y, y));  b = LayerNorm(a + attention(a, x))
//               y' = LayerNorm(b + W_2 act(W_1 b))
//     logits = y E^T + final_logits_bias, with the table E of the embeddings
//
// Source: Vaswani et al. 2017, arXiv:1706.03762, figure 1; names of tensors as in Transformers' modeling_bart.
#ifndef ASSAY_MODELS_ARCHITECTURES_TRANSFORMER_H
#define ASSAY_MODELS_ARCHITECTURES_TRANSFORMER_H

#include "models/architecture.h"

// Blocks on the embeddings of the source and of the targets, and the tied output layer. Every hidden state is marked, and
// the output is set. Call after the embeddings are recorded; shared: their table.
void transformer_record(Tape *tape, const ModelConfig *config, ParamId shared, Value source,
                        Value targets);

// The members that all of the family have.
Status transformer_read_config(const Json *root, ModelConfig *config, Error *err) MUST_CHECK;
void transformer_write_config(const ModelConfig *config, JsonWriter *w);

#endif
