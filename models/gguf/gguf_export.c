// config.json as metadata: by its own names, of the families whose files all spell it alike; the others by gguf_export_parsed.c.
#include "models/gguf/gguf_export_internal.h"

#include <string.h>

#include "models/config_read.h"

const char *export_key(const GgufExport *out, const char *rest, char key[EXPORT_KEY_SIZE])
{
    snprintf(key, EXPORT_KEY_SIZE, "%s.%s", out->architecture, rest);
    return key;
}

// A size under the first of two names; `missing` where neither is there.
static size_t size_of(GgufExport *out, const char *name, const char *other, size_t missing)
{
    int64_t value = (int64_t)missing;
    if (out->status != STATUS_OK) return missing;
    const char *used = config_has(out->config, name) || !other ? name : other;
    out->status = json_opt_i64(out->config, used, 0, EXPORT_MAX_SIZE, &value, out->err);
    return (size_t)value;
}

double export_real(GgufExport *out, const Json *object, const char *name, double missing)
{
    double value = missing;
    if (out->status == STATUS_OK && object)
        out->status = json_opt_double(object, name, -1e30, 1e30, &value, out->err);
    return value;
}

void export_put_size(GgufExport *out, const char *rest, size_t value)
{
    char key[EXPORT_KEY_SIZE];
    gguf_put_u32(out->b, export_key(out, rest, key), (uint32_t)value);
}

void export_put_real(GgufExport *out, const char *rest, double value)
{
    char key[EXPORT_KEY_SIZE];
    gguf_put_f32(out->b, export_key(out, rest, key), (float)value);
}

void export_put_text(GgufExport *out, const char *rest, Slice value)
{
    char key[EXPORT_KEY_SIZE];
    gguf_put_string(out->b, export_key(out, rest, key), value);
}

static void put_decoder(GgufExport *out, size_t n_heads, Arena *arena, GgufRopeFactors *factors)
{
    const size_t context = size_of(out, "max_position_embeddings", NULL, 2048);
    export_put_size(out, "context_length", context);
    export_put_size(out, "attention.head_count_kv",
                    size_of(out, "num_key_value_heads", NULL, n_heads));
    export_put_size(out, "attention.key_length", out->head_dim);
    export_put_size(out, "attention.value_length", out->head_dim);
    export_put_real(out, "attention.layer_norm_rms_epsilon",
                    export_real(out, out->config, "rms_norm_eps", 1e-6));
    if (strcmp(out->architecture, "phi3") == 0)
        export_put_size(out, "attention.sliding_window", size_of(out, "sliding_window", NULL, 0));
    export_put_rope(out, context, arena, factors);
}

static void put_t5(GgufExport *out)
{
    const size_t n_layers = size_of(out, "num_layers", NULL, 6);
    const double epsilon = export_real(out, out->config, "layer_norm_epsilon", 1e-6);
    export_put_size(out, "context_length", size_of(out, "n_positions", NULL, 512));
    export_put_size(out, "decoder_block_count", size_of(out, "num_decoder_layers", NULL, n_layers));
    export_put_size(out, "attention.key_length", out->head_dim);
    export_put_size(out, "attention.value_length", out->head_dim);
    export_put_size(out, "attention.relative_buckets_count",
                    size_of(out, "relative_attention_num_buckets", NULL, 32));
    export_put_real(out, "attention.layer_norm_epsilon", epsilon);
    export_put_real(out, "attention.layer_norm_rms_epsilon", epsilon);
    export_put_size(out, "decoder_start_token_id", size_of(out, "decoder_start_token_id", NULL, 0));
}

static void put_sizes(GgufExport *out, size_t vocab_size, Arena *arena, GgufRopeFactors *factors)
{
    const bool is_t5 = strncmp(out->architecture, "t5", 2) == 0;
    const size_t hidden = size_of(out, "hidden_size", is_t5 ? "d_model" : "n_embd", 1);
    const size_t n_heads = size_of(out, "num_attention_heads", is_t5 ? "num_heads" : "n_head", 1);
    const size_t usual_inner = 4 * hidden;
    out->head_dim =
        size_of(out, "head_dim", is_t5 ? "d_kv" : NULL, n_heads > 0 ? hidden / n_heads : 1);
    export_put_size(out, "vocab_size", vocab_size);
    export_put_size(out, "embedding_length", hidden);
    export_put_size(out, "block_count",
                    size_of(out, "num_hidden_layers", is_t5 ? "num_layers" : "n_layer", 1));
    export_put_size(out, "feed_forward_length",
                    size_of(out, "intermediate_size", is_t5 ? "d_ff" : "n_inner", usual_inner));
    export_put_size(out, "attention.head_count", n_heads);
    if (is_t5) {
        put_t5(out);
    } else if (strcmp(out->architecture, "gpt2") == 0) {
        export_put_size(out, "context_length", size_of(out, "n_positions", "n_ctx", 1024));
        export_put_real(out, "attention.layer_norm_epsilon",
                        export_real(out, out->config, "layer_norm_epsilon", 1e-5));
    } else {
        put_decoder(out, n_heads, arena, factors);
    }
}

Status gguf_put_config(GgufBuilder *b, const Json *config, Slice name, uint32_t file_type,
                       size_t vocab_size, Arena *arena, GgufRopeFactors *factors, Error *err)
{
    Slice model_type = {0};
    *factors = (GgufRopeFactors){0};
    TRY(json_want_string(config, "model_type", &model_type, err));
    const GgufFamily *family = NULL;
    TRY(gguf_family_of_config(config, &family, err));
    gguf_put_string(b, "general.architecture",
                    family ? slice_from_cstr(family->architecture) : model_type);
    gguf_put_string(b, "general.name", name);
    gguf_put_u32(b, "general.file_type", file_type);
    gguf_put_u32(b, "general.quantization_version", 2);
    if (!family) return STATUS_OK;
    GgufExport out = {.b = b, .config = config, .architecture = family->architecture, .err = err};
    ModelConfig parsed;
    if (export_reads_parsed(model_type)) {
        TRY(model_config_parse(arena, config, &parsed, err));
        parsed.vocab_size = vocab_size;
        out.parsed = &parsed;
        export_put_parsed(&out, arena, factors);
        return out.status;
    }
    put_sizes(&out, vocab_size, arena, factors);
    return out.status;
}
