// Pairwise comparisons: win rates by hand, Bradley-Terry against choix, Elo against the update written out.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "metrics/evaluate.h"
#include "tests/metrics/golden.h"

typedef struct Game {
    int32_t first, second;
    double preference;
} Game;

static const Game games[] = {{0, 1, 1},  {0, 1, 1},   {0, 1, 0}, {0, 2, 0.5}, {1, 2, 1},
                             {1, 2, 0},  {2, 0, 1},   {2, 3, 1}, {3, 1, 1},   {3, 0, 0},
                             {0, 3, .5}, {2, 3, 0.5}, {1, 3, 1}};
enum { N_GAMES = sizeof games / sizeof *games, N_SYSTEMS = 4, MAX_SCORES = 8 };

static void make_items(const Game *from, size_t n, Item *items)
{
    for (size_t i = 0; i < n; i++) {
        items[i] = item_empty();
        items[i].first_system = from[i].first;
        items[i].second_system = from[i].second;
        items[i].preference = from[i].preference;
    }
}

static void score_items(const char *metric, const char *params, const Item *items, size_t n,
                        double *out)
{
    TestPlan plan;
    Score *scores;
    Error err = {0};
    const IntervalOptions options = {.method = INTERVAL_NONE};
    plan_open(&plan, metric, params, N_SYSTEMS);
    cr_assert_eq(scores_of_items(&plan.plan, items, n, &options, &plan.arena, &scores, &err),
                 STATUS_OK, "%s", err.text);
    for (size_t i = 0; i < plan.plan.n_scores; i++) out[i] = scores[i].estimate;
    plan_release(&plan);
}

static void score_games(const char *metric, const char *params, const Game *from, size_t n,
                        double *out)
{
    Item items[32];
    make_items(from, n, items);
    score_items(metric, params, items, n, out);
}

Test(win_rate, ties_count_half_or_not_at_all)
{
    double got[MAX_SCORES];
    score_games("win_rate", NULL, games, N_GAMES, got);
    cr_expect_float_eq(got[0], 4.0 / 7, 1e-15); // 0: won 3 of 5, tied 2
    cr_expect_eq(got[1], got[0]);
    cr_expect_float_eq(got[3], 4.0 / 6, 1e-15); // 2: won 3, lost 1, tied 2
    cr_expect_float_eq(got[5], 3.0 / 13, 1e-15);
    score_games("win_rate", "{\"system\": \"2\", \"ties\": \"drop\"}", games, N_GAMES, got);
    cr_expect_float_eq(got[0], 3.0 / 4, 1e-15);
    score_games("win_rate", "{\"system\": \"3\"}", games, 3, got);
    cr_expect(isnan(got[0]), "system 3 has not played: %g", got[0]);
}

// choix 0.4.1: mm_pairwise(4, data, max_iter=100000, tol=1e-14), a win twice in data, a tie once each way.
static const double strengths[] = {0.2075698116397602, -0.20756981163974625, 0.5310999997498203,
                                   -0.5310999997498342};

Test(bradley_terry, strengths_agree_with_choix)
{
    double got[MAX_SCORES];
    score_games("bradley_terry", "{\"scale\": \"logit\", \"system\": \"2\"}", games, N_GAMES, got);
    for (size_t s = 0; s < N_SYSTEMS; s++) {
        expect_close(got[1 + s], strengths[s], 1e-9, "strength", s);
    }
    cr_expect_eq(got[0], got[3]);
    score_games("bradley_terry", NULL, games, N_GAMES, got);
    for (size_t s = 0; s < N_SYSTEMS; s++) {
        expect_close(got[1 + s], 1000 + 400 / log(10) * strengths[s], 1e-9, "rating", s);
    }
}

// Two systems: the odds are wins over losses.
Test(bradley_terry, two_systems_have_their_odds)
{
    const Game three_to_one[] = {{0, 1, 1}, {1, 0, 0}, {0, 1, 1}, {0, 1, 0}};
    double got[MAX_SCORES];
    score_games("bradley_terry", "{\"scale\": \"logit\"}", three_to_one, 4, got);
    cr_expect_float_eq(got[1] - got[2], log(3), 1e-12);
    cr_expect(isnan(got[3]) && isnan(got[4]), "systems without comparisons have no strength");
}

Test(bradley_terry, a_system_that_never_loses_has_no_strength)
{
    const Game always[] = {{0, 1, 1}, {0, 1, 1}, {1, 0, 0}};
    double got[MAX_SCORES];
    score_games("bradley_terry", NULL, always, 3, got);
    cr_expect(isnan(got[0]) && isnan(got[1]) && isnan(got[2]));
    // Two drawn comparisons on top: 4 wins of 5.
    score_games("bradley_terry", "{\"scale\": \"logit\", \"prior\": 2}", always, 3, got);
    cr_expect_float_eq(got[1] - got[2], log(4), 1e-12);
    const Game apart[] = {{0, 1, 1}, {0, 1, 0}, {2, 3, 1}, {2, 3, 0}}; // two pairs that never met
    score_games("bradley_terry", NULL, apart, 4, got);
    cr_expect(isnan(got[0]));
}

