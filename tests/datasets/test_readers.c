#include "tests/datasets/files.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(readers, .fini = files_remove);

static void expect_sample(const Dataset *d, size_t i, const char *text, const char *label)
{
    cr_assert_lt(i, d->n_samples);
    cr_expect(slice_eq_cstr(d->samples[i].text, text), "sample %zu: " SLICE_FMT, i,
              SLICE_ARG(d->samples[i].text));
    cr_assert_neq(d->samples[i].label, SAMPLE_NO_LABEL);
    const Slice found = d->labels[d->samples[i].label];
    cr_expect(slice_eq_cstr(found, label), "sample %zu: label " SLICE_FMT, i, SLICE_ARG(found));
}

Test(readers, read_tsv_without_a_header)
{
    Dataset d;
    files_read(FILES_WRITE("a.tsv", "good \"film\"\t1\nbad\t0\ngood, again\t1"), NULL, &d);
    cr_assert_eq(d.n_samples, 3);
    cr_assert_eq(d.n_labels, 2);
    cr_expect(slice_eq_cstr(d.labels[0], "0"));
    expect_sample(&d, 0, "good \"film\"", "1");
    expect_sample(&d, 1, "bad", "0");
    expect_sample(&d, 2, "good, again", "1");
    cr_expect_eq(d.samples[2].line, 3);
    cr_expect_eq(strlen(d.sha256), 64);
    dataset_release(&d);
    cr_expect_null(d.samples);
    dataset_release(&d);
}

