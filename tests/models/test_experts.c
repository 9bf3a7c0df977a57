// Mixtures of experts: files that have them stacked, experts that no row goes to, what is counted, what is refused. Against
// Transformers: test_decoder_kinds.c.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/checkpoint.h"
#include "models/training/lora.h"
#include "tests/models/model_support.h"
#include "tests/models/saved.h"
#include "tests/support/folder.h"

enum { N_EXPERTS = 4, N_ACTIVE = 2, HIDDEN = 32, INNER = 64 };

#define SIZES                                                                             \
    "\"vocab_size\": 50, \"hidden_size\": 32, \"num_hidden_layers\": 2, "                 \
    "\"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"intermediate_size\": 64, " \
    "\"max_position_embeddings\": 40, "

static const char mixtral[] =
    "{\"model_type\": \"mixtral\", \"architectures\": [\"MixtralForCausalLM\"], " SIZES
    "\"num_local_experts\": 4, \"num_experts_per_tok\": 2, \"initializer_range\": 0.1}";

static Model *small_experts(const char *json, Arena *arena)
{
    Error err = {0};
    ModelConfig config;
    Model *model = NULL;
    const ModelOptions options = {.seed = 11, .without_tokenizer = 1};
    want_ok(parse_config(arena, json, &config, &err), &err);
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    return model;
}

static float *logits_of(Model *model, size_t *n)
{
    Error err = {0};
    int32_t ids[12];
    for (size_t i = 0; i < 12; i++) ids[i] = (int32_t)((3 + 7 * i) % 50);
    const TokenSequence input = {.ids = ids, .n_tokens = 12};
    Pool *pool = open_pool(2);
    *n = model_output_rows(model, &input, 1) * model_output_width(model);
    float *logits = calloc(*n, sizeof *logits);
    cr_assert_not_null(logits);
    want_ok(model_predict(model, pool, &input, 1, NULL, logits, &err), &err);
    pool_close(&pool);
    return logits;
}

static float *read_tensor(const Model *model, const char *name, size_t *n)
{
    Error err = {0};
    size_t rows = 0, cols = 0;
    want_ok(model_tensor_shape(model, slice_from_cstr(name), &rows, &cols, &err), &err);
    *n = rows * cols;
    float *values = calloc(*n, sizeof *values);
    cr_assert_not_null(values);
    want_ok(model_tensor_read(model, slice_from_cstr(name), values, &err), &err);
    return values;
}

static void write_tensor(Model *model, const char *name, float value)
{
    Error err = {0};
    size_t n = 0;
    float *values = read_tensor(model, name, &n);
    for (size_t i = 0; i < n; i++) values[i] = value;
    want_ok(model_tensor_write(model, slice_from_cstr(name), values, &err), &err);
    free(values);
}

// ---- files ----

