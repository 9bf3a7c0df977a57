// Given batches: {"batch": [{"input_ids": [..], "labels": .., ..}, ..]}, one optimiser step a line.
#include <stddef.h>
#include <string.h>

#include "base/file.h"
#include "harness/teacher.h"
#include "tools/jsonl.h"
#include "tools/model_options.h"
#include "tools/tune/tune.h"

typedef struct GivenExample {
    JsonlInts input_ids, token_type_ids, attention_mask, labels, start_positions, end_positions;
    JsonlFloats targets; // "labels" of a model that gives several at once, or numbers
} GivenExample;

#define EXAMPLE_FIELD(key)                            \
    {                                                 \
#        key, JSONL_INTS, offsetof(GivenExample, key) \
    }
static const JsonlField example_fields[] = {
    EXAMPLE_FIELD(input_ids), EXAMPLE_FIELD(token_type_ids),  EXAMPLE_FIELD(attention_mask),
    EXAMPLE_FIELD(labels),    EXAMPLE_FIELD(start_positions), EXAMPLE_FIELD(end_positions),
};
static const JsonlField target_fields[] = {
    EXAMPLE_FIELD(input_ids),
    EXAMPLE_FIELD(token_type_ids),
    EXAMPLE_FIELD(attention_mask),
    {"labels", JSONL_FLOATS, offsetof(GivenExample, targets)},
};
enum { N_TARGET_FIELDS = sizeof target_fields / sizeof *target_fields };
enum { N_EXAMPLE_FIELDS = sizeof example_fields / sizeof *example_fields, IGNORED_LABEL = -100 };

// All batches, end to end.
typedef struct Batches {
    TrainExample *examples;
    size_t n_examples, examples_capacity;
    size_t *starts; // [n_batches + 1]
    size_t n_batches, starts_capacity;
} Batches;

static Status want_length(const char *what, const JsonlInts *ints, size_t n, Error *err)
{
    if (!ints->is_given || ints->n == n) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "\"%s\" has %zu numbers, but %zu are wanted", what,
                     ints->n, n);
}

// Labels of a span head: "labels": [start, end], or the two by their own names.
static Status join_positions(GivenExample *e, Arena *arena, Error *err)
{
    if (e->labels.is_given || !e->start_positions.is_given || !e->end_positions.is_given) {
        return STATUS_OK;
    }
    TRY(want_length("start_positions", &e->start_positions, 1, err));
    TRY(want_length("end_positions", &e->end_positions, 1, err));
    TRY(arena_take(arena, 2, sizeof *e->labels.values, "labels", &e->labels.values, err));
    e->labels.values[0] = e->start_positions.values[0];
    e->labels.values[1] = e->end_positions.values[0];
    e->labels.n = 2;
    e->labels.is_given = true;
    return STATUS_OK;
}

// -100 alone says that a place does not count; another negative number is a mistake, and would be passed over in silence.
// Positions of a span head may lie past the end: then they do not count.
static Status check_labels(const ModelConfig *config, const int32_t *labels, size_t n, Error *err)
{
    for (size_t i = 0; i < n; i++) {
        const bool is_high =
            config->head != HEAD_SPAN && labels[i] >= 0 && (size_t)labels[i] >= config->n_labels;
        if (labels[i] == IGNORED_LABEL || (labels[i] >= 0 && !is_high)) continue;
        if (config->head == HEAD_SPAN) {
            return error_set(err, STATUS_INVALID,
                             "position %d is before the text; %d says that there is none",
                             labels[i], IGNORED_LABEL);
        }
        return error_set(err, STATUS_INVALID,
                         "label %d is outside 0..%zu, the model's classes; %d is ignored",
                         labels[i], config->n_labels - 1, IGNORED_LABEL);
    }
    return STATUS_OK;
}

// Labels of an encoder-decoder: a token id for each target token; the decoder reads them one place later. Ignored ones at
// the end are padding, of which nothing comes.
static Status take_targets(const Model *model, GivenExample *e, Arena *arena, TrainExample *out,
                           Error *err)
{
    int32_t *ids = NULL;
    size_t n = e->labels.n;
    while (n > 1 && e->labels.values[n - 1] == IGNORED_LABEL) n--;
    e->labels.n = n;
    TRY(check_labels(model_config(model), e->labels.values, n, err));
    TRY(arena_take(arena, n, sizeof *ids, "target tokens", &ids, err));
    out->input.target_ids = ids;
    out->input.n_targets = n;
    return model_shift_right(model, e->labels.values, n, ids, err);
}

