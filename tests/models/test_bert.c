// The forward pass against what Transformers answers (goldens of the shared folder), and laws that need no golden.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "tests/models/forward_golden.h"
#include "tests/models/model_support.h"
#include "tests/support/shared.h"

static float *predict(const ForwardGolden *g, const GoldenBatch *batch)
{
    Error err = {0};
    const size_t n =
        model_output_rows(g->model, batch->inputs, batch->n) * model_output_width(g->model);
    float *logits = calloc(n, sizeof *logits);
    want_ok(model_predict(g->model, g->pool, batch->inputs, batch->n, NULL, logits, &err), &err);
    return logits;
}

// ours: one row a sequence (by_sequence) or a token, without padding; theirs: [n, width] rows of `cols`, padded.
static void compare(const char *model, const char *what, const GoldenBatch *batch,
                    const float *ours, size_t stride, const float *theirs, size_t cols,
                    bool by_sequence, double accepted)
{
    size_t row = 0;
    for (size_t i = 0; i < batch->n; i++) {
        const size_t count = by_sequence ? 1 : batch->inputs[i].n_tokens;
        for (size_t t = 0; t < count; t++, row++) {
            for (size_t j = 0; j < cols; j++) {
                const double x = (double)ours[row * stride + j];
                const double y =
                    (double)theirs[(by_sequence ? i : i * batch->width + t) * cols + j];
                cr_assert(
                    fabs(x - y) <= accepted,
                    "%s %s: sequence %zu, token %zu, column %zu: %.9g, but Transformers has %.9g",
                    model, what, i, t, j, x, y);
            }
        }
    }
}

static void check_hidden(const ForwardGolden *g, const char *model, const char *batch_name,
                         const GoldenBatch *batch)
{
    const ModelConfig *c = model_config(g->model);
    for (size_t i = 0; i < batch->n; i++) {
        Error err = {0};
        const size_t n = batch->inputs[i].n_tokens * c->hidden_size;
        float *hidden = calloc((c->n_layers + 1) * n, sizeof *hidden);
        want_ok(model_hidden_states(g->model, &batch->inputs[i], hidden, &err), &err);
        for (size_t k = 0; k <= c->n_layers; k++) {
            char name[64];
            snprintf(name, sizeof name, "%s.hidden.%zu", batch_name, k);
            const SafeTensor *tensor = safetensors_find(&g->tensors, slice_from_cstr(name));
            if (!tensor) continue;
            float *theirs = tensor_floats(tensor);
            for (size_t e = 0; e < n; e++) {
                const double x = (double)hidden[k * n + e],
                             y = (double)theirs[i * batch->width * c->hidden_size + e];
                cr_assert(fabs(x - y) <= 1e-4,
                          "%s %s: sequence %zu, element %zu: %.9g, but Transformers has %.9g",
                          model, name, i, e, x, y);
            }
            free(theirs);
        }
        free(hidden);
    }
}

static void check_logits(const ForwardGolden *g, const char *model, const char *batch_name,
                         const GoldenBatch *batch)
{
    char what[64];
    float *ours = predict(g, batch);
    const size_t width = model_output_width(g->model);
    if (model_config(g->model)->head == HEAD_SPAN) {
        static const char *const sides[] = {"start_logits", "end_logits"};
        for (size_t k = 0; k < 2; k++) {
            snprintf(what, sizeof what, "%s.%s", batch_name, sides[k]);
            float *theirs = tensor_floats(want_tensor(&g->tensors, "%s", what));
            compare(model, what, batch, ours + k, width, theirs, 1, false,
                    forward_tolerance(g, what));
            free(theirs);
        }
    } else {
        snprintf(what, sizeof what, "%s.logits", batch_name);
        float *theirs = tensor_floats(want_tensor(&g->tensors, "%s", what));
        compare(model, what, batch, ours, width, theirs, width,
                model_config(g->model)->head == HEAD_SEQUENCE, forward_tolerance(g, what));
        free(theirs);
    }
    free(ours);
}

Test(bert, gives_the_logits_and_hidden_states_of_transformers)
{
    static const char *const models[] = {"tiny-bert-seqcls",       "tiny-bert-tokcls",
                                         "tiny-bert-qa",           "tiny-bert-mlm",
                                         "tiny-roberta-seqcls",    "tiny-roberta-mlm",
                                         "tiny-distilbert-seqcls", "tiny-modernbert-seqcls"};
    static const char *const batches[] = {"b0", "b1", "b2"};
    shared_need("goldens/models");
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        char directory[512], relative[160];
        snprintf(relative, sizeof relative, "models/%s", models[m]);
        snprintf(directory, sizeof directory, "%s", shared_path(relative));
        ForwardGolden g = forward_golden_open(models[m], directory);
        for (size_t b = 0; b < 3; b++) {
            GoldenBatch batch = golden_batch(&g.tensors, batches[b]);
            check_logits(&g, models[m], batches[b], &batch);
            check_hidden(&g, models[m], batches[b], &batch);
            golden_batch_release(&batch);
        }
        forward_golden_close(&g);
    }
}

Test(bert, gives_the_embeddings_of_minilm)
{
    shared_need("goldens/models");
    if (!minilm_directory())
        cr_skip_test("shared weights of MiniLM absent: ASSAY_MINILM names no folder");
    static const char *const batches[] = {"b0", "b1", "b2"};
    ForwardGolden g = forward_golden_open("all-MiniLM-L6-v2", minilm_directory());
    cr_assert(model_wants_normalized(g.model), "modules.json asks for normalised embeddings");
    for (size_t b = 0; b < 3; b++) {
        GoldenBatch batch = golden_batch(&g.tensors, batches[b]);
        float *ours = predict(&g, &batch);
        const size_t width = model_output_width(g.model);
        model_normalize_rows(ours, batch.n, width);
        float *theirs = tensor_floats(want_tensor(&g.tensors, "%s.sentence_embedding", batches[b]));
        compare("MiniLM", "sentence_embedding", &batch, ours, width, theirs, width, true, 2e-6);
        check_hidden(&g, "MiniLM", batches[b], &batch);
        free(theirs);
        free(ours);
        golden_batch_release(&batch);
    }
    forward_golden_close(&g);
}
