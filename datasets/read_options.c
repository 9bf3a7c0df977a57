// ReadOptions from JSON.
#include "datasets/encoding.h"
#include "datasets/reader.h"

const char *const read_option_keys[] = {"format",      "columns", "header",         "delimiter",
                                        "encoding",    "labels",  "labels_file",    "empty_sides",
                                        "bad_answers", "items",   "label_separator"};
const size_t read_option_keys_count = sizeof read_option_keys / sizeof *read_option_keys;

// A column's name, or its number as digits.
static Status as_column(const Json *value, Slice *out, Error *err)
{
    if (json_kind(value) == JSON_STRING) {
        *out = json_string(value);
        return STATUS_OK;
    }
    int64_t number;
    if (json_kind(value) != JSON_NUMBER) {
        return json_error(value, err, "found %s, want a column's name or its number from 1",
                          json_kind_name(json_kind(value)));
    }
    TRY(json_as_i64(value, 1, 1000000, &number, err));
    *out = json_number_text(value);
    return STATUS_OK;
}

// Names with a column each: {NAME: COLUMN} or [COLUMN..].
static Status parse_named(const Json *value, Arena *arena, const ReadAttribute **out, size_t *n,
                          Error *err)
{
    const JsonKind kind = json_kind(value);
    ReadAttribute *named = NULL;
    *n = 0;
    if (kind != JSON_OBJECT && kind != JSON_ARRAY) {
        return json_error(value, err, "found %s, want {NAME: COLUMN} or [COLUMN..]",
                          json_kind_name(kind));
    }
    TRY(arena_take(arena, json_len(value), sizeof *named, "columns", &named, err));
    for (const Json *v = json_first(value); v; v = json_next(v)) {
        ReadAttribute *attribute = &named[(*n)++];
        TRY(as_column(v, &attribute->column, err));
        attribute->name = kind == JSON_OBJECT ? json_key(v) : attribute->column;
    }
    *out = named;
    return STATUS_OK;
}

// One column, or one for each of several labels.
static Status parse_label(const Json *value, Arena *arena, ReadColumns *columns, Error *err)
{
    const JsonKind kind = json_kind(value);
    if (kind != JSON_ARRAY && kind != JSON_OBJECT) return as_column(value, &columns->label, err);
    if (json_len(value) == 0)
        return json_error(value, err, "found nothing, want a column, or one for each label");
    columns->label = SLICE(""); // no column has all of them
    return parse_named(value, arena, &columns->labels, &columns->n_labels, err);
}

// One column, or a list of them.
static Status parse_choices(const Json *value, Arena *arena, ReadColumns *columns, Error *err)
{
    const bool is_list = json_kind(value) == JSON_ARRAY;
    const size_t n = is_list ? json_len(value) : 1;
    Slice *choices = NULL;
    if (n == 0) return json_error(value, err, "found an empty list, want a column or columns");
    TRY(arena_take(arena, n, sizeof *choices, "columns", &choices, err));
    for (size_t i = 0; i < n; i++)
        TRY(as_column(is_list ? json_at(value, i) : value, &choices[i], err));
    columns->choices = choices;
    columns->n_choices = n;
    return STATUS_OK;
}

static Status parse_columns(const Json *value, Arena *arena, ReadColumns *columns, Error *err)
{
    static const char *const known[] = {"text",  "pair",   "label",   "id",
                                        "group", "target", "choices", "attributes"};
    TRY(json_check_keys(value, known, sizeof known / sizeof *known, err));
    const struct {
        const char *key;
        Slice *out;
    } roles[] = {{"text", &columns->text},
                 {"pair", &columns->pair},
                 {"id", &columns->id},
                 {"group", &columns->group},
                 {"target", &columns->target}};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        const Json *column = json_get(value, roles[i].key);
        if (column && json_kind(column) != JSON_NULL) TRY(as_column(column, roles[i].out, err));
    }
    const Json *label = json_get(value, "label");
    if (label && json_kind(label) != JSON_NULL) TRY(parse_label(label, arena, columns, err));
    const Json *choices = json_get(value, "choices");
    if (choices && json_kind(choices) != JSON_NULL)
        TRY(parse_choices(choices, arena, columns, err));
    const Json *attributes = json_get(value, "attributes");
    if (!attributes) return STATUS_OK;
    return parse_named(attributes, arena, &columns->attributes, &columns->n_attributes, err);
}

