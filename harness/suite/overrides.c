#include "harness/suite/overrides.h"

#include "base/buffer_keep.h"
#include "base/json_source.h"
#include "base/name_list.h"
#include "harness/suite/edits.h"
#include "harness/suite/suite.h"

// --- building ------------------------------------------------------------------------------------------------------

// The flag as a person typed it.
static Status flag_text(Edits *e, const char *flag, Slice argument, Slice *out, Error *err)
{
    const char *text = arena_printf(e->arena, "%s " SLICE_FMT, flag, SLICE_ARG(argument));
    if (!text) return error_set_memory(err, argument.len, 1, "an override");
    *out = slice_from_cstr(text);
    return STATUS_OK;
}

// The argument's value as JSON, or as a string where it is none.
static Status value_json(Edits *e, Slice value, Slice *out, Error *err)
{
    JsonDocument *document = NULL;
    Buffer buffer = {0};
    Error wrong = {0};
    JsonWriter w = json_writer(&buffer, 0);
    const Status s = json_parse(SLICE("value"), value, JSON_STRICT, &document, &wrong);
    if (s == STATUS_OK) {
        json_put_value(&w, json_root(document)); // on one line, whatever was typed
    } else if (s == STATUS_INVALID) {
        json_put_string(&w, value);
    } else {
        if (err) *err = wrong;
        return s;
    }
    json_close(&document);
    return buffer_keep(&buffer, e->arena, "an override", out, err);
}

// {"a": {"b": VALUE}} for what is left of a path, or VALUE itself.
static Status nest(Edits *e, Slice path, Slice value, Slice *out, Error *err)
{
    Buffer buffer = {0};
    Slice key;
    size_t depth = 0;
    for (; slice_split(&path, '.', &key); depth++) {
        buffer_append_cstr(&buffer, "{");
        json_escape(&buffer, key);
        buffer_append_cstr(&buffer, ": ");
    }
    buffer_append(&buffer, value);
    for (; depth > 0; depth--) buffer_append_cstr(&buffer, "}");
    return buffer_keep(&buffer, e->arena, "an override", out, err);
}

// `"key": json` with what is left of a path around the value.
static Status member_json(Edits *e, Slice key, Slice rest, Slice value, Slice *out, Error *err)
{
    Buffer buffer = {0};
    Slice nested;
    TRY(nest(e, rest, value, &nested, err));
    json_escape(&buffer, key);
    buffer_append_cstr(&buffer, ": ");
    buffer_append(&buffer, nested);
    return buffer_keep(&buffer, e->arena, "an override", out, err);
}

// --- finding -------------------------------------------------------------------------------------------------------

static bool is_named(const Json *element, Slice name)
{
    static const char *const keys[] = {"name", "use"};
    for (size_t i = 0; i < 2; i++) {
        const Json *value = json_get(element, keys[i]);
        if (value && json_kind(value) == JSON_STRING) return slice_eq(json_string(value), name);
    }
    return false;
}

static const Json *find_named(const Json *array, Slice name)
{
    if (!array || json_kind(array) != JSON_ARRAY) return NULL;
    for (const Json *v = json_first(array); v; v = json_next(v)) {
        if (is_named(v, name)) return v;
    }
    return NULL;
}

// An element by its number from 0, or by its name.
static Status find_element(const Json *array, Slice part, Slice flag, const Json **out, Error *err)
{
    uint64_t index;
    *out = slice_to_u64(part, &index) ? json_at(array, index < SIZE_MAX ? (size_t)index : SIZE_MAX)
                                      : find_named(array, part);
    if (*out) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ": there is no \"" SLICE_FMT
                               "\" among the %zu elements; name one by its "
                               "name or by its number from 0",
                     SLICE_ARG(flag), SLICE_ARG(part), json_len(array));
}

// The next part of "tune.batch_size" or "tasks[0].primary".
static bool take_part(Slice *path, Slice *part)
{
    if (path->len == 0) return false;
    size_t end = 0;
    while (end < path->len && path->ptr[end] != '.' && path->ptr[end] != '[') end++;
    if (end == 0 && path->ptr[0] == '[') {
        const size_t close = slice_find_byte(*path, ']');
        if (close == SIZE_MAX) return false;
        *part = slice_sub(*path, 1, close);
        end = close + 1;
    } else {
        *part = slice_sub(*path, 0, end);
    }
    if (end < path->len && path->ptr[end] == '.') end++;
    *path = slice_sub(*path, end, path->len);
    return part->len > 0;
}

