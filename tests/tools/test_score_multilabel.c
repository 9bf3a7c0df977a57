// assay score on several labels at once. Numbers are scikit-learn 1.9's on the same six items.
#include <criterion/criterion.h>
#include <math.h>

#include "program.h"
#include "tests/support/folder.h"

static const char *const header =
    "id\tlabel\tprediction\tanger\tjoy\tlove\n"
    "1\tjoy\tjoy\t0.1\t0.9\t0.2\n2\tjoy,love\tlove\t0.2\t0.45\t0.7\n3\t\tanger\t0.6\t0.1\t0.3\n"
    "4\tanger\tanger\t0.8\t0.2\t0.1\n5\tlove\t love , joy,love\t0.3\t0.55\t0.9\n"
    "6\tanger,joy\tanger,joy\t0.7\t0.75\t0.4\n";

static const char *const gold_lines =
    "{\"labels\": [\"joy\"]}\n{\"labels\": [\"joy\", \"love\"]}\n{\"labels\": []}\n"
    "{\"labels\": [\"anger\"]}\n{\"labels\": [\"love\"]}\n{\"labels\": [\"anger\", \"joy\"]}\n";

// As assay predict writes them.
static const char *const predicted_lines =
    "{\"labels\":[\"joy\"],\"probabilities\":{\"anger\":0.1,\"joy\":0.9,\"love\":0.2}}\n"
    "{\"labels\":[\"love\"],\"probabilities\":{\"anger\":0.2,\"joy\":0.45,\"love\":0.7}}\n"
    "{\"labels\":[\"anger\"],\"probabilities\":{\"anger\":0.6,\"joy\":0.1,\"love\":0.3}}\n"
    "{\"labels\":[\"anger\"],\"probabilities\":{\"anger\":0.8,\"joy\":0.2,\"love\":0.1}}\n"
    "{\"labels\":[\"joy\",\"love\"],\"probabilities\":{\"anger\":0.3,\"joy\":0.55,\"love\":0.9}}\n"
    "{\"labels\":[\"anger\",\"joy\"],\"probabilities\":{\"anger\":0.7,\"joy\":0.75,\"love\":0.4}}\n";

static const struct {
    const char *name, *part;
    double value;
} wanted[] = {
    {"multilabel_f1", NULL, 0.8},
    {"multilabel_f1", "multilabel_f1/macro", 0.8222222222222223},
    {"multilabel_f1", "multilabel_f1/weighted", 0.7999999999999999},
    {"multilabel_f1", "multilabel_f1/samples", 0.7222222222222222},
    {"multilabel_f1", "multilabel_f1/class/joy", 0.66666666666666667},
    {"multilabel_precision", NULL, 0.75},
    {"multilabel_recall", NULL, 0.8571428571428571},
    {"multilabel_jaccard", NULL, 0.6666666666666666},
    {"subset_accuracy", NULL, 0.5},
    {"hamming_loss", NULL, 0.16666666666666666},
    {"multilabel_average_precision", NULL, 0.9722222222222222},
    {"multilabel_auc", NULL, 0.9629629629629629},
};

static void want_scores(const Program *p)
{
    program_want(p, 0);
    const Json *metrics = json_get(json_of(p->out), "metrics");
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const Json *metric = json_first(metrics);
        while (metric && !slice_eq_cstr(text_of(metric, "name"), wanted[i].name))
            metric = json_next(metric);
        cr_assert(metric, "no %s", wanted[i].name);
        const Json *score = wanted[i].part ? json_get(metric, wanted[i].part) : metric;
        cr_assert(score, "no %s", wanted[i].part);
        cr_expect_float_eq(number_of(score, "score"), wanted[i].value, 1e-12, "%s: %.16g",
                           wanted[i].part ? wanted[i].part : wanted[i].name,
                           number_of(score, "score"));
    }
}

Test(score_multilabel, reads_lists_separated_fields_and_two_files_alike)
{
    const char *folder = folder_make();
    Arena arena = {0};
    const char *table = write_file(&arena, folder, "t.tsv", header);
    const char *gold = write_file(&arena, folder, "gold.jsonl", gold_lines);
    const char *predicted = write_file(&arena, folder, "predicted.jsonl", predicted_lines);
    const Program one = RUN(&arena, NULL, "score", "multilabel", table, "--json");
    want_scores(&one);
    const Program two = RUN(&arena, NULL, "score", "multilabel", "--ref", gold, "--pred", predicted,
                            "--json", "--confidence-n", "50");
    want_scores(&two);
    const Program text = RUN(&arena, NULL, "score", "multilabel", table);
    program_want(&text, 0);
    cr_expect(text_contains(text.out, "label  holds  given  precision  recall      f1\n"), "%s",
              text.out.ptr);
    cr_expect(text_contains(text.out, "joy        3      3     0.6667  0.6667  0.6667 ["), "%s",
              text.out.ptr);
    arena_release(&arena);
    folder_remove(folder);
}

Test(score_multilabel, takes_labels_from_their_probabilities_where_none_are_given)
{
    static const char *const rows = "label\ta b\tc\n a b |c\t0.5\t0.4\nc\t0.1\t0.9\n|\t0.2\t0.3\n";
    const char *folder = folder_make();
    Arena arena = {0};
    const char *path = write_file(&arena, folder, "p.tsv", rows);
    const Program half =
        RUN(&arena, NULL, "score", "multilabel", path, "--sep", "|", "--metric", "subset_accuracy");
    program_want(&half, 0);
    cr_expect(text_contains(half.out, "subset_accuracy     0.6667 "), "%s", half.out.ptr);
    const Program lower = RUN(&arena, NULL, "score", "multilabel", path, "--sep", "|",
                              "--threshold", "0.4", "--metric", "subset_accuracy");
    program_want(&lower, 0);
    cr_expect(text_contains(lower.out, "subset_accuracy     1.0000 "), "%s", lower.out.ptr);
    arena_release(&arena);
    folder_remove(folder);
}

