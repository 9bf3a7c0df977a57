#include "models/checkpoint_text.h"

#include "base/json_source.h"
#include "models/architecture.h"

// ---- config.json ----

// Models with images whose text model is one of ours, and which it is where text_config does not say.
static const struct {
    const char *model_type, *text_type;
} wholes[] = {
    {"aya_vision", "cohere2"},
    {"gemma3", "gemma3_text"},
    {"gemma4", "gemma4_text"},
    {"idefics3", "llama"},
    {"internvl", "qwen2"},
    {"llava", "llama"},
    {"llava_next", "llama"},
    {"mistral3", "mistral"},
    {"qwen2_5_vl", "qwen2"},
    {"qwen2_vl", "qwen2"},
    {"qwen3_5", "qwen3_5_text"},
    {"qwen3_vl", "qwen3"},
    {"qwen3_5_moe", "qwen3_5_moe_text"},
    {"smolvlm", "llama"},
    {"llava_onevision", "qwen2"},
};

// Names of text models that are no other model by themselves.
static const struct {
    const char *name, *is;
} aliases[] = {
    {"qwen2_vl_text", "qwen2"}, {"qwen2_5_vl_text", "qwen2"}, {"qwen3_vl_text", "qwen3"}};

// Members that text_config leaves out where they are those of Transformers' classes.
typedef struct Usual {
    const char *text_type; // as text_config has it
    size_t vocab_size, hidden_size, intermediate_size, n_layers, n_heads;
    size_t n_kv_heads; // 0 = as many as n_heads
    size_t max_positions;
    double norm_epsilon, theta; // 0 = what text_type takes by itself
} Usual;

static const Usual usual[] = {
    {"llama", 32000, 4096, 11008, 32, 32, 0, 2048, 0, 0},
    {"mistral", 32000, 4096, 14336, 32, 32, 8, 131072, 0, 0},
    {"ministral3", 131072, 4096, 14336, 34, 32, 8, 262144, 0, 0},
    {"gemma3_text", 262208, 2304, 9216, 26, 8, 4, 131072, 0, 0},
    {"gemma4_text", 262144, 2304, 9216, 30, 8, 4, 131072, 0, 0},
    {"qwen2", 151936, 4096, 22016, 32, 32, 32, 32768, 0, 0},
    {"qwen3", 151936, 4096, 22016, 32, 32, 32, 32768, 0, 0},
    {"qwen2_vl_text", 152064, 8192, 29568, 80, 64, 8, 32768, 1e-5, 1000000},
    {"qwen2_5_vl_text", 152064, 8192, 29568, 80, 64, 8, 32768, 1e-5, 1000000},
    {"qwen3_vl_text", 151936, 4096, 22016, 32, 32, 32, 128000, 0, 500000},
    {"qwen3_5_text", 248320, 4096, 12288, 32, 16, 4, 32768, 0, 0},
    {"qwen3_5_moe_text", 248320, 2048, 512, 40, 16, 2, 32768, 0, 0},
    {"cohere2", 256000, 8192, 22528, 40, 64, 0, 8192, 0, 0},
};

// Members of the whole that hold for the text model too, where text_config is silent.
static const char *const of_both[] = {"bos_token_id", "eos_token_id",        "pad_token_id",
                                      "torch_dtype",  "quantization_config", "id2label",
                                      "label2id",     "num_labels",          "problem_type"};

static Slice text_of(const Json *object, const char *key, const char *missing)
{
    const Json *value = object ? json_get(object, key) : NULL;
    return value && json_kind(value) == JSON_STRING ? json_string(value) : slice_from_cstr(missing);
}

// The class of the text model that answers what the whole does.
static const ArchitectureClass *class_of(const Architecture *architecture, const Json *root)
{
    const Json *classes = json_get(root, "architectures");
    const Json *first = classes && json_kind(classes) == JSON_ARRAY ? json_at(classes, 0) : NULL;
    const Slice name = first && json_kind(first) == JSON_STRING ? json_string(first) : (Slice){0};
    const ModelHead head = slice_ends_with(name, SLICE("SequenceClassification")) ? HEAD_SEQUENCE
                           : slice_ends_with(name, SLICE("Model"))                ? HEAD_EMBEDDING
                                                                                  : HEAD_CAUSAL_LM;
    return architecture_class(architecture, head);
}

