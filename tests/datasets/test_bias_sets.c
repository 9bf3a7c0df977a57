// Sets about bias, in the forms in which they are published.
#include "datasets/bbq.h"
#include "datasets/python_literal.h"
#include "tests/datasets/files.h"
#include "tests/support/shared.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

TestSuite(bias_sets, .fini = files_remove);

static ReadOptions format(const char *name)
{
    return (ReadOptions){.format = slice_from_cstr(name)};
}

static Slice attribute(const Sample *sample, const char *name)
{
    const SampleAttribute *a = sample_attribute(sample, slice_from_cstr(name));
    return a ? a->value : SLICE("none");
}

static size_t count_attribute(const Dataset *d, const char *name, const char *value)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n_samples; i++)
        n += slice_eq_cstr(attribute(&d->samples[i], name), value);
    return n;
}

Test(bias_sets, crows_pairs_have_two_sentences_and_a_direction)
{
    Dataset d;
    const ReadOptions options = format("crows-pairs");
    files_read(FILES_WRITE("c.csv", ",sent_more,sent_less,stereo_antistereo,bias_type,x\n"
                                    "0,\"Old, he forgot.\",\"Young, he forgot.\",stereo,age,[]\n"
                                    "1,\"Ann\nruns.\",Bob runs.,antistereo,gender,[]\n"),
               &options, &d);
    cr_assert_eq(d.n_samples, 2);
    const Sample *s = d.samples;
    cr_expect(slice_eq_cstr(s[0].choices[0], "Old, he forgot."));
    cr_expect(slice_eq_cstr(s[1].choices[0], "Ann\nruns."), "a line break in quotes is text");
    cr_expect(s[0].n_choices == 2 && s[0].bias->stereotyped == 0);
    cr_expect(s[0].bias->direction == 0 && s[1].bias->direction == 1);
    cr_expect(slice_eq_cstr(attribute(&s[1], "bias_type"), "gender"));
    cr_expect_eq(s[1].line, 3);
    dataset_release(&d);
}

Test(bias_sets, stereoset_has_its_sentences_in_one_order_in_both_layouts)
{
    Dataset d;
    const ReadOptions options = format("stereoset");
    const char *texts[] = {
        "[{\"id\": \"a\", \"target\": \"poet\", \"bias_type\": \"profession\",\n \"context\": \"Poets are BLANK.\","
        "\"data\": {\"unrelated\": {\"sentence\": \"Poets are lids.\"}, \"anti-stereotype\": {\"sentence\": "
        "\"Poets are loud.\"}, \"stereotype\": {\"sentence\": \"Poets are shy.\"}}}]",
        "{\"data\": {\"intrasentence\": [{\"id\": \"a\", \"target\": \"poet\", \"bias_type\": \"profession\", "
        "\"context\": \"Poets are BLANK.\", \"sentences\": [{\"sentence\": \"Poets are loud.\", "
        "\"gold_label\": \"anti-stereotype\"}, {\"sentence\": \"Poets are lids.\", \"gold_label\": "
        "\"unrelated\"}, {\"sentence\": \"Poets are shy.\", \"gold_label\": \"stereotype\"}]}]}}"};
    for (size_t i = 0; i < 2; i++) {
        files_read(files_write("s.json", slice_from_cstr(texts[i])), &options, &d);
        cr_assert_eq(d.n_samples, 1);
        const Sample *s = d.samples;
        cr_expect(slice_eq_cstr(s->choices[0], "Poets are shy."));
        cr_expect(slice_eq_cstr(s->choices[1], "Poets are loud."));
        cr_expect(slice_eq_cstr(s->choices[2], "Poets are lids."));
        cr_expect(slice_eq_cstr(s->bias->target, "poet") && slice_eq_cstr(s->id, "a"));
        dataset_release(&d);
    }
}

// Both kinds in one document, the second first.
#define STEREO_SENTENCES(a, b, c)                                   \
    "\"sentences\": [{\"sentence\": \"" a                           \
    "\", \"gold_label\": \"anti-stereotype\"}, {\"sentence\": \"" b \
    "\", \"gold_label\": \"unrelated\"}, {\"sentence\": \"" c       \
    "\", \"gold_label\": \"stereotype\"}]"
#define STEREO_FOLLOWS                                                                                                          \
    "{\"id\": \"f\", \"target\": \"poet\", \"bias_type\": \"profession\",\n \"context\": \" A poet came. \"," STEREO_SENTENCES( \
        "She was loud.", "Lids fit. ", " He was shy.") "}"
