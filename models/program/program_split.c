// One operation of a unit on several threads, where the unit is all the work that there is. Parts are cut so that no bit of a
// result shows it: columns of a product are chains of their own, blocks of queries see keys from the first one on, and heads
// know nothing of each other.
#include "base/size.h"
#include "kernels/pack.h"
#include "models/program/program_internal.h"

enum {
    PARTS_A_THREAD = 2,       // so that a thread that comes late has less to do
    LEAST_PRODUCTS = 1 << 19, // of an operation: below, waking a thread costs more than it brings
    QUERY_BLOCK =
        84, // as kernels/cpu/attention_fast.h has them, so that they begin where they would
};

typedef struct Split {
    const ProgramHelp *help;
    OpKind op;
    const OpArgs *args;
    bool by_head;             // an attention, by its key heads
    size_t n_units, n_parts;  // units of 16 outputs, of QUERY_BLOCK queries, or of a key head
    const int32_t *positions; // of an attention's queries; NULL where no query asks for its own
} Split;

static size_t part_begin(const Split *split, size_t part)
{
    return split->n_units * part / split->n_parts;
}

static bool is_linear(OpKind op)
{
    return op == OP_LINEAR || op == OP_LINEAR_I8 || op == OP_LINEAR_BF16;
}

// ---- products: outputs begin .. end ----

// In panels, or where they are mapped row by row. begin is a multiple of PANEL_WIDTH.
static Tensor weight_rows(const Tensor *w, size_t begin, size_t end)
{
    Tensor t = *w;
    size_t panel_bytes;
    if (w->layout == LAYOUT_ROWS)
        panel_bytes = PANEL_WIDTH * (w->row_stride / dtype_block(w->dtype)) * dtype_size(w->dtype);
    else if (w->dtype == DTYPE_F32)
        panel_bytes = PANEL_WIDTH * w->cols * sizeof(float);
    else
        panel_bytes = pack_stored_panel_bytes(w->dtype, w->cols);
    t.data = (char *)w->data + begin / PANEL_WIDTH * panel_bytes;
    t.rows = end - begin;
    return t;
}

static Tensor columns_of(const Tensor *t, size_t begin, size_t end)
{
    return t->data ? tensor_columns(*t, begin, end) : *t;
}

static OpArgs linear_part(const Split *split, size_t part)
{
    OpArgs args = *split->args;
    const size_t n = args.in[1].rows, begin = part_begin(split, part) * PANEL_WIDTH;
    const size_t end = size_min(part_begin(split, part + 1) * PANEL_WIDTH, n);
    args.as.linear.next = NULL; // each part begins elsewhere
    args.as.linear.fetch = NULL;
    args.in[1] = weight_rows(&split->args->in[1], begin, end);
    args.in[2] = columns_of(&split->args->in[2], begin, end);
    args.out[0] = columns_of(&split->args->out[0], begin, end);
    args.out[1] = columns_of(&split->args->out[1], begin, end);
    return args;
}

// ---- attention: queries begin .. end of the one sequence ----

static Tensor rows_of(const Tensor *t, size_t begin, size_t end)
{
    return t->data ? tensor_rows(*t, begin, end) : *t;
}

static OpArgs attention_part(const Split *split, size_t part, int32_t offsets[2])
{
    OpArgs args = *split->args;
    AttentionArgs *as = &args.as.attention;
    const size_t n = args.in[0].rows, begin = part_begin(split, part) * QUERY_BLOCK;
    const size_t end = size_min(part_begin(split, part + 1) * QUERY_BLOCK, n);
    offsets[0] = 0;
    offsets[1] = (int32_t)(end - begin);
    args.in[0] = rows_of(&split->args->in[0], begin, end);
    args.out[0] = rows_of(&split->args->out[0], begin, end);
    args.out[1] = rows_of(&split->args->out[1], begin, end);
    as->queries.offsets = offsets;
    as->queries.positions = split->positions ? split->positions + begin : NULL;
    return args;
}

// ---- attention of few queries: key heads begin .. end ----

