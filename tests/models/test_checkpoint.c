// What a path holds: files found, what is missing or not known told.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "models/architecture.h"
#include "models/checkpoint.h"
#include "models/gguf/gguf_model.h"
#include "tests/models/model_support.h"
#include "tests/models/saved.h"
#include "tests/support/folder.h"

Test(checkpoint, lists_what_is_missing_and_what_is_not_known)
{
    Error err = {0};
    Model *model = NULL;
    const char *folder = folder_make();
    static const float x[4];
    const SafeItem items[] = {
        {.name = SLICE("bert.pooler.dense.weight"),
         .type = TENSOR_F32,
         .n_dims = 1,
         .shape = {4},
         .data = x},
        {.name = SLICE("stranger"), .type = TENSOR_F32, .n_dims = 1, .shape = {4}, .data = x},
    };
    const ModelOptions options = {.without_tokenizer = 1};
    (void)save_small(folder, HEAD_SEQUENCE, 3);
    want_ok(safetensors_write(folder_path(folder, "model/model.safetensors"), items, 2, NULL, 0,
                              NULL, NULL, &err),
            &err);
    // The first has the wrong shape, but what is missing is told before.
    cr_assert_eq(model_open(folder_path(folder, "model"), &options, &model, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "bert.embeddings.word_embeddings.weight") &&
                  strstr(err.text, " more are missing") && strstr(err.text, "\"stranger\""),
              "%s", err.text);
    folder_remove(folder);
}

Test(checkpoint, names_what_a_model_has_no_use_for)
{
    Error err = {0};
    Safetensors file;
    Model *model = NULL;
    SafeItem items[128];
    static const float x[4];
    const char *folder = folder_make();
    const ModelOptions as_saved = {.without_tokenizer = 1};
    const ModelOptions encoder = {
        .without_tokenizer = 1, .head_choice = HEAD_FOR_LABELS, .head = HEAD_EMBEDDING};
    char path[1024];
    (void)save_small(folder, HEAD_SEQUENCE, 3);
    snprintf(path, sizeof path, "%s", folder_path(folder, "model/model.safetensors"));
    want_ok(safetensors_open(path, &file, &err), &err);
    cr_assert_lt(file.n_tensors, 120);
    for (size_t i = 0; i < file.n_tensors; i++) {
        const SafeTensor *t = &file.tensors[i];
        items[i] =
            (SafeItem){.name = t->name, .type = t->type, .n_dims = t->n_dims, .data = t->data.ptr};
        memcpy(items[i].shape, t->shape, sizeof t->shape);
    }
    // A buffer that old checkpoints have, and two strangers, one of them in the encoder.
    static const Slice names[] = {SLICE_LIT("bert.embeddings.position_ids"), SLICE_LIT("stranger"),
                                  SLICE_LIT("bert.encoder.layer.0.attention.gate")};
    for (size_t i = 0; i < 3; i++)
        items[file.n_tensors + i] =
            (SafeItem){.name = names[i], .type = TENSOR_F32, .n_dims = 1, .shape = {4}, .data = x};
    want_ok(safetensors_write(folder_path(folder, "new"), items, file.n_tensors + 3, NULL, 0, NULL,
                              NULL, &err),
            &err);
    safetensors_close(&file);
    cr_assert_eq(rename(folder_path(folder, "new"), path), 0);
    const char *directory = folder_path(folder, "model");
    for (int is_bare = 0; is_bare < 2; is_bare++) {
        Slice told = {0};
        want_ok(model_open(directory, is_bare ? &encoder : &as_saved, &model, &err), &err);
        cr_expect_eq(model_unused_tensors(model, &told), is_bare ? 1 : 2);
        cr_expect_neq(slice_find(told, SLICE("attention.gate")), SIZE_MAX);
        cr_expect_eq(slice_find(told, SLICE("stranger")) != SIZE_MAX, !is_bare);
        model_close(&model);
    }
    folder_remove(folder);
}

