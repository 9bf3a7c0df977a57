// Log-probabilities of masked tokens: texts asked about token by token.
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "models/model_internal.h"

// Logits held at once: at most this many numbers, but for a single row.
enum { CHUNK_FLOATS = 1 << 22, CHUNK_FLOATS_OF_ALL = 1 << 24 };

static double log_softmax_at(const float *logits, size_t n, size_t index)
{
    double highest = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) {
        if ((double)logits[i] > highest) highest = (double)logits[i];
    }
    for (size_t i = 0; i < n; i++) sum += exp((double)logits[i] - highest);
    return (double)logits[index] - highest - log(sum);
}

// A copy of the input with its token masked.
static Status mask_token(Arena *arena, const TokenSequence *input, size_t position, int32_t mask_id,
                         TokenSequence *out, Error *err)
{
    int32_t *ids = NULL;
    if (position >= input->n_tokens) {
        return error_set(err, STATUS_INVALID, "token %zu is asked about, but there are %zu",
                         position, input->n_tokens);
    }
    TRY(arena_take(arena, input->n_tokens, sizeof *ids, "a masked text", &ids, err));
    memcpy(ids, input->ids, input->n_tokens * sizeof *ids);
    ids[position] = mask_id;
    *out = *input;
    out->ids = ids;
    out->chosen = position;
    return STATUS_OK;
}

static Status chunk_logprobs(Model *model, Pool *pool, const TokenSequence *const *inputs,
                             const size_t *positions, size_t n, int32_t mask_id,
                             const atomic_int *cancel, float *logits, double *logprobs, Error *err)
{
    Arena arena = {0};
    TokenSequence *masked = NULL;
    const size_t width = model_output_width(model);
    Status s = arena_take(&arena, n, sizeof *masked, "masked texts", &masked, err);
    for (size_t i = 0; s == STATUS_OK && i < n; i++)
        s = mask_token(&arena, inputs[i], positions[i], mask_id, &masked[i], err);
    if (s == STATUS_OK) s = model_predict(model, pool, masked, n, cancel, logits, err);
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        const int32_t id = inputs[i]->ids[positions[i]];
        const bool is_one = model->config.one_token;
        const float *row = logits + (is_one ? 0 : positions[i]) * width;
        if (id < 0 || (size_t)id >= width)
            s = error_set(err, STATUS_INVALID, "id %d is outside 0..%zu", id, width - 1);
        else
            logprobs[i] = log_softmax_at(row, width, (size_t)id);
        logits += (is_one ? 1 : inputs[i]->n_tokens) * width;
    }
    arena_release(&arena);
    return s;
}

Status model_masked_logprobs(Model *model, Pool *pool, const TokenSequence *const *inputs,
                             const size_t *positions, size_t n, int32_t mask_id,
                             const atomic_int *cancel, double *logprobs, Error *err)
{
    if (model->config.head != HEAD_MASKED_LM) {
        return error_set(err, STATUS_INVALID,
                         "tokens are masked one by one with a masked LM; this model's head is %s",
                         model_head_name(model->config.head));
    }
    const size_t width = model_output_width(model);
    size_t rows = 1; // of a text; all of them where the model was opened to be tuned
    for (size_t i = 0; !model->config.one_token && i < n; i++)
        rows = size_max(rows, inputs[i]->n_tokens);
    const size_t chunk = rows > 1 ? CHUNK_FLOATS_OF_ALL : CHUNK_FLOATS;
    const size_t at_once = size_min(size_max(chunk / width / rows, 1), size_max(n, 1));
    float *logits = malloc(at_once * rows * width * sizeof *logits);
    if (!logits) return error_set_memory(err, at_once * rows * width, sizeof *logits, "logits");
    Status s = STATUS_OK;
    for (size_t begin = 0; s == STATUS_OK && begin < n; begin += at_once) {
        s = chunk_logprobs(model, pool, inputs + begin, positions + begin,
                           size_min(at_once, n - begin), mask_id, cancel, logits, logprobs + begin,
                           err);
    }
    free(logits);
    return s;
}
