// JSON Lines: an object a line.
#include "base/json_reader.h"
#include "datasets/choices.h"
#include "datasets/choices_json.h"
#include "datasets/columns.h"
#include "datasets/label_sets.h"
#include "datasets/lines.h"
#include "datasets/pairs.h"
#include "datasets/readers.h"

// Keys by role; ptr NULL where a role has none.
typedef struct KeyMap {
    Slice role[N_COLUMN_ROLES];
} KeyMap;

// One line of the file.
typedef struct Record {
    const ReadInput *input;
    size_t line;
    Slice text;
    Slice label; // where labels stand in a file of their own; else ptr NULL
} Record;

static JsonReader open_reader(const Record *record, Slice value)
{
    JsonReader r = json_reader(record->input->path, record->text, record->input->arena);
    r.first_line = record->line;
    r.at = (size_t)(value.ptr - record->text.ptr); // places are counted from the line's begin
    return r;
}

static Status record_error(const Record *record, Slice value, Error *err, const char *what)
{
    const JsonReader r = open_reader(record, value);
    return json_reader_error(&r, err, "%s", what);
}

// The raw value of a key of an object; ptr NULL where the value is no object or has no such key.
static Status find_member(const Record *record, Slice object, Slice key, Slice *out, Error *err)
{
    *out = (Slice){0};
    if (object.len == 0 || object.ptr[0] != '{') return STATUS_OK;
    JsonReader r = open_reader(record, object);
    bool more;
    TRY(json_read_object(&r, err));
    for (;;) {
        Slice found, value;
        TRY(json_read_key(&r, &found, &more, err));
        if (!more) return STATUS_OK;
        TRY(json_read_raw(&r, &value, err));
        if (!slice_eq(found, key)) continue;
        if (out->ptr) {
            return json_reader_error(&r, err, "the key \"" SLICE_FMT "\" stands here a second time",
                                     SLICE_ARG(key));
        }
        *out = value;
    }
}

enum { MAX_PATH_KEYS = 16 };

// The same for a path of keys "a.b". A key that has dots itself is preferred at each step, the longest first.
static Status find_path(const Record *record, Slice object, Slice path, size_t depth, Slice *out,
                        Error *err)
{
    TRY(find_member(record, object, path, out, err));
    for (size_t dot = path.len; !out->ptr && dot > 0 && depth < MAX_PATH_KEYS;) {
        while (dot > 0 && path.ptr[dot - 1] != '.') dot--;
        if (dot == 0) break;
        Slice inner;
        TRY(find_member(record, object, slice_sub(path, 0, dot - 1), &inner, err));
        if (inner.ptr) {
            TRY(find_path(record, inner, slice_sub(path, dot, path.len), depth + 1, out, err));
        }
        dot--;
    }
    return STATUS_OK;
}

