// WinoBias: sentences with an occupation and pronouns that refer to it, all in brackets, in two versions.
//
//     3 [The mechanic] gave the clerk a present because [she] won the lottery.
//
// The file of pro-stereotypical sentences has a twin of anti-stereotypical ones beside it, whose name has "anti" for "pro"
// and whose lines differ in the pronoun (three of the published ones also in a word or a bracket). Either may be named, both are read. A line of each file is a sample: its first
// choice is the sentence as it stands there, its second the twin's, with the other pronoun. So the choice that a stereotype
// asks for is the first in the file of pro-stereotypical sentences and the second in the other.
//
// "winobias-coreference" asks what the paper asks: which of two people the pronoun means. The one in brackets is right; the other
// is the first person of the sentence who stands in brackets elsewhere in the file. A stereotype asks for the right one in the
// pro-stereotypical file, and for the other in its twin.
//
// Source: Zhao et al. 2018, arXiv:1804.06876.
#include "base/file.h"
#include "datasets/coreference.h"
#include "datasets/text_index.h"

#include <stdio.h>

static Status find_twin(const ReadInput *input, char **out, bool *is_pro, Error *err)
{
    *out = winobias_twin(input->arena, input->path, is_pro);
    if (*out == NULL) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": the name says neither \"pro_\" nor \"anti_\": want WinoBias' "
                                   "files, such as pro_stereotyped_type1.txt.dev",
                         SLICE_ARG(input->path));
    }
    if (file_exists(*out)) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ": its twin %s is not there; both versions are read together",
                     SLICE_ARG(input->path), *out);
}

typedef struct Marked {
    Slice sentence;         // without brackets
    Slice mention, pronoun; // what stood in them
} Marked;

enum { MOST_MARKS = 8 };

// Takes brackets out; what stood in them goes to marks. False where they do not fit each other.
static bool take_marks(Slice line, char *to, size_t *len, Slice marks[MOST_MARKS], size_t *n)
{
    size_t open = SIZE_MAX;
    *len = *n = 0;
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] == '[') {
            if (open != SIZE_MAX || *n == MOST_MARKS) return false;
            open = *len;
        } else if (line.ptr[i] == ']') {
            if (open == SIZE_MAX) return false;
            marks[(*n)++] = (Slice){to + open, *len - open};
            open = SIZE_MAX;
        } else {
            to[(*len)++] = line.ptr[i];
        }
    }
    return open == SIZE_MAX;
}

// A line without its number and brackets. One mark is the occupation, all others are pronouns.
static Status read_line(const ReadInput *input, Slice path, size_t number, Slice line, Marked *out,
                        Error *err)
{
    char *to = NULL;
    Slice marks[MOST_MARKS];
    size_t len = 0, n = 0;
    const size_t space = slice_find_byte(line, ' ');
    int64_t index;
    *out = (Marked){0};
    if (space != SIZE_MAX && slice_to_i64(slice_sub(line, 0, space), &index))
        line = slice_trim(slice_sub(line, space + 1, line.len));
    TRY(arena_take(input->arena, line.len + 1, 1, "a sentence", &to, err));
    bool is_sound = take_marks(line, to, &len, marks, &n);
    for (size_t i = 0; is_sound && i < n; i++) {
        const bool is_of_pronoun = pronoun_gender(marks[i]) != SAMPLE_NO_LABEL;
        Slice *slot = is_of_pronoun ? &out->pronoun : &out->mention;
        is_sound = is_of_pronoun || slot->ptr == NULL;
        if (slot->ptr == NULL) *slot = marks[i];
    }
    out->sentence = (Slice){to, len};
    if (is_sound && out->pronoun.ptr && out->mention.len > 0) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ":%zu: want a sentence with an occupation and its pronoun in "
                               "brackets, such as \"3 [The mechanic] thinks that [she] won\"",
                     SLICE_ARG(path), number);
}

static Slice last_word(Slice text)
{
    size_t at = text.len;
    while (at > 0 && text.ptr[at - 1] != ' ') at--;
    return slice_sub(text, at, text.len);
}

// A line of the file that was named and the one of its twin.
typedef struct Lines {
    Marked of[2]; // pro-stereotypical, anti-stereotypical
    size_t number;
} Lines;

typedef struct WinoBias {
    const ReadInput *input;
    Slice twin_path;
    bool is_pro; // the file that was named
    Lines *lines;
    size_t n, capacity;
} WinoBias;

