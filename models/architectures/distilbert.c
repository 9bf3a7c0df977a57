// DistilBERT: BERT's encoder (encoder.h) with half the blocks, without token types and without a pooler; the classifier
// has a dense layer and ReLU of its own instead.
//
// Source: Sanh, Debut, Chaumond & Wolf 2019, arXiv:1910.01108; names of tensors as in Transformers' modeling_distilbert.
#include "models/architectures/distilbert.h"

#include "models/architectures/encoder.h"

static const EncoderNames names = {
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

void distilbert_record(Tape *t, const ModelConfig *c)
{
    const EncoderHead head = {.pooler = "pre_classifier",
                              .pooler_activation = ACTIVATION_RELU,
                              .classifier = "classifier",
                              .classifier_dropout = encoder_head_dropout(c),
                              .token_dropout = c->dropout.hidden,
                              .span_dropout = &c->dropout.span,
                              .transform = "vocab_transform",
                              .transform_norm = "vocab_layer_norm",
                              .transform_activation = c->activation};
    encoder_record(t, c, &names, &head);
}
