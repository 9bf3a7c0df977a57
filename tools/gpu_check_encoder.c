#include "tools/gpu_check_encoder.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/philox.h"
#include "tools/gpu_check_golden.h"

// What is checked on one device.
typedef struct Place {
    Device device;
    ComputeMode compute; // COMPUTE_F32 on the CPU
    char name[16];
} Place;

typedef struct Check {
    const EncoderCheck *options;
    Place places[2]; // the CPU first
    size_t n_places;
    Pool *pool;
    size_t n_checked, n_wrong;
} Check;

// The sizes of MiniLM-L6 but for its vocabulary, which no step's cost depends on.
static ModelConfig minilm_config(void)
{
    ModelConfig config = golden_bert_config(HEAD_EMBEDDING);
    config.vocab_size = 1024;
    config.hidden_size = 384;
    config.n_layers = 6;
    config.n_heads = 12;
    config.intermediate_size = 1536;
    config.max_positions = 512;
    config.type_vocab_size = 2;
    return config;
}

static ModelOptions options_for(const Place *place)
{
    return (ModelOptions){.device = place->device, .compute = place->compute, .seed = 1};
}

// ---- answers ----

typedef struct Answers {
    float *values;
    size_t n;
} Answers;

static Status predict(Model *model, Pool *pool, const TokenSequence *inputs, size_t n_inputs,
                      Answers *out, Error *err)
{
    out->n = model_output_rows(model, inputs, n_inputs) * model_output_width(model);
    out->values = malloc((out->n + 1) * sizeof *out->values); // + 1: no empty block
    if (!out->values) return error_set_memory(err, out->n, sizeof *out->values, "answers");
    return model_predict(model, pool, inputs, n_inputs, NULL, out->values, err);
}

// Whether each sequence has the same bits alone as in the batch.
static Status compare_alone(Model *model, Pool *pool, const TokenSequence *inputs, size_t n_inputs,
                            const Answers *together, int *is_same, Error *err)
{
    const float *from = together->values;
    for (size_t i = 0; i < n_inputs; i++) {
        Answers alone = {0};
        const Status s = predict(model, pool, &inputs[i], 1, &alone, err);
        if (s == STATUS_OK && memcmp(alone.values, from, alone.n * sizeof *from) != 0) *is_same = 0;
        from += alone.n;
        free(alone.values);
        if (s != STATUS_OK) return s;
    }
    return STATUS_OK;
}

// ---- lines of the table ----

static void print_heading(void)
{
    printf("\n%-22s %-8s %8s %11s %11s %6s %11s %11s  %-5s  %s\n", "encoder", "device", "numbers",
           "error", "allowed", "share", "from cpu", "allowed", "alone", "verdict");
}

typedef struct Findings {
    GoldenDifference reference, cpu; // from the reference, and from the CPU's answers
    int is_same_alone;
} Findings;

static void print_findings(Check *check, const char *model, const Place *place,
                           const Findings *found)
{
    const int is_cpu = place->device.kind == DEVICE_CPU;
    const char *verdict = "ok";
    if (found->reference.n == 0)
        verdict = "nothing was compared";
    else if (!(found->reference.share <= 1))
        verdict = "wrong: too far from the reference";
    else if (!is_cpu && !(found->cpu.share <= 1))
        verdict = "wrong: too far from the CPU";
    else if (!found->is_same_alone)
        verdict = "wrong: a sequence alone has other bits than in a batch";
    printf("%-22s %-8s %8zu %11.3g %11.3g %6.3f", model, place->name, found->reference.n,
           found->reference.largest, found->reference.allowed, found->reference.share);
    if (is_cpu)
        printf(" %11s %11s", "-", "-");
    else
        printf(" %11.3g %11.3g", found->cpu.largest, found->cpu.allowed);
    printf("  %-5s  %s\n", found->is_same_alone ? "same" : "other", verdict);
    (void)fflush(stdout); // a line at a time; main reports what could not be written
    check->n_checked++;
    check->n_wrong += strcmp(verdict, "ok") != 0;
}

