// Opening, closing, and what a tokenizer knows.
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "models/tokenizers/tokenizer_internal.h"
#include "models/tokenizers/told.h"

// ---- what it knows ----

size_t tokenizer_bytes(const Tokenizer *tokenizer)
{
    return tokenizer->arena.used_bytes +
           (tokenizer->target ? tokenizer_bytes(tokenizer->target) : 0);
}

const char *tokenizer_departure(const Tokenizer *tokenizer)
{
    return tokenizer->departure;
}

size_t tokenizer_vocab_size(const Tokenizer *tokenizer)
{
    return tokenizer->vocab.size;
}

size_t tokenizer_needed_size(const Tokenizer *tokenizer)
{
    return tokenizer->needed_size > 0 ? tokenizer->needed_size : tokenizer->vocab.size;
}

Slice tokenizer_token(const Tokenizer *tokenizer, int32_t id)
{
    return vocab_token(&tokenizer->vocab, id);
}

int32_t tokenizer_id(const Tokenizer *tokenizer, Slice token)
{
    const int32_t id = vocab_find(&tokenizer->vocab, token);
    for (size_t i = 0; i < tokenizer->n_added && id < 0; i++) {
        if (slice_eq(tokenizer->added[i].content, token)) return tokenizer->added[i].id;
    }
    return id;
}

bool tokenizer_is_special(const Tokenizer *tokenizer, int32_t id)
{
    return id >= 0 && (size_t)id < tokenizer->vocab.size &&
           (tokenizer->flags[id] & TOKEN_IS_SPECIAL) != 0;
}

int32_t tokenizer_special(const Tokenizer *tokenizer, SpecialToken which)
{
    return tokenizer->special[which];
}

size_t tokenizer_n_added(const Tokenizer *tokenizer, bool is_pair)
{
    return tokenizer->post.templates[is_pair].n_added;
}

const char *tokenizer_model_name(const Tokenizer *tokenizer)
{
    static const char *const names[] = {[MODEL_WORDPIECE] = "WordPiece",
                                        [MODEL_BPE] = "BPE",
                                        [MODEL_UNIGRAM] = "Unigram",
                                        [MODEL_WORDLEVEL] = "WordLevel"};
    return names[tokenizer->model];
}

size_t tokenizer_model_max_length(const Tokenizer *tokenizer)
{
    return tokenizer->model_max_length;
}

// ---- finishing ----

// The usual names, the first that the vocabulary has.
static const Slice usual_names[N_SPECIAL_TOKENS][4] = {
    [SPECIAL_UNK] = {SLICE_LIT("[UNK]"), SLICE_LIT("<unk>")},
    [SPECIAL_CLS] = {SLICE_LIT("[CLS]"), SLICE_LIT("<s>")},
    [SPECIAL_SEP] = {SLICE_LIT("[SEP]"), SLICE_LIT("</s>")},
    [SPECIAL_PAD] = {SLICE_LIT("[PAD]"), SLICE_LIT("<pad>"), SLICE_LIT("<|pad|>")},
    [SPECIAL_MASK] = {SLICE_LIT("[MASK]"), SLICE_LIT("<mask>")},
    [SPECIAL_BOS] = {SLICE_LIT("<s>"), SLICE_LIT("<|begin_of_text|>"), SLICE_LIT("<|endoftext|>")},
    [SPECIAL_EOS] = {SLICE_LIT("</s>"), SLICE_LIT("<|end_of_text|>"), SLICE_LIT("<|endoftext|>")},
};

static void find_special(Tokenizer *tokenizer)
{
    for (size_t which = 0; which < N_SPECIAL_TOKENS; which++) {
        tokenizer->special[which] = TOKEN_NONE;
        for (size_t i = 0; i < 4 && tokenizer->special[which] < 0 && usual_names[which][i].len > 0;
             i++)
            tokenizer->special[which] = tokenizer_id(tokenizer, usual_names[which][i]);
    }
    const int32_t unks[] = {[MODEL_WORDPIECE] = tokenizer->wordpiece.unk,
                            [MODEL_BPE] = tokenizer->bpe.unk,
                            [MODEL_UNIGRAM] = tokenizer->unigram.unk,
                            [MODEL_WORDLEVEL] = tokenizer->wordlevel_unk};
    const int32_t unk = unks[tokenizer->model];
    if (unk >= 0) tokenizer->special[SPECIAL_UNK] = unk;
}

