#include "models/architectures/decoder.h"

#include <math.h>

#include "models/architecture.h"
#include "models/rope.h"

// Keys further back than any sequence is long do not occur.
static DecoderRopes alibi(Tape *t, const ModelConfig *c)
{
    const size_t reach = c->max_positions - 1;
    int32_t *distances = ARENA_NEW(t->arena, int32_t, 2 * reach + 1);
    if (!distances) {
        tape_fail(t, STATUS_MEMORY, "distances of keys");
        return (DecoderRopes){0};
    }
    for (size_t i = 0; i <= reach; i++) distances[i] = (int32_t)(reach - i);
    tape_group(t, 0);
    return (DecoderRopes){.alibi = tape_alibi(t, c->n_heads, c->max_positions, c->alibi_scale),
                          .distances = distances};
}

DecoderRopes decoder_ropes(Tape *t, const ModelConfig *c)
{
    if (c->alibi_scale > 0) return alibi(t, c);
    if (c->rotary_dims == 0) return (DecoderRopes){0};
    const RopeId global = rope_record(t, &c->rope, c->rotary_dims, c->max_positions);
    const bool differs = c->rope_local.theta > 0;
    return (DecoderRopes){
        .global = global,
        .local =
            differs ? rope_record(t, &c->rope_local, c->rotary_dims, c->max_positions) : global};
}

Value decoder_embedding(Tape *t, const ModelConfig *c, const char *name, ParamId *table)
{
    const size_t width = c->embedding_dims > 0 ? c->embedding_dims : c->hidden_size;
    tape_group(t, 0);
    *table = c->is_tied ? tape_tied_table(t, name, c->vocab_size, width, c->pad_id)
                        : tape_table(t, name, c->vocab_size, width, c->pad_id);
    Value x = tape_embedding(t, *table, PARAM_NONE, PARAM_NONE);
    if (c->embedding_scale > 0 && c->embedding_scale != 1.0f)
        x = tape_scale(t, x, c->embedding_scale);
    return tape_dropout(t, x, c->embedding_dropout);
}

