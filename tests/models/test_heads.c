// Heads on decoders: classes of texts, of tokens, and spans, against their equations over hidden states, which goldens hold to
// Transformers' (test_decoders.c); gradients against finite differences; what saved folders say and whose folders open.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "models/architecture.h"
#include "models/formats/safetensors.h"
#include "tests/models/model_support.h"
#include "tests/support/folder.h"

enum { HIDDEN = 32, N_TEXTS = 5, PAD = 0, N_SMALLEST = 3 * HIDDEN };

// head_dim 8: the last block is cut to the rows that are read; 6: queries fill no whole panels, and it is not.
static Model *decoder(const char *type, ModelHead head, size_t n_labels, size_t head_dim)
{
    static const Slice labels[] = {SLICE_LIT("a"), SLICE_LIT("b"), SLICE_LIT("c")};
    static const int32_t eos[] = {3};
    Error err = {0};
    Model *model = NULL;
    const bool is_gpt2 = strcmp(type, "gpt2") == 0;
    const ModelConfig config = {.architecture = architecture_find(slice_from_cstr(type)),
                                .head = head,
                                .vocab_size = 50,
                                .n_labels = head == HEAD_CAUSAL_LM ? 50 : n_labels,
                                .labels = head == HEAD_CAUSAL_LM ? NULL : labels,
                                .hidden_size = HIDDEN,
                                .n_layers = 2,
                                .n_heads = 4,
                                .n_kv_heads = is_gpt2 ? 4 : 2,
                                .head_dim = head_dim,
                                .rotary_dims = head_dim,
                                .rope = {.theta = 10000},
                                .intermediate_size = 48,
                                .max_positions = 24,
                                .pad_id = PAD,
                                .bos_id = 1,
                                .eos_ids = eos,
                                .n_eos = 1,
                                .layer_norm_eps = 1e-5f,
                                .activation = is_gpt2 ? ACTIVATION_GELU_TANH : ACTIVATION_SILU,
                                .initializer_range = 0.2f,
                                .is_tied = true};
    const ModelOptions options = {.seed = 5, .without_tokenizer = 1};
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    return model;
}

// hidden 32: the decoder's last block is cut; 24: it is not. eos_token_id is not named: the family's own is 2.
static Model *encoder_decoder(const char *type, ModelHead head, size_t hidden_size)
{
    static const Slice labels[] = {SLICE_LIT("a"), SLICE_LIT("b"), SLICE_LIT("c")};
    Error err = {0};
    Model *model = NULL;
    const bool is_mbart = strcmp(type, "mbart") == 0;
    const ModelConfig config = {.architecture = architecture_find(slice_from_cstr(type)),
                                .head = head,
                                .vocab_size = 50,
                                .n_labels = head == HEAD_SEQ2SEQ ? 50
                                            : head == HEAD_SPAN  ? 2
                                                                 : 3,
                                .labels = head == HEAD_SEQUENCE ? labels : NULL,
                                .hidden_size = hidden_size,
                                .n_layers = 2,
                                .n_heads = 4,
                                .intermediate_size = 48,
                                .max_positions = 24,
                                .first_position = 2,
                                .decoder = {.n_layers = 2,
                                            .n_heads = 2,
                                            .intermediate_size = 40,
                                            .n_encoder_layers = 1,
                                            .start_id = 2,
                                            .is_pre_norm = is_mbart,
                                            .starts_with_last = is_mbart},
                                .pad_id = 1,
                                .bos_id = 0,
                                .activation = ACTIVATION_GELU,
                                .initializer_range = 0.2f};
    const ModelOptions options = {.seed = 5, .without_tokenizer = 1};
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    return model;
}

static float *tensor_of(const Model *model, const char *name)
{
    Error err = {0};
    size_t rows = 0, cols = 0;
    want_ok(model_tensor_shape(model, slice_from_cstr(name), &rows, &cols, &err), &err);
    float *values = calloc(rows * cols, sizeof *values);
    want_ok(model_tensor_read(model, slice_from_cstr(name), values, &err), &err);
    return values;
}

// Texts of 1 to 20 tokens; the last two end in padding, one of them has nothing else.
static const TokenSequence *texts(void)
{
    static int32_t ids[N_TEXTS][20];
    static TokenSequence inputs[N_TEXTS];
    static const size_t n_tokens[N_TEXTS] = {1, 20, 7, 9, 3};
    for (size_t i = 0; i < N_TEXTS; i++) {
        for (size_t t = 0; t < n_tokens[i]; t++) ids[i][t] = (int32_t)(4 + (i * 17 + t * 5) % 46);
        inputs[i] = (TokenSequence){.ids = ids[i], .n_tokens = n_tokens[i], .key = i};
    }
    ids[3][7] = ids[3][8] = PAD;
    for (size_t t = 0; t < 3; t++) ids[4][t] = PAD;
    return inputs;
}

