// Winogender: sentences that differ in their pronoun, with one of two people that it refers to.
//
// TSV with a header, "sentid" and "sentence"; a sentid is OCCUPATION.PARTICIPANT.ANSWER.GENDER.txt, where ANSWER 0 means that
// the pronoun refers to the occupation, 1 to the participant. The male and the female sentence of one template are a sample,
// in this order; neutral ones are passed over. Where the pronoun refers to an occupation that occupations-stats.tsv beside the
// file has, the choice that a stereotype asks for is the gender of most people in it ("bls_pct_female").
//
// "winogender-coreference" asks what the paper asks: which of the two people the pronoun means. Each sentence is a sample, neutral
// ones too; its choices are the occupation and the participant, in this order, whichever stands first. A stereotype asks for the
// occupation where the pronoun has the gender of most people in it, else for the participant.
//
// Source: Rudinger et al. 2018, arXiv:1804.09301.
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "datasets/coreference.h"
#include "datasets/rows.h"
#include "datasets/text_index.h"

typedef struct Template {
    Slice key, occupation, participant; // key: the sentid up to its gender
    bool is_of_occupation;
    size_t line;
    Slice sentences[N_GENDERS];
} Template;

// A sentence in the order of the file.
typedef struct Line {
    size_t template; // its number
    int32_t gender;
    Slice id;
    size_t line;
} Line;

typedef struct Winogender {
    const ReadInput *input;
    TextIndex index, occupations;
    Template *templates;
    size_t capacity;
    Line *lines;
    size_t n_lines, lines_capacity;
    double (*women)[2]; // [occupations.n] percent: at work, in texts
    size_t statistics_capacity;
} Winogender;

// SIZE_MAX where it is not needed and not there.
static Status find_column(const RowReader *rows, const char *name, bool is_needed, size_t *out,
                          Error *err)
{
    for (*out = 0; *out < rows->n_fields; ++*out) {
        if (slice_eq_cstr(slice_trim(rows->fields[*out]), name)) return STATUS_OK;
    }
    *out = SIZE_MAX;
    if (!is_needed) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ":%zu: there is no column \"%s\" between the tabs of the header",
                     SLICE_ARG(rows->path), rows->line, name);
}

enum { MOST_COLUMNS = 3 };

// Rows of a table with columns by name, of which the first n_needed must be there; `take` gets their fields, with ptr NULL where
// there is no such column.
typedef struct Table {
    const char *names[MOST_COLUMNS];
    size_t n_needed;
    Status (*take)(Winogender *w, Slice path, size_t line, const Slice fields[MOST_COLUMNS],
                   Error *err);
} Table;

static Status find_columns(const RowReader *rows, const Table *table, size_t columns[MOST_COLUMNS],
                           Error *err)
{
    for (size_t i = 0; i < MOST_COLUMNS && table->names[i]; i++)
        TRY(find_column(rows, table->names[i], i < table->n_needed, &columns[i], err));
    return STATUS_OK;
}

static Status take_row(Winogender *w, const RowReader *rows, const Table *table,
                       const size_t columns[MOST_COLUMNS], size_t n_fields, Error *err)
{
    Slice fields[MOST_COLUMNS] = {{0}};
    if (rows->n_fields != n_fields) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: %zu columns where the header has %zu",
                         SLICE_ARG(rows->path), rows->line, rows->n_fields, n_fields);
    }
    for (size_t i = 0; i < MOST_COLUMNS && table->names[i]; i++) {
        if (columns[i] < n_fields) fields[i] = slice_trim(rows->fields[columns[i]]);
    }
    return table->take(w, rows->path, rows->line, fields, err);
}

static Status each_row(Winogender *w, const Table *table, Slice path, Slice text, Error *err)
{
    RowReader rows = {.path = path, .text = text, .arena = w->input->arena, .delimiter = '\t'};
    size_t columns[MOST_COLUMNS], n_fields = 0;
    for (;;) {
        bool more;
        TRY(row_next(&rows, &more, err));
        if (!more) return STATUS_OK;
        if (rows.is_blank) continue;
        if (n_fields == 0) {
            TRY(find_columns(&rows, table, columns, err));
            n_fields = rows.n_fields;
        } else {
            TRY(take_row(w, &rows, table, columns, n_fields, err));
        }
    }
}

enum { OF_WORK, OF_TEXTS };
static const char *const share_columns[2] = {"bls_pct_female", "bergsma_pct_female"};

static Status take_shares(Winogender *w, Slice path, size_t line, const Slice fields[MOST_COLUMNS],
                          Error *err)
{
    size_t index;
    TRY(text_index_add(&w->occupations, fields[0], &index, err));
    TRY(arena_make_room(w->input->arena, index, &w->statistics_capacity, sizeof *w->women, "shares",
                        &w->women, err));
    for (size_t k = 0; k < 2; k++) {
        double *value = &w->women[index][k];
        *value = NAN;
        if (fields[1 + k].ptr == NULL || (k == OF_TEXTS && fields[1 + k].len == 0)) continue;
        if (slice_to_double(fields[1 + k], value) && *value >= 0 && *value <= 100) continue;
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: %s is \"" SLICE_FMT "\", want a percentage from 0 to 100",
                         SLICE_ARG(path), line, share_columns[k],
                         SLICE_ARG(slice_sub(fields[1 + k], 0, 40)));
    }
    return STATUS_OK;
}

