// Experts that a file has as one tensor of three dimensions, told as the tensors of each: GGUF has one of all gates of a layer,
// and so on; Transformers 5 keeps gates and up projections in one, gpt-oss row by row, and in MXFP4 with scales apart. Nothing
// is copied.
#include <stdio.h>
#include <string.h>

#include "models/architectures/experts.h"
#include "models/checkpoint_experts.h"

enum { CODES_BYTES = 16, CODES_NUMBERS = 2 * CODES_BYTES }; // of a block of MXFP4 in safetensors

// What a stacked tensor holds of each expert: which layers,
typedef enum Stacked {
    STACKED_NOT,
    STACKED_GATE_UP,
    STACKED_GATE,
    STACKED_UP,
    STACKED_DOWN
} Stacked;

// and what of them.
typedef enum StackedPart {
    PART_WEIGHT, // [n, rows, cols]
    PART_TURNED, // [n, cols, rows]
    PART_BIAS,   // [n, rows]
    PART_CODES,  // [n, rows, blocks, 16], bytes
    PART_SCALES, // [n, rows, blocks], bytes
} StackedPart;

typedef struct Found {
    Stacked kind;
    StackedPart part;
    Slice prefix; // up to the block of the layer, its dot left out
    Slice stem;   // the name without what says that it is codes or scales
} Found;

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

static Found find_stacked(const ExpertNames *names, Slice name)
{
    const struct {
        const char *before, *layer, *after;
        Stacked kind;
        StackedPart part;
        bool is_used;
    } endings[] = {
        {".experts.", "gate_up_proj", "", STACKED_GATE_UP, PART_WEIGHT, !names->is_turned},
        {".experts.", "down_proj", "", STACKED_DOWN, PART_WEIGHT, !names->is_turned},
        {".experts.", "gate_up_proj", "", STACKED_GATE_UP, PART_TURNED, names->is_turned},
        {".experts.", "down_proj", "", STACKED_DOWN, PART_TURNED, names->is_turned},
        {".experts.", "gate_up_proj", "_bias", STACKED_GATE_UP, PART_BIAS, names->is_turned},
        {".experts.", "down_proj", "_bias", STACKED_DOWN, PART_BIAS, names->is_turned},
        {".experts.", "gate_up_proj", "_blocks", STACKED_GATE_UP, PART_CODES, names->is_turned},
        {".experts.", "down_proj", "_blocks", STACKED_DOWN, PART_CODES, names->is_turned},
        {".experts.", "gate_up_proj", "_scales", STACKED_GATE_UP, PART_SCALES, names->is_turned},
        {".experts.", "down_proj", "_scales", STACKED_DOWN, PART_SCALES, names->is_turned},
        {".experts.", names->gate, ".weight", STACKED_GATE, PART_WEIGHT, true},
        {".experts.", names->up, ".weight", STACKED_UP, PART_WEIGHT, true},
        {".experts.", names->down, ".weight", STACKED_DOWN, PART_WEIGHT, true},
        {".experts.", names->gate, ".bias", STACKED_GATE, PART_BIAS, names->has_biases},
        {".experts.", names->up, ".bias", STACKED_UP, PART_BIAS, names->has_biases},
        {".experts.", names->down, ".bias", STACKED_DOWN, PART_BIAS, names->has_biases},
        {".", names->stacked_gate_up, ".weight", STACKED_GATE_UP, PART_WEIGHT, true},
        {".", names->stacked_down, ".weight", STACKED_DOWN, PART_WEIGHT, true},
    };
    Found found = {0};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (!endings[i].layer || !endings[i].is_used ||
            !ends_with(name, endings[i].before, endings[i].layer, endings[i].after, &found.prefix))
            continue;
        found.kind = endings[i].kind;
        found.part = endings[i].part;
        found.stem = slice_sub(name, 0, name.len - strlen(endings[i].after));
        return found;
    }
    return found;
}

