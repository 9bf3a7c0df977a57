// models/generation/cache.h: keys and values of tokens already seen, in pages that sequences share.
//
// A page holds CACHE_PAGE_ROWS rows of every cached attention of a model, head by head (AttentionArgs.pages_by_head), in f32 or
// rounded to 16 bits (AttentionArgs.pages_dtype). A sequence is a list of pages; one that continues another shares its whole pages and copies the one that is begun. Nothing here is written while a unit runs but the rows of
// the unit's own tokens (models/program/program_pages.c), so sequences that share pages may run at once. One thread at a time calls
// these functions. On the CPU.
//
// Layers that are no attention keep a state, Tape.n_state floats of a sequence however long it is; a unit changes it in place. So a
// sequence can be continued from its end alone, and a fork copies its state.
//
// How a step goes: cache_extend each sequence by its new tokens, cache_tables for the unit's sequences, program_bind,
// program_forward. A beam is a fork of every survivor; an encoder's keys are not kept here (ROWS of another domain).
#ifndef ASSAY_MODELS_CACHE_H
#define ASSAY_MODELS_CACHE_H

#include "models/program/program.h"

enum { CACHE_PAGE_ROWS = 16 };

typedef struct Cache Cache;

// Zeroed is empty.
typedef struct CacheSequence {
    uint32_t *pages;
    size_t n_pages, capacity;
    size_t n_rows; // tokens whose keys are there, or will be when the running step is done
    float *state;  // behind them all; NULL before the first, and where the model has none
} CacheSequence;

// For models of this tape, which must outlive it. dtype: F32, F16 or BF16.
Status cache_open(const Tape *tape, DType dtype, Cache **out, Error *err) MUST_CHECK;
// So many pages will be in use at most, as far as the caller knows: memory beyond them is not taken before more are asked for.
void cache_expect(Cache *cache, size_t n_pages);
void cache_close(Cache **cache); // a no-op on NULL; sequences need not be released before
// Empty again, for other sequences: those of before are released already. Of its memory keep_bytes stay at hand, which
// spares the next ones the time that fresh pages take.
void cache_clear(Cache *cache, size_t keep_bytes);
// Makes room for so many more tokens; n_rows counts them from now on. The last page must not be shared: a fork copies it.
Status cache_extend(Cache *cache, CacheSequence *sequence, size_t n_more, Error *err) MUST_CHECK;
// A sequence of the first n_rows tokens of another; of all of them, where the model keeps states.
Status cache_fork(Cache *cache, const CacheSequence *from, size_t n_rows, CacheSequence *out,
                  Error *err) MUST_CHECK;
void cache_release(Cache *cache, CacheSequence *sequence); // a no-op on a zeroed one
// What a unit of these sequences needs, in the arena. Valid until a sequence changes.
Status cache_tables(const Cache *cache, const CacheSequence *const *sequences, size_t n,
                    Arena *arena, ProgramCache *out, Error *err) MUST_CHECK;

size_t cache_bytes_per_token(const Tape *tape, DType dtype);
size_t cache_bytes_per_sequence(const Tape *tape); // of states
size_t cache_bytes(const Cache *cache);            // of the pages and states that sequences have

#endif
