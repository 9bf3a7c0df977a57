#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "models/formats/safetensors.h"
#include "program.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static const Slice labels[] = {SLICE_LIT("bad"), SLICE_LIT("good"), SLICE_LIT("so")};

static const char batches[] =
    "{\"batch\": [{\"input_ids\": [2, 9, 3], \"labels\": 1}, {\"input_ids\": [2, 8, 7, 3], \"labels\": [0]}]}\n"
    "{\"batch\": [{\"input_ids\": [2, 9, 3, 0, 0], \"attention_mask\": [1, 1, 1, 0, 0], \"labels\": 1}]}\n"
    "{\"batch\": [{\"input_ids\": [2, 11, 3], \"labels\": 2}, {\"input_ids\": [2, 5, 3], \"labels\": -100}]}\n";

static Slice read_text(Arena *arena, const char *path)
{
    Error err = {0};
    Slice text = {0};
    cr_assert_eq(file_read(arena, path, 1 << 26, &text, &err), STATUS_OK, "%s", err.text);
    return text;
}

Test(tune, takes_one_step_a_line_and_logs_each)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 3);
    const char *in = write_file(&arena, folder, "b.jsonl", batches);
    const char *log = arena_printf(&arena, "%s/log.jsonl", folder);
    const char *out = arena_printf(&arena, "%s/out", folder);
    const Program program =
        RUN(&arena, NULL, "tune", model, "--batches", in, "--learning-rate", "1e-3",
            "--weight-decay", "0.01", "--schedule", "linear", "--warmup-steps", "1", "--clip", "1",
            "--dropout", "0.1", "--seed", "3", "--log", log, "--out", out, "--json");
    program_want(&program, 0);
    const Slice lines = read_text(&arena, log);
    cr_assert_eq(count_lines(lines), 3);
    for (size_t i = 0; i < 3; i++) {
        const Json *step = json_line(lines, i);
        cr_expect_eq(json_len(step), 4);
        cr_expect_eq(number_of(step, "step"), (double)i);
        cr_expect(number_of(step, "loss") > 0 && number_of(step, "grad_norm") > 0);
    }
    cr_expect_eq(number_of(json_line(lines, 0), "lr"), 0);
    cr_expect_float_eq(number_of(json_line(lines, 1), "lr"), 1e-3, 1e-12);
    cr_expect_float_eq(number_of(json_line(lines, 2), "lr"), 5e-4, 1e-12);
    cr_expect_eq(number_of(json_of(program.out), "steps"), 3);
    const Program used = RUN(&arena, "{\"text\": \"good\"}", "predict", out);
    program_want(&used, 0);
    folder_remove(folder);
    arena_release(&arena);
}

Test(tune, gives_the_same_weights_with_one_thread_and_two)
{
    Arena arena = {0};
    Slice weights[2];
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 3);
    const char *in = write_file(&arena, folder, "b.jsonl", batches);
    for (int i = 0; i < 2; i++) {
        const char *out = arena_printf(&arena, "%s/out%d", folder, i);
        const Program program = RUN(&arena, NULL, "tune", model, "--batches", in, "--learning-rate",
                                    "1e-3", "--threads", i ? "2" : "1", "--out", out);
        program_want(&program, 0);
        weights[i] = read_text(&arena, arena_printf(&arena, "%s/model.safetensors", out));
    }
    cr_expect(slice_eq(weights[0], weights[1]));
    folder_remove(folder);
    arena_release(&arena);
}

