// Bounds of attention and its backward pass.
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/check/tolerance_internal.h"

// What the error analysis of attention needs, over the whole problem.
typedef struct AttentionScale {
    double score; // bound of |score|, and of the error of a score in units of u
    double q, k, v, keep;
    double pq, pk; // of rows of positions; 0 without
    size_t n_queries, n_keys;
} AttentionScale;

// head_step, step: between heads of a row, and between numbers of one.
static double largest_head_norm(const Tensor *tensor, size_t head_dim, size_t head_step,
                                size_t step)
{
    double largest = 0;
    const size_t n_heads = tensor->cols / head_dim;
    for (size_t i = 0; tensor->data && i < tensor->rows; i++) {
        for (size_t head = 0; head < n_heads; head++) {
            double squares = 0;
            for (size_t d = 0; d < head_dim; d++) {
                const size_t j = head * head_step + d * step;
                squares += tensor_get(tensor, i, j) * tensor_get(tensor, i, j);
            }
            largest = fmax(largest, sqrt(squares));
        }
    }
    return largest;
}

static double largest_row_norm(const Tensor *tensor, size_t head_dim)
{
    return largest_head_norm(tensor, head_dim, head_dim, 1);
}

// Keys or values wherever they lie.
static double largest_key_norm(const AttentionArgs *as, const Tensor *tensor,
                               const float *const *pages)
{
    if (!pages) return largest_row_norm(tensor, as->head_dim);
    const int are_keys = pages == as->key_pages, in_panels = are_keys && as->pages_by_head;
    const int by_column = are_keys && as->keys_by_column;
    const size_t step = in_panels ? PANEL_WIDTH : by_column ? as->n_kv_heads : 1;
    const size_t head_step = by_column ? 1 : as->head_dim * step;
    const size_t n_heads = as->first_kv_head + as->n_kv_heads; // of a page
    double largest = 0;
    for (size_t i = 0; i < as->max_pages * as->keys.n_sequences; i++) {
        Tensor page = {.rows = as->page_rows,
                       .cols = n_heads * as->head_dim,
                       .row_stride = in_panels ? 1 : n_heads * as->head_dim,
                       .dtype = as->pages_dtype == DTYPE_F32 ? DTYPE_F64 : as->pages_dtype};
        memcpy(&page.data, &pages[i], sizeof page.data); // a view drops the const; only read
        largest = fmax(largest, largest_head_norm(&page, as->head_dim, head_step, step));
    }
    return largest;
}

static size_t longest_sequence(const Ragged *batch)
{
    size_t longest = 0;
    for (size_t s = 0; s < batch->n_sequences; s++) {
        longest = size_max(longest, (size_t)(batch->offsets[s + 1] - batch->offsets[s]));
    }
    return longest;
}

// qkv: in0 of the forward operation, in1 of the backward one; more: the relative bias and sinks, or PQ and PK.
static AttentionScale attention_scale(OpKind op, const OpArgs *args, const Tensor *qkv,
                                      const Tensor *more)
{
    const int is_disentangled = op == OP_DISENTANGLED || op == OP_DISENTANGLED_BACKWARD;
    const AttentionArgs *as = &args->as.attention;
    AttentionScale scale = {
        .q = largest_row_norm(&qkv[0], as->head_dim),
        .k = largest_key_norm(as, &qkv[1], as->key_pages),
        .v = largest_key_norm(as, &qkv[2], as->value_pages),
        .keep = 1.0 / (1.0 - (double)as->dropout.p),
        .n_queries = longest_sequence(&as->queries),
        .n_keys = longest_sequence(&as->keys),
    };
    scale.score = (double)as->scale * scale.q * scale.k;
    if (is_disentangled) {
        scale.pq = largest_row_norm(&more[0], as->head_dim);
        scale.pk = largest_row_norm(&more[1], as->head_dim);
        scale.score += (double)as->scale * (scale.q * scale.pk + scale.k * scale.pq);
    } else {
        scale.score += tolerance_largest(&more[0]) + tolerance_largest(&more[1]);
    }
    return scale;
}

// exp(score - max) errs relatively by the score's error: p by twice that, and by the sum's roundings.
static double probability_error(const AttentionScale *scale, size_t head_dim, double u)
{
    return 2 * tolerance_sum_factor(u, head_dim) * scale->score +
           tolerance_sum_factor(u, scale->n_keys);
}

void tolerance_attention(const ToleranceInput *in, size_t out, double *bound)
{
    const OpArgs *before = &in->before->args;
    const AttentionScale scale =
        attention_scale(in->before->op, before, &before->in[0], &before->in[3]);
    const double p = probability_error(&scale, before->as.attention.head_dim, in->u);
    if (out == 0) {
        tolerance_constant(&before->out[0], p * scale.keep * scale.v, bound);
    } else {
        tolerance_constant(&before->out[1],
                           p + in->u * (scale.score + log((double)scale.n_keys + 1)), bound);
    }
}

// Each weight of v is rounded to bf16, by 2^-8 of itself at most, and its polynomial errs by 3e-6 (math_vec.h); exponents
// are in base 2, whose factor rounds the score twice more.
void tolerance_attention_bf16(const ToleranceInput *in, size_t out, double *bound)
{
    const OpArgs *before = &in->before->args;
    const AttentionScale scale =
        attention_scale(in->before->op, before, &before->in[0], &before->in[3]);
    const double p = probability_error(&scale, before->as.attention.head_dim, in->u);
    (void)out;
    tolerance_constant(&before->out[0], (2 * p + 0x1p-8 + 6e-6) * scale.v, bound);
}

// ds = p (dp - D) with |dp|, |D| <= keep |dy| |v|; given log-sum-exp and out0 add their own rounding, relative to the
// score. Sums over keys are weighted by p and so bounded by one term; sums over queries by the key's sum of p, which
// is dv where d out is 1: the absolute run.
void tolerance_attention_backward(const ToleranceInput *in, size_t out, double *bound)
{
    const OpArgs *before = &in->before->args;
    const AttentionArgs *as = &before->as.attention;
    const AttentionScale scale =
        attention_scale(in->before->op, before, &before->in[1], &before->in[6]);
    const Tensor *to = &before->out[out], *sum_p = &in->absolute->args.out[2];
    const double p = probability_error(&scale, as->head_dim, in->u) +
                     tolerance_sum_factor(in->u, scale.n_queries) +
                     tolerance_sum_factor(in->u, as->head_dim);
    const double dy = largest_row_norm(&before->in[0], as->head_dim);
    const double ds = 2 * scale.keep * dy * scale.v, rows = (double)before->in[0].rows;
    const int is_biased = in->before->op == OP_ATTENTION_BACKWARD;
    const double added = p * ds * rows + in->u * tolerance_largest(to) * (1 + rows);
    const double allowed[OP_MAX_OUT] = {
        p * ds * (double)as->scale * (scale.k + scale.pk),
        p * ds * (double)as->scale * (scale.q + scale.pq),
        p * scale.keep * dy,
        is_biased ? added : p * ds * (double)as->scale * scale.k * rows,
        is_biased ? added : p * ds * (double)as->scale * scale.q * rows,
    };
    if (out == 0 || out >= 3) {
        tolerance_constant(to, allowed[out], bound);
        return;
    }
    // Each query's p may be flushed where it underflows.
    const double flushed = TOLERANCE_UNDERFLOW * (1 + allowed[out] / p * rows);
    for (size_t j = 0; j < to->rows; j++) {
        for (size_t d = 0; d < to->cols; d++) {
            *bound++ = allowed[out] * tensor_get(sum_p, j, d) + flushed;
        }
    }
}
