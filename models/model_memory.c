// What a model will take of memory, told before it does.
#include <math.h>

#include "base/size.h"
#include "models/generation/generate_internal.h"
#include "models/generation/search_internal.h"
#include "models/model_internal.h"
#include "models/training/trainer.h"

enum {
    // Code, libraries, the heap, and what a command reads and writes, after what starting took of them went back (measured: 3 to
    // 3.5 MiB); while it starts it has a little more.
    PROGRAM_BYTES = 13 << 18,
    // Scratch of kernels, a thread's stack.
    WORKER_BYTES = 1 << 19,
    WORKER_LOW_BYTES = 3 << 18, // of products in int8 and bf16, which round rows first
    // Of a mapped file, around each byte that is read, the kernel's fault_around_bytes.
    AROUND_BYTES = 1 << 16,
};

// A request as it is forecast: so many sequences of a length, by so many workers.
typedef struct Asked {
    size_t n_threads, longest, n_sequences;
} Asked;

// Of a worker's unit: values, and rows of experts.
static uint64_t unit_bytes(const Program *program, Extent extent, bool is_tuned)
{
    const size_t n_tokens = size_max(extent.n_tokens, extent.n_targets);
    return ((uint64_t)program_buffer_floats(program, extent) +
            program_expert_floats(program->tape, n_tokens, is_tuned)) *
           sizeof(float);
}

// A unit of so many tokens, in tuning half of them targets where there are any.
static Extent extent_for(const Model *model, size_t n_tokens, size_t longest)
{
    const ModelConfig *c = &model->config;
    const size_t n_read_after = c->head == HEAD_SEQ2SEQ ? n_tokens / 2 : 0;
    const size_t n_here = n_tokens - n_read_after, n = (n_tokens + longest - 1) / longest;
    const bool reads_one = c->one_token ||
                           (c->head == HEAD_EMBEDDING && c->embedding.pool != POOL_MEAN) ||
                           c->head == HEAD_SEQUENCE;
    return (Extent){.n_relative = model->tape.n_relative,
                    .n_tokens = n_here,
                    .n_sequences = n,
                    .n_outputs = reads_one ? n : n_here,
                    .n_targets = model_config_rereads_source(c) ? n_tokens : n_read_after};
}

// Workers that have a unit at once.
static size_t busy_workers(const Asked *asked, size_t unit_tokens)
{
    const size_t n_tokens = asked->n_sequences * asked->longest;
    const size_t n_units =
        n_tokens / size_max(unit_tokens, 1) + (n_tokens % size_max(unit_tokens, 1) > 0);
    return size_min(asked->n_threads, n_units);
}

// Of the workers of model_predict.
static uint64_t answering_bytes(const Model *model, const Asked *asked)
{
    const size_t n_tokens = asked->n_sequences * asked->longest;
    const size_t most =
        size_max(asked->longest, predict_unit_tokens(model, n_tokens, asked->n_threads));
    const Extent extent = extent_for(model, size_min(most, n_tokens), asked->longest);
    return busy_workers(asked, most) * unit_bytes(model->program, extent, false);
}

// Of tables that are mapped, the rows that tokens do not name are not read. Tokens that name any row alike meet 1 - (1 - 1 / n)^T of
// n stretches of AROUND_BYTES; those of a language name some rows often, and take less.
static uint64_t unread_bytes(const Model *model, const Asked *asked)
{
    const double n_tokens = (double)asked->n_sequences * (double)asked->longest;
    uint64_t unread = 0;
    for (size_t i = 0; i < model->tape.n_params; i++) {
        const Param *param = &model->tape.params[i];
        const uint64_t bytes = param_mapped_bytes(param);
        const double n_stretches = (double)bytes / AROUND_BYTES;
        if (param->is_looked_up && param->layout == LAYOUT_ROWS && n_stretches > 1)
            unread += (uint64_t)((double)bytes * exp(n_tokens * log1p(-1 / n_stretches)));
    }
    return unread;
}

// Of the workers of the queue: prompts are read in units, then each worker has its share of the texts that are written; and what
// all of them keep.
static uint64_t writing_bytes(const Model *model, const Asked *asked, uint64_t *kept)
{
    const size_t n = asked->n_sequences, longest = asked->longest;
    const size_t unit = size_min(queue_unit_tokens(longest), n * longest);
    const size_t n_writing =
        n <= model_rows_together(model, asked->n_threads) ? 1 : size_min(asked->n_threads, n);
    const size_t at_once = (n + n_writing - 1) / n_writing;
    const Extent reading = {.n_tokens = unit,
                            .n_sequences = (unit + longest - 1) / longest,
                            .n_outputs = (unit + longest - 1) / longest,
                            .n_at_once = PROGRAM_OUTPUTS_AT_ONCE},
                 writing = {.n_tokens = at_once,
                            .n_sequences = at_once,
                            .n_outputs = at_once,
                            .n_at_once = PROGRAM_OUTPUTS_AT_ONCE};
    const uint64_t a = busy_workers(asked, unit) * unit_bytes(model->program, reading, false),
                   b = n_writing * unit_bytes(model->program, writing, false);
    *kept = queue_kept_bytes(model, longest, n);
    return a > b ? a : b;
}

