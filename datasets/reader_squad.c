// Questions about passages, as SQuAD has them (versions 1.1 and 2.0).
//
//     {"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers": [{"text", "answer_start"}],
//      "is_impossible"}]}]}]}
//
// Keys may come in any order (2.0 puts "qas" before "context"), so a paragraph is looked through twice; nothing but the
// file itself and the samples is held. answer_start counts code points, unless more answers of the file stand where it says
// by bytes or UTF-16 units: the file is read twice, once to find that out. A file of which no question has an answer or says
// that it has none is not labelled.
//
// Source: Rajpurkar et al. 2016, arXiv:1606.05250; Rajpurkar, Jia & Liang 2018, arXiv:1806.03822.
#include <stdio.h>

#include "base/json_reader.h"
#include "datasets/answers.h"
#include "datasets/dataset.h"
#include "datasets/readers.h"

typedef struct Squad {
    const ReadInput *input;
    Arena *arena;
    Slice title;
    Slice context;
    size_t counted, line; // newlines before byte `counted`, plus 1
    // The first time through, what the file's offsets count is found out, and whether questions are labelled at all.
    bool is_survey;
    size_t n_questions, n_labelled, n_answers, n_fitting[N_ANSWER_UNITS];
    AnswerUnit unit;
    // Answers that do not stand where they should, those of them that stand elsewhere, and what is left out.
    size_t n_bad, n_elsewhere, n_lost, n_questions_lost;
    size_t n_contradicting, first_contradicting; // questions without answer that have some; a line
    size_t n_given_here, n_lost_here;            // of the question that is read
    Slice first_bad, first_text;
    size_t first_start;
    bool first_is_elsewhere;
} Squad;

static JsonReader reader_at(const Squad *squad, Slice value)
{
    JsonReader r = json_reader(squad->input->path, squad->input->text, squad->arena);
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

// Which counting puts the answer where it stands.
static void survey_answer(Squad *squad, Slice answer, size_t start)
{
    squad->n_answers++;
    for (int unit = 0; unit < N_ANSWER_UNITS; unit++) {
        const size_t at = answer_place(squad->context, (AnswerUnit)unit, start);
        squad->n_fitting[unit] += answer_stands(squad->context, at, answer);
    }
}

// An answer that does not stand where it should. *is_lost is true where it is left out.
static void mend_answer(Squad *squad, Slice value, size_t start, SampleSpan *answer, bool *is_lost)
{
    const size_t place = answer_place(squad->context, squad->unit, start),
                 from = place == SIZE_MAX ? squad->context.len : place,
                 nearest = answer_nearest(squad->context, from, answer->text);
    if (squad->n_bad++ == 0) {
        squad->first_bad = value;
        squad->first_start = start;
        squad->first_text = answer->text;
        squad->first_is_elsewhere = nearest != SIZE_MAX;
    }
    squad->n_elsewhere += nearest != SIZE_MAX;
    *is_lost = nearest == SIZE_MAX || squad->input->options->bad_answers != BAD_ANSWERS_RELOCATE;
    answer->begin_bytes = nearest;
}

// *is_kept is false for a blank one (a way to say that there is none), and for one that is left out.
static Status read_answer(Squad *squad, JsonReader *r, SampleSpan *out, bool *is_kept, Error *err)
{
    static const char *const keys[] = {"text", "answer_start"};
    Slice values[2] = {{0}}, value = {0};
    int64_t start = 0;
    bool is_lost = false;
    TRY(json_read_raw(r, &value, err));
    JsonReader inner = reader_at(squad, value);
    TRY(read_members(&inner, keys, 2, values, err));
    for (size_t i = 0; i < 2; i++) {
        if (!values[i].ptr) return missing(squad, value, keys[i], err);
    }
    JsonReader text = reader_at(squad, values[0]), number = reader_at(squad, values[1]);
    TRY(json_read_string(&text, &out->text, err));
    TRY(json_read_i64(&number, &start, err));
    *is_kept = out->text.len > 0;
    if (!*is_kept) return STATUS_OK;
    const size_t first = start < 0 ? SIZE_MAX : (size_t)start;
    if (squad->is_survey) {
        survey_answer(squad, out->text, first);
        return STATUS_OK;
    }
    out->begin_bytes = answer_place(squad->context, squad->unit, first);
    if (!answer_stands(squad->context, out->begin_bytes, out->text))
        mend_answer(squad, values[1], first, out, &is_lost);
    squad->n_lost += is_lost;
    squad->n_lost_here += is_lost;
    *is_kept = !is_lost;
    return STATUS_OK;
}

static Status read_answers(Squad *squad, Slice value, Sample *sample, Error *err)
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
    TRY(arena_take(squad->arena, n, sizeof *answers, "answers", &answers, err));
    TRY(json_read_array(&r, err));
    for (size_t i = 0; i < n; i++) {
        bool is_kept = false;
        TRY(json_read_element(&r, &more, err));
        TRY(read_answer(squad, &r, &answers[sample->n_answers], &is_kept, err));
        sample->n_answers += is_kept;
    }
    sample->answers = answers;
    squad->n_given_here = n;
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
    if (kind == JSON_NULL) return STATUS_OK;
    return kind == JSON_NUMBER ? json_read_raw(&r, out, err) : json_read_string(&r, out, err);
}

