// What a model's generation_config.json says is heeded where a line does not say it. The wanted ids: Transformers 5.24,
// float32, model.generate with the same file.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "models/formats/safetensors.h"
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

// Before what the files say, behind what a line says; of decoders and of encoder-decoders.
Test(predict_usual, the_command_line_tells_how_many_tokens)
{
    Arena arena = {0};
    const char *gpt2 = gpt2_with(&arena, "{\"max_length\": 60}");
    const char *t5 = arena_printf(&arena, "%s", shared_need("models/tiny-t5-relu"));
    const char *const models[] = {gpt2, t5};
    const char *in =
        arena_printf(&arena, "{%s}\n{%s, \"max_new_tokens\": 4}\n{%s, \"max_length\": 3}\n", prompt,
                     prompt, prompt);
    for (size_t i = 0; i < 2; i++) {
        const Program program = RUN(&arena, in, "predict", models[i], "--max-new-tokens", "2");
        program_want(&program, i == 0 ? 2 : 0);
        cr_expect_eq(json_len(json_get(json_line(program.out, 0), "ids")), 2, "%s", models[i]);
        cr_expect_eq(json_len(json_get(json_line(program.out, 1), "ids")), 4, "%s", models[i]);
    }
    folder_remove(gpt2);
    arena_release(&arena);
}

Test(predict_usual, options_that_are_not_known_are_refused_line_by_line)
{
    Arena arena = {0};
    const char *model = gpt2_with(&arena, "{}");
    const char *in = arena_printf(
        &arena,
        "{%s, \"typical_p\": 0.9}\n{%s, \"max_tokens\": 3}\n{%s, \"eos_token_id\": 0}\n"
        "{%s, \"typical_p\": 1.0, \"guidance_scale\": null, \"gold\": [\"typical_p\"], "
        "\"max_new_tokens\": 2}\n",
        prompt, prompt, prompt, prompt);
    static const char *const names[] = {"\"typical_p\"", "\"max_tokens\"", "\"eos_token_id\""};
    const Program program = RUN(&arena, in, "predict", model, "--mode", "generate");
    program_want(&program, 2);
    for (size_t i = 0; i < 3; i++)
        cr_expect(text_contains(text_of(json_line(program.out, i), "error"), names[i]), "%s",
                  names[i]);
    want_ids(&program, 3, "86 181");
    folder_remove(model);
    arena_release(&arena);
}

// Of a prompt of one token too. A word that is longer than what was read is banned nowhere.
Test(predict_usual, bad_words_begin_in_the_prompt)
{
    Arena arena = {0};
    const char *model = gpt2_with(&arena, "{}");
    const char *in =
        "{\"input_ids\": [36], \"max_new_tokens\": 2}\n"
        "{\"input_ids\": [36], \"max_new_tokens\": 2, \"bad_words_ids\": [[36, 156]]}\n"
        "{\"input_ids\": [36], \"max_new_tokens\": 2, \"bad_words_ids\": [[1, 36, 156]]}\n";
    const Program program = RUN(&arena, in, "predict", model, "--mode", "generate");
    program_want(&program, 0);
    want_ids(&program, 0, "156 11");
    want_ids(&program, 1, "325 156");
    want_ids(&program, 2, "156 11");
    folder_remove(model);
    arena_release(&arena);
}

static void want_fine(Status status, const Error *err)
{
    cr_assert_eq(status, STATUS_OK, "%s", err->text);
}

// tiny-llama2 with a token whose embedding is no number.
static const char *llama_with_a_hole(Arena *arena, int32_t token)
{
    static const float nan = NAN;
    const char *shared = shared_path("models/tiny-llama2");
    Error err = {0};
    Slice bytes = {0};
    Safetensors tensors;
    if (!shared) cr_skip_test("models/tiny-llama2 of the shared folder absent");
    const char *from = arena_printf(arena, "%s", shared);
    const char *folder = arena_printf(arena, "%s", folder_make());
    cr_assert_eq(
        symlink(arena_printf(arena, "%s/config.json", from), folder_path(folder, "config.json")),
        0);
    want_fine(
        file_read(arena, arena_printf(arena, "%s/model.safetensors", from), 1 << 24, &bytes, &err),
        &err);
    want_fine(safetensors_parse(SLICE("model"), bytes, &tensors, &err), &err);
    const SafeTensor *table = safetensors_find(&tensors, SLICE("model.embed_tokens.weight"));
    cr_assert(table);
    const size_t at =
        (size_t)(table->data.ptr - bytes.ptr) + (size_t)token * table->shape[1] * sizeof(float);
    char *broken = arena_alloc(arena, bytes.len, 1);
    cr_assert(broken);
    memcpy(broken, bytes.ptr, bytes.len);
    memcpy(broken + at, &nan, sizeof nan);
    safetensors_close(&tensors);
    want_fine(
        file_write(folder_path(folder, "model.safetensors"), (Slice){broken, bytes.len}, &err),
        &err);
    return folder;
}

Test(predict_usual, a_search_without_numbers_fails_alone)
{
    Arena arena = {0};
    const char *model = llama_with_a_hole(&arena, 50);
    const char *in = "{\"input_ids\": [1], \"num_beams\": 2, \"max_new_tokens\": 2}\n"
                     "{\"input_ids\": [50], \"num_beams\": 2, \"max_new_tokens\": 2}\n"
                     "{\"input_ids\": [1], \"max_new_tokens\": 2}\n";
    const Program program = RUN(&arena, in, "predict", model, "--mode", "generate");
    program_want(&program, 2);
    want_ids(&program, 0, "107 459");
    cr_expect(text_contains(text_of(json_line(program.out, 1), "error"), "not finite"));
    cr_expect_eq(json_len(json_get(json_line(program.out, 2), "ids")), 2);
    folder_remove(model);
    arena_release(&arena);
}
