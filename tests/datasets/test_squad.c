#include "tests/datasets/files.h"
#include "tests/support/shared.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(squad, .fini = files_remove);

// One article with one paragraph; qas and context in this order, as in version 2.0.
static const char *file(const char *context, const char *qas)
{
    static char text[4096];
    snprintf(
        text, sizeof text,
        "{\"version\": \"x\",\n\"data\": [{\"title\": \"T\", \"paragraphs\": [{\"qas\": [%s],\n"
        "\"context\": \"%s\"}]}]}",
        qas, context);
    return files_write("s.json", slice_from_cstr(text));
}

Test(squad, reads_questions_passages_and_answers_by_code_points)
{
    Dataset d;
    files_read(
        file("na\xc3\xafve caf\xc3\xa9 \xf0\x9f\x99\x82 end",
             "{\"id\": \"a\", \"question\": \"what?\", \"answers\": [{\"text\": \"caf\xc3\xa9\", "
             "\"answer_start\": 6}, {\"answer_start\": 13, \"text\": \"end\"}]}, "
             "{\"id\": 7, \"question\": \"none?\", \"answers\": [], \"is_impossible\": true}, "
             "{\"question\": \"no id\", \"plausible_answers\": [{}]}"),
        NULL, &d);
    cr_assert_eq(d.n_samples, 3);
    const Sample *s = d.samples;
    cr_expect(slice_eq_cstr(s[0].id, "a") && slice_eq_cstr(s[1].id, "7") && s[2].id.len == 16);
    cr_expect(slice_eq_cstr(s[0].text, "what?") && slice_eq_cstr(s[0].group, "T"));
    cr_assert_eq(s[0].n_answers, 2);
    cr_expect_eq(s[0].answers[0].begin_bytes, 7);
    cr_expect(slice_eq_cstr(s[0].answers[1].text, "end"));
    cr_expect(slice_eq_cstr(slice_sub(s[0].context, s[0].answers[1].begin_bytes, SIZE_MAX), "end"));
    cr_expect(s[1].n_answers == 0 && s[2].n_answers == 0);
    cr_expect(s[0].context.ptr == s[1].context.ptr, "a passage is held once");
    cr_expect_eq(s[0].line, 2);
    dataset_release(&d);
}

