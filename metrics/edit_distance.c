// Levenshtein's distance, 64 cells of the table at a time.
//
// Source: Myers 1999, JACM 46(3), 395-415; Hyyro 2003, Nordic J. Computing 10(1), 29-39. A column of the table is kept
// as differences of neighbouring cells, one bit each: where it rises by 1 and where it falls by 1.
#include "metrics/edit_distance.h"

#include "base/size.h"
#include "metrics/word_ids.h"

typedef struct Block {
    uint64_t rises, falls;
} Block;

// Moves one block on by a column. equal: the rows whose word is the column's; step_in: by how much the cell above the
// block changes; the result is the same for the cell at bit `last`.
static int advance(Block *block, uint64_t equal, int step_in, uint64_t last)
{
    const uint64_t vertical = equal | block->falls;
    if (step_in < 0) equal |= 1;
    const uint64_t zero = (((equal & block->rises) + block->rises) ^ block->rises) | equal;
    uint64_t rises = block->falls | ~(zero | block->rises), falls = block->rises & zero;
    const int step_out = (rises & last) != 0 ? 1 : (falls & last) != 0 ? -1 : 0;
    rises = rises << 1 | (step_in > 0 ? 1 : 0);
    falls = falls << 1 | (step_in < 0 ? 1 : 0);
    block->rises = falls | ~(vertical | rises);
    block->falls = rises & vertical;
    return step_out;
}

// Bit i of masks[word * n_blocks + i / 64] says whether row i has the word.
static Status make_masks(const uint32_t *rows, size_t n, size_t n_words, size_t n_blocks,
                         Arena *scratch, uint64_t **out, Error *err)
{
    size_t cells;
    if (!size_mul(n_words, n_blocks, &cells)) {
        return error_set_memory(err, n_words, n_blocks, "masks of words");
    }
    TRY(arena_take(scratch, cells, sizeof **out, "masks of words", out, err));
    for (size_t i = 0; i < n; i++) (*out)[rows[i] * n_blocks + i / 64] |= (uint64_t)1 << i % 64;
    return STATUS_OK;
}

// What edit_alignment works on: the words between what both sides begin and end with, and every column of the table.
typedef struct Table {
    uint32_t *ref, *hyp;
    size_t n_ref, n_hyp, n_blocks;
    Block *columns; // [n_hyp, n_blocks]
} Table;

static Status fill_columns(Table *t, size_t n_words, Arena *scratch, Error *err)
{
    uint64_t *masks;
    Block *blocks;
    size_t cells;
    if (!size_mul(t->n_hyp, t->n_blocks, &cells)) {
        return error_set_memory(err, t->n_hyp, t->n_blocks, "an alignment");
    }
    TRY(make_masks(t->ref, t->n_ref, n_words, t->n_blocks, scratch, &masks, err));
    TRY(arena_take(scratch, t->n_blocks, sizeof *blocks, "a column", &blocks, err));
    TRY(arena_take(scratch, cells, sizeof *t->columns, "an alignment", &t->columns, err));
    for (size_t k = 0; k < t->n_blocks; k++) blocks[k].rises = UINT64_MAX;
    for (size_t j = 0; j < t->n_hyp; j++) {
        const uint64_t *equal = masks + t->hyp[j] * t->n_blocks;
        int step = 1;
        for (size_t k = 0; k < t->n_blocks; k++) {
            step = advance(&blocks[k], equal[k], step, (uint64_t)1 << 63);
            t->columns[j * t->n_blocks + k] = blocks[k];
        }
    }
    return STATUS_OK;
}

static bool rises_at(const Table *t, size_t column, size_t row)
{
    return t->columns[column * t->n_blocks + row / 64].rises >> row % 64 & 1;
}

static bool falls_at(const Table *t, size_t column, size_t row)
{
    return t->columns[column * t->n_blocks + row / 64].falls >> row % 64 & 1;
}

