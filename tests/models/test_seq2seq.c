// Encoder-decoders against what Transformers answers (goldens of the shared folder), and laws that need no golden.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "models/architecture.h"
#include "models/generation/search.h"
#include "tests/models/forward_golden.h"
#include "tests/models/model_support.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static const char *const tiny_models[] = {"tiny-bart", "tiny-marian", "tiny-t5-relu",
                                          "tiny-t5-gated-gelu"};
enum { N_TINY = sizeof tiny_models / sizeof *tiny_models };

static void compare(const ForwardGolden *g, const char *what, size_t sequence, const float *ours,
                    const float *theirs, size_t n, double accepted)
{
    for (size_t e = 0; e < n; e++) {
        cr_assert(fabs((double)ours[e] - (double)theirs[e]) <= accepted,
                  "%s %s: sequence %zu, element %zu: %.9g, but Transformers has %.9g", g->name,
                  what, sequence, e, (double)ours[e], (double)theirs[e]);
    }
}

static void check_logits(const ForwardGolden *g, const char *batch_name, const GoldenBatch *batch)
{
    char what[64];
    Error err = {0};
    const size_t width = model_output_width(g->model);
    float *ours =
        calloc(model_output_rows(g->model, batch->inputs, batch->n) * width, sizeof *ours);
    want_ok(model_predict(g->model, g->pool, batch->inputs, batch->n, NULL, ours, &err), &err);
    snprintf(what, sizeof what, "%s.logits", batch_name);
    float *theirs = tensor_floats(want_tensor(&g->tensors, "%s", what));
    const float *row = ours;
    for (size_t i = 0; i < batch->n; i++) {
        const size_t n = batch->inputs[i].n_targets * width;
        compare(g, what, i, row, theirs + i * batch->target_width * width, n,
                forward_tolerance(g, what));
        row += n;
    }
    free(theirs);
    free(ours);
}

// hidden: states of one stack for sequence i; tensors of the golden file are called BATCH.STACK.k.
static void check_stack(const ForwardGolden *g, const char *stack, size_t i, size_t n_states,
                        size_t n_rows, size_t width, const float *hidden)
{
    const size_t hidden_size = model_config(g->model)->hidden_size;
    for (size_t k = 0; k < n_states; k++) {
        char what[64];
        snprintf(what, sizeof what, "%s.%zu", stack, k);
        const SafeTensor *tensor = safetensors_find(&g->tensors, slice_from_cstr(what));
        if (!tensor) continue;
        float *theirs = tensor_floats(tensor);
        compare(g, what, i, hidden + k * n_rows * hidden_size, theirs + i * width * hidden_size,
                n_rows * hidden_size, 1e-4);
        free(theirs);
    }
}

static void check_hidden(const ForwardGolden *g, const char *batch_name, const GoldenBatch *batch)
{
    const ModelConfig *c = model_config(g->model);
    const size_t n_encoder = c->decoder.n_encoder_layers + 1, n_decoder = c->decoder.n_layers + 1;
    char encoder[32], decoder[32], last[64];
    snprintf(encoder, sizeof encoder, "%s.enc_hidden", batch_name);
    snprintf(decoder, sizeof decoder, "%s.dec_hidden", batch_name);
    snprintf(last, sizeof last, "%s.encoder_last_hidden_state", batch_name);
    float *theirs = tensor_floats(want_tensor(&g->tensors, "%s", last));
    for (size_t i = 0; i < batch->n; i++) {
        Error err = {0};
        const TokenSequence *input = &batch->inputs[i];
        const size_t n_source = n_encoder * input->n_tokens * c->hidden_size;
        float *hidden =
            calloc(n_source + n_decoder * input->n_targets * c->hidden_size, sizeof *hidden);
        want_ok(model_hidden_states(g->model, input, hidden, &err), &err);
        check_stack(g, encoder, i, n_encoder, input->n_tokens, batch->width, hidden);
        check_stack(g, decoder, i, n_decoder, input->n_targets, batch->target_width,
                    hidden + n_source);
        compare(g, last, i, hidden + (n_encoder - 1) * input->n_tokens * c->hidden_size,
                theirs + i * batch->width * c->hidden_size, input->n_tokens * c->hidden_size,
                forward_tolerance(g, last));
        free(hidden);
    }
    free(theirs);
}

Test(seq2seq, gives_the_logits_and_hidden_states_of_transformers)
{
    static const char *const batches[] = {"b0", "b1", "b2"};
    shared_need("goldens/models");
    for (size_t m = 0; m < N_TINY; m++) {
        ForwardGolden g = forward_golden_open(tiny_models[m], NULL);
        for (size_t b = 0; b < 3; b++) {
            GoldenBatch batch = golden_batch(&g.tensors, batches[b]);
            check_logits(&g, batches[b], &batch);
            check_hidden(&g, batches[b], &batch);
            golden_batch_release(&batch);
        }
        forward_golden_close(&g);
    }
}

