#include "tests/datasets/files.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(dataset, .fini = files_remove);

Test(dataset, numbers_equal_inputs_in_file_order)
{
    Dataset d;
    files_read(FILES_WRITE("a.tsv", "same\t0\nother\t0\nsame\t1\nsame\t0\n"), NULL, &d);
    const Slice id = d.samples[0].id;
    cr_assert_eq(id.len, 16);
    cr_expect(slice_starts_with(d.samples[2].id, id) &&
              slice_ends_with(d.samples[2].id, SLICE("#2")));
    cr_expect(slice_starts_with(d.samples[3].id, id) &&
              slice_ends_with(d.samples[3].id, SLICE("#3")));
    cr_expect_not(slice_eq(d.samples[1].id, id));
    dataset_release(&d);
}

Test(dataset, an_id_depends_on_the_input_alone)
{
    Dataset a, b;
    files_read(FILES_WRITE("a.tsv", "x\t0\ny\t1\n"), NULL, &a);
    files_read(FILES_WRITE("b.csv", "label,text\n7,y\n8,x\n"), NULL, &b);
    cr_expect(slice_eq(a.samples[0].id, b.samples[1].id));
    cr_expect(slice_eq(a.samples[1].id, b.samples[0].id));
    dataset_release(&a);
    dataset_release(&b);
}

Test(dataset, fields_do_not_run_into_each_other)
{
    char one[65], two[65], three[65];
    sample_input_hash(&(Sample){.text = SLICE_LIT("ab"), .pair = SLICE_LIT("c")}, one);
    sample_input_hash(&(Sample){.text = SLICE_LIT("a"), .pair = SLICE_LIT("bc")}, two);
    sample_input_hash(&(Sample){.text = SLICE_LIT("ab"), .pair = SLICE_LIT("c"), .label = 3},
                      three);
    cr_expect_str_neq(one, two);
    cr_expect_str_eq(one, three);
}

Test(dataset, sorts_integers_by_value_and_other_labels_by_bytes)
{
    Dataset d;
    files_read(FILES_WRITE("a.tsv", "a\t10\nb\t9\nc\t-1\n"), NULL, &d);
    cr_expect(slice_eq_cstr(d.labels[0], "-1"));
    cr_expect(slice_eq_cstr(d.labels[1], "9"));
    cr_expect_eq(d.samples[0].label, 2);
    cr_expect_eq(label_find(d.labels, d.n_labels, SLICE("10")), 2);
    cr_expect_eq(label_find(d.labels, d.n_labels, SLICE("11")), SAMPLE_NO_LABEL);
    dataset_release(&d);
    files_read(FILES_WRITE("b.tsv", "a\t10\nb\t9\nc\tx`\"'@%{}\n"), NULL, &d);
    cr_expect(slice_eq_cstr(d.labels[0], "10"));
    cr_expect(slice_eq_cstr(d.labels[2], "x`\"'@%{}"));
    dataset_release(&d);
}

Test(dataset, a_given_id_that_looks_like_ours_is_stepped_over)
{
    Dataset plain, d;
    files_read(FILES_WRITE("a.jsonl", "{\"text\": \"x\", \"label\": 0}\n"), NULL, &plain);
    char text[256];
    snprintf(text, sizeof text,
             "{\"id\": \"" SLICE_FMT
             "\", \"text\": \"y\", \"label\": 0}\n{\"text\": \"x\", \"label\": 0}\n",
             SLICE_ARG(plain.samples[0].id));
    files_read(files_write("b.jsonl", slice_from_cstr(text)), NULL, &d);
    cr_expect(slice_ends_with(d.samples[1].id, SLICE("#2")));
    dataset_release(&plain);
    dataset_release(&d);
}

static const char *found_part(const char *part, Arena *arena, Error *err)
{
    char *path = NULL;
    *err = (Error){0};
    if (dataset_find_part(arena, files_folder(), part, (Slice){0}, &path, err) != STATUS_OK)
        return "";
    return strrchr(path, '/') + 1;
}

Test(dataset, finds_the_parts_of_a_directory)
{
    Arena arena = {0};
    Error err;
    FILES_WRITE("train.tsv", "x");
    FILES_WRITE("TREC.train.all", "x");
    FILES_WRITE("notes-on-train.md", "x");
    FILES_WRITE("my_train.csv", "x");
    FILES_WRITE("valid.jsonl", "x");
    FILES_WRITE("test_text.txt", "x");
    FILES_WRITE("test_labels.txt", "x");
    cr_expect_str_eq(found_part("train", &arena, &err), "train.tsv");
    cr_expect_str_eq(found_part("dev", &arena, &err), "valid.jsonl");
    cr_expect_str_eq(found_part("test", &arena, &err), "test_text.txt");
    cr_expect_str_eq(found_part("extra", &arena, &err), "");
    cr_expect_eq(err.status, STATUS_NOT_FOUND);
    cr_expect(strstr(err.text, "there is no extra.tsv") && strstr(err.text, "valid.jsonl"), "%s",
              err.text);
    FILES_WRITE("train.csv", "x");
    cr_expect_str_eq(found_part("train", &arena, &err), "");
    cr_expect(strstr(err.text, "several files may be the train part (train.csv, train.tsv)"), "%s",
              err.text);
    arena_release(&arena);
}

