// BART: an encoder-decoder of post-norm blocks (transformer.h) with learned positions, whose first two rows are unused, and
// a norm on both embeddings. mBART is the same with pre-norm blocks.
//
// Sources: Lewis et al. 2020, arXiv:1910.13461; Liu et al. 2020, arXiv:2001.08210; names of tensors as in Transformers'
// modeling_bart and modeling_mbart.
#include "models/architectures/transformer.h"
#include "models/config_read.h"

enum { FIRST_POSITION = 2 };
static const float NORM_EPSILON = 1e-5f;

static Value embedding(Tape *t, const ModelConfig *c, const WordTables *words, bool is_target)
{
    tape_prefix(t, is_target ? "model.decoder." : "model.encoder.");
    const ParamId positions =
        tape_table(t, "embed_positions", c->max_positions + FIRST_POSITION, c->hidden_size, -1);
    const Value x = transformer_embedding(t, c, is_target ? words->targets : words->source,
                                          positions, is_target);
    return tape_dropout(t, tape_layer_norm(t, x, "layernorm_embedding", NORM_EPSILON),
                        c->dropout.hidden);
}

static void bart_record(Tape *t, const ModelConfig *c)
{
    tape_group(t, 0);
    tape_prefix(t, "model.");
    const WordTables words = seq2seq_tables(t, c, c->pad_id);
    const Value source = embedding(t, c, &words, false), targets = embedding(t, c, &words, true);
    transformer_record(t, c, &words, source, targets);
}

static Status bart_read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    static const TransformerDefaults defaults = {.start_id = 2, .activation = "gelu"};
    (void)arena;
    TRY(transformer_read_config(root, &defaults, config, err));
    config->first_position = FIRST_POSITION;
    return STATUS_OK;
}

static Status mbart_read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    static const TransformerDefaults defaults = {
        .start_id = -1, .is_pre_norm = true, .activation = "gelu"};
    (void)arena;
    TRY(transformer_read_config(root, &defaults, config, err));
    config->first_position = FIRST_POSITION;
    config->decoder.starts_with_last = true;
    return STATUS_OK;
}

const Architecture architecture_bart = {
    .model_type = "bart",
    .summary = "BART encoder-decoders: summaries and other texts from texts, NLI",
    .classes = {{"BartForConditionalGeneration", HEAD_SEQ2SEQ},
                {"BartForSequenceClassification", HEAD_SEQUENCE},
                {"BartForQuestionAnswering", HEAD_SPAN},
                {"BartModel", HEAD_SEQ2SEQ}}, // as published: its output layer is the word table
    .base_prefix = "model.",
    .classified = CLASSIFIED_END,
    .end_id = 2,
    .n_labels = 3,
    .read_config = bart_read_config,
    .write_config = transformer_write_config,
    .record = bart_record,
};

const Architecture architecture_mbart = {
    .model_type = "mbart",
    .summary = "mBART and mBART-50, BART for many languages",
    .classes = {{"MBartForConditionalGeneration", HEAD_SEQ2SEQ},
                {"MBartForSequenceClassification", HEAD_SEQUENCE},
                {"MBartForQuestionAnswering", HEAD_SPAN}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_END,
    .end_id = 2,
    .read_config = mbart_read_config,
    .write_config = transformer_write_config,
    .record = bart_record,
};
