#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json_source.h"
#include "program.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static Slice as_written(const Json *value)
{
    static Buffer text;
    buffer_clear(&text);
    JsonWriter w = json_writer(&text, 0);
    json_put_value(&w, value);
    return buffer_slice(&text);
}

// Whether two values are written alike.
static bool same(Arena *arena, const Json *a, const Json *b)
{
    if (!a || !b) return false;
    const Slice first = arena_copy(arena, as_written(a));
    return slice_eq(first, as_written(b));
}

static bool same_keys(Arena *arena, const Json *a, const Json *b, const char *const *keys)
{
    for (size_t i = 0; keys[i]; i++) {
        if (!same(arena, json_get(a, keys[i]), json_get(b, keys[i]))) return false;
    }
    return true;
}

static void put_case(Buffer *out, const Json *golden, bool is_pair)
{
    static const char *const pair_keys[][2] = {{"a", "text"},
                                               {"b", "pair"},
                                               {"strategy", "strategy"},
                                               {"max_length", "max_length"},
                                               {"stride", "stride"}};
    static const char *const text_keys[][2] = {{"text", "text"}};
    const char *const(*keys)[2] = is_pair ? pair_keys : text_keys;
    JsonWriter w = json_writer(out, 0);
    json_begin_object(&w);
    for (size_t i = 0; i < (is_pair ? 5 : 1); i++) {
        json_put_key(&w, keys[i][1]);
        json_put_raw(&w, as_written(json_get(golden, keys[i][0])));
    }
    json_end_object(&w);
    buffer_append_byte(out, '\n');
}

// Texts with U+0000 stand there with a twin in hexadecimal digits; trees hold no U+0000, so those are left to the tests of
// tokenizers.
static bool has_twin(const Json *golden)
{
    return json_get(golden, "text_hex") || json_get(golden, "a_hex") || json_get(golden, "b_hex");
}

static const Json *next_case(const Json *golden)
{
    while (golden && has_twin(golden)) golden = json_next(golden);
    return golden;
}

static const Json *read_goldens(Arena *arena, const char *path)
{
    Error err = {0};
    Slice text = {0};
    cr_assert_eq(file_read(arena, path, 1 << 26, &text, &err), STATUS_OK, "%s", err.text);
    char *bytes = arena_cstr(arena, text);
    for (char *at = bytes; (at = strstr(at, "\\u0000")); at++) at[5] = '1';
    return json_of(slice_from_cstr(bytes));
}

static void check_texts(Arena *arena, const char *model, const Json *goldens, size_t *n)
{
    static const char *const keys[] = {"ids", "tokens", "offsets", "type_ids", NULL};
    Buffer input = {0}, back = {0};
    for (const Json *g = next_case(json_first(goldens)); g; g = next_case(json_next(g)))
        put_case(&input, g, false);
    const Program program = RUN(arena, input.ptr, "tokenize", model);
    program_want(&program, 0);
    size_t i = 0;
    for (const Json *g = next_case(json_first(goldens)); g; g = next_case(json_next(g)), i++) {
        cr_expect(same_keys(arena, json_line(program.out, i), g, keys), "%s: text %zu", model, i);
        buffer_append_cstr(&back, "{\"ids\": ");
        buffer_append(&back, as_written(json_get(g, "ids")));
        buffer_append_cstr(&back, "}\n");
    }
    cr_expect_eq(count_lines(program.out), i);
    *n += i;
    const Program decoded = RUN(arena, back.ptr, "tokenize", model, "--decode");
    program_want(&decoded, 0);
    i = 0;
    for (const Json *g = next_case(json_first(goldens)); g; g = next_case(json_next(g)), i++) {
        cr_expect(same(arena, json_get(json_line(decoded.out, i), "text_skip_special"),
                       json_get(g, "decoded_skip_special")),
                  "%s: decoded text %zu", model, i);
    }
    buffer_release(&input);
    buffer_release(&back);
}

