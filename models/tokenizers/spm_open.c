// A SentencePiece model as a Tokenizer: alone, or with what the files of its directory say.
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "models/tokenizers/tokenizer_internal.h"

static Status build(Tokenizer *t, Slice name, Slice bytes, Error *err)
{
    TRY(spm_parse(name, bytes, &t->arena, &t->spm, err));
    t->model = t->spm->is_bpe ? MODEL_BPE : MODEL_UNIGRAM;
    t->bpe.unk = t->unigram.unk = t->spm->unk;
    t->vocab =
        t->spm->pieces; // the model's own tables serve; tokens that are added come after them
    return STATUS_OK;
}

static Status finish(Tokenizer *t, Error *err)
{
    TRY(tokenizer_finish(t, err));
    for (size_t i = 0; i < t->spm->pieces.size; i++) {
        const uint8_t type = t->spm->types[i];
        if (type == PIECE_CONTROL || type == PIECE_UNKNOWN) t->flags[i] |= TOKEN_IS_SPECIAL;
    }
    TRY(template_plain(&t->post.templates[0], false, &t->arena, err));
    return template_plain(&t->post.templates[1], true, &t->arena, err);
}

Status tokenizer_parse_model(Slice name, Slice bytes, Tokenizer **out, Error *err)
{
    *out = NULL;
    TRY(tokenizer_new(out, err));
    Status s = build(*out, name, bytes, err);
    if (s == STATUS_OK) s = finish(*out, err);
    if (s != STATUS_OK) tokenizer_close(out);
    return s;
}

// ---- what the files beside it ask for ----

enum { USUAL_EXTRA_IDS = 100 };

typedef struct SpmOptions {
    Tokenizer *tokenizer;
    char class
        [64]; // tokenizer_class, or else what goes with config.json's model_type; "" where neither is there
    bool is_stated; // in tokenizer_config.json
    bool add_bos, add_eos, says_eos, is_legacy, without_prefix;
    bool is_other;     // model_type is another than llama
    int64_t extra_ids; // -1 = not stated
} SpmOptions;

typedef enum SpmUse { SPM_PLAIN, SPM_T5, SPM_REFUSED } SpmUse;

// What is known of a class beside what tokenizer_config.json says, as Transformers 5 has it: a beginning is added only where
// that file asks for it. Special tokens written in a text are read as such.
static const struct {
    const char *class, *model_type;
    SpmUse use;
} classes[] = {
    {"T5Tokenizer", "umt5", SPM_T5},
    {"M2M100Tokenizer", "m2m_100", SPM_REFUSED},
    {"LlamaTokenizer", "llama", SPM_PLAIN},
    {"LlamaTokenizer", "mistral", SPM_PLAIN},
    {"LlamaTokenizer", "phi3", SPM_PLAIN},
    {"CodeLlamaTokenizer", NULL, SPM_PLAIN},
    {"GemmaTokenizer", "gemma", SPM_PLAIN},
    {"GemmaTokenizer", "gemma2", SPM_PLAIN},
    {"GemmaTokenizer", "gemma3_text", SPM_PLAIN},
    // classes without ways of their own
    {"PreTrainedTokenizer", NULL, SPM_PLAIN},
    {"TokenizersBackend", "granite", SPM_PLAIN},
    {"TokenizersBackend", "olmo2", SPM_PLAIN},
    {"TokenizersBackend", "olmo3", SPM_PLAIN},
    {"TokenizersBackend", "smollm3", SPM_PLAIN},
    {"TokenizersBackend", "stablelm", SPM_PLAIN},
    {"TokenizersBackend", "falcon", SPM_PLAIN},
    {"TokenizersBackend", "bloom", SPM_PLAIN},
    {"TokenizersBackend", "gpt_bigcode", SPM_PLAIN},
    // others, which read other files than a SentencePiece model or give other ids to its pieces
    {"BertTokenizer", "bert", SPM_REFUSED},
    {"BertTokenizer", "distilbert", SPM_REFUSED},
    {"BertTokenizer", "electra", SPM_REFUSED},
    {"MPNetTokenizer", "mpnet", SPM_REFUSED},
    {"RobertaTokenizer", "roberta", SPM_REFUSED},
    {"RobertaTokenizer", "bart", SPM_REFUSED},
    {"GPT2Tokenizer", "gpt2", SPM_REFUSED},
    {"GPT2Tokenizer", "gpt_neo", SPM_REFUSED},
    {"GPT2Tokenizer", "gptj", SPM_REFUSED},
    {"GPT2Tokenizer", "opt", SPM_REFUSED},
    {"GPT2Tokenizer", "phi", SPM_REFUSED},
    {"GPT2Tokenizer", "starcoder2", SPM_REFUSED},
    {"GPTNeoXTokenizer", "gpt_neox", SPM_REFUSED},
    {"Qwen2Tokenizer", "qwen2", SPM_REFUSED},
    {"Qwen2Tokenizer", "qwen3", SPM_REFUSED},
    {"CohereTokenizer", "cohere", SPM_REFUSED},
    {"CohereTokenizer", "cohere2", SPM_REFUSED},
    {"XLNetTokenizer", "xlnet", SPM_REFUSED},
    {"XGLMTokenizer", "xglm", SPM_REFUSED},
    {"RemBertTokenizer", "rembert", SPM_REFUSED},
    {"FNetTokenizer", "fnet", SPM_REFUSED},
};
enum { N_CLASSES = sizeof classes / sizeof *classes };

