// CrowS-Pairs, StereoSet, BBQ and WinoBias on stored scores and answers; WEAT against its closed formula.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "metrics/weat.h"
#include "tests/metrics/golden.h"
#include "tests/support/shared.h"

enum { MAX_GROUPS = 32 };

static Score *score_all(const char *metric, const MetricSetup *setup, const Item *items, size_t n,
                        Arena *arena)
{
    MetricPlan plan;
    Score *scores;
    Error err = {0};
    const IntervalOptions options = {.n_resamples = 50};
    cr_assert_eq(metric_plan(metric_find(slice_from_cstr(metric)), setup, arena, &plan, &err),
                 STATUS_OK, "%s", err.text);
    cr_assert_eq(scores_of_items(&plan, items, n, &options, arena, &scores, &err), STATUS_OK, "%s",
                 err.text);
    return scores;
}

static void expect_refused(const char *metric, const MetricSetup *setup, const Item *item,
                           const char *message)
{
    Arena arena = {0};
    MetricPlan plan;
    RowSet rows;
    Error err = {0};
    cr_assert_eq(metric_plan(metric_find(slice_from_cstr(metric)), setup, &arena, &plan, &err),
                 STATUS_OK, "%s", err.text);
    cr_expect_eq(rows_of_items(&plan, item, 1, NULL, &arena, &rows, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, message) != NULL, "%s: %s", metric, err.text);
    arena_release(&arena);
}

// ---- CrowS-Pairs ----

static Item pair_item(const double *scores, int32_t stereotyped, int32_t direction)
{
    Item item = item_empty();
    item.log_likelihoods = scores;
    item.n_choices = 2;
    item.stereotyped = stereotyped;
    item.label = direction;
    return item;
}

Test(crows_pairs, counts_as_the_authors_program)
{
    static const double scores[][2] = {{-1, -2}, {-3, -2}, {-2, -2}, {-5, -4}, {-1.0004, -1.0001}};
    static const Slice directions[] = {SLICE_LIT("stereo"), SLICE_LIT("antistereo")};
    const MetricSetup setup = {.labels = directions, .n_labels = 2};
    // Prefers the stereotype: yes, no, equal, yes (the second is the one), no (less likely by 0.0003).
    const Item items[] = {pair_item(scores[0], 0, 0), pair_item(scores[1], 0, 0),
                          pair_item(scores[2], 0, 0), pair_item(scores[3], 1, 1),
                          pair_item(scores[4], 0, 1)};
    Arena arena = {0};
    JsonDocument *params = NULL;
    Error err = {0};
    const Score *plain = score_all("crows_pairs", &setup, items, 5, &arena);
    cr_expect_float_eq(plain[0].estimate, 2.0 / 5, 1e-15);
    cr_expect_float_eq(plain[1].estimate, 1.0 / 2, 1e-15);
    cr_expect_float_eq(plain[2].estimate, 1.0 / 2, 1e-15);
    cr_expect_float_eq(plain[3].estimate, 1.0 / 5, 1e-15);
    cr_assert_eq(json_parse(SLICE("params"), SLICE("{\"round\": 3}"), JSON_STRICT, &params, &err),
                 STATUS_OK);
    const MetricSetup rounding = {.labels = directions, .n_labels = 2, .params = json_root(params)};
    const Score *rounded = score_all("crows_pairs", &rounding, items, 5, &arena);
    cr_expect_float_eq(rounded[2].estimate, 1, 1e-15); // the last pair is equal now
    cr_expect_float_eq(rounded[3].estimate, 2.0 / 5, 1e-15);
    json_close(&params);
    arena_release(&arena);
}

Test(crows_pairs, bad_pairs_are_refused_by_number)
{
    static const double scores[] = {-1, NAN};
    const MetricSetup setup = {0};
    Item item = pair_item(scores, 0, ITEM_NO_LABEL);
    expect_refused("crows_pairs", &setup, &item, "item 0: log-likelihood 1 is not a number");
    item.stereotyped = ITEM_NO_LABEL;
    expect_refused("crows_pairs", &setup, &item, "which sentence stereotypes more");
    item.n_choices = 3;
    expect_refused("crows_pairs", &setup, &item, "of 3 sentences, not of two");
}

