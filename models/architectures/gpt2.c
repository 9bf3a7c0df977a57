// GPT-2: a decoder of pre-norm blocks with learned positions.
//
//     x_0 = word[ids] + position[0..]
//     a_i = x_i + W_o attention(W_q n, W_k n, W_v n),  n = LayerNorm(x_i)
//     x_{i+1} = a_i + W_2 gelu(W_1 LayerNorm(a_i))
//
// Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3; names of tensors as in
// Transformers, whose weights have their inputs first.
#include "models/architectures/gpt2.h"

#include <math.h>

#include "models/architectures/decoder.h"

static Dense dense(Tape *t, const char *name, size_t n_in, size_t n_out)
{
    const DensePart part = {name, n_out};
    return tape_dense_parts(t, &part, 1, n_in, DENSE_INPUT_FIRST);
}

static Value attention(Tape *t, const ModelConfig *c, size_t i, Dense qkv, Value x)
{
    const size_t h = c->hidden_size;
    float scale = c->attention.scale > 0 ? c->attention.scale : 1.0f / sqrtf((float)c->head_dim);
    if (c->attention.scales_by_layer) scale /= (float)(i + 1);
    const TapeAttention attention = {.n_heads = c->n_heads,
                                     .n_kv_heads = c->n_heads,
                                     .head_dim = c->head_dim,
                                     .scale = scale,
                                     .is_causal = true,
                                     .dropout = c->dropout.attention,
                                     .is_cached = true};
    if (decoder_is_cut(c, i)) {
        const Value kv = tape_linear_part(t, x, qkv, h, 3 * h, ACTIVATION_NONE);
        const Value q = tape_linear_part(t, tape_output_rows(t, x), qkv, 0, h, ACTIVATION_NONE);
        return tape_attention(t, q, tape_columns(t, kv, 0, h), tape_columns(t, kv, h, 2 * h),
                              &attention);
    }
    const Value all = tape_linear(t, x, qkv, ACTIVATION_NONE);
    return tape_attention(t, tape_columns(t, all, 0, h), tape_columns(t, all, h, 2 * h),
                          tape_columns(t, all, 2 * h, 3 * h), &attention);
}

static Value norm(Tape *t, const ModelConfig *c, Value x, const char *name)
{
    return tape_layer_norm(t, x, name, c->layer_norm_eps);
}

static Value block(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    const size_t h = c->hidden_size, n = c->intermediate_size;
    (void)ropes; // positions are learned
    tape_group(t, 1 + i);
    tape_prefix(t, "transformer.h.%zu.", i);
    const Value normed = norm(t, c, x, "ln_1");
    const Value mixed = attention(t, c, i, dense(t, "attn.c_attn", h, 3 * h), normed);
    const Value out = tape_linear(t, mixed, dense(t, "attn.c_proj", h, h), ACTIVATION_NONE);
    const Value a = tape_add(t, decoder_rows(t, c, i, x), tape_dropout(t, out, c->dropout.hidden));
    const Value m = norm(t, c, a, "ln_2");
    const Value inner = tape_linear(t, m, dense(t, "mlp.c_fc", h, n), c->activation);
    const Value outer = tape_linear(t, inner, dense(t, "mlp.c_proj", n, h), ACTIVATION_NONE);
    return tape_add(t, a, tape_dropout(t, outer, c->dropout.hidden));
}

void gpt2_record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_GPT_FRAME, .positions = "wpe", .norm = norm};
    decoder_record(t, c, &frame, block);
}
