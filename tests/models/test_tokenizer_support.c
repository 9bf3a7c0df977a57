#include "tests/models/test_tokenizer_support.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "base/file.h"
#include "base/json_reader.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

typedef struct Numbers {
    int64_t values[8192]; // null is TOKEN_NONE
    size_t n;
} Numbers;

typedef struct Tokens {
    Slice values[2048];
    size_t n;
} Tokens;

#define MUST(call) cr_assert_eq((call), STATUS_OK, "%s: %s", #call, err.text)

static Error err;

static void read_number(JsonReader *r, Numbers *out)
{
    JsonKind kind = JSON_NULL;
    MUST(json_peek(r, &kind, &err));
    cr_assert_lt(out->n, 8192);
    out->values[out->n] = TOKEN_NONE;
    if (kind == JSON_NULL) {
        MUST(json_read_null(r, &err));
    } else {
        MUST(json_read_i64(r, &out->values[out->n], &err));
    }
    out->n++;
}

// A list of numbers, or of pairs of numbers.
static void read_numbers(JsonReader *r, Numbers *out)
{
    out->n = 0;
    MUST(json_read_array(r, &err));
    for (bool more = true;;) {
        JsonKind kind = JSON_NULL;
        MUST(json_read_element(r, &more, &err));
        if (!more) return;
        MUST(json_peek(r, &kind, &err));
        if (kind != JSON_ARRAY) {
            read_number(r, out);
            continue;
        }
        MUST(json_read_array(r, &err));
        for (bool more_inner = true;;) {
            MUST(json_read_element(r, &more_inner, &err));
            if (!more_inner) break;
            read_number(r, out);
        }
    }
}

static void read_tokens(JsonReader *r, Tokens *out)
{
    out->n = 0;
    MUST(json_read_array(r, &err));
    for (bool more = true;;) {
        MUST(json_read_element(r, &more, &err));
        if (!more) return;
        cr_assert_lt(out->n, 2048);
        MUST(json_read_string(r, &out->values[out->n++], &err));
    }
}

// ---- texts ----

typedef struct GoldenText {
    Slice text, decoded, decoded_skip_special;
    Numbers ids, type_ids, ids_no_special, word_ids, offsets, byte_offsets;
    Tokens tokens;
} GoldenText;

static GoldenText golden; // too large for the stack

static void read_text(JsonReader *r)
{
    MUST(json_read_object(r, &err));
    for (bool more = true;;) {
        Slice key = {0};
        MUST(json_read_key(r, &key, &more, &err));
        if (!more) return;
        if (slice_eq_cstr(key, "text")) {
            MUST(json_read_string(r, &golden.text, &err));
        } else if (slice_eq_cstr(key, "decoded")) {
            MUST(json_read_string(r, &golden.decoded, &err));
        } else if (slice_eq_cstr(key, "decoded_skip_special")) {
            MUST(json_read_string(r, &golden.decoded_skip_special, &err));
        } else if (slice_eq_cstr(key, "ids")) {
            read_numbers(r, &golden.ids);
        } else if (slice_eq_cstr(key, "type_ids")) {
            read_numbers(r, &golden.type_ids);
        } else if (slice_eq_cstr(key, "ids_no_special")) {
            read_numbers(r, &golden.ids_no_special);
        } else if (slice_eq_cstr(key, "word_ids")) {
            read_numbers(r, &golden.word_ids);
        } else if (slice_eq_cstr(key, "offsets")) {
            read_numbers(r, &golden.offsets);
        } else if (slice_eq_cstr(key, "byte_offsets")) {
            read_numbers(r, &golden.byte_offsets);
        } else if (slice_eq_cstr(key, "tokens")) {
            read_tokens(r, &golden.tokens);
        } else {
            MUST(json_skip(r, &err));
        }
    }
}

static void check_numbers(const char *what, const Numbers *wanted, const int32_t *got, size_t n)
{
    cr_assert_eq(n, wanted->n, "text \"%.*s\": %s: %zu instead of %zu", SLICE_ARG(golden.text),
                 what, n, wanted->n);
    for (size_t i = 0; i < n; i++) {
        cr_assert_eq(got[i], wanted->values[i], "text \"%.*s\": %s[%zu] is %d instead of %lld",
                     SLICE_ARG(golden.text), what, i, got[i], (long long)wanted->values[i]);
    }
}

static void check_offsets(const char *what, const Numbers *wanted, const TokenOffsets *got,
                          size_t n)
{
    cr_assert_eq(2 * n, wanted->n);
    for (size_t i = 0; i < n; i++) {
        const long long begin = (long long)wanted->values[2 * i],
                        end = (long long)wanted->values[2 * i + 1];
        cr_assert((long long)got[i].begin == begin && (long long)got[i].end == end,
                  "text \"%.*s\": %s[%zu] is %zu, %zu instead of %lld, %lld",
                  SLICE_ARG(golden.text), what, i, got[i].begin, got[i].end, begin, end);
    }
}

