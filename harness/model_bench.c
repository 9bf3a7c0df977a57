#include <stdlib.h>

#include "base/clock.h"
#include "base/machine.h"
#include "base/size.h"
#include "harness/model_bench_internal.h"
#include "kernels/bench.h"
#include "models/checkpoint.h"

Status model_bench_open(const ModelBenchWork *work, ComputeMode compute, DType kv, Model **out,
                        Error *err)
{
    static const Slice two_classes[] = {SLICE_LIT("0"), SLICE_LIT("1")};
    const bool has_data = work->data.n_labels > 0;
    ModelOptions options = {.head_choice = HEAD_FOR_LABELS,
                            .head = HEAD_SEQUENCE,
                            .labels = has_data ? work->data.labels : two_classes,
                            .n_labels = has_data ? work->data.n_labels : 2,
                            .seed = work->options->seed,
                            .compute = compute,
                            .kv_dtype = kv,
                            .keep_stored = !work->options->tunes,
                            .without_tokenizer = !work->options->texts};
    if (work->mode == MODEL_BENCH_GENERATE) {
        options.head_choice = HEAD_AS_SAVED;
    } else if (work->mode == MODEL_BENCH_EMBED) {
        options.head = HEAD_EMBEDDING;
        options.n_labels = 0;
    }
    return model_open(work->options->model, &options, out, err);
}

// What there is to be done with the model, as its config.json has it.
static Status choose_mode(ModelBenchWork *work, Error *err)
{
    ModelConfig config = {0};
    const char *path = NULL;
    TRY(checkpoint_resolve(work->arena, work->options->model, &path, err));
    TRY(checkpoint_config(work->arena, path, &config, err));
    const bool can_write = config.head == HEAD_CAUSAL_LM || config.head == HEAD_SEQ2SEQ;
    work->mode = work->options->mode;
    if (work->mode == MODEL_BENCH_AUTO)
        work->mode =
            can_write && !work->options->tunes ? MODEL_BENCH_GENERATE : MODEL_BENCH_CLASSIFY;
    if (work->mode == MODEL_BENCH_GENERATE && !can_write)
        return error_set(err, STATUS_INVALID,
                         "a model with a %s head writes nothing: use --mode classify or embed",
                         model_head_name(config.head));
    if (work->options->kv != DTYPE_F32 &&
        (work->mode != MODEL_BENCH_GENERATE || config.head != HEAD_CAUSAL_LM))
        return error_set(err, STATUS_INVALID,
                         "--kv is for causal language models that write: leave it out");
    if (work->options->tunes && work->mode != MODEL_BENCH_CLASSIFY)
        return error_set(err, STATUS_INVALID, "tuning is timed of a classifier");
    return STATUS_OK;
}

static Status open_model(ModelBenchWork *work, ModelBench *out, Error *err)
{
    TRY(choose_mode(work, err));
    const int64_t begin = clock_now_ns();
    TRY(model_bench_open(work, work->options->compute, work->options->kv, &work->model, err));
    out->open_s = (double)(clock_now_ns() - begin) / 1e9;
    out->mode = work->mode;
    return STATUS_OK;
}

static Status read_texts(ModelBenchWork *work, Error *err)
{
    const ReadOptions options = {.label_optional = !work->options->tunes};
    TRY(dataset_read(work->options->texts, &options, &work->data, err));
    work->n = work->data.n_samples;
    if (work->options->n_sequences > 0) work->n = size_min(work->n, work->options->n_sequences);
    return STATUS_OK;
}

static Status encode_texts(ModelBenchWork *work, Error *err)
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

// Ids spread over the vocabulary, no sequence like another; what they are changes no time but that of the embedding.
static Status make_up(ModelBenchWork *work, Error *err)
{
    const size_t length = work->options->length;
    const size_t vocab_size = model_config(work->model)->vocab_size;
    const size_t longest = model_config(work->model)->max_positions;
    int32_t *ids;
    if (length > longest)
        return error_set(err, STATUS_INVALID,
                         "sequences of %zu tokens, but the model takes at most %zu: give --length",
                         length, longest);
    TRY(arena_take(work->arena, work->n, length * sizeof *ids, "the sequences", &ids, err));
    for (size_t i = 0; i < work->n; i++, ids += length) {
        for (size_t t = 0; t < length; t++)
            ids[t] = (int32_t)((t * 7919 + i * 104729 + 1) % vocab_size);
        work->inputs[i] = (TokenSequence){.ids = ids, .n_tokens = length};
    }
    return STATUS_OK;
}

