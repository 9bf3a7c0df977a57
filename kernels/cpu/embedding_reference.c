#include "kernels/embedding.h"

#include <stdbool.h>

#include "kernels/cpu/real.h"
#include "kernels/exec.h"
#include "kernels/pack.h"

Status REFERENCE(embedding)(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *word = &args->in[0], *position = &args->in[1], *type = &args->in[2];
    const EmbeddingArgs *as = &args->as.embedding;
    const Tensor *y = &args->out[0];
    const bool is_stored = word->dtype != (sizeof(Real) == sizeof(float) ? DTYPE_F32 : DTYPE_F64);
    const size_t mark = exec_scratch_mark(exec);
    float *stored = is_stored ? exec_scratch(exec, word->cols * sizeof *stored) : NULL;
    if (is_stored && !stored)
        return error_set_memory(err, word->cols, sizeof *stored, "a row of a table");
    for (size_t t = 0; t < y->rows; t++) {
        const size_t id = as->ids ? (size_t)as->ids[t] : 0;
        if (is_stored) unpack_tensor_row(word, id, stored);
        const Real *p = position->data ? real_row(position, (size_t)as->position_ids[t]) : NULL;
        const Real *k = type->data ? real_row(type, (size_t)as->type_ids[t]) : NULL;
        Real *out = real_row(y, t);
        for (size_t j = 0; j < y->cols; j++) {
            double sum = is_stored ? (double)stored[j] : (double)*real_at(word, id, j);
            if (p) sum += p[j];
            if (k) sum += k[j];
            out[j] = (Real)sum;
        }
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

// padding: the id whose row gets nothing; NULL = none.
static void add_rows(const Tensor *dy, const int32_t *ids, const Tensor *table,
                     const int32_t *padding)
{
    if (!table->data) return;
    for (size_t t = 0; t < dy->rows; t++) {
        if (padding && ids && ids[t] == *padding) continue;
        const Real *from = real_row(dy, t);
        const size_t id = ids ? (size_t)ids[t] : 0;
        for (size_t j = 0; j < dy->cols; j++) *real_at(table, id, j) += from[j];
    }
}

Status REFERENCE(embedding_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const EmbeddingArgs *as = &args->as.embedding;
    add_rows(&args->in[0], as->ids, &args->out[0], as->has_padding ? &as->padding_id : NULL);
    add_rows(&args->in[0], as->position_ids, &args->out[1], NULL);
    add_rows(&args->in[0], as->type_ids, &args->out[2], NULL);
    return STATUS_OK;
}
