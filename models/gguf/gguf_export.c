#include "models/gguf/gguf_export.h"

#include <math.h>
#include <string.h>

#include "models/config_read.h"
#include "models/rope.h"

enum { KEY_SIZE = 128, MAX_SIZE = 1 << 24 };

// A config.json that is being told as metadata. The first error is kept; later calls do nothing.
typedef struct Export {
    GgufBuilder *b;
    const Json *config, *rope; // rope: rope_parameters, or rope_scaling, or NULL
    const char *architecture;
    const ModelConfig *parsed; // the config understood, of the families that are told by it
    size_t head_dim, rotary_dims;
    Status status;
    Error *err;
} Export;

static const char *key_of(const Export *out, const char *rest, char key[KEY_SIZE])
{
    snprintf(key, KEY_SIZE, "%s.%s", out->architecture, rest);
    return key;
}

// A size under the first of two names; `missing` where neither is there.
static size_t size_of(Export *out, const char *name, const char *other, size_t missing)
{
    int64_t value = (int64_t)missing;
    if (out->status != STATUS_OK) return missing;
    const char *used = config_has(out->config, name) || !other ? name : other;
    out->status = json_opt_i64(out->config, used, 0, MAX_SIZE, &value, out->err);
    return (size_t)value;
}

static double real_of(Export *out, const Json *object, const char *name, double missing)
{
    double value = missing;
    if (out->status == STATUS_OK && object)
        out->status = json_opt_double(object, name, -1e30, 1e30, &value, out->err);
    return value;
}

static void put_size(Export *out, const char *rest, size_t value)
{
    char key[KEY_SIZE];
    gguf_put_u32(out->b, key_of(out, rest, key), (uint32_t)value);
}

static void put_real(Export *out, const char *rest, double value)
{
    char key[KEY_SIZE];
    gguf_put_f32(out->b, key_of(out, rest, key), (float)value);
}

static void put_text(Export *out, const char *rest, Slice value)
{
    char key[KEY_SIZE];
    gguf_put_string(out->b, key_of(out, rest, key), value);
}

// ---- rotations ----

// Llama 3: low frequencies turn `factor` times slower, high ones as they are, those between by a linear mix of both.
// Source: Transformers' modeling_rope_utils, _compute_llama3_parameters.
static void put_llama3_factors(Export *out, double theta, Arena *arena, GgufRopeFactors *factors)
{
    const size_t n = out->rotary_dims / 2;
    const double factor = real_of(out, out->rope, "factor", 8);
    const double low = real_of(out, out->rope, "low_freq_factor", 1);
    const double high = real_of(out, out->rope, "high_freq_factor", 4);
    const double original = real_of(out, out->rope, "original_max_position_embeddings", 8192);
    if (out->status == STATUS_OK)
        out->status =
            arena_take(arena, n, sizeof *factors->values, "factors", &factors->values, out->err);
    for (size_t i = 0; out->status == STATUS_OK && i < n; i++) {
        const double wavelength =
            2 * 3.14159265358979323846 * pow(theta, 2.0 * (double)i / (double)out->rotary_dims);
        const double mix = (original / wavelength - low) / (high - low);
        if (wavelength < original / high)
            factors->values[i] = 1.0f;
        else if (wavelength > original / low)
            factors->values[i] = (float)factor;
        else
            factors->values[i] = (float)(1.0 / ((1.0 - mix) / factor + mix));
    }
    factors->n = n;
}

static float *read_factors(Export *out, const char *name, Arena *arena)
{
    const Json *list = NULL;
    float *values = NULL;
    const size_t n = out->rotary_dims / 2;
    if (out->status == STATUS_OK)
        out->status = json_want_kind(out->rope, name, JSON_ARRAY, &list, out->err);
    if (out->status == STATUS_OK && json_len(list) != n)
        out->status = json_error(list, out->err, "must have %zu numbers", n);
    if (out->status == STATUS_OK)
        out->status = arena_take(arena, n, sizeof *values, "factors", &values, out->err);
    for (size_t i = 0; out->status == STATUS_OK && i < n; i++) {
        double value = 1;
        out->status = json_as_double(json_at(list, i), 1e-6, 1e6, &value, out->err);
        values[i] = (float)value;
    }
    return values;
}

