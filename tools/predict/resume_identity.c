#include "tools/predict/resume_identity.h"

#include <string.h>

#include "base/buffer_keep.h"
#include "base/file.h"
#include "base/machine.h"
#include "base/sha256.h"
#include "harness/trial.h"
#include "models/checkpoint.h"
#include "models/formats/gguf.h"
#include "tools/jsonl.h"

typedef struct Files {
    Arena *arena;
    Slice out_name; // of --out: what stands under it is none of the model's
    Sha256 hash;
} Files;

static Status add_file(Files *files, const char *path, Error *err)
{
    FileStat info;
    const Slice name = file_name_of(slice_from_cstr(path));
    if (files->out_name.len > 0 && slice_starts_with(name, files->out_name)) return STATUS_OK;
    TRY(file_stat(path, &info, err));
    sha256_update_field(&files->hash, name);
    const char *what =
        arena_printf(files->arena, "%llu %llu %lld", (unsigned long long)info.size_bytes,
                     (unsigned long long)info.inode, (long long)info.mtime_ns);
    if (!what) return error_set_memory(err, 64, 1, "a file's state");
    sha256_update_field(&files->hash, slice_from_cstr(what));
    return STATUS_OK;
}

// The files of a folder, and those of folders in it (1_Pooling); links to nothing are no files.
static Status add_folder(Files *files, const char *path, size_t depth, Error *err)
{
    Slice *names = NULL;
    size_t n = 0;
    TRY(file_list(files->arena, path, &names, &n, err));
    for (size_t i = 0; i < n; i++) {
        const char *inner = file_join(files->arena, slice_from_cstr(path), names[i]);
        if (!inner) return error_set_memory(err, names[i].len, 1, "a path");
        if (!file_is_directory(inner)) {
            if (file_exists(inner)) TRY(add_file(files, inner, err));
        } else if (depth > 0) {
            TRY(add_folder(files, inner, depth - 1, err));
        }
    }
    return STATUS_OK;
}

static Status hash_model(const CommandLine *line, Arena *arena, char out[SHA256_HEX_SIZE],
                         Error *err)
{
    const char *path = NULL;
    const char **paths = NULL;
    size_t n = 0;
    unsigned char digest[32];
    Files files = {.arena = arena,
                   .out_name = file_name_of(slice_from_cstr(option_text(line, "out")))};
    sha256_init(&files.hash);
    TRY(checkpoint_resolve(arena, line->operands[0], &path, err));
    if (file_is_directory(path)) {
        TRY(add_folder(&files, path, 1, err));
    } else {
        TRY(gguf_paths(arena, path, &paths, &n, err));
        for (size_t i = 0; i < n; i++) TRY(add_file(&files, paths[i], err));
    }
    sha256_finish(&files.hash, digest);
    sha256_hex(digest, out);
    return STATUS_OK;
}

// Options that change no answer.
static bool is_free(const char *name)
{
    static const char *const names[] = {"out", "batch", "threads"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) return true;
    }
    return false;
}

static void put_option(JsonWriter *w, Arena *arena, const char *name, const char *value)
{
    const char *text =
        value ? arena_printf(arena, "--%s=%s", name, value) : arena_printf(arena, "--%s", name);
    if (text)
        json_put_cstr(w, text);
    else
        w->out->failed = true;
}

static void put_options(const CommandLine *line, Arena *arena, JsonWriter *w)
{
    const Command *command = line->command;
    for (size_t i = 0; i < command->n_options; i++) {
        const OptionValue *value = &line->values[i];
        const char *name = command->options[i].name;
        if (!value->is_given || is_free(name)) continue;
        if (command->options[i].kind != OPTION_TEXTS) put_option(w, arena, name, value->text);
        for (size_t k = 0; k < value->n_texts; k++) put_option(w, arena, name, value->texts[k]);
    }
}

Status resume_identity(const CommandLine *line, Arena *arena, Slice *out, Error *err)
{
    enum { NAMES_SIZE = 128 };
    char model[SHA256_HEX_SIZE], features[NAMES_SIZE];
    Machine machine;
    Buffer buffer = {0};
    TRY(hash_model(line, arena, model, err));
    machine_describe(&machine);
    machine_feature_names(machine_cpu_features(), features, sizeof features);
    const char *program =
        arena_printf(arena, "%s, numerics %d", version_text(), (int)NUMERICS_VERSION);
    const char *cpu = arena_printf(arena, "%s, %s", machine.cpu_model, features);
    if (!program || !cpu) return error_set_memory(err, NAMES_SIZE, 1, "an identity");
    JsonWriter w = json_writer(&buffer, 0);
    json_begin_object(&w);
    json_member_cstr(&w, "program", program);
    json_member_cstr(&w, "machine", cpu);
    json_member_cstr(&w, "model", model);
    json_member_array(&w, "options");
    put_options(line, arena, &w);
    json_end_array(&w);
    json_end_object(&w);
    return buffer_keep(&buffer, arena, "an identity", out, err);
}

// ---- the same, read back ----

typedef struct Identity {
    JsonlText program, machine, model;
    JsonlTexts options;
} Identity;

static const JsonlField fields[] = {
    {"program", JSONL_TEXT, offsetof(Identity, program)},
    {"machine", JSONL_TEXT, offsetof(Identity, machine)},
    {"model", JSONL_TEXT, offsetof(Identity, model)},
    {"options", JSONL_TEXTS, offsetof(Identity, options)},
};

static bool has_text(const JsonlTexts *texts, Slice text)
{
    for (size_t i = 0; i < texts->n; i++) {
        if (slice_eq(texts->values[i], text)) return true;
    }
    return false;
}

// An option that only one of them has, as it was given; empty where they have the same.
static Slice differing_option(const JsonlTexts *a, const JsonlTexts *b)
{
    for (size_t i = 0; i < a->n; i++) {
        if (!has_text(b, a->values[i])) return a->values[i];
    }
    for (size_t i = 0; i < b->n; i++) {
        if (!has_text(a, b->values[i])) return b->values[i];
    }
    return (Slice){0};
}

static Status read_identity(Slice line, Arena *arena, Identity *out)
{
    Error ignored = {0};
    *out = (Identity){0};
    return jsonl_read_line(SLICE("log"), 1, line, arena, fields, sizeof fields / sizeof *fields,
                           out, &ignored);
}

Status resume_identity_differs(Slice before, Slice now, Arena *arena, const char **why, Error *err)
{
    Identity a, b;
    *why = NULL;
    if (slice_eq(before, now)) return STATUS_OK;
    *why = "its options are others";
    if (read_identity(before, arena, &a) != STATUS_OK || read_identity(now, arena, &b) != STATUS_OK)
        return STATUS_OK;
    const Slice option = differing_option(&a.options, &b.options);
    if (!slice_eq(a.program.text, b.program.text)) {
        *why = "another version of assay wrote it";
    } else if (!slice_eq(a.machine.text, b.machine.text)) {
        *why = "another kind of CPU computed it";
    } else if (!slice_eq(a.model.text, b.model.text)) {
        *why = "it is of another model, or the model's files have changed";
    } else if (option.len > 0) {
        *why = arena_printf(arena, "its options are others (" SLICE_FMT ")", SLICE_ARG(option));
        if (!*why) return error_set_memory(err, option.len, 1, "a message");
    }
    return STATUS_OK;
}
