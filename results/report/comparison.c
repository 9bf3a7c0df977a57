// results/report/comparison.c: a comparison for people, programs and CI.
#include <math.h>

#include "base/json_writer.h"
#include "results/compare.h"
#include "results/report/report_internal.h"

static const char *verdict_words(const ComparedMetric *metric)
{
    switch (metric->verdict) {
    case COMPARE_IDENTICAL:
        return "the same answers";
    case COMPARE_BETTER:
        return "the candidate is better";
    case COMPARE_WORSE:
        return "the candidate is worse";
    case COMPARE_EQUIVALENT:
        return "equivalent within the margin";
    case COMPARE_UNDECIDED:
        break;
    }
    return "these samples cannot tell";
}

static void put_signed(Buffer *out, double value, double highest)
{
    if (value >= 0) buffer_append_byte(out, '+');
    text_value(out, value, highest);
}

// "accuracy: 0.844 -> 0.924, difference +0.080 [+0.052, +0.108]; the candidate is better (McNemar, exact: p 1.2e-07...)".
static void put_sentence(const ComparedMetric *metric, Buffer *out)
{
    const Paired *p = &metric->paired;
    text_value(out, p->first, metric->highest);
    buffer_append_cstr(out, " -> ");
    text_value(out, p->second, metric->highest);
    buffer_append_cstr(out, ", difference ");
    put_signed(out, p->difference, metric->highest);
    buffer_append_cstr(out, " [");
    put_signed(out, p->lo, metric->highest);
    buffer_append_cstr(out, ", ");
    put_signed(out, p->hi, metric->highest);
    buffer_printf(out, "]: %s (%s p %.2g, Holm %.2g)", verdict_words(metric), metric->test,
                  metric->p, metric->p_adjusted);
}

static void put_unpaired(const Unpaired *list, const char *what, Buffer *out)
{
    if (list->n == 0) return;
    buffer_printf(out, "%zu %s: ", list->n, what);
    for (size_t i = 0; i < list->n && i < COMPARE_MAX_NAMED; i++) {
        if (i > 0) buffer_append_cstr(out, ", ");
        text_plain(out, list->named[i]);
    }
    buffer_append_cstr(out, list->n > COMPARE_MAX_NAMED ? ", ...\n" : "\n");
}

static void put_detail(const ComparedMetric *metric, size_t n_pairs, Buffer *out)
{
    const Paired *p = &metric->paired;
    if (!isnan(p->p_mcnemar)) {
        buffer_printf(
            out, "  only the base is right on %.0f of %zu samples, only the candidate on %.0f\n",
            p->only_first, n_pairs, p->only_second);
    }
    if (metric->folds.n > 0) {
        buffer_printf(out, "  over %zu folds, training included: difference ", metric->folds.n);
        put_signed(out, metric->folds.difference, metric->highest);
        buffer_append_cstr(out, " [");
        put_signed(out, metric->folds.lo, metric->highest);
        buffer_append_cstr(out, ", ");
        put_signed(out, metric->folds.hi, metric->highest);
        buffer_printf(out, "] (corrected resampled t p %.2g)\n", metric->folds.p);
    }
    if (!isnan(p->detectable)) {
        buffer_append_cstr(out, "  with so many samples a true difference of ");
        text_value(out, p->detectable, metric->highest);
        buffer_append_cstr(out, " would be found in 4 of 5 runs\n");
    }
}

void comparison_text(const Comparison *c, size_t width, Buffer *out)
{
    (void)width; // lines are sentences; a terminal wraps them
    buffer_append_cstr(out, "base       ");
    text_plain(out, c->base);
    buffer_append_cstr(out, "\ncandidate  ");
    text_plain(out, c->candidate);
    buffer_append_cstr(out, "\ntask       ");
    text_plain(out, c->task);
    buffer_printf(out, ", %zu paired samples\n\n", c->n_pairs);
    for (size_t i = 0; i < c->n_metrics; i++) {
        text_plain(out, c->metrics[i].name);
        buffer_append_cstr(out, i == c->primary ? " (primary): " : ": ");
        put_sentence(&c->metrics[i], out);
        buffer_append_byte(out, '\n');
        if (i == c->primary) put_detail(&c->metrics[i], c->n_pairs, out);
    }
    buffer_append_byte(out, '\n');
    put_unpaired(&c->only_base, "samples only in the base", out);
    put_unpaired(&c->only_candidate, "samples only in the candidate", out);
    put_unpaired(&c->changed, "samples whose text changed under the same id", out);
    buffer_printf(out, "verdict: %s\n", compare_verdict_name(c->metrics[c->primary].verdict));
}