// The id that Hugging Face gives an added token that the vocabulary lacks: the next, whatever the file says. Where that one
// is taken, since the vocabulary has gaps, the file's counts.
static int32_t next_id(const Tokenizer *tokenizer, size_t n_model, size_t n_placed, int32_t stated)
{
    int32_t next = (int32_t)n_model;
    if (tokenizer->keeps_ids) return stated;
    for (size_t i = 0; i < n_placed; i++) {
        if (tokenizer->added[i].id >= next) next = tokenizer->added[i].id + 1;
    }
    return vocab_token(&tokenizer->vocab, next).ptr == NULL ? next : stated;
}

// Added tokens that the vocabulary lacks join it; the model never produces them by itself, so its tables stay.
static Status place_added(Tokenizer *tokenizer, Error *err)
{
    Vocab *vocab = &tokenizer->vocab;
    const size_t n_model = vocab->n_tokens, n_expected = n_model + tokenizer->n_added;
    for (size_t i = 0; i < tokenizer->n_added; i++) {
        AddedToken *token = &tokenizer->added[i];
        const int32_t known = vocab_find(vocab, token->content);
        if (known >= 0 && known != token->id && tokenizer->keeps_ids)
            return error_set(err, STATUS_INVALID,
                             "added token \"" SLICE_FMT
                             "\" has id %d, but the vocabulary gives it %d",
                             SLICE_ARG(token->content), token->id, known);
        token->id = known >= 0 ? known : next_id(tokenizer, n_model, i, token->id);
        if (known >= 0) continue;
        TRY(vocab_put(vocab, &tokenizer->arena, token->content, token->id, n_expected, err));
    }
    return STATUS_OK;
}

static Status set_patterns(Tokenizer *tokenizer, Error *err)
{
    for (size_t i = 0; i < tokenizer->n_added; i++) {
        AddedToken *token = &tokenizer->added[i];
        token->pattern = token->content;
        if (!token->normalized || tokenizer->normalizer.n_steps == 0) continue;
        NormalizeScratch scratch = {0};
        NormalizedText *text = NULL;
        TRY(normalizer_apply(&tokenizer->normalizer, token->content, 0, false, &tokenizer->arena,
                             &scratch, &text, err));
        token->pattern = arena_copy(&tokenizer->arena, normalized_slice(text));
        if (token->pattern.ptr == NULL)
            return error_set_memory(err, 1, text->len, "an added token");
        // Hugging Face decodes it to what is sought, and no longer knows it for a special one.
        token->is_renamed = !slice_eq(token->pattern, token->content);
        token->special = token->special && !token->is_renamed;
        // A token of the model keeps its spelling: the tables compare it.
        if (vocab_find(&tokenizer->vocab, token->content) < 0)
            TRY(vocab_rename(&tokenizer->vocab, &tokenizer->arena, token->pattern, token->id, err));
    }
    return STATUS_OK;
}

Status tokenizer_new(Tokenizer **out, Error *err)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) return error_set_memory(err, 1, sizeof **out, "a tokenizer");
    (*out)->wordpiece.unk = (*out)->bpe.unk = (*out)->unigram.unk = TOKEN_NONE;
    (*out)->wordlevel_unk = TOKEN_NONE;
    return STATUS_OK;
}

Status tokenizer_take_bert(Tokenizer *tokenizer, const BertNormalizer *rules, BertTable **out,
                           Error *err)
{
    TRY(arena_take(&tokenizer->arena, 1, sizeof **out, "a normalizer", out, err));
    bert_table_init(*out, rules);
    return STATUS_OK;
}

