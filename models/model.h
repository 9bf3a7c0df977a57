// models/model.h: a model that runs here: opened from a directory, asked for predictions, tuned (models/training/train.h), saved.
//
// A Model owns its weights (f32, in 2 MiB pages, packed once), its tokenizer and the program of its architecture and head.
// Samples come in as token ids, so that tokenisation happens once a run; results come back in the order of the input.
// The same sample gives the same bits whatever the batch, its place in it and the number of threads; a GPU's bits are not
// a CPU's. A model on a GPU answers; it is not tuned in this version (STATUS_DEVICE).
// One thread at a time calls a Model; the pool given to a call does the work.
#ifndef ASSAY_MODELS_MODEL_H
#define ASSAY_MODELS_MODEL_H

#include <stdatomic.h>

#include "base/error.h"
#include "base/pool.h"
#include "base/slice.h"
#include "kernels/exec.h"
#include "kernels/tensor.h"
#include "models/config.h"
#include "models/input.h"
#include "models/tokenizers/tokenizer.h"

typedef struct Model Model;

typedef enum HeadChoice {
    HEAD_AS_SAVED, // the checkpoint's own head; a checkpoint without one gives embeddings
    // `head` with `labels`: the checkpoint's where it has that head with these labels in this order, else a fresh one.
    // HEAD_EMBEDDING takes the encoder of any checkpoint, without its head.
    HEAD_FOR_LABELS,
} HeadChoice;

// Zero means the default everywhere.
typedef struct ModelOptions {
    Device device;
    ComputeMode compute;
    int openblas_forward; // see kernels/exec.h
    int reference_only;
    HeadChoice head_choice;
    ModelHead head; // for HEAD_FOR_LABELS: HEAD_SEQUENCE, HEAD_TOKEN, HEAD_SPAN or HEAD_EMBEDDING
    const Slice *labels; // copied; none for HEAD_SPAN
    size_t n_labels;
    ProblemType problem; // what the numbers of a HEAD_SEQUENCE are
    uint64_t seed;       // of a fresh head
    int has_pool;        // `pool` makes embeddings, not what 1_Pooling/config.json says
    EmbeddingPool pool;  // without either the mean
    int one_token; // a masked LM answers for TokenSequence.chosen alone (model_masked_logprobs)
    // Matrices stay in memory as the files store them (16-bit or in blocks), unpacked where they are used: less memory, less to
    // read, the same bits. Such a model answers and is not tuned. On a GPU all is f32.
    int keep_stored;
    // Matrices are read where the files are mapped: no copy, shared with other processes that read them, the same bits, slower.
    // Vectors and what no kernel reads as it lies are copied. On the CPU; the files must not change meanwhile.
    int mapped;
    // Tokens of a context whose keys and values must have room beside the weights; 0 = none. Where there is not so much
    // memory, opening says so before anything is read.
    size_t kept_tokens;
    DType kv_dtype; // what a causal LM keeps keys and values in: F32, F16 or BF16. On the CPU
    int without_tokenizer; // token ids come from elsewhere: no tokenizer files are wanted
    // Weights are neither taken memory for nor read: such a model says what it is and would need (model_size, model_memory), and
    // answers nothing.
    int only_looked_at;
} ModelOptions;

// directory holds config.json, model.safetensors (or model.safetensors.index.json and its shards) and the tokenizer's
// files; it may also be a GGUF file, or what else models/checkpoint.h lists. Refused with file, tensor and remedy: tensors missing or of another shape than config.json says, a vocabulary
// larger than the embedding. options may be NULL.
Status model_open(const char *directory, const ModelOptions *options, Model **out,
                  Error *err) MUST_CHECK;

// A model with random weights, as Transformers initialises: matrices and embeddings normal(0, initializer_range),
// biases 0, norms 1; the row of pad_id 0. The tokenizer's files in tokenizer_directory (may be NULL) are used and travel
// with model_save. config is copied; its labels and head count, options->head_choice does not.
Status model_create(const ModelConfig *config, const char *tokenizer_directory,
                    const ModelOptions *options, Model **out, Error *err) MUST_CHECK;
