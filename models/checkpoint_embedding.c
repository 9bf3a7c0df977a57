// How an encoder makes one vector of a text, as sentence-transformers says it.
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "models/checkpoint.h"
#include "models/config_read.h"
#include "models/gguf/gguf_export.h"

typedef struct Reading {
    Arena *arena;
    Slice folder;     // of the model
    const char *pool; // file that says how vectors are pooled
    bool names_pool;  // it is modules.json that names it
    CheckpointEmbedding *out;
} Reading;

static Status path_of(const Reading *r, Slice folder, const char *file, const char **out,
                      Error *err)
{
    *out = arena_printf(r->arena, SLICE_FMT "/" SLICE_FMT "%s%s", SLICE_ARG(r->folder),
                        SLICE_ARG(folder), folder.len > 0 ? "/" : "", file);
    return *out ? STATUS_OK : error_set_memory(err, 1, r->folder.len, "a path");
}

// ---- a dense layer ----

static bool activation_of(Slice type, Activation *out)
{
    static const struct {
        Slice ending;
        Activation activation;
    } known[] = {{SLICE_LIT(".Identity"), ACTIVATION_NONE}, {SLICE_LIT(".Tanh"), ACTIVATION_TANH},
                 {SLICE_LIT(".ReLU"), ACTIVATION_RELU},     {SLICE_LIT(".GELU"), ACTIVATION_GELU},
                 {SLICE_LIT(".SiLU"), ACTIVATION_SILU},     {SLICE_LIT(".Mish"), ACTIVATION_MISH}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!slice_ends_with(type, known[i].ending)) continue;
        *out = known[i].activation;
        return true;
    }
    return false;
}

static Status read_layer(const Json *root, CheckpointEmbedding *out, EmbeddingLayer *layer,
                         Error *err)
{
    Slice activation = SLICE("torch.nn.modules.activation.Tanh"), of = SLICE("sentence_embedding");
    layer->has_bias = true;
    TRY(config_read_size(root, "in_features", &layer->n_in, err));
    TRY(config_read_size(root, "out_features", &layer->n_out, err));
    TRY(json_opt_bool(root, "bias", &layer->has_bias, err));
    TRY(json_opt_string(root, "activation_function", &activation, err));
    TRY(json_opt_string(root, "module_input_name", &of, err));
    if (!slice_eq_cstr(of, "sentence_embedding")) out->unsupported = "a dense layer of tokens";
    if (!activation_of(activation, &layer->activation))
        out->unsupported = "a dense layer whose activation is not known here";
    return STATUS_OK;
}

static Status add_layer(const Reading *r, Slice folder, Error *err)
{
    CheckpointEmbedding *out = r->out;
    JsonDocument *document = NULL;
    const char *path = NULL;
    const bool is_named = folder.len > 0 && folder.len < sizeof out->layers[0].name;
    if (!is_named) out->unsupported = "a dense layer that has no folder, or one of too long a name";
    if (out->n_layers == EMBEDDING_MAX_LAYERS) out->unsupported = "more than 4 dense layers";
    if (!is_named || out->n_layers == EMBEDDING_MAX_LAYERS) return STATUS_OK;
    EmbeddingLayer *layer = &out->layers[out->n_layers++];
    memcpy(layer->name, folder.ptr, folder.len);
    TRY(path_of(r, folder, "config.json", &path, err));
    TRY(json_load(path, JSON_STRICT, &document, err));
    const Status s = read_layer(json_root(document), out, layer, err);
    json_close(&document);
    return s;
}

// ---- modules.json: what follows the encoder ----

// Without a name it is the folder's usual one.
static Status take_pool(Reading *r, Slice folder, Error *err)
{
    CheckpointEmbedding *out = r->out;
    if (folder.len == 0) return STATUS_OK;
    if (folder.len >= sizeof out->pool_folder) {
        out->unsupported = "a pooling whose folder has too long a name";
        return STATUS_OK;
    }
    memset(out->pool_folder, 0, sizeof out->pool_folder);
    memcpy(out->pool_folder, folder.ptr, folder.len);
    r->names_pool = true;
    return path_of(r, folder, "config.json", &r->pool, err);
}

