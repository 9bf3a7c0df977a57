// RoBERTa and XLM-R: BERT's encoder (post_norm.h) without a pooler. Positions start one row after the padding's, and pads
// are not counted (roberta_config.c). The classifier is a head of its own: dense layer and tanh on the first token.
//
// Sources: Liu et al. 2019, arXiv:1907.11692; Conneau et al. 2020, arXiv:1911.02116; names of tensors as in Transformers'
// modeling_roberta.
#include "models/architectures/roberta.h"

#include "models/architectures/post_norm.h"

// Below the prefix of the model.
#define LAYERS(prefix)                                                                            \
    .embeddings = prefix "embeddings.", .blocks = prefix "encoder.layer.",                        \
    .qkv = {"attention.self.query", "attention.self.key", "attention.self.value"},                \
    .attention_output = "attention.output.dense", .attention_norm = "attention.output.LayerNorm", \
    .inner = "intermediate.dense", .outer = "output.dense", .output_norm = "output.LayerNorm",    \
    .output = "lm_head.decoder", .bias = {"lm_head.bias"}, .has_types = true,                     \
    .drops_attention_output = true, .drops_output = true

void roberta_record(Tape *t, const ModelConfig *c)
{
    static const PostNormNames names = {LAYERS("roberta.")};
    post_norm_record_roberta(t, c, &names, post_norm_head_dropout(c));
}

void data2vec_text_record(Tape *t, const ModelConfig *c)
{
    static const PostNormNames names = {LAYERS("data2vec_text.")};
    post_norm_record_roberta(t, c, &names, post_norm_head_dropout(c));
}
