// Heads put on saved models, and what saved folders say.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "models/architecture.h"
#include "models/formats/safetensors.h"
#include "tests/models/heads.h"
#include "tests/models/model_support.h"
#include "tests/support/folder.h"

// Documents are left to the end of the test's process.
static const Json *config_of(const char *folder)
{
    static JsonDocument *documents[8];
    static size_t n;
    Error err = {0};
    cr_assert_lt(n, 8);
    want_ok(json_load(folder_path(folder, "config.json"), JSON_STRICT, &documents[n], &err), &err);
    return json_root(documents[n++]);
}

static Model *open_with(const char *path, ModelHead head, size_t n_labels)
{
    static const Slice labels[] = {SLICE_LIT("no"), SLICE_LIT("yes")};
    Error err = {0};
    Model *model = NULL;
    const ModelOptions options = {.head_choice = HEAD_FOR_LABELS,
                                  .head = head,
                                  .labels = labels,
                                  .n_labels = n_labels,
                                  .seed = 3,
                                  .without_tokenizer = 1};
    want_ok(model_open(path, &options, &model, &err), &err);
    return model;
}

static void want_same(const Model *a, const Model *b, const char *name)
{
    size_t rows = 0, cols = 0;
    float *x = heads_tensor(a, name), *y = heads_tensor(b, name);
    want_ok(model_tensor_shape(a, slice_from_cstr(name), &rows, &cols, NULL), NULL);
    cr_expect_arr_eq(x, y, rows * cols * sizeof *x, "%s", name);
    free(x);
    free(y);
}

// A language model's folder becomes a classifier's, a tagger's and a reader's, and one of these any other.
Test(heads_saved, go_on_any_decoder_of_the_family)
{
    static const struct {
        ModelHead head;
        const char *class_name, *table;
    } cases[] = {
        {HEAD_SEQUENCE, "LlamaForSequenceClassification", "model.embed_tokens.weight"},
        {HEAD_TOKEN, "LlamaForTokenClassification", "model.embed_tokens.weight"},
        // Transformers calls the decoder so in this class alone.
        {HEAD_SPAN, "LlamaForQuestionAnswering", "transformer.embed_tokens.weight"},
        {HEAD_EMBEDDING, "LlamaModel", "embed_tokens.weight"},
        {HEAD_SEQUENCE, "LlamaForSequenceClassification", "model.embed_tokens.weight"},
    };
    Error err = {0};
    const char *folder = folder_make();
    Model *first = heads_decoder("llama", HEAD_CAUSAL_LM, 0, 8);
    const char *from = folder_path(folder, "lm");
    want_ok(model_save(first, from, &err), &err);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Safetensors tensors = {0};
        Slice names = {0};
        char name[8];
        Model *model = open_with(from, cases[i].head, 2);
        cr_expect_eq(model_head_is_fresh(model) != 0, cases[i].head != HEAD_EMBEDDING);
        cr_expect_eq(model_unused_tensors(model, &names), 0);
        want_same(first, model, "model.embed_tokens.weight");
        want_same(first, model, "model.layers.1.mlp.down_proj.weight");
        want_same(first, model, "model.norm.weight");
        snprintf(name, sizeof name, "%zu", i);
        from = folder_path(folder, name);
        want_ok(model_save(model, from, &err), &err);
        const Json *config = config_of(from);
        Slice class_name = {0};
        want_ok(json_as_string(json_at(json_get(config, "architectures"), 0), &class_name, &err),
                &err);
        cr_expect(slice_eq_cstr(class_name, cases[i].class_name), SLICE_FMT, SLICE_ARG(class_name));
        want_ok(safetensors_open(folder_path(from, "model.safetensors"), &tensors, &err), &err);
        cr_expect(safetensors_find(&tensors, slice_from_cstr(cases[i].table)), "%s",
                  cases[i].table);
        safetensors_close(&tensors);
        model_close(&model);
    }
    model_close(&first);
    folder_remove(folder);
}

