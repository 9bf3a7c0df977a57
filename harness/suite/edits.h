// harness/suite/edits.h: pieces of a suite's text put in the place of others, with a note of where they came from. The document is
// read anew after each.
#ifndef ASSAY_HARNESS_SUITE_EDITS_H
#define ASSAY_HARNESS_SUITE_EDITS_H

#include "base/json.h"
#include "harness/suite/overrides.h"

typedef struct Edits {
    Arena *arena;
    OverrideText *out;
    JsonDocument *document; // of out->text
    size_t capacity;        // of out->edits
} Edits;

// Reads out->text.
Status edits_parse(Edits *e, Error *err) MUST_CHECK;
// Where a value begins in the text.
size_t edits_offset(const Json *value);
// Puts json in the place of a value. flag: what a person typed for it.
Status edits_replace(Edits *e, const Json *value, Slice json, Slice flag, Error *err) MUST_CHECK;
// Adds what stands in json (an element, or a member with its key) behind the last child of an array or object.
Status edits_add_child(Edits *e, const Json *parent, Slice json, Slice flag, Error *err) MUST_CHECK;

#endif