Status tokenizer_take_pattern(Tokenizer *tokenizer, Slice text, bool is_regex, const Pattern **out,
                              Error *err)
{
    Arena *arena = &tokenizer->arena;
    TRY(arena_make_room(arena, tokenizer->n_patterns, &tokenizer->patterns_capacity,
                        sizeof *tokenizer->patterns, "patterns", &tokenizer->patterns, err));
    Pattern *pattern = NULL;
    TRY(arena_take(arena, 1, sizeof *pattern, "a pattern", &pattern, err));
    const Slice copy = arena_copy(arena, text);
    if (copy.ptr == NULL) return error_set_memory(err, 1, text.len, "a pattern");
    if (is_regex || text.len == 0) { // an empty literal matches everywhere, as an expression does
        TRY(pattern_compile(copy, pattern, err));
    } else {
        *pattern = pattern_literal(copy);
    }
    tokenizer->patterns[tokenizer->n_patterns++] = pattern;
    *out = pattern;
    return STATUS_OK;
}

Status tokenizer_finish(Tokenizer *tokenizer, Error *err)
{
    TRY(place_added(tokenizer, err));
    if (tokenizer->vocab.size >= INT32_MAX)
        return error_set(err, STATUS_INVALID, "the vocabulary is too large");
    TRY(set_patterns(tokenizer, err));
    Arena *arena = &tokenizer->arena;
    TRY(added_matcher_init(&tokenizer->raw, tokenizer->added, tokenizer->n_added, false, arena,
                           err));
    TRY(added_matcher_init(&tokenizer->normalized, tokenizer->added, tokenizer->n_added, true,
                           arena, err));
    TRY(arena_take(arena, tokenizer->vocab.size, 1, "a vocabulary", &tokenizer->flags, err));
    for (size_t i = 0; i < tokenizer->n_added; i++)
        tokenizer->flags[tokenizer->added[i].id] =
            (uint8_t)(TOKEN_IS_ADDED | (tokenizer->added[i].special ? TOKEN_IS_SPECIAL : 0) |
                      (tokenizer->added[i].is_renamed ? TOKEN_IS_RENAMED : 0));
    find_special(tokenizer);
    return STATUS_OK;
}

// ---- opening ----

static Status open_file(const char *path, const WordPieceOptions *options, bool is_json,
                        Tokenizer **out, Error *err)
{
    Slice text = {0};
    TRY(file_map(path, &text, err));
    const Slice name = slice_from_cstr(path);
    const Status s = is_json ? tokenizer_parse_json(name, text, out, err)
                             : tokenizer_parse_vocab(name, text, options, out, err);
    file_unmap(&text);
    return s;
}

Status tokenizer_open_json(const char *path, Tokenizer **out, Error *err)
{
    return open_file(path, NULL, true, out, err);
}

Status tokenizer_open_vocab(const char *path, const WordPieceOptions *options, Tokenizer **out,
                            Error *err)
{
    return open_file(path, options, false, out, err);
}

static Status open_spm(const char *path, Tokenizer **out, Error *err)
{
    Slice bytes = {0};
    TRY(file_map(path, &bytes, err));
    const Status s = tokenizer_parse_model(slice_from_cstr(path), bytes, out, err);
    file_unmap(&bytes);
    return s;
}

// The name of the directory's SentencePiece model, or NULL: a usual name, else the only file of its kind.
static Status find_spm(Arena *arena, const char *directory, const char **out, Error *err)
{
    static const Slice usual[] = {SLICE_LIT("tokenizer.model"), SLICE_LIT("spiece.model"),
                                  SLICE_LIT("sentencepiece.bpe.model"),
                                  SLICE_LIT("sentencepiece.model"), SLICE_LIT("spm.model")};
    const Slice folder = slice_from_cstr(directory);
    Slice *names = NULL;
    size_t n = 0, n_found = 0;
    *out = NULL;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        const char *path = file_join(arena, folder, usual[i]);
        if (path == NULL) return error_set_memory(err, 1, folder.len, "a path");
        if (!file_exists(path)) continue;
        *out = path;
        return STATUS_OK;
    }
    TRY(file_list(arena, directory, &names, &n, err));
    for (size_t i = 0; i < n; i++) {
        if (!slice_ends_with(names[i], SLICE(".model")) &&
            !slice_ends_with(names[i], SLICE(".spm")))
            continue;
        n_found++;
        *out = file_join(arena, folder, names[i]);
        if (*out == NULL) return error_set_memory(err, 1, folder.len, "a path");
    }
    if (n_found < 2) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "%s holds %zu SentencePiece models: name the one that is meant", directory,
                     n_found);
}

