// assay score: a metric on files or on cases.
#include <string.h>

#include "tools/commands.h"
#include "tools/score/files.h"
#include "tools/score/score.h"

static const char *const invalid_choices[] = {"refuse", "replace", NULL};
static const char *const compat_choices[] = {"sacrebleu", NULL};
static const char *const tokenize_choices[] = {"13a",       "intl",      "zh",        "char",
                                               "none",      "ja-mecab",  "ko-mecab",  "spm",
                                               "flores101", "flores200", "spBLEU-1K", NULL};
static const char *const smooth_choices[] = {"exp", "floor", "add-k", "none", NULL};

static const char *const scheme_choices[] = {"IOB2",  "IOB1",  "IOE1", "IOE2",
                                             "IOBES", "BILOU", NULL};
static const char *const mode_choices[] = {"default", "strict", NULL};
static const char *const version_choices[] = {"1.1", "2.0", NULL};
static const char *const format_choices[] = {"text", "json", "latex", NULL};
// In the order of enum MissingChoice.
static const char *const missing_choices[] = {"refuse", "wrong", "omit", NULL};
static const char *const cluster_choices[] = {"paragraph", "article", "none", NULL};

static const Option options[] = {
    {.name = "cases",
     .kind = OPTION_FLAG,
     .help = "read cases from --in, one JSON object a line, and answer each on --out"},
    {.name = "in",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .fallback = "-",
     .help = "JSON Lines to read with --cases; - is standard input"},
    {.name = "out",
     .short_name = 'o',
     .kind = OPTION_TEXT,
     .value = "FILE",
     .fallback = "-",
     .help = "where the answers of --cases go; - is standard output"},
    {.name = "ref",
     .short_name = 'r',
     .kind = OPTION_TEXTS,
     .value = "FILE",
     .help = "references, line i for segment i; again for a second reference of each segment"},
    {.name = "num-refs",
     ALSO("-nr"),
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "1",
     .lowest = 1,
     .highest = 64,
     .help = "references in each line of the one --ref FILE, tabs between them"},
    {.name = "test-set",
     .short_name = 't',
     .kind = OPTION_TEXT,
     .value = "NAME",
     .help =
         "refused, as are the next two: sets come as files, and the error says how to get them"},
    {.name = "language-pair",
     .short_name = 'l',
     .kind = OPTION_TEXT,
     .value = "PAIR",
     .help = "refused"},
    {.name = "echo", .kind = OPTION_TEXT, .value = "PART", .help = "refused"},
    {.name = "pred", .kind = OPTION_TEXT, .value = "FILE", .help = "a system's output"},
    {.name = "invalid-utf8",
     .kind = OPTION_CHOICE,
     .value = "refuse|replace",
     .choices = invalid_choices,
     .fallback = "refuse",
     .help = "bytes that are not UTF-8: an error, or U+FFFD in their place"},
    {.name = "timing",
     .kind = OPTION_FLAG,
     .help = "CPU time too: read_ns, tokenize_ns (a second pass that only tokenises) and score_ns"},
    {.name = "input",
     .short_name = 'i',
     .takes_many = true,
     .kind = OPTION_TEXTS,
     .value = "FILE...",
     .help = "systems' outputs, all FILEs up to the next option; those that stand before it are "
             "references then, as for sacreBLEU"},
    {.name = "metrics",
     .short_name = 'm',
     .takes_many = true,
     .kind = OPTION_TEXTS,
     .value = "NAME...",
     .help = "bleu, chrf, ter: these too, besides METRIC, on the same files"},
    {.name = "format",
     .short_name = 'f',
     .kind = OPTION_CHOICE,
     .value = "NAME",
     .choices = format_choices,
     .help = "how scores are written; json is --json, latex a table of several systems (default "
             "text)"},
    {.name = "short",
     ALSO("-sh"),
     .kind = OPTION_FLAG,
     .help = "bleu, chrf, ter: abbreviated names in signatures"},
    {.name = "score-only", .short_name = 'b', .kind = OPTION_FLAG, .help = "print the score alone"},
    {.name = "width",
     .short_name = 'w',
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "1",
     .highest = 15,
     .help = "decimals of a score in percent; scores up to 1 have three more"},
    {.name = "sentence-level",
     ALSO("-sl"),
     .kind = OPTION_FLAG,
     .help = "a score a segment; for bleu with effective order"},
    {.name = "level",
     .kind = OPTION_REAL,
     .value = "P",
     .fallback = "0.95",
     .lowest = 0.5,
     .highest = 0.9999,
     .help = "level of the intervals"},
    {.name = "confidence",
     ALSO("-ci"),
     .kind = OPTION_FLAG,
     .help =
         "sacreBLEU's own besides: mean and half width of 1,000 resamples, draw by draw as it has "
         "them"},
    {.name = "confidence-n",
     ALSO("-cin"),
     .kind = OPTION_INTEGER,
     .value = "N",
     .highest = 1e7,
     .help = "resamples of the intervals (default 2000, fewer from 30,000 segments on); 0 leaves "
             "intervals out"},
    {.name = "seed",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "12345",
     .highest = 9007199254740992.0,
     .help = "seed of resampling"},
    {.name = "metric",
     .kind = OPTION_TEXTS,
     .value = "NAME",
     .help = "classification, multilabel, probability, correlation: this metric alone; again for "
             "more"},
    {.name = "paired-bs",
     ALSO("-pbs"),
     .kind = OPTION_FLAG,
     .help = "paired bootstrap of each further system against the first"},
    {.name = "paired-ar",
     ALSO("-par"),
     .kind = OPTION_FLAG,
     .help = "paired approximate randomisation of each further system against the first"},
    {.name = "paired-bs-n",
     ALSO("-pbsn"),
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "1000",
     .lowest = 1,
     .highest = 1e7,
     .help = "resamples of --paired-bs"},
    {.name = "paired-ar-n",
     ALSO("-parn"),
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "10000",
     .lowest = 1,
     .highest = 1e7,
     .help = "trials of --paired-ar"},
    {.name = "compat",
     .kind = OPTION_CHOICE,
     .value = "sacrebleu",
     .choices = compat_choices,
     .help =
         "sacreBLEU's p-values: its draws, and draws that only equal the difference do not count"},
    {.name = "tokenize",
     ALSO("-tok"),
     .kind = OPTION_CHOICE,
     .value = "NAME",
     .choices = tokenize_choices,
     .help = "bleu: tokeniser (default 13a); spm and those after it are spBLEU, with --spm-model"},
    {.name = "spm-model",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help =
         "bleu: the SentencePiece model whose pieces are the words; flores101, .. name it in the "
         "signature, spm says the file's name and hash"},
    {.name = "smooth-method",
     .short_name = 's',
     .kind = OPTION_CHOICE,
     .value = "NAME",
     .choices = smooth_choices,
     .help = "bleu: what stands for an order without matches (default exp)"},
    {.name = "smooth-value",
     ALSO("-sv"),
     .kind = OPTION_REAL,
     .value = "X",
     .highest = 1e9,
     .help = "bleu: for floor (default 0.1) and add-k (default 1)"},
    {.name = "max-ngram-order",
     .kind = OPTION_INTEGER,
     .value = "N",
     .highest = 16,
     .help = "bleu: longest n-grams (default 4)"},
    {.name = "lowercase", ALSO("-lc"), .kind = OPTION_FLAG, .help = "bleu: without regard to case"},
    {.name = "force",
     .kind = OPTION_FLAG,
     .help =
         "bleu: do not warn of output that looks tokenised; ner: go on where the tags look like "
         "another scheme"},
    {.name = "chrf-char-order",
     ALSO("-cc"),
     .kind = OPTION_INTEGER,
     .value = "N",
     .highest = 32,
     .help = "chrf: longest n-grams of characters (default 6)"},
    {.name = "chrf-word-order",
     ALSO("-cw"),
     .kind = OPTION_INTEGER,
     .value = "N",
     .highest = 32,
     .help = "chrf: longest n-grams of words; 2 is chrF++ (default 0)"},
    {.name = "chrf-beta",
     .kind = OPTION_INTEGER,
     .value = "N",
     .lowest = 1,
     .highest = 1000,
     .help = "chrf: weight of recall (default 2)"},
    {.name = "chrf-whitespace", .kind = OPTION_FLAG, .help = "chrf: blanks are characters too"},
    {.name = "chrf-lowercase", .kind = OPTION_FLAG, .help = "chrf: without regard to case"},
    {.name = "chrf-eps-smoothing",
     .kind = OPTION_FLAG,
     .help = "chrf: the mean of the F of all orders, as chrF++.py"},
    {.name = "ter-case-sensitive", .kind = OPTION_FLAG, .help = "ter: with regard to case"},
    {.name = "ter-asian-support",
     .kind = OPTION_FLAG,
     .help = "ter: Chinese, Japanese and Korean in --ter-normalized and --ter-no-punct"},
    {.name = "ter-no-punct", .kind = OPTION_FLAG, .help = "ter: without punctuation"},
    {.name = "ter-normalized", .kind = OPTION_FLAG, .help = "ter: Tercom's tokenisation"},
    {.name = "stemmer", .kind = OPTION_FLAG, .help = "rouge: compare Porter stems"},
    {.name = "types",
     .kind = OPTION_TEXTS,
     .value = "LIST",
     .help = "rouge: of rouge1, rouge2, rougeL, rougeLsum, with commas between (default all)"},
    {.name = "sep",
     .kind = OPTION_TEXT,
     .value = "TEXT",
     .help =
         "rouge: what stands between the sentences of a line, for rougeLsum; multilabel: between "
         "labels (default ,)"},
    {.name = "threshold",
     .kind = OPTION_REAL,
     .value = "P",
     .fallback = "0.5",
     .highest = 1,
     .help =
         "multilabel: the probability from which a label holds, where predictions are not given"},
    {.name = "aggregate",
     .kind = OPTION_FLAG,
     .help = "rouge: low, middle and high of 1,000 bootstrap means, as rouge_score's aggregator"},
    {.name = "ignore-case", .kind = OPTION_FLAG, .help = "exact-match: without regard to case"},
    {.name = "ignore-punctuation",
     .kind = OPTION_FLAG,
     .help = "exact-match: without ASCII punctuation"},
    {.name = "ignore-numbers", .kind = OPTION_FLAG, .help = "exact-match: without ASCII digits"},
    {.name = "scheme",
     .kind = OPTION_CHOICE,
     .value = "NAME",
     .choices = scheme_choices,
     .help = "ner: how tags are written, for --mode strict (default IOB2)"},
    {.name = "mode",
     .kind = OPTION_CHOICE,
     .value = "default|strict",
     .choices = mode_choices,
     .fallback = "default",
     .help = "ner: read tags as conlleval does, or entities that keep to the scheme alone"},
    {.name = "suffix", .kind = OPTION_FLAG, .help = "ner: tags are TYPE-B, not B-TYPE"},
    {.name = "digits",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "2",
     .highest = 15,
     .help = "ner: decimals of the report"},
    {.name = "data", .kind = OPTION_TEXT, .value = "FILE", .help = "squad: the document"},
    {.name = "na-probs",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "squad: how sure the system is of no answer, {id: number}"},
    {.name = "na-prob-thresh",
     .kind = OPTION_REAL,
     .value = "X",
     .fallback = "1",
     .lowest = -1e300,
     .highest = 1e300,
     .help = "squad: above it a question counts as not answered"},
    {.name = "squad-version",
     .kind = OPTION_CHOICE,
     .value = "1.1|2.0",
     .choices = version_choices,
     .help = "squad: which script (default: 2.0 where a question has no answer)"},
    {.name = "missing",
     .kind = OPTION_CHOICE,
     .value = "refuse|wrong|omit",
     .choices = missing_choices,
     .fallback = "refuse",
     .help = "squad 2.0, ranking: questions without prediction or result are refused, or wrong, or "
             "(ranking: trec_eval without -c) left out of the means"},
    {.name = "lowest",
     .kind = OPTION_REAL,
     .value = "X",
     .fallback = "0",
     .lowest = -1e300,
     .highest = 1e300,
     .help = "intervals: the least that a value can be"},
    {.name = "highest",
     .kind = OPTION_REAL,
     .value = "X",
     .fallback = "1",
     .lowest = -1e300,
     .highest = 1e300,
     .help = "intervals: the most that a value can be"},
    {.name = "cluster",
     .kind = OPTION_CHOICE,
     .value = "NAME",
     .choices = cluster_choices,
     .fallback = "paragraph",
     .help = "squad: questions of one paragraph, or article, do not count as independent"},
};

