// Whole models in GGUF: whatever metadata and tensors say, opening ends with a model that answers or with an error. The input's first
// byte chooses the model, in lower case without the documents that only assay writes; each further line "KEY=BYTES" puts bytes
// behind the first place where the key or tensor of that name stands: its type and value, or its dimensions and type.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_folder.h"
#include "tests/fuzz/fuzz_models.h"

const Slice fuzz_seeds[] = {
    SLICE_LIT("A\nllama.block_count=\x04\0\0\0\x02\0\0\0\n"),
    SLICE_LIT("a\nllama.attention.head_count=\x04\0\0\0\x01\0\0\0\n"
              "llama.rope.dimension_count=\x04\0\0\0\x02\0\0\0\n"
              "tokenizer.ggml.bos_token_id=\x04\0\0\0\xff\xff\xff\xff\n"),
    SLICE_LIT("a\nllama.context_length=\x04\0\0\0\0\0\0\0\n"
              "llama.embedding_length=\x04\0\0\0\x09\0\0\0\n"
              "llama.feed_forward_length=\x04\0\0\0\x00\x01\0\0\n"),
    SLICE_LIT("a\ntoken_embd.weight=\x02\0\0\0\x10\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\n"
              "tokenizer.ggml.tokens=\x09\0\0\0\x08\0\0\0\x03\0\0\0\0\0\0\0\n"),
    SLICE_LIT("b\nbert.attention.layer_norm_epsilon=\x06\0\0\0\0\0\0\0\n"
              "bert.pooling_type=\x04\0\0\0\x03\0\0\0\n"
              "tokenizer.ggml.token_type=\x09\0\0\0\x05\0\0\0\n"),
    SLICE_LIT("B\nassay.config=\x08\0\0\0\x02\0\0\0\0\0\0\0{}\n"),
    SLICE_LIT("c\nbert.embedding_length=\x04\0\0\0\x04\0\0\0\n"),
    SLICE_LIT("D\ngeneral.architecture=\x08\0\0\0\x04\0\0\0\0\0\0\0t5\n"),
    SLICE_LIT("a\ngeneral.architecture=\x08\0\0\0\x05\0\0\0\0\0\0\0qwen2\n"
              "tokenizer.ggml.model=\x08\0\0\0\x05\0\0\0\0\0\0\0llama\n"
              "tokenizer.ggml.pre=\x08\0\0\0\x03\0\0\0\0\0\0\0x\n"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

static const char *const names[] = {"causal", "sequence", "masked", "search"};
enum { N_NAMES = sizeof names / sizeof *names };
static Slice files[N_NAMES];

static void make_files(void)
{
    static Arena arena; // for as long as the process lives
    fuzz_models_make();
    for (size_t i = 0; i < N_NAMES; i++) {
        char from[32], to[32], path[FUZZ_PATH_SIZE];
        Error err = {0};
        snprintf(from, sizeof from, "@%s", names[i]);
        snprintf(to, sizeof to, "@%s.gguf", names[i]);
        fuzz_run((const char *const[FUZZ_MAX_WORDS]){"quantize", from, "--to", "f16", "-o", to},
                 NULL);
        fuzz_path(to + 1, path);
        if (file_read(&arena, path, SIZE_MAX, &files[i], &err) != STATUS_OK) {
            fprintf(stderr, "fuzz: %s\n", err.text);
            abort();
        }
    }
}

static void put_behind(Slice key, Slice bytes, char *file, size_t len)
{
    const size_t at = slice_find((Slice){file, len}, key);
    if (key.len == 0 || at == SIZE_MAX) return;
    const size_t room = len - at - key.len;
    if (bytes.len > 0) memcpy(file + at + key.len, bytes.ptr, bytes.len < room ? bytes.len : room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const predict[FUZZ_MAX_WORDS] = {"predict", "@patched.gguf", "--threads",
                                                        "1",       "--in",          "@"};
    static const Slice ours[] = {SLICE_LIT("assay.config"),
                                 SLICE_LIT("tokenizer.huggingface.json")};
    static char in[FUZZ_UNNAMED_SIZE];
    Slice rest = {(const char *)data, size}, line = {0}, key = {0};
    if (size == 0) return 0;
    if (in[0] == '\0') {
        make_files();
        (void)fuzz_unnamed(
            SLICE("{\"text\": \"ab a\", \"prompt\": \"ab a\", \"max_new_tokens\": 2}\n"), in);
    }
    const Slice file = files[((data[0] & 0x1fu) + N_NAMES - 1) % N_NAMES];
    char *patched = malloc(file.len);
    if (!patched) abort();
    memcpy(patched, file.ptr, file.len);
    for (size_t i = 0; data[0] >= 'a' && i < sizeof ours / sizeof *ours; i++) {
        const size_t at = slice_find((Slice){patched, file.len}, ours[i]);
        if (at != SIZE_MAX) patched[at] = 'x';
    }
    (void)slice_split(&rest, '\n', &line);
    while (slice_split(&rest, '\n', &line)) {
        Slice bytes = line;
        if (slice_split(&bytes, '=', &key)) put_behind(key, bytes, patched, file.len);
    }
    fuzz_put("patched.gguf", (Slice){patched, file.len});
    fuzz_run(predict, in);
    free(patched);
    return 0;
}
