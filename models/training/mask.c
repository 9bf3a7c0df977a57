#include "models/training/mask.h"

#include <string.h>

#include "base/philox.h"

enum { IGNORED = -100 };

static void replace(const MaskOptions *options, Philox *rng, int32_t *id)
{
    const double how = philox_double(rng);
    if (how < 0.8)
        *id = options->mask_id;
    else if (how < 0.9)
        *id = (int32_t)philox_below(rng, options->vocab_size);
}

void mask_draw(const MaskOptions *options, const TrainExample *example, uint64_t seed,
               uint64_t epoch, int32_t *ids, int32_t *labels)
{
    const size_t n = example->input.n_tokens;
    // Knuth's golden ratio: epochs far apart.
    Philox rng = philox_stream(seed, example->input.key + 0x9e3779b97f4a7c15u * (epoch + 1));
    size_t n_may = 0, n_asked = 0;
    if (n == 0) return;
    memcpy(ids, example->input.ids, n * sizeof *ids);
    for (size_t t = 0; t < n; t++) {
        labels[t] = IGNORED;
        if (example->labels[t] < 0) continue;
        n_may++;
        if (philox_double(&rng) >= options->share) continue;
        labels[t] = example->labels[t];
        replace(options, &rng, &ids[t]);
        n_asked++;
    }
    if (n_asked > 0 || n_may == 0) return;
    size_t wanted = philox_below(&rng, n_may);
    for (size_t t = 0; t < n; t++) {
        if (example->labels[t] < 0 || wanted-- > 0) continue;
        labels[t] = example->labels[t];
        replace(options, &rng, &ids[t]);
        return;
    }
}

Status mask_examples(const MaskOptions *options, uint64_t seed, uint64_t epoch, Arena *arena,
                     TrainExample *examples, size_t n, Error *err)
{
    for (size_t i = 0; i < n; i++) {
        int32_t *ids = NULL, *labels = NULL;
        TRY(arena_take(arena, examples[i].input.n_tokens, sizeof *ids, "tokens", &ids, err));
        TRY(arena_take(arena, examples[i].input.n_tokens, sizeof *labels, "tokens", &labels, err));
        mask_draw(options, &examples[i], seed, epoch, ids, labels);
        examples[i].input.ids = ids;
        examples[i].labels = labels;
    }
    return STATUS_OK;
}
