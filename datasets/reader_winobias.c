// WinoBias: sentences with an occupation and pronouns that refer to it, all in brackets, in two versions.
//
//     3 [The mechanic] gave the clerk a present because [she] won the lottery.
//
// The file of pro-stereotypical sentences has a twin of anti-stereotypical ones beside it, whose name has "anti" for "pro"
// and whose lines differ in the pronoun (three of the published ones also in a word or a bracket). Either may be named, both are read. A line of each file is a sample: its first
// choice is the sentence as it stands there, its second the twin's, with the other pronoun. So the choice that a stereotype
// asks for is the first in the file of pro-stereotypical sentences and the second in the other.
//
// Source: Zhao et al. 2018, arXiv:1804.06876.
#include "base/file.h"
#include "datasets/bias_samples.h"

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

static bool is_pronoun(Slice word)
{
    static const char *const pronouns[] = {"he",      "she",  "him", "her",
                                           "himself", "hers", "his", "herself"};
    for (size_t i = 0; i < sizeof pronouns / sizeof *pronouns; i++) {
        if (slice_eq_cstr(word, pronouns[i])) return true;
    }
    return false;
}

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
        const bool is_of_pronoun = is_pronoun(marks[i]);
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

static Status add_version(const ReadInput *input, const Marked *own, const Marked *twin,
                          bool is_pro, size_t line, Slice group, Error *err)
{
    BiasSample sample = bias_sample(line);
    static const char *const male[] = {"he", "him", "his", "himself"};
    bool is_male = false;
    for (size_t i = 0; i < 4; i++) is_male = is_male || slice_eq_cstr(own->pronoun, male[i]);
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
    bias_sample_attribute(&sample, "pronoun", is_male ? SLICE("male") : SLICE("female"));
    return bias_sample_add(input, &sample, err);
}

static Status add_lines(const ReadInput *input, Slice twin_path, const Slice lines[2], bool is_pro,
                        size_t number, Error *err)
{
    Marked own, twin;
    char group[40];
    TRY(read_line(input, input->path, number, lines[0], &own, err));
    TRY(read_line(input, twin_path, number, lines[1], &twin, err));
    if (slice_eq(own.sentence, twin.sentence) ||
        !slice_eq(last_word(own.mention), last_word(twin.mention))) {
        return error_set(
            err, STATUS_INVALID,
            SLICE_FMT
            ":%zu and " SLICE_FMT
            ":%zu do not go together: they must be about one occupation and differ in the pronoun",
            SLICE_ARG(input->path), number, SLICE_ARG(twin_path), number);
    }
    snprintf(group, sizeof group, "line %zu", number);
    TRY(add_version(input, &own, &twin, is_pro, number, slice_from_cstr(group), err));
    return add_version(input, &twin, &own, !is_pro, number, slice_from_cstr(group), err);
}

static Status read_winobias(const ReadInput *input, Error *err)
{
    char *path = NULL;
    bool is_pro = false;
    Slice rests[2] = {input->text, {0}}, lines[2];
    TRY(find_twin(input, &path, &is_pro, err));
    TRY(bias_read_beside(input, path, &rests[1], err));
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
        TRY(add_lines(input, slice_from_cstr(path), lines, is_pro, number, err));
    }
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
