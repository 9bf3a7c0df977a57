// harness/check_models.c: what can be wrong between models, settings and data is said before the first trial.
#include "harness/check_models.h"

#include "harness/balance.h"
#include "harness/family.h"
#include "harness/prompt/ask.h"
#include "models/architecture.h"
#include "models/generation/generation_config.h"
#include "models/model.h"

static Status check_weights(const TuneSetting *setting, const TaskData *data, Error *err)
{
    if (setting->class_weighting != CLASS_WEIGHTS_NONE && data->n_labels == 0) {
        return error_set(err, STATUS_INVALID,
                         "\"class_weights\" weighs classes, but a \"%s\" task has none",
                         data->family->name);
    }
    for (size_t i = 0; i < setting->n_class_weights; i++) {
        const Slice label = setting->class_weights[i].label;
        if (label_find(data->labels, data->n_labels, label) != SAMPLE_NO_LABEL) continue;
        return error_set(err, STATUS_INVALID,
                         "\"class_weights\" names a class \"" SLICE_FMT
                         "\", which the data do not have; their first is \"" SLICE_FMT "\"",
                         SLICE_ARG(slice_sub(label, 0, 80)),
                         SLICE_ARG(slice_sub(data->labels[0], 0, 80)));
    }
    return STATUS_OK;
}

// What is said of one class of several means nothing to labels that hold one by one, and to numbers.
static Status check_problem(const TuneSetting *setting, const TaskData *data, Error *err)
{
    const char *key = setting->class_weighting != CLASS_WEIGHTS_NONE ? "class_weights"
                      : setting->label_smoothing > 0                 ? "label_smoothing"
                      : setting->teacher.len > 0                     ? "distill"
                                                                     : NULL;
    if (data->family->problem == PROBLEM_CLASSES || key == NULL) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "\"%s\" is for models that give one class of several: leave it out of \"%s\" "
                     "tasks",
                     key, data->family->name);
}

// as_saved: the model, where its head is the one that will be tuned, so that names of tensors can be looked for; else NULL.
static Status check_freeze(const TuneSetting *setting, size_t n_layers, const Model *as_saved,
                           Arena *scratch, Error *err)
{
    unsigned char *groups = NULL;
    if (setting->freeze.len == 0) return STATUS_OK;
    if (as_saved) return train_freeze(as_saved, setting->freeze, NULL, err);
    TRY(arena_take(scratch, n_layers + 2, sizeof *groups, "layers", &groups, err));
    return train_parse_freeze(setting->freeze, n_layers, groups, err);
}

static Status check_settings(const SuiteModel *model, const TaskData *data, size_t n_layers,
                             const Model *as_saved, Error *err)
{
    Arena scratch = {0};
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < model->n_settings; i++) {
        s = check_problem(&model->settings[i], data, err);
        if (s == STATUS_OK) s = check_weights(&model->settings[i], data, err);
        if (s == STATUS_OK) s = balance_check(&model->settings[i], data, err);
        if (s == STATUS_OK)
            s = check_freeze(&model->settings[i], n_layers, as_saved, &scratch, err);
    }
    arena_release(&scratch);
    return s;
}

static Status check_problem_type(const char *path, const ModelConfig *config, const Family *family,
                                 Error *err)
{
    static const struct {
        const char *what, *family;
    } problems[] = {[PROBLEM_CLASSES] = {"one class of several", "classify"},
                    [PROBLEM_LABELS] = {"several labels at once", "multilabel"},
                    [PROBLEM_VALUES] = {"numbers", "regression"}};
    const ProblemType given = model_config_problem(config);
    if (given != family->problem)
        return error_set(err, STATUS_INVALID,
                         "%s: the checkpoint gives %s (problem_type in config.json), but \"%s\" "
                         "tasks judge %s: \"family\": \"%s\" is for such models",
                         path, problems[given].what, family->name, problems[family->problem].what,
                         problems[given].family);
    if (given != PROBLEM_VALUES || config->n_labels == 1) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "%s: the checkpoint gives %zu numbers a text, but \"%s\" tasks judge one",
                     path, config->n_labels, family->name);
}

