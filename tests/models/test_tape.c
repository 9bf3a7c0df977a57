// Tapes: what is recorded is checked, and the gradients of a program made of it are those of the loss.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "model_support.h"
#include "models/architecture.h"
#include "models/program/program.h"

// ---- recording ----

Test(tape, keeps_the_first_mistake_and_reports_it)
{
    Arena arena = {0};
    Error err = {0};
    Tape t = tape_begin(&arena, LAYOUT_PANELS);
    static const char *const name = "a";
    const ParamId word = tape_table(&t, "word", 7, 8, -1),
                  position = tape_table(&t, "position", 5, 8, -1),
                  type = tape_table(&t, "type", 2, 8, -1);
    const Value x = tape_embedding(&t, word, position, type);
    const Value y =
        tape_linear(&t, x, tape_dense(&t, &name, 1, 9, 4), ACTIVATION_NONE); // x has 8 columns
    tape_output(&t, tape_columns(&t, y, 3, 99));
    cr_assert(tape_finish(&t, &err) == STATUS_INTERNAL);
    cr_assert(strstr(err.text, "another width") != NULL, "%s", err.text);
    arena_release(&arena);
}

Test(tape, wants_an_output)
{
    Arena arena = {0};
    Error err = {0};
    Tape t = tape_begin(&arena, LAYOUT_PANELS);
    cr_assert(tape_finish(&t, &err) == STATUS_INTERNAL && strstr(err.text, "no output"), "%s",
              err.text);
    arena_release(&arena);
}

Test(tape, refuses_parts_that_cut_a_panel)
{
    Arena arena = {0};
    Error err = {0};
    Tape t = tape_begin(&arena, LAYOUT_PANELS);
    static const char *const name = "a";
    const ParamId table = tape_table(&t, "t", 7, 8, -1);
    const Value x = tape_embedding(&t, table, table, table);
    tape_output(&t,
                tape_linear_part(&t, x, tape_dense(&t, &name, 1, 8, 40), 8, 40, ACTIVATION_NONE));
    cr_assert(tape_finish(&t, &err) == STATUS_INTERNAL && strstr(err.text, "panel"), "%s",
              err.text);
    arena_release(&arena);
}

Test(tape, names_parameters_as_the_checkpoint_does_and_stacks_them)
{
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    Error err = {0};
    size_t rows = 0, cols = 0;
    want_ok(model_tensor_shape(model, SLICE("bert.encoder.layer.1.attention.self.key.weight"),
                               &rows, &cols, &err),
            &err);
    cr_assert(rows == 32 && cols == 32);
    want_ok(model_tensor_shape(model, SLICE("bert.encoder.layer.0.attention.self.value.bias"),
                               &rows, &cols, &err),
            &err);
    cr_assert(rows == 1 && cols == 32);
    float written[32], read[32];
    for (size_t i = 0; i < 32; i++) written[i] = (float)i;
    want_ok(model_tensor_write(model, SLICE("bert.encoder.layer.0.attention.self.key.bias"),
                               written, &err),
            &err);
    want_ok(
        model_tensor_read(model, SLICE("bert.encoder.layer.0.attention.self.key.bias"), read, &err),
        &err);
    cr_assert(memcmp(written, read, sizeof read) == 0);
    want_ok(model_tensor_read(model, SLICE("bert.encoder.layer.0.attention.self.value.bias"), read,
                              &err),
            &err);
    cr_assert(read[5] == 0.0f, "a neighbour in the same parameter stays");
    cr_assert(model_tensor_read(model, SLICE("bert.nothing"), read, &err) == STATUS_NOT_FOUND);
    model_close(&model);
}

// ---- gradients ----

static double loss_of(Model *model, Pool *pool, const SmallData *data, const TrainOptions *options)
{
    Error err = {0};
    double loss = 0;
    want_ok(model_loss(model, pool, data->examples, data->n, options, &loss, &err), &err);
    return loss;
}

// The change of the loss along a random direction of one tensor, by central differences, against gradient times direction.
static void check_slope(Model *model, Pool *pool, const SmallData *data,
                        const TrainOptions *options, Slice tensor)
{
    Error err = {0};
    size_t rows = 0, cols = 0;
    double norm = 0, slope = 0, length = 0;
    want_ok(model_tensor_shape(model, tensor, &rows, &cols, &err), &err);
    const size_t n = rows * cols;
    float *at = calloc(n, sizeof *at), *gradient = calloc(n, sizeof *gradient),
          *moved = calloc(n, sizeof *moved), *direction = calloc(n, sizeof *direction);
    Philox rng = philox_stream(5, n);
    want_ok(model_tensor_read(model, tensor, at, &err), &err);
    want_ok(model_gradient(model, pool, data->examples, data->n, options, tensor, gradient, &norm,
                           &err),
            &err);
    for (size_t i = 0; i < n; i++) direction[i] = (float)philox_normal(&rng);
    for (size_t i = 0; i < n; i++) length += (double)direction[i] * (double)direction[i];
    for (size_t i = 0; i < n; i++) direction[i] /= (float)sqrt(length);
    for (size_t i = 0; i < n; i++) slope += (double)direction[i] * (double)gradient[i];
    const double step = 0.02;
    double losses[2];
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < n; i++)
            moved[i] = at[i] + (float)(side ? step : -step) * direction[i];
        want_ok(model_tensor_write(model, tensor, moved, &err), &err);
        losses[side] = loss_of(model, pool, data, options);
    }
    want_ok(model_tensor_write(model, tensor, at, &err), &err);
    const double measured = (losses[1] - losses[0]) / (2 * step);
    cr_assert(fabs(measured - slope) <= 2e-4 + 0.01 * fabs(slope),
              SLICE_FMT ": the loss changes by %.6g, the gradient says %.6g", SLICE_ARG(tensor),
              measured, slope);
    free(at);
    free(gradient);
    free(moved);
    free(direction);
}

Test(tape, gives_the_gradient_of_the_loss_for_every_tensor)
{
    static const ModelHead heads[] = {HEAD_SEQUENCE, HEAD_TOKEN, HEAD_SPAN, HEAD_MASKED_LM};
    static const float class_weights[] = {0.5f, 2.0f, 1.0f};
    for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) {
        Error err = {0};
        Pool *pool = NULL;
        Model *model = small_model(heads[h], 3, 3);
        SmallData data = small_data(model, 6, 4);
        const bool classifies = heads[h] == HEAD_SEQUENCE || heads[h] == HEAD_TOKEN;
        const TrainOptions options = {.dropout = 0,
                                      .class_weights = classifies ? class_weights : NULL,
                                      .label_smoothing = heads[h] == HEAD_TOKEN ? 0.1f : 0};
        want_ok(pool_open(1, &pool, &err), &err);
        for (size_t i = 0; i < model_n_tensors(model); i++)
            check_slope(model, pool, &data, &options, model_tensor_name(model, i));
        small_data_release(&data);
        pool_close(&pool);
        model_close(&model);
    }
}