static Status find_family(Slice wanted, const ScoreFamily **out, Error *err)
{
    for (size_t i = 0; i < n_score_families; i++) {
        *out = score_families[i];
        if (slice_eq_cstr(wanted, (*out)->name)) return STATUS_OK;
    }
    const char *near = nearest_name(wanted, score_family_names, n_score_families);
    return error_set(err, STATUS_INVALID, "there is no score '" SLICE_FMT "'; %s%s%s",
                     SLICE_ARG(wanted),
                     near ? "did you mean '" : "assay score --help names those there are",
                     near ? near : "", near ? "'?" : "");
}

// What is asked for: one score, or several on the same files.
typedef struct Asked {
    const ScoreFamily *families[MAX_TEXT_SPECS];
    const TextSpec *specs[MAX_TEXT_SPECS];
    size_t n;
} Asked;

static Status add_family(Slice name, Asked *out, Error *err)
{
    if (out->n == MAX_TEXT_SPECS) {
        return error_set(err, STATUS_INVALID, "more than %d scores at once", MAX_TEXT_SPECS);
    }
    TRY(find_family(name, &out->families[out->n], err));
    out->specs[out->n] = out->families[out->n]->text;
    out->n++;
    return STATUS_OK;
}

// "bleu", or "bleu,chrf,ter"; then what --metrics names besides.
static Status find_families(const CommandLine *line, const char *names, Asked *out, Error *err)
{
    Slice rest = slice_from_cstr(names), name;
    const char *const *more;
    const size_t n_more = option_texts(line, "metrics", &more);
    *out = (Asked){0};
    while (slice_split(&rest, ',', &name)) TRY(add_family(name, out, err));
    for (size_t i = 0; i < n_more; i++) {
        bool is_there = false;
        for (size_t k = 0; k < out->n; k++)
            is_there |= strcmp(more[i], out->families[k]->name) == 0;
        if (!is_there) TRY(add_family(slice_from_cstr(more[i]), out, err));
    }
    if (out->n == 0) return find_family(rest, &out->families[0], err); // refuses an empty name
    for (size_t k = 0; out->n > 1 && k < out->n; k++) {
        if (out->specs[k] != NULL) continue;
        return error_set(err, STATUS_INVALID,
                         "score %s goes by itself: bleu, chrf and ter can be asked for at once",
                         out->families[k]->name);
    }
    return STATUS_OK;
}

