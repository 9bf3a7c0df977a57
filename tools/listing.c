#include "tools/listing.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/unicode.h"

static void add(Listing *listing, ListingCell cell)
{
    if (listing->n_cells == listing->capacity) {
        const size_t capacity = listing->capacity ? 2 * listing->capacity : 64;
        ListingCell *grown = ARENA_NEW(listing->arena, ListingCell, capacity);
        if (!grown) {
            listing->failed = true;
            return;
        }
        if (listing->n_cells > 0) memcpy(grown, listing->cells, listing->n_cells * sizeof *grown);
        listing->cells = grown;
        listing->capacity = capacity;
    }
    listing->cells[listing->n_cells++] = cell;
}

void listing_text(Listing *listing, Slice text)
{
    add(listing, (ListingCell){.kind = LISTING_TEXT, .text = text});
}

void listing_cstr(Listing *listing, const char *text)
{
    listing_text(listing, slice_from_cstr(text));
}

void listing_count(Listing *listing, uint64_t count)
{
    add(listing, (ListingCell){.kind = LISTING_COUNT, .count = count});
}

void listing_bool(Listing *listing, bool value)
{
    add(listing, (ListingCell){.kind = LISTING_BOOL, .count = value});
}

void listing_words(Listing *listing, const Slice *words, size_t n)
{
    add(listing, (ListingCell){.kind = LISTING_WORDS, .words = words, .n_words = n});
}

void listing_printf(Listing *listing, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const Slice copy = arena_copy(listing->arena, slice_from_cstr(len < 0 ? "" : text));
    if (!copy.ptr) listing->failed = true;
    listing_text(listing, copy);
}

Status listing_status(const Listing *listing, Error *err)
{
    if (!listing->failed) return STATUS_OK;
    return error_set_memory(err, listing->n_cells, sizeof *listing->cells, "a list");
}

// The cell as people see it.
static void put_cell(const ListingCell *cell, Buffer *out)
{
    switch (cell->kind) {
    case LISTING_TEXT:
        output_escaped(out, cell->text);
        return;
    case LISTING_COUNT:
        buffer_printf(out, "%llu", (unsigned long long)cell->count);
        return;
    case LISTING_BOOL:
        buffer_append_cstr(out, cell->count ? "yes" : "no");
        return;
    case LISTING_WORDS:
        for (size_t i = 0; i < cell->n_words; i++) {
            if (i > 0) buffer_append_cstr(out, ", ");
            output_escaped(out, cell->words[i]);
        }
        return;
    }
}

static size_t columns_of(const ListingCell *cell)
{
    Buffer text = {0};
    put_cell(cell, &text);
    const size_t n = text.ptr ? unicode_text_columns(buffer_slice(&text)) : 0;
    buffer_release(&text);
    return n;
}

enum { LINE_COLUMNS = 100, INDENT = 4 };

// Words of one cell on lines of their own, none beyond LINE_COLUMNS.
static void put_below(const ListingCell *cell, Buffer *out)
{
    Buffer text = {0};
    put_cell(cell, &text);
    Slice rest = text.ptr ? buffer_slice(&text) : (Slice){0}, word;
    size_t at = 0;
    while (rest.len > 0 && slice_split(&rest, ' ', &word)) {
        const size_t width = unicode_text_columns(word);
        if (at > 0 && at + 1 + width > LINE_COLUMNS) {
            buffer_append_byte(out, '\n');
            at = 0;
        }
        buffer_printf(out, "%*s", at > 0 ? 1 : INDENT, "");
        buffer_append(out, word);
        at += (at > 0 ? 1 : INDENT) + width;
    }
    if (at > 0) buffer_append_byte(out, '\n');
    buffer_release(&text);
}

void listing_put_table(const Listing *listing, Buffer *out)
{
    size_t widths[LISTING_MAX_COLUMNS] = {0};
    const size_t n_all = listing->n_columns, n = n_all - listing->n_below;
    if (n == 0 || listing->n_cells == 0) {
        buffer_append_cstr(out, "none\n");
        return;
    }
    for (size_t c = 0; c < n; c++) widths[c] = strlen(listing->columns[c]);
    for (size_t i = 0; i < listing->n_cells; i++) {
        const size_t width = columns_of(&listing->cells[i]);
        if (i % n_all < n && width > widths[i % n_all]) widths[i % n_all] = width;
    }
    for (size_t c = 0; c < n; c++) {
        for (const char *at = listing->columns[c]; *at; at++) {
            char letter = *at;
            if (letter == '_') letter = ' ';
            buffer_append_byte(out, letter);
        }
        const size_t pad = c + 1 < n ? widths[c] - strlen(listing->columns[c]) + 2 : 0;
        buffer_printf(out, "%*s", (int)pad, "");
    }
    buffer_append_byte(out, '\n');
    for (size_t i = 0; i < listing->n_cells; i++) {
        if (i % n_all >= n) {
            put_below(&listing->cells[i], out);
            continue;
        }
        const bool is_last = i % n_all + 1 == n;
        const size_t pad = is_last ? 0 : widths[i % n_all] - columns_of(&listing->cells[i]) + 2;
        const bool is_number = listing->cells[i].kind == LISTING_COUNT;
        if (is_number && !is_last) buffer_printf(out, "%*s", (int)pad - 2, "");
        put_cell(&listing->cells[i], out);
        if (!is_last) buffer_printf(out, "%*s", is_number ? 2 : (int)pad, "");
        if (is_last) buffer_append_byte(out, '\n');
    }
}

static void put_json_cell(const ListingCell *cell, JsonWriter *w)
{
    switch (cell->kind) {
    case LISTING_TEXT:
        if (cell->text.ptr)
            json_put_string(w, cell->text);
        else
            json_put_null(w);
        return;
    case LISTING_COUNT:
        json_put_u64(w, cell->count);
        return;
    case LISTING_BOOL:
        json_put_bool(w, cell->count != 0);
        return;
    case LISTING_WORDS:
        json_begin_array(w);
        for (size_t i = 0; i < cell->n_words; i++) json_put_string(w, cell->words[i]);
        json_end_array(w);
        return;
    }
}

void listing_put_json(const Listing *listing, JsonWriter *w)
{
    const size_t n = listing->n_columns;
    json_begin_array(w);
    for (size_t i = 0; i < listing->n_cells; i++) {
        if (i % n == 0) json_begin_object(w);
        json_put_key(w, listing->columns[i % n]);
        put_json_cell(&listing->cells[i], w);
        if (i % n + 1 == n) json_end_object(w);
    }
    json_end_array(w);
}
