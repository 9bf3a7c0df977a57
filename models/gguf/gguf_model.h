// models/gguf/gguf_model.h: a GGUF file as Transformers would have it: a config.json and tensors under Transformers' names.
//
// Files of other programs are known by general.architecture (gguf_names.c lists them). Files of
// our own carry the original config.json ("assay.config") besides what llama.cpp reads, so that nothing of it is lost, and
// tensors that GGUF has no name for keep their own: so every architecture that runs here can be stored.
#ifndef ASSAY_MODELS_GGUF_MODEL_H
#define ASSAY_MODELS_GGUF_MODEL_H

#include "base/buffer.h"
#include "base/json.h"
#include "models/config.h"
#include "models/formats/gguf.h"

// Metadata that only files of our own have.
#define GGUF_KEY_CONFIG     "assay.config"
#define GGUF_KEY_GENERATION "assay.generation_config" // generation_config.json
#define GGUF_KEY_NOTE       "assay.note" // assay.json of what was tuned: harness/note.h
// All of tokenizer.json, as the specification of GGUF names it.
#define GGUF_KEY_TOKENIZER "tokenizer.huggingface.json"

enum { GGUF_NAME_SIZE = 64 };

// What differs between a family of models in Transformers and in GGUF.
typedef struct GgufFamily {
    const char *architecture; // general.architecture
    const char *model_type;   // of config.json
    const char *class_name;   // of a file that does not say
    const struct GgufName *names;
    size_t n_names;
    bool has_rope_pairs; // rows of query and key are stored pair by pair: 0, d/2, 1, d/2 + 1, ...
    bool adds_one;       // weights of norms are stored with 1 added
} GgufFamily;

// NULL where GGUF has no such model (then names are kept).
const GgufFamily *gguf_family_of_model(Slice model_type);
// The same by all of a config.json: T5's names differ where its feed-forward blocks have a gate, Falcon's with the number of norms.
Status gguf_family_of_config(const Json *config, const GgufFamily **out, Error *err) MUST_CHECK;
const GgufFamily *gguf_family_of_file(Slice architecture);
// "llama, qwen2, ..": the architectures of files that are known.
void gguf_list_families(char *out, size_t size);
// A tensor's name the one way and the other; false where the family has no such name.
bool gguf_name_from_model(const GgufFamily *family, Slice name, char out[GGUF_NAME_SIZE]);
bool gguf_name_to_model(const GgufFamily *family, Slice name, char *out, size_t size);
// How a tensor, by its name in Transformers, is stored in GGUF: see SafeChange.
SafeChange gguf_change(const GgufFamily *family, Slice name);

// How many heads the rows of a query's or key's weight (by its name in Transformers) make up.
Status gguf_count_heads(const Json *config, Slice name, size_t rows, size_t *out,
                        Error *err) MUST_CHECK;
// In which order the tensor of queries, keys and values (`rows` of them) stands in Transformers. GGUF has it as it is used.
Status gguf_stacked_order(const ModelConfig *config, Slice name, size_t rows, RowOrder *out,
                          Error *err) MUST_CHECK;

// The file's config.json. A model that is split over files, or of an architecture not known here, is refused.
Status gguf_config(const Gguf *file, Buffer *json, Error *err) MUST_CHECK;
// The file's tensors, named and shaped as in Transformers, sorted; they borrow from the file. config is the document of
// gguf_config. Tensors whose values follow from the config (rope_freqs) are left out.
Status gguf_tensors(const Gguf *file, const Json *config, Safetensors *out, Error *err) MUST_CHECK;

#endif
