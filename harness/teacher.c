#include "harness/teacher.h"

#include <stdlib.h>
#include <string.h>

#include "base/name_list.h"
#include "base/size.h"
#include "harness/family.h"
#include "harness/prompt/ask.h"
#include "models/checkpoint.h"

struct Teacher {
    Arena arena;
    const char *path;          // the setting's; of one that is tuned here its name
    char key[SHA256_HEX_SIZE]; // of its tuning; "" for a saved one
    size_t model, task;
    Model *opened;
    const Tokens *read;     // what it reads of the training part: the learner's, or `own`
    Tokens own;             // by its own tokenizer
    const int32_t *columns; // its outputs in the order of the labels; NULL = the same
    size_t n_labels;
    bool is_live;        // asked step by step
    const float **known; // [windows of the part] its logits; NULL = not asked yet
};

// ---- whether it can teach ----

static NameList list_labels(const Slice *labels, size_t n)
{
    NameList list = {.most = 8};
    for (size_t i = 0; i < n; i++) name_list_quote(&list, labels[i]);
    return list;
}

static Status lacks_label(const char *path, const ModelConfig *teacher, Slice label,
                          const Slice *labels, size_t n_labels, Error *err)
{
    const NameList own = list_labels(teacher->labels, teacher->n_labels),
                   wanted = list_labels(labels, n_labels);
    return error_set(err, STATUS_INVALID,
                     "the teacher %s has no label \"" SLICE_FMT
                     "\": its labels are %s, those to learn are %s; name them alike (id2label in "
                     "its config.json)",
                     path, SLICE_ARG(slice_sub(label, 0, 80)), own.text, wanted.text);
}

Status teacher_columns(const char *path, const ModelConfig *teacher, ModelHead head,
                       const Slice *labels, size_t n_labels, Arena *arena, const int32_t **columns,
                       Error *err)
{
    int32_t *out = NULL;
    *columns = NULL;
    if (teacher->head != head) {
        return error_set(
            err, STATUS_INVALID,
            "the head of the teacher %s is %s, but the model learns a %s head: a teacher "
            "is a model tuned on the same task",
            path, model_head_name(teacher->head), model_head_name(head));
    }
    if (head != HEAD_SEQUENCE && head != HEAD_TOKEN) return STATUS_OK;
    TRY(arena_take(arena, n_labels, sizeof *out, "labels", &out, err));
    for (size_t c = 0; c < n_labels; c++) {
        out[c] = label_find(teacher->labels, teacher->n_labels, labels[c]);
        if (out[c] == SAMPLE_NO_LABEL)
            return lacks_label(path, teacher, labels[c], labels, n_labels, err);
    }
    *columns = out;
    return STATUS_OK;
}

static const UsedPart *part_of(const Prepared *prepared, size_t task)
{
    return &prepared->tasks[task].parts[PART_TRAIN];
}

static Status encode(const Teacher *t, const Prepared *prepared, const Tokenizer *tokenizer,
                     const UsedPart *part, size_t max_length, Arena *arena, Tokens *out, Error *err)
{
    const SuiteTask *task = &prepared->suite->tasks[t->task];
    const TaskData *data = &prepared->tasks[t->task];
    *out =
        (Tokens){.model = t->model, .task = t->task, .part = PART_TRAIN, .max_length = max_length};
    if (prepared_by_prompt(prepared, t->model, t->task))
        return prompt_encode(task, data, part, tokenizer, max_length, arena, out, err);
    return data->family->encode(task, data, part, tokenizer, max_length, arena, out, err);
}

static bool same_ids(const TokenBatch *a, const TokenBatch *b)
{
    const size_t n = a->n_sequences;
    if (!a->starts || !b->starts) return !a->starts && !b->starts;
    if (b->n_sequences < n || memcmp(a->starts, b->starts, (n + 1) * sizeof *a->starts) != 0)
        return false;
    return a->starts[n] == 0 || memcmp(a->ids, b->ids, a->starts[n] * sizeof *a->ids) == 0;
}

