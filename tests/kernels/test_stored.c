// Weights that stay as a file stores them give the bits that they give as f32.
#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "kernels/exec.h"
#include "kernels/pack.h"
#include "kernels/quant.h"

static const DType dtypes[] = {DTYPE_F16,    DTYPE_BF16,   DTYPE_Q8_0,   DTYPE_Q4_0,
                               DTYPE_Q4_1,   DTYPE_Q5_0,   DTYPE_Q5_1,   DTYPE_Q4_K,
                               DTYPE_Q5_K,   DTYPE_Q6_K,   DTYPE_Q2_K,   DTYPE_Q3_K,
                               DTYPE_IQ4_NL, DTYPE_IQ4_XS, DTYPE_Q8_ROW, DTYPE_MXFP4};
enum { N_DTYPES = sizeof dtypes / sizeof *dtypes };

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

// A weight [n, k] as a file has it, and as numbers.
typedef struct Weight {
    DType dtype;
    size_t n, k, row_bytes;
    char *file;   // [n * row_bytes]
    float *rows;  // [n, k]
    float *plain; // panels of f32
    char *stored; // panels as stored
} Weight;

static Weight take_weight(DType dtype, size_t n, size_t k)
{
    Weight w = {.dtype = dtype, .n = n, .k = k};
    cr_assert(quant_row_bytes(dtype, k, &w.row_bytes));
    w.file = take(n * w.row_bytes);
    w.rows = take(n * k * sizeof(float));
    w.plain = take(tensor_storage(n, k, LAYOUT_PANELS) * sizeof(float));
    w.stored = take(pack_stored_bytes(dtype, n, k));
    return w;
}

// Everything else from what the file has.
static void pack_weight(Weight *w)
{
    const size_t panel = pack_stored_panel_bytes(w->dtype, w->k);
    for (size_t i = 0; i < w->n; i++)
        quant_decode(w->dtype, w->k, w->file + i * w->row_bytes, w->rows + i * w->k);
    pack_panels(w->rows, w->n, w->k, w->plain);
    for (size_t first = 0; first < w->n; first += PANEL_WIDTH) {
        const void *rows[PANEL_WIDTH] = {NULL};
        for (size_t i = 0; i < PANEL_WIDTH && first + i < w->n; i++)
            rows[i] = w->file + (first + i) * w->row_bytes;
        pack_stored_panel(w->dtype, rows, w->k, w->stored + first / PANEL_WIDTH * panel);
    }
}

static Weight make_weight(DType dtype, size_t n, size_t k, uint64_t seed)
{
    Weight w = take_weight(dtype, n, k);
    for (size_t i = 0; i < n * k; i++) w.rows[i] = random_number(&seed) * 0.1f;
    for (size_t i = 0; i < n; i++) quant_encode(dtype, k, w.rows + i * k, w.file + i * w.row_bytes);
    pack_weight(&w);
    return w;
}

// Any bits, but numbers of 16 bits finite: subnormal ones, scales of nothing and of the most, codes from end to end. Not of
// Q8_ROW, whose blocks all say one scale.
static Weight make_any_weight(DType dtype, size_t n, size_t k, uint64_t seed)
{
    Weight w = take_weight(dtype, n, k);
    for (size_t i = 0; i < n * w.row_bytes; i++) {
        const size_t at = i % dtype_size(dtype);
        const int is_exponent = dtype_block(dtype) == 1 ? at == 1
                                : dtype == DTYPE_Q6_K   ? at == 209
                                : dtype == DTYPE_Q3_K   ? at == 109
                                : dtype == DTYPE_Q2_K   ? at == 81 || at == 83
                                                        : at == 1 || at == 3;
        const int byte = (int)(random_number(&seed) * 128.0f) + 128;
        const int is_power = dtype == DTYPE_MXFP4 && at == 0; // of 2, up to infinity
        w.file[i] = (char)(is_power ? byte & 0x7f : is_exponent ? byte & 0xbf : byte);
    }
    pack_weight(&w);
    return w;
}

static void free_weight(Weight *w)
{
    free(w->file);
    free(w->rows);
    free(w->plain);
    free(w->stored);
}

static Tensor stored_tensor(const Weight *w)
{
    Tensor t = tensor_panels_f32(NULL, w->n, w->k);
    t.data = w->stored;
    t.dtype = w->dtype;
    return t;
}

