// What assay bench says of models and tokenizers: the counts, and that every part has its times.
#include <criterion/criterion.h>

#include "base/machine.h"
#include "program.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static const Slice labels[] = {SLICE_LIT("no"), SLICE_LIT("yes")};

// Part `index` of a bench, which must have this name and so many tokens, with a median inside its interval.
static void want_part(const Json *bench, size_t index, const char *name, double n_tokens)
{
    const Json *part = json_at(json_get(bench, "parts"), index), *cpu = json_get(part, "cpu");
    cr_assert(slice_eq_cstr(text_of(part, "name"), name), "part %zu is no %s", index, name);
    cr_expect_eq(number_of(part, "tokens"), n_tokens);
    cr_expect_leq(number_of(cpu, "low_s"), number_of(cpu, "median_s"));
    cr_expect_leq(number_of(cpu, "median_s"), number_of(cpu, "high_s"));
}

Test(bench, times_classifiers_and_embeddings)
{
    static const char *const modes[] = {"classify", "embed"};
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 2);
    for (size_t i = 0; i < 2; i++) {
        const Program program =
            RUN(&arena, NULL, "bench", "model", model, "--mode", modes[i], "--length", "9",
                "--sequences", "3", "--rounds", "2", "--threads", "1", "--json");
        program_want(&program, 0);
        const Json *bench = json_of(program.out);
        cr_expect_eq(json_len(json_get(bench, "parts")), 1);
        cr_expect_eq(json_len(json_get(bench, "cpu_s")), 2);
        cr_expect_null(json_get(bench, "error"), "f32 was held beside itself");
        want_part(bench, 0, "predict", 27);
    }
    const Program refused = RUN(&arena, NULL, "bench", "model", model, "--mode", "generate");
    program_want(&refused, 2);
    const Program long_ones = RUN(&arena, NULL, "bench", "model", model, "--length", "1000");
    program_want(&long_ones, 2);
    cr_expect(text_contains(long_ones.err, "sequences of 1000 tokens, but") &&
                  text_contains(long_ones.err, "give --length"),
              "%s", long_ones.err.ptr);
    folder_remove(folder);
    arena_release(&arena);
}

Test(bench, says_what_lower_precision_costs)
{
    Arena arena = {0};
    const char *folder = folder_make();
    if (!(machine_cpu_features() & CPU_AVX512_VNNI)) cr_skip_test("no products of bytes here");
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 2);
    const Program program =
        RUN(&arena, NULL, "bench", "model", model, "--mode", "embed", "--compute", "int8",
            "--length", "9", "--sequences", "3", "--rounds", "1", "--json");
    program_want(&program, 0);
    const Json *error = json_get(json_of(program.out), "error");
    cr_expect_eq(number_of(error, "sequences"), 3);
    // A code is off by at most 1 / 254 of its block's largest number; a few layers add to that.
    cr_expect(number_of(error, "relative") > 1e-5 && number_of(error, "relative") < 0.1,
              "relative error %g", number_of(error, "relative"));
    cr_expect_gt(number_of(error, "largest"), 0);
    folder_remove(folder);
    arena_release(&arena);
}

Test(bench, times_prompts_and_new_tokens_apart)
{
    static const char *const models[] = {"tiny-gpt2", "tiny-marian"};
    Arena arena = {0};
    shared_need("models");
    for (size_t i = 0; i < 2; i++) {
        const char *model = shared_path(arena_printf(&arena, "models/%s", models[i]));
        const Program program =
            RUN(&arena, NULL, "bench", "model", model, "--length", "8", "--sequences", "3",
                "--new-tokens", "5", "--beams", "2", "--rounds", "2", "--json");
        program_want(&program, 0);
        const Json *bench = json_of(program.out);
        cr_expect_eq(json_len(json_get(bench, "prompt_cpu_s")), 2);
        want_part(bench, 0, "prompt", 24);
        want_part(bench, 1, "generate", 3 * 4.0);
        const Program one = RUN(&arena, NULL, "bench", "model", model, "--new-tokens", "1");
        program_want(&one, 2);
    }
    arena_release(&arena);
}

Test(bench, times_tokenizers)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 2);
    const char *texts = write_file(&arena, folder, "texts.jsonl",
                                   "{\"text\": \"a good film\"}\n{\"text\": \"bad\"}\n");
    const Program program =
        RUN(&arena, NULL, "bench", "tokenizer", model, "--in", texts, "--rounds", "3", "--json");
    program_want(&program, 0);
    const Json *bench = json_of(program.out);
    cr_expect_eq(number_of(bench, "texts"), 2);
    cr_expect_eq(number_of(bench, "bytes"), 14);
    cr_expect_eq(json_len(json_get(bench, "cpu_s")), 3);
    cr_expect(slice_eq_cstr(text_of(bench, "kind"), "WordPiece"));
    const Program without = RUN(&arena, NULL, "bench", "tokenizer", model);
    program_want(&without, 2);
    folder_remove(folder);
    arena_release(&arena);
}
