// Reading, writing and describing by the table of keys.
#include <assert.h>
#include <string.h>

#include "base/name_list.h"
#include "base/size.h"
#include "harness/suite/keys.h"

enum { MAX_KEYS = 64, MAX_CHOICES = 128 };

const SuiteKey *section_at(const SuiteSection *section, size_t index)
{
    if (index < section->n_keys) return &section->keys[index];
    return section->more ? section_at(section->more, index - section->n_keys) : NULL;
}

const SuiteKey *section_key(const SuiteSection *section, Slice name)
{
    const SuiteKey *key;
    for (size_t i = 0; (key = section_at(section, i)) != NULL; i++) {
        if (slice_eq_cstr(name, key->name)) return key;
    }
    return NULL;
}

Status section_check_keys(const SuiteSection *section, const Json *object, Error *err)
{
    const char *names[MAX_KEYS];
    const SuiteKey *key;
    size_t n = 0;
    while (n < MAX_KEYS && (key = section_at(section, n)) != NULL) names[n++] = key->name;
    assert(n < MAX_KEYS);
    return json_check_keys(object, names, n, err);
}

// --- fields --------------------------------------------------------------------------------------------------------

static void put_count(const SuiteKey *key, uint64_t value, void *target)
{
    char *field = (char *)target + key->offset;
    const uint32_t narrow = (uint32_t)value;
    if (key->size == sizeof narrow) {
        memcpy(field, &narrow, sizeof narrow);
    } else {
        assert(key->size == sizeof value);
        memcpy(field, &value, sizeof value);
    }
}

static uint64_t get_count(const SuiteKey *key, const void *target)
{
    const char *field = (const char *)target + key->offset;
    uint32_t narrow;
    uint64_t wide;
    if (key->size == sizeof narrow) {
        memcpy(&narrow, field, sizeof narrow);
        return narrow;
    }
    memcpy(&wide, field, sizeof wide);
    return wide;
}

static void put_bytes(const SuiteKey *key, const void *value, size_t size, void *target)
{
    assert(key->size == size);
    (void)size;
    memcpy((char *)target + key->offset, value, key->size);
}

// A choice goes into a text, or as its index into an enum.
static void put_choice(const SuiteKey *key, size_t index, void *target)
{
    const Slice name = slice_from_cstr(key->choice(index));
    if (key->size == sizeof name) {
        put_bytes(key, &name, sizeof name, target);
    } else {
        put_count(key, index, target);
    }
}

static void put_default(const SuiteKey *key, void *target)
{
    const Slice text = slice_from_cstr(key->fallback);
    double number = 0;
    uint64_t count = 0;
    switch (key->kind) {
    case KEY_BOOL: {
        const bool is_true = slice_eq_cstr(text, "true");
        put_bytes(key, &is_true, sizeof is_true, target);
        break;
    }
    case KEY_COUNT:
        if (slice_to_u64(text, &count)) put_count(key, count, target);
        break;
    case KEY_NUMBER:
        if (slice_to_double(text, &number)) put_bytes(key, &number, sizeof number, target);
        break;
    case KEY_CHOICE:
        for (size_t i = 0; key->choice(i); i++) {
            // The default stands in quotes, as JSON.
            const Slice bare = slice_sub(text, 1, text.len - 1);
            if (slice_eq_cstr(bare, key->choice(i))) put_choice(key, i, target);
        }
        break;
    case KEY_TEXT:
    case KEY_PATH:
    case KEY_OBJECT:
    case KEY_LIST:
    case KEY_NAMES:
    case KEY_PATHS:
    case KEY_OTHER:
        break; // empty
    }
}

void section_defaults(const SuiteSection *section, void *target)
{
    const SuiteKey *key;
    for (size_t i = 0; (key = section_at(section, i)) != NULL; i++) {
        if (key->size > 0 && key->fallback && key->fallback[0] != '(') put_default(key, target);
    }
}

// --- reading -------------------------------------------------------------------------------------------------------

Status choice_read(const Json *value, const char *(*choice)(size_t index), size_t *out, Error *err)
{
    const char *names[MAX_CHOICES];
    size_t n = 0;
    Slice text;
    TRY(json_as_string(value, &text, err));
    for (; n < MAX_CHOICES && (names[n] = choice(n)) != NULL; n++) {
        if (!slice_eq_cstr(text, names[n])) continue;
        *out = n;
        return STATUS_OK;
    }
    const char *nearest = nearest_name(text, names, n);
    const Slice shown = slice_sub(text, 0, 80);
    if (nearest) {
        return json_error(value, err, "there is no \"" SLICE_FMT "\"; did you mean \"%s\"?",
                          SLICE_ARG(shown), nearest);
    }
    NameList list = {0};
    for (size_t i = 0; i < n; i++) name_list_quote(&list, slice_from_cstr(names[i]));
    return json_error(value, err, "there is no \"" SLICE_FMT "\"; there %s %s", SLICE_ARG(shown),
                      n == 1 ? "is" : "are", list.text);
}

