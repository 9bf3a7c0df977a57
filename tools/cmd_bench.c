// assay bench: how fast the kernels and whole models are on this machine.
#include <string.h>

#include "base/clock.h"
#include "harness/model_bench.h"
#include "harness/tokenizer_bench.h"
#include "kernels/bench.h"
#include "tools/commands.h"
#include "tools/model_options.h"

static const char *const what_names[] = {"kernels", "model", "tokenizer", NULL};

static const char *const mode_names[] = {"auto", "classify", "embed", "generate", NULL};

static const char *const compute_names[] = {"f32", "bf16", "int8", NULL};

static const Option options[] = {
    {.name = "filter",
     .kind = OPTION_TEXT,
     .value = "TEXT",
     .help = "kernels: only cases whose operation or shape contains this"},
    {.name = "variant",
     .kind = OPTION_TEXT,
     .value = "NAME",
     .help =
         "kernels: only this variant: reference, avx2, avx512, avx512_vnni, avx512_bf16, amx, openblas, cuda"},
    {.name = "seconds",
     .kind = OPTION_REAL,
     .value = "S",
     .fallback = "1",
     .lowest = 0.001,
     .highest = 3600,
     .help = "kernels: at most so long for a case"},
    {.name = "quick", .kind = OPTION_FLAG, .help = "kernels: 0.1 s a case, for a first look"},
    {.name = "in",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "model, tokenizer: texts to go through (TSV, CSV, JSON Lines); for a model made-up "
             "sequences without"},
    {.name = "mode",
     .kind = OPTION_CHOICE,
     .value = "KIND",
     .fallback = "auto",
     .choices = mode_names,
     .help =
         "model: a classifier, the embeddings, or what a decoder or encoder-decoder writes; auto is "
         "generate where the model can, else classify"},
    {.name = "length",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "128",
     .lowest = 1,
     .highest = 1 << 20,
     .help = "model: tokens of each made-up sequence, prompt or source"},
    {.name = "new-tokens",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "64",
     .lowest = 2,
     .highest = 1 << 20,
     .help = "model: generating, tokens written to each sequence"},
    {.name = "beams",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "1",
     .lowest = 1,
     .highest = 256,
     .help = "model: beams of an encoder-decoder's search"},
    {.name = "sequences",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "0",
     .highest = 1 << 24,
     .help =
         "model, tokenizer: so many sequences; 0 is 64 made-up ones (generating 1), or all texts"},
    {.name = "batch-size",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "0",
     .highest = 1 << 20,
     .help = "model: sequences a call or step; 0 is all in one call, or steps of 16"},
    {.name = "max-length",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "128",
     .lowest = 2,
     .highest = 1 << 20,
     .help = "model: tokens a text is cut to"},
    {.name = "rounds",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "5",
     .lowest = 1,
     .highest = 10000,
     .help = "model, tokenizer: counted rounds, after one that warms up"},
    {.name = "threads",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "0",
     .highest = 1024,
     .help = "model: threads to work with; 0 is as many as this process may use"},
    {.name = "tune", .kind = OPTION_FLAG, .help = "model: time tuning steps, not predictions"},
    {.name = "compute",
     .kind = OPTION_CHOICE,
     .value = "KIND",
     .fallback = "f32",
     .choices = compute_names,
     .help = "model: products in fp32, or rounded as those of assay predict --compute; what that "
             "does to the outputs is measured too"},
    MODEL_OPTION_KV,
    {.name = "sort", .kind = OPTION_FLAG, .help = "model: tuning batches of similar length"},
};

typedef struct BenchProgress {
    CommandLine *line;
    int64_t started_ns;
} BenchProgress;

static int show_progress(void *context, size_t done, size_t total, const char *shape)
{
    const BenchProgress *progress = context;
    log_progress(progress->line->log, "cases", done, total, progress->started_ns, shape);
    return *interrupt_flag();
}

static Status write_result(CommandLine *line, Buffer *text, Error *err)
{
    if (line->is_json) buffer_append_byte(text, '\n');
    return output_buffer(text, err);
}

static Status bench_kernels(CommandLine *line, Error *err)
{
    Buffer text = {0};
    BenchReport report = {0};
    BenchProgress progress = {.line = line, .started_ns = clock_now_ns()};
    const BenchOptions wanted = {
        .filter = option_text(line, "filter"),
        .variant = option_text(line, "variant"),
        .seconds_per_case = option_flag(line, "quick") ? 0.1 : option_real(line, "seconds"),
        .progress = show_progress,
        .context = &progress};
    const Status s = bench_run(&wanted, &line->arena, &report, err);
    log_progress_end(line->log);
    if (s != STATUS_OK) return s;
    JsonWriter w = json_writer(&text, 2);
    if (line->is_json)
        bench_write_json(&report, &w);
    else
        bench_write_table(&report, &text);
    return write_result(line, &text, err);
}