// --- flags ---------------------------------------------------------------------------------------------------------

static Status set_value(Edits *e, Slice path, Slice json, Slice flag, Error *err)
{
    const Json *at = json_root(e->document);
    Slice part;
    while (path.len > 0) {
        if (!take_part(&path, &part)) {
            return error_set(err, STATUS_INVALID, SLICE_FMT ": want KEY.PATH=VALUE",
                             SLICE_ARG(flag));
        }
        if (json_kind(at) == JSON_ARRAY) {
            TRY(find_element(at, part, flag, &at, err));
            continue;
        }
        if (json_kind(at) != JSON_OBJECT) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ": there is nothing below %s for \"" SLICE_FMT "\"",
                             SLICE_ARG(flag), json_kind_name(json_kind(at)), SLICE_ARG(part));
        }
        const Json *child = NULL;
        for (const Json *v = json_first(at); v && !child; v = json_next(v)) {
            if (slice_eq(json_key(v), part)) child = v;
        }
        if (!child) {
            Slice member;
            TRY(member_json(e, part, path, json, &member, err));
            return edits_add_child(e, at, member, flag, err);
        }
        at = child;
    }
    return edits_replace(e, at, json, flag, err);
}

static Status apply_set(Edits *e, Slice argument, Error *err)
{
    const size_t equals = slice_find_byte(argument, '=');
    Slice flag, json;
    TRY(flag_text(e, "--set", argument, &flag, err));
    if (equals == 0 || equals == SIZE_MAX) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": want KEY.PATH=VALUE, such as tune.batch_size=32",
                         SLICE_ARG(flag));
    }
    TRY(value_json(e, slice_sub(argument, equals + 1, argument.len), &json, err));
    return set_value(e, slice_sub(argument, 0, equals), json, flag, err);
}

// The element with its members but for those that say where the model comes from; its path last.
static Status model_json(Edits *e, const Json *old, const SuiteNamedPath *given, Slice *out,
                         Error *err)
{
    static const char *const sources[] = {"path", "create", "endpoint", "predictions", "name"};
    Buffer buffer = {0};
    JsonWriter w = json_writer(&buffer, 0);
    json_begin_object(&w);
    json_member_string(&w, "name", given->name);
    for (const Json *v = old ? json_first(old) : NULL; v; v = json_next(v)) {
        bool is_source = false;
        for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
            is_source = is_source || slice_eq_cstr(json_key(v), sources[i]);
        }
        if (is_source) continue;
        json_put_key_slice(&w, json_key(v));
        json_put_value(&w, v);
    }
    json_member_string(&w, "path", given->path);
    json_end_object(&w);
    return buffer_keep(&buffer, e->arena, "an override", out, err);
}

// Adds an element to a list at the top, which is made where it is missing.
static Status add_element(Edits *e, const char *list, Slice json, Slice flag, Error *err)
{
    const Json *root = json_root(e->document), *array = json_get(root, list);
    if (array && json_kind(array) == JSON_ARRAY) return edits_add_child(e, array, json, flag, err);
    const char *text = arena_printf(e->arena, "[" SLICE_FMT "]", SLICE_ARG(json));
    if (!text) return error_set_memory(err, json.len, 1, "an override");
    return set_value(e, slice_from_cstr(list), slice_from_cstr(text), flag, err);
}

static Status named_flag(Edits *e, const char *flag, const SuiteNamedPath *given, Slice *out,
                         Error *err)
{
    const char *text = arena_printf(e->arena, SLICE_FMT "=" SLICE_FMT, SLICE_ARG(given->name),
                                    SLICE_ARG(given->path));
    if (!text) return error_set_memory(err, given->path.len, 1, "an override");
    return flag_text(e, flag, slice_from_cstr(text), out, err);
}

