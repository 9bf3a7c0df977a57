#include "harness/suite/edits.h"

#include <string.h>

#include "base/json_source.h"

Status edits_parse(Edits *e, Error *err)
{
    json_close(&e->document);
    return json_parse(e->out->name, e->out->text, JSON_COMMENTS, &e->document, err);
}

// --- splicing ------------------------------------------------------------------------------------------------------

// Moves the edits made before to where they stand after a splice, drops those that it replaces, and returns by how much
// the text now differs where it was made.
static int64_t move_edits(OverrideText *out, size_t begin, size_t end, int64_t delta)
{
    int64_t own = delta;
    size_t kept = 0;
    for (size_t i = 0; i < out->n_edits; i++) {
        OverrideEdit edit = out->edits[i];
        if (edit.begin >= begin && edit.end <= end && edit.end > begin) {
            own += edit.delta;
            continue;
        }
        if (edit.begin >= end) {
            edit.begin = (size_t)((int64_t)edit.begin + delta);
            edit.end = (size_t)((int64_t)edit.end + delta);
        } else if (edit.end >= end) { // around it
            edit.end = (size_t)((int64_t)edit.end + delta);
            edit.delta += delta;
            own = 0;
        }
        out->edits[kept++] = edit;
    }
    out->n_edits = kept;
    return own;
}

// Puts json in the place of the bytes [begin, end) and reads the document anew.
static Status splice(Edits *e, size_t begin, size_t end, Slice json, Slice flag, Error *err)
{
    OverrideText *out = e->out;
    char *text = arena_printf(e->arena, SLICE_FMT SLICE_FMT SLICE_FMT,
                              SLICE_ARG(slice_sub(out->text, 0, begin)), SLICE_ARG(json),
                              SLICE_ARG(slice_sub(out->text, end, out->text.len)));
    if (!text) return error_set_memory(err, out->text.len, 1, "a suite");
    if (out->n_edits == e->capacity) {
        OverrideEdit *edits = NULL;
        const size_t capacity = e->capacity ? 2 * e->capacity : 8;
        TRY(arena_take(e->arena, capacity, sizeof *edits, "overrides", &edits, err));
        if (out->n_edits > 0) memcpy(edits, out->edits, out->n_edits * sizeof *edits);
        out->edits = edits;
        e->capacity = capacity;
    }
    const int64_t delta = (int64_t)json.len - (int64_t)(end - begin);
    const int64_t own = move_edits(out, begin, end, delta);
    out->edits[out->n_edits++] = (OverrideEdit){begin, begin + json.len, own, flag};
    out->text = slice_from_cstr(text);
    return edits_parse(e, err);
}

size_t edits_offset(const Json *value)
{
    return (size_t)(json_source(value).ptr - json_document_text(value).ptr);
}

Status edits_replace(Edits *e, const Json *value, Slice json, Slice flag, Error *err)
{
    const size_t begin = edits_offset(value);
    return splice(e, begin, begin + json_source(value).len, json, flag, err);
}

Status edits_add_child(Edits *e, const Json *parent, Slice json, Slice flag, Error *err)
{
    const size_t n = json_len(parent);
    const Json *last = n ? json_at(parent, n - 1) : NULL;
    const size_t at = last ? edits_offset(last) + json_source(last).len : edits_offset(parent) + 1;
    const char *text = arena_printf(e->arena, "%s" SLICE_FMT, last ? ", " : "", SLICE_ARG(json));
    if (!text) return error_set_memory(err, json.len, 1, "an override");
    return splice(e, at, at, slice_from_cstr(text), flag, err);
}
