// The rows of RoBERTa and its kin in the registry, and what of config.json they read: BERT's members, but positions are counted from the row after the padding's.
#include "models/architecture.h"
#include "models/architectures/bert_config.h"
#include "models/architectures/roberta.h"

enum { ROBERTA_PAD = 1 }; // where the file names none, as in Transformers

static Status read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    (void)arena;
    int64_t pad = ROBERTA_PAD;
    TRY(bert_config_read(root, config, err));
    TRY(json_opt_i64(root, "pad_token_id", 0, (int64_t)config->vocab_size - 1, &pad, err));
    config->first_position = (size_t)pad + 1;
    config->positions_skip_pads = true;
    if (config->max_positions <= config->first_position) {
        return json_error(json_get(root, "max_position_embeddings"), err,
                          "%zu positions leave no room after the first %zu, which are padding's",
                          config->max_positions, config->first_position);
    }
    config->max_positions -= config->first_position;
    config->pad_id = (int32_t)pad;
    return STATUS_OK;
}

static void complete(ModelConfig *config)
{
    if (config->pad_id < 0) config->pad_id = ROBERTA_PAD;
    config->first_position = (size_t)config->pad_id + 1;
    config->positions_skip_pads = true;
    config->type_vocab_size = 1;
    config->layer_norm_eps = 1e-5f;
}

const Architecture architecture_roberta = {
    .model_type = "roberta",
    .summary = "RoBERTa encoders",
    .classes = {{"RobertaForSequenceClassification", HEAD_SEQUENCE},
                {"RobertaForTokenClassification", HEAD_TOKEN},
                {"RobertaForQuestionAnswering", HEAD_SPAN},
                {"RobertaForMaskedLM", HEAD_MASKED_LM},
                {"RobertaModel", HEAD_EMBEDDING}},
    .base_prefix = "roberta.",
    .read_config = read_config,
    .write_config = bert_config_write,
    .complete = complete,
    .record = roberta_record,
};

const Architecture architecture_xlm_roberta = {
    .model_type = "xlm-roberta",
    .summary = "XLM-R, RoBERTa for a hundred languages (multilingual E5 and BGE-M3 among them)",
    .classes = {{"XLMRobertaForSequenceClassification", HEAD_SEQUENCE},
                {"XLMRobertaForTokenClassification", HEAD_TOKEN},
                {"XLMRobertaForQuestionAnswering", HEAD_SPAN},
                {"XLMRobertaForMaskedLM", HEAD_MASKED_LM},
                {"XLMRobertaModel", HEAD_EMBEDDING}},
    .base_prefix = "roberta.",
    .read_config = read_config,
    .write_config = bert_config_write,
    .complete = complete,
    .record = roberta_record,
};

const Architecture architecture_camembert = {
    .model_type = "camembert",
    .summary = "CamemBERT, RoBERTa for French",
    .classes = {{"CamembertForSequenceClassification", HEAD_SEQUENCE},
                {"CamembertForTokenClassification", HEAD_TOKEN},
                {"CamembertForQuestionAnswering", HEAD_SPAN},
                {"CamembertForMaskedLM", HEAD_MASKED_LM},
                {"CamembertModel", HEAD_EMBEDDING}},
    .base_prefix = "roberta.",
    .read_config = read_config,
    .write_config = bert_config_write,
    .complete = complete,
    .record = roberta_record,
};

const Architecture architecture_data2vec_text = {
    .model_type = "data2vec-text",
    .summary = "data2vec's model of texts: RoBERTa under another name",
    .classes = {{"Data2VecTextForSequenceClassification", HEAD_SEQUENCE},
                {"Data2VecTextForTokenClassification", HEAD_TOKEN},
                {"Data2VecTextForQuestionAnswering", HEAD_SPAN},
                {"Data2VecTextForMaskedLM", HEAD_MASKED_LM},
                {"Data2VecTextModel", HEAD_EMBEDDING}},
    .base_prefix = "data2vec_text.",
    .read_config = read_config,
    .write_config = bert_config_write,
    .complete = complete,
    .record = data2vec_text_record,
};

const Architecture architecture_roberta_prelayernorm = {
    .model_type = "roberta-prelayernorm",
    .summary = "RoBERTa with norms before the layers (efficient MLM)",
    .classes = {{"RobertaPreLayerNormForSequenceClassification", HEAD_SEQUENCE},
                {"RobertaPreLayerNormForTokenClassification", HEAD_TOKEN},
                {"RobertaPreLayerNormForQuestionAnswering", HEAD_SPAN},
                {"RobertaPreLayerNormForMaskedLM", HEAD_MASKED_LM},
                {"RobertaPreLayerNormModel", HEAD_EMBEDDING}},
    .base_prefix = "roberta_prelayernorm.",
    .read_config = read_config,
    .write_config = bert_config_write,
    .complete = complete,
    .record = roberta_prelayernorm_record,
};

const Architecture architecture_xlm_roberta_xl = {
    .model_type = "xlm-roberta-xl",
    .summary = "XLM-R XL and XXL: norms before the layers",
    .classes = {{"XLMRobertaXLForSequenceClassification", HEAD_SEQUENCE},
                {"XLMRobertaXLForTokenClassification", HEAD_TOKEN},
                {"XLMRobertaXLForQuestionAnswering", HEAD_SPAN},
                {"XLMRobertaXLForMaskedLM", HEAD_MASKED_LM},
                {"XLMRobertaXLModel", HEAD_EMBEDDING}},
    .base_prefix = "roberta.",
    .read_config = read_config,
    .write_config = bert_config_write,
    .complete = complete,
    .record = xlm_roberta_xl_record,
};
