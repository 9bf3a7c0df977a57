#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "models/tokenizers/tokenizer.h"
#include "models/tokenizers/train.h"

static char folder[64];
static Error err;

static const char *in_folder(const char *name)
{
    static char path[4][256];
    static size_t next;
    char *out = path[next++ % 4];
    snprintf(out, sizeof path[0], "%s/%s", folder, name);
    return out;
}

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/assay-train-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    static const char *const names[] = {
        "a.txt",     "b.txt",      "tokenizer.json", "tokenizer_config.json",
        "vocab.txt", "vocab.json", "merges.txt"};
    static const char *const folders[] = {"one", "two", ""};
    for (size_t f = 0; f < 3; f++) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            char path[512];
            snprintf(path, sizeof path, "%s/%s/%s", folder, folders[f], names[i]);
            unlink(path);
        }
        rmdir(in_folder(folders[f]));
    }
}

TestSuite(tokenizer_train, .init = make_folder, .fini = remove_folder);

static void write_text(const char *name, const char *text)
{
    cr_assert_eq(file_write(in_folder(name), slice_from_cstr(text), &err), STATUS_OK, "%s",
                 err.text);
}

static TokenizerTrainReport train(const TokenizerTrainOptions *options, const char *out,
                                  const char *first, const char *second)
{
    TokenizerTrainReport report = {0};
    const char *paths[] = {in_folder(first), second != NULL ? in_folder(second) : NULL};
    const Status s =
        tokenizer_train(options, paths, second != NULL ? 2 : 1, in_folder(out), &report, &err);
    cr_assert_eq(s, STATUS_OK, "%s", err.text);
    return report;
}

static void check_file(const char *name, const char *wanted)
{
    Arena arena = {0};
    Slice text = {0};
    cr_assert_eq(file_read(&arena, in_folder(name), 1 << 20, &text, &err), STATUS_OK, "%s",
                 err.text);
    cr_assert(slice_eq_cstr(text, wanted), "%s:\n%.*s", name, SLICE_ARG(text));
    arena_release(&arena);
}

// low x 5, lower x 2, newest x 6, widest x 3: the example of Sennrich et al. 2016. Worked by hand: "e s" and "s t" are
// both seen 9 times, "o w" and "l o" 7 times, and the smaller ids win.
static const char sennrich[] =
    "low low low low low lower lower\nnewest newest newest newest newest newest\n"
    "widest widest widest\n";

Test(tokenizer_train, wordpiece_joins_the_most_frequent_pairs)
{
    write_text("a.txt", sennrich);
    const TokenizerTrainOptions options = {.kind = TRAIN_WORDPIECE, .vocab_size = 21};
    const TokenizerTrainReport report = train(&options, "one", "a.txt", NULL);
    // 5 special tokens; ##d ##e ##i ##o ##r ##s ##t ##w l n w; then the merges.
    check_file(
        "one/vocab.txt",
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n##d\n##e\n##i\n##o\n##r\n##s\n##t\n##w\nl\nn\nw\n"
        "##es\n##est\n##ow\nlow\n##ew\n");
    cr_assert_eq(report.n_words, 16);
    cr_assert_eq(report.n_distinct_words, 4);
    cr_assert_eq(report.n_lines, 3);
    cr_assert_eq(report.n_first_symbols, 11);
    cr_assert_eq(report.vocab_size, 21);
}

Test(tokenizer_train, bpe_joins_the_most_frequent_pairs)
{
    write_text("a.txt", "low low low low low lower lower\n");
    const TokenizerTrainOptions options = {.kind = TRAIN_BPE, .vocab_size = 257 + 4};
    const TokenizerTrainReport report = train(&options, "one", "a.txt", NULL);
    // "lo" 7, "low" 7, " low" 6, then "er" and " lower" 2 each: "e r" has the smaller ids.
    check_file("one/merges.txt", "#version: 0.2\nl o\nlo w\n\xC4\xA0 low\ne r\n");
    cr_assert_eq(report.n_merges, 4);
}

Test(tokenizer_train, the_order_of_lines_and_files_does_not_matter)
{
    write_text("a.txt", "the cat sat on the mat\nthe dog sat\n");
    write_text("b.txt", "a cat and a dog\nthe end\n");
    const TokenizerTrainKind kinds[] = {TRAIN_WORDPIECE, TRAIN_BPE};
    for (size_t k = 0; k < 2; k++) {
        const TokenizerTrainOptions options = {.kind = kinds[k], .vocab_size = 280};
        Arena arena = {0};
        Slice one = {0}, two = {0};
        train(&options, "one", "a.txt", "b.txt");
        train(&options, "two", "b.txt", "a.txt");
        cr_assert_eq(file_read(&arena, in_folder("one/tokenizer.json"), 1 << 20, &one, &err),
                     STATUS_OK);
        cr_assert_eq(file_read(&arena, in_folder("two/tokenizer.json"), 1 << 20, &two, &err),
                     STATUS_OK);
        cr_assert(slice_eq(one, two));
        arena_release(&arena);
    }
}

