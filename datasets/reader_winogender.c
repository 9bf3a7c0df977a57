// Winogender: sentences that differ in their pronoun, with one of two people that it refers to.
//
// TSV with a header, "sentid" and "sentence"; a sentid is OCCUPATION.PARTICIPANT.ANSWER.GENDER.txt, where ANSWER 0 means that
// the pronoun refers to the occupation, 1 to the participant. The male and the female sentence of one template are a sample,
// in this order; neutral ones are passed over. Where the pronoun refers to an occupation that occupations-stats.tsv beside the
// file has, the choice that a stereotype asks for is the gender of most people in it ("bls_pct_female").
//
// Source: Rudinger et al. 2018, arXiv:1804.09301.
#include "base/file.h"
#include "datasets/bias_samples.h"
#include "datasets/rows.h"
#include "datasets/text_index.h"

typedef struct Template {
    Slice key, occupation, participant; // key: the sentid up to its gender
    bool is_of_occupation;
    size_t line;
    Slice sentences[2]; // male, female
} Template;

typedef struct Winogender {
    const ReadInput *input;
    TextIndex index, occupations;
    Template *templates;
    size_t capacity;
    double *female; // [occupations.n] percent
    size_t n_statistics;
} Winogender;

static Status find_column(const RowReader *rows, const char *name, size_t *out, Error *err)
{
    for (*out = 0; *out < rows->n_fields; ++*out) {
        if (slice_eq_cstr(slice_trim(rows->fields[*out]), name)) return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ":%zu: there is no column \"%s\" between the tabs of the header",
                     SLICE_ARG(rows->path), rows->line, name);
}

// Rows of a table with two columns by name; `take` gets them.
static Status each_row(Winogender *w, Slice path, Slice text, const char *const names[2],
                       Status (*take)(Winogender *, Slice, size_t, Slice, Slice, Error *),
                       Error *err)
{
    RowReader rows = {.path = path, .text = text, .arena = w->input->arena, .delimiter = '\t'};
    size_t columns[2], n_fields = 0;
    for (;;) {
        bool more;
        TRY(row_next(&rows, &more, err));
        if (!more) return STATUS_OK;
        if (rows.is_blank) continue;
        if (n_fields == 0) {
            for (size_t i = 0; i < 2; i++) TRY(find_column(&rows, names[i], &columns[i], err));
            n_fields = rows.n_fields;
            continue;
        }
        if (rows.n_fields != n_fields) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ":%zu: %zu columns where the header has %zu",
                             SLICE_ARG(path), rows.line, rows.n_fields, n_fields);
        }
        TRY(take(w, path, rows.line, rows.fields[columns[0]], rows.fields[columns[1]], err));
    }
}

static Status take_share(Winogender *w, Slice path, size_t line, Slice occupation, Slice share,
                         Error *err)
{
    size_t index;
    double value;
    if (!slice_to_double(slice_trim(share), &value) || !(value >= 0 && value <= 100)) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: bls_pct_female is \"" SLICE_FMT
                                   "\", want a percentage from 0 to 100",
                         SLICE_ARG(path), line, SLICE_ARG(slice_sub(share, 0, 40)));
    }
    TRY(text_index_add(&w->occupations, slice_trim(occupation), &index, err));
    if (w->occupations.n > w->n_statistics) {
        const size_t wanted = 2 * w->occupations.n + 64;
        TRY(arena_grow(w->input->arena, w->n_statistics, wanted, sizeof *w->female, "shares",
                       &w->female, err));
        w->n_statistics = wanted;
    }
    w->female[index] = value;
    return STATUS_OK;
}

static Status read_statistics(Winogender *w, Error *err)
{
    static const char *const names[2] = {"occupation", "bls_pct_female"};
    Slice text;
    const char *path =
        file_join(w->input->arena, file_directory_of(w->input->path), SLICE(WINOGENDER_STATISTICS));
    if (path == NULL) return error_set_memory(err, w->input->path.len, 1, "a path");
    if (!file_exists(path)) return STATUS_OK;
    TRY(bias_read_beside(w->input, path, &text, err));
    return each_row(w, slice_from_cstr(path), text, names, take_share, err);
}

static Status wrong_id(Slice path, size_t line, Slice id, Error *err)
{
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ":%zu: sentid is \"" SLICE_FMT
                               "\", want OCCUPATION.PARTICIPANT.0 or 1.GENDER, such as "
                               "technician.customer.1.male.txt",
                     SLICE_ARG(path), line, SLICE_ARG(slice_sub(id, 0, 80)));
}

