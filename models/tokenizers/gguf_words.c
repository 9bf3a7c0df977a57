#include "models/tokenizers/gguf_words.h"

#define GPT2     "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)"
#define GPT2_ALL GPT2 "|\\s+"
#define LLAMA3(n)                                                         \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" n \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

static const GgufWords kinds[] = {
    {.names =
         "gpt-2 phi-2 mpt olmo jais roberta-bpe gigachat jina-es jina-de jina-v1-en jina-v2-es "
         "jina-v2-de",
     .regexes = {GPT2_ALL}},
    {.names = "starcoder refact command-r smollm codeshell exaone minerva-7b",
     .is_starcoder = true},
    {.names = "llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2",
     .regexes = {LLAMA3("{1,3}")},
     .ignore_merges = true,
     .adds_bos = true},
    {.names = "dbrx smaug-bpe chatglm-bpe glm4", .regexes = {LLAMA3("{1,3}")}},
    {.names = "qwen2 stablelm2 hunyuan megrez deepseek-r1-qwen a.x-4.0", .regexes = {LLAMA3("")}},
    {.names = "falcon", .regexes = {"[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"}},
    {.names = "default",
     .regexes = {"[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}},
};

const char gguf_words_names[] =
    "gpt-2, starcoder, llama-bpe, qwen2, falcon, dbrx, smaug-bpe, default and their kin";

const GgufWords *gguf_words_find(Slice name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        Slice names = slice_from_cstr(kinds[i].names), one = {0};
        while (slice_split(&names, ' ', &one)) {
            if (slice_eq(one, name)) return &kinds[i];
        }
    }
    return NULL;
}
