#include "models/architectures/decoder.h"

#include <math.h>
#include <stdio.h>

#include "models/architecture.h"
#include "models/architectures/experts.h"
#include "models/program/rope.h"

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
    return (DecoderRopes){.alibi =
                              tape_alibi(t, c->n_heads, c->max_positions, c->attention.alibi_scale),
                          .distances = distances};
}

DecoderRopes decoder_ropes(Tape *t, const ModelConfig *c)
{
    if (c->attention.alibi_scale > 0) return alibi(t, c);
    if (c->rotary.dims == 0) return (DecoderRopes){0};
    const size_t n_global =
        c->gemma4.global_head_dim > 0 ? c->gemma4.global_head_dim : c->rotary.dims;
    const RopeId global = rope_record(t, &c->rotary.rope, n_global, c->max_positions);
    const bool differs = c->rotary.rope_local.theta > 0, grows = c->rotary.rope.growth > 0;
    RopeConfig of_keys = c->rotary.rope;
    of_keys.growth = 0;
    return (DecoderRopes){
        .queries = global,
        .global = grows ? rope_record(t, &of_keys, c->rotary.dims, c->max_positions) : global,
        .local = differs ? rope_record(t, &c->rotary.rope_local, c->rotary.dims, c->max_positions)
                         : global};
}

static Value words(Tape *t, const ModelConfig *c, const char *name, ParamId *table)
{
    const size_t width = c->embedding_dims > 0 ? c->embedding_dims : c->hidden_size;
    tape_group(t, 0);
    *table = c->output.is_tied ? tape_tied_table(t, name, c->vocab_size, width, c->pad_id)
                               : tape_table(t, name, c->vocab_size, width, c->pad_id);
    Value x = tape_embedding(t, *table, PARAM_NONE, PARAM_NONE);
    if (c->embedding_scale > 0 && c->embedding_scale != 1.0f)
        x = tape_scale(t, x, c->embedding_scale);
    return x;
}

Value decoder_embedding(Tape *t, const ModelConfig *c, const char *name, ParamId *table)
{
    return tape_dropout(t, words(t, c, name, table), c->dropout.embedding);
}

// The same, normed before something of it is dropped.
static Value normed_embedding(Tape *t, const ModelConfig *c, const DecoderFrame *frame,
                              ParamId *table)
{
    const Value x = words(t, c, frame->words, table);
    return tape_dropout(t, decoder_layer_norm(t, c, x, frame->words_norm), c->dropout.embedding);
}

Value decoder_positioned(Tape *t, const ModelConfig *c, const char *words, const char *positions,
                         ParamId *table)
{
    tape_group(t, 0);
    *table = c->output.is_tied ? tape_tied_table(t, words, c->vocab_size, c->hidden_size, -1)
                               : tape_table(t, words, c->vocab_size, c->hidden_size, -1);
    const ParamId position = tape_table(t, positions, c->max_positions, c->hidden_size, -1);
    return tape_dropout(t, tape_embedding(t, *table, position, PARAM_NONE), c->dropout.embedding);
}

// Whether the head reads some rows alone.
static bool reads_rows(const ModelConfig *c)
{
    return c->head == HEAD_CAUSAL_LM ||
           (c->head == HEAD_SEQUENCE && (!c->attention.sees_all || c->classifies_first)) ||
           (c->head == HEAD_EMBEDDING && c->embedding.pool != POOL_MEAN) ||
           (c->head == HEAD_MASKED_LM && c->one_token);
}

size_t decoder_head_dim(const ModelConfig *c, size_t layer)
{
    return c->gemma4.global_head_dim > 0 && model_config_window(c, layer) == 0
               ? c->gemma4.global_head_dim
               : c->head_dim;
}

// A part of the fused layer begins at a panel, so the queries must fill whole ones where keys and values stand beside them.
bool decoder_is_cut(const ModelConfig *c, size_t layer)
{
    if (!reads_rows(c)) return false;
    if (layer + c->gemma4.n_sharing >= c->n_layers) return true;
    return layer + 1 == c->n_layers && c->n_heads * decoder_head_dim(c, layer) % PANEL_WIDTH == 0;
}

