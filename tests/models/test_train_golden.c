// Tuning against what PyTorch does at equal settings (goldens of the shared folder): losses, gradients, ten steps.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "model_support.h"
#include "tests/support/shared.h"

enum { N_STEPS = 10, N_BATCHES = 3 };

typedef struct Golden {
    const char *name;
    JsonDocument *json;
    Safetensors tensors;
    GoldenBatch batches[N_BATCHES];
    int32_t *labels[N_BATCHES];
    TrainExample *examples; // of every step, step after step
    size_t starts[N_STEPS + 1];
    int32_t *spans; // labels of a span head, pair by pair
} Golden;

// The labels of sequence i of a batch, as the model's head wants them.
static const int32_t *labels_of(const Golden *g, ModelHead head, size_t batch, size_t i)
{
    if (head == HEAD_SEQUENCE) return g->labels[batch] + i;
    if (head == HEAD_SEQ2SEQ) return g->labels[batch] + i * g->batches[batch].target_width;
    return g->labels[batch] + i * (head == HEAD_SPAN ? 2 : g->batches[batch].width);
}

static int32_t *read_labels(const Safetensors *file, ModelHead head, size_t b, size_t n)
{
    if (head != HEAD_SPAN) return tensor_ints(want_tensor(file, "batch%zu.labels", b));
    int32_t *starts = tensor_ints(want_tensor(file, "batch%zu.start_positions", b));
    int32_t *ends = tensor_ints(want_tensor(file, "batch%zu.end_positions", b));
    int32_t *pairs = calloc(2 * n, sizeof *pairs);
    for (size_t i = 0; i < n; i++) {
        pairs[2 * i] = starts[i];
        pairs[2 * i + 1] = ends[i];
    }
    free(starts);
    free(ends);
    return pairs;
}

// The decoder's tokens: the labels of each sequence, shifted right by the model.
static void read_targets(Golden *g, const Model *model)
{
    for (size_t b = 0; b < N_BATCHES; b++) {
        GoldenBatch *batch = &g->batches[b];
        const size_t width = want_tensor(&g->tensors, "batch%zu.labels", b)->shape[1];
        batch->target_width = width;
        batch->target_ids = calloc(batch->n * width, sizeof *batch->target_ids);
        for (size_t i = 0; i < batch->n; i++) {
            Error err = {0};
            int32_t *ids = batch->target_ids + i * width;
            want_ok(model_shift_right(model, g->labels[b] + i * width, width, ids, &err), &err);
            batch->inputs[i].target_ids = ids;
            batch->inputs[i].n_targets = width;
        }
    }
}

static Golden golden_open(const char *name, const Model *model, ModelHead head)
{
    Golden g = {.name = name};
    Error err = {0};
    char relative[160];
    size_t n = 0;
    snprintf(relative, sizeof relative, "goldens/models/%s/train.json", name);
    want_ok(json_load(shared_path(relative), JSON_STRICT, &g.json, &err), &err);
    snprintf(relative, sizeof relative, "goldens/models/%s/train.safetensors", name);
    want_ok(safetensors_open(shared_path(relative), &g.tensors, &err), &err);
    for (size_t b = 0; b < N_BATCHES; b++) {
        char batch[16];
        snprintf(batch, sizeof batch, "batch%zu", b);
        g.batches[b] = golden_batch(&g.tensors, batch);
        g.labels[b] = read_labels(&g.tensors, head, b, g.batches[b].n);
        n += g.batches[b].n;
    }
    if (head == HEAD_SEQ2SEQ) read_targets(&g, model);
    g.examples = calloc(n * N_STEPS, sizeof *g.examples);
    n = 0;
    for (size_t s = 0; s < N_STEPS; s++) {
        const GoldenBatch *batch = &g.batches[s % N_BATCHES];
        g.starts[s] = n;
        for (size_t i = 0; i < batch->n; i++) {
            g.examples[n++] = (TrainExample){.input = batch->inputs[i],
                                             .labels = labels_of(&g, head, s % N_BATCHES, i)};
        }
    }
    g.starts[N_STEPS] = n;
    return g;
}