Test(score_multilabel, an_empty_field_is_no_label_wherever_it_stands)
{
    const char *folder = folder_make();
    Arena arena = {0};
    const char *last = write_file(&arena, folder, "t.tsv", "label\tprediction\na\ta\n\t\nb\t\n");
    const char *gold = write_file(&arena, folder, "g.txt", "a\n\nb\n");
    const char *given = write_file(&arena, folder, "p.txt", "a\n\n\n");
    const Program one =
        RUN(&arena, NULL, "score", "multilabel", last, "--metric", "subset_accuracy");
    const Program two = RUN(&arena, NULL, "score", "multilabel", "--ref", gold, "--pred", given,
                            "--metric", "subset_accuracy");
    program_want(&one, 0);
    program_want(&two, 0);
    cr_expect(text_contains(one.out, "subset_accuracy     0.6667 "), "%s", one.out.ptr);
    cr_expect(text_contains(two.out, "subset_accuracy     0.6667 "), "%s", two.out.ptr);
    arena_release(&arena);
    folder_remove(folder);
}

Test(score_multilabel, says_what_is_wrong_with_a_file)
{
    static const struct {
        const char *name, *text, *message;
    } files[] = {
        {"a.jsonl", "{\"labels\": null, \"prediction\": []}\n", "item 1 has null for labels"},
        {"b.tsv", "label\nx\n", "neither predictions nor probabilities"},
        {"c.tsv", "label\tprediction\tx\tz\nx,y\tx\t0.5\t0.1\n", "none of label \"y\""},
        {"d.tsv", "label\tx\ty\nx,y\t0.5\t1.5\n", "probability 1.5 of item 1 lies outside"},
        {"e.tsv", "label\tprediction\n,\t\n", "no item has a label"},
        {"f.jsonl", "{\"labels\": [\"a\\u001fb\"], \"prediction\": []}\n", "control character"},
        {"g.jsonl", "{\"labels\": [[\"a\"]], \"prediction\": []}\n", "a label is a text"},
        {"h.jsonl", "{\"labels\": [\"a\"], \"prediction\": []}\n{\"labels\": [\"a\"]}\n",
         "h.jsonl:2: has other members"},
    };
    const char *folder = folder_make();
    Arena arena = {0};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *path = write_file(&arena, folder, files[i].name, files[i].text);
        const Program p = RUN(&arena, NULL, "score", "multilabel", path);
        program_want(&p, 2);
        cr_expect(text_contains(p.err, files[i].message), "%s: %s", files[i].name, p.err.ptr);
    }
    const char *path =
        write_file(&arena, folder, "l.jsonl", "{\"label\": [\"a\"], \"prediction\": \"a\"}\n");
    const Program classes = RUN(&arena, NULL, "score", "classification", path);
    program_want(&classes, 2); // lists are of this family alone
    arena_release(&arena);
    folder_remove(folder);
}

Test(score_multilabel, answers_cases)
{
    static const char *const cases =
        "{\"id\": 7, \"gold\": [[\"joy\"], [\"joy\", \"love\"], [], [\"anger\"], [\"love\"], [\"anger\", "
        "\"joy\"]], \"pred\": [[\"joy\"], [\"love\"], [\"anger\"], [\"anger\"], [\"love\", \"joy\"], "
        "[\"anger\", \"joy\"]], \"interval\": {\"resamples\": 0}}\n"
        "{\"gold\": [[1], [2]], \"pred\": [[1], []], \"prob\": [[0.9, 0.2], [0.1, 0.3]], \"params\": "
        "{\"average\": \"macro\"}, \"interval\": {\"resamples\": 0}}\n"
        "{\"gold\": [[1]], \"pred\": []}\n{\"gold\": [1], \"pred\": [[1]]}\n"
        "{\"gold\": [[1]], \"pred\": [[1]], \"prob\": [[0.5, 0.5]]}\n";
    const char *folder = folder_make();
    Arena arena = {0};
    const char *in = write_file(&arena, folder, "cases.jsonl", cases);
    const Program p = RUN(&arena, NULL, "score", "multilabel", "--cases", "--in", in);
    program_want(&p, 2);
    Slice rest = p.out, line = {0};
    slice_split(&rest, '\n', &line);
    const Json *first = json_of(line);
    cr_expect_eq(number_of(first, "id"), 7);
    cr_expect_float_eq(number_of(first, "multilabel_f1"), 0.8, 1e-12);
    cr_expect_float_eq(number_of(first, "subset_accuracy"), 0.5, 1e-12);
    cr_expect(!json_get(first, "multilabel_auc"));
    slice_split(&rest, '\n', &line);
    const Json *second = json_of(line);
    cr_expect_float_eq(number_of(second, "multilabel_f1"), 0.5, 1e-12);
    cr_expect_float_eq(number_of(second, "multilabel_average_precision"), 1, 1e-12);
    for (size_t i = 0; i < 3; i++) {
        slice_split(&rest, '\n', &line);
        cr_expect(json_get(json_of(line), "error"), SLICE_FMT, SLICE_ARG(line));
    }
    arena_release(&arena);
    folder_remove(folder);
}
