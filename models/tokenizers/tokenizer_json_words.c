// The "pre_tokenizer" of a tokenizer.json.
#include "models/tokenizers/tokenizer_json.h"

static const char known[] =
    "BertPreTokenizer, ByteLevel, Whitespace, WhitespaceSplit, Split, Punctuation, Digits, Metaspace, "
    "CharDelimiterSplit, UnicodeScripts, FixedLength and a Sequence of them";

typedef struct WordFields {
    bool add_prefix_space, use_regex, invert, individual_digits, split;
    Switch metaspace_prefix;
    int64_t length;
    Slice pattern, behavior, replacement, prepend_scheme, delimiter;
} WordFields;

static const Field fields_of_all[] = {
    {"add_prefix_space", FIELD_SWITCH, offsetof(WordFields, metaspace_prefix)},
    {"use_regex", FIELD_BOOL, offsetof(WordFields, use_regex)},
    {"invert", FIELD_BOOL, offsetof(WordFields, invert)},
    {"individual_digits", FIELD_BOOL, offsetof(WordFields, individual_digits)},
    {"split", FIELD_BOOL, offsetof(WordFields, split)},
    {"length", FIELD_INTEGER, offsetof(WordFields, length)},
    {"pattern", FIELD_RAW, offsetof(WordFields, pattern)},
    {"behavior", FIELD_STRING, offsetof(WordFields, behavior)},
    {"replacement", FIELD_STRING, offsetof(WordFields, replacement)},
    {"prepend_scheme", FIELD_STRING, offsetof(WordFields, prepend_scheme)},
    {"delimiter", FIELD_STRING, offsetof(WordFields, delimiter)},
};

static const struct {
    const char *type;
    PreTokenizerKind kind;
} kinds[] = {
    {"BertPreTokenizer", PRETOKENIZER_BERT},
    {"ByteLevel", PRETOKENIZER_BYTE_LEVEL},
    {"Whitespace", PRETOKENIZER_WHITESPACE},
    {"WhitespaceSplit", PRETOKENIZER_WHITESPACE_SPLIT},
    {"Split", PRETOKENIZER_SPLIT},
    {"Punctuation", PRETOKENIZER_PUNCTUATION},
    {"Digits", PRETOKENIZER_DIGITS},
    {"Metaspace", PRETOKENIZER_METASPACE},
    {"CharDelimiterSplit", PRETOKENIZER_CHAR_DELIMITER},
    {"UnicodeScripts", PRETOKENIZER_SCRIPTS},
    {"FixedLength", PRETOKENIZER_FIXED_LENGTH},
};

// The number of the name, or n.
static size_t find_name(Slice name, const char *const *names, size_t n)
{
    size_t i = 0;
    while (i < n && !slice_eq_cstr(name, names[i])) i++;
    return i;
}

static Status take_behavior(const JsonReader *at, Slice name, PreTokenizerStep *step, Error *err)
{
    static const char *const names[] = {"Isolated", "Removed", "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous"};
    if (name.len == 0) return STATUS_OK; // Isolated
    const size_t i = find_name(name, names, 5);
    if (i == 5)
        return json_reader_error(at, err,
                                 "behavior \"" SLICE_FMT
                                 "\" is none of Isolated, Removed, MergedWithPrevious, "
                                 "MergedWithNext, Contiguous",
                                 SLICE_ARG(name));
    step->behavior = (SplitBehavior)i;
    return STATUS_OK;
}

static bool is_one_char(Slice text)
{
    return text.len > 0 && char_end(text, 1) == text.len;
}

static Status take_metaspace(const JsonReader *at, const WordFields *fields, Tokenizer *t,
                             PreTokenizerStep *step, Error *err)
{
    static const char *const names[] = {"always", "first", "never"};
    step->splits = fields->split;
    step->replacement = fields->replacement;
    if (!is_one_char(step->replacement))
        return json_reader_error(at, err, "\"replacement\" is one character");
    TRY(keep_slice(&t->arena, &step->replacement, err));
    const bool is_given = fields->prepend_scheme.len > 0;
    const size_t i = is_given ? find_name(fields->prepend_scheme, names, 3) : 0;
    if (i == 3)
        return json_reader_error(at, err,
                                 "prepend_scheme \"" SLICE_FMT "\" is none of always, first, never",
                                 SLICE_ARG(fields->prepend_scheme));
    step->scheme = (PrependScheme)i;
    // Older files have add_prefix_space instead.
    if (!is_given && fields->metaspace_prefix == SWITCH_OFF) step->scheme = PREPEND_NEVER;
    if (step->scheme == PREPEND_FIRST) t->pretokenizer.needs_origin = true;
    return STATUS_OK;
}

static Status take_step(TokenizerFile *file, const JsonReader *at, const WordFields *fields,
                        PreTokenizerStep *step, Error *err)
{
    size_t first = 0;
    switch (step->kind) {
    case PRETOKENIZER_SPLIT:
        TRY(take_behavior(at, fields->behavior, step, err));
        step->invert = fields->invert;
        return read_pattern(file, at, fields->pattern, &step->pattern, err);
    case PRETOKENIZER_PUNCTUATION:
        return take_behavior(at, fields->behavior, step, err);
    case PRETOKENIZER_METASPACE:
        return take_metaspace(at, fields, file->tokenizer, step, err);
    case PRETOKENIZER_CHAR_DELIMITER:
        if (!is_one_char(fields->delimiter))
            return json_reader_error(at, err, "\"delimiter\" is one character");
        step->delimiter = utf8_next(fields->delimiter, &first);
        return STATUS_OK;
    case PRETOKENIZER_FIXED_LENGTH:
        if (fields->length < 1) return json_reader_error(at, err, "\"length\" is at least 1");
        step->length = (size_t)fields->length;
        return STATUS_OK;
    default:
        return STATUS_OK;
    }
}

static Status read_one(TokenizerFile *file, JsonReader *r, Slice type, Error *err)
{
    PreTokenizer *p = &file->tokenizer->pretokenizer;
    const JsonReader at = *r;
    size_t k = 0;
    while (k < sizeof kinds / sizeof *kinds && !slice_eq_cstr(type, kinds[k].type)) k++;
    if (k == sizeof kinds / sizeof *kinds)
        return component_unknown(r, "pre_tokenizer", type, known, err);
    WordFields fields = {.use_regex = true, .split = true, .length = 5};
    TRY(read_fields(r, fields_of_all, sizeof fields_of_all / sizeof *fields_of_all, &fields, err));
    TRY(arena_make_room(&file->tokenizer->arena, p->n_steps, &file->pretokenizer_capacity,
                        sizeof *p->steps, "a list", &p->steps, err));
    PreTokenizerStep *step = &p->steps[p->n_steps++];
    *step = (PreTokenizerStep){.kind = kinds[k].kind,
                               .add_prefix_space = fields.metaspace_prefix != SWITCH_OFF,
                               .use_regex = fields.use_regex,
                               .individual_digits = fields.individual_digits};
    return take_step(file, &at, &fields, step, err);
}

Status read_pretokenizer(TokenizerFile *file, JsonReader *r, Error *err)
{
    return read_components(file, r, "pretokenizers", read_one, err);
}