static Status read_statistics(Winogender *w, Error *err)
{
    static const Table table = {
        {"occupation", "bls_pct_female", "bergsma_pct_female"}, 2, take_shares};
    Slice text;
    const char *path =
        file_join(w->input->arena, file_directory_of(w->input->path), SLICE(WINOGENDER_STATISTICS));
    if (path == NULL) return error_set_memory(err, w->input->path.len, 1, "a path");
    if (!file_exists(path)) {
        return dataset_add_note(
            w->input->dataset, SLICE("occupations without statistics"), 1, err,
            "%s is not there: no share of women is known, so nothing can be said about stereotypes; put "
            "the file that is published with the sentences beside them",
            path);
    }
    TRY(bias_read_beside(w->input, path, &text, err));
    return each_row(w, &table, slice_from_cstr(path), text, err);
}

// Of an occupation; NULL where the statistics do not have it.
static const double *women_in(const Winogender *w, Slice occupation)
{
    const size_t index = text_index_find(&w->occupations, occupation);
    return index == SIZE_MAX ? NULL : w->women[index];
}

static Status wrong_id(Slice path, size_t line, Slice id, Error *err)
{
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ":%zu: sentid is \"" SLICE_FMT
                               "\", want OCCUPATION.PARTICIPANT.0 or 1.GENDER, such as "
                               "technician.customer.1.male.txt",
                     SLICE_ARG(path), line, SLICE_ARG(slice_sub(id, 0, 80)));
}

static Status take_template(Winogender *w, Slice key, size_t *index, Error *err)
{
    const size_t n = w->index.n;
    TRY(text_index_add(&w->index, key, index, err));
    TRY(arena_make_room(w->input->arena, *index, &w->capacity, sizeof *w->templates, "templates",
                        &w->templates, err));
    if (*index == n) w->templates[n] = (Template){.key = key};
    return STATUS_OK;
}

static int32_t gender_of(Slice word)
{
    for (int32_t g = 0; g < N_GENDERS; g++) {
        if (slice_eq_cstr(word, gender_name(g))) return g;
    }
    return SAMPLE_NO_LABEL;
}

static Status take_sentence(Winogender *w, Slice path, size_t line,
                            const Slice fields[MOST_COLUMNS], Error *err)
{
    enum { OCCUPATION, PARTICIPANT, ANSWER, GENDER, N_PARTS };
    const Slice id = fields[0], sentence = fields[1];
    Slice parts[N_PARTS], rest = id;
    size_t index;
    for (size_t i = 0; i < N_PARTS; i++) {
        if (!slice_split(&rest, '.', &parts[i]) || parts[i].len == 0)
            return wrong_id(path, line, id, err);
    }
    const bool is_zero = slice_eq_cstr(parts[ANSWER], "0");
    const int32_t gender = gender_of(parts[GENDER]);
    if ((!is_zero && !slice_eq_cstr(parts[ANSWER], "1")) || gender == SAMPLE_NO_LABEL)
        return wrong_id(path, line, id, err);
    const Slice key = slice_sub(id, 0, (size_t)(parts[ANSWER].ptr - id.ptr) + parts[ANSWER].len);
    TRY(take_template(w, key, &index, err));
    Template *to = &w->templates[index];
    if (to->line == 0) {
        *to = (Template){.key = key,
                         .occupation = parts[OCCUPATION],
                         .participant = parts[PARTICIPANT],
                         .is_of_occupation = is_zero,
                         .line = line};
    }
    if (to->sentences[gender].ptr != NULL || sentence.len == 0) {
        return error_set(err, STATUS_INVALID, SLICE_FMT ":%zu: \"" SLICE_FMT "\" %s",
                         SLICE_ARG(path), line, SLICE_ARG(slice_sub(id, 0, 80)),
                         sentence.len == 0 ? "has no sentence" : "stands twice");
    }
    to->sentences[gender] = sentence;
    TRY(arena_make_room(w->input->arena, w->n_lines, &w->lines_capacity, sizeof *w->lines,
                        "sentences", &w->lines, err));
    w->lines[w->n_lines++] = (Line){.template = index, .gender = gender, .id = id, .line = line};
    return STATUS_OK;
}

static Status read_sentences(const ReadInput *input, Winogender *w, Error *err)
{
    static const Table table = {{"sentid", "sentence", NULL}, 2, take_sentence};
    *w = (Winogender){
        .input = input, .index = {.arena = input->arena}, .occupations = {.arena = input->arena}};
    TRY(read_statistics(w, err));
    return each_row(w, &table, input->path, input->text, err);
}

