#include <criterion/criterion.h>
#include <string.h>

#include "model_support.h"
#include "models/architecture.h"

// A good config with one thing changed: from %s.
static const char good[] =
    "{\"architectures\": [\"BertForSequenceClassification\"], \"model_type\": \"bert\", \"vocab_size\": 420, \"hidden_size\": 32, "
    "\"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"intermediate_size\": 64, \"max_position_embeddings\": 64, "
    "\"type_vocab_size\": 2, \"hidden_act\": \"gelu_new\", \"layer_norm_eps\": 1e-12, \"pad_token_id\": 0, "
    "\"hidden_dropout_prob\": 0.25, \"classifier_dropout\": null, "
    "\"id2label\": {\"1\": \"yes\", \"0\": \"no\", \"2\": \"may `be`\\n\\\"\"}}";

// good with its first occurrence of `from` replaced.
static void changed(char *out, size_t size, const char *from, const char *to)
{
    const char *at = strstr(good, from);
    cr_assert(at != NULL, "the good config has no %s", from);
    snprintf(out, size, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
}

Test(config, reads_what_a_checkpoint_says)
{
    Arena arena = {0};
    Error err = {0};
    ModelConfig c = {0};
    want_ok(parse_config(&arena, good, &c, &err), &err);
    cr_assert(c.architecture == architecture_find(SLICE("bert")) && c.head == HEAD_SEQUENCE);
    cr_assert(slice_eq_cstr(c.class_name, "BertForSequenceClassification"));
    cr_assert(c.vocab_size == 420 && c.hidden_size == 32 && c.n_layers == 2 && c.n_heads == 4 &&
              c.intermediate_size == 64);
    cr_assert(c.max_positions == 64 && c.type_vocab_size == 2 && c.pad_id == 0 &&
              c.activation == ACTIVATION_GELU_TANH);
    cr_assert(c.dropout.hidden == 0.25f && c.dropout.attention == 0.1f &&
              c.dropout.classifier < 0 && c.initializer_range == 0.02f);
    cr_assert(c.n_labels == 3 && slice_eq_cstr(c.labels[0], "no") &&
              slice_eq_cstr(c.labels[2], "may `be`\n\""));
    arena_release(&arena);
}

Test(config, knows_the_head_of_every_class)
{
    static const struct {
        const char *class_name;
        ModelHead head;
        size_t n_labels;
    } cases[] = {
        {"BertForSequenceClassification", HEAD_SEQUENCE, 3},
        {"BertForTokenClassification", HEAD_TOKEN, 3},
        {"BertForQuestionAnswering", HEAD_SPAN, 2},
        {"BertForMaskedLM", HEAD_MASKED_LM, 420},
        {"BertModel", HEAD_EMBEDDING, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        ModelConfig c = {0};
        char text[1024];
        changed(text, sizeof text, "BertForSequenceClassification", cases[i].class_name);
        want_ok(parse_config(&arena, text, &c, &err), &err);
        cr_assert(c.head == cases[i].head && c.n_labels == cases[i].n_labels,
                  "%s: head %s, %zu labels", cases[i].class_name, model_head_name(c.head),
                  c.n_labels);
        arena_release(&arena);
    }
}

Test(config, refuses_what_does_not_fit_and_names_the_place)
{
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
        {"\"bert\"", "\"transfusion\"", "unknown architecture \"transfusion\"; known are: bert"},
        {"BertForSequenceClassification", "BertForNothing",
         "class \"BertForNothing\" is not supported; of bert known are: BertForSequenceClassification"},
        {"\"hidden_size\": 32", "\"hidden_size\": 30", "no multiple of 4"},
        {"\"hidden_size\": 32", "\"hidden_size\": 0", "hidden_size"},
        {"\"hidden_size\": 32", "\"hidden_size\": 99999999999", "hidden_size"},
        {"\"hidden_size\": 32, ", "", "hidden_size"},
        {"\"hidden_size\": 32", "\"hidden_size\": \"32\"", "hidden_size"},
        {"\"gelu_new\"", "\"swoosh\"", "unknown activation \"swoosh\""},
        {"\"pad_token_id\": 0", "\"pad_token_id\": 420", "pad_token_id"},
        {"\"1\": \"yes\"", "\"3\": \"yes\"", "\"0\" to \"2\""},
        {"\"1\": \"yes\"", "\"one\": \"yes\"", "\"0\" to \"2\""},
        {"\"1\": \"yes\"", "\"00\": \"yes\"", "each once"},
        {"\"1\": \"yes\"", "\"1\": \"no\"", "label \"no\" occurs twice"},
        {"0.25", "1.5", "hidden_dropout_prob"},
        {"\"hidden_act\"", "\"position_embedding_type\": \"relative_key\", \"hidden_act\"",
         "absolute"},
        {"\"hidden_act\"", "\"problem_type\": \"ranking\", \"hidden_act\"",
         "found \"ranking\"; there are"},
        {"\"hidden_act\"", "\"is_decoder\": true, \"hidden_act\"", "decoder"},
        {"\"hidden_act\"",
         "\"quantization_config\": {\"quant_method\": \"gptq\", \"bits\": 4}, \"hidden_act\"",
         "quantised (\"gptq\")"},
        {"{\"architectures\": [\"BertForSequenceClassification\"], \"model_type\": \"bert\", ", "{",
         "what model this is"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        ModelConfig c = {0};
        char text[1024];
        changed(text, sizeof text, cases[i].from, cases[i].to);
        cr_assert(parse_config(&arena, text, &c, &err) == STATUS_INVALID, "%s", cases[i].to);
        cr_assert(strstr(err.text, cases[i].says) && strstr(err.text, "config.json"), "%s says: %s",
                  cases[i].to, err.text);
        arena_release(&arena);
    }
}

Test(config, writes_what_it_read_with_the_head_restated)
{
    static const Slice labels[] = {SLICE_LIT("up"), SLICE_LIT("down \"q\"")};
    Arena arena = {0};
    Error err = {0};
    Buffer text = {0};
    ModelConfig c = {0}, again = {0};
    JsonDocument *document = NULL;
    char original[1200];
    changed(original, sizeof original, "\"hidden_act\"",
            "\"custom\": [1, 2.50, {\"x\": null}], \"torch_dtype\": \"float16\", \"hidden_act\"");
    want_ok(
        json_parse(SLICE("config.json"), slice_from_cstr(original), JSON_STRICT, &document, &err),
        &err);
    want_ok(model_config_parse(&arena, json_root(document), &c, &err), &err);
    c.labels = labels;
    c.n_labels = 2;
    want_ok(model_config_write(&c, json_root(document), &text, &err), &err);
    cr_assert(strstr(text.ptr, "2.50") && strstr(text.ptr, "\"torch_dtype\": \"float32\"") &&
                  !strstr(text.ptr, "float16"),
              "%s", text.ptr);
    want_ok(parse_config(&arena, text.ptr, &again, &err), &err);
    cr_assert(again.n_labels == 2 && slice_eq(again.labels[1], labels[1]) &&
              again.hidden_size == 32);

    // Without an original every size is written.
    buffer_clear(&text);
    want_ok(model_config_write(&c, NULL, &text, &err), &err);
    want_ok(parse_config(&arena, text.ptr, &again, &err), &err);
    cr_assert(again.vocab_size == c.vocab_size && again.layer_norm_eps == c.layer_norm_eps &&
              again.activation == c.activation && again.pad_id == 0);
    cr_assert(again.dropout.hidden == c.dropout.hidden && again.max_positions == c.max_positions);
    json_close(&document);
    buffer_release(&text);
    arena_release(&arena);
}

static bool same_deberta(const DebertaConfig *a, const DebertaConfig *b)
{
    return a->is_relative == b->is_relative && a->has_position_keys == b->has_position_keys &&
           a->has_position_queries == b->has_position_queries &&
           a->shares_projections == b->shares_projections &&
           a->norms_positions == b->norms_positions &&
           a->has_absolute_positions == b->has_absolute_positions && a->is_legacy == b->is_legacy &&
           a->n_buckets == b->n_buckets && a->max_distance == b->max_distance &&
           a->n_score_parts == b->n_score_parts && a->pooler_dropout == b->pooler_dropout &&
           a->pooler_activation == b->pooler_activation;
}

// RoBERTa's positions begin after the padding's; DistilBERT has its own names. Both are read back as they are written.
Test(config, reads_and_writes_the_kin_of_bert)
{
    static const struct {
        const char *text;
        size_t first_position, max_positions, type_vocab_size;
        int32_t pad_id;
        ModelHead head;
    } cases[] = {
        {"{\"architectures\": [\"RobertaForMaskedLM\"], \"vocab_size\": 60, \"hidden_size\": 32, "
         "\"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"intermediate_size\": 64, "
         "\"max_position_embeddings\": 66, \"type_vocab_size\": 1}",
         2, 64, 1, 1, HEAD_MASKED_LM},
        {"{\"model_type\": \"xlm-roberta\", \"architectures\": [\"XLMRobertaForTokenClassification\"], "
         "\"vocab_size\": 60, \"hidden_size\": 32, \"num_hidden_layers\": 2, \"num_attention_heads\": 4, "
         "\"intermediate_size\": 64, \"max_position_embeddings\": 30, \"type_vocab_size\": 1, "
         "\"pad_token_id\": 3}",
         4, 26, 1, 3, HEAD_TOKEN},
        {"{\"model_type\": \"bert\", \"vocab_size\": 60, \"hidden_size\": 32, "
         "\"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"intermediate_size\": 64, "
         "\"max_position_embeddings\": 30, \"pad_token_id\": 0}",
         0, 30, 2, 0, HEAD_EMBEDDING},
        {"{\"model_type\": \"distilbert\", \"vocab_size\": 60, \"dim\": 32, \"n_layers\": 2, \"n_heads\": 4, "
         "\"hidden_dim\": 64, \"max_position_embeddings\": 48, \"pad_token_id\": 0, \"qa_dropout\": 0.25}",
         0, 48, 0, 0, HEAD_EMBEDDING},
        {"{\"architectures\": [\"MPNetForMaskedLM\"], \"vocab_size\": 60, \"hidden_size\": 32, "
         "\"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"intermediate_size\": 64, "
         "\"max_position_embeddings\": 66}",
         2, 64, 0, 1, HEAD_MASKED_LM},
        {"{\"architectures\": [\"ElectraForPreTraining\"], \"vocab_size\": 60, \"hidden_size\": 32, "
         "\"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"intermediate_size\": 64, "
         "\"max_position_embeddings\": 66, \"type_vocab_size\": 2, \"embedding_size\": 16, "
         "\"pad_token_id\": 0}",
         0, 66, 2, 0, HEAD_TOKEN},
        {"{\"model_type\": \"albert\", \"vocab_size\": 60, \"hidden_size\": 32, "
         "\"num_hidden_layers\": 6, \"num_attention_heads\": 4, \"intermediate_size\": 64, "
         "\"max_position_embeddings\": 66, \"type_vocab_size\": 2, \"num_hidden_groups\": 3, "
         "\"inner_group_num\": 2, \"pad_token_id\": 0}",
         0, 66, 2, 0, HEAD_EMBEDDING},
        {"{\"model_type\": \"deberta-v2\", \"vocab_size\": 60, \"hidden_size\": 32, "
         "\"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"intermediate_size\": 64, "
         "\"max_position_embeddings\": 66, \"type_vocab_size\": 0, \"relative_attention\": true, "
         "\"position_buckets\": 16, \"norm_rel_ebd\": \"layer_norm\", \"share_att_key\": true, "
         "\"pos_att_type\": \"p2c|C2P\", \"layer_norm_eps\": 1e-7, \"max_relative_positions\": -1, "
         "\"position_biased_input\": false}",
         0, 66, 0, 0, HEAD_EMBEDDING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        Buffer text = {0};
        ModelConfig c = {0}, again = {0};
        want_ok(parse_config(&arena, cases[i].text, &c, &err), &err);
        cr_expect(c.first_position == cases[i].first_position &&
                      c.max_positions == cases[i].max_positions &&
                      c.type_vocab_size == cases[i].type_vocab_size &&
                      c.pad_id == cases[i].pad_id && c.head == cases[i].head,
                  "case %zu", i);
        want_ok(model_config_write(&c, NULL, &text, &err), &err);
        want_ok(parse_config(&arena, text.ptr, &again, &err), &err);
        cr_expect(
            again.architecture == c.architecture && again.head == c.head &&
                again.max_positions == c.max_positions &&
                again.first_position == c.first_position && again.dropout.span == c.dropout.span &&
                again.pad_id == c.pad_id && again.layer_norm_eps == c.layer_norm_eps &&
                again.embedding_size == c.embedding_size &&
                again.albert.n_groups == c.albert.n_groups &&
                again.albert.n_inner == c.albert.n_inner && again.activation == c.activation &&
                again.dropout.classifier == c.dropout.classifier &&
                again.n_relative_buckets == c.n_relative_buckets &&
                same_deberta(&again.deberta, &c.deberta),
            "case %zu: %s", i, text.ptr);
        buffer_release(&text);
        arena_release(&arena);
    }
}

Test(config, refuses_positions_that_padding_uses_up)
{
    Arena arena = {0};
    Error err = {0};
    ModelConfig c = {0};
    const char *text = "{\"model_type\": \"roberta\", \"vocab_size\": 60, \"hidden_size\": 32, "
                       "\"num_hidden_layers\": 2, \"num_attention_heads\": 4, "
                       "\"intermediate_size\": 64, \"max_position_embeddings\": 2, "
                       "\"type_vocab_size\": 1}";
    cr_expect(parse_config(&arena, text, &c, &err) == STATUS_INVALID);
    cr_expect(strstr(err.text, "max_position_embeddings") != NULL, "%s", err.text);
    arena_release(&arena);
}

Test(architectures, have_a_class_for_every_head_they_record)
{
    for (size_t i = 0; i < architectures_count; i++) {
        const Architecture *a = architectures_all[i];
        cr_assert(architecture_find(slice_from_cstr(a->model_type)) == a && a->summary &&
                  a->record && a->read_config && a->write_config);
        cr_assert(a->classes[0].name != NULL &&
                  architecture_class(a, a->classes[0].head) == &a->classes[0]);
    }
    cr_assert(architecture_find(SLICE("nothing")) == NULL);
}

// What of DeBERTa would give other numbers is refused by name; a list and a text with bars say the same.
Test(config, reads_the_parts_of_debertas_attention)
{
    static const struct {
        char members[160], wanted[64];
    } cases[] = {
        {"\"pos_att_type\": [\"c2p\"]", ""},
        {"\"pos_att_type\": \" c2p \", \"position_buckets\": -1", ""},
        {"\"conv_kernel_size\": 3", "convolution"},
        {"\"attention_head_size\": 16", "16 columns"},
        {"\"pooler_hidden_size\": 16", "hidden size is 32"},
        {"\"pos_att_type\": 3", "a list of texts"},
        {"\"pos_att_type\": \"c2p\", \"position_buckets\": 3", "4 or more"},
        {"\"pos_att_type\": \"c2p\", \"position_buckets\": 200", "distances reach"},
        {"\"legacy\": false, \"embedding_size\": 16", "newer head"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        ModelConfig c = {0};
        char text[1024];
        snprintf(text, sizeof text,
                 "{\"model_type\": \"deberta-v2\", \"vocab_size\": 60, \"hidden_size\": 32, "
                 "\"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"intermediate_size\": 64, "
                 "\"max_position_embeddings\": 66, \"relative_attention\": true, %s}",
                 cases[i].members);
        const Status s = parse_config(&arena, text, &c, &err);
        if (cases[i].wanted[0]) {
            cr_expect(s == STATUS_INVALID && strstr(err.text, cases[i].wanted), "case %zu: %s", i,
                      err.text);
        } else {
            want_ok(s, &err);
            cr_expect(c.deberta.is_relative && c.deberta.has_position_keys &&
                          !c.deberta.has_position_queries && c.deberta.n_score_parts == 2,
                      "case %zu", i);
        }
        arena_release(&arena);
    }
}

// Where members say the same thing twice, or leave it out, Transformers 5 decides.
Test(config, follows_transformers_where_members_disagree)
{
    static const char llama[] = "\"vocab_size\": 9, \"hidden_size\": 8, \"num_hidden_layers\": 1, "
                                "\"num_attention_heads\": 2, \"intermediate_size\": 8, "
                                "\"max_position_embeddings\": 64";
    static const char t5[] =
        "\"model_type\": \"t5\", \"vocab_size\": 9, \"d_model\": 8, \"d_kv\": 4, \"d_ff\": 8, "
        "\"num_heads\": 2, \"num_layers\": 1";
    Arena arena = {0};
    Error err = {0};
    ModelConfig c = {0};
    const char *text = arena_printf(
        &arena,
        "{\"model_type\": \"llama\", %s, \"rope_parameters\": {\"rope_theta\": 500}, "
        "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2, \"rope_theta\": 700}}",
        llama);
    want_ok(parse_config(&arena, text, &c, &err), &err);
    cr_expect(c.rotary.rope.kind == ROPE_LINEAR && c.rotary.rope.theta == 700);
    text = arena_printf(&arena,
                        "{\"model_type\": \"phi3\", %s, \"rope_scaling\": {\"type\": \"longrope\", "
                        "\"original_max_position_embeddings\": 8, \"short_factor\": [1, 1], "
                        "\"long_factor\": [2, 2]}}",
                        llama);
    want_ok(parse_config(&arena, text, &c, &err), &err);
    cr_expect_eq(c.rotary.rope.original_positions, 4096);
    text = arena_printf(&arena, "{%s, \"feed_forward_proj\": \"gated-silu\"}", t5);
    want_ok(parse_config(&arena, text, &c, &err), &err);
    cr_expect(c.decoder.is_gated && c.activation == ACTIVATION_SILU);
    text = arena_printf(&arena, "{%s, \"feed_forward_proj\": \"gelu_new\"}", t5);
    want_ok(parse_config(&arena, text, &c, &err), &err);
    cr_expect(!c.decoder.is_gated && c.activation == ACTIVATION_GELU_TANH);
    text = arena_printf(&arena,
                        "{%s, \"feed_forward_proj\": \"relu\", \"is_gated_act\": true, "
                        "\"dense_act_fn\": \"tanh\"}",
                        t5);
    want_ok(parse_config(&arena, text, &c, &err), &err);
    cr_expect(c.decoder.is_gated && c.activation == ACTIVATION_TANH);
    text = arena_printf(&arena, "{%s, \"feed_forward_proj\": \"gated-swoosh\"}", t5);
    cr_expect(parse_config(&arena, text, &c, &err) == STATUS_INVALID &&
                  strstr(err.text, "unknown \"gated-swoosh\""),
              "%s", err.text);
    text = arena_printf(&arena,
                        "{\"model_type\": \"modernbert\", %s, \"rope_scaling\": {\"rope_type\": "
                        "\"linear\", \"factor\": 2}}",
                        llama);
    cr_expect(parse_config(&arena, text, &c, &err) == STATUS_INVALID &&
                  strstr(err.text, "rope_scaling"),
              "%s", err.text);
    arena_release(&arena);
}

// null is what a missing member is, whatever an architecture has where it is not said.
Test(config, activations_that_are_null_are_those_of_the_architecture)
{
    static const struct {
        const char *text;
        Activation activation;
    } cases[] = {
        {"{\"model_type\": \"gpt2\", \"vocab_size\": 9, \"n_embd\": 8, \"n_layer\": 1, "
         "\"n_head\": 2, \"n_positions\": 8, \"activation_function\": null}",
         ACTIVATION_GELU_TANH},
        {"{\"model_type\": \"opt\", \"vocab_size\": 9, \"hidden_size\": 8, \"num_hidden_layers\": "
         "1, \"num_attention_heads\": 2, \"ffn_dim\": 8, \"max_position_embeddings\": 8, "
         "\"word_embed_proj_dim\": 8, \"activation_function\": null}",
         ACTIVATION_RELU},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        ModelConfig c = {0};
        want_ok(parse_config(&arena, cases[i].text, &c, &err), &err);
        cr_expect_eq(c.activation, cases[i].activation, "%s", cases[i].text);
        arena_release(&arena);
    }
}