Value decoder_positioned(Tape *t, const ModelConfig *c, const char *words, const char *positions,
                         ParamId *table)
{
    tape_group(t, 0);
    *table = c->is_tied ? tape_tied_table(t, words, c->vocab_size, c->hidden_size, -1)
                        : tape_table(t, words, c->vocab_size, c->hidden_size, -1);
    const ParamId position = tape_table(t, positions, c->max_positions, c->hidden_size, -1);
    return tape_dropout(t, tape_embedding(t, *table, position, PARAM_NONE), c->embedding_dropout);
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

Value decoder_linear(Tape *t, Value x, const char *name, size_t n_out, bool has_bias,
                     Activation activation)
{
    const DensePart part = {name, n_out};
    const unsigned flags = has_bias ? 0 : DENSE_NO_BIAS;
    return tape_linear(t, x, tape_dense_parts(t, &part, 1, value_cols(x), flags), activation);
}

Dense decoder_qkv(Tape *t, const ModelConfig *c, const char *const names[3])
{
    const size_t n_q = c->n_heads * c->head_dim, n_kv = c->n_kv_heads * c->head_dim;
    const DensePart parts[] = {{names[0], n_q}, {names[1], n_kv}, {names[2], n_kv}};
    return tape_dense_parts(t, parts, 3, c->hidden_size, c->has_qkv_bias ? 0 : DENSE_NO_BIAS);
}

Dense decoder_fused_qkv(Tape *t, const ModelConfig *c, const char *name, size_t n_groups)
{
    const DensePart part = {name, (c->n_heads + 2 * c->n_kv_heads) * c->head_dim};
    const RowOrder order = {.head_dim = c->head_dim, .n_groups = n_groups};
    const Dense dense =
        tape_dense_parts(t, &part, 1, c->hidden_size, c->has_qkv_bias ? 0 : DENSE_NO_BIAS);
    tape_row_order(t, dense, 0, order);
    return dense;
}

static Value head_norm(Tape *t, const ModelConfig *c, Value x, const char *name)
{
    if (!c->has_head_norms) return x;
    const size_t width = c->norms_all_heads ? value_cols(x) : c->head_dim;
    return tape_rms_norm(t, x, name, width, c->layer_norm_eps, c->norm_weight_offset);
}

static Value turn(Tape *t, const ModelConfig *c, size_t layer, DecoderRopes ropes, Value x)
{
    if (c->rotary_dims == 0 || (c->unrotated && c->unrotated[layer])) return x;
    return tape_rope(t, x, c->head_dim, is_local(c, layer) ? ropes.local : ropes.global);
}

Value decoder_attention(Tape *t, const ModelConfig *c, size_t layer, DecoderRopes ropes, Dense qkv,
                        Value x)
{
    const size_t n_q = c->n_heads * c->head_dim, n_kv = c->n_kv_heads * c->head_dim;
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
    q = turn(t, c, layer, ropes, head_norm(t, c, q, "q_norm"));
    k = turn(t, c, layer, ropes, head_norm(t, c, k, "k_norm"));
    const ParamId sinks =
        c->has_sinks ? tape_vector(t, "sinks", c->n_heads, INIT_NORMAL) : PARAM_NONE;
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
                                     .relative_bucket = ropes.distances,
                                     .relative_reach =
                                         ropes.distances ? (int32_t)c->max_positions - 1 : 0,
                                     .relative_bias = ropes.alibi,
                                     .has_sinks = c->has_sinks,
                                     .sinks = sinks,
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

Value decoder_layer_norm(Tape *t, const ModelConfig *c, Value x, const char *name)
{
    return c->norm_bias ? tape_layer_norm(t, x, name, c->layer_norm_eps)
                        : tape_layer_norm_unbiased(t, x, name, c->layer_norm_eps);
}

// Logits of x: by the token table, or by a layer of this name.
static Value next_token(Tape *t, const ModelConfig *c, ParamId table, const char *name, Value x)
{
    Value logits;
    if (c->is_tied) {
        const ParamId bias = c->has_logit_bias
                                 ? tape_vector(t, "lm_head.bias", c->vocab_size, INIT_ZERO)
                                 : PARAM_NONE;
        logits = tape_linear_tied(t, x, table, bias);
    } else {
        logits = decoder_linear(t, x, name, c->vocab_size, c->has_logit_bias, ACTIVATION_NONE);
    }
    if (c->output_scale > 0 && c->output_scale != 1.0f)
        logits = tape_scale(t, logits, c->output_scale);
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
    return decoder_linear(t, tape_dropout(t, x, p), tagger, c->n_labels, true, ACTIVATION_NONE);
}

static Value head(Tape *t, const ModelConfig *c, ParamId table, const char *name, Value x)
{
    switch (c->head) {
    case HEAD_EMBEDDING:
        return c->pool == POOL_MEAN ? tape_mean_pool(t, x) : read_rows(t, c, x);
    case HEAD_SEQUENCE:
        return decoder_linear(t, read_rows(t, c, x), "score", c->n_labels, false, ACTIVATION_NONE);
    case HEAD_TOKEN:
        return tags(t, c, x);
    case HEAD_SPAN:
        return decoder_linear(t, x, "qa_outputs", 2, true, ACTIVATION_NONE);
    case HEAD_CAUSAL_LM:
        return next_token(t, c, table, name, read_rows(t, c, x));
    case HEAD_MASKED_LM: // not among its classes
    case HEAD_SEQ2SEQ:
    case HEAD_COUNT:
        break;
    }
    return x;
}

void decoder_output(Tape *t, const ModelConfig *c, ParamId table, const char *name, Value x)
{
    tape_hidden(t, x);
    tape_group(t, 1 + c->n_layers);
    tape_prefix(t, "%s", "");
    tape_output(t, head(t, c, table, name, x));
}

// Two layers one after the other.
static Value record_block(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes,
                          const DecoderBlockNames *names, Value x)
{
    const size_t h = c->hidden_size;
    tape_group(t, 1 + i);
    tape_prefix(t, "%s%zu.", names->blocks, i);
    const Value n = decoder_layer_norm(t, c, x, names->norms[0]);
    tape_prefix(t, "%s%zu.%s", names->blocks, i, names->attention);
    const Dense qkv = names->qkv[1] ? decoder_qkv(t, c, names->qkv)
                                    : decoder_fused_qkv(t, c, names->qkv[0], c->n_kv_heads);
    const Value mixed = decoder_attention(t, c, i, ropes, qkv, n);
    const Value out =
        decoder_linear(t, mixed, names->output, h, c->has_output_bias, ACTIVATION_NONE);
    const Value a = tape_add(t, decoder_rows(t, c, i, c->is_post_norm ? n : x),
                             tape_dropout(t, out, c->hidden_dropout));

    tape_prefix(t, "%s%zu.", names->blocks, i);
    const Value m = decoder_layer_norm(t, c, a, names->norms[1]);
    tape_prefix(t, "%s%zu.%s", names->blocks, i, names->feed_forward);
    const Value inner =
        decoder_linear(t, m, names->up, c->intermediate_size, c->has_mlp_bias, c->activation);
    const Value outer = decoder_linear(t, inner, names->down, h, c->has_mlp_bias, ACTIVATION_NONE);
    return tape_add(t, c->is_post_norm ? m : a, tape_dropout(t, outer, c->hidden_dropout));
}

void decoder_record(Tape *t, const ModelConfig *c, const DecoderFrame *frame, DecoderBlock *block)
{
    ParamId table = 0;
    const DecoderRopes ropes = decoder_ropes(t, c);
    tape_prefix(t, "%s", frame->prefix);
    Value x = frame->positions ? decoder_positioned(t, c, frame->words, frame->positions, &table)
                               : decoder_embedding(t, c, frame->words, &table);
    if (frame->words_norm) x = decoder_layer_norm(t, c, x, frame->words_norm);
    for (size_t i = 0; i < c->n_layers; i++) {
        tape_hidden(t, x);
        x = block ? block(t, c, i, ropes, x) : record_block(t, c, i, ropes, frame->names, x);
    }
    tape_prefix(t, "%s", frame->prefix);
    tape_group(t, 1 + c->n_layers);
    decoder_output(t, c, table, frame->output ? frame->output : "lm_head",
                   frame->norm(t, c, x, frame->last_norm));
}