static void check_decoded(const Tokenizer *tokenizer, const Numbers *ids, bool skip_special,
                          Slice wanted)
{
    Buffer out = {0};
    int32_t values[8192];
    for (size_t i = 0; i < ids->n; i++) values[i] = (int32_t)ids->values[i];
    MUST(tokenizer_decode(tokenizer, values, ids->n, skip_special, &out, &err));
    cr_assert(slice_eq(buffer_slice(&out), wanted),
              "text \"%.*s\" decodes to \"%.*s\" instead of \"%.*s\"", SLICE_ARG(golden.text),
              SLICE_ARG(buffer_slice(&out)), SLICE_ARG(wanted));
    buffer_release(&out);
}

static void check_text(const Tokenizer *tokenizer, Arena *arena, bool ids_only)
{
    Encoding e = {0};
    MUST(tokenizer_encode(tokenizer, golden.text, NULL, NULL, arena, &e, &err));
    check_numbers("ids", &golden.ids, e.ids, e.n_tokens);
    check_numbers("type_ids", &golden.type_ids, e.type_ids, e.n_tokens);
    TokenBatch batch = {0};
    MUST(tokenizer_encode_batch(tokenizer, &golden.text, NULL, 1, NULL, arena, &batch, &err));
    check_numbers("ids of a batch", &golden.ids, batch.ids, batch.starts[1]);
    cr_assert_eq(batch.n_full[0], batch.starts[1]);
    if (ids_only) return;
    check_numbers("word_ids", &golden.word_ids, e.word_ids, e.n_tokens);
    check_offsets("byte_offsets", &golden.byte_offsets, e.offsets, e.n_tokens);
    token_offsets_encoding(&e, golden.text, NULL);
    check_offsets("offsets", &golden.offsets, e.offsets, e.n_tokens);
    cr_assert_eq(golden.tokens.n, e.n_tokens);
    for (size_t i = 0; i < e.n_tokens; i++) {
        cr_assert(slice_eq(e.tokens[i], golden.tokens.values[i]), "text \"%.*s\": token %zu",
                  SLICE_ARG(golden.text), i);
    }
    const EncodeOptions bare = {.no_special = true};
    MUST(tokenizer_encode(tokenizer, golden.text, NULL, &bare, arena, &e, &err));
    check_numbers("ids_no_special", &golden.ids_no_special, e.ids, e.n_tokens);
    check_decoded(tokenizer, &golden.ids_no_special, false, golden.decoded);
    check_decoded(tokenizer, &golden.ids, true, golden.decoded_skip_special);
}

// ---- pairs ----

typedef struct GoldenWindow {
    Numbers ids, type_ids, special, offsets, sequence;
} GoldenWindow;

static GoldenWindow window;

static void read_window(JsonReader *r)
{
    const struct {
        const char *key;
        Numbers *numbers;
    } lists[] = {{"ids", &window.ids},
                 {"type_ids", &window.type_ids},
                 {"special", &window.special},
                 {"offsets", &window.offsets},
                 {"sequence", &window.sequence}};
    MUST(json_read_object(r, &err));
    for (bool more = true;;) {
        Slice key = {0};
        size_t i = 0;
        MUST(json_read_key(r, &key, &more, &err));
        if (!more) return;
        while (i < 5 && !slice_eq_cstr(key, lists[i].key)) i++;
        cr_assert_lt(i, 5);
        read_numbers(r, lists[i].numbers);
    }
}

static void check_window(const Encoding *e)
{
    check_numbers("ids", &window.ids, e->ids, e->n_tokens);
    check_numbers("type_ids", &window.type_ids, e->type_ids, e->n_tokens);
    check_offsets("offsets", &window.offsets, e->offsets, e->n_tokens);
    for (size_t i = 0; i < e->n_tokens; i++) {
        cr_assert_eq(e->special[i], window.special.values[i]);
        cr_assert_eq(e->sequence[i], window.sequence.values[i]);
    }
}

typedef struct GoldenPair {
    Slice a, b, strategy;
    int64_t max_length, stride;
} GoldenPair;

static void check_windows(const Tokenizer *tokenizer, JsonReader *r, const GoldenPair *pair,
                          Arena *arena)
{
    EncodeOptions options = {.max_length = (size_t)pair->max_length,
                             .stride = (size_t)pair->stride};
    EncodingWindows windows = {0};
    golden.text = pair->a;
    MUST(truncation_strategy_parse(pair->strategy, &options.strategy, &err));
    MUST(tokenizer_encode_windows(tokenizer, pair->a, &pair->b, &options, arena, &windows, &err));
    size_t n = 0;
    MUST(json_read_array(r, &err));
    for (bool more = true;; n++) {
        MUST(json_read_element(r, &more, &err));
        if (!more) break;
        cr_assert_lt(n, windows.n_windows);
        read_window(r);
        token_offsets_encoding(&windows.windows[n], pair->a, &pair->b);
        check_window(&windows.windows[n]);
    }
    cr_assert_eq(n, windows.n_windows, "%zu windows instead of %zu", windows.n_windows, n);
}

