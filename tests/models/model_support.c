#include "model_support.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <string.h>

#include "base/file.h"
#include "base/philox.h"
#include "models/architecture.h"

void want_ok(Status status, const Error *err)
{
    cr_assert(status == STATUS_OK, "%s: %s", status_name(status), err->text);
}

const SafeTensor *want_tensor(const Safetensors *file, const char *format, ...)
{
    char name[256];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    const SafeTensor *tensor = safetensors_find(file, slice_from_cstr(name));
    cr_assert(tensor != NULL, "the golden file has no tensor %s", name);
    return tensor;
}

float *tensor_floats(const SafeTensor *tensor)
{
    Error err = {0};
    float *out = calloc(tensor->n_elements + 1, sizeof *out);
    cr_assert(out != NULL);
    want_ok(safetensor_read_f32(tensor, out, &err), &err);
    return out;
}

int32_t *tensor_ints(const SafeTensor *tensor)
{
    Error err = {0};
    int32_t *out = calloc(tensor->n_elements + 1, sizeof *out);
    cr_assert(out != NULL);
    want_ok(safetensor_read_i32(tensor, out, &err), &err);
    return out;
}

static uint32_t name_hash(Slice name)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.len; i++) hash = (hash ^ (unsigned char)name.ptr[i]) * 16777619u;
    return hash;
}

void made_numbers(Slice name, size_t n, bool is_vector, float *out)
{
    const bool is_norm = is_vector && slice_ends_with(name, SLICE("weight"));
    const double scale = is_vector && !slice_eq_cstr(name, "final_logits_bias") ? 0.2 : 0.4;
    for (size_t i = 0; i < n; i++) {
        uint32_t x = (uint32_t)i * 2654435761u + name_hash(name);
        x ^= x >> 15;
        x *= 2246822519u;
        x ^= x >> 13;
        out[i] = (float)((x / 2147483648.0 - 1) * scale + (is_norm ? 1 : 0));
    }
}

void drawn_shares(Slice name, const char *suffix, size_t n, float *out)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.ptr[i]) * 0x100000001b3u;
    for (; *suffix; suffix++) hash = (hash ^ (unsigned char)*suffix) * 0x100000001b3u;
    for (size_t i = 0; i < n; i++) {
        uint64_t z = hash + i + 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        out[i] = (float)(z >> 40) / 16777216.0f;
    }
}

static void golden_targets(const Safetensors *file, const char *name, GoldenBatch *batch)
{
    char full[64];
    snprintf(full, sizeof full, "%s.decoder_input_ids", name);
    const SafeTensor *ids = safetensors_find(file, slice_from_cstr(full));
    if (!ids) return;
    int32_t *mask = tensor_ints(want_tensor(file, "%s.decoder_attention_mask", name));
    batch->target_width = ids->shape[1];
    batch->target_ids = tensor_ints(ids);
    for (size_t i = 0; i < batch->n; i++) {
        TokenSequence *input = &batch->inputs[i];
        const size_t begin = i * batch->target_width;
        input->target_ids = batch->target_ids + begin;
        while (input->n_targets < batch->target_width && mask[begin + input->n_targets])
            input->n_targets++;
    }
    free(mask);
}

GoldenBatch golden_batch(const Safetensors *file, const char *name)
{
    char types[64];
    GoldenBatch batch = {0};
    const SafeTensor *ids = want_tensor(file, "%s.input_ids", name);
    snprintf(types, sizeof types, "%s.token_type_ids", name);
    const SafeTensor *type_ids = safetensors_find(file, slice_from_cstr(types));
    batch.n = ids->shape[0];
    batch.width = ids->shape[1];
    batch.ids = tensor_ints(ids);
    batch.mask = tensor_ints(want_tensor(file, "%s.attention_mask", name));
    batch.types = type_ids ? tensor_ints(type_ids) : NULL;
    batch.inputs = calloc(batch.n, sizeof *batch.inputs);
    batch.begins = calloc(batch.n, sizeof *batch.begins);
    for (size_t i = 0; i < batch.n; i++) {
        size_t begin = 0, len = 0;
        while (begin < batch.width && !batch.mask[i * batch.width + begin]) begin++;
        while (begin + len < batch.width && batch.mask[i * batch.width + begin + len]) len++;
        batch.begins[i] = begin;
        batch.inputs[i] =
            (TokenSequence){.ids = batch.ids + i * batch.width + begin,
                            .type_ids = batch.types ? batch.types + i * batch.width + begin : NULL,
                            .n_tokens = len,
                            .key = i};
    }
    golden_targets(file, name, &batch);
    return batch;
}