static Status take_lines(WinoBias *w, const Slice lines[2], size_t number, Error *err)
{
    Marked own, twin;
    TRY(read_line(w->input, w->input->path, number, lines[0], &own, err));
    TRY(read_line(w->input, w->twin_path, number, lines[1], &twin, err));
    if (slice_eq(own.sentence, twin.sentence) ||
        !slice_eq(last_word(own.mention), last_word(twin.mention))) {
        return error_set(
            err, STATUS_INVALID,
            SLICE_FMT
            ":%zu and " SLICE_FMT
            ":%zu do not go together: they must be about one occupation and differ in the pronoun",
            SLICE_ARG(w->input->path), number, SLICE_ARG(w->twin_path), number);
    }
    TRY(arena_make_room(w->input->arena, w->n, &w->capacity, sizeof *w->lines, "lines", &w->lines,
                        err));
    w->lines[w->n++] =
        (Lines){.of = {w->is_pro ? own : twin, w->is_pro ? twin : own}, .number = number};
    return STATUS_OK;
}

static Status read_both(const ReadInput *input, WinoBias *w, Error *err)
{
    char *path = NULL;
    Slice rests[2] = {input->text, {0}}, lines[2];
    w->input = input;
    TRY(find_twin(input, &path, &w->is_pro, err));
    TRY(bias_read_beside(input, path, &rests[1], err));
    w->twin_path = slice_from_cstr(path);
    for (size_t number = 1;; number++) {
        const bool more[2] = {slice_split(&rests[0], '\n', &lines[0]),
                              slice_split(&rests[1], '\n', &lines[1])};
        if (!more[0] && !more[1]) return STATUS_OK;
        for (size_t i = 0; i < 2; i++) lines[i] = more[i] ? slice_trim(lines[i]) : (Slice){0};
        if (lines[0].len == 0 && lines[1].len == 0) continue;
        if (lines[0].len == 0 || lines[1].len == 0) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT " and its twin %s have different lines from line %zu on",
                             SLICE_ARG(input->path), path, number);
        }
        TRY(take_lines(w, lines, number, err));
    }
}

static Status add_pronouns(const WinoBias *w, const Lines *lines, bool is_pro, Slice group,
                           Error *err)
{
    const Marked *own = &lines->of[is_pro ? 0 : 1], *twin = &lines->of[is_pro ? 1 : 0];
    BiasSample sample = bias_sample(lines->number);
    sample.choices[0] = own->sentence;
    sample.choices[1] = twin->sentence;
    sample.n_choices = 2;
    sample.text = own->sentence;
    sample.pair = twin->sentence;
    sample.gold = 0;
    sample.group = group;
    sample.bias.stereotyped = is_pro ? 0 : 1;
    sample.bias.direction = is_pro ? 0 : 1;
    sample.bias.target = own->mention;
    bias_sample_attribute(&sample, "version", is_pro ? SLICE("pro") : SLICE("anti"));
    bias_sample_attribute(&sample, "pronoun",
                          slice_from_cstr(gender_name(pronoun_gender(own->pronoun))));
    return bias_sample_add(w->input, &sample, err);
}

// Both versions of each line, that of the file which was named first.
static Status add_versions(const WinoBias *w,
                           Status (*add)(const WinoBias *, const Lines *, bool, Slice, Error *),
                           Error *err)
{
    for (size_t i = 0; i < w->n; i++) {
        char group[40];
        snprintf(group, sizeof group, "line %zu", w->lines[i].number);
        TRY(add(w, &w->lines[i], w->is_pro, slice_from_cstr(group), err));
        TRY(add(w, &w->lines[i], !w->is_pro, slice_from_cstr(group), err));
    }
    return STATUS_OK;
}

static Status read_winobias(const ReadInput *input, Error *err)
{
    WinoBias w = {0};
    TRY(read_both(input, &w, err));
    return add_versions(&w, add_pronouns, err);
}

// ---- who is meant ----

static Slice without_article(Slice mention)
{
    size_t at = 0;
    const Slice first = sentence_word(mention, &at);
    const bool has_article = slice_eq_cstr(first, "The") || slice_eq_cstr(first, "the") ||
                             slice_eq_cstr(first, "A") || slice_eq_cstr(first, "a") ||
                             slice_eq_cstr(first, "An") || slice_eq_cstr(first, "an");
    return has_article && at < mention.len ? slice_trim(slice_sub(mention, at, mention.len))
                                           : mention;
}

