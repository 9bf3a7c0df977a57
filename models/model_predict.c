#include <math.h>
#include <string.h>

#include "base/size.h"
#include "models/architecture.h"
#include "models/model_internal.h"

// Tokens of a unit: enough for the products to run at full speed, few enough for the cache (500 to 1,000).
enum { UNIT_TOKENS = 768, SMALLEST_UNIT_TOKENS = 128, UNITS_A_THREAD = 4 };
enum { UNIT_LOGITS = 4 << 20 };
// On a GPU every step of a unit is a launch of some microseconds, and small products leave most of it idle: units are as
// large as this many tokens, or as values of that many bytes hold.
enum { GPU_UNIT_TOKENS = 16384, GPU_UNIT_BYTES = 512 << 20 };

static bool is_on_gpu(const Model *model)
{
    return model->exec_options.device.kind == DEVICE_CUDA;
}

size_t model_unit_tokens(const Model *model)
{
    size_t tokens = GPU_UNIT_TOKENS;
    if (!is_on_gpu(model)) {
        // Logits over a large vocabulary are the largest thing in a unit.
        const ModelHead head = model->config.head;
        const bool is_wide =
            (head == HEAD_CAUSAL_LM || (head == HEAD_MASKED_LM && !model->config.one_token)) &&
            model->config.vocab_size > 0;
        const size_t rows = is_wide ? UNIT_LOGITS / model->config.vocab_size : UNIT_TOKENS;
        return size_min(UNIT_TOKENS, size_max(rows, SMALLEST_UNIT_TOKENS));
    }
    for (; tokens / 2 >= UNIT_TOKENS; tokens /= 2) {
        const Extent extent = {.n_relative = model->tape.n_relative,
                               .n_tokens = tokens,
                               .n_sequences = tokens / 2,
                               .n_outputs = tokens,
                               .n_targets = tokens};
        if (program_buffer_floats(model->program, extent) <= GPU_UNIT_BYTES / sizeof(float)) break;
    }
    return tokens;
}

size_t predict_unit_tokens(const Model *model, size_t n_tokens, size_t n_threads)
{
    const size_t most = model_unit_tokens(model);
    const size_t share = n_tokens / (UNITS_A_THREAD * n_threads);
    return is_on_gpu(model) ? most : size_min(most, size_max(SMALLEST_UNIT_TOKENS, share));
}

size_t model_output_width(const Model *model)
{
    const ModelConfig *c = &model->config;
    if (c->head != HEAD_EMBEDDING) return c->n_labels;
    if (c->embedding.n_layers > 0) return c->embedding.layers[c->embedding.n_layers - 1].n_out;
    return c->embedding_dims > 0 ? c->embedding_dims : c->hidden_size;
}

static bool is_by_sequence(const Model *model)
{
    const ModelConfig *c = &model->config;
    return c->head == HEAD_EMBEDDING || c->head == HEAD_SEQUENCE || c->one_token;
}

// Output rows of one input.
static size_t rows_of(const Model *model, const TokenSequence *input)
{
    if (is_by_sequence(model)) return 1;
    return model->config.head == HEAD_SEQ2SEQ ? input->n_targets : input->n_tokens;
}

size_t model_output_rows(const Model *model, const TokenSequence *inputs, size_t n_inputs)
{
    size_t rows = 0;
    for (size_t i = 0; i < n_inputs; i++) rows += rows_of(model, &inputs[i]);
    return rows;
}

static Status check_ids(const int32_t *ids, size_t n, size_t limit, const char *what, Error *err)
{
    for (size_t t = 0; t < n; t++) {
        if (ids[t] >= 0 && (size_t)ids[t] < limit) continue;
        return error_set(err, STATUS_INVALID, "%s %d of token %zu is outside 0..%zu", what, ids[t],
                         t, limit - 1);
    }
    return STATUS_OK;
}

static Status check_targets(const ModelConfig *c, const TokenSequence *input, Error *err)
{
    if (c->head != HEAD_SEQ2SEQ) return STATUS_OK;
    if (input->n_targets == 0)
        return error_set(err, STATUS_INVALID, "there are no target tokens for the decoder");
    if (input->n_targets > c->max_positions) {
        return error_set(err, STATUS_INVALID,
                         "%zu target tokens, but the model takes at most %zu: truncate them",
                         input->n_targets, c->max_positions);
    }
    return check_ids(input->target_ids, input->n_targets, model_config_target_vocab(c), "target id",
                     err);
}

