#include "models/tokenizers/pretokenizer.h"

#include <string.h>

#include "base/size.h"
#include "models/tokenizers/byte_level.h"

Status word_list_grow(WordList *list, Arena *arena, Error *err)
{
    const size_t wanted = 2 * list->capacity + 256;
    TRY(arena_grow(arena, list->n, wanted, sizeof *list->words, "words", &list->words, err));
    list->capacity = wanted;
    return STATUS_OK;
}

// What the steps work on; text and words become those that the last step made.
typedef struct State {
    const NormalizedText *text;
    const WordList *words;
    size_t base;
    bool want_origin;
    Arena *arena;
    PreTokenizeScratch *scratch;
} State;

static WordList *next_list(State *s)
{
    WordList *list = &s->scratch->lists[s->words == &s->scratch->lists[0]];
    list->n = 0;
    return list;
}

static Rewrite begin_rewrite(const State *s, NormalizedText *out)
{
    return (Rewrite){.in = normalized_slice(s->text),
                     .out = out,
                     .want_origin = s->want_origin,
                     .arena = s->arena};
}

// Ends a rewriting: what was written takes the place of text and words.
static void end_rewrite(State *s, NormalizedText *out, const WordList *words)
{
    normalized_compose(out, s->text);
    s->text = out;
    s->words = words;
}

// A text to write to, with room for all words and n_more bytes.
static Status next_text(State *s, size_t n_more, NormalizedText **out, Error *err)
{
    *out = &s->scratch->texts[s->text == &s->scratch->texts[0]];
    return normalized_begin(*out, s->text->len + s->text->len / 8 + n_more + 16, s->want_origin,
                            s->arena, err);
}

static Slice word_slice(const State *s, Word word)
{
    return (Slice){s->text->bytes + word.begin, word.end - word.begin};
}

// ---- ByteLevel ----

// A blank in front of each word that has none.
static Status add_prefix_spaces(State *s, Error *err)
{
    size_t n_missing = 0;
    for (size_t i = 0; i < s->words->n; i++)
        n_missing += s->text->bytes[s->words->words[i].begin] != ' ';
    if (n_missing == 0) return STATUS_OK;
    NormalizedText *text = NULL;
    WordList *list = next_list(s);
    TRY(next_text(s, n_missing, &text, err));
    Rewrite w = begin_rewrite(s, text);
    for (size_t i = 0; i < s->words->n; i++) {
        const Word word = s->words->words[i];
        const size_t begin = text->len;
        w.at = word.begin;
        if (w.in.ptr[word.begin] != ' ')
            TRY(rewrite_bytes(&w, SLICE(" "), word.begin, char_end(w.in, word.begin + 1), err));
        TRY(rewrite_keep(&w, word.end - word.begin, err));
        TRY(word_list_add(list, begin, text->len, s->arena, err));
    }
    end_rewrite(s, text, list);
    return STATUS_OK;
}

static Status spell_bytes(State *s, Error *err)
{
    NormalizedText *text = NULL;
    WordList *list = next_list(s);
    TRY(next_text(s, s->text->len, &text, err));
    Rewrite w = begin_rewrite(s, text);
    const Slice all = w.in;
    for (size_t i = 0; i < s->words->n; i++) {
        const size_t begin = text->len;
        w.at = s->words->words[i].begin;
        w.in = slice_sub(all, 0, s->words->words[i].end);
        TRY(byte_level_rewrite(&w, err));
        TRY(word_list_add(list, begin, text->len, s->arena, err));
    }
    end_rewrite(s, text, list);
    return STATUS_OK;
}

// ---- Metaspace ----

static bool is_at_front(const State *s, Word word)
{
    if (s->base > 0) return false;
    return s->text->begin != NULL ? s->text->begin[word.begin] == 0 : word.begin == 0;
}

