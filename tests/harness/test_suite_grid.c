// The grid of a tune block, and the text that stands for a setting.
#include <criterion/criterion.h>
#include <string.h>

#include "tests/harness/suites.h"
#include "tests/support/folder.h"

Test(suite, arrays_at_any_depth_are_axes_and_the_first_key_varies_slowest)
{
    const char *folder = suites_folder(suites_with_tune(
        "{\"batch_size\": [16, 32], \"early_stopping\": [false, {\"patience\": [1, 3], \"monitor\": \"primary\"}],"
        "\"class_weights\": {\"positive\": [1, 2], \"negative\": 1}, \"warmup\": 0.1}"));
    Suite *suite = suites_load(folder, NULL);
    static const struct {
        size_t batch_size;
        TrainMonitor monitor;
        unsigned patience;
        double positive;
    } want[] = {{16, MONITOR_NONE, 0, 1},   {16, MONITOR_NONE, 0, 2},   {16, MONITOR_METRIC, 1, 1},
                {16, MONITOR_METRIC, 1, 2}, {16, MONITOR_METRIC, 3, 1}, {16, MONITOR_METRIC, 3, 2},
                {32, MONITOR_NONE, 0, 1},   {32, MONITOR_NONE, 0, 2},   {32, MONITOR_METRIC, 1, 1},
                {32, MONITOR_METRIC, 1, 2}, {32, MONITOR_METRIC, 3, 1}, {32, MONITOR_METRIC, 3, 2}};
    cr_assert_eq(suite->models[0].n_settings, 12, "%zu settings", suite->models[0].n_settings);
    for (size_t i = 0; i < 12; i++) {
        const TuneSetting *s = &suite->models[0].settings[i];
        cr_expect_eq(s->batch_size, want[i].batch_size, "setting %zu: batch %zu", i, s->batch_size);
        cr_expect_eq(s->monitor, want[i].monitor, "setting %zu", i);
        cr_expect_eq(s->patience, want[i].patience, "setting %zu: patience %u", i, s->patience);
        cr_assert_eq(s->n_class_weights, 2);
        suites_want_text(s->class_weights[1].label, "positive");
        cr_expect_float_eq(s->class_weights[1].weight, want[i].positive, 0, "setting %zu", i);
    }
    suite_close(&suite);
    folder_remove(folder);
}

Test(suite, groups_to_balance_are_an_axis)
{
    const char *folder = suites_folder(suites_with_tune(
        "{\"balance\": [false, true, {\"by\": \"gender\", \"how\": [\"resample\", \"reweight\"]}]}"));
    Suite *suite = suites_load(folder, NULL);
    static const struct {
        bool is_on;
        BalanceHow how;
        const char *by, *text;
    } want[] = {
        {false, BALANCE_RESAMPLE, NULL, "\"balance\":false"},
        {true, BALANCE_RESAMPLE, "class", "\"balance\":true"},
        {true, BALANCE_RESAMPLE, "gender", "\"balance\":{\"by\":\"gender\",\"how\":\"resample\"}"},
        {true, BALANCE_REWEIGHT, "gender", "\"balance\":{\"by\":\"gender\",\"how\":\"reweight\"}"}};
    cr_assert_eq(suite->models[0].n_settings, 4, "%zu settings", suite->models[0].n_settings);
    for (size_t i = 0; i < 4; i++) {
        const TuneSetting *s = &suite->models[0].settings[i];
        cr_expect_eq(s->balance.is_on, want[i].is_on, "setting %zu", i);
        if (want[i].by) {
            cr_expect_eq(s->balance.how, want[i].how, "setting %zu", i);
            suites_want_text(s->balance.by, want[i].by);
        }
        cr_expect_neq(slice_find(s->json, slice_from_cstr(want[i].text)), SIZE_MAX, SLICE_FMT,
                      SLICE_ARG(s->json));
    }
    suite_close(&suite);
    folder_remove(folder);
}