static Model *small_t5(void)
{
    Error err = {0};
    Model *model = NULL;
    const ModelConfig config = {.architecture = architecture_find(SLICE("t5")),
                                .head = HEAD_SEQ2SEQ,
                                .vocab_size = 50,
                                .n_labels = 50,
                                .hidden_size = HEADS_HIDDEN,
                                .n_layers = 2,
                                .n_heads = 4,
                                .head_dim = 8,
                                .intermediate_size = 48,
                                .max_positions = 64,
                                .decoder = {.n_layers = 2,
                                            .n_heads = 4,
                                            .intermediate_size = 48,
                                            .n_encoder_layers = 2,
                                            .n_relative_buckets = 8,
                                            .relative_distance = 16,
                                            .has_scaled_output = true},
                                .pad_id = 0,
                                .bos_id = -1,
                                .layer_norm_eps = 1e-6f,
                                .activation = ACTIVATION_RELU,
                                .initializer_range = 0.2f};
    const ModelOptions options = {.seed = 5, .without_tokenizer = 1};
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    return model;
}

// Classifiers and taggers of T5 have a prefix in their files, the others have none; all read each other's.
Test(heads_saved, go_on_t5_and_its_encoder_embeds)
{
    static const struct {
        ModelHead head;
        const char *class_name, *norm;
    } cases[] = {
        {HEAD_TOKEN, "T5ForTokenClassification", "transformer.encoder.final_layer_norm.weight"},
        {HEAD_EMBEDDING, "T5EncoderModel", "encoder.final_layer_norm.weight"},
        {HEAD_SEQUENCE, "T5ForSequenceClassification",
         "transformer.decoder.final_layer_norm.weight"},
        {HEAD_SPAN, "T5ForQuestionAnswering", "decoder.final_layer_norm.weight"},
    };
    static const int32_t ids[] = {9, 30, 12, 1};
    Error err = {0};
    const char *folder = folder_make();
    Pool *pool = open_pool(1);
    Model *first = small_t5();
    const char *name = "encoder.final_layer_norm.weight";
    float *norm = heads_tensor(first, name), hidden[3 * 4 * HEADS_HIDDEN] = {0};
    for (size_t i = 0; i < HEADS_HIDDEN; i++) norm[i] = 0.5f + (float)i; // not what a fresh one has
    want_ok(model_tensor_write(first, slice_from_cstr(name), norm, &err), &err);
    want_ok(model_save(first, folder_path(folder, "lm"), &err), &err);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[256];
        Safetensors tensors = {0};
        Slice class_name = {0};
        Model *model = open_with(folder_path(folder, "lm"), cases[i].head, 2);
        snprintf(out, sizeof out, "%s", folder_path(folder, cases[i].class_name));
        float *own = heads_tensor(model, "transformer.encoder.final_layer_norm.weight");
        cr_expect_arr_eq(own, norm, HEADS_HIDDEN * sizeof *norm, "%s", cases[i].class_name);
        want_ok(model_save(model, out, &err), &err);
        const Json *config = config_of(out);
        want_ok(json_as_string(json_at(json_get(config, "architectures"), 0), &class_name, &err),
                &err);
        cr_expect(slice_eq_cstr(class_name, cases[i].class_name));
        want_ok(safetensors_open(folder_path(out, "model.safetensors"), &tensors, &err), &err);
        cr_expect(safetensors_find(&tensors, slice_from_cstr(cases[i].norm)), "%s",
                  cases[i].class_name);
        safetensors_close(&tensors);
        model_close(&model);
        model = open_with(out, HEAD_EMBEDDING, 0); // the same encoder again
        const TokenSequence text = {.ids = ids, .n_tokens = 4};
        float row[HEADS_HIDDEN];
        want_ok(model_predict(model, pool, &text, 1, NULL, row, &err), &err);
        want_ok(model_hidden_states(model, &text, hidden, &err), &err);
        for (size_t j = 0; j < HEADS_HIDDEN; j++) {
            double sum = 0;
            for (size_t t = 0; t < 4; t++) sum += (double)hidden[(8 + t) * HEADS_HIDDEN + j] / 4;
            cr_expect_float_eq((double)row[j], sum, 1e-4 + 1e-5 * fabs(sum), "%s: column %zu",
                               cases[i].class_name, j);
        }
        free(own);
        model_close(&model);
    }
    free(norm);
    model_close(&first);
    pool_close(&pool);
    folder_remove(folder);
}

