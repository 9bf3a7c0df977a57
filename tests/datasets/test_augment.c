// Copies of samples with words changed: what may change does, what must stand stays.
#include "base/buffer.h"
#include "datasets/augment.h"
#include "tests/datasets/files.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(augment, .fini = files_remove);

#define GROUPS \
    "{\"lexicon\": \"l\", \"groups\": [[\"big\", \"large\"], [\"dog\", \"hound\", \"cur\"]]}"

static const Lexicon *load(Arena *arena, const char *text)
{
    const Lexicon *lexicon = NULL;
    Error err = {0};
    cr_assert_eq(lexicon_load(files_write("l.json", slice_from_cstr(text)), arena, &lexicon, &err),
                 STATUS_OK, "%s", err.text);
    return lexicon;
}

static bool copy_of(const AugmentOptions *options, const Sample *sample, uint64_t seed,
                    Arena *arena, Sample *out)
{
    Philox rng = philox_stream(seed, 1);
    AugmentCounts counts = {0};
    Error err = {0};
    bool is_changed = false;
    cr_assert_eq(augment_sample(options, sample, &rng, arena, out, &is_changed, &counts, &err),
                 STATUS_OK, "%s", err.text);
    cr_assert_leq(counts.n_changed, counts.n_words);
    return is_changed;
}

static size_t count_words(Slice text)
{
    Slice rest = text, word;
    size_t n = 0;
    while (slice_split(&rest, ' ', &word)) n += word.len > 0;
    return n;
}

Test(augment, edits_do_what_they_say)
{
    Arena arena = {0};
    const Sample sample = {.text = SLICE("The Big dog sees a cat, a DOG.")};
    const Lexicon *lexicon = load(&arena, GROUPS);
    size_t n_synonyms = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        Sample copy;
        AugmentOptions options = {.edit = EDIT_SYNONYMS, .share = 1, .lexicon = lexicon};
        cr_assert(copy_of(&options, &sample, seed, &arena, &copy));
        cr_expect(slice_starts_with(copy.text, SLICE("The Large ")), SLICE_FMT,
                  SLICE_ARG(copy.text));
        cr_expect(slice_ends_with(copy.text, SLICE("HOUND.")) ||
                  slice_ends_with(copy.text, SLICE("CUR.")));
        n_synonyms += slice_find(copy.text, SLICE("Large hound sees a cat, a CUR")) != SIZE_MAX;
        options.share = 0.1;
        options.edit = EDIT_INSERT;
        cr_assert(copy_of(&options, &sample, seed, &arena, &copy));
        cr_expect_eq(count_words(copy.text), 9, SLICE_FMT, SLICE_ARG(copy.text));
        options.edit = EDIT_DELETE;
        cr_assert(copy_of(&options, &sample, seed, &arena, &copy));
        cr_expect_leq(count_words(copy.text), 8); // a comma may stand alone
        cr_expect_lt(copy.text.len, sample.text.len);
        cr_expect_eq(slice_find(copy.text, SLICE("  ")), SIZE_MAX, SLICE_FMT, SLICE_ARG(copy.text));
        options.edit = EDIT_SWAP;
        if (copy_of(&options, &sample, seed, &arena, &copy)) {
            cr_expect_eq(copy.text.len, sample.text.len);
            cr_expect(slice_ends_with(copy.text, SLICE(".")));
        }
    }
    cr_expect(n_synonyms > 0 && n_synonyms < 40, "%zu of 40", n_synonyms);
    arena_release(&arena);
}

Test(augment, hangs_on_the_stream_alone)
{
    Arena arena = {0};
    const Sample sample = {.text = SLICE("one two three four five big dog")};
    const AugmentOptions options = {
        .edit = EDIT_ANY, .share = 0.3, .lexicon = load(&arena, GROUPS)};
    size_t n_different = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        Sample one, again, other;
        copy_of(&options, &sample, seed, &arena, &one);
        copy_of(&options, &sample, seed, &arena, &again);
        copy_of(&options, &sample, seed + 100, &arena, &other);
        cr_expect(slice_eq(one.text, again.text));
        n_different += !slice_eq(one.text, other.text);
    }
    cr_expect_gt(n_different, 10);
    arena_release(&arena);
}

Test(augment, what_has_no_word_to_change_stays)
{
    Arena arena = {0};
    const AugmentOptions options = {
        .edit = EDIT_SYNONYMS, .share = 0.5, .lexicon = load(&arena, GROUPS)};
    const AugmentOptions deletes = {.edit = EDIT_DELETE, .share = 0.5};
    const Sample none = {.text = SLICE("nothing known")}, empty = {.text = SLICE("")},
                 one = {.text = SLICE("word!")};
    Sample copy;
    cr_expect_not(copy_of(&options, &none, 1, &arena, &copy));
    cr_expect_eq(copy.text.ptr, none.text.ptr);
    cr_expect_not(copy_of(&options, &empty, 1, &arena, &copy));
    cr_expect_not(copy_of(&deletes, &one, 1, &arena, &copy)); // the last word is left
    arena_release(&arena);
}

