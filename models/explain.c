#include "models/explain.h"

#include <math.h>
#include <string.h>

#include "base/size.h"
#include "models/architecture.h"
#include "models/model_internal.h"

enum { UNIT_TOKENS = 512 }; // of points that go through the program together

const char *explain_method_name(ExplainMethod method)
{
    static const char *const names[] = {[EXPLAIN_INTEGRATED_GRADIENTS] = "integrated-gradients",
                                        [EXPLAIN_GRADIENT_INPUT] = "gradient-x-input"};
    return names[method];
}

int32_t explain_baseline_id(const Tokenizer *tokenizer)
{
    static const SpecialToken tokens[] = {SPECIAL_PAD, SPECIAL_MASK, SPECIAL_UNK};
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        const int32_t id = tokenizer_special(tokenizer, tokens[i]);
        if (id != TOKEN_NONE) return id;
    }
    return TOKEN_NONE;
}

// A point between baseline (0) and text (1), and the weight of its gradient in the sum.
typedef struct Point {
    double at, weight;
} Point;

// One request on its way. Points of a unit are consecutive.
typedef struct Explaining {
    const ExplainRequest *request;
    double *scores;    // [n_points]
    double *slopes;    // [n_points, n_tokens] of f along x - x' (or x) at each token
    size_t first_unit; // of all
    size_t n_per_unit; // points
} Explaining;

typedef struct Explainer {
    Model *model;
    const ExplainOptions *options;
    const atomic_int *cancel;
    Arena arena;
    const Program *program;
    size_t table; // the parameter of word embeddings
    bool rereads; // a decoder reads the text a second time, by the same table
    Point *points;
    size_t n_points;
    Explaining *requests;
    size_t n_requests, n_units;
} Explainer;

static const float *embedding_of(const Explainer *e, int32_t id)
{
    const Param *table = &e->model->tape.params[e->table];
    return e->model->weights + table->offset + (size_t)id * table->cols;
}

// ---- the integral ----

// Nodes and weights on [0, 1], ascending: zeros of Legendre's polynomial by Newton's method from Chebyshev's guess (Press et
// al., Numerical Recipes, section 4.6).
static void gauss_legendre(size_t n, Point *out)
{
    for (size_t i = 0; i < n; i++) {
        double x = cos(3.14159265358979323846 * ((double)i + 0.75) / ((double)n + 0.5)), slope = 1;
        for (int round = 0; round < 100; round++) {
            double p = 1, before = 0;
            for (size_t k = 1; k <= n; k++) {
                const double older = before, degree = (double)k;
                before = p;
                p = ((2 * degree - 1) * x * before - (degree - 1) * older) / degree;
            }
            slope = (double)n * (x * p - before) / (x * x - 1);
            const double step = p / slope;
            x -= step;
            if (fabs(step) < 1e-15) break;
        }
        out[n - 1 - i] = (Point){0.5 * (1 + x), 1 / ((1 - x * x) * slope * slope)};
    }
}

// From a baseline of zeros a norm that only scales sees the whole text as soon as it has left it (where the square of the way
// outgrows its epsilon), and f changes within the first hundredths of the way: there the points are to be. The same integral, with
// the way as t^3.
static void grade_points(Point *points, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const double t = points[i].at;
        points[i] = (Point){t * t * t, points[i].weight * 3 * t * t};
    }
}

static bool is_nothing(const float *row, size_t cols)
{
    for (size_t c = 0; c < cols; c++) {
        if (row[c] != 0) return false;
    }
    return true;
}

static bool begins_at_nothing(const Explainer *e, const ExplainRequest *requests, size_t n)
{
    const Param *table = &e->model->tape.params[e->table];
    for (size_t i = 0; i < n; i++) {
        const int32_t id = requests[i].baseline_id;
        if (id >= 0 && (size_t)id < table->rows && is_nothing(embedding_of(e, id), table->cols))
            return true;
    }
    return false;
}

// Those of the method, then both ends, whose scores alone are wanted.
static Status choose_points(Explainer *e, const ExplainRequest *requests, size_t n_requests,
                            Error *err)
{
    const bool is_integral = e->options->method == EXPLAIN_INTEGRATED_GRADIENTS;
    const size_t n = !is_integral               ? 0
                     : e->options->n_steps == 0 ? EXPLAIN_DEFAULT_STEPS
                                                : e->options->n_steps;
    if (n > EXPLAIN_MAX_STEPS)
        return error_set(err, STATUS_INVALID, "an integral of %zu steps; at most %d are taken", n,
                         EXPLAIN_MAX_STEPS);
    TRY(arena_take(&e->arena, n + 2, sizeof *e->points, "points", &e->points, err));
    gauss_legendre(n, e->points);
    if (begins_at_nothing(e, requests, n_requests)) grade_points(e->points, n);
    e->n_points = n;
    e->points[e->n_points++] = (Point){.at = 1, .weight = is_integral ? 0 : 1};
    if (is_integral) e->points[e->n_points++] = (Point){.at = 0, .weight = 0};
    return STATUS_OK;
}

