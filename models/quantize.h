// models/quantize.h: a model's files written as one GGUF file, in a chosen format of numbers.
//
// A format has one type for most matrices; those with _s, _m and _l in their names, q2_k, iq4_nl and iq4_xs keep some better, as
// llama.cpp's formats of these names do. Vectors, tables of positions and of token types stay F32, as llama.cpp keeps them. Where
// a row is no whole number of blocks the next type that fits is taken: Q4_K -> Q5_0, Q5_K -> Q5_1, Q6_K -> Q8_0, Q3_K, Q2_K and
// IQ4_XS -> IQ4_NL, and F16 where rows are no multiple of 32. With types of blocks of 256 and with IQ4_NL the output layer (or the
// embedding that serves as it) is Q6_K.
// Some megabytes of a tensor at a time are in memory. Numbers that are not finite, and tensors that the model does not know, are refused.
#ifndef ASSAY_MODELS_QUANTIZE_H
#define ASSAY_MODELS_QUANTIZE_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/pool.h"
#include "models/formats/safetensors.h"

// What became of a tensor.
typedef struct QuantizedTensor {
    Slice name; // in the GGUF file
    TensorType from, to;
    size_t n_dims;
    size_t shape[SAFETENSORS_MAX_DIMS]; // in the GGUF file, the slowest first
    size_t n_elements;
    uint64_t bytes_before, bytes_after;
    double
        error; // root of the mean squared error, as a share of the root mean square of the numbers
    double worst;  // largest error of a number
    double square; // sums for totals: of squared errors and of squares
    double square_of_all;
} QuantizedTensor;

typedef struct QuantizeReport {
    const char *path; // where the model was
    QuantizedTensor *tensors;
    size_t n_tensors;
    uint64_t bytes_before, bytes_after; // of tensors
    double error;                       // of all matrices together
    Slice
        unsaid; // what llama.cpp is not told of the model, so that its answers differ; empty = nothing that is known
    // Why llama.cpp does not open the file, to be read after "llama.cpp": "has no place for tensor .."; empty = nothing that is known.
    Slice unplaced;
} QuantizeReport;

// What a file's tensors become (quantize_format.c).
typedef struct QuantizeFormat QuantizeFormat;
extern const char *const quantize_format_names[]; // in the order people see; NULL at the end
const QuantizeFormat *
quantize_format_find(Slice name); // "q4_k_m"; NULL where there is none of that name
const QuantizeFormat *quantize_format_of(TensorType type); // the plainest one of that type, or NULL

// The report's memory is the arena's. path: see models/checkpoint.h. The file is written anew and renamed;
// where *cancel (it may be NULL) becomes other than 0 nothing is left of it.
Status model_quantize(const char *path, const QuantizeFormat *to, const char *out_path, Pool *pool,
                      const atomic_int *cancel, Arena *arena, QuantizeReport *report,
                      Error *err) MUST_CHECK;

#endif
