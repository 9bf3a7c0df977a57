// The formats of whole files: which type each tensor gets.
#include "kernels/quant.h"
#include "models/quantize_internal.h"

// ---- tables ----

// Matrices that a format may keep better than the rest, by a part of their names in GGUF.
typedef enum MixPlace { MIX_VALUES, MIX_KEYS, MIX_ATTENTION_OUTPUT, MIX_DOWN } MixPlace;

static const char *const place_names[][2] = {
    [MIX_VALUES] = {"attn_v.weight", "attn_qkv.weight"},
    [MIX_KEYS] = {"attn_k.weight"},
    [MIX_ATTENTION_OUTPUT] = {"attn_output.weight"},
    [MIX_DOWN] = {"ffn_down"},
};

typedef enum MixWhen {
    ALWAYS,
    FIRST_TWO, // blocks
    FIRST_FOUR,
    FIRST_SIXTEENTH,
    FIRST_EIGHTH,
    ENDS_AND_THIRDS, // the first and last eighth, and every third between them
    SHARED_KEYS,     // a head of keys serves four of queries or more, so that values are few
    EIGHT_EXPERTS,   // of a layer: its attention is a small part of the whole
} MixWhen;

// The first rule that fits a tensor holds.
typedef struct MixRule {
    MixPlace place;
    MixWhen when;
    TensorType type;
} MixRule;

#define FOR_EIGHT_EXPERTS                     \
    {MIX_VALUES, EIGHT_EXPERTS, TENSOR_Q8_0}, \
    {                                         \
        MIX_KEYS, EIGHT_EXPERTS, TENSOR_Q8_0  \
    }
#define OUTPUT_FOR_EIGHT                                 \
    {                                                    \
        MIX_ATTENTION_OUTPUT, EIGHT_EXPERTS, TENSOR_Q5_K \
    }

// As llama.cpp's llama-quantize has them (its exceptions for Falcon and for Llama 70B are left out).
static const MixRule mix_q2_k[] = {
    FOR_EIGHT_EXPERTS,
    OUTPUT_FOR_EIGHT,
    {MIX_VALUES, SHARED_KEYS, TENSOR_Q4_K},
    {MIX_VALUES, ALWAYS, TENSOR_Q3_K},
    {MIX_ATTENTION_OUTPUT, ALWAYS, TENSOR_Q3_K},
    {MIX_DOWN, ALWAYS, TENSOR_Q3_K},
};
static const MixRule mix_q3_k_s[] = {FOR_EIGHT_EXPERTS, OUTPUT_FOR_EIGHT};
static const MixRule mix_q3_k_m[] = {
    FOR_EIGHT_EXPERTS,
    OUTPUT_FOR_EIGHT,
    {MIX_VALUES, FIRST_TWO, TENSOR_Q5_K},
    {MIX_VALUES, ALWAYS, TENSOR_Q4_K},
    {MIX_ATTENTION_OUTPUT, ALWAYS, TENSOR_Q4_K},
    {MIX_DOWN, FIRST_SIXTEENTH, TENSOR_Q5_K},
    {MIX_DOWN, ALWAYS, TENSOR_Q4_K},
};
static const MixRule mix_q3_k_l[] = {
    FOR_EIGHT_EXPERTS,
    {MIX_ATTENTION_OUTPUT, EIGHT_EXPERTS, TENSOR_Q3_K},
    {MIX_VALUES, ALWAYS, TENSOR_Q5_K},
    {MIX_ATTENTION_OUTPUT, ALWAYS, TENSOR_Q5_K},
    {MIX_DOWN, ALWAYS, TENSOR_Q5_K},
};
static const MixRule mix_q4_k_s[] = {
    FOR_EIGHT_EXPERTS,
    OUTPUT_FOR_EIGHT,
    {MIX_VALUES, FIRST_FOUR, TENSOR_Q5_K},
    {MIX_DOWN, FIRST_EIGHTH, TENSOR_Q5_K},
};
static const MixRule mix_q4_k_m[] = {
    FOR_EIGHT_EXPERTS,
    OUTPUT_FOR_EIGHT,
    {MIX_VALUES, ENDS_AND_THIRDS, TENSOR_Q6_K},
    {MIX_DOWN, ENDS_AND_THIRDS, TENSOR_Q6_K},
};
static const MixRule mix_q5_k_s[] = {FOR_EIGHT_EXPERTS};
static const MixRule mix_q5_k_m[] = {
    FOR_EIGHT_EXPERTS,
    {MIX_VALUES, ENDS_AND_THIRDS, TENSOR_Q6_K},
    {MIX_DOWN, ENDS_AND_THIRDS, TENSOR_Q6_K},
};
static const MixRule mix_iq4[] = {
    FOR_EIGHT_EXPERTS,
    OUTPUT_FOR_EIGHT,
    {MIX_VALUES, SHARED_KEYS, TENSOR_Q5_K},
    {MIX_DOWN, FIRST_EIGHTH, TENSOR_Q5_K},
};

