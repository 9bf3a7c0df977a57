// results/canonical.h: JSON in one form, so that equal settings are equal text.
//
// Object keys sorted by bytes, no blanks, strings escaped as base/json_writer.h does. Numbers: integers that fit 64 bits
// keep their digits; others are the shortest text that reads back as the same double, so 1e-5, 0.00001 and 1.0e-5 are one.
// 16.0 and 16 are one as well.
#ifndef ASSAY_RESULTS_CANONICAL_H
#define ASSAY_RESULTS_CANONICAL_H

#include "base/buffer.h"
#include "base/json.h"

// Appends the canonical text of value; check buffer_status at the end.
void canonical_json(const Json *value, Buffer *out);
// The same from text; what names it in messages.
Status canonical_json_text(Slice what, Slice text, Buffer *out, Error *err) MUST_CHECK;

// The object of one member alone, as {"train_samples":50}, of a canonical object that has it; STATUS_NOT_FOUND else.
Status canonical_member(Slice what, Slice object, const char *key, Buffer *out,
                        Error *err) MUST_CHECK;

#endif
