// A model out of a directory: config.json, tokenizer, weights; or made anew beside a tokenizer's files.
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/name_list.h"
#include "models/architecture.h"
#include "models/checkpoint.h"
#include "models/config_read.h"
#include "models/gguf/gguf_model.h"
#include "models/model_internal.h"

static void close_files(Model *model)
{
    tokenizer_close(&model->tokenizer);
    json_close(&model->config_file);
    json_close(&model->generation_file);
    if (model->files) checkpoint_close(model->files);
    free(model->files);
}

static bool same_labels(const ModelConfig *config, const ModelOptions *options)
{
    if (config->head != options->head || config->is_discriminator) return false;
    if (options->head != HEAD_SEQUENCE && options->head != HEAD_TOKEN) return true;
    if (config->n_labels != options->n_labels ||
        model_config_problem(config) !=
            (options->head == HEAD_SEQUENCE ? options->problem : PROBLEM_CLASSES))
        return false;
    if (options->problem == PROBLEM_VALUES) return true; // whatever the numbers are called
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
    if (!class || options->head == HEAD_MASKED_LM || options->head == HEAD_CAUSAL_LM ||
        options->head == HEAD_SEQ2SEQ) {
        NameList heads = {0};
        for (const ArchitectureClass *c = config->architecture->classes; c->name; c++) {
            if (architecture_class(config->architecture, c->head) == c)
                name_list_add_cstr(&heads, model_head_name(c->head));
        }
        return error_set(
            err, STATUS_INVALID, "the head \"%s\" cannot be put on a %s, which is there with: %s",
            model_head_name(options->head), config->architecture->model_type, heads.text);
    }
    const bool is_labelled = options->head == HEAD_SEQUENCE || options->head == HEAD_TOKEN;
    if (is_labelled && options->n_labels == 0)
        return error_set(err, STATUS_INVALID, "a new head needs labels");
    config->head = options->head;
    config->class_name = slice_from_cstr(class->name);
    config->problem_type =
        options->head == HEAD_SEQUENCE ? model_problem_name(options->problem) : (Slice){0};
    config->n_labels = options->head == HEAD_SPAN ? 2 : options->n_labels;
    config->labels = NULL;
    config->is_discriminator = false;
    *is_new = true;
    if (!is_labelled) return STATUS_OK;
    return model_copy_labels(model, options->labels, options->n_labels, err);
}

static Status check_vocab_size(const Model *model, Slice place, Error *err)
{
    const size_t size = tokenizer_needed_size(model->tokenizer);
    if (size <= model->config.vocab_size) return STATUS_OK;
    return error_set(
        err, STATUS_INVALID,
        SLICE_FMT
        ": the tokenizer has ids up to %zu, but the embedding has only %zu rows (vocab_size): tokenizer and weights are "
        "not of the same model",
        SLICE_ARG(place), size - 1, model->config.vocab_size);
}

static Status open_tokenizer(Model *model, const char *directory, Error *err)
{
    TRY(tokenizer_open(directory, &model->tokenizer, err));
    return check_vocab_size(model, slice_from_cstr(directory), err);
}

// The layers behind pooling, each as wide as what it reads.
static Status choose_layers(Model *model, Checkpoint *files, const char *path,
                            const CheckpointEmbedding *embedding, Error *err)
{
    ModelConfig *c = &model->config;
    for (size_t i = 0; i < embedding->n_layers; i++) {
        const EmbeddingLayer *layer = &embedding->layers[i];
        const size_t width = model_output_width(model);
        if (layer->n_in != width)
            return error_set(err, STATUS_INVALID,
                             "%s/%s/config.json: in_features is %zu, but what comes before it has "
                             "%zu columns",
                             path, layer->name, layer->n_in, width);
        c->embedding.layers[c->embedding.n_layers++] = *layer;
    }
    return checkpoint_add_layers(files, path, embedding->layers, embedding->n_layers, err);
}

