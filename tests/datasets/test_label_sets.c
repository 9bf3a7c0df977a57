// Samples with any number of labels, and with a number in the label's place.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/datasets/files.h"

TestSuite(label_sets, .fini = files_remove);

static const ReadOptions sets = {.wants_label_set = true};

// "anger+joy" of a sample.
static const char *held(const Dataset *d, size_t i)
{
    static char text[256];
    size_t len = 0;
    text[0] = '\0';
    for (size_t k = 0; k < d->samples[i].n_held; k++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s" SLICE_FMT, k ? "+" : "",
                                SLICE_ARG(d->labels[d->samples[i].held[k]]));
    return text;
}

static void expect_sets(const Dataset *d, const char *labels, const char *const *wanted, size_t n)
{
    char names[256] = "";
    size_t len = 0;
    for (size_t i = 0; i < d->n_labels; i++)
        len += (size_t)snprintf(names + len, sizeof names - len, "%s" SLICE_FMT, i ? "," : "",
                                SLICE_ARG(d->labels[i]));
    cr_expect_str_eq(names, labels, "labels %s, not %s", names, labels);
    cr_assert_eq(d->n_samples, n);
    for (size_t i = 0; i < n; i++) {
        cr_expect_str_eq(held(d, i), wanted[i], "sample %zu: %s, not %s", i, held(d, i), wanted[i]);
        cr_expect_eq(d->samples[i].label, SAMPLE_NO_LABEL);
    }
}

Test(label_sets, stand_in_lists_of_json_or_in_one_field)
{
    static const char *const wanted[] = {"anger+joy", "", "joy", "love", "", "anger"};
    Dataset d;
    files_read(FILES_WRITE("a.jsonl",
                           "{\"text\": \"a\", \"labels\": [\"joy\", \" anger\", \"joy\"]}\n"
                           "{\"text\": \"b\", \"labels\": []}\n"
                           "{\"text\": \"c\", \"labels\": \"joy\"}\n"
                           "{\"text\": \"d\", \"labels\": [\"love\"]}\n"
                           "{\"text\": \"e\", \"labels\": null}\n"
                           "{\"text\": \"f\", \"labels\": \"anger\"}\n"),
               &sets, &d);
    expect_sets(&d, "anger,joy,love", wanted, 6);
    dataset_release(&d);
    files_read(FILES_WRITE("b.tsv",
                           "text\tlabel\na\tjoy,anger\nb\t\nc\t joy ,\nd\tlove\ne\t,\nf\tanger\n"),
               &sets, &d);
    expect_sets(&d, "anger,joy,love", wanted, 6);
    dataset_release(&d);
    ReadOptions other = sets;
    other.label_separator = SLICE(" | ");
    other.header = READ_HEADER_NO;
    files_read(FILES_WRITE("c.csv", "a,10 | 9\nb,9\n"), &other, &d);
    static const char *const numbered[] = {"9+10", "9"};
    expect_sets(&d, "9,10", numbered, 2);
    dataset_release(&d);
}

Test(label_sets, stand_in_columns_of_0_and_1)
{
    static const ReadAttribute columns[] = {{SLICE_LIT("toxic"), SLICE_LIT("t")},
                                            {SLICE_LIT("threat"), SLICE_LIT("threat")},
                                            {SLICE_LIT("insult"), SLICE_LIT("4")}};
    static const char *const wanted[] = {"toxic+insult", "", "insult"};
    ReadOptions options = sets;
    Dataset d;
    options.columns = (ReadColumns){.label = SLICE(""), .labels = columns, .n_labels = 3};
    files_read(FILES_WRITE("a.csv", "text,t,threat,i\na,1,0,1\nb,0,0,false\nc,0.0,0,True\n"),
               &options, &d);
    expect_sets(&d, "toxic,threat,insult", wanted, 3); // in the order of the columns, held or not
    dataset_release(&d);
    options.columns.n_labels = 2;
    files_read(FILES_WRITE("a.jsonl", "{\"text\": \"a\", \"t\": 1, \"threat\": false}\n"
                                      "{\"text\": \"b\", \"t\": 0, \"threat\": true}\n"),
               &options, &d);
    static const char *const in_json[] = {"toxic", "threat"};
    expect_sets(&d, "toxic,threat", in_json, 2);
    dataset_release(&d);
}