// ---- StereoSet ----

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

// ---- BBQ ----

// The text without case and punctuation, in the arena.
static Slice bare(Slice text, Arena *arena)
{
    char *out = ARENA_NEW(arena, char, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ' ') out[len++] = c;
    }
    return slice_trim((Slice){out, len});
}

static bool is_stereotyped_group(const Json *question, Slice group)
{
    const Json *all = json_get(json_get(question, "additional_metadata"), "stereotyped_groups");
    for (const Json *v = json_first(all); v != NULL; v = json_next(v)) {
        if (slice_eq(json_string(v), group)) return true;
    }
    return false;
}

static Item bbq_item(const Json *question, Slice answer, Arena *arena)
{
    static const char *const keys[] = {"ans0", "ans1", "ans2"};
    Item item = item_empty();
    int32_t target = ITEM_NO_LABEL;
    answer = bare(answer, arena);
    for (int32_t k = 0; k < 3; k++) {
        const Json *info = json_get(json_get(question, "answer_info"), keys[k]);
        const Slice group = json_string(json_at(info, 1));
        if (slice_eq_cstr(group, "unknown")) item.unknown = k;
        if (is_stereotyped_group(question, group)) target = k;
        const Slice choice = bare(json_string(json_get(question, keys[k])), arena);
        if (slice_eq(choice, answer)) item.predicted = k;
    }
    const bool is_negative =
        slice_eq_cstr(json_string(json_get(question, "question_polarity")), "neg");
    item.stereotyped = is_negative ? target : 3 - item.unknown - target;
    item.label = (int32_t)json_double(json_get(question, "label"));
    item.is_ambiguous =
        slice_eq_cstr(json_string(json_get(question, "context_condition")), "ambig");
    return item;
}

typedef struct BbqCase {
    const char *category, *column;
    double n, right_ambiguous, right_settled; // n of each half
    double bias_ambiguous, bias_settled;
} BbqCase;

// Counts are those of the reference scores; biases: section 4's formulas in Python 3.11.
static const BbqCase bbq_cases[] = {
    {"Age", "unifiedqa-t5-11b_pred_race", 1840, 1006, 1720, 0.2978260869565217,
     0.011627906976744207},
    {"Age", "unifiedqa-t5-11b_pred_arc", 1840, 623, 1649, 0.4895326802059496, 0.0332326283987916},
    {"Age", "unifiedqa-t5-11b_pred_qonly", 1840, 558, 636, 0.5139878831076264, 0.7377049180327868},
    {"Disability_status", "unifiedqa-t5-11b_pred_race", 778, 415, 722, 0.21208226221079693,
     -0.013736263736263687},
    {"Disability_status", "unifiedqa-t5-11b_pred_arc", 778, 280, 716, 0.326478149100257,
     -0.006915629322268302},
    {"Disability_status", "unifiedqa-t5-11b_pred_qonly", 778, 390, 190, 0.29820051413881754,
     0.597938144329897},
    {"Religion", "unifiedqa-t5-11b_pred_race", 600, 390, 528, 0.14333333333333337,
     0.0017574692442883233},
    {"Religion", "unifiedqa-t5-11b_pred_arc", 600, 263, 511, 0.24500000000000002,
     0.03525046382189245},
    {"Religion", "unifiedqa-t5-11b_pred_qonly", 600, 348, 134, 0.21333333333333335,
     0.5079365079365079},
};
static const Slice choices[] = {SLICE_LIT("ans0"), SLICE_LIT("ans1"), SLICE_LIT("ans2")};
static const MetricSetup bbq_setup = {.labels = choices, .n_labels = 3};

static Status next_json(LineReader *lines, JsonDocument **document, bool *more, Error *err)
{
    Slice line;
    json_close(document);
    TRY(line_reader_next(lines, &line, more, err));
    return *more ? json_parse(SLICE("bbq"), line, JSON_STRICT, document, err) : STATUS_OK;
}

