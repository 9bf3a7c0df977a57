#include "models/architectures/seq2seq.h"

static ParamId word_table(Tape *t, const ModelConfig *c, const char *name, size_t n_words,
                          bool is_output, int32_t zero_row)
{
    return is_output ? tape_tied_table(t, name, n_words, c->hidden_size, zero_row)
                     : tape_table(t, name, n_words, c->hidden_size, zero_row);
}

WordTables seq2seq_tables(Tape *t, const ModelConfig *c, int32_t zero_row)
{
    // The first name of each is left out where the output layer is another.
    static const char *const of_all[] = {"lm_head.weight",
                                         "model.encoder.embed_tokens.weight",
                                         "model.decoder.embed_tokens.weight",
                                         "encoder.embed_tokens.weight",
                                         "decoder.embed_tokens.weight",
                                         NULL};
    static const char *const of_targets[] = {"lm_head.weight", "model.shared.weight",
                                             "shared.weight", NULL};
    const bool is_output = c->head == HEAD_SEQ2SEQ && !c->output.is_own;
    const size_t first_name = c->output.is_own ? 1 : 0, n_targets = model_config_target_vocab(c);
    WordTables tables;
    if (!c->decoder.has_own_table) {
        tables.source = word_table(t, c, "shared", c->vocab_size, is_output, zero_row);
        tables.targets = tables.source;
        tape_aliases(t, tables.source, of_all + first_name);
        return tables;
    }
    tables.source = word_table(t, c, "encoder.embed_tokens", c->vocab_size, false, zero_row);
    tables.targets = word_table(t, c, "decoder.embed_tokens", n_targets, is_output, zero_row);
    tape_aliases(t, tables.source, of_targets + 1);
    tape_aliases(t, tables.targets, of_targets + first_name);
    return tables;
}

static Value dense(Tape *t, const char *name, Value x, size_t n_out, Activation activation)
{
    return tape_linear(t, x, tape_dense(t, &name, 1, value_cols(x), n_out), activation);
}

Value seq2seq_head(Tape *t, const ModelConfig *c, Value y)
{
    const float p = c->dropout.classifier;
    switch (c->head) {
    case HEAD_SEQUENCE:
        y = dense(t, "classification_head.dense", tape_dropout(t, y, p), c->hidden_size,
                  ACTIVATION_TANH);
        return dense(t, "classification_head.out_proj", tape_dropout(t, y, p), c->n_labels,
                     ACTIVATION_NONE);
    case HEAD_TOKEN:
        return dense(t, "classifier", tape_dropout(t, y, p), c->n_labels, ACTIVATION_NONE);
    case HEAD_SPAN:
        return dense(t, "qa_outputs", y, 2, ACTIVATION_NONE);
    case HEAD_EMBEDDING:
    case HEAD_SEQ2SEQ:
    case HEAD_CAUSAL_LM:
    case HEAD_MASKED_LM:
    case HEAD_COUNT:
        break;
    }
    return y;
}

Value seq2seq_output(Tape *t, const ModelConfig *c, const WordTables *tables, Value y, ParamId bias)
{
    const DensePart part = {"lm_head", model_config_target_vocab(c)};
    tape_prefix(t, "%s", "");
    if (!c->output.is_own) return tape_linear_tied(t, y, tables->targets, bias);
    Dense output = tape_dense_parts(t, &part, 1, c->hidden_size, DENSE_NO_BIAS);
    output.bias = bias;
    return tape_linear(t, y, output, ACTIVATION_NONE);
}
