// What the table of keys says, as JSON Schema and as tables for docs/suite.md.

#include "harness/suite/keys.h"
#include "harness/suite/suite.h"

// --- JSON Schema ---------------------------------------------------------------------------------------------------

static void put_section(const SuiteSection *section, JsonWriter *w);

static void put_names(const SuiteKey *key, JsonWriter *w)
{
    const char *(*name)(size_t) = key->offered ? key->offered : key->choice;
    json_member_array(w, "enum");
    for (size_t i = 0; name(i); i++) json_put_cstr(w, name(i));
    json_end_array(w);
}

static void put_range(const SuiteKey *key, JsonWriter *w)
{
    json_member_cstr(w, "type", key->kind == KEY_COUNT ? "integer" : "number");
    json_member_double(w, "minimum", key->lowest);
    json_member_double(w, "maximum", key->highest);
}

// The alternatives of a value that may be a name or path, or an object.
static void put_name_or_object(const SuiteKey *key, JsonWriter *w)
{
    json_member_array(w, "anyOf");
    json_begin_object(w);
    if (key->choice) {
        put_names(key, w);
    } else {
        json_member_cstr(w, "type", "string");
    }
    json_end_object(w);
    if (key->section) {
        json_begin_object(w);
        put_section(key->section, w);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_items(const SuiteKey *key, JsonWriter *w)
{
    json_member_cstr(w, "type", "array");
    json_member_object(w, "items");
    if (key->kind == KEY_NAMES) {
        put_name_or_object(key, w);
    } else {
        put_section(key->section, w);
    }
    json_end_object(w);
}

// An object, or false where that is the default.
static void put_object(const SuiteKey *key, JsonWriter *w)
{
    const bool may_be_false = key->fallback && slice_eq_cstr(SLICE("false"), key->fallback);
    if (!may_be_false) {
        put_section(key->section, w);
        return;
    }
    json_member_array(w, "anyOf");
    json_put_raw(w, key->section == &section_balance ? SLICE("{\"type\": \"boolean\"}")
                                                     : SLICE("{\"const\": false}"));
    json_begin_object(w);
    put_section(key->section, w);
    json_end_object(w);
    json_end_array(w);
}

// The members that say what a value of the key is, into an object that is open.
static void put_type(const SuiteKey *key, JsonWriter *w)
{
    switch (key->kind) {
    case KEY_TEXT:
        json_member_cstr(w, "type", "string");
        break;
    case KEY_PATH:
        json_member_cstr(w, "type", "string");
        json_member_i64(w, "minLength", 1);
        break;
    case KEY_BOOL:
        json_member_cstr(w, "type", "boolean");
        break;
    case KEY_COUNT:
    case KEY_NUMBER:
        put_range(key, w);
        break;
    case KEY_CHOICE:
        put_names(key, w);
        break;
    case KEY_OBJECT:
        put_object(key, w);
        break;
    case KEY_LIST:
    case KEY_NAMES:
        put_items(key, w);
        break;
    case KEY_PATHS:
        put_name_or_object(key, w);
        break;
    case KEY_OTHER:
        json_member_array(w, "allOf");
        json_put_raw(w, slice_from_cstr(key->schema));
        json_end_array(w);
        break;
    }
}

// What a search draws from.
#define BOUNDS_SCHEMA \
    "{\"type\":\"array\",\"minItems\":2,\"maxItems\":2,\"items\":{\"type\":\"number\"}}"
#define DISTRIBUTION_SCHEMA                                                                  \
    "{\"type\":\"object\",\"minProperties\":1,\"maxProperties\":1,\"additionalProperties\":" \
    "false,\"properties\":{\"uniform\":" BOUNDS_SCHEMA ",\"log_uniform\":" BOUNDS_SCHEMA     \
    ",\"int\":" BOUNDS_SCHEMA "}}"

static void put_property(const SuiteKey *key, bool is_axis, JsonWriter *w)
{
    json_member_object(w, key->name);
    json_member_cstr(w, "description", key->summary);
    if (is_axis) {
        json_member_array(w, "anyOf");
        json_begin_object(w);
        put_type(key, w);
        json_end_object(w);
        json_begin_object(w);
        json_member_cstr(w, "type", "array");
        json_member_i64(w, "minItems", 1);
        json_member_object(w, "items");
        put_type(key, w);
        json_end_object(w);
        json_end_object(w);
        if (key->kind == KEY_NUMBER || key->kind == KEY_COUNT)
            json_put_raw(w, SLICE(DISTRIBUTION_SCHEMA));
        json_end_array(w);
    } else {
        put_type(key, w);
    }
    json_end_object(w);
}

// Sections nest as the table does: a few levels.
// NOLINTNEXTLINE(misc-no-recursion)
static void put_section(const SuiteSection *section, JsonWriter *w)
{
    const SuiteKey *key;
    json_member_cstr(w, "type", "object");
    json_member_bool(w, "additionalProperties", false);
    json_member_object(w, "properties");
    for (size_t i = 0; (key = section_at(section, i)) != NULL; i++) {
        put_property(key, section->is_grid, w);
    }
    json_end_object(w);
    json_member_array(w, "required");
    for (size_t i = 0; (key = section_at(section, i)) != NULL; i++) {
        if (!key->fallback) json_put_cstr(w, key->name);
    }
    json_end_array(w);
}

void suite_schema_write(Buffer *out)
{
    JsonWriter w = json_writer(out, 1);
    json_begin_object(&w);
    json_member_cstr(&w, "$schema", "http://json-schema.org/draft-07/schema#");
    json_member_cstr(&w, "title", "A suite of assay");
    put_section(&section_suite, &w);
    json_end_object(&w);
    buffer_append_cstr(out, "\n");
}

// --- Markdown ------------------------------------------------------------------------------------------------------

static void show_range(const SuiteKey *key, Buffer *out)
{
    buffer_append_cstr(out, key->kind == KEY_COUNT ? "whole number, " : "number, ");
    buffer_append_double(out, key->lowest);
    buffer_append_cstr(out, " to ");
    if (key->kind == KEY_COUNT && key->highest > 1e15) {
        buffer_append_cstr(out, "2^53");
    } else {
        buffer_append_double(out, key->highest);
    }
}

static void show_choices(const SuiteKey *key, Buffer *out)
{
    for (size_t i = 0; key->choice(i); i++)
        buffer_printf(out, "%s`%s`", i ? ", " : "", key->choice(i));
}

static void show_type(const SuiteKey *key, Buffer *out)
{
    if (key->shown) {
        buffer_append_cstr(out, key->shown);
        return;
    }
    switch (key->kind) {
    case KEY_TEXT:
        buffer_append_cstr(out, "text");
        break;
    case KEY_PATH:
        buffer_append_cstr(out, "path");
        break;
    case KEY_BOOL:
        buffer_append_cstr(out, "`true` or `false`");
        break;
    case KEY_COUNT:
    case KEY_NUMBER:
        show_range(key, out);
        break;
    case KEY_CHOICE:
        show_choices(key, out);
        break;
    case KEY_OBJECT:
        buffer_printf(out, "object: `%s`", key->section->name);
        break;
    case KEY_LIST:
        buffer_printf(out, "list of objects: `%s`", key->section->name);
        break;
    case KEY_NAMES:
        buffer_append_cstr(out, key->section ? "list of names or objects" : "list of ");
        if (!key->section) show_choices(key, out);
        break;
    case KEY_PATHS:
        buffer_append_cstr(out, "path or object");
        break;
    case KEY_OTHER: // has shown
        break;
    }
}

void section_markdown(const SuiteSection *section, Buffer *out)
{
    buffer_append_cstr(out, "| key | type | default | meaning |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < section->n_keys; i++) {
        const SuiteKey *key = &section->keys[i];
        buffer_printf(out, "| `%s` | ", key->name);
        show_type(key, out);
        if (!key->fallback) {
            buffer_append_cstr(out, " | required");
        } else if (key->fallback[0] == '(') {
            const Slice words = slice_from_cstr(key->fallback);
            buffer_printf(out, " | " SLICE_FMT, SLICE_ARG(slice_sub(words, 1, words.len - 1)));
        } else {
            buffer_printf(out, " | `%s`", key->fallback);
        }
        buffer_printf(out, " | %s |\n", key->summary);
    }
}
