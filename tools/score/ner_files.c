// assay score ner on CoNLL columns: a token a line, its tag in the last column, a blank line after each sentence.
#include <math.h>

#include "base/clock.h"
#include "base/unicode.h"
#include "metrics/metrics_list.h"
#include "tools/score/files.h"
#include "tools/score/ner.h"

typedef struct Sentence {
    size_t begin, end; // tags
    size_t first_line; // of the file, counted from 1
} Sentence;

// One side's tags, tag_between after each sentence's.
typedef struct TagFile {
    TextLines lines;
    Slice *tags;
    uint8_t *numbers; // of the tags, by NerFiles.table
    Sentence *sentences;
    size_t n, n_numbered, n_sentences; // tags and what stands between them; numbers; sentences
} TagFile;

typedef struct NerFiles {
    CommandLine *line;
    TagFile files[2]; // gold, predicted
    Item *items;
    size_t n;
    TagTable *table; // of both files' tags; NULL where one of them does not go into a table
    JsonDocument *params;
    NerScore score;
    Score *intervals;
    ScoreTiming timing;
} NerFiles;

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static Slice last_column(Slice line)
{
    size_t end = line.len;
    while (end > 0 && is_blank(line.ptr[end - 1])) end--;
    size_t begin = end;
    while (begin > 0 && !is_blank(line.ptr[begin - 1])) begin--;
    return slice_sub(line, begin, end);
}

// Numbers the tags that were read since the last time, while they are at hand.
static void number_tags(NerFiles *f, TagFile *file)
{
    const int64_t begin = clock_thread_cpu_ns();
    const size_t at = file->n_numbered;
    if (f->table != NULL &&
        !tag_table_numbers(f->table, file->tags + at, file->n - at, file->numbers + at)) {
        f->table = NULL;
    }
    file->n_numbered = file->n;
    f->timing.tokenize_ns += clock_thread_cpu_ns() - begin;
}

static Status read_tags(NerFiles *f, const char *path, TagFile *out, Error *err)
{
    enum { AT_ONCE = 4096 };
    Arena *arena = &f->line->arena;
    const bool is_replaced = option_choice(f->line, "invalid-utf8") == 1;
    TRY(text_lines_open(path, is_replaced, arena, &out->lines, err));
    const size_t n = out->lines.n;
    TRY(arena_take_raw(arena, n + 1, sizeof *out->tags, "tags", &out->tags, err));
    TRY(arena_take_raw(arena, n + 1, sizeof *out->numbers, "tags", &out->numbers, err));
    TRY(arena_take_raw(arena, n / 2 + 1, sizeof *out->sentences, "sentences", &out->sentences,
                       err));
    size_t begin = 0, first_line = 0;
    for (size_t i = 0; i <= n; i++) {
        const Slice line = i < n ? out->lines.lines[i] : SLICE("");
        const Slice tag = last_column(line);
        if (tag.len > 0 && !slice_starts_with(line, SLICE("-DOCSTART-"))) {
            if (out->n == begin) first_line = i + 1;
            out->tags[out->n++] = tag;
        } else if (out->n > begin) {
            out->sentences[out->n_sentences++] = (Sentence){begin, out->n, first_line};
            out->tags[out->n++] = tag_between;
            begin = out->n;
            if (out->n - out->n_numbered >= AT_ONCE) number_tags(f, out);
        }
    }
    number_tags(f, out);
    if (out->n_sentences > 0) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "%s has no tagged token", out->lines.path);
}

static Status pair_sentences(NerFiles *f, Error *err)
{
    const TagFile *gold = &f->files[0], *pred = &f->files[1];
    if (gold->n_sentences != pred->n_sentences) {
        return error_set(err, STATUS_INVALID, "%s has %zu sentences, but %s has %zu",
                         pred->lines.path, pred->n_sentences, gold->lines.path, gold->n_sentences);
    }
    f->n = gold->n_sentences;
    TRY(arena_take(&f->line->arena, f->n, sizeof *f->items, "sentences", &f->items, err));
    for (size_t i = 0; i < f->n; i++) {
        const Sentence *g = &gold->sentences[i], *p = &pred->sentences[i];
        const size_t n = g->end - g->begin, n_pred = p->end - p->begin;
        if (n != n_pred) {
            return error_set(
                err, STATUS_INVALID,
                "sentence %zu has %zu tokens in %s (from line %zu), but %zu in %s (from "
                "line %zu)",
                i + 1, n, gold->lines.path, g->first_line, n_pred, pred->lines.path, p->first_line);
        }
        f->items[i] = item_empty();
        f->items[i].tags = gold->tags + g->begin;
        f->items[i].predicted_tags = pred->tags + p->begin;
        f->items[i].n_tags = f->items[i].n_predicted_tags = n;
    }
    return STATUS_OK;
}

