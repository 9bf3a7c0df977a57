// Decoders against what Transformers answers (goldens of the shared folder): logits, hidden states, log-likelihoods and
// greedy continuations; and laws of the queue that need no golden.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "base/size.h"
#include "models/architecture.h"
#include "models/generation/generate.h"
#include "tests/models/forward_golden.h"
#include "tests/models/model_support.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static const char *const models[] = {
    "tiny-gpt2",    "tiny-gpt2-fp16", "tiny-llama2", "tiny-llama3", "tiny-llama-linear-bf16",
    "tiny-mistral", "tiny-qwen2",     "tiny-qwen3",  "tiny-gemma2", "tiny-gemma3",
    "tiny-phi3",    "stories260K"};
enum { N_MODELS = sizeof models / sizeof *models };

// Rows of one sequence, ours without padding against theirs at the places of its tokens.
static void compare(const ForwardGolden *g, const char *what, const GoldenBatch *batch, size_t i,
                    const float *ours, const float *theirs, size_t cols, double accepted)
{
    const float *from = theirs + (i * batch->width + batch->begins[i]) * cols;
    for (size_t e = 0; e < batch->inputs[i].n_tokens * cols; e++) {
        cr_assert(fabs((double)ours[e] - (double)from[e]) <= accepted,
                  "%s %s: sequence %zu, token %zu, column %zu: %.9g, but Transformers has %.9g",
                  g->name, what, i, e / cols, e % cols, (double)ours[e], (double)from[e]);
    }
}

static void check_logits(const ForwardGolden *g, const char *batch_name, const GoldenBatch *batch)
{
    char what[64];
    Error err = {0};
    const size_t width = model_output_width(g->model);
    float *ours =
        calloc(model_output_rows(g->model, batch->inputs, batch->n) * width, sizeof *ours);
    snprintf(what, sizeof what, "%s.logits", batch_name);
    float *theirs = tensor_floats(want_tensor(&g->tensors, "%s", what)), *row = ours;
    want_ok(model_predict(g->model, g->pool, batch->inputs, batch->n, NULL, ours, &err), &err);
    for (size_t i = 0; i < batch->n; i++) {
        compare(g, what, batch, i, row, theirs, width, forward_tolerance(g, what));
        row += batch->inputs[i].n_tokens * width;
    }
    free(theirs);
    free(ours);
}

static void check_hidden(const ForwardGolden *g, const char *batch_name, const GoldenBatch *batch)
{
    const ModelConfig *c = model_config(g->model);
    for (size_t i = 0; i < batch->n; i++) {
        Error err = {0};
        const size_t n = batch->inputs[i].n_tokens * c->hidden_size;
        float *hidden = calloc((c->n_layers + 1) * n, sizeof *hidden);
        want_ok(model_hidden_states(g->model, &batch->inputs[i], hidden, &err), &err);
        for (size_t k = 0; k <= c->n_layers; k++) {
            char name[64];
            snprintf(name, sizeof name, "%s.hidden.%zu", batch_name, k);
            const SafeTensor *tensor = safetensors_find(&g->tensors, slice_from_cstr(name));
            if (!tensor) continue;
            float *theirs = tensor_floats(tensor);
            compare(g, name, batch, i, hidden + k * n, theirs, c->hidden_size, 1e-4);
            free(theirs);
        }
        free(hidden);
    }
}

Test(decoders, give_the_logits_and_hidden_states_of_transformers)
{
    static const char *const batches[] = {"b0", "b1", "b2"};
    shared_need("goldens/models");
    for (size_t m = 0; m < N_MODELS; m++) {
        ForwardGolden g = forward_golden_open(models[m], NULL);
        for (size_t b = 0; b < 3; b++) {
            char ids[32];
            snprintf(ids, sizeof ids, "%s.input_ids", batches[b]);
            if (!safetensors_find(&g.tensors, slice_from_cstr(ids)))
                continue; // stories260K has one
            GoldenBatch batch = golden_batch(&g.tensors, batches[b]);
            check_logits(&g, batches[b], &batch);
            check_hidden(&g, batches[b], &batch);
            golden_batch_release(&batch);
        }
        forward_golden_close(&g);
    }
}