static bool is_taken(const Asked *asked, const char *name)
{
    for (size_t k = 0; k < asked->n; k++) {
        const char *const *taken = asked->families[k]->options;
        for (size_t i = 0; taken != NULL && taken[i] != NULL; i++) {
            if (slice_eq_cstr(slice_from_cstr(name), taken[i])) return true;
        }
    }
    return false;
}

// Options of another family, or of the other way of working, would be passed over in silence.
static Status check_options(const Asked *asked, const CommandLine *line, bool is_cases, Error *err)
{
    enum { N_OPTIONS = sizeof options / sizeof *options, N_OF_CASES = 3 };
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const char *name = options[i].name;
        if (!option_given(line, name)) continue;
        if (is_cases && i >= N_OF_CASES) {
            return error_set(err, STATUS_INVALID,
                             "--%s is for files: with --cases, each case has its own \"params\"",
                             name);
        }
        if (!is_cases && i < N_OF_CASES) {
            return error_set(err, STATUS_INVALID, "--%s goes with --cases", name);
        }
        if (!is_cases && !is_taken(asked, name)) {
            return error_set(err, STATUS_INVALID, "--%s is no option of score %s", name,
                             line->operands[0]);
        }
    }
    return STATUS_OK;
}

// --format json is --json.
static Status take_format(CommandLine *line, Error *err)
{
    const size_t format = option_choice(line, "format");
    if (line->is_json && (format == TEXT_LINES || format == TEXT_LATEX)) {
        return error_set(err, STATUS_INVALID, "--json or --format %s, not both",
                         format_choices[format]);
    }
    line->is_json |= format == TEXT_JSON;
    return STATUS_OK;
}

