#include "models/tokenizers/decoder.h"

#include <string.h>

#include "base/size.h"
#include "models/tokenizers/byte_level.h"

// ---- WordPiece ----

typedef struct Replacement {
    Slice from, to;
} Replacement;

// What Hugging Face's WordPiece decoder cleans up, in this order, within one token and the blank before it; and but for one
// Transformers within whole texts.
static const Replacement cleanups[] = {
    {SLICE_LIT(" ."), SLICE_LIT(".")},     {SLICE_LIT(" ?"), SLICE_LIT("?")},
    {SLICE_LIT(" !"), SLICE_LIT("!")},     {SLICE_LIT(" ,"), SLICE_LIT(",")},
    {SLICE_LIT(" ' "), SLICE_LIT("'")},    {SLICE_LIT(" n't"), SLICE_LIT("n't")},
    {SLICE_LIT(" 'm"), SLICE_LIT("'m")},   {SLICE_LIT(" do not"), SLICE_LIT(" don't")},
    {SLICE_LIT(" 's"), SLICE_LIT("'s")},   {SLICE_LIT(" 've"), SLICE_LIT("'ve")},
    {SLICE_LIT(" 're"), SLICE_LIT("'re")},
};

enum { DO_NOT = 7 }; // the one that is of tokens alone

static void append_replaced(Buffer *out, Slice text, const Replacement *r)
{
    for (size_t at = slice_find(text, r->from); at != SIZE_MAX; at = slice_find(text, r->from)) {
        buffer_append(out, slice_sub(text, 0, at));
        buffer_append(out, r->to);
        text = slice_sub(text, at + r->from.len, text.len);
    }
    buffer_append(out, text);
}

static void append_clean(Buffer *out, Slice text, bool is_token, Buffer scratch[2])
{
    buffer_clear(&scratch[0]);
    buffer_append(&scratch[0], text);
    size_t from = 0;
    for (size_t i = 0; i < sizeof cleanups / sizeof *cleanups; i++) {
        if (!is_token && i == DO_NOT) continue;
        if (slice_find(buffer_slice(&scratch[from]), cleanups[i].from) == SIZE_MAX) continue;
        buffer_clear(&scratch[1 - from]);
        append_replaced(&scratch[1 - from], buffer_slice(&scratch[from]), &cleanups[i]);
        from = 1 - from;
    }
    buffer_append(out, buffer_slice(&scratch[from]));
    out->failed = out->failed || scratch[0].failed || scratch[1].failed;
}

void decoder_clean_up(Buffer *text, size_t from)
{
    Buffer work[3] = {{0}, {0}, {0}};
    append_clean(&work[2], slice_sub(buffer_slice(text), from, text->len), false, work);
    if (!text->failed) text->len = from;
    buffer_append(text, buffer_slice(&work[2]));
    text->failed = text->failed || work[2].failed;
    for (size_t i = 0; i < 3; i++) buffer_release(&work[i]);
}

// What a step works on. Steps that make one token of all leave n at 1.
typedef struct State {
    const DecoderStep *step;
    Slice *tokens;
    size_t n;
    Arena *arena;
    size_t most;    // bytes that a step may make of all tokens
    Buffer work[3]; // scratch
} State;

// As of normalizers: replacements that multiply one another's texts would not end otherwise.
enum { MOST_GROWTH = 64 };

static size_t most_of(const Slice *tokens, size_t n)
{
    size_t most = 1 << 16, part = 0;
    for (size_t i = 0; i < n; i++) {
        if (!size_mul(tokens[i].len, MOST_GROWTH, &part) || !size_add(most, part, &most))
            return SIZE_MAX;
    }
    return most;
}

static Status keep(State *s, Buffer *text, Slice *out, Error *err)
{
    TRY(buffer_status(text, err));
    *out = arena_copy(s->arena, buffer_slice(text));
    return out->ptr != NULL ? STATUS_OK : error_set_memory(err, 1, text->len, "decoded text");
}

static Status wordpiece(State *s, Error *err)
{
    Buffer *word = &s->work[2];
    for (size_t i = 0; i < s->n; i++) {
        Slice token = s->tokens[i];
        buffer_clear(word);
        if (i > 0 && slice_starts_with(token, s->step->text)) {
            token = slice_sub(token, s->step->text.len, token.len);
        } else if (i > 0) {
            buffer_append_byte(word, ' ');
        }
        buffer_append(word, token);
        if (!s->step->cleanup) {
            TRY(keep(s, word, &s->tokens[i], err));
            continue;
        }
        Buffer result = {0};
        append_clean(&result, buffer_slice(word), true, s->work);
        const Status status = keep(s, &result, &s->tokens[i], err);
        buffer_release(&result);
        TRY(status);
    }
    return STATUS_OK;
}