// ---- generation ----

static BeamOptions options_of(const ForwardGolden *g, const Json *params, Arena *arena,
                              size_t *n_results)
{
    Error err = {0};
    BeamOptions o = {0};
    const Json *stopping = json_get(params, "early_stopping"),
               *penalty = json_get(params, "length_penalty");
    int64_t beams = 1, most = 0, ngram = 0, results = 1;
    want_ok(search_defaults(g->model, arena, &o, &err), &err);
    want_ok(json_opt_i64(params, "num_beams", 1, 64, &beams, &err), &err);
    want_ok(json_opt_i64(params, "max_new_tokens", 1, 1000, &most, &err), &err);
    want_ok(json_opt_i64(params, "no_repeat_ngram_size", 0, 9, &ngram, &err), &err);
    want_ok(json_opt_i64(params, "num_return_sequences", 1, 64, &results, &err), &err);
    o.n_beams = (size_t)beams;
    o.max_new_tokens = (size_t)most;
    o.no_repeat_ngram = (size_t)ngram;
    if (penalty) o.length_penalty = json_double(penalty);
    if (stopping && json_kind(stopping) == JSON_STRING)
        o.early_stopping = STOP_NEVER_EARLY;
    else if (stopping)
        o.early_stopping = json_bool(stopping) ? STOP_WHEN_FULL : STOP_BY_PRESENT_LENGTH;
    *n_results = (size_t)results;
    return o;
}

// Theirs has the token before the first, and padding after the end.
static void check_sequence(const ForwardGolden *g, size_t which, const Json *theirs,
                           const Json *score, const SearchResult *ours)
{
    const size_t n = json_len(theirs);
    cr_assert(ours->n_ids + 1 <= n, "%s: request %zu has %zu tokens, but Transformers at most %zu",
              g->name, which, ours->n_ids, n - 1);
    for (size_t t = 0; t < ours->n_ids; t++) {
        cr_assert(ours->ids[t] == (int32_t)json_double(json_at(theirs, t + 1)),
                  "%s: request %zu, token %zu: %d, but Transformers has %d", g->name, which, t,
                  ours->ids[t], (int32_t)json_double(json_at(theirs, t + 1)));
    }
    if (!score) return;
    cr_assert(fabs(ours->score - json_double(score)) <= 1e-4,
              "%s: request %zu: score %.9g, but Transformers has %.9g", g->name, which, ours->score,
              json_double(score));
}

static void check_generation(const ForwardGolden *g, const Json *generation,
                             const GoldenBatch *batch)
{
    Error err = {0};
    Arena arena = {0};
    SearchRequest requests[8];
    SearchResult *results[8];
    size_t n_found[8], n_results = 0;
    const BeamOptions options = options_of(g, json_get(generation, "params"), &arena, &n_results);
    for (size_t i = 0; i < batch->n; i++) {
        requests[i] =
            (SearchRequest){.source = batch->inputs[i], .options = options, .n_results = n_results};
    }
    want_ok(
        model_search(g->model, g->pool, requests, batch->n, NULL, &arena, results, n_found, &err),
        &err);
    const Json *sequences = json_get(generation, "sequences"),
               *scores = json_get(generation, "sequences_scores");
    const bool has_scores = scores && json_kind(scores) == JSON_ARRAY;
    for (size_t i = 0; i < batch->n; i++) {
        cr_assert(n_found[i] == n_results);
        for (size_t k = 0; k < n_results; k++) {
            const size_t at = i * n_results + k;
            check_sequence(g, at, json_at(sequences, at), has_scores ? json_at(scores, at) : NULL,
                           &results[i][k]);
        }
    }
    arena_release(&arena);
}

Test(seq2seq, searches_as_transformers_does)
{
    shared_need("goldens/models");
    for (size_t m = 0; m < N_TINY; m++) {
        ForwardGolden g = forward_golden_open(tiny_models[m], NULL);
        GoldenBatch batch = golden_batch(&g.tensors, "b1");
        const Json *all = json_get(json_root(g.json), "generate");
        cr_assert(json_len(all) > 3);
        for (const Json *one = json_first(all); one; one = json_next(one))
            check_generation(&g, one, &batch);
        golden_batch_release(&batch);
        forward_golden_close(&g);
    }
}

enum { N = 9, LONGEST = 17 };

