// DistilBERT's row of the registry, and what of config.json it reads and writes.
#include "models/architecture.h"
#include "models/architectures/distilbert.h"
#include "models/config_read.h"

// Dropout within the head has a member of its own for classifiers and for answers.
static Status read_dropout(const Json *root, ModelConfig *config, Error *err)
{
    TRY(config_read_float(root, "dropout", 0.0, 0.999, 0.1, &config->dropout.hidden, err));
    TRY(config_read_float(root, "attention_dropout", 0.0, 0.999, 0.1, &config->dropout.attention,
                          err));
    TRY(config_read_float(root, "seq_classif_dropout", 0.0, 0.999, 0.2, &config->dropout.classifier,
                          err));
    return config_read_float(root, "qa_dropout", 0.0, 0.999, 0.1, &config->dropout.span, err);
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    (void)arena;
    TRY(config_read_own_output(root, config, err));
    TRY(config_read_size(root, "vocab_size", &config->vocab_size, err));
    TRY(config_read_size(root, "dim", &config->hidden_size, err));
    TRY(config_read_size(root, "n_layers", &config->n_layers, err));
    TRY(config_read_size(root, "n_heads", &config->n_heads, err));
    TRY(config_read_size(root, "hidden_dim", &config->intermediate_size, err));
    TRY(config_read_size(root, "max_position_embeddings", &config->max_positions, err));
    config->layer_norm_eps = 1e-12f; // fixed in the architecture
    TRY(read_dropout(root, config, err));
    TRY(config_read_float(root, "initializer_range", 0.0, 100.0, 0.02, &config->initializer_range,
                          err));
    return config_read_activation(root, "activation", &config->activation, err);
}

static void write_config(const ModelConfig *config, JsonWriter *w)
{
    json_member_u64(w, "vocab_size", config->vocab_size);
    json_member_u64(w, "dim", config->hidden_size);
    json_member_u64(w, "n_layers", config->n_layers);
    json_member_u64(w, "n_heads", config->n_heads);
    json_member_u64(w, "hidden_dim", config->intermediate_size);
    json_member_u64(w, "max_position_embeddings", config->max_positions);
    json_member_float(w, "dropout", config->dropout.hidden);
    json_member_float(w, "attention_dropout", config->dropout.attention);
    if (config->dropout.classifier >= 0)
        json_member_float(w, "seq_classif_dropout", config->dropout.classifier);
    json_member_float(w, "qa_dropout", config->dropout.span);
    json_member_float(w, "initializer_range", config->initializer_range);
    json_member_cstr(w, "activation", config_activation_name(config->activation));
    if (config->output.is_own) json_member_bool(w, "tie_word_embeddings", false);
}

static void complete(ModelConfig *config)
{
    config->type_vocab_size = 0;
    config->layer_norm_eps = 1e-12f;
    config->dropout.span = 0.1f;
}

const Architecture architecture_distilbert = {
    .model_type = "distilbert",
    .summary = "DistilBERT encoders",
    .classes = {{"DistilBertForSequenceClassification", HEAD_SEQUENCE},
                {"DistilBertForTokenClassification", HEAD_TOKEN},
                {"DistilBertForQuestionAnswering", HEAD_SPAN},
                {"DistilBertForMaskedLM", HEAD_MASKED_LM},
                {"DistilBertModel", HEAD_EMBEDDING}},
    .base_prefix = "distilbert.",
    .read_config = read_config,
    .write_config = write_config,
    .complete = complete,
    .record = distilbert_record,
};
