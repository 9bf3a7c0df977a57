// assay predict --mode generate and loglik on causal models, through the program.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "program.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static const char *stories(Arena *arena)
{
    const char *path = shared_need("models/stories260K");
    return arena_printf(arena, "%s", path);
}

// A folder with what a model needs, for tests that change a file of it.
static const char *copy_of(Arena *arena, const char *model)
{
    static const char *const files[] = {"config.json", "model.safetensors", "tokenizer.json"};
    const char *folder = folder_make();
    Error err = {0};
    shared_need(model);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        Slice bytes = {0};
        const char *from = shared_path(arena_printf(arena, "%s/%s", model, files[i]));
        cr_assert_eq(file_map(from, &bytes, &err), STATUS_OK, "%s", err.text);
        cr_assert_eq(file_write(folder_path(folder, files[i]), bytes, &err), STATUS_OK);
        file_unmap(&bytes);
    }
    return folder;
}

// Keys and values of 16 bits: half of what inspect tells, nearly the same scores, and a reason where there are none.
Test(predict_text, keeps_keys_and_values_in_sixteen_bits_where_asked)
{
    Arena arena = {0};
    const char *model = stories(&arena);
    const char *in =
        "{\"context\": \"Once upon a time\", \"continuation\": \" there was a dog\"}\n";
    const Program exact = RUN(&arena, in, "predict", model, "--mode", "loglik");
    const Program half = RUN(&arena, in, "predict", model, "--mode", "loglik", "--kv", "f16");
    program_want(&exact, 0);
    program_want(&half, 0);
    const double a = number_of(json_line(exact.out, 0), "loglik"),
                 b = number_of(json_line(half.out, 0), "loglik");
    cr_expect(a != b && fabs(a - b) < 0.02, "%.17g and %.17g", a, b);
    const Program inspected = RUN(&arena, NULL, "inspect", model, "--json");
    const Program less = RUN(&arena, NULL, "inspect", model, "--json", "--kv", "bf16");
    program_want(&less, 0);
    cr_expect_eq(2 * number_of(json_of(less.out), "kv_bytes_per_token"),
                 number_of(json_of(inspected.out), "kv_bytes_per_token"));
    const Program wrong =
        RUN(&arena, in, "predict", model, "--mode", "loglik", "--kv", "f16", "--device", "cuda:0");
    program_want(&wrong, 2);
    cr_expect(text_contains(wrong.err, "--kv f16"), "%s", wrong.err.ptr);
    arena_release(&arena);
}

Test(predict_text, scores_what_follows_as_the_reference_does)
{
    Arena arena = {0};
    Error err = {0};
    JsonDocument *golden = NULL;
    const char *model = stories(&arena);
    cr_assert_eq(json_load(shared_path("goldens/models/stories260K/forward.json"), JSON_STRICT,
                           &golden, &err),
                 STATUS_OK, "%s", err.text);
    const Json *entry = json_at(json_get(json_root(golden), "loglik"), 0);
    const Json *logprobs = json_get(entry, "token_logprobs");
    const Slice text = text_of(entry, "text");
    const char *in =
        arena_printf(&arena,
                     "{\"id\": 7, \"context\": \"\", \"continuation\": \"" SLICE_FMT "\"}\n"
                     "{\"context\": \"" SLICE_FMT "\", \"continuation\": \"" SLICE_FMT "\"}\n",
                     SLICE_ARG(text), SLICE_ARG(slice_sub(text, 0, 26)),
                     SLICE_ARG(slice_sub(text, 26, text.len)));
    const Program program = RUN(&arena, in, "predict", model, "--mode", "loglik");
    program_want(&program, 0);
    const Json *whole = json_line(program.out, 0), *end = json_line(program.out, 1);
    const Json *ours = json_get(whole, "token_logprobs"), *last = json_get(end, "token_logprobs");
    double sum = 0;
    cr_expect_eq(number_of(whole, "id"), 7);
    cr_assert_eq(json_len(ours), json_len(logprobs));
    for (size_t i = 0; i < json_len(ours); i++) {
        cr_expect_float_eq(json_double(json_at(ours, i)), json_double(json_at(logprobs, i)), 2e-4);
        sum += json_double(json_at(ours, i));
    }
    cr_expect_float_eq(number_of(whole, "loglik"), sum, 1e-9);
    cr_assert(json_len(last) > 0 && json_len(last) < json_len(ours));
    for (size_t i = 1; i <= json_len(last); i++) {
        cr_expect_float_eq(json_double(json_at(last, json_len(last) - i)),
                           json_double(json_at(logprobs, json_len(logprobs) - i)), 2e-4);
    }
    json_close(&golden);
    arena_release(&arena);
}

