// SentencePiece models alone, Marian's pair of them, and the vocabularies of GGUF files, against their goldens.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_reader.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/models/test_tokenizer_support.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

#define MUST(call) cr_assert_eq((call), STATUS_OK, "%s: %s", #call, err.text)

static Error err;

// What a golden's list says of one text; what is absent stays empty.
typedef struct Golden {
    Slice text, decoded;
    int32_t ids[4096];
    size_t n_ids;
    Slice pieces[4096];
    size_t n_pieces;
    TokenOffsets spans[4096]; // bytes
    size_t n_spans;
} Golden;

static Golden golden; // too large for the stack

static void read_ids(JsonReader *r)
{
    MUST(json_read_array(r, &err));
    for (bool more = true;;) {
        int64_t id = 0;
        MUST(json_read_element(r, &more, &err));
        if (!more) return;
        MUST(json_read_i64(r, &id, &err));
        cr_assert_lt(golden.n_ids, 4096);
        golden.ids[golden.n_ids++] = (int32_t)id;
    }
}

static void read_pieces(JsonReader *r)
{
    MUST(json_read_array(r, &err));
    for (bool more = true;;) {
        MUST(json_read_element(r, &more, &err));
        if (!more) return;
        cr_assert_lt(golden.n_pieces, 4096);
        MUST(json_read_string(r, &golden.pieces[golden.n_pieces++], &err));
    }
}

static void read_spans(JsonReader *r)
{
    MUST(json_read_array(r, &err));
    for (bool more = true;;) {
        int64_t ends[2] = {0};
        MUST(json_read_element(r, &more, &err));
        if (!more) return;
        MUST(json_read_array(r, &err));
        for (size_t i = 0; i < 2; i++) {
            MUST(json_read_element(r, &more, &err));
            MUST(json_read_i64(r, &ends[i], &err));
        }
        MUST(json_read_element(r, &more, &err));
        cr_assert_lt(golden.n_spans, 4096);
        golden.spans[golden.n_spans++] = (TokenOffsets){(size_t)ends[0], (size_t)ends[1]};
        more = true;
    }
}

static void read_golden(JsonReader *r, const char *ids_key)
{
    golden.n_ids = golden.n_pieces = golden.n_spans = 0;
    golden.decoded = (Slice){0};
    MUST(json_read_object(r, &err));
    for (bool more = true;;) {
        Slice key = {0};
        MUST(json_read_key(r, &key, &more, &err));
        if (!more) return;
        if (slice_eq_cstr(key, "text")) {
            MUST(json_read_string(r, &golden.text, &err));
        } else if (slice_eq_cstr(key, "decoded")) {
            MUST(json_read_string(r, &golden.decoded, &err));
        } else if (slice_eq_cstr(key, ids_key)) {
            read_ids(r);
        } else if (slice_eq_cstr(key, "pieces")) {
            read_pieces(r);
        } else if (slice_eq_cstr(key, "begin_end")) {
            read_spans(r);
        } else {
            MUST(json_skip(r, &err));
        }
    }
}

static void check_golden(const Tokenizer *t, const EncodeOptions *options, Arena *arena)
{
    Encoding e = {0};
    MUST(tokenizer_encode(t, golden.text, NULL, options, arena, &e, &err));
    cr_assert_eq(e.n_tokens, golden.n_ids, "\"%.*s\": %zu tokens instead of %zu",
                 SLICE_ARG(golden.text), e.n_tokens, golden.n_ids);
    for (size_t i = 0; i < e.n_tokens; i++) {
        cr_assert_eq(e.ids[i], golden.ids[i], "\"%.*s\": id %zu is %d instead of %d",
                     SLICE_ARG(golden.text), i, e.ids[i], golden.ids[i]);
        if (golden.n_pieces > 0) cr_assert(slice_eq(e.tokens[i], golden.pieces[i]));
        if (golden.n_spans == 0) continue;
        cr_assert_eq(e.offsets[i].begin, golden.spans[i].begin);
        cr_assert_eq(e.offsets[i].end, golden.spans[i].end);
    }
    TokenBatch batch = {0};
    MUST(tokenizer_encode_batch(t, &golden.text, NULL, 1, options, arena, &batch, &err));
    cr_assert_eq(batch.starts[1], e.n_tokens);
    if (e.n_tokens > 0) cr_assert_arr_eq(batch.ids, e.ids, e.n_tokens * sizeof *e.ids);
    if (golden.decoded.ptr == NULL) return;
    Buffer out = {0};
    MUST(tokenizer_decode(t, golden.ids, golden.n_ids, false, &out, &err));
    cr_assert(slice_eq(buffer_slice(&out), golden.decoded), "\"%.*s\" instead of \"%.*s\"",
              SLICE_ARG(buffer_slice(&out)), SLICE_ARG(golden.decoded));
    buffer_release(&out);
}

