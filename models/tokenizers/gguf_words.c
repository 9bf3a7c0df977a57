// The expressions say what llama.cpp's do, in Unicode terms. There characters are first collapsed to their categories, which
// shows in a few places: upper and lower case are told apart in ASCII alone, digits by name are those of ASCII, and blanks
// beyond ASCII are in no range of characters.
#include "models/tokenizers/gguf_words.h"

#include <string.h>

#include "models/tokenizers/components.h"

#define GPT2     "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)"
#define GPT2_ALL GPT2 "|\\s+"
#define ENDINGS  "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
#define BLANKS   "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
// A word with the character before it, digits n at a time, signs and line ends.
#define WORDS(n)  "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" n "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" BLANKS
#define LLAMA3(n) ENDINGS "|" WORDS(n)
// Words that begin with capitals, with marks or without; of "cased" letters those beyond ASCII are both.
#define CASED(high, low, end)                                                                    \
    "[^\\r\\n\\p{L}\\p{N}]?" high "*" low "+" end "|[^\\r\\n\\p{L}\\p{N}]?" high "+" low "*" end \
    "|\\p{N}"
#define LETTER_HIGH "[^\\P{L}a-z]"
#define LETTER_LOW  "[^\\P{L}A-Z]"
#define NO_WORD     "\\p{N}\\p{P}\\p{S}\\p{Z}\\p{C}" // all that is neither letter nor mark
#define WITH_SLASH  "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" BLANKS
#define CASELESS(n) "[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+" ENDINGS "?|\\p{N}" n WITH_SLASH
#define SIGN_WORD                                            \
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|" \
    "[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+"
#define DEEPSEEK3    SIGN_WORD "[\\r\\n]*|" BLANKS
#define HAN_AND_KANA "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"
#define EAST_ASIAN   "(?:(?!\\s)[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff])+"
#define NO_STOPS     " ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+"
// Numbers three digits at a time, counted from the end; the first three take along what stands before them.
#define TRIPLES "\\P{N}*(?:\\p{N}{1,2}(?=(?:\\p{N}{3})*(?!\\p{N}))|\\p{N}{3})"
#define HAN                                                                                        \
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002ebef\U0002f800-" \
    "\U0002fa1f"
#define CASED_SCRIPTS                                                                      \
    "A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-" \
    "\u02af\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-"   \
    "\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5" \
    "\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u1e00" \
    "-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-" \
    "\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-" \
    "\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115\u2119-"  \
    "\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f\u2145-\u2149"   \
    "\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d"   \
    "\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06\ufb13" \
    "-\ufb17\uff21-\uff3a\uff41-\uff5a\U00010400-\U0001044f\U000104b0-\U000104d3"          \
    "\U000104d8-\U000104fb\U00010c80-\U00010cb2\U00010cc0-\U00010cf2\U000118a0-\U000118df" \
    "\U0001e900-\U0001e943"

static const GgufWords kinds[] = {
    {.names =
         "gpt-2 phi-2 mpt olmo jais roberta-bpe gigachat jina-es jina-de jina-v1-en jina-v2-es "
         "jina-v2-de jina-v2-code a.x-4.0 mellum modern-bert exaone4 trillion granite-docling",
     .regexes = {GPT2_ALL}},
    {.names = "starcoder refact command-r smollm codeshell exaone minerva-7b mellum2",
     .is_starcoder = true},
    {.names = "llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
     .regexes = {LLAMA3("{1,3}")},
     .ignore_merges = true,
     .adds_bos = true},
    {.names = "dbrx smaug-bpe chatglm-bpe glm4 glm5", .regexes = {LLAMA3("{1,3}")}},
    {.names = "qwen2 stablelm2 hunyuan megrez deepseek-r1-qwen kormo f2llmv2 solar-open grok-2",
     .regexes = {LLAMA3("")}},
    {.names = "qwen35",
     .regexes = {ENDINGS "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| "
                         "?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" BLANKS}},
    {.names = "falcon", .regexes = {"[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"}},
    {.names = "default",
     .regexes = {"[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}},
    {.names = "jais-2",
     .regexes = {ENDINGS
                 "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
                 "\\s*[\\r\\n]+|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|"
                 "\\s{32}(?!\\S)|\\s{16}(?!\\S)|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s"}},
    {.names = "minicpm5", .regexes = {"\\p{N}{1,3}", LLAMA3("+")}, .ignore_merges = true},
    {.names = "laguna", .regexes = {"[^\\n]+|\\n+", LLAMA3("")}},
    {.names = "ufakzeka", .regexes = {WORDS("")}},
    {.names = "seed-coder",
     .regexes = {ENDINGS
                 "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|" BLANKS}},
    {.names = "bailingmoe bailingmoe2 llada-moe",
     .regexes = {"'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| "
                 "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}},
    {.names = "exaone-moe",
     .regexes = {ENDINGS "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}| "
                         "?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}},
    {.names = "tekken",
     .regexes = {CASED(LETTER_HIGH, LETTER_LOW, "") WITH_SLASH},
     .ignore_merges = true,
     .adds_bos = true},
    {.names = "gpt-4o llama4 kanana2 talkie minimax-m2",
     .regexes = {CASED(LETTER_HIGH, LETTER_LOW, ENDINGS "?") "{1,3}" WITH_SLASH}},
    {.names = "granite-embed-multi-97m",
     .regexes = {CASED("[^a-z" NO_WORD "]", "[^A-Z" NO_WORD "]", ENDINGS "?") "{1,3}" WITH_SLASH},
     .ignore_merges = true},
    {.names = "tiny_aya cohere2moe", .regexes = {TRIPLES, CASELESS("{1,3}")}},
    {.names = "youtu",
     .regexes =
         {"[\uac00-\ud7a3\u3131-\u318e]+|[\uff01\u2026\u201c\u201d\u2018\u2019\u2014\uff1a\uff1b"
          "\uff0c\u3001-\u303f\ufe30-\ufe4f]+|[\u3105-\u312f]+|" HAN_AND_KANA,
          CASELESS("")},
     .ignore_merges = true},
    {.names = "deepseek-llm",
     .regexes = {"[\\r\\n]", "\\s?[" CASED_SCRIPTS "]+",
                 "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3001\u3002]+", "\\s+\\z",
                 EAST_ASIAN, "\\p{N}+"}},
    {.names = "deepseek-coder",
     .regexes = {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", EAST_ASIAN, "\\p{N}"}},
    {.names = "deepseek-v3 hunyuan-dense joyai-llm hy_v4",
     .regexes = {"\\p{N}{1,3}", HAN_AND_KANA, DEEPSEEK3}},
    {.names = "spark2_5",
     .regexes = {"\\p{N}{1,3}", HAN_AND_KANA, SIGN_WORD "|[\\r\\n]|\\s+(?!\\S)|\\s+", "\\p{N}"}},
    {.names = "afmoe",
     .regexes =
         {TRIPLES,
          "[\u4e00-\u9fff\u3400-\u4dbf\u8c48-\ufaff\u3040-\u309f\u30a0-\u30ff\uff65-\uff9f\u2f00-\u2fdf"
          "\u0e40-\u0e7f\u0e80-\u0eff\u1780-\u17ff\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff\uac00-\ud7af"
          "\u1100-\u11ff]+",
          DEEPSEEK3}},
    {.names = "kimi-k2",
     .regexes = {"[" HAN "]+|[^\\r\\n\\p{L}\\p{N}]?[^\\P{L}" HAN "]+" ENDINGS
                 "?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" BLANKS}},
    {.names = "superbpe", .regexes = {"\\p{N}+", "(?=(?:[0-9]{3})+(?![0-9]))"}},
    {.names = "poro-chat bloom gpt3-finnish", .regexes = {NO_STOPS}},
    {.names = "viking", .regexes = {NO_STOPS, "\\p{N}"}},
    {.names = "chameleon",
     .regexes = {"<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z", "[\\t\\n]|    |  ", "\\p{N}",
                 "[\\p{P}!-/:-@\\[-`{-~]", GPT2},
     .adds_bos = true},
};

const char gguf_words_names[] =
    "all of llama.cpp's but gemma4, sarvam-moe, granite-embed-multi-311m and whitespace";

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

// The first place of "phi3" or "phi-3"; the text's length where there is none.
static size_t find_phi3(Slice name)
{
    for (size_t i = 0; i + 4 <= name.len; i++) {
        const char *at = name.ptr + i;
        if ((at[0] | 0x20) != 'p' || (at[1] | 0x20) != 'h' || (at[2] | 0x20) != 'i') continue;
        if (at[3] == '3' || (at[3] == '-' && i + 4 < name.len && at[4] == '3')) return i;
    }
    return name.len;
}

bool gguf_words_is_phi3(Slice name)
{
    return find_phi3(name) < name.len;
}

void gguf_words_blur_phi3(Slice name, Buffer *out)
{
    while (gguf_words_is_phi3(name)) {
        const size_t at = find_phi3(name) + 3;
        buffer_append(out, slice_sub(name, 0, at));
        buffer_append_byte(out, ' ');
        name = slice_sub(name, name.ptr[at] == '-' ? at + 1 : at, name.len);
    }
    buffer_append(out, name);
}

// Whether an expression by which texts are split has `part` in it, and `other` too.
static bool splits_by(const Json *pre, const char *part, const char *other)
{
    bool is_list = false;
    for (const Json *v = component_first(pre, "pretokenizers", &is_list); v;
         v = is_list ? json_next(v) : NULL) {
        const Json *regex = json_get(json_get(v, "pattern"), "Regex");
        if (!regex || json_kind(regex) != JSON_STRING) continue;
        if (slice_find(json_string(regex), slice_from_cstr(part)) != SIZE_MAX &&
            slice_find(json_string(regex), slice_from_cstr(other)) != SIZE_MAX)
            return true;
    }
    return false;
}

const char *gguf_words_name(const Json *root)
{
    // More special ones come first.
    static const struct {
        const char *part, *other, *name;
    } signs[] = {
        {"\\p{Lu}\\p{Lt}", "\\p{N}{1,3}", "gpt-4o"},
        {"\\p{Lu}\\p{Lt}", "|\\p{N}|", "tekken"},
        {"][A-Za-z]+|", "\\p{P}\\p{S}", "deepseek-v3"},
        {"\\s?\\p{P}+", "", "deepseek-coder"},
        {"\\s?[A-Za-z\u00b5", "", "deepseek-llm"},
        {"[.,!?\u2026\u3002", "", "bloom"},
        {"[0-9][0-9][0-9]", "", "falcon"},
        {"\\p{L}\\p{M}]+|", "|\\p{N}|", "qwen35"},
        {"|\\p{N}{1,3}|", "", "llama-bpe"},
        {"|\\p{N}|", "", "qwen2"},
    };
    const Json *pre = json_get(root, "pre_tokenizer");
    bool ignores_merges = false;
    if (json_opt_bool(json_get(root, "model"), "ignore_merges", &ignores_merges, NULL) != STATUS_OK)
        ignores_merges = false; // the tokenizer was read before, and would not have been
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (!splits_by(pre, signs[i].part, signs[i].other)) continue;
        // Of Llama 3's two the one whose words need no merges.
        if (strcmp(signs[i].name, "llama-bpe") == 0 && !ignores_merges) return "smaug-bpe";
        return signs[i].name;
    }
    return component_has(pre, "pretokenizers", "Digits") ? "starcoder" : "gpt-2";
}
