#include "datasets/swap.h"

#include "base/buffer.h"
#include "base/json.h"
#include "base/unicode.h"
#include "datasets/text_index.h"

struct SwapList {
    TextIndex words;
    Slice *to;       // [words.n] before a noun, where both are
    Slice *to_alone; // [words.n] the other; the same for most
    TextIndex no_nouns;
};

static bool is_letter(CodePoint c)
{
    return unicode_category(c)[0] == 'L' || unicode_category(c)[0] == 'M';
}

// Letters alone, and none that lower case would change.
static Status check_word(const Json *at, Slice word, Arena *arena, Error *err)
{
    Slice lower;
    bool is_word = word.len > 0;
    for (size_t i = 0; i < word.len;) is_word = is_letter(utf8_next(word, &i)) && is_word;
    TRY(unicode_lower(arena, word, &lower, err));
    if (is_word && slice_eq(lower, word)) return STATUS_OK;
    return json_error(at, err, "\"" SLICE_FMT "\" is no single word in lower case",
                      SLICE_ARG(slice_sub(word, 0, 60)));
}

static Status read_replacement(const Json *value, const char *key, Slice from, Arena *arena,
                               Slice *out, Error *err)
{
    Slice to;
    TRY(key ? json_want_string(value, key, &to, err) : json_as_string(value, &to, err));
    TRY(check_word(value, to, arena, err));
    if (slice_eq(from, to)) return json_error(value, err, "the word is its own replacement");
    *out = arena_copy(arena, to);
    return out->ptr ? STATUS_OK : error_set_memory(err, to.len, 1, "a word");
}

static Status read_words(const Json *words, Arena *arena, SwapList *list, Error *err)
{
    static const char *const known[] = {"before_noun", "alone"};
    TRY(arena_take(arena, json_len(words), sizeof *list->to, "words", &list->to, err));
    TRY(arena_take(arena, json_len(words), sizeof *list->to_alone, "words", &list->to_alone, err));
    for (const Json *v = json_first(words); v; v = json_next(v)) {
        const bool is_double = json_kind(v) == JSON_OBJECT;
        const Slice from = arena_copy(arena, json_key(v));
        size_t index;
        if (!from.ptr) return error_set_memory(err, 1, 1, "a word");
        TRY(check_word(v, from, arena, err));
        TRY(text_index_add(&list->words, from, &index, err));
        if (is_double) TRY(json_check_keys(v, known, 2, err));
        TRY(read_replacement(v, is_double ? "before_noun" : NULL, from, arena, &list->to[index],
                             err));
        TRY(read_replacement(v, is_double ? "alone" : NULL, from, arena, &list->to_alone[index],
                             err));
    }
    return STATUS_OK;
}

static Status read_no_nouns(const Json *root, Arena *arena, SwapList *list, Error *err)
{
    const Json *words = NULL;
    TRY(json_opt_kind(root, "no_nouns", JSON_ARRAY, &words, err));
    for (const Json *v = words ? json_first(words) : NULL; v; v = json_next(v)) {
        Slice word;
        size_t index;
        TRY(json_as_string(v, &word, err));
        TRY(check_word(v, word, arena, err));
        word = arena_copy(arena, word);
        if (!word.ptr) return error_set_memory(err, 1, 1, "a word");
        TRY(text_index_add(&list->no_nouns, word, &index, err));
    }
    return STATUS_OK;
}

Status swap_list_load(const char *path, Arena *arena, const SwapList **out, Error *err)
{
    static const char *const known[] = {"swap", "summary", "words", "no_nouns"};
    JsonDocument *document = NULL;
    const Json *words = NULL;
    SwapList *list = NULL;
    Status s = json_load(path, JSON_COMMENTS, &document, err);
    if (s == STATUS_OK) s = json_check_keys(json_root(document), known, 4, err);
    if (s == STATUS_OK) s = json_want_kind(json_root(document), "words", JSON_OBJECT, &words, err);
    if (s == STATUS_OK && json_len(words) == 0) s = json_error(words, err, "the list has no words");
    if (s == STATUS_OK) s = arena_take(arena, 1, sizeof *list, "a list of words", &list, err);
    if (s == STATUS_OK) {
        list->words.arena = list->no_nouns.arena = arena;
        s = read_words(words, arena, list, err);
    }
    if (s == STATUS_OK) s = read_no_nouns(json_root(document), arena, list, err);
    json_close(&document);
    *out = list;
    return s;
}