static OpArgs heads_part(const Split *split, size_t part)
{
    OpArgs args = *split->args;
    AttentionArgs *as = &args.as.attention;
    const size_t group = as->n_heads / as->n_kv_heads;
    const size_t first = part_begin(split, part), n = part_begin(split, part + 1) - first;
    const size_t begin = first * group, end = (first + n) * group;
    args.in[0] = columns_of(&split->args->in[0], begin * as->head_dim, end * as->head_dim);
    args.in[3] = rows_of(&split->args->in[3], begin, end);
    args.in[4] = columns_of(&split->args->in[4], begin, end);
    args.out[0] = columns_of(&split->args->out[0], begin * as->head_dim, end * as->head_dim);
    args.out[1] = columns_of(&split->args->out[1], begin, end);
    as->n_heads = n * group;
    as->n_kv_heads = n;
    as->first_kv_head += first;
    return args;
}

// ---- all of them ----

static Status run_part(void *context, size_t part, size_t worker, Error *err)
{
    const Split *split = context;
    int32_t offsets[2];
    const OpArgs args = is_linear(split->op) ? linear_part(split, part)
                        : split->by_head     ? heads_part(split, part)
                                             : attention_part(split, part, offsets);
    return op_run(split->help->execs[worker], split->op, DTYPE_F32, &args, err);
}

// Key heads of an attention that is cut by them: memory is what a few queries wait for, and each head's lies by itself.
static size_t heads_of(const AttentionArgs *as, size_t n_queries)
{
    const size_t n_keys = ragged_longest(&as->keys);
    const double n_products =
        2.0 * (double)n_keys * (double)n_queries * (double)(as->n_heads * as->head_dim);
    return as->pages_by_head && n_products >= LEAST_PRODUCTS ? as->n_kv_heads : 1;
}

// What an operation can be cut into; 1 or less: nothing.
static size_t units_of(OpKind op, const OpArgs *args, bool *by_head)
{
    *by_head = false;
    if (is_linear(op)) {
        const Tensor *x = &args->in[0], *w = &args->in[1];
        const size_t least = LEAST_PRODUCTS / size_max(x->rows, 1);
        if (w->layout == LAYOUT_COLUMNS || w->rows < least / size_max(w->cols, 1)) return 1;
        return (w->rows + PANEL_WIDTH - 1) / PANEL_WIDTH;
    }
    if (!op_is_attention(op)) return 1;
    const AttentionArgs *as = &args->as.attention;
    if (as->dropout.p > 0) return 1;
    const size_t n_queries = args->in[0].rows;
    const size_t n_blocks = (n_queries + QUERY_BLOCK - 1) / QUERY_BLOCK;
    *by_head = n_blocks <= 1;
    if (*by_head) return heads_of(as, n_queries);
    return as->queries.n_sequences == 1 ? n_blocks : 1;
}

// Where queries stand, as the whole sequence has it: a part's own count would begin at its first query.
static Status find_positions(Split *split, Exec *exec, Error *err)
{
    const AttentionArgs *as = &split->args->as.attention;
    const size_t n = split->args->in[0].rows;
    split->positions = as->queries.positions;
    if (split->positions || (!as->is_causal && as->window == 0 && !as->relative_bucket))
        return STATUS_OK;
    int32_t *places = exec_scratch(exec, n * sizeof *places);
    if (!places) return error_set_memory(err, n, sizeof *places, "places of queries");
    for (size_t i = 0; i < n; i++) places[i] = (int32_t)i;
    split->positions = places;
    return STATUS_OK;
}

Status program_run_op(const ProgramRun *run, OpKind op, const OpArgs *args, Error *err)
{
    bool by_head = false;
    const size_t n_units = run->help ? units_of(op, args, &by_head) : 1;
    if (n_units <= 1) return op_run(run->exec, op, DTYPE_F32, args, err);
    const size_t mark = exec_scratch_mark(run->exec);
    Split split = {
        .help = run->help, .op = op, .args = args, .by_head = by_head, .n_units = n_units};
    split.n_parts = size_min(n_units, PARTS_A_THREAD * pool_threads(run->help->pool));
    if (!is_linear(op) && !by_head) TRY(find_positions(&split, run->exec, err));
    const Status s = pool_try(run->help->pool, split.n_parts, run_part, &split, err);
    exec_scratch_release(run->exec, mark);
    return s;
}