static int32_t *ids_of(const Json *list, size_t *n)
{
    *n = json_len(list);
    int32_t *ids = calloc(*n + 1, sizeof *ids);
    for (size_t i = 0; i < *n; i++) ids[i] = (int32_t)json_double(json_at(list, i));
    return ids;
}

static void check_loglik(const ForwardGolden *g, const Json *entry)
{
    Arena arena = {0};
    Error err = {0};
    size_t n = 0;
    int32_t *ids = ids_of(json_get(entry, "ids"), &n);
    // Every cut of the text into context and continuation, in one call.
    LoglikRequest *requests = calloc(n, sizeof *requests);
    LoglikResult *results = calloc(n, sizeof *results);
    for (size_t cut = 1; cut < n; cut++)
        requests[cut - 1] = (LoglikRequest){ids, cut, ids + cut, n - cut};
    GenerateStats stats;
    want_ok(model_loglik(g->model, g->pool, requests, n - 1, NULL, &arena, results, &stats, &err),
            &err);
    cr_assert(stats.n_tokens == n - 1, "%llu tokens were computed of %zu distinct ones",
              (unsigned long long)stats.n_tokens, n - 1);
    const Json *logprobs = json_get(entry, "token_logprobs"), *greedy = json_get(entry, "greedy");
    for (size_t cut = 1; cut < n; cut++) {
        const LoglikResult *r = &results[cut - 1];
        double sum = 0;
        bool is_greedy = true;
        for (size_t i = cut; i < n; i++) {
            const double theirs = json_double(json_at(logprobs, i - 1));
            sum += theirs;
            is_greedy = is_greedy && json_bool(json_at(greedy, i - 1));
            cr_assert(fabs(r->token_logprobs[i - cut] - theirs) <= 1e-4,
                      "%s: token %zu: %.9g, but Transformers has %.9g", g->name, i,
                      r->token_logprobs[i - cut], theirs);
        }
        cr_assert(fabs(r->loglik - sum) <= 2e-4,
                  "%s: from token %zu: %.9g, but Transformers has %.9g", g->name, cut, r->loglik,
                  sum);
        cr_assert(r->is_greedy == is_greedy, "%s: from token %zu: greedy", g->name, cut);
    }
    free(requests);
    free(results);
    free(ids);
    arena_release(&arena);
}

static void check_greedy(const ForwardGolden *g, const Json *list)
{
    enum { MAX_PROMPTS = 16 };
    Arena arena = {0};
    Error err = {0};
    GenerateRequest requests[MAX_PROMPTS];
    GenerateResult results[MAX_PROMPTS];
    int32_t *prompts[MAX_PROMPTS];
    const size_t n = size_min(json_len(list), MAX_PROMPTS);
    for (size_t i = 0; i < n; i++) {
        size_t n_prompt = 0;
        prompts[i] = ids_of(json_get(json_at(list, i), "prompt_ids"), &n_prompt);
        requests[i] =
            (GenerateRequest){.prompt = prompts[i],
                              .n_prompt = n_prompt,
                              .max_new_tokens = json_len(json_get(json_at(list, i), "new_ids")),
                              .ignores_eos = true}; // as the goldens were made
    }
    want_ok(model_generate(g->model, g->pool, requests, n, NULL, &arena, results, NULL, &err),
            &err);
    for (size_t i = 0; i < n; i++) {
        size_t n_new = 0;
        int32_t *new_ids = ids_of(json_get(json_at(list, i), "new_ids"), &n_new);
        cr_assert(results[i].n_ids == n_new, "%s: prompt %zu: %zu tokens, but Transformers has %zu",
                  g->name, i, results[i].n_ids, n_new);
        for (size_t t = 0; t < n_new; t++) {
            cr_assert(results[i].ids[t] == new_ids[t],
                      "%s: prompt %zu, token %zu: %d, but Transformers has %d", g->name, i, t,
                      results[i].ids[t], new_ids[t]);
        }
        free(new_ids);
        free(prompts[i]);
    }
    arena_release(&arena);
}

