// Tuning on tags of words, answers in passages and translations. Data are read, cut and judged by the families of the harness,
// as in a suite of one model and one task.
#include <stdlib.h>
#include <string.h>

#include "base/json_writer.h"
#include "harness/family.h"
#include "harness/score.h"
#include "harness/teacher.h"
#include "tools/data_options.h"
#include "tools/model_options.h"
#include "tools/tune.h"

struct TuneTask {
    Suite *suite;
    Prepared prepared;
    DataPart watched_part;
    size_t *train, *watched; // positions
    size_t n_train, n_watched;
    Teacher *teacher; // NULL without
};

// ---- what to tune on ----

// Where parallel text has its targets follows from the ends of names, which the suite has to know.
static void put_files_of_pairs(const TuneRun *run, JsonWriter *w)
{
    static const char *const columns[] = {"text", "target"};
    const char *format = option_text(run->line, "format");
    if (!format || strcmp(format, "parallel") != 0) return;
    json_put_key(w, "format");
    json_put_cstr(w, format);
    json_put_key(w, "columns");
    json_begin_object(w);
    for (size_t i = 0; i < 2; i++) {
        if (!option_given(run->line, columns[i])) continue;
        json_put_key(w, columns[i]);
        json_put_cstr(w, option_text(run->line, columns[i]));
    }
    json_end_object(w);
}

// A path, not the name of the suite's model.
static void put_teacher(const TuneRun *run, JsonWriter *w)
{
    const char *path = option_text(run->line, "distill-from");
    if (!path) return;
    Buffer text = {0};
    buffer_printf(&text, "%s%s", strchr(path, '/') ? "" : "./", path);
    json_put_key(w, "distill");
    json_begin_object(w);
    json_put_key(w, "teacher");
    json_put_string(w, buffer_slice(&text));
    json_end_object(w);
    buffer_release(&text);
}

// The suite that the options amount to. Paths are the user's own, relative to the current folder.
static Status make_suite(const TuneRun *run, const char *family, Suite **out, Error *err)
{
    const CommandLine *line = run->line;
    const char *valid = option_text(line, "valid");
    Buffer text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_begin_object(&w);
    json_put_key(&w, "suite");
    json_put_cstr(&w, "tune");
    json_put_key(&w, "models");
    json_begin_array(&w);
    json_begin_object(&w);
    json_put_key(&w, "name");
    json_put_cstr(&w, "model");
    json_put_key(&w, "path");
    json_put_cstr(&w, line->operands[0]);
    json_end_object(&w);
    json_end_array(&w);
    json_put_key(&w, "tasks");
    json_begin_array(&w);
    json_begin_object(&w);
    json_put_key(&w, "name");
    json_put_cstr(&w, "data");
    json_put_key(&w, "family");
    json_put_cstr(&w, family);
    if (option_given(line, "metric")) {
        json_put_key(&w, "metrics");
        json_begin_array(&w);
        json_put_cstr(&w, option_text(line, "metric"));
        json_end_array(&w);
    }
    if (option_given(line, "max-length")) {
        json_put_key(&w, "max_length");
        json_put_i64(&w, option_integer(line, "max-length"));
    }
    if (option_given(line, "doc-stride")) {
        json_put_key(&w, "doc_stride");
        json_put_i64(&w, option_integer(line, "doc-stride"));
    }
    put_files_of_pairs(run, &w);
    json_put_key(&w, "data");
    json_begin_object(&w);
    json_put_key(&w, "train");
    json_put_cstr(&w, option_text(line, "train"));
    if (valid) {
        json_put_key(&w, "valid");
        json_put_cstr(&w, valid);
    }
    json_end_object(&w);
    json_end_object(&w);
    json_end_array(&w);
    json_put_key(&w, "tune");
    json_begin_object(&w);
    put_teacher(run, &w);
    json_end_object(&w);
    json_put_key(&w, "folds"); // none is made: the training part is not judged
    json_begin_object(&w);
    json_put_key(&w, "k");
    json_put_i64(&w, valid ? 0 : 2);
    json_end_object(&w);
    json_end_object(&w);
    Status s = buffer_status(&text, err);
    if (s == STATUS_OK) s = suite_parse("options", buffer_slice(&text), NULL, out, err);
    buffer_release(&text);
    return s;
}

static Status all_positions(const UsedPart *part, Arena *arena, size_t **out, size_t *n, Error *err)
{
    TRY(arena_take(arena, part->n, sizeof **out, "positions", out, err));
    for (size_t i = 0; i < part->n; i++) (*out)[i] = i;
    *n = part->n;
    return STATUS_OK;
}