// Other programs look for the last token before the padding of a batch, so that a saved classifier names one.
Test(heads_saved, a_saved_classifier_names_padding_that_ends_no_text)
{
    Error err = {0};
    const char *folder = folder_make();
    Model *first = heads_decoder("llama", HEAD_CAUSAL_LM, 0, 8);
    const char *lm = folder_path(folder, "lm");
    want_ok(model_save(first, lm, &err), &err);
    folder_write(lm, "config.json",
                 "{\"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"], "
                 "\"vocab_size\": 50, \"hidden_size\": 32, \"num_hidden_layers\": 2, "
                 "\"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"intermediate_size\": "
                 "48, \"max_position_embeddings\": 24, \"bos_token_id\": 1, \"eos_token_id\": 3, "
                 "\"pad_token_id\": null, \"tie_word_embeddings\": true}");
    Model *model = open_with(lm, HEAD_SEQUENCE, 2);
    const char *out = folder_path(folder, "out");
    want_ok(model_save(model, out, &err), &err);
    const Json *config = config_of(out), *pad = json_get(config, "pad_token_id");
    cr_assert(pad && json_kind(pad) == JSON_NUMBER);
    cr_expect_eq(json_double(pad), 1.0, "the token that begins texts ends none");
    cr_expect_eq(model_config(model)->pad_id, 1);
    model_close(&model);
    model_close(&first);
    folder_remove(folder);
}

// The discriminator's score of a token is w gelu(W h + b) + c; it is saved as what it is, and gives way to other heads.
Test(heads_saved, electras_discriminator_is_one)
{
    static const int32_t ids[] = {9, 30, 12, 1};
    static const Slice labels[] = {SLICE_LIT("replaced")};
    enum { H = HEADS_HIDDEN, N_TOKENS = 4 };
    Error err = {0};
    Model *model = NULL, *again = NULL;
    Pool *pool = open_pool(1);
    const char *folder = folder_make();
    const ModelConfig config = {.architecture = architecture_find(SLICE("electra")),
                                .model_type = SLICE("electra"),
                                .class_name = SLICE("ElectraForPreTraining"),
                                .head = HEAD_TOKEN,
                                .is_discriminator = true,
                                .labels = labels,
                                .n_labels = 1,
                                .vocab_size = 50,
                                .hidden_size = H,
                                .embedding_size = 16,
                                .n_layers = 2,
                                .n_heads = 4,
                                .intermediate_size = 48,
                                .max_positions = 24,
                                .type_vocab_size = 2,
                                .bos_id = -1,
                                .layer_norm_eps = 1e-12f,
                                .dropout = {.classifier = -1},
                                .activation = ACTIVATION_GELU,
                                .initializer_range = 0.2f};
    const ModelOptions options = {.seed = 5, .without_tokenizer = 1};
    const TokenSequence text = {.ids = ids, .n_tokens = N_TOKENS};
    float scores[N_TOKENS], other[N_TOKENS], hidden[3 * N_TOKENS * H];
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    want_ok(model_predict(model, pool, &text, 1, NULL, scores, &err), &err);
    want_ok(model_hidden_states(model, &text, hidden, &err), &err);
    float *dense = heads_tensor(model, "discriminator_predictions.dense.weight"),
          *prediction = heads_tensor(model, "discriminator_predictions.dense_prediction.weight");
    for (size_t t = 0; t < N_TOKENS; t++) {
        double score = 0; // biases of a new model are 0
        for (size_t j = 0; j < H; j++) {
            double x = 0;
            for (size_t k = 0; k < H; k++)
                x += (double)dense[j * H + k] * (double)hidden[((size_t)2 * N_TOKENS + t) * H + k];
            score += (double)prediction[j] * 0.5 * x * (1 + erf(x / sqrt(2)));
        }
        cr_expect_float_eq((double)scores[t], score, 2e-5, "token %zu: %g, not %g", t,
                           (double)scores[t], score);
    }
    want_ok(model_save(model, folder_path(folder, "out"), &err), &err);
    want_ok(model_open(folder_path(folder, "out"), &options, &again, &err), &err);
    cr_expect(model_config(again)->is_discriminator && model_config(again)->n_labels == 1);
    want_ok(model_predict(again, pool, &text, 1, NULL, other, &err), &err);
    cr_expect_arr_eq(scores, other, sizeof scores);
    model_close(&again);
    again = open_with(folder_path(folder, "out"), HEAD_TOKEN, 2);
    cr_expect(model_head_is_fresh(again) && !model_config(again)->is_discriminator);
    model_close(&again);
    model_close(&model);
    pool_close(&pool);
    free(dense);
    free(prediction);
    folder_remove(folder);
}
