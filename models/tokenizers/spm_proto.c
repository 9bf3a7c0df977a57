// The protobuf of a SentencePiece model: only what is used here, every length held to what remains.
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "models/tokenizers/spm.h"

// ---- the wire format ----

typedef struct Proto {
    Slice rest;
    const char *begin; // of the file, for offsets
} Proto;

typedef struct ProtoField {
    uint32_t number;
    unsigned wire;   // 0 varint, 1 eight bytes, 2 a length and bytes, 5 four bytes
    uint64_t varint; // or the four or eight bytes
    Slice bytes;
} ProtoField;

static Status broken(const Proto *p, const char *what, Error *err)
{
    return error_set(err, STATUS_INVALID,
                     "byte %zu: %s: the file is damaged or no SentencePiece model; get it again",
                     (size_t)(p->rest.ptr - p->begin), what);
}

static Status take_varint(Proto *p, uint64_t *out, Error *err)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        Slice byte = {0};
        if (!slice_take(&p->rest, 1, &byte)) return broken(p, "a number is cut short", err);
        const uint64_t bits = (unsigned char)byte.ptr[0];
        *out |= (bits & 0x7F) << shift;
        if ((bits & 0x80) == 0) return STATUS_OK;
    }
    return broken(p, "a number has more than ten bytes", err);
}

// The next field, or *more false at the end of the message.
static Status next_field(Proto *p, ProtoField *out, bool *more, Error *err)
{
    *out = (ProtoField){0};
    *more = p->rest.len > 0;
    if (!*more) return STATUS_OK;
    uint64_t key = 0;
    uint32_t four = 0;
    TRY(take_varint(p, &key, err));
    out->number = (uint32_t)(key >> 3);
    out->wire = (unsigned)(key & 7);
    if (key >> 3 == 0 || key >> 3 > (1 << 29) - 1) return broken(p, "a field has no number", err);
    switch (out->wire) {
    case 0:
        return take_varint(p, &out->varint, err);
    case 1:
        return slice_take_u64le(&p->rest, &out->varint) ? STATUS_OK
                                                        : broken(p, "a field is cut short", err);
    case 2:
        TRY(take_varint(p, &out->varint, err));
        if (out->varint > p->rest.len || !slice_take(&p->rest, (size_t)out->varint, &out->bytes))
            return broken(p, "a field claims more bytes than follow", err);
        return STATUS_OK;
    case 5:
        if (!slice_take_u32le(&p->rest, &four)) return broken(p, "a field is cut short", err);
        out->varint = four;
        return STATUS_OK;
    default:
        return broken(p, "a field of unknown kind", err);
    }
}