// ---- one unit ----

// Whose embedding a token has in the baseline: that of nothing, its own, or (the other method) none at all.
static const float *baseline_of(const Explainer *e, const ExplainRequest *request, size_t token)
{
    if (e->options->method == EXPLAIN_GRADIENT_INPUT) return NULL;
    const bool is_kept = request->is_kept && request->is_kept[token];
    return embedding_of(e, is_kept ? request->input->ids[token] : request->baseline_id);
}

// Of a decoder that reads the text one place later: the row that each of its tokens takes. Before the first stands the last one of
// the text, which is moved with it, or a token of the decoder's own, whose row is `start`.
static void place_targets(const Explainer *e, const TokenSequence *input, int32_t first,
                          int32_t start, int32_t *rows)
{
    const ModelConfig *config = &e->model->config;
    rows[0] = config->decoder.starts_with_last ? first + (int32_t)model_last_of_text(config, input)
                                               : start;
    for (size_t t = 1; t < input->n_tokens; t++) rows[t] = first + (int32_t)t - 1;
}

static void place_rows(const Explainer *e, const ExplainRequest *request, double at, float *rows)
{
    const size_t cols = e->model->tape.params[e->table].cols;
    for (size_t t = 0; t < request->input->n_tokens; t++, rows += cols) {
        const float *x = embedding_of(e, request->input->ids[t]);
        const float *from = baseline_of(e, request, t);
        for (size_t c = 0; c < cols; c++)
            rows[c] = from && at < 1
                          ? (float)((double)from[c] + at * ((double)x[c] - (double)from[c]))
                          : x[c];
    }
}

static void read_slopes(const Explainer *e, const ExplainRequest *request, const float *gradients,
                        double *slopes)
{
    const size_t cols = e->model->tape.params[e->table].cols;
    for (size_t t = 0; t < request->input->n_tokens; t++, gradients += cols) {
        const float *x = embedding_of(e, request->input->ids[t]);
        const float *from = baseline_of(e, request, t);
        slopes[t] = 0;
        for (size_t c = 0; c < cols; c++)
            slopes[t] += ((double)x[c] - (from ? (double)from[c] : 0)) * (double)gradients[c];
    }
}

static float *at(const Tensor *t, size_t row, size_t col)
{
    return (float *)t->data + row * t->row_stride + col;
}

// f of each point, and 1 where its gradient begins.
static void seed_gradient(const Explainer *e, const ExplainRequest *request, const Tensor *logits,
                          const Tensor *gradient, size_t n, double *scores)
{
    const size_t rows = model_output_rows(e->model, request->input, 1);
    for (size_t i = 0; i < gradient->rows; i++)
        memset(at(gradient, i, 0), 0, gradient->cols * sizeof(float));
    for (size_t k = 0; k < n; k++) {
        scores[k] = 0;
        for (size_t i = 0; i < request->n_targets; i++) {
            const ExplainTarget *target = &request->targets[i];
            scores[k] += (double)*at(logits, k * rows + target->row, target->column);
            *at(gradient, k * rows + target->row, target->column) += 1;
        }
    }
}

