// Decoders of each kind, made on the spot, against Transformers: decoders.json, which tools/peers/decoders.py writes.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "models/architecture.h"
#include "models/generation/generate.h"
#include "models/gguf/gguf_model.h"
#include "tests/models/model_support.h"
#include "tests/models/saved.h"
#include "tests/support/folder.h"

enum { N_TEXTS = 3, N_NEW = 8, LONGEST = 128 };

// One of the file's models, and the texts of all.
typedef struct Kind {
    const Json *json;
    const char *name;
    ModelConfig config;
    Arena *arena;
    Model *model;
    Pool *pool;
    int32_t texts[N_TEXTS][LONGEST];
    size_t lengths[N_TEXTS];
} Kind;

// The weights that decoders.py gives: number i follows from the name.
static void fill(Slice name, const char *suffix, size_t n, float centre, float *out)
{
    drawn_shares(name, suffix, n, out);
    for (size_t i = 0; i < n; i++) out[i] = centre + 0.3f * (2.0f * out[i] - 1.0f);
}

static float *room(size_t n)
{
    float *values = calloc(n + 1, sizeof *values);
    cr_assert_not_null(values);
    return values;
}

static size_t tensor_size(const Model *model, Slice name, bool *is_vector)
{
    Error err = {0};
    size_t rows = 0, cols = 0;
    want_ok(model_tensor_shape(model, name, &rows, &cols, &err), &err);
    *is_vector = rows == 1;
    return rows * cols;
}

static void fill_weights(Model *model)
{
    Error err = {0};
    for (size_t i = 0; i < model_n_tensors(model); i++) {
        const Slice name = model_tensor_name(model, i);
        bool is_vector = false;
        const size_t n = tensor_size(model, name, &is_vector);
        float *values = room(n);
        const bool is_norm = is_vector && slice_ends_with(name, SLICE(".weight"));
        fill(name, "", n, is_norm || slice_ends_with(name, SLICE("layer_scalar")) ? 1.0f : 0.0f,
             values);
        want_ok(model_tensor_write(model, name, values, &err), &err);
        free(values);
    }
}

static void read_texts(Kind *kind, const Json *texts)
{
    cr_assert_eq(json_len(texts), N_TEXTS);
    for (size_t i = 0; i < N_TEXTS; i++) {
        const Json *text = json_at(texts, i);
        kind->lengths[i] = json_len(text);
        for (size_t t = 0; t < kind->lengths[i]; t++)
            kind->texts[i][t] = (int32_t)json_double(json_at(text, t));
    }
}

static TokenSequence text_of(const Kind *kind, size_t i)
{
    return (TokenSequence){.ids = kind->texts[i], .n_tokens = kind->lengths[i]};
}

// ---- checks ----

// Numbers against those of Transformers, relative to the largest, or to the terms that they are sums of: those come to about 1
// where the two numbers of a span nearly cancel.
static void check_numbers(const Kind *kind, const char *what, const float *ours, const Json *theirs)
{
    double largest = 1;
    for (size_t j = 0; j < json_len(theirs); j++)
        largest = fmax(largest, fabs(json_double(json_at(theirs, j))));
    for (size_t j = 0; j < json_len(theirs); j++) {
        const double wanted = json_double(json_at(theirs, j));
        cr_expect(fabs((double)ours[j] - wanted) <= 1e-5 * largest, "%s: %s[%zu]: %.7g, not %.7g",
                  kind->name, what, j, (double)ours[j], wanted);
    }
}

// Of a model: the logits of the last tokens of text i.
static void last_logits(Model *model, Pool *pool, const Kind *kind, size_t i, float *out)
{
    Error err = {0};
    const TokenSequence input = text_of(kind, i);
    const size_t width = model_output_width(model);
    float *logits = room(input.n_tokens * width);
    want_ok(model_predict(model, pool, &input, 1, NULL, logits, &err), &err);
    memcpy(out, logits + (input.n_tokens - 1) * width, width * sizeof *out);
    free(logits);
}