Status map_labels(const char *path, const ModelConfig *config, const TaskData *data,
                  int32_t *label_of, Error *err)
{
    if (data->family->takes) {
        if (data->family->takes(config->head)) return STATUS_OK;
        return error_set(err, STATUS_INVALID, "%s: its head is %s, but \"%s\" tasks ask %s", path,
                         model_head_name(config->head), data->family->name,
                         data->family->takes_what);
    }
    if (config->head != data->head) {
        return error_set(
            err, STATUS_INVALID,
            "%s: this checkpoint has no %s head, which \"%s\" tasks want; tune it "
            "(\"tune\": {..})",
            path, data->head == HEAD_SEQUENCE ? "classification" : model_head_name(data->head),
            data->family->name);
    }
    if (asks_by_hypotheses(data, config)) return STATUS_OK;
    TRY(check_problem_type(path, config, data->family, err));
    if (data->family->problem == PROBLEM_VALUES) return STATUS_OK; // one number, whatever its name
    if (data->head == HEAD_SEQ2SEQ) return STATUS_OK;              // its answers are tokens
    if (data->head == HEAD_SPAN) return STATUS_OK;                 // starts and ends, in this order
    for (size_t i = 0; i < config->n_labels; i++)
        label_of[i] = label_find(data->labels, data->n_labels, config->labels[i]);
    for (size_t c = 0; c < data->n_labels; c++) {
        bool found = false;
        for (size_t i = 0; i < config->n_labels; i++) found = found || label_of[i] == (int32_t)c;
        if (found) continue;
        return error_set(err, STATUS_INVALID,
                         "%s: the checkpoint has no class \"" SLICE_FMT
                         "\" of the task; its first is \"" SLICE_FMT
                         "\": name them alike (id2label in config.json), or tune the model",
                         path, SLICE_ARG(slice_sub(data->labels[c], 0, 80)),
                         SLICE_ARG(slice_sub(config->labels[0], 0, 80)));
    }
    return STATUS_OK;
}

// Tokens are learnt, not classes.
static Status check_prompted(const SuiteModel *from, Error *err)
{
    for (size_t i = 0; i < from->n_settings; i++) {
        if (from->settings[i].class_weighting == CLASS_WEIGHTS_NONE) continue;
        return error_set(
            err, STATUS_INVALID,
            "\"class_weights\" weighs classes, but a model that is asked by prompt learns "
            "tokens: leave it out, or use \"balance\"");
    }
    return STATUS_OK;
}

// Through a chat template models are asked, and learn nothing.
static Status check_chat(const SuiteModel *from, const SuiteTask *task, const Model *model,
                         Arena *scratch, Error *err)
{
    ChatTemplate chat;
    if (!task->prompt.is_chat) return STATUS_OK;
    if (from->does_tune || !model) {
        return error_set(
            err, STATUS_INVALID,
            "task \"" SLICE_FMT
            "\": \"chat\" is for models that are asked as they are saved; what is tuned learns "
            "plain prompts: leave \"chat\" out, or give the model \"tune\": false",
            SLICE_ARG(task->name));
    }
    return prompt_open_chat(from->path, model, scratch, &chat, err);
}

static void tell_unused(const SuiteModel *from, const Model *model, Log *log)
{
    Slice names = {0};
    const size_t n = model_unused_tensors(model, &names);
    if (n == 0) return;
    log_warning(log,
                "model \"" SLICE_FMT "\": %zu tensor%s that its architecture does not have %s left "
                "out: " SLICE_FMT,
                SLICE_ARG(from->name), n, n > 1 ? "s" : "", n > 1 ? "were" : "was",
                SLICE_ARG(names));
}

// Encoder-decoders write as their files say.
static Status tell_unheeded(const SuiteModel *from, const Model *model, Log *log, Error *err)
{
    Arena arena = {0};
    GenerationConfig config;
    if (model_config(model)->head != HEAD_SEQ2SEQ) return STATUS_OK;
    const Status s = generation_config_read(model, &arena, &config, err);
    if (s == STATUS_OK && config.unheeded.len > 0)
        log_warning(log,
                    "model \"" SLICE_FMT "\": what its files say of " SLICE_FMT
                    " is not heeded: texts may be others than those of Transformers",
                    SLICE_ARG(from->name), SLICE_ARG(config.unheeded));
    arena_release(&arena);
    return s;
}

// Where what is learnt is of another kind than what is judged, nothing can be chosen by it.
static Status check_one_setting(const Suite *suite, const SuiteModel *from, const TaskData *data,
                                Error *err)
{
    const bool learns_texts = data->family->learns_texts;
    if (suite->folds.k > 0)
        return error_set(err, STATUS_INVALID,
                         "a \"%s\" task is judged on its test file after learning %s: leave "
                         "\"folds\" out",
                         data->family->name, learns_texts ? "texts" : "other questions");
    if (from->n_settings == 1 && from->settings[0].monitor == MONITOR_NONE) return STATUS_OK;
    return error_set(
        err, STATUS_INVALID,
        "a \"%s\" task%s has nothing to choose a setting or to stop by: give one value "
        "for each key of \"tune\", and no early_stopping",
        data->family->name, learns_texts ? "" : " whose questions have choices");
}

// Tasks that ask models as they are. Language models may learn texts before.
static Status check_asked(const Suite *suite, const SuiteModel *from, const SuiteTask *task,
                          const TaskData *data, ModelHead head, Error *err)
{
    const bool is_fresh = from->kind == SUITE_MODEL_CREATE;
    if (!from->does_tune && !is_fresh) return STATUS_OK;
    if (!data->family->takes)
        return family_learns_other(task) ? check_one_setting(suite, from, data, err) : STATUS_OK;
    if (!data->family->learns_texts || !data->family->takes(head)) {
        return error_set(err, STATUS_INVALID,
                         "\"%s\" tasks ask %s as they are saved: give the model a \"path\"%s",
                         data->family->name, data->family->takes_what,
                         data->family->learns_texts
                             ? " and \"tune\": false; a language model alone may learn texts before"
                             : ", and tune it in a suite of its own");
    }
    return family_learns_other(task) ? check_one_setting(suite, from, data, err) : STATUS_OK;
}

