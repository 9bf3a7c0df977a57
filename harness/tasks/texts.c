// Language modelling: how likely texts are, after learning to go on with them or to fill them in.
//
// A causal model's likelihood of a text is the product over its tokens, a masked model's the product of each token's with that
// token masked (pseudo-likelihood). Both are asked as harness/likelihood.h says; perplexity comes of the sums over all texts.
#include <math.h>

#include "harness/family.h"
#include "harness/likelihood.h"
#include "harness/tasks/texts_encode.h"
#include "metrics/metric.h"

// Numbers of an answer.
enum { VALUE_LOGLIK, VALUE_TOKENS, VALUE_WORDS, VALUE_BYTES, VALUE_CHARS, N_VALUES };

static Status find_labels(Prepared *prepared, size_t task, Error *err)
{
    TaskData *data = &prepared->tasks[task];
    for (int p = 0; p < N_DATA_PARTS; p++) {
        UsedPart *part = &data->parts[p];
        part->data.n_labels = 0; // a column of classes beside the texts means nothing
        for (size_t i = 0; i < part->data.n_samples; i++)
            part->data.samples[i].label = SAMPLE_NO_LABEL;
        for (size_t i = 0; i < part->n; i++) {
            const Sample *sample = &part->data.samples[part->which[i]];
            if (slice_trim(sample->text).len > 0) continue;
            return error_set(err, STATUS_INVALID, SLICE_FMT ":%zu: the text is empty",
                             SLICE_ARG(part->data.path), sample->line);
        }
    }
    return STATUS_OK;
}

static Status encode(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                     const Tokenizer *tokenizer, size_t max_length, Arena *arena, Tokens *out,
                     Error *err)
{
    (void)task, (void)data;
    return texts_encode(part, tokenizer, max_length, arena, out, err);
}

static const Sample *sample_at(const UsedPart *part, size_t position)
{
    return &part->data.samples[part->which[position]];
}

static void count_text(Slice text, double *values)
{
    size_t n_words = 0, n_chars = 0;
    bool is_inside = false;
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        const bool is_blank = c == ' ' || (c >= '\t' && c <= '\r');
        n_words += !is_blank && !is_inside;
        is_inside = !is_blank;
        n_chars += ((unsigned char)c & 0xc0) != 0x80;
    }
    values[VALUE_WORDS] = (double)n_words;
    values[VALUE_BYTES] = (double)text.len;
    values[VALUE_CHARS] = (double)n_chars;
}

// Each text as a sample with itself for its one choice.
static Status take_samples(const Asked *asked, Arena *arena, const Sample ***out, Error *err)
{
    Sample *copies = NULL;
    const Sample **samples = NULL;
    TRY(arena_take(arena, asked->n, sizeof *copies, "samples", &copies, err));
    TRY(arena_take(arena, asked->n, sizeof *samples, "samples", &samples, err));
    for (size_t i = 0; i < asked->n; i++) {
        const Sample *sample = sample_at(asked->part, asked->positions[i]);
        copies[i] = *sample;
        copies[i].choices = &sample->text;
        copies[i].n_choices = 1;
        copies[i].context = (Slice){0};
        copies[i].bias = NULL;
        samples[i] = &copies[i];
    }
    *out = samples;
    return STATUS_OK;
}

static Status no_texts(Answers *out, Arena *arena, Error *err)
{
    TRY(family_take_texts(out, arena, err));
    for (size_t i = 0; i < out->n; i++) out->texts[i] = SLICE("");
    return STATUS_OK;
}