static void put_long_factors(Export *out, size_t context, Arena *arena, GgufRopeFactors *factors)
{
    const Json *from =
        config_has(out->rope, "original_max_position_embeddings") ? out->rope : out->config;
    const double original = real_of(out, from, "original_max_position_embeddings", (double)context);
    const double ratio = (double)context / original;
    const double usual = ratio > 1 ? sqrt(1 + log(ratio) / log(original)) : 1;
    factors->values = read_factors(out, "short_factor", arena);
    factors->long_values = read_factors(out, "long_factor", arena);
    factors->n = out->rotary_dims / 2;
    put_size(out, "rope.scaling.original_context_length", (size_t)original);
    put_real(out, "rope.scaling.attn_factor", real_of(out, out->rope, "attention_factor", usual));
}

// What YaRN's usual numbers are not. llama.cpp multiplies its attn_factor by the scale that follows from the factor.
static void put_yarn(Export *out, double factor)
{
    const RopeConfig given = {.kind = ROPE_YARN,
                              .factor = factor,
                              .attention_factor = real_of(out, out->rope, "attention_factor", 0),
                              .mscale = real_of(out, out->rope, "mscale", 0),
                              .mscale_all_dim = real_of(out, out->rope, "mscale_all_dim", 0)};
    const RopeConfig plain = {.kind = ROPE_YARN, .factor = factor};
    const double scale = (double)rope_scale(&given, 1), usual = (double)rope_scale(&plain, 1);
    const bool is_latent = out->parsed && out->parsed->latent.kv_rank > 0; // told otherwise
    if (scale != usual && !is_latent) put_real(out, "rope.scaling.attn_factor", scale / usual);
    if (config_has(out->rope, "beta_fast"))
        put_real(out, "rope.scaling.yarn_beta_fast", real_of(out, out->rope, "beta_fast", 32));
    if (config_has(out->rope, "beta_slow"))
        put_real(out, "rope.scaling.yarn_beta_slow", real_of(out, out->rope, "beta_slow", 1));
}

static void put_rope(Export *out, size_t context, Arena *arena, GgufRopeFactors *factors)
{
    Slice type = SLICE("default");
    const Json *parameters = json_get(out->config, "rope_parameters");
    // Gemma 3 has two sets; the one of its full layers is the main one in GGUF, the other is fixed there.
    if (config_has(parameters, "full_attention"))
        parameters = json_get(parameters, "full_attention");
    out->rope = config_has(out->config, "rope_scaling") ? json_get(out->config, "rope_scaling")
                                                        : parameters;
    double theta = real_of(out, parameters, "rope_theta", 10000);
    theta = real_of(out, out->config, "rope_theta", theta);
    const double partial = real_of(out, parameters, "partial_rotary_factor",
                                   real_of(out, out->config, "partial_rotary_factor", 1));
    out->rotary_dims = (size_t)((double)out->head_dim * partial);
    if (out->parsed) {
        theta = out->parsed->rotary.rope.theta;
        out->rotary_dims = out->parsed->rotary.dims;
    }
    put_real(out, "rope.freq_base", theta);
    put_size(out, "rope.dimension_count", out->rotary_dims);
    if (out->status != STATUS_OK || !out->rope) return;
    out->status = json_opt_string(out->rope, "type", &type, out->err);
    if (out->status == STATUS_OK)
        out->status = json_opt_string(out->rope, "rope_type", &type, out->err);
    if (slice_eq_cstr(type, "linear") || slice_eq_cstr(type, "yarn")) {
        put_text(out, "rope.scaling.type", type);
        const double factor = real_of(out, out->rope, "factor", 1);
        put_real(out, "rope.scaling.factor", factor);
        const double original = real_of(out, out->rope, "original_max_position_embeddings", 0);
        if (original > 0) put_size(out, "rope.scaling.original_context_length", (size_t)original);
        if (slice_eq_cstr(type, "yarn")) put_yarn(out, factor);
    } else if (slice_eq_cstr(type, "llama3")) {
        put_llama3_factors(out, theta, arena, factors);
    } else if (slice_eq_cstr(type, "longrope") || slice_eq_cstr(type, "su")) {
        put_long_factors(out, context, arena, factors);
    }
}

