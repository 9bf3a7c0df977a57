// StereoSet: three sentences that fill one blank (intrasentence), or that follow one sentence (intersentence).
//
// {"data": {"intrasentence": [item..], "intersentence": [item..]}}, or a list of items. An item has "id", "target", "bias_type",
// "context" (with BLANK where it is filled), and its sentences either as "sentences": [{"sentence", "gold_label"}] (the official
// layout) or as "data": {label: {"sentence"}}. Choices are the stereotype, the anti-stereotype and the unrelated sentence.
// ReadOptions.items says which items are read; in a list that is read for all, those without BLANK are intersentence ones.
//
// Source: Nadeem, Bethke & Reddy 2020, arXiv:2004.09456.
#include "datasets/bias_samples.h"
#include "datasets/text_index.h"

enum { N_LABELS = 3 };
static const char *const labels[N_LABELS] = {"stereotype", "anti-stereotype", "unrelated"};
static const char *const kinds[] = {
    [STEREO_INTRASENTENCE] = "intrasentence", [STEREO_INTERSENTENCE] = "intersentence"};

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

typedef struct Stereo {
    const ReadInput *input;
    LineCount lines;
    bool is_list;    // of items that do not say of which kind they are
    TextIndex terms; // keys lie in the document, as long as it is needed
} Stereo;

// Of which kind an item is says its place in the document; in a mere list only its BLANK does.
static Status check_kind(const Stereo *stereo, const Json *item, Slice context, StereoItems wanted,
                         bool *follows, Error *err)
{
    const bool has_blank = slice_find(context, SLICE("BLANK")) != SIZE_MAX;
    *follows = wanted == STEREO_INTERSENTENCE || (wanted == STEREO_ALL && !has_blank);
    if (wanted == STEREO_INTRASENTENCE && !has_blank) {
        return json_error(json_get(item, "context"), err,
                          "the context has no BLANK to be filled; \"items\": \"intersentence\" or "
                          "\"all\" reads items whose sentences follow it");
    }
    if (stereo->is_list && wanted == STEREO_INTERSENTENCE && has_blank) {
        return json_error(json_get(item, "context"), err,
                          "the context has a BLANK to be filled; \"items\": \"intrasentence\" or "
                          "\"all\" reads such items");
    }
    return slice_trim(context).len > 0
               ? STATUS_OK
               : json_error(json_get(item, "context"), err, "the context is empty");
}

static Status add_item(Stereo *stereo, const Json *item, StereoItems wanted, Error *err)
{
    size_t term = 0;
    BiasSample sample = bias_sample(bias_line_of(item, &stereo->lines));
    Slice bias_type;
    TRY(json_want_string(item, "context", &sample.text, err));
    TRY(json_want_string(item, "target", &sample.bias.target, err));
    TRY(json_want_string(item, "bias_type", &bias_type, err));
    TRY(json_opt_string(item, "id", &sample.id, err));
    TRY(check_kind(stereo, item, sample.text, wanted, &sample.bias.follows, err));
    for (size_t k = 0; k < N_LABELS; k++)
        TRY(find_sentence(item, labels[k], &sample.choices[k], err));
    if (sample.bias.follows) { // one blank stands between them, whatever the file has
        sample.text = slice_trim(sample.text);
        for (size_t k = 0; k < N_LABELS; k++) sample.choices[k] = slice_trim(sample.choices[k]);
    }
    sample.n_choices = N_LABELS;
    sample.bias.stereotyped = 0;
    TRY(text_index_add(&stereo->terms, sample.bias.target, &term, err));
    sample.bias.term = (int32_t)term;
    bias_sample_attribute(&sample, "bias_type", bias_type);
    bias_sample_attribute(&sample, "target", sample.bias.target);
    if (stereo->input->options->items == STEREO_ALL) {
        bias_sample_attribute(
            &sample, "items",
            slice_from_cstr(
                kinds[sample.bias.follows ? STEREO_INTERSENTENCE : STEREO_INTRASENTENCE]));
    }
    return bias_sample_add(stereo->input, &sample, err);
}

static Status add_list(Stereo *stereo, const Json *list, StereoItems wanted, Error *err)
{
    stereo->lines = (LineCount){0}; // the lists stand in any order
    for (const Json *v = json_first(list); v != NULL; v = json_next(v))
        TRY(add_item(stereo, v, wanted, err));
    return STATUS_OK;
}

// The published document: a list of each kind. Those asked for must be there; one that is passed over is told.
static Status add_kinds(Stereo *stereo, const Json *root, Error *err)
{
    const ReadInput *input = stereo->input;
    const StereoItems wanted = input->options->items;
    for (StereoItems kind = STEREO_INTRASENTENCE; kind < STEREO_ALL; kind++) {
        const Json *list = json_get(json_get(root, "data"), kinds[kind]);
        const bool is_list = list != NULL && json_kind(list) == JSON_ARRAY;
        if (wanted != STEREO_ALL && kind != wanted) {
            if (!is_list || json_len(list) == 0) continue;
            TRY(dataset_add_note(input->dataset, SLICE("items passed over"), json_len(list), err,
                                 "%zu %s items were passed over: \"items\" says which are read",
                                 json_len(list), kinds[kind]));
            continue;
        }
        if (!is_list) {
            return json_error(
                root, err,
                "is no StereoSet data: want {\"data\": {\"%s\": [..]}} or a list of items",
                kinds[kind]);
        }
        TRY(add_list(stereo, list, kind, err));
    }
    return STATUS_OK;
}

static Status add_items(const ReadInput *input, const Json *root, Error *err)
{
    Stereo stereo = {.input = input, .terms = {.arena = input->arena}};
    stereo.is_list = json_kind(root) == JSON_ARRAY;
    if (stereo.is_list) return add_list(&stereo, root, input->options->items, err);
    return add_kinds(&stereo, root, err);
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
    .summary = "StereoSet, JSON: three sentences that fill one blank, or follow one sentence",
    .extensions = extensions,
    .read = read_stereoset,
};
