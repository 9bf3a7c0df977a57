#include "tests/fuzz/fuzz_models.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "models/model.h"
#include "tests/fuzz/fuzz_folder.h"
#include "tools/command.h"

// ---- what they are made of ----

#define BERT_SIZES                                                                     \
    "\"model_type\": \"bert\", \"vocab_size\": 16, \"hidden_size\": 8, "               \
    "\"num_hidden_layers\": 1, \"num_attention_heads\": 2, \"intermediate_size\": 8, " \
    "\"max_position_embeddings\": 24, \"type_vocab_size\": 2, \"pad_token_id\": 0"

#define LLAMA                                                                               \
    "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\", "               \
    "\"vocab_size\": 16, \"hidden_size\": 8, \"num_hidden_layers\": 1, "                    \
    "\"num_attention_heads\": 2, \"num_key_value_heads\": 1, \"intermediate_size\": 8, "    \
    "\"max_position_embeddings\": 48, \"tie_word_embeddings\": true, \"bos_token_id\": 0, " \
    "\"eos_token_id\": 1}"

#define BART                                                                                \
    "{\"architectures\": [\"BartForConditionalGeneration\"], \"model_type\": \"bart\", "    \
    "\"vocab_size\": 16, \"d_model\": 8, \"encoder_layers\": 1, \"decoder_layers\": 1, "    \
    "\"encoder_attention_heads\": 2, \"decoder_attention_heads\": 2, \"encoder_ffn_dim\": " \
    "8, \"decoder_ffn_dim\": 8, \"max_position_embeddings\": 24, \"pad_token_id\": 2, "     \
    "\"bos_token_id\": 0, \"eos_token_id\": 1, \"decoder_start_token_id\": 1}"

static const Slice wordpiece = SLICE_LIT(
    "{\"added_tokens\": [{\"id\": 0, \"content\": \"[PAD]\", \"special\": true}, {\"id\": 1, "
    "\"content\": \"[UNK]\", \"special\": true}, {\"id\": 2, \"content\": \"[CLS]\", \"special\": "
    "true}, {\"id\": 3, \"content\": \"[SEP]\", \"special\": true}, {\"id\": 4, \"content\": "
    "\"[MASK]\", \"special\": true, \"lstrip\": true}], \"normalizer\": {\"type\": "
    "\"BertNormalizer\", \"clean_text\": true, \"handle_chinese_chars\": true, \"strip_accents\": "
    "null, \"lowercase\": true}, \"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"}, "
    "\"post_processor\": {\"type\": \"BertProcessing\", \"sep\": [\"[SEP]\", 3], \"cls\": "
    "[\"[CLS]\", 2]}, \"decoder\": {\"type\": \"WordPiece\", \"prefix\": \"##\", \"cleanup\": "
    "true}, \"model\": {\"type\": \"WordPiece\", \"unk_token\": \"[UNK]\", "
    "\"continuing_subword_prefix\": \"##\", \"max_input_chars_per_word\": 20, \"vocab\": "
    "{\"[PAD]\": 0, \"[UNK]\": 1, \"[CLS]\": 2, \"[SEP]\": 3, \"[MASK]\": 4, \"a\": 5, \"b\": 6, "
    "\"##a\": 7, \"##b\": 8, \".\": 9, \"this\": 10, \"is\": 11, \"the\": 12}}}");
static const Slice wordpiece_says =
    SLICE_LIT("{\"tokenizer_class\": \"BertTokenizer\", \"unk_token\": \"[UNK]\", \"cls_token\": "
              "\"[CLS]\", \"sep_token\": \"[SEP]\", \"pad_token\": \"[PAD]\", \"mask_token\": "
              "\"[MASK]\", \"do_lower_case\": true}");

