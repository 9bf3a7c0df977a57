// A model out of a directory: config.json, tokenizer, weights; or made anew beside a tokenizer's files.
#include <string.h>

#include "base/file.h"
#include "models/architecture.h"
#include "models/model_internal.h"

static void close_files(Model *model)
{
    tokenizer_close(&model->tokenizer);
    json_close(&model->config_file);
}

static bool same_labels(const ModelConfig *config, const ModelOptions *options)
{
    if (config->head != options->head) return false;
    if (options->head == HEAD_SPAN || options->head == HEAD_EMBEDDING) return true;
    if (config->n_labels != options->n_labels) return false;
    for (size_t i = 0; i < options->n_labels; i++) {
        if (!slice_eq(config->labels[i], options->labels[i])) return false;
    }
    return true;
}

// Puts the wanted head into the config; *is_new where it is not the checkpoint's.
static Status choose_head(Model *model, const ModelOptions *options, bool *is_new, Error *err)
{
    ModelConfig *config = &model->config;
    *is_new = false;
    if (options->head_choice == HEAD_AS_SAVED || same_labels(config, options)) return STATUS_OK;
    const ArchitectureClass *class = architecture_class(config->architecture, options->head);
    if (!class || options->head == HEAD_MASKED_LM) {
        return error_set(err, STATUS_INVALID, "a new %s head cannot be put on a %s model",
                         model_head_name(options->head), config->architecture->model_type);
    }
    const bool is_labelled = options->head == HEAD_SEQUENCE || options->head == HEAD_TOKEN;
    if (is_labelled && options->n_labels == 0)
        return error_set(err, STATUS_INVALID, "a new head needs labels");
    config->head = options->head;
    config->class_name = slice_from_cstr(class->name);
    config->problem_type = (Slice){0};
    config->n_labels = options->head == HEAD_SPAN ? 2 : options->n_labels;
    config->labels = NULL;
    *is_new = true;
    if (!is_labelled) return STATUS_OK;
    return model_copy_labels(model, options->labels, options->n_labels, err);
}

static Status open_tokenizer(Model *model, const char *directory, Error *err)
{
    TRY(tokenizer_open(directory, &model->tokenizer, err));
    const size_t size = tokenizer_vocab_size(model->tokenizer);
    if (size > model->config.vocab_size) {
        return error_set(
            err, STATUS_INVALID,
            "%s: the tokenizer has ids up to %zu, but the embedding has only %zu rows (vocab_size): tokenizer and weights are "
            "not of the same model",
            directory, size - 1, model->config.vocab_size);
    }
    return STATUS_OK;
}

// modules.json of sentence-transformers lists what follows the encoder; absent for other models.
static Status read_modules(Model *model, const char *path, Error *err)
{
    JsonDocument *document = NULL;
    if (!file_exists(path)) return STATUS_OK;
    TRY(json_load(path, JSON_STRICT, &document, err));
    for (const Json *module = json_first(json_root(document)); module; module = json_next(module)) {
        const Json *type = json_get(module, "type");
        if (type && json_kind(type) == JSON_STRING &&
            slice_ends_with(json_string(type), SLICE("Normalize")))
            model->wants_normalized = 1;
    }
    json_close(&document);
    return STATUS_OK;
}

// What 1_Pooling/config.json of sentence-transformers says makes the embedding, where it is there.
static Status read_pool(const char *path, EmbeddingPool *pool, Error *err)
{
    static const struct {
        const char *key;
        EmbeddingPool pool;
    } modes[] = {{"pooling_mode_mean_tokens", POOL_MEAN},
                 {"pooling_mode_cls_token", POOL_FIRST},
                 {"pooling_mode_lasttoken", POOL_LAST}};
    JsonDocument *document = NULL;
    if (!file_exists(path)) return STATUS_OK;
    TRY(json_load(path, JSON_STRICT, &document, err));
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < sizeof modes / sizeof *modes; i++) {
        bool is_on = false;
        s = json_opt_bool(json_root(document), modes[i].key, &is_on, err);
        if (is_on) *pool = modes[i].pool;
    }
    json_close(&document);
    return s;
}

