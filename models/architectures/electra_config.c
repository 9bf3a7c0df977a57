// ELECTRA's row of the registry, and what of config.json it reads and writes.
#include "models/architecture.h"
#include "models/architectures/bert_config.h"
#include "models/architectures/electra.h"

static Status read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    (void)arena;
    config->is_discriminator = slice_eq_cstr(config->class_name, "ElectraForPreTraining");
    TRY(bert_config_read(root, config, err));
    return bert_config_read_embedding(root, 0, config, err);
}

static void write_config(const ModelConfig *config, JsonWriter *w)
{
    bert_config_write(config, w);
    json_member_u64(w, "embedding_size", config->embedding_size);
}

static void complete(ModelConfig *config)
{
    bert_config_complete(config);
    config->embedding_size = config->hidden_size;
}

const Architecture architecture_electra = {
    .model_type = "electra",
    .summary = "ELECTRA encoders, generators and discriminators",
    .classes = {{"ElectraForSequenceClassification", HEAD_SEQUENCE},
                {"ElectraForTokenClassification", HEAD_TOKEN},
                {"ElectraForQuestionAnswering", HEAD_SPAN},
                {"ElectraForMaskedLM", HEAD_MASKED_LM},
                {"ElectraModel", HEAD_EMBEDDING},
                {"ElectraForPreTraining", HEAD_TOKEN}},
    .base_prefix = "electra.",
    .read_config = read_config,
    .write_config = write_config,
    .complete = complete,
    .record = electra_record,
};