static Status hold_out(TuneRun *run, double share, Error *err)
{
    TuneTask *task = run->task;
    const UsedPart *part = &task->prepared.tasks[0].parts[PART_TRAIN];
    const HoldoutOptions options = {.share = share, .seed = run->options.seed, .is_plain = true};
    bool *held = NULL;
    TRY(arena_take(&run->arena, part->n, sizeof *held, "a hold-out", &held, err));
    TRY(arena_take(&run->arena, part->n, sizeof(size_t), "a hold-out", &task->train, err));
    TRY(arena_take(&run->arena, part->n, sizeof(size_t), "a hold-out", &task->watched, err));
    TRY(holdout_assign(&part->data, part->which, part->n, &options, held, err));
    for (size_t i = 0; i < part->n; i++) {
        if (held[i])
            task->watched[task->n_watched++] = i;
        else
            task->train[task->n_train++] = i;
    }
    return STATUS_OK;
}

static Status choose_samples(TuneRun *run, Error *err)
{
    TuneTask *task = run->task;
    const TaskData *data = &task->prepared.tasks[0];
    const double share = option_real(run->line, "valid-share");
    const UsedPart *valid = &data->parts[PART_VALID];
    if (share > 0 && valid->n > 0)
        return error_set(err, STATUS_INVALID, "--valid and --valid-share exclude each other");
    if (share > 0) return hold_out(run, share, err);
    TRY(all_positions(&data->parts[PART_TRAIN], &run->arena, &task->train, &task->n_train, err));
    task->watched_part = PART_VALID;
    return all_positions(valid, &run->arena, &task->watched, &task->n_watched, err);
}

static Status check_options(const TuneRun *run, const char *family, Error *err)
{
    static const char *const of_classes[] = {"class-weights", "balance", "label", "pair", "text"};
    const bool has_targets = family_find(slice_from_cstr(family))->has_targets;
    const size_t n = sizeof of_classes / sizeof *of_classes - (has_targets ? 1 : 0);
    for (size_t i = 0; i < n; i++) {
        if (!option_given(run->line, of_classes[i])) continue;
        return error_set(err, STATUS_INVALID, "--%s goes with --task classify, not with %s",
                         of_classes[i], has_targets ? "translations" : "tags or spans");
    }
    if (!has_targets && option_given(run->line, "target"))
        return error_set(err, STATUS_INVALID, "--target goes with --task translate");
    return STATUS_OK;
}

static Status prepare(TuneRun *run, const char *family, Error *err)
{
    TuneTask *task = run->task;
    TRY(check_options(run, family, err));
    TRY(make_suite(run, family, &task->suite, err));
    TRY(data_options_read(run->line, &run->arena, &task->suite->tasks[0].read, err));
    task->suite->folds.k = 0;
    TRY(prepared_init(&task->prepared, task->suite, err));
    TRY(prepare_task(&task->prepared, 0, err));
    return choose_samples(run, err);
}

// ---- judging ----

static Status judge(TuneRun *run, Arena *arena, Item **items, Error *err)
{
    const TuneTask *task = run->task;
    const TaskData *data = &task->prepared.tasks[0];
    const Asked asked = {
        .task = &task->suite->tasks[0],
        .data = data,
        .part = &data->parts[task->watched_part],
        .tokens = prepared_tokens(&task->prepared, 0, 0, task->watched_part, 0),
        .tokenizer = prepared_tokenizer(&task->prepared, 0, 0),
        .positions = task->watched,
        .n = task->n_watched,
    };
    const Responder responder = {run->model, run->pool, run->options.cancel};
    Answers answers = {0};
    TRY(family_respond(&asked, &responder, arena, &answers, err));
    const Predictions predictions = score_predictions(asked.part, asked.positions, &answers);
    return score_items(data, &predictions, arena, items, err);
}

static Status evaluate(void *context, Model *model, double *value, Error *err)
{
    TuneRun *run = context;
    const TuneTask *task = run->task;
    Arena arena = {0};
    Item *items = NULL;
    (void)model; // it is run->model
    Status s = judge(run, &arena, &items, err);
    if (s == STATUS_OK)
        s = score_estimate(&task->suite->tasks[0], &task->prepared.tasks[0],
                           task->suite->tasks[0].primary, items, task->n_watched, value, err);
    if (run->metric->direction == LOWER_IS_BETTER) *value = -*value;
    arena_release(&arena);
    return s;
}

