// models/gguf/gguf_import_internal.h: between gguf_import.c, which tells a GGUF file's metadata as a config.json, and what it tells
// part by part.
#ifndef ASSAY_MODELS_GGUF_IMPORT_INTERNAL_H
#define ASSAY_MODELS_GGUF_IMPORT_INTERNAL_H

#include "base/json_writer.h"
#include "models/gguf/gguf_model.h"

// A GGUF file that is being told as a config.json. The first error is kept; later calls do nothing.
typedef struct GgufImport {
    const Gguf *file;
    const char *architecture; // as the file has it
    const GgufFamily *family; // what it is told as
    JsonWriter w;
    Status status;
    Error *err;
    size_t n_layers, n_heads, head_dim, hidden_size;
    size_t n_further;   // blocks behind the last of n_layers, for guesses at further tokens
    size_t n_experts;   // of a layer; 0 without
    size_t rotary_dims; // columns of a head that turn
} GgufImport;

enum { IMPORT_MAX_SIZE = 1 << 24, IMPORT_KEY_SIZE = 128 };

// ---- gguf_import_read.c: `rest` is a key without the architecture's name and its dot ----

const char *import_key(const GgufImport *in, const char *rest, char out[IMPORT_KEY_SIZE]);
// A size under an architecture's key; *out stays where it is absent or 0 (no window). A list of one number for each block (models
// whose blocks differ) is taken where all its numbers are equal.
bool import_size(GgufImport *in, const char *rest, size_t *out);
void import_want_size(GgufImport *in, const char *rest, size_t *out); // absent is an error
bool import_real(GgufImport *in, const char *rest, double *out);
// `missing` where it is absent.
bool import_flag(GgufImport *in, const char *rest, bool missing);

void import_put_size(GgufImport *in, const char *key, size_t value);
// As the shortest decimal of the f32 that the file has.
void import_put_real(GgufImport *in, const char *key, double value);
void import_put_text(GgufImport *in, const char *key, const char *value);
void import_put_flag(GgufImport *in, const char *key, bool value);
// What the file has under `rest`, as config.json's `key`; a size must be there.
void import_copy_size(GgufImport *in, const char *rest, const char *key);
void import_copy_real(GgufImport *in, const char *rest, const char *key);
void import_copy_flag(GgufImport *in, const char *rest, const char *key);

bool import_has_tensor(const GgufImport *in, const char *name);
// A tensor of block i by the part of its name behind that; NULL where there is none.
const SafeTensor *import_block_tensor(const GgufImport *in, size_t i, const char *rest);
// Rows of a table, the only place that surely says how many there are.
void import_put_rows(GgufImport *in, const char *tensor, const char *key);

// Which blocks see near tokens alone: all but every so-manieth (0: none), the first among these or the last, or what the file says.
void import_put_layer_types(GgufImport *in, size_t period, bool first_is_full);

// ---- gguf_import_rope.c, gguf_import_decoder.c, gguf_import_encoder.c, gguf_import_deepseek.c ----

void import_put_rope(GgufImport *in);
void import_put_decoder(GgufImport *in);
void import_put_mpt(GgufImport *in);
void import_put_encoder(GgufImport *in);
void import_put_deepseek(GgufImport *in);
// Experts beside some of every token; is_corrected: chosen by sigmoids and a bias.
void import_put_shared_experts(GgufImport *in, bool is_corrected);

#endif
