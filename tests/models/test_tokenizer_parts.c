// Parts of tokenizer.json whose answers were found by comparing random files with Hugging Face tokenizers 0.23.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "models/tokenizers/tokenizer.h"

static Error err;

#define MUST(call) cr_assert_eq((call), STATUS_OK, "%s: %s", #call, err.text)

// members: those that are not as usual, a comma behind.
static Tokenizer *open_words(const char *members, const char *vocab)
{
    static char text[1 << 14];
    Tokenizer *t = NULL;
    const int len = snprintf(
        text, sizeof text,
        "{%s\"model\":{\"type\":\"BPE\",\"merges\":[],\"unk_token\":\"u\",\"vocab\":{%s}}}",
        members, vocab);
    cr_assert(len > 0 && (size_t)len < sizeof text);
    MUST(tokenizer_parse_json(SLICE("t.json"), (Slice){text, (size_t)len}, &t, &err));
    return t;
}

static void want_text(const Tokenizer *t, const int32_t *ids, size_t n, bool skip, const char *text)
{
    Buffer out = {0};
    MUST(tokenizer_decode(t, ids, n, skip, &out, &err));
    cr_expect(slice_eq_cstr(buffer_slice(&out), text), "\"" SLICE_FMT "\" instead of \"%s\"",
              SLICE_ARG(buffer_slice(&out)), text);
    buffer_release(&out);
}

// "id:begin-end" of each token.
static const char *show(const Tokenizer *t, const char *text)
{
    static char out[512];
    Arena arena = {0};
    Encoding e = {0};
    size_t len = 0;
    MUST(tokenizer_encode(t, slice_from_cstr(text), NULL, NULL, &arena, &e, &err));
    out[0] = '\0';
    for (size_t i = 0; i < e.n_tokens; i++)
        len += (size_t)snprintf(out + len, sizeof out - len, "%s%d:%zu-%zu", i > 0 ? " " : "",
                                e.ids[i], e.offsets[i].begin, e.offsets[i].end);
    arena_release(&arena);
    return out;
}

Test(tokenizer_parts, ctc_joins_equal_tokens_and_drops_padding)
{
    static const char vocab[] =
        "\"a\":0,\"b\":1,\"<pad>\":2,\"|\":3,\"a|\":4,\"n't\":5,\" \":6,\"u\":7";
    static const int32_t plain[] = {0, 0, 2, 0, 1, 1, 3, 0}, marks[] = {4, 4, 2, 4, 3, 3, 2, 3},
                         contracted[] = {0, 6, 5};
    Tokenizer *t = open_words("\"decoder\":{\"type\":\"CTC\",\"cleanup\":true},", vocab);
    want_text(t, plain, 8, false, "aab a");
    want_text(t, marks, 8, false, "a a   ");
    want_text(t, contracted, 3, false, "a n't");
    tokenizer_close(&t);
    t = open_words("\"decoder\":{\"type\":\"CTC\",\"cleanup\":false},", vocab);
    want_text(t, plain, 8, false, "aab|a");
    tokenizer_close(&t);
}

Test(tokenizer_parts, an_empty_suffix_stands_between_all_characters)
{
    static const int32_t ids[] = {1, 0};
    Tokenizer *t = open_words("\"decoder\":{\"type\":\"BPEDecoder\",\"suffix\":\"\"},",
                              "\"a\":0,\"a|\":1,\"u\":2");
    want_text(t, ids, 2, false, " a | a");
    tokenizer_close(&t);
}

// The only blank before a first word may be ours; where there are more, all are the text's.
Test(tokenizer_parts, offsets_are_trimmed_by_all_blanks_but_a_single_first)
{
    Tokenizer *t =
        open_words("\"post_processor\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
                   "\"trim_offsets\":true},\"added_tokens\":[{\"id\":3,\"content\":\"  \"},"
                   "{\"id\":4,\"content\":\"   x\"},{\"id\":5,\"content\":\" x\"}],",
                   "\" \":0,\"x\":1,\"u\":2");
    cr_expect_str_eq(show(t, " x"), "5:0-2");
    cr_expect_str_eq(show(t, "   x"), "4:3-4");
    cr_expect_str_eq(show(t, "  "), "3:2-2");
    cr_expect_str_eq(show(t, " "), "0:0-0");
    tokenizer_close(&t);
}

