// Entities and their scores against seqeval's.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "metrics/entity_rows.h"
#include "metrics/metrics_list.h"
#include "tests/metrics/golden.h"

enum { MAX_SCORES = 128 };

typedef struct Sentences {
    Item *items;
    size_t n;
} Sentences;

static Slice *copy_tags(const Json *sentence, Arena *arena, size_t *n)
{
    Slice *tags = ARENA_NEW(arena, Slice, json_len(sentence) + 1);
    *n = 0;
    for (const Json *t = json_first(sentence); t != NULL; t = json_next(t)) {
        tags[(*n)++] = json_string(t);
    }
    return tags;
}

static Sentences read_sentences(const Json *record, Arena *arena)
{
    const Json *gold = json_get(record, "y_true"), *predicted = json_get(record, "y_pred");
    Sentences out = {.items = ARENA_NEW(arena, Item, json_len(gold) + 1)};
    const Json *p = json_first(predicted);
    for (const Json *g = json_first(gold); g != NULL && p != NULL;
         g = json_next(g), p = json_next(p)) {
        Item *item = &out.items[out.n++];
        *item = item_empty();
        item->tags = copy_tags(g, arena, &item->n_tags);
        item->predicted_tags = copy_tags(p, arena, &item->n_predicted_tags);
    }
    return out;
}

// A case in one mode: "{..}" as params text.
static void format_params(const Json *record, bool is_strict, int zero_division, char *out,
                          size_t size)
{
    const Json *suffix = json_get(record, "suffix");
    snprintf(out, size,
             "{\"scheme\": \"" SLICE_FMT
             "\", \"mode\": \"%s\", \"suffix\": %s, \"zero_division\": %d}",
             SLICE_ARG(json_string(json_get(record, "scheme"))), is_strict ? "strict" : "default",
             suffix != NULL && json_bool(suffix) ? "true" : "false", zero_division);
}

// What a case gives: its types, rows and scores.
typedef struct Outcome {
    Arena arena;
    JsonDocument *params;
    MetricPlan plan;
    Slice *types;
    size_t n_types;
    double scores[MAX_SCORES];
} Outcome;

static Status score_case(const Sentences *sentences, const char *params, Outcome *out, Error *err)
{
    const Metric *metric = metric_find(SLICE("entity_f1"));
    TRY(json_parse(SLICE("params"), slice_from_cstr(params), JSON_STRICT, &out->params, err));
    MetricSetup setup = {.params = json_root(out->params)};
    TRY(metric->find_labels(&setup, sentences->items, sentences->n, &out->arena, &out->types,
                            &out->n_types, err));
    setup.labels = out->types;
    setup.n_labels = out->n_types;
    TRY(metric_plan(metric, &setup, &out->arena, &out->plan, err));
    cr_assert_leq(out->plan.n_scores, (size_t)MAX_SCORES);
    RowSet rows;
    TRY(rows_of_items(&out->plan, sentences->items, sentences->n, NULL, &out->arena, &rows, err));
    return estimates_of_rows(&out->plan, &rows, NULL, out->scores, err);
}

static void release_outcome(Outcome *out)
{
    json_close(&out->params);
    arena_release(&out->arena);
}

static void expect_scores(const Outcome *got, const Json *expected, size_t line)
{
    static const char *const averages[] = {"micro", "macro", "weighted"};
    static const char *const parts[] = {"precision", "recall", "f1"};
    for (size_t a = 0; a < 3; a++) {
        for (size_t p = 0; p < 3; p++) {
            expect_close(got->scores[2 + 3 * a + p],
                         golden_get(json_get(expected, averages[a]), parts[p]), 1e-9, averages[a],
                         line);
        }
    }
    expect_close(got->scores[0], golden_get(json_get(expected, "micro"), "f1"), 1e-9, "score",
                 line);
    const Json *types = json_get(expected, "types_sorted");
    if (types == NULL) return;
    cr_assert_eq(got->n_types, json_len(types), "line %zu: %zu types, want %zu", line, got->n_types,
                 json_len(types));
    for (size_t t = 0; t < got->n_types; t++) {
        cr_expect(slice_eq(got->types[t], json_string(json_at(types, t))), "line %zu: type %zu",
                  line, t);
        for (size_t p = 0; p < 3; p++) {
            const Json *values = json_get(json_get(expected, "per_type"), parts[p]);
            expect_close(got->scores[11 + 3 * t + p], golden_double(json_at(values, t)), 1e-9,
                         parts[p], line);
        }
    }
}

