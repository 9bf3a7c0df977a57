#include "models/tokenizers/sink.h"

#include <string.h>

#include "base/size.h"

Status token_sink_grow(TokenSink *sink, size_t n_more, Error *err)
{
    size_t wanted = 0;
    if (!size_add(sink->n, n_more, &wanted))
        return error_set_memory(err, sink->n, n_more, "tokens");
    if (wanted <= sink->capacity) return STATUS_OK;
    const size_t capacity = size_max(wanted, size_max(64, 2 * sink->capacity));
    const TokenSink old = *sink;
    TRY(arena_take(sink->arena, capacity, sizeof *sink->ids, "token ids", &sink->ids, err));
    if (old.n > 0) memcpy(sink->ids, old.ids, old.n * sizeof *old.ids);
    if (!sink->ids_only) {
        TRY(arena_take(sink->arena, capacity, sizeof *sink->offsets, "token offsets",
                       &sink->offsets, err));
        TRY(arena_take(sink->arena, capacity, sizeof *sink->word_ids, "word ids", &sink->word_ids,
                       err));
        TRY(arena_take(sink->arena, capacity, sizeof *sink->pieces, "pieces", &sink->pieces, err));
        if (old.n > 0) {
            memcpy(sink->pieces, old.pieces, old.n * sizeof *old.pieces);
            memcpy(sink->offsets, old.offsets, old.n * sizeof *old.offsets);
            memcpy(sink->word_ids, old.word_ids, old.n * sizeof *old.word_ids);
        }
    }
    sink->capacity = capacity;
    return STATUS_OK;
}

Status token_sink_name_last(TokenSink *sink, Slice piece, Error *err)
{
    const Slice copy = arena_copy(sink->arena, piece);
    if (copy.ptr == NULL) return error_set_memory(err, 1, piece.len, "a piece");
    sink->pieces[sink->n - 1] = copy;
    return STATUS_OK;
}
