#include <stdlib.h>

#include "base/clock.h"
#include "base/machine.h"
#include "base/size.h"
#include "datasets/reader.h"
#include "harness/model_bench.h"
#include "kernels/bench.h"

// What a bench holds while it runs.
typedef struct Work {
    const ModelBenchOptions *options;
    const atomic_int *cancel;
    Arena *arena;
    Model *model;
    Pool *pool;
    Dataset data;
    TokenSequence *inputs;
    TrainExample *examples;
    size_t n;
    float *logits;
} Work;

static Status open_model(Work *work, ModelBench *out, Error *err)
{
    static const Slice two_classes[] = {SLICE_LIT("0"), SLICE_LIT("1")};
    const bool has_data = work->data.n_labels > 0;
    const ModelOptions options = {.head_choice = HEAD_FOR_LABELS,
                                  .head = HEAD_SEQUENCE,
                                  .labels = has_data ? work->data.labels : two_classes,
                                  .n_labels = has_data ? work->data.n_labels : 2,
                                  .seed = work->options->seed,
                                  .compute = work->options->compute,
                                  .keep_stored = !work->options->tunes,
                                  .without_tokenizer = !work->options->texts};
    const int64_t begin = clock_now_ns();
    TRY(model_open(work->options->model, &options, &work->model, err));
    out->open_s = (double)(clock_now_ns() - begin) / 1e9;
    return STATUS_OK;
}

static Status read_texts(Work *work, Error *err)
{
    const ReadOptions options = {.label_optional = !work->options->tunes};
    TRY(dataset_read(work->options->texts, &options, &work->data, err));
    work->n = work->data.n_samples;
    if (work->options->n_sequences > 0) work->n = size_min(work->n, work->options->n_sequences);
    return STATUS_OK;
}

static Status encode_texts(Work *work, Error *err)
{
    Slice *texts;
    TokenBatch batch;
    const size_t max_length = work->options->max_length;
    const EncodeOptions options = {.max_length = max_length > 0 ? max_length : 128};
    TRY(arena_take(work->arena, work->n, sizeof *texts, "the texts", &texts, err));
    for (size_t i = 0; i < work->n; i++) texts[i] = work->data.samples[i].text;
    TRY(tokenizer_encode_batch(model_tokenizer(work->model), texts, NULL, work->n, &options,
                               work->arena, &batch, err));
    for (size_t i = 0; i < work->n; i++) {
        work->inputs[i] = (TokenSequence){.ids = batch.ids + batch.starts[i],
                                          .type_ids = batch.type_ids + batch.starts[i],
                                          .n_tokens = batch.starts[i + 1] - batch.starts[i]};
    }
    return STATUS_OK;
}

// Ids spread over the vocabulary; what they are changes no time but that of the embedding.
static Status make_up(Work *work, Error *err)
{
    const size_t length = work->options->length;
    const size_t vocab_size = model_config(work->model)->vocab_size;
    int32_t *ids;
    TRY(arena_take(work->arena, length, sizeof *ids, "the sequences", &ids, err));
    for (size_t i = 0; i < length; i++) ids[i] = (int32_t)((i * 7919 + 1) % vocab_size);
    for (size_t i = 0; i < work->n; i++)
        work->inputs[i] = (TokenSequence){.ids = ids, .n_tokens = length};
    return STATUS_OK;
}

static Status prepare(Work *work, ModelBench *out, Error *err)
{
    static const int32_t classes[] = {0, 1};
    const size_t wanted = work->options->n_sequences;
    work->n = wanted > 0 ? wanted : 64;
    if (work->options->texts) TRY(read_texts(work, err));
    TRY(open_model(work, out, err));
    TRY(arena_take(work->arena, work->n, sizeof *work->inputs, "inputs", &work->inputs, err));
    TRY(arena_take(work->arena, work->n, sizeof *work->examples, "examples", &work->examples, err));
    if (work->options->texts)
        TRY(encode_texts(work, err));
    else
        TRY(make_up(work, err));
    TRY(model_check_inputs(work->model, work->inputs, work->n, err));
    for (size_t i = 0; i < work->n; i++) {
        work->inputs[i].key = i + 1;
        work->examples[i].input = work->inputs[i];
        work->examples[i].labels =
            work->options->texts ? &work->data.samples[i].label : &classes[i % 2];
        out->n_tokens += work->inputs[i].n_tokens;
    }
    const size_t width = model_output_width(work->model);
    TRY(arena_take(work->arena, work->n * width, sizeof *work->logits, "logits", &work->logits,
                   err));
    return pool_open(work->options->n_threads, &work->pool, err);
}

static Status predict_round(Work *work, Error *err)
{
    const size_t width = model_output_width(work->model);
    const size_t batch = work->options->batch_size > 0 ? work->options->batch_size : work->n;
    for (size_t i = 0; i < work->n; i += batch) {
        TRY(model_predict(work->model, work->pool, work->inputs + i, size_min(batch, work->n - i),
                          work->cancel, work->logits + i * width, err));
    }
    return STATUS_OK;
}

static Status tune_round(Work *work, Error *err)
{
    const TrainOptions options = {.learning_rate = 1e-5,
                                  .batch_size = work->options->batch_size,
                                  .epochs = 1,
                                  .weight_decay = 0.01,
                                  .clip_norm = 1,
                                  .dropout = -1,
                                  .sort_by_length = work->options->sorts,
                                  .seed = work->options->seed,
                                  .cancel = work->cancel};
    TrainResult result;
    return model_train(work->model, work->pool, work->examples, work->n, &options, &result, err);
}

