// GTE: BERT's post-norm blocks whose heads turn in the place of positions, with a gate. The files are those of its first code, whose
// model_type is "new": Transformers reads and writes them as "gte".
//
// Source: Zhang et al. 2024, arXiv:2407.19669, section 3.1; names of tensors as in its files.
#include <math.h>

#include "models/architectures/bert_config.h"
#include "models/architectures/decoder_config.h"
#include "models/architectures/encoder.h"

#define LAYERS(prefix)                                                                            \
    .embeddings = prefix "embeddings.", .blocks = prefix "encoder.layer.",                        \
    .qkv = {"attention.qkv_proj"}, .attention_output = "attention.o_proj",                        \
    .attention_norm = "attn_ln", .stacked_up_gate = "mlp.up_gate_proj", .outer = "mlp.down_proj", \
    .output_norm = "mlp_ln", .output = "lm_head.decoder", .bias = {"lm_head.decoder.bias"},       \
    .has_types = true, .lacks_positions = true, .drops_attention_output = true,                   \
    .drops_inner = true, .drops_output = true

static void record_named(Tape *t, const ModelConfig *c, const EncoderNames *names,
                         const char *pooler)
{
    EncoderHead head = encoder_pooled_head(c, pooler, "lm_head.dense", "lm_head.norm");
    head.transform_activation = ACTIVATION_GELU;
    encoder_record(t, c, names, &head);
}

static void record(Tape *t, const ModelConfig *c)
{
    static const EncoderNames names = {LAYERS("gte.")};
    record_named(t, c, &names, "gte.pooler.dense");
}

static void record_first(Tape *t, const ModelConfig *c)
{
    static const EncoderNames names = {LAYERS("new.")};
    record_named(t, c, &names, "new.pooler.dense");
}

// ---- config.json ----

// "ntk" of the first code, at every length: of n columns frequency i is (factor theta)^(-2 i / n) / factor^(2 / n), by which the
// slowest one is divided by factor (Su 2023, "Transformer upgrades 11: beta-ary positions", eq. 6).
static Status read_ntk(const Json *parameters, double theta, ModelConfig *c, Error *err)
{
    double factor = 1;
    TRY(json_want_double(parameters, "factor", 1, 1e6, &factor, err));
    TRY(config_want_null(parameters, "mixed_b", err));
    c->rotary.rope = (RopeConfig){.kind = ROPE_LINEAR,
                                  .theta = theta * factor,
                                  .factor = pow(factor, 2.0 / (double)c->rotary.dims),
                                  .ntk = factor};
    return STATUS_OK;
}

static Status read_common(Arena *arena, const Json *root, double theta, ModelConfig *c, Error *err)
{
    int64_t n_types = 1;
    TRY(bert_config_read_unplaced(root, c, err));
    TRY(config_read_float(root, "attention_probs_dropout_prob", 0, 0.999, 0, &c->dropout.attention,
                          err));
    TRY(json_opt_i64(root, "type_vocab_size", 0, 1 << 24, &n_types, err));
    c->type_vocab_size = (size_t)n_types;
    TRY(config_split_heads(root, "hidden_size", c, err));
    c->rotary.dims = c->head_dim;
    if (c->rotary.dims % 2 != 0)
        return json_error(root, err, "heads of %zu columns cannot turn: an even number is wanted",
                          c->rotary.dims);
    if (c->pad_id < 0 && !json_get(root, "pad_token_id")) c->pad_id = 1;
    TRY(json_opt_double(root, "rope_theta", 1e-3, 1e18, &theta, err));
    const Json *parameters = decoder_rope_parameters(root);
    Slice type = SLICE("default");
    if (parameters && json_kind(parameters) == JSON_OBJECT)
        TRY(json_opt_string(parameters, config_has(parameters, "rope_type") ? "rope_type" : "type",
                            &type, err));
    if (slice_eq_cstr(type, "ntk")) return read_ntk(parameters, theta, c, err);
    if (!slice_eq_cstr(type, "default") && !slice_eq_cstr(type, "linear"))
        return json_error(
            parameters, err,
            "rotary positions scaled by \"" SLICE_FMT
            "\" are not supported for GTE: only \"default\", \"linear\" and \"ntk\" are",
            SLICE_ARG(slice_sub(type, 0, 40)));
    return decoder_read_rope(arena, root, parameters, theta, c, &c->rotary.rope, err);
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    return read_common(arena, root, 160000, c, err);
}

// What the first code has beside what is here: each would change the numbers.
static Status read_first(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(config_want_string(root, "layer_norm_type", "layer_norm", err));
    TRY(config_want_string(root, "position_embedding_type", "rope", err));
    TRY(config_want_bool(root, "pack_qkv", true, err));
    TRY(config_want_bool(root, "logn_attention_scale", false, err));
    const Json *scaling = json_get(root, "rope_scaling");
    if (config_has(root, "rope_scaling")) TRY(config_want_string(scaling, "type", "ntk", err));
    return read_common(arena, root, 10000, c, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    bert_config_write_untyped(c, w);
    json_member_u64(w, "type_vocab_size", c->type_vocab_size);
    decoder_write_rope(c, w);
}

static void write_first(const ModelConfig *c, JsonWriter *w)
{
    bert_config_write_untyped(c, w);
    json_member_u64(w, "type_vocab_size", c->type_vocab_size);
    json_member_cstr(w, "position_embedding_type", "rope");
    json_member_double(w, "rope_theta",
                       c->rotary.rope.ntk > 0 ? c->rotary.rope.theta / c->rotary.rope.ntk
                                              : c->rotary.rope.theta);
    json_put_key(w, "rope_scaling");
    if (c->rotary.rope.ntk > 0) {
        json_begin_object(w);
        json_member_cstr(w, "type", "ntk");
        json_member_double(w, "factor", c->rotary.rope.ntk);
        json_end_object(w);
    } else {
        json_put_null(w);
    }
}

const Architecture architecture_gte = {
    .model_type = "gte",
    .summary = "GTE and Arctic Embed 2 M: BERT with rotations and a gate",
    .classes = {{"GteModel", HEAD_EMBEDDING},
                {"GteForMaskedLM", HEAD_MASKED_LM, "new."},
                {"GteForSequenceClassification", HEAD_SEQUENCE, "new."},
                {"GteForTokenClassification", HEAD_TOKEN, "new."}},
    .base_prefix = "gte.",
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};

const Architecture architecture_new = {
    .model_type = "new",
    .summary = "GTE, as its first files call it",
    .classes = {{"NewModel", HEAD_EMBEDDING},
                {"NewForMaskedLM", HEAD_MASKED_LM},
                {"NewForSequenceClassification", HEAD_SEQUENCE},
                {"NewForTokenClassification", HEAD_TOKEN}},
    .base_prefix = "new.",
    .read_config = read_first,
    .write_config = write_first,
    .record = record_first,
};