Value decoder_rows(Tape *t, const ModelConfig *c, size_t layer, Value x)
{
    return decoder_is_cut(c, layer) ? tape_output_rows(t, x) : x;
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
    const Dense dense = tape_dense_parts(t, parts, 3, c->hidden_size,
                                         c->attention.has_qkv_bias ? 0 : DENSE_NO_BIAS);
    const RowOrder pairs = {.head_dim = c->head_dim, .n_turned = c->rotary.dims};
    for (size_t i = 0; c->rotary.in_pairs && i < 2; i++) tape_row_order(t, dense, i, pairs);
    return dense;
}

Dense decoder_fused_qkv(Tape *t, const ModelConfig *c, const char *name, size_t n_groups)
{
    const DensePart part = {name, (c->n_heads + 2 * c->n_kv_heads) * c->head_dim};
    const RowOrder order = {.head_dim = c->head_dim, .n_groups = n_groups};
    const Dense dense = tape_dense_parts(t, &part, 1, c->hidden_size,
                                         c->attention.has_qkv_bias ? 0 : DENSE_NO_BIAS);
    tape_row_order(t, dense, 0, order);
    return dense;
}

// LayerNorm of each head.
static Value head_layer_norm(Tape *t, const ModelConfig *c, Value x, const char *name)
{
    const size_t n_heads = value_cols(x) / c->head_dim;
    LayerNorm norm = {.bias = PARAM_NONE};
    switch (c->attention.head_norm) {
    case HEAD_NORM_LAYER_EACH:
        norm.weight = tape_head_weights(t, name, n_heads, c->head_dim);
        break;
    case HEAD_NORM_LAYER_OWN:
        norm.weight = tape_listed_weights(t, name, "norms", n_heads, c->head_dim);
        break;
    case HEAD_NORM_RMS:
    case HEAD_NORM_RMS_TURNED:
    case HEAD_NORM_RMS_BARE:
    case HEAD_NORM_RMS_LONG:
    case HEAD_NORM_LAYER:
        norm = tape_layer_norm_params(t, name, c->head_dim);
        break;
    }
    const RowOrder pairs = {.head_dim = c->head_dim, .n_turned = c->rotary.dims};
    if (c->rotary.in_pairs && c->attention.head_norm == HEAD_NORM_LAYER_EACH)
        tape_row_order(t, (Dense){.weight = norm.weight, .bias = PARAM_NONE}, 0, pairs);
    return tape_layer_norm_of(t, x, norm,
                              (NormArgs){.epsilon = c->layer_norm_eps, .group = c->head_dim});
}

static Value head_norm(Tape *t, const ModelConfig *c, Value x, const char *name)
{
    const NormArgs bare = {.epsilon = c->layer_norm_eps};
    if (c->attention.head_norm == HEAD_NORM_RMS_BARE)
        return tape_rms_norm_of(t, x, tape_ones(t, c->head_dim), bare);
    if (c->attention.head_norm != HEAD_NORM_RMS && c->attention.head_norm != HEAD_NORM_RMS_TURNED &&
        c->attention.head_norm != HEAD_NORM_RMS_LONG)
        return head_layer_norm(t, c, x, name);
    const size_t width = c->attention.norms_all_heads ? value_cols(x) : c->head_dim;
    return tape_rms_norm(t, x, name, width, c->layer_norm_eps, c->norm_weight_offset);
}

// As the checkpoints name them, of queries and of keys.
static const char *const head_norm_names[][2] = {
    [HEAD_NORM_RMS] = {"q_norm", "k_norm"},
    [HEAD_NORM_RMS_TURNED] = {"query_layernorm", "key_layernorm"},
    [HEAD_NORM_RMS_BARE] = {"", ""},
    [HEAD_NORM_RMS_LONG] = {"q_layernorm", "k_layernorm"},
    [HEAD_NORM_LAYER] = {"q_layernorm", "k_layernorm"},
    [HEAD_NORM_LAYER_EACH] = {"q_norm", "k_norm"},
    [HEAD_NORM_LAYER_OWN] = {"q_layernorm", "k_layernorm"},
};

static Value turn(Tape *t, const ModelConfig *c, size_t layer, RopeId global, RopeId local, Value x)
{
    if (c->rotary.dims == 0 || (c->rotary.skips && c->rotary.skips[layer])) return x;
    return tape_rope(t, x, c->head_dim, model_config_window(c, layer) > 0 ? local : global);
}