// The row of a class, be it the slow or the fast one of that name; N_CLASSES where it is none of these.
static size_t class_row(Slice class)
{
    if (slice_ends_with(class, SLICE("Fast"))) class.len -= 4;
    size_t row = 0;
    while (row < N_CLASSES && !slice_eq_cstr(class, classes[row].class)) row++;
    return row;
}

static Status read_option(void *context, Slice key, JsonReader *r, Error *err)
{
    SpmOptions *options = context;
    JsonKind kind = JSON_NULL;
    TRY(json_peek(r, &kind, err));
    if (kind == JSON_BOOL && slice_eq_cstr(key, "add_bos_token"))
        return json_read_bool(r, &options->add_bos, err);
    if (kind == JSON_BOOL && slice_eq_cstr(key, "add_eos_token")) {
        options->says_eos = true;
        return json_read_bool(r, &options->add_eos, err);
    }
    if (kind == JSON_BOOL && slice_eq_cstr(key, "legacy"))
        return json_read_bool(r, &options->is_legacy, err);
    if (kind == JSON_BOOL && slice_eq_cstr(key, "add_prefix_space")) {
        bool value = true;
        TRY(json_read_bool(r, &value, err));
        options->without_prefix = !value;
        return STATUS_OK;
    }
    if (kind == JSON_NUMBER && slice_eq_cstr(key, "extra_ids"))
        return json_read_i64(r, &options->extra_ids, err);
    if (kind != JSON_STRING || !slice_eq_cstr(key, "tokenizer_class")) return json_skip(r, err);
    Slice class = {0};
    TRY(json_read_string(r, &class, err));
    snprintf(options->class, sizeof options->class, SLICE_FMT, SLICE_ARG(class));
    options->is_stated = true;
    return STATUS_OK;
}

// Where tokenizer_config.json names no class, config.json's model_type does.
static Status find_class_by_type(SpmOptions *options, const char *directory, Error *err)
{
    char type[MODEL_TYPE_SIZE];
    TRY(tokenizer_read_model_type(directory, type, err));
    options->is_other = type[0] && strcmp(type, "llama") != 0;
    for (size_t i = 0; i < N_CLASSES && !options->is_stated; i++) {
        if (classes[i].model_type != NULL && strcmp(type, classes[i].model_type) == 0)
            snprintf(options->class, sizeof options->class, "%s", classes[i].class);
    }
    return STATUS_OK;
}

// Classes whose ids are not those of their SentencePiece model, and those of which that is not known.
static Status refuse_class(const SpmOptions *options, const char *directory, Error *err)
{
    return error_set(err, STATUS_INVALID,
                     "%s: a %s has other ids than the SentencePiece model that stands there "
                     "alone: save it as tokenizer.json "
                     "(AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)); M2M100's wants "
                     "vocab.json beside it",
                     directory, options->class);
}

