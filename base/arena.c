#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"

enum {
    ALIGNMENT = 16, // of malloc, and enough for any type
    FIRST_BLOCK_BYTES = 4096,
    LARGEST_BLOCK_BYTES = 1 << 20,
    // From so many bytes on a block lies on huge pages: a first touch a small page took a third of the time in which a
    // million labels or scores are scored.
    HUGE_BLOCK_BYTES = 4 << 20,
    // Up to here blocks come out of the heap, where calloc would write zeros over all of them: what is taken is zeroed instead, and
    // what is not stays untouched. Beyond, fresh memory of the system is zero already.
    HEAP_BLOCK_BYTES = 256 << 10,
};

// The bytes follow the header. They are zero from `dirty` on: calloc gave them so. What came otherwise, or was taken back by a
// rewind, is zeroed when it is handed out.
struct ArenaBlock {
    ArenaBlock *older;
    size_t capacity;
    size_t used;
    size_t dirty;
    size_t huge_bytes; // of huge_alloc; 0 where it is of calloc
    size_t unused;     // keeps the bytes after the header aligned
};

static_assert(sizeof(ArenaBlock) % ALIGNMENT == 0, "the bytes after the header must be aligned");

static _Thread_local size_t fail_countdown; // 0: off

void arena_fail_after(size_t n)
{
    fail_countdown = n;
}

static bool fails_now(void)
{
    return fail_countdown > 0 && --fail_countdown == 0;
}

static char *block_bytes(ArenaBlock *block)
{
    return (char *)(block + 1);
}

// Bytes from the block's first free one to the next address with that alignment.
static size_t padding(ArenaBlock *block, size_t alignment)
{
    const uintptr_t at = (uintptr_t)block_bytes(block) + block->used;
    return (size_t)(-at & (alignment - 1));
}

static bool fits(ArenaBlock *block, size_t bytes, size_t alignment)
{
#ifdef ASSAY_ARENA_MALLOC
    if (block->used > 0) return false; // a block for each request, so that sanitizers see its ends
#endif
    const size_t left = block->capacity - block->used;
    const size_t pad = padding(block, alignment);
    return pad <= left && bytes <= left - pad;
}

// How much the next block holds: as much as has been handed out so far, within bounds, and at least `needed`.
static size_t next_capacity(const Arena *arena, size_t needed)
{
#ifdef ASSAY_ARENA_MALLOC
    (void)arena;
    return needed;
#else
    const size_t grown = size_max(FIRST_BLOCK_BYTES, arena->used_bytes);
    return size_max(needed, size_min(grown, LARGEST_BLOCK_BYTES));
#endif
}

static bool add_block(Arena *arena, size_t bytes, size_t alignment)
{
    size_t needed = bytes;
    if (alignment > ALIGNMENT && !size_add(bytes, alignment, &needed)) return false;
    const size_t capacity = next_capacity(arena, needed);
    size_t total;
    if (!size_add(capacity, sizeof(ArenaBlock), &total)) return false;
#ifdef ASSAY_ARENA_MALLOC
    const bool is_huge = false;
#else
    const bool is_huge = total >= HUGE_BLOCK_BYTES;
#endif
    const bool is_dirty = total <= HEAP_BLOCK_BYTES;
    ArenaBlock *block = is_huge ? huge_alloc(total) : is_dirty ? malloc(total) : calloc(1, total);
    if (block == NULL) return false;
    *block = (ArenaBlock){.older = arena->last,
                          .capacity = capacity,
                          .dirty = is_dirty ? capacity : 0,
                          .huge_bytes = is_huge ? total : 0};
    arena->last = block;
    return true;
}

static void *take(Arena *arena, size_t count, size_t size, size_t alignment, bool is_zeroed)
{
    assert(alignment >= 1 && alignment <= 4096 && (alignment & (alignment - 1)) == 0);
    size_t bytes;
    if (!size_mul(count, size, &bytes) || fails_now()) return NULL;
    if (bytes == 0) bytes = 1;
    if (arena->last == NULL || !fits(arena->last, bytes, alignment)) {
        if (!add_block(arena, bytes, alignment)) return NULL;
    }
    ArenaBlock *block = arena->last;
    const size_t begin = block->used + padding(block, alignment);
    char *out = block_bytes(block) + begin;
    block->used = begin + bytes;
    if (is_zeroed && block->dirty > begin) {
        memset(out, 0, size_min(block->dirty - begin, bytes));
    }
    block->dirty = size_max(block->dirty, block->used);
    arena->used_bytes += bytes;
    return out;
}

