// Keys and values in pages (models/generation/cache.h).
#include <criterion/criterion.h>

#include "models/generation/cache.h"

// One cached attention of `cols` numbers a token.
static void tape_of(Tape *tape, size_t cols)
{
    static TapeCache caches[1];
    *tape = (Tape){.caches = caches, .n_caches = 1};
    caches[0] = (TapeCache){.cols = cols};
}

static float *page_of(const Cache *cache, const CacheSequence *sequence, size_t page, Arena *arena)
{
    ProgramCache tables;
    const CacheSequence *one = sequence;
    cr_assert_eq(cache_tables(cache, &one, 1, arena, &tables, NULL), STATUS_OK);
    return tables.key_pages[0][page];
}

Test(cache, a_cleared_one_hands_out_its_memory_again)
{
    Tape tape;
    tape_of(&tape, 8);
    Cache *cache = NULL;
    Arena arena = {0};
    CacheSequence first = {0}, second = {0};
    cr_assert_eq(cache_open(&tape, DTYPE_F32, &cache, NULL), STATUS_OK);
    cr_assert_eq(cache_extend(cache, &first, 40, NULL), STATUS_OK);
    cr_expect_eq(cache_bytes(cache),
                 (size_t)3 * CACHE_PAGE_ROWS * cache_bytes_per_token(&tape, DTYPE_F32));
    float *pages[3];
    for (size_t i = 0; i < 3; i++) pages[i] = page_of(cache, &first, i, &arena);
    cache_release(cache, &first);
    cache_clear(cache, SIZE_MAX);
    cr_expect_eq(cache_bytes(cache), 0);
    cr_assert_eq(cache_extend(cache, &second, 48, NULL), STATUS_OK);
    for (size_t i = 0; i < 3; i++) {
        bool is_there = false;
        float *page = page_of(cache, &second, i, &arena);
        for (size_t j = 0; j < 3; j++) is_there |= page == pages[j];
        cr_expect(is_there, "page %zu is fresh memory", i);
    }
    cache_release(cache, &second);
    arena_release(&arena);
    cache_close(&cache);
}

Test(cache, a_cleared_one_of_which_nothing_may_stay_begins_anew)
{
    Tape tape;
    tape_of(&tape, 100000); // a page has 12 MiB: more than the slabs in which small pages come
    Cache *cache = NULL;
    Arena arena = {0};
    CacheSequence first = {0}, second = {0};
    cr_assert_eq(cache_open(&tape, DTYPE_F32, &cache, NULL), STATUS_OK);
    cr_assert_eq(cache_extend(cache, &first, (size_t)2 * CACHE_PAGE_ROWS, NULL), STATUS_OK);
    cache_release(cache, &first);
    cache_clear(cache, 0);
    cr_assert_eq(cache_extend(cache, &second, (size_t)3 * CACHE_PAGE_ROWS, NULL), STATUS_OK);
    cr_expect_eq(cache_bytes(cache),
                 (size_t)3 * CACHE_PAGE_ROWS * cache_bytes_per_token(&tape, DTYPE_F32));
    for (size_t i = 0; i < 3; i++) {
        float *page = page_of(cache, &second, i, &arena);
        cr_expect_eq(page[0], 0.0f); // what is mapped afresh is zeros
        page[0] = 1.0f;
    }
    cache_release(cache, &second);
    arena_release(&arena);
    cache_close(&cache);
}

Test(cache, a_large_slab_has_keys_side_by_side_and_values_behind_them)
{
    enum { N_PAGES = 85 }; // of 96 KiB, as many as 8 MiB have
    Tape tape;
    tape_of(&tape, 768);
    Cache *cache = NULL;
    Arena arena = {0};
    CacheSequence sequence = {0};
    cr_assert_eq(cache_open(&tape, DTYPE_F32, &cache, NULL), STATUS_OK);
    cache_expect(cache, N_PAGES + 1);
    cr_assert_eq(cache_extend(cache, &sequence, (size_t)N_PAGES * CACHE_PAGE_ROWS, NULL),
                 STATUS_OK);
    const size_t bytes = CACHE_PAGE_ROWS * cache_bytes_per_token(&tape, DTYPE_F32);
    for (size_t i = 1; i < N_PAGES; i++) {
        const char *before = (const char *)page_of(cache, &sequence, i - 1, &arena);
        cr_expect_eq((const char *)page_of(cache, &sequence, i, &arena) - before,
                     (ptrdiff_t)bytes / 2);
    }
    cache_release(cache, &sequence);
    arena_release(&arena);
    cache_close(&cache);
}

Test(cache, no_memory_is_taken_beyond_what_is_expected_until_it_is_asked_for)
{
    Tape tape;
    tape_of(&tape, 768);
    Cache *cache = NULL;
    Arena arena = {0};
    CacheSequence sequence = {0};
    cr_assert_eq(cache_open(&tape, DTYPE_F32, &cache, NULL), STATUS_OK);
    cache_expect(cache, 5);
    cr_assert_eq(cache_extend(cache, &sequence, (size_t)5 * CACHE_PAGE_ROWS, NULL), STATUS_OK);
    const size_t bytes = CACHE_PAGE_ROWS * cache_bytes_per_token(&tape, DTYPE_F32);
    for (size_t i = 1; i < 5; i++) {
        const char *before = (const char *)page_of(cache, &sequence, i - 1, &arena);
        cr_expect_eq((const char *)page_of(cache, &sequence, i, &arena) - before,
                     (ptrdiff_t)bytes); // what no text has reached lies behind all that some have
    }
    cr_assert_eq(cache_extend(cache, &sequence, 1, NULL), STATUS_OK); // more than was foreseen
    page_of(cache, &sequence, 5, &arena)[0] = 1.0f;
    cache_release(cache, &sequence);
    cache_clear(cache, 5 * bytes); // the later slab is larger than that and goes
    cr_assert_eq(cache_extend(cache, &sequence, (size_t)5 * CACHE_PAGE_ROWS, NULL), STATUS_OK);
    cr_expect_eq(cache_bytes(cache), 5 * bytes);
    cache_release(cache, &sequence);
    arena_release(&arena);
    cache_close(&cache);
}
