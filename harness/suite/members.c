#include "harness/suite/members.h"

#include "base/file.h"
#include "harness/suite/suite_internal.h"

// What stands in such a file; the rest of a suite's keys belongs into its members.
static Status check_keys(const Json *root, Error *err)
{
    static const char *const known[] = {"$schema", "suite", "summary", "suites"};
    TRY(section_check_keys(&section_suite, root, err));
    for (const Json *v = json_first(root); v; v = json_next(v)) {
        bool is_known = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            is_known = is_known || slice_eq_cstr(json_key(v), known[i]);
        if (is_known) continue;
        return json_error(v, err,
                          "a suite of suites has no \"" SLICE_FMT
                          "\"; write it into the suites that it names",
                          SLICE_ARG(json_key(v)));
    }
    return STATUS_OK;
}

static Slice name_of(Slice path)
{
    for (size_t i = path.len; i > 0; i--) {
        if (path.ptr[i - 1] == '/') {
            path = slice_sub(path, i, path.len);
            break;
        }
    }
    return slice_ends_with(path, SLICE(".json")) ? slice_sub(path, 0, path.len - 5) : path;
}

static Status find_member(Arena *arena, const Json *value, Slice folder, SuiteMember *member,
                          Error *err)
{
    Slice text;
    TRY(json_as_string(value, &text, err));
    const bool is_path =
        slice_find_byte(text, '/') != SIZE_MAX || slice_ends_with(text, SLICE(".json"));
    if (is_path) {
        member->path = file_join(arena, folder, text);
        if (!member->path) return error_set_memory(err, text.len, 1, "a path");
        if (!file_exists(member->path))
            return json_error(value, err, "%s is not there", member->path);
    } else {
        Error missing = {0};
        const Status s = suite_find(arena, folder, "", "suite", text, &member->path, &missing);
        if (s != STATUS_OK) return suite_error_at(value, s, &missing, err);
    }
    member->name = name_of(slice_from_cstr(member->path));
    return STATUS_OK;
}

static Status read_members(Arena *arena, const Json *root, Slice folder, SuiteMembers *out,
                           Error *err)
{
    const Json *list = NULL;
    Slice name;
    TRY(json_opt_kind(root, "suites", JSON_ARRAY, &list, err));
    if (!list) return STATUS_OK;
    TRY(check_keys(root, err));
    TRY(json_want_string(root, "suite", &name, err));
    out->suite = arena_copy(arena, name);
    if (json_len(list) == 0) return json_error(list, err, "the list names no suite");
    TRY(arena_take(arena, json_len(list), sizeof *out->all, "suites", &out->all, err));
    for (const Json *v = json_first(list); v; v = json_next(v)) {
        SuiteMember *member = &out->all[out->n];
        TRY(find_member(arena, v, folder, member, err));
        for (size_t i = 0; i < out->n; i++) {
            if (!slice_eq(out->all[i].name, member->name)) continue;
            return json_error(v, err, "two of the suites are called \"" SLICE_FMT "\"",
                              SLICE_ARG(member->name));
        }
        out->n++;
    }
    return STATUS_OK;
}

Status suite_members_load(Arena *arena, const char *name, SuiteMembers *out, Error *err)
{
    const char *path = NULL;
    JsonDocument *document = NULL;
    *out = (SuiteMembers){0};
    TRY(suite_locate(arena, name, &path, err));
    Error why = {0};
    Status s = json_load(path, JSON_COMMENTS, &document, &why);
    if (s == STATUS_INVALID) return STATUS_OK; // suite_load says what is wrong with it
    if (s != STATUS_OK) {
        if (err) *err = why;
        return s;
    }
    const Json *root = json_root(document);
    if (json_kind(root) == JSON_OBJECT)
        s = read_members(arena, root, file_directory_of(slice_from_cstr(path)), out, err);
    json_close(&document);
    return s;
}
