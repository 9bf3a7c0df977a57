#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "program.h"
#include "tests/support/folder.h"

static const Slice labels[] = {SLICE_LIT("bad `rm`"), SLICE_LIT("good\n\"%d\""), SLICE_LIT("{}@")};

static const char texts[] = "{\"id\": 1, \"text\": \"the film is good\"}\n"
                            "{\"id\": 2, \"text\": \"bad\", \"pair\": \"nobody likes the end\"}\n"
                            "{\"id\": 3, \"input_ids\": [2, 9, 3]}\n"
                            "{\"id\": 4, \"input_ids\": [2, 9, 3], \"token_type_ids\": [0, 0, 1]}\n"
                            "{\"id\": 5, \"text\": \"\"}\n";
enum { N_TEXTS = 5 };

Test(predict, classifies_with_labels_shown_as_they_are)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 3);
    const Program own = RUN(&arena, texts, "predict", model);
    const Program logits = RUN(&arena, texts, "predict", model, "--mode", "logits");
    program_want(&own, 0);
    program_want(&logits, 0);
    for (size_t i = 0; i < N_TEXTS; i++) {
        const Json *answer = json_line(own.out, i),
                   *row = json_get(json_line(logits.out, i), "logits");
        const Json *probabilities = json_get(answer, "probabilities");
        double sum = 0, exps = 0;
        size_t best = 0;
        cr_expect_eq(number_of(answer, "id"), (double)i + 1);
        cr_assert(probabilities && json_len(probabilities) == 3 && row && json_len(row) == 3);
        for (size_t k = 0; k < 3; k++) exps += exp(json_double(json_at(row, k)));
        for (size_t k = 0; k < 3; k++) {
            const Json *p = json_at(probabilities, k);
            cr_expect(slice_eq(json_key(p), labels[k]));
            cr_expect_float_eq(json_double(p), exp(json_double(json_at(row, k))) / exps, 1e-6);
            sum += json_double(p);
            if (json_double(p) > json_double(json_at(probabilities, best))) best = k;
        }
        cr_expect_float_eq(sum, 1, 1e-12);
        cr_expect(slice_eq(text_of(answer, "label"), labels[best]));
    }
    folder_remove(folder);
    arena_release(&arena);
}

// With --explain each answer says what it hangs on, and stays what it was.
Test(predict, explains_classes_token_by_token)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 3);
    const Program plain = RUN(&arena, texts, "predict", model);
    const Program own = RUN(&arena, texts, "predict", model, "--explain", "--explain-steps", "16");
    program_want(&own, 0);
    for (size_t i = 0; i < N_TEXTS; i++) {
        const Json *answer = json_line(own.out, i), *before = json_line(plain.out, i);
        const Json *attributions = json_get(answer, "attributions"),
                   *tokens = json_get(answer, "tokens"), *offsets = json_get(answer, "offsets");
        double sum = 0;
        cr_expect(slice_eq(text_of(answer, "label"), text_of(before, "label")));
        cr_assert(attributions && tokens);
        cr_expect_eq(json_len(attributions), json_len(tokens));
        cr_expect_eq(offsets != NULL, i != 2 && i != 3, "ids have no place in a text");
        for (const Json *a = json_first(attributions); a; a = json_next(a)) sum += json_double(a);
        cr_expect_float_eq(json_double(json_first(attributions)), 0, 0, "[CLS] stays as it is");
        cr_expect_float_eq(sum,
                           number_of(answer, "explained_score") -
                               number_of(answer, "baseline_score") +
                               number_of(answer, "completeness_error"),
                           1e-5);
        cr_expect_float_eq(number_of(answer, "completeness_error"), 0, 1e-3);
    }
    const Program embed = RUN(&arena, texts, "predict", model, "--explain", "--mode", "embed");
    program_want(&embed, 2);
    folder_remove(folder);
    arena_release(&arena);
}

