// Folders whose tokenizer_config.json and tokenizer.json disagree: ids and decoded texts are those of AutoTokenizer of Transformers
// 5.24 (tokenizer_classes.json, which tools/peers/tokenizer_classes.py --write makes).
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

#define MUST(call) cr_assert_eq((call), STATUS_OK, "%s: %s", #call, err.text)

static Error err;

static void check_decoded(const Tokenizer *t, const Json *text, const Encoding *e,
                          bool skip_special, const char *key, const char *name)
{
    Buffer out = {0};
    MUST(tokenizer_decode(t, e->ids, e->n_tokens, skip_special, &out, &err));
    const Slice wanted = json_string(json_get(text, key));
    cr_expect(slice_eq(buffer_slice(&out), wanted), "%s: decoded to \"" SLICE_FMT "\"", name,
              SLICE_ARG(buffer_slice(&out)));
    buffer_release(&out);
}

static void check_text(const Tokenizer *t, const Json *text, const char *name)
{
    Arena arena = {0};
    Encoding e = {0};
    const Json *special = json_get(text, "special"), *other = json_get(text, "pair"),
               *ids = json_get(text, "ids");
    const Slice pair = other ? json_string(other) : (Slice){0};
    const EncodeOptions options = {.no_special = special && !json_bool(special)};
    MUST(tokenizer_encode(t, json_string(json_get(text, "text")), other ? &pair : NULL, &options,
                          &arena, &e, &err));
    cr_assert_eq(e.n_tokens, json_len(ids), "%s: %zu tokens instead of %zu", name, e.n_tokens,
                 json_len(ids));
    size_t i = 0;
    for (const Json *id = json_first(ids); id; id = json_next(id), i++) {
        cr_expect_eq(e.ids[i], (int32_t)json_double(id), "%s: token %zu is %d instead of %g", name,
                     i, e.ids[i], json_double(id));
    }
    check_decoded(t, text, &e, false, "decoded", name);
    check_decoded(t, text, &e, true, "decoded_skip_special", name);
    arena_release(&arena);
}

static void check_folder(const Json *told)
{
    char path[128], name[256];
    Arena arena = {0};
    Tokenizer *t = NULL;
    const char *folder = folder_make();
    snprintf(path, sizeof path, "models/" SLICE_FMT "/tokenizer.json",
             SLICE_ARG(json_string(json_get(told, "model"))));
    shared_copy(folder, path, "tokenizer.json");
    for (const Json *file = json_first(json_get(told, "files")); file; file = json_next(file)) {
        const char *text = arena_printf(&arena, SLICE_FMT, SLICE_ARG(json_string(file)));
        snprintf(path, sizeof path, SLICE_FMT, SLICE_ARG(json_key(file)));
        folder_write(folder, path, text);
        if (strcmp(path, "tokenizer_config.json") == 0) snprintf(name, sizeof name, "%s", text);
    }
    MUST(tokenizer_open(folder, &t, &err));
    for (const Json *text = json_first(json_get(told, "texts")); text; text = json_next(text))
        check_text(t, text, name);
    tokenizer_close(&t);
    folder_remove(folder);
    arena_release(&arena);
}

Test(told_again, folders_have_the_ids_of_the_class_that_they_name)
{
    static const char *const needed[] = {"models/tok-bbpe_gpt2", "models/tok-unigram_t5"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) shared_need(needed[i]);
    JsonDocument *document = NULL;
    MUST(json_load(ASSAY_SOURCE_DIR "/tests/models/tokenizer_classes.json", JSON_STRICT, &document,
                   &err));
    const Json *folders = json_root(document);
    cr_assert_gt(json_len(folders), 80);
    for (const Json *told = json_first(folders); told; told = json_next(told)) check_folder(told);
    json_close(&document);
}

static void check_departure(const char *config, const char *wanted)
{
    Tokenizer *t = NULL;
    const char *folder = folder_make();
    shared_copy(folder, "models/tok-wp_uncased/tokenizer.json", "tokenizer.json");
    folder_write(folder, "tokenizer_config.json", config);
    MUST(tokenizer_open(folder, &t, &err));
    const char *told = tokenizer_departure(t);
    cr_expect_eq(told != NULL, wanted != NULL, "%s: %s", config, told ? told : "nothing");
    cr_expect(!told || !wanted || strcmp(told, wanted) == 0, "%s: %s", config, told);
    tokenizer_close(&t);
    folder_remove(folder);
}

Test(told_again, what_a_class_changes_is_named)
{
    shared_need("models/tok-wp_uncased");
    check_departure("{\"tokenizer_class\": \"BertTokenizer\"}", NULL);
    check_departure("{\"tokenizer_class\": \"PreTrainedTokenizerFast\", \"do_lower_case\": false}",
                    NULL);
    check_departure("{\"tokenizer_class\": \"BertTokenizer\", \"do_lower_case\": false}",
                    "normalizer of BertTokenizer");
    check_departure("{\"tokenizer_class\": \"BertTokenizer\", \"strip_accents\": false, "
                    "\"mask_token\": \"[M]\"}",
                    "normalizer, added_tokens of BertTokenizer");
    check_departure("{\"tokenizer_class\": \"MPNetTokenizer\"}",
                    "post_processor, added_tokens of MPNetTokenizer");
}
