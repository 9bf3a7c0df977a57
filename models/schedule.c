#include <math.h>
#include <string.h>

#include "models/train.h"

static const char *const names[SCHEDULE_COUNT] = {
    [SCHEDULE_LINEAR] = "linear",
    [SCHEDULE_COSINE] = "cosine",
    [SCHEDULE_CONSTANT] = "constant",
    [SCHEDULE_COSINE_RESTARTS] = "cosine-restarts",
    [SCHEDULE_INVERSE_SQRT] = "inverse-sqrt",
};

const char *schedule_name(Schedule schedule)
{
    return names[schedule];
}

Status schedule_parse(Slice name, Schedule *out, Error *err)
{
    for (int i = 0; i < SCHEDULE_COUNT; i++) {
        if (slice_eq_cstr(name, names[i])) {
            *out = (Schedule)i;
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_INVALID,
                     "unknown schedule \"" SLICE_FMT
                     "\"; known are linear, cosine, constant, cosine-restarts, inverse-sqrt",
                     SLICE_ARG(name));
}

double schedule_factor(Schedule schedule, uint64_t step, uint64_t n_warmup, uint64_t n_steps,
                       unsigned n_cycles)
{
    const double pi = 3.14159265358979323846;
    if (step < n_warmup) return (double)step / (double)n_warmup;
    const double rest = n_steps > n_warmup ? (double)(n_steps - n_warmup) : 1.0;
    const double progress = fmin(1.0, (double)(step - n_warmup) / rest);
    switch (schedule) {
    case SCHEDULE_LINEAR:
        return 1.0 - progress;
    case SCHEDULE_COSINE:
        return 0.5 * (1.0 + cos(pi * progress));
    case SCHEDULE_CONSTANT:
        return 1.0;
    case SCHEDULE_COSINE_RESTARTS:
        if (progress >= 1.0) return 0.0;
        return 0.5 * (1.0 + cos(pi * fmod(progress * (n_cycles > 0 ? n_cycles : 1), 1.0)));
    case SCHEDULE_INVERSE_SQRT:
        return n_warmup > 0 ? sqrt((double)n_warmup / (double)step)
                            : 1.0 / sqrt((double)step + 1.0);
    case SCHEDULE_COUNT:
        break;
    }
    return 1.0;
}

// ---- freezing ----

static Status freeze_range(Slice text, size_t n_layers, unsigned char *frozen, Error *err)
{
    uint64_t first = 0, last = 0;
    const size_t dash = slice_find_byte(text, '-');
    const Slice from = dash == SIZE_MAX ? text : slice_sub(text, 0, dash);
    const Slice to = dash == SIZE_MAX ? text : slice_sub(text, dash + 1, text.len);
    if (!slice_to_u64(slice_trim(from), &first) || !slice_to_u64(slice_trim(to), &last)) {
        return error_set(
            err, STATUS_INVALID,
            "freeze: \"" SLICE_FMT
            "\" is not understood; it takes \"embeddings\", \"encoder\", blocks (\"3\") and ranges (\"0-3\")",
            SLICE_ARG(text));
    }
    if (first > last || last >= n_layers) {
        return error_set(err, STATUS_INVALID,
                         "freeze: blocks \"" SLICE_FMT "\" are outside the model's 0-%zu",
                         SLICE_ARG(text), n_layers - 1);
    }
    for (uint64_t i = first; i <= last; i++) frozen[1 + i] = 1;
    return STATUS_OK;
}

Status train_parse_freeze(Slice text, size_t n_layers, unsigned char *frozen, Error *err)
{
    Slice part;
    memset(frozen, 0, n_layers + 2);
    while (slice_split(&text, ',', &part)) {
        part = slice_trim(part);
        if (slice_eq_cstr(part, "embeddings")) {
            frozen[0] = 1;
        } else if (slice_eq_cstr(part, "encoder")) {
            memset(frozen, 1, n_layers + 1);
        } else {
            TRY(freeze_range(part, n_layers, frozen, err));
        }
    }
    return STATUS_OK;
}
