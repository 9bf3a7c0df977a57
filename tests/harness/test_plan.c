// Which trials are planned, what they wait for, and who wins.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "harness/identify_internal.h"
#include "harness/plan.h"
#include "harness/prepare.h"
#include "tests/harness/runs.h"
#include "tests/models/shards.h"
#include "tests/support/folder.h"

typedef struct Planned {
    const char *folder;
    Suite *suite;
    Store *store;
    Arena arena;
    SuiteIdentity identity;
    Plan plan;
} Planned;

static void make(Planned *p, const RunsSuite *suite)
{
    Error err = {0};
    *p = (Planned){.folder = runs_folder(suite)};
    p->suite = runs_load(p->folder);
    cr_assert_eq(store_open(":memory:", STORE_WRITE, &p->store, &err), STATUS_OK);
    cr_assert_eq(suite_identify(p->suite, p->store, (Device){0}, COMPUTE_F32, DTYPE_F32, &p->arena,
                                &p->identity, &err),
                 STATUS_OK, "%s", err.text);
    cr_assert_eq(plan_make(p->suite, &p->identity, &p->arena, &p->plan, &err), STATUS_OK, "%s",
                 err.text);
}

static void drop(Planned *p)
{
    store_close(&p->store);
    suite_close(&p->suite);
    arena_release(&p->arena);
    folder_remove(p->folder);
}

static size_t count(const Plan *plan, TrialRole role)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->n_trials; i++) n += plan->trials[i].spec.role == role;
    return n;
}

static void finish(Plan *plan, size_t trial, double score)
{
    Error err = {0};
    cr_assert_eq(plan_finish_trial(plan, trial, !isnan(score), score, 10, NULL, &err), STATUS_OK,
                 "%s", err.text);
}

// A trial whose model changed in any shard is another trial.
Test(plan, a_model_is_all_its_shards)
{
    static const float numbers[2][2] = {{1, 2}, {3, 4}};
    Error err = {0};
    Arena arena = {0};
    SuiteIdentity identity = {0};
    Identify id = {.arena = &arena, .out = &identity};
    Slice before = {0}, same = {0}, after = {0};
    const char *folder = folder_make(), *whole = folder_path(folder, "whole.gguf");
    cr_assert_eq(store_open(":memory:", STORE_WRITE, &id.store, &err), STATUS_OK);
    for (size_t changed = 0; changed < 2; changed++) {
        const SafeItem items[] = {
            {.name = SLICE("a"), .type = TENSOR_F32, .n_dims = 1, .shape = {2}, .data = numbers[0]},
            {.name = SLICE("b"),
             .type = TENSOR_F32,
             .n_dims = 1,
             .shape = {2},
             .data = numbers[changed]}};
        cr_assert_eq(gguf_write(whole, &(GgufBuilder){0}, items, 2, NULL, NULL, &err), STATUS_OK);
        cut_gguf(whole, folder_path(folder, "set"), "m", 2, false);
        const SuiteModel of_folder = {.name = SLICE("m"), .path = folder_path(folder, "set")};
        cr_assert_eq(identify_model(&id, &of_folder, changed ? &after : &before, &err), STATUS_OK,
                     "%s", err.text);
        const SuiteModel of_shard = {.name = SLICE("m"),
                                     .path = shard_path(of_folder.path, "m", 2, 2)};
        cr_assert_eq(identify_model(&id, &of_shard, &same, &err), STATUS_OK, "%s", err.text);
        cr_expect(slice_eq(same, changed ? after : before));
    }
    cr_expect_not(slice_eq(before, after));
    cr_expect_eq(identity.n_files, 8);
    store_close(&id.store);
    arena_release(&arena);
    folder_remove(folder);
}

typedef struct Shape {
    const char *folds, *more;
    bool has_parts;
    size_t inner, outer, single, explore, final, baseline;
} Shape;

