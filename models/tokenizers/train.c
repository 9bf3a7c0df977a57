// Training from end to end.
#include "base/file.h"
#include "base/size.h"
#include "models/tokenizers/train_internal.h"

static const Slice wordpiece_specials[] = {SLICE_LIT("[PAD]"), SLICE_LIT("[UNK]"),
                                           SLICE_LIT("[CLS]"), SLICE_LIT("[SEP]"),
                                           SLICE_LIT("[MASK]")};
static const Slice bpe_specials[] = {SLICE_LIT("<|endoftext|>")};
enum { N_NEEDED_SPECIALS = 4, DEFAULT_ALPHABET = 1000, MAX_VOCAB = 1 << 24 };

Status tokenizer_train_kind_parse(Slice name, TokenizerTrainKind *out, Error *err)
{
    if (slice_eq_cstr(name, "wordpiece")) {
        *out = TRAIN_WORDPIECE;
    } else if (slice_eq_cstr(name, "bpe")) {
        *out = TRAIN_BPE;
    } else {
        return error_set(err, STATUS_INVALID,
                         "unknown tokenizer \"" SLICE_FMT "\": wordpiece or bpe", SLICE_ARG(name));
    }
    return STATUS_OK;
}

// ---- first symbols ----

// The characters of all words with their counts, in by_char (count), sorted by bytes.
static Status count_chars(const WordCounts *words, Arena *arena, WordCounts *by_char, Error *err)
{
    for (size_t w = 0; w < words->n; w++) {
        const Slice word = words->words[w].word;
        for (size_t at = 0; at < word.len;) {
            const size_t begin = at;
            utf8_next(word, &at);
            TRY(word_counts_add(by_char, slice_sub(word, begin, at), words->words[w].count, arena,
                                err));
        }
    }
    return STATUS_OK;
}

static int by_count(const void *a, const void *b)
{
    const WordCount *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return slice_cmp(x->word, y->word);
}

// Keeps the alphabet's most frequent characters, of equals those first by bytes.
static Status choose_alphabet(const TokenizerTrainOptions *options, const WordCounts *words,
                              Arena *arena, WordCounts *kept, Error *err)
{
    WordCounts all = {0};
    const size_t limit = options->alphabet_limit > 0 ? options->alphabet_limit : DEFAULT_ALPHABET;
    TRY(count_chars(words, arena, &all, err));
    if (all.n > 0) qsort(all.words, all.n, sizeof *all.words, by_count);
    for (size_t i = 0; i < size_min(all.n, limit); i++)
        TRY(word_counts_add(kept, all.words[i].word, 1, arena, err));
    return STATUS_OK;
}

static bool has_word(const WordCounts *counts, Slice word)
{
    if (counts->slots == NULL) return false;
    for (size_t i = (size_t)token_hash(word);; i++) {
        const uint32_t index = counts->slots[i & (counts->n_slots - 1)];
        if (index == 0) return false;
        if (slice_eq(counts->words[index - 1].word, word)) return true;
    }
}

static bool is_spelled_in(const WordCounts *alphabet, Slice word)
{
    for (size_t at = 0; at < word.len;) {
        const size_t begin = at;
        utf8_next(word, &at);
        if (!has_word(alphabet, slice_sub(word, begin, at))) return false;
    }
    return true;
}

// The symbol of a word's bytes [begin, end) into out.
static void spell_symbol(const TrainState *state, Slice word, size_t begin, size_t end, Buffer *out)
{
    buffer_clear(out);
    if (state->options->kind == TRAIN_BPE) {
        byte_level_spell(out, slice_sub(word, begin, end));
        return;
    }
    if (begin > 0) buffer_append(out, state->prefix);
    buffer_append(out, slice_sub(word, begin, end));
}

static size_t next_symbol(const TrainState *state, Slice word, size_t at)
{
    if (state->options->kind == TRAIN_BPE) return at + 1;
    utf8_next(word, &at);
    return at;
}