// A number for each of the model's labels.
static Status take_numbers(const Model *model, const GivenExample *e, TrainExample *out, Error *err)
{
    const size_t n = model_config(model)->n_labels;
    if (!e->targets.is_given) return error_set(err, STATUS_INVALID, "\"labels\" is missing");
    if (e->targets.n != n)
        return error_set(err, STATUS_INVALID, "\"labels\" has %zu numbers, but %zu are wanted",
                         e->targets.n, n);
    out->targets = e->targets.values;
    return model_check_inputs(model, &out->input, 1, err);
}

static Status finish_example(const Model *model, GivenExample *e, Arena *arena, TrainExample *out,
                             Error *err)
{
    const ModelHead head = model_config(model)->head;
    const bool by_token = head == HEAD_TOKEN || head == HEAD_MASKED_LM || head == HEAD_CAUSAL_LM;
    if (!e->input_ids.is_given) return error_set(err, STATUS_INVALID, "\"input_ids\" is missing");
    if (head == HEAD_SPAN) TRY(join_positions(e, arena, err));
    const bool has_numbers = model_config_problem(model_config(model)) != PROBLEM_CLASSES;
    if (!has_numbers && !e->labels.is_given)
        return error_set(err, STATUS_INVALID, "\"labels\" is missing");
    const size_t n = e->input_ids.n;
    TRY(want_length("token_type_ids", &e->token_type_ids, n, err));
    if (head != HEAD_SEQ2SEQ && !has_numbers)
        TRY(want_length("labels", &e->labels, by_token ? n : head == HEAD_SPAN ? 2 : 1, err));
    *out =
        (TrainExample){.input = {.ids = e->input_ids.values, .type_ids = e->token_type_ids.values},
                       .labels = e->labels.values};
    TRY(jsonl_count_unpadded(&e->attention_mask, n, &out->input.n_tokens, err));
    if (has_numbers) return take_numbers(model, e, out, err);
    if (head == HEAD_SEQ2SEQ) TRY(take_targets(model, e, arena, out, err));
    TRY(check_labels(model_config(model), out->labels, by_token ? out->input.n_tokens : e->labels.n,
                     err));
    return model_check_inputs(model, &out->input, 1, err);
}

static Status read_example(const Model *model, JsonReader *r, Batches *out, Error *err)
{
    GivenExample given = {0};
    TRY(arena_make_room(r->arena, out->n_examples, &out->examples_capacity, sizeof *out->examples,
                        "batches", &out->examples, err));
    const bool has_numbers = model_config_problem(model_config(model)) != PROBLEM_CLASSES;
    TRY(jsonl_read_object(r, has_numbers ? target_fields : example_fields,
                          has_numbers ? N_TARGET_FIELDS : N_EXAMPLE_FIELDS, &given, err));
    TrainExample *example = &out->examples[out->n_examples];
    if (finish_example(model, &given, r->arena, example, err) != STATUS_OK) {
        return error_wrap(err, "%s:%zu: example %zu of the batch", r->name.ptr, r->first_line,
                          out->n_examples - out->starts[out->n_batches]);
    }
    // Dropout is keyed by the example's place in the file: the same however batches are cut into units.
    example->input.key = out->n_examples++;
    return STATUS_OK;
}

static Status read_examples(const Model *model, JsonReader *r, Batches *out, Error *err)
{
    bool more = false;
    TRY(json_read_array(r, err));
    for (;;) {
        TRY(json_read_element(r, &more, err));
        if (!more) return STATUS_OK;
        TRY(read_example(model, r, out, err));
    }
}

