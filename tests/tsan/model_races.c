// A small model tuned and asked on four threads and on one: the same bits, and no race that the thread sanitizer sees.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "models/architecture.h"
#include "models/training/train.h"

enum { N_EXAMPLES = 40, MAX_TOKENS = 16, N_CLASSES = 3 };

typedef struct Data {
    int32_t ids[N_EXAMPLES][MAX_TOKENS];
    int32_t labels[N_EXAMPLES];
    TokenSequence inputs[N_EXAMPLES];
    TrainExample examples[N_EXAMPLES];
} Data;

static void make_data(Data *data)
{
    Philox rng = philox_stream(1, 2);
    for (size_t i = 0; i < N_EXAMPLES; i++) {
        const size_t len = 2 + philox_below(&rng, MAX_TOKENS - 1);
        for (size_t t = 0; t < len; t++) data->ids[i][t] = (int32_t)philox_below(&rng, 40);
        data->labels[i] = (int32_t)philox_below(&rng, N_CLASSES);
        data->inputs[i] = (TokenSequence){.ids = data->ids[i], .n_tokens = len, .key = i};
        data->examples[i] = (TrainExample){.input = data->inputs[i], .labels = &data->labels[i]};
    }
}

// Tunes a model from the same weights and asks it for every example.
static Status tune_and_ask(size_t n_threads, const Data *data, float *logits, Error *err)
{
    static const Slice labels[N_CLASSES] = {SLICE_LIT("a"), SLICE_LIT("b"), SLICE_LIT("c")};
    const ModelConfig config = {.architecture = architecture_find(SLICE("bert")),
                                .head = HEAD_SEQUENCE,
                                .vocab_size = 40,
                                .hidden_size = 32,
                                .n_layers = 2,
                                .n_heads = 2,
                                .intermediate_size = 48,
                                .max_positions = MAX_TOKENS,
                                .type_vocab_size = 1,
                                .pad_id = -1,
                                .layer_norm_eps = 1e-12f,
                                .initializer_range = 0.2f,
                                .labels = labels,
                                .n_labels = N_CLASSES};
    const ModelOptions options = {.seed = 3, .without_tokenizer = 1};
    const TrainOptions tuning = {
        .learning_rate = 1e-3, .batch_size = 10, .epochs = 2, .dropout = 0.1, .clip_norm = 1};
    TrainResult result;
    Model *model = NULL;
    Pool *pool = NULL;
    Status s = pool_open(n_threads, &pool, err);
    if (s == STATUS_OK) s = model_create(&config, NULL, &options, &model, err);
    if (s == STATUS_OK)
        s = model_train(model, pool, data->examples, N_EXAMPLES, &tuning, &result, err);
    if (s == STATUS_OK) s = model_predict(model, pool, data->inputs, N_EXAMPLES, NULL, logits, err);
    model_close(&model);
    pool_close(&pool);
    return s;
}

int main(void)
{
    static Data data;
    static float one[N_EXAMPLES * N_CLASSES], four[N_EXAMPLES * N_CLASSES];
    Error err = {0};
    make_data(&data);
    if (tune_and_ask(1, &data, one, &err) != STATUS_OK ||
        tune_and_ask(4, &data, four, &err) != STATUS_OK) {
        fprintf(stderr, "%s\n", err.text);
        return EXIT_FAILURE;
    }
    if (memcmp(one, four, sizeof one) != 0) {
        fprintf(stderr, "one thread and four give other bits\n");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
