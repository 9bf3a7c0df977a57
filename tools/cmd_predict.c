// assay predict: JSON Lines in, what a model says in JSON Lines out.
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "tools/commands.h"
#include "tools/data_options.h"
#include "tools/model_options.h"
#include "tools/predict/data.h"
#include "tools/predict/predict.h"

// Of a language model's context, so many tokens must have room beside the weights; longer texts are looked at one by one.
enum { KEPT_TOKENS = 2048 };

// The longest input in tokens: what was asked for, else what the model and its tokenizer allow.
static Status choose_length(const CommandLine *line, Predictor *p, Error *err)
{
    const size_t limit = model_config(p->model)->max_positions;
    const size_t asked = (size_t)option_integer(line, "max-length");
    const Tokenizer *tokenizer = model_tokenizer(p->model);
    size_t usual = tokenizer ? tokenizer_model_max_length(tokenizer) : 0;
    if (p->note.max_length > 0) usual = p->note.max_length;
    if (asked > limit) {
        return error_set(err, STATUS_INVALID,
                         "--max-length %zu: the model takes at most %zu tokens", asked, limit);
    }
    p->max_length = asked ? asked : usual ? size_min(usual, limit) : limit;
    return STATUS_OK;
}

// Embeddings come from the encoder of any checkpoint; masked tokens want one row of the vocabulary each.
static void choose_head(const CommandLine *line, size_t mode, const Reader *reader,
                        ModelOptions *options)
{
    static const EmbeddingPool pools[] = {POOL_MEAN, POOL_FIRST, POOL_LAST};
    const size_t pool = option_choice(line, "pool");
    options->has_pool = pool != SIZE_MAX;
    if (options->has_pool) options->pool = pools[pool];
    if (reader) options->one_token = 1;
    if (mode == SIZE_MAX) return;
    const PredictMode *asked = predict_mode_for(mode, HEAD_COUNT);
    if (asked->head == HEAD_EMBEDDING) {
        options->head_choice = HEAD_FOR_LABELS;
        options->head = HEAD_EMBEDDING;
    }
    if (asked->work == predict_pll_work) options->one_token = 1;
}

// What the model's own note says, where the command line does not say it.
static Status read_how_tuned(const CommandLine *line, Predictor *p, Error *err)
{
    const char *steps = option_text(line, "prepare");
    TRY(note_read(line->operands[0], &p->arena, &p->note, err));
    if (!steps) {
        p->n_steps = p->note.n_steps;
        for (size_t i = 0; i < p->n_steps; i++) p->steps[i] = p->note.steps[i];
        return STATUS_OK;
    }
    if (strcmp(steps, "none") == 0) return STATUS_OK;
    const Status s = steps_parse(slice_from_cstr(steps), p->steps, &p->n_steps, err);
    return s == STATUS_OK ? s : error_wrap(err, "--prepare");
}

// What the model's files say about generation, and what of it shows in answers without being asked for.
static Status read_usual(const CommandLine *line, Predictor *p, Error *err)
{
    const GenerationConfig *usual = &p->usual;
    TRY(generation_config_read(p->model, &p->arena, &p->usual, err));
    if (usual->is_drawn)
        log_info(line->log,
                 "%s: its files ask for draws (\"do_sample\"), which the seed 0 has where a line "
                 "does not say; \"do_sample\": false takes the likeliest",
                 line->operands[0]);
    if (usual->unheeded.len > 0)
        log_warning(line->log,
                    "%s: what its files say of " SLICE_FMT
                    " is not heeded: texts may be others than "
                    "those of Transformers",
                    line->operands[0], SLICE_ARG(usual->unheeded));
    return STATUS_OK;
}

static Status read_language(const CommandLine *line, const char *option, const Model *model,
                            Slice *out, Error *err)
{
    int32_t id = TOKEN_NONE;
    const char *code = option_text(line, option);
    if (!code) return STATUS_OK;
    *out = slice_from_cstr(code);
    if (!model_tokenizer(model))
        return error_set(err, STATUS_INVALID, "--%s: the model has no tokenizer", option);
    if (tokenizer_find_language(model_tokenizer(model), *out, &id, err) == STATUS_OK)
        return STATUS_OK;
    return error_wrap(err, "--%s", option);
}

static Status read_languages(const CommandLine *line, Predictor *p, Error *err)
{
    TRY(read_language(line, "src-lang", p->model, &p->src_lang, err));
    return read_language(line, "tgt-lang", p->model, &p->tgt_lang, err);
}

