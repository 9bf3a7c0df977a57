// The pull reader: no bytes crash it, and it agrees with the document parser on what is JSON.
#include "base/json_reader.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

const Slice fuzz_seeds[] = {
    SLICE_LIT(
        "{\"text\": \"a\\u0000b\\ud83d\\ude00\", \"n\": [1, -2, 18446744073709551615], \"x\": {\"y\": null}}"),
    SLICE_LIT("[\"NaN\", \"Infinity\", 0.5e-3, true, [[], {}]]"),
    SLICE_LIT(
        "{\"vocab\": {\"[PAD]\": 0, \"##s\": 1}, \"merges\": [[\"a\", \"b\"]], \"ok\": false}"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

static Status read_value(JsonReader *r, Error *err)
{
    JsonKind kind = JSON_NULL;
    Slice text;
    double number;
    bool more, flag;
    TRY(json_peek(r, &kind, err));
    switch (kind) {
    case JSON_NULL:
        return json_read_null(r, err);
    case JSON_BOOL:
        return json_read_bool(r, &flag, err);
    case JSON_NUMBER:
        return json_read_double(r, &number, err);
    case JSON_STRING:
        return json_read_string(r, &text, err);
    case JSON_ARRAY:
        TRY(json_read_array(r, err));
        for (;;) {
            TRY(json_read_element(r, &more, err));
            if (!more) return STATUS_OK;
            TRY(read_value(r, err));
        }
    case JSON_OBJECT:
        TRY(json_read_object(r, err));
        for (;;) {
            TRY(json_read_key(r, &text, &more, err));
            if (!more) return STATUS_OK;
            TRY(read_value(r, err));
        }
    }
    return STATUS_INTERNAL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const Slice text = {(const char *)data, size}, name = SLICE_LIT("fuzz.jsonl");
    Arena arena = {0};
    Error err = {0}, read_err = {0}, skip_err = {0};
    JsonReader reading = json_reader(name, text, &arena),
               skipping = json_reader(name, text, &arena);
    Slice raw = {0};
    Status read = read_value(&reading, &read_err), skip = json_read_raw(&skipping, &raw, &skip_err);
    if (read == STATUS_OK) read = json_read_end(&reading, &read_err);
    if (skip == STATUS_OK) skip = json_read_end(&skipping, &skip_err);
    // Reading also refuses numbers that are out of range.
    if (read == STATUS_OK && skip != STATUS_OK) abort();
    if (skip != STATUS_OK && read_err.text[0] == '\0') abort();
    JsonDocument *document = NULL;
    if (json_parse(name, text, JSON_STRICT, &document, &err) == STATUS_OK && read != STATUS_OK)
        abort();
    json_close(&document);
    arena_release(&arena);
    return 0;
}
