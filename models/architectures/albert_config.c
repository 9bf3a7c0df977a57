// ALBERT's row of the registry, and what of config.json it reads and writes.
#include "models/architecture.h"
#include "models/architectures/albert.h"
#include "models/architectures/bert_config.h"

// Blocks cost no tensors here, so that a number in a file must not ask for millions of them.
enum { MOST_LAYERS = 1024, ALBERT_EMBEDDING = 128 };

static Status read_groups(const Json *root, ModelConfig *config, Error *err)
{
    int64_t n_groups = 1, n_inner = 1;
    if (config->n_layers > MOST_LAYERS) {
        return json_error(json_get(root, "num_hidden_layers"), err, "at most %d are supported",
                          MOST_LAYERS);
    }
    TRY(json_opt_i64(root, "num_hidden_groups", 1, (int64_t)config->n_layers, &n_groups, err));
    TRY(json_opt_i64(root, "inner_group_num", 1, MOST_LAYERS / (int64_t)config->n_layers, &n_inner,
                     err));
    config->albert.n_groups = (size_t)n_groups;
    config->albert.n_inner = (size_t)n_inner;
    return STATUS_OK;
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    (void)arena;
    TRY(bert_config_read(root, config, err));
    TRY(bert_config_read_embedding(root, ALBERT_EMBEDDING, config, err));
    TRY(read_groups(root, config, err));
    // What a file leaves out is other than in BERT.
    if (!json_get(root, "hidden_act")) config->activation = ACTIVATION_GELU_TANH;
    TRY(config_read_float(root, "hidden_dropout_prob", 0.0, 0.999, 0.0, &config->dropout.hidden,
                          err));
    TRY(config_read_float(root, "attention_probs_dropout_prob", 0.0, 0.999, 0.0,
                          &config->dropout.attention, err));
    return config_read_float(root, "classifier_dropout_prob", 0.0, 0.999, 0.1,
                             &config->dropout.classifier, err);
}

static void write_config(const ModelConfig *config, JsonWriter *w)
{
    ModelConfig plain = *config;
    plain.dropout.classifier = -1.0f; // its name is another
    bert_config_write(&plain, w);
    json_member_u64(w, "embedding_size", config->embedding_size);
    json_member_u64(w, "num_hidden_groups", config->albert.n_groups);
    json_member_u64(w, "inner_group_num", config->albert.n_inner);
    if (config->dropout.classifier >= 0)
        json_member_float(w, "classifier_dropout_prob", config->dropout.classifier);
}

static void complete(ModelConfig *config)
{
    bert_config_complete(config);
    config->embedding_size =
        config->hidden_size < ALBERT_EMBEDDING ? config->hidden_size : ALBERT_EMBEDDING;
    config->albert.n_groups = config->albert.n_inner = 1;
}

const Architecture architecture_albert = {
    .model_type = "albert",
    .summary = "ALBERT encoders, blocks with shared parameters",
    .classes = {{"AlbertForSequenceClassification", HEAD_SEQUENCE},
                {"AlbertForTokenClassification", HEAD_TOKEN},
                {"AlbertForQuestionAnswering", HEAD_SPAN},
                {"AlbertForMaskedLM", HEAD_MASKED_LM},
                {"AlbertForPreTraining", HEAD_MASKED_LM},
                {"AlbertModel", HEAD_EMBEDDING}},
    .base_prefix = "albert.",
    .read_config = read_config,
    .write_config = write_config,
    .complete = complete,
    .record = albert_record,
};
