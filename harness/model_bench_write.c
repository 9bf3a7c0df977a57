// Timing of models that write: causal ones and encoder-decoders.
#include "base/clock.h"
#include "base/size.h"
#include "harness/model_bench_internal.h"
#include "models/generation/generate.h"
#include "models/generation/search.h"

// Nothing ends a text before it has n_new tokens. The time that prompts took is added to round.
static Status generate(ModelBenchWork *work, size_t begin, size_t n, size_t n_new, Arena *arena,
                       ModelBenchRound *round, Error *err)
{
    GenerateRequest *requests = NULL;
    GenerateResult *results = NULL;
    GenerateStats stats = {0};
    TRY(arena_take(arena, n, sizeof *requests, "requests", &requests, err));
    TRY(arena_take(arena, n, sizeof *results, "requests", &results, err));
    for (size_t i = 0; i < n; i++) {
        const TokenSequence *input = &work->inputs[begin + i];
        requests[i] = (GenerateRequest){.prompt = input->ids,
                                        .n_prompt = input->n_tokens,
                                        .max_new_tokens = n_new,
                                        .ignores_eos = true};
    }
    TRY(model_generate(work->model, work->pool, requests, n, work->cancel, arena, results, &stats,
                       err));
    round->prompt_wall_ns += stats.prompt_wall_ns;
    round->prompt_cpu_ns += stats.prompt_cpu_ns;
    return STATUS_OK;
}

static Status search(ModelBenchWork *work, size_t begin, size_t n, size_t n_new, Arena *arena,
                     Error *err)
{
    SearchRequest *requests = NULL;
    SearchResult **results = NULL;
    size_t *n_found = NULL;
    BeamOptions options;
    TRY(arena_take(arena, n, sizeof *requests, "requests", &requests, err));
    TRY(arena_take(arena, n, sizeof *results, "requests", &results, err));
    TRY(arena_take(arena, n, sizeof *n_found, "requests", &n_found, err));
    TRY(search_defaults(work->model, arena, &options, err));
    options.n_beams = size_max(work->options->n_beams, 1);
    options.min_new_tokens = options.max_new_tokens = n_new;
    options.forced_last = -1; // a text of one token would be it
    for (size_t i = 0; i < n; i++)
        requests[i] =
            (SearchRequest){.source = work->inputs[begin + i], .options = options, .n_results = 1};
    return model_search(work->model, work->pool, requests, n, work->cancel, arena, results, n_found,
                        err);
}

static Status write_all(ModelBenchWork *work, size_t n_new, ModelBenchRound *round, Error *err)
{
    const size_t batch = work->options->batch_size > 0 ? work->options->batch_size : work->n;
    const bool is_search = model_config(work->model)->head == HEAD_SEQ2SEQ;
    for (size_t i = 0; i < work->n; i += batch) {
        Arena arena = {0};
        const size_t n = size_min(batch, work->n - i);
        const Status s = is_search ? search(work, i, n, n_new, &arena, err)
                                   : generate(work, i, n, n_new, &arena, round, err);
        arena_release(&arena);
        if (s != STATUS_OK) return s;
    }
    return STATUS_OK;
}

// An encoder-decoder's sources are told from what is written by a call that writes one token.
static Status time_sources(ModelBenchWork *work, ModelBenchRound *round, Error *err)
{
    const int64_t wall = clock_now_ns(), cpu = clock_process_cpu_ns();
    TRY(write_all(work, 1, round, err));
    round->prompt_wall_ns = clock_now_ns() - wall;
    round->prompt_cpu_ns = clock_process_cpu_ns() - cpu;
    return STATUS_OK;
}

Status model_bench_write(ModelBenchWork *work, ModelBenchRound *round, Error *err)
{
    *round = (ModelBenchRound){0};
    if (model_config(work->model)->head == HEAD_SEQ2SEQ) TRY(time_sources(work, round, err));
    const int64_t wall = clock_now_ns(), cpu = clock_process_cpu_ns();
    TRY(write_all(work, work->options->n_new_tokens, round, err));
    round->wall_ns = clock_now_ns() - wall;
    round->cpu_ns = clock_process_cpu_ns() - cpu;
    return STATUS_OK;
}

// Memory is touched, and rows of operations are chosen: prompts need not be long for that.
Status model_bench_warm_up(ModelBenchWork *work, Error *err)
{
    enum { MOST_TOKENS = 256, MOST_NEW = 4 };
    ModelBenchRound round;
    ModelBenchOptions fewer = *work->options;
    const ModelBenchOptions *wanted = work->options;
    TokenSequence *whole = work->inputs;
    TRY(arena_take(work->arena, work->n, sizeof *work->inputs, "inputs", &work->inputs, err));
    for (size_t i = 0; i < work->n; i++) {
        work->inputs[i] = whole[i];
        work->inputs[i].n_tokens = size_min(whole[i].n_tokens, MOST_TOKENS);
    }
    fewer.n_new_tokens = size_min(fewer.n_new_tokens, MOST_NEW);
    work->options = &fewer;
    const Status s = model_bench_write(work, &round, err);
    work->options = wanted;
    work->inputs = whole;
    return s;
}