static Status one_round(Work *work, ModelBenchRound *round, Error *err)
{
    const int64_t wall = clock_now_ns(), cpu = clock_process_cpu_ns();
    TRY(work->options->tunes ? tune_round(work, err) : predict_round(work, err));
    round->wall_ns = clock_now_ns() - wall;
    round->cpu_ns = clock_process_cpu_ns() - cpu;
    return STATUS_OK;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return bench_median(values, n);
}

static Status summarise(const Work *work, ModelBench *out, Error *err)
{
    double *values;
    TRY(arena_take(work->arena, out->n_rounds, sizeof *values, "rounds", &values, err));
    for (size_t i = 0; i < out->n_rounds; i++) values[i] = (double)out->rounds[i].wall_ns / 1e9;
    out->median_wall_s = median(values, out->n_rounds);
    for (size_t i = 0; i < out->n_rounds; i++) values[i] = (double)out->rounds[i].cpu_ns / 1e9;
    out->median_cpu_s = median(values, out->n_rounds);
    const ModelConfig *config = model_config(work->model);
    const double hidden = (double)config->hidden_size, layers = (double)config->n_layers;
    const double weights = 4 * hidden * hidden + 2 * hidden * (double)config->intermediate_size;
    for (size_t i = 0; i < work->n; i++) {
        const double length = (double)work->inputs[i].n_tokens;
        out->flops += layers * 2 * length * (weights + 2 * length * hidden);
    }
    if (work->options->tunes) out->flops *= 3;
    out->peak_rss_bytes = machine_peak_rss();
    return STATUS_OK;
}

static Status run(Work *work, ModelBench *out, Error *err)
{
    ModelBenchRound warm_up;
    TRY(prepare(work, out, err));
    out->n_sequences = work->n;
    out->n_threads = pool_threads(work->pool);
    const size_t by_default = work->options->tunes ? 16 : work->n;
    const size_t batch = work->options->batch_size > 0 ? work->options->batch_size : by_default;
    out->n_calls = (work->n + batch - 1) / batch;
    out->n_rounds = work->options->n_rounds > 0 ? work->options->n_rounds : 5;
    TRY(arena_take(work->arena, out->n_rounds, sizeof *out->rounds, "rounds", &out->rounds, err));
    TRY(one_round(work, &warm_up, err));
    for (size_t i = 0; i < out->n_rounds; i++) TRY(one_round(work, &out->rounds[i], err));
    return summarise(work, out, err);
}

Status model_bench_run(const ModelBenchOptions *options, const atomic_int *cancel, Arena *arena,
                       ModelBench *out, Error *err)
{
    Work work = {.options = options, .cancel = cancel, .arena = arena};
    *out = (ModelBench){0};
    const Status s = run(&work, out, err);
    pool_close(&work.pool);
    model_close(&work.model);
    dataset_release(&work.data);
    return s == STATUS_OK ? s : error_wrap(err, "bench of %s", options->model);
}

void model_bench_text(const ModelBench *bench, Buffer *out)
{
    const double sequences = (double)bench->n_sequences, tokens = (double)bench->n_tokens;
    buffer_printf(out, "%zu sequences, %zu tokens, %zu calls a round, %zu threads, %zu rounds\n",
                  bench->n_sequences, bench->n_tokens, bench->n_calls, bench->n_threads,
                  bench->n_rounds);
    buffer_printf(out, "            %12s %12s %12s %12s %10s\n", "seconds", "sequences/s",
                  "tokens/s", "ms/call", "GFLOP/s");
    const struct {
        const char *name;
        double seconds;
    } rows[] = {{"wall", bench->median_wall_s}, {"CPU", bench->median_cpu_s}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const double s = rows[i].seconds;
        buffer_printf(out, "%-11s %12.4f %12.1f %12.0f %12.3f %10.1f\n", rows[i].name, s,
                      sequences / s, tokens / s, s / (double)bench->n_calls * 1e3,
                      bench->flops / s / 1e9);
    }
    buffer_printf(out, "medians; weights opened in %.2f s; peak memory %.0f MiB\n", bench->open_s,
                  (double)bench->peak_rss_bytes / 1048576.0);
}

static void put_rounds(const ModelBench *bench, const char *key, bool is_cpu, JsonWriter *w)
{
    json_put_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < bench->n_rounds; i++) {
        const ModelBenchRound *round = &bench->rounds[i];
        json_put_double(w, (double)(is_cpu ? round->cpu_ns : round->wall_ns) / 1e9);
    }
    json_end_array(w);
}

void model_bench_json(const ModelBench *bench, JsonWriter *w)
{
    json_begin_object(w);
    json_put_key(w, "sequences");
    json_put_u64(w, bench->n_sequences);
    json_put_key(w, "tokens");
    json_put_u64(w, bench->n_tokens);
    json_put_key(w, "calls");
    json_put_u64(w, bench->n_calls);
    json_put_key(w, "threads");
    json_put_u64(w, bench->n_threads);
    json_put_key(w, "open_s");
    json_put_double(w, bench->open_s);
    json_put_key(w, "median_wall_s");
    json_put_double(w, bench->median_wall_s);
    json_put_key(w, "median_cpu_s");
    json_put_double(w, bench->median_cpu_s);
    put_rounds(bench, "wall_s", false, w);
    put_rounds(bench, "cpu_s", true, w);
    json_put_key(w, "flops");
    json_put_double(w, bench->flops);
    json_put_key(w, "peak_rss_bytes");
    json_put_u64(w, bench->peak_rss_bytes);
    json_end_object(w);
}