static void check_answers(const Kind *kind, const char *path)
{
    Error err = {0};
    float logits[LONGEST], embedding[LONGEST];
    Model *encoder = NULL;
    const ModelOptions options = {.without_tokenizer = 1,
                                  .head_choice = HEAD_FOR_LABELS,
                                  .head = HEAD_EMBEDDING,
                                  .has_pool = 1,
                                  .pool = POOL_MEAN};
    want_ok(model_open(path, &options, &encoder, &err), &err);
    cr_assert(model_output_width(kind->model) <= LONGEST && model_output_width(encoder) <= LONGEST);
    for (size_t i = 0; i < N_TEXTS; i++) {
        const TokenSequence input = text_of(kind, i);
        last_logits(kind->model, kind->pool, kind, i, logits);
        check_numbers(kind, "logits", logits, json_at(json_get(kind->json, "logits"), i));
        want_ok(model_predict(encoder, kind->pool, &input, 1, NULL, embedding, &err), &err);
        check_numbers(kind, "hidden", embedding, json_at(json_get(kind->json, "hidden"), i));
    }
    model_close(&encoder);
}

// Texts gone on with together, and alone with the same bits.
static void check_generation(const Kind *kind)
{
    Error err = {0};
    GenerateRequest requests[N_TEXTS];
    GenerateResult together[N_TEXTS], alone;
    Pool *single = open_pool(1);
    for (size_t i = 0; i < N_TEXTS; i++) {
        requests[i] = (GenerateRequest){.prompt = kind->texts[i],
                                        .n_prompt = kind->lengths[i],
                                        .max_new_tokens = N_NEW,
                                        .ignores_eos = true};
    }
    want_ok(model_generate(kind->model, kind->pool, requests, N_TEXTS, NULL, kind->arena, together,
                           NULL, &err),
            &err);
    for (size_t i = 0; i < N_TEXTS; i++) {
        const Json *theirs = json_at(json_get(kind->json, "greedy"), i);
        want_ok(model_generate(kind->model, single, &requests[i], 1, NULL, kind->arena, &alone,
                               NULL, &err),
                &err);
        cr_assert(together[i].n_ids == N_NEW && alone.n_ids == N_NEW, "%s", kind->name);
        cr_expect(memcmp(alone.logprobs, together[i].logprobs, N_NEW * sizeof(double)) == 0, "%s",
                  kind->name);
        for (size_t t = 0; t < N_NEW; t++) {
            cr_expect_eq(together[i].ids[t], (int32_t)json_double(json_at(theirs, t)),
                         "%s: text %zu, token %zu: %d", kind->name, i, t, together[i].ids[t]);
        }
    }
    pool_close(&single);
}

// What comes after a beginning that others share, and all of it at once, have the same bits.
static void check_shared_beginnings(const Kind *kind)
{
    enum { N = 4 };
    Error err = {0};
    LoglikRequest requests[N];
    LoglikResult together[N], alone;
    const int32_t *text = kind->texts[N_TEXTS - 1];
    const size_t n = kind->lengths[N_TEXTS - 1];
    for (size_t i = 0; i < N; i++)
        requests[i] = (LoglikRequest){text, 2 + 4 * i, text + 2 + 4 * i, n - 2 - 4 * i};
    want_ok(
        model_loglik(kind->model, kind->pool, requests, N, NULL, kind->arena, together, NULL, &err),
        &err);
    for (size_t i = 0; i < N; i++) {
        want_ok(model_loglik(kind->model, kind->pool, &requests[i], 1, NULL, kind->arena, &alone,
                             NULL, &err),
                &err);
        cr_expect(memcmp(&alone.loglik, &together[i].loglik, sizeof alone.loglik) == 0, "%s: %zu",
                  kind->name, i);
    }
}

// Beams fork what is kept of a text: each result's score is the likelihood of its tokens, read anew.
static void check_beams(const Kind *kind)
{
    enum { N_BEAMS = 4 };
    Error err = {0};
    GenerateResult result;
    LoglikResult read;
    const int32_t *text = kind->texts[N_TEXTS - 1];
    const size_t n = kind->lengths[N_TEXTS - 1];
    const BeamOptions beams = {
        .n_beams = N_BEAMS, .length_penalty = 1, .forced_first = -1, .forced_last = -1};
    const GenerateRequest request = {.prompt = text,
                                     .n_prompt = n,
                                     .max_new_tokens = N_NEW,
                                     .ignores_eos = true,
                                     .beams = &beams,
                                     .n_results = N_BEAMS};
    want_ok(model_generate(kind->model, kind->pool, &request, 1, NULL, kind->arena, &result, NULL,
                           &err),
            &err);
    cr_assert_eq(result.n_found, N_BEAMS, "%s: %zu", kind->name, result.n_found);
    for (size_t i = 0; i < N_BEAMS; i++) {
        const SearchResult *found = &result.found[i];
        const LoglikRequest again = {text, n, found->ids, found->n_ids};
        want_ok(
            model_loglik(kind->model, kind->pool, &again, 1, NULL, kind->arena, &read, NULL, &err),
            &err);
        cr_expect_float_eq(found->score, read.loglik / (double)found->n_ids, 1e-5,
                           "%s: %zu: %g, %g", kind->name, i, found->score,
                           read.loglik / (double)found->n_ids);
    }
}