Test(predict_text, writes_on_and_ends_where_it_is_told)
{
    Arena arena = {0};
    const char *model = stories(&arena);
    const Program program = RUN(
        &arena,
        "{\"prompt\": \"Once upon a time\", \"max_new_tokens\": 8}\n"
        "{\"prompt\": \"Once upon a time\", \"max_new_tokens\": 20, \"stop\": [\"little\"]}\n"
        "{\"prompt\": \"Once upon a time\", \"temperature\": 1.5, \"seed\": 3, \"max_new_tokens\": 8}\n"
        "{\"prompt\": \"Once upon a time\", \"temperature\": 1.5, \"seed\": 3, \"max_new_tokens\": 8}\n"
        "{\"prompt\": \"Once upon a time\", \"max_new_tokens\": 0}\n"
        "{\"prompt\": \"Once\", \"num_beams\": 4, \"num_return_sequences\": 5}\n"
        "{\"context\": \"Once\"}\n"
        "{\"prompt\": \"Once upon a time\", \"top_p\": 0, \"max_new_tokens\": 8}\n"
        "{\"prompt\": \"Once upon a time\", \"repetition_penalty\": 0}\n",
        "predict", model, "--mode", "generate");
    program_want(&program, 2);
    cr_expect(slice_eq(text_of(json_line(program.out, 0), "text"), SLICE(", there was a lit")) ||
                  text_contains(text_of(json_line(program.out, 0), "text"), ", there was a"),
              "wrote " SLICE_FMT, SLICE_ARG(text_of(json_line(program.out, 0), "text")));
    cr_expect(slice_eq_cstr(text_of(json_line(program.out, 0), "finish"), "length"));
    cr_expect_eq(json_len(json_get(json_line(program.out, 0), "ids")), 8);
    cr_expect(slice_eq_cstr(text_of(json_line(program.out, 1), "text"), ", there was a "));
    cr_expect(slice_eq_cstr(text_of(json_line(program.out, 1), "finish"), "stop"));
    cr_expect(slice_eq(text_of(json_line(program.out, 2), "text"),
                       text_of(json_line(program.out, 3), "text")));
    cr_expect(text_contains(text_of(json_line(program.out, 4), "error"),
                            "standard input:5:51: \"max_new_tokens\": 0 is not within 1 to"));
    cr_expect(text_contains(text_of(json_line(program.out, 5), "error"), "num_return_sequences 5"));
    cr_expect(
        text_contains(text_of(json_line(program.out, 6), "error"), "\"prompt\", \"messages\" or"));
    // The fewest tokens with no probability together: the likeliest alone, not all.
    cr_expect(slice_eq(text_of(json_line(program.out, 7), "text"),
                       text_of(json_line(program.out, 0), "text")));
    cr_expect(
        text_contains(text_of(json_line(program.out, 8), "error"), "repetition_penalty 0 must"));
    arena_release(&arena);
}

// "\u2581time" is shown as "time" where it comes first, but stops that say " time" mean it; special tokens are not shown at all.
Test(predict_text, stops_at_what_the_text_does_not_show)
{
    Arena arena = {0};
    const Program program = RUN(
        &arena,
        "{\"prompt\": \"Once upon a\", \"max_new_tokens\": 8, \"stop\": [\" ti\"]}\n"
        "{\"prompt\": \"Once upon a\", \"max_new_tokens\": 8, \"stop\": [\"x\", \" \"], "
        "\"num_beams\": 2}\n"
        "{\"prompt\": \"Once upon a\", \"max_new_tokens\": 3, \"stop\": [\"  ti\"]}\n"
        "{\"input_ids\": [1], \"max_new_tokens\": 8, \"forced_bos_token_id\": 1, \"stop\": \"<s>\"}\n",
        "predict", stories(&arena));
    program_want(&program, 0);
    for (size_t i = 0; i < 4; i++) {
        const Json *answer = json_line(program.out, i);
        const bool has_stopped = i != 2;
        cr_expect(slice_eq_cstr(text_of(answer, "finish"), has_stopped ? "stop" : "length"),
                  "line %zu", i);
        cr_expect_eq(json_len(json_get(answer, "ids")), has_stopped ? 1 : 3, "line %zu", i);
        cr_expect_eq(text_of(answer, "text").len == 0, has_stopped, "line %zu", i);
    }
    arena_release(&arena);
}

