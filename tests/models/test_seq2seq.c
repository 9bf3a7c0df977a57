// Encoder-decoders against what Transformers answers (goldens of the shared folder), and laws that need no golden.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "model_support.h"
#include "tests/support/shared.h"

typedef struct Golden {
    const char *name;
    JsonDocument *json;
    Safetensors tensors;
    Model *model;
    Pool *pool;
} Golden;

static const char *const tiny_models[] = {"tiny-bart", "tiny-marian", "tiny-t5-relu",
                                          "tiny-t5-gated-gelu"};
enum { N_TINY = sizeof tiny_models / sizeof *tiny_models };

static Golden golden_open(const char *name)
{
    Golden g = {.name = name};
    Error err = {0};
    char relative[160], directory[512];
    // The paths lie in one buffer of shared_path's, so one is used before the next is made.
    snprintf(relative, sizeof relative, "goldens/models/%s/forward.json", name);
    want_ok(json_load(shared_path(relative), JSON_STRICT, &g.json, &err), &err);
    snprintf(relative, sizeof relative, "goldens/models/%s/forward.safetensors", name);
    want_ok(safetensors_open(shared_path(relative), &g.tensors, &err), &err);
    snprintf(relative, sizeof relative, "models/%s", name);
    snprintf(directory, sizeof directory, "%s", shared_path(relative));
    const ModelOptions options = {.without_tokenizer = 1};
    want_ok(model_open(directory, &options, &g.model, &err), &err);
    g.pool = open_pool(2);
    return g;
}

static void golden_close(Golden *g)
{
    json_close(&g->json);
    safetensors_close(&g->tensors);
    model_close(&g->model);
    pool_close(&g->pool);
}

static double tolerance(const Golden *g, const char *what)
{
    const Json *entry = json_get(json_get(json_root(g->json), "noise"), what);
    const Json *value = json_get(entry, "fp64_maxdiff");
    return value ? fmin(1e-4, 20 * json_double(value) + 1e-6) : 1e-4;
}

static void compare(const Golden *g, const char *what, size_t sequence, const float *ours,
                    const float *theirs, size_t n, double accepted)
{
    for (size_t e = 0; e < n; e++) {
        cr_assert(fabs((double)ours[e] - (double)theirs[e]) <= accepted,
                  "%s %s: sequence %zu, element %zu: %.9g, but Transformers has %.9g", g->name,
                  what, sequence, e, (double)ours[e], (double)theirs[e]);
    }
}

static void check_logits(const Golden *g, const char *batch_name, const GoldenBatch *batch)
{
    char what[64];
    Error err = {0};
    const size_t width = model_output_width(g->model);
    float *ours =
        calloc(model_output_rows(g->model, batch->inputs, batch->n) * width, sizeof *ours);
    want_ok(model_predict(g->model, g->pool, batch->inputs, batch->n, NULL, ours, &err), &err);
    snprintf(what, sizeof what, "%s.logits", batch_name);
    float *theirs = tensor_floats(want_tensor(&g->tensors, "%s", what));
    const float *row = ours;
    for (size_t i = 0; i < batch->n; i++) {
        const size_t n = batch->inputs[i].n_targets * width;
        compare(g, what, i, row, theirs + i * batch->target_width * width, n, tolerance(g, what));
        row += n;
    }
    free(theirs);
    free(ours);
}

// hidden: states of one stack for sequence i; tensors of the golden file are called BATCH.STACK.k.
static void check_stack(const Golden *g, const char *stack, size_t i, size_t n_states,
                        size_t n_rows, size_t width, const float *hidden)
{
    const size_t hidden_size = model_config(g->model)->hidden_size;
    for (size_t k = 0; k < n_states; k++) {
        char what[64];
        snprintf(what, sizeof what, "%s.%zu", stack, k);
        const SafeTensor *tensor = safetensors_find(&g->tensors, slice_from_cstr(what));
        if (!tensor) continue;
        float *theirs = tensor_floats(tensor);
        compare(g, what, i, hidden + k * n_rows * hidden_size, theirs + i * width * hidden_size,
                n_rows * hidden_size, 1e-4);
        free(theirs);
    }
}

static void check_hidden(const Golden *g, const char *batch_name, const GoldenBatch *batch)
{
    const ModelConfig *c = model_config(g->model);
    const size_t n_encoder = c->decoder.n_encoder_layers + 1, n_decoder = c->decoder.n_layers + 1;
    char encoder[32], decoder[32], last[64];
    snprintf(encoder, sizeof encoder, "%s.enc_hidden", batch_name);
    snprintf(decoder, sizeof decoder, "%s.dec_hidden", batch_name);
    snprintf(last, sizeof last, "%s.encoder_last_hidden_state", batch_name);
    float *theirs = tensor_floats(want_tensor(&g->tensors, "%s", last));
    for (size_t i = 0; i < batch->n; i++) {
        Error err = {0};
        const TokenSequence *input = &batch->inputs[i];
        const size_t n_source = n_encoder * input->n_tokens * c->hidden_size;
        float *hidden =
            calloc(n_source + n_decoder * input->n_targets * c->hidden_size, sizeof *hidden);
        want_ok(model_hidden_states(g->model, input, hidden, &err), &err);
        check_stack(g, encoder, i, n_encoder, input->n_tokens, batch->width, hidden);
        check_stack(g, decoder, i, n_decoder, input->n_targets, batch->target_width,
                    hidden + n_source);
        compare(g, last, i, hidden + (n_encoder - 1) * input->n_tokens * c->hidden_size,
                theirs + i * batch->width * c->hidden_size, input->n_tokens * c->hidden_size,
                tolerance(g, last));
        free(hidden);
    }
    free(theirs);
}

Test(seq2seq, gives_the_logits_and_hidden_states_of_transformers)
{
    static const char *const batches[] = {"b0", "b1", "b2"};
    if (!shared_path("goldens/models")) cr_skip_test("goldens/models of the shared folder absent");
    for (size_t m = 0; m < N_TINY; m++) {
        Golden g = golden_open(tiny_models[m]);
        for (size_t b = 0; b < 3; b++) {
            GoldenBatch batch = golden_batch(&g.tensors, batches[b]);
            check_logits(&g, batches[b], &batch);
            check_hidden(&g, batches[b], &batch);
            golden_batch_release(&batch);
        }
        golden_close(&g);
    }
}
