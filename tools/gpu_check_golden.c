#include "tools/gpu_check_golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_reader.h"
#include "models/architectures/bert.h"

// BERT without config.json: the registry's row reads JSON documents.
static const Architecture bert = {
    .model_type = "bert",
    .summary = "BERT as gpu-check makes it",
    .base_prefix = "bert.",
    .record = bert_record,
};

enum { GOLDEN_FILE_MAX = 1 << 20 };

// ---- config.json ----

typedef struct SizeKey {
    const char *key;
    size_t offset; // of a size_t in ModelConfig
} SizeKey;

static const SizeKey size_keys[] = {
    {"vocab_size", offsetof(ModelConfig, vocab_size)},
    {"hidden_size", offsetof(ModelConfig, hidden_size)},
    {"num_hidden_layers", offsetof(ModelConfig, n_layers)},
    {"num_attention_heads", offsetof(ModelConfig, n_heads)},
    {"intermediate_size", offsetof(ModelConfig, intermediate_size)},
    {"max_position_embeddings", offsetof(ModelConfig, max_positions)},
    {"type_vocab_size", offsetof(ModelConfig, type_vocab_size)},
};

static Status read_size(JsonReader *r, size_t *out, Error *err)
{
    enum { LARGEST = 1 << 24 };
    int64_t value = 0;
    TRY(json_read_i64(r, &value, err));
    if (value < 1 || value > LARGEST)
        return json_reader_error(r, err, "sizes are from 1 to %d", LARGEST);
    *out = (size_t)value;
    return STATUS_OK;
}

static Status read_head(JsonReader *r, ModelHead *out, Error *err)
{
    static const struct {
        const char *class_name;
        ModelHead head;
    } heads[] = {{"BertForSequenceClassification", HEAD_SEQUENCE},
                 {"BertForTokenClassification", HEAD_TOKEN},
                 {"BertForQuestionAnswering", HEAD_SPAN},
                 {"BertForMaskedLM", HEAD_MASKED_LM}};
    bool more = false;
    Slice name = {0};
    *out = HEAD_COUNT;
    TRY(json_read_array(r, err));
    for (;;) {
        TRY(json_read_element(r, &more, err));
        if (!more) break;
        TRY(json_read_string(r, &name, err));
        for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
            if (slice_eq_cstr(name, heads[i].class_name)) *out = heads[i].head;
        }
    }
    if (*out == HEAD_COUNT)
        return json_reader_error(r, err, "gpu-check knows no class \"" SLICE_FMT "\"",
                                 SLICE_ARG(name));
    return STATUS_OK;
}

static Status read_activation(JsonReader *r, Activation *out, Error *err)
{
    static const struct {
        const char *name;
        Activation activation;
    } known[] = {{"gelu", ACTIVATION_GELU},
                 {"gelu_new", ACTIVATION_GELU_TANH},
                 {"gelu_pytorch_tanh", ACTIVATION_GELU_TANH},
                 {"relu", ACTIVATION_RELU}};
    Slice name;
    TRY(json_read_string(r, &name, err));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        *out = known[i].activation;
        if (slice_eq_cstr(name, known[i].name)) return STATUS_OK;
    }
    return json_reader_error(r, err, "gpu-check knows no activation \"" SLICE_FMT "\"",
                             SLICE_ARG(name));
}

static Status read_config_member(JsonReader *r, Slice key, ModelConfig *out, Error *err)
{
    for (size_t i = 0; i < sizeof size_keys / sizeof *size_keys; i++) {
        if (slice_eq_cstr(key, size_keys[i].key))
            return read_size(r, (size_t *)(void *)((char *)out + size_keys[i].offset), err);
    }
    if (slice_eq_cstr(key, "architectures")) return read_head(r, &out->head, err);
    if (slice_eq_cstr(key, "hidden_act")) return read_activation(r, &out->activation, err);
    if (!slice_eq_cstr(key, "layer_norm_eps")) return json_skip(r, err);
    double epsilon = 0;
    TRY(json_read_double(r, &epsilon, err));
    out->layer_norm_eps = (float)epsilon;
    return STATUS_OK;
}

