#include "harness/prompt/ask.h"
#include "models/architecture.h"

#include <string.h>

#include "results/store.h"

extern const Family family_classify, family_multilabel, family_regression, family_tag, family_span,
    family_choice, family_generate, family_translate;
extern const Family family_prefer, family_associate, family_texts;

const Family *const families_all[] = {&family_classify,  &family_multilabel, &family_regression,
                                      &family_tag,       &family_span,       &family_choice,
                                      &family_generate,  &family_translate,  &family_prefer,
                                      &family_associate, &family_texts};
const size_t families_count = sizeof families_all / sizeof *families_all;

const Family *family_find(Slice name)
{
    for (size_t i = 0; i < families_count; i++) {
        if (slice_eq_cstr(name, families_all[i]->name)) return families_all[i];
    }
    return NULL;
}

ModelHead family_head(const SuiteTask *task)
{
    const Family *family = family_find(task->family);
    return family->head_for ? family->head_for(task) : family->head;
}

// Of the formats with passages some have choices.
bool family_has_questions(const SuiteTask *task)
{
    for (size_t i = 0; i < readers_count; i++) {
        if (slice_eq_cstr(task->read.format, readers_all[i]->name))
            return readers_all[i]->has_questions;
    }
    return false;
}

unsigned family_gives(const SuiteTask *task)
{
    const Family *family = family_find(task->family);
    return family->gives_of_choices && family_has_questions(task) ? family->gives_of_choices
                                                                  : family->gives;
}

const char *family_metrics(const SuiteTask *task)
{
    const Family *family = family_find(task->family);
    return family->metrics_of_choices && family_has_questions(task) ? family->metrics_of_choices
                                                                    : family->metrics;
}

bool family_learns_other(const SuiteTask *task)
{
    const Family *family = family_find(task->family);
    return (family->learns_texts && !family->judges_texts) ||
           (family->gives_of_choices && family_has_questions(task));
}

bool family_learns(const SuiteTask *task)
{
    const Family *family = family_find(task->family);
    return (!family->takes || family->judges_texts) && !family_has_questions(task);
}

ModelHead family_created_head(const SuiteCreate *create)
{
    const Architecture *architecture = architecture_find(create->architecture);
    return architecture && architecture_class(architecture, HEAD_CAUSAL_LM) ? HEAD_CAUSAL_LM
                                                                            : HEAD_COUNT;
}

bool family_asks_by_prompt(const SuiteTask *task, ModelHead head)
{
    return task->prompt.is_given && head == HEAD_CAUSAL_LM;
}

Status family_respond(const Asked *asked, const Responder *responder, Arena *arena, Answers *out,
                      Error *err)
{
    const Family *family = asked->data->family;
    *out = (Answers){0};
    if (asked->by_prompt) return prompt_respond(asked, responder, arena, out, err);
    return family->respond ? family->respond(asked, responder, arena, out, err)
                           : family_predict(asked, responder, arena, out, err);
}

// ---- shared by families ----

uint64_t family_key(Slice id, size_t window)
{
    Sha256 hash;
    unsigned char digest[32];
    uint64_t key = 0;
    sha256_init(&hash);
    sha256_update(&hash, id);
    sha256_finish(&hash, digest);
    for (int i = 0; i < 8; i++) key |= (uint64_t)digest[i] << (8 * i);
    return key + 0x9e3779b97f4a7c15u * window; // Knuth's golden ratio: windows far apart
}

void family_windows(const Tokens *tokens, size_t position, size_t *begin, size_t *end)
{
    *begin = tokens->first_window ? tokens->first_window[position] : position;
    *end = tokens->first_window ? tokens->first_window[position + 1] : position + 1;
}

size_t family_first_label(const Tokens *tokens, size_t window)
{
    if (tokens->targets.starts) return tokens->targets.starts[window];
    return tokens->words || tokens->has_token_labels ? tokens->batch.starts[window] : 2 * window;
}

Status family_inputs(const Tokens *tokens, const size_t *positions, size_t n, Arena *arena,
                     TokenSequence **out, size_t *n_inputs, Error *err)
{
    size_t total = 0, begin, end;
    for (size_t i = 0; i < n; i++) {
        family_windows(tokens, positions[i], &begin, &end);
        total += end - begin;
    }
    TRY(arena_take(arena, total, sizeof **out, "inputs", out, err));
    *n_inputs = 0;
    for (size_t i = 0; i < n; i++) {
        family_windows(tokens, positions[i], &begin, &end);
        for (size_t w = begin; w < end; w++) {
            const size_t first = tokens->batch.starts[w];
            (*out)[(*n_inputs)++] = (TokenSequence){.ids = tokens->batch.ids + first,
                                                    .type_ids = tokens->batch.type_ids + first,
                                                    .n_tokens = tokens->batch.starts[w + 1] - first,
                                                    .key = tokens->keys[w]};
        }
    }
    return STATUS_OK;
}

