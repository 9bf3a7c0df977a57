// CrowS-Pairs: pairs of sentences, the first of which stereotypes more.
//
// CSV with a header; "sent_more", "sent_less", "stereo_antistereo" and "bias_type" are wanted, other columns are not looked
// at. A pair is written in line with a stereotype ("stereo") or against one ("antistereo").
//
// Source: Nangia et al. 2020, arXiv:2010.00133.
#include "datasets/bias_samples.h"
#include "datasets/rows.h"

enum { MORE, LESS, DIRECTION, BIAS_TYPE, N_WANTED };
static const char *const wanted[N_WANTED] = {"sent_more", "sent_less", "stereo_antistereo",
                                             "bias_type"};

static Status find_columns(const RowReader *rows, size_t columns[N_WANTED], Error *err)
{
    for (size_t k = 0; k < N_WANTED; k++) {
        columns[k] = rows->n_fields;
        for (size_t i = rows->n_fields; i-- > 0;) {
            if (slice_eq_cstr(slice_trim(rows->fields[i]), wanted[k])) columns[k] = i;
        }
        if (columns[k] < rows->n_fields) continue;
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT
                         ":%zu: there is no column \"%s\": want the header of CrowS-Pairs' "
                         "CSV, with sent_more, sent_less, stereo_antistereo and bias_type",
                         SLICE_ARG(rows->path), rows->line, wanted[k]);
    }
    return STATUS_OK;
}

static Status add_pair(const ReadInput *input, const RowReader *rows, const size_t *columns,
                       Error *err)
{
    BiasSample sample = bias_sample(rows->line);
    const Slice direction = slice_trim(rows->fields[columns[DIRECTION]]);
    sample.bias.direction = slice_eq_cstr(direction, "antistereo");
    if (sample.bias.direction == 0 && !slice_eq_cstr(direction, "stereo")) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: stereo_antistereo is \"" SLICE_FMT
                                   "\", want \"stereo\" or \"antistereo\"",
                         SLICE_ARG(input->path), rows->line,
                         SLICE_ARG(slice_sub(direction, 0, 40)));
    }
    sample.bias.stereotyped = 0;
    for (size_t k = 0; k < 2; k++) {
        sample.choices[k] = slice_trim(rows->fields[columns[MORE + k]]);
        if (sample.choices[k].len > 0) continue;
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: %s is empty: fill it in, or remove "
                                   "the row",
                         SLICE_ARG(input->path), rows->line, wanted[MORE + k]);
    }
    sample.n_choices = 2;
    sample.text = sample.choices[0];
    sample.pair = sample.choices[1];
    bias_sample_attribute(&sample, "bias_type", rows->fields[columns[BIAS_TYPE]]);
    bias_sample_attribute(&sample, "direction", direction);
    return bias_sample_add(input, &sample, err);
}

static Status read_crows_pairs(const ReadInput *input, Error *err)
{
    RowReader rows = {.path = input->path,
                      .text = input->text,
                      .arena = input->arena,
                      .delimiter = ',',
                      .is_quoted = true};
    size_t columns[N_WANTED], n_fields = 0;
    for (;;) {
        bool more;
        TRY(row_next(&rows, &more, err));
        if (!more) return STATUS_OK;
        if (rows.is_blank) continue;
        if (n_fields == 0) {
            TRY(find_columns(&rows, columns, err));
            n_fields = rows.n_fields;
            continue;
        }
        if (rows.n_fields != n_fields) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT
                             ":%zu: %zu columns where the header has %zu: put fields with "
                             "commas or line breaks into double quotes",
                             SLICE_ARG(input->path), rows.line, rows.n_fields, n_fields);
        }
        TRY(add_pair(input, &rows, columns, err));
    }
}

static const char *const extensions[] = {NULL};

const Reader reader_crows_pairs = {
    .name = "crows-pairs",
    .summary = "CrowS-Pairs: CSV with sent_more, sent_less, stereo_antistereo, bias_type",
    .extensions = extensions,
    .read = read_crows_pairs,
};
