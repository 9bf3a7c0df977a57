// Tuning on data: texts and labels, tags of words, answers in passages, translations. Data are read, prepared, copied, cut and
// judged by the families of the harness, as in a suite of one model and one task.
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "harness/family.h"
#include "harness/learnt.h"
#include "harness/score.h"
#include "harness/teacher.h"
#include "tools/data_options.h"
#include "tools/model_options.h"
#include "tools/tune/tune.h"

struct TuneTask {
    Suite *suite;
    Prepared prepared;
    DataPart watched_part;
    size_t *train, *watched; // positions
    size_t n_train, n_watched;
    Learnt learnt;
    double null_threshold; // that answers are given by
    Teacher *teacher;      // NULL without
};

// ---- what to tune on ----

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
    const HoldoutOptions options = {.share = share,
                                    .seed = run->options.seed,
                                    .is_plain = !task->prepared.tasks[0].family->is_stratified};
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

static Status refuse(const TuneRun *run, const char *const *options, size_t n, const char *with,
                     const char *not_with, Error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!option_given(run->line, options[i])) continue;
        return error_set(err, STATUS_INVALID, "--%s goes with --task %s, not with %s", options[i],
                         with, not_with);
    }
    return STATUS_OK;
}

// Options that mean something to other tasks only, so that none is taken in silence.
static Status check_options(const TuneRun *run, const Family *family, Error *err)
{
    static const char *const of_classes[] = {"class-weights", "balance"},
                             *const of_pairs_of_texts[] = {"label", "pair", "text"};
    static const char *const of_spans[] = {"doc-stride", "null-threshold", "bad-answers"};
    static const char *const of_tags[] = {"decode"}, *const of_targets[] = {"target",
                                                                            "empty-sides"};
    const char *name = family->is_stratified  ? "classes"
                       : family->has_pairs    ? "labels or numbers"
                       : family->has_targets  ? "translations"
                       : family->judges_texts ? "texts"
                                              : "tags or spans";
    const bool has_column = family->has_targets || family->judges_texts; // the last: of the text
    if (!family->is_stratified) TRY(refuse(run, of_classes, 2, "classify", name, err));
    if (!family->has_pairs)
        TRY(refuse(run, of_pairs_of_texts, has_column ? 2 : 3, "classify", name, err));
    if (family->head != HEAD_SPAN) TRY(refuse(run, of_spans, 3, "span", name, err));
    if (!family->has_tags) TRY(refuse(run, of_tags, 1, "tag", name, err));
    if (!family->has_targets) TRY(refuse(run, of_targets, 2, "translate", name, err));
    return tune_check_metric(run->line, family->name, err);
}

// A loss of labels one by one, or of numbers, has no place for what is said of one class of several.
static Status check_problem(const TuneRun *run, const Family *family, Error *err)
{
    static const char *const options[] = {"label-smoothing", "distill-from"};
    if (family->problem == PROBLEM_CLASSES) return STATUS_OK;
    return refuse(run, options, 2, "classify", family->name, err);
}

static Status prepare(TuneRun *run, const Family *family, Error *err)
{
    TuneTask *task = run->task;
    TRY(check_options(run, family, err));
    TRY(check_problem(run, family, err));
    TRY(tune_make_suite(run, family->name, &task->suite, err));
    TRY(data_options_read(run->line, &run->arena, &task->suite->tasks[0].read, err));
    if (family->has_label_set)
        TRY(data_options_split_label(&run->arena, &task->suite->tasks[0].read, err));
    TRY(prepared_init(&task->prepared, task->suite, err));
    TRY(prepare_task(&task->prepared, 0, err));
    return choose_samples(run, err);
}

// Before anything is cut: the model's limit, and of classes the length that its tokenizer names.
static Status choose_length(TuneRun *run, const Family *family, Error *err)
{
    const size_t limit = model_config(run->model)->max_positions;
    const size_t asked = (size_t)option_integer(run->line, "max-length");
    const size_t usual = tokenizer_model_max_length(model_tokenizer(run->model));
    if (asked > limit)
        return error_set(err, STATUS_INVALID,
                         "--max-length %zu: the model takes at most %zu tokens", asked, limit);
    if (asked == 0 && family->has_pairs && usual > 0)
        run->task->suite->tasks[0].max_length = size_min(usual, limit);
    return STATUS_OK;
}

