// Sources with targets: parallel text, and the columns of tables and JSON Lines.
#include "tests/datasets/files.h"
#include "tests/support/shared.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(parallel, .fini = files_remove);

static ReadOptions by_ends(void)
{
    return (ReadOptions){.format = SLICE_LIT("parallel"),
                         .columns = {.text = SLICE_LIT("en"), .target = SLICE_LIT("de")},
                         .label_optional = true,
                         .wants_target = true};
}

static void expect_pair(const Dataset *d, size_t i, const char *source, const char *target)
{
    cr_assert_lt(i, d->n_samples);
    cr_expect(slice_eq_cstr(d->samples[i].text, source), "source %zu is \"" SLICE_FMT "\"", i,
              SLICE_ARG(d->samples[i].text));
    cr_assert_geq(d->samples[i].n_targets, 1);
    cr_expect(slice_eq_cstr(d->samples[i].targets[0], target), "target %zu is \"" SLICE_FMT "\"", i,
              SLICE_ARG(d->samples[i].targets[0]));
}

Test(parallel, two_files_go_together_line_by_line)
{
    Dataset d;
    const ReadOptions options = by_ends();
    // A byte order mark and CRLF go; blanks, no-break spaces and other line breaks of Unicode stay.
    FILES_WRITE("t.de", "\xef\xbb\xbf"
                        "Ein Hund.\r\n\xc2\xa0Zwei \xe2\x80\xa8 Katzen \r\nEnde");
    files_read(FILES_WRITE("t.en", "A dog.\nTwo cats\n\tEnd\n"), &options, &d);
    cr_expect_eq(d.n_samples, 3);
    expect_pair(&d, 0, "A dog.", "Ein Hund.");
    expect_pair(&d, 1, "Two cats", "\xc2\xa0Zwei \xe2\x80\xa8 Katzen ");
    expect_pair(&d, 2, "\tEnd", "Ende");
    cr_expect_eq(d.samples[1].line, 2);
    cr_expect_eq(d.samples[1].label, SAMPLE_NO_LABEL);
    cr_expect_eq(d.n_labels, 0);
    dataset_release(&d);
}

Test(parallel, the_hash_covers_both_files_and_the_id_the_source_alone)
{
    Dataset a, b;
    const ReadOptions options = by_ends();
    const char *path = FILES_WRITE("t.en", "A dog.\nA dog.\n");
    FILES_WRITE("t.de", "Ein Hund.\nHund.\n");
    files_read(path, &options, &a);
    FILES_WRITE("t.de", "Ein Hund.\nEin Tier.\n");
    files_read(path, &options, &b);
    cr_expect_neq(strcmp(a.sha256, b.sha256), 0);
    cr_expect(slice_eq(a.samples[1].id, b.samples[1].id));
    cr_expect(slice_ends_with(a.samples[1].id, SLICE("#2")));
    dataset_release(&a);
    dataset_release(&b);
}

Test(parallel, several_files_are_several_references)
{
    Dataset d;
    ReadOptions options = by_ends();
    const Slice targets[] = {slice_from_cstr(FILES_WRITE("r.A", "eins\nzwei\n")),
                             slice_from_cstr(FILES_WRITE("r.B", "EINS\nZWEI\n"))};
    options.target_paths = targets;
    options.n_target_paths = 2;
    files_read(FILES_WRITE("any.name", "one\ntwo\n"), &options, &d);
    cr_assert_eq(d.samples[1].n_targets, 2);
    cr_expect(slice_eq_cstr(d.samples[1].targets[0], "zwei"));
    cr_expect(slice_eq_cstr(d.samples[1].targets[1], "ZWEI"));
    dataset_release(&d);
}

Test(parallel, files_that_do_not_go_together_are_refused_with_place_and_remedy)
{
    static const struct {
        const char *source, *target, *says;
    } cases[] = {
        {"a\nb\nc\n", "x\ny\n", "has 2 lines, but"},
        {"a\nb\nc\n", "x\ny\n", "t.en has 3: they must go together line by line"},
        {"a\nb\n", "x\ny\nz", "has 3 lines, but"},
        {"a\n\nc\n", "x\ny\nz\n", "t.en:2: the source is empty"},
        {"a\nb\nc\n", "x\ny\n\t \n", "t.en:3: the target is empty"},
        {"a\nb\n", "x\n\ty\xff\n", "t.de:2:3: byte 0xff at byte offset 4 is not valid UTF-8"},
    };
    const ReadOptions options = by_ends();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        files_write("t.de", slice_from_cstr(cases[i].target));
        const char *says =
            files_refusal(files_write("t.en", slice_from_cstr(cases[i].source)), &options);
        cr_expect(strstr(says, cases[i].says) != NULL, "case %zu says: %s", i, says);
    }
    const char *says = files_refusal(FILES_WRITE("t.fr", "a\n"), &options);
    cr_expect(strstr(says, "does not end in \".en\"") != NULL, "%s", says);
    ReadOptions nameless = options;
    nameless.columns.target = (Slice){0};
    says = files_refusal(files_write("t.en", SLICE("a\n")), &nameless);
    cr_expect(strstr(says, "\"columns\": {\"text\": \"en\"") != NULL, "%s", says);
}

