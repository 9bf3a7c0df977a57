// RemBERT: BERT's encoder (encoder.h) behind narrow embeddings, which a layer widens, with an output layer of its own, wider than
// the encoder.
//
// Source: Chung, Fevry, Tsai, Johnson & Ruder 2021, arXiv:2010.12821, section 4; names of tensors as in Transformers.
#include "models/architectures/bert_config.h"
#include "models/architectures/encoder.h"

static void record(Tape *t, const ModelConfig *c)
{
    static const EncoderNames names = {
        .embeddings = "rembert.embeddings.",
        .projection = "rembert.encoder.embedding_hidden_mapping_in",
        .always_projects = true,
        .blocks = "rembert.encoder.layer.",
        .qkv = {"attention.self.query", "attention.self.key", "attention.self.value"},
        .attention_output = "attention.output.dense",
        .attention_norm = "attention.output.LayerNorm",
        .inner = "intermediate.dense",
        .outer = "output.dense",
        .output_norm = "output.LayerNorm",
        .output = "cls.predictions.decoder",
        .has_types = true,
        .drops_attention_output = true,
        .drops_output = true,
    };
    const EncoderHead head = encoder_pooled_head(c, "rembert.pooler.dense", "cls.predictions.dense",
                                                 "cls.predictions.LayerNorm");
    encoder_record(t, c, &names, &head);
}

// ---- config.json ----

enum { INPUT_SIZE = 256, OUTPUT_SIZE = 1664 }; // where the file does not say

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    (void)arena;
    TRY(bert_config_read(root, c, err));
    TRY(config_want_bool(root, "tie_word_embeddings", false, err));
    c->output.is_own = c->head == HEAD_MASKED_LM;
    TRY(config_read_size_or(root, "input_embedding_size", INPUT_SIZE, &c->embedding_size, err));
    TRY(config_read_size_or(root, "output_embedding_size", OUTPUT_SIZE, &c->output.width, err));
    // What a file leaves out is other than in BERT.
    TRY(config_read_float(root, "hidden_dropout_prob", 0, 0.999, 0, &c->dropout.hidden, err));
    TRY(config_read_float(root, "attention_probs_dropout_prob", 0, 0.999, 0, &c->dropout.attention,
                          err));
    return config_read_float(root, "classifier_dropout_prob", 0, 0.999, 0.1, &c->dropout.classifier,
                             err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    ModelConfig plain = *c;
    plain.dropout.classifier = -1.0f; // its name is another
    plain.output.is_own = false;      // which goes without saying
    bert_config_write(&plain, w);
    json_member_u64(w, "input_embedding_size", c->embedding_size);
    json_member_u64(w, "output_embedding_size", c->output.width);
    if (c->dropout.classifier >= 0)
        json_member_float(w, "classifier_dropout_prob", c->dropout.classifier);
}

const Architecture architecture_rembert = {
    .model_type = "rembert",
    .summary = "RemBERT: BERT with narrow embeddings and a wide output layer",
    .classes = {{"RemBertForSequenceClassification", HEAD_SEQUENCE},
                {"RemBertForTokenClassification", HEAD_TOKEN},
                {"RemBertForQuestionAnswering", HEAD_SPAN},
                {"RemBertForMaskedLM", HEAD_MASKED_LM},
                {"RemBertModel", HEAD_EMBEDDING}},
    .base_prefix = "rembert.",
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
