// The loss of a model on examples, without tuning.
#include "models/training/train_run.h"

// Examples whose logits are held at once: at most this many numbers.
enum { LOSS_CHUNK_FLOATS = 1 << 24 };

static Status add_chunk_loss(Model *model, Pool *pool, const LossOptions *options,
                             const atomic_int *cancel, const TrainExample *examples, size_t n,
                             TokenSequence *inputs, float *logits, LossSums *sums, Error *err)
{
    const size_t width = model_output_width(model);
    float *row = logits;
    for (size_t i = 0; i < n; i++) inputs[i] = examples[i].input;
    TRY(model_predict(model, pool, inputs, n, cancel, logits, err));
    for (size_t i = 0; i < n; i++) {
        LossSums one;
        const size_t rows = model_output_rows(model, &inputs[i], 1);
        const int32_t offsets[2] = {0, (int32_t)rows};
        const Tensor tensor = tensor_f32(row, rows, width);
        Exec *exec = model->workers[0].exec;
        const size_t mark = exec_scratch_mark(exec),
                     n_labels = loss_n_labels(options->head, &inputs[i]);
        int32_t *labels = exec_scratch(exec, n_labels * sizeof *labels);
        if (!labels) return error_set_memory(err, n_labels, sizeof *labels, "labels");
        loss_put_labels(options->head, &examples[i], labels);
        const LossRows whole = {.offsets = offsets,
                                .n_sequences = 1,
                                .labels = labels,
                                .targets = &examples[i].targets,
                                .weights = examples[i].weight > 0 ? &examples[i].weight : NULL};
        const Status s = loss_unit(options, exec, &tensor, &whole, sums, NULL, &one, err);
        exec_scratch_release(exec, mark);
        TRY(s);
        loss_add(sums, &one);
        row += rows * width;
    }
    return STATUS_OK;
}

Status model_loss(Model *model, Pool *pool, const TrainExample *examples, size_t n_examples,
                  const TrainOptions *options, double *loss, Error *err)
{
    const TrainOptions o = train_defaults(options);
    const LossOptions how = {.head = model->config.head,
                             .problem = model_config_problem(&model->config),
                             .class_weights = o.class_weights,
                             .label_smoothing = o.label_smoothing};
    Arena arena = {0};
    LossSums sums = {0};
    TokenSequence *inputs = NULL;
    TRY(train_check(model, &o, examples, n_examples, err));
    const size_t width = model_output_width(model);
    Status s = arena_take(&arena, n_examples, sizeof *inputs, "inputs", &inputs, err);
    // The chunks are cut by the examples alone, and each example's loss is added in order.
    for (size_t begin = 0; s == STATUS_OK && begin < n_examples;) {
        size_t end = begin, floats = 0;
        while (end < n_examples && (end == begin || floats < LOSS_CHUNK_FLOATS)) {
            floats += model_output_rows(model, &examples[end++].input, 1) * width;
        }
        float *logits = malloc(floats * sizeof *logits);
        s = logits ? add_chunk_loss(model, pool, &how, o.cancel, examples + begin, end - begin,
                                    inputs, logits, &sums, err)
                   : error_set_memory(err, floats, sizeof *logits, "logits");
        free(logits);
        begin = end;
    }
    arena_release(&arena);
    *loss = loss_mean(&how, &sums);
    return s;
}
