// ModernBERT's rows of the registry, and what of config.json they read: in the present style (layer_types, rope_parameters) and
// the one before (global_attn_every_n_layers, global_rope_theta).
#include "models/architecture.h"
#include "models/architectures/modernbert.h"
#include "models/config_read.h"

static Status read_kinds(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    const Json *types = NULL;
    int64_t every = 3;
    unsigned char *is_global = NULL;
    TRY(json_opt_kind(root, "layer_types", JSON_ARRAY, &types, err));
    TRY(json_opt_i64(root, "global_attn_every_n_layers", 1, 1 << 24, &every, err));
    TRY(arena_take(arena, config->n_layers, 1, "layers", &is_global, err));
    if (types && json_len(types) != config->n_layers) {
        return json_error(types, err, "%zu layer_types, but %zu layers", json_len(types),
                          config->n_layers);
    }
    for (size_t i = 0; i < config->n_layers; i++) {
        Slice type = {0};
        is_global[i] = i % (size_t)every == 0;
        if (!types) continue;
        TRY(json_as_string(json_at(types, i), &type, err));
        is_global[i] = slice_eq_cstr(type, "full_attention");
        if (is_global[i] || slice_eq_cstr(type, "sliding_attention")) continue;
        return json_error(json_at(types, i), err,
                          "unknown layer type \"" SLICE_FMT
                          "\"; known are full_attention, sliding_attention",
                          SLICE_ARG(type));
    }
    config->modernbert.is_global = is_global;
    return STATUS_OK;
}

// rope_parameters: {"full_attention": {"rope_theta", "rope_type"}, "sliding_attention": {..}}.
static Status read_theta(const Json *root, const char *kind, double *theta, Error *err)
{
    const Json *all = NULL, *one = NULL;
    Slice type = SLICE("default");
    TRY(json_opt_kind(root, "rope_parameters", JSON_OBJECT, &all, err));
    if (!all) return STATUS_OK;
    TRY(json_opt_kind(all, kind, JSON_OBJECT, &one, err));
    if (!one) return STATUS_OK;
    TRY(json_opt_string(one, "rope_type", &type, err));
    if (!slice_eq_cstr(type, "default")) {
        return json_error(json_get(one, "rope_type"), err,
                          "only \"default\" rotary positions are supported for ModernBERT");
    }
    return json_opt_double(one, "rope_theta", 1.0, 1e12, theta, err);
}

// What Transformers would lay over the parameters of both kinds of layers.
static Status refuse_scaling(const Json *root, Error *err)
{
    const Json *scaling = json_get(root, "rope_scaling");
    if (!scaling || json_kind(scaling) == JSON_NULL || json_len(scaling) == 0) return STATUS_OK;
    return json_error(scaling, err,
                      "rotary positions of ModernBERT are not scaled: only null is supported");
}

static Status read_positions(const Json *root, ModelConfig *config, Error *err)
{
    int64_t local = 128;
    config->modernbert.global_theta = 160000.0;
    TRY(refuse_scaling(root, err));
    TRY(json_opt_i64(root, "local_attention", 1, 1 << 24, &local, err));
    config->modernbert.local_reach = (size_t)local / 2; // to each side
    TRY(json_opt_double(root, "global_rope_theta", 1.0, 1e12, &config->modernbert.global_theta,
                        err));
    const Json *old = json_get(root, "local_rope_theta");
    // null in the older style: as the global one.
    config->modernbert.local_theta =
        old && json_kind(old) == JSON_NULL ? config->modernbert.global_theta : 10000.0;
    TRY(json_opt_double(root, "local_rope_theta", 1.0, 1e12, &config->modernbert.local_theta, err));
    TRY(read_theta(root, "full_attention", &config->modernbert.global_theta, err));
    return read_theta(root, "sliding_attention", &config->modernbert.local_theta, err);
}

static Status read_biases(const Json *root, ModelConfig *config, Error *err)
{
    config->modernbert.has_decoder_bias = true;
    TRY(json_opt_bool(root, "attention_bias", &config->modernbert.has_attention_bias, err));
    TRY(json_opt_bool(root, "mlp_bias", &config->modernbert.has_mlp_bias, err));
    TRY(json_opt_bool(root, "norm_bias", &config->block.has_norm_bias, err));
    TRY(json_opt_bool(root, "classifier_bias", &config->modernbert.has_head_bias, err));
    TRY(json_opt_bool(root, "decoder_bias", &config->modernbert.has_decoder_bias, err));
    return config_read_own_output(root, config, err);
}

static Status read_head(const Json *root, ModelConfig *config, Error *err)
{
    TRY(config_read_classifier_pooling(root, "cls", "cls", NULL, config, err));
    TRY(config_read_float(root, "classifier_dropout", 0.0, 0.999, 0.0, &config->dropout.classifier,
                          err));
    return config_read_activation(root, "classifier_activation",
                                  &config->modernbert.head_activation, err);
}

static Status read_sizes(const Json *root, ModelConfig *config, Error *err)
{
    TRY(config_read_size(root, "vocab_size", &config->vocab_size, err));
    TRY(config_read_size(root, "hidden_size", &config->hidden_size, err));
    TRY(config_read_size(root, "num_hidden_layers", &config->n_layers, err));
    TRY(config_read_size(root, "num_attention_heads", &config->n_heads, err));
    TRY(config_read_size(root, "intermediate_size", &config->intermediate_size, err));
    return config_read_size(root, "max_position_embeddings", &config->max_positions, err);
}