Test(predict, gives_the_same_bytes_for_any_batch_and_number_of_threads)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 3);
    const Program base = RUN(&arena, texts, "predict", model, "--mode", "logits");
    const Program single = RUN(&arena, texts, "predict", model, "--mode", "logits", "--batch", "1");
    const Program threads =
        RUN(&arena, texts, "predict", model, "--mode", "logits", "--threads", "2");
    program_want(&base, 0);
    cr_expect(slice_eq(base.out, single.out));
    cr_expect(slice_eq(base.out, threads.out));
    folder_remove(folder);
    arena_release(&arena);
}

// A Llama so wide that the logits of 22 tokens are too many to be kept.
static Model *make_wide(const char *folder)
{
    static const Slice text = SLICE_LIT(
        "{\"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"], "
        "\"vocab_size\": 200000, \"hidden_size\": 8, \"num_hidden_layers\": 1, "
        "\"num_attention_heads\": 2, \"intermediate_size\": 8, \"max_position_embeddings\": 40, "
        "\"initializer_range\": 0.3}");
    Arena arena = {0};
    Error err = {0};
    JsonDocument *document = NULL;
    ModelConfig config;
    Model *model = NULL;
    const ModelOptions options = {.seed = 7, .without_tokenizer = 1};
    cr_assert_eq(json_parse(SLICE("config"), text, JSON_STRICT, &document, &err), STATUS_OK);
    cr_assert_eq(model_config_parse(&arena, json_root(document), &config, &err), STATUS_OK, "%s",
                 err.text);
    cr_assert_eq(model_create(&config, NULL, &options, &model, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(model_save(model, folder, &err), STATUS_OK, "%s", err.text);
    json_close(&document);
    arena_release(&arena);
    return model;
}

static void put_row(const float *row, size_t n, Buffer *out)
{
    JsonWriter w = json_writer(out, 0);
    buffer_clear(out);
    json_begin_array(&w);
    for (size_t i = 0; i < n; i++) json_put_float(&w, row[i]);
    json_end_array(&w);
}

Test(predict, writes_a_large_output_as_it_is_computed)
{
    enum { N = 22 };
    Arena arena = {0};
    Error err = {0};
    Buffer line = {0}, row = {0};
    Pool *pool = NULL;
    int32_t ids[N];
    const char *folder = folder_make();
    Model *model = make_wide(folder);
    const size_t width = model_output_width(model);
    buffer_append_cstr(&line, "{\"id\": 1, \"input_ids\": [7]}\n{\"id\": 2, \"input_ids\": [");
    for (size_t i = 0; i < N; i++) {
        ids[i] = (int32_t)(i * 7919);
        buffer_printf(&line, "%s%d", i ? "," : "", ids[i]);
    }
    buffer_append_cstr(&line, "]}\n{\"id\": 3, \"input_ids\": [7]}\n");
    const Program program = RUN(&arena, line.ptr, "predict", folder, "--mode", "logits");
    program_want(&program, 0);
    float *logits = malloc(N * width * sizeof *logits);
    cr_assert(logits && pool_open(1, &pool, &err) == STATUS_OK);
    const TokenSequence input = {.ids = ids, .n_tokens = N};
    cr_assert_eq(model_predict(model, pool, &input, 1, NULL, logits, &err), STATUS_OK);
    Slice rest = program.out, first, large, last, field;
    cr_assert(slice_split(&rest, '\n', &first) && slice_split(&rest, '\n', &large) &&
              slice_split(&rest, '\n', &last) && rest.len == 0);
    cr_expect(slice_starts_with(large, SLICE("{\"id\":2,\"logits\":[[")));
    cr_expect(slice_eq(slice_sub(first, 7, first.len), slice_sub(last, 7, last.len)));
    rest = slice_sub(large, 18, large.len);
    for (size_t i = 0; i < N; i++) {
        cr_assert(slice_split(&rest, ']', &field), "row %zu is missing", i);
        if (i % 10 != 1) continue; // the whole would take seconds
        put_row(logits + i * width, width, &row);
        const Slice wanted = slice_sub(buffer_slice(&row), 0, row.len - 1);
        cr_expect(slice_ends_with(field, wanted) && field.len == wanted.len + 1, "row %zu", i);
    }
    cr_expect(slice_eq_cstr(rest, "]}"));
    free(logits);
    pool_close(&pool);
    model_close(&model);
    buffer_release(&line);
    buffer_release(&row);
    folder_remove(folder);
    arena_release(&arena);
}

Test(predict, goes_on_after_cases_that_fail)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 3);
    const Program program =
        RUN(&arena,
            "{\"id\": \"a\", \"input_ids\": [2, 80, 3]}\n"
            "{\"id\": \"b\", \"input_ids\": []}\n"
            "{\"id\": \"c\", \"text\": \"good\"}\n"
            "{\"id\": \"d\", \"input_ids\": [2, -1]}\n"
            "{\"id\": \"e\", \"input_ids\": [2, 3], \"token_type_ids\": [0]}\n"
            "{\"id\": \"f\", \"input_ids\": [2, 1.5]}\n"
            "{\"id\": \"g\", \"input_ids\": [2, 3], \"token_type_ids\": [0, 9]}\n"
            "[1]\n"
            "{\"id\": \"h\", \"input_ids\": "
            "[2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2]}\n"
            "{\"id\": \"i\"}\n"
            "{\"id\": \"j\", \"text\": \"bad\", \"text\": \"good\"}\n"
            "{\"id\": \"k\", \"input_ids\": [0, 2, 3], \"attention_mask\": [0, 1, 1]}\n"
            "{\"id\": \"l\", \"input_ids\": [2, 3], \"attention_mask\": [1]}\n"
            "{\"id\": \"m\", \"input_ids\": [2, 3], \"attention_mask\": [1, 2]}\n"
            "{\"input_ids\": [2, \"x\"], \"id\": \"n\"}\n",
            "predict", model, "--batch", "3");
    program_want(&program, 2);
    cr_assert_eq(count_lines(program.out), 15);
    for (size_t i = 0; i < 15; i++) {
        const Json *answer = json_line(program.out, i);
        cr_expect_eq(json_get(answer, "error") == NULL, i == 2, "line %zu", i);
        if (i != 7) cr_expect_eq(text_of(answer, "id").ptr[0], "abcdefg-hijklmn"[i], "line %zu", i);
    }
    cr_expect(text_contains(text_of(json_line(program.out, 7), "error"),
                            "8: a line must be a JSON object, {\"KEY\": VALUE, ..}, but this one "
                            "begins with \"[1]\""));
    cr_expect(text_contains(program.err, "14 of 15 cases"), "%s", program.err.ptr);
    folder_remove(folder);
    arena_release(&arena);
}

