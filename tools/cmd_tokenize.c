// assay tokenize: ids, pieces and offsets of texts; text of ids; new vocabularies.
#include "tools/commands.h"
#include "tools/tokenize/tokenize.h"

static Status run(CommandLine *line, Error *err)
{
    static const char *const train_only[] = {"vocab-size", "min-frequency"};
    static const char *const as_only[] = {"plain",    "lowercase",     "normalized",
                                          "no-punct", "asian-support", "case-sensitive",
                                          "stemmer",  "spm-model"};
    if (option_given(line, "as")) return tokenize_as_run(line, err);
    for (size_t i = 0; i < sizeof as_only / sizeof *as_only; i++) {
        if (!option_given(line, as_only[i])) continue;
        return error_set(err, STATUS_INVALID, "--%s goes with --as", as_only[i]);
    }
    if (option_given(line, "train")) return tokenize_train_run(line, err);
    for (size_t i = 0; i < sizeof train_only / sizeof *train_only; i++) {
        if (!option_given(line, train_only[i])) continue;
        return error_set(err, STATUS_INVALID, "--%s goes with --train", train_only[i]);
    }
    return tokenize_run(line, err);
}

static const Option options[] = {
    {.name = "in",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .fallback = "-",
     .help = "JSON Lines to read; - is standard input"},
    {.name = "out",
     .short_name = 'o',
     .kind = OPTION_TEXT,
     .value = "FILE|DIR",
     .fallback = "-",
     .help = "where answers go, - is standard output; with --train the directory to write"},
    {.name = "decode",
     .kind = OPTION_FLAG,
     .help = "the other way: {\"ids\": [..]} becomes {\"text\", \"text_skip_special\"}"},
    {.name = "train",
     .kind = OPTION_CHOICE,
     .value = "KIND",
     .choices = tokenize_train_kinds,
     .help = "make a new vocabulary from text FILEs"},
    {.name = "vocab-size",
     .kind = OPTION_INTEGER,
     .value = "N",
     .lowest = 1,
     .highest = 1 << 24,
     .help = "tokens wanted, special ones and first symbols included"},
    {.name = "min-frequency",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "2",
     .lowest = 1,
     .highest = 1e15,
     .help = "pairs seen less often are not joined"},
    {.name = "cased",
     .kind = OPTION_FLAG,
     .help = "WordPiece, trained or from a vocab.txt: keep case and accents"},
    {.name = "as",
     .kind = OPTION_CHOICE,
     .value = "NAME",
     .choices = tokenize_as_names,
     .help = "a metric's tokens in place of a model's: a JSON array a line of --in"},
    {.name = "plain",
     .kind = OPTION_FLAG,
     .help = "--as: lines are plain text, even where they look like JSON"},
    {.name = "lowercase",
     .kind = OPTION_FLAG,
     .help = "--as 13a, intl, zh, char, none, spm: lower-case first"},
    {.name = "spm-model",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "--as spm: the SentencePiece model whose pieces are the words"},
    {.name = "normalized", .kind = OPTION_FLAG, .help = "--as tercom: Tercom's normaliser"},
    {.name = "no-punct", .kind = OPTION_FLAG, .help = "--as tercom: without punctuation"},
    {.name = "asian-support", .kind = OPTION_FLAG, .help = "--as tercom: CJK in these two"},
    {.name = "case-sensitive", .kind = OPTION_FLAG, .help = "--as tercom: keep case"},
    {.name = "stemmer", .kind = OPTION_FLAG, .help = "--as rouge: Porter stems"},
};

const Command command_tokenize = {
    .name = "tokenize",
    .group = "Models",
    .summary = "token ids, pieces and offsets of texts, or a new vocabulary",
    .operands = "MODEL | --train KIND FILE... | --as NAME",
    .min_operands = 0,
    .max_operands = SIZE_MAX,
    .description =
        "MODEL is a model's directory, a tokenizer.json, a vocab.txt, a SentencePiece .model or a .gguf "
        "file. Each line of --in is "
        "{\"text\": TEXT}, with \"pair\" (a second text), \"max_length\" (tokens of the result), "
        "\"strategy\" (longest_first, only_first, only_second), \"stride\" and \"special\" (false "
        "leaves special tokens out) where wanted. Each line of --out is {\"ids\", \"tokens\", "
        "\"offsets\", \"type_ids\"}; offsets are pairs of code points of the text they come from. "
        "With a stride, \"windows\" holds what max_length kept and then what it cut away. "
        "\"text_target\" in place of \"text\" is encoded with the target's side of a translation model. "
        "Without --in, where the first line is no JSON object, lines are texts as they stand, and with "
        "--decode rows of ids; those that are no token's have no text and are listed as "
        "\"unknown\".\n\n"
        "An \"id\" comes back as it was. A case that fails becomes {\"error\": TEXT} in its place, the "
        "others go on, and the exit status is 2. With --json and without --out the answers are one "
        "array.\n\n"
        "With --train, FILEs are UTF-8 text, a line a text, and --out DIR receives tokenizer.json, "
        "tokenizer_config.json and vocab.txt (wordpiece) or vocab.json and merges.txt (bpe). The "
        "result depends on the words and their counts alone.\n\n"
        "With --as, lines of --in are {\"text\": TEXT}, JSON strings or, where the first is neither, plain text, and "
        "lines of --out are the tokens that a metric makes of them.",
    OPTIONS(options),
    .examples = "echo '{\"text\": \"Hello\"}' | assay tokenize models/minilm\n"
                "assay tokenize models/minilm < texts.txt\n"
                "assay tokenize --train wordpiece --vocab-size 8000 reviews.txt --out vocab",
    .run = run,
};
