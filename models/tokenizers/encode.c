// Encoding: a text through the stages, and what the caller gets.
#include <string.h>

#include "base/size.h"
#include "models/tokenizers/tokenizer_internal.h"

static const EncodeOptions default_options = {0};

// A text on its way: what stays the same from segment to segment.
typedef struct Walk {
    const Tokenizer *tokenizer;
    EncodeScratch *scratch;
    TokenSink *sink;
    int32_t next_word;
} Walk;

static Status next_word_id(Walk *walk, int32_t *word, Error *err)
{
    if (walk->next_word == INT32_MAX)
        return error_set(err, STATUS_INVALID, "the text has more than 2^31 words");
    *word = walk->next_word++;
    return STATUS_OK;
}

static Status put_wordlevel(const Tokenizer *t, const TokenSource *source, Word word,
                            int32_t word_id, TokenSink *sink, Error *err)
{
    const Slice text = {source->text->bytes + word.begin, word.end - word.begin};
    const int32_t known = vocab_find(&t->vocab, text);
    if (known < 0 && t->wordlevel_unk < 0)
        return error_set(err, STATUS_INVALID,
                         "\"" SLICE_FMT "\" is not in the vocabulary, which has no token for "
                         "unknown words: add its unk_token",
                         SLICE_ARG(slice_sub(text, 0, 100)));
    return token_sink_put(sink, source, known >= 0 ? known : t->wordlevel_unk, word.begin, word.end,
                          word_id, err);
}

static Status encode_word(Walk *walk, const TokenSource *source, Word word, Error *err)
{
    const Tokenizer *t = walk->tokenizer;
    int32_t id = 0;
    TRY(next_word_id(walk, &id, err));
    switch (t->model) {
    case MODEL_WORDPIECE: {
        const Slice text = {source->text->bytes + word.begin, word.end - word.begin};
        return wordpiece_encode(&t->wordpiece, &t->vocab, source->text, text, source->base, id,
                                walk->sink, err);
    }
    case MODEL_BPE:
        return bpe_encode(&t->bpe, &t->vocab, source, word.begin, word.end, id, walk->sink, err);
    case MODEL_UNIGRAM:
        return unigram_encode(&t->unigram, &t->vocab, source, word.begin, word.end, id, walk->sink,
                              err);
    case MODEL_WORDLEVEL:
        return put_wordlevel(t, source, word, id, walk->sink, err);
    }
    return STATUS_OK;
}

// Words of BERT's kind, as they are met.
static Status encode_bert(Walk *walk, const TokenSource *source, size_t begin, size_t end,
                          Error *err)
{
    const Slice part = {source->text->bytes + begin, end - begin};
    Slice word = {0};
    for (size_t at = 0; bert_next_word(part, &at, &word);) {
        const size_t from = (size_t)(word.ptr - source->text->bytes);
        TRY(encode_word(walk, source, (Word){(uint32_t)from, (uint32_t)(from + word.len)}, err));
    }
    return STATUS_OK;
}

// Bytes [begin, end) of normalised text, no added tokens in them.
static Status encode_part(Walk *walk, const TokenSource *source, size_t begin, size_t end,
                          Error *err)
{
    const Tokenizer *t = walk->tokenizer;
    if (begin >= end) return STATUS_OK;
    if (t->is_bert) return encode_bert(walk, source, begin, end, err);
    TokenSource words_source = *source;
    const WordList *words = NULL;
    TRY(pretokenize(&t->pretokenizer, source->text, (Word){(uint32_t)begin, (uint32_t)end},
                    source->base, !walk->sink->ids_only || t->pretokenizer.needs_origin,
                    walk->sink->arena, &walk->scratch->words, &words_source.text, &words, err));
    for (size_t i = 0; i < words->n; i++)
        TRY(encode_word(walk, &words_source, words->words[i], err));
    return STATUS_OK;
}

// An added token, found as text (which the tokens of an encoding show, with the blanks it took along).
static Status put_added(Walk *walk, const AddedToken *token, Slice text, TokenOffsets offsets,
                        Error *err)
{
    int32_t word_id = 0;
    TRY(next_word_id(walk, &word_id, err));
    TRY(token_sink_add(walk->sink, token->id, offsets.begin, offsets.end, word_id, err));
    return walk->sink->ids_only ? STATUS_OK : token_sink_name_last(walk->sink, text, err);
}

