// models/formats/gguf.h: the GGUF container, versions 2 and 3, read and written.
//
// A file (little-endian): "GGUF", u32 version, u64 number of tensors, u64 number of metadata pairs; the pairs (string key,
// u32 type, value; a string is a u64 length and its bytes, an array a u32 type, a u64 count and the elements); for each
// tensor its name, u32 dimensions, u64 sizes (the fastest first), u32 type, u64 offset; then, at the next multiple of
// general.alignment (32 where absent), the tensors' bytes. Source: github.com/ggml-org/ggml, docs/gguf.md.
// A model may be cut into shards, NAME-00001-of-00003.gguf and so on: each has the metadata split.no (from 0), split.count and
// split.tensors.count (of all shards together), the first alone the model's. Source: llama.cpp, tools/gguf-split.
// Reading trusts nothing: every length is held to what remains, keys and names are unique, offsets are aligned and lie in
// the file, tensors do not overlap, arrays nest at most GGUF_MAX_NESTING deep. Errors name file, key or tensor, and byte.
#ifndef ASSAY_MODELS_FORMATS_GGUF_H
#define ASSAY_MODELS_FORMATS_GGUF_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"
#include "models/formats/safetensors.h"

// As numbered in files.
typedef enum GgufType {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_TYPE_COUNT
} GgufType;

const char *gguf_type_name(GgufType type); // "u8", "string", ...

enum { GGUF_MAX_NESTING = 4, GGUF_MAX_DIMS = 4, GGUF_DEFAULT_ALIGNMENT = 32 };

// A value, checked but not copied: it borrows from the file.
typedef struct GgufValue {
    GgufType type; // of the value; of the elements where is_array (GGUF_ARRAY: arrays of arrays)
    bool is_array;
    size_t n;    // elements; 1 for a lone value
    Slice bytes; // the elements, without type and count
} GgufValue;

typedef struct GgufPair {
    Slice key;
    GgufValue value;
} GgufPair;

// One of the files that a model lies in.
typedef struct GgufFile {
    Slice path; // NUL-terminated
    Slice map;  // all of it, where gguf_open mapped it
    size_t n_tensors;
} GgufFile;

// Zeroed is empty.
typedef struct Gguf {
    Arena arena;
    Slice name;      // of the (first) file, for messages
    GgufFile *files; // one, or the shards in order
    size_t n_files;
    uint32_t version; // version, alignment and metadata are those of the first shard
    size_t alignment;
    GgufPair *pairs; // in the order of the file
    size_t n_pairs;
    const GgufPair **by_key; // sorted by key (bytes)
    SafeTensor *
        tensors; // in the order of the files; shapes with the slowest dimension first, as in safetensors
    size_t n_tensors;
} Gguf;

// Whether a file's bytes begin as GGUF does.
bool gguf_is(Slice bytes);
// From bytes in memory, which must outlive *out. name is the file's name for messages (copied).
Status gguf_parse(Slice name, Slice bytes, Gguf *out, Error *err) MUST_CHECK;
// The n shards of a model as one, in order; n is at least 2. Refused is a shard whose metadata give it another place, another number of shards or
// of tensors, or anything else than the first shard says of the model; a tensor that two have; shards that have more or fewer
// tensors together than they say.
Status gguf_parse_shards(const Slice *names, const Slice *bytes, size_t n, Gguf *out,
                         Error *err) MUST_CHECK;
// Mapped. path may be any shard of a model: all are opened, which lie beside it and are called as above.
Status gguf_open(const char *path, Gguf *out, Error *err) MUST_CHECK;
void gguf_close(Gguf *file); // a no-op on a zeroed one

// ---- the files of a model ----

// What a path says of the shard that a file is; prefix is all in front of "-00001-of-00003.gguf".
typedef struct GgufShardName {
    Slice prefix;
    size_t number, count; // number: from 1
} GgufShardName;
bool gguf_shard_name(Slice path, GgufShardName *out);
// The file, or where its metadata make it a shard, all shards in order; those that are not there are an error. Paths are put
// into the arena.
Status gguf_paths(Arena *arena, const char *path, const char ***paths, size_t *n,
                  Error *err) MUST_CHECK;

// ---- metadata ----

// NULL where there is no such key.
const GgufValue *gguf_find(const Gguf *file, const char *key);

