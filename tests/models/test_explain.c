// Which tokens an answer hangs on.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/explain.h"
#include "tests/models/model_support.h"
#include "tests/support/shared.h"

static const ModelHead heads[] = {HEAD_SEQUENCE, HEAD_TOKEN, HEAD_SPAN};
enum { N_HEADS = 3, N = 5, PAD = 0 };

// Two scores of each input: of the only row, or of two tokens.
static void make_requests(const SmallData *data, ModelHead head, ExplainTarget targets[N][2],
                          ExplainRequest requests[N])
{
    for (size_t i = 0; i < N; i++) {
        const size_t last = head == HEAD_SEQUENCE ? 0 : data->inputs[i].n_tokens - 1;
        targets[i][0] = (ExplainTarget){0, i % 2};
        targets[i][1] = (ExplainTarget){last, 1};
        requests[i] = (ExplainRequest){
            .input = &data->inputs[i], .baseline_id = PAD, .targets = targets[i], .n_targets = 2};
    }
}

static double score_of(Model *model, Pool *pool, const ExplainRequest *request)
{
    Error err = {0};
    float logits[20 * 8];
    const size_t width = model_output_width(model);
    double sum = 0;
    want_ok(model_predict(model, pool, request->input, 1, NULL, logits, &err), &err);
    for (size_t i = 0; i < request->n_targets; i++)
        sum += (double)logits[request->targets[i].row * width + request->targets[i].column];
    return sum;
}

static const char word_table[] = "bert.embeddings.word_embeddings.weight";

// A token's row of the table, longer or shorter by a factor.
static void scale_row(Model *model, const float *table, size_t rows, size_t cols, int32_t id,
                      double factor)
{
    Error err = {0};
    float *changed = calloc(rows * cols, sizeof *changed);
    memcpy(changed, table, rows * cols * sizeof *changed);
    for (size_t c = 0; c < cols; c++)
        changed[(size_t)id * cols + c] = (float)(factor * (double)changed[(size_t)id * cols + c]);
    want_ok(model_tensor_write(model, slice_from_cstr(word_table), changed, &err), &err);
    free(changed);
}

// Gradient x input of all tokens with one id is the slope of the score along their embedding.
Test(explain, gradient_x_input_is_the_slope_along_the_embedding)
{
    for (size_t h = 0; h < N_HEADS; h++) {
        Error err = {0};
        Arena arena = {0};
        Model *model = small_model(heads[h], heads[h] == HEAD_SPAN ? 2 : 3, 1);
        SmallData data = small_data(model, N, 2);
        Pool *pool = open_pool(2);
        ExplainTarget targets[N][2];
        ExplainRequest requests[N];
        Explanation out[N];
        size_t rows, cols;
        make_requests(&data, heads[h], targets, requests);
        const ExplainOptions options = {.method = EXPLAIN_GRADIENT_INPUT};
        want_ok(model_explain(model, pool, requests, N, &options, NULL, &arena, out, &err), &err);
        want_ok(model_tensor_shape(model, slice_from_cstr(word_table), &rows, &cols, &err), &err);
        float *table = calloc(rows * cols, sizeof *table);
        want_ok(model_tensor_read(model, slice_from_cstr(word_table), table, &err), &err);
        for (size_t i = 0; i < N; i++) {
            const int32_t id = data.inputs[i].ids[1];
            const double step = 0.01;
            double sum = 0, scores[2];
            for (size_t t = 0; t < data.inputs[i].n_tokens; t++)
                sum += data.inputs[i].ids[t] == id ? out[i].attributions[t] : 0;
            for (int side = 0; side < 2; side++) {
                scale_row(model, table, rows, cols, id, 1 + (side ? step : -step));
                scores[side] = score_of(model, pool, &requests[i]);
            }
            const double slope = (scores[1] - scores[0]) / (2 * step);
            cr_expect(fabs(sum - slope) <= 2e-4 + 0.01 * fabs(slope), "head %zu, %zu: %g, slope %g",
                      h, i, sum, slope);
            want_ok(model_tensor_write(model, slice_from_cstr(word_table), table, &err), &err);
            cr_expect_float_eq(out[i].value, score_of(model, pool, &requests[i]), 1e-5);
            cr_expect(isnan(out[i].completeness_error));
        }
        free(table);
        pool_close(&pool);
        small_data_release(&data);
        model_close(&model);
        arena_release(&arena);
    }
}

