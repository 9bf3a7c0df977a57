// Texts put to causal models: where a continuation begins, what is cut, and what is computed once.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "model_support.h"
#include "models/generation/ask.h"
#include "tests/support/shared.h"

static Model *stories(Pool **pool)
{
    char directory[512];
    Error err = {0};
    Model *model = NULL;
    const ModelOptions options = {.keep_stored = 1};
    shared_need("models/stories260K");
    snprintf(directory, sizeof directory, "%s", shared_path("models/stories260K"));
    want_ok(model_open(directory, &options, &model, &err), &err);
    want_ok(pool_open(2, pool, &err), &err);
    return model;
}

Test(ask, a_continuation_begins_where_the_tokens_of_its_context_end)
{
    static const struct {
        const char *context, *continuation;
    } cases[] = {{"Once upon a time", " there was"},
                 {"Once upon a time ", "there was"},
                 {"Once upon a ti", "me there"},
                 {"", "Once"},
                 {"Lily \n", "played"},
                 {"a", "\xC3\xA9"}};
    Pool *pool = NULL;
    Arena arena = {0};
    Error err = {0};
    Model *model = stories(&pool);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AskIds context, continuation, whole;
        char text[128];
        snprintf(text, sizeof text, "%s%s", cases[i].context, cases[i].continuation);
        want_ok(ask_encode_pair(model, slice_from_cstr(cases[i].context),
                                slice_from_cstr(cases[i].continuation), &arena, &context,
                                &continuation, &err),
                &err);
        want_ok(ask_encode(model, slice_from_cstr(text), &arena, &whole, &err), &err);
        cr_assert(context.n > 0 && continuation.n > 0, "case %zu", i);
        cr_assert_eq(context.n + continuation.n, whole.n, "case %zu", i);
        cr_assert(memcmp(context.ids, whole.ids, context.n * sizeof *whole.ids) == 0, "case %zu",
                  i);
        cr_assert(memcmp(continuation.ids, whole.ids + context.n,
                         continuation.n * sizeof *whole.ids) == 0,
                  "case %zu", i);
    }
    AskIds context, continuation;
    cr_expect_eq(
        ask_encode_pair(model, SLICE("Once"), SLICE(""), &arena, &context, &continuation, &err),
        STATUS_INVALID);
    // A byte of 0 is no blank: it stays with the context.
    AskIds without;
    want_ok(
        ask_encode_pair(model, SLICE("Once"), SLICE("b"), &arena, &without, &continuation, &err),
        &err);
    want_ok(
        ask_encode_pair(model, SLICE("Once\0"), SLICE("b"), &arena, &context, &continuation, &err),
        &err);
    cr_expect_gt(context.n, without.n);
    arena_release(&arena);
    model_close(&model);
    pool_close(&pool);
}

// Distinct stretches of all requests: each token counts where no earlier request has the same up to it.
static size_t count_distinct(const Model *model, const AskLoglik *requests, size_t n)
{
    enum { MOST = 32 };
    static AskIds whole[MOST];
    Arena arena = {0};
    size_t total = 0;
    cr_assert(n <= MOST);
    for (size_t i = 0; i < n; i++) {
        AskIds context, continuation;
        Error err = {0};
        want_ok(ask_encode_pair(model, requests[i].context, requests[i].continuation, &arena,
                                &context, &continuation, &err),
                &err);
        // The last token is only scored, never read.
        whole[i] = (AskIds){context.ids, context.n + continuation.n - 1, 0};
        size_t shared = 0;
        for (size_t k = 0; k < i; k++) {
            size_t same = 0;
            while (same < whole[i].n && same < whole[k].n &&
                   whole[i].ids[same] == whole[k].ids[same])
                same++;
            shared = size_max(shared, same);
        }
        total += whole[i].n - shared;
    }
    arena_release(&arena);
    return total;
}