// A special token that the normaliser changes is shown as it is sought, and is special no more.
Test(tokenizer_parts, an_added_token_is_shown_as_it_is_sought)
{
    static const int32_t ids[] = {0, 1, 3};
    Tokenizer *t =
        open_words("\"normalizer\":{\"type\":\"Lowercase\"},\"decoder\":{\"type\":\"Fuse\"},"
                   "\"added_tokens\":[{\"id\":1,\"content\":\"X\",\"normalized\":true,"
                   "\"special\":true},{\"id\":3,\"content\":\"S\",\"normalized\":false,"
                   "\"special\":true}],",
                   "\"a\":0,\"X\":1,\"u\":2");
    want_text(t, ids, 3, false, "axS");
    want_text(t, ids, 3, true, "ax");
    tokenizer_close(&t);
}

Test(tokenizer_parts, added_tokens_have_the_next_ids_whatever_the_file_says)
{
    Tokenizer *t = open_words("\"added_tokens\":[{\"id\":2000,\"content\":\"<b>\"},{\"id\":1,"
                              "\"content\":\"<a>\"},{\"id\":7,\"content\":\"x\"}],",
                              "\"y\":0,\"x\":1,\"u\":2");
    cr_expect_str_eq(show(t, "<a><b>xy"), "4:0-3 3:3-6 1:6-7 0:7-8");
    tokenizer_close(&t);
}

// Blanks that a token has taken are no others.
Test(tokenizer_parts, an_added_token_without_text_is_none)
{
    Tokenizer *t =
        open_words("\"added_tokens\":[{\"id\":3,\"content\":\"A\",\"rstrip\":true},{\"id\":4,"
                   "\"content\":\"  \",\"lstrip\":true,\"rstrip\":true}],",
                   "\"y\":0,\" \":1,\"u\":2");
    cr_expect_str_eq(show(t, "A  y"), "3:0-3 0:3-4");
    tokenizer_close(&t);
    t = open_words(
        "\"added_tokens\":[{\"id\":3,\"content\":\" \",\"lstrip\":true,\"rstrip\":true}],",
        "\"u\":0,\"a\":1,\"b\":2");
    cr_expect_str_eq(show(t, "a   b"), "1:0-1 3:1-4 2:4-5");
    cr_expect_str_eq(show(t, "   "), "3:0-3");
    cr_expect_str_eq(show(t, "a \u2003 b"), "1:0-1 3:1-6 2:6-7");
    tokenizer_close(&t);
}

// BLOOM's expression has a class within a class; U+337F is used with Han, but is none.
Test(tokenizer_parts, expressions_are_read_as_oniguruma_does)
{
    static const char pieces[] =
        "\"a\":0,\",\":1,\"(\":2,\"]\":3,\" \":4,\"\u337f\":5,\"\u4e2d\":6,\"u\":7";
    Tokenizer *t = open_words(
        "\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Removed\",\"invert\":true,\"pattern\":"
        "{\"Regex\":\" ?[^(\\\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+\"}},",
        pieces);
    cr_expect_str_eq(show(t, "a,(a] a"), "0:0-1 0:3-4 3:4-5 4:5-6 0:6-7");
    tokenizer_close(&t);
    t = open_words("\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Removed\",\"pattern\":"
                   "{\"Regex\":\"\\\\p{Han}+\"}},",
                   pieces);
    cr_expect_str_eq(show(t, "\u4e2d\u337f"), "5:3-6");
    tokenizer_close(&t);
    t = open_words("\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Removed\",\"pattern\":"
                   "{\"Regex\":\"\\\\w+\"}},",
                   pieces);
    cr_expect_str_eq(show(t, "\U0001f170,\U0001f149("), "1:4-5 2:9-10");
    tokenizer_close(&t);
    t = open_words("\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Isolated\",\"pattern\":"
                   "{\"Regex\":\"\"}},",
                   pieces);
    cr_expect_str_eq(show(t, "aa"), "0:0-1 0:1-2");
    tokenizer_close(&t);
}

// What truncation cuts away keeps its type in RobertaProcessing too, where no special tokens are added.
Test(tokenizer_parts, overflow_of_roberta_keeps_its_types_without_special_tokens)
{
    Tokenizer *t =
        open_words("\"post_processor\":{\"type\":\"RobertaProcessing\",\"sep\":[\"a\",0],"
                   "\"cls\":[\"a\",0]},",
                   "\"a\":0,\"u\":1");
    Arena arena = {0};
    EncodingWindows windows;
    const Slice pair = SLICE("aaa");
    const EncodeOptions options = {
        .max_length = 2, .no_special = true, .strategy = TRUNCATE_ONLY_SECOND};
    MUST(tokenizer_encode_windows(t, SLICE("a"), &pair, &options, &arena, &windows, &err));
    cr_assert_eq(windows.n_windows, 3);
    for (size_t i = 0; i < 3; i++) cr_expect_eq(windows.windows[i].type_ids[1], i > 0, "%zu", i);
    tokenizer_close(&t);
    arena_release(&arena);
}