// Of a question that is said to have none. (SQuAD 2.0 has the plausible ones under another key.)
static Status look_for_answers(Squad *squad, Slice value, size_t line, Error *err)
{
    bool more = false;
    if (!value.ptr) return STATUS_OK;
    JsonReader r = reader_at(squad, value);
    TRY(json_read_array(&r, err));
    TRY(json_read_element(&r, &more, err));
    if (more && squad->n_contradicting++ == 0) squad->first_contradicting = line;
    return STATUS_OK;
}

static Status read_question(Squad *squad, Slice value, Error *err)
{
    static const char *const keys[] = {"id", "question", "answers", "is_impossible"};
    Slice values[4] = {{0}};
    bool is_impossible = false;
    Sample sample = {.gold = SAMPLE_NO_LABEL,
                     .line = squad->is_survey ? 1 : line_of(squad, value),
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
    squad->n_given_here = squad->n_lost_here = 0;
    if (!is_impossible) TRY(read_answers(squad, values[2], &sample, err));
    if (is_impossible && !squad->is_survey)
        TRY(look_for_answers(squad, values[2], sample.line, err));
    if (squad->is_survey) {
        squad->n_questions++;
        squad->n_labelled += is_impossible || squad->n_given_here > 0;
        return STATUS_OK;
    }
    const bool has_lost = squad->n_lost_here > 0 && sample.n_answers == 0,
               is_ignored = squad->input->options->bad_answers == BAD_ANSWERS_IGNORE;
    sample.is_unlabelled = squad->n_labelled == 0 || (has_lost && is_ignored);
    if (has_lost && !is_ignored) {
        squad->n_questions_lost++;
        return STATUS_OK;
    }
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
    const ArenaMark mark = arena_mark(squad->arena);
    JsonReader context = reader_at(squad, values[0]);
    TRY(json_read_string(&context, &squad->context, err));
    if (!squad->context.ptr) squad->context = SLICE(""); // there, and empty
    TRY(each(squad, values[1], read_question, err));
    if (squad->is_survey) arena_rewind(squad->arena, mark);
    return STATUS_OK;
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

// ---- what was found ----

static void count_units(Squad *squad)
{
    for (int unit = 0; unit < N_ANSWER_UNITS; unit++) {
        if (squad->n_fitting[unit] > squad->n_fitting[squad->unit]) squad->unit = (AnswerUnit)unit;
    }
}

static Status refuse(const Squad *squad, Error *err)
{
    const JsonReader r = reader_at(squad, squad->first_bad);
    const bool has_options = squad->input->options->speech == SPEECH_OPTIONS;
    char others[160] = "";
    if (squad->n_bad > 1)
        snprintf(others, sizeof others,
                 "; so it is with %zu of %zu answers, of which %zu stand elsewhere", squad->n_bad,
                 squad->n_answers, squad->n_elsewhere);
    return json_reader_error(
        &r, err,
        "the answer \"" SLICE_FMT
        "\" does not stand at answer_start %lld of its context, counted in %s, %s%s: correct "
        "it, or give %srelocate%s to take the nearest place where an answer stands, or %s to leave such answers out",
        SLICE_ARG(slice_sub(squad->first_text, 0, 60)), (long long)squad->first_start,
        answer_unit_name(squad->unit),
        squad->first_is_elsewhere ? "but elsewhere" : "nor anywhere in it", others,
        has_options ? "--bad-answers " : "\"bad_answers\": \"", has_options ? "" : "\"",
        has_options ? "drop" : "\"drop\"");
}

static Status note_answers(const Squad *squad, Error *err)
{
    Dataset *dataset = squad->input->dataset;
    if (squad->n_bad == 0 || squad->input->options->bad_answers == BAD_ANSWERS_IGNORE)
        return STATUS_OK;
    Squad at = *squad;
    const size_t line = line_of(&at, squad->first_bad), n_moved = squad->n_bad - squad->n_lost;
    const Slice text = slice_sub(squad->first_text, 0, 60);
    if (n_moved > 0)
        TRY(dataset_add_note(
            dataset, SLICE("answers moved"), n_moved, err,
            "%zu of %zu answers do not stand where answer_start says (the first in line %zu, \"" SLICE_FMT
            "\"); %zu of them were moved to the nearest place of their context where they stand",
            squad->n_bad, squad->n_answers, line, SLICE_ARG(text), n_moved));
    if (squad->n_lost == 0) return STATUS_OK;
    return dataset_add_note(
        dataset, SLICE("answers left out"), squad->n_lost, err,
        "%zu of %zu answers that do not stand where answer_start says (the first in line %zu, \"" SLICE_FMT
        "\") were left out, and with them %zu questions that have no other",
        squad->n_lost, squad->n_answers, line, SLICE_ARG(text), squad->n_questions_lost);
}

static Status note_findings(const Squad *squad, Error *err)
{
    Dataset *dataset = squad->input->dataset;
    const size_t n_unmarked = squad->n_labelled > 0 ? squad->n_questions - squad->n_labelled : 0;
    if (squad->unit != ANSWER_POINTS) {
        const char *name = answer_unit_name(squad->unit);
        TRY(dataset_add_note(
            dataset, SLICE("answers by other offsets"), squad->n_fitting[squad->unit], err,
            "answer_start counts %s, and is read so: %zu of %zu answers stand where it says, %zu "
            "would if it counted code points, as Python does",
            name, squad->n_fitting[squad->unit], squad->n_answers,
            squad->n_fitting[ANSWER_POINTS]));
    }
    if (n_unmarked > 0)
        TRY(dataset_add_note(
            dataset, SLICE("unmarked questions without answer"), n_unmarked, err,
            "%zu of %zu questions have no answers, though no \"is_impossible\" says so: they are "
            "taken for questions without answer",
            n_unmarked, squad->n_questions));
    if (squad->n_contradicting > 0)
        TRY(dataset_add_note(
            dataset, SLICE("impossible questions with answers"), squad->n_contradicting, err,
            "%zu of %zu questions have answers though \"is_impossible\" says that there are none (the "
            "first in line %zu): they are taken for questions without answer",
            squad->n_contradicting, squad->n_questions, squad->first_contradicting));
    return note_answers(squad, err);
}

static Status survey(Squad *squad, Slice data, Error *err)
{
    Arena scratch = {0};
    squad->arena = &scratch;
    squad->is_survey = true;
    const Status s = each(squad, data, read_article, err);
    squad->arena = squad->input->arena;
    squad->is_survey = false;
    arena_release(&scratch);
    count_units(squad);
    return s;
}

static Status read_squad(const ReadInput *input, Error *err)
{
    static const char *const keys[] = {"data"};
    Squad squad = {.input = input, .line = 1, .arena = input->arena};
    Slice data = {0};
    JsonReader r = json_reader(input->path, input->text, input->arena);
    TRY(read_members(&r, keys, 1, &data, err));
    TRY(json_read_end(&r, err));
    if (!data.ptr) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":1: \"data\" is missing: want SQuAD's {\"data\": [..]}",
                         SLICE_ARG(input->path));
    }
    TRY(survey(&squad, data, err));
    TRY(each(&squad, data, read_article, err));
    if (squad.n_bad > 0 && input->options->bad_answers == BAD_ANSWERS_REFUSE)
        return refuse(&squad, err);
    return note_findings(&squad, err);
}

static const char *const extensions[] = {".json", NULL};

const Reader reader_squad = {
    .name = "squad",
    .summary = "questions about passages with answer spans, JSON of SQuAD 1.1 and 2.0",
    .extensions = extensions,
    .read = read_squad,
};
