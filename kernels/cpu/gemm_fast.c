#include "kernels/cpu/gemm_fast.h"

#include "base/size.h"
#include "kernels/cpu/gemm_tile.h"
#include "kernels/cpu/stored_fast.h"
#include "kernels/cpu/vec.h"
#include "kernels/pack.h"

#include <string.h>

// b's block, GEMM_K steps of TILE_PANELS panels (96 KiB for AVX-512), is read by all rows of a block, a's block of rows by all
// panels: from L2 mostly. Shorter blocks of k keep b in L1 but reload c more often, and read the weights in shorter stretches:
// with 768 steps instead of 512, 16 to 64 rows of BERT-base took 1 to 2 % less and 16 of a Llama 2 to 4 %; 256 were 1 to 3 %
// slower, and longer blocks no faster. With b ready in panels few rows are best: they and their part of c stay in L2 (512 rows
// were 1-2 % slower). Where b must be packed for every block of rows, more rows repay that (224 were 2-5 % slower).
// A copied row of a is one cache line longer than its data, so that rows spread over L1's sets.
enum { GEMM_K = 768, GEMM_M = 224, GEMM_M_PACKED = 512, ROW_GAP = VEC_WIDTH };
enum { NEAR_FLOATS = 128 << 10 }; // see few_panels

static size_t block_rows(const GemmProblem *g)
{
    return g->b_side == GEMM_PANELS ? GEMM_M : GEMM_M_PACKED;
}

// b's steps are cut between blocks of its format.
static size_t step_of(const GemmProblem *g)
{
    return g->b_side == GEMM_STORED ? STORED_STEP : 1;
}

static size_t ceil_div(size_t n, size_t step)
{
    return n / step + (n % step != 0);
}

// Where part i of n begins when n is split into parts as evenly as whole numbers allow.
static size_t split(size_t n, size_t parts, size_t i)
{
    const size_t whole = n / parts, rest = n % parts;
    return whole * i + size_min(i, rest);
}

typedef enum ASource { A_DIRECT, A_COPIED, A_PACKED } ASource;

// Rows whose starts fall on few of L1's 64 sets would push each other and b out of the cache: they are copied first, where
// enough panels of c repay the copy. Tall tiles (AVX-512) have them packed, so that they are one stream: 1 % less time at 64 rows,
// up to 3 % at 384. Turning 16 columns of a short one (AVX2) costs more than that.
static ASource a_source(const GemmProblem *g)
{
    if (g->a_side == GEMM_TRANSPOSED) return A_PACKED;
    const size_t lines = g->a_stride / VEC_WIDTH;
    const int is_spread = g->a_stride % VEC_WIDTH != 0 || lines % 16 != 0;
    if (g->m <= (size_t)2 * TILE_ROWS || g->n < (size_t)8 * VEC_WIDTH || is_spread) return A_DIRECT;
    return TILE_ROWS > VEC_WIDTH / 2 ? A_PACKED : A_COPIED;
}

static size_t a_floats(const GemmProblem *g)
{
    const size_t rows = size_min(g->m, block_rows(g)), steps = size_min(g->k, GEMM_K + step_of(g));
    return a_source(g) == A_DIRECT ? 0 : rows * (steps + ROW_GAP);
}

// Rows of a file, for weights that are mapped, become panels of some columns at a time, and then are what packed ones are.
static GemmProblem columns_of(const GemmProblem *g, size_t j0, size_t n, const void *panels)
{
    GemmProblem part = *g;
    part.b_side = GEMM_STORED;
    part.stored = panels;
    part.stored_panel = pack_stored_panel_bytes(g->stored_dtype, g->k);
    part.n = n;
    part.c = g->c + j0;
    part.bias = g->bias ? g->bias + j0 : NULL;
    part.pre = g->pre ? g->pre + j0 : NULL;
    part.next = NULL;
    part.fetch = NULL; // once is enough, and here there is no last panel yet
    return part;
}

