// assay score crows-pairs and winobias on files.
#include "tools/score/bias_files.h"

#include <string.h>

#include "base/file.h"
#include "base/unicode.h"
#include "datasets/reader.h"
#include "metrics/metrics_list.h"
#include "tools/score/answer.h"
#include "tools/score/items.h"

static Slice attribute(const Sample *sample, const char *name)
{
    for (size_t i = 0; i < sample->n_attributes; i++) {
        if (slice_eq_cstr(sample->attributes[i].name, name)) return sample->attributes[i].value;
    }
    return (Slice){0};
}

// ---- CrowS-Pairs ----

static const char *const crows_columns[] = {"sent_more_score", "sent_less_score",
                                            "stereo_antistereo", "bias_type"};
enum { SCORE_MORE, SCORE_LESS, DIRECTION, BIAS_TYPE, N_COLUMNS };

typedef struct CrowsFiles {
    Arena arena;
    Dataset data;
    Item *items;
    int32_t *bias_types; // [data.n_samples]
    ClusterNames names;  // of bias types
} CrowsFiles;

// The authors' program adds columns of scores to its data; without them the scores stand in a file of their own.
static Status read_pairs(CrowsFiles *f, const char *path, bool has_scores, Error *err)
{
    ReadAttribute attributes[N_COLUMNS];
    for (size_t i = 0; i < N_COLUMNS; i++)
        attributes[i].name = attributes[i].column = slice_from_cstr(crows_columns[i]);
    ReadOptions options = {.format = SLICE("crows-pairs"), .speech = SPEECH_OPTIONS};
    if (has_scores) {
        options.format = SLICE("csv");
        options.label_optional = true;
        options.header = READ_HEADER_YES;
        options.columns = (ReadColumns){.text = SLICE("sent_more"),
                                        .pair = SLICE("sent_less"),
                                        .label = {"", 0},
                                        .id = {"", 0},
                                        .attributes = attributes,
                                        .n_attributes = N_COLUMNS};
    }
    TRY(dataset_read(path, &options, &f->data, err));
    TRY(arena_take(&f->arena, f->data.n_samples, sizeof *f->items, "pairs", &f->items, err));
    return arena_take(&f->arena, f->data.n_samples, sizeof *f->bias_types, "pairs", &f->bias_types,
                      err);
}

static Status fill_pair(CrowsFiles *f, size_t i, bool has_scores, Error *err)
{
    const Sample *sample = &f->data.samples[i];
    Item *item = &f->items[i];
    const Slice bias_type = slice_trim(attribute(sample, "bias_type"));
    double *scores;
    *item = item_empty();
    TRY(arena_take(&f->arena, 2, sizeof *scores, "scores", &scores, err));
    item->log_likelihoods = scores;
    item->n_choices = 2;
    item->stereotyped = 0;
    const Slice direction =
        slice_trim(attribute(sample, has_scores ? "stereo_antistereo" : "direction"));
    item->label = slice_eq_cstr(direction, "antistereo");
    if (item->label == 0 && !slice_eq_cstr(direction, "stereo")) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: stereo_antistereo is \"" SLICE_FMT
                                   "\", want \"stereo\" or \"antistereo\"",
                         SLICE_ARG(f->data.path), sample->line,
                         SLICE_ARG(slice_sub(direction, 0, 40)));
    }
    for (size_t k = 0; has_scores && k < 2; k++) {
        const Slice text = slice_trim(attribute(sample, crows_columns[k]));
        if (slice_to_double(text, &scores[k])) continue;
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: %s is \"" SLICE_FMT "\", want a number",
                         SLICE_ARG(f->data.path), sample->line, crows_columns[k],
                         SLICE_ARG(slice_sub(text, 0, 40)));
    }
    if (bias_type.len == 0) {
        return error_set(err, STATUS_INVALID, SLICE_FMT ":%zu: bias_type is empty",
                         SLICE_ARG(f->data.path), sample->line);
    }
    return score_name_index(&f->names, NULL, bias_type, &f->bias_types[i], err);
}

