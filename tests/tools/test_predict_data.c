// Data sets answered by `assay predict`, in the forms that other programs read.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "program.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static const Slice classes[] = {SLICE_LIT("bad, too"), SLICE_LIT("good"), SLICE_LIT("so\"so")};
static const Slice tags[] = {SLICE_LIT("O"), SLICE_LIT("B-A"), SLICE_LIT("I-A")};

// One question is answerable, one is not, and one has an answer that stands nowhere.
static const char squad[] =
    "{\"version\": \"v2.0\", \"data\": [{\"title\": \"t\", \"paragraphs\": [{\"context\": "
    "\"the old clock is good and the film is bad\", \"qas\": [{\"id\": \"q \\\"1\\\"\", \"question\": "
    "\"the film?\", \"answers\": [{\"text\": \"bad\", \"answer_start\": 38}], \"is_impossible\": false}, "
    "{\"id\": \"q2\", \"question\": \"who?\", \"answers\": [], \"is_impossible\": true}, {\"id\": \"q3\", "
    "\"question\": \"what?\", \"answers\": [{\"text\": \"nobody\", \"answer_start\": 3}], \"is_impossible\": "
    "false}]}]}]}";

static Slice read_file(Arena *arena, const char *folder, const char *name)
{
    Error err = {0};
    Slice text = {0};
    cr_assert_eq(file_read(arena, folder_path(folder, name), 1 << 20, &text, &err), STATUS_OK, "%s",
                 err.text);
    return text;
}

// Paths of several calls, which folder_path does not keep.
static const char *path_of(Arena *arena, const char *folder, const char *name)
{
    return arena_cstr(arena, slice_from_cstr(folder_path(folder, name)));
}

Test(predict_data, questions_become_the_scripts_predictions)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SPAN, NULL, 0);
    folder_write(folder, "dev.json", squad);
    const char *in = path_of(&arena, folder, "dev.json"), *out = path_of(&arena, folder, "p.json");
    const struct {
        const char *threshold;
        bool answers;
    } cases[] = {{"1000", true}, {"-1000", false}};
    for (size_t i = 0; i < 2; i++) {
        const Program p = RUN(&arena, NULL, "predict", model, "--in", in, "--out", out,
                              "--null-threshold", cases[i].threshold);
        program_want(&p, 0);
        const Json *got = json_of(read_file(&arena, folder, "p.json"));
        cr_assert_eq(json_len(got), 3);
        cr_expect(slice_eq_cstr(json_key(json_at(got, 0)), "q \"1\""));
        for (size_t k = 0; k < 3; k++) {
            const Slice text = json_string(json_at(got, k));
            cr_expect_eq(text.len > 0, cases[i].answers, SLICE_FMT, SLICE_ARG(text));
        }
        const Program scored = RUN(&arena, NULL, "score", "squad", in, out, "--json");
        program_want(&scored, 0);
        cr_expect_eq(number_of(json_of(scored.out), "NoAns_exact"), cases[i].answers ? 0 : 100);
    }
    // Lines, and bytes that hang neither on --batch nor on --threads.
    const Program lines = RUN(&arena, NULL, "predict", model, "--in", in),
                  small = RUN(&arena, NULL, "predict", model, "--in", in, "--batch", "1",
                              "--threads", "2");
    program_want(&lines, 0);
    cr_expect(slice_eq(lines.out, small.out));
    cr_expect(slice_eq_cstr(text_of(json_line(lines.out, 1), "id"), "q2"));
    folder_remove(folder);
    arena_release(&arena);
}