// The experts of a saved Mixtral in two tensors a layer, as Transformers 5 has them in memory.
static void save_stacked(const Model *model, const char *path)
{
    enum { N_LAYERS = 2, ITEMS = 64 };
    static char names[ITEMS][96];
    static SafeItem items[ITEMS];
    Error err = {0};
    Arena arena = {0};
    size_t n = 0;
    for (size_t i = 0; i < model_n_tensors(model); i++) {
        const Slice name = model_tensor_name(model, i);
        size_t rows = 0, cols = 0, count = 0;
        if (slice_find(name, SLICE(".experts.")) != SIZE_MAX) continue;
        char old[96], *block;
        snprintf(old, sizeof old, SLICE_FMT, SLICE_ARG(name));
        snprintf(names[n], sizeof names[n], "%s", old);
        block = strstr(names[n], "block_sparse_moe.");
        if (block) snprintf(block, 32, "mlp.gate.weight");
        want_ok(model_tensor_shape(model, name, &rows, &cols, &err), &err);
        items[n] = (SafeItem){.name = slice_from_cstr(names[n]),
                              .type = TENSOR_F32,
                              .n_dims = rows == 1 ? 1 : 2,
                              .shape = {rows == 1 ? cols : rows, cols},
                              .data = read_tensor(model, old, &count)};
        n++;
    }
    for (size_t layer = 0; layer < N_LAYERS; layer++) {
        float *both = calloc((size_t)2 * N_EXPERTS * INNER * HIDDEN, sizeof *both),
              *down = calloc((size_t)N_EXPERTS * HIDDEN * INNER, sizeof *down);
        for (size_t e = 0; e < N_EXPERTS; e++) {
            static const char *const parts[] = {"w1", "w3", "w2"};
            for (size_t p = 0; p < 3; p++) {
                char name[96];
                size_t count = 0;
                snprintf(name, sizeof name,
                         "model.layers.%zu.block_sparse_moe.experts.%zu.%s.weight", layer, e,
                         parts[p]);
                float *values = read_tensor(model, name, &count);
                float *to = p == 2 ? down + e * count : both + (2 * e + p) * count;
                memcpy(to, values, count * sizeof *to);
                free(values);
            }
        }
        snprintf(names[n], sizeof names[n], "model.layers.%zu.mlp.experts.gate_up_proj", layer);
        items[n] = (SafeItem){.name = slice_from_cstr(names[n]),
                              .type = TENSOR_F32,
                              .n_dims = 3,
                              .shape = {N_EXPERTS, (size_t)2 * INNER, HIDDEN},
                              .data = both};
        n++;
        snprintf(names[n], sizeof names[n], "model.layers.%zu.mlp.experts.down_proj", layer);
        items[n] = (SafeItem){.name = slice_from_cstr(names[n]),
                              .type = TENSOR_F32,
                              .n_dims = 3,
                              .shape = {N_EXPERTS, HIDDEN, INNER},
                              .data = down};
        n++;
    }
    want_ok(safetensors_write(path, items, n, NULL, 0, NULL, NULL, &err), &err);
    for (size_t i = 0; i < n; i++) {
        float *data;
        memcpy(&data, &items[i].data, sizeof data); // ours
        free(data);
    }
    arena_release(&arena);
}

Test(experts, stacked_tensors_are_taken_apart)
{
    Arena arena = {0};
    Error err = {0};
    size_t n = 0, m = 0;
    const char *folder = folder_make();
    Model *model = small_experts(mixtral, &arena);
    float *wanted = logits_of(model, &n);
    want_ok(model_save(model, folder, &err), &err);
    save_stacked(model, folder_path(folder, "model.safetensors"));
    for (int keeping = AS_NUMBERS; keeping <= AS_MAPPED; keeping++) {
        Slice names;
        Model *other = open_kept(folder, (Keeping)keeping);
        float *got = logits_of(other, &m);
        cr_assert_eq(n, m);
        cr_expect_arr_eq(got, wanted, n * sizeof *got, "way %d", keeping);
        cr_expect_eq(model_unused_tensors(other, &names), 0, SLICE_FMT, SLICE_ARG(names));
        free(got);
        model_close(&other);
    }
    const char *gguf = folder_path(folder, "stacked.gguf");
    must_quantize(folder, TENSOR_F32, gguf);
    cr_expect_eq(largest_difference(folder, gguf), 0.0f);
    free(wanted);
    model_close(&model);
    arena_release(&arena);
    folder_remove(folder);
}

Test(experts, gguf_has_one_tensor_of_a_layers_experts)
{
    Arena arena = {0};
    Error err = {0};
    Gguf file;
    const char *folder = folder_make();
    const char *path = folder_path(folder, "model"), *gguf = folder_path(folder, "q8.gguf"),
               *again = folder_path(folder, "q4.gguf");
    Model *model = small_experts(mixtral, &arena);
    want_ok(model_save(model, path, &err), &err);
    must_quantize(path, TENSOR_Q8_0, gguf);
    want_ok(gguf_open(gguf, &file, &err), &err);
    const SafeTensor *up = gguf_tensor(&file, SLICE("blk.1.ffn_up_exps.weight")),
                     *router = gguf_tensor(&file, SLICE("blk.1.ffn_gate_inp.weight"));
    cr_assert(up && router);
    cr_expect(up->type == TENSOR_Q8_0 && up->n_dims == 3);
    cr_expect(up->shape[0] == N_EXPERTS && up->shape[1] == INNER && up->shape[2] == HIDDEN);
    cr_expect(router->type == TENSOR_F32 && router->n_dims == 2);
    gguf_close(&file);
    // Rows of 32 numbers of 8 bits each; none goes to another expert here.
    const float difference = largest_difference(path, gguf);
    cr_expect(difference > 0 && difference < 0.1f, "%g", (double)difference);
    must_quantize(gguf, TENSOR_Q4_0, again); // of a GGUF file, too
    model_close(&model);
    model = open_kept(again, AS_MAPPED);
    model_close(&model);
    arena_release(&arena);
    folder_remove(folder);
}

