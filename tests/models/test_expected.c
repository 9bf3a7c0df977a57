// Small models whose weights a formula gives, against what Transformers made of the same (expected.json, which
// tools/peers/expected.py writes): logits, hidden states and texts, before and after they are saved and quantised.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_source.h"
#include "models/generation/search.h"
#include "tests/models/model_support.h"
#include "tests/models/saved.h"
#include "tests/support/folder.h"

enum { MAX_IDS = 32, MAX_STATES = 8, STATE_NUMBERS = 4 };

static Model *make_model(const Json *told)
{
    Error err = {0};
    Arena arena = {0};
    ModelConfig config = {0};
    Model *model = NULL;
    want_ok(model_config_parse(&arena, json_get(told, "config"), &config, &err), &err);
    want_ok(model_create(&config, NULL, NULL, &model, &err), &err);
    for (size_t i = 0; i < model_n_tensors(model); i++) {
        const Slice name = model_tensor_name(model, i);
        size_t rows = 0, cols = 0;
        want_ok(model_tensor_shape(model, name, &rows, &cols, &err), &err);
        float *values = calloc(rows * cols, sizeof *values);
        const bool is_kept = slice_ends_with(name, SLICE("embed_positions.weight")) &&
                             slice_eq_cstr(config.model_type, "pegasus");
        made_numbers(name, rows * cols, rows == 1, values);
        if (!is_kept) want_ok(model_tensor_write(model, name, values, &err), &err);
        free(values);
    }
    arena_release(&arena);
    return model;
}

static size_t read_ids(const Json *list, int32_t *out)
{
    cr_assert(json_len(list) <= MAX_IDS);
    for (size_t i = 0; i < json_len(list); i++) out[i] = (int32_t)json_double(json_at(list, i));
    return json_len(list);
}

typedef struct Input {
    int32_t ids[MAX_IDS], targets[MAX_IDS];
    TokenSequence sequence;
} Input;

static void read_input(const Json *told, Input *out)
{
    const Json *targets = json_get(told, "decoder_input_ids");
    *out = (Input){.sequence = {.ids = out->ids, .target_ids = out->targets}};
    out->sequence.n_tokens = read_ids(json_get(told, "input_ids"), out->ids);
    if (targets) out->sequence.n_targets = read_ids(targets, out->targets);
}

static Slice name_of(const Json *told)
{
    return json_string(json_get(told, "name"));
}

static void check_row(const Json *told, const char *what, const float *ours, const Json *theirs,
                      double accepted)
{
    for (size_t e = 0; e < json_len(theirs); e++) {
        const double value = json_double(json_at(theirs, e));
        cr_assert(fabs((double)ours[e] - value) <= accepted,
                  SLICE_FMT ", %s, number %zu: %.9g, but Transformers has %.9g",
                  SLICE_ARG(name_of(told)), what, e, (double)ours[e], value);
    }
}

static void check_logits(const Json *told, Model *model, const char *what, double accepted)
{
    Error err = {0};
    Input input;
    Pool *pool = open_pool(1);
    read_input(told, &input);
    const Json *theirs = json_get(told, "logits");
    const size_t n_rows = model_output_rows(model, &input.sequence, 1),
                 width = model_output_width(model);
    float *logits = calloc(n_rows * width, sizeof *logits);
    want_ok(model_predict(model, pool, &input.sequence, 1, NULL, logits, &err), &err);
    cr_assert_eq(json_len(json_at(theirs, 0)), width);
    for (size_t i = 0; i < json_len(theirs); i++)
        check_row(told, what, logits + (n_rows - json_len(theirs) + i) * width, json_at(theirs, i),
                  accepted);
    free(logits);
    pool_close(&pool);
}

