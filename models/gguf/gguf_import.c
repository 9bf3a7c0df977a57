// A GGUF file's metadata told as a config.json.
#include <string.h>

#include "models/gguf/gguf_import_internal.h"

static void put_special_ids(GgufImport *in)
{
    static const char *const keys[][2] = {
        {"tokenizer.ggml.bos_token_id", "bos_token_id"},
        {"tokenizer.ggml.eos_token_id", "eos_token_id"},
        {"tokenizer.ggml.padding_token_id", "pad_token_id"},
    };
    for (size_t i = 0; in->status == STATUS_OK && i < sizeof keys / sizeof *keys; i++) {
        int64_t id = 0;
        bool found = false;
        in->status = gguf_get_int(in->file, keys[i][0], 0, INT32_MAX, &id, &found, in->err);
        if (found) import_put_size(in, keys[i][1], (size_t)id);
    }
}

static void put_gpt2(GgufImport *in)
{
    const bool is_gpt2 = strcmp(in->family->model_type, "gpt2") == 0;
    import_put_rows(in, "token_embd.weight", "vocab_size");
    import_put_rows(in, "position_embd.weight", "n_positions");
    import_put_size(in, "n_embd", in->hidden_size);
    import_put_size(in, "n_layer", in->n_layers);
    import_put_size(in, "n_head", in->n_heads);
    import_copy_size(in, "feed_forward_length", "n_inner");
    import_copy_real(in, "attention.layer_norm_epsilon", "layer_norm_epsilon");
    import_put_text(in, "activation_function", is_gpt2 ? "gelu_new" : "gelu_pytorch_tanh");
    import_put_flag(in, "tie_word_embeddings", !import_has_tensor(in, "output.weight"));
    if (is_gpt2) return;
    size_t n_kv_heads = in->n_heads;
    (void)import_size(in, "attention.head_count_kv", &n_kv_heads);
    import_put_flag(in, "multi_query", n_kv_heads == 1);
}

// llama.cpp's files do not say how far relative positions reach: 128 tokens in all released T5s.
static void put_t5(GgufImport *in)
{
    size_t n_decoder = in->n_layers, start = 0;
    const bool is_gated = import_has_tensor(in, "enc.blk.0.ffn_gate.weight");
    (void)import_size(in, "decoder_block_count", &n_decoder);
    (void)import_size(in, "decoder_start_token_id", &start);
    import_put_rows(in, "token_embd.weight", "vocab_size");
    import_put_size(in, "d_model", in->hidden_size);
    import_put_size(in, "d_kv", in->head_dim);
    import_copy_size(in, "feed_forward_length", "d_ff");
    import_put_size(in, "num_layers", in->n_layers);
    import_put_size(in, "num_decoder_layers", n_decoder);
    import_put_size(in, "num_heads", in->n_heads);
    import_copy_size(in, "attention.relative_buckets_count", "relative_attention_num_buckets");
    import_put_size(in, "relative_attention_max_distance", 128);
    import_copy_real(in, "attention.layer_norm_rms_epsilon", "layer_norm_epsilon");
    import_put_size(in, "decoder_start_token_id", start);
    import_put_flag(in, "tie_word_embeddings", !import_has_tensor(in, "output.weight"));
    import_put_text(in, "feed_forward_proj", is_gated ? "gated-gelu" : "relu");
    // The first T5s alone scale what goes into a tied output layer; the later ones have gates, and layers of their own.
    import_put_flag(in, "scale_decoder_outputs",
                    !is_gated && !import_has_tensor(in, "output.weight"));
    import_put_flag(in, "is_encoder_decoder", true);
}

// By expert_gating_func; of files without it llama.cpp knows GLM 4.7 Flash by its size.
static bool chooses_by_sigmoids(GgufImport *in)
{
    enum { GATE_SIGMOID = 2, GLM_WORDS = 154880 }; // as llama.cpp numbers them
    size_t gate = 0;
    const SafeTensor *words = gguf_tensor(in->file, SLICE("token_embd.weight"));
    if (import_size(in, "expert_gating_func", &gate)) return gate == GATE_SIGMOID;
    return (in->n_layers == 47 || in->n_layers == 48) && words && words->n_dims == 2 &&
           words->shape[0] == GLM_WORDS;
}

