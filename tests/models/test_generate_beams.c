// Beam search of decoders against Transformers' (models of the shared folder), and laws that need no golden.
//
// The table: Transformers 5.24, float64, model.generate(prompt, do_sample=False, num_beams=.., ..): new tokens up to the first
// that ends texts, and sequences_scores.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "model_support.h"
#include "models/architecture.h"
#include "models/generation/generate.h"
#include "tests/support/shared.h"

enum { MAX_PROMPT = 12, MAX_NEW = 20, MAX_RESULTS = 3 };

typedef struct Expected {
    size_t n;
    int32_t ids[MAX_NEW];
    double score; // NAN: not given
} Expected;

static const struct {
    const char *model;
    size_t n_prompt;
    int32_t prompt[MAX_PROMPT];
    BeamOptions options;
    size_t n_results;
    Expected results[MAX_RESULTS];
} cases[] = {
    {.model = "tiny-gpt2",
     .n_prompt = 8,
     .prompt = {36, 73, 110, 147, 184, 221, 258, 295},
     .options = {.n_beams = 4,
                 .max_new_tokens = 16,
                 .length_penalty = 1.0,
                 .early_stopping = STOP_NEVER_EARLY,
                 .no_repeat_ngram = 2,
                 .forced_first = -1,
                 .forced_last = -1},
     .n_results = 1,
     .results = {{.n = 16,
                  .ids = {86, 181, 181, 203, 181, 172, 71, 181, 304, 246, 181, 348, 181, 386, 172,
                          199},
                  .score = -3.1584721}}},
    {.model = "tiny-llama3",
     .n_prompt = 7,
     .prompt = {25, 62, 99, 136, 173, 210, 247},
     .options = {.n_beams = 5,
                 .max_new_tokens = 9,
                 .length_penalty = 0.4,
                 .forced_first = -1,
                 .forced_last = -1},
     .n_results = 3,
     .results = {{.n = 9, .ids = {114, 108, 96, 391, 114, 108, 122, 58, 437}, .score = -11.9276705},
                 {.n = 9, .ids = {114, 108, 96, 391, 114, 108, 122, 58, 91}, .score = -12.0846605},
                 {.n = 9,
                  .ids = {114, 108, 96, 391, 114, 108, 122, 58, 112},
                  .score = -12.1015654}}},
    {.model = "tiny-mistral",
     .n_prompt = 6,
     .prompt = {14, 51, 88, 125, 162, 199},
     .options = {.n_beams = 3,
                 .max_new_tokens = 20,
                 .length_penalty = 2.0,
                 .early_stopping = STOP_WHEN_FULL,
                 .forced_first = -1,
                 .forced_last = -1},
     .n_results = 1,
     .results = {{.n = 20,
                  .ids = {133, 108, 28,  17,  28,  310, 274, 274, 274, 94,
                          9,   94,  187, 422, 187, 219, 88,  442, 77,  105},
                  .score = -0.1538737}}},
    {.model = "tiny-qwen2",
     .n_prompt = 8,
     .prompt = {36, 73, 110, 147, 184, 221, 258, 295},
     .options = {.n_beams = 4,
                 .max_new_tokens = 16,
                 .length_penalty = 1.0,
                 .early_stopping = STOP_NEVER_EARLY,
                 .no_repeat_ngram = 2,
                 .forced_first = -1,
                 .forced_last = -1},
     .n_results = 1,
     .results = {{.n = 4, .ids = {139, 106, 115, 2}, .score = -3.1255150}}},
    {.model = "tiny-gemma2",
     .n_prompt = 9,
     .prompt = {47, 84, 121, 158, 195, 232, 269, 306, 343},
     .options = {.n_beams = 2,
                 .max_new_tokens = 14,
                 .length_penalty = 1.0,
                 .min_new_tokens = 6,
                 .sample = {.repetition_penalty = 1.3},
                 .forced_first = -1,
                 .forced_last = -1},
     .n_results = 1,
     .results = {{.n = 14,
                  .ids = {448, 448, 448, 448, 448, 448, 448, 448, 448, 448, 448, 448, 448, 448},
                  .score = -0.6536790}}},
    {.model = "stories260K",
     .n_prompt = 5,
     .prompt = {3, 40, 77, 114, 151},
     .options = {.n_beams = 4,
                 .max_new_tokens = 12,
                 .length_penalty = 1.0,
                 .forced_first = -1,
                 .forced_last = -1},
     .n_results = 1,
     .results = {{.n = 12,
                  .ids = {426, 1, 403, 407, 261, 378, 432, 383, 286, 261, 376, 298},
                  .score = -0.4790857}}},
    {.model = "tiny-qwen2",
     .n_prompt = 10,
     .prompt = {58, 95, 132, 169, 206, 243, 280, 317, 354, 391},
     .options = {.n_beams = 1,
                 .max_new_tokens = 15,
                 .length_penalty = 1.0,
                 .no_repeat_ngram = 3,
                 .forced_first = -1,
                 .forced_last = -1},
     .n_results = 1,
     .results = {{.n = 15,
                  .ids = {156, 4, 35, 192, 397, 274, 240, 90, 16, 16, 16, 290, 284, 224, 292},
                  .score = NAN}}},
};
enum { N_CASES = sizeof cases / sizeof *cases };

