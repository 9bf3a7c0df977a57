// PEGASUS: an encoder-decoder of pre-norm blocks (transformer.h) on words plus sinusoids, which its checkpoints may hold.
//
// Source: Zhang, Zhao, Saleh & Liu 2020, arXiv:1912.08777; names of tensors as in Transformers' modeling_pegasus.
#include "models/architectures/transformer.h"

static Value embedding(Tape *t, const ModelConfig *c, const WordTables *words, bool is_target)
{
    tape_prefix(t, is_target ? "model.decoder." : "model.encoder.");
    const ParamId positions =
        tape_fixed_sinusoids(t, "embed_positions", c->max_positions, c->hidden_size);
    const Value x = transformer_embedding(t, c, is_target ? words->targets : words->source,
                                          positions, is_target);
    return tape_dropout(t, x, c->dropout.hidden);
}

static void pegasus_record(Tape *t, const ModelConfig *c)
{
    tape_group(t, 0);
    tape_prefix(t, "model.");
    const WordTables words = seq2seq_tables(t, c, c->pad_id);
    const Value source = embedding(t, c, &words, false), targets = embedding(t, c, &words, true);
    transformer_record(t, c, &words, source, targets);
}

static Status pegasus_read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    static const TransformerDefaults defaults = {
        .start_id = 0, .is_pre_norm = true, .activation = "gelu"};
    (void)arena;
    config->pad_id = 0;
    return transformer_read_config(root, &defaults, config, err);
}

const Architecture architecture_pegasus = {
    .model_type = "pegasus",
    .summary = "PEGASUS encoder-decoders: summaries",
    .classes = {{"PegasusForConditionalGeneration", HEAD_SEQ2SEQ}},
    .base_prefix = "model.",
    .read_config = pegasus_read_config,
    .write_config = transformer_write_config,
    .record = pegasus_record,
};
