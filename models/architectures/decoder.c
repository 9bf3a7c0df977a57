#include "models/architectures/decoder.h"

#include <math.h>

#include "models/architecture.h"
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
    const bool reads_rows = c->head == HEAD_CAUSAL_LM || c->head == HEAD_SEQUENCE ||
                            (c->head == HEAD_EMBEDDING && c->pool != POOL_MEAN);
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

static Value layer(Tape *t, const char *name, Value x, size_t n_out, unsigned flags)
{
    const DensePart part = {name, n_out};
    return tape_linear(t, x, tape_dense_parts(t, &part, 1, value_cols(x), flags), ACTIVATION_NONE);
}

static Value next_token(Tape *t, const ModelConfig *c, ParamId table, Value x)
{
    const Value logits = c->is_tied ? tape_linear_tied(t, x, table, PARAM_NONE)
                                    : layer(t, "lm_head", x, c->vocab_size, DENSE_NO_BIAS);
    return c->output_soft_cap > 0 ? tape_soft_cap(t, logits, c->output_soft_cap) : logits;
}

// Rows that someone reads: those of the last block already, where it is cut.
static Value read_rows(Tape *t, const ModelConfig *c, Value x)
{
    return c->n_layers > 0 && decoder_is_cut(c, c->n_layers - 1) ? x : tape_output_rows(t, x);
}

static Value tags(Tape *t, const ModelConfig *c, Value x)
{
    const char *tagger = c->architecture->tagger ? c->architecture->tagger : "score";
    const float p = c->classifier_dropout >= 0 ? c->classifier_dropout : c->hidden_dropout;
    return layer(t, tagger, tape_dropout(t, x, p), c->n_labels, 0);
}

static Value head(Tape *t, const ModelConfig *c, ParamId table, Value x)
{
    switch (c->head) {
    case HEAD_EMBEDDING:
        return c->pool == POOL_MEAN ? tape_mean_pool(t, x) : read_rows(t, c, x);
    case HEAD_SEQUENCE:
        return layer(t, "score", read_rows(t, c, x), c->n_labels, DENSE_NO_BIAS);
    case HEAD_TOKEN:
        return tags(t, c, x);
    case HEAD_SPAN:
        return layer(t, "qa_outputs", x, 2, 0);
    case HEAD_CAUSAL_LM:
        return next_token(t, c, table, read_rows(t, c, x));
    case HEAD_MASKED_LM: // not among its classes
    case HEAD_SEQ2SEQ:
    case HEAD_COUNT:
        break;
    }
    return x;
}

void decoder_output(Tape *t, const ModelConfig *c, ParamId table, Value x)
{
    tape_hidden(t, x);
    tape_group(t, 1 + c->n_layers);
    tape_prefix(t, "%s", "");
    tape_output(t, head(t, c, table, x));
}
