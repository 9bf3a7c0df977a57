// Questions about passages, as SQuAD has them (versions 1.1 and 2.0).
//
//     {"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers": [{"text", "answer_start"}],
//      "is_impossible"}]}]}]}
//
// Keys may come in any order (2.0 puts "qas" before "context"), so a paragraph is looked through twice; nothing but the
// file itself and the samples is held. answer_start counts code points; offsets that count bytes or UTF-16 units are told
// apart where the text makes it plain, and refused.
//
// Source: Rajpurkar et al. 2016, arXiv:1606.05250; Rajpurkar, Jia & Liang 2018, arXiv:1806.03822.
#include "base/json_reader.h"
#include "datasets/readers.h"

typedef struct Squad {
    const ReadInput *input;
    Slice title;
    Slice context;
    size_t counted, line; // newlines before byte `counted`, plus 1
} Squad;

static JsonReader reader_at(const Squad *squad, Slice value)
{
    JsonReader r = json_reader(squad->input->path, squad->input->text, squad->input->arena);
    r.at = (size_t)(value.ptr - squad->input->text.ptr);
    return r;
}

static size_t line_of(Squad *squad, Slice value)
{
    const size_t at = (size_t)(value.ptr - squad->input->text.ptr);
    if (at < squad->counted) squad->counted = 0, squad->line = 1;
    for (; squad->counted < at; squad->counted++)
        squad->line += squad->input->text.ptr[squad->counted] == '\n';
    return squad->line;
}

// Members of the object that is entered next. `values` receives the raw value of each key that is named.
static Status read_members(JsonReader *r, const char *const *keys, size_t n_keys, Slice *values,
                           Error *err)
{
    Slice key;
    bool more;
    TRY(json_read_object(r, err));
    for (;;) {
        TRY(json_read_key(r, &key, &more, err));
        if (!more) return STATUS_OK;
        size_t i = 0;
        while (i < n_keys && !slice_eq_cstr(key, keys[i])) i++;
        if (i == n_keys) {
            TRY(json_skip(r, err));
            continue;
        }
        if (values[i].ptr) return json_reader_error(r, err, "\"%s\" stands twice", keys[i]);
        TRY(json_read_raw(r, &values[i], err));
    }
}

static Status missing(const Squad *squad, Slice object, const char *key, Error *err)
{
    const JsonReader r = reader_at(squad, object);
    return json_reader_error(&r, err, "\"%s\" is missing", key);
}

// ---- answers ----

// The byte at which code point `index` begins, or SIZE_MAX past the end.
static size_t byte_of_point(Slice text, size_t index)
{
    size_t at = 0;
    for (; at < text.len; at++) {
        if (((unsigned char)text.ptr[at] & 0xC0) == 0x80) continue;
        if (index-- == 0) return at;
    }
    return index == 0 ? at : SIZE_MAX;
}

// The same for UTF-16 units: a character of four bytes counts twice.
static size_t byte_of_unit(Slice text, size_t index)
{
    for (size_t at = 0; at < text.len; at++) {
        const unsigned char c = (unsigned char)text.ptr[at];
        if ((c & 0xC0) == 0x80) continue;
        if (index == 0) return at;
        const size_t units = c >= 0xF0 ? 2 : 1;
        if (index < units) return SIZE_MAX;
        index -= units;
    }
    return SIZE_MAX;
}

static bool stands_at(Slice context, size_t at, Slice answer)
{
    return at <= context.len && slice_starts_with(slice_sub(context, at, context.len), answer);
}

// Says what answer_start seems to count, or that the answer is not there.
static Status wrong_place(const Squad *squad, Slice value, Slice answer, size_t start, Error *err)
{
    const JsonReader r = reader_at(squad, value);
    const Slice shown = slice_sub(answer, 0, 60);
    const char *counts = stands_at(squad->context, start, answer) ? "bytes"
                         : stands_at(squad->context, byte_of_unit(squad->context, start), answer)
                             ? "UTF-16 units"
                             : NULL;
    if (counts) {
        return json_reader_error(&r, err,
                                 "answer_start %zu of \"" SLICE_FMT
                                 "\" counts %s: it must count code points, as Python does",
                                 start, SLICE_ARG(shown), counts);
    }
    const bool is_there = slice_find(squad->context, answer) != SIZE_MAX;
    return json_reader_error(&r, err,
                             "the answer \"" SLICE_FMT "\" does not stand at code point %zu of its "
                             "context%s: correct answer_start, or leave the answer out",
                             SLICE_ARG(shown), start,
                             is_there ? ", but elsewhere" : ", nor anywhere in it");
}

static Status read_answer(const Squad *squad, JsonReader *r, SampleSpan *out, bool *is_blank,
                          Error *err)
{
    static const char *const keys[] = {"text", "answer_start"};
    Slice values[2] = {{0}}, value = {0};
    int64_t start = 0;
    TRY(json_read_raw(r, &value, err));
    JsonReader inner = reader_at(squad, value);
    TRY(read_members(&inner, keys, 2, values, err));
    for (size_t i = 0; i < 2; i++) {
        if (!values[i].ptr) return missing(squad, value, keys[i], err);
    }
    JsonReader text = reader_at(squad, values[0]), number = reader_at(squad, values[1]);
    TRY(json_read_string(&text, &out->text, err));
    TRY(json_read_i64(&number, &start, err));
    *is_blank = out->text.len == 0;
    if (*is_blank) return STATUS_OK;
    const size_t at = start < 0 ? SIZE_MAX : byte_of_point(squad->context, (size_t)start);
    if (at == SIZE_MAX || !stands_at(squad->context, at, out->text))
        return wrong_place(squad, values[1], out->text, start < 0 ? 0 : (size_t)start, err);
    out->begin_bytes = at;
    return STATUS_OK;
}

