#include <criterion/criterion.h>

#include "base/arena.h"

static bool is_zero(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) return false;
    }
    return true;
}

Test(arena, gives_zeroed_aligned_memory)
{
    Arena arena = {0};
    for (size_t size = 0; size < 70000; size = size * 2 + 1) {
        char *bytes = arena_alloc(&arena, 1, size);
        cr_assert_not_null(bytes);
        cr_assert_eq((uintptr_t)bytes % 16, 0, "size %zu", size);
        cr_assert(is_zero(bytes, size), "size %zu", size);
        memset(bytes, 0xAB, size);
    }
    arena_release(&arena);
}

Test(arena, keeps_alignments_up_to_a_page)
{
    Arena arena = {0};
    for (size_t alignment = 1; alignment <= 4096; alignment *= 2) {
        char *bytes = arena_alloc_aligned(&arena, 100, 3, alignment);
        cr_assert_not_null(bytes);
        cr_assert_eq((uintptr_t)bytes % alignment, 0, "alignment %zu", alignment);
        memset(bytes, 1, 300);
    }
    arena_release(&arena);
}

Test(arena, refuses_sizes_that_overflow)
{
    Arena arena = {0};
    Error err = {0};
    void *out = &arena;
    cr_assert_null(arena_alloc(&arena, SIZE_MAX, 2));
    cr_assert_null(arena_alloc(&arena, SIZE_MAX, 1));
    cr_assert_null(arena_alloc_aligned(&arena, SIZE_MAX - 100, 1, 4096));
    cr_assert_eq(arena_take(&arena, SIZE_MAX, 8, "weights", &out, &err), STATUS_MEMORY);
    cr_assert_not_null(strstr(err.text, "weights"));
    cr_assert_eq(out, &arena, "a failed take changed its output");
    arena_release(&arena);
}

Test(arena, rewinds_to_a_mark_and_zeroes_again)
{
    Arena arena = {0};
    char *kept = arena_alloc(&arena, 1, 40);
    memset(kept, 7, 40);
    const ArenaMark mark = arena_mark(&arena);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 1; size < 200000; size *= 3) {
            char *bytes = arena_alloc(&arena, size, 1);
            cr_assert(is_zero(bytes, size), "round %d, size %zu", round, size);
            memset(bytes, 0xFF, size);
        }
        arena_rewind(&arena, mark);
        cr_assert_eq(arena.used_bytes, 40);
    }
    cr_assert_eq(kept[0], 7);
    cr_assert_eq(kept[39], 7);
    arena_release(&arena);
}

Test(arena, released_is_usable_again)
{
    Arena arena = {0};
    arena_release(&arena);
    cr_assert_not_null(arena_alloc(&arena, 1, 10));
    arena_release(&arena);
    cr_assert_eq(arena.used_bytes, 0);
    cr_assert_null(arena.last);
    cr_assert_not_null(arena_alloc(&arena, 1, 10));
    arena_release(&arena);
}

Test(arena, copies_end_with_a_nul)
{
    Arena arena = {0};
    const Slice copy = arena_copy(&arena, (Slice){"a\0b", 3});
    cr_assert_eq(copy.len, 3);
    cr_assert_arr_eq(copy.ptr, "a\0b", 4);
    cr_assert_str_eq(arena_cstr(&arena, slice_sub(SLICE("hello"), 0, 4)), "hell");
    cr_assert_not_null(arena_copy(&arena, (Slice){0}).ptr);
    const Slice joined = arena_join(&arena, (Slice){"a\0b", 3}, (Slice){"\0", 1});
    cr_assert(joined.len == 4 && memcmp(joined.ptr, "a\0b\0", 5) == 0);
    cr_assert(arena_join(&arena, (Slice){0}, (Slice){0}).ptr != NULL);
    cr_assert_str_eq(arena_printf(&arena, "%s-%d", "x", 42), "x-42");
    arena_release(&arena);
}

Test(arena, lists_grow_and_keep_what_they_have)
{
    Arena arena = {0};
    int *list = NULL;
    size_t capacity = 0;
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(
            arena_make_room(&arena, (size_t)i, &capacity, sizeof *list, "numbers", &list, NULL),
            STATUS_OK);
        cr_assert_gt(capacity, (size_t)i);
        list[i] = i;
    }
    for (int i = 0; i < 1000; i++) cr_assert_eq(list[i], i);
    cr_assert_neq(arena_grow(&arena, 1000, SIZE_MAX / 2, sizeof *list, "numbers", &list, NULL),
                  STATUS_OK);
    cr_assert_eq(list[999], 999, "a list that cannot grow is as it was");
    arena_release(&arena);
}

static bool build_something(Arena *arena)
{
    if (arena_alloc(arena, 3, 5) == NULL) return false;
    if (arena_copy(arena, SLICE("text")).ptr == NULL) return false;
    if (arena_printf(arena, "%d", 5) == NULL) return false;
    void *out = NULL;
    return arena_take(arena, 1, 9000, "a block", &out, NULL) == STATUS_OK;
}

Test(arena, fails_at_the_nth_allocation_when_told)
{
    size_t n = 1;
    for (;; n++) {
        Arena arena = {0};
        arena_fail_after(n);
        const bool is_built = build_something(&arena);
        arena_fail_after(0);
        arena_release(&arena);
        if (is_built) break;
        cr_assert_lt(n, 100);
    }
    cr_assert_eq(n, 5, "four allocations, each of which failed once");
}
