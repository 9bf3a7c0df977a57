// A GGUF model in several files is the model in one; sets of files that are none are refused, with what to do.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "models/checkpoint.h"
#include "tests/models/model_support.h"
#include "tests/models/saved.h"
#include "tests/models/shards.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

// A small model as FOLDER/whole.gguf, and cut in three as FOLDER/set/m-...
static const char *make_set(void)
{
    static char folder[512];
    snprintf(folder, sizeof folder, "%s", folder_make());
    must_quantize(save_small(folder, HEAD_SEQUENCE, 3), TENSOR_F32,
                  folder_path(folder, "whole.gguf"));
    cut_gguf(folder_path(folder, "whole.gguf"), folder_path(folder, "set"), "m", 3, false);
    return folder;
}

static void want_same_bits(const char *whole, const char *shards, Keeping keeping)
{
    size_t n = 0, m = 0;
    float *x = logits_kept(whole, keeping, 12, &n), *y = logits_kept(shards, keeping, 12, &m);
    cr_expect(n == m && memcmp(x, y, n * sizeof *x) == 0, "%s", shards);
    free(x);
    free(y);
}

Test(gguf_shards, the_folder_and_every_shard_are_the_whole_model)
{
    const char *folder = make_set();
    for (Keeping keeping = AS_NUMBERS; keeping <= AS_MAPPED; keeping++) {
        char set[600];
        snprintf(set, sizeof set, "%s/set", folder);
        want_same_bits(folder_path(folder, "whole.gguf"), set, keeping);
        for (size_t i = 1; i <= 3; i++)
            want_same_bits(folder_path(folder, "whole.gguf"), shard_path(set, "m", i, 3), keeping);
    }
    folder_remove(folder);
}

// Written by llama.cpp's tools, in blocks, with a tokenizer.
Test(gguf_shards, a_model_of_another_program_answers_with_the_same_bits)
{
    static const char *const files[] = {"models/stories260K/stories260K-f32.gguf",
                                        "models/stories260K/stories260K-q8_0.gguf",
                                        "models/stories260K/stories260K-q4_0.gguf"};
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        char whole[512];
        const char *folder = folder_make();
        snprintf(whole, sizeof whole, "%s", shared_need(files[f]));
        cut_gguf(whole, folder, "s", 2 + f, f == 1);
        for (Keeping keeping = AS_NUMBERS; keeping <= AS_MAPPED; keeping++)
            want_same_bits(whole, shard_path(folder, "s", 2, 2 + f), keeping);
        folder_remove(folder);
    }
}

Test(gguf_shards, files_and_tensors_come_in_order)
{
    Error err = {0};
    Arena arena = {0};
    Gguf whole, set;
    const char *folder = make_set(), *first = NULL, **paths = NULL;
    size_t n = 0;
    char shards[600];
    snprintf(shards, sizeof shards, "%s/set", folder);
    want_ok(gguf_open(folder_path(folder, "whole.gguf"), &whole, &err), &err);
    want_ok(gguf_open(shard_path(shards, "m", 3, 3), &set, &err), &err);
    cr_assert_eq(set.n_files, 3);
    cr_assert_eq(set.n_tensors, whole.n_tensors);
    cr_expect_eq(set.n_pairs, whole.n_pairs + 3);
    want_ok(checkpoint_resolve(&arena, shards, &first, &err), &err);
    cr_expect_str_eq(first, shard_path(shards, "m", 1, 3));
    want_ok(checkpoint_resolve(&arena, shard_path(shards, "m", 2, 3), &first, &err), &err);
    cr_expect_str_eq(first, shard_path(shards, "m", 1, 3));
    want_ok(gguf_paths(&arena, shard_path(shards, "m", 2, 3), &paths, &n, &err), &err);
    cr_assert_eq(n, 3);
    for (size_t i = 0, t = 0; i < n; i++) {
        cr_expect(slice_eq_cstr(set.files[i].path, paths[i]));
        cr_expect_str_eq(paths[i], shard_path(shards, "m", i + 1, 3));
        for (const size_t end = t + set.files[i].n_tensors; t < end; t++) {
            cr_expect(slice_eq(set.tensors[t].name, whole.tensors[t].name));
            cr_expect(slice_eq(set.tensors[t].file, set.files[i].path));
            cr_expect_eq(set.tensors[t].mapped.ptr, set.files[i].map.ptr);
        }
    }
    gguf_close(&whole);
    gguf_close(&set);
    arena_release(&arena);
    folder_remove(folder);
}