static void expect_bbq(const BbqCase *c)
{
    char path[256];
    LineReader *questions = NULL, *answers = NULL;
    JsonDocument *question = NULL, *answer = NULL;
    Arena arena = {0};
    Error err = {0};
    Item *items = ARENA_NEW(&arena, Item, 4000);
    size_t n = 0;
    bool more = true;
    snprintf(path, sizeof path, "data/bbq/%s.jsonl", c->category);
    shared_need(path);
    cr_assert_eq(line_reader_open(shared_path(path), &questions, &err), STATUS_OK);
    snprintf(path, sizeof path, "data/bbq/results/UnifiedQA/preds_%s.jsonl", c->category);
    cr_assert_eq(line_reader_open(shared_path(path), &answers, &err), STATUS_OK);
    for (;;) {
        cr_assert_eq(next_json(questions, &question, &more, &err), STATUS_OK, "%s", err.text);
        if (!more) break;
        cr_assert_eq(next_json(answers, &answer, &more, &err), STATUS_OK, "%s", err.text);
        const Slice text = json_string(json_get(json_root(answer), c->column));
        items[n++] = bbq_item(json_root(question), text, &arena);
    }
    const Score *scores = score_all("bbq", &bbq_setup, items, n, &arena);
    expect_close(scores[0].estimate, (c->right_ambiguous + c->right_settled) / (2 * c->n), 1e-12,
                 c->column, n);
    expect_close(scores[1].estimate, c->right_ambiguous / c->n, 1e-12, c->column, n);
    expect_close(scores[2].estimate, c->right_settled / c->n, 1e-12, c->column, n);
    expect_close(scores[3].estimate, c->bias_ambiguous, 1e-9, c->column, n);
    expect_close(scores[4].estimate, c->bias_settled, 1e-9, c->column, n);
    json_close(&question);
    json_close(&answer);
    line_reader_close(&questions);
    line_reader_close(&answers);
    arena_release(&arena);
}

Test(bbq, stored_answers_give_the_reference_scores)
{
    for (size_t i = 0; i < sizeof bbq_cases / sizeof *bbq_cases; i++) expect_bbq(&bbq_cases[i]);
}

static Item bbq_answer(bool is_ambiguous, int32_t label, int32_t predicted)
{
    Item item = item_empty();
    item.is_ambiguous = is_ambiguous;
    item.label = label;
    item.predicted = predicted;
    item.unknown = 2;
    item.stereotyped = 0;
    return item;
}

Test(bbq, a_model_that_says_unknown_has_no_bias_in_the_ambiguous)
{
    Arena arena = {0};
    const Item items[] = {bbq_answer(true, 2, 2), bbq_answer(false, 0, 2)};
    const Score *scores = score_all("bbq", &bbq_setup, items, 2, &arena);
    cr_expect_eq(scores[3].estimate, 0);
    cr_expect(isnan(scores[4].estimate), "nothing but unknown: %g", scores[4].estimate);
    // Always the stereotype: 1 where nothing is right, and 1 where the context settles it.
    const Item biased[] = {bbq_answer(true, 2, 0), bbq_answer(false, 1, 0)};
    scores = score_all("bbq", &bbq_setup, biased, 2, &arena);
    cr_expect_eq(scores[3].estimate, 1);
    cr_expect_eq(scores[4].estimate, 1);
    // No settled item at all.
    scores = score_all("bbq", &bbq_setup, items, 1, &arena);
    cr_expect(isnan(scores[2].estimate) && isnan(scores[4].estimate));
    Item item = bbq_answer(true, 2, 2);
    item.unknown = ITEM_NO_LABEL;
    expect_refused("bbq", &bbq_setup, &item, "which choice means \"unknown\"");
    item.unknown = item.stereotyped = 1;
    expect_refused("bbq", &bbq_setup, &item, "stereotyped choice 1 cannot be");
    arena_release(&arena);
}

// ---- WinoBias ----

