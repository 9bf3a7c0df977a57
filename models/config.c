#include "models/config.h"

#include <string.h>

#include "base/json_source.h"
#include "base/name_list.h"
#include "models/architecture.h"
#include "models/config_read.h"

enum { CONFIG_MAX_SIZE = 1 << 24, CONFIG_MAX_LABELS = 1 << 20 };

const char *model_head_name(ModelHead head)
{
    switch (head) {
    case HEAD_EMBEDDING:
        return "embedding";
    case HEAD_SEQUENCE:
        return "sequence";
    case HEAD_TOKEN:
        return "token";
    case HEAD_SPAN:
        return "span";
    case HEAD_MASKED_LM:
        return "masked-lm";
    case HEAD_SEQ2SEQ:
        return "seq2seq";
    case HEAD_CAUSAL_LM:
        return "causal-lm";
    case HEAD_COUNT:
        break;
    }
    return "none";
}

Status config_read_size(const Json *root, const char *key, size_t *out, Error *err)
{
    int64_t value = 0;
    TRY(json_want_i64(root, key, 1, CONFIG_MAX_SIZE, &value, err));
    *out = (size_t)value;
    return STATUS_OK;
}

Status config_read_size_or(const Json *root, const char *key, size_t missing, size_t *out,
                           Error *err)
{
    const Json *value = json_get(root, key);
    *out = missing;
    return value && json_kind(value) != JSON_NULL ? config_read_size(root, key, out, err)
                                                  : STATUS_OK;
}

Status config_split_heads(const Json *root, const char *hidden_key, ModelConfig *config, Error *err)
{
    if (config->hidden_size % config->n_heads != 0) {
        return json_error(root, err, "%s %zu is no multiple of %zu heads", hidden_key,
                          config->hidden_size, config->n_heads);
    }
    config->n_kv_heads = config->n_heads;
    config->head_dim = config->hidden_size / config->n_heads;
    return STATUS_OK;
}

Status config_read_float(const Json *root, const char *key, double lowest, double highest,
                         double missing, float *out, Error *err)
{
    double value = missing;
    TRY(json_opt_double(root, key, lowest, highest, &value, err));
    *out = (float)value;
    return STATUS_OK;
}

// The first name of an activation is the one written.
static const struct {
    const char *name;
    Activation activation;
} activations[] = {
    {"gelu", ACTIVATION_GELU},
    {"gelu_new", ACTIVATION_GELU_TANH},
    {"gelu_pytorch_tanh", ACTIVATION_GELU_TANH},
    {"gelu_fast", ACTIVATION_GELU_TANH},
    {"gelu_accurate", ACTIVATION_GELU_TANH},
    {"gelu_python", ACTIVATION_GELU},
    {"gelu_python_tanh", ACTIVATION_GELU_TANH},
    {"relu", ACTIVATION_RELU},
    {"silu", ACTIVATION_SILU},
    {"swish", ACTIVATION_SILU},
    {"tanh", ACTIVATION_TANH},
};

bool config_activation_of(Slice name, Activation *out)
{
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++) {
        if (!slice_eq_cstr(name, activations[i].name)) continue;
        *out = activations[i].activation;
        return true;
    }
    return false;
}

Status config_read_own_output(const Json *root, ModelConfig *config, Error *err)
{
    bool is_tied = true;
    TRY(json_opt_bool(root, "tie_word_embeddings", &is_tied, err));
    config->has_own_output =
        !is_tied && (config->head == HEAD_MASKED_LM || config->head == HEAD_SEQ2SEQ);
    return STATUS_OK;
}

Status config_read_activation(const Json *root, const char *key, Activation *out, Error *err)
{
    Slice name = SLICE("gelu");
    TRY(json_opt_string(root, key, &name, err));
    if (config_activation_of(name, out)) return STATUS_OK;
    return json_error(
        json_get(root, key), err,
        "unknown activation \"" SLICE_FMT
        "\"; known are gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, relu, silu, swish, tanh",
        SLICE_ARG(name));
}

const char *config_activation_name(Activation activation)
{
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++) {
        if (activations[i].activation == activation) return activations[i].name;
    }
    return "linear";
}