// sacreBLEU would fetch a test set here.
static Status refuse_downloads(const CommandLine *line, Error *err)
{
    static const char *const names[] = {"test-set", "language-pair", "echo"};
    const char *set = option_text(line, "test-set"), *pair = option_text(line, "language-pair");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!option_given(line, names[i])) continue;
        return error_set(
            err, STATUS_INVALID,
            "--%s: assay brings no test sets and downloads nothing. Let sacreBLEU write "
            "the files, and give them: sacrebleu -t %s -l %s --echo ref > ref.txt; assay "
            "score bleu --ref ref.txt output.txt",
            names[i], set != NULL ? set : "SET", pair != NULL ? pair : "PAIR");
    }
    return STATUS_OK;
}

static Status run(CommandLine *line, Error *err)
{
    Asked asked;
    const bool is_cases = option_flag(line, "cases");
    TRY(refuse_downloads(line, err));
    TRY(find_families(line, line->operands[0], &asked, err));
    const ScoreFamily *family = asked.families[0];
    if (!is_cases && family->run_files == NULL && family->text == NULL) {
        return error_set(err, STATUS_INVALID,
                         "score %s works on cases: assay score %s --cases --in FILE", family->name,
                         family->name);
    }
    TRY(check_options(&asked, line, is_cases, err));
    TRY(take_format(line, err));
    if (!is_cases && family->text != NULL) return text_files_run(line, asked.specs, asked.n, err);
    if (!is_cases) return family->run_files(line, err);
    if (asked.n > 1) {
        return error_set(err, STATUS_INVALID, "--cases goes with one score at a time");
    }
    if (line->n_operands > 1) {
        return error_set(err, STATUS_INVALID, "with --cases the input comes from --in, not from %s",
                         line->operands[1]);
    }
    return score_run_cases(family, line, err);
}

