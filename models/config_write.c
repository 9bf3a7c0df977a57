// A model's config.json as it is saved: what is known of the model, and what else the original says.
#include "base/json_source.h"
#include "base/json_writer.h"
#include "models/architecture.h"
#include "models/config.h"

static bool has_labels(const ModelConfig *config)
{
    return config->head == HEAD_SEQUENCE || config->head == HEAD_TOKEN;
}

static void put_labels(JsonWriter *w, const ModelConfig *config)
{
    json_member_object(w, "id2label");
    for (size_t i = 0; i < config->n_labels; i++) {
        char id[24];
        snprintf(id, sizeof id, "%zu", i);
        json_member_string(w, id, config->labels[i]);
    }
    json_end_object(w);
    json_member_object(w, "label2id");
    for (size_t i = 0; i < config->n_labels; i++) {
        json_put_key_slice(w, config->labels[i]);
        json_put_u64(w, i);
    }
    json_end_object(w);
}

// Members of the original that this function states itself, or that are no longer true of weights saved as f32.
static bool is_restated(Slice key)
{
    static const char *const names[] = {"architectures", "model_type",  "id2label",
                                        "label2id",      "num_labels",  "problem_type",
                                        "dtype",         "torch_dtype", "quantization_config"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (slice_eq_cstr(key, names[i])) return true;
    }
    return false;
}

static void put_ends(JsonWriter *w, const ModelConfig *config)
{
    if (config->bos_id >= 0) json_member_u64(w, "bos_token_id", (size_t)config->bos_id);
    if (config->n_eos == 0) return;
    json_member_array(w, "eos_token_id");
    for (size_t i = 0; i < config->n_eos; i++) json_put_i64(w, config->eos_ids[i]);
    json_end_array(w);
}

// A head that reads the last token before the padding wants to be told of it.
static bool adds_padding(const ModelConfig *config, const Json *original)
{
    const Json *pad = json_get(original, "pad_token_id");
    return config->head == HEAD_SEQUENCE && config->pad_id >= 0 &&
           config->architecture->classified == CLASSIFIED_LAST &&
           (!pad || json_kind(pad) == JSON_NULL);
}

static void put_original(JsonWriter *w, const ModelConfig *config, const Json *original)
{
    const bool adds = adds_padding(config, original);
    for (const Json *v = json_first(original); v; v = json_next(v)) {
        const Slice key = json_key(v);
        if (is_restated(key) || (adds && slice_eq_cstr(key, "pad_token_id"))) continue;
        json_put_key_slice(w, key);
        json_put_value(w, v);
    }
    if (adds) json_member_u64(w, "pad_token_id", (size_t)config->pad_id);
}

Status model_config_write(const ModelConfig *config, const Json *original, Buffer *out, Error *err)
{
    JsonWriter w = json_writer(out, 2);
    json_begin_object(&w);
    json_member_array(&w, "architectures");
    // The class that has this head and nothing more: BertForPreTraining, say, has tensors that are not kept.
    const ArchitectureClass *saved = architecture_class(config->architecture, config->head);
    json_put_string(&w, saved && !config->is_discriminator ? slice_from_cstr(saved->name)
                                                           : config->class_name);
    json_end_array(&w);
    json_member_string(&w, "model_type", config->model_type);
    if (has_labels(config) && !config->is_discriminator) put_labels(&w, config);
    if (config->head == HEAD_SEQUENCE) {
        json_member_string(&w, "problem_type",
                           config->problem_type.len > 0 ? config->problem_type
                           : config->n_labels == 1      ? SLICE("regression")
                                                        : SLICE("single_label_classification"));
    }
    json_member_cstr(&w, "torch_dtype", "float32");
    if (original) {
        put_original(&w, config, original);
    } else {
        config->architecture->write_config(config, &w);
        if (config->pad_id >= 0) json_member_u64(&w, "pad_token_id", (size_t)config->pad_id);
        if (config->head == HEAD_CAUSAL_LM || config->head == HEAD_SEQ2SEQ) put_ends(&w, config);
    }
    json_end_object(&w);
    buffer_append_byte(out, '\n');
    return buffer_status(out, err);
}