static Status apply_model(Edits *e, const SuiteNamedPath *given, Error *err)
{
    const Json *old = find_named(json_get(json_root(e->document), "models"), given->name);
    Slice flag, json;
    TRY(named_flag(e, "--model", given, &flag, err));
    TRY(model_json(e, old, given, &json, err));
    return old ? edits_replace(e, old, json, flag, err) : add_element(e, "models", json, flag, err);
}

static Status unknown_task(const Json *tasks, const SuiteNamedPath *given, Slice flag, Error *err)
{
    NameList names = {0};
    const bool is_list = tasks && json_kind(tasks) == JSON_ARRAY;
    for (const Json *v = is_list ? json_first(tasks) : NULL; v; v = json_next(v)) {
        const Json *name = json_get(v, "name") ? json_get(v, "name") : json_get(v, "use");
        if (!name || json_kind(name) != JSON_STRING) continue;
        name_list_quote(&names, json_string(name));
    }
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ": the suite has no task \"" SLICE_FMT
                               "\" and there is no task definition of that "
                               "name; the suite's tasks: %s",
                     SLICE_ARG(flag), SLICE_ARG(given->name), name_list_or(&names, "none"));
}

static Status apply_data(Edits *e, const SuiteNamedPath *given, OverrideKnowsTask knows_task,
                         void *context, Error *err)
{
    const Json *tasks = json_get(json_root(e->document), "tasks");
    const Json *task = find_named(tasks, given->name);
    Buffer buffer = {0};
    Slice flag, path;
    TRY(named_flag(e, "--data", given, &flag, err));
    JsonWriter w = json_writer(&buffer, 0);
    if (task) {
        json_put_string(&w, given->path);
        TRY(buffer_keep(&buffer, e->arena, "an override", &path, err));
        const Json *old = json_get(task, "data");
        Slice member;
        if (old) return edits_replace(e, old, path, flag, err);
        TRY(member_json(e, SLICE("data"), (Slice){0}, path, &member, err));
        return edits_add_child(e, task, member, flag, err);
    }
    bool knows = false;
    TRY(knows_task(context, given->name, &knows, err));
    if (!knows) return unknown_task(tasks, given, flag, err);
    json_begin_object(&w);
    json_member_string(&w, "use", given->name);
    json_member_string(&w, "data", given->path);
    json_end_object(&w);
    TRY(buffer_keep(&buffer, e->arena, "an override", &path, err));
    return add_element(e, "tasks", path, flag, err);
}

static Status apply_count(Edits *e, const char *flag, const char *key, uint64_t value, Error *err)
{
    const char *digits = arena_printf(e->arena, "%llu", (unsigned long long)value);
    Slice text;
    if (!digits) return error_set_memory(err, 1, 32, "an override");
    TRY(flag_text(e, flag, slice_from_cstr(digits), &text, err));
    return set_value(e, slice_from_cstr(key), slice_from_cstr(digits), text, err);
}

static Status apply_filter(Edits *e, Slice filter, Error *err)
{
    Buffer buffer = {0};
    Slice flag, json;
    json_escape(&buffer, filter);
    TRY(buffer_keep(&buffer, e->arena, "an override", &json, err));
    TRY(flag_text(e, "--filter", filter, &flag, err));
    return set_value(e, SLICE("filter"), json, flag, err);
}

static Status apply_all(Edits *e, const SuiteOverrides *o, OverrideKnowsTask knows_task,
                        void *context, Error *err)
{
    for (size_t i = 0; i < o->n_models; i++) TRY(apply_model(e, &o->models[i], err));
    for (size_t i = 0; i < o->n_data; i++) {
        TRY(apply_data(e, &o->data[i], knows_task, context, err));
    }
    for (size_t i = 0; i < o->n_set; i++) TRY(apply_set(e, o->set[i], err));
    if (o->has_seed) TRY(apply_count(e, "--seed", "seed", o->seed, err));
    if (o->limit > 0) TRY(apply_count(e, "--limit", "limit", o->limit, err));
    return o->filter.len > 0 ? apply_filter(e, o->filter, err) : STATUS_OK;
}

