// Which tensors a model wants and a file lacks, told all at once, and beside them those that the file has for nothing.
#include <stdlib.h>
#include <string.h>

#include "base/name_list.h"
#include "models/architecture.h"
#include "models/model_internal.h"

enum { MAX_TOLD = 8 };

static int by_address(const void *a, const void *b)
{
    const SafeTensor *const *x = a, *const *y = b;
    return (*x > *y) - (*x < *y);
}

// The tensors of a file that parameters are made of, sorted by address.
typedef struct UsedTensors {
    const SafeTensor **tensors;
    size_t n;
} UsedTensors;

static Status list_used(const Model *model, const Safetensors *file, Arena *arena, UsedTensors *out,
                        Error *err)
{
    TRY(arena_take(arena, model_n_tensors(model), sizeof *out->tensors, "tensors", &out->tensors,
                   err));
    for (size_t i = 0; i < model->tape.n_params; i++) {
        const Param *param = &model->tape.params[i];
        for (size_t p = 0; p < param->n_parts; p++) {
            const SafeTensor *tensor = weights_find_part(model, file, param, p);
            if (tensor) out->tensors[out->n++] = tensor;
        }
    }
    if (out->n > 0) qsort(out->tensors, out->n, sizeof *out->tensors, by_address);
    return STATUS_OK;
}

static bool is_used(const UsedTensors *used, const SafeTensor *tensor)
{
    return used->n > 0 &&
           bsearch(&tensor, used->tensors, used->n, sizeof *used->tensors, by_address);
}

Status weights_missing(const Model *model, const Safetensors *file, bool head_may_be_fresh,
                       Error *err)
{
    Arena arena = {0};
    UsedTensors used = {0};
    NameList missing = {.most = MAX_TOLD}, unknown = {.most = MAX_TOLD};
    for (size_t i = 0; i < model->tape.n_params; i++) {
        const Param *param = &model->tape.params[i];
        if (head_may_be_fresh && param->group == 1 + model->config.n_layers) continue;
        if (param->source == PARAM_COMPUTED || param->source == PARAM_BUFFER) continue;
        for (size_t p = 0; p < param->n_parts; p++) {
            if (!weights_find_part(model, file, param, p))
                name_list_quote(&missing, param->parts[p].name);
        }
    }
    const Status s = list_used(model, file, &arena, &used, err);
    for (size_t i = 0; s == STATUS_OK && i < file->n_tensors; i++) {
        if (!is_used(&used, &file->tensors[i])) name_list_quote(&unknown, file->tensors[i].name);
    }
    arena_release(&arena);
    TRY(s);
    const Slice place = file->n_tensors > 0 ? file->tensors[0].file : SLICE("the file");
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ": tensor%s %s %s missing%s%s: weights and %s are not of the same "
                               "model",
                     SLICE_ARG(place), missing.n > 1 ? "s" : "", missing.text,
                     missing.n > 1 ? "are" : "is",
                     unknown.n == 0  ? ""
                     : unknown.n > 1 ? ", and not known are "
                                     : ", and not known is ",
                     unknown.text, safetensors_config_name(place));
}

// ---- tensors that no parameter is made of ----

// What checkpoints carry beside the weights, or twice: buffers, tied copies, a pooler or a pre-training head that this head does
// not read.
static bool is_known_extra(Slice name)
{
    static const Slice endings[] = {
        SLICE_LIT("position_ids"),
        SLICE_LIT("inv_freq"),
        SLICE_LIT("attn.bias"),
        SLICE_LIT("attn.masked_bias"),
        SLICE_LIT("attention.bias"),
        SLICE_LIT("attention.masked_bias"),
        SLICE_LIT("pooler.dense.weight"),
        SLICE_LIT("pooler.dense.bias"),
        SLICE_LIT("decoder.weight"),
        SLICE_LIT("decoder.bias"),
        SLICE_LIT("predictions.bias"),
        SLICE_LIT("seq_relationship.bias"),
        SLICE_LIT("seq_relationship.weight"),
        SLICE_LIT("lm_head.weight"),
        SLICE_LIT("lm_head.bias"),
        SLICE_LIT("embed_tokens.weight"),
        SLICE_LIT("embed_positions.weight"),
        SLICE_LIT("shared.weight"),
        SLICE_LIT("final_logits_bias"),
        SLICE_LIT("rope_freqs.weight"),
        SLICE_LIT("token_type_ids"),
        SLICE_LIT("embed_out.weight"),
    };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (slice_ends_with(name, endings[i])) return true;
    }
    return false;
}