Test(predict_data, words_are_written_with_their_tags)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_TOKEN, tags, 3);
    folder_write(folder, "t.conll",
                 "# of our own\r\nthe\tX\tB-A\r\nfilm\tX\tO\r\n\r\n\r\ngood\tX\tO\r\n");
    folder_write(folder, "bare.txt", "the\nfilm\n\ngood\n");
    const char *in = path_of(&arena, folder, "t.conll"), *out = path_of(&arena, folder, "o.bio"),
               *bare = path_of(&arena, folder, "bare.txt");
    const Program p = RUN(&arena, NULL, "predict", model, "--in", in, "--out", out);
    program_want(&p, 0);
    Slice rest = read_file(&arena, folder, "o.bio"), line;
    static const char *const words[] = {"the", "film", "", "good", ""};
    for (size_t i = 0; i < 5; i++) {
        cr_assert(slice_split(&rest, '\n', &line));
        const Slice word = slice_sub(line, 0, slice_find_byte(line, '\t'));
        cr_expect(slice_eq_cstr(word, words[i]), "line %zu: " SLICE_FMT, i, SLICE_ARG(line));
        const Slice tag = slice_sub(line, word.len + 1, line.len);
        cr_expect(line.len == 0 || slice_eq(tag, tags[0]) || slice_eq(tag, tags[1]) ||
                  slice_eq(tag, tags[2]));
    }
    cr_expect_eq(rest.len, 0);
    // Without tags, in another form: the same answers.
    const Program untagged = RUN(&arena, NULL, "predict", model, "--in", bare, "--format", "conll",
                                 "--out-format", "conll");
    program_want(&untagged, 0);
    cr_expect(slice_eq(untagged.out, read_file(&arena, folder, "o.bio")), "%s", untagged.out.ptr);
    folder_remove(folder);
    arena_release(&arena);
}

Test(predict_data, tables_are_read_by_column_and_written_with_quotes)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, classes, 3);
    folder_write(folder, "r.csv",
                 "key,review,stars\n\"a,1\",\"the film, \"\"good\"\"\",5\nb,bad,\n");
    const char *in = path_of(&arena, folder, "r.csv"), *out = path_of(&arena, folder, "o.csv");
    const Program p = RUN(&arena, NULL, "predict", model, "--in", in, "--out", out, "--text",
                          "review", "--id-column", "key");
    program_want(&p, 0);
    const Program lines = RUN(&arena, NULL, "predict", model, "--in", in, "--text", "review",
                              "--id-column", "key", "--label", "");
    program_want(&lines, 0);
    const Program plain = RUN(
        &arena, "{\"text\": \"the film, \\\"good\\\"\"}\n{\"text\": \"bad\"}\n", "predict", model);
    program_want(&plain, 0);
    Slice rest = read_file(&arena, folder, "o.csv"), line;
    cr_assert(slice_split(&rest, '\n', &line));
    cr_expect(slice_eq_cstr(line, "id,label,probability"));
    static const char *const ids[] = {"\"a,1\",", "b,"};
    static const char *const fields[] = {"\"bad, too\",", "good,", "\"so\"\"so\","};
    for (size_t i = 0; i < 2; i++) {
        const Json *answer = json_line(lines.out, i), *alone = json_line(plain.out, i);
        cr_assert(slice_split(&rest, '\n', &line));
        cr_expect(slice_starts_with(line, slice_from_cstr(ids[i])), SLICE_FMT, SLICE_ARG(line));
        line = slice_sub(line, strlen(ids[i]), line.len);
        size_t c = 0;
        while (c < 3 && !slice_eq(text_of(answer, "label"), classes[c])) c++;
        cr_assert_lt(c, 3);
        cr_expect(slice_starts_with(line, slice_from_cstr(fields[c])), SLICE_FMT, SLICE_ARG(line));
        cr_expect(slice_eq(text_of(answer, "label"), text_of(alone, "label")));
        for (size_t k = 0; k < 3; k++)
            cr_expect_eq(json_double(json_at(json_get(answer, "probabilities"), k)),
                         json_double(json_at(json_get(alone, "probabilities"), k)));
    }
    folder_remove(folder);
    arena_release(&arena);
}

