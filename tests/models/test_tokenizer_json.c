#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "models/tokenizers/tokenizer.h"

// A small tokenizer.json, put together from parts so that each test can spoil one.
typedef struct Parts {
    const char *added, *normalizer, *pre_tokenizer, *post_processor, *decoder, *model;
} Parts;

#define SPECIALS                                                              \
    "{\"id\":0,\"content\":\"[UNK]\",\"special\":true,\"normalized\":false}," \
    "{\"id\":1,\"content\":\"[CLS]\",\"special\":true,\"normalized\":false}," \
    "{\"id\":2,\"content\":\"[SEP]\",\"special\":true,\"normalized\":false}"
#define VOCAB \
    "\"[UNK]\":0,\"[CLS]\":1,\"[SEP]\":2,\"un\":3,\"##aff\":4,\"##able\":5,\"a\":6,\"##b\":7,\",\":8,\"foo\":9"

static const Parts good = {
    .added = "[" SPECIALS "]",
    .normalizer =
        "{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,\"strip_accents\":null,"
        "\"lowercase\":true}",
    .pre_tokenizer = "{\"type\":\"BertPreTokenizer\"}",
    .post_processor = "{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",2],\"cls\":[\"[CLS]\",1]}",
    .decoder = "{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}",
    .model = "{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":\"##\","
             "\"max_input_chars_per_word\":10,\"vocab\":{" VOCAB "}}",
};

static Status open_parts(Parts p, Tokenizer **out, Error *err)
{
    static char text[1 << 16];
    const int len = snprintf(
        text, sizeof text,
        "{\n\"added_tokens\":%s,\n\"normalizer\":%s,\n\"pre_tokenizer\":%s,\n\"post_processor\":%s,\n"
        "\"decoder\":%s,\n\"model\":%s}\n",
        p.added, p.normalizer, p.pre_tokenizer, p.post_processor, p.decoder, p.model);
    cr_assert(len > 0 && (size_t)len < sizeof text);
    *err = (Error){0};
    return tokenizer_parse_json(SLICE("t.json"), (Slice){text, (size_t)len}, out, err);
}

static Tokenizer *open_good(Parts p)
{
    Tokenizer *tokenizer = NULL;
    Error err;
    cr_assert_eq(open_parts(p, &tokenizer, &err), STATUS_OK, "%s", err.text);
    return tokenizer;
}

// "id:begin-end id:begin-end ..." of an encoding.
static const char *show(const Tokenizer *tokenizer, const char *text, const char *pair,
                        const EncodeOptions *options)
{
    static char out[4096];
    Arena arena = {0};
    Error err = {0};
    Encoding e = {0};
    const Slice b = slice_from_cstr(pair);
    const Status s = tokenizer_encode(tokenizer, slice_from_cstr(text), pair != NULL ? &b : NULL,
                                      options, &arena, &e, &err);
    size_t len = 0;
    out[0] = '\0';
    if (s != STATUS_OK) snprintf(out, sizeof out, "error: %s", err.text);
    for (size_t i = 0; i < e.n_tokens && s == STATUS_OK; i++) {
        len += (size_t)snprintf(out + len, sizeof out - len, "%s%d:%zu-%zu", i > 0 ? " " : "",
                                e.ids[i], e.offsets[i].begin, e.offsets[i].end);
    }
    arena_release(&arena);
    return out;
}

Test(tokenizer_json, words_are_cut_greedily_and_offsets_are_of_the_original)
{
    Tokenizer *t = open_good(good);
    cr_assert_str_eq(show(t,
                          "UNaffable, \xC3\x81"
                          "b",
                          NULL, NULL),
                     "1:0-0 3:0-2 4:2-5 5:5-9 8:9-10 6:11-13 7:13-14 2:0-0");
    cr_assert_str_eq(show(t, "unaffablexx unaffableaff", NULL, NULL), "1:0-0 0:0-11 0:12-24 2:0-0");
    cr_assert_str_eq(show(t, "a", "a", NULL), "1:0-0 6:0-1 2:0-0 6:0-1 2:0-0");
    cr_assert_str_eq(show(t, "", NULL, NULL), "1:0-0 2:0-0");
    cr_assert_str_eq(show(t, "a[SEP]b", NULL, NULL), "1:0-0 6:0-1 2:1-6 0:6-7 2:0-0");
    tokenizer_close(&t);
}

