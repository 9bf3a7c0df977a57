#include "datasets/text_edit.h"

#include <stdlib.h>

#include "base/size.h"

void text_edit_begin(TextEdit *edit, Slice from)
{
    edit->from = from;
    edit->at = 0;
    edit->is_changed = false;
    edit->n_pieces = 0;
    buffer_clear(&edit->out);
}

static void add_piece(TextEdit *edit, size_t n, Slice to, bool is_kept)
{
    TextPiece *last = edit->n_pieces > 0 ? &edit->pieces[edit->n_pieces - 1] : NULL;
    const size_t at = edit->at, before = edit->out.len;
    buffer_append(&edit->out, to);
    edit->at += n;
    edit->is_changed = edit->is_changed || !is_kept;
    if (is_kept && last && last->is_kept) {
        last->n_from += n;
        last->n_to += n;
        return;
    }
    if (edit->n_pieces == edit->capacity) {
        size_t n_bytes;
        const size_t wanted = edit->capacity ? 2 * edit->capacity : 64;
        TextPiece *grown =
            size_mul(wanted, sizeof *grown, &n_bytes) ? realloc(edit->pieces, n_bytes) : NULL;
        if (!grown) {
            edit->out.failed = true;
            return;
        }
        edit->pieces = grown;
        edit->capacity = wanted;
    }
    edit->pieces[edit->n_pieces++] = (TextPiece){at, n, before, to.len, is_kept};
}

void text_edit_keep(TextEdit *edit, size_t n)
{
    if (n > 0) add_piece(edit, n, slice_sub(edit->from, edit->at, edit->at + n), true);
}

void text_edit_put(TextEdit *edit, size_t n, Slice to)
{
    const Slice was = slice_sub(edit->from, edit->at, edit->at + n);
    if (n == 0 && to.len == 0) return;
    add_piece(edit, n, to, slice_eq(was, to));
}

void text_edit_rest(TextEdit *edit)
{
    text_edit_keep(edit, edit->from.len - edit->at);
}

Status text_edit_status(const TextEdit *edit, Error *err)
{
    return buffer_status(&edit->out, err);
}

void text_edit_release(TextEdit *edit)
{
    buffer_release(&edit->out);
    free(edit->pieces);
    *edit = (TextEdit){0};
}

// The piece that holds byte `at`, the last of those that begin there; none at the text's end.
static const TextPiece *piece_at(const TextEdit *edit, size_t at)
{
    size_t low = 0, high = edit->n_pieces;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (edit->pieces[middle].from + edit->pieces[middle].n_from <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low < edit->n_pieces ? &edit->pieces[low] : NULL;
}

TextSpan text_edit_span(const TextEdit *edit, TextSpan span)
{
    TextSpan out = {edit->out.len, edit->out.len};
    const TextPiece *first = piece_at(edit, span.begin);
    if (first) out.begin = first->is_kept ? first->to + (span.begin - first->from) : first->to;
    if (span.end <= span.begin) return (TextSpan){out.begin, out.begin};
    const TextPiece *last = piece_at(edit, span.end - 1);
    if (last) out.end = last->is_kept ? last->to + (span.end - last->from) : last->to + last->n_to;
    return out;
}