static Status choose_pool(Model *model, Checkpoint *files, const char *path,
                          const ModelOptions *options, Error *err)
{
    CheckpointEmbedding embedding;
    TRY(checkpoint_embedding(files, path, &embedding, err));
    if (embedding.unsupported && !options->has_pool && model->config.head == HEAD_EMBEDDING) {
        return error_set(
            err, STATUS_INVALID,
            "%s: its embeddings are made with %s, which is not supported; assay predict "
            "--pool mean, cls or last gives those of its encoder",
            path, embedding.unsupported);
    }
    model->wants_normalized = embedding.is_normalized;
    memcpy(model->pool_folder, embedding.pool_folder, sizeof model->pool_folder);
    model->config.one_token = options->one_token && model->config.head == HEAD_MASKED_LM;
    model->config.embedding.pool = options->has_pool ? options->pool : embedding.pool;
    if (options->has_pool || model->config.head != HEAD_EMBEDDING) return STATUS_OK;
    return choose_layers(model, files, path, &embedding, err);
}

// The token before the first of what a decoder writes: generation_config.json has the last word.
static Status read_start(Model *model, Error *err)
{
    const Json *root = json_root(model->generation_file);
    int64_t id = model->config.decoder.start_id;
    TRY(json_opt_i64(root, "decoder_start_token_id", 0,
                     (int64_t)model_config_target_vocab(&model->config) - 1, &id, err));
    model->config.decoder.start_id = (int32_t)id;
    return STATUS_OK;
}

// generation_config.json beside the model, or a GGUF file's copy; where its tokens that end texts stand.
static Status read_generation(Model *model, const char *path, const Gguf *gguf, Error *err)
{
    Slice text = {0};
    if (gguf->n_pairs > 0) {
        TRY(gguf_get_string(gguf, GGUF_KEY_GENERATION, &text, NULL, err));
        char name[1024];
        snprintf(name, sizeof name, "%s: " GGUF_KEY_GENERATION, path);
        if (text.len > 0)
            TRY(json_parse(slice_from_cstr(name), text, JSON_STRICT, &model->generation_file, err));
    } else {
        const Slice folder = slice_from_cstr(path);
        const char *file = file_join(&model->arena, folder, SLICE("generation_config.json"));
        if (!file) return error_set_memory(err, 1, folder.len, "a path");
        if (file_exists(file)) TRY(json_load(file, JSON_STRICT, &model->generation_file, err));
    }
    if (!model->generation_file) return STATUS_OK;
    if (model->config.head == HEAD_SEQ2SEQ) return read_start(model, err);
    if (model->config.head != HEAD_CAUSAL_LM) return STATUS_OK;
    return config_read_ends(&model->arena, json_root(model->generation_file), &model->config, err);
}

static Status keep_directory(Model *model, const char *directory, Error *err)
{
    if (!directory) return STATUS_OK;
    model->directory = arena_cstr(&model->arena, slice_from_cstr(directory));
    return model->directory ? STATUS_OK : error_set_memory(err, 1, strlen(directory), "a path");
}

static Status open_gguf_tokenizer(Model *model, const char *path, const Gguf *file, Error *err)
{
    TRY(checkpoint_gguf_tokenizer(path, file, &model->tokenizer, err));
    return model->tokenizer ? check_vocab_size(model, file->name, err) : STATUS_OK;
}

// The files stay open as long as the model reads them.
static Status keep_files(Model *model, const Checkpoint *files, Error *err)
{
    model->files = malloc(sizeof *files);
    if (!model->files) return error_set_memory(err, 1, sizeof *files, "a model's files");
    *model->files = *files;
    return STATUS_OK;
}

// A block has tensors of its own. Without this a number in config.json would have millions of blocks recorded.
static Status check_depth(const ModelConfig *c, const char *path, const Safetensors *tensors,
                          Error *err)
{
    if ((c->albert.n_groups ? c->albert.n_groups : c->n_layers) <= tensors->n_tensors)
        return STATUS_OK;
    return error_set(
        err, STATUS_INVALID,
        "%s: its config speaks of %zu blocks, but there are %zu tensors in all: weights "
        "and config are not of the same model",
        path, c->n_layers, tensors->n_tensors);
}