static void golden_close(Golden *g)
{
    for (size_t b = 0; b < N_BATCHES; b++) {
        golden_batch_release(&g->batches[b]);
        free(g->labels[b]);
    }
    free(g->examples);
    json_close(&g->json);
    safetensors_close(&g->tensors);
}

// As train.json says of its optimiser.
static TrainOptions golden_options(const char *freeze)
{
    return (TrainOptions){.learning_rate = 5e-4,
                          .weight_decay = 0.01,
                          .schedule = SCHEDULE_COSINE,
                          .warmup_steps = 3,
                          .clip_norm = 1.0,
                          .dropout = 0,
                          .freeze = slice_from_cstr(freeze)};
}

typedef struct Recorded {
    TrainStep steps[N_STEPS];
    size_t n;
} Recorded;

static void record(void *context, const TrainStep *step)
{
    Recorded *recorded = context;
    recorded->steps[recorded->n++] = *step;
}

static void check_steps(const Golden *g, const Json *regime, const char *name, const Recorded *ours)
{
    const Json *losses = json_get(regime, "losses"), *norms = json_get(regime, "grad_norms"),
               *lrs = json_get(regime, "lrs");
    cr_assert(ours->n == N_STEPS);
    for (size_t s = 0; s < N_STEPS; s++) {
        const double loss = json_double(json_at(losses, s)), norm = json_double(json_at(norms, s)),
                     lr = json_double(json_at(lrs, s));
        cr_assert(fabs(ours->steps[s].learning_rate - lr) <= 1e-12, "%s %s: rate of step %zu",
                  g->name, name, s);
        cr_assert(fabs(ours->steps[s].loss - loss) <= 2e-5,
                  "%s %s: loss of step %zu is %.9g, but PyTorch's %.9g", g->name, name, s,
                  ours->steps[s].loss, loss);
        // After the first step the weights differ by rounding, so the norm may by a little more.
        cr_assert(fabs(ours->steps[s].grad_norm - norm) <= (s == 0 ? 1e-5 : 2e-5) * norm,
                  "%s %s: gradient norm of step %zu is %.9g, but PyTorch's %.9g", g->name, name, s,
                  ours->steps[s].grad_norm, norm);
    }
}

// Tensors whose true gradient is zero move by noise (README of the goldens).
static bool moves_by_noise(Slice tensor, ModelHead head, size_t element, size_t n_elements)
{
    if (slice_ends_with(tensor, SLICE("attention.self.key.bias")) ||
        slice_ends_with(tensor, SLICE("attn.k_proj.bias")) ||
        slice_ends_with(tensor, SLICE("attention.k_lin.bias")))
        return true;
    if (slice_ends_with(tensor, SLICE("attn.c_attn.bias"))) // queries, keys and values
        return element / (n_elements / 3) == 1;
    return head == HEAD_SPAN && (slice_eq_cstr(tensor, "qa_outputs.bias") ||
                                 slice_ends_with(tensor, SLICE("layer.1.output.LayerNorm.bias")));
}

