// Dense layers of tuning with products in bf16: both sides are rounded to bf16 (nearest even), products are added in f32, and
// what is kept, weights and gradients, is f32. Each product is an OP_LINEAR_BF16:
//
//     y = x W^T + b        dx = dz W        dW^T = x^T dz, added to the gradient        dz = dy * act'(z), in f32
//
// Micikevicius et al. 2018, arXiv:1710.03740, section 3.1; bf16 has the exponents of f32, so that no loss scaling is wanted.
#include <string.h>

#include "base/size.h"
#include "kernels/pack.h"
#include "models/program/program_internal.h"

static uint32_t bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return bits >> 16 | 0x40u; // NaN stays one
    return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}

static uint32_t pair(float low, float high)
{
    return bf16(low) | bf16(high) << 16;
}

static size_t n_pairs(size_t k)
{
    return (k + 1) / 2;
}

// Words of a weight of n outputs and k inputs in panels of bf16: [panel][pair of inputs][output].
static size_t packed_words(size_t n, size_t k)
{
    return size_round_up(n, PANEL_WIDTH) * n_pairs(k);
}

static Tensor packed_tensor(uint32_t *words, size_t n, size_t k)
{
    return (Tensor){.data = words,
                    .rows = n,
                    .cols = k,
                    .row_stride = k,
                    .dtype = DTYPE_BF16,
                    .layout = LAYOUT_PANELS};
}

// W, in panels of f32, as it stands.
static void pack_weight(const Tensor *w, uint32_t *to)
{
    const size_t n_panels = size_round_up(w->rows, PANEL_WIDTH) / PANEL_WIDTH, k = w->cols;
    for (size_t p = 0; p < n_panels; p++) {
        const float *from = (const float *)w->data + p * PANEL_WIDTH * k;
        for (size_t i = 0; i < k; i += 2, from += 2 * (size_t)PANEL_WIDTH, to += PANEL_WIDTH) {
            for (size_t j = 0; j < PANEL_WIDTH; j++)
                to[j] = pair(from[j], i + 1 < k ? from[PANEL_WIDTH + j] : 0.0f);
        }
    }
}

// W^T: outputs are W's inputs. to is zeroed.
static void pack_transposed(const Tensor *w, uint32_t *to)
{
    const size_t n_panels = size_round_up(w->rows, PANEL_WIDTH) / PANEL_WIDTH, k = w->cols;
    const size_t pairs = n_pairs(w->rows);
    for (size_t p = 0; p < n_panels; p++) {
        const float *from = (const float *)w->data + p * PANEL_WIDTH * k;
        const size_t first = p * PANEL_WIDTH / 2, here = size_min(PANEL_WIDTH / 2, pairs - first);
        for (size_t i = 0; i < k; i++, from += PANEL_WIDTH) {
            uint32_t *lane = to + (i / PANEL_WIDTH * pairs + first) * PANEL_WIDTH + i % PANEL_WIDTH;
            for (size_t j = 0; j < here; j++) // rows beyond the last are zero in the panel
                lane[j * PANEL_WIDTH] = pair(from[2 * j], from[2 * j + 1]);
        }
    }
}

// Columns of rows: x [m, n] as a weight of n outputs and m inputs. to is zeroed.
static void pack_columns(const Tensor *x, uint32_t *to)
{
    const size_t pairs = n_pairs(x->rows);
    for (size_t i = 0; i < x->rows; i += 2) {
        const float *low = (const float *)x->data + i * x->row_stride, *high = low + x->row_stride;
        const bool has_high = i + 1 < x->rows;
        for (size_t c = 0; c < x->cols; c++)
            to[(c / PANEL_WIDTH * pairs + i / 2) * PANEL_WIDTH + c % PANEL_WIDTH] =
                pair(low[c], has_high ? high[c] : 0.0f);
    }
}

static Status take(Exec *exec, size_t n_words, void *out, Error *err)
{
    void *memory = exec_scratch(exec, size_max(n_words, 1) * sizeof(uint32_t));
    if (!memory) return error_set_memory(err, n_words, sizeof(uint32_t), "a product in bf16");
    memset(memory, 0, n_words * sizeof(uint32_t));
    memcpy(out, &memory, sizeof memory);
    return STATUS_OK;
}

static Status product(Exec *exec, const Tensor *x, const Tensor *w, const Tensor *y, Error *err)
{
    OpArgs args;
    memset(&args, 0, sizeof args);
    args.in[0] = *x;
    args.in[1] = *w;
    args.out[0] = *y;
    return op_run(exec, OP_LINEAR_BF16, DTYPE_F32, &args, err);
}

bool program_low_takes(const Tensor *weight)
{
    return weight->dtype == DTYPE_F32 && weight->layout == LAYOUT_PANELS && weight->rows % 2 == 0 &&
           weight->cols % 2 == 0;
}

