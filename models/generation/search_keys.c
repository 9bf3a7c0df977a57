// Keys and values of a search: kept, and found again by the attentions of the decoder.
#include <string.h>

#include "base/size.h"
#include "kernels/attention.h"
#include "models/generation/search_internal.h"

// Rows of the largest step there may be.
static size_t most_rows(const SearchGroup *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++) n += g->requests[i]->options.n_beams;
    return n;
}

// Room for the keys and values of the source and of a text of usual length, in large pages, which calls leave to each other: in
// small ones attention spent half its time on finding their addresses.
Status search_reserve_keys(SearchGroup *g, Error *err)
{
    enum { USUAL_STEPS = 64, BYTES_BESIDE = 1 << 20, MOST_BYTES = 128 << 20 };
    const Program *p = g->target_program;
    Worker *w = g->worker;
    const size_t own_rows = most_rows(g) * size_min(g->most_steps, USUAL_STEPS);
    size_t floats = 0, source_rows = 0;
    for (size_t i = 0; i < g->n; i++) source_rows += g->requests[i]->source.n_tokens;
    for (size_t a = 0; a < p->n_attentions; a++)
        floats +=
            2 * p->attentions[a].cols * (p->attentions[a].is_of_source ? source_rows : own_rows);
    const size_t bytes = size_min(floats * sizeof(float) + BYTES_BESIDE, MOST_BYTES);
    if (bytes <= w->search_bytes) return STATUS_OK;
    arena_release(g->arena);
    w->search_mark = (ArenaMark){0};
    w->search_bytes = 0;
    TRY(arena_reserve(g->arena, bytes, err));
    w->search_mark = arena_mark(g->arena);
    w->search_bytes = bytes;
    return STATUS_OK;
}

// Room for what the longest step needs, which is mostly the pages of its keys.
Status search_reserve_step(SearchGroup *g, Error *err)
{
    enum { BYTES_BESIDE = 1 << 12, WORDS_OF_A_ROW = 8, MOST_BYTES = 4 << 20 };
    const size_t rows = g->target_program->n_attentions * most_rows(g);
    const size_t words = rows * (2 * g->most_steps + WORDS_OF_A_ROW);
    // Longer texts than that ask for more when they come to it.
    TRY(arena_reserve(&g->step_arena,
                      BYTES_BESIDE + size_min(words, MOST_BYTES / sizeof(void *)) * sizeof(void *),
                      err));
    g->step_mark = arena_mark(&g->step_arena);
    return STATUS_OK;
}

// ---- of the source ----

static Status copy_columns(Arena *arena, const Tensor *from, float **out, Error *err)
{
    TRY(arena_take_raw(arena, from->rows * from->cols, sizeof **out, "keys of a source", out, err));
    for (size_t i = 0; i < from->rows; i++) {
        memcpy(*out + i * from->cols, (const float *)from->data + i * from->row_stride,
               from->cols * sizeof **out);
    }
    return STATUS_OK;
}

// The same of keys, in the order in which the attention reads them.
static Status copy_keys(Arena *arena, const Tensor *from, const ProgramAttention *attention,
                        float **out, Error *err)
{
    if (!attention->by_column) return copy_columns(arena, from, out, err);
    TRY(arena_take_raw(arena, from->rows * from->cols, sizeof **out, "keys of a source", out, err));
    for (size_t i = 0; i < from->rows; i++)
        attention_order_columns(attention->n_heads, from->cols / attention->n_heads,
                                (const float *)from->data + i * from->row_stride,
                                *out + i * from->cols);
    return STATUS_OK;
}

Status search_keep_source(SearchGroup *g, const ProgramRun *run, Error *err)
{
    for (size_t a = 0; a < g->target_program->n_attentions; a++) {
        SearchKept *kept = &g->kept[a];
        if (!kept->is_of_source) continue;
        const Tensor keys = program_source_keys(run, a, false),
                     values = program_source_keys(run, a, true);
        TRY(copy_keys(g->arena, &keys, &g->target_program->attentions[a], &kept->source_keys, err));
        TRY(copy_columns(g->arena, &values, &kept->source_values, err));
    }
    return STATUS_OK;
}

// ---- of a step ----

static Status take_pages(SearchGroup *g, size_t n, const float *const **out, Error *err)
{
    return arena_take_raw(&g->step_arena, n, sizeof **out, "pages", out, err);
}

// Keys and values of a step, or of the sources, are two pieces of so many rows.
static void add_pieces(FetchPiece *pieces, const SearchKept *kept, const float *keys,
                       const float *values, size_t n_rows)
{
    pieces[0] = (FetchPiece){keys, n_rows * kept->cols};
    pieces[1] = (FetchPiece){values, n_rows * kept->cols};
}

