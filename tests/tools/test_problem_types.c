// Models that give several labels at once, or numbers (problem_type of config.json): what is printed, learnt and refused.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "program.h"
#include "tests/support/folder.h"

static const Slice labels[] = {SLICE_LIT("insult"), SLICE_LIT("threat"), SLICE_LIT("toxic")};
static const char text[] = "{\"text\": \"the film is good\"}\n";

// A classifier whose config.json says this of its numbers.
static const char *model_with(Arena *arena, const char *folder, size_t n_labels, const char *type)
{
    Error err = {0};
    Slice config = {0};
    Buffer changed = {0};
    const char *model = make_model(arena, folder, HEAD_SEQUENCE, labels, n_labels);
    const char *path = arena_printf(arena, "%s/config.json", model);
    cr_assert_eq(file_read(arena, path, 1 << 20, &config, &err), STATUS_OK, "%s", err.text);
    const char *from = strstr(arena_cstr(arena, config), "\"problem_type\": \"");
    cr_assert(from, SLICE_FMT, SLICE_ARG(config));
    const char *value = from + strlen("\"problem_type\": \""), *end = strchr(value, '"');
    const size_t before = config.len - strlen(value);
    buffer_append(&changed, slice_sub(config, 0, before));
    buffer_append_cstr(&changed, type);
    buffer_append_cstr(&changed, end);
    cr_assert_eq(file_write(path, buffer_slice(&changed), &err), STATUS_OK, "%s", err.text);
    buffer_release(&changed);
    return model;
}

static double logit(const Program *program, size_t i)
{
    return json_double(json_at(json_get(json_line(program->out, 0), "logits"), i));
}

Test(problem_types, each_of_several_labels_has_its_own_probability_and_threshold)
{
    static const struct {
        const char *text;
        double value;
    } thresholds[] = {{"0", 0}, {"0.5", 0.5}, {"0.62", 0.62}, {"1", 1}};
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = model_with(&arena, folder, 3, "multi_label_classification");
    const Program logits = RUN(&arena, text, "predict", model, "--mode", "logits");
    for (size_t t = 0; t < 4; t++) {
        const Program own = RUN(&arena, text, "predict", model, "--threshold", thresholds[t].text);
        const Json *answer, *given, *probabilities;
        size_t n = 0;
        program_want(&own, 0);
        answer = json_line(own.out, 0);
        given = json_get(answer, "labels");
        probabilities = json_get(answer, "probabilities");
        cr_assert(given && probabilities && json_len(probabilities) == 3);
        for (size_t i = 0; i < 3; i++) {
            const double p = 1 / (1 + exp(-logit(&logits, i)));
            Slice name = {0};
            cr_expect_float_eq(json_double(json_at(probabilities, i)), p, 1e-6);
            cr_expect(slice_eq(json_key(json_at(probabilities, i)), labels[i]));
            if (p < thresholds[t].value) continue;
            cr_assert_lt(n, json_len(given), "threshold %s", thresholds[t].text);
            cr_expect_eq(json_as_string(json_at(given, n++), &name, NULL), STATUS_OK);
            cr_expect(slice_eq(name, labels[i]));
        }
        cr_expect_eq(json_len(given), n, "threshold %s", thresholds[t].text);
    }
    folder_remove(folder);
    arena_release(&arena);
}

Test(problem_types, numbers_are_given_as_they_are)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = model_with(&arena, folder, 3, "regression");
    const Program logits = RUN(&arena, text, "predict", model, "--mode", "logits");
    const Program own = RUN(&arena, text, "predict", model);
    program_want(&own, 0);
    const Json *values = json_get(json_line(own.out, 0), "values");
    cr_assert(values && json_len(values) == 3);
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(json_double(json_at(values, i)), logit(&logits, i));
        cr_expect(slice_eq(json_key(json_at(values, i)), labels[i]));
    }
    folder_remove(folder);
    arena_release(&arena);
}

static const char *tuned(Arena *arena, const char *folder, const char *model, const char *lines,
                         int status, Program *out)
{
    const char *in = write_file(arena, folder, "b.jsonl", lines);
    const char *to = arena_printf(arena, "%s/tuned", folder);
    *out = RUN(arena, NULL, "tune", model, "--batches", in, "--learning-rate", "0.01", "--dropout",
               "0", "--log", "-", "--out", to);
    program_want(out, status);
    return to;
}