// A lone value by key. Absent: *out stays as it was, *found (may be NULL) is false. Another type, or an integer outside
// [lowest, highest], is an error. Integers of every width and sign are integers; f32 and f64 (and integers) are numbers.
Status gguf_get_int(const Gguf *file, const char *key, int64_t lowest, int64_t highest,
                    int64_t *out, bool *found, Error *err) MUST_CHECK;
Status gguf_get_real(const Gguf *file, const char *key, double *out, bool *found,
                     Error *err) MUST_CHECK;
Status gguf_get_bool(const Gguf *file, const char *key, bool *out, bool *found,
                     Error *err) MUST_CHECK;
// Borrows from the file.
Status gguf_get_string(const Gguf *file, const char *key, Slice *out, bool *found,
                       Error *err) MUST_CHECK;

// A walk over an array; nothing is copied.
typedef struct GgufItems {
    GgufType type;
    size_t n; // elements left
    Slice rest;
} GgufItems;
// An array of strings, of integers (any), of reals (f32, f64), of booleans: `type` is GGUF_STRING, GGUF_I64, GGUF_F64 or
// GGUF_BOOL. Absent: no items, *found false. Anything else at the key is an error.
Status gguf_get_array(const Gguf *file, const char *key, GgufType type, GgufItems *out, bool *found,
                      Error *err) MUST_CHECK;
// The items of any array (those of arrays of arrays cannot be walked: there are none).
GgufItems gguf_items(const GgufValue *value);
// The next element; false at the end, or where the elements are of another kind.
bool gguf_next_string(GgufItems *items, Slice *out);
bool gguf_next_int(GgufItems *items,
                   int64_t *out); // booleans are 0 and 1; u64 above INT64_MAX is INT64_MAX
bool gguf_next_real(GgufItems *items, double *out);

// ---- tensors ----

const SafeTensor *gguf_tensor(const Gguf *file, Slice name); // NULL where there is none

// ---- writing ----

// Pairs put one after the other; memory that runs out is told by gguf_write. Zeroed is empty.
typedef struct GgufBuilder {
    Buffer pairs;
    uint64_t n_pairs;
} GgufBuilder;

void gguf_put_u32(GgufBuilder *b, const char *key, uint32_t value);
void gguf_put_i32(GgufBuilder *b, const char *key, int32_t value);
void gguf_put_f32(GgufBuilder *b, const char *key, float value);
void gguf_put_bool(GgufBuilder *b, const char *key, bool value);
void gguf_put_string(GgufBuilder *b, const char *key, Slice value);
void gguf_put_strings(GgufBuilder *b, const char *key, const Slice *values, size_t n);
void gguf_put_i32s(GgufBuilder *b, const char *key, const int32_t *values, size_t n);
void gguf_put_u32s(GgufBuilder *b, const char *key, const uint32_t *values, size_t n);
void gguf_put_f32s(GgufBuilder *b, const char *key, const float *values, size_t n);
void gguf_put_bytes(GgufBuilder *b, const char *key, Slice bytes); // an array of u8
void gguf_put_bools(GgufBuilder *b, const char *key, const bool *values, size_t n);
void gguf_put_value(GgufBuilder *b, Slice key, const GgufValue *value); // of a file, as it is
void gguf_builder_release(GgufBuilder *b);

// Writes rows [first, first + n) of items[index] to data; a row is a stretch of the last dimension, and a vector is one.
typedef Status (*GgufFill)(void *context, size_t index, size_t first, size_t n, void *data,
                           Error *err);

// Version 3, alignment 32, tensors in the order given; written anew and renamed. Types are F32, F16, BF16, the block formats,
// F64 and signed integers; others, rows that are no whole blocks, names given twice or longer than 63 bytes (which readers
// refuse) are refused. fill, which is
// asked for a few megabytes at a time, may be NULL where every item has data.
Status gguf_write(const char *path, const GgufBuilder *metadata, const SafeItem *items,
                  size_t n_items, GgufFill fill, void *context, Error *err) MUST_CHECK;

// The number that files give a type, and back; false where GGUF has none or we do not know it.
bool gguf_type_of_tensor(TensorType type, uint32_t *out);
bool gguf_tensor_type(uint32_t number, TensorType *out);

#endif
