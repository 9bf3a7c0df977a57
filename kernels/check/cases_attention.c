#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/check/cases_build.h"
#include "kernels/half.h"

typedef enum KeySource {
    KEYS_SELF,    // the queries' own rows
    KEYS_FUSED,   // the same, as views of one product [T, q | k | v]
    KEYS_CACHE,   // some earlier rows, then the queries' own; positions say so
    KEYS_PAGES,   // a cache in pages
    KEYS_COLUMNS, // pages of keys by column
    KEYS_PANELS,  // of keys in panels
    KEYS_CROSS,   // another sequence, now and then empty
} KeySource;

typedef struct AttentionConfig {
    size_t n_heads, n_kv_heads, head_dim;
    KeySource keys;
    int is_causal;
    size_t window;
    float soft_cap;
    int32_t relative_reach; // 0 = no relative bias
    float dropout;
    int is_one_sequence, has_sinks;
    DType pages;          // what they hold
    size_t first_kv_head; // of them
} AttentionConfig;

static const AttentionConfig configs[] = {
    {.n_heads = 2, .n_kv_heads = 2, .head_dim = 32, .keys = KEYS_FUSED, .is_one_sequence = 1},
    {.n_heads = 3, .n_kv_heads = 3, .head_dim = 7, .keys = KEYS_SELF},
    {.n_heads = 4, .n_kv_heads = 4, .head_dim = 64, .keys = KEYS_FUSED},
    {.n_heads = 3, .n_kv_heads = 3, .head_dim = 32, .keys = KEYS_FUSED, .dropout = 0.1f},
    {.n_heads = 2, .n_kv_heads = 2, .head_dim = 16, .keys = KEYS_SELF, .is_causal = 1},
    {.n_heads = 4, .n_kv_heads = 2, .head_dim = 8, .keys = KEYS_CACHE, .is_causal = 1},
    {.n_heads = 6, .n_kv_heads = 1, .head_dim = 20, .keys = KEYS_PAGES, .is_causal = 1},
    {.n_heads = 2, .n_kv_heads = 2, .head_dim = 33, .keys = KEYS_SELF, .window = 5},
    {.n_heads = 2,
     .n_kv_heads = 1,
     .head_dim = 16,
     .keys = KEYS_CACHE,
     .is_causal = 1,
     .window = 9,
     .soft_cap = 3.0f},
    {.n_heads = 4,
     .n_kv_heads = 4,
     .head_dim = 16,
     .keys = KEYS_SELF,
     .relative_reach = 11,
     .dropout = 0.3f},
    {.n_heads = 1, .n_kv_heads = 1, .head_dim = 1, .keys = KEYS_CROSS},
    {.n_heads = 2, .n_kv_heads = 2, .head_dim = 48, .keys = KEYS_CROSS, .dropout = 0.5f},
    {.n_heads = 2, .n_kv_heads = 2, .head_dim = 128, .keys = KEYS_FUSED, .soft_cap = 30.0f},
    {.n_heads = 2,
     .n_kv_heads = 2,
     .head_dim = 16,
     .keys = KEYS_PAGES,
     .relative_reach = 4,
     .window = 20},
    {.n_heads = 8, .n_kv_heads = 8, .head_dim = 64, .keys = KEYS_COLUMNS},
    {.n_heads = 8, .n_kv_heads = 8, .head_dim = 7, .keys = KEYS_COLUMNS, .is_causal = 1},
    {.n_heads = 16, .n_kv_heads = 16, .head_dim = 33, .keys = KEYS_COLUMNS, .window = 9},
    {.n_heads = 32, .n_kv_heads = 32, .head_dim = 16, .keys = KEYS_COLUMNS, .is_causal = 1},
    // Windows that leave out whole tiles of keys.
    {.n_heads = 2,
     .n_kv_heads = 2,
     .head_dim = 32,
     .keys = KEYS_FUSED,
     .window = 65,
     .is_one_sequence = 1},
    {.n_heads = 4,
     .n_kv_heads = 2,
     .head_dim = 16,
     .keys = KEYS_FUSED,
     .is_causal = 1,
     .window = 100,
     .is_one_sequence = 1},
    {.n_heads = 8, .n_kv_heads = 2, .head_dim = 40, .keys = KEYS_PANELS, .is_causal = 1},
    {.n_heads = 3,
     .n_kv_heads = 3,
     .head_dim = 17,
     .keys = KEYS_PANELS,
     .is_causal = 1,
     .window = 150,
     .is_one_sequence = 1},
    {.n_heads = 5,
     .n_kv_heads = 1,
     .head_dim = 64,
     .keys = KEYS_PANELS,
     .is_causal = 1,
     .is_one_sequence = 1},
    // Sinks: as gpt-oss has them, beside a bias, of keys by column, of queries that see nothing.
    {.n_heads = 4,
     .n_kv_heads = 2,
     .head_dim = 16,
     .keys = KEYS_FUSED,
     .is_causal = 1,
     .window = 100,
     .is_one_sequence = 1,
     .has_sinks = 1},
    {.n_heads = 6,
     .n_kv_heads = 2,
     .head_dim = 20,
     .keys = KEYS_PANELS,
     .is_causal = 1,
     .window = 150,
     .is_one_sequence = 1,
     .has_sinks = 1},
    {.n_heads = 2,
     .n_kv_heads = 1,
     .head_dim = 8,
     .keys = KEYS_SELF,
     .relative_reach = 11,
     .dropout = 0.2f,
     .has_sinks = 1},
    {.n_heads = 8, .n_kv_heads = 8, .head_dim = 16, .keys = KEYS_COLUMNS, .has_sinks = 1},
    {.n_heads = 2, .n_kv_heads = 2, .head_dim = 4, .keys = KEYS_CROSS, .has_sinks = 1},
    // Pages of 16 bits, and those that have more heads.
    {.n_heads = 3,
     .n_kv_heads = 3,
     .head_dim = 64,
     .keys = KEYS_PANELS,
     .is_causal = 1,
     .is_one_sequence = 1,
     .pages = DTYPE_F16},
    {.n_heads = 4,
     .n_kv_heads = 2,
     .head_dim = 33,
     .keys = KEYS_PANELS,
     .is_causal = 1,
     .has_sinks = 1,
     .pages = DTYPE_F16,
     .first_kv_head = 1},
    {.n_heads = 7,
     .n_kv_heads = 1,
     .head_dim = 32,
     .keys = KEYS_PANELS,
     .is_causal = 1,
     .window = 150,
     .is_one_sequence = 1,
     .pages = DTYPE_BF16,
     .first_kv_head = 3},
    {.n_heads = 2, .n_kv_heads = 2, .head_dim = 5, .keys = KEYS_PANELS, .pages = DTYPE_BF16},
};

