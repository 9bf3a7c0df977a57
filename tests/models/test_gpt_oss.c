// gpt-oss's files: experts in MXFP4, in two tensors of bytes, against Transformers (decoders.json, which tools/peers/decoders.py
// writes) and in every way in which weights are kept. Its computation is held to Transformers in test_decoder_kinds.c.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_source.h"
#include "kernels/quant.h"
#include "models/checkpoint.h"
#include "models/config.h"
#include "tests/models/model_support.h"
#include "tests/models/saved.h"
#include "tests/support/folder.h"

enum { N_EXPERTS = 4, HIDDEN = 64, INNER = 32, MOST = 64, BLOCK = 32, CODES = 16 };

// decoders.json, and its checkpoint in MXFP4.
typedef struct Golden {
    JsonDocument *document;
    const Json *root, *mxfp4;
} Golden;

static Golden open_golden(void)
{
    Error err = {0};
    Golden g = {0};
    want_ok(
        json_load(ASSAY_SOURCE_DIR "/tests/models/decoders.json", JSON_STRICT, &g.document, &err),
        &err);
    g.root = json_root(g.document);
    g.mxfp4 = json_get(g.root, "mxfp4");
    return g;
}

// ---- a checkpoint ----

// Tensors to be written; names and numbers are ours.
typedef struct Items {
    SafeItem list[MOST];
    char names[MOST][96];
    size_t n;
} Items;

static void *take(size_t n, size_t size)
{
    void *memory = calloc(n + 1, size);
    cr_assert_not_null(memory);
    return memory;
}

static SafeItem *add(Items *items, const char *name, TensorType type, size_t n_dims,
                     const size_t *shape)
{
    cr_assert_lt(items->n, MOST);
    SafeItem *item = &items->list[items->n];
    snprintf(items->names[items->n], sizeof items->names[0], "%s", name);
    *item =
        (SafeItem){.name = slice_from_cstr(items->names[items->n]), .type = type, .n_dims = n_dims};
    memcpy(item->shape, shape, n_dims * sizeof *shape);
    items->n++;
    return item;
}

static void add_numbers(Items *items, Slice name, size_t n_dims, const size_t *shape)
{
    char text[96];
    const size_t n = shape[0] * (n_dims > 1 ? shape[1] : 1);
    float *values = take(n, sizeof *values);
    const float centre = n_dims == 1 && slice_ends_with(name, SLICE(".weight")) ? 1.0f : 0.0f;
    drawn_shares(name, "", n, values);
    for (size_t i = 0; i < n; i++) values[i] = centre + 0.3f * (2.0f * values[i] - 1.0f);
    snprintf(text, sizeof text, SLICE_FMT, SLICE_ARG(name));
    add(items, text, TENSOR_F32, n_dims, shape)->data = values;
}

// Bytes from `first` on, of `range` kinds.
static void add_bytes(Items *items, const char *name, size_t n_dims, const size_t *shape,
                      unsigned first, float range)
{
    size_t n = 1;
    for (size_t i = 0; i < n_dims; i++) n *= shape[i];
    float *shares = take(n, sizeof *shares);
    uint8_t *bytes = take(n, 1);
    drawn_shares(slice_from_cstr(name), "", n, shares);
    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)(first + (unsigned)(shares[i] * range));
    free(shares);
    add(items, name, TENSOR_U8, n_dims, shape)->data = bytes;
}

// Biases of a layer's experts in one tensor, from the numbers that each has by its own name.
static void add_biases(Items *items, size_t layer, const char *stacked, const char *const *parts,
                       size_t n_parts, size_t n)
{
    char name[96];
    const size_t shape[] = {N_EXPERTS, n_parts * n};
    float *all = take(N_EXPERTS * n_parts * n, sizeof *all), *one = take(n, sizeof *one);
    for (size_t i = 0; i < N_EXPERTS * n_parts; i++) {
        snprintf(name, sizeof name, "model.layers.%zu.mlp.experts.%zu.%s.bias", layer, i / n_parts,
                 parts[i % n_parts]);
        drawn_shares(slice_from_cstr(name), "", n, one);
        for (size_t k = 0; k < n; k++)
            all[(i / n_parts * n + k) * n_parts + i % n_parts] = 0.3f * (2.0f * one[k] - 1.0f);
    }
    free(one);
    snprintf(name, sizeof name, "model.layers.%zu.mlp.experts.%s", layer, stacked);
    add(items, name, TENSOR_F32, 2, shape)->data = all;
}

