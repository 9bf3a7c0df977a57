// BBQ's files as one case: line i of the questions with the answer of line i of the predictions. Lines keep their numbers,
// so that messages name those of the questions' file.
#include "tools/score/bbq.h"

#include <string.h>

#include "base/file.h"
#include "base/json_source.h"
#include "tools/score/answer.h"

typedef struct BbqFiles {
    const char *questions_path, *predictions_path, *field;
    LineReader *questions, *predictions; // predictions may be NULL: the questions have them
    Buffer text;
} BbqFiles;

// The answer under the field, and that both lines are about the same question.
static Status take_prediction(BbqFiles *f, Slice question, size_t number, Slice prediction,
                              Error *err)
{
    JsonDocument *asked = NULL, *answered = NULL;
    Status s = json_parse_line(slice_from_cstr(f->questions_path), number, question, &asked, err);
    if (s == STATUS_OK) {
        s = json_parse_line(slice_from_cstr(f->predictions_path), number, prediction, &answered,
                            err);
    }
    const Json *value = NULL;
    if (s == STATUS_OK) {
        const Json *first = json_get(json_root(asked), "example_id");
        const Json *second = json_get(json_root(answered), "example_id");
        value = json_get(json_root(answered), f->field);
        if (first != NULL && second != NULL && !slice_eq(json_source(first), json_source(second))) {
            s = json_error(second, err,
                           "is about question " SLICE_FMT ", but %s line %zu asks " SLICE_FMT,
                           SLICE_ARG(json_source(second)), f->questions_path, number,
                           SLICE_ARG(json_source(first)));
        } else if (value == NULL) {
            s = json_error(json_root(answered), err,
                           "has no \"%s\": name the key of the answers as the third operand",
                           f->field);
        }
    }
    if (s == STATUS_OK) {
        buffer_append(&f->text, slice_sub(question, 0, question.len - 1));
        buffer_append(&f->text, SLICE(", \"prediction\": "));
        buffer_append(&f->text, json_source(value));
        buffer_append_byte(&f->text, '}');
    }
    json_close(&asked);
    json_close(&answered);
    return s;
}

static Status add_line(BbqFiles *f, Slice question, bool is_first, Error *err)
{
    const size_t number = line_reader_number(f->questions);
    Slice prediction = {0};
    bool more = false;
    question = slice_trim(question);
    if (question.len < 2 || question.ptr[0] != '{' || question.ptr[question.len - 1] != '}') {
        return error_set(err, STATUS_INVALID, "%s line %zu is no JSON object", f->questions_path,
                         number);
    }
    if (!is_first) buffer_append_byte(&f->text, ',');
    if (f->predictions == NULL) {
        buffer_append(&f->text, question);
        return STATUS_OK;
    }
    TRY(line_reader_next(f->predictions, &prediction, &more, err));
    if (!more) {
        return error_set(err, STATUS_INVALID, "%s ends before line %zu, which %s has",
                         f->predictions_path, number, f->questions_path);
    }
    return take_prediction(f, question, number, prediction, err);
}

static Status read_all(BbqFiles *f, Error *err)
{
    bool more = false, is_first = true;
    Slice line;
    buffer_append(&f->text, SLICE("{\"items\": ["));
    for (;;) {
        TRY(line_reader_next(f->questions, &line, &more, err));
        if (!more) break;
        if (slice_trim(line).len > 0) {
            TRY(add_line(f, line, is_first, err));
            is_first = false;
        }
        buffer_append_byte(&f->text, '\n');
    }
    buffer_append(&f->text, SLICE("]}"));
    if (f->predictions == NULL) return STATUS_OK;
    TRY(line_reader_next(f->predictions, &line, &more, err));
    if (!more) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "%s goes on after the %zu lines of %s",
                     f->predictions_path, line_reader_number(f->questions), f->questions_path);
}

Status bbq_run_files(CommandLine *line, Error *err)
{
    TRY(score_check_files(line, 1, 3, "the questions, the predictions and the predictions' key",
                          err));
    const size_t n = line->n_operands;
    BbqFiles f = {.questions_path = line->operands[1],
                  .predictions_path = n > 2 ? line->operands[2] : NULL,
                  .field = n > 3 ? line->operands[3] : "prediction"};
    Status s = line_reader_open(f.questions_path, &f.questions, err);
    if (s == STATUS_OK && f.predictions_path != NULL) {
        s = line_reader_open(f.predictions_path, &f.predictions, err);
    }
    if (s == STATUS_OK) s = read_all(&f, err);
    if (s == STATUS_OK) s = buffer_status(&f.text, err);
    if (s == STATUS_OK) {
        s = score_answer_text(&score_bbq, slice_from_cstr(f.questions_path), buffer_slice(&f.text),
                              line, err);
    }
    buffer_release(&f.text);
    line_reader_close(&f.questions);
    line_reader_close(&f.predictions);
    return s;
}
