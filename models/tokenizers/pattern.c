#include "models/tokenizers/pattern.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "models/tokenizers/newer.h"
#include "models/tokenizers/pattern_known.h"

// A match of a tokenizer's pattern takes some hundred steps; one that backtracks without end meets these in well under
// a second.
enum { MATCH_LIMIT = 2000000, DEPTH_LIMIT = 100000, HEAP_LIMIT_KIB = 64 << 10 };
enum { STACK_FIRST = 64 << 10, STACK_MOST = 16 << 20, PATTERN_MAX_BYTES = 64 << 10 };

Pattern pattern_literal(Slice text)
{
    return (Pattern){.kind = PATTERN_LITERAL, .text = text};
}

static bool is_known(Slice regex, Pattern *out)
{
    for (size_t i = 0; i < sizeof pattern_known / sizeof *pattern_known; i++) {
        if (!slice_eq_cstr(regex, pattern_known[i].regex)) continue;
        *out = (Pattern){.kind = pattern_known[i].kind,
                         .text = regex,
                         .max_digits = pattern_known[i].max_digits,
                         .is_ascii = pattern_known[i].is_ascii};
        return true;
    }
    return false;
}

void pattern_release(Pattern *pattern)
{
    pcre2_code_free(pattern->code);
    pcre2_code_free(pattern->newer);
    *pattern = (Pattern){0};
}

static Status compile(Slice regex, Slice translated, void **out, Error *err)
{
    int number = 0;
    PCRE2_SIZE at = 0;
    const uint32_t options =
        PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NO_UTF_CHECK | PCRE2_NEVER_BACKSLASH_C;
    const char *words = translated.len > 0 ? translated.ptr : "";
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)words, translated.len, options, &number, &at, NULL);
    if (code == NULL) {
        PCRE2_UCHAR text[256];
        pcre2_get_error_message(number, text, sizeof text);
        return error_set(err, STATUS_INVALID,
                         "the regular expression \"" SLICE_FMT
                         "\" cannot be used: %s (at byte %zu of \"" SLICE_FMT
                         "\"): rewrite it in the tokenizer.json",
                         SLICE_ARG(regex), (const char *)text, (size_t)at, SLICE_ARG(translated));
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); // where it cannot, the interpreter serves
    *out = code;
    return STATUS_OK;
}

static Status compile_both(Slice regex, Slice translated, Pattern *out, Error *err)
{
    Buffer newer = {0};
    *out = (Pattern){.kind = PATTERN_REGEX, .text = regex};
    newer_pattern(translated, &newer);
    Status s = buffer_status(&newer, err);
    if (s == STATUS_OK) s = compile(regex, translated, &out->code, err);
    if (s == STATUS_OK && !slice_eq(buffer_slice(&newer), translated))
        s = compile(regex, buffer_slice(&newer), &out->newer, err);
    buffer_release(&newer);
    if (s != STATUS_OK) pattern_release(out);
    return s;
}

Status pattern_compile(Slice regex, Pattern *out, Error *err)
{
    *out = (Pattern){0};
    if (is_known(regex, out)) return STATUS_OK;
    if (regex.len > PATTERN_MAX_BYTES)
        return error_set(err, STATUS_INVALID,
                         "a regular expression of %zu bytes is longer than %d: shorten it",
                         regex.len, PATTERN_MAX_BYTES);
    Buffer translated = {0};
    Status s = pattern_translate(regex, &translated, err);
    if (s == STATUS_OK) s = buffer_status(&translated, err);
    if (s == STATUS_OK) s = compile_both(regex, buffer_slice(&translated), out, err);
    buffer_release(&translated);
    return s;
}

// ---- searching ----