static GenerateRequest request_of(size_t c)
{
    return (GenerateRequest){.prompt = cases[c].prompt,
                             .n_prompt = cases[c].n_prompt,
                             .max_new_tokens = cases[c].options.max_new_tokens,
                             .beams = &cases[c].options,
                             .n_results = cases[c].n_results};
}

Test(generate_beams, search_as_transformers_does)
{
    shared_need("models");
    for (size_t c = 0; c < N_CASES; c++) {
        Arena arena = {0};
        Error err = {0};
        Model *model = NULL;
        Pool *pool = NULL;
        GenerateResult result;
        char relative[160];
        const ModelOptions options = {.without_tokenizer = 1};
        const GenerateRequest request = request_of(c);
        snprintf(relative, sizeof relative, "models/%s", cases[c].model);
        want_ok(model_open(shared_path(relative), &options, &model, &err), &err);
        want_ok(pool_open(2, &pool, &err), &err);
        want_ok(model_generate(model, pool, &request, 1, NULL, &arena, &result, NULL, &err), &err);
        cr_assert_eq(result.n_found, cases[c].n_results, "%s, case %zu", cases[c].model, c);
        for (size_t r = 0; r < result.n_found; r++) {
            const Expected *want = &cases[c].results[r];
            const SearchResult *found = &result.found[r];
            cr_assert(found->n_ids == want->n &&
                          memcmp(found->ids, want->ids, want->n * sizeof *want->ids) == 0,
                      "%s, case %zu: result %zu", cases[c].model, c, r);
            cr_assert(isnan(want->score) || fabs(found->score - want->score) <= 1e-4,
                      "%s, case %zu: score %.7f, but Transformers has %.7f", cases[c].model, c,
                      found->score, want->score);
        }
        model_close(&model);
        pool_close(&pool);
        arena_release(&arena);
    }
}