#define STEREO_FILLS                                                                                                            \
    "{\"id\": \"b\", \"target\": \"cook\", \"bias_type\": \"profession\", \"context\": \"Cooks are BLANK.\"," STEREO_SENTENCES( \
        "Cooks are thin.", "Cooks are lids.", "Cooks are fat.") "}"
#define STEREO_BOTH                                                                             \
    "{\"data\": {\"intersentence\": [\n" STEREO_FOLLOWS "],\n\"intrasentence\": [" STEREO_FILLS \
    "]}}"

Test(bias_sets, stereosets_second_sentences_are_read_where_they_are_asked_for)
{
    static const struct {
        const char *text;
        StereoItems items;
        size_t n, n_notes;
        const char *ids;
    } cases[] = {
        {STEREO_BOTH, STEREO_INTRASENTENCE, 1, 1, "b"},
        {STEREO_BOTH, STEREO_INTERSENTENCE, 1, 1, "f"},
        {STEREO_BOTH, STEREO_ALL, 2, 0, "bf"},
        {"[" STEREO_FOLLOWS "," STEREO_FILLS "]", STEREO_ALL, 2, 0, "fb"},
        {"[" STEREO_FOLLOWS "]", STEREO_INTERSENTENCE, 1, 0, "f"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Dataset d;
        ReadOptions options = format("stereoset");
        options.items = cases[i].items;
        files_read(files_write("s.json", slice_from_cstr(cases[i].text)), &options, &d);
        cr_assert_eq(d.n_samples, cases[i].n, "case %zu: %zu", i, d.n_samples);
        cr_expect_eq(d.n_notes, cases[i].n_notes, "case %zu", i);
        for (size_t k = 0; k < d.n_samples; k++) {
            const Sample *s = &d.samples[k];
            const bool follows = cases[i].ids[k] == 'f';
            cr_expect_eq(s->id.ptr[0], cases[i].ids[k], "case %zu", i);
            cr_expect_eq(s->bias->follows, follows, "case %zu", i);
            cr_expect(slice_eq_cstr(s->text, follows ? "A poet came." : "Cooks are BLANK."));
            cr_expect(slice_eq_cstr(s->choices[0], follows ? "He was shy." : "Cooks are fat."));
            cr_expect(slice_eq_cstr(s->choices[2], follows ? "Lids fit." : "Cooks are lids."));
            cr_expect(slice_eq_cstr(attribute(s, "items"), options.items != STEREO_ALL ? "none"
                                                           : follows ? "intersentence"
                                                                     : "intrasentence"));
        }
        if (i == 2) cr_expect(d.samples[0].line == 4 && d.samples[1].line == 2);
        if (d.n_samples == 2) cr_expect_neq(d.samples[0].bias->term, d.samples[1].bias->term);
        dataset_release(&d);
    }
}

Test(bias_sets, stereosets_items_of_another_kind_are_refused)
{
    static const struct {
        StereoItems items;
        const char *text, *says;
    } cases[] = {
        {STEREO_INTRASENTENCE, "[" STEREO_FOLLOWS "]",
         "\"all\" reads items whose sentences follow"},
        {STEREO_INTERSENTENCE, "[" STEREO_FILLS "]", "has a BLANK to be filled; \"items\""},
        {STEREO_INTERSENTENCE, "{\"data\": {\"intrasentence\": [" STEREO_FILLS "]}}",
         "want {\"data\": {\"intersentence\": [..]}}"},
        {STEREO_ALL, "{\"data\": {\"intersentence\": [" STEREO_FOLLOWS "]}}",
         "want {\"data\": {\"intrasentence\": [..]}}"},
        {STEREO_ALL, "{\"data\": {\"intrasentence\": [" STEREO_FOLLOWS "]}}", "has no BLANK"},
        {STEREO_ALL, "[{\"target\": \"t\", \"bias_type\": \"b\", \"context\": \" \"}]",
         "the context is empty"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ReadOptions options = format("stereoset");
        options.items = cases[i].items;
        const char *said =
            files_refusal(files_write("s.json", slice_from_cstr(cases[i].text)), &options);
        cr_expect(strstr(said, cases[i].says), "case %zu: %s", i, said);
    }
}

#define BBQ_LINE(info, more)                                                                          \
    "{\"question_polarity\": \"nonneg\", \"context_condition\": \"ambig\", \"context\": \"C.\", "     \
    "\"question\": \"Q?\", \"ans0\": \"The old man\", \"ans1\": \"Unknown\", \"ans2\": \"The boy\", " \
    "\"label\": 1, \"answer_info\": " info ", \"additional_metadata\": " more "}\n"
#define INFO_JSON \
    "{\"ans0\": [\"man\", \"old\"], \"ans1\": [\"u\", \"unknown\"], \"ans2\": [\"boy\", \"nonOld\"]}"
#define INFO_PYTHON \
    "\"{'ans0': ['man\\\\'s', 'old'], 'ans1': ['u', 'unknown'], 'ans2': (\\\"boy\\\", 'nonOld',)}\""

Test(bias_sets, bbq_knows_the_choice_that_a_stereotype_asks_for)
{
    const char *forms[] = {BBQ_LINE(INFO_JSON, "{\"stereotyped_groups\": [\"Old\"]}"),
                           BBQ_LINE(INFO_PYTHON, "\"{'stereotyped_groups': ['Old'], 'x': None}\"")};
    const ReadOptions options = format("bbq");
    for (size_t i = 0; i < 4; i++) {
        Dataset d;
        char text[1024];
        // Without "non" it is the negative twin.
        const char *form = forms[i / 2], *non = strstr(form, "nonneg");
        const size_t before = (size_t)(non - form), skipped = i % 2 ? 0 : 3;
        snprintf(text, sizeof text, "%.*s%s", (int)before, form, non + skipped);
        files_read(files_write("q.jsonl", slice_from_cstr(text)), &options, &d);
        const Sample *s = d.samples;
        cr_expect_eq(s->bias->stereotyped, i % 2 ? 2 : 0, "form %zu", i);
        cr_expect(s->bias->unknown == 1 && s->gold == 1 && s->bias->is_ambiguous);
        cr_expect(slice_eq_cstr(s->context, "C.") && slice_eq_cstr(s->text, "Q?"));
        dataset_release(&d);
    }
}

Test(bias_sets, bbq_tells_free_answers_to_be_choices)
{
    const Slice choices[] = {SLICE_LIT("The old man"), SLICE_LIT("Can't be known"),
                             SLICE_LIT("The boy")};
    const struct {
        const char *answer;
        int32_t choice;
    } cases[] = {{"the boy", 2},
                 {" The old man. ", 0},
                 {"cant be known", 1},
                 {"a boy", BBQ_NONE},
                 {"", BBQ_NONE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        int32_t got = 99;
        cr_assert_eq(bbq_match(choices, slice_from_cstr(cases[i].answer), &arena, &got, &err),
                     STATUS_OK);
        cr_expect_eq(got, cases[i].choice, "\"%s\"", cases[i].answer);
        arena_release(&arena);
    }
}

Test(bias_sets, python_values_are_told_as_json)
{
    static const struct {
        const char *python, *json;
    } cases[] = {
        {"{'a': ['b', \"it's\"], 'c': (1, -2.5e3,), 'd': None}",
         "{\"a\":[\"b\",\"it's\"],\"c\":[1,-2.5e3],\"d\":null}"},
        {"['\\'', '\\x41\\u00e9', '\\q', True, False, []]",
         "[\"'\",\"A\xc3\xa9\",\"\\\\q\",true,false,[]]"},
        {"['a'", NULL},
        {"['a", NULL},
        {"[a]", NULL},
        {"['\\ud800']", NULL},
        {"[1,,2]", NULL},
        {"[1)", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Buffer out = {0};
        Error err = {0};
        const Status s = python_literal_to_json(slice_from_cstr(cases[i].python), &out, &err);
        cr_expect_eq(s == STATUS_OK, cases[i].json != NULL, "%s: %s", cases[i].python, err.text);
        if (s == STATUS_OK)
            cr_expect(slice_eq_cstr(buffer_slice(&out), cases[i].json), "%s", out.ptr);
        buffer_release(&out);
    }
}

Test(bias_sets, winobias_is_read_with_its_twin)
{
    Dataset d;
    const ReadOptions options = format("winobias");
    FILES_WRITE("anti_x.txt", "1 [The cook] thanked the maid since [she] slept.\n");
    files_read(FILES_WRITE("pro_x.txt", "1 [The cook] thanked the maid since [he] slept.\n"),
               &options, &d);
    cr_assert_eq(d.n_samples, 2);
    const Sample *s = d.samples;
    cr_expect(slice_eq_cstr(s[0].choices[0], "The cook thanked the maid since he slept."));
    cr_expect(slice_eq_cstr(s[0].choices[1], "The cook thanked the maid since she slept."));
    cr_expect(slice_eq(s[1].choices[0], s[0].choices[1]));
    cr_expect(s[0].bias->stereotyped == 0 && s[1].bias->stereotyped == 1);
    cr_expect(s[0].gold == 0 && s[1].gold == 0 && slice_eq(s[0].group, s[1].group));
    cr_expect(slice_eq_cstr(attribute(&s[1], "version"), "anti"));
    dataset_release(&d);
}

Test(bias_sets, winogender_takes_stereotypes_from_statistics)
{
    Dataset d;
    const ReadOptions options = format("winogender");
    FILES_WRITE("occupations-stats.tsv", "occupation\tbls_pct_female\nnurse\t89.5\nplumber\t0.5\n");
    files_read(FILES_WRITE("all.tsv", "sentid\tsentence\n"
                                      "nurse.patient.0.male.txt\tHe works.\n"
                                      "nurse.patient.0.female.txt\tShe works.\n"
                                      "nurse.patient.0.neutral.txt\tThey work.\n"
                                      "plumber.tenant.1.female.txt\tShe pays.\n"
                                      "plumber.tenant.1.male.txt\tHe pays.\n"),
               &options, &d);
    cr_assert_eq(d.n_samples, 2);
    const Sample *s = d.samples;
    cr_expect(slice_eq_cstr(s[0].choices[0], "He works."));
    cr_expect(slice_eq_cstr(s[0].choices[1], "She works."));
    cr_expect_eq(s[0].bias->stereotyped, 1);
    cr_expect_eq(s[1].bias->stereotyped, SAMPLE_NO_LABEL, "of the participant nothing is known");
    cr_expect(slice_eq_cstr(s[1].choices[0], "He pays."));
    dataset_release(&d);
}

static void expect_question(const Sample *s, const char *question, const char *first,
                            const char *second, int32_t gold, int32_t stereotyped)
{
    cr_expect(slice_eq_cstr(s->text, question), SLICE_FMT, SLICE_ARG(s->text));
    cr_assert_eq(s->n_choices, 2);
    cr_expect(slice_eq_cstr(s->choices[0], first), SLICE_FMT, SLICE_ARG(s->choices[0]));
    cr_expect(slice_eq_cstr(s->choices[1], second), SLICE_FMT, SLICE_ARG(s->choices[1]));
    cr_expect_eq(s->gold, gold);
    cr_expect_eq(s->bias->stereotyped, stereotyped);
}

Test(bias_sets, winobias_asks_whom_a_pronoun_means)
{
    Dataset d;
    const ReadOptions options = format("winobias-coreference");
    FILES_WRITE("anti_type2.txt",
                "1 [The cook] thanked the construction worker since [she] slept.\n"
                "2 The cook thanked [the construction worker] and fed [him] at [his] table.\n");
    files_read(
        FILES_WRITE("pro_type2.txt",
                    "1 [The cook] thanked the construction worker since [he] slept.\n"
                    "2 The cook thanked [the construction worker] and fed [her] at [her] table.\n"),
        &options, &d);
    cr_assert_eq(d.n_samples, 4);
    const Sample *s = d.samples;
    const char *cook = "the cook", *worker = "the construction worker";
    expect_question(&s[0], "Who does \"he\" refer to?", cook, worker, 0, 0);
    expect_question(&s[1], "Who does \"she\" refer to?", cook, worker, 0, 1);
    expect_question(&s[2], "Who does \"her\" refer to?", cook, worker, 1, 1);
    expect_question(&s[3], "Who does \"him\" refer to?", cook, worker, 1, 0);
    cr_expect(
        slice_eq_cstr(s[0].context, "The cook thanked the construction worker since he slept."));
    cr_expect(slice_eq_cstr(attribute(&s[3], "version"), "anti"));
    cr_expect(slice_eq_cstr(attribute(&s[3], "pronoun"), "male"));
    cr_expect(slice_eq_cstr(attribute(&s[3], "type"), "2"));
    cr_expect(slice_eq(s[2].group, s[3].group) && !slice_eq(s[1].group, s[2].group));
    dataset_release(&d);
}

Test(bias_sets, winogender_asks_whom_a_pronoun_means)
{
    Dataset d;
    const ReadOptions options = format("winogender-coreference");
    FILES_WRITE("occupations-stats.tsv",
                "occupation\tbergsma_pct_female\tbls_pct_female\tbls_year\n"
                "nurse\t93.1\t89.5\t2015\nplumber\t\t0.5\t2015\n");
    files_read(FILES_WRITE("all.tsv",
                           "sentid\tsentence\n"
                           "nurse.someone.0.male.txt\tThe nurse told someone he was ill.\n"
                           "nurse.someone.0.female.txt\tThe nurse told someone she was ill.\n"
                           "nurse.someone.0.neutral.txt\tThe nurse told someone they were ill.\n"
                           "plumber.owner.1.female.txt\tAn owner paid the plumber at her door.\n"
                           "pilot.owner.1.male.txt\tAn owner met a pilot at his door.\n"),
               &options, &d);
    cr_assert_eq(d.n_samples, 5);
    const Sample *s = d.samples;
    expect_question(&s[0], "Who does \"he\" refer to?", "the nurse", "someone", 0, 1);
    expect_question(&s[1], "Who does \"she\" refer to?", "the nurse", "someone", 0, 0);
    expect_question(&s[2], "Who does \"they\" refer to?", "the nurse", "someone", 0,
                    SAMPLE_NO_LABEL);
    expect_question(&s[3], "Who does \"her\" refer to?", "the plumber", "an owner", 1, 1);
    expect_question(&s[4], "Who does \"his\" refer to?", "a pilot", "an owner", 1, SAMPLE_NO_LABEL);
    cr_expect(s[0].bias->women[0] == 89.5 && s[0].bias->women[1] == 93.1);
    cr_expect(s[3].bias->women[0] == 0.5 && isnan(s[3].bias->women[1]));
    cr_expect(isnan(s[4].bias->women[0]), "not in the statistics");
    cr_expect(s[0].bias->term == s[2].bias->term && s[3].bias->term == 1 && s[4].bias->term == 2);
    cr_expect(slice_eq_cstr(s[1].id, "nurse.someone.0.female.txt"));
    dataset_release(&d);
}

Test(bias_sets, seat_has_four_sets)
{
    Dataset d;
    const ReadOptions options = format("seat");
    files_read(
        FILES_WRITE("t.jsonl",
                    "{\"targ1\": {\"category\": \"M\", \"examples\": [\"Al\", \"Bo\"]},\n"
                    "\"targ2\": {\"examples\": [\"Cy\"]},\n"
                    "\"attr1\": {\"examples\": [\"home\"]}, \"attr2\": {\"examples\": [\"job\"]}}"),
        &options, &d);
    cr_assert_eq(d.n_samples, 5);
    static const int32_t sets[] = {0, 0, 1, 2, 3};
    for (size_t i = 0; i < 5; i++) cr_expect_eq(d.samples[i].bias->set, sets[i]);
    cr_expect(slice_eq_cstr(attribute(&d.samples[1], "set"), "M"));
    cr_expect(slice_eq_cstr(d.samples[2].id, "targ2.1"));
    cr_expect_eq(d.samples[2].line, 2);
    dataset_release(&d);
}

Test(bias_sets, say_what_is_wrong_and_where)
{
    FILES_WRITE("anti_one.txt", "1 [A b] c the d [she].\n");
    static const struct {
        const char *format, *name, *text, *says;
    } cases[] = {
        {"crows-pairs", "a.csv", "sent_more,sent_less,bias_type\n",
         "a.csv:1: there is no column \"stereo_antistereo\""},
        {"crows-pairs", "a.csv", "sent_more,sent_less,stereo_antistereo,bias_type\na,b,up,age\n",
         "a.csv:2: stereo_antistereo is \"up\""},
        {"crows-pairs", "a.csv", "sent_more,sent_less,stereo_antistereo,bias_type\na,b,stereo\n",
         "a.csv:2: 3 columns where the header has 4"},
        {"crows-pairs", "a.csv", "sent_more,sent_less,stereo_antistereo,bias_type\na,,stereo,age\n",
         "a.csv:2: sent_less is empty"},
        {"stereoset", "a.json", "{\"data\": []}", "is no StereoSet data"},
        {"stereoset", "a.json", "[{\"context\": \"no\", \"target\": \"t\", \"bias_type\": \"b\"}]",
         "a.json:1:14: [0].context: the context has no BLANK"},
        {"stereoset", "a.json",
         "[{\"context\": \"BLANK\", \"target\": \"t\", \"bias_type\": \"b\"}]",
         "no sentence is the stereotype"},
        {"bbq", "a.jsonl", "\n{\"label\": 3}\n", "a.jsonl:2:11: label: found 3"},
        {"bbq", "a.jsonl", "[]\n", "found an array, want an object"},
        {"bbq", "a.jsonl",
         "{\"label\": 0, \"question_polarity\": \"neg\", \"context_condition\": \"ambig\", "
         "\"answer_info\": \"{'ans0': \"}",
         "is a string that holds no object: at byte"},
        {"winobias", "a.txt", "1 [A b] c [he].\n", "neither \"pro_\" nor \"anti_\""},
        {"winobias", "pro_lonely.txt", "1 [A b] c [he].\n", "its twin"},
        {"winogender", "a.tsv", "sentid\tsentence\nx.y.2.male\tA.\n",
         "a.tsv:2: sentid is \"x.y.2.male\""},
        {"winogender", "a.tsv", "sentid\tsentence\nx.y.1.male\tA.\n", "has no female sentence"},
        {"winogender", "a.tsv", "id\tsentence\n", "there is no column \"sentid\""},
        {"winogender-coreference", "a.tsv", "sentid\tsentence\nx.y.1.male\tThe x saw y.\n",
         "a.tsv:2: the sentence of \"x.y.1.male\" has no pronoun that is male"},
        {"winogender-coreference", "a.tsv", "sentid\tsentence\nx.y.1.male\tThe x saw him.\n",
         "has no word y"},
        {"winobias-coreference", "pro_one.txt", "1 [A b] c the d [he].\n",
         "pro_one.txt:1: beside \"b\" no one is there"},
        {"seat", "a.json", "{\"targ1\": {\"examples\": []}}", "the set has no examples"},
        {"seat", "a.json", "[]", "want an object with targ1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ReadOptions options = format(cases[i].format);
        const char *said =
            files_refusal(files_write(cases[i].name, slice_from_cstr(cases[i].text)), &options);
        cr_expect(strstr(said, cases[i].says), "case %zu: %s", i, said);
    }
}

// Counts of ../shared's own README and of the papers.
Test(bias_sets, published_files_have_their_counts)
{
    static const struct {
        const char *format, *path;
        size_t n;
        const char *attribute, *value;
        size_t n_of_value;
    } cases[] = {
        {"crows-pairs", "data/crows-pairs/crows_pairs_anonymized.csv", 1508, "direction",
         "antistereo", 218},
        {"stereoset", "data/stereoset/gender_test.json", 253, "bias_type", "gender", 253},
        {"stereoset", "data/stereoset/editbias_dev.json", 799, "bias_type", "race", 371},
        {"bbq", "data/bbq/Age.jsonl", 3680, "condition", "ambiguous", 1840},
        {"bbq", "data/bbq/results/UnifiedQA/preds_Religion.jsonl", 1200, "condition", "ambiguous",
         600},
        {"winobias", "data/winobias/anti_stereotyped_type1.txt.dev", 792, "version", "pro", 396},
        {"winobias", "data/winobias/pro_stereotyped_type2.txt.dev", 792, "version", "anti", 396},
        {"winogender", "data/winogender/all_sentences.tsv", 240, "refers_to", "occupation", 120},
        {"winogender-coreference", "data/winogender/all_sentences.tsv", 720, "pronoun", "neutral",
         240},
        {"winobias-coreference", "data/winobias/anti_stereotyped_type1.txt.dev", 792, "type", "1",
         792},
        {"winobias-coreference", "data/winobias/pro_stereotyped_type2.txt.dev", 792, "version",
         "anti", 396},
        {"seat", "data/seat/weat6.jsonl", 32, "set", "MaleNames", 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = shared_need(cases[i].path);
        Dataset d;
        const ReadOptions options = format(cases[i].format);
        files_read(path, &options, &d);
        cr_expect_eq(d.n_samples, cases[i].n, "%s: %zu", cases[i].path, d.n_samples);
        cr_expect_eq(count_attribute(&d, cases[i].attribute, cases[i].value), cases[i].n_of_value,
                     "%s", cases[i].path);
        dataset_release(&d);
    }
}
