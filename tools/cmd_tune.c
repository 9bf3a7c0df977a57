// assay tune: one fine-tuning run, saved as a directory that other tools load.
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "datasets/reader.h"
#include "models/checkpoint.h"
#include "models/prune.h"
#include "tools/commands.h"
#include "tools/data_options.h"
#include "tools/model_options.h"
#include "tools/tune/tune.h"

static const char *const schedule_choices[] = {"linear",          "cosine",       "constant",
                                               "cosine-restarts", "inverse-sqrt", NULL};
static const char *const scope_choices[] = {"matrix", "global", NULL}; // as PruneScope has them
static const char *const task_choices[] = {"auto", "classify",  "multilabel", "regression", "tag",
                                           "span", "translate", "lm",         "mlm",        NULL};
static const char *const decode_choices[] = {"argmax", "valid", NULL};
static const char *const monitor_choices[] = {"none", "loss", "metric", NULL};

static Status read_schedule(const CommandLine *line, Schedule *out, Error *err)
{
    return schedule_parse(slice_from_cstr(schedule_choices[option_choice(line, "schedule")]), out,
                          err);
}

static Status read_training(TuneRun *run, Error *err)
{
    static const TrainMonitor monitors[] = {MONITOR_NONE, MONITOR_LOSS, MONITOR_METRIC};
    const CommandLine *line = run->line;
    const char *freeze = option_text(line, "freeze");
    run->options = (TrainOptions){
        .learning_rate = option_real(line, "learning-rate"),
        .weight_decay = option_real(line, "weight-decay"),
        .beta1 = option_real(line, "beta1"),
        .beta2 = option_real(line, "beta2"),
        .epsilon = option_real(line, "epsilon"),
        .warmup_steps = (uint64_t)option_integer(line, "warmup-steps"),
        .warmup_ratio = option_real(line, "warmup"),
        .n_cycles = (unsigned)option_integer(line, "cycles"),
        .clip_norm = option_real(line, "clip"),
        .batch_size = (size_t)option_integer(line, "batch-size"),
        .accumulate = (size_t)option_integer(line, "accumulate"),
        .epochs = option_real(line, "epochs"),
        .max_steps = (uint64_t)option_integer(line, "max-steps"),
        .dropout = option_given(line, "dropout") ? option_real(line, "dropout") : -1,
        .seed = (uint64_t)option_integer(line, "seed"),
        .balance_classes = option_flag(line, "balance"),
        .label_smoothing = (float)option_real(line, "label-smoothing"),
        .freeze = slice_from_cstr(freeze),
        .gradual_unfreezing = (unsigned)option_integer(
            line,
            option_given(line, "gradual-unfreezing") ? "gradual-unfreezing" : "unfreeze-every"),
        .layer_decay = option_real(line, "layer-decay"),
        .n_lanes = (size_t)option_integer(line, "lanes"),
        .sort_by_length = option_flag(line, "sort-by-length"),
        .bf16_products = option_flag(line, "bf16-products"),
        .gradient_checkpointing = option_flag(line, "gradient-checkpointing"),
        .monitor = monitors[option_choice(line, "monitor")],
        .patience = (unsigned)option_integer(line, "patience"),
        .min_delta = option_real(line, "min-delta"),
        .on_step = tune_on_step,
        .on_evaluation = tune_on_evaluation,
        .context = run,
        .checkpoint_seconds = option_real(line, "checkpoint-seconds"),
        .cancel = interrupt_flag(),
    };
    if (option_given(line, "lora")) {
        if (lora_parse(&run->arena, slice_from_cstr(option_text(line, "lora")), &run->lora, err) !=
            STATUS_OK)
            return error_wrap(err, "--lora");
        run->options.lora = &run->lora;
    }
    if (option_given(line, "distill-from")) {
        run->distill = (DistillOptions){.temperature = option_real(line, "distill-temperature"),
                                        .alpha = option_real(line, "distill-alpha")};
        run->options.distill = &run->distill;
    } else if (option_given(line, "distill-temperature") || option_given(line, "distill-alpha")) {
        return error_set(
            err, STATUS_INVALID,
            "--distill-temperature and --distill-alpha go with --distill-from TEACHER");
    }
    if (option_given(line, "unfreeze-every") && option_given(line, "gradual-unfreezing"))
        return error_set(err, STATUS_INVALID,
                         "--unfreeze-every and --gradual-unfreezing are one: give one of them");
    if (option_given(line, "warmup") && option_given(line, "warmup-steps")) {
        return error_set(err, STATUS_INVALID, "--warmup and --warmup-steps exclude each other");
    }
    if (run->options.patience > 0 && run->options.monitor == MONITOR_NONE) {
        return error_set(err, STATUS_INVALID,
                         "--patience %u wants something to watch: --monitor loss or metric",
                         run->options.patience);
    }
    return read_schedule(line, &run->options.schedule, err);
}

