// Samples of a data set put to a model by the families of tasks, so that answers are those of `assay run`.
#include "tools/predict/data.h"

#include <string.h>

#include "base/input.h"
#include "base/size.h"
#include "harness/suite/keys.h"
#include "tools/data_options.h"

static bool is_table(const Reader *reader)
{
    static const char *const names[] = {"tsv", "csv", "conll", "squad"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(reader->name, names[i]) == 0) return true;
    }
    return false;
}

// Questions and cases both come as ".json": the first key of a document of questions is none of a case's.
static Status begins_as_questions(const char *path, bool *out, Error *err)
{
    char bytes[256];
    size_t n = 0, at = 0, key;
    Input *input = NULL;
    Status s = input_open(path, NULL, &input, err);
    if (s == STATUS_OK) s = input_read(input, bytes, sizeof bytes, &n, err);
    input_close(&input);
    const Slice text = {bytes, n};
    if (slice_starts_with(text, SLICE("\xef\xbb\xbf"))) at = 3;
    while (at < n && slice_find_byte(SLICE(" \t\r\n{"), bytes[at]) != SIZE_MAX) at++;
    const Slice rest = slice_sub(text, at, n);
    key = slice_find_byte(slice_sub(rest, 1, rest.len), '"');
    const Slice name = slice_sub(rest, 1, key == SIZE_MAX ? 0 : key + 1);
    *out = slice_eq_cstr(name, "data") || slice_eq_cstr(name, "version");
    return s;
}

Status predict_data_reader(const CommandLine *line, const Reader **out, Error *err)
{
    const Slice path = slice_from_cstr(option_text(line, "in")),
                format = slice_from_cstr(option_text(line, "format"));
    Error unknown = {0};
    *out = NULL;
    if (format.len > 0) return reader_for(path, format, out, err);
    if (reader_for(path, (Slice){0}, out, &unknown) != STATUS_OK || !is_table(*out)) *out = NULL;
    if (*out && strcmp((*out)->name, "squad") == 0) {
        bool is_squad = false;
        TRY(begins_as_questions(option_text(line, "in"), &is_squad, err));
        if (!is_squad) *out = NULL;
    }
    return STATUS_OK;
}

typedef struct DataRun {
    Predictor *p;
    const CommandLine *line;
    Responder responder;
    SuiteTask task;
    TaskData data;
    UsedPart *part;
    size_t *all; // [n of the part]
    Arena arena;
} DataRun;

// ---- reading ----

static Status read_dataset(DataRun *run, const Reader *reader, Error *err)
{
    ReadOptions *read = &run->task.read;
    Dataset *data = &run->part->data;
    TRY(data_options_read_texts(run->line, read, err));
    read->format = slice_from_cstr(reader->name);
    read->label_optional = true;
    read->bad_answers = BAD_ANSWERS_IGNORE;
    if (run->data.family->has_choices) read->wants_choices = true;
    TRY(dataset_read(option_text(run->line, "in"), read, data, err));
    for (size_t i = 0; i < data->n_notes; i++)
        log_warning(run->line->log, SLICE_FMT ": " SLICE_FMT, SLICE_ARG(data->path),
                    SLICE_ARG(data->notes[i].text));
    if (run->p->n_steps == 0) return STATUS_OK;
    StepCount counts[STEPS_MOST] = {{0}};
    return steps_dataset(run->p->steps, run->p->n_steps, data, counts, err);
}

// What the family's answers hang on beside texts: words want tags to be there, whatever they say, and a question that the file
// says has no answer makes "no answer" one.
static Status look_at_samples(DataRun *run, Error *err)
{
    Dataset *data = &run->part->data;
    const Family *family = run->data.family;
    size_t longest = 0;
    Slice *outside = NULL;
    for (size_t i = 0; i < data->n_samples; i++) {
        const Sample *sample = &data->samples[i];
        const bool is_fit = family->has_tags            ? sample->n_tokens > 0
                            : family->head == HEAD_SPAN ? sample->context.ptr != NULL
                            : family->takes             ? sample->bias != NULL
                                                        : true;
        if (!is_fit) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ":%zu: a \"" SLICE_FMT "\" file has nothing for --mode %s",
                             SLICE_ARG(data->path), sample->line, SLICE_ARG(run->task.read.format),
                             run->p->mode->name);
        }
        longest = size_max(longest, sample->n_tokens);
        if (sample->n_answers == 0 && !sample->is_unlabelled) run->data.has_unanswerable = true;
    }
    TRY(arena_take(&run->arena, longest, sizeof *outside, "tags", &outside, err));
    for (size_t i = 0; i < longest; i++) outside[i] = SLICE("O");
    for (size_t i = 0; i < data->n_samples; i++) {
        if (!data->samples[i].tags) data->samples[i].tags = outside;
    }
    return STATUS_OK;
}

