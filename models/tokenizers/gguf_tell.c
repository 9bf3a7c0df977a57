#include "models/tokenizers/gguf_tell.h"

#include <string.h>

#include "models/tokenizers/tokenizer_internal.h"

typedef struct List {
    Slice *tokens;
    int32_t *types; // PieceType
    float *scores;
    size_t n;
} List;

static Status fill(const Tokenizer *t, Arena *arena, List *list, Error *err)
{
    const Spm *spm = t->spm;
    TRY(arena_take(arena, list->n, sizeof *list->tokens, "tokens", &list->tokens, err));
    TRY(arena_take(arena, list->n, sizeof *list->types, "tokens", &list->types, err));
    TRY(arena_take(arena, list->n, sizeof *list->scores, "tokens", &list->scores, err));
    for (size_t i = 0; i < list->n; i++) {
        list->types[i] = PIECE_UNUSED;
        list->tokens[i] = vocab_token(&t->vocab, (int32_t)i);
        if (i < spm->pieces.size) {
            list->types[i] = spm->types[i];
            list->scores[i] = spm->scores[i];
        } else if (list->tokens[i].len == 0) {
            list->tokens[i] = slice_from_cstr(arena_printf(arena, "[PAD%zu]", i));
            if (!list->tokens[i].ptr) return error_set_memory(err, 1, 16, "a token");
        }
    }
    for (size_t i = 0; i < t->n_added; i++) {
        const AddedToken *added = &t->added[i];
        if ((size_t)added->id >= list->n || list->types[added->id] == PIECE_UNKNOWN) continue;
        list->types[added->id] = added->special ? PIECE_CONTROL : PIECE_USER_DEFINED;
    }
    return STATUS_OK;
}

static void put_id(GgufBuilder *b, const char *key, int32_t id, size_t n)
{
    if (id >= 0 && (size_t)id < n) gguf_put_u32(b, key, (uint32_t)id);
}

static void put_special(const Tokenizer *t, size_t n, GgufBuilder *b)
{
    const Template *single = &t->post.templates[0];
    put_id(b, "tokenizer.ggml.bos_token_id", t->special[SPECIAL_BOS], n);
    put_id(b, "tokenizer.ggml.eos_token_id", t->special[SPECIAL_EOS], n);
    put_id(b, "tokenizer.ggml.padding_token_id", t->special[SPECIAL_PAD], n);
    put_id(b, "tokenizer.ggml.unknown_token_id", t->spm->unk, n);
    const bool has_any = single->n_pieces > 0;
    gguf_put_bool(b, "tokenizer.ggml.add_bos_token",
                  has_any && single->pieces[0].kind == PIECE_SPECIAL);
    gguf_put_bool(b, "tokenizer.ggml.add_eos_token",
                  has_any && single->pieces[single->n_pieces - 1].kind == PIECE_SPECIAL);
}

Status tokenizer_put_gguf(const Tokenizer *t, size_t vocab_size, GgufBuilder *b, bool *is_told,
                          Error *err)
{
    Arena arena = {0};
    List list = {.n = vocab_size};
    const Spm *spm = t->spm;
    *is_told = spm && t->marian_decoder == NULL && !spm->whitespace_is_suffix &&
               spm->escape_whitespaces && vocab_size >= spm->pieces.size;
    if (!*is_told) return STATUS_OK;
    const Status s = fill(t, &arena, &list, err);
    if (s == STATUS_OK) {
        gguf_put_string(b, "tokenizer.ggml.model", spm->is_bpe ? SLICE("llama") : SLICE("t5"));
        gguf_put_string(b, "tokenizer.ggml.pre", SLICE("default"));
        gguf_put_strings(b, "tokenizer.ggml.tokens", list.tokens, list.n);
        gguf_put_f32s(b, "tokenizer.ggml.scores", list.scores, list.n);
        gguf_put_i32s(b, "tokenizer.ggml.token_type", list.types, list.n);
        gguf_put_bool(b, "tokenizer.ggml.add_space_prefix", spm->add_dummy_prefix);
        gguf_put_bool(b, "tokenizer.ggml.remove_extra_whitespaces", spm->remove_extra_whitespaces);
        if (spm->prefix_yields) gguf_put_bool(b, GGUF_KEY_PREFIX_YIELDS, true);
        if (spm->prefix_is_first) gguf_put_bool(b, GGUF_KEY_PREFIX_IS_FIRST, true);
        if (spm->charsmap_bytes.len > 0)
            gguf_put_bytes(b, "tokenizer.ggml.precompiled_charsmap", spm->charsmap_bytes);
        put_special(t, list.n, b);
    }
    arena_release(&arena);
    return s;
}
