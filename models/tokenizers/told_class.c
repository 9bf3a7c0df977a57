// Which class AutoTokenizer of Transformers 5 opens a directory with: what tokenizer_config.json or config.json names, unless the
// model_type is known for naming a wrong one, or has no class of its own.
#include <stdio.h>
#include <string.h>

#include "models/tokenizers/told_internal.h"

// Classes that are told, without "Fast". Several are other names of one.
static const struct {
    const char *class;
    ToldKind kind;
} classes[] = {
    {"GPT2Tokenizer", TOLD_GPT2},
    {"CodeGenTokenizer", TOLD_CODEGEN},
    {"RobertaTokenizer", TOLD_ROBERTA},
    {"BartTokenizer", TOLD_ROBERTA},
    {"LongformerTokenizer", TOLD_ROBERTA},
    {"LEDTokenizer", TOLD_ROBERTA},
    {"MvpTokenizer", TOLD_ROBERTA},
    {"BlenderbotTokenizer", TOLD_BLENDERBOT},
    {"DebertaTokenizer", TOLD_DEBERTA_BYTES},
    {"Qwen2Tokenizer", TOLD_QWEN2},
    {"Qwen3_5Tokenizer", TOLD_QWEN3_5},
    {"GPTNeoXTokenizer", TOLD_NEOX},
    {"CohereTokenizer", TOLD_COHERE},
    {"XLMRobertaTokenizer", TOLD_XLMR},
    {"CamembertTokenizer", TOLD_CAMEMBERT},
    {"AlbertTokenizer", TOLD_ALBERT},
    {"DebertaV2Tokenizer", TOLD_DEBERTA},
    {"MBartTokenizer", TOLD_MBART},
    {"MBart50Tokenizer", TOLD_MBART50},
    {"NllbTokenizer", TOLD_NLLB},
    {"PegasusTokenizer", TOLD_PEGASUS},
    {"BigBirdTokenizer", TOLD_BIG_BIRD},
    {"RemBertTokenizer", TOLD_REMBERT},
    {"XGLMTokenizer", TOLD_XGLM},
    {"T5Tokenizer", TOLD_T5},
    {"BertTokenizer", TOLD_BERT},
    {"DistilBertTokenizer", TOLD_BERT},
    {"ElectraTokenizer", TOLD_BERT},
    {"MobileBertTokenizer", TOLD_BERT},
    {"SqueezeBertTokenizer", TOLD_BERT},
    {"ConvBertTokenizer", TOLD_BERT},
    {"LayoutLMTokenizer", TOLD_BERT},
    {"LxmertTokenizer", TOLD_BERT},
    {"MPNetTokenizer", TOLD_MPNET},
    {"LlamaTokenizer", TOLD_LLAMA},
    {"CodeLlamaTokenizer", TOLD_CODE_LLAMA},
    {"GemmaTokenizer", TOLD_GEMMA},
};
enum { N_CLASSES = sizeof classes / sizeof *classes };

static const char plain[] = "TokenizersBackend"; // a class without ways of its own

