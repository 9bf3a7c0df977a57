// Tokens asked about one by one: pseudo-log-likelihoods, and answers for one token of each sequence.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "model_support.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

enum { MASK = 4 };

static Model *open_golden(const char *name, int one_token)
{
    char relative[160];
    Error err = {0};
    Model *model = NULL;
    const ModelOptions options = {.one_token = one_token};
    snprintf(relative, sizeof relative, "models/%s", name);
    want_ok(model_open(shared_path(relative), &options, &model, &err), &err);
    return model;
}

static void check_text(const char *name, Model *model, Pool *pool, const Json *text)
{
    Error err = {0};
    int32_t ids[64];
    const TokenSequence *inputs[64];
    size_t positions[64];
    double ours[64], sum = 0;
    const Json *golden_ids = json_get(text, "ids"), *logprobs = json_get(text, "token_logprobs");
    const size_t n = json_len(golden_ids), n_inner = json_len(logprobs);
    const TokenSequence input = {.ids = ids, .n_tokens = n};
    cr_assert(n <= 64 && n_inner + 2 == n);
    for (size_t i = 0; i < n; i++) ids[i] = (int32_t)json_double(json_at(golden_ids, i));
    for (size_t i = 0; i < n_inner; i++) {
        inputs[i] = &input;
        positions[i] = i + 1;
    }
    want_ok(model_masked_logprobs(model, pool, inputs, positions, n_inner, MASK, NULL, ours, &err),
            &err);
    for (size_t i = 0; i < n_inner; i++) {
        const double theirs = json_double(json_at(logprobs, i));
        cr_assert(fabs(ours[i] - theirs) <= 2e-5, "%s: token %zu is %.9g, but %.9g", name, i,
                  ours[i], theirs);
        sum += ours[i];
    }
    const double pll = json_double(json_get(text, "pll"));
    cr_assert(fabs(sum - pll) <= 2e-4, "%s: the sum is %.9g, but %.9g", name, sum, pll);
}

Test(masked, gives_the_pseudo_log_likelihoods_of_transformers)
{
    static const char *const models[] = {"tiny-bert-mlm", "tiny-roberta-mlm"};
    shared_need("goldens/models");
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        char relative[160];
        Error err = {0};
        JsonDocument *document = NULL;
        Pool *pool = open_pool(2);
        Model *model = open_golden(models[m], 1);
        snprintf(relative, sizeof relative, "goldens/models/%s/forward.json", models[m]);
        want_ok(json_load(shared_path(relative), JSON_STRICT, &document, &err), &err);
        const Json *texts = json_get(json_root(document), "pll");
        cr_assert(json_len(texts) > 3);
        const int32_t mask = tokenizer_special(model_tokenizer(model), SPECIAL_MASK);
        cr_assert(mask == MASK, "%s: the mask token is %d", models[m], mask);
        for (const Json *text = json_first(texts); text; text = json_next(text))
            check_text(models[m], model, pool, text);
        model_close(&model);
        pool_close(&pool);
        json_close(&document);
    }
}

// The rows of `whole` that were chosen are those of `one`, bit for bit.
static void check_chosen_rows(Model *whole, Model *one, const char *what)
{
    Error err = {0};
    Pool *pool = open_pool(2);
    SmallData data = small_data(whole, 9, 5);
    const size_t width = model_output_width(whole);
    float *all = calloc(model_output_rows(whole, data.inputs, data.n) * width, sizeof *all),
          *rows = calloc(data.n * width, sizeof *rows);
    cr_assert(model_output_rows(one, data.inputs, data.n) == data.n);
    for (size_t i = 0; i < data.n; i++) data.inputs[i].chosen = i % data.inputs[i].n_tokens;
    want_ok(model_predict(whole, pool, data.inputs, data.n, NULL, all, &err), &err);
    want_ok(model_predict(one, pool, data.inputs, data.n, NULL, rows, &err), &err);
    const float *at = all;
    for (size_t i = 0; i < data.n; i++) {
        cr_assert(
            memcmp(at + data.inputs[i].chosen * width, rows + i * width, width * sizeof *rows) == 0,
            "%s: sequence %zu", what, i);
        at += data.inputs[i].n_tokens * width;
    }
    free(all);
    free(rows);
    small_data_release(&data);
    pool_close(&pool);
}

