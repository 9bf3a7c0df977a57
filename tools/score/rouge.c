// assay score rouge: rouge_score's numbers, the mean over segments; of several references the best F of each type.
#include "metrics/rouge.h"

#include "base/size.h"
#include "metrics/metrics_list.h"
#include "tools/score/files_internal.h"
#include "tools/score/rouge.h"

// An order of n-grams, or one of these.
enum { TYPE_L = 0, TYPE_LSUM = -1, MAX_TYPES = ROUGE_MAX_ORDER + 2 };

typedef struct RougeType {
    Slice name;
    int kind;
} RougeType;

typedef struct RougeRequest {
    RougeType types[MAX_TYPES];
    size_t n_types;
    RougeReading reading;
} RougeRequest;

static const RougeType default_types[] = {
    {SLICE_LIT("rouge1"), 1}, {SLICE_LIT("rouge2"), 2},      {SLICE_LIT("rouge3"), 3},
    {SLICE_LIT("rouge4"), 4}, {SLICE_LIT("rougeL"), TYPE_L}, {SLICE_LIT("rougeLsum"), TYPE_LSUM},
};

static bool type_of(Slice name, RougeType *out)
{
    out->name = name;
    out->kind = slice_eq_cstr(name, "rougeLsum") ? TYPE_LSUM : TYPE_L;
    if (out->kind == TYPE_LSUM || slice_eq_cstr(name, "rougeL")) return true;
    if (name.len != 6 || !slice_starts_with(name, SLICE("rouge"))) return false;
    out->kind = name.ptr[5] - '0';
    return out->kind >= 1 && out->kind <= ROUGE_MAX_ORDER;
}

static Status read_types(const Json *types, RougeRequest *out, Error *err)
{
    if (json_len(types) > MAX_TYPES) return json_error(types, err, "are too many types");
    for (const Json *v = json_first(types); v != NULL; v = json_next(v)) {
        Slice name;
        TRY(json_as_string(v, &name, err));
        if (!type_of(name, &out->types[out->n_types++])) {
            return json_error(v, err,
                              "there is no ROUGE \"" SLICE_FMT "\": types are rouge1 to rouge%d, "
                              "rougeL, rougeLsum",
                              SLICE_ARG(name), ROUGE_MAX_ORDER);
        }
    }
    return STATUS_OK;
}

static Status read_request(const Json *params, RougeRequest *out, Error *err)
{
    static const char *const known[] = {"stemmer", "types"};
    const Json *types = NULL;
    *out = (RougeRequest){.reading = {.has_lines = true}};
    if (params != NULL) {
        TRY(json_check_keys(params, known, 2, err));
        TRY(json_opt_bool(params, "stemmer", &out->reading.is_stemmed, err));
        TRY(json_opt_kind(params, "types", JSON_ARRAY, &types, err));
    }
    if (types != NULL) return read_types(types, out, err);
    out->n_types = sizeof default_types / sizeof *default_types;
    for (size_t i = 0; i < out->n_types; i++) out->types[i] = default_types[i];
    return STATUS_OK;
}

static RougeWants wants_of(const RougeRequest *request)
{
    RougeWants out = {0};
    for (size_t t = 0; t < request->n_types; t++) {
        const int kind = request->types[t].kind;
        out.has_l |= kind == TYPE_L;
        out.has_l_sum |= kind == TYPE_LSUM;
        if (kind > 0) out.max_order = size_max(out.max_order, (size_t)kind);
    }
    return out;
}

static const RougeScore *score_of_kind(const RougeScores *scores, int kind)
{
    if (kind == TYPE_L) return &scores->l;
    return kind == TYPE_LSUM ? &scores->l_sum : &scores->n[kind - 1];
}

// Adds the best of an item's references to each type's sums.
static Status add_item(const RougeRequest *request, const Item *item, Arena *scratch,
                       RougeScore *sums, Error *err)
{
    RougeScore best[MAX_TYPES];
    const RougeWants wants = wants_of(request);
    RougeText hypothesis, reference;
    size_t n = 0;
    if (rouge_text(&request->reading, item->hypothesis, scratch, &hypothesis, err) != STATUS_OK) {
        return error_wrap(err, "hypothesis");
    }
    for (size_t r = 0; r < item->n_references; r++) {
        if (item->references[r].ptr == NULL) continue;
        RougeScores scores;
        const Slice text = item->references[r];
        if (rouge_text(&request->reading, text, scratch, &reference, err) != STATUS_OK) {
            return error_wrap(err, "reference %zu", r);
        }
        TRY(rouge_compare(&hypothesis, &reference, wants, scratch, &scores, err));
        for (size_t t = 0; t < request->n_types; t++) {
            const RougeScore *score = score_of_kind(&scores, request->types[t].kind);
            if (n == 0 || score->f1 > best[t].f1) best[t] = *score;
        }
        n++;
    }
    if (n == 0) return error_set(err, STATUS_INVALID, "has no reference");
    for (size_t t = 0; t < request->n_types; t++) {
        sums[t].precision += best[t].precision;
        sums[t].recall += best[t].recall;
        sums[t].f1 += best[t].f1;
    }
    return STATUS_OK;
}

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    TextItems items;
    RougeRequest request;
    RougeScore sums[MAX_TYPES] = {{0}};
    if (json_get(c->root, "scores") != NULL) return rouge_aggregate_case(c, w, err);
    TRY(read_request(c->params, &request, err));
    TRY(text_items_of_case(c, TEXT_LOOSE, &items, err));
    for (size_t i = 0; i < items.n; i++) {
        const ArenaMark mark = arena_mark(c->arena);
        const Status s = add_item(&request, &items.items[i], c->arena, sums, err);
        arena_rewind(c->arena, mark);
        if (s != STATUS_OK) return error_wrap(err, "item %zu", i);
    }
    const double n = (double)items.n;
    for (size_t t = 0; t < request.n_types; t++) {
        json_put_key_slice(w, request.types[t].name);
        json_begin_object(w);
        json_member_double(w, "precision", sums[t].precision / n);
        json_member_double(w, "recall", sums[t].recall / n);
        json_member_double(w, "fmeasure", sums[t].f1 / n);
        json_end_object(w);
    }
    return STATUS_OK;
}