Status pattern_search_init(PatternSearch *search, const Pattern *pattern, Error *err)
{
    *search = (PatternSearch){.pattern = pattern};
    if (pattern->kind != PATTERN_REGEX) return STATUS_OK;
    search->data = pcre2_match_data_create_from_pattern(pattern->code, NULL);
    search->context = pcre2_match_context_create(NULL);
    search->stack = pcre2_jit_stack_create(STACK_FIRST, STACK_MOST, NULL);
    if (search->data == NULL || search->context == NULL || search->stack == NULL) {
        pattern_search_release(search);
        return error_set_memory(err, 1, STACK_FIRST, "matching a regular expression");
    }
    pcre2_set_match_limit(search->context, MATCH_LIMIT);
    pcre2_set_depth_limit(search->context, DEPTH_LIMIT);
    pcre2_set_heap_limit(search->context, HEAP_LIMIT_KIB);
    pcre2_jit_stack_assign(search->context, NULL, search->stack);
    return STATUS_OK;
}

void pattern_search_text(PatternSearch *search, Slice text)
{
    search->text = text;
    search->at = search->last_end = 0;
    search->has_last = false;
    search->code = search->pattern->code;
    if (search->pattern->newer && newer_is_in(text)) search->code = search->pattern->newer;
}

void pattern_search_release(PatternSearch *search)
{
    pcre2_match_data_free(search->data);
    pcre2_match_context_free(search->context);
    pcre2_jit_stack_free(search->stack);
    *search = (PatternSearch){0};
}

static Status match_failed(const PatternSearch *search, int code, Error *err)
{
    PCRE2_UCHAR text[256];
    pcre2_get_error_message(code, text, sizeof text);
    return error_set(err, STATUS_INVALID,
                     "the regular expression \"" SLICE_FMT
                     "\" takes too long on this text (%s): it backtracks without end; rewrite it "
                     "in the tokenizer.json",
                     SLICE_ARG(search->pattern->text), (const char *)text);
}

// As Oniguruma's iterator goes: an empty match counts, but not right behind the last match.
static Status regex_next(PatternSearch *search, size_t *begin, size_t *end, bool *found, Error *err)
{
    const Slice text = search->text;
    *found = false;
    if (text.ptr == NULL) return STATUS_OK;
    while (search->at <= text.len) {
        const int code = pcre2_match(search->code, (PCRE2_SPTR)text.ptr, text.len, search->at,
                                     PCRE2_NO_UTF_CHECK, search->data, search->context);
        if (code == PCRE2_ERROR_NOMATCH) return STATUS_OK;
        if (code < 0) return match_failed(search, code, err);
        const PCRE2_SIZE *range = pcre2_get_ovector_pointer(search->data);
        *begin = range[0] > search->last_end ? range[0] : search->last_end; // \K may go back
        *end = range[1] > *begin ? range[1] : *begin;
        if (*begin == *end && search->has_last && search->last_end == *end) {
            search->at++;
            while (search->at < text.len && ((unsigned char)text.ptr[search->at] & 0xC0) == 0x80)
                search->at++;
            continue;
        }
        search->at = search->last_end = *end;
        search->has_last = true;
        *found = true;
        return STATUS_OK;
    }
    return STATUS_OK;
}

Status pattern_next(PatternSearch *search, size_t *begin, size_t *end, bool *found, Error *err)
{
    const Pattern *pattern = search->pattern;
    Slice piece = {0};
    switch (pattern->kind) {
    case PATTERN_REGEX:
        return regex_next(search, begin, end, found, err);
    case PATTERN_LITERAL: {
        const Slice rest = slice_sub(search->text, search->at, search->text.len);
        const size_t at = pattern->text.len > 0 ? slice_find(rest, pattern->text) : SIZE_MAX;
        *found = at != SIZE_MAX;
        if (!*found) return STATUS_OK;
        *begin = search->at + at;
        *end = search->at = *begin + pattern->text.len;
        return STATUS_OK;
    }
    case PATTERN_GPT2:
        *found = gpt2_next_piece(search->text, &search->at, &piece);
        break;
    case PATTERN_LLAMA3:
        *found = llama3_next_piece(search->text, pattern, &search->at, &piece);
        break;
    }
    *end = search->at;
    *begin = *end - piece.len;
    return STATUS_OK;
}