// A row asked for alone has the bits that it has among all of its sequence.
Test(masked, gives_one_tokens_row_with_the_bits_of_the_whole)
{
    ModelConfig config = small_config(HEAD_MASKED_LM, 0);
    Error err = {0};
    Model *whole = small_model(HEAD_MASKED_LM, 0, 3), *one = NULL;
    const ModelOptions options = {.seed = 3, .without_tokenizer = 1};
    config.one_token = true;
    want_ok(model_create(&config, NULL, &options, &one, &err), &err);
    check_chosen_rows(whole, one, "f32");
    model_close(&whole);
    model_close(&one);
}

static Model *open_low(const char *folder, ComputeMode compute, int one_token)
{
    Error err = {0};
    Model *model = NULL;
    const ModelOptions options = {
        .without_tokenizer = 1, .keep_stored = 1, .compute = compute, .one_token = one_token};
    const Status s = model_open(folder, &options, &model, &err);
    if (s == STATUS_DEVICE) cr_skip_test("%s", err.text);
    want_ok(s, &err);
    return model;
}

Test(masked, gives_one_tokens_row_with_the_bits_of_the_whole_in_low_precision)
{
    static const ComputeMode modes[] = {COMPUTE_BF16, COMPUTE_I8};
    // Blocks of 64, and of 32.
    static const size_t hidden[] = {128, 96};
    for (size_t i = 0; i < 4; i++) {
        Error err = {0};
        Model *made = NULL;
        const char *folder = folder_make();
        const ModelOptions options = {.seed = 3, .without_tokenizer = 1};
        ModelConfig config = small_config(HEAD_MASKED_LM, 0);
        config.hidden_size = hidden[i / 2];
        config.intermediate_size = 2 * hidden[i / 2];
        want_ok(model_create(&config, NULL, &options, &made, &err), &err);
        want_ok(model_save(made, folder, &err), &err);
        model_close(&made);
        Model *whole = open_low(folder, modes[i % 2], 0), *one = open_low(folder, modes[i % 2], 1);
        check_chosen_rows(whole, one, i % 2 == 0 ? "bf16" : "int8");
        model_close(&whole);
        model_close(&one);
        folder_remove(folder);
    }
}

Test(masked, refuses_tokens_and_models_that_cannot_be_asked)
{
    Error err = {0};
    double logprob = 0;
    const int32_t ids[] = {1, 2, 3};
    const TokenSequence input = {.ids = ids, .n_tokens = 3}, *inputs[] = {&input};
    const size_t past = 3;
    ModelConfig config = small_config(HEAD_MASKED_LM, 0);
    const ModelOptions options = {.without_tokenizer = 1};
    Model *model = small_model(HEAD_MASKED_LM, 0, 1);
    Pool *pool = open_pool(1);
    cr_expect(model_masked_logprobs(model, pool, inputs, &past, 1, MASK, NULL, &logprob, &err) ==
              STATUS_INVALID);
    model_close(&model);
    config.one_token = true;
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    cr_expect(model_masked_logprobs(model, pool, inputs, &past, 1, MASK, NULL, &logprob, &err) ==
              STATUS_INVALID);
    cr_expect(strstr(err.text, "token 3") != NULL, "%s", err.text);
    model_close(&model);
    pool_close(&pool);
}

// RoBERTa counts positions from the row after the padding's and does not count pads.
Test(masked, roberta_leaves_out_pads_when_it_counts)
{
    shared_need("goldens/models");
    Error err = {0};
    Model *model = open_golden("tiny-roberta-mlm", 1);
    cr_expect(model_config(model)->max_positions == 64);
    cr_expect(model_config(model)->first_position == 2);
    int32_t long_ids[65] = {0};
    const TokenSequence longest = {.ids = long_ids, .n_tokens = 64},
                        longer = {.ids = long_ids, .n_tokens = 65};
    cr_expect(model_check_inputs(model, &longest, 1, &err) == STATUS_OK, "%s", err.text);
    cr_expect(model_check_inputs(model, &longer, 1, &err) == STATUS_INVALID);
    model_close(&model);
}
