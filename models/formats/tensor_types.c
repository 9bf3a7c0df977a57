#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "kernels/half.h"
#include "kernels/quant.h"
#include "models/formats/safetensors.h"

// n numbers as stored, one after the other, as others.
// NOLINTBEGIN(bugprone-macro-parentheses): To is a type
#define READER(name, From, To, expression)                \
    static void name(const char *from, size_t n, To *out) \
    {                                                     \
        for (size_t i = 0; i < n; i++) {                  \
            From v;                                       \
            memcpy(&v, from + i * sizeof v, sizeof v);    \
            out[i] = (expression);                        \
        }                                                 \
    }
// NOLINTEND(bugprone-macro-parentheses)
READER(f32_of_f64, double, float, (float)v)
READER(f32_of_f32, float, float, v)
READER(f32_of_f16, uint16_t, float, f32_from_f16(v))
READER(f32_of_bf16, uint16_t, float, f32_from_bf16(v))
READER(f32_of_i32, int32_t, float, (float)v)
READER(f32_of_u32, uint32_t, float, (float)v)
READER(f32_of_i16, int16_t, float, (float)v)
READER(f32_of_u16, uint16_t, float, (float)v)
READER(f32_of_i8, int8_t, float, (float)v)
READER(f32_of_u8, uint8_t, float, (float)v)
READER(f32_of_bool, uint8_t, float, v != 0 ? 1.0f : 0.0f)
READER(i32_of_i32, int32_t, int32_t, v)
READER(i32_of_i16, int16_t, int32_t, v)
READER(i32_of_i8, uint8_t, int32_t, (int32_t)(v ^ 0x80) - 0x80) // two's complement
READER(i32_of_u8, uint8_t, int32_t, v)
READER(i32_of_bool, uint8_t, int32_t, v != 0)

// What each type is called, the bytes of a number or of a block, and what it is read as: kernels' own numbers, of which blocks are
// decoded by quant_decode, and plain ones. I64 is read as I32 number by number, where it fits.
static const struct {
    const char *name;
    size_t size;
    DType dtype; // DTYPE_COUNT: kernels do not know it
    void (*f32)(const char *from, size_t n, float *out);
    void (*i32)(const char *from, size_t n, int32_t *out);
} types[TENSOR_TYPE_COUNT] = {
    [TENSOR_F64] = {"F64", 8, DTYPE_F64, f32_of_f64, NULL},
    [TENSOR_I64] = {"I64", 8, DTYPE_COUNT, NULL, NULL},
    [TENSOR_U64] = {"U64", 8, DTYPE_COUNT, NULL, NULL},
    [TENSOR_F32] = {"F32", 4, DTYPE_F32, f32_of_f32, NULL},
    [TENSOR_I32] = {"I32", 4, DTYPE_COUNT, f32_of_i32, i32_of_i32},
    [TENSOR_U32] = {"U32", 4, DTYPE_COUNT, f32_of_u32, NULL},
    [TENSOR_F16] = {"F16", 2, DTYPE_F16, f32_of_f16, NULL},
    [TENSOR_BF16] = {"BF16", 2, DTYPE_BF16, f32_of_bf16, NULL},
    [TENSOR_I16] = {"I16", 2, DTYPE_COUNT, f32_of_i16, i32_of_i16},
    [TENSOR_U16] = {"U16", 2, DTYPE_COUNT, f32_of_u16, NULL},
    [TENSOR_I8] = {"I8", 1, DTYPE_COUNT, f32_of_i8, i32_of_i8},
    [TENSOR_U8] = {"U8", 1, DTYPE_COUNT, f32_of_u8, i32_of_u8},
    [TENSOR_BOOL] = {"BOOL", 1, DTYPE_COUNT, f32_of_bool, i32_of_bool},
    [TENSOR_F8_E4M3] = {"F8_E4M3", 1, DTYPE_COUNT, NULL, NULL},
    [TENSOR_F8_E5M2] = {"F8_E5M2", 1, DTYPE_COUNT, NULL, NULL},
    [TENSOR_Q8_0] = {"Q8_0", 34, DTYPE_Q8_0, NULL, NULL},
    [TENSOR_Q4_0] = {"Q4_0", 18, DTYPE_Q4_0, NULL, NULL},
    [TENSOR_Q4_1] = {"Q4_1", 20, DTYPE_Q4_1, NULL, NULL},
    [TENSOR_Q5_0] = {"Q5_0", 22, DTYPE_Q5_0, NULL, NULL},
    [TENSOR_Q5_1] = {"Q5_1", 24, DTYPE_Q5_1, NULL, NULL},
    [TENSOR_Q4_K] = {"Q4_K", 144, DTYPE_Q4_K, NULL, NULL},
    [TENSOR_Q5_K] = {"Q5_K", 176, DTYPE_Q5_K, NULL, NULL},
    [TENSOR_Q6_K] = {"Q6_K", 210, DTYPE_Q6_K, NULL, NULL},
    [TENSOR_Q2_K] = {"Q2_K", 84, DTYPE_Q2_K, NULL, NULL},
    [TENSOR_Q3_K] = {"Q3_K", 110, DTYPE_Q3_K, NULL, NULL},
    [TENSOR_IQ4_NL] = {"IQ4_NL", 18, DTYPE_IQ4_NL, NULL, NULL},
    [TENSOR_IQ4_XS] = {"IQ4_XS", 136, DTYPE_IQ4_XS, NULL, NULL},
    [TENSOR_MXFP4] = {"MXFP4", 17, DTYPE_MXFP4, NULL, NULL},
};

