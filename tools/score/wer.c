// assay score wer: word and character error rates, and what jiwer says beside them.
#include "metrics/error_rate.h"

#include <string.h>

#include "metrics/metrics_list.h"
#include "tools/score/files_internal.h"

typedef Status (*Split)(Slice text, Arena *arena, Tokens *out, Error *err);

// Sums over a corpus.
typedef struct ErrorRates {
    EditCounts counts;
    double n_hypothesis, n_reference; // words or characters
} ErrorRates;

static size_t edits_of(const EditCounts *c)
{
    return c->substitutions + c->deletions + c->insertions;
}

// Adds the reference with the fewest edits, the first on ties.
static Status add_item(Split split, const Item *item, Arena *scratch, ErrorRates *sums, Error *err)
{
    Tokens hypothesis, reference;
    EditCounts best = {0};
    size_t n = 0, best_length = 0;
    if (split(item->hypothesis, scratch, &hypothesis, err) != STATUS_OK) {
        return error_wrap(err, "hypothesis");
    }
    for (size_t r = 0; r < item->n_references; r++) {
        EditCounts counts;
        if (item->references[r].ptr == NULL) continue;
        if (split(item->references[r], scratch, &reference, err) != STATUS_OK) {
            return error_wrap(err, "reference %zu", r);
        }
        TRY(edit_alignment(&hypothesis, &reference, scratch, &counts, err));
        if (n++ > 0 && edits_of(&counts) >= edits_of(&best)) continue;
        best = counts;
        best_length = reference.n;
    }
    if (n == 0) return error_set(err, STATUS_INVALID, "has no reference");
    sums->counts.hits += best.hits;
    sums->counts.substitutions += best.substitutions;
    sums->counts.deletions += best.deletions;
    sums->counts.insertions += best.insertions;
    sums->n_hypothesis += (double)hypothesis.n;
    sums->n_reference += (double)best_length;
    return STATUS_OK;
}

static Status sum_items(Split split, const TextItems *items, Arena *arena, ErrorRates *out,
                        Error *err)
{
    *out = (ErrorRates){0};
    for (size_t i = 0; i < items->n; i++) {
        const ArenaMark mark = arena_mark(arena);
        const Status s = add_item(split, &items->items[i], arena, out, err);
        arena_rewind(arena, mark);
        if (s != STATUS_OK) return error_wrap(err, "item %zu", i);
    }
    return STATUS_OK;
}

static Status sum_lines(Split split, const TextRun *run, size_t system, ErrorRates *out, Error *err)
{
    Arena scratch = {0};
    Slice references[64]; // fill_rows has refused more
    Item item = item_empty();
    Status s = STATUS_OK;
    *out = (ErrorRates){0};
    item.references = references;
    item.n_references = run->n_refs;
    for (size_t i = 0; s == STATUS_OK && i < run->hyps[system].n; i++) {
        const ArenaMark mark = arena_mark(&scratch);
        item.hypothesis = run->hyps[system].lines[i];
        for (size_t r = 0; r < run->n_refs; r++) references[r] = run->refs[r].lines[i];
        s = add_item(split, &item, &scratch, out, err);
        arena_rewind(&scratch, mark);
        if (s != STATUS_OK) s = error_wrap(err, "%s:%zu", run->hyps[system].path, i + 1);
    }
    arena_release(&scratch);
    return s;
}

// Edits for each of the reference; against nothing at all, every insertion counts.
static double error_rate(const ErrorRates *r)
{
    const double edits = (double)edits_of(&r->counts);
    if (r->n_reference > 0) return edits / r->n_reference;
    return edits;
}

static void put_counts(JsonWriter *w, const char *prefix, const EditCounts *c)
{
    const struct {
        const char *name;
        size_t count;
    } rows[] = {{"hits", c->hits},
                {"sub", c->substitutions},
                {"del", c->deletions},
                {"ins", c->insertions}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char key[24];
        snprintf(key, sizeof key, "%s%s", prefix, rows[i].name);
        json_member_u64(w, key, rows[i].count);
    }
    json_member_u64(w, prefix[0] != '\0' ? "char_edits" : "word_edits", edits_of(c));
}

