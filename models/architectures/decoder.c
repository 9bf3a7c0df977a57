#include "models/architectures/decoder.h"

#include <math.h>

#include "models/rope.h"

DecoderRopes decoder_ropes(Tape *t, const ModelConfig *c)
{
    const RopeId global = rope_record(t, &c->rope, c->rotary_dims, c->max_positions);
    const bool differs = c->rope_local.theta > 0;
    return (DecoderRopes){
        .global = global,
        .local =
            differs ? rope_record(t, &c->rope_local, c->rotary_dims, c->max_positions) : global};
}

Value decoder_embedding(Tape *t, const ModelConfig *c, const char *name, ParamId *table)
{
    tape_group(t, 0);
    *table = c->is_tied ? tape_tied_table(t, name, c->vocab_size, c->hidden_size, c->pad_id)
                        : tape_table(t, name, c->vocab_size, c->hidden_size, c->pad_id);
    Value x = tape_embedding(t, *table, PARAM_NONE, PARAM_NONE);
    if (c->embedding_scale > 0 && c->embedding_scale != 1.0f)
        x = tape_scale(t, x, c->embedding_scale);
    return tape_dropout(t, x, c->embedding_dropout);
}

// A part of the fused layer begins at a panel, so the queries must fill whole ones.
bool decoder_is_cut(const ModelConfig *c, size_t layer)
{
    const bool reads_rows =
        c->head == HEAD_CAUSAL_LM || (c->head == HEAD_EMBEDDING && c->pool != POOL_MEAN);
    return reads_rows && layer + 1 == c->n_layers && c->n_heads * c->head_dim % PANEL_WIDTH == 0;
}

Value decoder_rows(Tape *t, const ModelConfig *c, size_t layer, Value x)
{
    return decoder_is_cut(c, layer) ? tape_output_rows(t, x) : x;
}

static bool is_local(const ModelConfig *c, size_t layer)
{
    return c->window > 0 && (!c->is_local || c->is_local[layer]);
}

static Value head_norm(Tape *t, const ModelConfig *c, Value x, const char *name)
{
    if (!c->has_head_norms) return x;
    return tape_rms_norm(t, x, name, c->head_dim, c->layer_norm_eps, c->norm_weight_offset);
}

Value decoder_attention(Tape *t, const ModelConfig *c, size_t layer, DecoderRopes ropes, Dense qkv,
                        Value x)
{
    const size_t n_q = c->n_heads * c->head_dim, n_kv = c->n_kv_heads * c->head_dim;
    const RopeId rope = is_local(c, layer) ? ropes.local : ropes.global;
    Value q, k, v;
    if (decoder_is_cut(c, layer)) {
        const Value kv = tape_linear_part(t, x, qkv, n_q, n_q + 2 * n_kv, ACTIVATION_NONE);
        q = tape_linear_part(t, tape_output_rows(t, x), qkv, 0, n_q, ACTIVATION_NONE);
        k = tape_columns(t, kv, 0, n_kv);
        v = tape_columns(t, kv, n_kv, 2 * n_kv);
    } else {
        const Value all = tape_linear(t, x, qkv, ACTIVATION_NONE);
        q = tape_columns(t, all, 0, n_q);
        k = tape_columns(t, all, n_q, n_q + n_kv);
        v = tape_columns(t, all, n_q + n_kv, n_q + 2 * n_kv);
    }
    q = tape_rope(t, head_norm(t, c, q, "q_norm"), c->head_dim, rope);
    k = tape_rope(t, head_norm(t, c, k, "k_norm"), c->head_dim, rope);
    const float scale =
        c->attention_scale > 0 ? c->attention_scale : 1.0f / sqrtf((float)c->head_dim);
    const TapeAttention attention = {.n_heads = c->n_heads,
                                     .n_kv_heads = c->n_kv_heads,
                                     .head_dim = c->head_dim,
                                     .scale = scale,
                                     .is_causal = true,
                                     .window = is_local(c, layer) ? c->window : 0,
                                     .soft_cap = c->attention_soft_cap,
                                     .dropout = c->attention_dropout,
                                     .is_cached = true};
    return tape_attention(t, q, k, v, &attention);
}

Value decoder_gate(Tape *t, const ModelConfig *c, Dense gate_up, Value x)
{
    const size_t n = c->intermediate_size;
    const Value both = tape_linear(t, x, gate_up, ACTIVATION_NONE);
    return tape_gated(t, tape_columns(t, both, 0, n), tape_columns(t, both, n, 2 * n),
                      c->activation);
}

Value decoder_norm(Tape *t, const ModelConfig *c, Value x, const char *name)
{
    return tape_rms_norm(t, x, name, c->hidden_size, c->layer_norm_eps, c->norm_weight_offset);
}

void decoder_output(Tape *t, const ModelConfig *c, ParamId table, Value x)
{
    const size_t last = c->n_layers > 0 ? c->n_layers - 1 : 0;
    tape_hidden(t, x);
    tape_group(t, 1 + c->n_layers);
    tape_prefix(t, "%s", "");
    if (c->head != HEAD_CAUSAL_LM && c->pool == POOL_MEAN) {
        tape_output(t, tape_mean_pool(t, x));
        return;
    }
    if (c->n_layers == 0 || !decoder_is_cut(c, last)) x = tape_output_rows(t, x);
    if (c->head != HEAD_CAUSAL_LM) {
        tape_output(t, x);
        return;
    }
    Value logits;
    if (c->is_tied) {
        logits = tape_linear_tied(t, x, table, PARAM_NONE);
    } else {
        const DensePart head = {"lm_head", c->vocab_size};
        logits = tape_linear(t, x, tape_dense_parts(t, &head, 1, c->hidden_size, DENSE_NO_BIAS),
                             ACTIVATION_NONE);
    }
    if (c->output_soft_cap > 0) logits = tape_soft_cap(t, logits, c->output_soft_cap);
    tape_output(t, logits);
}
