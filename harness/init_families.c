// Suites for files of tags and of questions.
#include "base/file.h"
#include "base/json_writer.h"
#include "base/size.h"
#include "datasets/scheme.h"
#include "harness/init_internal.h"

enum { MAX_TAGS_SHOWN = 24, FOLDS_USUAL = 5, SAMPLES_A_FOLD = 4 };

typedef struct Found {
    const char *path;
    const InitOptions *options;
    const Sniff *sniff;
    Dataset data;
    bool is_squad;
    SchemeFit fit;       // of tags
    size_t n_words;      // of tags
    size_t n_unanswered; // of questions
    size_t n_groups;     // of questions: articles, at least as many as differ from the one before
} Found;

static Status read_data(Found *found, Error *err)
{
    const ReadOptions read = {.format = found->is_squad ? SLICE("squad") : SLICE("conll"),
                              .encoding = found->sniff->encoding,
                              .bad_answers = BAD_ANSWERS_RELOCATE};
    Slice group = {0};
    TRY(dataset_read(found->path, &read, &found->data, err));
    for (size_t i = 0; i < found->data.n_samples; i++) {
        const Sample *sample = &found->data.samples[i];
        found->n_words += sample->n_tokens;
        if (!found->is_squad) scheme_look(&found->fit, sample->tags, sample->n_tokens);
        found->n_unanswered += sample->n_answers == 0;
        found->n_groups += i == 0 || !slice_eq(sample->group, group);
        group = sample->group;
    }
    return STATUS_OK;
}

static size_t n_folds(const Found *found)
{
    const bool is_grouped = found->is_squad && found->n_groups > 1;
    const size_t n = is_grouped ? found->n_groups : found->data.n_samples / SAMPLES_A_FOLD;
    return size_max(2, size_min(n, FOLDS_USUAL));
}

static Status check(const Found *found, Error *err)
{
    if (found->is_squad && found->n_unanswered == found->data.n_samples) {
        return error_set(
            err, STATUS_INVALID,
            "%s: none of the %zu questions has an answer, so there is nothing to learn",
            found->path, found->data.n_samples);
    }
    if (!found->is_squad && found->sniff->n_classes < 2) {
        return error_set(err, STATUS_INVALID,
                         "%s: all words bear one tag; there is nothing to tell apart", found->path);
    }
    if (found->data.n_samples >= 2) return STATUS_OK;
    return error_set(
        err, STATUS_INVALID,
        "%s holds one sample: there must be two at least to learn from one and judge on "
        "another",
        found->path);
}

static void put_tags(const Found *found, Buffer *out)
{
    const Sniff *sniff = found->sniff;
    const TagScheme scheme = scheme_of(&found->fit);
    const size_t n = size_min(sniff->n_classes, MAX_TAGS_SHOWN);
    buffer_append_cstr(out, "      // Tags: ");
    for (size_t i = 0; i < n; i++) {
        buffer_append_cstr(out, i ? ", " : "");
        init_put_shown(out, sniff->classes[i].name);
        buffer_printf(out, " %zu", sniff->classes[i].count);
    }
    if (sniff->n_classes > n) buffer_printf(out, " and %zu more", sniff->n_classes - n);
    buffer_append_cstr(out, ".\n");
    if (scheme < N_TAG_SCHEMES) {
        buffer_printf(
            out,
            "      // All %zu sentences fit this scheme; tags that break it are refused.\n"
            "      \"scheme\": \"%s\",\n",
            found->fit.n_sentences, scheme_name(scheme));
    } else if (found->fit.has_entities) {
        buffer_append_cstr(out, "      // The tags fit no scheme throughout (");
        for (size_t s = 0; s < N_TAG_SCHEMES; s++)
            buffer_printf(out, "%s%s breaks in %zu sentence%s", s ? ", " : "", scheme_name(s),
                          found->fit.n_broken[s], found->fit.n_broken[s] == 1 ? "" : "s");
        buffer_append_cstr(out, "): is the file in order?\n");
    }
    if (found->fit.has_entities)
        buffer_append_cstr(
            out, "      // \"valid\" gives only sequences of tags that the scheme allows.\n"
                 "      \"decode\": \"valid\",\n");
    buffer_append_cstr(out, "      \"metrics\": [\"entity_f1\"],\n");
    buffer_append_cstr(out,
                       "      // Longer sentences go through the model in windows that overlap.\n"
                       "      \"max_length\": 128\n");
}

