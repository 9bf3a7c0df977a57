// The model that a tuning run learns from.
#include "base/size.h"
#include "harness/teacher.h"
#include "tools/tune.h"

Status tune_open_teacher(TuneRun *run, const int32_t **columns, Error *err)
{
    const char *path = option_text(run->line, "distill-from");
    const ModelConfig *own = model_config(run->model);
    const int32_t *found = NULL;
    const ModelOptions options = {.keep_stored = 1, .without_tokenizer = columns == NULL};
    TRY(model_open(path, &options, &run->teacher, err));
    TRY(teacher_columns(path, model_config(run->teacher), own->head, own->labels, own->n_labels,
                        &run->arena, &found, err));
    if (columns) {
        *columns = found;
        return STATUS_OK;
    }
    const size_t n_teacher = model_output_width(run->teacher), n = model_output_width(run->model);
    bool is_same = n_teacher == n;
    for (size_t i = 0; found && i < own->n_labels; i++) is_same = is_same && found[i] == (int32_t)i;
    if (is_same) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "--distill-from %s: it has %zu outputs, the model %zu; with --batches both "
                     "must have the same labels in the same order",
                     path, n_teacher, n);
}

Status tune_ask_teacher(TuneRun *run, Error *err)
{
    const int32_t *columns = NULL;
    TokenSequence *inputs = NULL;
    const float **rows = NULL;
    TokenBatch batch = {0};
    const size_t n = run->train.n;
    TRY(tune_open_teacher(run, &columns, err));
    const size_t most = model_config(run->teacher)->max_positions,
                 asked = (size_t)option_integer(run->line, "max-length");
    TRY(tune_encode(run, &run->train, model_tokenizer(run->teacher),
                    asked ? size_min(asked, most) : most, &batch, err));
    TRY(arena_take(&run->arena, n, sizeof *inputs, "inputs", &inputs, err));
    TRY(arena_take(&run->arena, n, sizeof *rows, "rows", &rows, err));
    for (size_t i = 0; i < n; i++)
        inputs[i] = (TokenSequence){.ids = batch.ids + batch.starts[i],
                                    .type_ids = batch.type_ids + batch.starts[i],
                                    .n_tokens = batch.starts[i + 1] - batch.starts[i]};
    TRY(distill_logits(run->teacher, run->pool, inputs, n, columns,
                       model_config(run->model)->n_labels, run->options.cancel, &run->arena, rows,
                       err));
    for (size_t i = 0; i < n; i++) run->train.examples[i].teacher = rows[i];
    return STATUS_OK;
}
