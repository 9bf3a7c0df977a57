#include <string.h>

#include "base/size.h"
#include "models/architecture.h"
#include "models/model_internal.h"

// ---- cutting ----

size_t sequence_rows(const TokenSequence *input)
{
    return input->n_tokens + input->n_targets;
}

int sequence_longest_first(const void *a, const void *b)
{
    const SequenceLength *x = a, *y = b;
    if (x->n_tokens != y->n_tokens) return x->n_tokens > y->n_tokens ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static Status take_cut(Arena *arena, size_t n_inputs, size_t n_units, UnitCut *out, Error *err)
{
    TRY(arena_take(arena, n_inputs, sizeof *out->order, "units", &out->order, err));
    return arena_take(arena, n_units + 1, sizeof *out->starts, "units", &out->starts, err);
}

Status units_by_length(Arena *arena, const TokenSequence *inputs, size_t n_inputs,
                       size_t target_tokens, UnitCut *out, Error *err)
{
    SequenceLength *lengths = NULL;
    TRY(take_cut(arena, n_inputs, n_inputs, out, err));
    TRY(arena_take(arena, n_inputs, sizeof *lengths, "lengths", &lengths, err));
    for (size_t i = 0; i < n_inputs; i++)
        lengths[i] = (SequenceLength){.n_tokens = sequence_rows(&inputs[i]), .index = i};
    if (n_inputs > 0) qsort(lengths, n_inputs, sizeof *lengths, sequence_longest_first);
    size_t filled = 0;
    out->n_units = 0;
    for (size_t i = 0; i < n_inputs; i++) {
        if (i == 0 || filled + lengths[i].n_tokens > target_tokens) {
            out->starts[out->n_units++] = i;
            filled = 0;
        }
        filled += lengths[i].n_tokens;
        out->order[i] = lengths[i].index;
    }
    out->starts[out->n_units] = n_inputs;
    return STATUS_OK;
}

Status units_balanced(Arena *arena, const TokenSequence *const *inputs, size_t n_inputs,
                      size_t n_units, UnitCut *out, Error *err)
{
    SequenceLength *lengths = NULL;
    size_t *filled = NULL, *unit_of = NULL;
    TRY(take_cut(arena, n_inputs, n_units, out, err));
    TRY(arena_take(arena, n_inputs, sizeof *lengths, "lengths", &lengths, err));
    TRY(arena_take(arena, n_units, sizeof *filled, "units", &filled, err));
    TRY(arena_take(arena, n_inputs, sizeof *unit_of, "units", &unit_of, err));
    for (size_t i = 0; i < n_inputs; i++)
        lengths[i] = (SequenceLength){.n_tokens = sequence_rows(inputs[i]), .index = i};
    if (n_inputs > 0) qsort(lengths, n_inputs, sizeof *lengths, sequence_longest_first);
    // The longest that is left goes to the emptiest unit (Graham 1969), the first of equal ones.
    for (size_t i = 0; i < n_inputs; i++) {
        size_t emptiest = 0;
        for (size_t u = 1; u < n_units; u++) {
            if (filled[u] < filled[emptiest]) emptiest = u;
        }
        filled[emptiest] += lengths[i].n_tokens;
        unit_of[lengths[i].index] = emptiest;
    }
    size_t at = 0;
    out->n_units = n_units;
    for (size_t u = 0; u < n_units; u++) {
        out->starts[u] = at;
        for (size_t i = 0; i < n_inputs; i++) {
            if (unit_of[i] == u) out->order[at++] = i;
        }
    }
    out->starts[n_units] = at;
    return STATUS_OK;
}

// Each unit reads all weights, which takes a thread as long as ROWS_A_BYTE rows for each byte that a number has (measured: f32
// 12 rows, bf16 6, Q8_0 3). Products of small models are too short to be shared.
enum { ROWS_A_BYTE = 3, LEAST_SHARED_BYTES = 16 << 20 };

size_t model_rows_together(const Model *model, size_t n_threads)
{
    uint64_t n_bytes = 0, n_numbers = 0;
    for (size_t i = 0; i < model->tape.n_params; i++) {
        const Param *param = &model->tape.params[i];
        if (param->is_vector || param->is_gathered) continue;
        n_bytes += param->storage * sizeof(float) + param_mapped_bytes(param);
        n_numbers += (uint64_t)param->rows * param->cols;
    }
    if (n_threads == 1 || n_bytes < LEAST_SHARED_BYTES) return 0;
    return (size_t)(ROWS_A_BYTE * n_bytes * n_threads / n_numbers);
}

// ---- a unit's arrays ----

static Status want_words(Worker *worker, size_t n_words, Error *err)
{
    if (n_words <= worker->n_words) return STATUS_OK;
    int32_t *words = aligned_alloc(64, size_round_up(n_words * sizeof *words, 64));
    if (!words) return error_set_memory(err, n_words, sizeof *words, "a unit");
    free(worker->words);
    worker->words = words;
    worker->n_words = n_words;
    return STATUS_OK;
}

// The row of the position table for each of n tokens. Where pads are skipped, as in RoBERTa, they have the row before the first
// and the others count on as if they were not there.
static void put_positions(const ModelConfig *config, const int32_t *ids, size_t n,
                          int32_t *positions)
{
    int32_t next = (int32_t)config->first_position;
    for (size_t t = 0; t < n; t++) {
        const bool is_pad = config->positions_skip_pads && ids[t] == config->pad_id;
        positions[t] = is_pad ? config->pad_id : next++;
    }
}

size_t model_last_of_text(const ModelConfig *config, const TokenSequence *input)
{
    size_t last = input->n_tokens - 1;
    while (last > 0 && input->ids[last] == config->pad_id) last--;
    return last;
}

static size_t count_targets(const ModelConfig *config, const TokenSequence *input)
{
    return model_config_rereads_source(config) ? input->n_tokens : input->n_targets;
}

// What the decoder reads of a sequence: its targets, or the source one place later.
static void put_targets(const ModelConfig *config, const TokenSequence *input, int32_t *ids)
{
    const size_t n = count_targets(config, input);
    if (n == 0) return;
    if (!model_config_rereads_source(config)) {
        memcpy(ids, input->target_ids, n * sizeof *ids);
        return;
    }
    ids[0] = config->decoder.starts_with_last ? input->ids[model_last_of_text(config, input)]
                                              : config->decoder.start_id;
    memcpy(ids + 1, input->ids, (n - 1) * sizeof *ids);
}

// The targets' part of a unit, at `to`: 2 * n_targets + n + 1 words.
static void gather_targets(const ModelConfig *config, const TokenSequence *const *inputs, size_t n,
                           int32_t *to, Unit *unit)
{
    int32_t *ids = to, *positions = ids + unit->n_targets, *offsets = positions + unit->n_targets;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t n_targets = count_targets(config, inputs[i]);
        offsets[i] = (int32_t)at;
        put_targets(config, inputs[i], ids + at);
        put_positions(config, ids + at, n_targets, positions + at);
        at += n_targets;
    }
    offsets[n] = (int32_t)at;
    unit->target_ids = ids;
    unit->target_positions = positions;
    unit->target_offsets = offsets;
}