size_t attention_config_count(void)
{
    return sizeof configs / sizeof *configs;
}

// Keys for these queries: lengths by the source, absolute positions where the queries are not the keys.
static Ragged build_keys(Problem *p, KeySource source, Ragged *queries)
{
    const size_t n = queries->n_sequences;
    if (source == KEYS_SELF || source == KEYS_FUSED) return *queries;
    int32_t *offsets = problem_take(p, (n + 1) * sizeof *offsets);
    offsets[0] = 0;
    for (size_t s = 0; s < n; s++) {
        const int32_t own = queries->offsets[s + 1] - queries->offsets[s];
        // One sequence may have a long past.
        const uint64_t most = source == KEYS_PANELS && n == 1 ? 300 : 20;
        const int32_t extra = (int32_t)philox_below(&p->rng, most);
        offsets[s + 1] = offsets[s] + (source == KEYS_CROSS ? extra : own + extra);
    }
    if (source != KEYS_CROSS) { // queries stand behind the cached rows
        int32_t *positions = problem_take(p, (size_t)queries->offsets[n] * sizeof *positions);
        for (size_t s = 0; s < n; s++) {
            const int32_t own = queries->offsets[s + 1] - queries->offsets[s];
            const int32_t cached = offsets[s + 1] - offsets[s] - own;
            for (int32_t i = 0; i < own; i++) positions[queries->offsets[s] + i] = cached + i;
        }
        queries->positions = positions;
    }
    return (Ragged){.n_sequences = n, .offsets = offsets};
}

