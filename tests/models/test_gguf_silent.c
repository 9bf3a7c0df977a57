// What is made of a file that does not say everything. All of it is as llama-cpp-python 0.3.36 reads such files: of made models
// with each of these keys left out logits differ by less than 1e-5 of the largest.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "models/gguf/gguf_model.h"
#include "tests/models/model_support.h"
#include "tests/support/folder.h"

typedef struct Pair {
    const char *key; // behind the architecture's name
    float real;      // where it is not 0
    const char *text;
    unsigned size;
} Pair;

enum { MOST_PAIRS = 8, N_WORDS = 8, WIDTH = 8 };

static const Pair all_have[] = {{"embedding_length", 0, NULL, WIDTH},
                                {"attention.head_count", 0, NULL, 1},
                                {"feed_forward_length", 0, NULL, 8},
                                {"context_length", 0, NULL, 64}};
static const Pair norms_have[] = {{"attention.layer_norm_rms_epsilon", 1e-5f, NULL, 0}};
static const Pair deepseek_has[] = {{"attention.kv_lora_rank", 0, NULL, 4},
                                    {"attention.key_length_mla", 0, NULL, 8},
                                    {"attention.value_length_mla", 0, NULL, 8},
                                    {"rope.dimension_count", 0, NULL, 4},
                                    {"expert_count", 0, NULL, 4},
                                    {"expert_used_count", 0, NULL, 2},
                                    {"expert_feed_forward_length", 0, NULL, 8}};

static void put_pairs(GgufBuilder *b, const char *architecture, const Pair *pairs, size_t n)
{
    char key[96];
    for (size_t i = 0; i < n && pairs[i].key; i++) {
        snprintf(key, sizeof key, "%s.%s", architecture, pairs[i].key);
        if (pairs[i].text)
            gguf_put_string(b, key, slice_from_cstr(pairs[i].text));
        else if (pairs[i].size > 0)
            gguf_put_u32(b, key, pairs[i].size);
        else
            gguf_put_f32(b, key, pairs[i].real);
    }
}

// What a file of n_layers with these pairs is told as; `tensor` stands in it beside the table of words.
static Status tell(const char *architecture, unsigned n_layers, size_t n_words, const Pair *pairs,
                   const char *tensor, Arena *arena, ModelConfig *config, Error *err)
{
    Gguf file = {0};
    Buffer text = {0};
    GgufBuilder b = {0};
    const char *folder = folder_make(), *path = folder_path(folder, "f.gguf");
    const Pair layers[] = {{"block_count", 0, NULL, n_layers}};
    float *words = arena_alloc(arena, n_words * WIDTH, sizeof *words);
    const SafeItem items[] = {{.name = SLICE("token_embd.weight"),
                               .type = TENSOR_F32,
                               .n_dims = 2,
                               .shape = {n_words, WIDTH},
                               .data = words},
                              {.name = slice_from_cstr(tensor ? tensor : ""),
                               .type = TENSOR_F32,
                               .n_dims = 1,
                               .shape = {4},
                               .data = words}};
    gguf_put_string(&b, "general.architecture", slice_from_cstr(architecture));
    put_pairs(&b, architecture, all_have, sizeof all_have / sizeof *all_have);
    put_pairs(&b, architecture, layers, 1);
    put_pairs(&b, architecture, norms_have, 1);
    if (strcmp(architecture, "deepseek2") == 0)
        put_pairs(&b, architecture, deepseek_has, sizeof deepseek_has / sizeof *deepseek_has);
    put_pairs(&b, architecture, pairs, MOST_PAIRS);
    want_ok(gguf_write(path, &b, items, tensor ? 2 : 1, NULL, NULL, err), err);
    want_ok(gguf_open(path, &file, err), err);
    Status s = gguf_config_told(&file, &text, err);
    if (s == STATUS_OK)
        s = parse_config(arena, arena_printf(arena, SLICE_FMT, SLICE_ARG(buffer_slice(&text))),
                         config, err);
    buffer_release(&text);
    gguf_close(&file);
    gguf_builder_release(&b);
    folder_remove(folder);
    return s;
}

