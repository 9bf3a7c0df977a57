// The "decoder" of a tokenizer.json.
#include "models/tokenizers/tokenizer_json.h"

static const char known[] = "WordPiece, ByteLevel, Metaspace, BPEDecoder, Fuse, Strip, Replace, "
                            "ByteFallback, CTC and a Sequence of them";

typedef struct DecoderFields {
    Slice prefix, replacement, prepend_scheme, suffix, content, pattern, pad, delimiter;
    bool cleanup, add_prefix_space;
    int64_t start, stop;
} DecoderFields;

static const Field fields_of_all[] = {
    {"prefix", FIELD_STRING, offsetof(DecoderFields, prefix)},
    {"cleanup", FIELD_BOOL, offsetof(DecoderFields, cleanup)},
    {"replacement", FIELD_STRING, offsetof(DecoderFields, replacement)},
    {"prepend_scheme", FIELD_STRING, offsetof(DecoderFields, prepend_scheme)},
    {"add_prefix_space", FIELD_BOOL, offsetof(DecoderFields, add_prefix_space)},
    {"suffix", FIELD_STRING, offsetof(DecoderFields, suffix)},
    {"content", FIELD_STRING, offsetof(DecoderFields, content)},
    {"pattern", FIELD_RAW, offsetof(DecoderFields, pattern)},
    {"pad_token", FIELD_STRING, offsetof(DecoderFields, pad)},
    {"word_delimiter_token", FIELD_STRING, offsetof(DecoderFields, delimiter)},
    {"start", FIELD_INTEGER, offsetof(DecoderFields, start)},
    {"stop", FIELD_INTEGER, offsetof(DecoderFields, stop)},
};

static const struct {
    const char *type;
    DecoderKind kind;
} kinds[] = {
    {"WordPiece", DECODER_WORDPIECE},
    {"ByteLevel", DECODER_BYTE_LEVEL},
    {"Metaspace", DECODER_METASPACE},
    {"BPEDecoder", DECODER_BPE},
    {"Fuse", DECODER_FUSE},
    {"Strip", DECODER_STRIP},
    {"Replace", DECODER_REPLACE},
    {"ByteFallback", DECODER_BYTE_FALLBACK},
    {"CTC", DECODER_CTC},
};

static Slice text_of(DecoderKind kind, const DecoderFields *fields)
{
    switch (kind) {
    case DECODER_WORDPIECE:
        return fields->prefix;
    case DECODER_METASPACE:
        return fields->replacement;
    case DECODER_BPE:
        return fields->suffix;
    case DECODER_CTC:
        return fields->pad;
    default:
        return fields->content;
    }
}

static Status read_one(TokenizerFile *file, JsonReader *r, Slice type, Error *err)
{
    Tokenizer *t = file->tokenizer;
    Decoder *d = &t->decoder;
    const JsonReader at = *r;
    size_t k = 0;
    while (k < sizeof kinds / sizeof *kinds && !slice_eq_cstr(type, kinds[k].type)) k++;
    if (k == sizeof kinds / sizeof *kinds) return component_unknown(r, "decoder", type, known, err);
    DecoderFields fields = {.prefix = SLICE("##"),
                            .cleanup = true,
                            .add_prefix_space = true,
                            .replacement = SLICE("\xE2\x96\x81"),
                            .suffix = SLICE("</w>"),
                            .pad = SLICE("<pad>"),
                            .delimiter = SLICE("|")};
    TRY(read_fields(r, fields_of_all, sizeof fields_of_all / sizeof *fields_of_all, &fields, err));
    if (fields.start < 0 || fields.stop < 0)
        return json_reader_error(&at, err, "\"start\" and \"stop\" are not negative");
    TRY(arena_make_room(&t->arena, d->n_steps, &file->decoder_capacity, sizeof *d->steps, "a list",
                        &d->steps, err));
    DecoderStep *step = &d->steps[d->n_steps++];
    const bool is_never = fields.prepend_scheme.len > 0
                              ? slice_eq_cstr(fields.prepend_scheme, "never")
                              : !fields.add_prefix_space;
    *step =
        (DecoderStep){.kind = kinds[k].kind,
                      .text = text_of(kinds[k].kind, &fields),
                      .cleanup = fields.cleanup,
                      .drops_first = !is_never,
                      .start = (size_t)fields.start,
                      .stop = (size_t)fields.stop,
                      .content = kinds[k].kind == DECODER_CTC ? fields.delimiter : fields.content};
    d->spaces = false;
    TRY(keep_slice(&t->arena, &step->text, err));
    TRY(keep_slice(&t->arena, &step->content, err));
    if (step->kind == DECODER_STRIP && step->text.len == 0)
        return json_reader_error(&at, err, "\"content\" is one character");
    if (step->kind != DECODER_REPLACE) return STATUS_OK;
    return read_pattern(file, &at, fields.pattern, &step->pattern, err);
}

Status read_decoder(TokenizerFile *file, JsonReader *r, Error *err)
{
    JsonKind kind = JSON_NULL;
    TRY(json_peek(r, &kind, err));
    if (kind != JSON_NULL) file->tokenizer->decoder.spaces = false; // an empty Sequence joins too
    return read_components(file, r, "decoders", read_one, err);
}
