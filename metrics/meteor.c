// METEOR with its exact and stem stages: a harmonic mean of precision and recall of words, less a penalty for matched
// words that stand in another order.
//
//     F = P R / (alpha P + (1 - alpha) R)      score = F (1 - gamma (chunks / matches)^beta)
//
// Sources: Banerjee & Lavie 2005; Lavie & Agarwal 2007 for the three parameters. Words are matched as in NLTK 3.10.4's
// meteor_score, whose numbers people quote: from the hypothesis's last word to its first, each takes the last free
// reference word that is the same, then, among what is left, the last one with the same stem. Its third stage, synonyms
// from WordNet, is not here. Of several references the best counts. Score "meteor/system" comes from the sums over all
// segments, as the first paper has it.
//
// A row is [score, 1, matches, chunks, words of the hypothesis, words of the reference].
#include <math.h>
#include <string.h>

#include "base/unicode.h"
#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/porter.h"
#include "metrics/text_params.h"
#include "metrics/word_ids.h"

enum { AT_SCORE, AT_ITEMS, AT_MATCHES, AT_CHUNKS, AT_HYPOTHESIS, AT_REFERENCE, WIDTH };
#define NO_PARTNER UINT32_MAX

static const char *const params[] = {"alpha",    "beta",      "gamma", "stemmer",
                                     "tokenize", "lowercase", NULL};
static const char *const sub_scores[] = {"system", NULL};

typedef struct MeteorOptions {
    TextParams text;
    double alpha, beta, gamma;
    bool has_stems;
} MeteorOptions;

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    const Json *options = plan->setup.params;
    MeteorOptions *o;
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    *o = (MeteorOptions){
        .text = {TOKENIZER_13A, true}, .alpha = 0.9, .beta = 3, .gamma = 0.5, .has_stems = true};
    TRY(text_params_read(options, &o->text, err));
    if (options != NULL) {
        TRY(json_opt_double(options, "alpha", 0, 1, &o->alpha, err));
        TRY(json_opt_double(options, "beta", 0, 100, &o->beta, err));
        TRY(json_opt_double(options, "gamma", 0, 1, &o->gamma, err));
        TRY(json_opt_bool(options, "stemmer", &o->has_stems, err));
    }
    plan->options = o;
    return STATUS_OK;
}

// The stemmer takes one byte a character: characters beyond ASCII stand in as bytes that are no letters (equal ones
// alike), and come back afterwards, since only the end of a word ever changes.
static Status stem_of(Slice word, Arena *arena, Slice *out, Error *err)
{
    Slice lower;
    char *letters, *text;
    size_t n = 0, len = 0;
    TRY(unicode_lower(arena, word, &lower, err));
    TRY(arena_take(arena, lower.len + 1, 1, "a word", &letters, err));
    TRY(arena_take(arena, lower.len + 1, 1, "a stem", &text, err));
    for (size_t at = 0; at < lower.len;) {
        const CodePoint c = utf8_next(lower, &at);
        letters[n++] = (char)(c < 0x80 ? c : 0x80 | (c & 0x7f));
    }
    n = porter_stem(letters, n);
    for (size_t at = 0, i = 0; i < n; i++) {
        const size_t begin = at;
        if (at < lower.len) (void)utf8_next(lower, &at);
        if ((letters[i] & 0x80) == 0) {
            text[len++] = letters[i];
        } else {
            memcpy(text + len, lower.ptr + begin, at - begin);
            len += at - begin;
        }
    }
    *out = (Slice){text, len};
    return STATUS_OK;
}

static Status stems_of(const Tokens *words, Arena *arena, Tokens *out, Error *err)
{
    out->n = words->n;
    TRY(arena_take(arena, words->n, sizeof *out->items, "stems", &out->items, err));
    for (size_t i = 0; i < words->n; i++) TRY(stem_of(words->items[i], arena, &out->items[i], err));
    return STATUS_OK;
}

// partners [hypothesis->n]: the reference word that each hypothesis word goes with, or NO_PARTNER. Words that have a
// partner already, and taken reference words, stay as they are.
static Status pair_equal(const Tokens *hypothesis, const Tokens *reference, Arena *scratch,
                         uint32_t *partners, bool *is_taken, Error *err)
{
    WordIds ids;
    uint32_t *ours, *theirs, *last, *before;
    TRY(word_ids_init(&ids, hypothesis->n + reference->n, scratch, err));
    TRY(word_ids_of(&ids, hypothesis, scratch, &ours, err));
    TRY(word_ids_of(&ids, reference, scratch, &theirs, err));
    TRY(arena_take(scratch, ids.n, sizeof *last, "words", &last, err));
    TRY(arena_take(scratch, reference->n, sizeof *before, "words", &before, err));
    for (size_t w = 0; w < ids.n; w++) last[w] = NO_PARTNER;
    for (size_t r = 0; r < reference->n; r++) {
        if (is_taken[r]) continue;
        before[r] = last[theirs[r]];
        last[theirs[r]] = (uint32_t)r;
    }
    for (size_t h = hypothesis->n; h-- > 0;) {
        const uint32_t r = last[ours[h]];
        if (partners[h] != NO_PARTNER || r == NO_PARTNER) continue;
        partners[h] = r;
        is_taken[r] = true;
        last[ours[h]] = before[r];
    }
    return STATUS_OK;
}