// All rows of a source see its keys, which lie in one piece.
static Status source_pages(SearchGroup *g, const SearchKept *kept, AttentionPages *pages,
                           Error *err)
{
    const float **keys = NULL, **values = NULL;
    int32_t *offsets = NULL, *queries = NULL;
    FetchPiece *pieces = NULL;
    size_t n = 0;
    TRY(arena_take(&g->step_arena, 2, sizeof *pieces, "pages", &pieces, err));
    add_pieces(pieces, kept, kept->source_keys, kept->source_values,
               (size_t)g->source_offsets[g->n]);
    TRY(take_pages(g, g->n, (const float *const **)&keys, err));
    TRY(take_pages(g, g->n, (const float *const **)&values, err));
    TRY(arena_take(&g->step_arena, g->n + 1, sizeof *offsets, "pages", &offsets, err));
    TRY(arena_take(&g->step_arena, g->n + 1, sizeof *queries, "pages", &queries, err));
    for (size_t r = 0; r < g->n_rows; r++) {
        const int32_t *source = g->source_offsets + g->source_of[r];
        if (r > 0 && g->source_of[r] == g->source_of[r - 1]) {
            queries[n] = (int32_t)(r + 1);
            continue;
        }
        keys[n] = kept->source_keys + (size_t)source[0] * kept->cols;
        values[n] = kept->source_values + (size_t)source[0] * kept->cols;
        offsets[n + 1] = offsets[n] + source[1] - source[0];
        queries[++n] = (int32_t)(r + 1);
    }
    *pages = (AttentionPages){.n_sequences = n,
                              .query_offsets = queries,
                              .key_offsets = offsets,
                              .keys = keys,
                              .values = values,
                              .page_rows = INT32_MAX,
                              .max_pages = 1,
                              .fetch = {pieces, 2}};
    return STATUS_OK;
}

// A page a row: those of the steps before, by the beam's past, and the one that this step writes.
static Status own_pages(SearchGroup *g, SearchKept *kept, AttentionPages *pages, Error *err)
{
    const size_t n_keys = g->n_steps + 1, n = g->n_rows * n_keys;
    const float **keys = NULL, **values = NULL;
    int32_t *offsets = NULL;
    float *step_keys = NULL, *step_values = NULL;
    FetchPiece *pieces = NULL;
    TRY(arena_take(&g->step_arena, 2 * n_keys, sizeof *pieces, "pages", &pieces, err));
    for (size_t k = 0; k < g->n_steps; k++)
        add_pieces(pieces + 2 * k, kept, kept->step_keys[k], kept->step_values[k],
                   kept->step_rows[k]);
    TRY(take_pages(g, n, (const float *const **)&keys, err));
    TRY(take_pages(g, n, (const float *const **)&values, err));
    TRY(arena_take(&g->step_arena, g->n_rows + 1, sizeof *offsets, "pages", &offsets, err));
    TRY(arena_take_raw(g->arena, g->n_rows * kept->cols, sizeof *step_keys, "keys of a step",
                       &step_keys, err));
    TRY(arena_take_raw(g->arena, g->n_rows * kept->cols, sizeof *step_values, "keys of a step",
                       &step_values, err));
    kept->step_keys[g->n_steps] = step_keys;
    kept->step_values[g->n_steps] = step_values;
    kept->step_rows[g->n_steps] = g->n_rows;
    for (size_t r = 0; r < g->n_rows; r++) {
        for (size_t k = 0; k < n_keys; k++) {
            const size_t at = (size_t)g->rows[r][k] * kept->cols;
            keys[r * n_keys + k] = kept->step_keys[k] + at;
            values[r * n_keys + k] = kept->step_values[k] + at;
        }
        offsets[r + 1] = (int32_t)((r + 1) * n_keys);
    }
    *pages = (AttentionPages){.n_sequences = g->n_rows,
                              .query_offsets = g->row_offsets,
                              .key_offsets = offsets,
                              .keys = keys,
                              .values = values,
                              .page_rows = 1,
                              .max_pages = n_keys,
                              .new_keys = step_keys,
                              .new_values = step_values,
                              .fetch = {pieces, 2 * g->n_steps}};
    return STATUS_OK;
}

Status search_pages(SearchGroup *g, size_t index, AttentionPages *pages, Error *err)
{
    SearchKept *kept = &g->kept[index];
    return kept->is_of_source ? source_pages(g, kept, pages, err) : own_pages(g, kept, pages, err);
}
