#include <string.h>

#include "base/clock.h"
#include "models/training/train_run.h"

// Raised when a checkpoint's content or the numerics of a step change.
static const char version[] = "assay-train-2";

// ---- fingerprint ----

static void add_number(Sha256 *hash, double value)
{
    sha256_update(hash, (Slice){(const char *)&value, sizeof value});
}

static void add_ints(Sha256 *hash, const int32_t *values, size_t n)
{
    sha256_update_field(hash, (Slice){(const char *)values, values ? n * sizeof *values : 0});
}

static void add_options(Sha256 *hash, const TrainOptions *o, size_t n_labels)
{
    const double numbers[] = {
        o->learning_rate,
        o->weight_decay,
        o->beta1,
        o->beta2,
        o->epsilon,
        (double)o->schedule,
        (double)o->warmup_steps,
        o->warmup_ratio,
        (double)o->n_cycles,
        o->clip_norm,
        (double)o->batch_size,
        (double)o->accumulate,
        o->epochs,
        (double)o->max_steps,
        o->dropout,
        (double)(o->seed >> 32),
        (double)(o->seed & 0xffffffffu),
        (double)o->balance_classes,
        (double)o->label_smoothing,
        (double)o->gradual_unfreezing,
        o->layer_decay,
        (double)o->n_lanes,
        (double)o->sort_by_length,
        (double)o->n_validation,
        (double)o->monitor,
        (double)o->patience,
        o->min_delta,
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) add_number(hash, numbers[i]);
    if (o->bf16_products) sha256_update_field(hash, SLICE("bf16"));
    for (size_t i = 0; o->class_weights && i < n_labels; i++)
        add_number(hash, (double)o->class_weights[i]);
    sha256_update_field(hash, o->freeze);
}

// Where adapters start, and of which layers.
static void add_adapters(Sha256 *hash, const Lora *lora)
{
    if (!lora) return;
    add_number(hash, (double)lora->rank);
    add_number(hash, (double)lora->scale);
    for (size_t i = 0; i < lora->n_adapters; i++)
        sha256_update_field(hash, lora->adapters[i].module);
    sha256_update_field(hash,
                        (Slice){(const char *)lora->values, lora->n_values * sizeof *lora->values});
}

static void add_floats(Sha256 *hash, const float *values, size_t n)
{
    sha256_update_field(hash, (Slice){(const char *)values, n * sizeof *values});
}

// What is learnt of a teacher: its logits, or the model that gives them.
static void add_teacher(Sha256 *hash, const TrainRun *run)
{
    const Model *model = run->trainer.model;
    const DistillOptions *d = run->trainer.options.distill;
    if (!d) return;
    add_number(hash, d->temperature);
    add_number(hash, d->alpha);
    const size_t width = model_output_width(model);
    for (size_t i = 0; i < run->n_examples; i++) {
        const TrainExample *example = &run->examples[i];
        if (example->teacher)
            add_floats(hash, example->teacher,
                       model_output_rows(model, &example->input, 1) * width);
    }
    if (d->teacher) add_floats(hash, d->teacher->weights, d->teacher->tape.n_floats);
}

// n_targets: of targets, where an example has them.
static void add_example(Sha256 *hash, const TrainExample *example, ModelHead head, size_t n_targets)
{
    const TokenSequence *input = &example->input;
    add_ints(hash, input->ids, input->n_tokens);
    add_ints(hash, input->type_ids, input->n_tokens);
    if (head == HEAD_SEQ2SEQ) add_ints(hash, input->target_ids, input->n_targets);
    add_ints(hash, example->labels, example->labels ? loss_n_labels(head, input) : 0);
    if (example->targets) add_floats(hash, example->targets, n_targets);
    if (example->weight > 0) add_number(hash, (double)example->weight);
    sha256_update(hash, (Slice){(const char *)&input->key, sizeof input->key});
}

