#include "models/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_source.h"
#include "base/name_list.h"
#include "models/architecture.h"
#include "models/checkpoint_fp8.h"
#include "models/config_read.h"

enum { CONFIG_MAX_LABELS = 1 << 20 };

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
        out->class_is_assumed = true;
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

// Weights in a quantised form of another library are no numbers of this model; but for those of gpt-oss and 8-bit floats, which are
// told apart where the file is opened (checkpoint_experts.c, checkpoint_fp8.c).
static Status refuse_quantised(const Json *root, const Architecture *architecture, Error *err)
{
    const Json *quantised = NULL;
    Slice method = SLICE("unknown");
    bool is_fp8 = false;
    TRY(json_opt_kind(root, "quantization_config", JSON_OBJECT, &quantised, err));
    if (!quantised || json_len(quantised) == 0) return STATUS_OK;
    TRY(json_opt_string(quantised, "quant_method", &method, err));
    TRY(checkpoint_is_fp8(root, &is_fp8, err));
    if (is_fp8) return STATUS_OK;
    if (architecture->takes_mxfp4 && slice_eq_cstr(method, "mxfp4")) return STATUS_OK;
    return json_error(
        quantised, err,
        "the weights are quantised (\"" SLICE_FMT
        "\"), which is not supported; supported are F32, F16 and BF16, \"fp8\" in blocks, and GGUF files "
        "with Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K to Q6_K, IQ4_NL, IQ4_XS, MXFP4: take the model before "
        "quantisation (assay quantize makes GGUF files of it)",
        SLICE_ARG(slice_sub(method, 0, 40)));
}

Status model_config_parse(Arena *arena, const Json *root, ModelConfig *out, Error *err)
{
    *out = (ModelConfig){0};
    if (json_kind(root) != JSON_OBJECT)
        return json_error(root, err, "a model's config must be an object");
    TRY(read_architecture(root, out, err));
    TRY(refuse_quantised(root, out->architecture, err));
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

size_t model_config_window(const ModelConfig *config, size_t layer)
{
    const AttentionConfig *a = &config->attention;
    return !a->is_local || a->is_local[layer] ? a->window : 0;
}

bool model_config_has_windows(const ModelConfig *config)
{
    for (size_t i = 0; i < config->n_layers; i++) {
        if (model_config_window(config, i) > 0) return true;
    }
    return false;
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