static void check_gradients(const Kind *kind)
{
    Error err = {0};
    TrainExample batch[N_TEXTS - 1];
    const TrainOptions options = {0};
    const Json *sums = json_get(kind->json, "sums");
    for (size_t i = 1; i < N_TEXTS; i++)
        batch[i - 1] = (TrainExample){.input = text_of(kind, i), .labels = kind->texts[i]};
    double largest = 0;
    for (const Json *v = json_first(sums); v; v = json_next(v))
        largest = fmax(largest, fabs(json_double(v)));
    size_t n_trained = model_n_tensors(kind->model);
    for (size_t i = 0; i < model_n_tensors(kind->model); i++) {
        const Slice name = model_tensor_name(kind->model, i);
        n_trained -= slice_ends_with(name, SLICE("correction_bias")) ||
                     slice_ends_with(name, SLICE("expert_bias")) ||
                     slice_ends_with(name, SLICE("layer_scalar"));
    }
    cr_assert_eq(json_len(sums), n_trained, "%s", kind->name);
    for (const Json *v = json_first(sums); v; v = json_next(v)) {
        bool is_vector = false;
        double norm = 0, sum = 0;
        if (slice_find(json_key(v), SLICE(".1.")) != SIZE_MAX) continue; // block 0 is behind it
        const size_t n = tensor_size(kind->model, json_key(v), &is_vector);
        float *gradient = room(n), *weights = room(n);
        want_ok(model_gradient(kind->model, kind->pool, batch, N_TEXTS - 1, &options, json_key(v),
                               gradient, &norm, &err),
                &err);
        fill(json_key(v), "#", n, 0.0f, weights);
        for (size_t i = 0; i < n; i++) sum += (double)gradient[i] * (double)weights[i];
        cr_expect(fabs(sum - json_double(v)) <= 2e-5 * largest, "%s: " SLICE_FMT ": %.7g, not %.7g",
                  kind->name, SLICE_ARG(json_key(v)), sum, json_double(v));
        free(gradient);
        free(weights);
    }
}

// Weights as the file stores them, where it is mapped, and in GGUF with our metadata and without.
static void check_kept(const Kind *kind, const char *folder, const char *path)
{
    float numbers[LONGEST], other[LONGEST];
    const char *gguf = folder_path(folder, "own.gguf"), *half = folder_path(folder, "half.gguf");
    const size_t width = model_output_width(kind->model);
    must_quantize(path, TENSOR_F32, gguf);
    last_logits(kind->model, kind->pool, kind, N_TEXTS - 1, numbers);
    const struct {
        const char *path;
        Keeping keeping;
    } ways[] = {{path, AS_STORED},
                {path, AS_MAPPED},
                {gguf, AS_NUMBERS},
                {gguf, AS_STORED},
                {gguf, AS_MAPPED}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        Model *model = open_kept(ways[i].path, ways[i].keeping);
        last_logits(model, kind->pool, kind, N_TEXTS - 1, other);
        cr_expect_arr_eq(other, numbers, width * sizeof *numbers, "%s: way %zu", kind->name, i);
        model_close(&model);
    }
    must_quantize(path, TENSOR_BF16, half);
    for (int keeping = AS_NUMBERS; keeping <= AS_MAPPED; keeping++) {
        Model *model = open_kept(half, (Keeping)keeping);
        last_logits(model, kind->pool, kind, N_TEXTS - 1, keeping == AS_NUMBERS ? numbers : other);
        cr_expect(keeping == AS_NUMBERS || memcmp(other, numbers, width * sizeof *other) == 0,
                  "%s: half, way %d", kind->name, keeping);
        model_close(&model);
    }
}