Test(decoders, score_and_go_on_as_transformers_does)
{
    shared_need("goldens/models");
    for (size_t m = 0; m < N_MODELS; m++) {
        ForwardGolden g = forward_golden_open(models[m], NULL);
        const Json *root = json_root(g.json), *loglik = json_get(root, "loglik");
        for (size_t i = 0; i < json_len(loglik); i++) check_loglik(&g, json_at(loglik, i));
        check_greedy(&g, json_get(root, "greedy"));
        forward_golden_close(&g);
    }
}

// ---- laws, on a small model with random weights ----

enum { N_TEXTS = 24, LONGEST = 200 };

// Texts that share beginnings of every length.
static void draw_texts(int32_t texts[N_TEXTS][LONGEST], size_t lengths[N_TEXTS])
{
    Philox rng = philox_stream(3, 4);
    for (size_t i = 0; i < N_TEXTS; i++) {
        lengths[i] = 2 + philox_below(&rng, LONGEST - 2);
        const size_t shared = i > 0 ? philox_below(&rng, LONGEST) : 0;
        for (size_t t = 0; t < LONGEST; t++)
            texts[i][t] =
                t < shared ? texts[philox_below(&rng, i)][t] : (int32_t)philox_below(&rng, 50);
        if (i % 5 == 4) { // the whole of another, and a little more or less
            memcpy(texts[i], texts[i - 1], sizeof texts[i]);
            lengths[i] = size_min(LONGEST, lengths[i - 1] + philox_below(&rng, 3));
        }
    }
}

static void embed(EmbeddingPool way, size_t n_tokens, float out[32])
{
    Error err = {0};
    static const int32_t ids[] = {5, 17, 9, 30, 8, 2};
    const TokenSequence input = {.ids = ids, .n_tokens = n_tokens};
    const ModelOptions options = {.without_tokenizer = 1,
                                  .seed = 5,
                                  .head_choice = HEAD_FOR_LABELS,
                                  .has_pool = 1,
                                  .pool = way,
                                  .head = HEAD_EMBEDDING};
    Model *causal = small_decoder(40, 12), *model = NULL;
    const char *folder = folder_make();
    Pool *pool = open_pool(1);
    want_ok(model_save(causal, folder_path(folder, "model"), &err), &err);
    want_ok(model_open(folder_path(folder, "model"), &options, &model, &err), &err);
    cr_assert_eq(model_output_width(model), 32);
    want_ok(model_predict(model, pool, &input, 1, NULL, out, &err), &err);
    pool_close(&pool);
    model_close(&model);
    model_close(&causal);
    folder_remove(folder);
}

// A token of a decoder sees those before it alone: so means of beginnings tell each token's own vector.
Test(decoders, embed_the_first_or_the_last_token_where_asked)
{
    float one[32], five[32], six[32], first[32], last[32];
    embed(POOL_MEAN, 1, one);
    embed(POOL_MEAN, 5, five);
    embed(POOL_MEAN, 6, six);
    embed(POOL_FIRST, 6, first);
    embed(POOL_LAST, 6, last);
    cr_expect_arr_eq(first, one, sizeof first); // bit for bit, though that is of all rows
    for (size_t i = 0; i < 32; i++) {
        cr_expect_float_eq(last[i], 6 * six[i] - 5 * five[i], 2e-5, "last[%zu]: %g and %g", i,
                           (double)last[i], (double)(6 * six[i] - 5 * five[i]));
    }
}