void train_fingerprint(TrainRun *run)
{
    const Model *model = run->trainer.model;
    unsigned char digest[32];
    Sha256 hash;
    sha256_init(&hash);
    sha256_update_field(&hash, slice_from_cstr(version));
    add_options(&hash, &run->trainer.options, model->config.n_labels);
    add_adapters(&hash, run->trainer.lora);
    add_teacher(&hash, run);
    add_number(&hash, (double)run->trainer.n_steps);
    for (size_t i = 0; i < model_n_tensors(model); i++)
        sha256_update_field(&hash, model_tensor_name(model, i));
    for (size_t i = 0; i < run->n_examples; i++)
        add_example(&hash, &run->examples[i], model->config.head, model->config.n_labels);
    if (run->trainer.options.balance_groups)
        add_ints(&hash, run->trainer.options.balance_groups, run->n_examples);
    for (uint64_t i = 0; run->batch_starts && i <= run->trainer.n_steps; i++)
        add_number(&hash, (double)run->batch_starts[i]);
    sha256_finish(&hash, digest);
    sha256_hex(digest, run->fingerprint);
}

// ---- saving ----

enum { N_NUMBERS = 12 };

// Counts are below 2^53 and so exact in doubles.
static void state_numbers(const TrainRun *run, double out[N_NUMBERS])
{
    const RunState *s = &run->state;
    const double numbers[N_NUMBERS] = {
        (double)run->trainer.step,
        s->loss_sum,
        (double)s->loss_count,
        (double)s->n_tokens,
        s->last_loss,
        s->best_loss,
        s->best_metric,
        (double)s->best_step,
        (double)s->n_worse,
        (double)s->n_evaluations,
        (double)s->has_best,
        (double)s->evaluated_step,
    };
    memcpy(out, numbers, sizeof numbers);
}

static void state_from_numbers(TrainRun *run, const double in[N_NUMBERS])
{
    run->trainer.step = (uint64_t)in[0];
    run->state = (RunState){.loss_sum = in[1],
                            .loss_count = (uint64_t)in[2],
                            .n_tokens = (uint64_t)in[3],
                            .last_loss = in[4],
                            .best_loss = in[5],
                            .best_metric = in[6],
                            .best_step = (uint64_t)in[7],
                            .n_worse = (uint64_t)in[8],
                            .n_evaluations = (uint64_t)in[9],
                            .has_best = (uint64_t)in[10],
                            .evaluated_step = (uint64_t)in[11]};
}

// The tensors of a checkpoint: name, floats, memory.
typedef struct Section {
    const char *name;
    float *data;
    size_t n;
} Section;

enum { N_SECTIONS = 7 };

static size_t sections(TrainRun *run, Section out[N_SECTIONS])
{
    const Trainer *t = &run->trainer;
    const size_t n_floats = t->model->tape.n_floats;
    out[0] = (Section){"weights", t->model->weights, n_floats};
    out[1] = (Section){"first_moments", t->first_moments, t->n_moments};
    out[2] = (Section){"second_moments", t->second_moments, t->n_moments};
    size_t n = 3;
    if (run->state.has_best) out[n++] = (Section){"best_weights", run->best_weights, n_floats};
    if (t->lora) {
        const Lora *lora = t->lora;
        out[n++] = (Section){"adapters", lora->values, lora->n_values};
        out[n++] = (Section){"adapter_first_moments", lora->first_moments, lora->n_values};
        out[n++] = (Section){"adapter_second_moments", lora->second_moments, lora->n_values};
    }
    return n;
}

// A checksum of all that a checkpoint holds, so that a flipped bit is not trained on.
static void checksum(const Section *parts, size_t n, const double numbers[N_NUMBERS],
                     char hex[SHA256_HEX_SIZE])
{
    unsigned char digest[32];
    Sha256 hash;
    sha256_init(&hash);
    for (size_t i = 0; i < n; i++)
        sha256_update(&hash, (Slice){(const char *)parts[i].data, parts[i].n * sizeof(float)});
    sha256_update(&hash, (Slice){(const char *)numbers, N_NUMBERS * sizeof *numbers});
    sha256_finish(&hash, digest);
    sha256_hex(digest, hex);
}