// "a warm film" and "it is dull" through tiny-bert-seqcls, class 1 against padding, by a loop of PyTorch 2.15.0 over
// inputs_embeds (Transformers 5.24.0, numpy.polynomial.legendre.leggauss(32)).
static const int32_t reference_ids[] = {2, 31,  53,  335, 225, 36,  369, 225,
                                        3, 362, 352, 34,  355, 210, 3};
static const int32_t reference_types[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1};
static const double reference_integrated[] = {0,
                                              -0.089021116,
                                              -0.093203962,
                                              -0.014438396,
                                              -0.084652193,
                                              0.037643172,
                                              -0.048121367,
                                              -0.072209686,
                                              0,
                                              0.076109335,
                                              0.084889196,
                                              0.079757296,
                                              0.019682264,
                                              -0.064589545,
                                              0};
static const double reference_product[] = {-0.024642093,  -0.15362978,  -0.044245854, -0.035193335,
                                           -0.0033400473, 0.047015987,  -0.099094436, -0.01116213,
                                           -0.021582849,  0.0044847727, 0.033669923,  0.010775717,
                                           -0.079990856,  -0.060696289, 0.034581788};

Test(explain, attributions_are_those_of_pytorch)
{
    enum { N_TOKENS = sizeof reference_ids / sizeof *reference_ids };
    const char *directory = shared_need("models/tiny-bert-seqcls");
    Error err = {0};
    Arena arena = {0};
    Model *model = NULL;
    Pool *pool = open_pool(1);
    want_ok(model_open(directory, NULL, &model, &err), &err);
    const TokenSequence input = {
        .ids = reference_ids, .type_ids = reference_types, .n_tokens = N_TOKENS};
    const uint8_t kept[N_TOKENS] = {[0] = 1, [8] = 1, [14] = 1};
    const ExplainTarget target = {0, 1};
    const ExplainRequest request = {
        .input = &input, .is_kept = kept, .baseline_id = 0, .targets = &target, .n_targets = 1};
    const double *const want[] = {reference_integrated, reference_product};
    for (size_t m = 0; m < N_EXPLAIN_METHODS; m++) {
        Explanation out;
        const ExplainOptions options = {.method = (ExplainMethod)m};
        want_ok(model_explain(model, pool, &request, 1, &options, NULL, &arena, &out, &err), &err);
        cr_expect_float_eq(out.value, 1.0338561534881592, 1e-5);
        if (m == 0) cr_expect_float_eq(out.baseline, 1.2020117044448853, 1e-5);
        for (size_t t = 0; t < N_TOKENS; t++)
            cr_expect_float_eq(out.attributions[t], want[m][t], 1e-4 * 0.1, "%s, token %zu: %.8g",
                               explain_method_name((ExplainMethod)m), t, out.attributions[t]);
    }
    pool_close(&pool);
    model_close(&model);
    arena_release(&arena);
}