static void compare_to_cpu(const Answers *ours, const Answers *cpu, double allowed,
                           GoldenDifference *worst)
{
    assert(ours->n == 0 || (ours->values && cpu->values && cpu->n == ours->n));
    for (size_t i = 0; i < ours->n; i++)
        golden_differ((double)ours->values[i], (double)cpu->values[i], allowed, worst);
}

// ---- goldens ----

enum { N_BATCHES = 3 };

// One batch of a golden on one device. cpu keeps the CPU's answers for the next device.
static Status check_batch(Check *check, Golden *golden, const Place *place, Model *model,
                          const GoldenBatch *batch, Answers *cpu, Findings *found, Error *err)
{
    Answers answers = {0};
    GoldenDifference here = {0};
    Status s = predict(model, check->pool, batch->inputs, batch->n, &answers, err);
    if (s == STATUS_OK)
        s = golden_compare(golden, batch, answers.values, place->compute, &here, err);
    if (s == STATUS_OK)
        s = compare_alone(model, check->pool, batch->inputs, batch->n, &answers,
                          &found->is_same_alone, err);
    if (s != STATUS_OK) goto done;
    here.n += found->reference.n;
    if (here.share < found->reference.share) {
        found->reference.n = here.n;
    } else {
        found->reference = here;
    }
    if (place->device.kind == DEVICE_CPU) {
        *cpu = answers;
        return STATUS_OK;
    }
    // Both may be as far from the reference, on different sides.
    compare_to_cpu(&answers, cpu, 2 * here.allowed, &found->cpu);
done:
    free(answers.values);
    return s;
}

static Status check_on(Check *check, Golden *golden, const char *name, const Place *place,
                       const GoldenBatch batches[N_BATCHES], Answers cpu[N_BATCHES], Error *err)
{
    const ModelOptions options = options_for(place);
    Findings found = {.is_same_alone = 1};
    Model *model = NULL;
    TRY(golden_model(golden, &options, &model, err));
    Status s = STATUS_OK;
    for (size_t b = 0; s == STATUS_OK && b < N_BATCHES; b++)
        s = check_batch(check, golden, place, model, &batches[b], &cpu[b], &found, err);
    model_close(&model);
    if (s == STATUS_OK) print_findings(check, name, place, &found);
    return s;
}

static Status check_golden(Check *check, const char *folder, const char *name, Error *err)
{
    static const char *const names[N_BATCHES] = {"b0", "b1", "b2"};
    Golden golden;
    GoldenBatch batches[N_BATCHES];
    Answers cpu[N_BATCHES] = {0};
    Status s = golden_open(folder, name, &golden, err);
    for (size_t b = 0; s == STATUS_OK && b < N_BATCHES; b++)
        s = golden_batch(&golden, names[b], &batches[b], err);
    for (size_t i = 0; s == STATUS_OK && i < check->n_places; i++)
        s = check_on(check, &golden, name, &check->places[i], batches, cpu, err);
    for (size_t b = 0; b < N_BATCHES; b++) free(cpu[b].values);
    golden_close(&golden);
    return s == STATUS_OK ? s : error_wrap(err, "%s", name);
}

// The folder asked for, or the first usual place that has goldens; NULL where none has.
static const char *find_goldens(const EncoderCheck *options)
{
    static const char *const places[] = {"shared", "../shared"};
    const char *from_environment = getenv("ASSAY_SHARED");
    if (options->goldens) return options->goldens;
    if (from_environment && from_environment[0] != '\0') return from_environment;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "%s/goldens/models/tiny-bert-seqcls", places[i]);
        if (file_is_directory(path)) return places[i];
    }
    return NULL;
}

static Status check_goldens(Check *check, Error *err)
{
    static const char *const models[] = {"tiny-bert-seqcls", "tiny-bert-tokcls", "tiny-bert-qa",
                                         "tiny-bert-mlm"};
    const char *folder = find_goldens(check->options);
    if (!folder) {
        printf("%-22s not checked: no reference answers in shared or ../shared; --goldens DIR "
               "names them\n",
               "tiny-bert-*");
        return STATUS_OK;
    }
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        TRY(check_golden(check, folder, models[i], err));
    return STATUS_OK;
}