// From the end, as rapidfuzz walks: taken out where the table rises, else put in where the column before falls.
static void walk_back(const Table *t, EditCounts *out)
{
    size_t i = t->n_ref, j = t->n_hyp;
    while (i > 0 && j > 0) {
        if (rises_at(t, j - 1, i - 1)) {
            out->deletions++;
            i--;
            continue;
        }
        j--;
        if (j > 0 && falls_at(t, j - 1, i - 1)) {
            out->insertions++;
            continue;
        }
        i--;
        if (t->ref[i] == t->hyp[j]) {
            out->hits++;
        } else {
            out->substitutions++;
        }
    }
    out->deletions += i;
    out->insertions += j;
}

Status edit_alignment(const Tokens *hypothesis, const Tokens *reference, Arena *scratch,
                      EditCounts *out, Error *err)
{
    WordIds ids;
    Table t = {.n_ref = reference->n, .n_hyp = hypothesis->n};
    size_t n_all;
    *out = (EditCounts){0};
    if (!size_add(t.n_ref, t.n_hyp, &n_all)) return error_set_memory(err, t.n_ref, 1, "words");
    TRY(word_ids_init(&ids, n_all, scratch, err));
    TRY(word_ids_of(&ids, reference, scratch, &t.ref, err));
    TRY(word_ids_of(&ids, hypothesis, scratch, &t.hyp, err));
    while (t.n_ref > 0 && t.n_hyp > 0 && *t.ref == *t.hyp) {
        t.ref++, t.hyp++, t.n_ref--, t.n_hyp--;
        out->hits++;
    }
    while (t.n_ref > 0 && t.n_hyp > 0 && t.ref[t.n_ref - 1] == t.hyp[t.n_hyp - 1]) {
        t.n_ref--, t.n_hyp--;
        out->hits++;
    }
    t.n_blocks = (t.n_ref + 63) / 64;
    if (t.n_ref > 0 && t.n_hyp > 0) TRY(fill_columns(&t, ids.n, scratch, err));
    walk_back(&t, out);
    return STATUS_OK;
}

Status edit_distance(const Tokens *a, const Tokens *b, Arena *scratch, size_t *out, Error *err)
{
    const Tokens *shorter = a->n < b->n ? a : b, *longer = a->n < b->n ? b : a;
    const size_t n = shorter->n, n_blocks = (n + 63) / 64;
    uint32_t *rows, *columns;
    uint64_t *masks;
    Block *blocks;
    WordIds ids;
    size_t n_all;
    *out = longer->n;
    if (n == 0) return STATUS_OK;
    if (!size_add(n, longer->n, &n_all)) return error_set_memory(err, n, longer->n, "words");
    TRY(word_ids_init(&ids, n_all, scratch, err));
    TRY(word_ids_of(&ids, shorter, scratch, &rows, err));
    const size_t n_words = ids.n;
    TRY(word_ids_of(&ids, longer, scratch, &columns, err));
    TRY(make_masks(rows, n, n_words, n_blocks, scratch, &masks, err));
    TRY(arena_take(scratch, n_blocks, sizeof *blocks, "a column", &blocks, err));
    for (size_t k = 0; k < n_blocks; k++) blocks[k].rises = UINT64_MAX;
    size_t distance = n;
    for (size_t j = 0; j < longer->n; j++) {
        const uint64_t *equal = columns[j] < n_words ? masks + columns[j] * n_blocks : NULL;
        int step = 1; // the top row counts the words so far
        for (size_t k = 0; k < n_blocks; k++) {
            const uint64_t last = (uint64_t)1 << (k + 1 < n_blocks ? 63 : (n - 1) % 64);
            step = advance(&blocks[k], equal != NULL ? equal[k] : 0, step, last);
        }
        if (step > 0) distance++;
        if (step < 0) distance--;
    }
    *out = distance;
    return STATUS_OK;
}