// Of the workers that search targets as long as their sources.
static Status searching_bytes(const Model *model, const Asked *asked, Arena *arena, uint64_t *out,
                              Error *err)
{
    const ProgramOptions of_source = {.part = PROGRAM_SOURCE},
                         of_target = {.part = PROGRAM_TARGETS};
    Program *source = NULL, *target = NULL;
    TRY(program_build(&model->tape, &of_source, arena, &source, err));
    TRY(program_build(&model->tape, &of_target, arena, &target, err));
    const size_t rows = search_group_rows(model, asked->n_sequences, asked->n_threads);
    const Extent reading = {.n_relative = model->tape.n_relative,
                            .n_tokens = rows * asked->longest,
                            .n_sequences = rows,
                            .n_outputs = rows * asked->longest},
                 writing = {
                     .n_relative = model->tape.n_relative, .n_targets = rows, .n_sequences = rows};
    uint64_t keys = 0;
    for (size_t i = 0; i < target->n_attentions; i++)
        keys += 2 * (uint64_t)target->attentions[i].cols * rows * asked->longest * sizeof(float);
    *out = busy_workers(asked, rows * asked->longest) *
           (unit_bytes(source, reading, false) + unit_bytes(target, writing, false) + keys);
    return STATUS_OK;
}

static uint64_t worker_bytes(const Model *model)
{
    const ComputeMode compute = model->exec_options.compute;
    return compute == COMPUTE_I8 || compute == COMPUTE_BF16 ? WORKER_LOW_BYTES : WORKER_BYTES;
}

static Status predicting_bytes(const Model *model, const Asked *asked, Arena *arena, uint64_t *out,
                               Error *err)
{
    Asked here = *asked;
    const ModelSize size = model_size(model);
    const ModelHead head = model->config.head;
    const bool is_on_gpu = model->exec_options.device.kind == DEVICE_CUDA;
    uint64_t units = 0, kept = 0;
    if (is_on_gpu) here.n_threads = 1; // which feeds it
    if (head == HEAD_CAUSAL_LM && !is_on_gpu)
        units = writing_bytes(model, &here, &kept);
    else if (head == HEAD_SEQ2SEQ && !is_on_gpu)
        TRY(searching_bytes(model, &here, arena, &units, err));
    else
        units = answering_bytes(model, &here);
    *out = PROGRAM_BYTES + (model->tokenizer ? tokenizer_bytes(model->tokenizer) : 0) +
           size.weight_bytes + size.mapped_bytes - unread_bytes(model, &here) + kept + units +
           here.n_threads * worker_bytes(model);
    return STATUS_OK;
}

static Status tuning_bytes(const Model *model, const Asked *asked, Arena *arena, uint64_t *out,
                           Error *err)
{
    const Tape *tape = &model->tape;
    const size_t batch_tokens = asked->n_sequences * asked->longest;
    bool *trained = NULL;
    Program *program = NULL;
    uint64_t moments = 0, dense = 0, row_cols = 0;
    TRY(arena_take(arena, tape->n_params, sizeof *trained, "parameters", &trained, err));
    for (size_t i = 0; i < tape->n_params; i++) {
        trained[i] = true;
        if (tape->params[i].source != PARAM_TRAINED) continue;
        const size_t floats = param_packed_floats(&tape->params[i], true);
        moments += floats;
        if (tape->params[i].is_gathered)
            row_cols = tape->params[i].cols;
        else
            dense += floats;
    }
    const ProgramOptions options = {.is_training = true, .trained = trained, .dropout = -1};
    TRY(program_build(tape, &options, arena, &program, err));
    const size_t unit = size_min(size_max(asked->longest, TRAIN_UNIT_TOKENS), batch_tokens);
    *out = 2 * model_size(model).f32_bytes +
           asked->n_threads * unit_bytes(program, extent_for(model, unit, asked->longest), true) +
           (2 * moments + 4 * dense + batch_tokens * row_cols) * sizeof(float);
    return STATUS_OK;
}

Status model_memory(const Model *model, size_t n_threads, size_t longest_tokens,
                    size_t batch_tokens, ModelMemory *out, Error *err)
{
    Arena arena = {0};
    const size_t longest = size_max(longest_tokens, 1);
    const Asked asked = {.n_threads = size_max(n_threads, 1),
                         .longest = longest,
                         .n_sequences = size_max((batch_tokens + longest - 1) / longest, 1)};
    uint64_t tuning = 0;
    Status s = predicting_bytes(model, &asked, &arena, &out->predict_bytes, err);
    if (s == STATUS_OK) s = tuning_bytes(model, &asked, &arena, &tuning, err);
    // Answers between epochs, and what tuning has beside them.
    out->train_bytes =
        PROGRAM_BYTES + tuning + answering_bytes(model, &asked) + asked.n_threads * WORKER_BYTES;
    arena_release(&arena);
    return s;
}
