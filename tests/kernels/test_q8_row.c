// Products with weights in Q8_ROW give the same bits on tiles of AMX as with VNNI, whether their sums are added as integers or one
// after the other.
#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "kernels/exec.h"
#include "kernels/linear_low.h"
#include "kernels/pack.h"
#include "kernels/quant.h"

static float random_number(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (float)((int32_t)(*state >> 40) - (1 << 23)) * 0x1p-23f;
}

static void *take(size_t size_bytes)
{
    void *memory = aligned_alloc(64, (size_bytes + 127) / 64 * 64);
    cr_assert_not_null(memory);
    memset(memory, 0, (size_bytes + 127) / 64 * 64);
    return memory;
}

static Tensor make_weight(size_t n, size_t k, uint64_t seed)
{
    const size_t panel = pack_stored_panel_bytes(DTYPE_Q8_ROW, k);
    size_t row_bytes;
    cr_assert(quant_row_bytes(DTYPE_Q8_ROW, k, &row_bytes));
    float *numbers = take(k * sizeof *numbers);
    char *rows = take(PANEL_WIDTH * row_bytes);
    Tensor w = tensor_panels_f32(take(pack_stored_bytes(DTYPE_Q8_ROW, n, k)), n, k);
    w.dtype = DTYPE_Q8_ROW;
    for (size_t first = 0; first < n; first += PANEL_WIDTH) {
        const void *of_panel[PANEL_WIDTH] = {NULL};
        for (size_t i = 0; i < PANEL_WIDTH && first + i < n; i++) {
            for (size_t j = 0; j < k; j++) numbers[j] = random_number(&seed) * 0.1f;
            quant_encode(DTYPE_Q8_ROW, k, numbers, rows + i * row_bytes);
            of_panel[i] = rows + i * row_bytes;
        }
        pack_stored_panel(DTYPE_Q8_ROW, of_panel, k, (char *)w.data + first / PANEL_WIDTH * panel);
    }
    free(numbers);
    free(rows);
    return w;
}

// What numbers of a block are multiplied by.
typedef enum Kind {
    ALIKE,    // 1: all blocks have the same scale
    NEAR,     // 1 to 1/8, by row and block
    SPREAD,   // 1 to 2^-8, by row and block: one more than two bytes hold
    FAR,      // 1 to 2^-30
    BY_BLOCK, // 1 to 1/8, the same in all rows
    GAPS,     // 0 in most
    ODD,      // as NEAR, but rows with infinity and NaN, and rows of zeros
    N_KINDS
} Kind;

static float factor(Kind kind, size_t row, size_t block)
{
    const size_t some = row * 7 + block * 13 + row * block;
    switch (kind) {
    case ALIKE:
        return 1.0f;
    case NEAR:
        return ldexpf(1.0f, -(int)(some % 4));
    case SPREAD:
        return ldexpf(1.0f, -(int)(some % (row < 32 ? 8 : 9)));
    case FAR:
        return ldexpf(1.0f, -(int)(some % 31));
    case BY_BLOCK:
        return ldexpf(1.0f, -(int)(block * 5 % 4));
    case GAPS:
        return some % 5 == 0 ? 1.0f : 0.0f;
    case ODD:
        return row % 5 == 4 ? 0.0f : ldexpf(1.0f, -(int)(some % 4));
    case N_KINDS:
        break;
    }
    return 1.0f;
}

static void fill(Kind kind, const Tensor *x, uint64_t seed)
{
    for (size_t i = 0; i < x->rows; i++) {
        float *row = (float *)x->data + i * x->row_stride;
        for (size_t j = 0; j < x->cols; j++) {
            const float of_block = factor(kind, i, j / LOW_WIDE_BLOCK);
            row[j] = random_number(&seed) * of_block;
            // Some inputs are mostly small, so that sums of many codes stay exact.
            if (i % 3 == 0 && j % 9) row[j] *= 0.125f;
        }
        if (kind == ODD && i % 7 == 3) row[i % LOW_WIDE_BLOCK] = i % 2 ? NAN : -INFINITY;
    }
}

static void run(const char *variant, OpKind op, const OpArgs *args, Exec *exec)
{
    Error err = {0};
    const OpRow *row = op_find(op, DTYPE_F32, variant);
    cr_assert_not_null(row);
    cr_assert(row->run(args, exec, &err) == STATUS_OK, "%s", err.text);
}

static void compare(OpKind op, OpArgs *args, size_t m, size_t n, Exec *exec, const char *what)
{
    const size_t bytes = (m * n + 1) * sizeof(float);
    float *vnni = take(bytes), *amx = take(bytes);
    vnni[m * n] = amx[m * n] = 77.0f;
    args->out[0] = tensor_f32(vnni, m, n);
    run("avx512_vnni", op, args, exec);
    args->out[0] = tensor_f32(amx, m, n);
    run("amx", op, args, exec);
    cr_assert_arr_eq(amx, vnni, bytes, "%s", what);
    free(vnni);
    free(amx);
}

static void compare_shape(size_t m, size_t n, size_t k, Exec *exec)
{
    const size_t n_inner = 192;
    Tensor w = make_weight(n, k, n + k), w1 = make_weight(n_inner, k, k + 1),
           w2 = make_weight(n, n_inner, n + 1);
    Tensor x = tensor_f32(take(m * (k + 3) * sizeof(float)), m, k), plain = {0};
    float *bias = take((n + n_inner) * sizeof *bias);
    uint64_t seed = 5;
    x.row_stride = k + 3;
    for (size_t i = 0; i < n + n_inner; i++) bias[i] = random_number(&seed);
    for (Kind kind = 0; kind < N_KINDS; kind++) {
        char what[80];
        fill(kind, &x, m + n + k + kind);
        for (unsigned option = 0; option < 4; option++) {
            OpArgs args = {.in = {x, w, option & 1 ? tensor_f32(bias, 1, n) : plain}};
            args.as.linear.scales_by_block = (int)(option >> 1);
            args.as.linear.activation = option == 2   ? ACTIVATION_GELU
                                        : option == 3 ? ACTIVATION_TANH
                                                      : ACTIVATION_NONE;
            snprintf(what, sizeof what, "%zu x %zu x %zu, kind %d, %u", m, n, k, (int)kind, option);
            compare(OP_LINEAR_I8, &args, m, n, exec, what);
        }
        OpArgs two = {.in = {x, w1, tensor_f32(bias + n, 1, n_inner), w2, tensor_f32(bias, 1, n)}};
        two.as.linear.activation = kind % 2 ? ACTIVATION_GELU : ACTIVATION_RELU;
        compare(OP_FEED_FORWARD_I8, &two, m, n, exec, what);
    }
    free(w.data);
    free(w1.data);
    free(w2.data);
    free(x.data);
    free(bias);
}

Test(q8_row, tiles_give_the_bits_of_vnni)
{
    static const size_t rows[] = {1, 5, 16, 18, 19, 24, 25, 33, 48, 61, 300},
                        shapes[][2] = {{1, 64}, {16, 128}, {40, 384}, {83, 832}, {35, 3072}};
    if (!(machine_cpu_features() & CPU_AMX)) cr_skip_test("the CPU has no AMX");
    Exec *exec = NULL;
    Error err = {0};
    const ExecOptions options = {0};
    cr_assert(exec_open(&options, &exec, &err) == STATUS_OK, "%s", err.text);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
            compare_shape(rows[r], shapes[s][0], shapes[s][1], exec);
    }
    exec_close(&exec);
}
