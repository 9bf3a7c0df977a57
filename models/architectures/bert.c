// BERT: an encoder of post-norm blocks (post_norm.h) with a pooler: a dense layer and tanh on the first token.
//
// Source: Devlin, Chang, Lee & Toutanova 2019, arXiv:1810.04805; names of tensors as in Transformers' modeling_bert.
#include "models/architectures/bert.h"

#include "models/architectures/post_norm.h"

static const PostNormNames names = {
    .embeddings = "bert.embeddings.",
    .blocks = "bert.encoder.layer.",
    .qkv = {"attention.self.query", "attention.self.key", "attention.self.value"},
    .attention_output = "attention.output.dense",
    .attention_norm = "attention.output.LayerNorm",
    .inner = "intermediate.dense",
    .outer = "output.dense",
    .output_norm = "output.LayerNorm",
    .output = "cls.predictions.decoder",
    .bias = {"cls.predictions.bias"},
    .has_types = true,
    .drops_attention_output = true,
    .drops_output = true,
};

void bert_record(Tape *t, const ModelConfig *c)
{
    const float p = post_norm_head_dropout(c);
    const PostNormHead head = {.pooler = "bert.pooler.dense",
                               .pooler_activation = ACTIVATION_TANH,
                               .classifier = "classifier",
                               .classifier_dropout = p,
                               .token_dropout = p,
                               .transform = "cls.predictions.transform.dense",
                               .transform_norm = "cls.predictions.transform.LayerNorm",
                               .transform_activation = c->activation};
    post_norm_record(t, c, &names, &head);
}