// The losses of the first step are those of PyTorch's BCEWithLogitsLoss and MSELoss, from the model's own scores.
Test(problem_types, are_learnt_from_batches)
{
    static const char line[] = "{\"batch\": [{\"input_ids\": [2, 9, 3], \"labels\": [1, 0, 1]}, "
                               "{\"input_ids\": [2, 9, 11, 12, 3], \"labels\": [0, 0, 0.5]}]}\n";
    static const char cases[] = "{\"input_ids\": [2, 9, 3]}\n{\"input_ids\": [2, 9, 11, 12, 3]}\n";
    static const double targets[2][3] = {{1, 0, 1}, {0, 0, 0.5}};
    static const char *const types[] = {"multi_label_classification", "regression"};
    for (size_t k = 0; k < 2; k++) {
        Arena arena = {0};
        const char *folder = folder_make();
        const char *model = model_with(&arena, folder, 3, types[k]);
        const Program scores = RUN(&arena, cases, "predict", model, "--mode", "logits");
        double wanted = 0;
        for (size_t i = 0; i < 2; i++) {
            const Json *row = json_get(json_line(scores.out, i), "logits");
            for (size_t j = 0; j < 3; j++) {
                const double s = json_double(json_at(row, j)), y = targets[i][j];
                const double p = 1 / (1 + exp(-s));
                wanted += (k == 0 ? -y * log(p) - (1 - y) * log(1 - p) : (s - y) * (s - y)) / 6;
            }
        }
        Buffer lines = {0};
        for (size_t i = 0; i < 40; i++) buffer_append_cstr(&lines, line);
        Program program;
        const char *to =
            tuned(&arena, folder, model, arena_cstr(&arena, buffer_slice(&lines)), 0, &program);
        const double first = number_of(json_line(program.out, 0), "loss"),
                     last = number_of(json_line(program.out, 39), "loss");
        cr_expect_float_eq(first, wanted, 1e-5, "%s: %g, not %g", types[k], first, wanted);
        cr_expect_lt(last, 0.6 * first, "%s: from %g to %g", types[k], first, last);
        const Program saved = RUN(&arena, text, "predict", to);
        program_want(&saved, 0);
        cr_expect(json_get(json_line(saved.out, 0), k == 0 ? "labels" : "values"));
        buffer_release(&lines);
        folder_remove(folder);
        arena_release(&arena);
    }
}

Test(problem_types, what_does_not_fit_them_is_refused_by_name)
{
    static const struct {
        const char *type, *labels, *says;
    } cases[] = {
        {"multi_label_classification", "[1, 0]", "\"labels\" has 2 numbers, but 3 are wanted"},
        {"multi_label_classification", "[1, 0, 2]", "must be within 0 .. 1"},
        {"regression", "1", "\"labels\" has 1 numbers, but 3 are wanted"},
        {"regression", "[1, \"x\", 2]", "b.jsonl:1"},
        {"regression", "[1, 1e60, 2]", "target 1 is inf"},
    };
    Program program;
    Arena arena = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *folder = folder_make();
        const char *model = model_with(&arena, folder, 3, cases[i].type);
        const char *line = arena_printf(
            &arena, "{\"batch\": [{\"input_ids\": [2, 9, 3], \"labels\": %s}]}\n", cases[i].labels);
        tuned(&arena, folder, model, line, 2, &program);
        cr_expect(text_contains(program.err, cases[i].says), "case %zu: " SLICE_FMT, i,
                  SLICE_ARG(program.err));
        folder_remove(folder);
    }
    arena_release(&arena);
}

// A suite of one task over a table.
static const char *suite_of(Arena *arena, const char *folder, const char *model, const char *family,
                            const char *data)
{
    return write_file(
        arena, folder, "s.json",
        arena_printf(arena,
                     "{\"suite\": \"s\", \"models\": [{\"name\": \"m\", \"path\": \"%s\"}], "
                     "\"tasks\": [{\"name\": \"t\", \"family\": \"%s\", \"data\": "
                     "{\"test\": \"%s\"}}]}",
                     model, family, data));
}