Test(decoders, a_score_has_the_same_bits_alone_and_with_others)
{
    static int32_t texts[N_TEXTS][LONGEST];
    size_t lengths[N_TEXTS];
    LoglikRequest requests[N_TEXTS];
    LoglikResult together[N_TEXTS], alone;
    Arena arena = {0};
    Error err = {0};
    GenerateStats stats;
    uint64_t apart = 0;
    Model *model = small_decoder(50, 300);
    Pool *pool = open_pool(3), *single = open_pool(1);
    draw_texts(texts, lengths);
    for (size_t i = 0; i < N_TEXTS; i++) {
        const size_t cut = 1 + i % (lengths[i] - 1);
        requests[i] = (LoglikRequest){texts[i], cut, texts[i] + cut, lengths[i] - cut};
    }
    want_ok(model_loglik(model, pool, requests, N_TEXTS, NULL, &arena, together, &stats, &err),
            &err);
    for (size_t i = 0; i < N_TEXTS; i++) {
        GenerateStats one;
        want_ok(model_loglik(model, single, &requests[i], 1, NULL, &arena, &alone, &one, &err),
                &err);
        apart += one.n_tokens;
        cr_expect(memcmp(&alone.loglik, &together[i].loglik, sizeof alone.loglik) == 0,
                  "text %zu: %.17g alone, %.17g with others", i, alone.loglik, together[i].loglik);
        cr_expect(memcmp(alone.token_logprobs, together[i].token_logprobs,
                         requests[i].n_continuation * sizeof(double)) == 0);
    }
    cr_expect_lt(stats.n_tokens, apart, "nothing was shared");
    arena_release(&arena);
    pool_close(&pool);
    pool_close(&single);
    model_close(&model);
}

Test(decoders, a_score_is_that_of_the_whole_text_at_once)
{
    static int32_t texts[N_TEXTS][LONGEST];
    size_t lengths[N_TEXTS];
    Arena arena = {0};
    Error err = {0};
    Model *model = small_decoder(50, 300);
    Pool *pool = open_pool(2);
    draw_texts(texts, lengths);
    for (size_t i = 0; i < N_TEXTS; i++) {
        const size_t n = lengths[i];
        const LoglikRequest request = {texts[i], 1, texts[i] + 1, n - 1};
        const TokenSequence input = {.ids = texts[i], .n_tokens = n};
        LoglikResult result;
        float *logits = calloc(n * 50, sizeof *logits);
        double probabilities[50];
        want_ok(model_loglik(model, pool, &request, 1, NULL, &arena, &result, NULL, &err), &err);
        want_ok(model_predict(model, pool, &input, 1, NULL, logits, &err), &err);
        for (size_t t = 0; t + 1 < n; t++) {
            model_probabilities(logits + t * 50, 1, 50, probabilities);
            const double whole = log(probabilities[texts[i][t + 1]]);
            cr_assert(fabs(whole - result.token_logprobs[t]) < 1e-5, "text %zu, token %zu", i, t);
        }
        free(logits);
    }
    arena_release(&arena);
    pool_close(&pool);
    model_close(&model);
}

