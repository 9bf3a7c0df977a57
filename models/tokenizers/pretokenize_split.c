// Pre-tokenizers that cut words and leave the text as it is.
#include "models/tokenizers/newer.h"
#include "models/tokenizers/pretokenizer.h"

#include "base/size.h"
#include "models/tokenizers/word_char.h"

// ---- matches, and what becomes of them ----

// Words made of the matches of one word, one after another: match or what lies between.
typedef struct Splitter {
    SplitBehavior behavior;
    WordList *out;
    Arena *arena;
    bool has_open; // a word that may yet grow
    Word open;
    bool last_matched;
} Splitter;

static Status close_open(Splitter *s, Error *err)
{
    const bool had = s->has_open;
    s->has_open = false;
    return had ? word_list_add(s->out, s->open.begin, s->open.end, s->arena, err) : STATUS_OK;
}

// The next stretch of the word, which is a match or is none. Merging with the next is told apart by looking back: a
// match stays open, and what follows, if it is none, joins it.
static Status put_stretch(Splitter *s, size_t begin, size_t end, bool is_match, Error *err)
{
    const Word word = {(uint32_t)begin, (uint32_t)end};
    bool joins = false;
    switch (s->behavior) {
    case SPLIT_REMOVED:
        return is_match ? STATUS_OK : word_list_add(s->out, begin, end, s->arena, err);
    case SPLIT_ISOLATED:
        return word_list_add(s->out, begin, end, s->arena, err);
    case SPLIT_CONTIGUOUS:
        joins = is_match == s->last_matched;
        break;
    case SPLIT_MERGED_WITH_PREVIOUS:
        joins = is_match && !s->last_matched;
        break;
    case SPLIT_MERGED_WITH_NEXT:
        joins = !is_match && s->last_matched;
        break;
    }
    s->last_matched = is_match;
    if (joins && s->has_open) {
        s->open.end = word.end;
        return STATUS_OK;
    }
    TRY(close_open(s, err));
    s->open = word;
    s->has_open = true;
    return STATUS_OK;
}

// ---- classes of characters ----

static bool is_match_char(const PreTokenizerStep *step, CodePoint c)
{
    switch (step->kind) {
    case PRETOKENIZER_WHITESPACE_SPLIT:
        return unicode_is_white_space(c);
    case PRETOKENIZER_PUNCTUATION:
        return bert_is_punctuation(c);
    case PRETOKENIZER_DIGITS:
        return c < 0x80 ? c >= '0' && c <= '9' : newer_is_numeric(c);
    case PRETOKENIZER_CHAR_DELIMITER:
        return c == step->delimiter;
    default:
        return false;
    }
}

static SplitBehavior behavior_of(const PreTokenizerStep *step)
{
    switch (step->kind) {
    case PRETOKENIZER_WHITESPACE_SPLIT:
    case PRETOKENIZER_CHAR_DELIMITER:
        return SPLIT_REMOVED;
    case PRETOKENIZER_DIGITS:
        return step->individual_digits ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS;
    default:
        return step->behavior;
    }
}

// Each matching character is a match by itself.
static Status split_chars(const PreTokenizerStep *step, Slice text, Word word, Splitter *s,
                          Error *err)
{
    const Slice inside = slice_sub(text, 0, word.end);
    size_t done = word.begin;
    for (size_t at = word.begin; at < word.end;) {
        const size_t begin = at;
        if (!is_match_char(step, utf8_next(inside, &at))) continue;
        if (done < begin) TRY(put_stretch(s, done, begin, false, err));
        TRY(put_stretch(s, begin, at, true, err));
        done = at;
    }
    return done < word.end ? put_stretch(s, done, word.end, false, err) : STATUS_OK;
}

static Status split_pattern(const PreTokenizerStep *step, PatternSearch *search, Slice text,
                            Word word, Splitter *s, Error *err)
{
    const size_t base = word.begin;
    size_t done = base, begin = 0, end = 0;
    pattern_search_text(search, slice_sub(text, word.begin, word.end));
    for (bool found = true;;) {
        TRY(pattern_next(search, &begin, &end, &found, err));
        if (!found) break;
        if (done < base + begin) TRY(put_stretch(s, done, base + begin, step->invert, err));
        TRY(put_stretch(s, base + begin, base + end, !step->invert, err));
        done = base + end;
    }
    return done < word.end ? put_stretch(s, done, word.end, step->invert, err) : STATUS_OK;
}

// ---- the others ----

typedef bool NextPiece(Slice text, size_t *at, Slice *piece);

static Status split_pieces(NextPiece *next, Slice text, Word word, WordList *out, Arena *arena,
                           Error *err)
{
    const Slice inside = slice_sub(text, word.begin, word.end);
    Slice piece = {0};
    for (size_t at = 0; next(inside, &at, &piece);) {
        const size_t begin = (size_t)(piece.ptr - text.ptr);
        TRY(word_list_add(out, begin, begin + piece.len, arena, err));
    }
    return STATUS_OK;
}

