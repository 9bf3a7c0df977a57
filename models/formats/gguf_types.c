#include "models/formats/gguf.h"

static const char *const names[GGUF_TYPE_COUNT] = {
    "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64",
};

const char *gguf_type_name(GgufType type)
{
    return names[type];
}

// ggml's numbers.
static const struct {
    uint32_t number;
    TensorType type;
} tensor_types[] = {
    {0, TENSOR_F32},     {1, TENSOR_F16},     {2, TENSOR_Q4_0},  {3, TENSOR_Q4_1},
    {6, TENSOR_Q5_0},    {7, TENSOR_Q5_1},    {8, TENSOR_Q8_0},  {12, TENSOR_Q4_K},
    {13, TENSOR_Q5_K},   {14, TENSOR_Q6_K},   {10, TENSOR_Q2_K}, {11, TENSOR_Q3_K},
    {20, TENSOR_IQ4_NL}, {23, TENSOR_IQ4_XS}, {24, TENSOR_I8},   {25, TENSOR_I16},
    {26, TENSOR_I32},    {27, TENSOR_I64},    {28, TENSOR_F64},  {30, TENSOR_BF16},
    {39, TENSOR_MXFP4},
};

bool gguf_type_of_tensor(TensorType type, uint32_t *out)
{
    for (size_t i = 0; i < sizeof tensor_types / sizeof *tensor_types; i++) {
        if (tensor_types[i].type != type) continue;
        *out = tensor_types[i].number;
        return true;
    }
    return false;
}

bool gguf_tensor_type(uint32_t number, TensorType *out)
{
    for (size_t i = 0; i < sizeof tensor_types / sizeof *tensor_types; i++) {
        if (tensor_types[i].number != number) continue;
        *out = tensor_types[i].type;
        return true;
    }
    return false;
}