// ---- judging ----

static Status judge(TuneRun *run, Arena *arena, Item **items, Error *err)
{
    TuneTask *task = run->task;
    const TaskData *data = &task->prepared.tasks[0];
    Asked asked = {
        .task = &task->suite->tasks[0],
        .data = data,
        .part = &data->parts[task->watched_part],
        .tokens = prepared_tokens(&task->prepared, 0, 0, task->watched_part, 0),
        .tokenizer = prepared_tokenizer(&task->prepared, 0, 0),
        .positions = task->watched,
        .n = task->n_watched,
        .outer_fold = STORE_NO_FOLD,
    };
    const Responder responder = {
        .model = run->model, .pool = run->pool, .cancel = run->options.cancel};
    Answers answers = {0};
    TRY(family_calibrate(&asked, &responder, &task->null_threshold, err));
    asked.null_threshold = task->null_threshold;
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

Status tune_scores(TuneRun *run, Score **scores, size_t *n, Error *err)
{
    const TuneTask *task = run->task;
    *n = 0;
    if (!task) return STATUS_OK;
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
    if (task->suite->tasks[0].tunes_null_threshold)
        return error_set(err, STATUS_INVALID,
                         "--null-threshold tune wants questions that are not learnt: --valid FILE "
                         "or --valid-share 0.1");
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

// Texts are learnt by the head that a language model has.
static Status check_head(const TuneRun *run, const char *asked, Error *err)
{
    const ModelHead head = model_config(run->model)->head,
                    wanted = strcmp(asked, "lm") == 0 ? HEAD_CAUSAL_LM : HEAD_MASKED_LM;
    if (head == wanted) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "--task %s wants a %s head, but that of %s is %s%s",
                     asked, model_head_name(wanted), run->line->operands[0], model_head_name(head),
                     head == HEAD_CAUSAL_LM   ? ": --task lm"
                     : head == HEAD_MASKED_LM ? ": --task mlm"
                                              : "");
}

static Status open_model(TuneRun *run, const TaskData *data, Error *err)
{
    ModelOptions options = {0};
    TRY(model_options_read(run->line, &options, err));
    if (!data->family->takes) options.head_choice = HEAD_FOR_LABELS;
    options.head = data->head;
    options.labels = data->labels;
    options.n_labels = data->n_labels;
    options.problem = data->family->problem;
    options.seed = run->options.seed;
    TRY(model_open(run->line->operands[0], &options, &run->model, err));
    model_options_tell_unused(run->line->log, run->line->operands[0], run->model);
    return model_tokenizer(run->model)
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, "%s has no tokenizer", run->line->operands[0]);
}

// What is learnt, copies and the teacher's answers included, and what is watched.
static Status take_examples(TuneRun *run, Error *err)
{
    TuneTask *task = run->task;
    const Prepared *prepared = &task->prepared;
    Learnt *learnt = &task->learnt;
    TrainExample *validation = NULL;
    TRY(augment_prepare(&task->prepared, 0, 0, pool_threads(run->pool), run->options.cancel, err));
    TRY(learnt_take(prepared, 0, 0, 0, run->options.seed, task->train, task->n_train, &run->arena,
                    learnt, err));
    TRY(family_examples(learnt->tokens, learnt->part, learnt->positions, learnt->n, run->model,
                        &run->arena, &run->examples, &run->n_examples, err));
    if (run->options.distill) {
        TRY(teacher_open(prepared, 0, 0, 0, NULL, NULL, &task->teacher, err));
        TRY(teacher_teach(task->teacher, prepared, run->pool, task->train, learnt,
                          run->options.cancel, &run->arena, run->examples, &run->distill, err));
    }
    TRY(make_examples(run, task->watched_part, task->watched, task->n_watched, &validation,
                      &run->options.n_validation, err));
    TRY(family_masking(&prepared->tasks[0], run->model, &run->arena, &run->options.masking, err));
    if (run->options.masking)
        TRY(mask_examples(run->options.masking, run->options.seed, mask_watched, &run->arena,
                          validation, run->options.n_validation, err));
    run->options.validation = validation;
    return STATUS_OK;
}

