#include <string.h>

#include "base/file.h"
#include "models/architecture.h"
#include "models/model_internal.h"

// What tokenizers of any kind may keep beside a model.
static const char *const tokenizer_files[] = {
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "spm.model",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "sentencepiece.model",
    "source.spm",
    "target.spm",
    "generation_config.json",
    "chat_template.jinja",
    "chat_template.json",
};

// What sentence-transformers keeps beside an encoder that makes embeddings.
static const char *const embedding_files[] = {
    "modules.json",
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
    "1_Pooling/config.json",
};

enum { TOKENIZER_FILE_MAX = 256 << 20 };

static Status copy_file(Arena *arena, Slice from, Slice to, const char *name, Error *err)
{
    const char *source = file_join(arena, from, slice_from_cstr(name));
    const char *target = file_join(arena, to, slice_from_cstr(name));
    Slice bytes;
    if (!source || !target) return error_set_memory(err, 2, from.len + to.len, "paths");
    if (!file_exists(source)) return STATUS_OK;
    if (strchr(name, '/')) {
        const char *folder = arena_cstr(arena, file_directory_of(slice_from_cstr(target)));
        if (!folder) return error_set_memory(err, 1, to.len, "a path");
        TRY(file_make_directories(folder, err));
    }
    TRY(file_read(arena, source, TOKENIZER_FILE_MAX, &bytes, err));
    return file_write(target, bytes, err);
}

static Status copy_files(const Model *model, const char *const *names, size_t n, Slice directory,
                         Error *err)
{
    Arena arena = {0};
    Status s = STATUS_OK;
    for (size_t i = 0; model->directory && s == STATUS_OK && i < n; i++) {
        s = copy_file(&arena, slice_from_cstr(model->directory), directory, names[i], err);
        arena_release(&arena);
    }
    return s;
}

static bool ends_texts(const ModelConfig *config, int32_t id)
{
    for (size_t i = 0; i < config->n_eos; i++) {
        if (config->eos_ids[i] == id) return true;
    }
    return false;
}

void model_choose_padding(ModelConfig *config, const Tokenizer *tokenizer)
{
    if (config->pad_id >= 0 || config->head != HEAD_SEQUENCE ||
        config->architecture->classified != CLASSIFIED_LAST)
        return;
    const int32_t candidates[] = {
        tokenizer ? tokenizer_special(tokenizer, SPECIAL_PAD) : TOKEN_NONE, config->bos_id, 0};
    size_t best = 0;
    while (best < 2 && (candidates[best] < 0 || ends_texts(config, candidates[best]))) best++;
    config->pad_id = candidates[best];
}

static Status save_config(const Model *model, const char *path, Error *err)
{
    Buffer text = {0};
    ModelConfig config = model->config;
    model_choose_padding(&config, model->tokenizer);
    Status s = model_config_write(
        &config, model->config_file ? json_root(model->config_file) : NULL, &text, err);
    if (s == STATUS_OK) s = file_write(path, buffer_slice(&text), err);
    buffer_release(&text);
    return s;
}

typedef struct Saving {
    const Model *model;
} Saving;

// The tensor's values, asked for in the order of the file: parts of one parameter do not come one after the other.
static Status fill_tensor(void *context, size_t index, void *data, Error *err)
{
    const Model *model = ((const Saving *)context)->model;
    return model_tensor_read(model, model_tensor_name(model, index), data, err);
}

// The bare encoder's own class leaves out the prefix, and a few have another.
static Slice saved_name(const Model *model, Slice name, Arena *arena)
{
    const ModelConfig *config = &model->config;
    const Slice base = slice_from_cstr(config->architecture->base_prefix);
    const ArchitectureClass *class = architecture_class(config->architecture, config->head);
    if (!slice_starts_with(name, base)) return name;
    const Slice rest = slice_sub(name, base.len, name.len);
    if (config->head == HEAD_EMBEDDING) return rest;
    if (!class || !class->prefix) return name;
    const char *renamed = arena_printf(arena, "%s" SLICE_FMT, class->prefix, SLICE_ARG(rest));
    return renamed ? slice_from_cstr(renamed) : (Slice){0};
}

static Status save_weights(const Model *model, const char *path, Error *err)
{
    static const SafeMetadata metadata = {SLICE_LIT("format"), SLICE_LIT("pt")};
    const size_t n = model_n_tensors(model);
    Arena arena = {0};
    SafeItem *items = NULL;
    size_t at = 0;
    Status s = arena_take(&arena, n, sizeof *items, "tensors", &items, err);
    for (size_t i = 0; s == STATUS_OK && i < model->tape.n_params; i++) {
        const Param *param = &model->tape.params[i];
        for (size_t p = 0; p < param->n_parts; p++) {
            size_t rows, cols;
            weights_part_shape(param, p, &rows, &cols);
            SafeItem *item = &items[at++];
            *item = (SafeItem){.name = saved_name(model, param->parts[p].name, &arena),
                               .type = TENSOR_F32,
                               .n_dims = weights_part_dims(param),
                               .shape = {rows, cols}};
            if (item->n_dims == 1) item->shape[0] = cols;
            if (!item->name.ptr) s = error_set_memory(err, 1, 1, "a tensor's name");
        }
    }
    Saving saving = {.model = model};
    if (s == STATUS_OK)
        s = safetensors_write(path, items, n, &metadata, 1, fill_tensor, &saving, err);
    arena_release(&arena);
    return s;
}

Status model_save(const Model *model, const char *directory, Error *err)
{
    Arena arena = {0};
    const Slice folder = slice_from_cstr(directory);
    Status s = file_make_directories(directory, err);
    const char *config = file_join(&arena, folder, SLICE("config.json"));
    const char *weights = file_join(&arena, folder, SLICE("model.safetensors"));
    if (s == STATUS_OK && (!config || !weights)) s = error_set_memory(err, 2, folder.len, "paths");
    if (s == STATUS_OK) s = save_weights(model, weights, err);
    if (s == STATUS_OK)
        s = copy_files(model, tokenizer_files, sizeof tokenizer_files / sizeof *tokenizer_files,
                       folder, err);
    if (s == STATUS_OK && model->config.head == HEAD_EMBEDDING)
        s = copy_files(model, embedding_files, sizeof embedding_files / sizeof *embedding_files,
                       folder, err);
    if (s == STATUS_OK) s = save_config(model, config, err);
    arena_release(&arena);
    return s == STATUS_OK ? s : error_wrap(err, "saving the model");
}
