// assay predict beside Transformers: logits of the goldens, and what a stop text leaves of a translation.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/formats/safetensors.h"
#include "program.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static void put_ids(Buffer *out, const char *key, const int32_t *values, size_t n)
{
    buffer_printf(out, "\"%s\": [", key);
    for (size_t t = 0; t < n; t++) buffer_printf(out, "%s%d", t ? ", " : "", values[t]);
    buffer_append_cstr(out, "]");
}

static const SafeTensor *tensor_of(const Safetensors *file, const char *batch, const char *name)
{
    char full[128];
    snprintf(full, sizeof full, "%s.%s", batch, name);
    return safetensors_find(file, slice_from_cstr(full));
}

static int32_t *ints_of(Arena *arena, const SafeTensor *tensor)
{
    Error err = {0};
    int32_t *out = arena_alloc(arena, tensor->n_elements, sizeof *out);
    cr_assert_eq(safetensor_read_i32(tensor, out, &err), STATUS_OK, "%s", err.text);
    return out;
}

static double largest_difference(const Json *row, const float *wanted, size_t stride)
{
    double most = 0;
    for (size_t k = 0; k < json_len(row); k++) {
        most = fmax(most, fabs(json_double(json_at(row, k)) - wanted[k * stride]));
    }
    return most;
}

// One batch of a golden file: inputs without their padding in, logits compared row by row.
static void check_batch(Arena *arena, const char *model, const Safetensors *file, const char *batch,
                        const char *key, bool by_token)
{
    Error err = {0};
    Buffer input = {0};
    const SafeTensor *tensor = tensor_of(file, batch, key);
    const SafeTensor *ids_tensor = tensor_of(file, batch, "input_ids");
    cr_assert(tensor && ids_tensor);
    const size_t n = ids_tensor->shape[0], width = ids_tensor->shape[1];
    const size_t per_row = tensor->n_elements / n, columns = tensor->shape[tensor->n_dims - 1];
    const int32_t *ids = ints_of(arena, ids_tensor);
    const int32_t *mask = ints_of(arena, tensor_of(file, batch, "attention_mask"));
    const SafeTensor *types_tensor = tensor_of(file, batch, "token_type_ids");
    const int32_t *types = types_tensor ? ints_of(arena, types_tensor) : NULL;
    float *wanted = arena_alloc(arena, tensor->n_elements, sizeof *wanted);
    cr_assert_eq(safetensor_read_f32(tensor, wanted, &err), STATUS_OK, "%s", err.text);
    for (size_t i = 0; i < n; i++) {
        size_t len = 0;
        while (len < width && mask[i * width + len]) len++;
        buffer_append_cstr(&input, "{");
        put_ids(&input, "input_ids", ids + i * width, len);
        if (types) {
            buffer_append_cstr(&input, ", ");
            put_ids(&input, "token_type_ids", types + i * width, len);
        }
        buffer_append_cstr(&input, "}\n");
    }
    const Program program = RUN(arena, input.ptr, "predict", model, "--mode", "logits");
    program_want(&program, 0);
    for (size_t i = 0; i < n; i++) {
        const Json *rows = json_get(json_line(program.out, i), key);
        cr_assert(rows && json_len(rows) > 0, "%s %s %zu", model, batch, i);
        double most = 0;
        if (!by_token) most = largest_difference(rows, wanted + i * per_row, 1);
        for (size_t t = 0; by_token && t < json_len(rows); t++) {
            most = fmax(
                most, largest_difference(json_at(rows, t), wanted + i * per_row + t * columns, 1));
        }
        cr_expect_lt(most, 2e-5, "%s %s %zu: %g", model, batch, i, most);
    }
    buffer_release(&input);
}

