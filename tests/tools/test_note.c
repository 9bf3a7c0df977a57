// The note beside a tuned model: predict and later suites answer as the suite did that tuned it.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "program.h"
#include "tests/support/folder.h"

#define TINY(positions)                                                                   \
    "{\"architecture\": \"bert\", \"hidden_size\": 16, \"n_layers\": 1, \"n_heads\": 2, " \
    "\"intermediate_size\": 32, \"max_positions\": " positions                            \
    ", \"vocab_size\": 120, \"cased\": "                                                  \
    "true}"

enum { N_QUESTIONS = 60 };

// The word after KEY answers; every third question has no answer. The steps take the capitals away.
static void write_questions(Arena *arena, const char *folder, const char *name, size_t seed)
{
    Buffer text = {0};
    buffer_append_cstr(&text, "{\"data\": [{\"title\": \"t\", \"paragraphs\": [");
    for (size_t i = 0; i < N_QUESTIONS; i++) {
        const size_t at = (i * seed) % 9;
        buffer_printf(&text, "%s{\"context\": \"", i ? ", " : "");
        size_t begin = 0, len = 0;
        for (size_t w = 0; w < 10; w++) {
            if (w == at && i % 3) {
                begin = len + 4;
                buffer_printf(&text, "KEY GOLD%zu ", i % 4);
                len += 10;
            }
            buffer_printf(&text, "Word%zu ", (w * 7 + i) % 9);
            len += 6;
        }
        buffer_printf(
            &text, "\", \"qas\": [{\"id\": \"q%zu\", \"question\": \"Which\", \"answers\": [", i);
        if (i % 3)
            buffer_printf(&text, "{\"text\": \"GOLD%zu\", \"answer_start\": %zu}", i % 4, begin);
        buffer_printf(&text, "], \"is_impossible\": %s}]}", i % 3 ? "false" : "true");
    }
    buffer_append_cstr(&text, "]}]}");
    write_file(arena, folder, name, text.ptr);
    buffer_release(&text);
}

static double score_of(const Program *run, const char *name)
{
    const Json *scores = json_get(json_of(run->out), "scores");
    for (const Json *s = json_first(scores); s; s = json_next(s)) {
        if (slice_eq_cstr(text_of(s, "score"), name) && slice_eq_cstr(text_of(s, "model"), "m"))
            return number_of(s, "estimate");
    }
    cr_assert_fail("no score %s in " SLICE_FMT, name, SLICE_ARG(run->out));
    return NAN;
}

static Program run_suite_text(Arena *arena, const char *folder, const char *name, const char *text)
{
    const char *suite = write_file(arena, folder, name, text);
    return RUN(arena, NULL, "run", suite, "--store", arena_printf(arena, "%s/%s.db", folder, name),
               "--report", arena_printf(arena, "%s/%s.report", folder, name), "--json");
}

// A later suite over the model of folder/best, judged as saved.
static double judge_again(Arena *arena, const char *folder, const char *name, const char *keys)
{
    char text[1024];
    snprintf(
        text, sizeof text,
        "{\"suite\": \"later\", \"models\": [{\"name\": \"m\", \"path\": \"best\"}], \"tasks\": "
        "[{\"name\": \"q\", \"family\": \"span\"%s, \"data\": {\"test\": \"test.json\"}}], "
        "\"report\": {\"formats\": [\"json\"]}}",
        keys);
    const Program run = run_suite_text(arena, folder, name, text);
    program_want(&run, 0);
    return score_of(&run, "squad_exact");
}

// How many of the questions predict answers as their file does.
static double count_answered(Arena *arena, const char *folder)
{
    Buffer lines = {0};
    char path[600];
    snprintf(path, sizeof path, "%s/test.json", folder);
    JsonDocument *document = NULL;
    Error err = {0};
    cr_assert_eq(json_load(path, JSON_STRICT, &document, &err), STATUS_OK, "%s", err.text);
    const Json *paragraphs =
        json_get(json_at(json_get(json_root(document), "data"), 0), "paragraphs");
    for (const Json *p = json_first(paragraphs); p; p = json_next(p)) {
        const Slice context = json_string(json_get(p, "context"));
        buffer_printf(&lines, "{\"text\": \"Which\", \"pair\": \"" SLICE_FMT "\"}\n",
                      SLICE_ARG(context));
    }
    const Program said = RUN(arena, lines.ptr, "predict", arena_printf(arena, "%s/best", folder));
    program_want(&said, 0);
    double n_right = 0;
    for (size_t i = 0; i < N_QUESTIONS; i++) {
        char right[16] = "";
        const Json *line = json_line(said.out, i);
        if (i % 3) snprintf(right, sizeof right, "gold%zu", i % 4);
        n_right += slice_eq_cstr(text_of(line, "text"), right);
        cr_expect_eq(json_bool(json_get(line, "is_impossible")), text_of(line, "text").len == 0);
    }
    json_close(&document);
    buffer_release(&lines);
    return n_right;
}

