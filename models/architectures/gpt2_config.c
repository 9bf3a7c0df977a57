// GPT-2's row of the registry, and what of config.json it reads and writes.
#include "models/architecture.h"
#include "models/architectures/decoder_config.h"
#include "models/architectures/gpt2.h"
#include "models/architectures/gpt_config.h"

static const GptMembers members = {GPT_MEMBERS, .dropout = 0.1, .is_tied = true,
                                   .gelu = "gelu_new"};

static Status gpt2_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    (void)arena;
    TRY(gpt_read(root, &members, c, err));
    TRY(gpt_read_scaling(root, c, err));
    TRY(decoder_read_tagger(root, c, err));
    return json_opt_bool(root, "scale_attn_by_inverse_layer_idx", &c->attention.scales_by_layer,
                         err);
}

static void gpt2_write(const ModelConfig *c, JsonWriter *w)
{
    gpt_write(c, &members, w);
    json_member_bool(w, "scale_attn_weights", c->attention.scale != 1.0f);
    json_member_bool(w, "scale_attn_by_inverse_layer_idx", c->attention.scales_by_layer);
}

static void complete(ModelConfig *c)
{
    c->n_kv_heads = c->n_heads;
    c->head_dim = c->hidden_size / c->n_heads;
    c->activation = ACTIVATION_GELU_TANH;
    c->layer_norm_eps = 1e-5f;
    c->dropout.embedding = c->dropout.hidden;
    c->output.is_tied = true;
}

const Architecture architecture_gpt2 = {
    .model_type = "gpt2",
    .summary = "GPT-2: learned positions, norms before the layers",
    .classes = {{"GPT2LMHeadModel", HEAD_CAUSAL_LM},
                {"GPT2Model", HEAD_EMBEDDING},
                {"GPT2ForSequenceClassification", HEAD_SEQUENCE},
                {"GPT2ForTokenClassification", HEAD_TOKEN},
                {"GPT2ForQuestionAnswering", HEAD_SPAN}},
    .base_prefix = "transformer.",
    .classified = CLASSIFIED_LAST,
    .tagger = "classifier",
    .read_config = gpt2_read,
    .write_config = gpt2_write,
    .complete = complete,
    .record = gpt2_record,
};
