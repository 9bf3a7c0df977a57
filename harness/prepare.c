// harness/prepare.c: a task's files become parts: read, sampled under a limit, cut into folds.
#include "datasets/dataset.h"
#include "harness/counterfactual.h"
#include "harness/family.h"
#include "harness/prompt/ask.h"

#include <stdlib.h>

#include "base/name_list.h"
#include "base/size.h"

Status prepared_init(Prepared *prepared, const Suite *suite, Error *err)
{
    size_t n = 0;
    *prepared = (Prepared){.suite = suite};
    if (!size_mul(suite->n_models, suite->n_tasks, &n))
        return error_set(err, STATUS_INVALID, "the suite has too many models and tasks");
    Arena *arena = &prepared->arena;
    TRY(arena_take(arena, suite->n_tasks, sizeof(TaskData), "tasks", &prepared->tasks, err));
    TRY(arena_take(arena, n, sizeof(Tokenizer *), "tokenizers", &prepared->tokenizers, err));
    TRY(arena_take(arena, n, sizeof(char *), "paths", &prepared->tokenizer_directories, err));
    TRY(arena_take(arena, n, sizeof(bool), "prompts", &prepared->by_prompt, err));
    TRY(arena_take(arena, n, sizeof(bool), "hypotheses", &prepared->by_hypotheses, err));
    TRY(prepared_noted_init(prepared, n, err));
    return arena_take(arena, n, sizeof(size_t), "lengths", &prepared->model_lengths, err);
}

void prepared_release(Prepared *prepared)
{
    const Suite *suite = prepared->suite;
    for (size_t i = 0; prepared->tasks && i < suite->n_tasks; i++) {
        for (int part = 0; part < N_DATA_PARTS; part++)
            dataset_release(&prepared->tasks[i].parts[part].data);
    }
    for (size_t i = 0; prepared->tokenizers && i < suite->n_models * suite->n_tasks; i++)
        tokenizer_close(&prepared->tokenizers[i]);
    if (suite) prepared_noted_release(prepared);
    arena_release(&prepared->arena);
    *prepared = (Prepared){0};
}

// ---- reading ----

static Status use_part(Prepared *prepared, UsedPart *part, Error *err)
{
    const Suite *suite = prepared->suite;
    const size_t n = part->data.n_samples;
    TRY(arena_take(&prepared->arena, n, sizeof *part->which, "samples", &part->which, err));
    if (suite->limit > 0 && suite->limit < n) {
        return subset_choose(&part->data, NULL, 0, suite->limit, suite->seed, part->which, &part->n,
                             err);
    }
    part->n = n;
    for (size_t i = 0; i < n; i++) part->which[i] = i;
    return STATUS_OK;
}

// Samples whose class the training part has not: who reads the scores must know.
static Status note_unseen(UsedPart *part, size_t n_known, Error *err)
{
    enum { MOST_NAMED = 6 };
    const Sample *first = NULL;
    size_t n = 0;
    for (size_t i = 0; i < part->n; i++) {
        const Sample *sample = &part->data.samples[part->which[i]];
        const int32_t last = sample->n_held > 0 ? sample->held[sample->n_held - 1] : sample->label;
        if (last == SAMPLE_NO_LABEL || (size_t)last < n_known) continue;
        if (n++ == 0) first = sample;
    }
    if (n == 0) return STATUS_OK;
    NameList names = {.most = MOST_NAMED};
    for (size_t c = n_known; c < part->data.n_labels; c++)
        name_list_quote(&names, part->data.labels[c]);
    return dataset_add_note(
        &part->data, SLICE("of classes that training never saw"), n, err,
        "%zu of %zu samples are of classes that the training part has not (%s; the first in "
        "line %zu): no answer can be right there",
        n, part->n, names.text, first->line);
}

// The classes are those of the definition, else of the first part read: train, where there is one. What other parts have
// beside is put behind them.
static Status take_classes(TaskData *data, UsedPart *part, Error *err)
{
    const bool is_first = data->labels == NULL;
    data->metric_labels = part->data.labels;
    data->n_metric_labels = part->data.n_labels;
    if (is_first || data->parts[PART_TRAIN].n == 0) {
        data->labels = data->metric_labels;
        data->n_labels = data->n_metric_labels;
        return STATUS_OK;
    }
    return note_unseen(part, data->n_labels, err);
}