ModelConfig golden_bert_config(ModelHead head)
{
    return (ModelConfig){.architecture = &bert,
                         .model_type = slice_from_cstr(bert.model_type),
                         .head = head,
                         .pad_id = -1,
                         .layer_norm_eps = 1e-12f,
                         .activation = ACTIVATION_GELU,
                         .dropout = {.classifier = -1},
                         .initializer_range = 0.02f};
}

// Outputs of the head, by the shape of its weight.
static Status find_labels(Golden *golden, Error *err)
{
    static const char *const weights[HEAD_COUNT] = {
        [HEAD_SEQUENCE] = "classifier.weight", [HEAD_TOKEN] = "classifier.weight"};
    ModelConfig *config = &golden->config;
    config->n_labels = config->head == HEAD_SPAN ? 2 : config->vocab_size;
    if (!weights[config->head]) return STATUS_OK;
    const SafeTensor *weight =
        safetensors_find(&golden->weights, slice_from_cstr(weights[config->head]));
    if (!weight || weight->n_dims != 2 || weight->shape[0] == 0) {
        return error_set(err, STATUS_INVALID, "model.safetensors has no matrix %s",
                         weights[config->head]);
    }
    config->n_labels = weight->shape[0];
    return STATUS_OK;
}

static Status read_config(Golden *golden, const char *path, Error *err)
{
    Slice text, key;
    bool more = false;
    golden->config = golden_bert_config(HEAD_COUNT);
    TRY(file_read(&golden->arena, path, GOLDEN_FILE_MAX, &text, err));
    JsonReader r = json_reader(slice_from_cstr(path), text, &golden->arena);
    TRY(json_read_object(&r, err));
    for (;;) {
        TRY(json_read_key(&r, &key, &more, err));
        if (!more) break;
        TRY(read_config_member(&r, key, &golden->config, err));
    }
    TRY(json_read_end(&r, err));
    for (size_t i = 0; i < sizeof size_keys / sizeof *size_keys; i++) {
        if (*(size_t *)(void *)((char *)&golden->config + size_keys[i].offset) == 0)
            return error_set(err, STATUS_INVALID, "%s: %s is missing", path, size_keys[i].key);
    }
    if (golden->config.head == HEAD_COUNT)
        return error_set(err, STATUS_INVALID, "%s: architectures is missing", path);
    return find_labels(golden, err);
}

// ---- forward.json ----

static Status read_noise_entry(Golden *golden, JsonReader *r, Slice output, Error *err)
{
    GoldenNoise noise = {.output = output};
    Slice key;
    bool more = false;
    TRY(json_read_object(r, err));
    for (;;) {
        TRY(json_read_key(r, &key, &more, err));
        if (!more) break;
        if (slice_eq_cstr(key, "fp64_maxdiff"))
            TRY(json_read_double(r, &noise.largest, err));
        else
            TRY(json_skip(r, err));
    }
    if (golden->n_noise == GOLDEN_MAX_NOISE)
        return json_reader_error(r, err, "more than %d outputs", GOLDEN_MAX_NOISE);
    golden->noise[golden->n_noise++] = noise;
    return STATUS_OK;
}

static Status read_noise_object(Golden *golden, JsonReader *r, Error *err)
{
    Slice output;
    bool more = false;
    TRY(json_read_object(r, err));
    for (;;) {
        TRY(json_read_key(r, &output, &more, err));
        if (!more) return STATUS_OK;
        TRY(read_noise_entry(golden, r, output, err));
    }
}

static Status read_noise(Golden *golden, const char *path, Error *err)
{
    Slice text, key;
    bool more = false;
    TRY(file_read(&golden->arena, path, (size_t)16 * GOLDEN_FILE_MAX, &text, err));
    JsonReader r = json_reader(slice_from_cstr(path), text, &golden->arena);
    TRY(json_read_object(&r, err));
    for (;;) {
        TRY(json_read_key(&r, &key, &more, err));
        if (!more) return json_read_end(&r, err);
        if (slice_eq_cstr(key, "noise"))
            TRY(read_noise_object(golden, &r, err));
        else
            TRY(json_skip(&r, err));
    }
}