// Rotations and scores of DeepSeek, and what is made of attn_factor where nothing else scales. L is 1 + 0.1 ln(4).
Test(gguf_silent, scales_of_rotations_and_scores)
{
    const float L = 1.13862944f;
    const struct {
        const char *architecture;
        Pair pairs[MOST_PAIRS];
        RopeKind kind;
        float rotation, score; // scores: of their usual scale
    } cases[] = {
        {"deepseek2",
         {{"rope.scaling.type", 0, "yarn", 0},
          {"rope.scaling.factor", 4, NULL, 0},
          {"rope.scaling.yarn_log_multiplier", 0.1f, NULL, 0}},
         ROPE_YARN,
         1,
         L * L},
        {"deepseek2",
         {{"rope.scaling.type", 0, "yarn", 0}, {"rope.scaling.factor", 4, NULL, 0}},
         ROPE_YARN,
         L,
         L * L},
        {"deepseek2", {{"rope.scaling.factor", 4, NULL, 0}}, ROPE_LINEAR, 1, L * L},
        {"deepseek2",
         {{"rope.scaling.factor", 4, NULL, 0}, {"rope.scaling.yarn_log_multiplier", 0.1f, NULL, 0}},
         ROPE_LINEAR,
         1,
         L * L * L * L},
        {"mistral3",
         {{"rope.scaling.type", 0, "yarn", 0},
          {"rope.scaling.factor", 4, NULL, 0},
          {"rope.scaling.yarn_log_multiplier", 1, NULL, 0},
          {"attention.temperature_scale", 0.1f, NULL, 0}},
         ROPE_YARN,
         1,
         1},
        {"mistral3",
         {{"rope.scaling.factor", 4, NULL, 0}, {"attention.temperature_scale", 0.1f, NULL, 0}},
         ROPE_LINEAR,
         1,
         1},
        {"mistral3", {{"attention.temperature_scale", 0.1f, NULL, 0}}, ROPE_DEFAULT, 1, 1},
        {"llama", {{"rope.scaling.attn_factor", 1.5f, NULL, 0}}, ROPE_DEFAULT, 1.5f, 1},
        // A multiplier of Mistral's and DeepSeek's alone.
        {"llama",
         {{"rope.scaling.type", 0, "yarn", 0},
          {"rope.scaling.factor", 4, NULL, 0},
          {"rope.scaling.yarn_log_multiplier", 1, NULL, 0}},
         ROPE_YARN,
         L,
         1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        ModelConfig c = {0};
        want_ok(tell(cases[i].architecture, 1, N_WORDS, cases[i].pairs, NULL, &arena, &c, &err),
                &err);
        const float usual = 1 / sqrtf(8),
                    score = c.attention.scale > 0 ? c.attention.scale / usual : 1;
        cr_expect_eq(c.rotary.rope.kind, cases[i].kind, "case %zu", i);
        cr_expect_float_eq(rope_scale(&c.rotary.rope, c.max_positions), cases[i].rotation, 1e-6f,
                           "case %zu", i);
        cr_expect_float_eq(score, cases[i].score, 1e-5f, "case %zu: %g", i, (double)score);
        if (strcmp(cases[i].architecture, "mistral3") == 0)
            cr_expect(c.rotary.rope.growth > 0 && c.rotary.rope.original_positions == 64,
                      "case %zu", i);
        arena_release(&arena);
    }
}

Test(gguf_silent, logits_of_command_r_are_not_scaled)
{
    Arena arena = {0};
    Error err = {0};
    ModelConfig c = {0};
    static const Pair pairs[][MOST_PAIRS] = {
        {{0}}, {{"logit_scale", 0, NULL, 0}}, {{"logit_scale", 0.5f, NULL, 0}}};
    for (size_t i = 0; i < 3; i++) {
        want_ok(tell("command-r", 1, N_WORDS, pairs[i], NULL, &arena, &c, &err), &err);
        cr_expect_eq(c.output.scale, i < 2 ? 1.0f : 0.5f, "case %zu", i);
    }
    arena_release(&arena);
}

// Without expert_gating_func a softmax chooses, but for GLM 4.7 Flash, which is known by its size.
Test(gguf_silent, experts_of_deepseek_are_chosen)
{
    static const struct {
        unsigned n_layers, n_words;
        const char *tensor, *refused;
        RouteKind route;
    } cases[] = {
        {2, N_WORDS, NULL, NULL, ROUTE_SOFTMAX},
        {47, 154880, NULL, NULL, ROUTE_SIGMOID},
        {48, 154880, NULL, NULL, ROUTE_SIGMOID},
        {2, N_WORDS, "blk.1.exp_probs_b.bias", "expert_gating_func\" 2 (sigmoids) alone", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        ModelConfig c = {0};
        static const Pair none[MOST_PAIRS];
        const Status s = tell("deepseek2", cases[i].n_layers, cases[i].n_words, none,
                              cases[i].tensor, &arena, &c, &err);
        if (cases[i].refused) {
            cr_expect_eq(s, STATUS_INVALID);
            cr_expect(strstr(err.text, cases[i].refused) != NULL, "%s", err.text);
        } else {
            want_ok(s, &err);
            cr_expect_eq(c.experts.route, cases[i].route, "case %zu", i);
        }
        arena_release(&arena);
    }
}

// llama.cpp does not open such a file, and any number would be a guess.
Test(gguf_silent, norms_are_not_guessed)
{
    static const Pair layers[] = {{"block_count", 0, NULL, 1}};
    Error err = {0};
    Gguf file = {0};
    Buffer text = {0};
    GgufBuilder b = {0};
    float words[N_WORDS * WIDTH] = {0};
    const char *folder = folder_make(), *path = folder_path(folder, "f.gguf");
    const SafeItem item = {.name = SLICE("token_embd.weight"),
                           .type = TENSOR_F32,
                           .n_dims = 2,
                           .shape = {N_WORDS, WIDTH},
                           .data = words};
    gguf_put_string(&b, "general.architecture", SLICE("llama"));
    put_pairs(&b, "llama", all_have, sizeof all_have / sizeof *all_have);
    put_pairs(&b, "llama", layers, 1);
    want_ok(gguf_write(path, &b, &item, 1, NULL, NULL, &err), &err);
    want_ok(gguf_open(path, &file, &err), &err);
    cr_assert_eq(gguf_config_told(&file, &text, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, path) && strstr(err.text, "llama.attention.layer_norm_rms_epsilon"),
              "%s", err.text);
    buffer_release(&text);
    gguf_close(&file);
    gguf_builder_release(&b);
    folder_remove(folder);
}
