// Experts that a file has as one tensor of three dimensions, told as the tensors of each: GGUF has one of all gates of a layer,
// and so on; Transformers 5 keeps gates and up projections in one. Nothing is copied.
#include <string.h>

#include "models/architectures/experts.h"
#include "models/checkpoint_experts.h"

// What a stacked tensor holds of each expert.
typedef enum Stacked {
    STACKED_NOT,
    STACKED_GATE_UP,
    STACKED_GATE,
    STACKED_UP,
    STACKED_DOWN
} Stacked;

typedef struct Experts {
    const ExpertNames *names;
    size_t n; // of a layer
    Safetensors *tensors;
    SafeTensor *list; // in the place of tensors->tensors
    size_t n_listed;
} Experts;

// Whether name ends with "BEFORE" "LAYER" "AFTER"; *prefix is what stands before that.
static bool ends_with(Slice name, const char *before, const char *layer, const char *after,
                      Slice *prefix)
{
    const Slice parts[3] = {slice_from_cstr(after), slice_from_cstr(layer),
                            slice_from_cstr(before)};
    *prefix = name;
    for (size_t i = 0; i < 3; i++) {
        if (!slice_ends_with(*prefix, parts[i])) return false;
        *prefix = slice_sub(*prefix, 0, prefix->len - parts[i].len);
    }
    return true;
}

// prefix: up to the block of the layer, its dot left out.
static Stacked stacked_of(const ExpertNames *names, Slice name, Slice *prefix)
{
    const struct {
        const char *before, *layer, *after;
        Stacked kind;
    } endings[] = {
        {".experts.", "gate_up_proj", "", STACKED_GATE_UP},
        {".experts.", "down_proj", "", STACKED_DOWN},
        {".experts.", names->gate, ".weight", STACKED_GATE},
        {".experts.", names->up, ".weight", STACKED_UP},
        {".experts.", names->down, ".weight", STACKED_DOWN},
        {".", names->stacked_gate_up, ".weight", STACKED_GATE_UP},
        {".", names->stacked_down, ".weight", STACKED_DOWN},
    };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (endings[i].layer &&
            ends_with(name, endings[i].before, endings[i].layer, endings[i].after, prefix))
            return endings[i].kind;
    }
    return STACKED_NOT;
}

// The matrix that begins at row `first` of the `rows` of each expert, of expert e.
static Status add_matrix(Experts *x, const SafeTensor *from, Slice prefix, const char *layer,
                         size_t e, size_t first, size_t rows, Error *err)
{
    SafeTensor *to = &x->list[x->n_listed++];
    const size_t of_expert = from->data.len / x->n, row_bytes = of_expert / from->shape[1];
    const char *name = arena_printf(&x->tensors->arena, SLICE_FMT ".experts.%zu.%s.weight",
                                    SLICE_ARG(prefix), e, layer);
    if (!name) return error_set_memory(err, 1, prefix.len, "a tensor's name");
    *to = *from;
    to->name = slice_from_cstr(name);
    to->n_dims = 2;
    to->shape[0] = rows;
    to->shape[1] = from->shape[2];
    to->shape[2] = 0;
    to->n_elements = rows * from->shape[2];
    to->data.ptr = from->data.ptr + e * of_expert + first * row_bytes;
    to->data.len = rows * row_bytes;
    return STATUS_OK;
}

static Status unstack(Experts *x, const SafeTensor *from, Slice prefix, Stacked kind, Error *err)
{
    const ExpertNames *names = x->names;
    const size_t half = from->shape[1] / 2;
    for (size_t e = 0; e < x->n; e++) {
        if (kind == STACKED_GATE_UP) {
            TRY(add_matrix(x, from, prefix, names->gate, e, 0, half, err));
            TRY(add_matrix(x, from, prefix, names->up, e, half, half, err));
            continue;
        }
        const char *layer = kind == STACKED_GATE ? names->gate
                            : kind == STACKED_UP ? names->up
                                                 : names->down;
        TRY(add_matrix(x, from, prefix, layer, e, 0, from->shape[1], err));
    }
    return STATUS_OK;
}

// Only what has config.json's number of experts is taken apart: of any other shape it is told by its own name.
static bool fits(const Experts *x, const SafeTensor *tensor, Stacked kind)
{
    return kind != STACKED_NOT && tensor->n_dims == 3 && tensor->shape[0] == x->n &&
           tensor->n_elements > 0 && (kind != STACKED_GATE_UP || tensor->shape[1] % 2 == 0);
}

