// models/gguf/gguf_export_internal.h: between gguf_export.c, which tells a config.json as metadata, and what it tells part by part.
#ifndef ASSAY_MODELS_GGUF_EXPORT_INTERNAL_H
#define ASSAY_MODELS_GGUF_EXPORT_INTERNAL_H

#include "models/gguf/gguf_export.h"

// A config.json that is being told as metadata. The first error is kept; later calls do nothing.
typedef struct GgufExport {
    GgufBuilder *b;
    const Json *config, *rope; // rope: rope_parameters, or rope_scaling, or NULL
    const char *architecture;
    const ModelConfig *parsed; // the config understood, of the families that are told by it
    size_t head_dim, rotary_dims;
    Status status;
    Error *err;
} GgufExport;

enum { EXPORT_KEY_SIZE = 128, EXPORT_MAX_SIZE = 1 << 24 };

// ---- gguf_export.c: `rest` is a key without the architecture's name and its dot ----

const char *export_key(const GgufExport *out, const char *rest, char key[EXPORT_KEY_SIZE]);
double export_real(GgufExport *out, const Json *object, const char *name, double missing);
void export_put_size(GgufExport *out, const char *rest, size_t value);
void export_put_real(GgufExport *out, const char *rest, double value);
void export_put_text(GgufExport *out, const char *rest, Slice value);

// ---- gguf_export_rope.c ----

// The rotation of decoders; factors of its frequencies come back apart, as they are a tensor in GGUF.
void export_put_rope(GgufExport *out, size_t context, Arena *arena, GgufRopeFactors *factors);

// ---- gguf_export_parsed.c ----

// Whether config.json's own names are left to model_config_parse.
bool export_reads_parsed(Slice model_type);
// All that the config understood says.
void export_put_parsed(GgufExport *out, Arena *arena, GgufRopeFactors *factors);

#endif
