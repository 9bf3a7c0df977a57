#include "models/generation/cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"

// Pages come in slabs. In the largest ones what one attention keeps of all pages lies side by side, first keys and then values: a long
// context is read at the speed of memory where it lies in stretches of a quarter of a MiB or more (kernels/cpu/attention_pages_fast.c).
// What ends with the last page that is expected is not rounded up; beyond it slabs are small at first.
enum { LEAST_SLAB_BYTES = 1 << 20, SLAB_BYTES = 8 << 20, STRETCH_BYTES = 256 << 10 };

typedef struct Slab {
    char *memory;
    size_t size_bytes, n_pages;
} Slab;

typedef struct Page {
    char *slab;            // or what of it is the page's alone
    size_t index, n_pages; // in it
} Page;

struct Cache {
    const Tape *tape;
    DType dtype;
    size_t page_bytes;
    Slab *slabs;
    size_t n_slabs, slabs_capacity;
    Page *pages;
    unsigned *n_users; // [n_pages] sequences that have the page
    size_t n_pages, pages_capacity;
    size_t n_expected; // pages
    uint32_t *free_pages;
    size_t n_free, free_capacity;
    float **free_states; // with room for all
    size_t n_states, n_free_states, states_capacity;
};

size_t cache_bytes_per_token(const Tape *tape, DType dtype)
{
    size_t n = 0;
    for (size_t i = 0; i < tape->n_caches; i++) n += 2 * tape->caches[i].cols;
    return n * dtype_size(dtype);
}

size_t cache_bytes_per_sequence(const Tape *tape)
{
    return tape->n_state * sizeof(float);
}

size_t cache_bytes(const Cache *cache)
{
    return (cache->n_pages - cache->n_free) * cache->page_bytes +
           (cache->n_states - cache->n_free_states) * cache_bytes_per_sequence(cache->tape);
}

Status cache_open(const Tape *tape, DType dtype, Cache **out, Error *err)
{
    enum { LEAST_PAGE = 64 }; // of a model that keeps nothing
    Cache *cache = calloc(1, sizeof *cache);
    if (!cache) return error_set_memory(err, 1, sizeof *cache, "a cache");
    cache->tape = tape;
    cache->dtype = dtype;
    cache->page_bytes = size_max(cache_bytes_per_token(tape, dtype) * CACHE_PAGE_ROWS, LEAST_PAGE);
    *out = cache;
    return STATUS_OK;
}

void cache_expect(Cache *cache, size_t n_pages)
{
    cache->n_expected = n_pages;
}

// Frees states that no sequence has, but for n_kept.
static void drop_states(Cache *c, size_t n_kept)
{
    for (; c->n_free_states > n_kept; c->n_states--)
        huge_free(c->free_states[--c->n_free_states], cache_bytes_per_sequence(c->tape));
}

void cache_close(Cache **cache)
{
    if (!cache || !*cache) return;
    Cache *c = *cache;
    for (size_t i = 0; i < c->n_slabs; i++) huge_free(c->slabs[i].memory, c->slabs[i].size_bytes);
    drop_states(c, 0);
    free(c->free_states);
    free(c->slabs);
    free(c->pages);
    free(c->n_users);
    free(c->free_pages);
    free(c);
    *cache = NULL;
}

// Pages [begin, end) are free, and the first of them is taken first: memory that was touched is used before what was not.
static void free_from(Cache *c, size_t begin, size_t end)
{
    for (size_t i = end; i-- > begin;) {
        c->n_users[i] = 0;
        c->free_pages[c->n_free++] = (uint32_t)i;
    }
}

void cache_clear(Cache *cache, size_t keep_bytes)
{
    while (cache->n_slabs > 0 && cache->n_pages > keep_bytes / cache->page_bytes) {
        const Slab slab = cache->slabs[--cache->n_slabs];
        cache->n_pages -= slab.n_pages;
        huge_free(slab.memory, slab.size_bytes);
    }
    if (cache->tape->n_state > 0)
        drop_states(cache, keep_bytes / cache_bytes_per_sequence(cache->tape));
    cache->n_free = 0;
    free_from(cache, 0, cache->n_pages);
}

// Room for n elements in a list that doubles.
static Status want(void *list, size_t n, size_t size, size_t *capacity, Error *err)
{
    void *old;
    if (n <= *capacity) return STATUS_OK;
    memcpy(&old, list, sizeof old);
    const size_t larger = size_max(n, 2 * *capacity);
    void *fresh = realloc(old, larger * size);
    if (!fresh) return error_set_memory(err, larger, size, "a cache");
    memcpy(list, &fresh, sizeof fresh);
    *capacity = larger;
    return STATUS_OK;
}

