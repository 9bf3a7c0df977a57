// Attention over pages that are whole for each head: numbers of 16 bits, and heads apart.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "base/philox.h"
#include "base/size.h"
#include "kernels/attention.h"
#include "kernels/exec.h"
#include "kernels/half.h"

enum { MOST_KEYS = 400, MOST_PAGES = MOST_KEYS / PANEL_WIDTH };
static const size_t most_rows = MOST_KEYS; // of pages

// One sequence: its last queries, and all its keys in pages of a dtype.
typedef struct Cached {
    size_t n_queries, n_keys, n_heads, n_kv_heads, head_dim;
    DType dtype;
    int32_t query_offsets[2], key_offsets[2], positions[MOST_KEYS];
    float *q, *keys, *values; // values of the pages' numbers
    char *pages[2];
    const float *tables[2][MOST_PAGES];
    float *y;
} Cached;

static float *draw(size_t n, uint64_t seed)
{
    float *numbers = calloc(n + 1, sizeof *numbers);
    Philox rng = philox_stream(seed, 0);
    for (size_t i = 0; i < n; i++) numbers[i] = (float)(4 * philox_double(&rng) - 2);
    return numbers;
}

static void fill(Cached *c)
{
    const size_t columns = c->n_kv_heads * c->head_dim, size = dtype_size(c->dtype);
    c->query_offsets[1] = (int32_t)c->n_queries;
    c->key_offsets[1] = (int32_t)c->n_keys;
    for (size_t i = 0; i < c->n_queries; i++)
        c->positions[i] = (int32_t)(c->n_keys - c->n_queries + i);
    c->q = draw(c->n_queries * c->n_heads * c->head_dim, 1);
    c->keys = draw(c->n_keys * columns, 2);
    c->values = draw(c->n_keys * columns, 3);
    c->y = calloc(c->n_queries * c->n_heads * c->head_dim + 1, sizeof *c->y);
    for (size_t w = 0; w < 2; w++) {
        c->pages[w] = malloc(most_rows * columns * size);
        memset(c->pages[w], 0xff,
               most_rows * columns * size); // NaN where nothing is
        for (size_t p = 0; p < MOST_PAGES; p++)
            c->tables[w][p] =
                (const float *)(const void *)(c->pages[w] + p * PANEL_WIDTH * columns * size);
    }
    for (size_t j = 0, n; j < c->n_keys; j += n) {
        const size_t at = j / PANEL_WIDTH * PANEL_WIDTH * columns * size;
        n = size_min(c->n_keys - j,
                     j % PANEL_WIDTH == 0 ? PANEL_WIDTH - 3 : 3); // a page in two goes
        const Tensor keys = tensor_f32(c->keys + j * columns, n, columns),
                     values = tensor_f32(c->values + j * columns, n, columns);
        attention_store_rows(c->n_kv_heads, c->dtype, &keys, &values, j % PANEL_WIDTH,
                             c->pages[0] + at, c->pages[1] + at);
    }
}

static void release(Cached *c)
{
    free(c->q);
    free(c->keys);
    free(c->values);
    free(c->y);
    free(c->pages[0]);
    free(c->pages[1]);
}

// The answers of heads [begin, end) of keys.
static void attend(Cached *c, const OpRow *row, Exec *exec, size_t begin, size_t end)
{
    Error err = {0};
    const size_t group = c->n_heads / size_max(c->n_kv_heads, 1), width = c->n_heads * c->head_dim;
    OpArgs args = {0};
    AttentionArgs *as = &args.as.attention;
    *as = (AttentionArgs){.n_heads = (end - begin) * group,
                          .n_kv_heads = end - begin,
                          .head_dim = c->head_dim,
                          .scale = 1.0f / sqrtf((float)c->head_dim),
                          .is_causal = 1,
                          .queries = {1, c->query_offsets, c->positions, NULL},
                          .keys = {1, c->key_offsets, NULL, NULL},
                          .key_pages = c->tables[0],
                          .value_pages = c->tables[1],
                          .page_rows = PANEL_WIDTH,
                          .max_pages = MOST_PAGES,
                          .pages_by_head = 1,
                          .pages_dtype = c->dtype,
                          .first_kv_head = begin};
    const size_t first = begin * group * c->head_dim, last = end * group * c->head_dim;
    args.in[0] = tensor_columns(tensor_f32(c->q, c->n_queries, width), first, last);
    args.out[0] = tensor_columns(tensor_f32(c->y, c->n_queries, width), first, last);
    cr_assert_eq(row->run(&args, exec, &err), STATUS_OK, "%s", err.text);
}

static size_t answers(const Cached *c)
{
    return c->n_queries * c->n_heads * c->head_dim;
}

static const Cached shapes[] = {
    {.n_queries = 1, .n_keys = 400, .n_heads = 3, .n_kv_heads = 3, .head_dim = 64},
    {.n_queries = 1, .n_keys = 129, .n_heads = 8, .n_kv_heads = 8, .head_dim = 72},
    {.n_queries = 2, .n_keys = 131, .n_heads = 8, .n_kv_heads = 2, .head_dim = 33},
    {.n_queries = 1, .n_keys = 17, .n_heads = 7, .n_kv_heads = 1, .head_dim = 128},
    {.n_queries = 1, .n_keys = 1, .n_heads = 5, .n_kv_heads = 5, .head_dim = 5},
    {.n_queries = 40, .n_keys = 190, .n_heads = 4, .n_kv_heads = 2, .head_dim = 48},
    {.n_queries = 90, .n_keys = 90, .n_heads = 2, .n_kv_heads = 2, .head_dim = 20},
};