// Panels that are made at a time: as many as stay in L2 until the last of them is read, but enough for a tile.
static size_t panels_at_once(const GemmProblem *g)
{
    enum { NEAR_BYTES = 256 << 10 };
    const size_t bytes = size_max(1, pack_stored_panel_bytes(g->stored_dtype, g->k));
    return size_min(size_max(NEAR_BYTES / bytes, STORED_WIDE), ceil_div(g->n, VEC_WIDTH));
}

static size_t panels_floats(const GemmProblem *g)
{
    const size_t bytes = panels_at_once(g) * pack_stored_panel_bytes(g->stored_dtype, g->k);
    return size_round_up(bytes, sizeof(Vec)) / sizeof(float);
}

size_t FAST(gemm_scratch)(const GemmProblem *problem)
{
    if (problem->b_side == GEMM_STORED_ROWS) {
        const GemmProblem part =
            columns_of(problem, 0, panels_at_once(problem) * VEC_WIDTH, problem->stored);
        return panels_floats(problem) + FAST(gemm_scratch)(&part);
    }
    const size_t steps = size_min(problem->k, GEMM_K + step_of(problem));
    return a_floats(problem) +
           (problem->b_side == GEMM_PANELS ? 0 : steps * TILE_PANELS * VEC_WIDTH);
}

// 16 rows of 16 floats, transposed: all of it in registers.
static void pack_square(const float *from, size_t stride, float *to)
{
    Vec block[VEC_WIDTH];
#pragma GCC unroll 16
    for (size_t j = 0; j < VEC_WIDTH; j++) block[j] = vec_load(from + j * stride);
    vec_transpose(block);
#pragma GCC unroll 16
    for (size_t j = 0; j < VEC_WIDTH; j++) vec_store(to + j * VEC_WIDTH, block[j]);
}

// Panel rows [k0, k0 + n_k) of 16 columns from j0: to[k * 16 + j] = b[k][j0 + j], zeros beyond column n.
static void pack_b_panel(const GemmProblem *g, size_t j0, size_t k0, size_t n_k, float *to)
{
    const size_t n = size_min(VEC_WIDTH, g->n - j0);
    if (g->b_side == GEMM_STORED) {
        const char *panel = (const char *)g->stored + j0 / VEC_WIDTH * g->stored_panel;
        FAST(stored_unpack)(g->stored_dtype, panel, k0, n_k, to);
        return;
    }
    if (g->b_side == GEMM_ROWS) {
        const float *from = g->b + k0 * g->b_stride + j0;
        for (size_t k = 0; k < n_k; k++) {
            vec_store(to + k * VEC_WIDTH, vec_load_any(from + k * g->b_stride, n));
        }
        return;
    }
    for (size_t k = 0; k < n_k;) {
        // Up to the next panel boundary of b (PANELS_TRANSPOSED), 16 steps at a time.
        const size_t lane = (k0 + k) % VEC_WIDTH;
        const size_t first = g->b_side == GEMM_PANELS_TRANSPOSED ? lane : 0;
        const size_t steps = size_min(VEC_WIDTH - first, n_k - k);
        const int is_plain = g->b_side == GEMM_TRANSPOSED;
        const float *from = is_plain ? g->b + j0 * g->b_stride + k0 + k
                                     : g->b + (k0 + k) / VEC_WIDTH * g->b_stride + j0 * VEC_WIDTH;
        const size_t stride = is_plain ? g->b_stride : VEC_WIDTH;
        if (steps == VEC_WIDTH && n == VEC_WIDTH) {
            pack_square(from, stride, to + k * VEC_WIDTH);
            k += steps;
            continue;
        }
        Vec block[VEC_WIDTH];
        for (size_t j = 0; j < VEC_WIDTH; j++) {
            block[j] =
                j < n ? vec_load_any(from + j * stride, is_plain ? steps : VEC_WIDTH) : vec_zero();
        }
        vec_transpose(block);
        for (size_t s = 0; s < steps; s++) vec_store(to + (k + s) * VEC_WIDTH, block[first + s]);
        k += steps;
    }
}