// A string, or the digits of a number, or true or false; empty for null and for an absent value.
static Status read_text(const Record *record, Slice value, const char *what, Slice *out, Error *err)
{
    *out = (Slice){0};
    if (!value.ptr) return STATUS_OK;
    JsonReader r = open_reader(record, value);
    JsonKind kind = JSON_NULL;
    TRY(json_peek(&r, &kind, err));
    switch (kind) {
    case JSON_NULL:
        return STATUS_OK;
    case JSON_STRING:
        return json_read_string(&r, out, err);
    case JSON_NUMBER:
    case JSON_BOOL:
        return json_read_raw(&r, out, err);
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return json_reader_error(&r, err, "the %s is %s: name a key that holds a string or a number",
                             what, json_kind_name(kind));
}

// The text must be a string: a number there is a wrong column more often than a text.
static Status read_string(const Record *record, Slice value, const char *what, Slice *out,
                          Error *err)
{
    JsonKind kind = JSON_STRING;
    if (value.ptr) {
        JsonReader r = open_reader(record, value);
        TRY(json_peek(&r, &kind, err));
        if (kind != JSON_STRING && kind != JSON_NULL) {
            return json_reader_error(&r, err, "the %s is %s, want a string", what,
                                     json_kind_name(kind));
        }
    }
    return read_text(record, value, what, out, err);
}

// The first default name of a role that the first record has.
static Status default_key(const Record *record, ColumnRole role, Slice *out, Error *err)
{
    *out = (Slice){0};
    const char *const *names = column_default_names(role, record->input->options->wants_target);
    for (size_t i = 0; names && names[i]; i++) {
        Slice value;
        TRY(find_member(record, record->text, slice_from_cstr(names[i]), &value, err));
        if (!value.ptr) continue;
        *out = slice_from_cstr(names[i]);
        return STATUS_OK;
    }
    return STATUS_OK;
}

static Status resolve_keys(const Record *record, KeyMap *map, Error *err)
{
    const ReadOptions *options = record->input->options;
    for (int r = 0; r < N_COLUMN_ROLES; r++) {
        const ColumnRole role = (ColumnRole)r;
        map->role[r] = column_asked(&options->columns, role);
        if (!map->role[r].ptr) TRY(default_key(record, role, &map->role[r], err));
        if (map->role[r].len == 0) map->role[r] = (Slice){0};
        const bool is_needed =
            role == COLUMN_TEXT ||
            (role == COLUMN_LABEL && !options->label_optional && options->columns.n_labels == 0) ||
            (role == COLUMN_TARGET && options->wants_target);
        if (map->role[r].ptr || !is_needed) continue;
        const char *name = column_role_name(role);
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: no key is known to hold the %s: name it with %s%s%s",
                         SLICE_ARG(record->input->path), record->line, name,
                         options->speech == SPEECH_OPTIONS ? "--" : "\"columns\": {\"", name,
                         options->speech == SPEECH_OPTIONS ? " KEY" : "\": ...}");
    }
    return STATUS_OK;
}

static Status find_role(const Record *record, const KeyMap *map, ColumnRole role, bool is_needed,
                        Slice *value, Error *err)
{
    *value = (Slice){0};
    const Slice key = map->role[role];
    if (!key.ptr) return STATUS_OK;
    TRY(find_path(record, record->text, key, 0, value, err));
    if (value->ptr || !is_needed) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ":%zu: the record has no key \"" SLICE_FMT "\" for the %s",
                     SLICE_ARG(record->input->path), record->line, SLICE_ARG(slice_sub(key, 0, 80)),
                     column_role_name(role));
}

static Status read_attributes(const Record *record, Sample *sample, Error *err)
{
    const ReadColumns *columns = &record->input->options->columns;
    if (columns->n_attributes == 0) return STATUS_OK;
    SampleAttribute *attributes = NULL;
    TRY(arena_take(record->input->arena, columns->n_attributes, sizeof *attributes, "attributes",
                   &attributes, err));
    for (size_t i = 0; i < columns->n_attributes; i++) {
        Slice value;
        attributes[i].name = columns->attributes[i].name;
        TRY(find_path(record, record->text, columns->attributes[i].column, 0, &value, err));
        TRY(read_text(record, value, "attribute", &attributes[i].value, err));
    }
    sample->attributes = attributes;
    sample->n_attributes = columns->n_attributes;
    return STATUS_OK;
}

typedef struct Targets {
    Slice *all;
    size_t n, capacity;
} Targets;

static Status add_target(const Record *record, Slice value, Targets *targets, Error *err)
{
    TRY(arena_make_room(record->input->arena, targets->n, &targets->capacity, sizeof *targets->all,
                        "targets", &targets->all, err));
    return read_string(record, value, "target", &targets->all[targets->n++], err);
}

static Status add_targets(const Record *record, JsonReader *list, Targets *targets, Error *err)
{
    TRY(json_read_array(list, err));
    for (;;) {
        bool more = false;
        Slice item;
        TRY(json_read_element(list, &more, err));
        if (!more) return STATUS_OK;
        TRY(json_read_raw(list, &item, err));
        TRY(add_target(record, item, targets, err));
    }
}

// A string, or a list of them: several references.
static Status read_targets(const Record *record, Slice value, Sample *sample, Error *err)
{
    Targets targets = {0};
    JsonKind kind = JSON_STRING;
    JsonReader r = open_reader(record, value);
    TRY(json_peek(&r, &kind, err));
    if (kind == JSON_ARRAY)
        TRY(add_targets(record, &r, &targets, err));
    else
        TRY(add_target(record, value, &targets, err));
    if (targets.n == 0) return record_error(record, value, err, "the list of targets is empty");
    sample->targets = targets.all;
    sample->n_targets = targets.n;
    return STATUS_OK;
}

