#include "models/checkpoint_fp8.h"

#include <stdio.h>

#include "base/arena.h"
#include "models/config_read.h"

static const Slice scale_ending = SLICE_LIT(".weight_scale_inv"),
                   weight_ending = SLICE_LIT(".weight");

static Status read_block(const Json *quantised, size_t block[2], Error *err)
{
    const Json *list = NULL;
    TRY(json_want_kind(quantised, "weight_block_size", JSON_ARRAY, &list, err));
    if (json_len(list) != 2)
        return json_error(list, err, "two numbers are wanted: rows and columns that have a scale");
    for (size_t i = 0; i < 2; i++) {
        int64_t n = 0;
        TRY(json_as_i64(json_at(list, i), 1, 1 << 24, &n, err));
        block[i] = (size_t)n;
    }
    return STATUS_OK;
}

// block: rows and columns that share a scale, where *out.
static Status read_quantised(const Json *config, bool *out, size_t block[2], Error *err)
{
    const Json *quantised = NULL;
    Slice method = {0};
    *out = false;
    TRY(json_opt_kind(config, "quantization_config", JSON_OBJECT, &quantised, err));
    if (!quantised) return STATUS_OK;
    TRY(json_opt_string(quantised, "quant_method", &method, err));
    if (!slice_eq_cstr(method, "fp8")) return STATUS_OK;
    TRY(config_want_string(quantised, "activation_scheme", "dynamic", err));
    TRY(config_want_string(quantised, "fmt", "e4m3", err));
    TRY(read_block(quantised, block, err));
    *out = true;
    return STATUS_OK;
}

Status checkpoint_is_fp8(const Json *config, bool *out, Error *err)
{
    size_t block[2];
    return read_quantised(config, out, block, err);
}

static Status scale(Safetensors *file, SafeTensor *tensor, const SafeTensor *scales,
                    const size_t block[2], Error *err)
{
    float *values = NULL;
    if (tensor->n_dims != 2)
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": tensor \"" SLICE_FMT
                                   "\" has %zu dimensions: scales are known of 2 alone",
                         SLICE_ARG(tensor->file), SLICE_ARG(tensor->name), tensor->n_dims);
    const size_t shape[2] = {(tensor->shape[0] + block[0] - 1) / block[0],
                             (tensor->shape[1] + block[1] - 1) / block[1]};
    TRY(safetensor_want_shape(scales, 2, shape, err));
    TRY(arena_take(&file->arena, scales->n_elements, sizeof *values, "scales", &values, err));
    TRY(safetensor_read_f32(scales, values, err));
    tensor->change = SAFE_SCALED;
    tensor->scaled = (SafeScales){values, block[0], block[1], shape[1]};
    return STATUS_OK;
}

Status checkpoint_scale_fp8(const Json *config, Safetensors *tensors, Error *err)
{
    size_t block[2] = {1, 1}, n = 0;
    bool is_fp8 = false;
    TRY(read_quantised(config, &is_fp8, block, err));
    if (!is_fp8) return STATUS_OK;
    for (size_t i = 0; i < tensors->n_tensors; i++) {
        SafeTensor *tensor = &tensors->tensors[i];
        char name[512];
        if (tensor->type != TENSOR_F8_E4M3 || !slice_ends_with(tensor->name, weight_ending))
            continue;
        (void)snprintf(name, sizeof name, SLICE_FMT "_scale_inv", SLICE_ARG(tensor->name));
        const SafeTensor *scales = safetensors_find(tensors, slice_from_cstr(name));
        if (!scales)
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ": tensor \"" SLICE_FMT
                                       "\" is of type F8_E4M3, but no \"%s\" has its scales",
                             SLICE_ARG(tensor->file), SLICE_ARG(tensor->name), name);
        TRY(scale(tensors, tensor, scales, block, err));
    }
    for (size_t i = 0; i < tensors->n_tensors; i++) {
        if (!slice_ends_with(tensors->tensors[i].name, scale_ending))
            tensors->tensors[n++] = tensors->tensors[i];
    }
    tensors->n_tensors = n;
    return STATUS_OK;
}
