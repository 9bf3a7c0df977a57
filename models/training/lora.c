#include "models/training/lora.h"

#include <string.h>

enum { LORA_MAX_RANK = 4096, LORA_MAX_TARGETS = 64 };

const char *const lora_default_targets[] = {
    "query", "value",  "query_proj", "value_proj", "q_proj", "v_proj",          "q_lin", "v_lin",
    "Wqkv",  "c_attn", "q",          "qkv_proj",   "v",      "query_key_value", NULL};

static Status parse_rank(Slice value, LoraOptions *out, Error *err)
{
    uint64_t rank = 0;
    if (!slice_to_u64(value, &rank) || rank < 1 || rank > LORA_MAX_RANK) {
        return error_set(err, STATUS_INVALID,
                         "LoRA's rank \"" SLICE_FMT "\" is no whole number from 1 to %d",
                         SLICE_ARG(value), LORA_MAX_RANK);
    }
    out->rank = (size_t)rank;
    return STATUS_OK;
}

static Status parse_alpha(Slice value, LoraOptions *out, Error *err)
{
    if (slice_to_double(value, &out->alpha) && out->alpha > 0 && out->alpha <= 1e6)
        return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "LoRA's alpha \"" SLICE_FMT "\" is no number above 0, at most 1e6",
                     SLICE_ARG(value));
}

// Names joined by plus signs.
static Status parse_targets(Arena *arena, Slice value, LoraOptions *out, Error *err)
{
    Slice *targets = NULL, rest = value, name;
    TRY(arena_take(arena, LORA_MAX_TARGETS, sizeof *targets, "LoRA's targets", &targets, err));
    out->n_targets = 0;
    while (slice_split(&rest, '+', &name)) {
        if (name.len == 0 || out->n_targets == LORA_MAX_TARGETS) {
            return error_set(err, STATUS_INVALID,
                             "LoRA's targets \"" SLICE_FMT
                             "\" are no names joined by \"+\", at most %d",
                             SLICE_ARG(value), LORA_MAX_TARGETS);
        }
        targets[out->n_targets] = arena_copy(arena, name);
        if (!targets[out->n_targets++].ptr)
            return error_set_memory(err, name.len, 1, "LoRA's targets");
    }
    out->targets = targets;
    return STATUS_OK;
}

static Status parse_member(Arena *arena, Slice key, Slice value, LoraOptions *out, Error *err)
{
    if (slice_eq_cstr(key, "rank") || slice_eq_cstr(key, "r")) return parse_rank(value, out, err);
    if (slice_eq_cstr(key, "alpha")) return parse_alpha(value, out, err);
    if (slice_eq_cstr(key, "targets")) return parse_targets(arena, value, out, err);
    if (slice_eq_cstr(key, "init") && value.len > 0) {
        out->init = arena_cstr(arena, value);
        return out->init ? STATUS_OK : error_set_memory(err, value.len, 1, "a path");
    }
    return error_set(err, STATUS_INVALID,
                     "LoRA knows rank=N, alpha=X, targets=NAME+NAME and init=FILE, not \"" SLICE_FMT
                     "\"",
                     SLICE_ARG(key));
}

Status lora_parse(Arena *arena, Slice text, LoraOptions *out, Error *err)
{
    Slice rest = text, member;
    *out = (LoraOptions){0};
    while (slice_split(&rest, ',', &member)) {
        Slice value = member, key;
        if (!slice_split(&value, '=', &key)) value = (Slice){0};
        TRY(parse_member(arena, slice_trim(key), slice_trim(value), out, err));
    }
    if (out->rank == 0) {
        return error_set(err, STATUS_INVALID,
                         "LoRA wants its rank, as in rank=8,alpha=16,targets=query+value");
    }
    return STATUS_OK;
}
