#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "models/architecture.h"
#include "models/checkpoint.h"
#include "models/gguf_model.h"
#include "models/quantize.h"
#include "tests/models/model_support.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static Status quantize(const char *model, TensorType to, const char *out, QuantizeReport *report,
                       Arena *arena, Error *err)
{
    Pool *pool = open_pool(2);
    const Status s = model_quantize(model, to, out, pool, arena, report, err);
    pool_close(&pool);
    return s;
}

static void must_quantize(const char *model, TensorType to, const char *out)
{
    Arena arena = {0};
    Error err = {0};
    QuantizeReport report;
    want_ok(quantize(model, to, out, &report, &arena, &err), &err);
    arena_release(&arena);
}

typedef enum Keeping { AS_NUMBERS, AS_STORED, AS_MAPPED } Keeping;

static Model *open_as(const char *path, Keeping keeping)
{
    Error err = {0};
    Model *model = NULL;
    const ModelOptions options = {.without_tokenizer = 1,
                                  .keep_stored = keeping == AS_STORED,
                                  .mapped = keeping == AS_MAPPED};
    want_ok(model_open(path, &options, &model, &err), &err);
    return model;
}

static Model *open(const char *path)
{
    return open_as(path, AS_NUMBERS);
}

// Logits of one sequence of ids 3, 4, 5, ...; freed by the caller.
static float *logits_as(const char *path, Keeping keeping, size_t n_tokens, size_t *n)
{
    Error err = {0};
    int32_t ids[64];
    Model *model = open_as(path, keeping);
    Pool *pool = open_pool(1);
    const size_t vocab_size = model_config(model)->vocab_size;
    for (size_t i = 0; i < n_tokens; i++) ids[i] = (int32_t)((3 + 7 * i) % vocab_size);
    const TokenSequence input = {.ids = ids, .n_tokens = n_tokens};
    *n = model_output_rows(model, &input, 1) * model_output_width(model);
    float *logits = malloc(*n * sizeof *logits);
    cr_assert_not_null(logits);
    want_ok(model_predict(model, pool, &input, 1, NULL, logits, &err), &err);
    pool_close(&pool);
    model_close(&model);
    return logits;
}

static float *logits_of(const char *path, size_t n_tokens, size_t *n)
{
    return logits_as(path, AS_NUMBERS, n_tokens, n);
}

static float largest_difference(const char *a, const char *b)
{
    size_t n = 0, m = 0;
    float *x = logits_of(a, 12, &n), *y = logits_of(b, 12, &m), largest = 0;
    cr_assert_eq(n, m);
    for (size_t i = 0; i < n; i++) largest = fmaxf(largest, fabsf(x[i] - y[i]));
    free(x);
    free(y);
    return largest;
}

// A copy of a GGUF file without what only our own files have: as other programs write them.
static void strip(const char *from, const char *to)
{
    Error err = {0};
    Gguf file;
    GgufBuilder b = {0};
    want_ok(gguf_open(from, &file, &err), &err);
    SafeItem *items = calloc(file.n_tensors + 1, sizeof *items);
    cr_assert_not_null(items);
    for (size_t i = 0; i < file.n_pairs; i++) {
        const GgufPair *pair = &file.pairs[i];
        if (slice_eq_cstr(pair->key, GGUF_KEY_CONFIG)) continue;
        gguf_put_value(&b, pair->key, &pair->value);
    }
    for (size_t i = 0; i < file.n_tensors; i++) {
        const SafeTensor *t = &file.tensors[i];
        items[i] =
            (SafeItem){.name = t->name, .type = t->type, .n_dims = t->n_dims, .data = t->data.ptr};
        memcpy(items[i].shape, t->shape, sizeof t->shape);
    }
    want_ok(gguf_write(to, &b, items, file.n_tensors, NULL, NULL, &err), &err);
    gguf_builder_release(&b);
    free(items);
    gguf_close(&file);
}

