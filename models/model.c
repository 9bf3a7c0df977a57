// What a model is whatever its files: made, run by workers, asked. Nothing here reads a directory (model_open.c does).
#include "models/model.h"

#include <string.h>

#include "base/file.h"
#include "base/size.h"
#include "models/architecture.h"
#include "models/generation/cache.h"
#include "models/model_internal.h"

// ---- workers ----

static void worker_release(Worker *worker)
{
    worker_memory_release(&worker->memory, worker->exec);
    worker_memory_release(&worker->train_memory, worker->exec);
    worker_memory_release(&worker->source_memory, worker->exec);
    worker_memory_release(&worker->target_memory, worker->exec);
    arena_release(&worker->search_arena);
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
    Exec **execs = realloc(model->execs, n * sizeof *execs);
    if (!execs) return error_set_memory(err, n, sizeof *execs, "workers");
    model->execs = execs;
    while (model->n_workers < n) {
        Worker *worker = &workers[model->n_workers];
        *worker = (Worker){0};
        TRY(exec_open(&model->exec_options, &worker->exec, err));
        execs[model->n_workers++] = worker->exec;
    }
    return STATUS_OK;
}

Status model_run_units(Model *model, Pool *pool, size_t n_units, PoolWork job, void *context,
                       const ProgramHelp **help, Error *err)
{
    const ProgramHelp all = {.pool = pool, .execs = model->execs};
    if (n_units != 1 || pool_threads(pool) == 1) return pool_try(pool, n_units, job, context, err);
    *help = &all;
    const Status s = job(context, 0, 0, err);
    *help = NULL;
    return s;
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
    free(m->execs);
    cache_close(&m->spare_cache);
    if (m->close_files) m->close_files(m);
    arena_release(&m->arena);
    free(m);
    *model = NULL;
}

// ---- making ----

// What sentence-transformers has behind pooling.
static void record_embedding_layers(const ModelConfig *c, Tape *t)
{
    Value x = t->output;
    tape_group(t, 1 + c->n_layers);
    for (size_t i = 0; i < c->embedding.n_layers; i++) {
        const EmbeddingLayer *layer = &c->embedding.layers[i];
        const DensePart part = {"linear", layer->n_out};
        tape_prefix(t, "%s.", layer->name);
        const Dense dense =
            tape_dense_parts(t, &part, 1, value_cols(x), layer->has_bias ? 0 : DENSE_NO_BIAS);
        x = tape_linear(t, x, dense, layer->activation);
    }
    t->output = x;
}

void model_record(const ModelConfig *config, Tape *tape)
{
    config->architecture->record(tape, config);
    if (config->head == HEAD_EMBEDDING && tape->has_output) record_embedding_layers(config, tape);
}

// Tables of relative positions, and which rows an expert has, lie on the host, where no kernel of a GPU can read them.
static Status check_device(const Model *model, Error *err)
{
    if (model->exec_options.device.kind != DEVICE_CPU && model->config.experts.n_experts > 0) {
        return error_set(err, STATUS_DEVICE,
                         "%s with its experts does not run on a GPU in this version: use --device "
                         "cpu",
                         model->config.architecture->model_type);
    }
    if (model->exec_options.device.kind == DEVICE_CPU ||
        (model->config.decoder.n_relative_buckets == 0 && model->config.attention.alibi_scale <= 0))
        return STATUS_OK;
    return error_set(err, STATUS_DEVICE,
                     "%s with its relative positions does not run on a GPU in this version: use "
                     "--device cpu",
                     model->config.architecture->model_type);
}

// Without an output layer the table of tokens is a plain one, whose gradient is a list of rows.
static void untie(ModelConfig *config)
{
    if (config->head == HEAD_SEQUENCE || config->head == HEAD_TOKEN || config->head == HEAD_SPAN)
        config->output.is_tied = false;
}

