// Where suites and task definitions lie on this machine.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "harness/suite/suite_internal.h"

enum { MAX_PLACES = 6, PATH_SIZE = 4096, MAX_NAMES = 512 };

typedef struct Places {
    const char *paths[MAX_PLACES];
    size_t n;
} Places;

static Status add_place(Places *places, Arena *arena, Slice folder, const char *below, Error *err)
{
    const char *path =
        arena_printf(arena, SLICE_FMT "%s%s", SLICE_ARG(folder), below[0] ? "/" : "", below);
    if (!path) return error_set_memory(err, folder.len, 1, "a folder's name");
    for (size_t i = 0; i < places->n; i++) {
        if (strcmp(places->paths[i], path) == 0) return STATUS_OK;
    }
    if (places->n < MAX_PLACES) places->paths[places->n++] = path;
    return STATUS_OK;
}

// In the order they are looked through: beside what asks; ./suites; those that came with this program, wherever it was
// unpacked; those of the sources, for a program that still stands in its build; those installed.
static Status list_places(Arena *arena, Slice beside, const char *subfolder, Places *places,
                          Error *err)
{
    char program[PATH_SIZE];
    const ssize_t len = readlink("/proc/self/exe", program, sizeof program);
    const Slice self = {program, len > 0 && (size_t)len < sizeof program ? (size_t)len : 0};
    if (beside.len > 0) TRY(add_place(places, arena, beside, subfolder, err));
    TRY(add_place(places, arena, SLICE("suites"), subfolder, err));
    if (self.len > 0) {
        const Slice above =
            file_directory_of(file_directory_of(self)); // PREFIX of PREFIX/bin/assay
        const char *share = arena_printf(arena, SLICE_FMT "%sshare/assay/suites", SLICE_ARG(above),
                                         slice_ends_with(above, SLICE("/")) ? "" : "/");
        if (!share) return error_set_memory(err, self.len, 1, "a folder's name");
        TRY(add_place(places, arena, slice_from_cstr(share), subfolder, err));
    }
    if (slice_starts_with(self, SLICE(ASSAY_BUILD_DIR "/"))) {
        TRY(add_place(places, arena, SLICE(ASSAY_SOURCE_SUITES_DIR), subfolder, err));
    }
    return add_place(places, arena, SLICE(ASSAY_SUITES_DIR), subfolder, err);
}

static Slice without_extension(Slice file)
{
    return slice_ends_with(file, SLICE(".json")) && file.len > 5 ? slice_sub(file, 0, file.len - 5)
                                                                 : (Slice){0};
}

// The names of what there is, in no order; at most MAX_NAMES.
static Status list_names(Arena *arena, const Places *places, const char *names[MAX_NAMES],
                         size_t *n, Error *err)
{
    *n = 0;
    for (size_t i = 0; i < places->n; i++) {
        Slice *files;
        size_t n_files;
        if (!file_is_directory(places->paths[i])) continue;
        TRY(file_list(arena, places->paths[i], &files, &n_files, err));
        for (size_t j = 0; j < n_files && *n < MAX_NAMES; j++) {
            const Slice name = without_extension(files[j]);
            if (name.len == 0 || slice_ends_with(name, SLICE(".schema"))) continue;
            const char *copy = arena_cstr(arena, name);
            if (!copy) return error_set_memory(err, name.len, 1, "a suite's name");
            names[(*n)++] = copy;
        }
    }
    return STATUS_OK;
}

static Status not_found(Arena *arena, const Places *places, const char *what, Slice name,
                        Error *err)
{
    const char *names[MAX_NAMES];
    size_t n;
    TRY(list_names(arena, places, names, &n, err));
    const char *nearest = nearest_name(name, names, n);
    Buffer looked = {0}; // paths, which are not cut
    for (size_t i = 0; i < places->n; i++) {
        buffer_printf(&looked, "%s%s", i ? ", " : "", places->paths[i]);
    }
    const Status s =
        error_set(err, STATUS_NOT_FOUND, "there is no %s \"" SLICE_FMT "\"%s%s%s (looked in %s)",
                  what, SLICE_ARG(name), nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                  nearest ? "\"?" : "", looked.ptr ? looked.ptr : "");
    buffer_release(&looked);
    return s;
}

