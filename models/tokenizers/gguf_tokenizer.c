// The tokenizer in a GGUF file's metadata (tokenizer.ggml.*), with llama.cpp's rules: "llama" (SentencePiece BPE), "t5" (its unigram),
// "gpt2" (byte-level BPE, words by the name in tokenizer.ggml.pre), "bert" (WordPiece, "\u2581" before whole words).
#include <string.h>

#include "models/formats/gguf.h"
#include "models/tokenizers/byte_level.h"
#include "models/tokenizers/gguf_tell.h"
#include "models/tokenizers/gguf_words.h"
#include "models/tokenizers/tokenizer_internal.h"

enum { T5_EOS = 1, T5_UNK = 2 }; // where a file does not say

// What is read before it is known what the tokenizer is.
typedef struct GgufVocab {
    const Gguf *file;
    size_t n;
    uint8_t *types; // PieceType; all normal where the file has none
    float *scores;  // 0 where the file has none
    int32_t bos, eos, unk, sep, pad, cls, mask;
    bool add_bos, add_eos, has_add_bos, has_add_eos;
} GgufVocab;

static Status read_id(const GgufVocab *v, const char *key, int32_t *out, Error *err)
{
    int64_t id = TOKEN_NONE;
    TRY(gguf_get_int(v->file, key, -1, UINT32_MAX, &id, NULL, err));
    if (id >= (int64_t)v->n && id != INT32_MAX && id != UINT32_MAX) // these and -1: there is none
        return error_set(err, STATUS_INVALID, "%s is %lld, but there are %zu tokens", key,
                         (long long)id, v->n);
    *out = id < (int64_t)v->n ? (int32_t)id : TOKEN_NONE;
    return STATUS_OK;
}

static Status read_tokens(GgufVocab *v, Tokenizer *t, Error *err)
{
    GgufItems items = {0};
    bool found = false;
    TRY(gguf_get_array(v->file, "tokenizer.ggml.tokens", GGUF_STRING, &items, &found, err));
    if (!found || items.n == 0)
        return error_set(err, STATUS_INVALID,
                         "the file has no tokenizer.ggml.tokens: it holds no vocabulary; use the "
                         "model's directory");
    v->n = items.n;
    Slice token = {0};
    for (int64_t id = 0; gguf_next_string(&items, &token); id++) {
        if (utf8_invalid_at(token) != SIZE_MAX)
            return error_set(err, STATUS_INVALID, "token %lld is not valid UTF-8", (long long)id);
        TRY(vocab_put(&t->vocab, &t->arena, token, id, v->n, err));
    }
    return STATUS_OK;
}

static Status check_count(const char *key, size_t n, size_t n_tokens, Error *err)
{
    if (n == n_tokens) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "%s has %zu elements for %zu tokens", key, n, n_tokens);
}

static Status read_types(GgufVocab *v, Arena *arena, Error *err)
{
    static const char types_key[] = "tokenizer.ggml.token_type",
                      scores_key[] = "tokenizer.ggml.scores";
    GgufItems items = {0};
    bool found = false;
    int64_t type = 0;
    double score = 0;
    TRY(arena_take(arena, v->n, 1, "token types", &v->types, err));
    TRY(arena_take(arena, v->n, sizeof *v->scores, "token scores", &v->scores, err));
    memset(v->types, PIECE_NORMAL, v->n);
    TRY(gguf_get_array(v->file, types_key, GGUF_I64, &items, &found, err));
    if (found) TRY(check_count(types_key, items.n, v->n, err));
    for (size_t i = 0; found && gguf_next_int(&items, &type); i++) {
        if (type < 0 || type > PIECE_BYTE)
            return error_set(err, STATUS_INVALID, "token %zu has type %lld: types run from 1 to 6",
                             i, (long long)type);
        v->types[i] = type == 0 ? PIECE_NORMAL : (uint8_t)type; // 0: undefined
    }
    TRY(gguf_get_array(v->file, scores_key, GGUF_F64, &items, &found, err));
    if (found) TRY(check_count(scores_key, items.n, v->n, err));
    for (size_t i = 0; found && gguf_next_real(&items, &score); i++) {
        if (!(score > -1e30 && score < 1e30))
            return error_set(err, STATUS_INVALID, "token %zu has a score that is not finite", i);
        v->scores[i] = (float)score;
    }
    return STATUS_OK;
}

