// Lines that assay predict cannot answer as they stand: each says in its own place what is wrong, and the others are answered.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/file.h"
#include "program.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

typedef struct Refusal {
    const char *line, *says; // says: a part of the error; NULL = it is answered
} Refusal;

// All ids of a vocabulary, as a list of JSON.
static const char *all_ids(Arena *arena, size_t n)
{
    Buffer text = {0};
    for (size_t i = 0; i < n; i++) buffer_printf(&text, "%s%zu", i > 0 ? "," : "[", i);
    buffer_append_cstr(&text, "]");
    const char *out = arena_printf(arena, SLICE_FMT, SLICE_ARG(buffer_slice(&text)));
    buffer_release(&text);
    return out;
}

static void check(const char *model, const char *mode, const Refusal *cases, size_t n)
{
    Arena arena = {0};
    Buffer in = {0};
    size_t n_refused = 0;
    const char *path = arena_printf(&arena, "%s", shared_need(model));
    for (size_t i = 0; i < n; i++) {
        buffer_printf(&in, "%s\n", cases[i].line);
        n_refused += cases[i].says != NULL;
    }
    const char *text = arena_printf(&arena, SLICE_FMT, SLICE_ARG(buffer_slice(&in)));
    const Program program = RUN(&arena, text, "predict", path, "--mode", mode);
    program_want(&program, n_refused > 0 ? 2 : 0);
    cr_assert_eq(count_lines(program.out), n);
    for (size_t i = 0; i < n; i++) {
        const Json *answer = json_line(program.out, i), *error = json_get(answer, "error");
        cr_expect_eq(error != NULL, cases[i].says != NULL, "%s", cases[i].line);
        if (error && cases[i].says)
            cr_expect(text_contains(json_string(error), cases[i].says), "%s: " SLICE_FMT,
                      cases[i].line, SLICE_ARG(json_string(error)));
    }
    buffer_release(&in);
    arena_release(&arena);
}
#define CHECK(model, mode, cases) check(model, mode, cases, sizeof(cases) / sizeof *(cases))

Test(predict_refusals, what_cannot_be_written_says_why)
{
    Arena arena = {0};
    const char *all = all_ids(&arena, 512);
    const char *forbidden = arena_printf(
        &arena, "{\"prompt\": \"Once\", \"max_new_tokens\": 3, \"suppress_tokens\": %s}", all);
    const char *drawn = arena_printf(
        &arena,
        "{\"prompt\": \"Once\", \"max_new_tokens\": 3, \"temperature\": 1, \"suppress_tokens\": %s}",
        all);
    const char *beams = arena_printf(
        &arena,
        "{\"prompt\": \"Once\", \"max_new_tokens\": 3, \"num_beams\": 2, \"suppress_tokens\": %s}",
        all);
    const Refusal cases[] = {
        {"{\"prompt\": \"Once\", \"max_new_tokens\": 3}", NULL},
        {forbidden, "every token is forbidden"},
        {drawn, "every token is forbidden"},
        {beams, "every token is forbidden"},
        {"{\"prompt\": \"Once\", \"suppress_tokens\": [512]}", "tokens are 0 to 511"},
        {"{\"prompt\": \"Once\", \"begin_suppress_tokens\": [-1]}", "tokens are 0 to 511"},
        {"{\"prompt\": \"Once\", \"repetition_penalty\": 1e-300}", "1e-06 .. 1e+06"},
        {"{\"prompt\": \"Once\", \"length_penalty\": 1000}", "-50 .. 50"},
        {"{\"prompt\": \"Once\", \"max_new_tokens\": 3, \"num_beams\": 2, \"length_penalty\": -50}",
         "length_penalty"},
        {"{\"prompt\": \"Once\", \"tgt_lang\": \"de\"}", "say in the prompt"},
        {"{\"prompt\": \"Once\", \"src_lang\": \"de\"}", "src_lang"},
        {"{\"prompt\": \"Once\", \"max_new_tokens\": 3}", NULL},
    };
    CHECK("models/stories260K", "generate", cases);
    arena_release(&arena);
}

Test(predict_refusals, a_context_under_another_name_is_not_left_out)
{
    static const Refusal cases[] = {
        {"{\"prompt\": \"Once\", \"continuation\": \" upon\"}", "\"context\""},
        {"{\"text\": \"Once\", \"continuation\": \" upon\"}", "\"context\""},
        {"{\"continuation\": \" upon\"}", NULL},
        {"{\"prompt\": \"a name of the data's\", \"context\": \"Once\", \"continuation\": \" upon\"}",
         NULL},
    };
    CHECK("models/stories260K", "loglik", cases);
}