// Classes of the last text, of its last token, and whether an answer begins and ends there.
static void check_heads(const Kind *kind, const ModelConfig *config)
{
    static const Slice labels[] = {SLICE_LIT("a"), SLICE_LIT("b"), SLICE_LIT("c")};
    const Json *heads = json_get(kind->json, "heads");
    for (int h = 0; h < HEAD_COUNT; h++) {
        Error err = {0};
        Model *model = NULL;
        float logits[LONGEST];
        const TokenSequence input = text_of(kind, N_TEXTS - 1);
        const ModelOptions options = {.seed = 1, .without_tokenizer = 1};
        const char *name = model_head_name((ModelHead)h);
        const Json *theirs = json_get(heads, name);
        const bool is_known = h == HEAD_SEQUENCE || h == HEAD_TOKEN || h == HEAD_SPAN;
        cr_assert(!is_known || !theirs == !architecture_class(config->architecture, (ModelHead)h),
                  "%s: %s", kind->name, name);
        if (!theirs) continue;
        ModelConfig other = *config;
        other.head = (ModelHead)h;
        other.labels = labels;
        other.n_labels = h == HEAD_SPAN ? 2 : 3;
        want_ok(model_create(&other, NULL, &options, &model, &err), &err);
        fill_weights(model);
        const size_t rows = model_output_rows(model, &input, 1), n = model_output_width(model);
        float *all = room(rows * n);
        want_ok(model_predict(model, kind->pool, &input, 1, NULL, all, &err), &err);
        memcpy(logits, all + (rows - 1) * n, n * sizeof *logits);
        check_numbers(kind, name, logits, theirs);
        free(all);
        model_close(&model);
    }
}

// ---- all of them ----

static Kind open_kind(const Json *texts, const Json *json, Arena *arena)
{
    Error err = {0};
    const ModelOptions options = {.seed = 1, .without_tokenizer = 1};
    Kind kind = {.json = json, .arena = arena, .pool = open_pool(2)};
    kind.name = arena_cstr(arena, json_string(json_get(json, "name")));
    want_ok(model_config_parse(arena, json_get(json, "config"), &kind.config, &err), &err);
    want_ok(model_create(&kind.config, NULL, &options, &kind.model, &err), &err);
    fill_weights(kind.model);
    read_texts(&kind, texts);
    return kind;
}

Test(decoder_kinds, answer_and_learn_as_in_transformers)
{
    Error err = {0};
    JsonDocument *document = NULL;
    want_ok(json_load(ASSAY_SOURCE_DIR "/tests/models/decoders.json", JSON_STRICT, &document, &err),
            &err);
    const Json *root = json_root(document), *cases = json_get(root, "cases");
    cr_assert_gt(json_len(cases), 0);
    for (const Json *json = json_first(cases); json; json = json_next(json)) {
        Arena arena = {0};
        const char *folder = folder_make(), *path = folder_path(folder, "model");
        Kind kind = open_kind(json_get(root, "texts"), json, &arena);
        want_ok(model_save(kind.model, path, &err), &err);
        cr_expect_eq(model_size(kind.model).n_parameters,
                     (uint64_t)json_double(json_get(json, "n_parameters")), "%s", kind.name);
        check_answers(&kind, path);
        check_generation(&kind);
        check_shared_beginnings(&kind);
        check_beams(&kind);
        check_gradients(&kind);
        check_kept(&kind, folder, path);
        check_heads(&kind, &kind.config);
        model_close(&kind.model);
        pool_close(&kind.pool);
        arena_release(&arena);
        folder_remove(folder);
    }
    json_close(&document);
}

// What other programs write has no config.json of ours: all of it must follow from the metadata.
Test(decoder_kinds, files_of_llama_cpp_tell_the_same_model)
{
    // With what its metadata does not tell: ALiBi in Falcon, which layers turn or are local, another activation, residuals behind
    // norms, windows of Mixtral and Qwen, other limits of a gate, LayerNorms of heads, scores that StarCoder does not scale,
    // YaRN's two scales in DeepSeek where they differ, and its rotations of halves; windows of Llama's kin and dots.llm1,
    // scaled rotations of local layers, rotations that grow.
    static const char *const without[] = {
        "gpt_neox-serial", "falcon-alibi",        "smollm3",
        "smollm3-window",  "bloom-post",          "gpt_bigcode-heads",
        "mixtral-odd",     "qwen2_moe-dense",     "gpt_oss-odd",
        "deepseek_v2",     "deepseek_v3-plain",   "arcee-odd",
        "stablelm-norms",  "phi-norms",           "cwm",
        "cwm-odd",         "ministral",           "dots1",
        "mpt-odd",         "glm4_moe_lite-mixed", "internlm3-odd",
        "helium-odd",      "ministral3-window"};
    Error err = {0};
    JsonDocument *document = NULL;
    want_ok(json_load(ASSAY_SOURCE_DIR "/tests/models/decoders.json", JSON_STRICT, &document, &err),
            &err);
    const Json *root = json_root(document), *cases = json_get(root, "cases");
    size_t n = 0;
    for (const Json *json = json_first(cases); json; json = json_next(json)) {
        Arena arena = {0};
        bool is_known =
            gguf_family_of_model(json_string(json_get(json_get(json, "config"), "model_type")));
        for (size_t i = 0; i < sizeof without / sizeof *without; i++)
            is_known = is_known && !slice_eq_cstr(json_string(json_get(json, "name")), without[i]);
        if (!is_known) continue;
        n++;
        const char *folder = folder_make(), *path = folder_path(folder, "model"),
                   *own = folder_path(folder, "own.gguf"),
                   *other = folder_path(folder, "other.gguf");
        Kind kind = open_kind(json_get(root, "texts"), json, &arena);
        want_ok(model_save(kind.model, path, &err), &err);
        must_quantize(path, TENSOR_F32, own);
        strip_gguf(own, other);
        cr_expect_lt(largest_difference(path, other), 2e-5f, "%s", kind.name);
        model_close(&kind.model);
        pool_close(&kind.pool);
        arena_release(&arena);
        folder_remove(folder);
    }
    cr_expect_gt(n, 8);
    json_close(&document);
}