void golden_batch_release(GoldenBatch *batch)
{
    free(batch->inputs);
    free(batch->begins);
    free(batch->ids);
    free(batch->types);
    free(batch->mask);
    free(batch->target_ids);
}

// Llama's kind, with as much as goes at once: shared keys, norms of heads, a window on one of two layers, soft caps.
static void make_decoder(ModelConfig *config)
{
    static const bool is_local[] = {true, false};
    config->architecture = architecture_find(SLICE("qwen3"));
    config->labels = NULL;
    config->n_labels = config->vocab_size;
    config->n_kv_heads = 2;
    config->head_dim = 16;
    config->rotary.dims = 16;
    config->rotary.rope = (RopeConfig){.theta = 10000};
    config->attention.window = 6;
    config->attention.is_local = is_local;
    config->attention.has_qkv_bias = config->attention.has_output_bias = true;
    config->attention.has_head_norms = true;
    config->output.is_tied = true;
    config->bos_id = -1;
    config->activation = ACTIVATION_SILU;
}

ModelConfig small_config(ModelHead head, size_t n_labels)
{
    static const Slice labels[] = {SLICE_LIT("negative"), SLICE_LIT("neutral"),
                                   SLICE_LIT("positive"), SLICE_LIT("other")};
    ModelConfig config = {
        .architecture = architecture_find(SLICE("bert")),
        .head = head,
        .vocab_size = 50,
        .hidden_size = 32,
        .n_layers = 2,
        .n_heads = 4,
        .intermediate_size = 64,
        .max_positions = 24,
        .type_vocab_size = 2,
        .pad_id = 0,
        .layer_norm_eps = 1e-12f,
        .activation = ACTIVATION_GELU,
        .dropout = {.hidden = 0.1f, .attention = 0.1f, .classifier = -1},
        .initializer_range = 0.2f,
        .labels = labels,
        .n_labels = n_labels,
    };
    if (head == HEAD_SPAN || head == HEAD_MASKED_LM || head == HEAD_EMBEDDING) config.labels = NULL;
    if (head == HEAD_SPAN) config.n_labels = 2;
    if (head == HEAD_MASKED_LM) config.n_labels = config.vocab_size;
    if (head == HEAD_CAUSAL_LM) make_decoder(&config);
    return config;
}

Model *small_decoder(size_t vocab_size, size_t max_positions)
{
    const RopeConfig rope = {.theta = 10000};
    return small_decoder_with(&rope, vocab_size, max_positions);
}

Model *small_decoder_with(const RopeConfig *rope, size_t vocab_size, size_t max_positions)
{
    Error err = {0};
    Model *model = NULL;
    static const int32_t eos[] = {3};
    const ModelConfig config = {.architecture = architecture_find(SLICE("llama")),
                                .head = HEAD_CAUSAL_LM,
                                .vocab_size = vocab_size,
                                .n_labels = vocab_size,
                                .hidden_size = 32,
                                .n_layers = 2,
                                .n_heads = 4,
                                .n_kv_heads = 2,
                                .head_dim = 8,
                                .rotary = {.dims = 8, .rope = *rope},
                                .intermediate_size = 48,
                                .max_positions = max_positions,
                                .pad_id = -1,
                                .bos_id = -1,
                                .eos_ids = eos,
                                .n_eos = 1,
                                .layer_norm_eps = 1e-5f,
                                .activation = ACTIVATION_SILU,
                                .initializer_range = 0.3f,
                                .output = {.is_tied = true}};
    const ModelOptions options = {.seed = 5, .without_tokenizer = 1};
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    return model;
}

Model *small_model(ModelHead head, size_t n_labels, uint64_t seed)
{
    Error err = {0};
    Model *model = NULL;
    const ModelConfig config = small_config(head, n_labels);
    const ModelOptions options = {.seed = seed, .without_tokenizer = 1};
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    return model;
}

static size_t labels_of(const ModelConfig *config, size_t n_tokens)
{
    if (config->head == HEAD_SEQUENCE) return 1;
    return config->head == HEAD_SPAN ? 2 : n_tokens;
}

// Each example has room for ids, types and labels.
enum { LONGEST = 20, WIDTH = 3 * LONGEST };

