#include "harness/pieces.h"

#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "metrics/classes.h"

static Status split(const void *context, Slice text, Arena *arena, Slice *out, Error *err)
{
    const EncodeOptions options = {.no_special = true};
    Encoding encoding;
    size_t len = 0;
    char *joined;
    TRY(tokenizer_encode(context, text, NULL, &options, arena, &encoding, err));
    for (size_t i = 0; i < encoding.n_tokens; i++) len += encoding.tokens[i].len + 1;
    TRY(arena_take_raw(arena, len, 1, "pieces", &joined, err));
    len = 0;
    for (size_t i = 0; i < encoding.n_tokens; i++) {
        if (i > 0) joined[len++] = ' ';
        memcpy(joined + len, encoding.tokens[i].ptr, encoding.tokens[i].len);
        len += encoding.tokens[i].len;
    }
    *out = (Slice){joined, len};
    return STATUS_OK;
}

static Status name_of(const char *path, Arena *arena, char sha256[65], const char **out, Error *err)
{
    Slice bytes, name = slice_from_cstr(path);
    TRY(file_read_data(arena, path, (size_t)1 << 30, &bytes, sha256, err));
    for (size_t at = slice_find_byte(name, '/'); at != SIZE_MAX; at = slice_find_byte(name, '/')) {
        name = slice_sub(name, at + 1, name.len);
    }
    if (slice_ends_with(name, SLICE(".model"))) name.len -= SLICE(".model").len;
    *out = arena_printf(arena, "spm-" SLICE_FMT "-%.8s", SLICE_ARG(name), sha256);
    return *out != NULL ? STATUS_OK : error_set_memory(err, 1, name.len, "a name");
}

Status pieces_open_file(const char *path, Arena *arena, Pieces *out, Error *err)
{
    *out = (Pieces){0};
    TRY(name_of(path, arena, out->sha256, &out->splitter.name, err));
    TRY(tokenizer_open_file(path, &out->tokenizer, err));
    out->splitter.split = split;
    out->splitter.context = out->tokenizer;
    return STATUS_OK;
}

Status pieces_open(const Json *params, const char *file, Arena *arena, Pieces *out, Error *err)
{
    size_t kind = TOKENIZER_13A;
    Slice path = {0};
    *out = (Pieces){0};
    if (params == NULL) return STATUS_OK;
    TRY(params_choice(params, "tokenize", tokenizer_names, N_TOKENIZERS, &kind, err));
    TRY(json_opt_string(params, "spm_model", &path, err));
    if (path.len == 0) return STATUS_OK; // the metric says what is missing
    if (!needs_splitter((TokenizerKind)kind)) {
        return json_error(json_get(params, "spm_model"), err,
                          "a SentencePiece model is for tokenize spm, flores101, flores200 or "
                          "spBLEU-1K, not %s",
                          tokenizer_names[kind]);
    }
    if (file == NULL) file = arena_cstr(arena, path);
    if (file == NULL) return error_set_memory(err, 1, path.len, "a path");
    return pieces_open_file(file, arena, out, err);
}

const WordSplitter *pieces_splitter(const Pieces *pieces)
{
    return pieces->tokenizer != NULL ? &pieces->splitter : NULL;
}

void pieces_close(Pieces *pieces)
{
    tokenizer_close(&pieces->tokenizer);
}
