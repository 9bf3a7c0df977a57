// tokenizer.json as tokenizer.ggml.*: the list of tokens with their types, merges or scores, and the ids of special tokens.
#include <stdlib.h>

#include "base/base64.h"
#include "models/gguf/gguf_export.h"
#include "models/tokenizers/components.h"
#include "models/tokenizers/gguf_words.h"

typedef enum VocabKind {
    VOCAB_NONE,
    VOCAB_BYTE_BPE,
    VOCAB_PIECE_BPE,
    VOCAB_UNIGRAM,
    VOCAB_WORDPIECE
} VocabKind;

// As llama.cpp numbers them.
typedef enum TokenType {
    TOKEN_NORMAL = 1,
    TOKEN_UNKNOWN = 2,
    TOKEN_CONTROL = 3,
    TOKEN_USER_DEFINED = 4,
    TOKEN_UNUSED = 5,
    TOKEN_BYTE = 6,
} TokenType;

typedef struct Vocab {
    Arena arena;
    VocabKind kind;
    Slice *tokens;
    int32_t *types;
    float *scores;
    size_t n;
    Slice unknown;
} Vocab;

// Whether all components are of the types given.
static bool all_types(const Json *component, const char *list, const char *const *types, size_t n)
{
    bool is_list = false;
    if (!component || json_kind(component) == JSON_NULL) return true;
    for (const Json *v = component_first(component, list, &is_list); v;
         v = is_list ? json_next(v) : NULL) {
        size_t i = 0;
        while (i < n && !component_is(v, types[i])) i++;
        if (i == n) return false;
    }
    return true;
}

// Whether a Unigram's texts go through nothing but what SentencePiece's models do.
static bool is_plain_unigram(const Json *root)
{
    static const char *const normalizers[] = {"Precompiled", "Strip", "Replace", "Nmt", "Prepend"},
                             *const splitters[] = {"Metaspace", "WhitespaceSplit"};
    return all_types(json_get(root, "normalizer"), "normalizers", normalizers, 5) &&
           all_types(json_get(root, "pre_tokenizer"), "pretokenizers", splitters, 2);
}

static VocabKind kind_of(const Json *root)
{
    const Json *model = json_get(root, "model");
    bool falls_back = false;
    if (json_opt_bool(model, "byte_fallback", &falls_back, NULL) != STATUS_OK) return VOCAB_NONE;
    if (component_is(model, "WordPiece")) return VOCAB_WORDPIECE;
    if (component_is(model, "Unigram")) return is_plain_unigram(root) ? VOCAB_UNIGRAM : VOCAB_NONE;
    if (!component_is(model, "BPE")) return VOCAB_NONE;
    if (component_has(json_get(root, "pre_tokenizer"), "pretokenizers", "ByteLevel"))
        return VOCAB_BYTE_BPE;
    return falls_back ? VOCAB_PIECE_BPE : VOCAB_NONE;
}

static Status take_room(Vocab *vocab, const Json *root, size_t vocab_size, Error *err)
{
    const Json *words = json_get(json_get(root, "model"), "vocab");
    vocab->n = vocab_size;
    const JsonKind wanted = vocab->kind == VOCAB_UNIGRAM ? JSON_ARRAY : JSON_OBJECT;
    if (!words || json_kind(words) != wanted)
        return json_error(root, err, "model.vocab is missing");
    TRY(arena_take(&vocab->arena, vocab->n, sizeof *vocab->tokens, "tokens", &vocab->tokens, err));
    TRY(arena_take(&vocab->arena, vocab->n, sizeof *vocab->types, "tokens", &vocab->types, err));
    return arena_take(&vocab->arena, vocab->n, sizeof *vocab->scores, "tokens", &vocab->scores,
                      err);
}

// WordPiece's continuations are without "##" in GGUF, and the others have a mark of a word's beginning.
static Status stored_token(Vocab *vocab, Slice token, Slice *out, Error *err)
{
    *out = token;
    if (vocab->kind != VOCAB_WORDPIECE) return STATUS_OK;
    if (slice_starts_with(token, SLICE("##"))) {
        *out = slice_sub(token, 2, token.len);
        return STATUS_OK;
    }
    *out = arena_join(&vocab->arena, SLICE("\xe2\x96\x81"), token);
    return out->ptr ? STATUS_OK : error_set_memory(err, token.len, 1, "a token");
}

