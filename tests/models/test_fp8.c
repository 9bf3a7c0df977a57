// Matrices in 8-bit floats with a scale for each rectangle, as DeepSeek's and Qwen's FP8 files have them.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "tests/models/model_support.h"
#include "tests/models/saved.h"
#include "tests/support/folder.h"

enum { BLOCK_ROWS = 20, BLOCK_COLS = 12, N_IDS = 7, MOST = 40 };

#define SIZES                                                                                     \
    "{\"model_type\": \"qwen3\", \"architectures\": [\"Qwen3ForCausalLM\"], \"vocab_size\": 29, " \
    "\"hidden_size\": 32, \"num_attention_heads\": 2, \"num_key_value_heads\": 1, "               \
    "\"head_dim\": 16, \"intermediate_size\": 24, \"num_hidden_layers\": 2, "                     \
    "\"max_position_embeddings\": 64, \"tie_word_embeddings\": true"
#define QUANTISED(more) SIZES ", \"quantization_config\": {\"quant_method\": \"fp8\"" more "}}"
#define BLOCKS          ", \"weight_block_size\": [20, 12]"

// What PyTorch makes of each byte; NaN where it has none.
static void known_bytes(float out[256])
{
    Error err = {0};
    JsonDocument *document = NULL;
    want_ok(json_load(ASSAY_SOURCE_DIR "/tests/models/decoders.json", JSON_STRICT, &document, &err),
            &err);
    const Json *list = json_get(json_root(document), "e4m3");
    cr_assert_eq(json_len(list), 256);
    for (size_t i = 0; i < 256; i++) {
        const Json *value = json_at(list, i);
        out[i] = json_kind(value) == JSON_NULL ? NAN : (float)json_double(value);
    }
    json_close(&document);
}

// A file's matrices become bytes and scales; the model's, what they stand for.
typedef struct Made {
    SafeItem items[2 * MOST];
    char names[2 * MOST][96];
    size_t n;
    Arena arena; // of the numbers
} Made;

static void *room(Made *made, size_t n, size_t size)
{
    void *memory = arena_alloc(&made->arena, n + 1, size);
    cr_assert_not_null(memory);
    return memory;
}

static void add(Made *made, Slice name, const char *suffix, TensorType type, size_t rows,
                size_t cols, size_t n_dims, const void *data)
{
    cr_assert_lt(made->n, (size_t)2 * MOST);
    snprintf(made->names[made->n], sizeof made->names[0], SLICE_FMT "%s", SLICE_ARG(name), suffix);
    made->items[made->n] = (SafeItem){.name = slice_from_cstr(made->names[made->n]),
                                      .type = type,
                                      .n_dims = n_dims,
                                      .shape = {n_dims == 1 ? cols : rows, n_dims == 1 ? 0 : cols},
                                      .data = data};
    made->n++;
}

static void add_scaled(Made *made, Model *model, Slice name, size_t rows, size_t cols,
                       const float known[256])
{
    Error err = {0};
    const size_t down = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS,
                 across = (cols + BLOCK_COLS - 1) / BLOCK_COLS;
    unsigned char *codes = room(made, rows * cols, 1);
    float *shares = room(made, rows * cols, sizeof *shares),
          *scales = room(made, down * across, sizeof *scales);
    drawn_shares(name, "codes", rows * cols, shares);
    drawn_shares(name, "scales", down * across, scales);
    for (size_t i = 0; i < down * across; i++) scales[i] = 0.002f * (1 + scales[i]);
    for (size_t i = 0; i < rows * cols; i++) {
        const unsigned code = (unsigned)(shares[i] * 256);
        codes[i] = (unsigned char)(isnan(known[code]) ? code - 1 : code);
        shares[i] =
            known[codes[i]] * scales[i / cols / BLOCK_ROWS * across + i % cols / BLOCK_COLS];
    }
    want_ok(model_tensor_write(model, name, shares, &err), &err);
    add(made, name, "", TENSOR_F8_E4M3, rows, cols, 2, codes);
    add(made, name, "_scale_inv", TENSOR_F32, down, across, 2, scales);
}