Test(predict, drops_padding_by_the_attention_mask)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 3);
    const Program program =
        RUN(&arena,
            "{\"input_ids\": [2, 9, 3]}\n"
            "{\"input_ids\": [2, 9, 3, 0, 0], \"attention_mask\": [1, 1, 1, 0, 0]}\n"
            "{\"input_ids\": [2, 9, 3, 0, 0]}\n",
            "predict", model, "--mode", "logits");
    program_want(&program, 0);
    for (size_t k = 0; k < 3; k++) {
        double logits[3];
        for (size_t i = 0; i < 3; i++) {
            logits[i] = json_double(json_at(json_get(json_line(program.out, i), "logits"), k));
        }
        cr_expect_eq(logits[1], logits[0], "logit %zu", k);
        cr_expect_neq(logits[2], logits[0], "logit %zu", k);
    }
    folder_remove(folder);
    arena_release(&arena);
}

Test(predict, says_that_a_file_may_not_grow_further)
{
    Arena arena = {0};
    Buffer many = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 3);
    const char *out = arena_printf(&arena, "%s/out.jsonl", folder);
    const struct rlimit limit = {20000, 20000};
    for (int i = 0; i < 500; i++) buffer_append_cstr(&many, "{\"text\": \"good\"}\n");
    cr_assert(many.len < limit.rlim_cur && setrlimit(RLIMIT_FSIZE, &limit) == 0);
    const Program program = RUN(&arena, many.ptr, "predict", model, "--out", out);
    program_want(&program, 3);
    cr_expect(text_contains(program.err, "out.jsonl"), "%s", program.err.ptr);
    cr_expect(!file_exists(out));
    // What was answered before is kept, in whole lines, and a second failure leaves it as it is.
    Slice kept = {0}, again_kept = {0};
    Error err = {0};
    const char *partial = arena_printf(&arena, "%s.partial", out);
    cr_assert_eq(file_read(&arena, partial, 1 << 20, &kept, &err), STATUS_OK, "%s", err.text);
    const size_t n = count_lines(kept);
    cr_expect(n > 0 && kept.ptr[kept.len - 1] == '\n');
    cr_expect(json_get(json_line(kept, n - 1), "probabilities") != NULL);
    cr_expect(text_contains(program.err,
                            arena_printf(&arena, "first %zu lines are kept in %s", n, partial)),
              "%s", program.err.ptr);
    const Program again = RUN(&arena, many.ptr, "predict", model, "--out", out);
    program_want(&again, 3);
    cr_expect_eq(file_read(&arena, partial, 1 << 20, &again_kept, &err), STATUS_OK);
    cr_expect(slice_eq(again_kept, kept));
    buffer_release(&many);
    folder_remove(folder);
    arena_release(&arena);
}

