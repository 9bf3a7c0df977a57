// RoBERTa and XLM-R: BERT's encoder (encoder.h) without a pooler. Positions start one row after the padding's, and pads
// are not counted (roberta_config.c). The classifier is a head of its own: dense layer and tanh on the first token. XLM-R XL and
// RoBERTa-PreLayerNorm have their norms before the layers.
//
// Sources: Liu et al. 2019, arXiv:1907.11692; Conneau et al. 2020, arXiv:1911.02116; Goyal et al. 2021, arXiv:2105.00572, section 2;
// names of tensors as in Transformers.
#include "models/architectures/roberta.h"

#include "models/architectures/encoder.h"

// Below the prefix of the model.
#define LAYERS(prefix)                                                              \
    .embeddings = prefix "embeddings.", .blocks = prefix "encoder.layer.",          \
    .qkv = {"attention.self.query", "attention.self.key", "attention.self.value"},  \
    .attention_output = "attention.output.dense", .inner = "intermediate.dense",    \
    .outer = "output.dense", .output = "lm_head.decoder", .bias = {"lm_head.bias"}, \
    .has_types = true, .drops_attention_output = true
#define NORMS_BEHIND \
    .attention_norm = "attention.output.LayerNorm", .output_norm = "output.LayerNorm"

void roberta_record(Tape *t, const ModelConfig *c)
{
    static const EncoderNames names = {LAYERS("roberta."), NORMS_BEHIND, .drops_output = true};
    encoder_record_roberta(t, c, &names, encoder_head_dropout(c));
}

void data2vec_text_record(Tape *t, const ModelConfig *c)
{
    static const EncoderNames names = {LAYERS("data2vec_text."), NORMS_BEHIND,
                                       .drops_output = true};
    encoder_record_roberta(t, c, &names, encoder_head_dropout(c));
}

void roberta_prelayernorm_record(Tape *t, const ModelConfig *c)
{
    static const EncoderNames names = {LAYERS("roberta_prelayernorm."), .drops_output = true,
                                       .attention_norm = "attention.LayerNorm",
                                       .output_norm = "intermediate.LayerNorm",
                                       .last_norm = "roberta_prelayernorm.LayerNorm"};
    encoder_record_roberta(t, c, &names, encoder_head_dropout(c));
}

void xlm_roberta_xl_record(Tape *t, const ModelConfig *c)
{
    static const EncoderNames names = {
        LAYERS("roberta."), .attention_norm = "attention.self_attn_layer_norm",
        .output_norm = "LayerNorm", .last_norm = "roberta.encoder.LayerNorm",
        .lacks_embeddings_norm = true};
    encoder_record_roberta(t, c, &names, encoder_head_dropout(c));
}