Status overrides_apply(Arena *arena, Slice name, Slice text, const SuiteOverrides *overrides,
                       OverrideKnowsTask knows_task, void *context, OverrideText *out, Error *err)
{
    *out = (OverrideText){.name = name, .original = text, .text = text};
    Edits e = {.arena = arena, .out = out};
    if (!overrides) return STATUS_OK;
    Status s = edits_parse(&e, err);
    if (s == STATUS_OK && json_kind(json_root(e.document)) != JSON_OBJECT) {
        s = json_error(json_root(e.document), err, "a suite is an object");
    }
    if (s == STATUS_OK) s = apply_all(&e, overrides, knows_task, context, err);
    json_close(&e.document);
    return s;
}

// --- messages ------------------------------------------------------------------------------------------------------

// The innermost edit around an offset, or NULL.
static const OverrideEdit *edit_at(const OverrideText *edited, size_t offset)
{
    for (size_t i = edited->n_edits; i-- > 0;) {
        const OverrideEdit *edit = &edited->edits[i];
        if (offset >= edit->begin && offset < edit->end) return edit;
    }
    return NULL;
}

bool overrides_gave(const OverrideText *edited, const Json *value)
{
    const Slice text = json_document_text(value);
    // A task definition is a document of its own.
    if (!slice_eq(text, edited->text)) return false;
    return edit_at(edited, edits_offset(value)) != NULL;
}

// Reads "12:7: " and gives what follows it.
static bool take_place(Slice *text, JsonPlace *place)
{
    size_t *const numbers[] = {&place->line, &place->column};
    for (size_t i = 0; i < 2; i++) {
        const size_t colon = slice_find_byte(*text, ':');
        uint64_t number;
        if (colon == SIZE_MAX || !slice_to_u64(slice_sub(*text, 0, colon), &number)) return false;
        *numbers[i] = (size_t)number;
        *text = slice_sub(*text, colon + 1, text->len);
    }
    return slice_starts_with(*text, SLICE(" "));
}

// The offset of a line and column, as json_place counts them, or SIZE_MAX.
static size_t offset_at(Slice text, JsonPlace place)
{
    size_t at = 0;
    for (; place.line > 1; place.line--) {
        const size_t end = slice_find_byte(slice_sub(text, at, text.len), '\n');
        if (end == SIZE_MAX) return SIZE_MAX;
        at += end + 1;
    }
    if (at == 0 && slice_starts_with(text, SLICE("\xEF\xBB\xBF"))) at = 3;
    for (; place.column > 1 && at < text.len; place.column--) {
        do at++;
        while (at < text.len && ((unsigned char)text.ptr[at] & 0xC0) == 0x80);
    }
    return place.column == 1 ? at : SIZE_MAX;
}

void overrides_explain(const OverrideText *edited, Error *err)
{
    if (!err || edited->n_edits == 0) return;
    const Slice all = slice_from_cstr(err->text);
    const size_t found = slice_find(all, edited->name);
    if (found == SIZE_MAX) return;
    Slice rest = slice_sub(all, found + edited->name.len, all.len);
    JsonPlace place;
    if (!slice_starts_with(rest, SLICE(":"))) return;
    rest = slice_sub(rest, 1, rest.len);
    if (!take_place(&rest, &place)) return;
    const size_t offset = offset_at(edited->text, place);
    if (offset == SIZE_MAX) return;
    Error before = *err;
    const Slice head = slice_sub(slice_from_cstr(before.text), 0, found);
    const Slice tail =
        slice_sub(slice_from_cstr(before.text), (size_t)(rest.ptr - err->text), all.len);
    const OverrideEdit *edit = edit_at(edited, offset);
    if (edit) {
        (void)error_set(err, before.status, SLICE_FMT SLICE_FMT ":" SLICE_FMT, SLICE_ARG(head),
                        SLICE_ARG(edit->flag), SLICE_ARG(tail));
        return;
    }
    int64_t original = (int64_t)offset;
    for (size_t i = 0; i < edited->n_edits; i++) {
        if (edited->edits[i].end <= offset) original -= edited->edits[i].delta;
    }
    place = json_place_of(edited->original, (size_t)original);
    (void)error_set(err, before.status, SLICE_FMT SLICE_FMT ":%zu:%zu:" SLICE_FMT, SLICE_ARG(head),
                    SLICE_ARG(edited->name), place.line, place.column, SLICE_ARG(tail));
}
