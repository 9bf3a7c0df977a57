// The numbers of a file that is quantized: read some rows at a time, put in the order of GGUF, and encoded.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"
#include "kernels/quant.h"
#include "models/quantize_internal.h"

// ---- reading ----

// Rows and columns of a tensor as it is stored; a vector's numbers are rows, for that is what changes of order move.
static size_t n_rows(const SafeItem *item)
{
    return item->n_dims > 0 ? item->shape[0] : 1;
}

static size_t n_cols(const SafeItem *item, const QuantizedTensor *told)
{
    return told->n_elements / size_max(n_rows(item), 1);
}

// n numbers of a tensor from number `first` on, which begins a block.
static SafeTensor piece_of(const SafeTensor *tensor, size_t first, size_t n)
{
    const size_t block = tensor_type_block(tensor->type);
    const size_t block_bytes = tensor->data.len / (tensor->n_elements / block);
    SafeTensor piece = *tensor;
    piece.n_dims = 1;
    piece.shape[0] = piece.n_elements = n;
    piece.data =
        slice_sub(tensor->data, first / block * block_bytes, (first + n) / block * block_bytes);
    return piece;
}

static Status read_numbers(const SafeTensor *tensor, size_t first, size_t n, float *out, Error *err)
{
    if (tensor->change == SAFE_SCALED) {
        safetensor_read_scaled(tensor, first, n, out);
        return STATUS_OK;
    }
    const SafeTensor piece = piece_of(tensor, first, n);
    return safetensor_read_f32(&piece, out, err);
}

// A stretch of numbers as they are stored, of one tensor or of several, one after the other.
typedef struct Walk {
    const QuantizeSource *source;
    size_t first, n;     // that are left
    SafeTensor piece;    // in one tensor
    const char *of_file; // where that tensor begins; NULL: put together in room
    char *room;          // of SAFE_SPREAD and SAFE_SCALED: for a row
} Walk;

// A row of a tensor whose rows are put together in room: from number `at` on.
static SafeTensor row_of(const SafeTensor *tensor, size_t at, char *room)
{
    const size_t cols = tensor->shape[tensor->n_dims - 1]; // stretches are whole rows
    SafeTensor row = *tensor;
    row.change = SAFE_AS_IS;
    row.n_dims = 1;
    row.shape[0] = row.n_elements = cols;
    if (tensor->change == SAFE_SCALED) {
        safetensor_read_scaled(tensor, at, cols, (float *)(void *)room);
        row.type = TENSOR_F32;
        row.data = (Slice){room, cols * sizeof(float)};
    } else {
        row.data = (Slice){safetensor_row(tensor, at / cols, room), safetensor_row_bytes(tensor)};
    }
    return row;
}

static bool next_piece(Walk *w)
{
    if (w->n == 0) return false;
    const QuantizeSource *source = w->source;
    const size_t each = source->tensor->n_elements, i = source->experts ? w->first / each : 0;
    const size_t at = w->first - i * each, n = size_min(w->n, each - at);
    const SafeTensor *tensor = source->experts ? source->experts[i] : source->tensor;
    w->piece = w->room ? row_of(tensor, at, w->room) : piece_of(tensor, at, n);
    w->of_file = w->room ? NULL : tensor->data.ptr;
    w->first += w->piece.n_elements;
    w->n -= w->piece.n_elements;
    return true;
}

// Room for a row where rows are put together; the caller frees it.
static Status start_walk(Walk *w, Error *err)
{
    const SafeTensor *tensor = w->source->tensor;
    size_t bytes = safetensor_row_bytes(tensor);
    if (tensor->change == SAFE_SCALED) bytes *= sizeof(float); // becomes numbers
    if (tensor->change != SAFE_SPREAD && tensor->change != SAFE_SCALED) return STATUS_OK;
    w->room = malloc(bytes + 1);
    return w->room ? STATUS_OK : error_set_memory(err, 1, bytes, "a tensor's row");
}

// What was read goes back to the system. From the tensor's beginning: reading brings pages before a piece along.
static void drop_piece(const Walk *w)
{
    const char *end = w->piece.data.ptr + w->piece.data.len;
    if (!w->of_file) return;
    file_drop((Slice){w->of_file, (size_t)(end - w->of_file)});
}

static Status read_as_stored(const QuantizeSource *source, size_t first, size_t n, float *out,
                             Error *err)
{
    Walk w = {.source = source, .first = first, .n = n};
    Status s = start_walk(&w, err);
    while (s == STATUS_OK && next_piece(&w)) {
        s = safetensor_read_f32(&w.piece, out, err);
        out += w.piece.n_elements;
        drop_piece(&w);
    }
    free(w.room);
    return s;
}

