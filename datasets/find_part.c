// The file of a part ("train") in a directory.
#include "base/file.h"
#include "base/input.h"
#include "base/name_list.h"
#include "datasets/reader.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MAX_NAMES = 4 };

static const char *const parts[][MAX_NAMES] = {
    {"train", "training"},
    {"dev", "valid", "validation", "val"},
    {"test", "testing"},
};

// The names that a part goes by: its own alone where it is none of the usual ones.
static void names_of(const char *part, const char *names[MAX_NAMES])
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        for (size_t j = 0; j < MAX_NAMES && parts[i][j]; j++) {
            if (strcmp(parts[i][j], part) != 0) continue;
            memcpy(names, parts[i], sizeof parts[i]);
            return;
        }
    }
    memset(names, 0, MAX_NAMES * sizeof *names);
    names[0] = part;
}

static bool is_one_of(Slice word, const char *const names[MAX_NAMES])
{
    for (size_t i = 0; i < MAX_NAMES && names[i]; i++) {
        if (word.len == strlen(names[i]) && strncasecmp(word.ptr, names[i], word.len) == 0)
            return true;
    }
    return false;
}

// 2: the name is the part's and an extension. 1: the part is one of its words. 0: neither.
static int rank_name(Slice file, const char *const names[MAX_NAMES])
{
    file = input_plain_name(file);
    size_t dot = file.len;
    while (dot > 0 && file.ptr[dot - 1] != '.') dot--;
    const Slice stem = slice_sub(file, 0, dot ? dot - 1 : 0);
    if (is_one_of(stem, names)) return 2;
    for (size_t begin = 0, at = 0; at <= stem.len; at++) {
        if (at < stem.len && slice_find_byte(SLICE(".-_"), stem.ptr[at]) == SIZE_MAX) continue;
        if (is_one_of(slice_sub(stem, begin, at), names)) return 1;
        begin = at + 1;
    }
    return 0;
}

static bool is_readable(Slice file, Slice end)
{
    const Reader *reader;
    file = input_plain_name(file);
    if (end.len > 0) {
        return file.len > end.len + 1 && slice_ends_with(file, end) &&
               file.ptr[file.len - end.len - 1] == '.';
    }
    return !slice_ends_with(file, SLICE("_labels.txt")) &&
           reader_for(file, (Slice){0}, &reader, NULL) == STATUS_OK;
}

// The files with a rank, or all for rank 0.
static NameList list_files(const Slice *files, size_t n, int rank,
                           const char *const names[MAX_NAMES], Slice end)
{
    NameList list = {.most = 12};
    for (size_t i = 0; i < n; i++) {
        if (rank && !(is_readable(files[i], end) && rank_name(files[i], names) == rank)) continue;
        name_list_add(&list, files[i]);
    }
    return list;
}

Status dataset_find_part(Arena *arena, const char *directory, const char *part, Slice end,
                         char **out, Error *err)
{
    const char *names[MAX_NAMES];
    Slice *files = NULL;
    size_t n = 0, n_best = 0, chosen = 0;
    int best = 1;
    names_of(part, names);
    TRY(file_list(arena, directory, &files, &n, err));
    for (size_t i = 0; i < n; i++) {
        const int rank = is_readable(files[i], end) ? rank_name(files[i], names) : 0;
        if (rank < best) continue;
        if (rank > best) n_best = 0;
        best = rank;
        if (n_best++ == 0) chosen = i;
    }
    const NameList shown = list_files(files, n, n_best > 1 ? best : 0, names, end);
    if (n_best == 0) {
        if (end.len > 0) {
            return error_set(err, STATUS_NOT_FOUND,
                             "%s: there is no %s." SLICE_FMT " in this directory (it holds: %s)",
                             directory, part, SLICE_ARG(end), name_list_or(&shown, "nothing"));
        }
        return error_set(
            err, STATUS_NOT_FOUND,
            "%s: there is no %s.tsv, .csv, .jsonl or .txt in this directory (it holds: %s)",
            directory, part, name_list_or(&shown, "nothing"));
    }
    if (n_best > 1) {
        return error_set(err, STATUS_INVALID,
                         "%s: several files may be the %s part (%s): name the one that is meant",
                         directory, part, shown.text);
    }
    *out = file_join(arena, slice_from_cstr(directory), files[chosen]);
    return *out ? STATUS_OK : error_set_memory(err, files[chosen].len, 1, "a path");
}
