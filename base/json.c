#include "base/json.h"

#include "base/file.h"
#include "base/json_reader.h"
#include "base/json_scan.h"
#include "base/json_tree.h"
#include "base/size.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_FILE_BYTES = 64 << 20,
    // cJSON 1.7.15 cuts numbers at 63 characters and then refuses the rest.
    MAX_CJSON_NUMBER = 63,
    // Objects of up to so many members are searched for duplicate keys pair by pair, larger ones by sorting.
    SMALL_OBJECT = 16,
};

// Checks one value met on the walk, beyond what the reader has checked. blanked is cJSON's copy of the text.
static Status check_value(const JsonReader *r, const JsonVisit *visit, char *blanked, Error *err)
{
    if (visit->has_nul) {
        return json_reader_error_at(r, visit->has_key ? visit->key_begin : visit->begin, err,
                                    "U+0000 (\\u0000) in a string is not allowed here");
    }
    if (visit->kind != JSON_NUMBER) return STATUS_OK;
    double ignored;
    const Slice digits = slice_sub(r->text, visit->begin, visit->end);
    if (!slice_to_double(digits, &ignored)) {
        return json_reader_error_at(r, visit->begin, err,
                                    "the number " SLICE_FMT " is out of range",
                                    SLICE_ARG(slice_sub(digits, 0, 64)));
    }
    // The value is read from its digits, never from cJSON, so any number serves there.
    if (digits.len > MAX_CJSON_NUMBER) {
        memset(blanked + visit->begin, ' ', digits.len);
        blanked[visit->begin] = '0';
    }
    return STATUS_OK;
}

// Walks over the text, checks it, blanks comments in its copy, and fills nodes unless NULL. *n counts the values.
static Status walk(JsonDocument *document, char *blanked, JsonFlags flags, Json *nodes, size_t *n,
                   Error *err)
{
    JsonReader r = json_reader(document->name, document->text, &document->arena);
    r.first_line = document->first_line;
    r.comment_copy = flags & JSON_COMMENTS ? blanked : NULL;
    JsonVisit visit = {0};
    Json *open[JSON_READER_DEPTH + 1] = {0};
    bool more = true;
    for (*n = 0;; ++*n) {
        TRY(json_visit(&r, &visit, &more, err));
        if (!more) break;
        TRY(check_value(&r, &visit, blanked, err));
        if (!nodes) continue;
        Json *node = &nodes[*n];
        *node = (Json){.document = document,
                       .parent = visit.depth ? open[visit.depth - 1] : NULL,
                       .begin = visit.begin,
                       .end = visit.end,
                       .key_begin = visit.has_key ? visit.key_begin : visit.begin,
                       .kind = visit.kind};
        if (visit.depth) node->index = open[visit.depth - 1]->n_children++;
        open[visit.depth] = node;
    }
    return json_read_end(&r, err);
}

// Gives every node its children and its item in cJSON's tree, which has the same shape.
static Status link_nodes(JsonDocument *document, Error *err)
{
    const Json **slots = NULL;
    size_t used = 0;
    TRY(arena_take(&document->arena, document->n_nodes, sizeof *slots, "a JSON document", &slots,
                   err));
    for (size_t i = 0; i < document->n_nodes; i++) {
        Json *node = &document->nodes[i];
        node->children = slots + used;
        used += node->n_children;
        if (!node->parent) {
            node->item = document->tree;
        } else {
            node->parent->children[node->index] = node;
            node->item = node->index ? node->parent->children[node->index - 1]->item->next
                                     : node->parent->item->child;
        }
        if (!node->item) return error_set(err, STATUS_INTERNAL, "cJSON read another document");
    }
    return STATUS_OK;
}

static int compare_keys(const void *left, const void *right)
{
    const Json *a = *(const Json *const *)left, *b = *(const Json *const *)right;
    const int order = strcmp(a->item->string, b->item->string);
    if (order != 0) return order;
    return a->index < b->index ? -1 : a->index > b->index;
}

static Status duplicate_key(const Json *first, const Json *second, Error *err)
{
    const JsonDocument *document = first->document;
    const JsonPlace before = json_place_in(document->text, first->key_begin, document->first_line);
    const JsonPlace here = json_place_in(document->text, second->key_begin, document->first_line);
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ":%zu:%zu: the key \"%s\" stands here a second time (first in line "
                               "%zu, column %zu)",
                     SLICE_ARG(document->name), here.line, here.column, second->item->string,
                     before.line, before.column);
}

static Status check_duplicates(JsonDocument *document, const Json *object, Error *err)
{
    const size_t n = object->n_children;
    if (n <= SMALL_OBJECT) {
        for (size_t i = 1; i < n; i++) {
            for (size_t j = 0; j < i; j++) {
                const Json *a = object->children[j], *b = object->children[i];
                if (strcmp(a->item->string, b->item->string) == 0) return duplicate_key(a, b, err);
            }
        }
        return STATUS_OK;
    }
    const ArenaMark mark = arena_mark(&document->arena);
    const Json **sorted = NULL;
    TRY(arena_take(&document->arena, n, sizeof *sorted, "a JSON object's keys", &sorted, err));
    memcpy(sorted, object->children, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_keys);
    Status s = STATUS_OK;
    for (size_t i = 1; i < n && s == STATUS_OK; i++) {
        if (strcmp(sorted[i - 1]->item->string, sorted[i]->item->string) == 0) {
            s = duplicate_key(sorted[i - 1], sorted[i], err);
        }
    }
    arena_rewind(&document->arena, mark);
    return s;
}