// A small BERT, saved into the folder.
static const char *save_small(const char *folder, ModelHead head, size_t n_labels)
{
    Error err = {0};
    Model *model = small_model(head, n_labels, 5);
    const char *path = folder_path(folder, "model");
    want_ok(model_save(model, path, &err), &err);
    model_close(&model);
    return path;
}

Test(quantize, f32_keeps_every_bit)
{
    static const ModelHead heads[] = {HEAD_EMBEDDING, HEAD_SEQUENCE, HEAD_SPAN, HEAD_MASKED_LM};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        const char *folder = folder_make();
        const char *model = save_small(folder, heads[i], heads[i] == HEAD_SEQUENCE ? 3 : 0);
        const char *out = folder_path(folder, "f32.gguf");
        must_quantize(model, TENSOR_F32, out);
        cr_expect_eq(largest_difference(model, out), 0.0f, "%s", model_head_name(heads[i]));
        // And back.
        Error err = {0};
        Model *again = open(out);
        const char *back = folder_path(folder, "back");
        want_ok(model_save(again, back, &err), &err);
        model_close(&again);
        cr_expect_eq(largest_difference(model, back), 0.0f, "%s", model_head_name(heads[i]));
        folder_remove(folder);
    }
}

Test(quantize, fewer_bits_lose_more)
{
    static const TensorType types[] = {TENSOR_F32,  TENSOR_F16,  TENSOR_BF16, TENSOR_Q8_0,
                                       TENSOR_Q5_1, TENSOR_Q4_1, TENSOR_Q4_0};
    const char *folder = folder_make();
    const char *model = save_small(folder, HEAD_SEQUENCE, 3);
    double before = 0;
    uint64_t bytes = UINT64_MAX;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        Arena arena = {0};
        Error err = {0};
        QuantizeReport report;
        const char *out = folder_path(folder, "q.gguf");
        want_ok(quantize(model, types[i], out, &report, &arena, &err), &err);
        cr_expect(i == 0 || report.error > before, "%s: %g", tensor_type_name(types[i]),
                  report.error);
        cr_expect(report.bytes_after <= bytes, "%s", tensor_type_name(types[i]));
        cr_expect_lt(largest_difference(model, out), 0.02f, "%s", tensor_type_name(types[i]));
        before = report.error;
        bytes = report.bytes_after;
        arena_release(&arena);
    }
    folder_remove(folder);
}

Test(quantize, tells_each_tensor_and_takes_the_next_format_that_fits)
{
    Arena arena = {0};
    Error err = {0};
    QuantizeReport report;
    const char *folder = folder_make();
    const char *model = save_small(folder, HEAD_SEQUENCE, 3);
    want_ok(quantize(model, TENSOR_Q4_K, folder_path(folder, "q.gguf"), &report, &arena, &err),
            &err);
    size_t n_matrices = 0;
    for (size_t i = 0; i < report.n_tensors; i++) {
        const QuantizedTensor *t = &report.tensors[i];
        const bool is_table = slice_eq_cstr(t->name, "position_embd.weight") ||
                              slice_eq_cstr(t->name, "token_types.weight");
        const bool is_plain = t->n_dims < 2 || is_table;
        cr_expect_eq(t->to, is_plain ? TENSOR_F32 : TENSOR_Q5_0, SLICE_FMT, SLICE_ARG(t->name));
        n_matrices += !is_plain;
    }
    cr_expect_gt(n_matrices, 12);
    arena_release(&arena);
    folder_remove(folder);
}

Test(quantize, reads_its_files_as_those_of_others)
{
    const char *folder = folder_make();
    const char *model = save_small(folder, HEAD_EMBEDDING, 0);
    const char *own = folder_path(folder, "own.gguf");
    must_quantize(model, TENSOR_F32, own);
    const char *other = folder_path(folder, "other.gguf");
    strip(own, other);
    cr_expect_eq(largest_difference(model, other), 0.0f);
    // A GGUF file quantised again keeps its metadata.
    const char *again = folder_path(folder, "again.gguf");
    must_quantize(other, TENSOR_F32, again);
    cr_expect_eq(largest_difference(model, again), 0.0f);
    folder_remove(folder);
}

