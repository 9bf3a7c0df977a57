// DistilBERT: BERT's encoder (post_norm.h) with half the blocks, without token types and without a pooler; the classifier
// has a dense layer and ReLU of its own instead.
//
// Source: Sanh, Debut, Chaumond & Wolf 2019, arXiv:1910.01108; names of tensors as in Transformers' modeling_distilbert.
#include "models/architectures/distilbert.h"

#include "models/architectures/post_norm.h"

static const PostNormNames names = {
    .embeddings = "distilbert.embeddings.",
    .blocks = "distilbert.transformer.layer.",
    .qkv = {"attention.q_lin", "attention.k_lin", "attention.v_lin"},
    .attention_output = "attention.out_lin",
    .attention_norm = "sa_layer_norm",
    .inner = "ffn.lin1",
    .outer = "ffn.lin2",
    .output_norm = "output_layer_norm",
    .output = "vocab_projector",
    .bias = {"vocab_projector.bias"},
    .drops_output = true,
};

static Value masked_lm(Tape *t, const ModelConfig *c, ParamId word, Value x)
{
    const Value inner = post_norm_dense(t, "vocab_transform", x, c->hidden_size, c->activation);
    const Value normed = tape_layer_norm(t, inner, "vocab_layer_norm", c->layer_norm_eps);
    return post_norm_vocabulary(t, c, &names, word, normed);
}

static Value head(Tape *t, const ModelConfig *c, ParamId word, Value x)
{
    post_norm_begin_head(t, c);
    switch (c->head) {
    case HEAD_EMBEDDING:
        return post_norm_pool(t, c, x);
    case HEAD_SEQUENCE:
        x = post_norm_dense(t, "pre_classifier", x, c->hidden_size, ACTIVATION_RELU);
        return post_norm_dense(t, "classifier", tape_dropout(t, x, post_norm_head_dropout(c)),
                               c->n_labels, ACTIVATION_NONE);
    case HEAD_TOKEN:
        return post_norm_dense(t, "classifier", tape_dropout(t, x, c->hidden_dropout), c->n_labels,
                               ACTIVATION_NONE);
    case HEAD_SPAN:
        return post_norm_dense(t, "qa_outputs", tape_dropout(t, x, c->span_dropout), 2,
                               ACTIVATION_NONE);
    case HEAD_MASKED_LM:
        return masked_lm(t, c, word, x);
    case HEAD_CAUSAL_LM: // not among its classes
    case HEAD_SEQ2SEQ:
    case HEAD_COUNT:
        break;
    }
    return x;
}

void distilbert_record(Tape *t, const ModelConfig *c)
{
    ParamId word = 0;
    const Value x = post_norm_encoder(t, c, &names, &word);
    tape_output(t, head(t, c, word, x));
}