Test(readers, find_the_header_by_the_stated_rule)
{
    static const struct {
        const char *text;
        size_t n_samples;
        bool label_optional;
    } cases[] = {
        {"sentence\tlabel\na\t0\n", 1, false}, // both names known
        {"x\tLabel \na\t0\n", 1, false},       // a label name in the label's column
        {"label\tx\na\t0\n", 2, false},        // a label name elsewhere, no text name
        {"text\t1\na\t0\n", 2, false},         // a text name alone is data
        {"label\ttext\n0\ta\n", 1, false},     // both known, in the other order
        {"text\na\n", 1, true},                // with optional labels a text name is enough
        {"plain\na\n", 2, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Dataset d;
        const ReadOptions options = {.label_optional = cases[i].label_optional};
        files_read(files_write("h.tsv", slice_from_cstr(cases[i].text)), &options, &d);
        cr_expect_eq(d.n_samples, cases[i].n_samples, "%s: %zu", cases[i].text, d.n_samples);
        dataset_release(&d);
    }
}

Test(readers, obey_what_is_said_about_the_header)
{
    Dataset d;
    const char *path = FILES_WRITE("h.tsv", "sentence\tlabel\na\t0\n");
    files_read(path, &(ReadOptions){.header = READ_HEADER_NO}, &d);
    cr_expect_eq(d.n_samples, 2);
    dataset_release(&d);
    files_read(FILES_WRITE("i.tsv", "x\ty\na\t0\n"),
               &(ReadOptions){.header = READ_HEADER_YES,
                              .columns = {.text = SLICE_LIT("1"), .label = SLICE_LIT("Y")}},
               &d);
    cr_expect_eq(d.n_samples, 1);
    dataset_release(&d);
}

Test(readers, read_csv_with_quotes_line_breaks_mark_and_crlf)
{
    Dataset d;
    const ReadOptions options = {
        .columns = {.attributes = (ReadAttribute[]){{SLICE_LIT("site"), SLICE_LIT("source")}},
                    .n_attributes = 1}};
    files_read(FILES_WRITE("a.csv", "\xef\xbb\xbf,Review,Stars,source\r\n"
                                    "0,\"one, \"\"two\"\"\r\nthree\",5,a\r\n"
                                    "1,plain,10,\"b \"\r\n"
                                    "2,\"\",5,\r\n\r\n"),
               &options, &d);
    cr_assert_eq(d.n_samples, 3);
    expect_sample(&d, 0, "one, \"two\"\r\nthree", "5");
    expect_sample(&d, 1, "plain", "10");
    expect_sample(&d, 2, "", "5");
    cr_expect_eq(d.samples[1].line, 4);
    cr_expect(slice_eq_cstr(d.labels[1], "10")); // integers by value
    cr_expect(slice_eq_cstr(d.samples[1].attributes[0].name, "site"));
    cr_expect(slice_eq_cstr(d.samples[1].attributes[0].value, "b"));
    dataset_release(&d);
}

Test(readers, read_other_delimiters)
{
    Dataset d;
    files_read(FILES_WRITE("a.csv", "\"a;b\";x\nc;y\n"), &(ReadOptions){.delimiter = ';'}, &d);
    expect_sample(&d, 0, "a;b", "x");
    dataset_release(&d);
    const ReadOptions space = {.delimiter = ' ',
                               .format = SLICE_LIT("tsv"),
                               .columns = {.label = SLICE_LIT("1"), .text = SLICE_LIT("2")}};
    files_read(FILES_WRITE("rt.all", "0 a b c\n1 d\n"), &space, &d);
    expect_sample(&d, 0, "a b c", "0");
    expect_sample(&d, 1, "d", "1");
    dataset_release(&d);
}

Test(readers, read_json_lines_with_paths_of_keys)
{
    Dataset d;
    const ReadOptions options = {
        .columns = {.text = SLICE_LIT("data.body"),
                    .group = SLICE_LIT("a.b"),
                    .attributes = (ReadAttribute[]){{SLICE_LIT("n"), SLICE_LIT("data.n")}},
                    .n_attributes = 1}};
    files_read(
        FILES_WRITE(
            "a.jsonl",
            "{\"data\": {\"body\": \"x\\u0000y\", \"n\": 3}, \"label\": true, \"a.b\": \"g\"}\n"
            "\n"
            "{\"label\": false, \"id\": 7, \"data\": {\"body\": \"\\u00e9\"}, \"a\": {\"b\": \"h\"}}\r\n"),
        &options, &d);
    cr_assert_eq(d.n_samples, 2);
    cr_expect(slice_eq(d.samples[0].text, SLICE("x\0y")));
    cr_expect(slice_eq_cstr(d.samples[0].group, "g"));
    cr_expect(slice_eq_cstr(d.samples[0].attributes[0].value, "3"));
    expect_sample(&d, 1, "é", "false");
    cr_expect(slice_eq_cstr(d.samples[1].group, "h"));
    cr_expect_eq(d.samples[1].attributes[0].value.len, 0);
    cr_expect_eq(d.samples[1].line, 3);
    dataset_release(&d);
}

Test(readers, take_an_id_from_the_first_record_on)
{
    Dataset d;
    files_read(
        FILES_WRITE("a.jsonl", "{\"id\": 7, \"text\": \"a\", \"pair\": \"b\", \"label\": 1}\n"),
        NULL, &d);
    cr_expect(slice_eq_cstr(d.samples[0].id, "7"));
    cr_expect(slice_eq_cstr(d.samples[0].pair, "b"));
    dataset_release(&d);
}

Test(readers, read_lines_with_labels_beside_them)
{
    Dataset d;
    char first_hash[65];
    const char *path = FILES_WRITE("val_text.txt", "one\n\nthree\xc2\xa0\n");
    FILES_WRITE("val_labels.txt", "2\n2\n2\n");
    files_read(path, NULL, &d);
    memcpy(first_hash, d.sha256, sizeof first_hash);
    dataset_release(&d);
    FILES_WRITE("val_labels.txt", "2\n0\n2\n");
    files_read(path, NULL, &d);
    cr_expect_str_neq(d.sha256, first_hash); // labels are part of the data
    cr_assert_eq(d.n_samples, 3);
    expect_sample(&d, 0, "one", "2");
    expect_sample(&d, 1, "", "0");
    expect_sample(&d, 2, "three\xc2\xa0", "2");
    dataset_release(&d);
}

Test(readers, read_other_encodings)
{
    Dataset d;
    const char *path = FILES_WRITE("a.tsv", "caf\xe9 \x85\t1\n");
    files_read(path, &(ReadOptions){.encoding = ENCODING_LATIN1}, &d);
    expect_sample(&d, 0, "café \xc2\x85", "1");
    dataset_release(&d);
    files_read(path, &(ReadOptions){.encoding = ENCODING_WINDOWS_1252}, &d);
    expect_sample(&d, 0, "café …", "1");
    dataset_release(&d);
}

Test(readers, refuse_bad_files_with_place_and_remedy)
{
    static const struct {
        const char *name;
        Slice text;
        const char *message;
    } cases[] = {
        {"a.tsv", SLICE_LIT(""), "a.tsv: the file is empty"},
        {"a.tsv", SLICE_LIT("text\tlabel\n"), "a.tsv: there is no sample in it"},
        {"a.tsv", SLICE_LIT("a\t0\nb\n"),
         "a.tsv:2: 1 column where line 1 has 2: a tab is missing, or one too many stands inside a field"},
        {"a.tsv", SLICE_LIT("a\t0\nb\tc\t1\n"),
         "a.tsv:2: 3 columns where line 1 has 2: a tab is missing, or one too many stands inside a field"},
        {"a.tsv", SLICE_LIT("a\t0\n\nb\t1\n"),
         "a.tsv:2: the line is empty and others follow it, where line 1 has 2 columns: take it away"},
        {"a.csv", SLICE_LIT("text,text,label\na,b,1\n"),
         "a.csv:1: the heading \"text\" stands over columns 1 and 2: ask for one by number"},
        {"a.csv", SLICE_LIT("text;label\r\na;1\r\n"),
         "a.csv:1: there is no comma in the file, and 1 of ';' in every line: are its columns cut there? Then "
         "give \"delimiter\": \"semicolon\""},
        {"a.tsv", SLICE_LIT("a\t0\rb\t1\r"),
         "a.tsv:1: the lines end in carriage returns alone, as on old Macs: make them line feeds (tr '\\r' "
         "'\\n' < OLD > NEW)"},
        {"a.tsv", SLICE_LIT("a\t0\nb\t \n"),
         "a.tsv:2: the label (column 2) is missing: fill it in, or remove the row"},
        {"a.tsv", SLICE_LIT("a\t0\nb\xc3\xa9 x\0\t1\n"),
         "a.tsv:2:5: a NUL byte at byte offset 9: this is no text, or it is UTF-16; save the file as "
         "UTF-8 without NUL bytes"},
        {"a.tsv", SLICE_LIT("\xff\xfe\x61\0"),
         "a.tsv:1:1: the file begins with the byte order mark of UTF-16: save it as UTF-8"},
        {"a.tsv", SLICE_LIT("a\t0\n\xc3\xa9 caf\xe9\t1\n"),
         "a.tsv:2:6: byte 0xe9 at byte offset 10 is not valid UTF-8: save the file as UTF-8, or say what "
         "it is with \"encoding\": \"latin1\" or \"windows-1252\""},
        {"a.tsv", SLICE_LIT("just text\n"),
         "a.tsv:1: no column is left for the label: the row has 1 column; is the delimiter right?"},
        {"a.csv", SLICE_LIT("a,\"b\nc\n"), "a.csv:1:3: a quoted field has no closing quote"},
        {"a.csv", SLICE_LIT("a,0\n\"b\"x,1\n"),
         "a.csv:2:4: text follows a closing quote: a quote inside a quoted field must be doubled"},
        {"a.csv", SLICE_LIT("a,0\nb,c,1\n"),
         "a.csv:2: 3 columns where line 1 has 2: a comma is missing, or one too many stands inside a "
         "field without quotes"},
        {"a.csv", SLICE_LIT("id,text,label\n1,a,0\n1,b,1\n"),
         "a.csv:3: the id \"1\" stands already in line 2: make ids unique, or name '' as the "
         "column of ids to take the inputs' hashes"},
        {"a.jsonl", SLICE_LIT("{\"text\": \"a\", \"label\": 0}\n{\"text\": \"a\"}\n"),
         "a.jsonl:2: the record has no key \"label\" for the label"},
        {"a.jsonl", SLICE_LIT("{\"text\": \"a\", \"label\": null}\n"),
         "a.jsonl:1:24: the label is missing: fill it in, or remove the line"},
        {"a.jsonl", SLICE_LIT("{\"text\": 3, \"label\": 0}\n"),
         "a.jsonl:1:10: the text is a number, want a string"},
        {"a.jsonl", SLICE_LIT("{\"text\": \"a\", \"label\": [0]}\n"),
         "a.jsonl:1:24: the label is an array: name a key that holds a string or a number"},
        {"a.jsonl", SLICE_LIT("{\"words\": \"a\", \"label\": 0}\n"),
         "a.jsonl:1: no key is known to hold the text: name it with \"columns\": {\"text\": ...}"},
        {"a.jsonl", SLICE_LIT("{\"text\": \"a\", \"label\": 0}\n[1]\n"),
         "a.jsonl:2:1: found an array, want an object: JSON Lines has an object in every line"},
        {"a.jsonl", SLICE_LIT("{\n\"text\": \"a\"}\n"),
         "a.jsonl:1:2: found the end of the text where a key was expected; JSON Lines has a whole object in "
         "every line: is this file pretty-printed JSON?"},
        {"a.jsonl", SLICE_LIT("{\"text\": \"a\", \"text\": \"b\", \"label\": 0}\n"),
         "a.jsonl:1:26: the key \"text\" stands here a second time"},
        {"a.jsonl", SLICE_LIT("{\"text\": \"a\" \"label\": 0}\n"),
         "a.jsonl:1:14: found '\"' where ',' or '}' was expected"},
        {"a.xyz", SLICE_LIT("a\t0\n"),
         "a.xyz: the name does not tell the format: say it with \"format\": one of tsv, csv, jsonl, lines, parallel, conll, squad, "
         "crows-pairs, stereoset, bbq, winobias, "
         "winobias-coreference, winogender, winogender-coreference, seat, hellaswag"},
        {"a.txt", SLICE_LIT("a\n"),
         "a.txt: a file of plain lines has no labels: name the file that holds them, a line a sample, "
         "with \"labels_file\" in a suite's task, or give the file another format"},
        // A heading that no default names, over classes that each stand several times.
        {"a.csv", SLICE_LIT("review,verdict\na,0\nb,1\nc,0\nd,1\ne,0\nf,1\ng,0\nh,1\n"),
         "a.csv:1: the label \"verdict\" stands in this row alone: is it a heading? Say so with "
         "\"header\": true, or \"header\": false where it is a sample"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *message = files_refusal(files_write(cases[i].name, cases[i].text), NULL);
        const size_t len = strlen(cases[i].message); // a message that ends in ": " goes on
        const bool goes_on = cases[i].message[len - 1] == ' ';
        cr_expect(goes_on ? strncmp(message, cases[i].message, len) == 0
                          : strcmp(message, cases[i].message) == 0,
                  "case %zu gives: %s", i, message);
    }
}

Test(readers, refuse_wrong_columns)
{
    static const struct {
        ReadOptions options;
        const char *message;
    } cases[] = {
        {{.columns = {.text = SLICE_LIT("revew")}},
         "a.csv:1: there is no column \"revew\" (asked for as text); the headings are \"review\", \"x\", \"x\""},
        {{.columns = {.text = SLICE_LIT("x")}},
         "a.csv:1: the heading \"x\" stands over columns 2 and 3: ask for one by number"},
        {{.columns = {.text = SLICE_LIT("review"), .label = SLICE_LIT("1")}},
         "a.csv:1: column 1 is taken as text and as label: the answer would stand in the question; "
         "name another column"},
        {{.columns = {.label = SLICE_LIT("4")}},
         "a.csv:1: column 4 is asked for as label, but the row has 3 columns"},
        {{.header = READ_HEADER_NO, .columns = {.label = SLICE_LIT("x")}},
         "a.csv:1: column \"x\" is asked for as label by name, but the file has no header (\"header\": "
         "false): give its number from 1"},
        {{.header = READ_HEADER_YES},
         "a.csv:1: none of the headings \"review\", \"x\", \"x\" is known to hold the label: name it with "
         "\"columns\": {\"label\": ...}"},
        {{.format = SLICE_LIT("jsonn")},
         "unknown format \"jsonn\"; did you mean \"jsonl\"?; there are tsv, csv, jsonl, lines, parallel, conll, squad, "
         "crows-pairs, stereoset, bbq, winobias, "
         "winobias-coreference, winogender, winogender-coreference, seat, hellaswag"},
        {{.format = SLICE_LIT("tsv"), .delimiter = ' '},
         "a.csv: a space as delimiter needs columns by number, such as \"columns\": {\"label\": 1, "
         "\"text\": 2}: the last one takes the rest of the line"},
    };
    const char *path = FILES_WRITE("a.csv", "review,x,x\na,0,1\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_str_eq(files_refusal(path, &cases[i].options), cases[i].message);
    }
}

Test(readers, name_the_remedy_as_whoever_asked_would_write_it)
{
    const ReadOptions named = {.speech = SPEECH_OPTIONS, .header = READ_HEADER_YES};
    const ReadOptions plain = {.speech = SPEECH_OPTIONS};
    cr_expect_str_eq(
        files_refusal(FILES_WRITE("a.csv", "review,x\na,0\n"), &named),
        "a.csv:1: none of the headings \"review\", \"x\" is known to hold the label: name "
        "it with --label COLUMN");
    const char *broken = files_refusal(FILES_WRITE("b.csv", "a,0\n\xff,1\n"), &plain);
    cr_expect(strstr(broken, "--encoding latin1") != NULL, "%s", broken);
    cr_expect_str_eq(
        files_refusal(FILES_WRITE("c.jsonl", "{\"words\": \"a\", \"label\": 0}\n"), &plain),
        "c.jsonl:1: no key is known to hold the text: name it with --text KEY");
}

Test(readers, take_a_first_row_as_data_where_its_label_may_be_one)
{
    // Few rows, a class that another row alone has, or a label that comes again: no heading.
    static const char *const texts[] = {"a,x\nb,0\nc,0\n",
                                        "a,x\nb,y\nc,0\nd,0\ne,0\nf,0\ng,0\nh,0\ni,0\n",
                                        "a,x\nb,0\nc,0\nd,0\ne,0\nf,0\ng,0\nh,x\ni,0\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        Dataset d;
        files_read(files_write("f.csv", slice_from_cstr(texts[i])), NULL, &d);
        cr_expect_eq(d.samples[0].line, 1, "text %zu", i);
        dataset_release(&d);
    }
}

Test(readers, refuse_a_label_that_training_did_not_have)
{
    const Slice labels[] = {SLICE_LIT("pos"), SLICE_LIT("neg")};
    const ReadOptions options = {.labels = labels, .n_labels = 2};
    cr_expect_str_eq(
        files_refusal(FILES_WRITE("t.tsv", "a\tneg\nb\tneutral\n"), &options),
        "t.tsv:2: the label \"neutral\" is not among the 2 known ones (\"pos\", \"neg\"): "
        "correct it, or add it to the training data or to the list of labels, where one is given");
    Dataset d;
    files_read(FILES_WRITE("u.tsv", "a\tneg\n"), &options, &d);
    cr_expect_eq(d.n_labels, 2);
    cr_expect_eq(d.samples[0].label, 1); // the order given stands
    dataset_release(&d);
}

Test(readers, refuse_lines_and_labels_of_unequal_length)
{
    const char *path = FILES_WRITE("x_text.txt", "a\nb\n");
    const char *labels = FILES_WRITE("x_labels.txt", "0\n");
    const char *message = files_refusal(path, NULL);
    cr_expect(strstr(message, "x_labels.txt has 1 lines, but "), "%s", message);
    const ReadOptions options = {.labels_path = slice_from_cstr(labels)};
    cr_expect(strstr(files_refusal(path, &options), "has 1 lines"));
}

Test(readers, read_samples_without_labels_where_allowed)
{
    Dataset d;
    const ReadOptions options = {.label_optional = true};
    files_read(FILES_WRITE("a.tsv", "a\t0\nb\t\n"), &options, &d);
    cr_expect_eq(d.samples[0].label, 0);
    cr_expect_eq(d.samples[1].label, SAMPLE_NO_LABEL);
    dataset_release(&d);
    files_read(FILES_WRITE("b.jsonl", "{\"text\": \"x\"}\n"), &options, &d);
    cr_expect_eq(d.samples[0].label, SAMPLE_NO_LABEL);
    cr_expect_eq(d.n_labels, 0);
    dataset_release(&d);
}

Test(readers, name_what_cannot_be_opened)
{
    Error err = {0};
    Dataset d;
    char path[128];
    snprintf(path, sizeof path, "%s/none.tsv", files_folder());
    cr_expect_eq(dataset_read(path, &(ReadOptions){0}, &d, &err), STATUS_NOT_FOUND);
    cr_expect(strstr(err.text, "none.tsv"), "%s", err.text);
    cr_expect_eq(dataset_read(files_folder(), &(ReadOptions){0}, &d, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "is a directory, want a file"), "%s", err.text);
}

Test(readers, survive_every_failed_allocation)
{
    static const char *const names[] = {"a.tsv", "a.csv", "a.jsonl", "a_text.txt"};
    static const char *const texts[] = {
        "a\t0\nb\t1\na\t0\n", "id,text,label,g\n1,\"a\"\"b\",x,1\n2,b,y,2\n",
        "{\"text\": \"a\\n\", \"label\": \"x\"}\n{\"text\": \"a\\n\", \"label\": \"y\"}\n",
        "a\nb\n"};
    FILES_WRITE("a_labels.txt", "0\n1\n");
    for (size_t i = 0; i < 4; i++) {
        const char *path = files_write(names[i], slice_from_cstr(texts[i]));
        for (size_t n = 1;; n++) {
            Error err = {0};
            Dataset d;
            arena_fail_after(n);
            const Status s = dataset_read(path, &(ReadOptions){0}, &d, &err);
            arena_fail_after(0);
            if (s == STATUS_OK) {
                cr_expect_gt(n, 8);
                dataset_release(&d);
                break;
            }
            cr_assert_eq(s, STATUS_MEMORY, "%s, allocation %zu: %s", names[i], n, err.text);
            cr_assert_lt(n, 200);
        }
    }
}

Test(readers, are_found_by_name_and_extension)
{
    const Reader *reader = NULL;
    Error err = {0};
    for (size_t i = 0; i < readers_count; i++) {
        cr_expect_eq(reader_for((Slice){0}, slice_from_cstr(readers_all[i]->name), &reader, &err),
                     STATUS_OK);
        cr_expect_eq(reader, readers_all[i]);
        cr_expect_gt(strlen(readers_all[i]->summary), 10);
        if (!readers_all[i]->extensions[0]) continue; // of no name: only where it is asked for
        char name[32];
        snprintf(name, sizeof name, "F%s", readers_all[i]->extensions[0]);
        cr_expect_eq(reader_for(slice_from_cstr(name), (Slice){0}, &reader, &err), STATUS_OK);
        cr_expect_eq(reader, readers_all[i]);
    }
}
