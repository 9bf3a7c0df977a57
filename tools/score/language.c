// Language modelling and code: perplexity from log-probabilities, multiple choice, pass@k.
#include <math.h>
#include <string.h>

#include "tools/score/labelled_items.h"

// ---- pass@k ----

static Status run_pass_at_k(const ScoreCase *c, JsonWriter *w, Error *err)
{
    LabelledItems items = {.arena = c->arena};
    double n, passed, k, value;
    TRY(json_want_double(c->root, "n", 1, 1e9, &n, err));
    TRY(json_want_double(c->root, "c", 0, n, &passed, err));
    TRY(json_want_double(c->root, "k", 1, n, &k, err));
    if (n != floor(n) || passed != floor(passed) || k != floor(k))
        return json_error(c->root, err, "n %g, c %g and k %g must be whole numbers", n, passed, k);
    const char *params = arena_printf(c->arena, "{\"k\": %.0f}", k);
    if (params == NULL) return error_set_memory(err, 1, 32, "params");
    TRY(items_take(&items, 1, err));
    items.items[0].n_drawn = n;
    items.items[0].n_passed = passed;
    TRY(items_score_first(&items, &metric_pass_at_k, params, &value, err));
    json_member_double(w, "pass_at_k", value);
    // The references hold the value itself under these names.
    json_member_double(w, "expected", value);
    json_member_double(w, "exact", value);
    return STATUS_OK;
}

const ScoreFamily score_pass_at_k = {
    .name = "pass-at-k",
    .summary = "chance that one of k programs passes, from c of n drawn ones (Chen et al. 2021)",
    .fields = "A case is {\"n\": drawn, \"c\": passed, \"k\": K}; the answer is \"pass_at_k\".",
    .run_case = run_pass_at_k,
};

// ---- Perplexity ----

typedef struct Document {
    double nll, n_tokens, n_words, n_bytes, n_chars;
} Document;

// Kahan's sum with Neumaier's correction: as good as an exact one for documents of any length.
static double careful_sum(const Numbers *numbers)
{
    double sum = 0, lost = 0;
    for (size_t i = 0; i < numbers->n; i++) {
        const double x = numbers->values[i], next = sum + x;
        lost += fabs(sum) >= fabs(x) ? sum - next + x : x - next + sum;
        sum = next;
    }
    return isfinite(sum) ? sum + lost : sum;
}

static Status read_document(const ScoreCase *c, const Json *object, Document *out, Error *err)
{
    const Json *list;
    Numbers logprobs;
    *out = (Document){.n_words = NAN, .n_bytes = NAN, .n_chars = NAN};
    TRY(json_want_kind(object, "token_logprobs", JSON_ARRAY, &list, err));
    TRY(case_array(c, list, &logprobs, err));
    for (size_t i = 0; i < logprobs.n; i++) {
        if (logprobs.values[i] <= 0) continue;
        return json_error(list, err, "log-probability %zu is %g: must be a number, at most 0", i,
                          logprobs.values[i]);
    }
    out->nll = -careful_sum(&logprobs);
    out->n_tokens = (double)logprobs.n;
    TRY(json_opt_double(object, "n_words", 0, 1e15, &out->n_words, err));
    TRY(json_opt_double(object, "n_bytes", 0, 1e15, &out->n_bytes, err));
    return json_opt_double(object, "n_chars", 0, 1e15, &out->n_chars, err);
}

static void add_document(Document *sum, const Document *d)
{
    sum->nll += d->nll;
    sum->n_tokens += d->n_tokens;
    sum->n_words += d->n_words;
    sum->n_bytes += d->n_bytes;
    sum->n_chars += d->n_chars;
}

static Status take_item(LabelledItems *items, const Document *d, Error *err)
{
    double *numbers;
    TRY(items_take(items, 1, err));
    TRY(arena_take(items->arena, 5, sizeof *numbers, "counts", &numbers, err));
    const double values[] = {-d->nll, d->n_tokens, d->n_words, d->n_bytes, d->n_chars};
    for (size_t i = 0; i < 5; i++) numbers[i] = values[i];
    Item *item = &items->items[0];
    item->log_likelihoods = numbers;
    item->n_choices = 1;
    item->n_tokens = numbers + 1;
    item->n_words = isnan(numbers[2]) ? NULL : numbers + 2;
    item->n_bytes = isnan(numbers[3]) ? NULL : numbers + 3;
    item->n_chars = isnan(numbers[4]) ? NULL : numbers + 4;
    return STATUS_OK;
}

