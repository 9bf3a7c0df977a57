// The rows of the registry that are Llama's kind: Llama, Mistral, Qwen2, Qwen3 and Phi-3.
#include "models/architecture.h"
#include "models/architectures/decoder_config.h"
#include "models/architectures/llama.h"

static const DecoderDefaults llama_defaults = {
    .theta = 10000, .norm_epsilon = 1e-6, .activation_key = "hidden_act", .activation = "silu"};

// ---- Llama ----

static Status llama_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &llama_defaults, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    return json_opt_bool(root, "mlp_bias", &c->block.has_mlp_bias, err);
}

static void llama_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &llama_defaults, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    json_member_bool(w, "mlp_bias", c->block.has_mlp_bias);
}

// One set of heads, and the token table for an output layer: what suits small models. Llama drops nothing but attention.
static void llama_complete(ModelConfig *c)
{
    c->n_kv_heads = c->n_heads;
    c->head_dim = c->hidden_size / c->n_heads;
    c->rotary.dims = c->head_dim;
    c->rotary.rope.theta = llama_defaults.theta;
    c->activation = ACTIVATION_SILU;
    c->layer_norm_eps = 1e-6f;
    c->dropout.hidden = 0;
    c->output.is_tied = true;
}

const Architecture architecture_llama = {
    .model_type = "llama",
    .summary = "Llama 1 to 3 and what is built like it",
    .classes = {DECODER_CLASSES("Llama"), {"LlamaForQuestionAnswering", HEAD_SPAN, "transformer."}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = llama_read,
    .write_config = llama_write,
    .complete = llama_complete,
    .record = llama_record,
};

// ---- Mistral ----

static Status mistral_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &llama_defaults, c, err));
    if (!json_get(root, "sliding_window")) {
        c->attention.window = 4096; // Transformers' default; null says that there is none
        return STATUS_OK;
    }
    return decoder_read_window(root, c, err);
}

static void mistral_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &llama_defaults, w);
}

const Architecture architecture_mistral = {
    .model_type = "mistral",
    .summary = "Mistral: Llama with a sliding window",
    .classes = {DECODER_CLASSES("Mistral"), {"MistralForQuestionAnswering", HEAD_SPAN}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = mistral_read,
    .write_config = mistral_write,
    .record = llama_record,
};

// ---- Qwen2 and Qwen3 ----

// The window is used where use_sliding_window says so, by the layers that layer_types names, or from max_window_layers on.
static Status qwen_read_window(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool uses_window = false;
    int64_t first = 28;
    TRY(json_opt_bool(root, "use_sliding_window", &uses_window, err));
    if (!uses_window) return STATUS_OK;
    TRY(decoder_read_window_or(root, 4096, c, err));
    TRY(json_opt_i64(root, "max_window_layers", 0, 1 << 24, &first, err));
    TRY(decoder_read_layer_types(arena, root, 0, c, err));
    if (config_has(root, "layer_types")) return STATUS_OK;
    bool *is_local = NULL;
    TRY(arena_take(arena, c->n_layers, sizeof *is_local, "layers", &is_local, err));
    for (size_t i = 0; i < c->n_layers; i++) is_local[i] = i >= (size_t)first;
    c->attention.is_local = is_local;
    return STATUS_OK;
}

static Status qwen2_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &llama_defaults, c, err));
    c->attention.has_qkv_bias = true;
    return qwen_read_window(arena, root, c, err);
}

static Status qwen3_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    DecoderDefaults defaults = llama_defaults;
    defaults.head_dim = 128;
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    c->attention.has_head_norms = true;
    return qwen_read_window(arena, root, c, err);
}

static void qwen_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &llama_defaults, w);
    json_member_bool(w, "use_sliding_window", c->attention.window > 0);
    if (c->attention.has_head_norms)
        json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
}

const Architecture architecture_qwen2 = {
    .model_type = "qwen2",
    .summary = "Qwen 2 and 2.5: Llama with biases of queries, keys and values",
    .classes = {DECODER_CLASSES("Qwen2"), {"Qwen2ForQuestionAnswering", HEAD_SPAN, "transformer."}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = qwen2_read,
    .write_config = qwen_write,
    .record = llama_record,
};

const Architecture architecture_qwen3 = {
    .model_type = "qwen3",
    .summary = "Qwen 3: Llama with norms of its query and key heads",
    .classes = {DECODER_CLASSES("Qwen3"), {"Qwen3ForQuestionAnswering", HEAD_SPAN, "transformer."}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = qwen3_read,
    .write_config = qwen_write,
    .record = llama_record,
};

// ---- Phi-3 ----

// Of Transformers, which looks for it at the top alone.
enum { PHI3_ORIGINAL_POSITIONS = 4096 };

static Status phi3_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    DecoderDefaults defaults = llama_defaults;
    defaults.norm_epsilon = 1e-5;
    defaults.rotary_part = 1; // Phi-4-mini's files say less
    TRY(decoder_read(arena, root, &defaults, c, err));
    c->rotary.rope.rereads = c->rotary.rope.kind == ROPE_LONGROPE;
    TRY(config_read_size_or(root, "original_max_position_embeddings", PHI3_ORIGINAL_POSITIONS,
                            &c->rotary.rope.original_positions, err));
    TRY(config_read_float(root, "resid_pdrop", 0, 0.999, 0, &c->dropout.hidden, err));
    TRY(config_read_float(root, "embd_pdrop", 0, 0.999, 0, &c->dropout.embedding, err));
    return decoder_read_window(root, c, err);
}

static void phi3_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &llama_defaults, w);
    if (c->rotary.rope.kind == ROPE_LONGROPE)
        json_member_u64(w, "original_max_position_embeddings", c->rotary.rope.original_positions);
    json_member_float(w, "resid_pdrop", c->dropout.hidden);
    json_member_float(w, "embd_pdrop", c->dropout.embedding);
}

const Architecture architecture_phi3 = {
    .model_type = "phi3",
    .summary = "Phi-3: Llama with stacked layers and two sets of rotary factors",
    .classes = {DECODER_CLASSES("Phi3")},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = phi3_read,
    .write_config = phi3_write,
    .record = phi3_record,
};
