// Heads on decoders: classes of texts, of tokens, and spans, against their equations over hidden states, which goldens hold to
// Transformers' (test_decoders.c); gradients against finite differences; explanations.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/explain.h"
#include "tests/models/heads.h"
#include "tests/models/model_support.h"

enum { N_TEXTS = 5, PAD = 0 };

// Texts of 1 to 20 tokens; the last two end in padding, one of them has nothing else.
static const TokenSequence *texts(void)
{
    static int32_t ids[N_TEXTS][20];
    static TokenSequence inputs[N_TEXTS];
    static const size_t n_tokens[N_TEXTS] = {1, 20, 7, 9, 3};
    for (size_t i = 0; i < N_TEXTS; i++) {
        for (size_t t = 0; t < n_tokens[i]; t++) ids[i][t] = (int32_t)(4 + (i * 17 + t * 5) % 46);
        inputs[i] = (TokenSequence){.ids = ids[i], .n_tokens = n_tokens[i], .key = i};
    }
    ids[3][7] = ids[3][8] = PAD;
    for (size_t t = 0; t < 3; t++) ids[4][t] = PAD;
    return inputs;
}

static const size_t last_of_text[N_TEXTS] = {0, 19, 6, 6, 0};

// weight x + bias (or NULL) for each of n_out.
static void check_row(const char *what, const float *row, const float *weight, const float *bias,
                      const float *x, size_t n_out)
{
    for (size_t k = 0; k < n_out; k++) {
        double sum = bias ? (double)bias[k] : 0;
        for (size_t j = 0; j < HEADS_HIDDEN; j++)
            sum += (double)weight[k * HEADS_HIDDEN + j] * (double)x[j];
        cr_expect_float_eq((double)row[k], sum, 2e-5, "%s: output %zu: %.8g, not %.8g", what, k,
                           (double)row[k], sum);
    }
}

// Every output row is the layer on the hidden state of its token: the text's last for a class, else each.
static void check_outputs(const char *what, Model *model, const char *layer)
{
    Error err = {0};
    char name[64];
    Pool *pool = open_pool(2);
    const TokenSequence *inputs = texts();
    const bool by_text = model_config(model)->head == HEAD_SEQUENCE;
    const size_t width = model_output_width(model), n_rows = model_output_rows(model, inputs, 5);
    float *logits = calloc(n_rows * width, sizeof *logits), *row = logits, *bias = NULL;
    snprintf(name, sizeof name, "%s.weight", layer);
    float *weight = heads_tensor(model, name);
    snprintf(name, sizeof name, "%s.bias", layer);
    if (!by_text) bias = heads_tensor(model, name);
    cr_assert(by_text == (n_rows == N_TEXTS));
    want_ok(model_predict(model, pool, inputs, N_TEXTS, NULL, logits, &err), &err);
    for (size_t i = 0; i < N_TEXTS; i++) {
        const size_t n = inputs[i].n_tokens;
        float *hidden = calloc(3 * n * HEADS_HIDDEN, sizeof *hidden), *alone = calloc(n * width, 4);
        want_ok(model_hidden_states(model, &inputs[i], hidden, &err), &err);
        want_ok(model_predict(model, pool, &inputs[i], 1, NULL, alone, &err), &err);
        const size_t first = by_text ? last_of_text[i] : 0, count = by_text ? 1 : n;
        cr_expect_arr_eq(alone, row, count * width * sizeof *row, "%s: text %zu alone", what, i);
        for (size_t t = 0; t < count; t++, row += width)
            check_row(what, row, weight, bias, hidden + (2 * n + first + t) * HEADS_HIDDEN, width);
        free(hidden);
        free(alone);
    }
    free(logits);
    free(weight);
    free(bias);
    pool_close(&pool);
}

Test(heads, of_decoders_are_layers_on_hidden_states)
{
    static const struct {
        const char *type;
        ModelHead head;
        size_t n_labels, head_dim;
        const char *layer;
    } cases[] = {
        {"llama", HEAD_SEQUENCE, 3, 8, "score"}, {"llama", HEAD_SEQUENCE, 1, 6, "score"},
        {"llama", HEAD_TOKEN, 3, 8, "score"},    {"llama", HEAD_SPAN, 2, 6, "qa_outputs"},
        {"gpt2", HEAD_SEQUENCE, 3, 8, "score"},  {"gpt2", HEAD_TOKEN, 2, 8, "classifier"},
        {"gpt2", HEAD_SPAN, 2, 8, "qa_outputs"}, {"gemma2", HEAD_SEQUENCE, 2, 8, "score"},
        {"phi3", HEAD_SEQUENCE, 2, 8, "score"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char what[64];
        Model *model =
            heads_decoder(cases[i].type, cases[i].head, cases[i].n_labels, cases[i].head_dim);
        snprintf(what, sizeof what, "%s with a %s head", cases[i].type,
                 model_head_name(cases[i].head));
        check_outputs(what, model, cases[i].layer);
        model_close(&model);
    }
}

Test(heads, gradients_of_decoders_are_those_of_finite_differences)
{
    static const char *const llama[] = {"score.weight",
                                        "model.layers.1.self_attn.q_proj.weight",
                                        "model.layers.1.self_attn.k_proj.weight",
                                        "model.layers.1.self_attn.v_proj.weight",
                                        "model.layers.0.mlp.up_proj.weight",
                                        "model.embed_tokens.weight"};
    static const char *const gpt2[] = {"score.weight", "transformer.h.1.attn.c_attn.weight",
                                       "transformer.h.0.mlp.c_fc.weight", "transformer.wpe.weight",
                                       "transformer.wte.weight"};
    heads_check_gradient("llama", heads_decoder("llama", HEAD_SEQUENCE, 3, 8),
                         heads_decoder("llama", HEAD_SEQUENCE, 3, 8), llama, 6);
    heads_check_gradient("gpt2", heads_decoder("gpt2", HEAD_SEQUENCE, 3, 8),
                         heads_decoder("gpt2", HEAD_SEQUENCE, 3, 8), gpt2, 5);
}

// From a baseline of zeros the norm, which only scales, sees the whole text at once: points stand close to it, and more of them
// come closer.
Test(heads, explanations_from_nothing_add_up)
{
    static const int32_t ids[] = {5, 9, 33, 12, 7, 44, 21};
    static const size_t steps[] = {16, 64, 256};
    static const ExplainTarget target = {0, 1};
    Arena arena = {0};
    Error err = {0};
    Pool *pool = open_pool(1);
    Model *model = heads_decoder("llama", HEAD_SEQUENCE, 3, 8); // the row of PAD is zero
    const TokenSequence text = {.ids = ids, .n_tokens = 7};
    const ExplainRequest request = {
        .input = &text, .baseline_id = PAD, .targets = &target, .n_targets = 1};
    double errors[3];
    for (size_t i = 0; i < 3; i++) {
        const ExplainOptions options = {.n_steps = steps[i]};
        Explanation explanation = {0};
        want_ok(model_explain(model, pool, &request, 1, &options, NULL, &arena, &explanation, &err),
                &err);
        errors[i] = fabs(explanation.completeness_error);
    }
    cr_expect_lt(errors[2], 0.01, "256 steps: %g", errors[2]);
    cr_expect_lt(errors[2], 0.1 * errors[0], "from %g by %g to %g", errors[0], errors[1],
                 errors[2]);
    model_close(&model);
    pool_close(&pool);
    arena_release(&arena);
}