static Status read_answers(const Squad *squad, Slice value, Sample *sample, Error *err)
{
    size_t n = 0;
    bool more;
    SampleSpan *answers = NULL;
    if (!value.ptr) return STATUS_OK;
    JsonReader count = reader_at(squad, value), r = reader_at(squad, value);
    TRY(json_read_array(&count, err));
    for (;;) {
        TRY(json_read_element(&count, &more, err));
        if (!more) break;
        TRY(json_skip(&count, err));
        n++;
    }
    TRY(arena_take(squad->input->arena, n, sizeof *answers, "answers", &answers, err));
    TRY(json_read_array(&r, err));
    for (size_t i = 0; i < n; i++) {
        bool is_blank = false;
        TRY(json_read_element(&r, &more, err));
        TRY(read_answer(squad, &r, &answers[sample->n_answers], &is_blank, err));
        sample->n_answers += !is_blank;
    }
    sample->answers = answers;
    return STATUS_OK;
}

// ---- questions ----

// The id as a string, or the digits of a number.
static Status read_id(const Squad *squad, Slice value, Slice *out, Error *err)
{
    JsonKind kind = JSON_STRING;
    JsonReader r = reader_at(squad, value);
    if (!value.ptr) return STATUS_OK;
    TRY(json_peek(&r, &kind, err));
    return kind == JSON_NUMBER ? json_read_raw(&r, out, err) : json_read_string(&r, out, err);
}

static Status read_question(Squad *squad, Slice value, Error *err)
{
    static const char *const keys[] = {"id", "question", "answers", "is_impossible"};
    Slice values[4] = {{0}};
    bool is_impossible = false;
    Sample sample = {.gold = SAMPLE_NO_LABEL,
                     .line = line_of(squad, value),
                     .context = squad->context,
                     .group = squad->title};
    JsonReader r = reader_at(squad, value);
    TRY(read_members(&r, keys, 4, values, err));
    if (!values[1].ptr) return missing(squad, value, keys[1], err);
    JsonReader question = reader_at(squad, values[1]);
    TRY(json_read_string(&question, &sample.text, err));
    TRY(read_id(squad, values[0], &sample.id, err));
    if (values[3].ptr) {
        JsonReader flag = reader_at(squad, values[3]);
        TRY(json_read_bool(&flag, &is_impossible, err));
    }
    if (!is_impossible) TRY(read_answers(squad, values[2], &sample, err));
    return dataset_builder_add(squad->input->builder, &sample, NULL, err);
}

// Elements of an array of objects, each handed on as the text it stands in.
static Status each(Squad *squad, Slice array, Status (*read)(Squad *, Slice, Error *), Error *err)
{
    bool more;
    Slice value;
    JsonReader r = reader_at(squad, array);
    TRY(json_read_array(&r, err));
    for (;;) {
        TRY(json_read_element(&r, &more, err));
        if (!more) return STATUS_OK;
        TRY(json_read_raw(&r, &value, err));
        TRY(read(squad, value, err));
    }
}

static Status read_paragraph(Squad *squad, Slice value, Error *err)
{
    static const char *const keys[] = {"context", "qas"};
    Slice values[2] = {{0}};
    JsonReader r = reader_at(squad, value);
    TRY(read_members(&r, keys, 2, values, err));
    for (size_t i = 0; i < 2; i++) {
        if (!values[i].ptr) return missing(squad, value, keys[i], err);
    }
    JsonReader context = reader_at(squad, values[0]);
    TRY(json_read_string(&context, &squad->context, err));
    return each(squad, values[1], read_question, err);
}

static Status read_article(Squad *squad, Slice value, Error *err)
{
    static const char *const keys[] = {"title", "paragraphs"};
    Slice values[2] = {{0}};
    JsonReader r = reader_at(squad, value);
    TRY(read_members(&r, keys, 2, values, err));
    if (!values[1].ptr) return missing(squad, value, keys[1], err);
    squad->title = (Slice){0};
    if (values[0].ptr) {
        JsonReader title = reader_at(squad, values[0]);
        TRY(json_read_string(&title, &squad->title, err));
    }
    return each(squad, values[1], read_paragraph, err);
}

static Status read_squad(const ReadInput *input, Error *err)
{
    static const char *const keys[] = {"data"};
    Squad squad = {.input = input, .line = 1};
    Slice data = {0};
    JsonReader r = json_reader(input->path, input->text, input->arena);
    TRY(read_members(&r, keys, 1, &data, err));
    TRY(json_read_end(&r, err));
    if (!data.ptr) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":1: \"data\" is missing: want SQuAD's {\"data\": [..]}",
                         SLICE_ARG(input->path));
    }
    return each(&squad, data, read_article, err);
}

static const char *const extensions[] = {".json", NULL};

const Reader reader_squad = {
    .name = "squad",
    .summary = "questions about passages with answer spans, JSON of SQuAD 1.1 and 2.0",
    .extensions = extensions,
    .read = read_squad,
};