Status model_make_program(Model *model, const Safetensors *file, Error *err)
{
    const ProgramOptions options = {.outputs_by_part = model->config.head == HEAD_CAUSAL_LM,
                                    .by_stretch = model->exec_options.device.kind == DEVICE_CPU};
    const Layout layout =
        model->exec_options.device.kind == DEVICE_CPU ? LAYOUT_PANELS : LAYOUT_ROWS;
    untie(&model->config);
    model->tape = tape_begin(&model->arena, layout);
    model_record(&model->config, &model->tape);
    TRY(tape_finish(&model->tape, err));
    TRY(check_device(model, err));
    if (file) TRY(weights_check_shapes(model, file, err));
    if (file && model->keeps_stored && layout == LAYOUT_PANELS)
        TRY(weights_choose_storage(model, file, err));
    TRY(program_build(&model->tape, &options, &model->arena, &model->program, err));
    return weights_alloc(model, err);
}

Status model_start(const ModelOptions *options, Model **out, Error *err)
{
    const bool is_low = options->compute == COMPUTE_BF16 || options->compute == COMPUTE_I8;
    if (is_low && (!options->keep_stored || options->mapped || options->openblas_forward ||
                   options->device.kind != DEVICE_CPU)) {
        return error_set(err, STATUS_INVALID,
                         "bf16 and int8 are for answers on the CPU with our own kernels: tuning, "
                         "mapped weights, GPUs and OpenBLAS compute in f32");
    }
    if (options->kv_dtype != DTYPE_F32 && options->kv_dtype != DTYPE_F16 &&
        options->kv_dtype != DTYPE_BF16)
        return error_set(err, STATUS_INVALID,
                         "keys and values are kept in f32, f16 or bf16, not %s",
                         dtype_name(options->kv_dtype));
    if (options->kv_dtype != DTYPE_F32 && options->device.kind != DEVICE_CPU)
        return error_set(err, STATUS_INVALID,
                         "keys and values of 16 bits are kept on the CPU: a GPU writes no texts in "
                         "this version");
    Model *model = calloc(1, sizeof *model);
    if (!model) return error_set_memory(err, 1, sizeof *model, "a model");
    model->exec_options = (ExecOptions){.device = options->device,
                                        .compute = options->compute,
                                        .reference_only = options->reference_only,
                                        .openblas_forward = options->openblas_forward};
    // OpenBLAS and GPUs know f32 alone.
    const bool is_plain = options->openblas_forward || options->device.kind != DEVICE_CPU;
    model->keeps_stored = (options->keep_stored || options->mapped) && !is_plain;
    model->is_mapped = options->mapped && !is_plain;
    model->kept_tokens = options->kept_tokens;
    model->kv_dtype = options->kv_dtype;
    model->only_looked_at = options->only_looked_at;
    *out = model;
    return STATUS_OK;
}

// Arrays of texts live in the model's arena.
Status model_copy_labels(Model *model, const Slice *labels, size_t n, Error *err)
{
    Slice *copy = NULL;
    TRY(arena_take(&model->arena, n, sizeof *copy, "labels", &copy, err));
    for (size_t i = 0; i < n; i++) {
        copy[i] = arena_copy(&model->arena, labels[i]);
        if (!copy[i].ptr) return error_set_memory(err, labels[i].len, 1, "a label");
    }
    model->config.labels = copy;
    return STATUS_OK;
}

// An array of n elements in place of the caller's: *array is a pointer to the pointer, which stays NULL where it is.
static Status copy_array(Arena *arena, size_t n, size_t size, void *array, Error *err)
{
    void *from = NULL, *copy = NULL;
    memcpy(&from, array, sizeof from);
    if (!from || n == 0) return STATUS_OK;
    TRY(arena_take_raw(arena, n, size, "a config", &copy, err));
    memcpy(copy, from, n * size);
    memcpy(array, &copy, sizeof copy);
    return STATUS_OK;
}

