// Mixtures of experts: the rows of a unit sorted by the experts that they go to, and each expert's gated layer on its own rows.
//
//     y[t] = sum over k of down_e (w[t][k] act(gate_e x[t]) * up_e x[t]),  e = c[t][k], experts in ascending order
//
// and w[t][k] times the bias of down_e, where it has one. // So a row costs its own experts, and what it gets depends on it alone. An expert that no row goes to is not touched. The
// backward pass makes what stands inside the layers again instead of keeping it.
#include <assert.h>
#include <string.h>

#include "base/size.h"
#include "models/program/program_internal.h"

// Rows by expert: pair row * n_active + place of expert e stand at pairs[begins[e]] .. pairs[begins[e + 1] - 1], rows ascending.
typedef struct Mixture {
    const ProgramRun *run;
    const ProgramStep *step;
    GatedArgs gated;
    size_t n_experts, n_active, width, inner;
    const Tensor *x, *weights;
    size_t *begins, *pairs;
    size_t most; // rows of the busiest expert
} Mixture;

static Status sort_rows(Mixture *m, const Tensor *chosen, Error *err)
{
    const size_t n_pairs = chosen->rows * m->n_active, n_words = m->n_experts + 1 + n_pairs;
    m->begins = exec_scratch(m->run->exec, n_words * sizeof *m->begins);
    if (!m->begins) return error_set_memory(err, n_words, sizeof *m->begins, "experts' rows");
    m->pairs = m->begins + m->n_experts + 1;
    memset(m->begins, 0, (m->n_experts + 1) * sizeof *m->begins);
    for (int pass = 0; pass < 2; pass++) { // count, then place
        for (size_t i = 0; i < n_pairs; i++) {
            const float *row = (const float *)chosen->data + i / m->n_active * chosen->row_stride;
            const size_t e = (size_t)row[i % m->n_active];
            assert(e < m->n_experts);
            if (pass == 0)
                m->begins[e + 1]++;
            else
                m->pairs[m->begins[e]++] = i;
        }
        for (size_t e = 0; pass == 0 && e < m->n_experts; e++) {
            m->most = size_max(m->most, m->begins[e + 1]);
            m->begins[e + 1] += m->begins[e];
        }
    }
    // Placing has moved each beginning to the next one's.
    memmove(m->begins + 1, m->begins, m->n_experts * sizeof *m->begins);
    m->begins[0] = 0;
    return STATUS_OK;
}

static Status start(Mixture *m, const Tensor *chosen, Error *err)
{
    const TapeNode *node = &m->run->program->tape->nodes[m->step->node];
    m->gated = node->as.experts.gated;
    m->n_experts = node->as.experts.n;
    m->n_active = chosen->cols;
    m->width = m->x->cols;
    m->inner = m->run->program->tape->params[node->as.experts.list[0].weights[EXPERT_GATE]].rows;
    return sort_rows(m, chosen, err);
}

static float *row_of(const Tensor *t, size_t row)
{
    return (float *)t->data + row * t->row_stride;
}

// ---- rows of one expert ----

static void gather(const Mixture *m, size_t e, const Tensor *from, const Tensor *to)
{
    for (size_t i = 0; i < to->rows; i++)
        memcpy(row_of(to, i), row_of(from, m->pairs[m->begins[e] + i] / m->n_active),
               to->cols * sizeof(float));
}

static void scatter(const Mixture *m, size_t e, const Tensor *from, const Tensor *to)
{
    for (size_t i = 0; i < from->rows; i++) {
        const float *x = row_of(from, i);
        float *y = row_of(to, m->pairs[m->begins[e] + i] / m->n_active);
        for (size_t j = 0; j < from->cols; j++) y[j] += x[j];
    }
}

// The weight of row i of expert e, or its gradient.
static float *weight_at(const Mixture *m, size_t e, size_t i, const Tensor *weights)
{
    const size_t pair = m->pairs[m->begins[e] + i];
    return row_of(weights, pair / m->n_active) + pair % m->n_active;
}