Test(decoders, what_is_written_does_not_depend_on_the_others)
{
    static int32_t texts[N_TEXTS][LONGEST];
    size_t lengths[N_TEXTS];
    GenerateRequest requests[N_TEXTS];
    GenerateResult together[N_TEXTS], alone;
    Arena arena = {0};
    Error err = {0};
    Model *model = small_decoder(50, 300);
    Pool *pool = open_pool(3), *single = open_pool(1);
    draw_texts(texts, lengths);
    for (size_t i = 0; i < N_TEXTS; i++) {
        requests[i] = (GenerateRequest){.prompt = texts[i],
                                        .n_prompt = lengths[i],
                                        .max_new_tokens = 1 + 3 * i,
                                        .sample = {.temperature = i % 3 ? 0.8 : 0,
                                                   .top_k = i % 4 ? 0 : 7,
                                                   .top_p = i % 5 ? 0 : 0.9,
                                                   .min_p = i % 7 ? 0 : 0.05,
                                                   .repetition_penalty = i % 6 ? 0 : 1.3,
                                                   .seed = i}};
    }
    want_ok(model_generate(model, pool, requests, N_TEXTS, NULL, &arena, together, NULL, &err),
            &err);
    for (size_t i = 0; i < N_TEXTS; i++) {
        want_ok(model_generate(model, single, &requests[i], 1, NULL, &arena, &alone, NULL, &err),
                &err);
        cr_assert(alone.n_ids == together[i].n_ids && alone.finish == together[i].finish,
                  "prompt %zu", i);
        cr_assert(memcmp(alone.ids, together[i].ids, alone.n_ids * sizeof *alone.ids) == 0);
        cr_assert(memcmp(alone.logprobs, together[i].logprobs, alone.n_ids * sizeof(double)) == 0);
        const bool ended = alone.ids[alone.n_ids - 1] == 3;
        cr_assert(ended == (alone.finish == FINISH_EOS), "prompt %zu: only token 3 ends texts", i);
        cr_assert(ended || alone.n_ids == requests[i].max_new_tokens, "prompt %zu", i);
    }
    arena_release(&arena);
    pool_close(&pool);
    pool_close(&single);
    model_close(&model);
}

// Of a shape whose products and attention threads share.
static Model *wide_decoder(size_t n_words)
{
    Error err = {0};
    Model *model = NULL, *small = small_decoder(50, 300);
    ModelConfig config = *model_config(small);
    config.vocab_size = config.n_labels = n_words;
    config.hidden_size = 96;
    config.head_dim = 24;
    config.rotary.dims = 24;
    config.intermediate_size = 208;
    const ModelOptions options = {.seed = 6, .without_tokenizer = 1};
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    model_close(&small);
    return model;
}

// A prompt on its own is read, and gone on from, by all threads together: products by outputs, attention by queries.
Test(decoders, one_prompt_has_the_same_bits_on_any_number_of_threads)
{
    enum { N = 260, N_NEW = 6 };
    static int32_t ids[N];
    static const size_t n_threads[] = {1, 2, 5};
    double logprobs[3][N - 1];
    GenerateResult written[3];
    Arena arena = {0};
    Error err = {0};
    Model *model = wide_decoder(1000);
    for (size_t i = 0; i < N; i++) ids[i] = (int32_t)(i * 7919 % 990 + 5);
    for (size_t t = 0; t < 3; t++) {
        Pool *pool = open_pool(n_threads[t]);
        LoglikResult scored;
        const LoglikRequest score = {ids, 1, ids + 1, N - 1};
        const GenerateRequest write = {
            .prompt = ids, .n_prompt = N, .max_new_tokens = N_NEW, .ignores_eos = true};
        want_ok(model_loglik(model, pool, &score, 1, NULL, &arena, &scored, NULL, &err), &err);
        want_ok(model_generate(model, pool, &write, 1, NULL, &arena, &written[t], NULL, &err),
                &err);
        memcpy(logprobs[t], scored.token_logprobs, sizeof logprobs[t]);
        pool_close(&pool);
        cr_assert(memcmp(logprobs[0], logprobs[t], sizeof logprobs[t]) == 0, "%zu threads",
                  n_threads[t]);
        cr_assert(memcmp(written[0].logprobs, written[t].logprobs, N_NEW * sizeof(double)) == 0,
                  "%zu threads", n_threads[t]);
    }
    arena_release(&arena);
    model_close(&model);
}

