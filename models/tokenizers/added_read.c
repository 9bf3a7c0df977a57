// Added tokens as the files beside a tokenizer's model name them.
#include "base/json_reader.h"
#include "models/tokenizers/tokenizer_internal.h"

static Status read_member(JsonReader *r, Slice name, AddedToken *out, Error *err)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"single_word", &out->single_word},
                 {"lstrip", &out->lstrip},
                 {"rstrip", &out->rstrip},
                 {"normalized", &out->normalized},
                 {"special", &out->special}};
    if (slice_eq_cstr(name, "content")) return json_read_string(r, &out->content, err);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (slice_eq_cstr(name, flags[i].name)) return json_read_bool(r, flags[i].flag, err);
    }
    return json_skip(r, err);
}

Status added_token_read(JsonReader *r, Arena *arena, AddedToken *out, Error *err)
{
    JsonKind kind = JSON_NULL;
    TRY(json_peek(r, &kind, err));
    if (kind == JSON_STRING) {
        TRY(json_read_string(r, &out->content, err));
    } else if (kind == JSON_OBJECT) {
        TRY(json_read_object(r, err));
        for (bool more = true;;) {
            Slice name = {0};
            TRY(json_read_key(r, &name, &more, err));
            if (!more) break;
            TRY(read_member(r, name, out, err));
        }
    } else {
        return json_skip(r, err);
    }
    out->content = arena_copy(arena, out->content); // the reader's text does not stay
    return out->content.ptr ? STATUS_OK : error_set_memory(err, 1, 1, "an added token");
}

Status added_decoder_read(JsonReader *r, Arena *arena,
                          Status (*add)(void *context, AddedToken token, Error *err), void *context,
                          Error *err)
{
    TRY(json_read_object(r, err));
    for (bool more = true;;) {
        Slice key = {0};
        AddedToken token = {0};
        int64_t id = 0;
        JsonKind kind = JSON_NULL;
        TRY(json_read_key(r, &key, &more, err));
        if (!more) return STATUS_OK;
        if (!slice_to_i64(key, &id) || id < 0 || id >= INT32_MAX - ADDED_MOST)
            return json_reader_error(r, err, "\"" SLICE_FMT "\" is no token id", SLICE_ARG(key));
        token.id = (int32_t)id;
        TRY(json_peek(r, &kind, err));
        if (kind != JSON_OBJECT && kind != JSON_STRING)
            return json_reader_error(r, err, "found %s, want a token", json_kind_name(kind));
        TRY(added_token_read(r, arena, &token, err));
        if (token.content.len > 0) TRY(add(context, token, err));
    }
}