// Room for what the model answers, and the check of what it is asked.
static Status prepare_inputs(ModelBenchWork *work, ModelBench *out, Error *err)
{
    static const int32_t classes[] = {0, 1};
    const bool writes = work->mode == MODEL_BENCH_GENERATE;
    if (!writes) TRY(model_check_inputs(work->model, work->inputs, work->n, err));
    for (size_t i = 0; i < work->n; i++) {
        work->inputs[i].key = i + 1;
        work->examples[i].input = work->inputs[i];
        work->examples[i].labels =
            work->options->texts ? &work->data.samples[i].label : &classes[i % 2];
        out->n_tokens += work->inputs[i].n_tokens;
    }
    if (writes) return STATUS_OK;
    return arena_take(work->arena, work->n * model_output_width(work->model), sizeof *work->logits,
                      "logits", &work->logits, err);
}

static Status prepare(ModelBenchWork *work, ModelBench *out, Error *err)
{
    const size_t wanted = work->options->n_sequences;
    if (work->options->texts) TRY(read_texts(work, err));
    TRY(open_model(work, out, err));
    if (!work->options->texts)
        work->n = wanted > 0 ? wanted : work->mode == MODEL_BENCH_GENERATE ? 1 : 64;
    TRY(arena_take(work->arena, work->n, sizeof *work->inputs, "inputs", &work->inputs, err));
    TRY(arena_take(work->arena, work->n, sizeof *work->examples, "examples", &work->examples, err));
    if (work->options->texts)
        TRY(encode_texts(work, err));
    else
        TRY(make_up(work, err));
    TRY(prepare_inputs(work, out, err));
    return pool_open(work->options->n_threads, &work->pool, err);
}

static Status predict_round(ModelBenchWork *work, Error *err)
{
    const size_t width = model_output_width(work->model);
    const size_t batch = work->options->batch_size > 0 ? work->options->batch_size : work->n;
    for (size_t i = 0; i < work->n; i += batch) {
        TRY(model_predict(work->model, work->pool, work->inputs + i, size_min(batch, work->n - i),
                          work->cancel, work->logits + i * width, err));
    }
    return STATUS_OK;
}

static Status tune_round(ModelBenchWork *work, Error *err)
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