static void expect_zero_division(const Outcome *got, const Json *expected, size_t line)
{
    static const char *const averages[] = {"micro", "macro", "weighted"};
    for (size_t a = 0; a < 3; a++) {
        for (size_t p = 0; p < 3; p++) {
            const Json *want = json_at(json_get(expected, averages[a]), p);
            expect_close(got->scores[2 + 3 * a + p], golden_double(want), 1e-9, averages[a], line);
        }
    }
}

// The plain mode's offsets run over all sentences, each followed by one more place, with inclusive ends; the strict
// mode's entities stand by sentence.
static void expect_entities(const Sentences *sentences, const TagReading *reading, bool is_gold,
                            const Json *want, size_t line)
{
    Arena arena = {0};
    Error err = {0};
    size_t offset = 0, at = 0;
    for (size_t i = 0; i < sentences->n; i++) {
        const Item *item = &sentences->items[i];
        Entity *entities;
        size_t n;
        cr_assert_eq(entities_of_tags(reading, is_gold ? item->tags : item->predicted_tags,
                                      item->n_tags, &arena, &entities, &n, &err),
                     STATUS_OK, "%s", err.text);
        if (reading->is_strict) {
            at = 0;
            cr_expect_eq(n, json_len(json_at(want, i)), "line %zu: sentence %zu", line, i);
        }
        for (size_t e = 0; e < n; e++, at++) {
            const Json *entity = json_at(reading->is_strict ? json_at(want, i) : want, at);
            const size_t skip = reading->is_strict ? 1 : 0;
            cr_assert_not_null(entity, "line %zu: too many entities", line);
            cr_expect(slice_eq(entities[e].type, json_string(json_at(entity, skip))));
            const double begin = golden_double(json_at(entity, skip + 1));
            const double end = golden_double(json_at(entity, skip + 2));
            cr_expect_eq((double)(offset + entities[e].begin), begin, "line %zu: begin", line);
            cr_expect_eq((double)(offset + entities[e].end), end + (reading->is_strict ? 0 : 1),
                         "line %zu: end", line);
        }
        if (!reading->is_strict) offset += item->n_tags + 1;
    }
    if (!reading->is_strict) cr_expect_eq(at, json_len(want), "line %zu: entities", line);
    arena_release(&arena);
}

static TagReading reading_of(const Json *record, bool is_strict)
{
    TagReading reading = {.is_strict = is_strict};
    const Json *suffix = json_get(record, "suffix");
    reading.is_suffixed = suffix != NULL && json_bool(suffix);
    const Slice name = json_string(json_get(record, "scheme"));
    for (size_t s = 0; s < N_TAG_SCHEMES; s++) {
        if (slice_eq_cstr(name, tag_schemes[s])) reading.scheme = (TagScheme)s;
    }
    return reading;
}

static void expect_case(const Json *record, const Json *mode, bool is_strict, size_t line)
{
    const Json *expected = json_get(mode, "expected");
    const Json *accuracy = json_get(json_get(expected, "accuracy"), "expected");
    char params[128];
    Arena arena = {0};
    const Sentences sentences = read_sentences(record, &arena);
    Outcome got = {0}, ones = {0};
    Error err = {0};
    format_params(record, is_strict, 0, params, sizeof params);
    cr_assert_eq(score_case(&sentences, params, &got, &err), STATUS_OK, "line %zu: %s", line,
                 err.text);
    expect_scores(&got, expected, line);
    if (accuracy != NULL) {
        expect_close(got.scores[1], golden_double(accuracy), 1e-9, "accuracy", line);
    }
    const TagReading reading = reading_of(record, is_strict);
    expect_entities(&sentences, &reading, true, json_get(expected, "entities_true"), line);
    expect_entities(&sentences, &reading, false, json_get(expected, "entities_pred"), line);
    format_params(record, is_strict, 1, params, sizeof params);
    cr_assert_eq(score_case(&sentences, params, &ones, &err), STATUS_OK);
    const Json *division = json_get(expected, "zero_division_1");
    if (division != NULL) expect_zero_division(&ones, division, line);
    release_outcome(&got);
    release_outcome(&ones);
    arena_release(&arena);
}

