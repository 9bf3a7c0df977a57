// Tensors by their names: those of a file that parameters are made of, and those that a model has.
#include <stdio.h>

#include "models/architecture.h"
#include "models/model_internal.h"

// Older checkpoints call a norm's weight gamma and its bias beta.
static const SafeTensor *find_renamed(const Safetensors *file, Slice name)
{
    static const struct {
        Slice now, before;
    } endings[] = {{SLICE_LIT("LayerNorm.weight"), SLICE_LIT("LayerNorm.gamma")},
                   {SLICE_LIT("LayerNorm.bias"), SLICE_LIT("LayerNorm.beta")}};
    const SafeTensor *found = safetensors_find(file, name);
    for (size_t i = 0; !found && i < sizeof endings / sizeof *endings; i++) {
        char text[256];
        if (!slice_ends_with(name, endings[i].now) || name.len >= sizeof text) continue;
        const size_t kept = name.len - endings[i].now.len;
        const int len = snprintf(text, sizeof text, SLICE_FMT SLICE_FMT,
                                 slice_print_len(slice_sub(name, 0, kept)), name.ptr,
                                 SLICE_ARG(endings[i].before));
        if (len > 0 && (size_t)len < sizeof text)
            found = safetensors_find(file, slice_from_cstr(text));
    }
    return found;
}

// With what a class of the architecture has in the place of the encoder's prefix.
static const SafeTensor *find_of_class(const Model *model, const Safetensors *file, Slice rest)
{
    const SafeTensor *found = NULL;
    for (const ArchitectureClass *c = model->config.architecture->classes; !found && c->name; c++) {
        char text[256];
        const int len =
            c->prefix ? snprintf(text, sizeof text, "%s" SLICE_FMT, c->prefix, SLICE_ARG(rest)) : 0;
        if (len > 0 && (size_t)len < sizeof text) found = find_renamed(file, slice_from_cstr(text));
    }
    return found;
}

static const SafeTensor *find_tensor(const Model *model, const Safetensors *file, Slice name)
{
    const Slice prefix = slice_from_cstr(model->config.architecture->base_prefix);
    const SafeTensor *found = find_renamed(file, name);
    if (found) return found;
    const Slice rest =
        slice_starts_with(name, prefix) ? slice_sub(name, prefix.len, name.len) : name;
    found = find_renamed(file, rest);
    return found ? found : find_of_class(model, file, rest);
}

const SafeTensor *weights_find_part(const Model *model, const Safetensors *file, const Param *param,
                                    size_t part)
{
    const SafeTensor *found = find_tensor(model, file, param->parts[part].name);
    for (const char *const *name = param->aliases; !found && name && *name; name++)
        found = find_tensor(model, file, slice_from_cstr(*name));
    return found;
}

bool weights_find(const Model *model, Slice name, size_t *param, size_t *part)
{
    for (size_t i = 0; i < model->tape.n_params; i++) {
        for (size_t p = 0; p < model->tape.params[i].n_parts; p++) {
            if (!slice_eq(model->tape.params[i].parts[p].name, name)) continue;
            *param = i;
            *part = p;
            return true;
        }
    }
    return false;
}

size_t model_n_tensors(const Model *model)
{
    size_t n = 0;
    for (size_t i = 0; i < model->tape.n_params; i++) n += model->tape.params[i].n_parts;
    return n;
}

Slice model_tensor_name(const Model *model, size_t index)
{
    for (size_t i = 0; i < model->tape.n_params; i++) {
        const Param *param = &model->tape.params[i];
        if (index < param->n_parts) return param->parts[index].name;
        index -= param->n_parts;
    }
    return (Slice){0};
}