Test(quantize, every_tiny_model_through_gguf_and_through_a_foreign_reading)
{
    static const char *const names[] = {
        "tiny-bert-qa",   "tiny-bert-mlm", "tiny-bert-seqcls", "tiny-gpt2",
        "tiny-gpt2-fp16", "tiny-llama2",   "tiny-llama3",      "tiny-llama-linear-bf16",
        "tiny-qwen2",     "tiny-qwen3",    "tiny-gemma2",      "tiny-gemma3",
        "tiny-phi3",      "tiny-mistral",  "stories260K",
    };
    size_t n_seen = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char relative[128];
        ModelConfig config;
        Arena arena = {0};
        Error err = {0};
        snprintf(relative, sizeof relative, "models/%s", names[i]);
        const char *shared = shared_need(relative);
        char model[1024];
        snprintf(model, sizeof model, "%s", shared);
        const bool is_known = checkpoint_config(&arena, model, &config, &err) == STATUS_OK;
        const bool is_foreign =
            is_known && strncmp(names[i], "tiny-bert", 9) != 0 &&
            // What such files cannot say: Mistral's window; a scale of queries that is not the
            // one of Gemma's released sizes.
            strcmp(names[i], "tiny-mistral") != 0 && strncmp(names[i], "tiny-gemma", 10) != 0;
        arena_release(&arena);
        if (!is_known) continue; // an architecture that this build does not have
        n_seen++;
        const char *folder = folder_make(), *own = folder_path(folder, "own.gguf");
        must_quantize(model, TENSOR_F32, own);
        // Norms of 1 + w, which GGUF stores as such, are rounded once more.
        const float allowed = strncmp(names[i], "tiny-gemma", 10) == 0 ? 2e-5f : 0.0f;
        cr_expect_leq(largest_difference(model, own), allowed, "%s", names[i]);
        if (is_foreign) {
            const char *other = folder_path(folder, "other.gguf");
            strip(own, other);
            // Factors of rotations are rounded once more too.
            cr_expect_lt(largest_difference(model, other), 2e-5f, "%s", names[i]);
        }
        folder_remove(folder);
    }
    cr_expect_geq(n_seen, 3);
}

// A BERT wide enough for blocks of 256, of which some layers are.
static const char *save_wide(const char *folder)
{
    Error err = {0};
    Model *model = NULL;
    ModelConfig config = small_config(HEAD_SEQUENCE, 3);
    const ModelOptions options = {.seed = 3};
    config.hidden_size = 64;
    config.intermediate_size = 256;
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    const char *path = folder_path(folder, "wide");
    want_ok(model_save(model, path, &err), &err);
    model_close(&model);
    return path;
}

Test(quantize, weights_kept_as_stored_give_the_same_bits)
{
    static const TensorType types[] = {TENSOR_F16,  TENSOR_BF16, TENSOR_Q8_0, TENSOR_Q4_0,
                                       TENSOR_Q4_1, TENSOR_Q5_0, TENSOR_Q5_1, TENSOR_Q4_K,
                                       TENSOR_Q5_K, TENSOR_Q6_K};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const char *folder = folder_make(), *path = folder_path(folder, "q.gguf");
        size_t n = 0, m = 0;
        must_quantize(save_wide(folder), types[i], path);
        for (size_t n_tokens = 1; n_tokens < 20; n_tokens += 6) {
            float *plain = logits_as(path, AS_NUMBERS, n_tokens, &n),
                  *kept = logits_as(path, AS_STORED, n_tokens, &m),
                  *mapped = logits_as(path, AS_MAPPED, n_tokens, &m);
            cr_assert_eq(n, m);
            cr_assert_arr_eq(plain, kept, n * sizeof *plain, "%s", tensor_type_name(types[i]));
            cr_assert_arr_eq(plain, mapped, n * sizeof *plain, "%s", tensor_type_name(types[i]));
            free(plain);
            free(kept);
            free(mapped);
        }
        Model *plain = open_as(path, AS_NUMBERS), *kept = open_as(path, AS_STORED);
        cr_expect_lt(model_size(kept).weight_bytes, model_size(plain).weight_bytes * 3 / 4, "%s",
                     tensor_type_name(types[i]));
        check_equal_weights(tensor_type_name(types[i]), plain, kept);
        cr_expect_not(model_capabilities(kept) & MODEL_CAN_TRAIN);
        model_close(&plain);
        model_close(&kept);
        folder_remove(folder);
    }
}