// ---- sizes ----

// llama.cpp has Gemma 2's usual caps where its files have none. A final cap of 0 is off there; one of scores cannot be, and is
// put so high that it does nothing.
static void put_caps(Export *out)
{
    static const struct {
        const char *key;
        double none;
    } caps[] = {{"attn_logit_softcapping", 1e6}, {"final_logit_softcapping", 0}};
    const bool has_usual = strcmp(out->architecture, "gemma2") == 0;
    for (size_t i = 0; i < 2; i++) {
        const bool is_off = has_usual && json_get(out->config, caps[i].key);
        if (is_off || config_has(out->config, caps[i].key))
            put_real(out, caps[i].key, real_of(out, out->config, caps[i].key, caps[i].none));
    }
}

static void put_decoder(Export *out, size_t n_heads, Arena *arena, GgufRopeFactors *factors)
{
    const size_t context = size_of(out, "max_position_embeddings", NULL, 2048);
    put_size(out, "context_length", context);
    put_size(out, "attention.head_count_kv", size_of(out, "num_key_value_heads", NULL, n_heads));
    put_size(out, "attention.key_length", out->head_dim);
    put_size(out, "attention.value_length", out->head_dim);
    put_real(out, "attention.layer_norm_rms_epsilon",
             real_of(out, out->config, "rms_norm_eps", 1e-6));
    if (strcmp(out->architecture, "phi3") == 0)
        put_size(out, "attention.sliding_window", size_of(out, "sliding_window", NULL, 0));
    put_rope(out, context, arena, factors);
}

// llama.cpp knows whether weights add up to 1 by the architecture; expert_weights_norm says it too.
static void put_experts(Export *out, const ModelConfig *c)
{
    char key[KEY_SIZE];
    const ExpertsConfig *e = &c->experts;
    put_size(out, "expert_count", e->n_experts);
    put_size(out, "expert_used_count", e->n_active);
    if (e->inner_size != c->intermediate_size || slice_starts_with(c->model_type, SLICE("qwen")) ||
        slice_eq_cstr(c->model_type, "gpt_oss") || slice_eq_cstr(c->model_type, "minimax_m2") ||
        e->shares_plainly || c->latent.kv_rank > 0)
        put_size(out, "expert_feed_forward_length", e->inner_size);
    if (e->shared_size > 0) put_size(out, "expert_shared_feed_forward_length", e->shared_size);
    const bool normalizes =
        e->route == ROUTE_SIGMOID ? e->normalizes : e->route == ROUTE_SOFTMAX_TOP;
    gguf_put_bool(out->b, key_of(out, "expert_weights_norm", key), normalizes);
}

// Experts beside some of every token, behind dense layers.
static void put_shared_experts(Export *out)
{
    enum { GATE_SOFTMAX = 1, GATE_SIGMOID = 2 }; // as llama.cpp numbers them
    const ModelConfig *c = out->parsed;
    const ExpertsConfig *e = &c->experts;
    size_t n_dense = 0;
    while (n_dense < c->n_layers && e->is_dense && e->is_dense[n_dense]) n_dense++;
    put_size(out, "leading_dense_block_count", n_dense);
    put_size(out, "expert_shared_count", e->inner_size > 0 ? e->shared_size / e->inner_size : 0);
    put_real(out, "expert_weights_scale", (double)e->weight_scale);
    put_size(out, "expert_gating_func", e->route == ROUTE_SIGMOID ? GATE_SIGMOID : GATE_SOFTMAX);
    // All groups are as good as none; llama.cpp takes none but some of several.
    if (e->n_top_groups < e->n_groups) {
        put_size(out, "expert_group_count", e->n_groups);
        put_size(out, "expert_group_used_count", e->n_top_groups);
    }
}

