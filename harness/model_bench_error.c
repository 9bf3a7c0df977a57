// What lower precision costs: the same sequences through the same model in f32.
#include <math.h>

#include "base/size.h"
#include "harness/model_bench_internal.h"
#include "models/generation/generate.h"

// Logits of every token of a vocabulary are many: few sequences, and few tokens of each, then.
enum { MOST_SEQUENCES = 16, MOST_NUMBERS = 16 << 20 };

// The first sequences, cut so that their outputs stay within MOST_NUMBERS; a target a source token for encoder-decoders.
static Status choose(const ModelBenchWork *work, TokenSequence *chosen, size_t *n, Error *err)
{
    const size_t width = model_output_width(work->model);
    const ModelHead head = model_config(work->model)->head;
    *n = 0;
    for (size_t i = 0; i < size_min(work->n, MOST_SEQUENCES); i++) {
        TokenSequence input = work->inputs[i];
        const size_t most = size_max(1, MOST_NUMBERS / MOST_SEQUENCES / width);
        const bool by_token = head != HEAD_SEQUENCE && head != HEAD_EMBEDDING;
        if (by_token) input.n_tokens = size_min(input.n_tokens, most);
        if (head == HEAD_SEQ2SEQ) {
            input.target_ids = input.ids;
            input.n_targets = input.n_tokens;
        }
        chosen[(*n)++] = input;
    }
    return model_check_inputs(work->model, chosen, *n, err);
}

static Status predict(ModelBenchWork *work, Model *model, const TokenSequence *inputs, size_t n,
                      Arena *arena, float **out, size_t *n_numbers, Error *err)
{
    *n_numbers = model_output_rows(model, inputs, n) * model_output_width(model);
    TRY(arena_take(arena, *n_numbers, sizeof **out, "outputs", out, err));
    return model_predict(model, work->pool, inputs, n, work->cancel, *out, err);
}

static void measure(const float *y, const float *exact, size_t n, ModelBenchError *out)
{
    double misses = 0, sizes = 0, largest_miss = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        const double miss = fabs((double)y[i] - (double)exact[i]), size = fabs((double)exact[i]);
        misses += miss * miss;
        sizes += size * size;
        largest_miss = fmax(largest_miss, miss);
        largest = fmax(largest, size);
    }
    out->is_there = true;
    out->relative = sizes > 0 ? sqrt(misses / sizes) : misses > 0 ? INFINITY : 0;
    out->largest = largest > 0 ? largest_miss / largest : misses > 0 ? INFINITY : 0;
}

static Status compare_outputs(ModelBenchWork *work, Model *exact, Arena *arena,
                              ModelBenchError *out, Error *err)
{
    TokenSequence inputs[MOST_SEQUENCES];
    float *y = NULL, *y_exact = NULL;
    size_t n_numbers = 0;
    TRY(choose(work, inputs, &out->n_sequences, err));
    TRY(predict(work, work->model, inputs, out->n_sequences, arena, &y, &n_numbers, err));
    TRY(predict(work, exact, inputs, out->n_sequences, arena, &y_exact, &n_numbers, err));
    measure(y, y_exact, n_numbers, out);
    return STATUS_OK;
}

// The last tokens of the first sequences, behind all that comes before them.
static size_t choose_scored(const ModelBenchWork *work, LoglikRequest *requests)
{
    const size_t width = model_output_width(work->model);
    const size_t most = size_max(1, MOST_NUMBERS / MOST_SEQUENCES / width);
    size_t n = 0;
    for (size_t i = 0; i < size_min(work->n, MOST_SEQUENCES); i++) {
        const TokenSequence *input = &work->inputs[i];
        if (input->n_tokens < 2) continue;
        const size_t n_scored = size_min(most, input->n_tokens - 1);
        const size_t n_context = input->n_tokens - n_scored;
        requests[n++] = (LoglikRequest){.context = input->ids,
                                        .n_context = n_context,
                                        .continuation = input->ids + n_context,
                                        .n_continuation = n_scored};
    }
    return n;
}

// What is kept of a context shows in what is said behind it.
static Status compare_logprobs(ModelBenchWork *work, Model *exact, Arena *arena,
                               ModelBenchError *out, Error *err)
{
    LoglikRequest requests[MOST_SEQUENCES];
    LoglikResult results[MOST_SEQUENCES], wanted[MOST_SEQUENCES];
    const size_t n = choose_scored(work, requests);
    TRY(model_loglik(work->model, work->pool, requests, n, work->cancel, arena, results, NULL,
                     err));
    TRY(model_loglik(exact, work->pool, requests, n, work->cancel, arena, wanted, NULL, err));
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t t = 0; t < requests[i].n_continuation; t++) {
            const double miss = fabs(results[i].token_logprobs[t] - wanted[i].token_logprobs[t]);
            sum += miss;
            out->largest_logprob = fmax(out->largest_logprob, miss);
        }
        out->n_tokens += requests[i].n_continuation;
    }
    out->mean_logprob = out->n_tokens > 0 ? sum / (double)out->n_tokens : 0;
    return STATUS_OK;
}

Status model_bench_compare(ModelBenchWork *work, ModelBenchError *out, Error *err)
{
    Arena arena = {0};
    Model *exact = NULL;
    Status s = model_bench_open(work, COMPUTE_F32, DTYPE_F32, &exact, err);
    if (s == STATUS_OK && work->options->compute != COMPUTE_F32)
        s = compare_outputs(work, exact, &arena, out, err);
    if (s == STATUS_OK && work->options->kv != DTYPE_F32)
        s = compare_logprobs(work, exact, &arena, out, err);
    model_close(&exact);
    arena_release(&arena);
    return s;
}
