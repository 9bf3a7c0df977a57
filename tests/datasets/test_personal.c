// Personal data in texts: what is found, and what only looks like it.
#include "base/clock.h"
#include "datasets/personal.h"
#include "datasets/steps.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

// The finds of a text as "kind:find|kind:find".
static Buffer finds(Slice text)
{
    Buffer out = {0};
    PersonalScan scan = {.text = text};
    PersonalFind find;
    buffer_append_cstr(&out, "");
    while (personal_next(&scan, &find))
        buffer_printf(&out, "%s%s:" SLICE_FMT, out.len > 0 ? "|" : "",
                      personal_kinds[find.kind].name,
                      SLICE_ARG(slice_sub(text, find.begin, find.end)));
    return out;
}

static const struct {
    const char *text, *finds;
} cases[] = {
    // e-mail
    {"Write to john.smith@example.com.", "email:john.smith@example.com"},
    {"<o'neil+tag@mail.example.co.uk>, \"a_b@x-y.org\"",
     "email:o'neil+tag@mail.example.co.uk|email:a_b@x-y.org"},
    {"j\xc3\xbcrgen@m\xc3\xbcller.de", "email:j\xc3\xbcrgen@m\xc3\xbcller.de"},
    {"\xe2\x80\x9c"
     "a@b.io\xe2\x80\x9d",
     "email:a@b.io"},
    {"mailto:x@y.museum?subject=1", "email:x@y.museum"},
    {"a@b.com@c.com", "email:b.com@c.com"},
    {"a@b @user user@ x@y.c me@host 5@3.14 a..b@", ""},
    {"a.@b.com x@-y.com n@1.2", ""},
    // IBAN
    {"DE89 3704 0044 0532 0130 00, GB82WEST12345698765432!",
     "iban:DE89 3704 0044 0532 0130 00|iban:GB82WEST12345698765432"},
    {"fr14 2004 1010 0505 0001 3m02 606 NL91ABNA0417164300",
     "iban:fr14 2004 1010 0505 0001 3m02 606|iban:NL91ABNA0417164300"},
    {"DE89 3704 0044 0532 0130 0 DE8937040044053201300 XX89370400440532013000", ""},
    // cards
    {"4111 1111 1111 1111 or 5500-0000-0000-0004",
     "card:4111 1111 1111 1111|card:5500-0000-0000-0004"},
    {"378282246310005, 3782 822463 10005, 30569309025904; 4222222222222.",
     "card:378282246310005|card:3782 822463 10005|card:30569309025904|card:4222222222222"},
    {"6011111111111117 2223003122003222 3530111333300000",
     "card:6011111111111117|card:2223003122003222|card:3530111333300000"},
    {"4111 1111 1111 1111 12/27", "card:4111 1111 1111 1111"},
    {"4111 1111 1111 1112 4111-1111 1111-1111 41111111111111111 9111111111111119 x4111111111111111",
     ""},
    // blanks and hyphens at which no line breaks
    {"DE89\xc2\xa0"
     "3704\xc2\xa0"
     "0044\xc2\xa0"
     "0532\xc2\xa0"
     "0130\xc2\xa0"
     "00 "
     "4111\xe2\x80\xaf"
     "1111\xe2\x80\xaf"
     "1111\xe2\x80\xaf"
     "1111 +49\xe2\x80\x89"
     "30\xc2\xa0"
     "1234567 "
     "078\xe2\x80\x91"
     "05\xe2\x80\x91"
     "1120 1\xc2\xa0"
     "234\xc2\xa0"
     "567",
     "iban:DE89\xc2\xa0"
     "3704\xc2\xa0"
     "0044\xc2\xa0"
     "0532\xc2\xa0"
     "0130\xc2\xa0"
     "00|card:4111\xe2\x80\xaf"
     "1111\xe2\x80\xaf"
     "1111\xe2\x80\xaf"
     "1111|phone:+49\xe2\x80\x89"
     "30\xc2\xa0"
     "1234567|us-ssn:078\xe2\x80"
     "\x91"
     "05\xe2\x80\x91"
     "1120"},
    // phones
    {"+49 30 1234567, +49 (0)30 123456-78; +1 (212) 555-0123",
     "phone:+49 30 1234567|phone:+49 (0)30 123456-78|phone:+1 (212) 555-0123"},
    {"+442079460958 +33 6 12 34 56 78 +39 06 698 1234",
     "phone:+442079460958|phone:+33 6 12 34 56 78|phone:+39 06 698 1234"},
    {"DE89 3704 0044 0532 0130 01", "phone:0532 0130 01"}, // of the form of one
    {"0049 30 1234567 (030) 123 45 67 020 7946 0958 01 23 45 67 89 0612345678",
     "phone:0049 30 1234567|phone:(030) 123 45 67|phone:020 7946 0958|phone:01 23 45 67 89|phone:"
     "0612345678"},
    {"(212) 555-0123 212-555-0123 212.555.0123 1-800-555-0199",
     "phone:(212) 555-0123|phone:212-555-0123|phone:212.555.0123|phone:1-800-555-0199"},
    {"+86\xe7\x94\xb5\xe8\xaf\x9d+8613800138000\xe5\x8f\xb7", "phone:+8613800138000"},
    {"1234567 2125550123 112-555-0123 212-155-0123 0123456 0000012345 +12 345", ""},
    {"01.02.2003 10:15, 2021-03-04, 04/05/2021, 12:30:45, 3.14159265, 1,234,567 +50 000 000 votes",
     ""},
    {"10000000 +10000000 +1 100 000 000 212-555-0123-99 555-0123", ""},
    // IP
    {"192.168.0.1:80 (10.0.0.255) 255.255.255.255, 10.1.2.0/24",
     "ipv4:192.168.0.1|ipv4:10.0.0.255|ipv4:255.255.255.255|ipv4:10.1.2.0"},
    {"256.1.1.1 1.2.3 1.2.3.4.5 01.2.3.4 v1.2.3.4 1.2.3.4a", ""},
    {"::1 http://[::1]:80 x[::1] 2::1", "ipv6:::1|ipv6:::1"},
    {"2001:db8::1 [::1:a] fe80::1ff:fe23:4567:890a::", "ipv6:2001:db8::1|ipv6:::1:a"},
    {"2001:0db8:85a3:0000:0000:8a2e:0370:7334 ::ffff:192.0.2.128",
     "ipv6:2001:0db8:85a3:0000:0000:8a2e:0370:7334|ipv6:::ffff:192.0.2.128"},
    {"12:30:45 std::vector a::b abc::def :: 1::2 x[::5] 00:1a:2b:3c:4d:5e 1:2:3:4:5:6:7:8:9", ""},
    // numbers of persons
    {"123-45-6789 078 05 1120.", "us-ssn:123-45-6789|us-ssn:078 05 1120"},
    {"000-12-3456 666-12-3456 912-34-5678 123-00-4567 123-45-0000 123456789 123-45-67890", ""},
    {"1,123-45-6789,x", "us-ssn:123-45-6789"}, // a row of a table
    {"AB123456C ab 12 34 56 d", "uk-nino:AB123456C|uk-nino:ab 12 34 56 d"},
    {"QQ123456C BG123456A AO123456A AB123456E AB12345C AB1234567C", ""},
    {"12345678Z 12.345.678-Z X1234567L Y-1234567-X",
     "es-dni:12345678Z|es-dni:12.345.678-Z|es-nie:X1234567L|es-nie:Y-1234567-X"},
    {"12345678A X1234567A W1234567L 1234567Z", ""},
    {"RSSMRA85T10A562S rssmra80a01h501u RSSMRA85T10A562T RSSMRA85T10A5622",
     "it-cf:RSSMRA85T10A562S|it-cf:rssmra80a01h501u"},
    {"RCCMNL83S18D969H 36574261809 295109912611193 253072B07300470 253072A07300443",
     "it-cf:RCCMNL83S18D969H|de-tax:36574261809|fr-nir:295109912611193|fr-nir:253072B07300470|fr-nir:"
     "253072A07300443"},
    {"85073003328 7569217076985 880320-0016 360426199101010071 390.533.447-05",
     "be-nrn:85073003328|ch-ahv:7569217076985|se-pnr:880320-0016|cn-id:360426199101010071|br-cpf:390."
     "533.447-05"},
    {"07700 900123 0151-23456789 +33 (0)1 23 45 67 89, 212 555 0123, 1 (212) 555-0123 (212)555-0123",
     "phone:07700 900123|phone:0151-23456789|phone:+33 (0)1 23 45 67 89|phone:212 555 0123|phone:1 (212) "
     "555-0123|phone:(212)555-0123"},
    {"86095742719 47 036 892 816 86095742718 11111111111",
     "de-tax:86095742719|de-tax:47 036 892 816"},
    {"255081416802538 2 55 08 14 168 025 38 255081416802539",
     "fr-nir:255081416802538|fr-nir:2 55 08 14 168 025 38"},
    {"756.9217.0769.85 756.9217.0769.86", "ch-ahv:756.9217.0769.85"},
    {"85.07.30-033.28 85.07.30-033.29", "be-nrn:85.07.30-033.28"},
    {"44051401359 44051401358 44991401359", "pl-pesel:44051401359"},
    {"811228-9874 19811228-9874 811228-9873 811328-9874",
     "se-pnr:811228-9874|se-pnr:19811228-9874"},
    {"131052-308T 131052-308U 131352-308T", "fi-hetu:131052-308T"},
    {"040632Y4517 190825D849J 190825G849J 190825D849K",
     "fi-hetu:040632Y4517|fi-hetu:190825D849J"}, // signs of 2023
    {"529.982.247-25 529.982.247-26 111.111.111-11", "br-cpf:529.982.247-25"},
    {"11010519491231002X 110105194912310021", "cn-id:11010519491231002X"},
    {"", ""},
    {"\xff\xfe\xc3 a@\xff.com \xc3", ""},
};

