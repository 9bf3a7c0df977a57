// Words for a group exchanged in texts.
#include "datasets/swap.h"
#include "tests/datasets/files.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(swap, .fini = files_remove);

#define LIST \
    "{\"swap\": \"s\", \"words\": {\"he\": \"she\", \"she\": \"he\", \"jos\xc3\xa9\": \"\xc3\xa9lise\"}}"

static const SwapList *load(Arena *arena, const char *text)
{
    const SwapList *list = NULL;
    Error err = {0};
    cr_assert_eq(swap_list_load(files_write("l.json", slice_from_cstr(text)), arena, &list, &err),
                 STATUS_OK, "%s", err.text);
    return list;
}

Test(swap, keeps_case_and_takes_whole_words_alone)
{
    static const struct {
        const char *text, *swapped;
    } cases[] = {
        {"He said she, HE!", "She said he, SHE!"},
        {"The sheet; he's here.", "The sheet; she's here."},
        {"Jos\xc3\xa9 and JOS\xc3\x89", "\xc3\x89lise and \xc3\x89LISE"},
        {"Nothing", NULL},
        {"", NULL},
        {"a he", "a she"},
    };
    Arena arena = {0};
    const SwapList *list = load(&arena, LIST);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Slice out;
        bool changed = false;
        Error err = {0};
        const Slice text = slice_from_cstr(cases[i].text);
        cr_assert_eq(swap_text(list, text, &arena, &out, &changed, &err), STATUS_OK);
        cr_expect_eq(changed, cases[i].swapped != NULL, "%s", cases[i].text);
        cr_expect(slice_eq_cstr(out, changed ? cases[i].swapped : cases[i].text), SLICE_FMT,
                  SLICE_ARG(out));
    }
    arena_release(&arena);
}

// A word that does two jobs.
Test(swap, replaces_a_word_by_whether_a_noun_follows)
{
    static const char both[] =
        "{\"swap\": \"s\", \"words\": {\"he\": \"she\", \"she\": \"he\", \"him\": \"her\", \"her\": {\"before_noun\": "
        "\"his\", \"alone\": \"him\"}}, \"no_nouns\": [\"a\", \"and\", \"to\"]}";
    static const struct {
        const char *text, *swapped;
    } cases[] = {{"Her book.", "His book."},
                 {"I saw her.", "I saw him."},
                 {"I saw her", "I saw him"},
                 {"saw her, and left", "saw him, and left"},
                 {"gave her a book", "gave him a book"},
                 {"her old car and HER", "his old car and HIM"},
                 {"to her and her cat", "to him and his cat"},
                 {"her-self", "him-self"},
                 {"her  \nTo", "him  \nTo"}};
    Arena arena = {0};
    Error err = {0};
    const SwapList *list = load(&arena, both);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Slice out;
        bool changed = false;
        cr_assert_eq(swap_text(list, slice_from_cstr(cases[i].text), &arena, &out, &changed, &err),
                     STATUS_OK);
        cr_expect(slice_eq_cstr(out, cases[i].swapped), SLICE_FMT, SLICE_ARG(out));
    }
    // Words one by one, and answers in their passage, know what follows.
    Slice tokens[] = {SLICE("saw"), SLICE("her"), SLICE("cat"), SLICE("to"), SLICE("her")};
    SampleSpan answer = {.text = SLICE("to her"), .begin_bytes = 8};
    Sample sample = {.tokens = tokens,
                     .n_tokens = 5,
                     .context = SLICE("he sang to her cat, saw her"),
                     .answers = &answer,
                     .n_answers = 1};
    Sample copy;
    bool changed = false;
    cr_assert_eq(swap_sample(list, &sample, &arena, &copy, &changed, &err), STATUS_OK);
    cr_expect(slice_eq_cstr(copy.tokens[1], "his") && slice_eq_cstr(copy.tokens[4], "him"));
    cr_expect(slice_eq_cstr(copy.context, "she sang to his cat, saw him"));
    cr_expect(slice_eq_cstr(copy.answers[0].text, "to his"));
    cr_expect_eq(copy.answers[0].begin_bytes, 9);
    arena_release(&arena);
}

Test(swap, answers_stand_where_they_stood)
{
    Arena arena = {0};
    Error err = {0};
    const SwapList *list = load(&arena, LIST);
    const SampleSpan answer = {SLICE("he won"), 7};
    const Sample sample = {.text = SLICE("who?"),
                           .context = SLICE("he and he won"),
                           .answers = &answer,
                           .n_answers = 1};
    Sample copy;
    bool changed;
    cr_assert_eq(swap_sample(list, &sample, &arena, &copy, &changed, &err), STATUS_OK);
    cr_expect(changed && slice_eq_cstr(copy.context, "she and she won"));
    cr_expect(slice_eq_cstr(copy.answers[0].text, "she won"));
    cr_expect(slice_starts_with(slice_sub(copy.context, copy.answers[0].begin_bytes, SIZE_MAX),
                                copy.answers[0].text));
    arena_release(&arena);
}

Test(swap, choices_and_targets_are_swapped_too)
{
    Arena arena = {0};
    Error err = {0};
    const SwapList *list = load(&arena, LIST);
    const Slice choices[] = {SLICE_LIT("he did"), SLICE_LIT("nobody")}, target = SLICE_LIT("he is");
    const Sample sample = {.text = SLICE("who?"),
                           .choices = choices,
                           .n_choices = 2,
                           .targets = &target,
                           .n_targets = 1};
    const Sample question = {.text = SLICE("who?"), .targets = &target, .n_targets = 1};
    Sample copy;
    bool changed;
    cr_assert_eq(swap_sample(list, &sample, &arena, &copy, &changed, &err), STATUS_OK);
    cr_expect(changed && slice_eq_cstr(copy.choices[0], "she did"));
    cr_expect(slice_eq_cstr(copy.targets[0], "she is"));
    cr_assert_eq(swap_sample(list, &question, &arena, &copy, &changed, &err), STATUS_OK);
    cr_expect(!changed, "the same question, whatever its reference");
    arena_release(&arena);
}

Test(swap, wrong_lists_are_refused_with_their_place)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{\"words\": {}}", "the list has no words"},
        {"{\"words\": {\"He\": \"she\"}}", "\"He\" is no single word in lower case"},
        {"{\"words\": {\"he\": \"s he\"}}", "\"s he\" is no single word"},
        {"{\"words\": {\"he\": \"he\"}}", "its own replacement"},
        {"{\"word\": {}}", "did you mean \"words\""},
        {"{}", "words"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        const SwapList *list = NULL;
        const char *path = files_write("l.json", slice_from_cstr(cases[i].text));
        cr_expect_eq(swap_list_load(path, &arena, &list, &err), STATUS_INVALID);
        cr_expect(strstr(err.text, cases[i].says), "%s", err.text);
        arena_release(&arena);
    }
}
