// Rows of the registry that are Llama's kind but for a bias, a rotation or a norm: ERNIE 4.5, Helium, Seed-OSS, Hunyuan, Ministral,
// InternLM 3, CWM.
#include <math.h>

#include "models/architecture.h"
#include "models/architectures/decoder_config.h"
#include "models/architectures/experts.h"
#include "models/architectures/llama.h"

// ---- ERNIE 4.5 and Helium: neighbouring columns turn together ----

static const DecoderDefaults ernie_defaults = {.theta = 500000,
                                               .norm_epsilon = 1e-5,
                                               .head_dim = 128,
                                               .is_tied = true,
                                               .activation_key = "hidden_act",
                                               .activation = "silu"};

static Status ernie_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool has_bias = false;
    TRY(decoder_read(arena, root, &ernie_defaults, c, err));
    TRY(json_opt_bool(root, "use_bias", &has_bias, err));
    c->attention.has_qkv_bias = c->attention.has_output_bias = c->block.has_mlp_bias = has_bias;
    c->rotary.in_pairs = true;
    c->dropout.attention = 0; // whatever config.json says, as in Transformers
    return STATUS_OK;
}

static void ernie_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &ernie_defaults, w);
    json_member_bool(w, "use_bias", c->attention.has_qkv_bias);
    decoder_write_pad(c, w);
}

const Architecture architecture_ernie4_5 = {
    .model_type = "ernie4_5",
    .summary = "ERNIE 4.5 0.3B: Llama with rotations of neighbouring columns",
    .classes = {{"Ernie4_5ForCausalLM", HEAD_CAUSAL_LM}, {"Ernie4_5Model", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = ernie_read,
    .write_config = ernie_write,
    .record = llama_record,
};

static const DecoderDefaults helium_defaults = {.theta = 100000,
                                                .norm_epsilon = 1e-8,
                                                .head_dim = 128,
                                                .activation_key = "hidden_act",
                                                .activation = "silu"};

static Status helium_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &helium_defaults, c, err));
    TRY(json_opt_bool(root, "attention_bias", &c->attention.has_qkv_bias, err));
    TRY(json_opt_bool(root, "mlp_bias", &c->block.has_mlp_bias, err));
    c->rotary.in_pairs = true;
    if (c->n_heads * c->head_dim == c->hidden_size) return STATUS_OK;
    return json_error(root, err, "%zu heads of %zu columns do not fill hidden_size %zu", c->n_heads,
                      c->head_dim, c->hidden_size);
}

static void helium_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &helium_defaults, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    json_member_bool(w, "mlp_bias", c->block.has_mlp_bias);
    decoder_write_pad(c, w);
}

const Architecture architecture_helium = {
    .model_type = "helium",
    .summary = "Helium: Llama with rotations of neighbouring columns",
    .classes = {DECODER_CLASSES("Helium")},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = helium_read,
    .write_config = helium_write,
    .record = llama_record,
};

// ---- Seed-OSS ----

static const DecoderDefaults seed_defaults = {.theta = 10000,
                                              .norm_epsilon = 1e-6,
                                              .head_dim = 128,
                                              .activation_key = "hidden_act",
                                              .activation = "silu"};

static Status seed_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &seed_defaults, c, err));
    c->attention.has_qkv_bias = true;
    TRY(json_opt_bool(root, "attention_bias", &c->attention.has_qkv_bias, err));
    TRY(json_opt_bool(root, "attention_out_bias", &c->attention.has_output_bias, err));
    TRY(json_opt_bool(root, "mlp_bias", &c->block.has_mlp_bias, err));
    TRY(config_read_float(root, "attention_dropout", 0, 0.999, 0.1, &c->dropout.attention, err));
    return config_read_float(root, "residual_dropout", 0, 0.999, 0.1, &c->dropout.hidden, err);
}

static void seed_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &seed_defaults, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    json_member_bool(w, "attention_out_bias", c->attention.has_output_bias);
    json_member_bool(w, "mlp_bias", c->block.has_mlp_bias);
    json_member_float(w, "residual_dropout", c->dropout.hidden);
    decoder_write_pad(c, w);
}

