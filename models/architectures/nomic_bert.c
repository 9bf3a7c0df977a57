// Nomic's BERT: post-norm blocks whose heads turn in the place of positions, with a gate and without biases.
//
// Source: Nussbaum et al. 2024, arXiv:2402.01613, section 4.1; names of tensors as in its files, which Transformers writes too.
#include "models/architectures/bert_config.h"
#include "models/architectures/encoder.h"

static const EncoderNames names = {
    .embeddings = "nomic_bert.embeddings.",
    .embeddings_norm = "nomic_bert.emb_ln",
    .blocks = "nomic_bert.encoder.layers.",
    .qkv = {"attn.Wqkv"},
    .attention_output = "attn.out_proj",
    .attention_norm = "norm1",
    .gate = "mlp.fc12",
    .inner = "mlp.fc11",
    .outer = "mlp.fc2",
    .output_norm = "norm2",
    .output = "cls.predictions.decoder",
    .bias = {"cls.predictions.bias"},
    .has_types = true,
    .lacks_positions = true,
    .lacks_biases = true,
    .drops_attention_output = true,
    .drops_output = true,
};

static void record(Tape *t, const ModelConfig *c)
{
    const EncoderHead head =
        encoder_pooled_head(c, "nomic_bert.pooler.dense", "cls.predictions.transform.dense",
                            "cls.predictions.transform.layer_norm");
    encoder_record(t, c, &names, &head);
}

// ---- config.json ----

// What its own code, which the first files were made for, has beside what is here: each would change the numbers.
static Status refuse_variants(const Json *root, Error *err)
{
    static const char *const flags[] = {"prenorm",        "use_rms_norm",          "causal",
                                        "qkv_proj_bias",  "mlp_fc1_bias",          "mlp_fc2_bias",
                                        "parallel_block", "rotary_emb_interleaved"};
    static const char *const numbers[] = {"rotary_scaling_factor", "rotary_emb_scale_base",
                                          "num_experts"};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        TRY(config_want_bool(root, flags[i], false, err));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        TRY(config_want_null(root, numbers[i], err));
    return config_want_number(root, "rotary_emb_fraction", 1, err);
}

// The spelling of the first files, with GPT-2's names.
static Status read_first(const Json *root, ModelConfig *c, Error *err)
{
    TRY(config_read_size(root, "vocab_size", &c->vocab_size, err));
    TRY(config_read_size(root, "n_embd", &c->hidden_size, err));
    TRY(config_read_size(root, "n_layer", &c->n_layers, err));
    TRY(config_read_size(root, "n_head", &c->n_heads, err));
    TRY(config_read_size_or(root, "n_inner", 4 * c->hidden_size, &c->intermediate_size, err));
    TRY(config_read_size(root, "n_positions", &c->max_positions, err));
    TRY(config_read_float(root, "layer_norm_epsilon", 0, 1, 1e-12, &c->layer_norm_eps, err));
    TRY(config_read_float(root, "resid_pdrop", 0, 0.999, 0, &c->dropout.hidden, err));
    TRY(config_read_float(root, "attn_pdrop", 0, 0.999, 0, &c->dropout.attention, err));
    TRY(config_read_float(root, "initializer_range", 0, 100, 0.02, &c->initializer_range, err));
    TRY(json_opt_double(root, "rotary_emb_base", 1e-3, 1e18, &c->rotary.rope.theta, err));
    TRY(config_want_string(root, "activation_function", "swiglu", err));
    c->activation = ACTIVATION_SILU;
    c->dropout.classifier = -1;
    return config_read_own_output(root, c, err);
}

static Status read_second(const Json *root, ModelConfig *c, Error *err)
{
    const Json *parameters = json_get(root, "rope_parameters");
    TRY(bert_config_read_untyped(root, c, err));
    TRY(config_read_float(root, "hidden_dropout_prob", 0, 0.999, 0, &c->dropout.hidden, err));
    TRY(config_read_float(root, "attention_probs_dropout_prob", 0, 0.999, 0, &c->dropout.attention,
                          err));
    if (!json_get(root, "hidden_act")) c->activation = ACTIVATION_SILU;
    TRY(json_opt_double(root, "rope_theta", 1e-3, 1e18, &c->rotary.rope.theta, err));
    if (!config_has(root, "rope_parameters")) return STATUS_OK;
    TRY(config_want_string(parameters, "rope_type", "default", err));
    return json_opt_double(parameters, "rope_theta", 1e-3, 1e18, &c->rotary.rope.theta, err);
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    size_t head_dim = 0;
    (void)arena;
    c->rotary.rope.theta = 1000;
    TRY(refuse_variants(root, err));
    TRY(json_get(root, "n_embd") ? read_first(root, c, err) : read_second(root, c, err));
    TRY(config_read_size_or(root, "type_vocab_size", 2, &c->type_vocab_size, err));
    c->rotary.dims = c->hidden_size / c->n_heads;
    TRY(config_read_size_or(root, "head_dim", c->rotary.dims, &head_dim, err));
    c->pad_id = 0; // where the file does not say
    if (head_dim == c->rotary.dims && c->rotary.dims % 2 == 0) return STATUS_OK;
    return json_error(
        root, err,
        "heads of %zu columns are not supported: %zu of them, an even one, fill hidden_size %zu",
        head_dim, c->n_heads, c->hidden_size);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    bert_config_write_untyped(c, w);
    json_member_u64(w, "type_vocab_size", c->type_vocab_size);
    json_member_object(w, "rope_parameters");
    json_member_cstr(w, "rope_type", "default");
    json_member_double(w, "rope_theta", c->rotary.rope.theta);
    json_end_object(w);
}

const Architecture architecture_nomic_bert = {
    .model_type = "nomic_bert",
    .summary = "Nomic Embed 1 and 1.5: BERT with rotations, a gate and no biases",
    .classes = {{"NomicBertModel", HEAD_EMBEDDING},
                {"NomicBertForMaskedLM", HEAD_MASKED_LM},
                {"NomicBertForPreTraining", HEAD_MASKED_LM, "bert."},
                {"NomicBertForSequenceClassification", HEAD_SEQUENCE},
                {"NomicBertForTokenClassification", HEAD_TOKEN}},
    .base_prefix = "nomic_bert.",
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
