// Heads on encoder-decoders, whose decoder reads the text a second time, and on T5's encoder.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/explain.h"
#include "tests/models/heads.h"
#include "tests/models/model_support.h"

// tanh(W x + b) through the output layer.
static void check_class(const char *what, const Model *model, const float *row, const float *x,
                        size_t hidden_size)
{
    float *dense = heads_tensor(model, "classification_head.dense.weight"),
          *dense_bias = heads_tensor(model, "classification_head.dense.bias"),
          *out = heads_tensor(model, "classification_head.out_proj.weight"),
          *out_bias = heads_tensor(model, "classification_head.out_proj.bias");
    double inner[HEADS_HIDDEN];
    for (size_t j = 0; j < hidden_size; j++) {
        double sum = (double)dense_bias[j];
        for (size_t k = 0; k < hidden_size; k++)
            sum += (double)dense[j * hidden_size + k] * (double)x[k];
        inner[j] = tanh(sum);
    }
    for (size_t i = 0; i < 3; i++) {
        double sum = (double)out_bias[i];
        for (size_t j = 0; j < hidden_size; j++) sum += (double)out[i * hidden_size + j] * inner[j];
        cr_expect_float_eq((double)row[i], sum, 2e-5, "%s: class %zu: %.8g, not %.8g", what, i,
                           (double)row[i], sum);
    }
    free(dense);
    free(dense_bias);
    free(out);
    free(out_bias);
}

// Gives a writer the weights of a classifier, whose names have a prefix in T5.
static void copy_weights(const Model *from, const char *prefix, Model *to)
{
    Error err = {0};
    for (size_t i = 0; i < model_n_tensors(to); i++) {
        char name[128];
        const Slice own = model_tensor_name(to, i);
        snprintf(name, sizeof name, "%s" SLICE_FMT, prefix, SLICE_ARG(own));
        float *values = heads_tensor(from, name);
        want_ok(model_tensor_write(to, own, values, &err), &err);
        free(values);
    }
}

// The decoder reads the text once more, after the token that begins targets; the last end of it (2) is classified.
Test(heads_seq2seq, of_encoder_decoders_read_the_text_twice)
{
    static const struct {
        const char *type;
        size_t hidden_size;
        int32_t first; // that the decoder reads
    } cases[] = {{"bart", 32, 2}, {"bart", 24, 2}, {"mbart", 32, 7}, {"t5", 32, 2},
                 {"t5", 24, 2},   {"mt5", 32, 2},  {"umt5", 32, 2}};
    static const int32_t ids[] = {9, 8, 2, 2, 12, 13, 2, 7}, last_end = 6;
    const size_t n = 8, n_states = 5; // 2 of the encoder, 3 of the decoder
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t h = cases[i].hidden_size;
        Error err = {0};
        Pool *pool = open_pool(1);
        int32_t again[8] = {cases[i].first};
        memcpy(again + 1, ids, sizeof ids - sizeof *ids);
        Model *model = heads_encoder_decoder(cases[i].type, HEAD_SEQUENCE, h);
        Model *writer = heads_encoder_decoder(cases[i].type, HEAD_SEQ2SEQ, h);
        const TokenSequence text = {.ids = ids, .n_tokens = n};
        const TokenSequence both = {.ids = ids, .n_tokens = n, .target_ids = again, .n_targets = n};
        const TokenSequence endless = {.ids = ids + 4, .n_tokens = 2};
        float row[3], *states = calloc(n_states * n * h, sizeof *states),
                      *own = calloc(n_states * n * h, sizeof *own);
        want_ok(model_predict(model, pool, &text, 1, NULL, row, &err), &err);
        const bool is_t5 = strstr(cases[i].type, "t5") != NULL;
        if (is_t5) copy_weights(model, "transformer.", writer);
        want_ok(model_hidden_states(model, &text, own, &err), &err);
        want_ok(model_hidden_states(writer, &both, states, &err), &err);
        const size_t n_same = is_t5 ? 2 : n_states; // of T5 the encoder's
        cr_expect_arr_eq(own, states, n_same * n * h * sizeof *own,
                         "%s %zu: what a writer with the same weights has, given both",
                         cases[i].type, h);
        check_class(cases[i].type, model, row, states + (4 * n + (size_t)last_end) * h, h);
        cr_expect_eq(model_predict(model, pool, &endless, 1, NULL, row, &err), STATUS_INVALID);
        cr_expect(strstr(err.text, "eos_token_id"), "%s", err.text);
        free(own);
        free(states);
        model_close(&model);
        model_close(&writer);
        pool_close(&pool);
    }
}