// Rows of a layer's experts, gates and up projections together.
static size_t rows_of(const SafeTensor *tensor, StackedPart part)
{
    return tensor->shape[part == PART_TURNED ? 2 : 1];
}

// The rows of one layer of an expert among those of the tensor: first, first + step, ..
typedef struct Rows {
    size_t first, step, n;
} Rows;

// How they lie. scales: of PART_CODES.
static void place_rows(const Experts *x, const SafeTensor *from, const SafeTensor *scales,
                       StackedPart part, size_t e, Rows rows, SafeTensor *to)
{
    const size_t of_expert = from->data.len / x->n, all = rows_of(from, part);
    const size_t row_bytes = part == PART_TURNED ? tensor_type_size(from->type) : of_expert / all;
    const size_t begin = e * of_expert + rows.first * row_bytes,
                 end = (e + 1) * of_expert -
                       (rows.step == 1 ? all - rows.first - rows.n : 0) * row_bytes;
    to->data = slice_sub(from->data, begin, part == PART_TURNED ? (e + 1) * of_expert : end);
    if (part != PART_TURNED && part != PART_CODES && rows.step == 1) return;
    to->change = SAFE_SPREAD;
    to->spread = (SafeSpread){.row_step = rows.step * row_bytes};
    if (part == PART_TURNED) to->spread.col_step = of_expert / from->shape[1];
    if (part == PART_BIAS) to->spread = (SafeSpread){.col_step = rows.step * row_bytes};
    if (part == PART_CODES) {
        const size_t n_blocks = from->shape[2];
        to->type = TENSOR_MXFP4;
        to->spread.scale_step = rows.step * n_blocks;
        to->spread.scales = scales->data.ptr + (e * all + rows.first) * n_blocks;
    }
}

// A tensor of expert e: the rows of one layer.
static Status add_layer(Experts *x, const SafeTensor *from, const SafeTensor *scales,
                        const Found *found, const char *layer, size_t e, Rows rows, Error *err)
{
    SafeTensor *to = &x->list[x->n_listed++];
    const bool is_bias = found->part == PART_BIAS;
    const char *name =
        arena_printf(&x->tensors->arena, SLICE_FMT ".experts.%zu.%s.%s", SLICE_ARG(found->prefix),
                     e, layer, is_bias ? "bias" : "weight");
    if (!name) return error_set_memory(err, 1, found->prefix.len, "a tensor's name");
    const size_t cols = found->part == PART_WEIGHT   ? from->shape[2]
                        : found->part == PART_TURNED ? from->shape[1]
                        : found->part == PART_CODES  ? from->shape[2] * CODES_NUMBERS
                                                     : 1;
    *to = *from;
    to->name = slice_from_cstr(name);
    to->n_dims = is_bias ? 1 : 2;
    memset(to->shape, 0, sizeof to->shape);
    to->shape[0] = rows.n;
    if (!is_bias) to->shape[1] = cols;
    to->n_elements = rows.n * cols;
    place_rows(x, from, scales, found->part, e, rows, to);
    return STATUS_OK;
}

static Status unstack(Experts *x, const SafeTensor *from, const SafeTensor *scales,
                      const Found *found, Error *err)
{
    const ExpertNames *names = x->names;
    const size_t all = rows_of(from, found->part), half = all / 2;
    const bool in_turn = names->is_turned;
    for (size_t e = 0; e < x->n; e++) {
        if (found->kind == STACKED_GATE_UP) {
            const Rows gate = {0, in_turn ? 2 : 1, half},
                       up = {in_turn ? 1 : half, gate.step, half};
            TRY(add_layer(x, from, scales, found, names->gate, e, gate, err));
            TRY(add_layer(x, from, scales, found, names->up, e, up, err));
            continue;
        }
        const char *layer = found->kind == STACKED_GATE ? names->gate
                            : found->kind == STACKED_UP ? names->up
                                                        : names->down;
        TRY(add_layer(x, from, scales, found, layer, e, (Rows){0, 1, all}, err));
    }
    return STATUS_OK;
}

