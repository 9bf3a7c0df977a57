// harness/identify.c: what models, data and folds of a suite are, by the hashes of their files.
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "datasets/personal.h"
#include "harness/family.h"
#include "harness/suite/keys.h"
#include "harness/trial.h"
#include "models/checkpoint.h"

const char *data_part_name(DataPart part)
{
    static const char *const names[N_DATA_PARTS] = {"train", "valid", "test"};
    return names[part];
}

typedef struct Identify {
    const Suite *suite;
    Store *store;
    Arena *arena;
    SuiteIdentity *out;
    size_t capacity; // of out->files
} Identify;

static Status keep(Identify *id, Buffer *buffer, Slice *out, Error *err)
{
    Status s = buffer_status(buffer, err);
    if (s == STATUS_OK) {
        *out = arena_copy(id->arena, buffer_slice(buffer));
        if (out->ptr == NULL) s = error_set_memory(err, buffer->len, 1, "an identity");
    }
    buffer_release(buffer);
    return s;
}

// The hash of a file, which also goes into the list for the manifest.
static Status add_file(Identify *id, const char *role, Slice name, const char *path, Slice *sha256,
                       Error *err)
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

// ---- models ----

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
        s = name ? add_file(id, "model", slice_from_cstr(name), path, &sha256, err)
                 : error_set_memory(err, names[i].len, 1, "a name");
        if (s != STATUS_OK) continue;
        json_put_key_slice(&w, names[i]);
        json_put_string(&w, sha256);
    }
    if (s == STATUS_OK) {
        json_end_object(&w);
        return keep(id, &buffer, json, err);
    }
    buffer_release(&buffer);
    return s;
}

// A GGUF file is all of its model.
static Status identify_file(Identify *id, const SuiteModel *model, const char *path, Slice *json,
                            Error *err)
{
    Slice sha256;
    Buffer buffer = {0};
    TRY(add_file(id, "model", model->name, path, &sha256, err));
    JsonWriter w = json_writer(&buffer, 0);
    json_begin_object(&w);
    json_member_string(&w, "gguf", sha256);
    json_end_object(&w);
    return keep(id, &buffer, json, err);
}

static Status identify_model(Identify *id, const SuiteModel *model, Slice *json, Error *err)
{
    if (model->kind == SUITE_MODEL_CREATE) {
        Buffer buffer = {0};
        buffer_append_cstr(&buffer, "{\"create\":");
        buffer_append(&buffer, model->create.json);
        buffer_append_byte(&buffer, '}');
        return keep(id, &buffer, json, err);
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
        TRY(add_file(id, "data", slice_from_cstr(what), path, &sha256, err));
        const char *quoted = arena_printf(id->arena, "\"" SLICE_FMT "\"", SLICE_ARG(sha256));
        if (quoted == NULL) return error_set_memory(err, 1, sha256.len, "an identity");
        to->json = slice_from_cstr(quoted);
    }
    out->n_aids++;
    return STATUS_OK;
}

static Status identify_aids(Identify *id, Error *err)
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

// ---- data ----

static void hash_slice(Sha256 *hash, Slice text)
{
    // An empty slice with a pointer means "none", one without means "the default".
    sha256_update_field(hash, text.ptr ? SLICE("given") : SLICE("default"));
    sha256_update_field(hash, text);
}

// Labels that are no classes: sets of them, and numbers.
static void hash_labels(Sha256 *hash, const SuiteTask *task)
{
    const Family *family = family_find(task->family);
    const ReadOptions *read = &task->read;
    if (family->has_value) hash_slice(hash, SLICE("numbers"));
    if (!family->has_label_set) return;
    hash_slice(hash, SLICE("label sets"));
    hash_slice(hash, read->label_separator);
    for (size_t i = 0; i < read->columns.n_labels; i++) {
        hash_slice(hash, read->columns.labels[i].name);
        hash_slice(hash, read->columns.labels[i].column);
    }
}

