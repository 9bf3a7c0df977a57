#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/philox.h"
#include "model_support.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static float *predict(Model *model, size_t n_threads, const TokenSequence *inputs, size_t n)
{
    Error err = {0};
    Pool *pool = NULL;
    const size_t floats = model_output_rows(model, inputs, n) * model_output_width(model);
    float *logits = calloc(floats + 1, sizeof *logits);
    want_ok(pool_open(n_threads, &pool, &err), &err);
    want_ok(model_predict(model, pool, inputs, n, NULL, logits, &err), &err);
    pool_close(&pool);
    return logits;
}

static void check_same(const char *what, ModelHead head, const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        cr_assert(memcmp(&a[i], &b[i], sizeof *a) == 0, "%s, %s head: number %zu is %.9g and %.9g",
                  what, model_head_name(head), i, (double)a[i], (double)b[i]);
    }
}

typedef struct Taken {
    const float *wanted;
    size_t width, rows; // rows: so far
} Taken;

static Status compare_rows(void *context, const float *rows, size_t n_rows, size_t stride,
                           Error *err)
{
    Taken *taken = context;
    for (size_t i = 0; i < n_rows; i++, taken->rows++) {
        if (memcmp(rows + i * stride, taken->wanted + taken->rows * taken->width,
                   taken->width * sizeof *rows) != 0)
            return error_set(err, STATUS_INVALID, "row %zu", taken->rows);
    }
    return STATUS_OK;
}

static Status fail(void *context, const float *rows, size_t n_rows, size_t stride, Error *err)
{
    (void)context;
    (void)rows;
    (void)n_rows;
    (void)stride;
    return error_set(err, STATUS_IO, "a full disk");
}

Test(model_predict, hands_out_the_same_bits_without_a_copy)
{
    for (int h = 0; h < HEAD_COUNT; h++) {
        if (h == HEAD_SEQ2SEQ) continue; // no head of an encoder
        Model *model = small_model((ModelHead)h, 3, 1);
        SmallData data = small_data(model, 3, 2);
        Error err = {0};
        Pool *pool = NULL;
        want_ok(pool_open(2, &pool, &err), &err);
        for (size_t i = 0; i < data.n; i++) {
            float *wanted = predict(model, 1, &data.inputs[i], 1);
            Taken taken = {.wanted = wanted, .width = model_output_width(model)};
            want_ok(
                model_predict_once(model, pool, &data.inputs[i], NULL, compare_rows, &taken, &err),
                &err);
            cr_expect_eq(taken.rows, model_output_rows(model, &data.inputs[i], 1));
            free(wanted);
        }
        cr_expect_eq(model_predict_once(model, pool, data.inputs, NULL, fail, NULL, &err),
                     STATUS_IO);
        cr_expect(strstr(err.text, "a full disk"), "%s", err.text);
        const atomic_int cancel = 1;
        cr_expect_eq(model_predict_once(model, pool, data.inputs, &cancel, fail, NULL, &err),
                     STATUS_CANCELLED);
        pool_close(&pool);
        small_data_release(&data);
        model_close(&model);
    }
}

Test(model_predict, gives_a_sample_the_same_bits_wherever_it_stands)
{
    enum { N = 70 };
    for (int h = 0; h < HEAD_COUNT; h++) {
        if (h == HEAD_SEQ2SEQ) continue; // no head of an encoder
        const ModelHead head = (ModelHead)h;
        Model *model = small_model(head, 3, 1);
        SmallData data = small_data(model, N, 2);
        const size_t width = model_output_width(model),
                     n = model_output_rows(model, data.inputs, N) * width;
        float *all = predict(model, 1, data.inputs, N),
              *threads = predict(model, 3, data.inputs, N);
        check_same("three threads", head, all, threads, n);
        // One at a time, and in another order.
        size_t order[N], row = 0;
        TokenSequence shuffled[N];
        Philox rng = philox_stream(9, 9);
        for (size_t i = 0; i < N; i++) order[i] = i;
        philox_shuffle(&rng, order, N);
        for (size_t i = 0; i < N; i++) shuffled[i] = data.inputs[order[i]];
        float *mixed = predict(model, 2, shuffled, N);
        size_t first[N];
        for (size_t i = 0; i < N; i++) {
            float *alone = predict(model, 1, &data.inputs[i], 1);
            const size_t rows = model_output_rows(model, &data.inputs[i], 1);
            check_same("a sample alone", head, all + row * width, alone, rows * width);
            first[i] = row;
            row += rows;
            free(alone);
        }
        row = 0;
        for (size_t i = 0; i < N; i++) {
            const size_t rows = model_output_rows(model, &shuffled[i], 1);
            check_same("shuffled input", head, all + first[order[i]] * width, mixed + row * width,
                       rows * width);
            row += rows;
        }
        free(all);
        free(threads);
        free(mixed);
        small_data_release(&data);
        model_close(&model);
    }
}