static void add_experts(Items *items, size_t layer)
{
    static const char *const gate_up[] = {"gate_proj", "up_proj"}, *const down[] = {"down_proj"};
    static const struct {
        const char *name;
        size_t rows, cols;
    } layers[] = {{"gate_up_proj", 2 * (size_t)INNER, HIDDEN}, {"down_proj", HIDDEN, INNER}};
    for (size_t i = 0; i < 2; i++) {
        char name[96];
        const size_t shape[] = {N_EXPERTS, layers[i].rows, layers[i].cols / BLOCK, CODES};
        snprintf(name, sizeof name, "model.layers.%zu.mlp.experts.%s_blocks", layer,
                 layers[i].name);
        add_bytes(items, name, 4, shape, 0, 256);
        snprintf(name, sizeof name, "model.layers.%zu.mlp.experts.%s_scales", layer,
                 layers[i].name);
        add_bytes(items, name, 3, shape, 121, 4);
    }
    add_biases(items, layer, "gate_up_proj_bias", gate_up, 2, INNER);
    add_biases(items, layer, "down_proj_bias", down, 1, HIDDEN);
}

// Everything but the experts by the names and shapes of the model that config.json speaks of.
static Items make_items(const Json *json)
{
    Arena arena = {0};
    Error err = {0};
    Items items = {0};
    ModelConfig config;
    Model *model = NULL;
    const ModelOptions options = {.seed = 1, .without_tokenizer = 1};
    want_ok(model_config_parse(&arena, json, &config, &err), &err);
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    for (size_t i = 0; i < model_n_tensors(model); i++) {
        const Slice name = model_tensor_name(model, i);
        size_t shape[2];
        if (slice_find(name, SLICE(".experts.")) != SIZE_MAX) continue;
        want_ok(model_tensor_shape(model, name, &shape[0], &shape[1], &err), &err);
        const bool is_vector = shape[0] == 1;
        add_numbers(&items, name, is_vector ? 1 : 2, is_vector ? &shape[1] : shape);
    }
    for (size_t layer = 0; layer < config.n_layers; layer++) add_experts(&items, layer);
    model_close(&model);
    arena_release(&arena);
    return items;
}

static void release(Items *items)
{
    for (size_t i = 0; i < items->n; i++) {
        void *data;
        memcpy(&data, &items->list[i].data, sizeof data); // ours
        free(data);
    }
}

// The names were made where the items were; they have been copied.
static void write_checkpoint(const char *folder, const Json *config, Items *items)
{
    Error err = {0};
    Buffer text = {0};
    for (size_t i = 0; i < items->n; i++) items->list[i].name = slice_from_cstr(items->names[i]);
    JsonWriter w = json_writer(&text, 0);
    json_put_value(&w, config);
    want_ok(buffer_status(&text, &err), &err);
    want_ok(file_write(folder_path(folder, "config.json"), buffer_slice(&text), &err), &err);
    want_ok(safetensors_write(folder_path(folder, "model.safetensors"), items->list, items->n, NULL,
                              0, NULL, NULL, &err),
            &err);
    buffer_release(&text);
}

static void last_logits(Model *model, const Json *texts, float *out)
{
    Error err = {0};
    int32_t ids[MOST];
    const Json *text = json_at(texts, json_len(texts) - 1);
    const TokenSequence input = {.ids = ids, .n_tokens = json_len(text)};
    Pool *pool = open_pool(2);
    const size_t width = model_output_width(model);
    float *logits = take(input.n_tokens * width, sizeof *logits);
    for (size_t i = 0; i < input.n_tokens; i++) ids[i] = (int32_t)json_double(json_at(text, i));
    want_ok(model_predict(model, pool, &input, 1, NULL, logits, &err), &err);
    memcpy(out, logits + (input.n_tokens - 1) * width, width * sizeof *out);
    free(logits);
    pool_close(&pool);
}