Test(predict, cuts_long_texts_and_says_so)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 3);
    Buffer text = {0};
    buffer_append_cstr(&text, "{\"text\": \"");
    for (int i = 0; i < 100; i++) buffer_append_cstr(&text, "good film ");
    buffer_append_cstr(&text, "\"}\n{\"text\": \"good\"}\n");
    const Program program = RUN(&arena, text.ptr, "predict", model);
    program_want(&program, 0);
    cr_expect(json_get(json_line(program.out, 0), "truncated") != NULL);
    cr_expect(json_get(json_line(program.out, 1), "truncated") == NULL);
    // From the left its end stays, as if it were all: 22 tokens between the special ones.
    buffer_clear(&text);
    for (int begin = 0; begin < 2; begin++) {
        buffer_append_cstr(&text, "{\"truncate\": \"left\", \"text\": \"");
        if (begin == 0)
            for (int i = 0; i < 50; i++) buffer_append_cstr(&text, "good ");
        for (int i = 0; i < 11; i++) buffer_append_cstr(&text, "film bad ");
        buffer_append_cstr(&text, "\"}\n");
    }
    buffer_append_byte(&text, '\0');
    const Program end = RUN(&arena, text.ptr, "predict", model, "--mode", "logits"),
                  refused = RUN(&arena, "{\"text\": \"good\"}\n", "predict", model, "--max-length",
                                "2", "--truncate", "refuse");
    program_want(&end, 0);
    cr_expect(json_get(json_line(end.out, 0), "truncated") != NULL);
    for (size_t k = 0; k < 3; k++)
        cr_expect_eq(json_double(json_at(json_get(json_line(end.out, 0), "logits"), k)),
                     json_double(json_at(json_get(json_line(end.out, 1), "logits"), k)));
    program_want(&refused, 2);
    cr_expect(text_contains(text_of(json_line(refused.out, 0), "error"), "longer than the 2"));
    const Program wrong = RUN(&arena, text.ptr, "predict", model, "--max-length", "25");
    program_want(&wrong, 2);
    cr_expect(text_contains(wrong.err, "at most 24"), "%s", wrong.err.ptr);
    buffer_release(&text);
    folder_remove(folder);
    arena_release(&arena);
}

