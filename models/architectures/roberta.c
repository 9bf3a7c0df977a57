// RoBERTa and XLM-R: BERT's encoder (post_norm.h) without a pooler. Positions start one row after the padding's, and pads
// are not counted (roberta_config.c). The classifier is a head of its own: dense layer and tanh on the first token.
//
// Sources: Liu et al. 2019, arXiv:1907.11692; Conneau et al. 2020, arXiv:1911.02116; names of tensors as in Transformers'
// modeling_roberta.
#include "models/architectures/roberta.h"

#include "models/architectures/post_norm.h"

static const PostNormNames names = {
    .embeddings = "roberta.embeddings.",
    .blocks = "roberta.encoder.layer.",
    .qkv = {"attention.self.query", "attention.self.key", "attention.self.value"},
    .attention_output = "attention.output.dense",
    .attention_norm = "attention.output.LayerNorm",
    .inner = "intermediate.dense",
    .outer = "output.dense",
    .output_norm = "output.LayerNorm",
    .output = "lm_head.decoder",
    .bias = {"lm_head.bias"},
    .has_types = true,
    .drops_attention_output = true,
    .drops_output = true,
};

static Value classifier(Tape *t, const ModelConfig *c, Value x)
{
    const float p = post_norm_head_dropout(c);
    x = post_norm_dense(t, "classifier.dense", tape_dropout(t, x, p), c->hidden_size,
                        ACTIVATION_TANH);
    return post_norm_dense(t, "classifier.out_proj", tape_dropout(t, x, p), c->n_labels,
                           ACTIVATION_NONE);
}

// The activation is GELU with erf whatever the blocks have.
static Value masked_lm(Tape *t, const ModelConfig *c, ParamId word, Value x)
{
    const Value inner = post_norm_dense(t, "lm_head.dense", x, c->hidden_size, ACTIVATION_GELU);
    const Value normed = tape_layer_norm(t, inner, "lm_head.layer_norm", c->layer_norm_eps);
    return post_norm_vocabulary(t, c, &names, word, normed);
}

static Value head(Tape *t, const ModelConfig *c, ParamId word, Value x)
{
    post_norm_begin_head(t, c);
    switch (c->head) {
    case HEAD_EMBEDDING:
        return post_norm_pool(t, c, x);
    case HEAD_SEQUENCE:
        return classifier(t, c, x);
    case HEAD_TOKEN:
        return post_norm_dense(t, "classifier", tape_dropout(t, x, post_norm_head_dropout(c)),
                               c->n_labels, ACTIVATION_NONE);
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

void roberta_record(Tape *t, const ModelConfig *c)
{
    ParamId word = 0;
    const Value x = post_norm_encoder(t, c, &names, &word);
    tape_output(t, head(t, c, word, x));
}
