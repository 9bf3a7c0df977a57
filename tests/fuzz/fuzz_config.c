// config.json of models: reading never crashes, and what it accepts is written and read again to the same sizes.
#include "models/config.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

const Slice fuzz_seeds[] = {
    SLICE_LIT(
        "{\"architectures\":[\"BertForSequenceClassification\"],\"model_type\":\"bert\",\"vocab_size\":420,\"hidden_size\":32,"
        "\"num_hidden_layers\":2,\"num_attention_heads\":4,\"intermediate_size\":64,\"max_position_embeddings\":64,"
        "\"type_vocab_size\":2,\"id2label\":{\"0\":\"no\",\"1\":\"yes\"},\"pad_token_id\":0}"),
    SLICE_LIT(
        "{\"architectures\":[\"BertForMaskedLM\"],\"vocab_size\":9,\"hidden_size\":4,\"num_hidden_layers\":1,\"hidden_act\":\"gelu_new\","
        "\"num_attention_heads\":2,\"intermediate_size\":8,\"max_position_embeddings\":5,\"type_vocab_size\":1,\"layer_norm_eps\":1e-5}"),
    SLICE_LIT("{\"model_type\":\"bert\",\"num_labels\":3}"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

static Status parse(Arena *arena, Slice text, ModelConfig *out, Buffer *rewritten, Error *err)
{
    JsonDocument *document = NULL;
    TRY(json_parse(SLICE("config.json"), text, JSON_STRICT, &document, err));
    Status s = model_config_parse(arena, json_root(document), out, err);
    if (s == STATUS_OK && rewritten)
        s = model_config_write(out, json_root(document), rewritten, err);
    json_close(&document);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena arena = {0};
    Buffer text = {0};
    Error err = {0};
    ModelConfig config, again;
    const Status s = parse(&arena, (Slice){(const char *)data, size}, &config, &text, &err);
    if (s != STATUS_OK && err.text[0] == '\0') abort();
    if (s == STATUS_OK) {
        if (parse(&arena, buffer_slice(&text), &again, NULL, &err) != STATUS_OK) abort();
        if (again.head != config.head || again.hidden_size != config.hidden_size ||
            again.n_labels != config.n_labels)
            abort();
    }
    buffer_release(&text);
    arena_release(&arena);
    return 0;
}
