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
                           .dropout = s->config->attention_dropout};
}

// The output layer of an attention, and the norm of the sum.
static Value finish_attention(Tape *t, const Stack *s, Value mixed, Value residual, const char *out,
                              const char *norm)
{
    const size_t h = s->config->hidden_size;
    const Value y = tape_linear(t, mixed, dense(t, out, h, h), ACTIVATION_NONE);
    return tape_layer_norm_residual(t, tape_dropout(t, y, s->config->hidden_dropout), residual,
                                    norm, NORM_EPSILON);
}

static Value self_attention(Tape *t, const Stack *s, Value x, bool is_causal)
{
    static const char *const names[] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"};
    const size_t h = s->config->hidden_size;
    const TapeAttention attention = attention_of(s, is_causal);
    const Value qkv = tape_linear(t, x, tape_dense(t, names, 3, h, 3 * h), ACTIVATION_NONE);
    const Value mixed =
        tape_attention(t, tape_columns(t, qkv, 0, h), tape_columns(t, qkv, h, 2 * h),
                       tape_columns(t, qkv, 2 * h, 3 * h), &attention);
    return finish_attention(t, s, mixed, x, "self_attn.out_proj", "self_attn_layer_norm");
}

// Queries of the targets meet keys of the source.
static Value cross_attention(Tape *t, const Stack *s, Value y, Value source)
{
    static const char *const names[] = {"encoder_attn.k_proj", "encoder_attn.v_proj"};
    const size_t h = s->config->hidden_size;
    const TapeAttention attention = attention_of(s, false);
    const Value q = tape_linear(t, y, dense(t, "encoder_attn.q_proj", h, h), ACTIVATION_NONE);
    const Value kv = tape_linear(t, source, tape_dense(t, names, 2, h, 2 * h), ACTIVATION_NONE);
    const Value mixed =
        tape_attention(t, q, tape_columns(t, kv, 0, h), tape_columns(t, kv, h, 2 * h), &attention);
    return finish_attention(t, s, mixed, y, "encoder_attn.out_proj", "encoder_attn_layer_norm");
}

static Value feed_forward(Tape *t, const Stack *s, Value x)
{
    const ModelConfig *c = s->config;
    const size_t h = c->hidden_size, f = s->intermediate_size;
    const Value inner = tape_linear(t, x, dense(t, "fc1", h, f), c->activation);
    const Value outer = tape_linear(t, tape_dropout(t, inner, c->activation_dropout),
                                    dense(t, "fc2", f, h), ACTIVATION_NONE);
    return tape_layer_norm_residual(t, tape_dropout(t, outer, c->hidden_dropout), x,
                                    "final_layer_norm", NORM_EPSILON);
}

// source: the encoder's output, for a decoder's block; NULL for the encoder's own.
static Value block(Tape *t, const Stack *s, size_t i, Value x, const Value *source)
{
    tape_group(t, 1 + i);
    tape_prefix(t, "model.%s.layers.%zu.", s->name, i);
    x = self_attention(t, s, x, source != NULL);
    if (source) x = cross_attention(t, s, x, *source);
    x = feed_forward(t, s, x);
    tape_hidden(t, x);
    return x;
}

void transformer_record(Tape *t, const ModelConfig *c, ParamId shared, Value source, Value targets)
{
    const Stack encoder = {.config = c,
                           .name = "encoder",
                           .n_heads = c->n_heads,
                           .intermediate_size = c->intermediate_size};
    const Stack decoder = {.config = c,
                           .name = "decoder",
                           .n_heads = c->decoder.n_heads,
                           .intermediate_size = c->decoder.intermediate_size};
    tape_hidden(t, source);
    for (size_t i = 0; i < c->decoder.n_encoder_layers; i++) {
        source = block(t, &encoder, i, source, NULL);
    }
    tape_hidden(t, targets);
    for (size_t i = 0; i < c->decoder.n_layers; i++) {
        targets = block(t, &decoder, i, targets, &source);
    }
    tape_group(t, 1 + c->n_layers);
    tape_prefix(t, "%s", "");
    const ParamId bias = tape_buffer(t, "final_logits_bias", c->vocab_size);
    tape_output(t, tape_linear_tied(t, targets, shared, bias));
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

Status transformer_read_config(const Json *root, ModelConfig *config, Error *err)
{
    bool is_tied = true;
    int64_t start_id = -1;
    TRY(json_opt_bool(root, "tie_word_embeddings", &is_tied, err));
    if (!is_tied) {
        return json_error(json_get(root, "tie_word_embeddings"), err,
                          "an output layer that is not the embedding is not supported for %s",
                          config->architecture->model_type);
    }
    TRY(read_sizes(root, config, err));
    TRY(json_want_i64(root, "decoder_start_token_id", 0, (int64_t)config->vocab_size - 1, &start_id,
                      err));
    config->decoder.start_id = (int32_t)start_id;
    TRY(json_opt_bool(root, "scale_embedding", &config->decoder.has_scaled_embedding, err));
    TRY(config_read_float(root, "dropout", 0.0, 0.999, 0.1, &config->hidden_dropout, err));
    TRY(config_read_float(root, "attention_dropout", 0.0, 0.999, 0.0, &config->attention_dropout,
                          err));
    TRY(config_read_float(root, "activation_dropout", 0.0, 0.999, 0.0, &config->activation_dropout,
                          err));
    TRY(config_read_float(root, "init_std", 0.0, 100.0, 0.02, &config->initializer_range, err));
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
    json_member_bool(w, "tie_word_embeddings", true);
    json_member_float(w, "dropout", config->hidden_dropout);
    json_member_float(w, "attention_dropout", config->attention_dropout);
    json_member_float(w, "activation_dropout", config->activation_dropout);
    json_member_float(w, "init_std", config->initializer_range);
    json_member_cstr(w, "activation_function", config_activation_name(config->activation));
}