// Text between added tokens of the first kind: normalised, cut at those of the second kind, the rest split into words.
static Status encode_segment(Walk *walk, Slice segment, size_t base, Error *err)
{
    const Tokenizer *t = walk->tokenizer;
    if (segment.len == 0) return STATUS_OK;
    if (t->spm != NULL) {
        int32_t word_id = 0;
        TRY(next_word_id(walk, &word_id, err));
        if (t->marian_ids != NULL)
            return marian_encode(t, segment, base, word_id, walk->scratch, walk->sink, err);
        return spm_encode(t->spm, segment, base, word_id, &walk->scratch->normalize.texts[0],
                          walk->sink, err);
    }
    const bool want_offsets = !walk->sink->ids_only;
    NormalizedText *normalized = NULL;
    TRY(normalizer_apply(&t->normalizer, segment, base,
                         want_offsets || t->pretokenizer.needs_origin, walk->sink->arena,
                         &walk->scratch->normalize, &normalized, err));
    const TokenSource source = {normalized, base};
    const Slice text = normalized_slice(normalized);
    size_t done = 0, search = 0;
    AddedMatch match = {0};
    while (added_next(&t->normalized, text, &search, done, &match)) {
        TRY(encode_part(walk, &source, done, match.begin, err));
        TokenOffsets offsets = {0};
        if (want_offsets) offsets = normalized_range(normalized, base, match.begin, match.end);
        TRY(put_added(walk, match.token, slice_sub(text, match.begin, match.end), offsets, err));
        done = match.end;
    }
    return encode_part(walk, &source, done, text.len, err);
}

static Status encode_whole(const Tokenizer *tokenizer, Slice text, EncodeScratch *scratch,
                           TokenSink *sink, Error *err)
{
    if (text.len > UINT32_MAX - 64)
        return error_set(err, STATUS_INVALID, "a text of %zu bytes is longer than 4 GiB", text.len);
    Walk walk = {.tokenizer = tokenizer, .scratch = scratch, .sink = sink};
    sink->text = text;
    TRY(token_sink_grow(sink, text.len / 4 + 8, err));
    size_t done = 0, search = 0;
    AddedMatch match = {0};
    while (!sink->is_plain && added_next(&tokenizer->raw, text, &search, done, &match)) {
        TRY(encode_segment(&walk, slice_sub(text, done, match.begin), done, err));
        TRY(put_added(&walk, match.token, slice_sub(text, match.begin, match.end),
                      (TokenOffsets){match.begin, match.end}, err));
        done = match.end;
    }
    return encode_segment(&walk, slice_sub(text, done, text.len), done, err);
}

Status encode_text(const Tokenizer *tokenizer, Slice text, EncodeScratch *scratch, TokenSink *sink,
                   Error *err)
{
    if (tokenizer->marian_ids == NULL || !sink->ids_only)
        return encode_whole(tokenizer, text, scratch, sink, err);
    // Marian's ids go by the text of what is unknown, which only a full sink holds.
    TokenSink full = {.arena = sink->arena, .is_plain = sink->is_plain};
    TRY(encode_whole(tokenizer, text, scratch, &full, err));
    TRY(token_sink_grow(sink, full.n, err));
    if (full.n > 0) memcpy(sink->ids + sink->n, full.ids, full.n * sizeof *full.ids);
    sink->n += full.n;
    return STATUS_OK;
}

// ---- one text or pair ----

// What stays of a text of n tokens.
static TokenRange kept_range(const EncodeOptions *options, size_t n, size_t keep)
{
    return options->from_left ? (TokenRange){.begin = n - keep, .end = n}
                              : (TokenRange){.end = keep};
}

// The tokens of a text and its pair, and how many of each stay.
typedef struct Tokens {
    TokenSink sinks[2];
    size_t keep[2];
} Tokens;

