// What a model's generation_config.json says is heeded where a line does not say it. The wanted ids: Transformers 5.24,
// float32, model.generate with the same file.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "program.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static const char prompt[] = "\"input_ids\": [36, 73, 110, 147, 184, 221, 258, 295]";

// tiny-gpt2's weights beside a generation_config.json of the test's own.
static const char *gpt2_with(Arena *arena, const char *generation)
{
    static const char *const names[] = {"config.json", "model.safetensors"};
    const char *shared = shared_path("models/tiny-gpt2");
    Error err = {0};
    if (!shared) cr_skip_test("models/tiny-gpt2 of the shared folder absent");
    const char *from = arena_printf(arena, "%s", shared);
    const char *folder = arena_printf(arena, "%s", folder_make());
    for (size_t i = 0; i < 2; i++) {
        const char *target = arena_printf(arena, "%s/%s", from, names[i]);
        cr_assert_eq(symlink(target, folder_path(folder, names[i])), 0);
    }
    cr_assert_eq(file_write(folder_path(folder, "generation_config.json"),
                            slice_from_cstr(generation), &err),
                 STATUS_OK, "%s", err.text);
    return folder;
}

static void want_ids(const Program *program, size_t line, const char *wanted)
{
    char ids[256];
    size_t n = 0;
    const Json *list = json_get(json_line(program->out, line), "ids");
    for (const Json *id = json_first(list); id; id = json_next(id))
        n += (size_t)snprintf(ids + n, sizeof ids - n, "%s%d", n > 0 ? " " : "",
                              (int)json_double(id));
    cr_expect_str_eq(ids, wanted, "line %zu: %s, not %s", line, ids, wanted);
}

Test(predict_usual, files_say_what_lines_do_not)
{
    Arena arena = {0};
    const char *model = gpt2_with(
        &arena,
        "{\"eos_token_id\": [0, 172], \"num_beams\": 3, \"length_penalty\": 0.5,\n"
        "\"early_stopping\": true, \"repetition_penalty\": 1.3, \"no_repeat_ngram_size\": 2,\n"
        "\"max_length\": 18, \"min_length\": 12, \"bad_words_ids\": [[181], [86, 203]],\n"
        "\"suppress_tokens\": [71], \"begin_suppress_tokens\": [86],\n"
        "\"forced_eos_token_id\": 0, \"typical_p\": 0.9}");
    const char *in = arena_printf(&arena,
                                  "{%s}\n"
                                  "{%s, \"num_beams\": 1}\n"
                                  "{%s, \"max_new_tokens\": 5, \"num_beams\": 2, "
                                  "\"repetition_penalty\": 1.0}\n",
                                  prompt, prompt, prompt);
    const Program program = RUN(&arena, in, "predict", model, "--mode", "generate");
    program_want(&program, 0);
    want_ids(&program, 0, "246 246 86 246 408 14 178 337 13 0");
    want_ids(&program, 1, "246 86 86 304 11 203 337 293 172");
    want_ids(&program, 2, "246 246 86 246 0");
    cr_expect(text_contains(program.err, "\"typical_p\" is not heeded"), "%s", program.err.ptr);
    folder_remove(model);
    arena_release(&arena);
}

Test(predict_usual, draws_where_files_ask_for_it)
{
    Arena arena = {0};
    const char *model =
        gpt2_with(&arena, "{\"do_sample\": true, \"temperature\": 1.5, \"top_k\": 0, "
                          "\"max_new_tokens\": 8, \"stop_strings\": null}");
    const char *in =
        arena_printf(&arena,
                     "{%s}\n{%s, \"seed\": 1}\n{%s, \"seed\": 1}\n{%s, \"temperature\": 0}\n"
                     "{%s, \"do_sample\": false}\n{%s, \"top_k\": 1}\n{%s, \"do_sample\": 3}\n",
                     prompt, prompt, prompt, prompt, prompt, prompt, prompt);
    const Program program = RUN(&arena, in, "predict", model, "--mode", "generate");
    program_want(&program, 2);
    Slice lines = program.out, line[7] = {{0}};
    for (size_t i = 0; i < 7; i++) cr_assert(slice_split(&lines, '\n', &line[i]));
    cr_expect(slice_eq(line[1], line[2]) && !slice_eq(line[0], line[1]));
    cr_expect(slice_eq(line[3], line[4]) && slice_eq(line[3], line[5]) &&
              !slice_eq(line[3], line[0]));
    cr_expect(text_contains(line[6], "must be true or false"), SLICE_FMT, SLICE_ARG(line[6]));
    cr_expect(text_contains(program.err, "do_sample"), "%s", program.err.ptr);
    folder_remove(model);
    arena_release(&arena);
}

Test(predict_usual, lengths_of_files_that_cannot_be_are_refused)
{
    Arena arena = {0};
    const char *model = gpt2_with(&arena, "{\"max_length\": 8}");
    const char *in = arena_printf(&arena, "{%s}\n{%s, \"max_new_tokens\": 2}\n", prompt, prompt);
    const Program program = RUN(&arena, in, "predict", model, "--mode", "generate");
    program_want(&program, 2);
    cr_expect(text_contains(text_of(json_line(program.out, 0), "error"), "\"max_length\""));
    cr_expect_eq(json_len(json_get(json_line(program.out, 1), "ids")), 2);
    folder_remove(model);
    arena_release(&arena);
}
