// harness/execute_explain.c: what the worst answers of a judged trial hang on.
#include <math.h>

#include "base/buffer_keep.h"
#include "base/json_writer.h"
#include "harness/execute_internal.h"
#include "results/badness.h"

typedef struct Explaining {
    Executor *executor;
    const Work *work;
    const TrialSamples *samples;
    Outcome *outcome;
    Arena *arena;
    Asked asked;
    const float *logits; // of the sample's windows
} Explaining;

// ---- which ----

static Status badness_of(const Explaining *e, size_t i, double *out, Error *err)
{
    const Outcome *outcome = e->outcome;
    const TaskData *data = e->asked.data;
    const Sample *sample = &e->asked.part->data.samples[outcome->ordinals[i]];
    const TrialOutput output = {.label = outcome->predicted[i],
                                .text = outcome_text(outcome, i),
                                .probabilities = outcome->n_classes > 0 ? outcome->probabilities +
                                                                              i * outcome->n_classes
                                                                        : NULL,
                                .n_probabilities = outcome->n_classes};
    Slice reference = {0};
    if (data->family->reference)
        TRY(data->family->reference(data, sample, e->arena, &reference, err));
    *out = answer_badness(&output, data->family->reference ? STORE_NO_LABEL : sample->label,
                          reference);
    return STATUS_OK;
}

// The worst first; of equal ones the first.
static Status choose_worst(const Explaining *e, size_t most, size_t *chosen, size_t *n, Error *err)
{
    double *badness = NULL;
    *n = 0;
    TRY(arena_take(e->arena, most + 1, sizeof *badness, "answers", &badness, err));
    for (size_t i = 0; i < e->outcome->n_outputs; i++) {
        const ArenaMark mark = arena_mark(e->arena);
        double own;
        TRY(badness_of(e, i, &own, err));
        arena_rewind(e->arena, mark);
        size_t at = *n;
        while (at > 0 && own < badness[at - 1]) at--;
        if (at == most) continue;
        if (*n < most) ++*n;
        for (size_t k = *n - 1; k > at; k--) {
            badness[k] = badness[k - 1];
            chosen[k] = chosen[k - 1];
        }
        badness[at] = own;
        chosen[at] = i;
    }
    return STATUS_OK;
}

// ---- one sample ----

static void put_tokens(const Encoding *window, const Explanation *explanation, JsonWriter *w)
{
    json_member_array(w, "tokens");
    for (size_t t = 0; t < window->n_tokens; t++) {
        if (window->special[t] || window->sequence[t] < 0) continue;
        json_begin_array(w);
        json_put_i64(w, window->sequence[t]);
        json_put_u64(w, window->offsets[t].begin);
        json_put_u64(w, window->offsets[t].end);
        json_put_float(w, (float)explanation->attributions[t]);
        json_end_array(w);
    }
    json_end_array(w);
}