Test(predict_refusals, a_question_wants_its_passage_and_a_mask_its_token)
{
    static const Refusal questions[] = {
        {"{\"text\": \"who?\"}", "\"pair\""},
        {"{\"text\": \"who?\", \"context\": \"a man\"}", "\"pair\""},
        {"{\"question\": \"who?\"}", "\"context\", the passage"},
        {"{\"question\": \"who?\", \"context\": \"a man\", \"text\": \"who?\"}", "beside"},
        {"{\"question\": \"who?\", \"context\": \"a man\"}", NULL},
        {"{\"text\": \"who?\", \"pair\": \"a man\"}", NULL},
        {"{\"input_ids\": [2, 9, 3]}", NULL},
    };
    static const Refusal masks[] = {
        {"{\"text\": \"a <mask> film\"}", "write [MASK]"},
        {"{\"input_ids\": [2, 9, 3]}", "write [MASK]"},
        {"{\"text\": \"a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a "
         "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a [MASK]\"}",
         "cut to 64 tokens"},
        {"{\"text\": \"a [MASK] film\"}", NULL},
    };
    CHECK("models/tiny-bert-qa", "span", questions);
    CHECK("models/tiny-bert-mlm", "fill", masks);
}

// A temperature that is hardly above zero is the likeliest token, not a division by nothing.
Test(predict_refusals, the_coldest_draw_takes_the_likeliest)
{
    Arena arena = {0};
    const char *model = arena_printf(&arena, "%s", shared_need("models/stories260K"));
    const Program program = RUN(
        &arena,
        "{\"prompt\": \"Once\", \"max_new_tokens\": 6}\n"
        "{\"prompt\": \"Once\", \"max_new_tokens\": 6, \"temperature\": 1e-320}\n"
        "{\"prompt\": \"Once\", \"max_new_tokens\": 6, \"temperature\": 1e-320, \"top_k\": 3}\n"
        "{\"prompt\": \"Once\", \"max_new_tokens\": 6, \"temperature\": 1e-320, \"top_p\": 0.5}\n",
        "predict", model);
    program_want(&program, 0);
    for (size_t i = 1; i < 4; i++)
        cr_expect(slice_eq(text_of(json_line(program.out, i), "text"),
                           text_of(json_line(program.out, 0), "text")),
                  "line %zu: " SLICE_FMT, i, SLICE_ARG(program.out));
    arena_release(&arena);
}

// A model's folder whose vocabulary is the whole lines of its first n_bytes, behind `before`.
static const char *cut_vocabulary(Arena *arena, const char *folder, size_t n_bytes,
                                  const char *before)
{
    static const char *const files[] = {"config.json", "model.safetensors",
                                        "tokenizer_config.json"};
    Slice text = {0};
    Error err = {0};
    Buffer vocabulary = {0};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *from = shared_path(arena_printf(arena, "models/tiny-bert-mlm/%s", files[i]));
        cr_assert_eq(file_read(arena, from, 1 << 24, &text, &err), STATUS_OK, "%s", err.text);
        cr_assert_eq(file_write(arena_printf(arena, "%s/%s", folder, files[i]), text, &err),
                     STATUS_OK, "%s", err.text);
    }
    cr_assert_eq(
        file_read(arena, shared_path("models/tiny-bert-mlm/vocab.txt"), 1 << 24, &text, &err),
        STATUS_OK, "%s", err.text);
    buffer_append_cstr(&vocabulary, before);
    text = slice_sub(text, 0, n_bytes);
    while (text.ptr[text.len - 1] != '\n') text.len--;
    buffer_append(&vocabulary, text);
    cr_assert_eq(
        file_write(arena_printf(arena, "%s/vocab.txt", folder), buffer_slice(&vocabulary), &err),
        STATUS_OK, "%s", err.text);
    buffer_release(&vocabulary);
    return folder;
}

// A vocabulary that is cut short reads other ids: it cannot be told from a short one, but that is said.
Test(predict_refusals, a_vocabulary_that_is_cut_short_is_spoken_of)
{
    Arena arena = {0};
    const char *in = "{\"text\": \"a [MASK] film\"}\n", *folder = folder_make();
    const char *whole = arena_printf(&arena, "%s", shared_need("models/tiny-bert-mlm"));
    const Program wanted = RUN(&arena, in, "predict", whole);
    const Program cut = RUN(&arena, in, "predict", cut_vocabulary(&arena, folder, 1200, ""));
    program_want(&wanted, 0);
    program_want(&cut, 0);
    cr_expect_eq(wanted.err.len, 0, "%s", wanted.err.ptr);
    cr_expect(text_contains(cut.err, "cut short or of another model"), "%s", cut.err.ptr);
    const Program marked =
        RUN(&arena, in, "predict", cut_vocabulary(&arena, folder, SIZE_MAX, "\xef\xbb\xbf"));
    program_want(&marked, 0);
    cr_expect(slice_eq(marked.out, wanted.out), "a byte order mark is no token's");
    folder_remove(folder);
    arena_release(&arena);
}

