// models/architectures/bert_config.h: members of config.json that BERT and its kin share.
#ifndef ASSAY_MODELS_ARCHITECTURES_BERT_CONFIG_H
#define ASSAY_MODELS_ARCHITECTURES_BERT_CONFIG_H

#include "models/config_read.h"

// Sizes, dropout and activation; variants that are not supported are refused by name. max_positions is as in the file.
Status bert_config_read(const Json *root, ModelConfig *config, Error *err) MUST_CHECK;
// The same without token types.
Status bert_config_read_untyped(const Json *root, ModelConfig *config, Error *err) MUST_CHECK;
// The same where positions are no matter of the embeddings.
Status bert_config_read_unplaced(const Json *root, ModelConfig *config, Error *err) MUST_CHECK;
// embedding_size, which is hidden_size where the file has none and `missing` is 0.
Status bert_config_read_embedding(const Json *root, size_t missing, ModelConfig *config,
                                  Error *err) MUST_CHECK;
// Architecture's `complete` for BERT.
void bert_config_complete(ModelConfig *config);
void bert_config_write(const ModelConfig *config, JsonWriter *w);
void bert_config_write_untyped(const ModelConfig *config, JsonWriter *w);

#endif