// One file again, and the same as that of the whole model.
Test(gguf_shards, a_quantised_copy_is_one_file)
{
    Error err = {0};
    Slice one = {0}, other = {0};
    const char *folder = make_set();
    must_quantize(folder_path(folder, "whole.gguf"), TENSOR_Q8_0, folder_path(folder, "a.gguf"));
    must_quantize(folder_path(folder, "set"), TENSOR_Q8_0, folder_path(folder, "b.gguf"));
    want_ok(file_map(folder_path(folder, "a.gguf"), &one, &err), &err);
    want_ok(file_map(folder_path(folder, "b.gguf"), &other, &err), &err);
    cr_expect(slice_eq(one, other));
    cr_expect_eq(slice_find(other, SLICE("split.")), SIZE_MAX);
    file_unmap(&one);
    file_unmap(&other);
    folder_remove(folder);
}

// ---- sets that are none ----

static void write_text(const char *path, const char *text)
{
    Error err = {0};
    want_ok(file_write(path, slice_from_cstr(text), &err), &err);
}

enum { N_TENSORS = 41 }; // of the small model

static void spoil(size_t which, const char *whole, const char *set)
{
    const char *second = shard_path(set, "m", 2, 3), *third = shard_path(set, "m", 3, 3);
    Shard shard = {.no = 1, .count = 3, .n_tensors = N_TENSORS, .first = 13, .n = 14};
    char at[1024];
    snprintf(at, sizeof at, "%s/m.gguf", set);
    switch (which) {
    case 0:
        cr_assert_eq(unlink(second), 0);
        return;
    case 1: // links of a cache whose files are gone
        cr_assert_eq(unlink(third), 0);
        cr_assert_eq(symlink("nowhere", third), 0);
        return;
    case 2:
        write_text(third, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
        return;
    case 3:
        shard.no = 0;
        shard.is_named = false;
        break;
    case 4:
        shard.no = 2;
        break;
    case 5:
        shard.count = 4;
        break;
    case 6:
        shard.n_tensors = 7;
        break;
    case 7:
        shard.first--;
        break;
    case 8:
        shard.n--;
        break;
    case 9:
        shard.is_named = true;
        break;
    case 10:
        shard.count = 1;
        break;
    case 11:
        shard.is_unsaid = true;
        break;
    case 12: // named by the folder, and alone there
        cr_assert(unlink(second) == 0 && unlink(third) == 0);
        cr_assert_eq(rename(shard_path(set, "m", 1, 3), at), 0);
        return;
    case 13:
        write_text(second, "");
        return;
    case 14: // a stranger beside the set
        write_text(at, "GGUF");
        return;
    default:
        cr_assert_eq(rename(third, shard_path(set, "m", 3, 4)), 0);
        return;
    }
    write_shard(whole, second, &shard);
}

Test(gguf_shards, says_what_is_wrong_with_a_set)
{
    static const char *const says[] = {
        "/m-00002-of-00003.gguf: shard 2 of 3 is not there (1 missing in all): fetch it again",
        "/m-00003-of-00003.gguf: shard 3 of 3 is a link to a file that is not there",
        "git lfs pull",
        "say shard 1 of 3 (split.no 0), which is ",
        "say shard 3 of 3 (split.no 2), but it stands in the place of shard 2: fetch it again",
        "say one of 4 shards (split.count), but it stands among 3",
        "/m-00002-of-00003.gguf: its split.tensors.count is 7, but 41 in ",
        "stands both in ",
        "its split.tensors.count is 41, but the 3 shards have 40 tensors",
        "/m-00002-of-00003.gguf: metadata \"general.name\" is not that of ",
        "stands in the place of shard 2 of 3, but its metadata have no split.count",
        "/m-00002-of-00003.gguf: metadata \"split.count\" is 3, but there is no \"split.no\"",
        "whose name must end with -00001-of-00003.gguf",
        "/m-00002-of-00003.gguf: not a GGUF file",
        "GGUF files of several models stand there (m-00001-of-00003.gguf, m.gguf)",
        "GGUF files of several models stand there (m-00001-of-00003.gguf, m-00003-of-00004.gguf)",
    };
    const char *folder = make_set();
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        Error err = {0};
        Model *model = NULL;
        char set[600];
        snprintf(set, sizeof set, "%s/set%zu", folder, i);
        cut_gguf(folder_path(folder, "whole.gguf"), set, "m", 3, false);
        spoil(i, folder_path(folder, "whole.gguf"), set);
        cr_expect_eq(model_open(set, NULL, &model, &err), STATUS_INVALID, "case %zu", i);
        cr_expect(strstr(err.text, says[i]), "case %zu: %s", i, err.text);
        model_close(&model);
    }
    folder_remove(folder);
}