bool tensor_type_dtype(TensorType type, DType *out)
{
    assert(type < TENSOR_TYPE_COUNT);
    if (types[type].dtype == DTYPE_COUNT) return false;
    *out = types[type].dtype;
    return true;
}

size_t tensor_type_block(TensorType type)
{
    DType dtype;
    return tensor_type_dtype(type, &dtype) ? dtype_block(dtype) : 1;
}

bool tensor_type_bytes(TensorType type, size_t n_dims, const size_t *shape, size_t *n_elements,
                       size_t *size_bytes)
{
    const size_t block = tensor_type_block(type);
    *n_elements = 1;
    for (size_t i = 0; i < n_dims; i++) {
        if (!size_mul(*n_elements, shape[i], n_elements)) return false;
    }
    if ((n_dims > 0 ? shape[n_dims - 1] : 1) % block != 0) return false;
    return size_mul(*n_elements / block, tensor_type_size(type), size_bytes);
}

const char *tensor_type_name(TensorType type)
{
    assert(type < TENSOR_TYPE_COUNT);
    return types[type].name;
}

size_t tensor_type_size(TensorType type)
{
    assert(type < TENSOR_TYPE_COUNT);
    return types[type].size;
}

static Status refuse(const SafeTensor *tensor, const char *wanted, Error *err)
{
    return error_set(
        err, STATUS_INVALID, SLICE_FMT ": tensor \"" SLICE_FMT "\" is of type %s, but %s is wanted",
        SLICE_ARG(tensor->file), SLICE_ARG(tensor->name), tensor_type_name(tensor->type), wanted);
}

static Status read_stored(const SafeTensor *tensor, float *out, Error *err)
{
    assert(tensor->type < TENSOR_TYPE_COUNT);
    if (tensor_type_block(tensor->type) > 1)
        quant_decode(types[tensor->type].dtype, tensor->n_elements, tensor->data.ptr, out);
    else if (types[tensor->type].f32)
        types[tensor->type].f32(tensor->data.ptr, tensor->n_elements, out);
    else
        return refuse(tensor, "F32, F16, BF16 or F64 (convert the checkpoint)", err);
    return STATUS_OK;
}

size_t safetensor_row_bytes(const SafeTensor *tensor)
{
    const size_t cols = tensor->n_dims > 0 ? tensor->shape[tensor->n_dims - 1] : 1;
    return cols / tensor_type_block(tensor->type) * tensor_type_size(tensor->type);
}

size_t safetensor_bytes(const SafeTensor *tensor)
{
    return tensor->n_elements / tensor_type_block(tensor->type) * tensor_type_size(tensor->type);
}

// A block as GGUF has it: the scale, then numbers j and j + 16 in the halves of byte j.
static void join_block(const unsigned char *codes, char scale, unsigned char *block)
{
    block[0] = (unsigned char)scale;
    for (size_t j = 0; j < 8; j++) {
        const unsigned char low = codes[j], high = codes[j + 8];
        block[1 + 2 * j] = (unsigned char)((low & 15) | (high & 15) << 4);
        block[2 + 2 * j] = (unsigned char)(low >> 4 | (high >> 4) << 4);
    }
}

// A vector is one row.
static void join_row(const SafeTensor *tensor, size_t row, char *room)
{
    const SafeSpread *spread = &tensor->spread;
    const char *from = tensor->data.ptr + row * spread->row_step;
    const size_t bytes = safetensor_row_bytes(tensor), size = tensor_type_size(tensor->type);
    if (spread->scales) {
        const char *scales = spread->scales + row * spread->scale_step;
        for (size_t i = 0; i < bytes / size; i++, from += 16)
            join_block((const unsigned char *)from, scales[i], (unsigned char *)room + i * size);
        return;
    }
    if (spread->col_step == 0) {
        memcpy(room, from, bytes);
        return;
    }
    for (size_t at = 0; at < bytes; at += size, from += spread->col_step)
        memcpy(room + at, from, size);
}