const Architecture architecture_seed_oss = {
    .model_type = "seed_oss",
    .summary = "Seed-OSS: Llama with biases of queries, keys and values",
    .classes = {DECODER_CLASSES("SeedOss"),
                {"SeedOssForQuestionAnswering", HEAD_SPAN, "transformer."}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = seed_read,
    .write_config = seed_write,
    .record = llama_record,
};

// ---- Hunyuan ----

static const DecoderDefaults hunyuan_defaults = {
    .theta = 10000, .norm_epsilon = 1e-5, .activation_key = "hidden_act", .activation = "silu"};

// Scaling that its files call "dynamic" stretches the base by a fixed alpha, however long a text is.
static Status hunyuan_read_alpha(const Json *root, ModelConfig *c, Error *err)
{
    const Json *parameters = decoder_rope_parameters(root);
    double alpha = 0;
    if (c->rotary.rope.kind != ROPE_DYNAMIC) return STATUS_OK;
    TRY(json_opt_double(parameters, "alpha", 0, 1e12, &alpha, err));
    if (alpha == 0) return STATUS_OK;
    const double dims = (double)c->head_dim;
    c->rotary.rope = (RopeConfig){.theta = c->rotary.rope.theta * pow(alpha, dims / (dims - 2))};
    return config_read_size(root, "max_position_embeddings", &c->max_positions, err);
}

static Status hunyuan_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &hunyuan_defaults, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    c->attention.has_head_norms = true;
    c->attention.head_norm = HEAD_NORM_RMS_TURNED;
    return hunyuan_read_alpha(root, c, err);
}

static void hunyuan_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &hunyuan_defaults, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    decoder_write_pad(c, w);
}

const Architecture architecture_hunyuan_v1_dense = {
    .model_type = "hunyuan_v1_dense",
    .summary = "Hunyuan 0.5B to 7B: Llama with norms of heads behind the rotation",
    .classes = {{"HunYuanDenseV1ForCausalLM", HEAD_CAUSAL_LM},
                {"HunYuanDenseV1Model", HEAD_EMBEDDING},
                {"HunYuanDenseV1ForSequenceClassification", HEAD_SEQUENCE}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = hunyuan_read,
    .write_config = hunyuan_write,
    .record = llama_record,
};

// The same with experts, and a layer beside them of every token. Numbers may stand once or layer by layer, and must be equal then.
static Status read_equal(const Json *root, const char *key, size_t missing, size_t *out, Error *err)
{
    const Json *list = json_get(root, key);
    if (!list || json_kind(list) != JSON_ARRAY)
        return config_read_size_or(root, key, missing, out, err);
    for (const Json *v = json_first(list); v; v = json_next(v)) {
        int64_t n = 0;
        TRY(json_as_i64(v, 1, 1 << 24, &n, err));
        if (v != json_first(list) && (size_t)n != *out)
            return json_error(v, err,
                              "%lld, and %zu in another layer: only one number is supported",
                              (long long)n, *out);
        *out = (size_t)n;
    }
    return json_len(list) > 0 ? STATUS_OK : json_error(list, err, "an empty list");
}

static const ExpertNames hunyuan_names = {.block = "mlp",
                                          .router = "gate.wg",
                                          .gate = "gate_proj",
                                          .up = "up_proj",
                                          .down = "down_proj",
                                          .shared = "shared_mlp"};

static Status hunyuan_moe_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    ExpertsConfig *e = &c->experts;
    TRY(hunyuan_read(arena, root, c, err));
    *e = (ExpertsConfig){.names = &hunyuan_names,
                         .route = ROUTE_SOFTMAX_TOP,
                         .inner_size = c->intermediate_size,
                         .shared_size = c->intermediate_size,
                         .shares_plainly = true};
    TRY(read_equal(root, "num_experts", 1, &e->n_experts, err));
    TRY(read_equal(root, "moe_topk", 1, &e->n_active, err));
    if (e->n_active <= e->n_experts) return STATUS_OK;
    return json_error(root, err, "a token goes to %zu experts, but there are %zu", e->n_active,
                      e->n_experts);
}

static void hunyuan_moe_write(const ModelConfig *c, JsonWriter *w)
{
    hunyuan_write(c, w);
    json_member_u64(w, "num_experts", c->experts.n_experts);
    json_member_u64(w, "moe_topk", c->experts.n_active);
}

const Architecture architecture_hunyuan_v1_moe = {
    .model_type = "hunyuan_v1_moe",
    .summary = "Hunyuan A13B: Hunyuan with experts beside a layer of every token",
    .classes = {{"HunYuanMoEV1ForCausalLM", HEAD_CAUSAL_LM},
                {"HunYuanMoEV1Model", HEAD_EMBEDDING},
                {"HunYuanMoEV1ForSequenceClassification", HEAD_SEQUENCE}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = hunyuan_moe_read,
    .write_config = hunyuan_moe_write,
    .record = llama_record,
};

// ---- Ministral ----

static const DecoderDefaults ministral_defaults = {
    .theta = 10000, .norm_epsilon = 1e-6, .activation_key = "hidden_act", .activation = "silu"};
static const DecoderDefaults third_defaults = {.theta = 1000000,
                                               .norm_epsilon = 1e-5,
                                               .head_dim = 128,
                                               .activation_key = "hidden_act",
                                               .activation = "silu"};

static Status ministral_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &ministral_defaults, c, err));
    TRY(decoder_read_window_or(root, 4096, c, err));
    return config_has(root, "layer_types") ? decoder_read_layer_types(arena, root, 0, c, err)
                                           : STATUS_OK;
}

