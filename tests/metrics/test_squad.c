// SQuAD's scores against the official scripts'.
#include <criterion/criterion.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "metrics/squad.h"
#include "tests/metrics/golden.h"
#include "tests/support/shared.h"

enum { MAX_QUESTIONS = 1200, MAX_MAPS = 32, MAX_SCORES = 8 };

typedef struct Question {
    Slice id;
    Slice *answers;
    size_t n_answers;
} Question;

// A named map of the file: text or number by question.
typedef struct Entry {
    Slice id, text;
    double value;
} Entry;

typedef struct Map {
    Slice name;
    bool is_numbers;
    Entry *entries;
    size_t n;
} Map;

typedef struct Set {
    Arena arena;
    Question questions[MAX_QUESTIONS];
    size_t n_questions;
    Map maps[MAX_MAPS];
    size_t n_maps;
} Set;

static Slice copy_text(Arena *arena, const Json *value)
{
    const Slice text = json_string(value);
    return text.len > 0 ? arena_copy(arena, text) : SLICE("");
}

static void add_question(Set *set, const Json *qa)
{
    cr_assert_lt(set->n_questions, (size_t)MAX_QUESTIONS);
    Question *q = &set->questions[set->n_questions++];
    const Json *answers = json_get(qa, "answers");
    q->id = copy_text(&set->arena, json_get(qa, "id"));
    q->answers = ARENA_NEW(&set->arena, Slice, json_len(answers) + 1);
    for (const Json *a = json_first(answers); a != NULL; a = json_next(a)) {
        q->answers[q->n_answers++] = copy_text(&set->arena, json_get(a, "text"));
    }
}

static void read_questions(Set *set, const char *relative)
{
    const char *path = shared_need(relative);
    JsonDocument *document = NULL;
    Error err = {0};
    cr_assert_eq(json_load(path, JSON_STRICT, &document, &err), STATUS_OK, "%s", err.text);
    const Json *data = json_get(json_root(document), "data");
    for (const Json *article = json_first(data); article != NULL; article = json_next(article)) {
        const Json *paragraphs = json_get(article, "paragraphs");
        for (const Json *p = json_first(paragraphs); p != NULL; p = json_next(p)) {
            const Json *qas = json_get(p, "qas");
            for (const Json *q = json_first(qas); q != NULL; q = json_next(q)) {
                add_question(set, q);
            }
        }
    }
    json_close(&document);
}

static void add_map(Set *set, const Json *record, bool is_numbers)
{
    cr_assert_lt(set->n_maps, (size_t)MAX_MAPS);
    Map *map = &set->maps[set->n_maps++];
    const Json *values = json_get(record, "values");
    map->name = copy_text(&set->arena, json_get(record, "name"));
    map->is_numbers = is_numbers;
    map->entries = ARENA_NEW(&set->arena, Entry, json_len(values) + 1);
    for (const Json *v = json_first(values); v != NULL; v = json_next(v)) {
        Entry *e = &map->entries[map->n++];
        e->id = arena_copy(&set->arena, json_key(v));
        if (is_numbers) {
            e->value = golden_double(v);
        } else {
            e->text = copy_text(&set->arena, v);
        }
    }
}

static const Map *find_map(const Set *set, const Json *name, bool is_numbers)
{
    for (size_t i = 0; i < set->n_maps; i++) {
        const Map *m = &set->maps[i];
        if (m->is_numbers == is_numbers && slice_eq(m->name, json_string(name))) return m;
    }
    cr_assert_fail("no map " SLICE_FMT, SLICE_ARG(json_string(name)));
    return NULL;
}

// *at is where the search begins, since maps mostly go in the order of the questions.
static const Entry *find_entry(const Map *map, Slice id, size_t *at)
{
    for (size_t i = 0; i < map->n; i++) {
        const Entry *e = &map->entries[(*at + i) % map->n];
        if (!slice_eq(e->id, id)) continue;
        *at = (*at + i + 1) % map->n;
        return e;
    }
    return NULL;
}

static const Question *find_question(const Set *set, Slice id, size_t *at)
{
    for (size_t i = 0; i < set->n_questions; i++) {
        const size_t q = (*at + i) % set->n_questions;
        if (!slice_eq(set->questions[q].id, id)) continue;
        *at = (q + 1) % set->n_questions;
        return &set->questions[q];
    }
    return NULL;
}

static Item item_of(const Question *q, Slice hypothesis, double probability)
{
    Item item = item_empty();
    item.hypothesis = hypothesis;
    item.references = q->answers;
    item.n_references = q->n_answers;
    item.predicted_value = probability;
    return item;
}