static Status read_score_line(void *context, size_t i, const Json *root, Error *err)
{
    const CrowsFiles *f = context;
    static const char *const keys[2][2] = {{"sent_more_score", "more"},
                                           {"sent_less_score", "less"}};
    double *scores = (double *)f->items[i].log_likelihoods; // taken by fill_pair
    if (json_kind(root) != JSON_OBJECT) {
        return json_error(root, err,
                          "found %s, want an object with sent_more_score and "
                          "sent_less_score",
                          json_kind_name(json_kind(root)));
    }
    for (size_t k = 0; k < 2; k++) {
        const Json *value = json_get(root, keys[k][0]);
        if (value == NULL) value = json_get(root, keys[k][1]);
        if (value == NULL) return json_error(root, err, "\"%s\" is missing", keys[k][0]);
        TRY(score_number(value, &scores[k], err));
    }
    return STATUS_OK;
}

// A line of scores for each pair, in the order of the data.
static Status read_score_lines(CrowsFiles *f, const char *path, Error *err)
{
    size_t n = 0;
    const Status s = score_each_line(path, f->data.n_samples, read_score_line, f, &n, err);
    if (s != STATUS_OK || n == f->data.n_samples) return s;
    return error_set(err, STATUS_INVALID,
                     "%s has scores of %zu pairs, but " SLICE_FMT
                     " has %zu: they must go together line by line",
                     path, n, SLICE_ARG(f->data.path), f->data.n_samples);
}

// bias_type ITEM_NO_LABEL takes all.
static Status put_crows_part(CrowsFiles *f, Slice name, int32_t bias_type, JsonWriter *w,
                             Error *err)
{
    static const Slice directions[] = {SLICE_LIT("stereo"), SLICE_LIT("antistereo")};
    const Metric *const metric = &metric_crows_pairs;
    ScoreItems all = {.arena = &f->arena, .setup = {.labels = directions, .n_labels = 2}};
    Item *items;
    TRY(arena_take(&f->arena, f->data.n_samples, sizeof *items, "items", &items, err));
    for (size_t i = 0; i < f->data.n_samples; i++) {
        if (bias_type == ITEM_NO_LABEL || bias_type == f->bias_types[i])
            items[all.n++] = f->items[i];
    }
    all.items = items;
    json_put_key_slice(w, name);
    json_begin_object(w);
    TRY(score_put_metrics(&all, &metric, 1, NULL, w, err));
    json_end_object(w);
    return STATUS_OK;
}

static Status put_crows(CrowsFiles *f, JsonWriter *w, Error *err)
{
    json_begin_object(w);
    for (size_t b = 0; b < f->names.n_clusters; b++)
        TRY(put_crows_part(f, f->names.names[b], (int32_t)b, w, err));
    TRY(put_crows_part(f, SLICE("overall"), ITEM_NO_LABEL, w, err));
    json_end_object(w);
    return STATUS_OK;
}

Status crows_pairs_run_files(CommandLine *line, Error *err)
{
    CrowsFiles f = {0};
    Buffer answer = {0};
    JsonWriter w = json_writer(&answer, 0);
    TRY(score_check_files(line, 1, 2,
                          "a CSV with columns of scores, or the data's CSV and a file of "
                          "scores",
                          err));
    const bool has_scores = line->n_operands == 2;
    Status s = read_pairs(&f, line->operands[1], has_scores, err);
    for (size_t i = 0; s == STATUS_OK && i < f.data.n_samples; i++)
        s = fill_pair(&f, i, has_scores, err);
    if (s == STATUS_OK && !has_scores) s = read_score_lines(&f, line->operands[2], err);
    if (s == STATUS_OK) s = put_crows(&f, &w, err);
    if (s == STATUS_OK) s = buffer_status(&answer, err);
    if (s == STATUS_OK) s = score_print_answer(buffer_slice(&answer), line, err);
    buffer_release(&answer);
    clusters_release(&f.names);
    dataset_release(&f.data);
    arena_release(&f.arena);
    return s;
}