static void hash_reading(Sha256 *hash, const SuiteTask *task)
{
    const ReadOptions *read = &task->read;
    const bool has_targets = family_find(task->family)->has_targets;
    const Slice columns[] = {read->format,        read->columns.text, read->columns.pair,
                             read->columns.label, read->columns.id,   read->columns.group};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) hash_slice(hash, columns[i]);
    for (size_t i = 0; i < read->columns.n_attributes; i++) {
        hash_slice(hash, read->columns.attributes[i].name);
        hash_slice(hash, read->columns.attributes[i].column);
    }
    const unsigned char how[] = {(unsigned char)read->header, (unsigned char)read->delimiter,
                                 (unsigned char)read->encoding,
                                 (unsigned char)read->label_optional};
    sha256_update_field(hash, (Slice){(const char *)how, sizeof how});
    for (size_t i = 0; i < read->n_labels; i++) hash_slice(hash, read->labels[i]);
    for (size_t i = 0; i < read->columns.n_choices; i++) hash_slice(hash, read->columns.choices[i]);
    if (read->bad_answers != BAD_ANSWERS_REFUSE) { // else none is touched
        const unsigned char answers = (unsigned char)read->bad_answers;
        hash_slice(hash, SLICE("bad answers"));
        sha256_update_field(hash, (Slice){(const char *)&answers, 1});
    }
    if (read->items != STEREO_INTRASENTENCE)
        hash_slice(hash, read->items == STEREO_ALL ? SLICE("all items") : SLICE("intersentence"));
    hash_labels(hash, task);
    if (slice_eq_cstr(task->unseen_labels, "refuse")) hash_slice(hash, SLICE("no unseen labels"));
    if (!has_targets) return;
    const unsigned char sides = (unsigned char)read->empty_sides;
    hash_slice(hash, SLICE("targets"));
    hash_slice(hash, read->columns.target);
    sha256_update_field(hash, (Slice){(const char *)&sides, 1});
}

static void hash_steps(Sha256 *hash, const SuiteTask *task)
{
    const unsigned char version[] = {STEPS_VERSION, PERSONAL_VERSION};
    if (task->n_prepare == 0) return;
    sha256_update_field(hash, SLICE("steps"));
    sha256_update_field(hash, (Slice){(const char *)version, sizeof version});
    for (size_t i = 0; i < task->n_prepare; i++)
        sha256_update_field(hash, slice_from_cstr(task->prepare[i]->name));
}

// The second file of a format: of "lines" the labels, given or the ones beside; the twin of "winobias", the statistics of
// "winogender". NULL where there is none.
static Status labels_file(Identify *id, const SuiteTask *task, const char *path, const char **out,
                          Error *err)
{
    const Slice given = task->read.labels_path;
    char *beside = NULL;
    *out = dataset_companion(id->arena, path, task->read.format);
    if (*out) return STATUS_OK;
    if (given.len == 0) {
        TRY(dataset_labels_beside(id->arena, slice_from_cstr(path), &beside, err));
        *out = beside;
        return STATUS_OK;
    }
    *out = arena_cstr(id->arena, given);
    return *out ? STATUS_OK : error_set_memory(err, given.len, 1, "a path");
}