// A model of this config.json with drawn weights.
static Model *drawn_model(const char *json)
{
    Error err = {0};
    Arena arena = {0};
    ModelConfig config = {0};
    Model *model = NULL;
    want_ok(parse_config(&arena, json, &config, &err), &err);
    want_ok(model_create(&config, NULL, NULL, &model, &err), &err);
    arena_release(&arena);
    return model;
}

Test(model_predict, shares_one_text_among_threads_with_the_same_bits)
{
    // Attention to all, to near tokens, by relative position, and of a decoder: queries are cut into blocks where they are many.
    static const char *const configs[] = {
        "{\"model_type\":\"bert\",\"architectures\":[\"BertForTokenClassification\"],"
        "\"vocab_size\":50,\"hidden_size\":64,\"num_hidden_layers\":2,\"num_attention_heads\":4,"
        "\"intermediate_size\":128,\"max_position_embeddings\":400,\"type_vocab_size\":2}",
        "{\"model_type\":\"modernbert\",\"architectures\":[\"ModernBertForTokenClassification\"],"
        "\"vocab_size\":50,\"hidden_size\":64,\"num_hidden_layers\":3,\"num_attention_heads\":4,"
        "\"intermediate_size\":96,\"max_position_embeddings\":400,\"local_attention\":32,"
        "\"pad_token_id\":0}",
        "{\"model_type\":\"mpnet\",\"architectures\":[\"MPNetForTokenClassification\"],"
        "\"vocab_size\":50,\"hidden_size\":64,\"num_hidden_layers\":2,\"num_attention_heads\":4,"
        "\"intermediate_size\":128,\"max_position_embeddings\":402,\"pad_token_id\":1}",
        "{\"model_type\":\"llama\",\"architectures\":[\"LlamaForTokenClassification\"],"
        "\"vocab_size\":50,\"hidden_size\":64,\"num_hidden_layers\":2,\"num_attention_heads\":4,"
        "\"num_key_value_heads\":2,\"intermediate_size\":96,\"max_position_embeddings\":400}",
    };
    enum { N_TOKENS = 300 };
    int32_t ids[N_TOKENS];
    for (size_t i = 0; i < N_TOKENS; i++) ids[i] = (int32_t)(3 + i * i % 47);
    const TokenSequence input = {.ids = ids, .n_tokens = N_TOKENS};
    for (size_t k = 0; k < sizeof configs / sizeof *configs; k++) {
        Model *model = drawn_model(configs[k]);
        const size_t n = model_output_rows(model, &input, 1) * model_output_width(model);
        float *one = predict(model, 1, &input, 1), *three = predict(model, 3, &input, 1);
        cr_expect_eq(n, (size_t)2 * N_TOKENS);
        check_same(configs[k], HEAD_TOKEN, one, three, n);
        free(one);
        free(three);
        model_close(&model);
    }
}

// y = W x + b in double.
static void dense(const Model *model, const char *name, const double *x, double *y)
{
    Error err = {0};
    char text[64];
    size_t rows = 0, cols = 0;
    snprintf(text, sizeof text, "%s.weight", name);
    want_ok(model_tensor_shape(model, slice_from_cstr(text), &rows, &cols, &err), &err);
    float *w = calloc(rows * cols, sizeof *w), *b = calloc(rows, sizeof *b);
    want_ok(model_tensor_read(model, slice_from_cstr(text), w, &err), &err);
    snprintf(text, sizeof text, "%s.bias", name);
    want_ok(model_tensor_read(model, slice_from_cstr(text), b, &err), &err);
    for (size_t i = 0; i < rows; i++) {
        y[i] = (double)b[i];
        for (size_t j = 0; j < cols; j++) y[i] += (double)w[i * cols + j] * x[j];
    }
    free(w);
    free(b);
}

