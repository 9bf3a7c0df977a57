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
        {"na\xc3\xafve end", "\"end\", \"answer_start\": 7",
         "counts bytes: it must count code points"},
        {"\xf0\x9f\x99\x82\xf0\x9f\x99\x82 end", "\"end\", \"answer_start\": 5",
         "counts UTF-16 units"},
        {"the end", "\"end\", \"answer_start\": 0",
         "does not stand at code point 0 of its context, but elsewhere"},
        {"the end", "\"End\", \"answer_start\": 4", "nor anywhere in it"},
        {"the end", "\"end\", \"answer_start\": 99", "does not stand at code point 99"},
        {"the end", "\"end\", \"answer_start\": -1", "does not stand at"},
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
    const char *path = shared_path("data/squad1/dev-v1.1.json");
    if (!path) cr_skip_test("shared data absent");
    Dataset d;
    size_t n_answers = 0;
    files_read(path, NULL, &d);
    for (size_t i = 0; i < d.n_samples; i++) n_answers += d.samples[i].n_answers;
    cr_expect_eq(d.n_samples, 10570);
    cr_expect_eq(n_answers, 34726);
    dataset_release(&d);
}