static Status read_numbers(const Json *root, ModelConfig *config, Error *err)
{
    TRY(config_read_float(root, "norm_eps", 0.0, 1.0, 1e-5, &config->layer_norm_eps, err));
    TRY(config_read_float(root, "embedding_dropout", 0.0, 0.999, 0.0, &config->dropout.embedding,
                          err));
    TRY(config_read_float(root, "attention_dropout", 0.0, 0.999, 0.0, &config->dropout.attention,
                          err));
    TRY(config_read_float(root, "mlp_dropout", 0.0, 0.999, 0.0, &config->dropout.mlp, err));
    TRY(config_read_float(root, "initializer_range", 0.0, 100.0, 0.02, &config->initializer_range,
                          err));
    return config_read_activation(root, "hidden_activation", &config->activation, err);
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    TRY(read_sizes(root, config, err));
    TRY(read_numbers(root, config, err));
    TRY(read_kinds(arena, root, config, err));
    TRY(read_positions(root, config, err));
    TRY(read_biases(root, config, err));
    return read_head(root, config, err);
}

static void put_kinds(const ModelConfig *config, JsonWriter *w)
{
    json_member_array(w, "layer_types");
    for (size_t i = 0; i < config->n_layers; i++)
        json_put_cstr(w, config->modernbert.is_global[i] ? "full_attention" : "sliding_attention");
    json_end_array(w);
    json_member_u64(w, "local_attention", 2 * config->modernbert.local_reach);
    json_member_double(w, "global_rope_theta", config->modernbert.global_theta);
    json_member_double(w, "local_rope_theta", config->modernbert.local_theta);
}

static void write_config(const ModelConfig *config, JsonWriter *w)
{
    json_member_u64(w, "vocab_size", config->vocab_size);
    json_member_u64(w, "hidden_size", config->hidden_size);
    json_member_u64(w, "num_hidden_layers", config->n_layers);
    json_member_u64(w, "num_attention_heads", config->n_heads);
    json_member_u64(w, "intermediate_size", config->intermediate_size);
    json_member_u64(w, "max_position_embeddings", config->max_positions);
    json_member_float(w, "norm_eps", config->layer_norm_eps);
    json_member_float(w, "embedding_dropout", config->dropout.embedding);
    json_member_float(w, "attention_dropout", config->dropout.attention);
    json_member_float(w, "mlp_dropout", config->dropout.mlp);
    json_member_float(w, "initializer_range", config->initializer_range);
    json_member_float(w, "classifier_dropout", config->dropout.classifier);
    json_member_cstr(w, "hidden_activation", config_activation_name(config->activation));
    json_member_cstr(w, "classifier_activation",
                     config_activation_name(config->modernbert.head_activation));
    config_write_classifier_pooling(config, "cls", w);
    put_kinds(config, w);
    json_member_bool(w, "attention_bias", config->modernbert.has_attention_bias);
    json_member_bool(w, "mlp_bias", config->modernbert.has_mlp_bias);
    json_member_bool(w, "norm_bias", config->block.has_norm_bias);
    json_member_bool(w, "classifier_bias", config->modernbert.has_head_bias);
    json_member_bool(w, "decoder_bias", config->modernbert.has_decoder_bias);
    if (config->output.is_own) json_member_bool(w, "tie_word_embeddings", false);
}

const Architecture architecture_modernbert = {
    .model_type = "modernbert",
    .summary = "ModernBERT encoders",
    .classes = {{"ModernBertForSequenceClassification", HEAD_SEQUENCE},
                {"ModernBertForTokenClassification", HEAD_TOKEN},
                {"ModernBertForQuestionAnswering", HEAD_SPAN},
                {"ModernBertForMaskedLM", HEAD_MASKED_LM},
                {"ModernBertModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = read_config,
    .write_config = write_config,
    .record = modernbert_record,
};

// ---- its decoder ----

static Status decoder_read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool *is_local = NULL;
    TRY(read_config(arena, root, c, err));
    TRY(config_split_heads(root, "hidden_size", c, err));
    TRY(arena_take(arena, c->n_layers, sizeof *is_local, "layers", &is_local, err));
    for (size_t i = 0; i < c->n_layers; i++) is_local[i] = !c->modernbert.is_global[i];
    c->attention.is_local = is_local;
    TRY(config_read_size_or(root, "sliding_window", c->modernbert.local_reach,
                            &c->modernbert.local_reach, err));
    c->attention.window = c->modernbert.local_reach; // the token itself included
    if (c->attention.window == 0)
        return json_error(json_get(root, "local_attention"), err, "must be at least 2");
    if (c->head_dim % 2 != 0)
        return json_error(root, err, "heads of %zu columns: rotations want an even number",
                          c->head_dim);
    c->rotary.dims = c->head_dim;
    c->rotary.rope = (RopeConfig){.theta = c->modernbert.global_theta};
    c->rotary.rope_local = (RopeConfig){.theta = c->modernbert.local_theta};
    c->attention.has_qkv_bias = c->modernbert.has_attention_bias;
    c->output.has_bias = c->modernbert.has_decoder_bias;
    c->output.is_tied = true;
    return json_opt_bool(root, "tie_word_embeddings", &c->output.is_tied, err);
}

static void decoder_write_config(const ModelConfig *c, JsonWriter *w)
{
    write_config(c, w);
    if (!c->output.is_tied) json_member_bool(w, "tie_word_embeddings", false);
}

const Architecture architecture_modernbert_decoder = {
    .model_type = "modernbert-decoder",
    .summary = "ModernBERT's decoder (Ettin)",
    .classes = {{"ModernBertDecoderForCausalLM", HEAD_CAUSAL_LM},
                {"ModernBertDecoderModel", HEAD_EMBEDDING},
                {"ModernBertDecoderForSequenceClassification", HEAD_SEQUENCE}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = decoder_read_config,
    .write_config = decoder_write_config,
    .record = modernbert_decoder_record,
};
