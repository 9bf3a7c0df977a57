// ALBERT: BERT's encoder (post_norm.h) with narrow embeddings, which a layer widens, and blocks that share their parameters: all
// of them, or those of a group. A pooler as BERT's; the masked LM's outputs are as wide as the embeddings.
//
// Source: Lan et al. 2020, arXiv:1909.11942, section 3.1; names of tensors as in Transformers' modeling_albert.
#include "models/architectures/albert.h"

#include "models/architectures/post_norm.h"

static const PostNormNames names = {
    .embeddings = "albert.embeddings.",
    .projection = "albert.encoder.embedding_hidden_mapping_in",
    .always_projects = true,
    .blocks = "albert.encoder.albert_layer_groups.",
    .inner_blocks = "albert_layers.",
    .qkv = {"attention.query", "attention.key", "attention.value"},
    .attention_output = "attention.dense",
    .attention_norm = "attention.LayerNorm",
    .inner = "ffn",
    .outer = "ffn_output",
    .output_norm = "full_layer_layer_norm",
    .output = "predictions.decoder",
    .bias = {"predictions.bias"},
    .has_types = true,
    .drops_attention_output = true,
};

static Value masked_lm(Tape *t, const ModelConfig *c, ParamId word, Value x)
{
    const Value inner =
        post_norm_dense(t, "predictions.dense", x, c->embedding_size, c->activation);
    const Value normed = tape_layer_norm(t, inner, "predictions.LayerNorm", c->layer_norm_eps);
    return post_norm_vocabulary(t, c, &names, word, normed);
}

static Value head(Tape *t, const ModelConfig *c, ParamId word, Value x)
{
    const float p = post_norm_head_dropout(c);
    post_norm_begin_head(t, c);
    switch (c->head) {
    case HEAD_EMBEDDING:
        return post_norm_pool(t, c, x);
    case HEAD_SEQUENCE:
        x = post_norm_dense(t, "albert.pooler", x, c->hidden_size, ACTIVATION_TANH);
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

void albert_record(Tape *t, const ModelConfig *c)
{
    ParamId word = 0;
    const Value x = post_norm_encoder(t, c, &names, &word);
    tape_output(t, head(t, c, word, x));
}