// ---- WinoBias ----

Status score_bare_mention(Slice text, Arena *arena, Slice *out, Error *err)
{
    static const char *const articles[] = {"the ", "a ", "an "};
    TRY(unicode_lower(arena, slice_trim(text), out, err));
    for (size_t i = 0; i < sizeof articles / sizeof *articles; i++) {
        if (!slice_starts_with(*out, slice_from_cstr(articles[i]))) continue;
        *out = slice_trim(slice_sub(*out, strlen(articles[i]), out->len));
        return STATUS_OK;
    }
    return STATUS_OK;
}

// Answers to the samples of one version, a line each; an empty one is no answer.
static Status read_answers(const Dataset *data, const char *path, int32_t direction, Item *items,
                           Arena *arena, Error *err)
{
    LineReader *lines = NULL;
    size_t i = 0;
    Status s = line_reader_open(path, &lines, err);
    while (s == STATUS_OK) {
        Slice text = {0}, answer, mention;
        bool more = false;
        while (i < data->n_samples && data->samples[i].bias->direction != direction) i++;
        s = line_reader_next(lines, &text, &more, err);
        if (s != STATUS_OK || (!more && i == data->n_samples)) break;
        if (!more || (i == data->n_samples && slice_trim(text).len > 0)) {
            s = error_set(
                err, STATUS_INVALID,
                "%s has %s lines than the %s sentences: want an answer a line, such as \"the "
                "developer\", in their order",
                path, more ? "more" : "fewer",
                direction ? "anti-stereotypical" : "pro-stereotypical");
            break;
        }
        if (i == data->n_samples) continue; // empty lines at the end
        Item *item = &items[i];
        const Sample *sample = &data->samples[i++];
        *item = item_empty();
        item->label = 0;
        item->stereotyped = sample->bias->stereotyped;
        item->cluster = sample->group;
        s = score_bare_mention(text, arena, &answer, err);
        if (s == STATUS_OK) s = score_bare_mention(sample->bias->target, arena, &mention, err);
        if (s == STATUS_OK && answer.len > 0) item->predicted = slice_eq(answer, mention) ? 0 : 1;
    }
    line_reader_close(&lines);
    return s;
}

static Status put_winobias(const Dataset *data, const Item *items, Arena *arena, JsonWriter *w,
                           Error *err)
{
    static const Slice answers[] = {SLICE_LIT("the one meant"), SLICE_LIT("another")};
    const Metric *const metric = &metric_winobias;
    const ScoreItems all = {.arena = arena,
                            .items = items,
                            .n = data->n_samples,
                            .setup = {.labels = answers, .n_labels = 2}};
    json_begin_object(w);
    TRY(score_put_metrics(&all, &metric, 1, NULL, w, err));
    json_end_object(w);
    return STATUS_OK;
}

Status winobias_run_files(CommandLine *line, Error *err)
{
    Dataset data = {0};
    Arena arena = {0};
    Item *items = NULL;
    Buffer answer = {0};
    JsonWriter w = json_writer(&answer, 0);
    const ReadOptions options = {.format = SLICE("winobias"), .speech = SPEECH_OPTIONS};
    TRY(score_check_files(line, 3, 3,
                          "one file of WinoBias (its twin stands beside it), the answers to "
                          "the pro-stereotypical sentences and those to the others",
                          err));
    Status s = dataset_read(line->operands[1], &options, &data, err);
    if (s == STATUS_OK) s = arena_take(&arena, data.n_samples, sizeof *items, "items", &items, err);
    for (int32_t k = 0; s == STATUS_OK && k < 2; k++)
        s = read_answers(&data, line->operands[2 + k], k, items, &arena, err);
    if (s == STATUS_OK) s = put_winobias(&data, items, &arena, &w, err);
    if (s == STATUS_OK) s = buffer_status(&answer, err);
    if (s == STATUS_OK) s = score_print_answer(buffer_slice(&answer), line, err);
    buffer_release(&answer);
    dataset_release(&data);
    arena_release(&arena);
    return s;
}