static Status read_batch(const Model *model, JsonReader *r, Batches *out, Error *err)
{
    Slice key = {0};
    bool more = false, has_batch = false;
    TRY(json_read_object(r, err));
    for (;;) {
        TRY(json_read_key(r, &key, &more, err));
        if (!more) break;
        if (!slice_eq_cstr(key, "batch")) {
            TRY(json_skip(r, err));
            continue;
        }
        if (has_batch) return json_reader_error(r, err, "\"batch\" stands twice");
        has_batch = true;
        TRY(read_examples(model, r, out, err));
    }
    if (!has_batch) return json_reader_error(r, err, "\"batch\" is missing");
    return json_read_end(r, err);
}

static Status read_batches(TuneRun *run, const char *path, Batches *out, Error *err)
{
    LineReader *reader = NULL;
    Slice line = {0};
    bool more = true;
    Status s = line_reader_open(path, &reader, err);
    if (s == STATUS_OK) {
        s = arena_make_room(&run->arena, 0, &out->starts_capacity, sizeof *out->starts, "batches",
                            &out->starts, err);
    }
    while (s == STATUS_OK) {
        s = line_reader_next(reader, &line, &more, err);
        if (s != STATUS_OK || !more) break;
        if (slice_trim(line).len == 0) continue;
        const Slice copy = arena_copy(&run->arena, line); // escaped keys may borrow from the text
        JsonReader r = json_reader(slice_from_cstr(path), copy, &run->arena);
        r.first_line = line_reader_number(reader);
        if (!copy.ptr) {
            s = error_set_memory(err, line.len, 1, "a line of batches");
        } else {
            s = read_batch(run->model, &r, out, err);
        }
        if (s == STATUS_OK && out->n_examples == out->starts[out->n_batches]) {
            s = error_set(err, STATUS_INVALID, "%s:%zu: the batch is empty", path, r.first_line);
        }
        if (s != STATUS_OK) break;
        out->n_batches++;
        s = arena_make_room(&run->arena, out->n_batches, &out->starts_capacity, sizeof *out->starts,
                            "batches", &out->starts, err);
        if (s == STATUS_OK) out->starts[out->n_batches] = out->n_examples;
    }
    line_reader_close(&reader);
    if (s == STATUS_OK && out->n_batches == 0) {
        return error_set(err, STATUS_INVALID, "%s has no batches", path);
    }
    return s;
}

// Opens the model that --distill-from names, and checks that it has what the model to tune learns.
static Status open_teacher(TuneRun *run, Error *err)
{
    const char *path = option_text(run->line, "distill-from");
    const ModelConfig *own = model_config(run->model);
    const int32_t *found = NULL;
    const ModelOptions options = {.keep_stored = 1, .without_tokenizer = 1};
    TRY(model_open(path, &options, &run->teacher, err));
    TRY(teacher_columns(path, model_config(run->teacher), own->head, own->labels, own->n_labels,
                        &run->arena, &found, err));
    const size_t n_teacher = model_output_width(run->teacher), n = model_output_width(run->model);
    bool is_same = n_teacher == n;
    for (size_t i = 0; found && i < own->n_labels; i++) is_same = is_same && found[i] == (int32_t)i;
    if (is_same) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "--distill-from %s: it has %zu outputs, the model %zu; with --batches both "
                     "must have the same labels in the same order",
                     path, n_teacher, n);
}

Status tune_on_batches(TuneRun *run, Error *err)
{
    ModelOptions options = {0};
    Batches batches = {0};
    const char *directory = run->line->operands[0];
    TRY(model_options_read(run->line, &options, err));
    options.seed = run->options.seed;
    TRY(model_options_open(run->line, directory, &options, &run->model, err));
    if (!(model_capabilities(run->model) & MODEL_CAN_TRAIN) ||
        model_config(run->model)->head == HEAD_EMBEDDING) {
        return error_set(err, STATUS_INVALID,
                         "%s has no head to tune; --train FILE puts one on it for the labels found",
                         directory);
    }
    if (run->options.distill) {
        TRY(open_teacher(run, err));
        run->distill.teacher = run->teacher;
    }
    TRY(read_batches(run, option_text(run->line, "batches"), &batches, err));
    run->planned_steps = batches.n_batches;
    return model_train_batches(run->model, run->pool, batches.examples, batches.starts,
                               batches.n_batches, &run->options, &run->result, err);
}
