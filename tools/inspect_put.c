// What assay inspect has found, for people and for programs.
#include "base/buffer_count.h"
#include "models/architecture.h"
#include "tools/inspect.h"

enum { MAX_SHOWN_LABELS = 20 };

// What the class says about how the weights came to be; NULL where it says nothing.
static const char *training_type(const Inspection *in)
{
    static const char *const types[HEAD_COUNT] = {
        [HEAD_EMBEDDING] = "encoder without a head",
        [HEAD_SEQUENCE] = "fine-tuned to classify texts",
        [HEAD_TOKEN] = "fine-tuned to tag tokens",
        [HEAD_SPAN] = "fine-tuned to find answers",
        [HEAD_CAUSAL_LM] = "trained to write the next token",
        [HEAD_MASKED_LM] = "pre-trained by masked language modelling",
        [HEAD_SEQ2SEQ] = "trained to make texts from texts",
    };
    for (size_t i = 0; i < in->card.tags.n; i++) {
        if (slice_eq_cstr(in->card.tags.values[i], "sentence-transformers")) {
            return "tuned for sentence embeddings";
        }
    }
    return types[model_config(in->model)->head];
}

static void put_name(Buffer *out, const char *name)
{
    buffer_printf(out, "%-16s", name);
}

static void put_card(Buffer *out, const char *name, const ModelCardField *field)
{
    if (field->n == 0) return;
    put_name(out, name);
    for (size_t i = 0; i < field->n; i++) {
        if (i > 0) buffer_append_cstr(out, ", ");
        output_escaped(out, field->values[i]);
    }
    buffer_append_byte(out, '\n');
}

static void put_labels(Buffer *out, const ModelConfig *config)
{
    if (!config->labels || config->head == HEAD_EMBEDDING) return;
    put_name(out, "labels");
    for (size_t i = 0; i < config->n_labels && i < MAX_SHOWN_LABELS; i++) {
        if (i > 0) buffer_append_cstr(out, ", ");
        output_escaped(out, config->labels[i]);
    }
    if (config->n_labels > MAX_SHOWN_LABELS) buffer_append_cstr(out, ", ...");
    buffer_printf(out, " (%zu)\n", config->n_labels);
}

static size_t head_dim_of(const ModelConfig *config)
{
    return config->head_dim > 0 ? config->head_dim : config->hidden_size / config->n_heads;
}

static void put_costs(Buffer *out, const Inspection *in)
{
    const ModelSize *size = &in->size;
    put_name(out, "work");
    buffer_printf(out, "%.4g MFLOP a token, and %.4g more for each token that it sees\n",
                  (double)size->flops_per_token * 1e-6, (double)size->flops_per_seen_token * 1e-6);
    if (size->state_bytes > 0) {
        put_name(out, "state");
        buffer_append_size(out, size->state_bytes);
        buffer_append_cstr(out, " a text, of the layers that are no attention\n");
    }
    if (size->cache_bytes_per_token == 0) return;
    put_name(out, "keys and values");
    buffer_printf(out, "%llu bytes a token in %s, ",
                  (unsigned long long)size->cache_bytes_per_token, in->kv);
    buffer_append_size(out, size->cache_bytes_per_token * model_config(in->model)->max_positions);
    buffer_append_cstr(out, " for the whole context\n");
}

static void put_experts(Buffer *out, const ExpertsConfig *experts)
{
    if (experts->n_experts == 0) return;
    put_name(out, "experts");
    buffer_printf(out, "%zu of %zu in a layer, of which a token goes to %zu", experts->n_experts,
                  experts->inner_size, experts->n_active);
    if (experts->shared_size > 0)
        buffer_printf(out, "; every token to one of %zu", experts->shared_size);
    buffer_append_byte(out, '\n');
}

static void put_count(Buffer *out, const char *before, uint64_t n)
{
    buffer_append_cstr(out, before);
    buffer_append_count(out, n);
}