Test(heads_seq2seq, gradients_of_encoder_decoders_are_those_of_finite_differences)
{
    static const char *const names[] = {"model.shared.weight",
                                        "model.decoder.layers.1.self_attn.q_proj.weight",
                                        "model.decoder.layers.1.self_attn.k_proj.weight",
                                        "model.decoder.layers.1.encoder_attn.v_proj.weight",
                                        "model.encoder.layers.0.fc1.weight",
                                        "classification_head.dense.weight",
                                        "classification_head.out_proj.weight"};
    heads_check_gradient("bart", heads_encoder_decoder("bart", HEAD_SEQUENCE, 32),
                         heads_encoder_decoder("bart", HEAD_SEQUENCE, 32), names, 7);
}

Test(heads_seq2seq, gradients_of_t5_are_those_of_finite_differences)
{
    static const char *const names[] = {
        "transformer.shared.weight",
        "transformer.decoder.block.1.layer.0.SelfAttention.q.weight",
        "transformer.decoder.block.1.layer.0.SelfAttention.k.weight",
        "transformer.decoder.block.1.layer.0.layer_norm.weight",
        "transformer.decoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight",
        "transformer.decoder.block.1.layer.1.EncDecAttention.v.weight",
        "transformer.encoder.block.0.layer.1.DenseReluDense.wi_0.weight",
        "classification_head.out_proj.weight"};
    heads_check_gradient("umt5", heads_encoder_decoder("umt5", HEAD_SEQUENCE, 32),
                         heads_encoder_decoder("umt5", HEAD_SEQUENCE, 32), names, 8);
}

// The sum of what tokens add is the difference of both scores: the decoder's part of each is counted too.
Test(heads_seq2seq, explanations_add_up)
{
    static const struct {
        const char *type;
        ModelHead head;
    } cases[] = {{"bart", HEAD_SEQUENCE}, {"bart", HEAD_SPAN},     {"mbart", HEAD_SEQUENCE},
                 {"t5", HEAD_SEQUENCE},   {"umt5", HEAD_SEQUENCE}, {"t5", HEAD_SPAN},
                 {"t5", HEAD_TOKEN}};
    static const int32_t ids[] = {9, 8, 12, 13, 40, 7, 2};
    static const uint8_t kept[] = {0, 0, 0, 0, 0, 0, 1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        Pool *pool = open_pool(2);
        Model *model = heads_encoder_decoder(cases[i].type, cases[i].head, 32);
        const TokenSequence text = {.ids = ids, .n_tokens = 7};
        const ExplainTarget target = {cases[i].head == HEAD_SEQUENCE ? 0 : 3, 1};
        const ExplainRequest request = {
            .input = &text, .is_kept = kept, .baseline_id = 3, .targets = &target, .n_targets = 1};
        const ExplainOptions options = {.n_steps = 200};
        Explanation found = {0};
        want_ok(model_explain(model, pool, &request, 1, &options, NULL, &arena, &found, &err),
                &err);
        cr_expect_lt(fabs(found.completeness_error),
                     2e-3 + 2e-3 * fabs(found.value - found.baseline), "%s, %s head: %g of %g",
                     cases[i].type, model_head_name(cases[i].head), found.completeness_error,
                     found.value - found.baseline);
        cr_expect_gt(fabs(found.value - found.baseline), 1e-3);
        model_close(&model);
        pool_close(&pool);
        arena_release(&arena);
    }
}