Test(plan, has_the_trials_that_the_folds_ask_for)
{
    static const Shape cases[] = {
        {"{\"k\": 3, \"inner\": 0.2}", "", false, 6, 3, 0, 0, 0, 3},
        {"{\"k\": 3, \"inner\": 2}", "", false, 12, 3, 0, 0, 0, 3},
        {"{\"k\": 2, \"inner\": 0.2, \"explore\": true}", "", false, 4, 2, 0, 2, 0, 2},
        {"{\"k\": 2, \"inner\": 0.2, \"final\": \"out\"}", "", false, 4, 2, 0, 0, 1, 2},
        {"{\"k\": 2, \"inner\": 0.2}", ", \"repeats\": 3", false, 12, 6, 0, 0, 0, 2},
        {"{\"inner\": 0.2}", "", true, 2, 0, 1, 0, 0, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Shape *c = &cases[i];
        Planned p;
        make(&p, &(RunsSuite){.folds = c->folds, .more = c->more, .has_parts = c->has_parts});
        cr_expect_eq(count(&p.plan, TRIAL_INNER), c->inner, "case %zu", i);
        cr_expect_eq(count(&p.plan, TRIAL_OUTER), c->outer, "case %zu", i);
        cr_expect_eq(count(&p.plan, TRIAL_SINGLE), c->single, "case %zu", i);
        cr_expect_eq(count(&p.plan, TRIAL_EXPLORE), c->explore, "case %zu", i);
        cr_expect_eq(count(&p.plan, TRIAL_FINAL), c->final, "case %zu", i);
        cr_expect_eq(count(&p.plan, TRIAL_BASELINE), c->baseline, "case %zu", i);
        drop(&p);
    }
}

// One outer fold: inner trials of two settings at 0 and 1, the outer one at 2.
static int winner(double first, double second)
{
    Planned p;
    make(&p, &(RunsSuite){0});
    cr_assert_eq(p.plan.trials[2].state, PLANNED_BLOCKED);
    finish(&p.plan, 0, first);
    cr_assert_eq(p.plan.trials[2].state, PLANNED_BLOCKED, "chosen before all were judged");
    finish(&p.plan, 1, second);
    const int chosen = p.plan.trials[2].spec.setting;
    const PlannedState wanted = isnan(first) && isnan(second) ? PLANNED_DROPPED : PLANNED_READY;
    cr_expect_eq(p.plan.trials[2].state, wanted);
    cr_expect_eq(plan_tuned_trial(&p.plan, 2), chosen < 0 ? SIZE_MAX : (size_t)chosen);
    drop(&p);
    return chosen;
}

Test(plan, the_best_inner_score_wins_and_the_earlier_setting_on_ties)
{
    cr_expect_eq(winner(0.5, 0.6), 1);
    cr_expect_eq(winner(0.6, 0.5), 0);
    cr_expect_eq(winner(0.6, 0.6), 0);
    cr_expect_eq(winner(NAN, 0.1), 1);
    cr_expect_eq(winner(0.1, NAN), 0);
    cr_expect_eq(winner(NAN, NAN), -1);
}

Test(plan, the_other_settings_take_the_places_to_explore)
{
    Planned p;
    make(&p,
         &(RunsSuite){
             .tune = "{\"learning_rate\": [1e-3, 2e-3, 3e-3], \"batch_size\": 8, \"epochs\": 1}",
             .folds = "{\"k\": 2, \"inner\": 0.25, \"explore\": true}"});
    for (size_t i = 0; i < 3; i++) finish(&p.plan, i, i == 1 ? 0.9 : 0.5);
    static const int settings[] = {1, 0, 2};
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(p.plan.trials[3 + i].spec.setting, settings[i], "place %zu", i);
        cr_expect_eq(p.plan.trials[3 + i].is_chosen, i == 0, "place %zu", i);
    }
    drop(&p);
}

Test(plan, the_final_setting_is_the_best_on_average_with_the_mean_of_its_steps)
{
    Planned p;
    make(&p, &(RunsSuite){.folds = "{\"k\": 2, \"inner\": 0.25, \"final\": \"out\"}"});
    static const double scores[] = {0.9, 0.8, 0, 0.4,
                                    0.8}; // 0 wins fold 0, 1 wins fold 1 and on average
    for (size_t i = 0; i < 5; i++) {
        if (p.plan.trials[i].spec.role == TRIAL_INNER) finish(&p.plan, i, scores[i]);
    }
    const size_t last = 6;
    cr_assert_eq(p.plan.trials[last].spec.role, TRIAL_FINAL);
    cr_expect_eq(p.plan.trials[last].spec.setting, 1);
    cr_expect_eq(plan_refit_steps(&p.plan, last), 10);
    drop(&p);
}

