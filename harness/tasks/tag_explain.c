// What the tags of an answer hang on: each entity that was found is asked about by the scores of its words' tags.
#include <string.h>

#include "datasets/dataset.h"
#include "harness/tasks/tag_internal.h"
#include "harness/tasks/tag_scheme.h"

// Where a word's tag is read: a window and a token of it.
typedef struct WordPlace {
    size_t window, token;
} WordPlace;

static Status find_places(const Asked *asked, size_t n_words, Arena *arena, WordPlace **out,
                          Error *err)
{
    const Tokens *tokens = asked->tokens;
    size_t begin, end;
    TRY(arena_take(arena, n_words, sizeof **out, "words", out, err));
    for (size_t i = 0; i < n_words; i++) (*out)[i].token = SIZE_MAX;
    family_windows(tokens, asked->positions[0], &begin, &end);
    for (size_t w = begin; w < end; w++) {
        for (size_t t = tokens->batch.starts[w]; t < tokens->batch.starts[w + 1]; t++) {
            if (tokens->words[t] == NO_WORD) continue;
            (*out)[tokens->words[t]] = (WordPlace){w - begin, t - tokens->batch.starts[w]};
        }
    }
    return STATUS_OK;
}

static size_t column_of(const Asked *asked, Slice tag)
{
    const int32_t label = label_find(asked->data->labels, asked->data->n_labels, tag);
    for (size_t c = 0; asked->label_of && c < asked->width; c++) {
        if (asked->label_of[c] == label) return c;
    }
    return (size_t)label;
}

static Slice type_of(Slice tag)
{
    if (slice_eq_cstr(tag, "O")) return SLICE("");
    return tag.len > 2 && tag.ptr[1] == '-' ? slice_sub(tag, 2, tag.len) : tag;
}

static bool begins_entity(Slice tag)
{
    return tag.len > 2 && tag.ptr[1] == '-' &&
           slice_find_byte(SLICE("BSU"), tag.ptr[0]) != SIZE_MAX;
}

// An entity of words begin to end - 1, whose tags are read in the window of the first.
static Status entity_reason(const Asked *asked, const Sample *sample, const Slice *tags,
                            const WordPlace *places, size_t begin, size_t end, Arena *arena,
                            Reason *out, Error *err)
{
    Slice words;
    TRY(family_join(sample->tokens + begin, end - begin, arena, &words, err));
    out->about = slice_from_cstr(arena_printf(arena, SLICE_FMT " " SLICE_FMT,
                                              SLICE_ARG(type_of(tags[begin])), SLICE_ARG(words)));
    if (!out->about.ptr) return error_set_memory(err, words.len, 1, "an entity");
    TRY(arena_take(arena, end - begin, sizeof *out->targets, "reasons", &out->targets, err));
    out->window = places[begin].window;
    for (size_t w = begin; w < end; w++) {
        if (places[w].token == SIZE_MAX || places[w].window != out->window) continue;
        out->targets[out->n_targets++] =
            (ExplainTarget){places[w].token, column_of(asked, tags[w])};
    }
    return STATUS_OK;
}

// The scores of the tags of each entity that was found, of a few of them.
Status tag_reasons(const Asked *asked, const EncodingWindows *windows, Arena *arena, Reason **out,
                   size_t *n, Error *err)
{
    enum { MOST_ENTITIES = 4 };
    const Sample *sample = &asked->part->data.samples[asked->part->which[asked->positions[0]]];
    const float *logits = asked->logits;
    TagDecoder decoder;
    WordPlace *places = NULL;
    double *scores = NULL;
    Slice *tags = NULL;
    (void)windows;
    *n = 0;
    TRY(tag_decoder_init(&decoder, asked->data->labels, asked->data->n_labels,
                         slice_eq_cstr(asked->task->decode, "valid"), arena, err));
    TRY(tag_word_scores(asked, 0, &logits, arena, &scores, err));
    TRY(tag_decode(&decoder, scores, sample->n_tokens, arena, &tags, err));
    TRY(find_places(asked, sample->n_tokens, arena, &places, err));
    TRY(arena_take(arena, MOST_ENTITIES, sizeof **out, "reasons", out, err));
    for (size_t w = 0, end; w < sample->n_tokens && *n < MOST_ENTITIES; w = end) {
        for (end = w + 1; end < sample->n_tokens && !begins_entity(tags[end]) &&
                          slice_eq(type_of(tags[end]), type_of(tags[w]));)
            end++;
        if (type_of(tags[w]).len == 0 || places[w].token == SIZE_MAX) continue;
        TRY(entity_reason(asked, sample, tags, places, w, end, arena, &(*out)[(*n)++], err));
    }
    return STATUS_OK;
}