Test(checkpoint, mapped_weights_give_the_same_bits_and_read_back_the_same)
{
    // Inputs first, stacked parts, tied tables, 16 bits, rows of queries in pairs.
    static const char *const names[] = {"tiny-gpt2",
                                        "tiny-llama2",
                                        "tiny-llama-linear-bf16",
                                        "tiny-qwen3",
                                        "tiny-phi3",
                                        "tiny-bert-seqcls",
                                        "stories260K/stories260K-f32.gguf",
                                        "stories260K/stories260K-q5_1.gguf"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char relative[128], model[1024];
        snprintf(relative, sizeof relative, "models/%s", names[i]);
        const char *shared = shared_need(relative);
        snprintf(model, sizeof model, "%s", shared);
        for (size_t n_tokens = 1; n_tokens < 20; n_tokens += 9) {
            size_t n = 0, m = 0;
            float *plain = logits_as(model, AS_NUMBERS, n_tokens, &n),
                  *mapped = logits_as(model, AS_MAPPED, n_tokens, &m);
            cr_assert_eq(n, m);
            cr_assert_arr_eq(plain, mapped, n * sizeof *plain, "%s", names[i]);
            free(plain);
            free(mapped);
        }
        Model *plain = open_as(model, AS_NUMBERS), *mapped = open_as(model, AS_MAPPED);
        check_equal_weights(names[i], plain, mapped);
        const ModelSize all = model_size(plain), rest = model_size(mapped);
        cr_expect_gt(rest.mapped_bytes, 0);
        cr_expect_lt(rest.weight_bytes, all.weight_bytes / 4, "%s: %llu of %llu bytes", names[i],
                     (unsigned long long)rest.weight_bytes, (unsigned long long)all.weight_bytes);
        model_close(&plain);
        model_close(&mapped);
    }
}

// Opens for products of that kind; skips the test where the CPU has none.
static Model *open_low(const char *path, ComputeMode compute)
{
    Error err = {0};
    Model *model = NULL;
    const ModelOptions options = {.without_tokenizer = 1, .keep_stored = 1, .compute = compute};
    const Status s = model_open(path, &options, &model, &err);
    if (s == STATUS_DEVICE) cr_skip_test("%s", err.text);
    want_ok(s, &err);
    return model;
}

enum { LOW_SEQUENCES = 7 };

// Outputs of sequences of 1, 4, 7, ... ids, all in one call; freed by the caller.
static float *low_outputs(Model *model, size_t n_sequences, size_t n_threads, size_t *n)
{
    static int32_t ids[64];
    Error err = {0};
    TokenSequence inputs[LOW_SEQUENCES] = {0};
    for (size_t i = 0; i < 64; i++)
        ids[i] = (int32_t)((5 + 11 * i) % model_config(model)->vocab_size);
    for (size_t i = 0; i < n_sequences; i++)
        inputs[i] = (TokenSequence){.ids = ids + i, .n_tokens = 1 + 3 * i};
    *n = model_output_rows(model, inputs, n_sequences) * model_output_width(model);
    float *out = malloc(*n * sizeof *out);
    cr_assert_not_null(out);
    Pool *pool = open_pool(n_threads);
    want_ok(model_predict(model, pool, inputs, n_sequences, NULL, out, &err), &err);
    pool_close(&pool);
    return out;
}