static Status identify_part(Identify *id, const SuiteTask *task, DataPart part, const char *path,
                            const SuiteTargets *targets, TaskIdentity *out, Error *err)
{
    Sha256 hash;
    Slice labels_sha = {0};
    unsigned char digest[32];
    char hex[SHA256_HEX_SIZE];
    char *name =
        arena_printf(id->arena, SLICE_FMT "/%s", SLICE_ARG(task->name), data_part_name(part));
    if (name == NULL) return error_set_memory(err, task->name.len, 1, "a name");
    TRY(add_file(id, "data", slice_from_cstr(name), path, &out->sha256[part], err));
    const char *labels = NULL;
    TRY(labels_file(id, task, path, &labels, err));
    if (labels) {
        name = arena_printf(id->arena, "%s labels", name);
        if (name == NULL) return error_set_memory(err, task->name.len, 1, "a name");
        TRY(add_file(id, "data", slice_from_cstr(name), labels, &labels_sha, err));
    }
    sha256_init(&hash);
    sha256_update_field(&hash, SLICE("assay-data-1"));
    sha256_update_field(&hash, out->sha256[part]);
    sha256_update_field(&hash, labels_sha);
    // What is stored of samples has their copies' texts.
    if (out->swap_sha256.len > 0) sha256_update_field(&hash, out->swap_sha256);
    hash_reading(&hash, task);
    hash_steps(&hash, task);
    for (size_t i = 0; i < targets->n; i++) {
        Slice sha = {0};
        const char *file = arena_cstr(id->arena, targets->paths[i]);
        name = arena_printf(id->arena, SLICE_FMT "/%s targets", SLICE_ARG(task->name),
                            data_part_name(part));
        if (!file || !name) return error_set_memory(err, 1, task->name.len, "a name");
        TRY(add_file(id, "data", slice_from_cstr(name), file, &sha, err));
        sha256_update_field(&hash, sha);
    }
    // The classes of the other parts are those of the training part.
    if (part != PART_TRAIN) sha256_update_field(&hash, out->keys[PART_TRAIN]);
    sha256_finish(&hash, digest);
    sha256_hex(digest, hex);
    out->keys[part] = arena_copy(id->arena, (Slice){hex, SHA256_HEX_SIZE - 1});
    return out->keys[part].ptr ? STATUS_OK : error_set_memory(err, sizeof hex, 1, "a key");
}

