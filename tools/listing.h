// tools/listing.h: rows with named columns, once for people as a table and once as JSON: the two hold the same.
#ifndef ASSAY_TOOLS_LISTING_H
#define ASSAY_TOOLS_LISTING_H

#include "base/arena.h"
#include "base/json_writer.h"
#include "tools/command.h"

enum { LISTING_MAX_COLUMNS = 12 };

typedef enum ListingKind { LISTING_TEXT, LISTING_COUNT, LISTING_BOOL, LISTING_WORDS } ListingKind;

typedef struct ListingCell {
    ListingKind kind;
    Slice text;
    uint64_t count;     // also the truth of LISTING_BOOL
    const Slice *words; // LISTING_WORDS
    size_t n_words;
} ListingCell;

// Zeroed but for arena and columns is empty. Columns are the keys of the JSON objects: "summary", "n_trials".
typedef struct Listing {
    Arena *arena;
    const char *const *columns; // [n_columns]
    size_t n_columns;
    ListingCell *cells; // row by row
    size_t n_cells, capacity;
    size_t n_below; // of the last columns: each goes below its row, indented and wrapped
    bool failed;    // memory ran out: listing_status
} Listing;

// The next cell of the row; a row is full after n_columns cells. Text is borrowed.
void listing_text(Listing *listing, Slice text);
void listing_cstr(Listing *listing, const char *text); // NULL gives an empty cell: null in JSON
void listing_count(Listing *listing, uint64_t count);
void listing_bool(Listing *listing, bool value);
void listing_words(Listing *listing, const Slice *words, size_t n);
// printf into the arena.
void listing_printf(Listing *listing, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

Status listing_status(const Listing *listing, Error *err) MUST_CHECK;
// A heading and aligned columns; the last one is not padded. Columns below their rows are not in the heading. "none" where there are no rows.
void listing_put_table(const Listing *listing, Buffer *out);
// An array of objects.
void listing_put_json(const Listing *listing, JsonWriter *w);

#endif
