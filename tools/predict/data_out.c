// Answers to a data set in the forms that other programs read.
#include <string.h>

#include "results/store.h"
#include "tools/predict/data.h"

const char *const data_form_names[] = {"jsonl", "squad", "conll", "tsv", "csv", NULL};

// ---- which form ----

static const struct {
    const char *extension;
    DataForm form;
} extensions[] = {{".conll", DATA_CONLL}, {".iob", DATA_CONLL}, {".iob2", DATA_CONLL},
                  {".bio", DATA_CONLL},   {".tsv", DATA_TSV},   {".csv", DATA_CSV}};

// The head whose answers a form is for; HEAD_COUNT = any.
static ModelHead head_of(DataForm form)
{
    static const ModelHead heads[N_DATA_FORMS] = {[DATA_JSONL] = HEAD_COUNT,
                                                  [DATA_SQUAD] = HEAD_SPAN,
                                                  [DATA_CONLL] = HEAD_TOKEN,
                                                  [DATA_TSV] = HEAD_SEQUENCE,
                                                  [DATA_CSV] = HEAD_SEQUENCE};
    return heads[form];
}

Status data_form_of(const CommandLine *line, const Family *family, DataForm *out, Error *err)
{
    const Slice path = slice_from_cstr(option_text(line, "out"));
    const size_t asked = option_choice(line, "out-format");
    *out = DATA_JSONL;
    if (asked != SIZE_MAX) {
        *out = (DataForm)asked;
    } else if (slice_ends_with(path, SLICE(".json")) && family->head == HEAD_SPAN) {
        *out = DATA_SQUAD;
    } else {
        for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
            if (slice_ends_with(path, slice_from_cstr(extensions[i].extension)))
                *out = extensions[i].form;
        }
    }
    if (head_of(*out) == HEAD_COUNT || head_of(*out) == family->head) return STATUS_OK;
    return error_set(
        err, STATUS_INVALID,
        "%s%s: answers of --mode %s are not written as \"%s\": give --out-format jsonl%s",
        asked != SIZE_MAX ? "--out-format " : "--out ",
        asked != SIZE_MAX ? data_form_names[asked] : option_text(line, "out"), family->name,
        data_form_names[*out],
        family->head == HEAD_SPAN    ? " or squad"
        : family->head == HEAD_TOKEN ? " or conll"
        : family->takes              ? ""
                                     : ", tsv or csv");
}

// ---- JSON Lines ----

static void put_probabilities(const DataOut *out, const double *probabilities, JsonWriter *w)
{
    json_put_key(w, "probabilities");
    json_begin_object(w);
    for (size_t c = 0; c < out->data->n_labels; c++) {
        json_put_key_slice(w, out->data->labels[c]);
        json_put_double(w, probabilities[c]);
    }
    json_end_object(w);
}

static void put_tags(const Sample *sample, Slice tags, JsonWriter *w)
{
    Slice tag;
    json_put_key(w, "tokens");
    json_begin_array(w);
    for (size_t t = 0; t < sample->n_tokens; t++) json_put_string(w, sample->tokens[t]);
    json_end_array(w);
    json_put_key(w, "labels");
    json_begin_array(w);
    while (slice_split(&tags, ' ', &tag)) json_put_string(w, tag);
    json_end_array(w);
}

static void put_likelihoods(const DataOut *out, const Sample *sample, const double *values,
                            JsonWriter *w)
{
    static const char *const crows[] = {"sent_more_score", "sent_less_score"};
    json_put_key(w, "log_likelihoods");
    json_begin_array(w);
    for (size_t k = 0; k < sample->n_choices; k++) json_put_double(w, values[k]);
    json_end_array(w);
    for (size_t k = 0; out->is_crows_pairs && k < 2; k++) {
        json_put_key(w, crows[k]);
        json_put_double(w, values[k]);
    }
}

// Of several labels at once, those that hold; else the number.
static void put_labels_or_value(const DataOut *out, const Answers *answers, size_t i, JsonWriter *w)
{
    const double *values = answers->values + i * answers->n_values;
    if (out->data->family->has_value) {
        json_member_float(w, "value", (float)values[0]);
        return;
    }
    json_member_array(w, "labels");
    for (size_t c = 0; c < out->data->n_labels; c++) {
        if (values[c] != 0) json_put_string(w, out->data->labels[c]);
    }
    json_end_array(w);
    put_probabilities(out, answers->probabilities + i * answers->n_classes, w);
}

static Status put_json(DataOut *out, const Sample *sample, const Answers *answers, size_t i,
                       Error *err)
{
    JsonWriter *w = jsonl_out_begin(out->to, (Slice){0});
    json_put_key(w, "id");
    json_put_string(w, sample->id);
    if (out->data->family->problem != PROBLEM_CLASSES) {
        put_labels_or_value(out, answers, i, w);
    } else if (answers->texts && sample->n_tokens > 0) {
        put_tags(sample, answers->texts[i], w);
    } else if (answers->texts) {
        json_put_key(w, "text");
        json_put_string(w, answers->texts[i]);
    } else {
        json_put_key(w, "label");
        json_put_string(w, out->data->labels[answers->predicted[i]]);
        put_probabilities(out, answers->probabilities + i * answers->n_classes, w);
    }
    if (answers->values && out->data->family->takes)
        put_likelihoods(out, sample, answers->values + i * answers->n_values, w);
    return jsonl_out_end(out->to, err);
}

