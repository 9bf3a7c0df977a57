// assay predict: JSON Lines in, what a model says in JSON Lines out.
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "tools/commands.h"
#include "tools/model_options.h"
#include "tools/predict/predict.h"

// A chunk ends at --batch cases, or where it holds this much, so that memory stays bounded whatever the input.
enum { CHUNK_BYTES = 16 << 20, CHUNK_FLOATS = 4 << 20, CHUNK_TOKENS = 1 << 17 };
// Of a language model's context, so many tokens must have room beside the weights; longer texts are looked at one by one.
enum { KEPT_TOKENS = 2048 };

typedef struct Chunk {
    Arena arena;
    PredictCase *cases;
    size_t n, capacity;
    size_t n_bytes, n_tokens, n_floats;
    TokenSequence *inputs; // of the cases that can be worked on, their windows where they have some
    size_t n_inputs, inputs_capacity;
} Chunk;

#define CASE_FIELD(key, kind)                  \
    {                                          \
#        key, kind, offsetof(PredictCase, key) \
    }
static const JsonlField case_fields[] = {
    CASE_FIELD(id, JSONL_RAW),
    CASE_FIELD(text, JSONL_TEXT),
    CASE_FIELD(pair, JSONL_TEXT),
    CASE_FIELD(input_ids, JSONL_INTS),
    CASE_FIELD(token_type_ids, JSONL_INTS),
    CASE_FIELD(attention_mask, JSONL_INTS),
    CASE_FIELD(decoder_input_ids, JSONL_INTS),
    CASE_FIELD(decoder_attention_mask, JSONL_INTS),
    CASE_FIELD(prompt, JSONL_TEXT),
    CASE_FIELD(max_new_tokens, JSONL_SIZE),
    CASE_FIELD(min_new_tokens, JSONL_SIZE),
    CASE_FIELD(num_beams, JSONL_SIZE),
    CASE_FIELD(num_return_sequences, JSONL_SIZE),
    CASE_FIELD(no_repeat_ngram_size, JSONL_SIZE),
    CASE_FIELD(top_k, JSONL_SIZE),
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
    CASE_FIELD(seed, JSONL_SIZE),
    CASE_FIELD(stop, JSONL_TEXTS),
};
enum { N_CASE_FIELDS = sizeof case_fields / sizeof *case_fields };

// ---- one case ----

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

