// What a model is: its files, or how it is created; and the other models and files that tuning asks.
#include <string.h>

#include "base/buffer_keep.h"
#include "base/file.h"
#include "harness/identify_internal.h"
#include "models/checkpoint.h"

// Files of a model's directory that can change what it computes: weights, configuration, vocabulary.
static bool is_model_file(Slice name)
{
    static const Slice ends[] = {SLICE_LIT(".json"), SLICE_LIT(".safetensors"),
                                 SLICE_LIT(".txt"),  SLICE_LIT(".model"),
                                 SLICE_LIT(".spm"),  SLICE_LIT(".jinja")};
    if (slice_eq_cstr(name, note_name)) return false; // our note: what it says counts, put_note
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (slice_ends_with(name, ends[i])) return true;
    }
    return false;
}

// Of a note that which answers hang on, not which trial made the model.
static void put_note(const SuiteModel *model, JsonWriter *w)
{
    if (!model->note || !note_says_anything(model->note)) return;
    json_member_object(w, note_name);
    note_put(model->note, w);
    json_end_object(w);
}

static Status identify_saved(Identify *id, const SuiteModel *model, const char *directory,
                             Slice *json, Error *err)
{
    Slice *names = NULL;
    size_t n = 0;
    Buffer buffer = {0};
    TRY(file_list(id->arena, directory, &names, &n, err));
    JsonWriter w = json_writer(&buffer, 0);
    json_begin_object(&w);
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        Slice sha256;
        const char *path = file_join(id->arena, slice_from_cstr(directory), names[i]);
        if (path == NULL) s = error_set_memory(err, names[i].len, 1, "a path");
        if (slice_eq_cstr(names[i], note_name)) put_note(model, &w);
        if (s != STATUS_OK || !is_model_file(names[i]) || file_is_directory(path)) continue;
        char *name = arena_printf(id->arena, SLICE_FMT "/" SLICE_FMT, SLICE_ARG(model->name),
                                  SLICE_ARG(names[i]));
        s = name ? identity_add_file(id, "model", slice_from_cstr(name), path, &sha256, err)
                 : error_set_memory(err, names[i].len, 1, "a name");
        if (s != STATUS_OK) continue;
        json_put_key_slice(&w, names[i]);
        json_put_string(&w, sha256);
    }
    if (s == STATUS_OK) {
        json_end_object(&w);
        return buffer_keep(&buffer, id->arena, "an identity", json, err);
    }
    buffer_release(&buffer);
    return s;
}

// Shards by their order: names may change together.
static Status identify_shards(Identify *id, const SuiteModel *model, const char *const *paths,
                              size_t n, JsonWriter *w, Error *err)
{
    json_member_array(w, "gguf");
    for (size_t i = 0; i < n; i++) {
        Slice sha256;
        const char *name = arena_printf(id->arena, SLICE_FMT "/" SLICE_FMT, SLICE_ARG(model->name),
                                        SLICE_ARG(file_name_of(slice_from_cstr(paths[i]))));
        if (!name) return error_set_memory(err, model->name.len, 1, "a name");
        TRY(identity_add_file(id, "model", slice_from_cstr(name), paths[i], &sha256, err));
        json_put_string(w, sha256);
    }
    json_end_array(w);
    return STATUS_OK;
}

// A GGUF file, or all its shards, is all of its model.
static Status identify_file(Identify *id, const SuiteModel *model, const char *path, Slice *json,
                            Error *err)
{
    const char **paths = NULL;
    size_t n = 0;
    Slice sha256;
    Buffer buffer = {0};
    TRY(gguf_paths(id->arena, path, &paths, &n, err));
    JsonWriter w = json_writer(&buffer, 0);
    json_begin_object(&w);
    Status s = n > 1 ? identify_shards(id, model, paths, n, &w, err)
                     : identity_add_file(id, "model", model->name, path, &sha256, err);
    if (s == STATUS_OK && n == 1) json_member_string(&w, "gguf", sha256);
    json_end_object(&w);
    if (s == STATUS_OK) return buffer_keep(&buffer, id->arena, "an identity", json, err);
    buffer_release(&buffer);
    return s;
}

Status identify_model(Identify *id, const SuiteModel *model, Slice *json, Error *err)
{
    if (model->kind == SUITE_MODEL_CREATE) {
        Buffer buffer = {0};
        buffer_append_cstr(&buffer, "{\"create\":");
        buffer_append(&buffer, model->create.json);
        buffer_append_byte(&buffer, '}');
        return buffer_keep(&buffer, id->arena, "an identity", json, err);
    }
    const char *path = NULL; // a cache's folder has its files elsewhere
    TRY(checkpoint_resolve(id->arena, model->path, &path, err));
    return file_is_directory(path) ? identify_saved(id, model, path, json, err)
                                   : identify_file(id, model, path, json, err);
}

static bool knows_aid(const SuiteIdentity *identity, const char *path)
{
    for (size_t i = 0; i < identity->n_aids; i++) {
        if (strcmp(identity->aids[i].path, path) == 0) return true;
    }
    return false;
}

static Status add_aid(Identify *id, const char *what, const char *path, bool is_model, Error *err)
{
    SuiteIdentity *out = id->out;
    if (!path || knows_aid(out, path)) return STATUS_OK;
    TRY(arena_grow(id->arena, out->n_aids, out->n_aids + 1, sizeof *out->aids, "files", &out->aids,
                   err));
    IdentifiedAid *to = &out->aids[out->n_aids];
    *to = (IdentifiedAid){.path = path};
    if (is_model) {
        const SuiteModel aid = {.name = slice_from_cstr(what), .path = path};
        const Status s = identify_model(id, &aid, &to->json, err);
        if (s != STATUS_OK) return error_wrap(err, "%s", what);
    } else {
        Slice sha256;
        TRY(identity_add_file(id, "data", slice_from_cstr(what), path, &sha256, err));
        const char *quoted = arena_printf(id->arena, "\"" SLICE_FMT "\"", SLICE_ARG(sha256));
        if (quoted == NULL) return error_set_memory(err, 1, sha256.len, "an identity");
        to->json = slice_from_cstr(quoted);
    }
    out->n_aids++;
    return STATUS_OK;
}

Status identify_aids(Identify *id, Error *err)
{
    for (size_t m = 0; m < id->suite->n_models; m++) {
        const SuiteModel *model = &id->suite->models[m];
        for (size_t i = 0; model->does_tune && i < model->n_settings; i++) {
            const TuneSetting *setting = &model->settings[i];
            const SuiteAugment *augment = &setting->augment;
            TRY(add_aid(id, "teacher", setting->teacher_path, true, err));
            TRY(add_aid(id, "lexicon", augment->lexicon_path, false, err));
            TRY(add_aid(id, "translator", augment->forward_path, true, err));
            TRY(add_aid(id, "translator back", augment->back_path, true, err));
            TRY(add_aid(id, "generator", augment->generator_path, true, err));
        }
    }
    return STATUS_OK;
}