Test(predict_data, sets_about_bias_give_likelihoods_of_their_choices)
{
    char model[4096];
    Arena arena = {0};
    const char *folder = folder_make();
    snprintf(model, sizeof model, "%s", shared_need("models/tiny-bert-mlm"));
    folder_write(folder, "c.csv",
                 "sent_more,sent_less,stereo_antistereo,bias_type\n"
                 "The old man is slow.,The young man is slow.,stereo,age\n");
    const char *in = path_of(&arena, folder, "c.csv");
    const Program p = RUN(&arena, NULL, "predict", model, "--in", in, "--format", "crows-pairs");
    const Program asked = RUN(&arena, NULL, "predict", model, "--in", in, "--format", "crows-pairs",
                              "--mode", "prefer");
    const Program cases =
        RUN(&arena, "{\"prompt\": \"a\"}\n", "predict", model, "--mode", "prefer");
    program_want(&asked, 0);
    cr_expect(slice_eq(asked.out, p.out));
    program_want(&cases, 2);
    cr_expect_neq(slice_find(cases.out, SLICE("--mode prefer reads sets about bias")), SIZE_MAX);
    program_want(&p, 0);
    const Json *answer = json_line(p.out, 0), *both = json_get(answer, "log_likelihoods");
    const double more = number_of(answer, "sent_more_score"),
                 less = number_of(answer, "sent_less_score");
    cr_expect(more < 0 && less < 0 && json_len(both) == 2);
    cr_expect_eq(json_double(json_at(both, 0)), more);
    cr_expect(slice_eq_cstr(text_of(answer, "text"),
                            more >= less ? "The old man is slow." : "The young man is slow."));
    folder_remove(folder);
    arena_release(&arena);
}

Test(predict_data, what_does_not_go_together_is_said)
{
    static const struct {
        const char *name, *text, *options[4], *says;
    } cases[] = {
        {"a.json",
         "{\"text\": \"a\", \"pair\": \"b\"}\n{\"id\": 1}\n", // cases, whatever the name
         {NULL},
         "1 of 2 cases could not be worked on"},
        {"a.json", "{\"data\": [{}]}", {"--mode", "span"}, "\"paragraphs\" is missing"},
        {"a.json",
         squad,
         {"--out-format", "conll"},
         "are not written as \"conll\": give --out-format jsonl or squad"},
        {"a.json", squad, {"--out", "x.csv"}, "--out x.csv: answers of --mode span"},
        {"a.json", squad, {"--format", "squad", "--explain"}, "--explain wants JSON Lines"},
        {"a.json",
         squad,
         {"--mode", "logits", "--format", "squad"},
         "--mode logits reads JSON Lines of cases"},
        {"a.tsv",
         "text\tlabel\na\tb\n",
         {NULL},
         "a.tsv:2: a \"tsv\" file has nothing for --mode span"},
        {"a.json", squad, {"--format", "sqad"}, "did you mean \"squad\"?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        const char *folder = folder_make();
        const char *model = make_model(&arena, folder, HEAD_SPAN, NULL, 0);
        folder_write(folder, cases[i].name, cases[i].text);
        const char *const *o = cases[i].options;
        const char *in = path_of(&arena, folder, cases[i].name);
        const Program p =
            o[0] == NULL   ? RUN(&arena, NULL, "predict", model, "--in", in)
            : o[1] == NULL ? RUN(&arena, NULL, "predict", model, "--in", in, o[0])
            : o[2] == NULL ? RUN(&arena, NULL, "predict", model, "--in", in, o[0], o[1])
            : o[3] == NULL
                ? RUN(&arena, NULL, "predict", model, "--in", in, o[0], o[1], o[2])
                : RUN(&arena, NULL, "predict", model, "--in", in, o[0], o[1], o[2], o[3]);
        program_want(&p, 2);
        cr_expect(text_contains(p.err, cases[i].says), "case %zu: %s", i, p.err.ptr);
        folder_remove(folder);
        arena_release(&arena);
    }
}