Test(stored, every_format_unpacks_to_what_the_file_says)
{
    static const size_t sizes[][2] = {{1, 256}, {16, 512}, {37, 768}};
    for (size_t d = 0; d < N_DTYPES; d++) {
        cr_assert(pack_stored_is_known(dtypes[d]));
        for (size_t s = 0; s < 3; s++) {
            Weight w = make_weight(dtypes[d], sizes[s][0], sizes[s][1], 11);
            const Tensor panels = stored_tensor(&w);
            Tensor rows = panels;
            rows.layout = LAYOUT_ROWS;
            rows.data = w.file;
            float *out = take(w.k * sizeof *out);
            for (size_t i = 0; i < w.n; i++) {
                unpack_tensor_row(&panels, i, out);
                cr_assert_arr_eq(out, w.rows + i * w.k, w.k * sizeof *out, "%s, row %zu",
                                 dtype_name(dtypes[d]), i);
                unpack_tensor_row(&rows, i, out);
                cr_assert_arr_eq(out, w.rows + i * w.k, w.k * sizeof *out);
            }
            free(out);
            free_weight(&w);
        }
    }
    cr_expect_not(pack_stored_is_known(DTYPE_F32));
}

static void run_linear(const OpRow *row, Exec *exec, Tensor w, const Tensor *x, float *bias,
                       Activation activation, float *y, size_t n)
{
    Error err = {0};
    OpArgs args = {.in = {*x, w, tensor_f32(bias, 1, n)}, .out = {tensor_f32(y, x->rows, n)}};
    if (!bias) args.in[2] = (Tensor){0};
    args.as.linear.activation = activation;
    cr_assert(row->run(&args, exec, &err) == STATUS_OK, "%s", err.text);
}

// One chain of fmaf an output: what every fast row is to give.
static void check_chains(const Weight *w, const Tensor *x, const float *y)
{
    for (size_t i = 0; i < x->rows; i++) {
        const float *input = (const float *)x->data + i * x->row_stride;
        for (size_t j = 0; j < w->n; j++) {
            float sum = 0.0f;
            for (size_t k = 0; k < w->k; k++) sum = fmaf(input[k], w->rows[j * w->k + k], sum);
            cr_assert_arr_eq(&sum, &y[i * w->n + j], sizeof sum, "%s: %zu, %zu of %zu x %zu x %zu",
                             dtype_name(w->dtype), i, j, x->rows, w->n, w->k);
        }
    }
}

// m rows through one row of the table: the same bits from both kinds of weight, and a canary behind the output.
static void compare_weight(const OpRow *row, Exec *exec, const Weight *w, size_t m)
{
    const size_t n = w->n, k = w->k, stride = k + 5;
    uint64_t seed = m * 1000 + n + k;
    float *x = take(m * stride * sizeof *x), *bias = take(n * sizeof *bias);
    float *y = take((m * n + 1) * sizeof *y), *z = take((m * n + 1) * sizeof *z);
    for (size_t i = 0; i < m * stride; i++) x[i] = random_number(&seed);
    for (size_t i = 0; i < n; i++) bias[i] = random_number(&seed);
    Tensor input = tensor_f32(x, m, k);
    input.row_stride = stride;
    for (int with_bias = 0; with_bias < 2; with_bias++) {
        const Activation activation = with_bias ? ACTIVATION_SILU : ACTIVATION_NONE;
        y[m * n] = z[m * n] = 77.0f;
        run_linear(row, exec, tensor_panels_f32(w->plain, n, k), &input, with_bias ? bias : NULL,
                   activation, y, n);
        run_linear(row, exec, stored_tensor(w), &input, with_bias ? bias : NULL, activation, z, n);
        cr_assert_arr_eq(y, z, m * n * sizeof *y, "%s %s: %zu x %zu x %zu", row->variant,
                         dtype_name(w->dtype), m, n, k);
        cr_assert_eq(z[m * n], 77.0f);
        if (!with_bias && strcmp(row->variant, "reference") != 0) check_chains(w, &input, z);
    }
    free(x);
    free(bias);
    free(y);
    free(z);
}

static void compare(const OpRow *row, Exec *exec, DType dtype, size_t m, size_t n, size_t k)
{
    Weight w = make_weight(dtype, n, k, m * 1000 + n + k);
    compare_weight(row, exec, &w, m);
    free_weight(&w);
}

