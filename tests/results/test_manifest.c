#include <criterion/criterion.h>
#include <string.h>

#include "base/json.h"
#include "results/canonical.h"
#include "results/manifest.h"

Test(canonical, gives_equal_settings_equal_text)
{
    static const char *const cases[][2] = {
        {"{\"b\": 1, \"a\": [1, 2.50, true, null]}", "{\"a\":[1,2.5,true,null],\"b\":1}"},
        {"{\"x\": 0.00001}", "{\"x\":1e-05}"},
        {"{\"x\": 1.0e-5}", "{\"x\":1e-05}"},
        {"[16, 16.0, 1.6e1, -0, -0.0, 0.0]", "[16,16,16,0,0,0]"},
        {"[18446744073709551615, 9007199254740993]", "[18446744073709551615,9007199254740993]"},
        {"{\"k\\u00e9\": \"a\\\"\\n\"}", "{\"k\xc3\xa9\":\"a\\\"\\n\"}"},
        {"{\"b\":{\"z\":1,\"a\":2},\"B\":0}", "{\"B\":0,\"b\":{\"a\":2,\"z\":1}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Buffer out = {0};
        Error err = {0};
        cr_assert_eq(canonical_json_text(SLICE("s"), slice_from_cstr(cases[i][0]), &out, &err),
                     STATUS_OK, "%s", err.text);
        cr_expect_str_eq(out.ptr, cases[i][1]);
        Buffer again = {0};
        cr_assert_eq(canonical_json_text(SLICE("s"), buffer_slice(&out), &again, &err), STATUS_OK,
                     "%s", err.text);
        cr_expect_str_eq(again.ptr, out.ptr, "canonical text is its own canonical text");
        buffer_release(&out);
        buffer_release(&again);
    }
    Error err = {0};
    Buffer out = {0};
    cr_expect_eq(canonical_json_text(SLICE("s"), SLICE("{\"a\":1,\"a\":2}"), &out, &err),
                 STATUS_INVALID);
    buffer_release(&out);
}

static ManifestInput example(void)
{
    static const ManifestFile files[] = {
        {SLICE_LIT("model"), SLICE_LIT("m"), SLICE_LIT("/somewhere/m"), SLICE_LIT("aa"), 3},
        {SLICE_LIT("data"), SLICE_LIT("d"), SLICE_LIT("d.tsv"), SLICE_LIT("bb"), 4},
    };
    static const char *const argv[] = {"assay", "run", "it's \"x\"", "$HOME", ""};
    static const uint64_t seeds[] = {17, 18};
    return (ManifestInput){.program_version = SLICE("1"),
                           .compute_dtype = SLICE("f32"),
                           .files = files,
                           .n_files = 2,
                           .seeds = seeds,
                           .n_seeds = 2,
                           .settings = SLICE("{\"a\":1}"),
                           .argc = 5,
                           .argv = argv,
                           .n_threads = 2,
                           .unix_ns = 1000000000};
}

Test(manifest, keeps_machine_and_paths_out_of_the_identity)
{
    const ManifestInput input = example();
    Buffer identity = {0}, machine = {0}, again = {0}, other = {0};
    Error err = {0};
    cr_assert_eq(manifest_write(&input, &identity, &machine, &err), STATUS_OK, "%s", err.text);
    ManifestInput moved = input;
    ManifestFile files[2] = {input.files[1], input.files[0]}; // another order and another place
    files[0].path = SLICE("/elsewhere");
    moved.files = files;
    moved.argc = 1;
    moved.n_threads = 64;
    moved.unix_ns = 5;
    cr_assert_eq(manifest_write(&moved, &again, &other, &err), STATUS_OK, "%s", err.text);
    cr_expect_str_eq(identity.ptr, again.ptr);
    cr_expect_str_neq(machine.ptr, other.ptr);
    cr_expect_null(strstr(identity.ptr, "somewhere"));
    Arena arena = {0};
    Slice value;
    cr_assert_eq(manifest_get(&arena, buffer_slice(&machine), "command", &value, &err), STATUS_OK,
                 "%s", err.text);
    cr_expect(slice_eq_cstr(value, "assay run 'it'\\''s \"x\"' '$HOME' ''"));
    cr_assert_eq(manifest_get(&arena, buffer_slice(&machine), "nothing", &value, &err), STATUS_OK,
                 "%s", err.text);
    cr_expect_eq(value.len, 0);
    arena_release(&arena);
    buffer_release(&identity);
    buffer_release(&machine);
    buffer_release(&again);
    buffer_release(&other);
}

Test(manifest, reads_back_as_rows_without_the_settings)
{
    const ManifestInput input = example();
    Buffer identity = {0}, machine = {0};
    Error err = {0};
    Arena arena = {0};
    ManifestRow *rows = NULL;
    size_t n = 0;
    bool has_model = false, has_seeds = false;
    cr_assert_eq(manifest_write(&input, &identity, &machine, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(manifest_rows(&arena, buffer_slice(&identity), &rows, &n, &err), STATUS_OK, "%s",
                 err.text);
    for (size_t i = 0; i < n; i++) {
        has_model = has_model || (slice_eq_cstr(rows[i].key, "model m") &&
                                  slice_eq_cstr(rows[i].value, "sha256 aa, 3 bytes"));
        has_seeds = has_seeds ||
                    (slice_eq_cstr(rows[i].key, "seeds") && slice_eq_cstr(rows[i].value, "17, 18"));
        cr_expect_not(slice_starts_with(rows[i].key, SLICE("settings")));
    }
    cr_expect(has_model && has_seeds);
    arena_release(&arena);
    buffer_release(&identity);
    buffer_release(&machine);
}
