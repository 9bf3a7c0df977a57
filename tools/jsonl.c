#include "tools/jsonl.h"

#include <string.h>
#include <sys/stat.h>

#include "base/json_scan.h"

enum { FLUSH_BYTES = 1 << 20 };

static Status read_int(JsonReader *r, void *out, Error *err)
{
    int64_t value = 0;
    TRY(json_read_i64(r, &value, err));
    if (value < INT32_MIN || value > INT32_MAX) {
        return json_reader_error(r, err, "%lld does not fit 32 bits", (long long)value);
    }
    *(int32_t *)out = (int32_t)value;
    return STATUS_OK;
}

static Status read_float(JsonReader *r, void *out, Error *err)
{
    double value = 0;
    TRY(json_read_double(r, &value, err));
    *(float *)out = (float)value;
    return STATUS_OK;
}

static Status read_text(JsonReader *r, void *out, Error *err)
{
    return json_read_string(r, out, err);
}

// An array of values of so many bytes, or one value.
static Status read_list(JsonReader *r, size_t size, Status (*read)(JsonReader *, void *, Error *),
                        void *values, size_t *n, Error *err)
{
    JsonKind kind;
    size_t capacity = 0;
    bool more = true;
    unsigned char *list = NULL;
    TRY(json_peek(r, &kind, err));
    const bool is_list = kind == JSON_ARRAY;
    if (is_list) TRY(json_read_array(r, err));
    for (*n = 0; is_list || *n == 0; ++*n) {
        if (is_list) TRY(json_read_element(r, &more, err));
        if (!more) break;
        TRY(arena_make_room(r->arena, *n, &capacity, size, "values", &list, err));
        TRY(read(r, list + *n * size, err));
    }
    memcpy(values, &list, sizeof list);
    return STATUS_OK;
}

static Status read_size(JsonReader *r, int64_t least, int64_t most, JsonlSize *out, Error *err)
{
    int64_t value = 0;
    TRY(json_read_i64(r, &value, err));
    if (value < least || value > most) {
        return json_reader_error(r, err, "%lld is not within %lld to %lld", (long long)value,
                                 (long long)least, (long long)most);
    }
    *out = (JsonlSize){(size_t)value, true};
    return STATUS_OK;
}

static Status read_field(JsonReader *r, JsonlKind kind, void *out, Error *err)
{
    switch (kind) {
    case JSONL_RAW:
        return json_read_raw(r, out, err);
    case JSONL_TEXT:
        ((JsonlText *)out)->is_given = true;
        return json_read_string(r, &((JsonlText *)out)->text, err);
    case JSONL_SIZE:
        return read_size(r, 0, INT32_MAX, out, err);
    case JSONL_COUNT:
        return read_size(r, 1, INT32_MAX, out, err);
    case JSONL_SEED:
        return read_size(r, 0, INT64_MAX, out, err);
    case JSONL_BOOL:
        return json_read_bool(r, out, err);
    case JSONL_INTS:
        ((JsonlInts *)out)->is_given = true;
        return read_list(r, sizeof(int32_t), read_int, &((JsonlInts *)out)->values,
                         &((JsonlInts *)out)->n, err);
    case JSONL_FLOATS:
        ((JsonlFloats *)out)->is_given = true;
        return read_list(r, sizeof(float), read_float, &((JsonlFloats *)out)->values,
                         &((JsonlFloats *)out)->n, err);
    case JSONL_NUMBER:
        ((JsonlNumber *)out)->is_given = true;
        return json_read_double(r, &((JsonlNumber *)out)->value, err);
    case JSONL_TEXTS:
        ((JsonlTexts *)out)->is_given = true;
        return read_list(r, sizeof(Slice), read_text, &((JsonlTexts *)out)->values,
                         &((JsonlTexts *)out)->n, err);
    case JSONL_KEYS: // no member's
        break;
    }
    return error_set(err, STATUS_INTERNAL, "a field has no kind");
}

static const JsonlField *find_field(const JsonlField *fields, size_t n_fields, Slice key)
{
    for (size_t i = 0; i < n_fields; i++) {
        if (fields[i].key && slice_eq_cstr(key, fields[i].key)) return &fields[i];
    }
    return NULL;
}

// Where the keys of all members go; NULL where nobody asks for them.
static JsonlTexts *keys_of(const JsonlField *fields, size_t n_fields, void *out)
{
    for (size_t i = 0; i < n_fields; i++) {
        if (fields[i].kind == JSONL_KEYS)
            return (JsonlTexts *)(void *)((char *)out + fields[i].offset);
    }
    return NULL;
}

static Status add_key(JsonReader *r, Slice key, size_t *capacity, JsonlTexts *keys, Error *err)
{
    TRY(arena_make_room(r->arena, keys->n, capacity, sizeof key, "keys", &keys->values, err));
    keys->values[keys->n++] = key;
    return STATUS_OK;
}