static double score_of(const MeteorOptions *o, const double *counts)
{
    const double matches = counts[AT_MATCHES];
    if (!(matches > 0)) return 0;
    const double precision = matches / counts[AT_HYPOTHESIS];
    const double recall = matches / counts[AT_REFERENCE];
    const double mean = precision * recall / (o->alpha * precision + (1 - o->alpha) * recall);
    return (1 - o->gamma * pow(counts[AT_CHUNKS] / matches, o->beta)) * mean;
}

static Status judge(const MeteorOptions *o, const Tokens *hypothesis, const Tokens *reference,
                    Arena *scratch, double *out, Error *err)
{
    uint32_t *partners;
    bool *is_taken;
    TRY(arena_take(scratch, hypothesis->n, sizeof *partners, "matches", &partners, err));
    TRY(arena_take(scratch, reference->n, sizeof *is_taken, "matches", &is_taken, err));
    for (size_t h = 0; h < hypothesis->n; h++) partners[h] = NO_PARTNER;
    TRY(pair_equal(hypothesis, reference, scratch, partners, is_taken, err));
    if (o->has_stems) {
        Tokens ours, theirs;
        TRY(stems_of(hypothesis, scratch, &ours, err));
        TRY(stems_of(reference, scratch, &theirs, err));
        TRY(pair_equal(&ours, &theirs, scratch, partners, is_taken, err));
    }
    out[AT_HYPOTHESIS] = (double)hypothesis->n;
    out[AT_REFERENCE] = (double)reference->n;
    for (size_t h = 0; h < hypothesis->n; h++) {
        if (partners[h] == NO_PARTNER) continue;
        const bool goes_on =
            h > 0 && partners[h - 1] != NO_PARTNER && partners[h] == partners[h - 1] + 1;
        out[AT_MATCHES]++;
        out[AT_CHUNKS] += !goes_on;
    }
    out[AT_SCORE] = score_of(o, out);
    out[AT_ITEMS] = 1;
    return STATUS_OK;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    const MeteorOptions *o = plan->options;
    Tokens hypothesis, reference;
    bool has_reference = false;
    TRY(text_params_words(&o->text, item->hypothesis, "hypothesis", scratch, &hypothesis, err));
    for (size_t r = 0; r < item->n_references; r++) {
        if (item->references[r].ptr == NULL) continue;
        double counts[WIDTH] = {0};
        TRY(text_params_words(&o->text, item->references[r], "reference", scratch, &reference,
                              err));
        TRY(judge(o, &hypothesis, &reference, scratch, counts, err));
        if (has_reference && counts[AT_SCORE] <= out[AT_SCORE]) continue;
        memcpy(out, counts, sizeof counts);
        has_reference = true;
    }
    if (!has_reference) return error_set(err, STATUS_INVALID, "has no reference");
    return STATUS_OK;
}

static void score_sums(const MetricPlan *plan, const double *sums, double *scores)
{
    scores[0] = share_of(sums[AT_SCORE], sums[AT_ITEMS]);
    scores[1] = sums[AT_ITEMS] > 0 ? score_of(plan->options, sums) : (double)NAN;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const MeteorOptions *o = plan->options;
    Slice text;
    TRY(text_params_signature(&o->text, arena, &text, err));
    return arena_format(arena, out, err, "|stages:%s|alpha:%g|beta:%g|gamma:%g" SLICE_FMT,
                        o->has_stems ? "exact+stem" : "exact", o->alpha, o->beta, o->gamma,
                        SLICE_ARG(text));
}

const Metric metric_meteor = {
    .name = "meteor",
    .summary = "matched words and their order, from the exact and stem stages alone (no synonyms)",
    .source = "Banerjee & Lavie 2005; Lavie & Agarwal 2007; matching as in NLTK 3.10.4",
    .needs = NEEDS_TEXT,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .form = FORM_MEAN,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .width = WIDTH,
    .sub_scores = sub_scores,
    .row = row,
    .score_sums = score_sums,
    .signature = signature,
};