// Before anything looks at the texts: what repeats itself, folds and tokens are those of the texts as prepared.
static Status apply_steps(Prepared *prepared, const SuiteTask *task, UsedPart *part,
                          StepCount **counts, Error *err)
{
    if (task->n_prepare == 0) return STATUS_OK;
    TRY(arena_take(&prepared->arena, task->n_prepare, sizeof **counts, "counts", counts, err));
    return steps_dataset(task->prepare, task->n_prepare, &part->data, *counts, err);
}

// Among the samples that are used.
static Status count_personal(Prepared *prepared, const UsedPart *part, PersonalCounts **out,
                             Error *err)
{
    TRY(arena_take(&prepared->arena, 1, sizeof **out, "counts", out, err));
    return personal_count_samples(part->data.samples, part->which, part->n, *out, err);
}

static Status read_parts(Prepared *prepared, size_t task, Error *err)
{
    const SuiteTask *t = &prepared->suite->tasks[task];
    TaskData *data = &prepared->tasks[task];
    const char *const paths[N_DATA_PARTS] = {t->train, t->valid, t->test};
    const SuiteTargets *const targets[N_DATA_PARTS] = {&t->train_targets, &t->valid_targets,
                                                       &t->test_targets};
    for (int part = 0; part < N_DATA_PARTS; part++) {
        ReadOptions read = t->read;
        if (paths[part] == NULL) continue;
        const bool has_labels = data->family->is_stratified || data->family->has_label_set;
        if (!has_labels) { // they are then no labels of samples
            read.labels = NULL;
            read.n_labels = 0;
        } else if (data->labels && read.n_labels == 0) {
            read.labels = data->metric_labels;
            read.n_labels = data->n_metric_labels;
            read.adds_labels = slice_eq_cstr(t->unseen_labels, "wrong");
        }
        read.wants_label_set = data->family->has_label_set;
        read.wants_value = data->family->has_value;
        if (data->family->has_choices) read.wants_choices = read.label_optional = true;
        if (data->family->has_targets) read.wants_target = read.label_optional = true;
        if (data->family->judges_texts) read.label_optional = true;
        if (data->family->learns_texts && !data->family->judges_texts && part == PART_TRAIN)
            read = (ReadOptions){.columns = {.text = t->read.columns.text},
                                 .encoding = t->read.encoding,
                                 .label_optional = true};
        else if (family_learns_other(t) && part == PART_TRAIN) // as its name says
            read = (ReadOptions){.encoding = t->read.encoding, .bad_answers = t->read.bad_answers};
        read.target_paths = targets[part]->paths;
        read.n_target_paths = targets[part]->n;
        UsedPart *used = &data->parts[part];
        Status s = dataset_read(paths[part], &read, &used->data, err);
        if (s == STATUS_OK) s = apply_steps(prepared, t, used, &data->steps[part], err);
        if (s == STATUS_OK) s = use_part(prepared, used, err);
        if (s == STATUS_OK) s = count_personal(prepared, used, &data->personal[part], err);
        if (s == STATUS_OK && has_labels) s = take_classes(data, used, err);
        if (s != STATUS_OK) return s;
    }
    return STATUS_OK;
}

static Status make_folds(Prepared *prepared, size_t task, Error *err)
{
    const SuiteFolds *folds = &prepared->suite->folds;
    TaskData *data = &prepared->tasks[task];
    UsedPart *train = &data->parts[PART_TRAIN];
    if (train->n > 0 && folds->keep_near > 0)
        TRY(splits_keep_near(&train->data, folds->keep_near, err));
    if (folds->k == 0 || train->n == 0) return STATUS_OK;
    TRY(arena_take(&prepared->arena, train->n, sizeof *data->fold, "folds", &data->fold, err));
    if (folds->file)
        return folds_read(folds->file, &train->data, train->which, train->n, folds->k, data->fold,
                          err);
    const FoldOptions options = {.kind = prepared_fold_kind(prepared, task),
                                 .k = folds->k,
                                 .seed = prepared->suite->seed,
                                 .file_order = folds->file_order,
                                 .allow_rare = folds->allow_rare};
    return folds_assign(&train->data, train->which, train->n, &options, data->fold, err);
}

