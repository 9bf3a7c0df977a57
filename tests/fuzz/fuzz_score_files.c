// The files of `assay score`: CoNLL columns, tables, TREC's judgements and runs, lines of text, SQuAD's documents, SentencePiece
// models. Whatever stands in them, the command ends with an answer or one error. The input's first byte chooses the call; a form feed
// parts the first file from the second.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_folder.h"
#include "tools/command.h"

// Pieces <unk>, "\u2581a", "a", "b" with types and scores, and a trainer for unigrams.
#define MODEL                                   \
    "\x0A\x0E\x0A\x05<unk>\x15\0\0\0\0\x18\x02" \
    "\x0A\x0B\x0A\x04\xE2\x96\x81"              \
    "a\x15\0\0\x80\xBF"                         \
    "\x0A\x08\x0A\x01"                          \
    "a\x15\0\0\0\xC0"                           \
    "\x0A\x0A\x0A\x01"                          \
    "b\x15\0\0\x40\xC0\x18\x04"                 \
    "\x12\x02\x18\x01"

const Slice fuzz_seeds[] = {
    SLICE_LIT("0John B-PER\nSmith I-PER\n\n-DOCSTART- O\nin\tO\nParis B-LOC\n\f"
              "a B-PER\nb O\n\nc O\nd B-LOC\n"),
    SLICE_LIT("1a B-PER\nb I-PER\nc E-PER\n\nd S-LOC\n\fa O\nb I-PER\nc U-PER\n\nd L-LOC\n"),
    SLICE_LIT("2q1 0 d1 1\nq1 0 d2 0\nq2\t0\td3\t2\n\fq1 Q0 d1 1 0.5 x\nq2 Q0 d3 1 1e-3 x\n"),
    SLICE_LIT("3label\tprediction\tweight\na\tb\t1\nb\tb\t0.5\na\ta\t2\n"),
    SLICE_LIT("4label\tscore\n0\t0.25\n1\t0.75\n1\t1\n0\t0\n"),
    SLICE_LIT("5{\"label\": \"a\", \"probabilities\": {\"a\": 0.25, \"b\": 0.75}, \"weight\": 1}\n"
              "{\"label\": \"b\", \"probabilities\": {\"b\": 1, \"a\": 0}, \"weight\": 2}\n"),
    SLICE_LIT("6a\nb\na\n\fa\nb\nb\n"),
    SLICE_LIT("6y\na\n\fa\nb\nc\n"), // a column of predictions in both files, of other lengths
    SLICE_LIT("7x\ty\n1\t2.5\n-3e4\t0\n2\t1\n"),
    SLICE_LIT("8the cat\tthe dog\na cat\ta dog\n\fthe cat\r\n\xc3\xa9t\xc3\xa9\n"),
    SLICE_LIT("9the cat sat\non it\n\fthe cat\nwas on it \xe6\x97\xa5\n"),
    SLICE_LIT(
        "A{\"data\": [{\"paragraphs\": [{\"qas\": [{\"id\": \"a\", \"answers\": [{\"text\": \"x\"}]}, "
        "{\"id\": \"b\", \"answers\": []}]}]}]}\f{\"a\": \"x\", \"b\": \"\"}"),
    SLICE_LIT("B0.5\n1\n0\n0.25\n"),
    SLICE_LIT("C" MODEL "\faab a b\n\xE2\x96\x81 a\xC3\xA9\xF0\x9F\x98\x80\n"),
    SLICE_LIT("D\xe3\x81\x99\xe3\x82\x82\xe3\x82\x82 a\n\xe6\x97\xa5\xe6\x9c\xac\n\f"
              "\xe3\x82\x82\n\xe6\x9c\xac\xe3\x82\xb7\n"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

enum { MAX_WORDS = 16 };

// FIRST and SECOND stand for the files.
static const char *const calls[][MAX_WORDS] = {
    {"ner", "FIRST", "SECOND"},
    {"ner", "FIRST", "SECOND", "--mode", "strict", "--scheme", "IOBES", "--json"},
    {"ranking", "FIRST", "SECOND", "--missing", "wrong", "--confidence-n", "20"},
    {"classification", "FIRST", "--confidence-n", "0", "--json"},
    {"probability", "FIRST", "--confidence-n", "20"},
    {"probability", "FIRST", "--confidence-n", "0", "--json"},
    {"classification", "-r", "FIRST", "--pred", "SECOND", "--confidence-n", "0"},
    {"correlation", "FIRST", "--confidence-n", "20"},
    {"bleu,chrf,ter", "-r", "FIRST", "--num-refs", "2", "SECOND", "--confidence-n", "20", "--json"},
    {"rouge", "-r", "FIRST", "SECOND", "--invalid-utf8", "replace", "--confidence-n", "0"},
    {"squad", "--data", "FIRST", "--pred", "SECOND", "--json"},
    {"intervals", "FIRST", "--lowest", "-1", "--json"},
    {"bleu", "--tokenize", "spm", "--spm-model", "FIRST", "-r", "SECOND", "SECOND",
     "--confidence-n", "0", "--lowercase"},
    {"bleu", "--tokenize", "ja-mecab", "-r", "FIRST", "SECOND", "--confidence-n", "0"},
};
enum { N_CALLS = sizeof calls / sizeof *calls };

static void score(const char *const *call, const char *first, const char *second)
{
    const char *argv[MAX_WORDS + 2] = {"assay", "score"};
    int argc = 2;
    Log log = log_to_stream(stderr, LOG_ERROR);
    CommandLine line = {.log = &log};
    Error err = {0};
    for (size_t i = 0; i < MAX_WORDS && call[i] != NULL; i++) {
        const Slice word = slice_from_cstr(call[i]);
        argv[argc++] = slice_eq_cstr(word, "FIRST")    ? first
                       : slice_eq_cstr(word, "SECOND") ? second
                                                       : call[i];
    }
    if (command_line_parse(&line, argc, argv, &err) != STATUS_OK) abort();
    const Status s = line.command->run(&line, &err);
    if ((s == STATUS_OK) != (err.text[0] == '\0')) abort(); // one or the other
    command_line_release(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_quiet;
    const Slice text = {(const char *)data, size};
    if (!is_quiet && freopen("/dev/null", "w", stdout) == NULL) abort();
    is_quiet = true;
    if (size == 0) return 0;
    const size_t digit = data[0] <= '9' ? data[0] - (size_t)'0' : data[0] - (size_t)'A' + 10;
    const size_t cut = slice_find_byte(text, '\f');
    const Slice parts[2] = {slice_sub(text, 1, cut),
                            slice_sub(text, cut == SIZE_MAX ? 1 : cut + 1, size)};
    char paths[2][FUZZ_UNNAMED_SIZE];
    int files[2];
    for (size_t k = 0; k < 2; k++) files[k] = fuzz_unnamed(parts[k], paths[k]);
    score(calls[digit % N_CALLS], paths[0], paths[1]);
    for (size_t k = 0; k < 2; k++) close(files[k]);
    return 0;
}
