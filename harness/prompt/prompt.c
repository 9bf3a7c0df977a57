#include "harness/prompt/prompt.h"

#include <stdio.h>

#include "base/name_list.h"

typedef enum PromptField {
    FIELD_TEXT,
    FIELD_PAIR,
    FIELD_CONTEXT,
    FIELD_CHOICES,
    FIELD_CHOICE,
    FIELD_LETTER,
    FIELD_LABELS,
    FIELD_ANSWER,
    N_FIELDS, // attributes follow, in their order
} PromptField;

static const struct {
    const char *name;
    PromptField field;
} field_names[] = {
    {"text", FIELD_TEXT},     {"question", FIELD_TEXT},   {"source", FIELD_TEXT},
    {"pair", FIELD_PAIR},     {"context", FIELD_CONTEXT}, {"choices", FIELD_CHOICES},
    {"choice", FIELD_CHOICE}, {"letter", FIELD_LETTER},   {"labels", FIELD_LABELS},
    {"answer", FIELD_ANSWER},
};
enum { N_FIELD_NAMES = sizeof field_names / sizeof *field_names };

// ---- parsing ----

static bool find_field(Slice name, bool with_answer, const ReadColumns *columns, size_t *out)
{
    for (size_t i = 0; i < N_FIELD_NAMES; i++) {
        if (!slice_eq_cstr(name, field_names[i].name)) continue;
        *out = field_names[i].field;
        return with_answer || *out != FIELD_ANSWER;
    }
    for (size_t i = 0; i < columns->n_attributes; i++) {
        if (!slice_eq(name, columns->attributes[i].name)) continue;
        *out = N_FIELDS + i;
        return true;
    }
    return false;
}

static Status unknown_field(Slice name, bool with_answer, const ReadColumns *columns, Error *err)
{
    NameList known = {0};
    for (size_t i = 0; i < N_FIELD_NAMES + columns->n_attributes; i++) {
        char braced[NAME_LIST_LONGEST];
        const Slice field = i < N_FIELD_NAMES ? slice_from_cstr(field_names[i].name)
                                              : columns->attributes[i - N_FIELD_NAMES].name;
        if (i < N_FIELD_NAMES && field_names[i].field == FIELD_ANSWER && !with_answer) continue;
        snprintf(braced, sizeof braced, "{" SLICE_FMT "}", SLICE_ARG(slice_sub(field, 0, 60)));
        name_list_add_cstr(&known, braced);
    }
    return error_set(err, STATUS_INVALID,
                     "unknown field {" SLICE_FMT
                     "}; there are %s; other columns become fields through \"columns\": "
                     "{\"attributes\": [..]}, and {{ is a brace",
                     SLICE_ARG(slice_sub(name, 0, 80)), known.text);
}

static void add_literal(PromptTemplate *out, PromptPiece *pieces, Slice text)
{
    if (text.len > 0) pieces[out->n_pieces++] = (PromptPiece){.literal = text};
}

Status prompt_template_parse(Slice text, bool with_answer, const ReadColumns *columns, Arena *arena,
                             PromptTemplate *out, Error *err)
{
    PromptPiece *pieces = NULL;
    size_t n_braces = 0, begin = 0;
    for (size_t i = 0; i < text.len; i++) n_braces += text.ptr[i] == '{' || text.ptr[i] == '}';
    TRY(arena_take(arena, 2 * n_braces + 1, sizeof *pieces, "a template", &pieces, err));
    *out = (PromptTemplate){.text = text, .pieces = pieces};
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        if (c != '{' && c != '}') continue;
        if (i + 1 < text.len && text.ptr[i + 1] == c) { // a doubled brace is one
            add_literal(out, pieces, slice_sub(text, begin, i + 1));
            begin = ++i + 1;
            continue;
        }
        const size_t length =
            c == '{' ? slice_find_byte(slice_sub(text, i, text.len), '}') : SIZE_MAX;
        if (length == SIZE_MAX) {
            return error_set(err, STATUS_INVALID,
                             "the brace at byte %zu has no partner: a field is {name}, a brace is "
                             "written twice",
                             i);
        }
        PromptPiece field = {0};
        const Slice name = slice_sub(text, i + 1, i + length);
        if (!find_field(name, with_answer, columns, &field.field))
            return unknown_field(name, with_answer, columns, err);
        add_literal(out, pieces, slice_sub(text, begin, i));
        pieces[out->n_pieces++] = field;
        i += length;
        begin = i + 1;
    }
    add_literal(out, pieces, slice_sub(text, begin, text.len));
    return STATUS_OK;
}

