// results/manifest.c: the two halves of a manifest, and a manifest as rows.
#include <sqlite3.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/machine.h"
#include "base/unicode.h"
#include "results/keep.h"
#include "results/manifest.h"

const char *manifest_compiler(void)
{
#if defined(__clang__)
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

static void put_text(JsonWriter *w, const char *key, Slice text)
{
    json_member_string(w, key, text.ptr == NULL ? SLICE("") : text);
}

static int by_role_and_name(const void *a, const void *b)
{
    const ManifestFile *x = a, *y = b;
    const int role = slice_cmp(x->role, y->role);
    return role != 0 ? role : slice_cmp(x->name, y->name);
}

static void put_libraries(JsonWriter *w, const ManifestInput *input, bool changes_results)
{
    json_member_object(w, "libraries");
    if (changes_results) {
        put_text(w, "ICU", slice_from_cstr(unicode_version()));
    } else {
        put_text(w, "SQLite", slice_from_cstr(sqlite3_libversion()));
    }
    for (size_t i = 0; i < input->n_libraries; i++) {
        if (input->libraries[i].changes_results != changes_results) continue;
        json_put_key_slice(w, input->libraries[i].name);
        json_put_string(w, input->libraries[i].version);
    }
    json_end_object(w);
}

static void put_identity(const ManifestInput *input, const ManifestFile *files, Buffer *out)
{
    JsonWriter w = json_writer(out, 0);
    json_begin_object(&w);
    put_text(&w, "program", input->program_version);
    put_text(&w, "numerics", input->numerics_version);
    put_text(&w, "compute_dtype", input->compute_dtype);
    if (input->kv_dtype.len > 0) put_text(&w, "kv_dtype", input->kv_dtype);
    put_text(&w, "device_kind", input->device_kind);
    put_libraries(&w, input, true);
    json_member_array(&w, "seeds");
    for (size_t i = 0; i < input->n_seeds; i++) json_put_u64(&w, input->seeds[i]);
    json_end_array(&w);
    json_member_array(&w, "files");
    for (size_t i = 0; i < input->n_files; i++) {
        json_begin_object(&w);
        put_text(&w, "role", files[i].role);
        put_text(&w, "name", files[i].name);
        put_text(&w, "sha256", files[i].sha256);
        json_member_u64(&w, "size_bytes", files[i].size_bytes);
        json_end_object(&w);
    }
    json_end_array(&w);
    if (input->settings.len > 0) {
        json_member_raw(&w, "settings", input->settings);
    }
    json_end_object(&w);
}

static bool is_plain_word(const char *word)
{
    if (*word == '\0') return false;
    for (const char *c = word; *c != '\0'; c++) {
        const bool is_alphanumeric =
            (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        if (!is_alphanumeric && strchr("_-./=,:+@%", *c) == NULL) return false;
    }
    return true;
}

// A command line that a POSIX shell reads back as the same arguments.
static void append_command(const ManifestInput *input, Buffer *out)
{
    for (int i = 0; i < input->argc; i++) {
        if (i > 0) buffer_append_byte(out, ' ');
        if (is_plain_word(input->argv[i])) {
            buffer_append_cstr(out, input->argv[i]);
            continue;
        }
        buffer_append_byte(out, '\'');
        for (const char *c = input->argv[i]; *c != '\0'; c++) {
            if (*c == '\'') {
                buffer_append_cstr(out, "'\\''");
            } else {
                buffer_append_byte(out, *c);
            }
        }
        buffer_append_byte(out, '\'');
    }
}

static void put_cpu(JsonWriter *w, const Machine *machine)
{
    char features[160];
    machine_feature_names(machine->cpu_features, features, sizeof features);
    json_member_cstr(w, "cpu", machine->cpu_model);
    json_member_cstr(w, "architecture", machine->architecture);
    json_member_cstr(w, "cpu_features", features);
    json_member_u64(w, "cpu_threads", machine->n_threads);
    json_member_u64(w, "memory_bytes", machine->memory_bytes);
    json_member_cstr(w, "os", machine->os);
    json_member_double(w, "load_average", machine->load_average);
}

static void put_machine(const ManifestInput *input, const ManifestFile *files, Slice command,
                        Buffer *out)
{
    Machine machine;
    machine_describe(&machine);
    char when[CLOCK_TEXT_SIZE];
    clock_format_utc(input->unix_ns, when);
    JsonWriter w = json_writer(out, 0);
    json_begin_object(&w);
    json_member_cstr(&w, "when", when);
    put_text(&w, "command", command);
    put_text(&w, "build",
             input->build.len > 0 ? input->build : slice_from_cstr(manifest_compiler()));
    put_text(&w, "device", input->device);
    json_member_u64(&w, "threads", input->n_threads);
    json_member_u64(&w, "jobs", input->n_jobs);
    put_cpu(&w, &machine);
    put_libraries(&w, input, false);
    json_member_object(&w, "paths");
    for (size_t i = 0; i < input->n_files; i++) {
        // Keys must be unique; role and name together are.
        if (i > 0 && by_role_and_name(&files[i - 1], &files[i]) == 0) continue;
        Buffer key = {0};
        buffer_printf(&key, SLICE_FMT " " SLICE_FMT, SLICE_ARG(files[i].role),
                      SLICE_ARG(files[i].name));
        if (key.failed) out->failed = true;
        json_put_key_slice(&w, buffer_slice(&key));
        json_put_string(&w, files[i].path);
        buffer_release(&key);
    }
    json_end_object(&w);
    json_end_object(&w);
}

Status manifest_write(const ManifestInput *input, Buffer *identity, Buffer *machine, Error *err)
{
    Arena arena = {0};
    Buffer command = {0};
    ManifestFile *files = NULL;
    Status s =
        arena_take(&arena, input->n_files, sizeof *files, "files of the manifest", &files, err);
    if (s != STATUS_OK) goto done;
    if (input->n_files > 0) {
        memcpy(files, input->files, input->n_files * sizeof *files);
        qsort(files, input->n_files, sizeof *files, by_role_and_name);
    }
    append_command(input, &command);
    put_identity(input, files, identity);
    put_machine(input, files, buffer_slice(&command), machine);
    if (command.failed) machine->failed = true;
    s = buffer_status(identity, err);
    if (s == STATUS_OK) s = buffer_status(machine, err);
done:
    buffer_release(&command);
    arena_release(&arena);
    return s;
}

typedef struct Rows {
    Arena *arena;
    ManifestRow *rows;
    size_t n, capacity;
    bool failed;
} Rows;

static void add_row(Rows *rows, Slice key, Slice value)
{
    Error ignored = {0};
    if (arena_make_room(rows->arena, rows->n, &rows->capacity, sizeof *rows->rows, "a manifest",
                        &rows->rows, &ignored) != STATUS_OK) {
        rows->failed = true;
        return;
    }
    rows->rows[rows->n++] = (ManifestRow){keep_text(rows->arena, key, &rows->failed),
                                          keep_text(rows->arena, value, &rows->failed)};
}

static void append_scalar(const Json *value, Buffer *out)
{
    switch (json_kind(value)) {
    case JSON_STRING:
        buffer_append(out, json_string(value));
        break;
    case JSON_NUMBER:
        buffer_append(out, json_number_text(value));
        break;
    case JSON_BOOL:
        buffer_append_cstr(out, json_bool(value) ? "true" : "false");
        break;
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
}

// A file is one row: "model minilm" and its hash with the size.
static void add_file_row(Rows *rows, const Json *file)
{
    Buffer key = {0}, value = {0};
    const Json *role = json_get(file, "role"), *name = json_get(file, "name");
    const Json *sha256 = json_get(file, "sha256"), *size = json_get(file, "size_bytes");
    if (role != NULL) append_scalar(role, &key);
    buffer_append_byte(&key, ' ');
    if (name != NULL) append_scalar(name, &key);
    buffer_append_cstr(&value, "sha256 ");
    if (sha256 != NULL) append_scalar(sha256, &value);
    buffer_append_cstr(&value, ", ");
    if (size != NULL) append_scalar(size, &value);
    buffer_append_cstr(&value, " bytes");
    rows->failed = rows->failed || key.failed || value.failed;
    add_row(rows, buffer_slice(&key), buffer_slice(&value));
    buffer_release(&key);
    buffer_release(&value);
}

static void add_array(Rows *rows, const Json *array, Slice key)
{
    Buffer value = {0};
    for (const Json *v = json_first(array); v != NULL; v = json_next(v)) {
        if (json_kind(v) == JSON_OBJECT) {
            add_file_row(rows, v);
            continue;
        }
        if (value.len > 0) buffer_append_cstr(&value, ", ");
        append_scalar(v, &value);
    }
    rows->failed = rows->failed || value.failed;
    if (value.len > 0) add_row(rows, key, buffer_slice(&value));
    buffer_release(&value);
}

static void add_rows(Rows *rows, const Json *object, Slice prefix)
{
    for (const Json *m = json_first(object); m != NULL; m = json_next(m)) {
        if (prefix.len == 0 && slice_eq_cstr(json_key(m), "settings")) continue;
        Buffer key = {0}, value = {0};
        if (prefix.len > 0) buffer_printf(&key, SLICE_FMT " / ", SLICE_ARG(prefix));
        buffer_append(&key, json_key(m));
        if (json_kind(m) == JSON_OBJECT) {
            add_rows(rows, m, buffer_slice(&key));
        } else if (json_kind(m) == JSON_ARRAY) {
            add_array(rows, m, buffer_slice(&key));
        } else {
            append_scalar(m, &value);
            add_row(rows, buffer_slice(&key), buffer_slice(&value));
        }
        rows->failed = rows->failed || key.failed || value.failed;
        buffer_release(&key);
        buffer_release(&value);
    }
}

Status manifest_rows(Arena *arena, Slice json, ManifestRow **rows, size_t *n_rows, Error *err)
{
    *rows = NULL;
    *n_rows = 0;
    if (json.len == 0) return STATUS_OK;
    JsonDocument *document = NULL;
    TRY(json_parse(SLICE("manifest"), json, JSON_STRICT, &document, err));
    Rows list = {.arena = arena};
    if (json_kind(json_root(document)) == JSON_OBJECT)
        add_rows(&list, json_root(document), (Slice){0});
    json_close(&document);
    if (list.failed)
        return error_set_memory(err, list.capacity, sizeof *list.rows, "rows of the manifest");
    *rows = list.rows;
    *n_rows = list.n;
    return STATUS_OK;
}

Status manifest_get(Arena *arena, Slice json, const char *key, Slice *out, Error *err)
{
    *out = (Slice){0};
    if (json.len == 0) return STATUS_OK;
    JsonDocument *document = NULL;
    TRY(json_parse(SLICE("manifest"), json, JSON_STRICT, &document, err));
    const Json *value = json_get(json_root(document), key);
    Buffer text = {0};
    bool failed = false;
    if (value != NULL) append_scalar(value, &text);
    if (text.len > 0) *out = keep_text(arena, buffer_slice(&text), &failed);
    failed = failed || text.failed;
    buffer_release(&text);
    json_close(&document);
    return failed ? error_set_memory(err, 1, 1, "a line of the manifest") : STATUS_OK;
}
