#include "results/explained.h"

#include <math.h>

#include "base/json.h"
#include "base/unicode.h"

static double number_or_nan(const Json *object, const char *key)
{
    const Json *value = json_get(object, key);
    return value && json_kind(value) == JSON_NUMBER ? json_double(value) : (double)NAN;
}

static Slice copy_text(Arena *arena, const Json *value)
{
    return value && json_kind(value) == JSON_STRING ? arena_copy(arena, json_string(value))
                                                    : SLICE("");
}

// Whether what ends before `at` goes on behind it: letters and digits of scripts that put blanks between words.
static bool is_joined(Slice text, size_t at)
{
    size_t before = at, after = at;
    while (before > 0 && ((unsigned char)text.ptr[--before] & 0xc0) == 0x80) {
    }
    if (at == 0 || at >= text.len) return false;
    const CodePoint a = utf8_next(text, &before), b = utf8_next(text, &after);
    return unicode_is_alphanumeric(a) && unicode_is_alphanumeric(b) && a < 0x2e80 &&
           b < 0x2e80; // from there on: ideographs, kana, hangul
}

static Status read_token(const Json *token, Slice input, Slice pair, ExplainedWord *out, Error *err)
{
    const Json *field = json_at(token, 0), *begin = json_at(token, 1), *end = json_at(token, 2),
               *attribution = json_at(token, 3);
    int64_t which = 0, from = 0, to = 0;
    if (!attribution)
        return error_set(err, STATUS_INVALID, "an explained token wants four numbers");
    TRY(json_as_i64(field, 0, 1, &which, err));
    const Slice text = which == 0 ? input : pair;
    TRY(json_as_i64(begin, 0, (int64_t)text.len, &from, err));
    TRY(json_as_i64(end, from, (int64_t)text.len, &to, err));
    *out = (ExplainedWord){.field = (int)which,
                           .begin = (size_t)from,
                           .end = (size_t)to,
                           .attribution = json_kind(attribution) == JSON_NUMBER
                                              ? json_double(attribution)
                                              : (double)NAN};
    return STATUS_OK;
}

// Tokens of a text come in order; one that overlaps or touches the one before within a word belongs to it.
static void add_word(ExplainedAnswer *answer, const ExplainedWord *token, Slice text)
{
    ExplainedWord *last = answer->n_words > 0 ? &answer->words[answer->n_words - 1] : NULL;
    const bool goes_on =
        last && last->field == token->field &&
        (token->begin < last->end || (token->begin == last->end && is_joined(text, token->begin)));
    if (!goes_on) {
        answer->words[answer->n_words++] = *token;
        return;
    }
    if (token->end > last->end) last->end = token->end;
    last->attribution += token->attribution;
}

static Status read_answer(const Json *object, Slice input, Slice pair, Arena *arena,
                          ExplainedAnswer *out, Error *err)
{
    const Json *tokens = json_get(object, "tokens");
    ExplainedWord *words;
    TRY(arena_take(arena, json_len(tokens), sizeof *words, "words", &words, err));
    *out = (ExplainedAnswer){.about = copy_text(arena, json_get(object, "about")),
                             .score = number_or_nan(object, "score"),
                             .baseline = number_or_nan(object, "baseline"),
                             .completeness_error = number_or_nan(object, "completeness_error"),
                             .words = words};
    for (const Json *t = json_first(tokens); t; t = json_next(t)) {
        ExplainedWord token;
        TRY(read_token(t, input, pair, &token, err));
        add_word(out, &token, token.field == 0 ? input : pair);
    }
    for (size_t i = 0; i < out->n_words; i++)
        out->largest = fmax(out->largest, fabs(out->words[i].attribution));
    return STATUS_OK;
}

static Status read_explained(const Json *root, Slice input, Slice pair, Arena *arena,
                             Explained *out, Error *err)
{
    const Json *answers = json_get(root, "answers");
    const double n_steps = number_or_nan(root, "steps");
    *out = (Explained){.method = copy_text(arena, json_get(root, "method")),
                       .n_steps = n_steps > 0 && n_steps < 1e9 ? (uint64_t)n_steps : 0};
    TRY(arena_take(arena, json_len(answers), sizeof *out->answers, "explanations", &out->answers,
                   err));
    for (const Json *a = json_first(answers); a; a = json_next(a))
        TRY(read_answer(a, input, pair, arena, &out->answers[out->n_answers++], err));
    return STATUS_OK;
}

Status explained_parse(Slice json, Slice input, Slice pair, Arena *arena, Explained *out,
                       Error *err)
{
    JsonDocument *document = NULL;
    TRY(json_parse(SLICE("explanation"), json, JSON_STRICT, &document, err));
    const Status s = read_explained(json_root(document), input, pair, arena, out, err);
    json_close(&document);
    return s;
}

size_t explained_strongest(const ExplainedAnswer *answer, size_t n, size_t *order)
{
    size_t n_found = 0;
    for (size_t i = 0; i < answer->n_words; i++) {
        const double own = fabs(answer->words[i].attribution);
        size_t at = n_found;
        while (at > 0 && fabs(answer->words[order[at - 1]].attribution) < own) at--;
        if (at >= n || !(own > 0)) continue;
        if (n_found < n) n_found++;
        for (size_t k = n_found - 1; k > at; k--) order[k] = order[k - 1];
        order[at] = i;
    }
    return n_found;
}
