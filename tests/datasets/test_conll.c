#include "tests/datasets/files.h"
#include "tests/support/shared.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(conll, .fini = files_remove);

// Words and tags as "word/tag word/tag"; a word without a tag stands alone.
static void expect_words(const Dataset *d, size_t i, const char *wanted)
{
    char found[512] = "";
    size_t len = 0;
    cr_assert_lt(i, d->n_samples);
    const Sample *s = &d->samples[i];
    for (size_t w = 0; w < s->n_tokens; w++) {
        len += (size_t)snprintf(found + len, sizeof found - len, "%s" SLICE_FMT "%s" SLICE_FMT,
                                w ? " " : "", SLICE_ARG(s->tokens[w]), s->tags ? "/" : "",
                                SLICE_ARG(s->tags ? s->tags[w] : (Slice){0}));
    }
    cr_expect_str_eq(found, wanted, "sentence %zu: %s", i, found);
}

Test(conll, reads_words_and_tags_and_blank_lines)
{
    Dataset d;
    files_read(FILES_WRITE("a.conll", "EU\tB-ORG\nrejects\tO\n\n\nPeter\tB-PER\r\n\t\nlast\tO"),
               NULL, &d);
    cr_assert_eq(d.n_samples, 3);
    cr_expect_eq(d.n_labels, 0);
    expect_words(&d, 0, "EU/B-ORG rejects/O");
    expect_words(&d, 1, "Peter/B-PER");
    expect_words(&d, 2, "last/O");
    cr_expect(slice_eq_cstr(d.samples[0].text, "EU rejects"));
    cr_expect_eq(d.samples[0].label, SAMPLE_NO_LABEL);
    cr_expect_eq(d.samples[2].line, 7);
    dataset_release(&d);
}

Test(conll, takes_any_number_of_columns_cut_at_tabs_or_blanks)
{
    static const struct {
        const char *text, *words, *word_column, *tag_column;
    } cases[] = {
        {"EU NNP I-NP B-ORG\nsays VBZ I-VP O\n", "EU/B-ORG says/O", "", ""},
        {"EU   NNP\tB-ORG\nsays VBZ O\n", "EU   NNP/B-ORG", "", ""},
        {"EU  NNP  B-ORG \n says VBZ O\n", "EU/B-ORG says/O", "", ""},
        {"1\tEU\tB-ORG\tx\n2\tsays\tO\ty\n", "EU/B-ORG says/O", "2", "3"},
        {"-DOCSTART- -X- O\n\nEU NNP B-ORG\n", "EU/B-ORG", "", ""},
        {"# id = 1\nEU\tB-ORG\n#\tO\n# text\n", "EU/B-ORG #/O", "", ""},
        {"#\tO\nEU\tB-ORG\n", "#/O EU/B-ORG", "", ""},
        {"EU \t B-ORG \n \tO\n", "EU/B-ORG  /O", "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Dataset d = {0};
        Error err = {0};
        const ReadOptions options = {.columns = {.text = slice_from_cstr(cases[i].word_column),
                                                 .label = slice_from_cstr(cases[i].tag_column)}};
        const Status s = dataset_read(files_write("b.conll", slice_from_cstr(cases[i].text)),
                                      &options, &d, &err);
        if (i == 1) { // a tab decides: then the second line lacks a column
            cr_expect(s == STATUS_INVALID && strstr(err.text, "is it \"delimiter\": \"space\"?"),
                      "%s", err.text);
            continue;
        }
        cr_assert_eq(s, STATUS_OK, "case %zu: %s", i, err.text);
        expect_words(&d, 0, cases[i].words);
        dataset_release(&d);
    }
}

Test(conll, words_alone_are_read_where_tags_are_optional)
{
    Dataset d;
    const ReadOptions options = {.label_optional = true, .format = SLICE_LIT("conll")};
    files_read(FILES_WRITE("a.test", "one\n#two\n\nthree\n"), &options, &d);
    cr_assert_eq(d.n_samples, 2);
    expect_words(&d, 1, "three");
    dataset_release(&d);
}

Test(conll, says_line_and_remedy_of_what_is_wrong)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"a\tO\nb\n",
         "2: the line has 1 column, the lines before 2, cut at tabs: \"b\"; complete it"},
        {"a O\nb c O\n", "cut at blanks: \"b c O\"; complete it, or take away what is too much"},
        {"a O\rb O\r", "w.conll:1: the lines end in carriage returns alone"},
        {"a\nb\n", "1: the line has one column: a word and its tag are wanted"},
        {"a\tO\n\tO\n", "2: the word is empty"},
        {"a\tO\nb\t \n", "2: the tag is empty"},
        {"\n\n-DOCSTART- O\n", "there is no sample"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *said =
            files_refusal(files_write("w.conll", slice_from_cstr(cases[i].text)), NULL);
        cr_expect(strstr(said, cases[i].says), "case %zu: %s", i, said);
    }
    const ReadOptions far = {.columns = {.label = SLICE_LIT("7")}};
    const char *said = files_refusal(FILES_WRITE("w.conll", "a\tO\n"), &far);
    cr_expect(strstr(said, "has 2 columns, but the tag is asked for in \"7\""), "%s", said);
}

Test(conll, real_files_have_the_counts_that_are_published)
{
    static const struct {
        const char *path, *format;
        size_t n_sentences, n_words;
    } cases[] = {
        {"data/wnut17/wnut17train.conll", "", 3394, 62730},
        {"data/wnut17/emerging.dev.conll", "", 1009, 15733},
        {"data/wnut17/emerging.test.annotated", "conll", 1287, 23394},
        {"data/wikigold/wikigold.conll.txt", "conll", 1696, 39007},
        {"data/gum/gum-train.conll", "", 2495, 44111},
        {"data/wikiann-en/dev", "conll", 10000, 80536},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = shared_need(cases[i].path);
        Dataset d;
        size_t n_words = 0;
        const ReadOptions options = {.format = slice_from_cstr(cases[i].format)};
        files_read(path, &options, &d);
        for (size_t k = 0; k < d.n_samples; k++) n_words += d.samples[k].n_tokens;
        cr_expect_eq(d.n_samples, cases[i].n_sentences, "%s: %zu sentences", path, d.n_samples);
        cr_expect_eq(n_words, cases[i].n_words, "%s: %zu words", path, n_words);
        dataset_release(&d);
    }
}
