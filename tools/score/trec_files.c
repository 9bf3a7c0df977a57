// assay score ranking on TREC's files: judgements ("qrels": query, iteration, document, gain) and a run (query, "Q0",
// document, rank, score, tag). As trec_eval has it, the order is by score, and of equal ones the document whose name is the
// later in bytes goes first; ranks as written do not count, nor does a gain below 0. Queries without judgements are passed
// over, and one without a relevant document scores 0. A query that the run does not answer is refused, or counts as one
// without results (trec_eval -c), or is left out of the means (trec_eval's default).
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "metrics/metrics_list.h"
#include "tools/score/answer.h"
#include "tools/score/files.h"
#include "tools/score/items.h"
#include "tools/score/ranking.h"

typedef struct Entry {
    Slice document;
    double value;   // gain, or score
    uint32_t query; // in the order of the judgements
    uint32_t line;
} Entry;

typedef struct TrecFile {
    TextLines lines;
    Entry *entries;
    size_t n;
} TrecFile;

typedef struct TrecFiles {
    CommandLine *line;
    TrecFile judged, run;
    ClusterNames queries;
    size_t n_queries, n_surplus; // with judgements; lines of the run for others
    size_t n_items;
    Item *items;
} TrecFiles;

enum { MAX_FIELDS = 6 };

static size_t split_fields(Slice line, Slice *fields)
{
    size_t n = 0, at = 0;
    while (at < line.len) {
        while (at < line.len && (line.ptr[at] == ' ' || line.ptr[at] == '\t')) at++;
        const size_t begin = at;
        while (at < line.len && line.ptr[at] != ' ' && line.ptr[at] != '\t') at++;
        if (at == begin) continue;
        if (n < MAX_FIELDS) fields[n] = slice_sub(line, begin, at);
        n++;
    }
    return n;
}

static Status read_entry(TrecFiles *f, TrecFile *file, size_t i, bool is_run, Error *err)
{
    static const char *const forms[] = {"QUERY ITERATION DOCUMENT GAIN",
                                        "QUERY Q0 DOCUMENT RANK SCORE TAG"};
    Slice fields[MAX_FIELDS];
    Entry *entry = &file->entries[file->n];
    const size_t n = split_fields(file->lines.lines[i], fields), n_wanted = is_run ? 6 : 4;
    if (n == 0) return STATUS_OK;
    if (n != n_wanted) {
        return error_set(err, STATUS_INVALID, "%s:%zu: has %zu fields, want %zu: %s",
                         file->lines.path, i + 1, n, n_wanted, forms[is_run]);
    }
    const Slice number = fields[is_run ? 4 : 3];
    if (!slice_to_double(number, &entry->value) || !isfinite(entry->value)) {
        return error_set(err, STATUS_INVALID, "%s:%zu: the %s is \"" SLICE_FMT "\", want a number",
                         file->lines.path, i + 1, is_run ? "score" : "gain",
                         SLICE_ARG(slice_sub(number, 0, 40)));
    }
    TRY(clusters_index(&f->queries, fields[0], &entry->query, err));
    entry->document = fields[2];
    entry->line = (uint32_t)i + 1;
    const bool is_known = !is_run || entry->query < f->n_queries;
    f->n_surplus += !is_known;
    file->n += is_known && (is_run || entry->value >= 0);
    return STATUS_OK;
}

static int compare_entries(const void *a, const void *b)
{
    const Entry *x = a, *y = b;
    if (x->query != y->query) return x->query < y->query ? -1 : 1;
    return slice_cmp(x->document, y->document);
}

// Sorted by query and document, each pair once.
static Status read_file(TrecFiles *f, TrecFile *file, const char *path, bool is_run, Error *err)
{
    Arena *arena = &f->line->arena;
    const bool is_replaced = option_choice(f->line, "invalid-utf8") == 1;
    TRY(text_lines_open(path, is_replaced, arena, &file->lines, err));
    if (file->lines.n >= UINT32_MAX) {
        return error_set(err, STATUS_INVALID, "%s has too many lines", path);
    }
    TRY(arena_take(arena, file->lines.n, sizeof *file->entries, "lines", &file->entries, err));
    for (size_t i = 0; i < file->lines.n; i++) TRY(read_entry(f, file, i, is_run, err));
    if (file->n > 1) qsort(file->entries, file->n, sizeof *file->entries, compare_entries);
    for (size_t i = 1; i < file->n; i++) {
        const Entry *a = &file->entries[i - 1], *b = &file->entries[i];
        if (compare_entries(a, b) != 0) continue;
        const uint32_t later = a->line > b->line ? a->line : b->line;
        return error_set(err, STATUS_INVALID,
                         "%s:%u: document \"" SLICE_FMT "\" stands twice for query \"" SLICE_FMT
                         "\" (also on line %u)",
                         path, later, SLICE_ARG(a->document), SLICE_ARG(f->queries.names[a->query]),
                         a->line + b->line - later);
    }
    return STATUS_OK;
}

// What one result is worth, under its score and name.
typedef struct Result {
    double score, gain;
    Slice document;
} Result;

static int compare_results(const void *a, const void *b)
{
    const Result *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return slice_cmp(y->document, x->document);
}

