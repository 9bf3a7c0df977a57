// tests/models/shards.h: a GGUF file cut into shards, as llama-gguf-split does, or as nobody should.
#ifndef ASSAY_TESTS_MODELS_SHARDS_H
#define ASSAY_TESTS_MODELS_SHARDS_H

#include "models/formats/gguf.h"

typedef struct Shard {
    size_t no, count, n_tensors; // what its metadata say
    size_t first, n;             // the tensors that it has
    bool is_named;               // says a general.name of its own
    bool is_unsaid;              // says no split.no
} Shard;
// The first shard has all metadata of the file, others none.
void write_shard(const char *from, const char *to, const Shard *shard);
// "FOLDER/NAME-00002-of-00003.gguf", valid until the third call from now; number counts from 1.
const char *shard_path(const char *folder, const char *name, size_t number, size_t count);
// All of them, into FOLDER, which is made where it is not there; first_is_bare: the first has metadata alone.
void cut_gguf(const char *from, const char *folder, const char *name, size_t count,
              bool first_is_bare);

#endif