// So many weights that a step of few texts is one unit, which all threads share.
Test(decoders, what_threads_write_together_has_the_bits_of_one)
{
    enum { N = 10, N_PROMPT = 292, N_NEW = 5 };
    static int32_t ids[N][N_PROMPT];
    GenerateRequest requests[N];
    GenerateResult together[N], alone;
    Arena arena = {0};
    Error err = {0};
    Model *model = wide_decoder(48000);
    Pool *pool = open_pool(3), *single = open_pool(1);
    for (size_t i = 0; i < N; i++) {
        for (size_t t = 0; t < N_PROMPT; t++) ids[i][t] = (int32_t)((i * 31 + t * 7919) % 990 + 5);
        requests[i] = (GenerateRequest){.prompt = ids[i],
                                        .n_prompt = N_PROMPT - 3 * i,
                                        .max_new_tokens = N_NEW,
                                        .ignores_eos = true};
    }
    want_ok(model_generate(model, pool, requests, N, NULL, &arena, together, NULL, &err), &err);
    for (size_t i = 0; i < N; i++) {
        want_ok(model_generate(model, single, &requests[i], 1, NULL, &arena, &alone, NULL, &err),
                &err);
        cr_assert(memcmp(alone.ids, together[i].ids, N_NEW * sizeof *alone.ids) == 0, "text %zu",
                  i);
        cr_assert(memcmp(alone.logprobs, together[i].logprobs, N_NEW * sizeof(double)) == 0,
                  "text %zu", i);
    }
    arena_release(&arena);
    pool_close(&pool);
    pool_close(&single);
    model_close(&model);
}

Test(decoders, writing_ends_where_the_context_does)
{
    static int32_t prompt[300];
    Arena arena = {0};
    Error err = {0};
    GenerateResult result;
    Model *model = small_decoder(50, 300);
    Pool *pool = open_pool(1);
    GenerateRequest request = {.prompt = prompt, .n_prompt = 290, .ignores_eos = true};
    want_ok(model_generate(model, pool, &request, 1, NULL, &arena, &result, NULL, &err), &err);
    cr_assert(result.n_ids == 11 && result.finish == FINISH_LENGTH, "%zu", result.n_ids);
    request.n_prompt = 301;
    cr_assert(model_check_generate(model, &request, &err) == STATUS_INVALID);
    cr_assert(strstr(err.text, "301 tokens") != NULL, "%s", err.text);
    arena_release(&arena);
    pool_close(&pool);
    model_close(&model);
}

Test(decoders, refuse_what_cannot_be_scored)
{
    static const int32_t ids[] = {1, 2, 77, -4};
    Error err = {0};
    Model *model = small_decoder(50, 300);
    const LoglikRequest empty = {ids, 0, ids, 2}, nothing = {ids, 2, ids, 0},
                        high = {ids, 1, ids, 3}, low = {ids + 3, 1, ids, 1},
                        large = {ids, 2, ids, 300};
    cr_assert(model_check_loglik(model, &empty, &err) == STATUS_INVALID);
    cr_assert(model_check_loglik(model, &nothing, &err) == STATUS_INVALID);
    cr_assert(model_check_loglik(model, &high, &err) == STATUS_INVALID);
    cr_assert(strstr(err.text, "77") != NULL, "%s", err.text);
    cr_assert(model_check_loglik(model, &low, &err) == STATUS_INVALID);
    cr_assert(model_check_loglik(model, &large, &err) == STATUS_INVALID);
    model_close(&model);
}

