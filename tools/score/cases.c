// Cases of `assay score --cases`: a JSON object a line, its answer a line.
#include <math.h>
#include <string.h>

#include "base/json_source.h"
#include "tools/jsonl.h"
#include "tools/score/score.h"

Status score_number(const Json *value, double *out, Error *err)
{
    static const struct {
        const char *text;
        double value;
    } words[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};
    if (json_kind(value) == JSON_STRING) {
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            if (!slice_eq_cstr(json_string(value), words[i].text)) continue;
            *out = words[i].value;
            return STATUS_OK;
        }
    }
    if (json_kind(value) == JSON_BOOL) {
        *out = json_bool(value);
        return STATUS_OK;
    }
    if (json_kind(value) == JSON_NUMBER) {
        *out = json_double(value);
        return STATUS_OK;
    }
    return json_error(value, err, "must be a number, not %s", json_kind_name(json_kind(value)));
}

Status score_want(const ScoreCase *c, const char *key, JsonKind kind, const Json **out, Error *err)
{
    return json_want_kind(c->root, key, kind, out, err);
}

Status score_numbers(const ScoreCase *c, const char *key, bool is_wanted, double **out, size_t *n,
                     Error *err)
{
    const Json *array = NULL;
    *out = NULL;
    *n = 0;
    if (is_wanted) {
        TRY(json_want_kind(c->root, key, JSON_ARRAY, &array, err));
    } else {
        TRY(json_opt_kind(c->root, key, JSON_ARRAY, &array, err));
        if (array == NULL) return STATUS_OK;
    }
    TRY(arena_take(c->arena, json_len(array), sizeof **out, key, out, err));
    for (const Json *v = json_first(array); v != NULL; v = json_next(v)) {
        TRY(score_number(v, &(*out)[(*n)++], err));
    }
    return STATUS_OK;
}

Status score_texts(const ScoreCase *c, const char *key, Slice **out, size_t *n, Error *err)
{
    const Json *array = NULL;
    *n = 0;
    TRY(json_want_kind(c->root, key, JSON_ARRAY, &array, err));
    TRY(arena_take(c->arena, json_len(array), sizeof **out, key, out, err));
    for (const Json *v = json_first(array); v != NULL; v = json_next(v)) {
        Slice *text = &(*out)[(*n)++];
        if (json_kind(v) == JSON_NULL) continue;
        TRY(json_as_string(v, text, err));
        if (text->ptr == NULL) *text = SLICE("");
    }
    return STATUS_OK;
}

void score_put_numbers(JsonWriter *w, const char *key, const double *values, size_t n)
{
    json_member_array(w, key);
    for (size_t i = 0; i < n; i++) json_put_double(w, values[i]);
    json_end_array(w);
}

void score_put_interval(JsonWriter *w, const Score *score)
{
    json_member_object(w, "interval");
    json_member_double(w, "low", score->lo);
    json_member_double(w, "high", score->hi);
    json_member_double(w, "level", score->level);
    json_member_string(w, "method", score->method);
    json_end_object(w);
}

void score_put_timing(JsonWriter *w, const ScoreTiming *timing)
{
    json_member_object(w, "timing");
    json_member_i64(w, "read_ns", timing->read_ns);
    json_member_i64(w, "tokenize_ns", timing->tokenize_ns);
    json_member_i64(w, "score_ns", timing->score_ns);
    json_end_object(w);
}

void score_print_timing(Buffer *out, const ScoreTiming *timing)
{
    buffer_printf(out, "read_ns %lld\ntokenize_ns %lld\nscore_ns %lld\n",
                  (long long)timing->read_ns, (long long)timing->tokenize_ns,
                  (long long)timing->score_ns);
}

// Answers one case; a failure of the case itself is its answer.
static Status answer(const ScoreFamily *family, const JsonDocument *document, Arena *arena,
                     double *carried, JsonlOut *out, Error *err)
{
    const Json *root = json_root(document), *id = json_get(root, "id");
    const Slice id_text = id != NULL ? json_source(id) : (Slice){0};
    const size_t begin = out->text.len;
    Error why = {0};
    ScoreCase c = {.root = root, .arena = arena, .carried = carried};
    Status s = STATUS_OK;
    if (json_kind(root) != JSON_OBJECT) {
        s = json_error(root, &why, "a case must be an object, not %s",
                       json_kind_name(json_kind(root)));
    }
    if (s == STATUS_OK) s = json_opt_kind(root, "params", JSON_OBJECT, &c.params, &why);
    if (s == STATUS_OK) {
        s = family->run_case(&c, jsonl_out_begin(out, id_text), &why);
        if (s == STATUS_OK) return jsonl_out_end(out, err);
        out->text.len = begin;
    }
    return jsonl_out_failure(out, id_text, &why, err);
}

static Status each_case(const ScoreFamily *family, LineReader *in, const char *in_path,
                        JsonlOut *out, Error *err)
{
    Arena arena = {0};
    double carried[SCORE_CARRIED] = {0};
    const bool is_standard = strcmp(in_path, "-") == 0;
    Status s = STATUS_OK;
    Slice line = {0};
    bool more = false;
    while (s == STATUS_OK) {
        s = line_reader_next(in, &line, &more, err);
        if (s != STATUS_OK || !more) break;
        if (slice_trim(line).len == 0) continue;
        JsonDocument *document = NULL;
        Error why = {0};
        const Slice name = is_standard ? SLICE("standard input") : slice_from_cstr(in_path);
        if (json_parse_line(name, line_reader_number(in), line, &document, &why) == STATUS_OK) {
            s = answer(family, document, &arena, carried, out, err);
        } else {
            s = jsonl_out_failure(out, (Slice){0}, &why, err);
        }
        json_close(&document);
        arena_release(&arena);
    }
    arena_release(&arena);
    return s;
}

Status score_run_cases(const ScoreFamily *family, CommandLine *line, Error *err)
{
    const char *in_path = option_text(line, "in"), *out_path = option_text(line, "out");
    LineReader *in = NULL;
    JsonlOut out = {0};
    Status s = line_reader_open(in_path, &in, err);
    if (s == STATUS_OK) s = jsonl_out_open(&out, out_path, line->is_json, err);
    if (s == STATUS_OK) s = each_case(family, in, in_path, &out, err);
    if (s == STATUS_OK) s = jsonl_out_finish(&out, err);
    jsonl_out_release(&out);
    line_reader_close(&in);
    return s;
}
