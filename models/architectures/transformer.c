#include "models/architectures/transformer.h"

#include <math.h>

#include "models/config_read.h"

// LayerNorm's epsilon is PyTorch's own: config.json does not state it.
static const float NORM_EPSILON = 1e-5f;

// Sizes of one of the two stacks.
typedef struct Stack {
    const ModelConfig *config;
    const char *name; // "encoder"
    size_t n_heads, intermediate_size;
} Stack;

static Dense dense(Tape *t, const char *name, size_t n_in, size_t n_out)
{
    return tape_dense(t, &name, 1, n_in, n_out);
}

static TapeAttention attention_of(const Stack *s, bool is_causal)
{
    const size_t head_dim = s->config->hidden_size / s->n_heads;
    return (TapeAttention){.n_heads = s->n_heads,
                           .n_kv_heads = s->n_heads,
                           .head_dim = head_dim,
                           .scale = 1.0f / sqrtf((float)head_dim),
                           .is_causal = is_causal,
                           .dropout = s->config->dropout.attention};
}

// What half a block reads of x, and what becomes of its result y: the norm stands at the one end or at the other.
static Value begin_half(Tape *t, const Stack *s, Value x, const char *norm)
{
    return s->config->decoder.is_pre_norm ? tape_layer_norm(t, x, norm, NORM_EPSILON) : x;
}

static Value end_half(Tape *t, const Stack *s, Value y, Value x, const char *norm)
{
    y = tape_dropout(t, y, s->config->dropout.hidden);
    return s->config->decoder.is_pre_norm ? tape_add(t, x, y)
                                          : tape_layer_norm_residual(t, y, x, norm, NORM_EPSILON);
}

static Value finish_attention(Tape *t, const Stack *s, Value mixed, Value residual, const char *out,
                              const char *norm)
{
    const size_t h = s->config->hidden_size;
    const Value y = tape_linear(t, mixed, dense(t, out, h, h), ACTIVATION_NONE);
    return end_half(t, s, y, residual, norm);
}

// Whether block i is the last and only the rows that are read are computed behind its keys and values. A part of the stacked
// layer begins at a panel, so that queries must fill whole ones.
static bool is_cut(const Stack *s, size_t i, bool is_decoder)
{
    const ModelConfig *c = s->config;
    return is_decoder && c->head == HEAD_SEQUENCE && i + 1 == c->decoder.n_layers &&
           c->hidden_size % PANEL_WIDTH == 0;
}

// The same for the rows that are read alone, which become the residual.
static Value cut_attention(Tape *t, const Stack *s, Value x, Dense qkv,
                           const TapeAttention *attention, Value *residual)
{
    const size_t h = s->config->hidden_size;
    const Value kv = tape_linear_part(t, x, qkv, h, 3 * h, ACTIVATION_NONE);
    const Value q = tape_linear_part(t, tape_output_rows(t, x), qkv, 0, h, ACTIVATION_NONE);
    *residual = tape_output_rows(t, *residual);
    return tape_attention(t, q, tape_columns(t, kv, 0, h), tape_columns(t, kv, h, 2 * h),
                          attention);
}

static Value self_attention(Tape *t, const Stack *s, Value residual, bool is_causal, bool cuts)
{
    static const char *const names[] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"};
    const size_t h = s->config->hidden_size;
    const TapeAttention attention = attention_of(s, is_causal);
    const Value x = begin_half(t, s, residual, "self_attn_layer_norm");
    const Dense layer = tape_dense(t, names, 3, h, 3 * h);
    Value mixed;
    if (cuts) {
        mixed = cut_attention(t, s, x, layer, &attention, &residual);
    } else {
        const Value qkv = tape_linear(t, x, layer, ACTIVATION_NONE);
        mixed = tape_attention(t, tape_columns(t, qkv, 0, h), tape_columns(t, qkv, h, 2 * h),
                               tape_columns(t, qkv, 2 * h, 3 * h), &attention);
    }
    return finish_attention(t, s, mixed, residual, "self_attn.out_proj", "self_attn_layer_norm");
}

// Queries of the targets meet keys of the source.
static Value cross_attention(Tape *t, const Stack *s, Value residual, Value source)
{
    static const char *const names[] = {"encoder_attn.k_proj", "encoder_attn.v_proj"};
    const size_t h = s->config->hidden_size;
    const TapeAttention attention = attention_of(s, false);
    const Value y = begin_half(t, s, residual, "encoder_attn_layer_norm");
    const Value q = tape_linear(t, y, dense(t, "encoder_attn.q_proj", h, h), ACTIVATION_NONE);
    const Value kv = tape_linear(t, source, tape_dense(t, names, 2, h, 2 * h), ACTIVATION_NONE);
    const Value mixed =
        tape_attention(t, q, tape_columns(t, kv, 0, h), tape_columns(t, kv, h, 2 * h), &attention);
    return finish_attention(t, s, mixed, residual, "encoder_attn.out_proj",
                            "encoder_attn_layer_norm");
}