Test(suite, a_canonical_text_gives_its_setting_again)
{
    static const char *const tunes[] = {
        "{}",
        "{\"learning_rate\": 0.00003, \"dropout\": 0, \"warmup\": 100, \"schedule\": \"cosine-restarts\", \"cycles\": 4}",
        "{\"max_steps\": 12, \"epochs\": 9, \"max_length\": 77, \"class_weights\": \"balanced\", \"balance\": true}",
        "{\"balance\": {\"by\": \"gender,class\", \"how\": \"reweight\"}}",
        "{\"freeze\": \"embeddings,0-3\", \"class_weights\": {\"b\": 2, \"a\": 0.5}, \"layer_decay\": 0.9}",
        "{\"lora\": \"rank=8,targets=query+value\"}",
        "{\"early_stopping\": {\"monitor\": \"f1\", \"patience\": 0, \"min_delta\": 0.01}, \"clip\": 0}",
    };
    for (size_t i = 0; i < sizeof tunes / sizeof *tunes; i++) {
        Arena arena = {0};
        Error err = {0};
        TuneSetting first, again;
        cr_assert_eq(tune_setting_parse(&arena, slice_from_cstr(tunes[i]), &first, &err), STATUS_OK,
                     "%s", err.text);
        cr_assert_eq(tune_setting_parse(&arena, first.json, &again, &err), STATUS_OK, "%s",
                     err.text);
        cr_expect(slice_eq(first.json, again.json), "%.*s\n%.*s", SLICE_ARG(first.json),
                  SLICE_ARG(again.json));
        arena_release(&arena);
    }
}

Test(suite, equal_settings_have_equal_texts)
{
    Arena arena = {0};
    Error err = {0};
    TuneSetting a, b;
    cr_assert_eq(
        tune_setting_parse(&arena,
                           SLICE("{\"class_weights\": {\"x\": 1, \"y\": 2}, \"epochs\": 3.0, "
                                 "\"max_steps\": 5, \"learning_rate\": 5e-5}"),
                           &a, &err),
        STATUS_OK, "%s", err.text);
    cr_assert_eq(tune_setting_parse(&arena,
                                    SLICE("{\"learning_rate\": 0.00005, \"max_steps\": 5, "
                                          "\"class_weights\": {\"y\": 2.0, \"x\": 1}}"),
                                    &b, &err),
                 STATUS_OK, "%s", err.text);
    cr_expect(slice_eq(a.json, b.json), "%.*s\n%.*s", SLICE_ARG(a.json), SLICE_ARG(b.json));
    arena_release(&arena);
}

Test(suite, training_gets_what_the_setting_says)
{
    Arena arena = {0};
    Error err = {0};
    TuneSetting setting;
    TrainOptions options;
    const Slice labels[] = {SLICE_LIT("a"), SLICE_LIT("b"), SLICE_LIT("c")};
    const size_t counts[] = {6, 2, 0};
    cr_assert_eq(tune_setting_parse(&arena,
                                    SLICE("{\"warmup\": 0.25, \"clip\": 2, \"class_weights\": "
                                          "\"balanced\", \"lanes\": 8}"),
                                    &setting, &err),
                 STATUS_OK, "%s", err.text);
    cr_assert_eq(tune_setting_options(&setting, labels, 3, counts, &arena, &options, &err),
                 STATUS_OK, "%s", err.text);
    cr_expect_float_eq(options.warmup_ratio, 0.25, 0);
    cr_expect_float_eq(options.clip_norm, 2, 0);
    cr_expect_eq(options.n_lanes, 8);
    // 8 samples, 2 classes present: 8 / (2 * 6) and 8 / (2 * 2)
    cr_expect_float_eq(options.class_weights[0], 8.0f / 12, 1e-6);
    cr_expect_float_eq(options.class_weights[1], 2, 1e-6);
    cr_expect_float_eq(options.class_weights[2], 1, 0);
    cr_assert_eq(
        tune_setting_parse(&arena, SLICE("{\"class_weights\": {\"d\": 2}}"), &setting, &err),
        STATUS_OK);
    cr_expect_eq(tune_setting_options(&setting, labels, 3, counts, &arena, &options, &err),
                 STATUS_INVALID);
    cr_expect_not_null(strstr(err.text, "\"d\""), "%s", err.text);
    arena_release(&arena);
}