Status checkpoint_save(TrainRun *run, Error *err)
{
    Section parts[N_SECTIONS];
    SafeItem items[N_SECTIONS + 1];
    double numbers[N_NUMBERS];
    const char *path = run->trainer.options.checkpoint;
    if (!path) return STATUS_OK;
    const size_t n = sections(run, parts);
    for (size_t i = 0; i < n; i++) {
        items[i] = (SafeItem){.name = slice_from_cstr(parts[i].name),
                              .type = TENSOR_F32,
                              .n_dims = 1,
                              .shape = {parts[i].n},
                              .data = parts[i].data};
    }
    state_numbers(run, numbers);
    items[n] = (SafeItem){.name = SLICE("state"),
                          .type = TENSOR_F64,
                          .n_dims = 1,
                          .shape = {N_NUMBERS},
                          .data = numbers};
    char sum[SHA256_HEX_SIZE];
    checksum(parts, n, numbers, sum);
    const SafeMetadata metadata[] = {{SLICE("format"), slice_from_cstr(version)},
                                     {SLICE("run"), slice_from_cstr(run->fingerprint)},
                                     {SLICE("sha256"), slice_from_cstr(sum)}};
    TRY(safetensors_write(path, items, n + 1, metadata, 3, NULL, NULL, err));
    run->saved_ns = clock_now_ns();
    return STATUS_OK;
}

// ---- loading ----

static Status read_section(const Safetensors *file, const Section *part, Error *err)
{
    const SafeTensor *tensor = safetensors_find(file, slice_from_cstr(part->name));
    if (!tensor || tensor->type != TENSOR_F32 || tensor->n_elements != part->n) {
        return error_set(err, STATUS_INVALID, "it has no \"%s\" of %zu numbers", part->name,
                         part->n);
    }
    return safetensor_read_f32(tensor, part->data, err);
}

static Status read_state(TrainRun *run, const Safetensors *file, Error *err)
{
    double numbers[N_NUMBERS];
    Section parts[N_SECTIONS];
    const SafeTensor *state = safetensors_find(file, SLICE("state"));
    if (!slice_eq_cstr(safetensors_metadata(file, "format"), version))
        return error_set(err, STATUS_INVALID, "it is no checkpoint of this version");
    if (!slice_eq_cstr(safetensors_metadata(file, "run"), run->fingerprint)) {
        return error_set(
            err, STATUS_INVALID,
            "it is of a run with other data or settings; remove it or name another file");
    }
    if (!state || state->type != TENSOR_F64 || state->n_elements != N_NUMBERS)
        return error_set(err, STATUS_INVALID, "it has no state");
    memcpy(numbers, state->data.ptr, sizeof numbers);
    if (!(numbers[0] >= 0 && numbers[0] <= (double)run->trainer.n_steps))
        return error_set(err, STATUS_INVALID, "its step is outside the run");
    for (size_t i = 0; i < N_NUMBERS; i++) {
        if (numbers[i] < 0 && i != 1 && i != 4 && i != 5 && i != 6)
            return error_set(err, STATUS_INVALID, "its counts are negative");
    }
    state_from_numbers(run, numbers);
    if (run->state.has_best && !run->best_weights)
        return error_set(err, STATUS_INVALID, "it has best weights that this run does not ask for");
    const size_t n = sections(run, parts);
    for (size_t i = 0; i < n; i++) TRY(read_section(file, &parts[i], err));
    char sum[SHA256_HEX_SIZE];
    checksum(parts, n, numbers, sum);
    if (slice_eq_cstr(safetensors_metadata(file, "sha256"), sum)) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "it is damaged (its checksum does not fit): remove it to begin anew");
}

Status checkpoint_load(TrainRun *run, Error *err)
{
    Safetensors file = {0};
    const char *path = run->trainer.options.checkpoint;
    TRY(safetensors_open(path, &file, err));
    const Status s = read_state(run, &file, err);
    safetensors_close(&file);
    return s == STATUS_OK ? s : error_wrap(err, "checkpoint %s", path);
}