static Value feed_forward(Tape *t, const Stack *s, Value residual)
{
    const ModelConfig *c = s->config;
    const size_t h = c->hidden_size, f = s->intermediate_size;
    const Value x = begin_half(t, s, residual, "final_layer_norm");
    const Value inner = tape_linear(t, x, dense(t, "fc1", h, f), c->activation);
    const Value outer = tape_linear(t, tape_dropout(t, inner, c->dropout.mlp),
                                    dense(t, "fc2", f, h), ACTIVATION_NONE);
    return end_half(t, s, outer, residual, "final_layer_norm");
}

// source: the encoder's output, for a decoder's block; NULL for the encoder's own.
static Value block(Tape *t, const Stack *s, size_t i, Value x, const Value *source)
{
    tape_group(t, 1 + i);
    tape_prefix(t, "model.%s.layers.%zu.", s->name, i);
    x = self_attention(t, s, x, source != NULL, is_cut(s, i, source != NULL));
    if (source) x = cross_attention(t, s, x, *source);
    return feed_forward(t, s, x);
}

// All blocks of a stack on its embeddings. The last hidden state is what the norm behind them makes of it.
static Value stack(Tape *t, const Stack *s, size_t n_blocks, Value x, const Value *source)
{
    const bool has_norm = s->config->decoder.is_pre_norm;
    if (n_blocks > 0 || !has_norm) tape_hidden(t, x);
    for (size_t i = 0; i < n_blocks; i++) {
        x = block(t, s, i, x, source);
        if (i + 1 < n_blocks || !has_norm) tape_hidden(t, x);
    }
    if (!has_norm) return x;
    tape_group(t, 1 + s->config->n_layers);
    tape_prefix(t, "model.%s.", s->name);
    x = tape_layer_norm(t, x, "layer_norm", NORM_EPSILON);
    tape_hidden(t, x);
    return x;
}

// ---- the whole ----

float transformer_scale(const ModelConfig *c)
{
    return c->decoder.has_scaled_embedding ? sqrtf((float)c->hidden_size) : 1.0f;
}

static Value look_up(Tape *t, ParamId words, ParamId positions, bool is_target)
{
    return is_target ? tape_target_embedding(t, words, positions)
                     : tape_embedding(t, words, positions, PARAM_NONE);
}

// (word + position) + (scale - 1) * word.
Value transformer_embedding(Tape *t, const ModelConfig *c, ParamId words, ParamId positions,
                            bool is_target)
{
    const Value sum = look_up(t, words, positions, is_target);
    if (!c->decoder.has_scaled_embedding) return sum;
    const Value word = look_up(t, words, PARAM_NONE, is_target);
    return tape_add(t, sum, tape_scale(t, word, transformer_scale(c) - 1.0f));
}

// (word + sinusoid / scale) * scale: one pass over the table's rows instead of two.
Value transformer_embedding_scaled(Tape *t, const ModelConfig *c, ParamId words, ParamId positions,
                                   bool is_target)
{
    const Value sum = look_up(t, words, positions, is_target);
    return tape_dropout(t, tape_scale(t, sum, transformer_scale(c)), c->dropout.hidden);
}

void transformer_record(Tape *t, const ModelConfig *c, const WordTables *words, Value source,
                        Value targets)
{
    const Stack encoder = {.config = c,
                           .name = "encoder",
                           .n_heads = c->n_heads,
                           .intermediate_size = c->intermediate_size};
    const Stack decoder = {.config = c,
                           .name = "decoder",
                           .n_heads = c->decoder.n_heads,
                           .intermediate_size = c->decoder.intermediate_size};
    const size_t n_last = c->decoder.n_layers > 0 ? c->decoder.n_layers - 1 : 0;
    source = stack(t, &encoder, c->decoder.n_encoder_layers, source, NULL);
    targets = stack(t, &decoder, c->decoder.n_layers, targets, &source);
    tape_group(t, 1 + c->n_layers);
    tape_prefix(t, "%s", "");
    if (c->head != HEAD_SEQ2SEQ) {
        const bool reads_rows = c->head == HEAD_SEQUENCE && !is_cut(&decoder, n_last, true);
        tape_output(t, seq2seq_head(t, c, reads_rows ? tape_output_rows(t, targets) : targets));
        return;
    }
    const ParamId bias = c->decoder.has_no_bias
                             ? PARAM_NONE
                             : tape_buffer(t, "final_logits_bias", model_config_target_vocab(c));
    tape_output(t, seq2seq_output(t, c, words, targets, bias));
}

// ---- config.json ----