typedef enum ModuleKind {
    MODULE_OTHER,
    MODULE_PASSED,
    MODULE_POOL,
    MODULE_DENSE,
    MODULE_NORM
} ModuleKind;

static ModuleKind kind_of(Slice type)
{
    static const struct {
        Slice ending;
        ModuleKind kind;
    } known[] = {{SLICE_LIT("Transformer"), MODULE_PASSED},
                 {SLICE_LIT("Dropout"), MODULE_PASSED}, // does nothing but in training
                 {SLICE_LIT("WeightedLayerPooling"), MODULE_OTHER},
                 {SLICE_LIT("Pooling"), MODULE_POOL},
                 {SLICE_LIT("Dense"), MODULE_DENSE},
                 {SLICE_LIT("Normalize"), MODULE_NORM}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (slice_ends_with(type, known[i].ending)) return known[i].kind;
    }
    return MODULE_OTHER;
}

// A folder whose files are read; empty: there is none. A model's files lie within its own folder.
static Status read_folder(const Json *module, Slice *out, Error *err)
{
    TRY(json_opt_string(module, "path", out, err));
    if (slice_find_byte(*out, '/') == SIZE_MAX && slice_find_byte(*out, '\0') == SIZE_MAX &&
        !slice_eq_cstr(*out, ".."))
        return STATUS_OK;
    return json_error(json_get(module, "path"), err,
                      "a module's folder must be a plain name beside modules.json");
}

static Status read_module(Reading *r, const Json *module, bool *is_pooled, Error *err)
{
    CheckpointEmbedding *out = r->out;
    Slice type = {0}, folder = {0};
    TRY(json_opt_string(module, "type", &type, err));
    const ModuleKind kind = kind_of(type);
    const bool has_files = kind == MODULE_DENSE || kind == MODULE_POOL;
    if (has_files) TRY(read_folder(module, &folder, err));
    if (kind == MODULE_DENSE && !*is_pooled) out->unsupported = "a dense layer before pooling";
    if (has_files && out->is_normalized)
        out->unsupported = "a module behind the one that normalises";
    switch (kind) {
    case MODULE_PASSED:
        break;
    case MODULE_POOL:
        *is_pooled = true;
        return take_pool(r, folder, err);
    case MODULE_DENSE:
        return add_layer(r, folder, err);
    case MODULE_NORM:
        out->is_normalized = true;
        break;
    case MODULE_OTHER:
        out->unsupported = slice_ends_with(type, SLICE("WeightedLayerPooling"))
                               ? "a weighted sum of layers"
                               : "a module of sentence-transformers that is not known here";
        break;
    }
    return STATUS_OK;
}

static Status read_modules(Reading *r, const char *path, Error *err)
{
    JsonDocument *document = NULL;
    bool is_pooled = false;
    Status s = STATUS_OK;
    if (!file_exists(path)) return STATUS_OK;
    TRY(json_load(path, JSON_STRICT, &document, err));
    const Json *root = json_root(document);
    if (json_kind(root) != JSON_ARRAY) s = json_error(root, err, "must be a list of modules");
    for (const Json *m = json_first(root); s == STATUS_OK && m; m = json_next(m)) {
        s = json_kind(m) == JSON_OBJECT
                ? read_module(r, m, &is_pooled, err)
                : json_error(m, err, "must be a module, {\"type\": .., \"path\": ..}");
    }
    json_close(&document);
    return s;
}

// ---- pooling ----

// A flag a mode, or one name of all; vectors of several modes, end to end, do not exist here.
static Status read_modes(const Json *root, CheckpointEmbedding *out, Error *err)
{
    static const struct {
        const char *key, *name;
        EmbeddingPool pool;
        const char *unsupported;
    } modes[] = {
        {"pooling_mode_mean_tokens", "mean", POOL_MEAN, NULL},
        {"pooling_mode_cls_token", "cls", POOL_FIRST, NULL},
        {"pooling_mode_lasttoken", "lasttoken", POOL_LAST, NULL},
        {"pooling_mode_max_tokens", "max", POOL_MEAN, "max pooling"},
        {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", POOL_MEAN,
         "a sum over the root of the length"},
        {"pooling_mode_weightedmean_tokens", "weightedmean", POOL_MEAN, "a weighted mean"},
    };
    Slice name = {0};
    size_t n = 0;
    TRY(json_opt_string(root, "pooling_mode", &name, err));
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        bool is_on = false;
        TRY(json_opt_bool(root, modes[i].key, &is_on, err));
        if (!is_on && !slice_eq_cstr(name, modes[i].name)) continue;
        out->pool = modes[i].pool;
        if (modes[i].unsupported) out->unsupported = modes[i].unsupported;
        n++;
    }
    if (n > 1) out->unsupported = "several ways of pooling at once";
    if (n == 0 && name.len > 0) out->unsupported = "a way of pooling that is not known here";
    return STATUS_OK;
}