static Status read_ids(GgufVocab *v, Error *err)
{
    const struct {
        const char *key;
        int32_t *id;
    } ids[] = {{"tokenizer.ggml.bos_token_id", &v->bos},
               {"tokenizer.ggml.eos_token_id", &v->eos},
               {"tokenizer.ggml.unknown_token_id", &v->unk},
               {"tokenizer.ggml.seperator_token_id", &v->sep}, // spelled so in the files
               {"tokenizer.ggml.padding_token_id", &v->pad},
               {"tokenizer.ggml.cls_token_id", &v->cls},
               {"tokenizer.ggml.mask_token_id", &v->mask}};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        TRY(read_id(v, ids[i].key, ids[i].id, err));
    TRY(gguf_get_bool(v->file, "tokenizer.ggml.add_bos_token", &v->add_bos, &v->has_add_bos, err));
    return gguf_get_bool(v->file, "tokenizer.ggml.add_eos_token", &v->add_eos, &v->has_add_eos,
                         err);
}

// Those of Phi-3 take the blanks behind them, but for a few.
static Status take_blanks(const GgufVocab *v, Tokenizer *t, Error *err)
{
    Slice name = {0};
    TRY(gguf_get_string(v->file, "general.name", &name, NULL, err));
    for (size_t i = 0; i < t->n_added && gguf_words_is_phi3(name); i++)
        t->added[i].rstrip = !slice_eq_cstr(t->added[i].content, "<unk>") &&
                             !slice_eq_cstr(t->added[i].content, "<s>") &&
                             !slice_eq_cstr(t->added[i].content, "<|endoftext|>");
    return STATUS_OK;
}

static bool is_control(const GgufVocab *v, size_t id)
{
    return v->types[id] == PIECE_CONTROL || v->types[id] == PIECE_UNKNOWN;
}

// Control and user-defined tokens are found in texts as they are.
static Status add_tokens(const GgufVocab *v, Tokenizer *t, Error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++) n += is_control(v, i) || v->types[i] == PIECE_USER_DEFINED;
    TRY(arena_take(&t->arena, n, sizeof *t->added, "added tokens", &t->added, err));
    for (size_t i = 0; i < v->n; i++) {
        const bool is_special = is_control(v, i);
        const Slice token = vocab_at(&t->vocab, i);
        if ((!is_special && v->types[i] != PIECE_USER_DEFINED) || token.len == 0) continue;
        t->added[t->n_added++] =
            (AddedToken){.content = token, .id = (int32_t)i, .special = is_special};
    }
    return take_blanks(v, t, err);
}

static void set_special(const GgufVocab *v, Tokenizer *t)
{
    const int32_t ids[N_SPECIAL_TOKENS] = {
        [SPECIAL_UNK] = v->unk, [SPECIAL_CLS] = v->cls,   [SPECIAL_SEP] = v->sep,
        [SPECIAL_PAD] = v->pad, [SPECIAL_MASK] = v->mask, [SPECIAL_BOS] = v->bos,
        [SPECIAL_EOS] = v->eos};
    for (size_t i = 0; i < N_SPECIAL_TOKENS; i++) {
        if (ids[i] >= 0) t->special[i] = ids[i];
    }
}

static Status set_bos_eos(const GgufVocab *v, Tokenizer *t, bool default_bos, Error *err)
{
    const bool add_bos = v->has_add_bos ? v->add_bos : default_bos;
    return template_bos_eos(t->post.templates, add_bos ? v->bos : TOKEN_NONE,
                            v->add_eos ? v->eos : TOKEN_NONE, &t->arena, err);
}

// ---- llama ----

