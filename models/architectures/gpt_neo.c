// GPT-Neo: GPT-2 whose layers see the whole text and a window of it in turn, with scores that are not scaled.
//
//     x_0 = word[ids] + position[0..]
//     a_i = x_i + W_o attention(W_q n, W_k n, W_v n),  n = LayerNorm(x_i)
//     x_{i+1} = a_i + W_2 gelu(W_1 LayerNorm(a_i))
//
// Source: Black et al. 2021, "GPT-Neo: Large Scale Autoregressive Language Modeling with Mesh-Tensorflow"; names of tensors as
// in Transformers.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"
#include "models/architectures/gpt_config.h"

static const DecoderBlockNames names = {.blocks = "transformer.h.",
                                        .norms = {"ln_1", "ln_2"},
                                        .attention = "attn.attention.",
                                        .qkv = {"q_proj", "k_proj", "v_proj"},
                                        .output = "out_proj",
                                        .feed_forward = "mlp.",
                                        .up = "c_fc",
                                        .down = "c_proj"};

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_GPT_FRAME, .positions = "wpe",
                                       .norm = decoder_layer_norm, .names = &names};
    decoder_record(t, c, &frame, NULL);
}

// The kinds of one item of attention_types, so many times: [["global", "local"], 12]. *n layers are known.
static Status read_kinds(const Json *item, size_t n_layers, bool *is_local, size_t *n, Error *err)
{
    int64_t times = 0;
    const Json *kinds = json_kind(item) == JSON_ARRAY ? json_at(item, 0) : NULL;
    if (!kinds || json_kind(kinds) != JSON_ARRAY || json_len(item) != 2)
        return json_error(item, err, "must be a list of kinds and a number: [[\"global\"], 12]");
    TRY(json_as_i64(json_at(item, 1), 1, 1 << 24, &times, err));
    const size_t n_all = json_len(kinds) * (size_t)times;
    for (size_t k = 0; k < n_all && *n <= n_layers; k++, (*n)++) {
        const Json *kind = json_at(kinds, k % json_len(kinds));
        Slice name = {0};
        TRY(json_as_string(kind, &name, err));
        const bool local = slice_eq_cstr(name, "local");
        if (!local && !slice_eq_cstr(name, "global"))
            return json_error(kind, err, "must be \"global\" or \"local\"");
        if (*n < n_layers) is_local[*n] = local;
    }
    return STATUS_OK;
}

static Status read_layers(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    const Json *types = NULL;
    bool *is_local = NULL;
    size_t n = 0;
    TRY(json_want_kind(root, "attention_types", JSON_ARRAY, &types, err));
    TRY(arena_take(arena, c->n_layers, sizeof *is_local, "layers", &is_local, err));
    for (const Json *v = json_first(types); v; v = json_next(v))
        TRY(read_kinds(v, c->n_layers, is_local, &n, err));
    c->attention.is_local = is_local;
    if (n == c->n_layers) return STATUS_OK;
    return json_error(types, err, "its kinds are not those of %zu layers, as num_layers says",
                      c->n_layers);
}

static const GptMembers members = {.hidden_size = "hidden_size",
                                   .n_layers = "num_layers",
                                   .n_heads = "num_heads",
                                   .max_positions = "max_position_embeddings",
                                   .intermediate_size = "intermediate_size",
                                   .attention_dropout = "attention_dropout",
                                   .hidden_dropout = "resid_dropout",
                                   .embedding_dropout = "embed_dropout",
                                   .is_tied = true,
                                   .gelu = "gelu_new"};

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(gpt_read(root, &members, c, err));
    TRY(decoder_read_tagger(root, c, err));
    TRY(read_layers(arena, root, c, err));
    c->attention.window = 256;
    if (json_get(root, "window_size"))
        TRY(config_read_size(root, "window_size", &c->attention.window, err));
    c->attention.scale = 1.0f;
    c->block.has_norm_bias = c->attention.has_output_bias = c->block.has_mlp_bias = true;
    return STATUS_OK;
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    gpt_write(c, &members, w);
    json_member_u64(w, "window_size", c->attention.window);
    json_member_array(w, "attention_types");
    for (size_t i = 0; i < c->n_layers; i++) {
        json_begin_array(w);
        json_begin_array(w);
        json_put_cstr(w, c->attention.is_local && c->attention.is_local[i] ? "local" : "global");
        json_end_array(w);
        json_put_u64(w, 1);
        json_end_array(w);
    }
    json_end_array(w);
}

const Architecture architecture_gpt_neo = {
    .model_type = "gpt_neo",
    .summary = "GPT-Neo: GPT-2 with a window in every other layer",
    .classes = {DECODER_CLASSES("GPTNeo"), {"GPTNeoForQuestionAnswering", HEAD_SPAN}},
    .base_prefix = "transformer.",
    .classified = CLASSIFIED_LAST,
    .tagger = "classifier",
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