// Tables and output layers of their own, where the files have them whatever config.json says; one in the other's place would
// give other numbers.
static void choose_output(Model *model, const Safetensors *tensors)
{
    ModelConfig *c = &model->config;
    const bool has_words = c->head == HEAD_SEQ2SEQ || model_config_rereads_source(c);
    if (c->head != HEAD_CAUSAL_LM && c->head != HEAD_MASKED_LM && !has_words) return;
    if ((c->head == HEAD_CAUSAL_LM && !c->output.is_tied) ||
        (c->head == HEAD_MASKED_LM && c->output.is_own))
        return;
    if (has_words) {
        const CheckpointTables own = checkpoint_own_tables(tensors, c->architecture);
        c->decoder.has_own_table = c->decoder.has_own_table || own.of_targets;
        c->output.is_own = c->output.is_own || own.of_output;
    } else if (checkpoint_own_output(tensors, c->architecture)) {
        c->output.is_tied = false;
        c->output.is_own = c->head == HEAD_MASKED_LM;
    }
}

// Says what of a model with images is not here.
static Status tell_left_out(Model *model, size_t n, Error *err)
{
    if (n == 0) return STATUS_OK;
    const char *text = arena_printf(&model->arena, SLICE_FMT "%sthose of what sees images",
                                    SLICE_ARG(model->unused), model->n_unused > 0 ? ", " : "");
    if (!text) return error_set_memory(err, 1, 64, "names of tensors");
    model->unused = slice_from_cstr(text);
    model->n_unused += n;
    return STATUS_OK;
}

static Status load(Model *model, const char *path, const ModelOptions *options, Error *err)
{
    Checkpoint files = {0};
    bool head_is_new = false;
    const bool is_gguf = !file_is_directory(path);
    TRY(checkpoint_open(path, &files, err));
    model->config_file = files.config;
    files.config = NULL;
    Status s =
        model_config_parse(&model->arena, json_root(model->config_file), &model->config, err);
    if (s == STATUS_OK) s = check_depth(&model->config, path, &files.tensors, err);
    if (s == STATUS_OK) s = choose_head(model, options, &head_is_new, err);
    if (s == STATUS_OK) s = choose_pool(model, &files, path, options, err);
    if (s == STATUS_OK) s = read_generation(model, path, &files.gguf, err);
    if (s == STATUS_OK && !is_gguf) s = keep_directory(model, path, err);
    if (s == STATUS_OK && !options->without_tokenizer)
        s = is_gguf ? open_gguf_tokenizer(model, path, &files.gguf, err)
                    : open_tokenizer(model, path, err);
    if (s == STATUS_OK && head_is_new) model_choose_padding(&model->config, model->tokenizer);
    if (s == STATUS_OK) choose_output(model, &files.tensors);
    if (s == STATUS_OK) s = model_make_program(model, &files.tensors, err);
    if (s == STATUS_OK) s = weights_check_blocks(model, &files.tensors, err);
    file_drop_images(); // what has run so far is code of starting and of tokenizers
    if (s == STATUS_OK)
        s = weights_load(model, &files.tensors, head_is_new, head_is_new, options->seed, err);
    if (s == STATUS_OK) s = weights_list_unused(model, &files.tensors, head_is_new, err);
    if (s == STATUS_OK) s = tell_left_out(model, files.n_left_out, err);
    if (s == STATUS_OK && model->is_mapped) s = keep_files(model, &files, err);
    if (!model->files) checkpoint_close(&files);
    file_drop_heap(); // what comes would else begin with pages that loading has written
    return s;
}

Status model_open(const char *directory, const ModelOptions *options, Model **out, Error *err)
{
    static const ModelOptions defaults;
    Model *model = NULL;
    if (!options) options = &defaults;
    TRY(model_start(options, &model, err));
    model->close_files = close_files;
    const char *path = directory;
    Status s = checkpoint_resolve(&model->arena, directory, &path, err);
    if (s == STATUS_OK) s = load(model, path, options, err);
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
    if (!config->is_discriminator) model->config.class_name = slice_from_cstr(class->name);
    model->config.model_type = slice_from_cstr(config->architecture->model_type);
    TRY(keep_directory(model, directory, err));
    if (directory && !options->without_tokenizer) TRY(open_tokenizer(model, directory, err));
    TRY(model_make_program(model, NULL, err));
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