// What SentencePiece does to a text before it is cut.
static Status read_normalizer(const GgufVocab *v, Spm *spm, Arena *arena, Error *err)
{
    GgufItems items = {0};
    char *bytes = NULL;
    bool found = false;
    int64_t byte = 0;
    TRY(gguf_get_bool(v->file, "tokenizer.ggml.add_space_prefix", &spm->add_dummy_prefix, NULL,
                      err));
    TRY(gguf_get_bool(v->file, "tokenizer.ggml.remove_extra_whitespaces",
                      &spm->remove_extra_whitespaces, NULL, err));
    TRY(gguf_get_bool(v->file, GGUF_KEY_PREFIX_YIELDS, &spm->prefix_yields, NULL, err));
    TRY(gguf_get_bool(v->file, GGUF_KEY_PREFIX_IS_FIRST, &spm->prefix_is_first, NULL, err));
    TRY(gguf_get_array(v->file, "tokenizer.ggml.precompiled_charsmap", GGUF_I64, &items, &found,
                       err));
    if (items.n == 0) return STATUS_OK;
    TRY(arena_take(arena, items.n, 1, "a character map", &bytes, err));
    spm->charsmap_bytes = (Slice){bytes, items.n};
    for (size_t i = 0; gguf_next_int(&items, &byte); i++) bytes[i] = (char)byte; // i8 in old files
    return charsmap_parse(spm->charsmap_bytes, &spm->charsmap, err);
}

static Status build_llama(GgufVocab *v, Tokenizer *t, Error *err)
{
    Spm *spm = NULL;
    TRY(arena_take(&t->arena, 1, sizeof *spm, "a model", &spm, err));
    *spm = (Spm){.is_bpe = true,
                 .add_dummy_prefix = true,
                 .escape_whitespaces = true,
                 .byte_fallback = true,
                 .scores = v->scores,
                 .types = v->types,
                 .charsmap = {.ascii_stays = true},
                 .unk_surface = SLICE(" \xE2\x81\x87 ")};
    TRY(read_normalizer(v, spm, &t->arena, err)); // files of our own may have more than a prefix
    // Files have the unknown token as a control one, or not at all.
    for (size_t i = 0; i < v->n; i++) {
        if (v->types[i] == PIECE_UNKNOWN) v->types[i] = PIECE_CONTROL;
    }
    v->types[v->unk >= 0 ? v->unk : 0] = PIECE_UNKNOWN;
    TRY(vocab_index(&t->vocab, &t->arena, err));
    spm->pieces = t->vocab;
    TRY(add_tokens(v, t, err));
    // They are cut out before the model sees a text.
    uint8_t *types = NULL;
    TRY(arena_take(&t->arena, v->n, 1, "token types", &types, err));
    for (size_t i = 0; i < v->n; i++)
        types[i] = v->types[i] == PIECE_USER_DEFINED ? PIECE_NORMAL
                   : v->types[i] == PIECE_UNUSED     ? PIECE_CONTROL // what fills a list up
                                                     : v->types[i];
    spm->types = types;
    TRY(spm_finish(spm, &t->arena, err));
    t->spm = spm;
    t->model = MODEL_BPE;
    t->bpe.unk = spm->unk;
    TRY(tokenizer_finish(t, err));
    return set_bos_eos(v, t, true, err);
}

// ---- t5 ----

static Status build_unigram(GgufVocab *v, Tokenizer *t, Error *err)
{
    Spm *spm = NULL;
    TRY(arena_take(&t->arena, 1, sizeof *spm, "a model", &spm, err));
    *spm = (Spm){.escape_whitespaces = true,
                 .scores = v->scores,
                 .types = v->types,
                 .charsmap = {.ascii_stays = true}};
    TRY(read_normalizer(v, spm, &t->arena, err));
    spm->add_dummy_prefix |=
        spm->remove_extra_whitespaces; // llama.cpp marks every word's beginning then
    if (v->unk < 0) v->unk = v->n > T5_UNK ? T5_UNK : 0;
    if (v->eos < 0 && v->n > T5_EOS) v->eos = T5_EOS;
    v->types[v->unk] = PIECE_UNKNOWN;
    spm->unk_surface =
        vocab_at(&t->vocab, (size_t)v->unk); // as it stands there, unlike SentencePiece
    TRY(vocab_index(&t->vocab, &t->arena, err));
    spm->pieces = t->vocab;
    TRY(add_tokens(v, t, err));
    TRY(spm_finish(spm, &t->arena, err));
    t->spm = spm;
    t->model = MODEL_UNIGRAM;
    t->unigram.unk = spm->unk;
    TRY(tokenizer_finish(t, err));
    if (!v->has_add_eos) v->add_eos = true;
    return set_bos_eos(v, t, false, err);
}

// ---- gpt2 ----