// ---- reading ----

static Status unknown_architecture(const Json *place, Slice name, Error *err)
{
    NameList known = {0};
    for (size_t i = 0; i < architectures_count; i++)
        name_list_add_cstr(&known, architectures_all[i]->model_type);
    return json_error(place, err, "unknown architecture \"" SLICE_FMT "\"; known are: %s",
                      SLICE_ARG(name), known.text);
}

// Of a known family, what is known of it.
static Status unknown_class(const Json *place, const Architecture *architecture, Slice name,
                            Error *err)
{
    NameList known = {0};
    for (const ArchitectureClass *c = architecture->classes; c->name; c++)
        name_list_add_cstr(&known, c->name);
    return json_error(place, err, "class \"" SLICE_FMT "\" is not supported; of %s known are: %s",
                      SLICE_ARG(name), architecture->model_type, known.text);
}

static const Architecture *architecture_of_class(Slice class_name, ModelHead *head)
{
    for (size_t i = 0; i < architectures_count; i++) {
        for (const ArchitectureClass *c = architectures_all[i]->classes; c->name; c++) {
            if (!slice_eq_cstr(class_name, c->name)) continue;
            *head = c->head;
            return architectures_all[i];
        }
    }
    return NULL;
}

// model_type names the family, architectures[0] the class with its head. Either may be missing, not both.
static Status read_architecture(const Json *root, ModelConfig *out, Error *err)
{
    const Json *classes = NULL;
    TRY(json_opt_string(root, "model_type", &out->model_type, err));
    TRY(json_opt_kind(root, "architectures", JSON_ARRAY, &classes, err));
    if (classes && json_len(classes) > 0)
        TRY(json_as_string(json_at(classes, 0), &out->class_name, err));
    if (!out->model_type.ptr && !out->class_name.ptr) {
        return json_error(root, err,
                          "neither \"model_type\" nor \"architectures\" says what model this is");
    }
    if (out->model_type.ptr) {
        out->architecture = architecture_find(out->model_type);
        if (!out->architecture)
            return unknown_architecture(json_get(root, "model_type"), out->model_type, err);
    }
    if (!out->class_name.ptr) {
        // The bare encoder, or what an architecture without one is for.
        const ArchitectureClass *usual = architecture_class(out->architecture, HEAD_EMBEDDING);
        if (!usual || out->architecture->classes->head == HEAD_SEQ2SEQ)
            usual = out->architecture->classes;
        out->class_name = slice_from_cstr(usual->name);
        out->head = usual->head;
        return STATUS_OK;
    }
    const Architecture *of_class = architecture_of_class(out->class_name, &out->head);
    if (!of_class || (out->architecture && out->architecture != of_class)) {
        return out->architecture
                   ? unknown_class(json_at(classes, 0), out->architecture, out->class_name, err)
                   : unknown_architecture(json_at(classes, 0), out->class_name, err);
    }
    out->architecture = of_class;
    out->model_type = slice_from_cstr(of_class->model_type);
    return STATUS_OK;
}

static Status default_labels(Arena *arena, size_t n, Slice **out, Error *err)
{
    Slice *labels = NULL;
    TRY(arena_take(arena, n, sizeof *labels, "labels", &labels, err));
    for (size_t i = 0; i < n; i++) {
        labels[i] = slice_from_cstr(arena_printf(arena, "LABEL_%zu", i));
        if (!labels[i].ptr) return error_set_memory(err, n, sizeof *labels, "labels");
    }
    *out = labels;
    return STATUS_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return slice_cmp(*(const Slice *)a, *(const Slice *)b);
}

// Two classes of one name could not be told apart, neither by a person nor in label2id.
static Status check_distinct(const ModelConfig *config, const Json *map, Error *err)
{
    Arena arena = {0};
    Slice *sorted = NULL;
    Status s = arena_take(&arena, config->n_labels, sizeof *sorted, "labels", &sorted, err);
    if (s == STATUS_OK) {
        memcpy(sorted, config->labels, config->n_labels * sizeof *sorted);
        qsort(sorted, config->n_labels, sizeof *sorted, by_bytes);
    }
    for (size_t i = 1; s == STATUS_OK && i < config->n_labels; i++) {
        if (slice_eq(sorted[i - 1], sorted[i])) {
            s = json_error(map, err, "label \"" SLICE_FMT "\" occurs twice", SLICE_ARG(sorted[i]));
        }
    }
    arena_release(&arena);
    return s;
}