// Entities as (first word, text) lists are the same before and after.
static void entities(const Sample *sample, Buffer *out)
{
    buffer_clear(out);
    for (size_t i = 0; i < sample->n_tokens; i++) {
        if (slice_eq_cstr(sample->tags[i], "O")) continue;
        const bool goes_on = i > 0 && slice_starts_with(sample->tags[i], SLICE("I-")) &&
                             !slice_eq_cstr(sample->tags[i - 1], "O");
        buffer_printf(out, "%s" SLICE_FMT, goes_on ? " " : "|", SLICE_ARG(sample->tokens[i]));
    }
}

Test(augment, entities_stay_whole_and_apart)
{
    Arena arena = {0};
    const Slice tokens[] = {SLICE_LIT("the"), SLICE_LIT("big"), SLICE_LIT("Ada"),
                            SLICE_LIT("Lee"), SLICE_LIT("or"),  SLICE_LIT("Bob"),
                            SLICE_LIT("dog"), SLICE_LIT("dog"), SLICE_LIT("Rome")},
                // IOB1: what parts two entities must not go.
        tags[] = {SLICE_LIT("O"),     SLICE_LIT("O"), SLICE_LIT("I-PER"),
                  SLICE_LIT("I-PER"), SLICE_LIT("O"), SLICE_LIT("I-PER"),
                  SLICE_LIT("O"),     SLICE_LIT("O"), SLICE_LIT("I-LOC")};
    const Sample sample = {.text = SLICE("the big Ada Lee or Bob dog dog Rome"),
                           .tokens = tokens,
                           .tags = tags,
                           .n_tokens = 9};
    const Lexicon *lexicon = load(&arena, GROUPS);
    Buffer before = {0}, after = {0};
    entities(&sample, &before);
    for (uint64_t seed = 0; seed < 200; seed++) {
        Sample copy;
        const AugmentOptions options = {.edit = (WordEdit)(seed % (N_WORD_EDITS + 1)),
                                        .share = 0.6,
                                        .where = AUGMENT_TOKENS,
                                        .lexicon = lexicon};
        copy_of(&options, &sample, seed, &arena, &copy);
        entities(&copy, &after);
        cr_assert(slice_eq(buffer_slice(&before), buffer_slice(&after)), "%s and %s", before.ptr,
                  after.ptr);
        size_t n_words = count_words(copy.text);
        cr_assert_eq(n_words, copy.n_tokens, SLICE_FMT, SLICE_ARG(copy.text));
    }
    buffer_release(&before);
    buffer_release(&after);
    arena_release(&arena);
}

Test(augment, answers_stand_where_they_stood)
{
    Arena arena = {0};
    const Slice context = SLICE("A big dog lives in Rome, the big city of the 1600s.");
    const SampleSpan answers[] = {{SLICE("Rome, the big city"), 19}, {SLICE("16"), 45}};
    const Sample sample = {
        .text = SLICE("big dog?"), .context = context, .answers = answers, .n_answers = 2};
    const Lexicon *lexicon = load(&arena, GROUPS);
    size_t n_changed = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        Sample copy;
        const AugmentOptions options = {.edit = (WordEdit)(seed % (N_WORD_EDITS + 1)),
                                        .share = 0.5,
                                        .where = AUGMENT_CONTEXT,
                                        .lexicon = lexicon};
        n_changed += copy_of(&options, &sample, seed, &arena, &copy);
        cr_expect_eq(copy.text.ptr, sample.text.ptr);
        for (size_t i = 0; i < 2; i++) {
            const SampleSpan *answer = &copy.answers[i];
            cr_assert(slice_eq(answer->text, answers[i].text));
            cr_assert(slice_starts_with(slice_sub(copy.context, answer->begin_bytes, SIZE_MAX),
                                        answer->text),
                      "%zu of " SLICE_FMT, answer->begin_bytes, SLICE_ARG(copy.context));
        }
    }
    cr_expect_gt(n_changed, 150);
    arena_release(&arena);
}

Test(augment, wrong_lexicons_are_refused_with_their_place)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{\"groups\": []}", "the lexicon has no groups"},
        {"{\"groups\": [[\"a\"]]}", "groups[0]: a group is a list of two words or more"},
        {"{\"groups\": [[\"a\", \"a\"]]}", "groups[0][1]: the word stands twice"},
        {"{\"groups\": [[\"a\", \"B\"]]}", "\"B\" is no single word in lower case"},
        {"{\"groups\": [[\"a\", \"b c\"]]}", "\"b c\" is no single word"},
        {"{\"groups\": [[\"a\", \"-\"]]}", "\"-\" is no single word"},
        {"{\"group\": [[\"a\", \"b\"]]}", "did you mean \"groups\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        const Lexicon *lexicon = NULL;
        const char *path = files_write("l.json", slice_from_cstr(cases[i].text));
        cr_expect_eq(lexicon_load(path, &arena, &lexicon, &err), STATUS_INVALID);
        cr_expect(strstr(err.text, cases[i].says), "%s", err.text);
        arena_release(&arena);
    }
}
