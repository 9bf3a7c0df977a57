#include "harness/learnt.h"

Status learnt_take(const Prepared *prepared, size_t model, size_t task, int setting, uint64_t seed,
                   const size_t *positions, size_t n, Arena *arena, Learnt *out, Error *err)
{
    const SuiteAugment *how = &prepared->suite->models[model].settings[setting].augment;
    *out = (Learnt){.part = &prepared->tasks[task].parts[PART_TRAIN],
                    .tokens = prepared_tokens(prepared, model, task, PART_TRAIN, setting),
                    .positions = positions,
                    .n = n,
                    .n_originals = n};
    if (out->tokens == NULL) return error_set(err, STATUS_INTERNAL, "a part has no tokens");
    if (!how->is_on) return STATUS_OK;
    Augmented *to = &out->augmented;
    TRY(augment_samples(prepared, task, how, seed, positions, n, arena, &to->part, NULL, err));
    TRY(prepared_encode(prepared, model, task, setting, &to->part, arena, &to->tokens, err));
    out->part = &to->part;
    out->tokens = &to->tokens;
    out->positions = to->part.which;
    out->n = to->part.n;
    return STATUS_OK;
}
