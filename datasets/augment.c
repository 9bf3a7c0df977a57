#include "datasets/augment.h"

#include <math.h>
#include <string.h>

#include "base/buffer_keep.h"
#include "base/unicode.h"
#include "datasets/swap.h"
#include "datasets/text_edit.h"

typedef struct Word {
    size_t begin, end; // bytes of the text
    bool is_fixed;
    bool is_joint; // stands between two entities: must not go
    bool is_glued; // the byte behind it belongs to an answer
    Slice now;     // what stands there; empty = left out
    Slice before;  // put in front; empty = nothing
} Word;

typedef struct Words {
    Word *words;
    size_t n, capacity, n_free; // n_free: not fixed
} Words;

typedef struct Augment {
    const AugmentOptions *options;
    Philox *rng;
    Arena *arena; // of what is kept
    Arena scratch;
    AugmentCounts *counts;
    bool is_changed;
} Augment;

// ---- words of a text ----

static bool is_of_word(Slice text, size_t at, size_t *end)
{
    size_t next = at;
    const CodePoint c = utf8_next(text, &next);
    *end = next;
    if (c < 0) return false;
    const char kind = unicode_category(c)[0];
    return kind == 'L' || kind == 'M' || kind == 'N';
}

// The end of the word that begins at `at`, or `at`.
static size_t word_end(Slice text, size_t at)
{
    size_t end = at, next;
    while (end < text.len) {
        if (is_of_word(text, end, &next)) {
            end = next;
            continue;
        }
        const bool is_inner = end > at && (text.ptr[end] == '-' || text.ptr[end] == '\'') &&
                              end + 1 < text.len && is_of_word(text, end + 1, &next);
        if (!is_inner) break;
        end = next;
    }
    return end;
}

static Status add_word(Augment *a, Words *words, const Word *word, Error *err)
{
    if (words->n == words->capacity) {
        const size_t wanted = 2 * words->capacity + 32;
        TRY(arena_grow(&a->scratch, words->n, wanted, sizeof *words->words, "words", &words->words,
                       err));
        words->capacity = wanted;
    }
    words->words[words->n++] = *word;
    words->n_free += !word->is_fixed;
    return STATUS_OK;
}

static bool touches(size_t begin, size_t end, const SampleSpan *spans, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (begin < spans[i].begin_bytes + spans[i].text.len && spans[i].begin_bytes < end)
            return true;
    }
    return false;
}

static Status find_words(Augment *a, Slice text, const SampleSpan *fixed, size_t n_fixed,
                         Words *out, Error *err)
{
    for (size_t at = 0; at < text.len;) {
        const size_t end = word_end(text, at);
        if (end == at) {
            utf8_next(text, &at);
            continue;
        }
        const Word word = {.begin = at,
                           .end = end,
                           .now = slice_sub(text, at, end),
                           .is_fixed = touches(at, end, fixed, n_fixed),
                           .is_glued = touches(end, end + 1, fixed, n_fixed)};
        TRY(add_word(a, out, &word, err));
        at = end;
    }
    return STATUS_OK;
}

// ---- the four edits ----

// Of the n words that an edit may have for its own, so many are taken.
static size_t n_edits(const Augment *a, size_t n)
{
    const double wanted = round(a->options->share * (double)n);
    return wanted < 1 ? 1 : (size_t)wanted;
}

static size_t synonyms_of(Augment *a, const Word *word, Slice *lower, const Slice **out)
{
    if (word->is_fixed || word->now.len == 0) return 0;
    if (unicode_lower(&a->scratch, word->now, lower, NULL) != STATUS_OK) return 0;
    return lexicon_find(a->options->lexicon, *lower, out);
}

// A synonym of the word as the word is written; ptr NULL where it has none.
static Status draw_synonym(Augment *a, const Word *word, Slice *out, Error *err)
{
    const Slice *others = NULL;
    Slice lower;
    Buffer text = {0};
    const Slice written = word->now; // *out may be it
    const size_t n = synonyms_of(a, word, &lower, &others);
    *out = (Slice){0};
    if (n == 0) return STATUS_OK;
    swap_put_like(&text, written, lower, others[philox_below(a->rng, n)]);
    return buffer_keep(&text, a->arena, "a word", out, err);
}

// Indices of words, those with synonyms alone where the lexicon is asked, in a drawn order.
static Status draw_order(Augment *a, const Words *words, bool with_synonyms, size_t **order,
                         size_t *n, Error *err)
{
    const Slice *others;
    Slice lower;
    TRY(arena_take(&a->scratch, words->n, sizeof **order, "words", order, err));
    *n = 0;
    for (size_t i = 0; i < words->n; i++) {
        const Word *word = &words->words[i];
        if (!word->is_fixed && (!with_synonyms || synonyms_of(a, word, &lower, &others) > 0))
            (*order)[(*n)++] = i;
    }
    philox_shuffle(a->rng, *order, *n);
    return STATUS_OK;
}