Test(tune, names_the_place_of_what_is_wrong_in_a_batch)
{
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"{\"batch\": []}", "b.jsonl:1: the batch is empty"},
        {"{\"rows\": []}", "\"batch\" is missing"},
        {"nonsense", "b.jsonl:1:1"},
        {"{\"batch\": [{\"input_ids\": [2]}]}",
         "b.jsonl:1: example 0 of the batch: \"labels\" is missing"},
        {"{\"batch\": [{\"labels\": 1}]}", "\"input_ids\" is missing"},
        {"{\"batch\": [{\"input_ids\": [2], \"labels\": [1, 1]}]}",
         "\"labels\" has 2 numbers, but 1"},
        {"{\"batch\": [{\"input_ids\": [99], \"labels\": 1}]}", "id 99"},
        {"{\"batch\": [{\"input_ids\": [2], \"labels\": 3}]}", "3"},
        {"", "has no batches"},
    };
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 3);
    const char *out = arena_printf(&arena, "%s/out", folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *in = write_file(&arena, folder, "b.jsonl", cases[i].line);
        const Program program = RUN(&arena, NULL, "tune", model, "--batches", in, "--out", out);
        program_want(&program, 2);
        cr_expect(text_contains(program.err, cases[i].message), "case %zu says: %s", i,
                  program.err.ptr);
    }
    folder_remove(folder);
    arena_release(&arena);
}

Test(tune, refuses_options_that_would_mean_nothing)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const Program epochs =
        RUN(&arena, NULL, "tune", "m", "--batches", "x", "--epochs", "2", "--out", folder);
    program_want(&epochs, 2);
    cr_expect(text_contains(epochs.err, "--epochs"));
    const Program both =
        RUN(&arena, NULL, "tune", "m", "--batches", "x", "--train", "y", "--out", folder);
    program_want(&both, 2);
    const Program unwatched =
        RUN(&arena, NULL, "tune", "m", "--train", "y", "--out", folder, "--patience", "2");
    program_want(&unwatched, 2);
    cr_expect(text_contains(unwatched.err, "--monitor"));
    const Program no_out = RUN(&arena, NULL, "tune", "m", "--train", "y");
    program_want(&no_out, 2);
    cr_expect(text_contains(no_out.err, "--out"));
    folder_remove(folder);
    arena_release(&arena);
}

Test(tune, refuses_batches_with_line_and_reason)
{
    static const struct {
        const char *example, *message;
    } cases[] = {
        {"\"input_ids\": [2, 9, 3], \"labels\": 3", "label 3 is outside 0..2"},
        {"\"input_ids\": [2, 9, 3], \"labels\": -1", "label -1 is outside 0..2"},
        {"\"input_ids\": [2, 9, 3], \"labels\": [1, 2]", "\"labels\" has 2 numbers"},
        {"\"input_ids\": [2, 9, 3]", "\"labels\" is missing"},
        {"\"input_ids\": [2, 80, 3], \"labels\": 1", "id 80 of token 1"},
        {"\"input_ids\": [2, 9], \"attention_mask\": [0, 1], \"labels\": 1", "ones and then zeros"},
    };
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 3);
    const char *out = arena_printf(&arena, "%s/out", folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *in =
            write_file(&arena, folder, "b.jsonl",
                       arena_printf(&arena, "%s{\"batch\": [{%s}]}\n", batches, cases[i].example));
        const Program program = RUN(&arena, NULL, "tune", model, "--batches", in, "--out", out);
        program_want(&program, 2);
        cr_expect(text_contains(program.err, "b.jsonl:4: example 0") &&
                      text_contains(program.err, cases[i].message),
                  "case %zu says: %s", i, program.err.ptr);
    }
    folder_remove(folder);
    arena_release(&arena);
}

Test(tune, stops_with_status_3_where_the_loss_diverges)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 3);
    Buffer text = {0};
    for (int i = 0; i < 30; i++) buffer_append_cstr(&text, batches);
    const char *in = write_file(&arena, folder, "b.jsonl", text.ptr);
    const char *out = arena_printf(&arena, "%s/out", folder);
    const Program program =
        RUN(&arena, NULL, "tune", model, "--batches", in, "--learning-rate", "10", "--clip", "0",
            "--weight-decay", "100", "--schedule", "constant", "--out", out);
    program_want(&program, 3);
    cr_expect(text_contains(program.err, "became NaN") ||
                  text_contains(program.err, "became infinite"),
              "%s", program.err.ptr);
    cr_expect(text_contains(program.err, "step") && text_contains(program.err, "rate"), "%s",
              program.err.ptr);
    cr_expect(!file_exists(arena_printf(&arena, "%s/model.safetensors", out)),
              "a broken model was saved");
    buffer_release(&text);
    folder_remove(folder);
    arena_release(&arena);
}