Test(predict_text, takes_prompts_and_stops_with_a_byte_of_zero)
{
    Arena arena = {0};
    const Program program =
        RUN(&arena,
            "{\"prompt\": \"a\\u0000b\", \"stop\": [\"\\u0000\"], \"max_new_tokens\": 2}\n"
            "{\"prompt\": \"a\\u0000b\", \"max_new_tokens\": 2, \"typical_p\": 0.5}\n",
            "predict", stories(&arena));
    program_want(&program, 2);
    cr_expect_eq(json_len(json_get(json_line(program.out, 0), "ids")), 2);
    cr_expect(text_contains(text_of(json_line(program.out, 1), "error"), "\"typical_p\" would"));
    arena_release(&arena);
}

Test(predict_text, a_prompt_that_is_too_long_is_refused_or_cut_and_marked)
{
    enum { N_TIMES = 300 };
    Arena arena = {0};
    const char *model = stories(&arena);
    char *text;
    Error err = {0};
    cr_assert_eq(arena_take(&arena, N_TIMES, 20, "a text", &text, &err), STATUS_OK);
    for (size_t i = 0; i < N_TIMES; i++) memcpy(text + 12 * i, "A cat sat.. ", 12);
    const char *in = arena_printf(&arena,
                                  "{\"prompt\": \"%s\", \"max_new_tokens\": 4}\n"
                                  "{\"prompt\": \"short\", \"max_new_tokens\": 4}\n",
                                  text);
    const char *pair =
        arena_printf(&arena, "{\"context\": \"%s\", \"continuation\": \" It\"}\n", text);
    const Program refused = RUN(&arena, in, "predict", model, "--mode", "generate");
    program_want(&refused, 2);
    cr_expect(text_contains(text_of(json_line(refused.out, 0), "error"), "than the 512"));
    cr_expect(json_get(json_line(refused.out, 1), "text") != NULL, "others go on");
    static const char *const sides[] = {"left", "right"};
    for (size_t i = 0; i < 2; i++) {
        const Program cut =
            RUN(&arena, in, "predict", model, "--mode", "generate", "--truncate", sides[i]);
        const Program scored =
            RUN(&arena, pair, "predict", model, "--mode", "loglik", "--truncate", sides[i]);
        program_want(&cut, 0);
        program_want(&scored, 0);
        const Json *long_one = json_line(cut.out, 0), *short_one = json_line(cut.out, 1);
        cr_expect(number_of(long_one, "n_cut") > 0);
        cr_expect(json_get(short_one, "n_cut") == NULL && json_get(short_one, "truncated") == NULL);
        cr_expect(number_of(json_line(scored.out, 0), "n_cut") > 0);
        cr_expect(isfinite(number_of(json_line(scored.out, 0), "loglik")));
    }
    const Program wrong = RUN(&arena, in, "predict", model, "--truncate", "middle");
    cr_expect_eq(wrong.status, 2);
    arena_release(&arena);
}

Test(predict_text, a_line_says_itself_where_it_is_cut)
{
    Arena arena = {0};
    Buffer in = {0};
    static const char *const sides[] = {"left", "right", "refuse", "above"};
    for (size_t i = 0; i < 4; i++) {
        buffer_append_cstr(&in, "{\"input_ids\": [1");
        for (int k = 1; k < 520; k++) buffer_printf(&in, ",%d", 259 + (k * k) % 200);
        buffer_printf(&in, "], \"max_new_tokens\": 2, \"truncate\": \"%s\"}\n", sides[i]);
    }
    buffer_append_byte(&in, '\0');
    const Program said = RUN(&arena, in.ptr, "predict", stories(&arena)),
                  all = RUN(&arena, in.ptr, "predict", stories(&arena), "--truncate", "right");
    program_want(&said, 2);
    cr_expect(slice_eq(said.out, all.out), "a line goes before the option");
    cr_expect_eq(number_of(json_line(said.out, 0), "n_cut"), 10);
    cr_expect_eq(number_of(json_line(said.out, 1), "n_cut"), 10);
    cr_expect_neq(number_of(json_line(said.out, 0), "score"),
                  number_of(json_line(said.out, 1), "score"));
    cr_expect(text_contains(text_of(json_line(said.out, 2), "error"), "520 tokens is longer"));
    cr_expect(text_contains(text_of(json_line(said.out, 3), "error"), "\"truncate\" is \"above\""));
    buffer_release(&in);
    arena_release(&arena);
}