Test(model_predict, computes_of_the_last_block_only_what_the_head_reads)
{
    // The hidden states are computed for every token, the logits from the first token's queries alone.
    Error err = {0};
    Model *model = small_model(HEAD_SEQUENCE, 3, 5);
    SmallData data = small_data(model, 5, 6);
    float *logits = predict(model, 1, data.inputs, data.n);
    for (size_t i = 0; i < data.n; i++) {
        const size_t h = 32, last = 2 * data.inputs[i].n_tokens * h;
        double x[32], pooled[32], wanted[3];
        float *hidden = calloc(3 * data.inputs[i].n_tokens * h, sizeof *hidden);
        want_ok(model_hidden_states(model, &data.inputs[i], hidden, &err), &err);
        for (size_t j = 0; j < h; j++) x[j] = (double)hidden[last + j];
        dense(model, "bert.pooler.dense", x, pooled);
        for (size_t j = 0; j < h; j++) pooled[j] = tanh(pooled[j]);
        dense(model, "classifier", pooled, wanted);
        for (size_t j = 0; j < 3; j++)
            cr_assert(fabs((double)logits[3 * i + j] - wanted[j]) < 1e-5, "sample %zu: %g, not %g",
                      i, (double)logits[3 * i + j], wanted[j]);
        free(hidden);
    }
    free(logits);
    small_data_release(&data);
    model_close(&model);
}

Test(model_predict, works_where_the_hidden_size_is_no_multiple_of_a_panel)
{
    Error err = {0};
    Model *model = NULL;
    ModelConfig config = small_config(HEAD_SEQUENCE, 3);
    config.hidden_size = 20;
    config.intermediate_size = 36;
    config.n_layers = 1;
    const ModelOptions options = {.seed = 1, .without_tokenizer = 1};
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    SmallData data = small_data(model, 9, 6);
    float *logits = predict(model, 2, data.inputs, data.n);
    for (size_t i = 0; i < 3 * data.n; i++) cr_assert(isfinite(logits[i]));
    free(logits);
    small_data_release(&data);
    model_close(&model);
}

Test(model_create, keeps_no_array_of_its_config)
{
    Error err = {0};
    Model *model = NULL;
    bool is_local[] = {true, false}, unrotated[] = {false, true}, is_conv[] = {false, true};
    int32_t ends[] = {7};
    const ModelOptions options = {.seed = 1, .without_tokenizer = 1};
    ModelConfig config = small_config(HEAD_CAUSAL_LM, 0);
    config.n_layers = 2;
    config.attention.is_local = is_local;
    config.rotary.skips = unrotated;
    config.conv.layers = is_conv;
    config.eos_ids = ends;
    config.n_eos = 1;
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    is_local[0] = is_local[1] = unrotated[0] = unrotated[1] = is_conv[0] = true;
    ends[0] = 8;
    const ModelConfig *own = model_config(model);
    cr_expect(own->attention.is_local[0] && !own->attention.is_local[1] && !own->rotary.skips[0] &&
              own->rotary.skips[1]);
    cr_expect(!own->conv.layers[0] && own->conv.layers[1]);
    cr_expect_eq(own->eos_ids[0], 7);
    model_close(&model);
}

Test(model_predict, refuses_inputs_that_do_not_fit_and_names_them)
{
    static const int32_t good[] = {1, 2, 3}, high[] = {1, 50, 3}, negative[] = {1, 2, -1},
                         types[] = {0, 2, 0}, many[25] = {0};
    static const struct {
        TokenSequence input;
        const char *says;
    } cases[] = {
        {{.ids = good, .n_tokens = 0}, "input 1: there are no tokens"},
        {{.ids = many, .n_tokens = 25}, "at most 24"},
        {{.ids = high, .n_tokens = 3}, "id 50 of token 1"},
        {{.ids = negative, .n_tokens = 3}, "id -1 of token 2"},
        {{.ids = good, .type_ids = types, .n_tokens = 3}, "type id 2 of token 1"},
    };
    Error err = {0};
    Pool *pool = NULL;
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    want_ok(pool_open(1, &pool, &err), &err);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const TokenSequence inputs[2] = {{.ids = good, .n_tokens = 3}, cases[i].input};
        float logits[6];
        cr_assert(model_predict(model, pool, inputs, 2, NULL, logits, &err) == STATUS_INVALID,
                  "case %zu", i);
        cr_assert(strstr(err.text, cases[i].says) && strstr(err.text, "input 1"),
                  "case %zu says: %s", i, err.text);
        err = (Error){0};
    }
    want_ok(model_predict(model, pool, NULL, 0, NULL, NULL, &err), &err);
    pool_close(&pool);
    model_close(&model);
}

