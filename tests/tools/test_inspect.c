#include <criterion/criterion.h>
#include <stdio.h>

#include "program.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static const Slice labels[] = {SLICE_LIT("no"), SLICE_LIT("yes\x1b[31m")};

Test(inspect, tells_what_the_files_say)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 2);
    write_file(&arena, model, "README.md",
               "---\nlicense: \"apache-2.0\"\nbase_model: some/base\nlanguage:\n- en\n- de\n"
               "datasets: [one, two]\nmodel-index:\n  - name: x\n---\nlicense: not this\n");
    const Program text = RUN(&arena, NULL, "inspect", model);
    const Program json = RUN(&arena, NULL, "inspect", model, "--json");
    program_want(&text, 0);
    program_want(&json, 0);
    const Json *root = json_of(json.out), *parameters = json_get(root, "parameters");
    // 80 + 24 + 2 rows of 32, and a norm; two blocks; a pooler and a head of 2
    cr_expect_eq(number_of(parameters, "embedding"), 106 * 32 + 64);
    cr_expect_eq(number_of(parameters, "block"),
                 4 * (32 * 32 + 32) + 2 * 32 * 64 + 64 + 32 + 4 * 32);
    cr_expect_eq(number_of(parameters, "head"), 32 * 32 + 32 + 2 * 32 + 2);
    cr_expect_eq(number_of(parameters, "total"), number_of(parameters, "embedding") +
                                                     2 * number_of(parameters, "block") +
                                                     number_of(parameters, "head"));
    cr_expect_eq(number_of(root, "context_window"), 24);
    cr_expect(slice_eq_cstr(json_string(json_at(json_get(root, "licence"), 0)), "apache-2.0"));
    cr_expect_eq(json_len(json_get(root, "licence")), 1);
    cr_expect_eq(json_len(json_get(root, "language")), 2);
    cr_expect_eq(json_len(json_get(root, "datasets")), 2);
    cr_expect(slice_eq(json_string(json_at(json_get(root, "labels"), 1)), labels[1]));
    cr_expect(text_contains(text.out, "apache-2.0") && text_contains(text.out, "some/base"));
    cr_expect_eq(slice_find_byte(text.out, '\x1b'), SIZE_MAX, "a label drives the terminal");
    folder_remove(folder);
    arena_release(&arena);
}

// As Transformers' num_parameters.
Test(inspect, counts_parameters_as_transformers_does)
{
    static const struct {
        const char *name;
        double total;
    } cases[] = {{"tiny-marian", 60480},
                 {"tiny-bart", 61184},
                 {"tiny-gpt2", 41600},
                 {"tiny-llama3", 46752},
                 {"tiny-t5-relu", 54496}};
    Arena arena = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char relative[64];
        snprintf(relative, sizeof relative, "models/%s", cases[i].name);
        const char *model = shared_path(relative);
        if (!model) cr_skip_test("%s of the shared folder absent", relative);
        const Program program = RUN(&arena, NULL, "inspect", model, "--json");
        program_want(&program, 0);
        cr_expect_eq(number_of(json_get(json_of(program.out), "parameters"), "total"),
                     cases[i].total, "%s", cases[i].name);
    }
    arena_release(&arena);
}

Test(inspect, tells_memory_for_what_is_asked)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 2);
    const char *small = folder_path(folder, "small.gguf");
    const Program quantized = RUN(&arena, NULL, "quantize", model, "--to", "q8_0", "-o", small);
    program_want(&quantized, 0);
    const Program one =
        RUN(&arena, NULL, "inspect", small, "--json", "--batch", "1", "--length", "8");
    const Program many =
        RUN(&arena, NULL, "inspect", small, "--json", "--batch", "64", "--length", "24");
    program_want(&one, 0);
    program_want(&many, 0);
    const Json *less = json_get(json_of(one.out), "memory_bytes");
    const Json *more = json_get(json_of(many.out), "memory_bytes");
    cr_expect_eq(number_of(less, "length"), 8);
    cr_expect_lt(number_of(less, "predict"), number_of(more, "predict"));
    // 9 bits a number in matrices, not 32.
    cr_expect_lt(number_of(less, "weights"), 0.5 * number_of(less, "weights_f32"));
    cr_expect_gt(number_of(less, "tune"), 4 * number_of(less, "weights_f32"));
    const Program longer = RUN(&arena, NULL, "inspect", small, "--length", "25");
    program_want(&longer, 2);
    cr_expect(text_contains(longer.err, "24"), "%s", longer.err.ptr);
    folder_remove(folder);
    arena_release(&arena);
}

Test(inspect, refuses_models_that_are_broken)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 2);
    write_file(&arena, model, "config.json",
               "{\"model_type\": \"gpt9\", \"architectures\": [\"GPT9\"]}");
    const Program unknown = RUN(&arena, NULL, "inspect", model);
    program_want(&unknown, 2);
    cr_expect(text_contains(unknown.err, "gpt9") && text_contains(unknown.err, "config.json"), "%s",
              unknown.err.ptr);
    write_file(&arena, model, "model.safetensors", "\xff\xff\xff\xff\xff\xff\xff\x7f{}");
    const char *files[] = {"predict", "inspect"};
    for (size_t i = 0; i < 2; i++) {
        const Program hostile = RUN(&arena, "", files[i], model);
        program_want(&hostile, 2);
    }
    folder_remove(folder);
    arena_release(&arena);
}