// All first symbols, in by_symbol: every byte for BPE; for WordPiece the characters as they occur at the start of a
// word and inside.
static Status collect_symbols(TrainState *state, const WordCounts *words, WordCounts *by_symbol,
                              Buffer *text, Error *err)
{
    if (state->options->kind == TRAIN_BPE) {
        for (int b = 0; b < 256; b++) {
            const char byte = (char)b;
            buffer_clear(text);
            byte_level_spell(text, (Slice){&byte, 1});
            TRY(word_counts_add(by_symbol, buffer_slice(text), 1, state->arena, err));
        }
        return STATUS_OK;
    }
    for (size_t w = 0; w < words->n; w++) {
        const Slice word = words->words[w].word;
        for (size_t at = 0, end = 0; at < word.len; at = end) {
            end = next_symbol(state, word, at);
            spell_symbol(state, word, at, end, text);
            TRY(word_counts_add(by_symbol, buffer_slice(text), 1, state->arena, err));
        }
    }
    return STATUS_OK;
}

static Status put_symbols(TrainState *state, const WordCounts *words, size_t n_special,
                          Buffer *text, Error *err)
{
    WordCounts by_symbol = {0};
    TRY(collect_symbols(state, words, &by_symbol, text, err));
    word_counts_sort(&by_symbol);
    const size_t least = n_special + by_symbol.n;
    if (state->options->vocab_size < least) {
        return error_set(
            err, STATUS_INVALID,
            "vocab_size %zu has no room for %zu special tokens and %zu first symbols: the least is %zu%s",
            state->options->vocab_size, n_special, by_symbol.n, least,
            state->options->kind == TRAIN_WORDPIECE ? ", or limit the alphabet" : "");
    }
    for (size_t i = 0; i < by_symbol.n; i++) {
        // A special token may be a single character.
        if (train_find(state, by_symbol.words[i].word) < 0)
            TRY(train_put(state, by_symbol.words[i].word, err));
    }
    return STATUS_OK;
}

static Status put_words(TrainState *state, const WordCounts *words, Buffer *text, Error *err)
{
    size_t n_symbols = 0;
    for (size_t w = 0; w < words->n; w++) {
        if (!size_add(n_symbols, words->words[w].word.len, &n_symbols))
            return error_set_memory(err, words->n, 1, "words");
    }
    TRY(arena_take(state->arena, words->n, sizeof *state->words, "words", &state->words, err));
    TRY(arena_take(state->arena, n_symbols, sizeof *state->symbols, "words", &state->symbols, err));
    size_t n = 0;
    for (size_t w = 0; w < words->n; w++) {
        const Slice word = words->words[w].word;
        TrainWord *out = &state->words[state->n_words++];
        *out = (TrainWord){.begin = n, .count = words->words[w].count};
        for (size_t at = 0, end = 0; at < word.len; at = end) {
            end = next_symbol(state, word, at);
            spell_symbol(state, word, at, end, text);
            state->symbols[n++] = train_find(state, buffer_slice(text));
        }
        out->n = (uint32_t)(n - out->begin);
    }
    return STATUS_OK;
}

// ---- from end to end ----

static Status check_specials(const TokenizerTrainOptions *options, const Slice *specials, size_t n,
                             Error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (specials[i].len == 0 || utf8_invalid_at(specials[i]) != SIZE_MAX ||
            slice_find_byte(specials[i], '\n') != SIZE_MAX)
            return error_set(err, STATUS_INVALID,
                             "special token %zu is empty, not UTF-8 or holds a line end", i + 1);
        for (size_t k = 0; k < i; k++) {
            if (slice_eq(specials[i], specials[k]))
                return error_set(err, STATUS_INVALID,
                                 "special token \"" SLICE_FMT "\" is given twice",
                                 SLICE_ARG(specials[i]));
        }
    }
    bool has_end = options->end_token.len == 0;
    for (size_t i = 0; i < n; i++) has_end = has_end || slice_eq(specials[i], options->end_token);
    if (!has_end || (options->end_token.len > 0 && options->kind != TRAIN_BPE))
        return error_set(err, STATUS_INVALID,
                         "the end token \"" SLICE_FMT "\" is none of BPE's special tokens",
                         SLICE_ARG(options->end_token));
    for (size_t i = 0; options->kind == TRAIN_WORDPIECE && i < N_NEEDED_SPECIALS; i++) {
        bool found = false;
        for (size_t k = 0; k < n; k++)
            found = found || slice_eq(specials[k], wordpiece_specials[i]);
        if (!found)
            return error_set(err, STATUS_INVALID,
                             "the special tokens lack \"" SLICE_FMT "\", which WordPiece needs",
                             SLICE_ARG(wordpiece_specials[i]));
    }
    return STATUS_OK;
}