void FAST(gemm_pack)(const GemmProblem *problem, float *to)
{
    for (size_t j = 0; j < problem->n; j += VEC_WIDTH)
        pack_b_panel(problem, j, 0, problem->k, to + j * problem->k);
}

// Steps of k from `from` on, for one tile: its rows together, step after step. May write up to VEC_WIDTH floats more.
static void pack_tile(const GemmProblem *g, const float *from, size_t rows, size_t n_k, float *to)
{
    if (g->a_side == GEMM_TRANSPOSED) {
        for (size_t k = 0; k < n_k; k++)
            vec_store_n(to + k * rows, rows, vec_load_n(from + k * g->a_stride, rows));
        return;
    }
    for (size_t k = 0; k < n_k; k += VEC_WIDTH) {
        const size_t n = size_min(VEC_WIDTH, n_k - k);
        Vec block[VEC_WIDTH];
#pragma GCC unroll 16
        for (size_t i = 0; i < VEC_WIDTH; i++)
            block[i] = i < rows ? vec_load_any(from + i * g->a_stride + k, n) : vec_zero();
        vec_transpose(block);
#pragma GCC unroll 16
        for (size_t s = 0; s < VEC_WIDTH; s++) {
            if (s < n) vec_store(to + (k + s) * rows, block[s]); // the next step covers the rest
        }
    }
}

// A block of a for the micro-kernels: rows copied, or packed so that each tile's rows lie together.
static void pack_a(const GemmProblem *g, size_t i0, size_t n_rows, size_t k0, size_t n_k, float *to)
{
    if (a_source(g) == A_COPIED) {
        for (size_t i = 0; i < n_rows; i++) {
            memcpy(to + i * (n_k + ROW_GAP), g->a + (i0 + i) * g->a_stride + k0,
                   n_k * sizeof(float));
        }
        return;
    }
    const int is_turned = g->a_side == GEMM_TRANSPOSED;
    const size_t n_tiles = ceil_div(n_rows, TILE_ROWS);
    for (size_t t = 0; t < n_tiles; t++) {
        const size_t begin = split(n_rows, n_tiles, t),
                     rows = split(n_rows, n_tiles, t + 1) - begin;
        const float *from = is_turned ? g->a + k0 * g->a_stride + i0 + begin
                                      : g->a + (i0 + begin) * g->a_stride + k0;
        pack_tile(g, from, rows, n_k, to + begin * n_k);
    }
}

// The activation over a finished tile of c, while it is in L1.
static void finish_tile(const GemmProblem *g, size_t i0, size_t rows, size_t j0, size_t columns)
{
    float *c = g->c + i0 * g->c_row + j0;
    if (g->pre != NULL && g->pre != g->c) {
        float *pre = g->pre + i0 * g->pre_row + j0;
        FAST(activation_rows)(ACTIVATION_NONE, rows, columns, c, g->c_row, pre, g->pre_row);
    }
    if (g->activation != ACTIVATION_NONE) {
        FAST(activation_rows)(g->activation, rows, columns, c, g->c_row, c, g->c_row);
    }
}

// Where a GemmProblem's `fetch` has come to.
typedef struct Fetched {
    const FetchList *list;
    size_t piece, at; // floats
} Fetched;

typedef struct Block {
    size_t i0, n_rows; // rows of c
    size_t k0, n_k;
    const float *a; // of row i0, step k0
    size_t a_row;   // floats between rows (packed: rows of one tile lie together)
    int a_is_packed;
    int is_last; // the last block of k
    Fetched *fetched;
} Block;