// DeepSeek's attention. What llama.cpp keeps of a token is the few numbers that keys and values are made of, as one key of one
// head; keys and values themselves are those of "_mla".
static void put_latent(Export *out)
{
    const ModelConfig *c = out->parsed;
    const LatentConfig *l = &c->latent;
    put_size(out, "attention.q_lora_rank", l->q_rank); // 0: none
    put_size(out, "attention.kv_lora_rank", l->kv_rank);
    put_size(out, "attention.head_count_kv", 1);
    put_size(out, "attention.key_length", l->kv_rank + l->turned_dims);
    put_size(out, "attention.value_length", l->kv_rank);
    put_size(out, "attention.key_length_mla", l->plain_dims + l->turned_dims);
    put_size(out, "attention.value_length_mla", l->value_dims);
    if (c->rotary.rope.kind == ROPE_YARN)
        put_real(out, "rope.scaling.yarn_log_multiplier", 0.1 * c->rotary.rope.mscale_all_dim);
}

// Families whose config.json has older and newer spellings, told by what was read from it; and whether their norms are of root
// mean squares.
static const struct {
    const char *model_type;
    bool is_rms;
} parsed_families[] = {{"arcee", true},
                       {"bert", false},
                       {"bloom", false},
                       {"camembert", false},
                       {"cohere", false},
                       {"cohere2", false},
                       {"cwm", true},
                       {"deepseek_v2", true},
                       {"deepseek_v3", true},
                       {"distilbert", false},
                       {"dots1", true},
                       {"ernie4_5", true},
                       {"eurobert", true},
                       {"exaone", true},
                       {"exaone4", true},
                       {"falcon", false},
                       {"gemma", true},
                       {"gemma2", true},
                       {"gemma3_text", true},
                       {"glm", true},
                       {"glm4", true},
                       {"glm4_moe", true},
                       {"glm4_moe_lite", true},
                       {"gpt_bigcode", false},
                       {"gpt_neox", false},
                       {"gpt_oss", true},
                       {"granite", true},
                       {"granitemoe", true},
                       {"granitemoehybrid", true},
                       {"helium", true},
                       {"hunyuan_v1_dense", true},
                       {"hunyuan_v1_moe", true},
                       {"internlm3", true},
                       {"jais2", false},
                       {"lfm2", true},
                       {"minimax_m2", true},
                       {"ministral", true},
                       {"ministral3", true},
                       {"mixtral", true},
                       {"modernbert", false},
                       {"mpt", false},
                       {"nemotron", false},
                       {"nomic_bert", false},
                       {"olmo", false},
                       {"olmo2", true},
                       {"olmo3", true},
                       {"olmoe", true},
                       {"phi", false},
                       {"qwen2_moe", true},
                       {"qwen3_moe", true},
                       {"roberta", false},
                       {"seed_oss", true},
                       {"smollm3", true},
                       {"stablelm", false},
                       {"starcoder2", false},
                       {"xlm-roberta", false}};

static bool is_told_by_parsed(Slice model_type, bool *is_rms)
{
    for (size_t i = 0; i < sizeof parsed_families / sizeof *parsed_families; i++) {
        *is_rms = parsed_families[i].is_rms;
        if (slice_eq_cstr(model_type, parsed_families[i].model_type)) return true;
    }
    return false;
}

// Whether all layers are local but every `period`-th, the first among these or the last.
static bool is_local_but_every(const bool *is_local, size_t n, size_t period, bool first_is_full)
{
    for (size_t i = 0; i < n; i++) {
        if (is_local[i] != ((i + !first_is_full) % period != 0)) return false;
    }
    return true;
}