Test(quantize, products_in_low_precision_are_close_and_the_same_in_any_company)
{
    static const ComputeMode modes[] = {COMPUTE_BF16, COMPUTE_I8};
    static const TensorType types[] = {TENSOR_F32, TENSOR_BF16, TENSOR_Q8_0, TENSOR_Q4_K};
    for (size_t i = 0; i < 8; i++) {
        const char *folder = folder_make(), *path = folder_path(folder, "q.gguf");
        size_t n = 0, m = 0, all = 0;
        must_quantize(save_wide(folder), types[i / 2], path);
        Model *low = open_low(path, modes[i % 2]), *plain = open_as(path, AS_STORED);
        float *a = low_outputs(low, LOW_SEQUENCES, 2, &n),
              *b = low_outputs(plain, LOW_SEQUENCES, 1, &m);
        cr_assert_eq(n, m);
        double error = 0, size = 0;
        for (size_t j = 0; j < n; j++) {
            error += ((double)a[j] - (double)b[j]) * ((double)a[j] - (double)b[j]);
            size += (double)b[j] * (double)b[j];
        }
        // int8 rounds a block of inputs, and a block of weights, by up to 1/254 of its largest number each; bf16 less.
        cr_expect_lt(sqrt(error / size), 0.05, "%s: %g", tensor_type_name(types[i / 2]),
                     sqrt(error / size));
        float *some = low_outputs(low, LOW_SEQUENCES - 3, 1, &all);
        cr_expect_arr_eq(a, some, all * sizeof *a);
        free(a);
        free(b);
        free(some);
        model_close(&low);
        model_close(&plain);
        folder_remove(folder);
    }
}

Test(quantize, low_precision_is_refused_where_weights_are_tuned)
{
    Error err = {0};
    Model *model = NULL;
    const char *folder = folder_make(), *path = save_wide(folder);
    const ModelOptions options = {.without_tokenizer = 1, .compute = COMPUTE_I8};
    cr_expect_eq(model_open(path, &options, &model, &err), STATUS_INVALID);
    cr_expect_not_null(strstr(err.text, "f32"), "%s", err.text);
    folder_remove(folder);
}

// stories260K in six formats by another writer, against Transformers on the numbers that the files hold.
Test(quantize, files_of_another_writer_give_the_reference_logits)
{
    static const char *const kinds[] = {"f32", "f16", "bf16", "q8_0", "q5_1", "q4_0"};
    Error err = {0};
    Safetensors golden;
    const char *path = shared_need("goldens/models/stories260K/gguf.safetensors");
    want_ok(safetensors_open(path, &golden, &err), &err);
    JsonDocument *document = NULL;
    want_ok(json_load(shared_path("goldens/models/stories260K/gguf.json"), JSON_STRICT, &document,
                      &err),
            &err);
    for (size_t i = 0; i < 2 * sizeof kinds / sizeof *kinds; i++) {
        const char *kind = kinds[i / 2];
        char relative[128];
        int32_t ids[64];
        size_t n = 0;
        const Json *file = json_get(json_get(json_root(document), "files"), kind);
        for (const Json *v = json_first(json_get(file, "ids")); v; v = json_next(v))
            ids[n++] = (int32_t)json_double(v);
        snprintf(relative, sizeof relative, "models/stories260K/stories260K-%s.gguf", kind);
        Model *model = open_as(shared_path(relative), i % 2 == 0 ? AS_NUMBERS : AS_STORED);
        const TokenSequence input = {.ids = ids, .n_tokens = n};
        const size_t size = model_output_rows(model, &input, 1) * model_output_width(model);
        const SafeTensor *want = want_tensor(&golden, "%s.logits", kind);
        cr_assert_eq(size, want->n_elements);
        float *expected = tensor_floats(want), *logits = calloc(size, sizeof *logits), worst = 0;
        Pool *pool = open_pool(1);
        want_ok(model_predict(model, pool, &input, 1, NULL, logits, &err), &err);
        for (size_t j = 0; j < size; j++) worst = fmaxf(worst, fabsf(logits[j] - expected[j]));
        cr_expect_lt(worst, 1e-4f, "%s: %g", kind, (double)worst);
        pool_close(&pool);
        model_close(&model);
        free(expected);
        free(logits);
    }
    json_close(&document);
    safetensors_close(&golden);
}