static bool is_byte(Slice token)
{
    return token.len == 6 && slice_starts_with(token, SLICE("<0x")) && token.ptr[5] == '>';
}

static Status read_words(Vocab *vocab, const Json *root, Error *err)
{
    const Json *model = json_get(root, "model");
    TRY(json_opt_string(model, "unk_token", &vocab->unknown, err));
    for (const Json *v = json_first(json_get(model, "vocab")); v; v = json_next(v)) {
        int64_t id = 0;
        const Slice word = json_key(v);
        TRY(json_as_i64(v, 0, (int64_t)vocab->n - 1, &id, err));
        TRY(stored_token(vocab, word, &vocab->tokens[id], err));
        const bool is_unknown = vocab->unknown.len > 0 && slice_eq(word, vocab->unknown);
        vocab->types[id] = is_unknown                                        ? TOKEN_UNKNOWN
                           : vocab->kind == VOCAB_PIECE_BPE && is_byte(word) ? TOKEN_BYTE
                                                                             : TOKEN_NORMAL;
    }
    return STATUS_OK;
}

// [["piece", score], ..] by id.
static Status read_pieces(Vocab *vocab, const Json *root, Error *err)
{
    const Json *model = json_get(root, "model");
    const Json *list = json_get(model, "vocab");
    int64_t unknown = -1;
    bool falls_back = false;
    size_t id = 0;
    if (!vocab->tokens || !vocab->types || !vocab->scores) return STATUS_OK; // a vocabulary of none
    TRY(json_opt_i64(model, "unk_id", 0, INT32_MAX, &unknown, err));
    TRY(json_opt_bool(model, "byte_fallback", &falls_back, err));
    for (const Json *v = json_first(list); v && id < vocab->n; v = json_next(v), id++) {
        double score = 0;
        if (json_kind(v) != JSON_ARRAY || json_len(v) != 2)
            return json_error(v, err, "must be a piece and its score");
        TRY(json_as_string(json_at(v, 0), &vocab->tokens[id], err));
        TRY(json_as_double(json_at(v, 1), -1e30, 1e30, &score, err));
        vocab->scores[id] = (float)score;
        vocab->types[id] = (int64_t)id == unknown                     ? TOKEN_UNKNOWN
                           : falls_back && is_byte(vocab->tokens[id]) ? TOKEN_BYTE
                                                                      : TOKEN_NORMAL;
    }
    return STATUS_OK;
}

static Status read_added(Vocab *vocab, const Json *root, Error *err)
{
    for (const Json *v = json_first(json_get(root, "added_tokens")); v; v = json_next(v)) {
        int64_t id = 0;
        Slice text = {0};
        bool is_special = false;
        TRY(json_want_i64(v, "id", 0, INT32_MAX, &id, err));
        TRY(json_want_string(v, "content", &text, err));
        TRY(json_opt_bool(v, "special", &is_special, err));
        if ((size_t)id >= vocab->n) continue; // beyond the embedding: no text may give it
        vocab->tokens[id] = text;
        const bool keeps_unknown =
            (vocab->kind == VOCAB_PIECE_BPE || vocab->kind == VOCAB_UNIGRAM) &&
            vocab->types[id] == TOKEN_UNKNOWN;
        if (!keeps_unknown) vocab->types[id] = is_special ? TOKEN_CONTROL : TOKEN_USER_DEFINED;
    }
    for (size_t i = 0; i < vocab->n; i++) {
        if (vocab->types[i] != 0) continue;
        vocab->tokens[i] = slice_from_cstr(arena_printf(&vocab->arena, "[PAD%zu]", i));
        vocab->types[i] = TOKEN_UNUSED;
        if (!vocab->tokens[i].ptr) return error_set_memory(err, 1, 16, "a token");
    }
    return STATUS_OK;
}

// ---- merges ----