static Status put_synonyms(Augment *a, Words *words, size_t *n_changed, Error *err)
{
    size_t *order = NULL, n;
    TRY(draw_order(a, words, true, &order, &n, err));
    for (size_t i = 0; i < n && i < n_edits(a, words->n_free); i++) {
        Word *word = &words->words[order[i]];
        TRY(draw_synonym(a, word, &word->now, err));
        ++*n_changed;
    }
    return STATUS_OK;
}

static Status insert_synonyms(Augment *a, Words *words, size_t *n_changed, Error *err)
{
    size_t *order = NULL, *places = NULL, n, n_places;
    TRY(draw_order(a, words, true, &order, &n, err));
    TRY(draw_order(a, words, false, &places, &n_places, err));
    for (size_t i = 0; n > 0 && i < n_places && i < n_edits(a, words->n_free); i++) {
        TRY(draw_synonym(a, &words->words[order[i % n]], &words->words[places[i]].before, err));
        ++*n_changed;
    }
    return STATUS_OK;
}

static void swap_words(Augment *a, Words *words, const size_t *order, size_t n, size_t *n_changed)
{
    for (size_t i = 0; n > 1 && i < n_edits(a, words->n_free); i++) {
        const size_t first = (size_t)philox_below(a->rng, n);
        const size_t second = (first + 1 + (size_t)philox_below(a->rng, n - 1)) % n;
        Word *one = &words->words[order[first]], *other = &words->words[order[second]];
        const Slice was = one->now;
        one->now = other->now;
        other->now = was;
        *n_changed += 2;
    }
}

static void delete_words(const Augment *a, Words *words, const size_t *order, size_t n,
                         size_t *n_changed)
{
    size_t n_gone = 0;
    for (size_t i = 0; i < n && n_gone < n_edits(a, words->n_free) && n_gone + 1 < words->n; i++) {
        Word *word = &words->words[order[i]];
        if (word->is_joint) continue;
        word->now = (Slice){0};
        n_gone++;
        // The words beside it may now part two entities.
        if (order[i] > 0) words->words[order[i] - 1].is_joint = true;
        if (order[i] + 1 < words->n) words->words[order[i] + 1].is_joint = true;
    }
    *n_changed += n_gone;
}

static Status edit_words(Augment *a, Words *words, Error *err)
{
    size_t *order = NULL, n = 0, n_changed = 0;
    WordEdit edit = a->options->edit;
    if (words->words == NULL) return STATUS_OK;
    if (edit == EDIT_ANY) edit = (WordEdit)philox_below(a->rng, N_WORD_EDITS);
    if (edit == EDIT_SYNONYMS) TRY(put_synonyms(a, words, &n_changed, err));
    if (edit == EDIT_INSERT) TRY(insert_synonyms(a, words, &n_changed, err));
    if (edit == EDIT_SWAP || edit == EDIT_DELETE) TRY(draw_order(a, words, false, &order, &n, err));
    if (edit == EDIT_SWAP) swap_words(a, words, order, n, &n_changed);
    if (edit == EDIT_DELETE) delete_words(a, words, order, n, &n_changed);
    a->counts->n_words += words->n_free;
    a->counts->n_changed += n_changed < words->n_free ? n_changed : words->n_free;
    return STATUS_OK;
}

// ---- back to a sample ----

// A word that is left out takes the blank behind it along, at the text's end the one in front.
static void put_words(const Words *words, TextEdit *edit)
{
    const Slice text = edit->from;
    for (size_t i = 0; i < words->n; i++) {
        const Word *word = &words->words[i];
        size_t end = word->end;
        text_edit_keep(edit, word->begin - edit->at);
        if (word->now.len == 0 && !word->is_glued && end < text.len && text.ptr[end] == ' ' &&
            (i + 1 == words->n || words->words[i + 1].begin > end))
            end++;
        if (word->before.len > 0) {
            text_edit_put(edit, 0, word->before);
            text_edit_put(edit, 0, SLICE(" "));
        }
        text_edit_put(edit, end - word->begin, word->now.len == 0 ? (Slice){0} : word->now);
    }
    text_edit_rest(edit);
}

static Slice trim_end(Slice text)
{
    while (text.len > 0 && text.ptr[text.len - 1] == ' ') text.len--;
    return text;
}

// spans [n] are fixed, and move along.
static Status edit_text(Augment *a, Slice text, const SampleSpan *fixed, TextSpan *spans, size_t n,
                        Slice *out, Error *err)
{
    Words words = {0};
    TextEdit edit = {0};
    TRY(find_words(a, text, fixed, n, &words, err));
    TRY(edit_words(a, &words, err));
    text_edit_begin(&edit, text);
    put_words(&words, &edit);
    Status s = text_edit_status(&edit, err);
    const Slice after = buffer_slice(&edit.out);
    *out = text;
    if (s == STATUS_OK && edit.is_changed && !slice_eq(after, text)) {
        for (size_t i = 0; i < n; i++) spans[i] = text_edit_span(&edit, spans[i]);
        Slice kept = trim_end(text).len == text.len ? trim_end(after) : after;
        for (size_t i = 0; i < n; i++) { // an answer may end in a blank
            if (spans[i].end > kept.len) kept = after;
        }
        *out = arena_copy(a->arena, kept);
        if (!out->ptr) s = error_set_memory(err, after.len, 1, "a text");
        a->is_changed = true;
    }
    text_edit_release(&edit);
    return s;
}