// ---- the others ----

// A token that is not wholly spelled in byte-level characters stands for itself.
static void append_bytes(Buffer *bytes, Slice token)
{
    const size_t len = bytes->len;
    for (size_t at = 0; at < token.len;) {
        const int byte = byte_level_byte(utf8_next(token, &at));
        if (byte < 0) {
            bytes->len = len;
            buffer_append(bytes, token);
            return;
        }
        buffer_append_byte(bytes, (char)byte);
    }
}

static Status byte_level(State *s, Error *err)
{
    Buffer *bytes = &s->work[0], *text = &s->work[1];
    buffer_clear(bytes);
    buffer_clear(text);
    for (size_t i = 0; i < s->n; i++) append_bytes(bytes, s->tokens[i]);
    TRY(buffer_status(bytes, err));
    utf8_append_lossy(text, buffer_slice(bytes));
    TRY(keep(s, text, &s->tokens[0], err));
    s->n = 1;
    return STATUS_OK;
}

static Status fuse(State *s, Error *err)
{
    Buffer *text = &s->work[0];
    buffer_clear(text);
    for (size_t i = 0; i < s->n; i++) buffer_append(text, s->tokens[i]);
    TRY(keep(s, text, &s->tokens[0], err));
    s->n = 1;
    return STATUS_OK;
}

// An empty text stands before each character and at the end.
static void append_spread(Buffer *out, Slice text, Slice by)
{
    for (size_t at = 0; at < text.len;) {
        const size_t from = at;
        utf8_next(text, &at);
        buffer_append(out, by);
        buffer_append(out, slice_sub(text, from, at));
    }
    buffer_append(out, by);
}

// Each token with what replaces step->text in it.
static Status exchange(State *s, size_t i, Slice by, Error *err)
{
    const Replacement r = {s->step->text, by};
    if (r.from.len > 0 && slice_find(s->tokens[i], r.from) == SIZE_MAX) return STATUS_OK;
    buffer_clear(&s->work[0]);
    if (r.from.len > 0)
        append_replaced(&s->work[0], s->tokens[i], &r);
    else
        append_spread(&s->work[0], s->tokens[i], by);
    return keep(s, &s->work[0], &s->tokens[i], err);
}

static Status metaspace(State *s, Error *err)
{
    for (size_t i = 0; i < s->n; i++)
        TRY(exchange(s, i, i == 0 && s->step->drops_first ? SLICE("") : SLICE(" "), err));
    return STATUS_OK;
}

static Status bpe(State *s, Error *err)
{
    for (size_t i = 0; i < s->n; i++)
        TRY(exchange(s, i, i + 1 == s->n ? SLICE("") : SLICE(" "), err));
    return STATUS_OK;
}

static void strip(State *s)
{
    const Slice mark = s->step->text;
    for (size_t i = 0; i < s->n; i++) {
        Slice token = s->tokens[i];
        for (size_t k = 0; k < s->step->start && slice_starts_with(token, mark); k++)
            token = slice_sub(token, mark.len, token.len);
        for (size_t k = 0; k < s->step->stop && slice_ends_with(token, mark); k++)
            token = slice_sub(token, 0, token.len - mark.len);
        s->tokens[i] = token;
    }
}

static Status replace(State *s, Error *err)
{
    PatternSearch search = {0};
    TRY(pattern_search_init(&search, s->step->pattern, err));
    Status status = STATUS_OK;
    size_t made = 0;
    for (size_t i = 0; i < s->n && status == STATUS_OK; i++) {
        const Slice token = s->tokens[i];
        size_t done = 0, begin = 0, end = 0;
        buffer_clear(&s->work[0]);
        pattern_search_text(&search, token);
        for (bool found = true;; done = end) {
            status = pattern_next(&search, &begin, &end, &found, err);
            if (status != STATUS_OK || !found || s->work[0].len > s->most) break;
            buffer_append(&s->work[0], slice_sub(token, done, begin));
            buffer_append(&s->work[0], s->step->content);
        }
        buffer_append(&s->work[0], slice_sub(token, done, token.len));
        made += s->work[0].len;
        if (status == STATUS_OK && made > s->most)
            status = error_set(err, STATUS_INVALID,
                               "the tokenizer's decoder makes more than %zu bytes of the tokens: "
                               "one that lengthens texts so much is broken",
                               s->most);
        if (status == STATUS_OK && !slice_eq(buffer_slice(&s->work[0]), token))
            status = keep(s, &s->work[0], &s->tokens[i], err);
    }
    pattern_search_release(&search);
    return status;
}