// Whether a member of the text model's config is copied: what this file states itself is not.
static bool is_copied(Slice key)
{
    static const char *const keys[] = {"model_type",    "architectures", "tie_word_embeddings",
                                       "vision_config", "text_config",   "transformers_version"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (slice_eq_cstr(key, keys[i])) return false;
    }
    return true;
}

static void put_member(JsonWriter *w, const Json *member)
{
    json_put_key_slice(w, json_key(member));
    json_put_value(w, member);
}

static void put_missing(JsonWriter *w, Slice text_type, const Json *part)
{
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        const Usual *u = &usual[i];
        const struct {
            const char *key;
            size_t value;
        } members[] = {{"vocab_size", u->vocab_size},
                       {"hidden_size", u->hidden_size},
                       {"intermediate_size", u->intermediate_size},
                       {"num_hidden_layers", u->n_layers},
                       {"num_attention_heads", u->n_heads},
                       {"num_key_value_heads", u->n_kv_heads},
                       {"max_position_embeddings", u->max_positions}};
        if (!slice_eq_cstr(text_type, u->text_type)) continue;
        for (size_t k = 0; k < sizeof members / sizeof *members; k++) {
            if (members[k].value > 0 && !json_get(part, members[k].key))
                json_member_u64(w, members[k].key, members[k].value);
        }
        if (u->norm_epsilon > 0 && !json_get(part, "rms_norm_eps"))
            json_member_double(w, "rms_norm_eps", u->norm_epsilon);
        if (u->theta > 0 && !json_get(part, "rope_theta"))
            json_member_double(w, "rope_theta", u->theta);
    }
}

// An output layer that the files have is used whatever this says (checkpoint_own_output).
static void put_tying(JsonWriter *w, const Json *root)
{
    bool is_tied = true;
    const Json *tied = json_get(root, "tie_word_embeddings");
    if (tied && json_kind(tied) == JSON_BOOL) is_tied = json_bool(tied);
    json_member_bool(w, "tie_word_embeddings", is_tied);
}

// What a file's text model is.
typedef struct TextPart {
    const Json *members;
    Slice type; // as text_config has it
    const Architecture *architecture;
} TextPart;

static Status tell_text(const Json *root, const TextPart *part, Buffer *out, Error *err)
{
    JsonWriter w = json_writer(out, 2);
    const char *model_type = part->architecture->model_type;
    const ArchitectureClass *class = class_of(part->architecture, root);
    if (!class)
        return json_error(json_get(root, "architectures"), err,
                          "this head of its text model, %s, is not supported", model_type);
    json_begin_object(&w);
    json_member_array(&w, "architectures");
    json_put_cstr(&w, class->name);
    json_end_array(&w);
    json_member_cstr(&w, "model_type", model_type);
    put_tying(&w, root);
    for (const Json *v = json_first(part->members); v; v = json_next(v)) {
        if (is_copied(json_key(v))) put_member(&w, v);
    }
    for (size_t i = 0; i < sizeof of_both / sizeof *of_both; i++) {
        const Json *member = json_get(root, of_both[i]);
        if (member && !json_get(part->members, of_both[i])) put_member(&w, member);
    }
    put_missing(&w, part->type, part->members);
    json_end_object(&w);
    return buffer_status(out, err);
}

static Status find_text(const Json *root, const char *usual_type, TextPart *out, Error *err)
{
    *out = (TextPart){0};
    TRY(json_opt_kind(root, "text_config", JSON_OBJECT, &out->members, err));
    out->type = text_of(out->members, "model_type", usual_type);
    if (!out->members) out->members = root; // Qwen-VL's stood beside the others at first
    Slice name = out->type;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (slice_eq_cstr(name, aliases[i].name)) name = slice_from_cstr(aliases[i].is);
    }
    out->architecture = architecture_find(name);
    if (out->architecture) return STATUS_OK;
    return json_error(json_get(out->members, "model_type"), err,
                      "the text model within it, \"" SLICE_FMT "\", is not supported",
                      SLICE_ARG(slice_sub(name, 0, 80)));
}