// The value of a member; passed over where no field has it, or where it is null.
static Status read_value(JsonReader *r, const JsonlField *field, void *out, Error *err)
{
    JsonKind kind;
    r->member = field ? field->key : NULL;
    TRY(json_peek(r, &kind, err));
    const bool is_wanted = field && (kind != JSON_NULL || field->kind == JSONL_RAW);
    TRY(is_wanted ? read_field(r, field->kind, (char *)out + field->offset, err)
                  : json_skip(r, err));
    r->member = NULL;
    return STATUS_OK;
}

Status jsonl_read_object(JsonReader *r, const JsonlField *fields, size_t n_fields, void *out,
                         Error *err)
{
    Slice key = {0};
    bool more = false;
    uint64_t seen = 0;
    size_t capacity = 0;
    JsonlTexts *keys = keys_of(fields, n_fields, out);
    TRY(json_read_object(r, err));
    for (;;) {
        TRY(json_read_key(r, &key, &more, err));
        if (!more) return STATUS_OK;
        if (keys) TRY(add_key(r, key, &capacity, keys, err));
        const JsonlField *field = find_field(fields, n_fields, key);
        if (field) {
            const uint64_t bit = UINT64_C(1) << (field - fields);
            if (seen & bit) return json_reader_error(r, err, "\"%s\" stands twice", field->key);
            seen |= bit;
        }
        TRY(read_value(r, field, out, err));
    }
}

// The "id" of a line that could not be read to its end, so that the failure can be told apart from others.
static void find_id(Slice line, Arena *arena, Slice *out)
{
    JsonReader r = json_reader(SLICE("a line"), line, arena);
    Slice key = {0};
    bool more = false;
    Error ignored = {0};
    if (json_read_object(&r, &ignored) != STATUS_OK) return;
    while (json_read_key(&r, &key, &more, &ignored) == STATUS_OK && more) {
        if (slice_eq_cstr(key, "id")) {
            Slice id = {0};
            if (json_read_raw(&r, &id, &ignored) == STATUS_OK) *out = id;
            return;
        }
        if (json_skip(&r, &ignored) != STATUS_OK) return;
    }
}

Status jsonl_read_line(Slice name, size_t line_number, Slice line, Arena *arena,
                       const JsonlField *fields, size_t n_fields, void *out, Error *err)
{
    JsonReader r = json_reader(name, line, arena);
    r.first_line = line_number;
    Status s = jsonl_read_object(&r, fields, n_fields, out, err);
    if (s == STATUS_OK) s = json_read_end(&r, err);
    if (s != STATUS_OK && json_is_utf16(line)) return s;
    if (s != STATUS_OK && line.len > 0 && slice_trim(line).ptr[0] != '{')
        s = error_set(err, STATUS_INVALID,
                      SLICE_FMT
                      ":%zu: a line must be a JSON object, {\"KEY\": VALUE, ..}, but this one "
                      "begins with \"" SLICE_FMT "\"",
                      SLICE_ARG(name), line_number, SLICE_ARG(slice_sub(slice_trim(line), 0, 20)));
    const JsonlField *id = find_field(fields, n_fields, SLICE("id"));
    if (s != STATUS_OK && id && id->kind == JSONL_RAW) {
        Slice *found = (Slice *)(void *)((char *)out + id->offset);
        if (!found->ptr) find_id(line, arena, found);
    }
    return s;
}

Status jsonl_count_unpadded(const JsonlInts *mask, size_t n_tokens, size_t *n_kept, Error *err)
{
    *n_kept = n_tokens;
    if (!mask->is_given) return STATUS_OK;
    if (mask->n != n_tokens) {
        return error_set(err, STATUS_INVALID, "%zu tokens, but \"attention_mask\" has %zu numbers",
                         n_tokens, mask->n);
    }
    size_t kept = 0;
    while (kept < n_tokens && mask->values[kept] == 1) kept++;
    for (size_t t = kept; t < n_tokens; t++) {
        if (mask->values[t] == 0) continue;
        return error_set(
            err, STATUS_INVALID,
            "\"attention_mask\" must be ones and then zeros, but number %zu of it is %d: "
            "padding comes after the tokens",
            t, mask->values[t]);
    }
    *n_kept = kept;
    return STATUS_OK;
}

// ---- answers ----

static bool is_standard(const char *path)
{
    return strcmp(path, "-") == 0;
}

Status jsonl_refuse_input(const char *in_path, const char *out_path, Error *err)
{
    FileStat in, out;
    Error ignored = {0};
    if (is_standard(out_path) || file_stat(out_path, &out, &ignored) != STATUS_OK) return STATUS_OK;
    const char *path = is_standard(in_path) ? "/dev/stdin" : in_path;
    if (file_stat(path, &in, &ignored) != STATUS_OK) return STATUS_OK;
    const bool is_same = in.inode == out.inode && in.device == out.device;
    if (!is_same || in.size_bytes == 0) return STATUS_OK; // nothing is lost, of a device neither
    return error_set(err, STATUS_INVALID,
                     "--out %s is the file that is read: give another name, so that it stays",
                     out_path);
}