static Status read_zero_shot(const CommandLine *line, Predictor *p, Error *err)
{
    const char *const *labels = NULL;
    const size_t n = option_texts(line, "candidate-labels", &labels);
    Slice *copies = NULL;
    TRY(arena_take(&p->arena, n, sizeof *copies, "labels", &copies, err));
    for (size_t i = 0; i < n; i++) copies[i] = slice_from_cstr(labels[i]);
    p->zero_shot.labels = copies;
    p->zero_shot.n_labels = n;
    p->zero_shot.hypothesis = slice_from_cstr(option_text(line, "hypothesis-template"));
    p->zero_shot.is_multi = option_flag(line, "multi-label");
    return STATUS_OK;
}

// What the head gives; of data sets the mode whose family answers to them.
static const PredictMode *choose_mode(size_t asked, const Reader *reader, ModelHead head)
{
    const PredictMode *usual = predict_mode_of(head);
    if (asked != SIZE_MAX) return predict_mode_for(asked, head);
    for (size_t i = 0; reader && !usual->family && i < N_PREDICT_MODES; i++) {
        if (predict_modes[i].head == head && predict_modes[i].family) usual = &predict_modes[i];
    }
    return usual;
}

// The model, kept as what is asked of it wants.
static Status open_model(const CommandLine *line, const Reader *reader, Predictor *p, Error *err)
{
    ModelOptions options = {0};
    TRY(model_options_read(line, &options, err));
    TRY(model_options_mmap(line, &options, err));
    TRY(model_options_kv(line, &options, err));
    options.keep_stored = !p->explains; // a gradient wants weights as numbers
    if (p->explains) options.mapped = 0;
    options.kept_tokens = KEPT_TOKENS;
    choose_head(line, option_choice(line, "mode"), reader, &options);
    TRY(model_options_open(line, line->operands[0], &options, &p->model, err));
    return model_options_kv_check(line, p->model, err);
}

static Status open_predictor(const CommandLine *line, const Reader *reader, Predictor *p,
                             Error *err)
{
    p->explains = option_flag(line, "explain");
    p->explain = (ExplainOptions){.method = (ExplainMethod)option_choice(line, "explain-method"),
                                  .n_steps = (size_t)option_integer(line, "explain-steps")};
    TRY(open_model(line, reader, p, err));
    p->mode = choose_mode(option_choice(line, "mode"), reader, model_config(p->model)->head);
    TRY(predict_mode_check(p->mode, p->model, err));
    if (p->explains) TRY(predict_explain_check(p, err));
    if (p->mode->read == predict_search_read || p->mode->read == predict_generate_read)
        TRY(read_usual(line, p, err));
    if (p->mode->read == predict_generate_read) TRY(predict_open_chat(p, line->operands[0], err));
    TRY(read_how_tuned(line, p, err));
    TRY(choose_length(line, p, err));
    TRY(read_languages(line, p, err));
    TRY(read_zero_shot(line, p, err));
    p->max_new_tokens = (size_t)option_integer(line, "max-new-tokens");
    p->cut_is_given = option_given(line, "truncate");
    if (p->cut_is_given) p->cut = (CutSide)option_choice(line, "truncate");
    p->threshold = !option_given(line, "threshold") && p->note.has_threshold
                       ? p->note.threshold
                       : option_real(line, "threshold");
    return predict_class_names(p, err);
}

// Answers to JSON Lines go on where an earlier run was stopped; those to a data set are written anew.
static Status open_output(const CommandLine *line, const Reader *reader, LineReader *in,
                          JsonlOut *out, Resume *resume, Error *err)
{
    const char *path = option_text(line, "out");
    TRY(jsonl_refuse_input(option_text(line, "in"), path, err));
    if (reader) return jsonl_out_open(out, path, line->is_json, err);
    TRY(jsonl_out_resume(out, path, line->is_json, err));
    return resume_open(line, in, out, resume, err);
}

// Where answers come to the terminal themselves, they show how far it is.
static void watch_progress(const CommandLine *line, Predictor *p)
{
    if (strcmp(option_text(line, "out"), "-") == 0 && isatty(STDOUT_FILENO)) return;
    p->log = line->log;
    p->n_lines = file_count_lines(option_text(line, "in"));
}