// Entries [begin, end) of both files are one query's.
static Status judge_query(const Entry *judged, size_t n_judged, const Entry *run, size_t n_run,
                          Arena *arena, Item *item, Error *err)
{
    double *gains, *judged_gains;
    Result *results;
    TRY(arena_take(arena, n_run, sizeof *gains, "gains", &gains, err));
    TRY(arena_take(arena, n_judged, sizeof *judged_gains, "gains", &judged_gains, err));
    for (size_t i = 0; i < n_judged; i++) judged_gains[i] = judged[i].value;
    const ArenaMark mark = arena_mark(arena);
    TRY(arena_take(arena, n_run, sizeof *results, "results", &results, err));
    for (size_t i = 0, j = 0; i < n_run; i++) {
        results[i] = (Result){.score = run[i].value, .document = run[i].document};
        while (j < n_judged && slice_cmp(judged[j].document, run[i].document) < 0) j++;
        const bool is_judged = j < n_judged && slice_eq(judged[j].document, run[i].document);
        if (is_judged) results[i].gain = judged[j].value;
    }
    if (n_run > 1) qsort(results, n_run, sizeof *results, compare_results);
    for (size_t i = 0; i < n_run; i++) gains[i] = results[i].gain;
    arena_rewind(arena, mark);
    *item = item_empty();
    item->gains = gains;
    item->n_gains = n_run;
    item->judged_gains = judged_gains;
    item->n_judged = n_judged;
    return STATUS_OK;
}

static size_t entries_of(const TrecFile *file, uint32_t query, size_t begin)
{
    size_t end = begin;
    while (end < file->n && file->entries[end].query == query) end++;
    return end - begin;
}

static Status judge_queries(TrecFiles *f, Error *err)
{
    Arena *arena = &f->line->arena;
    size_t n_missing = 0;
    uint32_t missing = 0;
    const size_t choice = option_choice(f->line, "missing");
    TRY(arena_take(arena, f->n_queries, sizeof *f->items, "queries", &f->items, err));
    for (size_t q = 0, at_judged = 0, at_run = 0; q < f->n_queries; q++) {
        const size_t n_judged = entries_of(&f->judged, (uint32_t)q, at_judged);
        const size_t n_run = entries_of(&f->run, (uint32_t)q, at_run);
        if (n_run == 0 && n_missing++ == 0) missing = (uint32_t)q;
        TRY(judge_query(f->judged.entries + at_judged, n_judged, f->run.entries + at_run, n_run,
                        arena, &f->items[f->n_items], err));
        f->n_items += n_run > 0 || choice != MISSING_OMIT;
        at_judged += n_judged;
        at_run += n_run;
    }
    if (n_missing == 0) return STATUS_OK;
    if (choice == MISSING_REFUSE || f->n_items == 0) {
        return error_set(err, STATUS_INVALID,
                         "%s has no result for %zu of %zu judged queries, such as \"" SLICE_FMT
                         "\" (--missing=wrong counts them as queries without results"
                         ", --missing=omit leaves them out)",
                         f->run.lines.path, n_missing, f->n_queries,
                         SLICE_ARG(f->queries.names[missing]));
    }
    log_warning(f->line->log, "%zu of %zu queries have no result and %s", n_missing, f->n_queries,
                choice == MISSING_OMIT ? "are left out" : "score 0");
    return STATUS_OK;
}

static Status put_scores(TrecFiles *f, const Json *params, Buffer *answer, Error *err)
{
    JsonWriter w = json_writer(answer, 0);
    ScoreItems all = {
        .items = f->items, .n = f->n_items, .params = params, .arena = &f->line->arena};
    all.interval = (IntervalOptions){.level = option_real(f->line, "level"),
                                     .seed = (uint64_t)option_integer(f->line, "seed"),
                                     .n_resamples = DEFAULT_RESAMPLES};
    if (option_given(f->line, "confidence-n")) {
        all.interval.n_resamples = (size_t)option_integer(f->line, "confidence-n");
    }
    if (all.interval.n_resamples == 0) all.interval.method = INTERVAL_NONE;
    json_begin_object(&w);
    TRY(score_put_metrics(&all, ranking_metrics, N_RANKING_METRICS, NULL, &w, err));
    json_end_object(&w);
    return buffer_status(answer, err);
}

Status trec_run_files(CommandLine *line, Error *err)
{
    TrecFiles f = {.line = line};
    Buffer answer = {0};
    JsonDocument *params = NULL;
    TRY(score_check_files(line, 2, 2, "TREC's files: QRELS RUN", err));
    Status s = read_file(&f, &f.judged, line->operands[1], false, err);
    f.n_queries = f.queries.n_clusters;
    if (s == STATUS_OK && f.n_queries == 0) {
        s = error_set(err, STATUS_INVALID, "%s has no judgement", line->operands[1]);
    }
    if (s == STATUS_OK) s = read_file(&f, &f.run, line->operands[2], true, err);
    if (s == STATUS_OK && f.n_surplus > 0) {
        log_warning(line->log, "%zu lines of %s are for queries without judgements", f.n_surplus,
                    line->operands[2]);
    }
    if (s == STATUS_OK) s = judge_queries(&f, err);
    if (s == STATUS_OK) {
        s = json_parse(SLICE("params"), SLICE("{\"no_relevant\": \"zero\"}"), JSON_STRICT, &params,
                       err);
    }
    if (s == STATUS_OK) s = put_scores(&f, json_root(params), &answer, err);
    if (s == STATUS_OK) s = score_print_answer(buffer_slice(&answer), line, err);
    buffer_release(&answer);
    json_close(&params);
    clusters_release(&f.queries);
    text_lines_close(&f.judged.lines);
    text_lines_close(&f.run.lines);
    return s;
}
