#include "tools/score/answer.h"

#include <stdio.h>

#include "base/file.h"
#include "tools/listing.h"

Status score_check_files(const CommandLine *line, size_t least, size_t most, const char *wanted,
                         Error *err)
{
    const size_t n = line->n_operands - 1; // the first is the family
    if (n >= least && n <= most) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "score %s takes %s; files given: %zu", line->operands[0],
                     wanted, n);
}

// Rows of one answer: its numbers, and texts that stand for numbers ("NaN"). prefix: of the names.
static void list_scores(const Json *answer, const char *prefix, Listing *rows)
{
    const Json *intervals = json_get(answer, "intervals");
    for (const Json *v = json_first(answer); v != NULL; v = json_next(v)) {
        const Slice key = json_key(v);
        const bool is_number = json_kind(v) == JSON_NUMBER;
        if (!is_number && json_kind(v) != JSON_STRING) continue;
        const Json *interval = NULL;
        for (const Json *i = json_first(intervals); i != NULL; i = json_next(i)) {
            if (slice_eq(json_key(i), key)) interval = i;
        }
        listing_printf(rows, "%s" SLICE_FMT, prefix, SLICE_ARG(key));
        if (is_number) {
            listing_printf(rows, "%.6g", json_double(v));
        } else {
            listing_cstr(rows, "undefined");
        }
        for (size_t end = 0; end < 2; end++) {
            if (interval == NULL) {
                listing_cstr(rows, NULL);
            } else {
                listing_printf(rows, "%.6g", json_double(json_at(interval, end)));
            }
        }
    }
}

static void list_all(const Json *root, Arena *arena, Listing *rows)
{
    list_scores(root, "", rows);
    for (const Json *v = json_first(root); v != NULL; v = json_next(v)) {
        const Slice key = json_key(v);
        const bool is_part = json_kind(v) == JSON_OBJECT && json_get(v, "signatures") != NULL;
        if (!is_part) continue;
        const char *prefix = arena_printf(arena, SLICE_FMT ": ", SLICE_ARG(key));
        if (prefix != NULL) list_scores(v, prefix, rows);
    }
}

Status score_print_answer(Slice answer, CommandLine *line, Error *err)
{
    static const char *const columns[] = {"score", "value", "low", "high"};
    Buffer out = {0};
    JsonDocument *document = NULL;
    Arena arena = {0};
    if (line->is_json) {
        buffer_append(&out, answer);
        buffer_append_byte(&out, '\n');
        return output_buffer(&out, err);
    }
    Status s = json_parse(SLICE("answer"), answer, JSON_STRICT, &document, err);
    if (s == STATUS_OK) {
        Listing rows = {.arena = &arena, .columns = columns, .n_columns = 4};
        list_all(json_root(document), &arena, &rows);
        s = listing_status(&rows, err);
        if (s == STATUS_OK) listing_put_table(&rows, &out);
    }
    if (s == STATUS_OK) s = output_buffer(&out, err);
    buffer_release(&out);
    json_close(&document);
    arena_release(&arena);
    return s;
}

Status score_answer_text(const ScoreFamily *family, Slice name, Slice text, CommandLine *line,
                         Error *err)
{
    JsonDocument *document = NULL;
    Arena arena = {0};
    Buffer answer = {0};
    JsonWriter w = json_writer(&answer, 0);
    Status s = json_parse(name, text, JSON_STRICT, &document, err);
    if (s == STATUS_OK) {
        const ScoreCase c = {.root = json_root(document), .arena = &arena};
        json_begin_object(&w);
        s = family->run_case(&c, &w, err);
        if (s == STATUS_OK) json_end_object(&w);
    }
    if (s == STATUS_OK) s = buffer_status(&answer, err);
    if (s == STATUS_OK) s = score_print_answer(buffer_slice(&answer), line, err);
    buffer_release(&answer);
    json_close(&document);
    arena_release(&arena);
    return s;
}

Status score_each_line(const char *path, size_t most, ScoreLine *take, void *context, size_t *n,
                       Error *err)
{
    LineReader *lines = NULL;
    Status s = line_reader_open(path, &lines, err);
    *n = 0;
    for (;;) {
        Slice text = {0};
        bool more = false;
        JsonDocument *document = NULL;
        if (s == STATUS_OK) s = line_reader_next(lines, &text, &more, err);
        if (s != STATUS_OK || !more) break;
        text = slice_trim(text);
        if (text.len == 0 || (*n)++ >= most) continue;
        s = json_parse_line(slice_from_cstr(path), line_reader_number(lines), text, &document, err);
        if (s == STATUS_OK) s = take(context, *n - 1, json_root(document), err);
        json_close(&document);
    }
    line_reader_close(&lines);
    return s;
}
