// Lines of `assay predict` and `assay tokenize`: whatever stands in them, every mode of every kind of model ends with answers or errors.
// The input's first byte chooses the call.
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_folder.h"
#include "tests/fuzz/fuzz_models.h"

#define ONE "--threads", "1"

static const char *const calls[][FUZZ_MAX_WORDS] = {
    {"predict", "@causal", ONE, "--in", "@"},
    {"predict", "@causal", ONE, "--in", "@", "--mode", "loglik", "--batch", "2"},
    {"predict", "@causal", ONE, "--in", "@", "--mode", "logits"},
    {"predict", "@search", ONE, "--in", "@"},
    {"predict", "@search", ONE, "--in", "@", "--mode", "logits"},
    {"predict", "@sequence", ONE, "--in", "@", "--json"},
    {"predict", "@sequence", ONE, "--in", "@", "--explain"},
    {"predict", "@token", ONE, "--in", "@"},
    {"predict", "@token", ONE, "--in", "@", "--explain", "--explain-steps", "2"},
    {"predict", "@span", ONE, "--in", "@", "--max-length", "12"},
    {"predict", "@span", ONE, "--in", "@", "--explain"},
    {"predict", "@masked", ONE, "--in", "@"},
    {"predict", "@masked", ONE, "--in", "@", "--mode", "pll"},
    {"predict", "@embedding", ONE, "--in", "@"},
    {"predict", "@span", ONE, "--in", "@", "--format", "squad"},
    {"predict", "@token", ONE, "--in", "@", "--format", "conll"},
    {"predict", "@masked", ONE, "--in", "@", "--format", "crows-pairs"},
    {"predict", "@causal", ONE, "--in", "@", "--format", "hellaswag"},
    {"tokenize", "@causal", "--in", "@"},
    {"tokenize", "@sequence", "--in", "@"},
    {"tokenize", "@marian", "--in", "@", "--decode"},
    {"tokenize", "--as", "13a", "--in", "@"},
};
enum { N_CALLS = sizeof calls / sizeof *calls };

// The i-th begins with 'A' + i.
const Slice fuzz_seeds[] = {
    SLICE_LIT(
        "A{\"prompt\": \"ab a\", \"max_new_tokens\": 4, \"temperature\": 0.5, \"top_k\": 3, \"top_p\": 0.9, \"min_p\": "
        "0.01, \"seed\": 7, \"repetition_penalty\": 1.2, \"stop\": [\"b\", \" a\"]}\n"
        "{\"id\": 1, \"input_ids\": [0, 3, 4], \"num_beams\": 3, \"num_return_sequences\": 2, \"length_penalty\": -1, "
        "\"early_stopping\": \"never\", \"no_repeat_ngram_size\": 2, \"min_new_tokens\": 1}\n"
        "{\"max_new_tokens\": 3, \"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"tools\": [], \"chat_template_kwargs\": {}, "
        "\"truncate\": \"left\", \"bad_words_ids\": [[3], [4, 3]], \"suppress_tokens\": [5]}\n"),
    SLICE_LIT("B{\"context\": \"ab\", \"continuation\": \" a\"}\n{\"context_ids\": [0, 3], "
              "\"continuation_ids\": [4, 4], \"truncate\": \"refuse\"}\n"),
    SLICE_LIT("C{\"text\": \"ab\"}\n{\"input_ids\": [0, 3], \"attention_mask\": [0, 1]}\n"),
    SLICE_LIT(
        "D{\"text\": \"ab a\", \"num_beams\": 2, \"max_length\": 9, \"min_length\": 3, \"forced_bos_token_id\": 3, "
        "\"forced_eos_token_id\": 1, \"decoder_start_token_id\": 2, \"encoder_no_repeat_ngram_size\": 2, "
        "\"begin_suppress_tokens\": [3]}\n{\"input_ids\": [0, 3, 1], \"do_sample\": true, \"top_k\": 2}\n"),
    SLICE_LIT("E{\"text\": \"ab\", \"decoder_input_ids\": [1, 3, 2], \"decoder_attention_mask\": "
              "[1, 1, 0]}\n"),
    SLICE_LIT(
        "F{\"text\": \"a b.\", \"pair\": \"the a\"}\n{\"text\": \"a\", \"candidate_labels\": [\"this\", \"b\"], "
        "\"hypothesis_template\": \"a {}.\", \"multi_label\": true}\n"),
    SLICE_LIT(
        "G{\"text\": \"a \xC3\xA9 b\"}\n{\"input_ids\": [2, 5, 3], \"token_type_ids\": [0, 0, "
        "1]}\n"),
    SLICE_LIT("H{\"text\": \"ab b. aaab\"}\n{\"words\": [\"ab\", \"\", \"b.\"]}\n"),
    SLICE_LIT("I{\"text\": \"a b\"}\n"),
    SLICE_LIT("J{\"text\": \"a\", \"pair\": \"this is the a b a. ab ab ab ab ab ab\", "
              "\"truncate\": \"left\"}\n"),
    SLICE_LIT("K{\"text\": \"a\", \"pair\": \"b a\xF0\x9F\x98\x80\"}\n"),
    SLICE_LIT("L{\"text\": \"a [MASK] b\"}\n"),
    SLICE_LIT("M{\"text\": \"a b\"}\n{\"input_ids\": [2, 5, 6, 3]}\n"),
    SLICE_LIT("N{\"text\": \"a b\"}\n"),
    SLICE_LIT(
        "O{\"data\": [{\"paragraphs\": [{\"context\": \"a b.\", \"qas\": [{\"id\": \"1\", \"question\": \"a\", "
        "\"answers\": [{\"text\": \"b\", \"answer_start\": 2}]}]}]}]}"),
    SLICE_LIT("Pa B-X\nb O\n\nab O\n"),
    SLICE_LIT("Qsent_more,sent_less,stereo_antistereo,bias_type\na b,a a,stereo,age\n"),
    SLICE_LIT("Ra\n1\nb\na\nab\nba\n"),
    SLICE_LIT("S{\"text\": \"ab\", \"pair\": \"a\", \"max_length\": 4, \"strategy\": "
              "\"only_first\", \"stride\": 1, \"special\": false}\nab\n"),
    SLICE_LIT("T{\"text\": \"a bab\", \"max_length\": 4, \"stride\": 1}\n"),
    SLICE_LIT("U{\"ids\": [2, 3, 0]}\n[1, 4]\n"),
    SLICE_LIT("V{\"text\": \"a's b-c 1,000.5\"}\n\"x\"\n"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;
_Static_assert(sizeof fuzz_seeds / sizeof *fuzz_seeds == N_CALLS, "a seed for each call");

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char in[FUZZ_UNNAMED_SIZE];
    if (size == 0) return 0;
    fuzz_models_make();
    const int file = fuzz_unnamed((Slice){(const char *)data + 1, size - 1}, in);
    fuzz_run(calls[(data[0] - (size_t)'A') % N_CALLS], in);
    close(file);
    return 0;
}
