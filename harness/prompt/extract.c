// harness/prompt/extract.c: the answer in a written text, by a pattern (PCRE2, with limits) and as a number.
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "harness/prompt/prompt.h"

enum {
    PATTERN_MAX_BYTES = 4096,
    MATCH_LIMIT = 1000000,
    DEPTH_LIMIT = 100000,
    HEAP_LIMIT_KIB = 65536
};

static Status compile(Slice pattern, pcre2_code **out, Error *err)
{
    int code = 0;
    PCRE2_SIZE at = 0;
    if (pattern.len > PATTERN_MAX_BYTES) {
        return error_set(err, STATUS_INVALID, "a pattern of %zu bytes is longer than %d",
                         pattern.len, PATTERN_MAX_BYTES);
    }
    *out = pcre2_compile((PCRE2_SPTR)pattern.ptr, pattern.len,
                         PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_MULTILINE, &code,
                         &at, NULL);
    if (*out) return STATUS_OK;
    PCRE2_UCHAR text[256];
    pcre2_get_error_message(code, text, sizeof text);
    return error_set(err, STATUS_INVALID, "not a regular expression: %s, at byte %zu",
                     (const char *)text, (size_t)at);
}

Status prompt_check_pattern(Slice pattern, Error *err)
{
    pcre2_code *code = NULL;
    TRY(compile(pattern, &code, err));
    pcre2_code_free(code);
    return STATUS_OK;
}

// The first group of the match that took part, or the whole where the pattern has none.
static Slice matched(Slice text, pcre2_match_data *data, int n_groups)
{
    const PCRE2_SIZE *range = pcre2_get_ovector_pointer(data);
    size_t group = 0;
    for (size_t i = 1; i < (size_t)n_groups && group == 0; i++) {
        if (range[2 * i] != PCRE2_UNSET) group = i;
    }
    if (range[2 * group] == PCRE2_UNSET || range[2 * group] > range[2 * group + 1])
        return slice_sub(text, text.len, text.len);
    return slice_sub(text, range[2 * group], range[2 * group + 1]);
}

static size_t next_point(Slice text, size_t at)
{
    at++;
    while (at < text.len && ((unsigned char)text.ptr[at] & 0xC0) == 0x80) at++;
    return at;
}

static Status search(const pcre2_code *code, Slice text, bool wants_last, Slice *out, bool *found,
                     Error *err)
{
    Status s = STATUS_OK;
    size_t at = 0;
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    if (!data || !context) s = error_set_memory(err, 1, sizeof *text.ptr, "matching a pattern");
    if (context) {
        pcre2_set_match_limit(context, MATCH_LIMIT);
        pcre2_set_depth_limit(context, DEPTH_LIMIT);
        pcre2_set_heap_limit(context, HEAP_LIMIT_KIB);
    }
    while (s == STATUS_OK && at <= text.len && (wants_last || !*found)) {
        const int n = pcre2_match(code, (PCRE2_SPTR)text.ptr, text.len, at, 0, data, context);
        if (n == PCRE2_ERROR_NOMATCH) break;
        if (n < 0) {
            PCRE2_UCHAR why[256];
            pcre2_get_error_message(n, why, sizeof why);
            s = error_set(err, STATUS_INVALID,
                          "the answer pattern cannot be matched against a text of %zu bytes: %s",
                          text.len, (const char *)why);
            break;
        }
        const PCRE2_SIZE *range = pcre2_get_ovector_pointer(data);
        *out = matched(text, data, n);
        *found = true;
        at = range[1] > at && range[1] > range[0] ? range[1] : next_point(text, at);
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    return s;
}

// "$1,234.50" is 1234.5: currency signs and thousands commas go, zeros behind the point, and a full stop at the end.
static bool plain_number(Slice text, char *out, size_t *len)
{
    bool has_digit = false, has_point = false;
    *len = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        if (c >= '0' && c <= '9') {
            has_digit = true;
        } else if (c == '.') {
            if (has_point) return false;
            has_point = true;
        } else if (c == '-' || c == '+') {
            if (*len > 0) return false;
            if (c == '+') continue;
        } else if (c == '$' || c == ',' || c == '%' || c == ' ') {
            continue;
        } else {
            return false;
        }
        out[(*len)++] = c;
    }
    while (has_point && *len > 0 && out[*len - 1] == '0') (*len)--;
    if (*len > 0 && out[*len - 1] == '.') (*len)--;
    const size_t sign = *len > 0 && out[0] == '-';
    size_t zeros = 0; // before the first digit that counts
    while (sign + zeros + 1 < *len && out[sign + zeros] == '0' && out[sign + zeros + 1] != '.')
        zeros++;
    memmove(out + sign, out + sign + zeros, *len - sign - zeros);
    *len -= zeros;
    if (*len == sign + 1 && out[sign] == '0') { // "-0"
        out[0] = '0';
        *len = 1;
    }
    return has_digit;
}

Status prompt_extract(const SuitePrompt *prompt, Slice written, Arena *arena, Slice *out,
                      bool *found, Error *err)
{
    *out = SLICE("");
    *found = false;
    if (prompt->pattern.len > 0) {
        pcre2_code *code = NULL;
        TRY(compile(prompt->pattern, &code, err));
        const Status s = search(code, written, prompt->take == PROMPT_TAKE_LAST, out, found, err);
        pcre2_code_free(code);
        if (s != STATUS_OK) return s;
        if (!*found) *out = SLICE("");
    } else {
        *out = written;
        *found = true;
    }
    *out = slice_trim(*out);
    *found = *found && out->len > 0;
    if (!*found || !prompt->is_number) return STATUS_OK;
    char *number = NULL;
    size_t len = 0;
    TRY(arena_take(arena, out->len + 1, 1, "a number", &number, err));
    *found = plain_number(*out, number, &len);
    *out = *found ? (Slice){number, len} : SLICE("");
    return STATUS_OK;
}
