// datasets/text_edit.h: a text rewritten from front to back, of which it stays known what became of every place. Internal to
// datasets/.
#ifndef ASSAY_DATASETS_TEXT_EDIT_H
#define ASSAY_DATASETS_TEXT_EDIT_H

#include "base/buffer.h"
#include "datasets/sample.h"

// A piece of the text before and what stands for it after: pieces follow each other without gaps.
typedef struct TextPiece {
    size_t from, n_from; // bytes of the text before
    size_t to, n_to;     // of the text after
    bool is_kept;        // the same bytes: places inside it have a place of their own
} TextPiece;

typedef struct TextEdit {
    Slice from;
    size_t at; // bytes of `from` that are taken
    Buffer out;
    bool is_changed;
    TextPiece *pieces;
    size_t n_pieces, capacity;
} TextEdit;

// Begins another text; what the one before took is used again.
void text_edit_begin(TextEdit *edit, Slice from);
// The next n bytes stay.
void text_edit_keep(TextEdit *edit, size_t n);
// The next n bytes become `to`, which may be empty, and may be the same bytes.
void text_edit_put(TextEdit *edit, size_t n, Slice to);
// All that is left stays.
void text_edit_rest(TextEdit *edit);
Status text_edit_status(const TextEdit *edit, Error *err) MUST_CHECK;
void text_edit_release(TextEdit *edit); // a no-op on a zeroed one

// Where the bytes [begin, end) of the text before stand in the text after. A piece that became another is in as a whole.
typedef struct TextSpan {
    size_t begin, end;
} TextSpan;
TextSpan text_edit_span(const TextEdit *edit, TextSpan span);

#endif