static Status copy_arrays(Arena *arena, ModelConfig *c, Error *err)
{
    RopeConfig *const ropes[] = {&c->rotary.rope, &c->rotary.rope_local};
    const size_t n_pairs = c->rotary.dims / 2;
    for (size_t i = 0; i < sizeof ropes / sizeof *ropes; i++) {
        TRY(copy_array(arena, n_pairs, sizeof(float), &ropes[i]->short_factors, err));
        TRY(copy_array(arena, n_pairs, sizeof(float), &ropes[i]->long_factors, err));
    }
    TRY(copy_array(arena, c->n_layers, sizeof *c->modernbert.is_global, &c->modernbert.is_global,
                   err));
    TRY(copy_array(arena, c->n_layers, sizeof *c->attention.is_local, &c->attention.is_local, err));
    TRY(copy_array(arena, c->n_layers, sizeof *c->rotary.skips, &c->rotary.skips, err));
    TRY(copy_array(arena, c->n_layers, sizeof *c->conv.layers, &c->conv.layers, err));
    TRY(copy_array(arena, c->n_layers, sizeof(bool), &c->experts.is_dense, err));
    return copy_array(arena, c->n_eos, sizeof *c->eos_ids, &c->eos_ids, err);
}

Status model_copy_config(Model *model, const ModelConfig *config, Error *err)
{
    model->config = *config;
    Slice *texts[] = {&model->config.class_name, &model->config.model_type,
                      &model->config.problem_type};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!texts[i]->ptr) continue;
        *texts[i] = arena_copy(&model->arena, *texts[i]);
        if (!texts[i]->ptr) return error_set_memory(err, 1, 1, "a text");
    }
    TRY(copy_arrays(&model->arena, &model->config, err));
    return config->labels ? model_copy_labels(model, config->labels, config->n_labels, err)
                          : STATUS_OK;
}

Status model_check_config(const ModelConfig *config, Error *err)
{
    if (!config->architecture)
        return error_set(err, STATUS_INVALID, "a model's config names no architecture");
    if (config->n_heads == 0 ||
        (config->head_dim == 0 && config->hidden_size % config->n_heads != 0)) {
        return error_set(err, STATUS_INVALID,
                         "hidden size %zu is no multiple of %zu attention heads",
                         config->hidden_size, config->n_heads);
    }
    return STATUS_OK;
}

Status model_create_bare(const ModelConfig *config, const ModelOptions *options, Model **out,
                         Error *err)
{
    static const ModelOptions defaults;
    Model *model = NULL;
    if (!options) options = &defaults;
    TRY(model_check_config(config, err));
    TRY(model_start(options, &model, err));
    Status s = model_copy_config(model, config, err);
    if (s == STATUS_OK) s = model_make_program(model, NULL, err);
    if (s == STATUS_OK) s = weights_draw(model, false, options->seed, err);
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

const char *model_directory(const Model *model)
{
    return model->directory;
}

const Tokenizer *model_tokenizer(const Model *model)
{
    return model->tokenizer;
}

size_t model_unused_tensors(const Model *model, Slice *names)
{
    *names = model->unused;
    return model->n_unused;
}

int model_head_is_fresh(const Model *model)
{
    for (size_t i = 0; i < model->tape.n_params; i++) {
        if (model->is_fresh[i] && model->tape.params[i].group == 1 + model->config.n_layers)
            return 1;
    }
    return 0;
}

DType model_stored_dtype(const Model *model)
{
    size_t sizes[DTYPE_COUNT] = {0};
    DType most = DTYPE_F32;
    for (size_t i = 0; i < model->tape.n_params; i++) {
        const Param *param = &model->tape.params[i];
        if (param->dtype != DTYPE_F32 && !param->is_rounded)
            sizes[param->dtype] += param->rows * param->cols;
    }
    for (size_t d = 0; d < DTYPE_COUNT; d++) {
        if (sizes[d] > sizes[most]) most = (DType)d;
    }
    return most;
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
        [HEAD_CAUSAL_LM] = MODEL_CAN_GENERATE | MODEL_CAN_TRAIN,
        [HEAD_MASKED_LM] = MODEL_CAN_FILL | MODEL_CAN_TRAIN,
        [HEAD_SEQ2SEQ] = MODEL_CAN_TRAIN,
    };
    unsigned can = by_head[model->config.head];
    if (model->exec_options.device.kind != DEVICE_CPU || model->keeps_stored)
        can &= ~(unsigned)MODEL_CAN_TRAIN;
    return can;
}
