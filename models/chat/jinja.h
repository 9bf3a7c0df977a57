// models/chat/jinja.h: the part of Jinja that chat templates are written in.
//
// A template comes with a model's files, so it is a stranger's: it computes texts from the values that it is given and can do
// nothing else. Its nesting, its steps, its memory and its output are limited. As Transformers runs templates: trim_blocks,
// lstrip_blocks, break and continue, raise_exception, a tojson that keeps characters as they are.
//
// There are: text, {{ }}, {% if %}, {% for .. in .. if .. %} with else and `loop`, {% set %} of names, of a namespace's members and
// of blocks, {% break %}, {% continue %}, {% generation %}, comments, all operators, conditional expressions, literals, slices,
// the filters, tests and methods that jinja_filters.c and jinja_methods.c list. Macros, includes and inheritance are refused by their line.
//
// Source: jinja.palletsprojects.com/en/stable/templates, and Transformers' utils/chat_template_utils.
#ifndef ASSAY_MODELS_CHAT_JINJA_H
#define ASSAY_MODELS_CHAT_JINJA_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"

typedef struct JinjaTemplate JinjaTemplate;

// A variable of a template: a JSON value, or where that is NULL none, true or a text.
typedef struct JinjaVariable {
    const char *name;
    const Json *json;
    bool is_none, is_true;
    Slice text;
} JinjaVariable;

// name is for messages: "NAME:LINE: ...". Both are copied; the template lives in the arena.
Status jinja_parse(Arena *arena, Slice name, Slice text, const JinjaTemplate **out,
                   Error *err) MUST_CHECK;
// Appends what the template makes of the variables. Of two with one name the later counts. STATUS_INVALID also where the
// template itself raises an exception: its words are the message.
Status jinja_render(const JinjaTemplate *template, const JinjaVariable *variables, size_t n,
                    Buffer *out, Error *err) MUST_CHECK;

#endif
