#include "models/model.h"

#include <string.h>

#include "base/file.h"
#include "base/size.h"
#include "models/architecture.h"
#include "models/model_internal.h"

// ---- workers ----

static void worker_release(Worker *worker)
{
    worker_memory_release(&worker->memory, worker->exec);
    worker_memory_release(&worker->train_memory, worker->exec);
    exec_close(&worker->exec);
    free(worker->words);
    free(worker->rows);
}

Status model_want_workers(Model *model, size_t n, Error *err)
{
    if (n <= model->n_workers) return STATUS_OK;
    Worker *workers = realloc(model->workers, n * sizeof *workers);
    if (!workers) return error_set_memory(err, n, sizeof *workers, "workers");
    model->workers = workers;
    while (model->n_workers < n) {
        Worker *worker = &workers[model->n_workers];
        *worker = (Worker){0};
        TRY(exec_open(&model->exec_options, &worker->exec, err));
        model->n_workers++;
    }
    return STATUS_OK;
}

Status model_take_block(Model *model, size_t n, float **out, Error *err)
{
    ModelBlock *empty = NULL;
    for (size_t i = 0; i < MODEL_MAX_BLOCKS; i++) {
        ModelBlock *block = &model->blocks[i];
        if (block->is_taken) continue;
        if (block->n == n) {
            block->is_taken = true;
            memset(block->data, 0, n * sizeof *block->data);
            *out = block->data;
            return STATUS_OK;
        }
        if (!empty || block->n == 0)
            empty = block; // one of another size gives way where there is no room
    }
    if (!empty) return error_set(err, STATUS_INTERNAL, "too many blocks of a model are in use");
    huge_free(empty->data, empty->n * sizeof *empty->data);
    *empty = (ModelBlock){0};
    size_t size_bytes = 0;
    if (size_mul(n, sizeof(float), &size_bytes)) empty->data = huge_alloc(size_bytes);
    if (!empty->data) return error_set_memory(err, n, sizeof(float), "gradients and moments");
    empty->n = n;
    empty->is_taken = true;
    *out = empty->data;
    return STATUS_OK;
}

void model_give_block(Model *model, float *block)
{
    for (size_t i = 0; block && i < MODEL_MAX_BLOCKS; i++) {
        if (model->blocks[i].data == block) model->blocks[i].is_taken = false;
    }
}

void model_close(Model **model)
{
    if (!model || !*model) return;
    Model *m = *model;
    if (m->n_workers > 0) {
        const size_t size_bytes = m->tape.n_floats * sizeof(float);
        if (m->weights) exec_free(m->workers[0].exec, m->weights, size_bytes);
        if (m->kept) exec_free(m->workers[0].exec, m->kept, size_bytes);
    }
    for (size_t i = 0; i < m->n_workers; i++) worker_release(&m->workers[i]);
    for (size_t i = 0; i < MODEL_MAX_BLOCKS; i++) {
        huge_free(m->blocks[i].data, m->blocks[i].n * sizeof *m->blocks[i].data);
    }
    free(m->workers);
    tokenizer_close(&m->tokenizer);
    json_close(&m->config_file);
    arena_release(&m->arena);
    free(m);
    *model = NULL;
}

// ---- opening ----

void model_record(const ModelConfig *config, Tape *tape)
{
    config->architecture->record(tape, config);
}

static Status copy_labels(Arena *arena, const Slice *labels, size_t n, const Slice **out,
                          Error *err)
{
    Slice *copy = NULL;
    TRY(arena_take(arena, n, sizeof *copy, "labels", &copy, err));
    for (size_t i = 0; i < n; i++) {
        copy[i] = arena_copy(arena, labels[i]);
        if (!copy[i].ptr) return error_set_memory(err, labels[i].len, 1, "a label");
    }
    *out = copy;
    return STATUS_OK;
}

