// Exact match: whether the answer is a reference, code point for code point.
//
// Letters' case, ASCII punctuation and ASCII digits may be left out of account, in this order, as Hugging Face evaluate's
// exact_match does; there is no Unicode normalisation, and blanks count.
#include <string.h>

#include "base/unicode.h"
#include "metrics/classes.h"
#include "metrics/metrics_list.h"

static const char *const params[] = {"ignore_case", "ignore_punctuation", "ignore_numbers", NULL};

typedef struct MatchOptions {
    bool ignores_case, ignores_punctuation, ignores_numbers;
} MatchOptions;

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    const Json *options = plan->setup.params;
    MatchOptions *o;
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    plan->options = o;
    if (options == NULL) return STATUS_OK;
    TRY(json_opt_bool(options, "ignore_case", &o->ignores_case, err));
    TRY(json_opt_bool(options, "ignore_punctuation", &o->ignores_punctuation, err));
    return json_opt_bool(options, "ignore_numbers", &o->ignores_numbers, err);
}

static bool is_ignored(const MatchOptions *o, char byte)
{
    const bool is_digit = byte >= '0' && byte <= '9';
    if (is_digit) return o->ignores_numbers;
    const bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    return o->ignores_punctuation && byte > ' ' && byte < 0x7f && !is_letter;
}

static Status simplify(const MatchOptions *o, Slice text, Arena *arena, Slice *out, Error *err)
{
    const size_t bad = utf8_invalid_at(text);
    if (bad != SIZE_MAX) {
        return error_set(err, STATUS_INVALID, "byte %zu of the text is not valid UTF-8", bad);
    }
    *out = text;
    if (o->ignores_case) TRY(unicode_lower(arena, text, out, err));
    if (!o->ignores_punctuation && !o->ignores_numbers) return STATUS_OK;
    char *kept;
    size_t len = 0;
    TRY(arena_take(arena, out->len, 1, "a text", &kept, err));
    for (size_t i = 0; i < out->len; i++) {
        if (!is_ignored(o, out->ptr[i])) kept[len++] = out->ptr[i];
    }
    *out = (Slice){kept, len};
    return STATUS_OK;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    const MatchOptions *o = plan->options;
    Slice hypothesis, reference;
    size_t n = 0;
    if (simplify(o, item->hypothesis, scratch, &hypothesis, err) != STATUS_OK) {
        return error_wrap(err, "hypothesis");
    }
    for (size_t r = 0; r < item->n_references; r++) {
        if (item->references[r].ptr == NULL) continue;
        if (simplify(o, item->references[r], scratch, &reference, err) != STATUS_OK) {
            return error_wrap(err, "reference %zu", r);
        }
        n++;
        if (slice_eq(hypothesis, reference)) out[0] = 1;
    }
    if (n == 0) return error_set(err, STATUS_INVALID, "has no reference");
    out[1] = 1;
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const MatchOptions *o = plan->options;
    return arena_format(arena, out, err, "|case:%s|punct:%s|numbers:%s",
                        o->ignores_case ? "no" : "yes", o->ignores_punctuation ? "no" : "yes",
                        o->ignores_numbers ? "no" : "yes");
}

const Metric metric_exact_match = {
    .name = "exact_match",
    .summary = "share of answers that are a reference to the letter",
    .source = "Hugging Face evaluate, exact_match",
    .needs = NEEDS_TEXT,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .form = FORM_PROPORTION,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .row = row,
    .signature = signature,
};