// "a b", be it written so or as ["a", "b"].
static Status merge_sides(const Json *merge, Slice *left, Slice *right, Error *err)
{
    if (json_kind(merge) == JSON_ARRAY && json_len(merge) == 2) {
        TRY(json_as_string(json_at(merge, 0), left, err));
        return json_as_string(json_at(merge, 1), right, err);
    }
    Slice text = {0};
    TRY(json_as_string(merge, &text, err));
    const size_t at = slice_find_byte(text, ' ');
    if (at == SIZE_MAX) return json_error(merge, err, "a merge must be two tokens");
    *left = slice_sub(text, 0, at);
    *right = slice_sub(text, at + 1, text.len);
    return STATUS_OK;
}

typedef struct Entry {
    Slice text;
    size_t id;
} Entry;

static int by_text(const void *a, const void *b)
{
    return slice_cmp(((const Entry *)a)->text, ((const Entry *)b)->text);
}

// SentencePiece's BPE merges the pair whose result has the highest score: minus the rank of its first merge. Tokens that no
// merge makes are below all others.
static Status score_by_merges(Vocab *vocab, const Json *merges, Error *err)
{
    Entry *order = NULL;
    TRY(arena_take(&vocab->arena, vocab->n, sizeof *order, "tokens", &order, err));
    for (size_t i = 0; i < vocab->n; i++) {
        order[i] = (Entry){vocab->tokens[i], i};
        if (vocab->types[i] == TOKEN_NORMAL) vocab->scores[i] = -1e6f;
    }
    qsort(order, vocab->n, sizeof *order, by_text);
    float rank = 0;
    for (const Json *v = json_first(merges); v; v = json_next(v), rank += 1) {
        Slice left = {0}, right = {0};
        TRY(merge_sides(v, &left, &right, err));
        const ArenaMark mark = arena_mark(&vocab->arena);
        const Entry key = {.text = arena_join(&vocab->arena, left, right)};
        if (!key.text.ptr) return error_set_memory(err, 1, left.len, "a merge");
        const Entry *found = bsearch(&key, order, vocab->n, sizeof *order, by_text);
        if (found && vocab->scores[found->id] == -1e6f) vocab->scores[found->id] = -rank;
        arena_rewind(&vocab->arena, mark);
    }
    return STATUS_OK;
}

static Status put_merges(GgufBuilder *b, Vocab *vocab, const Json *merges, Error *err)
{
    const size_t n = json_len(merges);
    Slice *texts = NULL;
    size_t at = 0;
    TRY(arena_take(&vocab->arena, n, sizeof *texts, "merges", &texts, err));
    for (const Json *v = json_first(merges); v; v = json_next(v)) {
        Slice left = {0}, right = {0};
        TRY(merge_sides(v, &left, &right, err));
        texts[at] = slice_from_cstr(arena_printf(&vocab->arena, SLICE_FMT " " SLICE_FMT,
                                                 SLICE_ARG(left), SLICE_ARG(right)));
        if (!texts[at++].ptr) return error_set_memory(err, n, sizeof *texts, "merges");
    }
    gguf_put_strings(b, "tokenizer.ggml.merges", texts, n);
    return STATUS_OK;
}

// ---- special tokens ----

static void put_id_of_text(GgufBuilder *b, const Vocab *vocab, const char *key, const char *text)
{
    for (size_t i = 0; i < vocab->n; i++) {
        if (vocab->types[i] != TOKEN_CONTROL || !slice_eq_cstr(vocab->tokens[i], text)) continue;
        gguf_put_u32(b, key, (uint32_t)i);
        return;
    }
}

// What puts special tokens around a text: RoBERTa's and BERT's own ways, or a template.
static const Json *find_post(const Json *root)
{
    static const char *const types[] = {"RobertaProcessing", "BertProcessing",
                                        "TemplateProcessing"};
    const Json *post = json_get(root, "post_processor");
    bool is_list = false;
    for (const Json *v = component_first(post, "processors", &is_list); v;
         v = is_list ? json_next(v) : NULL) {
        if (all_types(v, "processors", types, 3)) return v;
    }
    return NULL;
}

// Whether a special token is put first (last) around a single text.
static bool template_adds(const Json *root, bool at_end)
{
    const Json *post = find_post(root);
    if (post && !component_is(post, "TemplateProcessing")) return true;
    const Json *single = json_get(post, "single");
    if (!single || json_len(single) == 0) return false;
    return json_get(json_at(single, at_end ? json_len(single) - 1 : 0), "SpecialToken") != NULL;
}

