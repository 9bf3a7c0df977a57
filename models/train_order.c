#include <string.h>

#include "base/philox.h"
#include "models/train_run.h"

// Streams of random numbers, so that uses do not meet.
enum { STREAM_ORDER = 0x6f72, STREAM_DRAW = 0x6472, STREAM_WINDOWS = 0x7769 };

enum { SORT_WINDOW_BATCHES = 32 };

static uint64_t stream(uint64_t use, uint64_t epoch)
{
    return use << 32 | (epoch & 0xffffffffu);
}

// Draws a class, then an example of it; every class that occurs is as likely.
static Status draw_balanced(const TrainExample *examples, size_t n, Philox *rng, size_t *order,
                            Error *err)
{
    int32_t highest = -1;
    for (size_t i = 0; i < n; i++) {
        if (examples[i].labels[0] > highest) highest = examples[i].labels[0];
    }
    if (highest < 0)
        return error_set(err, STATUS_INVALID,
                         "no example has a label, so classes cannot be balanced");
    const size_t n_classes = (size_t)highest + 1;
    size_t *starts = calloc(n_classes + 2, sizeof *starts), *members = calloc(n, sizeof *members);
    size_t *present = calloc(n_classes, sizeof *present), n_present = 0;
    Status s = starts && members && present ? STATUS_OK
                                            : error_set_memory(err, n, sizeof *members, "classes");
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        if (examples[i].labels[0] >= 0) starts[(size_t)examples[i].labels[0] + 2]++;
    }
    for (size_t c = 0; s == STATUS_OK && c < n_classes; c++) {
        if (starts[c + 2] > 0) present[n_present++] = c;
        starts[c + 2] += starts[c + 1];
    }
    // starts[c + 1] moves from the begin of class c to its end.
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        if (examples[i].labels[0] >= 0) members[starts[(size_t)examples[i].labels[0] + 1]++] = i;
    }
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        const size_t c = present[philox_below(rng, n_present)];
        order[i] = members[starts[c] + philox_below(rng, starts[c + 1] - starts[c])];
    }
    free(starts);
    free(members);
    free(present);
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
    if (options->balance_classes) {
        if (head != HEAD_SEQUENCE)
            return error_set(err, STATUS_INVALID,
                             "classes can be balanced for a sequence head only");
        Philox draws = philox_stream(options->seed, stream(STREAM_DRAW, epoch));
        TRY(draw_balanced(examples, n, &draws, order, err));
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
