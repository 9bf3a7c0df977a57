// An encoder-decoder through the program: made by a suite, tuned on pairs, asked for translations.
#include <criterion/criterion.h>
#include <stdio.h>

#include "program.h"
#include "tests/support/folder.h"

// FOLDER/model: a tiny Marian, and FOLDER/t.en with t.de: 24 pairs.
static const char *make_pairs(Arena *arena, const char *folder)
{
    static const char *const en[] = {"a red dog", "a blue cat", "two old boats"},
                             *const de[] = {"ein roter Hund", "eine blaue Katze",
                                            "zwei alte Boote"};
    char source[1024], target[1024];
    size_t a = 0, b = 0;
    for (size_t i = 0; i < 24; i++) {
        a += (size_t)snprintf(source + a, sizeof source - a, "%s %zu\n", en[i % 3], i);
        b += (size_t)snprintf(target + b, sizeof target - b, "%s %zu\n", de[i % 3], i);
    }
    write_file(arena, folder, "t.en", source);
    write_file(arena, folder, "t.de", target);
    const char *suite = write_file(
        arena, folder, "s.json",
        "{\"suite\": \"s\", \"models\": [{\"name\": \"m\", \"create\": {\"architecture\": \"marian\", "
        "\"hidden_size\": 16, \"n_layers\": 1, \"n_heads\": 2, \"intermediate_size\": 32, "
        "\"max_positions\": 32, \"tokenizer\": \"bpe\", \"vocab_size\": 290}}], \"tasks\": [{\"name\": "
        "\"t\", \"family\": \"translate\", \"format\": \"parallel\", \"columns\": {\"text\": \"en\", "
        "\"target\": \"de\"}, \"data\": {\"train\": \"t.en\"}}], \"tune\": {\"max_steps\": 1}, "
        "\"folds\": {\"k\": 2, \"final\": \"model\"}, \"report\": {\"formats\": [\"json\"]}}");
    const Program made =
        RUN(arena, NULL, "run", suite, "--store", arena_printf(arena, "%s/s.db", folder),
            "--report", arena_printf(arena, "%s/report", folder));
    program_want(&made, 0);
    return arena_printf(arena, "%s/model", folder);
}

Test(tune_pairs, an_encoder_decoder_learns_from_parallel_text_and_translates)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_pairs(&arena, folder);
    const char *train = arena_printf(&arena, "%s/t.en", folder);
    const char *out = arena_printf(&arena, "%s/tuned", folder);
    const Program tuned =
        RUN(&arena, NULL, "tune", model, "--train", train, "--format", "parallel", "--text", "en",
            "--target", "de", "--valid-share", "0.2", "--monitor", "metric", "--epochs", "3",
            "--label-smoothing", "0.1", "--learning-rate", "1e-2", "--out", out, "--json");
    program_want(&tuned, 0);
    static const char *const scores[] = {"bleu", "chrf", "ter"};
    for (size_t i = 0; i < 3; i++)
        cr_expect(text_contains(tuned.out, scores[i]), "no %s in " SLICE_FMT, scores[i],
                  SLICE_ARG(tuned.out));
    const Program said = RUN(&arena, "{\"text\": \"a red dog 1\", \"max_new_tokens\": 8}\n",
                             "predict", out, "--mode", "generate");
    program_want(&said, 0);
    cr_expect_gt(text_of(json_line(said.out, 0), "finish").len, 0);
    cr_expect_not_null(json_get(json_line(said.out, 0), "text"));
    folder_remove(folder);
    arena_release(&arena);
}

Test(tune_pairs, pairs_that_cannot_be_learnt_are_refused)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_pairs(&arena, folder);
    const char *train = arena_printf(&arena, "%s/t.en", folder);
    const char *out = arena_printf(&arena, "%s/tuned", folder);
#define TUNE(...)                                                                              \
    RUN(&arena, NULL, "tune", model, "--train", train, "--format", "parallel", "--text", "en", \
        "--target", "de", "--out", out, "--max-steps", "1", __VA_ARGS__)
    write_file(&arena, folder, "t.de", "eins\nzwei\n");
    Program refused = TUNE("--seed", "1");
    program_want(&refused, 2);
    cr_expect(text_contains(refused.err, "has 2 lines, but"), SLICE_FMT, SLICE_ARG(refused.err));
    write_file(&arena, folder, "t.de", "eins\n\ndrei\n");
    write_file(&arena, folder, "t.en", "one\ntwo\nthree\n");
    refused = TUNE("--seed", "1");
    program_want(&refused, 2);
    cr_expect(text_contains(refused.err, "t.en:2: the target is empty"), SLICE_FMT,
              SLICE_ARG(refused.err));
    cr_expect(text_contains(refused.err, "--empty-sides drop"), SLICE_FMT, SLICE_ARG(refused.err));
    refused = TUNE("--class-weights", "balanced", "--empty-sides", "drop");
    program_want(&refused, 2);
    cr_expect(text_contains(refused.err, "goes with --task classify, not with translations"),
              SLICE_FMT, SLICE_ARG(refused.err));
    const Program tuned = TUNE("--empty-sides", "drop");
    program_want(&tuned, 0);
    folder_remove(folder);
    arena_release(&arena);
}