// Whether c goes past the caches: logits of a vocabulary for many rows, which would push out everything else before they are
// read. 64 x 58101 x 512 took 3 % less time.
static int streams(const GemmProblem *g, size_t columns)
{
    enum { FAR_FLOATS = 2 << 20 };
    const int is_whole = columns % VEC_WIDTH == 0 && g->c_panel == VEC_WIDTH &&
                         g->c_row % VEC_WIDTH == 0 && (uintptr_t)g->c % sizeof(Vec) == 0;
    return is_whole && g->m > FAR_FLOATS / g->n && g->activation == ACTIVATION_NONE &&
           (g->pre == NULL || g->pre == g->c);
}

// What comes after some panels of b: panels to be fetched.
typedef struct Next {
    const float *b; // NULL: nothing
    size_t panel;   // floats between them
} Next;

// Where the next so many floats of the list are, or `otherwise` when it is through.
static const float *fetch_more(Fetched *f, size_t floats, const float *otherwise)
{
    while (f->list && f->piece < f->list->n) {
        const FetchPiece *piece = &f->list->pieces[f->piece];
        if (f->at < piece->floats) {
            f->at += floats;
            return piece->start + (f->at - floats);
        }
        f->piece++;
        f->at = 0;
    }
    return otherwise;
}

// Rows of the block from `begin` on times panels [p0, p0 + n_panels).
static void run_panels(const GemmProblem *g, const Block *block, size_t begin, const float *b,
                       size_t b_panel, Next next, size_t p0, size_t n_panels)
{
    const size_t j0 = p0 * VEC_WIDTH, columns = size_min(n_panels * VEC_WIDTH, g->n - j0);
    const size_t n_rows = block->n_rows - begin, n_tiles = size_max(1, ceil_div(n_rows, TILE_ROWS));
    const size_t least_rows = n_rows / n_tiles, n_taller = n_rows % n_tiles;
    float *const c = g->c + block->i0 * g->c_row + p0 * g->c_panel;
    GemmTile tile = {
        .b = b,
        .b_panel = b_panel,
        .c_row = g->c_row,
        .c_panel = g->c_panel,
        .n_last = columns - (n_panels - 1) * VEC_WIDTH,
        .n_k = block->n_k,
        .bias = block->is_last && g->bias != NULL ? g->bias + j0 : NULL,
        .reload = block->k0 > 0 || g->accumulate,
        .streams = block->is_last && streams(g, columns),
    };
    for (size_t t = 0; t < n_tiles; t++) { // rows as split() has them
        const size_t rows = least_rows + (t < n_taller);
        tile.a = block->a + begin * block->a_row;
        tile.a_stride = block->a_is_packed ? rows : block->a_row;
        tile.c = c + begin * g->c_row;
        // The first tile of the block fetches the first panel that comes next, and so on; later ones have time for more.
        tile.next_b = t < n_panels && next.b
                          ? next.b + t * next.panel
                          : fetch_more(block->fetched, block->n_k * VEC_WIDTH, b);
        gemm_tile_find(rows, n_panels, block->a_is_packed)(&tile);
        if (block->is_last) finish_tile(g, block->i0 + begin, rows, j0, columns);
        begin += rows;
    }
}

// Panels at a time for few rows. From memory a panel after the other comes fastest, as one stream that the machine's own
// prefetching follows, and up to four rows keep pace with it: on a Zen 4 that read of 438 MB of weights went at the speed of a
// plain loop of loads, where eight streams fetched ahead by hand had 0.6 of it. What a cache holds takes more chains at once.
static size_t few_panels(const GemmProblem *g)
{
    const int is_near = g->k <= NEAR_FLOATS / size_max(g->n, 1);
    return g->m <= TILE_STREAM_ROWS && !is_near ? 1 : TILE_WIDE[g->m];
}

