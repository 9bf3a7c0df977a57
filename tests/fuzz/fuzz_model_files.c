// Files that stand beside a model's weights, one at a time in the place of a good one: whatever is in it, the commands that read it
// end with answers or an error. The input's first byte chooses the file.
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_folder.h"
#include "tests/fuzz/fuzz_models.h"

#define ONE "--threads", "1"

// The i-th is the good content of the i-th file, behind 'A' + i.
const Slice fuzz_seeds[] = {
    SLICE_LIT(
        "A{\"do_sample\": true, \"temperature\": 0.7, \"top_k\": 3, \"top_p\": 0.9, \"min_p\": 0.1, \"max_new_tokens\": 3, "
        "\"repetition_penalty\": 1.1, \"eos_token_id\": [1, 4], \"stop_strings\": [\"b\"], \"bad_words_ids\": [[3]], "
        "\"suppress_tokens\": [5], \"num_beams\": 1, \"bos_token_id\": 0}"),
    SLICE_LIT(
        "B{\"num_beams\": 2, \"max_length\": 6, \"min_length\": 2, \"length_penalty\": 2.0, \"early_stopping\": true, "
        "\"no_repeat_ngram_size\": 2, \"encoder_no_repeat_ngram_size\": 3, \"forced_bos_token_id\": 3, "
        "\"forced_eos_token_id\": 1, \"begin_suppress_tokens\": [4], \"guidance_scale\": 1.0, \"sequence_bias\": null, "
        "\"decoder_start_token_id\": 1}"),
    SLICE_LIT(
        "C[{\"path\": \"\", \"type\": \"sentence_transformers.models.Transformer\"}, {\"path\": \"1_Pooling\", "
        "\"type\": \"sentence_transformers.models.Pooling\"}, {\"path\": \"2_Dense\", \"type\": "
        "\"sentence_transformers.models.Dense\"}, {\"type\": \"sentence_transformers.models.Normalize\"}]"),
    SLICE_LIT("D{\"word_embedding_dimension\": 8, \"pooling_mode_cls_token\": false, "
              "\"pooling_mode_mean_tokens\": true, \"pooling_mode_max_tokens\": false, "
              "\"pooling_mode\": \"mean\", \"include_prompt\": true}"),
    SLICE_LIT(
        "E{\"in_features\": 8, \"out_features\": 2, \"bias\": false, \"activation_function\": "
        "\"torch.nn.modules.activation.Tanh\", \"module_input_name\": \"sentence_embedding\"}"),
    SLICE_LIT("F\x48\0\0\0\0\0\0\0{\"linear.weight\":{\"dtype\":\"F16\",\"shape\":[2,8],"
              "\"data_offsets\":[0,32]}}   "
              "\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c"
              "\0\x2c\0\x2c"),
    SLICE_LIT(
        "G{\"metadata\": {\"total_size\": 1856}, \"weight_map\": {\"model.embed_tokens.weight\": "
        "\"model-1.safetensors\", \"model.norm.weight\": \"model-1.safetensors\"}}"),
    SLICE_LIT(
        "H{\"tokenizer_class\": \"PreTrainedTokenizerFast\", \"bos_token\": \"<s>\", \"eos_token\": {\"content\": \"</s>\", "
        "\"lstrip\": true}, \"unk_token\": null, \"model_max_length\": 20, \"model_input_names\": [\"input_ids\"], "
        "\"chat_template\": [{\"name\": \"default\", \"template\": \"{{ messages }}\"}], \"add_bos_token\": true, "
        "\"clean_up_tokenization_spaces\": false, \"added_tokens_decoder\": {\"11\": {\"content\": \"<x>\", "
        "\"special\": true}}, \"additional_special_tokens\": [\"<x>\"]}"),
    SLICE_LIT("I{\"bos_token\": \"<s>\", \"eos_token\": {\"content\": \"</s>\", \"single_word\": "
              "false}, \"additional_special_tokens\": [\"<x>\", {\"content\": \"<y>\"}]}"),
    SLICE_LIT("J{\"<s>\": 0, \"</s>\": 1, \"<x>\": 11}"),
    SLICE_LIT(
        "K{{ bos_token }}{% for m in messages %}{{ m.role + m['content'] | trim }}{% endfor %}"),
    SLICE_LIT(
        "L{\"program\": \"assay\", \"prepare\": [\"nfc\"], \"max_length\": 20, \"threshold\": 0.4, \"task\": \"classify\", "
        "\"tune\": {\"learning_rate\": 1e-4}}"),
    SLICE_LIT("M---\nlicense: mit\nbase_model: a/b\ndatasets:\n- c\n- d\ntags: [x, 'y']\n---\n# a "
              "model\n"),
    SLICE_LIT(
        "N{\"architectures\": [\"BertForSequenceClassification\"], \"model_type\": \"bert\", \"vocab_size\": 16, "
        "\"hidden_size\": 8, \"num_hidden_layers\": 1, \"num_attention_heads\": 2, \"intermediate_size\": 8, "
        "\"max_position_embeddings\": 24, \"type_vocab_size\": 2, \"pad_token_id\": 0, \"id2label\": {\"0\": \"a\", "
        "\"1\": \"b\", \"2\": \"c\"}, \"problem_type\": \"single_label_classification\"}"),
    SLICE_LIT(
        "O{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\", \"vocab_size\": 16, \"hidden_size\": 8, "
        "\"num_hidden_layers\": 1, \"num_attention_heads\": 2, \"num_key_value_heads\": 1, \"intermediate_size\": 8, "
        "\"max_position_embeddings\": 48, \"tie_word_embeddings\": true, \"bos_token_id\": 0, \"eos_token_id\": 1, "
        "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 2.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": "
        "4.0, \"original_max_position_embeddings\": 16}}"),
    SLICE_LIT(
        "P{\"architectures\": [\"BartForConditionalGeneration\"], \"model_type\": \"bart\", \"vocab_size\": 16, \"d_model\": "
        "8, \"encoder_layers\": 1, \"decoder_layers\": 1, \"encoder_attention_heads\": 2, \"decoder_attention_heads\": 2, "
        "\"encoder_ffn_dim\": 8, \"decoder_ffn_dim\": 8, \"max_position_embeddings\": 24, \"pad_token_id\": 2, "
        "\"bos_token_id\": 0, \"eos_token_id\": 1, \"decoder_start_token_id\": 1, \"num_beams\": 2}"),
    SLICE_LIT("Q{\"</s>\": 0, \"<unk>\": 1, \"\\u2581a\": 2, \"a\": 3, \"b\": 4, \"<pad>\": 5}"),
    SLICE_LIT(
        "R{\"tokenizer_class\": \"MarianTokenizer\", \"source_lang\": \"en\", \"target_lang\": "
        "\"de\", \"separate_vocabs\": false}"),
    SLICE_LIT("S\x0A\x0E\x0A\x05<unk>\x15\0\0\0\0\x18\x02"
              "\x0A\x0B\x0A\x04\xE2\x96\x81"
              "a\x15\0\0\x80\xBF"
              "\x0A\x08\x0A\x01"
              "a\x15\0\0\0\xC0"
              "\x12\x02\x18\x01"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

static const struct {
    const char *file;
    const char *words[FUZZ_MAX_WORDS];
} rows[] = {
    {"causal/generation_config.json", {"predict", "@causal", ONE, "--in", "@"}},
    {"search/generation_config.json", {"predict", "@search", ONE, "--in", "@"}},
    {"embedding/modules.json", {"predict", "@embedding", ONE, "--in", "@"}},
    {"embedding/1_Pooling/config.json", {"predict", "@embedding", ONE, "--in", "@"}},
    {"embedding/2_Dense/config.json", {"predict", "@embedding", ONE, "--in", "@"}},
    {"embedding/2_Dense/model.safetensors", {"predict", "@embedding", ONE, "--in", "@"}},
    {"shards/model.safetensors.index.json", {"predict", "@shards", ONE, "--in", "@"}},
    {"causal/tokenizer_config.json", {"predict", "@causal", ONE, "--in", "@"}},
    {"causal/special_tokens_map.json", {"tokenize", "@causal", "--in", "@"}},
    {"causal/added_tokens.json", {"tokenize", "@causal", "--in", "@"}},
    {"causal/chat_template.jinja", {"predict", "@causal", ONE, "--in", "@"}},
    {"sequence/assay.json", {"predict", "@sequence", ONE, "--in", "@"}},
    {"sequence/README.md", {"inspect", "@sequence", "--json"}},
    {"sequence/config.json", {"predict", "@sequence", ONE, "--in", "@"}},
    {"causal/config.json", {"predict", "@causal", ONE, "--in", "@"}},
    {"search/config.json", {"predict", "@search", ONE, "--in", "@"}},
    {"marian/vocab.json", {"tokenize", "@marian", "--in", "@"}},
    {"marian/tokenizer_config.json", {"tokenize", "@marian", "--in", "@"}},
    {"marian/source.spm", {"tokenize", "@marian", "--in", "@"}},
};
enum { N_ROWS = sizeof rows / sizeof *rows };
_Static_assert(sizeof fuzz_seeds / sizeof *fuzz_seeds == N_ROWS, "a seed for each file");

static Slice good(size_t row)
{
    return slice_sub(fuzz_seeds[row], 1, fuzz_seeds[row].len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char in[FUZZ_UNNAMED_SIZE];
    if (size == 0) return 0;
    if (in[0] == '\0') {
        fuzz_models_make();
        for (size_t i = 0; i < N_ROWS; i++) fuzz_put(rows[i].file, good(i));
        (void)fuzz_unnamed(SLICE("{\"text\": \"ab a\", \"prompt\": \"ab a\"}\n"
                                 "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}\n"),
                           in);
    }
    const size_t row = (data[0] - (size_t)'A') % N_ROWS;
    fuzz_put(rows[row].file, (Slice){(const char *)data + 1, size - 1});
    fuzz_run(rows[row].words, in);
    fuzz_put(rows[row].file, good(row));
    return 0;
}