Test(note, a_final_span_model_answers_as_its_suite_did_in_predict_and_in_later_suites)
{
    Arena arena = {0};
    const char *folder = folder_make();
    write_questions(&arena, folder, "train.json", 5);
    write_questions(&arena, folder, "test.json", 7);
    const Program tuned = run_suite_text(
        &arena, folder, "s.json",
        "{\"suite\": \"s\", \"seed\": 3, \"models\": [{\"name\": \"m\", \"create\": " TINY(
            "24") "}], \"tasks\": [{\"name\": \"q\", \"family\": \"span\", \"doc_stride\": 6, \"prepare\": "
                  "[\"lower\"], \"null_threshold\": \"tune\", \"data\": {\"train\": \"train.json\", \"test\": "
                  "\"test.json\"}}], \"tune\": {\"learning_rate\": 1e-2, \"batch_size\": 8, \"epochs\": 25}, "
                  "\"folds\": {\"inner\": 0.2, \"final\": \"best\"}, \"report\": {\"formats\": [\"json\"]}}");
    program_want(&tuned, 0);
    JsonDocument *note = NULL;
    Error err = {0};
    const char *path = arena_printf(&arena, "%s/best/assay.json", folder);
    cr_assert_eq(json_load(path, JSON_STRICT, &note, &err), STATUS_OK, "%s", err.text);
    const Json *root = json_root(note);
    cr_expect_eq(number_of(root, "doc_stride"), 6);
    cr_expect_eq(number_of(root, "max_length"), 24);
    char keys[300];
    snprintf(keys, sizeof keys,
             ", \"doc_stride\": 6, \"prepare\": [\"lower\"], \"null_threshold\": %.17g",
             number_of(root, "null_threshold"));
    cr_expect_neq(number_of(root, "null_threshold"), 0);
    const double followed = judge_again(&arena, folder, "a.json", ""),
                 said = judge_again(&arena, folder, "b.json", keys),
                 left = judge_again(&arena, folder, "c.json", ", \"prepare\": []");
    cr_expect_eq(followed, said, "%g followed, %g said", followed, said);
    cr_expect_gt(followed, 0.6);
    cr_expect_gt(followed, left, "without the steps as good: %g", left);
    const double n_right = count_answered(&arena, folder);
    cr_expect(fabs(n_right / N_QUESTIONS - followed) < 1e-9, "predict has %g of %d right", n_right,
              N_QUESTIONS);
    json_close(&note);
    folder_remove(folder);
    arena_release(&arena);
}

