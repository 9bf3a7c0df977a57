// What is kept beside the store: outcomes, journals, weights, the lock.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "harness/state.h"
#include "models/architecture.h"
#include "tests/support/folder.h"

static void fill(Outcome *outcome)
{
    Error err = {0};
    *outcome = (Outcome){.status = TRIAL_DONE, .best_step = 7};
    cr_assert_eq(outcome_take(outcome, 5, 3, &err), STATUS_OK);
    for (uint32_t i = 0; i < 5; i++) {
        outcome->ordinals[i] = i * 2;
        outcome->predicted[i] = (int32_t)i % 3;
        for (uint32_t c = 0; c < 3; c++) outcome->probabilities[i * 3 + c] = (float)(i + c) / 10;
    }
    const double values[5][2] = {{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, -INFINITY}};
    cr_assert_eq(outcome_put_values(outcome, values[0], 2, &err), STATUS_OK);
    for (uint64_t i = 0; i < 100; i++)
        curves_add_step(&outcome->curves, &(TrainStep){.step = i, .loss = (double)i});
    curves_add_evaluation(&outcome->curves, &(TrainEvaluation){.step = 50, .loss = NAN});
    outcome->cost.train_ns = 123;
}

Test(outcome, comes_back_from_its_file_and_is_refused_when_cut)
{
    const char *folder = folder_make();
    const char *path = folder_path(folder, "x.outcome");
    Outcome out, in;
    Error err = {0};
    fill(&out);
    cr_assert_eq(outcome_write(&out, path, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(outcome_read(path, &in, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(in.n_outputs, 5);
    cr_expect_eq(in.best_step, 7);
    cr_expect_eq(in.cost.train_ns, 123);
    cr_expect_eq(memcmp(in.probabilities, out.probabilities, 15 * sizeof(float)), 0);
    cr_expect_eq(memcmp(in.ordinals, out.ordinals, 5 * sizeof(uint32_t)), 0);
    cr_expect_eq(in.n_values, 2);
    cr_expect_eq(memcmp(in.values, out.values, 10 * sizeof(double)), 0);
    cr_expect_eq(in.curves.n_steps, 100);
    cr_expect_eq(in.curves.steps[99].loss, 99);
    cr_expect(isnan(in.curves.evaluations[0].loss));
    outcome_release(&in);
    FileStat stat;
    cr_assert_eq(file_stat(path, &stat, &err), STATUS_OK);
    for (uint64_t size = 0; size < stat.size_bytes; size += size < 40 ? 1 : 97) {
        cr_assert_eq(outcome_write(&out, path, &err), STATUS_OK);
        cr_assert_eq(truncate(path, (off_t)size), 0);
        cr_expect_eq(outcome_read(path, &in, &err), STATUS_INVALID, "%llu bytes",
                     (unsigned long long)size);
        err = (Error){0};
    }
    outcome_release(&out);
    folder_remove(folder);
}

Test(journal, goes_on_after_a_torn_record_and_a_repeated_step)
{
    const char *folder = folder_make();
    const Slice id = SLICE("t");
    Curves curves = {0};
    Journal *journal = NULL;
    Error err = {0};
    cr_assert_eq(journal_open(folder, id, &curves, &journal, &err), STATUS_OK, "%s", err.text);
    for (uint64_t i = 0; i < 10; i++) journal_add_step(journal, &(TrainStep){.step = i, .loss = 1});
    journal_add_evaluation(journal, &(TrainEvaluation){.step = 5, .loss = 2});
    cr_expect_eq(journal_status(journal, &err), STATUS_OK);
    journal_close(&journal);
    const char *path = folder_path(folder, "t.curves");
    FileStat stat;
    cr_assert_eq(file_stat(path, &stat, &err), STATUS_OK);
    cr_assert_eq(truncate(path, (off_t)stat.size_bytes - 3), 0);

    cr_assert_eq(journal_open(folder, id, &curves, &journal, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(curves.n_steps, 10);
    cr_expect_eq(curves.n_evaluations, 0, "the torn one");
    const TrainStep again = {.step = 8, .loss = 3};
    journal_add_step(journal, &again);
    curves_add_step(&curves, &again);
    cr_expect_eq(curves.n_steps, 9, "steps from a later checkpoint on are made again");
    journal_close(&journal);
    curves_release(&curves);

    cr_assert_eq(journal_open(folder, id, &curves, &journal, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(curves.n_steps, 9);
    cr_expect_eq(curves.steps[8].loss, 3);
    journal_close(&journal);
    curves_release(&curves);
    folder_remove(folder);
}

static Model *tiny_model(uint64_t seed)
{
    static const Slice labels[] = {SLICE_LIT("no"), SLICE_LIT("yes")};
    const ModelConfig config = {.architecture = architecture_find(SLICE("bert")),
                                .head = HEAD_SEQUENCE,
                                .vocab_size = 20,
                                .hidden_size = 16,
                                .n_layers = 1,
                                .n_heads = 2,
                                .intermediate_size = 32,
                                .max_positions = 16,
                                .type_vocab_size = 2,
                                .layer_norm_eps = 1e-12f,
                                .activation = ACTIVATION_GELU,
                                .dropout = {.classifier = -1},
                                .initializer_range = 0.2f,
                                .labels = labels,
                                .n_labels = 2};
    const ModelOptions options = {.seed = seed, .without_tokenizer = 1};
    Model *model = NULL;
    Error err = {0};
    cr_assert_eq(model_create(&config, NULL, &options, &model, &err), STATUS_OK, "%s", err.text);
    return model;
}

static void logits_of(Model *model, float out[2])
{
    static const int32_t ids[] = {1, 5, 7, 2};
    const TokenSequence input = {.ids = ids, .n_tokens = 4};
    Pool *pool = NULL;
    Error err = {0};
    cr_assert_eq(pool_open(1, &pool, &err), STATUS_OK);
    cr_assert_eq(model_predict(model, pool, &input, 1, NULL, out, &err), STATUS_OK, "%s", err.text);
    pool_close(&pool);
}

Test(state, tuned_weights_come_back_bit_for_bit_or_not_at_all)
{
    const char *folder = folder_make();
    const char *path = folder_path(folder, "x.weights");
    Model *from = tiny_model(1), *to = tiny_model(2);
    float want[2], got[2];
    bool found = true;
    Error err = {0};
    cr_assert_eq(tuned_load(to, path, &found, &err), STATUS_OK);
    cr_expect_not(found, "there is no file");
    cr_assert_eq(tuned_save(from, path, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(tuned_load(to, path, &found, &err), STATUS_OK, "%s", err.text);
    cr_expect(found);
    logits_of(from, want);
    logits_of(to, got);
    cr_expect_eq(memcmp(want, got, sizeof want), 0);

    FILE *file = fopen(path, "r+b");
    cr_assert_not_null(file);
    cr_assert_eq(fseek(file, 1000, SEEK_SET), 0);
    cr_assert_eq(fputc('!', file), '!');
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(tuned_load(to, path, &found, &err), STATUS_OK, "%s", err.text);
    cr_expect_not(found, "a byte was flipped");
    model_close(&from);
    model_close(&to);
    folder_remove(folder);
}

Test(state, belongs_to_one_run_and_is_cleared_of_torn_files)
{
    const char *folder = folder_make();
    char store[4096];
    StateDirectory first, second;
    Error err = {0};
    snprintf(store, sizeof store, "%s/a.db", folder);
    cr_assert_eq(state_open(store, &first, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(state_open(store, &second, &err), STATUS_IO);
    cr_expect_not_null(strstr(err.text, "another assay run"), "%s", err.text);
    state_close(&first, true);
    cr_expect_not(file_exists(folder_path(folder, "a.db.state")));
    err = (Error){0};
    cr_expect_eq(state_open(store, &first, &err), STATUS_OK, "%s", err.text);
    const char *torn = folder_path(folder, "a.db.state/t.checkpoint.12-0.tmp");
    const char *whole = folder_path(folder, "a.db.state/t.checkpoint");
    cr_assert_eq(file_write(torn, SLICE("half"), &err), STATUS_OK);
    cr_assert_eq(file_write(whole, SLICE("whole"), &err), STATUS_OK);
    state_close(&first, false);
    cr_expect_eq(state_open(store, &first, &err), STATUS_OK, "%s", err.text);
    cr_expect_not(file_exists(torn), "a killed process's half-written file is left");
    cr_expect(file_exists(whole));
    state_close(&first, true);
    folder_remove(folder);
}
