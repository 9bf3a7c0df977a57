// ELECTRA: BERT's encoder (encoder.h) behind embeddings that may be narrower than it, without a pooler. The classifier is a
// head of its own: dense layer and GELU on the first token. Its generator is the masked LM, with outputs as wide as embeddings.
//
// Source: Clark, Luong, Le & Manning 2020, arXiv:2003.10555; names of tensors as in Transformers' modeling_electra.
#include "models/architectures/electra.h"

#include "models/architectures/encoder.h"

static const EncoderNames names = {
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

// Of the discriminator: whether a token stands in the place of another.
static void record_discriminator(Tape *t, const ModelConfig *c)
{
    static const char *const dense[] = {"discriminator_predictions.dense"},
                             *const prediction[] = {"discriminator_predictions.dense_prediction"};
    ParamId word = 0;
    const size_t h = c->hidden_size;
    const Value x = encoder_blocks(t, c, &names, &word);
    tape_group(t, 1 + c->n_layers);
    tape_prefix(t, "%s", "");
    const Value inner = tape_linear(t, x, tape_dense(t, dense, 1, h, h), c->activation);
    tape_output(t, tape_linear(t, inner, tape_dense(t, prediction, 1, h, 1), ACTIVATION_NONE));
}

// The activations of both heads are GELU with erf whatever the blocks have.
void electra_record(Tape *t, const ModelConfig *c)
{
    if (c->is_discriminator) {
        record_discriminator(t, c);
        return;
    }
    const float p = encoder_head_dropout(c);
    const EncoderHead head = {.pooler = "classifier.dense",
                              .pooler_activation = ACTIVATION_GELU,
                              .pooler_dropout = &p,
                              .classifier = "classifier.out_proj",
                              .classifier_dropout = p,
                              .token_dropout = p,
                              .transform = "generator_predictions.dense",
                              .transform_norm = "generator_predictions.LayerNorm",
                              .transform_activation = ACTIVATION_GELU};
    encoder_record(t, c, &names, &head);
}