bool prompt_template_has_option(const PromptTemplate *template)
{
    for (size_t i = 0; i < template->n_pieces; i++) {
        const PromptPiece *piece = &template->pieces[i];
        const bool is_option = piece->field == FIELD_CHOICE || piece->field == FIELD_LETTER;
        if (!piece->literal.ptr && is_option) return true;
    }
    return false;
}

// ---- filling in ----

static void put_letter(size_t option, Buffer *out)
{
    if (option < 26)
        buffer_append_byte(out, (char)('A' + option));
    else
        buffer_printf(out, "%zu", option + 1);
}

Slice prompt_letter(size_t option, Arena *arena)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (option < 26) return (Slice){letters + option, 1};
    const char *number = arena_printf(arena, "%zu", option + 1);
    return number ? slice_from_cstr(number) : (Slice){0};
}

Slice prompt_word(const SuitePrompt *prompt, Slice label)
{
    for (size_t i = 0; i < prompt->n_answers; i++) {
        if (slice_eq(prompt->answers[i].label, label)) return prompt->answers[i].word;
    }
    return label;
}

static Status put_choices(const PromptValues *values, Buffer *out, Error *err)
{
    PromptValues one = *values;
    for (size_t i = 0; i < values->sample->n_choices; i++) {
        one.option = i;
        if (i > 0) buffer_append_byte(out, '\n');
        TRY(prompt_render(&values->task->prompt.choice, &one, out, err));
    }
    return STATUS_OK;
}

static const char *field_name(PromptField field)
{
    for (size_t i = 0; i < N_FIELD_NAMES; i++) {
        if (field_names[i].field == field) return field_names[i].name;
    }
    return "attribute";
}

static Status put_text(const PromptValues *values, PromptField field, Slice text, Buffer *out,
                       Error *err)
{
    if (!text.ptr) {
        return error_set(err, STATUS_INVALID,
                         "the sample of line %zu has no {%s}, which the prompt asks for",
                         values->sample->line, field_name(field));
    }
    buffer_append(out, text);
    return STATUS_OK;
}

static Status put_field(const PromptValues *values, size_t index, Buffer *out, Error *err)
{
    const Sample *sample = values->sample;
    const size_t option = values->option;
    const bool has_option = option < sample->n_choices;
    if (index >= N_FIELDS) {
        const size_t attribute = index - N_FIELDS;
        if (attribute < sample->n_attributes)
            buffer_append(out, sample->attributes[attribute].value);
        return STATUS_OK;
    }
    const PromptField field = (PromptField)index;
    switch (field) {
    case FIELD_TEXT:
        return put_text(values, field, sample->text, out, err);
    case FIELD_PAIR:
        return put_text(values, field, sample->pair, out, err);
    case FIELD_CONTEXT:
        return put_text(values, field, sample->context.ptr ? sample->context : sample->pair, out,
                        err);
    case FIELD_CHOICES:
        if (sample->n_choices == 0) return put_text(values, field, (Slice){0}, out, err);
        return put_choices(values, out, err);
    case FIELD_CHOICE:
        return put_text(values, field, has_option ? sample->choices[option] : (Slice){0}, out, err);
    case FIELD_LETTER:
        if (!has_option) return put_text(values, field, (Slice){0}, out, err);
        put_letter(option, out);
        return STATUS_OK;
    case FIELD_LABELS:
        for (size_t i = 0; i < values->n_words; i++) {
            if (i > 0) buffer_append_cstr(out, ", ");
            buffer_append(out, values->words[i]);
        }
        return STATUS_OK;
    case FIELD_ANSWER:
        return put_text(values, field, values->answer, out, err);
    case N_FIELDS:
        break;
    }
    return STATUS_OK;
}

Status prompt_render(const PromptTemplate *template, const PromptValues *values, Buffer *out,
                     Error *err)
{
    for (size_t i = 0; i < template->n_pieces; i++) {
        const PromptPiece *piece = &template->pieces[i];
        if (piece->literal.ptr)
            buffer_append(out, piece->literal);
        else
            TRY(put_field(values, piece->field, out, err));
    }
    return STATUS_OK;
}