// The same with stop_strings: texts that have come to one end there, whatever the borders of tokens.
Test(generate_beams, end_at_stops_as_transformers_does)
{
    static const int32_t prompt[] = {1, 403, 407, 261, 378}; // Once upon a time
    static const Expected wanted[] = {
        {.n = 2, .ids = {432, 383}, .score = -0.0500630885},
        {.n = 15,
         .ids = {432, 322, 261, 262, 423, 388, 410, 435, 290, 421, 412, 428, 411, 432, 383},
         .score = -0.4446819127},
        {.n = 11,
         .ids = {432, 322, 261, 262, 423, 388, 270, 277, 372, 432, 383},
         .score = -0.4566141367}};
    static const Slice stops[] = {{"little gi", 9}, {", there", 7}};
    if (!shared_path("models")) cr_skip_test("models of the shared folder absent");
    Arena arena = {0};
    Error err = {0};
    Model *model = NULL;
    Pool *pool = NULL;
    GenerateResult result;
    const BeamOptions beams = {
        .n_beams = 4, .length_penalty = 1, .forced_first = -1, .forced_last = -1};
    const GenerateRequest request = {.prompt = prompt,
                                     .n_prompt = 5,
                                     .max_new_tokens = 20,
                                     .stops = stops,
                                     .n_stops = 2,
                                     .beams = &beams,
                                     .n_results = 3};
    want_ok(model_open(shared_path("models/stories260K"), NULL, &model, &err), &err);
    want_ok(pool_open(2, &pool, &err), &err);
    want_ok(model_generate(model, pool, &request, 1, NULL, &arena, &result, NULL, &err), &err);
    cr_assert_eq(result.n_found, 3);
    cr_assert_eq(result.finish, FINISH_STOP);
    for (size_t r = 0; r < 3; r++) {
        const SearchResult *found = &result.found[r];
        cr_assert(found->n_ids == wanted[r].n &&
                      memcmp(found->ids, wanted[r].ids, wanted[r].n * sizeof(int32_t)) == 0,
                  "result %zu", r);
        cr_expect_float_eq(found->score, wanted[r].score, 1e-4);
        cr_expect(found->has_stopped && !found->has_ended);
    }
    cr_expect_eq(result.found[0].text_bytes, 0);
    cr_expect_eq(result.found[1].text_bytes, 20); // ", in a small village"
    model_close(&model);
    pool_close(&pool);
    arena_release(&arena);
}

// ---- laws, on a small model with random weights ----

enum { N_REQUESTS = 9 };

// Prompts that share beginnings, some longer than a page of keys; beams and plain writing in one call.
static void make_requests(int32_t prompts[N_REQUESTS][40], BeamOptions options[N_REQUESTS],
                          GenerateRequest requests[N_REQUESTS])
{
    for (size_t i = 0; i < N_REQUESTS; i++) {
        const size_t n_prompt = 2 + 4 * i;
        for (size_t t = 0; t < n_prompt; t++)
            prompts[i][t] = (int32_t)((t < 5 ? 7 * t : 7 * t + 3 * (i % 3)) % 37) + 3;
        options[i] = (BeamOptions){.n_beams = 1 + i % 4,
                                   .length_penalty = i % 2 ? 1.0 : 0.3,
                                   .early_stopping = (EarlyStopping)(i % 3),
                                   .forced_first = -1,
                                   .forced_last = -1,
                                   .min_new_tokens = i % 5 ? 0 : 3,
                                   .no_repeat_ngram = i % 4 ? 0 : 2};
        if (i % 3 == 1) options[i].sample = (SampleOptions){.temperature = 1.5, .top_k = 9};
        requests[i] = (GenerateRequest){.prompt = prompts[i],
                                        .n_prompt = n_prompt,
                                        .max_new_tokens = 1 + 3 * i,
                                        .beams = i % 4 == 2 ? NULL : &options[i],
                                        .n_results = 1 + i % 4};
    }
}

Test(generate_beams, results_do_not_depend_on_the_others)
{
    static int32_t prompts[N_REQUESTS][40];
    static BeamOptions options[N_REQUESTS];
    GenerateRequest requests[N_REQUESTS];
    GenerateResult together[N_REQUESTS], alone;
    Arena arena = {0};
    Error err = {0};
    Pool *pool = NULL, *single = NULL;
    Model *model = small_decoder(40, 64);
    want_ok(pool_open(3, &pool, &err), &err);
    want_ok(pool_open(1, &single, &err), &err);
    make_requests(prompts, options, requests);
    want_ok(model_generate(model, pool, requests, N_REQUESTS, NULL, &arena, together, NULL, &err),
            &err);
    for (size_t i = 0; i < N_REQUESTS; i++) {
        want_ok(model_generate(model, single, &requests[i], 1, NULL, &arena, &alone, NULL, &err),
                &err);
        cr_assert(alone.n_ids == together[i].n_ids && alone.n_ids > 0, "request %zu", i);
        cr_assert(memcmp(alone.ids, together[i].ids, alone.n_ids * sizeof *alone.ids) == 0);
        cr_assert(alone.n_found == together[i].n_found, "request %zu", i);
        cr_assert((alone.n_found > 0) == (requests[i].beams != NULL), "request %zu", i);
        for (size_t r = 0; r < alone.n_found; r++)
            cr_assert(alone.found[r].score == together[i].found[r].score, "request %zu", i);
    }
    arena_release(&arena);
    pool_close(&pool);
    pool_close(&single);
    model_close(&model);
}