static void check_pairs(Arena *arena, const char *model, const Json *goldens, size_t *n)
{
    static const char *const keys[] = {"ids", "type_ids", "special", "offsets", "sequence", NULL};
    Buffer input = {0};
    if (json_len(goldens) == 0) return;
    for (const Json *g = next_case(json_first(goldens)); g; g = next_case(json_next(g)))
        put_case(&input, g, true);
    const Program program = RUN(arena, input.ptr, "tokenize", model);
    size_t i = 0;
    for (const Json *g = next_case(json_first(goldens)); g; g = next_case(json_next(g)), i++) {
        const Json *answer = json_line(program.out, i), *wanted = json_get(g, "windows");
        if (!wanted) {
            cr_expect(json_get(answer, "error") != NULL, "%s: pair %zu should fail", model, i);
            continue;
        }
        const Json *windows = json_get(answer, "windows");
        cr_assert(windows && json_len(windows) == json_len(wanted), "%s: pair %zu", model, i);
        for (size_t k = 0; k < json_len(wanted); k++) {
            cr_expect(same_keys(arena, json_at(windows, k), json_at(wanted, k), keys),
                      "%s: pair %zu, window %zu", model, i, k);
        }
    }
    *n += i;
    buffer_release(&input);
}

Test(tokenize, agrees_with_the_goldens_on_ids_offsets_and_windows)
{
    static const char *const models[] = {"tok-wp_uncased", "tok-wp_cased", "tok-bbpe_gpt2",
                                         "tok-bbpe_roberta"};
    Arena arena = {0};
    size_t n = 0;
    shared_need("goldens/models");
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        const char *path =
            shared_path(arena_printf(&arena, "goldens/models/%s/tokenizer.json", models[i]));
        cr_assert(path, "%s", models[i]);
        const Json *golden = read_goldens(&arena, path);
        const char *model = arena_cstr(
            &arena, slice_from_cstr(shared_path(arena_printf(&arena, "models/%s", models[i]))));
        check_texts(&arena, model, json_get(golden, "texts"), &n);
        check_pairs(&arena, model, json_get(golden, "pairs"), &n);
    }
    cr_expect_gt(n, 200);
    arena_release(&arena);
}

Test(tokenize, gives_ids_back_unchanged_and_failures_in_their_place)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_EMBEDDING, NULL, 0);
    const Program program =
        RUN(&arena,
            "{\"id\": {\"a\": [1, 2.50]}, \"text\": \"the film\", \"label\": 3}\n"
            "\n"
            "{\"id\": 7, \"text\": 5}\n"
            "this is no JSON\n"
            "{\"id\": null, \"text\": \"good\", \"max_length\": 3, \"stride\": null}\r\n"
            "{\"id\": \"x\"}\n"
            "{\"text\": \"a\", \"strategy\": \"longest\"}\n"
            "{\"text\": \"\\ud83d\"}\n"
            "{\"text\": \"a\\u0000b\", \"special\": false}\n"
            "{\"text\": \"a\", \"max_length\": 0}\n"
            "{\"text\": \"a\", \"text\": \"b\"}",
            "tokenize", model);
    program_want(&program, 2);
    cr_assert_eq(count_lines(program.out), 10);
    cr_expect(slice_starts_with(program.out, SLICE("{\"id\":{\"a\": [1, 2.50]},\"ids\":[")), "%s",
              program.out.ptr);
    cr_expect_eq(number_of(json_line(program.out, 1), "id"), 7);
    const bool fails[] = {false, true, true, false, true, true, true, false, true, true};
    for (size_t i = 0; i < 10; i++) {
        const Json *answer = json_line(program.out, i);
        cr_expect_eq(json_get(answer, "error") != NULL, fails[i], "line %zu", i);
        cr_expect_eq(json_get(answer, "ids") != NULL, !fails[i], "line %zu", i);
    }
    cr_expect(text_contains(program.err, "7 of 10 cases"), "%s", program.err.ptr);
    folder_remove(folder);
    arena_release(&arena);
}

