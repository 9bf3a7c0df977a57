// Timing of models that write: causal ones and encoder-decoders.
#include "base/clock.h"
#include "base/size.h"
#include "harness/model_bench_internal.h"
#include "models/generation/generate.h"
#include "models/generation/search.h"

// One token, or all of them; nothing ends a text before.
static Status generate(ModelBenchWork *work, size_t begin, size_t n, size_t n_new, Arena *arena,
                       Error *err)
{
    GenerateRequest *requests = NULL;
    GenerateResult *results = NULL;
    TRY(arena_take(arena, n, sizeof *requests, "requests", &requests, err));
    TRY(arena_take(arena, n, sizeof *results, "requests", &results, err));
    for (size_t i = 0; i < n; i++) {
        const TokenSequence *input = &work->inputs[begin + i];
        requests[i] = (GenerateRequest){.prompt = input->ids,
                                        .n_prompt = input->n_tokens,
                                        .max_new_tokens = n_new,
                                        .ignores_eos = true};
    }
    return model_generate(work->model, work->pool, requests, n, work->cancel, arena, results, NULL,
                          err);
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

static Status write_all(ModelBenchWork *work, size_t n_new, Error *err)
{
    const size_t batch = work->options->batch_size > 0 ? work->options->batch_size : work->n;
    const bool is_search = model_config(work->model)->head == HEAD_SEQ2SEQ;
    for (size_t i = 0; i < work->n; i += batch) {
        Arena arena = {0};
        const size_t n = size_min(batch, work->n - i);
        const Status s = is_search ? search(work, i, n, n_new, &arena, err)
                                   : generate(work, i, n, n_new, &arena, err);
        arena_release(&arena);
        if (s != STATUS_OK) return s;
    }
    return STATUS_OK;
}

Status model_bench_write(ModelBenchWork *work, ModelBenchRound *round, Error *err)
{
    int64_t wall = clock_now_ns(), cpu = clock_process_cpu_ns();
    TRY(write_all(work, 1, err));
    round->prompt_wall_ns = clock_now_ns() - wall;
    round->prompt_cpu_ns = clock_process_cpu_ns() - cpu;
    wall = clock_now_ns();
    cpu = clock_process_cpu_ns();
    TRY(write_all(work, work->options->n_new_tokens, err));
    round->wall_ns = clock_now_ns() - wall;
    round->cpu_ns = clock_process_cpu_ns() - cpu;
    return STATUS_OK;
}