Test(model_predict, stops_when_asked)
{
    static const int32_t ids[] = {1, 2, 3};
    const TokenSequence input = {.ids = ids, .n_tokens = 3};
    const atomic_int cancel = 1;
    Error err = {0};
    Pool *pool = NULL;
    float logits[3];
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    want_ok(pool_open(1, &pool, &err), &err);
    cr_assert(model_predict(model, pool, &input, 1, &cancel, logits, &err) == STATUS_CANCELLED);
    want_ok(model_predict(model, pool, &input, 1, NULL, logits, &err), &err);
    pool_close(&pool);
    model_close(&model);
}

Test(model_predict, turns_logits_into_probabilities)
{
    const float logits[] = {0.0f, 0.0f, 1000.0f, -1000.0f, 1.0f, 3.0f};
    double p[6];
    model_probabilities(logits, 3, 2, p);
    cr_assert(p[0] == 0.5 && p[2] == 1.0 && p[3] == 0.0 &&
              fabs(p[5] - 1 / (1 + exp(-2.0))) < 1e-15);
    float rows[] = {3.0f, 4.0f, 0.0f, 0.0f};
    model_normalize_rows(rows, 2, 2);
    cr_assert(rows[0] == 0.6f && rows[1] == 0.8f && rows[2] == 0.0f);
}

// ---- directories ----

Test(model, saves_a_directory_that_gives_the_same_bits)
{
    for (int h = 0; h < HEAD_COUNT; h++) {
        if (h == HEAD_SEQ2SEQ) continue; // no head of an encoder
        Error err = {0};
        Model *again = NULL, *model = small_model((ModelHead)h, 3, 1);
        const ModelOptions options = {.without_tokenizer = 1};
        const char *folder = folder_make();
        SmallData data = small_data(model, 12, 2);
        want_ok(model_save(model, folder_path(folder, "out/deep"), &err), &err);
        want_ok(model_open(folder_path(folder, "out/deep"), &options, &again, &err), &err);
        cr_assert(model_config(again)->head == (ModelHead)h && !model_head_is_fresh(again));
        const size_t n = model_output_rows(model, data.inputs, data.n) * model_output_width(model);
        float *a = predict(model, 1, data.inputs, data.n),
              *b = predict(again, 1, data.inputs, data.n);
        check_same("opened again", (ModelHead)h, a, b, n);
        free(a);
        free(b);
        small_data_release(&data);
        model_close(&again);
        model_close(&model);
        folder_remove(folder);
    }
}

Test(model, keeps_a_head_whose_labels_fit_and_draws_another_else)
{
    static const Slice same[] = {SLICE_LIT("negative"), SLICE_LIT("neutral"),
                                 SLICE_LIT("positive")};
    static const Slice turned[] = {SLICE_LIT("positive"), SLICE_LIT("neutral"),
                                   SLICE_LIT("negative")};
    static const struct {
        ModelHead head;
        const Slice *labels;
        size_t n;
        int fresh;
    } cases[] = {{HEAD_SEQUENCE, same, 3, 0},
                 {HEAD_SEQUENCE, turned, 3, 1},
                 {HEAD_SEQUENCE, same, 2, 1},
                 {HEAD_TOKEN, same, 3, 1},
                 {HEAD_SPAN, NULL, 0, 1}};
    Error err = {0};
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    const char *folder = folder_make();
    want_ok(model_save(model, folder, &err), &err);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float pooler[1024], ours[1024];
        Model *opened = NULL;
        const ModelOptions options = {.head_choice = HEAD_FOR_LABELS,
                                      .head = cases[i].head,
                                      .labels = cases[i].labels,
                                      .n_labels = cases[i].n,
                                      .seed = 3,
                                      .without_tokenizer = 1};
        want_ok(model_open(folder, &options, &opened, &err), &err);
        cr_assert(model_head_is_fresh(opened) == cases[i].fresh &&
                      model_config(opened)->head == cases[i].head,
                  "case %zu", i);
        if (cases[i].head == HEAD_SEQUENCE) { // the pooler belongs to the encoder's checkpoint
            want_ok(model_tensor_read(model, SLICE("bert.pooler.dense.weight"), pooler, &err),
                    &err);
            want_ok(model_tensor_read(opened, SLICE("bert.pooler.dense.weight"), ours, &err), &err);
            cr_assert(memcmp(pooler, ours, sizeof ours) == 0, "case %zu", i);
        }
        model_close(&opened);
    }
    folder_remove(folder);
    model_close(&model);
}