// What is known of the occupation; its number is that of its first sentence's template.
static void put_occupation(const Winogender *w, const Template *from, size_t number,
                           BiasSample *sample)
{
    const double *women = women_in(w, from->occupation);
    if (women) memcpy(sample->bias.women, women, sizeof sample->bias.women);
    sample->bias.target = from->occupation;
    sample->bias.term = (int32_t)number;
    sample->group = from->occupation;
    bias_sample_attribute(sample, "refers_to",
                          from->is_of_occupation ? SLICE("occupation") : SLICE("participant"));
    bias_sample_attribute(sample, "occupation", from->occupation);
}

static Status add_template(const Winogender *w, const Template *from, size_t number, Error *err)
{
    BiasSample sample = bias_sample(from->line);
    for (int32_t k = 0; k < 2; k++) {
        if (from->sentences[k].ptr == NULL) {
            return error_set(
                err, STATUS_INVALID,
                SLICE_FMT ":%zu: \"" SLICE_FMT "\" has no %s sentence: a sample is the "
                          "male and the female one",
                SLICE_ARG(w->input->path), from->line, SLICE_ARG(from->key), gender_name(k));
        }
        sample.choices[k] = from->sentences[k];
    }
    sample.n_choices = 2;
    sample.id = from->key;
    sample.text = sample.choices[0];
    sample.pair = sample.choices[1];
    put_occupation(w, from, number, &sample);
    const double women = sample.bias.women[OF_WORK];
    // Of a participant nothing is known.
    if (from->is_of_occupation && !isnan(women)) sample.bias.stereotyped = women > 50;
    if (!from->is_of_occupation) sample.bias.women[OF_WORK] = sample.bias.women[OF_TEXTS] = NAN;
    return bias_sample_add(w->input, &sample, err);
}

static Status read_winogender(const ReadInput *input, Error *err)
{
    Winogender w;
    TextIndex seen = {.arena = input->arena};
    TRY(read_sentences(input, &w, err));
    for (size_t i = 0; i < w.index.n; i++) {
        size_t number;
        TRY(text_index_add(&seen, w.templates[i].occupation, &number, err));
        TRY(add_template(&w, &w.templates[i], number, err));
    }
    return STATUS_OK;
}

// ---- who is meant ----

// The first pronoun of a gender; ptr NULL where there is none.
static Slice find_pronoun(Slice sentence, int32_t gender)
{
    size_t at = 0;
    Slice word = sentence_word(sentence, &at);
    while (word.ptr && pronoun_gender(word) != gender) word = sentence_word(sentence, &at);
    return word;
}

static Status lacks(const Winogender *w, const Line *line, const char *what, Slice which,
                    Error *err)
{
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ":%zu: the sentence of \"" SLICE_FMT "\" has no %s" SLICE_FMT,
                     SLICE_ARG(w->input->path), line->line, SLICE_ARG(slice_sub(line->id, 0, 80)),
                     what, SLICE_ARG(which));
}

static Status add_sentence(const Winogender *w, const Line *line, size_t number, Error *err)
{
    const Template *from = &w->templates[line->template];
    const Slice sentence = from->sentences[line->gender];
    const Slice names[2] = {from->occupation, from->participant};
    Coreference c = {.sentence = sentence, .pronoun = find_pronoun(sentence, line->gender)};
    BiasSample sample = bias_sample(line->line);
    if (c.pronoun.ptr == NULL)
        return lacks(w, line, "pronoun that is ", slice_from_cstr(gender_name(line->gender)), err);
    for (size_t k = 0; k < 2; k++) {
        c.people[k] = sentence_find(sentence, names[k]);
        if (c.people[k].ptr == NULL) return lacks(w, line, "word ", names[k], err);
    }
    TRY(coreference_fill(&c, w->input->arena, &sample, err));
    sample.id = line->id;
    sample.gold = from->is_of_occupation ? 0 : 1;
    put_occupation(w, from, number, &sample);
    bias_sample_attribute(&sample, "pronoun", slice_from_cstr(gender_name(line->gender)));
    const double women = sample.bias.women[OF_WORK];
    if (line->gender != GENDER_NEUTRAL && !isnan(women))
        sample.bias.stereotyped = (women > 50) == (line->gender == GENDER_FEMALE) ? 0 : 1;
    return bias_sample_add(w->input, &sample, err);
}

static Status read_coreference(const ReadInput *input, Error *err)
{
    Winogender w;
    TextIndex seen = {.arena = input->arena};
    TRY(read_sentences(input, &w, err));
    for (size_t i = 0; i < w.n_lines; i++) {
        size_t number;
        TRY(text_index_add(&seen, w.templates[w.lines[i].template].occupation, &number, err));
        TRY(add_sentence(&w, &w.lines[i], number, err));
    }
    return STATUS_OK;
}

static const char *const extensions[] = {NULL};

const Reader reader_winogender = {
    .name = "winogender",
    .summary = "Winogender: TSV with sentid and sentence; occupations-stats.tsv beside it",
    .extensions = extensions,
    .read = read_winogender,
};

const Reader reader_winogender_coreference = {
    .name = "winogender-coreference",
    .summary =
        "Winogender's file, asking whom the pronoun means: a sentence, its occupation and participant",
    .extensions = extensions,
    .has_questions = true,
    .read = read_coreference,
};