// Both tokenizers cut the first samples alike, and know as many tokens.
static Status check_tokenizer(const Teacher *t, const Prepared *prepared, const Tokens *learner,
                              const Tokenizer *mine, Error *err)
{
    enum { N_LOOKED_AT = 256 };
    const Tokenizer *its = prepared_tokenizer(prepared, t->model, t->task);
    UsedPart first = *part_of(prepared, t->task);
    Arena scratch = {0};
    Tokens tokens = {0};
    first.n = size_min(first.n, N_LOOKED_AT);
    Status s = encode(t, prepared, mine, &first, learner->max_length, &scratch, &tokens, err);
    const bool is_same = s == STATUS_OK && same_ids(&tokens.batch, &learner->batch) &&
                         same_ids(&tokens.targets, &learner->targets) &&
                         tokenizer_vocab_size(mine) == tokenizer_vocab_size(its);
    arena_release(&scratch);
    if (s != STATUS_OK || is_same) return s;
    return error_set(err, STATUS_INVALID,
                     "the teacher %s cuts texts into other tokens than the model that learns: for "
                     "\"%s\" tasks both want the same tokenizer",
                     t->path, prepared->tasks[t->task].family->name);
}

static Status check_live(const Teacher *t, const Prepared *prepared, Error *err)
{
    ModelConfig learner;
    Arena scratch = {0};
    const SuiteModel *from = &prepared->suite->models[t->model];
    const size_t n_teacher = model_config(t->opened)->vocab_size;
    size_t n = tokenizer_vocab_size(prepared_tokenizer(prepared, t->model, t->task));
    Status s = STATUS_OK;
    if (from->kind == SUITE_MODEL_SAVED) {
        s = checkpoint_config(&scratch, from->path, &learner, err);
        if (s == STATUS_OK) n = learner.vocab_size;
    }
    arena_release(&scratch);
    if (s != STATUS_OK || n == n_teacher) return s;
    return error_set(err, STATUS_INVALID,
                     "the teacher %s has a vocabulary of %zu tokens, the model that learns one of "
                     "%zu: they must be the same",
                     t->path, n_teacher, n);
}

// ---- opening ----

static Status read_own_tokens(Teacher *t, const Prepared *prepared, Error *err)
{
    const size_t wanted = prepared->suite->tasks[t->task].max_length,
                 most = model_config(t->opened)->max_positions;
    const size_t max_length = wanted == 0 ? most : size_min(wanted, most);
    t->read = &t->own;
    return encode(t, prepared, model_tokenizer(t->opened), part_of(prepared, t->task), max_length,
                  &t->arena, &t->own, err);
}

static Status start(Teacher *t, const Prepared *prepared, int setting, Error *err)
{
    const TaskData *data = &prepared->tasks[t->task];
    if (data->family->learns_texts)
        return error_set(err, STATUS_INVALID, "\"%s\" tasks learn texts, not from a teacher",
                         data->family->name);
    const ModelOptions options = {.keep_stored = 1};
    const bool by_prompt = prepared_by_prompt(prepared, t->model, t->task);
    const ModelHead head = by_prompt ? HEAD_CAUSAL_LM : data->head;
    const Tokens *learner = prepared_tokens(prepared, t->model, t->task, PART_TRAIN, setting);
    if (!learner) return error_set(err, STATUS_INTERNAL, "the training part has no tokens");
    if (!t->opened) TRY(model_open(t->path, &options, &t->opened, err));
    TRY(teacher_columns(t->path, model_config(t->opened), head, data->labels, data->n_labels,
                        &t->arena, &t->columns, err));
    t->is_live = head == HEAD_SEQ2SEQ || head == HEAD_CAUSAL_LM;
    t->n_labels = head == HEAD_SPAN ? 2 : data->n_labels;
    t->read = learner;
    if (head == HEAD_SEQUENCE) {
        TRY(read_own_tokens(t, prepared, err));
    } else {
        if (learner->max_length > model_config(t->opened)->max_positions) {
            return error_set(err, STATUS_INVALID,
                             "the teacher %s takes at most %zu tokens, but sequences of up to %zu "
                             "are learnt: give the task or the setting that \"max_length\"",
                             t->path, model_config(t->opened)->max_positions, learner->max_length);
        }
        TRY(check_tokenizer(t, prepared, learner, model_tokenizer(t->opened), err));
    }
    if (t->is_live) return check_live(t, prepared, err);
    return arena_take(&t->arena, t->read->batch.n_sequences, sizeof *t->known,
                      "a teacher's answers", &t->known, err);
}