Test(personal, is_found_where_it_is_and_not_where_it_only_looks_like_it)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Buffer out = finds(slice_from_cstr(cases[i].text));
        cr_expect(slice_eq_cstr(buffer_slice(&out), cases[i].finds), "\"%s\": \"" SLICE_FMT "\"",
                  cases[i].text, SLICE_ARG(buffer_slice(&out)));
        buffer_release(&out);
    }
}

// A find stands for itself: alone, and among words.
Test(personal, does_not_hang_on_what_stands_around_it)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Slice text = slice_from_cstr(cases[i].text);
        PersonalScan scan = {.text = text};
        PersonalFind find;
        while (personal_next(&scan, &find)) {
            Buffer around = {0};
            buffer_printf(&around, "x (" SLICE_FMT "); y",
                          SLICE_ARG(slice_sub(text, find.begin, find.end)));
            Buffer out = finds(buffer_slice(&around));
            cr_expect(out.len > 0 &&
                          slice_starts_with(buffer_slice(&out),
                                            slice_from_cstr(personal_kinds[find.kind].name)),
                      "%s", around.ptr);
            buffer_release(&out);
            buffer_release(&around);
        }
    }
}

Test(personal, masks_show_no_datum)
{
    static const struct {
        const char *found, *masked;
    } masks[] = {{"123-45-6789", "1**-**-***9"},
                 {"john@example.com", "j***@*******.**m"},
                 {"::1", "::*"},
                 {"j\xc3\xbcrgen@x.de", "j*****@*.*e"},
                 {"+49 30 1234567", "+4* ** ******7"}};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        Buffer out = {0};
        personal_mask(slice_from_cstr(masks[i].found), &out);
        cr_expect(slice_eq_cstr(buffer_slice(&out), masks[i].masked), SLICE_FMT,
                  SLICE_ARG(buffer_slice(&out)));
        buffer_release(&out);
    }
}