// Two layers in one, of any number of rows and whatever activation, against the one after the other.
static void compare_layers(Exec *exec, size_t m, size_t n, size_t n_inner, size_t k,
                           Activation activation)
{
    uint64_t seed = m * 1000 + n_inner + k;
    Error err = {0};
    Weight first = make_weight(DTYPE_Q8_ROW, n_inner, k, seed),
           second = make_weight(DTYPE_Q8_ROW, n, n_inner, seed + 1);
    float *x = take(m * k * sizeof *x), *inner = take(m * n_inner * sizeof *inner);
    float *bias = take((n_inner + n) * sizeof *bias);
    float *y = take((m * n + 1) * sizeof *y), *z = take((m * n + 1) * sizeof *z);
    for (size_t i = 0; i < m * k; i++) x[i] = random_number(&seed) * 9.0f;
    for (size_t i = 0; i < n_inner + n; i++) bias[i] = random_number(&seed);
    y[m * n] = z[m * n] = 77.0f;
    OpArgs both = {.in = {tensor_f32(x, m, k), stored_tensor(&first), tensor_f32(bias, 1, n_inner),
                          stored_tensor(&second), tensor_f32(bias + n_inner, 1, n)},
                   .out = {tensor_f32(y, m, n)},
                   .as.linear.activation = activation};
    OpArgs one = both, two = {.as.linear.scales_by_block = 1};
    one.out[0] = two.in[0] = tensor_f32(inner, m, n_inner);
    two.in[1] = both.in[3];
    two.in[2] = both.in[4];
    two.out[0] = tensor_f32(z, m, n);
    cr_assert(op_run(exec, OP_FEED_FORWARD_I8, DTYPE_F32, &both, &err) == STATUS_OK);
    cr_assert(op_run(exec, OP_LINEAR_I8, DTYPE_F32, &one, &err) == STATUS_OK);
    cr_assert(op_run(exec, OP_LINEAR_I8, DTYPE_F32, &two, &err) == STATUS_OK);
    cr_assert_arr_eq(y, z, m * n * sizeof *y, "%zu x %zu x %zu x %zu", m, n, n_inner, k);
    cr_assert_eq(y[m * n], 77.0f);
    free(x);
    free(inner);
    free(bias);
    free(y);
    free(z);
    free_weight(&first);
    free_weight(&second);
}

Test(stored, two_layers_give_the_bits_of_one_after_the_other)
{
    static const size_t shapes[][4] = {{0, 16, 64, 64},    {1, 17, 128, 64},   {2, 64, 192, 128},
                                       {3, 33, 64, 256},   {7, 40, 320, 64},   {8, 16, 64, 192},
                                       {16, 70, 128, 128}, {197, 48, 192, 64}, {400, 20, 64, 128}};
    const ExecOptions options = {0};
    Error err = {0};
    Exec *exec = NULL;
    cr_assert(exec_open(&options, &exec, &err) == STATUS_OK, "%s", err.text);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const size_t *s = shapes[i];
        compare_layers(exec, s[0], s[1], s[2], s[3], i % 2 ? ACTIVATION_GELU : ACTIVATION_SILU);
    }
    exec_close(&exec);
}

// One product by both rows, the second with a canary behind its output.
static void compare_i8(Exec *exec, const OpRow *const rows[2], const Weight *w, size_t m)
{
    const size_t n = w->n, k = w->k, stride = k + 5;
    uint64_t seed = m * 1000 + n + k;
    float *x = take(m * stride * sizeof *x), *bias = take(n * sizeof *bias);
    float *y = take((m * n + 1) * sizeof *y), *z = take((m * n + 1) * sizeof *z);
    for (size_t i = 0; i < m * stride; i++) x[i] = random_number(&seed) * (i % 97 ? 1.0f : 50.0f);
    for (size_t i = 0; i < n; i++) bias[i] = random_number(&seed);
    // A block of zeros, one of tiny numbers, and rows that are no numbers.
    for (size_t i = 0; i < 32; i++) {
        x[i] = 0.0f;
        x[(m - 1) * stride + i] *= 1e-33f;
    }
    if (m > 4) x[2 * stride + k - 1] = INFINITY;
    if (m > 4) x[3 * stride + k / 2] = NAN;
    Tensor input = tensor_f32(x, m, k);
    input.row_stride = stride;
    for (int with_bias = 0; with_bias < 2; with_bias++) {
        const Activation activation = with_bias ? ACTIVATION_SILU : ACTIVATION_NONE;
        z[m * n] = 77.0f;
        run_linear(rows[0], exec, stored_tensor(w), &input, with_bias ? bias : NULL, activation, y,
                   n);
        run_linear(rows[1], exec, stored_tensor(w), &input, with_bias ? bias : NULL, activation, z,
                   n);
        cr_assert_arr_eq(y, z, m * n * sizeof *y, "%s: %zu x %zu x %zu", dtype_name(w->dtype), m, n,
                         k);
        cr_assert_eq(z[m * n], 77.0f);
    }
    free(x);
    free(bias);
    free(y);
    free(z);
}