// id2label: {"0": name, ...}, each class once.
static Status read_labels(Arena *arena, const Json *root, ModelConfig *out, Error *err)
{
    const Json *map = NULL;
    int64_t n = out->architecture->n_labels > 0 ? (int64_t)out->architecture->n_labels : 2;
    TRY(json_opt_kind(root, "id2label", JSON_OBJECT, &map, err));
    TRY(json_opt_i64(root, "num_labels", 1, CONFIG_MAX_LABELS, &n, err));
    if (!map || json_len(map) == 0) {
        out->n_labels = (size_t)n;
        return default_labels(arena, out->n_labels, (Slice **)&out->labels, err);
    }
    Slice *labels = NULL;
    out->n_labels = json_len(map);
    TRY(arena_take(arena, out->n_labels, sizeof *labels, "labels", &labels, err));
    for (const Json *member = json_first(map); member; member = json_next(member)) {
        uint64_t id = 0;
        Slice name;
        if (!slice_to_u64(json_key(member), &id) || id >= out->n_labels || labels[id].ptr) {
            return json_error(member, err,
                              "the keys of id2label must be \"0\" to \"%zu\", each once",
                              out->n_labels - 1);
        }
        TRY(json_as_string(member, &name, err));
        labels[id] = arena_copy(arena, name);
        if (!labels[id].ptr) return error_set_memory(err, name.len, 1, "a label");
    }
    out->labels = labels;
    return check_distinct(out, map, err);
}

static Status keep_text(Arena *arena, Slice *text, Error *err)
{
    if (!text->ptr) return STATUS_OK;
    const Slice copy = arena_copy(arena, *text);
    if (!copy.ptr) return error_set_memory(err, text->len, 1, "a text of config.json");
    *text = copy;
    return STATUS_OK;
}

static const Slice discriminator_labels[] = {SLICE_LIT("replaced")};

static Status read_head(Arena *arena, const Json *root, ModelConfig *out, Error *err)
{
    switch (out->head) {
    case HEAD_SEQUENCE:
    case HEAD_TOKEN:
        if (!out->is_discriminator) return read_labels(arena, root, out, err);
        out->n_labels = 1;
        out->labels = discriminator_labels;
        return STATUS_OK;
    case HEAD_SPAN:
        out->n_labels = 2;
        return STATUS_OK;
    case HEAD_MASKED_LM:
    case HEAD_SEQ2SEQ:
    case HEAD_CAUSAL_LM:
        out->n_labels = model_config_target_vocab(out);
        return STATUS_OK;
    case HEAD_EMBEDDING:
    case HEAD_COUNT:
        break;
    }
    return STATUS_OK;
}

size_t model_config_target_vocab(const ModelConfig *config)
{
    return config->decoder.vocab_size > 0 ? config->decoder.vocab_size : config->vocab_size;
}

Status config_read_ends(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    const int64_t highest = (int64_t)model_config_target_vocab(config) - 1;
    const Json *bos = json_get(root, "bos_token_id"), *eos = json_get(root, "eos_token_id");
    int64_t id = -1;
    if (bos && json_kind(bos) == JSON_NUMBER) {
        TRY(json_as_i64(bos, -1, INT32_MAX, &id, err));
        if (id <= highest) config->bos_id = (int32_t)id;
    }
    if (!eos || json_kind(eos) == JSON_NULL) return STATUS_OK;
    const size_t n = json_kind(eos) == JSON_ARRAY ? json_len(eos) : 1;
    int32_t *ids = NULL;
    config->n_eos = 0;
    TRY(arena_take(arena, n, sizeof *ids, "ids that end texts", &ids, err));
    for (size_t i = 0; i < n; i++) {
        TRY(json_as_i64(json_kind(eos) == JSON_ARRAY ? json_at(eos, i) : eos, -1, INT32_MAX, &id,
                        err));
        // Small models keep the ids of large ones now and then: what the vocabulary lacks cannot come.
        if (id >= 0 && id <= highest) ids[config->n_eos++] = (int32_t)id;
    }
    config->eos_ids = ids;
    return STATUS_OK;
}