static Status copy_as_stored(const QuantizeSource *source, size_t first, size_t n, char *to,
                             Error *err)
{
    Walk w = {.source = source, .first = first, .n = n};
    TRY(start_walk(&w, err));
    while (next_piece(&w)) {
        memcpy(to, w.piece.data.ptr, w.piece.data.len);
        to += w.piece.data.len;
        drop_piece(&w);
    }
    free(w.room);
    return STATUS_OK;
}

// Columns of the model's matrix are rows here. column: room for n numbers.
static Status read_columns(const SafeItem *item, const QuantizeSource *source, size_t first,
                           size_t n, float *column, float *out, Error *err)
{
    const size_t rows = item->shape[0], cols = item->shape[1];
    for (size_t c = 0; c < cols; c++) {
        TRY(read_numbers(source->tensor, c * rows + first, n, column, err));
        for (size_t r = 0; r < n; r++) out[r * cols + c] = column[r];
    }
    file_drop(source->tensor->data);
    return STATUS_OK;
}

// Rows in the order in which GGUF has them.
static Status read_in_order(const SafeItem *item, const QuantizeSource *source, size_t cols,
                            size_t first, size_t n, float *out, Error *err)
{
    const size_t rows = n_rows(item);
    for (size_t r = first; r < first + n; r++, out += cols) {
        const size_t from = row_order_in_use(&source->order, rows, r);
        TRY(read_numbers(source->tensor, from * cols, cols, out, err));
    }
    file_drop(source->tensor->data);
    return STATUS_OK;
}

// A head's keys have a row for each number that they are made of, [heads, rank, keys]; in the model a row for each column of a key.
static Status read_keys(const SafeItem *item, const QuantizeSource *source, size_t first, size_t n,
                        float *out, Error *err)
{
    const size_t rank = item->shape[1], n_keys = item->shape[2];
    const size_t of_head = source->tensor->n_elements / item->shape[0];
    size_t read = SIZE_MAX; // head
    float *keys = calloc(rank * n_keys, sizeof *keys);
    Status s = keys ? STATUS_OK : error_set_memory(err, rank * n_keys, sizeof *keys, "keys");
    for (size_t r = first; s == STATUS_OK && r < first + n; r++, out += n_keys) {
        if (r / rank != read) {
            read = r / rank;
            s = read_numbers(source->tensor, read * of_head, rank * n_keys, keys, err);
        }
        for (size_t i = 0; s == STATUS_OK && i < n_keys; i++) out[i] = keys[i * rank + r % rank];
    }
    free(keys);
    file_drop(source->tensor->data);
    return s;
}

// Rows of values stand behind those of their head's keys in the model.
static Status read_values(const SafeItem *item, const QuantizeSource *source, size_t first,
                          size_t n, float *out, Error *err)
{
    const size_t n_values = item->shape[1], rank = item->shape[2];
    const size_t of_head = source->tensor->n_elements / item->shape[0];
    for (size_t r = first; r < first + n; r++, out += rank) {
        const size_t end = (r / n_values + 1) * of_head, behind = n_values - r % n_values;
        TRY(read_numbers(source->tensor, end - behind * rank, rank, out, err));
    }
    file_drop(source->tensor->data);
    return STATUS_OK;
}

// Rows [first, first + n) of what is stored, as numbers.
static Status read_rows(const SafeItem *item, const QuantizeSource *source, size_t cols,
                        size_t first, size_t n, float *column, float *out, Error *err)
{
    switch (source->change) {
    case SAFE_TRANSPOSED:
        if (item->n_dims == 2) return read_columns(item, source, first, n, column, out, err);
        break;
    case SAFE_REORDERED:
        return read_in_order(item, source, cols, first, n, out, err);
    case SAFE_LESS_ONE:
        TRY(read_as_stored(source, first * cols, n * cols, out, err));
        for (size_t i = 0; i < n * cols; i++) out[i] += 1.0f;
        return STATUS_OK;
    case SAFE_KEYS_VALUES:
        return source->is_values ? read_values(item, source, first, n, out, err)
                                 : read_keys(item, source, first, n, out, err);
    case SAFE_AS_IS:
    case SAFE_SPREAD: // none that GGUF asks for
    case SAFE_JOINED:
    case SAFE_SCALED:
        break;
    }
    return read_as_stored(source, first * cols, n * cols, out, err);
}

// ---- encoding ----

// Numbers of one stretch, encoded by the pool in pieces; sums of each piece are added in order.
enum { PIECE_NUMBERS = 1 << 14 };

typedef struct Piece {
    double square, square_of_all, worst;
    size_t not_finite; // index + 1 of the first such number
} Piece;

typedef struct RowEncoding {
    DType dtype;
    const float *x;
    size_t n;
    char *to;
    Piece *pieces;
    float *back; // [workers * PIECE_NUMBERS]
} RowEncoding;

