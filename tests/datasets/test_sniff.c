#include "datasets/sniff.h"
#include "tests/datasets/files.h"
#include "tests/support/shared.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(sniff, .fini = files_remove);

static void look(const char *path, Sniff *out)
{
    Error err = {0};
    cr_assert_eq(sniff_file(path, out, &err), STATUS_OK, "%s: %s", path, err.text);
    cr_assert_gt(out->why.len, 0);
}

static const char *column_name(const Sniff *s, int column)
{
    return column == SNIFF_NO_COLUMN ? "" : s->columns[column].name.ptr;
}

Test(sniff, tells_formats_columns_and_classes)
{
    static const struct {
        const char *name, *text;
        SniffFormat format;
        bool has_header;
        char delimiter;
        size_t n_records;
        const char *text_column, *label_column;
        size_t n_classes;
    } cases[] = {
        {"a.tsv", "a good film\t1\na bad one\t0\nfine, really\t1\n", SNIFF_TSV, false, '\t', 3, "1",
         "2", 2},
        {"a.csv", "stars,review\n5,\"great, \"\"so\"\" great\"\n1,awful thing\n5,nice\n", SNIFF_CSV,
         true, ',', 3, "review", "stars", 2},
        {"a.data", "which;what\npos;this is good\nneg;this is bad\n", SNIFF_CSV, false, ';', 3, "2",
         "1", 3},
        {"a.csv", "n;t\n1;this is good\n2;this is bad\n1;so so\n", SNIFF_CSV, true, ';', 3, "t",
         "n", 2},
        {"a.jsonl",
         "{\"body\": \"some text\", \"category\": \"x\", \"z\": [1]}\n{\"category\": \"y\", \"body\": \"more\"}\n",
         SNIFF_JSONL, false, 0, 2, "body", "category", 2},
        {"a.txt", "one line\nand another, with a comma\n", SNIFF_LINES, false, 0, 2, "", "", 0},
        {"a.txt", "[laughs] one line\nand another\n", SNIFF_LINES, false, 0, 2, "", "", 0},
        {"a.conll", "-DOCSTART- O\n\nAnna B-PER\nruns O\n\nin O\nRome B-LOC\n", SNIFF_CONLL, false,
         0, 2, "", "tag", 3},
        {"a.json",
         "{\"version\": \"1\", \"data\": [{\"title\": \"t\", \"paragraphs\": [{\"context\": \"c\", \"qas\": "
         "[{\"id\": 1}, {\"id\": 2}]}]}, {\"paragraphs\": []}]}",
         SNIFF_SQUAD, false, 0, 2, "", "", 0},
        {"a.json", "[{\"a\": 1}]", SNIFF_UNKNOWN, false, 0, 0, "", "", 0},
        {"a.json", "{\n\"a\": 1\n}\n", SNIFF_UNKNOWN, false, 0, 0, "", "", 0},
        {"a.csv", "a,b\nc\n", SNIFF_UNKNOWN, false, 0, 0, "", "", 0},
        {"a.csv", " \n\n", SNIFF_UNKNOWN, false, 0, 0, "", "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Sniff s;
        look(files_write(cases[i].name, slice_from_cstr(cases[i].text)), &s);
        cr_expect_str_eq(sniff_format_name(s.format), sniff_format_name(cases[i].format),
                         "case %zu: %s", i, s.why.ptr);
        cr_expect_eq(s.has_header, cases[i].has_header, "case %zu", i);
        cr_expect_eq(s.delimiter, cases[i].delimiter, "case %zu", i);
        cr_expect_eq(s.n_records, cases[i].n_records, "case %zu: %zu", i, s.n_records);
        cr_expect_str_eq(column_name(&s, s.text_column), cases[i].text_column, "case %zu", i);
        cr_expect_str_eq(column_name(&s, s.label_column), cases[i].label_column, "case %zu", i);
        cr_expect_eq(s.n_classes, cases[i].n_classes, "case %zu: %zu", i, s.n_classes);
        sniff_release(&s);
    }
}

Test(sniff, counts_classes_in_the_order_of_their_values)
{
    Sniff s;
    look(FILES_WRITE("a.tsv", "aa bb\t10\ncc dd\t9\nee ff\t10\ngg hh\t-1\n"), &s);
    cr_assert_eq(s.n_classes, 3);
    cr_expect_str_eq(s.classes[0].name.ptr, "-1");
    cr_expect_str_eq(s.classes[1].name.ptr, "9");
    cr_expect_str_eq(s.classes[2].name.ptr, "10");
    cr_expect_eq(s.classes[2].count, 2);
    cr_expect_str_eq(s.columns[0].sample.ptr, "aa bb");
    cr_expect_eq(s.columns[0].n_distinct, 4);
    cr_expect_eq(s.columns[0].mean_length, 5);
    sniff_release(&s);
}

Test(sniff, sees_other_encodings_and_refuses_what_is_no_text)
{
    Sniff s;
    Error err = {0};
    look(FILES_WRITE("a.tsv", "caf\xe9\t1\nth\xe9\t0\n"), &s);
    cr_expect_eq(s.encoding, ENCODING_WINDOWS_1252);
    cr_expect_str_eq(s.columns[0].sample.ptr, "café");
    sniff_release(&s);
    cr_expect_eq(sniff_file(FILES_WRITE("b.tsv", "a\0b"), &s, &err), STATUS_INVALID);
    cr_expect_eq(sniff_file(FILES_WRITE("c.tsv", ""), &s, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "c.tsv: the file is empty"), "%s", err.text);
}

Test(sniff, what_it_says_can_be_read)
{
    static const char *const names[] = {"a.csv", "b.tsv", "c.jsonl"};
    static const char *const texts[] = {
        "stars,review\n5,\"great, great\"\n1,awful thing\n5,nice\n",
        "a good film\t1\na bad one\t0\n",
        "{\"words\": \"some text\", \"kind\": \"x\"}\n{\"words\": \"more of it\", \"kind\": \"y\"}\n"};
    for (size_t i = 0; i < 3; i++) {
        Sniff s;
        Dataset d;
        const char *path = files_write(names[i], slice_from_cstr(texts[i]));
        look(path, &s);
        const ReadOptions options = {.format = slice_from_cstr(sniff_format_name(s.format)),
                                     .columns = {.text = s.columns[s.text_column].name,
                                                 .label = s.columns[s.label_column].name},
                                     .header = s.has_header ? READ_HEADER_YES : READ_HEADER_NO};
        files_read(path, &options, &d);
        cr_expect_eq(d.n_samples, s.n_records);
        cr_expect_eq(d.n_labels, s.n_classes);
        dataset_release(&d);
        sniff_release(&s);
    }
}

Test(sniff, knows_real_files)
{
    static const struct {
        const char *path;
        SniffFormat format;
        size_t n_records;
        const char *text_column, *label_column;
    } cases[] = {
        {"data/sst2/train.tsv", SNIFF_TSV, 6920, "1", "2"},
        {"data/crows-pairs/crows_pairs_anonymized.csv", SNIFF_CSV, 1508, NULL, "stereo_antistereo"},
        {"data/squad1/dev-v1.1.json", SNIFF_SQUAD, 10570, "", ""},
        {"data/wnut17/wnut17train.conll", SNIFF_CONLL, 3394, "", "tag"},
        {"data/wikigold/wikigold.conll.txt", SNIFF_CONLL, 1696, "", "tag"},
        {"data/bbq/Age.jsonl", SNIFF_JSONL, 3680, "question", "label"},
        {"data/mr/rt-polarity.all", SNIFF_LINES, 10662, "", ""},
        {"data/seat/sent-weat6.jsonl", SNIFF_UNKNOWN, 0, "", ""},
    };
    size_t n_found = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Sniff s;
        const char *path = shared_path(cases[i].path);
        if (!path) continue;
        n_found++;
        look(path, &s);
        cr_expect_str_eq(sniff_format_name(s.format), sniff_format_name(cases[i].format), "%s: %s",
                         path, s.why.ptr);
        cr_expect_eq(s.n_records, cases[i].n_records, "%s: %zu", path, s.n_records);
        if (cases[i].text_column) { // NULL: several columns of text
            cr_expect_str_eq(column_name(&s, s.text_column), cases[i].text_column, "%s", path);
        }
        cr_expect_str_eq(column_name(&s, s.label_column), cases[i].label_column, "%s: %s", path,
                         s.why.ptr);
        sniff_release(&s);
    }
    if (n_found == 0) cr_skip_test("shared data absent");
}

Test(sniff, survives_every_failed_allocation)
{
    static const char *const texts[] = {"a b\t1\nc d\t0\n", "{\"text\": \"a\\n\", \"label\": 1}\n",
                                        "A B-X\nb O\n\nC O\nd O\n",
                                        "{\"data\": [{\"paragraphs\": [{\"qas\": [1]}]}]}"};
    for (size_t i = 0; i < 4; i++) {
        const char *path = files_write("a.any", slice_from_cstr(texts[i]));
        for (size_t n = 1;; n++) {
            Error err = {0};
            Sniff s;
            arena_fail_after(n);
            const Status status = sniff_file(path, &s, &err);
            arena_fail_after(0);
            sniff_release(&s);
            if (status == STATUS_OK) break;
            cr_assert_eq(status, STATUS_MEMORY, "%s", err.text);
            cr_assert_lt(n, 200);
        }
    }
}