void swap_put_like(Buffer *out, Slice word, Slice lower, Slice to)
{
    size_t at = 0, lower_at = 0, to_at = 0;
    const bool has_capital = utf8_next(word, &at) != utf8_next(lower, &lower_at);
    bool is_upper = has_capital && at < word.len;
    while (is_upper && at < word.len && lower_at < lower.len)
        is_upper = utf8_next(word, &at) != utf8_next(lower, &lower_at);
    for (bool is_first = true; to_at < to.len; is_first = false) {
        char bytes[4];
        const CodePoint c = utf8_next(to, &to_at);
        const bool raise = (is_first && has_capital) || is_upper;
        buffer_append(out, (Slice){bytes, utf8_encode(raise ? unicode_upper_point(c) : c, bytes)});
    }
}

// The run of letters that begins at `at`.
static Slice word_at(Slice text, size_t at)
{
    size_t end = at;
    for (size_t next = at; next < text.len && is_letter(utf8_next(text, &next));) end = next;
    return slice_sub(text, at, end);
}

// Whether a noun, or what comes before one, stands behind a word: here in the rest of its text, or else in what follows that.
static Status is_before_noun(const SwapList *list, Slice rest, Slice following, Arena *scratch,
                             bool *out, Error *err)
{
    const Slice text = rest.len > 0 ? rest : following;
    Slice lower, next;
    size_t at = 0;
    *out = false;
    while (at < text.len && (text.ptr[at] == ' ' || text.ptr[at] == '\n')) at++;
    next = at > 0 ? word_at(text, at) : (Slice){0};
    if (next.len == 0) return STATUS_OK;
    TRY(unicode_lower(scratch, next, &lower, err));
    *out = text_index_find(&list->no_nouns, lower) == SIZE_MAX;
    return STATUS_OK;
}

static Status put_word(const SwapList *list, Slice word, Slice rest, Slice following,
                       Arena *scratch, Buffer *out, bool *is_changed, Error *err)
{
    Slice lower;
    bool is_noun_next = true;
    TRY(unicode_lower(scratch, word, &lower, err));
    const size_t index = text_index_find(&list->words, lower);
    if (index == SIZE_MAX) {
        buffer_append(out, word);
        return STATUS_OK;
    }
    if (!slice_eq(list->to[index], list->to_alone[index]))
        TRY(is_before_noun(list, rest, following, scratch, &is_noun_next, err));
    swap_put_like(out, word, lower, is_noun_next ? list->to[index] : list->to_alone[index]);
    *is_changed = true;
    return STATUS_OK;
}

// following: what stands behind the text.
static Status swap_before(const SwapList *list, Slice text, Slice following, Arena *arena,
                          Slice *out, bool *is_changed, Error *err)
{
    Buffer swapped = {0};
    Arena scratch = {0};
    Status s = STATUS_OK;
    bool changed = false;
    *out = text;
    for (size_t at = 0; s == STATUS_OK && at < text.len;) {
        const size_t begin = at;
        size_t end = at;
        while (at < text.len && is_letter(utf8_next(text, &at))) end = at;
        if (end > begin) {
            s = put_word(list, slice_sub(text, begin, end), slice_sub(text, end, text.len),
                         following, &scratch, &swapped, &changed, err);
            at = end;
        } else {
            buffer_append(&swapped, slice_sub(text, begin, at));
        }
    }
    if (s == STATUS_OK) s = buffer_status(&swapped, err);
    if (s == STATUS_OK && changed) {
        *out = arena_copy(arena, buffer_slice(&swapped));
        if (!out->ptr) s = error_set_memory(err, swapped.len, 1, "a text");
        *is_changed = true;
    }
    buffer_release(&swapped);
    arena_release(&scratch);
    return s;
}

