#include "models/generation/generate.h"

#include <string.h>

#include "base/machine.h"
#include "base/size.h"
#include "models/generation/generate_internal.h"

const char *finish_reason_name(FinishReason reason)
{
    switch (reason) {
    case FINISH_LENGTH:
        return "length";
    case FINISH_EOS:
        return "eos";
    case FINISH_STOP:
        break;
    }
    return "stop";
}

// ---- checks ----

static Status check_head(const Model *model, Error *err)
{
    if (model->config.head == HEAD_CAUSAL_LM) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "a model with a %s head does not go on from a text: a causal LM is wanted",
                     model_head_name(model->config.head));
}

static Status check_ids(const Model *model, const int32_t *ids, size_t n, const char *what,
                        Error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (ids[i] >= 0 && (size_t)ids[i] < model->config.vocab_size) continue;
        return error_set(err, STATUS_INVALID, "id %d of %s token %zu is outside 0..%zu", ids[i],
                         what, i, model->config.vocab_size - 1);
    }
    return STATUS_OK;
}

// Keys and values of one request beyond the usual room of all.
static Status check_kept(const Model *model, size_t n_tokens, Error *err)
{
    uint64_t total, free_bytes;
    const double wanted =
        (double)n_tokens * (double)cache_bytes_per_token(&model->tape, model->kv_dtype) +
        (double)cache_bytes_per_sequence(&model->tape);
    if (wanted <= 0x1p30) return STATUS_OK;
    machine_memory(&total, &free_bytes);
    const double available = (double)free_bytes;
    if (available <= 0 || wanted <= available) return STATUS_OK;
    return error_set(err, STATUS_MEMORY,
                     "keys and values of %zu tokens take %.1f GiB of memory, but only %.1f GiB are "
                     "free here: shorten the text, or ask for fewer tokens",
                     n_tokens, wanted / 0x1p30, available / 0x1p30);
}

Status model_check_loglik(const Model *model, const LoglikRequest *r, Error *err)
{
    TRY(check_head(model, err));
    if (r->n_context == 0)
        return error_set(err, STATUS_INVALID,
                         "the context has no token: something must come before what is scored");
    if (r->n_continuation == 0)
        return error_set(err, STATUS_INVALID, "the continuation has no token");
    if (r->n_context + r->n_continuation - 1 > model->config.max_positions) {
        return error_set(err, STATUS_INVALID,
                         "%zu tokens of context and %zu of continuation, but the model's context "
                         "has %zu: shorten them",
                         r->n_context, r->n_continuation, model->config.max_positions);
    }
    TRY(check_kept(model, r->n_context + r->n_continuation, err));
    TRY(check_ids(model, r->context, r->n_context, "context", err));
    return check_ids(model, r->continuation, r->n_continuation, "continuation", err);
}

Status model_check_generate(const Model *model, const GenerateRequest *r, Error *err)
{
    TRY(check_head(model, err));
    if (r->n_prompt == 0) return error_set(err, STATUS_INVALID, "the prompt has no token");
    if (r->n_prompt > model->config.max_positions) {
        return error_set(err, STATUS_INVALID,
                         "the prompt has %zu tokens, but the model's context has %zu: shorten it",
                         r->n_prompt, model->config.max_positions);
    }
    const StopTexts stops = {model->tokenizer, r->stops, r->n_stops};
    TRY(stops_check(&stops, err));
    TRY(sample_check(&r->sample, err));
    if (r->beams) TRY(beam_check(r->beams, r->n_results, err));
    const size_t n_left = model->config.max_positions - r->n_prompt;
    const size_t n_beams = r->beams ? r->beams->n_beams : 1;
    TRY(check_kept(model, r->n_prompt + n_beams * size_min(r->max_new_tokens, n_left), err));
    return check_ids(model, r->prompt, r->n_prompt, "prompt", err);
}

// ---- log-likelihoods ----

typedef struct Scoring {
    const LoglikRequest *requests;
    LoglikResult *results;
    const size_t *n_context;
} Scoring;

static Status read_score(Queue *q, size_t job, size_t strand, size_t place, const float *logits,
                         Exec *exec, Error *err)
{
    (void)strand;
    const Scoring *scoring = q->calls.context;
    const size_t request = q->jobs[job].request;
    const LoglikRequest *r = &scoring->requests[request];
    LoglikResult *result = &scoring->results[request];
    const size_t i = place + 1 - r->n_context;
    bool is_highest = false;
    TRY(token_logprob(logits, q->model->config.vocab_size, r->continuation[i], exec,
                      &result->token_logprobs[i], &is_highest, err));
    result->is_greedy = result->is_greedy && is_highest;
    return STATUS_OK;
}