static const Slice bpe = SLICE_LIT(
    "{\"added_tokens\": [{\"id\": 0, \"content\": \"<s>\", \"special\": true}, {\"id\": 1, "
    "\"content\": \"</s>\", \"special\": true}, {\"id\": 2, \"content\": \"<unk>\", \"special\": "
    "true}], \"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, "
    "\"use_regex\": true}, \"decoder\": {\"type\": \"ByteLevel\"}, \"post_processor\": {\"type\": "
    "\"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"<s>\", \"type_id\": 0}}, "
    "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}], \"pair\": [{\"Sequence\": {\"id\": \"A\", "
    "\"type_id\": 0}}, {\"Sequence\": {\"id\": \"B\", \"type_id\": 0}}], \"special_tokens\": "
    "{\"<s>\": {\"ids\": [0]}}}, \"model\": {\"type\": \"BPE\", \"unk_token\": \"<unk>\", "
    "\"vocab\": {\"<s>\": 0, \"</s>\": 1, \"<unk>\": 2, \"a\": 3, \"b\": 4, \"ab\": 5, \"\xC4\xA0\": 6, "
    "\"\xC4\xA0"
    "a\": 7, \"\xC3\x83\": 8, \"\xC2\xA9\": 9, \"\xC4\x8A\": 10}, \"merges\": [\"a b\", \"\xC4\xA0 a\"]}}");
static const Slice bpe_says = SLICE_LIT(
    "{\"tokenizer_class\": \"PreTrainedTokenizerFast\", \"bos_token\": \"<s>\", \"eos_token\": "
    "\"</s>\", \"unk_token\": \"<unk>\", \"chat_template\": \"{{ bos_token }}{% for m in messages "
    "%}{{ m['content'] }} {% endfor %}\"}");

// Pieces <unk>, </s>, "\u2581a", "a", "b" with types and scores, and a trainer for unigrams.
static const Slice pieces = SLICE_LIT("\x0A\x0E\x0A\x05<unk>\x15\0\0\0\0\x18\x02"
                                      "\x0A\x0D\x0A\x04</s>\x15\0\0\0\0\x18\x03"
                                      "\x0A\x0B\x0A\x04\xE2\x96\x81"
                                      "a\x15\0\0\x80\xBF"
                                      "\x0A\x08\x0A\x01"
                                      "a\x15\0\0\0\xC0"
                                      "\x0A\x08\x0A\x01"
                                      "b\x15\0\0\x40\xC0"
                                      "\x12\x02\x18\x01");

// The numbers are 1/16 each.
static const Slice dense_weights =
    SLICE_LIT("\x48\0\0\0\0\0\0\0{\"linear.weight\":{\"dtype\":\"F16\",\"shape\":[2,8],"
              "\"data_offsets\":[0,32]}}   "
              "\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c\0\x2c"
              "\0\x2c\0\x2c");

// A map that leaves tensors of its file out is taken.
static const Slice shards_index =
    SLICE_LIT("{\"weight_map\": {\"model.embed_tokens.weight\": \"model-1.safetensors\", "
              "\"model.norm.weight\": \"model-1.safetensors\"}}");

typedef enum Words { WORDS_PIECES, WORDS_BYTES } Words;
static const struct {
    const char *folder, *config;
    Words words;
} models[] = {
    {"sequence",
     "{\"architectures\": [\"BertForSequenceClassification\"], \"id2label\": {\"0\": "
     "\"entailment\", \"1\": \"neutral\", \"2\": \"contradiction\"}, \"label2id\": "
     "{\"entailment\": 0, \"neutral\": 1, \"contradiction\": 2}, " BERT_SIZES "}",
     WORDS_PIECES},
    {"token",
     "{\"architectures\": [\"BertForTokenClassification\"], \"id2label\": {\"0\": \"O\", \"1\": "
     "\"B-X\", \"2\": \"I-X\"}, " BERT_SIZES "}",
     WORDS_PIECES},
    {"span", "{\"architectures\": [\"BertForQuestionAnswering\"], " BERT_SIZES "}", WORDS_PIECES},
    {"masked", "{\"architectures\": [\"BertForMaskedLM\"], " BERT_SIZES "}", WORDS_PIECES},
    {"embedding", "{\"architectures\": [\"BertModel\"], " BERT_SIZES "}", WORDS_PIECES},
    {"causal", LLAMA, WORDS_BYTES},
    {"shards", LLAMA, WORDS_BYTES},
    {"search", BART, WORDS_BYTES},
};

// ---- making them ----