Test(checkpoint, reads_the_layout_of_a_cache)
{
    Error err = {0};
    Arena arena = {0};
    const char *folder = folder_make();
    Model *model = small_model(HEAD_SEQUENCE, 3, 5);
    const char *snapshot = folder_path(folder, "models--a--b/snapshots/0123");
    want_ok(file_make_directories(folder_path(folder, "models--a--b/refs"), &err), &err);
    want_ok(file_make_directories(snapshot, &err), &err);
    want_ok(model_save(model, folder_path(folder, "blobs"), &err), &err);
    model_close(&model);
    static const char *const names[] = {"config.json", "model.safetensors"};
    for (size_t i = 0; i < 2; i++) {
        char target[256], link[256];
        snprintf(target, sizeof target, "%s/blobs/%s", folder, names[i]);
        snprintf(link, sizeof link, "%s/models--a--b/snapshots/0123/%s", folder, names[i]);
        cr_assert_eq(symlink(target, link), 0);
    }
    folder_write(folder, "models--a--b/refs/main", "0123\n");
    const char *cache = folder_path(folder, "models--a--b");
    cr_expect_eq(largest_difference(cache, folder_path(folder, "blobs")), 0.0f);
    folder_write(folder, "models--a--b/refs/main", "4567");
    const char *path = NULL;
    cr_expect_eq(checkpoint_resolve(&arena, folder_path(folder, "models--a--b"), &path, &err),
                 STATUS_INVALID);
    cr_expect(strstr(err.text, "snapshots"), "%s", err.text);
    // A download that was not finished, or a cache that was cleared.
    Model *gone = NULL;
    folder_write(folder, "models--a--b/refs/main", "0123");
    cr_assert_eq(unlink(folder_path(folder, "blobs/model.safetensors")), 0);
    cr_assert_eq(model_open(folder_path(folder, "models--a--b"), NULL, &gone, &err),
                 STATUS_INVALID);
    cr_expect(strstr(err.text, "0123/model.safetensors: a link to a file that is not there"), "%s",
              err.text);
    arena_release(&arena);
    folder_remove(folder);
}

Test(checkpoint, never_reads_pickled_weights)
{
    Error err = {0};
    Checkpoint files;
    const char *folder = folder_make();
    folder_write(folder, "config.json", "{\"architectures\": [\"BertForMaskedLM\"]}");
    cr_assert_eq(checkpoint_open(folder, &files, &err), STATUS_NOT_FOUND);
    folder_write(folder, "pytorch_model.bin", "PK");
    cr_assert_eq(checkpoint_open(folder, &files, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "pytorch_model.bin") &&
                  strstr(err.text, "t.BertForMaskedLM.from_pretrained"),
              "%s", err.text);
    // A command that is shown has nothing in it that a stranger wrote, but a name.
    folder_write(folder, "config.json", "{\"architectures\": [\"A\\\"; touch x; \\\"\"]}");
    cr_assert_eq(checkpoint_open(folder, &files, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "t.AutoModel.from_pretrained") && !strstr(err.text, "touch"), "%s",
              err.text);
    Model *model = NULL;
    cr_assert_eq(model_open(folder_path(folder, "pytorch_model.bin"), NULL, &model, &err),
                 STATUS_INVALID);
    cr_expect(strstr(err.text, "pickled") && strstr(err.text, "name their directory"), "%s",
              err.text);
    folder_remove(folder);
}

Test(checkpoint, says_of_an_adapter_and_of_what_cannot_be_read_what_they_are)
{
    Error err = {0};
    Model *model = NULL;
    const char *folder = folder_make(), *pipe = folder_path(folder, "pipe.gguf");
    want_ok(file_write(folder_path(folder, "adapter_config.json"), SLICE("{}"), &err), &err);
    cr_assert_eq(model_open(folder, NULL, &model, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "an adapter") && strstr(err.text, "merge_and_unload"), "%s",
              err.text);
    cr_assert(mkfifo(pipe, 0600) == 0);
    cr_assert_eq(model_open(pipe, NULL, &model, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "pipe.gguf") && !strstr(err.text, "neither a directory"), "%s",
              err.text);
    folder_remove(folder);
}