// Which layers are local: all but every n-th, or a list.
static void put_pattern(Export *out, const bool *is_local, size_t n, bool first_is_full)
{
    char key[KEY_SIZE];
    size_t period = 1;
    while (period <= n && !is_local_but_every(is_local, n, period, first_is_full)) period++;
    (void)key_of(out, "attention.sliding_window_pattern", key);
    if (period <= n)
        gguf_put_u32(out->b, key, (uint32_t)period);
    else
        gguf_put_bools(out->b, key, is_local, n);
}

static void put_window(Export *out)
{
    const ModelConfig *c = out->parsed;
    if (c->attention.window == 0) return;
    if (!model_config_has_windows(c) && !slice_eq_cstr(c->model_type, "exaone4")) {
        // llama.cpp ends the process where a window is of no layer, and has one of its own where a file is silent, but for these.
        if (!slice_eq_cstr(c->model_type, "gemma3_text") && !slice_eq_cstr(c->model_type, "olmo3"))
            put_size(out, "attention.sliding_window", c->max_positions);
        return;
    }
    // Of both sides together, where a token sees both.
    put_size(out, "attention.sliding_window",
             c->attention.sees_all ? 2 * (c->attention.window - 1) : c->attention.window);
    if (c->attention.is_local) put_pattern(out, c->attention.is_local, c->n_layers, false);
}

static void put_gemma(Export *out)
{
    const ModelConfig *c = out->parsed;
    put_caps(out);
    // llama.cpp takes the scale that Gemma's own sizes have; of other sizes only we read it.
    if (c->attention.scale > 0) put_real(out, "attention.scale", (double)c->attention.scale);
    if (c->rotary.rope_local.theta > 0)
        put_real(out, "rope.freq_base_swa", c->rotary.rope_local.theta);
}

// LFM2's layers that are no attention: those without heads of keys.
static void put_convs(Export *out, Arena *arena)
{
    char key[KEY_SIZE];
    uint32_t *n_heads = NULL;
    const ModelConfig *c = out->parsed;
    if (out->status == STATUS_OK)
        out->status = arena_take(arena, c->n_layers, sizeof *n_heads, "layers", &n_heads, out->err);
    for (size_t i = 0; n_heads && i < c->n_layers; i++)
        n_heads[i] = c->conv.layers[i] ? 0 : (uint32_t)c->n_kv_heads;
    if (n_heads)
        gguf_put_u32s(out->b, key_of(out, "attention.head_count_kv", key), n_heads, c->n_layers);
    put_size(out, "shortconv.l_cache", c->conv.n_taps);
}

