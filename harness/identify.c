// harness/identify.c: what models, data and folds of a suite are, by the hashes of their files.
#include "base/buffer_keep.h"
#include "base/file.h"
#include "harness/identify_internal.h"

const char *data_part_name(DataPart part)
{
    static const char *const names[N_DATA_PARTS] = {"train", "valid", "test"};
    return names[part];
}

Status identity_add_file(Identify *id, const char *role, Slice name, const char *path,
                         Slice *sha256, Error *err)
{
    SuiteIdentity *out = id->out;
    char hex[SHA256_HEX_SIZE];
    FileStat stat;
    TRY(arena_make_room(id->arena, out->n_files, &id->capacity, sizeof *out->files,
                        "a list of files", &out->files, err));
    TRY(file_stat(path, &stat, err));
    TRY(store_file_hash(id->store, path, hex, err));
    *sha256 = arena_copy(id->arena, (Slice){hex, SHA256_HEX_SIZE - 1});
    const Slice kept_path = arena_copy(id->arena, slice_from_cstr(path));
    const Slice kept_name = arena_copy(id->arena, name);
    if (!sha256->ptr || !kept_path.ptr || !kept_name.ptr)
        return error_set_memory(err, 1, sizeof hex, "a file's hash");
    out->files[out->n_files++] = (IdentifiedFile){.role = slice_from_cstr(role),
                                                  .name = kept_name,
                                                  .path = kept_path,
                                                  .sha256 = *sha256,
                                                  .size_bytes = stat.size_bytes};
    return STATUS_OK;
}

static Status folds_json(Identify *id, Slice *out, Error *err)
{
    static const char *const kinds[] = {"stratified", "plain", "grouped", "stratified_grouped"};
    const Suite *suite = id->suite;
    const SuiteFolds *folds = &suite->folds;
    Slice pinned = {0};
    Buffer buffer = {0};
    if (folds->k > 0 && folds->file)
        TRY(identity_add_file(id, "folds", SLICE("folds"), folds->file, &pinned, err));
    JsonWriter w = json_writer(&buffer, 0);
    json_begin_object(&w);
    json_member_bool(&w, "allow_rare", folds->allow_rare);
    json_member_string(&w, "file", pinned);
    json_member_bool(&w, "file_order", folds->file_order);
    json_member_u64(&w, "inner_folds", folds->inner_folds);
    json_member_double(&w, "inner_share", folds->inner_share);
    json_member_u64(&w, "k", folds->k);
    if (folds->keep_near > 0) {
        json_member_double(&w, "keep_near", folds->keep_near);
    }
    json_member_cstr(&w, "kind", kinds[folds->kind]);
    json_member_u64(&w, "limit", suite->limit);
    json_member_bool(&w, "refit", folds->refit);
    json_put_key(&w, "seed"); // of the cuts; each trial has its own
    json_put_u64(&w, suite->seed);
    json_end_object(&w);
    return buffer_keep(&buffer, id->arena, "an identity", out, err);
}

Status suite_identify(const Suite *suite, Store *store, Device device, ComputeMode compute,
                      DType kv, Arena *arena, SuiteIdentity *out, Error *err)
{
    *out = (SuiteIdentity){.device_kind = device.kind == DEVICE_CUDA ? SLICE("cuda") : SLICE("cpu"),
                           .compute_dtype = slice_from_cstr(compute_name(compute)),
                           .compute = compute,
                           .kv = kv};
    Identify id = {.suite = suite, .store = store, .arena = arena, .out = out};
    TRY(arena_take(arena, suite->n_models, sizeof *out->models, "models", &out->models, err));
    TRY(arena_take(arena, suite->n_tasks, sizeof *out->tasks, "tasks", &out->tasks, err));
    TRY(folds_json(&id, &out->folds_json, err));
    for (size_t i = 0; i < suite->n_models; i++) {
        const Status s = identify_model(&id, &suite->models[i], &out->models[i], err);
        if (s != STATUS_OK)
            return error_wrap(err, "model \"" SLICE_FMT "\"", SLICE_ARG(suite->models[i].name));
    }
    TRY(identify_aids(&id, err));
    for (size_t i = 0; i < suite->n_tasks; i++) {
        const Status s = identify_task(&id, &suite->tasks[i], &out->tasks[i], err);
        if (s != STATUS_OK)
            return error_wrap(err, "task \"" SLICE_FMT "\"", SLICE_ARG(suite->tasks[i].name));
    }
    return STATUS_OK;
}