// The byte of "<0x41>", or -1.
static int byte_of(Slice token)
{
    if (token.len != 6 || !slice_starts_with(token, SLICE("<0x")) || token.ptr[5] != '>') return -1;
    const int high = slice_hex_digit(token.ptr[3]), low = slice_hex_digit(token.ptr[4]);
    // Rust's from_str_radix takes a sign.
    if (token.ptr[3] == '+' && low >= 0) return low;
    return high >= 0 && low >= 0 ? 16 * high + low : -1;
}

// Bytes in a row are text if they are valid UTF-8, else each is a U+FFFD.
static Status put_bytes(State *s, Buffer *bytes, size_t *n, Error *err)
{
    if (bytes->len == 0) return STATUS_OK;
    const bool is_text = utf8_invalid_at(buffer_slice(bytes)) == SIZE_MAX;
    if (is_text) {
        TRY(keep(s, bytes, &s->tokens[(*n)++], err));
    } else {
        for (size_t i = 0; i < bytes->len; i++) s->tokens[(*n)++] = SLICE("\xEF\xBF\xBD");
    }
    buffer_clear(bytes);
    return STATUS_OK;
}

static Status byte_fallback(State *s, Error *err)
{
    Buffer *bytes = &s->work[0];
    size_t n = 0;
    buffer_clear(bytes);
    for (size_t i = 0; i < s->n; i++) {
        const Slice token = s->tokens[i];
        const int byte = byte_of(token);
        if (byte >= 0) {
            buffer_append_byte(bytes, (char)byte);
            continue;
        }
        TRY(put_bytes(s, bytes, &n, err));
        s->tokens[n++] = token;
    }
    TRY(put_bytes(s, bytes, &n, err));
    s->n = n;
    return STATUS_OK;
}

// Of equal tokens in a row the first counts, and padding vanishes, within tokens too.
static Status ctc(State *s, Error *err)
{
    const DecoderStep *step = s->step;
    const Replacement padding = {step->text, SLICE("")}, delimiter = {step->content, SLICE(" ")};
    size_t n = 0;
    Slice last = {0};
    for (size_t i = 0; i < s->n; i++) {
        const Slice token = s->tokens[i];
        if (i > 0 && slice_eq(token, last)) continue;
        last = token;
        Buffer text = {0}, clean = {0};
        if (padding.from.len > 0)
            append_replaced(&text, token, &padding);
        else
            buffer_append(&text, token);
        if (step->cleanup) {
            append_clean(&clean, buffer_slice(&text), true, s->work);
            buffer_clear(&text);
            if (delimiter.from.len > 0)
                append_replaced(&text, buffer_slice(&clean), &delimiter);
            else
                append_spread(&text, buffer_slice(&clean), delimiter.to);
        }
        text.failed = text.failed || clean.failed;
        const Status status = text.len > 0 ? keep(s, &text, &s->tokens[n], err) : STATUS_OK;
        n += text.len > 0;
        buffer_release(&text);
        buffer_release(&clean);
        TRY(status);
    }
    s->n = n;
    return STATUS_OK;
}

static Status run_step(State *s, Error *err)
{
    switch (s->step->kind) {
    case DECODER_WORDPIECE:
        return wordpiece(s, err);
    case DECODER_BYTE_LEVEL:
        return byte_level(s, err);
    case DECODER_METASPACE:
        return metaspace(s, err);
    case DECODER_BPE:
        return bpe(s, err);
    case DECODER_FUSE:
        return fuse(s, err);
    case DECODER_STRIP:
        strip(s);
        return STATUS_OK;
    case DECODER_REPLACE:
        return replace(s, err);
    case DECODER_BYTE_FALLBACK:
        return byte_fallback(s, err);
    case DECODER_CTC:
        return ctc(s, err);
    }
    return STATUS_OK;
}

Status decoder_apply(const Decoder *decoder, Slice *tokens, size_t n, Arena *arena, Buffer *out,
                     Error *err)
{
    State s = {.tokens = tokens, .n = n, .arena = arena, .most = most_of(tokens, n)};
    Status status = STATUS_OK;
    for (size_t i = 0; i < decoder->n_steps && s.n > 0 && status == STATUS_OK; i++) {
        s.step = &decoder->steps[i];
        status = run_step(&s, err);
    }
    for (size_t i = 0; i < s.n && status == STATUS_OK; i++) {
        if (decoder->spaces && i > 0) buffer_append_byte(out, ' ');
        buffer_append(out, s.tokens[i]);
    }
    for (size_t i = 0; i < 3; i++) buffer_release(&s.work[i]);
    return status == STATUS_OK ? buffer_status(out, err) : status;
}