static Status read_params(NerFiles *f, Error *err)
{
    Buffer text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_begin_object(&w);
    if (option_given(f->line, "scheme")) {
        json_member_cstr(&w, "scheme", tag_schemes[option_choice(f->line, "scheme")]);
    }
    json_member_cstr(&w, "mode", option_choice(f->line, "mode") == 1 ? "strict" : "default");
    json_member_bool(&w, "suffix", option_flag(f->line, "suffix"));
    json_end_object(&w);
    Status s = buffer_status(&text, err);
    if (s == STATUS_OK) {
        s = json_parse(SLICE("options"), buffer_slice(&text), JSON_STRICT, &f->params, err);
    }
    buffer_release(&text);
    return s;
}

// How many entities of both sides a scheme takes whole: tags other than "O" that are in one. -1 where it does not know a
// prefix.
static double tokens_in_entities(const NerFiles *f, TagReading reading)
{
    double n_inside = 0;
    Arena arena = {0};
    Error ignored = {0};
    for (size_t i = 0; n_inside >= 0 && i < f->n; i++) {
        const ArenaMark mark = arena_mark(&arena);
        Entity *entities;
        size_t n;
        if (entities_of_tags(&reading, f->items[i].tags, f->items[i].n_tags, &arena, &entities, &n,
                             &ignored) != STATUS_OK) {
            n_inside = -1;
            break;
        }
        for (size_t k = 0; k < n; k++) n_inside += (double)(entities[k].end - entities[k].begin);
        arena_rewind(&arena, mark);
    }
    arena_release(&arena);
    return n_inside;
}

// The reference's tags are to keep to the scheme: where it leaves more than a tenth of the tags other than "O" outside of
// all entities, and another scheme takes all but a hundredth, the wrong one was asked for.
static Status check_scheme(const NerFiles *f, Error *err)
{
    const TagReading asked = f->score.reading;
    double n_tags = 0, best = 0;
    size_t best_scheme = N_TAG_SCHEMES;
    if (!asked.is_strict || option_flag(f->line, "force")) return STATUS_OK;
    for (size_t i = 0; i < f->files[0].n; i++) {
        const Slice tag = f->files[0].tags[i];
        n_tags += tag.ptr != tag_between.ptr && !slice_eq_cstr(tag, "O");
    }
    const double inside = tokens_in_entities(f, asked);
    if (inside >= 0 && inside >= 0.9 * n_tags) return STATUS_OK;
    for (size_t k = 0; k < N_TAG_SCHEMES; k++) {
        TagReading other = asked;
        other.scheme = (TagScheme)k;
        const double n = tokens_in_entities(f, other);
        if (n <= best) continue;
        best = n;
        best_scheme = k;
    }
    if (best < 0.99 * n_tags || (double)best <= inside) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "%s: scheme %s finds an entity for %.0f of %.0f tags, but %s for %.0f: the "
                     "tags look like --scheme %s (--force goes on with %s)",
                     f->files[0].lines.path, tag_schemes[asked.scheme], inside > 0 ? inside : 0,
                     n_tags, tag_schemes[best_scheme], best, tag_schemes[best_scheme],
                     tag_schemes[asked.scheme]);
}

// Names the file and the line of a tag that cannot be read.
static Status say_where(const NerFiles *f, Error *err)
{
    Arena arena = {0};
    bool is_found = false;
    for (size_t k = 0; k < 2 && !is_found; k++) {
        const TagFile *file = &f->files[k];
        for (size_t i = 0; i < file->n_sentences && !is_found; i++) {
            const Sentence *s = &file->sentences[i];
            Entity *entities;
            size_t n;
            Error found = {0};
            is_found = entities_of_tags(&f->score.reading, file->tags + s->begin, s->end - s->begin,
                                        &arena, &entities, &n, &found) != STATUS_OK;
            if (!is_found) continue;
            *err = found;
            (void)!error_wrap(err, "%s: sentence %zu, from line %zu", file->lines.path, i + 1,
                              s->first_line);
        }
    }
    arena_release(&arena);
    return STATUS_INVALID;
}