Test(ask, what_requests_begin_with_goes_through_the_model_once)
{
    static const char shots[] =
        "Tom had a red ball. He was happy.\n\nSue lost her doll. She was sad."
        "\n\n";
    static const char *const questions[] = {"Ben found a big box. He was",
                                            "Ben ate an apple. It was", "Mia fell down. She was"};
    static const char *const options[] = {" happy", " very very happy", " sad", " red"};
    enum { N_QUESTIONS = 3, N_OPTIONS = 4, N = N_QUESTIONS * N_OPTIONS };
    AskLoglik requests[N];
    AskedLoglik together[N];
    static char contexts[N_QUESTIONS][256];
    GenerateStats stats = {0};
    Pool *pool = NULL;
    Error err = {0};
    Model *model = stories(&pool);
    for (size_t i = 0; i < N; i++) {
        char *context = contexts[i / N_OPTIONS];
        snprintf(context, sizeof contexts[0], "%s%s", shots, questions[i / N_OPTIONS]);
        requests[i] = (AskLoglik){.context = slice_from_cstr(context),
                                  .continuation = slice_from_cstr(options[i % N_OPTIONS])};
    }
    want_ok(model_ask_loglik(model, pool, requests, N, CUT_REFUSE, NULL, together, &stats, &err),
            &err);
    cr_expect_eq(stats.n_tokens, count_distinct(model, requests, N));
    uint64_t n_alone = 0;
    for (size_t i = 0; i < N; i++) {
        AskedLoglik alone;
        GenerateStats one = {0};
        want_ok(
            model_ask_loglik(model, pool, &requests[i], 1, CUT_REFUSE, NULL, &alone, &one, &err),
            &err);
        n_alone += one.n_tokens;
        cr_expect(memcmp(&alone.loglik, &together[i].loglik, sizeof alone.loglik) == 0,
                  "request %zu: %.17g alone, %.17g with others", i, alone.loglik,
                  together[i].loglik);
        cr_expect_eq(alone.n_tokens, together[i].n_tokens);
        cr_expect_eq(alone.is_greedy, together[i].is_greedy);
    }
    cr_expect(n_alone > 4 * stats.n_tokens, "%llu tokens alone, %llu together",
              (unsigned long long)n_alone, (unsigned long long)stats.n_tokens);
    model_close(&model);
    pool_close(&pool);
}

Test(ask, cuts_on_the_side_that_was_chosen_and_says_how_much)
{
    int32_t ids[] = {1, 10, 11, 12, 13, 14};
    size_t n_cut = 0;
    Error err = {0};
    AskIds text = {ids, 6, 1};
    cr_expect_eq(ask_fit(CUT_REFUSE, "a prompt", 5, &text, &n_cut, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "6 tokens") != NULL, "%s", err.text);
    want_ok(ask_fit(CUT_RIGHT, "a prompt", 5, &text, &n_cut, &err), &err);
    cr_expect_eq(n_cut, 1);
    cr_expect(text.n == 5 && ids[4] == 13);
    want_ok(ask_fit(CUT_LEFT, "a prompt", 3, &text, &n_cut, &err), &err);
    cr_expect_eq(n_cut, 2);
    cr_expect(text.n == 3 && ids[0] == 1 && ids[1] == 12 && ids[2] == 13, "%d %d %d", ids[0],
              ids[1], ids[2]);
    want_ok(ask_fit(CUT_LEFT, "a prompt", 1, &text, &n_cut, &err), &err);
    cr_expect(text.n == 1 && ids[0] == 13, "what is nearest stays: %d", ids[0]);
}

Test(ask, a_window_that_is_full_is_cut_for_scores_and_for_writing)
{
    enum { N_WORDS = 400 };
    static char context[20 * N_WORDS];
    Pool *pool = NULL;
    Arena arena = {0};
    Error err = {0};
    Model *model = stories(&pool);
    for (size_t i = 0; i < N_WORDS; i++) memcpy(context + 18 * i, "Lily likes a cat. ", 18);
    const AskLoglik request = {.context = slice_from_cstr(context), .continuation = SLICE("She")};
    AskedLoglik scored[2];
    cr_expect_eq(model_ask_loglik(model, pool, &request, 1, CUT_REFUSE, NULL, scored, NULL, &err),
                 STATUS_INVALID);
    cr_expect(strstr(err.text, "request 0") != NULL, "%s", err.text);
    want_ok(model_ask_loglik(model, pool, &request, 1, CUT_LEFT, NULL, scored, NULL, &err), &err);
    cr_expect(scored[0].n_cut > 0 && isfinite(scored[0].loglik));
    const AskText prompt = {.prompt = slice_from_cstr(context), .max_new_tokens = 20};
    AskedText written;
    GenerateStats stats = {0};
    want_ok(model_ask_text(model, pool, &prompt, 1, CUT_LEFT, NULL, &arena, &written, &stats, &err),
            &err);
    cr_expect(written.n_cut > 0 && written.n_tokens == 20 && written.text.len > 0);
    cr_expect(stats.n_tokens < 512);
    arena_release(&arena);
    model_close(&model);
    pool_close(&pool);
}