struct QuantizeFormat {
    TensorType type;    // of matrices that no rule names
    uint32_t file_type; // llama.cpp's number
    const MixRule *rules;
    size_t n_rules;
};

#define RULES(list) list, sizeof(list) / sizeof *(list)
#define NO_RULES    NULL, 0
// Name, type, number, rules; in the order people see.
#define FOR_EACH_FORMAT(X)                          \
    X("f32", TENSOR_F32, 0, NO_RULES)               \
    X("f16", TENSOR_F16, 1, NO_RULES)               \
    X("bf16", TENSOR_BF16, 32, NO_RULES)            \
    X("q8_0", TENSOR_Q8_0, 7, NO_RULES)             \
    X("q6_k", TENSOR_Q6_K, 18, NO_RULES)            \
    X("q5_0", TENSOR_Q5_0, 8, NO_RULES)             \
    X("q5_1", TENSOR_Q5_1, 9, NO_RULES)             \
    X("q5_k", TENSOR_Q5_K, 16, NO_RULES)            \
    X("q5_k_s", TENSOR_Q5_K, 16, RULES(mix_q5_k_s)) \
    X("q5_k_m", TENSOR_Q5_K, 17, RULES(mix_q5_k_m)) \
    X("q4_0", TENSOR_Q4_0, 2, NO_RULES)             \
    X("q4_1", TENSOR_Q4_1, 3, NO_RULES)             \
    X("q4_k", TENSOR_Q4_K, 14, NO_RULES)            \
    X("q4_k_s", TENSOR_Q4_K, 14, RULES(mix_q4_k_s)) \
    X("q4_k_m", TENSOR_Q4_K, 15, RULES(mix_q4_k_m)) \
    X("iq4_nl", TENSOR_IQ4_NL, 25, RULES(mix_iq4))  \
    X("iq4_xs", TENSOR_IQ4_XS, 30, RULES(mix_iq4))  \
    X("mxfp4", TENSOR_MXFP4, 38, NO_RULES)          \
    X("q3_k", TENSOR_Q3_K, 11, NO_RULES)            \
    X("q3_k_s", TENSOR_Q3_K, 11, RULES(mix_q3_k_s)) \
    X("q3_k_m", TENSOR_Q3_K, 12, RULES(mix_q3_k_m)) \
    X("q3_k_l", TENSOR_Q3_K, 13, RULES(mix_q3_k_l)) \
    X("q2_k", TENSOR_Q2_K, 10, RULES(mix_q2_k))

#define NAME(name, ...) name,
#define ROW(name, ...)  {__VA_ARGS__},
const char *const quantize_format_names[] = {FOR_EACH_FORMAT(NAME) NULL};
static const QuantizeFormat formats[] = {FOR_EACH_FORMAT(ROW)};

const QuantizeFormat *quantize_format_find(Slice name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (slice_eq_cstr(name, quantize_format_names[i])) return &formats[i];
    }
    return NULL;
}

const QuantizeFormat *quantize_format_of(TensorType type)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (formats[i].type == type) return &formats[i];
    }
    return NULL;
}

uint32_t quantize_format_number(const QuantizeFormat *format)
{
    return format->file_type;
}

// ---- choosing ----

static bool contains(Slice name, const char *part)
{
    return slice_find(name, slice_from_cstr(part)) != SIZE_MAX;
}