static Value within_cap(Tape *t, const ModelConfig *c, Value x)
{
    return c->attention.qkv_cap > 0 ? tape_clamp(t, x, c->attention.qkv_cap) : x;
}

// Queries (0) or keys (1), normed, kept within the cap and turned.
static Value prepared(Tape *t, const ModelConfig *c, size_t layer, DecoderRopes ropes, int which,
                      Value x)
{
    const bool is_late = c->attention.head_norm == HEAD_NORM_RMS_TURNED ||
                         c->attention.head_norm == HEAD_NORM_RMS_BARE;
    const char *name = head_norm_names[c->attention.head_norm][which];
    if (c->attention.has_head_norms && !is_late) x = head_norm(t, c, x, name);
    // Without a rotation of their own layers with a window turn as the others do, queries and keys each.
    const RopeId global = which == 0 ? ropes.queries : ropes.global;
    const RopeId local = c->rotary.rope_local.theta > 0 ? ropes.local : global;
    x = turn(t, c, layer, global, local, within_cap(t, c, x));
    return c->attention.has_head_norms && is_late ? head_norm(t, c, x, name) : x;
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
    q = prepared(t, c, layer, ropes, 0, q);
    k = prepared(t, c, layer, ropes, 1, k);
    v = within_cap(t, c, v);
    const ParamId sinks =
        c->attention.has_sinks ? tape_vector(t, "sinks", c->n_heads, INIT_NORMAL) : PARAM_NONE;
    const float scale =
        c->attention.scale > 0 ? c->attention.scale : 1.0f / sqrtf((float)c->head_dim);
    const TapeAttention attention = {.n_heads = c->n_heads,
                                     .n_kv_heads = c->n_kv_heads,
                                     .head_dim = c->head_dim,
                                     .scale = scale,
                                     .is_causal = !c->attention.sees_all,
                                     .window = model_config_window(c, layer),
                                     .soft_cap = c->attention.soft_cap,
                                     .dropout = c->dropout.attention,
                                     .relative_bucket = ropes.distances,
                                     .relative_reach =
                                         ropes.distances ? (int32_t)c->max_positions - 1 : 0,
                                     .relative_bias = ropes.alibi,
                                     .has_sinks = c->attention.has_sinks,
                                     .sinks = sinks,
                                     .is_cached = !c->attention.sees_all};
    return tape_attention(t, q, k, v, &attention);
}

Value decoder_gate(Tape *t, const ModelConfig *c, Dense gate_up, Value x)
{
    const size_t n = gate_up.n_out / 2;
    const Value both = tape_linear(t, x, gate_up, ACTIVATION_NONE);
    return tape_gated(t, tape_columns(t, both, 0, n), tape_columns(t, both, n, 2 * n),
                      c->activation);
}

Value decoder_gated_layer(Tape *t, const ModelConfig *c, size_t n, Value x)
{
    const DensePart parts[] = {{"gate_proj", n}, {"up_proj", n}};
    const Dense both =
        tape_dense_parts(t, parts, 2, value_cols(x), c->block.has_mlp_bias ? 0 : DENSE_NO_BIAS);
    return decoder_linear(t, decoder_gate(t, c, both, x), "down_proj", c->hidden_size,
                          c->block.has_mlp_bias, ACTIVATION_NONE);
}

Value decoder_norm(Tape *t, const ModelConfig *c, Value x, const char *name)
{
    return tape_rms_norm(t, x, name, c->hidden_size, c->layer_norm_eps, c->norm_weight_offset);
}

static Value offset_layer_norm(Tape *t, const ModelConfig *c, Value x, const char *name)
{
    const LayerNorm norm = tape_offset_norm_params(t, name, c->hidden_size, c->block.has_norm_bias);
    return tape_layer_norm_of(
        t, x, norm,
        (NormArgs){.epsilon = c->layer_norm_eps, .weight_offset = c->norm_weight_offset});
}

Value decoder_bare_norm(Tape *t, const ModelConfig *c, Value x, const char *name)
{
    const LayerNorm norm = {.weight = tape_ones(t, c->hidden_size), .bias = PARAM_NONE};
    (void)name;
    return tape_layer_norm_of(t, x, norm, (NormArgs){.epsilon = c->layer_norm_eps});
}

