// JSON documents: parsing never crashes, and what parses can be walked, written and parsed again to the same.
#include "base/json.h"
#include "base/json_writer.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <stdlib.h>

const Slice fuzz_seeds[] = {
    SLICE_LIT(
        "{\"suite\": \"s\", // c\n \"seed\": 17, \"tune\": {\"lr\": [1e-5, 3.0E+5], \"n\": -0}}"),
    SLICE_LIT(
        "[\"\\ud83d\\ude00\\u00e9\\n\", \"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\", null, true, false]"),
    SLICE_LIT("/* c */ [[[[[{}]]]], {\"a\": {\"a\": {\"A\": 9223372036854775808}}}]"),
    SLICE_LIT(
        "\xef\xbb\xbf{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":10,"
        "\"k\":11,\"l\":12,\"m\":13,\"n\":14,\"o\":15,\"p\":16,\"q\":17,\"r\":18}"),
    SLICE_LIT("[0.1234567890123456789012345678901234567890123456789012345678901234567890]"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

static void write_value(JsonWriter *w, const Json *value)
{
    const bool is_object = json_kind(value) == JSON_OBJECT;
    switch (json_kind(value)) {
    case JSON_NULL:
        json_put_null(w);
        break;
    case JSON_BOOL:
        json_put_bool(w, json_bool(value));
        break;
    case JSON_NUMBER:
        json_put_raw(w, json_number_text(value));
        break;
    case JSON_STRING:
        json_put_string(w, json_string(value));
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        is_object ? json_begin_object(w) : json_begin_array(w);
        for (const Json *v = json_first(value); v; v = json_next(v)) {
            if (is_object) json_put_key_slice(w, json_key(v));
            if (json_place(v).line < 1 || json_place(v).column < 1) abort();
            write_value(w, v);
        }
        is_object ? json_end_object(w) : json_end_array(w);
        break;
    }
}

static bool same(const Json *a, const Json *b)
{
    if (json_kind(a) != json_kind(b) || json_len(a) != json_len(b)) return false;
    if (json_kind(a) == JSON_STRING) return slice_eq(json_string(a), json_string(b));
    if (json_kind(a) == JSON_NUMBER) return json_double(a) == json_double(b);
    for (size_t i = 0; i < json_len(a); i++) {
        if (!slice_eq(json_key(json_at(a, i)), json_key(json_at(b, i)))) return false;
        if (!same(json_at(a, i), json_at(b, i))) return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const known[] = {"suite", "seed", "tune"};
    const Slice text = {(const char *)data, size};
    Error err = {0};
    for (int flags = JSON_STRICT; flags <= JSON_COMMENTS; flags++) {
        JsonDocument *document = NULL, *again = NULL;
        if (json_parse(SLICE("fuzz.json"), text, (JsonFlags)flags, &document, &err) != STATUS_OK) {
            if (document || err.text[0] == '\0') abort();
            continue;
        }
        const Json *root = json_root(document);
        int64_t seed = 0;
        const Status s = json_opt_i64(root, "seed", 0, 100, &seed, &err);
        const Status keys = json_check_keys(root, known, 3, &err);
        if ((s != STATUS_OK || keys != STATUS_OK) && err.text[0] == '\0') abort();
        Buffer out = {0};
        JsonWriter w = json_writer(&out, 2);
        write_value(&w, root);
        if (json_parse(SLICE("again"), buffer_slice(&out), JSON_STRICT, &again, &err) != STATUS_OK)
            abort();
        if (!same(root, json_root(again))) abort();
        json_close(&again);
        json_close(&document);
        buffer_release(&out);
    }
    return 0;
}