// Only what has config.json's number of experts is taken apart: of any other shape it is told by its own name.
static bool fits(const Experts *x, const SafeTensor *tensor, const Found *found)
{
    static const size_t n_dims[] = {
        [PART_WEIGHT] = 3, [PART_TURNED] = 3, [PART_BIAS] = 2, [PART_CODES] = 4, [PART_SCALES] = 3};
    const bool is_bytes = found->part == PART_CODES || found->part == PART_SCALES;
    if (found->kind == STACKED_NOT || tensor->n_dims != n_dims[found->part] ||
        tensor->shape[0] != x->n || tensor->n_elements == 0)
        return false;
    if (is_bytes && tensor->type != TENSOR_U8) return false;
    if (found->part == PART_TURNED && tensor_type_block(tensor->type) > 1) return false;
    if (found->part == PART_CODES && tensor->shape[3] != CODES_BYTES) return false;
    return found->kind != STACKED_GATE_UP || rows_of(tensor, found->part) % 2 == 0;
}

// The other half of a weight in MXFP4, of the same shape but for the bytes of a block.
static const SafeTensor *partner(const Experts *x, const SafeTensor *tensor, const Found *found,
                                 Error *err)
{
    const char *ending = found->part == PART_CODES ? "_scales" : "_blocks";
    char name[256];
    const int len = snprintf(name, sizeof name, SLICE_FMT "%s", SLICE_ARG(found->stem), ending);
    const SafeTensor *other = len > 0 && (size_t)len < sizeof name
                                  ? safetensors_find(x->tensors, slice_from_cstr(name))
                                  : NULL;
    if (other) {
        const Found of_other = find_stacked(x->names, other->name);
        if (fits(x, other, &of_other) &&
            memcmp(other->shape, tensor->shape, 3 * sizeof *other->shape) == 0)
            return other;
    }
    (void)error_set(err, STATUS_INVALID,
                    SLICE_FMT ": tensor \"" SLICE_FMT "\" has no \"" SLICE_FMT
                              "%s\" of bytes for the same blocks beside it",
                    SLICE_ARG(tensor->file), SLICE_ARG(tensor->name), SLICE_ARG(found->stem),
                    ending);
    return NULL;
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

// What is told in the place of one tensor: itself, or those of its experts; of scales nothing.
static Status tell(Experts *x, const SafeTensor *tensor, Error *err)
{
    Found found = find_stacked(x->names, tensor->name);
    const SafeTensor *other = NULL;
    if (!fits(x, tensor, &found)) {
        x->list[x->n_listed++] = *tensor;
        return rename_router(x, &x->list[x->n_listed - 1], err);
    }
    if (found.part == PART_CODES || found.part == PART_SCALES) {
        other = partner(x, tensor, &found, err);
        if (!other) return STATUS_INVALID;
        if (found.part == PART_SCALES) return STATUS_OK;
    }
    TRY(rename_block(x, found.prefix, &found.prefix, err));
    return unstack(x, tensor, other, &found, err);
}

static Status take_apart(Experts *x, Error *err)
{
    const Safetensors *from = x->tensors;
    size_t n_stacked = 0, room = 0;
    for (size_t i = 0; i < from->n_tensors; i++) {
        const Found found = find_stacked(x->names, from->tensors[i].name);
        n_stacked += fits(x, &from->tensors[i], &found);
    }
    if (n_stacked == 0) return STATUS_OK;
    room = from->n_tensors + 2 * x->n * n_stacked;
    TRY(arena_take(&x->tensors->arena, room, sizeof *x->list, "tensors", &x->list, err));
    for (size_t i = 0; i < from->n_tensors; i++) TRY(tell(x, &from->tensors[i], err));
    return sort(x, err);
}

Status checkpoint_unstack_experts(const Json *config, Safetensors *tensors, Error *err)
{
    Arena arena = {0};
    ModelConfig parsed;
    bool any = false;
    for (size_t i = 0; !any && i < tensors->n_tensors; i++) any = tensors->tensors[i].n_dims >= 3;
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