// Cases whose numbers of sentences differ, or that have none, never come to be rows: their reader refuses them.
static void expect_refusal(const Json *record, bool is_strict, size_t line)
{
    Arena arena = {0};
    const Sentences sentences = read_sentences(record, &arena);
    const size_t n_gold = json_len(json_get(record, "y_true"));
    if (n_gold > 0 && n_gold == json_len(json_get(record, "y_pred"))) {
        char params[128];
        Outcome got = {0};
        Error err = {0};
        format_params(record, is_strict, 0, params, sizeof params);
        cr_expect_eq(score_case(&sentences, params, &got, &err), STATUS_INVALID, "line %zu", line);
        cr_expect(strstr(err.text, "item 0") != NULL, "%s", err.text);
        release_outcome(&got);
    }
    arena_release(&arena);
}

Test(entity_f1, scores_and_entities_agree_with_seqeval)
{
    static const char *const modes[] = {"default", "strict"};
    Golden golden = golden_open("seqeval/seqeval.jsonl");
    size_t n_cases = 0, n_refused = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        for (size_t m = 0; m < 2; m++) {
            const Json *mode = json_get(json_get(r, "modes"), modes[m]);
            if (mode == NULL) continue;
            if (json_get(mode, "error") != NULL) {
                expect_refusal(r, m == 1, golden.line);
                n_refused++;
                continue;
            }
            expect_case(r, mode, m == 1, golden.line);
            n_cases++;
        }
    }
    golden_close(&golden);
    cr_expect_gt(n_cases, (size_t)200);
    cr_expect_gt(n_refused, (size_t)10);
}

Test(entity_f1, a_scheme_that_does_not_fit_names_one_that_does)
{
    static const Slice gold[] = {SLICE_LIT("B-PER"), SLICE_LIT("E-PER"), SLICE_LIT("S-LOC")};
    Item item = item_empty();
    item.tags = item.predicted_tags = gold;
    item.n_tags = item.n_predicted_tags = 3;
    const Sentences sentences = {&item, 1};
    Outcome got = {0};
    Error err = {0};
    cr_expect_eq(score_case(&sentences, "{\"mode\": \"strict\"}", &got, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "item 0: token 1: tag \"E-PER\" is not of scheme IOB2") != NULL,
              "%s", err.text);
    cr_expect(strstr(err.text, "IOBES would fit") != NULL, "%s", err.text);
    release_outcome(&got);
}

Test(entity_f1, a_type_that_was_not_announced_is_refused)
{
    static const Slice gold[] = {SLICE_LIT("B-PER")}, known[] = {SLICE_LIT("LOC")};
    Item item = item_empty();
    item.tags = item.predicted_tags = gold;
    item.n_tags = item.n_predicted_tags = 1;
    const MetricSetup setup = {.labels = known, .n_labels = 1};
    Arena arena = {0};
    MetricPlan plan;
    RowSet rows;
    Error err = {0};
    cr_assert_eq(metric_plan(metric_find(SLICE("entity_f1")), &setup, &arena, &plan, &err),
                 STATUS_OK);
    cr_expect_eq(rows_of_items(&plan, &item, 1, NULL, &arena, &rows, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "item 0: entity type \"PER\" is none of the 1 known") != NULL, "%s",
              err.text);
    arena_release(&arena);
}

// Tags that were numbered before, end to end, are read as those that were not.
static void expect_same_numbered(const EntityReading *wanted, const TagReading *reading,
                                 const Item *items, size_t n, Arena *arena)
{
    enum { MOST_TAGS = 1000 };
    static uint8_t sides[2][MOST_TAGS];
    TagNumbers numbers = {.sides = {sides[0], sides[1]}};
    EntityReading read;
    Error err = {0};
    cr_assert_eq(tag_table_new(*reading, arena, &numbers.table, &err), STATUS_OK);
    for (size_t i = 0, at = 0; i < n; at += items[i++].n_tags + 1) {
        cr_assert(at + items[i].n_tags < MOST_TAGS);
        sides[0][at + items[i].n_tags] = sides[1][at + items[i].n_tags] = TAG_BETWEEN;
        cr_assert(tag_table_numbers(numbers.table, items[i].tags, items[i].n_tags, sides[0] + at));
        cr_assert(tag_table_numbers(numbers.table, items[i].predicted_tags, items[i].n_tags,
                                    sides[1] + at));
    }
    cr_assert_eq(
        entity_read(wanted->plan.setup.params, reading, items, n, &numbers, arena, &read, &err),
        STATUS_OK, "%s", err.text);
    cr_assert_eq(read.plan.width, wanted->plan.width);
    cr_assert(memcmp(read.sums, wanted->sums, read.plan.width * sizeof *read.sums) == 0);
}