// n sources of many lengths, together on three threads and each by itself on one; a small model of n_words with random weights.
static void compare_alone_and_together(size_t n_words, size_t n)
{
    int32_t ids[N][LONGEST];
    SearchRequest requests[N];
    SearchResult *together[N], *alone[1];
    size_t n_found[N];
    Error err = {0};
    Arena arena = {0};
    Model *model = NULL;
    const ModelConfig config = {.architecture = architecture_find(SLICE("marian")),
                                .head = HEAD_SEQ2SEQ,
                                .vocab_size = n_words,
                                .hidden_size = 32,
                                .n_layers = 2,
                                .n_heads = 2,
                                .intermediate_size = 48,
                                .max_positions = 40,
                                .decoder = {.n_layers = 2,
                                            .n_encoder_layers = 2,
                                            .n_heads = 4,
                                            .intermediate_size = 64,
                                            .start_id = 89,
                                            .has_scaled_embedding = true},
                                .pad_id = 89,
                                .activation = ACTIVATION_SILU,
                                .initializer_range = 0.3f,
                                .n_labels = n_words};
    const ModelOptions options = {.seed = 5, .without_tokenizer = 1};
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    for (size_t i = 0; i < n; i++) {
        const size_t n_tokens = 1 + (i * 7) % LONGEST;
        for (size_t t = 0; t < n_tokens; t++) ids[i][t] = (int32_t)((i * 31 + t * 17 + 3) % 88);
        requests[i] = (SearchRequest){.source = {.ids = ids[i], .n_tokens = n_tokens},
                                      .options = {.n_beams = 1 + i % 4,
                                                  .max_new_tokens = 6 + i,
                                                  .length_penalty = 1.0,
                                                  .end_ids = {7},
                                                  .n_ends = 1,
                                                  .forced_first = -1,
                                                  .forced_last = -1},
                                      .n_results = 1};
        requests[i].options.sample = (SampleOptions){.temperature = i % 4 == 0 ? 0.9 : 0,
                                                     .top_k = 40,
                                                     .top_p = 0.95,
                                                     .min_p = 0.01,
                                                     .repetition_penalty = i % 3 == 0 ? 1.3 : 0,
                                                     .seed = i};
    }
    Pool *pool = open_pool(3), *lone = open_pool(1);
    want_ok(model_search(model, pool, requests, n, NULL, &arena, together, n_found, &err), &err);
    for (size_t i = 0; i < n; i++) {
        want_ok(model_search(model, lone, &requests[i], 1, NULL, &arena, alone, n_found, &err),
                &err);
        cr_assert(alone[0]->n_ids == together[i]->n_ids);
        cr_assert(memcmp(&alone[0]->score, &together[i]->score, sizeof(double)) == 0,
                  "source %zu: %.17g alone, %.17g with others", i, alone[0]->score,
                  together[i]->score);
        cr_assert(memcmp(alone[0]->ids, together[i]->ids, alone[0]->n_ids * sizeof(int32_t)) == 0);
    }
    pool_close(&pool);
    pool_close(&lone);
    arena_release(&arena);
    model_close(&model);
}

Test(seq2seq, gives_a_source_the_same_bits_in_any_company)
{
    compare_alone_and_together(90, N);
}

// Weights that are worth sharing: all sources are one group, and products of a step are shared out among the threads.
Test(seq2seq, gives_the_same_bits_where_threads_share_a_step)
{
    compare_alone_and_together(140000, 4);
}

// Logits of a small BART for one source and its targets; freed by the caller.
static float *bart_logits(bool is_scaled, float factor)
{
    static const int32_t source[] = {4, 9, 30, 7, 7, 61, 2}, targets[] = {2, 0, 11, 52};
    const ModelConfig config = {.architecture = architecture_find(SLICE("bart")),
                                .head = HEAD_SEQ2SEQ,
                                .vocab_size = 70,
                                .hidden_size = 16,
                                .n_layers = 2,
                                .n_heads = 2,
                                .intermediate_size = 24,
                                .max_positions = 20,
                                .first_position = 2,
                                .decoder = {.n_layers = 1,
                                            .n_encoder_layers = 2,
                                            .n_heads = 4,
                                            .intermediate_size = 24,
                                            .start_id = 2,
                                            .has_scaled_embedding = is_scaled},
                                .pad_id = 1,
                                .activation = ACTIVATION_GELU,
                                .initializer_range = 0.3f,
                                .n_labels = 70};
    const ModelOptions options = {.seed = 6, .without_tokenizer = 1};
    const TokenSequence input = {
        .ids = source, .n_tokens = 7, .target_ids = targets, .n_targets = 4};
    Error err = {0};
    Model *model = NULL;
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    float *table = calloc((size_t)70 * 16, sizeof *table);
    want_ok(model_tensor_read(model, SLICE("model.shared.weight"), table, &err), &err);
    for (size_t i = 0; i < (size_t)70 * 16; i++) table[i] *= factor;
    want_ok(model_tensor_write(model, SLICE("model.shared.weight"), table, &err), &err);
    Pool *pool = open_pool(1);
    float *logits = calloc((size_t)4 * 70, sizeof *logits);
    want_ok(model_predict(model, pool, &input, 1, NULL, logits, &err), &err);
    pool_close(&pool);
    model_close(&model);
    free(table);
    return logits;
}