static Status put_document(const ScoreCase *c, const Document *d, JsonWriter *w, Error *err)
{
    static const char *const keys[] = {"ppl_token",     "ppl_word",      "ppl_byte",
                                       "bits_per_byte", "bits_per_char", "bits_per_token"};
    LabelledItems items = {.arena = c->arena};
    double *scores;
    TRY(take_item(&items, d, err));
    TRY(items_score(&items, &metric_perplexity, NULL, &scores, err));
    json_member_double(w, "nll_sum", d->nll);
    for (size_t i = 0; i < 6; i++) json_member_double(w, keys[i], scores[1 + i]);
    Reasons reasons = {0};
    reason_add(&reasons, d->n_tokens == 0, "ppl_token: there are no tokens");
    reason_add(&reasons, !(d->n_words > 0), "ppl_word: no n_words");
    reason_add(&reasons, !(d->n_bytes > 0), "ppl_byte, bits_per_byte: no n_bytes");
    reason_add(&reasons, !(d->n_chars > 0), "bits_per_char: no n_chars");
    put_reasons(w, &reasons);
    return STATUS_OK;
}

// {"docs": [documents]}: all of them as one; {"docs": "all rows above"}: those of the cases before this one.
static Status run_documents(const ScoreCase *c, const Json *docs, JsonWriter *w, Error *err)
{
    Document sum = {0}, d;
    if (json_kind(docs) == JSON_STRING) {
        memcpy(&sum, c->carried, sizeof sum);
        if (sum.n_tokens == 0)
            return json_error(docs, err, "there are no documents above this case");
        return put_document(c, &sum, w, err);
    }
    if (json_kind(docs) != JSON_ARRAY)
        return json_error(docs, err,
                          "must be a list of documents, or a text that means those above");
    for (const Json *v = json_first(docs); v != NULL; v = json_next(v)) {
        TRY(read_document(c, v, &d, err));
        add_document(&sum, &d);
    }
    return put_document(c, &sum, w, err);
}

static Status run_lm(const ScoreCase *c, JsonWriter *w, Error *err)
{
    _Static_assert(sizeof(Document) <= sizeof(double[SCORE_CARRIED]), "what lm carries must fit");
    const Json *docs = json_get(c->root, "docs");
    if (docs != NULL) return run_documents(c, docs, w, err);
    Document d;
    TRY(read_document(c, c->root, &d, err));
    TRY(put_document(c, &d, w, err));
    Document sum;
    memcpy(&sum, c->carried, sizeof sum);
    add_document(&sum, &d);
    memcpy(c->carried, &sum, sizeof sum);
    return STATUS_OK;
}

const ScoreFamily score_lm = {
    .name = "lm",
    .summary = "perplexity per token, word and byte, bits per byte, from log-probabilities",
    .fields =
        "A case is {\"token_logprobs\": [natural logarithms], \"n_words\", \"n_bytes\", \"n_chars\"}, or "
        "{\"docs\": [such cases]} or {\"docs\": \"all rows above\"} for documents together.",
    .run_case = run_lm,
};

// ---- Multiple choice ----

static Status run_multiple_choice(const ScoreCase *c, JsonWriter *w, Error *err)
{
    static const struct {
        const char *key, *counts, *params;
    } forms[] = {
        {"acc", NULL, "{\"normalize\": \"none\"}"},
        {"acc_norm_bytes", "bytes", "{\"normalize\": \"bytes\"}"},
        {"acc_norm_tokens", "tokens", "{\"normalize\": \"tokens\"}"},
        {"acc_unconditional", "unconditional", "{\"normalize\": \"unconditional\"}"},
    };
    LabelledItems items = {.arena = c->arena};
    Numbers loglik, counts[4] = {{0}};
    int64_t gold;
    TRY(case_numbers(c, "loglik", &loglik, err));
    if (loglik.n == 0)
        return json_error(json_get(c->root, "loglik"), err, "is empty: there is no choice");
    TRY(json_want_i64(c->root, "gold", 0, (int64_t)loglik.n - 1, &gold, err));
    for (size_t f = 1; f < 4; f++) {
        TRY(case_opt_numbers(c, forms[f].counts, &counts[f], err));
        if (counts[f].values != NULL)
            TRY(case_same_length(c, forms[f].counts, counts[f].n, "loglik", loglik.n, err));
    }
    TRY(items_name_classes(&items, loglik.n, err));
    TRY(items_take(&items, 1, err));
    Item *item = &items.items[0];
    item->label = (int32_t)gold;
    item->log_likelihoods = loglik.values;
    item->n_choices = loglik.n;
    item->n_bytes = counts[1].values;
    item->n_tokens = counts[2].values;
    item->unconditional_log_likelihoods = counts[3].values;
    for (size_t f = 0; f < 4; f++) {
        double value;
        if (f > 0 && counts[f].values == NULL) continue;
        TRY(items_score_first(&items, &metric_multiple_choice, forms[f].params, &value, err));
        json_member_double(w, forms[f].key, value);
    }
    return STATUS_OK;
}

const ScoreFamily score_multiple_choice = {
    .name = "multiple-choice",
    .summary = "whether the likeliest choice is right, plain and by length",
    .fields = "A case is {\"loglik\": [of each choice], \"bytes\": [..]?, \"tokens\": [..]?, "
              "\"unconditional\": [..]?, \"gold\": index}.",
    .run_case = run_multiple_choice,
};