SmallData small_data(const Model *model, size_t n, uint64_t seed)
{
    const ModelConfig *config = model_config(model);
    Philox rng = philox_stream(seed, 77);
    SmallData data = {.n = n};
    data.examples = calloc(n, sizeof *data.examples);
    data.inputs = calloc(n, sizeof *data.inputs);
    data.numbers = calloc(n * WIDTH, sizeof *data.numbers);
    cr_assert(data.examples && data.inputs && data.numbers);
    for (size_t i = 0; i < n; i++) {
        int32_t *ids = data.numbers + i * WIDTH, *types = ids + LONGEST, *labels = types + LONGEST;
        const size_t len = 3 + philox_below(&rng, LONGEST - 2);
        for (size_t t = 0; t < len; t++) {
            ids[t] = (int32_t)(1 + philox_below(&rng, config->vocab_size - 1)); // no padding
            types[t] = t * 2 > len;
        }
        const bool is_span = config->head == HEAD_SPAN;
        for (size_t k = 0; k < labels_of(config, len); k++) {
            labels[k] = (int32_t)philox_below(&rng, is_span ? len : config->n_labels);
            if (config->head == HEAD_TOKEN && k % 3 == 0) labels[k] = -100;
        }
        data.inputs[i] =
            (TokenSequence){.ids = ids, .type_ids = types, .n_tokens = len, .key = 1000 + i};
        data.examples[i] = (TrainExample){.input = data.inputs[i], .labels = labels};
    }
    return data;
}

int32_t *small_label(SmallData *data, size_t i)
{
    return data->numbers + i * WIDTH + 2 * (size_t)LONGEST;
}

void small_data_release(SmallData *data)
{
    free(data->examples);
    free(data->inputs);
    free(data->numbers);
}

float *all_weights(const Model *model, size_t *n)
{
    Error err = {0};
    size_t at = 0, rows = 0, cols = 0;
    *n = 0; // parameters, and what is never trained
    for (size_t i = 0; i < model_n_tensors(model); i++, *n += rows * cols)
        want_ok(model_tensor_shape(model, model_tensor_name(model, i), &rows, &cols, &err), &err);
    cr_assert_geq(*n, (size_t)model_size(model).n_parameters);
    float *out = calloc(*n + 1, sizeof *out);
    for (size_t i = 0; i < model_n_tensors(model); i++, at += rows * cols) {
        want_ok(model_tensor_shape(model, model_tensor_name(model, i), &rows, &cols, &err), &err);
        want_ok(model_tensor_read(model, model_tensor_name(model, i), out + at, &err), &err);
    }
    return out;
}

const char *minilm_directory(void)
{
    const char *directory = getenv("ASSAY_MINILM");
    return directory && file_is_directory(directory) ? directory : NULL;
}

// ---- tuning ----

Pool *open_pool(size_t n_threads)
{
    Error err = {0};
    Pool *pool = NULL;
    want_ok(pool_open(n_threads, &pool, &err), &err);
    return pool;
}

TrainOptions busy_options(void)
{
    return (TrainOptions){.learning_rate = 1e-3,
                          .weight_decay = 0.01,
                          .schedule = SCHEDULE_COSINE,
                          .warmup_ratio = 0.1,
                          .clip_norm = 1.0,
                          .batch_size = 5,
                          .epochs = 2,
                          .dropout = -1,
                          .seed = 11};
}

TrainResult train(Model *model, size_t n_threads, const SmallData *data,
                  const TrainOptions *options)
{
    Error err = {0};
    TrainResult result = {0};
    Pool *pool = open_pool(n_threads);
    want_ok(model_train(model, pool, data->examples, data->n, options, &result, &err), &err);
    pool_close(&pool);
    return result;
}

void check_equal_weights(const char *what, const Model *a, const Model *b)
{
    size_t n = 0;
    float *x = all_weights(a, &n), *y = all_weights(b, &n);
    for (size_t i = 0; i < n; i++) {
        cr_assert(memcmp(&x[i], &y[i], sizeof *x) == 0, "%s: weight %zu is %.9g and %.9g", what, i,
                  (double)x[i], (double)y[i]);
    }
    free(x);
    free(y);
}

Status parse_config(Arena *arena, const char *text, ModelConfig *out, Error *err)
{
    JsonDocument *document = NULL;
    TRY(json_parse(SLICE("config.json"), slice_from_cstr(text), JSON_STRICT, &document, err));
    const Status s = model_config_parse(arena, json_root(document), out, err);
    json_close(&document);
    return s;
}