static Status one_round(ModelBenchWork *work, ModelBenchRound *round, Error *err)
{
    const int64_t wall = clock_now_ns(), cpu = clock_process_cpu_ns();
    if (work->mode == MODEL_BENCH_GENERATE) return model_bench_write(work, round, err);
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

// values [n], which are sorted.
static ModelBenchTime time_of(double *values, size_t n)
{
    size_t low, high;
    qsort(values, n, sizeof *values, by_value);
    bench_median_interval(n, &low, &high);
    return (ModelBenchTime){bench_median(values, n), values[low], values[high]};
}

static double round_s(const ModelBenchRound *round, bool is_cpu, ModelBenchMode mode, size_t part)
{
    const int64_t all = is_cpu ? round->cpu_ns : round->wall_ns;
    const int64_t prompt = is_cpu ? round->prompt_cpu_ns : round->prompt_wall_ns;
    if (mode != MODEL_BENCH_GENERATE) return (double)all / 1e9;
    if (part == 0) return (double)prompt / 1e9;
    return all > prompt ? (double)(all - prompt) / 1e9
                        : 0; // two calls: other work may meet the first alone
}

static Status summarise_parts(const ModelBenchWork *work, ModelBench *out, Error *err)
{
    double *values;
    const bool writes = out->mode == MODEL_BENCH_GENERATE;
    TRY(arena_take(work->arena, out->n_rounds, sizeof *values, "rounds", &values, err));
    for (size_t i = 0; i < out->n_rounds; i++) values[i] = (double)out->rounds[i].wall_ns / 1e9;
    out->median_wall_s = time_of(values, out->n_rounds).median_s;
    for (size_t i = 0; i < out->n_rounds; i++) values[i] = (double)out->rounds[i].cpu_ns / 1e9;
    out->median_cpu_s = time_of(values, out->n_rounds).median_s;
    out->n_parts = writes ? 2 : 1;
    out->parts[0].name = writes ? "prompt" : work->options->tunes ? "tune" : "predict";
    out->parts[0].n_tokens = out->n_tokens;
    out->parts[1].name = "generate";
    out->parts[1].n_tokens = work->n * (work->options->n_new_tokens - 1);
    for (size_t p = 0; p < out->n_parts; p++) {
        ModelBenchPart *part = &out->parts[p];
        for (size_t i = 0; i < out->n_rounds; i++)
            values[i] = round_s(&out->rounds[i], false, out->mode, p);
        part->wall = time_of(values, out->n_rounds);
        for (size_t i = 0; i < out->n_rounds; i++)
            values[i] = round_s(&out->rounds[i], true, out->mode, p);
        part->cpu = time_of(values, out->n_rounds);
    }
    return STATUS_OK;
}

static void count_flops(const ModelBenchWork *work, ModelBench *out)
{
    const ModelConfig *config = model_config(work->model);
    const double hidden = (double)config->hidden_size, layers = (double)config->n_layers;
    const double weights = 4 * hidden * hidden + 2 * hidden * (double)config->intermediate_size;
    if (out->mode == MODEL_BENCH_GENERATE) return;
    for (size_t i = 0; i < work->n; i++) {
        const double length = (double)work->inputs[i].n_tokens;
        out->flops += layers * 2 * length * (weights + 2 * length * hidden);
    }
    if (work->options->tunes) out->flops *= 3;
}

static Status run(ModelBenchWork *work, ModelBench *out, Error *err)
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
    TRY(work->mode == MODEL_BENCH_GENERATE ? model_bench_warm_up(work, err)
                                           : one_round(work, &warm_up, err));
    for (size_t i = 0; i < out->n_rounds; i++) TRY(one_round(work, &out->rounds[i], err));
    TRY(summarise_parts(work, out, err));
    count_flops(work, out);
    out->peak_rss_bytes = machine_peak_rss();
    const bool keeps_less = work->options->kv != DTYPE_F32;
    const bool is_lower = work->options->compute != COMPUTE_F32 && !work->options->tunes;
    return is_lower || keeps_less ? model_bench_compare(work, &out->error, err) : STATUS_OK;
}

Status model_bench_run(const ModelBenchOptions *options, const atomic_int *cancel, Arena *arena,
                       ModelBench *out, Error *err)
{
    ModelBenchOptions own = *options;
    if (own.n_new_tokens == 0) own.n_new_tokens = 64;
    ModelBenchWork work = {.options = &own, .cancel = cancel, .arena = arena};
    *out = (ModelBench){0};
    const Status s =
        own.n_new_tokens == 1
            ? error_set(err, STATUS_INVALID, "one new token is the prompt's: at least 2 are wanted")
            : run(&work, out, err);
    pool_close(&work.pool);
    model_close(&work.model);
    dataset_release(&work.data);
    return s == STATUS_OK ? s : error_wrap(err, "bench of %s", options->model);
}

static void put_line(const ModelBench *bench, const ModelBenchPart *part, bool is_cpu, Buffer *out)
{
    const ModelBenchTime *time = is_cpu ? &part->cpu : &part->wall;
    const double s = time->median_s;
    buffer_printf(out, "%-9s %-4s %9.4f [%.4f, %.4f]", is_cpu ? "" : part->name,
                  is_cpu ? "CPU" : "wall", s, time->low_s, time->high_s);
    if (s <= 0) { // the difference of two calls that the clock cannot tell apart
        buffer_printf(out, " too short to be timed: more --new-tokens\n");
        return;
    }
    buffer_printf(out, " %11.1f %11.1f %11.3f", (double)bench->n_sequences / s,
                  (double)part->n_tokens / s, s / (double)bench->n_calls * 1e3);
    if (bench->flops > 0) buffer_printf(out, " %9.1f", bench->flops / s / 1e9);
    buffer_append_byte(out, '\n');
}