// The last token's states of encoder and decoder.
static void check_hidden(const Json *told, Model *model)
{
    Error err = {0};
    Input input;
    const Json *stacks = json_get(told, "hidden");
    if (!stacks) return;
    read_input(told, &input);
    const ModelConfig *c = model_config(model);
    const size_t n_rows[2] = {input.sequence.n_tokens, input.sequence.n_targets};
    float *hidden = calloc((size_t)2 * MAX_STATES * MAX_IDS * c->hidden_size, sizeof *hidden);
    want_ok(model_hidden_states(model, &input.sequence, hidden, &err), &err);
    const float *state = hidden;
    for (size_t s = 0; s < 2; s++) {
        const Json *states = json_at(stacks, s);
        for (size_t k = 0; k < json_len(states); k++, state += n_rows[s] * c->hidden_size)
            check_row(told, s == 0 ? "encoder" : "decoder",
                      state + (n_rows[s] - 1) * c->hidden_size, json_at(states, k), 1e-4);
    }
    free(hidden);
}

// One text, by what generation_config.json says.
static void check_text(const Json *told, const char *folder, const Json *generation, Pool *pool)
{
    Error err = {0};
    Arena arena = {0};
    Input input;
    Buffer text = {0};
    SearchResult *result = NULL;
    size_t n_found = 0;
    int32_t theirs[MAX_IDS];
    JsonWriter w = json_writer(&text, 0);
    json_put_value(&w, json_get(generation, "config"));
    want_ok(
        file_write(folder_path(folder, "model/generation_config.json"), buffer_slice(&text), &err),
        &err);
    Model *model = open_kept(folder_path(folder, "model"), AS_NUMBERS);
    read_input(told, &input);
    SearchRequest request = {.source = input.sequence, .n_results = 1};
    want_ok(search_defaults(model, &arena, &request.options, &err), &err);
    want_ok(model_search(model, pool, &request, 1, NULL, &arena, &result, &n_found, &err), &err);
    const size_t n = read_ids(json_get(generation, "ids"), theirs);
    cr_assert(n_found == 1 && result->n_ids == n &&
                  memcmp(result->ids, theirs, n * sizeof *theirs) == 0,
              SLICE_FMT ": another text than Transformers' with " SLICE_FMT,
              SLICE_ARG(name_of(told)), SLICE_ARG(buffer_slice(&text)));
    buffer_release(&text);
    model_close(&model);
    arena_release(&arena);
}

static void check_saved(const Json *told, Model *model)
{
    Error err = {0};
    Pool *pool = open_pool(1);
    const char *folder = folder_make();
    want_ok(model_save(model, folder_path(folder, "model"), &err), &err);
    for (int keeping = AS_NUMBERS; keeping <= AS_MAPPED; keeping++) {
        Model *again = open_kept(folder_path(folder, "model"), (Keeping)keeping);
        check_logits(told, again, "saved", 2e-5);
        model_close(&again);
    }
    must_quantize(folder_path(folder, "model"), TENSOR_F32, folder_path(folder, "all.gguf"));
    Model *gguf = open_kept(folder_path(folder, "all.gguf"), AS_STORED);
    check_logits(told, gguf, "GGUF", 2e-5);
    model_close(&gguf);
    for (const Json *one = json_first(json_get(told, "generate")); one; one = json_next(one))
        check_text(told, folder, one, pool);
    pool_close(&pool);
    folder_remove(folder);
}

Test(expected, models_answer_as_in_transformers)
{
    Error err = {0};
    JsonDocument *document = NULL;
    want_ok(json_load(ASSAY_SOURCE_DIR "/tests/models/expected.json", JSON_STRICT, &document, &err),
            &err);
    const Json *models = json_get(json_root(document), "models");
    cr_assert(json_len(models) > 0);
    for (const Json *told = json_first(models); told; told = json_next(told)) {
        Model *model = make_model(told);
        check_logits(told, model, "made", 2e-5);
        check_hidden(told, model);
        check_saved(told, model);
        model_close(&model);
    }
    json_close(&document);
}