// ---- rows and experts ----

// A router of zeros ties all experts: the first ones are taken, and no number of the others is ever read.
Test(experts, what_no_row_goes_to_is_not_touched)
{
    Arena arena = {0};
    size_t n = 0, m = 0;
    Model *model = small_experts(mixtral, &arena);
    for (size_t layer = 0; layer < 2; layer++) {
        char name[96];
        snprintf(name, sizeof name, "model.layers.%zu.block_sparse_moe.gate.weight", layer);
        write_tensor(model, name, 0.0f);
    }
    float *before = logits_of(model, &n);
    write_tensor(model, "model.layers.0.block_sparse_moe.experts.2.w1.weight", NAN);
    write_tensor(model, "model.layers.1.block_sparse_moe.experts.3.w2.weight", INFINITY);
    float *after = logits_of(model, &m);
    cr_assert_eq(n, m);
    cr_expect_arr_eq(after, before, n * sizeof *after);
    write_tensor(model, "model.layers.0.block_sparse_moe.experts.1.w1.weight", 0.01f);
    free(after);
    after = logits_of(model, &m);
    cr_expect(memcmp(after, before, n * sizeof *after) != 0);
    free(before);
    free(after);
    model_close(&model);
    arena_release(&arena);
}

// Matrices of other layers are rounded.
Test(experts, products_in_low_precision_leave_the_router_as_it_is)
{
    static const ComputeMode modes[] = {COMPUTE_BF16, COMPUTE_I8};
    static const char *const names[] = {"model.layers.0.block_sparse_moe.gate.weight",
                                        "model.layers.0.block_sparse_moe.experts.1.w1.weight"};
    Arena arena = {0};
    Error err = {0};
    const char *folder = folder_make();
    Model *model = small_experts(mixtral, &arena);
    want_ok(model_save(model, folder, &err), &err);
    for (size_t k = 0; k < 2; k++) {
        Model *low = NULL;
        size_t n = 0;
        const ModelOptions options = {
            .without_tokenizer = 1, .keep_stored = 1, .compute = modes[k]};
        const Status opened = model_open(folder, &options, &low, &err);
        if (opened == STATUS_DEVICE) cr_skip_test("%s", err.text);
        want_ok(opened, &err);
        for (size_t i = 0; i < 2; i++) {
            float *x = read_tensor(model, names[i], &n), *y = read_tensor(low, names[i], &n);
            cr_expect_eq(memcmp(x, y, n * sizeof *x) == 0, i == 0, "mode %zu: %s", k, names[i]);
            free(x);
            free(y);
        }
        free(logits_of(low, &n));
        model_close(&low);
    }
    model_close(&model);
    arena_release(&arena);
    folder_remove(folder);
}

Test(experts, what_a_token_meets_is_counted)
{
    Arena arena = {0};
    Model *model = small_experts(mixtral, &arena);
    const ModelSize size = model_size(model);
    const uint64_t h = HIDDEN, expert = 3 * h * INNER, idle = N_EXPERTS - N_ACTIVE;
    cr_expect_eq(size.n_active, size.n_parameters - 2 * idle * expert);
    const uint64_t attention = h * (h + h) + h * h, router = N_EXPERTS * h, output = 50 * h;
    cr_expect_eq(size.flops_per_token, 2 * (2 * (attention + router + N_ACTIVE * expert) + output));
    model_close(&model);
    arena_release(&arena);
}

// ---- tuning ----