// Few rows: every weight is used once, so nothing is packed or blocked.
static void run_few_rows(const GemmProblem *g)
{
    Fetched nothing = {0};
    const Block block = {.n_rows = g->m,
                         .n_k = g->k,
                         .a = g->a,
                         .a_row = g->a_stride,
                         .is_last = 1,
                         .fetched = &nothing};
    const size_t n_panels = ceil_div(g->n, VEC_WIDTH), wide = few_panels(g);
    size_t p = 0;
    while (p < n_panels) {
        const size_t left = n_panels - p;
        const size_t take = left >= wide ? wide : left >= TILE_PANELS ? TILE_PANELS : 1;
        run_panels(g, &block, 0, g->b + p * g->b_stride, g->b_stride, (Next){0}, p, take);
        p += take;
    }
}

// Whether tiles unpack b: Q8_ROW, which is there for products of bytes, is unpacked ahead.
static int has_stored_tiles(const GemmProblem *g)
{
    return g->b_side == GEMM_STORED && g->stored_dtype != DTYPE_Q8_ROW && g->k > 0;
}

// The first rows of the block times panels [p0, p0 + n_panels) of stored weights, which are unpacked on the way.
static void run_stored(const GemmProblem *g, const Block *block, size_t rows, float *unpacked,
                       size_t p0, size_t n_panels)
{
    enum { LINE_BYTES = 64 };
    const size_t j0 = p0 * VEC_WIDTH, columns = size_min(n_panels * VEC_WIDTH, g->n - j0);
    const char *const b = (const char *)g->stored + p0 * g->stored_panel;
    const size_t n_parts = ceil_div(g->k, STORED_STEP);
    // Blocks come from memory in time where the panels after these are asked for; 16 bits came faster one row at a time without.
    const int is_streaming =
        dtype_block(g->stored_dtype) > 1 && p0 + 2 * n_panels <= ceil_div(g->n, VEC_WIDTH);
    const StoredTile tile = {
        .a = block->a,
        .a_stride = block->a_row,
        .b = b,
        .b_panel = g->stored_panel,
        .n_panels = n_panels,
        .c = g->c + block->i0 * g->c_row + j0,
        .c_row = g->c_row,
        .k0 = block->k0,
        .n_k = block->n_k,
        .reload = block->k0 > 0 || g->accumulate,
        .n_last = columns - (n_panels - 1) * VEC_WIDTH,
        .bias = block->is_last && g->bias ? g->bias + j0 : NULL,
        .unpacked = unpacked,
        .next = b + n_panels * g->stored_panel,
        .n_next = is_streaming ? ceil_div(g->stored_panel, n_parts * LINE_BYTES) : 0,
    };
    FAST(stored_tile)(g->stored_dtype, rows, &tile);
    if (block->is_last) finish_tile(g, block->i0, rows, j0, columns);
}

// Few rows of stored weights: unpacked in registers.
static void run_few_stored(const GemmProblem *g)
{
    const Block block = {
        .n_rows = g->m, .n_k = g->k, .a = g->a, .a_row = g->a_stride, .is_last = 1};
    const size_t n_panels = ceil_div(g->n, VEC_WIDTH), wide = FAST(stored_wide)(g->m);
    for (size_t p = 0, take; p < n_panels; p += take) {
        take = size_min(wide, n_panels - p);
        run_stored(g, &block, g->m, NULL, p, take);
    }
}

// Rows whose tile unpacks stored weights for those below it; 0 where they are unpacked ahead, which many rows do not feel.
static size_t unpacking_rows(const GemmProblem *g, const Block *block)
{
    enum { MAX = STORED_MAX_ROWS };
    if (!has_stored_tiles(g) || a_source(g) != A_DIRECT || block->n_rows <= MAX) return 0;
    return size_min(MAX, ceil_div(block->n_rows, 2));
}