// How the numbers of a classification head are meant. A name that is none of Transformers' would be taken for the usual one.
static Status read_problem_type(const Json *root, ModelConfig *out, Error *err)
{
    static const char *const known[] = {"single_label_classification", "multi_label_classification",
                                        "regression"};
    TRY(json_opt_string(root, "problem_type", &out->problem_type, err));
    if (out->problem_type.len == 0) return STATUS_OK;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (slice_eq_cstr(out->problem_type, known[i])) return STATUS_OK;
    }
    return json_error(json_get(root, "problem_type"), err,
                      "found \"" SLICE_FMT "\"; there are \"%s\", \"%s\", \"%s\"",
                      SLICE_ARG(slice_sub(out->problem_type, 0, 80)), known[0], known[1], known[2]);
}

// Weights in a quantised form of another library are no numbers of this model.
static Status refuse_quantised(const Json *root, Error *err)
{
    const Json *quantised = NULL;
    Slice method = SLICE("unknown");
    TRY(json_opt_kind(root, "quantization_config", JSON_OBJECT, &quantised, err));
    if (!quantised || json_len(quantised) == 0) return STATUS_OK;
    TRY(json_opt_string(quantised, "quant_method", &method, err));
    return json_error(
        quantised, err,
        "the weights are quantised (\"" SLICE_FMT
        "\"), which is not supported; supported are F32, F16 and BF16, and GGUF files "
        "with Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K: take the model before "
        "quantisation (assay quantize makes GGUF files of it)",
        SLICE_ARG(slice_sub(method, 0, 40)));
}

Status model_config_parse(Arena *arena, const Json *root, ModelConfig *out, Error *err)
{
    *out = (ModelConfig){0};
    if (json_kind(root) != JSON_OBJECT)
        return json_error(root, err, "a model's config must be an object");
    TRY(read_architecture(root, out, err));
    TRY(refuse_quantised(root, err));
    out->pad_id = out->bos_id = -1;
    TRY(out->architecture->read_config(arena, root, out, err));
    int64_t pad = out->pad_id; // an architecture may have one of its own
    if (out->head_dim == 0 && out->hidden_size % out->n_heads != 0) {
        return json_error(root, err, "hidden size %zu is no multiple of %zu attention heads",
                          out->hidden_size, out->n_heads);
    }
    const Json *pad_value = json_get(root, "pad_token_id");
    if (pad_value && json_kind(pad_value) != JSON_NULL) { // -1 stands in some for none
        TRY(json_as_i64(pad_value, -1, (int64_t)out->vocab_size - 1, &pad, err));
    }
    out->pad_id = (int32_t)pad;
    TRY(config_read_ends(arena, root, out, err));
    TRY(read_problem_type(root, out, err));
    TRY(read_head(arena, root, out, err));
    TRY(keep_text(arena, &out->problem_type, err));
    TRY(keep_text(arena, &out->class_name, err));
    return keep_text(arena, &out->model_type, err);
}

Status model_config_load(Arena *arena, const char *path, ModelConfig *out, Error *err)
{
    JsonDocument *document = NULL;
    TRY(json_load(path, JSON_STRICT, &document, err));
    const Status s = model_config_parse(arena, json_root(document), out, err);
    json_close(&document);
    return s;
}

Slice model_problem_name(ProblemType problem)
{
    switch (problem) {
    case PROBLEM_LABELS:
        return SLICE("multi_label_classification");
    case PROBLEM_VALUES:
        return SLICE("regression");
    case PROBLEM_CLASSES:
        break;
    }
    return (Slice){0};
}

ProblemType model_config_problem(const ModelConfig *config)
{
    if (config->head != HEAD_SEQUENCE) return PROBLEM_CLASSES;
    if (slice_eq_cstr(config->problem_type, "multi_label_classification")) return PROBLEM_LABELS;
    return slice_eq_cstr(config->problem_type, "regression") || config->n_labels == 1
               ? PROBLEM_VALUES
               : PROBLEM_CLASSES;
}