static void warn_of_strange_tags(const NerFiles *f)
{
    const Slice tag = f->table != NULL ? tag_table_strange(f->table) : (Slice){0};
    if (tag.ptr == NULL) return;
    log_warning(f->line->log,
                "\"" SLICE_FMT
                "\" does not look like a tag, which is O, B-TYPE, I-TYPE and the like: it "
                "is read as a prefix of one character and a type, as seqeval does",
                SLICE_ARG(slice_sub(tag, 0, 60)));
}

static Status work(NerFiles *f, Error *err)
{
    CommandLine *line = f->line;
    if (line->n_operands != 3) {
        return error_set(err, STATUS_INVALID, "two files are wanted: GOLD PREDICTED");
    }
    TRY(read_params(f, err));
    TRY(ner_reading(json_root(f->params), &f->score.reading, err));
    const int64_t begin = clock_thread_cpu_ns();
    TRY(tag_table_new(f->score.reading, &line->arena, &f->table, err));
    for (size_t k = 0; k < 2; k++) {
        TRY(read_tags(f, line->operands[1 + k], &f->files[k], err));
    }
    TRY(pair_sentences(f, err));
    TRY(check_scheme(f, err));
    const int64_t read = clock_thread_cpu_ns();
    const TagNumbers numbers = {f->table, {f->files[0].numbers, f->files[1].numbers}};
    const Status s = ner_score(json_root(f->params), f->items, f->n,
                               f->table != NULL ? &numbers : NULL, &line->arena, &f->score, err);
    if (s == STATUS_INVALID) return say_where(f, err);
    TRY(s);
    f->timing.read_ns = read - begin - f->timing.tokenize_ns; // and a look at the scheme
    f->timing.score_ns = clock_thread_cpu_ns() - read;
    warn_of_strange_tags(f);
    RowSet rows;
    TRY(entity_rows(&f->score.read, &line->arena, &rows, err));
    const IntervalOptions options = {.level = option_real(line, "level"),
                                     .seed = (uint64_t)option_integer(line, "seed")};
    return scores_of_rows(&f->score.plan, &rows, &options, &line->arena, &f->intervals, err);
}

static Status put_json(NerFiles *f, Buffer *out, Error *err)
{
    const Score *micro = &f->intervals[0];
    JsonWriter w = json_writer(out, 2);
    json_begin_object(&w);
    TRY(ner_put_json(&f->score, f->items, f->n, false, &f->line->arena, &w, err));
    json_member_u64(&w, "n_sentences", f->n);
    score_put_interval(&w, micro);
    if (option_flag(f->line, "timing")) score_put_timing(&w, &f->timing);
    json_end_object(&w);
    buffer_append_byte(out, '\n');
    return STATUS_OK;
}

static Status put_lines(NerFiles *f, Buffer *out, Error *err)
{
    const Score *micro = &f->intervals[0];
    NerErrors errors;
    TRY(ner_errors(&f->score.reading, f->items, f->n, &f->line->arena, &errors, err));
    ner_report(&f->score, (int)option_integer(f->line, "digits"), out);
    buffer_printf(
        out, "\nmicro F1 %.4f, %g%% interval %.4f to %.4f (" SLICE_FMT "), %zu sentences\n",
        micro->estimate, 100 * micro->level, micro->lo, micro->hi, SLICE_ARG(micro->method), f->n);
    buffer_printf(out, "token accuracy %.4f\nentities:", f->score.scores[1]);
    for (size_t k = 0; k < N_NER_ERRORS; k++) {
        buffer_printf(out, "%s %s %zu", k > 0 ? "," : "", ner_error_names[k], errors.counts[k]);
    }
    buffer_append_byte(out, '\n');
    if (option_flag(f->line, "timing")) score_print_timing(out, &f->timing);
    return STATUS_OK;
}

Status ner_files_run(CommandLine *line, Error *err)
{
    NerFiles f = {.line = line};
    Buffer out = {0};
    Status s = work(&f, err);
    if (s == STATUS_OK) s = line->is_json ? put_json(&f, &out, err) : put_lines(&f, &out, err);
    if (s == STATUS_OK) s = output_buffer(&out, err);
    buffer_release(&out);
    for (size_t k = 0; k < 2; k++) text_lines_close(&f.files[k].lines);
    json_close(&f.params);
    return s;
}