static void ministral_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &ministral_defaults, w);
}

const Architecture architecture_ministral = {
    .model_type = "ministral",
    .summary = "Ministral 8B: Mistral whose layers have the window or not",
    .classes = {DECODER_CLASSES("Ministral"), {"MinistralForQuestionAnswering", HEAD_SPAN}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = ministral_read,
    .write_config = ministral_write,
    .record = llama_record,
};

// Queries grow with their position, beyond the context that was trained on first.
static Status third_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &third_defaults, c, err));
    const Json *parameters = decoder_rope_parameters(root);
    if (!parameters)
        return json_error(root, err, "rope_parameters must say how positions are scaled");
    TRY(json_want_double(parameters, "llama_4_scaling_beta", 0, 1e6, &c->rotary.rope.growth, err));
    TRY(config_read_size(parameters, "original_max_position_embeddings",
                         &c->rotary.rope.original_positions, err));
    return decoder_read_window(root, c, err);
}

static void third_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &third_defaults, w);
    decoder_write_pad(c, w);
}

const Architecture architecture_ministral3 = {
    .model_type = "ministral3",
    .summary = "Ministral 3: Mistral whose queries grow with their position",
    .classes = {DECODER_CLASSES("Ministral3"), {"Ministral3ForQuestionAnswering", HEAD_SPAN}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = third_read,
    .write_config = third_write,
    .record = llama_record,
};

// ---- InternLM 3: biases have other keys ----

static const DecoderDefaults internlm_defaults = {.theta = 10000,
                                                  .norm_epsilon = 1e-5,
                                                  .head_dim = 128,
                                                  .activation_key = "hidden_act",
                                                  .activation = "silu"};

static Status internlm_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool of_qkv = false, of_others = false;
    TRY(decoder_read(arena, root, &internlm_defaults, c, err));
    TRY(json_opt_bool(root, "attention_bias", &of_qkv, err));
    TRY(json_opt_bool(root, "mlp_bias", &of_others, err));
    TRY(json_opt_bool(root, "qkv_bias", &of_qkv, err));
    TRY(json_opt_bool(root, "bias", &of_others, err));
    c->attention.has_qkv_bias = c->attention.has_output_bias = c->block.has_mlp_bias = of_others;
    if (of_qkv == of_others) return STATUS_OK;
    return json_error(root, err, "qkv_bias and bias must be the same, as in Transformers");
}

static void internlm_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &internlm_defaults, w);
    json_member_bool(w, "qkv_bias", c->attention.has_qkv_bias);
    json_member_bool(w, "bias", c->block.has_mlp_bias);
    decoder_write_pad(c, w);
}

const Architecture architecture_internlm3 = {
    .model_type = "internlm3",
    .summary = "InternLM 3: Llama with keys of its own in config.json",
    .classes = {{"InternLM3ForCausalLM", HEAD_CAUSAL_LM}, {"InternLM3Model", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = internlm_read,
    .write_config = internlm_write,
    .record = llama_record,
};

// ---- CWM: every fourth layer sees all, beginning with the first ----

static const DecoderDefaults cwm_defaults = {.theta = 1000000,
                                             .norm_epsilon = 1e-5,
                                             .head_dim = 128,
                                             .activation_key = "hidden_act",
                                             .activation = "silu"};

static Status cwm_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    enum { PATTERN = 4 };
    bool *is_local = NULL;
    TRY(decoder_read(arena, root, &cwm_defaults, c, err));
    if (!decoder_rope_parameters(root)) // what a silent file means
        c->rotary.rope = (RopeConfig){.kind = ROPE_LLAMA3,
                                      .theta = cwm_defaults.theta,
                                      .factor = 16,
                                      .low_freq_factor = 1,
                                      .high_freq_factor = 4,
                                      .original_positions = 8192};
    TRY(json_opt_bool(root, "mlp_bias", &c->block.has_mlp_bias, err));
    TRY(decoder_read_window_or(root, 8192, c, err));
    if (config_has(root, "layer_types")) return decoder_read_layer_types(arena, root, 0, c, err);
    TRY(arena_take(arena, c->n_layers, sizeof *is_local, "layers", &is_local, err));
    for (size_t i = 0; i < c->n_layers; i++) is_local[i] = i % PATTERN != 0;
    c->attention.is_local = is_local;
    return STATUS_OK;
}

static void cwm_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &cwm_defaults, w);
    json_member_bool(w, "mlp_bias", c->block.has_mlp_bias);
}

const Architecture architecture_cwm = {
    .model_type = "cwm",
    .summary = "CWM: Llama three quarters of whose layers have a window",
    .classes = {{"CwmForCausalLM", HEAD_CAUSAL_LM}, {"CwmModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = cwm_read,
    .write_config = cwm_write,
    .record = llama_record,
};
