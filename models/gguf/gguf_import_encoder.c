// Encoders: BERT, and those whose positions are rotations.
#include <string.h>

#include "models/gguf/gguf_export.h"
#include "models/gguf/gguf_import_internal.h"

static void put_sizes(GgufImport *in, const char *norm_key)
{
    import_put_rows(in, "token_embd.weight", "vocab_size");
    import_put_size(in, "hidden_size", in->hidden_size);
    import_put_size(in, "num_hidden_layers", in->n_layers);
    import_put_size(in, "num_attention_heads", in->n_heads);
    import_copy_size(in, "feed_forward_length", "intermediate_size");
    import_copy_real(in, "attention.layer_norm_epsilon", norm_key);
}

static void put_bert(GgufImport *in)
{
    put_sizes(in, "layer_norm_eps");
    import_put_rows(in, "position_embd.weight", "max_position_embeddings");
    import_put_rows(in, "token_types.weight", "type_vocab_size");
    import_put_text(in, "hidden_act", "gelu");
}

static void put_distilbert(GgufImport *in)
{
    import_put_rows(in, "token_embd.weight", "vocab_size");
    import_put_rows(in, "position_embd.weight", "max_position_embeddings");
    import_put_size(in, "dim", in->hidden_size);
    import_put_size(in, "n_layers", in->n_layers);
    import_put_size(in, "n_heads", in->n_heads);
    import_copy_size(in, "feed_forward_length", "hidden_dim");
    import_put_text(in, "activation", "gelu");
}

static void put_nomic(GgufImport *in)
{
    double theta = 10000; // llama.cpp's, of a silent file
    put_sizes(in, "layer_norm_eps");
    import_copy_size(in, "context_length", "max_position_embeddings");
    import_put_rows(in, "token_types.weight", "type_vocab_size");
    import_put_text(in, "hidden_act", "silu");
    (void)import_real(in, "rope.freq_base", &theta);
    import_put_real(in, "rope_theta", theta);
}

// Near tokens alone in all but every third block, the first among them.
static void put_modernbert(GgufImport *in)
{
    char key[IMPORT_KEY_SIZE];
    size_t reach = 0, pool = GGUF_POOL_MEAN;
    double global = 10000, local = 10000; // llama.cpp's, of a silent file
    Slice activation = SLICE("gelu");
    put_sizes(in, "norm_eps");
    import_copy_size(in, "context_length", "max_position_embeddings");
    if (in->status == STATUS_OK)
        in->status = gguf_get_string(in->file, import_key(in, "hidden_activation", key),
                                     &activation, NULL, in->err);
    json_member_string(&in->w, "hidden_activation", activation);
    (void)import_real(in, "rope.freq_base", &global);
    (void)import_real(in, "rope.freq_base_swa", &local);
    import_put_real(in, "global_rope_theta", global);
    import_put_real(in, "local_rope_theta", local);
    if (import_size(in, "attention.sliding_window", &reach))
        import_put_size(in, "local_attention", reach);
    import_put_layer_types(in, reach > 0 ? 3 : 0, true);
    (void)import_size(in, "classifier.pooling_type", &pool);
    import_put_text(in, "classifier_pooling", pool == GGUF_POOL_FIRST ? "cls" : "mean");
    import_put_flag(in, "attention_bias", import_has_tensor(in, "blk.0.attn_qkv.bias"));
    import_put_flag(in, "mlp_bias", import_has_tensor(in, "blk.0.ffn_up.bias"));
    import_put_flag(in, "norm_bias", import_has_tensor(in, "output_norm.bias"));
}

void import_put_encoder(GgufImport *in)
{
    if (strcmp(in->family->model_type, "nomic_bert") == 0)
        put_nomic(in);
    else if (strcmp(in->family->model_type, "modernbert") == 0)
        put_modernbert(in);
    else if (strcmp(in->family->model_type, "distilbert") == 0)
        put_distilbert(in);
    else
        put_bert(in);
}