Test(quantize, opens_the_tokenizer_that_another_program_wrote_into_its_file)
{
    Error err = {0};
    Model *model = NULL;
    Arena arena = {0};
    Encoding encoding = {0};
    const char *path = shared_need("models/stories260K/stories260K-q8_0.gguf");
    want_ok(model_open(path, NULL, &model, &err), &err);
    cr_assert_not_null(model_tokenizer(model));
    want_ok(tokenizer_encode(model_tokenizer(model), SLICE("Once upon"), NULL, NULL, &arena,
                             &encoding, &err),
            &err);
    const int32_t expected[] = {1, 403, 407}; // as tokenizer.json beside the file has it
    cr_expect_arr_eq(encoding.ids, expected, sizeof expected);
    arena_release(&arena);
    model_close(&model);
}

Test(quantize, refuses_numbers_that_are_not_finite)
{
    Arena arena = {0};
    Error err = {0};
    QuantizeReport report;
    const char *folder = folder_make();
    Model *model = small_model(HEAD_SEQUENCE, 3, 5);
    float values[3 * 32] = {0};
    values[40] = NAN;
    want_ok(model_tensor_write(model, SLICE("classifier.weight"), values, &err), &err);
    const char *path = folder_path(folder, "model"), *out = folder_path(folder, "q.gguf");
    want_ok(model_save(model, path, &err), &err);
    model_close(&model);
    cr_assert_eq(quantize(path, TENSOR_Q8_0, out, &report, &arena, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "cls.output.weight") && strstr(err.text, "number 40"), "%s",
              err.text);
    cr_expect_not(file_exists(out));
    arena_release(&arena);
    folder_remove(folder);
}

Test(checkpoint, lists_what_is_missing_and_what_is_not_known)
{
    Error err = {0};
    Model *model = NULL;
    const char *folder = folder_make();
    static const float x[4];
    const SafeItem items[] = {
        {.name = SLICE("bert.pooler.dense.weight"),
         .type = TENSOR_F32,
         .n_dims = 1,
         .shape = {4},
         .data = x},
        {.name = SLICE("stranger"), .type = TENSOR_F32, .n_dims = 1, .shape = {4}, .data = x},
    };
    const ModelOptions options = {.without_tokenizer = 1};
    (void)save_small(folder, HEAD_SEQUENCE, 3);
    want_ok(safetensors_write(folder_path(folder, "model/model.safetensors"), items, 2, NULL, 0,
                              NULL, NULL, &err),
            &err);
    // The first has the wrong shape, but what is missing is told before.
    cr_assert_eq(model_open(folder_path(folder, "model"), &options, &model, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "bert.embeddings.word_embeddings.weight") &&
                  strstr(err.text, " more are missing") && strstr(err.text, "\"stranger\""),
              "%s", err.text);
    folder_remove(folder);
}

Test(checkpoint, names_what_a_model_has_no_use_for)
{
    Error err = {0};
    Safetensors file;
    Model *model = NULL;
    SafeItem items[128];
    static const float x[4];
    const char *folder = folder_make();
    const ModelOptions as_saved = {.without_tokenizer = 1};
    const ModelOptions encoder = {
        .without_tokenizer = 1, .head_choice = HEAD_FOR_LABELS, .head = HEAD_EMBEDDING};
    char path[1024];
    (void)save_small(folder, HEAD_SEQUENCE, 3);
    snprintf(path, sizeof path, "%s", folder_path(folder, "model/model.safetensors"));
    want_ok(safetensors_open(path, &file, &err), &err);
    cr_assert_lt(file.n_tensors, 120);
    for (size_t i = 0; i < file.n_tensors; i++) {
        const SafeTensor *t = &file.tensors[i];
        items[i] =
            (SafeItem){.name = t->name, .type = t->type, .n_dims = t->n_dims, .data = t->data.ptr};
        memcpy(items[i].shape, t->shape, sizeof t->shape);
    }
    // A buffer that old checkpoints have, and two strangers, one of them in the encoder.
    static const Slice names[] = {SLICE_LIT("bert.embeddings.position_ids"), SLICE_LIT("stranger"),
                                  SLICE_LIT("bert.encoder.layer.0.attention.gate")};
    for (size_t i = 0; i < 3; i++)
        items[file.n_tensors + i] =
            (SafeItem){.name = names[i], .type = TENSOR_F32, .n_dims = 1, .shape = {4}, .data = x};
    want_ok(safetensors_write(folder_path(folder, "new"), items, file.n_tensors + 3, NULL, 0, NULL,
                              NULL, &err),
            &err);
    safetensors_close(&file);
    cr_assert_eq(rename(folder_path(folder, "new"), path), 0);
    const char *directory = folder_path(folder, "model");
    for (int is_bare = 0; is_bare < 2; is_bare++) {
        Slice told = {0};
        want_ok(model_open(directory, is_bare ? &encoder : &as_saved, &model, &err), &err);
        cr_expect_eq(model_unused_tensors(model, &told), is_bare ? 1 : 2);
        cr_expect_neq(slice_find(told, SLICE("attention.gate")), SIZE_MAX);
        cr_expect_eq(slice_find(told, SLICE("stranger")) != SIZE_MAX, !is_bare);
        model_close(&model);
    }
    folder_remove(folder);
}

