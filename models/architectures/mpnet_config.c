// MPNet's row of the registry, and what of config.json it reads and writes.
#include "models/architecture.h"
#include "models/architectures/bert_config.h"
#include "models/architectures/mpnet.h"

// Transformers computes with these numbers whatever a file says.
enum { MPNET_PAD = 1, MPNET_FIRST = MPNET_PAD + 1, MPNET_BUCKETS = 32 };

static Status read_relative(const Json *root, ModelConfig *config, Error *err)
{
    int64_t n_buckets = MPNET_BUCKETS, pad = MPNET_PAD;
    TRY(json_opt_i64(root, "relative_attention_num_buckets", 1, 1 << 16, &n_buckets, err));
    if (n_buckets != MPNET_BUCKETS) {
        return json_error(json_get(root, "relative_attention_num_buckets"), err,
                          "found %lld, but the architecture has %d", (long long)n_buckets,
                          MPNET_BUCKETS);
    }
    TRY(json_opt_i64(root, "pad_token_id", 0, (int64_t)config->vocab_size - 1, &pad, err));
    if (pad != MPNET_PAD) {
        return json_error(json_get(root, "pad_token_id"), err,
                          "found %lld, but positions are counted by padding of id %d",
                          (long long)pad, MPNET_PAD);
    }
    config->n_relative_buckets = MPNET_BUCKETS;
    return STATUS_OK;
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    (void)arena;
    TRY(bert_config_read_untyped(root, config, err));
    TRY(read_relative(root, config, err));
    if (config->max_positions <= MPNET_FIRST) {
        return json_error(json_get(root, "max_position_embeddings"), err,
                          "%zu positions leave no room after the first %d, which are padding's",
                          config->max_positions, MPNET_FIRST);
    }
    config->first_position = MPNET_FIRST;
    config->max_positions -= MPNET_FIRST;
    config->positions_skip_pads = true;
    config->pad_id = MPNET_PAD;
    return STATUS_OK;
}

static void write_config(const ModelConfig *config, JsonWriter *w)
{
    bert_config_write_untyped(config, w);
    json_member_u64(w, "relative_attention_num_buckets", config->n_relative_buckets);
}

// None is made anew: its padding is id 1, which few tokenizers have.
const Architecture architecture_mpnet = {
    .model_type = "mpnet",
    .summary = "MPNet encoders (all-mpnet-base-v2 among them)",
    .classes = {{"MPNetForSequenceClassification", HEAD_SEQUENCE},
                {"MPNetForTokenClassification", HEAD_TOKEN},
                {"MPNetForQuestionAnswering", HEAD_SPAN},
                {"MPNetForMaskedLM", HEAD_MASKED_LM},
                {"MPNetModel", HEAD_EMBEDDING}},
    .base_prefix = "mpnet.",
    .read_config = read_config,
    .write_config = write_config,
    .record = mpnet_record,
};