static Status parse_delimiter(const Json *value, char *out, Error *err)
{
    static const struct {
        const char *name;
        char byte;
    } named[] = {{"tab", '\t'}, {"comma", ','}, {"space", ' '}, {"semicolon", ';'}};
    Slice text;
    TRY(json_as_string(value, &text, err));
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        if (!slice_eq_cstr(text, named[i].name)) continue;
        *out = named[i].byte;
        return STATUS_OK;
    }
    const bool is_usable = text.len == 1 && (unsigned char)text.ptr[0] < 0x80 &&
                           text.ptr[0] != '"' && text.ptr[0] != '\n' && text.ptr[0] != '\r';
    if (!is_usable) {
        return json_error(value, err,
                          "found \"" SLICE_FMT "\", want one ASCII character that is no quote, or "
                          "\"tab\", \"comma\", \"semicolon\", \"space\"",
                          SLICE_ARG(slice_sub(text, 0, 80)));
    }
    *out = text.ptr[0];
    return STATUS_OK;
}

static Status parse_labels(const Json *value, Arena *arena, ReadOptions *options, Error *err)
{
    Slice *labels = NULL;
    TRY(arena_take(arena, json_len(value), sizeof *labels, "labels", &labels, err));
    for (const Json *v = json_first(value); v; v = json_next(v)) {
        Slice *label = &labels[options->n_labels++];
        if (json_kind(v) == JSON_NUMBER) {
            *label = json_number_text(v);
            continue;
        }
        TRY(json_as_string(v, label, err));
    }
    options->labels = labels;
    return STATUS_OK;
}

static Status parse_encoding(const Json *value, TextEncoding *out, Error *err)
{
    Slice name;
    TRY(json_as_string(value, &name, err));
    if (encoding_from_name(name, out)) return STATUS_OK;
    return json_error(value, err,
                      "unknown encoding \"" SLICE_FMT "\": there are \"utf-8\", \"latin1\", "
                      "\"windows-1252\"",
                      SLICE_ARG(slice_sub(name, 0, 80)));
}

// One of three names, as its number; *out stays where the key is not there.
static Status parse_policy(const Json *object, const char *key, const char *const names[3],
                           int *out, Error *err)
{
    const Json *value = json_get(object, key);
    Slice name;
    if (!value || json_kind(value) == JSON_NULL) return STATUS_OK;
    TRY(json_as_string(value, &name, err));
    for (int i = 0; i < 3; i++) {
        if (!slice_eq_cstr(name, names[i])) continue;
        *out = i;
        return STATUS_OK;
    }
    return json_error(value, err, "found \"" SLICE_FMT "\", want \"%s\", \"%s\" or \"%s\"",
                      SLICE_ARG(slice_sub(name, 0, 80)), names[0], names[1], names[2]);
}

static Status parse_policies(const Json *object, ReadOptions *options, Error *err)
{
    static const char *const of_sides[] = {"refuse", "drop", "keep"};
    static const char *const of_answers[] = {"refuse", "drop", "relocate"};
    static const char *const of_items[] = {"intrasentence", "intersentence", "all"};
    int sides = EMPTY_SIDES_REFUSE, answers = BAD_ANSWERS_REFUSE, items = STEREO_INTRASENTENCE;
    TRY(parse_policy(object, "empty_sides", of_sides, &sides, err));
    TRY(parse_policy(object, "bad_answers", of_answers, &answers, err));
    TRY(parse_policy(object, "items", of_items, &items, err));
    options->empty_sides = (EmptySides)sides;
    options->bad_answers = (BadAnswers)answers;
    options->items = (StereoItems)items;
    return STATUS_OK;
}

Status read_options_parse(const Json *object, Arena *arena, ReadOptions *options, Error *err)
{
    *options = (ReadOptions){0};
    const Json *columns = NULL, *labels = NULL, *header = json_get(object, "header");
    const Json *delimiter = json_get(object, "delimiter"), *encoding = json_get(object, "encoding");
    bool has_header = false;
    const Reader *reader;
    Error unknown = {0};
    TRY(json_opt_string(object, "format", &options->format, err));
    if (options->format.len &&
        reader_for((Slice){0}, options->format, &reader, &unknown) != STATUS_OK) {
        return json_error(json_get(object, "format"), err, "%s", unknown.text);
    }
    TRY(json_opt_kind(object, "columns", JSON_OBJECT, &columns, err));
    if (columns) TRY(parse_columns(columns, arena, &options->columns, err));
    TRY(json_opt_bool(object, "header", &has_header, err));
    if (header && json_kind(header) == JSON_BOOL) {
        options->header = has_header ? READ_HEADER_YES : READ_HEADER_NO;
    }
    if (delimiter) TRY(parse_delimiter(delimiter, &options->delimiter, err));
    if (encoding) TRY(parse_encoding(encoding, &options->encoding, err));
    TRY(parse_policies(object, options, err));
    TRY(json_opt_kind(object, "labels", JSON_ARRAY, &labels, err));
    if (labels) TRY(parse_labels(labels, arena, options, err));
    TRY(json_opt_string(object, "label_separator", &options->label_separator, err));
    return json_opt_string(object, "labels_file", &options->labels_path, err);
}
