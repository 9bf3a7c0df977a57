// What a task is: its data as they are read, its metrics and settings.
#include "base/buffer_keep.h"
#include "datasets/personal.h"
#include "harness/family.h"
#include "harness/identify_internal.h"
#include "harness/suite/keys.h"

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
    TRY(identity_add_file(id, "data", slice_from_cstr(name), path, &out->sha256[part], err));
    const char *labels = NULL;
    TRY(labels_file(id, task, path, &labels, err));
    if (labels) {
        name = arena_printf(id->arena, "%s labels", name);
        if (name == NULL) return error_set_memory(err, task->name.len, 1, "a name");
        TRY(identity_add_file(id, "data", slice_from_cstr(name), labels, &labels_sha, err));
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
        TRY(identity_add_file(id, "data", slice_from_cstr(name), file, &sha, err));
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
    const FoldKind kind = id->suite->folds.kind;
    if (family_find(task->family)->has_label_set &&
        (kind == FOLDS_STRATIFIED || kind == FOLDS_STRATIFIED_GROUPED)) {
        json_member_cstr(&w, "label_folds", "iterative"); // they were plain once
    }
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
    return buffer_keep(&buffer, id->arena, "an identity", &out->json, err);
}

Status identify_task(Identify *id, const SuiteTask *task, TaskIdentity *out, Error *err)
{
    const char *const paths[N_DATA_PARTS] = {task->train, task->valid, task->test};
    const SuiteTargets *const targets[N_DATA_PARTS] = {&task->train_targets, &task->valid_targets,
                                                       &task->test_targets};
    if (task->swap_path) {
        const char *name =
            arena_printf(id->arena, SLICE_FMT "/swapped words", SLICE_ARG(task->name));
        if (name == NULL) return error_set_memory(err, task->name.len, 1, "a name");
        TRY(identity_add_file(id, "data", slice_from_cstr(name), task->swap_path, &out->swap_sha256,
                              err));
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