static Status check_saved(const SuiteModel *from, const Suite *suite, const Prepared *prepared,
                          Log *log, Arena *scratch, Error *err)
{
    Model *model = NULL;
    const ModelOptions options = {.keep_stored = 1}; // nothing is tuned here
    Status s = model_open(from->path, &options, &model, err);
    if (s == STATUS_OK) tell_unused(from, model, log);
    if (s == STATUS_OK) s = tell_unheeded(from, model, log, err);
    for (size_t task = 0; s == STATUS_OK && task < suite->n_tasks; task++) {
        const ModelConfig *config = model_config(model);
        const TaskData *data = &prepared->tasks[task];
        int32_t *label_of = NULL;
        const bool by_prompt = family_asks_by_prompt(&suite->tasks[task], config->head);
        s = check_asked(suite, from, &suite->tasks[task], data, config->head, err);
        if (s == STATUS_OK && by_prompt)
            s = check_chat(from, &suite->tasks[task], model, scratch, err);
        if (s != STATUS_OK) continue;
        if (from->does_tune && !by_prompt && data->head == HEAD_SEQ2SEQ &&
            config->head != HEAD_SEQ2SEQ) {
            s = error_set(err, STATUS_INVALID,
                          "%s: a %s model has no decoder, which \"%s\" tasks want", from->path,
                          config->architecture->model_type, data->family->name);
            continue;
        }
        if (from->does_tune) {
            s = by_prompt ? check_prompted(from, err) : STATUS_OK;
            if (s == STATUS_OK)
                s = check_settings(from, data, config->n_layers,
                                   config->head == data->head ? model : NULL, err);
            continue;
        }
        if (by_prompt) continue;
        s = arena_take(scratch, config->n_labels + 1, sizeof *label_of, "labels", &label_of, err);
        if (s == STATUS_OK) s = map_labels(from->path, config, data, label_of, err);
    }
    model_close(&model);
    return s;
}

static Status check_fresh(const Suite *suite, const SuiteModel *from, const SuiteTask *task,
                          const TaskData *data, Error *err)
{
    const Architecture *architecture = architecture_find(from->create.architecture);
    const ModelHead created = family_created_head(&from->create);
    const bool by_prompt = family_asks_by_prompt(task, created);
    const bool fills_in = created == HEAD_COUNT && data->family->learns_texts && architecture &&
                          architecture_class(architecture, data->head);
    TRY(check_asked(suite, from, task, data, fills_in ? data->head : created, err));
    if (by_prompt) {
        TRY(check_prompted(from, err));
        TRY(check_chat(from, task, NULL, NULL, err));
    }
    if (by_prompt || data->family->learns_texts ||
        (architecture && architecture_class(architecture, data->head)))
        return check_settings(from, data, from->create.n_layers, NULL, err);
    if (created == HEAD_CAUSAL_LM && data->family->prompt)
        return error_set(err, STATUS_INVALID,
                         "a " SLICE_FMT " is asked in words: give the task \"" SLICE_FMT
                         "\" a \"prompt\"",
                         SLICE_ARG(from->create.architecture), SLICE_ARG(task->name));
    return error_set(err, STATUS_INVALID,
                     "no architecture \"" SLICE_FMT "\" has a %s head, which \"%s\" tasks want",
                     SLICE_ARG(from->create.architecture), model_head_name(data->head),
                     data->family->name);
}

// A threshold is found on samples that the tuned model neither learnt from nor is judged on.
static Status check_threshold(const Suite *suite, size_t model, size_t task, Error *err)
{
    if (!suite->tasks[task].tunes_null_threshold || watches_part(suite, model, task))
        return STATUS_OK;
    return error_set(
        err, STATUS_INVALID,
        "task \"" SLICE_FMT
        "\": \"null_threshold\": \"tune\" wants questions that are held out: %s",
        SLICE_ARG(suite->tasks[task].name),
        suite->models[model].does_tune
            ? "a valid file, or \"folds\": {\"inner\": 0.1}, without \"refit\" and inner folds"
            : "a valid file beside test");
}

Status check_model(const Suite *suite, const Prepared *prepared, size_t model, Log *log, Error *err)
{
    const SuiteModel *from = &suite->models[model];
    Arena scratch = {0};
    Status s = STATUS_OK;
    for (size_t task = 0; s == STATUS_OK && task < suite->n_tasks; task++)
        s = check_threshold(suite, model, task, err);
    if (s == STATUS_OK && from->kind == SUITE_MODEL_SAVED) {
        s = check_saved(from, suite, prepared, log, &scratch, err);
    } else {
        for (size_t task = 0; s == STATUS_OK && task < suite->n_tasks && from->does_tune; task++)
            s = check_fresh(suite, from, &suite->tasks[task], &prepared->tasks[task], err);
    }
    arena_release(&scratch);
    return s == STATUS_OK ? s : error_wrap(err, "model \"" SLICE_FMT "\"", SLICE_ARG(from->name));
}