static int largest_first(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

// The lowest score that top-k and then top-p keep, all of them sorted.
static double lowest_kept(const SampleOptions *o, const double *scores, size_t n, double *sorted)
{
    double all = 0, sum = 0;
    size_t n_kept = 0;
    memcpy(sorted, scores, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, largest_first);
    const double max = sorted[0], last = sorted[(o->top_k > 0 ? o->top_k : n) - 1];
    while (n_kept < n && sorted[n_kept] >= last) all += exp(sorted[n_kept++] - max);
    for (size_t i = 0; o->top_p > 0 && i < n_kept; i++) {
        sum += exp(sorted[i] - max) / all;
        if (sum >= o->top_p) return sorted[i];
    }
    return last;
}

Test(decoders, sampling_keeps_of_a_large_vocabulary_what_sorting_it_would)
{
    enum { N = 5003, SPREADS = 4 };
    static double scores[N], divided[N], p[N], scratch[N];
    static const SampleOptions options[] = {{.top_k = 1},
                                            {.top_k = 50},
                                            {.top_k = 4000},
                                            {.top_p = 0.05},
                                            {.top_p = 0.9},
                                            {.top_p = 0.9999},
                                            {.top_k = 300, .top_p = 0.7},
                                            {.top_k = 0}};
    for (size_t c = 0; c < SPREADS * sizeof options / sizeof *options; c++) {
        SampleOptions o = options[c / SPREADS];
        o.temperature = 1;
        for (size_t i = 0; i < N; i++) { // flat, peaked, with many equal ones, in ascending order
            Philox rng = philox_stream(c, i);
            const double x = philox_double(&rng);
            const double of[SPREADS] = {3 * x, 40 * x * x * x, floor(6 * x), (double)i / 500};
            scores[i] = divided[i] = of[c % SPREADS];
        }
        sample_filter(&o, 1, divided, N, p, scratch);
        const double lowest = lowest_kept(&o, scores, N, scratch);
        double sum = 0;
        for (size_t i = 0; i < N; i++) {
            sum += p[i];
            cr_assert((p[i] > 0) == (scores[i] >= lowest),
                      "case %zu: score %.17g has %g, lowest %.17g", c, scores[i], p[i], lowest);
        }
        cr_assert(sum < 1 + 1e-9 && sum > (o.top_p > 0 ? o.top_p : 1) - 1e-9, "case %zu: %g", c,
                  sum);
    }
}

Test(decoders, sampling_keeps_to_its_bounds)
{
    enum { N = 40 };
    Exec *exec = NULL;
    Error err = {0};
    float logits[N];
    const ExecOptions options = {0};
    size_t counts[N] = {0};
    want_ok(exec_open(&options, &exec, &err), &err);
    for (size_t i = 0; i < N; i++) logits[i] = (float)((i * 7) % N) * 0.1f;
    for (size_t i = 0; i < 400; i++) { // the 3 highest alone
        const SampleOptions top = {.temperature = 1, .top_k = 3, .seed = 9};
        int32_t token = -1;
        double logprob = 0;
        want_ok(sample_token(&top, logits, N, NULL, 0, i, exec, &token, &logprob, &err), &err);
        cr_assert(logits[token] > 3.65f, "token %d has logit %g", token, (double)logits[token]);
        counts[token]++;
    }
    // exp(0), exp(-0.1), exp(-0.2) in all: 0.367, 0.332, 0.301; four standard deviations of 400 draws are 0.097.
    cr_assert(fabs((double)counts[17] / 400 - 0.367) < 0.1, "%zu", counts[17]);
    for (size_t i = 0; i < 200; i++) { // together just over a tenth
        const SampleOptions top = {.temperature = 1, .top_p = 0.1, .seed = 9};
        const SampleOptions min = {.temperature = 1, .min_p = 0.95, .seed = 9};
        int32_t token = -1;
        double logprob = 0;
        want_ok(sample_token(&top, logits, N, NULL, 0, i, exec, &token, &logprob, &err), &err);
        cr_assert(logits[token] > 3.75f, "token %d has logit %g", token, (double)logits[token]);
        want_ok(sample_token(&min, logits, N, NULL, 0, i, exec, &token, &logprob, &err), &err);
        cr_assert(token == 17, "token %d", token);
    }
    const SampleOptions penalty = {.repetition_penalty = 1.5};
    const int32_t seen[] = {17, 17, 34};
    int32_t token = -1;
    double logprob = 0;
    want_ok(sample_token(&penalty, logits, N, seen, 3, 0, exec, &token, &logprob, &err), &err);
    cr_assert(logits[token] > 3.65f && logits[token] < 3.75f, "token %d", token);
    exec_close(&exec);
}