static Status read_sizes(const Json *root, ModelConfig *config, Error *err)
{
    DecoderConfig *d = &config->decoder;
    TRY(config_read_size(root, "vocab_size", &config->vocab_size, err));
    TRY(config_read_size(root, "d_model", &config->hidden_size, err));
    TRY(config_read_size(root, "encoder_layers", &d->n_encoder_layers, err));
    TRY(config_read_size(root, "encoder_attention_heads", &config->n_heads, err));
    TRY(config_read_size(root, "encoder_ffn_dim", &config->intermediate_size, err));
    TRY(config_read_size(root, "decoder_layers", &d->n_layers, err));
    TRY(config_read_size(root, "decoder_attention_heads", &d->n_heads, err));
    TRY(config_read_size(root, "decoder_ffn_dim", &d->intermediate_size, err));
    // A block of parameters is one of the encoder with the one of the same number of the decoder.
    config->n_layers = d->n_encoder_layers > d->n_layers ? d->n_encoder_layers : d->n_layers;
    if (config->hidden_size % d->n_heads != 0) {
        return json_error(json_get(root, "decoder_attention_heads"), err,
                          "d_model %zu is no multiple of %zu heads", config->hidden_size,
                          d->n_heads);
    }
    return config_read_size(root, "max_position_embeddings", &config->max_positions, err);
}

// Without one the token that begins texts comes before the first target.
static Status read_start(const Json *root, const TransformerDefaults *defaults, ModelConfig *config,
                         Error *err)
{
    const int64_t highest = (int64_t)model_config_target_vocab(config) - 1;
    int64_t start_id = defaults->start_id;
    if (start_id < 0) {
        start_id = 0;
        TRY(json_opt_i64(root, "bos_token_id", 0, highest, &start_id, err));
    }
    TRY(json_opt_i64(root, "decoder_start_token_id", 0, highest, &start_id, err));
    if (start_id > highest) // a vocabulary that the family's own token is outside of
        return json_want_i64(root, "decoder_start_token_id", 0, highest, &start_id, err);
    config->decoder.start_id = (int32_t)start_id;
    return STATUS_OK;
}

Status transformer_read_config(const Json *root, const TransformerDefaults *defaults,
                               ModelConfig *config, Error *err)
{
    DecoderConfig *d = &config->decoder;
    TRY(read_sizes(root, config, err));
    TRY(read_start(root, defaults, config, err));
    TRY(config_read_own_output(root, config, err));
    // Where the output layer is not tied nothing is.
    d->has_own_table = d->has_own_table || config->output.is_own;
    d->is_pre_norm = defaults->is_pre_norm;
    d->has_no_bias = defaults->has_no_bias;
    d->has_scaled_embedding = defaults->has_scaled_embedding;
    TRY(json_opt_bool(root, "scale_embedding", &d->has_scaled_embedding, err));
    TRY(config_read_float(root, "dropout", 0.0, 0.999, 0.1, &config->dropout.hidden, err));
    TRY(config_read_float(root, "attention_dropout", 0.0, 0.999, defaults->attention_dropout,
                          &config->dropout.attention, err));
    TRY(config_read_float(root, "activation_dropout", 0.0, 0.999, 0.0, &config->dropout.mlp, err));
    TRY(config_read_float(root, "classifier_dropout", 0.0, 0.999, 0.0, &config->dropout.classifier,
                          err));
    TRY(config_read_float(root, "init_std", 0.0, 100.0, 0.02, &config->initializer_range, err));
    if (!json_get(root, "activation_function") &&
        config_activation_of(slice_from_cstr(defaults->activation), &config->activation))
        return STATUS_OK;
    return config_read_activation(root, "activation_function", &config->activation, err);
}

void transformer_write_config(const ModelConfig *config, JsonWriter *w)
{
    const DecoderConfig *d = &config->decoder;
    json_member_u64(w, "vocab_size", config->vocab_size);
    json_member_u64(w, "d_model", config->hidden_size);
    json_member_u64(w, "encoder_layers", d->n_encoder_layers);
    json_member_u64(w, "encoder_attention_heads", config->n_heads);
    json_member_u64(w, "encoder_ffn_dim", config->intermediate_size);
    json_member_u64(w, "decoder_layers", d->n_layers);
    json_member_u64(w, "decoder_attention_heads", d->n_heads);
    json_member_u64(w, "decoder_ffn_dim", d->intermediate_size);
    json_member_u64(w, "max_position_embeddings", config->max_positions);
    json_member_u64(w, "decoder_start_token_id", (size_t)d->start_id);
    json_member_bool(w, "scale_embedding", d->has_scaled_embedding);
    json_member_bool(w, "is_encoder_decoder", true);
    json_member_bool(w, "tie_word_embeddings", !config->output.is_own);
    json_member_float(w, "dropout", config->dropout.hidden);
    json_member_float(w, "attention_dropout", config->dropout.attention);
    json_member_float(w, "activation_dropout", config->dropout.mlp);
    json_member_float(w, "init_std", config->initializer_range);
    json_member_cstr(w, "activation_function", config_activation_name(config->activation));
}
