// The rows of BERT, ERNIE, Megatron's BERT and BigBird in the registry, and what of config.json they read and write.
#include "models/architectures/bert_config.h"
#include "models/architecture.h"
#include "models/architectures/bert.h"

static Status refuse_decoder(const Json *root, Error *err)
{
    bool is_decoder = false;
    TRY(json_opt_bool(root, "is_decoder", &is_decoder, err));
    if (is_decoder)
        return json_error(json_get(root, "is_decoder"), err,
                          "an encoder made a decoder is not supported");
    return STATUS_OK;
}

static Status read_sizes(const Json *root, ModelConfig *config, Error *err)
{
    TRY(config_read_size(root, "vocab_size", &config->vocab_size, err));
    TRY(config_read_size(root, "hidden_size", &config->hidden_size, err));
    TRY(config_read_size(root, "num_hidden_layers", &config->n_layers, err));
    TRY(config_read_size(root, "num_attention_heads", &config->n_heads, err));
    TRY(config_read_size(root, "intermediate_size", &config->intermediate_size, err));
    return config_read_size(root, "max_position_embeddings", &config->max_positions, err);
}

Status bert_config_read_unplaced(const Json *root, ModelConfig *config, Error *err)
{
    TRY(refuse_decoder(root, err));
    TRY(config_read_own_output(root, config, err));
    TRY(read_sizes(root, config, err));
    TRY(config_read_float(root, "layer_norm_eps", 0.0, 1.0, 1e-12, &config->layer_norm_eps, err));
    TRY(config_read_float(root, "hidden_dropout_prob", 0.0, 0.999, 0.1, &config->dropout.hidden,
                          err));
    TRY(config_read_float(root, "attention_probs_dropout_prob", 0.0, 0.999, 0.1,
                          &config->dropout.attention, err));
    TRY(config_read_float(root, "classifier_dropout", 0.0, 0.999, -1.0, &config->dropout.classifier,
                          err));
    TRY(config_read_float(root, "initializer_range", 0.0, 100.0, 0.02, &config->initializer_range,
                          err));
    return config_read_activation(root, "hidden_act", &config->activation, err);
}

Status bert_config_read_untyped(const Json *root, ModelConfig *config, Error *err)
{
    TRY(config_want_string(root, "position_embedding_type", "absolute", err));
    return bert_config_read_unplaced(root, config, err);
}

Status bert_config_read(const Json *root, ModelConfig *config, Error *err)
{
    TRY(bert_config_read_untyped(root, config, err));
    return config_read_size_or(root, "type_vocab_size", 2, &config->type_vocab_size, err);
}

Status bert_config_read_embedding(const Json *root, size_t missing, ModelConfig *config, Error *err)
{
    config->embedding_size = missing ? missing : config->hidden_size;
    if (!json_get(root, "embedding_size")) return STATUS_OK;
    return config_read_size(root, "embedding_size", &config->embedding_size, err);
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    (void)arena;
    return bert_config_read(root, config, err);
}

void bert_config_write_untyped(const ModelConfig *config, JsonWriter *w)
{
    json_member_u64(w, "vocab_size", config->vocab_size);
    json_member_u64(w, "hidden_size", config->hidden_size);
    json_member_u64(w, "num_hidden_layers", config->n_layers);
    json_member_u64(w, "num_attention_heads", config->n_heads);
    json_member_u64(w, "intermediate_size", config->intermediate_size);
    json_member_u64(w, "max_position_embeddings", config->first_position + config->max_positions);
    json_member_float(w, "layer_norm_eps", config->layer_norm_eps);
    json_member_float(w, "hidden_dropout_prob", config->dropout.hidden);
    json_member_float(w, "attention_probs_dropout_prob", config->dropout.attention);
    if (config->dropout.classifier >= 0)
        json_member_float(w, "classifier_dropout", config->dropout.classifier);
    json_member_float(w, "initializer_range", config->initializer_range);
    json_member_cstr(w, "hidden_act", config_activation_name(config->activation));
    if (config->output.is_own) json_member_bool(w, "tie_word_embeddings", false);
}

void bert_config_write(const ModelConfig *config, JsonWriter *w)
{
    bert_config_write_untyped(config, w);
    json_member_u64(w, "type_vocab_size", config->type_vocab_size);
    json_member_cstr(w, "position_embedding_type", "absolute");
}

void bert_config_complete(ModelConfig *config)
{
    config->type_vocab_size = 2;
    config->layer_norm_eps = 1e-12f;
}