// What the sinks held before is gone.
static Status encode_both(const Tokenizer *tokenizer, Slice text, const Slice *pair,
                          const EncodeOptions *options, EncodeScratch *scratch, Tokens *out,
                          Error *err)
{
    TokenSink *sinks = out->sinks;
    sinks[0].n = sinks[1].n = 0;
    TRY(encode_text(tokenizer, text, scratch, &sinks[0], err));
    if (pair != NULL && encode_text(tokenizer, *pair, scratch, &sinks[1], err) != STATUS_OK)
        return error_wrap(err, "pair");
    const size_t n[2] = {sinks[0].n, sinks[1].n};
    const size_t n_added = options->no_special ? 0 : tokenizer_n_added(tokenizer, pair != NULL);
    return truncate_lengths(options, n_added, n, pair != NULL, out->keep, err);
}

static Status tokens_of(const Tokenizer *tokenizer, Slice text, const Slice *pair,
                        const EncodeOptions *options, Arena *arena, Tokens *out, Error *err)
{
    EncodeScratch scratch = {0};
    const bool is_plain = options->no_special && tokenizer->plain_without_special;
    *out = (Tokens){
        .sinks = {{.arena = arena, .is_plain = is_plain}, {.arena = arena, .is_plain = is_plain}}};
    return encode_both(tokenizer, text, pair, options, &scratch, out, err);
}

Status tokenizer_encode(const Tokenizer *tokenizer, Slice text, const Slice *pair,
                        const EncodeOptions *options, Arena *arena, Encoding *out, Error *err)
{
    if (options == NULL) options = &default_options;
    Tokens tokens;
    TRY(tokens_of(tokenizer, text, pair, options, arena, &tokens, err));
    const TokenRange ranges[2] = {kept_range(options, tokens.sinks[0].n, tokens.keep[0]),
                                  kept_range(options, tokens.sinks[1].n, tokens.keep[1])};
    return template_apply(tokenizer, tokens.sinks, ranges, pair != NULL, options, arena, out, err);
}

Status tokenizer_encode_windows(const Tokenizer *tokenizer, Slice text, const Slice *pair,
                                const EncodeOptions *options, Arena *arena, EncodingWindows *out,
                                Error *err)
{
    if (options == NULL) options = &default_options;
    Tokens tokens;
    TRY(tokens_of(tokenizer, text, pair, options, arena, &tokens, err));
    TokenRange *parts[2] = {0};
    size_t n_parts[2] = {0}, n_windows = 0;
    for (size_t k = 0; k < 2; k++)
        TRY(truncate_parts(tokens.sinks[k].n, tokens.keep[k], options->stride, arena, &parts[k],
                           &n_parts[k], err));
    if (!size_mul(n_parts[0], n_parts[1], &n_windows) || n_windows > TOKENIZER_MAX_WINDOWS) {
        return error_set(err, STATUS_INVALID,
                         "%zu x %zu windows are more than %d: use a smaller stride", n_parts[0],
                         n_parts[1], TOKENIZER_MAX_WINDOWS);
    }
    const size_t n_most =
        tokens.keep[0] + tokens.keep[1] + tokenizer_n_added(tokenizer, pair != NULL);
    if (n_windows > 1 && n_most > TOKENIZER_MAX_WINDOW_TOKENS / n_windows) {
        return error_set(err, STATUS_INVALID,
                         "%zu windows of %zu tokens are more than %d tokens: use a smaller stride",
                         n_windows, n_most, TOKENIZER_MAX_WINDOW_TOKENS);
    }
    TRY(arena_take(arena, n_windows, sizeof *out->windows, "windows", &out->windows, err));
    // What stays; then each later part of the text with all parts of the pair; then the first part with the pair's
    // later ones: the order in which Hugging Face lists them.
    out->n_windows = 0;
    for (size_t k = 0; k < n_windows; k++) {
        size_t a = 0, b = 0;
        if (k > 0 && k <= (n_parts[0] - 1) * n_parts[1]) {
            a = 1 + (k - 1) / n_parts[1];
            b = (k - 1) % n_parts[1];
        } else if (k > 0) {
            b = k - (n_parts[0] - 1) * n_parts[1];
        }
        const TokenRange ranges[2] = {parts[0][a], parts[1][b]};
        TRY(template_apply(tokenizer, tokens.sinks, ranges, pair != NULL, options, arena,
                           &out->windows[out->n_windows], err));
        out->n_windows++;
    }
    return STATUS_OK;
}