static const char *write_data(Arena *arena, const char *folder)
{
    Buffer text = {0};
    buffer_append_cstr(&text, "text\tlabel\n");
    for (int i = 0; i < 40; i++) {
        buffer_printf(&text, "%s%s film %d\t%s\n", i % 3 ? "the " : "", i % 2 ? "good" : "bad", i,
                      i % 2 ? "+" : "-");
    }
    const char *path = write_file(arena, folder, "data.tsv", text.ptr);
    buffer_release(&text);
    return path;
}

Test(tune, learns_from_a_table_and_scores_what_was_held_out)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_EMBEDDING, NULL, 0);
    const char *data = write_data(&arena, folder);
    const char *out = arena_printf(&arena, "%s/out", folder);
    const Program program =
        RUN(&arena, NULL, "tune", model, "--train", data, "--valid-share", "0.25", "--epochs", "20",
            "--batch-size", "4", "--learning-rate", "2e-3", "--monitor", "metric", "--patience",
            "20", "--out", out, "--json");
    program_want(&program, 0);
    const Json *root = json_of(program.out), *scores = json_get(root, "scores");
    cr_assert(scores && json_len(scores) >= 4);
    const Json *accuracy = json_at(scores, 0);
    cr_expect(slice_eq_cstr(text_of(accuracy, "name"), "accuracy"));
    cr_expect_eq(number_of(accuracy, "n"), 10);
    cr_expect_gt(number_of(accuracy, "estimate"), 0.8);
    cr_expect(number_of(accuracy, "lo") <= number_of(accuracy, "estimate") &&
              number_of(accuracy, "hi") >= number_of(accuracy, "estimate"));
    cr_expect_eq(json_len(json_get(root, "curve")), 20);
    const Program used = RUN(&arena, "{\"text\": \"the good film 2\"}", "predict", out);
    program_want(&used, 0);
    cr_expect(slice_eq_cstr(text_of(json_line(used.out, 0), "label"), "+"));
    const Program text = RUN(&arena, NULL, "tune", model, "--train", data, "--valid", data,
                             "--epochs", "2", "--out", out);
    program_want(&text, 0);
    cr_expect(text_contains(text.out, "epoch 2") && text_contains(text.out, "accuracy"), "%s",
              text.out.ptr);
    folder_remove(folder);
    arena_release(&arena);
}

