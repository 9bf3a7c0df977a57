// Translation: whole runs over a made-up language, from parallel files to scores.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "models/generation/search.h"
#include "tests/harness/runs.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static const char *const nouns[][2] = {{"dog", "Hund"}, {"cat", "Katze"}, {"boy", "Junge"}},
                         *const verbs[][2] = {{"sees", "sieht"}, {"hears", "h\xc3\xb6rt"}},
                         *const ends[][2] = {{"today.", "heute"}, {"now.", "jetzt"}};

// Pairs whose last word comes first in the target: "dog sees cat now." is "jetzt sieht Hund Katze."
static void write_pairs(const char *folder, const char *part, size_t n, size_t seed)
{
    char source[8192], target[8192], name[64];
    size_t a = 0, b = 0;
    Error err = {0};
    for (size_t i = 0; i < n; i++) {
        const size_t k = i * 7 + seed;
        const char *const *x = nouns[k % 3], *const *y = nouns[(k / 3) % 3],
                          *const *v = verbs[k % 2], *const *e = ends[(k / 2) % 2];
        a += (size_t)snprintf(source + a, sizeof source - a, "%s %s %s %s\n", x[0], v[0], y[0],
                              e[0]);
        b += (size_t)snprintf(target + b, sizeof target - b, "%s %s %s %s.\n", e[1], v[1], x[1],
                              y[1]);
    }
    snprintf(name, sizeof name, "data/%s.en", part);
    cr_assert_eq(file_write(folder_path(folder, name), (Slice){source, a}, &err), STATUS_OK, "%s",
                 err.text);
    snprintf(name, sizeof name, "data/%s.de", part);
    cr_assert_eq(file_write(folder_path(folder, name), (Slice){target, b}, &err), STATUS_OK, "%s",
                 err.text);
}

static const char *pairs_folder(const char *tune, const char *task, const char *folds)
{
    char text[4096];
    Error err = {0};
    const char *folder = folder_make();
    snprintf(text, sizeof text,
             "{\"suite\": \"pairs\", \"seed\": 3, \"models\": [{\"name\": \"tiny\", \"create\": "
             "{\"architecture\": \"marian\", \"hidden_size\": 32, \"n_layers\": 1, \"n_heads\": 2, "
             "\"intermediate_size\": 64, \"max_positions\": 24, \"tokenizer\": \"bpe\", "
             "\"vocab_size\": 300, \"dropout\": 0}}],\n"
             "\"tasks\": [{\"name\": \"pairs\", \"family\": \"translate\", \"format\": "
             "\"parallel\", \"columns\": {\"text\": \"en\", \"target\": \"de\"}, \"data\": "
             "\"data\"%s}],\n"
             "\"tune\": {\"learning_rate\": 5e-3, \"batch_size\": 8, \"warmup\": 10, "
             "\"label_smoothing\": 0.1%s}, \"folds\": %s, \"report\": {\"formats\": [\"json\"]}}\n",
             task, tune, folds);
    cr_assert_eq(file_make_directories(folder_path(folder, "data"), &err), STATUS_OK);
    folder_write(folder, "suite.json", text);
    write_pairs(folder, "train", 60, 0);
    return folder;
}

Test(translate, no_byte_depends_on_jobs_or_threads)
{
    const char *folder = pairs_folder(", \"epochs\": 3", ", \"beams\": 2", "{\"k\": 2}");
    Buffer plain = runs_export(folder, &(RunsHow){.store = "plain.db"});
    Buffer jobs = runs_export(folder, &(RunsHow){.store = "jobs.db", .n_jobs = 2});
    Buffer threads = runs_export(folder, &(RunsHow){.store = "threads.db", .n_threads = 3});
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&jobs)));
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&threads)));
    static const Slice wanted[] = {SLICE_LIT("\"name\":\"bleu\""), SLICE_LIT("\"name\":\"chrf\""),
                                   SLICE_LIT("\"name\":\"ter\""), SLICE_LIT("source copied"),
                                   SLICE_LIT("tok:13a")};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        cr_expect_neq(slice_find(buffer_slice(&plain), wanted[i]), SIZE_MAX, SLICE_FMT,
                      SLICE_ARG(wanted[i]));
    buffer_release(&plain);
    buffer_release(&jobs);
    buffer_release(&threads);
    folder_remove(folder);
}