static void encode_piece(void *context, size_t unit, size_t worker)
{
    const RowEncoding *e = context;
    const size_t begin = unit * PIECE_NUMBERS, n = size_min(PIECE_NUMBERS, e->n - begin);
    const float *x = e->x + begin;
    float *back = e->back + worker * PIECE_NUMBERS;
    Piece *piece = &e->pieces[unit];
    for (size_t i = 0; i < n && piece->not_finite == 0; i++) {
        if (!isfinite(x[i])) piece->not_finite = begin + i + 1;
    }
    if (piece->not_finite) return;
    char *to = e->to + begin / dtype_block(e->dtype) * dtype_size(e->dtype);
    quant_encode(e->dtype, n, x, to);
    quant_decode(e->dtype, n, to, back);
    for (size_t i = 0; i < n; i++) {
        const double miss = (double)back[i] - (double)x[i];
        piece->square += miss * miss;
        piece->square_of_all += (double)x[i] * (double)x[i];
        if (fabs(miss) > piece->worst) piece->worst = fabs(miss);
    }
}

// first: number of the tensor with which the stretch begins.
static Status sum_pieces(const RowEncoding *e, size_t n_pieces, size_t first, QuantizedTensor *told,
                         Error *err)
{
    for (size_t i = 0; i < n_pieces; i++) {
        const Piece *piece = &e->pieces[i];
        if (piece->not_finite) {
            return error_set(err, STATUS_INVALID,
                             "tensor \"" SLICE_FMT
                             "\": number %zu is not finite (%g): the model is broken",
                             SLICE_ARG(told->name), first + piece->not_finite - 1,
                             (double)e->x[piece->not_finite - 1]);
        }
        told->square += piece->square;
        told->square_of_all += piece->square_of_all;
        told->worst = fmax(told->worst, piece->worst);
    }
    told->error = told->square_of_all > 0 ? sqrt(told->square / told->square_of_all) : 0;
    // What a format cannot hold at all (F16 above 65504) must not pass for a model.
    if (isfinite(told->error) && isfinite(told->worst)) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "tensor \"" SLICE_FMT "\" has numbers too large for %s: take bf16 or f32",
                     SLICE_ARG(told->name), tensor_type_name(told->to));
}

static Status encode(QuantizeWork *work, size_t index, const float *x, size_t first, size_t n,
                     void *to, Error *err)
{
    Arena arena = {0};
    QuantizedTensor *told = &work->report->tensors[index];
    RowEncoding e = {.x = x, .n = n, .to = to};
    (void)tensor_type_dtype(told->to, &e.dtype);
    const size_t n_pieces = (n + PIECE_NUMBERS - 1) / PIECE_NUMBERS;
    Status s = arena_take(&arena, n_pieces, sizeof *e.pieces, "pieces", &e.pieces, err);
    if (s == STATUS_OK)
        s = arena_take_raw(&arena, pool_threads(work->pool) * PIECE_NUMBERS, sizeof *e.back,
                           "pieces", &e.back, err);
    if (s == STATUS_OK) {
        pool_run(work->pool, n_pieces, encode_piece, &e);
        s = sum_pieces(&e, n_pieces, first, told, err);
    }
    arena_release(&arena);
    return s;
}

// ---- both ----

// The same numbers in the same place: copied, for encoding again would lose a little.
static bool stays(const SafeItem *item, const QuantizeSource *source)
{
    return source->tensor && source->tensor->type == item->type && source->change == SAFE_AS_IS;
}

Status quantize_fill(void *context, size_t index, size_t first, size_t n, void *data, Error *err)
{
    QuantizeWork *work = context;
    const QuantizeSource *source = &work->sources[index];
    const SafeItem *item = &work->items[index];
    const QuantizedTensor *told = &work->report->tensors[index];
    const size_t n_elements = told->n_elements,
                 n_last = item->n_dims > 1 ? item->shape[item->n_dims - 1] : n_elements;
    const size_t begin = first * n_last, count = n * n_last;
    if (work->cancel && atomic_load(work->cancel))
        return error_set(err, STATUS_CANCELLED, "stopped");
    if (count == 0) return STATUS_OK;
    if (stays(item, source)) return copy_as_stored(source, begin, count, data, err);
    // A vector comes whole; more than two dimensions have rows of the last.
    const bool is_flat = source->change == SAFE_AS_IS || source->change == SAFE_LESS_ONE ||
                         source->change == SAFE_KEYS_VALUES;
    const size_t cols = is_flat ? n_last : n_cols(item, told),
                 rows = is_flat ? n : count / size_max(cols, 1),
                 from = is_flat ? first : begin / size_max(cols, 1);
    const size_t bytes = (count + rows) * sizeof(float);
    float *x = huge_alloc(bytes), *column = x + count;
    if (!x) return error_set_memory(err, count + rows, sizeof *x, "a tensor");
    Status s = STATUS_OK;
    if (source->tensor)
        s = read_rows(item, source, cols, from, rows, column, x, err);
    else
        memcpy(x, source->factors, count * sizeof *x);
    if (s == STATUS_OK) s = encode(work, index, x, begin, count, data, err);
    huge_free(x, bytes);
    return s;
}
