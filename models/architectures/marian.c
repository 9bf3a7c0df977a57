// Marian's translation models (OPUS-MT): the encoder-decoder of post-norm blocks (transformer.h) on embeddings times
// sqrt(hidden_size) plus sinusoids, which are computed.
//
// Sources: Junczys-Dowmunt et al. 2018, arXiv:1804.00344; Vaswani et al. 2017, arXiv:1706.03762, sections 3.4 and 3.5; names
// of tensors as in Transformers' modeling_marian.
#include <math.h>

#include "models/architectures/transformer.h"
#include "models/config_read.h"

static void marian_record(Tape *t, const ModelConfig *c)
{
    tape_group(t, 0);
    tape_prefix(t, "model.");
    const WordTables words = seq2seq_tables(t, c, c->pad_id);
    const ParamId positions =
        tape_sinusoids(t, c->max_positions, c->hidden_size, 1.0f / transformer_scale(c));
    const Value source = transformer_embedding_scaled(t, c, words.source, positions, false);
    const Value targets = transformer_embedding_scaled(t, c, words.targets, positions, true);
    transformer_record(t, c, &words, source, targets);
}

// Source and targets may have a vocabulary each.
static Status marian_read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    static const TransformerDefaults defaults = {.start_id = 58100, .activation = "gelu"};
    const Json *targets = json_get(root, "decoder_vocab_size");
    bool is_shared = true;
    (void)arena;
    TRY(json_opt_bool(root, "share_encoder_decoder_embeddings", &is_shared, err));
    config->decoder.has_own_table = !is_shared;
    if (!is_shared && targets && json_kind(targets) != JSON_NULL)
        TRY(config_read_size(root, "decoder_vocab_size", &config->decoder.vocab_size, err));
    return transformer_read_config(root, &defaults, config, err);
}

static void marian_write_config(const ModelConfig *config, JsonWriter *w)
{
    transformer_write_config(config, w);
    // Tables that are apart because nothing is tied are told by tie_word_embeddings.
    const bool is_shared = !config->decoder.has_own_table || config->output.is_own;
    json_member_bool(w, "share_encoder_decoder_embeddings",
                     is_shared && config->decoder.vocab_size == 0);
    json_member_u64(w, "decoder_vocab_size", model_config_target_vocab(config));
}

// As Vaswani et al. have it, section 3: one table for everything, ReLU. Weights of spread 1/sqrt(hidden_size) are what their
// embeddings and Glorot's rule for square matrices want. Texts end with the tokenizer's end token; the pad begins targets.
static void complete(ModelConfig *config)
{
    DecoderConfig *d = &config->decoder;
    d->n_encoder_layers = config->n_layers;
    if (d->n_layers == 0) d->n_layers = config->n_layers;
    if (config->n_layers < d->n_layers) config->n_layers = d->n_layers;
    d->n_heads = config->n_heads;
    d->intermediate_size = config->intermediate_size;
    d->start_id = config->pad_id;
    d->has_scaled_embedding = true;
    config->dropout.attention = 0.0f;
    config->activation = ACTIVATION_RELU;
    config->initializer_range = 1.0f / sqrtf((float)config->hidden_size);
}

const Architecture architecture_marian = {
    .model_type = "marian",
    .summary = "Marian translation models (OPUS-MT)",
    .classes = {{"MarianMTModel", HEAD_SEQ2SEQ}},
    .base_prefix = "model.",
    .read_config = marian_read_config,
    .write_config = marian_write_config,
    .complete = complete,
    .record = marian_record,
};