static void check_error(const Tokenizer *tokenizer, const GoldenPair *pair, Arena *arena)
{
    EncodeOptions options = {.max_length = (size_t)pair->max_length,
                             .stride = (size_t)pair->stride};
    EncodingWindows windows = {0};
    MUST(truncation_strategy_parse(pair->strategy, &options.strategy, &err));
    cr_assert_eq(
        tokenizer_encode_windows(tokenizer, pair->a, &pair->b, &options, arena, &windows, &err),
        STATUS_INVALID);
}

// windows and error stand after the request's own fields.
static void check_pair(const Tokenizer *tokenizer, JsonReader *r, Arena *arena)
{
    GoldenPair pair = {0};
    bool is_checked = false;
    MUST(json_read_object(r, &err));
    for (bool more = true;;) {
        Slice key = {0};
        MUST(json_read_key(r, &key, &more, &err));
        if (!more) break;
        if (slice_eq_cstr(key, "a")) {
            MUST(json_read_string(r, &pair.a, &err));
        } else if (slice_eq_cstr(key, "b")) {
            MUST(json_read_string(r, &pair.b, &err));
        } else if (slice_eq_cstr(key, "strategy")) {
            MUST(json_read_string(r, &pair.strategy, &err));
        } else if (slice_eq_cstr(key, "max_length")) {
            MUST(json_read_i64(r, &pair.max_length, &err));
        } else if (slice_eq_cstr(key, "stride")) {
            MUST(json_read_i64(r, &pair.stride, &err));
        } else if (slice_eq_cstr(key, "windows")) {
            check_windows(tokenizer, r, &pair, arena);
            is_checked = true;
        } else if (slice_eq_cstr(key, "error")) {
            MUST(json_skip(r, &err));
            check_error(tokenizer, &pair, arena);
            is_checked = true;
        } else {
            MUST(json_skip(r, &err));
        }
    }
    cr_assert(is_checked);
}

// ---- walking a golden file ----

size_t golden_walk(const char *relative, const char *list,
                   void (*each)(JsonReader *r, Arena *arena, void *context), void *context)
{
    const char *path = shared_path(relative);
    cr_assert_not_null(path);
    Arena arena = {0};
    Slice text = {0};
    size_t n = 0;
    MUST(file_map(path, &text, &err));
    JsonReader r = json_reader(slice_from_cstr(relative), text, &arena);
    MUST(json_read_object(&r, &err));
    for (bool more = true;;) {
        Slice key = {0};
        MUST(json_read_key(&r, &key, &more, &err));
        if (!more) break;
        if (!slice_eq_cstr(key, list)) {
            MUST(json_skip(&r, &err));
            continue;
        }
        MUST(json_read_array(&r, &err));
        for (bool more_elements = true;; n++) {
            MUST(json_read_element(&r, &more_elements, &err));
            if (!more_elements) break;
            each(&r, &arena, context);
        }
    }
    file_unmap(&text);
    arena_release(&arena);
    return n;
}

typedef struct Checked {
    const Tokenizer *tokenizer;
    bool ids_only;
} Checked;

static void each_text(JsonReader *r, Arena *arena, void *context)
{
    const Checked *checked = context;
    read_text(r);
    check_text(checked->tokenizer, arena, checked->ids_only);
}

static void each_pair(JsonReader *r, Arena *arena, void *context)
{
    check_pair(((const Checked *)context)->tokenizer, r, arena);
}

size_t golden_check_texts(const Tokenizer *tokenizer, const char *name, bool ids_only)
{
    char relative[256];
    snprintf(relative, sizeof relative, "goldens/models/%s/tokenizer.json", name);
    return golden_walk(relative, "texts", each_text, &(Checked){tokenizer, ids_only});
}

size_t golden_check_pairs(const Tokenizer *tokenizer, const char *name)
{
    char relative[256];
    snprintf(relative, sizeof relative, "goldens/models/%s/tokenizer.json", name);
    return golden_walk(relative, "pairs", each_pair, &(Checked){tokenizer, false});
}

Tokenizer *golden_open(const char *name)
{
    char relative[256];
    snprintf(relative, sizeof relative, "models/%s/tokenizer.json", name);
    const char *path = shared_need(relative);
    Tokenizer *tokenizer = NULL;
    MUST(tokenizer_open_json(path, &tokenizer, &err));
    return tokenizer;
}

Tokenizer *open_pieces(const char *folder, const char *model, const char *file, const char *type,
                       const char *config)
{
    char model_type[64];
    Tokenizer *tokenizer = NULL;
    snprintf(model_type, sizeof model_type, "{\"model_type\": \"%s\"}", type);
    shared_copy(folder, model, file);
    folder_write(folder, "config.json", model_type);
    folder_write(folder, "tokenizer_config.json", config);
    MUST(tokenizer_open(folder, &tokenizer, &err));
    return tokenizer;
}