static Status put_config_id(GgufBuilder *b, const Json *config, const char *name, const char *key,
                            size_t n, Error *err)
{
    const Json *value = json_get(config, name);
    int64_t id = -1;
    if (value && json_kind(value) == JSON_ARRAY)
        value = json_at(value, 0); // several ends: the first
    if (!value || json_kind(value) == JSON_NULL) return STATUS_OK;
    TRY(json_as_i64(value, -1, INT32_MAX, &id, err));
    if (id >= 0 && (size_t)id < n) gguf_put_u32(b, key, (uint32_t)id);
    return STATUS_OK;
}

// What SentencePiece does to a text before it is cut.
static Status put_unigram_rules(GgufBuilder *b, Vocab *vocab, const Json *root, Error *err)
{
    const Json *normalizer = json_get(root, "normalizer"), *pre = json_get(root, "pre_tokenizer");
    bool is_list = false, has_prefix = false, removes = false;
    for (const Json *v = component_first(pre, "pretokenizers", &is_list); v;
         v = is_list ? json_next(v) : NULL) {
        Slice scheme = SLICE("always");
        bool adds = true;
        removes = removes || component_is(v, "WhitespaceSplit");
        if (!component_is(v, "Metaspace")) continue;
        TRY(json_opt_string(v, "prepend_scheme", &scheme, err));
        TRY(json_opt_bool(v, "add_prefix_space", &adds, err));
        has_prefix = adds && !slice_eq_cstr(scheme, "never");
    }
    for (const Json *v = component_first(normalizer, "normalizers", &is_list); v;
         v = is_list ? json_next(v) : NULL) {
        Slice text = {0}, map = {0};
        const Json *regex = json_get(json_get(v, "pattern"), "Regex");
        if (component_is(v, "Prepend")) has_prefix = true;
        if (component_is(v, "Replace") && regex && json_kind(regex) == JSON_STRING)
            removes = removes || slice_eq_cstr(json_string(regex), " {2,}");
        if (!component_is(v, "Precompiled")) continue;
        TRY(json_want_string(v, "precompiled_charsmap", &text, err));
        TRY(base64_decode(&vocab->arena, text, &map, err));
        if (map.len > 0) gguf_put_bytes(b, "tokenizer.ggml.precompiled_charsmap", map);
    }
    gguf_put_bool(b, "tokenizer.ggml.add_space_prefix", has_prefix);
    gguf_put_bool(b, "tokenizer.ggml.remove_extra_whitespaces", removes);
    return STATUS_OK;
}

// What BERT's words go through: llama.cpp would make lower case of all, and leave out accents.
static Status put_bert_rules(GgufBuilder *b, const Json *root, Error *err)
{
    bool is_list = false, lowercase = false, strips = false;
    for (const Json *v = component_first(json_get(root, "normalizer"), "normalizers", &is_list); v;
         v = is_list ? json_next(v) : NULL) {
        lowercase = lowercase || component_is(v, "Lowercase");
        strips = strips || component_is(v, "StripAccents");
        if (!component_is(v, "BertNormalizer")) continue;
        lowercase = true;
        TRY(json_opt_bool(v, "lowercase", &lowercase, err));
        strips = lowercase;
        const Json *given = json_get(v, "strip_accents");
        if (given && json_kind(given) != JSON_NULL)
            TRY(json_opt_bool(v, "strip_accents", &strips, err));
    }
    gguf_put_bool(b, "tokenizer.ggml.normalizer.lowercase", lowercase);
    gguf_put_bool(b, "tokenizer.ggml.normalizer.strip_accents", strips);
    return STATUS_OK;
}