// What a clone without Git LFS, or a download that broke off, leaves behind.
Test(checkpoint, says_what_stands_in_the_place_of_files)
{
    static const struct {
        const char *name, *bytes, *says;
    } cases[] = {
        {"model/model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
         "git lfs pull"},
        {"model/model.safetensors", "", "0 bytes are too few"},
        {"x.gguf", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"},
        {"x.gguf", "GG", "its 2 bytes do not begin with \"GGUF\""},
        {"empty/x", "", "no config.json stands there; a model's folder has"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error err = {0};
        Model *model = NULL;
        const char *folder = folder_make();
        (void)save_small(folder, HEAD_SEQUENCE, 3);
        want_ok(file_make_directories(folder_path(folder, "empty"), &err), &err);
        want_ok(
            file_write(folder_path(folder, cases[i].name), slice_from_cstr(cases[i].bytes), &err),
            &err);
        const bool is_file = slice_ends_with(slice_from_cstr(cases[i].name), SLICE(".gguf"));
        char path[1024];
        snprintf(path, sizeof path, "%s", folder_path(folder, cases[i].name));
        if (!is_file) *strrchr(path, '/') = '\0';
        cr_expect_neq(model_open(path, NULL, &model, &err), STATUS_OK, "case %zu", i);
        cr_expect(strstr(err.text, cases[i].says), "%s", err.text);
        model_close(&model);
        folder_remove(folder);
    }
}

Test(checkpoint, takes_the_lone_gguf_file_of_a_directory)
{
    Error err = {0};
    Arena arena = {0};
    const char *path = NULL;
    const char *folder = folder_make();
    (void)save_small(folder, HEAD_SEQUENCE, 3);
    want_ok(file_make_directories(folder_path(folder, "lone"), &err), &err);
    must_quantize(folder_path(folder, "model"), TENSOR_F32, folder_path(folder, "lone/a.gguf"));
    cr_expect_eq(largest_difference(folder_path(folder, "model"), folder_path(folder, "lone")),
                 0.0f);
    must_quantize(folder_path(folder, "model"), TENSOR_F32, folder_path(folder, "lone/b.gguf"));
    cr_expect_eq(checkpoint_resolve(&arena, folder_path(folder, "lone"), &path, &err),
                 STATUS_INVALID);
    cr_expect(strstr(err.text, "several models stand there (a.gguf, b.gguf)"), "%s", err.text);
    cr_expect_eq(checkpoint_resolve(&arena, folder_path(folder, "model/config.json"), &path, &err),
                 STATUS_INVALID);
    cr_expect_eq(checkpoint_resolve(&arena, folder_path(folder, "none"), &path, &err),
                 STATUS_NOT_FOUND);
    arena_release(&arena);
    folder_remove(folder);
}

// Said at once, not after millions of blocks have been recorded or memory has been taken for them.
Test(checkpoint, refuses_sizes_that_the_files_cannot_have)
{
    static const struct {
        const char *key, *says;
    } cases[] = {{"num_hidden_layers", "16000000 blocks"}, {"vocab_size", "has shape [50, 32]"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error err = {0};
        Arena arena = {0};
        Slice text = {0};
        Model *model = NULL;
        char edited[2048];
        const char *folder = folder_make();
        (void)save_small(folder, HEAD_SEQUENCE, 3);
        const char *config = folder_path(folder, "model/config.json");
        want_ok(file_read(&arena, config, 1 << 16, &text, &err), &err);
        const size_t at = slice_find(text, slice_from_cstr(cases[i].key)) + strlen(cases[i].key);
        const Slice rest = slice_sub(text, at, text.len);
        const size_t comma = slice_find_byte(rest, ',');
        snprintf(edited, sizeof edited, SLICE_FMT "\": 16000000" SLICE_FMT,
                 SLICE_ARG(slice_sub(text, 0, at)), SLICE_ARG(slice_sub(rest, comma, rest.len)));
        want_ok(file_write(config, slice_from_cstr(edited), &err), &err);
        cr_expect_eq(model_open(folder_path(folder, "model"),
                                &(ModelOptions){.without_tokenizer = 1}, &model, &err),
                     STATUS_INVALID);
        cr_expect(strstr(err.text, cases[i].says), "%s", err.text);
        arena_release(&arena);
        folder_remove(folder);
    }
}

// One tensor under a second name, or with its values in another order.
static void add_tensor(const char *path, const char *from, const char *name, bool is_other)
{
    Error err = {0};
    Arena arena = {0};
    Slice bytes = {0};
    Safetensors file;
    want_ok(file_read(&arena, path, 1 << 24, &bytes, &err), &err);
    want_ok(safetensors_parse(slice_from_cstr(path), bytes, &file, &err), &err);
    SafeItem *items = arena_alloc(&arena, file.n_tensors + 1, sizeof *items);
    const SafeTensor *source = safetensors_find(&file, slice_from_cstr(from));
    cr_assert(items && source);
    for (size_t i = 0; i <= file.n_tensors; i++) {
        const SafeTensor *t = i < file.n_tensors ? &file.tensors[i] : source;
        items[i] =
            (SafeItem){.name = t->name, .type = t->type, .n_dims = t->n_dims, .data = t->data.ptr};
        memcpy(items[i].shape, t->shape, sizeof t->shape);
    }
    items[file.n_tensors].name = slice_from_cstr(name);
    if (is_other) {
        char *turned = arena_alloc(&arena, source->data.len, 1);
        const size_t half = source->data.len / 8 * 4;
        memcpy(turned, source->data.ptr + half, source->data.len - half);
        memcpy(turned + source->data.len - half, source->data.ptr, half);
        items[file.n_tensors].data = turned;
    }
    want_ok(safetensors_write(path, items, file.n_tensors + 1, NULL, 0, NULL, NULL, &err), &err);
    safetensors_close(&file);
    arena_release(&arena);
}

static const char *save_tied(Arena *arena, const char *folder, const char *name)
{
    Error err = {0};
    Model *model = small_decoder(40, 24);
    const char *path = file_join(arena, slice_from_cstr(folder), slice_from_cstr(name));
    cr_assert_not_null(path);
    want_ok(model_save(model, path, &err), &err);
    model_close(&model);
    return path;
}

// config.json says that both are one tensor; the files say otherwise, and Transformers goes by them too.
Test(checkpoint, an_output_layer_that_is_not_the_embedding_is_used)
{
    Error err = {0};
    Model *model = NULL;
    Arena arena = {0};
    const char *folder = folder_make();
    const char *tied = save_tied(&arena, folder, "tied"),
               *twice = save_tied(&arena, folder, "twice"),
               *other = save_tied(&arena, folder, "other"),
               *own = file_join(&arena, slice_from_cstr(folder), SLICE("own.gguf"));
    add_tensor(folder_path(folder, "twice/model.safetensors"), "model.embed_tokens.weight",
               "lm_head.weight", false);
    add_tensor(folder_path(folder, "other/model.safetensors"), "model.embed_tokens.weight",
               "lm_head.weight", true);
    cr_expect_eq(largest_difference(tied, twice), 0.0f);
    cr_expect_gt(largest_difference(tied, other), 0.1f);
    must_quantize(other, TENSOR_F32, own);
    cr_expect_eq(largest_difference(other, own), 0.0f);

    const char *masked = save_small(folder, HEAD_MASKED_LM, 0);
    add_tensor(folder_path(folder, "model/model.safetensors"),
               "bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight", false);
    cr_assert_eq(model_open(masked, &(ModelOptions){.without_tokenizer = 1}, &model, &err),
                 STATUS_OK, "%s", err.text);
    model_close(&model);
    masked = save_small(folder, HEAD_MASKED_LM, 0);
    add_tensor(folder_path(folder, "model/model.safetensors"),
               "bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight", true);
    want_ok(model_open(masked, &(ModelOptions){.without_tokenizer = 1}, &model, &err), &err);
    cr_expect(model_config(model)->output.is_own);
    model_close(&model);
    arena_release(&arena);
    folder_remove(folder);
}