static int kind_at(Slice text, size_t *at)
{
    const CodePoint c = utf8_next(text, at);
    return unicode_is_white_space(c) ? 0 : is_word_char(c) ? 1 : 2;
}

// \w+|[^\w\s]+
static bool next_whitespace_piece(Slice text, size_t *at, Slice *piece)
{
    while (*at < text.len) {
        const size_t begin = *at;
        const int kind = kind_at(text, at);
        if (kind == 0) continue;
        size_t end = *at;
        while (*at < text.len && kind_at(text, at) == kind) end = *at;
        *at = end;
        *piece = slice_sub(text, begin, end);
        return true;
    }
    return false;
}

// Hugging Face's table is that of Unicode 9.0: later characters have no script, and a few have another since.
static int script_of(CodePoint c)
{
    if (c == 0x589 || c == 0x61C) return unicode_script_named("Zyyy");
    if (c == 0x953 || c == 0x954) return unicode_script_named("Deva");
    return unicode_script(unicode_age(c) > 90 ? 0x10FFFF : c);
}

// Runs of one script; kana count as Han, blanks and what has no script go with what surrounds them. Text before the
// first character that has a script is lost, as it is in Hugging Face's.
static Status split_scripts(Slice text, Word word, WordList *out, Arena *arena, Error *err)
{
    const int han = unicode_script_named("Hani"), unknown = unicode_script_named("Zzzz");
    const Slice inside = slice_sub(text, 0, word.end);
    size_t begin = SIZE_MAX;
    int last = unknown;
    for (size_t at = word.begin; at < word.end;) {
        const size_t here = at;
        const CodePoint c = utf8_next(inside, &at);
        int script = script_of(c);
        if (script == unicode_script_named("Hira") || script == unicode_script_named("Kana") ||
            c == 0x30FC)
            script = han;
        if (c == ' ') script = unknown;
        if (script == unknown) continue;
        if (script != last) {
            if (begin != SIZE_MAX) TRY(word_list_add(out, begin, here, arena, err));
            begin = here;
        }
        last = script;
    }
    return begin != SIZE_MAX ? word_list_add(out, begin, word.end, arena, err) : STATUS_OK;
}

static Status split_fixed(size_t length, Slice text, Word word, WordList *out, Arena *arena,
                          Error *err)
{
    const Slice inside = slice_sub(text, 0, word.end);
    for (size_t at = word.begin; at < word.end;) {
        const size_t begin = at;
        for (size_t i = 0; i < length && at < word.end; i++) utf8_next(inside, &at);
        TRY(word_list_add(out, begin, at, arena, err));
    }
    return STATUS_OK;
}

// A known pattern, isolated, leaves nothing between its matches: they are the words.
static Status split_known(const Pattern *pattern, Slice text, Word word, WordList *out,
                          Arena *arena, Error *err)
{
    if (pattern->kind == PATTERN_GPT2)
        return split_pieces(gpt2_next_piece, text, word, out, arena, err);
    const Slice inside = slice_sub(text, word.begin, word.end);
    Slice piece = {0};
    for (size_t at = 0; llama3_next_piece(inside, pattern, &at, &piece);) {
        const size_t end = word.begin + at;
        TRY(word_list_add(out, end - piece.len, end, arena, err));
    }
    return STATUS_OK;
}

Status split_word(const PreTokenizerStep *step, PatternSearch *search, Slice text, Word word,
                  WordList *out, Arena *arena, Error *err)
{
    Splitter s = {.behavior = behavior_of(step), .out = out, .arena = arena};
    switch (step->kind) {
    case PRETOKENIZER_BERT:
        return split_pieces(bert_next_word, text, word, out, arena, err);
    case PRETOKENIZER_BYTE_LEVEL:
        return split_pieces(gpt2_next_piece, text, word, out, arena, err);
    case PRETOKENIZER_STARCODER:
        return split_pieces(starcoder_next_piece, text, word, out, arena, err);
    case PRETOKENIZER_WHITESPACE:
        return split_pieces(next_whitespace_piece, text, word, out, arena, err);
    case PRETOKENIZER_SCRIPTS:
        return split_scripts(text, word, out, arena, err);
    case PRETOKENIZER_FIXED_LENGTH:
        return split_fixed(step->length, text, word, out, arena, err);
    case PRETOKENIZER_SPLIT:
        if ((step->pattern->kind == PATTERN_GPT2 || step->pattern->kind == PATTERN_LLAMA3) &&
            step->behavior == SPLIT_ISOLATED)
            return split_known(step->pattern, text, word, out, arena, err);
        TRY(split_pattern(step, search, text, word, &s, err));
        return close_open(&s, err);
    case PRETOKENIZER_WHITESPACE_SPLIT:
    case PRETOKENIZER_PUNCTUATION:
    case PRETOKENIZER_DIGITS:
    case PRETOKENIZER_CHAR_DELIMITER:
        TRY(split_chars(step, text, word, &s, err));
        return close_open(&s, err);
    case PRETOKENIZER_METASPACE: // rewrites
        break;
    }
    return STATUS_OK;
}