static Status encode_with_offsets(const Predictor *p, Arena *arena, PredictCase *c, Error *err)
{
    const Tokenizer *tokenizer = model_tokenizer(p->model);
    const Slice *pair = c->pair.is_given ? &c->pair.text : NULL;
    TRY(arena_take(arena, 1, sizeof *c->encoding, "an encoding", &c->encoding, err));
    TRY(tokenizer_encode(tokenizer, c->text.text, pair, NULL, arena, c->encoding, err));
    c->is_cut = c->encoding->n_tokens > p->max_length;
    const bool has_windows = p->mode->head == HEAD_SPAN || p->mode->head == HEAD_TOKEN;
    if (c->is_cut && has_windows && !p->explains) // what is explained goes through in one piece
        TRY(predict_windows_encode(p, arena, c, err));
    if (c->windows.n_windows > 0) {
        c->is_cut = false;
    } else if (c->is_cut) {
        // The question stays whole where it can: the text asked about gives first.
        const EncodeOptions options = {.max_length = p->max_length,
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

static Status encode_ids(const Predictor *p, Arena *arena, PredictCase *c, Error *err)
{
    const EncodeOptions options = {.max_length = p->max_length};
    TokenBatch batch = {0};
    TRY(tokenizer_encode_batch(model_tokenizer(p->model), &c->text.text,
                               c->pair.is_given ? &c->pair.text : NULL, 1, &options, arena, &batch,
                               err));
    const size_t n_tokens = batch.starts[1] - batch.starts[0];
    c->is_cut = batch.n_full[0] > n_tokens;
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

// Texts as the model was tuned on them. Places in answers are those of the texts as prepared.
static Status prepare_case(const Predictor *p, Arena *arena, PredictCase *c, Error *err)
{
    JsonlText *texts[] = {&c->text, &c->pair, &c->prompt, &c->context, &c->continuation};
    for (size_t i = 0; p->n_steps > 0 && i < sizeof texts / sizeof *texts; i++) {
        if (texts[i]->is_given)
            TRY(steps_text(p->steps, p->n_steps, texts[i]->text, NULL, 0, arena, &texts[i]->text,
                           err));
    }
    return STATUS_OK;
}

static Status read_case(const Predictor *p, Arena *arena, Slice name, size_t line_number,
                        Slice line, PredictCase *c, Error *err)
{
    TRY(jsonl_read_line(name, line_number, line, arena, case_fields, N_CASE_FIELDS, c, err));
    TRY(prepare_case(p, arena, c, err));
    if (p->mode->read) return p->mode->read(p, arena, c, err);
    if (c->input_ids.is_given) {
        TRY(take_given_ids(c, err));
    } else if (!c->text.is_given) {
        return error_set(err, STATUS_INVALID, "\"text\" or \"input_ids\" is wanted");
    } else if (!model_tokenizer(p->model)) {
        return error_set(err, STATUS_INVALID,
                         "the model has no tokenizer: \"input_ids\" is wanted instead of \"text\"");
    } else if (p->mode->wants_offsets || p->explains) {
        TRY(encode_with_offsets(p, arena, c, err));
    } else {
        TRY(encode_ids(p, arena, c, err));
    }
    TRY(take_targets(p, c, err));
    for (size_t i = 0; i < c->windows.n_windows; i++) {
        const TokenSequence window = predict_window_input(c, i);
        TRY(model_check_inputs(p->model, &window, 1, err));
    }
    return c->windows.n_windows > 0 ? STATUS_OK : model_check_inputs(p->model, &c->input, 1, err);
}

// ---- a chunk ----

static size_t floats_of(const Predictor *p, const TokenSequence *input)
{
    size_t n = 0;
    const size_t rows = model_output_rows(p->model, input, 1);
    return size_mul(rows, model_output_width(p->model), &n) ? n : SIZE_MAX;
}

static Status add_input(const Predictor *p, Chunk *chunk, const TokenSequence *input, Error *err)
{
    TRY(arena_make_room(&chunk->arena, chunk->n_inputs, &chunk->inputs_capacity,
                        sizeof *chunk->inputs, "inputs", &chunk->inputs, err));
    chunk->n_tokens += input->n_tokens + input->n_targets;
    if (!p->mode->work) chunk->n_floats += floats_of(p, input);
    chunk->inputs[chunk->n_inputs++] = *input;
    return STATUS_OK;
}

// Floats of a case among the chunk's logits.
static size_t floats_of_case(const Predictor *p, const PredictCase *c)
{
    size_t n = 0;
    if (c->windows.n_windows == 0) return floats_of(p, &c->input);
    for (size_t i = 0; i < c->windows.n_windows; i++) {
        const TokenSequence window = predict_window_input(c, i);
        n += floats_of(p, &window);
    }
    return n;
}

// Keeps one line as a case; one that cannot be read becomes a failure in its place.
static Status add_line(const Predictor *p, Chunk *chunk, Slice name, size_t line_number, Slice line,
                       Error *err)
{
    Error why = {0};
    PredictCase *c = &chunk->cases[chunk->n++];
    *c = (PredictCase){0};
    const Slice copy = arena_copy(&chunk->arena, line);
    if (!copy.ptr) return error_set_memory(err, line.len, 1, "a line");
    chunk->n_bytes += line.len;
    if (read_case(p, &chunk->arena, name, line_number, copy, c, &why) != STATUS_OK) {
        TRY(arena_take(&chunk->arena, 1, sizeof why, "an error", &c->why, err));
        *c->why = why;
        return STATUS_OK;
    }
    if (c->windows.n_windows == 0) return add_input(p, chunk, &c->input, err);
    for (size_t i = 0; i < c->windows.n_windows; i++) {
        const TokenSequence window = predict_window_input(c, i);
        TRY(add_input(p, chunk, &window, err));
    }
    return STATUS_OK;
}

static bool is_full(const Chunk *chunk)
{
    return chunk->n == chunk->capacity || chunk->n_bytes >= CHUNK_BYTES ||
           chunk->n_tokens >= CHUNK_TOKENS || chunk->n_floats >= CHUNK_FLOATS;
}

static Status put_answer(Predictor *p, Pool *pool, const PredictCase *c, const float *logits,
                         Arena *arena, JsonlOut *out, Error *err)
{
    Error why = {0};
    float *joined = NULL;
    if (c->why) return jsonl_out_failure(out, c->id, c->why, err);
    if (c->windows.n_windows > 0) {
        TRY(predict_windows_join(c, logits, model_output_width(p->model), arena, &joined, err));
        logits = joined;
    }
    const size_t begin = out->text.len;
    JsonWriter *w = jsonl_out_begin(out, c->id);
    Status s = p->mode->put(p, c, logits, w, &why);
    if (s == STATUS_OK && p->explains) s = predict_explain_put(p, pool, c, logits, arena, w, &why);
    if (s == STATUS_CANCELLED) {
        if (err) *err = why;
        return s;
    }
    if (s != STATUS_OK) {
        out->text.len = begin; // what was begun is taken back
        return jsonl_out_failure(out, c->id, &why, err);
    }
    if (c->windows.n_windows > 0) {
        json_put_key(w, "windows");
        json_put_u64(w, c->windows.n_windows);
    }
    if (c->is_cut || c->n_cut > 0) {
        json_put_key(w, "truncated");
        json_put_bool(w, true);
    }
    if (c->n_cut > 0) {
        json_put_key(w, "n_cut");
        json_put_u64(w, c->n_cut);
    }
    return jsonl_out_end(out, err);
}

static Status work_chunk(Predictor *p, Pool *pool, Chunk *chunk, JsonlOut *out, Error *err)
{
    float *logits = NULL;
    if (p->mode->work) {
        TRY(p->mode->work(p, pool, &chunk->arena, chunk->cases, chunk->n, err));
    } else {
        TRY(arena_take(&chunk->arena, chunk->n_floats, sizeof *logits, "the model's output",
                       &logits, err));
        TRY(model_predict(p->model, pool, chunk->inputs, chunk->n_inputs, interrupt_flag(), logits,
                          err));
    }
    if (model_wants_normalized(p->model) && p->mode->head == HEAD_EMBEDDING) {
        model_normalize_rows(logits, chunk->n_inputs, model_output_width(p->model));
    }
    for (size_t i = 0; i < chunk->n; i++) {
        const PredictCase *c = &chunk->cases[i];
        TRY(put_answer(p, pool, c, logits, &chunk->arena, out, err));
        if (!c->why && logits) logits += floats_of_case(p, c);
    }
    return jsonl_out_flush(out, err);
}

static Status start_chunk(Chunk *chunk, size_t capacity, Error *err)
{
    chunk->n = chunk->n_bytes = chunk->n_tokens = chunk->n_floats = chunk->n_inputs = 0;
    chunk->capacity = capacity;
    TRY(arena_take(&chunk->arena, capacity, sizeof *chunk->cases, "cases", &chunk->cases, err));
    chunk->inputs_capacity = capacity;
    return arena_take(&chunk->arena, capacity, sizeof *chunk->inputs, "inputs", &chunk->inputs,
                      err);
}

static Status stream(Predictor *p, Pool *pool, LineReader *in, Slice name, size_t batch,
                     JsonlOut *out, Error *err)
{
    Chunk chunk = {0};
    Status s = STATUS_OK;
    Slice line = {0};
    bool more = true;
    const ArenaMark mark = arena_mark(&chunk.arena);
    while (s == STATUS_OK && more) {
        arena_rewind(&chunk.arena, mark);
        s = start_chunk(&chunk, batch, err);
        while (s == STATUS_OK && more && !is_full(&chunk)) {
            s = line_reader_next(in, &line, &more, err);
            if (s != STATUS_OK || !more || slice_trim(line).len == 0) continue;
            s = add_line(p, &chunk, name, line_reader_number(in), line, err);
        }
        if (s == STATUS_OK) s = work_chunk(p, pool, &chunk, out, err);
    }
    arena_release(&chunk.arena);
    return s;
}

// ---- the command ----

// The longest input in tokens: what was asked for, else what the model and its tokenizer allow.
static Status choose_length(const CommandLine *line, Predictor *p, Error *err)
{
    const size_t limit = model_config(p->model)->max_positions;
    const size_t asked = (size_t)option_integer(line, "max-length");
    const Tokenizer *tokenizer = model_tokenizer(p->model);
    const size_t usual = tokenizer ? tokenizer_model_max_length(tokenizer) : 0;
    if (asked > limit) {
        return error_set(err, STATUS_INVALID,
                         "--max-length %zu: the model takes at most %zu tokens", asked, limit);
    }
    p->max_length = asked ? asked : usual ? size_min(usual, limit) : limit;
    return STATUS_OK;
}

// Embeddings come from the encoder of any checkpoint; masked tokens want one row of the vocabulary each.
static void choose_head(const CommandLine *line, size_t mode, ModelOptions *options)
{
    static const EmbeddingPool pools[] = {POOL_MEAN, POOL_FIRST, POOL_LAST};
    const size_t pool = option_choice(line, "pool");
    options->has_pool = pool != SIZE_MAX;
    if (options->has_pool) options->pool = pools[pool];
    if (mode == SIZE_MAX) return;
    if (predict_modes[mode].head == HEAD_EMBEDDING) {
        options->head_choice = HEAD_FOR_LABELS;
        options->head = HEAD_EMBEDDING;
    }
    options->one_token = predict_modes[mode].work == predict_pll_work;
}

static Status open_predictor(const CommandLine *line, Predictor *p, Error *err)
{
    ModelOptions options = {0};
    const char *directory = line->operands[0];
    TRY(model_options_read(line, &options, err));
    TRY(model_options_mmap(line, &options, err));
    const size_t mode = option_choice(line, "mode");
    p->explains = option_flag(line, "explain");
    p->explain = (ExplainOptions){.method = (ExplainMethod)option_choice(line, "explain-method"),
                                  .n_steps = (size_t)option_integer(line, "explain-steps")};
    options.keep_stored = !p->explains; // a gradient wants weights as numbers
    if (p->explains) options.mapped = 0;
    options.kept_tokens = KEPT_TOKENS;
    choose_head(line, mode, &options);
    TRY(model_options_open(line, directory, &options, &p->model, err));
    p->mode =
        mode == SIZE_MAX ? predict_mode_of(model_config(p->model)->head) : &predict_modes[mode];
    p->mode = predict_mode_for(p->mode, model_config(p->model)->head);
    TRY(predict_mode_check(p->mode, p->model, err));
    if (p->explains) TRY(predict_explain_check(p, err));
    if (model_config(p->model)->head == HEAD_SEQ2SEQ)
        TRY(search_defaults(p->model, &p->arena, &p->search_defaults, err));
    if (p->mode->read == predict_generate_read) TRY(predict_open_chat(p, directory, err));
    TRY(choose_length(line, p, err));
    p->max_new_tokens = (size_t)option_integer(line, "max-new-tokens");
    p->cut = (CutSide)option_choice(line, "truncate");
    const char *steps = option_text(line, "prepare");
    if (steps && steps_parse(slice_from_cstr(steps), p->steps, &p->n_steps, err) != STATUS_OK)
        return error_wrap(err, "--prepare");
    return predict_class_names(p, err);
}

static Status run(CommandLine *line, Error *err)
{
    const char *in_path = option_text(line, "in");
    Predictor p = {0};
    Pool *pool = NULL;
    LineReader *in = NULL;
    JsonlOut out = {0};
    const int64_t started = clock_now_ns();
    Status s = open_predictor(line, &p, err);
    if (s == STATUS_OK) s = model_options_pool(line, &pool, err);
    if (s == STATUS_OK) s = line_reader_open(in_path, &in, err);
    if (s == STATUS_OK) s = jsonl_out_open(&out, option_text(line, "out"), line->is_json, err);
    if (s == STATUS_OK) {
        s = stream(&p, pool, in, slice_from_cstr(in_path), (size_t)option_integer(line, "batch"),
                   &out, err);
    }
    if (s == STATUS_OK) {
        char took[CLOCK_TEXT_SIZE];
        clock_format_duration(clock_now_ns() - started, took);
        log_message(line->log, LOG_DEBUG, "%zu cases in %s", out.n_written, took);
        s = jsonl_out_finish(&out, err);
    }
    jsonl_out_release(&out);
    line_reader_close(&in);
    pool_close(&pool);
    model_close(&p.model);
    arena_release(&p.arena);
    return s;
}

static const char *const pool_names[] = {"mean", "cls", "last", NULL};
static const char *const cut_names[] = {"refuse", "left", "right", NULL}; // as CutSide has them

// As ExplainMethod has them.
static const char *const explain_names[] = {"integrated-gradients", "gradient-x-input", NULL};

static const Option options[] = {
    {.name = "in",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .fallback = "-",
     .help = "JSON Lines to read; - is standard input"},
    {.name = "out",
     .short_name = 'o',
     .kind = OPTION_TEXT,
     .value = "FILE",
     .fallback = "-",
     .help = "JSON Lines to write; - is standard output"},
    {.name = "prepare",
     .kind = OPTION_TEXT,
     .value = "STEPS",
     .help =
         "steps that texts go through first, with commas between, as assay list steps names them: those of "
         "the suite that the model was tuned in"},
    {.name = "mode",
     .kind = OPTION_CHOICE,
     .value = "MODE",
     .choices = predict_mode_names,
     .help = "what to ask the model for; without it, what its head gives"},
    {.name = "pool",
     .kind = OPTION_CHOICE,
     .value = "WHAT",
     .choices = pool_names,
     .help =
         "what makes an embedding: the mean of the tokens, the first or the last; without it, as the model says"},
    {.name = "max-length",
     .kind = OPTION_INTEGER,
     .value = "N",
     .lowest = 1,
     .highest = 1 << 24,
     .help =
         "cut texts to N tokens, special ones included; without it, to what the model takes. Tags and "
         "answers of longer texts come from windows of N tokens"},
    {.name = "max-new-tokens",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "128",
     .lowest = 1,
     .highest = 1 << 24,
     .help = "tokens that a prompt is gone on with at most, where its line does not say"},
    {.name = "truncate",
     .kind = OPTION_CHOICE,
     .value = "SIDE",
     .choices = cut_names,
     .fallback = "refuse",
     .help =
         "of generate and loglik: where a prompt or context that is longer than the model's window is cut"},
    {.name = "explain",
     .kind = OPTION_FLAG,
     .help = "say of each class, entity or answer how much each token speaks for it"},
    {.name = "explain-method",
     .kind = OPTION_CHOICE,
     .value = "METHOD",
     .choices = explain_names,
     .fallback = "integrated-gradients",
     .help = "how: integrated-gradients, or the faster gradient-x-input"},
    {.name = "explain-steps",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "32",
     .lowest = 1,
     .highest = EXPLAIN_MAX_STEPS,
     .help = "points of integrated gradients' sum: more of them, a smaller completeness_error"},
    {.name = "batch",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "1024",
     .lowest = 1,
     .highest = 1 << 20,
     .help = "cases read, worked on and written at a time; answers do not depend on it"},
    MODEL_OPTION_MMAP,
    MODEL_OPTION_ROWS,
};

const Command command_predict = {
    .name = "predict",
    .group = "Models",
    .summary = "labels, tags, answers, embeddings, likelihoods or new text, as JSON Lines",
    .operands = "MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .description =
        "MODEL is a directory with config.json, weights and a tokenizer, or a GGUF file. Each line of --in "
        "is {\"text\": TEXT}, {\"text\", \"pair\"}, or {\"input_ids\": [..]} with "
        "\"token_type_ids\" and \"attention_mask\" (padding is dropped) where wanted; other keys are "
        "passed over. Each line of --out answers one of them, in their order:\n\n"
        "  classify  {\"label\", \"probabilities\": {LABEL: p, ..}}; one value for a regression head\n"
        "  tag       {\"tokens\", \"offsets\", \"labels\", \"probabilities\"}, a list entry a token\n"
        "  span      {\"text\", \"start\", \"end\", \"score\"}: an answer in \"pair\" to the question in "
        "\"text\"\n"
        "  embed     {\"embedding\": [..]}, of the encoder whatever head is on it\n"
        "  fill      {\"fills\": [{\"token_index\", \"best\": [{\"id\", \"token\", \"probability\"}]}]}, one a "
        "mask\n"
        "  generate  {\"text\", \"ids\", \"score\", \"finish\"}: what comes after \"prompt\" (or "
        "\"input_ids\"), with\n"
        "            \"max_new_tokens\", \"min_new_tokens\", \"temperature\", \"top_k\", \"top_p\", \"min_p\", \"seed\",\n"
        "            \"repetition_penalty\", \"no_repeat_ngram_size\", \"stop\", \"num_beams\", \"length_penalty\",\n"
        "            \"early_stopping\", \"num_return_sequences\"; what a line of an encoder-decoder does not say is\n"
        "            as generation_config.json has it\n"
        "  loglik    {\"loglik\", \"token_logprobs\", \"is_greedy\"} of \"continuation\" after \"context\", or of\n"
        "            \"continuation_ids\" after \"context_ids\"\n"
        "  pll       {\"pll\", \"token_logprobs\"}: log-probabilities of the tokens, each masked in its turn,\n"
        "            and their sum\n"
        "  logits    {\"logits\": [..]}, a list a token for token heads; {\"start_logits\", \"end_logits\"} for\n"
        "            span heads; encoder-decoders read \"decoder_input_ids\" too, and have a list for each\n"
        "\n"
        "With --explain an answer has \"attributions\", a number a token: how much it adds to the score of the class or the "
        "span (its start and its end together), compared with a text of padding; beside \"tokens\" and \"offsets\". Tags have a "
        "list of \"entities\", each with its own. \"completeness_error\" is how far their sum is from \"explained_score\" less "
        "\"baseline_score\". Longer texts are cut then, not split.\n\n"
        "An \"id\" comes back as it was. A case that fails becomes {\"error\": TEXT} in its place, the "
        "others go on, and the exit status is 2. Texts that are longer than allowed are cut and "
        "marked \"truncated\": true; prompts and contexts of causal models fail instead, unless --truncate "
        "says where to cut them, and \"n_cut\" says how many tokens went. Numbers that are not finite are the strings \"NaN\" and "
        "\"Infinity\". With --json and without --out the answers are one array.",
    OPTIONS(options),
    .examples = "  assay predict models/reviews --in texts.jsonl --out labels.jsonl\n"
                "  echo '{\"text\": \"a fine film\"}' | assay predict models/reviews\n",
    .run = run,
};