static void tell_numbers(const TuneRun *run, const TaskData *data)
{
    const TuneTask *task = run->task;
    const char *fresh = model_head_is_fresh(run->model) ? "; the head is new" : "";
    if (task->learnt.n > task->n_train)
        log_info(run->line->log, "%zu copies of training samples are learnt too",
                 task->learnt.n - task->n_train);
    if (data->family->is_stratified || data->family->has_label_set)
        log_info(run->line->log, "%zu training sample%s, %zu for validation, %zu %s%s",
                 task->n_train, task->n_train == 1 ? "" : "s", task->n_watched, data->n_labels,
                 data->family->is_stratified ? "classes" : "labels", fresh);
    else
        log_info(run->line->log,
                 "%zu training samples in %zu windows, %zu samples for validation%s", task->n_train,
                 run->n_examples, task->n_watched, fresh);
}

// What the model makes of the texts that are watched before it learns, beside which the scores at the end stand.
static Status tell_before(TuneRun *run, Error *err)
{
    Score *scores = NULL;
    size_t n = 0;
    TRY(tune_scores(run, &scores, &n, err));
    for (size_t i = 0; i < n; i++)
        log_info(run->line->log, "before: " SLICE_FMT " %.4f  [%.4f, %.4f]",
                 SLICE_ARG(scores[i].name), scores[i].estimate, scores[i].lo, scores[i].hi);
    return STATUS_OK;
}

static Status tune(TuneRun *run, const char *name, Error *err)
{
    const bool has_texts = strcmp(name, "lm") == 0 || strcmp(name, "mlm") == 0;
    const Family *family = family_find(has_texts ? SLICE("texts") : slice_from_cstr(name));
    TRY(arena_take(&run->arena, 1, sizeof *run->task, "a task", &run->task, err));
    TuneTask *task = run->task;
    TRY(prepare(run, family, err));
    const TaskData *data = &task->prepared.tasks[0];
    TRY(watch(run, err));
    TRY(open_model(run, data, err));
    if (has_texts) TRY(check_head(run, name, err));
    TRY(choose_length(run, family, err));
    TRY(prepare_tokens(&task->prepared, 0, 0, ".", err));
    TRY(take_examples(run, err));
    TRY(tune_class_weights(run, data, err));
    tell_notes(run, data);
    if (family->has_pairs) TRY(tune_report_classes(run, &task->prepared, err));
    tell_numbers(run, data);
    if (has_texts) TRY(tell_before(run, err));
    run->planned_steps = train_planned_steps(&run->options, run->n_examples);
    return model_train(run->model, run->pool, run->examples, run->n_examples, &run->options,
                       &run->result, err);
}

Status tune_on_task(TuneRun *run, const char *name, Error *err)
{
    Error why = {0};
    const Status s = tune_reword(tune(run, name, &why), &why);
    if (s != STATUS_OK && err) *err = why;
    return s;
}

Status tune_write_note(TuneRun *run, Error *err)
{
    const char *directory = option_text(run->line, "out");
    const TuneTask *task = run->task;
    if (!task) return note_remove(directory, &run->arena, err);
    const SuiteTask *t = &task->suite->tasks[0];
    const TaskData *data = &task->prepared.tasks[0];
    const Tokens *tokens = prepared_tokens(&task->prepared, 0, 0, PART_TRAIN, 0);
    const ModelNote note =
        task_note(t, data, tokens ? tokens->max_length : 0, false,
                  t->tunes_null_threshold ? task->null_threshold : t->null_threshold);
    return note_write(&note, directory, &run->arena, err);
}

void tune_task_release(TuneRun *run)
{
    if (!run->task) return;
    teacher_close(&run->task->teacher);
    prepared_release(&run->task->prepared);
    suite_close(&run->task->suite);
}