static const OpRow *row_at(size_t i, size_t *next)
{
    for (; i < op_row_count(); i++) {
        const OpRow *row = op_row(i);
        if (row->op != OP_ATTENTION || row->dtype != DTYPE_F32 || row->device != DEVICE_CPU ||
            (row->cpu_features & ~machine_cpu_features()) != 0)
            continue;
        *next = i + 1;
        return row;
    }
    return NULL;
}

static Exec *open_exec(void)
{
    Exec *exec = NULL;
    Error err = {0};
    const ExecOptions options = {0};
    cr_assert_eq(exec_open(&options, &exec, &err), STATUS_OK, "%s", err.text);
    return exec;
}

// The numbers that pages of 16 bits hold, in pages of f32.
static Cached exact_copy(const Cached *c, const Cached *shape)
{
    Cached exact = *shape;
    const size_t columns = c->n_kv_heads * c->head_dim;
    exact.dtype = DTYPE_F32;
    fill(&exact);
    for (size_t w = 0; w < 2; w++) {
        const uint16_t *from = (const uint16_t *)(const void *)c->pages[w];
        float *to = (float *)(void *)exact.pages[w];
        for (size_t i = 0; i < most_rows * columns; i++)
            to[i] = c->dtype == DTYPE_F16 ? f32_from_f16(from[i]) : f32_from_bf16(from[i]);
    }
    return exact;
}

Test(attention_pages, numbers_of_16_bits_count_as_what_they_are)
{
    static const DType dtypes[] = {DTYPE_F16, DTYPE_BF16};
    Exec *exec = open_exec();
    for (size_t i = 0; i < 2 * sizeof shapes / sizeof *shapes; i++) {
        Cached c = shapes[i / 2];
        c.dtype = dtypes[i % 2];
        fill(&c);
        Cached exact = exact_copy(&c, &shapes[i / 2]);
        size_t next = 0;
        for (const OpRow *row = row_at(0, &next); row; row = row_at(next, &next)) {
            attend(&c, row, exec, 0, c.n_kv_heads);
            attend(&exact, row, exec, 0, c.n_kv_heads);
            cr_assert_arr_eq(c.y, exact.y, answers(&c) * sizeof *c.y, "shape %zu, %s, %s", i / 2,
                             dtype_name(c.dtype), row->variant);
            for (size_t k = 0; k < answers(&c); k++) cr_assert(isfinite(c.y[k]), "%zu", k);
        }
        release(&c);
        release(&exact);
    }
    exec_close(&exec);
}

Test(attention_pages, heads_apart_have_the_bits_of_all_together)
{
    static const DType dtypes[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16};
    Exec *exec = open_exec();
    for (size_t i = 0; i < 3 * sizeof shapes / sizeof *shapes; i++) {
        Cached c = shapes[i / 3];
        c.dtype = dtypes[i % 3];
        fill(&c);
        size_t next = 0;
        float *together = calloc(answers(&c), sizeof *together);
        for (const OpRow *row = row_at(0, &next); row; row = row_at(next, &next)) {
            attend(&c, row, exec, 0, c.n_kv_heads);
            memcpy(together, c.y, answers(&c) * sizeof *c.y);
            for (size_t begin = 0; begin < c.n_kv_heads;) {
                const size_t end = size_min(c.n_kv_heads, 2 * begin + 1);
                attend(&c, row, exec, begin, end);
                begin = end;
            }
            cr_assert_arr_eq(c.y, together, answers(&c) * sizeof *c.y, "shape %zu, %s", i / 3,
                             row->variant);
        }
        free(together);
        release(&c);
    }
    exec_close(&exec);
}

Test(attention_pages, rows_are_stored_to_the_nearest_number)
{
    enum { HEADS = 3, COLUMNS = 100, ALL = HEADS * COLUMNS, ROW = 11 };
    static float key[ALL], value[ALL];
    static uint16_t key_page[ALL * PANEL_WIDTH], value_page[ALL * PANEL_WIDTH];
    for (size_t i = 0; i < ALL; i++) {
        key[i] = ldexpf(1.0f + (float)i / 307, (int)(i % 40) - 30);
        value[i] = -key[i];
    }
    for (int is_half = 0; is_half < 2; is_half++) {
        const DType dtype = is_half ? DTYPE_F16 : DTYPE_BF16;
        const Tensor keys = tensor_f32(key, 1, ALL), values = tensor_f32(value, 1, ALL);
        attention_store_rows(HEADS, dtype, &keys, &values, ROW, key_page, value_page);
        for (size_t i = 0; i < ALL; i++) {
            const uint16_t k = is_half ? f16_from_f32(key[i]) : bf16_from_f32(key[i]);
            const uint16_t v = is_half ? f16_from_f32(value[i]) : bf16_from_f32(value[i]);
            const size_t head = i / COLUMNS, d = i % COLUMNS;
            cr_assert_eq(key_page[i * PANEL_WIDTH + ROW], k, "key %zu", i);
            cr_assert_eq(value_page[(head * PANEL_WIDTH + ROW) * COLUMNS + d], v, "value %zu", i);
        }
    }
}