static void check_round_trip(const Tokenizer *t, Slice text)
{
    Arena arena = {0};
    Encoding e = {0};
    Buffer out = {0};
    const EncodeOptions bare = {.no_special = true};
    cr_assert_eq(tokenizer_encode(t, text, NULL, &bare, &arena, &e, &err), STATUS_OK, "%s",
                 err.text);
    cr_assert_eq(tokenizer_decode(t, e.ids, e.n_tokens, false, &out, &err), STATUS_OK);
    cr_assert(slice_eq(buffer_slice(&out), text), "%.*s", SLICE_ARG(buffer_slice(&out)));
    buffer_release(&out);
    arena_release(&arena);
}

Test(tokenizer_train, what_is_trained_can_be_opened_and_used)
{
    write_text("a.txt", sennrich);
    Tokenizer *t = NULL;
    TokenizerTrainOptions options = {.kind = TRAIN_WORDPIECE, .vocab_size = 30};
    train(&options, "one", "a.txt", NULL);
    cr_assert_eq(tokenizer_open(in_folder("one"), &t, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(tokenizer_special(t, SPECIAL_PAD), 0);
    check_round_trip(t, SLICE("lowest newer"));
    tokenizer_close(&t);
    // The vocabulary alone gives the same tokenizer.
    cr_assert_eq(unlink(in_folder("one/tokenizer.json")), 0);
    cr_assert_eq(tokenizer_open(in_folder("one"), &t, &err), STATUS_OK, "%s", err.text);
    check_round_trip(t, SLICE("lowest newer"));
    tokenizer_close(&t);

    options = (TokenizerTrainOptions){.kind = TRAIN_BPE, .vocab_size = 300};
    train(&options, "two", "a.txt", NULL);
    cr_assert_eq(tokenizer_open(in_folder("two"), &t, &err), STATUS_OK, "%s", err.text);
    check_round_trip(t, SLICE("  Lower \xE4\xB8\xAD\n\n\xF0\x9F\x98\x80 it's 123  "));
    check_round_trip(
        t,
        SLICE(
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaalowlowlowlowlowlowlowlowlowestestestestest"));
    tokenizer_close(&t);
}

Test(tokenizer_train, case_and_alphabet_are_options)
{
    write_text("a.txt", "Aa aa aa b\xC3\xA9 zz\n");
    TokenizerTrainOptions options = {.kind = TRAIN_WORDPIECE,
                                     .vocab_size = 100,
                                     .is_cased = true,
                                     .alphabet_limit = 2,
                                     .min_frequency = 5};
    train(&options, "one", "a.txt", NULL);
    // a (5) and z (2) are the most frequent characters; words with others are left out.
    check_file("one/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n##a\n##z\na\nz\n");
}

Test(tokenizer_train, a_special_token_is_never_made_by_merging)
{
    write_text("a.txt", "ab ab ab ab abc\n");
    const Slice specials[] = {SLICE_LIT("ab")};
    const TokenizerTrainOptions options = {
        .kind = TRAIN_BPE, .vocab_size = 400, .special_tokens = specials, .n_special_tokens = 1};
    train(&options, "one", "a.txt", NULL);
    check_file("one/merges.txt", "#version: 0.2\n\xC4\xA0 a\n\xC4\xA0"
                                 "a b\n");
}

Test(tokenizer_train, bad_requests_and_files_are_refused)
{
    write_text("a.txt", "one two\n\xFF\n");
    write_text("b.txt", " \n\n");
    const struct {
        TokenizerTrainOptions options;
        const char *file, *message;
    } cases[] = {
        {{.kind = TRAIN_WORDPIECE, .vocab_size = 100},
         "a.txt",
         "a.txt:2: byte 0 of the text is not valid UTF-8"},
        {{.kind = TRAIN_BPE, .vocab_size = 300}, "a.txt", "a.txt:2: byte 0"},
        {{.kind = TRAIN_WORDPIECE, .vocab_size = 100}, "b.txt", "the files hold no words"},
        {{.kind = TRAIN_WORDPIECE}, "b.txt", "vocab_size must be from 1"},
        {{.kind = TRAIN_BPE, .vocab_size = 256}, "c.txt", "c.txt"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = in_folder(cases[i].file);
        err = (Error){0};
        const Status s = tokenizer_train(&cases[i].options, &path, 1, in_folder("one"), NULL, &err);
        cr_assert(s == STATUS_INVALID || s == STATUS_NOT_FOUND, "case %zu", i);
        cr_assert_not_null(strstr(err.text, cases[i].message), "case %zu: %s", i, err.text);
        cr_assert_not(file_exists(in_folder("one/tokenizer.json")));
    }
    write_text("b.txt", "one two\n");
    const char *path = in_folder("b.txt");
    const TokenizerTrainOptions small = {.kind = TRAIN_BPE, .vocab_size = 256};
    cr_assert_eq(tokenizer_train(&small, &path, 1, in_folder("one"), NULL, &err), STATUS_INVALID);
    cr_assert_not_null(strstr(err.text, "the least is 257"), "%s", err.text);
    const Slice specials[] = {SLICE_LIT("[PAD]"), SLICE_LIT("[UNK]")};
    const TokenizerTrainOptions lacking = {
        .vocab_size = 100, .special_tokens = specials, .n_special_tokens = 2};
    cr_assert_eq(tokenizer_train(&lacking, &path, 1, in_folder("one"), NULL, &err), STATUS_INVALID);
    cr_assert_not_null(strstr(err.text, "lack \"[CLS]\""), "%s", err.text);
}
