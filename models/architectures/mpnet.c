// MPNet: BERT's encoder (encoder.h) with biases by relative position that all blocks share, without token types; positions
// as RoBERTa counts them. Most sentence encoders of sentence-transformers that are not MiniLM are one.
//
//     score[i][j] = q[i] . k[j] / sqrt(head_dim) + bias[bucket(j - i)]
//
// Source: Song, Tan, Qin, Lu & Liu 2020, arXiv:2004.09297; names of tensors as in Transformers' modeling_mpnet.
#include "models/architectures/mpnet.h"

#include "models/architectures/encoder.h"

static const EncoderNames names = {
    .embeddings = "mpnet.embeddings.",
    .relative_bias = "mpnet.encoder.relative_attention_bias",
    .blocks = "mpnet.encoder.layer.",
    .qkv = {"attention.attn.q", "attention.attn.k", "attention.attn.v"},
    .attention_output = "attention.attn.o",
    .attention_norm = "attention.LayerNorm",
    .inner = "intermediate.dense",
    .outer = "output.dense",
    .output_norm = "output.LayerNorm",
    .output = "lm_head.decoder",
    .bias = {"lm_head.bias"},
    .drops_attention_output = true,
    .drops_output = true,
};

void mpnet_record(Tape *t, const ModelConfig *c)
{
    encoder_record_roberta(t, c, &names, c->dropout.hidden);
}