// A page of numbers of 16 bits, the same in a problem of any dtype.
static const float *build_halves(Problem *p, DType dtype, size_t n, double magnitude)
{
    uint16_t *page = problem_take(p, n * sizeof *page);
    for (size_t i = 0; i < n; i++) {
        const float x = (float)((2 * philox_double(&p->rng) - 1) * magnitude);
        page[i] = dtype == DTYPE_F16 ? f16_from_f32(x) : bf16_from_f32(x);
    }
    return (const float *)(const void *)page;
}

static void build_pages(Problem *p, AttentionArgs *as, double magnitude)
{
    // Pages that a vector's keys fill, that end within them, and of one row as beams have them.
    static const size_t sizes[] = {16, 8, 1, 48, 5};
    size_t longest = 0;
    for (size_t s = 0; s < as->keys.n_sequences; s++) {
        longest = size_max(longest, (size_t)(as->keys.offsets[s + 1] - as->keys.offsets[s]));
    }
    as->page_rows =
        as->pages_by_head ? PANEL_WIDTH : sizes[longest % (sizeof sizes / sizeof *sizes)];
    as->max_pages = longest / as->page_rows + 1;
    const size_t n = as->keys.n_sequences * as->max_pages;
    const float **tables[2];
    for (int which = 0; which < 2; which++) {
        const float **table = problem_take(p, n * sizeof *table);
        for (size_t i = n; i-- > 0;) { // descending: no page lies where its number suggests
            const size_t n_heads = as->first_kv_head + as->n_kv_heads;
            const TensorShape page = {.rows = as->page_rows, .cols = n_heads * as->head_dim};
            table[i] = as->pages_dtype == DTYPE_F32
                           ? problem_random(p, page, 0, magnitude).data
                           : build_halves(p, as->pages_dtype, page.rows * page.cols, magnitude);
        }
        problem_note_pointers(p, table, n);
        tables[which] = table;
    }
    as->key_pages = (const float *const *)tables[0];
    as->value_pages = (const float *const *)tables[1];
}

// A bucket for every distance: near ones apart, far ones together, as T5 does.
static void build_relative_bias(Problem *p, AttentionArgs *as, int32_t reach)
{
    const size_t n = 2 * (size_t)reach + 1, n_buckets = (size_t)reach + 1;
    int32_t *bucket = problem_take(p, n * sizeof *bucket);
    for (size_t i = 0; i < n; i++) bucket[i] = (int32_t)(i * 7 % n_buckets);
    as->relative_bucket = bucket;
    as->relative_reach = reach;
    const TensorShape shape = {.rows = as->n_heads, .cols = n_buckets};
    p->args.in[3] = problem_random(p, shape, 0, 1);
}

static void build_qkv(Problem *p, const AttentionArgs *as, KeySource source, double magnitude)
{
    const size_t q_cols = as->n_heads * as->head_dim, k_cols = as->n_kv_heads * as->head_dim;
    const size_t n_queries = (size_t)as->queries.offsets[as->queries.n_sequences];
    const size_t n_keys = (size_t)as->keys.offsets[as->keys.n_sequences];
    if (source == KEYS_FUSED) {
        const TensorShape fused = {.rows = n_queries, .cols = q_cols + 2 * k_cols};
        const Tensor qkv = problem_random(p, fused, 0, magnitude);
        p->args.in[0] = tensor_columns(qkv, 0, q_cols);
        p->args.in[1] = tensor_columns(qkv, q_cols, q_cols + k_cols);
        p->args.in[2] = tensor_columns(qkv, q_cols + k_cols, q_cols + 2 * k_cols);
        return;
    }
    const TensorShape q = {.rows = n_queries, .cols = q_cols, .gap = 1};
    const TensorShape k = {.rows = n_keys, .cols = k_cols};
    p->args.in[0] = problem_random(p, q, 0, magnitude);
    if (source == KEYS_PAGES || source == KEYS_COLUMNS) return;
    p->args.in[1] = problem_random(p, k, 0, magnitude);
    p->args.in[2] = problem_random(p, k, 0, magnitude);
}

