// vocab.json, merges.txt and tokenizer_config.json of a folder, cut from one input at NUL bytes: no bytes crash their
// readers, and what opens encodes.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/fuzz/fuzz.h"

const Slice fuzz_seeds[] = {
    SLICE_LIT("{\"a\": 0, \"b\": 1, \"ab\": 2, \"<|endoftext|>\": 3}\0#version: 0.2\na b\n\0"
              "{\"tokenizer_class\": \"GPT2Tokenizer\", \"add_prefix_space\": true}"),
    SLICE_LIT(
        "{\"a\": 0, \"<s>\": 1, \"</s>\": 2, \"<unk>\": 3, \"<pad>\": 4}\0\0"
        "{\"tokenizer_class\": \"RobertaTokenizer\", \"mask_token\": {\"content\": \"<mask>\", "
        "\"lstrip\": true}, \"added_tokens_decoder\": {\"7\": {\"content\": \"x\"}}}"),
    SLICE_LIT("{\"a\": 0, \"b\": 1}\0a b\0{\"tokenizer_class\": \"Qwen2TokenizerFast\", "
              "\"additional_special_tokens\": [\"<t>\"], \"bos_token\": null}"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

static char folder[64];

static void remove_folder(void)
{
    char path[128];
    static const char *const names[] = {"vocab.json", "merges.txt", "tokenizer_config.json"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

static void put(const char *name, Slice text)
{
    char path[128];
    Error err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (file_write(path, text, &err) != STATUS_OK) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Slice rest = {(const char *)data, size}, vocab = {0}, merges = {0};
    Error err = {0};
    Tokenizer *t = NULL;
    if (folder[0] == '\0') {
        // In memory where that is possible: files are synced to disk as they are written.
        const char *place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        snprintf(folder, sizeof folder, "%s/assay-fuzz-XXXXXX", place);
        if (!mkdtemp(folder)) abort();
        (void)atexit(remove_folder);
    }
    (void)slice_split(&rest, '\0', &vocab);
    (void)slice_split(&rest, '\0', &merges);
    put("vocab.json", vocab);
    put("merges.txt", merges);
    put("tokenizer_config.json", rest);
    if (tokenizer_open(folder, &t, &err) == STATUS_OK) {
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