// The text model that a model with images is by its name; NULL: it is none.
static const char *usual_text(const Json *root)
{
    const Slice model_type = text_of(root, "model_type", "");
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
        if (slice_eq_cstr(model_type, wholes[i].model_type)) return wholes[i].text_type;
    }
    return NULL;
}

Status checkpoint_text_config(const char *path, JsonDocument **config, bool *is_part, Error *err)
{
    const Json *root = json_root(*config);
    const char *usual_type = usual_text(root);
    Buffer text = {0};
    JsonDocument *told = NULL;
    TextPart part;
    char name[1024];
    snprintf(name, sizeof name, "%s, its text model", path);
    *is_part = usual_type != NULL;
    if (!usual_type) return STATUS_OK;
    Status s = find_text(root, usual_type, &part, err);
    if (s == STATUS_OK) s = tell_text(root, &part, &text, err);
    if (s == STATUS_OK)
        s = json_parse(slice_from_cstr(name), buffer_slice(&text), JSON_STRICT, &told, err);
    if (s == STATUS_OK) {
        json_close(config);
        *config = told;
    }
    buffer_release(&text);
    return s;
}

// ---- tensors ----

// How names begin in the whole, and in the text model; NULL: of what sees images. The first that fits counts.
static const struct {
    Slice whole;
    const char *text;
} beginnings[] = {
    {SLICE_LIT("language_model.model."), "model."},
    {SLICE_LIT("language_model.lm_head."), "lm_head."},
    {SLICE_LIT("language_model."), "model."},
    {SLICE_LIT("model.language_model."), "model."},
    {SLICE_LIT("model.text_model."), "model."},
    {SLICE_LIT("text_model."), "model."},
    {SLICE_LIT("vision_tower."), NULL},
    {SLICE_LIT("model.audio_tower."), NULL},
    {SLICE_LIT("model.embed_vision."), NULL},
    {SLICE_LIT("model.embed_audio."), NULL},
    {SLICE_LIT("model.vision_tower."), NULL},
    {SLICE_LIT("vision_model."), NULL},
    {SLICE_LIT("model.vision_model."), NULL},
    {SLICE_LIT("multi_modal_projector."), NULL},
    {SLICE_LIT("model.multi_modal_projector."), NULL},
    {SLICE_LIT("connector."), NULL},
    {SLICE_LIT("model.connector."), NULL},
    {SLICE_LIT("visual."), NULL},
    {SLICE_LIT("model.visual."), NULL},
    {SLICE_LIT("image_newline"), NULL},
    {SLICE_LIT("model.image_newline"), NULL},
};

Status checkpoint_text_tensors(Safetensors *tensors, size_t *n_left_out, Error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < tensors->n_tensors; i++) {
        SafeTensor tensor = tensors->tensors[i];
        size_t k = 0;
        while (k < sizeof beginnings / sizeof *beginnings &&
               !slice_starts_with(tensor.name, beginnings[k].whole))
            k++;
        if (k < sizeof beginnings / sizeof *beginnings) {
            if (!beginnings[k].text) continue;
            const Slice rest = slice_sub(tensor.name, beginnings[k].whole.len, tensor.name.len);
            const char *name =
                arena_printf(&tensors->arena, "%s" SLICE_FMT, beginnings[k].text, SLICE_ARG(rest));
            if (!name) return error_set_memory(err, 1, tensor.name.len, "a tensor's name");
            tensor.name = slice_from_cstr(name);
        }
        tensors->tensors[n++] = tensor;
    }
    *n_left_out = tensors->n_tensors - n;
    tensors->n_tensors = n;
    safetensors_sort(tensors);
    return safetensors_want_distinct(tensors, err);
}