static void put_list(JsonWriter *w, const char *key, const Unpaired *list)
{
    json_member_object(w, key);
    json_member_u64(w, "count", list->n);
    json_member_array(w, "first");
    for (size_t i = 0; i < list->n && i < COMPARE_MAX_NAMED; i++)
        json_put_string(w, list->named[i]);
    json_end_array(w);
    json_end_object(w);
}

static void put_metric(JsonWriter *w, const ComparedMetric *metric)
{
    const Paired *p = &metric->paired;
    json_begin_object(w);
    json_member_string(w, "metric", metric->name);
    json_member_string(w, "signature", metric->signature);
    json_member_double(w, "base", p->first);
    json_member_double(w, "candidate", p->second);
    json_member_double(w, "difference", p->difference);
    json_member_double(w, "lo", p->lo);
    json_member_double(w, "hi", p->hi);
    json_member_double(w, "level", p->level);
    json_member_string(w, "method", p->method);
    json_member_string(w, "test", slice_from_cstr(metric->test));
    json_member_double(w, "p", metric->p);
    json_member_double(w, "p_holm", metric->p_adjusted);
    json_member_double(w, "p_permutation", p->p_permutation);
    json_member_double(w, "only_base", p->only_first);
    json_member_double(w, "only_candidate", p->only_second);
    json_member_double(w, "detectable", p->detectable);
    if (metric->folds.n > 0) {
        json_member_object(w, "folds");
        json_member_u64(w, "n", metric->folds.n);
        json_member_double(w, "difference", metric->folds.difference);
        json_member_double(w, "lo", metric->folds.lo);
        json_member_double(w, "hi", metric->folds.hi);
        json_member_double(w, "p", metric->folds.p);
        json_member_string(w, "test", SLICE("corrected resampled t"));
        json_end_object(w);
    }
    json_member_bool(w, "noninferior", p->is_noninferior);
    json_member_string(w, "verdict", slice_from_cstr(compare_verdict_name(metric->verdict)));
    json_end_object(w);
}

void comparison_json(const Comparison *c, Buffer *out)
{
    JsonWriter w = json_writer(out, 1);
    json_begin_object(&w);
    json_member_string(&w, "format", SLICE("assay-comparison"));
    json_member_string(&w, "base", c->base);
    json_member_string(&w, "candidate", c->candidate);
    json_member_string(&w, "task", c->task);
    json_member_u64(&w, "pairs", c->n_pairs);
    json_member_double(&w, "margin", c->margin);
    json_member_string(&w, "primary", c->metrics[c->primary].name);
    json_member_string(&w, "verdict",
                       slice_from_cstr(compare_verdict_name(c->metrics[c->primary].verdict)));
    json_member_array(&w, "metrics");
    for (size_t i = 0; i < c->n_metrics; i++) put_metric(&w, &c->metrics[i]);
    json_end_array(&w);
    put_list(&w, "only_base", &c->only_base);
    put_list(&w, "only_candidate", &c->only_candidate);
    put_list(&w, "changed", &c->changed);
    json_end_object(&w);
    buffer_append_byte(out, '\n');
}

void comparison_junit(const Comparison *c, Buffer *out)
{
    const bool fails = c->metrics[c->primary].verdict == COMPARE_WORSE;
    buffer_append_cstr(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"assay compare: ");
    text_html(out, c->candidate);
    buffer_append_cstr(out, " against ");
    text_html(out, c->base);
    buffer_printf(out, "\" tests=\"%zu\" failures=\"%d\" errors=\"0\">\n", c->n_metrics, fails);
    for (size_t i = 0; i < c->n_metrics; i++) {
        buffer_append_cstr(out, "<testcase classname=\"");
        text_html(out, c->task);
        buffer_append_cstr(out, "\" name=\"");
        text_html(out, c->metrics[i].name);
        buffer_append_cstr(out, "\">\n");
        Buffer sentence = {0}, escaped = {0};
        put_sentence(&c->metrics[i], &sentence);
        text_html(&escaped, buffer_slice(&sentence));
        if (sentence.failed || escaped.failed) out->failed = true;
        if (fails && i == c->primary) {
            buffer_printf(out, "<failure message=\"" SLICE_FMT "\"/>\n",
                          SLICE_ARG(buffer_slice(&escaped)));
        } else {
            buffer_printf(out, "<system-out>" SLICE_FMT "</system-out>\n",
                          SLICE_ARG(buffer_slice(&escaped)));
        }
        buffer_append_cstr(out, "</testcase>\n");
        buffer_release(&sentence);
        buffer_release(&escaped);
    }
    buffer_append_cstr(out, "</testsuite>\n</testsuites>\n");
}
