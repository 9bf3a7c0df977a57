// models/tokenizers/sink.h: tokens on their way: what the models read from and write to.
#ifndef ASSAY_MODELS_TOKENIZERS_SINK_H
#define ASSAY_MODELS_TOKENIZERS_SINK_H

#include "models/tokenizers/normalized.h"

// What the models write to. Only ids where offsets are not wanted.
typedef struct TokenSink {
    Arena *arena;
    Slice text; // the original
    bool ids_only;
    bool is_plain; // added tokens written in the text are text
    size_t n, capacity;
    int32_t *ids;
    TokenOffsets *offsets;
    int32_t *word_ids;
    Slice *pieces; // ptr NULL: as the vocabulary spells it
} TokenSink;

Status token_sink_grow(TokenSink *sink, size_t n_more, Error *err) MUST_CHECK;

static inline Status token_sink_add(TokenSink *sink, int32_t id, size_t begin, size_t end,
                                    int32_t word, Error *err)
{
    if (sink->n == sink->capacity) TRY(token_sink_grow(sink, 1, err));
    sink->ids[sink->n] = id;
    if (!sink->ids_only) {
        sink->offsets[sink->n] = (TokenOffsets){begin, end};
        sink->word_ids[sink->n] = word;
        sink->pieces[sink->n] = (Slice){0};
    }
    sink->n++;
    return STATUS_OK;
}

// The last token stands for text of its own (copied), which is not the vocabulary's spelling.
Status token_sink_name_last(TokenSink *sink, Slice piece, Error *err) MUST_CHECK;

// Normalised text, and where the segment it was made from stands in the original.
typedef struct TokenSource {
    const NormalizedText *text;
    size_t base;
} TokenSource;

// Bytes [from, to) of the source become a token. An empty range gives empty offsets.
static inline Status token_sink_put(TokenSink *sink, const TokenSource *source, int32_t id,
                                    size_t from, size_t to, int32_t word, Error *err)
{
    TokenOffsets o = {0};
    if (!sink->ids_only) o = normalized_range(source->text, source->base, from, to);
    return token_sink_add(sink, id, o.begin, o.end, word, err);
}

#endif