// Without an end there is nothing to classify.
static Status check_end(const ModelConfig *c, const TokenSequence *input, Error *err)
{
    size_t end;
    if (c->head != HEAD_SEQUENCE || c->architecture->classified != CLASSIFIED_END ||
        model_find_end(c, input, &end))
        return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "no token is %d (eos_token_id), at whose place the model tells the class: end "
                     "the text with it",
                     c->n_eos > 0 ? c->eos_ids[0] : c->architecture->end_id);
}

static Status check_input(const ModelConfig *c, const TokenSequence *input, Error *err)
{
    if (input->n_tokens == 0) return error_set(err, STATUS_INVALID, "there are no tokens");
    if (input->n_tokens > c->max_positions) {
        return error_set(err, STATUS_INVALID,
                         "%zu tokens, but the model takes at most %zu: truncate them",
                         input->n_tokens, c->max_positions);
    }
    TRY(check_ids(input->ids, input->n_tokens, c->vocab_size, "id", err));
    TRY(check_targets(c, input, err));
    TRY(check_end(c, input, err));
    if (input->chosen >= input->n_tokens) {
        return error_set(err, STATUS_INVALID, "token %zu is asked about, but there are %zu",
                         input->chosen, input->n_tokens);
    }
    // A model without types, as DistilBERT, takes those of the tokenizer for nothing.
    if (!input->type_ids || c->type_vocab_size == 0) return STATUS_OK;
    return check_ids(input->type_ids, input->n_tokens, c->type_vocab_size, "type id", err);
}

Status model_check_inputs(const Model *model, const TokenSequence *inputs, size_t n_inputs,
                          Error *err)
{
    for (size_t i = 0; i < n_inputs; i++) {
        const Status s = check_input(&model->config, &inputs[i], err);
        if (s == STATUS_OK) continue;
        return n_inputs > 1 ? error_wrap(err, "input %zu", i) : s;
    }
    return STATUS_OK;
}

// ---- a call ----

typedef struct Prediction {
    Model *model;
    const TokenSequence *inputs;
    const TokenSequence **sorted; // as the cut orders them
    UnitCut cut;
    const size_t *row_of; // [n_inputs] first output row of each
    const atomic_int *cancel;
    float *logits;
    ModelTake take; // in the place of logits, of a single input
    void *context;
    const ProgramHelp *help; // of a single unit
} Prediction;

// The output's rows on the host.
static Status output_rows(Worker *worker, const Tensor *output, const float **out, Error *err)
{
    *out = output->data;
    if (output->device.kind == DEVICE_CPU) return STATUS_OK;
    const size_t n = output->rows * output->row_stride;
    if (n > worker->n_rows) {
        float *rows = malloc(n * sizeof *rows);
        if (!rows) return error_set_memory(err, n, sizeof *rows, "output rows");
        free(worker->rows);
        worker->rows = rows;
        worker->n_rows = n;
    }
    TRY(exec_download(worker->exec, worker->rows, output->data, n * sizeof *worker->rows, err));
    *out = worker->rows;
    return exec_wait(worker->exec, err);
}

// Where the output of sequence i of a unit begins.
static size_t first_row(const Model *model, const Unit *unit, size_t i)
{
    if (is_by_sequence(model)) return i;
    return (size_t)(model->config.head == HEAD_SEQ2SEQ ? unit->target_offsets : unit->offsets)[i];
}

// Hands out rows [at, at + output->rows) of the output of a unit, whose inputs are those from `begin` on.
static Status hand_out(const Prediction *p, const Unit *unit, size_t begin, size_t at,
                       const Tensor *output, Worker *worker, Error *err)
{
    const float *rows = NULL;
    TRY(output_rows(worker, output, &rows, err));
    if (p->take) return p->take(p->context, rows, output->rows, output->row_stride, err);
    for (size_t i = 0; i < unit->n_sequences; i++) {
        const size_t input = p->cut.order[begin + i], first = first_row(p->model, unit, i);
        const size_t end =
            size_min(first + rows_of(p->model, &p->inputs[input]), at + output->rows);
        for (size_t r = size_max(first, at); r < end; r++) {
            memcpy(p->logits + (p->row_of[input] + r - first) * output->cols,
                   rows + (r - at) * output->row_stride, output->cols * sizeof *rows);
        }
    }
    return STATUS_OK;
}

