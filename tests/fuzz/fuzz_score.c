// Tokenisers of metrics, what MeCab or a SentencePiece model answers, and SQuAD's readers: no bytes crash them, and tokens lie
// within what they were made of.
#include "metrics/char_ngrams.h"
#include "metrics/error_rate.h"
#include "metrics/ngrams.h"
#include "metrics/rouge.h"
#include "metrics/squad.h"
#include "metrics/ter.h"
#include "tests/fuzz/fuzz.h"
#include "tools/score/squad.h"

#include <stdlib.h>

const Slice fuzz_seeds[] = {
    SLICE_LIT("Dr. Smith's 3,141.59-dollar &quot;invoice&quot; isn't paid <skipped> -\n yet..."),
    SLICE_LIT(
        "\xe6\x97\xa5\xe6\x9c\xac \xc3\xa9t\xc3\xa9 a\xcc\x81 \xe2\x80\x9cq\xe2\x80\x9d \xf0\x9f\x98\x80"),
    SLICE_LIT(
        "{\"data\": [{\"paragraphs\": [{\"qas\": [{\"id\": \"a\", \"answers\": [{\"text\": \"the cat\"}]}, "
        "{\"id\": \"b\", \"answers\": []}]}]}]}"),
    SLICE_LIT("{\"a\": \"x\", \"b\": 0.5, \"c\": \"NaN\"}"),
    SLICE_LIT("The the THE a an\n\nsecond line, running runs\n"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

static void check(Status s, const Tokens *tokens, size_t most)
{
    if (s != STATUS_OK) return;
    if (tokens->n > most) abort();
    for (size_t i = 0; i < tokens->n; i++) {
        if (tokens->items[i].len == 0) abort();
    }
}

static void tokenise(Slice text, Arena *arena)
{
    Tokens tokens = {0};
    Error err = {0};
    const size_t most = 4 * text.len + 1;
    for (size_t k = 0; k <= TOKENIZER_NONE; k++) {
        check(tokenize_text((TokenizerKind)k, text, k % 2 == 0, arena, &tokens, &err), &tokens,
              most);
    }
    for (unsigned k = 0; k < 16; k++) {
        const TercomOptions o = {
            .is_normalized = k & 1, .has_no_punct = k & 2, .has_asian = k & 4, .is_cased = k & 8};
        check(tercom_tokens(&o, text, arena, &tokens, &err), &tokens, most);
    }
    check(rouge_tokens(text, true, arena, &tokens, &err), &tokens, most);
    check(squad_words(text, arena, &tokens, &err), &tokens, most);
    check(error_rate_words(text, arena, &tokens, &err), &tokens, most);
}

// Another program's words: any bytes.
static Status give_back(const void *context, Slice text, Arena *arena, Slice *out, Error *err)
{
    (void)text;
    (void)arena;
    (void)err;
    *out = *(const Slice *)context;
    return STATUS_OK;
}

// The answers of MeCab and of models go one way.
static void read_answer(Slice answer, Arena *arena)
{
    const WordSplitter splitter = {"fuzz", give_back, &answer};
    Tokens tokens = {0};
    Error err = {0};
    if (tokenize_by(&splitter, SLICE("text"), false, arena, &tokens, &err) != STATUS_OK) abort();
    check(STATUS_OK, &tokens, answer.len);
    for (size_t i = 0; i < tokens.n; i++) {
        const Slice word = tokens.items[i];
        if (word.ptr < answer.ptr || word.ptr + word.len > answer.ptr + answer.len) abort();
        if (slice_find_byte(word, ' ') != SIZE_MAX) abort();
    }
}

// A text against itself and against its half, by all types.
static void compare(Slice text, Arena *arena)
{
    const RougeReading reading = {.has_lines = true};
    const RougeWants all = {ROUGE_MAX_ORDER, true, true};
    RougeText whole, half;
    RougeScores same, other;
    Error err = {0};
    if (rouge_text(&reading, text, arena, &whole, &err) != STATUS_OK) return;
    if (rouge_compare(&whole, &whole, all, arena, &same, &err) != STATUS_OK) abort();
    if (same.l.f1 != (whole.words.n > 0) || same.l_sum.f1 != same.l.f1) abort();
    const Slice first = slice_sub(text, 0, text.len / 2);
    if (rouge_text(&reading, first, arena, &half, &err) != STATUS_OK) return;
    if (rouge_compare(&half, &whole, all, arena, &other, &err) != STATUS_OK) abort();
    if (other.n[0].recall > 1 || other.l.recall > other.n[0].recall) abort();
}

// Both ways of matching characters must agree.
static void match(Slice text, Arena *arena)
{
    CharNumbers numbers = {0};
    CharText a, b;
    Tokens hyp = {0}, ref = {0};
    Error err = {0};
    bool fits = false;
    double fast[6], slow[6];
    const size_t half = text.len / 2;
    Slice first = slice_sub(text, 0, half), second = slice_sub(text, half, text.len);
    if (error_rate_characters(first, arena, &hyp, &err) != STATUS_OK) return;
    if (error_rate_characters(second, arena, &ref, &err) != STATUS_OK) return;
    if (hyp.n == 0 || ref.n == 0) return;
    first = (Slice){hyp.items[0].ptr, (size_t)(hyp.items[hyp.n - 1].ptr - hyp.items[0].ptr) +
                                          hyp.items[hyp.n - 1].len};
    second = (Slice){ref.items[0].ptr, (size_t)(ref.items[ref.n - 1].ptr - ref.items[0].ptr) +
                                           ref.items[ref.n - 1].len};
    if (char_text(&numbers, first, true, true, arena, &a, &fits, &err) != STATUS_OK || !fits)
        return;
    if (char_text(&numbers, second, true, false, arena, &b, &fits, &err) != STATUS_OK) abort();
    if (char_ngram_matches(&a, &b, numbers.n, 6, arena, fast, &err) != STATUS_OK) abort();
    if (ngram_matches(&hyp, &ref, 1, 6, arena, slow, &err) != STATUS_OK) abort();
    for (size_t k = 0; k < 6; k++) {
        if (fast[k] != slow[k]) abort();
    }
}

static void read_squad(Slice text, Arena *arena)
{
    SquadData data = {0};
    SquadScores scores;
    Error err = {0};
    const SquadOptions options = {.na_prob_thresh = 0.5, .missing_is_wrong = true};
    JsonReader r = json_reader(SLICE("fuzz"), text, arena);
    if (squad_read_data(&r, &data, &err) != STATUS_OK) {
        squad_release(&data);
        r = json_reader(SLICE("fuzz"), fuzz_seeds[2], arena);
        if (squad_read_data(&r, &data, &err) != STATUS_OK) abort();
    }
    r = json_reader(SLICE("fuzz"), text, arena);
    (void)!squad_read_predictions(&r, &data, &err);
    r = json_reader(SLICE("fuzz"), text, arena);
    (void)!squad_read_na_probs(&r, &data, &err);
    if (squad_evaluate(&data, &options, arena, &scores, &err) == STATUS_OK) {
        for (size_t i = 0; i < data.n; i++) {
            if (!(scores.f1[i] >= 0 && scores.f1[i] <= 1)) abort();
        }
    }
    squad_release(&data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena arena = {0};
    const Slice text = {(const char *)data, size};
    tokenise(text, &arena);
    read_answer(text, &arena);
    compare(text, &arena);
    match(text, &arena);
    read_squad(text, &arena);
    arena_release(&arena);
    return 0;
}
