// models/formats/safetensors.h: the safetensors container, read and written.
//
// A file is: the header's length (u64, little-endian), a JSON header, the tensors' bytes. The header maps each name to
// {"dtype", "shape", "data_offsets": [begin, end)} (relative to the first byte after the header) and may hold
// "__metadata__", a map of texts. Source: github.com/huggingface/safetensors, README "Format".
// Reading trusts nothing: the header must fit the file, names are unique, sizes match shape and dtype, and the tensors
// cover the data without hole or overlap. Errors name file and tensor.
#ifndef ASSAY_MODELS_FORMATS_SAFETENSORS_H
#define ASSAY_MODELS_FORMATS_SAFETENSORS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "kernels/tensor.h"
#include "models/formats/row_order.h"

typedef enum TensorType {
    TENSOR_F64,
    TENSOR_I64,
    TENSOR_U64,
    TENSOR_F32,
    TENSOR_I32,
    TENSOR_U32,
    TENSOR_F16,
    TENSOR_BF16,
    TENSOR_I16,
    TENSOR_U16,
    TENSOR_I8,
    TENSOR_U8,
    TENSOR_BOOL,
    TENSOR_F8_E4M3,
    TENSOR_F8_E5M2,
    TENSOR_SAFE_COUNT, // those above stand in safetensors files; those below, in blocks (kernels/quant.h), in GGUF files alone
    TENSOR_Q8_0 = TENSOR_SAFE_COUNT,
    TENSOR_Q4_0,
    TENSOR_Q4_1,
    TENSOR_Q5_0,
    TENSOR_Q5_1,
    TENSOR_Q4_K,
    TENSOR_Q5_K,
    TENSOR_Q6_K,
    TENSOR_Q2_K,
    TENSOR_Q3_K,
    TENSOR_IQ4_NL,
    TENSOR_IQ4_XS,
    TENSOR_MXFP4, // in safetensors files as two tensors of bytes (models/checkpoint_experts.c)
    TENSOR_TYPE_COUNT
} TensorType;

const char *tensor_type_name(TensorType type); // "F32", as in files
size_t tensor_type_size(TensorType type);      // bytes of one element, or of a block
size_t tensor_type_block(TensorType type);     // elements of a block, 1 for plain types
// Whether kernels know the numbers as a DType: F64, F32, F16, BF16 and the block formats.
bool tensor_type_dtype(TensorType type, DType *out);
// Bytes of a tensor; false where that overflows or its rows (the last dimension) are no whole blocks.
bool tensor_type_bytes(TensorType type, size_t n_dims, const size_t *shape, size_t *n_elements,
                       size_t *size_bytes);

enum { SAFETENSORS_MAX_DIMS = 8, SAFETENSORS_MAX_HEADER = 100 * 1000 * 1000 };

// How a tensor's numbers as stored differ from those that it stands for. Reading undoes it; only GGUF files have any.
typedef enum SafeChange {
    SAFE_AS_IS,
    // Row r is stored as row row_order_in_tensor(order, .., r): Llama's queries and keys, whose rotations are of neighbours in
    // GGUF and of halves in Transformers; queries, keys and values of one tensor, which GGUF has one after the other.
    SAFE_REORDERED,
    SAFE_LESS_ONE,   // 1 must be taken off (Gemma's norms, whose weights are added to 1)
    SAFE_TRANSPOSED, // stored [shape[1], shape[0]] (GPT-2's layers, inputs first in Transformers)
    // Numbers do not lie side by side, or scales lie apart from their blocks: SafeSpread. Safetensors files have these (gpt-oss).
    SAFE_SPREAD,
    // In two tensors of three dimensions, head by head: of keys with rows and columns exchanged, and of values. The rows of a head are
    // those of its keys, then those of its values (DeepSeek's, as GGUF has them).
    SAFE_KEYS_VALUES,
    SAFE_JOINED, // the rows of one tensor, then those of another (Granite 4's gates and what they gate, which GGUF has apart)
    // F8_E4M3 of two dimensions, of which every rectangle has a scale: SafeScales. Safetensors files have these ("fp8").
    SAFE_SCALED,
} SafeChange;

// Bytes from a row to the next, and from a number to the next in a row; 0 columns: whole rows. scales: of MXFP4 in two tensors,
// whose blocks are 16 bytes of codes (of numbers 2 i and 2 i + 1 in the halves of byte i) and a scale each.
typedef struct SafeSpread {
    size_t row_step, col_step;
    const char *scales; // NULL: blocks are whole
    size_t scale_step;  // from the scales of a row to those of the next
} SafeSpread;

// A number's scale is scales[row / rows * n + column / cols].
typedef struct SafeScales {
    const float *scales;
    size_t rows, cols; // of a rectangle
    size_t n;          // rectangles from left to right
} SafeScales;

// One tensor of a file; it borrows from it.
typedef struct SafeTensor {
    Slice name;
    TensorType type;
    size_t n_dims;
    size_t shape[SAFETENSORS_MAX_DIMS];
    size_t n_elements;
    Slice
        data; // tensor_type_bytes of it, of no particular alignment; of SAFE_SPREAD what they lie within
    Slice file;   // where it stands, for messages
    Slice mapped; // all of the file, where it is mapped
    SafeChange change;
    RowOrder order;                         // of SAFE_REORDERED, else zeroed; fits shape[0]
    SafeSpread spread;                      // of SAFE_SPREAD
    const struct SafeTensor *keys, *values; // of SAFE_KEYS_VALUES, whose data are those of keys
    const struct SafeTensor *upper, *lower; // of SAFE_JOINED, whose data are those of upper
    SafeScales scaled;                      // of SAFE_SCALED
} SafeTensor;

