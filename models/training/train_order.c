#include <string.h>

#include "base/philox.h"
#include "models/training/train_run.h"

// Streams of random numbers, so that uses do not meet.
enum { STREAM_ORDER = 0x6f72, STREAM_DRAW = 0x6472, STREAM_WINDOWS = 0x7769 };

enum { SORT_WINDOW_BATCHES = 32 };

static uint64_t stream(uint64_t use, uint64_t epoch)
{
    return use << 32 | (epoch & 0xffffffffu);
}

// Examples by what is to come equally often: those of group g are members[starts[g]] to members[starts[g + 1] - 1], those
// of no group the first n_without of all.
typedef struct Shares {
    size_t *starts, *members, *present;
    size_t n_groups, n_present, n_without;
} Shares;

static int32_t group_of(const TrainOptions *options, const TrainExample *examples, size_t i)
{
    return options->balance_groups ? options->balance_groups[i] : examples[i].labels[0];
}

static Status share_out(const TrainOptions *options, const TrainExample *examples, size_t n,
                        Shares *shares, Error *err)
{
    int32_t highest = -1;
    for (size_t i = 0; i < n; i++) {
        const int32_t group = group_of(options, examples, i);
        if (group > highest) highest = group;
    }
    if (highest < 0)
        return error_set(err, STATUS_INVALID,
                         "no example has a label or a group, so nothing can be balanced");
    // Those of no group are group 0 in here, others one higher.
    const size_t n_groups = (size_t)highest + 2;
    *shares = (Shares){.starts = calloc(n_groups + 2, sizeof(size_t)),
                       .members = calloc(n, sizeof(size_t)),
                       .present = calloc(n_groups, sizeof(size_t)),
                       .n_groups = n_groups};
    if (!shares->starts || !shares->members || !shares->present)
        return error_set_memory(err, n, sizeof(size_t), "groups");
    for (size_t i = 0; i < n; i++) {
        const int32_t group = group_of(options, examples, i);
        shares->starts[group < 0 ? 2 : (size_t)group + 3]++;
    }
    shares->n_without = shares->starts[2];
    for (size_t g = 0; g < n_groups; g++) {
        if (g > 0 && shares->starts[g + 2] > 0) shares->present[shares->n_present++] = g;
        shares->starts[g + 2] += shares->starts[g + 1];
    }
    // starts[g + 1] moves from the begin of a group to its end.
    for (size_t i = 0; i < n; i++) {
        const int32_t group = group_of(options, examples, i);
        shares->members[shares->starts[group < 0 ? 1 : (size_t)group + 2]++] = i;
    }
    return STATUS_OK;
}

// Draws a group, then an example of it; every group that occurs is as likely. Examples of no class are never drawn, those of
// no group as often as they would be without balance.
static Status draw_balanced(const TrainOptions *options, const TrainExample *examples, size_t n,
                            Philox *rng, size_t *order, Error *err)
{
    Shares shares = {0};
    Status s = share_out(options, examples, n, &shares, err);
    const size_t n_without = options->balance_groups ? shares.n_without : 0;
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        const size_t without = n_without > 0 ? philox_below(rng, n) : n;
        if (without < n_without) {
            order[i] = shares.members[without];
            continue;
        }
        const size_t g = shares.present[philox_below(rng, shares.n_present)];
        const size_t begin = shares.starts[g];
        order[i] = shares.members[begin + philox_below(rng, shares.starts[g + 1] - begin)];
    }
    free(shares.starts);
    free(shares.members);
    free(shares.present);
    return s;
}

typedef struct Placed {
    size_t n_tokens, at, example;
} Placed;

static int by_length(const void *a, const void *b)
{
    const Placed *x = a, *y = b;
    if (x->n_tokens != y->n_tokens) return x->n_tokens > y->n_tokens ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

// Within each window the batches are of similar lengths, and come in random order.
static Status sort_windows(const TrainExample *examples, size_t n, size_t batch, Philox *rng,
                           size_t *order, Error *err)
{
    const size_t window = batch * SORT_WINDOW_BATCHES;
    Placed *placed = calloc(window, sizeof *placed);
    size_t batches[SORT_WINDOW_BATCHES];
    if (!placed) return error_set_memory(err, window, sizeof *placed, "a window");
    for (size_t begin = 0; begin < n; begin += window) {
        const size_t len = n - begin < window ? n - begin : window;
        const size_t n_full = len / batch; // a last batch that is not full stays last
        for (size_t i = 0; i < len; i++)
            placed[i] =
                (Placed){sequence_rows(&examples[order[begin + i]].input), i, order[begin + i]};
        qsort(placed, len, sizeof *placed, by_length);
        for (size_t b = 0; b < n_full; b++) batches[b] = b;
        philox_shuffle(rng, batches, n_full);
        for (size_t i = 0; i < len; i++) {
            const size_t from = i / batch < n_full ? batches[i / batch] * batch + i % batch : i;
            order[begin + i] = placed[from].example;
        }
    }
    free(placed);
    return STATUS_OK;
}

Status train_order(const TrainOptions *options, ModelHead head, const TrainExample *examples,
                   size_t n, uint64_t epoch, size_t *order, Error *err)
{
    if (options->balance_classes || options->balance_groups) {
        if (head != HEAD_SEQUENCE && !options->balance_groups)
            return error_set(err, STATUS_INVALID,
                             "classes can be balanced for a sequence head only");
        Philox draws = philox_stream(options->seed, stream(STREAM_DRAW, epoch));
        TRY(draw_balanced(options, examples, n, &draws, order, err));
    } else {
        Philox rng = philox_stream(options->seed, stream(STREAM_ORDER, epoch));
        for (size_t i = 0; i < n; i++) order[i] = i;
        philox_shuffle(&rng, order, n);
    }
    if (!options->sort_by_length) return STATUS_OK;
    Philox rng = philox_stream(options->seed, stream(STREAM_WINDOWS, epoch));
    return sort_windows(examples, n, options->batch_size * options->accumulate, &rng, order, err);
}

void train_balanced_weights(const TrainExample *examples, size_t n_examples, size_t n_labels,
                            float *weights)
{
    size_t n_counted = 0;
    memset(weights, 0, n_labels * sizeof *weights);
    for (size_t i = 0; i < n_examples; i++) {
        const int32_t label = examples[i].labels[0];
        if (label < 0 || (size_t)label >= n_labels) continue;
        weights[label] += 1.0f; // exact up to 2^24 examples of a class
        n_counted++;
    }
    for (size_t c = 0; c < n_labels; c++) {
        if (weights[c] > 0)
            weights[c] = (float)((double)n_counted / ((double)n_labels * (double)weights[c]));
    }
}