Test(tokenize, keeps_the_case_of_a_bare_vocabulary_when_told)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *vocab =
        write_file(&arena, folder, "v.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nab\nAb\n");
    const Program cased = RUN(&arena, "{\"text\": \"Ab\"}", "tokenize", vocab, "--cased");
    const Program lower = RUN(&arena, "{\"text\": \"Ab\"}", "tokenize", vocab);
    const Program refused = RUN(&arena, "{\"text\": \"Ab\"}", "tokenize", folder, "--cased");
    program_want(&cased, 0);
    program_want(&lower, 0);
    program_want(&refused, 2);
    cr_expect(text_contains(cased.out, "\"ids\":[2,6,3]"), "%s", cased.out.ptr);
    cr_expect(text_contains(lower.out, "\"ids\":[2,5,3]"), "%s", lower.out.ptr);
    cr_expect(text_contains(refused.err, "--cased"), "%s", refused.err.ptr);
    folder_remove(folder);
    arena_release(&arena);
}

Test(tokenize, reads_and_writes_files_and_gives_one_array_with_json)
{
    Arena arena = {0};
    Error err = {0};
    Slice written = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_EMBEDDING, NULL, 0);
    const char *in =
        write_file(&arena, folder, "in.jsonl", "{\"text\":\"good\"}\n{\"text\":\"bad\"}\n");
    const char *out = arena_printf(&arena, "%s/out.jsonl", folder);
    const Program to_file = RUN(&arena, NULL, "tokenize", model, "--in", in, "--out", out);
    program_want(&to_file, 0);
    cr_expect_eq(to_file.out.len, 0);
    cr_assert_eq(file_read(&arena, out, 1 << 20, &written, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(count_lines(written), 2);
    const Program as_array = RUN(&arena, NULL, "tokenize", model, "--in", in, "--json");
    program_want(&as_array, 0);
    cr_expect_eq(json_len(json_of(as_array.out)), 2);
    const Program empty = RUN(&arena, "", "tokenize", model, "--json");
    program_want(&empty, 0);
    cr_expect_eq(json_len(json_of(empty.out)), 0);
    const Program no_folder =
        RUN(&arena, NULL, "tokenize", model, "--in", in, "--out", "/no/such/x");
    program_want(&no_folder, 2);
    folder_remove(folder);
    arena_release(&arena);
}

Test(tokenize, trains_the_same_vocabulary_twice_and_reads_it)
{
    static const char *const kinds[][2] = {{"wordpiece", "vocab.txt"}, {"bpe", "merges.txt"}};
    Arena arena = {0};
    const char *folder = folder_make();
    const char *text =
        write_file(&arena, folder, "text.txt", "low lower lowest\nnew newer newest low\n");
    for (size_t i = 0; i < 2; i++) {
        Slice files[2];
        for (size_t k = 0; k < 2; k++) {
            Error err = {0};
            const char *out = arena_printf(&arena, "%s/%s%zu", folder, kinds[i][0], k);
            const Program program =
                RUN(&arena, NULL, "tokenize", "--train", kinds[i][0], "--vocab-size",
                    i ? "290" : "40", text, "-o", out, "--json");
            program_want(&program, 0);
            cr_expect_gt(number_of(json_of(program.out), "vocab_size"), 15);
            cr_assert_eq(file_read(&arena, arena_printf(&arena, "%s/tokenizer.json", out), 1 << 20,
                                   &files[k], &err),
                         STATUS_OK, "%s", err.text);
            cr_expect(file_exists(arena_printf(&arena, "%s/%s", out, kinds[i][1])));
            const Program used = RUN(&arena, "{\"text\": \"lowest newest\"}", "tokenize", out);
            program_want(&used, 0);
        }
        cr_expect(slice_eq(files[0], files[1]), "%s is not deterministic", kinds[i][0]);
    }
    const Program without_size =
        RUN(&arena, NULL, "tokenize", "--train", "bpe", text, "-o", folder);
    program_want(&without_size, 2);
    cr_expect(text_contains(without_size.err, "--vocab-size"));
    const Program misplaced = RUN(&arena, NULL, "tokenize", "--vocab-size", "9", folder);
    program_want(&misplaced, 2);
    folder_remove(folder);
    arena_release(&arena);
}

// A folder that has a vocab.txt alone: its WordPiece goes into the GGUF file, with what tokenizer_config.json says of case.
Test(tokenize, a_vocabulary_of_lines_travels_in_gguf)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_EMBEDDING, NULL, 0);
    const char *gguf = arena_printf(&arena, "%s/m.gguf", folder);
    const char *in = "{\"text\": \"The FILM is g\u00d6\u00f6d [MASK] \u4e2d\u6587, unlikely\"}\n"
                     "{\"text\": \"a\", \"pair\": \"bad end\"}\n";
    static const char *const configs[] = {"{}", "{\"do_lower_case\": false}",
                                          "{\"strip_accents\": false}",
                                          "{\"tokenize_chinese_chars\": false}"};
    cr_assert(remove(arena_printf(&arena, "%s/tokenizer.json", model)) == 0);
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        write_file(&arena, model, "tokenizer_config.json", configs[i]);
        const Program made = RUN(&arena, NULL, "quantize", model, "--to", "f32", "-o", gguf);
        program_want(&made, 0);
        const Program of_folder = RUN(&arena, in, "tokenize", model),
                      of_file = RUN(&arena, in, "tokenize", gguf);
        program_want(&of_folder, 0);
        cr_expect(slice_eq(of_folder.out, of_file.out), "%s: " SLICE_FMT, configs[i],
                  SLICE_ARG(of_file.out));
    }
    folder_remove(folder);
    arena_release(&arena);
}