// ---- a real model's sizes ----

enum { N_SEQUENCES = 8, LONGEST = 128 };

typedef struct Sequences {
    int32_t ids[N_SEQUENCES * LONGEST];
    TokenSequence inputs[N_SEQUENCES];
} Sequences;

static void make_sequences(const size_t *lengths, size_t n, Sequences *out)
{
    Philox rng = philox_stream(7, 1);
    for (size_t i = 0; i < (size_t)N_SEQUENCES * LONGEST; i++)
        out->ids[i] = (int32_t)philox_below(&rng, minilm_config().vocab_size);
    for (size_t i = 0; i < n; i++)
        out->inputs[i] =
            (TokenSequence){.ids = out->ids + i * LONGEST, .n_tokens = lengths[i], .key = i};
}

// The answers of the reference rows, which compute in double, on the CPU.
static Status reference_answers(Check *check, const Sequences *sequences, size_t n, Answers *out,
                                Error *err)
{
    const ModelOptions options = {.reference_only = 1, .seed = 1};
    const ModelConfig config = minilm_config();
    Model *model = NULL;
    TRY(model_create_bare(&config, &options, &model, err));
    const Status s = predict(model, check->pool, sequences->inputs, n, out, err);
    model_close(&model);
    return s;
}

// Embeddings stand behind a LayerNorm, so they are of order 1, and each of the 24 products on the way adds an error of its
// own: for fp32 of 2^-24 times the root of its length (384 or 1,536), for TF32 of the 2^-11 to which its inputs are cut.
static double minilm_allowed(ComputeMode compute)
{
    const double of_product = compute == COMPUTE_TF32 ? 0x1p-11 : 0x1p-24 * sqrt(1536);
    return 8 * of_product * sqrt(24);
}

static Status check_minilm_on(Check *check, const Place *place, const Sequences *sequences,
                              size_t n, const Answers *reference, Answers *cpu, Error *err)
{
    const ModelOptions options = options_for(place);
    const ModelConfig config = minilm_config();
    const double allowed = minilm_allowed(place->compute);
    Findings found = {.is_same_alone = 1};
    Answers answers = {0};
    Model *model = NULL;
    TRY(model_create_bare(&config, &options, &model, err));
    Status s = predict(model, check->pool, sequences->inputs, n, &answers, err);
    if (s == STATUS_OK)
        s = compare_alone(model, check->pool, sequences->inputs, n, &answers, &found.is_same_alone,
                          err);
    if (s == STATUS_OK) {
        compare_to_cpu(&answers, reference, allowed, &found.reference);
        if (place->device.kind != DEVICE_CPU)
            compare_to_cpu(&answers, cpu, 2 * allowed, &found.cpu);
        print_findings(check, "MiniLM's sizes, random", place, &found);
    }
    model_close(&model);
    if (s == STATUS_OK && place->device.kind == DEVICE_CPU)
        *cpu = answers;
    else
        free(answers.values);
    return s;
}

static Status check_minilm(Check *check, Error *err)
{
    static const size_t lengths[] = {1, 16, 33, 7};
    enum { N = sizeof lengths / sizeof *lengths };
    Sequences sequences;
    Answers reference = {0}, cpu = {0};
    make_sequences(lengths, N, &sequences);
    Status s = reference_answers(check, &sequences, N, &reference, err);
    for (size_t i = 0; s == STATUS_OK && i < check->n_places; i++)
        s = check_minilm_on(check, &check->places[i], &sequences, N, &reference, &cpu, err);
    free(reference.values);
    free(cpu.values);
    return s;
}

