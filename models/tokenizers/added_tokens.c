// Added tokens: strings that become one token wherever they stand, before any other rule ("[MASK]", "<|im_start|>").
#include "models/tokenizers/newer.h"
#include "models/tokenizers/tokenizer_internal.h"
#include "models/tokenizers/word_char.h"

static int by_first_byte(const void *a, const void *b)
{
    const AddedToken *x = *(const AddedToken *const *)a, *y = *(const AddedToken *const *)b;
    const unsigned char fx = (unsigned char)x->pattern.ptr[0],
                        fy = (unsigned char)y->pattern.ptr[0];
    if (fx != fy) return fx < fy ? -1 : 1;
    if (x->pattern.len != y->pattern.len) return x->pattern.len > y->pattern.len ? -1 : 1;
    return slice_cmp(x->pattern, y->pattern);
}

Status added_matcher_init(AddedMatcher *matcher, const AddedToken *tokens, size_t n_tokens,
                          bool normalized, Arena *arena, Error *err)
{
    *matcher = (AddedMatcher){0};
    TRY(arena_take(arena, n_tokens, sizeof *matcher->tokens, "added tokens", &matcher->tokens,
                   err));
    for (size_t i = 0; i < n_tokens; i++) {
        if (tokens[i].normalized == normalized && tokens[i].pattern.len > 0 && !tokens[i].is_hidden)
            matcher->tokens[matcher->n_tokens++] = &tokens[i];
    }
    if (matcher->n_tokens > 0)
        qsort(matcher->tokens, matcher->n_tokens, sizeof(AddedToken *), by_first_byte);
    for (size_t i = 0; i < matcher->n_tokens; i++)
        matcher->first[(unsigned char)matcher->tokens[i]->pattern.ptr[0] + 1]++;
    for (size_t b = 0; b < 256; b++) matcher->first[b + 1] += matcher->first[b];
    return STATUS_OK;
}

bool is_word_char(CodePoint c)
{
    if (c < 0x80)
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '_';
    // Other_Alphabetic beyond the categories below: circled, squared and negative letters; ZWNJ and ZWJ.
    if ((c >= 0x24B6 && c <= 0x24E9) || c == 0x200C || c == 0x200D) return true;
    if ((c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) ||
        (c >= 0x1F170 && c <= 0x1F189))
        return true;
    const char *category = newer_category(c);
    if (category[0] == 'L' || category[0] == 'M') return true;
    return (category[0] == 'N' && category[1] != 'o') || (category[0] == 'P' && category[1] == 'c');
}

// The character that ends before at, or -1. *begin is where it starts.
static CodePoint previous_char(Slice text, size_t at, size_t *begin)
{
    if (at == 0) return -1;
    size_t from = at - 1;
    while (from > 0 && at - from < 4 && ((unsigned char)text.ptr[from] & 0xC0) == 0x80) from--;
    *begin = from;
    size_t next = from;
    return utf8_next(text, &next);
}

static bool stands_alone(Slice text, size_t begin, size_t end)
{
    size_t ignored = 0;
    const CodePoint before = previous_char(text, begin, &ignored);
    if (before >= 0 && is_word_char(before)) return false;
    size_t next = end;
    const CodePoint after = end < text.len ? utf8_next(text, &next) : -1;
    return after < 0 || !is_word_char(after);
}

static void take_blanks(Slice text, size_t lowest, AddedMatch *match)
{
    size_t at = 0;
    while (match->token->lstrip && match->begin > lowest) {
        const CodePoint c = previous_char(text, match->begin, &at);
        if (c < 0 || !unicode_is_white_space(c) || at < lowest) break;
        match->begin = at;
    }
    while (match->token->rstrip && match->end < text.len) {
        at = match->end;
        const CodePoint c = utf8_next(text, &at);
        if (c < 0 || !unicode_is_white_space(c)) break;
        match->end = at;
    }
}

// The longest token at this place, whatever its flags, or NULL.
static const AddedToken *token_at(const AddedMatcher *matcher, Slice text, size_t at)
{
    const unsigned char byte = (unsigned char)text.ptr[at];
    for (uint32_t i = matcher->first[byte]; i < matcher->first[byte + 1]; i++) {
        const Slice pattern = matcher->tokens[i]->pattern;
        if (pattern.len <= text.len - at && memcmp(text.ptr + at, pattern.ptr, pattern.len) == 0)
            return matcher->tokens[i];
    }
    return NULL;
}

bool added_next(const AddedMatcher *matcher, Slice text, size_t *search, size_t at,
                AddedMatch *match)
{
    if (matcher->n_tokens == 0) return false;
    while (*search < text.len) {
        const size_t begin = *search;
        const unsigned char byte = (unsigned char)text.ptr[begin];
        const AddedToken *token =
            matcher->first[byte] < matcher->first[byte + 1] ? token_at(matcher, text, begin) : NULL;
        if (token == NULL) {
            *search += 1;
            continue;
        }
        // A token within a longer word is passed over as a whole: what it covers is not searched again.
        *search = begin + token->pattern.len;
        if (token->single_word && !stands_alone(text, begin, *search)) continue;
        *match = (AddedMatch){begin, *search, token};
        // Blanks that the one before took (rstrip) may begin this one too; both then cover them, as in Hugging Face's.
        if (token->lstrip && begin < at) match->begin = at;
        take_blanks(text, at, match);
        if (match->begin < match->end) return true;
    }
    return false;
}