// Files of columns and questions are known by their form; what was tuned answers in predict.
Test(tune, learns_tags_and_answers_from_files_of_their_form)
{
    Arena arena = {0};
    Buffer columns = {0}, questions = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_EMBEDDING, NULL, 0);
    buffer_append_cstr(&questions,
                       "{\"version\": \"1.1\", \"data\": [{\"title\": \"t\", \"paragraphs\": [");
    for (int i = 0; i < 24; i++) {
        const char *what = i % 2 ? "good" : "bad";
        buffer_printf(&columns, "the O\n%s B-X\nfilm O\n%d O\n\n", what, i % 3);
        const int before =
            i / 2 % 4; // words before the answer, so that it is not known by its place
        buffer_printf(
            &questions,
            "%s{\"context\": \"%.*s%s film %d\", \"qas\": [{\"id\": \"q%d\", \"question\": "
            "\"film\", \"answers\": [{\"text\": \"%s\", \"answer_start\": %d}]}]}",
            i ? ", " : "", before * 4, "the the the ", what, i % 3, i, what, before * 4);
    }
    buffer_append_cstr(&questions, "]}]}");
    const char *tags = arena_printf(&arena, "%s/t.conll", folder),
               *squad = arena_printf(&arena, "%s/q.json", folder),
               *out = arena_printf(&arena, "%s/out", folder);
    Error err = {0};
    cr_assert_eq(file_write(tags, buffer_slice(&columns), &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(file_write(squad, buffer_slice(&questions), &err), STATUS_OK, "%s", err.text);
    const Program tagger =
        RUN(&arena, NULL, "tune", model, "--train", tags, "--valid-share", "0.25", "--epochs", "20",
            "--batch-size", "4", "--learning-rate", "2e-3", "--out", out, "--json");
    program_want(&tagger, 0);
    const Json *score = json_at(json_get(json_of(tagger.out), "scores"), 0);
    cr_expect(slice_eq_cstr(text_of(score, "name"), "entity_f1"));
    cr_expect_gt(number_of(score, "estimate"), 0.9);
    const Program tagged = RUN(&arena, "{\"text\": \"the good film\"}", "predict", out);
    program_want(&tagged, 0);
    const Json *labels_given = json_get(json_line(tagged.out, 0), "labels");
    cr_expect(slice_eq_cstr(json_string(json_at(labels_given, 2)), "B-X"), "%s", tagged.out.ptr);
    // 17 tokens through windows of 9: each has its labels, and none is lost or doubled.
    static const char text[] =
        "{\"text\": \"the bad film the good film the bad film the good film the bad film\"}";
    const Program split = RUN(&arena, text, "predict", out, "--max-length", "9");
    program_want(&split, 0);
    const Json *line = json_line(split.out, 0);
    cr_expect_gt(number_of(line, "windows"), 1.5);
    labels_given = json_get(line, "labels");
    cr_assert_eq(json_len(json_get(line, "tokens")), 17);
    for (size_t t = 1; t < 16; t++)
        cr_expect(slice_eq_cstr(json_string(json_at(labels_given, t)), t % 3 == 2 ? "B-X" : "O"),
                  "token %zu: %s", t, split.out.ptr);
    const Program spans =
        RUN(&arena, NULL, "tune", model, "--train", squad, "--format", "squad", "--valid", squad,
            "--epochs", "40", "--batch-size", "4", "--learning-rate", "2e-3", "--monitor", "metric",
            "--out", out, "--json");
    program_want(&spans, 0);
    score = json_at(json_get(json_of(spans.out), "scores"), 0);
    cr_expect(slice_eq_cstr(text_of(score, "name"), "squad_f1"));
    cr_expect_gt(number_of(score, "estimate"), 0.9);
    const Program answered =
        RUN(&arena, "{\"text\": \"film\", \"pair\": \"the bad film\"}", "predict", out);
    program_want(&answered, 0);
    cr_expect(slice_eq_cstr(text_of(json_line(answered.out, 0), "text"), "bad"), "%s",
              answered.out.ptr);
    static const char question[] =
        "{\"text\": \"film\", \"pair\": \"the film the film the film the "
        "film the film the film the film the bad film\"}";
    const Program found = RUN(&arena, question, "predict", out, "--max-length", "10");
    program_want(&found, 0);
    line = json_line(found.out, 0);
    cr_expect_gt(number_of(line, "windows"), 1.5);
    cr_expect(slice_eq_cstr(text_of(line, "text"), "bad"), "%s", found.out.ptr);
    cr_expect_eq(number_of(line, "start"), 67);
    const Program refused =
        RUN(&arena, NULL, "tune", model, "--train", tags, "--balance", "--out", out);
    program_want(&refused, 2);
    buffer_release(&columns);
    buffer_release(&questions);
    folder_remove(folder);
    arena_release(&arena);
}

Test(tune, refuses_data_that_teach_nothing)
{
    static const struct {
        const char *text, *message;
    } cases[] = {{"text\tlabel\na\t1\nb\t1\n", "needs two classes"},
                 {"", "data.tsv"},
                 {"text\tlabel\na\t1\tx\n", "data.tsv:2"},
                 {"text\tlabel\n\xff\t1\n", "data.tsv"}};
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_EMBEDDING, NULL, 0);
    const char *out = arena_printf(&arena, "%s/out", folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *data = write_file(&arena, folder, "data.tsv", cases[i].text);
        const Program program = RUN(&arena, NULL, "tune", model, "--train", data, "--out", out);
        program_want(&program, 2);
        cr_expect_not(text_contains(program.err, "task \"data\""), "%s", program.err.ptr);
        cr_expect(text_contains(program.err, cases[i].message), "case %zu says: %s", i,
                  program.err.ptr);
        cr_expect(!file_exists(out), "case %zu leaves an empty directory", i);
    }
    const char *data = write_data(&arena, folder);
    const Program program = RUN(&arena, NULL, "tune", model, "--train", data, "--out", out,
                                "--checkpoint", "/no/such/folder/state");
    program_want(&program, 2);
    cr_expect(text_contains(program.err, "--checkpoint"), "%s", program.err.ptr);
    const Program none = RUN(&arena, NULL, "tune", model, "--train", "/no/such.tsv", "--out", out);
    program_want(&none, 2);
    cr_expect(text_contains(none.err, "assay tune: --train: /no/such.tsv"), "%s", none.err.ptr);
    folder_remove(folder);
    arena_release(&arena);
}

