#include "models/architectures/decoder_config.h"

#include <math.h>

#include "kernels/causal_conv.h"

// ---- rotation ----

// Columns of a head that turn: a part of it, given beside the other parameters or at the top. Kinds without a usual part turn
// whole heads in Transformers whatever the file says, and in llama.cpp such a file does not open.
static Status read_rotary_dims(const Json *root, const DecoderDefaults *defaults,
                               ModelConfig *config, Error *err)
{
    const Json *parameters = decoder_rope_parameters(root);
    double part = defaults->rotary_part > 0 ? defaults->rotary_part : 1;
    TRY(json_opt_double(root, "partial_rotary_factor", 1e-6, 1, &part, err));
    if (defaults->rotary_part_key)
        TRY(json_opt_double(root, defaults->rotary_part_key, 1e-6, 1, &part, err));
    if (parameters) TRY(json_opt_double(parameters, "partial_rotary_factor", 1e-6, 1, &part, err));
    if (defaults->rotary_part == 0 && part != 1)
        return json_error(
            root, err,
            "partial_rotary_factor %g: the heads of this kind of model turn as a whole, "
            "so that only 1 is supported",
            part);
    config->rotary.dims = (size_t)((double)config->head_dim * part);
    if (config->rotary.dims == 0 || config->rotary.dims % 2 != 0) {
        return json_error(root, err,
                          "%zu of %zu columns of a head would turn; their number must be even",
                          config->rotary.dims, config->head_dim);
    }
    return STATUS_OK;
}

// ---- sizes ----

static Status read_sizes(const Json *root, const DecoderDefaults *defaults, ModelConfig *c,
                         Error *err)
{
    TRY(config_read_size(root, "vocab_size", &c->vocab_size, err));
    TRY(config_read_size(root, "hidden_size", &c->hidden_size, err));
    const bool has_other = defaults->layers_key && config_has(root, defaults->layers_key);
    TRY(config_read_size(root, has_other ? defaults->layers_key : "num_hidden_layers", &c->n_layers,
                         err));
    TRY(config_read_size(root, "num_attention_heads", &c->n_heads, err));
    const bool has_inner = defaults->inner_key && config_has(root, defaults->inner_key);
    TRY(config_read_size(root, has_inner ? defaults->inner_key : "intermediate_size",
                         &c->intermediate_size, err));
    TRY(config_read_size(root, "max_position_embeddings", &c->max_positions, err));
    const size_t usual_kv = defaults->n_kv_heads ? defaults->n_kv_heads : c->n_heads;
    TRY(config_read_size_or(root, "num_key_value_heads", usual_kv, &c->n_kv_heads, err));
    const size_t usual = defaults->head_dim ? defaults->head_dim : c->hidden_size / c->n_heads;
    TRY(config_read_size_or(root, "head_dim", usual, &c->head_dim, err));
    if (c->head_dim == 0)
        return json_error(root, err, "%zu heads of hidden_size %zu have no columns", c->n_heads,
                          c->hidden_size);
    if (c->n_heads % c->n_kv_heads != 0) {
        return json_error(root, err,
                          "num_attention_heads %zu is no multiple of num_key_value_heads %zu",
                          c->n_heads, c->n_kv_heads);
    }
    return STATUS_OK;
}

static Status read_activation(const Json *root, const DecoderDefaults *defaults, ModelConfig *c,
                              Error *err)
{
    if (config_has(root, defaults->activation_key))
        return config_read_activation(root, defaults->activation_key, &c->activation, err);
    return config_activation_of(slice_from_cstr(defaults->activation), &c->activation)
               ? STATUS_OK
               : error_set(err, STATUS_INTERNAL, "unknown default activation");
}

Status decoder_read_tagger(const Json *root, ModelConfig *c, Error *err)
{
    float usual = 0.1f;
    TRY(config_want_bool(root, "token_classification_bias", true, err));
    TRY(config_read_float(root, "hidden_dropout", 0, 0.999, 0.1, &usual, err));
    return config_read_float(root, "classifier_dropout", 0, 0.999, (double)usual,
                             &c->dropout.classifier, err);
}

static const char *norm_key(const DecoderDefaults *defaults)
{
    return defaults->norm_key ? defaults->norm_key : "rms_norm_eps";
}