static Status choose_pool(Model *model, Slice folder, const ModelOptions *options, Error *err)
{
    model->config.one_token = options->one_token && model->config.head == HEAD_MASKED_LM;
    if (options->has_pool) {
        model->config.pool = options->pool;
        return STATUS_OK;
    }
    const char *path = file_join(&model->arena, folder, SLICE("1_Pooling/config.json"));
    if (!path) return error_set_memory(err, 1, folder.len, "a path");
    return read_pool(path, &model->config.pool, err);
}

static Status keep_directory(Model *model, const char *directory, Error *err)
{
    if (!directory) return STATUS_OK;
    model->directory = arena_cstr(&model->arena, slice_from_cstr(directory));
    return model->directory ? STATUS_OK : error_set_memory(err, 1, strlen(directory), "a path");
}

static Status load(Model *model, const char *directory, const ModelOptions *options, Error *err)
{
    Safetensors file = {0};
    bool head_is_new = false;
    const Slice folder = slice_from_cstr(directory);
    const char *config = file_join(&model->arena, folder, SLICE("config.json"));
    const char *modules = file_join(&model->arena, folder, SLICE("modules.json"));
    if (!config || !modules) return error_set_memory(err, 2, folder.len, "paths");
    TRY(keep_directory(model, directory, err));
    TRY(json_load(config, JSON_STRICT, &model->config_file, err));
    TRY(model_config_parse(&model->arena, json_root(model->config_file), &model->config, err));
    TRY(choose_head(model, options, &head_is_new, err));
    TRY(choose_pool(model, folder, options, err));
    TRY(read_modules(model, modules, err));
    if (!options->without_tokenizer) TRY(open_tokenizer(model, directory, err));
    Status s = safetensors_open_model(directory, &file, err);
    if (s == STATUS_OK) s = model_make_program(model, err);
    if (s == STATUS_OK)
        s = weights_load(model, &file, head_is_new, head_is_new, options->seed, err);
    safetensors_close(&file);
    return s;
}

Status model_open(const char *directory, const ModelOptions *options, Model **out, Error *err)
{
    static const ModelOptions defaults;
    Model *model = NULL;
    if (!options) options = &defaults;
    if (!file_is_directory(directory)) {
        return error_set(
            err, STATUS_NOT_FOUND,
            "%s: no such directory; a model is a directory with config.json and weights",
            directory);
    }
    TRY(model_start(options, &model, err));
    model->close_files = close_files;
    const Status s = load(model, directory, options, err);
    if (s == STATUS_OK)
        *out = model;
    else
        model_close(&model);
    return s;
}

static Status create(Model *model, const ModelConfig *config, const char *directory,
                     const ModelOptions *options, Error *err)
{
    TRY(model_copy_config(model, config, err));
    const ArchitectureClass *class = architecture_class(config->architecture, config->head);
    if (!class)
        return error_set(err, STATUS_INVALID, "%s has no %s head", config->architecture->model_type,
                         model_head_name(config->head));
    model->config.class_name = slice_from_cstr(class->name);
    model->config.model_type = slice_from_cstr(config->architecture->model_type);
    TRY(keep_directory(model, directory, err));
    if (directory && !options->without_tokenizer) TRY(open_tokenizer(model, directory, err));
    TRY(model_make_program(model, err));
    return weights_draw(model, false, options->seed, err);
}

Status model_create(const ModelConfig *config, const char *tokenizer_directory,
                    const ModelOptions *options, Model **out, Error *err)
{
    static const ModelOptions defaults;
    Model *model = NULL;
    if (!options) options = &defaults;
    TRY(model_check_config(config, err));
    TRY(model_start(options, &model, err));
    model->close_files = close_files;
    const Status s = create(model, config, tokenizer_directory, options, err);
    if (s == STATUS_OK)
        *out = model;
    else
        model_close(&model);
    return s;
}
