// Gemma 4's row of the registry.
#include <math.h>
#include <stdio.h>

#include "models/architecture.h"
#include "models/architectures/decoder_config.h"
#include "models/architectures/experts.h"
#include "models/architectures/gemma.h"

static const DecoderDefaults defaults = {.theta = 1e6,
                                         .norm_epsilon = 1e-6,
                                         .head_dim = 256,
                                         .n_kv_heads = 4,
                                         .is_tied = true,
                                         .activation_key = "hidden_activation",
                                         .activation = "gelu_pytorch_tanh"};

// Every sixth layer sees all where the file has no list, and the last one whatever it has.
static Status read_layers(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool *is_local = NULL;
    TRY(decoder_read_window_or(root, 512, c, err));
    if (c->attention.window == 0)
        return json_error(json_get(root, "sliding_window"), err, "null is not supported");
    TRY(decoder_read_layer_types(arena, root, 6, c, err));
    TRY(arena_take(arena, c->n_layers, sizeof *is_local, "layers", &is_local, err));
    for (size_t i = 0; i < c->n_layers; i++)
        is_local[i] = c->attention.is_local[i] && i + 1 < c->n_layers;
    c->attention.is_local = is_local;
    return STATUS_OK;
}

// ---- heads of global layers ----

static Status check_kv_heads(const Json *at, size_t n, const ModelConfig *c, Error *err)
{
    if (n > 0 && c->n_heads % n == 0) return STATUS_OK;
    return json_error(at, err, "num_attention_heads %zu is no multiple of num_key_value_heads %zu",
                      c->n_heads, n);
}

static Status read_override(const Json *layer, ModelConfig *c, size_t *head_dim, size_t *n_kv,
                            Error *err)
{
    if (json_kind(layer) != JSON_OBJECT) return json_error(layer, err, "must be an object");
    for (const Json *v = json_first(layer); v; v = json_next(v)) {
        if (!slice_eq_cstr(json_key(v), "head_dim") &&
            !slice_eq_cstr(json_key(v), "num_key_value_heads"))
            return json_error(v, err, "only head_dim and num_key_value_heads differ by layer here");
    }
    TRY(config_read_size_or(layer, "head_dim", c->head_dim, head_dim, err));
    return config_read_size_or(layer, "num_key_value_heads", c->n_kv_heads, n_kv, err);
}

// As Transformers 5 writes it: an object for each layer that differs from the others, which here are all global ones, and alike.
static Status read_overrides(const Json *overrides, ModelConfig *c, Error *err)
{
    Gemma4Config *g = &c->gemma4;
    size_t n_global = 0, n = 0;
    for (size_t i = 0; i < c->n_layers; i++) n_global += !c->attention.is_local[i];
    g->global_head_dim = c->head_dim;
    g->n_global_kv_heads = c->n_kv_heads;
    for (const Json *v = json_first(overrides); v; v = json_next(v), n++) {
        uint64_t layer = 0;
        size_t head_dim = 0, n_kv = 0;
        if (!slice_to_u64(json_key(v), &layer) || layer >= c->n_layers ||
            c->attention.is_local[layer])
            return json_error(v, err, "no layer of full_attention has this number");
        TRY(read_override(v, c, &head_dim, &n_kv, err));
        if (n > 0 && (head_dim != g->global_head_dim || n_kv != g->n_global_kv_heads))
            return json_error(v, err,
                              "layers of full_attention with other heads are not supported");
        g->global_head_dim = head_dim;
        g->n_global_kv_heads = n_kv;
    }
    if (n == 0 || n == n_global) return STATUS_OK; // where it is empty all layers are alike
    return json_error(overrides, err, "%zu layers, but %zu are of full_attention", n, n_global);
}