// Options that mean something with a data set only, so that none is taken in silence.
static Status check_batches_options(const CommandLine *line, Error *err)
{
    static const char *const data_only[] = {
        "valid",          "valid-share", "batch-size",     "accumulate",
        "epochs",         "max-steps",   "monitor",        "patience",
        "min-delta",      "metric",      "class-weights",  "balance",
        "text",           "label",       "pair",           "labels",
        "sort-by-length", "max-length",  "format",         "header",
        "delimiter",      "encoding",    "id-column",      "gradual-unfreezing",
        "task",           "doc-stride",  "unfreeze-every", "prepare",
        "augment",        "decode",      "null-threshold",
    };
    for (size_t i = 0; i < sizeof data_only / sizeof *data_only; i++) {
        if (!option_given(line, data_only[i])) continue;
        return error_set(err, STATUS_INVALID, "--%s goes with --train, not with --batches",
                         data_only[i]);
    }
    return STATUS_OK;
}

// The folder of a checkpoint named by the user must be there, and take files.
static Status check_checkpoint(const char *path, Error *err)
{
    FileWriter *writer = NULL;
    TRY(file_writer_open(path, &writer, err));
    file_writer_discard(&writer);
    return STATUS_OK;
}

// The directory is made first: a path that cannot be written to is found before hours of work.
static Status prepare_output(TuneRun *run, Error *err)
{
    const char *out = option_text(run->line, "out");
    const char *checkpoint = option_text(run->line, "checkpoint");
    if (!out) return error_set(err, STATUS_INVALID, "--out DIR is wanted: where the model goes");
    run->made_output = !file_exists(out);
    TRY(file_make_directories(out, err));
    if (checkpoint) {
        if (check_checkpoint(checkpoint, err) != STATUS_OK) return error_wrap(err, "--checkpoint");
    } else {
        checkpoint = file_join(&run->arena, slice_from_cstr(out), SLICE("tuning.state"));
        if (!checkpoint) return error_set_memory(err, 1, strlen(out), "a path");
    }
    run->options.checkpoint = checkpoint;
    return STATUS_OK;
}

// What a table's labels are, where the model says it: its problem_type.
static const char *of_table(const ModelConfig *config)
{
    static const char *const names[] = {[PROBLEM_CLASSES] = "classify",
                                        [PROBLEM_LABELS] = "multilabel",
                                        [PROBLEM_VALUES] = "regression"};
    return names[config->problem_type.len > 0 ? model_config_problem(config) : PROBLEM_CLASSES];
}

// The task asked for; else translation where the model is an encoder-decoder, or what the reader of the file is for.
static Status tune_data(TuneRun *run, Error *err)
{
    const char *asked = task_choices[option_choice(run->line, "task")];
    const Reader *reader = NULL;
    ModelConfig config = {0};
    if (strcmp(asked, "auto") == 0)
        TRY(checkpoint_config(&run->arena, run->line->operands[0], &config, err));
    if (config.head == HEAD_SEQ2SEQ) {
        asked = "translate";
    } else if (strcmp(asked, "auto") == 0) {
        TRY(reader_for(slice_from_cstr(option_text(run->line, "train")),
                       slice_from_cstr(option_text(run->line, "format")), &reader, err));
        asked = strcmp(reader->name, "conll") == 0   ? "tag"
                : strcmp(reader->name, "squad") == 0 ? "span"
                                                     : of_table(&config);
    }
    return tune_on_task(run, asked, err);
}

static Status tune(TuneRun *run, Error *err)
{
    const bool has_batches = option_given(run->line, "batches");
    if (has_batches == option_given(run->line, "train")) {
        return error_set(err, STATUS_INVALID, "one of --train FILE and --batches FILE is wanted");
    }
    if (has_batches) TRY(check_batches_options(run->line, err));
    TRY(read_training(run, err));
    TRY(prepare_output(run, err));
    TRY(model_options_pool(run->line, &run->pool, err));
    TRY(step_log_open(run, err));
    run->started_ns = clock_now_ns();
    const Status s = has_batches ? tune_on_batches(run, err) : tune_data(run, err);
    if (s == STATUS_CANCELLED) {
        (void)error_wrap(err, "stopped; the same command goes on from %s", run->options.checkpoint);
        return s;
    }
    return s;
}