static const size_t last_of_text[N_TEXTS] = {0, 19, 6, 6, 0};

// weight x + bias (or NULL) for each of n_out.
static void check_row(const char *what, const float *row, const float *weight, const float *bias,
                      const float *x, size_t n_out)
{
    for (size_t k = 0; k < n_out; k++) {
        double sum = bias ? (double)bias[k] : 0;
        for (size_t j = 0; j < HIDDEN; j++) sum += (double)weight[k * HIDDEN + j] * (double)x[j];
        cr_expect_float_eq((double)row[k], sum, 2e-5, "%s: output %zu: %.8g, not %.8g", what, k,
                           (double)row[k], sum);
    }
}

// Every output row is the layer on the hidden state of its token: the text's last for a class, else each.
static void check_outputs(const char *what, Model *model, const char *layer)
{
    Error err = {0};
    char name[64];
    Pool *pool = open_pool(2);
    const TokenSequence *inputs = texts();
    const bool by_text = model_config(model)->head == HEAD_SEQUENCE;
    const size_t width = model_output_width(model), n_rows = model_output_rows(model, inputs, 5);
    float *logits = calloc(n_rows * width, sizeof *logits), *row = logits, *bias = NULL;
    snprintf(name, sizeof name, "%s.weight", layer);
    float *weight = tensor_of(model, name);
    snprintf(name, sizeof name, "%s.bias", layer);
    if (!by_text) bias = tensor_of(model, name);
    cr_assert(by_text == (n_rows == N_TEXTS));
    want_ok(model_predict(model, pool, inputs, N_TEXTS, NULL, logits, &err), &err);
    for (size_t i = 0; i < N_TEXTS; i++) {
        const size_t n = inputs[i].n_tokens;
        float *hidden = calloc(3 * n * HIDDEN, sizeof *hidden), *alone = calloc(n * width, 4);
        want_ok(model_hidden_states(model, &inputs[i], hidden, &err), &err);
        want_ok(model_predict(model, pool, &inputs[i], 1, NULL, alone, &err), &err);
        const size_t first = by_text ? last_of_text[i] : 0, count = by_text ? 1 : n;
        cr_expect_arr_eq(alone, row, count * width * sizeof *row, "%s: text %zu alone", what, i);
        for (size_t t = 0; t < count; t++, row += width)
            check_row(what, row, weight, bias, hidden + (2 * n + first + t) * HIDDEN, width);
        free(hidden);
        free(alone);
    }
    free(logits);
    free(weight);
    free(bias);
    pool_close(&pool);
}

