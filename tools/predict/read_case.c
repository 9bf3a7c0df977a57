// What a case of `assay predict` has to say: a line of JSON, read and turned into what the model takes.
#include <stddef.h>

#include "tools/predict/predict.h"

#define CASE_FIELD(key, kind)                  \
    {                                          \
#        key, kind, offsetof(PredictCase, key) \
    }
static const JsonlField case_fields[] = {
    CASE_FIELD(id, JSONL_RAW),
    CASE_FIELD(text, JSONL_TEXT),
    CASE_FIELD(pair, JSONL_TEXT),
    CASE_FIELD(question, JSONL_TEXT),
    CASE_FIELD(words, JSONL_TEXTS),
    CASE_FIELD(candidate_labels, JSONL_TEXTS),
    CASE_FIELD(hypothesis_template, JSONL_TEXT),
    CASE_FIELD(multi_label, JSONL_RAW),
    CASE_FIELD(input_ids, JSONL_INTS),
    CASE_FIELD(token_type_ids, JSONL_INTS),
    CASE_FIELD(attention_mask, JSONL_INTS),
    CASE_FIELD(decoder_input_ids, JSONL_INTS),
    CASE_FIELD(decoder_attention_mask, JSONL_INTS),
    CASE_FIELD(prompt, JSONL_TEXT),
    CASE_FIELD(max_new_tokens, JSONL_COUNT),
    CASE_FIELD(min_new_tokens, JSONL_SIZE),
    CASE_FIELD(num_beams, JSONL_COUNT),
    CASE_FIELD(num_return_sequences, JSONL_COUNT),
    CASE_FIELD(no_repeat_ngram_size, JSONL_SIZE),
    CASE_FIELD(top_k, JSONL_SIZE),
    CASE_FIELD(max_length, JSONL_SIZE),
    CASE_FIELD(min_length, JSONL_SIZE),
    CASE_FIELD(encoder_no_repeat_ngram_size, JSONL_SIZE),
    CASE_FIELD(forced_bos_token_id, JSONL_SIZE),
    CASE_FIELD(forced_eos_token_id, JSONL_SIZE),
    CASE_FIELD(decoder_start_token_id, JSONL_SIZE),
    CASE_FIELD(suppress_tokens, JSONL_INTS),
    CASE_FIELD(begin_suppress_tokens, JSONL_INTS),
    CASE_FIELD(bad_words_ids, JSONL_RAW),
    CASE_FIELD(src_lang, JSONL_TEXT),
    CASE_FIELD(tgt_lang, JSONL_TEXT),
    CASE_FIELD(length_penalty, JSONL_NUMBER),
    CASE_FIELD(temperature, JSONL_NUMBER),
    CASE_FIELD(top_p, JSONL_NUMBER),
    CASE_FIELD(early_stopping, JSONL_RAW),
    CASE_FIELD(messages, JSONL_RAW),
    CASE_FIELD(tools, JSONL_RAW),
    CASE_FIELD(chat_template_kwargs, JSONL_RAW),
    CASE_FIELD(context, JSONL_TEXT),
    CASE_FIELD(continuation, JSONL_TEXT),
    CASE_FIELD(context_ids, JSONL_INTS),
    CASE_FIELD(continuation_ids, JSONL_INTS),
    CASE_FIELD(min_p, JSONL_NUMBER),
    CASE_FIELD(repetition_penalty, JSONL_NUMBER),
    CASE_FIELD(seed, JSONL_SEED),
    CASE_FIELD(do_sample, JSONL_RAW),
    CASE_FIELD(stop, JSONL_TEXTS),
    CASE_FIELD(truncate, JSONL_TEXT),
    {NULL, JSONL_KEYS, offsetof(PredictCase, keys)},
};
enum { N_CASE_FIELDS = sizeof case_fields / sizeof *case_fields };
_Static_assert(sizeof case_fields / sizeof *case_fields <= JSONL_MAX_FIELDS,
               "members of a case are marked in 64 bits");

static Status take_given_ids(PredictCase *c, Error *err)
{
    if (c->text.is_given) {
        return error_set(err, STATUS_INVALID, "\"text\" and \"input_ids\" are both given");
    }
    if (c->token_type_ids.is_given && c->token_type_ids.n != c->input_ids.n) {
        return error_set(err, STATUS_INVALID, "%zu \"input_ids\", but %zu \"token_type_ids\"",
                         c->input_ids.n, c->token_type_ids.n);
    }
    c->input = (TokenSequence){.ids = c->input_ids.values, .type_ids = c->token_type_ids.values};
    return jsonl_count_unpadded(&c->attention_mask, c->input_ids.n, &c->input.n_tokens, err);
}

Status predict_cut_side(const Predictor *p, const PredictCase *c, CutSide usual, CutSide *out,
                        Error *err)
{
    *out = p->cut_is_given ? p->cut : usual;
    if (!c->truncate.is_given || cut_side_parse(c->truncate.text, out)) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "\"truncate\" is \"" SLICE_FMT
                     "\", but must be \"refuse\", \"left\" or \"right\"",
                     SLICE_ARG(slice_sub(c->truncate.text, 0, 40)));
}

