// models/training/freeze.c: which parts of a model stay as they are in tuning: embeddings, blocks, tensors by their names.
#include <string.h>

#include "base/buffer.h"
#include "base/name_list.h"
#include "models/model_internal.h"
#include "models/training/train.h"

static const Slice name_prefix = SLICE_LIT("name:");

static Status freeze_range(Slice text, size_t n_layers, unsigned char *frozen, Error *err)
{
    uint64_t first = 0, last = 0;
    const size_t dash = slice_find_byte(text, '-');
    const Slice from = dash == SIZE_MAX ? text : slice_sub(text, 0, dash);
    const Slice to = dash == SIZE_MAX ? text : slice_sub(text, dash + 1, text.len);
    if (!slice_to_u64(slice_trim(from), &first) || !slice_to_u64(slice_trim(to), &last)) {
        return error_set(err, STATUS_INVALID,
                         "freeze: \"" SLICE_FMT
                         "\" is not understood; it takes \"embeddings\", \"encoder\", blocks "
                         "(\"3\"), ranges (\"0-3\") and tensors (\"name:*.bias\")",
                         SLICE_ARG(text));
    }
    if (first > last || last >= n_layers) {
        return error_set(err, STATUS_INVALID,
                         "freeze: blocks \"" SLICE_FMT "\" are outside the model's 0-%zu",
                         SLICE_ARG(text), n_layers - 1);
    }
    for (uint64_t i = first; i <= last; i++) frozen[1 + i] = 1;
    return STATUS_OK;
}

Status train_parse_freeze(Slice text, size_t n_layers, unsigned char *frozen, Error *err)
{
    Slice part;
    memset(frozen, 0, n_layers + 2);
    while (slice_split(&text, ',', &part)) {
        part = slice_trim(part);
        if (slice_eq_cstr(part, "embeddings")) {
            frozen[0] = 1;
        } else if (slice_eq_cstr(part, "encoder")) {
            memset(frozen, 1, n_layers + 1);
        } else if (slice_starts_with(part, name_prefix)) {
            if (part.len > name_prefix.len) continue; // its tensors are looked for in the model
            return error_set(err, STATUS_INVALID,
                             "freeze: \"name:\" wants the name of a tensor after it, with * for "
                             "any run of characters: \"name:*.bias\"");
        } else {
            TRY(freeze_range(part, n_layers, frozen, err));
        }
    }
    return STATUS_OK;
}

// Whether the pattern is the whole text: '*' stands for any run of bytes, also none. One star is taken back at a time, so
// the work is at most the product of both lengths.
static bool matches(Slice pattern, Slice text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, from = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.len && pattern.ptr[p] == text.ptr[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*') p++;
    return p == pattern.len;
}

static Status names_nothing(const Model *model, Slice pattern, Error *err)
{
    const Tape *tape = &model->tape;
    const Param *last = &tape->params[tape->n_params - 1];
    for (size_t i = 0; i < tape->n_params; i++) {
        if (tape->params[i].group == 1) last = &tape->params[i];
    }
    return error_set(err, STATUS_INVALID,
                     "freeze: the model has no tensor \"" SLICE_FMT
                     "\"; its names are like \"" SLICE_FMT "\"",
                     SLICE_ARG(pattern), SLICE_ARG(last->parts[0].name));
}

// Tensors that are stacked in one parameter have one state of the optimiser, so they stay together or are trained together.
static Status split_apart(const Param *param, Slice pattern, Error *err)
{
    NameList names = {0};
    for (size_t k = 0; k < param->n_parts; k++) name_list_add(&names, param->parts[k].name);
    return error_set(err, STATUS_INVALID,
                     "freeze: \"" SLICE_FMT
                     "\" names some of the tensors that are kept as one and can only "
                     "be frozen together: %s",
                     SLICE_ARG(pattern), names.text);
}

static bool is_named(Slice text, Slice name)
{
    Slice part;
    while (slice_split(&text, ',', &part)) {
        part = slice_trim(part);
        if (slice_starts_with(part, name_prefix) &&
            matches(slice_sub(part, name_prefix.len, part.len), name))
            return true;
    }
    return false;
}

Status train_freeze(const Model *model, Slice text, bool *frozen, Error *err)
{
    const Tape *tape = &model->tape;
    unsigned char *groups = NULL;
    Arena scratch = {0};
    Slice rest = text, part;
    Status s = arena_take(&scratch, model->config.n_layers + 2, 1, "groups", &groups, err);
    if (s == STATUS_OK) s = train_parse_freeze(text, model->config.n_layers, groups, err);
    for (size_t i = 0; s == STATUS_OK && i < tape->n_params; i++) {
        const Param *param = &tape->params[i];
        size_t n_named = 0;
        for (size_t k = 0; k < param->n_parts; k++) n_named += is_named(text, param->parts[k].name);
        if (frozen) frozen[i] = groups[param->group] || n_named > 0;
        if (!groups[param->group] && n_named > 0 && n_named < param->n_parts)
            s = split_apart(param, text, err);
    }
    while (s == STATUS_OK && slice_split(&rest, ',', &part)) {
        part = slice_trim(part);
        if (!slice_starts_with(part, name_prefix)) continue;
        const Slice pattern = slice_sub(part, name_prefix.len, part.len);
        bool found = false;
        for (size_t i = 0; !found && i < tape->n_params; i++) {
            for (size_t k = 0; !found && k < tape->params[i].n_parts; k++)
                found = matches(pattern, tape->params[i].parts[k].name);
        }
        if (!found) s = names_nothing(model, pattern, err);
    }
    arena_release(&scratch);
    return s;
}