// Architectures that several kinds of models share.
static void choose_family(GgufImport *in)
{
    const char *model = in->family->model_type;
    double growth = 0;
    size_t window = 0;
    // Mixtral is a Llama there.
    if (in->n_experts > 0 && strcmp(model, "llama") == 0)
        in->family = gguf_family_of_model(SLICE("mixtral"));
    // Mistral Small 3 is what Ministral 3 is, but for queries that grow.
    if (strcmp(model, "ministral3") == 0 &&
        !import_real(in, "attention.temperature_scale", &growth))
        in->family = gguf_family_of_model(SLICE("mistral"));
    // Experts are chosen by a softmax in the second, by sigmoids in the third.
    if (strcmp(model, "deepseek_v2") == 0 && chooses_by_sigmoids(in))
        in->family = gguf_family_of_model(SLICE("deepseek_v3"));
    // Llama has biases of all of attention's layers or of none; Helium, which is a Llama there, those of queries, keys and values.
    if (strcmp(model, "llama") == 0 && in->n_experts == 0 &&
        import_has_tensor(in, "blk.0.attn_q.bias") &&
        !import_has_tensor(in, "blk.0.attn_output.bias"))
        in->family = gguf_family_of_model(SLICE("helium"));
    // DistilBERT is a BERT without types of tokens.
    if (strcmp(model, "bert") == 0 && !import_has_tensor(in, "token_types.weight"))
        in->family = gguf_family_of_model(SLICE("distilbert"));
    // Of Granites the fourth alone may be without rotations.
    if (strcmp(model, "granite") == 0 && !import_flag(in, "rope.scaling.finetuned", true))
        in->family = gguf_family_of_model(SLICE("granitemoehybrid"));
    // OLMo 3 is OLMo 2 with windows.
    if (strcmp(model, "olmo2") == 0 && import_size(in, "attention.sliding_window", &window))
        in->family = gguf_family_of_model(SLICE("olmo3"));
    // A T5 with relative positions in its second block has them in every one.
    if (strcmp(model, "t5") == 0 && import_has_tensor(in, "enc.blk.1.attn_rel_b.weight"))
        in->family = gguf_family_of_both(slice_from_cstr(in->architecture), SLICE("umt5"));
}

// Encoders with a classifier, and what it reads of the first token: a reranker, or classes.
static bool has_classes(const GgufImport *in)
{
    return import_has_tensor(in, "cls.output.weight") && import_has_tensor(in, "cls.weight");
}

static const char *class_of(const GgufImport *in)
{
    const char *model = in->family->model_type;
    if (has_classes(in) && strcmp(model, "bert") == 0) return "BertForSequenceClassification";
    if (has_classes(in) && strcmp(model, "modernbert") == 0)
        return "ModernBertForSequenceClassification";
    return in->family->class_name;
}

static void put_labels(GgufImport *in)
{
    char key[IMPORT_KEY_SIZE];
    GgufItems items = {0};
    Slice label = {0};
    const SafeTensor *output = gguf_tensor(in->file, SLICE("cls.output.weight"));
    if (in->status != STATUS_OK || !has_classes(in) || output->n_dims == 0) return;
    const size_t n = output->n_dims > 1 ? output->shape[0] : 1;
    in->status = gguf_get_array(in->file, import_key(in, "classifier.output_labels", key),
                                GGUF_STRING, &items, NULL, in->err);
    json_member_object(&in->w, "id2label");
    for (size_t i = 0; i < n && n <= IMPORT_MAX_SIZE; i++) {
        char id[24], usual[32];
        snprintf(id, sizeof id, "%zu", i);
        snprintf(usual, sizeof usual, "LABEL_%zu", i);
        if (!gguf_next_string(&items, &label)) label = slice_from_cstr(usual);
        json_member_string(&in->w, id, label);
    }
    json_end_object(&in->w);
}

