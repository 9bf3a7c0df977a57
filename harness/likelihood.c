#include "harness/likelihood.h"

#include <math.h>

#include "models/generation/ask.h"

const char *likelihood_name(Likelihood how)
{
    static const char *const names[] = {[LIKELIHOOD_SUM] = "sum",
                                        [LIKELIHOOD_MEAN] = "mean",
                                        [LIKELIHOOD_SHARED] = "shared",
                                        [LIKELIHOOD_TARGET] = "target",
                                        [LIKELIHOOD_MENTION] = "mention"};
    return names[how];
}

Likelihood likelihood_of(const SuiteTask *task)
{
    for (int i = 0; i < N_LIKELIHOODS; i++) {
        if (slice_eq_cstr(task->likelihood, likelihood_name((Likelihood)i))) return (Likelihood)i;
    }
    return slice_eq_cstr(task->read.format, "crows-pairs")             ? LIKELIHOOD_SHARED
           : slice_eq_cstr(task->read.format, "stereoset")             ? LIKELIHOOD_TARGET
           : slice_eq_cstr(task->read.format, "bbq")                   ? LIKELIHOOD_MEAN
           : slice_ends_with(task->read.format, SLICE("-coreference")) ? LIKELIHOOD_MENTION
                                                                       : LIKELIHOOD_SUM;
}

Likelihood likelihood_for(Likelihood how, const Sample *sample)
{
    const bool follows = sample->bias && sample->bias->follows;
    return how == LIKELIHOOD_TARGET && follows ? LIKELIHOOD_MEAN : how;
}

Status likelihoods_wrap(const Sample *sample, Status s, Error *err)
{
    if (s == STATUS_OK || s == STATUS_CANCELLED) return s;
    return error_wrap(err, "the sample of line %zu, \"" SLICE_FMT "\"", sample->line,
                      SLICE_ARG(slice_sub(sample->text, 0, 60)));
}

Status likelihood_context(const Sample *sample, bool is_causal, Arena *arena, Slice *out,
                          Error *err)
{
    const char *text = NULL;
    const bool follows = sample->bias && sample->bias->follows;
    *out = SLICE("");
    if (sample->context.len == 0 && !follows) return STATUS_OK;
    text = follows
               ? arena_printf(arena, SLICE_FMT "%s", SLICE_ARG(sample->text), is_causal ? "" : " ")
           : is_causal ? arena_printf(arena, SLICE_FMT "\nQuestion: " SLICE_FMT "\nAnswer:",
                                      SLICE_ARG(sample->context), SLICE_ARG(sample->text))
                       : arena_printf(arena, SLICE_FMT " " SLICE_FMT " ",
                                      SLICE_ARG(sample->context), SLICE_ARG(sample->text));
    if (text == NULL) return error_set_memory(err, sample->text.len, 1, "a text");
    *out = slice_from_cstr(text);
    return STATUS_OK;
}

Status likelihood_mention(const Sample *sample, Arena *arena, Slice *before, Error *err)
{
    const SampleBias *bias = sample->bias;
    if (!bias || bias->pronoun.len == 0) {
        return error_set(
            err, STATUS_INVALID,
            "\"likelihood\": \"mention\" wants a pronoun that means one of two people: "
            "\"format\": \"winobias-coreference\" or \"winogender-coreference\"");
    }
    const char *text = arena_printf(arena, SLICE_FMT " \"" SLICE_FMT "\" refers to",
                                    SLICE_ARG(sample->context), SLICE_ARG(bias->pronoun));
    if (text == NULL) return error_set_memory(err, sample->context.len, 1, "a text");
    *before = slice_from_cstr(text);
    return STATUS_OK;
}

// One choice as a request. What a model has no room for goes: a context's beginning, a sentence's end.
static Status causal_request(const Likelihoods *l, const Sample *sample, Slice context, size_t k,
                             Arena *arena, LoglikRequest *out, Error *err)
{
    const Model *model = l->responder->model;
    const size_t most = model_config(model)->max_positions;
    AskIds before = {0}, after = {0};
    size_t n_cut = 0;
    const char *text = arena_printf(arena, "%s" SLICE_FMT, context.len > 0 ? " " : "",
                                    SLICE_ARG(sample->choices[k]));
    if (text == NULL) return error_set_memory(err, 1, 1, "a text");
    TRY(ask_encode_pair(model, context, slice_from_cstr(text), arena, &before, &after, err));
    if (after.n >= most) after.n = most - 1;
    TRY(ask_fit_pair(model, CUT_LEFT, &before, after.n, &n_cut, err));
    *out = (LoglikRequest){.context = before.ids,
                           .n_context = before.n,
                           .continuation = after.ids,
                           .n_continuation = after.n};
    return STATUS_OK;
}

// One request a choice, all of them in one call.
static Status causal_requests(const Likelihoods *l, Arena *arena, LoglikRequest *requests,
                              size_t *n, Error *err)
{
    *n = 0;
    for (size_t i = 0; i < l->n; i++) {
        const Sample *sample = l->samples[i];
        Slice context;
        const Status found = l->how == LIKELIHOOD_MENTION
                                 ? likelihood_mention(sample, arena, &context, err)
                                 : likelihood_context(sample, true, arena, &context, err);
        TRY(likelihoods_wrap(sample, found, err));
        for (size_t k = 0; k < sample->n_choices; k++) {
            const Status s = causal_request(l, sample, context, k, arena, &requests[(*n)++], err);
            TRY(likelihoods_wrap(sample, s, err));
        }
    }
    return STATUS_OK;
}

static Status likelihoods_causal(Likelihoods *l, Arena *arena, Error *err)
{
    LoglikRequest *requests = NULL;
    LoglikResult *results = NULL;
    GenerateStats stats = {0};
    size_t n = 0, at = 0;
    const bool is_mean = l->how != LIKELIHOOD_SUM && l->how != LIKELIHOOD_SHARED;
    TRY(arena_take(arena, l->n * l->width, sizeof *requests, "texts", &requests, err));
    TRY(arena_take(arena, l->n * l->width, sizeof *results, "likelihoods", &results, err));
    TRY(causal_requests(l, arena, requests, &n, err));
    TRY(model_loglik(l->responder->model, l->responder->pool, requests, n, l->responder->cancel,
                     arena, results, &stats, err));
    for (size_t i = 0; i < l->n; i++) {
        for (size_t k = 0; k < l->samples[i]->n_choices; k++, at++) {
            const double sum = results[at].loglik;
            if (l->counts) l->counts[i * l->width + k] = (double)requests[at].n_continuation;
            l->values[i * l->width + k] = is_mean ? sum / (double)requests[at].n_continuation : sum;
        }
    }
    l->n_tokens = stats.n_tokens;
    return STATUS_OK;
}

Status likelihoods_find(Likelihoods *l, Error *err)
{
    Arena arena = {0};
    Status s = STATUS_OK;
    for (size_t i = 0; i < l->n * l->width; i++) l->values[i] = NAN;
    if (model_config(l->responder->model)->head == HEAD_CAUSAL_LM) {
        s = likelihoods_causal(l, &arena, err);
    } else {
        s = likelihoods_masked(l, err);
    }
    arena_release(&arena);
    return s;
}