Test(stored, tiles_of_bytes_give_the_bits_of_vectors)
{
    static const size_t shapes[][3] = {{1, 16, 256},   {12, 1, 256},   {13, 17, 512},
                                       {14, 48, 1024}, {16, 32, 768},  {16, 70, 2304},
                                       {31, 33, 1536}, {45, 16, 1280}, {400, 32, 2048}};
    const OpRow *const rows[2] = {op_find(OP_LINEAR_I8, DTYPE_F32, "avx512_vnni"),
                                  op_find(OP_LINEAR_I8, DTYPE_F32, "amx")};
    if (!rows[1] || (rows[1]->cpu_features & ~machine_cpu_features()) != 0)
        cr_skip_test("this machine has no AMX");
    const ExecOptions options = {0};
    Error err = {0};
    Exec *exec = NULL;
    cr_assert(exec_open(&options, &exec, &err) == STATUS_OK, "%s", err.text);
    for (size_t d = 0; d < N_DTYPES; d++) {
        if (dtype_block(dtypes[d]) == 1) continue;
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            const size_t *s = shapes[i];
            Weight w = i % 2 && dtypes[d] != DTYPE_Q8_ROW
                           ? make_any_weight(dtypes[d], s[1], s[2], i)
                           : make_weight(dtypes[d], s[1], s[2], i);
            compare_i8(exec, rows, &w, s[0]);
            free_weight(&w);
        }
    }
    exec_close(&exec);
}

static const char *const variants[] = {"reference", "avx2", "avx512"};
enum { N_VARIANTS = sizeof variants / sizeof *variants };

// The row of that name, or NULL where this machine has it not.
static const OpRow *linear_row(const char *variant)
{
    const OpRow *row = op_find(OP_LINEAR, DTYPE_F32, variant);
    return row && (row->cpu_features & ~machine_cpu_features()) == 0 ? row : NULL;
}

Test(stored, linear_gives_the_bits_of_f32)
{
    static const size_t shapes[][3] = {{1, 1, 256},   {1, 70, 512},  {2, 64, 256},
                                       {3, 17, 768},  {4, 130, 256}, {5, 33, 1024},
                                       {14, 48, 512}, {33, 40, 768}, {0, 16, 256}};
    Error err = {0};
    Exec *exec = NULL;
    const ExecOptions options = {0};
    cr_assert(exec_open(&options, &exec, &err) == STATUS_OK, "%s", err.text);
    for (size_t v = 0; v < N_VARIANTS; v++) {
        const OpRow *row = linear_row(variants[v]);
        if (!row) continue;
        for (size_t d = 0; d < N_DTYPES; d++) {
            for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
                compare(row, exec, dtypes[d], shapes[s][0], shapes[s][1], shapes[s][2]);
        }
        // Rows of odd length, which only 16-bit formats have, and of one block of 32.
        for (size_t m = 1; m < 14; m += 2) {
            compare(row, exec, DTYPE_F16, m, 20, 7);
            compare(row, exec, DTYPE_BF16, m, 20, 417);
            compare(row, exec, DTYPE_Q8_0, m, 20, 32);
            compare(row, exec, DTYPE_Q4_0, m, 20, 416);
            compare(row, exec, DTYPE_Q4_K, m, 20, 0);
        }
    }
    exec_close(&exec);
}

// Every height of tile, one or several of them, and blocks of k; any bits in a file.
Test(stored, every_number_of_rows_gives_the_same_chains)
{
    Error err = {0};
    Exec *exec = NULL;
    const ExecOptions options = {0};
    cr_assert(exec_open(&options, &exec, &err) == STATUS_OK, "%s", err.text);
    for (size_t d = 0; d < N_DTYPES; d++) {
        if (dtypes[d] == DTYPE_Q8_ROW) continue;
        Weight short_rows = make_any_weight(dtypes[d], 81, 256, d),
               long_rows = make_any_weight(dtypes[d], 35, 1280, d);
        for (size_t v = 0; v < N_VARIANTS; v++) {
            const OpRow *row = linear_row(variants[v]);
            for (size_t m = 1; row && m < 31; m += m < 9 ? 1 : 3) {
                compare_weight(row, exec, &short_rows, m);
                if (m % 2 == 0) compare_weight(row, exec, &long_rows, m);
            }
        }
        free_weight(&short_rows);
        free_weight(&long_rows);
    }
    exec_close(&exec);
}
