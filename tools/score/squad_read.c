// SQuAD's files, read in one pass each.
#include <math.h>
#include <string.h>

#include "tools/score/squad.h"

// ---- the document ----

// Reads the members of an object: take is called for each key and must read the value.
typedef Status (*TakeMember)(JsonReader *r, Slice key, void *context, Error *err);

static Status each_member(JsonReader *r, TakeMember take, void *context, Error *err)
{
    Slice key;
    bool more;
    TRY(json_read_object(r, err));
    for (;;) {
        TRY(json_read_key(r, &key, &more, err));
        if (!more) return STATUS_OK;
        TRY(take(r, key, context, err));
    }
}

static Status each_element(JsonReader *r, TakeMember take, void *context, Error *err)
{
    bool more;
    TRY(json_read_array(r, err));
    for (;;) {
        TRY(json_read_element(r, &more, err));
        if (!more) return STATUS_OK;
        TRY(each_member(r, take, context, err));
    }
}

typedef struct Answers {
    Slice *texts;
    size_t n, capacity;
} Answers;

static Status take_answer(JsonReader *r, Slice key, void *context, Error *err)
{
    Answers *answers = context;
    if (!slice_eq_cstr(key, "text")) return json_skip(r, err);
    TRY(arena_make_room(r->arena, answers->n, &answers->capacity, sizeof(Slice), "answers",
                        &answers->texts, err));
    Slice *text = &answers->texts[answers->n];
    TRY(json_read_string(r, text, err));
    if (text->ptr == NULL) *text = SLICE("");
    answers->n++;
    return STATUS_OK;
}

typedef struct Reading {
    SquadData *data;
    SquadQuestion question; // at hand
    Answers answers;
    bool has_data;
} Reading;

static Status take_question_member(JsonReader *r, Slice key, void *context, Error *err)
{
    Reading *reading = context;
    if (slice_eq_cstr(key, "id")) return json_read_string(r, &reading->question.id, err);
    if (slice_eq_cstr(key, "answers")) return each_element(r, take_answer, &reading->answers, err);
    return json_skip(r, err);
}

static Status add_question(JsonReader *r, Reading *reading, Error *err)
{
    SquadData *data = reading->data;
    uint32_t index;
    reading->question = (SquadQuestion){.article = (uint32_t)data->n_articles,
                                        .paragraph = (uint32_t)data->n_paragraphs};
    reading->answers = (Answers){0};
    TRY(each_member(r, take_question_member, reading, err));
    if (reading->question.id.len == 0) {
        return json_reader_error(r, err, "the question that ends here has no \"id\"");
    }
    TRY(clusters_index(&data->ids, reading->question.id, &index, err));
    if (index < data->n) {
        return json_reader_error(r, err, "question id \"" SLICE_FMT "\" stands twice",
                                 SLICE_ARG(reading->question.id));
    }
    TRY(arena_make_room(r->arena, data->n, &data->capacity, sizeof *data->questions, "questions",
                        &data->questions, err));
    reading->question.answers = reading->answers.texts;
    reading->question.n_answers = reading->answers.n;
    data->has_unanswerable |= reading->answers.n == 0;
    data->questions[data->n++] = reading->question;
    return STATUS_OK;
}

static Status take_paragraph_member(JsonReader *r, Slice key, void *context, Error *err)
{
    bool more;
    if (!slice_eq_cstr(key, "qas")) return json_skip(r, err);
    TRY(json_read_array(r, err));
    for (;;) {
        TRY(json_read_element(r, &more, err));
        if (!more) return STATUS_OK;
        TRY(add_question(r, context, err));
    }
}

static Status take_article_member(JsonReader *r, Slice key, void *context, Error *err)
{
    Reading *reading = context;
    bool more;
    if (!slice_eq_cstr(key, "paragraphs")) return json_skip(r, err);
    TRY(json_read_array(r, err));
    for (;;) {
        TRY(json_read_element(r, &more, err));
        if (!more) return STATUS_OK;
        TRY(each_member(r, take_paragraph_member, reading, err));
        reading->data->n_paragraphs++;
    }
}