// Sentences with odd tags; what entity_read reads in one pass is what find_labels and row find one by one.
Test(entity_f1, reads_tags_at_once_as_it_reads_them_one_by_one)
{
    static const char *const tags[] = {"O",     "B-PER", "I-PER", "E-PER", "S-PER",      "L-LOC",
                                       "U-LOC", "B-LOC", "I-LOC", "B",     "I",          "B-a-b",
                                       "I-a-b", "O-X",   ".",     "PER",   "B-\xC3\x89", "-"};
    enum { N = 30, LONGEST = 300, N_ODD = sizeof tags / sizeof *tags, N_STRICT = 3 };
    static Slice sides[2][N][LONGEST];
    unsigned state = 11;
    for (size_t round = 0; round < 40; round++) {
        const bool is_strict = round % 2 == 1;
        const size_t n_tags = is_strict ? N_STRICT : N_ODD;
        const TagReading reading = {.scheme = SCHEME_IOB2, .is_strict = is_strict};
        TestPlan test;
        Item items[N];
        for (size_t i = 0; i < N; i++) {
            state = state * 1664525u + 1013904223u;
            const size_t n = i == 3 ? LONGEST : (state >> 16) % 20;
            for (size_t k = 0; k < 2 * n; k++) {
                state = state * 1664525u + 1013904223u;
                sides[k % 2][i][k / 2] = slice_from_cstr(tags[(state >> 16) % n_tags]);
            }
            items[i] = item_empty();
            items[i].tags = sides[0][i];
            items[i].predicted_tags = sides[1][i];
            items[i].n_tags = items[i].n_predicted_tags = n;
        }
        plan_open(&test, "entity_f1", is_strict ? "{\"mode\": \"strict\"}" : NULL, 0);
        Error err = {0};
        MetricPlan slow;
        EntityReading read;
        RowSet rows, wanted;
        MetricSetup setup = {.params = test.plan.setup.params};
        Slice *labels;
        cr_assert_eq(entity_read(setup.params, &reading, items, N, NULL, &test.arena, &read, &err),
                     STATUS_OK, "%s", err.text);
        cr_assert_eq(entity_rows(&read, &test.arena, &rows, &err), STATUS_OK);
        expect_same_numbered(&read, &reading, items, N, &test.arena);
        cr_assert_eq(metric_entity_f1.find_labels(&setup, items, N, &test.arena, &labels,
                                                  &setup.n_labels, &err),
                     STATUS_OK);
        setup.labels = labels;
        cr_assert_eq(metric_plan(&metric_entity_f1, &setup, &test.arena, &slow, &err), STATUS_OK);
        cr_assert_eq(rows_of_items(&slow, items, N, NULL, &test.arena, &wanted, &err), STATUS_OK);
        cr_assert_eq(read.plan.width, slow.width);
        for (size_t t = 0; t < setup.n_labels; t++) {
            cr_assert(slice_eq(read.plan.setup.labels[t], labels[t]), "type %zu", t);
        }
        double sums[64] = {0};
        cr_assert(slow.width <= 64);
        row_sums(&wanted, slow.width, sums);
        for (size_t k = 0; k < slow.width; k++) {
            cr_assert_eq(read.sums[k], sums[k], "round %zu, column %zu", round, k);
        }
        for (size_t k = 0; k < N * slow.width; k++) {
            cr_assert_eq(rows.values[k], wanted.values[k], "round %zu, item %zu, column %zu", round,
                         k / slow.width, k % slow.width);
        }
        plan_release(&test);
    }
}