static const char *name_of(const Prepared *prepared, size_t model, int setting, Arena *arena)
{
    const Suite *suite = prepared->suite;
    const TuneSetting *s = &suite->models[model].settings[setting];
    return s->teacher_is_tuned ? arena_cstr(arena, s->teacher) : s->teacher_path;
}

Status teacher_open(const Prepared *prepared, size_t model, size_t task, int setting,
                    const char *key, Model **tuned, Teacher **out, Error *err)
{
    *out = NULL;
    Teacher *t = calloc(1, sizeof *t);
    if (!t) return error_set_memory(err, 1, sizeof *t, "a teacher");
    t->path = name_of(prepared, model, setting, &t->arena);
    t->model = model;
    t->task = task;
    if (key) memcpy(t->key, key, sizeof t->key);
    if (tuned) {
        t->opened = *tuned;
        *tuned = NULL;
    }
    const Status s =
        t->path ? start(t, prepared, setting, err) : error_set_memory(err, 1, 1, "a name");
    if (s == STATUS_OK)
        *out = t;
    else
        teacher_close(&t);
    return s;
}

void teacher_close(Teacher **teacher)
{
    if (!*teacher) return;
    model_close(&(*teacher)->opened);
    arena_release(&(*teacher)->arena);
    free(*teacher);
    *teacher = NULL;
}

bool teacher_serves(const Teacher *t, const Prepared *prepared, size_t model, size_t task,
                    int setting, const char *key)
{
    const TuneSetting *wanted = &prepared->suite->models[model].settings[setting];
    const bool is_same = wanted->teacher_is_tuned
                             ? strcmp(t->key, key) == 0
                             : t->key[0] == '\0' && strcmp(t->path, wanted->teacher_path) == 0;
    if (t->model != model || t->task != task || !is_same) return false;
    return t->read == &t->own ||
           t->read == prepared_tokens(prepared, model, task, PART_TRAIN, setting);
}

// ---- teaching ----

// Asks about those windows of the samples that were not asked about before.
static Status ask(Teacher *t, Pool *pool, const size_t *positions, size_t n,
                  const atomic_int *cancel, Error *err)
{
    Arena scratch = {0};
    size_t *unknown = NULL, n_unknown = 0, n_inputs = 0, at = 0, begin, end;
    TokenSequence *inputs = NULL;
    const float **rows = NULL;
    Status s = arena_take(&scratch, n, sizeof *unknown, "positions", &unknown, err);
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        family_windows(t->read, positions[i], &begin, &end);
        if (begin < end && !t->known[begin]) unknown[n_unknown++] = positions[i];
    }
    if (s == STATUS_OK)
        s = family_inputs(t->read, unknown, n_unknown, &scratch, &inputs, &n_inputs, err);
    if (s == STATUS_OK) s = arena_take(&scratch, n_inputs, sizeof *rows, "rows", &rows, err);
    if (s == STATUS_OK)
        s = distill_logits(t->opened, pool, inputs, n_inputs, t->columns, t->n_labels, cancel,
                           &t->arena, rows, err);
    for (size_t i = 0; s == STATUS_OK && i < n_unknown; i++) {
        family_windows(t->read, unknown[i], &begin, &end);
        for (size_t w = begin; w < end; w++) t->known[w] = rows[at++];
    }
    arena_release(&scratch);
    return s;
}

// The copies behind the originals, as the teacher reads them: their examples are the next ones.
static Status ask_copies(const Teacher *t, const Prepared *prepared, Pool *pool,
                         const Learnt *learnt, const atomic_int *cancel, Arena *arena,
                         TrainExample *examples, Error *err)
{
    const size_t n = learnt->n - learnt->n_originals;
    const size_t *positions = learnt->positions + learnt->n_originals;
    UsedPart copies = {
        .data = learnt->part->data, .which = learnt->part->which + learnt->n_originals, .n = n};
    Tokens own = {0};
    const Tokens *read = learnt->tokens;
    TokenSequence *inputs = NULL;
    const float **rows = NULL;
    size_t n_inputs = 0;
    if (n == 0) return STATUS_OK;
    if (t->read == &t->own) {
        TRY(encode(t, prepared, model_tokenizer(t->opened), &copies, t->own.max_length, arena, &own,
                   err));
        read = &own;
        positions = learnt->part->which; // 0 .. n - 1
    }
    TRY(family_inputs(read, positions, n, arena, &inputs, &n_inputs, err));
    TRY(arena_take(arena, n_inputs, sizeof *rows, "rows", &rows, err));
    TRY(distill_logits(t->opened, pool, inputs, n_inputs, t->columns, t->n_labels, cancel, arena,
                       rows, err));
    for (size_t i = 0; i < n_inputs; i++) examples[i].teacher = rows[i];
    return STATUS_OK;
}