// spBLEU: the model's file is named beside the suite, and is part of what a trial is.
Test(translate, pieces_of_a_sentencepiece_model_are_words_of_bleu)
{
    static const char task[] =
        ", \"beams\": 1, \"metrics\": [{\"name\": \"bleu\", \"params\": {\"tokenize\": \"spm\"%s}}]";
    Arena arena = {0};
    Error err = {0};
    Suite *suite = NULL;
    char with[256], without[256];
    const char *model = shared_path("models/spm-botchan/botchan.model");
    snprintf(with, sizeof with, task, ", \"spm_model\": \"data/words.model\"");
    snprintf(without, sizeof without, task, "");
    const char *folder = pairs_folder(", \"epochs\": 1", without, "{\"k\": 2}");
    cr_expect_eq(suite_load(folder_path(folder, "suite.json"), NULL, &suite, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "works with a SentencePiece model: \"spm_model\""), "%s", err.text);
    folder_remove(folder);
    folder = pairs_folder(", \"epochs\": 1", with, "{\"k\": 2}");
    cr_expect_neq(suite_load(folder_path(folder, "suite.json"), NULL, &suite, &err), STATUS_OK);
    cr_expect(strstr(err.text, "words.model"), "%s", err.text);
    if (model != NULL) {
        Slice bytes;
        cr_assert_eq(file_read(&arena, model, (size_t)1 << 24, &bytes, &err), STATUS_OK);
        cr_assert_eq(file_write(folder_path(folder, "data/words.model"), bytes, &err), STATUS_OK);
        Buffer plain = runs_export(folder, &(RunsHow){.store = "plain.db"});
        Buffer jobs = runs_export(folder, &(RunsHow){.store = "jobs.db", .n_jobs = 2});
        cr_expect_neq(slice_find(buffer_slice(&plain), SLICE("tok:spm-words-4884d27b")), SIZE_MAX);
        cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&jobs)));
        buffer_release(&plain);
        buffer_release(&jobs);
    }
    folder_remove(folder);
    arena_release(&arena);
}