static void put_beside(const char *folder, const char *name, Slice bytes)
{
    char path[FUZZ_PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    fuzz_put(path, bytes);
}

static Status make_model(const char *folder, Slice text, Error *err)
{
    Arena arena = {0};
    JsonDocument *document = NULL;
    ModelConfig config;
    Model *model = NULL;
    char path[FUZZ_PATH_SIZE];
    const ModelOptions options = {.seed = 7};
    fuzz_path(folder, path);
    Status s = json_parse(SLICE("config.json"), text, JSON_STRICT, &document, err);
    if (s == STATUS_OK) s = model_config_parse(&arena, json_root(document), &config, err);
    if (s == STATUS_OK) s = model_create(&config, path, &options, &model, err);
    if (s == STATUS_OK) s = model_save(model, path, err);
    model_close(&model);
    json_close(&document);
    arena_release(&arena);
    return s;
}

static void make_shards(void)
{
    char from[FUZZ_PATH_SIZE], to[FUZZ_PATH_SIZE];
    fuzz_path("shards/model.safetensors", from);
    fuzz_path("shards/model-1.safetensors", to);
    if (rename(from, to) != 0) abort();
    fuzz_put("shards/model.safetensors.index.json", shards_index);
}

static void make_embedding(void)
{
    fuzz_put("embedding/modules.json",
             SLICE("[{\"path\": \"\", \"type\": \"sentence_transformers.models.Transformer\"}, "
                   "{\"path\": \"1_Pooling\", \"type\": \"sentence_transformers.models.Pooling\"}, "
                   "{\"path\": \"2_Dense\", \"type\": \"sentence_transformers.models.Dense\"}]"));
    fuzz_put("embedding/1_Pooling/config.json",
             SLICE("{\"word_embedding_dimension\": 8, \"pooling_mode_mean_tokens\": true}"));
    fuzz_put("embedding/2_Dense/config.json",
             SLICE("{\"in_features\": 8, \"out_features\": 2, \"bias\": false}"));
    fuzz_put("embedding/2_Dense/model.safetensors", dense_weights);
}

static void make_marian(void)
{
    fuzz_put("marian/config.json", SLICE("{\"model_type\": \"marian\"}"));
    fuzz_put("marian/tokenizer_config.json", SLICE("{\"tokenizer_class\": \"MarianTokenizer\"}"));
    fuzz_put("marian/vocab.json", SLICE("{\"</s>\": 0, \"<unk>\": 1, \"\\u2581a\": 2, \"a\": 3, "
                                        "\"b\": 4, \"<pad>\": 5}"));
    fuzz_put("marian/source.spm", pieces);
    fuzz_put("marian/target.spm", pieces);
}

void fuzz_models_make(void)
{
    static bool are_made;
    if (are_made) return;
    are_made = true;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        const bool has_pieces = models[i].words == WORDS_PIECES;
        Error err = {0};
        put_beside(models[i].folder, "tokenizer.json", has_pieces ? wordpiece : bpe);
        put_beside(models[i].folder, "tokenizer_config.json",
                   has_pieces ? wordpiece_says : bpe_says);
        if (make_model(models[i].folder, slice_from_cstr(models[i].config), &err) != STATUS_OK) {
            fprintf(stderr, "fuzz: %s: %s\n", models[i].folder, err.text);
            abort();
        }
    }
    make_shards();
    make_embedding();
    make_marian();
}

// ---- running commands ----

void fuzz_run(const char *const words[FUZZ_MAX_WORDS], const char *in)
{
    static bool is_quiet;
    static char paths[FUZZ_MAX_WORDS][FUZZ_PATH_SIZE];
    const char *argv[FUZZ_MAX_WORDS + 1] = {"assay"};
    int argc = 1;
    Log log = log_to_stream(stderr, LOG_ERROR);
    CommandLine line = {.log = &log};
    Error err = {0};
    if (!is_quiet && freopen("/dev/null", "w", stdout) == NULL) abort();
    is_quiet = true;
    for (size_t i = 0; i < FUZZ_MAX_WORDS && words[i] != NULL; i++) {
        const char *word = words[i];
        if (word[0] == '@' && word[1] != '\0') {
            fuzz_path(word + 1, paths[i]);
            word = paths[i];
        }
        argv[argc++] = word[0] == '@' ? in : word;
    }
    if (command_line_parse(&line, argc, argv, &err) != STATUS_OK) {
        fprintf(stderr, "fuzz: %s\n", err.text);
        abort();
    }
    const Status s = line.command->run(&line, &err);
    if ((s == STATUS_OK) != (err.text[0] == '\0')) abort(); // one or the other
    command_line_release(&line);
}