Status swap_text(const SwapList *list, Slice text, Arena *arena, Slice *out, bool *is_changed,
                 Error *err)
{
    return swap_before(list, text, (Slice){0}, arena, out, is_changed, err);
}

// Words of a sentence: a blank and the next one follow each.
static Status swap_tokens(const SwapList *list, const Sample *sample, Arena *arena, Sample *out,
                          bool *is_changed, Error *err)
{
    Slice *tokens = NULL;
    if (sample->n_tokens == 0) return STATUS_OK;
    TRY(arena_take(arena, sample->n_tokens, sizeof *tokens, "words", &tokens, err));
    for (size_t i = 0; i < sample->n_tokens; i++) {
        Slice following = {0};
        if (i + 1 < sample->n_tokens) {
            following = slice_from_cstr(
                arena_printf(arena, " " SLICE_FMT, SLICE_ARG(sample->tokens[i + 1])));
            if (!following.ptr) return error_set_memory(err, 1, 1, "a word");
        }
        TRY(swap_before(list, sample->tokens[i], following, arena, &tokens[i], is_changed, err));
    }
    out->tokens = tokens;
    return STATUS_OK;
}

static Status swap_answers(const SwapList *list, const Sample *sample, Arena *arena, Sample *out,
                           bool *is_changed, Error *err)
{
    SampleSpan *answers = NULL;
    TRY(arena_take(arena, sample->n_answers, sizeof *answers, "answers", &answers, err));
    for (size_t i = 0; i < sample->n_answers; i++) {
        const SampleSpan *from = &sample->answers[i];
        Slice before;
        const Slice context = sample->context;
        const size_t begin = from->begin_bytes, end = begin + from->text.len;
        TRY(swap_before(list, from->text, slice_sub(context, end, context.len), arena,
                        &answers[i].text, is_changed, err));
        TRY(swap_before(list, slice_sub(context, 0, begin), slice_sub(context, begin, context.len),
                        arena, &before, is_changed, err));
        answers[i].begin_bytes = before.len;
    }
    out->answers = answers;
    return STATUS_OK;
}

// Texts of a list; *is_changed as it stands where none of them is another.
static Status swap_list(const SwapList *list, const Slice *texts, size_t n, Arena *arena,
                        const Slice **out, bool *is_changed, Error *err)
{
    Slice *swapped = NULL;
    if (n == 0) return STATUS_OK;
    TRY(arena_take(arena, n, sizeof *swapped, "texts", &swapped, err));
    for (size_t i = 0; i < n; i++)
        TRY(swap_text(list, texts[i], arena, &swapped[i], is_changed, err));
    *out = swapped;
    return STATUS_OK;
}

Status swap_sample(const SwapList *list, const Sample *sample, Arena *arena, Sample *out,
                   bool *is_changed, Error *err)
{
    bool ignored = false; // a sample whose reference alone has a word is no other question
    *out = *sample;
    *is_changed = false;
    TRY(swap_text(list, sample->text, arena, &out->text, is_changed, err));
    TRY(swap_text(list, sample->pair, arena, &out->pair, is_changed, err));
    TRY(swap_text(list, sample->context, arena, &out->context, is_changed, err));
    TRY(swap_tokens(list, sample, arena, out, is_changed, err));
    TRY(swap_list(list, sample->choices, sample->n_choices, arena, &out->choices, is_changed, err));
    TRY(swap_list(list, sample->targets, sample->n_targets, arena, &out->targets, &ignored, err));
    return sample->n_answers > 0 ? swap_answers(list, sample, arena, out, is_changed, err)
                                 : STATUS_OK;
}
