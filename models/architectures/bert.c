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

static Value masked_lm(Tape *t, const ModelConfig *c, ParamId word, Value x)
{
    tape_prefix(t, "cls.predictions.");
    const Value inner = post_norm_dense(t, "transform.dense", x, c->hidden_size, c->activation);
    const Value normed = tape_layer_norm(t, inner, "transform.LayerNorm", c->layer_norm_eps);
    return post_norm_vocabulary(t, c, &names, word, normed);
}

// x: hidden states, of one token of each sequence where the head reads no others.
static Value head(Tape *t, const ModelConfig *c, ParamId word, Value x)
{
    const float p = post_norm_head_dropout(c);
    post_norm_begin_head(t, c);
    switch (c->head) {
    case HEAD_EMBEDDING:
        return post_norm_pool(t, c, x);
    case HEAD_SEQUENCE:
        x = post_norm_dense(t, "bert.pooler.dense", x, c->hidden_size, ACTIVATION_TANH);
        return post_norm_dense(t, "classifier", tape_dropout(t, x, p), c->n_labels,
                               ACTIVATION_NONE);
    case HEAD_TOKEN:
        return post_norm_dense(t, "classifier", tape_dropout(t, x, p), c->n_labels,
                               ACTIVATION_NONE);
    case HEAD_SPAN:
        return post_norm_dense(t, "qa_outputs", x, 2, ACTIVATION_NONE);
    case HEAD_MASKED_LM:
        return masked_lm(t, c, word, x);
    case HEAD_CAUSAL_LM: // not among its classes
    case HEAD_SEQ2SEQ:
    case HEAD_COUNT:
        break;
    }
    return x;
}

void bert_record(Tape *t, const ModelConfig *c)
{
    ParamId word = 0;
    const Value x = post_norm_encoder(t, c, &names, &word);
    tape_output(t, head(t, c, word, x));
}