static Status prune(TuneRun *run, Error *err)
{
    PruneReport report;
    const double share = option_real(run->line, "prune");
    const PruneScope scope = (PruneScope)option_choice(run->line, "prune-scope");
    if (share <= 0) return STATUS_OK;
    TRY(model_prune(run->model, share, scope, &report, err));
    log_info(run->line->log, "pruned: %zu of %zu weights in %zu matrices are 0", report.n_zero,
             report.n_weights, report.n_matrices);
    return STATUS_OK;
}

static Status run(CommandLine *line, Error *err)
{
    TuneRun tuning = {.line = line, .first_loss = NAN};
    Error late = {0};
    Score *scores = NULL;
    size_t n_scores = 0;
    Status s = tune(&tuning, err);
    if (s == STATUS_OK) s = prune(&tuning, err);
    if (s == STATUS_OK) s = tune_scores(&tuning, &scores, &n_scores, err);
    if (s == STATUS_OK) s = model_save(tuning.model, option_text(line, "out"), err);
    if (s == STATUS_OK) s = tune_write_note(&tuning, err);
    const Status closed = step_log_close(&tuning.log, s == STATUS_OK ? err : &late);
    if (s == STATUS_OK) s = closed;
    if (s == STATUS_OK) s = tune_print(&tuning, scores, n_scores, err);
    // A directory that nothing was put into says nothing; one with a state to go on from stays, as rmdir refuses it.
    if (s != STATUS_OK && tuning.made_output && rmdir(option_text(line, "out")) != 0) errno = 0;
    tune_task_release(&tuning);
    model_close(&tuning.teacher);
    model_close(&tuning.model);
    pool_close(&tuning.pool);
    arena_release(&tuning.arena);
    return s;
}

#define TEXT_OPTION(name_, value_, help_)                                        \
    {                                                                            \
        .name = (name_), .kind = OPTION_TEXT, .value = (value_), .help = (help_) \
    }
#define REAL_OPTION(name_, fallback_, lowest_, highest_, help_)                      \
    {                                                                                \
        .name = (name_), .kind = OPTION_REAL, .value = "X", .fallback = (fallback_), \
        .lowest = (lowest_), .highest = (highest_), .help = (help_)                  \
    }
#define COUNT_OPTION(name_, fallback_, lowest_, highest_, help_)                        \
    {                                                                                   \
        .name = (name_), .kind = OPTION_INTEGER, .value = "N", .fallback = (fallback_), \
        .lowest = (lowest_), .highest = (highest_), .help = (help_)                     \
    }
#define FLAG_OPTION(name_, help_)                             \
    {                                                         \
        .name = (name_), .kind = OPTION_FLAG, .help = (help_) \
    }

