// Counting words.
#include "base/file.h"
#include "base/size.h"
#include "models/tokenizers/train_internal.h"

enum { MAX_WORD_CHARS = 100, MAX_PIECE_BYTES = 1024 };

static size_t find_slot(const WordCounts *counts, Slice word)
{
    const size_t mask = counts->n_slots - 1;
    size_t i = (size_t)token_hash(word) & mask;
    while (counts->slots[i] != 0 && !slice_eq(counts->words[counts->slots[i] - 1].word, word))
        i = (i + 1) & mask;
    return i;
}

static Status grow(WordCounts *counts, Arena *arena, Error *err)
{
    const WordCounts old = *counts;
    counts->capacity = 2 * old.capacity + 1024;
    counts->n_slots = 16;
    while (counts->n_slots < 2 * counts->capacity) counts->n_slots *= 2;
    if (counts->capacity > UINT32_MAX)
        return error_set(err, STATUS_INVALID, "more than 2^32 distinct words");
    TRY(arena_take(arena, counts->capacity, sizeof *counts->words, "words", &counts->words, err));
    TRY(arena_take(arena, counts->n_slots, sizeof *counts->slots, "words", &counts->slots, err));
    if (old.n > 0) memcpy(counts->words, old.words, old.n * sizeof *old.words);
    for (size_t i = 0; i < old.n; i++)
        counts->slots[find_slot(counts, counts->words[i].word)] = (uint32_t)i + 1;
    return STATUS_OK;
}

Status word_counts_add(WordCounts *counts, Slice word, uint64_t n_times, Arena *arena, Error *err)
{
    if (counts->n == counts->capacity) TRY(grow(counts, arena, err));
    const size_t slot = find_slot(counts, word);
    if (counts->slots[slot] == 0) {
        const Slice copy = arena_copy(arena, word);
        if (copy.ptr == NULL) return error_set_memory(err, 1, word.len, "a word");
        counts->words[counts->n++] = (WordCount){.word = copy};
        counts->slots[slot] = (uint32_t)counts->n;
    }
    counts->words[counts->slots[slot] - 1].count += n_times;
    return STATUS_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return slice_cmp(((const WordCount *)a)->word, ((const WordCount *)b)->word);
}

void word_counts_sort(WordCounts *counts)
{
    if (counts->n > 0) qsort(counts->words, counts->n, sizeof *counts->words, by_bytes);
    counts->slots = NULL; // they named the old places
    counts->n_slots = counts->capacity = 0;
}

// ---- the words of a line ----

typedef struct Counter {
    const TokenizerTrainOptions *options;
    BertTable *bert; // of WordPiece
    NormalizedText scratch;
    Arena scratch_arena;
    Arena *arena;
    WordCounts *counts;
    TokenizerTrainReport *report;
} Counter;

static Status count_one(Counter *counter, Slice word, Error *err)
{
    counter->report->n_words++;
    return word_counts_add(counter->counts, word, 1, counter->arena, err);
}

static Status count_bert_line(Counter *counter, Slice line, Error *err)
{
    TRY(bert_normalize(counter->bert, line, 0, false, &counter->scratch_arena, &counter->scratch,
                       err));
    const Slice text = {counter->scratch.bytes, counter->scratch.len};
    Slice word = {0};
    for (size_t at = 0; bert_next_word(text, &at, &word);) {
        if (utf8_count(word) <= MAX_WORD_CHARS) TRY(count_one(counter, word, err));
    }
    return STATUS_OK;
}

static Status count_byte_line(Counter *counter, Slice line, Error *err)
{
    const size_t broken = utf8_invalid_at(line);
    if (broken != SIZE_MAX)
        return error_set(err, STATUS_INVALID, "byte %zu of the text is not valid UTF-8", broken);
    Slice piece = {0};
    for (size_t at = 0; gpt2_next_piece(line, &at, &piece);) {
        if (piece.len <= MAX_PIECE_BYTES) TRY(count_one(counter, piece, err));
    }
    return STATUS_OK;
}

static Status count_file(Counter *counter, const char *path, Error *err)
{
    LineReader *reader = NULL;
    TRY(line_reader_open(path, &reader, err));
    Status s = STATUS_OK;
    for (bool more = true; s == STATUS_OK;) {
        Slice line = {0};
        s = line_reader_next(reader, &line, &more, err);
        if (s != STATUS_OK || !more) break;
        counter->report->n_lines++;
        s = counter->bert != NULL ? count_bert_line(counter, line, err)
                                  : count_byte_line(counter, line, err);
        if (s != STATUS_OK) s = error_wrap(err, "%s:%zu", path, line_reader_number(reader));
    }
    line_reader_close(&reader);
    return s;
}

Status count_words(const TokenizerTrainOptions *options, const char *const *paths, size_t n_paths,
                   Arena *arena, WordCounts *counts, TokenizerTrainReport *report, Error *err)
{
    Counter counter = {.options = options, .arena = arena, .counts = counts, .report = report};
    if (options->kind == TRAIN_WORDPIECE) {
        const BertNormalizer rules = {.clean_text = true,
                                      .handle_chinese_chars = true,
                                      .strip_accents = !options->is_cased,
                                      .lowercase = !options->is_cased};
        TRY(arena_take(arena, 1, sizeof *counter.bert, "a normalizer", &counter.bert, err));
        bert_table_init(counter.bert, &rules);
    }
    Status s = STATUS_OK;
    for (size_t i = 0; i < n_paths && s == STATUS_OK; i++) s = count_file(&counter, paths[i], err);
    arena_release(&counter.scratch_arena);
    TRY(s);
    if (counts->n == 0)
        return error_set(err, STATUS_INVALID, "the files hold no words to learn from");
    word_counts_sort(counts);
    report->n_distinct_words = counts->n;
    return STATUS_OK;
}