void model_bench_text(const ModelBench *bench, Buffer *out)
{
    const struct {
        size_t n;
        const char *noun, *behind;
    } counts[] = {{bench->n_sequences, "sequence", ", "},
                  {bench->n_tokens, "token", ", "},
                  {bench->n_calls, "call", " a round, "},
                  {bench->n_threads, "thread", ", "},
                  {bench->n_rounds, "round", "\n"}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        buffer_printf(out, "%zu %s%s%s", counts[i].n, counts[i].noun, counts[i].n == 1 ? "" : "s",
                      counts[i].behind);
    buffer_printf(out, "%14s %9s %18s %11s %11s %11s%s\n", "", "seconds", "95 % interval",
                  "sequences/s", "tokens/s", "ms/call", bench->flops > 0 ? "   GFLOP/s" : "");
    for (size_t p = 0; p < bench->n_parts; p++) {
        put_line(bench, &bench->parts[p], false, out);
        put_line(bench, &bench->parts[p], true, out);
    }
    buffer_printf(out, "medians; weights opened in %.2f s; peak memory %.0f MiB\n", bench->open_s,
                  (double)bench->peak_rss_bytes / 1048576.0);
    if (bench->error.is_there)
        buffer_printf(
            out,
            "outputs beside those in f32, %zu sequences: relative error %.3g, largest %.3g "
            "of the largest output\n",
            bench->error.n_sequences, bench->error.relative, bench->error.largest);
    if (bench->error.n_tokens > 0)
        buffer_printf(out,
                      "log-probabilities of %zu tokens beside those in f32: mean difference %.3g, "
                      "largest %.3g\n",
                      bench->error.n_tokens, bench->error.mean_logprob,
                      bench->error.largest_logprob);
}

static void put_rounds(const ModelBench *bench, const char *key, bool is_cpu, bool is_prompt,
                       JsonWriter *w)
{
    json_member_array(w, key);
    for (size_t i = 0; i < bench->n_rounds; i++) {
        const ModelBenchRound *r = &bench->rounds[i];
        const int64_t all = is_cpu ? r->cpu_ns : r->wall_ns;
        const int64_t prompt = is_cpu ? r->prompt_cpu_ns : r->prompt_wall_ns;
        json_put_double(w, (double)(is_prompt ? prompt : all) / 1e9);
    }
    json_end_array(w);
}

static void put_time(const char *key, const ModelBenchTime *time, JsonWriter *w)
{
    json_member_object(w, key);
    json_member_double(w, "median_s", time->median_s);
    json_member_double(w, "low_s", time->low_s);
    json_member_double(w, "high_s", time->high_s);
    json_end_object(w);
}

static void put_parts(const ModelBench *bench, JsonWriter *w)
{
    json_member_array(w, "parts");
    for (size_t p = 0; p < bench->n_parts; p++) {
        const ModelBenchPart *part = &bench->parts[p];
        json_begin_object(w);
        json_member_cstr(w, "name", part->name);
        json_member_u64(w, "tokens", part->n_tokens);
        put_time("wall", &part->wall, w);
        put_time("cpu", &part->cpu, w);
        if (part->cpu.median_s > 0) {
            json_member_double(w, "tokens_per_cpu_s", (double)part->n_tokens / part->cpu.median_s);
        }
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_error(const ModelBenchError *error, JsonWriter *w)
{
    if (!error->is_there && error->n_tokens == 0) return;
    json_member_object(w, "error");
    if (error->is_there) {
        json_member_u64(w, "sequences", error->n_sequences);
        json_member_double(w, "relative", error->relative);
        json_member_double(w, "largest", error->largest);
    }
    if (error->n_tokens > 0) {
        json_member_u64(w, "scored_tokens", error->n_tokens);
        json_member_double(w, "mean_logprob", error->mean_logprob);
        json_member_double(w, "largest_logprob", error->largest_logprob);
    }
    json_end_object(w);
}

void model_bench_json(const ModelBench *bench, JsonWriter *w)
{
    json_begin_object(w);
    json_member_u64(w, "sequences", bench->n_sequences);
    json_member_u64(w, "tokens", bench->n_tokens);
    json_member_u64(w, "calls", bench->n_calls);
    json_member_u64(w, "threads", bench->n_threads);
    json_member_double(w, "open_s", bench->open_s);
    json_member_double(w, "median_wall_s", bench->median_wall_s);
    json_member_double(w, "median_cpu_s", bench->median_cpu_s);
    put_rounds(bench, "wall_s", false, false, w);
    put_rounds(bench, "cpu_s", true, false, w);
    if (bench->mode == MODEL_BENCH_GENERATE) {
        put_rounds(bench, "prompt_wall_s", false, true, w);
        put_rounds(bench, "prompt_cpu_s", true, true, w);
    }
    put_parts(bench, w);
    put_error(&bench->error, w);
    json_member_double(w, "flops", bench->flops);
    json_member_u64(w, "peak_rss_bytes", bench->peak_rss_bytes);
    json_end_object(w);
}
