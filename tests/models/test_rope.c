// Rotary embeddings of texts that outgrow the context that was trained on first.
//
// Frequencies: Transformers 5.24, ROPE_INIT_FUNCTIONS["dynamic"] with rope_theta 10000, factor 4, max_position_embeddings 32.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "model_support.h"
#include "models/generation/generate.h"
#include "models/program/rope.h"

enum { FIRST = 20, LONGEST = 64, N_VOCAB = 40 };

static const float short_factors[] = {1.1f, 1.3f, 1.2f, 1.0f}, long_factors[] = {1.7f, 3.1f, 2, 4};

static const RopeConfig stretched = {
    .kind = ROPE_DYNAMIC, .theta = 10000, .factor = 4, .original_positions = FIRST};
static const RopeConfig kept = {.kind = ROPE_LONGROPE,
                                .theta = 10000,
                                .original_positions = FIRST,
                                .short_factors = short_factors,
                                .long_factors = long_factors};
static const RopeConfig reread = {.kind = ROPE_LONGROPE,
                                  .theta = 10000,
                                  .original_positions = FIRST,
                                  .short_factors = short_factors,
                                  .long_factors = long_factors,
                                  .rereads = true};

Test(rope, dynamic_frequencies_are_those_of_transformers)
{
    static const struct {
        size_t n_positions;
        float wanted[4];
    } cases[] = {{33, {1, 0.0961499736f, 0.00924481731f, 0.000888888899f}},
                 {50, {1, 0.0675106421f, 0.00455768639f, 0.000307692331f}},
                 {128, {1, 0.0425290354f, 0.00180871889f, 7.69230755e-05f}}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        float found[4];
        rope_stretched_frequencies(10000, 4, 32, cases[c].n_positions, 8, found);
        for (size_t i = 0; i < 4; i++)
            cr_expect_float_eq(found[i], cases[c].wanted[i], 3e-7f * cases[c].wanted[i],
                               "%zu positions, pair %zu: %.9g", cases[c].n_positions, i,
                               (double)found[i]);
    }
}

// A prompt of n tokens, the first six the same for all.
static void fill_prompt(int32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) ids[i] = (int32_t)((7 * i + (i < 6 ? 0 : n)) % 36) + 4;
}

static void write_some(Model *model, Pool *pool, Arena *arena, const GenerateRequest *requests,
                       size_t n, GenerateResult *results)
{
    Error err = {0};
    want_ok(model_generate(model, pool, requests, n, NULL, arena, results, NULL, &err), &err);
}

// What is written beside others, across the border or beyond it, has the bits of what is written alone.
Test(rope, texts_across_the_border_do_not_depend_on_the_others)
{
    static const size_t lengths[] = {6, FIRST - 1, FIRST, FIRST + 1, FIRST + 9, FIRST - 5};
    enum { N = sizeof lengths / sizeof *lengths };
    static const RopeConfig *const ropes[] = {&stretched, &kept, &reread};
    const BeamOptions beams = {
        .n_beams = 3, .length_penalty = 1, .forced_first = -1, .forced_last = -1};
    for (size_t r = 0; r < 3; r++) {
        Arena arena = {0};
        Pool *pool = open_pool(3);
        Model *model = small_decoder_with(ropes[r], N_VOCAB, LONGEST);
        int32_t prompts[N][LONGEST];
        GenerateRequest requests[N];
        GenerateResult together[N], alone;
        for (size_t i = 0; i < N; i++) {
            fill_prompt(prompts[i], lengths[i]);
            requests[i] = (GenerateRequest){.prompt = prompts[i],
                                            .n_prompt = lengths[i],
                                            .max_new_tokens = 24,
                                            .ignores_eos = true,
                                            .beams = i == N - 1 ? &beams : NULL,
                                            .n_results = 1};
        }
        write_some(model, pool, &arena, requests, N, together);
        for (size_t i = 0; i < N; i++) {
            write_some(model, pool, &arena, &requests[i], 1, &alone);
            cr_assert_eq(alone.n_ids, 24);
            cr_expect(memcmp(alone.ids, together[i].ids, 24 * sizeof *alone.ids) == 0,
                      "rope %zu, request %zu", r, i);
            if (alone.logprobs)
                cr_expect(memcmp(alone.logprobs, together[i].logprobs, 24 * sizeof(double)) == 0,
                          "rope %zu, request %zu", r, i);
            else
                cr_expect_eq(alone.found[0].score, together[i].found[0].score);
        }
        model_close(&model);
        pool_close(&pool);
        arena_release(&arena);
    }
}

// With all read again each token is what a whole pass over the text so far says, on both sides of the border; where keys stay
// the first token is.
Test(rope, what_is_written_is_what_whole_passes_say)
{
    enum { N_NEW = 16, N_PROMPT = FIRST - 6 };
    static const RopeConfig *const ropes[] = {&reread, &kept, &stretched};
    for (size_t r = 0; r < 3; r++) {
        Arena arena = {0};
        Error err = {0};
        Pool *pool = open_pool(1);
        Model *model = small_decoder_with(ropes[r], N_VOCAB, LONGEST);
        int32_t text[LONGEST];
        GenerateResult written;
        LoglikRequest passes[N_NEW];
        LoglikResult said[N_NEW];
        const GenerateRequest request = {
            .prompt = text, .n_prompt = N_PROMPT, .max_new_tokens = N_NEW, .ignores_eos = true};
        fill_prompt(text, N_PROMPT);
        write_some(model, pool, &arena, &request, 1, &written);
        memcpy(text + N_PROMPT, written.ids, N_NEW * sizeof *text);
        for (size_t i = 0; i < N_NEW; i++)
            passes[i] = (LoglikRequest){text, N_PROMPT + i, text + N_PROMPT + i, 1};
        want_ok(model_loglik(model, pool, passes, N_NEW, NULL, &arena, said, NULL, &err), &err);
        size_t n_others = 0;
        for (size_t i = 0; i < N_NEW; i++) n_others += said[i].loglik != written.logprobs[i];
        if (r == 0) cr_expect_eq(n_others, 0, "%zu tokens differ", n_others);
        if (r > 0) cr_expect(n_others > 0 && said[0].loglik == written.logprobs[0]);
        model_close(&model);
        pool_close(&pool);
        arena_release(&arena);
    }
}
