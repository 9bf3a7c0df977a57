// Runs of letters and digits: every way of finding them against the plain one, and that against what it says.
#include <criterion/criterion.h>
#include <string.h>

#include "base/ascii_words_internal.h"
#include "base/philox.h"

enum { LONGEST = 200 };

typedef struct Found {
    char lower[LONGEST + 2 * ASCII_BLOCK_BYTES];
    Slice words[LONGEST / 2 + 1];
    size_t n;
    bool is_ascii;
} Found;

static void find(const AsciiWordsWay *way, Slice text, Found *out)
{
    memset(out, 0x55, sizeof *out);
    out->n = way->words(text, out->lower, out->words, &out->is_ascii);
}

Test(ascii_words, are_runs_of_letters_and_digits_in_lower_case)
{
    static const char *const want[] = {"ab", "0z", "q", "z"};
    Found found;
    for (size_t w = 0; w < ascii_words_ways_count; w++) {
        const char *name = ascii_words_ways[w].name;
        if (!ascii_words_ways[w].can_run()) continue;
        find(&ascii_words_ways[w],
             SLICE("Ab_0Z \x7f"
                   "c\xC3\xA9q"),
             &found);
        cr_expect(!found.is_ascii, "%s", name);
        cr_expect_eq(memcmp(found.lower,
                            "ab_0z \x7f"
                            "c\xC3\xA9q\0",
                            12),
                     0, "%s", name);
        find(&ascii_words_ways[w], SLICE("Ab_0Z q[`{@/:z"), &found);
        cr_expect(found.is_ascii, "%s", name);
        cr_assert_eq(found.n, 4, "%s: %zu", name, found.n);
        for (size_t i = 0; i < 4; i++)
            cr_expect(slice_eq_cstr(found.words[i], want[i]), "%s", name);
        find(&ascii_words_ways[w], SLICE(""), &found);
        cr_expect(found.n == 0 && found.is_ascii, "%s", name);
    }
}

static void expect_same(const Found *got, const Found *want, const char *name, size_t c)
{
    cr_assert_eq(memcmp(got->lower, want->lower, sizeof got->lower), 0, "%s: case %zu", name, c);
    cr_assert(got->n == want->n && got->is_ascii == want->is_ascii, "%s: case %zu", name, c);
    for (size_t i = 0; i < got->n; i++) {
        const bool is_same = got->words[i].len == want->words[i].len &&
                             got->words[i].ptr - got->lower == want->words[i].ptr - want->lower;
        cr_assert(is_same, "%s: case %zu, word %zu", name, c, i);
    }
}

// Texts of all lengths around the blocks, from all bytes or from letters and blanks, at every alignment.
Test(ascii_words, are_the_same_by_every_way)
{
    const AsciiWordsWay *plain = &ascii_words_ways[ascii_words_ways_count - 1];
    Philox rng = philox_stream(5, 1);
    for (size_t c = 0; c < 4000; c++) {
        char bytes[LONGEST + 16];
        Found want, got;
        const size_t len = c % (LONGEST + 1), at = c % 16;
        for (size_t i = 0; i < sizeof bytes; i++) {
            const size_t drawn = (size_t)philox_below(&rng, 256);
            bytes[i] = (char)drawn;
            if (c % 2 == 0) bytes[i] = "aZ09 zz A"[drawn % 9];
        }
        const Slice text = {bytes + at, len};
        find(plain, text, &want);
        for (size_t w = 0; w < ascii_words_ways_count; w++) {
            if (!ascii_words_ways[w].can_run()) continue;
            find(&ascii_words_ways[w], text, &got);
            expect_same(&got, &want, ascii_words_ways[w].name, c);
        }
    }
}
