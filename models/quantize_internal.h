// models/quantize_internal.h: between the sources of quantize.
#ifndef ASSAY_MODELS_QUANTIZE_INTERNAL_H
#define ASSAY_MODELS_QUANTIZE_INTERNAL_H

#include "models/checkpoint.h"
#include "models/gguf/gguf_export.h"
#include "models/quantize.h"

// A tensor to be written: from the checkpoint, or factors of a rotation.
typedef struct QuantizeSource {
    const SafeTensor *tensor; // NULL: factors
    const float *factors;
    const SafeTensor *const
        *experts; // all tensors of a stack, one after the other; NULL: `tensor` alone
    size_t n_experts;
    SafeChange change; // to be made; none where the source is GGUF already
    RowOrder order;    // of SAFE_REORDERED
    bool is_values;    // of SAFE_KEYS_VALUES: the one of its two tensors
} QuantizeSource;

typedef struct QuantizeWork {
    Checkpoint files;
    ModelConfig config;
    const QuantizeFormat *to;
    Arena *arena;
    Pool *pool;
    const atomic_int *cancel;
    QuantizeReport *report;
    SafeItem *items;
    QuantizeSource *sources;
    size_t n, capacity;
    const GgufFamily *family;
    bool is_tied;
    const SafeTensor *positions; // whose first rows go into the metadata; NULL: none
} QuantizeWork;

// Plans the factors of a rotation, which llama.cpp reads as tensors.
Status quantize_add_factors(QuantizeWork *work, const GgufRopeFactors *factors,
                            Error *err) MUST_CHECK;
// Experts are one tensor of all in GGUF (quantize_experts.c): *item and *source become those of the stack that begins with
// `tensor`, *is_member says that it belongs to one that begins elsewhere. Neither where it is no expert's.
Status quantize_stack_experts(QuantizeWork *work, const SafeTensor *tensor, SafeItem *item,
                              QuantizeSource *source, bool *is_member, Error *err) MUST_CHECK;

// Fills report->unsaid from the file that was written.
Status quantize_find_unsaid(QuantizeWork *work, const char *out_path, Error *err) MUST_CHECK;
// Fills report->unplaced from what was planned.
Status quantize_find_unplaced(QuantizeWork *work, Error *err) MUST_CHECK;
// The metadata of a model's folder; those of a GGUF file, as they are but for the format.
Status quantize_put_metadata(QuantizeWork *work, const char *path, GgufBuilder *b,
                             Error *err) MUST_CHECK;
// Rows [first, first + n) of a tensor to be written (see GgufFill); context is the work.
Status quantize_fill(void *context, size_t index, size_t first, size_t n, void *data,
                     Error *err) MUST_CHECK;
void quantize_copy_metadata(const Gguf *file, uint32_t file_type, GgufBuilder *b);

// quantize_format.c: a format's number in llama.cpp, and what it makes of a tensor.
uint32_t quantize_format_number(const QuantizeFormat *format);
TensorType quantize_choose_type(const QuantizeWork *work, Slice name, size_t n_dims,
                                const size_t *shape);

#endif