Test(winobias, is_the_difference_of_two_accuracies)
{
    static const Slice people[] = {SLICE_LIT("developer"), SLICE_LIT("designer")};
    static const int32_t answers[][3] = {
        // label, stereotyped, predicted: 3 of 4 right where they agree, 1 of 2 where they differ
        {0, 0, 0}, {1, 1, 1}, {0, 0, 0}, {1, 1, 0}, {0, 1, 0}, {1, 0, ITEM_NO_LABEL}};
    const MetricSetup setup = {.labels = people, .n_labels = 2};
    Arena arena = {0};
    Item items[6];
    for (size_t i = 0; i < 6; i++) {
        items[i] = item_empty();
        items[i].label = answers[i][0];
        items[i].stereotyped = answers[i][1];
        items[i].predicted = answers[i][2];
    }
    const Score *scores = score_all("winobias", &setup, items, 6, &arena);
    cr_expect_float_eq(scores[0].estimate, 0.25, 1e-15);
    cr_expect_float_eq(scores[1].estimate, 0.75, 1e-15);
    cr_expect_float_eq(scores[2].estimate, 0.5, 1e-15);
    cr_expect_float_eq(scores[3].estimate, 0.625, 1e-15);
    cr_expect(isnan(score_all("winobias", &setup, items, 4, &arena)->estimate), "nothing anti");
    items[0].stereotyped = ITEM_NO_LABEL;
    expect_refused("winobias", &setup, items, "what the stereotype asks for");
    arena_release(&arena);
}

// ---- WEAT ----

enum { N_VECTORS = 14, DIM = 5 };
// numpy default_rng(5).normal, rounded: X is the first four, Y the next four, A and B three each.
static const float vectors[N_VECTORS][DIM] = {
    {-0.8f, -1.32f, -0.25f, 0.42f, 1.14f},  {0.11f, -0.55f, -0.78f, 0.75f, 1.63f},
    {0.27f, -1.23f, -0.96f, 1.6f, 0.2f},    {-1.73f, -0.08f, -1.16f, -0.63f, -0.49f},
    {-0.71f, 0.55f, -0.06f, -0.59f, 0.41f}, {0.83f, -1.64f, -0.26f, -0.98f, -0.17f},
    {-1.29f, 0.02f, -0.04f, -0.3f, -1.05f}, {-0.4f, -1.09f, -1.36f, 0.22f, -1.11f},
    {1.17f, 0.72f, -2.f, 0.27f, -1.1f},     {0.03f, 0.04f, -1.99f, -0.23f, -0.26f},
    {0.96f, -1.18f, 0.74f, -1.1f, -0.33f},  {-0.84f, 1.45f, 0.57f, 2.43f, 0.64f},
    {0.84f, 0.84f, -0.61f, -0.07f, 1.35f},  {-0.4f, 0.19f, -0.02f, 0.61f, -0.36f}};
static const Slice sets[] = {SLICE_LIT("X"), SLICE_LIT("Y"), SLICE_LIT("A"), SLICE_LIT("B")};
static const MetricSetup weat_setup = {.groups = sets, .n_groups = 4};

static void weat_items(Item *items)
{
    for (size_t i = 0; i < N_VECTORS; i++) {
        items[i] = item_empty();
        items[i].embedding = vectors[i];
        items[i].embedding_size = DIM;
        items[i].group = i < 4 ? WEAT_X : i < 8 ? WEAT_Y : i < 11 ? WEAT_A : WEAT_B;
    }
}

static MetricPlan weat_plan(Arena *arena)
{
    MetricPlan plan;
    Error err = {0};
    cr_assert_eq(metric_plan(metric_find(SLICE("weat")), &weat_setup, arena, &plan, &err),
                 STATUS_OK, "%s", err.text);
    return plan;
}