// Matrices that are added, not multiplied with.
static bool is_added(Slice name)
{
    static const char *const parts[] = {
        "position",   "token_types", "token_type_embeddings", "relative_attention_bias",
        "attn_rel_b", "norm",        "shortconv.conv.",       "conv.conv."};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (contains(name, parts[i])) return true;
    }
    return false;
}

// What chooses among experts, in GGUF and under Transformers' names.
static bool is_router(Slice name)
{
    static const char *const parts[] = {"ffn_gate_inp",           "mlp.gate.",
                                        "block_sparse_moe.gate.", "block_sparse_moe.router.",
                                        "shared_expert_gate",     "mlp.router."};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (contains(name, parts[i])) return true;
    }
    return false;
}

// The number behind "blk."; 0 where there is none.
static size_t block_of(Slice name)
{
    uint64_t block = 0;
    const size_t at = slice_find(name, SLICE("blk."));
    if (at == SIZE_MAX) return 0;
    const Slice rest = slice_sub(name, at + 4, name.len);
    return slice_to_u64(slice_sub(rest, 0, slice_find_byte(rest, '.')), &block) ? (size_t)block : 0;
}

static bool holds(const ModelConfig *config, MixWhen when, size_t i)
{
    const size_t n = config->n_layers, eighth = n / 8;
    switch (when) {
    case ALWAYS:
        return true;
    case FIRST_TWO:
        return i < 2;
    case FIRST_FOUR:
        return i < 4;
    case FIRST_SIXTEENTH:
        return i < n / 16;
    case FIRST_EIGHTH:
        return i < eighth;
    case ENDS_AND_THIRDS:
        return i < eighth || i >= 7 * n / 8 || (i - eighth) % 3 == 2;
    case SHARED_KEYS:
        return config->n_kv_heads > 0 && config->n_heads / config->n_kv_heads >= 4;
    case EIGHT_EXPERTS:
        return config->experts.n_experts == 8;
    }
    return false;
}

static bool is_at(Slice name, MixPlace place)
{
    const char *const *names = place_names[place];
    return contains(name, names[0]) || (names[1] && contains(name, names[1]));
}

static TensorType mixed_type(const QuantizeWork *work, Slice name)
{
    for (size_t i = 0; i < work->to->n_rules; i++) {
        const MixRule *rule = &work->to->rules[i];
        if (is_at(name, rule->place) && holds(&work->config, rule->when, block_of(name)))
            return rule->type;
    }
    return work->to->type;
}

// The next format of blocks of 32.
static TensorType smaller_blocks(TensorType type)
{
    static const TensorType pairs[][2] = {{TENSOR_Q2_K, TENSOR_IQ4_NL},
                                          {TENSOR_Q3_K, TENSOR_IQ4_NL},
                                          {TENSOR_IQ4_XS, TENSOR_IQ4_NL},
                                          {TENSOR_Q4_K, TENSOR_Q5_0},
                                          {TENSOR_Q5_K, TENSOR_Q5_1}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (pairs[i][0] == type) return pairs[i][1];
    }
    return TENSOR_Q8_0;
}

TensorType quantize_choose_type(const QuantizeWork *work, Slice name, size_t n_dims,
                                const size_t *shape)
{
    if (n_dims < 2 || n_dims > 3 || !slice_ends_with(name, SLICE(".weight")) || is_added(name) ||
        is_router(name))
        return TENSOR_F32;
    TensorType type = mixed_type(work, name);
    const size_t cols = shape[n_dims - 1];
    // Experts alone, as llama.cpp and gpt-oss have it.
    if (type == TENSOR_MXFP4 && work->config.experts.n_experts > 0 && n_dims < 3)
        type = TENSOR_Q8_0;
    const bool is_output = slice_eq_cstr(name, "output.weight") ||
                           (work->is_tied && slice_eq_cstr(name, "token_embd.weight"));
    if (is_output && (tensor_type_block(type) == 256 || type == TENSOR_IQ4_NL)) type = TENSOR_Q6_K;
    if (cols % tensor_type_block(type) == 0) return type;
    type = smaller_blocks(type);
    return cols % tensor_type_block(type) == 0 ? type : TENSOR_F16;
}