Test(checkpoint, reads_the_layout_of_a_cache)
{
    Error err = {0};
    Arena arena = {0};
    const char *folder = folder_make();
    Model *model = small_model(HEAD_SEQUENCE, 3, 5);
    const char *snapshot = folder_path(folder, "models--a--b/snapshots/0123");
    want_ok(file_make_directories(folder_path(folder, "models--a--b/refs"), &err), &err);
    want_ok(file_make_directories(snapshot, &err), &err);
    want_ok(model_save(model, folder_path(folder, "blobs"), &err), &err);
    model_close(&model);
    static const char *const names[] = {"config.json", "model.safetensors"};
    for (size_t i = 0; i < 2; i++) {
        char target[256], link[256];
        snprintf(target, sizeof target, "%s/blobs/%s", folder, names[i]);
        snprintf(link, sizeof link, "%s/models--a--b/snapshots/0123/%s", folder, names[i]);
        cr_assert_eq(symlink(target, link), 0);
    }
    folder_write(folder, "models--a--b/refs/main", "0123\n");
    const char *cache = folder_path(folder, "models--a--b");
    cr_expect_eq(largest_difference(cache, folder_path(folder, "blobs")), 0.0f);
    folder_write(folder, "models--a--b/refs/main", "4567");
    const char *path = NULL;
    cr_expect_eq(checkpoint_resolve(&arena, folder_path(folder, "models--a--b"), &path, &err),
                 STATUS_INVALID);
    cr_expect(strstr(err.text, "snapshots"), "%s", err.text);
    arena_release(&arena);
    folder_remove(folder);
}

Test(checkpoint, never_reads_pickled_weights)
{
    Error err = {0};
    Checkpoint files;
    const char *folder = folder_make();
    folder_write(folder, "config.json", "{\"architectures\": [\"BertForMaskedLM\"]}");
    cr_assert_eq(checkpoint_open(folder, &files, &err), STATUS_NOT_FOUND);
    folder_write(folder, "pytorch_model.bin", "PK");
    cr_assert_eq(checkpoint_open(folder, &files, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "pytorch_model.bin") &&
                  strstr(err.text, "t.BertForMaskedLM.from_pretrained"),
              "%s", err.text);
    folder_remove(folder);
}

