#include "harness/note.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "models/checkpoint.h"
#include "models/gguf/gguf_model.h"

const char note_name[] = "assay.json";

enum { LONGEST = 1 << 24 };

static Status read_steps(const Json *list, Arena *arena, ModelNote *out, Error *err)
{
    if (!list) return STATUS_OK;
    if (json_len(list) > STEPS_MOST)
        return json_error(list, err, "found %zu steps, want at most %d", json_len(list),
                          STEPS_MOST);
    TRY(arena_take(arena, json_len(list), sizeof *out->steps, "steps", &out->steps, err));
    for (const Json *v = json_first(list); v; v = json_next(v)) {
        Slice name;
        TRY(json_as_string(v, &name, err));
        out->steps[out->n_steps] = step_find(name);
        if (!out->steps[out->n_steps++])
            return json_error(v, err, "there is no step \"" SLICE_FMT "\" (assay list steps)",
                              SLICE_ARG(slice_sub(name, 0, 60)));
    }
    return STATUS_OK;
}

static Status copy_text(const Json *root, const char *key, Arena *arena, Slice *out, Error *err)
{
    Slice text = {0};
    TRY(json_opt_string(root, key, &text, err));
    if (text.len == 0) return STATUS_OK;
    *out = arena_copy(arena, text);
    return out->ptr ? STATUS_OK : error_set_memory(err, text.len, 1, "a note");
}

static Status read_members(const Json *root, Arena *arena, ModelNote *out, Error *err)
{
    const struct {
        const char *key;
        size_t *to;
    } counts[] = {{"max_length", &out->max_length},
                  {"doc_stride", &out->doc_stride},
                  {"max_answer", &out->max_answer}};
    const Json *steps = NULL, *threshold = json_get(root, "null_threshold"),
               *of_labels = json_get(root, "threshold");
    if (json_kind(root) != JSON_OBJECT)
        return json_error(root, err, "found %s, want an object", json_kind_name(json_kind(root)));
    TRY(copy_text(root, "family", arena, &out->family, err));
    TRY(copy_text(root, "decode", arena, &out->decode, err));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        int64_t count = 0;
        TRY(json_opt_i64(root, counts[i].key, 0, LONGEST, &count, err));
        *counts[i].to = (size_t)count;
    }
    out->has_null_threshold = threshold && json_kind(threshold) != JSON_NULL;
    if (out->has_null_threshold)
        TRY(json_as_double(threshold, -1e9, 1e9, &out->null_threshold, err));
    out->has_threshold = of_labels && json_kind(of_labels) != JSON_NULL;
    if (out->has_threshold) TRY(json_as_double(of_labels, 0, 1, &out->threshold, err));
    TRY(json_opt_kind(root, "prepare", JSON_ARRAY, &steps, err));
    return read_steps(steps, arena, out, err);
}

// The copy in a GGUF file.
static Status read_gguf(const char *path, Arena *arena, ModelNote *out, Error *err)
{
    Gguf file = {0};
    Slice text = {0};
    JsonDocument *document = NULL;
    TRY(gguf_open(path, &file, err));
    Status s = gguf_get_string(&file, GGUF_KEY_NOTE, &text, NULL, err);
    if (s == STATUS_OK && text.len > 0)
        s = json_parse(SLICE(GGUF_KEY_NOTE), text, JSON_STRICT, &document, err);
    if (s == STATUS_OK && document) s = read_members(json_root(document), arena, out, err);
    json_close(&document);
    gguf_close(&file);
    return s == STATUS_OK ? s : error_wrap(err, "%s", path);
}

Status note_read(const char *model, Arena *arena, ModelNote *out, Error *err)
{
    JsonDocument *document = NULL;
    const char *real = model; // a folder may be one of a cache, or hold a GGUF file
    *out = (ModelNote){0};
    if (!file_exists(model)) return STATUS_OK;
    TRY(checkpoint_resolve(arena, model, &real, err));
    if (!file_is_directory(real)) return read_gguf(real, arena, out, err);
    const char *path = file_join(arena, slice_from_cstr(real), slice_from_cstr(note_name));
    if (!path) return error_set_memory(err, strlen(real), 1, "a path");
    if (!file_exists(path)) return STATUS_OK;
    TRY(json_load(path, JSON_STRICT, &document, err));
    const Status s = read_members(json_root(document), arena, out, err);
    json_close(&document);
    return s;
}

bool note_says_anything(const ModelNote *note)
{
    return note->n_steps > 0 || note->max_length > 0 || note->max_answer > 0 ||
           note->has_null_threshold || note->decode.len > 0 || note->has_threshold;
}

static void put_count(JsonWriter *w, const char *key, size_t value)
{
    json_member_u64(w, key, value);
}

void note_put(const ModelNote *note, JsonWriter *w)
{
    if (note->decode.len > 0) {
        json_member_string(w, "decode", note->decode);
    }
    if (note->max_answer > 0) put_count(w, "doc_stride", note->doc_stride);
    if (note->family.len > 0) {
        json_member_string(w, "family", note->family);
    }
    if (note->max_answer > 0) put_count(w, "max_answer", note->max_answer);
    if (note->max_length > 0) put_count(w, "max_length", note->max_length);
    if (note->has_null_threshold) {
        json_member_double(w, "null_threshold", note->null_threshold);
    }
    if (note->n_steps > 0) {
        json_member_array(w, "prepare");
        for (size_t i = 0; i < note->n_steps; i++) json_put_cstr(w, note->steps[i]->name);
        json_end_array(w);
    }
    if (note->has_threshold) json_member_double(w, "threshold", note->threshold);
}

Status note_write(const ModelNote *note, const char *directory, Arena *arena, Error *err)
{
    Buffer text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    note_put(note, &w);
    json_end_object(&w);
    buffer_append_byte(&text, '\n');
    const char *path = file_join(arena, slice_from_cstr(directory), slice_from_cstr(note_name));
    Status s = path ? buffer_status(&text, err) : error_set_memory(err, 1, 1, "a path");
    if (s == STATUS_OK) s = file_write(path, buffer_slice(&text), err);
    buffer_release(&text);
    return s;
}

Status note_remove(const char *directory, Arena *arena, Error *err)
{
    const char *path = file_join(arena, slice_from_cstr(directory), slice_from_cstr(note_name));
    if (!path) return error_set_memory(err, 1, 1, "a path");
    if (!file_exists(path) || remove(path) == 0) return STATUS_OK;
    return error_set_errno(err, "removing %s", path);
}