// Cold draws are the likeliest texts, and warm ones hang on the seed.
Test(generate_beams, draws_follow_temperature_and_seed)
{
    enum { N_DRAWS = 8 };
    static const int32_t prompt[] = {5, 9, 30};
    Arena arena = {0};
    Error err = {0};
    Pool *pool = NULL;
    Model *model = small_decoder(40, 64);
    BeamOptions options[N_DRAWS];
    GenerateRequest requests[N_DRAWS];
    GenerateResult results[N_DRAWS];
    size_t n_others = 0;
    want_ok(pool_open(1, &pool, &err), &err);
    for (size_t i = 0; i < N_DRAWS; i++) {
        options[i] =
            (BeamOptions){.n_beams = 3, .length_penalty = 1, .forced_first = -1, .forced_last = -1};
        if (i > 0) options[i].sample = (SampleOptions){.temperature = i == 1 ? 0.01 : 2, .seed = i};
        requests[i] = (GenerateRequest){.prompt = prompt,
                                        .n_prompt = 3,
                                        .max_new_tokens = 6,
                                        .beams = &options[i],
                                        .n_results = 1};
    }
    want_ok(model_generate(model, pool, requests, N_DRAWS, NULL, &arena, results, NULL, &err),
            &err);
    for (size_t i = 1; i < N_DRAWS; i++) {
        const bool is_same =
            results[i].n_ids == results[0].n_ids &&
            memcmp(results[i].ids, results[0].ids, results[0].n_ids * sizeof(int32_t)) == 0;
        if (i == 1) cr_expect(is_same, "cold");
        if (i > 1) n_others += !is_same;
    }
    cr_expect_geq(n_others, 3);
    arena_release(&arena);
    pool_close(&pool);
    model_close(&model);
}

// Twice as many beams never find less, and one finds what plain writing does.
Test(generate_beams, more_beams_find_what_is_likelier)
{
    Arena arena = {0};
    Error err = {0};
    Pool *pool = NULL;
    Model *model = small_decoder(40, 64);
    want_ok(pool_open(1, &pool, &err), &err);
    static const int32_t prompt[] = {5, 9, 30};
    const BeamOptions one = {
        .n_beams = 1, .length_penalty = 1, .forced_first = -1, .forced_last = -1};
    BeamOptions all = one;
    all.n_beams = 39; // of two tokens that do not end, nothing is lost
    GenerateRequest requests[3];
    GenerateResult results[3];
    for (size_t i = 0; i < 3; i++)
        requests[i] =
            (GenerateRequest){.prompt = prompt, .n_prompt = 3, .max_new_tokens = 2, .n_results = 1};
    requests[1].beams = &one;
    requests[2].beams = &all;
    want_ok(model_generate(model, pool, requests, 3, NULL, &arena, results, NULL, &err), &err);
    cr_assert(results[0].n_ids == results[1].n_ids &&
              memcmp(results[0].ids, results[1].ids, results[0].n_ids * sizeof(int32_t)) == 0);
    double sum = 0;
    for (size_t i = 0; i < results[0].n_ids; i++) sum += results[0].logprobs[i];
    cr_expect_float_eq(results[1].found[0].score, sum / (double)results[0].n_ids, 1e-9);
    cr_expect_geq(results[2].found[0].score, results[1].found[0].score);
    arena_release(&arena);
    pool_close(&pool);
    model_close(&model);
}