static void put_sizes(Buffer *out, const Inspection *in)
{
    const ModelConfig *config = model_config(in->model);
    put_name(out, "parameters");
    put_count(out, "", in->size.n_parameters + in->n_unused);
    put_count(out, ": embeddings ", in->size.n_embedding);
    buffer_printf(out, ", %zu block%s of ", config->n_layers, config->n_layers == 1 ? "" : "s");
    put_count(out, "", in->size.n_block);
    put_count(out, ", head ", in->size.n_head);
    if (in->n_unused > 0) put_count(out, ", not read ", in->n_unused);
    if (in->size.n_active != in->size.n_parameters) {
        put_count(out, "; ", in->size.n_active);
        buffer_append_cstr(out, " of them for each token");
    }
    buffer_append_byte(out, '\n');
    put_name(out, "shape");
    buffer_printf(out, "hidden %zu, %zu heads of %zu, ", config->hidden_size, config->n_heads,
                  head_dim_of(config));
    if (config->n_kv_heads > 0 && config->n_kv_heads != config->n_heads)
        buffer_printf(out, "%zu of keys and values, ", config->n_kv_heads);
    buffer_printf(out, "feed-forward %zu\n", config->intermediate_size);
    put_experts(out, &config->experts);
    if (config->decoder.n_layers > 0) {
        put_name(out, "stacks");
        buffer_printf(out, "encoder %zu blocks, decoder %zu; a block above is one of each\n",
                      config->decoder.n_encoder_layers, config->decoder.n_layers);
    }
    put_name(out, "context window");
    buffer_printf(out, "%zu tokens", config->max_positions);
    if (config->attention.window > 0) {
        buffer_printf(out, "; %s see %zu", config->attention.is_local ? "some layers" : "layers",
                      config->attention.window);
    }
    buffer_append_byte(out, '\n');
    put_costs(out, in);
    put_name(out, "memory");
    buffer_append_size(out, in->size.weight_bytes + in->size.mapped_bytes);
    buffer_append_cstr(out, " of weights");
    if (in->size.weight_bytes + in->size.mapped_bytes < in->size.f32_bytes) {
        buffer_append_cstr(out, " (");
        buffer_append_size(out, in->size.f32_bytes);
        buffer_append_cstr(out, " as f32, to tune)");
    }
    buffer_append_cstr(out, "; about ");
    buffer_append_size(out, in->memory.predict_bytes);
    buffer_append_cstr(out, " to predict, ");
    buffer_append_size(out, in->memory.train_bytes);
    buffer_printf(out, " to tune (%zu x %zu tokens, %zu threads)\n", in->batch, in->longest,
                  in->n_threads);
}

void inspection_put_text(const Inspection *in, Buffer *out)
{
    const ModelConfig *config = model_config(in->model);
    put_name(out, "model");
    output_escaped(out, slice_from_cstr(in->directory));
    buffer_append_byte(out, '\n');
    put_name(out, "architecture");
    output_escaped(out, config->model_type);
    buffer_append_cstr(out, ", ");
    output_escaped(out, config->class_name);
    buffer_printf(out, ": %s\n", config->architecture->summary);
    put_name(out, "head");
    buffer_printf(out, "%s%s\n", model_head_name(config->head),
                  model_head_is_fresh(in->model) ? " (not in the file: it would be random)" : "");
    put_labels(out, config);
    put_name(out, "training");
    buffer_printf(out, "%s\n", training_type(in));
    put_sizes(out, in);
    put_name(out, "tokenizer");
    if (in->tokenizer.ptr) {
        output_escaped(out, in->tokenizer);
        buffer_printf(out, ", %zu tokens", in->tokenizer_size);
        const size_t n = tokenizer_n_languages(model_tokenizer(in->model));
        if (n > 0) buffer_printf(out, " of %zu languages (--json lists them)", n);
        buffer_append_byte(out, '\n');
    } else {
        buffer_append_cstr(out, "none\n");
    }
    if (in->card.license.n == 0) {
        put_name(out, "licence");
        buffer_append_cstr(out, in->card.license_file.ptr ? "see " : "not stated by the files");
        output_escaped(out, in->card.license_file);
        buffer_append_byte(out, '\n');
    }
    put_card(out, "licence", &in->card.license);
    put_card(out, "made from", &in->card.base_model);
    put_card(out, "language", &in->card.language);
    put_card(out, "trained on", &in->card.datasets);
    buffer_append_byte(out, '\n');
    listing_put_table(&in->types, out);
    buffer_append_byte(out, '\n');
    listing_put_table(&in->files, out);
}

static void json_text(JsonWriter *w, const char *key, Slice text)
{
    json_put_key(w, key);
    if (text.ptr)
        json_put_string(w, text);
    else
        json_put_null(w);
}