// An adapter's tensors after ten steps are seen merged: W + 2 B A.
static void check_merged(const Golden *g, const Json *regime, const Model *before,
                         const Model *after)
{
    enum { RANK = 4 };
    size_t n_checked = 0;
    for (const Json *t = json_first(json_get(regime, "tensors")); t; t = json_next(t)) {
        char name[256];
        Error err = {0};
        Slice module = json_key(t);
        if (!slice_ends_with(module, SLICE(".lora_A"))) continue;
        module.len -= strlen(".lora_A");
        float *a = tensor_floats(
                  want_tensor(&g->tensors, "lora.after." SLICE_FMT ".lora_A", SLICE_ARG(module))),
              *b = tensor_floats(
                  want_tensor(&g->tensors, "lora.after." SLICE_FMT ".lora_B", SLICE_ARG(module)));
        size_t rows = 0, cols = 0;
        snprintf(name, sizeof name, SLICE_FMT ".weight", SLICE_ARG(module));
        const Slice weight = slice_from_cstr(name);
        want_ok(model_tensor_shape(after, weight, &rows, &cols, &err), &err);
        float *ours = calloc(rows * cols, sizeof *ours), *base = calloc(rows * cols, sizeof *base);
        want_ok(model_tensor_read(after, weight, ours, &err), &err);
        want_ok(model_tensor_read(before, weight, base, &err), &err);
        // GPT-2 keeps its weights with the inputs first.
        const bool is_input_first = slice_ends_with(module, SLICE("c_attn"));
        for (size_t i = 0; i < rows * cols; i++) {
            const size_t n_in = is_input_first ? rows : cols;
            const size_t out = is_input_first ? i % cols : i / cols,
                         in = is_input_first ? i / cols : i % cols;
            double wanted = (double)base[i];
            for (size_t k = 0; k < RANK; k++)
                wanted += 2.0 * (double)b[out * RANK + k] * (double)a[k * n_in + in];
            // Five millionths of each of A and B, whose numbers are below 1 here, on RANK products.
            cr_assert(fabs((double)ours[i] - wanted) <= 2e-5,
                      "%s lora: element %zu of %s is %.9g, but PyTorch's %.9g", g->name, i, name,
                      (double)ours[i], wanted);
        }
        n_checked++;
        free(a);
        free(b);
        free(ours);
        free(base);
    }
    cr_assert(n_checked > 0, "%s lora: nothing to compare", g->name);
}

static void check_gradients(const Golden *g, const Json *regime, const char *name, Model *model,
                            Pool *pool, const TrainOptions *options)
{
    for (const Json *t = json_first(json_get(regime, "tensors")); t; t = json_next(t)) {
        char wanted[256];
        Error err = {0};
        const Slice tensor = json_key(t);
        if (slice_find(tensor, SLICE(".lora_")) != SIZE_MAX) continue;
        snprintf(wanted, sizeof wanted, "%s.grad." SLICE_FMT, name, SLICE_ARG(tensor));
        const SafeTensor *theirs_tensor = safetensors_find(&g->tensors, slice_from_cstr(wanted));
        if (!theirs_tensor) continue;
        float *theirs = tensor_floats(theirs_tensor),
              *ours = calloc(theirs_tensor->n_elements, sizeof *ours);
        double norm = 0;
        want_ok(model_gradient(model, pool, g->examples, g->starts[1], options, tensor, ours, &norm,
                               &err),
                &err);
        const double absmax = json_double(json_get(t, "grad_absmax"));
        // Where the true gradient is zero, theirs and ours are rounding only.
        for (size_t i = 0; i < theirs_tensor->n_elements; i++) {
            const bool is_zero =
                moves_by_noise(tensor, model_config(model)->head, i, theirs_tensor->n_elements);
            const double accepted = is_zero ? 1e-7 : 5e-5 * absmax + 1e-8;
            cr_assert(fabs((double)ours[i] - (double)theirs[i]) <= accepted,
                      "%s %s: element %zu is %.9g, but PyTorch's %.9g (accepted %.3g)", g->name,
                      wanted, i, (double)ours[i], (double)theirs[i], accepted);
        }
        free(theirs);
        free(ours);
    }
}

