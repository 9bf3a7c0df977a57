// harness/execute_open.c: the model of a trial: opened as saved, or fresh, for answers or to be tuned; a teacher; as it was before.
#include <stdlib.h>

#include "harness/check_models.h"
#include "harness/execute_internal.h"
#include "harness/prompt/ask.h"
#include "harness/state.h"
#include "models/architecture.h"

void execute_close_model(Executor *executor)
{
    model_close(&executor->model);
    free(executor->label_of);
    executor->label_of = NULL;
    arena_release(&executor->chat_arena);
    executor->chat = (ChatTemplate){0};
    executor->model_index = NO_MODEL;
}

static Status open_fresh(const Executor *executor, const SuiteModel *from, size_t model,
                         size_t task, const ModelOptions *options, Model **out, Error *err)
{
    const SuiteCreate *create = &from->create;
    const Prepared *prepared = executor->options.prepared;
    const char *directory = prepared_tokenizer_directory(prepared, model, task);
    const ModelHead head = prepared_head(prepared, model, task);
    const Architecture *architecture = architecture_find(create->architecture);
    if (architecture == NULL || architecture->complete == NULL ||
        architecture_class(architecture, head) == NULL) {
        return error_set(err, STATUS_INVALID, "no architecture \"" SLICE_FMT "\" has a %s head",
                         SLICE_ARG(create->architecture), model_head_name(head));
    }
    Tokenizer *tokenizer = NULL;
    TRY(tokenizer_open(directory, &tokenizer, err));
    const int32_t pad = tokenizer_special(tokenizer, SPECIAL_PAD),
                  end = tokenizer_special(tokenizer, SPECIAL_EOS);
    ModelConfig config = {.architecture = architecture,
                          .model_type = create->architecture,
                          .class_name =
                              slice_from_cstr(architecture_class(architecture, head)->name),
                          .head = head,
                          .vocab_size = tokenizer_vocab_size(tokenizer),
                          .hidden_size = create->hidden_size,
                          .n_layers = create->n_layers,
                          .n_heads = create->n_heads,
                          .intermediate_size = create->intermediate_size,
                          .max_positions = create->max_positions,
                          .pad_id = pad == TOKEN_NONE ? -1 : pad,
                          .activation = ACTIVATION_GELU,
                          .dropout = {.hidden = (float)create->dropout,
                                      .attention = (float)create->dropout,
                                      .classifier = -1.0f},
                          .initializer_range = 0.02f,
                          .labels = options->labels,
                          .n_labels = head == HEAD_SPAN ? 2 : options->n_labels,
                          .bos_id = -1};
    if (head == HEAD_SEQUENCE) config.problem_type = model_problem_name(options->problem);
    if (head == HEAD_SEQ2SEQ) config.decoder.n_layers = create->n_decoder_layers;
    if (head == HEAD_MASKED_LM) {
        config.n_labels = config.vocab_size;
        config.labels = NULL;
    }
    if (head == HEAD_SEQ2SEQ || head == HEAD_CAUSAL_LM) { // it answers by tokens
        config.n_labels = config.vocab_size;
        config.labels = NULL;
        config.eos_ids = &end;
        config.n_eos = 1;
        if (head == HEAD_CAUSAL_LM) config.bos_id = end;
    }
    tokenizer_close(&tokenizer);
    architecture->complete(&config);
    return model_create(&config, directory, options, out, err);
}

static Status take_labels(Executor *executor, const SuiteModel *from, const TaskData *data,
                          Error *err)
{
    const ModelConfig *config = model_config(executor->model);
    executor->label_of = calloc(config->n_labels + 1, sizeof *executor->label_of);
    if (executor->label_of == NULL) return error_set_memory(err, config->n_labels, 4, "labels");
    return map_labels(from->path, config, data, executor->label_of, err);
}