Test(predict, answers_for_each_kind_of_head)
{
    static const struct {
        ModelHead head;
        const char *keys[4], *mode;
    } cases[] = {
        {HEAD_EMBEDDING, {"embedding"}, "embed"},
        {HEAD_TOKEN, {"tokens", "offsets", "labels", "probabilities"}, "tag"},
        {HEAD_SPAN, {"text", "start", "end", "score"}, "span"},
        {HEAD_MASKED_LM, {"fills"}, "fill"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        const char *folder = folder_make();
        const char *model = make_model(&arena, folder, cases[i].head, labels, 3);
        const char *input = "{\"text\": \"the film [MASK]\", \"pair\": \"nobody likes the end\"}\n";
        const Program own = RUN(&arena, input, "predict", model);
        const Program asked = RUN(&arena, input, "predict", model, "--mode", cases[i].mode);
        const Program other = RUN(&arena, input, "predict", model, "--mode", "classify");
        program_want(&own, 0);
        cr_expect(slice_eq(own.out, asked.out), "%s", cases[i].mode);
        for (size_t k = 0; k < 4 && cases[i].keys[k]; k++) {
            cr_expect(json_get(json_line(own.out, 0), cases[i].keys[k]) != NULL, "%s lacks %s",
                      cases[i].mode, cases[i].keys[k]);
        }
        program_want(&other, 2);
        cr_expect(text_contains(other.err, cases[i].mode), "%s", other.err.ptr);
        folder_remove(folder);
        arena_release(&arena);
    }
}

// Two words between [CLS] and [SEP]: their tokens' log-probabilities, and the sum; as text and as ids.
Test(predict, masks_each_token_in_its_turn)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_MASKED_LM, NULL, 0);
    const Program program =
        RUN(&arena,
            "{\"text\": \"the film\"}\n{\"text\": \"\"}\n{\"text\": \"the\", \"pair\": \"film\"}\n",
            "predict", model, "--mode", "pll");
    const Program alone = RUN(&arena, "{\"text\": \"the film\"}\n", "predict", model, "--mode",
                              "pll", "--threads", "2");
    program_want(&program, 0);
    static const size_t n_tokens[] = {2, 0, 2};
    for (size_t i = 0; i < 3; i++) {
        const Json *answer = json_line(program.out, i),
                   *logprobs = json_get(answer, "token_logprobs");
        double sum = 0;
        cr_assert_eq(json_len(logprobs), n_tokens[i], "line %zu", i);
        for (size_t k = 0; k < n_tokens[i]; k++) sum += json_double(json_at(logprobs, k));
        cr_expect_eq(number_of(answer, "pll"), sum);
        cr_expect(n_tokens[i] == 0 || sum < 0);
    }
    cr_expect(strncmp(program.out.ptr, alone.out.ptr, alone.out.len) == 0);
    folder_remove(folder);
    arena_release(&arena);
}

Test(predict, embeds_with_any_encoder_by_mean_first_or_last_token)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 3);
    static const char *const pools[] = {"mean", "cls", "last"};
    double first[3];
    for (size_t i = 0; i < 3; i++) {
        const Program program =
            RUN(&arena, "{\"input_ids\": [2, 9, 10, 3]}\n{\"input_ids\": [9]}\n", "predict", model,
                "--mode", "embed", "--pool", pools[i]);
        program_want(&program, 0);
        const Json *embedding = json_get(json_line(program.out, 0), "embedding");
        cr_assert_eq(json_len(embedding), 32);
        first[i] = json_double(json_at(embedding, 0));
    }
    cr_expect(first[0] != first[1] && first[1] != first[2] && first[0] != first[2]);
    folder_remove(folder);
    arena_release(&arena);
}