// As tokenizers 0.23 (Oniguruma) cuts, which counts other numbers of Latin-1 as word characters, but not within [ ].
Test(tokenizer_json, words_of_expressions_are_those_of_oniguruma)
{
    static const struct {
        const char *regex, *text, *wanted;
    } cases[] = {{"\\\\w+", "x\u00bdy", "0:0-4"},
                 {"[\\\\w]+", "x\u00bdy", "0:0-1 0:1-3 0:3-4"},
                 {"[^\\\\w\\\\s]", "x\u00bdy", "0:0-1 0:1-3 0:3-4"},
                 {"[\\\\W]+", "e\u0301!", "0:0-3 0:3-4"},
                 {"[\\\\W_]+", "e\u00b2_.y", "0:0-1 0:1-5 0:5-6"},
                 {"[\\\\S]+", "e\u0301\xc2\x85y", "0:0-3 0:3-5 0:5-6"},
                 {"\\\\b", "x\u00bd \u0301y", "0:0-3 0:3-4 0:4-7"},
                 {"\\\\B", "xy z", "0:0-1 0:1-4"},
                 // Sets by name are of Unicode, and [:punct:] has signs, which \p{Punct} has not.
                 {"[[:alpha:]]+", "\u00e9\u0905\u093e\u00b21", "0:0-8 0:8-11"},
                 {"[[:alnum:]]+", "\u00e9\u0661!", "0:0-4 0:4-5"},
                 {"[^[:alnum:]_]", "\u00e9\u0661!_", "0:0-4 0:4-5 0:5-6"},
                 {"[[:^alnum:]]", "a!1", "6:0-1 0:1-2 0:2-3"},
                 {"[[:punct:]]", "a$\u20ac", "6:0-1 0:1-2 0:2-5"},
                 {"\\\\p{Punct}", "$!$", "0:0-1 0:1-2 0:2-3"},
                 {"[[:upper:][:digit:]]+", "\u00c91e", "0:0-3 0:3-4"},
                 {"[[:^space:]]+", "a\u3000b", "6:0-1 0:1-4 0:4-5"},
                 {"\\\\P{Alnum}+", "a!?\u00e9", "6:0-1 0:1-3 0:3-5"},
                 {"[\\\\p{Graph}]+", "a\u00a0b", "6:0-1 0:1-3 0:3-4"}};
    const EncodeOptions bare = {.no_special = true};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char split[256];
        snprintf(split, sizeof split,
                 "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"%s\"},\"behavior\":\"Isolated\","
                 "\"invert\":false}",
                 cases[i].regex);
        Parts parts = good;
        parts.normalizer = "null";
        parts.pre_tokenizer = split;
        Tokenizer *t = open_good(parts);
        cr_expect_str_eq(show(t, cases[i].text, NULL, &bare), cases[i].wanted, "%s: %s",
                         cases[i].regex, show(t, cases[i].text, NULL, &bare));
        tokenizer_close(&t);
    }
}

Test(tokenizer_json, special_tokens_and_sizes_are_known)
{
    Tokenizer *t = open_good(good);
    cr_assert_eq(tokenizer_special(t, SPECIAL_UNK), 0);
    cr_assert_eq(tokenizer_special(t, SPECIAL_CLS), 1);
    cr_assert_eq(tokenizer_special(t, SPECIAL_SEP), 2);
    cr_assert_eq(tokenizer_special(t, SPECIAL_MASK), TOKEN_NONE);
    cr_assert_eq(tokenizer_vocab_size(t), 10);
    cr_assert_eq(tokenizer_n_added(t, false), 2);
    cr_assert_eq(tokenizer_n_added(t, true), 3);
    cr_assert_eq(tokenizer_id(t, SLICE("##aff")), 4);
    cr_assert_eq(tokenizer_id(t, SLICE("nope")), TOKEN_NONE);
    cr_assert_null(tokenizer_token(t, 10).ptr);
    cr_assert_null(tokenizer_token(t, -1).ptr);
    cr_assert(tokenizer_is_special(t, 1) && !tokenizer_is_special(t, 3) &&
              !tokenizer_is_special(t, 99));
    tokenizer_close(&t);
}