// "<extra_id_0>" has the highest id.
static Status add_extra_ids(SpmOptions *options, Error *err)
{
    const int64_t n = options->extra_ids;
    Tokenizer *t = options->tokenizer;
    const size_t first = t->vocab.size;
    if (n <= 0) return STATUS_OK;
    if (n > ADDED_MOST / 2)
        return error_set(err, STATUS_INVALID, "extra_ids %lld: too many", (long long)n);
    TRY(arena_grow(&t->arena, t->n_added, t->n_added + (size_t)n, sizeof *t->added, "added tokens",
                   &t->added, err));
    for (int64_t i = 0; i < n; i++) {
        const char *name = arena_printf(&t->arena, "<extra_id_%lld>", (long long)(n - 1 - i));
        if (name == NULL) return error_set_memory(err, 1, 1, "an added token");
        t->added[t->n_added++] = (AddedToken){
            .content = slice_from_cstr(name), .id = (int32_t)(first + (size_t)i), .special = true};
    }
    return STATUS_OK;
}

// A LlamaTokenizer of Transformers 5 goes by its own rules rather than the model's, where the class is stated and the model is
// a Llama: nothing is normalised, and a text has one prefix unless it begins with a blank.
static void apply_llama(const SpmOptions *options)
{
    Slice class = slice_from_cstr(options->class);
    Spm *spm = options->tokenizer->spm;
    if (slice_ends_with(class, SLICE("Fast"))) class.len -= 4;
    if (!options->is_stated || options->is_other || !slice_eq_cstr(class, "LlamaTokenizer")) return;
    spm->charsmap = (Charsmap){.ascii_stays = true};
    spm->charsmap_bytes = (Slice){0};
    spm->remove_extra_whitespaces = false;
    spm->add_dummy_prefix = !options->without_prefix;
    spm->prefix_yields = true;
    spm->prefix_is_first = !options->is_legacy;
}

static Status read_options(SpmOptions *options, const char *directory, Error *err)
{
    TRY(tokenizer_read_config_file(directory, SLICE("tokenizer_config.json"), read_option, options,
                                   err));
    TRY(find_class_by_type(options, directory, err));
    if (!options->class[0]) return STATUS_OK;
    const size_t row = class_row(slice_from_cstr(options->class));
    if (row == N_CLASSES || classes[row].use == SPM_REFUSED)
        return refuse_class(options, directory, err);
    apply_llama(options);
    const bool is_t5 = classes[row].use == SPM_T5;
    if (!options->says_eos) options->add_eos = is_t5;
    TRY(told_spm_added(options->tokenizer, directory, slice_from_cstr(options->class), err));
    bool has_more = false; // than the model
    for (size_t i = 0; i < options->tokenizer->n_added; i++)
        has_more |= (size_t)options->tokenizer->added[i].id >= options->tokenizer->vocab.size;
    if (!is_t5 || has_more) return STATUS_OK;
    if (options->extra_ids < 0) options->extra_ids = options->is_stated ? USUAL_EXTRA_IDS : 0;
    return add_extra_ids(options, err);
}

static Status open_in(Tokenizer *t, const char *directory, Slice name, Slice bytes, Error *err)
{
    SpmOptions options = {.tokenizer = t, .extra_ids = -1};
    TRY(build(t, name, bytes, err));
    TRY(read_options(&options, directory, err));
    TRY(finish(t, err));
    TRY(tokenizer_read_config(t, directory, err));
    const int32_t bos = options.add_bos ? t->special[SPECIAL_BOS] : TOKEN_NONE;
    const int32_t eos = options.add_eos ? t->special[SPECIAL_EOS] : TOKEN_NONE;
    return template_bos_eos(t->post.templates, bos, eos, &t->arena, err);
}

Status tokenizer_open_spm(const char *directory, const char *path, Tokenizer **out, Error *err)
{
    Slice bytes = {0};
    *out = NULL;
    TRY(tokenizer_new(out, err));
    Status s = file_map(path, &bytes, err);
    if (s == STATUS_OK) s = open_in(*out, directory, slice_from_cstr(path), bytes, err);
    file_unmap(&bytes);
    if (s != STATUS_OK) tokenizer_close(out);
    return s;
}
