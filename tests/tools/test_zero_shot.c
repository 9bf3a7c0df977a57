// Labels that a model was never tuned on, by what it says of entailment.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "program.h"
#include "tests/support/folder.h"

static const Slice nli[] = {SLICE_LIT("Contradiction"), SLICE_LIT("neutral"),
                            SLICE_LIT("ENTAILMENT")};
static const Slice two[] = {SLICE_LIT("entailment"), SLICE_LIT("not_entailment")};

static double number(const Json *row, const char *object, const char *key)
{
    const Json *value = json_get(json_get(row, object), key);
    cr_assert(value, "no \"%s\" in \"%s\"", key, object);
    return json_double(value);
}

// The model's scores of a text with a hypothesis.
static void scores_of(Arena *arena, const char *model, const char *hypothesis, double *out,
                      size_t n)
{
    const char *line =
        arena_printf(arena, "{\"text\": \"the film is good\", \"pair\": \"%s\"}\n", hypothesis);
    const Program program = RUN(arena, line, "predict", model, "--mode", "logits");
    program_want(&program, 0);
    for (size_t i = 0; i < n; i++)
        out[i] = json_double(json_at(json_get(json_line(program.out, 0), "logits"), i));
}

// As Transformers' pipeline: softmax of entailment over candidates, or of entailment and contradiction for each.
Test(zero_shot, candidates_are_as_likely_as_the_text_entails_them)
{
    static const struct {
        const Slice *labels;
        size_t n, entailment, contradiction;
    } models[] = {{nli, 3, 2, 0}, {two, 2, 0, 1}};
    for (size_t k = 0; k < 2; k++) {
        Arena arena = {0};
        double a[3], b[3];
        const char *folder = folder_make();
        const char *model =
            make_model(&arena, folder, HEAD_SEQUENCE, models[k].labels, models[k].n);
        const size_t e = models[k].entailment, c = models[k].contradiction;
        scores_of(&arena, model, "It is about good.", a, models[k].n);
        scores_of(&arena, model, "It is about bad.", b, models[k].n);
        Program program =
            RUN(&arena,
                "{\"text\": \"the film is good\", \"candidate_labels\": [\"good\", \"bad\"], "
                "\"hypothesis_template\": \"It is about {}.\"}\n",
                "predict", model);
        program_want(&program, 0);
        const Json *row = json_line(program.out, 0);
        const double p = 1 / (1 + exp(b[e] - a[e]));
        cr_expect_float_eq(number(row, "probabilities", "good"), p, 1e-6);
        cr_expect_float_eq(number(row, "probabilities", "bad"), 1 - p, 1e-6);
        cr_expect(slice_eq_cstr(json_string(json_get(row, "label")), p >= 0.5 ? "good" : "bad"));
        program =
            RUN(&arena, "{\"text\": \"the film is good\"}\n", "predict", model,
                "--candidate-labels", "good", "--candidate-labels", "bad", "--hypothesis-template",
                "It is about {}.", "--multi-label", "--threshold", "0");
        program_want(&program, 0);
        row = json_line(program.out, 0);
        cr_expect_float_eq(number(row, "probabilities", "good"), 1 / (1 + exp(a[c] - a[e])), 1e-6);
        cr_expect_float_eq(number(row, "probabilities", "bad"), 1 / (1 + exp(b[c] - b[e])), 1e-6);
        cr_expect_eq(json_len(json_get(row, "labels")), 2);
        folder_remove(folder);
        arena_release(&arena);
    }
}

// One that cannot be asked so fails in its place, and the others go on.
Test(zero_shot, what_is_wrong_is_told_of_its_line_alone)
{
    static const struct {
        const char *members, *says;
    } cases[] = {
        {"\"text\": \"a\", \"candidate_labels\": []", "there are no candidate labels"},
        {"\"text\": \"a\", \"candidate_labels\": [\"x\", \"x\"]", "is given twice"},
        {"\"text\": \"a\", \"candidate_labels\": [\"x\"], \"hypothesis_template\": \"none\"",
         "wants {} once"},
        {"\"text\": \"a\", \"candidate_labels\": [\"x\"], \"hypothesis_template\": \"{} {}\"",
         "wants {} once"},
        {"\"text\": \"a\", \"candidate_labels\": [\"x\"], \"hypothesis_template\": \"{0}\"",
         "wants {} once"},
        {"\"text\": \"a\", \"pair\": \"b\", \"candidate_labels\": [\"x\"]", "without \\\"pair\\\""},
        {"\"text\": \"a\", \"candidate_labels\": [\"x\"], \"multi_label\": 1", "true or false"},
    };
    Arena arena = {0};
    Buffer lines = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, nli, 3);
    const size_t n = sizeof cases / sizeof *cases;
    for (size_t i = 0; i < n; i++) buffer_printf(&lines, "{%s}\n", cases[i].members);
    buffer_append_cstr(&lines,
                       "{\"text\": \"a\", \"candidate_labels\": \"x\"}\n{\"text\": \"a\"}\n");
    const Program program = RUN(&arena, arena_cstr(&arena, buffer_slice(&lines)), "predict", model);
    program_want(&program, 2);
    Slice rest = program.out, line;
    for (size_t i = 0; slice_split(&rest, '\n', &line) && i < n + 2; i++) {
        const char *says = i < n    ? cases[i].says
                           : i == n ? "\"probabilities\":{\"x\":"
                                    : "\"Contradiction\":";
        cr_expect(text_contains(line, says), "line %zu: " SLICE_FMT, i, SLICE_ARG(line));
    }
    buffer_release(&lines);
    folder_remove(folder);
    arena_release(&arena);
}