enum { MOST_WORDS = 4 }; // of a person: "construction worker"

// The first person of a sentence who is known and not the one meant; of several that begin with one word the longest.
static Slice find_other(const TextIndex *people, const Marked *marked, Slice meant)
{
    const Slice sentence = marked->sentence;
    size_t at = 0;
    for (Slice word = sentence_word(sentence, &at); word.ptr; word = sentence_word(sentence, &at)) {
        const size_t begin = (size_t)(word.ptr - sentence.ptr);
        Slice found = {0};
        size_t end = begin;
        for (size_t n = 0; n < MOST_WORDS && sentence_word(sentence, &end).ptr; n++) {
            const Slice name = slice_sub(sentence, begin, end);
            if (text_index_find(people, name) != SIZE_MAX) found = name;
        }
        if (found.ptr && !slice_eq(found, meant)) return found;
    }
    return (Slice){0};
}

typedef struct WhoIsMeant {
    WinoBias both;
    TextIndex people;
} WhoIsMeant;

// Whether a file is of sentences that need knowledge of the world (1) or whose grammar tells (2), by its name.
static Slice type_of(Slice path)
{
    const Slice name = file_name_of(path);
    return slice_find(name, SLICE("type1")) != SIZE_MAX   ? SLICE("1")
           : slice_find(name, SLICE("type2")) != SIZE_MAX ? SLICE("2")
                                                          : (Slice){0};
}

static Status add_mentions(const WinoBias *w, const Lines *lines, bool is_pro, Slice group,
                           Error *err)
{
    const WhoIsMeant *who = (const WhoIsMeant *)w; // the first member
    const Marked *own = &lines->of[is_pro ? 0 : 1];
    const Slice meant = without_article(own->mention);
    const Slice other = find_other(&who->people, own, meant), type = type_of(w->input->path);
    BiasSample sample = bias_sample(lines->number);
    if (other.ptr == NULL) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: beside \"" SLICE_FMT
                                   "\" no one is there whom the pronoun could mean: want a second "
                                   "person who stands in brackets elsewhere in the file",
                         SLICE_ARG(w->is_pro == is_pro ? w->input->path : w->twin_path),
                         lines->number, SLICE_ARG(meant));
    }
    const bool is_second = other.ptr < meant.ptr; // people in their order
    const Coreference c = {.sentence = own->sentence,
                           .pronoun = own->pronoun,
                           .people = {is_second ? other : meant, is_second ? meant : other}};
    TRY(coreference_fill(&c, w->input->arena, &sample, err));
    sample.gold = is_second;
    sample.group = group;
    sample.bias.stereotyped = is_pro ? sample.gold : 1 - sample.gold;
    sample.bias.direction = is_pro ? 0 : 1;
    sample.bias.target = meant;
    bias_sample_attribute(&sample, "version", is_pro ? SLICE("pro") : SLICE("anti"));
    bias_sample_attribute(&sample, "pronoun", slice_from_cstr(gender_name(sample.bias.gender)));
    if (type.ptr) bias_sample_attribute(&sample, "type", type);
    return bias_sample_add(w->input, &sample, err);
}

static Status read_coreference(const ReadInput *input, Error *err)
{
    WhoIsMeant who = {.people = {.arena = input->arena}};
    TRY(read_both(input, &who.both, err));
    for (size_t i = 0; i < who.both.n; i++) {
        size_t index;
        for (size_t k = 0; k < 2; k++)
            TRY(text_index_add(&who.people, without_article(who.both.lines[i].of[k].mention),
                               &index, err));
    }
    return add_versions(&who.both, add_mentions, err);
}

static const char *const extensions[] = {NULL};

const Reader reader_winobias = {
    .name = "winobias",
    .summary =
        "WinoBias: lines with an occupation and its pronoun in brackets; the pro and the anti "
        "file beside each other",
    .extensions = extensions,
    .read = read_winobias,
};

const Reader reader_winobias_coreference = {
    .name = "winobias-coreference",
    .summary =
        "WinoBias' files, asking whom the pronoun means: a sentence and the two people in it",
    .extensions = extensions,
    .has_questions = true,
    .read = read_coreference,
};