// By model_type, as far as such models are read here.
typedef struct TypeRow {
    const char *model_type, *class;
    enum {
        CLASS_USUAL,     // unless the files name another
        CLASS_OVERRIDES, // whatever the files name
        CLASS_MISTRAL,   // as usual, but bytes are no reason for another
    } use;
} TypeRow;
static const TypeRow types[] = {
    {"albert", "AlbertTokenizer", CLASS_USUAL},
    {"bart", "RobertaTokenizer", CLASS_USUAL},
    {"bert", "BertTokenizer", CLASS_USUAL},
    {"big_bird", "BigBirdTokenizer", CLASS_USUAL},
    {"bigbird_pegasus", "TokenizersBackend", CLASS_USUAL},
    {"blenderbot", "BlenderbotTokenizer", CLASS_USUAL},
    {"blenderbot-small", "BlenderbotSmallTokenizer", CLASS_USUAL},
    {"camembert", "CamembertTokenizer", CLASS_USUAL},
    {"codegen", "GPT2Tokenizer", CLASS_USUAL},
    {"cohere", "CohereTokenizer", CLASS_USUAL},
    {"cohere2", "CohereTokenizer", CLASS_USUAL},
    {"convbert", "BertTokenizer", CLASS_USUAL},
    {"data2vec-text", "RobertaTokenizer", CLASS_USUAL},
    {"deberta", "DebertaTokenizer", CLASS_USUAL},
    {"deberta-v2", "DebertaV2Tokenizer", CLASS_USUAL},
    {"distilbert", "BertTokenizer", CLASS_USUAL},
    {"electra", "BertTokenizer", CLASS_USUAL},
    {"ernie", "BertTokenizer", CLASS_USUAL},
    {"ernie4_5", "TokenizersBackend", CLASS_OVERRIDES},
    {"flex_olmo", "TokenizersBackend", CLASS_USUAL},
    {"gemma", "GemmaTokenizer", CLASS_USUAL},
    {"gemma2", "GemmaTokenizer", CLASS_USUAL},
    {"gemma3", "GemmaTokenizer", CLASS_USUAL},
    {"gemma3_text", "GemmaTokenizer", CLASS_USUAL},
    {"gemma3n_text", "GemmaTokenizer", CLASS_USUAL},
    {"glm", "TokenizersBackend", CLASS_USUAL},
    {"glm4", "TokenizersBackend", CLASS_USUAL},
    {"glm4_moe", "TokenizersBackend", CLASS_USUAL},
    {"glm4_moe_lite", "TokenizersBackend", CLASS_USUAL},
    {"gpt2", "GPT2Tokenizer", CLASS_USUAL},
    {"gpt_bigcode", "TokenizersBackend", CLASS_USUAL},
    {"gpt_neo", "GPT2Tokenizer", CLASS_USUAL},
    {"gpt_neox", "GPTNeoXTokenizer", CLASS_USUAL},
    {"gptj", "GPT2Tokenizer", CLASS_USUAL},
    {"granite", "TokenizersBackend", CLASS_USUAL},
    {"granitemoe", "TokenizersBackend", CLASS_USUAL},
    {"granitemoehybrid", "TokenizersBackend", CLASS_USUAL},
    {"gte", "XLMRobertaTokenizer", CLASS_USUAL},
    {"hyperclovax", "TokenizersBackend", CLASS_OVERRIDES},
    {"internlm3", "TokenizersBackend", CLASS_OVERRIDES},
    {"jais2", "GPT2Tokenizer", CLASS_USUAL},
    {"jamba", "TokenizersBackend", CLASS_OVERRIDES},
    {"jina_embeddings_v3", "XLMRobertaTokenizer", CLASS_USUAL},
    {"led", "LEDTokenizer", CLASS_USUAL},
    {"llava", "TokenizersBackend", CLASS_OVERRIDES},
    {"longformer", "RobertaTokenizer", CLASS_USUAL},
    {"m2m_100", "M2M100Tokenizer", CLASS_USUAL},
    {"mamba", "GPTNeoXTokenizer", CLASS_USUAL},
    {"marian", "MarianTokenizer", CLASS_USUAL},
    {"mbart", "MBartTokenizer", CLASS_USUAL},
    {"mbart50", "MBart50Tokenizer", CLASS_USUAL},
    {"megatron-bert", "BertTokenizer", CLASS_USUAL},
    {"minicpm3", "TokenizersBackend", CLASS_OVERRIDES},
    {"minimax_m2", "TokenizersBackend", CLASS_OVERRIDES},
    {"ministral", "TokenizersBackend", CLASS_MISTRAL},
    {"ministral3", "TokenizersBackend", CLASS_MISTRAL},
    {"mistral", "TokenizersBackend", CLASS_MISTRAL},
    {"mistral3", "TokenizersBackend", CLASS_MISTRAL},
    {"mixtral", "TokenizersBackend", CLASS_MISTRAL},
    {"mobilebert", "MobileBertTokenizer", CLASS_USUAL},
    {"modernbert", "TokenizersBackend", CLASS_OVERRIDES},
    {"modernbert-decoder", "TokenizersBackend", CLASS_OVERRIDES},
    {"mpnet", "MPNetTokenizer", CLASS_USUAL},
    {"mpt", "GPTNeoXTokenizer", CLASS_USUAL},
    {"mt5", "T5Tokenizer", CLASS_USUAL},
    {"nemotron", "TokenizersBackend", CLASS_OVERRIDES},
    {"nezha", "BertTokenizer", CLASS_USUAL},
    {"nllb", "NllbTokenizer", CLASS_USUAL},
    {"nllb-moe", "NllbTokenizer", CLASS_USUAL},
    {"nomic_bert", "BertTokenizer", CLASS_USUAL},
    {"nystromformer", "TokenizersBackend", CLASS_USUAL},
    {"olmo", "GPTNeoXTokenizer", CLASS_USUAL},
    {"olmo2", "TokenizersBackend", CLASS_USUAL},
    {"olmo3", "TokenizersBackend", CLASS_USUAL},
    {"olmoe", "GPTNeoXTokenizer", CLASS_USUAL},
    {"opt", "GPT2Tokenizer", CLASS_USUAL},
    {"pegasus", "PegasusTokenizer", CLASS_USUAL},
    {"pegasus_x", "TokenizersBackend", CLASS_USUAL},
    {"phi", "GPT2Tokenizer", CLASS_USUAL},
    {"phi3", "TokenizersBackend", CLASS_OVERRIDES},
    {"phimoe", "TokenizersBackend", CLASS_OVERRIDES},
    {"qdqbert", "BertTokenizer", CLASS_USUAL},
    {"qwen2", "Qwen2Tokenizer", CLASS_OVERRIDES},
    {"qwen2_moe", "Qwen2Tokenizer", CLASS_USUAL},
    {"qwen3", "Qwen2Tokenizer", CLASS_USUAL},
    {"qwen3_5", "Qwen3_5Tokenizer", CLASS_OVERRIDES},
    {"qwen3_5_moe", "Qwen3_5Tokenizer", CLASS_OVERRIDES},
    {"qwen3_5_moe_text", "Qwen3_5Tokenizer", CLASS_OVERRIDES},
    {"qwen3_5_text", "Qwen3_5Tokenizer", CLASS_USUAL},
    {"qwen3_moe", "Qwen2Tokenizer", CLASS_USUAL},
    {"qwen3_next", "Qwen2Tokenizer", CLASS_USUAL},
    {"recurrent_gemma", "GemmaTokenizer", CLASS_USUAL},
    {"rembert", "RemBertTokenizer", CLASS_USUAL},
    {"roberta", "RobertaTokenizer", CLASS_USUAL},
    {"roberta-prelayernorm", "RobertaTokenizer", CLASS_USUAL},
    {"roformer", "RoFormerTokenizer", CLASS_USUAL},
    {"rwkv", "GPTNeoXTokenizer", CLASS_USUAL},
    {"squeezebert", "BertTokenizer", CLASS_USUAL},
    {"stablelm", "TokenizersBackend", CLASS_USUAL},
    {"starcoder2", "GPT2Tokenizer", CLASS_USUAL},
    {"switch_transformers", "T5Tokenizer", CLASS_USUAL},
    {"t5", "T5Tokenizer", CLASS_USUAL},
    {"umt5", "TokenizersBackend", CLASS_USUAL},
    {"xglm", "XGLMTokenizer", CLASS_USUAL},
    {"xlm-roberta", "XLMRobertaTokenizer", CLASS_USUAL},
    {"xlm-roberta-xl", "TokenizersBackend", CLASS_USUAL},
    {"xmod", "XLMRobertaTokenizer", CLASS_USUAL},
};
enum { N_TYPES = sizeof types / sizeof *types };

