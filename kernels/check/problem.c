#include "kernels/check/problem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "kernels/half.h"
#include "kernels/pack.h"
#include "kernels/quant.h"

enum { BLOCK_ALIGNMENT = 64, CANARY_BYTES = 64, CANARY_BYTE = 0xFF };

Status problem_open(Problem *problem, OpKind op, DType dtype, uint64_t seed, size_t capacity_bytes,
                    Error *err)
{
    *problem = (Problem){
        .op = op, .dtype = dtype, .capacity_bytes = size_round_up(capacity_bytes, BLOCK_ALIGNMENT)};
    problem->block = aligned_alloc(BLOCK_ALIGNMENT, problem->capacity_bytes);
    if (!problem->block) return error_set_memory(err, capacity_bytes, 1, "a check's tensors");
    problem->rng = philox_stream(seed, (uint64_t)op);
    return STATUS_OK;
}

void problem_close(Problem *problem)
{
    free(problem->block);
    *problem = (Problem){0};
}

void problem_fit(Problem *problem)
{
    const size_t spare = 1 << 15; // the offsets of a batch in parts are the most that a check adds
    problem->capacity_bytes = size_min(problem->capacity_bytes, problem->used_bytes + spare);
}

Status problem_copy(const Problem *from, Problem *to, Error *err)
{
    *to = *from;
    to->block = aligned_alloc(BLOCK_ALIGNMENT, from->capacity_bytes);
    if (!to->block) {
        *to = (Problem){0};
        return error_set_memory(err, from->capacity_bytes, 1, "a check's tensors");
    }
    memcpy(to->block, from->block, from->used_bytes);
    to->args = problem_moved_args(from, to->block);
    problem_move_pointers(from, to->block, to->block);
    return STATUS_OK;
}

void *problem_take(Problem *problem, size_t size_bytes)
{
    const size_t begin = problem->used_bytes + CANARY_BYTES;
    const size_t end = size_round_up(begin + size_bytes, BLOCK_ALIGNMENT) + CANARY_BYTES;
    assert(end <= problem->capacity_bytes);
    memset(problem->block + problem->used_bytes, CANARY_BYTE, end - problem->used_bytes);
    problem->used_bytes = end;
    return problem->block + begin;
}

static Tensor take_tensor(Problem *problem, TensorShape shape, DType dtype)
{
    const size_t stride = shape.layout == LAYOUT_PANELS ? shape.cols : shape.cols + shape.gap;
    const size_t storage = tensor_storage(shape.rows, stride, shape.layout);
    return (Tensor){.data = problem_take(problem, storage * dtype_size(dtype)),
                    .rows = shape.rows,
                    .cols = shape.cols,
                    .row_stride = stride,
                    .dtype = dtype,
                    .layout = shape.layout};
}

Tensor problem_random(Problem *problem, TensorShape shape, double offset, double magnitude)
{
    const Tensor tensor = take_tensor(problem, shape, problem->dtype);
    if (shape.layout == LAYOUT_PANELS) { // the filling is zero
        const size_t storage = tensor_storage(shape.rows, shape.cols, LAYOUT_PANELS);
        memset(tensor.data, 0, storage * dtype_size(tensor.dtype));
    }
    for (size_t i = 0; i < shape.rows; i++) {
        for (size_t j = 0; j < shape.cols; j++) {
            const double unit = (double)philox_u32(&problem->rng) * 0x1p-31 - 1.0;
            tensor_set(&tensor, i, j, (double)(float)(offset + unit * magnitude));
        }
    }
    return tensor;
}

Tensor problem_blank(Problem *problem, TensorShape shape, DType dtype)
{
    const Tensor tensor = take_tensor(problem, shape, dtype);
    if (shape.layout == LAYOUT_PANELS) {
        const size_t storage = tensor_storage(shape.rows, shape.cols, LAYOUT_PANELS);
        memset(tensor.data, 0, storage * dtype_size(dtype));
    }
    return tensor;
}

Tensor problem_stored(Problem *problem, DType format, size_t rows, size_t cols, double magnitude)
{
    enum { MOST = 8192 }; // numbers, or bytes, of a row
    float numbers[MOST];
    char encoded[PANEL_WIDTH][MOST];
    const size_t panel = pack_stored_panel_bytes(format, cols);
    Tensor t = {.rows = rows,
                .cols = cols,
                .row_stride = cols,
                .dtype = format,
                .layout = LAYOUT_PANELS,
                .data = problem_take(problem, pack_stored_bytes(format, rows, cols))};
    assert(cols * sizeof(uint16_t) <= MOST);
    for (size_t first = 0; first < rows; first += PANEL_WIDTH) {
        const void *of[PANEL_WIDTH] = {NULL};
        for (size_t i = 0; i < size_min(PANEL_WIDTH, rows - first); i++) {
            for (size_t k = 0; k < cols; k++)
                numbers[k] = (float)((2 * philox_double(&problem->rng) - 1) * magnitude);
            quant_encode(format, cols, numbers, encoded[i]);
            of[i] = encoded[i];
        }
        pack_stored_panel(format, of, cols, (char *)t.data + first / PANEL_WIDTH * panel);
    }
    return t;
}