Test(experts, threads_and_checkpointing_do_not_change_what_is_learned)
{
    Arena arena = {0};
    Model *models[3];
    for (size_t i = 0; i < 3; i++) models[i] = small_experts(mixtral, &arena);
    SmallData data = small_data(models[0], 11, 2);
    TrainOptions options = busy_options();
    (void)train(models[0], 1, &data, &options);
    (void)train(models[1], 3, &data, &options);
    options.gradient_checkpointing = true;
    (void)train(models[2], 2, &data, &options);
    check_equal_weights("threads", models[0], models[1]);
    check_equal_weights("checkpointing", models[0], models[2]);
    for (size_t i = 0; i < 3; i++) model_close(&models[i]);
    small_data_release(&data);
    arena_release(&arena);
}

Test(experts, adapters_go_on_experts_by_their_names)
{
    static const Slice targets[] = {SLICE_LIT("w2")};
    static const char *const names[] = {"model.layers.0.block_sparse_moe.experts.1.w2.weight",
                                        "model.layers.0.block_sparse_moe.experts.1.w1.weight",
                                        "model.layers.0.block_sparse_moe.gate.weight"};
    const LoraOptions lora = {.rank = 2, .targets = targets, .n_targets = 1};
    Arena arena = {0};
    size_t n = 0;
    Model *before = small_experts(mixtral, &arena), *after = small_experts(mixtral, &arena);
    SmallData data = small_data(before, 11, 2);
    TrainOptions options = busy_options();
    options.lora = &lora;
    (void)train(after, 2, &data, &options);
    for (size_t i = 0; i < 3; i++) {
        float *x = read_tensor(before, names[i], &n), *y = read_tensor(after, names[i], &n);
        cr_expect_eq(memcmp(x, y, n * sizeof *x) != 0, i == 0, "%s", names[i]);
        free(x);
        free(y);
    }
    model_close(&before);
    model_close(&after);
    small_data_release(&data);
    arena_release(&arena);
}

Test(experts, what_tuning_does_not_add_is_refused_by_name)
{
    static const char *const wanted[] = {"\"output_router_logits\": true",
                                         "\"router_jitter_noise\": 0.1"};
    for (size_t i = 0; i < 2; i++) {
        char json[600];
        Arena arena = {0};
        Error err = {0};
        Pool *pool = open_pool(1);
        TrainResult result;
        const TrainOptions options = busy_options();
        snprintf(json, sizeof json,
                 "{\"model_type\": \"mixtral\", \"architectures\": [\"MixtralForCausalLM\"], " SIZES
                 "%s}",
                 wanted[i]);
        Model *model = small_experts(json, &arena);
        SmallData data = small_data(model, 3, 2);
        cr_expect_eq(model_train(model, pool, data.examples, data.n, &options, &result, &err),
                     STATUS_INVALID);
        cr_expect(strstr(err.text, i == 0 ? "output_router_logits" : "router_jitter_noise"), "%s",
                  err.text);
        small_data_release(&data);
        model_close(&model);
        pool_close(&pool);
        arena_release(&arena);
    }
}

// ---- config.json ----

Test(experts, configs_that_cannot_be_are_refused)
{
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"{\"model_type\": \"mixtral\", " SIZES
         "\"num_local_experts\": 2, \"num_experts_per_tok\": 3}",
         "goes to 3 experts, but there are 2"},
        {"{\"model_type\": \"mixtral\", " SIZES "\"num_local_experts\": -1}", "num_local_experts"},
        {"{\"model_type\": \"olmoe\", " SIZES "\"clip_qkv\": -8.0}", "clip_qkv"},
        {"{\"model_type\": \"qwen3_moe\", " SIZES "\"decoder_sparse_step\": 0}",
         "decoder_sparse_step"},
        {"{\"model_type\": \"qwen2_moe\", " SIZES "\"mlp_only_layers\": [\"a\"]}",
         "mlp_only_layers"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        ModelConfig c;
        cr_assert_eq(parse_config(&arena, cases[i].json, &c, &err), STATUS_INVALID, "%zu", i);
        cr_expect(strstr(err.text, cases[i].says), "%zu: %s", i, err.text);
        arena_release(&arena);
    }
}
