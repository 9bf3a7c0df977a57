// base/json_source.h: a JSON document as it was written: for programs that edit one, or pass parts of it on.
#ifndef ASSAY_BASE_JSON_SOURCE_H
#define ASSAY_BASE_JSON_SOURCE_H

#include "base/json.h"
#include "base/json_writer.h"

// The whole text of the document that value stands in, as it was given.
Slice json_document_text(const Json *value);
// The text of a value from its first byte to its last, comments inside included; a part of json_document_text.
Slice json_source(const Json *value);
// Writes a value with all that is in it, without blanks and comments; numbers keep their digits.
void json_put_value(JsonWriter *w, const Json *value);
// The place of a byte offset in a text, as json_place counts.
JsonPlace json_place_of(Slice text, size_t offset);

#endif
