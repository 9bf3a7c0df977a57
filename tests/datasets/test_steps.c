// Steps of preparation: what they make of texts, and where answers and words are afterwards.
#include "base/philox.h"
#include "base/unicode.h"
#include "datasets/dataset.h"
#include "datasets/steps.h"

#include <criterion/criterion.h>
#include <string.h>

static Slice run_steps(Arena *arena, const char *names, Slice text, TextSpan *spans, size_t n)
{
    const Step *steps[STEPS_MOST];
    size_t n_steps = 0;
    Slice rest = slice_from_cstr(names), name, out;
    Error err = {0};
    while (slice_split(&rest, ' ', &name)) {
        steps[n_steps] = step_find(name);
        cr_assert_not_null(steps[n_steps], SLICE_FMT, SLICE_ARG(name));
        n_steps++;
    }
    cr_assert_eq(steps_text(steps, n_steps, text, spans, n, arena, &out, &err), STATUS_OK, "%s",
                 err.text);
    return out;
}

Test(steps, make_of_texts_what_they_say)
{
    static const struct {
        const char *steps, *from, *to;
    } cases[] = {
        {"lower", "Hello WORLD", "hello world"},
        {"lower", "\xce\x9f\xce\x94\xce\xa5\xce\xa3\xce\xa3\xce\x95\xce\xa5\xce\xa3 \xc4\xb0",
         "\xce\xbf\xce\xb4\xcf\x85\xcf\x83\xcf\x83\xce\xb5\xcf\x85\xcf\x82 i\xcc\x87"},
        {"nfc", "e\xcc\x81t\xc3\xa9", "\xc3\xa9t\xc3\xa9"},
        {"nfd", "\xc3\xa9", "e\xcc\x81"},
        {"nfkc", "\xef\xac\x81ne \xef\xbc\xa1\xef\xbc\x91", "fine A1"},
        {"nfkd", "\xe2\x91\xa0\xc3\xa9", "1e\xcc\x81"},
        {"whitespace", " \t a \n\xc2\xa0 b c\xe3\x80\x80", "a b c"},
        {"whitespace", " \n ", ""},
        {"punctuation", "\xc2\xbfQu\xc3\xa9? -- it's $5, (ok)!", "Qu\xc3\xa9  its 5 ok"},
        {"accents", "\xc3\xa9t\xc3\xa9 A\xcc\x8angstr\xc3\xb6m \xc3\xb8 \xea\xb0\x80",
         "ete Angstrom \xc3\xb8 \xea\xb0\x80"},
        {"quotes", "\xe2\x80\x9cit\xe2\x80\x99s\xe2\x80\x9d \xe2\x80\x93 \xe2\x80\xa6",
         "\"it's\" - ..."},
        {"control", "a\x01\xe2\x80\x8b\tb\xc2\xad\n", "a\tb\n"},
        {"digits", "12 \xd9\xa3 x7", "00 0 x0"},
        {"contractions", "Don't! I'm sure WE'RE he's it\xe2\x80\x99s, can't",
         "Do not! I am sure WE ARE he is it is, cannot"},
        {"contractions", "the dog's o'clock 'don't' caf\xc3\xa9n't xdon't",
         "the dog's o'clock 'do not' caf\xc3\xa9n't xdon't"},
        {"contractions", "ISN'T Isn't isn't", "IS NOT Is not is not"},
        {"urls", "see https://a.b/c?d=e. (www.x.org), nowww.y http://",
         "see <URL>. (<URL>), nowww.y http://"},
        {"users", "@ann and @b_1: a@b.c @", "@user and @user: a@b.c @"},
        {"lower punctuation whitespace", " Well -- I  DON'T,  know! ", "well i dont know"},
        {"nfkc lower accents whitespace", "  \xef\xbc\xa5\xcc\x81T\xc3\x89 ", "ete"},
        {"lower", "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        const Slice out =
            run_steps(&arena, cases[i].steps, slice_from_cstr(cases[i].from), NULL, 0);
        cr_expect(slice_eq_cstr(out, cases[i].to), "%s of \"%s\" gives \"" SLICE_FMT "\"",
                  cases[i].steps, cases[i].from, SLICE_ARG(out));
        arena_release(&arena);
    }
}

Test(steps, are_parsed_by_name)
{
    const Step *steps[STEPS_MOST];
    size_t n = 0;
    Error err = {0};
    cr_assert_eq(steps_parse(SLICE("nfc,lower"), steps, &n, &err), STATUS_OK);
    cr_expect(n == 2 && steps[1] == step_find(SLICE("lower")));
    cr_expect_eq(steps_parse(SLICE("nfc,lwer"), steps, &n, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "did you mean \"lower\""), "%s", err.text);
    Buffer many = {0};
    for (int i = 0; i <= STEPS_MOST; i++) buffer_append_cstr(&many, "nfc,");
    cr_expect_eq(steps_parse(buffer_slice(&many), steps, &n, &err), STATUS_INVALID);
    buffer_release(&many);
}

Test(steps, spans_move_along)
{
    static const struct {
        const char *steps, *from, *span, *to;
    } cases[] = {
        {"whitespace", "  a   b  c ", "b  c", "b c"},
        {"contractions", "We don't know", "don't", "do not"},
        {"contractions", "We don't know", "know", "know"},
        {"contractions", "We don't know", "n't", "do not"}, // what became another is in as a whole
        {"punctuation", "in (1999), he", "1999", "1999"},
        {"punctuation", "in (1999), he", "(1999),", "1999"},
        {"nfkc lower", "\xef\xac\x81 X\xef\xac\x81Y z", "X\xef\xac\x81Y", "xfiy"},
        {"accents", "\xc3\xa9\xc3\xa9 \xc3\xa0 b", "b", "b"},
        {"lower", "\xc4\xb0\xc4\xb0 A", "A", "a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        const size_t begin = (size_t)(strstr(cases[i].from, cases[i].span) - cases[i].from);
        TextSpan span = {begin, begin + strlen(cases[i].span)};
        const Slice out =
            run_steps(&arena, cases[i].steps, slice_from_cstr(cases[i].from), &span, 1);
        const Slice found = slice_sub(out, span.begin, span.end);
        cr_expect(slice_eq_cstr(found, cases[i].to), "%s: \"" SLICE_FMT "\" of \"" SLICE_FMT "\"",
                  cases[i].steps, SLICE_ARG(found), SLICE_ARG(out));
        arena_release(&arena);
    }
}

// A text of characters that steps change, of n code points.
static Slice draw_text(Philox *rng, Arena *arena, size_t n)
{
    static const char *const some[] = {"a",
                                       "B",
                                       " ",
                                       "\t",
                                       "'",
                                       "n't",
                                       "\xc3\xa9",
                                       "e\xcc\x81",
                                       "\xef\xac\x81",
                                       "\xce\xa3",
                                       "\xc4\xb0",
                                       "7",
                                       "@",
                                       "\xe2\x80\x99",
                                       "\xea\xb0\x80",
                                       ".",
                                       "\xcc\x81",
                                       "\xe1\x84\x80",
                                       "\xe1\x85\xa1",
                                       "I'm"};
    Buffer text = {0};
    for (size_t i = 0; i < n; i++)
        buffer_append_cstr(&text, some[philox_below(rng, sizeof some / sizeof *some)]);
    const Slice out = arena_copy(arena, buffer_slice(&text));
    buffer_release(&text);
    return out;
}

// Cut anywhere, the two sides are mapped to sides that make up the whole, in order; and forms are those of the whole text.
Test(steps, hold_for_drawn_texts)
{
    Philox rng = philox_stream(3, 4);
    static const UnicodeForm forms[] = {UNICODE_NFC, UNICODE_NFD, UNICODE_NFKC, UNICODE_NFKD};
    static const char *const names[] = {"nfc", "nfd", "nfkc", "nfkd"};
    for (int round = 0; round < 300; round++) {
        Arena arena = {0};
        Error err = {0};
        const Slice text = draw_text(&rng, &arena, philox_below(&rng, 12));
        for (size_t s = 0; s < steps_count; s++) {
            size_t at = 0;
            while (at < text.len && philox_below(&rng, 4) > 0) utf8_next(text, &at);
            TextSpan sides[] = {{0, at}, {at, text.len}};
            const Slice out = run_steps(&arena, steps_all[s]->name, text, sides, 2);
            cr_assert_eq(utf8_invalid_at(out), SIZE_MAX);
            cr_assert(sides[0].begin == 0 && sides[0].end <= out.len);
            if (at < text.len) cr_assert(sides[1].end == out.len && sides[1].begin <= sides[0].end);
        }
        for (size_t f = 0; f < 4; f++) {
            Slice whole;
            cr_assert_eq(unicode_normalize(&arena, text, forms[f], &whole, &err), STATUS_OK);
            const Slice out = run_steps(&arena, names[f], text, NULL, 0);
            cr_assert(slice_eq(out, whole), "%s of \"" SLICE_FMT "\"", names[f], SLICE_ARG(text));
        }
        Slice lower;
        cr_assert_eq(unicode_lower(&arena, text, &lower, &err), STATUS_OK);
        cr_assert(slice_eq(run_steps(&arena, "lower", text, NULL, 0), lower));
        arena_release(&arena);
    }
}

Test(steps, samples_keep_their_answers_and_tags)
{
    const Step *steps[] = {step_find(SLICE("lower")), step_find(SLICE("whitespace")),
                           step_find(SLICE("control"))};
    const SampleSpan answers[] = {{SLICE("In  Rome"), 6}, {SLICE("Rome"), 10}};
    const Slice context = SLICE("She   In  Rome.  ");
    const Slice words[] = {SLICE_LIT("ANN"), SLICE_LIT("\xe2\x80\x8b"), SLICE_LIT("Lee")},
                tags[] = {SLICE_LIT("B-PER"), SLICE_LIT("O"), SLICE_LIT("B-PER")};
    Sample samples[] = {
        {.text = SLICE("Where?"), .context = context, .answers = answers, .n_answers = 2},
        {.text = SLICE("WHO?"), .context = context},
        {.text = SLICE("ANN \xe2\x80\x8b Lee"), .tokens = words, .tags = tags, .n_tokens = 3},
    };
    Dataset data = {.samples = samples, .n_samples = 3, .path = SLICE("f")};
    StepCount counts[3];
    Error err = {0};
    cr_assert_eq(steps_dataset(steps, 3, &data, counts, &err), STATUS_OK, "%s", err.text);
    cr_expect(slice_eq_cstr(samples[0].context, "she in rome."));
    cr_expect_eq(samples[1].context.ptr, samples[0].context.ptr); // prepared once
    for (size_t a = 0; a < 2; a++) {
        const SampleSpan *answer = &samples[0].answers[a];
        cr_expect(slice_eq_cstr(answer->text, a == 0 ? "in rome" : "rome"));
        cr_expect(slice_starts_with(slice_sub(samples[0].context, answer->begin_bytes, SIZE_MAX),
                                    answer->text));
    }
    cr_expect_eq(samples[2].tags, tags);
    cr_expect(slice_eq_cstr(samples[2].tokens[0], "ann"));
    cr_expect(slice_eq_cstr(samples[2].tokens[1], "\xe2\x80\x8b")); // nothing would be left
    cr_expect(slice_eq_cstr(samples[2].text, "ann \xe2\x80\x8b lee"));
    cr_expect(counts[0].n_changed == 3 && counts[0].n_kept == 0);
    cr_expect(counts[1].n_changed == 2 && counts[2].n_kept == 1);
    dataset_release(&data);
}

Test(steps, an_answer_of_which_nothing_is_left_is_refused)
{
    const Step *steps[] = {step_find(SLICE("punctuation"))};
    const SampleSpan answer = {SLICE("?!"), 2};
    Sample sample = {.text = SLICE("Q"),
                     .context = SLICE("a ?! b"),
                     .answers = &answer,
                     .n_answers = 1,
                     .line = 7};
    Dataset data = {.samples = &sample, .n_samples = 1, .path = SLICE("f.json")};
    StepCount count;
    Error err = {0};
    cr_expect_eq(steps_dataset(steps, 1, &data, &count, &err), STATUS_INVALID);
    const SampleSpan two[] = {answer, {SLICE("a"), 0}};
    cr_expect(strstr(err.text, "f.json:7: nothing is left of the answer \"?!\""), "%s", err.text);
    sample.context = SLICE("a ?! b");
    sample.answers = two;
    sample.n_answers = 2;
    cr_expect_eq(steps_dataset(steps, 1, &data, &count, &err), STATUS_OK);
    cr_expect(sample.n_answers == 1 && slice_eq_cstr(sample.answers[0].text, "a"));
    cr_expect_eq(count.n_lost, 1);
    dataset_release(&data);
}

Test(steps, hold_where_memory_runs_out)
{
    const Step *steps[] = {step_find(SLICE("nfd")), step_find(SLICE("accents"))};
    bool done = false;
    for (size_t n = 1; !done && n < 100; n++) {
        Sample sample = {.text = SLICE("\xc3\xa9t\xc3\xa9")};
        Dataset data = {.samples = &sample, .n_samples = 1};
        StepCount counts[2];
        Error err = {0};
        arena_fail_after(n);
        const Status s = steps_dataset(steps, 2, &data, counts, &err);
        arena_fail_after(0);
        done = s == STATUS_OK;
        cr_assert(done || s == STATUS_MEMORY, "%s", err.text);
        dataset_release(&data);
    }
    cr_assert(done);
}