static Status parse_options(const char *text, Arena *arena, JsonDocument **d, ReadOptions *options,
                            Error *err)
{
    TRY(json_parse(SLICE("t.json"), slice_from_cstr(text), JSON_STRICT, d, err));
    return read_options_parse(json_root(*d), arena, options, err);
}

Test(dataset, options_are_read_from_json)
{
    Arena arena = {0};
    Error err = {0};
    ReadOptions o;
    JsonDocument *d = NULL;
    cr_assert_eq(
        parse_options(
            "{\"train\": \"x\", \"format\": \"csv\", \"columns\": {\"text\": 2, \"label\": \"y\", "
            "\"id\": \"\", \"attributes\": {\"g\": \"gender\", \"n\": 4}}, \"header\": false, "
            "\"delimiter\": \"tab\", \"encoding\": \"Latin1\", \"labels\": [\"a\", 1], "
            "\"labels_file\": \"l.txt\"}",
            &arena, &d, &o, &err),
        STATUS_OK, "%s", err.text);
    cr_expect(slice_eq_cstr(o.format, "csv"));
    cr_expect(slice_eq_cstr(o.columns.text, "2"));
    cr_expect(slice_eq_cstr(o.columns.label, "y"));
    cr_expect(o.columns.id.ptr && o.columns.id.len == 0);
    cr_expect_null(o.columns.pair.ptr);
    cr_assert_eq(o.columns.n_attributes, 2);
    cr_expect(slice_eq_cstr(o.columns.attributes[0].name, "g"));
    cr_expect(slice_eq_cstr(o.columns.attributes[1].column, "4"));
    cr_expect_eq(o.header, READ_HEADER_NO);
    cr_expect_eq(o.delimiter, '\t');
    cr_expect_eq(o.encoding, ENCODING_LATIN1);
    cr_assert_eq(o.n_labels, 2);
    cr_expect(slice_eq_cstr(o.labels[1], "1"));
    cr_expect(slice_eq_cstr(o.labels_path, "l.txt"));
    json_close(&d);
    arena_release(&arena);
}

Test(dataset, wrong_options_are_refused_with_their_place)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"format\": \"xls\"}",
         "t.json:1:12: format: unknown format \"xls\"; there are tsv, csv, jsonl, lines, parallel, conll, squad, "
         "crows-pairs, stereoset, bbq, winobias, "
         "winobias-coreference, winogender, winogender-coreference, seat, hellaswag"},
        {"{\"columns\": {\"txt\": 1}}",
         "t.json:1:14: columns: unknown key \"txt\"; did you mean \"text\"?"},
        {"{\"columns\": {\"text\": 0}}",
         "t.json:1:22: columns.text: found 0, want an integer from 1 to 1000000"},
        {"{\"columns\": {\"text\": true}}",
         "t.json:1:22: columns.text: found true or false, want a column's name or its number from 1"},
        {"{\"columns\": {\"attributes\": 1}}",
         "t.json:1:28: columns.attributes: found a number, want {NAME: COLUMN} or [COLUMN..]"},
        {"{\"header\": \"yes\"}", "t.json:1:12: header: found \"yes\", want true or false"},
        {"{\"delimiter\": \"\\n\"}",
         "t.json:1:15: delimiter: found \"\\x0a\", want one ASCII character that is no quote, or \"tab\", "
         "\"comma\", \"semicolon\", \"space\""},
        {"{\"encoding\": \"utf-16\"}",
         "t.json:1:14: encoding: unknown encoding \"utf-16\": there are \"utf-8\", \"latin1\", "
         "\"windows-1252\""},
        {"{\"labels\": [null]}", "t.json:1:13: labels[0]: found null, want a string"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        ReadOptions o;
        JsonDocument *d = NULL;
        cr_expect_eq(parse_options(cases[i].text, &arena, &d, &o, &err), STATUS_INVALID);
        cr_expect_str_eq(err.text, cases[i].message, "gives: %s", err.text);
        json_close(&d);
        arena_release(&arena);
    }
}
