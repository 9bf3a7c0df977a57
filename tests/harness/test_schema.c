// The table of keys, the published schema and the reference of users say the same.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "harness/suite/keys.h"
#include "harness/suite/suite.h"

static Slice read_source(Arena *arena, const char *name)
{
    Slice text = {0};
    Error err = {0};
    const char *path = arena_printf(arena, ASSAY_SOURCE_DIR "/%s", name);
    cr_assert_eq(file_read(arena, path, 1 << 22, &text, &err), STATUS_OK, "%s", err.text);
    return text;
}

// With ASSAY_UPDATE set the file is written anew; the change is then reviewed as any other.
Test(schema, the_published_schema_is_that_of_the_table)
{
    Arena arena = {0};
    Buffer schema = {0};
    Error err = {0};
    suite_schema_write(&schema);
    cr_assert_eq(buffer_status(&schema, &err), STATUS_OK);
    if (getenv("ASSAY_UPDATE")) {
        cr_assert_eq(
            file_write(ASSAY_SOURCE_DIR "/suites/suite.schema.json", buffer_slice(&schema), &err),
            STATUS_OK, "%s", err.text);
    }
    const Slice published = read_source(&arena, "suites/suite.schema.json");
    cr_expect(
        slice_eq(published, buffer_slice(&schema)),
        "suites/suite.schema.json differs from the table of keys; run this test with ASSAY_UPDATE=1");
    JsonDocument *document = NULL;
    cr_expect_eq(json_parse(SLICE("schema"), buffer_slice(&schema), JSON_STRICT, &document, &err),
                 STATUS_OK, "%s", err.text);
    json_close(&document);
    buffer_release(&schema);
    arena_release(&arena);
}

Test(schema, every_key_stands_in_the_users_reference)
{
    Arena arena = {0};
    const Slice reference = read_source(&arena, "docs/suite.md");
    for (size_t i = 0; i < suite_sections_count; i++) {
        const SuiteSection *section = suite_sections[i];
        Buffer table = {0};
        section_markdown(section, &table);
        Slice rest = buffer_slice(&table), line;
        while (slice_split(&rest, '\n', &line)) {
            cr_expect_neq(slice_find(reference, line), SIZE_MAX,
                          "docs/suite.md lacks this line of %s:\n%.*s", section->name,
                          SLICE_ARG(line));
        }
        buffer_release(&table);
    }
    arena_release(&arena);
}

Test(schema, a_key_stands_once_in_its_section_and_explains_itself)
{
    for (size_t i = 0; i < suite_sections_count; i++) {
        const SuiteSection *section = suite_sections[i];
        const SuiteKey *key, *other;
        for (size_t j = 0; (key = section_at(section, j)) != NULL; j++) {
            cr_expect(key->summary && strlen(key->summary) > 3, "%s.%s", section->name, key->name);
            cr_expect(key->kind != KEY_OTHER || (key->schema && key->shown), "%s.%s", section->name,
                      key->name);
            for (size_t k = 0; k < j; k++) {
                other = section_at(section, k);
                cr_expect_str_neq(key->name, other->name, "%s", section->name);
            }
        }
    }
}

Test(schema, the_keys_of_reading_are_those_of_the_readers)
{
    for (size_t i = 0; i < read_option_keys_count; i++) {
        cr_expect_not_null(section_key(&section_shared, slice_from_cstr(read_option_keys[i])), "%s",
                           read_option_keys[i]);
    }
}

// Every default that is JSON is a value that the key takes.
Test(schema, every_default_of_tuning_is_in_range)
{
    Arena arena = {0};
    Buffer text = {0};
    Error err = {0};
    TuneSetting given, empty;
    bool is_first = true;
    buffer_append_cstr(&text, "{");
    for (size_t i = 0; i < section_tune.n_keys; i++) {
        const SuiteKey *key = &section_tune.keys[i];
        if (!key->fallback || key->fallback[0] == '(') continue;
        buffer_printf(&text, "%s\"%s\": %s", is_first ? "" : ", ", key->name, key->fallback);
        is_first = false;
    }
    buffer_append_cstr(&text, "}");
    cr_assert_eq(tune_setting_parse(&arena, buffer_slice(&text), &given, &err), STATUS_OK, "%s",
                 err.text);
    cr_assert_eq(tune_setting_parse(&arena, SLICE("{}"), &empty, &err), STATUS_OK);
    cr_expect(slice_eq(given.json, empty.json), "%.*s\n%.*s", SLICE_ARG(given.json),
              SLICE_ARG(empty.json));
    buffer_release(&text);
    arena_release(&arena);
}

Test(schema, the_default_of_inner_is_what_a_suite_gets)
{
    const SuiteOverrides overrides = {.without_files = true};
    Suite *suite = NULL;
    Error err = {0};
    double share = 0;
    const char *fallback = section_key(&section_folds, SLICE("inner"))->fallback;
    cr_assert_eq(suite_parse("s.json", SLICE("{\"suite\": \"s\"}"), &overrides, &suite, &err),
                 STATUS_OK, "%s", err.text);
    cr_expect(slice_to_double(slice_from_cstr(fallback), &share));
    cr_expect_float_eq(suite->folds.inner_share, share, 1e-12);
    suite_close(&suite);
}