// The same without any file: config->architecture is used as it stands, be it in the registry or not, and nothing that
// reads JSON documents or tokenizers is linked. Such a model cannot be saved unless its architecture writes configs.
Status model_create_bare(const ModelConfig *config, const ModelOptions *options, Model **out,
                         Error *err) MUST_CHECK;
void model_close(Model **model); // a no-op on NULL

const ModelConfig *model_config(const Model *model);
// The directory that it was opened from; NULL where there is none.
const char *model_directory(const Model *model);
const Tokenizer *model_tokenizer(const Model *model); // NULL where opened without
// Tensors of its files that it has no use for, beside known buffers, tied copies and other heads: their number, and in *names a
// few of them, quoted. Opening does not refuse them; whoever opens says so.
size_t model_unused_tensors(const Model *model, Slice *names);
// Whether weights of its head were drawn from the seed, not read.
int model_head_is_fresh(const Model *model);
Device model_device(const Model *model);
// How its files store most of what products read, where that is kept as it is (ModelOptions.keep_stored): 16 bits or blocks of
// codes. F32 where none is.
DType model_stored_dtype(const Model *model);

// What a model can be asked for.
typedef enum ModelCapability {
    MODEL_CAN_EMBED = 1 << 0,
    MODEL_CAN_CLASSIFY = 1 << 1,
    MODEL_CAN_TAG = 1 << 2,
    MODEL_CAN_SPAN = 1 << 3,
    MODEL_CAN_FILL = 1 << 4,
    MODEL_CAN_TRAIN = 1 << 5,
    MODEL_CAN_GENERATE =
        1 << 6, // and log-likelihoods of continuations (models/generation/generate.h)
} ModelCapability;
unsigned model_capabilities(const Model *model);

// ---- Predicting ----

// Numbers in one output row: n_labels, or hidden_size for embeddings.
size_t model_output_width(const Model *model);
// Output rows for these inputs: one a sequence (HEAD_EMBEDDING, HEAD_SEQUENCE), one a target token (HEAD_SEQ2SEQ), else
// one a token, input after input.
size_t model_output_rows(const Model *model, const TokenSequence *inputs, size_t n_inputs);

// Sequences are sorted by length into ragged units of 500 to 1,000 tokens, run on the pool, and put back in order; on a
// GPU into units of thousands, which the calling thread feeds to it one after another.
//   logits   f32 [model_output_rows, model_output_width]: scores before softmax; embeddings as they are.
// A sequence that is empty or too long, or an id outside the vocabulary, is refused by its index before anything runs.
// cancel may be NULL; where *cancel becomes non-zero, STATUS_CANCELLED comes back after the running units.
Status model_predict(Model *model, Pool *pool, const TokenSequence *inputs, size_t n_inputs,
                     const atomic_int *cancel, float *logits, Error *err) MUST_CHECK;

// The output of one input as it is computed, in order: n_rows of its rows f32 [model_output_width], `stride` floats apart, which
// stay until `take` returns; it is called on a thread of the pool. Of a causal language model it gets some rows at a time, for all of
// them would be the largest thing in memory; of others all at once.
typedef Status (*ModelTake)(void *context, const float *rows, size_t n_rows, size_t stride,
                            Error *err);
Status model_predict_once(Model *model, Pool *pool, const TokenSequence *input,
                          const atomic_int *cancel, ModelTake take, void *context,
                          Error *err) MUST_CHECK;

// What the decoder of an encoder-decoder reads in tuning: the labels one place later, after decoder.start_id; ignored ones
// become padding, which no label asks about. ids [n].
Status model_shift_right(const Model *model, const int32_t *labels, size_t n, int32_t *ids,
                         Error *err) MUST_CHECK;

// Checks inputs as model_predict does: the index of the first refused one is in the message.
Status model_check_inputs(const Model *model, const TokenSequence *inputs, size_t n_inputs,
                          Error *err) MUST_CHECK;