// As suites have it; what the model's own note says goes before, what the command line says before that.
static void set_task(DataRun *run)
{
    const ModelNote *note = &run->p->note;
    section_defaults(&section_task, &run->task);
    run->task.family = slice_from_cstr(run->data.family->name);
    run->task.threshold = run->p->threshold;
    if (note->max_answer > 0) {
        run->task.doc_stride = note->doc_stride;
        run->task.max_answer = note->max_answer;
    }
    if (note->decode.len > 0) run->task.decode = note->decode;
    const bool is_given = option_given(run->line, "null-threshold");
    run->data.has_unanswerable = is_given || note->has_null_threshold;
    run->task.null_threshold = !is_given && note->has_null_threshold
                                   ? note->null_threshold
                                   : option_real(run->line, "null-threshold");
}

static Status start(DataRun *run, const Reader *reader, Error *err)
{
    const ModelConfig *config = model_config(run->p->model);
    set_task(run);
    run->data.head = config->head;
    run->data.labels = run->data.metric_labels = config->labels;
    run->data.n_labels = run->data.n_metric_labels = config->labels ? config->n_labels : 0;
    run->part = &run->data.parts[PART_TEST];
    TRY(read_dataset(run, reader, err));
    TRY(look_at_samples(run, err));
    run->part->n = run->part->data.n_samples;
    TRY(arena_take(&run->arena, run->part->n, sizeof *run->all, "samples", &run->all, err));
    for (size_t i = 0; i < run->part->n; i++) run->all[i] = i;
    run->part->which = run->all;
    return STATUS_OK;
}

// ---- answering ----

static Status answer_chunk(DataRun *run, size_t begin, size_t n, DataOut *out, Arena *arena,
                           Error *err)
{
    UsedPart chunk = {.data = run->part->data, .which = run->part->which + begin, .n = n};
    Tokens tokens = {0};
    Answers answers;
    const Tokenizer *tokenizer = model_tokenizer(run->p->model);
    TRY(run->data.family->encode(&run->task, &run->data, &chunk, tokenizer, run->p->max_length,
                                 arena, &tokens, err));
    const Asked asked = {.task = &run->task,
                         .data = &run->data,
                         .part = &chunk,
                         .tokens = &tokens,
                         .tokenizer = tokenizer,
                         .positions = run->all,
                         .n = n,
                         .outer_fold = STORE_NO_FOLD,
                         .null_threshold = run->task.null_threshold};
    tokens.max_length = run->p->max_length;
    TRY(family_respond(&asked, &run->responder, arena, &answers, err));
    for (size_t i = 0; i < n; i++)
        TRY(data_out_put(out, &chunk.data.samples[chunk.which[i]], &answers, i, err));
    return jsonl_out_flush(out->to, err);
}

static Status answer_all(DataRun *run, const Reader *reader, JsonlOut *to, Error *err)
{
    DataOut out = {
        .to = to, .data = &run->data, .is_crows_pairs = strcmp(reader->name, "crows-pairs") == 0};
    const size_t batch = (size_t)option_integer(run->line, "batch");
    Status s = data_form_of(run->line, run->data.family, &out.form, err);
    if (s == STATUS_OK) s = start(run, reader, err);
    for (size_t at = 0; s == STATUS_OK && at < run->part->n; at += batch) {
        Arena arena = {0};
        s = answer_chunk(run, at, size_min(batch, run->part->n - at), &out, &arena, err);
        arena_release(&arena);
    }
    return s == STATUS_OK ? data_out_end(&out, err) : s;
}

Status predict_data(Predictor *p, Pool *pool, const CommandLine *line, const Reader *reader,
                    JsonlOut *out, Error *err)
{
    if (p->mode->family == NULL) {
        return error_set(err, STATUS_INVALID,
                         "--mode %s reads JSON Lines of cases, not \"%s\" files: give --mode "
                         "classify, tag, span or prefer, or leave --format out",
                         p->mode->name, reader->name);
    }
    if (p->explains)
        return error_set(err, STATUS_INVALID, "--explain wants JSON Lines of cases as --in");
    const ModelConfig *config = model_config(p->model);
    const ProblemType problem = model_config_problem(config);
    if (config->is_discriminator)
        return error_set(
            err, STATUS_INVALID,
            "the model tells which tokens stand in others' places, and has no tags: ask "
            "it by JSON Lines of cases");
    if (problem == PROBLEM_VALUES && config->n_labels > 1)
        return error_set(
            err, STATUS_INVALID,
            "the model gives %zu numbers a text, not one: ask it by JSON Lines of cases",
            config->n_labels);
    if (!model_tokenizer(p->model))
        return error_set(err, STATUS_INVALID, "the model has no tokenizer, which texts want");
    DataRun run = {.p = p,
                   .line = line,
                   .responder = {.model = p->model, .pool = pool, .cancel = interrupt_flag()}};
    run.data.family = family_find(problem == PROBLEM_LABELS   ? SLICE("multilabel")
                                  : problem == PROBLEM_VALUES ? SLICE("regression")
                                                              : slice_from_cstr(p->mode->family));
    const Status s = answer_all(&run, reader, out, err);
    if (run.part) dataset_release(&run.part->data);
    arena_release(&run.arena);
    return s;
}