Test(parallel, pairs_with_an_empty_side_are_dropped_and_counted_or_kept)
{
    Dataset d;
    ReadOptions options = by_ends();
    FILES_WRITE("t.de", "eins\n\ndrei\n \n");
    const char *path = FILES_WRITE("t.en", "one\ntwo\n\n\n");
    options.empty_sides = EMPTY_SIDES_DROP;
    files_read(path, &options, &d);
    cr_expect_eq(d.n_samples, 1);
    cr_expect(d.n_notes == 1 && d.notes[0].n == 3);
    dataset_release(&d);
    options.empty_sides = EMPTY_SIDES_KEEP;
    files_read(path, &options, &d);
    cr_expect_eq(d.n_samples, 4);
    cr_expect_eq(d.n_notes, 0);
    expect_pair(&d, 1, "two", "");
    expect_pair(&d, 2, "", "drei");
    dataset_release(&d);
    FILES_WRITE("t.de", "\n");
    options.empty_sides = EMPTY_SIDES_DROP;
    cr_expect_not_null(
        strstr(files_refusal(FILES_WRITE("t.en", "one\n"), &options), "there is no sample in it"));
}

Test(parallel, tables_and_json_lines_have_columns_of_sources_and_targets)
{
    static const struct {
        const char *name, *text, *source, *target;
    } cases[] = {
        {"a.tsv", "one\teins\ntwo\tzwei\n", "one", "eins"},
        {"b.tsv", "target\tid\tsource\neins\t7\tone\n", "one", "eins"},
        {"c.csv", "src,tgt\n\"one, two\",\"eins, zwei\"\n", "one, two", "eins, zwei"},
        {"d.csv", "Translation,Text\neins,one\n", "one", "eins"},
        {"e.jsonl", "{\"source\": \"one\", \"target\": \"eins\", \"label\": 3}\n", "one", "eins"},
        {"f.jsonl", "{\"input\": \"one\", \"output\": [\"eins\", \"EINS\"]}\n", "one", "eins"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Dataset d;
        const ReadOptions options = {.label_optional = true, .wants_target = true};
        files_read(files_write(cases[i].name, slice_from_cstr(cases[i].text)), &options, &d);
        expect_pair(&d, 0, cases[i].source, cases[i].target);
        cr_expect_eq(d.samples[0].n_targets, cases[i].name[0] == 'f' ? 2 : 1);
        cr_expect_eq(d.n_labels, 0, "%s has %zu labels", cases[i].name, d.n_labels);
        dataset_release(&d);
    }
    Dataset d;
    const ReadOptions paths = {
        .columns = {.text = SLICE_LIT("translation.en"), .target = SLICE_LIT("translation.de")},
        .label_optional = true,
        .wants_target = true};
    files_read(FILES_WRITE("h.jsonl", "{\"translation\": {\"en\": \"one\", \"de\": \"eins\"}}\n"),
               &paths, &d);
    expect_pair(&d, 0, "one", "eins");
    dataset_release(&d);
}

Test(parallel, wrong_columns_of_tables_are_refused)
{
    static const struct {
        const char *name, *text, *says;
    } cases[] = {
        {"a.tsv", "one\ntwo\n", "a.tsv:1: no column is left for the target"},
        {"b.csv", "source,words\na,b\n", "is known to hold the target: name it with \"columns\""},
        {"c.tsv", "one\teins\ntwo\t\n", "c.tsv:2: the target is empty"},
        {"d.jsonl", "{\"source\": \"a\"}\n", "no key is known to hold the target"},
        {"e.jsonl", "{\"source\": \"a\", \"target\": 3}\n",
         "the target is a number, want a string"},
        {"f.jsonl", "{\"source\": \"a\", \"target\": []}\n", "the list of targets is empty"},
        {"g.jsonl", "{\"source\": \"a\", \"target\": [\"b\", \"\"]}\n", "the target is empty"},
        {"i.jsonl", "{\"source\": \"a\", \"target\": \"b\"}\n{\"source\": \"a\"}\n",
         "i.jsonl:2: the record has no key \"target\""},
    };
    const ReadOptions options = {.label_optional = true, .wants_target = true};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *says =
            files_refusal(files_write(cases[i].name, slice_from_cstr(cases[i].text)), &options);
        cr_expect(strstr(says, cases[i].says) != NULL, "%s says: %s", cases[i].name, says);
    }
    ReadOptions same = options;
    same.columns.text = same.columns.target = SLICE("1");
    const char *says = files_refusal(FILES_WRITE("z.tsv", "one\teins\n"), &same);
    cr_expect(strstr(says, "is taken as text and as target") != NULL, "%s", says);
}

Test(parallel, parts_are_found_by_the_end_of_their_names)
{
    Arena arena = {0};
    Error err = {0};
    char *path = NULL;
    FILES_WRITE("train.en", "a\n");
    FILES_WRITE("train.de", "a\n");
    FILES_WRITE("val.en", "a\n");
    FILES_WRITE("test_2016.en", "a\n");
    FILES_WRITE("test_2016.tsv", "a\n");
    static const char *const parts[] = {"train", "dev", "test"};
    static const char *const names[] = {"/train.en", "/val.en", "/test_2016.en"};
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(dataset_find_part(&arena, files_folder(), parts[i], SLICE("en"), &path, &err),
                     STATUS_OK, "%s", err.text);
        cr_expect(slice_ends_with(slice_from_cstr(path), slice_from_cstr(names[i])), "%s", path);
    }
    cr_expect_eq(dataset_find_part(&arena, files_folder(), "train", SLICE("fr"), &path, &err),
                 STATUS_NOT_FOUND);
    cr_expect_not_null(strstr(err.text, "no train.fr in this directory"), "%s", err.text);
    arena_release(&arena);
}

Test(parallel, multi30k_is_read_whole)
{
    const char *path = shared_need("data/multi30k/train.en");
    Dataset d;
    const ReadOptions options = by_ends();
    files_read(path, &options, &d);
    cr_expect_eq(d.n_samples, 29000);
    expect_pair(&d, 0, "Two young, White males are outside near many bushes.",
                "Zwei junge wei\xc3\x9f"
                "e M\xc3\xa4nner sind im Freien in der N\xc3\xa4he vieler B\xc3\xbcsche.");
    dataset_release(&d);
}
