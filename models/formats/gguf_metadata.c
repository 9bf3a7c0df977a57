#include <stdlib.h>
#include <string.h>

#include "models/formats/gguf.h"

static int key_order(const void *key, const void *pair)
{
    return slice_cmp(*(const Slice *)key, (*(const GgufPair *const *)pair)->key);
}

const GgufValue *gguf_find(const Gguf *file, const char *key)
{
    const Slice wanted = slice_from_cstr(key);
    if (file->n_pairs == 0) return NULL;
    const GgufPair *const *found =
        bsearch(&wanted, file->by_key, file->n_pairs, sizeof *file->by_key, key_order);
    return found ? &(*found)->value : NULL;
}

static Status wrong_type(const Gguf *file, const char *key, const GgufValue *value,
                         const char *wanted, Error *err)
{
    return error_set(err, STATUS_INVALID, SLICE_FMT ": metadata \"%s\" must be %s, but it is %s%s",
                     SLICE_ARG(file->name), key, wanted, value->is_array ? "an array of " : "",
                     gguf_type_name(value->type));
}

// A lone value as a walk over one element; *found says whether it is there.
static bool lone(const Gguf *file, const char *key, const GgufValue **value, GgufItems *items,
                 bool *found)
{
    *value = gguf_find(file, key);
    if (found) *found = *value != NULL;
    if (!*value) return false;
    *items = (GgufItems){.type = (*value)->type, .n = 1, .rest = (*value)->bytes};
    if ((*value)->is_array) items->n = 0; // no element: whoever asks for a lone value refuses it
    return true;
}

Status gguf_get_int(const Gguf *file, const char *key, int64_t lowest, int64_t highest,
                    int64_t *out, bool *found, Error *err)
{
    const GgufValue *value;
    GgufItems items;
    int64_t number = 0;
    if (!lone(file, key, &value, &items, found)) return STATUS_OK;
    if (items.type == GGUF_BOOL || !gguf_next_int(&items, &number))
        return wrong_type(file, key, value, "an integer", err);
    if (number < lowest || number > highest) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": metadata \"%s\" is %lld, but must be from %lld to %lld",
                         SLICE_ARG(file->name), key, (long long)number, (long long)lowest,
                         (long long)highest);
    }
    *out = number;
    return STATUS_OK;
}

Status gguf_get_real(const Gguf *file, const char *key, double *out, bool *found, Error *err)
{
    const GgufValue *value;
    GgufItems items;
    if (!lone(file, key, &value, &items, found)) return STATUS_OK;
    return gguf_next_real(&items, out) ? STATUS_OK : wrong_type(file, key, value, "a number", err);
}

Status gguf_get_bool(const Gguf *file, const char *key, bool *out, bool *found, Error *err)
{
    const GgufValue *value;
    GgufItems items;
    int64_t number = 0;
    if (!lone(file, key, &value, &items, found)) return STATUS_OK;
    if (items.type != GGUF_BOOL || !gguf_next_int(&items, &number))
        return wrong_type(file, key, value, "a boolean", err);
    *out = number != 0;
    return STATUS_OK;
}

Status gguf_get_string(const Gguf *file, const char *key, Slice *out, bool *found, Error *err)
{
    const GgufValue *value;
    GgufItems items;
    if (!lone(file, key, &value, &items, found)) return STATUS_OK;
    return gguf_next_string(&items, out) ? STATUS_OK
                                         : wrong_type(file, key, value, "a string", err);
}

static bool is_integer(GgufType type)
{
    return type <= GGUF_I32 || type == GGUF_U64 || type == GGUF_I64;
}

static bool is_real(GgufType type)
{
    return type == GGUF_F32 || type == GGUF_F64;
}

Status gguf_get_array(const Gguf *file, const char *key, GgufType type, GgufItems *out, bool *found,
                      Error *err)
{
    const GgufValue *value = gguf_find(file, key);
    *out = (GgufItems){.type = type};
    if (found) *found = value != NULL;
    if (!value) return STATUS_OK;
    const bool fits =
        value->is_array && (value->type == type || (type == GGUF_I64 && is_integer(value->type)) ||
                            (type == GGUF_F64 && is_real(value->type)));
    if (!fits) {
        const char *wanted = type == GGUF_STRING ? "an array of strings"
                             : type == GGUF_I64  ? "an array of integers"
                             : type == GGUF_F64  ? "an array of f32 or f64"
                                                 : "an array of booleans";
        return wrong_type(file, key, value, wanted, err);
    }
    *out = gguf_items(value);
    return STATUS_OK;
}

GgufItems gguf_items(const GgufValue *value)
{
    const bool walks = value->is_array && value->type != GGUF_ARRAY;
    return (GgufItems){.type = value->type, .n = walks ? value->n : 0, .rest = value->bytes};
}

// Everything was checked when the file was parsed; the tests of what remains guard hand-made items.
bool gguf_next_string(GgufItems *items, Slice *out)
{
    uint64_t len = 0;
    if (items->n == 0 || items->type != GGUF_STRING || !slice_take_u64le(&items->rest, &len) ||
        len > items->rest.len || !slice_take(&items->rest, (size_t)len, out)) {
        return false;
    }
    items->n--;
    return true;
}

// The next `size` bytes as a number, little-endian.
static bool take_number(GgufItems *items, size_t size, uint64_t *out)
{
    Slice bytes;
    if (items->n == 0 || !slice_take(&items->rest, size, &bytes)) return false;
    items->n--;
    *out = 0;
    for (size_t i = 0; i < size; i++) *out |= (uint64_t)(unsigned char)bytes.ptr[i] << (8 * i);
    return true;
}

bool gguf_next_int(GgufItems *items, int64_t *out)
{
    uint64_t bits = 0;
    if (!is_integer(items->type) && items->type != GGUF_BOOL) return false;
    const size_t size = items->type == GGUF_U64 || items->type == GGUF_I64   ? 8
                        : items->type == GGUF_U32 || items->type == GGUF_I32 ? 4
                        : items->type == GGUF_U16 || items->type == GGUF_I16 ? 2
                                                                             : 1;
    if (!take_number(items, size, &bits)) return false;
    // The narrow signed types by their sign bit.
    if (items->type == GGUF_I8)
        *out = (int64_t)(bits ^ 0x80) - 0x80;
    else if (items->type == GGUF_I16)
        *out = (int64_t)(bits ^ 0x8000) - 0x8000;
    else if (items->type == GGUF_I32)
        *out = (int64_t)(bits ^ 0x80000000u) - INT64_C(0x80000000);
    else if (items->type == GGUF_U64 && bits > INT64_MAX)
        *out = INT64_MAX;
    else
        *out = (int64_t)bits;
    return true;
}

bool gguf_next_real(GgufItems *items, double *out)
{
    uint64_t bits = 0;
    if (is_integer(items->type)) {
        int64_t number = 0;
        if (!gguf_next_int(items, &number)) return false;
        *out = (double)number;
        return true;
    }
    if (!is_real(items->type) || !take_number(items, items->type == GGUF_F32 ? 4 : 8, &bits))
        return false;
    if (items->type == GGUF_F32) {
        const uint32_t low = (uint32_t)bits;
        float value;
        memcpy(&value, &low, sizeof value);
        *out = (double)value;
    } else {
        memcpy(out, &bits, sizeof *out);
    }
    return true;
}