static Status run(CommandLine *line, Error *err)
{
    const char *in_path = option_text(line, "in");
    Predictor p = {0};
    Pool *pool = NULL;
    LineReader *in = NULL;
    JsonlOut out = {0};
    Resume resume = {0};
    const Reader *reader = NULL;
    const int64_t started = clock_now_ns();
    Status s = predict_data_reader(line, &reader, err);
    if (s == STATUS_OK) s = open_predictor(line, reader, &p, err);
    if (s == STATUS_OK) s = model_options_pool(line, &pool, err);
    if (s == STATUS_OK && !reader) s = line_reader_open(in_path, &in, err);
    if (s == STATUS_OK && !reader) watch_progress(line, &p);
    if (s == STATUS_OK) s = open_output(line, reader, in, &out, &resume, err);
    if (s == STATUS_OK && reader) {
        s = predict_data(&p, pool, line, reader, &out, err);
    } else if (s == STATUS_OK) {
        s = predict_stream(&p, pool, &resume, (size_t)option_integer(line, "batch"), &out, err);
    }
    if (s != STATUS_OK) resume_stop(&resume);
    if (s == STATUS_OK) {
        char took[CLOCK_TEXT_SIZE];
        clock_format_duration(clock_now_ns() - started, took);
        log_message(line->log, LOG_DEBUG, "%zu cases in %s", out.n_written, took);
        s = jsonl_out_finish(&out, err);
    } else {
        jsonl_out_keep(&out, err);
    }
    resume_end(&resume);
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
     .help = "JSON Lines to read, or a data set; - is standard input"},
    {.name = "out",
     .short_name = 'o',
     .kind = OPTION_TEXT,
     .value = "FILE",
     .fallback = "-",
     .help = "JSON Lines to write, or what --out-format says; - is standard output"},
    {.name = "out-format",
     .kind = OPTION_CHOICE,
     .value = "NAME",
     .choices = data_form_names,
     .help =
         "of data sets: jsonl, squad (one object from ids to answers), conll (words and tags), tsv or csv (ids and "
         "labels); without it, by the name of --out"},
    DATA_OPTION_TEXT_ROWS,
    {.name = "null-threshold",
     .kind = OPTION_REAL,
     .value = "X",
     .fallback = "0",
     .help =
         "of questions that may have no answer: how much better \"no answer\" must score to be given; "
         "without it, as the model was tuned, else where the data set says so of some"},
    {.name = "threshold",
     .kind = OPTION_REAL,
     .value = "P",
     .fallback = "0.5",
     .lowest = 0,
     .highest = 1,
     .help =
         "of models that give several labels at once: the probability from which a label holds"},
    {.name = "candidate-labels",
     .kind = OPTION_TEXTS,
     .value = "LABEL",
     .help =
         "of models that tell entailment (NLI): classes that they were not tuned on, where a line has no "
         "\"candidate_labels\""},
    {.name = "hypothesis-template",
     .kind = OPTION_TEXT,
     .value = "TEXT",
     .fallback = "This example is {}.",
     .help = "text of each candidate label"},
    {.name = "multi-label",
     .kind = OPTION_FLAG,
     .help = "candidate labels hold one by one, from --threshold on"},
    {.name = "prepare",
     .kind = OPTION_TEXT,
     .value = "STEPS",
     .help =
         "steps that texts go through first, with commas between, as assay list steps names them, or none; "
         "without it, those that the model's assay.json names"},
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
    {.name = "src-lang",
     .kind = OPTION_TEXT,
     .value = "CODE",
     .help =
         "language of the texts, as the model's tokenizer names it (en_XX, eng_Latn, en), where "
         "their line does not say"},
    {.name = "tgt-lang",
     .kind = OPTION_TEXT,
     .value = "CODE",
     .help = "language that an encoder-decoder is to write, where a line does not say"},
    {.name = "max-new-tokens",
     .kind = OPTION_INTEGER,
     .value = "N",
     .lowest = 1,
     .highest = 1 << 24,
     .help =
         "tokens that are written at most, where a line does not say; without it, as the model's "
         "files say, else 128, and of encoder-decoders 512"},
    {.name = "truncate",
     .kind = OPTION_CHOICE,
     .value = "SIDE",
     .choices = cut_names,
     .help =
         "where a text that is longer than allowed is cut, if its line has no \"truncate\"; without it, prompts and contexts of "
         "causal models are refused and texts of others cut on the right, or for tags and answers split"},
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
     .help = "cases read, worked on and written at a time at most; answers do not depend on it"},
    MODEL_OPTION_MMAP,
    MODEL_OPTION_KV,
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
        "passed over, but not those that are nearly known. Each line of --out answers one of them, in their order:\n\n"
        "  classify  {\"label\", \"probabilities\": {LABEL: p, ..}}; of several labels at once\n"
        "            {\"labels\": [..], \"probabilities\"}, each by its own sigmoid; of a regression, a\n"
        "            reranker or a reward model {\"value\"}, or {\"values\": {LABEL: x, ..}}. With\n"
        "            \"candidate_labels\": [..], \"hypothesis_template\", \"multi_label\" an NLI model\n"
        "            (BART-MNLI) has the same of labels that it was never tuned on\n"
        "  tag       {\"tokens\", \"offsets\", \"labels\", \"probabilities\"}, a list entry a token\n"
        "            with \"words\", a list, in place of \"text\": {\"words\", \"tags\"}, a tag a word\n"
        "  span      {\"text\", \"start\", \"end\", \"score\"}: an answer in \"context\" to \"question\", or in "
        "\"pair\"\n            to \"text\"; of a model tuned by assay {\"text\", \"start\", \"end\", \"is_impossible\"}, the text "
        "empty\n            where there is no answer\n"
        "  embed     {\"embedding\": [..]}, of the encoder whatever head is on it\n"
        "  fill      {\"fills\": [{\"token_index\", \"best\": [{\"id\", \"token\", \"probability\"}]}]}, one a "
        "mask\n"
        "  generate  {\"text\", \"ids\", \"score\", \"finish\"}: what comes after \"prompt\" (or "
        "\"input_ids\"), with\n"
        "            \"max_new_tokens\", \"min_new_tokens\", \"temperature\", \"top_k\", \"top_p\", \"min_p\", \"seed\",\n"
        "            \"repetition_penalty\", \"no_repeat_ngram_size\", \"stop\", \"num_beams\", \"length_penalty\",\n"
        "            \"early_stopping\", \"num_return_sequences\", \"do_sample\", \"src_lang\", \"tgt_lang\"\n"
        "            (docs/generate.md has all); what a line does not say is as\n"
        "            generation_config.json has it\n"
        "  loglik    {\"loglik\", \"token_logprobs\", \"is_greedy\"} of \"continuation\" after \"context\", or of\n"
        "            \"continuation_ids\" after \"context_ids\"\n"
        "  pll       {\"pll\", \"token_logprobs\"}: log-probabilities of the tokens, each masked in its turn,\n"
        "            and their sum\n"
        "  logits    {\"logits\": [..]}, a list a token for token heads; {\"start_logits\", \"end_logits\"} for\n"
        "            span heads; encoder-decoders read \"decoder_input_ids\" too, and have a list for each\n"
        "\n"
        "--in may be a data set as suites read it: questions (squad), tagged words (conll), tables (tsv, csv) and, for language "
        "models, sets about bias, by --format or the file's name. Its samples are answered as assay run answers them: spans "
        "through overlapping windows, an empty text where there is no answer; a tag a word; {\"log_likelihoods\", \"text\"} of "
        "choices (prefer).\n\n"
        "With --explain an answer has \"attributions\", a number a token: how much it adds to the score of the class or the "
        "span (its start and its end together), compared with a text of padding; beside \"tokens\" and \"offsets\". Tags have a "
        "list of \"entities\", each with its own. \"completeness_error\" is how far their sum is from \"explained_score\" less "
        "\"baseline_score\". Longer texts are cut then, not split.\n\n"
        "A model that assay tuned has a note, assay.json: its steps of preparation, max_length, null threshold and "
        "decoding are those of the answers, unless an option says otherwise.\n\n"
        "An \"id\" comes back as it was. A case that fails becomes {\"error\": TEXT} in its place, the "
        "others go on, and the exit status is 2. Texts that are longer than allowed are cut and "
        "marked \"truncated\": true; prompts and contexts of causal models fail instead, unless a side is "
        "named, and \"n_cut\" says how many tokens went. The side is \"truncate\" of a line (\"left\", \"right\" or "
        "\"refuse\"), else --truncate. Numbers that are not finite are the strings \"NaN\" and "
        "\"Infinity\". With --json and without --out the answers are one array.\n\n"
        "Until the end answers stand in FILE.partial. After Ctrl-C, a kill or a full disk the same command goes on behind them, "
        "to the same bytes; where input, model or options have changed, they are put aside as FILE.partial.2.",
    OPTIONS(options),
    .examples = "assay predict models/reviews --in texts.jsonl --out labels.jsonl\n"
                "assay predict models/qa --in dev-v2.0.json --out predictions.json\n"
                "assay predict models/ner --in test.conll --out tagged.conll\n"
                "echo '{\"text\": \"a fine film\"}' | assay predict models/reviews",
    .run = run,
};