const Command command_score = {
    .name = "score",
    .group = "Evaluate",
    .summary = "a metric on files, or on cases given as JSON Lines",
    .operands = "METRIC [FILE...]",
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .operand_choices = score_family_names,
    .description =
        "With --cases each line of --in is a case with its own \"params\", and each line of --out its "
        "answer, in the same order. An \"id\" comes back as it was; numbers that are not finite are the "
        "texts \"NaN\", \"Infinity\" and \"-Infinity\". A case that fails becomes {\"error\": TEXT} in its "
        "place, the others go on, and the exit status is 2.\n\n"
        "For bleu, chrf and ter a case is {\"hyps\": [..], \"refs\": [[stream 1..], ..], \"params\": {..}}, "
        "where a null in a stream means that the segment has no such reference; {\"hyps\": TEXT, \"refs\": "
        "[TEXT, ..]} is one segment, and \"segments\": true adds the score of each segment.\n\n"
        "On files, line i of each is the same segment. Scores come with intervals of a percentile "
        "bootstrap over segments. With several systems --paired-bs and --paired-ar compare each with the "
        "first. Of bleu, chrf and ter several can be asked for at once, with commas between, or by "
        "--metrics. sacreBLEU's options are here by its names, and with --input its order of files.",
    OPTIONS(options),
    .examples = "assay score squad --data dev-v2.0.json --pred predictions.json\n"
                "assay score ner --scheme IOB2 --mode strict gold.conll pred.conll\n"
                "assay score bleu --ref ref.txt hyp.txt\n"
                "assay score chrf --chrf-word-order 2 -r ref.txt --paired-bs base.txt new.txt\n"
                "assay score bleu,chrf,ter -r ref.txt hyp.txt\n"
                "assay score bleu ref.txt -i hyp.txt -m chrf ter -tok intl -lc -w 2\n"
                "assay score bleu --cases --in cases.jsonl --out answers.jsonl",
    .run = run,
};