static Status read_heads(const Json *root, ModelConfig *c, Error *err)
{
    Gemma4Config *g = &c->gemma4;
    const Json *overrides = NULL;
    TRY(json_opt_bool(root, "attention_k_eq_v", &g->values_are_keys, err));
    TRY(json_opt_kind(root, "per_layer_config", JSON_OBJECT, &overrides, err));
    if (overrides) {
        TRY(read_overrides(overrides, c, err));
    } else {
        TRY(config_read_size_or(root, "global_head_dim", 512, &g->global_head_dim, err));
        g->n_global_kv_heads = c->n_kv_heads;
        if (g->values_are_keys)
            TRY(config_read_size_or(root, "num_global_key_value_heads", c->n_kv_heads,
                                    &g->n_global_kv_heads, err));
    }
    if (g->global_head_dim % 2 != 0)
        return json_error(root, err, "heads of %zu columns: their number must be even",
                          g->global_head_dim);
    return check_kv_heads(root, g->n_global_kv_heads, c, err);
}

// ---- rotation ----

static Status read_rope(Arena *arena, const Json *root, const Json *both, const char *key,
                        const RopeConfig *usual, ModelConfig *c, RopeConfig *out, Error *err)
{
    const Json *parameters = both ? json_get(both, key) : NULL;
    *out = *usual;
    if (!parameters || json_kind(parameters) == JSON_NULL) return STATUS_OK;
    TRY(decoder_read_rope(arena, root, parameters, usual->theta, c, out, err));
    if (out->kind == ROPE_DEFAULT || out->kind == ROPE_PROPORTIONAL) return STATUS_OK;
    return json_error(parameters, err, "only \"default\" and \"proportional\" are supported here");
}

static Status read_ropes(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    const RopeConfig global = {.kind = ROPE_PROPORTIONAL, .theta = 1e6, .factor = 1, .part = 0.25},
                     local = {.theta = 1e4};
    const Json *both = NULL;
    TRY(json_opt_kind(root, "rope_parameters", JSON_OBJECT, &both, err));
    TRY(read_rope(arena, root, both, "full_attention", &global, c, &c->rotary.rope, err));
    return read_rope(arena, root, both, "sliding_attention", &local, c, &c->rotary.rope_local, err);
}

// ---- layers that share keys, and inputs of layers ----

static Status read_sharing(const Json *root, ModelConfig *c, Error *err)
{
    bool owns[2] = {false, false};
    int64_t n = 0;
    TRY(json_opt_i64(root, "num_kv_shared_layers", 0, 1 << 24, &n, err));
    TRY(json_opt_bool(root, "use_double_wide_mlp", &c->gemma4.widens_sharing, err));
    c->gemma4.n_sharing = (size_t)n;
    for (size_t i = 0; i < c->n_layers; i++) {
        if (i + (size_t)n < c->n_layers) {
            owns[c->attention.is_local[i]] = true;
        } else if (!owns[c->attention.is_local[i]]) {
            return json_error(json_get(root, "num_kv_shared_layers"), err,
                              "layer %zu is to take keys of an earlier layer of its kind, but "
                              "there is none",
                              i);
        }
    }
    return STATUS_OK;
}

static Status read_inputs(const Json *root, ModelConfig *c, Error *err)
{
    int64_t size = 256;
    TRY(json_opt_i64(root, "hidden_size_per_layer_input", 0, 1 << 24, &size, err));
    c->gemma4.input_size = (size_t)size;
    if (size == 0) return STATUS_OK;
    TRY(config_read_size_or(root, "vocab_size_per_layer_input", 262144, &c->gemma4.input_vocab,
                            err));
    if (c->gemma4.input_vocab >= c->vocab_size) return STATUS_OK;
    return json_error(json_get(root, "vocab_size_per_layer_input"), err,
                      "must be at least vocab_size, %zu", c->vocab_size);
}

// What sees images alone may see what is behind it: then a text is read as any other.
static Status read_direction(const Json *root, Error *err)
{
    Slice direction = SLICE("vision");
    if (config_has(root, "use_bidirectional_attention"))
        TRY(json_opt_string(root, "use_bidirectional_attention", &direction, err));
    if (slice_eq_cstr(direction, "vision")) return STATUS_OK;
    return json_error(json_get(root, "use_bidirectional_attention"), err,
                      "only null and \"vision\" are supported");
}