static void put_explanations(const SuiteExplain *how, const EncodingWindows *windows,
                             const Reason *reasons, const Explanation *explanations, size_t n,
                             Buffer *out)
{
    JsonWriter w = json_writer(out, 0);
    json_begin_object(&w);
    json_member_cstr(&w, "method", explain_method_name(how->method));
    json_member_u64(&w, "steps", how->n_steps);
    json_member_array(&w, "answers");
    for (size_t i = 0; i < n; i++) {
        json_begin_object(&w);
        json_member_string(&w, "about", reasons[i].about);
        json_member_double_or_null(&w, "score", explanations[i].value);
        json_member_double_or_null(&w, "baseline", explanations[i].baseline);
        json_member_double_or_null(&w, "completeness_error", explanations[i].completeness_error);
        put_tokens(&windows->windows[reasons[i].window], &explanations[i], &w);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
}

// The windows of a sample with the places of their tokens, and the model's scores.
static Status encode_sample(Explaining *e, EncodingWindows *windows, TokenSequence **inputs,
                            Error *err)
{
    const Executor *executor = e->executor;
    const Asked *asked = &e->asked;
    const Sample *sample = &asked->part->data.samples[asked->part->which[asked->positions[0]]];
    size_t n = 0;
    float *logits = NULL;
    TRY(asked->data->family->windows(asked->task, sample, asked->tokenizer,
                                     asked->tokens->max_length, e->arena, windows, err));
    TRY(family_inputs(asked->tokens, asked->positions, 1, e->arena, inputs, &n, err));
    bool is_same = n == windows->n_windows;
    for (size_t w = 0; is_same && w < n; w++)
        is_same = (*inputs)[w].n_tokens == windows->windows[w].n_tokens;
    if (!is_same) return error_set(err, STATUS_INTERNAL, "a sample has other windows than before");
    e->asked.width = model_output_width(executor->model);
    const size_t rows = model_output_rows(executor->model, *inputs, n);
    TRY(arena_take(e->arena, rows * e->asked.width, sizeof *logits, "logits", &logits, err));
    e->asked.logits = logits;
    return model_predict(executor->model, executor->pool, *inputs, n, executor->options.cancel,
                         logits, err);
}

static Status explain_sample(Explaining *e, size_t output, Slice *out, Error *err)
{
    const SuiteExplain *how = &e->executor->options.suite->explain;
    const ExplainOptions options = {.method = how->method, .n_steps = how->n_steps};
    EncodingWindows windows = {0};
    TokenSequence *inputs = NULL;
    Reason *reasons = NULL;
    ExplainRequest *requests = NULL;
    Explanation *explanations = NULL;
    size_t n = 0;
    e->asked.positions = e->samples->judged + output;
    e->asked.n = 1;
    TRY(encode_sample(e, &windows, &inputs, err));
    TRY(e->asked.data->family->reasons(&e->asked, &windows, e->arena, &reasons, &n, err));
    TRY(arena_take(e->arena, n, sizeof *requests, "explanations", &requests, err));
    TRY(arena_take(e->arena, n, sizeof *explanations, "explanations", &explanations, err));
    for (size_t i = 0; i < n; i++)
        requests[i] = (ExplainRequest){.input = &inputs[reasons[i].window],
                                       .is_kept = windows.windows[reasons[i].window].special,
                                       .baseline_id = explain_baseline_id(e->asked.tokenizer),
                                       .targets = reasons[i].targets,
                                       .n_targets = reasons[i].n_targets};
    TRY(model_explain(e->executor->model, e->executor->pool, requests, n, &options,
                      e->executor->options.cancel, e->arena, explanations, err));
    if (n == 0) return STATUS_OK;
    Buffer text = {0};
    put_explanations(how, &windows, reasons, explanations, n, &text);
    return buffer_keep(&text, e->arena, "an explanation", out, err);
}

// ---- a trial ----

// Answers by prompt, those to texts that a model's note changes, and those of a model that was written in fewer bits come of other scores than a gradient can be had of.
static bool is_explained(const Explaining *e)
{
    const Suite *suite = e->executor->options.suite;
    const TrialSpec *spec = &e->work->spec;
    if (!trial_is_explained(suite, spec) || e->outcome->n_outputs == 0 || e->asked.by_prompt ||
        e->asked.hypotheses)
        return false;
    // A report shows the texts of the data.
    if (prepared_is_noted(e->executor->options.prepared, (size_t)spec->model, spec->task))
        return false;
    const TuneSetting *setting = &suite->models[spec->model].settings[spec->setting];
    const ComputeMode compute = trial_compute(suite, spec, e->executor->options.compute);
    const bool is_written = setting->quantize.len > 0 && !slice_eq_cstr(setting->quantize, "none");
    const bool is_rounded = suite->models[spec->model].does_tune &&
                            (is_written || compute != trial_tuning_compute(compute));
    return !is_rounded && (model_capabilities(e->executor->model) & MODEL_CAN_TRAIN);
}

Status execute_explain(Executor *executor, const Work *work, const TrialSamples *samples,
                       Arena *arena, Outcome *outcome, Error *err)
{
    Explaining e = {
        .executor = executor, .work = work, .samples = samples, .outcome = outcome, .arena = arena};
    size_t *chosen = NULL, n = 0;
    Slice *texts = NULL;
    if (!executor->options.suite->explain.is_on || samples->n_judged == 0) return STATUS_OK;
    TRY(execute_asked(executor, &work->spec, samples->judged_part, &e.asked, err));
    if (!is_explained(&e)) return STATUS_OK;
    const size_t most = executor->options.suite->explain.n_samples;
    TRY(arena_take(arena, most, sizeof *chosen, "answers", &chosen, err));
    TRY(arena_take(arena, outcome->n_outputs, sizeof *texts, "explanations", &texts, err));
    TRY(choose_worst(&e, most, chosen, &n, err));
    for (size_t i = 0; i < n; i++) {
        const Status s = explain_sample(&e, chosen[i], &texts[chosen[i]], err);
        if (s != STATUS_OK) return error_wrap(err, "explaining answer %zu", chosen[i]);
    }
    return outcome_put_explanations(outcome, texts, err);
}