static double strength_at(uint32_t system)
{
    return 0.5 * system;
}

// Comparisons drawn from known strengths: each is within four standard errors, and intervals hold the estimate.
Test(bradley_terry, finds_the_strengths_that_made_the_data)
{
    enum { N = 2000 };
    static Item items[N];
    Philox rng = philox_stream(9, 0);
    for (size_t i = 0; i < N; i++) {
        const uint32_t a = (uint32_t)philox_below(&rng, N_SYSTEMS);
        const uint32_t b = (a + 1 + (uint32_t)philox_below(&rng, N_SYSTEMS - 1)) % N_SYSTEMS;
        const double p = 1 / (1 + exp(strength_at(b) - strength_at(a)));
        const Game game = {(int32_t)a, (int32_t)b, philox_double(&rng) < p};
        make_items(&game, 1, &items[i]);
    }
    TestPlan plan;
    Score *scores;
    Error err = {0};
    const IntervalOptions options = {.n_resamples = 200, .seed = 3};
    plan_open(&plan, "bradley_terry", "{\"scale\": \"logit\"}", N_SYSTEMS);
    cr_assert_eq(scores_of_items(&plan.plan, items, N, &options, &plan.arena, &scores, &err),
                 STATUS_OK, "%s", err.text);
    for (uint32_t s = 0; s < N_SYSTEMS; s++) {
        const Score *score = &scores[1 + s];
        const double truth = strength_at(s) - strength_at(3) / 2;
        cr_expect(fabs(score->estimate - truth) < 4 * score->standard_error, "%u: %g", s,
                  score->estimate);
        cr_expect(score->lo < score->estimate && score->estimate < score->hi);
    }
    plan_release(&plan);
}

// 1000 for all, k 32, the update written out in Python 3.11.
static const double ratings[] = {1009.8075568128885, 988.468476711641, 1030.4663555683048,
                                 971.2576109071656};

Test(elo, ratings_follow_the_update)
{
    double got[MAX_SCORES] = {0};
    score_games("elo", NULL, games, N_GAMES, got);
    for (size_t s = 0; s < N_SYSTEMS; s++) expect_close(got[1 + s], ratings[s], 1e-12, "rating", s);
    cr_expect_eq(got[0], got[1]);
    score_games("elo", "{\"k\": 4, \"initial\": 1500, \"system\": \"1\"}", games, 1, got);
    cr_expect_float_eq(got[0], 1498, 1e-12);
    cr_expect(isnan(got[3]), "not seen: no rating");
}

Test(preference, a_weight_is_as_good_as_copies)
{
    static const char *const names[] = {"win_rate", "bradley_terry", "elo"};
    for (size_t m = 0; m < 3; m++) {
        Item items[N_GAMES], copies[2 * N_GAMES];
        double weighted[MAX_SCORES], copied[MAX_SCORES];
        make_items(games, N_GAMES, items);
        for (size_t i = 0; i < N_GAMES; i++) {
            copies[2 * i] = copies[2 * i + 1] = items[i];
            items[i].weight = 2;
        }
        score_items(names[m], NULL, items, N_GAMES, weighted);
        score_items(names[m], NULL, copies, sizeof copies / sizeof *copies, copied);
        for (size_t s = 0; s <= N_SYSTEMS; s++) {
            expect_close(weighted[s], copied[s], 1e-12, names[m], s);
        }
    }
}

Test(preference, bad_comparisons_are_refused_by_number)
{
    static const struct {
        Game game;
        const char *message;
    } cases[] = {{{1, 1, 1}, "item 0: compares 1 with itself"},
                 {{0, 9, 1}, "second system 9 is none of the 4 systems"},
                 {{-1, 1, 1}, "has no first system"},
                 {{0, 1, 0.7}, "preference 0.7"},
                 {{0, 1, NAN}, "preference nan"}};
    static const char *const names[] = {"win_rate", "bradley_terry", "elo"};
    for (size_t m = 0; m < 3; m++) {
        TestPlan plan;
        plan_open(&plan, names[m], NULL, N_SYSTEMS);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            Item item;
            RowSet rows;
            Error err = {0};
            make_items(&cases[i].game, 1, &item);
            cr_expect_eq(rows_of_items(&plan.plan, &item, 1, NULL, &plan.arena, &rows, &err),
                         STATUS_INVALID);
            cr_expect(strstr(err.text, cases[i].message) != NULL, "%s", err.text);
        }
        plan_release(&plan);
    }
}
