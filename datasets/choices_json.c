#include "datasets/choices_json.h"

#include <string.h>

typedef struct Texts {
    Slice *values;
    size_t n, capacity;
} Texts;

static Status add(Texts *texts, Arena *arena, Slice text, Error *err)
{
    TRY(arena_make_room(arena, texts->n, &texts->capacity, sizeof *texts->values, "choices",
                        &texts->values, err));
    texts->values[texts->n++] = text;
    return STATUS_OK;
}

static Status read_string(JsonReader *r, Slice *out, Error *err)
{
    JsonKind kind = JSON_NULL;
    TRY(json_peek(r, &kind, err));
    if (kind == JSON_NUMBER) return json_read_raw(r, out, err);
    if (kind != JSON_STRING)
        return json_reader_error(r, err, "the choice is %s, want a string", json_kind_name(kind));
    return json_read_string(r, out, err);
}

static Status read_list(JsonReader *r, Texts *out, Error *err)
{
    TRY(json_read_array(r, err));
    for (;;) {
        bool more = false;
        Slice text;
        TRY(json_read_element(r, &more, err));
        if (!more) return STATUS_OK;
        TRY(read_string(r, &text, err));
        TRY(add(out, r->arena, text, err));
    }
}

// A choice as a key, with 1 for the right one.
static Status read_member(JsonReader *r, Slice key, Texts *texts, Slice *answer, Error *err)
{
    Slice value;
    TRY(json_read_raw(r, &value, err));
    if (slice_eq_cstr(value, "1") && !answer->ptr) {
        const char *index = arena_printf(r->arena, "%zu", texts->n);
        if (!index) return error_set_memory(err, 1, 1, "an answer");
        *answer = slice_from_cstr(index);
    }
    return add(texts, r->arena, key, err);
}

static Status read_object(JsonReader *r, Texts *texts, Texts *names, Slice *answer, Error *err)
{
    TRY(json_read_object(r, err));
    for (;;) {
        bool more = false;
        Slice key;
        JsonKind kind = JSON_NULL;
        TRY(json_read_key(r, &key, &more, err));
        if (!more) return STATUS_OK;
        TRY(json_peek(r, &kind, err));
        if (kind == JSON_ARRAY)
            TRY(read_list(r, slice_eq_cstr(key, "text") ? texts : names, err));
        else
            TRY(read_member(r, key, texts, answer, err));
    }
}

Status choices_read_json(JsonReader *r, Sample *sample, const Slice **names, Slice *answer,
                         Error *err)
{
    JsonKind kind = JSON_NULL;
    Texts texts = {0}, labels = {0};
    *names = NULL;
    TRY(json_peek(r, &kind, err));
    if (kind == JSON_ARRAY) {
        TRY(read_list(r, &texts, err));
    } else if (kind == JSON_OBJECT) {
        TRY(read_object(r, &texts, &labels, answer, err));
        if (labels.n > 0 && labels.n != texts.n)
            return json_reader_error(r, err, "%zu texts of choices, but %zu labels", texts.n,
                                     labels.n);
        *names = labels.values;
    } else {
        Slice text;
        TRY(read_string(r, &text, err));
        TRY(add(&texts, r->arena, text, err));
    }
    sample->choices = texts.values;
    sample->n_choices = texts.n;
    return STATUS_OK;
}