// Morris, Maier & Green 2004: match error rate, word information preserved and lost.
static double match_error_rate(const ErrorRates *r)
{
    const double hits = (double)r->counts.hits, edits = (double)edits_of(&r->counts);
    return hits + edits > 0 ? edits / (hits + edits) : 0;
}

static double preserved_of(const ErrorRates *r)
{
    const double hits = (double)r->counts.hits;
    if (r->n_reference == 0 && r->n_hypothesis == 0) return 1;
    const bool has_both = r->n_reference > 0 && r->n_hypothesis > 0;
    return has_both ? hits / r->n_reference * (hits / r->n_hypothesis) : 0;
}

static void put_words(JsonWriter *w, const ErrorRates *r)
{
    const double preserved = preserved_of(r);
    json_member_double(w, "wer", error_rate(r));
    json_member_double(w, "mer", match_error_rate(r));
    json_member_double(w, "wil", 1 - preserved);
    json_member_double(w, "wip", preserved);
    put_counts(w, "", &r->counts);
}

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    TextItems items;
    ErrorRates words, characters;
    if (c->params != NULL) TRY(json_check_keys(c->params, NULL, 0, err));
    TRY(text_items_of_case(c, TEXT_LOOSE, &items, err));
    TRY(sum_items(error_rate_words, &items, c->arena, &words, err));
    TRY(sum_items(error_rate_characters, &items, c->arena, &characters, err));
    json_member_double(w, "score", error_rate(&words));
    put_words(w, &words);
    json_member_double(w, "cer", error_rate(&characters));
    put_counts(w, "char_", &characters.counts);
    json_member_string(w, "signature", SLICE("wer|version:1"));
    return STATUS_OK;
}

// jiwer's other rates, and the alignment's counts.
static Status put_more(const TextRun *run, size_t system, JsonWriter *w, Buffer *out, Error *err)
{
    ErrorRates words, characters;
    TRY(sum_lines(error_rate_words, run, system, &words, err));
    if (w != NULL) {
        TRY(sum_lines(error_rate_characters, run, system, &characters, err));
        put_words(w, &words);
        json_member_double(w, "cer", error_rate(&characters));
        put_counts(w, "char_", &characters.counts);
        return STATUS_OK;
    }
    const EditCounts *c = &words.counts;
    const int digits = (int)option_integer(run->line, "width") + 3;
    buffer_printf(out, "    mer = %.*f, wil = %.*f, wip = %.*f\n", digits, match_error_rate(&words),
                  digits, 1 - preserved_of(&words), digits, preserved_of(&words));
    buffer_printf(out, "    words: %zu right, %zu substituted, %zu deleted, %zu inserted\n",
                  c->hits, c->substitutions, c->deletions, c->insertions);
    return STATUS_OK;
}

static Status tokenize(const MetricPlan *plan, Slice text, Arena *arena, Tokens *out, Error *err)
{
    (void)plan;
    return error_rate_words(text, arena, out, err);
}

static Status run_files(CommandLine *line, Error *err)
{
    static const Metric *const metrics[] = {&metric_wer, &metric_cer, NULL};
    const TextSpec spec = {.metrics = metrics, .put_more = put_more, .tokenize = tokenize};
    return text_files_run(line, &(const TextSpec *){&spec}, 1, err);
}

static const char *const file_options[] = {TEXT_FILE_OPTIONS, NULL};

const ScoreFamily score_wer = {
    .name = "wer",
    .summary = "word and character error rates, as jiwer",
    .fields =
        "{\"hyps\", \"refs\"} gives {\"wer\", \"mer\", \"wil\", \"wip\", \"hits\", \"sub\", \"del\", "
        "\"ins\", \"word_edits\", \"cer\", \"char_hits\", ..}",
    .run_case = run_case,
    .run_files = run_files,
    .options = file_options,
};