// "model.layers.3.mlp" with the block's name in a checkpoint of its own.
static Status rename_block(const Experts *x, Slice prefix, Slice *out, Error *err)
{
    const Slice memory = SLICE(".mlp");
    *out = prefix;
    if (!slice_ends_with(prefix, memory)) return STATUS_OK;
    const Slice before = slice_sub(prefix, 0, prefix.len - memory.len);
    const char *name =
        arena_printf(&x->tensors->arena, SLICE_FMT ".%s", SLICE_ARG(before), x->names->block);
    if (!name) return error_set_memory(err, 1, prefix.len, "a tensor's name");
    *out = slice_from_cstr(name);
    return STATUS_OK;
}

// The router beside stacked experts has the name that it has in memory.
static Status rename_router(const Experts *x, SafeTensor *tensor, Error *err)
{
    static const char *const routers[] = {".gate.weight", ".router.weight"};
    for (size_t i = 0; i < sizeof routers / sizeof *routers; i++) {
        const Slice ending = slice_from_cstr(routers[i]);
        if (!slice_ends_with(tensor->name, ending)) continue;
        Slice prefix = slice_sub(tensor->name, 0, tensor->name.len - ending.len);
        if (!slice_ends_with(prefix, SLICE(".mlp")) &&
            !slice_ends_with(prefix, slice_from_cstr(x->names->block)))
            continue;
        TRY(rename_block(x, prefix, &prefix, err));
        const char *name = arena_printf(&x->tensors->arena, SLICE_FMT ".%s.weight",
                                        SLICE_ARG(prefix), x->names->router);
        if (!name) return error_set_memory(err, 1, prefix.len, "a tensor's name");
        tensor->name = slice_from_cstr(name);
    }
    return STATUS_OK;
}

static Status sort(Experts *x, Error *err)
{
    x->tensors->tensors = x->list;
    x->tensors->n_tensors = x->n_listed;
    safetensors_sort(x->tensors);
    for (size_t i = 1; i < x->n_listed; i++) {
        if (!slice_eq(x->list[i - 1].name, x->list[i].name)) continue;
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": tensor \"" SLICE_FMT
                                   "\" is there twice, by itself and among stacked experts",
                         SLICE_ARG(x->list[i].file), SLICE_ARG(x->list[i].name));
    }
    return STATUS_OK;
}

static Status take_apart(Experts *x, Error *err)
{
    const Safetensors *from = x->tensors;
    Slice prefix;
    size_t n_stacked = 0, room = 0;
    for (size_t i = 0; i < from->n_tensors; i++)
        n_stacked +=
            fits(x, &from->tensors[i], stacked_of(x->names, from->tensors[i].name, &prefix));
    if (n_stacked == 0) return STATUS_OK;
    room = from->n_tensors + 2 * x->n * n_stacked;
    TRY(arena_take(&x->tensors->arena, room, sizeof *x->list, "tensors", &x->list, err));
    for (size_t i = 0; i < from->n_tensors; i++) {
        const SafeTensor *tensor = &from->tensors[i];
        const Stacked kind = stacked_of(x->names, tensor->name, &prefix);
        if (fits(x, tensor, kind)) {
            TRY(rename_block(x, prefix, &prefix, err));
            TRY(unstack(x, tensor, prefix, kind, err));
        } else {
            x->list[x->n_listed++] = *tensor;
            TRY(rename_router(x, &x->list[x->n_listed - 1], err));
        }
    }
    return sort(x, err);
}

Status checkpoint_unstack_experts(const Json *config, Safetensors *tensors, Error *err)
{
    Arena arena = {0};
    ModelConfig parsed;
    bool any = false;
    for (size_t i = 0; !any && i < tensors->n_tensors; i++) any = tensors->tensors[i].n_dims == 3;
    if (!any) return STATUS_OK;
    Status s = model_config_parse(&arena, config, &parsed, err);
    if (s == STATUS_OK && parsed.experts.n_experts > 0) {
        Experts x = {
            .names = parsed.experts.names, .n = parsed.experts.n_experts, .tensors = tensors};
        s = take_apart(&x, err);
    }
    arena_release(&arena);
    return s;
}