static void check_after(const Golden *g, const Json *regime, const char *name, const Model *model)
{
    size_t n_checked = 0;
    for (const Json *t = json_first(json_get(regime, "tensors")); t; t = json_next(t)) {
        char wanted[256];
        Error err = {0};
        const Slice tensor = json_key(t);
        if (slice_find(tensor, SLICE(".lora_")) != SIZE_MAX) continue;
        snprintf(wanted, sizeof wanted, "%s.after." SLICE_FMT, name, SLICE_ARG(tensor));
        const SafeTensor *theirs_tensor = safetensors_find(&g->tensors, slice_from_cstr(wanted));
        if (!theirs_tensor) continue;
        float *theirs = tensor_floats(theirs_tensor),
              *ours = calloc(theirs_tensor->n_elements, sizeof *ours);
        want_ok(model_tensor_read(model, tensor, ours, &err), &err);
        const double noise = json_double(json_get(t, "after_fp64_maxdiff"));
        for (size_t i = 0; i < theirs_tensor->n_elements; i++) {
            double accepted = noise > 1e-6 ? 3 * noise : 5e-6;
            if (moves_by_noise(tensor, model_config(model)->head, i, theirs_tensor->n_elements))
                accepted = 3e-3;
            cr_assert(fabs((double)ours[i] - (double)theirs[i]) <= accepted,
                      "%s %s: element %zu is %.9g, but PyTorch's %.9g (accepted %.3g)", g->name,
                      wanted, i, (double)ours[i], (double)theirs[i], accepted);
        }
        n_checked++;
        free(theirs);
        free(ours);
    }
    cr_assert(n_checked > 2 || slice_eq_cstr(slice_from_cstr(name), "lora"),
              "%s %s: only %zu tensors to compare", g->name, name, n_checked);
}

static void check_regime(const Golden *g, const char *name, const char *freeze,
                         const LoraOptions *lora, Model *model, Pool *pool)
{
    Error err = {0};
    Recorded recorded = {0};
    TrainResult result;
    TrainOptions options = golden_options(freeze);
    options.lora = lora;
    const Json *regime = json_get(json_get(json_root(g->json), "regimes"), name);
    cr_assert(regime != NULL);
    check_gradients(g, regime, name, model, pool, &options);
    options.on_step = record;
    options.context = &recorded;
    want_ok(
        model_train_batches(model, pool, g->examples, g->starts, N_STEPS, &options, &result, &err),
        &err);
    check_steps(g, regime, name, &recorded);
    check_after(g, regime, name, model);
    double loss = 0;
    want_ok(model_loss(model, pool, g->examples, g->starts[1], &options, &loss, &err), &err);
    const double wanted = json_double(json_get(regime, "final_loss_batch0"));
    cr_assert(fabs(loss - wanted) <= 2e-5,
              "%s %s: the loss after ten steps is %.9g, but PyTorch's %.9g", g->name, name, loss,
              wanted);
}

static const struct {
    const char *name;
    ModelHead head;
} models[] = {{"tiny-bert-seqcls", HEAD_SEQUENCE},
              {"tiny-bert-tokcls", HEAD_TOKEN},
              {"tiny-bert-qa", HEAD_SPAN},
              {"tiny-bert-mlm", HEAD_MASKED_LM},
              {"tiny-gpt2", HEAD_CAUSAL_LM},
              {"tiny-gpt2-fp16", HEAD_CAUSAL_LM},
              {"tiny-llama2", HEAD_CAUSAL_LM},
              {"tiny-llama3", HEAD_CAUSAL_LM},
              {"tiny-llama-linear-bf16", HEAD_CAUSAL_LM},
              {"tiny-mistral", HEAD_CAUSAL_LM},
              {"tiny-qwen2", HEAD_CAUSAL_LM},
              {"tiny-qwen3", HEAD_CAUSAL_LM},
              {"tiny-gemma2", HEAD_CAUSAL_LM},
              {"tiny-gemma3", HEAD_CAUSAL_LM},
              {"tiny-phi3", HEAD_CAUSAL_LM},
              {"stories260K", HEAD_CAUSAL_LM},
              {"tiny-roberta-seqcls", HEAD_SEQUENCE},
              {"tiny-roberta-mlm", HEAD_MASKED_LM},
              {"tiny-distilbert-seqcls", HEAD_SEQUENCE},
              {"tiny-modernbert-seqcls", HEAD_SEQUENCE},
              {"tiny-bart", HEAD_SEQ2SEQ},
              {"tiny-marian", HEAD_SEQ2SEQ},
              {"tiny-t5-relu", HEAD_SEQ2SEQ},
              {"tiny-t5-gated-gelu", HEAD_SEQ2SEQ}};

static const ModelOptions without_tokenizer = {.without_tokenizer = 1};