static Status read_articles(JsonReader *r, Reading *reading, Error *err)
{
    bool more;
    reading->has_data = true;
    TRY(json_read_array(r, err));
    for (;;) {
        TRY(json_read_element(r, &more, err));
        if (!more) return STATUS_OK;
        TRY(each_member(r, take_article_member, reading, err));
        reading->data->n_articles++;
    }
}

static Status take_document_member(JsonReader *r, Slice key, void *context, Error *err)
{
    Reading *reading = context;
    if (!slice_eq_cstr(key, "data")) return json_skip(r, err);
    if (reading->has_data) return json_reader_error(r, err, "\"data\" stands twice");
    return read_articles(r, reading, err);
}

Status squad_read_data(JsonReader *r, SquadData *out, Error *err)
{
    Reading reading = {.data = out};
    JsonKind kind;
    *out = (SquadData){0};
    TRY(json_peek(r, &kind, err));
    if (kind == JSON_ARRAY) {
        TRY(read_articles(r, &reading, err));
    } else {
        TRY(each_member(r, take_document_member, &reading, err));
    }
    if (!reading.has_data) {
        return json_reader_error(r, err,
                                 "the document has no \"data\": a list of articles with "
                                 "\"paragraphs\" and their \"qas\" is wanted");
    }
    if (out->n == 0) return json_reader_error(r, err, "the document has no question");
    return STATUS_OK;
}

// ---- maps by id ----

// The question of an id, or NULL.
static Status find_question(SquadData *data, Slice id, SquadQuestion **out, Error *err)
{
    uint32_t index;
    *out = NULL;
    if (id.len == 0) return STATUS_OK;
    TRY(clusters_index(&data->ids, id, &index, err));
    if (index < data->n) *out = &data->questions[index];
    return STATUS_OK;
}

Status squad_read_predictions(JsonReader *r, SquadData *data, Error *err)
{
    Slice id, text;
    bool more;
    SquadQuestion *question;
    TRY(json_read_object(r, err));
    for (;;) {
        TRY(json_read_key(r, &id, &more, err));
        if (!more) return STATUS_OK;
        TRY(json_read_string(r, &text, err));
        TRY(find_question(data, id, &question, err));
        if (question == NULL) {
            data->n_surplus++;
            continue;
        }
        if (question->is_predicted) {
            return json_reader_error(
                r, err, "there are two predictions for question \"" SLICE_FMT "\"", SLICE_ARG(id));
        }
        question->is_predicted = true;
        question->prediction = text;
    }
}

static Status want_all_probabilities(const SquadData *data, Error *err)
{
    for (size_t i = 0; data->questions != NULL && i < data->n; i++) {
        if (data->questions[i].has_na_probability) continue;
        return error_set(
            err, STATUS_INVALID,
            "there is no probability of \"no answer\" for %zu of %zu questions, such as "
            "\"" SLICE_FMT "\"",
            data->n - data->n_na, data->n, SLICE_ARG(data->questions[i].id));
    }
    return STATUS_OK;
}

Status squad_read_na_probs(JsonReader *r, SquadData *data, Error *err)
{
    Slice id;
    bool more;
    double value;
    SquadQuestion *question;
    TRY(json_read_object(r, err));
    for (;;) {
        TRY(json_read_key(r, &id, &more, err));
        if (!more) break;
        TRY(json_read_double(r, &value, err));
        if (isnan(value)) {
            return json_reader_error(
                r, err, "the probability of question \"" SLICE_FMT "\" is not a number",
                SLICE_ARG(id));
        }
        TRY(find_question(data, id, &question, err));
        if (question == NULL) continue;
        if (question->has_na_probability) {
            return json_reader_error(r, err,
                                     "there are two probabilities for question \"" SLICE_FMT "\"",
                                     SLICE_ARG(id));
        }
        question->has_na_probability = true;
        question->na_probability = value;
        question->na_place = (uint32_t)data->n_na++;
    }
    TRY(want_all_probabilities(data, err));
    data->has_na_probs = true;
    return STATUS_OK;
}

void squad_release(SquadData *data)
{
    clusters_release(&data->ids);
    *data = (SquadData){0};
}