// Training learns it, early stopping may watch BLEU, the model is saved, and what is saved translates.
Test(translate, a_run_learns_and_its_model_translates_when_opened_again)
{
    const char *folder = pairs_folder(
        ", \"epochs\": 40, \"early_stopping\": {\"monitor\": \"bleu\", \"patience\": 20}",
        ", \"beams\": 2", "{\"k\": 2, \"inner\": 0.2, \"final\": \"saved\"}");
    Buffer text = runs_export(folder, NULL);
    const double bleu = runs_best(&text, "bleu");
    cr_expect_gt(bleu, 80, "BLEU %g", bleu);
    buffer_release(&text);

    Model *model = NULL;
    Pool *pool = NULL;
    Arena arena = {0};
    Error err = {0};
    Encoding source;
    SearchRequest request = {.n_results = 1};
    SearchResult *result = NULL;
    size_t n_found = 0;
    Buffer target = {0};
    cr_assert_eq(model_open(folder_path(folder, "saved"), NULL, &model, &err), STATUS_OK, "%s",
                 err.text);
    cr_assert_eq(pool_open(1, &pool, &err), STATUS_OK);
    cr_assert_eq(search_defaults(model, &arena, &request.options, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(request.options.n_ends, 1);
    request.options.max_new_tokens = 20;
    cr_assert_eq(tokenizer_encode(model_tokenizer(model), SLICE("cat hears boy now."), NULL, NULL,
                                  &arena, &source, &err),
                 STATUS_OK, "%s", err.text);
    request.source = (TokenSequence){.ids = source.ids, .n_tokens = source.n_tokens};
    cr_assert_eq(model_search(model, pool, &request, 1, NULL, &arena, &result, &n_found, &err),
                 STATUS_OK, "%s", err.text);
    cr_assert_eq(n_found, 1);
    cr_expect(result->has_ended);
    cr_assert_eq(
        tokenizer_decode(model_tokenizer(model), result->ids, result->n_ids, true, &target, &err),
        STATUS_OK);
    cr_expect(slice_eq_cstr(buffer_slice(&target), "jetzt h\xc3\xb6rt Katze Junge."), SLICE_FMT,
              SLICE_ARG(buffer_slice(&target)));
    buffer_release(&target);
    arena_release(&arena);
    model_close(&model);
    pool_close(&pool);
    folder_remove(folder);
}

Test(translate, parts_of_parallel_text_are_found_by_their_names)
{
    const char *folder = pairs_folder(", \"epochs\": 1", "", "{}");
    Error err = {0};
    write_pairs(folder, "val", 6, 1);
    write_pairs(folder, "test_2016", 6, 2);
    Suite *suite = NULL;
    cr_assert_eq(suite_load(folder_path(folder, "suite.json"), NULL, &suite, &err), STATUS_OK, "%s",
                 err.text);
    const SuiteTask *task = &suite->tasks[0];
    cr_expect(task->train && task->valid && task->test);
    cr_assert_eq(task->test_targets.n, 1);
    cr_expect(slice_ends_with(task->test_targets.paths[0], SLICE("/test_2016.de")));
    suite_close(&suite);
    cr_assert_eq(remove(folder_path(folder, "data/val.de")), 0);
    cr_expect_eq(suite_load(folder_path(folder, "suite.json"), NULL, &suite, &err), STATUS_INVALID);
    cr_expect_not_null(strstr(err.text, "val.de is not there: it should have the targets of"), "%s",
                       err.text);
    folder_remove(folder);
}

Test(translate, what_cannot_be_translated_is_refused_before_tuning)
{
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
        {"\"bpe\"", "\"wordpiece\"", "does not go with a marian, which writes: want \"bpe\""},
        {"\"marian\"", "\"bert\"", "no architecture \"bert\" has a seq2seq head"},
        {"\"translate\"", "\"classify\"", "a training sample needs a label"},
        {"\"target\": \"de\"", "\"target\": \"fr\"", "train.fr is not there"},
        {"\"format\": \"parallel\"", "\"metrics\": [\"accuracy\"], \"format\": \"parallel\"",
         "accuracy is no metric for a \"translate\" task"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *folder = pairs_folder(", \"epochs\": 1", "", "{\"k\": 2}");
        const char *path = folder_path(folder, "suite.json");
        Arena arena = {0};
        Slice text = {0};
        Error err = {0};
        RunResult result;
        cr_assert_eq(file_read(&arena, path, 1 << 16, &text, &err), STATUS_OK);
        const size_t at = slice_find(text, slice_from_cstr(cases[i].from));
        cr_assert_neq(at, SIZE_MAX);
        const Slice before = slice_sub(text, 0, at),
                    after = slice_sub(text, at + strlen(cases[i].from), text.len);
        const char *changed = arena_printf(&arena, SLICE_FMT "%s" SLICE_FMT, SLICE_ARG(before),
                                           cases[i].to, SLICE_ARG(after));
        cr_assert_eq(file_write(path, slice_from_cstr(changed), &err), STATUS_OK);
        Suite *suite = NULL;
        const SuiteOverrides overrides = {0};
        Status s = suite_load(path, &overrides, &suite, &err);
        suite_close(&suite);
        if (s == STATUS_OK) s = runs_run(folder, NULL, &result, &err);
        cr_expect_eq(s, STATUS_INVALID, "case %zu", i);
        cr_expect_not_null(strstr(err.text, cases[i].says), "case %zu: %s", i, err.text);
        arena_release(&arena);
        folder_remove(folder);
    }
}