// ---- tests ----

Test(gpt_oss, experts_in_mxfp4_are_those_of_transformers)
{
    Golden g = open_golden();
    Items items = make_items(json_get(g.mxfp4, "config"));
    const char *folder = folder_make();
    const Json *theirs = json_get(g.mxfp4, "logits"), *texts = json_get(g.root, "texts");
    const size_t width = json_len(theirs);
    float first[MOST], logits[MOST];
    double largest = 1;
    write_checkpoint(folder, json_get(g.mxfp4, "config"), &items);
    for (size_t i = 0; i < width; i++)
        largest = fmax(largest, fabs(json_double(json_at(theirs, i))));
    for (int keeping = AS_NUMBERS; keeping <= AS_MAPPED; keeping++) {
        Slice names;
        Model *model = open_kept(folder, (Keeping)keeping);
        cr_assert_eq(model_output_width(model), width);
        cr_expect_eq(model_unused_tensors(model, &names), 0, SLICE_FMT, SLICE_ARG(names));
        last_logits(model, texts, keeping == AS_NUMBERS ? first : logits);
        cr_expect(keeping == AS_NUMBERS || memcmp(logits, first, width * sizeof *logits) == 0,
                  "way %d", keeping);
        model_close(&model);
    }
    for (size_t i = 0; i < width; i++) {
        const double wanted = json_double(json_at(theirs, i));
        cr_expect(fabs((double)first[i] - wanted) <= 1e-5 * largest, "%zu: %.7g, not %.7g", i,
                  (double)first[i], wanted);
    }
    release(&items);
    json_close(&g.document);
    folder_remove(folder);
}

// A file's blocks go into GGUF as they are, and out of it; what multiplies by bytes takes them, too.
Test(gpt_oss, blocks_are_kept_in_gguf)
{
    Golden g = open_golden();
    Items items = make_items(json_get(g.mxfp4, "config"));
    const char *folder = folder_make();
    const Json *texts = json_get(g.root, "texts");
    float numbers[MOST], logits[MOST];
    Checkpoint before, after;
    Error err = {0};
    write_checkpoint(folder, json_get(g.mxfp4, "config"), &items);
    const char *gguf = folder_path(folder, "mxfp4.gguf"), *full = folder_path(folder, "f32.gguf"),
               *other = folder_path(folder, "other.gguf");
    must_quantize(folder, TENSOR_MXFP4, gguf);
    must_quantize(folder, TENSOR_F32, full);
    want_ok(checkpoint_open(folder, &before, &err), &err);
    want_ok(checkpoint_open(gguf, &after, &err), &err);
    cr_assert_eq(before.tensors.n_tensors, after.tensors.n_tensors);
    for (size_t i = 0; i < before.tensors.n_tensors; i++) {
        const SafeTensor *x = &before.tensors.tensors[i];
        const SafeTensor *y = safetensors_find(&after.tensors, x->name);
        cr_assert_not_null(y, SLICE_FMT, SLICE_ARG(x->name));
        if (x->type != TENSOR_MXFP4) continue;
        cr_expect_eq(y->type, TENSOR_MXFP4);
        float *a = tensor_floats(x), *b = tensor_floats(y);
        cr_expect_arr_eq(a, b, x->n_elements * sizeof *a, SLICE_FMT, SLICE_ARG(x->name));
        free(a);
        free(b);
    }
    checkpoint_close(&before);
    checkpoint_close(&after);
    strip_gguf(full, other);
    Model *model = open_kept(folder, AS_NUMBERS);
    last_logits(model, texts, numbers);
    const size_t width = model_output_width(model);
    model_close(&model);
    model = open_kept(other, AS_MAPPED);
    last_logits(model, texts, logits);
    for (size_t i = 0; i < width; i++) cr_expect_float_eq(logits[i], numbers[i], 1e-4f, "%zu", i);
    model_close(&model);
    const ModelOptions bytes = {.without_tokenizer = 1, .keep_stored = 1, .compute = COMPUTE_I8};
    const Status opened = model_open(gguf, &bytes, &model, &err);
    if (opened == STATUS_OK) {
        last_logits(model, texts, logits);
        for (size_t i = 0; i < width; i++)
            cr_expect_float_eq(logits[i], numbers[i], 0.3f, "%zu: %g", i, (double)logits[i]);
        model_close(&model);
    } else {
        cr_expect_eq(opened, STATUS_DEVICE, "%s", err.text); // a CPU without such products
    }
    release(&items);
    json_close(&g.document);
    folder_remove(folder);
}