Test(plan, only_settings_that_may_still_win_keep_their_weights)
{
    Planned p;
    make(&p,
         &(RunsSuite){
             .tune = "{\"learning_rate\": [1e-3, 2e-3, 3e-3], \"batch_size\": 8, \"epochs\": 1}"});
    finish(&p.plan, 0, 0.5);
    cr_expect(plan_may_win(&p.plan, 0, 0));
    finish(&p.plan, 1, 0.6);
    cr_expect_not(plan_may_win(&p.plan, 0, 0));
    cr_expect(plan_may_win(&p.plan, 0, 1));
    cr_expect(plan_may_win(&p.plan, 0, 2), "it was not judged yet");
    finish(&p.plan, 2, 0.6);
    cr_expect_not(plan_may_win(&p.plan, 0, 2));
    finish(&p.plan, 3, 0.6);
    cr_expect_not(plan_may_win(&p.plan, 0, 1), "its outer trial is over");
    drop(&p);
}

#define TINY(name)                                                                                     \
    "{\"name\": \"" name                                                                               \
    "\", \"create\": {\"architecture\": \"bert\", \"hidden_size\": 16, \"n_layers\": 1, "              \
    "\"n_heads\": 2, \"intermediate_size\": 32, \"max_positions\": 24, \"tokenizer\": \"wordpiece\", " \
    "\"vocab_size\": 120}}"

Test(plan, two_names_for_one_model_share_their_trials)
{
    Planned p;
    make(&p, &(RunsSuite){.models = "[" TINY("one") ", " TINY("two") "]"});
    const size_t half = 6; // 2 folds x (2 inner, 1 outer)
    p.plan.trials[0].state = PLANNED_RUNNING;
    p.plan.trials[1].state = PLANNED_RUNNING;
    cr_expect_eq(plan_next(&p.plan), 3, "fold 1: the twins of what runs wait");
    finish(&p.plan, 0, 0.5);
    finish(&p.plan, 1, 0.6);
    cr_expect_eq(p.plan.trials[half].state, PLANNED_DONE);
    cr_expect_eq(p.plan.trials[half + 1].score, 0.6);
    cr_expect_eq(p.plan.trials[half + 2].spec.setting, 1, "its choice was made too");
    drop(&p);
}

Test(trial, the_id_follows_what_changes_the_outcome_and_nothing_else)
{
    static const char *const changes[] = {
        ", \"seed\": 3",
        ", \"limit\": 30",
    };
    Planned base, other;
    make(&base, &(RunsSuite){0});
    make(&other, &(RunsSuite){.models = "[{\"name\": \"renamed\", \"create\": {\"architecture\": "
                                        "\"bert\", \"hidden_size\": 16, \"n_layers\": 1, "
                                        "\"n_heads\": 2, \"intermediate_size\": 32, "
                                        "\"max_positions\": 24, \"tokenizer\": \"wordpiece\", "
                                        "\"vocab_size\": 120}}]"});
    cr_expect(slice_eq(base.plan.trials[0].id, other.plan.trials[0].id), "name and folder count");
    drop(&other);
    for (size_t i = 1; i < sizeof changes / sizeof *changes; i++) {
        make(&other, &(RunsSuite){.more = changes[i]});
        cr_expect_not(slice_eq(base.plan.trials[0].id, other.plan.trials[0].id), "%s", changes[i]);
        drop(&other);
    }
    make(&other, &(RunsSuite){.train = runs_sentences(60, 9)});
    cr_expect_not(slice_eq(base.plan.trials[0].id, other.plan.trials[0].id), "data");
    drop(&other);
    for (size_t i = 0; i < base.plan.n_trials; i++) {
        for (size_t j = 0; j < i; j++) {
            const Slice a = base.plan.trials[i].id, b = base.plan.trials[j].id;
            cr_expect(a.len == 0 || !slice_eq(a, b), "trials %zu and %zu share an id", j, i);
        }
    }
    drop(&base);
}