static bool is_encoder(const char *model)
{
    static const char *const names[] = {"bert", "distilbert", "nomic_bert", "modernbert"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(model, names[i]) == 0) return true;
    }
    return false;
}

// As llama.cpp: no architecture does without it, and a guess would give other numbers.
static void want_epsilon(GgufImport *in)
{
    double epsilon = 0;
    if (import_real(in, "attention.layer_norm_rms_epsilon", &epsilon) ||
        import_real(in, "attention.layer_norm_epsilon", &epsilon) || in->status != STATUS_OK)
        return;
    in->status = error_set(in->err, STATUS_INVALID,
                           SLICE_FMT ": metadata \"%s.attention.layer_norm_rms_epsilon\" (or "
                                     "layer_norm_epsilon) is missing: convert the model anew",
                           SLICE_ARG(in->file->name), in->architecture);
}

static Status import(GgufImport *in)
{
    import_want_size(in, "block_count", &in->n_layers);
    import_want_size(in, "embedding_length", &in->hidden_size);
    import_want_size(in, "attention.head_count", &in->n_heads);
    want_epsilon(in);
    (void)import_size(in, "expert_count", &in->n_experts);
    // Where the count of blocks has these too.
    if (strcmp(in->architecture, "glm4moe") == 0 &&
        import_size(in, "nextn_predict_layers", &in->n_further) && in->n_further < in->n_layers)
        in->n_layers -= in->n_further;
    choose_family(in);
    if (in->status != STATUS_OK) return in->status;
    in->head_dim = in->hidden_size / in->n_heads;
    (void)import_size(in, "attention.key_length", &in->head_dim);
    in->rotary_dims = in->head_dim;
    (void)import_size(in, "rope.dimension_count", &in->rotary_dims);
    if (in->status == STATUS_OK && in->rotary_dims > in->head_dim) {
        return error_set(in->err, STATUS_INVALID,
                         SLICE_FMT ": rope.dimension_count is %zu, but heads have %zu columns",
                         SLICE_ARG(in->file->name), in->rotary_dims, in->head_dim);
    }
    json_begin_object(&in->w);
    json_member_array(&in->w, "architectures");
    json_put_cstr(&in->w, class_of(in));
    json_end_array(&in->w);
    import_put_text(in, "model_type", in->family->model_type);
    import_put_text(in, "torch_dtype", "float32");
    if (strcmp(in->family->model_type, "gpt2") == 0 ||
        strcmp(in->family->model_type, "gpt_bigcode") == 0)
        put_gpt2(in);
    else if (is_encoder(in->family->model_type))
        import_put_encoder(in);
    else if (strcmp(in->architecture, "mpt") == 0)
        import_put_mpt(in);
    else if (strncmp(in->architecture, "t5", 2) == 0)
        put_t5(in);
    else if (strcmp(in->architecture, "deepseek2") == 0)
        import_put_deepseek(in);
    else
        import_put_decoder(in);
    put_special_ids(in);
    put_labels(in);
    json_end_object(&in->w);
    return in->status;
}

Status gguf_config_told(const Gguf *file, Buffer *json, Error *err)
{
    Slice architecture = {0};
    TRY(gguf_get_string(file, "general.architecture", &architecture, NULL, err));
    GgufImport in = {.file = file,
                     .family = gguf_family_of_file(architecture),
                     .w = json_writer(json, 2),
                     .err = err};
    if (!in.family) {
        NameList known = {0};
        gguf_list_families(&known);
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": unknown architecture \"" SLICE_FMT
                                   "\" of a GGUF file; known are: %s",
                         SLICE_ARG(file->name), SLICE_ARG(architecture), known.text);
    }
    in.architecture = in.family->architecture;
    TRY(import(&in));
    return buffer_status(json, err);
}

Status gguf_config(const Gguf *file, Buffer *json, Error *err)
{
    Slice own = {0};
    TRY(gguf_get_string(file, GGUF_KEY_CONFIG, &own, NULL, err));
    if (own.len > 0) {
        buffer_append(json, own);
        return buffer_status(json, err);
    }
    return gguf_config_told(file, json, err);
}
