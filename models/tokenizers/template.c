// Post-processing: special tokens around the tokens of the texts, and the arrays of an Encoding.
#include "base/size.h"
#include "models/tokenizers/byte_level.h"
#include "models/tokenizers/tokenizer_internal.h"

Status template_plain(Template *out, bool is_pair, Arena *arena, Error *err)
{
    *out = (Template){.n_pieces = is_pair ? 2 : 1};
    TRY(arena_take(arena, 2, sizeof *out->pieces, "a template", &out->pieces, err));
    out->pieces[0] = (TemplatePiece){.kind = PIECE_TEXT};
    out->pieces[1] = (TemplatePiece){.kind = PIECE_PAIR, .type_id = 1};
    return STATUS_OK;
}

static Status template_of(Template *out, const TemplatePiece *pieces, size_t n, Arena *arena,
                          Error *err)
{
    *out = (Template){0};
    TRY(arena_take(arena, n, sizeof *out->pieces, "a template", &out->pieces, err));
    for (size_t i = 0; i < n; i++) {
        if (pieces[i].kind == PIECE_SPECIAL && pieces[i].n_ids == 0) continue;
        out->n_added += pieces[i].n_ids;
        out->pieces[out->n_pieces++] = pieces[i];
    }
    return STATUS_OK;
}

Status template_bert(Template out[2], int32_t cls, int32_t sep, bool is_roberta, Arena *arena,
                     Error *err)
{
    int32_t *ids = NULL;
    TRY(arena_take(arena, 3, sizeof *ids, "a template", &ids, err));
    ids[0] = cls;
    ids[1] = ids[2] = sep;
    const int32_t pair_type = is_roberta ? 0 : 1;
    const TemplatePiece pieces[] = {
        {PIECE_SPECIAL, 0, ids, 1, false},
        {PIECE_TEXT, 0, NULL, 0, false},
        {PIECE_SPECIAL, 0, ids + 1, 1, false},
        {PIECE_SPECIAL, 0, ids + 2, is_roberta ? 1 : 0, false},
        {PIECE_PAIR, pair_type, NULL, 0, false},
        {PIECE_SPECIAL, pair_type, ids + 1, 1, false},
    };
    TRY(template_of(&out[0], pieces, 3, arena, err));
    return template_of(&out[1], pieces, 6, arena, err);
}

Status template_bos_eos(Template out[2], int32_t bos, int32_t eos, Arena *arena, Error *err)
{
    int32_t *ids = NULL;
    TRY(arena_take(arena, 2, sizeof *ids, "a template", &ids, err));
    ids[0] = bos;
    ids[1] = eos;
    const size_t n_bos = bos >= 0, n_eos = eos >= 0;
    const TemplatePiece pieces[] = {
        {PIECE_SPECIAL, 0, ids, n_bos, false},     {PIECE_TEXT, 0, NULL, 0, false},
        {PIECE_SPECIAL, 0, ids + 1, n_eos, false}, {PIECE_SPECIAL, 0, ids, n_bos, false},
        {PIECE_PAIR, 0, NULL, 0, false},           {PIECE_SPECIAL, 0, ids + 1, n_eos, false},
    };
    TRY(template_of(&out[0], pieces, 3, arena, err));
    return template_of(&out[1], pieces, 6, arena, err);
}

Status template_language(Template out[2], int32_t language, int32_t eos, bool is_behind,
                         Arena *arena, Error *err)
{
    int32_t *ids = NULL;
    TRY(arena_take(arena, 2, sizeof *ids, "a template", &ids, err));
    ids[0] = language;
    ids[1] = eos;
    const TemplatePiece code = {PIECE_SPECIAL, 0, ids, 1, true},
                        end = {PIECE_SPECIAL, 0, ids + 1, 1, false},
                        text = {PIECE_TEXT, 0, NULL, 0, false},
                        pair = {PIECE_PAIR, 0, NULL, 0, false};
    const TemplatePiece before[] = {code, text, end}, before_pair[] = {code, text, pair, end},
                        behind[] = {text, end, code}, behind_pair[] = {text, pair, end, code};
    TRY(template_of(&out[0], is_behind ? behind : before, 3, arena, err));
    return template_of(&out[1], is_behind ? behind_pair : before_pair, 4, arena, err);
}

static Status encoding_take(size_t n, Arena *arena, Encoding *out, Error *err)
{
    *out = (Encoding){0};
    TRY(arena_take(arena, n, sizeof *out->ids, "an encoding", &out->ids, err));
    TRY(arena_take(arena, n, sizeof *out->type_ids, "an encoding", &out->type_ids, err));
    TRY(arena_take(arena, n, sizeof *out->offsets, "an encoding", &out->offsets, err));
    TRY(arena_take(arena, n, sizeof *out->word_ids, "an encoding", &out->word_ids, err));
    TRY(arena_take(arena, n, sizeof *out->tokens, "an encoding", &out->tokens, err));
    TRY(arena_take(arena, n, sizeof *out->sequence, "an encoding", &out->sequence, err));
    return arena_take(arena, n, sizeof *out->special, "an encoding", &out->special, err);
}

// A blank as a token spells it: itself, or the byte-level spelling of a space.
static bool is_blank(CodePoint c)
{
    return c == byte_level_char(' ') || unicode_is_white_space(c);
}

// at moved by n characters of text, not past limit.
static size_t skip_chars(Slice text, size_t at, size_t n, size_t limit)
{
    for (; n > 0 && at < limit; n--) utf8_next(text, &at);
    return size_min(at, limit);
}

