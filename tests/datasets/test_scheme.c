// Which scheme tags fit, and where they break one.
#include <criterion/criterion.h>
#include <string.h>

#include "datasets/scheme.h"

static size_t cut(const char *text, Slice *tags)
{
    Slice rest = slice_from_cstr(text), tag;
    size_t n = 0;
    while (rest.len > 0 && slice_split(&rest, ' ', &tag)) tags[n++] = tag;
    return n;
}

Test(scheme, the_first_word_that_breaks_it_is_found)
{
    static const struct {
        TagScheme scheme;
        const char *tags;
        size_t at; // SIZE_MAX: none
    } cases[] = {
        {SCHEME_IOB2, "B-P I-P O B-P B-P", SIZE_MAX},
        {SCHEME_IOB2, "O I-P", 1},
        {SCHEME_IOB2, "B-P I-Q", 1},
        {SCHEME_IOB2, "B-P E-P", 1},
        {SCHEME_IOB1, "I-P I-P B-P O I-Q", SIZE_MAX},
        {SCHEME_IOB1, "B-P", 0},
        {SCHEME_IOB1, "I-Q B-P", 1},
        {SCHEME_IOBES, "S-P B-P I-P E-P B-Q E-Q", SIZE_MAX},
        {SCHEME_IOBES, "B-P O", 1},
        {SCHEME_IOBES, "O B-P", 1},
        {SCHEME_IOBES, "B-P E-Q", 1},
        {SCHEME_IOBES, "E-P", 0},
        {SCHEME_IOBES, "U-P", 0},
        {SCHEME_BILOU, "U-P B-P I-P L-P", SIZE_MAX},
        {SCHEME_BILOU, "S-P", 0},
        {SCHEME_IOB2, "", SIZE_MAX},
    };
    Slice tags[16];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t n = cut(cases[i].tags, tags),
                     wanted = cases[i].at == SIZE_MAX ? n : cases[i].at;
        const size_t found = scheme_break(cases[i].scheme, tags, n);
        cr_expect_eq(found, wanted, "%s in %s: %zu", cases[i].tags, scheme_name(cases[i].scheme),
                     found);
    }
}

Test(scheme, data_fit_the_plainest_scheme_or_none)
{
    static const struct {
        const char *sentences[2];
        TagScheme scheme;
    } cases[] = {
        {{"B-P I-P O", "O B-Q"}, SCHEME_IOB2},
        {{"I-P I-P O", "I-P B-P"}, SCHEME_IOB1},
        {{"B-P E-P", "S-Q O"}, SCHEME_IOBES},
        {{"B-P L-P", "U-Q O"}, SCHEME_BILOU},
        {{"B-P I-P", "O I-P E-P"}, N_TAG_SCHEMES},
        {{"NOUN VERB", "O"}, N_TAG_SCHEMES},
        {{"O O", "O"}, N_TAG_SCHEMES},
        {{"B-P", "I-P O"}, N_TAG_SCHEMES},
    };
    Slice tags[16];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SchemeFit fit = {0};
        for (size_t k = 0; k < 2; k++) scheme_look(&fit, tags, cut(cases[i].sentences[k], tags));
        cr_expect_eq(scheme_of(&fit), cases[i].scheme, "case %zu", i);
    }
    cr_assert_eq(scheme_find(SLICE("iobes")), SCHEME_IOBES);
    cr_assert_eq(scheme_find(SLICE("IOB")), N_TAG_SCHEMES);
}
