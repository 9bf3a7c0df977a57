// BERT: an encoder of post-norm blocks (encoder.h) with a pooler: a dense layer and tanh on the first token. ERNIE's differ by
// a table of tasks, Megatron's by where the norms stand, BigBird's by its heads.
//
// Sources: Devlin, Chang, Lee & Toutanova 2019, arXiv:1810.04805; Sun et al. 2019, arXiv:1907.12412, section 3.2.2 (tasks); Shoeybi
// et al. 2019, arXiv:1909.08053, section 5.3 (norms). Names of tensors as in Transformers.
#include "models/architectures/bert.h"

#include "models/architectures/encoder.h"

// Below the prefix of the model.
#define LAYERS(prefix)                                                                   \
    .embeddings = prefix "embeddings.", .blocks = prefix "encoder.layer.",               \
    .qkv = {"attention.self.query", "attention.self.key", "attention.self.value"},       \
    .attention_output = "attention.output.dense", .inner = "intermediate.dense",         \
    .outer = "output.dense", .output = "cls.predictions.decoder",                        \
    .bias = {"cls.predictions.bias"}, .has_types = true, .drops_attention_output = true, \
    .drops_output = true

static void record(Tape *t, const ModelConfig *c, const EncoderNames *names, const char *pooler)
{
    const EncoderHead head = encoder_pooled_head(c, pooler, "cls.predictions.transform.dense",
                                                 "cls.predictions.transform.LayerNorm");
    encoder_record(t, c, names, &head);
}

void bert_record(Tape *t, const ModelConfig *c)
{
    static const EncoderNames names = {LAYERS("bert."),
                                       .attention_norm = "attention.output.LayerNorm",
                                       .output_norm = "output.LayerNorm"};
    record(t, c, &names, "bert.pooler.dense");
}

// Rows of a third kind stand for the task of a text; where none is said, as in all that is read here, it is the first.
void ernie_record(Tape *t, const ModelConfig *c)
{
    static const EncoderNames names = {LAYERS("ernie."), .tasks = "task_type_embeddings",
                                       .attention_norm = "attention.output.LayerNorm",
                                       .output_norm = "output.LayerNorm"};
    record(t, c, &names, "ernie.pooler.dense");
}

void megatron_bert_record(Tape *t, const ModelConfig *c)
{
    static const EncoderNames names = {LAYERS("bert."), .attention_norm = "attention.ln",
                                       .output_norm = "ln", .last_norm = "bert.encoder.ln",
                                       .lacks_embeddings_norm = true};
    record(t, c, &names, "bert.pooler.dense");
}

// Where all tokens see all others. A class is told as RoBERTa tells it, but for the activation.
void big_bird_record(Tape *t, const ModelConfig *c)
{
    static const EncoderNames names = {
        LAYERS("bert."), .attention_norm = "attention.output.LayerNorm",
        .output_norm = "output.LayerNorm", .drops_before_norm = true};
    const float p = encoder_head_dropout(c);
    const EncoderHead head = {.pooler = "classifier.dense",
                              .pooler_activation = c->activation,
                              .pooler_dropout = &p,
                              .classifier = "classifier.out_proj",
                              .classifier_dropout = p,
                              .token_dropout = p,
                              .transform = "cls.predictions.transform.dense",
                              .transform_norm = "cls.predictions.transform.LayerNorm",
                              .transform_activation = c->activation};
    encoder_record(t, c, &names, &head);
}