// Logits of a large vocabulary are the largest thing in a unit: some rows at a time, as where texts are written. A GPU has the
// memory, and is slow with few rows.
static bool goes_by_part(const Model *model)
{
    return model->program->n_body < model->program->n_forward && !is_on_gpu(model);
}

static Status predict_parts(const Prediction *p, ProgramRun *run, size_t begin, Worker *worker,
                            Error *err)
{
    Tensor output = {0};
    TRY(program_body(run, err));
    for (size_t at = 0; at < run->n_outputs; at += output.rows) {
        TRY(program_outputs(run, at, &output, err));
        TRY(hand_out(p, &run->unit, begin, at, &output, worker, err));
    }
    return STATUS_OK;
}

static Status predict_unit(const Prediction *p, size_t unit, Worker *worker, Error *err)
{
    const size_t begin = p->cut.starts[unit], n = p->cut.starts[unit + 1] - begin;
    ProgramRun run = {.program = p->model->program,
                      .exec = worker->exec,
                      .memory = &worker->memory,
                      .weights = p->model->weights,
                      .help = p->help};
    TRY(worker_gather(worker, &p->model->config, p->sorted + begin, n, &run.unit, err));
    if (goes_by_part(p->model)) run.unit.outputs_at_once = PROGRAM_OUTPUTS_AT_ONCE;
    TRY(program_bind(&run, err));
    if (goes_by_part(p->model)) return predict_parts(p, &run, begin, worker, err);
    TRY(program_forward(&run, err));
    const Tensor output = program_output(&run);
    return hand_out(p, &run.unit, begin, 0, &output, worker, err);
}

static Status predict_job(void *context, size_t unit, size_t worker, Error *err)
{
    const Prediction *p = context;
    if (p->cancel && atomic_load_explicit(p->cancel, memory_order_relaxed))
        return error_set(err, STATUS_CANCELLED, "stopped");
    return predict_unit(p, unit, &p->model->workers[worker], err);
}

static Status prepare(Prediction *p, Arena *arena, size_t n_inputs, size_t n_threads, Error *err)
{
    size_t n_tokens = 0, rows = 0;
    size_t *row_of = NULL;
    TRY(arena_take(arena, n_inputs, sizeof *row_of, "output rows", &row_of, err));
    TRY(arena_take(arena, n_inputs, sizeof *p->sorted, "inputs", &p->sorted, err));
    for (size_t i = 0; i < n_inputs; i++) {
        row_of[i] = rows;
        rows += rows_of(p->model, &p->inputs[i]);
        n_tokens += sequence_rows(&p->inputs[i]);
    }
    p->row_of = row_of;
    TRY(units_by_length(arena, p->inputs, n_inputs,
                        predict_unit_tokens(p->model, n_tokens, n_threads), &p->cut, err));
    for (size_t i = 0; i < n_inputs; i++) p->sorted[i] = &p->inputs[p->cut.order[i]];
    return model_want_workers(p->model, n_threads, err);
}

// One thread feeds a GPU: a second stream would take its memory twice and wait for the same multiprocessors.
static Status predict_units(Prediction *p, Pool *pool, Error *err)
{
    if (is_on_gpu(p->model)) return pool_try(NULL, p->cut.n_units, predict_job, p, err);
    return model_run_units(p->model, pool, p->cut.n_units, predict_job, p, &p->help, err);
}

static Status predict(Prediction *p, Pool *pool, size_t n_inputs, Error *err)
{
    Arena arena = {0};
    TRY(model_check_inputs(p->model, p->inputs, n_inputs, err));
    Status s = prepare(p, &arena, n_inputs, is_on_gpu(p->model) ? 1 : pool_threads(pool), err);
    if (s == STATUS_OK) s = predict_units(p, pool, err);
    arena_release(&arena);
    return s;
}

Status model_predict(Model *model, Pool *pool, const TokenSequence *inputs, size_t n_inputs,
                     const atomic_int *cancel, float *logits, Error *err)
{
    Prediction p = {.model = model, .inputs = inputs, .cancel = cancel, .logits = logits};
    return predict(&p, pool, n_inputs, err);
}

Status model_predict_once(Model *model, Pool *pool, const TokenSequence *input,
                          const atomic_int *cancel, ModelTake take, void *context, Error *err)
{
    Prediction p = {
        .model = model, .inputs = input, .cancel = cancel, .take = take, .context = context};
    return predict(&p, pool, 1, err);
}