Status decoder_read(Arena *arena, const Json *root, const DecoderDefaults *defaults, ModelConfig *c,
                    Error *err)
{
    double theta = defaults->theta;
    TRY(read_sizes(root, defaults, c, err));
    TRY(read_activation(root, defaults, c, err));
    TRY(config_read_float(root, norm_key(defaults), 0, 1, defaults->norm_epsilon,
                          &c->layer_norm_eps, err));
    TRY(config_read_float(root, "initializer_range", 0, 100, 0.02, &c->initializer_range, err));
    TRY(config_read_float(root, "attention_dropout", 0, 0.999, 0, &c->dropout.attention, err));
    TRY(decoder_read_tagger(root, c, err));
    c->output.is_tied = defaults->is_tied;
    TRY(json_opt_bool(root, "tie_word_embeddings", &c->output.is_tied, err));
    TRY(read_rotary_dims(root, defaults, c, err));
    TRY(json_opt_double(root, "rope_theta", 1e-3, 1e18, &theta, err));
    if (defaults->theta_key)
        TRY(json_opt_double(root, defaults->theta_key, 1e-3, 1e18, &theta, err));
    c->rotary.rope = (RopeConfig){.theta = theta};
    const Json *parameters = decoder_rope_parameters(root);
    // Of models with two sets, which decoder_read_two_ropes reads.
    if (parameters && json_get(parameters, "full_attention")) return STATUS_OK;
    TRY(decoder_read_rope(arena, root, parameters, theta, c, &c->rotary.rope, err));
    if (c->rotary.rope.kind == ROPE_PROPORTIONAL)
        return json_error(parameters, err, "\"proportional\" is supported in Gemma 4 alone");
    // What dynamic scaling is for: so much more than the first context.
    if (c->rotary.rope.kind == ROPE_DYNAMIC)
        c->max_positions =
            (size_t)fmin((double)c->max_positions * c->rotary.rope.factor, (double)(INT32_MAX / 2));
    return STATUS_OK;
}

Status decoder_read_window(const Json *root, ModelConfig *config, Error *err)
{
    return config_read_size_or(root, "sliding_window", 0, &config->attention.window, err);
}

Status decoder_read_window_or(const Json *root, size_t missing, ModelConfig *config, Error *err)
{
    config->attention.window = missing;
    return json_get(root, "sliding_window") ? decoder_read_window(root, config, err) : STATUS_OK;
}

Status decoder_read_attention_bias(const Json *root, bool missing, ModelConfig *config, Error *err)
{
    bool has_bias = missing;
    TRY(json_opt_bool(root, "attention_bias", &has_bias, err));
    config->attention.has_qkv_bias = config->attention.has_output_bias = has_bias;
    return STATUS_OK;
}

Status decoder_read_conv_layers(const Json *root, const char *conv, size_t n_layers, bool *is_conv,
                                Error *err)
{
    const Json *types = NULL;
    TRY(config_read_layer_list(root, "layer_types", n_layers, &types, err));
    for (size_t i = 0; types && i < n_layers; i++) {
        Slice type = {0};
        TRY(json_as_string(json_at(types, i), &type, err));
        is_conv[i] = slice_eq_cstr(type, conv);
        if (!is_conv[i] && !slice_eq_cstr(type, "full_attention"))
            return json_error(json_at(types, i), err,
                              "layer type \"" SLICE_FMT
                              "\" is not supported; known are full_attention and %s",
                              SLICE_ARG(type), conv);
    }
    return STATUS_OK;
}

Status decoder_read_taps(const Json *root, const char *key, size_t missing, ModelConfig *c,
                         Error *err)
{
    TRY(config_read_size_or(root, key, missing, &c->conv.n_taps, err));
    if (c->conv.n_taps <= CAUSAL_CONV_MAX) return STATUS_OK;
    return json_error(json_get(root, key), err,
                      "a convolution over %zu tokens is not supported; at most %d are",
                      c->conv.n_taps, CAUSAL_CONV_MAX);
}

Status decoder_read_cap(const Json *root, ModelConfig *config, Error *err)
{
    return config_read_float(root, "clip_qkv", 1e-9, 1e9, 0, &config->attention.qkv_cap, err);
}

