// models/config_read.h: members of config.json, for the architectures that read and write them.
#ifndef ASSAY_MODELS_CONFIG_READ_H
#define ASSAY_MODELS_CONFIG_READ_H

#include "base/arena.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "models/config.h"

// Whether a member is there and not null.
bool config_has(const Json *root, const char *key);
// A size from 1 to 2^24; missing is an error.
Status config_read_size(const Json *root, const char *key, size_t *out, Error *err) MUST_CHECK;
// The same, but missing or null gives `missing`.
Status config_read_size_or(const Json *root, const char *key, size_t missing, size_t *out,
                           Error *err) MUST_CHECK;
// Heads of equal width with keys of their own: head_dim and n_kv_heads from n_heads and hidden_size, which the file calls
// hidden_key and which must be a multiple.
Status config_split_heads(const Json *root, const char *hidden_key, ModelConfig *config,
                          Error *err) MUST_CHECK;
// A number in [lowest, highest]; missing or null gives `missing`.
Status config_read_float(const Json *root, const char *key, double lowest, double highest,
                         double missing, float *out, Error *err) MUST_CHECK;
// Members of which one value alone is supported, which is also what a missing or null one means; any other is refused by name.
Status config_want_bool(const Json *root, const char *key, bool wanted, Error *err) MUST_CHECK;
Status config_want_number(const Json *root, const char *key, double wanted, Error *err) MUST_CHECK;
Status config_want_string(const Json *root, const char *key, const char *wanted,
                          Error *err) MUST_CHECK;
Status config_want_null(const Json *root, const char *key, Error *err) MUST_CHECK;
// A list with an entry for each of n_layers layers, or NULL where there is none.
Status config_read_layer_list(const Json *root, const char *key, size_t n_layers, const Json **out,
                              Error *err) MUST_CHECK;
// classifier_pooling: "mean", or FIRST (the first token), or, unless NULL, EACH (every token's classes are averaged).
Status config_read_classifier_pooling(const Json *root, const char *missing, const char *first,
                                      const char *each, ModelConfig *config, Error *err) MUST_CHECK;
void config_write_classifier_pooling(const ModelConfig *config, const char *first, JsonWriter *w);
// tie_word_embeddings of masked LMs and encoder-decoders; true where the file does not say.
Status config_read_own_output(const Json *root, ModelConfig *config, Error *err) MUST_CHECK;
// "gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "quick_gelu", "relu", "relu2", "silu" ("swish"), "mish", "tanh".
Status config_read_activation(const Json *root, const char *key, Activation *out,
                              Error *err) MUST_CHECK;
bool config_activation_of(Slice name, Activation *out);    // false where it is none of these
const char *config_activation_name(Activation activation); // as config.json spells it

// bos_token_id and eos_token_id (one, or a list), where they are there and not null: of config.json, and then of
// generation_config.json, which has the last word.
Status config_read_ends(Arena *arena, const Json *root, ModelConfig *config, Error *err) MUST_CHECK;

#endif
