// Questions with choices, in the layouts that they are published in.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/datasets/files.h"
#include "tests/support/shared.h"

TestSuite(choices, .fini = files_remove);

static const Slice three[] = {SLICE_LIT("a"), SLICE_LIT("b"), SLICE_LIT("c")};
static const Slice numbers[] = {SLICE_LIT("2"), SLICE_LIT("3"), SLICE_LIT("4")};
static const Slice one[] = {SLICE_LIT("choices")};

static ReadOptions options_of(const char *text, const char *label, const Slice *columns, size_t n)
{
    return (ReadOptions){.columns = {.text = slice_from_cstr(text),
                                     .label = slice_from_cstr(label),
                                     .choices = columns,
                                     .n_choices = n},
                         .wants_choices = true,
                         .label_optional = true};
}

static void expect_question(const Dataset *d, size_t i, size_t n, const char *second, int32_t gold)
{
    cr_assert_lt(i, d->n_samples);
    const Sample *sample = &d->samples[i];
    cr_assert_eq(sample->n_choices, n, "question %zu has %zu choices", i, sample->n_choices);
    if (n > 1) cr_expect(slice_eq_cstr(sample->choices[1], second), "question %zu", i);
    cr_expect_eq(sample->gold, gold, "question %zu: gold %d", i, sample->gold);
    cr_expect_eq(sample->label, SAMPLE_NO_LABEL);
}

Test(choices, json_has_them_in_many_ways)
{
    Dataset d;
    const ReadOptions by_key = options_of("q", "gold", one, 1);
    files_read(FILES_WRITE("a.jsonl",
                           "{\"q\": \"x\", \"choices\": [\"r\", \"s\"], \"gold\": 1}\n"
                           "{\"q\": \"y\", \"choices\": [\"r\", \"s\", \"t\"], \"gold\": \"C\"}\n"
                           "{\"q\": \"z\", \"choices\": [\"r\", \"s\"], \"gold\": \"r\"}\n"
                           "{\"q\": \"v\", \"choices\": {\"text\": [\"r\", \"s\"], \"label\": "
                           "[\"1\", \"2\"]}, \"gold\": \"2\"}\n"
                           "{\"q\": \"w\", \"choices\": {\"r\": 0, \"s\": 1}}\n"
                           "{\"q\": \"u\", \"choices\": \"only\"}\n"),
               &by_key, &d);
    cr_assert_eq(d.n_samples, 6);
    expect_question(&d, 0, 2, "s", 1);
    expect_question(&d, 1, 3, "s", 2);
    expect_question(&d, 2, 2, "s", 0);
    expect_question(&d, 3, 2, "s", 1);
    expect_question(&d, 4, 2, "s", 1);
    expect_question(&d, 5, 1, "", 0);
    dataset_release(&d);
    const ReadOptions by_keys = options_of("q", "gold", three, 3);
    files_read(FILES_WRITE("b.jsonl", "{\"q\": \"x\", \"a\": \"r\", \"b\": \"s\", \"c\": \"t\", "
                                      "\"gold\": 2}\n"),
               &by_keys, &d);
    expect_question(&d, 0, 3, "s", 2);
    dataset_release(&d);
}

Test(choices, tables_have_a_column_each)
{
    Dataset d;
    const ReadOptions named = options_of("q", "answer", three, 3);
    files_read(FILES_WRITE("a.csv", "q,a,b,c,answer\n\"x, y\",r,s,t,B\nz,1,2,3,0\n"), &named, &d);
    cr_assert_eq(d.n_samples, 2);
    expect_question(&d, 0, 3, "s", 1);
    expect_question(&d, 1, 3, "2", 0);
    dataset_release(&d);
    const ReadOptions numbered = options_of("1", "5", numbers, 3);
    files_read(FILES_WRITE("b.csv", "\"x\nz\",r,s,t,C\nz,1,2,3,A\n"), &numbered, &d);
    cr_assert_eq(d.n_samples, 2);
    expect_question(&d, 0, 3, "s", 2);
    expect_question(&d, 1, 3, "2", 0);
    dataset_release(&d);
}

Test(choices, answers_may_stand_in_a_file_of_their_own)
{
    Dataset d;
    char labels[512];
    static const Slice two[] = {SLICE_LIT("sol1"), SLICE_LIT("sol2")};
    ReadOptions options = options_of("goal", "", two, 2);
    snprintf(labels, sizeof labels, "%s", FILES_WRITE("labels.lst", "1\n0\n"));
    options.labels_path = slice_from_cstr(labels);
    files_read(FILES_WRITE("v.jsonl", "{\"goal\": \"x\", \"sol1\": \"r\", \"sol2\": \"s\"}\n"
                                      "{\"goal\": \"y\", \"sol1\": \"r\", \"sol2\": \"s\"}\n"),
               &options, &d);
    expect_question(&d, 0, 2, "s", 1);
    expect_question(&d, 1, 2, "s", 0);
    dataset_release(&d);
    const char *short_one = files_refusal(
        FILES_WRITE("w.jsonl", "{\"goal\": \"x\", \"sol1\": \"r\", \"sol2\": \"s\"}\n"), &options);
    cr_expect(strstr(short_one, "2 lines") != NULL, "%s", short_one);
}

Test(choices, hellaswag_has_six_lines_a_question)
{
    Dataset d;
    const ReadOptions options = {
        .format = SLICE_LIT("hellaswag"), .wants_choices = true, .label_optional = true};
    files_read(FILES_WRITE("h.txt", "A: he\n3\nw\nx\ny\nz\nB: she\n0\nw\nx\ny\nz\n"), &options, &d);
    cr_assert_eq(d.n_samples, 2);
    expect_question(&d, 0, 4, "x", 3);
    expect_question(&d, 1, 4, "x", 0);
    cr_expect_eq(d.samples[1].line, 7);
    dataset_release(&d);
    cr_expect_str_eq(files_refusal(FILES_WRITE("i.txt", "A: he\n3\nw\nx\n"), &options),
                     "i.txt:4: the file ends inside a question, which has six lines: context, "
                     "number of the right ending, four endings");
}

Test(choices, wrong_answers_are_refused_with_their_line)
{
    const ReadOptions options = options_of("q", "gold", one, 1);
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"{\"q\": \"x\", \"choices\": [\"r\", \"s\"], \"gold\": 2}\n",
         ":1: the answer \"2\" is none"},
        {"{\"q\": \"x\", \"choices\": [\"r\", \"s\"], \"gold\": \"C\"}\n",
         "\"C\" is none of the 2"},
        {"{\"q\": \"x\", \"choices\": []}\n", "no choices"},
        {"{\"q\": \"x\"}\n", "no key holds the choices"},
        {"{\"q\": \"x\", \"choices\": [[1]]}\n", "want a string"},
        {"{\"q\": \"x\", \"choices\": {\"text\": [\"r\"], \"label\": []}}\n", ""},
    };
    for (size_t i = 0; i + 1 < sizeof cases / sizeof *cases; i++) {
        const char *why =
            files_refusal(files_write("x.jsonl", slice_from_cstr(cases[i].text)), &options);
        cr_expect(strstr(why, cases[i].wanted) != NULL, "%s gives %s", cases[i].text, why);
    }
}
