#include "harness/tokenizer_bench.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/size.h"
#include "datasets/reader.h"
#include "kernels/bench.h"
#include "models/checkpoint.h"
#include "models/tokenizers/tokenizer.h"

static Status encode_all(const Tokenizer *tokenizer, const Dataset *data, size_t n, Arena *scratch,
                         size_t *n_tokens, Error *err)
{
    *n_tokens = 0;
    for (size_t i = 0; i < n; i++) {
        TokenBatch batch;
        const EncodeOptions options = {0};
        const ArenaMark mark = arena_mark(scratch);
        const Slice text = data->samples[i].text;
        TRY(tokenizer_encode_batch(tokenizer, &text, NULL, 1, &options, scratch, &batch, err));
        *n_tokens += batch.starts[1];
        arena_rewind(scratch, mark);
    }
    return STATUS_OK;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static Status summarise(TokenizerBench *out, Arena *arena, Error *err)
{
    double *sorted;
    size_t low, high;
    TRY(arena_take(arena, out->n_rounds, sizeof *sorted, "rounds", &sorted, err));
    for (size_t i = 0; i < out->n_rounds; i++) sorted[i] = out->cpu_s[i];
    qsort(sorted, out->n_rounds, sizeof *sorted, by_value);
    bench_median_interval(out->n_rounds, &low, &high);
    out->median_cpu_s = bench_median(sorted, out->n_rounds);
    out->low_s = sorted[low];
    out->high_s = sorted[high];
    return STATUS_OK;
}

static Status run(const TokenizerBenchOptions *options, const Tokenizer *tokenizer,
                  const Dataset *data, const atomic_int *cancel, Arena *arena, Arena *scratch,
                  TokenizerBench *out, Error *err)
{
    const size_t n = options->n_sequences > 0 ? size_min(options->n_sequences, data->n_samples)
                                              : data->n_samples;
    out->n_texts = n;
    out->n_rounds = options->n_rounds > 0 ? options->n_rounds : 5;
    out->kind = tokenizer_model_name(tokenizer);
    for (size_t i = 0; i < n; i++) out->n_bytes += data->samples[i].text.len;
    TRY(arena_take(arena, out->n_rounds, sizeof *out->wall_s, "rounds", &out->wall_s, err));
    TRY(arena_take(arena, out->n_rounds, sizeof *out->cpu_s, "rounds", &out->cpu_s, err));
    TRY(encode_all(tokenizer, data, n, scratch, &out->n_tokens, err));
    for (size_t i = 0; i < out->n_rounds; i++) {
        const int64_t wall = clock_now_ns(), cpu = clock_process_cpu_ns();
        if (cancel && atomic_load(cancel)) return error_set(err, STATUS_CANCELLED, "stopped");
        TRY(encode_all(tokenizer, data, n, scratch, &out->n_tokens, err));
        out->wall_s[i] = (double)(clock_now_ns() - wall) / 1e9;
        out->cpu_s[i] = (double)(clock_process_cpu_ns() - cpu) / 1e9;
    }
    return summarise(out, arena, err);
}

Status tokenizer_bench_run(const TokenizerBenchOptions *options, const atomic_int *cancel,
                           Arena *arena, TokenizerBench *out, Error *err)
{
    enum { SCRATCH_BYTES = 4 << 20 }; // as a rule one block, which every text uses again
    Arena scratch = {0};
    Tokenizer *tokenizer = NULL;
    Dataset data = {0};
    const ReadOptions read = {.label_optional = true};
    const char *path = NULL;
    *out = (TokenizerBench){0};
    Status s = checkpoint_resolve(arena, options->model, &path, err);
    if (s == STATUS_OK) s = checkpoint_tokenizer(path, &tokenizer, err);
    if (s == STATUS_OK) s = dataset_read(options->texts, &read, &data, err);
    if (s == STATUS_OK) s = arena_reserve(&scratch, SCRATCH_BYTES, err);
    if (s == STATUS_OK) s = run(options, tokenizer, &data, cancel, arena, &scratch, out, err);
    arena_release(&scratch);
    dataset_release(&data);
    tokenizer_close(&tokenizer);
    return s == STATUS_OK ? s : error_wrap(err, "bench of %s", options->model);
}

void tokenizer_bench_text(const TokenizerBench *bench, Buffer *out)
{
    const double s = bench->median_cpu_s, megabytes = (double)bench->n_bytes / 1e6;
    buffer_printf(out, "%s: %zu texts, %zu bytes, %zu tokens, %zu rounds\n", bench->kind,
                  bench->n_texts, bench->n_bytes, bench->n_tokens, bench->n_rounds);
    buffer_printf(out, "CPU %.4f s [%.4f, %.4f]: %.2f MB/s, %.0f tokens/s\n", s, bench->low_s,
                  bench->high_s, megabytes / s, (double)bench->n_tokens / s);
}

static void put_seconds(const char *key, const double *values, size_t n, JsonWriter *w)
{
    json_member_array(w, key);
    for (size_t i = 0; i < n; i++) json_put_double(w, values[i]);
    json_end_array(w);
}

void tokenizer_bench_json(const TokenizerBench *bench, JsonWriter *w)
{
    json_begin_object(w);
    json_member_cstr(w, "kind", bench->kind);
    json_member_u64(w, "texts", bench->n_texts);
    json_member_u64(w, "bytes", bench->n_bytes);
    json_member_u64(w, "tokens", bench->n_tokens);
    put_seconds("wall_s", bench->wall_s, bench->n_rounds, w);
    put_seconds("cpu_s", bench->cpu_s, bench->n_rounds, w);
    json_member_double(w, "median_cpu_s", bench->median_cpu_s);
    json_member_double(w, "low_s", bench->low_s);
    json_member_double(w, "high_s", bench->high_s);
    json_member_double(w, "bytes_per_cpu_s", (double)bench->n_bytes / bench->median_cpu_s);
    json_end_object(w);
}