// Every text of a list in a golden file. Returns how many.
typedef struct Checked {
    const Tokenizer *tokenizer;
    const char *ids_key;
    const EncodeOptions *options;
} Checked;

static void each_golden(JsonReader *r, Arena *arena, void *context)
{
    const Checked *checked = context;
    read_golden(r, checked->ids_key);
    check_golden(checked->tokenizer, checked->options, arena);
}

static size_t check_list(const Tokenizer *t, const char *relative, const char *list,
                         const char *ids_key, const EncodeOptions *options)
{
    return golden_walk(relative, list, each_golden, &(Checked){t, ids_key, options});
}

static Tokenizer *open_shared(const char *relative, bool is_directory)
{
    const char *path = shared_need(relative);
    Tokenizer *t = NULL;
    if (is_directory)
        MUST(tokenizer_open(path, &t, &err));
    else
        MUST(tokenizer_open_file(path, &t, &err));
    return t;
}

Test(sentencepiece, models_give_the_ids_spans_and_texts_of_the_library)
{
    static const struct {
        const char *model, *golden, *list;
    } cases[] = {
        {"models/stories260K/tokenizer.model", "stories260K", "sentencepiece"},
        {"models/tok-spbpe_llama2/tokenizer.model", "tok-spbpe_llama2", "sentencepiece"},
        {"models/tok-unigram_t5/spiece.model", "tok-unigram_t5", "sentencepiece"},
        {"models/spm-botchan/botchan.model", "spm-botchan", "texts"},
        {"models/spm-ja/ja.model", "spm-ja", "texts"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char relative[128];
        Tokenizer *t = open_shared(cases[i].model, false);
        snprintf(relative, sizeof relative, "goldens/models/%s/tokenizer.json", cases[i].golden);
        cr_assert_geq(check_list(t, relative, cases[i].list, "ids", NULL), 49, "%s",
                      cases[i].model);
        tokenizer_close(&t);
    }
}

Test(sentencepiece, a_directory_with_a_model_of_any_name_opens)
{
    Tokenizer *t = open_shared("models/spm-botchan", true);
    cr_assert_eq(tokenizer_vocab_size(t), 1000);
    cr_assert_str_eq(tokenizer_model_name(t), "Unigram");
    tokenizer_close(&t);
}

Test(sentencepiece, a_class_says_what_a_model_gets_beside_its_pieces)
{
    const char *folder = folder_make();
    Tokenizer *t = NULL;
    Arena arena = {0};
    Encoding e = {0};
    shared_copy(folder, "models/tiny-t5-relu/spiece.model", "spiece.model");
    folder_write(folder, "config.json", "{\"model_type\": \"t5\"}");
    MUST(tokenizer_open(folder, &t, &err));
    cr_assert_eq(tokenizer_vocab_size(t), 500);
    MUST(tokenizer_encode(t, SLICE("hello.</s>"), NULL, NULL, &arena, &e, &err));
    static const int32_t ends[] = {3, 13, 229, 19, 5, 1, 1};
    cr_assert_eq(e.n_tokens, 7);
    cr_assert_arr_eq(e.ids, ends, sizeof ends);
    tokenizer_close(&t);
    // Transformers gives the same ids.
    shared_copy(folder, "models/tiny-t5-relu/tokenizer_config.json", "tokenizer_config.json");
    MUST(tokenizer_open(folder, &t, &err));
    cr_assert_eq(tokenizer_vocab_size(t), 408);
    MUST(tokenizer_encode(t, SLICE("hello <extra_id_0> world."), NULL, NULL, &arena, &e, &err));
    static const int32_t extra[] = {3, 13, 229, 19, 407, 42, 116, 12, 11, 5, 1};
    cr_assert_eq(e.n_tokens, 11);
    cr_assert_arr_eq(e.ids, extra, sizeof extra);
    tokenizer_close(&t);
    folder_write(folder, "tokenizer_config.json",
                 "{\"added_tokens_decoder\": {\"401\": {\"content\": \"<sep>\"}}}");
    MUST(tokenizer_open(folder, &t, &err));
    cr_assert_eq(tokenizer_id(t, SLICE("<sep>")), 500);
    tokenizer_close(&t);
    arena_release(&arena);
    folder_remove(folder);
}

// Ids of Transformers 5.24 (AutoTokenizer) for the same files.
Test(sentencepiece, a_llama_tokenizer_puts_one_prefix_before_a_text)
{
    static const struct {
        const char *config;
        size_t n;
        int32_t ids[9], blank[5];
    } cases[] = {
        {"{\"tokenizer_class\": \"LlamaTokenizer\"}",
         8,
         {264, 271, 289, 275, 273, 2, 273, 261},
         {264, 271, 289, 275, 273}},
        {"{\"tokenizer_class\": \"LlamaTokenizerFast\", \"legacy\": true}",
         7,
         {264, 271, 289, 275, 273, 2, 264},
         {264, 271, 289, 275, 273}},
        {"{\"tokenizer_class\": \"LlamaTokenizer\", \"add_prefix_space\": false}",
         9,
         {273, 261, 271, 289, 275, 273, 2, 273, 261},
         {264, 271, 289, 275, 273}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *folder = folder_make();
        Tokenizer *t = NULL;
        Arena arena = {0};
        Encoding e = {0};
        shared_copy(folder, "models/tok-spbpe_llama2/tokenizer.model", "tokenizer.model");
        folder_write(folder, "config.json", "{\"model_type\": \"llama\"}");
        folder_write(folder, "tokenizer_config.json", cases[i].config);
        MUST(tokenizer_open(folder, &t, &err));
        MUST(tokenizer_encode(t, SLICE("the cat</s>the"), NULL, NULL, &arena, &e, &err));
        cr_assert_eq(e.n_tokens, cases[i].n, "case %zu: %zu tokens", i, e.n_tokens);
        cr_expect_arr_eq(e.ids, cases[i].ids, cases[i].n * sizeof *e.ids, "case %zu", i);
        MUST(tokenizer_encode(t, SLICE(" the cat"), NULL, NULL, &arena, &e, &err));
        cr_assert_eq(e.n_tokens, 5, "case %zu: %zu tokens", i, e.n_tokens);
        cr_expect_arr_eq(e.ids, cases[i].blank, sizeof cases[i].blank, "case %zu", i);
        tokenizer_close(&t);
        arena_release(&arena);
        folder_remove(folder);
    }
}

Test(marian, ids_are_those_of_transformers_and_the_target_has_its_own)
{
    static const char file[] = "goldens/models/tiny-marian/tokenizer.json";
    Tokenizer *t = open_shared("models/tiny-marian", true);
    cr_assert_geq(check_list(t, file, "texts", "transformers_ids", NULL), 53);
    cr_assert_neq(tokenizer_target(t), t);
    Arena arena = {0};
    Encoding e = {0};
    MUST(tokenizer_encode(tokenizer_target(t), SLICE("hello   world"), NULL, NULL, &arena, &e,
                          &err));
    static const int32_t wanted[] = {4, 15, 13, 13, 19, 4, 67, 103, 13, 12, 0};
    cr_assert_eq(e.n_tokens, 11);
    cr_assert_arr_eq(e.ids, wanted, sizeof wanted);
    Buffer out = {0};
    MUST(tokenizer_decode(t, e.ids, e.n_tokens, true, &out, &err));
    cr_assert(slice_eq(buffer_slice(&out), SLICE("hello world")));
    // Pieces that the target's model has not: Transformers 5.24 turns their signs into blanks.
    static const int32_t foreign[] = {385, 385, 123, 123, 223, 383, 383, 0};
    buffer_clear(&out);
    MUST(tokenizer_decode(t, foreign, sizeof foreign / sizeof *foreign, true, &out, &err));
    cr_expect(slice_eq(buffer_slice(&out), SLICE("\u093f\u093f99 ne\u0926\u0926")), SLICE_FMT,
              SLICE_ARG(buffer_slice(&out)));
    buffer_release(&out);
    arena_release(&arena);
    tokenizer_close(&t);
}

Test(gguf_tokenizer, vocabularies_give_the_published_ids)
{
    static const char *const names[] = {"bert-bge", "gpt-2", "phi-3", "starcoder"};
    const EncodeOptions bare = {.no_special = true};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char model[128], relative[128];
        snprintf(model, sizeof model, "models/vocab-gguf/ggml-vocab-%s.gguf", names[i]);
        snprintf(relative, sizeof relative, "goldens/models/vocab-gguf/ggml-vocab-%s.json",
                 names[i]);
        Tokenizer *t = open_shared(model, false);
        cr_assert_eq(check_list(t, relative, "cases", "ids", &bare), 47, "%s", names[i]);
        if (i == 2) cr_assert_eq(check_list(t, relative, "texts", "ids", &bare), 49);
        tokenizer_close(&t);
    }
}

Test(gguf_tokenizer, special_tokens_in_a_text_count_where_special_tokens_are_added)
{
    Tokenizer *t = open_shared("models/vocab-gguf/ggml-vocab-phi-3.gguf", false);
    Arena arena = {0};
    Encoding e = {0};
    MUST(tokenizer_encode(t, SLICE("<|user|>Hello"), NULL, NULL, &arena, &e, &err));
    static const int32_t wanted[] = {1, 32010, 15043};
    cr_assert_eq(e.n_tokens, 3);
    cr_assert_arr_eq(e.ids, wanted, sizeof wanted);
    arena_release(&arena);
    tokenizer_close(&t);
}

// A model of bytes: pieces of a type each, then a trainer's and a normaliser's message.
static const char small_model[] = "\x0A\x0E\x0A\x05<unk>\x15\0\0\0\0\x18\x02"
                                  "\x0A\x08\x0A\x01"
                                  "a\x15\0\0\x80\xBF"
                                  "\x12\x02\x18\x01";

Test(sentencepiece, a_damaged_model_is_refused_wherever_it_is_cut_and_changed)
{
    const size_t len = sizeof small_model - 1;
    Tokenizer *t = NULL;
    for (size_t n = 0; n < len; n++) {
        const Slice cut = {small_model, n};
        if (tokenizer_parse_model(SLICE("t.model"), cut, &t, &err) != STATUS_OK)
            cr_assert(strncmp(err.text, "t.model: ", 9) == 0, "%s", err.text);
        tokenizer_close(&t);
        err = (Error){0};
    }
    char bytes[sizeof small_model];
    for (size_t n = 0; n < len; n++) {
        for (int bit = 0; bit < 8; bit++) {
            memcpy(bytes, small_model, sizeof bytes);
            bytes[n] = (char)(bytes[n] ^ 1 << bit);
            if (tokenizer_parse_model(SLICE("t.model"), (Slice){bytes, len}, &t, &err) != STATUS_OK)
                cr_assert_neq(err.text[0], '\0');
            tokenizer_close(&t);
            err = (Error){0};
        }
    }
}