// A model, and FOLDER with a file of the same weights.
static Model *make_fp8(const char *folder)
{
    Arena arena = {0};
    Error err = {0};
    ModelConfig config;
    Model *model = NULL;
    static Made made;
    float known[256];
    const ModelOptions options = {.seed = 1, .without_tokenizer = 1};
    made = (Made){0};
    known_bytes(known);
    want_ok(parse_config(&arena, SIZES "}", &config, &err), &err);
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    for (size_t i = 0; i < model_n_tensors(model); i++) {
        const Slice name = model_tensor_name(model, i);
        size_t rows = 0, cols = 0;
        want_ok(model_tensor_shape(model, name, &rows, &cols, &err), &err);
        if (slice_ends_with(name, SLICE("_proj.weight"))) {
            add_scaled(&made, model, name, rows, cols, known);
            continue;
        }
        float *values = room(&made, rows * cols, sizeof *values);
        want_ok(model_tensor_read(model, name, values, &err), &err);
        add(&made, name, "", TENSOR_F32, rows, cols, rows == 1 ? 1 : 2, values);
    }
    for (size_t i = 0; i < made.n; i++) made.items[i].name = slice_from_cstr(made.names[i]);
    want_ok(safetensors_write(folder_path(folder, "model.safetensors"), made.items, made.n, NULL, 0,
                              NULL, NULL, &err),
            &err);
    folder_write(folder, "config.json", QUANTISED(BLOCKS ", \"activation_scheme\": \"dynamic\""));
    arena_release(&made.arena);
    arena_release(&arena);
    return model;
}

static void logits_for(Model *model, float *out)
{
    Error err = {0};
    int32_t ids[N_IDS] = {5, 9, 3, 17, 28, 2, 8};
    const TokenSequence input = {.ids = ids, .n_tokens = N_IDS};
    Pool *pool = open_pool(2);
    want_ok(model_predict(model, pool, &input, 1, NULL, out, &err), &err);
    pool_close(&pool);
}

Test(fp8, files_give_the_numbers_that_they_stand_for)
{
    float wanted[N_IDS * 29], found[N_IDS * 29];
    char folder[256];
    snprintf(folder, sizeof folder, "%s", folder_make());
    Model *model = make_fp8(folder);
    logits_for(model, wanted);
    model_close(&model);
    char gguf[300];
    snprintf(gguf, sizeof gguf, "%s", folder_path(folder, "f32.gguf"));
    must_quantize(folder, TENSOR_F32, gguf);
    const struct {
        const char *path;
        Keeping keeping;
    } ways[] = {{folder, AS_NUMBERS}, {folder, AS_STORED}, {folder, AS_MAPPED}, {gguf, AS_NUMBERS}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        Slice names;
        Model *opened = open_kept(ways[i].path, ways[i].keeping);
        cr_expect_eq(model_unused_tensors(opened, &names), 0, SLICE_FMT, SLICE_ARG(names));
        logits_for(opened, found);
        cr_expect_arr_eq(found, wanted, sizeof wanted, "way %zu", i);
        model_close(&opened);
    }
    folder_remove(folder);
}

Test(fp8, other_forms_are_refused)
{
    static const struct {
        const char *config, *says;
    } cases[] = {
        {QUANTISED(BLOCKS ", \"activation_scheme\": \"static\""), "only \"dynamic\" is supported"},
        {QUANTISED(BLOCKS ", \"fmt\": \"e5m2\""), "only \"e4m3\" is supported"},
        {QUANTISED(""), "weight_block_size"},
        {QUANTISED(", \"weight_block_size\": [16]"), "two numbers are wanted"},
        {QUANTISED(", \"weight_block_size\": [20, 16]"), "but by"},
        {SIZES ", \"quantization_config\": {\"quant_method\": \"gptq\"}}", "\"gptq\""},
        {SIZES "}", "F8_E4M3"},
    };
    const ModelOptions options = {.without_tokenizer = 1};
    char folder[256];
    snprintf(folder, sizeof folder, "%s", folder_make());
    Model *model = make_fp8(folder);
    model_close(&model);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error err = {0};
        folder_write(folder, "config.json", cases[i].config);
        cr_expect_neq(model_open(folder, &options, &model, &err), STATUS_OK, "%zu", i);
        cr_expect(strstr(err.text, cases[i].says), "%zu: %s", i, err.text);
        model_close(&model);
    }
    folder_remove(folder);
}