// Scores over the questions in the order of the data; a missing prediction counts 0.
static void score_set(const Set *set, const char *metric, const char *params,
                      const Map *predictions, const Map *probabilities, double *scores,
                      const Json *per_question)
{
    TestPlan plan;
    plan_open(&plan, metric, params, 0);
    RowTable table;
    row_table_init(&table, &plan.plan);
    size_t at = 0, at_probability = 0;
    Error err = {0};
    for (size_t i = 0; i < set->n_questions; i++) {
        const Question *q = &set->questions[i];
        const Entry *prediction = find_entry(predictions, q->id, &at);
        if (prediction == NULL) {
            static const double wrong[4] = {0, 1, 0, 1};
            cr_assert_eq(row_table_add_values(&table, wrong, 1, (Slice){0}, &err), STATUS_OK);
        } else {
            const double p = probabilities != NULL
                                 ? find_entry(probabilities, q->id, &at_probability)->value
                                 : 0;
            const Item item = item_of(q, prediction->text, p);
            cr_assert_eq(row_table_add(&table, &item, &err), STATUS_OK, "%s", err.text);
        }
        const Json *want =
            per_question != NULL ? json_get(per_question, arena_cstr(&plan.arena, q->id)) : NULL;
        if (want != NULL) {
            expect_close(table.values[4 * i], golden_double(want), 1e-9, metric, i);
        }
    }
    const RowSet rows = row_table_rows(&table);
    cr_assert_eq(estimates_of_rows(&plan.plan, &rows, NULL, scores, &err), STATUS_OK, "%s",
                 err.text);
    row_table_release(&table);
    plan_release(&plan);
}

// A key of the script's result, in percent, against a share; keys that the script left out are to be undefined here.
static void expect_percent(const Json *expected, const char *key, double got, size_t line)
{
    const Json *want = json_get(expected, key);
    if (want == NULL) {
        cr_expect(isnan(got), "line %zu: %s: got %g", line, key, got);
    } else {
        expect_close(100 * got, golden_double(want), 1e-9, key, line);
    }
}

Test(squad, version_1_agrees_with_the_script)
{
    static Set set;
    read_questions(&set, "goldens/metrics/squad/dev_v1_subset.json");
    Golden golden = golden_open("squad/squad_v1.jsonl");
    static const char params[] = "{\"version\": \"1.1\"}";
    size_t n_results = 0;
    double scores[MAX_SCORES];
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Slice kind = json_string(json_get(r, "kind"));
        if (slice_eq_cstr(kind, "predictions")) add_map(&set, r, false);
        if (!slice_eq_cstr(kind, "result")) continue;
        const Map *predictions = find_map(&set, json_get(r, "predictions"), false);
        const Json *expected = json_get(r, "expected");
        score_set(&set, "squad_exact", params, predictions, NULL, scores, NULL);
        expect_percent(expected, "exact_match", scores[0], golden.line);
        score_set(&set, "squad_f1", params, predictions, NULL, scores, NULL);
        expect_percent(expected, "f1", scores[0], golden.line);
        n_results++;
    }
    golden_close(&golden);
    arena_release(&set.arena);
    cr_expect_gt(n_results, (size_t)3);
}

// The sweep in the order of the file of probabilities, as the script goes through it.
static void expect_best(const Set *set, const Map *predictions, const Map *probabilities,
                        const Json *expected, size_t line)
{
    TestPlan plan;
    plan_open(&plan, "squad_best_f1", NULL, 0);
    RowTable table;
    row_table_init(&table, &plan.plan);
    size_t at = 0, at_question = 0;
    Error err = {0};
    for (size_t i = 0; i < probabilities->n; i++) {
        const Entry *e = &probabilities->entries[i];
        const Question *q = find_question(set, e->id, &at_question);
        const Item item = item_of(q, find_entry(predictions, e->id, &at)->text, e->value);
        cr_assert_eq(row_table_add(&table, &item, &err), STATUS_OK, "%s", err.text);
    }
    const RowSet rows = row_table_rows(&table);
    double scores[MAX_SCORES];
    cr_assert_eq(estimates_of_rows(&plan.plan, &rows, NULL, scores, &err), STATUS_OK, "%s",
                 err.text);
    expect_percent(expected, "best_f1", scores[0], line);
    expect_close(scores[1], golden_get(expected, "best_f1_thresh"), 1e-12, "f1 threshold", line);
    expect_percent(expected, "best_exact", scores[2], line);
    expect_close(scores[3], golden_get(expected, "best_exact_thresh"), 1e-12, "exact threshold",
                 line);
    expect_percent(expected, "pr_exact_ap", scores[4], line);
    expect_percent(expected, "pr_f1_ap", scores[5], line);
    expect_percent(expected, "pr_oracle_ap", scores[6], line);
    row_table_release(&table);
    plan_release(&plan);
}