// A model as trials of a task want it: for answers as it is saved, or to be tuned.
static Status open_for_task(const Executor *executor, int model, size_t task, Model **out,
                            Error *err)
{
    const ExecuteOptions *o = &executor->options;
    const SuiteModel *from = &o->suite->models[model];
    const TaskData *data = &o->prepared->tasks[task];
    // A model that is not tuned has one setting; what is tuned computes in full, and is opened anew to be judged.
    const ComputeMode judged =
        trial_compute(o->suite, &(TrialSpec){.model = model, .setting = 0}, o->compute);
    ModelOptions options = {.device = o->device,
                            .compute = from->does_tune ? trial_tuning_compute(o->compute) : judged,
                            .kv_dtype = o->kv,
                            .seed = o->suite->seed};
    const bool by_prompt = prepared_by_prompt(o->prepared, (size_t)model, task);
    if (from->does_tune && !by_prompt && !data->family->takes) {
        options.head_choice = HEAD_FOR_LABELS;
        options.head = data->head;
        options.labels = data->labels;
        options.n_labels = data->n_labels;
        options.problem = data->family->problem;
    }
    if (data->family->takes) {
        // Of masked models each token is asked about on its own; all of them are learnt.
        options.one_token = !from->does_tune;
        if (data->head == HEAD_EMBEDDING) options.head_choice = HEAD_FOR_LABELS;
        options.head = data->head;
    }
    if (from->kind == SUITE_MODEL_CREATE) {
        options.labels = data->labels;
        options.n_labels = data->n_labels;
        options.problem = data->family->problem;
        return open_fresh(executor, from, (size_t)model, task, &options, out, err);
    }
    options.keep_stored = !from->does_tune;
    return model_open(from->path, &options, out, err);
}

static Status open_model(Executor *executor, int model, size_t task, Error *err)
{
    const SuiteModel *from = &executor->options.suite->models[model];
    const Prepared *prepared = executor->options.prepared;
    const TaskData *data = &prepared->tasks[task];
    const bool by_prompt = prepared_by_prompt(prepared, (size_t)model, task);
    TRY(open_for_task(executor, model, task, &executor->model, err));
    if (by_prompt && executor->options.suite->tasks[task].prompt.is_chat)
        TRY(prompt_open_chat(from->path, executor->model, &executor->chat_arena, &executor->chat,
                             err));
    if (!from->does_tune && from->kind == SUITE_MODEL_SAVED && !by_prompt)
        return take_labels(executor, from, data, err);
    if (from->kind == SUITE_MODEL_CREATE || !from->does_tune) return STATUS_OK;
    return model_keep(executor->model, err);
}

Status execute_open_teacher(const Executor *executor, const Work *work, Model **out, Error *err)
{
    const Suite *suite = executor->options.suite;
    const TrialSpec *spec = &work->spec;
    const TuneSetting *setting = &suite->models[spec->model].settings[spec->setting];
    const char *directory = executor->options.state_directory;
    const size_t teacher = suite_tuned_teacher(suite, setting);
    char path[STATE_PATH_SIZE];
    bool found = false;
    TRY(state_file(directory, slice_from_cstr(work->teacher_key), "weights", path, err));
    Status s = open_for_task(executor, (int)teacher, spec->task, out, err);
    if (s == STATUS_OK) s = tuned_load(*out, path, &found, err);
    if (s == STATUS_OK && !found) {
        state_remove(directory, slice_from_cstr(work->teacher_key), "weights");
        s = error_set(err, STATUS_INVALID,
                      "what the teacher \"" SLICE_FMT
                      "\" was tuned to could not be kept (%s): the next run tunes it again",
                      SLICE_ARG(setting->teacher), path);
    }
    if (s != STATUS_OK) model_close(out);
    return s;
}

Status executor_open_model(Executor *executor, int model, size_t task, Error *err)
{
    if (executor->model && executor->model_index == model && executor->task_index == task)
        return STATUS_OK;
    execute_close_model(executor);
    const Status s = open_model(executor, model, task, err);
    if (s != STATUS_OK) {
        execute_close_model(executor);
        return error_wrap(err, "model \"" SLICE_FMT "\"",
                          SLICE_ARG(executor->options.suite->models[model].name));
    }
    executor->model_index = model;
    executor->task_index = task;
    return STATUS_OK;
}

// The model as it is before tuning with this seed. All weights of a fresh encoder come from the seed, so it is made anew.
Status execute_reset(Executor *executor, const TrialSpec *spec, Error *err)
{
    const SuiteModel *from = &executor->options.suite->models[spec->model];
    if (!from->does_tune) return STATUS_OK;
    if (from->kind == SUITE_MODEL_SAVED) return model_reset(executor->model, spec->seed, err);
    const TaskData *data = &executor->options.prepared->tasks[spec->task];
    const ModelOptions options = {.device = executor->options.device,
                                  .compute = trial_tuning_compute(executor->options.compute),
                                  .seed = spec->seed,
                                  .labels = data->labels,
                                  .n_labels = data->n_labels,
                                  .problem = data->family->problem};
    model_close(&executor->model);
    return open_fresh(executor, from, (size_t)spec->model, spec->task, &options, &executor->model,
                      err);
}