static void weigh(const Mixture *m, size_t e, const Tensor *from, const Tensor *to)
{
    for (size_t i = 0; i < from->rows; i++) {
        const float w = *weight_at(m, e, i, m->weights), *x = row_of(from, i);
        float *y = row_of(to, i);
        for (size_t j = 0; j < from->cols; j++) y[j] = w * x[j];
    }
}

// An optional operand: empty where it is none.
static Tensor optional(const Mixture *m, const Operand *operand)
{
    return operand->kind == OPERAND_NONE ? (Tensor){0} : program_operand(m->run, operand);
}

// A layer of an expert; without the bias of the last one. next: what is multiplied by after that, or NULL.
static Status product(const Mixture *m, const Tensor *x, const ProgramExpert *expert, size_t which,
                      const Operand *next, const Tensor *y, Error *err)
{
    OpArgs args;
    memset(&args, 0, sizeof args);
    args.in[0] = *x;
    args.in[1] = program_operand(m->run, &expert->weights[which]);
    if (which != EXPERT_DOWN) args.in[2] = optional(m, &expert->biases[which]);
    args.out[0] = *y;
    if (next) args.as.linear.next = program_operand(m->run, next).data;
    return program_linear(m->run, &args, err);
}

static Status gate(const Mixture *m, const Tensor *a, const Tensor *b, const Tensor *y, Error *err)
{
    OpArgs args;
    memset(&args, 0, sizeof args);
    args.in[0] = *a;
    args.in[1] = *b;
    args.out[0] = *y;
    args.as.gated = m->gated;
    return op_run(m->run->exec, OP_GATED, DTYPE_F32, &args, err);
}

// The gate of the next expert that has rows.
static const Operand *next_gate(const Mixture *m, size_t e)
{
    for (e++; e < m->n_experts; e++) {
        if (m->begins[e + 1] > m->begins[e]) return &m->step->experts[e].weights[EXPERT_GATE];
    }
    return NULL;
}

static Tensor of_expert(const Mixture *m, size_t e, float *at, size_t cols)
{
    return tensor_f32(at, m->begins[e + 1] - m->begins[e], cols);
}

// Matrices of an expert's rows, of the outer and of the inner width.
typedef struct Room {
    size_t n_wide, n_inner;
} Room;

static const Room forward_room = {1, 2}, backward_room = {3, 5};

static float *take(const Mixture *m, Room room, Error *err)
{
    const size_t cols = room.n_wide * m->width + room.n_inner * m->inner;
    size_t n = 0;
    float *memory =
        size_mul(m->most, cols * sizeof *memory, &n) ? exec_scratch(m->run->exec, n) : NULL;
    if (!memory) (void)error_set_memory(err, m->most, cols * sizeof *memory, "experts' rows");
    return memory;
}

size_t program_expert_floats(const Tape *tape, size_t n_rows, bool is_training)
{
    const Room room = is_training ? backward_room : forward_room;
    size_t most = 0;
    for (size_t i = 0; i < tape->n_nodes; i++) {
        const TapeNode *node = &tape->nodes[i];
        if (node->op != NODE_EXPERTS) continue;
        const Param *gate = &tape->params[node->as.experts.list[0].weights[EXPERT_GATE]];
        most = size_max(most, room.n_wide * gate->cols + room.n_inner * gate->rows);
    }
    return n_rows * most;
}

// ---- forward ----

// Adds the last layer's bias to rows, times their weights.
static void add_bias(const Mixture *m, size_t e, const Tensor *rows)
{
    const Tensor bias = optional(m, &m->step->experts[e].biases[EXPERT_DOWN]);
    const float *b = bias.data;
    for (size_t i = 0; b && i < rows->rows; i++) {
        const float w = *weight_at(m, e, i, m->weights);
        float *y = row_of(rows, i);
        for (size_t j = 0; j < rows->cols; j++) y[j] += w * b[j];
    }
}

