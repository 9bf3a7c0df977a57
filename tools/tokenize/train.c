// assay tokenize --train: a vocabulary made from texts.
#include <string.h>

#include "models/tokenizers/train.h"
#include "tools/tokenize/tokenize.h"

static Status print_report(const CommandLine *line, const TokenizerTrainReport *report,
                           const char *directory, Error *err)
{
    Buffer out = {0};
    if (line->is_json) {
        const struct {
            const char *key;
            uint64_t value;
        } rows[] = {{"vocab_size", report->vocab_size},
                    {"lines", report->n_lines},
                    {"words", report->n_words},
                    {"distinct_words", report->n_distinct_words},
                    {"first_symbols", report->n_first_symbols},
                    {"merges", report->n_merges}};
        JsonWriter w = json_writer(&out, 2);
        json_begin_object(&w);
        json_member_cstr(&w, "directory", directory);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            json_member_u64(&w, rows[i].key, rows[i].value);
        }
        json_end_object(&w);
        buffer_append_byte(&out, '\n');
    } else {
        output_escaped(&out, slice_from_cstr(directory));
        buffer_printf(&out,
                      ": %zu tokens (%zu first symbols, %zu merges) from %llu lines, %llu words\n",
                      report->vocab_size, report->n_first_symbols, report->n_merges,
                      (unsigned long long)report->n_lines, (unsigned long long)report->n_words);
    }
    return output_buffer(&out, err);
}

const char *const tokenize_train_kinds[] = {"wordpiece", "bpe", NULL};
static const TokenizerTrainKind train_kind_values[] = {TRAIN_WORDPIECE, TRAIN_BPE};

Status tokenize_train_run(CommandLine *line, Error *err)
{
    const char *directory = option_text(line, "out");
    const TokenizerTrainOptions options = {
        .kind = train_kind_values[option_choice(line, "train")],
        .vocab_size = (size_t)option_integer(line, "vocab-size"),
        .min_frequency = (uint64_t)option_integer(line, "min-frequency"),
        .is_cased = option_flag(line, "cased"),
    };
    TokenizerTrainReport report = {0};
    if (!option_given(line, "vocab-size")) {
        return error_set(err, STATUS_INVALID, "--train wants --vocab-size N");
    }
    if (!option_given(line, "out") || strcmp(directory, "-") == 0) {
        return error_set(err, STATUS_INVALID, "--train wants --out DIR, where the files go");
    }
    if (line->n_operands == 0) {
        return error_set(err, STATUS_INVALID, "--train wants text files to learn from");
    }
    TRY(tokenizer_train(&options, line->operands, line->n_operands, directory, &report, err));
    if (report.vocab_size < options.vocab_size) {
        log_warning(line->log, "no more pairs are frequent enough: %zu tokens instead of %zu",
                    report.vocab_size, options.vocab_size);
    }
    return print_report(line, &report, directory, err);
}