// A mean in the place of what a missing file says would be other embeddings in silence.
static Status read_pool(const Reading *r, Error *err)
{
    JsonDocument *document = NULL;
    if (!file_exists(r->pool)) {
        if (r->names_pool) r->out->unsupported = "a pooling whose config.json is missing";
        return STATUS_OK;
    }
    TRY(json_load(r->pool, JSON_STRICT, &document, err));
    const Status s = read_modes(json_root(document), r->out, err);
    json_close(&document);
    return s;
}

static Status read_gguf_embedding(const Gguf *file, CheckpointEmbedding *out, Error *err)
{
    Slice architecture = {0};
    char key[128];
    int64_t pool = GGUF_POOL_MEAN;
    TRY(gguf_get_string(file, "general.architecture", &architecture, NULL, err));
    snprintf(key, sizeof key, SLICE_FMT ".pooling_type", SLICE_ARG(architecture));
    TRY(gguf_get_int(file, key, 0, 100, &pool, NULL, err));
    TRY(gguf_get_bool(file, GGUF_KEY_NORMALIZED, &out->is_normalized, NULL, err));
    out->pool = pool == GGUF_POOL_FIRST  ? POOL_FIRST
                : pool == GGUF_POOL_LAST ? POOL_LAST
                                         : POOL_MEAN;
    return STATUS_OK;
}

Status checkpoint_embedding(const Checkpoint *checkpoint, const char *path,
                            CheckpointEmbedding *out, Error *err)
{
    Arena arena = {0};
    Reading r = {.arena = &arena, .folder = slice_from_cstr(path), .out = out};
    const char *modules = NULL;
    *out = (CheckpointEmbedding){.pool = POOL_MEAN, .pool_folder = "1_Pooling"};
    if (checkpoint->gguf.n_pairs > 0) return read_gguf_embedding(&checkpoint->gguf, out, err);
    Status s = path_of(&r, slice_from_cstr(out->pool_folder), "config.json", &r.pool, err);
    if (s == STATUS_OK) s = path_of(&r, SLICE(""), "modules.json", &modules, err);
    if (s == STATUS_OK) s = read_modules(&r, modules, err);
    if (s == STATUS_OK) s = read_pool(&r, err);
    arena_release(&arena);
    return s;
}

// ---- weights of dense layers ----

static Status add_weights(Checkpoint *checkpoint, const Reading *r, const EmbeddingLayer *layer,
                          Error *err)
{
    Safetensors own = {0};
    const char *path = NULL;
    TRY(path_of(r, slice_from_cstr(layer->name), "model.safetensors", &path, err));
    if (!file_exists(path)) {
        return error_set(
            err, STATUS_INVALID,
            "%s is not there, and other forms of weights are not read: where you trust the model, "
            "sentence_transformers' SentenceTransformer(..).save(..) writes it anew; assay predict "
            "--pool mean, cls or last does without this layer",
            path);
    }
    TRY(safetensors_open(path, &own, err));
    const Status s = safetensors_join(&checkpoint->tensors, &own,
                                      arena_printf(r->arena, "%s.", layer->name), err);
    safetensors_close(&own);
    return s;
}

Status checkpoint_add_layers(Checkpoint *checkpoint, const char *path, const EmbeddingLayer *layers,
                             size_t n_layers, Error *err)
{
    Arena arena = {0};
    const Reading r = {.arena = &arena, .folder = slice_from_cstr(path)};
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < n_layers; i++)
        s = add_weights(checkpoint, &r, &layers[i], err);
    arena_release(&arena);
    return s;
}