// *out stays NULL where the files are none that are told as a tokenizer.json.
static Status open_told(const char *directory, const char *spm, Tokenizer **out, Error *err)
{
    Buffer text = {0};
    Status s = tokenizer_tell(directory, spm, &text, err);
    if (s == STATUS_OK && text.len > 0)
        s = tokenizer_parse_json(slice_from_cstr(directory), buffer_slice(&text), out, err);
    buffer_release(&text);
    return s;
}

static Status open_other(Arena *arena, const char *directory, Tokenizer **out, Error *err)
{
    const Slice folder = slice_from_cstr(directory);
    const char *vocab = file_join(arena, folder, SLICE("vocab.txt"));
    const char *source = file_join(arena, folder, SLICE("source.spm"));
    const char *spm = NULL;
    if (vocab == NULL || source == NULL) return error_set_memory(err, 1, folder.len, "a path");
    if (file_exists(source)) return tokenizer_open_marian(directory, out, err);
    if (file_is_directory(directory)) TRY(find_spm(arena, directory, &spm, err));
    if (spm != NULL) TRY(tokenizer_open_m2m100(directory, spm, out, err));
    if (*out == NULL) TRY(open_told(directory, spm, out, err));
    if (*out != NULL) return STATUS_OK;
    if (spm != NULL) return tokenizer_open_spm(directory, spm, out, err);
    if (file_exists(vocab)) return tokenizer_open_words(directory, vocab, out, err);
    return error_set(err, STATUS_NOT_FOUND,
                     "%s: neither tokenizer.json nor vocab.txt stands there, nor vocab.json with "
                     "merges.txt, nor a SentencePiece model (tokenizer.model): name the model's "
                     "directory",
                     directory);
}

Status tokenizer_open(const char *directory, Tokenizer **out, Error *err)
{
    *out = NULL;
    Arena arena = {0};
    const Slice folder = slice_from_cstr(directory);
    const char *json = file_join(&arena, folder, SLICE("tokenizer.json"));
    Status s = json == NULL ? error_set_memory(err, 1, folder.len, "a path") : STATUS_OK;
    if (s == STATUS_OK)
        s = file_exists(json) ? tokenizer_open_json_in(directory, json, out, err)
                              : open_other(&arena, directory, out, err);
    if (s == STATUS_OK) s = tokenizer_read_config(*out, directory, err);
    if (s == STATUS_OK) s = tokenizer_find_languages(*out, directory, err);
    if (s != STATUS_OK) tokenizer_close(out);
    arena_release(&arena);
    return s;
}

Status tokenizer_open_file(const char *path, Tokenizer **out, Error *err)
{
    const Slice name = slice_from_cstr(path);
    if (slice_ends_with(name, SLICE(".gguf"))) return tokenizer_open_gguf(path, out, err);
    if (slice_ends_with(name, SLICE(".model")) || slice_ends_with(name, SLICE(".spm")))
        return open_spm(path, out, err);
    if (slice_ends_with(name, SLICE(".txt"))) return tokenizer_open_vocab(path, NULL, out, err);
    return tokenizer_open_json(path, out, err);
}

const Tokenizer *tokenizer_target(const Tokenizer *tokenizer)
{
    return tokenizer->target != NULL ? tokenizer->target : tokenizer;
}

void tokenizer_close(Tokenizer **tokenizer)
{
    if (*tokenizer == NULL) return;
    tokenizer_close(&(*tokenizer)->target);
    for (size_t i = 0; i < (*tokenizer)->n_patterns; i++)
        pattern_release((*tokenizer)->patterns[i]);
    arena_release(&(*tokenizer)->arena);
    free(*tokenizer);
    *tokenizer = NULL;
}
