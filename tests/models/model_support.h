// tests/models/model_support.h: what the tests of models share: goldens read, and small models made on the spot.
#ifndef ASSAY_TESTS_MODELS_MODEL_SUPPORT_H
#define ASSAY_TESTS_MODELS_MODEL_SUPPORT_H

#include "base/json.h"
#include "models/formats/safetensors.h"
#include "models/model.h"
#include "models/training/train.h"

// Fails the running test unless status is STATUS_OK, with what err says.
void want_ok(Status status, const Error *err);

// The value at [i] or the named tensor; fails the test where absent.
const SafeTensor *want_tensor(const Safetensors *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// Its elements; freed by the caller.
float *tensor_floats(const SafeTensor *tensor);
int32_t *tensor_ints(const SafeTensor *tensor);

// The n numbers of a tensor of this name that tools/peers/expected.py gives it, number by number.
void made_numbers(Slice name, size_t n, bool is_vector, float *out);

// Numbers from 0 to 1 of a tensor of this name with "suffix" behind it, as tools/peers/decoders.py draws them.
void drawn_shares(Slice name, const char *suffix, size_t n, float *out);

// A padded batch of a golden file as sequences without padding.
typedef struct GoldenBatch {
    size_t n, width; // sequences, and columns of the padded arrays
    TokenSequence *inputs;
    size_t *begins; // [n] columns before the first token: padding on the left
    int32_t *ids, *types, *mask;
    size_t target_width; // of the decoder's arrays; 0 without
    int32_t *target_ids;
} GoldenBatch;

GoldenBatch golden_batch(const Safetensors *file, const char *name);
void golden_batch_release(GoldenBatch *batch);

// A small BERT (a decoder for HEAD_CAUSAL_LM) with random weights: 2 layers, hidden 32, 4 heads, feed-forward 64, vocabulary 50, 24 positions.
// labels: 0 gives embeddings.
Model *small_model(ModelHead head, size_t n_labels, uint64_t seed);
// A small Llama with random weights and shared key heads: 2 layers, hidden 32; token 3 ends a text. Without a tokenizer.
Model *small_decoder(size_t vocab_size, size_t max_positions);
// The same with rotary embeddings of heads of 8 columns as given.
Model *small_decoder_with(const RopeConfig *rope, size_t vocab_size, size_t max_positions);
ModelConfig small_config(ModelHead head, size_t n_labels);

// A config.json that stands in the test.
Status parse_config(Arena *arena, const char *text, ModelConfig *out, Error *err);

// n sequences of 3 to 20 tokens, with labels for the head of the model, all from the seed.
typedef struct SmallData {
    size_t n;
    TrainExample *examples;
    TokenSequence *inputs; // of the examples
    int32_t *numbers;
} SmallData;
SmallData small_data(const Model *model, size_t n, uint64_t seed);
int32_t *small_label(SmallData *data, size_t i); // the first label of example i, to be changed
void small_data_release(SmallData *data);

// All weights of a model, tensor after tensor; freed by the caller.
float *all_weights(const Model *model, size_t *n);

Pool *open_pool(size_t n_threads);
// Small batches over two epochs with everything that draws or schedules.
TrainOptions busy_options(void);
// model_train, which must succeed, on a pool of its own.
TrainResult train(Model *model, size_t n_threads, const SmallData *data,
                  const TrainOptions *options);
// Fails the test unless every weight of both has the same bits.
void check_equal_weights(const char *what, const Model *a, const Model *b);

// The folder with MiniLM's weights, named by ASSAY_MINILM; NULL where it is not set or not there.
const char *minilm_directory(void);

#endif
