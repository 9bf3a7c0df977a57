// DeepSeek 2 and 3: Llama's blocks with multi-head latent attention, and experts of which some are every token's.
//
//     c = RMSNorm(W_kv x), r = rope(W_r x), which all heads share;  q_h = [rope(q_h^r), q_h^n], k_h = [r, W_k,h c], v_h = W_v,h c
//     attention of q, k and v;  q = W_q x, or W_b RMSNorm(W_a x)
//
// Keys and values are made of c before the attention, and so cached: four to sixty times what c and r would take. Values are filled up
// to the width of keys, and what comes of the filling is cut off. Sources: DeepSeek-AI 2024, arXiv:2405.04434, section 2.1, and
// arXiv:2412.19437. Names of tensors as in Transformers.
#include "models/architectures/deepseek.h"

#include "models/architectures/decoder.h"

// Of the norms of compressed numbers, whatever rms_norm_eps says.
static const float latent_epsilon = 1e-6f;

static Value queries(Tape *t, const ModelConfig *c, Value x)
{
    const LatentConfig *l = &c->latent;
    const size_t n = c->n_heads * (l->plain_dims + l->turned_dims);
    if (l->q_rank == 0) return decoder_linear(t, x, "q_proj", n, false, ACTIVATION_NONE);
    const Value few =
        decoder_linear(t, x, "q_a_proj", l->q_rank, c->attention.has_qkv_bias, ACTIVATION_NONE);
    return decoder_linear(t, tape_rms_norm(t, few, "q_a_layernorm", l->q_rank, latent_epsilon, 0),
                          "q_b_proj", n, false, ACTIVATION_NONE);
}

// Columns that turn first, so that rotations find them, then the others.
static Value turned_heads(Tape *t, const ModelConfig *c, DecoderRopes ropes, const Value in[2],
                          HeadPart turned, HeadPart plain)
{
    const HeadsArgs args = {.n_heads = c->n_heads, .parts = {turned, plain}};
    return tape_rope(t, tape_heads(t, in, 2, c->head_dim, &args), c->head_dim, ropes.global);
}

static Value attention(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    const LatentConfig *l = &c->latent;
    const size_t own = l->plain_dims + l->value_dims;
    const HeadPart turned = {.n = l->turned_dims, .in_pairs = l->is_in_pairs};
    const Value all_q = queries(t, c, decoder_rows(t, c, i, x));
    const Value few = decoder_linear(t, x, "kv_a_proj_with_mqa", l->kv_rank + l->turned_dims,
                                     c->attention.has_qkv_bias, ACTIVATION_NONE);
    const Value latent = tape_rms_norm(t, tape_columns(t, few, 0, l->kv_rank), "kv_a_layernorm",
                                       l->kv_rank, latent_epsilon, 0);
    const Value kv =
        decoder_linear(t, latent, "kv_b_proj", c->n_heads * own, false, ACTIVATION_NONE);
    const Value of_q[2] = {all_q, all_q},
                of_k[2] = {tape_columns(t, few, l->kv_rank, l->kv_rank + l->turned_dims), kv};
    HeadPart of_query = turned, of_all = turned;
    of_query.begin = l->plain_dims;
    of_all.is_shared = 1;
    const HeadsArgs values = {.n_heads = c->n_heads,
                              .parts = {{.begin = l->plain_dims, .n = l->value_dims}}};
    const HeadsArgs answers = {.n_heads = c->n_heads, .parts = {{.n = l->value_dims}}};
    const HeadPart plain = {.n = l->plain_dims};
    const Value q = turned_heads(t, c, ropes, of_q, of_query, plain),
                k = turned_heads(t, c, ropes, of_k, of_all, plain),
                v = tape_heads(t, &kv, 1, c->head_dim, &values);
    const TapeAttention as = {.n_heads = c->n_heads,
                              .n_kv_heads = c->n_heads,
                              .head_dim = c->head_dim,
                              .scale = c->attention.scale,
                              .is_causal = true,
                              .dropout = c->dropout.attention,
                              .is_cached = true};
    const Value y = tape_attention(t, q, k, v, &as);
    return l->value_dims == c->head_dim ? y : tape_heads(t, &y, 1, l->value_dims, &answers);
}

static const DecoderBlockNames names = {DECODER_LLAMA_LAYERS,
                                        .norms = {"input_layernorm", "post_attention_layernorm"},
                                        .attend = attention, .gate = "gate_proj", .up = "up_proj"};

void deepseek_record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_norm, .names = &names};
    decoder_record(t, c, &frame, NULL);
}