static void put_questions(const Found *found, Buffer *out)
{
    bool has_bad = false;
    for (size_t i = 0; i < found->data.n_notes; i++) {
        const Slice item = found->data.notes[i].item;
        has_bad = has_bad || slice_starts_with(item, SLICE("answers moved")) ||
                  slice_starts_with(item, SLICE("answers left out"));
        buffer_append_cstr(out, "      // ");
        json_escape(out, found->data.notes[i].text);
        buffer_append_byte(out, '\n');
    }
    if (has_bad) buffer_append_cstr(out, "      \"bad_answers\": \"relocate\",\n");
    buffer_printf(out, "      // %zu of the questions have no answer%s.\n", found->n_unanswered,
                  found->n_unanswered > 0
                      ? ": none is given where that scores higher by more than null_threshold"
                      : "");
    if (found->n_unanswered > 0) buffer_append_cstr(out, "      \"null_threshold\": 0,\n");
    buffer_append_cstr(
        out,
        "      \"metrics\": [\"squad_f1\", \"squad_exact\"],\n"
        "      // Longer passages go through the model in windows that share doc_stride tokens.\n"
        "      \"max_length\": 128,\n      \"doc_stride\": 48,\n      \"max_answer\": 30\n");
}

static void put_task(const Found *found, Buffer *out)
{
    const InitOptions *options = found->options;
    buffer_append_cstr(out, "  \"tasks\": [\n    {\n      ");
    init_put_member(out, "name", init_suite_name(found->path, options));
    buffer_printf(out, ",\n      \"family\": \"%s\",\n", found->is_squad ? "span" : "tag");
    buffer_append_cstr(
        out, "      // A file to judge on apart from this one: \"data\": {\"train\": FILE, "
             "\"test\": FILE}, and no folds.\n      ");
    init_put_member(out, "data",
                    options->data_path.len > 0 ? options->data_path : slice_from_cstr(found->path));
    buffer_printf(out, ",\n      \"format\": \"%s\",\n", found->is_squad ? "squad" : "conll");
    if (found->sniff->encoding != ENCODING_UTF8)
        buffer_append_cstr(out,
                           "      \"encoding\": \"windows-1252\", // its bytes are no UTF-8\n");
    (found->is_squad ? put_questions : put_tags)(found, out);
    buffer_append_cstr(out, "    }\n  ],\n\n");
}

static void put_head(const Found *found, Buffer *out)
{
    buffer_append_cstr(out, "// Written by `assay init` from ");
    init_put_shown(out, file_name_of(slice_from_cstr(found->path)));
    if (found->is_squad)
        buffer_printf(out, ": squad, %zu questions.\n", found->data.n_samples);
    else
        buffer_printf(out, ": conll, %zu sentences, %zu words, %zu tags.\n", found->data.n_samples,
                      found->n_words, found->sniff->n_classes);
    buffer_append_cstr(out, "// Why so: ");
    json_escape(out, found->sniff->why);
    buffer_append_cstr(out, "\n//\n//     assay run THIS-FILE --dry-run     # the plan\n"
                            "//     assay run THIS-FILE\n//\n"
                            "// Every key is explained in docs/suite.md.\n{\n  ");
    init_put_member(out, "suite", init_suite_name(found->path, found->options));
    buffer_append_cstr(out, ",\n  \"seed\": 17,\n\n");
}

static void put_rest(const Found *found, Buffer *out)
{
    const bool is_grouped = found->is_squad && found->n_groups > 1;
    buffer_append_cstr(
        out,
        "  // Every array is an axis of the grid: these are values that suit pretrained encoders.\n"
        "  \"tune\": {\n    \"learning_rate\": [3e-5, 5e-5],\n    \"batch_size\": 16,\n"
        "    \"epochs\": 3,\n    \"warmup\": 0.1,\n    \"weight_decay\": 0.01\n  },\n\n"
        "  // Each fold is judged once, by models tuned on the others; the setting is chosen on the "
        "10% held out of those.\n");
    if (is_grouped)
        buffer_append_cstr(out, "  // Questions about one article never stand on both sides.\n");
    buffer_printf(out, "  \"folds\": {\"k\": %zu, \"kind\": \"%s\", \"inner\": 0.1},\n\n",
                  n_folds(found), is_grouped ? "grouped" : "plain");
    buffer_append_cstr(out, "  \"report\": {\"formats\": [\"html\", \"markdown\"]}\n}\n");
}

Status init_families(const char *path, const InitOptions *options, const Sniff *sniff, Buffer *out,
                     Error *err)
{
    Found found = {
        .path = path, .options = options, .sniff = sniff, .is_squad = sniff->format == SNIFF_SQUAD};
    Status s = read_data(&found, err);
    if (s == STATUS_OK) s = check(&found, err);
    if (s == STATUS_OK) {
        put_head(&found, out);
        init_put_models(options, "small-encoder",
                        "\"hidden_size\": 64, \"n_layers\": 2, \"n_heads\": 4, "
                        "\"intermediate_size\": 256, \"max_positions\": 128, \"cased\": true",
                        "\"learning_rate\": [1e-3, 2e-3], \"epochs\": 10, \"warmup\": 0.1", out);
        put_task(&found, out);
        put_rest(&found, out);
        s = buffer_status(out, err);
    }
    dataset_release(&found.data);
    return s;
}