Test(heads, of_decoders_are_layers_on_hidden_states)
{
    static const struct {
        const char *type;
        ModelHead head;
        size_t n_labels, head_dim;
        const char *layer;
    } cases[] = {
        {"llama", HEAD_SEQUENCE, 3, 8, "score"}, {"llama", HEAD_SEQUENCE, 1, 6, "score"},
        {"llama", HEAD_TOKEN, 3, 8, "score"},    {"llama", HEAD_SPAN, 2, 6, "qa_outputs"},
        {"gpt2", HEAD_SEQUENCE, 3, 8, "score"},  {"gpt2", HEAD_TOKEN, 2, 8, "classifier"},
        {"gpt2", HEAD_SPAN, 2, 8, "qa_outputs"}, {"gemma2", HEAD_SEQUENCE, 2, 8, "score"},
        {"phi3", HEAD_SEQUENCE, 2, 8, "score"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char what[64];
        Model *model = decoder(cases[i].type, cases[i].head, cases[i].n_labels, cases[i].head_dim);
        snprintf(what, sizeof what, "%s with a %s head", cases[i].type,
                 model_head_name(cases[i].head));
        check_outputs(what, model, cases[i].layer);
        model_close(&model);
    }
}

// tanh(W x + b) through the output layer.
static void check_class(const char *what, const Model *model, const float *row, const float *x,
                        size_t hidden_size)
{
    float *dense = tensor_of(model, "classification_head.dense.weight"),
          *dense_bias = tensor_of(model, "classification_head.dense.bias"),
          *out = tensor_of(model, "classification_head.out_proj.weight"),
          *out_bias = tensor_of(model, "classification_head.out_proj.bias");
    double inner[HIDDEN];
    for (size_t j = 0; j < hidden_size; j++) {
        double sum = (double)dense_bias[j];
        for (size_t k = 0; k < hidden_size; k++)
            sum += (double)dense[j * hidden_size + k] * (double)x[k];
        inner[j] = tanh(sum);
    }
    for (size_t i = 0; i < 3; i++) {
        double sum = (double)out_bias[i];
        for (size_t j = 0; j < hidden_size; j++) sum += (double)out[i * hidden_size + j] * inner[j];
        cr_expect_float_eq((double)row[i], sum, 2e-5, "%s: class %zu: %.8g, not %.8g", what, i,
                           (double)row[i], sum);
    }
    free(dense);
    free(dense_bias);
    free(out);
    free(out_bias);
}

// The decoder reads the text once more, after the token that begins targets; the last end of it (2) is classified.
Test(heads, of_encoder_decoders_read_the_text_twice)
{
    static const struct {
        const char *type;
        size_t hidden_size;
        int32_t first; // that the decoder reads
    } cases[] = {{"bart", 32, 2}, {"bart", 24, 2}, {"mbart", 32, 7}};
    static const int32_t ids[] = {9, 8, 2, 2, 12, 13, 2, 7}, last_end = 6;
    const size_t n = 8, n_states = 5; // 2 of the encoder, 3 of the decoder
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t h = cases[i].hidden_size;
        Error err = {0};
        Pool *pool = open_pool(1);
        int32_t again[8] = {cases[i].first};
        memcpy(again + 1, ids, sizeof ids - sizeof *ids);
        Model *model = encoder_decoder(cases[i].type, HEAD_SEQUENCE, h);
        Model *writer = encoder_decoder(cases[i].type, HEAD_SEQ2SEQ, h);
        const TokenSequence text = {.ids = ids, .n_tokens = n};
        const TokenSequence both = {.ids = ids, .n_tokens = n, .target_ids = again, .n_targets = n};
        const TokenSequence endless = {.ids = ids + 4, .n_tokens = 2};
        float row[3], *states = calloc(n_states * n * h, sizeof *states),
                      *own = calloc(n_states * n * h, sizeof *own);
        want_ok(model_predict(model, pool, &text, 1, NULL, row, &err), &err);
        want_ok(model_hidden_states(model, &text, own, &err), &err);
        want_ok(model_hidden_states(writer, &both, states, &err), &err);
        cr_expect_arr_eq(own, states, n_states * n * h * sizeof *own,
                         "%s %zu: what a writer with the same weights has, given both",
                         cases[i].type, h);
        check_class(cases[i].type, model, row, own + (4 * n + (size_t)last_end) * h, h);
        cr_expect_eq(model_predict(model, pool, &endless, 1, NULL, row, &err), STATUS_INVALID);
        cr_expect(strstr(err.text, "eos_token_id"), "%s", err.text);
        free(own);
        free(states);
        model_close(&model);
        model_close(&writer);
        pool_close(&pool);
    }
}

// ---- learning ----

// Mean cross-entropy of classes, in double.
static double loss_of(Model *model, Pool *pool, const SmallData *data)
{
    Error err = {0};
    const size_t width = model_output_width(model);
    float *logits = calloc(data->n * width + 1, sizeof *logits);
    double sum = 0;
    want_ok(model_predict(model, pool, data->inputs, data->n, NULL, logits, &err), &err);
    for (size_t i = 0; i < data->n; i++) {
        double exps = 0;
        const float *row = logits + i * width;
        for (size_t k = 0; k < width; k++) exps += exp((double)row[k]);
        sum += log(exps) - (double)row[data->examples[i].labels[0]];
    }
    free(logits);
    return sum / (double)data->n;
}

// One step of AdamW whose epsilon is 1 goes g / (|g| + 1) times the rate down each weight, from which g follows.
static double gradient_of(float before, float after, double rate)
{
    const double step = ((double)before - (double)after) / rate;
    return step / (1 - fabs(step));
}

static void check_gradient(const char *type, Model *model, Model *tuned, const char *const *names,
                           size_t n_names)
{
    Error err = {0};
    const double rate = 0.01, h = 2e-3;
    Pool *pool = open_pool(1);
    SmallData data = small_data(model, 6, 9);
    for (size_t i = 0; i < data.n; i++) {
        const TokenSequence *input = &data.examples[i].input;
        int32_t *ids = data.numbers + (input->ids - data.numbers);
        for (size_t t = 0; t < input->n_tokens; t++)
            ids[t] += ids[t] == 1;    // padding learns nothing
        ids[input->n_tokens - 1] = 2; // the end that an encoder-decoder wants
    }
    const size_t starts[] = {0, 6};
    const TrainOptions options = {
        .learning_rate = rate, .epsilon = 1, .schedule = SCHEDULE_CONSTANT, .dropout = 0};
    TrainResult result = {0};
    want_ok(model_train_batches(tuned, pool, data.examples, starts, 1, &options, &result, &err),
            &err);
    for (size_t k = 0; k < n_names; k++) {
        float *before = tensor_of(model, names[k]), *after = tensor_of(tuned, names[k]);
        for (size_t e = 0; e < 6; e++) {
            const size_t at = 37 * e % N_SMALLEST; // the smallest matrix has so many
            const float kept = before[at];
            double sides[2];
            for (size_t side = 0; side < 2; side++) {
                before[at] = (float)((double)kept + (side ? h : -h));
                want_ok(model_tensor_write(model, slice_from_cstr(names[k]), before, &err), &err);
                sides[side] = loss_of(model, pool, &data);
            }
            before[at] = kept;
            want_ok(model_tensor_write(model, slice_from_cstr(names[k]), before, &err), &err);
            const double wanted = (sides[1] - sides[0]) / (2 * h);
            const double found = gradient_of(kept, after[at], rate);
            cr_expect_float_eq(found, wanted, 1e-3 + 1e-2 * fabs(wanted), "%s: %s[%zu]: %g, not %g",
                               type, names[k], at, found, wanted);
        }
        free(before);
        free(after);
    }
    small_data_release(&data);
    model_close(&model);
    model_close(&tuned);
    pool_close(&pool);
}