static const Option options[] = {
    TEXT_OPTION("train", "FILE", "data to tune on, with texts and labels"),
    TEXT_OPTION("valid", "FILE", "data to watch and to score the result on"),
    REAL_OPTION("valid-share", "0", 0, 0.9, "share of --train held out as --valid, stratified"),
    {.name = "task",
     .kind = OPTION_CHOICE,
     .value = "TASK",
     .fallback = "auto",
     .choices = task_choices,
     .help =
         "what is learnt: classes of texts, any number of labels, numbers, tags of words, spans of passages, targets of sources; lm, mlm: texts "
         "themselves, to go on with or to fill in; auto: by "
         "the model and --train's form"},
    TEXT_OPTION("batches", "FILE", "JSON Lines of {\"batch\": [..]}: one step a line, in order"),
    {.name = "out",
     .short_name = 'o',
     .kind = OPTION_TEXT,
     .value = "DIR",
     .help = "directory for the tuned model"},
    TEXT_OPTION("log", "FILE",
                "a line {\"step\", \"lr\", \"loss\", \"grad_norm\"} a step; - is standard output"),
    REAL_OPTION("learning-rate", "5e-5", 1e-12, 1e12, "AdamW's rate at the end of the warm-up"),
    REAL_OPTION("weight-decay", "0", 0, 100, "AdamW's decay, never on biases and norms"),
    REAL_OPTION("beta1", "0.9", 1e-6, 0.999999, "AdamW's decay of the first moment"),
    REAL_OPTION("beta2", "0.999", 1e-6, 0.999999, "AdamW's decay of the second moment"),
    REAL_OPTION("epsilon", "1e-8", 1e-30, 1, "AdamW's term under the division"),
    COUNT_OPTION("batch-size", "16", 1, 1000000, "sequences a batch"),
    COUNT_OPTION("accumulate", "1", 1, 1000000,
                 "batches a step, as one batch so many times as large"),
    REAL_OPTION("epochs", "3", 0.001, 1000000, "passes over the data; a fraction ends within one"),
    COUNT_OPTION("max-steps", NULL, 1, 1e12, "so many steps in place of epochs"),
    {.name = "schedule",
     .kind = OPTION_CHOICE,
     .value = "NAME",
     .fallback = "linear",
     .choices = schedule_choices,
     .help = "how the rate falls after the warm-up"},
    COUNT_OPTION("warmup-steps", "0", 0, 1e12, "steps over which the rate rises from 0"),
    REAL_OPTION("warmup", "0", 0, 1, "the same as a share of all steps"),
    COUNT_OPTION("cycles", "1", 1, 1000, "of the schedule cosine-restarts"),
    REAL_OPTION("clip", "1", 0, 1e9, "largest global norm of the gradient; 0 does not clip"),
    REAL_OPTION("dropout", NULL, 0, 0.999,
                "share of activations dropped; without it, as config.json says"),
    TEXT_OPTION(
        "freeze", "PARTS",
        "parts that stay as they are: embeddings, encoder, blocks as 0-3,7, tensors as name:*.bias"),
    TEXT_OPTION(
        "lora", "rank=N,..",
        "learn low-rank adapters and the new head: rank=8,alpha=16,targets=query+value,init=FILE"),
    COUNT_OPTION("unfreeze-every", "0", 0, 1000,
                 "epochs until one more block learns, the head first; 0 is off"),
    COUNT_OPTION("gradual-unfreezing", "0", 0, 1000, "the same as --unfreeze-every"),
    REAL_OPTION("layer-decay", "1", 1e-6, 1, "factor on the rate for each block further down"),
    {.name = "class-weights",
     .kind = OPTION_TEXTS,
     .value = "balanced|LABEL=W",
     .help = "weights of classes in the loss"},
    FLAG_OPTION("balance", "draw samples with replacement so that classes come equally often"),
    TEXT_OPTION("prepare", "STEPS",
                "steps that all texts go through first, with commas between (assay list steps)"),
    TEXT_OPTION("augment", "KIND,..",
                "learn from copies with changes too, as a suite's augment: eda,copies=2,words=0.2"),
    REAL_OPTION("label-smoothing", "0", 0, 0.999, "share of the target spread over all classes"),
    TEXT_OPTION("distill-from", "TEACHER",
                "learn from this model's answers beside the labels: one tuned on the same task"),
    REAL_OPTION("distill-temperature", "2", 0.01, 1000,
                "what both models' scores are divided by, with --distill-from"),
    REAL_OPTION("distill-alpha", "0.5", 0, 1,
                "the teacher's share of the loss, with --distill-from; the labels have the rest"),
    REAL_OPTION("prune", "0", 0, 0.999,
                "share of the blocks' weights, those of least magnitude, set to 0 at the end"),
    {.name = "prune-scope",
     .kind = OPTION_CHOICE,
     .value = "SCOPE",
     .fallback = "matrix",
     .choices = scope_choices,
     .help = "of --prune: the share of each matrix, or of all together"},
    {.name = "monitor",
     .kind = OPTION_CHOICE,
     .value = "WHAT",
     .fallback = "none",
     .choices = monitor_choices,
     .help = "what is watched on --valid; the best weights are kept"},
    {.name = "metric",
     .kind = OPTION_TEXT,
     .value = "NAME",
     .fallback = "accuracy",
     .help =
         "metric that --valid is scored by first (assay list metrics); of other tasks than classes, the task's own"},
    COUNT_OPTION("patience", "0", 0, 100000,
                 "epochs without a new best before stopping; 0 never stops early"),
    REAL_OPTION("min-delta", "0", 0, 1e9, "how much better counts as better"),
    COUNT_OPTION("max-length", NULL, 4, 1 << 24,
                 "cut texts to N tokens; without it, to what the model takes"),
    COUNT_OPTION("doc-stride", NULL, 0, 1000000,
                 "of spans: tokens that windows of a long passage share; without it, 128"),
    TEXT_OPTION(
        "null-threshold", "X|tune",
        "of spans: how much better no answer must score to be given; tune: found on --valid"),
    {.name = "decode",
     .kind = OPTION_CHOICE,
     .value = "HOW",
     .fallback = "argmax",
     .choices = decode_choices,
     .help = "of tags: each word's best, or the best sequence that the scheme allows"},
    FLAG_OPTION("bf16-products",
                "dense layers multiply in bf16 and add in f32; weights and gradients stay f32"),
    FLAG_OPTION("gradient-checkpointing",
                "compute activations anew in the backward pass: less memory, the same bits"),
    FLAG_OPTION("sort-by-length", "batches of texts of similar length"),
    COUNT_OPTION("seed", "17", 0, 9007199254740992.0,
                 "of order, dropout, a new head and a hold-out"),
    COUNT_OPTION("lanes", "4", 1, 16, "partial sums of gradients; it changes the last bits"),
    TEXT_OPTION("checkpoint", "FILE",
                "where the state is kept while it runs; without it, DIR/tuning.state"),
    REAL_OPTION("checkpoint-seconds", "60", 0.001, 1e9, "how often the state is written"),
    DATA_OPTION_ROWS,
    MODEL_OPTION_ROWS,
};