// ---- speed ----

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Median seconds of one call, of up to 100 in about half a second, after three that are not counted.
static Status time_predict(Model *model, Pool *pool, const Sequences *sequences, size_t n,
                           double *seconds, Error *err)
{
    enum { WARM_UPS = 3, MOST = 100 };
    const int64_t enough_ns = INT64_C(500000000);
    double samples[MOST];
    size_t n_samples = 0;
    int64_t spent_ns = 0;
    for (size_t i = 0; n_samples < MOST && (n_samples < 3 || spent_ns < enough_ns); i++) {
        Answers answers = {0};
        const int64_t begin = clock_now_ns();
        const Status s = predict(model, pool, sequences->inputs, n, &answers, err);
        const int64_t elapsed = clock_now_ns() - begin;
        free(answers.values);
        if (s != STATUS_OK) return s;
        if (i < WARM_UPS) continue;
        samples[n_samples++] = (double)elapsed * 1e-9;
        spent_ns += elapsed;
    }
    qsort(samples, n_samples, sizeof *samples, by_value);
    *seconds = samples[n_samples / 2];
    return STATUS_OK;
}

static Status time_on(Check *check, const Place *place, Error *err)
{
    static const struct {
        size_t n_tokens, n_sequences;
    } shapes[] = {{128, N_SEQUENCES}, {16, 1}};
    const ModelOptions options = options_for(place);
    const ModelConfig config = minilm_config();
    Model *model = NULL;
    Status s = model_create_bare(&config, &options, &model, err);
    for (size_t i = 0; s == STATUS_OK && i < sizeof shapes / sizeof *shapes; i++) {
        size_t lengths[N_SEQUENCES];
        Sequences sequences;
        double seconds = 0;
        for (size_t k = 0; k < N_SEQUENCES; k++) lengths[k] = shapes[i].n_tokens;
        make_sequences(lengths, shapes[i].n_sequences, &sequences);
        s = time_predict(model, check->pool, &sequences, shapes[i].n_sequences, &seconds, err);
        if (s != STATUS_OK) break;
        const double n_tokens = (double)(shapes[i].n_tokens * shapes[i].n_sequences);
        // Multiply-adds of a block's products for each token: 4 h^2 + 2 h f.
        const double h = (double)config.hidden_size, f = (double)config.intermediate_size;
        const double flops = 2 * n_tokens * (double)config.n_layers * (4 * h * h + 2 * h * f);
        printf("%-22s %-8s %4zu x %-4zu %12.3f %14.0f %10.1f\n", "MiniLM's sizes", place->name,
               shapes[i].n_tokens, shapes[i].n_sequences, seconds * 1e3, n_tokens / seconds,
               flops / seconds * 1e-9);
        (void)fflush(stdout);
    }
    model_close(&model);
    return s;
}

static Status time_all(Check *check, Error *err)
{
    printf("\n%-22s %-8s %-11s %12s %14s %10s   (%zu CPU thread%s)\n", "answering, one call",
           "device", "tokens", "median ms", "tokens/s", "GFLOP/s", pool_threads(check->pool),
           pool_threads(check->pool) == 1 ? "" : "s");
    for (size_t i = 0; i < check->n_places; i++) TRY(time_on(check, &check->places[i], err));
    return STATUS_OK;
}

static Status check_all(Check *check, Error *err)
{
    print_heading();
    TRY(check_goldens(check, err));
    TRY(check_minilm(check, err));
    return check->options->is_timed ? time_all(check, err) : STATUS_OK;
}

Status encoder_check(const EncoderCheck *options, size_t *n_checked, size_t *n_wrong, Error *err)
{
    Check check = {.options = options, .n_places = 1, .places = {{.name = "cpu"}}};
    if (options->device.kind != DEVICE_CPU) {
        Place *gpu = &check.places[check.n_places++];
        *gpu = (Place){.device = options->device, .compute = options->compute};
        (void)snprintf(gpu->name, sizeof gpu->name, "cuda:%d", options->device.index);
    }
    TRY(pool_open(0, &check.pool, err));
    const Status s = check_all(&check, err);
    pool_close(&check.pool);
    *n_checked += check.n_checked;
    *n_wrong += check.n_wrong;
    return s;
}