static Status make_score_jobs(const LoglikRequest *requests, size_t n, Arena *scratch, Arena *arena,
                              LoglikResult *results, Job **out, Error *err)
{
    Job *jobs = NULL;
    TRY(arena_take(scratch, n, sizeof *jobs, "requests", &jobs, err));
    for (size_t i = 0; i < n; i++) {
        const LoglikRequest *r = &requests[i];
        const size_t n_tokens = r->n_context + r->n_continuation - 1; // the last one is only scored
        int32_t *tokens = NULL;
        results[i] = (LoglikResult){.is_greedy = true};
        TRY(arena_take(scratch, n_tokens, sizeof *tokens, "requests", &tokens, err));
        TRY(arena_take(arena, r->n_continuation, sizeof *results[i].token_logprobs,
                       "log-likelihoods", &results[i].token_logprobs, err));
        memcpy(tokens, r->context, r->n_context * sizeof *tokens);
        memcpy(tokens + r->n_context, r->continuation, (r->n_continuation - 1) * sizeof *tokens);
        jobs[i] = (Job){.input = {.tokens = tokens, .n_tokens = n_tokens},
                        .n_reserved = n_tokens,
                        .first_read = r->n_context - 1};
    }
    *out = jobs;
    return STATUS_OK;
}

Status model_loglik(Model *model, Pool *pool, const LoglikRequest *requests, size_t n,
                    const atomic_int *cancel, Arena *arena, LoglikResult *results,
                    GenerateStats *stats, Error *err)
{
    Arena scratch = {0};
    Queue queue = {0};
    Job *jobs = NULL;
    Scoring scoring = {.requests = requests, .results = results};
    const QueueCalls calls = {.read = read_score, .context = &scoring};
    for (size_t i = 0; i < n; i++) {
        if (model_check_loglik(model, &requests[i], err) != STATUS_OK)
            return error_wrap(err, "request %zu", i);
    }
    Status s = make_score_jobs(requests, n, &scratch, arena, results, &jobs, err);
    if (s == STATUS_OK) s = queue_open(model, pool, cancel, &calls, jobs, n, &queue, err);
    if (s == STATUS_OK) s = queue_run(&queue, err);
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        for (size_t t = 0; t < requests[i].n_continuation; t++)
            results[i].loglik += results[i].token_logprobs[t];
    }
    if (stats) *stats = queue.stats;
    queue_close(&queue);
    arena_release(&scratch);
    return s;
}

// ---- generation ----

// What a request has written.
typedef struct Writing {
    int32_t *tokens; // prompt, then what was written
    size_t n_prompt, n_written, n_most;
    double *logprobs;
    int32_t next; // chosen in the running round
    double next_logprob;
    FinishReason finish;
    size_t text_bytes;
    BeamWriting *beams; // or NULL
} Writing;

typedef struct Generation {
    const GenerateRequest *requests;
    Writing *writings; // by request
} Generation;

static Status read_next(Queue *q, size_t job, size_t strand, size_t place, const float *logits,
                        Exec *exec, Error *err)
{
    const Generation *g = q->calls.context;
    const size_t request = q->jobs[job].request;
    Writing *w = &g->writings[request];
    (void)place;
    if (w->beams) return beam_writing_read(w->beams, strand, logits, err);
    return sample_token(&g->requests[request].sample, logits, q->model->config.vocab_size,
                        w->tokens, w->n_prompt + w->n_written, w->n_written, exec, &w->next,
                        &w->next_logprob, err);
}

static bool is_eos(const ModelConfig *config, int32_t token)
{
    for (size_t i = 0; i < config->n_eos; i++) {
        if (config->eos_ids[i] == token) return true;
    }
    return false;
}

static Status advance_beams(Queue *q, size_t job, bool *is_finished, Error *err)
{
    Generation *g = q->calls.context;
    BeamWriting *beams = g->writings[q->jobs[job].request].beams;
    TRY(beam_writing_advance(q, beams, err));
    *is_finished = beams->search.is_done;
    if (!beams->search.is_done) return beam_writing_branch(q, job, beams, err);
    beam_writing_release(beams);
    return STATUS_OK;
}