Status tune_task_scores(TuneRun *run, Score **scores, size_t *n, Error *err)
{
    const TuneTask *task = run->task;
    const SuiteTask *t = &task->suite->tasks[0];
    const TaskData *data = &task->prepared.tasks[0];
    const IntervalOptions options = {.pool = run->pool, .seed = run->options.seed};
    Item *items = NULL;
    if (task->n_watched == 0) return STATUS_OK;
    TRY(judge(run, &run->arena, &items, err));
    TRY(arena_take(&run->arena, t->n_metrics, sizeof **scores, "scores", scores, err));
    for (size_t i = 0; i < t->n_metrics; i++) {
        MetricPlan plan = {0};
        Score *of_metric = NULL;
        const MetricSetup setup = {.labels = data->metric_labels,
                                   .n_labels = data->n_metric_labels,
                                   .params = t->metrics[i].params};
        TRY(metric_plan(t->metrics[i].metric, &setup, &run->arena, &plan, err));
        TRY(scores_of_items(&plan, items, task->n_watched, &options, &run->arena, &of_metric, err));
        (*scores)[(*n)++] = of_metric[0];
    }
    return STATUS_OK;
}

// ---- the run ----

static Status make_examples(TuneRun *run, DataPart part, const size_t *positions, size_t n,
                            TrainExample **out, size_t *n_examples, Error *err)
{
    const Prepared *prepared = &run->task->prepared;
    *n_examples = 0;
    if (n == 0) return STATUS_OK;
    return family_examples(prepared_tokens(prepared, 0, 0, part, 0),
                           &prepared->tasks[0].parts[part], positions, n, run->model, &run->arena,
                           out, n_examples, err);
}

static Status watch(TuneRun *run, Error *err)
{
    const TuneTask *task = run->task;
    if (task->n_watched > 0) {
        run->metric = task->suite->tasks[0].metrics[0].metric;
        if (!task->prepared.tasks[0].family->is_slow || run->options.monitor == MONITOR_METRIC)
            run->options.evaluate = evaluate;
        return STATUS_OK;
    }
    if (run->options.monitor == MONITOR_NONE) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "--monitor wants samples to watch: --valid FILE or --valid-share 0.1");
}

// What readers found odd.
static void tell_notes(const TuneRun *run, const TaskData *data)
{
    for (int p = 0; p < N_DATA_PARTS; p++) {
        const Dataset *set = &data->parts[p].data;
        for (size_t i = 0; i < set->n_notes; i++)
            log_warning(run->line->log, "%s: " SLICE_FMT, data_part_name((DataPart)p),
                        SLICE_ARG(set->notes[i].text));
    }
}

Status tune_on_task(TuneRun *run, const char *family, Error *err)
{
    ModelOptions options = {0};
    TrainExample *validation = NULL;
    TRY(arena_take(&run->arena, 1, sizeof *run->task, "a task", &run->task, err));
    TuneTask *task = run->task;
    TRY(prepare(run, family, err));
    TRY(watch(run, err));
    TRY(prepare_tokens(&task->prepared, 0, 0, ".", err));
    const TaskData *data = &task->prepared.tasks[0];
    TRY(model_options_read(run->line, &options, err));
    options.head_choice = HEAD_FOR_LABELS;
    options.head = data->head;
    options.labels = data->labels;
    options.n_labels = data->n_labels;
    options.seed = run->options.seed;
    TRY(model_open(run->line->operands[0], &options, &run->model, err));
    model_options_tell_unused(run->line->log, run->line->operands[0], run->model);
    TRY(make_examples(run, PART_TRAIN, task->train, task->n_train, &run->train.examples,
                      &run->train.n, err));
    if (run->options.distill) {
        TRY(teacher_open(&task->prepared, 0, 0, 0, &task->teacher, err));
        TRY(teacher_teach(task->teacher, run->pool, task->train, task->n_train, run->options.cancel,
                          run->train.examples, &run->distill, err));
    }
    TRY(make_examples(run, task->watched_part, task->watched, task->n_watched, &validation,
                      &run->options.n_validation, err));
    run->options.validation = validation;
    tell_notes(run, data);
    log_info(run->line->log, "%zu training samples in %zu windows, %zu samples for validation%s",
             task->n_train, run->train.n, task->n_watched,
             model_head_is_fresh(run->model) ? "; the head is new" : "");
    run->planned_steps = train_planned_steps(&run->options, run->train.n);
    return model_train(run->model, run->pool, run->train.examples, run->train.n, &run->options,
                       &run->result, err);
}

void tune_task_release(TuneRun *run)
{
    if (!run->task) return;
    teacher_close(&run->task->teacher);
    prepared_release(&run->task->prepared);
    suite_close(&run->task->suite);
}