Test(explain, integrated_gradients_add_up_to_the_difference_from_the_baseline)
{
    for (size_t h = 0; h < N_HEADS; h++) {
        Error err = {0};
        Arena arena = {0};
        Model *model = small_model(heads[h], heads[h] == HEAD_SPAN ? 2 : 3, 1);
        SmallData data = small_data(model, N, 2);
        Pool *pool = open_pool(1);
        ExplainTarget targets[N][2];
        ExplainRequest requests[N];
        Explanation out[N];
        make_requests(&data, heads[h], targets, requests);
        uint8_t kept[20] = {1};
        for (size_t i = 0; i < N; i++) requests[i].is_kept = kept;
        want_ok(model_explain(model, pool, requests, N, NULL, NULL, &arena, out, &err), &err);
        for (size_t i = 0; i < N; i++) {
            int32_t ids[20];
            TokenSequence input = data.inputs[i];
            ExplainRequest empty = requests[i];
            for (size_t t = 0; t < input.n_tokens; t++) ids[t] = t == 0 ? input.ids[0] : PAD;
            input.ids = ids;
            empty.input = &input;
            const double value = score_of(model, pool, &requests[i]),
                         baseline = score_of(model, pool, &empty);
            double sum = 0;
            for (size_t t = 0; t < input.n_tokens; t++) sum += out[i].attributions[t];
            cr_expect_float_eq(out[i].value, value, 1e-5);
            cr_expect_float_eq(out[i].baseline, baseline, 1e-5);
            cr_expect(fabs(sum - (value - baseline)) <= 1e-4 + 1e-3 * fabs(value - baseline),
                      "head %zu, %zu: %g of %g", h, i, sum, value - baseline);
            cr_expect_float_eq(out[i].completeness_error, sum - (value - baseline), 1e-4);
            cr_expect_eq(out[i].attributions[0], 0, "a token that stands in the baseline too");
        }
        pool_close(&pool);
        small_data_release(&data);
        model_close(&model);
        arena_release(&arena);
    }
}

// Neither threads nor company nor the model's own use change a bit.
Test(explain, an_explanation_depends_on_its_request_alone)
{
    Error err = {0};
    Arena arena = {0};
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(model, N, 2);
    Pool *one = open_pool(1), *three = open_pool(3);
    ExplainTarget targets[N][2];
    ExplainRequest requests[N];
    Explanation all[N], alone;
    make_requests(&data, HEAD_SEQUENCE, targets, requests);
    const double before = score_of(model, one, &requests[0]);
    want_ok(model_explain(model, three, requests, N, NULL, NULL, &arena, all, &err), &err);
    for (size_t i = 0; i < N; i++) {
        want_ok(model_explain(model, one, &requests[i], 1, NULL, NULL, &arena, &alone, &err), &err);
        cr_expect_arr_eq(alone.attributions, all[i].attributions,
                         data.inputs[i].n_tokens * sizeof *alone.attributions);
    }
    cr_expect(score_of(model, one, &requests[0]) == before);
    pool_close(&one);
    pool_close(&three);
    small_data_release(&data);
    model_close(&model);
    arena_release(&arena);
}

Test(explain, refuses_what_cannot_be_explained)
{
    Error err = {0};
    Arena arena = {0};
    Model *model = small_model(HEAD_SEQUENCE, 3, 1), *masked = small_model(HEAD_MASKED_LM, 3, 1);
    SmallData data = small_data(model, N, 2);
    Pool *pool = open_pool(1);
    ExplainTarget targets[N][2];
    ExplainRequest requests[N];
    Explanation out[N];
    make_requests(&data, HEAD_SEQUENCE, targets, requests);
    targets[3][1].column = 3;
    cr_expect_eq(model_explain(model, pool, requests, N, NULL, NULL, &arena, out, &err),
                 STATUS_INVALID);
    cr_expect(strstr(err.text, "explanation 3: score 3 of row 0 is none of the model's") != NULL,
              "%s", err.text);
    requests[0].baseline_id = 50;
    cr_expect_eq(model_explain(model, pool, requests, 1, NULL, NULL, &arena, out, &err),
                 STATUS_INVALID);
    cr_expect(strstr(err.text, "baseline's id 50") != NULL, "%s", err.text);
    const ExplainOptions many = {.n_steps = 1001};
    cr_expect_eq(model_explain(model, pool, requests, 1, &many, NULL, &arena, out, &err),
                 STATUS_INVALID);
    cr_expect_eq(model_explain(masked, pool, requests, 1, NULL, NULL, &arena, out, &err),
                 STATUS_INVALID);
    cr_expect(strstr(err.text, "classes, tags and spans") != NULL, "%s", err.text);
    const atomic_int stop = 1;
    requests[0].baseline_id = PAD;
    cr_expect_eq(model_explain(model, pool, requests, 1, NULL, &stop, &arena, out, &err),
                 STATUS_CANCELLED);
    pool_close(&pool);
    small_data_release(&data);
    model_close(&model);
    model_close(&masked);
    arena_release(&arena);
}