// A name that only looks like a shard's.
Test(gguf_shards, a_whole_file_may_be_called_as_one_shard)
{
    Error err = {0};
    const char *folder = make_set();
    char set[600];
    snprintf(set, sizeof set, "%s/other", folder);
    want_ok(file_make_directories(set, &err), &err);
    cr_assert_eq(rename(folder_path(folder, "whole.gguf"), shard_path(set, "m", 1, 3)), 0);
    want_same_bits(folder_path(folder, "set"), set, AS_NUMBERS);
    folder_remove(folder);
}

Test(gguf_shards, tells_names_of_shards)
{
    static const struct {
        const char *path, *prefix; // NULL: none
        size_t number, count;
    } cases[] = {
        {"a/b-00002-of-00003.gguf", "a/b", 2, 3},
        {"-00001-of-00001.gguf", "", 1, 1},
        {"x-99999-of-99999.gguf", "x", 99999, 99999},
        {"x-00004-of-00003.gguf", NULL, 0, 0},
        {"x-00000-of-00003.gguf", NULL, 0, 0},
        {"x-0001-of-00003.gguf", NULL, 0, 0},
        {"x-0000a-of-00003.gguf", NULL, 0, 0},
        {"x-00001-of-00003.GGUF", NULL, 0, 0},
        {"x-00001-to-00003.gguf", NULL, 0, 0},
        {"00001-of-00003.gguf", NULL, 0, 0},
        {"", NULL, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        GgufShardName name;
        const bool is_shard = gguf_shard_name(slice_from_cstr(cases[i].path), &name);
        cr_expect_eq(is_shard, cases[i].prefix != NULL, "%s", cases[i].path);
        if (!is_shard || !cases[i].prefix) continue;
        cr_expect(slice_eq_cstr(name.prefix, cases[i].prefix));
        cr_expect(name.number == cases[i].number && name.count == cases[i].count);
    }
}

static void map_set(const char *set, Slice *names, Slice *maps)
{
    static char paths[3][1024];
    Error err = {0};
    for (size_t i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof paths[i], "%s", shard_path(set, "m", i + 1, 3));
        names[i] = slice_from_cstr(paths[i]);
        want_ok(file_map(paths[i], &maps[i], &err), &err);
    }
}

Test(gguf_shards, survives_every_allocation_that_fails)
{
    Slice names[3], maps[3] = {{0}};
    const char *folder = make_set();
    Status s = STATUS_MEMORY;
    map_set(folder_path(folder, "set"), names, maps);
    for (size_t n = 1; s != STATUS_OK; n++) {
        Gguf file;
        Error err = {0};
        cr_assert(n < 200, "it never succeeds");
        arena_fail_after(n);
        s = gguf_parse_shards(names, maps, 3, &file, &err);
        arena_fail_after(0);
        cr_assert(s == STATUS_OK || s == STATUS_MEMORY, "allocation %zu: %s", n, err.text);
        if (s == STATUS_OK) gguf_close(&file);
    }
    for (size_t i = 0; i < 3; i++) file_unmap(&maps[i]);
    folder_remove(folder);
}

Test(gguf_shards, refuses_a_shard_cut_short_anywhere)
{
    Slice names[3], maps[3] = {{0}};
    const char *folder = make_set();
    map_set(folder_path(folder, "set"), names, maps);
    const Slice whole = maps[1];
    // What is cut of the padding behind the last tensor is not missed.
    for (size_t len = 0; len + 32 < whole.len; len += len < 2000 ? 1 : 97) {
        Error err = {0};
        Gguf file;
        char *copy = malloc(len + 1);
        cr_assert_not_null(copy);
        memcpy(copy, whole.ptr, len);
        maps[1] = (Slice){copy, len};
        cr_assert_eq(gguf_parse_shards(names, maps, 3, &file, &err), STATUS_INVALID, "%zu", len);
        cr_assert(strstr(err.text, "/m-00002-of-00003.gguf"), "%s", err.text);
        free(copy);
    }
    maps[1] = whole;
    for (size_t i = 0; i < 3; i++) file_unmap(&maps[i]);
    folder_remove(folder);
}