// ---- blocks behind the last ----

#define GLM_SIZES                                                                           \
    "{\"model_type\": \"glm4_moe\", \"architectures\": [\"Glm4MoeForCausalLM\"], "          \
    "\"vocab_size\": 29, \"hidden_size\": 32, \"num_attention_heads\": 2, "                 \
    "\"intermediate_size\": 24, \"max_position_embeddings\": 64, \"n_routed_experts\": 4, " \
    "\"num_experts_per_tok\": 2, \"moe_intermediate_size\": 16, "

Test(decoder_kinds, blocks_that_guess_at_further_tokens_are_left_out)
{
    Arena arena = {0};
    Error err = {0};
    ModelConfig c;
    Model *model = NULL;
    const ModelOptions options = {.seed = 1, .without_tokenizer = 1};
    const char *folder = folder_make(), *path = folder_path(folder, "model");
    want_ok(parse_config(&arena, GLM_SIZES "\"num_hidden_layers\": 3}", &c, &err), &err);
    want_ok(model_create(&c, NULL, &options, &model, &err), &err);
    want_ok(model_save(model, path, &err), &err);
    model_close(&model);
    folder_write(path, "config.json",
                 GLM_SIZES "\"num_hidden_layers\": 2, \"num_nextn_predict_layers\": 1}");
    want_ok(model_open(path, &options, &model, &err), &err);
    cr_expect_eq(model_config(model)->n_layers, 2);
    model_close(&model);
    folder_write(path, "config.json", GLM_SIZES "\"num_hidden_layers\": 2}");
    cr_expect_eq(model_open(path, &options, &model, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "is of block 2, but by config.json there are 2"), "%s", err.text);
    arena_release(&arena);
    folder_remove(folder);
}