static Status run_expert(const Mixture *m, size_t e, float *memory, const Tensor *y, Error *err)
{
    const ProgramExpert *expert = &m->step->experts[e];
    const Operand *w = expert->weights;
    const Tensor rows = of_expert(m, e, memory, m->width),
                 a = of_expert(m, e, memory + m->most * m->width, m->inner),
                 b = of_expert(m, e, memory + m->most * (m->width + m->inner), m->inner);
    gather(m, e, m->x, &rows);
    TRY(product(m, &rows, expert, EXPERT_GATE, &w[EXPERT_UP], &a, err));
    TRY(product(m, &rows, expert, EXPERT_UP, &w[EXPERT_DOWN], &b, err));
    TRY(gate(m, &a, &b, &a, err));
    weigh(m, e, &a, &a);
    TRY(product(m, &a, expert, EXPERT_DOWN, next_gate(m, e), &rows, err));
    add_bias(m, e, &rows);
    scatter(m, e, &rows, y);
    return STATUS_OK;
}

static void clear(const Tensor *y)
{
    for (size_t i = 0; i < y->rows; i++) memset(row_of(y, i), 0, y->cols * sizeof(float));
}

Status program_experts(const ProgramRun *run, const ProgramStep *step, const OpArgs *args,
                       Error *err)
{
    Mixture m = {.run = run, .step = step, .x = &args->in[0], .weights = &args->in[1]};
    const size_t mark = exec_scratch_mark(run->exec);
    Status s = start(&m, &args->in[2], err);
    float *memory = s == STATUS_OK ? take(&m, forward_room, err) : NULL;
    if (!memory) s = STATUS_MEMORY;
    clear(&args->out[0]);
    for (size_t e = 0; s == STATUS_OK && e < m.n_experts; e++) {
        if (m.begins[e + 1] > m.begins[e]) s = run_expert(&m, e, memory, &args->out[0], err);
    }
    exec_scratch_release(run->exec, mark);
    return s;
}

// ---- backward ----

// dz of a layer y = x W^T: dx, where it is wanted, and dW added to its gradient.
static Status back(const Mixture *m, const Tensor *dy, const Tensor *x, const ProgramExpert *expert,
                   size_t which, const Tensor *dx, Error *err)
{
    OpArgs args;
    memset(&args, 0, sizeof args);
    args.in[0] = *dy;
    args.in[1] = *x;
    args.in[2] = program_operand(m->run, &expert->weights[which]);
    if (dx) args.out[0] = *dx;
    args.out[1] = program_operand(m->run, &expert->gradients[which]);
    if (which != EXPERT_DOWN) args.out[2] = optional(m, &expert->bias_gradients[which]);
    return program_linear_backward(m->run, &args, err);
}

static double dot(size_t n, const float *a, const float *b)
{
    double sum = 0;
    for (size_t j = 0; j < n; j++) sum += (double)a[j] * (double)b[j];
    return sum;
}

// d weight = sum over the row of d (weight * inner) * inner, and of dy * bias.
static void weight_gradients(const Mixture *m, size_t e, const Tensor *ds, const Tensor *inner,
                             const Tensor *dy, const Tensor *dw)
{
    const Tensor bias = optional(m, &m->step->experts[e].biases[EXPERT_DOWN]);
    for (size_t i = 0; i < ds->rows; i++) {
        double sum = dot(ds->cols, row_of(ds, i), row_of(inner, i));
        if (bias.data) sum += dot(dy->cols, row_of(dy, i), bias.data);
        *weight_at(m, e, i, dw) = (float)sum;
    }
}

// d bias of the last layer += weight * dy, row by row.
static void bias_gradient(const Mixture *m, size_t e, const Tensor *dy)
{
    const Tensor gradient = optional(m, &m->step->experts[e].bias_gradients[EXPERT_DOWN]);
    float *to = gradient.data;
    for (size_t i = 0; to && i < dy->rows; i++) {
        const float w = *weight_at(m, e, i, m->weights), *x = row_of(dy, i);
        for (size_t j = 0; j < dy->cols; j++) to[j] += w * x[j];
    }
}

