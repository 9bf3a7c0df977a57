// Readers, sniffing and fold files: no bytes crash them, and what is read keeps the dataset's promises.
#include "base/file.h"
#include "datasets/readers.h"
#include "datasets/sniff.h"
#include "datasets/splits.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const Slice fuzz_seeds[] = {
    SLICE_LIT("a good \"film\"\t1\nbad\t0\n\xc3\xa9t\xc3\xa9\t1\n"),
    SLICE_LIT("id,text,label\r\n1,\"a, \"\"b\"\"\r\nc\",x\r\n2,d,y\r\n\r\n"),
    SLICE_LIT(
        "{\"text\": \"a\\u00e9\", \"label\": 1, \"m\": {\"s\": \"x\"}}\n\n{\"text\": \"b\", \"label\": 0}\n"),
    SLICE_LIT("A B-PER\nruns O\n\nin O\nRome I-LOC\n"),
    SLICE_LIT("{\"data\": [{\"paragraphs\": [{\"context\": \"c\", \"qas\": [{\"id\": 1}]}]}]}"),
    SLICE_LIT("source\ttarget\nA dog.\tEin Hund.\n\t\n"),
    SLICE_LIT("{\"source\": \"a\", \"target\": [\"b\", \"\"]}\n"),
    SLICE_LIT("\xef\xbb\xbflabel;text\n0;a\n1;b\n"),
    SLICE_LIT("{\"id\": \"a\", \"text\": \"\", \"label\": 0}\n\t0\n1\t1\n"),
    SLICE_LIT("sent_more,sent_less,stereo_antistereo,bias_type\na,b,stereo,age\n"),
    SLICE_LIT(
        "[{\"target\": \"t\", \"bias_type\": \"b\", \"context\": \"BLANK\", \"data\": {\"stereotype\": "
        "{\"sentence\": \"a\"}, \"anti-stereotype\": {\"sentence\": \"b\"}, \"unrelated\": "
        "{\"sentence\": \"c\"}}}]"),
    SLICE_LIT(
        "{\"question_polarity\": \"neg\", \"context_condition\": \"ambig\", \"context\": \"C\", "
        "\"question\": \"Q\", \"ans0\": \"a\", \"ans1\": \"b\", \"ans2\": \"c\", \"label\": 1, "
        "\"answer_info\": \"{'ans0': ['\\\\x41', 'old'], 'ans1': ('u', 'unknown'), 'ans2': ['c', 'd']}\"}"),
    SLICE_LIT("sentid\tsentence\nn.p.0.male.txt\tHe.\nn.p.0.female.txt\tShe.\n"),
    SLICE_LIT(
        "sentid\tsentence\nn.p.0.male.txt\tThe n saw p as he ran.\nn.p.0.female.txt\tThe n saw p as she ran.\n"),
    SLICE_LIT(
        "1 [The cook] fed the maid as [he] ran.\n2 The cook fed [the maid] as [she] ran.\n\x01\n"
        "1 [The cook] fed the maid as [she] ran.\n2 The cook fed [the maid] as [he] ran.\n"),
    SLICE_LIT(
        "{\"targ1\": {\"examples\": [\"a\"]}, \"targ2\": {\"examples\": [\"b\"]}, \"attr1\": {\"examples\": "
        "[\"c\"]}, \"attr2\": {\"examples\": [\"d\"]}}"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

static char path[64]; // of a file in memory

static void check_dataset(const Dataset *d)
{
    int32_t fold[4096];
    bool held[4096];
    Error err = {0};
    for (size_t i = 0; i < d->n_samples; i++) {
        const int32_t label = d->samples[i].label;
        if (label < SAMPLE_NO_LABEL || label >= (int32_t)d->n_labels) abort();
        if (d->samples[i].id.len == 0 || d->samples[i].line == 0) abort();
    }
    if (d->n_samples == 0 || d->n_samples > 4096) return;
    if (folds_read(path, d, NULL, 0, 2, fold, &err) == STATUS_OK && (fold[0] < 0 || fold[0] > 1)) {
        abort();
    }
    const FoldOptions options = {.k = 2, .seed = 1, .allow_rare = true};
    if (folds_assign(d, NULL, 0, &options, fold, &err) == STATUS_OK) {
        size_t n_split;
        for (size_t i = 0; i < d->n_samples; i++) {
            if (fold[i] < 0 || fold[i] > 1) abort();
        }
        if (folds_split_inputs(d, NULL, 0, fold, &n_split, &err) != STATUS_OK || n_split) abort();
    }
    if (holdout_assign(d, NULL, 0, &(HoldoutOptions){.share = 0.3}, held, &err) == STATUS_OK) {
        size_t n_held = 0;
        for (size_t i = 0; i < d->n_samples; i++) n_held += held[i];
        if (n_held == 0 || n_held == d->n_samples) abort();
    }
}

static void read_as(const ReadOptions *options)
{
    Dataset d;
    Error err = {0};
    if (dataset_read(path, options, &d, &err) == STATUS_OK) {
        check_dataset(&d);
    } else if (d.samples || err.text[0] == '\0') {
        abort();
    }
    dataset_release(&d);
}

// ---- two files in one ----

static char folder[] = "/tmp/assay-fuzz-XXXXXX", pro[64], anti[64];

static void remove_twins(void)
{
    if (remove(pro) != 0 || remove(anti) != 0 || rmdir(folder) != 0) return; // not there
}

// What stands before the first line "\x01", and what stands behind it, beside each other as WinoBias has them.
static void read_twins(Slice text)
{
    Error err = {0};
    const size_t at = slice_find(text, SLICE("\x01\n"));
    if (at == SIZE_MAX) return;
    if (pro[0] == '\0') {
        if (mkdtemp(folder) == NULL) abort();
        snprintf(pro, sizeof pro, "%s/pro_x", folder);
        snprintf(anti, sizeof anti, "%s/anti_x", folder);
        if (atexit(remove_twins) != 0) abort();
    }
    if (file_write(pro, slice_sub(text, 0, at), &err) != STATUS_OK ||
        file_write(anti, slice_sub(text, at + 2, text.len), &err) != STATUS_OK)
        abort();
    static const char *const formats[] = {"winobias", "winobias-coreference"};
    for (size_t i = 0; i < 2; i++) {
        Dataset d;
        const ReadOptions options = {.format = slice_from_cstr(formats[i])};
        if (dataset_read(pro, &options, &d, &err) == STATUS_OK && d.n_samples % 2 != 0) abort();
        dataset_release(&d);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int file = -1;
    if (file < 0) {
        file = memfd_create("fuzz_readers", 0);
        if (file < 0) abort();
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != (ssize_t)size) abort();
    for (size_t i = 0; i < readers_count; i++) {
        ReadOptions options = {.format = slice_from_cstr(readers_all[i]->name)};
        read_as(&options);
        options.label_optional = true;
        options.encoding = ENCODING_WINDOWS_1252;
        options.columns.attributes = (ReadAttribute[]){{SLICE_LIT("a"), SLICE_LIT("m.s")}};
        options.columns.n_attributes = readers_all[i] == &reader_jsonl;
        read_as(&options);
    }
    const Slice itself = slice_from_cstr(path);
    for (size_t i = 0; i < readers_count; i++) {
        ReadOptions options = {.format = slice_from_cstr(readers_all[i]->name),
                               .label_optional = true,
                               .wants_target = true,
                               .target_paths = &itself,
                               .n_target_paths = 1};
        read_as(&options);
        options.empty_sides = EMPTY_SIDES_DROP;
        options.bad_answers = BAD_ANSWERS_RELOCATE;
        options.items = STEREO_ALL;
        read_as(&options);
    }
    read_twins((Slice){(const char *)data, size});
    const ReadOptions ignoring = {.format = SLICE_LIT("squad"), .bad_answers = BAD_ANSWERS_IGNORE};
    read_as(&ignoring);
    const ReadOptions split = {.format = SLICE_LIT("tsv"),
                               .delimiter = ' ',
                               .columns = {.label = SLICE_LIT("1"), .text = SLICE_LIT("2")}};
    read_as(&split);
    Sniff sniff;
    Error err = {0};
    if (sniff_file(path, &sniff, &err) == STATUS_OK && sniff.why.len == 0) abort();
    sniff_release(&sniff);
    return 0;
}