static Status build(JsonDocument *document, JsonFlags flags, Error *err)
{
    char *blanked = arena_cstr(&document->arena, document->text);
    if (!blanked) return error_set_memory(err, document->text.len, 1, "a JSON document");
    size_t n = 0;
    TRY(walk(document, blanked, flags, NULL, &n, err)); // counts
    document->tree = cJSON_ParseWithLengthOpts(
        blanked + json_bom_len(document->text),
        document->text.len + 1 - json_bom_len(document->text), NULL, true);
    // The text is valid, so only memory can have failed.
    if (!document->tree) return error_set_memory(err, n, sizeof(cJSON), "a JSON document");
    TRY(arena_take(&document->arena, n, sizeof *document->nodes, "a JSON document",
                   &document->nodes, err));
    TRY(walk(document, blanked, flags, document->nodes, &document->n_nodes, err));
    TRY(link_nodes(document, err));
    for (size_t i = 0; i < document->n_nodes; i++) {
        if (document->nodes[i].kind != JSON_OBJECT) continue;
        TRY(check_duplicates(document, &document->nodes[i], err));
    }
    return STATUS_OK;
}

// Takes over the arena, in which name and text already stand.
static Status parse_owned(Arena arena, Slice name, Slice text, size_t first_line, JsonFlags flags,
                          JsonDocument **out, Error *err)
{
    JsonDocument *document = arena_alloc(&arena, 1, sizeof *document);
    if (!document) {
        arena_release(&arena);
        return error_set_memory(err, 1, sizeof *document, "a JSON document");
    }
    *document =
        (JsonDocument){.arena = arena, .name = name, .text = text, .first_line = first_line};
    const Status s = build(document, flags, err);
    if (s != STATUS_OK) {
        json_close(&document);
        return s;
    }
    *out = document;
    return STATUS_OK;
}

static Status parse_copy(Slice name, Slice text, size_t first_line, JsonFlags flags,
                         JsonDocument **out, Error *err)
{
    *out = NULL;
    Arena arena = {0};
    const Slice own_name = arena_copy(&arena, name), own_text = arena_copy(&arena, text);
    if (!own_name.ptr || !own_text.ptr) {
        arena_release(&arena);
        return error_set_memory(err, text.len, 1, "a JSON document");
    }
    return parse_owned(arena, own_name, own_text, first_line, flags, out, err);
}

Status json_parse(Slice name, Slice text, JsonFlags flags, JsonDocument **out, Error *err)
{
    return parse_copy(name, text, 1, flags, out, err);
}

Status json_parse_line(Slice name, size_t line_number, Slice line, JsonDocument **out, Error *err)
{
    return parse_copy(name, line, line_number, JSON_STRICT, out, err);
}

Status json_load(const char *path, JsonFlags flags, JsonDocument **out, Error *err)
{
    *out = NULL;
    Arena arena = {0};
    Slice text = {0};
    Status s = file_read(&arena, path, MAX_FILE_BYTES, &text, err);
    const Slice name = s == STATUS_OK ? arena_copy(&arena, slice_from_cstr(path)) : (Slice){0};
    if (s == STATUS_OK && !name.ptr) s = error_set_memory(err, strlen(path), 1, "a file's name");
    if (s != STATUS_OK) {
        arena_release(&arena);
        return s;
    }
    return parse_owned(arena, name, text, 1, flags, out, err);
}

void json_close(JsonDocument **document)
{
    if (!*document) return;
    cJSON_Delete((*document)->tree);
    Arena arena = (*document)->arena; // the document itself lies in it
    arena_release(&arena);
    *document = NULL;
}

const Json *json_root(const JsonDocument *document)
{
    return &document->nodes[0];
}

JsonKind json_kind(const Json *value)
{
    return value->kind;
}

size_t json_len(const Json *value)
{
    return value->n_children;
}

const Json *json_at(const Json *value, size_t index)
{
    return value && index < value->n_children ? value->children[index] : NULL;
}

const Json *json_first(const Json *value)
{
    return json_at(value, 0);
}

const Json *json_next(const Json *value)
{
    return json_at(value->parent, value->index + 1);
}

Slice json_key(const Json *member)
{
    return slice_from_cstr(member->item->string);
}

const Json *json_get(const Json *object, const char *key)
{
    if (!object || object->kind != JSON_OBJECT) return NULL;
    for (size_t i = 0; i < object->n_children; i++) {
        if (strcmp(object->children[i]->item->string, key) == 0) return object->children[i];
    }
    return NULL;
}

bool json_bool(const Json *value)
{
    assert(value->kind == JSON_BOOL);
    return cJSON_IsTrue(value->item);
}

double json_double(const Json *value)
{
    assert(value->kind == JSON_NUMBER);
    double number = 0;
    const bool is_number = slice_to_double(json_number_text(value), &number);
    assert(is_number); // checked while parsing
    (void)is_number;
    return number;
}

Slice json_string(const Json *value)
{
    assert(value->kind == JSON_STRING);
    return slice_from_cstr(value->item->valuestring);
}

Slice json_number_text(const Json *value)
{
    assert(value->kind == JSON_NUMBER);
    return slice_sub(value->document->text, value->begin, value->end);
}

JsonPlace json_place(const Json *value)
{
    return json_place_in(value->document->text, value->begin, value->document->first_line);
}