static Status refuse_long(const Predictor *p, size_t n_tokens, Error *err)
{
    return error_set(
        err, STATUS_INVALID,
        "a text of %zu tokens is longer than the %zu that are taken: shorten it, or have it cut "
        "(\"left\" or \"right\")",
        n_tokens, p->max_length);
}

static Status encode_with_offsets(const Predictor *p, Arena *arena, PredictCase *c, Error *err)
{
    const Tokenizer *tokenizer = model_tokenizer(p->model);
    const Slice *pair = c->pair.is_given ? &c->pair.text : NULL;
    CutSide side;
    TRY(predict_cut_side(p, c, CUT_RIGHT, &side, err));
    TRY(arena_take(arena, 1, sizeof *c->encoding, "an encoding", &c->encoding, err));
    TRY(tokenizer_encode(tokenizer, c->text.text, pair, NULL, arena, c->encoding, err));
    c->is_cut = c->encoding->n_tokens > p->max_length;
    const bool is_told = c->truncate.is_given || p->cut_is_given;
    const bool has_windows =
        !is_told && (p->mode->head == HEAD_SPAN || p->mode->head == HEAD_TOKEN);
    if (c->is_cut && has_windows && !p->explains) // what is explained goes through in one piece
        TRY(predict_windows_encode(p, arena, c, err));
    if (c->windows.n_windows > 0) {
        c->is_cut = false;
    } else if (c->is_cut && side == CUT_REFUSE) {
        return refuse_long(p, c->encoding->n_tokens, err);
    } else if (c->is_cut) {
        // The question stays whole where it can: the text asked about gives first.
        const EncodeOptions options = {.max_length = p->max_length,
                                       .from_left = side == CUT_LEFT,
                                       .strategy = pair && p->mode->head == HEAD_SPAN
                                                       ? TRUNCATE_ONLY_SECOND
                                                       : TRUNCATE_LONGEST_FIRST};
        TRY(tokenizer_encode(tokenizer, c->text.text, pair, &options, arena, c->encoding, err));
    }
    c->input = (TokenSequence){.ids = c->encoding->ids,
                               .type_ids = c->encoding->type_ids,
                               .n_tokens = c->encoding->n_tokens};
    // Spans are cut out of the text by bytes; the mode turns them into code points itself.
    if (p->mode->head == HEAD_TOKEN) token_offsets_encoding(c->encoding, c->text.text, pair);
    return STATUS_OK;
}

Status predict_encode_ids(const Predictor *p, Arena *arena, const JsonlText *text,
                          const JsonlText *pair, PredictCase *c, Error *err)
{
    CutSide side;
    TokenBatch batch = {0};
    const Slice language = c->src_lang.is_given ? c->src_lang.text : p->src_lang;
    TRY(predict_cut_side(p, c, CUT_RIGHT, &side, err));
    EncodeOptions options = {.max_length = p->max_length, .from_left = side == CUT_LEFT};
    if (language.len > 0)
        TRY(tokenizer_find_language(model_tokenizer(p->model), language, &options.language, err));
    TRY(tokenizer_encode_batch(model_tokenizer(p->model), &text->text,
                               pair && pair->is_given ? &pair->text : NULL, 1, &options, arena,
                               &batch, err));
    const size_t n_tokens = batch.starts[1] - batch.starts[0];
    c->is_cut = batch.n_full[0] > n_tokens;
    if (c->is_cut && side == CUT_REFUSE) return refuse_long(p, batch.n_full[0], err);
    c->input = (TokenSequence){.ids = batch.ids, .type_ids = batch.type_ids, .n_tokens = n_tokens};
    return STATUS_OK;
}

// What the decoder of an encoder-decoder reads.
static Status take_targets(const Predictor *p, PredictCase *c, Error *err)
{
    if (model_config(p->model)->head != HEAD_SEQ2SEQ) return STATUS_OK;
    if (!c->decoder_input_ids.is_given) {
        return error_set(err, STATUS_INVALID,
                         "\"decoder_input_ids\" is wanted: the model's decoder reads them");
    }
    c->input.target_ids = c->decoder_input_ids.values;
    return jsonl_count_unpadded(&c->decoder_attention_mask, c->decoder_input_ids.n,
                                &c->input.n_targets, err);
}

// A question and its passage by SQuAD's names.
static Status take_question(const Predictor *p, PredictCase *c, Error *err)
{
    if (p->mode->head != HEAD_SPAN || !c->question.is_given) return STATUS_OK;
    if (c->text.is_given || c->pair.is_given || c->input_ids.is_given)
        return error_set(err, STATUS_INVALID,
                         "\"question\" is given beside \"text\", \"pair\" or \"input_ids\", "
                         "which are other ways to say it");
    c->text = c->question;
    c->pair = c->context;
    return STATUS_OK;
}