Test(predict, gives_the_logits_of_the_goldens)
{
    static const struct {
        const char *model, *keys[2];
        bool by_token;
    } cases[] = {{"tiny-bert-seqcls", {"logits"}, false},
                 {"tiny-bert-tokcls", {"logits"}, true},
                 {"tiny-bert-mlm", {"logits"}, true},
                 {"tiny-bert-qa", {"start_logits", "end_logits"}, false}};
    shared_need("goldens/models");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        Safetensors file = {0};
        char path[256];
        snprintf(path, sizeof path, "goldens/models/%s/forward.safetensors", cases[i].model);
        cr_assert_eq(safetensors_open(shared_path(path), &file, &err), STATUS_OK, "%s", err.text);
        snprintf(path, sizeof path, "models/%s", cases[i].model);
        const char *model = arena_cstr(&arena, slice_from_cstr(shared_path(path)));
        for (int b = 0; b < 3; b++) {
            const char batch[] = {'b', (char)('0' + b), 0};
            for (size_t k = 0; k < 2 && cases[i].keys[k]; k++) {
                check_batch(&arena, model, &file, batch, cases[i].keys[k], cases[i].by_token);
            }
        }
        safetensors_close(&file);
        arena_release(&arena);
    }
}

Test(predict, a_stop_text_ends_what_an_encoder_decoder_writes)
{
    Arena arena = {0};
    const char *shared = shared_need("models/tiny-marian");
    const char *model = arena_cstr(&arena, slice_from_cstr(shared));
    // It writes four of the letter, then ends.
    const Program p = RUN(&arena,
                          "{\"prompt\": \"hello\"}\n"
                          "{\"prompt\": \"hello\", \"stop\": [\"\xce\xbb\xce\xbb\xce\xbb\"]}\n"
                          "{\"prompt\": \"hello\", \"stop\": [\"nowhere\"]}\n",
                          "predict", model);
    program_want(&p, 0);
    cr_expect(text_contains(p.out, "\"finish\":\"stop\""), "%s", p.out.ptr);
    Slice lines = p.out, whole = {0}, cut = {0}, same = {0};
    cr_assert(slice_split(&lines, '\n', &whole) && slice_split(&lines, '\n', &cut) &&
              slice_split(&lines, '\n', &same));
    cr_expect(slice_eq(whole, same));
    cr_expect(text_contains(cut, "\"text\":\"\",\"ids\":[406,406,406]"), "%s", p.out.ptr);
    const Program beams =
        RUN(&arena, "{\"prompt\": \"hello\", \"stop\": [\"\xce\xbb\xce\xbb\"], \"num_beams\": 2}\n",
            "predict", model);
    program_want(&beams, 0);
    cr_expect(text_contains(beams.out, "\"finish\":\"stop\""), "%s", beams.out.ptr);
    const Program drawn = RUN(&arena,
                              "{\"prompt\": \"hello\", \"temperature\": 9, \"seed\": 1}\n"
                              "{\"prompt\": \"hello\", \"temperature\": 9, \"seed\": 1}\n"
                              "{\"prompt\": \"hello\", \"temperature\": 9, \"seed\": 2}\n",
                              "predict", model);
    program_want(&drawn, 0);
    Slice drawn_lines = drawn.out, first = {0}, again = {0}, other = {0};
    cr_assert(slice_split(&drawn_lines, '\n', &first) && slice_split(&drawn_lines, '\n', &again) &&
              slice_split(&drawn_lines, '\n', &other));
    cr_expect(slice_eq(first, again) && !slice_eq(first, other) && !slice_eq(first, whole), "%s",
              drawn.out.ptr);
    const Program both =
        RUN(&arena,
            "{\"prompt\": \"hello\", \"temperature\": 9, \"num_beams\": 2}\n"
            "{\"prompt\": \"hello\", \"temperature\": 9, \"num_beams\": 2}\n"
            "{\"prompt\": \"hello\", \"seed\": 5, \"temperature\": 9, \"num_beams\": 2}\n",
            "predict", model);
    program_want(&both, 0);
    Slice both_lines = both.out;
    cr_assert(slice_split(&both_lines, '\n', &first) && slice_split(&both_lines, '\n', &again) &&
              slice_split(&both_lines, '\n', &other));
    cr_expect(slice_eq(first, again) && !slice_eq(first, other), "%s", both.out.ptr);
    arena_release(&arena);
}
