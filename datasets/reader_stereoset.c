// StereoSet's intrasentence items: three sentences that fill one blank.
//
// {"data": {"intrasentence": [item..]}}, or a list of items. An item has "id", "target", "bias_type", "context" with BLANK,
// and its sentences either as "sentences": [{"sentence", "gold_label"}] (the official layout) or as "data": {label:
// {"sentence"}}. Choices are the stereotype, the anti-stereotype and the unrelated sentence. Intersentence items, which ask
// about a second sentence, are passed over.
//
// Source: Nadeem, Bethke & Reddy 2020, arXiv:2004.09456.
#include "datasets/bias_samples.h"
#include "datasets/text_index.h"

enum { N_LABELS = 3 };
static const char *const labels[N_LABELS] = {"stereotype", "anti-stereotype", "unrelated"};

static Status find_sentence(const Json *item, const char *label, Slice *out, Error *err)
{
    const Json *found = NULL, *sentences = json_get(item, "sentences");
    for (const Json *v = json_first(sentences); v != NULL; v = json_next(v)) {
        Slice own = {0};
        TRY(json_want_string(v, "gold_label", &own, err));
        if (!slice_eq_cstr(own, label)) continue;
        if (found) return json_error(v, err, "a second sentence is the %s", label);
        found = v;
    }
    if (found == NULL) found = json_get(json_get(item, "data"), label);
    if (found == NULL) {
        return json_error(
            item, err,
            "no sentence is the %s: want \"sentences\" with a \"gold_label\" each, or "
            "\"data\" with a sentence under each label",
            label);
    }
    TRY(json_want_string(found, "sentence", out, err));
    return slice_trim(*out).len > 0 ? STATUS_OK : json_error(found, err, "the sentence is empty");
}

static Status add_item(const ReadInput *input, const Json *item, size_t line, TextIndex *terms,
                       Error *err)
{
    size_t term = 0;
    BiasSample sample = bias_sample(line);
    Slice bias_type;
    TRY(json_want_string(item, "context", &sample.text, err));
    TRY(json_want_string(item, "target", &sample.bias.target, err));
    TRY(json_want_string(item, "bias_type", &bias_type, err));
    TRY(json_opt_string(item, "id", &sample.id, err));
    if (slice_find(sample.text, SLICE("BLANK")) == SIZE_MAX)
        return json_error(json_get(item, "context"), err, "the context has no BLANK to be filled");
    for (size_t k = 0; k < N_LABELS; k++)
        TRY(find_sentence(item, labels[k], &sample.choices[k], err));
    sample.n_choices = N_LABELS;
    sample.bias.stereotyped = 0;
    TRY(text_index_add(terms, sample.bias.target, &term, err));
    sample.bias.term = (int32_t)term;
    bias_sample_attribute(&sample, "bias_type", bias_type);
    bias_sample_attribute(&sample, "target", sample.bias.target);
    return bias_sample_add(input, &sample, err);
}

static Status add_items(const ReadInput *input, const Json *root, Error *err)
{
    const Json *list = root;
    LineCount lines = {0};
    TextIndex terms = {.arena = input->arena}; // keys lie in the document, as long as it is needed
    if (json_kind(root) == JSON_OBJECT) list = json_get(json_get(root, "data"), "intrasentence");
    if (list == NULL || json_kind(list) != JSON_ARRAY) {
        return json_error(
            root, err,
            "is no StereoSet data: want {\"data\": {\"intrasentence\": [..]}} or a list "
            "of items");
    }
    for (const Json *v = json_first(list); v != NULL; v = json_next(v))
        TRY(add_item(input, v, bias_line_of(v, &lines), &terms, err));
    return STATUS_OK;
}

static Status read_stereoset(const ReadInput *input, Error *err)
{
    JsonDocument *document = NULL;
    Status s = bias_open_json(input, &document, err);
    if (s == STATUS_OK) s = add_items(input, json_root(document), err);
    json_close(&document);
    return s;
}

static const char *const extensions[] = {NULL};

const Reader reader_stereoset = {
    .name = "stereoset",
    .summary = "StereoSet's intrasentence items, JSON: three sentences that fill one blank",
    .extensions = extensions,
    .read = read_stereoset,
};