static Status respond(const Asked *asked, const Responder *responder, Arena *arena, Answers *out,
                      Error *err)
{
    const size_t most = model_config(responder->model)->max_positions;
    const Sample **samples = NULL;
    double *counts = NULL;
    Likelihoods l = {.responder = responder, .how = LIKELIHOOD_SUM, .n = asked->n, .width = 1};
    TRY(take_samples(asked, arena, &samples, err));
    TRY(arena_take(arena, asked->n, sizeof *l.values, "likelihoods", &l.values, err));
    TRY(arena_take(arena, asked->n, sizeof *counts, "counts", &counts, err));
    TRY(arena_take(arena, asked->n * N_VALUES, sizeof *out->values, "likelihoods", &out->values,
                   err));
    l.samples = samples;
    l.counts = counts;
    TRY(likelihoods_find(&l, err));
    out->n = asked->n;
    out->n_tokens = l.n_tokens;
    out->n_values = N_VALUES;
    for (size_t i = 0; i < asked->n; i++) {
        double *values = out->values + i * N_VALUES;
        values[VALUE_LOGLIK] = l.values[i];
        values[VALUE_TOKENS] = counts[i];
        count_text(samples[i]->text, values);
        // Of a text that lost its end, words and bytes are not those that were asked about.
        if (counts[i] + 2 < (double)most) continue;
        values[VALUE_WORDS] = values[VALUE_BYTES] = values[VALUE_CHARS] = NAN;
    }
    return no_texts(out, arena, err);
}

// Bytes as often as in the training part (or what is judged, where there is none), each seen once more.
static Status baseline(const TaskData *data, const UsedPart *from, const size_t *from_positions,
                       size_t n_from, const UsedPart *part, const size_t *positions, Arena *arena,
                       Answers *out, Error *err)
{
    double seen[256], all = 256;
    (void)data;
    for (size_t b = 0; b < 256; b++) seen[b] = 1;
    for (size_t i = 0; i < n_from; i++) {
        const Slice text = sample_at(from, from_positions[i])->text;
        for (size_t k = 0; k < text.len; k++) seen[(unsigned char)text.ptr[k]]++;
        all += (double)text.len;
    }
    TRY(arena_take(arena, out->n * N_VALUES, sizeof *out->values, "likelihoods", &out->values,
                   err));
    for (size_t i = 0; i < out->n; i++) {
        const Slice text = sample_at(part, positions[i])->text;
        double *values = out->values + i * N_VALUES;
        values[VALUE_LOGLIK] = 0;
        for (size_t k = 0; k < text.len; k++)
            values[VALUE_LOGLIK] += log(seen[(unsigned char)text.ptr[k]] / all);
        values[VALUE_TOKENS] = (double)text.len; // a byte is its token
        count_text(text, values);
    }
    out->n_values = N_VALUES;
    return no_texts(out, arena, err);
}

static Status item(const TaskData *data, const Sample *sample, const Answer *given, Arena *arena,
                   Item *out, Error *err)
{
    (void)data, (void)arena;
    if (given->n_values != N_VALUES)
        return error_set(err, STATUS_INTERNAL, "an answer without likelihoods");
    if (isnan(given->values[VALUE_LOGLIK]) || !(given->values[VALUE_TOKENS] > 0))
        return error_set(err, STATUS_INVALID, "the text of line %zu has no token to ask about",
                         sample->line);
    const double *values = given->values;
    out->log_likelihoods = &values[VALUE_LOGLIK];
    out->n_choices = 1;
    out->n_tokens = &values[VALUE_TOKENS];
    if (isnan(values[VALUE_BYTES])) return STATUS_OK;
    out->n_words = &values[VALUE_WORDS];
    out->n_bytes = &values[VALUE_BYTES];
    out->n_chars = &values[VALUE_CHARS];
    return STATUS_OK;
}

static bool takes(ModelHead head)
{
    return head == HEAD_MASKED_LM || head == HEAD_CAUSAL_LM;
}

const Family family_texts = {
    .name = "texts",
    .baseline_name = "byte frequencies",
    .summary = "says how likely texts are, which it may learn before",
    .head = HEAD_MASKED_LM,
    .takes = takes,
    .takes_what = "masked and causal language models",
    .gives = NEEDS_LOG_LIKELIHOODS,
    .metrics = "[\"perplexity\"]",
    .is_slow = true,
    .learns_texts = true,
    .judges_texts = true,
    .find_labels = find_labels,
    .encode = encode,
    .respond = respond,
    .baseline = baseline,
    .item = item,
};