// Pages of the largest slab.
static size_t most_pages(const Cache *c)
{
    const size_t most_bytes = size_max(SLAB_BYTES, 2 * c->tape->n_caches * STRETCH_BYTES);
    return size_max(1, most_bytes / c->page_bytes);
}

// Pages of the next slab.
static size_t slab_pages(const Cache *c)
{
    const size_t most = most_pages(c);
    const size_t least = size_max(1, LEAST_SLAB_BYTES / c->page_bytes);
    if (c->n_expected > c->n_pages) return size_min(most, c->n_expected - c->n_pages);
    return size_min(size_max(c->n_pages / 2, least), most);
}

static Status add_slab(Cache *c, Error *err)
{
    const size_t bytes = c->page_bytes, n = slab_pages(c), total = c->n_pages + n;
    size_t users_capacity = c->pages_capacity;
    TRY(want(&c->slabs, c->n_slabs + 1, sizeof *c->slabs, &c->slabs_capacity, err));
    TRY(want(&c->n_users, total, sizeof *c->n_users, &users_capacity, err));
    TRY(want(&c->pages, total, sizeof *c->pages, &c->pages_capacity, err));
    TRY(want(&c->free_pages, total, sizeof *c->free_pages, &c->free_capacity, err));
    Slab slab = {.size_bytes = n * bytes, .n_pages = n};
    slab.memory = huge_alloc(slab.size_bytes);
    if (!slab.memory) return error_set_memory(err, n, bytes, "a cache of keys and values");
    c->slabs[c->n_slabs++] = slab;
    // A short text's last page is seldom full. In a small slab pages follow each other whole, so that what is not written yet is one
    // stretch at its end, and takes nothing.
    const bool by_page = n < most_pages(c);
    for (size_t i = 0; i < n; i++)
        c->pages[c->n_pages + i] = by_page ? (Page){.slab = slab.memory + i * bytes, .n_pages = 1}
                                           : (Page){.slab = slab.memory, .index = i, .n_pages = n};
    free_from(c, c->n_pages, total);
    c->n_pages = total;
    return STATUS_OK;
}

static Status add_page(Cache *c, CacheSequence *sequence, Error *err)
{
    TRY(want(&sequence->pages, sequence->n_pages + 1, sizeof *sequence->pages, &sequence->capacity,
             err));
    if (c->n_free == 0) TRY(add_slab(c, err));
    const uint32_t page = c->free_pages[--c->n_free];
    c->n_users[page] = 1;
    sequence->pages[sequence->n_pages++] = page;
    return STATUS_OK;
}

// For a sequence without one, of a model that keeps states.
static Status add_state(Cache *c, CacheSequence *sequence, Error *err)
{
    if (c->n_free_states == 0) {
        const size_t bytes = cache_bytes_per_sequence(c->tape);
        TRY(want(&c->free_states, c->n_states + 1, sizeof *c->free_states, &c->states_capacity,
                 err));
        float *fresh = huge_alloc(bytes);
        if (!fresh) return error_set_memory(err, 1, bytes, "a sequence's state");
        c->free_states[c->n_free_states++] = fresh;
        c->n_states++;
    }
    sequence->state = c->free_states[--c->n_free_states];
    return STATUS_OK;
}

// What a page has of the keys (0) or the values (1) of an attention, of which a page has so many bytes each, and of the
// attentions before it, keys and values together, `before`.
static char *page_part(const Page *page, size_t before, size_t bytes, size_t which)
{
    return page->slab + page->n_pages * (before + which * bytes) + page->index * bytes;
}

static size_t part_bytes(const Cache *cache, size_t attention)
{
    return CACHE_PAGE_ROWS * cache->tape->caches[attention].cols * dtype_size(cache->dtype);
}

static void copy_page(const Cache *cache, uint32_t from, uint32_t to)
{
    size_t before = 0;
    for (size_t c = 0; c < cache->tape->n_caches; c++) {
        const size_t bytes = part_bytes(cache, c);
        for (size_t which = 0; which < 2; which++)
            memcpy(page_part(&cache->pages[to], before, bytes, which),
                   page_part(&cache->pages[from], before, bytes, which), bytes);
        before += 2 * bytes;
    }
}