static Status read_merges(const GgufVocab *v, Arena *arena, MergePair **out, size_t *n, Error *err)
{
    GgufItems items = {0};
    bool found = false;
    Slice text = {0};
    TRY(gguf_get_array(v->file, "tokenizer.ggml.merges", GGUF_STRING, &items, &found, err));
    if (!found)
        return error_set(
            err, STATUS_INVALID,
            "the file has no tokenizer.ggml.merges, which a \"gpt2\" vocabulary needs");
    TRY(arena_take(arena, items.n, sizeof **out, "merges", out, err));
    for (*n = 0; gguf_next_string(&items, &text); (*n)++) {
        const size_t blank =
            text.len > 0 ? slice_find_byte(slice_sub(text, 1, text.len), ' ') : SIZE_MAX;
        if (blank == SIZE_MAX)
            return error_set(err, STATUS_INVALID,
                             "merge %zu is not two tokens with a blank between", *n + 1);
        (*out)[*n] =
            (MergePair){slice_sub(text, 0, blank + 1), slice_sub(text, blank + 2, text.len)};
    }
    return STATUS_OK;
}

static Status take_words(Tokenizer *t, const GgufWords *words, Error *err)
{
    PreTokenizer *p = &t->pretokenizer;
    TRY(arena_take(&t->arena, GGUF_WORDS_STEPS + 1, sizeof *p->steps, "words", &p->steps, err));
    if (words->is_starcoder)
        p->steps[p->n_steps++] = (PreTokenizerStep){.kind = PRETOKENIZER_STARCODER};
    for (size_t i = 0; i < GGUF_WORDS_STEPS && words->regexes[i] != NULL; i++) {
        PreTokenizerStep *step = &p->steps[p->n_steps++];
        step->kind = PRETOKENIZER_SPLIT;
        TRY(tokenizer_take_pattern(t, slice_from_cstr(words->regexes[i]), true, &step->pattern,
                                   err));
    }
    p->steps[p->n_steps++] =
        (PreTokenizerStep){.kind = PRETOKENIZER_BYTE_LEVEL, .keeps_bytes = true};
    return STATUS_OK;
}

static Status build_gpt2(GgufVocab *v, Tokenizer *t, Error *err)
{
    Slice name = SLICE("default");
    MergePair *merges = NULL;
    size_t n_merges = 0;
    TRY(gguf_get_string(v->file, "tokenizer.ggml.pre", &name, NULL, err));
    const GgufWords *words = gguf_words_find(name);
    if (words == NULL)
        return error_set(err, STATUS_INVALID,
                         "tokenizer.ggml.pre \"" SLICE_FMT
                         "\" is not supported: supported are %s; use the model's tokenizer.json",
                         SLICE_ARG(name), gguf_words_names);
    TRY(vocab_index(&t->vocab, &t->arena, err));
    TRY(take_words(t, words, err));
    TRY(read_merges(v, &t->arena, &merges, &n_merges, err));
    t->model = MODEL_BPE;
    t->bpe = (Bpe){.is_byte_level = true, .ignore_merges = words->ignore_merges, .unk = TOKEN_NONE};
    TRY(bpe_init(&t->bpe, &t->vocab, merges, n_merges, &t->arena, err));
    DecoderStep *decoder = NULL;
    TRY(arena_take(&t->arena, 1, sizeof *decoder, "a decoder", &decoder, err));
    decoder->kind = DECODER_BYTE_LEVEL;
    t->decoder = (Decoder){.steps = decoder, .n_steps = 1};
    TRY(add_tokens(v, t, err));
    TRY(tokenizer_finish(t, err));
    return set_bos_eos(v, t, words->adds_bos, err);
}

// ---- bert ----

// "\u2581word" is a whole word, what has no mark continues one; tokens in brackets stay.
static Status spell_bert(Tokenizer *t, Arena *scratch, Error *err)
{
    static const Slice mark = SLICE_LIT("\xE2\x96\x81");
    for (size_t i = 0; i < t->vocab.size; i++) {
        const Slice token = vocab_at(&t->vocab, i);
        if (token.len > 1 && token.ptr[0] == '[' && token.ptr[token.len - 1] == ']') continue;
        const Slice spelled = slice_starts_with(token, mark)
                                  ? slice_sub(token, mark.len, token.len)
                                  : arena_join(scratch, SLICE("##"), token);
        if (spelled.ptr == NULL) return error_set_memory(err, 1, token.len, "a token");
        TRY(vocab_rename(&t->vocab, &t->arena, spelled, (int32_t)i, err));
    }
    return STATUS_OK;
}