// ---- files ----

static Status tokenize(const MetricPlan *plan, Slice text, Arena *arena, Tokens *out, Error *err)
{
    return rouge_plan_words(plan, text, arena, out, err);
}

enum { N_ALL = 4, SAMPLES = 1000 }; // rouge_score's count of samples
static const Metric *const all_metrics[N_ALL + 1] = {&metric_rouge1, &metric_rouge2,
                                                     &metric_rouge_l, &metric_rouge_lsum, NULL};

// "low", "mid", "high" of each type, as the aggregator of rouge_score has them.
static Status put_aggregate(const TextRun *run, size_t system, JsonWriter *w, Buffer *out,
                            Error *err)
{
    const CommandLine *line = run->line;
    const int digits = (int)option_integer(line, "width") + 3;
    NumpyLegacy rng;
    if (!option_flag(line, "aggregate")) return STATUS_OK;
    numpy_legacy_seed(&rng, (uint32_t)option_integer(line, "seed"));
    if (w != NULL) {
        json_member_object(w, "aggregate");
    }
    for (size_t m = 0; m < run->n_metrics; m++) {
        static const char parts[] = "PRF";
        const TextScore *score = &run->systems[system].scores[m];
        const char *name = score->plan.metric->name;
        RougeAggregate a;
        TRY(rouge_aggregate_rows(&score->rows, SAMPLES, &rng, option_real(line, "level"), &a, err));
        if (w != NULL) {
            json_member_object(w, name);
            rouge_put_aggregate(w, &a);
            json_end_object(w);
        }
        for (size_t p = 0; out != NULL && p < 3; p++) {
            buffer_printf(out, "%s-%c,%.*f,%.*f,%.*f\n", name, parts[p], digits, a.parts[p][0],
                          digits, a.parts[p][1], digits, a.parts[p][2]);
        }
    }
    if (w != NULL) json_end_object(w);
    return STATUS_OK;
}

// --types: metrics [N_ALL + 1], ended by NULL.
static Status choose_types(const CommandLine *line, const Metric **metrics, Error *err)
{
    const char *const *names;
    const size_t n = option_texts(line, "types", &names);
    size_t n_chosen = 0;
    for (size_t i = 0; i < n; i++) {
        Slice rest = slice_from_cstr(names[i]), name;
        while (slice_split(&rest, ',', &name)) {
            size_t k = 0, seen = 0;
            while (k < N_ALL && !slice_eq_cstr(name, all_metrics[k]->name)) k++;
            if (k == N_ALL) {
                return error_set(err, STATUS_INVALID,
                                 "--types: there is no \"" SLICE_FMT
                                 "\": rouge1, rouge2, rougeL, rougeLsum (rouge3 to rouge%d with "
                                 "--cases)",
                                 SLICE_ARG(name), ROUGE_MAX_ORDER);
            }
            while (seen < n_chosen && metrics[seen] != all_metrics[k]) seen++;
            if (seen == n_chosen) metrics[n_chosen++] = all_metrics[k];
        }
    }
    for (size_t k = 0; n == 0 && k < N_ALL; k++) metrics[n_chosen++] = all_metrics[k];
    metrics[n_chosen] = NULL;
    return STATUS_OK;
}

static Status run_files(CommandLine *line, Error *err)
{
    static const TextParam params[] = {{"stemmer", "stemmer", PARAM_FLAG}};
    const Metric *metrics[N_ALL + 1] = {0};
    TRY(choose_types(line, metrics, err));
    const TextSpec spec = {.metrics = metrics,
                           .params = params,
                           .n_params = 1,
                           .separator = option_text(line, "sep"),
                           .rows = rouge_rows,
                           .put_more = put_aggregate,
                           .tokenize = tokenize};
    return text_files_run(line, &(const TextSpec *){&spec}, 1, err);
}

static const char *const file_options[] = {TEXT_FILE_OPTIONS, "stemmer", "types", "sep",
                                           "aggregate",       NULL};

const ScoreFamily score_rouge = {
    .name = "rouge",
    .summary = "ROUGE-1 to 9, L and Lsum, as rouge_score",
    .fields =
        "{\"hyps\", \"refs\", \"params\": {stemmer, types}} gives {\"rouge1\": {\"precision\", "
        "\"recall\", \"fmeasure\"}, ..}, means over segments; for rougeLsum each line is a sentence. "
        "{\"scores\": [[precision, recall, F]..], \"confidence\", \"n_samples\", \"np_random_seed\" or "
        "\"indices\"} gives {\"low\", \"mid\", \"high\"} of their bootstrap",
    .run_case = run_case,
    .run_files = run_files,
    .options = file_options,
};
