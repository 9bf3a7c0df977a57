// MPNet: BERT's encoder (post_norm.h) with biases by relative position that all blocks share, without token types; positions
// as RoBERTa counts them. Most sentence encoders of sentence-transformers that are not MiniLM are one.
//
//     score[i][j] = q[i] . k[j] / sqrt(head_dim) + bias[bucket(j - i)]
//
// Source: Song, Tan, Qin, Lu & Liu 2020, arXiv:2004.09297; names of tensors as in Transformers' modeling_mpnet.
#include "models/architectures/mpnet.h"

#include "models/architectures/post_norm.h"

static const PostNormNames names = {
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

// The masked LM's activation is GELU with erf whatever the blocks have.
void mpnet_record(Tape *t, const ModelConfig *c)
{
    const float p = c->hidden_dropout;
    const PostNormHead head = {.pooler = "classifier.dense",
                               .pooler_activation = ACTIVATION_TANH,
                               .pooler_dropout = &p,
                               .classifier = "classifier.out_proj",
                               .classifier_dropout = p,
                               .token_dropout = p,
                               .transform = "lm_head.dense",
                               .transform_norm = "lm_head.layer_norm",
                               .transform_activation = ACTIVATION_GELU};
    post_norm_record(t, c, &names, &head);
}
