#include <math.h>
#include <string.h>

#include "models/training/train.h"

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