Test(personal, anonymise_leaves_nothing_and_keeps_words_apart)
{
    const Step *steps[] = {step_find(SLICE("anonymise"))};
    const Slice words[] = {SLICE_LIT("call"),    SLICE_LIT("+49"),      SLICE_LIT("30"),
                           SLICE_LIT("1234567"), SLICE_LIT("a@b.com,"), SLICE_LIT("Ann")};
    const Slice tags[] = {SLICE_LIT("O"), SLICE_LIT("O"), SLICE_LIT("O"),
                          SLICE_LIT("O"), SLICE_LIT("O"), SLICE_LIT("B-PER")};
    const SampleAttribute attribute = {SLICE("from"), SLICE("x@y.org")};
    const SampleSpan answer = {SLICE("b@c.de"), 14};
    Sample samples[] = {{.text = SLICE("call +49 30 1234567 a@b.com, Ann"),
                         .tokens = words,
                         .tags = tags,
                         .n_tokens = 6},
                        {.text = SLICE("whose?"),
                         .context = SLICE("x@y.org wrote b@c.de"),
                         .answers = &answer,
                         .n_answers = 1,
                         .attributes = &attribute,
                         .n_attributes = 1}};
    Dataset data = {.samples = samples, .n_samples = 2, .path = SLICE("f")};
    StepCount count;
    PersonalCounts counts = {0};
    Error err = {0};
    personal_count_sample(&samples[0], &counts);
    personal_count_sample(&samples[1], &counts);
    cr_expect(counts.n_samples == 2 && counts.n_any == 2 && counts.n_finds[0] == 4);
    cr_assert_eq(steps_dataset(steps, 1, &data, &count, &err), STATUS_OK, "%s", err.text);
    cr_expect(slice_eq_cstr(samples[0].text, "call <PHONE> <PHONE> <PHONE> <EMAIL>, Ann"),
              SLICE_FMT, SLICE_ARG(samples[0].text));
    cr_expect(slice_eq_cstr(samples[1].context, "<EMAIL> wrote <EMAIL>"));
    cr_expect(samples[1].answers[0].begin_bytes == 14 &&
              slice_eq_cstr(samples[1].answers[0].text, "<EMAIL>"));
    cr_expect(slice_eq_cstr(samples[1].attributes[0].value, "<EMAIL>"));
    counts = (PersonalCounts){0};
    personal_count_sample(&samples[0], &counts);
    personal_count_sample(&samples[1], &counts);
    cr_expect_eq(counts.n_any, 0);
    dataset_release(&data);
}