// The value that holds all choices: a key's, asked for or by a usual name.
static Status find_choices(const Record *record, Slice *out, Error *err)
{
    static const char *const usual[] = {"choices", "options", "endings"};
    const ReadColumns *columns = &record->input->options->columns;
    if (columns->n_choices == 1)
        return find_path(record, record->text, columns->choices[0], 0, out, err);
    *out = (Slice){0};
    for (size_t i = 0; !out->ptr && i < sizeof usual / sizeof *usual; i++)
        TRY(find_member(record, record->text, slice_from_cstr(usual[i]), out, err));
    return STATUS_OK;
}

// A choice under each of several keys.
static Status read_choices(const Record *record, Sample *sample, Error *err)
{
    const ReadColumns *columns = &record->input->options->columns;
    Slice *choices = NULL, value;
    TRY(arena_take(record->input->arena, columns->n_choices, sizeof *choices, "choices", &choices,
                   err));
    for (size_t i = 0; i < columns->n_choices; i++) {
        TRY(find_path(record, record->text, columns->choices[i], 0, &value, err));
        if (!value.ptr) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ":%zu: the record has no key \"" SLICE_FMT "\" for a choice",
                             SLICE_ARG(record->input->path), record->line,
                             SLICE_ARG(columns->choices[i]));
        }
        TRY(read_text(record, value, "choice", &choices[i], err));
    }
    sample->choices = choices;
    sample->n_choices = columns->n_choices;
    return STATUS_OK;
}

static Status add_choices(const Record *record, Sample *sample, Slice label, Error *err)
{
    const Slice *names = NULL;
    Slice value, answer = {0};
    if (record->input->options->columns.n_choices > 1) {
        TRY(read_choices(record, sample, err));
    } else {
        TRY(find_choices(record, &value, err));
        if (!value.ptr) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ":%zu: no key holds the choices: name it with \"columns\": "
                                       "{\"choices\": ..}",
                             SLICE_ARG(record->input->path), record->line);
        }
        JsonReader r = open_reader(record, value);
        TRY(choices_read_json(&r, sample, &names, &answer, err));
    }
    return choices_add(record->input, sample, label.len > 0 ? label : answer, names, err);
}

// ---- any number of labels ----

// A label under each of several keys.
static Status add_marked(const Record *record, const Sample *sample, Error *err)
{
    const ReadColumns *columns = &record->input->options->columns;
    LabelSet set = {0};
    for (size_t i = 0; i < columns->n_labels; i++) {
        const ReadAttribute *label = &columns->labels[i];
        Slice value, mark;
        TRY(find_path(record, record->text, label->column, 0, &value, err));
        TRY(read_text(record, value, "label", &mark, err));
        TRY(label_set_mark(record->input, record->line, &set, label->name, mark, err));
    }
    return label_set_finish(record->input, sample, &set, err);
}

static Status add_label_list(const Record *record, Slice value, const Sample *sample, Error *err)
{
    LabelSet set = {0};
    JsonReader r = open_reader(record, value);
    TRY(json_read_array(&r, err));
    for (;;) {
        bool more = false;
        Slice item, label;
        TRY(json_read_element(&r, &more, err));
        if (!more) return label_set_finish(record->input, sample, &set, err);
        TRY(json_read_raw(&r, &item, err));
        TRY(read_text(record, item, "label", &label, err));
        TRY(label_set_add(record->input, &set, label, err));
    }
}

static Status add_label_set(const Record *record, const KeyMap *map, const Sample *sample,
                            Error *err)
{
    const ReadOptions *options = record->input->options;
    Slice value, field = record->label;
    if (options->columns.n_labels > 0) return add_marked(record, sample, err);
    if (!field.ptr) {
        TRY(find_role(record, map, COLUMN_LABEL, !options->label_optional, &value, err));
        if (value.len > 0 && value.ptr[0] == '[') return add_label_list(record, value, sample, err);
        TRY(read_text(record, value, "label", &field, err));
    }
    return labelled_add(record->input, sample, field, err);
}