// OP_ATTENTION_BF16 has neither pages nor dropout, nor a second output.
void attention_build(Problem *problem, const Case *c, int is_for_backward)
{
    static const double magnitudes[] = {
        [MAGNITUDE_ONE] = 1.7, [MAGNITUDE_TINY] = 1e-20, [MAGNITUDE_LARGE] = 20};
    const AttentionConfig *config = &configs[c->depth];
    // A backward pass has no pages: the same as a cache in a tensor.
    const int is_low = problem->op == OP_ATTENTION_BF16;
    const int is_paged = config->keys >= KEYS_PAGES && config->keys <= KEYS_PANELS;
    const KeySource source = (is_for_backward || is_low) && is_paged ? KEYS_CACHE : config->keys;
    AttentionArgs *as = &problem->args.as.attention;
    as->n_heads = config->n_heads;
    as->n_kv_heads = config->n_kv_heads;
    as->head_dim = config->head_dim;
    as->scale = (float)(1.0 / sqrt((double)config->head_dim));
    as->soft_cap = config->soft_cap;
    as->is_causal = config->is_causal;
    as->window = config->window;
    as->dropout = (DropoutArgs){
        .p = is_low ? 0 : config->dropout, .seed = 99, .step = 5 + c->options, .site = 3};
    as->queries = problem_ragged(problem, c->rows);
    if (config->is_one_sequence && c->rows > 0) {
        int32_t *offsets = problem_take(problem, 2 * sizeof *offsets);
        offsets[0] = 0;
        offsets[1] = (int32_t)c->rows;
        as->queries.n_sequences = 1;
        as->queries.offsets = offsets;
    }
    as->keys = build_keys(problem, source, &as->queries);
    build_qkv(problem, as, source, magnitudes[c->magnitude]);
    as->keys_by_column = source == KEYS_COLUMNS;
    as->pages_by_head = source == KEYS_PANELS;
    as->pages_dtype = as->pages_by_head ? config->pages : DTYPE_F32;
    as->first_kv_head = as->pages_by_head ? config->first_kv_head : 0;
    if (source >= KEYS_PAGES && source <= KEYS_PANELS)
        build_pages(problem, as, magnitudes[c->magnitude]);
    if (config->relative_reach > 0) build_relative_bias(problem, as, config->relative_reach);
    if (config->has_sinks) {
        const TensorShape sinks = {.rows = 1, .cols = as->n_heads};
        problem->args.in[4] = problem_random(problem, sinks, 0, 2);
    }
    const TensorShape y = {.rows = c->rows, .cols = as->n_heads * as->head_dim, .gap = 2};
    problem->args.out[0] = problem_blank(problem, y, problem->dtype);
    if (!is_low && !as->keys_by_column && (is_for_backward || (c->options & 1) != 0)) {
        const TensorShape statistics = {.rows = c->rows, .cols = as->n_heads};
        problem->args.out[1] = problem_blank(problem, statistics, problem->dtype);
    }
}

// ---- disentangled ----

typedef struct DisentangledConfig {
    size_t n_heads, head_dim;
    int has_queries, has_keys; // PQ and PK
    int32_t reach;
    float dropout;
    int is_chosen; // one query a sequence, which stands anywhere in it
} DisentangledConfig;

static const DisentangledConfig disentangled_configs[] = {
    {.n_heads = 2, .head_dim = 32, .has_queries = 1, .has_keys = 1, .reach = 40},
    {.n_heads = 3, .head_dim = 7, .has_queries = 1, .has_keys = 1, .reach = 9, .dropout = 0.1f},
    {.n_heads = 2, .head_dim = 16, .has_keys = 1, .reach = 3},
    {.n_heads = 1, .head_dim = 64, .has_queries = 1, .reach = 150, .dropout = 0.3f},
    {.n_heads = 2, .head_dim = 20, .has_queries = 1, .has_keys = 1, .reach = 17, .is_chosen = 1},
    {.n_heads = 1, .head_dim = 1, .has_queries = 1, .has_keys = 1, .reach = 1},
};