Status teacher_teach(Teacher *t, const Prepared *prepared, Pool *pool, const size_t *positions,
                     const Learnt *learnt, const atomic_int *cancel, Arena *arena,
                     TrainExample *examples, DistillOptions *options, Error *err)
{
    size_t at = 0, begin, end;
    if (t->is_live) {
        options->teacher = t->opened;
        return STATUS_OK;
    }
    Status s = ask(t, pool, positions, learnt->n_originals, cancel, err);
    for (size_t i = 0; s == STATUS_OK && i < learnt->n_originals; i++) {
        family_windows(t->read, positions[i], &begin, &end);
        for (size_t w = begin; w < end; w++) examples[at++].teacher = t->known[w];
    }
    if (s == STATUS_OK)
        s = ask_copies(t, prepared, pool, learnt, cancel, arena, examples + at, err);
    return s == STATUS_OK || s == STATUS_CANCELLED ? s : error_wrap(err, "the teacher %s", t->path);
}

// Of a model that is tuned here, before it is: its head, and what it reads.
static Status check_tuned(const Prepared *prepared, size_t model, size_t task, int setting,
                          Error *err)
{
    const Suite *suite = prepared->suite;
    const TuneSetting *s = &suite->models[model].settings[setting];
    const size_t teacher = suite_tuned_teacher(suite, s);
    const ModelHead head = prepared_head(prepared, model, task);
    const Tokens *learner = prepared_tokens(prepared, model, task, PART_TRAIN, setting);
    Arena scratch = {0};
    Teacher t = {.model = model, .task = task, .path = arena_cstr(&scratch, s->teacher)};
    Status status = t.path ? STATUS_OK : error_set_memory(err, 1, 1, "a name");
    if (status == STATUS_OK && prepared->tasks[task].family->learns_texts)
        status = error_set(err, STATUS_INVALID, "\"%s\" tasks learn texts, not from a teacher",
                           prepared->tasks[task].family->name);
    if (status == STATUS_OK && prepared_head(prepared, teacher, task) != head)
        status = error_set(err, STATUS_INVALID,
                           "the teacher %s has a %s head here, but the model learns a %s head",
                           t.path, model_head_name(prepared_head(prepared, teacher, task)),
                           model_head_name(head));
    if (status == STATUS_OK && head != HEAD_SEQUENCE && learner)
        status = check_tokenizer(&t, prepared, learner, prepared_tokenizer(prepared, teacher, task),
                                 err);
    arena_release(&scratch);
    return status;
}

static Status check_saved(const Prepared *prepared, size_t model, size_t task, int setting,
                          Teacher **teacher, Error *err)
{
    if (*teacher && teacher_serves(*teacher, prepared, model, task, setting, NULL))
        return STATUS_OK;
    teacher_close(teacher);
    return teacher_open(prepared, model, task, setting, NULL, NULL, teacher, err);
}

Status teacher_check(const Prepared *prepared, size_t model, size_t task, Error *err)
{
    const SuiteModel *m = &prepared->suite->models[model];
    Teacher *teacher = NULL;
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && m->does_tune && i < m->n_settings; i++) {
        if (m->settings[i].teacher_is_tuned)
            s = check_tuned(prepared, model, task, (int)i, err);
        else if (m->settings[i].teacher_path)
            s = check_saved(prepared, model, task, (int)i, &teacher, err);
    }
    teacher_close(&teacher);
    return s == STATUS_OK ? s : error_wrap(err, "model \"" SLICE_FMT "\"", SLICE_ARG(m->name));
}
