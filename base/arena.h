// base/arena.h: memory with one lifetime, released at once.
//
// Three lifetimes, three owners: program (handles), trial or model (an arena passed in), call (scratch, rolled back to
// a mark before return). What comes from an arena is never freed singly. An Arena belongs to one thread at a time.
// Built with ASSAY_ARENA_MALLOC (the sanitizer presets) each allocation is its own malloc, so that the address
// sanitizer sees inside.
#ifndef ASSAY_BASE_ARENA_H
#define ASSAY_BASE_ARENA_H

#include "base/error.h"
#include "base/slice.h"

typedef struct ArenaBlock ArenaBlock;

// Zeroed is ready to use.
typedef struct Arena {
    ArenaBlock *last;  // newest block; older ones hang from it
    size_t used_bytes; // handed out so far, for reports of memory
} Arena;

typedef struct ArenaMark {
    ArenaBlock *block;
    size_t used_in_block;
    size_t used_bytes;
} ArenaMark;

// count * size zeroed bytes, aligned for any type; NULL on overflow or when memory runs out. Zero bytes give a valid
// pointer that must not be dereferenced.
void *arena_alloc(Arena *arena, size_t count, size_t size);
// The same with an alignment: a power of two, at most 4096.
void *arena_alloc_aligned(Arena *arena, size_t count, size_t size, size_t alignment);
// An arena_alloc that reports: *out (a pointer to the pointer) is set, or err says what was wanted.
Status arena_take(Arena *arena, size_t count, size_t size, const char *what, void *out,
                  Error *err) MUST_CHECK;

// The same without zeroing what was used before: for memory that is written before it is read.
Status arena_take_raw(Arena *arena, size_t count, size_t size, const char *what, void *out,
                      Error *err) MUST_CHECK;

// A longer array in place of one of the arena: *array (a pointer to the pointer) gets room for capacity elements, of which the
// first n are those it had. The old one stays in the arena until that is rewound.
Status arena_grow(Arena *arena, size_t n, size_t capacity, size_t size, const char *what,
                  void *array, Error *err) MUST_CHECK;
// Room for element n of a list that grows: arena_grow to about twice *capacity where there is none.
Status arena_make_room(Arena *arena, size_t n, size_t *capacity, size_t size, const char *what,
                       void *array, Error *err) MUST_CHECK;

// A copy with a NUL after its last byte (not counted in len); ptr is NULL when memory runs out.
Slice arena_copy(Arena *arena, Slice text);
// The same of two texts, one behind the other. Unlike arena_printf it keeps bytes of 0 that stand in them.
Slice arena_join(Arena *arena, Slice first, Slice second);
// A NUL-terminated copy; NULL when memory runs out.
char *arena_cstr(Arena *arena, Slice text);
// printf into the arena; NULL when memory runs out.
char *arena_printf(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Makes room for so many bytes in one block, which marks taken from now on keep: a scratch arena that is rewound again and
// again then asks the system for memory once. Call it on an empty arena.
Status arena_reserve(Arena *arena, size_t size_bytes, Error *err) MUST_CHECK;
ArenaMark arena_mark(const Arena *arena);
// Releases all that was allocated since the mark.
void arena_rewind(Arena *arena, ArenaMark mark);
// Releases everything; the arena is zeroed and usable again. A no-op on a zeroed arena.
void arena_release(Arena *arena);

// Makes the n-th allocation from now fail (1 = the next one), in this thread; 0 switches it off. For tests that make
// every allocation fail once.
void arena_fail_after(size_t n);

#define ARENA_NEW(arena, Type, count) ((Type *)arena_alloc((arena), (count), sizeof(Type)))

#endif