// Cuts before each replacement character that word holds.
static Status split_before(const State *s, Slice text, size_t begin, Slice mark, WordList *list,
                           Error *err)
{
    size_t from = begin;
    for (size_t at = begin + 1; at < text.len; at++) {
        if (text.ptr[at] != mark.ptr[0]) continue;
        if (!slice_starts_with(slice_sub(text, at, text.len), mark)) continue;
        TRY(word_list_add(list, from, at, s->arena, err));
        from = at;
    }
    return word_list_add(list, from, text.len, s->arena, err);
}

// "MergedWithNext" on the replacement: of several in a row Hugging Face leaves all but the last by themselves.
static Status metaspace_word(const State *s, const PreTokenizerStep *step, Rewrite *w, Word word,
                             WordList *list, Error *err)
{
    NormalizedText *text = w->out;
    const size_t begin = text->len;
    const Slice bytes = word_slice(s, word);
    const bool has_mark = bytes.ptr[0] == ' ' || slice_starts_with(bytes, step->replacement);
    const bool wants_mark =
        step->scheme == PREPEND_ALWAYS || (step->scheme == PREPEND_FIRST && is_at_front(s, word));
    w->at = word.begin;
    if (!has_mark && wants_mark)
        TRY(rewrite_bytes(w, step->replacement, word.begin, char_end(w->in, word.begin + 1), err));
    while (w->at < word.end) {
        const char *from = w->in.ptr + w->at;
        const char *blank = memchr(from, ' ', word.end - w->at);
        TRY(rewrite_keep(w, blank != NULL ? (size_t)(blank - from) : word.end - w->at, err));
        if (blank == NULL) break;
        TRY(rewrite_bytes(w, step->replacement, w->at, w->at + 1, err));
        w->at++;
    }
    if (!step->splits) return word_list_add(list, begin, text->len, s->arena, err);
    return split_before(s, normalized_slice(text), begin, step->replacement, list, err);
}

static Status metaspace(State *s, const PreTokenizerStep *step, Error *err)
{
    NormalizedText *text = NULL;
    WordList *list = next_list(s);
    TRY(next_text(s, s->text->len / 2, &text, err));
    Rewrite w = begin_rewrite(s, text);
    for (size_t i = 0; i < s->words->n; i++)
        TRY(metaspace_word(s, step, &w, s->words->words[i], list, err));
    end_rewrite(s, text, list);
    return STATUS_OK;
}

// ---- the steps ----

static Status split_all(State *s, const PreTokenizerStep *step, Error *err)
{
    PatternSearch search = {0};
    if (step->kind == PRETOKENIZER_SPLIT) TRY(pattern_search_init(&search, step->pattern, err));
    WordList *list = next_list(s);
    const Slice text = normalized_slice(s->text);
    Status status = STATUS_OK;
    for (size_t i = 0; i < s->words->n && status == STATUS_OK; i++)
        status = split_word(step, &search, text, s->words->words[i], list, s->arena, err);
    if (step->kind == PRETOKENIZER_SPLIT) pattern_search_release(&search);
    s->words = list;
    return status;
}

static Status run_step(State *s, const PreTokenizerStep *step, Error *err)
{
    if (step->kind == PRETOKENIZER_METASPACE) return metaspace(s, step, err);
    if (step->kind != PRETOKENIZER_BYTE_LEVEL) return split_all(s, step, err);
    if (step->add_prefix_space) TRY(add_prefix_spaces(s, err));
    if (step->use_regex) TRY(split_all(s, step, err));
    return step->keeps_bytes ? STATUS_OK : spell_bytes(s, err);
}

Status pretokenize(const PreTokenizer *pretokenizer, const NormalizedText *text, Word part,
                   size_t base, bool want_origin, Arena *arena, PreTokenizeScratch *scratch,
                   const NormalizedText **out_text, const WordList **out, Error *err)
{
    State s = {text, &scratch->lists[0], base, want_origin, arena, scratch};
    scratch->lists[0].n = 0;
    TRY(word_list_add(&scratch->lists[0], part.begin, part.end, arena, err));
    for (size_t i = 0; i < pretokenizer->n_steps; i++)
        TRY(run_step(&s, &pretokenizer->steps[i], err));
    *out_text = s.text;
    *out = s.words;
    return STATUS_OK;
}