// A session that ends before its first step, here because the state is none, takes nothing from the log.
Test(tune, a_session_without_a_step_leaves_the_log_as_it_was)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 3);
    const char *in = write_file(&arena, folder, "b.jsonl", batches);
    const char *before = "{\"step\":0,\"lr\":0,\"loss\":1,\"grad_norm\":1}\n";
    const char *log = write_file(&arena, folder, "log.jsonl", before);
    const char *state = write_file(&arena, folder, "state", "no state");
    const Program program = RUN(&arena, NULL, "tune", model, "--batches", in, "--checkpoint", state,
                                "--log", log, "--out", arena_printf(&arena, "%s/out", folder));
    program_want(&program, 2);
    cr_expect(slice_eq_cstr(read_text(&arena, log), before));
    folder_remove(folder);
    arena_release(&arena);
}

Test(tune, learns_from_a_teacher_and_says_why_another_will_not_do)
{
    static const Slice others[] = {SLICE_LIT("bad"), SLICE_LIT("fine"), SLICE_LIT("so")};
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 3);
    const char *in = write_file(&arena, folder, "b.jsonl", batches);
    const char *log = arena_printf(&arena, "%s/log.jsonl", folder),
               *out = arena_printf(&arena, "%s/out", folder);
    // The model teaches itself: without labels' part there is nothing to learn.
    const Program same = RUN(&arena, NULL, "tune", model, "--batches", in, "--distill-from", model,
                             "--distill-alpha", "1", "--dropout", "0", "--log", log, "--out", out);
    program_want(&same, 0);
    const Json *step = json_line(read_text(&arena, log), 0);
    cr_expect_lt(fabs(number_of(step, "loss")), 1e-6);
    cr_expect_lt(number_of(step, "grad_norm"), 1e-6);
    const char *elsewhere = arena_printf(&arena, "%s/other", folder);
    Error err = {0};
    cr_assert_eq(file_make_directories(elsewhere, &err), STATUS_OK, "%s", err.text);
    const char *other = make_model(&arena, elsewhere, HEAD_SEQUENCE, others, 3);
    const Program refused =
        RUN(&arena, NULL, "tune", model, "--batches", in, "--distill-from", other, "--out", out);
    program_want(&refused, 2);
    cr_expect(text_contains(refused.err, "has no label \"good\"") &&
                  text_contains(refused.err, "\"fine\""),
              "%s", refused.err.ptr);
    const Program alone =
        RUN(&arena, NULL, "tune", model, "--batches", in, "--distill-alpha", "1", "--out", out);
    program_want(&alone, 2);
    cr_expect(text_contains(alone.err, "--distill-from"), "%s", alone.err.ptr);
    folder_remove(folder);
    arena_release(&arena);
}

// ---- goldens ----