typedef struct SafeMetadata {
    Slice key, value;
} SafeMetadata;

// Zeroed is empty.
typedef struct Safetensors {
    Arena arena; // owns all but the bytes
    Slice *maps; // mapped files
    size_t n_maps;
    SafeTensor *tensors; // sorted by name (bytes)
    size_t n_tensors;
    SafeMetadata *metadata; // of the (first) file, in its order
    size_t n_metadata;
} Safetensors;

// From bytes in memory, which must outlive *out. name is the file's name for messages.
Status safetensors_parse(Slice name, Slice bytes, Safetensors *out, Error *err) MUST_CHECK;
// One file, mapped.
Status safetensors_open(const char *path, Safetensors *out, Error *err) MUST_CHECK;
// Several files as one; a name that two of them have is refused.
Status safetensors_open_files(const char *const *paths, size_t n_paths, Safetensors *out,
                              Error *err) MUST_CHECK;
// A model's directory: model.safetensors, else all the shards that model.safetensors.index.json names. STATUS_NOT_FOUND
// where neither is there. A tensor that the index places in another shard than it is in is refused.
Status safetensors_open_model(const char *directory, Safetensors *out, Error *err) MUST_CHECK;
// Puts the tensors of `from` beside those of `to`, each under `prefix` and its name; `from` is empty then. A name that both have is
// refused.
Status safetensors_join(Safetensors *to, Safetensors *from, const char *prefix,
                        Error *err) MUST_CHECK;
void safetensors_close(Safetensors *file); // a no-op on a zeroed one

// Lets go of memory that a part of a tensor's data takes, where its file is mapped, and of what the system has mapped around it;
// reading brings it back.
void safetensor_drop(const SafeTensor *tensor, Slice part);

// NULL where there is none of that name.
const SafeTensor *safetensors_find(const Safetensors *file, Slice name);
void safetensors_sort(Safetensors *file); // by name, in which order safetensors_find wants them
// Of sorted ones: no two have one name.
Status safetensors_want_distinct(const Safetensors *file, Error *err) MUST_CHECK;
// The value of a metadata key; ptr NULL where absent.
Slice safetensors_metadata(const Safetensors *file, const char *key);

// All elements as f32 into out [n_elements]. F32, F16, BF16 and blocks exactly; F64 rounded to nearest; integers up to 32 bits
// and booleans rounded to nearest; SAFE_SCALED times their scales. Other F8 and 64-bit integers are refused.
Status safetensor_read_f32(const SafeTensor *tensor, float *out, Error *err) MUST_CHECK;
// Numbers [first, first + n) of a tensor that is SAFE_SCALED.
void safetensor_read_scaled(const SafeTensor *tensor, size_t first, size_t n, float *out);
// Rows [first, first + n) of shape[0] of a tensor that is neither SAFE_LESS_ONE nor SAFE_TRANSPOSED, in the same way.
Status safetensor_read_rows_f32(const SafeTensor *tensor, size_t first, size_t n, float *out,
                                Error *err) MUST_CHECK;
// Where row `row` of shape[0] is stored, whole blocks one after the other; not for SAFE_TRANSPOSED or no dimensions. room: of
// safetensor_row_bytes, in which rows of SAFE_SPREAD are put together; others leave it alone.
const void *safetensor_row(const SafeTensor *tensor, size_t row, void *room);
// Bytes of a row of a matrix, or of a vector, put together; of all of a tensor.
size_t safetensor_row_bytes(const SafeTensor *tensor);
size_t safetensor_bytes(const SafeTensor *tensor);
// All elements as int32: I32, I64 (refused out of range), I16, I8, U8, BOOL.
Status safetensor_read_i32(const SafeTensor *tensor, int32_t *out, Error *err) MUST_CHECK;
// Fails unless the shape is exactly this; the message has both.
Status safetensor_want_shape(const SafeTensor *tensor, size_t n_dims, const size_t *shape,
                             Error *err) MUST_CHECK;

// What says how a file's tensors should be, for messages: config.json, or a GGUF file's own metadata.
const char *safetensors_config_name(Slice file);

// ---- writing ----

// A tensor to be written. data holds its bytes; NULL: `fill` gives them when their turn comes.
typedef struct SafeItem {
    Slice name;
    TensorType type;
    size_t n_dims;
    size_t shape[SAFETENSORS_MAX_DIMS];
    const void *data;
} SafeItem;

// Writes the bytes of items[index] to data.
typedef Status (*SafeFill)(void *context, size_t index, void *data, Error *err);

// The file, written anew and renamed. Tensors come in the order of the reference writer (wider types first, then by name),
// so that equal content gives equal bytes; the header is padded with blanks to a multiple of 8. fill may be NULL where
// every item has data. Duplicate names are refused.
Status safetensors_write(const char *path, const SafeItem *items, size_t n_items,
                         const SafeMetadata *metadata, size_t n_metadata, SafeFill fill,
                         void *context, Error *err) MUST_CHECK;

#endif