Test(heads, gradients_of_decoders_are_those_of_finite_differences)
{
    static const char *const llama[] = {"score.weight",
                                        "model.layers.1.self_attn.q_proj.weight",
                                        "model.layers.1.self_attn.k_proj.weight",
                                        "model.layers.1.self_attn.v_proj.weight",
                                        "model.layers.0.mlp.up_proj.weight",
                                        "model.embed_tokens.weight"};
    static const char *const gpt2[] = {"score.weight", "transformer.h.1.attn.c_attn.weight",
                                       "transformer.h.0.mlp.c_fc.weight", "transformer.wpe.weight",
                                       "transformer.wte.weight"};
    check_gradient("llama", decoder("llama", HEAD_SEQUENCE, 3, 8),
                   decoder("llama", HEAD_SEQUENCE, 3, 8), llama, 6);
    check_gradient("gpt2", decoder("gpt2", HEAD_SEQUENCE, 3, 8),
                   decoder("gpt2", HEAD_SEQUENCE, 3, 8), gpt2, 5);
}

Test(heads, gradients_of_encoder_decoders_are_those_of_finite_differences)
{
    static const char *const names[] = {"model.shared.weight",
                                        "model.decoder.layers.1.self_attn.q_proj.weight",
                                        "model.decoder.layers.1.self_attn.k_proj.weight",
                                        "model.decoder.layers.1.encoder_attn.v_proj.weight",
                                        "model.encoder.layers.0.fc1.weight",
                                        "classification_head.dense.weight",
                                        "classification_head.out_proj.weight"};
    check_gradient("bart", encoder_decoder("bart", HEAD_SEQUENCE, 32),
                   encoder_decoder("bart", HEAD_SEQUENCE, 32), names, 7);
}

// ---- folders ----

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
    float *x = tensor_of(a, name), *y = tensor_of(b, name);
    want_ok(model_tensor_shape(a, slice_from_cstr(name), &rows, &cols, NULL), NULL);
    cr_expect_arr_eq(x, y, rows * cols * sizeof *x, "%s", name);
    free(x);
    free(y);
}

// A language model's folder becomes a classifier's, a tagger's and a reader's, and one of these any other.
Test(heads, go_on_any_decoder_of_the_family)
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
    Model *first = decoder("llama", HEAD_CAUSAL_LM, 0, 8);
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
                                .hidden_size = HIDDEN,
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
Test(heads, go_on_t5_and_its_encoder_embeds)
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
    float *norm = tensor_of(first, name), hidden[3 * 4 * HIDDEN] = {0};
    for (size_t i = 0; i < HIDDEN; i++) norm[i] = 0.5f + (float)i; // not what a fresh one has
    want_ok(model_tensor_write(first, slice_from_cstr(name), norm, &err), &err);
    want_ok(model_save(first, folder_path(folder, "lm"), &err), &err);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[256];
        Safetensors tensors = {0};
        Slice class_name = {0};
        Model *model = open_with(folder_path(folder, "lm"), cases[i].head, 2);
        snprintf(out, sizeof out, "%s", folder_path(folder, cases[i].class_name));
        float *own = tensor_of(model, "transformer.encoder.final_layer_norm.weight");
        cr_expect_arr_eq(own, norm, HIDDEN * sizeof *norm, "%s", cases[i].class_name);
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
        float row[HIDDEN];
        want_ok(model_predict(model, pool, &text, 1, NULL, row, &err), &err);
        want_ok(model_hidden_states(model, &text, hidden, &err), &err);
        for (size_t j = 0; j < HIDDEN; j++) {
            double sum = 0;
            for (size_t t = 0; t < 4; t++) sum += (double)hidden[(8 + t) * HIDDEN + j] / 4;
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
Test(heads, a_saved_classifier_names_padding_that_ends_no_text)
{
    Error err = {0};
    const char *folder = folder_make();
    Model *first = decoder("llama", HEAD_CAUSAL_LM, 0, 8);
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