// One forward pass over all windows: *seen is what was asked with its logits.
static Status predict_logits(const Asked *asked, const Responder *responder, Arena *arena,
                             Asked *out, size_t *n_tokens, Error *err)
{
    Asked seen = *asked;
    TokenSequence *inputs = NULL;
    float *logits = NULL;
    size_t n_inputs = 0;
    TRY(family_inputs(asked->tokens, asked->positions, asked->n, arena, &inputs, &n_inputs, err));
    seen.width = model_output_width(responder->model);
    const size_t rows = model_output_rows(responder->model, inputs, n_inputs);
    if (seen.width > 0 && rows > SIZE_MAX / sizeof *logits / seen.width)
        return error_set_memory(err, rows, seen.width, "logits");
    TRY(arena_take(arena, rows * seen.width, sizeof *logits, "logits", &logits, err));
    TRY(model_predict(responder->model, responder->pool, inputs, n_inputs, responder->cancel,
                      logits, err));
    seen.logits = logits;
    *out = seen;
    *n_tokens = 0;
    for (size_t i = 0; i < n_inputs; i++) *n_tokens += inputs[i].n_tokens;
    return STATUS_OK;
}

Status family_predict(const Asked *asked, const Responder *responder, Arena *arena, Answers *out,
                      Error *err)
{
    Asked seen;
    size_t n_tokens = 0;
    TRY(predict_logits(asked, responder, arena, &seen, &n_tokens, err));
    *out = (Answers){.n = asked->n, .n_tokens = n_tokens};
    return asked->data->family->answer(&seen, arena, out, err);
}

Status family_calibrate(const Asked *asked, const Responder *responder, double *null_threshold,
                        Error *err)
{
    Arena scratch = {0};
    Asked seen;
    size_t n_tokens = 0;
    *null_threshold = asked->task->null_threshold;
    if (!asked->data->family->calibrate || !asked->task->tunes_null_threshold || asked->by_prompt ||
        !asked->data->has_unanswerable)
        return STATUS_OK;
    Status s = predict_logits(asked, responder, &scratch, &seen, &n_tokens, err);
    if (s == STATUS_OK) s = asked->data->family->calibrate(&seen, &scratch, null_threshold, err);
    arena_release(&scratch);
    return s;
}

Status family_join(const Slice *words, size_t n, Arena *arena, Slice *out, Error *err)
{
    size_t len = n > 0 ? n - 1 : 0;
    char *text = NULL;
    for (size_t i = 0; i < n; i++) len += words[i].len;
    TRY(arena_take(arena, len + 1, 1, "a text", &text, err));
    *out = (Slice){text, len};
    for (size_t i = 0; i < n; i++) {
        if (i > 0) *text++ = ' ';
        if (words[i].len > 0) memcpy(text, words[i].ptr, words[i].len);
        text += words[i].len;
    }
    return STATUS_OK;
}

Status family_take_texts(Answers *out, Arena *arena, Error *err)
{
    TRY(arena_take(arena, out->n, sizeof *out->predicted, "predictions", &out->predicted, err));
    for (size_t i = 0; i < out->n; i++) out->predicted[i] = STORE_NO_LABEL;
    return arena_take(arena, out->n, sizeof *out->texts, "answers", &out->texts, err);
}

Status family_target_reference(const TaskData *data, const Sample *sample, Arena *arena, Slice *out,
                               Error *err)
{
    (void)data, (void)arena, (void)err;
    *out = sample->n_targets > 0 ? sample->targets[0] : SLICE("");
    return STATUS_OK;
}

static Status first_target(const SuiteTask *task, const TaskData *data, const Sample *sample,
                           Arena *arena, Slice *out, Error *err)
{
    (void)task, (void)data, (void)arena, (void)err;
    *out = sample->n_targets > 0 ? sample->targets[0] : (Slice){0};
    return STATUS_OK;
}

static Status read_as_written(const SuiteTask *task, const TaskData *data, const Sample *sample,
                              Slice written, Arena *arena, Slice *out, bool *is_read, Error *err)
{
    (void)task, (void)data, (void)sample, (void)arena, (void)err;
    *out = written;
    *is_read = written.len > 0;
    return STATUS_OK;
}

const FamilyPrompt family_target_prompt = {.gold = first_target, .read = read_as_written};

void family_labels_as_read(TaskData *data)
{
    data->metric_labels = data->labels;
    data->n_metric_labels = data->n_labels;
}

void family_bias_item(const Sample *sample, Item *item)
{
    const SampleBias *bias = sample->bias;
    if (bias == NULL) return;
    item->label = sample->gold != SAMPLE_NO_LABEL ? sample->gold : bias->direction;
    item->stereotyped = bias->stereotyped;
    item->unknown = bias->unknown;
    item->is_ambiguous = bias->is_ambiguous;
    item->group = bias->term;
    item->gender = bias->gender;
    memcpy(item->women, bias->women, sizeof item->women);
}
