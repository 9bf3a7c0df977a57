// datasets/python_literal.h: values as Python prints them, told as JSON.
//
// Published files hold dicts and lists that were written with str(): {'ans0': ['Ann', "it's her"], 'n': None}. Dicts, lists
// and tuples (as arrays), strings with their escapes, numbers, True, False and None are known, nothing else is.
#ifndef ASSAY_DATASETS_PYTHON_LITERAL_H
#define ASSAY_DATASETS_PYTHON_LITERAL_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"

// Appends JSON for the literal. What is nested wrongly is found by whoever parses the JSON.
Status python_literal_to_json(Slice literal, Buffer *out, Error *err) MUST_CHECK;
// A member that is an object, or a string that holds one as Python writes it: then *document is opened, to be closed by the
// caller, and *out is its root.
Status python_object_member(const Json *object, const char *key, JsonDocument **document,
                            const Json **out, Error *err) MUST_CHECK;

#endif