// ---- layers ----

Status decoder_read_layer_types(Arena *arena, const Json *root, size_t pattern, ModelConfig *config,
                                Error *err)
{
    const Json *list = NULL;
    bool *is_local = NULL;
    TRY(config_read_layer_list(root, "layer_types", config->n_layers, &list, err));
    TRY(arena_take(arena, config->n_layers, sizeof *is_local, "layers", &is_local, err));
    for (size_t i = 0; i < config->n_layers; i++) {
        Slice type = {0};
        is_local[i] = pattern == 0 || (i + 1) % pattern != 0;
        if (!list) continue;
        TRY(json_as_string(json_at(list, i), &type, err));
        is_local[i] = slice_eq_cstr(type, "sliding_attention");
        if (!is_local[i] && !slice_eq_cstr(type, "full_attention")) {
            return json_error(json_at(list, i), err,
                              "layer type \"" SLICE_FMT "\" is not supported; known are "
                              "full_attention and sliding_attention",
                              SLICE_ARG(type));
        }
    }
    config->attention.is_local = is_local;
    return STATUS_OK;
}

// ---- writing ----

void decoder_write_cap(const ModelConfig *c, JsonWriter *w)
{
    json_put_key(w, "clip_qkv");
    if (c->attention.qkv_cap > 0)
        json_put_float(w, c->attention.qkv_cap);
    else
        json_put_null(w);
}

void decoder_write_conv_layers(const ModelConfig *c, const char *conv, JsonWriter *w)
{
    json_member_array(w, "layer_types");
    for (size_t i = 0; i < c->n_layers; i++)
        json_put_cstr(w, c->conv.layers[i] ? conv : "full_attention");
    json_end_array(w);
}

void decoder_write_pad(const ModelConfig *c, JsonWriter *w)
{
    if (c->pad_id >= 0) return;
    json_put_key(w, "pad_token_id");
    json_put_null(w);
}

static void put_layers(const ModelConfig *c, JsonWriter *w)
{
    json_put_key(w, "sliding_window");
    if (c->attention.window > 0) {
        json_put_u64(w, c->attention.window);
    } else {
        json_put_null(w);
    }
    if (!c->attention.is_local) return;
    json_member_array(w, "layer_types");
    for (size_t i = 0; i < c->n_layers; i++)
        json_put_cstr(w, c->attention.is_local[i] ? "sliding_attention" : "full_attention");
    json_end_array(w);
}

void decoder_write(const ModelConfig *c, const DecoderDefaults *defaults, JsonWriter *w)
{
    const bool tells_part = defaults->rotary_part > 0;
    json_member_u64(w, "vocab_size", c->vocab_size);
    json_member_u64(w, "hidden_size", c->hidden_size);
    json_member_u64(w, "num_hidden_layers", c->n_layers);
    json_member_u64(w, "num_attention_heads", c->n_heads);
    json_member_u64(w, "num_key_value_heads", c->n_kv_heads);
    json_member_u64(w, "head_dim", c->head_dim);
    if (!defaults->inner_key) json_member_u64(w, "intermediate_size", c->intermediate_size);
    json_member_u64(w, "max_position_embeddings",
                    c->rotary.rope.kind == ROPE_DYNAMIC ? c->rotary.rope.original_positions
                                                        : c->max_positions);
    json_member_float(w, norm_key(defaults), c->layer_norm_eps);
    json_member_float(w, "initializer_range", c->initializer_range);
    json_member_float(w, "attention_dropout", c->dropout.attention);
    json_member_cstr(w, defaults->activation_key, config_activation_name(c->activation));
    json_member_bool(w, "tie_word_embeddings", c->output.is_tied);
    json_put_key(w, "rope_parameters");
    if (c->rotary.rope_local.theta > 0) {
        json_begin_object(w);
        json_put_key(w, "full_attention");
        decoder_put_rope(c, &c->rotary.rope, tells_part, w);
        json_put_key(w, "sliding_attention");
        decoder_put_rope(c, &c->rotary.rope_local, tells_part, w);
        json_end_object(w);
    } else {
        decoder_put_rope(c, &c->rotary.rope, tells_part, w);
    }
    put_layers(c, w);
}
