// Which layers have adapters, and where those start.
#include <math.h>
#include <string.h>

#include "base/name_list.h"
#include "base/philox.h"
#include "base/size.h"
#include "models/training/trainer.h"
#include "models/training/trainer_lora.h"

// ---- which layers ----

bool lora_trains_head(const Model *model, size_t param)
{
    // Layers of new heads by the names they have in any architecture. A pooler that was drawn, not read, is new as well.
    static const char *const layers[] = {"classifier",
                                         "pre_classifier",
                                         "qa_outputs",
                                         "score",
                                         "head.dense",
                                         "lm_head.dense",
                                         "classification_head.dense",
                                         "classification_head.out_proj",
                                         "classifier.dense",
                                         "classifier.out_proj"};
    const Param *p = &model->tape.params[param];
    if (p->group != 1 + model->config.n_layers || p->is_gathered) return false;
    if (model->is_fresh[param]) return true;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const Slice name = p->parts[0].name, layer = slice_from_cstr(layers[i]);
        if (!slice_starts_with(name, layer)) continue;
        const Slice rest = slice_sub(name, layer.len, name.len);
        if (slice_eq_cstr(rest, ".weight") || slice_eq_cstr(rest, ".bias")) return true;
    }
    return false;
}

static bool is_named(const LoraOptions *options, Slice module)
{
    for (size_t i = 0; i < options->n_targets; i++) {
        const Slice target = options->targets[i];
        if (slice_eq(module, target)) return true;
        if (module.len > target.len && slice_ends_with(module, target) &&
            module.ptr[module.len - target.len - 1] == '.')
            return true;
    }
    for (size_t i = 0; options->n_targets == 0 && lora_default_targets[i]; i++) {
        const Slice target = slice_from_cstr(lora_default_targets[i]);
        if (module.len > target.len && slice_ends_with(module, target) &&
            module.ptr[module.len - target.len - 1] == '.')
            return true;
    }
    return false;
}

// A matrix that a dense layer multiplies by; tables are none.
static bool is_dense(const Model *model, size_t param)
{
    const Tape *tape = &model->tape;
    for (size_t i = 0; i < tape->n_nodes; i++) {
        if (tape_multiplies(&tape->nodes[i], param)) return !tape->params[param].is_vector;
    }
    return false;
}

static bool module_of(Slice tensor, Slice *module)
{
    if (!slice_ends_with(tensor, SLICE(".weight"))) return false;
    *module = slice_sub(tensor, 0, tensor.len - strlen(".weight"));
    return true;
}

static void add_adapter(Lora *lora, size_t param, const ParamPart *part, Slice module, size_t n_in)
{
    LoraAdapter *adapter = &lora->adapters[lora->n_adapters++];
    *adapter = (LoraAdapter){.module = module,
                             .param = param,
                             .row = part->begin,
                             .n_out = part->end - part->begin,
                             .n_in = n_in,
                             .order = part->order,
                             .a = lora->n_values};
    adapter->b = adapter->a + size_round_up(lora->rank * n_in, PANEL_WIDTH);
    lora->n_values = adapter->b + size_round_up(adapter->n_out * lora->rank, PANEL_WIDTH);
}

// The last parts of the names of layers that there are, each once, for a message.
static void list_layers(const Model *model, NameList *out)
{
    for (size_t i = 0; i < model->tape.n_params; i++) {
        const Param *p = &model->tape.params[i];
        if (p->group != 1 || !is_dense(model, i)) continue;
        for (size_t k = 0; k < p->n_parts; k++) {
            Slice module, rest, last = {0};
            if (!module_of(p->parts[k].name, &module)) continue;
            rest = module;
            while (slice_split(&rest, '.', &last)) continue;
            name_list_add_new(out, last); // experts have them all alike
        }
    }
}

static Status check_targets(const Lora *lora, const Model *model, const LoraOptions *options,
                            Error *err)
{
    NameList known = {0};
    for (size_t i = 0; i < options->n_targets; i++) {
        const LoraOptions one = {.targets = options->targets + i, .n_targets = 1};
        bool found = false;
        for (size_t k = 0; !found && k < lora->n_adapters; k++)
            found = is_named(&one, lora->adapters[k].module);
        if (found) continue;
        list_layers(model, &known);
        return error_set(err, STATUS_INVALID,
                         "LoRA: the model has no layer \"" SLICE_FMT
                         "\" that is not frozen; a block's are: %s",
                         SLICE_ARG(options->targets[i]), known.text);
    }
    if (lora->n_adapters > 0) return STATUS_OK;
    list_layers(model, &known);
    return error_set(err, STATUS_INVALID, "LoRA: name layers with targets=; a block's are: %s",
                     known.text);
}

