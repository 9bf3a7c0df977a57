// A SentencePiece model and, after four bytes that say where, a text for it: no bytes crash the reader of protobuf, the
// character map or the models, offsets stay within the text, and the fast path gives the ids of the full one.
#include <stdlib.h>
#include <string.h>

#include "models/tokenizers/tokenizer.h"
#include "tests/fuzz/fuzz.h"

// Pieces <unk>, "\u2581a", "a", "b" with types and scores; a trainer (unigram or bpe, with its options); a normaliser
// with a character map of four units that turns "b" into "ab".
#define PIECES                                  \
    "\x0A\x0E\x0A\x05<unk>\x15\0\0\0\0\x18\x02" \
    "\x0A\x0B\x0A\x04\xE2\x96\x81"              \
    "a\x15\0\0\x80\xBF"                         \
    "\x0A\x08\x0A\x01"                          \
    "a\x15\0\0\0\xC0"                           \
    "\x0A\x0A\x0A\x01"                          \
    "b\x15\0\0\x40\xC0\x18\x04"
#define MAP                                                        \
    "\x1A\x1B\x12\x13\x10\0\0\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0" \
    "ab\0\x18\x01\x20\x01\x28\x01"

const Slice fuzz_seeds[] = {
    SLICE_LIT("\x44\0\0\0" PIECES "\x12\x02\x18\x01" MAP "aab a  b\xC3\xA9\xF0\x9F\x98\x80"),
    SLICE_LIT("\x3A\0\0\0" PIECES "\x12\x02\x18\x02"
              "\x1A\x06\x18\x01\x20\0\x28\x01"
              "aab ab a\xE2\x96\x81"
              "b bb\n\xFF\xC3"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

static void check_text(const Tokenizer *t, Slice text, Arena *arena)
{
    Error err = {0};
    Encoding e = {0};
    TokenBatch batch = {0};
    Buffer out = {0};
    const Status full = tokenizer_encode(t, text, NULL, NULL, arena, &e, &err);
    if (full != tokenizer_encode_batch(t, &text, NULL, 1, NULL, arena, &batch, &err)) abort();
    if (full != STATUS_OK) return;
    if (batch.starts[1] != e.n_tokens) abort();
    if (e.n_tokens > 0 && memcmp(batch.ids, e.ids, e.n_tokens * sizeof *e.ids) != 0) abort();
    for (size_t i = 0; i < e.n_tokens; i++) {
        if (e.offsets[i].begin > e.offsets[i].end || e.offsets[i].end > text.len) abort();
        if (tokenizer_token(t, e.ids[i]).ptr == NULL || e.tokens[i].ptr == NULL) abort();
    }
    if (tokenizer_decode(t, e.ids, e.n_tokens, true, &out, &err) != STATUS_OK) abort();
    buffer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Slice rest = {(const char *)data, size}, model = {0};
    uint32_t len = 0;
    Error err = {0};
    Tokenizer *t = NULL;
    Arena arena = {0};
    if (!slice_take_u32le(&rest, &len) || !slice_take(&rest, len % (rest.len + 1), &model))
        return 0;
    if (tokenizer_parse_model(SLICE("fuzz.model"), model, &t, &err) == STATUS_OK) {
        check_text(t, rest, &arena);
    } else if (err.text[0] == '\0') {
        abort();
    }
    tokenizer_close(&t);
    arena_release(&arena);
    return 0;
}