Test(predict_text, seeds_have_63_bits)
{
    Arena arena = {0};
    const Program said =
        RUN(&arena,
            "{\"prompt\": \"A\", \"temperature\": 2, \"seed\": 9223372036854775807}\n"
            "{\"prompt\": \"A\", \"temperature\": 2, \"seed\": 4294967296}\n"
            "{\"prompt\": \"A\", \"temperature\": 2, \"seed\": 0}\n"
            "{\"prompt\": \"A\", \"temperature\": 2, \"seed\": -1}\n",
            "predict", stories(&arena), "--max-new-tokens", "8");
    program_want(&said, 2);
    for (size_t i = 0; i < 3; i++)
        cr_expect(i == 2 || !slice_eq(text_of(json_line(said.out, i), "text"),
                                      text_of(json_line(said.out, 2), "text")));
    cr_expect(text_contains(text_of(json_line(said.out, 3), "error"), "not within 0 to 922337203"));
    arena_release(&arena);
}

Test(predict_text, given_ids_are_cut_at_their_plain_ends)
{
    Arena arena = {0};
    Buffer in = {0};
    const char *model = stories(&arena);
    for (int side = 0; side < 2; side++) {
        // 520 ids, of which the last or the first 508 are then given by themselves: the same must be written.
        buffer_clear(&in);
        for (int given = 0; given < 2; given++) {
            const int begin = given && side == 0 ? 12 : 0, end = given && side == 1 ? 508 : 520;
            buffer_append_cstr(&in, "{\"input_ids\": [");
            for (int i = begin; i < end; i++)
                buffer_printf(&in, "%s%d", i > begin ? "," : "", 259 + (i * i) % 200);
            buffer_append_cstr(&in, "], \"max_new_tokens\": 4}\n");
        }
        buffer_append_byte(&in, '\0');
        const Program program = RUN(&arena, in.ptr, "predict", model, "--mode", "generate",
                                    "--truncate", side == 0 ? "left" : "right");
        program_want(&program, 0);
        const Json *cut = json_line(program.out, 0), *given = json_line(program.out, 1);
        cr_expect_eq(number_of(cut, "n_cut"), 12);
        cr_expect(slice_eq(text_of(cut, "text"), text_of(given, "text")));
        cr_expect_eq(number_of(cut, "score"), number_of(given, "score"));
    }
    buffer_release(&in);
    arena_release(&arena);
}

Test(predict_text, prepared_texts_answer_as_if_they_had_been_written_so)
{
    Arena arena = {0};
    const char *model = stories(&arena);
    static const char raw[] = "{\"context\": \"ONCE  upon\", \"continuation\": \" A Time\"}\n",
                      plain[] = "{\"context\": \"once upon\", \"continuation\": \" a time\"}\n";
    const Program asked =
        RUN(&arena, raw, "predict", model, "--mode", "loglik", "--prepare", "lower,whitespace");
    const Program lower = RUN(&arena, raw, "predict", model, "--mode", "loglik");
    const Program wrong = RUN(&arena, raw, "predict", model, "--prepare", "lwer");
    program_want(&asked, 0);
    program_want(&wrong, 2);
    cr_expect(text_contains(wrong.err, "--prepare: there is no step \"lwer\"; did you mean"));
    cr_expect_not(slice_eq(asked.out, lower.out));
    // White space goes at the ends of each text, so the continuation's blank does too.
    const Program same = RUN(&arena, "{\"context\": \"once upon\", \"continuation\": \"a time\"}\n",
                             "predict", model, "--mode", "loglik");
    cr_expect(slice_eq(asked.out, same.out), SLICE_FMT, SLICE_ARG(asked.out));
    const Program kept =
        RUN(&arena, plain, "predict", model, "--mode", "loglik", "--prepare", "lower");
    const Program written = RUN(&arena, plain, "predict", model, "--mode", "loglik");
    cr_expect(slice_eq(kept.out, written.out));
    arena_release(&arena);
}

Test(predict_text, a_conversation_goes_through_the_models_template)
{
    Arena arena = {0};
    const char *folder = copy_of(&arena, "models/tiny-qwen2");
    folder_write(folder, "chat_template.jinja",
                 "{% for m in messages %}<|im_start|>{{ m.role + '\\n' + m.content }}"
                 "<|im_end|>\n{% endfor %}<|im_start|>assistant\n");
    const Program p = RUN(
        &arena,
        "{\"messages\": [{\"role\": \"user\", \"content\": \"hello\"}], \"max_new_tokens\": 5}\n"
        "{\"prompt\": \"<|im_start|>user\\nhello<|im_end|>\\n<|im_start|>assistant\", "
        "\"max_new_tokens\": 5}\n",
        "predict", folder);
    program_want(&p, 0);
    Slice lines = p.out, first = {0}, second = {0};
    cr_assert(slice_split(&lines, '\n', &first) && slice_split(&lines, '\n', &second));
    cr_expect(slice_eq(first, second), "%s", p.out.ptr);
    const Program bad =
        RUN(&arena,
            "{\"messages\": [{\"role\": \"user\"}]}\n{\"messages\": []}\n"
            "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"prompt\": \"b\"}\n",
            "predict", folder);
    program_want(&bad, 2);
    cr_expect(text_contains(bad.out, "chat template:1: 'content' is undefined"), "%s", bad.out.ptr);
    cr_expect(text_contains(bad.out, "must be a list of"), "%s", bad.out.ptr);
    cr_expect(text_contains(bad.out, "more than one is given"), "%s", bad.out.ptr);
    folder_remove(folder);
    arena_release(&arena);
}