// ---- experts ----

static const ExpertNames expert_names = {.block = "",
                                         .router = "router.proj",
                                         .gate = "gate_proj",
                                         .up = "up_proj",
                                         .down = "down_proj",
                                         .factors = "router.per_expert_scale"};

static Status read_experts(const Json *root, ModelConfig *c, Error *err)
{
    ExpertsConfig *e = &c->experts;
    bool has_experts = false;
    TRY(json_opt_bool(root, "enable_moe_block", &has_experts, err));
    if (!has_experts) return STATUS_OK;
    *e = (ExpertsConfig){.names = &expert_names, .route = ROUTE_SOFTMAX_TOP};
    TRY(config_read_size(root, "num_experts", &e->n_experts, err));
    TRY(config_read_size(root, "top_k_experts", &e->n_active, err));
    TRY(config_read_size(root, "moe_intermediate_size", &e->inner_size, err));
    return experts_check(root, e, err);
}

static void put_experts(const ModelConfig *c, JsonWriter *w)
{
    json_member_bool(w, "enable_moe_block", c->experts.n_experts > 0);
    if (c->experts.n_experts == 0) return;
    json_member_u64(w, "num_experts", c->experts.n_experts);
    json_member_u64(w, "top_k_experts", c->experts.n_active);
    json_member_u64(w, "moe_intermediate_size", c->experts.inner_size);
}

static Status gemma4_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    double logits = 0;
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(read_experts(root, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    TRY(read_direction(root, err));
    TRY(read_layers(arena, root, c, err));
    TRY(read_heads(root, c, err));
    TRY(read_ropes(arena, root, c, err));
    TRY(read_sharing(root, c, err));
    TRY(read_inputs(root, c, err));
    if (config_has(root, "final_logit_softcapping"))
        TRY(json_opt_double(root, "final_logit_softcapping", 0, 1e9, &logits, err));
    c->output.soft_cap = (float)logits;
    c->embedding_scale = (float)sqrt((double)c->hidden_size);
    return STATUS_OK;
}

static void put_overrides(const ModelConfig *c, JsonWriter *w)
{
    json_member_object(w, "per_layer_config");
    for (size_t i = 0; i < c->n_layers; i++) {
        char key[24];
        if (c->attention.is_local[i]) continue;
        (void)snprintf(key, sizeof key, "%zu", i);
        json_member_object(w, key);
        json_member_u64(w, "head_dim", c->gemma4.global_head_dim);
        json_member_u64(w, "num_key_value_heads", c->gemma4.n_global_kv_heads);
        json_end_object(w);
    }
    json_end_object(w);
}

static void gemma4_write(const ModelConfig *c, JsonWriter *w)
{
    const Gemma4Config *g = &c->gemma4;
    decoder_write(c, &defaults, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    json_member_bool(w, "attention_k_eq_v", g->values_are_keys);
    put_overrides(c, w);
    put_experts(c, w);
    json_member_u64(w, "num_kv_shared_layers", g->n_sharing);
    json_member_bool(w, "use_double_wide_mlp", g->widens_sharing);
    json_member_u64(w, "hidden_size_per_layer_input", g->input_size);
    if (g->input_size > 0) json_member_u64(w, "vocab_size_per_layer_input", g->input_vocab);
    json_put_key(w, "final_logit_softcapping");
    if (c->output.soft_cap > 0)
        json_put_float(w, c->output.soft_cap);
    else
        json_put_null(w);
}

const Architecture architecture_gemma4 = {
    .model_type = "gemma4_text",
    .summary = "Gemma 4's text models: inputs of layers, shared keys and values, experts",
    .classes = {{"Gemma4ForCausalLM", HEAD_CAUSAL_LM}, {"Gemma4TextModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = gemma4_read,
    .write_config = gemma4_write,
    .record = gemma4_record,
};