void *arena_alloc_aligned(Arena *arena, size_t count, size_t size, size_t alignment)
{
    return take(arena, count, size, alignment, true);
}

void *arena_alloc(Arena *arena, size_t count, size_t size)
{
    return arena_alloc_aligned(arena, count, size, ALIGNMENT);
}

Status arena_take(Arena *arena, size_t count, size_t size, const char *what, void *out, Error *err)
{
    void *bytes = arena_alloc(arena, count, size);
    if (bytes == NULL) return error_set_memory(err, count, size, what);
    memcpy(out, &bytes, sizeof bytes); // out is a T ** of any T
    return STATUS_OK;
}

Status arena_take_raw(Arena *arena, size_t count, size_t size, const char *what, void *out,
                      Error *err)
{
    void *bytes = take(arena, count, size, ALIGNMENT, false);
    if (bytes == NULL) return error_set_memory(err, count, size, what);
    memcpy(out, &bytes, sizeof bytes);
    return STATUS_OK;
}

Status arena_grow(Arena *arena, size_t n, size_t capacity, size_t size, const char *what,
                  void *array, Error *err)
{
    void *grown = NULL, *old = NULL;
    TRY(arena_take(arena, capacity, size, what, &grown, err));
    memcpy(&old, array, sizeof old);
    if (n > 0) memcpy(grown, old, n * size);
    memcpy(array, &grown, sizeof grown);
    return STATUS_OK;
}

Status arena_make_room(Arena *arena, size_t n, size_t *capacity, size_t size, const char *what,
                       void *array, Error *err)
{
    enum { FIRST = 4 };
    if (n < *capacity) return STATUS_OK;
    const size_t wanted = n < SIZE_MAX / 2 ? 2 * n + FIRST : SIZE_MAX;
    TRY(arena_grow(arena, n, wanted, size, what, array, err));
    *capacity = wanted;
    return STATUS_OK;
}

Slice arena_copy(Arena *arena, Slice text)
{
    const char *copy = arena_cstr(arena, text);
    return copy == NULL ? (Slice){0} : (Slice){copy, text.len};
}

Slice arena_join(Arena *arena, Slice first, Slice second)
{
    size_t len, size;
    if (!size_add(first.len, second.len, &len) || !size_add(len, 1, &size)) return (Slice){0};
    char *text = arena_alloc_aligned(arena, size, 1, 1);
    if (text == NULL) return (Slice){0};
    if (first.len > 0) memcpy(text, first.ptr, first.len);
    if (second.len > 0) memcpy(text + first.len, second.ptr, second.len);
    return (Slice){text, len};
}

char *arena_cstr(Arena *arena, Slice text)
{
    size_t size;
    if (!size_add(text.len, 1, &size)) return NULL;
    char *copy = arena_alloc_aligned(arena, size, 1, 1);
    if (copy != NULL && text.len > 0) memcpy(copy, text.ptr, text.len);
    return copy;
}

char *arena_printf(Arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    const int len = vsnprintf(NULL, 0, format, args);
    char *out = len < 0 ? NULL : arena_alloc_aligned(arena, (size_t)len + 1, 1, 1);
    if (out != NULL) vsnprintf(out, (size_t)len + 1, format, again);
    va_end(again);
    va_end(args);
    return out;
}

Status arena_reserve(Arena *arena, size_t size_bytes, Error *err)
{
    if (fails_now() || !add_block(arena, size_bytes, ALIGNMENT)) {
        return error_set_memory(err, 1, size_bytes, "scratch");
    }
    return STATUS_OK;
}

ArenaMark arena_mark(const Arena *arena)
{
    const size_t used = arena->last == NULL ? 0 : arena->last->used;
    return (ArenaMark){
        .block = arena->last, .used_in_block = used, .used_bytes = arena->used_bytes};
}

void arena_rewind(Arena *arena, ArenaMark mark)
{
    while (arena->last != mark.block) {
        assert(arena->last != NULL); // else the mark is of another arena, or of one released since
        ArenaBlock *newest = arena->last;
        arena->last = newest->older;
        if (newest->huge_bytes > 0) {
            huge_free(newest, newest->huge_bytes);
        } else {
            free(newest);
        }
    }
    if (arena->last != NULL) arena->last->used = mark.used_in_block;
    arena->used_bytes = mark.used_bytes;
}

void arena_release(Arena *arena)
{
    arena_rewind(arena, (ArenaMark){0});
}