static void put_parsed(Export *out, bool is_rms, Arena *arena, GgufRopeFactors *factors)
{
    char key[KEY_SIZE];
    const ModelConfig *c = out->parsed;
    const Slice model = c->model_type;
    out->head_dim = c->head_dim;
    put_size(out, "vocab_size", c->vocab_size);
    put_size(out, "context_length", c->max_positions);
    put_size(out, "embedding_length", c->hidden_size);
    put_size(out, "block_count", c->n_layers);
    put_size(out, "feed_forward_length", c->intermediate_size);
    put_size(out, "attention.head_count", c->n_heads);
    const bool is_latent = c->latent.kv_rank > 0;
    if (!is_latent) {
        if (c->conv.layers)
            put_convs(out, arena);
        else
            put_size(out, "attention.head_count_kv", c->n_kv_heads);
        put_size(out, "attention.key_length", c->head_dim);
        put_size(out, "attention.value_length", c->head_dim);
    }
    put_real(out, is_rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon",
             (double)c->layer_norm_eps);
    if (slice_eq_cstr(model, "gpt_neox") || slice_eq_cstr(model, "stablelm"))
        gguf_put_bool(out->b, key_of(out, "use_parallel_residual", key), c->block.is_parallel);
    if (slice_eq_cstr(model, "falcon"))
        put_text(out, "tensor_data_layout", SLICE("jploski")); // queries, keys, values stacked
    if (c->attention.sees_all) gguf_put_bool(out->b, key_of(out, "attention.causal", key), false);
    put_window(out);
    if (slice_starts_with(model, SLICE("gemma"))) put_gemma(out);
    if (c->rotary.rope.growth > 0)
        put_real(out, "attention.temperature_scale", c->rotary.rope.growth);
    if (slice_eq_cstr(model, "mpt")) put_real(out, "attention.max_alibi_bias", 8);
    if (c->attention.qkv_cap > 0)
        put_real(out, "attention.clamp_kqv", (double)c->attention.qkv_cap);
    if (slice_starts_with(model, SLICE("cohere")))
        put_real(out, "logit_scale", (double)c->output.scale);
    if (slice_starts_with(model, SLICE("granite"))) {
        put_real(out, "logit_scale", 1.0 / (double)c->output.scale);
        put_real(out, "residual_scale", (double)c->block.residual_scale);
        put_real(out, "embedding_scale", (double)c->embedding_scale);
        put_real(out, "attention.scale", (double)c->attention.scale);
        // By which llama.cpp says of Granite whether anything turns.
        if (c->rotary.skips)
            gguf_put_bool(out->b, key_of(out, "rope.scaling.finetuned", key), false);
    }
    if (c->experts.n_experts > 0) put_experts(out, c);
    if (c->experts.route == ROUTE_SIGMOID || is_latent) put_shared_experts(out);
    if (is_latent) put_latent(out);
    if (c->rotary.dims > 0) put_rope(out, c->max_positions, arena, factors);
}

// Rotations of Nomic's BERT, and of ModernBERT, whose blocks see near tokens alone or everything.
static void put_turning(Export *out, Arena *arena)
{
    const ModelConfig *c = out->parsed;
    bool *is_local = NULL;
    put_size(out, "rope.dimension_count", c->hidden_size / c->n_heads);
    put_real(out, "rope.freq_base",
             c->modernbert.is_global ? c->modernbert.global_theta : c->rotary.rope.theta);
    if (!c->modernbert.is_global) return;
    out->status = arena_take(arena, c->n_layers, sizeof *is_local, "layers", &is_local, out->err);
    if (out->status != STATUS_OK) return;
    for (size_t i = 0; i < c->n_layers; i++) is_local[i] = !c->modernbert.is_global[i];
    put_real(out, "rope.freq_base_swa", c->modernbert.local_theta);
    put_text(out, "hidden_activation", slice_from_cstr(config_activation_name(c->activation)));
    put_size(out, "attention.sliding_window", 2 * c->modernbert.local_reach);
    put_pattern(out, is_local, c->n_layers, true);
}

static bool is_encoder(const char *architecture)
{
    return strcmp(architecture, "bert") == 0 || strcmp(architecture, "nomic-bert") == 0 ||
           strcmp(architecture, "modern-bert") == 0;
}

static void put_encoder(Export *out, Arena *arena)
{
    char key[KEY_SIZE];
    const ModelConfig *c = out->parsed;
    put_size(out, "vocab_size", c->vocab_size);
    put_size(out, "context_length", c->max_positions);
    put_size(out, "embedding_length", c->hidden_size);
    put_size(out, "block_count", c->n_layers);
    put_size(out, "feed_forward_length", c->intermediate_size);
    put_size(out, "attention.head_count", c->n_heads);
    put_real(out, "attention.layer_norm_epsilon", (double)c->layer_norm_eps);
    gguf_put_bool(out->b, key_of(out, "attention.causal", key), false);
    if (strcmp(out->architecture, "bert") != 0) put_turning(out, arena);
    if (!c->modernbert.is_global) // which llama.cpp wants of a DistilBERT too
        gguf_put_u32(out->b, "tokenizer.ggml.token_type_count",
                     c->type_vocab_size > 0 ? (uint32_t)c->type_vocab_size : 1);
}