static Status read_texts(const Record *record, const KeyMap *map, Sample *sample, Error *err)
{
    Slice value;
    TRY(find_role(record, map, COLUMN_TEXT, true, &value, err));
    TRY(read_string(record, value, "text", &sample->text, err));
    TRY(find_role(record, map, COLUMN_PAIR, false, &value, err));
    TRY(read_string(record, value, "pair", &sample->pair, err));
    TRY(find_role(record, map, COLUMN_ID, false, &value, err));
    TRY(read_text(record, value, "id", &sample->id, err));
    TRY(find_role(record, map, COLUMN_GROUP, false, &value, err));
    return read_text(record, value, "group", &sample->group, err);
}

static Status add_record(const Record *record, const KeyMap *map, Error *err)
{
    const bool label_needed = !record->input->options->label_optional;
    Sample sample = {.line = record->line, .gold = SAMPLE_NO_LABEL};
    Slice value, label;
    TRY(read_texts(record, map, &sample, err));
    TRY(read_attributes(record, &sample, err));
    if (record->input->options->wants_label_set) return add_label_set(record, map, &sample, err);
    TRY(find_role(record, map, COLUMN_LABEL, label_needed && !record->label.ptr, &value, err));
    TRY(read_text(record, value, "label", &label, err));
    if (record->label.ptr) label = record->label;
    label = slice_trim(label);
    if (label.len == 0 && label_needed) {
        return record_error(record, value, err,
                            "the label is missing: fill it in, or remove the line");
    }
    if (record->input->options->wants_choices) return add_choices(record, &sample, label, err);
    if (record->input->options->wants_target) {
        TRY(find_role(record, map, COLUMN_TARGET, true, &value, err));
        TRY(read_targets(record, value, &sample, err));
        return pairs_add(record->input, &sample, err);
    }
    return labelled_add(record->input, &sample, label, err);
}

// The line is one JSON object and nothing else.
static Status check_record(const Record *record, Error *err)
{
    JsonReader r = open_reader(record, record->text);
    JsonKind kind = JSON_NULL;
    Status s = json_peek(&r, &kind, err);
    if (s == STATUS_OK && kind != JSON_OBJECT) {
        return json_reader_error(&r, err,
                                 "found %s, want an object: JSON Lines has an object in every line",
                                 json_kind_name(kind));
    }
    if (s == STATUS_OK) s = json_skip(&r, err);
    if (s == STATUS_OK) return json_read_end(&r, err);
    if (s != STATUS_INVALID || r.at < record->text.len) return s;
    const Error found = *err;
    return error_set(
        err, s,
        "%s; JSON Lines has a whole object in every line: is this file pretty-printed JSON?",
        found.text);
}

static Status read_jsonl(const ReadInput *input, Error *err)
{
    Slice rest = input->text, labels = {0}, line;
    const char *labels_path = NULL;
    KeyMap map = {0};
    bool is_resolved = false;
    if (input->options->labels_path.len > 0) {
        labels_path = arena_cstr(input->arena, input->options->labels_path);
        if (!labels_path) return error_set_memory(err, 1, 1, "a path");
        TRY(second_file_read(input, labels_path, &labels, err));
    }
    for (size_t number = 1; slice_split(&rest, '\n', &line); number++) {
        Record record = {.input = input, .line = number, .text = slice_trim(line)};
        if (labels_path && !line_take(&labels, &record.label)) record.label = SLICE("");
        if (record.text.len == 0) continue;
        TRY(check_record(&record, err));
        if (!is_resolved) TRY(resolve_keys(&record, &map, err));
        is_resolved = true;
        TRY(add_record(&record, &map, err));
    }
    return STATUS_OK;
}

static const char *const jsonl_extensions[] = {".jsonl", ".ndjson", NULL};

const Reader reader_jsonl = {
    .name = "jsonl",
    .summary =
        "JSON Lines: an object a line; a column is a key or a path of keys (\"meta.source\")",
    .extensions = jsonl_extensions,
    .read = read_jsonl,
};