Test(note, tuning_prepares_and_copies_as_suites_do_and_says_how)
{
    Arena arena = {0};
    Buffer text = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_EMBEDDING, NULL, 0);
    const char *out = arena_printf(&arena, "%s/out", folder);
    buffer_append_cstr(&text, "text\tlabel\n");
    for (int i = 0; i < 40; i++)
        buffer_printf(&text, "the %s film %d\t%s\n", i % 2 ? "GOOD" : "BAD", i % 7,
                      i % 2 ? "+" : "-");
    const char *data = write_file(&arena, folder, "data.tsv", text.ptr);
    const Program tuned = RUN(&arena, NULL, "tune", model, "--train", data, "--valid-share", "0.2",
                              "--prepare", "lower", "--augment", "swap,copies=2", "--epochs", "3",
                              "--batch-size", "4", "--out", out, "--json", "--seed", "5");
    program_want(&tuned, 0);
    cr_expect(text_contains(tuned.err, "copies of training samples"), SLICE_FMT,
              SLICE_ARG(tuned.err));
    const double n_steps = number_of(json_of(tuned.out), "steps");
    cr_expect_gt(n_steps, 3 * 8, "%g steps: no copy was learnt", n_steps);
    const Program upper = RUN(&arena, "{\"text\": \"the GOOD film 2\"}\n", "predict", out),
                  lower = RUN(&arena, "{\"text\": \"the good film 2\"}\n", "predict", out);
    program_want(&upper, 0);
    cr_expect(slice_eq(upper.out, lower.out));
    // As a GGUF file, and as the folder made of that, it answers as it did: the note goes along.
    const char *gguf = arena_printf(&arena, "%s/out.gguf", folder),
               *back = arena_printf(&arena, "%s/back", folder);
    const Program there = RUN(&arena, NULL, "quantize", out, "--to", "f32", "-o", gguf),
                  again = RUN(&arena, NULL, "quantize", gguf, "--to", "f32", "-o", back);
    program_want(&there, 0);
    program_want(&again, 0);
    const Program of_gguf = RUN(&arena, "{\"text\": \"the GOOD film 2\"}\n", "predict", gguf),
                  of_back = RUN(&arena, "{\"text\": \"the GOOD film 2\"}\n", "predict", back);
    cr_expect(slice_eq(upper.out, of_gguf.out), SLICE_FMT, SLICE_ARG(of_gguf.out));
    cr_expect(slice_eq(upper.out, of_back.out), SLICE_FMT, SLICE_ARG(of_back.out));
    static const struct {
        const char *option, *value, *message;
    } wrong[] = {{"--augment", "eda,copies=many", "copies"},
                 {"--augment", "copies=2", "kind"},
                 {"--augment", "eda,forward=x", "forward"},
                 {"--augment", "eda,,", "--augment"},
                 {"--prepare", "lowr", "lower"},
                 {"--null-threshold", "tune", "--task span"},
                 {"--decode", "valid", "--task tag"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const Program refused = RUN(&arena, NULL, "tune", model, "--train", data, "--out", out,
                                    wrong[i].option, wrong[i].value);
        program_want(&refused, 2);
        cr_expect(text_contains(refused.err, wrong[i].message), "case %zu says: " SLICE_FMT, i,
                  SLICE_ARG(refused.err));
        cr_expect(!text_contains(refused.err, "options:"), "case %zu names a place nobody wrote",
                  i);
    }
    buffer_release(&text);
    folder_remove(folder);
    arena_release(&arena);
}

Test(note, words_get_a_tag_each_and_a_wrong_note_is_named)
{
    Arena arena = {0};
    Buffer text = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_EMBEDDING, NULL, 0);
    const char *out = arena_printf(&arena, "%s/out", folder);
    for (int i = 0; i < 40; i++)
        buffer_printf(&text, "the O\n%s B-X\nfilm I-X\n%d O\n\n", i % 2 ? "good" : "bad", i % 3);
    const char *data = write_file(&arena, folder, "t.conll", text.ptr);
    const Program tuned =
        RUN(&arena, NULL, "tune", model, "--train", data, "--epochs", "20", "--batch-size", "4",
            "--learning-rate", "2e-3", "--decode", "valid", "--out", out);
    program_want(&tuned, 0);
    const Program tagged =
        RUN(&arena, "{\"words\": [\"the\", \"good\", \"film\", \"1\"]}\n", "predict", out);
    program_want(&tagged, 0);
    cr_expect(
        slice_eq_cstr(slice_trim(tagged.out),
                      "{\"words\":[\"the\",\"good\",\"film\",\"1\"],\"tags\":[\"O\",\"B-X\",\"I-"
                      "X\",\"O\"]}"),
        SLICE_FMT, SLICE_ARG(tagged.out));
    const Program wrong = RUN(&arena, "{\"words\": [\"the\", \" \"]}\n", "predict", out);
    program_want(&wrong, 2);
    cr_expect(text_contains(wrong.out, "word 1 is empty"), SLICE_FMT, SLICE_ARG(wrong.out));
    write_file(&arena, out, "assay.json", "{\"prepare\": [\"nothing\"]}");
    const Program refused = RUN(&arena, "{\"text\": \"x\"}\n", "predict", out);
    program_want(&refused, 2);
    cr_expect(text_contains(refused.err, "assay.json:1:14") &&
                  text_contains(refused.err, "no step \"nothing\""),
              SLICE_FMT, SLICE_ARG(refused.err));
    buffer_release(&text);
    folder_remove(folder);
    arena_release(&arena);
}