Status suite_find(Arena *arena, Slice beside, const char *subfolder, const char *what, Slice name,
                  const char **path, Error *err)
{
    Places places = {0};
    TRY(list_places(arena, beside, subfolder, &places, err));
    for (size_t i = 0; i < places.n && name.len > 0; i++) {
        const char *file =
            arena_printf(arena, "%s/" SLICE_FMT ".json", places.paths[i], SLICE_ARG(name));
        if (!file) return error_set_memory(err, name.len, 1, "a suite's path");
        if (!file_exists(file)) continue;
        *path = file;
        return STATUS_OK;
    }
    return not_found(arena, &places, what, name, err);
}

Status suite_find_named(const SuiteReading *reading, const Json *at, const char *subfolder,
                        const char *what, Slice name, const char **path, Error *err)
{
    const Slice beside = file_directory_of(reading->suite->path);
    Error wrong = {0};
    if (slice_find_byte(name, '/') != SIZE_MAX)
        return suite_resolve_path(reading, at, reading->edited->name, path, err);
    const Status s =
        suite_find(&reading->suite->arena, beside, subfolder, what, name, path, &wrong);
    return s == STATUS_OK ? s : suite_error_at(at, s, &wrong, err);
}

Status suite_locate(Arena *arena, const char *name, const char **path, Error *err)
{
    const Slice text = slice_from_cstr(name);
    const bool is_path = slice_find_byte(text, '/') != SIZE_MAX ||
                         slice_ends_with(text, SLICE(".json")) ||
                         (file_exists(name) && !file_is_directory(name));
    *path = name;
    return is_path ? STATUS_OK : suite_find(arena, (Slice){0}, "", "suite", text, path, err);
}

// --- listing -------------------------------------------------------------------------------------------------------

// One line for people out of a file; a file that is no JSON says so in its place.
static Status read_summary(Arena *arena, SuiteEntry *entry, Error *err)
{
    JsonDocument *document = NULL;
    Error wrong = {0};
    Slice summary = {0};
    const char *path = arena_cstr(arena, entry->path);
    if (!path) return error_set_memory(err, entry->path.len, 1, "a path");
    if (json_load(path, JSON_COMMENTS, &document, &wrong) == STATUS_OK) {
        const Json *value = json_get(json_root(document), "summary");
        if (value && json_kind(value) == JSON_STRING) summary = json_string(value);
    } else {
        summary = slice_from_cstr(wrong.text);
    }
    entry->summary = arena_copy(arena, summary);
    json_close(&document);
    return entry->summary.ptr ? STATUS_OK : error_set_memory(err, summary.len, 1, "a summary");
}

static int compare_entries(const void *left, const void *right)
{
    const SuiteEntry *a = left, *b = right;
    return slice_cmp(a->name, b->name);
}

static bool is_listed(const SuiteEntry *entries, size_t n, Slice name)
{
    for (size_t i = 0; i < n; i++) {
        if (slice_eq(entries[i].name, name)) return true;
    }
    return false;
}

static Status list_entries(Arena *arena, const char *subfolder, SuiteEntry **out, size_t *n,
                           Error *err)
{
    Places places = {0};
    SuiteEntry *entries = NULL;
    *n = 0;
    TRY(list_places(arena, (Slice){0}, subfolder, &places, err));
    TRY(arena_take(arena, MAX_NAMES, sizeof *entries, "suites", &entries, err));
    for (size_t i = 0; i < places.n; i++) {
        Slice *files;
        size_t n_files;
        if (!file_is_directory(places.paths[i])) continue;
        TRY(file_list(arena, places.paths[i], &files, &n_files, err));
        for (size_t j = 0; j < n_files && *n < MAX_NAMES; j++) {
            const Slice name = without_extension(files[j]);
            if (name.len == 0 || slice_ends_with(name, SLICE(".schema"))) continue;
            if (is_listed(entries, *n, name)) continue;
            const char *path = file_join(arena, slice_from_cstr(places.paths[i]), files[j]);
            if (!path) return error_set_memory(err, name.len, 1, "a path");
            entries[*n] = (SuiteEntry){.name = name, .path = slice_from_cstr(path)};
            TRY(read_summary(arena, &entries[*n], err));
            ++*n;
        }
    }
    qsort(entries, *n, sizeof *entries, compare_entries);
    *out = entries;
    return STATUS_OK;
}

Status suite_list_tasks(Arena *arena, SuiteEntry **out, size_t *n, Error *err)
{
    return list_entries(arena, "tasks", out, n, err);
}

Status suite_list_suites(Arena *arena, SuiteEntry **out, size_t *n, Error *err)
{
    return list_entries(arena, "", out, n, err);
}
