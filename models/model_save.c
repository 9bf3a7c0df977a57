#include <stdlib.h>
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

// What says how embeddings are pooled, under the name that modules.json has for it.
static Status copy_pool(const Model *model, Slice directory, Error *err)
{
    char name[sizeof model->pool_folder + sizeof "/config.json"];
    const char *const names[] = {name};
    snprintf(name, sizeof name, "%s/config.json",
             model->pool_folder[0] ? model->pool_folder : "1_Pooling");
    return copy_files(model, names, 1, directory, err);
}

// Layers behind an embedding's pooling have folders of their own, and are never changed.
static Status copy_layers(const Model *model, Slice directory, Error *err)
{
    Status s = STATUS_OK;
    Arena arena = {0};
    for (size_t i = 0; s == STATUS_OK && i < model->config.embedding.n_layers; i++) {
        const char *name = model->config.embedding.layers[i].name;
        const char *files[] = {arena_printf(&arena, "%s/config.json", name),
                               arena_printf(&arena, "%s/model.safetensors", name)};
        s = files[0] && files[1] ? copy_files(model, files, 2, directory, err)
                                 : error_set_memory(err, 2, strlen(name), "paths");
    }
    arena_release(&arena);
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

// What makes up a tensor that is written: one of the model's or, where files have all experts of a layer in one, several: one
// behind the other or, of gpt-oss, turned, those of an expert in turn.
typedef struct Sources {
    const Slice *names;
    size_t n, in_turn; // of an expert; 0: one behind the other
} Sources;

typedef struct Saving {
    const Model *model;
    Arena arena;
    SafeItem *items;
    Sources *sources; // [n_items]
    size_t n_items;
} Saving;

// Number (row, col) of layer i of an expert to place (col, row, i). A bias is one row here, whose columns are the layer's rows.
static void put_in_turn(const float *from, size_t rows, size_t cols, size_t i, size_t in_turn,
                        float *to)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < cols; c++) to[(c * rows + r) * in_turn + i] = from[r * cols + c];
    }
}

static Status fill_in_turn(const Model *model, const Sources *sources, float *to, Error *err)
{
    size_t rows, cols;
    TRY(model_tensor_shape(model, sources->names[0], &rows, &cols, err));
    float *values = malloc(rows * cols * sizeof *values + 1);
    if (!values) return error_set_memory(err, rows * cols, sizeof *values, "a tensor");
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < sources->n; i++) {
        const size_t expert = i / sources->in_turn;
        s = model_tensor_read(model, sources->names[i], values, err);
        if (s == STATUS_OK)
            put_in_turn(values, rows, cols, i % sources->in_turn, sources->in_turn,
                        to + expert * sources->in_turn * rows * cols);
    }
    free(values);
    return s;
}

