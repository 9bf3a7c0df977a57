// ModernBERT's decoder (Ettin): ModernBERT (modernbert.c) whose tokens see what stands before them alone.
//
//     x_0 = LayerNorm(word[ids])
//     a_i = x_i + W_o attention(rope(W_q n), rope(W_k n), W_v n),  n = LayerNorm(x_i), or x_i in block 0
//     x_{i+1} = a_i + W_2 (gelu(u) * g),  (u, g) = W_1 LayerNorm(a_i)
//     h = LayerNorm(act(W_d LayerNorm(x_n))), before the output layer and the classifier
//
// Source: Weller et al. 2025, arXiv:2507.11412; names of tensors as in Transformers.
#include "models/architectures/decoder.h"
#include "models/architectures/modernbert.h"

static Value feed_forward(Tape *t, const ModelConfig *c, Value x)
{
    const DensePart both = {"Wi", 2 * c->intermediate_size};
    const Dense gates = tape_dense_parts(t, &both, 1, c->hidden_size,
                                         c->modernbert.has_mlp_bias ? 0 : DENSE_NO_BIAS);
    const Value inner = tape_dropout(t, decoder_gate(t, c, gates, x), c->dropout.mlp);
    return decoder_linear(t, inner, "Wo", c->hidden_size, c->modernbert.has_mlp_bias,
                          ACTIVATION_NONE);
}

static Value block(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    static const char *const heads[3] = {"q_proj", "k_proj", "v_proj"};
    tape_group(t, 1 + i);
    tape_prefix(t, "model.layers.%zu.", i);
    const Value n = i == 0 ? x : decoder_layer_norm(t, c, x, "attn_norm");
    tape_prefix(t, "model.layers.%zu.attn.", i);
    const Value mixed = decoder_attention(t, c, i, ropes, decoder_qkv(t, c, heads), n);
    const Value out = decoder_linear(t, mixed, "Wo", c->hidden_size,
                                     c->modernbert.has_attention_bias, ACTIVATION_NONE);
    const Value a =
        tape_add(t, decoder_rows(t, c, i, x), tape_dropout(t, out, c->dropout.attention));
    tape_prefix(t, "model.layers.%zu.", i);
    const Value m = decoder_layer_norm(t, c, a, "mlp_norm");
    tape_prefix(t, "model.layers.%zu.mlp.", i);
    return tape_add(t, a, feed_forward(t, c, m));
}

static Value head_layer(Tape *t, const ModelConfig *c, const char *dense, const char *norm, Value x)
{
    const Value inner = decoder_linear(t, x, dense, c->hidden_size, c->modernbert.has_head_bias,
                                       c->modernbert.head_activation);
    return decoder_layer_norm(t, c, inner, norm);
}

static Value head(Tape *t, const ModelConfig *c, ParamId table, Value x)
{
    if (c->head == HEAD_EMBEDDING) return decoder_head(t, c, table, "decoder", x);
    x = decoder_read_rows(t, c, x);
    if (c->head == HEAD_CAUSAL_LM)
        return decoder_next_token(t, c, table, "decoder",
                                  head_layer(t, c, "lm_head.dense", "lm_head.norm", x));
    const Value inner =
        tape_dropout(t, head_layer(t, c, "head.dense", "head.norm", x), c->dropout.classifier);
    return decoder_linear(t, inner, "classifier", c->n_labels, c->modernbert.has_head_bias,
                          ACTIVATION_NONE);
}

void modernbert_decoder_record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {.prefix = "model.",
                                       .words = "embeddings.tok_embeddings",
                                       .words_norm = "embeddings.norm",
                                       .norm = decoder_layer_norm,
                                       .last_norm = "final_norm",
                                       .head = head};
    decoder_record(t, c, &frame, block);
}
