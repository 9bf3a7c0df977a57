// models/checkpoint.h: what stands in a model's files, whatever their format: config.json and tensors.
//
// A path is a directory with config.json and safetensors (one file, or shards with their index), a model's folder in Hugging
// Face's cache (refs/ and snapshots/), a GGUF file or any shard of one in several, or a directory with one such model alone. A
// directory with pickled weights only is refused with the command that converts them; they are never read.
#ifndef ASSAY_MODELS_CHECKPOINT_H
#define ASSAY_MODELS_CHECKPOINT_H

#include "base/json.h"
#include "models/config.h"
#include "models/formats/gguf.h"
#include "models/formats/safetensors.h"

typedef struct Tokenizer Tokenizer; // models/tokenizers/tokenizer.h

// Zeroed is empty.
typedef struct Checkpoint {
    JsonDocument *config; // config.json, or what a GGUF file says told as one
    Safetensors tensors;  // named and shaped as in Transformers
    Gguf gguf;            // of a GGUF file or its shards; n_pairs is 0 for others
    bool is_text_part;    // of a model with images: config and tensors are those of its text model
    size_t n_left_out;    // then: tensors of the rest
} Checkpoint;

// Where the files of a path really are: the snapshot of a cache's folder, the lone GGUF file of a directory, the first of a GGUF
// file's shards, else the path itself. In the arena.
Status checkpoint_resolve(Arena *arena, const char *path, const char **out, Error *err) MUST_CHECK;
// Whether a path is a file that begins as GGUF does.
bool checkpoint_is_gguf(const char *path);

// path: as checkpoint_resolve gives it.
Status checkpoint_open(const char *path, Checkpoint *out, Error *err) MUST_CHECK;
// The config alone; text goes into the arena.
Status checkpoint_config(Arena *arena, const char *path, ModelConfig *out, Error *err) MUST_CHECK;

// The tokenizer in a GGUF file: the tokenizer.json of a file of our own, else by what tokenizer.ggml.* say; *out stays NULL
// where there is neither.
Status checkpoint_gguf_tokenizer(const char *path, const Gguf *file, Tokenizer **out,
                                 Error *err) MUST_CHECK;
// The tokenizer of a path; STATUS_INVALID where there is none.
Status checkpoint_tokenizer(const char *path, Tokenizer **out, Error *err) MUST_CHECK;

// Whether the files have an output layer that differs from the embedding although it could be the same tensor. As in
// Transformers it is used then, whatever tie_word_embeddings says.
bool checkpoint_own_output(const Safetensors *tensors, const Architecture *architecture);
// The same for an encoder-decoder: whether the targets' table of words differs from the source's, and the output layer from that.
typedef struct CheckpointTables {
    bool of_targets, of_output;
} CheckpointTables;
CheckpointTables checkpoint_own_tables(const Safetensors *tensors,
                                       const Architecture *architecture);

// How an encoder makes one vector of a text: modules.json of sentence-transformers and what stands in its folders, or a GGUF file's
// metadata; the mean as it is where nothing is said. layers follow pooling, and norms follow layers.
typedef struct CheckpointEmbedding {
    EmbeddingPool pool;
    char pool_folder[64]; // whose config.json says so: "1_Pooling"
    bool is_normalized;
    EmbeddingLayer layers[EMBEDDING_MAX_LAYERS];
    size_t n_layers;
    const char
        *unsupported; // what else the files want that does not run here: "max pooling"; or NULL
} CheckpointEmbedding;
Status checkpoint_embedding(const Checkpoint *checkpoint, const char *path,
                            CheckpointEmbedding *out, Error *err) MUST_CHECK;
// Adds the weights of such layers, which stand in folders of their own: "2_Dense.linear.weight", ...
Status checkpoint_add_layers(Checkpoint *checkpoint, const char *path, const EmbeddingLayer *layers,
                             size_t n_layers, Error *err) MUST_CHECK;
void checkpoint_close(Checkpoint *checkpoint); // a no-op on a zeroed one

#endif