Test(label_sets, of_another_part_keep_the_order_of_the_first)
{
    static const Slice labels[] = {SLICE_LIT("joy"), SLICE_LIT("anger")};
    static const char *const wanted[] = {"joy+anger", "anger+fear"};
    ReadOptions options = sets;
    Dataset d;
    options.labels = labels;
    options.n_labels = 2;
    options.adds_labels = true;
    files_read(FILES_WRITE("a.tsv", "text\tlabel\na\tanger,joy\nb\tfear,anger\n"), &options, &d);
    expect_sets(&d, "joy,anger,fear", wanted, 2);
    dataset_release(&d);
    options.adds_labels = false;
    const char *said =
        files_refusal(FILES_WRITE("b.tsv", "text\tlabel\na\tanger,joy\nb\tfear,anger\n"), &options);
    cr_expect(strstr(said, "b.tsv:3: the label \"fear\" is not among the 2 known"), "%s", said);
}

Test(label_sets, that_say_something_else_are_refused_with_their_place)
{
    static const ReadAttribute columns[] = {{SLICE_LIT("t"), SLICE_LIT("t")}};
    static const ReadAttribute absent[] = {{SLICE_LIT("t"), SLICE_LIT("nowhere")}};
    ReadOptions marked = sets;
    marked.columns = (ReadColumns){.label = SLICE(""), .labels = columns, .n_labels = 1};
    const char *said = files_refusal(FILES_WRITE("a.csv", "text,t\na,1\nb,0.4\n"), &marked);
    cr_expect(strstr(said, "a.csv:3: the column of the label \"t\" has \"0.4\", want 0 or 1"), "%s",
              said);
    said = files_refusal(FILES_WRITE("b.jsonl", "{\"text\": \"a\"}\n"), &marked);
    cr_expect(strstr(said, "b.jsonl:1: the column of the label \"t\" has \"\""), "%s", said);
    marked.columns.labels = absent;
    said = files_refusal(FILES_WRITE("c.csv", "text,t\na,1\n"), &marked);
    cr_expect(strstr(said, "there is no column \"nowhere\" (asked for as a label)"), "%s", said);
    said =
        files_refusal(FILES_WRITE("d.jsonl", "{\"text\": \"a\", \"labels\": {\"x\": 1}}\n"), &sets);
    cr_expect(strstr(said, "the label is an object"), "%s", said);
}

Test(label_sets, a_number_stands_in_the_labels_place)
{
    static const ReadOptions numbers = {.wants_value = true};
    Dataset d;
    files_read(FILES_WRITE("a.csv", "sentence1,sentence2,score\na,b,3.80\nc,d,-1e-1\n"), &numbers,
               &d);
    cr_assert_eq(d.n_samples, 2);
    cr_expect_eq(d.samples[0].value, 3.8);
    cr_expect(slice_eq_cstr(d.samples[0].value_text, "3.80"));
    cr_expect_eq(d.samples[1].value, -0.1);
    cr_expect(slice_eq_cstr(d.samples[1].pair, "d"));
    cr_expect_eq(d.n_labels, 0);
    dataset_release(&d);
    files_read(
        FILES_WRITE("b.jsonl",
                    "{\"text\": \"a\", \"label\": 2}\n{\"text\": \"b\", \"label\": \"2.5\"}\n"),
        &numbers, &d);
    cr_expect_eq(d.samples[0].value + d.samples[1].value, 4.5);
    dataset_release(&d);
    static const char *const bad[] = {"good", "nan", "inf", "1,5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[64];
        snprintf(text, sizeof text, "text\tlabel\na\t1\nb\t%s\n", bad[i]);
        const char *said = files_refusal(files_write("c.tsv", slice_from_cstr(text)), &numbers);
        cr_expect(strstr(said, "c.tsv:3: found \""), "%s", said);
    }
    const char *said = files_refusal(FILES_WRITE("d.tsv", "text\tlabel\na\t\n"), &numbers);
    cr_expect(strstr(said, "the label (column 2) is missing"), "%s", said);
}