static void run_block(const GemmProblem *g, Block *block, float *scratch)
{
    const ASource source = a_source(g);
    block->a_is_packed = source == A_PACKED;
    block->a = g->a + block->i0 * g->a_stride + block->k0;
    block->a_row = g->a_stride;
    if (source != A_DIRECT) {
        pack_a(g, block->i0, block->n_rows, block->k0, block->n_k, scratch);
        block->a = scratch;
        block->a_row = block->a_is_packed ? block->n_k : block->n_k + ROW_GAP;
    }
    float *packed_b = scratch + a_floats(g);
    const size_t n_panels = ceil_div(g->n, VEC_WIDTH), unpacking = unpacking_rows(g, block);
    for (size_t p = 0; p < n_panels; p += TILE_PANELS) {
        const size_t take = size_min(TILE_PANELS, n_panels - p);
        const float *b = packed_b;
        Next next = {0};
        size_t b_panel = block->n_k * VEC_WIDTH;
        if (g->b_side == GEMM_PANELS) {
            b = g->b + p * g->b_stride + block->k0 * VEC_WIDTH;
            b_panel = g->b_stride;
            if (p + (size_t)2 * TILE_PANELS <= n_panels)
                next = (Next){b + TILE_PANELS * b_panel, b_panel};
            else if (block->is_last && block->i0 + block->n_rows == g->m)
                next = (Next){g->next, block->n_k * VEC_WIDTH};
        } else if (unpacking > 0) {
            run_stored(g, block, unpacking, packed_b, p, take);
        } else {
            for (size_t q = 0; q < take; q++) {
                pack_b_panel(g, (p + q) * VEC_WIDTH, block->k0, block->n_k, packed_b + q * b_panel);
            }
        }
        run_panels(g, block, unpacking, b, b_panel, next, p, take);
    }
}

static void run_file_rows(const GemmProblem *g, float *scratch)
{
    const size_t at_once = panels_at_once(g) * VEC_WIDTH;
    for (size_t j0 = 0; j0 < g->n; j0 += at_once) {
        const size_t n = size_min(at_once, g->n - j0);
        const GemmProblem part = columns_of(g, j0, n, scratch);
        for (size_t j = 0; j < n; j += VEC_WIDTH) {
            const void *rows[VEC_WIDTH] = {NULL};
            for (size_t i = 0; i < size_min(VEC_WIDTH, n - j); i++)
                rows[i] = (const char *)g->stored + (j0 + j + i) * g->stored_panel;
            pack_stored_panel(g->stored_dtype, rows, g->k,
                              (char *)scratch + j / VEC_WIDTH * part.stored_panel);
        }
        FAST(gemm_run)(&part, scratch + panels_floats(g));
    }
}

void FAST(gemm_run)(const GemmProblem *problem, float *scratch)
{
    if (problem->m == 0 || problem->n == 0) return;
    if (problem->b_side == GEMM_STORED_ROWS) {
        run_file_rows(problem, scratch);
        return;
    }
    if (problem->m <= TILE_ROWS && problem->a_side == GEMM_ROWS && problem->b_side == GEMM_PANELS) {
        run_few_rows(problem);
        return;
    }
    if (problem->m <= STORED_MAX_ROWS && has_stored_tiles(problem) && !problem->accumulate) {
        run_few_stored(problem);
        return;
    }
    const size_t m_blocks = ceil_div(problem->m, block_rows(problem));
    const size_t k_blocks = size_max(1, ceil_div(problem->k, GEMM_K));
    const size_t step = step_of(problem);
    const size_t n_steps = ceil_div(problem->k, step);
    Fetched fetched = {.list = problem->fetch};
    for (size_t i = 0; i < m_blocks; i++) {
        for (size_t k = 0; k < k_blocks; k++) {
            Block block = {.i0 = split(problem->m, m_blocks, i),
                           .k0 = split(n_steps, k_blocks, k) * step,
                           .fetched = &fetched};
            block.n_rows = split(problem->m, m_blocks, i + 1) - block.i0;
            block.n_k = size_min(split(n_steps, k_blocks, k + 1) * step, problem->k) - block.k0;
            block.is_last = k + 1 == k_blocks;
            run_block(problem, &block, scratch);
        }
    }
    if (streams(problem, VEC_WIDTH)) vec_fence();
}