static Status run_points(Explainer *e, const Explaining *ex, size_t begin, size_t n, Worker *worker,
                         Arena *scratch, Error *err)
{
    const ExplainRequest *request = ex->request;
    const size_t n_tokens = request->input->n_tokens, cols = e->model->tape.params[e->table].cols;
    const TokenSequence **inputs = NULL;
    const size_t start = n * n_tokens, n_rows = start + e->rereads; // the decoder's own token last
    int32_t *row_of_token = NULL, *row_of_target = NULL;
    float *rows = NULL, *gradients = NULL;
    size_t n_floats;
    if (!size_mul(n_rows, cols, &n_floats))
        return error_set_memory(err, n_rows, cols, "embeddings");
    TRY(arena_take(scratch, n, sizeof *inputs, "points", &inputs, err));
    TRY(arena_take(scratch, n * n_tokens, sizeof *row_of_token, "rows", &row_of_token, err));
    TRY(arena_take(scratch, n_floats, sizeof *rows, "embeddings", &rows, err));
    TRY(arena_take(scratch, n_floats, sizeof *gradients, "gradients", &gradients, err));
    TRY(arena_take(scratch, n * n_tokens, sizeof *row_of_target, "rows", &row_of_target, err));
    for (size_t k = 0; k < n; k++) {
        inputs[k] = request->input;
        place_rows(e, request, e->points[begin + k].at, rows + k * n_tokens * cols);
        place_targets(e, request->input, (int32_t)(k * n_tokens), (int32_t)start,
                      row_of_target + k * n_tokens);
    }
    if (e->rereads && !e->model->config.decoder.starts_with_last)
        memcpy(rows + start * cols, embedding_of(e, e->model->config.decoder.start_id),
               cols * sizeof *rows);
    for (size_t i = 0; i < n * n_tokens; i++) row_of_token[i] = (int32_t)i;
    ProgramRun run = {.program = e->program,
                      .exec = worker->exec,
                      .memory = &worker->train_memory,
                      .weights = e->model->weights};
    TRY(worker_gather(worker, &e->model->config, inputs, n, &run.unit, err));
    run.unit.row_of_token = row_of_token;
    run.unit.row_of_target = e->rereads ? row_of_target : NULL;
    run.unit.row_values = rows;
    run.unit.row_gradients = gradients;
    run.unit.n_rows = n_rows;
    TRY(program_bind(&run, err));
    TRY(program_forward(&run, err));
    const Tensor logits = program_output(&run), gradient = program_output_gradient(&run);
    seed_gradient(e, request, &logits, &gradient, n, ex->scores + begin);
    TRY(program_backward(&run, err));
    for (size_t k = 0; k < n; k++)
        read_slopes(e, request, gradients + k * n_tokens * cols,
                    ex->slopes + (begin + k) * n_tokens);
    return STATUS_OK;
}

static Status unit_job(void *context, size_t unit, size_t worker, Error *err)
{
    Explainer *e = context;
    Arena scratch = {0};
    size_t i = 0;
    if (e->cancel && atomic_load(e->cancel))
        return error_set(err, STATUS_CANCELLED, "stopped while answers were explained");
    while (i + 1 < e->n_requests && e->requests[i + 1].first_unit <= unit) i++;
    const Explaining *ex = &e->requests[i];
    const size_t begin = (unit - ex->first_unit) * ex->n_per_unit;
    const Status s = run_points(e, ex, begin, size_min(ex->n_per_unit, e->n_points - begin),
                                &e->model->workers[worker], &scratch, err);
    arena_release(&scratch);
    return s;
}

// ---- all ----

// The table of the text's words; SIZE_MAX where there is none.
static size_t words_of(const Tape *tape)
{
    for (size_t i = 0; i < tape->n_nodes; i++) {
        const TapeNode *node = &tape->nodes[i];
        if (node->op == OP_EMBEDDING && !node->as.embedding.is_by_position &&
            tape->slots[node->out].domain == ROWS_TOKENS)
            return (size_t)node->params[0];
    }
    return SIZE_MAX;
}

// The table of word embeddings, whose gradient a program can give token by token.
static Status find_table(Explainer *e, Error *err)
{
    const Model *model = e->model;
    const ModelHead head = model->config.head;
    e->table = words_of(&model->tape);
    e->rereads = model_config_rereads_source(&model->config);
    if (model->exec_options.device.kind != DEVICE_CPU)
        return error_set(err, STATUS_INVALID, "answers are explained on the CPU: --device cpu");
    if (head != HEAD_SEQUENCE && head != HEAD_TOKEN && head != HEAD_SPAN)
        return error_set(err, STATUS_INVALID,
                         "classes, tags and spans can be explained, but the model's head is %s",
                         model_head_name(head));
    if (e->rereads && model->config.decoder.has_own_table)
        return error_set(err, STATUS_INVALID,
                         "a decoder that reads the text a second time, by a table of words of its "
                         "own, cannot be explained");
    bool is_f32 = e->table != SIZE_MAX && model->tape.params[e->table].layout == LAYOUT_ROWS &&
                  !model->keeps_stored && !model->is_mapped;
    for (size_t i = 0; i < model->tape.n_params; i++)
        is_f32 = is_f32 && model->tape.params[i].dtype == DTYPE_F32;
    if (!is_f32)
        return error_set(err, STATUS_INVALID,
                         "a model whose weights are kept as stored, or in few bits, cannot be "
                         "explained: it wants them as 32-bit numbers");
    return STATUS_OK;
}