static Status advance(Queue *q, size_t job, bool *is_finished, Error *err)
{
    Generation *g = q->calls.context;
    Job *j = &q->jobs[job];
    const GenerateRequest *r = &g->requests[j->request];
    Writing *w = &g->writings[j->request];
    if (w->beams) return advance_beams(q, job, is_finished, err);
    w->tokens[w->n_prompt + w->n_written] = j->strands[0].last_token = w->next;
    w->logprobs[w->n_written++] = w->next_logprob;
    *is_finished = true;
    if (!r->ignores_eos && is_eos(&q->model->config, w->next)) {
        w->finish = FINISH_EOS;
        return STATUS_OK;
    }
    const StopTexts stops = {q->model->tokenizer, r->stops, r->n_stops};
    TRY(stops_find(&stops, w->tokens + w->n_prompt, w->n_written, &w->text_bytes, err));
    w->finish = w->text_bytes != SIZE_MAX ? FINISH_STOP : FINISH_LENGTH;
    *is_finished = w->text_bytes != SIZE_MAX || w->n_written == w->n_most;
    return STATUS_OK;
}

static void tokens_of(Queue *q, size_t job, size_t strand, int32_t *out)
{
    const Generation *g = q->calls.context;
    const Writing *w = &g->writings[q->jobs[job].request];
    if (w->beams)
        beam_writing_tokens(w->beams, strand, out);
    else
        memcpy(out, w->tokens, (w->n_prompt + w->n_written) * sizeof *out);
}

// The last token that is written need not be read again, so one more than the context has room for.
static size_t most_tokens(const ModelConfig *config, const GenerateRequest *r)
{
    const size_t room = config->max_positions - r->n_prompt + 1;
    return r->max_new_tokens > 0 ? size_min(r->max_new_tokens, room) : room;
}

static Status make_writings(const Model *model, Generation *g, size_t n, Arena *scratch,
                            Arena *arena, Job **out, Error *err)
{
    Job *jobs = NULL;
    TRY(arena_take(scratch, n, sizeof *jobs, "requests", &jobs, err));
    TRY(arena_take(scratch, n, sizeof *g->writings, "requests", &g->writings, err));
    for (size_t i = 0; i < n; i++) {
        const GenerateRequest *r = &g->requests[i];
        Writing *w = &g->writings[i];
        w->n_prompt = r->n_prompt;
        w->n_most = most_tokens(&model->config, r);
        TRY(arena_take(arena, w->n_prompt + w->n_most, sizeof *w->tokens, "tokens", &w->tokens,
                       err));
        TRY(arena_take(arena, w->n_most, sizeof *w->logprobs, "log-likelihoods", &w->logprobs,
                       err));
        memcpy(w->tokens, r->prompt, r->n_prompt * sizeof *w->tokens);
        w->text_bytes = SIZE_MAX;
        jobs[i] = (Job){.input = {.tokens = r->prompt, .n_tokens = r->n_prompt},
                        .n_reserved = r->n_prompt + w->n_most,
                        .first_read = r->n_prompt - 1};
        if (!r->beams) continue;
        TRY(arena_take(scratch, 1, sizeof *w->beams, "beams", &w->beams, err));
        TRY(beam_writing_begin(model, r, w->n_most, scratch, w->beams, err));
        jobs[i].most_strands = r->beams->n_beams;
        jobs[i].n_room = beam_writing_room(model, r, w->n_most);
    }
    *out = jobs;
    return STATUS_OK;
}

Status model_generate(Model *model, Pool *pool, const GenerateRequest *requests, size_t n,
                      const atomic_int *cancel, Arena *arena, GenerateResult *results,
                      GenerateStats *stats, Error *err)
{
    Arena scratch = {0};
    Queue queue = {0};
    Job *jobs = NULL;
    Generation g = {.requests = requests};
    const QueueCalls calls = {
        .writes = true, .read = read_next, .advance = advance, .tokens = tokens_of, .context = &g};
    for (size_t i = 0; i < n; i++) {
        if (model_check_generate(model, &requests[i], err) != STATUS_OK)
            return error_wrap(err, "request %zu", i);
    }
    Status s = make_writings(model, &g, n, &scratch, arena, &jobs, err);
    if (s == STATUS_OK) s = queue_open(model, pool, cancel, &calls, jobs, n, &queue, err);
    if (s == STATUS_OK) s = queue_run(&queue, err);
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        const Writing *w = &g.writings[i];
        if (w->beams) {
            s = beam_writing_results(w->beams, &requests[i], arena, &results[i], err);
            continue;
        }
        results[i] = (GenerateResult){.ids = w->tokens + w->n_prompt,
                                      .n_ids = w->n_written,
                                      .logprobs = w->logprobs,
                                      .finish = w->finish,
                                      .text_bytes = w->text_bytes};
    }
    if (stats) *stats = queue.stats;
    queue_close(&queue);
    for (size_t i = 0; g.writings && i < n; i++) {
        if (g.writings[i].beams) beam_writing_release(g.writings[i].beams);
    }
    arena_release(&scratch);
    return s;
}