// The last label of as many as there are, pads and what is ignored aside.
static int32_t last_label(const ModelConfig *c, const int32_t *labels, size_t n)
{
    size_t n_there = 0;
    for (size_t i = 0; i < n; i++) n_there += labels[i] >= 0 && labels[i] != c->pad_id;
    return n_there > 0 ? labels[n_there - 1] : c->decoder.start_id;
}

Status model_shift_right(const Model *model, const int32_t *labels, size_t n, int32_t *ids,
                         Error *err)
{
    const ModelConfig *c = &model->config;
    const int32_t start =
        c->decoder.starts_with_last ? last_label(c, labels, n) : c->decoder.start_id;
    for (size_t i = 0; i < n; i++) {
        ids[i] = i == 0 ? start : labels[i - 1];
        if (ids[i] >= 0) continue;
        if (c->pad_id < 0) {
            return error_set(err, STATUS_INVALID,
                             "label %zu is ignored, and config.json has no pad_token_id that the "
                             "decoder could read in its place",
                             i - 1);
        }
        ids[i] = c->pad_id;
    }
    return STATUS_OK;
}

void model_probabilities(const float *logits, size_t n_rows, size_t n_classes,
                         double *probabilities)
{
    for (size_t i = 0; i < n_rows; i++, logits += n_classes, probabilities += n_classes) {
        double highest = -INFINITY, sum = 0;
        // gcc 12 for aarch64 cannot compile an fmax of converted floats here.
        for (size_t j = 0; j < n_classes; j++) {
            if ((double)logits[j] > highest) highest = (double)logits[j];
        }
        for (size_t j = 0; j < n_classes; j++)
            sum += probabilities[j] = exp((double)logits[j] - highest);
        for (size_t j = 0; j < n_classes; j++) probabilities[j] /= sum;
    }
}

void model_normalize_rows(float *rows, size_t n_rows, size_t width)
{
    for (size_t i = 0; i < n_rows; i++, rows += width) {
        double sum = 0;
        for (size_t j = 0; j < width; j++) sum += (double)rows[j] * (double)rows[j];
        const double scale = sum > 0 ? 1.0 / sqrt(sum) : 0.0;
        for (size_t j = 0; j < width; j++) rows[j] = (float)((double)rows[j] * scale);
    }
}

// The encoder with an embedding on top has the same parameters at the same places, and hidden states of every token. A table
// that is an output layer too lies in panels, so a masked LM keeps its head.
static Status hidden_program(const Model *model, Arena *arena, Tape *tape, Program **program,
                             Error *err)
{
    ModelConfig config = model->config;
    if (config.head != HEAD_SEQ2SEQ && config.head != HEAD_MASKED_LM) config.head = HEAD_EMBEDDING;
    config.embedding.pool = POOL_MEAN;
    config.one_token = false;
    *tape = tape_begin(arena, model->tape.weight_layout);
    model_record(&config, tape);
    TRY(tape_finish(tape, err));
    const ProgramOptions options = {.keeps_hidden = true};
    return program_build(tape, &options, arena, program, err);
}

Status model_hidden_states(Model *model, const TokenSequence *input, float *hidden, Error *err)
{
    Arena arena = {0};
    Tape tape;
    WorkerMemory memory = {0};
    Worker *worker = &model->workers[0];
    ProgramRun run = {.exec = worker->exec, .memory = &memory, .weights = model->weights};
    Program *program = NULL;
    TRY(model_check_inputs(model, input, 1, err));
    Status s = hidden_program(model, &arena, &tape, &program, err);
    if (s != STATUS_OK) goto done;
    run.program = program;
    s = worker_gather(worker, &model->config, &input, 1, &run.unit, err);
    if (s == STATUS_OK) s = program_bind(&run, err);
    if (s == STATUS_OK) s = program_forward(&run, err);
    for (size_t k = 0; s == STATUS_OK && k < tape.n_hidden; k++) {
        const Tensor t = program_hidden(&run, k);
        s = exec_download(worker->exec, hidden, t.data, t.rows * t.cols * sizeof *hidden, err);
        hidden += t.rows * t.cols;
    }
    if (s == STATUS_OK) s = exec_wait(worker->exec, err);
done:
    worker_memory_release(&memory, worker->exec);
    arena_release(&arena);
    return s;
}