// What llama-cpp-python 0.3.36 made of these files: other logits, or none. Those that it answers alike have neither warning.
Test(decoder_kinds, quantize_says_what_llama_cpp_lacks)
{
    static const struct {
        const char *name, *unsaid, *unplaced;
    } cases[] = {
        {"cohere2", "", ""},
        {"gemma", "", ""},
        {"deepseek_v3", "", ""},
        {"ministral3", "", ""},
        {"gpt_bigcode", "", ""},
        {"gemma-odd", "", "has no place for tensor \"output.weight\" and 2 more"},
        {"starcoder2", "the window of each layer", ""},
        {"starcoder2-odd", "", "wants a tensor \"blk.0.attn_output.bias\""},
        {"exaone4", "the window of each layer, which layers and columns turn", ""},
        {"smollm3", "which layers and columns turn", ""},
        {"bloom-post", "where residuals begin", ""},
        {"falcon-alibi", "where residuals begin, ALiBi", "has no place for tensor"},
        {"deepseek_v2", "the scales of YaRN", ""},
        {"deepseek_v2-groups", "how experts are chosen and weighed", "has no place for tensor"},
        {"deepseek_v3-plain", "which layers and columns turn", "has no place for tensor"},
        {"gpt_oss", "\"truncate\": false of YaRN", ""},
        {"olmoe", "", "wants keys of every head"},
        {"qwen3_moe-dense", "", "has no place for tensor \"blk.0.attn_output.bias\" and 1 more"},
        {"nemotron-odd", "", "wants a tensor \"output.weight\""},
        {"cohere-norms", "", "has no place for tensor \"blk.0.attn_k_norm.weight\" and 3 more"},
        {"phi-norms", "", "has no place for tensor \"model.layers.0.self_attn.k_layernorm"},
        {"glm-odd", "", "wants heads that fill hidden_size"},
        {"glm4_moe", "", ""},
        {"glm4_moe_lite-mixed",
         "which layers and columns turn, the epsilon of norms within attention",
         "has no place for tensor"},
        {"dots1", "the window of each layer", "wants keys of every head"},
        {"hunyuan_v1_moe", "", ""},
        {"olmo3", "", ""},
        {"mpt", "", ""},
        {"mpt-odd", "how attention is scaled", ""},
        {"jais2", "", ""},
        {"helium", "", ""},
        {"internlm3", "", ""},
        {"cwm", "the window of each layer", ""},
        {"ministral", "the window of each layer", ""}};
    Error err = {0};
    JsonDocument *document = NULL;
    want_ok(json_load(ASSAY_SOURCE_DIR "/tests/models/decoders.json", JSON_STRICT, &document, &err),
            &err);
    const Json *root = json_root(document);
    for (const Json *json = json_first(json_get(root, "cases")); json; json = json_next(json)) {
        size_t i = 0;
        while (i < sizeof cases / sizeof *cases &&
               !slice_eq_cstr(json_string(json_get(json, "name")), cases[i].name))
            i++;
        if (i == sizeof cases / sizeof *cases) continue;
        Arena arena = {0};
        QuantizeReport report;
        const char *folder = folder_make(), *path = folder_path(folder, "model");
        Kind kind = open_kind(json_get(root, "texts"), json, &arena);
        want_ok(model_save(kind.model, path, &err), &err);
        want_ok(model_quantize(path, quantize_format_of(TENSOR_F32), folder_path(folder, "f.gguf"),
                               kind.pool, NULL, &arena, &report, &err),
                &err);
        cr_expect(slice_eq_cstr(report.unsaid, cases[i].unsaid), "%s: " SLICE_FMT, kind.name,
                  SLICE_ARG(report.unsaid));
        cr_expect(slice_starts_with(report.unplaced, slice_from_cstr(cases[i].unplaced)) &&
                      (cases[i].unplaced[0] || report.unplaced.len == 0),
                  "%s: " SLICE_FMT, kind.name, SLICE_ARG(report.unplaced));
        model_close(&kind.model);
        pool_close(&kind.pool);
        arena_release(&arena);
        folder_remove(folder);
    }
    json_close(&document);
}

// ---- config.json as released models have it ----

#define COMMON "\"vocab_size\": 99, \"num_hidden_layers\": 2, "