// Texts as the model was tuned on them. Places in answers are those of the texts as prepared.
static Status prepare_case(const Predictor *p, Arena *arena, PredictCase *c, Error *err)
{
    JsonlText *texts[] = {&c->text, &c->pair, &c->prompt, &c->context, &c->continuation};
    TRY(take_question(p, c, err));
    for (size_t i = 0; p->n_steps > 0 && i < sizeof texts / sizeof *texts; i++) {
        if (texts[i]->is_given)
            TRY(steps_text(p->steps, p->n_steps, texts[i]->text, NULL, 0, arena, &texts[i]->text,
                           err));
    }
    return STATUS_OK;
}

static Status take_input(const Predictor *p, Arena *arena, PredictCase *c, Error *err)
{
    if (c->input_ids.is_given) return take_given_ids(c, err);
    if (!c->text.is_given) {
        return error_set(
            err, STATUS_INVALID, "%s is wanted",
            p->mode->head == HEAD_SPAN
                ? "\"question\" with \"context\", \"text\" with \"pair\", or \"input_ids\","
                : "\"text\" or \"input_ids\"");
    }
    if (p->mode->head == HEAD_SPAN && !c->pair.is_given)
        return error_set(err, STATUS_INVALID,
                         "%s, the passage that has the answer, is missing beside %s",
                         c->question.is_given ? "\"context\"" : "\"pair\"",
                         c->question.is_given ? "\"question\"" : "\"text\", the question");
    if (!model_tokenizer(p->model))
        return error_set(err, STATUS_INVALID,
                         "the model has no tokenizer: \"input_ids\" is wanted instead of \"text\"");
    return p->mode->wants_offsets || p->explains
               ? encode_with_offsets(p, arena, c, err)
               : predict_encode_ids(p, arena, &c->text, &c->pair, c, err);
}

// The members of a line that would change what is written, as an object. The others may hold what a tree of JSON cannot
// (U+0000), or be long.
static Status pick_asking(Slice name, Slice line, Arena *arena, Buffer *out, Error *err)
{
    JsonReader r = json_reader(name, line, arena);
    Slice key = {0}, value = {0};
    bool more = true;
    buffer_append_cstr(out, "{");
    TRY(json_read_object(&r, err));
    for (;;) {
        TRY(json_read_key(&r, &key, &more, err));
        if (!more) break;
        TRY(json_read_raw(&r, &value, err));
        if (generation_config_asks(key))
            buffer_printf(out, "%s\"" SLICE_FMT "\":" SLICE_FMT, out->len > 1 ? "," : "",
                          SLICE_ARG(key), SLICE_ARG(value));
    }
    buffer_append_cstr(out, "}");
    return buffer_status(out, err);
}

// Keys that are none of a case are passed over, but not those that would change what is written.
static Status refuse_unheeded(Slice name, Slice line, Arena *arena, Error *err)
{
    JsonDocument *document = NULL;
    Buffer asking = {0};
    Slice unheeded = {0};
    Status s = pick_asking(name, line, arena, &asking, err);
    if (s == STATUS_OK) s = json_parse(name, buffer_slice(&asking), JSON_STRICT, &document, err);
    if (s == STATUS_OK)
        s = generation_config_unheeded(json_root(document), true, arena, &unheeded, err);
    if (s == STATUS_OK && unheeded.len > 0)
        s = error_set(err, STATUS_INVALID,
                      SLICE_FMT " would change the text elsewhere, but not here: leave it out "
                                "(texts end at \"stop\", after \"max_new_tokens\")",
                      SLICE_ARG(unheeded));
    json_close(&document);
    buffer_release(&asking);
    return s;
}

static bool is_case_field(Slice key)
{
    for (size_t i = 0; i < N_CASE_FIELDS; i++) {
        if (case_fields[i].key && slice_eq_cstr(key, case_fields[i].key)) return true;
    }
    return false;
}

Status predict_read_case(const Predictor *p, Arena *arena, Slice name, size_t line_number,
                         Slice line, PredictCase *c, Error *err)
{
    const TokenSequence *inputs = NULL;
    TRY(jsonl_read_line(name, line_number, line, arena, case_fields, N_CASE_FIELDS, c, err));
    TRY(predict_refuse_misspelt(p, &c->keys, is_case_field, err));
    if (predict_family_wants(p, c)) {
        TRY(predict_family_read(p, arena, c, err));
        const size_t n = predict_family_inputs(c, &inputs);
        return model_check_inputs(p->model, inputs, n, err);
    }
    if (p->mode->read == predict_generate_read || p->mode->read == predict_search_read)
        TRY(refuse_unheeded(name, line, arena, err));
    TRY(prepare_case(p, arena, c, err));
    if (predict_zero_shot_wants(p, c)) {
        TRY(predict_zero_shot_read(p, arena, c, err));
        const size_t n = predict_zero_shot_inputs(c, &inputs);
        return model_check_inputs(p->model, inputs, n, err);
    }
    if (p->mode->read) return p->mode->read(p, arena, c, err);
    TRY(take_input(p, arena, c, err));
    TRY(take_targets(p, c, err));
    for (size_t i = 0; i < c->windows.n_windows; i++) {
        const TokenSequence window = predict_window_input(c, i);
        TRY(model_check_inputs(p->model, &window, 1, err));
    }
    return c->windows.n_windows > 0 ? STATUS_OK : model_check_inputs(p->model, &c->input, 1, err);
}