// What a checkpoint gives is compared with the family before the first trial, and the right family is named.
Test(problem_types, that_do_not_fit_a_suites_family_are_refused_when_it_is_planned)
{
    static const struct {
        const char *type, *family, *says;
        size_t n_labels;
    } cases[] = {
        {"multi_label_classification", "classify", "\"family\": \"multilabel\" is for such models",
         3},
        {"multi_label_classification", "regression",
         "\"family\": \"multilabel\" is for such models", 3},
        {"regression", "multilabel", "\"family\": \"regression\" is for such models", 3},
        {"regression", "regression", "gives 3 numbers a text", 3},
        {"single_label_classification", "multilabel", "\"family\": \"classify\" is for such models",
         3},
        {"multi_label_classification", "multilabel", "has no class \"1.5\"", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        const char *folder = folder_make();
        const char *model = model_with(&arena, folder, cases[i].n_labels, cases[i].type);
        const char *data = write_file(&arena, folder, "d.tsv", "text\tlabel\ngood\t1.5\nbad\t2\n");
        const char *suite = suite_of(&arena, folder, model, cases[i].family, data);
        const char *store = arena_printf(&arena, "%s/s.db", folder);
        const Program program = RUN(&arena, NULL, "run", suite, "--store", store);
        program_want(&program, 2);
        cr_expect(text_contains(program.err, cases[i].says), "case %zu: " SLICE_FMT, i,
                  SLICE_ARG(program.err));
        folder_remove(folder);
        arena_release(&arena);
    }
}

static const char *file_text(Arena *arena, const char *folder, const char *name)
{
    Error err = {0};
    Slice text = {0};
    cr_assert_eq(file_read(arena, arena_printf(arena, "%s/%s", folder, name), 1 << 20, &text, &err),
                 STATUS_OK, "%s", err.text);
    return arena_cstr(arena, text);
}

// Tables of labels and of numbers: tuned, saved with their problem_type, asked about a table, judged in a suite.
Test(problem_types, are_learnt_from_tables_and_judged_in_suites)
{
    static const struct {
        const char *task, *label, *data, *type, *heading, *score;
    } cases[] = {
        {"multilabel", "a,b,c",
         "text,a,b,c\ngood film,1,0,1\nbad film,0,1,0\ngood one,1,0,0\nbad one,0,1,1\n",
         "multi_label_classification", "id,a,b,c", "multilabel_f1"},
        {"regression", "y", "text,y\ngood film,1.5\nbad film,-1\ngood one,1.25\nbad one,-0.5\n",
         "regression", "id,value", "pearson"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        const char *folder = folder_make();
        const char *model = model_with(&arena, folder, 3, "single_label_classification");
        const char *data = write_file(&arena, folder, "d.csv", cases[i].data);
        const char *to = arena_printf(&arena, "%s/tuned", folder);
        Program program = RUN(&arena, NULL, "tune", model, "--task", cases[i].task, "--label",
                              cases[i].label, "--train", data, "--valid", data, "--epochs", "20",
                              "--learning-rate", "0.02", "--out", to);
        program_want(&program, 0);
        cr_expect(text_contains(program.out, cases[i].score), SLICE_FMT, SLICE_ARG(program.out));
        cr_expect(strstr(file_text(&arena, to, "config.json"), cases[i].type), "%s", cases[i].task);
        const char *answers = arena_printf(&arena, "%s/answers.csv", folder);
        program = RUN(&arena, NULL, "predict", to, "--in", data, "--out", answers);
        program_want(&program, 0);
        cr_expect(strncmp(file_text(&arena, folder, "answers.csv"), cases[i].heading,
                          strlen(cases[i].heading)) == 0,
                  "%s", file_text(&arena, folder, "answers.csv"));
        program = RUN(&arena, NULL, "tune", model, "--task", cases[i].task, "--label",
                      cases[i].label, "--train", data, "--label-smoothing", "0.1", "--out", to);
        program_want(&program, 2);
        cr_expect(text_contains(program.err, "--label-smoothing goes with --task classify"),
                  SLICE_FMT, SLICE_ARG(program.err));
        folder_remove(folder);
        arena_release(&arena);
    }
}