// Three questions about one passage, which other memory holds too, and one about another.
Test(personal, a_passage_counts_once_for_all_its_questions)
{
    char copy[] = "x@y.org wrote b@c.de";
    const Slice passage = SLICE("x@y.org wrote b@c.de");
    const Sample samples[] = {
        {.text = SLICE("whose?"), .context = passage},
        {.text = SLICE("a@b.com?"), .context = passage},
        {.text = SLICE("who?"), .context = SLICE("nobody")},
        {.text = SLICE("when?"), .context = slice_from_cstr(copy)},
    };
    const size_t which[] = {0, 1, 2, 3};
    PersonalCounts counts = {0};
    Error err = {0};
    cr_assert_eq(personal_count_samples(samples, which, 4, &counts, &err), STATUS_OK);
    cr_expect_eq(counts.n_finds[0], 3);
    cr_expect_eq(counts.n_with[0], 3);
    cr_expect(counts.n_samples == 4 && counts.n_any == 3);
}

// Texts that would hurt a scanner that goes back: twice the text takes about twice the time.
Test(personal, takes_time_by_the_text_alone)
{
    static const char *const hard[] = {
        "a.", "a@", "1-", "1 ", "f:", "a.a@a.", "(1)", "+1 ", "DE12 ", "0 "};
    enum { N = 1 << 19 };
    char *text = malloc(N);
    cr_assert_not_null(text);
    for (size_t i = 0; i < sizeof hard / sizeof *hard; i++) {
        const size_t len = strlen(hard[i]);
        PersonalFind find;
        for (size_t k = 0; k < N; k++) text[k] = hard[i][k % len];
        PersonalScan scan = {.text = {text, N}};
        const int64_t start_ns = clock_process_cpu_ns();
        while (personal_next(&scan, &find)) {
        }
        const double seconds = (double)(clock_process_cpu_ns() - start_ns) * 1e-9;
        cr_expect_lt(seconds, 2.0, "%s: %g s", hard[i], seconds); // quadratic: hours
    }
    free(text);
}