static void put_row(Buffer *out, const Safetensors *file, const char *batch, size_t row,
                    Arena *arena)
{
    static const char *const keys[] = {"input_ids", "attention_mask",  "token_type_ids",
                                       "labels",    "start_positions", "end_positions"};
    bool is_first = true;
    buffer_append_cstr(out, row ? ", {" : "{");
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        char name[64];
        Error err = {0};
        snprintf(name, sizeof name, "%s.%s", batch, keys[k]);
        const SafeTensor *tensor = safetensors_find(file, slice_from_cstr(name));
        if (!tensor) continue;
        const size_t width = tensor->n_elements / tensor->shape[0];
        int32_t *values = arena_alloc(arena, tensor->n_elements, sizeof *values);
        cr_assert_eq(safetensor_read_i32(tensor, values, &err), STATUS_OK, "%s", err.text);
        buffer_printf(out, "%s\"%s\": [", is_first ? "" : ", ", keys[k]);
        is_first = false;
        for (size_t t = 0; t < width; t++) {
            buffer_printf(out, "%s%d", t ? ", " : "", values[row * width + t]);
        }
        buffer_append_byte(out, ']');
    }
    buffer_append_byte(out, '}');
}

static const char *write_golden_batches(Arena *arena, const char *folder, const Safetensors *file)
{
    Buffer text = {0};
    for (int step = 0; step < 10; step++) {
        char batch[16], ids[32];
        snprintf(batch, sizeof batch, "batch%d", step % 3);
        snprintf(ids, sizeof ids, "%s.input_ids", batch);
        const size_t n = safetensors_find(file, slice_from_cstr(ids))->shape[0];
        buffer_append_cstr(&text, "{\"batch\": [");
        for (size_t row = 0; row < n; row++) put_row(&text, file, batch, row, arena);
        buffer_append_cstr(&text, "]}\n");
    }
    const char *path = write_file(arena, folder, "batches.jsonl", text.ptr);
    buffer_release(&text);
    return path;
}

static void check_golden(const char *name)
{
    static const struct {
        const char *regime, *freeze;
    } regimes[] = {{"full", ""}, {"frozen", "embeddings,0"}};
    Arena arena = {0};
    Error err = {0};
    Safetensors file = {0};
    JsonDocument *golden = NULL;
    const char *folder = folder_make();
    const char *log = arena_printf(&arena, "%s/log", folder),
               *out = arena_printf(&arena, "%s/out", folder);
    cr_assert_eq(safetensors_open(
                     shared_path(arena_printf(&arena, "goldens/models/%s/train.safetensors", name)),
                     &file, &err),
                 STATUS_OK, "%s", err.text);
    cr_assert_eq(json_load(shared_path(arena_printf(&arena, "goldens/models/%s/train.json", name)),
                           JSON_STRICT, &golden, &err),
                 STATUS_OK, "%s", err.text);
    const char *model =
        arena_cstr(&arena, slice_from_cstr(shared_path(arena_printf(&arena, "models/%s", name))));
    const char *in = write_golden_batches(&arena, folder, &file);
    for (size_t r = 0; r < 2; r++) {
        const Json *wanted = json_get(json_get(json_root(golden), "regimes"), regimes[r].regime);
        const Program program =
            RUN(&arena, NULL, "tune", model, "--batches", in, "--learning-rate", "5e-4",
                "--weight-decay", "0.01", "--schedule", "cosine", "--warmup-steps", "3", "--clip",
                "1.0", "--dropout", "0", "--freeze", regimes[r].freeze, "--log", log, "--out", out);
        program_want(&program, 0);
        const Slice lines = read_text(&arena, log);
        cr_assert_eq(count_lines(lines), 10);
        for (size_t i = 0; i < 10; i++) {
            const Json *step = json_line(lines, i);
            const double norm = json_double(json_at(json_get(wanted, "grad_norms"), i));
            cr_expect_float_eq(number_of(step, "loss"),
                               json_double(json_at(json_get(wanted, "losses"), i)), 2e-5,
                               "%s %s step %zu", name, regimes[r].regime, i);
            cr_expect_lt(fabs(number_of(step, "grad_norm") / norm - 1), 1e-5, "%s %s step %zu",
                         name, regimes[r].regime, i);
        }
    }
    json_close(&golden);
    safetensors_close(&file);
    folder_remove(folder);
    arena_release(&arena);
}

Test(tune, follows_the_golden_runs_of_ten_steps)
{
    static const char *const models[] = {"tiny-bert-seqcls", "tiny-bert-tokcls", "tiny-bert-qa",
                                         "tiny-bert-mlm"};
    shared_need("goldens/models");
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) check_golden(models[i]);
}
