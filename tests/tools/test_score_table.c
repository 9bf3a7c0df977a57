// assay score on tables of labels, probabilities and numbers.
#include <criterion/criterion.h>
#include <math.h>

#include "base/buffer.h"
#include "program.h"
#include "tests/support/folder.h"

static const char *const tsv = "0\t0\t0.1\n0\t1\t0.7\n1\t1\t0.6\n1\t1\t0.9\n";

static double score_of(const Json *document, const char *name)
{
    const Json *metrics = json_get(document, "metrics");
    for (const Json *m = json_first(metrics); m != NULL; m = json_next(m)) {
        if (slice_eq_cstr(text_of(m, "name"), name)) return number_of(m, "score");
    }
    cr_assert_fail("no metric %s", name);
    return NAN;
}

Test(score_table, scores_columns_without_a_header_with_intervals)
{
    const char *folder = folder_make();
    Arena arena = {0};
    const char *path = write_file(&arena, folder, "cls.tsv", tsv);
    const Program p = RUN(&arena, NULL, "score", "classification", path, "--json", "--timing");
    program_want(&p, 0);
    const Json *d = json_of(p.out);
    cr_expect_eq(number_of(d, "n"), 4);
    cr_expect_float_eq(score_of(d, "accuracy"), 0.75, 1e-12);
    cr_expect_float_eq(score_of(d, "auc"), 0.75, 1e-12);
    cr_expect_float_eq(score_of(d, "brier"), (0.01 + 0.49 + 0.16 + 0.01) / 4, 1e-12);
    const Json *interval = json_get(json_first(json_get(d, "metrics")), "interval");
    cr_expect(number_of(interval, "low") < 0.75 && number_of(interval, "high") > 0.75);
    cr_expect_geq(number_of(json_get(d, "timing"), "score_ns"), 0);
    const Json *confusion = json_get(d, "confusion");
    cr_expect_eq(json_double(json_at(json_at(confusion, 0), 1)), 1);
    arena_release(&arena);
    folder_remove(folder);
}

Test(score_table, reads_headers_json_lines_and_two_files_alike)
{
    const char *folder = folder_make();
    Arena arena = {0};
    const char *header = write_file(
        &arena, folder, "h.tsv",
        "id\tprediction\tlabel\tweight\tno\tyes\na\tno\tno\t1\t0.9\t0.1\nb\tyes\tno\t1\t0.3\t0.7\n"
        "c\tyes\tyes\t2\t0.4\t0.6\n");
    const char *lines = write_file(
        &arena, folder, "l.jsonl",
        "{\"label\": \"no\", \"prediction\": \"no\", \"weight\": 1, \"probabilities\": {\"yes\": 0.1, \"no\": 0.9}}\n"
        "{\"label\": \"no\", \"prediction\": \"yes\", \"weight\": 1, \"probabilities\": {\"no\": 0.3, \"yes\": 0.7}}\n"
        "{\"label\": \"yes\", \"prediction\": \"yes\", \"weight\": 2, \"probabilities\": {\"yes\": 0.6, \"no\": 0.4}}\n");
    const char *ref = write_file(&arena, folder, "ref.txt", "no\nno\nyes\n");
    const char *pred =
        write_file(&arena, folder, "pred.jsonl",
                   "{\"label\": \"no\"}\n{\"label\": \"yes\"}\n{\"label\": \"yes\"}\n");
    const Program a = RUN(&arena, NULL, "score", "classification", header, "--json");
    const Program b = RUN(&arena, NULL, "score", "classification", lines, "--json");
    const Program c = RUN(&arena, NULL, "score", "classification", "--ref", ref, "--pred", pred,
                          "--json", "--metric", "accuracy");
    program_want(&a, 0);
    program_want(&b, 0);
    program_want(&c, 0);
    const Json *x = json_of(a.out), *y = json_of(b.out);
    static const char *const names[] = {"accuracy", "f1", "auc", "log_loss", "ece"};
    for (size_t i = 0; i < 5; i++)
        cr_expect_eq(score_of(x, names[i]), score_of(y, names[i]), "%s", names[i]);
    cr_expect_float_eq(score_of(x, "accuracy"), 0.75, 1e-12);
    cr_expect_float_eq(score_of(json_of(c.out), "accuracy"), 2.0 / 3, 1e-12);
    cr_expect_eq(json_len(json_get(json_of(c.out), "metrics")), 1);
    arena_release(&arena);
    folder_remove(folder);
}