// A point of the learning curve, or a subset that a setting asks for, must be there in every fold.
static Status check_subsets(const Prepared *prepared, size_t task, Error *err)
{
    const Suite *suite = prepared->suite;
    const TaskData *data = &prepared->tasks[task];
    const size_t n = data->parts[PART_TRAIN].n;
    size_t least = n;
    for (size_t k = 0; data->fold && k < suite->folds.k; k++) {
        size_t n_rest = 0;
        for (size_t i = 0; i < n; i++) n_rest += data->fold[i] != (int32_t)k;
        if (n_rest < least) least = n_rest;
    }
    for (size_t m = 0; m < suite->n_models; m++) {
        for (size_t s = 0; s < suite_n_settings(suite, m); s++) {
            const double wanted = suite->models[m].settings[s].train_samples;
            if (wanted <= (double)least || wanted < 1) continue;
            return error_set(err, STATUS_INVALID,
                             "train_samples (a point of the learning curve) asks for %.0f samples, "
                             "but %zu are there to learn from",
                             wanted, least);
        }
    }
    return STATUS_OK;
}

static bool has_attribute(const Sample *sample, Slice name)
{
    if (slice_eq_cstr(name, "group")) return sample->group.len > 0;
    return sample_attribute(sample, name) != NULL;
}

// What scores are to be sliced by must be there in some sample of a part.
static Status check_slices(const SuiteTask *task, const TaskData *data, Error *err)
{
    for (size_t k = 0; k < task->n_slices; k++) {
        const Sample *first = NULL;
        bool found = false;
        for (int part = 0; part < N_DATA_PARTS && !found; part++) {
            const Dataset *set = &data->parts[part].data;
            if (set->n_samples > 0) first = &set->samples[0];
            for (size_t i = 0; i < set->n_samples && !found; i++)
                found = has_attribute(&set->samples[i], task->slices[k]);
        }
        if (found) continue;
        NameList known = {0};
        for (size_t i = 0; first && i < first->n_attributes; i++)
            name_list_quote(&known, first->attributes[i].name);
        return error_set(err, STATUS_INVALID,
                         "slices: no sample has the attribute \"" SLICE_FMT "\"; there %s %s; name "
                         "columns in columns.attributes, or give columns.group",
                         SLICE_ARG(task->slices[k]), known.n > 0 ? "are" : "is",
                         name_list_or(&known, "none"));
    }
    return STATUS_OK;
}

// What models are asked about, and what examples are drawn from.
static Status check_prompts(const Prepared *prepared, size_t task, Error *err)
{
    const Suite *suite = prepared->suite;
    const SuiteTask *t = &suite->tasks[task];
    const TaskData *data = &prepared->tasks[task];
    const DataPart judged = suite->folds.k > 0 ? PART_TRAIN : judged_part(suite, task);
    if (!data->prompt || !data->family->prompt) return STATUS_OK;
    TRY(prompt_check_data(t, data, err));
    TRY(prompt_check_part(t, data, &data->parts[judged], err));
    if (judged == PART_TRAIN || t->prompt.n_shots == 0) return STATUS_OK;
    return prompt_check_part(t, data, &data->parts[PART_TRAIN], err);
}

Status prepare_task(Prepared *prepared, size_t task, Error *err)
{
    TaskData *data = &prepared->tasks[task];
    if (data->is_read) return STATUS_OK;
    data->family = family_find(prepared->suite->tasks[task].family);
    data->head = family_head(&prepared->suite->tasks[task]);
    const SuitePrompt *prompt = &prepared->suite->tasks[task].prompt;
    data->prompt = prompt->is_given ? prompt : NULL;
    const SuiteZeroShot *zero_shot = &prepared->suite->tasks[task].zero_shot;
    data->zero_shot = zero_shot->is_given ? zero_shot : NULL;
    Status s = read_parts(prepared, task, err);
    if (s == STATUS_OK) s = data->family->find_labels(prepared, task, err);
    if (s == STATUS_OK) s = check_prompts(prepared, task, err);
    if (s == STATUS_OK) s = make_folds(prepared, task, err);
    if (s == STATUS_OK) s = counterfactual_prepare(prepared, task, err);
    if (s == STATUS_OK) s = check_subsets(prepared, task, err);
    if (s == STATUS_OK) s = check_slices(&prepared->suite->tasks[task], data, err);
    if (s != STATUS_OK)
        return error_wrap(err, "task \"" SLICE_FMT "\"",
                          SLICE_ARG(prepared->suite->tasks[task].name));
    data->is_read = true;
    return STATUS_OK;
}