Test(tokenizer_json, added_tokens_obey_their_flags)
{
    Parts p = good;
    p.added =
        "[" SPECIALS ",{\"id\":10,\"content\":\"bar\",\"single_word\":true,\"normalized\":false},"
        "{\"id\":11,\"content\":\"<l>\",\"lstrip\":true,\"normalized\":false},"
        "{\"id\":12,\"content\":\"<r>\",\"rstrip\":true,\"normalized\":false},"
        "{\"id\":13,\"content\":\"\xC3\x89T\",\"normalized\":true}]";
    Tokenizer *t = open_good(p);
    const EncodeOptions bare = {.no_special = true};
    cr_assert_str_eq(show(t, "a bar xbar bar_ bar", NULL, &bare),
                     "6:0-1 10:2-5 0:6-10 0:11-14 0:14-15 10:16-19");
    cr_assert_str_eq(show(t, "a  <l> a", NULL, &bare), "6:0-1 11:1-6 6:7-8");
    cr_assert_str_eq(show(t, "a <r>  a", NULL, &bare), "6:0-1 12:2-7 6:7-8");
    cr_assert_str_eq(show(t, "a <r> <l>", NULL, &bare), "6:0-1 12:2-6 11:6-9");
    cr_assert_str_eq(show(t, "a\xC3\xA9t\xC3\xA9T", NULL, &bare), "6:0-1 13:1-4 13:4-7");
    cr_assert(slice_eq_cstr(tokenizer_token(t, 13), "et"));
    tokenizer_close(&t);
}