static Status put_special(GgufBuilder *b, Vocab *vocab, const Json *root, const Json *config,
                          Error *err)
{
    if (vocab->kind == VOCAB_WORDPIECE) {
        put_id_of_text(b, vocab, "tokenizer.ggml.unknown_token_id", "[UNK]");
        put_id_of_text(b, vocab, "tokenizer.ggml.seperator_token_id", "[SEP]"); // so spelt there
        put_id_of_text(b, vocab, "tokenizer.ggml.padding_token_id", "[PAD]");
        put_id_of_text(b, vocab, "tokenizer.ggml.cls_token_id", "[CLS]");
        // Which newer ones of llama.cpp take for it: without this 101, wherever that is.
        put_id_of_text(b, vocab, "tokenizer.ggml.bos_token_id", "[CLS]");
        put_id_of_text(b, vocab, "tokenizer.ggml.mask_token_id", "[MASK]");
        return put_bert_rules(b, root, err);
    }
    TRY(put_config_id(b, config, "bos_token_id", "tokenizer.ggml.bos_token_id", vocab->n, err));
    TRY(put_config_id(b, config, "eos_token_id", "tokenizer.ggml.eos_token_id", vocab->n, err));
    TRY(put_config_id(b, config, "pad_token_id", "tokenizer.ggml.padding_token_id", vocab->n, err));
    for (size_t i = 0; i < vocab->n; i++) {
        if (vocab->types[i] == TOKEN_UNKNOWN)
            gguf_put_u32(b, "tokenizer.ggml.unknown_token_id", (uint32_t)i);
    }
    gguf_put_bool(b, "tokenizer.ggml.add_bos_token", template_adds(root, false));
    gguf_put_bool(b, "tokenizer.ggml.add_eos_token", template_adds(root, true));
    put_id_of_text(b, vocab, "tokenizer.ggml.mask_token_id", "<mask>");
    if (vocab->kind == VOCAB_UNIGRAM) return put_unigram_rules(b, vocab, root, err);
    if (vocab->kind == VOCAB_PIECE_BPE) {
        const bool has_prefix =
            component_has(json_get(root, "normalizer"), "normalizers", "Prepend") ||
            component_has(json_get(root, "pre_tokenizer"), "pretokenizers", "Metaspace");
        gguf_put_bool(b, "tokenizer.ggml.add_space_prefix", has_prefix);
    }
    return STATUS_OK;
}

static Status put_vocab(GgufBuilder *b, Vocab *vocab, const Json *root, const Json *config,
                        Error *err)
{
    const Json *merges = json_get(json_get(root, "model"), "merges");
    TRY(vocab->kind == VOCAB_UNIGRAM ? read_pieces(vocab, root, err)
                                     : read_words(vocab, root, err));
    TRY(read_added(vocab, root, err));
    const char *model = vocab->kind == VOCAB_BYTE_BPE    ? "gpt2"
                        : vocab->kind == VOCAB_PIECE_BPE ? "llama"
                        : vocab->kind == VOCAB_UNIGRAM   ? "t5"
                                                         : "bert";
    gguf_put_string(b, "tokenizer.ggml.model", slice_from_cstr(model));
    gguf_put_string(
        b, "tokenizer.ggml.pre",
        slice_from_cstr(vocab->kind == VOCAB_BYTE_BPE ? gguf_words_name(root) : "default"));
    gguf_put_strings(b, "tokenizer.ggml.tokens", vocab->tokens, vocab->n);
    gguf_put_i32s(b, "tokenizer.ggml.token_type", vocab->types, vocab->n);
    if (vocab->kind == VOCAB_BYTE_BPE) TRY(put_merges(b, vocab, merges, err));
    if (vocab->kind == VOCAB_PIECE_BPE) TRY(score_by_merges(vocab, merges, err));
    if (vocab->kind == VOCAB_PIECE_BPE || vocab->kind == VOCAB_UNIGRAM) {
        gguf_put_f32s(b, "tokenizer.ggml.scores", vocab->scores, vocab->n);
    }
    return put_special(b, vocab, root, config, err);
}

Status gguf_put_tokenizer(GgufBuilder *b, const Json *tokenizer, const Json *config,
                          size_t vocab_size, Error *err)
{
    Vocab vocab = {.kind = kind_of(tokenizer)};
    if (vocab.kind == VOCAB_NONE) return STATUS_OK;
    Status s = take_room(&vocab, tokenizer, vocab_size, err);
    if (s == STATUS_OK) s = put_vocab(b, &vocab, tokenizer, config, err);
    arena_release(&vocab.arena);
    return s == STATUS_OK ? s : error_wrap(err, "telling the tokenizer as GGUF");
}