// ---- many texts, ids alone ----

// Room for n_more ids in the batch, of which n are there.
static Status batch_reserve(TokenBatch *batch, size_t n, size_t n_more, size_t *capacity,
                            Arena *arena, Error *err)
{
    if (n + n_more <= *capacity) return STATUS_OK;
    *capacity = size_max(n + n_more, 2 * *capacity);
    TRY(arena_grow(arena, n, *capacity, sizeof *batch->ids, "a batch of ids", &batch->ids, err));
    return arena_grow(arena, n, *capacity, sizeof *batch->type_ids, "a batch of ids",
                      &batch->type_ids, err);
}

static Status batch_fill(const Tokenizer *tokenizer, const Slice *texts, const Slice *pairs,
                         const EncodeOptions *options, Arena *scratch_arena, Arena *arena,
                         TokenBatch *out, Error *err)
{
    EncodeScratch scratch = {0};
    const bool is_plain = options->no_special && tokenizer->plain_without_special;
    const TokenSink empty = {.arena = scratch_arena, .ids_only = true, .is_plain = is_plain};
    Tokens tokens = {.sinks = {empty, empty}};
    const TokenSink *sinks = tokens.sinks;
    const size_t *keep = tokens.keep;
    const size_t n_added = options->no_special ? 0 : tokenizer_n_added(tokenizer, pairs != NULL);
    size_t n = 0, capacity = 0;
    for (size_t i = 0; i < out->n_sequences; i++) {
        const Slice *pair = pairs != NULL ? &pairs[i] : NULL;
        if (encode_both(tokenizer, texts[i], pair, options, &scratch, &tokens, err) != STATUS_OK)
            return error_wrap(err, "text %zu", i);
        TRY(batch_reserve(out, n, keep[0] + keep[1] + n_added, &capacity, arena, err));
        const TokenRange ranges[2] = {kept_range(options, sinks[0].n, keep[0]),
                                      kept_range(options, sinks[1].n, keep[1])};
        n += template_apply_ids(tokenizer, sinks, ranges, pair != NULL, options, out->ids + n,
                                out->type_ids + n);
        out->n_full[i] = sinks[0].n + sinks[1].n + n_added;
        out->starts[i + 1] = n;
    }
    return STATUS_OK;
}

Status tokenizer_encode_batch(const Tokenizer *tokenizer, const Slice *texts, const Slice *pairs,
                              size_t n, const EncodeOptions *options, Arena *arena, TokenBatch *out,
                              Error *err)
{
    if (options == NULL) options = &default_options;
    *out = (TokenBatch){.n_sequences = n};
    TRY(arena_take(arena, n + 1, sizeof *out->starts, "a batch of ids", &out->starts, err));
    TRY(arena_take(arena, n, sizeof *out->n_full, "a batch of ids", &out->n_full, err));
    Arena scratch = {0}; // apart from the caller's, so that only the ids stay
    const Status s = batch_fill(tokenizer, texts, pairs, options, &scratch, arena, out, err);
    arena_release(&scratch);
    return s;
}

// ---- offsets in code points ----

void token_offsets_to_points(Slice text, size_t n, TokenOffsets *offsets)
{
    // Offsets nearly ascend: walk on from the last place, back to the front only where they do not.
    size_t at = 0, points = 0;
    for (size_t i = 0; i < 2 * n; i++) {
        size_t *offset = i % 2 == 0 ? &offsets[i / 2].begin : &offsets[i / 2].end;
        const size_t target = size_min(*offset, text.len);
        if (target < at) at = points = 0;
        for (; at < target; points++) utf8_next(text, &at);
        *offset = points - (at > target); // inside a character: that character
    }
}

void token_offsets_encoding(Encoding *encoding, Slice text, const Slice *pair)
{
    for (size_t begin = 0, end = 0; begin < encoding->n_tokens; begin = end) {
        const int8_t sequence = encoding->sequence[begin];
        for (end = begin; end < encoding->n_tokens && encoding->sequence[end] == sequence;) end++;
        if (sequence == 0) token_offsets_to_points(text, end - begin, encoding->offsets + begin);
        if (sequence == 1 && pair != NULL)
            token_offsets_to_points(*pair, end - begin, encoding->offsets + begin);
    }
}
