// ELECTRA: BERT's encoder (post_norm.h) behind embeddings that may be narrower than it, without a pooler. The classifier is a
// head of its own: dense layer and GELU on the first token. Its generator is the masked LM, with outputs as wide as embeddings.
//
// Source: Clark, Luong, Le & Manning 2020, arXiv:2003.10555; names of tensors as in Transformers' modeling_electra.
#include "models/architectures/electra.h"

#include "models/architectures/post_norm.h"

static const PostNormNames names = {
    .embeddings = "electra.embeddings.",
    .projection = "electra.embeddings_project",
    .blocks = "electra.encoder.layer.",
    .qkv = {"attention.self.query", "attention.self.key", "attention.self.value"},
    .attention_output = "attention.output.dense",
    .attention_norm = "attention.output.LayerNorm",
    .inner = "intermediate.dense",
    .outer = "output.dense",
    .output_norm = "output.LayerNorm",
    .output = "generator_lm_head",
    .bias = {"generator_lm_head.bias"},
    .has_types = true,
    .drops_attention_output = true,
    .drops_output = true,
};

// The activations of both heads are GELU with erf whatever the blocks have.
static Value classifier(Tape *t, const ModelConfig *c, Value x)
{
    const float p = post_norm_head_dropout(c);
    x = post_norm_dense(t, "classifier.dense", tape_dropout(t, x, p), c->hidden_size,
                        ACTIVATION_GELU);
    return post_norm_dense(t, "classifier.out_proj", tape_dropout(t, x, p), c->n_labels,
                           ACTIVATION_NONE);
}

static Value generator(Tape *t, const ModelConfig *c, ParamId word, Value x)
{
    const Value inner =
        post_norm_dense(t, "generator_predictions.dense", x, c->embedding_size, ACTIVATION_GELU);
    const Value normed =
        tape_layer_norm(t, inner, "generator_predictions.LayerNorm", c->layer_norm_eps);
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
        return generator(t, c, word, x);
    case HEAD_CAUSAL_LM: // not among its classes
    case HEAD_SEQ2SEQ:
    case HEAD_COUNT:
        break;
    }
    return x;
}

void electra_record(Tape *t, const ModelConfig *c)
{
    ParamId word = 0;
    const Value x = post_norm_encoder(t, c, &names, &word);
    tape_output(t, head(t, c, word, x));
}