int32_t *problem_indices(Problem *problem, size_t n, size_t bound)
{
    int32_t *indices = problem_take(problem, n * sizeof *indices);
    for (size_t i = 0; i < n; i++) indices[i] = (int32_t)philox_below(&problem->rng, bound);
    return indices;
}

Ragged problem_ragged(Problem *problem, size_t rows)
{
    enum { MAX_SEQUENCES = 24 };
    int32_t ends[MAX_SEQUENCES + 1] = {0};
    size_t n = 0;
    for (size_t at = 0; at < rows;) {
        // Empty, single, short and long ones; the last place takes what remains.
        const size_t choices[] = {0, 1, 1 + (size_t)philox_below(&problem->rng, 7),
                                  1 + (size_t)philox_below(&problem->rng, rows)};
        size_t length = size_min(choices[philox_below(&problem->rng, 4)], rows - at);
        if (n + 1 == MAX_SEQUENCES) length = rows - at;
        at += length;
        ends[++n] = (int32_t)at;
    }
    int32_t *offsets = problem_take(problem, (n + 1) * sizeof *offsets);
    memcpy(offsets, ends, (n + 1) * sizeof *offsets);
    uint64_t *keys = problem_take(problem, n * sizeof *keys);
    for (size_t s = 0; s < n; s++) keys[s] = philox_u64(&problem->rng);
    return (Ragged){.n_sequences = n, .offsets = offsets, .sequence_keys = keys};
}

void problem_note_pointers(Problem *problem, const void *array, size_t count)
{
    assert(problem->n_pointers < sizeof problem->pointers / sizeof *problem->pointers);
    const size_t offset = (size_t)((const char *)array - problem->block);
    problem->pointers[problem->n_pointers].offset = offset;
    problem->pointers[problem->n_pointers++].count = count;
}

// Every aligned word of bytes that holds an address within [from, from + used) is moved to `to`.
static void move_words(const Problem *problem, char *bytes, size_t size_bytes, const char *to)
{
    const uintptr_t from = (uintptr_t)problem->block;
    for (size_t at = 0; at + sizeof(uintptr_t) <= size_bytes; at += sizeof(uintptr_t)) {
        uintptr_t word;
        memcpy(&word, bytes + at, sizeof word);
        if (word < from || word - from >= problem->used_bytes) continue;
        word = (uintptr_t)to + (word - from);
        memcpy(bytes + at, &word, sizeof word);
    }
}

OpArgs problem_moved_args(const Problem *problem, void *to)
{
    // Which member of the union is in use matters not: an address in the block is one wherever it stands, and no size
    // or setting of a problem is as large as an address.
    OpArgs args = problem->args;
    move_words(problem, (char *)&args, sizeof args, to);
    return args;
}

void problem_move_pointers(const Problem *problem, void *copy, void *to)
{
    for (size_t i = 0; i < problem->n_pointers; i++) {
        move_words(problem, (char *)copy + problem->pointers[i].offset,
                   problem->pointers[i].count * sizeof(void *), to);
    }
}

static size_t element_index(const Tensor *tensor, size_t row, size_t col)
{
    if (tensor->layout == LAYOUT_ROWS) return row * tensor->row_stride + col;
    return (row / PANEL_WIDTH * tensor->cols + col) * PANEL_WIDTH + row % PANEL_WIDTH;
}

double tensor_get(const Tensor *tensor, size_t row, size_t col)
{
    const size_t i = element_index(tensor, row, col);
    if (tensor->dtype == DTYPE_F16)
        return (double)f32_from_f16(((const uint16_t *)tensor->data)[i]);
    if (tensor->dtype == DTYPE_BF16)
        return (double)f32_from_bf16(((const uint16_t *)tensor->data)[i]);
    return tensor->dtype == DTYPE_F64 ? ((const double *)tensor->data)[i]
                                      : (double)((const float *)tensor->data)[i];
}

void tensor_set(const Tensor *tensor, size_t row, size_t col, double value)
{
    const size_t i = element_index(tensor, row, col);
    if (tensor->dtype == DTYPE_F64) {
        ((double *)tensor->data)[i] = value;
    } else {
        ((float *)tensor->data)[i] = (float)value;
    }
}

int same_bits(double a, double b)
{
    uint64_t left, right;
    memcpy(&left, &a, sizeof left);
    memcpy(&right, &b, sizeof right);
    return left == right || (isnan(a) && isnan(b)); // a NaN's payload says nothing
}