Status weights_list_unused(Model *model, const Safetensors *file, bool head_is_new, Error *err)
{
    Arena arena = {0};
    UsedTensors used = {0};
    NameList names = {.most = MAX_TOLD};
    const bool is_bare = head_is_new || model->config.head == HEAD_EMBEDDING;
    const Slice base = slice_from_cstr(model->config.architecture->base_prefix);
    Status s = list_used(model, file, &arena, &used, err);
    for (size_t i = 0; s == STATUS_OK && i < file->n_tensors; i++) {
        const SafeTensor *tensor = &file->tensors[i];
        // Of another head than the file's nothing is said, but of the encoder's.
        if (is_known_extra(tensor->name) || (is_bare && !slice_starts_with(tensor->name, base)))
            continue;
        if (!is_used(&used, tensor)) name_list_quote(&names, tensor->name);
    }
    if (s == STATUS_OK && names.n > 0) {
        model->unused = arena_copy(&model->arena, slice_from_cstr(names.text));
        model->n_unused = names.n;
        if (!model->unused.ptr) s = error_set_memory(err, names.len, 1, "names of tensors");
    }
    arena_release(&arena);
    return s;
}

// ---- blocks that config.json does not speak of ----

// "encoder.layer.11.output.dense.weight": *prefix is "encoder.layer." and *block 11. False where no part of the name is a
// number.
static bool split_block(Slice name, Slice *prefix, uint64_t *block)
{
    for (size_t begin = 0; begin < name.len;) {
        const size_t len = slice_find_byte(slice_sub(name, begin, name.len), '.');
        const size_t end = len == SIZE_MAX ? name.len : begin + len;
        if (slice_to_u64(slice_sub(name, begin, end), block)) {
            *prefix = slice_sub(name, 0, begin);
            return true;
        }
        begin = end + 1;
    }
    return false;
}

static Slice without_base(const Model *model, Slice name)
{
    const Slice base = slice_from_cstr(model->config.architecture->base_prefix);
    if (slice_starts_with(name, base)) return slice_sub(name, base.len, name.len);
    for (const ArchitectureClass *c = model->config.architecture->classes; c->name; c++) {
        if (c->prefix && slice_starts_with(name, slice_from_cstr(c->prefix)))
            return slice_sub(name, strlen(c->prefix), name.len);
    }
    return name;
}

// One more than the highest block that the model has under this prefix; 0 where it has none.
static uint64_t blocks_under(const Model *model, Slice prefix)
{
    uint64_t n = 0;
    for (size_t i = 0; i < model->tape.n_params; i++) {
        const Param *param = &model->tape.params[i];
        for (size_t p = 0; p < param->n_parts; p++) {
            Slice own;
            uint64_t block = 0;
            if (split_block(without_base(model, param->parts[p].name), &own, &block) &&
                slice_eq(own, prefix) && block >= n)
                n = block + 1;
        }
    }
    return n;
}

Status weights_check_blocks(const Model *model, const Safetensors *file, Error *err)
{
    Slice known = {0};
    uint64_t n_known = 0;
    for (size_t i = 0; i < file->n_tensors; i++) {
        Slice prefix;
        uint64_t block = 0;
        if (!split_block(without_base(model, file->tensors[i].name), &prefix, &block)) continue;
        if (!slice_eq(prefix, known)) { // tensors come sorted: mostly the same as before
            known = prefix;
            n_known = blocks_under(model, prefix);
        }
        if (n_known == 0 || block < n_known + model->config.n_further_blocks) continue;
        const char *config = safetensors_config_name(file->tensors[i].file);
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT
                         ": tensor \"" SLICE_FMT
                         "\" is of block %llu, but by %s there are %llu, from 0 on: weights and "
                         "%s are not of the same model",
                         SLICE_ARG(file->tensors[i].file), SLICE_ARG(file->tensors[i].name),
                         (unsigned long long)block, config, (unsigned long long)n_known, config);
    }
    return STATUS_OK;
}