static Status find_layers(Lora *lora, Arena *arena, const Model *model, const LoraOptions *options,
                          const bool *frozen, Error *err)
{
    const Tape *tape = &model->tape;
    size_t n_base = 0;
    TRY(arena_take(arena, model_n_tensors(model), sizeof *lora->adapters, "adapters",
                   &lora->adapters, err));
    TRY(arena_take(arena, tape->n_params, sizeof *lora->targets, "adapters", &lora->targets, err));
    TRY(arena_take(arena, tape->n_params, sizeof *lora->is_adapted, "adapters", &lora->is_adapted,
                   err));
    for (size_t i = 0; i < tape->n_params; i++) {
        const Param *p = &tape->params[i];
        LoraTarget target = {.param = i, .first = lora->n_adapters, .base = n_base};
        if (frozen[i] || lora_trains_head(model, i) || !is_dense(model, i)) continue;
        for (size_t k = 0; k < p->n_parts; k++) {
            Slice module;
            if (module_of(p->parts[k].name, &module) && is_named(options, module))
                add_adapter(lora, i, &p->parts[k], module, p->cols);
        }
        target.n = lora->n_adapters - target.first;
        if (target.n == 0) continue;
        lora->targets[lora->n_targets++] = target;
        lora->is_adapted[i] = true;
        n_base += size_round_up(p->rows * p->cols, PANEL_WIDTH);
    }
    TRY(check_targets(lora, model, options, err));
    return arena_take(arena, n_base, sizeof *lora->base, "a copy of the layers", &lora->base, err);
}

// ---- where adapters start ----

static uint64_t stream_of(Slice name)
{
    uint64_t hash = 0x6c6f7261u;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.ptr[i]) * 0x100000001b3u;
    return hash;
}

static void draw(Lora *lora, uint64_t seed)
{
    for (size_t i = 0; i < lora->n_adapters; i++) {
        const LoraAdapter *x = &lora->adapters[i];
        Philox rng = philox_stream(seed, stream_of(x->module));
        const double bound = 1.0 / sqrt((double)x->n_in);
        for (size_t k = 0; k < lora->rank * x->n_in; k++)
            lora->values[x->a + k] = (float)((2 * philox_double(&rng) - 1) * bound);
    }
}

static const SafeTensor *find_start(const Safetensors *file, Slice module, const char *which)
{
    static const char *const before[] = {"", "lora.init.", "base_model.model."};
    static const char *const after[] = {"", ".weight"};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        for (size_t k = 0; k < sizeof after / sizeof *after; k++) {
            char name[512];
            const int len = snprintf(name, sizeof name, "%s" SLICE_FMT ".%s%s", before[i],
                                     SLICE_ARG(module), which, after[k]);
            if (len < 0 || (size_t)len >= sizeof name) continue;
            const SafeTensor *found = safetensors_find(file, slice_from_cstr(name));
            if (found) return found;
        }
    }
    return NULL;
}

static Status read_start(const Safetensors *file, Slice module, const char *which, size_t rows,
                         size_t cols, float *out, Error *err)
{
    const size_t shape[2] = {rows, cols};
    const SafeTensor *tensor = find_start(file, module, which);
    if (!tensor) {
        return error_set(err, STATUS_INVALID, "it has no " SLICE_FMT ".%s", SLICE_ARG(module),
                         which);
    }
    TRY(safetensor_want_shape(tensor, 2, shape, err));
    return safetensor_read_f32(tensor, out, err);
}

static Status read_starts(Lora *lora, const char *path, Error *err)
{
    Safetensors file = {0};
    Status s = safetensors_open(path, &file, err);
    for (size_t i = 0; s == STATUS_OK && i < lora->n_adapters; i++) {
        const LoraAdapter *x = &lora->adapters[i];
        s = read_start(&file, x->module, "lora_A", lora->rank, x->n_in, lora->values + x->a, err);
        if (s == STATUS_OK)
            s = read_start(&file, x->module, "lora_B", x->n_out, lora->rank, lora->values + x->b,
                           err);
        if (s == STATUS_OK)
            s = row_order_apply(&x->order, x->n_out, lora->rank, false, lora->values + x->b, err);
    }
    safetensors_close(&file);
    return s == STATUS_OK ? s : error_wrap(err, "LoRA's start %s", path);
}

static Status keep_base(Lora *lora, const Model *model, Error *err)
{
    for (size_t i = 0; i < lora->n_targets; i++) {
        const LoraTarget *target = &lora->targets[i];
        TRY(weights_read_param(model, target->param, lora->base + target->base, err));
    }
    return STATUS_OK;
}

Status lora_start(Lora **out, Arena *arena, Model *model, const LoraOptions *options,
                  const bool *frozen, uint64_t seed, Error *err)
{
    Lora *lora = NULL;
    if (!options) return STATUS_OK;
    TRY(arena_take(arena, 1, sizeof *lora, "adapters", &lora, err));
    const double alpha = options->alpha > 0 ? options->alpha : 2.0 * (double)options->rank;
    lora->rank = options->rank;
    lora->scale = (float)(alpha / (double)options->rank);
    TRY(find_layers(lora, arena, model, options, frozen, err));
    float **blocks[] = {&lora->values, &lora->gradients, &lora->first_moments,
                        &lora->second_moments};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        TRY(arena_take(arena, lora->n_values, sizeof **blocks[i], "adapters", blocks[i], err));
    TRY(arena_take(arena, lora->n_targets, sizeof *lora->norms, "adapters", &lora->norms, err));
    TRY(keep_base(lora, model, err));
    if (options->init)
        TRY(read_starts(lora, options->init, err));
    else
        draw(lora, seed);
    *out = lora;
    return STATUS_OK;
}