const void *safetensor_row(const SafeTensor *tensor, size_t row, void *room)
{
    const size_t row_bytes = tensor->shape[0] > 0 ? tensor->data.len / tensor->shape[0] : 0;
    if (tensor->change == SAFE_SPREAD) {
        join_row(tensor, row, room);
        return room;
    }
    if (tensor->change == SAFE_JOINED) {
        const size_t n_upper = tensor->upper->shape[0];
        const SafeTensor *part = row < n_upper ? tensor->upper : tensor->lower;
        return part->data.ptr +
               (row < n_upper ? row : row - n_upper) * safetensor_row_bytes(tensor);
    }
    if (tensor->change == SAFE_REORDERED)
        row = row_order_in_tensor(&tensor->order, tensor->shape[0], row);
    return tensor->data.ptr + row * row_bytes;
}

// Rows of SAFE_SPREAD.
static Status read_spread(const SafeTensor *tensor, size_t first, size_t n, float *out, Error *err)
{
    SafeTensor row = *tensor;
    const size_t cols = tensor->shape[tensor->n_dims - 1], bytes = safetensor_row_bytes(tensor);
    char *room = malloc(bytes + 1);
    Status s = room ? STATUS_OK : error_set_memory(err, bytes, 1, "a tensor's row");
    row.change = SAFE_AS_IS;
    row.n_elements = cols;
    row.data = (Slice){room, bytes};
    for (size_t i = first; s == STATUS_OK && i < first + n; i++, out += cols) {
        join_row(tensor, i, room);
        s = read_stored(&row, out, err);
    }
    free(room);
    return s;
}

// Four bits of exponent and three of mantissa, without infinities: Micikevicius et al. 2022, arXiv:2209.05433, table 1.
static float e4m3(unsigned code)
{
    const unsigned exponent = code >> 3 & 15, mantissa = code & 7;
    const float sign = code & 128 ? -1.0f : 1.0f;
    if (exponent == 15 && mantissa == 7) return NAN;
    return exponent == 0 ? sign * ldexpf((float)mantissa, -9)
                         : sign * ldexpf((float)(8 + mantissa), (int)exponent - 10);
}

void safetensor_read_scaled(const SafeTensor *tensor, size_t first, size_t n, float *out)
{
    const SafeScales *by = &tensor->scaled;
    const size_t cols = tensor->shape[1];
    const unsigned char *codes = (const unsigned char *)tensor->data.ptr;
    float known[256];
    for (unsigned c = 0; c < 256; c++) known[c] = e4m3(c);
    for (size_t i = first; i < first + n; i++) {
        const size_t row = i / cols, col = i % cols;
        *out++ = known[codes[i]] * by->scales[row / by->rows * by->n + col / by->cols];
    }
}

Status safetensor_read_rows_f32(const SafeTensor *tensor, size_t first, size_t n, float *out,
                                Error *err)
{
    const size_t n_rows = tensor->shape[0], cols = n_rows > 0 ? tensor->n_elements / n_rows : 0;
    const size_t at_once = tensor->change == SAFE_AS_IS ? n : 1;
    SafeTensor rows = *tensor;
    assert(first <= n_rows && n <= n_rows - first);
    if (n == 0) return STATUS_OK;
    if (tensor->change == SAFE_SPREAD) return read_spread(tensor, first, n, out, err);
    if (tensor->change == SAFE_SCALED) {
        safetensor_read_scaled(tensor, first * cols, n * cols, out);
        return STATUS_OK;
    }
    rows.n_elements = at_once * cols;
    rows.data.len = tensor->change == SAFE_JOINED ? safetensor_row_bytes(tensor)
                                                  : tensor->data.len / n_rows * at_once;
    for (size_t i = 0; i < n; i += at_once) {
        rows.data.ptr = safetensor_row(tensor, first + i, NULL);
        TRY(read_stored(&rows, out + i * cols, err));
    }
    return STATUS_OK;
}

static Status read_transposed(const SafeTensor *tensor, float *out, Error *err)
{
    const size_t rows = tensor->shape[0], cols = tensor->shape[1];
    float *stored = calloc(tensor->n_elements + 1, sizeof *stored);
    if (!stored) return error_set_memory(err, tensor->n_elements, sizeof *stored, "a tensor");
    const Status s = read_stored(tensor, stored, err);
    for (size_t j = 0; s == STATUS_OK && j < cols; j++) {
        for (size_t i = 0; i < rows; i++) out[i * cols + j] = stored[j * rows + i];
    }
    free(stored);
    return s;
}