Test(checkpoint, takes_the_lone_gguf_file_of_a_directory)
{
    Error err = {0};
    Arena arena = {0};
    const char *path = NULL;
    const char *folder = folder_make();
    (void)save_small(folder, HEAD_SEQUENCE, 3);
    want_ok(file_make_directories(folder_path(folder, "lone"), &err), &err);
    must_quantize(folder_path(folder, "model"), TENSOR_F32, folder_path(folder, "lone/a.gguf"));
    cr_expect_eq(largest_difference(folder_path(folder, "model"), folder_path(folder, "lone")),
                 0.0f);
    must_quantize(folder_path(folder, "model"), TENSOR_F32, folder_path(folder, "lone/b.gguf"));
    cr_expect_eq(checkpoint_resolve(&arena, folder_path(folder, "lone"), &path, &err),
                 STATUS_INVALID);
    cr_expect(strstr(err.text, "2 GGUF files"), "%s", err.text);
    cr_expect_eq(checkpoint_resolve(&arena, folder_path(folder, "model/config.json"), &path, &err),
                 STATUS_INVALID);
    cr_expect_eq(checkpoint_resolve(&arena, folder_path(folder, "none"), &path, &err),
                 STATUS_NOT_FOUND);
    arena_release(&arena);
    folder_remove(folder);
}

Test(gguf_model, names_go_both_ways)
{
    static const struct {
        const char *model_type, *name, *stored;
        SafeChange change;
    } cases[] = {
        {"llama", "model.layers.11.self_attn.q_proj.weight", "blk.11.attn_q.weight",
         SAFE_ROPE_PAIRS},
        {"qwen2", "model.layers.0.self_attn.k_proj.bias", "blk.0.attn_k.bias", SAFE_AS_IS},
        {"gemma2", "model.norm.weight", "output_norm.weight", SAFE_LESS_ONE},
        {"gpt2", "transformer.h.3.attn.c_attn.weight", "blk.3.attn_qkv.weight", SAFE_TRANSPOSED},
        {"gpt2", "transformer.h.3.attn.c_attn.bias", "blk.3.attn_qkv.bias", SAFE_AS_IS},
        {"t5", "decoder.block.11.layer.1.EncDecAttention.o.weight",
         "dec.blk.11.cross_attn_o.weight", SAFE_AS_IS},
        {"t5", "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
         "enc.blk.0.attn_rel_b.weight", SAFE_AS_IS},
        {"bert", "bert.encoder.layer.2.output.LayerNorm.bias", "blk.2.layer_output_norm.bias",
         SAFE_AS_IS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const GgufFamily *family = gguf_family_of_model(slice_from_cstr(cases[i].model_type));
        char stored[GGUF_NAME_SIZE], name[128];
        cr_assert(gguf_name_from_model(family, slice_from_cstr(cases[i].name), stored));
        cr_expect_str_eq(stored, cases[i].stored);
        cr_assert(gguf_name_to_model(family, slice_from_cstr(stored), name, sizeof name));
        cr_expect_str_eq(name, cases[i].name);
        cr_expect_eq(gguf_change(family, slice_from_cstr(name)), cases[i].change);
    }
    const GgufFamily *bert = gguf_family_of_model(SLICE("bert"));
    char stored[GGUF_NAME_SIZE];
    cr_expect_not(
        gguf_name_from_model(bert, SLICE("bert.encoder.layer.x.output.dense.weight"), stored));
    cr_expect_not(gguf_name_from_model(bert, SLICE("qa_outputs.weight"), stored));
    cr_expect_null(gguf_family_of_model(SLICE("marian")));
}

Test(gguf_model, refuses_parts_and_strangers)
{
    static const struct {
        const char *architecture, *says;
        uint32_t n_parts;
    } cases[] = {{"llama", "llama-gguf-split --merge", 3},
                 {"mamba", "unknown architecture \"mamba\"", 0},
                 {"llama", "\"llama.block_count\" is missing", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error err = {0};
        Checkpoint files;
        GgufBuilder b = {0};
        const char *folder = folder_make(), *path = folder_path(folder, "f.gguf");
        gguf_put_string(&b, "general.architecture", slice_from_cstr(cases[i].architecture));
        if (cases[i].n_parts > 0) gguf_put_u32(&b, "split.count", cases[i].n_parts);
        want_ok(gguf_write(path, &b, NULL, 0, NULL, NULL, &err), &err);
        cr_assert_eq(checkpoint_open(path, &files, &err), STATUS_INVALID);
        cr_expect(strstr(err.text, cases[i].says), "%s", err.text);
        gguf_builder_release(&b);
        folder_remove(folder);
    }
}