// Words times 4 (the root of 16) into the blocks are words of a table 4 times as large, but for the output layer.
Test(seq2seq, scales_the_words_of_bart_where_its_config_says_so)
{
    float *scaled = bart_logits(true, 1), *larger = bart_logits(false, 4),
          *plain = bart_logits(false, 1);
    bool is_plain = true;
    for (size_t i = 0; i < (size_t)4 * 70; i++) {
        cr_expect_float_eq((double)larger[i] / 4, (double)scaled[i], 2e-5, "logit %zu", i);
        is_plain = is_plain && fabsf(scaled[i] - plain[i]) < 1e-3f;
    }
    cr_expect_not(is_plain);
    free(scaled);
    free(larger);
    free(plain);
}

// A copy of a file with a text replaced wherever it stands, in the place it had: blanks fill what is left of the first
// n_head bytes.
static void replace_in_copy(const char *from, const char *to, size_t n_skipped, size_t n_head,
                            const char *old, const char *new)
{
    Slice bytes = {0};
    Error err = {0};
    want_ok(file_map(from, &bytes, &err), &err);
    char *copy = malloc(bytes.len + 1);
    cr_assert_not_null(copy);
    memcpy(copy, bytes.ptr, bytes.len);
    const size_t end = n_head ? n_skipped + n_head : bytes.len, n_old = strlen(old);
    const size_t n_new = strlen(new);
    size_t at = n_skipped;
    for (size_t i = n_skipped; i < end;) {
        const bool is_old = i + n_old <= end && memcmp(bytes.ptr + i, old, n_old) == 0;
        if (is_old) {
            memcpy(copy + at, new, n_new);
        } else {
            copy[at] = bytes.ptr[i];
        }
        at += is_old ? n_new : 1;
        i += is_old ? n_old : 1;
    }
    while (at < end) copy[at++] = ' ';
    want_ok(file_write(to, (Slice){copy, bytes.len}, &err), &err);
    file_unmap(&bytes);
    free(copy);
}

// As facebook/bart-base is published: class BartModel, tensors without "model." before their names.
Test(seq2seq, a_bare_model_writes_with_its_word_table)
{
    enum { N_IDS = 6, N_TARGETS = 3 };
    static const int32_t ids[N_IDS] = {0, 17, 9, 31, 5, 2}, targets[N_TARGETS] = {2, 0, 8};
    Arena arena = {0};
    const char *folder = folder_make();
    const char *whole = arena_printf(&arena, "%s", shared_need("models/tiny-bart"));
    const char *file = arena_printf(&arena, "%s/model.safetensors", whole);
    const TokenSequence input = {
        .ids = ids, .n_tokens = N_IDS, .target_ids = targets, .n_targets = N_TARGETS};
    const ModelOptions options = {.without_tokenizer = 1};
    Error err = {0};
    Slice bytes = {0};
    float *logits[2];
    size_t n = 0;
    want_ok(file_map(file, &bytes, &err), &err);
    uint64_t n_header;
    memcpy(&n_header, bytes.ptr, sizeof n_header);
    file_unmap(&bytes);
    replace_in_copy(file, folder_path(folder, "model.safetensors"), 8, n_header, "\"model.", "\"");
    replace_in_copy(arena_printf(&arena, "%s/config.json", whole),
                    folder_path(folder, "config.json"), 0, 0, "BartForConditionalGeneration",
                    "BartModel");
    Pool *pool = open_pool(1);
    for (size_t i = 0; i < 2; i++) {
        Model *model = NULL;
        want_ok(model_open(i ? folder : whole, &options, &model, &err), &err);
        cr_assert_eq(model_config(model)->head, HEAD_SEQ2SEQ);
        n = N_TARGETS * model_output_width(model);
        logits[i] = calloc(n, sizeof *logits[i]);
        cr_assert_not_null(logits[i]);
        want_ok(model_predict(model, pool, &input, 1, NULL, logits[i], &err), &err);
        model_close(&model);
    }
    cr_expect(memcmp(logits[0], logits[1], n * sizeof *logits[0]) == 0);
    free(logits[0]);
    free(logits[1]);
    pool_close(&pool);
    folder_remove(folder);
    arena_release(&arena);
}
