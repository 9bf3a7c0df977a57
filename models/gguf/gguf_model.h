// models/gguf/gguf_model.h: a GGUF file as Transformers would have it: a config.json and tensors under Transformers' names.
//
// Files of other programs are known by general.architecture (gguf_names.c lists them). Files of
// our own carry the original config.json ("assay.config") besides what llama.cpp reads, so that nothing of it is lost, and
// tensors that GGUF has no name for keep their own: so every architecture that runs here can be stored.
#ifndef ASSAY_MODELS_GGUF_MODEL_H
#define ASSAY_MODELS_GGUF_MODEL_H

#include "base/buffer.h"
#include "base/json.h"
#include "base/name_list.h"
#include "models/config.h"
#include "models/formats/gguf.h"

// Metadata that only files of our own have.
#define GGUF_KEY_CONFIG     "assay.config"
#define GGUF_KEY_GENERATION "assay.generation_config" // generation_config.json
// Rows of RoBERTa's table of positions before that of the first token, which llama.cpp's table begins with.
#define GGUF_KEY_FIRST_POSITIONS "assay.first_positions"
#define GGUF_KEY_NOTE            "assay.note" // assay.json of what was tuned: harness/note.h
// All of tokenizer.json, as the specification of GGUF names it.
#define GGUF_KEY_TOKENIZER "tokenizer.huggingface.json"

enum { GGUF_NAME_SIZE = 64 };

// In which order rows of queries and keys are stored where that is not Transformers' own.
typedef enum GgufRows {
    GGUF_ROWS_IN_ORDER,
    GGUF_ROWS_IN_PAIRS, // of a head: 0, d/2, 1, d/2 + 1, ...
    GGUF_ROWS_STACKED, // one tensor of all queries, keys and values, which Transformers has group by group
} GgufRows;

// What differs between a family of models in Transformers and in GGUF.
typedef struct GgufFamily {
    const char *architecture; // general.architecture
    const char *model_type;   // of config.json
    const char *class_name;   // of a file that does not say
    const struct GgufName *names;
    size_t n_names;
    GgufRows rows;
    bool adds_one; // weights of norms are stored with 1 added
} GgufFamily;

// NULL where GGUF has no such model (then names are kept).
const GgufFamily *gguf_family_of_model(Slice model_type);
// The same by all of a config.json: T5's names differ where its feed-forward blocks have a gate, its encoder alone is another architecture, Falcon's with the number of norms;
// of Gemma 3 those that see both ways have an architecture of their own.
Status gguf_family_of_config(const Json *config, const GgufFamily **out, Error *err) MUST_CHECK;
const GgufFamily *gguf_family_of_file(Slice architecture);
// Of an architecture the one that is told as a model_type.
const GgufFamily *gguf_family_of_both(Slice architecture, Slice model_type);
// The architectures of files that are known.
void gguf_list_families(NameList *out);
// A tensor's name the one way and the other; false where the family has no such name.
bool gguf_name_from_model(const GgufFamily *family, Slice name, char out[GGUF_NAME_SIZE]);
bool gguf_name_to_model(const GgufFamily *family, Slice name, char *out, size_t size);
// How a tensor, by its name in Transformers, is stored in GGUF: see SafeChange.
SafeChange gguf_change(const GgufFamily *family, Slice name);

// The order of a SAFE_REORDERED tensor of n_rows rows, by its name in Transformers.
Status gguf_row_order(const GgufFamily *family, const ModelConfig *config, Slice name,
                      size_t n_rows, RowOrder *out, Error *err) MUST_CHECK;

// The file's config.json. A model that is split over files, or of an architecture not known here, is refused.
Status gguf_config(const Gguf *file, Buffer *json, Error *err) MUST_CHECK;
// What its metadata alone tell, as other programs read them, where it carries a config.json too.
Status gguf_config_told(const Gguf *file, Buffer *json, Error *err) MUST_CHECK;
// The file's tensors, named and shaped as in Transformers, sorted; they borrow from the file. config is the document of
// gguf_config. Tensors whose values follow from the config (rope_freqs) are left out.
Status gguf_tensors(const Gguf *file, const Json *config, Safetensors *out, Error *err) MUST_CHECK;

#endif