static Status read_keys_values(const SafeTensor *tensor, float *out, Error *err)
{
    const SafeTensor *keys = tensor->keys, *values = tensor->values;
    const size_t n_heads = keys->shape[0], rank = keys->shape[1], n_keys = keys->shape[2];
    const size_t n_values = values->shape[1];
    float *stored = calloc(tensor->n_elements + 1, sizeof *stored);
    if (!stored) return error_set_memory(err, tensor->n_elements, sizeof *stored, "a tensor");
    const float *k = stored, *v = stored + keys->n_elements;
    Status s = read_stored(keys, stored, err);
    if (s == STATUS_OK) s = read_stored(values, stored + keys->n_elements, err);
    for (size_t h = 0; s == STATUS_OK && h < n_heads; h++) {
        for (size_t i = 0; i < n_keys; i++, out += rank) {
            for (size_t j = 0; j < rank; j++) out[j] = k[j * n_keys + i];
        }
        memcpy(out, v, n_values * rank * sizeof *out);
        out += n_values * rank;
        k += rank * n_keys;
        v += n_values * rank;
    }
    free(stored);
    return s;
}

Status safetensor_read_f32(const SafeTensor *tensor, float *out, Error *err)
{
    switch (tensor->change) {
    case SAFE_REORDERED:
    case SAFE_JOINED:
        return safetensor_read_rows_f32(tensor, 0, tensor->shape[0], out, err);
    case SAFE_TRANSPOSED:
        if (tensor->n_dims == 2) return read_transposed(tensor, out, err);
        break;
    case SAFE_LESS_ONE:
        TRY(read_stored(tensor, out, err));
        for (size_t i = 0; i < tensor->n_elements; i++) out[i] -= 1.0f;
        return STATUS_OK;
    case SAFE_SPREAD:
        return read_spread(tensor, 0, tensor->n_dims > 1 ? tensor->shape[0] : 1, out, err);
    case SAFE_KEYS_VALUES:
        return read_keys_values(tensor, out, err);
    case SAFE_SCALED:
        safetensor_read_scaled(tensor, 0, tensor->n_elements, out);
        return STATUS_OK;
    case SAFE_AS_IS:
        break;
    }
    return read_stored(tensor, out, err);
}

static Status read_i64(const SafeTensor *tensor, int32_t *out, Error *err)
{
    for (size_t i = 0; i < tensor->n_elements; i++) {
        int64_t v;
        memcpy(&v, tensor->data.ptr + i * sizeof v, sizeof v);
        if (v < INT32_MIN || v > INT32_MAX) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ": tensor \"" SLICE_FMT
                                       "\": element %zu is %lld, beyond 32 bits",
                             SLICE_ARG(tensor->file), SLICE_ARG(tensor->name), i, (long long)v);
        }
        out[i] = (int32_t)v;
    }
    return STATUS_OK;
}

Status safetensor_read_i32(const SafeTensor *tensor, int32_t *out, Error *err)
{
    assert(tensor->type < TENSOR_TYPE_COUNT);
    if (tensor->type == TENSOR_I64) return read_i64(tensor, out, err);
    if (!types[tensor->type].i32)
        return refuse(tensor, "an integer type of at most 64 bits with sign", err);
    types[tensor->type].i32(tensor->data.ptr, tensor->n_elements, out);
    return STATUS_OK;
}

enum { SHAPE_TEXT_SIZE = 24 * SAFETENSORS_MAX_DIMS };

// "[2, 32]"
static void shape_text(size_t n_dims, const size_t *shape, char out[SHAPE_TEXT_SIZE])
{
    size_t len = 0;
    out[len++] = '[';
    for (size_t i = 0; i < n_dims; i++) {
        len += (size_t)snprintf(out + len, SHAPE_TEXT_SIZE - len, "%s%zu", i ? ", " : "", shape[i]);
    }
    out[len++] = ']';
    out[len] = '\0';
}

Status safetensor_want_shape(const SafeTensor *tensor, size_t n_dims, const size_t *shape,
                             Error *err)
{
    assert(n_dims <= SAFETENSORS_MAX_DIMS);
    int equal = tensor->n_dims == n_dims;
    for (size_t i = 0; equal && i < n_dims; i++) equal = tensor->shape[i] == shape[i];
    if (equal) return STATUS_OK;
    char found[SHAPE_TEXT_SIZE], wanted[SHAPE_TEXT_SIZE];
    shape_text(tensor->n_dims, tensor->shape, found);
    shape_text(n_dims, shape, wanted);
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ": tensor \"" SLICE_FMT
                               "\" has shape %s, but by %s it should be %s: they are not of the "
                               "same model",
                     SLICE_ARG(tensor->file), SLICE_ARG(tensor->name), found,
                     safetensors_config_name(tensor->file), wanted);
}

const char *safetensors_config_name(Slice file)
{
    return slice_ends_with(file, SLICE(".gguf")) ? "its metadata" : "config.json";
}
