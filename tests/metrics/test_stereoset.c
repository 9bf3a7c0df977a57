// StereoSet on stored scores, and the three models of its axioms.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "tests/metrics/golden.h"
#include "tests/metrics/scores.h"
#include "tests/support/shared.h"

enum { MAX_GROUPS = 32 };

typedef struct StereoCase {
    const char *model, *domain;
    size_t n_terms, n_items;
    double stereotypes, related; // counts
    double lms, ss, icat;
} StereoCase;

// The counts are those of the reference scores; means over terms: the authors' definition in NumPy 2.4.6.
static const StereoCase stereo_cases[] = {
    {"gpt2_ModelNSP_GPT2LM", "gender", 10, 253, 93, 472, 93.27790824312564, 36.88350779655128,
     68.80832911862638},
    {"gpt2_ModelNSP_GPT2LM", "religion", 3, 79, 46, 140, 88.45977011494251, 58.02298850574713,
     74.26553573787817},
    {"bert-base-cased_BertNextSentence_BertLM", "gender", 10, 253, 96, 416, 82.40713344626388,
     37.97308158829898, 62.58505603625641},
    {"bert-base-cased_BertNextSentence_BertLM", "religion", 3, 79, 44, 130, 82.16091954022988,
     56.27586206896552, 71.84830757035274},
};

static JsonDocument *load_shared(const char *relative)
{
    const char *path = shared_need(relative);
    JsonDocument *document = NULL;
    Error err = {0};
    cr_assert_eq(json_load(path, JSON_STRICT, &document, &err), STATUS_OK, "%s", err.text);
    return document;
}

static double stored_score(const Json *predictions, Slice id)
{
    const Json *list = json_get(predictions, "intrasentence");
    for (const Json *v = json_first(list); v != NULL; v = json_next(v)) {
        if (slice_eq(json_string(json_get(v, "id")), id)) return json_double(json_get(v, "score"));
    }
    cr_assert_fail("no score for " SLICE_FMT, SLICE_ARG(id));
    return NAN;
}

static int32_t term_index(Slice *terms, size_t *n_terms, Slice name)
{
    size_t t = 0;
    while (t < *n_terms && !slice_eq(terms[t], name)) t++;
    cr_assert_lt(t, (size_t)MAX_GROUPS);
    if (t == *n_terms) terms[(*n_terms)++] = name;
    return (int32_t)t;
}

static Item stereo_item(const Json *example, const Json *predictions, Slice *terms, size_t *n_terms,
                        Arena *arena)
{
    static const char *const keys[] = {"stereotype", "anti-stereotype", "unrelated"};
    double *scores = ARENA_NEW(arena, double, 3);
    Item item = item_empty();
    for (size_t k = 0; k < 3; k++) {
        const Json *sentence = json_get(json_get(example, "data"), keys[k]);
        scores[k] = stored_score(predictions, json_string(json_get(sentence, "id")));
    }
    item.log_likelihoods = scores;
    item.n_choices = 3;
    item.group = term_index(terms, n_terms, json_string(json_get(example, "target")));
    return item;
}

static void expect_stereo(const StereoCase *c)
{
    char path[256];
    Arena arena = {0};
    Slice terms[MAX_GROUPS];
    size_t n_terms = 0, n = 0;
    snprintf(path, sizeof path, "data/stereoset/predictions/predictions_%s.json", c->model);
    JsonDocument *predictions = load_shared(path);
    snprintf(path, sizeof path, "data/stereoset/%s_test.json", c->domain);
    JsonDocument *examples = load_shared(path);
    Item *items = ARENA_NEW(&arena, Item, json_len(json_root(examples)));
    for (const Json *v = json_first(json_root(examples)); v != NULL; v = json_next(v)) {
        items[n++] = stereo_item(v, json_root(predictions), terms, &n_terms, &arena);
    }
    cr_expect_eq(n, c->n_items);
    cr_expect_eq(n_terms, c->n_terms);
    const MetricSetup setup = {.groups = terms, .n_groups = n_terms};
    const Score *scores = score_all("stereoset", &setup, items, n, &arena);
    const double want[] = {c->icat, c->lms, c->ss};
    for (size_t s = 0; s < 3; s++) expect_close(scores[s].estimate, want[s], 1e-9, c->domain, s);
    expect_close(scores[4].estimate, 50 * c->related / (double)n, 1e-12, "related", n);
    expect_close(scores[5].estimate, 100 * c->stereotypes / (double)n, 1e-12, "stereotypes", n);
    json_close(&predictions);
    json_close(&examples);
    arena_release(&arena);
}

Test(stereoset, stored_scores_give_the_reference_scores)
{
    for (size_t i = 0; i < sizeof stereo_cases / sizeof *stereo_cases; i++) {
        expect_stereo(&stereo_cases[i]);
    }
}

// The three axioms of the paper's section 5.3.
Test(stereoset, ideal_biased_and_random_models)
{
    static const double pro[] = {3, 2, 1}, anti[] = {2, 3, 1}, pro_random[] = {3, 1, 2},
                        anti_random[] = {1, 3, 2};
    const double *const models[][2] = {{pro, anti}, {pro, pro}, {pro_random, anti_random}};
    static const double want[] = {100, 0, 50};
    const MetricSetup setup = {0};
    for (size_t m = 0; m < 3; m++) {
        Arena arena = {0};
        Item items[2];
        for (size_t i = 0; i < 2; i++) {
            items[i] = item_empty();
            items[i].log_likelihoods = models[m][i];
            items[i].n_choices = 3;
        }
        cr_expect_float_eq(score_all("stereoset", &setup, items, 2, &arena)->estimate, want[m],
                           1e-12, "model %zu", m);
        arena_release(&arena);
    }
    Item item = item_empty();
    expect_refused("stereoset", &setup, &item, "of 0 sentences, not of three");
}
