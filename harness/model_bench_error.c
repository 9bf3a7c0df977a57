// What lower precision costs: the same sequences through the same model in f32.
#include <math.h>

#include "base/size.h"
#include "harness/model_bench_internal.h"

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

Status model_bench_compare(ModelBenchWork *work, ModelBenchError *out, Error *err)
{
    Arena arena = {0};
    Model *exact = NULL;
    TokenSequence inputs[MOST_SEQUENCES];
    float *y = NULL, *y_exact = NULL;
    size_t n_numbers = 0;
    Status s = choose(work, inputs, &out->n_sequences, err);
    if (s == STATUS_OK)
        s = predict(work, work->model, inputs, out->n_sequences, &arena, &y, &n_numbers, err);
    if (s == STATUS_OK) s = model_bench_open(work, COMPUTE_F32, &exact, err);
    if (s == STATUS_OK)
        s = predict(work, exact, inputs, out->n_sequences, &arena, &y_exact, &n_numbers, err);
    if (s == STATUS_OK) measure(y, y_exact, n_numbers, out);
    model_close(&exact);
    arena_release(&arena);
    return s;
}