static void put_metrics(JsonWriter *w, const SuiteTask *task)
{
    json_begin_array(w);
    for (size_t i = 0; i < task->n_metrics; i++) {
        const SuiteMetric *metric = &task->metrics[i];
        json_begin_object(w);
        json_member_cstr(w, "name", metric->metric->name);
        json_member_raw(w, "params",
                        metric->params_json.len > 0 ? metric->params_json : SLICE("{}"));
        if (metric->splitter) {
            json_member_string(w, "spm_model", metric->splitter_sha256);
        }
        json_member_i64(w, "version", metric->metric->version == 0 ? 1 : metric->metric->version);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_steps(JsonWriter *w, const SuiteTask *task)
{
    json_member_array(w, "prepare");
    for (size_t i = 0; i < task->n_prepare; i++) json_put_cstr(w, task->prepare[i]->name);
    json_end_array(w);
}

// How sources are told apart and begin, where anything is said of it.
static void put_sources(JsonWriter *w, const SuiteTask *task)
{
    const struct {
        const char *key;
        Slice text;
    } members[] = {{"src_lang", task->src_lang},
                   {"tgt_lang", task->tgt_lang},
                   {"source_prefix", task->source_prefix}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (members[i].text.len > 0) json_member_string(w, members[i].key, members[i].text);
    }
}

static Status task_json(Identify *id, const SuiteTask *task, TaskIdentity *out, Error *err)
{
    Buffer buffer = {0};
    JsonWriter w = json_writer(&buffer, 0);
    json_begin_object(&w);
    const bool is_translate = slice_eq_cstr(task->family, "translate");
    if (is_translate) {
        json_member_u64(&w, "beams", task->beams);
    }
    json_member_object(&w, "data");
    for (int part = N_DATA_PARTS - 1; part >= 0; part--) { // not by the alphabet: "valid" last
        const int sorted = part == 2 ? PART_TEST : part == 1 ? PART_TRAIN : PART_VALID;
        if (out->keys[sorted].len == 0) continue;
        json_member_string(&w, data_part_name((DataPart)sorted), out->keys[sorted]);
    }
    json_end_object(&w);
    if (slice_eq_cstr(task->family, "tag")) {
        json_member_string(&w, "decode", task->decode);
    }
    const bool is_span = slice_eq_cstr(task->family, "span");
    if (is_span) {
        json_member_u64(&w, "doc_stride", task->doc_stride);
    }
    json_member_string(&w, "family", task->family);
    json_member_string(&w, "folds", out->folds_key);
    if (is_translate) {
        json_member_double(&w, "length_penalty", task->length_penalty);
    }
    put_sources(&w, task);
    if (is_span) {
        json_member_u64(&w, "max_answer", task->max_answer);
    }
    if (task->swap_path) {
        json_member_string(&w, "counterfactual", out->swap_sha256);
    }
    if (task->likelihood.len > 0) {
        json_member_string(&w, "likelihood", task->likelihood);
    }
    json_member_u64(&w, "max_length", task->max_length);
    if (is_translate) {
        json_member_u64(&w, "max_new_tokens", task->max_new_tokens);
    }
    json_put_key(&w, "metrics");
    put_metrics(&w, task);
    if (is_span) {
        json_put_key(&w, "null_threshold");
        if (task->tunes_null_threshold)
            json_put_cstr(&w, "tune");
        else
            json_put_double(&w, task->null_threshold);
    }
    if (task->n_prepare > 0) put_steps(&w, task);
    json_member_string(&w, "primary", task->primary);
    if (task->prompt.is_given) {
        json_member_object(&w, "prompt");
        section_write(&section_prompt, &task->prompt, &w);
        json_end_object(&w);
    }
    if (task->zero_shot.is_given) {
        json_member_object(&w, "zero_shot");
        section_write(&section_zero_shot, &task->zero_shot, &w);
        json_end_object(&w);
    }
    if (family_find(task->family)->has_label_set)
        json_member_double(&w, "threshold", task->threshold);
    json_end_object(&w);
    return keep(id, &buffer, &out->json, err);
}

// ---- folds ----

static Status folds_json(Identify *id, Slice *out, Error *err)
{
    static const char *const kinds[] = {"stratified", "plain", "grouped", "stratified_grouped"};
    const Suite *suite = id->suite;
    const SuiteFolds *folds = &suite->folds;
    Slice pinned = {0};
    Buffer buffer = {0};
    if (folds->k > 0 && folds->file)
        TRY(add_file(id, "folds", SLICE("folds"), folds->file, &pinned, err));
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
    return keep(id, &buffer, out, err);
}

static Status identify_task(Identify *id, const SuiteTask *task, TaskIdentity *out, Error *err)
{
    const char *const paths[N_DATA_PARTS] = {task->train, task->valid, task->test};
    const SuiteTargets *const targets[N_DATA_PARTS] = {&task->train_targets, &task->valid_targets,
                                                       &task->test_targets};
    if (task->swap_path) {
        const char *name =
            arena_printf(id->arena, SLICE_FMT "/swapped words", SLICE_ARG(task->name));
        if (name == NULL) return error_set_memory(err, task->name.len, 1, "a name");
        TRY(add_file(id, "data", slice_from_cstr(name), task->swap_path, &out->swap_sha256, err));
    }
    for (int part = 0; part < N_DATA_PARTS; part++) {
        if (paths[part])
            TRY(identify_part(id, task, (DataPart)part, paths[part], targets[part], out, err));
    }
    if (id->suite->folds.k > 0 && task->train) {
        Sha256 hash;
        unsigned char digest[32];
        char hex[SHA256_HEX_SIZE];
        sha256_init(&hash);
        sha256_update_field(&hash, out->keys[PART_TRAIN]);
        sha256_update_field(&hash, id->out->folds_json);
        sha256_finish(&hash, digest);
        sha256_hex(digest, hex);
        out->folds_key = arena_copy(id->arena, (Slice){hex, SHA256_HEX_SIZE - 1});
        if (out->folds_key.ptr == NULL) return error_set_memory(err, 1, sizeof hex, "a key");
    }
    return task_json(id, task, out, err);
}

Status suite_identify(const Suite *suite, Store *store, Device device, ComputeMode compute,
                      Arena *arena, SuiteIdentity *out, Error *err)
{
    *out = (SuiteIdentity){.device_kind = device.kind == DEVICE_CUDA ? SLICE("cuda") : SLICE("cpu"),
                           .compute_dtype = slice_from_cstr(compute_name(compute)),
                           .compute = compute};
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