static Status read_text(const SuiteKey *key, const Json *value, Arena *arena, void *target,
                        Error *err)
{
    Slice text;
    TRY(json_as_string(value, &text, err));
    const Slice copy = arena_copy(arena, text);
    if (!copy.ptr) return error_set_memory(err, text.len, 1, "a suite's text");
    put_bytes(key, &copy, sizeof copy, target);
    return STATUS_OK;
}

Status section_read_key(const SuiteKey *key, const Json *value, Arena *arena, void *target,
                        Error *err)
{
    if (key->read) return key->read(value, arena, target, err);
    if (key->size == 0) return STATUS_OK;
    double number = 0;
    int64_t integer = 0;
    size_t index = 0;
    bool is_true = false;
    switch (key->kind) {
    case KEY_TEXT:
        return read_text(key, value, arena, target, err);
    case KEY_BOOL:
        if (json_kind(value) != JSON_BOOL) {
            return json_error(value, err, "found %s, want true or false",
                              json_kind_name(json_kind(value)));
        }
        is_true = json_bool(value);
        put_bytes(key, &is_true, sizeof is_true, target);
        return STATUS_OK;
    case KEY_COUNT:
        TRY(json_as_i64(value, (int64_t)key->lowest, (int64_t)key->highest, &integer, err));
        put_count(key, (uint64_t)integer, target);
        return STATUS_OK;
    case KEY_NUMBER:
        TRY(json_as_double(value, key->lowest, key->highest, &number, err));
        put_bytes(key, &number, sizeof number, target);
        return STATUS_OK;
    case KEY_CHOICE:
        TRY(choice_read(value, key->choice, &index, err));
        put_choice(key, index, target);
        return STATUS_OK;
    case KEY_PATH:
    case KEY_OBJECT:
    case KEY_LIST:
    case KEY_NAMES:
    case KEY_PATHS:
    case KEY_OTHER:
        break;
    }
    return error_set(err, STATUS_INTERNAL, "the key \"%s\" has a field of a kind that has none",
                     key->name);
}

Status section_read(const SuiteSection *section, const Json *object, Arena *arena, void *target,
                    Error *err)
{
    TRY(section_check_keys(section, object, err));
    for (const Json *v = json_first(object); v; v = json_next(v)) {
        if (json_kind(v) == JSON_NULL) continue;
        TRY(section_read_key(section_key(section, json_key(v)), v, arena, target, err));
    }
    return STATUS_OK;
}

// --- writing -------------------------------------------------------------------------------------------------------

static void write_field(const SuiteKey *key, const void *target, JsonWriter *w)
{
    const char *field = (const char *)target + key->offset;
    const bool is_text =
        key->kind == KEY_TEXT || (key->kind == KEY_CHOICE && key->size == sizeof(Slice));
    const bool is_count = key->kind == KEY_COUNT || (key->kind == KEY_CHOICE && !is_text);
    double number = 0;
    Slice text = {0};
    bool is_true = false;
    if (is_text) memcpy(&text, field, sizeof text);
    if (key->kind == KEY_NUMBER) memcpy(&number, field, sizeof number);
    if (key->kind == KEY_BOOL) memcpy(&is_true, field, sizeof is_true);
    const uint64_t count = is_count ? get_count(key, target) : 0;
    const bool is_empty = is_text ? text.len == 0 : is_count ? count == 0 : number < 0;
    if (key->is_omitted && is_empty) return;
    json_put_key(w, key->name);
    if (is_text) {
        json_put_string(w, text);
    } else if (key->kind == KEY_CHOICE) {
        json_put_cstr(w, key->choice(count));
    } else if (is_count) {
        json_put_u64(w, count);
    } else if (key->kind == KEY_BOOL) {
        json_put_bool(w, is_true);
    } else {
        json_put_double(w, number);
    }
}

void section_write(const SuiteSection *section, const void *target, JsonWriter *w)
{
    const SuiteKey *sorted[MAX_KEYS], *key;
    size_t n = 0;
    for (size_t i = 0; (key = section_at(section, i)) != NULL; i++) {
        if (key->size == 0 && !key->write) continue;
        size_t at = n++;
        for (; at > 0 && strcmp(sorted[at - 1]->name, key->name) > 0; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = key;
    }
    for (size_t i = 0; i < n; i++) {
        if (sorted[i]->write) {
            sorted[i]->write(target, sorted[i]->name, w);
        } else {
            write_field(sorted[i], target, w);
        }
    }
}