Test(predict_refusals, lines_of_utf16_say_what_they_are)
{
    Arena arena = {0};
    const char *model = arena_printf(&arena, "%s", shared_need("models/tiny-bert-mlm"));
    const Program program = RUN(&arena, "\xff\xfe{}\n", "predict", model);
    program_want(&program, 2);
    cr_expect(text_contains(text_of(json_line(program.out, 0), "error"), "save it as UTF-8"));
    arena_release(&arena);
}

// A number that a closed stream leaves free would be the next file's: messages would go into it.
Test(predict_refusals, closed_streams_lend_their_numbers_to_no_file)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = arena_printf(&arena, "%s", shared_need("models/tiny-bert-mlm"));
    const char *command =
        arena_printf(&arena, "'%s' predict '%s' --out '%s/out' --prepare nonsense <&- >&- 2>&-",
                     ASSAY_BINARY, model, folder);
    const int state = system(command); // NOLINT(cert-env33-c): the shell closes the streams
    cr_assert(WIFEXITED(state));
    cr_expect_eq(WEXITSTATUS(state), 2);
    cr_expect_not(file_exists(arena_printf(&arena, "%s/out", folder)));
    const char *unread = arena_printf(&arena, "'%s' predict '%s' --out '%s/out' <&- 2>'%s/err'",
                                      ASSAY_BINARY, model, folder, folder);
    const int refused = system(unread); // NOLINT(cert-env33-c): the same
    Slice said = {0};
    Error err = {0};
    cr_expect_eq(WEXITSTATUS(refused), 3);
    cr_assert_eq(file_read(&arena, arena_printf(&arena, "%s/err", folder), 4096, &said, &err),
                 STATUS_OK, "%s", err.text);
    cr_expect(text_contains(said, "standard input: reading"), SLICE_FMT, SLICE_ARG(said));
    folder_remove(folder);
    arena_release(&arena);
}

Test(predict_refusals, a_count_is_at_least_one_however_it_is_missed)
{
    CHECK("models/stories260K", "generate",
          ((const Refusal[]){
              {"{\"prompt\": \"Once\", \"max_new_tokens\": 0}",
               "standard input:1:39: \"max_new_tokens\": 0 is not within 1 to 2147483647"},
              {"{\"prompt\": \"Once\", \"max_new_tokens\": -1}",
               "standard input:2:40: \"max_new_tokens\": -1 is not within 1 to 2147483647"},
              {"{\"prompt\": \"Once\", \"num_beams\": 0}", "\"num_beams\": 0 is not within 1 to"},
              {"{\"prompt\": \"Once\", \"num_return_sequences\": 0}",
               "\"num_return_sequences\": 0 is not within 1 to"},
              {"{\"prompt\": 5}", "standard input:5:12: \"prompt\": found a number, want a string"},
          }));
}

Test(predict_refusals, options_that_do_not_go_together_are_named)
{
    static const char *const cases[][6] = {
        {"--mmap", "--compute", "int8", NULL,
         "--compute int8 wants them rounded and packed: leave out one of the two"},
        {"--mmap", "--compute", "bf16", NULL, "--compute bf16 wants them"},
        {"--mode", "classify", NULL, NULL,
         "head is causal-lm, which answers to --mode generate, logits, loglik, prefer"},
    };
    Arena arena = {0};
    const char *model = arena_printf(&arena, "%s", shared_need("models/stories260K"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Program program =
            RUN(&arena, "", "predict", model, cases[i][0], cases[i][1], cases[i][2]);
        program_want(&program, 2);
        cr_expect(text_contains(program.err, cases[i][4]), "%s", program.err.ptr);
    }
    arena_release(&arena);
}

Test(predict_refusals, no_output_is_the_input_or_nowhere)
{
    Arena arena = {0};
    const char *model = arena_printf(&arena, "%s", shared_need("models/stories260K"));
    const char *folder = folder_make();
    const char *in = write_file(&arena, folder, "in.jsonl", "{\"prompt\": \"a\"}\n");
    const char *nowhere = arena_printf(&arena, "%s/none/out.jsonl", folder);
    const char *const cases[][2] = {{in, "is the file that is read: give another name"},
                                    {"", " wants a name"},
                                    {nowhere, "make it first"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Program program =
            RUN(&arena, NULL, "predict", model, "--in", in, "--out", cases[i][0]);
        cr_expect_neq(program.status, 0);
        cr_expect(text_contains(program.err, cases[i][1]), "%s", program.err.ptr);
        const Program tokens =
            RUN(&arena, NULL, "tokenize", model, "--in", in, "--out", cases[i][0]);
        cr_expect_neq(tokens.status, 0);
        cr_expect(text_contains(tokens.err, cases[i][1]), "%s", tokens.err.ptr);
    }
    const Program nothing =
        RUN(&arena, NULL, "predict", model, "--in", "/dev/null", "--out", "/dev/null");
    program_want(&nothing, 0);
    folder_remove(folder);
    arena_release(&arena);
}