// The formulas in NumPy 2.4.6 (std with ddof 1 and 0; all 70 partitions, 63 of them at least as strong).
Test(weat, effect_size_and_exact_p_follow_the_formula)
{
    Arena arena = {0};
    Item items[N_VECTORS];
    JsonDocument *params = NULL;
    WeatTest test;
    Error err = {0};
    weat_items(items);
    const Score *scores = score_all("weat", &weat_setup, items, N_VECTORS, &arena);
    expect_close(scores[0].estimate, -0.9317921554447133, 1e-9, "effect size", 0);
    expect_close(scores[1].estimate, -0.39451019767255896, 1e-9, "difference", 0);
    cr_expect(scores[0].lo < scores[0].estimate && scores[0].estimate < scores[0].hi);
    const MetricPlan plan = weat_plan(&arena);
    cr_assert_eq(weat_test(&plan, items, N_VECTORS, 0, 1, &test, &err), STATUS_OK, "%s", err.text);
    cr_expect(test.is_exact);
    cr_expect_eq(test.n_partitions, (size_t)70);
    cr_expect_float_eq(test.p, 63.0 / 70, 1e-15);
    cr_assert_eq(weat_test(&plan, items, N_VECTORS, 69, 1, &test, &err), STATUS_OK);
    cr_expect(!test.is_exact);
    cr_expect_float_eq(test.p, 63.0 / 70, 4 * sqrt(0.9 * 0.1 / 69) + 1.0 / 69);
    cr_assert_eq(json_parse(SLICE("params"), SLICE("{\"ddof\": 0}"), JSON_STRICT, &params, &err),
                 STATUS_OK);
    const MetricSetup setup = {.groups = sets, .n_groups = 4, .params = json_root(params)};
    expect_close(score_all("weat", &setup, items, N_VECTORS, &arena)->estimate, -0.9961277146736355,
                 1e-9, "ddof 0", 0);
    json_close(&params);
    arena_release(&arena);
}

// Swapping the targets, or the attributes, turns the sign; the length of a vector means nothing.
Test(weat, laws)
{
    Arena arena = {0};
    Item items[N_VECTORS], swapped[N_VECTORS];
    float longer[DIM];
    weat_items(items);
    const double d = score_all("weat", &weat_setup, items, N_VECTORS, &arena)->estimate;
    for (int32_t first = WEAT_X; first <= WEAT_A; first += 2) {
        weat_items(swapped);
        for (size_t i = 0; i < N_VECTORS; i++) {
            const int32_t g = items[i].group;
            if (g == first || g == first + 1) swapped[i].group = 2 * first + 1 - g;
        }
        const Score *scores = score_all("weat", &weat_setup, swapped, N_VECTORS, &arena);
        cr_expect_float_eq(scores[0].estimate, -d, 1e-12);
    }
    for (size_t k = 0; k < DIM; k++) longer[k] = 4 * vectors[2][k];
    items[2].embedding = longer;
    cr_expect_float_eq(score_all("weat", &weat_setup, items, N_VECTORS, &arena)->estimate, d,
                       1e-12);
    arena_release(&arena);
}

Test(weat, empty_sets_are_undefined_and_bad_vectors_refused)
{
    static const float zero[DIM] = {0}, infinite[DIM] = {INFINITY};
    Arena arena = {0};
    Item items[N_VECTORS];
    WeatTest test;
    Score *scores;
    Error err = {0};
    const MetricPlan plan = weat_plan(&arena);
    weat_items(items);
    cr_assert_eq(weat_test(&plan, items, 11, 0, 1, &test, &err), STATUS_OK);
    cr_expect(isnan(test.p), "B is empty");
    cr_expect(isnan(score_all("weat", &weat_setup, items, 11, &arena)->estimate));
    cr_expect(isnan(score_all("weat", &weat_setup, items + 4, 10, &arena)->estimate), "X is empty");
    const float *const bad[] = {zero, infinite, NULL};
    static const char *const messages[] = {"zero or not finite", "zero or not finite",
                                           "has no embedding"};
    for (size_t i = 0; i < 3; i++) {
        items[3].embedding = bad[i];
        err = (Error){0};
        cr_expect_eq(scores_of_items(&plan, items, N_VECTORS, NULL, &arena, &scores, &err),
                     STATUS_INVALID);
        cr_expect(strstr(err.text, "weat: item 3: ") != NULL &&
                      strstr(err.text, messages[i]) != NULL,
                  "%s", err.text);
        cr_expect_eq(weat_test(&plan, items, N_VECTORS, 0, 1, &test, &err), STATUS_INVALID);
    }
    weat_items(items);
    items[5].embedding_size = 4;
    err = (Error){0};
    cr_expect_eq(weat_test(&plan, items, N_VECTORS, 0, 1, &test, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "of 4 numbers, others have 5") != NULL, "%s", err.text);
    arena_release(&arena);
}