static Status edit_context(Augment *a, Sample *out, Error *err)
{
    TextSpan *spans = NULL;
    SampleSpan *answers = NULL;
    TRY(arena_take(&a->scratch, out->n_answers, sizeof *spans, "answers", &spans, err));
    TRY(arena_take(a->arena, out->n_answers, sizeof *answers, "answers", &answers, err));
    for (size_t i = 0; i < out->n_answers; i++) {
        const SampleSpan *answer = &out->answers[i];
        spans[i] = (TextSpan){answer->begin_bytes, answer->begin_bytes + answer->text.len};
    }
    TRY(edit_text(a, out->context, out->answers, spans, out->n_answers, &out->context, err));
    for (size_t i = 0; i < out->n_answers; i++)
        answers[i] = (SampleSpan){out->answers[i].text, spans[i].begin};
    out->answers = answers;
    return STATUS_OK;
}

static bool is_outside(const Sample *sample, size_t i)
{
    return slice_eq_cstr(sample->tags[i], "O");
}

static Status token_words(Augment *a, const Sample *sample, Words *out, Error *err)
{
    for (size_t i = 0; i < sample->n_tokens; i++) {
        const bool is_joint = i > 0 && i + 1 < sample->n_tokens && !is_outside(sample, i - 1) &&
                              !is_outside(sample, i + 1);
        const Word word = {
            .now = sample->tokens[i], .is_fixed = !is_outside(sample, i), .is_joint = is_joint};
        TRY(add_word(a, out, &word, err));
    }
    return STATUS_OK;
}

static Status join(Augment *a, const Slice *tokens, size_t n, Slice *out, Error *err)
{
    size_t len = n;
    char *text = NULL;
    for (size_t i = 0; i < n; i++) len += tokens[i].len;
    TRY(arena_take(a->arena, len + 1, 1, "a sentence", &text, err));
    *out = (Slice){text, len - (n > 0)};
    for (size_t i = 0; i < n; i++) {
        if (i > 0) *text++ = ' ';
        memcpy(text, tokens[i].ptr, tokens[i].len);
        text += tokens[i].len;
    }
    return STATUS_OK;
}

static Status edit_tokens(Augment *a, Sample *out, Error *err)
{
    Words words = {0};
    Slice *tokens = NULL, *tags = NULL;
    size_t n = 0;
    TRY(token_words(a, out, &words, err));
    TRY(edit_words(a, &words, err));
    TRY(arena_take(a->arena, 2 * words.n, sizeof *tokens, "words", &tokens, err));
    TRY(arena_take(a->arena, 2 * words.n, sizeof *tags, "tags", &tags, err));
    for (size_t i = 0; i < words.n; i++) {
        const Word *word = &words.words[i];
        if (word->before.len > 0) {
            tokens[n] = word->before;
            tags[n++] = SLICE("O");
        }
        if (word->now.len == 0) continue;
        tokens[n] = word->now;
        tags[n++] = out->tags[i];
    }
    bool is_same = n == out->n_tokens;
    for (size_t i = 0; is_same && i < n; i++) is_same = slice_eq(tokens[i], out->tokens[i]);
    if (is_same) return STATUS_OK;
    a->is_changed = true;
    out->tokens = tokens;
    out->tags = tags;
    out->n_tokens = n;
    return join(a, tokens, n, &out->text, err);
}

Status augment_sample(const AugmentOptions *options, const Sample *sample, Philox *rng,
                      Arena *arena, Sample *out, bool *is_changed, AugmentCounts *counts,
                      Error *err)
{
    Augment a = {.options = options, .rng = rng, .arena = arena, .counts = counts};
    Status s = STATUS_OK;
    *out = *sample;
    switch (options->where) {
    case AUGMENT_TEXT:
    case AUGMENT_TEXTS:
        s = edit_text(&a, sample->text, NULL, NULL, 0, &out->text, err);
        if (s == STATUS_OK && options->where == AUGMENT_TEXTS && sample->pair.len > 0)
            s = edit_text(&a, sample->pair, NULL, NULL, 0, &out->pair, err);
        break;
    case AUGMENT_CONTEXT:
        s = edit_context(&a, out, err);
        break;
    case AUGMENT_TOKENS:
        s = edit_tokens(&a, out, err);
        break;
    }
    *is_changed = a.is_changed;
    arena_release(&a.scratch);
    return s;
}