static Status make_program(Explainer *e, Error *err)
{
    const Tape *tape = &e->model->tape;
    bool *trained = NULL;
    Program *program = NULL;
    TRY(arena_take(&e->arena, tape->n_params, sizeof *trained, "parameters", &trained, err));
    trained[e->table] = true;
    const ProgramOptions options = {
        .is_training = true, .trained = trained, .by_row = trained, .dropout = 0};
    TRY(program_build(tape, &options, &e->arena, &program, err));
    e->program = program;
    return STATUS_OK;
}

static Status check_request(const Explainer *e, const ExplainRequest *request, Error *err)
{
    const Param *table = &e->model->tape.params[e->table];
    TRY(model_check_inputs(e->model, request->input, 1, err));
    const size_t rows = model_output_rows(e->model, request->input, 1);
    const bool has_baseline =
        e->options->method == EXPLAIN_GRADIENT_INPUT ||
        (request->baseline_id >= 0 && (size_t)request->baseline_id < table->rows);
    if (!has_baseline)
        return error_set(err, STATUS_INVALID, "the baseline's id %d is outside the vocabulary",
                         request->baseline_id);
    for (size_t i = 0; i < request->n_targets; i++) {
        if (request->targets[i].row < rows &&
            request->targets[i].column < model_output_width(e->model))
            continue;
        return error_set(err, STATUS_INVALID, "score %zu of row %zu is none of the model's",
                         request->targets[i].column, request->targets[i].row);
    }
    if (request->n_targets > 0) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "an explanation wants a score to explain");
}

static Status plan_requests(Explainer *e, const ExplainRequest *requests, size_t n, Error *err)
{
    TRY(arena_take(&e->arena, n, sizeof *e->requests, "explanations", &e->requests, err));
    for (size_t i = 0; i < n; i++) {
        Explaining *ex = &e->requests[i];
        const Status s = check_request(e, &requests[i], err);
        if (s != STATUS_OK) return error_wrap(err, "explanation %zu", i);
        const size_t n_tokens = requests[i].input->n_tokens;
        *ex = (Explaining){.request = &requests[i],
                           .first_unit = e->n_units,
                           .n_per_unit = size_max(UNIT_TOKENS / n_tokens, 1)};
        TRY(arena_take(&e->arena, e->n_points, sizeof *ex->scores, "scores", &ex->scores, err));
        TRY(arena_take(&e->arena, e->n_points * n_tokens, sizeof *ex->slopes, "slopes", &ex->slopes,
                       err));
        e->n_units += (e->n_points + ex->n_per_unit - 1) / ex->n_per_unit;
        e->n_requests++;
    }
    return STATUS_OK;
}

static Status finish_one(const Explainer *e, const Explaining *ex, Arena *arena, Explanation *out,
                         Error *err)
{
    const size_t n = ex->request->input->n_tokens;
    const bool is_integral = e->options->method == EXPLAIN_INTEGRATED_GRADIENTS;
    double sum = 0;
    *out = (Explanation){.value = ex->scores[e->n_points - 1 - is_integral],
                         .baseline = is_integral ? ex->scores[e->n_points - 1] : (double)NAN};
    TRY(arena_take(arena, n, sizeof *out->attributions, "attributions", &out->attributions, err));
    for (size_t k = 0; k < e->n_points; k++) {
        for (size_t t = 0; e->points[k].weight > 0 && t < n; t++)
            out->attributions[t] += e->points[k].weight * ex->slopes[k * n + t];
    }
    for (size_t t = 0; t < n; t++) sum += out->attributions[t];
    out->completeness_error = is_integral ? sum - (out->value - out->baseline) : (double)NAN;
    return STATUS_OK;
}

Status model_explain(Model *model, Pool *pool, const ExplainRequest *requests, size_t n,
                     const ExplainOptions *options, const atomic_int *cancel, Arena *arena,
                     Explanation *out, Error *err)
{
    static const ExplainOptions defaults = {0};
    Explainer e = {.model = model, .options = options ? options : &defaults, .cancel = cancel};
    Status s = find_table(&e, err);
    if (s == STATUS_OK) s = choose_points(&e, requests, n, err);
    if (s == STATUS_OK) s = make_program(&e, err);
    if (s == STATUS_OK) s = model_want_workers(model, pool_threads(pool), err);
    if (s == STATUS_OK) s = plan_requests(&e, requests, n, err);
    if (s == STATUS_OK) {
        s = pool_try(pool, e.n_units, unit_job, &e, err);
        // The slots stay with the workers; the program that they were laid out for goes.
        for (size_t i = 0; i < model->n_workers; i++) model->workers[i].train_memory.program = NULL;
    }
    for (size_t i = 0; s == STATUS_OK && i < n; i++)
        s = finish_one(&e, &e.requests[i], arena, &out[i], err);
    arena_release(&e.arena);
    return s;
}