// ---- what the files say ----

enum { CLASS_SIZE = 64 };

static void take_class(Slice class, char out[CLASS_SIZE])
{
    if (slice_ends_with(class, SLICE("Fast"))) class.len -= 4;
    snprintf(out, CLASS_SIZE, SLICE_FMT, SLICE_ARG(class));
}

static Status read_class(void *context, Slice key, JsonReader *r, Error *err)
{
    JsonKind kind = JSON_NULL;
    Slice class = {0};
    TRY(json_peek(r, &kind, err));
    if (kind != JSON_STRING || !slice_eq_cstr(key, "tokenizer_class")) return json_skip(r, err);
    TRY(json_read_string(r, &class, err));
    take_class(class, context);
    return STATUS_OK;
}

static const TypeRow *find_type(const char *model_type)
{
    for (size_t i = 0; i < N_TYPES; i++) {
        if (strcmp(types[i].model_type, model_type) == 0) return &types[i];
    }
    return NULL;
}

// ---- which counts ----

static const char *choose(const char *named, const TypeRow *type, bool spells_bytes)
{
    const bool has_own = type && strcmp(type->class, plain) != 0;
    if (!named[0]) return type ? type->class : "";
    // A LlamaTokenizer has no bytes spelled; files of Llama 3's kind name one all the same.
    if (spells_bytes && strcmp(named, "LlamaTokenizer") == 0 && !(type && type->use != CLASS_USUAL))
        return plain;
    if (!type || strcmp(type->class, named) == 0) return named;
    return !has_own ? plain : type->use == CLASS_OVERRIDES ? type->class : named;
}

Status told_find_kind(Told *t, bool spells_bytes, Error *err)
{
    char model_type[MODEL_TYPE_SIZE], named[CLASS_SIZE] = "";
    TRY(tokenizer_read_config_file(t->directory, SLICE("config.json"), read_class, named, err));
    TRY(tokenizer_read_config_file(t->directory, SLICE("tokenizer_config.json"), read_class, named,
                                   err));
    TRY(tokenizer_read_model_type(t->directory, model_type, err));
    t->is_class_named = named[0] != '\0';
    snprintf(t->class, sizeof t->class, "%s", choose(named, find_type(model_type), spells_bytes));
    for (size_t i = 0; i < N_CLASSES; i++) {
        if (strcmp(t->class, classes[i].class) != 0) continue;
        t->kind = classes[i].kind;
        t->has_kind = true;
    }
    return STATUS_OK;
}
