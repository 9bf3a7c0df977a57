#include <string.h>

#include "base/file.h"
#include "models/architecture.h"
#include "models/architectures/experts.h"
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

// What is written: tensors as the model has them, and for architectures whose files have all experts of a layer in one
// tensor those of its experts, one behind the other.
typedef struct Saving {
    const Model *model;
    Arena arena;
    SafeItem *items;
    const Slice **sources; // [n_items] names of the model's tensors that make up an item
    size_t *n_sources;
    size_t n_items;
} Saving;

// The item's values, asked for in the order of the file: parts of one parameter do not come one after the other.
static Status fill_tensor(void *context, size_t index, void *data, Error *err)
{
    const Saving *saving = context;
    float *to = data;
    for (size_t i = 0; i < saving->n_sources[index]; i++) {
        const Slice name = saving->sources[index][i];
        size_t rows, cols;
        TRY(model_tensor_shape(saving->model, name, &rows, &cols, err));
        TRY(model_tensor_read(saving->model, name, to, err));
        to += rows * cols;
    }
    return STATUS_OK;
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

static Status add_item(Saving *s, const SafeItem *item, const Slice *sources, size_t n, Error *err)
{
    if (!item->name.ptr) return error_set_memory(err, 1, 1, "a tensor's name");
    s->items[s->n_items] = *item;
    s->sources[s->n_items] = sources;
    s->n_sources[s->n_items++] = n;
    return STATUS_OK;
}

static Status add_part(Saving *s, const Param *param, size_t part, Error *err)
{
    size_t rows, cols;
    weights_part_shape(param, part, &rows, &cols);
    SafeItem item = {.name = saved_name(s->model, param->parts[part].name, &s->arena),
                     .type = TENSOR_F32,
                     .n_dims = weights_part_dims(param),
                     .shape = {rows, cols}};
    if (item.n_dims == 1) item.shape[0] = cols;
    return add_item(s, &item, &param->parts[part].name, 1, err);
}

// A tensor of all experts of a mixture: of each n_each of gate, up and down from `first` on, which have one shape.
static Status add_stack(Saving *s, const TapeNode *node, const char *name, size_t n_each,
                        size_t first, Error *err)
{
    const Tape *tape = &s->model->tape;
    const size_t n = node->as.experts.n;
    Slice *sources = NULL;
    TRY(arena_take(&s->arena, n * n_each, sizeof *sources, "tensors", &sources, err));
    for (size_t e = 0; e < n; e++) {
        const TapeExpert *expert = &node->as.experts.list[e];
        const ParamId params[3] = {expert->gate, expert->up, expert->down};
        for (size_t i = 0; i < n_each; i++)
            sources[e * n_each + i] = tape->params[params[first + i]].parts[0].name;
    }
    const Param *param =
        &tape->params[first == 2 ? node->as.experts.list[0].down : node->as.experts.list[0].gate];
    const Slice of = sources[0];
    const Slice block = slice_sub(of, 0, slice_find(of, SLICE(".experts.")));
    const char *full = arena_printf(&s->arena, SLICE_FMT ".%s.weight", SLICE_ARG(block), name);
    if (!full) return error_set_memory(err, 1, of.len, "a tensor's name");
    const SafeItem item = {.name = saved_name(s->model, slice_from_cstr(full), &s->arena),
                           .type = TENSOR_F32,
                           .n_dims = 3,
                           .shape = {n, n_each * param->rows, param->cols}};
    return add_item(s, &item, sources, n * n_each, err);
}

static bool is_stacked(const Model *model, size_t param)
{
    const ExpertNames *names = model->config.experts.names;
    const Tape *tape = &model->tape;
    if (!names || !names->stacked_down) return false;
    return slice_find(tape->params[param].parts[0].name, SLICE(".experts.")) != SIZE_MAX;
}

static Status list_items(Saving *s, Error *err)
{
    const Model *model = s->model;
    const Tape *tape = &model->tape;
    const size_t n = model_n_tensors(model);
    const ExpertNames *names = model->config.experts.names;
    TRY(arena_take(&s->arena, n, sizeof *s->items, "tensors", &s->items, err));
    TRY(arena_take(&s->arena, n, sizeof *s->sources, "tensors", &s->sources, err));
    TRY(arena_take(&s->arena, n, sizeof *s->n_sources, "tensors", &s->n_sources, err));
    for (size_t i = 0; i < tape->n_params; i++) {
        for (size_t p = 0; p < tape->params[i].n_parts && !is_stacked(model, i); p++)
            TRY(add_part(s, &tape->params[i], p, err));
    }
    for (size_t i = 0; names && names->stacked_down && i < tape->n_nodes; i++) {
        if (tape->nodes[i].op != NODE_EXPERTS) continue;
        TRY(add_stack(s, &tape->nodes[i], names->stacked_gate_up, 2, 0, err));
        TRY(add_stack(s, &tape->nodes[i], names->stacked_down, 1, 2, err));
    }
    return STATUS_OK;
}

static Status save_weights(const Model *model, const char *path, Error *err)
{
    static const SafeMetadata metadata = {SLICE_LIT("format"), SLICE_LIT("pt")};
    Saving saving = {.model = model};
    Status s = list_items(&saving, err);
    if (s == STATUS_OK)
        s = safetensors_write(path, saving.items, saving.n_items, &metadata, 1, fill_tensor,
                              &saving, err);
    arena_release(&saving.arena);
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