const Architecture architecture_bert = {
    .model_type = "bert",
    .summary = "BERT encoders (MiniLM, BGE, E5 among them)",
    .classes = {{"BertForSequenceClassification", HEAD_SEQUENCE},
                {"BertForTokenClassification", HEAD_TOKEN},
                {"BertForQuestionAnswering", HEAD_SPAN},
                {"BertForMaskedLM", HEAD_MASKED_LM},
                {"BertForPreTraining", HEAD_MASKED_LM},
                {"BertModel", HEAD_EMBEDDING}},
    .base_prefix = "bert.",
    .read_config = read_config,
    .write_config = bert_config_write,
    .complete = bert_config_complete,
    .record = bert_record,
};

// ---- ERNIE ----

static Status ernie_read(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    bool has_tasks = false;
    TRY(read_config(arena, root, config, err));
    TRY(json_opt_bool(root, "use_task_id", &has_tasks, err));
    return has_tasks ? config_read_size_or(root, "task_type_vocab_size", 3, &config->n_tasks, err)
                     : STATUS_OK;
}

static void ernie_write(const ModelConfig *config, JsonWriter *w)
{
    bert_config_write(config, w);
    json_member_bool(w, "use_task_id", config->n_tasks > 0);
    if (config->n_tasks > 0) json_member_u64(w, "task_type_vocab_size", config->n_tasks);
}

const Architecture architecture_ernie = {
    .model_type = "ernie",
    .summary = "ERNIE 1 to 3: BERT with a table of tasks",
    .classes = {{"ErnieForSequenceClassification", HEAD_SEQUENCE},
                {"ErnieForTokenClassification", HEAD_TOKEN},
                {"ErnieForQuestionAnswering", HEAD_SPAN},
                {"ErnieForMaskedLM", HEAD_MASKED_LM},
                {"ErnieForPreTraining", HEAD_MASKED_LM},
                {"ErnieModel", HEAD_EMBEDDING}},
    .base_prefix = "ernie.",
    .read_config = ernie_read,
    .write_config = ernie_write,
    .complete = bert_config_complete,
    .record = ernie_record,
};

// ---- Megatron's BERT ----

static Status megatron_read(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    TRY(read_config(arena, root, config, err));
    config->dropout.classifier = -1; // whatever the file says, as in Transformers
    return STATUS_OK;
}

const Architecture architecture_megatron_bert = {
    .model_type = "megatron-bert",
    .summary = "Megatron's BERT: norms before the layers",
    .classes = {{"MegatronBertForSequenceClassification", HEAD_SEQUENCE},
                {"MegatronBertForTokenClassification", HEAD_TOKEN},
                {"MegatronBertForQuestionAnswering", HEAD_SPAN},
                {"MegatronBertForMaskedLM", HEAD_MASKED_LM},
                {"MegatronBertForPreTraining", HEAD_MASKED_LM},
                {"MegatronBertModel", HEAD_EMBEDDING}},
    .base_prefix = "bert.",
    .read_config = megatron_read,
    .write_config = bert_config_write,
    .complete = bert_config_complete,
    .record = megatron_bert_record,
};

// ---- BigBird ----

// Blocks of tokens that see some others are drawn anew at each start of Transformers in training, and from a fixed seed else.
static Status big_bird_read(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    Slice type = SLICE("block_sparse");
    TRY(json_opt_string(root, "attention_type", &type, err));
    if (!slice_eq_cstr(type, "original_full"))
        return json_error(
            json_get(root, "attention_type") ? json_get(root, "attention_type") : root, err,
            "attention_type \"" SLICE_FMT "\": only \"original_full\" is supported; "
            "written in its place it gives texts of up to (5 + 2 num_random_blocks) "
            "block_size tokens the numbers that Transformers gives them",
            SLICE_ARG(slice_sub(type, 0, 40)));
    TRY(config_want_bool(root, "use_bias", true, err));
    TRY(config_want_bool(root, "rescale_embeddings", false, err));
    TRY(read_config(arena, root, config, err));
    if (!json_get(root, "hidden_act")) config->activation = ACTIVATION_GELU_TANH;
    return STATUS_OK;
}

static void big_bird_write(const ModelConfig *config, JsonWriter *w)
{
    bert_config_write(config, w);
    json_member_cstr(w, "attention_type", "original_full");
}

const Architecture architecture_big_bird = {
    .model_type = "big_bird",
    .summary = "BigBird where all tokens see all others",
    .classes = {{"BigBirdForSequenceClassification", HEAD_SEQUENCE},
                {"BigBirdForTokenClassification", HEAD_TOKEN},
                {"BigBirdForMaskedLM", HEAD_MASKED_LM},
                {"BigBirdForPreTraining", HEAD_MASKED_LM},
                {"BigBirdModel", HEAD_EMBEDDING}},
    .base_prefix = "bert.",
    .read_config = big_bird_read,
    .write_config = big_bird_write,
    .record = big_bird_record,
};