static void json_words(JsonWriter *w, const char *key, const Slice *words, size_t n)
{
    json_member_array(w, key);
    for (size_t i = 0; i < n; i++) json_put_string(w, words[i]);
    json_end_array(w);
}

static void json_card(JsonWriter *w, const ModelCard *card)
{
    json_words(w, "licence", card->license.values, card->license.n);
    json_text(w, "licence_file", card->license_file);
    json_words(w, "base_model", card->base_model.values, card->base_model.n);
    json_words(w, "language", card->language.values, card->language.n);
    json_words(w, "datasets", card->datasets.values, card->datasets.n);
    json_words(w, "tags", card->tags.values, card->tags.n);
}

static void json_languages(JsonWriter *w, const Tokenizer *tokenizer)
{
    const size_t n = tokenizer ? tokenizer_n_languages(tokenizer) : 0;
    json_member_array(w, "tokenizer_languages");
    for (size_t i = 0; i < n; i++) json_put_string(w, tokenizer_language_code(tokenizer, i));
    json_end_array(w);
}

void inspection_put_json(const Inspection *in, JsonWriter *w)
{
    const ModelConfig *config = model_config(in->model);
    json_begin_object(w);
    json_text(w, "path", slice_from_cstr(in->directory));
    json_text(w, "architecture", config->model_type);
    json_text(w, "class", config->class_name);
    json_text(w, "head", slice_from_cstr(model_head_name(config->head)));
    json_words(w, "labels", config->labels, config->labels ? config->n_labels : 0);
    json_text(w, "training", slice_from_cstr(training_type(in)));
    json_member_object(w, "parameters");
    json_member_u64(w, "total", in->size.n_parameters + in->n_unused);
    json_member_u64(w, "active", in->size.n_active);
    json_member_u64(w, "embedding", in->size.n_embedding);
    json_member_u64(w, "block", in->size.n_block);
    json_member_u64(w, "head", in->size.n_head);
    json_member_u64(w, "not_read", in->n_unused);
    json_end_object(w);
    json_member_u64(w, "n_layers", config->n_layers);
    if (config->decoder.n_layers > 0) {
        json_member_u64(w, "n_encoder_layers", config->decoder.n_encoder_layers);
        json_member_u64(w, "n_decoder_layers", config->decoder.n_layers);
    }
    json_member_u64(w, "hidden_size", config->hidden_size);
    json_member_u64(w, "n_heads", config->n_heads);
    json_member_u64(w, "n_kv_heads", config->n_kv_heads > 0 ? config->n_kv_heads : config->n_heads);
    json_member_u64(w, "head_dim", head_dim_of(config));
    json_member_u64(w, "intermediate_size", config->intermediate_size);
    json_member_u64(w, "n_experts", config->experts.n_experts);
    json_member_u64(w, "n_active_experts", config->experts.n_active);
    json_member_u64(w, "vocab_size", config->vocab_size);
    json_member_u64(w, "context_window", config->max_positions);
    json_member_u64(w, "sliding_window", config->attention.window);
    json_member_u64(w, "flops_per_token", in->size.flops_per_token);
    json_member_u64(w, "flops_per_seen_token", in->size.flops_per_seen_token);
    json_member_u64(w, "kv_bytes_per_token", in->size.cache_bytes_per_token);
    json_member_u64(w, "state_bytes", in->size.state_bytes);
    json_member_cstr(w, "kv_dtype", in->kv);
    json_member_object(w, "memory_bytes");
    json_member_u64(w, "weights", in->size.weight_bytes + in->size.mapped_bytes);
    json_member_u64(w, "weights_f32", in->size.f32_bytes);
    json_member_u64(w, "predict", in->memory.predict_bytes);
    json_member_u64(w, "tune", in->memory.train_bytes);
    json_member_u64(w, "batch", in->batch);
    json_member_u64(w, "length", in->longest);
    json_member_u64(w, "step_tokens", in->step_tokens);
    json_member_u64(w, "threads", in->n_threads);
    json_end_object(w);
    json_text(w, "tokenizer", in->tokenizer);
    json_member_u64(w, "tokenizer_vocab_size", in->tokenizer_size);
    json_languages(w, model_tokenizer(in->model));
    json_card(w, &in->card);
    json_put_key(w, "dtypes");
    listing_put_json(&in->types, w);
    json_put_key(w, "files");
    listing_put_json(&in->files, w);
    json_end_object(w);
}