Test(squad, says_what_is_wrong_with_an_answer)
{
    static const struct {
        const char *context, *answer, *says;
    } cases[] = {
        {"the end", "\"end\", \"answer_start\": 0",
         "s.json:2:122: the answer \"end\" does not stand at answer_start 0 of its context, counted in code "
         "points, but elsewhere: correct it, or give \"bad_answers\": \"relocate\""},
        {"the end", "\"End\", \"answer_start\": 4", "nor anywhere in it"},
        {"the end", "\"end\", \"answer_start\": 99", "does not stand at answer_start 99"},
        {"the end", "\"end\", \"answer_start\": -1", "does not stand at answer_start -1"},
        {"the end", "\"end\"", "\"answer_start\" is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char qas[256];
        snprintf(qas, sizeof qas,
                 "{\"id\": \"a\", \"question\": \"q\", \"answers\": [{\"text\": %s}]}",
                 cases[i].answer);
        const char *said = files_refusal(file(cases[i].context, qas), NULL);
        cr_expect(strstr(said, cases[i].says), "case %zu: %s", i, said);
    }
}

Test(squad, finds_out_what_offsets_count)
{
    static const struct {
        const char *context, *answers, *says;
        size_t begin_bytes;
    } cases[] = {
        // By bytes "end" is at 7, by code points at 6.
        {"na\xc3\xafve end", "{\"text\": \"end\", \"answer_start\": 7}", "counts bytes", 7},
        {"\xf0\x9f\x99\x82\xf0\x9f\x99\x82 end", "{\"text\": \"end\", \"answer_start\": 5}",
         "counts UTF-16 units", 9},
        // Where countings tie, code points are meant; most answers decide.
        {"na\xc3\xafve end",
         "{\"text\": \"na\", \"answer_start\": 0}, {\"text\": \"end\", \"answer_start\": 7}",
         "counts bytes, and is read so: 2 of 2 answers stand where it says, 1 would", 0},
        {"end", "{\"text\": \"end\", \"answer_start\": 0}", NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char qas[256];
        Dataset d;
        snprintf(qas, sizeof qas, "{\"question\": \"q\", \"answers\": [%s]}", cases[i].answers);
        files_read(file(cases[i].context, qas), NULL, &d);
        cr_expect_eq(d.samples[0].answers[0].begin_bytes, cases[i].begin_bytes, "case %zu", i);
        cr_expect_eq(d.n_notes, cases[i].says != NULL, "case %zu", i);
        for (size_t n = 0; n < d.n_notes; n++)
            cr_expect(slice_find(d.notes[n].text, slice_from_cstr(cases[i].says)) != SIZE_MAX,
                      "case %zu: %.*s", i, (int)d.notes[n].text.len, d.notes[n].text.ptr);
        dataset_release(&d);
    }
}

// "b" stands twice, before and behind where it should; "z" nowhere.
static const char misplaced[] =
    "{\"id\": \"1\", \"question\": \"q\", \"answers\": [{\"text\": \"b\", \"answer_start\": 6}]}, "
    "{\"id\": \"2\", \"question\": \"r\", \"answers\": [{\"text\": \"z\", \"answer_start\": 0}, {\"text\": \"a\", "
    "\"answer_start\": 0}]}, "
    "{\"id\": \"3\", \"question\": \"s\", \"answers\": [{\"text\": \"z\", \"answer_start\": 1}]}, "
    "{\"id\": \"4\", \"question\": \"t\", \"answers\": [], \"is_impossible\": true}";

Test(squad, moves_or_leaves_out_answers_that_stand_elsewhere)
{
    Dataset d;
    const char *path = file("a b c d b", misplaced);
    const char *said = files_refusal(path, NULL);
    cr_expect(strstr(said, "so it is with 3 of 4 answers, of which 1 stand elsewhere"), "%s", said);
    files_read(path, &(ReadOptions){.bad_answers = BAD_ANSWERS_RELOCATE}, &d);
    cr_assert_eq(d.n_samples, 3);
    cr_expect_eq(d.samples[0].answers[0].begin_bytes, 8, "the nearer of two");
    cr_expect_eq(d.samples[1].n_answers, 1);
    cr_expect(slice_eq_cstr(d.samples[2].id, "4"), "a question without its answers is left out");
    cr_assert_eq(d.n_notes, 2);
    cr_expect(d.notes[0].n == 1 && d.notes[1].n == 2);
    dataset_release(&d);
    files_read(path, &(ReadOptions){.bad_answers = BAD_ANSWERS_DROP}, &d);
    cr_assert_eq(d.n_samples, 2);
    cr_expect(slice_eq_cstr(d.samples[0].id, "2") && d.samples[0].n_answers == 1);
    dataset_release(&d);
    files_read(path, &(ReadOptions){.bad_answers = BAD_ANSWERS_IGNORE}, &d);
    cr_assert_eq(d.n_samples, 4, "no question goes");
    cr_expect(d.samples[2].is_unlabelled && d.samples[2].n_answers == 0);
    cr_expect(!d.samples[1].is_unlabelled && !d.samples[3].is_unlabelled && d.n_notes == 0);
    dataset_release(&d);
}

Test(squad, takes_odd_questions_for_what_they_are)
{
    Dataset d;
    files_read(
        file(
            "a b",
            "{\"id\": null, \"question\": \"q\", \"is_impossible\": true, \"answers\": [{\"text\": "
            "\"b\", \"answer_start\": 2}]}"),
        NULL, &d);
    cr_assert_eq(d.n_notes, 1);
    cr_expect(slice_find(d.notes[0].text, SLICE("1 of 1 questions have answers though")) !=
              SIZE_MAX);
    cr_expect(d.samples[0].n_answers == 0 && !d.samples[0].is_unlabelled);
    cr_expect_eq(d.samples[0].id.len, 16, "null is no id");
    dataset_release(&d);
    files_read(file("", "{\"question\": \"q\", \"answers\": []}"), NULL, &d);
    cr_expect(d.samples[0].context.ptr && d.samples[0].context.len == 0, "there, and empty");
    dataset_release(&d);
}

Test(squad, tells_a_file_without_labels_from_questions_without_answer)
{
    static const struct {
        const char *qas;
        bool is_unlabelled;
        size_t n_notes;
    } cases[] = {
        {"{\"question\": \"q\", \"answers\": []}, {\"question\": \"r\"}", true, 0},
        {"{\"question\": \"q\", \"answers\": []}, {\"question\": \"r\", \"answers\": [], \"is_impossible\": true}",
         false, 1},
        {"{\"question\": \"q\", \"answers\": []}, {\"question\": \"r\", \"answers\": [{\"text\": \"a\", "
         "\"answer_start\": 0}]}",
         false, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Dataset d;
        files_read(file("a b", cases[i].qas), NULL, &d);
        cr_expect_eq(d.samples[0].is_unlabelled, cases[i].is_unlabelled, "case %zu", i);
        cr_expect_eq(d.n_notes, cases[i].n_notes, "case %zu", i);
        dataset_release(&d);
    }
}

Test(squad, says_what_a_file_lacks)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{\"version\": 1}", "\"data\" is missing"},
        {"[]", "object"},
        {"{\"data\": [{\"title\": \"T\"}]}", "\"paragraphs\" is missing"},
        {"{\"data\": [{\"paragraphs\": [{\"qas\": []}]}]}", "\"context\" is missing"},
        {"{\"data\": [{\"paragraphs\": [{\"qas\": [{}], \"context\": \"c\"}]}]}",
         "\"question\" is missing"},
        {"{\"data\": []}", "there is no sample"},
        {"{\"data\": [], \"data\": []}", "stands twice"},
        {"{\"data\": []} x", "s.json:1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *said =
            files_refusal(files_write("s.json", slice_from_cstr(cases[i].text)), NULL);
        cr_expect(strstr(said, cases[i].says), "case %zu: %s", i, said);
    }
}

Test(squad, real_files_have_the_counts_that_are_published)
{
    const char *path = shared_need("data/squad1/dev-v1.1.json");
    Dataset d;
    size_t n_answers = 0;
    files_read(path, NULL, &d);
    for (size_t i = 0; i < d.n_samples; i++) n_answers += d.samples[i].n_answers;
    cr_expect_eq(d.n_samples, 10570);
    cr_expect_eq(n_answers, 34726);
    dataset_release(&d);
}
