// ALBERT: BERT's encoder (encoder.h) with narrow embeddings, which a layer widens, and blocks that share their parameters: all
// of them, or those of a group. A pooler as BERT's; the masked LM's outputs are as wide as the embeddings.
//
// Source: Lan et al. 2020, arXiv:1909.11942, section 3.1; names of tensors as in Transformers' modeling_albert.
#include "models/architectures/albert.h"

#include "models/architectures/encoder.h"

static const EncoderNames names = {
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

void albert_record(Tape *t, const ModelConfig *c)
{
    const EncoderHead head =
        encoder_pooled_head(c, "albert.pooler", "predictions.dense", "predictions.LayerNorm");
    encoder_record(t, c, &names, &head);
}