static const char *suite_text(Arena *arena, const char *model, const char *family, const char *task)
{
    return arena_printf(
        arena,
        "{\"suite\": \"s\", \"models\": [{\"name\": \"m\", \"path\": \"%s\"}], \"tasks\": "
        "[{\"name\": \"t\", \"family\": \"%s\", \"data\": {\"test\": \"d.tsv\"}, "
        "\"zero_shot\": %s}]}",
        model, family, task);
}

// A suite asks such a model as predict does, a class by its word.
Test(zero_shot, a_suite_judges_models_that_tell_entailment)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, nli, 3);
    folder_write(folder, "d.tsv", "text\tlabel\nthe film is good\t1\nbad film\t0\n");
    folder_write(folder, "s.json",
                 suite_text(&arena, model, "classify",
                            "{\"hypothesis\": \"it is {}\", \"answers\": {\"0\": \"bad\", \"1\": "
                            "\"good\"}}"));
    const char *suite = folder_path(folder, "s.json");
    const char *store = arena_printf(&arena, "%s/s.db", folder);
    Program program = RUN(&arena, NULL, "run", suite, "--store", store, "--report",
                          arena_printf(&arena, "%s/r", folder));
    program_want(&program, 0);
    program = RUN(&arena, NULL, "export", "last", "--canonical", "--store", store);
    program_want(&program, 0);
    const char *found = strstr(arena_cstr(&arena, program.out), "\"probabilities\":[");
    double of_suite[2] = {0};
    char *end = NULL;
    cr_assert_not_null(found);
    of_suite[0] = strtod(found + strlen("\"probabilities\":["), &end);
    cr_assert_eq(*end, ',');
    of_suite[1] = strtod(end + 1, &end);
    cr_assert_eq(*end, ']');
    program = RUN(&arena,
                  "{\"text\": \"the film is good\", \"candidate_labels\": [\"bad\", \"good\"], "
                  "\"hypothesis_template\": \"it is {}\"}\n",
                  "predict", model);
    program_want(&program, 0);
    const Json *row = json_line(program.out, 0);
    cr_expect_float_eq(of_suite[0], number(row, "probabilities", "bad"), 1e-6);
    cr_expect_float_eq(of_suite[1], number(row, "probabilities", "good"), 1e-6);
    folder_remove(folder);
    arena_release(&arena);
}

Test(zero_shot, what_a_suite_cannot_ask_is_refused)
{
    static const struct {
        const char *family, *zero_shot, *data, *says;
    } cases[] = {
        {"multilabel", "{}", "text\tlabel\na\tx\nb\ty\n",
         "\"zero_shot\" is for \"classify\" tasks"},
        {"classify", "{\"hypothesis\": \"no place\"}", "text\tlabel\na\tx\nb\ty\n",
         "wants {} once"},
        {"classify", "{}", "text\tpair\tlabel\na\tc\tx\nb\tc\ty\n",
         "a pair leaves no place for a hypothesis"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        const char *folder = folder_make();
        const char *model = make_model(&arena, folder, HEAD_SEQUENCE, nli, 3);
        folder_write(folder, "d.tsv", cases[i].data);
        folder_write(folder, "s.json",
                     suite_text(&arena, model, cases[i].family, cases[i].zero_shot));
        const Program program = RUN(&arena, NULL, "run", folder_path(folder, "s.json"), "--store",
                                    arena_printf(&arena, "%s/s.db", folder));
        program_want(&program, 2);
        cr_expect(text_contains(program.err, cases[i].says), "case %zu: " SLICE_FMT, i,
                  SLICE_ARG(program.err));
        folder_remove(folder);
        arena_release(&arena);
    }
}