Status cache_extend(Cache *cache, CacheSequence *sequence, size_t n_more, Error *err)
{
    const size_t n_rows = sequence->n_rows + n_more;
    if (!sequence->state && cache->tape->n_state > 0) {
        TRY(add_state(cache, sequence, err));
        memset(sequence->state, 0, cache_bytes_per_sequence(cache->tape));
    }
    while (sequence->n_pages * CACHE_PAGE_ROWS < n_rows) TRY(add_page(cache, sequence, err));
    sequence->n_rows = n_rows;
    return STATUS_OK;
}

Status cache_fork(Cache *cache, const CacheSequence *from, size_t n_rows, CacheSequence *out,
                  Error *err)
{
    const size_t n_whole = n_rows / CACHE_PAGE_ROWS, n_begun = n_rows % CACHE_PAGE_ROWS;
    assert(n_rows <= from->n_rows && (!from->state || n_rows == from->n_rows));
    *out = (CacheSequence){0};
    TRY(want(&out->pages, n_whole + 1, sizeof *out->pages, &out->capacity, err));
    for (size_t i = 0; i < n_whole; i++) {
        out->pages[i] = from->pages[i];
        cache->n_users[from->pages[i]]++;
    }
    out->n_pages = n_whole;
    out->n_rows = n_rows;
    Status s = from->state ? add_state(cache, out, err) : STATUS_OK;
    if (s == STATUS_OK && n_begun > 0) s = add_page(cache, out, err);
    if (s != STATUS_OK) {
        cache_release(cache, out);
        return s;
    }
    if (n_begun > 0) copy_page(cache, from->pages[n_whole], out->pages[n_whole]);
    if (from->state) memcpy(out->state, from->state, cache_bytes_per_sequence(cache->tape));
    return STATUS_OK;
}

void cache_release(Cache *cache, CacheSequence *sequence)
{
    for (size_t i = 0; i < sequence->n_pages; i++) {
        const uint32_t page = sequence->pages[i];
        if (--cache->n_users[page] == 0) cache->free_pages[cache->n_free++] = page;
    }
    if (sequence->state) cache->free_states[cache->n_free_states++] = sequence->state;
    free(sequence->pages);
    *sequence = (CacheSequence){0};
}

Status cache_tables(const Cache *cache, const CacheSequence *const *sequences, size_t n,
                    Arena *arena, ProgramCache *out, Error *err)
{
    const Tape *tape = cache->tape;
    size_t max_pages = 1, at = 0;
    int32_t *offsets = NULL;
    float ***keys = NULL, ***values = NULL, **states = NULL;
    TRY(arena_take(arena, n + 1, sizeof *offsets, "a unit's keys", &offsets, err));
    for (size_t s = 0; s < n; s++) {
        max_pages = size_max(max_pages, sequences[s]->n_pages);
        offsets[s + 1] = offsets[s] + (int32_t)sequences[s]->n_rows;
    }
    TRY(arena_take(arena, n, sizeof *states, "a unit's states", &states, err));
    for (size_t s = 0; s < n; s++) states[s] = sequences[s]->state;
    TRY(arena_take(arena, tape->n_caches, sizeof *keys, "a unit's keys", &keys, err));
    TRY(arena_take(arena, tape->n_caches, sizeof *values, "a unit's keys", &values, err));
    for (size_t c = 0; c < tape->n_caches; c++) {
        TRY(arena_take(arena, n * max_pages, sizeof **keys, "a unit's keys", &keys[c], err));
        TRY(arena_take(arena, n * max_pages, sizeof **values, "a unit's keys", &values[c], err));
        const size_t bytes = part_bytes(cache, c);
        for (size_t s = 0; s < n; s++) {
            for (size_t p = 0; p < sequences[s]->n_pages; p++) {
                const Page *page = &cache->pages[sequences[s]->pages[p]];
                keys[c][s * max_pages + p] = (float *)(void *)page_part(page, at, bytes, 0);
                values[c][s * max_pages + p] = (float *)(void *)page_part(page, at, bytes, 1);
            }
        }
        at += 2 * bytes;
    }
    *out = (ProgramCache){.dtype = cache->dtype,
                          .page_rows = CACHE_PAGE_ROWS,
                          .max_pages = max_pages,
                          .key_offsets = offsets,
                          .key_pages = (float *const *const *)keys,
                          .value_pages = (float *const *const *)values,
                          .states = tape->n_state > 0 ? states : NULL};
    return STATUS_OK;
}