// NaN among the weights, here in the last of the file.
Test(predict, chooses_nothing_among_numbers_that_are_not_finite)
{
    Arena arena = {0};
    Error err = {0};
    Slice weights = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 3);
    const char *path = folder_path(folder, "model/model.safetensors");
    cr_assert_eq(file_read(&arena, path, 1 << 24, &weights, &err), STATUS_OK, "%s", err.text);
    char *bytes = arena_alloc(&arena, weights.len, 1);
    memcpy(bytes, weights.ptr, weights.len);
    for (size_t i = 128; i > 0; i -= 4) memcpy(bytes + weights.len - i, "\0\0\xc0\x7f", 4);
    cr_assert_eq(file_write(path, (Slice){bytes, weights.len}, &err), STATUS_OK, "%s", err.text);
    const char *input = "{\"input_ids\": [2, 9, 3]}";
    const Program class = RUN(&arena, input, "predict", model);
    program_want(&class, 2);
    cr_expect(text_contains(text_of(json_line(class.out, 0), "error"), "not finite"), "%s",
              class.out.ptr);
    const Program logits = RUN(&arena, input, "predict", model, "--mode", "logits");
    program_want(&logits, 0);
    cr_expect(text_contains(logits.out, "\"NaN\""), "%s", logits.out.ptr);
    folder_remove(folder);
    arena_release(&arena);
}

// What sentence-transformers would do with the vectors and we do not is refused, unless a way is named.
Test(predict, refuses_embeddings_made_in_ways_that_do_not_run_here)
{
    static const struct {
        const char *file, *text, *says;
    } cases[] = {
        {"1_Pooling/config.json", "{\"pooling_mode_max_tokens\": true}", "max pooling"},
        {"1_Pooling/config.json",
         "{\"pooling_mode_mean_tokens\": true, \"pooling_mode_cls_token\": true}", "several ways"},
        {"1_Pooling/config.json", "{\"pooling_mode\": \"weightedmean\"}", "a weighted mean"},
        {"1_Pooling/config.json", "{\"pooling_mode_lasttoken\": true}", NULL},
        {"1_Pooling/config.json", "{\"pooling_mode\": \"cls\"}", NULL},
        {"modules.json", "[{\"type\": \"sentence_transformers.models.Dense\"}]",
         "a dense layer that has no folder"},
        {"modules.json", "[{\"type\": \"sentence_transformers.models.Normalize\"}]", NULL},
    };
    Arena arena = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error err = {0};
        const char *folder = folder_make();
        const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 3);
        cr_assert_eq(file_make_directories(folder_path(folder, "model/1_Pooling"), &err),
                     STATUS_OK);
        write_file(&arena, model, cases[i].file, cases[i].text);
        const char *input = "{\"input_ids\": [2, 9, 3]}";
        const Program plain = RUN(&arena, input, "predict", model, "--mode", "embed");
        program_want(&plain, cases[i].says ? 2 : 0);
        if (cases[i].says) cr_expect(text_contains(plain.err, cases[i].says), "%s", plain.err.ptr);
        const Program chosen =
            RUN(&arena, input, "predict", model, "--mode", "embed", "--pool", "mean");
        program_want(&chosen, 0);
        const Program inspected = RUN(&arena, NULL, "inspect", model);
        program_want(&inspected, 0);
        folder_remove(folder);
    }
    arena_release(&arena);
}

Test(predict, cuts_an_answer_out_of_the_text_by_code_points)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SPAN, NULL, 0);
    const Program program = RUN(
        &arena, "{\"text\": \"film\", \"pair\": \"\xc3\xa9 the old clock \xe2\x82\xac is good\"}",
        "predict", model);
    program_want(&program, 0);
    const Json *answer = json_line(program.out, 0);
    const Slice context = SLICE("\xc3\xa9 the old clock \xe2\x82\xac is good"),
                text = text_of(answer, "text");
    const size_t at = slice_find(context, text);
    cr_assert_neq(at, SIZE_MAX);
    const double n_points = number_of(answer, "end") - number_of(answer, "start");
    size_t counted = 0;
    for (size_t i = 0; i < text.len; i++) counted += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    cr_expect_eq(n_points, (double)counted);
    folder_remove(folder);
    arena_release(&arena);
}
