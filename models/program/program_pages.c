// Attentions that read earlier keys and values from pages, and leave the unit's own there.
#include <string.h>

#include "base/size.h"
#include "kernels/attention.h"
#include "kernels/pack.h"
#include "models/program/program_internal.h"

// The keys and values of the unit's tokens go into their sequences' pages; the attention reads them there.
static void store_keys(const ProgramRun *run, const TapeAttention *attention, const Tensor *keys,
                       const Tensor *values)
{
    const ProgramCache *c = run->unit.cache;
    const size_t cache = attention->cache;
    for (size_t s = 0; s < run->unit.n_sequences; s++) {
        const size_t begin = (size_t)run->unit.offsets[s], end = (size_t)run->unit.offsets[s + 1];
        const size_t n_keys = (size_t)(c->key_offsets[s + 1] - c->key_offsets[s]);
        for (size_t i = begin, n; i < end; i += n) {
            const size_t row = n_keys - (end - i), page = s * c->max_pages + row / c->page_rows;
            n = size_min(end - i, c->page_rows - row % c->page_rows);
            const Tensor of_keys = tensor_rows(*keys, i, i + n),
                         of_values = tensor_rows(*values, i, i + n);
            attention_store_rows(attention->n_kv_heads, c->dtype, &of_keys, &of_values,
                                 row % c->page_rows, c->key_pages[cache][page],
                                 c->value_pages[cache][page]);
        }
    }
}

void program_attend_cached(const ProgramRun *run, const TapeNode *node, OpArgs *args)
{
    const ProgramCache *c = run->unit.cache;
    const size_t cache = node->as.attention.cache;
    if (!node->as.attention.reads_cache)
        store_keys(run, &node->as.attention, &args->in[1], &args->in[2]);
    args->in[1] = args->in[2] = (Tensor){0};
    args->as.attention.keys =
        (Ragged){.n_sequences = run->unit.n_sequences, .offsets = run->device_key_offsets};
    args->as.attention.pages_by_head = 1;
    args->as.attention.pages_dtype = c->dtype;
    args->as.attention.key_pages = (const float *const *)c->key_pages[cache];
    args->as.attention.value_pages = (const float *const *)c->value_pages[cache];
    args->as.attention.page_rows = c->page_rows;
    args->as.attention.max_pages = c->max_pages;
}

static void store_rows(const Tensor *rows, float *to)
{
    for (size_t i = 0; i < rows->rows; i++) {
        memcpy(to + i * rows->cols, (const float *)rows->data + i * rows->row_stride,
               rows->cols * sizeof *to);
    }
}

// Keys as the attention reads them from pages.
static void store_keys_of(const ProgramAttention *a, const Tensor *keys, float *to)
{
    if (!a->by_column) {
        store_rows(keys, to);
        return;
    }
    for (size_t i = 0; i < keys->rows; i++)
        attention_order_columns(a->n_heads, a->cols / a->n_heads,
                                (const float *)keys->data + i * keys->row_stride, to + i * a->cols);
}

void program_attend_pages(const ProgramRun *run, const ProgramStep *step, OpArgs *args)
{
    const AttentionPages *pages = &run->unit.target_pages[step->attention];
    if (pages->new_keys) {
        store_keys_of(&run->program->attentions[step->attention], &args->in[1], pages->new_keys);
        store_rows(&args->in[2], pages->new_values);
    }
    args->in[1] = args->in[2] = (Tensor){0};
    args->as.attention.queries.n_sequences = pages->n_sequences;
    args->as.attention.queries.offsets = pages->query_offsets;
    args->as.attention.keys =
        (Ragged){.n_sequences = pages->n_sequences, .offsets = pages->key_offsets};
    args->as.attention.keys_by_column = run->program->attentions[step->attention].by_column;
    args->as.attention.key_pages = pages->keys;
    args->as.attention.value_pages = pages->values;
    args->as.attention.page_rows = pages->page_rows;
    args->as.attention.max_pages = pages->max_pages;
}