Test(train_golden, tunes_as_pytorch_does)
{
    shared_need("goldens/models");
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        static const char *const regimes[][2] = {{"full", ""}, {"frozen", "embeddings,0"}};
        // The golden files of T5 froze "layer.0" of every block too.
        const bool is_t5 = slice_starts_with(slice_from_cstr(models[m].name), SLICE("tiny-t5"));
        for (size_t r = 0; r < 2; r++) {
            char directory[512], relative[160];
            Error err = {0};
            Pool *pool = NULL;
            Model *model = NULL;
            snprintf(relative, sizeof relative, "models/%s", models[m].name);
            snprintf(directory, sizeof directory, "%s", shared_path(relative));
            want_ok(pool_open(2, &pool, &err), &err);
            want_ok(model_open(directory, &without_tokenizer, &model, &err), &err);
            Golden g = golden_open(models[m].name, model, models[m].head);
            check_regime(&g, regimes[r][0],
                         is_t5 && r == 1 ? "embeddings,0,name:*.layer.0.*" : regimes[r][1], NULL,
                         model, pool);
            model_close(&model);
            pool_close(&pool);
            golden_close(&g);
        }
    }
}

Test(train_golden, tunes_adapters_as_pytorch_does)
{
    shared_need("goldens/models");
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        char directory[512], init[512], relative[160];
        Error err = {0};
        Pool *pool = NULL;
        Model *model = NULL, *before = NULL;
        snprintf(relative, sizeof relative, "models/%s", models[m].name);
        snprintf(directory, sizeof directory, "%s", shared_path(relative));
        snprintf(relative, sizeof relative, "goldens/models/%s/train.safetensors", models[m].name);
        snprintf(init, sizeof init, "%s", shared_path(relative));
        const LoraOptions lora = {.rank = 4, .alpha = 8, .init = init};
        want_ok(pool_open(2, &pool, &err), &err);
        want_ok(model_open(directory, &without_tokenizer, &model, &err), &err);
        want_ok(model_open(directory, &without_tokenizer, &before, &err), &err);
        Golden g = golden_open(models[m].name, model, models[m].head);
        check_regime(&g, "lora", "", &lora, model, pool);
        check_merged(&g, json_get(json_get(json_root(g.json), "regimes"), "lora"), before, model);
        model_close(&model);
        model_close(&before);
        pool_close(&pool);
        golden_close(&g);
    }
}

Test(train_golden, tunes_minilm_as_pytorch_does)
{
    shared_need("goldens/models");
    if (!minilm_directory())
        cr_skip_test("shared weights of MiniLM absent: ASSAY_MINILM names no folder");
    static const char *const regimes[][2] = {{"full", ""}, {"frozen", "embeddings,0"}};
    static const Slice labels[] = {SLICE_LIT("no"), SLICE_LIT("yes")};
    for (size_t r = 0; r < 2; r++) {
        Error err = {0};
        Pool *pool = NULL;
        Model *model = NULL;
        const ModelOptions options = {
            .head_choice = HEAD_FOR_LABELS, .head = HEAD_SEQUENCE, .labels = labels, .n_labels = 2};
        want_ok(pool_open(2, &pool, &err), &err);
        want_ok(model_open(minilm_directory(), &options, &model, &err), &err);
        Golden g = golden_open("all-MiniLM-L6-v2", model, HEAD_SEQUENCE);
        cr_assert(model_head_is_fresh(model));
        float *weight = tensor_floats(want_tensor(&g.tensors, "init.classifier.weight")),
              *bias = tensor_floats(want_tensor(&g.tensors, "init.classifier.bias"));
        want_ok(model_tensor_write(model, SLICE("classifier.weight"), weight, &err), &err);
        want_ok(model_tensor_write(model, SLICE("classifier.bias"), bias, &err), &err);
        check_regime(&g, regimes[r][0], regimes[r][1], NULL, model, pool);
        free(weight);
        free(bias);
        model_close(&model);
        pool_close(&pool);
        golden_close(&g);
    }
}