// By Obuchowski's equations in NumPy (tests/metrics/test_delong.c).
Test(score_table, items_of_one_cluster_do_not_count_as_independent)
{
    static const char *const columns =
        "label\tscore\tcluster\n1\t.9\ta\n1\t.8\ta\n0\t.7\ta\n1\t.6\tb\n0\t.55\tb\n0\t.5\tb\n"
        "1\t.45\tc\n0\t.4\tc\n1\t.35\td\n0\t.3\td\n0\t.2\te\n1\t.65\te\n";
    const char *folder = folder_make();
    Arena arena = {0};
    Buffer lines = {0};
    const char *table = write_file(&arena, folder, "clusters.tsv", columns);
    Slice rest = slice_from_cstr(columns), line, fields[3];
    slice_split(&rest, '\n', &line);
    while (slice_split(&rest, '\n', &line)) {
        for (size_t k = 0; k < 3; k++) slice_split(&line, '\t', &fields[k]);
        buffer_printf(&lines,
                      "{\"cluster\": \"" SLICE_FMT "\", \"label\": " SLICE_FMT
                      ", \"score\": 0" SLICE_FMT "}\n",
                      SLICE_ARG(fields[2]), SLICE_ARG(fields[0]), SLICE_ARG(fields[1]));
    }
    const char *json = write_file(&arena, folder, "clusters.jsonl", lines.ptr);
    const char *const paths[] = {table, json};
    for (size_t i = 0; i < 2; i++) {
        const Program p =
            RUN(&arena, NULL, "score", "probability", paths[i], "--metric", "auc", "--json");
        program_want(&p, 0);
        const Json *answer = json_of(p.out), *auc = json_first(json_get(answer, "metrics"));
        cr_expect_eq(number_of(answer, "n_clusters"), 5);
        cr_expect_float_eq(number_of(auc, "score"), 0.75, 1e-12);
        cr_expect_float_eq(number_of(auc, "standard_error"), 0.07917884896521792, 1e-9);
        cr_expect(
            slice_eq_cstr(text_of(json_get(auc, "interval"), "method"), "delong logit clustered"));
    }
    const Program text = RUN(&arena, NULL, "score", "probability", table);
    program_want(&text, 0);
    cr_expect(text_contains(text.out, "12 items in 5 clusters"), "%s", text.out.ptr);
    const char *one = write_file(&arena, folder, "one.tsv", "label\tscore\n1\t0.5\n1\t0.25\n");
    const Program alone = RUN(&arena, NULL, "score", "probability", one);
    program_want(&alone, 2);
    cr_expect(text_contains(alone.err, "all labels are \"1\""), "%s", alone.err.ptr);
    buffer_release(&lines);
    arena_release(&arena);
    folder_remove(folder);
}

Test(score_table, correlates_two_columns)
{
    const char *folder = folder_make();
    Arena arena = {0};
    const char *path = write_file(&arena, folder, "x.tsv", "x\ty\n1\t2\n2\t4.5\n3\t5\n4\t9\n");
    const Program p = RUN(&arena, NULL, "score", "correlation", path, "--json");
    program_want(&p, 0);
    cr_expect_float_eq(score_of(json_of(p.out), "spearman"), 1, 1e-12);
    cr_expect_float_eq(score_of(json_of(p.out), "pearson"), 0.9579237266113428, 1e-12);
    cr_expect(json_get(json_get(json_of(p.out), "p"), "pearson") != NULL);
    arena_release(&arena);
    folder_remove(folder);
}

Test(score_table, refuses_what_does_not_fit_and_says_where)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"0\t1\t0.5\n1\t1\n", "bad:2: has 2 fields"},
        {"0\t1\t0.5\n1\t1\t1.5\n", "probability 1.5 of item 2"},
        {"0\t1\t0.5\n1\t1\tnan\n", "bad:2: a probability is a number"},
        {"label\tprediction\n", "no items"},
        {"0\n1\n", "neither predictions nor probabilities"},
        {"{\"label\": 1, \"prediction\": 1}\n{\"label\": 1}\n", "bad:2: has other members"},
        {"{\"label\": 1, \"prediction\": 1\n", "bad:1"},
        {"{\"prediction\": 1}\n", "no column or member \"label\""},
    };
    const char *folder = folder_make();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        const char *path = write_file(&arena, folder, "bad", cases[i].text);
        const Program p = RUN(&arena, NULL, "score", "classification", path);
        program_want(&p, 2);
        cr_expect(text_contains(p.err, cases[i].want), "%s", p.err.ptr);
        arena_release(&arena);
    }
    folder_remove(folder);
}

// The references' file may have predictions too, by its header.
Test(score_table, a_column_of_both_files_has_room_for_neither_more_nor_fewer_items)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *ref = write_file(&arena, folder, "ref.tsv", "y\na\n");
    const char *pred = write_file(&arena, folder, "pred.tsv", "a\nb\nc\n");
    const Program p = RUN(&arena, NULL, "score", "classification", "-r", ref, "--pred", pred);
    program_want(&p, 2);
    cr_expect(text_contains(p.err, "pred.tsv has 3 items, but ") &&
                  text_contains(p.err, "ref.tsv has 1: line i"),
              "%s", p.err.ptr);
    folder_remove(folder);
    arena_release(&arena);
}