static void put_t5(Export *out)
{
    const size_t n_layers = size_of(out, "num_layers", NULL, 6);
    const double epsilon = real_of(out, out->config, "layer_norm_epsilon", 1e-6);
    put_size(out, "context_length", size_of(out, "n_positions", NULL, 512));
    put_size(out, "decoder_block_count", size_of(out, "num_decoder_layers", NULL, n_layers));
    put_size(out, "attention.key_length", out->head_dim);
    put_size(out, "attention.value_length", out->head_dim);
    put_size(out, "attention.relative_buckets_count",
             size_of(out, "relative_attention_num_buckets", NULL, 32));
    put_real(out, "attention.layer_norm_epsilon", epsilon);
    put_real(out, "attention.layer_norm_rms_epsilon", epsilon);
    put_size(out, "decoder_start_token_id", size_of(out, "decoder_start_token_id", NULL, 0));
}

static void put_sizes(Export *out, size_t vocab_size, Arena *arena, GgufRopeFactors *factors)
{
    const bool is_t5 = strncmp(out->architecture, "t5", 2) == 0;
    const size_t hidden = size_of(out, "hidden_size", is_t5 ? "d_model" : "n_embd", 1);
    const size_t n_heads = size_of(out, "num_attention_heads", is_t5 ? "num_heads" : "n_head", 1);
    const size_t usual_inner = 4 * hidden;
    out->head_dim =
        size_of(out, "head_dim", is_t5 ? "d_kv" : NULL, n_heads > 0 ? hidden / n_heads : 1);
    put_size(out, "vocab_size", vocab_size);
    put_size(out, "embedding_length", hidden);
    put_size(out, "block_count",
             size_of(out, "num_hidden_layers", is_t5 ? "num_layers" : "n_layer", 1));
    put_size(out, "feed_forward_length",
             size_of(out, "intermediate_size", is_t5 ? "d_ff" : "n_inner", usual_inner));
    put_size(out, "attention.head_count", n_heads);
    if (is_t5) {
        put_t5(out);
    } else if (strcmp(out->architecture, "gpt2") == 0) {
        put_size(out, "context_length", size_of(out, "n_positions", "n_ctx", 1024));
        put_real(out, "attention.layer_norm_epsilon",
                 real_of(out, out->config, "layer_norm_epsilon", 1e-5));
    } else {
        put_decoder(out, n_heads, arena, factors);
    }
}

Status gguf_put_config(GgufBuilder *b, const Json *config, Slice name, uint32_t file_type,
                       size_t vocab_size, Arena *arena, GgufRopeFactors *factors, Error *err)
{
    Slice model_type = {0};
    *factors = (GgufRopeFactors){0};
    TRY(json_want_string(config, "model_type", &model_type, err));
    const GgufFamily *family = NULL;
    TRY(gguf_family_of_config(config, &family, err));
    gguf_put_string(b, "general.architecture",
                    family ? slice_from_cstr(family->architecture) : model_type);
    gguf_put_string(b, "general.name", name);
    gguf_put_u32(b, "general.file_type", file_type);
    gguf_put_u32(b, "general.quantization_version", 2);
    if (!family) return STATUS_OK;
    Export out = {.b = b, .config = config, .architecture = family->architecture, .err = err};
    ModelConfig parsed;
    bool is_rms = false;
    if (is_told_by_parsed(model_type, &is_rms)) {
        TRY(model_config_parse(arena, config, &parsed, err));
        parsed.vocab_size = vocab_size;
        out.parsed = &parsed;
        if (is_encoder(family->architecture))
            put_encoder(&out, arena);
        else
            put_parsed(&out, is_rms, arena, factors);
        return out.status;
    }
    put_sizes(&out, vocab_size, arena, factors);
    return out.status;
}
