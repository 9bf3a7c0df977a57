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

static Status put_json(DataOut *out, const Sample *sample, const Answers *answers, size_t i,
                       Error *err)
{
    JsonWriter *w = jsonl_out_begin(out->to, (Slice){0});
    json_put_key(w, "id");
    json_put_string(w, sample->id);
    if (answers->texts && sample->n_tokens > 0) {
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

// A field: in quotes where it needs them (RFC 4180); TSV has none, so that blanks take the place of tabs and line ends.
static void put_field(Buffer *to, Slice text, char delimiter)
{
    const bool is_tsv = delimiter == '\t';
    bool is_plain = true;
    for (size_t i = 0; i < text.len; i++)
        is_plain = is_plain && text.ptr[i] != delimiter && !strchr("\"\r\n", text.ptr[i]);
    if (is_plain) {
        buffer_append(to, text);
        return;
    }
    if (!is_tsv) buffer_append_byte(to, '"');
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        if (!is_tsv && c == '"') buffer_append_byte(to, '"');
        buffer_append_byte(to, (char)(is_tsv && strchr("\t\r\n", c) ? ' ' : c));
    }
    if (!is_tsv) buffer_append_byte(to, '"');
}

static void put_row(const DataOut *out, const Sample *sample, int32_t label, double probability)
{
    Buffer *to = &out->to->text;
    const char delimiter = out->form == DATA_CSV ? ',' : '\t';
    if (out->n == 0) buffer_printf(to, "id%clabel%cprobability\n", delimiter, delimiter);
    put_field(to, sample->id, delimiter);
    buffer_append_byte(to, delimiter);
    put_field(to, out->data->labels[label], delimiter);
    buffer_printf(to, "%c%.9g\n", delimiter, probability);
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
        put_row(out, sample, answers->predicted[i],
                answers->probabilities[i * answers->n_classes + (size_t)answers->predicted[i]]);
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