// A slip in a member that may be left out would give another answer than was asked for.
Test(predict_text, refuses_members_that_are_nearly_known)
{
    Arena arena = {0};
    const char *model = stories(&arena);
    const char *in = "{\"prompt\": \"Once\", \"max_new_token\": 2}\n"
                     "{\"prompt\": \"Once\", \"max_new_tokens\": 2, \"Top-K\": 2}\n"
                     "{\"prompt\": \"Once\", \"max_new_tokens\": 2, \"step\": 1, \"score\": 2}\n"
                     "{\"prompt\": \"Once\", \"max_new_tokens\": 2, \"max_new_token\": 3}\n";
    const Program written = RUN(&arena, in, "predict", model);
    program_want(&written, 2);
    cr_expect(text_contains(text_of(json_line(written.out, 0), "error"), "\"max_new_tokens\""));
    cr_expect(text_contains(text_of(json_line(written.out, 1), "error"), "\"top_k\""));
    cr_expect_eq(json_len(json_get(json_line(written.out, 2), "ids")), 2);
    cr_expect_eq(json_len(json_get(json_line(written.out, 3), "ids")), 2);
    // Names that other programs have for it, and what none of these does.
    in =
        "{\"prompt\": \"Once\", \"stop_words\": [\".\"]}\n{\"prompt\": \"Once\", \"beam_size\": 4}\n"
        "{\"prompt\": \"Once\", \"repeat_penalty\": 2}\n"
        "{\"prompt\": \"Once\", \"presence_penalty\": 0.5}\n"
        "{\"prompt\": \"Once\", \"presence_penalty\": 0, \"logit_bias\": null, \"max_new_tokens\": 2}\n";
    static const char *const meant[] = {"if \"stop\" is meant", "if \"num_beams\" is meant",
                                        "if \"repetition_penalty\" is meant",
                                        "\"presence_penalty\" would change the text elsewhere"};
    const Program elsewhere = RUN(&arena, in, "predict", model);
    program_want(&elsewhere, 2);
    for (size_t i = 0; i < 4; i++)
        cr_expect(text_contains(text_of(json_line(elsewhere.out, i), "error"), meant[i]), "%s",
                  meant[i]);
    cr_expect_eq(json_len(json_get(json_line(elsewhere.out, 4), "ids")), 2);
    in = "{\"contxt\": \"Once\", \"continuation\": \" upon\"}\n"
         "{\"continuation\": \" upon\", \"content\": \"Once\", \"context\": \"Once\"}\n";
    const Program scored = RUN(&arena, in, "predict", model, "--mode", "loglik");
    program_want(&scored, 2);
    cr_expect(text_contains(text_of(json_line(scored.out, 0), "error"), "\"context\""));
    cr_expect(json_get(json_line(scored.out, 1), "loglik"));
    arena_release(&arena);
}

// A config.json without "architectures" is one of a bare model: what to add is said where more is asked of it.
Test(predict_text, names_the_class_that_a_config_leaves_out)
{
    Arena arena = {0};
    const char *folder = copy_of(&arena, "models/stories260K");
    folder_write(folder, "config.json",
                 "{\"model_type\": \"llama\", \"hidden_size\": 64, \"num_hidden_layers\": 5, "
                 "\"num_attention_heads\": 8, \"num_key_value_heads\": 4, \"vocab_size\": 512, "
                 "\"intermediate_size\": 172, \"max_position_embeddings\": 512, "
                 "\"rms_norm_eps\": 1e-5, \"tie_word_embeddings\": true}");
    const Program p = RUN(&arena, "{\"prompt\": \"a\"}\n", "predict", folder, "--mode", "generate");
    program_want(&p, 2);
    cr_expect(text_contains(p.err, "\"architectures\": [\"LlamaForCausalLM\"]"), "%s", p.err.ptr);
    const Program bare = RUN(&arena, "{\"text\": \"a\"}\n", "predict", folder, "--mode", "embed");
    program_want(&bare, 0);
    folder_remove(folder);
    arena_release(&arena);
}