Test(decoder_kinds, older_spellings_are_read)
{
    static const struct {
        const char *json;
        size_t head_dim, n_kv_heads, rotary_dims, max_positions;
        double theta;
    } cases[] = {
        {"{\"model_type\": \"gpt_neox\", " COMMON
         "\"hidden_size\": 6144, \"num_attention_heads\": 64, \"intermediate_size\": 24576, "
         "\"hidden_act\": \"gelu_fast\", \"rotary_pct\": 0.25, \"rotary_emb_base\": 500, "
         "\"max_position_embeddings\": 2048}",
         96, 64, 24, 2048, 500},
        {"{\"model_type\": \"phi\", " COMMON
         "\"hidden_size\": 2560, \"num_attention_heads\": 32, \"intermediate_size\": 10240, "
         "\"partial_rotary_factor\": 0.4, \"rope_scaling\": null, \"rope_theta\": 10000.0, "
         "\"max_position_embeddings\": 2048}",
         80, 32, 32, 2048, 10000},
        {"{\"model_type\": \"gptj\", \"vocab_size\": 50400, \"n_embd\": 4096, \"n_head\": 16, "
         "\"n_inner\": null, \"n_layer\": 28, \"n_positions\": 2048, \"rotary_dim\": 64}",
         256, 16, 64, 2048, 10000},
        {"{\"model_type\": \"bloom\", \"vocab_size\": 250880, \"n_embed\": 1024, \"n_layer\": 24, "
         "\"num_attention_heads\": 16, \"seq_length\": 1024}",
         64, 16, 0, 1024, 0},
        {"{\"model_type\": \"falcon\", " COMMON
         "\"hidden_size\": 4544, \"num_attention_heads\": 71, \"multi_query\": true}",
         64, 1, 64, 2048, 10000},
        {"{\"model_type\": \"falcon\", " COMMON
         "\"hidden_size\": 8192, \"num_attention_heads\": 128, \"num_kv_heads\": 8, "
         "\"new_decoder_architecture\": true}",
         64, 8, 64, 2048, 10000},
        {"{\"model_type\": \"exaone\", \"vocab_size\": 102400, \"num_layers\": 32, "
         "\"hidden_size\": 2560, \"num_attention_heads\": 32, \"num_key_value_heads\": 8, "
         "\"intermediate_size\": 7168, \"layer_norm_epsilon\": 1e-05, "
         "\"activation_function\": \"silu\", \"max_position_embeddings\": 32768, "
         "\"rope_theta\": 1000000}",
         80, 8, 80, 32768, 1000000},
        {"{\"model_type\": \"opt\", " COMMON
         "\"hidden_size\": 1024, \"num_attention_heads\": 16, \"ffn_dim\": 4096, "
         "\"max_position_embeddings\": 2048, \"word_embed_proj_dim\": 512}",
         64, 16, 0, 2048, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        ModelConfig c;
        want_ok(parse_config(&arena, cases[i].json, &c, &err), &err);
        cr_expect_eq(c.head_dim, cases[i].head_dim, "%zu: %zu", i, c.head_dim);
        cr_expect_eq(c.n_kv_heads, cases[i].n_kv_heads, "%zu: %zu", i, c.n_kv_heads);
        cr_expect_eq(c.rotary.dims, cases[i].rotary_dims, "%zu: %zu", i, c.rotary.dims);
        cr_expect_eq(c.max_positions, cases[i].max_positions, "%zu: %zu", i, c.max_positions);
        cr_expect_eq(c.rotary.rope.theta, cases[i].theta, "%zu: %g", i, c.rotary.rope.theta);
        arena_release(&arena);
    }
}

#define LFM2                                                                       \
    "{\"model_type\": \"lfm2\", " COMMON                                           \
    "\"hidden_size\": 64, \"num_attention_heads\": 8, \"intermediate_size\": 64, " \
    "\"max_position_embeddings\": 64, "

#define QWEN3_5                                                                    \
    "{\"model_type\": \"qwen3_5_text\", " COMMON                                   \
    "\"hidden_size\": 64, \"num_attention_heads\": 8, \"intermediate_size\": 64, " \
    "\"max_position_embeddings\": 64, "

Test(decoder_kinds, what_is_not_known_is_refused)
{
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"{\"model_type\": \"helium\", " COMMON
         "\"hidden_size\": 64, \"num_attention_heads\": 4, \"intermediate_size\": 64, "
         "\"max_position_embeddings\": 64, \"head_dim\": 8}",
         "do not fill hidden_size 64"},
        {"{\"model_type\": \"ministral3\", " COMMON
         "\"hidden_size\": 64, \"num_attention_heads\": 4, \"intermediate_size\": 64, "
         "\"max_position_embeddings\": 64}",
         "rope_parameters must say"},
        {"{\"model_type\": \"falcon\", " COMMON
         "\"hidden_size\": 64, \"num_attention_heads\": 4, \"new_decoder_architecture\": true, "
         "\"parallel_attn\": false}",
         "parallel_attn"},
        {"{\"model_type\": \"falcon\", " COMMON
         "\"hidden_size\": 64, \"num_attention_heads\": 4, \"new_decoder_architecture\": true, "
         "\"num_kv_heads\": 3}",
         "cannot share 3 heads"},
        {"{\"model_type\": \"opt\", " COMMON "\"layer_norm_elementwise_affine\": false}",
         "only true is supported"},
        {"{\"model_type\": \"gptj\", \"vocab_size\": 9, \"n_embd\": 64, \"n_head\": 4, "
         "\"n_layer\": 2, \"n_positions\": 20, \"rotary_dim\": 18}",
         "rotary_dim 18 of 16 columns"},
        {"{\"model_type\": \"smollm3\", " COMMON
         "\"hidden_size\": 64, \"num_attention_heads\": 4, \"intermediate_size\": 64, "
         "\"max_position_embeddings\": 64, \"no_rope_layers\": [1]}",
         "num_hidden_layers is 2"},
        {"{\"model_type\": \"granitemoehybrid\", " COMMON
         "\"hidden_size\": 64, \"num_attention_heads\": 4, \"intermediate_size\": 64, "
         "\"max_position_embeddings\": 64, \"layer_types\": [\"attention\", \"mamba\"]}",
         "layers of \"mamba\" are not supported"},
        {"{\"model_type\": \"granitemoehybrid\", " COMMON
         "\"hidden_size\": 64, \"num_attention_heads\": 4, \"intermediate_size\": 64, "
         "\"max_position_embeddings\": 64, \"layer_types\": [\"attention\", \"attention\"], "
         "\"num_local_experts\": 62}",
         "num_local_experts must be 0"},
        {"{\"model_type\": \"mpt\", \"attn_config\": {\"alibi\": false}}",
         "only true is supported"},
        {"{\"model_type\": \"mpt\", \"attn_config\": {\"attn_type\": \"multiquery_attention\"}}",
         "only \"multihead_attention\" is supported"},
        {"{\"model_type\": \"mpt\", \"logit_scale\": \"inv_sqrt_d_model\"}",
         "only null is supported"},
        {"{\"model_type\": \"mpt\", \"expansion_ratio\": 3}", "3: only 4 is supported"},
        {"{\"model_type\": \"hunyuan_v1_moe\", " COMMON
         "\"hidden_size\": 64, \"num_attention_heads\": 4, \"intermediate_size\": 64, "
         "\"max_position_embeddings\": 64, \"num_experts\": 8, \"moe_topk\": [2, 3]}",
         "only one number is supported"},
        {"{\"model_type\": \"internlm3\", " COMMON
         "\"hidden_size\": 64, \"num_attention_heads\": 4, \"intermediate_size\": 64, "
         "\"max_position_embeddings\": 64, \"qkv_bias\": true, \"bias\": false}",
         "must be the same"},
        {"{\"model_type\": \"glm4_moe_lite\", " COMMON
         "\"hidden_size\": 64, \"num_attention_heads\": 4, \"intermediate_size\": 64, "
         "\"max_position_embeddings\": 64, \"mlp_layer_types\": [\"dense\", \"linear\"]}",
         "layers of \"linear\" are not supported"},
        {"{\"model_type\": \"glm4_moe\", " COMMON
         "\"hidden_size\": 64, \"num_attention_heads\": 4, \"intermediate_size\": 64, "
         "\"max_position_embeddings\": 64, \"topk_method\": \"greedy\"}",
         "only \"noaux_tc\" is supported"},
        {"{\"model_type\": \"codegen\", \"vocab_size\": 9, \"n_embd\": 60, \"n_head\": 6, "
         "\"n_layer\": 2, \"n_positions\": 20, \"rotary_dim\": 10}",
         "come in 4 groups: found 6"},
        {LFM2 "\"layer_types\": [\"conv\", \"linear_attention\"]}",
         "layer type \"linear_attention\" is not supported; known are full_attention and conv"},
        {LFM2 "\"layer_types\": [\"conv\"]}", "num_hidden_layers is 2"},
        {LFM2 "\"full_attn_idxs\": [2]}", "there is no layer 2: num_hidden_layers is 2"},
        {LFM2 "\"full_attn_idxs\": 1}", "must be a list of layers"},
        {LFM2 "\"conv_L_cache\": 0}", "conv_L_cache"},
        {LFM2 "\"conv_L_cache\": 65}", "a convolution over 65 tokens is not supported"},
        {LFM2 "\"num_key_value_heads\": 3}", "no multiple of num_key_value_heads 3"},
        {"{\"model_type\": \"lfm2\", " COMMON
         "\"hidden_size\": 64, \"num_attention_heads\": 4, \"block_ff_dim\": 1, "
         "\"num_key_value_heads\": 4, \"max_position_embeddings\": 64}",
         "leave no columns"},
        {QWEN3_5 "\"layer_types\": [\"linear_attention\", \"conv\"]}",
         "layer type \"conv\" is not supported; known are full_attention and linear_attention"},
        {QWEN3_5 "\"full_attention_interval\": 0}", "full_attention_interval"},
        {QWEN3_5 "\"linear_conv_kernel_dim\": 65}", "a convolution over 65 tokens"},
        {QWEN3_5 "\"linear_num_value_heads\": 24}", "no multiple of linear_num_key_heads 16"},
        {QWEN3_5 "\"linear_value_head_dim\": 5000}", "at most 4096 of 4096 columns"},
        {QWEN3_5 "\"num_key_value_heads\": 3}", "no multiple of num_key_value_heads 3"},
        {"{\"model_type\": \"big_bird\"}",
         "attention_type \"block_sparse\": only \"original_full\""},
        {"{\"model_type\": \"bloom\", \"vocab_size\": 9, \"hidden_size\": 10, \"n_layer\": 2, "
         "\"n_head\": 4}",
         "no multiple of 4 heads"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        ModelConfig c;
        cr_assert_eq(parse_config(&arena, cases[i].json, &c, &err), STATUS_INVALID, "%zu", i);
        cr_expect(strstr(err.text, cases[i].says), "%zu: %s", i, err.text);
        arena_release(&arena);
    }
}