// ---- opening ----

static Status path_of(Golden *golden, const char *folder, const char *kind, const char *name,
                      const char *file, const char **out, Error *err)
{
    *out = arena_printf(&golden->arena, "%s/%s/%s/%s", folder, kind, name, file);
    return *out ? STATUS_OK : error_set_memory(err, 1, strlen(folder), "a path");
}

Status golden_open(const char *folder, const char *name, Golden *out, Error *err)
{
    const char *config, *weights, *noise, *forward;
    *out = (Golden){0};
    TRY(path_of(out, folder, "models", name, "config.json", &config, err));
    TRY(path_of(out, folder, "models", name, "model.safetensors", &weights, err));
    TRY(path_of(out, folder, "goldens/models", name, "forward.json", &noise, err));
    TRY(path_of(out, folder, "goldens/models", name, "forward.safetensors", &forward, err));
    TRY(safetensors_open(weights, &out->weights, err));
    TRY(safetensors_open(forward, &out->forward, err));
    TRY(read_noise(out, noise, err));
    return read_config(out, config, err);
}

void golden_close(Golden *golden)
{
    safetensors_close(&golden->weights);
    safetensors_close(&golden->forward);
    arena_release(&golden->arena);
}

static Status copy_tensor(const Golden *golden, Model *model, Slice name, Error *err)
{
    size_t rows = 0, cols = 0;
    const SafeTensor *tensor = safetensors_find(&golden->weights, name);
    if (!tensor)
        return error_set(err, STATUS_INVALID, "model.safetensors has no tensor " SLICE_FMT,
                         SLICE_ARG(name));
    TRY(model_tensor_shape(model, name, &rows, &cols, err));
    const size_t shape[] = {rows, cols};
    const size_t n_dims = tensor->n_dims == 1 ? 1 : 2; // a vector has one row in the model
    TRY(safetensor_want_shape(tensor, n_dims, shape + (2 - n_dims), err));
    float *values = malloc(rows * cols * sizeof *values); // the tensor has as many elements
    if (!values) return error_set_memory(err, rows * cols, sizeof *values, "a tensor");
    Status s = safetensor_read_f32(tensor, values, err);
    if (s == STATUS_OK) s = model_tensor_write(model, name, values, err);
    free(values);
    return s;
}

Status golden_model(const Golden *golden, const ModelOptions *options, Model **out, Error *err)
{
    Model *model = NULL;
    TRY(model_create_bare(&golden->config, options, &model, err));
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < model_n_tensors(model); i++)
        s = copy_tensor(golden, model, model_tensor_name(model, i), err);
    if (s == STATUS_OK)
        *out = model;
    else
        model_close(&model);
    return s;
}

// ---- batches ----

static const SafeTensor *find_part(const Golden *golden, const char *batch, const char *part)
{
    char name[64];
    const int len = snprintf(name, sizeof name, "%s.%s", batch, part);
    if (len < 0 || (size_t)len >= sizeof name) return NULL;
    return safetensors_find(&golden->forward, slice_from_cstr(name));
}

// [n, width] integers, into the golden's arena.
static Status read_ints(Golden *golden, const GoldenBatch *batch, const char *part,
                        const int32_t **out, Error *err)
{
    const size_t shape[] = {batch->n, batch->width};
    const SafeTensor *tensor = find_part(golden, batch->name, part);
    int32_t *values = NULL;
    if (!tensor)
        return error_set(err, STATUS_INVALID, "forward.safetensors has no tensor %s.%s",
                         batch->name, part);
    TRY(safetensor_want_shape(tensor, 2, shape, err));
    TRY(arena_take(&golden->arena, tensor->n_elements, sizeof *values, "a batch", &values, err));
    *out = values;
    return safetensor_read_i32(tensor, values, err);
}