// U+1CF2 was a mark then and U+0AFA (10.0) none; U+32FF (12.1) has no decomposition, U+0898 (14.0) is not put in order.
Test(tokenizer_parts, normalizers_know_characters_up_to_unicode_9)
{
    static const char pieces[] =
        "\"a\":0,\"\u0afa\":1,\"\u32ff\":2,\"\u4ee4\":3,\"\u0301\":4,\"\u0898\":5,\"\u338f\":6,"
        "\"\u1cf2\":7,\"k\":8,\"g\":9,\"\u111c9\":10,\"u\":11";
    Tokenizer *t = open_words("\"normalizer\":{\"type\":\"StripAccents\"},", pieces);
    cr_expect_str_eq(show(t, "a\u0afa\u1cf2a\u0301a"), "0:0-1 1:1-4 0:7-8 0:10-11");
    tokenizer_close(&t);
    t = open_words("\"normalizer\":{\"type\":\"NFKD\"},", pieces);
    cr_expect_str_eq(show(t, "\u32ff\u338f"), "2:0-3 8:3-6 9:3-6");
    cr_expect_str_eq(show(t, "a\u0301\u0898"), "0:0-1 4:1-3 5:3-6");
    tokenizer_close(&t);
}

static Tokenizer *open_scripts(const char *merges, const char *vocab)
{
    char text[1024];
    Tokenizer *t = NULL;
    const int len = snprintf(text, sizeof text,
                             "{\"pre_tokenizer\":{\"type\":\"UnicodeScripts\"},\"model\":{\"type\":"
                             "\"BPE\",\"merges\":[%s],\"vocab\":{%s}}}",
                             merges, vocab);
    MUST(tokenizer_parse_json(SLICE("t.json"), (Slice){text, (size_t)len}, &t, &err));
    return t;
}

// U+23FE is a common sign since 9.0; U+23FF came with 10.0 and stays with what is before it.
Test(tokenizer_parts, scripts_are_those_of_unicode_9)
{
    Tokenizer *t = open_scripts("\"a \u23ff\",\"a \u23fe\"",
                                "\"a\":0,\"\u23ff\":1,\"\u23fe\":2,\"u\":3,\"a\u23ff\":4,"
                                "\"a\u23fe\":5");
    cr_expect_str_eq(show(t, "a\u23ffa"), "4:0-4 0:4-5");
    cr_expect_str_eq(show(t, "a\u23fea"), "0:0-1 2:1-4 0:4-5");
    tokenizer_close(&t);
    // U+061C was common and U+0953 Devanagari.
    t = open_scripts("\"! \u061c\",\"\u0915 \u0953\",\"\u0628 \u061c\"",
                     "\"!\":0,\"\u061c\":1,\"\u0915\":2,\"\u0953\":3,\"u\":4,\"!\u061c\":5,"
                     "\"\u0915\u0953\":6,\"\u0628\":7,\"\u0628\u061c\":8");
    cr_expect_str_eq(show(t, "!\u061c!"), "5:0-3 0:3-4");
    cr_expect_str_eq(show(t, "\u0628\u061c"), "7:0-2 1:2-4");
    cr_expect_str_eq(show(t, "\u0915\u0953"), "6:0-6");
    tokenizer_close(&t);
}

// What became a letter, a mark or a number in Unicode 15 and 16, or alphabetic there, whatever the system's ICU and PCRE2 say.
Test(tokenizer_parts, newer_characters_are_what_they_are)
{
    static const struct {
        const char *members, *text, *wanted;
    } cases[] = {
        {"\\\\p{L}", "a\u1c89.\u0897", "1:4-5 5:5-8"},
        {"[^\\\\p{L}\\\\p{M}]", "a\u1c89.\u0897", "0:0-1 2:1-4 5:5-8"},
        {"\\\\P{N}", "a.\U00010d40", "6:2-6"},
        {"[[:alnum:]]", "a\u0c04.\u1c8a", "1:4-5"},
        {NULL, "\u1c89\ua7dc.", "3:0-3 4:3-6 1:6-7"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char members[256] = "\"normalizer\":{\"type\":\"Lowercase\"},\"pre_tokenizer\":{\"type\":"
                            "\"Digits\",\"individual_digits\":false},";
        if (cases[i].members)
            snprintf(members, sizeof members,
                     "\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Removed\",\"pattern\":"
                     "{\"Regex\":\"%s\"}},",
                     cases[i].members);
        Tokenizer *t = open_words(members, "\"a\":0,\".\":1,\"u\":2,\"\u1c8a\":3,\"\u019b\":4,"
                                           "\"\u0897\":5,\"\U00010d40\":6");
        cr_expect_str_eq(show(t, cases[i].text), cases[i].wanted);
        tokenizer_close(&t);
    }
}