// The scales of one layer are gone, or are not those of its blocks.
Test(gpt_oss, halves_of_a_weight_that_do_not_fit_are_refused)
{
    for (int k = 0; k < 3; k++) {
        Error err = {0};
        Model *model = NULL;
        Golden g = open_golden();
        Items items = make_items(json_get(g.mxfp4, "config"));
        const ModelOptions options = {.without_tokenizer = 1};
        const char *folder = folder_make(),
                   *ending = k == 2 ? "down_proj_blocks" : "down_proj_scales";
        for (size_t i = 0; i < items.n; i++) {
            char *place = strstr(items.names[i], ending);
            if (!place) continue;
            if (k == 1) items.list[i].shape[2] = items.list[i].shape[1], items.list[i].shape[1] = 1;
            if (k != 1) memcpy(place, "somewhere_", 10);
        }
        write_checkpoint(folder, json_get(g.mxfp4, "config"), &items);
        cr_expect_eq(model_open(folder, &options, &model, &err), STATUS_INVALID, "%d", k);
        cr_expect(strstr(err.text, "for the same blocks beside it"), "%d: %s", k, err.text);
        release(&items);
        json_close(&g.document);
        folder_remove(folder);
    }
}

Test(gpt_oss, released_configs_are_read)
{
    static const char config[] =
        "{\"architectures\": [\"GptOssForCausalLM\"], \"attention_bias\": true, "
        "\"eos_token_id\": 200002, \"experts_per_token\": 4, \"head_dim\": 64, "
        "\"hidden_act\": \"silu\", \"hidden_size\": 2880, \"initial_context_length\": 4096, "
        "\"intermediate_size\": 2880, \"layer_types\": [\"sliding_attention\", "
        "\"full_attention\"], \"max_position_embeddings\": 131072, \"model_type\": \"gpt_oss\", "
        "\"num_attention_heads\": 64, \"num_experts_per_tok\": 4, \"num_hidden_layers\": 2, "
        "\"num_key_value_heads\": 8, \"num_local_experts\": 32, \"pad_token_id\": 199999, "
        "\"quantization_config\": {\"modules_to_not_convert\": [\"lm_head\"], "
        "\"quant_method\": \"mxfp4\"}, \"rms_norm_eps\": 1e-05, \"rope_scaling\": "
        "{\"beta_fast\": 32.0, \"beta_slow\": 1.0, \"factor\": 32.0, "
        "\"original_max_position_embeddings\": 4096, \"rope_type\": \"yarn\", "
        "\"truncate\": false}, \"rope_theta\": 150000, \"sliding_window\": 128, "
        "\"swiglu_limit\": 7.0, \"tie_word_embeddings\": false, \"vocab_size\": 201088}";
    Arena arena = {0};
    Error err = {0};
    ModelConfig c;
    want_ok(parse_config(&arena, config, &c, &err), &err);
    cr_expect(c.attention.has_sinks && c.attention.window == 128 && c.attention.is_local[0] &&
              !c.attention.is_local[1]);
    cr_expect(c.rotary.rope.kind == ROPE_YARN && c.rotary.rope.keeps_fractions &&
              c.rotary.rope.theta == 150000);
    cr_expect(c.experts.n_experts == 32 && c.experts.n_active == 4);
    cr_expect(c.experts.gate_limit == 7.0f && c.experts.gate_alpha == 1.702f);
    cr_expect(c.attention.has_qkv_bias && c.attention.has_output_bias && c.head_dim == 64 &&
              c.n_kv_heads == 8);
    arena_release(&arena);
}