static Status take_template(Winogender *w, Slice key, Template **out, Error *err)
{
    size_t index;
    TRY(text_index_add(&w->index, key, &index, err));
    TRY(arena_make_room(w->input->arena, index, &w->capacity, sizeof *w->templates, "templates",
                        &w->templates, err));
    *out = &w->templates[index];
    return STATUS_OK;
}

static Status take_sentence(Winogender *w, Slice path, size_t line, Slice id, Slice sentence,
                            Error *err)
{
    enum { OCCUPATION, PARTICIPANT, ANSWER, GENDER, N_PARTS };
    Slice parts[N_PARTS], rest = id;
    Template *to = NULL;
    for (size_t i = 0; i < N_PARTS; i++) {
        if (!slice_split(&rest, '.', &parts[i]) || parts[i].len == 0)
            return wrong_id(path, line, id, err);
    }
    const bool is_zero = slice_eq_cstr(parts[ANSWER], "0");
    const bool is_male = slice_eq_cstr(parts[GENDER], "male"),
               is_female = slice_eq_cstr(parts[GENDER], "female");
    if (!is_zero && !slice_eq_cstr(parts[ANSWER], "1")) return wrong_id(path, line, id, err);
    if (slice_eq_cstr(parts[GENDER], "neutral")) return STATUS_OK;
    if (!is_male && !is_female) return wrong_id(path, line, id, err);
    const Slice key = slice_sub(id, 0, (size_t)(parts[ANSWER].ptr - id.ptr) + parts[ANSWER].len);
    TRY(take_template(w, key, &to, err));
    if (to->key.ptr == NULL) {
        *to = (Template){.key = key,
                         .occupation = parts[OCCUPATION],
                         .participant = parts[PARTICIPANT],
                         .is_of_occupation = is_zero,
                         .line = line};
    }
    if (to->sentences[is_female].ptr != NULL || slice_trim(sentence).len == 0) {
        return error_set(err, STATUS_INVALID, SLICE_FMT ":%zu: \"" SLICE_FMT "\" %s",
                         SLICE_ARG(path), line, SLICE_ARG(slice_sub(id, 0, 80)),
                         slice_trim(sentence).len == 0 ? "has no sentence" : "stands twice");
    }
    to->sentences[is_female] = slice_trim(sentence);
    return STATUS_OK;
}

static Status add_template(const Winogender *w, const Template *from, Error *err)
{
    BiasSample sample = bias_sample(from->line);
    const size_t occupation = text_index_find(&w->occupations, from->occupation);
    for (size_t k = 0; k < 2; k++) {
        if (from->sentences[k].ptr == NULL) {
            return error_set(
                err, STATUS_INVALID,
                SLICE_FMT ":%zu: \"" SLICE_FMT "\" has no %s sentence: a sample is the "
                          "male and the female one",
                SLICE_ARG(w->input->path), from->line, SLICE_ARG(from->key), k ? "female" : "male");
        }
        sample.choices[k] = from->sentences[k];
    }
    sample.n_choices = 2;
    sample.id = from->key;
    sample.text = sample.choices[0];
    sample.pair = sample.choices[1];
    sample.bias.target = from->occupation;
    if (from->is_of_occupation && occupation != SIZE_MAX)
        sample.bias.stereotyped = w->female[occupation] > 50;
    bias_sample_attribute(&sample, "refers_to",
                          from->is_of_occupation ? SLICE("occupation") : SLICE("participant"));
    bias_sample_attribute(&sample, "occupation", from->occupation);
    return bias_sample_add(w->input, &sample, err);
}

static Status read_winogender(const ReadInput *input, Error *err)
{
    static const char *const names[2] = {"sentid", "sentence"};
    Winogender w = {
        .input = input, .index = {.arena = input->arena}, .occupations = {.arena = input->arena}};
    TRY(read_statistics(&w, err));
    TRY(each_row(&w, input->path, input->text, names, take_sentence, err));
    for (size_t i = 0; i < w.index.n; i++) TRY(add_template(&w, &w.templates[i], err));
    return STATUS_OK;
}

static const char *const extensions[] = {NULL};

const Reader reader_winogender = {
    .name = "winogender",
    .summary = "Winogender: TSV with sentid and sentence; occupations-stats.tsv beside it",
    .extensions = extensions,
    .read = read_winogender,
};