// Words with a character outside the alphabet are unknown as a whole, so nothing is learnt from them.
static void drop_unspelled(const WordCounts *alphabet, WordCounts *words)
{
    size_t n = 0;
    for (size_t w = 0; w < words->n; w++) {
        if (is_spelled_in(alphabet, words->words[w].word)) words->words[n++] = words->words[w];
    }
    words->n = n;
}

static Status train(TrainState *state, const char *const *paths, size_t n_paths,
                    const Slice *specials, size_t n_specials, TokenizerTrainReport *report,
                    Buffer *text, Error *err)
{
    const TokenizerTrainOptions *options = state->options;
    WordCounts words = {0};
    TRY(count_words(options, paths, n_paths, state->arena, &words, report, err));
    if (options->kind == TRAIN_WORDPIECE) {
        WordCounts alphabet = {0};
        TRY(choose_alphabet(options, &words, state->arena, &alphabet, err));
        drop_unspelled(&alphabet, &words);
    }
    // At least the specials fit in any case, so that the check of first symbols can name the least size.
    TRY(arena_take(state->arena, size_max(options->vocab_size, n_specials), sizeof *state->tokens,
                   "tokens", &state->tokens, err));
    for (size_t i = 0; i < n_specials; i++) TRY(train_put(state, specials[i], err));
    TRY(put_symbols(state, &words, n_specials, text, err));
    report->n_first_symbols = state->n_tokens - n_specials;
    TRY(put_words(state, &words, text, err));
    TRY(buffer_status(text, err));
    TRY(train_merge(state, n_specials, err));
    report->n_merges = state->n_merges;
    report->vocab_size = state->n_tokens;
    return STATUS_OK;
}

Status tokenizer_train(const TokenizerTrainOptions *options, const char *const *paths,
                       size_t n_paths, const char *directory, TokenizerTrainReport *report,
                       Error *err)
{
    const bool is_bpe = options->kind == TRAIN_BPE;
    const Slice *specials = is_bpe ? bpe_specials : wordpiece_specials;
    size_t n_specials = is_bpe ? sizeof bpe_specials / sizeof *bpe_specials
                               : sizeof wordpiece_specials / sizeof *wordpiece_specials;
    if (options->n_special_tokens > 0) {
        specials = options->special_tokens;
        n_specials = options->n_special_tokens;
    }
    if (options->vocab_size == 0 || options->vocab_size > MAX_VOCAB)
        return error_set(err, STATUS_INVALID, "vocab_size must be from 1 to %d, not %zu", MAX_VOCAB,
                         options->vocab_size);
    TRY(check_specials(options, specials, n_specials, err));
    Arena arena = {0};
    Buffer text = {0};
    TokenizerTrainReport own = {0};
    TrainState state = {
        .arena = &arena, .options = options, .prefix = is_bpe ? SLICE("") : SLICE("##")};
    Status s = train(&state, paths, n_paths, specials, n_specials, &own, &text, err);
    if (s == STATUS_OK) s = train_write(&state, specials, n_specials, directory, err);
    if (report != NULL) *report = own;
    buffer_release(&text);
    arena_release(&arena);
    return s;
}
