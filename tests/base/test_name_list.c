// Names for a message.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/name_list.h"

Test(name_list, puts_names_one_after_the_other)
{
    NameList list = {0};
    cr_expect_str_eq(name_list_or(&list, "none"), "none");
    name_list_add_cstr(&list, "a");
    name_list_quote(&list, SLICE("b c"));
    name_list_add(&list, SLICE(""));
    cr_expect_str_eq(name_list_or(&list, "none"), "a, \"b c\", ");
}

Test(name_list, names_once_what_comes_again)
{
    static const Slice names[] = {SLICE_LIT("dense"), SLICE_LIT("key"), SLICE_LIT("dense"),
                                  SLICE_LIT("den"), SLICE_LIT("key")};
    NameList list = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) name_list_add_new(&list, names[i]);
    cr_expect_str_eq(list.text, "dense, key, den");
}

Test(name_list, counts_what_it_does_not_show)
{
    NameList list = {.most = 2};
    for (size_t i = 0; i < 5; i++) name_list_quote(&list, SLICE("x"));
    cr_expect_str_eq(list.text, "\"x\", \"x\" and 3 more");
}

// Whatever is added, the text ends within its bounds, and names are whole.
Test(name_list, never_outgrows_its_room)
{
    static const size_t lengths[] = {1, 7, 79, 80, 81, 500};
    char name[500];
    memset(name, 'n', sizeof name);
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
        NameList list = {0};
        char count[32];
        for (size_t i = 0; i < 2000; i++) name_list_add(&list, (Slice){name, lengths[k]});
        cr_assert_lt(strlen(list.text), sizeof list.text);
        snprintf(count, sizeof count, "n and %zu more", list.n - list.n_shown);
        cr_expect(slice_ends_with(slice_from_cstr(list.text), slice_from_cstr(count)), "%s",
                  list.text);
        const size_t shown = lengths[k] < 80 ? lengths[k] : 80;
        cr_expect_eq(list.len, list.n_shown * (shown + 2) - 2);
    }
}