Status program_low_linear(Exec *exec, const OpArgs *args, Error *err)
{
    const Tensor *w = &args->in[1];
    const size_t mark = exec_scratch_mark(exec);
    OpArgs own = *args;
    uint32_t *words = NULL;
    Status s = take(exec, packed_words(w->rows, w->cols), &words, err);
    if (s == STATUS_OK) {
        pack_weight(w, words);
        own.in[1] = packed_tensor(words, w->rows, w->cols);
        s = op_run(exec, OP_LINEAR_BF16, DTYPE_F32, &own, err);
    }
    exec_scratch_release(exec, mark);
    return s;
}

// ---- backward ----

// dz of a layer with an activation: of act(z) * 1.
static Status through_activation(Exec *exec, const OpArgs *args, Tensor *dz, Error *err)
{
    const Tensor *dy = &args->in[0];
    const size_t n = dy->rows * dy->cols;
    OpArgs gated;
    float *rows = NULL, *ones = NULL, *unused = NULL;
    *dz = *dy;
    if (args->as.linear.activation == ACTIVATION_NONE || n == 0) return STATUS_OK;
    TRY(take(exec, n, &rows, err));
    TRY(take(exec, n, &ones, err));
    TRY(take(exec, n, &unused, err));
    for (size_t i = 0; i < n; i++) ones[i] = 1.0f;
    *dz = tensor_f32(rows, dy->rows, dy->cols);
    memset(&gated, 0, sizeof gated);
    gated.in[0] = *dy;
    gated.in[1] = args->in[3];
    gated.in[2] = tensor_f32(ones, dy->rows, dy->cols);
    gated.out[0] = *dz;
    gated.out[1] = tensor_f32(unused, dy->rows, dy->cols);
    gated.as.gated.activation = args->as.linear.activation;
    return op_run(exec, OP_GATED_BACKWARD, DTYPE_F32, &gated, err);
}

static Status input_gradient(Exec *exec, const OpArgs *args, const Tensor *dz, Error *err)
{
    const Tensor *w = &args->in[2];
    uint32_t *words = NULL;
    if (!args->out[0].data) return STATUS_OK;
    TRY(take(exec, packed_words(w->cols, w->rows), &words, err));
    pack_transposed(w, words);
    const Tensor transposed = packed_tensor(words, w->cols, w->rows);
    return product(exec, dz, &transposed, &args->out[0], err);
}

static Status weight_gradient(Exec *exec, const OpArgs *args, const Tensor *dz, Error *err)
{
    const Tensor *x = &args->in[1], *gradient = &args->out[1];
    const size_t m = x->rows, k = x->cols, n = dz->cols;
    uint32_t *words = NULL;
    float *columns = NULL, *sum = NULL;
    if (!gradient->data || m == 0) return STATUS_OK;
    TRY(take(exec, packed_words(n, m), &words, err));
    TRY(take(exec, k * m, &columns, err));
    TRY(take(exec, k * n, &sum, err));
    pack_columns(dz, words);
    for (size_t i = 0; i < m; i++) {
        const float *row = (const float *)x->data + i * x->row_stride;
        for (size_t j = 0; j < k; j++) columns[j * m + i] = row[j];
    }
    const Tensor left = tensor_f32(columns, k, m), right = packed_tensor(words, n, m),
                 y = tensor_f32(sum, k, n);
    TRY(product(exec, &left, &right, &y, err));
    for (size_t p = 0; p * PANEL_WIDTH < n; p++) {
        float *to = (float *)gradient->data + p * PANEL_WIDTH * k;
        const float *from = sum + p * PANEL_WIDTH;
        const size_t here = size_min(PANEL_WIDTH, n - p * PANEL_WIDTH);
        for (size_t i = 0; i < k; i++, to += PANEL_WIDTH, from += n) {
            for (size_t j = 0; j < here; j++) to[j] += from[j];
        }
    }
    return STATUS_OK;
}

static Status bias_gradient(Exec *exec, const OpArgs *args, const Tensor *dz, Error *err)
{
    OpArgs own = *args;
    if (!args->out[2].data) return STATUS_OK;
    own.in[0] = *dz;
    own.out[0] = own.out[1] = (Tensor){0};
    own.as.linear.activation = ACTIVATION_NONE;
    return op_run(exec, OP_LINEAR_BACKWARD, DTYPE_F32, &own, err);
}

Status program_low_backward(Exec *exec, const OpArgs *args, Error *err)
{
    const size_t mark = exec_scratch_mark(exec);
    Tensor dz;
    Status s = through_activation(exec, args, &dz, err);
    if (s == STATUS_OK) s = input_gradient(exec, args, &dz, err);
    if (s == STATUS_OK) s = weight_gradient(exec, args, &dz, err);
    if (s == STATUS_OK) s = bias_gradient(exec, args, &dz, err);
    exec_scratch_release(exec, mark);
    return s;
}