const Command command_tune = {
    .name = "tune",
    .group = "Models",
    .summary = "fine-tune a model and save it",
    .operands = "MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .description =
        "Tunes MODEL, a directory with config.json, weights and a tokenizer, or a GGUF file, on labelled "
        "texts and writes --out DIR, which other tools load: config.json, model.safetensors and the "
        "tokenizer's files. The model gets a new classification head unless it has one with the same "
        "labels. --task multilabel gives each text any number of labels: --label names the column (or key) that "
        "holds them all, with commas between (in JSON a list), or several columns of 0 and 1, --label "
        "toxic,insult; --task regression learns the number in the column --label. Files of columns (CoNLL) teach tags of words, SQuAD files answers in passages; long texts go "
        "through in windows. An encoder-decoder learns to write the target of each source. A line an epoch shows the losses; with --valid or --valid-share the scores of the "
        "result follow with their 95% intervals.\n\n"
        "With --batches each line of FILE is one step, {\"batch\": [{\"input_ids\", \"labels\"}, ..]}, "
        "with \"token_type_ids\" and \"attention_mask\" (padding is dropped) where wanted. \"labels\" "
        "is a class, a list of one a token, [start, end] for a span head, or what the decoder of an "
        "encoder-decoder is to say (it reads them one place later); -100 is ignored. Of a model that gives "
        "several labels at once or numbers (problem_type) it is a number a label. The "
        "schedule runs over as many steps as there are lines.\n\n"
        "With --lora adapters of that rank are learned beside the layers that targets names by the last part of "
        "their names (queries and values where none is given), scaled by alpha / rank; with them the new "
        "head's dense layers, and nothing else. init=FILE is a safetensors file with MODULE.lora_A and "
        "MODULE.lora_B. The saved model has the adapters merged in.\n\n"
        "With --distill-from the loss is (1 - alpha) times that of the labels and alpha T^2 times the divergence of "
        "the model's answers from the teacher's, both softened by the temperature T. The teacher has a head "
        "with the same labels; of whole texts it reads its own tokens, else it wants the model's tokenizer.\n\n"
        "With --prepare texts are prepared and with --augment copies are made as suites do both. The saved folder has "
        "a note, assay.json, of the steps, lengths, threshold and decoding that its answers want: assay predict and "
        "later suites follow it.\n\n"
        "The result depends on the model, the data and the options alone, not on threads or on "
        "interruptions: after Ctrl-C the same command goes on where it stopped.",
    OPTIONS(options),
    .examples = "assay tune models/minilm --train train.tsv --valid dev.tsv --out tuned\n"
                "assay tune models/minilm --train train.conll --valid dev.conll --out tagger\n"
                "assay tune models/minilm --train train-v2.0.json --max-length 384 \\\n"
                "    --doc-stride 128 --out answers\n"
                "assay tune models/minilm --train reviews.csv --text review --label stars \\\n"
                "    --valid-share 0.1 --monitor metric --patience 2 --epochs 10 --out tuned\n"
                "assay tune models/opus-mt --train train.en --valid val.en --format parallel \\\n"
                "    --text en --target de --label-smoothing 0.1 --out tuned",
    .run = run,
};