static Status build_bert(GgufVocab *v, Tokenizer *t, Error *err)
{
    BertNormalizer rules = {true, true, true, true};
    NormalizerStep *normalizer = NULL;
    DecoderStep *decoder = NULL;
    TRY(gguf_get_bool(v->file, "tokenizer.ggml.normalizer.lowercase", &rules.lowercase, NULL, err));
    rules.strip_accents = rules.lowercase;
    TRY(gguf_get_bool(v->file, "tokenizer.ggml.normalizer.strip_accents", &rules.strip_accents,
                      NULL, err));
    Arena scratch = {0};
    const Status spelled = spell_bert(t, &scratch, err);
    arena_release(&scratch);
    TRY(spelled);
    TRY(vocab_index(&t->vocab, &t->arena, err));
    TRY(arena_take(&t->arena, 1, sizeof *normalizer, "a normalizer", &normalizer, err));
    normalizer->kind = NORMALIZER_BERT;
    TRY(tokenizer_take_bert(t, &rules, &normalizer->bert, err));
    t->normalizer = (Normalizer){.steps = normalizer, .n_steps = 1};
    t->is_bert = true;
    t->wordpiece = (WordPiece){
        .prefix = SLICE("##"), .max_word_chars = 100, .unk = v->unk, .unk_token = SLICE("[UNK]")};
    TRY(wordpiece_init(&t->wordpiece, &t->vocab, &t->arena, err));
    TRY(arena_take(&t->arena, 1, sizeof *decoder, "a decoder", &decoder, err));
    *decoder = (DecoderStep){.kind = DECODER_WORDPIECE, .text = SLICE("##"), .cleanup = true};
    t->decoder = (Decoder){.steps = decoder, .n_steps = 1};
    TRY(add_tokens(v, t, err));
    TRY(tokenizer_finish(t, err));
    const int32_t cls = v->cls >= 0 ? v->cls : v->bos, sep = v->sep >= 0 ? v->sep : v->eos;
    if (cls < 0 || sep < 0)
        return error_set(err, STATUS_INVALID,
                         "a \"bert\" vocabulary needs tokenizer.ggml.cls_token_id and "
                         "seperator_token_id");
    return template_bert(t->post.templates, cls, sep, false, &t->arena, err);
}

// ---- the whole ----

static Status build(const Gguf *file, Tokenizer *t, Error *err)
{
    Slice model = {0};
    GgufVocab v = {.file = file};
    TRY(gguf_get_string(file, "tokenizer.ggml.model", &model, NULL, err));
    TRY(read_tokens(&v, t, err));
    TRY(read_types(&v, &t->arena, err));
    TRY(read_ids(&v, err));
    Status s = STATUS_OK;
    if (slice_eq_cstr(model, "llama")) {
        s = build_llama(&v, t, err);
    } else if (slice_eq_cstr(model, "t5")) {
        s = build_unigram(&v, t, err);
    } else if (slice_eq_cstr(model, "gpt2")) {
        s = build_gpt2(&v, t, err);
    } else if (slice_eq_cstr(model, "bert")) {
        s = build_bert(&v, t, err);
    } else {
        s = error_set(
            err, STATUS_INVALID,
            "tokenizer.ggml.model \"" SLICE_FMT
            "\" is not supported: supported are llama, t5, gpt2 and bert; use the model's "
            "tokenizer.json",
            SLICE_ARG(model));
    }
    if (s == STATUS_OK) set_special(&v, t);
    t->plain_without_special = true;
    return s;
}

Status tokenizer_from_gguf(const char *path, const Gguf *file, Tokenizer **out, Error *err)
{
    *out = NULL;
    Status s = tokenizer_new(out, err);
    if (s == STATUS_OK && build(file, *out, err) != STATUS_OK) s = error_wrap(err, "%s", path);
    if (s != STATUS_OK) tokenizer_close(out);
    return s;
}

Status tokenizer_open_gguf(const char *path, Tokenizer **out, Error *err)
{
    Gguf file = {0};
    *out = NULL;
    TRY(gguf_open(path, &file, err));
    const Status s = tokenizer_from_gguf(path, &file, out, err);
    gguf_close(&file);
    return s;
}