Value decoder_layer_norm(Tape *t, const ModelConfig *c, Value x, const char *name)
{
    if (c->norm_weight_offset > 0) return offset_layer_norm(t, c, x, name);
    return c->block.has_norm_bias ? tape_layer_norm(t, x, name, c->layer_norm_eps)
                                  : tape_layer_norm_unbiased(t, x, name, c->layer_norm_eps);
}

Value decoder_next_token(Tape *t, const ModelConfig *c, ParamId table, const char *name, Value x)
{
    Value logits;
    if (c->output.is_tied) {
        char own[64];
        snprintf(own, sizeof own, "%s.bias", name);
        const ParamId bias =
            c->output.has_bias ? tape_vector(t, own, c->vocab_size, INIT_ZERO) : PARAM_NONE;
        logits = tape_linear_tied(t, x, table, bias);
    } else {
        logits = decoder_linear(t, x, name, c->vocab_size, c->output.has_bias, ACTIVATION_NONE);
    }
    if (c->output.scale > 0 && c->output.scale != 1.0f)
        logits = tape_scale(t, logits, c->output.scale);
    return c->output.soft_cap > 0 ? tape_soft_cap(t, logits, c->output.soft_cap) : logits;
}

Value decoder_read_rows(Tape *t, const ModelConfig *c, Value x)
{
    if (!reads_rows(c)) return x;
    return c->n_layers > 0 && decoder_is_cut(c, c->n_layers - 1) ? x : tape_output_rows(t, x);
}

static Value tags(Tape *t, const ModelConfig *c, Value x)
{
    const char *tagger = c->architecture->tagger ? c->architecture->tagger : "score";
    const float p = c->dropout.classifier >= 0 ? c->dropout.classifier : c->dropout.hidden;
    return decoder_linear(t, tape_dropout(t, x, p), tagger, c->n_labels, true, ACTIVATION_NONE);
}

Value decoder_head(Tape *t, const ModelConfig *c, ParamId table, const char *name, Value x)
{
    switch (c->head) {
    case HEAD_EMBEDDING:
        return c->embedding.pool == POOL_MEAN ? tape_mean_pool(t, x) : decoder_read_rows(t, c, x);
    case HEAD_SEQUENCE:
        return decoder_linear(t, decoder_read_rows(t, c, x), "score", c->n_labels, false,
                              ACTIVATION_NONE);
    case HEAD_TOKEN:
        return tags(t, c, x);
    case HEAD_SPAN:
        return decoder_linear(t, x, "qa_outputs", 2, true, ACTIVATION_NONE);
    case HEAD_CAUSAL_LM:
    case HEAD_MASKED_LM:
        return decoder_next_token(t, c, table, name, decoder_read_rows(t, c, x));
    case HEAD_SEQ2SEQ: // not among their classes
    case HEAD_COUNT:
        break;
    }
    return x;
}

static void begin_head(Tape *t, const ModelConfig *c, Value x)
{
    tape_hidden(t, x);
    tape_group(t, 1 + c->n_layers);
    tape_prefix(t, "%s", "");
}

void decoder_output(Tape *t, const ModelConfig *c, ParamId table, const char *name, Value x)
{
    begin_head(t, c, x);
    tape_output(t, decoder_head(t, c, table, name, x));
}

static Dense qkv_of(Tape *t, const ModelConfig *c, const DecoderBlockNames *names)
{
    const DensePart all = {names->stacked_qkv, (c->n_heads + 2 * c->n_kv_heads) * c->head_dim};
    if (names->stacked_qkv)
        return tape_dense_parts(t, &all, 1, c->hidden_size,
                                c->attention.has_qkv_bias ? 0 : DENSE_NO_BIAS);
    return names->qkv[1] ? decoder_qkv(t, c, names->qkv)
                         : decoder_fused_qkv(t, c, names->qkv[0], c->n_kv_heads);
}