static Status gate_backward(const Mixture *m, const Tensor *dy, const Tensor *a, const Tensor *b,
                            const Tensor *da, const Tensor *db, Error *err)
{
    OpArgs args;
    memset(&args, 0, sizeof args);
    args.in[0] = *dy;
    args.in[1] = *a;
    args.in[2] = *b;
    args.out[0] = *da;
    args.out[1] = *db;
    args.as.gated = m->gated;
    return op_run(m->run->exec, OP_GATED_BACKWARD, DTYPE_F32, &args, err);
}

// Places among one expert's rows: 3 of the outer width, then 5 of the inner one.
typedef struct ExpertRows {
    Tensor x, dy, dx, gate, up, inner, weighed, d_inner;
} ExpertRows;

static ExpertRows lay_out(const Mixture *m, size_t e, float *memory)
{
    ExpertRows r;
    Tensor *wide[] = {&r.x, &r.dy, &r.dx},
           *inner[] = {&r.gate, &r.up, &r.inner, &r.weighed, &r.d_inner};
    for (size_t i = 0; i < 3; i++, memory += m->most * m->width)
        *wide[i] = of_expert(m, e, memory, m->width);
    for (size_t i = 0; i < 5; i++, memory += m->most * m->inner)
        *inner[i] = of_expert(m, e, memory, m->inner);
    return r;
}

static Status back_expert(const Mixture *m, size_t e, float *memory, const OpArgs *args, Error *err)
{
    const ProgramExpert *expert = &m->step->experts[e];
    const Tensor *dx = &args->out[0], *dw = &args->out[1];
    const ExpertRows r = lay_out(m, e, memory);
    gather(m, e, m->x, &r.x);
    gather(m, e, &args->in[0], &r.dy);
    TRY(product(m, &r.x, expert, EXPERT_GATE, NULL, &r.gate, err));
    TRY(product(m, &r.x, expert, EXPERT_UP, NULL, &r.up, err));
    TRY(gate(m, &r.gate, &r.up, &r.inner, err));
    weigh(m, e, &r.inner, &r.weighed);
    bias_gradient(m, e, &r.dy);
    TRY(back(m, &r.dy, &r.weighed, expert, EXPERT_DOWN, &r.d_inner, err));
    if (dw->data) weight_gradients(m, e, &r.d_inner, &r.inner, &r.dy, dw);
    weigh(m, e, &r.d_inner, &r.d_inner);
    TRY(gate_backward(m, &r.d_inner, &r.gate, &r.up, &r.weighed, &r.d_inner, err));
    TRY(back(m, &r.weighed, &r.x, expert, EXPERT_GATE, dx->data ? &r.dx : NULL, err));
    if (dx->data) scatter(m, e, &r.dx, dx);
    TRY(back(m, &r.d_inner, &r.x, expert, EXPERT_UP, dx->data ? &r.dx : NULL, err));
    if (dx->data) scatter(m, e, &r.dx, dx);
    return STATUS_OK;
}

Status program_experts_backward(const ProgramRun *run, const ProgramStep *step, const OpArgs *args,
                                Error *err)
{
    Mixture m = {.run = run, .step = step, .x = &args->in[1], .weights = &args->in[2]};
    const size_t mark = exec_scratch_mark(run->exec);
    Status s = start(&m, &args->in[3], err);
    float *memory = s == STATUS_OK ? take(&m, backward_room, err) : NULL;
    if (!memory) s = STATUS_MEMORY;
    clear(&args->out[0]);
    for (size_t e = 0; s == STATUS_OK && e < m.n_experts; e++) {
        if (m.begins[e + 1] > m.begins[e]) s = back_expert(&m, e, memory, args, err);
    }
    exec_scratch_release(run->exec, mark);
    return s;
}