// Saves a small model, lets `spoil` change the directory, and wants opening it to fail with these words.
static void check_refused(void (*spoil)(const char *folder), const ModelOptions *options,
                          const char *says)
{
    Error err = {0};
    Model *model = small_model(HEAD_SEQUENCE, 3, 1), *opened = NULL;
    const char *folder = folder_make();
    want_ok(model_save(model, folder, &err), &err);
    spoil(folder);
    const Status s = model_open(folder, options, &opened, &err);
    cr_assert(s != STATUS_OK && opened == NULL, "wanted: %s", says);
    cr_assert(strstr(err.text, says) != NULL, "wanted \"%s\", got: %s", says, err.text);
    folder_remove(folder);
    model_close(&model);
}

static void edit_config(const char *folder, const char *from, const char *to)
{
    Arena arena = {0};
    Error err = {0};
    Slice text;
    char changed[4096];
    want_ok(file_read(&arena, folder_path(folder, "config.json"), 1 << 20, &text, &err), &err);
    const char *at = strstr(text.ptr, from);
    cr_assert(at != NULL, "%s is not in %s", from, text.ptr);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text.ptr), text.ptr, to,
             at + strlen(from));
    folder_write(folder, "config.json", changed);
    arena_release(&arena);
}

static void more_layers(const char *folder)
{
    edit_config(folder, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3");
}

static void wider(const char *folder)
{
    edit_config(folder, "\"intermediate_size\": 64", "\"intermediate_size\": 65");
}

static void fewer_layers(const char *folder)
{
    edit_config(folder, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");
}

static void cut_weights(const char *folder)
{
    folder_write(folder, "model.safetensors", "\x10");
}

static void no_weights(const char *folder)
{
    cr_assert(remove(folder_path(folder, "model.safetensors")) == 0);
}

static void no_config(const char *folder)
{
    cr_assert(remove(folder_path(folder, "config.json")) == 0);
}

static void large_vocabulary(const char *folder)
{
    char text[1024] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    size_t len = strlen(text);
    for (int i = 5; i < 60; i++) len += (size_t)snprintf(text + len, sizeof text - len, "w%d\n", i);
    folder_write(folder, "vocab.txt", text);
}

// The header may name the type of the first tensor anew, since both take 4 bytes.
static void integer_weights(const char *folder)
{
    Arena arena = {0};
    Error err = {0};
    Slice bytes;
    const char *path = folder_path(folder, "model.safetensors");
    want_ok(file_read(&arena, path, 1 << 20, &bytes, &err), &err);
    char *changed = arena_alloc(&arena, bytes.len, 1), *at = NULL;
    cr_assert(changed != NULL);
    memcpy(changed, bytes.ptr, bytes.len);
    for (size_t i = 8; !at && i + 5 < bytes.len; i++) {
        if (memcmp(changed + i, "\"F32\"", 5) == 0) at = changed + i;
    }
    cr_assert(at != NULL);
    memcpy(at, "\"I32\"", 5);
    want_ok(file_write(path, (Slice){changed, bytes.len}, &err), &err);
    arena_release(&arena);
}

static void nothing(const char *folder)
{
    (void)folder;
}

Test(model, refuses_directories_that_are_not_of_one_model)
{
    static const ModelOptions bare = {.without_tokenizer = 1};
    static const ModelOptions new_lm = {
        .without_tokenizer = 1, .head_choice = HEAD_FOR_LABELS, .head = HEAD_MASKED_LM};
    static const ModelOptions no_labels = {
        .without_tokenizer = 1, .head_choice = HEAD_FOR_LABELS, .head = HEAD_TOKEN};
    Error err = {0};
    Model *opened = NULL;
    check_refused(more_layers, &bare, "\"bert.encoder.layer.2.attention.self.query.weight\"");
    check_refused(fewer_layers, &bare, "is of block 1, but by config.json there are 1, from 0 on");
    check_refused(wider, &bare, "has shape [64, 32], but by config.json it should be [65, 32]");
    check_refused(integer_weights, &bare, "is of type I32, but weights must be F32");
    check_refused(cut_weights, &bare, "too few for a safetensors file");
    check_refused(no_weights, &bare, "neither model.safetensors nor");
    check_refused(no_config, &bare, "config.json");
    check_refused(large_vocabulary, NULL, "has ids up to 59, but the embedding has only 50 rows");
    check_refused(nothing, NULL, "tokenizer");
    check_refused(nothing, &new_lm, "cannot be put on");
    check_refused(nothing, &no_labels, "needs labels");
    cr_assert(model_open("/no/such/folder", NULL, &opened, &err) == STATUS_NOT_FOUND);
}

Test(model, draws_random_weights_from_the_seed_alone)
{
    Error err = {0};
    size_t n = 0;
    Model *a = small_model(HEAD_SEQUENCE, 3, 1), *b = small_model(HEAD_SEQUENCE, 3, 1),
          *c = small_model(HEAD_SEQUENCE, 3, 2);
    float *wa = all_weights(a, &n), *wb = all_weights(b, &n), *wc = all_weights(c, &n);
    cr_assert(memcmp(wa, wb, n * sizeof *wa) == 0 && memcmp(wa, wc, n * sizeof *wa) != 0);
    float table[50 * 32], bias[32], norm[32];
    want_ok(model_tensor_read(a, SLICE("bert.embeddings.word_embeddings.weight"), table, &err),
            &err);
    want_ok(model_tensor_read(a, SLICE("bert.pooler.dense.bias"), bias, &err), &err);
    want_ok(model_tensor_read(a, SLICE("bert.embeddings.LayerNorm.weight"), norm, &err), &err);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < (size_t)50 * 32; i++) {
        if (i < 32) cr_assert(table[i] == 0.0f, "the row of padding is zero");
        sum += (double)table[i];
        squares += (double)table[i] * (double)table[i];
    }
    cr_assert(fabs(sum / 1568) < 0.02 && fabs(sqrt(squares / 1568) - 0.2) < 0.015);
    for (size_t i = 0; i < 32; i++) cr_assert(bias[i] == 0.0f && norm[i] == 1.0f);
    free(wa);
    free(wb);
    free(wc);
    model_close(&a);
    model_close(&b);
    model_close(&c);
}

Test(model, comes_back_by_a_reset_with_a_new_head)
{
    Error err = {0};
    size_t n = 0;
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    cr_assert(model_reset(model, 1, &err) == STATUS_INTERNAL, "there is nothing kept yet");
    float *before = all_weights(model, &n), row[32] = {9};
    want_ok(model_keep(model, &err), &err);
    want_ok(model_tensor_write(model, SLICE("bert.pooler.dense.bias"), row, &err), &err);
    want_ok(model_reset(model, 1, &err), &err);
    float *after = all_weights(model, &n);
    cr_assert(memcmp(before, after, n * sizeof *before) == 0);
    free(before);
    free(after);
    model_close(&model);
}

Test(model, counts_its_parameters)
{
    Error err = {0};
    ModelMemory memory;
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    const ModelSize size = model_size(model);
    const uint64_t embedding = (50 + 24 + 2) * 32 + 2 * 32;
    const uint64_t block = 4 * (32 * 32 + 32) + (64 * 32 + 64) + (32 * 64 + 32) + 4 * 32;
    const uint64_t head = 32 * 32 + 32 + 3 * 32 + 3;
    cr_assert(size.n_embedding == embedding && size.n_block == block && size.n_head == head &&
              size.n_parameters == embedding + 2 * block + head);
    cr_assert(size.weight_bytes >= 4 * size.n_parameters);
    want_ok(model_memory(model, 2, 24, 200, &memory, &err), &err);
    cr_assert(memory.predict_bytes > size.weight_bytes &&
              memory.train_bytes > memory.predict_bytes + 3 * size.weight_bytes);
    cr_assert(model_capabilities(model) == (MODEL_CAN_CLASSIFY | MODEL_CAN_TRAIN));
    model_close(&model);
}

// A model that is only looked at says what one that is read says.
Test(model, tells_its_memory_without_reading_weights)
{
    Error err = {0};
    ModelMemory looked, opened;
    const ModelOptions read = {.without_tokenizer = 1, .keep_stored = 1},
                       look = {.without_tokenizer = 1, .keep_stored = 1, .only_looked_at = 1};
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    const char *folder = folder_make();
    want_ok(model_save(model, folder, &err), &err);
    model_close(&model);
    want_ok(model_open(folder, &read, &model, &err), &err);
    want_ok(model_memory(model, 2, 24, 200, &opened, &err), &err);
    const ModelSize size = model_size(model);
    model_close(&model);
    want_ok(model_open(folder, &look, &model, &err), &err);
    want_ok(model_memory(model, 2, 24, 200, &looked, &err), &err);
    cr_expect(looked.predict_bytes == opened.predict_bytes &&
              looked.train_bytes == opened.train_bytes);
    cr_expect_eq(model_size(model).weight_bytes, size.weight_bytes);
    cr_expect_not(model_head_is_fresh(model));
    model_close(&model);
    folder_remove(folder);
}

Test(model, is_made_to_be_looked_at_alone)
{
    Error err = {0};
    Model *model = NULL;
    const ModelConfig config = small_config(HEAD_SEQUENCE, 3);
    const ModelOptions look = {.without_tokenizer = 1, .only_looked_at = 1};
    Model *whole = small_model(HEAD_SEQUENCE, 3, 1);
    want_ok(model_create(&config, NULL, &look, &model, &err), &err);
    cr_expect_eq(model_size(model).n_parameters, model_size(whole).n_parameters);
    model_close(&model);
    model_close(&whole);
}

Test(model, survives_every_allocation_that_fails)
{
    Error err = {0};
    const ModelOptions options = {.without_tokenizer = 1};
    Model *model = small_model(HEAD_SEQUENCE, 3, 1), *opened = NULL;
    const char *folder = folder_make();
    want_ok(model_save(model, folder, &err), &err);
    Status s = STATUS_MEMORY;
    for (size_t n = 1; s != STATUS_OK; n++) {
        cr_assert(n < 3000, "it never succeeds");
        err = (Error){0};
        arena_fail_after(n);
        s = model_open(folder, &options, &opened, &err);
        arena_fail_after(0);
        cr_assert(s == STATUS_OK || (s == STATUS_MEMORY && opened == NULL),
                  "allocation %zu: %s: %s", n, status_name(s), err.text);
    }
    model_close(&opened);
    folder_remove(folder);
    model_close(&model);
}

// Two tokens: what is read of the first and of the last makes up the mean, whether or not others were computed.
Test(model_predict, first_and_last_tokens_of_modernbert_make_up_the_mean)
{
    enum { WIDTH = 512 };
    static const EmbeddingPool ways[] = {POOL_FIRST, POOL_LAST, POOL_MEAN};
    static const int32_t ids[] = {7, 21};
    static float out[3][WIDTH];
    const char *path = shared_path("models/tiny-modernbert-seqcls");
    const TokenSequence input = {.ids = ids, .n_tokens = 2};
    size_t width = 0;
    Error err = {0};
    if (!path) cr_skip_test("models/tiny-modernbert-seqcls of the shared folder absent");
    for (size_t i = 0; i < 3; i++) {
        const ModelOptions options = {.without_tokenizer = 1,
                                      .head_choice = HEAD_FOR_LABELS,
                                      .has_pool = 1,
                                      .pool = ways[i],
                                      .head = HEAD_EMBEDDING};
        Model *model = NULL;
        Pool *pool = open_pool(1);
        want_ok(model_open(path, &options, &model, &err), &err);
        width = model_output_width(model);
        cr_assert(width > 0 && width <= WIDTH);
        want_ok(model_predict(model, pool, &input, 1, NULL, out[i], &err), &err);
        pool_close(&pool);
        model_close(&model);
    }
    for (size_t j = 0; j < width; j++) {
        const float mean = 0.5f * (out[0][j] + out[1][j]);
        cr_expect_float_eq(mean, out[2][j], 1e-6, "%zu: %g and %g", j, (double)mean,
                           (double)out[2][j]);
    }
}
