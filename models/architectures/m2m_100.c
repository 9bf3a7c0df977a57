// M2M100 and NLLB: an encoder-decoder of pre-norm blocks (transformer.h) on embeddings times sqrt(hidden_size) plus sinusoids,
// which are computed. Positions start one row after the padding's, and pads are not counted.
//
// Sources: Fan et al. 2021, arXiv:2010.11125; NLLB team 2022, arXiv:2207.04672; names of tensors as in Transformers'
// modeling_m2m_100.
#include "models/architectures/transformer.h"
#include "models/config_read.h"

enum { M2M_PAD = 1 }; // where the file names none

static void m2m_record(Tape *t, const ModelConfig *c)
{
    tape_group(t, 0);
    tape_prefix(t, "model.");
    const WordTables words = seq2seq_tables(t, c, c->pad_id);
    const ParamId positions =
        tape_wide_sinusoids(t, c->first_position + c->max_positions, c->hidden_size, c->pad_id,
                            1.0f / transformer_scale(c));
    const Value source = transformer_embedding_scaled(t, c, words.source, positions, false);
    const Value targets = transformer_embedding_scaled(t, c, words.targets, positions, true);
    transformer_record(t, c, &words, source, targets);
}

static Status m2m_read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    static const TransformerDefaults defaults = {.start_id = 2,
                                                 .has_scaled_embedding = true,
                                                 .is_pre_norm = true,
                                                 .has_no_bias = true,
                                                 .attention_dropout = 0.1,
                                                 .activation = "relu"};
    int64_t pad = M2M_PAD;
    (void)arena;
    TRY(transformer_read_config(root, &defaults, config, err));
    TRY(json_opt_i64(root, "pad_token_id", 0, (int64_t)config->vocab_size - 1, &pad, err));
    config->pad_id = (int32_t)pad;
    config->first_position = (size_t)pad + 1;
    config->positions_skip_pads = true;
    return STATUS_OK;
}

const Architecture architecture_m2m_100 = {
    .model_type = "m2m_100",
    .summary = "M2M100 and NLLB: translation between many languages",
    .classes = {{"M2M100ForConditionalGeneration", HEAD_SEQ2SEQ}},
    .base_prefix = "model.",
    .read_config = m2m_read_config,
    .write_config = transformer_write_config,
    .record = m2m_record,
};