bool model_find_end(const ModelConfig *config, const TokenSequence *input, size_t *out)
{
    const int32_t end = config->n_eos > 0 ? config->eos_ids[0] : config->architecture->end_id;
    for (size_t t = input->n_tokens; t > 0; t--) {
        if (input->ids[t - 1] != end) continue;
        *out = t - 1;
        return true;
    }
    return false;
}

// The token that a head reads, where it reads one of each sequence.
static size_t chosen_token(const ModelConfig *config, const TokenSequence *input)
{
    if (config->head == HEAD_EMBEDDING && config->embedding.pool == POOL_LAST)
        return input->n_tokens - 1;
    if (config->head != HEAD_SEQUENCE) return input->chosen;
    size_t token = input->chosen;
    switch (config->architecture->classified) {
    case CLASSIFIED_FIRST:
        break;
    case CLASSIFIED_LAST:
        return model_last_of_text(config, input);
    case CLASSIFIED_END:
        (void)model_find_end(config, input, &token); // model_check_inputs has found it
        break;
    }
    return token;
}

// Whether it stands in ROWS_OUTPUTS, alone.
static bool reads_chosen_output(const ModelConfig *config)
{
    if (config->head == HEAD_EMBEDDING) return config->embedding.pool != POOL_MEAN;
    if (config->head == HEAD_MASKED_LM) return config->one_token;
    return config->head == HEAD_SEQUENCE &&
           (config->architecture->classified != CLASSIFIED_FIRST || config->classifies_first);
}

Status worker_gather(Worker *worker, const ModelConfig *config, const TokenSequence *const *inputs,
                     size_t n, Unit *unit, Error *err)
{
    size_t n_tokens = 0, n_targets = 0;
    for (size_t i = 0; i < n; i++) {
        n_tokens += inputs[i]->n_tokens;
        n_targets += count_targets(config, inputs[i]);
    }
    // The keys first: they are twice as wide and want the better alignment.
    TRY(want_words(worker, 2 * n + 3 * n_tokens + 2 * n + 1 + 2 * n_targets + 2 * (n + 1), err));
    uint64_t *keys = (uint64_t *)(void *)worker->words;
    int32_t *ids = worker->words + 2 * n, *positions = ids + n_tokens,
            *types = positions + n_tokens, *offsets = types + n_tokens, *chosen = offsets + n + 1;
    const bool reads_chosen = reads_chosen_output(config);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const TokenSequence *input = inputs[i];
        keys[i] = input->key;
        offsets[i] = (int32_t)at;
        chosen[i] = (int32_t)(at + chosen_token(config, input));
        memcpy(ids + at, input->ids, input->n_tokens * sizeof *ids);
        if (input->type_ids)
            memcpy(types + at, input->type_ids, input->n_tokens * sizeof *types);
        else
            memset(types + at, 0, input->n_tokens * sizeof *types);
        put_positions(config, input->ids, input->n_tokens, positions + at);
        at += input->n_tokens;
    }
    offsets[n] = (int32_t)at;
    *unit = (Unit){.n_tokens = n_tokens,
                   .n_sequences = n,
                   .ids = ids,
                   .position_ids = positions,
                   .type_ids = types,
                   .chosen = chosen,
                   .offsets = offsets,
                   .sequence_keys = keys,
                   .n_targets = n_targets};
    int32_t *rest = chosen + n;
    if (reads_chosen) { // and no other row
        for (size_t i = 0; i <= n; i++) rest[i] = (int32_t)i;
        unit->output_rows = chosen;
        unit->output_offsets = rest;
        unit->n_outputs = n;
        rest += n + 1;
    }
    if (n_targets > 0) gather_targets(config, inputs, n, rest, unit);
    return STATUS_OK;
}