// The item's values, asked for in the order of the file: parts of one parameter do not come one after the other.
static Status fill_tensor(void *context, size_t index, void *data, Error *err)
{
    const Saving *saving = context;
    const Sources *sources = &saving->sources[index];
    float *to = data;
    if (sources->in_turn > 0) return fill_in_turn(saving->model, sources, to, err);
    for (size_t i = 0; i < sources->n; i++) {
        size_t rows, cols;
        TRY(model_tensor_shape(saving->model, sources->names[i], &rows, &cols, err));
        TRY(model_tensor_read(saving->model, sources->names[i], to, err));
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

static Status add_item(Saving *s, const SafeItem *item, Sources sources, Error *err)
{
    if (!item->name.ptr) return error_set_memory(err, 1, 1, "a tensor's name");
    s->items[s->n_items] = *item;
    s->sources[s->n_items++] = sources;
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
    if (item.n_dims == 3) {
        item.shape[1] = 1;
        item.shape[2] = cols;
    }
    return add_item(s, &item, (Sources){&param->parts[part].name, 1, 0}, err);
}

// A tensor of all experts of a mixture: of each n_each layers from `first` on, which have one shape. is_bias: of their biases.
static Status add_stack(Saving *s, const TapeNode *node, const char *name, size_t n_each,
                        size_t first, bool is_bias, Error *err)
{
    const Tape *tape = &s->model->tape;
    const bool is_turned = s->model->config.experts.names->is_turned;
    const size_t n = node->as.experts.n;
    const Param *param = NULL;
    Slice *sources = NULL;
    TRY(arena_take(&s->arena, n * n_each, sizeof *sources, "tensors", &sources, err));
    for (size_t i = 0; i < n * n_each; i++) {
        const TapeExpert *expert = &node->as.experts.list[i / n_each];
        const size_t layer = first + i % n_each;
        param = &tape->params[is_bias ? expert->biases[layer] : expert->weights[layer]];
        sources[i] = param->parts[0].name;
    }
    if (!param) return STATUS_OK;
    const Slice of = sources[0];
    const Slice block = slice_sub(of, 0, slice_find(of, SLICE(".experts.")));
    const char *full =
        is_turned ? arena_printf(&s->arena, SLICE_FMT ".experts.%s%s", SLICE_ARG(block), name,
                                 is_bias ? "_bias" : "")
                  : arena_printf(&s->arena, SLICE_FMT ".%s.weight", SLICE_ARG(block), name);
    if (!full) return error_set_memory(err, 1, of.len, "a tensor's name");
    const size_t rows = n_each * param->rows, cols = param->cols;
    SafeItem item = {.name = saved_name(s->model, slice_from_cstr(full), &s->arena),
                     .type = TENSOR_F32,
                     .n_dims = is_bias ? 2 : 3,
                     .shape = {n, rows, cols}};
    if (is_turned) {
        item.shape[1] = is_bias ? n_each * cols : cols;
        item.shape[2] = is_bias ? 0 : rows;
    }
    return add_item(s, &item, (Sources){sources, n * n_each, is_turned ? n_each : 0}, err);
}

static Status add_stacks(Saving *s, const TapeNode *node, Error *err)
{
    const ExpertNames *names = s->model->config.experts.names;
    const char *gate_up = names->is_turned ? "gate_up_proj" : names->stacked_gate_up,
               *down = names->is_turned ? "down_proj" : names->stacked_down;
    for (int is_bias = 0; is_bias <= names->has_biases; is_bias++) {
        TRY(add_stack(s, node, gate_up, 2, EXPERT_GATE, is_bias, err));
        TRY(add_stack(s, node, down, 1, EXPERT_DOWN, is_bias, err));
    }
    return STATUS_OK;
}

static bool stacks_experts(const Model *model)
{
    const ExpertNames *names = model->config.experts.names;
    return names && (names->stacked_down || names->is_turned);
}

static bool is_stacked(const Model *model, size_t param)
{
    const Param *p = &model->tape.params[param];
    return stacks_experts(model) && p->n_parts > 0 &&
           slice_find(p->parts[0].name, SLICE(".experts.")) != SIZE_MAX;
}

// Of a layer behind an embedding's pooling, which has a file of its own.
static bool is_apart(const Model *model, const Param *param)
{
    for (size_t i = 0; param->n_parts > 0 && i < model->config.embedding.n_layers; i++) {
        const Slice folder = slice_from_cstr(model->config.embedding.layers[i].name);
        const Slice name = param->parts[0].name;
        if (slice_starts_with(name, folder) && name.len > folder.len && name.ptr[folder.len] == '.')
            return true;
    }
    return false;
}

static Status list_items(Saving *s, Error *err)
{
    const Model *model = s->model;
    const Tape *tape = &model->tape;
    const size_t n = model_n_tensors(model);
    TRY(arena_take(&s->arena, n, sizeof *s->items, "tensors", &s->items, err));
    TRY(arena_take(&s->arena, n, sizeof *s->sources, "tensors", &s->sources, err));
    for (size_t i = 0; i < tape->n_params; i++) {
        if (is_stacked(model, i) || is_apart(model, &tape->params[i])) continue;
        for (size_t p = 0; p < tape->params[i].n_parts; p++)
            TRY(add_part(s, &tape->params[i], p, err));
    }
    for (size_t i = 0; stacks_experts(model) && i < tape->n_nodes; i++) {
        if (tape->nodes[i].op == NODE_EXPERTS) TRY(add_stacks(s, &tape->nodes[i], err));
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
    if (s == STATUS_OK && model->config.head == HEAD_EMBEDDING) s = copy_pool(model, folder, err);
    if (s == STATUS_OK) s = copy_layers(model, folder, err);
    if (s == STATUS_OK) s = save_config(model, config, err);
    arena_release(&arena);
    return s == STATUS_OK ? s : error_wrap(err, "saving the model");
}