// A second text under another name would be left out unseen.
Test(tokenize, refuses_members_that_are_nearly_known)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_EMBEDDING, NULL, 0);
    const Program program = RUN(&arena,
                                "{\"text\": \"a\", \"text_pair\": \"bad end\"}\n"
                                "{\"text\": \"a\", \"maxlength\": 3}\n"
                                "{\"text\": \"a\", \"pair\": \"end\", \"label\": 3}\n",
                                "tokenize", model);
    program_want(&program, 2);
    cr_expect(text_contains(text_of(json_line(program.out, 0), "error"), "if \"pair\" is meant"));
    cr_expect(text_contains(text_of(json_line(program.out, 1), "error"), "\"max_length\""));
    cr_expect(json_get(json_line(program.out, 2), "ids"));
    folder_remove(folder);
    arena_release(&arena);
}

// As in Transformers; but one who took another model's tokenizer hears of it.
Test(tokenize, ids_without_a_token_have_no_text_and_are_named)
{
    Arena arena = {0};
    const char *model = shared_need("models/tok-wp_uncased");
    const Program p = RUN(&arena, "{\"ids\": [2, 100000, 330, -4, 3]}\n{\"ids\": [330]}\n",
                          "tokenize", model, "--decode");
    program_want(&p, 0);
    const Json *first = json_line(p.out, 0), *second = json_line(p.out, 1);
    cr_expect(slice_eq_cstr(json_string(json_get(first, "text")), "[CLS] the [SEP]"));
    cr_expect(slice_eq_cstr(json_string(json_get(first, "text_skip_special")), "the"));
    const Json *unknown = json_get(first, "unknown");
    cr_assert_eq(json_len(unknown), 2);
    cr_expect_eq(json_double(json_at(unknown, 0)), 100000);
    cr_expect_eq(json_double(json_at(unknown, 1)), -4);
    cr_expect_null(json_get(second, "unknown"));
    arena_release(&arena);
}