static Value feed_forward(Tape *t, const ModelConfig *c, size_t i, const DecoderBlockNames *names,
                          Value m)
{
    const size_t n = c->intermediate_size;
    const unsigned flags = c->block.has_mlp_bias ? 0 : DENSE_NO_BIAS;
    const DensePart parts[] = {{names->gate, n}, {names->up, n}};
    const DensePart both = {names->stacked_gate_up, 2 * n};
    Value inner;
    if (experts_are_in(c, i)) return experts_layer(t, c, i, m);
    tape_prefix(t, "%s%zu.%s", names->blocks, i, names->feed_forward);
    if (names->stacked_gate_up) {
        inner = decoder_gate(t, c, tape_dense_parts(t, &both, 1, c->hidden_size, flags), m);
    } else if (names->gate) {
        inner = decoder_gate(t, c, tape_dense_parts(t, parts, 2, c->hidden_size, flags), m);
    } else {
        inner = decoder_linear(t, m, names->up, n, c->block.has_mlp_bias, c->activation);
    }
    return decoder_linear(t, inner, names->down, c->hidden_size, c->block.has_mlp_bias,
                          ACTIVATION_NONE);
}

// What a layer adds to the hidden state x: normed behind it (NULL: as it is), and Granite's times a factor.
static Value added(Tape *t, const ModelConfig *c, const DecoderFrame *frame, const char *norm,
                   Value x, Value out)
{
    const bool is_scaled = c->block.residual_scale > 0 && c->block.residual_scale != 1.0f;
    if (norm) out = frame->norm(t, c, out, norm);
    const Value y = tape_dropout(t, out, c->dropout.hidden);
    return tape_add(t, x, is_scaled ? tape_scale(t, y, c->block.residual_scale) : y);
}

// What the feed-forward layers read, below the block's prefix: x, n and a as in DecoderBlockNames, x of the rows that go on.
static Value feed_forward_input(Tape *t, const ModelConfig *c, size_t i, const DecoderFrame *frame,
                                Value x, Value n, Value a)
{
    const char *norm = frame->names->norms[1];
    if (!norm) return decoder_rows(t, c, i, n);
    return frame->norm(t, c, c->block.is_parallel ? x : a, norm);
}

static Value record_block(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes,
                          const DecoderFrame *frame, Value x)
{
    const DecoderBlockNames *names = frame->names;
    tape_group(t, 1 + i);
    tape_prefix(t, "%s%zu.", names->blocks, i);
    const Value n = frame->norm(t, c, x, names->norms[0]);
    tape_prefix(t, "%s%zu.%s", names->blocks, i, names->attention);
    const Value mixed = names->attend ? names->attend(t, c, i, ropes, n)
                                      : decoder_attention(t, c, i, ropes, qkv_of(t, c, names), n);
    const Value out = decoder_linear(t, mixed, names->output, c->hidden_size,
                                     c->attention.has_output_bias, ACTIVATION_NONE);
    tape_prefix(t, "%s%zu.", names->blocks, i);
    const Value rows = decoder_rows(t, c, i, c->block.is_post_norm ? n : x);
    const Value a = added(t, c, frame, names->behind[0], rows, out);

    const Value m = feed_forward_input(t, c, i, frame, rows, n, a);
    const Value outer = feed_forward(t, c, i, names, m);
    tape_prefix(t, "%s%zu.", names->blocks, i);
    return added(t, c, frame, names->behind[1], c->block.is_post_norm ? m : a, outer);
}

void decoder_record(Tape *t, const ModelConfig *c, const DecoderFrame *frame, DecoderBlock *block)
{
    ParamId table = 0;
    const DecoderRopes ropes = decoder_ropes(t, c);
    tape_prefix(t, "%s", frame->prefix);
    Value x = frame->embed        ? frame->embed(t, c, &table)
              : frame->positions  ? decoder_positioned(t, c, frame->words, frame->positions, &table)
              : frame->words_norm ? normed_embedding(t, c, frame, &table)
                                  : decoder_embedding(t, c, frame->words, &table);
    for (size_t i = 0; i < c->n_layers; i++) {
        tape_hidden(t, x);
        x = block ? block(t, c, i, ropes, x) : record_block(t, c, i, ropes, frame, x);
    }
    tape_prefix(t, "%s", frame->prefix);
    tape_group(t, 1 + c->n_layers);
    x = frame->norm(t, c, x, frame->last_norm);
    if (!frame->head) {
        decoder_output(t, c, table, frame->output ? frame->output : "lm_head", x);
        return;
    }
    begin_head(t, c, x);
    tape_output(t, frame->head(t, c, table, x));
}
