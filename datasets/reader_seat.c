// Word and sentence sets of WEAT and SEAT: two sets of targets, two of attributes.
//
// {"targ1": {"category", "examples": [text..]}, "targ2", "attr1", "attr2"}, whatever the file is called. Every example is a
// sample.
//
// Sources: Caliskan et al. 2017, Science 356, 183-186; May et al. 2019, arXiv:1903.10561.
#include "datasets/bias_samples.h"

#include <stdio.h>

static Status add_set(const ReadInput *input, const Json *root, const char *key, int32_t set,
                      Error *err)
{
    const Json *object, *examples;
    Slice category = slice_from_cstr(key), text;
    char id[32];
    size_t n = 0;
    LineCount lines = {0};
    TRY(json_want_kind(root, key, JSON_OBJECT, &object, err));
    TRY(json_opt_string(object, "category", &category, err));
    TRY(json_want_kind(object, "examples", JSON_ARRAY, &examples, err));
    if (json_len(examples) == 0) return json_error(examples, err, "the set has no examples");
    for (const Json *v = json_first(examples); v != NULL; v = json_next(v)) {
        BiasSample sample = bias_sample(bias_line_of(v, &lines));
        TRY(json_as_string(v, &text, err));
        if (slice_trim(text).len == 0) return json_error(v, err, "the example is empty");
        snprintf(id, sizeof id, "%s.%zu", key, ++n);
        sample.id = slice_from_cstr(id);
        sample.text = text;
        sample.bias.set = set;
        bias_sample_attribute(&sample, "set", category);
        TRY(bias_sample_add(input, &sample, err));
    }
    return STATUS_OK;
}

static Status read_seat(const ReadInput *input, Error *err)
{
    static const char *const keys[] = {"targ1", "targ2", "attr1", "attr2"};
    JsonDocument *document = NULL;
    Status s = bias_open_json(input, &document, err);
    if (s == STATUS_OK && json_kind(json_root(document)) != JSON_OBJECT) {
        s = json_error(json_root(document), err,
                       "found %s, want an object with targ1, targ2, attr1 and attr2",
                       json_kind_name(json_kind(json_root(document))));
    }
    for (int32_t set = 0; s == STATUS_OK && set < 4; set++)
        s = add_set(input, json_root(document), keys[set], set, err);
    json_close(&document);
    return s;
}

static const char *const extensions[] = {NULL};

const Reader reader_seat = {
    .name = "seat",
    .summary = "sets of WEAT and SEAT: JSON with targ1, targ2, attr1, attr2",
    .extensions = extensions,
    .read = read_seat,
};
