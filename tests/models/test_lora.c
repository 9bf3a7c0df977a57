// Low-rank adapters: what --lora says, and laws of tuning with them. Against PyTorch: test_train_golden.c.
#include <criterion/criterion.h>
#include <string.h>

#include "model_support.h"
#include "models/training/lora.h"
#include "tests/support/folder.h"

Test(lora, reads_its_settings)
{
    Arena arena = {0};
    Error err = {0};
    LoraOptions lora;
    want_ok(lora_parse(&arena, SLICE("rank=4,alpha=8,targets=query+value,init=a/b.safetensors"),
                       &lora, &err),
            &err);
    cr_expect(lora.rank == 4 && lora.alpha == 8 && lora.n_targets == 2);
    cr_expect(slice_eq_cstr(lora.targets[1], "value"));
    cr_expect_str_eq(lora.init, "a/b.safetensors");
    want_ok(lora_parse(&arena, SLICE("r=16"), &lora, &err), &err);
    cr_expect(lora.rank == 16 && lora.alpha == 0 && lora.n_targets == 0 && !lora.init);
    static const char *const wrong[] = {
        "",           "rank=0", "rank=x",      "alpha=8", "rank=4,alpha=-1", "rank=4,targets=a++b",
        "rank=4,b=1", "rank",   "rank=4,init="};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect(lora_parse(&arena, slice_from_cstr(wrong[i]), &lora, &err) == STATUS_INVALID,
                  "\"%s\" is taken", wrong[i]);
    }
    arena_release(&arena);
}

static const LoraOptions rank_two = {.rank = 2};

static bool moved(const Model *before, const Model *after, const char *tensor)
{
    size_t rows = 0, cols = 0;
    Error err = {0};
    const Slice name = slice_from_cstr(tensor);
    want_ok(model_tensor_shape(before, name, &rows, &cols, &err), &err);
    float *x = calloc(rows * cols, sizeof *x), *y = calloc(rows * cols, sizeof *y);
    want_ok(model_tensor_read(before, name, x, &err), &err);
    want_ok(model_tensor_read(after, name, y, &err), &err);
    const bool differs = memcmp(x, y, rows * cols * sizeof *x) != 0;
    free(x);
    free(y);
    return differs;
}

// Queries and values of every block and a head that was drawn; nothing else.
Test(lora, moves_the_named_layers_and_the_new_head_alone)
{
    Model *before = small_model(HEAD_TOKEN, 3, 1), *after = small_model(HEAD_TOKEN, 3, 1);
    SmallData data = small_data(before, 11, 2);
    TrainOptions options = busy_options();
    options.lora = &rank_two;
    (void)train(after, 2, &data, &options);
    static const char *const moving[] = {"bert.encoder.layer.0.attention.self.query.weight",
                                         "bert.encoder.layer.1.attention.self.value.weight",
                                         "classifier.weight", "classifier.bias"};
    static const char *const still[] = {
        "bert.embeddings.word_embeddings.weight", "bert.encoder.layer.0.attention.self.key.weight",
        "bert.encoder.layer.0.attention.self.query.bias",
        "bert.encoder.layer.1.output.dense.weight", "bert.encoder.layer.1.output.LayerNorm.weight"};
    for (size_t i = 0; i < sizeof moving / sizeof *moving; i++)
        cr_expect(moved(before, after, moving[i]), "%s", moving[i]);
    for (size_t i = 0; i < sizeof still / sizeof *still; i++)
        cr_expect(!moved(before, after, still[i]), "%s", still[i]);
    small_data_release(&data);
    model_close(&before);
    model_close(&after);
}

Test(lora, gives_the_same_bits_on_any_number_of_threads)
{
    Model *one = small_model(HEAD_SEQUENCE, 3, 1), *four = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(one, 13, 2);
    TrainOptions options = busy_options();
    options.lora = &rank_two;
    (void)train(one, 1, &data, &options);
    (void)train(four, 4, &data, &options);
    check_equal_weights("threads", one, four);
    small_data_release(&data);
    model_close(&one);
    model_close(&four);
}

static void stop_at_three(void *context, const TrainStep *step)
{
    if (step->step == 2) atomic_store((atomic_int *)context, 1);
}

Test(lora, goes_on_from_a_checkpoint_as_if_never_stopped)
{
    const char *folder = folder_make();
    char path[512];
    Error err = {0};
    TrainResult result = {0};
    atomic_int cancel = 0;
    Model *straight = small_model(HEAD_SEQUENCE, 3, 1), *stopped = small_model(HEAD_SEQUENCE, 3, 1),
          *resumed = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(straight, 13, 2);
    Pool *pool = open_pool(2);
    TrainOptions options = busy_options();
    options.lora = &rank_two;
    (void)train(straight, 2, &data, &options);
    snprintf(path, sizeof path, "%s/state", folder);
    options.checkpoint = path;
    options.cancel = &cancel;
    options.on_step = stop_at_three;
    options.context = &cancel;
    cr_assert(model_train(stopped, pool, data.examples, data.n, &options, &result, &err) ==
              STATUS_CANCELLED);
    options.on_step = NULL;
    options.cancel = NULL;
    want_ok(model_train(resumed, pool, data.examples, data.n, &options, &result, &err), &err);
    cr_expect(result.resumed);
    check_equal_weights("resumed", straight, resumed);
    pool_close(&pool);
    small_data_release(&data);
    model_close(&straight);
    model_close(&stopped);
    model_close(&resumed);
    folder_remove(folder);
}

Test(lora, refuses_layers_that_are_not_there)
{
    static const Slice wrong[] = {SLICE_LIT("query"), SLICE_LIT("q_proj")};
    const LoraOptions lora = {.rank = 2, .targets = wrong, .n_targets = 2};
    const LoraOptions no_file = {.rank = 2, .init = "absent.safetensors"};
    Error err = {0};
    TrainResult result = {0};
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(model, 4, 2);
    Pool *pool = open_pool(1);
    TrainOptions options = busy_options();
    options.lora = &lora;
    cr_expect(model_train(model, pool, data.examples, data.n, &options, &result, &err) ==
              STATUS_INVALID);
    cr_expect(strstr(err.text, "\"q_proj\"") && strstr(err.text, "query, key, value"), "%s",
              err.text);
    options.lora = &no_file;
    cr_expect(model_train(model, pool, data.examples, data.n, &options, &result, &err) !=
              STATUS_OK);
    pool_close(&pool);
    small_data_release(&data);
    model_close(&model);
}