// One query of each sequence that is not empty; their number.
static size_t choose_queries(Problem *p, const Ragged *keys, Ragged *queries)
{
    const size_t n = keys->n_sequences;
    int32_t *offsets = problem_take(p, (n + 1) * sizeof *offsets);
    int32_t *positions = problem_take(p, (n + 1) * sizeof *positions);
    offsets[0] = positions[0] = 0;
    for (size_t s = 0; s < n; s++) {
        const int32_t length = keys->offsets[s + 1] - keys->offsets[s];
        offsets[s + 1] = offsets[s] + (length > 0);
        if (length > 0) positions[offsets[s]] = (int32_t)philox_below(&p->rng, (uint64_t)length);
    }
    *queries = *keys;
    queries->offsets = offsets;
    queries->positions = positions;
    return (size_t)offsets[n];
}

// Buckets from 2 on: a step for each distance near by, one for two further off, as DeBERTa's grow with the logarithm.
static size_t build_buckets(Problem *p, AttentionArgs *as, int32_t reach)
{
    int32_t *bucket = problem_take(p, (2 * (size_t)reach + 1) * sizeof *bucket);
    for (int32_t d = -reach; d <= reach; d++) {
        const int32_t far = d < 0 ? -d : d, steps = far <= 4 ? far : 4 + (far - 3) / 2;
        bucket[d + reach] = d < 0 ? steps : -steps;
    }
    const int32_t most = bucket[0];
    for (int32_t i = 0; i <= 2 * reach; i++) bucket[i] += most + 2;
    as->relative_bucket = bucket;
    as->relative_reach = reach;
    as->first_bucket = 2;
    return 2 * (size_t)most + 1;
}

void disentangled_build(Problem *problem, const Case *c, int is_for_backward)
{
    static const double magnitudes[] = {
        [MAGNITUDE_ONE] = 1.7, [MAGNITUDE_TINY] = 1e-20, [MAGNITUDE_LARGE] = 20};
    const DisentangledConfig *config = &disentangled_configs[c->depth];
    const double magnitude = magnitudes[c->magnitude];
    const size_t cols = config->n_heads * config->head_dim;
    AttentionArgs *as = &problem->args.as.attention;
    OpArgs *a = &problem->args;
    as->n_heads = as->n_kv_heads = config->n_heads;
    as->head_dim = config->head_dim;
    as->scale = (float)(1.0 / sqrt(3.0 * (double)config->head_dim));
    as->dropout =
        (DropoutArgs){.p = config->dropout, .seed = 99, .step = 5 + c->options, .site = 3};
    as->keys = as->queries = problem_ragged(problem, c->rows);
    const size_t n_queries =
        config->is_chosen ? choose_queries(problem, &as->keys, &as->queries) : c->rows;
    const size_t n_rows = build_buckets(problem, as, config->reach);
    const TensorShape q = {.rows = n_queries, .cols = cols, .gap = 1};
    const TensorShape k = {.rows = c->rows, .cols = cols},
                      positions = {.rows = n_rows, .cols = cols, .gap = 3};
    a->in[0] = problem_random(problem, q, 0, magnitude);
    a->in[1] = problem_random(problem, k, 0, magnitude);
    a->in[2] = problem_random(problem, k, 0, magnitude);
    if (config->has_queries) a->in[3] = problem_random(problem, positions, 0, magnitude);
    if (config->has_keys) a->in[4] = problem_random(problem, positions, 0, magnitude);
    const TensorShape y = {.rows = n_queries, .cols = cols, .gap = 2};
    a->out[0] = problem_blank(problem, y, problem->dtype);
    if (is_for_backward || (c->options & 1) != 0) {
        const TensorShape statistics = {.rows = n_queries, .cols = as->n_heads};
        a->out[1] = problem_blank(problem, statistics, problem->dtype);
    }
}