static void expect_result(const Set *set, const Json *r, size_t line)
{
    const Json *na = json_get(r, "na_probs"), *expected = json_get(r, "expected");
    const Map *predictions = find_map(set, json_get(r, "predictions"), false);
    const bool has_probabilities = na != NULL && json_kind(na) == JSON_STRING;
    const Map *probabilities = has_probabilities ? find_map(set, na, true) : NULL;
    char params[80];
    snprintf(params, sizeof params, "{\"na_prob_thresh\": %.17g}", golden_get(r, "na_prob_thresh"));
    double scores[MAX_SCORES];
    score_set(set, "squad_exact", params, predictions, probabilities, scores, NULL);
    expect_percent(expected, "exact", scores[0], line);
    expect_percent(expected, "HasAns_exact", scores[1], line);
    expect_percent(expected, "NoAns_exact", scores[2], line);
    score_set(set, "squad_f1", params, predictions, probabilities, scores, NULL);
    expect_percent(expected, "f1", scores[0], line);
    expect_percent(expected, "HasAns_f1", scores[1], line);
    expect_percent(expected, "NoAns_f1", scores[2], line);
    if (has_probabilities) expect_best(set, predictions, probabilities, expected, line);
}

Test(squad, version_2_agrees_with_the_script)
{
    static Set set;
    read_questions(&set, "goldens/metrics/squad/dev_v2_subset.json");
    Golden golden = golden_open("squad/squad_v2.jsonl");
    size_t n_results = 0, n_per_question = 0;
    double scores[MAX_SCORES];
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Slice kind = json_string(json_get(r, "kind"));
        if (slice_eq_cstr(kind, "predictions")) add_map(&set, r, false);
        if (slice_eq_cstr(kind, "na_probs")) add_map(&set, r, true);
        if (slice_eq_cstr(kind, "per_question")) {
            const Map *predictions = find_map(&set, json_get(r, "predictions"), false);
            score_set(&set, "squad_exact", NULL, predictions, NULL, scores, json_get(r, "exact"));
            score_set(&set, "squad_f1", NULL, predictions, NULL, scores, json_get(r, "f1"));
            n_per_question++;
        }
        if (!slice_eq_cstr(kind, "result")) continue;
        expect_result(&set, r, golden.line);
        n_results++;
    }
    golden_close(&golden);
    arena_release(&set.arena);
    cr_expect_gt(n_results, (size_t)50);
    cr_expect_gt(n_per_question, (size_t)3);
}

static void expect_words(Slice text, const Json *want, Arena *arena, size_t line)
{
    Tokens words;
    Buffer joined = {0};
    Error err = {0};
    cr_assert_eq(squad_words(text, arena, &words, &err), STATUS_OK, "%s", err.text);
    for (size_t i = 0; i < words.n; i++) {
        if (i > 0) buffer_append_byte(&joined, ' ');
        buffer_append(&joined, words.items[i]);
    }
    cr_expect(slice_eq(buffer_slice(&joined), json_string(want)),
              "line %zu: got " SLICE_FMT ", want " SLICE_FMT, line,
              SLICE_ARG(buffer_slice(&joined)), SLICE_ARG(json_string(want)));
    buffer_release(&joined);
}

Test(squad, answers_are_normalised_and_compared_as_in_the_scripts)
{
    Golden golden = golden_open("squad/squad_pairs.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        Arena arena = {0};
        Slice gold = json_string(json_get(r, "gold"));
        if (gold.ptr == NULL) gold = SLICE("");
        Item item = item_empty();
        item.hypothesis = json_string(json_get(r, "pred"));
        item.references = &gold;
        item.n_references = 1;
        expect_words(item.hypothesis, json_get(r, "normalized_pred"), &arena, golden.line);
        expect_words(gold, json_get(r, "normalized_gold"), &arena, golden.line);
        static const char *const keys[] = {[SQUAD_2_0] = "v2", [SQUAD_1_1] = "v1"};
        for (size_t v = 0; v < N_SQUAD_VERSIONS; v++) {
            const Json *want = json_get(r, keys[v]);
            SquadScore score;
            Error err = {0};
            cr_assert_eq(squad_score((SquadVersion)v, &item, &arena, &score, &err), STATUS_OK);
            cr_expect_eq(score.exact, golden_get(want, "em"), "line %zu %s", golden.line, keys[v]);
            expect_close(score.f1, golden_get(want, "f1"), 1e-9, keys[v], golden.line);
        }
        arena_release(&arena);
        n_cases++;
    }
    golden_close(&golden);
    cr_expect_gt(n_cases, (size_t)400);
}