static float float_of(const ProtoField *field)
{
    const uint32_t bits = (uint32_t)field->varint;
    float value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// ---- messages ----

typedef struct PieceMessage {
    Slice piece;
    float score;
    uint64_t type;
} PieceMessage;

static Status read_piece(Proto p, PieceMessage *out, Error *err)
{
    ProtoField field = {0};
    *out = (PieceMessage){.type = PIECE_NORMAL};
    for (bool more = true;;) {
        TRY(next_field(&p, &field, &more, err));
        if (!more) return STATUS_OK;
        if (field.number == 1 && field.wire == 2) out->piece = field.bytes;
        if (field.number == 2 && field.wire == 5) out->score = float_of(&field);
        if (field.number == 3 && field.wire == 0) out->type = field.varint;
    }
}

enum { MODEL_TYPE_UNIGRAM = 1, MODEL_TYPE_BPE = 2 };

static Status read_trainer(Spm *model, Proto p, Error *err)
{
    ProtoField field = {0};
    uint64_t type = MODEL_TYPE_UNIGRAM;
    for (bool more = true;;) {
        TRY(next_field(&p, &field, &more, err));
        if (!more) break;
        if (field.number == 3 && field.wire == 0) type = field.varint;
        if (field.number == 24 && field.wire == 0) model->whitespace_is_suffix = field.varint != 0;
        if (field.number == 35 && field.wire == 0) model->byte_fallback = field.varint != 0;
        if (field.number == 44 && field.wire == 2) model->unk_surface = field.bytes;
    }
    if (type != MODEL_TYPE_UNIGRAM && type != MODEL_TYPE_BPE)
        return error_set(err, STATUS_INVALID,
                         "model type %llu is not supported: supported are unigram (1) and bpe (2)",
                         (unsigned long long)type);
    model->is_bpe = type == MODEL_TYPE_BPE;
    return STATUS_OK;
}

static Status read_normalizer(Spm *model, Proto p, Slice *charsmap, Error *err)
{
    ProtoField field = {0};
    for (bool more = true;;) {
        TRY(next_field(&p, &field, &more, err));
        if (!more) return STATUS_OK;
        if (field.number == 2 && field.wire == 2) *charsmap = field.bytes;
        if (field.number == 3 && field.wire == 0) model->add_dummy_prefix = field.varint != 0;
        if (field.number == 4 && field.wire == 0)
            model->remove_extra_whitespaces = field.varint != 0;
        if (field.number == 5 && field.wire == 0) model->escape_whitespaces = field.varint != 0;
    }
}

static Status keep(Arena *arena, Slice *bytes, Error *err)
{
    *bytes = arena_copy(arena, *bytes);
    return bytes->ptr != NULL ? STATUS_OK : error_set_memory(err, 1, bytes->len, "a model");
}

static Status put_piece(Spm *model, const PieceMessage *message, size_t n_most, Arena *arena,
                        Error *err)
{
    const size_t id = model->pieces.size;
    Slice piece = message->piece;
    if (piece.len == 0) return error_set(err, STATUS_INVALID, "piece %zu is empty", id);
    if (utf8_invalid_at(piece) != SIZE_MAX)
        return error_set(err, STATUS_INVALID, "piece %zu is not valid UTF-8", id);
    if (message->type < PIECE_NORMAL || message->type > PIECE_BYTE)
        return error_set(err, STATUS_INVALID, "piece %zu has type %llu: types run from 1 to 6", id,
                         (unsigned long long)message->type);
    if (!isfinite(message->score))
        return error_set(err, STATUS_INVALID, "piece %zu has a score that is not finite", id);
    TRY(vocab_put(&model->pieces, arena, piece, (int64_t)id, n_most, err));
    model->scores[id] = message->score;
    model->types[id] = (uint8_t)message->type;
    return STATUS_OK;
}

// One field of the whole model.
static Status read_part(Spm *model, const ProtoField *field, Proto inner, size_t n_most,
                        Slice *charsmap, Arena *arena, Error *err)
{
    PieceMessage message = {0};
    if (field->wire != 2) return STATUS_OK;
    switch (field->number) {
    case 1:
        TRY(read_piece(inner, &message, err));
        return put_piece(model, &message, n_most, arena, err);
    case 2:
        return read_trainer(model, inner, err);
    case 3:
        return read_normalizer(model, inner, charsmap, err);
    default:
        return STATUS_OK;
    }
}

static Status read_model(Spm *model, Slice bytes, Arena *arena, Error *err)
{
    const char *begin = bytes.ptr;
    Proto p = {bytes, begin};
    ProtoField field = {0};
    Slice charsmap = {0};
    const size_t n_most = bytes.len / 2; // a piece takes its key and its length at least
    TRY(arena_take(arena, n_most, sizeof *model->scores, "a model's scores", &model->scores, err));
    TRY(arena_take(arena, n_most, 1, "a model's types", &model->types, err));
    for (bool more = true;;) {
        TRY(next_field(&p, &field, &more, err));
        if (!more) break;
        const Proto inner = {field.bytes, begin};
        TRY(read_part(model, &field, inner, n_most, &charsmap, arena, err));
    }
    TRY(keep(arena, &charsmap, err));
    TRY(keep(arena, &model->unk_surface, err));
    model->charsmap_bytes = charsmap;
    return charsmap_parse(charsmap, &model->charsmap, err);
}

Status spm_parse(Slice name, Slice bytes, Arena *arena, Spm **out, Error *err)
{
    Spm *model = NULL;
    TRY(arena_take(arena, 1, sizeof *model, "a model", &model, err));
    model->add_dummy_prefix = model->remove_extra_whitespaces = model->escape_whitespaces = true;
    model->unk_surface = SLICE(" \xE2\x81\x87 ");
    Status s = read_model(model, bytes, arena, err);
    if (s == STATUS_OK) s = spm_finish(model, arena, err);
    if (s != STATUS_OK) return error_wrap(err, SLICE_FMT, SLICE_ARG(name));
    *out = model;
    return STATUS_OK;
}