bool model_config_rereads_source(const ModelConfig *config)
{
    return config->decoder.n_layers > 0 &&
           (config->head == HEAD_SEQUENCE || config->head == HEAD_SPAN);
}

// ---- writing ----

static bool has_labels(const ModelConfig *config)
{
    return config->head == HEAD_SEQUENCE || config->head == HEAD_TOKEN;
}

static void put_labels(JsonWriter *w, const ModelConfig *config)
{
    json_member_object(w, "id2label");
    for (size_t i = 0; i < config->n_labels; i++) {
        char id[24];
        snprintf(id, sizeof id, "%zu", i);
        json_member_string(w, id, config->labels[i]);
    }
    json_end_object(w);
    json_member_object(w, "label2id");
    for (size_t i = 0; i < config->n_labels; i++) {
        json_put_key_slice(w, config->labels[i]);
        json_put_u64(w, i);
    }
    json_end_object(w);
}

// Members of the original that this function states itself, or that are no longer true of weights saved as f32.
static bool is_restated(Slice key)
{
    static const char *const names[] = {"architectures", "model_type",  "id2label",
                                        "label2id",      "num_labels",  "problem_type",
                                        "dtype",         "torch_dtype", "quantization_config"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (slice_eq_cstr(key, names[i])) return true;
    }
    return false;
}

static void put_ends(JsonWriter *w, const ModelConfig *config)
{
    if (config->bos_id >= 0) json_member_u64(w, "bos_token_id", (size_t)config->bos_id);
    if (config->n_eos == 0) return;
    json_member_array(w, "eos_token_id");
    for (size_t i = 0; i < config->n_eos; i++) json_put_i64(w, config->eos_ids[i]);
    json_end_array(w);
}

// A head that reads the last token before the padding wants to be told of it.
static bool adds_padding(const ModelConfig *config, const Json *original)
{
    const Json *pad = json_get(original, "pad_token_id");
    return config->head == HEAD_SEQUENCE && config->pad_id >= 0 &&
           config->architecture->classified == CLASSIFIED_LAST &&
           (!pad || json_kind(pad) == JSON_NULL);
}

static void put_original(JsonWriter *w, const ModelConfig *config, const Json *original)
{
    const bool adds = adds_padding(config, original);
    for (const Json *v = json_first(original); v; v = json_next(v)) {
        const Slice key = json_key(v);
        if (is_restated(key) || (adds && slice_eq_cstr(key, "pad_token_id"))) continue;
        json_put_key_slice(w, key);
        json_put_value(w, v);
    }
    if (adds) json_member_u64(w, "pad_token_id", (size_t)config->pad_id);
}

Status model_config_write(const ModelConfig *config, const Json *original, Buffer *out, Error *err)
{
    JsonWriter w = json_writer(out, 2);
    json_begin_object(&w);
    json_member_array(&w, "architectures");
    // The class that has this head and nothing more: BertForPreTraining, say, has tensors that are not kept.
    const ArchitectureClass *saved = architecture_class(config->architecture, config->head);
    json_put_string(&w, saved && !config->is_discriminator ? slice_from_cstr(saved->name)
                                                           : config->class_name);
    json_end_array(&w);
    json_member_string(&w, "model_type", config->model_type);
    if (has_labels(config) && !config->is_discriminator) put_labels(&w, config);
    if (config->head == HEAD_SEQUENCE) {
        json_member_string(&w, "problem_type",
                           config->problem_type.len > 0 ? config->problem_type
                           : config->n_labels == 1      ? SLICE("regression")
                                                        : SLICE("single_label_classification"));
    }
    json_member_cstr(&w, "torch_dtype", "float32");
    if (original) {
        put_original(&w, config, original);
    } else {
        config->architecture->write_config(config, &w);
        if (config->pad_id >= 0) json_member_u64(&w, "pad_token_id", (size_t)config->pad_id);
        if (config->head == HEAD_CAUSAL_LM || config->head == HEAD_SEQ2SEQ) put_ends(&w, config);
    }
    json_end_object(&w);
    buffer_append_byte(out, '\n');
    return buffer_status(out, err);
}