Status golden_batch(Golden *golden, const char *name, GoldenBatch *out, Error *err)
{
    const int32_t *ids = NULL, *mask = NULL, *types = NULL;
    const SafeTensor *input_ids = find_part(golden, name, "input_ids");
    if (!input_ids || input_ids->n_dims != 2)
        return error_set(err, STATUS_INVALID, "forward.safetensors has no matrix %s.input_ids",
                         name);
    *out = (GoldenBatch){.name = name, .n = input_ids->shape[0], .width = input_ids->shape[1]};
    TRY(read_ints(golden, out, "input_ids", &ids, err));
    TRY(read_ints(golden, out, "attention_mask", &mask, err));
    if (find_part(golden, name, "token_type_ids"))
        TRY(read_ints(golden, out, "token_type_ids", &types, err));
    TRY(arena_take(&golden->arena, out->n, sizeof *out->inputs, "a batch", &out->inputs, err));
    for (size_t i = 0; i < out->n; i++) {
        const size_t begin = i * out->width;
        size_t n_tokens = 0; // padding is on the right
        while (n_tokens < out->width && mask[begin + n_tokens] != 0) n_tokens++;
        out->inputs[i] = (TokenSequence){.ids = ids + begin,
                                         .type_ids = types ? types + begin : NULL,
                                         .n_tokens = n_tokens,
                                         .key = i};
    }
    return STATUS_OK;
}

// ---- comparing ----

void golden_differ(double answer, double reference, double allowed, GoldenDifference *worst)
{
    const double difference = fabs(answer - reference);
    const double share = isnan(difference) ? INFINITY : difference / allowed;
    if (worst->n++ > 0 && share <= worst->share) return;
    worst->share = share;
    worst->largest = difference;
    worst->allowed = allowed;
}

static double allowed_for(const Golden *golden, const char *batch, const char *part,
                          ComputeMode compute)
{
    char name[64];
    const double coarser = compute == COMPUTE_TF32 ? 0x1p13 : 1.0;
    (void)snprintf(name, sizeof name, "%s.%s", batch, part);
    for (size_t i = 0; i < golden->n_noise; i++) {
        if (!slice_eq_cstr(golden->noise[i].output, name)) continue;
        const double allowed = coarser * (20.0 * golden->noise[i].largest + 1e-6);
        return compute == COMPUTE_TF32 ? allowed : fmin(1e-4, allowed);
    }
    return coarser * 1e-6;
}

// Columns [column, column + cols) of the answers against one tensor, [n, cols] or [n, width, cols] with padding.
static Status compare_part(Golden *golden, const GoldenBatch *batch, const char *part,
                           const float *answers, size_t column, size_t cols, ComputeMode compute,
                           GoldenDifference *worst, Error *err)
{
    const bool by_sequence = golden->config.head == HEAD_SEQUENCE;
    const size_t stride = golden->config.n_labels, padded = by_sequence ? 1 : batch->width;
    const SafeTensor *tensor = find_part(golden, batch->name, part);
    float *theirs = NULL;
    if (!tensor || tensor->n_elements != batch->n * padded * cols) {
        return error_set(err, STATUS_INVALID,
                         "forward.safetensors: %s.%s is missing or of another size than the batch",
                         batch->name, part);
    }
    const double allowed = allowed_for(golden, batch->name, part, compute);
    TRY(arena_take(&golden->arena, tensor->n_elements, sizeof *theirs, part, &theirs, err));
    TRY(safetensor_read_f32(tensor, theirs, err));
    for (size_t i = 0; i < batch->n; i++) {
        const size_t n_rows = by_sequence ? 1 : batch->inputs[i].n_tokens;
        for (size_t t = 0; t < n_rows; t++, answers += stride) {
            for (size_t j = 0; j < cols; j++) {
                golden_differ((double)answers[column + j],
                              (double)theirs[(i * padded + t) * cols + j], allowed, worst);
            }
        }
    }
    return STATUS_OK;
}

Status golden_compare(Golden *golden, const GoldenBatch *batch, const float *answers,
                      ComputeMode compute, GoldenDifference *worst, Error *err)
{
    if (golden->config.head != HEAD_SPAN)
        return compare_part(golden, batch, "logits", answers, 0, golden->config.n_labels, compute,
                            worst, err);
    TRY(compare_part(golden, batch, "start_logits", answers, 0, 1, compute, worst, err));
    return compare_part(golden, batch, "end_logits", answers, 1, 1, compute, worst, err);
}