static size_t skip_chars_back(Slice text, size_t at, size_t n, size_t limit)
{
    for (; n > 0 && at > limit; n--) {
        at--;
        while (at > limit && ((unsigned char)text.ptr[at] & 0xC0) == 0x80) at--;
    }
    return at;
}

// Offsets without as many characters as the token has blanks at its ends. With add_prefix_space the only blank before the
// first word of a text may be the one we put there, which is no part of the text.
static TokenOffsets trim_offsets(Slice token, Slice text, TokenOffsets offsets, bool is_first,
                                 bool add_prefix_space)
{
    size_t leading = 0, trailing = 0;
    bool all_blank = true;
    for (size_t at = 0; at < token.len;) {
        const bool blank = is_blank(utf8_next(token, &at));
        all_blank = all_blank && blank;
        leading += all_blank;
        trailing = blank ? trailing + 1 : 0;
    }
    if (leading == 1 && (is_first || offsets.begin == 0) && add_prefix_space) leading = 0;
    offsets.begin = skip_chars(text, offsets.begin, leading, offsets.end);
    offsets.end = skip_chars_back(text, offsets.end, trailing, offsets.begin);
    return offsets;
}

static void put_text(const Tokenizer *tokenizer, const TokenSink *sink, TokenRange range,
                     int32_t type_id, int8_t sequence, Encoding *out)
{
    const PostProcessor *post = &tokenizer->post;
    for (size_t i = range.begin; i < range.end; i++) {
        const size_t at = out->n_tokens++;
        out->ids[at] = sink->ids[i];
        out->type_ids[at] = type_id;
        out->offsets[at] = sink->offsets[i];
        out->word_ids[at] = sink->word_ids[i];
        out->sequence[at] = sequence;
        out->tokens[at] = sink->pieces[i].ptr != NULL
                              ? sink->pieces[i]
                              : vocab_token(&tokenizer->vocab, sink->ids[i]);
        if (post->trim_offsets)
            out->offsets[at] = trim_offsets(out->tokens[at], sink->text, sink->offsets[i],
                                            i == range.begin, post->add_prefix_space);
    }
}

// The ids of a piece of special tokens.
static const int32_t *special_ids(const TemplatePiece *piece, const EncodeOptions *options)
{
    return piece->is_language && options->language > 0 ? &options->language : piece->ids;
}

static void put_special(const Tokenizer *tokenizer, const TemplatePiece *piece, const int32_t *ids,
                        Encoding *out)
{
    for (size_t i = 0; i < piece->n_ids; i++) {
        const size_t at = out->n_tokens++;
        out->ids[at] = ids[i];
        out->tokens[at] = vocab_token(&tokenizer->vocab, ids[i]);
        out->type_ids[at] = piece->type_id;
        out->word_ids[at] = TOKEN_NONE;
        out->sequence[at] = TOKEN_NONE;
        out->special[at] = 1;
    }
}

Status template_apply(const Tokenizer *tokenizer, const TokenSink *sinks, const TokenRange *ranges,
                      bool is_pair, const EncodeOptions *options, Arena *arena, Encoding *out,
                      Error *err)
{
    const Template *template = &tokenizer->post.templates[is_pair];
    size_t n = options->no_special ? 0 : template->n_added;
    for (size_t i = 0; i < template->n_pieces; i++) {
        const PieceKind kind = template->pieces[i].kind;
        if (kind != PIECE_SPECIAL) n += ranges[kind].end - ranges[kind].begin;
    }
    TRY(encoding_take(n, arena, out, err));
    for (size_t i = 0; i < template->n_pieces; i++) {
        const TemplatePiece *piece = &template->pieces[i];
        if (piece->kind != PIECE_SPECIAL) {
            const TokenRange range = ranges[piece->kind];
            const bool keeps =
                range.is_overflow && (tokenizer->post.overflow_keeps_types ||
                                      (tokenizer->post.overflow_keeps_bare && options->no_special));
            put_text(tokenizer, &sinks[piece->kind], range,
                     keeps ? (int32_t)piece->kind : piece->type_id, (int8_t)piece->kind, out);
        } else if (!options->no_special) {
            put_special(tokenizer, piece, special_ids(piece, options), out);
        }
    }
    for (size_t i = 0; tokenizer->post.without_types && i < out->n_tokens; i++)
        out->type_ids[i] = 0;
    return STATUS_OK;
}

size_t template_apply_ids(const Tokenizer *tokenizer, const TokenSink *sinks,
                          const TokenRange *ranges, bool is_pair, const EncodeOptions *options,
                          int32_t *ids, int32_t *type_ids)
{
    const Template *template = &tokenizer->post.templates[is_pair];
    size_t n = 0;
    for (size_t i = 0; i < template->n_pieces; i++) {
        const TemplatePiece *piece = &template->pieces[i];
        if (piece->kind == PIECE_SPECIAL && options->no_special) continue;
        const bool is_text = piece->kind != PIECE_SPECIAL;
        const int32_t *from = is_text ? sinks[piece->kind].ids + ranges[piece->kind].begin
                                      : special_ids(piece, options);
        const size_t count =
            is_text ? ranges[piece->kind].end - ranges[piece->kind].begin : piece->n_ids;
        if (count > 0) memcpy(ids + n, from, count * sizeof *ids);
        const int32_t type = tokenizer->post.without_types ? 0 : piece->type_id;
        for (size_t k = 0; k < count; k++) type_ids[n + k] = type;
        n += count;
    }
    return n;
}
