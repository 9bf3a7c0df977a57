// Gemma's rows of the registry.
#include <math.h>

#include "models/architecture.h"
#include "models/architectures/decoder_config.h"
#include "models/architectures/gemma.h"
#include "models/architectures/llama.h"

static const DecoderDefaults gemma_defaults = {.theta = 10000,
                                               .norm_epsilon = 1e-6,
                                               .head_dim = 256,
                                               .is_tied = true,
                                               .activation_key = "hidden_activation",
                                               .activation = "gelu_pytorch_tanh"};

// Biases of attention's layers; what sees the tokens behind it is no decoder, and only EmbeddingGemma is such.
extern const Architecture architecture_gemma3;

static Status read_attention(const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read_attention_bias(root, false, c, err));
    TRY(json_opt_bool(root, "use_bidirectional_attention", &c->attention.sees_all, err));
    const bool is_third = c->architecture == &architecture_gemma3;
    if (!c->attention.sees_all || (is_third && c->head == HEAD_EMBEDDING)) return STATUS_OK;
    return json_error(json_get(root, "use_bidirectional_attention"), err,
                      "only false is supported, but for a bare Gemma3TextModel");
}

// What both have: scales of embedding and queries, and a window.
static Status read_common(Arena *arena, const Json *root, const DecoderDefaults *defaults,
                          ModelConfig *c, Error *err)
{
    double query = 256;
    TRY(decoder_read(arena, root, defaults, c, err));
    TRY(read_attention(root, c, err));
    TRY(json_opt_double(root, "query_pre_attn_scalar", 1e-6, 1e9, &query, err));
    c->attention.scale = (float)(1.0 / sqrt(query));
    c->embedding_scale = (float)sqrt((double)c->hidden_size);
    c->norm_weight_offset = 1.0f;
    c->attention.window = 4096;
    return json_get(root, "sliding_window") ? decoder_read_window(root, c, err) : STATUS_OK;
}

// The first Gemma: Llama with scaled embeddings and weights of norms that are added to 1. "gelu" stands for its tanh
// approximation in the first files.
static const DecoderDefaults first_defaults = {.theta = 10000,
                                               .norm_epsilon = 1e-6,
                                               .head_dim = 256,
                                               .is_tied = true,
                                               .activation_key = "hidden_act",
                                               .activation = "gelu_pytorch_tanh"};

static Status gemma_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &first_defaults, c, err));
    TRY(read_attention(root, c, err));
    if (c->activation == ACTIVATION_GELU) c->activation = ACTIVATION_GELU_TANH;
    c->embedding_scale = (float)sqrt((double)c->hidden_size);
    c->norm_weight_offset = 1.0f;
    return STATUS_OK;
}

static void first_gemma_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &first_defaults, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
}

static Status gemma2_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    double scores = 50, logits = 30;
    TRY(read_common(arena, root, &gemma_defaults, c, err));
    const Json *score_cap = json_get(root, "attn_logit_softcapping");
    const Json *logit_cap = json_get(root, "final_logit_softcapping");
    if (score_cap && json_kind(score_cap) == JSON_NULL) scores = 0;
    if (logit_cap && json_kind(logit_cap) == JSON_NULL) logits = 0;
    TRY(json_opt_double(root, "attn_logit_softcapping", 0, 1e9, &scores, err));
    TRY(json_opt_double(root, "final_logit_softcapping", 0, 1e9, &logits, err));
    c->attention.soft_cap = (float)scores;
    c->output.soft_cap = (float)logits;
    return decoder_read_layer_types(arena, root, 2, c, err);
}

static Status gemma3_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    DecoderDefaults defaults = gemma_defaults;
    double logits = 0;
    int64_t pattern = 6;
    defaults.theta = 1e6;
    TRY(read_common(arena, root, &defaults, c, err));
    TRY(json_opt_double(root, "final_logit_softcapping", 0, 1e9, &logits, err));
    TRY(json_opt_i64(root, "_sliding_window_pattern", 1, 1 << 20, &pattern, err));
    TRY(json_opt_i64(root, "sliding_window_pattern", 1, 1 << 20, &pattern, err));
    // attn_logit_softcapping stands in its files too, but neither Transformers nor llama.cpp caps its scores.
    c->output.soft_cap = (float)logits;
    c->attention.has_head_norms = true;
    TRY(decoder_read_two_ropes(arena, root, defaults.theta, 1e4, "rope_local_base_freq", c, err));
    // The window is that of both sides together, and a token sees half of it to each.
    if (c->attention.sees_all && c->attention.window > 0)
        c->attention.window = c->attention.window / 2 + 1;
    return decoder_read_layer_types(arena, root, (size_t)pattern, c, err);
}

static void put_cap(JsonWriter *w, const char *key, float cap)
{
    json_put_key(w, key);
    if (cap > 0)
        json_put_float(w, cap);
    else
        json_put_null(w);
}

static void gemma_write(const ModelConfig *c, JsonWriter *w)
{
    ModelConfig told = *c;
    if (c->attention.sees_all && c->attention.window > 0)
        told.attention.window = 2 * (c->attention.window - 1);
    decoder_write(&told, &gemma_defaults, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    if (c->attention.sees_all) json_member_bool(w, "use_bidirectional_attention", true);
    json_member_double(w, "query_pre_attn_scalar",
                       1.0 / ((double)c->attention.scale * (double)c->attention.scale));
    put_cap(w, "attn_logit_softcapping", c->attention.soft_cap);
    put_cap(w, "final_logit_softcapping", c->output.soft_cap);
}

const Architecture architecture_gemma = {
    .model_type = "gemma",
    .summary = "Gemma: Llama with scaled embeddings",
    .classes = {DECODER_CLASSES("Gemma")},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = gemma_read,
    .write_config = first_gemma_write,
    .record = llama_record,
};

const Architecture architecture_gemma2 = {
    .model_type = "gemma2",
    .summary = "Gemma 2: soft caps, norms on both sides, every other layer local",
    .classes = {DECODER_CLASSES("Gemma2")},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = gemma2_read,
    .write_config = gemma_write,
    .record = gemma_record,
};

const Architecture architecture_gemma3 = {
    .model_type = "gemma3_text",
    .summary = "Gemma 3's text models: norms of heads, five local layers to a global one",
    .classes = {{"Gemma3ForCausalLM", HEAD_CAUSAL_LM},
                {"Gemma3TextModel", HEAD_EMBEDDING},
                {"Gemma3TextForSequenceClassification", HEAD_SEQUENCE}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = gemma3_read,
    .write_config = gemma_write,
    .record = gemma_record,
};

const Architecture architecture_vaultgemma = {
    .model_type = "vaultgemma",
    .summary = "VaultGemma: Gemma 2 without norms behind its layers",
    .classes = {{"VaultGemmaForCausalLM", HEAD_CAUSAL_LM}, {"VaultGemmaModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = gemma2_read,
    .write_config = gemma_write,
    .record = vaultgemma_record,
};