Test(tokenizer_json, ids_may_have_gaps)
{
    Parts p = good;
    p.model =
        "{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"vocab\":{\"[UNK]\":0,\"[CLS]\":1,\"[SEP]\":2,\"a\":500}}";
    Tokenizer *t = open_good(p);
    Error err = {0};
    Buffer out = {0};
    const int32_t hole = 77;
    cr_assert_eq(tokenizer_vocab_size(t), 501);
    cr_assert_null(tokenizer_token(t, 77).ptr);
    cr_assert_str_eq(show(t, "a", NULL, NULL), "1:0-0 500:0-1 2:0-0");
    cr_assert_eq(tokenizer_decode(t, &hole, 1, false, &out, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(out.len, 0);
    // Text that a model wrote, whose vocabulary is larger than its tokenizer's.
    const int32_t written[] = {500, 77, 100000};
    cr_assert_eq(tokenizer_decode(t, written, 3, true, &out, &err), STATUS_OK, "%s", err.text);
    cr_expect(slice_eq(buffer_slice(&out), SLICE("a")), SLICE_FMT, SLICE_ARG(buffer_slice(&out)));
    buffer_release(&out);
    tokenizer_close(&t);
}

Test(tokenizer_json, a_missing_unknown_token_matters_only_when_it_is_needed)
{
    Parts p = good;
    p.added = "[]";
    p.post_processor = "null";
    p.model = "{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"vocab\":{\"a\":0,\"##b\":1}}";
    Tokenizer *t = open_good(p);
    cr_assert_str_eq(show(t, "ab a", NULL, NULL), "0:0-1 1:1-2 0:3-4");
    cr_assert_not_null(strstr(show(t, "abc", NULL, NULL), "error: no tokens for \"abc\""));
    tokenizer_close(&t);
}

Test(tokenizer_json, broken_utf8_is_refused_with_its_place)
{
    Tokenizer *t = open_good(good);
    cr_assert_str_eq(show(t,
                          "ab\xFF"
                          "c",
                          NULL, NULL),
                     "error: byte 2 of the text is not valid UTF-8");
    cr_assert_str_eq(show(t, "a[SEP]b\xC3", NULL, NULL),
                     "error: byte 7 of the text is not valid UTF-8");
    cr_assert_str_eq(show(t, "a", "\x80", NULL),
                     "error: pair: byte 0 of the text is not valid UTF-8");
    tokenizer_close(&t);
}

Test(tokenizer_json, requests_that_cannot_be_met_are_refused)
{
    Tokenizer *t = open_good(good);
    const struct {
        EncodeOptions options;
        const char *pair, *message;
    } cases[] = {
        {{.max_length = 1}, NULL, "max_length 1 leaves no room"},
        {{.max_length = 2}, "a", "max_length 2 leaves no room"},
        {{.max_length = 4, .strategy = TRUNCATE_ONLY_SECOND}, NULL, "only_second needs a pair"},
        {{.max_length = 5, .strategy = TRUNCATE_ONLY_SECOND},
         "a",
         "only_second cannot meet max_length 5"},
        {{.max_length = 4, .strategy = TRUNCATE_ONLY_FIRST},
         "a a a",
         "only_first cannot meet max_length 4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = show(t, "a a a a", cases[i].pair, &cases[i].options);
        cr_assert_not_null(strstr(got, cases[i].message), "case %zu: %s", i, got);
    }
    const EncodeOptions stuck = {.max_length = 4, .stride = 2};
    Arena arena = {0};
    Error err = {0};
    EncodingWindows windows = {0};
    cr_assert_eq(
        tokenizer_encode_windows(t, SLICE("a a a a"), NULL, &stuck, &arena, &windows, &err),
        STATUS_INVALID);
    cr_assert_not_null(strstr(err.text, "stride 2"), "%s", err.text);
    TruncationStrategy strategy;
    cr_assert_eq(truncation_strategy_parse(SLICE("both"), &strategy, &err), STATUS_INVALID);
    arena_release(&arena);
    tokenizer_close(&t);
}

Test(tokenizer_json, a_batch_gives_the_ids_of_single_calls)
{
    Tokenizer *t = open_good(good);
    const Slice texts[] = {SLICE_LIT("unaffable"), SLICE_LIT(""), SLICE_LIT("a a a a a a")};
    const Slice pairs[] = {SLICE_LIT("a"), SLICE_LIT("foo"), SLICE_LIT("")};
    const EncodeOptions options = {.max_length = 6};
    const size_t full[] = {7, 4, 9};
    Arena arena = {0};
    Error err = {0};
    TokenBatch batch = {0};
    cr_assert_eq(tokenizer_encode_batch(t, texts, pairs, 3, &options, &arena, &batch, &err),
                 STATUS_OK, "%s", err.text);
    for (size_t i = 0; i < 3; i++) {
        Encoding e = {0};
        cr_assert_eq(tokenizer_encode(t, texts[i], &pairs[i], &options, &arena, &e, &err),
                     STATUS_OK);
        cr_assert_eq(batch.starts[i + 1] - batch.starts[i], e.n_tokens);
        cr_assert_arr_eq(batch.ids + batch.starts[i], e.ids, e.n_tokens * sizeof *e.ids);
        cr_assert_arr_eq(batch.type_ids + batch.starts[i], e.type_ids, e.n_tokens * sizeof *e.ids);
        cr_assert_eq(batch.n_full[i], full[i]);
    }
    const Slice broken[] = {SLICE_LIT("a"), SLICE_LIT("\xFF")};
    cr_assert_eq(tokenizer_encode_batch(t, broken, NULL, 2, NULL, &arena, &batch, &err),
                 STATUS_INVALID);
    cr_assert_not_null(strstr(err.text, "text 1: byte 0"), "%s", err.text);
    cr_assert_eq(tokenizer_encode_batch(t, NULL, NULL, 0, NULL, &arena, &batch, &err), STATUS_OK);
    cr_assert_eq(batch.starts[0], 0);
    arena_release(&arena);
    tokenizer_close(&t);
}

typedef struct Spoiled {
    size_t part; // index of the member of Parts
    const char *value, *message;
} Spoiled;

#define WP(rest) "{\"type\":\"WordPiece\"," rest "}"
static const Spoiled spoiled[] = {
    {1, "{\"type\":\"Nope\"}", "normalizer \"Nope\" is not supported: supported is BertNormalizer"},
    {1, "{\"type\":\"Replace\"}", "t.json:3:14: \"pattern\" is {"},
    {1, "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"(\"},\"content\":\"\"}",
     "the regular expression \"(\" cannot be used: missing closing parenthesis"},
    {1, "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"[a&&b]\"},\"content\":\"\"}",
     "has && in a class"},
    {1, "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAA\"}", "base64 of 3 characters"},
    {1, "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"/////w==\"}", "is cut short"},
    {1, "{}", "has no \"type\""},
    {1, "{\"type\":\"BertNormalizer\",\"lowercase\":1}", "t.json:3:"},
    {2, "{\"type\":\"Nope\"}", "pre_tokenizer \"Nope\" is not supported"},
    {2, "{\"type\":\"Metaspace\",\"replacement\":\"__\"}", "\"replacement\" is one character"},
    {2, "{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"last\"}",
     "none of always, first, never"},
    {2, "{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},\"behavior\":\"Cut\"}",
     "none of Isolated"},
    {3, "{\"type\":\"Nope\"}", "post_processor \"Nope\" is not supported"},
    {3, "{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",2]}", "needs \"cls\" and \"sep\""},
    {3, "{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",99],\"cls\":[\"[CLS]\",1]}",
     "adds id 99, which is no token"},
    {3, "{\"type\":\"TemplateProcessing\",\"single\":[],\"pair\":[]}",
     "the template of one text holds A once"},
    {3, "{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"A\"}}]}",
     "has no \"pair\""},
    {3,
     "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"X\"}},{\"Sequence\":{\"id\":\"A\"}}],"
     "\"pair\":[{\"Sequence\":{\"id\":\"A\"}},{\"Sequence\":{\"id\":\"B\"}}],\"special_tokens\":{}}",
     "names \"X\", which its special_tokens lack"},
    {3,
     "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"X\"}},{\"Sequence\":{\"id\":\"A\"}}],"
     "\"pair\":[{\"Sequence\":{\"id\":\"A\"}},{\"Sequence\":{\"id\":\"B\"}}],\"special_tokens\":{\"X\":{\"id\":\"X\"}}}",
     "the special token \"X\" of the template has no \"ids\""},
    {4, "{\"type\":\"Nope\"}", "decoder \"Nope\" is not supported"},
    {5, "{\"type\":\"Nope\",\"vocab\":[]}",
     "model \"Nope\" is not supported: supported is WordPiece"},
    {5, "{\"type\":\"Unigram\",\"vocab\":[[\"a\"]]}", "a piece is [\"text\", score]"},
    {5, "{\"type\":\"Unigram\",\"vocab\":[[\"a\",\"NaN\"]]}", "the score finite"},
    {5, "{\"type\":\"Unigram\",\"unk_id\":1,\"vocab\":[[\"a\",0]]}", "unk_id 1 is no piece"},
    {5, "{\"type\":\"Unigram\",\"vocab\":[[\"a\",0],[\"a\",1]]}", "\"a\" has two ids"},
    {5, WP("\"unk_token\":\"[UNK]\""), "the model has no \"vocab\""},
    {5, WP("\"vocab\":{}"), "the vocabulary is empty"},
    {5, WP("\"vocab\":{\"a\":0,\"b\":0}"), "id 0 belongs to two tokens, \"a\" and \"b\""},
    {5, WP("\"vocab\":{\"a\":0,\"a\":1}"), "token \"a\" has two ids, 0 and 1"},
    {5, WP("\"vocab\":{\"a\":-1}"), "has id -1"},
    {5, WP("\"vocab\":{\"a\":2000000000}"), "has id 2000000000"},
    {5, WP("\"vocab\":{\"a\":1.5}"), "t.json:7:"},
    {5, WP("\"vocab\":[\"a\"]"), "t.json:7:"},
    {5, WP("\"vocab\":{\"a\":0"), "t.json:"},
    {5, WP("\"max_input_chars_per_word\":-1,\"vocab\":{\"a\":0}"),
     "max_input_chars_per_word is negative"},
    {5, "{\"type\":\"BPE\",\"vocab\":{\"a\":0}}", "a BPE, has no \"merges\""},
    {5, "{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a b\"]}",
     "merge 1 needs token \"b\", which the vocabulary lacks"},
    {5, "{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a\"]}", "a merge is two tokens"},
    {5, "{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a b c\"]}", "a merge is two tokens"},
    {5, "{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[[\"a\"]]}",
     "a merge is two tokens, not 1"},
    {5, "null", "t.json:7:"},
    {0, "[{\"content\":\"x\"}]", "needs an \"id\""},
    {0, "[{\"id\":3,\"content\":\"\"}]", "needs a \"content\""},
};

Test(tokenizer_json, a_spoiled_part_is_named)
{
    for (size_t i = 0; i < sizeof spoiled / sizeof *spoiled; i++) {
        Parts p = good;
        const char **members[] = {&p.added,          &p.normalizer, &p.pre_tokenizer,
                                  &p.post_processor, &p.decoder,    &p.model};
        *members[spoiled[i].part] = spoiled[i].value;
        Tokenizer *t = NULL;
        Error err;
        cr_assert_eq(open_parts(p, &t, &err), STATUS_INVALID, "%s was accepted", spoiled[i].value);
        cr_assert_null(t);
        cr_assert_not_null(strstr(err.text, spoiled[i].message), "%s: \"%s\" lacks \"%s\"",
                           spoiled[i].value, err.text, spoiled[i].message);
        cr_assert(strncmp(err.text, "t.json", 6) == 0, "%s", err.text);
    }
}

Test(tokenizer_json, hostile_nesting_is_refused)
{
    static char deep[4096];
    memset(deep, '[', sizeof deep - 1);
    Tokenizer *t = NULL;
    Error err = {0};
    cr_assert_eq(tokenizer_parse_json(SLICE("t.json"), (Slice){deep, sizeof deep - 1}, &t, &err),
                 STATUS_INVALID);
    Parts p = good;
    p.decoder = deep;
    cr_assert_eq(open_parts(p, &t, &err), STATUS_INVALID);
    cr_assert_null(t);
}

// Steps that make 20 bytes of each: three of them 8,000 times the text.
Test(tokenizer_json, texts_that_grow_without_end_are_refused)
{
    static const char step[] = "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},"
                               "\"content\":\"aaaaaaaaaaaaaaaaaaaa\"}";
    char normalizer[512];
    snprintf(normalizer, sizeof normalizer, "{\"type\":\"Sequence\",\"normalizers\":[%s,%s,%s]}",
             step, step, step);
    Parts p = good;
    p.normalizer = normalizer;
    Tokenizer *t = open_good(p);
    cr_assert_null(
        strstr(show(t, "a b", NULL, NULL), "error:")); // 8,002 bytes are within what is allowed
    static char text[1001];
    memset(text, 'a', sizeof text - 1);
    cr_assert_not_null(strstr(show(t, text, NULL, NULL), "lengthens texts"));
    tokenizer_close(&t);
    p = good;
    snprintf(normalizer, sizeof normalizer, "{\"type\":\"Sequence\",\"decoders\":[%s,%s,%s,%s,%s]}",
             step, step, step, step, step);
    p.decoder = normalizer;
    t = open_good(p);
    int32_t ids[500];
    for (size_t i = 0; i < 500; i++) ids[i] = 6; // "a"
    Buffer out = {0};
    Error err = {0};
    cr_assert_eq(tokenizer_decode(t, ids, 500, false, &out, &err), STATUS_INVALID);
    cr_assert_not_null(strstr(err.text, "lengthens texts"), "%s", err.text);
    buffer_release(&out);
    tokenizer_close(&t);
}

Test(tokenizer_json, every_cut_of_the_file_is_refused)
{
    static char text[1 << 14];
    const int len =
        snprintf(text, sizeof text,
                 "{\"added_tokens\":%s,\"post_processor\":%s,\"pre_tokenizer\":%s,\"model\":%s}",
                 good.added, good.post_processor, good.pre_tokenizer, good.model);
    for (size_t cut = 0; cut < (size_t)len; cut++) {
        Tokenizer *t = NULL;
        Error err = {0};
        cr_assert_eq(tokenizer_parse_json(SLICE("t.json"), (Slice){text, cut}, &t, &err),
                     STATUS_INVALID, "cut at %zu", cut);
        cr_assert_null(t);
    }
}

Test(tokenizer_json, running_out_of_memory_is_an_error_at_every_allocation)
{
    bool done = false;
    for (size_t n = 1; !done; n++) {
        Tokenizer *t = NULL;
        Error err = {0};
        Arena arena = {0};
        EncodingWindows windows = {0};
        const EncodeOptions options = {.max_length = 4};
        arena_fail_after(n);
        Status s = open_parts(good, &t, &err);
        if (s == STATUS_OK)
            s = tokenizer_encode_windows(t, SLICE("a [SEP] unaffable b"), NULL, &options, &arena,
                                         &windows, &err);
        done = s == STATUS_OK;
        arena_fail_after(0);
        cr_assert(done || s == STATUS_MEMORY, "allocation %zu: %s", n, err.text);
        cr_assert_lt(n, 10000);
        arena_release(&arena);
        tokenizer_close(&t);
    }
}

// ---- vocab.txt ----

Test(tokenizer_vocab, lines_are_ids_and_bad_lines_are_named)
{
    const struct {
        const char *text, *message;
    } cases[] = {
        {"[UNK]\n[CLS]\n[SEP]\na\n\nb\n", "v.txt:5: the line is empty"},
        {"[UNK]\n[CLS]\na\n", "no line is \"[SEP]\""},
        {"[UNK]\n[CLS]\n[SEP]\na\na\n", "token \"a\" has two ids, 3 and 4"},
        {"[UNK]\n[CLS]\n[SEP]\n\xFF\n", "v.txt:4: the token is not valid UTF-8"},
        {"", "the vocabulary is empty"},
    };
    Tokenizer *t = NULL;
    Error err = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        err = (Error){0};
        cr_assert_eq(
            tokenizer_parse_vocab(SLICE("v.txt"), slice_from_cstr(cases[i].text), NULL, &t, &err),
            STATUS_INVALID);
        cr_assert_not_null(strstr(err.text, cases[i].message), "%s", err.text);
        cr_assert_null(t);
    }
    const WordPieceOptions cased = {.is_cased = true};
    cr_assert_eq(tokenizer_parse_vocab(SLICE("v.txt"), SLICE("[UNK]\r\n[CLS]\r\n[SEP]\r\na\r\nA"),
                                       &cased, &t, &err),
                 STATUS_OK);
    cr_assert_str_eq(show(t, "a A \xC3\xA1", NULL, NULL), "1:0-0 3:0-1 4:2-3 0:4-6 2:0-0");
    tokenizer_close(&t);
}

Test(tokenizer_vocab, a_directory_without_a_tokenizer_is_not_found)
{
    Tokenizer *t = NULL;
    Error err = {0};
    cr_assert_eq(tokenizer_open("/nonexistent-assay", &t, &err), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(err.text, "neither tokenizer.json nor vocab.txt"));
    cr_assert_null(t);
}

Test(tokenizer_json, offsets_become_code_points)
{
    const Slice text = SLICE_LIT("a\xC3\xA9\xE4\xB8\xAD"
                                 "b");
    TokenOffsets offsets[] = {{0, 1}, {1, 3}, {3, 6}, {6, 7}, {0, 7}, {2, 4}};
    const TokenOffsets wanted[] = {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {0, 4}, {1, 2}};
    token_offsets_to_points(text, 6, offsets);
    for (size_t i = 0; i < 6; i++)
        cr_assert(offsets[i].begin == wanted[i].begin && offsets[i].end == wanted[i].end, "%zu", i);
}
