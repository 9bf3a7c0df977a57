// assay score bleu: sacreBLEU's numbers and words.
#include "metrics/bleu.h"

#include "harness/pieces.h"
#include "metrics/metrics_list.h"
#include "tools/score/files.h"

// The counts that sacreBLEU shows: with add-k those after adding, where anything matches at all.
typedef struct BleuCounts {
    size_t order;
    double added; // to counts and totals of orders 2 and up
} BleuCounts;

static Status read_counts(const TextScore *score, const Json *params, BleuCounts *out, Error *err)
{
    Slice method = {0};
    double matched = 0;
    *out = (BleuCounts){.order = score->plan.n_scores - 2};
    for (size_t k = 0; k < out->order; k++) matched += score->sums[k];
    if (params == NULL || matched == 0) return STATUS_OK;
    TRY(json_opt_string(params, "smooth_method", &method, err));
    if (!slice_eq_cstr(method, "add-k")) return STATUS_OK;
    out->added = 1;
    return json_opt_double(params, "smooth_value", 0, 1e9, &out->added, err);
}

static void put_counts(JsonWriter *w, const char *key, const BleuCounts *counts,
                       const double *values)
{
    json_member_array(w, key);
    for (size_t k = 0; k < counts->order; k++) {
        json_put_double(w, values[k] + (k > 0 ? counts->added : 0));
    }
    json_end_array(w);
}

// " 87.9/72.6/63.0/56.7 (BP = 0.891 ratio = 0.897 hyp_len = 347 ref_len = 387)".
static void append_words(Buffer *out, const TextScore *score, size_t order)
{
    const double *sums = score->sums;
    const double length = sums[2 * order], reference = sums[2 * order + 1];
    for (size_t k = 0; k < order; k++) {
        buffer_printf(out, "%c%.1f", k > 0 ? '/' : ' ', score->scores[1 + k]);
    }
    buffer_printf(out, " (BP = %.3f ratio = %.3f hyp_len = %.0f ref_len = %.0f)",
                  score->scores[order + 1], reference > 0 ? length / reference : 0, length,
                  reference);
}

static Status put_words(JsonWriter *w, const TextScore *score, size_t order, Slice signature,
                        Error *err)
{
    Buffer words = {0}, text = {0};
    buffer_printf(&words, "%.2f", score->scores[0]);
    append_words(&words, score, order);
    buffer_printf(&text, "BLEU = " SLICE_FMT, SLICE_ARG(buffer_slice(&words)));
    json_member_string(w, "format", buffer_slice(&text));
    buffer_clear(&text);
    buffer_printf(&text, "BLEU|" SLICE_FMT " = " SLICE_FMT, SLICE_ARG(signature),
                  SLICE_ARG(buffer_slice(&words)));
    json_member_string(w, "format_width2_signature", buffer_slice(&text));
    Status s = buffer_status(&words, err);
    if (s == STATUS_OK) s = buffer_status(&text, err);
    buffer_release(&words);
    buffer_release(&text);
    return s;
}

static Status score_case(const ScoreCase *c, const WordSplitter *splitter, JsonWriter *w,
                         Error *err)
{
    TextItems items;
    TextScore score;
    BleuCounts counts;
    Slice signature;
    const MetricSetup setup = {.params = c->params, .splitter = splitter};
    TRY(text_items_of_case(c, TEXT_STREAMS, &items, err));
    TRY(text_score_of_items(&metric_bleu, &setup, &items, c->arena, &score, err));
    TRY(read_counts(&score, c->params, &counts, err));
    TRY(text_signature(&score.plan, items.n_references, (Slice){0}, c->arena, &signature, err));
    const size_t order = counts.order;
    const double *sums = score.sums;
    const double length = sums[2 * order], reference = sums[2 * order + 1];
    json_member_double(w, "score", score.scores[0]);
    json_member_double(w, "bp", score.scores[order + 1]);
    score_put_numbers(w, "precisions", score.scores + 1, order);
    put_counts(w, "counts", &counts, sums);
    put_counts(w, "totals", &counts, sums + order);
    json_member_double(w, "sys_len", length);
    json_member_double(w, "ref_len", reference);
    json_member_double(w, "ratio", reference > 0 ? length / reference : 0);
    json_member_string(w, "signature", signature);
    TRY(put_words(w, &score, order, signature, err));
    return text_put_segments(c, &score, w, err);
}

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    Pieces pieces;
    TRY(pieces_open(c->params, NULL, c->arena, &pieces, err));
    const Status s = score_case(c, pieces_splitter(&pieces), w, err);
    pieces_close(&pieces);
    return s;
}

// ---- files ----

static void words_of_score(const TextScore *score, Buffer *out)
{
    append_words(out, score, score->plan.n_scores - 2);
}

static Status name(const Json *params, Arena *arena, Slice *out, Error *err)
{
    (void)params, (void)arena, (void)err;
    *out = SLICE("BLEU");
    return STATUS_OK;
}

static Status tokenize(const MetricPlan *plan, Slice text, Arena *arena, Tokens *out, Error *err)
{
    return bleu_tokens(plan, text, arena, out, err);
}

// Output that ends so often in " ." was tokenised, and its scores compare with no others.
static void warn_of_tokens(CommandLine *line, const TextLines *output)
{
    enum { MANY = 100 };
    size_t n = 0;
    if (option_flag(line, "force")) return;
    for (size_t i = 0; i < output->n; i++) n += slice_ends_with(output->lines[i], SLICE(" ."));
    if (n < MANY) return;
    log_warning(line->log,
                "%zu lines of %s end in a period set apart: it looks tokenised, but should be as "
                "people write (--force says that it is meant)",
                n, output->path);
}

static const Metric *const file_metrics[] = {&metric_bleu, NULL};
static const TextParam file_params[] = {
    {"tokenize", "tokenize", PARAM_TEXT},
    {"spm-model", "spm_model", PARAM_TEXT},
    {"smooth-method", "smooth_method", PARAM_TEXT},
    {"smooth-value", "smooth_value", PARAM_REAL},
    {"max-ngram-order", "max_ngram_order", PARAM_INTEGER},
    {"lowercase", "lowercase", PARAM_FLAG},
};
static const TextSpec file_spec = {
    .metrics = file_metrics,
    .params = file_params,
    .n_params = sizeof file_params / sizeof *file_params,
    .has_pieces = true,
    .is_sacrebleu = true,
    .name = name,
    .words = words_of_score,
    .tokenize = tokenize,
    .warn = warn_of_tokens,
};

static const char *const file_options[] = {TEXT_FILE_OPTIONS, "tokenize",     "spm-model",
                                           "smooth-method",   "smooth-value", "max-ngram-order",
                                           "lowercase",       "force",        NULL};

const ScoreFamily score_bleu = {
    .name = "bleu",
    .summary = "BLEU of a corpus, as sacreBLEU",
    .fields =
        "{\"hyps\", \"refs\", \"params\": {tokenize, spm_model, smooth_method, smooth_value, lowercase, "
        "effective_order, max_ngram_order}} gives {\"score\", \"bp\", \"precisions\", \"counts\", "
        "\"totals\", \"sys_len\", \"ref_len\", \"ratio\", \"signature\", \"format\"}",
    .run_case = run_case,
    .text = &file_spec,
    .options = file_options,
};