static Status bench_model(CommandLine *line, Error *err)
{
    Buffer text = {0};
    ModelBench bench;
    if (line->n_operands < 2)
        return error_set(
            err, STATUS_INVALID,
            "MODEL is missing: assay bench model MODEL, a model's folder or GGUF file");
    static const ModelBenchMode works[] = {MODEL_BENCH_AUTO, MODEL_BENCH_CLASSIFY,
                                           MODEL_BENCH_EMBED, MODEL_BENCH_GENERATE};
    static const ComputeMode modes[] = {COMPUTE_F32, COMPUTE_BF16, COMPUTE_I8};
    const ModelBenchOptions wanted = {.compute = modes[option_choice(line, "compute")],
                                      .model = line->operands[1],
                                      .texts = option_text(line, "in"),
                                      .length = (size_t)option_integer(line, "length"),
                                      .n_sequences = (size_t)option_integer(line, "sequences"),
                                      .batch_size = (size_t)option_integer(line, "batch-size"),
                                      .max_length = (size_t)option_integer(line, "max-length"),
                                      .n_threads = (size_t)option_integer(line, "threads"),
                                      .n_rounds = (size_t)option_integer(line, "rounds"),
                                      .mode = works[option_choice(line, "mode")],
                                      .n_new_tokens = (size_t)option_integer(line, "new-tokens"),
                                      .n_beams = (size_t)option_integer(line, "beams"),
                                      .tunes = option_flag(line, "tune"),
                                      .sorts = option_flag(line, "sort"),
                                      .kv = kv_option(line),
                                      .seed = 1};
    TRY(model_bench_run(&wanted, interrupt_flag(), &line->arena, &bench, err));
    JsonWriter w = json_writer(&text, 2);
    if (line->is_json)
        model_bench_json(&bench, &w);
    else
        model_bench_text(&bench, &text);
    return write_result(line, &text, err);
}

static Status bench_tokenizer(CommandLine *line, Error *err)
{
    Buffer text = {0};
    TokenizerBench bench;
    const TokenizerBenchOptions wanted = {.model = line->n_operands > 1 ? line->operands[1] : NULL,
                                          .texts = option_text(line, "in"),
                                          .n_sequences = (size_t)option_integer(line, "sequences"),
                                          .n_rounds = (size_t)option_integer(line, "rounds")};
    if (!wanted.model || !wanted.texts)
        return error_set(
            err, STATUS_INVALID,
            "%s is missing: assay bench tokenizer MODEL --in FILE, a model's folder or "
            "GGUF file and texts",
            wanted.model ? "--in" : "MODEL");
    TRY(tokenizer_bench_run(&wanted, interrupt_flag(), &line->arena, &bench, err));
    JsonWriter w = json_writer(&text, 2);
    if (line->is_json)
        tokenizer_bench_json(&bench, &w);
    else
        tokenizer_bench_text(&bench, &text);
    return write_result(line, &text, err);
}

static Status run(CommandLine *line, Error *err)
{
    const char *what = line->operands[0];
    if (strcmp(what, "model") == 0) return bench_model(line, err);
    if (strcmp(what, "tokenizer") == 0) return bench_tokenizer(line, err);
    if (strcmp(what, "kernels") != 0) return command_refuse_operand(line, err);
    if (line->n_operands > 1)
        return error_set(err, STATUS_INVALID, "bench kernels takes no \"%s\"", line->operands[1]);
    return bench_kernels(line, err);
}

const Command command_bench = {
    .name = "bench",
    .group = "Models",
    .summary = "time kernels against the machine's limits, a whole model, or a tokenizer",
    .operands = "WHAT [MODEL]",
    .min_operands = 1,
    .max_operands = 2,
    .operand_choices = what_names,
    .description =
        "bench kernels times every implementation of every operation on the shapes of real models. "
        "Variants take turns; a row gives the median of one thread's CPU time with its 95% "
        "interval, and the share of what the machine gives, measured in the same run.\n\n"
        "bench model times MODEL as a whole, on your texts or on sequences of one length: a "
        "classifier of its weights, its embeddings, or what it writes, prompt (or source) and new "
        "tokens apart. CPU time stands beside wall time: on a busy machine it is the figure that "
        "repeats. With --compute the outputs are held beside those in f32.\n\n"
        "bench tokenizer encodes texts one by one on one thread.",
    OPTIONS(options),
    .examples = "assay bench kernels --filter linear --quick  # products only\n"
                "assay bench model DIR --length 16 --batch-size 1  # latency of a sentence\n"
                "assay bench model DIR --length 512 --new-tokens 128 --sequences 16  # decoder\n"
                "assay bench model DIR --in train.tsv --tune --batch-size 32  # tuning speed",
    .run = run,
};
