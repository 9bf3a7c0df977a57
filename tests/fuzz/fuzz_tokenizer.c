// A tokenizer.json and, after a NUL, a text for it: no bytes crash either, offsets stay within the text, and the fast path
// gives the ids of the full one.
#include "models/tokenizers/tokenizer.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

const Slice fuzz_seeds[] = {
    SLICE_LIT(
        "{\"added_tokens\":[{\"id\":0,\"content\":\"[UNK]\",\"special\":true,\"normalized\":false},"
        "{\"id\":7,\"content\":\"xy\",\"lstrip\":true,\"rstrip\":true,\"single_word\":true}],"
        "\"normalizer\":{\"type\":\"BertNormalizer\",\"strip_accents\":null,\"lowercase\":true},"
        "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
        "\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"b\",2],\"cls\":[\"a\",1]},"
        "\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true},"
        "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"max_input_chars_per_word\":9,"
        "\"vocab\":{\"[UNK]\":0,\"a\":1,\"b\":2,\"##a\":3,\"##ab\":4,\".\":5}}}\0"
        "aab a[UNK] XY \xC3\xA1.\xE4\xB8\xAD  b\xCC\x81"),
    SLICE_LIT(
        "{\"added_tokens\":[{\"id\":9,\"content\":\"<e>\",\"lstrip\":true,\"normalized\":false}],"
        "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"use_regex\":true},"
        "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<e>\","
        "\"type_id\":1}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],\"pair\":[{\"Sequence\":{\"id\":\"A\"}},"
        "{\"Sequence\":{\"id\":\"B\",\"type_id\":1}}],\"special_tokens\":{\"<e>\":{\"ids\":[9]}}},"
        "\"decoder\":{\"type\":\"ByteLevel\"},"
        "\"model\":{\"type\":\"BPE\",\"unk_token\":\"?\",\"fuse_unk\":true,\"vocab\":{\"a\":0,\"b\":1,\"\xC4\xA0\":2,"
        "\"ab\":3,\"\xC4\xA0"
        "a\":4,\"aa\":5,\"?\":6,\"aab\":7},\"merges\":[\"a b\",[\"a\",\"a\"],\"\xC4\xA0 a\","
        "\"a ab\"]}}\0"
        "aab it's <e>  aabaabaabaabaabaabaabaabaabaabaabaabaabaabaabaabaabaabaabaab 12\xE4\xB8\xAD"),
    SLICE_LIT(
        "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFKC\"},{\"type\":\"Nmt\"},"
        "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"EAAAAAAEAAAAAAAAAAAAAAAAAABhYgA=\"},"
        "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\" {2,}|\\\\w{3}+\"},\"content\":\" \"},"
        "{\"type\":\"Prepend\",\"prepend\":\"x\"},{\"type\":\"Strip\",\"strip_left\":true},"
        "{\"type\":\"StripAccents\"},{\"type\":\"Lowercase\"}]},"
        "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Metaspace\","
        "\"replacement\":\"_\",\"prepend_scheme\":\"first\",\"split\":true},{\"type\":\"Punctuation\","
        "\"behavior\":\"MergedWithNext\"},{\"type\":\"Digits\",\"individual_digits\":false},"
        "{\"type\":\"UnicodeScripts\"}]},"
        "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Metaspace\",\"replacement\":\"_\"},"
        "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"bb\"},{\"type\":\"ByteFallback\"},"
        "{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":1}]},"
        "\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"byte_fallback\":true,\"vocab\":[[\"<unk>\",0],"
        "[\"a\",-1.5],[\"_a\",-1],[\"ab\",-2],[\"<0xC3>\",-3]]}}\0"
        "aab  it's  ab\xCC\x81\xCC\xA3 12\xE4\xB8\xAD\xE3\x82\xAB!?"),
    SLICE_LIT(
        "{\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\xE2\x96\x81\"},"
        "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(?=[A-Z])|(a|aa)+$\"},"
        "\"behavior\":\"Contiguous\",\"invert\":true},\"decoder\":{\"type\":\"BPEDecoder\",\"suffix\":\"b\"},"
        "\"model\":{\"type\":\"BPE\",\"unk_token\":\"u\",\"fuse_unk\":true,\"byte_fallback\":true,"
        "\"ignore_merges\":true,\"vocab\":{\"a\":0,\"u\":1,\"\xE2\x96\x81\":2,\"ab\":3,\"\xE2\x96\x81"
        "a\":4,\"b\":5,\"<0xE4>\":6},\"merges\":[\"a b\",\"\xE2\x96\x81 a\"]}}\0"
        "aab aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaB ab  \xE4\xB8\xAD<0xE4>"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

static void check_encoding(const Tokenizer *tokenizer, const Encoding *e, Slice text, Slice pair)
{
    for (size_t i = 0; i < e->n_tokens; i++) {
        const size_t len = e->sequence[i] == 0 ? text.len : e->sequence[i] == 1 ? pair.len : 0;
        if (e->offsets[i].begin > e->offsets[i].end || e->offsets[i].end > len) abort();
        if (tokenizer_token(tokenizer, e->ids[i]).ptr == NULL) abort();
    }
}

static void check_text(const Tokenizer *tokenizer, Slice text, Slice pair, Arena *arena)
{
    const EncodeOptions options = {.max_length = 9, .stride = 1};
    Error err = {0};
    Encoding e = {0};
    EncodingWindows windows = {0};
    TokenBatch batch = {0};
    const Status full = tokenizer_encode(tokenizer, text, &pair, NULL, arena, &e, &err);
    const Status fast =
        tokenizer_encode_batch(tokenizer, &text, &pair, 1, NULL, arena, &batch, &err);
    if (full != fast) abort();
    if (full != STATUS_OK) return;
    if (batch.starts[1] != e.n_tokens) abort();
    if (e.n_tokens > 0 && memcmp(batch.ids, e.ids, e.n_tokens * sizeof *e.ids) != 0) abort();
    check_encoding(tokenizer, &e, text, pair);
    token_offsets_encoding(&e, text, &pair);
    Buffer out = {0};
    if (tokenizer_decode(tokenizer, e.ids, e.n_tokens, true, &out, &err) != STATUS_OK) abort();
    buffer_release(&out);
    if (tokenizer_encode_windows(tokenizer, text, &pair, &options, arena, &windows, &err) !=
        STATUS_OK)
        return;
    for (size_t i = 0; i < windows.n_windows; i++) {
        if (windows.windows[i].n_tokens > options.max_length) abort();
        check_encoding(tokenizer, &windows.windows[i], text, pair);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Slice rest = {(const char *)data, size}, json = {0};
    Error err = {0};
    Tokenizer *tokenizer = NULL;
    Arena arena = {0};
    if (!slice_split(&rest, '\0', &json)) return 0;
    if (tokenizer_parse_json(SLICE("fuzz.json"), json, &tokenizer, &err) == STATUS_OK) {
        check_text(tokenizer, rest, slice_sub(rest, rest.len / 2, rest.len), &arena);
    } else if (err.text[0] == '\0') {
        abort();
    }
    tokenizer_close(&tokenizer);
    if (tokenizer_parse_vocab(SLICE("fuzz.txt"), json, NULL, &tokenizer, &err) == STATUS_OK)
        check_text(tokenizer, rest, json, &arena);
    tokenizer_close(&tokenizer);
    arena_release(&arena);
    return 0;
}
