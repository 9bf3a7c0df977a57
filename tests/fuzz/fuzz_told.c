// The files of a folder without tokenizer.json, cut from one input at NUL bytes: vocab.json, merges.txt, tokenizer_config.json,
// special_tokens_map.json and added_tokens.json. No bytes crash their readers, and what opens encodes.
#include <stdlib.h>

#include "models/tokenizers/tokenizer.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_folder.h"

const Slice fuzz_seeds[] = {
    SLICE_LIT("{\"a\": 0, \"b\": 1, \"ab\": 2, \"<|endoftext|>\": 3}\0#version: 0.2\na b\n\0"
              "{\"tokenizer_class\": \"GPT2Tokenizer\", \"add_prefix_space\": true}"),
    SLICE_LIT(
        "{\"a\": 0, \"<s>\": 1, \"</s>\": 2, \"<unk>\": 3, \"<pad>\": 4}\0\0"
        "{\"tokenizer_class\": \"RobertaTokenizer\", \"mask_token\": {\"content\": \"<mask>\", "
        "\"lstrip\": true}, \"added_tokens_decoder\": {\"7\": {\"content\": \"x\"}}}"),
    SLICE_LIT("{\"a\": 0, \"b\": 1}\0a b\0{\"tokenizer_class\": \"Qwen2TokenizerFast\", "
              "\"additional_special_tokens\": [\"<t>\"], \"bos_token\": null}"),
    SLICE_LIT("{\"a\": 0, \"b\": 1, \"ab\": 2}\0a b\0{\"tokenizer_class\": \"GPT2Tokenizer\"}\0"
              "{\"eos_token\": {\"content\": \"<e>\", \"rstrip\": true}, \"pad_token\": \"a\"}\0"
              "{\"<e>\": 3, \"<x>\": 4}"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"vocab.json", "merges.txt", "tokenizer_config.json",
                                        "special_tokens_map.json", "added_tokens.json"};
    Slice rest = {(const char *)data, size};
    Error err = {0};
    Tokenizer *t = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        Slice text = {0};
        const bool is_there = slice_split(&rest, '\0', &text);
        fuzz_put(names[i], is_there || i < 3 ? text : SLICE("{}"));
    }
    if (tokenizer_open(fuzz_folder(), &t, &err) == STATUS_OK) {
        Arena arena = {0};
        Encoding e = {0};
        const Slice text = SLICE("ab <s>a  b<mask>\xC3\xA9 x");
        if (tokenizer_encode(t, text, NULL, NULL, &arena, &e, &err) != STATUS_OK && !err.text[0])
            abort();
        arena_release(&arena);
    } else if (err.text[0] == '\0') {
        abort();
    }
    tokenizer_close(&t);
    return 0;
}