static Status open_out(JsonlOut *out, const char *path, bool is_array, bool resumes, Error *err)
{
    struct stat info;
    *out = (JsonlOut){.path = path, .is_array = is_array && is_standard(path)};
    if (is_standard(path)) return STATUS_OK;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
        out->stream = fopen(path, "w");
        return out->stream ? STATUS_OK : error_set_errno(err, "%s", path);
    }
    return resumes ? file_writer_resume(path, &out->writer, err)
                   : file_writer_open(path, &out->writer, err);
}

Status jsonl_out_open(JsonlOut *out, const char *path, bool is_array, Error *err)
{
    return open_out(out, path, is_array, false, err);
}

Status jsonl_out_resume(JsonlOut *out, const char *path, bool is_array, Error *err)
{
    return open_out(out, path, is_array, true, err);
}

JsonWriter *jsonl_out_begin(JsonlOut *out, Slice id)
{
    if (out->is_array) buffer_append_cstr(&out->text, out->n_written ? ",\n" : "[\n");
    out->json = json_writer(&out->text, 0);
    json_begin_object(&out->json);
    if (id.ptr) {
        json_member_raw(&out->json, "id", id);
    }
    return &out->json;
}

// Writes the buffer where it goes.
static Status put_text(JsonlOut *out, Error *err)
{
    TRY(buffer_status(&out->text, err));
    const Slice text = buffer_slice(&out->text);
    Status s = STATUS_OK;
    if (text.len == 0) return s;
    if (out->writer)
        s = file_writer_write(out->writer, text.ptr, text.len, err);
    else if (!out->stream)
        s = output_write(text, err);
    else if (fwrite(text.ptr, 1, text.len, out->stream) != text.len)
        s = error_set_errno(err, "%s", out->path);
    buffer_clear(&out->text);
    return s;
}

Status jsonl_out_spill(JsonlOut *out, Error *err)
{
    return out->text.len < FLUSH_BYTES && !out->text.failed ? STATUS_OK : put_text(out, err);
}

Status jsonl_out_end_line(JsonlOut *out, Error *err)
{
    if (!out->is_array) buffer_append_byte(&out->text, '\n');
    out->n_written++;
    return jsonl_out_spill(out, err);
}

Status jsonl_out_end(JsonlOut *out, Error *err)
{
    json_end_object(&out->json);
    return jsonl_out_end_line(out, err);
}

Status jsonl_out_failure(JsonlOut *out, Slice id, const Error *why, Error *err)
{
    JsonWriter *w = jsonl_out_begin(out, id);
    json_member_cstr(w, "error", why->text);
    out->n_failed++;
    return jsonl_out_end(out, err);
}

Status jsonl_out_flush(JsonlOut *out, Error *err)
{
    TRY(put_text(out, err));
    if (out->writer) return STATUS_OK;
    if (!out->stream) return output_finish(err); // which knows a reader that went away
    return fflush(out->stream) == 0 ? STATUS_OK : error_set_errno(err, "%s", out->path);
}

static Status close_file(JsonlOut *out, Error *err)
{
    TRY(jsonl_out_flush(out, err));
    if (out->writer) {
        TRY(file_writer_sync(out->writer, err)); // where it fails, what there is can be kept
        return file_writer_commit(&out->writer, err);
    }
    if (!out->stream) return STATUS_OK;
    FILE *stream = out->stream;
    out->stream = NULL;
    return fclose(stream) == 0 ? STATUS_OK : error_set_errno(err, "%s", out->path);
}

void jsonl_out_keep(JsonlOut *out, Error *err)
{
    enum { NAME_BYTES = 4200 };
    char name[NAME_BYTES];
    Error ignored = {0};
    if (!out->writer) return;
    const Error before = *err;
    // Of an answer that was begun the rest is missing: it is no whole line, and goes.
    if (put_text(out, &ignored) != STATUS_OK) buffer_clear(&out->text);
    const size_t n = file_writer_keep(&out->writer, name, sizeof name);
    if (n == 0) return;
    (void)!error_set(err, before.status, "%s; its first %zu lines are kept in %s%s", before.text, n,
                     name, out->goes_on ? ", and the same command goes on behind them" : "");
}

Status jsonl_out_finish(JsonlOut *out, Error *err)
{
    if (out->is_array) buffer_append_cstr(&out->text, out->n_written ? "\n]\n" : "[]\n");
    const Status s = close_file(out, err);
    const size_t n_failed = out->n_failed, n = out->n_written;
    if (s != STATUS_OK) jsonl_out_keep(out, err);
    jsonl_out_release(out);
    if (s != STATUS_OK || n_failed == 0) return s;
    return error_set(err, STATUS_INVALID,
                     "%zu of %zu cases could not be worked on; \"error\" in their place says why",
                     n_failed, n);
}

void jsonl_out_release(JsonlOut *out)
{
    file_writer_discard(&out->writer);
    if (out->stream && fclose(out->stream) != 0) out->stream = NULL; // given up already
    out->stream = NULL;
    buffer_release(&out->text);
}
