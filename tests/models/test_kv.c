// Keys and values of 16 bits (ModelOptions.kv_dtype): what they cost, and that all that holds of f32 holds of them.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "models/generation/generate.h"
#include "tests/models/model_support.h"

enum { N_TEXTS = 5, LONGEST = 700, VOCABULARY = 997 };
static const DType dtypes[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16};

// Wide enough that heads of a single token's attention are shared among threads.
static Model *open_model(DType kv, size_t n_kv_heads)
{
    Error err = {0};
    Model *small = small_decoder(50, 300), *model = NULL;
    ModelConfig config = *model_config(small);
    config.vocab_size = config.n_labels = VOCABULARY;
    config.max_positions = 1024;
    config.hidden_size = 512;
    config.n_layers = 1;
    config.n_heads = 8;
    config.n_kv_heads = n_kv_heads;
    config.head_dim = 64;
    config.rotary.dims = 64;
    config.initializer_range = 0.06f;
    const ModelOptions options = {.seed = 6, .without_tokenizer = 1, .kv_dtype = kv};
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    model_close(&small);
    return model;
}

// Texts with common beginnings.
static void draw(int32_t texts[N_TEXTS][LONGEST], size_t lengths[N_TEXTS])
{
    for (size_t i = 0; i < N_TEXTS; i++) {
        lengths[i] = LONGEST - 150 * i;
        for (size_t t = 0; t < lengths[i]; t++)
            texts[i][t] = (int32_t)((t * 7919 + (t > 90 * i ? i * 104729 : 0)) % VOCABULARY);
    }
}

typedef struct Said {
    LoglikResult scored;
    GenerateResult written;
} Said;

static void ask(Model *model, size_t n_threads, int32_t texts[N_TEXTS][LONGEST],
                const size_t *lengths, size_t first, size_t n, Arena *arena, Said *out,
                GenerateStats *stats)
{
    enum { N_NEW = 5 };
    LoglikRequest scores[N_TEXTS];
    GenerateRequest writes[N_TEXTS];
    LoglikResult scored[N_TEXTS];
    GenerateResult written[N_TEXTS];
    Error err = {0};
    Pool *pool = open_pool(n_threads);
    for (size_t i = 0; i < n; i++) {
        const size_t length = lengths[first + i], cut = length / 2 + i;
        int32_t *text = texts[first + i];
        scores[i] = (LoglikRequest){text, cut, text + cut, length - cut};
        writes[i] = (GenerateRequest){
            .prompt = text, .n_prompt = length, .max_new_tokens = N_NEW, .ignores_eos = true};
    }
    want_ok(model_loglik(model, pool, scores, n, NULL, arena, scored, NULL, &err), &err);
    want_ok(model_generate(model, pool, writes, n, NULL, arena, written, stats, &err), &err);
    for (size_t i = 0; i < n; i++) out[i] = (Said){scored[i], written[i]};
    pool_close(&pool);
}

static void want_same(const Said *a, const Said *b, size_t n_scored, const char *what)
{
    cr_assert_arr_eq(a->scored.token_logprobs, b->scored.token_logprobs, n_scored * sizeof(double),
                     "%s", what);
    cr_assert_eq(a->written.n_ids, b->written.n_ids, "%s", what);
    cr_assert_arr_eq(a->written.ids, b->written.ids, a->written.n_ids * sizeof(int32_t), "%s",
                     what);
    cr_assert_arr_eq(a->written.logprobs, b->written.logprobs, a->written.n_ids * sizeof(double),
                     "%s", what);
}

Test(kv, what_is_said_has_the_same_bits_alone_on_any_number_of_threads)
{
    static int32_t texts[N_TEXTS][LONGEST];
    size_t lengths[N_TEXTS];
    draw(texts, lengths);
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
        Arena arena = {0};
        Said together[N_TEXTS], alone;
        // Heads that share keys four by four, and each with its own.
        Model *model = open_model(dtypes[d], d == 1 ? 8 : 2);
        ask(model, 3, texts, lengths, 0, N_TEXTS, &arena, together, NULL);
        for (size_t i = 0; i < N_TEXTS; i++) {
            char what[64];
            const size_t cut = lengths[i] / 2 + i;
            for (size_t n_threads = 1; n_threads <= 3; n_threads += 2 - i % 2) {
                int32_t(*text)[LONGEST] = &texts[i];
                // The cut of a text asked alone is that of a first one.
                size_t length = lengths[i];
                snprintf(what, sizeof what, "%s, text %zu, %zu threads", dtype_name(dtypes[d]), i,
                         n_threads);
                ask(model, n_threads, text, &length, 0, 1, &arena, &alone, NULL);
                alone.scored.token_logprobs += i;
                want_same(&together[i], &alone, length - cut, what);
            }
        }
        arena_release(&arena);
        model_close(&model);
    }
}

Test(kv, sixteen_bits_take_half_the_memory_and_say_nearly_the_same)
{
    static int32_t texts[N_TEXTS][LONGEST];
    size_t lengths[N_TEXTS];
    // Of log-probabilities that come of eight products of numbers of size 1 each: 11 bits of f16, 8 of bf16.
    static const double accepted[] = {0, 0.01, 0.08};
    Arena arena = {0};
    Said exact[N_TEXTS], said[N_TEXTS];
    GenerateStats stats[3];
    draw(texts, lengths);
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
        Model *model = open_model(dtypes[d], 4);
        ask(model, 2, texts, lengths, 0, N_TEXTS, &arena, d == 0 ? exact : said, &stats[d]);
        cr_expect_eq(model_size(model).cache_bytes_per_token,
                     (size_t)2 * 4 * 64 * (d == 0 ? sizeof(float) : sizeof(uint16_t)));
        cr_expect_eq(stats[d].cache_bytes * (d == 0 ? 1 : 2), stats[0].cache_bytes);
        double largest = 0;
        for (size_t i = 0; d > 0 && i < N_TEXTS; i++) {
            const size_t n = lengths[i] - (lengths[i] / 2 + i);
            for (size_t t = 0; t < n; t++)
                largest = fmax(largest, fabs(said[i].scored.token_logprobs[t] -
                                             exact[i].scored.token_logprobs[t]));
        }
        cr_expect(d == 0 || (largest > 0 && largest <= accepted[d]), "%s: %g",
                  dtype_name(dtypes[d]), largest);
        model_close(&model);
    }
    arena_release(&arena);
}

Test(kv, other_formats_and_gpus_are_refused)
{
    static const ModelOptions refused[] = {
        {.kv_dtype = DTYPE_Q8_0}, {.kv_dtype = DTYPE_F16, .device = {.kind = DEVICE_CUDA}}};
    static const char *const why[] = {"f32, f16 or bf16", "on the CPU"};
    Model *small = small_decoder(50, 300);
    for (size_t i = 0; i < 2; i++) {
        Error err = {0};
        Model *model = NULL;
        ModelOptions options = refused[i];
        options.without_tokenizer = 1;
        cr_expect_eq(model_create(model_config(small), NULL, &options, &model, &err),
                     STATUS_INVALID);
        cr_expect_not_null(strstr(err.text, why[i]), "%s", err.text);
    }
    model_close(&small);
}