// ---- the others ----

static void put_squad(DataOut *out, const Sample *sample, Slice text)
{
    Buffer *to = &out->to->text;
    buffer_append_cstr(to, out->n == 0 ? "{" : ", ");
    json_escape(to, sample->id);
    buffer_append_cstr(to, ": ");
    json_escape(to, text);
}

static void put_conll(const DataOut *out, const Sample *sample, Slice tags)
{
    Buffer *to = &out->to->text;
    Slice tag;
    for (size_t t = 0; t < sample->n_tokens && slice_split(&tags, ' ', &tag); t++)
        buffer_printf(to, SLICE_FMT "\t" SLICE_FMT "\n", SLICE_ARG(sample->tokens[t]),
                      SLICE_ARG(tag));
    buffer_append_byte(to, '\n');
}

static bool is_one_of(char c, Slice bytes)
{
    return slice_find_byte(bytes, c) != SIZE_MAX;
}

// A field: in quotes where it needs them (RFC 4180); TSV has none, so that blanks take the place of tabs and line ends.
static void put_field(Buffer *to, Slice text, char delimiter)
{
    const bool is_tsv = delimiter == '\t';
    bool is_plain = true;
    for (size_t i = 0; i < text.len; i++)
        is_plain = is_plain && text.ptr[i] != delimiter && !is_one_of(text.ptr[i], SLICE("\"\r\n"));
    if (is_plain) {
        buffer_append(to, text);
        return;
    }
    if (!is_tsv) buffer_append_byte(to, '"');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!is_tsv && c == '"') buffer_append_byte(to, '"');
        if (is_tsv && is_one_of(c, SLICE("\t\r\n"))) c = ' ';
        buffer_append_byte(to, c);
    }
    if (!is_tsv) buffer_append_byte(to, '"');
}

// The numbers of a model that gives no one class: a column each, of several labels their probabilities.
static void put_numbers(const DataOut *out, const double *numbers, size_t n, char delimiter)
{
    Buffer *to = &out->to->text;
    for (size_t k = 0; k < n; k++) buffer_printf(to, "%c%.9g", delimiter, numbers[k]);
    buffer_append_byte(to, '\n');
}

static void put_headings(const DataOut *out, char delimiter)
{
    Buffer *to = &out->to->text;
    const Family *family = out->data->family;
    buffer_append_cstr(to, "id");
    for (size_t c = 0; family->has_label_set && c < out->data->n_labels; c++) {
        buffer_append_byte(to, delimiter);
        put_field(to, out->data->labels[c], delimiter);
    }
    if (family->has_value) buffer_printf(to, "%cvalue", delimiter);
    if (family->problem == PROBLEM_CLASSES)
        buffer_printf(to, "%clabel%cprobability", delimiter, delimiter);
    buffer_append_byte(to, '\n');
}

static void put_row(const DataOut *out, const Sample *sample, const Answers *answers, size_t i)
{
    Buffer *to = &out->to->text;
    const char delimiter = out->form == DATA_CSV ? ',' : '\t';
    const double *probabilities = answers->probabilities + i * answers->n_classes;
    if (out->n == 0) put_headings(out, delimiter);
    put_field(to, sample->id, delimiter);
    if (out->data->family->has_value) {
        put_numbers(out, answers->values + i, 1, delimiter);
        return;
    }
    if (out->data->family->has_label_set) {
        put_numbers(out, probabilities, answers->n_classes, delimiter);
        return;
    }
    const int32_t label = answers->predicted[i];
    buffer_append_byte(to, delimiter);
    put_field(to, out->data->labels[label], delimiter);
    put_numbers(out, probabilities + label, 1, delimiter);
}

Status data_out_put(DataOut *out, const Sample *sample, const Answers *answers, size_t i,
                    Error *err)
{
    Status s = STATUS_OK;
    switch (out->form) {
    case DATA_JSONL:
        s = put_json(out, sample, answers, i, err);
        break;
    case DATA_SQUAD:
        put_squad(out, sample, answers->texts[i]);
        break;
    case DATA_CONLL:
        put_conll(out, sample, answers->texts[i]);
        break;
    case DATA_TSV:
    case DATA_CSV:
        put_row(out, sample, answers, i);
        break;
    case N_DATA_FORMS:
        break;
    }
    out->n++;
    return s;
}

Status data_out_end(DataOut *out, Error *err)
{
    if (out->form == DATA_SQUAD) buffer_append_cstr(&out->to->text, out->n == 0 ? "{}\n" : "}\n");
    return buffer_status(&out->to->text, err);
}