static bool same_labels(const ModelConfig *config, const ModelOptions *options)
{
    if (config->head != options->head) return false;
    if (options->head == HEAD_SPAN) return true;
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
    if (!class || options->head == HEAD_EMBEDDING || options->head == HEAD_MASKED_LM) {
        return error_set(err, STATUS_INVALID, "a new %s head cannot be put on a %s model",
                         model_head_name(options->head), config->architecture->model_type);
    }
    if (options->head != HEAD_SPAN && options->n_labels == 0)
        return error_set(err, STATUS_INVALID, "a new head needs labels");
    config->head = options->head;
    config->class_name = slice_from_cstr(class->name);
    config->problem_type = (Slice){0};
    config->n_labels = options->head == HEAD_SPAN ? 2 : options->n_labels;
    config->labels = NULL;
    *is_new = true;
    if (options->head == HEAD_SPAN) return STATUS_OK;
    return copy_labels(&model->arena, options->labels, options->n_labels, &config->labels, err);
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

// The program for answers, and memory for the weights.
static Status make_program(Model *model, Error *err)
{
    const ProgramOptions options = {0};
    const Layout layout =
        model->exec_options.device.kind == DEVICE_CPU ? LAYOUT_PANELS : LAYOUT_ROWS;
    model->tape = tape_begin(&model->arena, layout);
    model_record(&model->config, &model->tape);
    TRY(tape_finish(&model->tape, err));
    TRY(program_build(&model->tape, &options, &model->arena, &model->program, err));
    return weights_alloc(model, err);
}

static Status start(const ModelOptions *options, Model **out, Error *err)
{
    Model *model = calloc(1, sizeof *model);
    if (!model) return error_set_memory(err, 1, sizeof *model, "a model");
    model->exec_options = (ExecOptions){.device = options->device,
                                        .compute = options->compute,
                                        .reference_only = options->reference_only,
                                        .openblas_forward = options->openblas_forward};
    *out = model;
    return STATUS_OK;
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
    TRY(read_modules(model, modules, err));
    if (!options->without_tokenizer) TRY(open_tokenizer(model, directory, err));
    Status s = safetensors_open_model(directory, &file, err);
    if (s == STATUS_OK) s = make_program(model, err);
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
    TRY(start(options, &model, err));
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
    model->config = *config;
    Slice *texts[] = {&model->config.class_name, &model->config.model_type,
                      &model->config.problem_type};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!texts[i]->ptr) continue;
        *texts[i] = arena_copy(&model->arena, *texts[i]);
        if (!texts[i]->ptr) return error_set_memory(err, 1, 1, "a text");
    }
    if (config->labels)
        TRY(copy_labels(&model->arena, config->labels, config->n_labels, &model->config.labels,
                        err));
    const ArchitectureClass *class = architecture_class(config->architecture, config->head);
    if (!class)
        return error_set(err, STATUS_INVALID, "%s has no %s head", config->architecture->model_type,
                         model_head_name(config->head));
    model->config.class_name = slice_from_cstr(class->name);
    model->config.model_type = slice_from_cstr(config->architecture->model_type);
    TRY(keep_directory(model, directory, err));
    if (directory && !options->without_tokenizer) TRY(open_tokenizer(model, directory, err));
    TRY(make_program(model, err));
    return weights_draw(model, false, options->seed, err);
}

Status model_create(const ModelConfig *config, const char *tokenizer_directory,
                    const ModelOptions *options, Model **out, Error *err)
{
    static const ModelOptions defaults;
    Model *model = NULL;
    if (!options) options = &defaults;
    if (!config->architecture)
        return error_set(err, STATUS_INVALID, "a model's config names no architecture");
    if (config->n_heads == 0 || config->hidden_size % config->n_heads != 0) {
        return error_set(err, STATUS_INVALID,
                         "hidden size %zu is no multiple of %zu attention heads",
                         config->hidden_size, config->n_heads);
    }
    TRY(start(options, &model, err));
    const Status s = create(model, config, tokenizer_directory, options, err);
    if (s == STATUS_OK)
        *out = model;
    else
        model_close(&model);
    return s;
}

// ---- asking ----

const ModelConfig *model_config(const Model *model)
{
    return &model->config;
}

const Tokenizer *model_tokenizer(const Model *model)
{
    return model->tokenizer;
}

int model_head_is_fresh(const Model *model)
{
    for (size_t i = 0; i < model->tape.n_params; i++) {
        if (model->is_fresh[i] && model->tape.params[i].group == 1 + model->config.n_layers)
            return 1;
    }
    return 0;
}

Device model_device(const Model *model)
{
    return model->exec_options.device;
}

int model_wants_normalized(const Model *model)
{
    return model->wants_normalized;
}

unsigned model_capabilities(const Model *model)
{
    static const unsigned by_head[HEAD_COUNT] = {
        [HEAD_EMBEDDING] = MODEL_CAN_EMBED,
        [HEAD_SEQUENCE] = MODEL_CAN_CLASSIFY | MODEL_CAN_TRAIN,
        [HEAD_TOKEN] = MODEL_CAN_TAG | MODEL_CAN_TRAIN,
        [HEAD_SPAN] = MODEL_CAN_SPAN | MODEL_CAN_TRAIN,
        [HEAD_MASKED_LM] = MODEL_CAN_FILL | MODEL_CAN_TRAIN,
    };
    unsigned can = by_head[model->config.head];
    if (model->exec_options.device.kind != DEVICE_CPU) can &= ~(unsigned)MODEL_CAN_TRAIN;
    return can;
}

ModelSize model_size(const Model *model)
{
    ModelSize size = {.weight_bytes = model->tape.n_floats * sizeof(float)};
    for (size_t i = 0; i < model->tape.n_params; i++) {
        const Param *param = &model->tape.params[i];
        const uint64_t n = (uint64_t)param->rows * param->cols;
        size.n_parameters += n;
        if (param->group == 0)
            size.n_embedding += n;
        else if (param->group == 1 && model->config.n_layers > 0)
            size.n_block += n;
        else if (param->group == 1 + model->config.n_layers)
            size.n_head += n;
    }
    return size;
}