// logprobs[i] = log p(token at positions[i] of inputs[i] | the others), with that token masked by mask_id: one forward pass
// each, all of them through one stream of ragged units, and the vocabulary's product for the masked token alone where the model
// was opened with ModelOptions.one_token. Their sum over a text is its pseudo-log-likelihood (Salazar et al. 2020,
// arXiv:1910.14659). The model is a masked LM. inputs[i] may be equal.
Status model_masked_logprobs(Model *model, Pool *pool, const TokenSequence *const *inputs,
                             const size_t *positions, size_t n, int32_t mask_id,
                             const atomic_int *cancel, double *logprobs, Error *err) MUST_CHECK;

// probabilities[i] = softmax of row i of logits, in double. They may not overlap.
void model_probabilities(const float *logits, size_t n_rows, size_t n_classes,
                         double *probabilities);
// Each row to length 1, in place, as sentence-transformers' Normalize module does. Zero rows stay.
void model_normalize_rows(float *rows, size_t n_rows, size_t width);
// Whether modules.json beside the model asks for that.
int model_wants_normalized(const Model *model);

// For tests and for looking inside: one sequence at a time through the reference order of the program, keeping every
// hidden state. hidden f32 [n_layers + 1, n_tokens, hidden_size]: the embedding output, then the output of each block; for
// an encoder-decoder [decoder.n_layers + 1, n_targets, hidden_size] of the decoder follows.
Status model_hidden_states(Model *model, const TokenSequence *input, float *hidden,
                           Error *err) MUST_CHECK;

// ---- Weights ----

// Keeps a copy of the weights as they are now; model_reset brings it back by a copy and draws a fresh head anew from
// seed. So trials of one model cost no reading and no packing. model_reset needs a model_keep before it.
Status model_keep(Model *model, Error *err) MUST_CHECK;
Status model_reset(Model *model, uint64_t seed, Error *err) MUST_CHECK;

// A directory that Transformers loads with the same logits: config.json, model.safetensors (f32, tensors named as
// Transformers names them) and the tokenizer's files copied. Every file is written anew and renamed.
Status model_save(const Model *model, const char *directory, Error *err) MUST_CHECK;

// One tensor by its name in the checkpoint, unpacked: rows * cols floats into out (a vector has one row).
Status model_tensor_shape(const Model *model, Slice name, size_t *rows, size_t *cols,
                          Error *err) MUST_CHECK;
Status model_tensor_read(const Model *model, Slice name, float *out, Error *err) MUST_CHECK;
Status model_tensor_write(Model *model, Slice name, const float *values, Error *err) MUST_CHECK;
// Names by index, in checkpoint order; an empty slice past the end.
size_t model_n_tensors(const Model *model);
Slice model_tensor_name(const Model *model, size_t index);

// ---- Looking at it ----

typedef struct ModelSize {
    uint64_t n_parameters;
    uint64_t n_active; // of them, what one token meets: without the experts that it does not go to
    uint64_t n_embedding;  // tables and the norm after them
    uint64_t n_block;      // of one block
    uint64_t n_head;       // pooler and head
    uint64_t weight_bytes; // as held in memory
    uint64_t mapped_bytes; // as read where files are mapped
    uint64_t packed_bytes; // the weights with what is mapped packed too: of a model that answers
    uint64_t f32_bytes;    // all as f32, packed: of one that is tuned
    // Of a forward pass: of the products, and of attention for each token that a token sees.
    uint64_t flops_per_token, flops_per_seen_token;
    uint64_t
        cache_bytes_per_token; // keys and values that generation keeps; 0 where nothing is cached
    uint64_t
        state_bytes; // beside them, of each text: of layers that are no attention; 0 without such
} ModelSize;
ModelSize model_size(const Model *model);

// Bytes that a process will take at its peak: itself and the tokenizer, weights (those that are mapped too), for each thread the
// values of its largest unit, and the keys and values of the batch where they are kept; tuning every parameter also gradients of
// every lane, moments, and a copy of the best weights. Decoders and encoder-decoders are thought to write.
typedef struct ModelMemory {
    uint64_t predict_bytes;
    uint64_t train_bytes;
} ModelMemory;
// longest_tokens: of one sequence. batch_tokens: of one step, or of the sequences that are answered at once.
Status model_memory(const Model *model, size_t n_threads, size_t longest_tokens,
                    size_t batch_tokens, ModelMemory *out, Error *err) MUST_CHECK;

#endif
