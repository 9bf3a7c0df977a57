// Experts, a tensor each in a checkpoint, as the one tensor of three dimensions that GGUF has of a layer's.
#include <string.h>

#include "models/architecture.h"
#include "models/quantize_internal.h"

// "model.layers.0.mlp.experts.3.up_proj.weight": *before ends with "experts.", *after begins with "up_proj". False for other names.
static bool split_expert(Slice name, Slice *before, size_t *expert, Slice *after)
{
    const Slice word = SLICE(".experts.");
    uint64_t number = 0;
    const size_t at = slice_find(name, word);
    if (at == SIZE_MAX) return false;
    const size_t begin = at + word.len;
    const Slice rest = slice_sub(name, begin, name.len);
    const size_t len = slice_find_byte(rest, '.');
    if (len == SIZE_MAX || !slice_to_u64(slice_sub(rest, 0, len), &number)) return false;
    *before = slice_sub(name, 0, begin);
    *expert = (size_t)number;
    *after = slice_sub(rest, len + 1, rest.len);
    return true;
}

// The name of the stack, with the prefix that a bare encoder leaves out where it must be there; false where GGUF has none.
static bool stack_name(const QuantizeWork *work, Slice before, Slice after,
                       char out[GGUF_NAME_SIZE])
{
    const char *const prefixes[] = {"", work->config.architecture->base_prefix};
    for (size_t i = 0; work->family && i < 2; i++) {
        char full[256];
        const int len =
            snprintf(full, sizeof full, "%s" SLICE_FMT SLICE_FMT, prefixes[i] ? prefixes[i] : "",
                     SLICE_ARG(before), SLICE_ARG(after));
        if (len > 0 && (size_t)len < sizeof full &&
            gguf_name_from_model(work->family, slice_from_cstr(full), out))
            return true;
    }
    return false;
}

static Status find_experts(QuantizeWork *work, const SafeTensor *first, Slice before, Slice after,
                           QuantizeSource *source, Error *err)
{
    const SafeTensor **list = NULL;
    source->n_experts = work->config.experts.n_experts;
    TRY(arena_take(work->arena, source->n_experts, sizeof *list, "experts", &list, err));
    for (size_t i = 0; i < source->n_experts; i++) {
        const char *name = arena_printf(work->arena, SLICE_FMT "%zu." SLICE_FMT, SLICE_ARG(before),
                                        i, SLICE_ARG(after));
        if (!name) return error_set_memory(err, 1, first->name.len, "a tensor's name");
        list[i] = safetensors_find(&work->files.tensors, slice_from_cstr(name));
        if (!list[i] || list[i]->type != first->type || list[i]->change != first->change ||
            list[i]->n_dims != first->n_dims ||
            memcmp(list[i]->shape, first->shape, 2 * sizeof *first->shape) != 0) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ": tensor \"%s\" is missing, or of another type or shape "
                                       "than that of the layer's first expert",
                             SLICE_ARG(first->file), name);
        }
    }
    source->experts = list;
    return STATUS_OK;
}

Status quantize_stack_experts(QuantizeWork *work, const SafeTensor *tensor, SafeItem *item,
                              QuantizeSource *source, bool *is_member, Error *err)
{
    char name[GGUF_NAME_SIZE];
    Slice before, after;
    size_t expert = 0;
    *is_member = false;
    if (tensor->n_dims > 2 || !split_expert(tensor->name, &before, &expert, &after) ||
        expert >= work->config.experts.n_experts || !stack_name(work, before, after, name))
        return STATUS_OK;
    *is_member = expert > 0;
    if (expert > 0) return STATUS_OK;
    TRY(find_experts(work, tensor, before, after, source, err));
    item->name = arena_copy(work->arena, slice_from_cstr(name));
    if (!item->name.ptr) return error_set_memory(err, 1, sizeof name, "a tensor's name");
    item->n_dims = 1 + tensor->n_dims; // of biases 2
    item->shape[0] = source->n_experts;
    item->shape[1] = tensor->shape[0];
    item->shape[2] = tensor->shape[1];
    return STATUS_OK;
}