// Printing ASCII by the letter of the script: lower-case, no punctuation, no articles, words between blanks.
static void normalise_plainly(Slice text, Buffer *out)
{
    Buffer kept = {0};
    for (size_t i = 0; i < text.len; i++) {
        const char c = (char)tolower((unsigned char)text.ptr[i]);
        if (!ispunct((unsigned char)c)) buffer_append_byte(&kept, c);
    }
    const Slice all = buffer_slice(&kept);
    for (size_t begin = 0, end; begin < all.len; begin = end + 1) {
        for (end = begin; end < all.len && all.ptr[end] != ' ';) end++;
        const Slice word = slice_sub(all, begin, end);
        if (word.len == 0 || slice_eq_cstr(word, "a") || slice_eq_cstr(word, "an") ||
            slice_eq_cstr(word, "the")) {
            continue;
        }
        if (out->len > 0) buffer_append_byte(out, ' ');
        buffer_append(out, word);
    }
    buffer_release(&kept);
}

Test(squad, words_of_printing_texts_of_any_length_are_found_eight_bytes_at_a_time)
{
    static const char letters[] = "a  the an THE A.An,b~!z09@[`{ x'";
    unsigned state = 5;
    for (size_t round = 0; round < 3000; round++) {
        char text[600];
        const size_t n = round < 300 ? round : (state >> 16) % sizeof text;
        for (size_t i = 0; i < n; i++) {
            state = state * 1664525u + 1013904223u;
            text[i] = letters[(state >> 16) % (sizeof letters - 1)];
        }
        Arena arena = {0};
        Tokens words;
        Error err = {0};
        Buffer want = {0}, got = {0};
        char *copy = arena_cstr(&arena, (Slice){text, n}); // so that sanitizers see its ends
        cr_assert_eq(squad_words((Slice){copy, n}, &arena, &words, &err), STATUS_OK);
        for (size_t i = 0; i < words.n; i++) {
            if (i > 0) buffer_append_byte(&got, ' ');
            buffer_append(&got, words.items[i]);
        }
        normalise_plainly((Slice){text, n}, &want);
        cr_assert(slice_eq(buffer_slice(&got), buffer_slice(&want)), "\"%.*s\"", (int)n, text);
        buffer_release(&want);
        buffer_release(&got);
        arena_release(&arena);
    }
}

Test(squad, the_same_words_in_another_order_do_not_hide_an_exact_answer_behind_them)
{
    static const Slice references[] = {SLICE_LIT("b a2"), SLICE_LIT("A2, b!"), SLICE_LIT("c")};
    Item item = item_empty();
    item.hypothesis = SLICE("a2 b");
    item.references = references;
    item.n_references = 3;
    for (size_t v = 0; v < N_SQUAD_VERSIONS; v++) {
        Arena arena = {0};
        SquadScore score;
        Error err = {0};
        cr_assert_eq(squad_score((SquadVersion)v, &item, &arena, &score, &err), STATUS_OK);
        cr_expect_eq(score.exact, 1.0);
        cr_expect_eq(score.f1, 1.0);
        item.n_references = 1;
        cr_assert_eq(squad_score((SquadVersion)v, &item, &arena, &score, &err), STATUS_OK);
        cr_expect_eq(score.exact, 0.0);
        cr_expect_eq(score.f1, 1.0);
        item.n_references = 3;
        arena_release(&arena);
    }
}

Test(squad, bad_items_are_refused_by_number)
{
    static const Slice good[] = {SLICE_LIT("x")}, broken[] = {SLICE_LIT("ok"), SLICE_LIT("\xc3(")};
    const Item items[] = {
        {.hypothesis = SLICE("a\xff"), .references = good, .n_references = 1, .weight = 1},
        {.hypothesis = SLICE("a"), .references = broken, .n_references = 2, .weight = 1},
        {.hypothesis = SLICE("a"), .weight = 1},
        {.hypothesis = SLICE("a"), .references = good, .n_references = 1, .predicted_value = NAN},
    };
    static const char *const messages[] = {"squad_f1: item 0: hypothesis: byte 1",
                                           "squad_f1: item 0: reference 1: byte 0",
                                           "item 0: has no reference", "item 0: probability"};
    TestPlan plan;
    plan_open(&plan, "squad_f1", "{\"version\": \"1.1\"}", 0);
    RowTable table;
    row_table_init(&table, &plan.plan);
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        Error err = {0};
        cr_expect_eq(row_table_add(&table, &items[i], &err), STATUS_INVALID, "%zu", i);
        cr_expect(strstr(err.text, messages[i]) != NULL, "%s", err.text);
    }
    row_table_release(&table);
    plan_release(&plan);
}
