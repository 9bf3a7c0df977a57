// Numbers and choices drawn for a random search. A draw depends on the search's seed, the number of the setting and the key
// alone, so that more trials, or another axis, leave the draws of the others as they were.
#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "harness/suite/suite_internal.h"

typedef enum Distribution { UNIFORM, LOG_UNIFORM, WHOLE, N_DISTRIBUTIONS } Distribution;

static const char *const names[N_DISTRIBUTIONS] = {
    [UNIFORM] = "uniform", [LOG_UNIFORM] = "log_uniform", [WHOLE] = "int"};

static bool is_numeric(const SuiteKey *key)
{
    return !key || key->kind == KEY_COUNT || key->kind == KEY_NUMBER ||
           key->read == tune_read_warmup;
}

static bool find_distribution(const Json *value, Distribution *out)
{
    const Json *only = json_first(value);
    if (json_kind(value) != JSON_OBJECT || json_len(value) != 1) return false;
    for (int i = 0; i < N_DISTRIBUTIONS; i++) {
        if (!slice_eq_cstr(json_key(only), names[i])) continue;
        *out = (Distribution)i;
        return true;
    }
    return false;
}

bool tune_is_distribution(const SuiteKey *key, const Json *value)
{
    Distribution unused;
    return is_numeric(key) && find_distribution(value, &unused);
}

// FNV-1a, 64 bits: a stream a key and a setting.
static Philox stream_of(const TuneDraw *draw)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    const Slice parts[] = {draw->key, draw->label};
    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; i <= parts[p].len; i++) {
            const unsigned char byte = i < parts[p].len ? (unsigned char)parts[p].ptr[i] : 0;
            hash = (hash ^ byte) * UINT64_C(0x100000001b3);
        }
    }
    return philox_stream(draw->seed ^ hash, draw->trial);
}

size_t tune_draw_index(const TuneDraw *draw, size_t n)
{
    Philox rng = stream_of(draw);
    return (size_t)philox_below(&rng, n);
}

// Both bounds are values that the key allows.
static Status read_bounds(const SuiteKey *key, const Json *value, Distribution kind, Arena *arena,
                          double bounds[2], Error *err)
{
    const Json *list = json_first(value);
    if (json_kind(list) != JSON_ARRAY || json_len(list) != 2)
        return json_error(list, err, "want the lowest and the highest value, as [1e-5, 1e-3]");
    for (size_t i = 0; i < 2; i++) {
        TuneSetting unused = {0};
        TRY(json_as_double(json_at(list, i), -1e300, 1e300, &bounds[i], err));
        // The key's own reading refuses what it does not allow; between whole bounds all is whole.
        if (key) TRY(section_read_key(key, json_at(list, i), arena, &unused, err));
    }
    if (!(bounds[0] < bounds[1]))
        return json_error(list, err, "the lowest value comes first, and is below the highest");
    if (kind == LOG_UNIFORM && bounds[0] <= 0)
        return json_error(list, err, "a logarithm needs a lowest value above 0");
    if (kind == WHOLE && (bounds[0] != floor(bounds[0]) || bounds[1] != floor(bounds[1]) ||
                          fabs(bounds[0]) > 9e15 || fabs(bounds[1]) > 9e15))
        return json_error(list, err, "\"int\" goes from one whole number to another");
    return STATUS_OK;
}

static double draw_number(const TuneDraw *draw, Distribution kind, const double bounds[2])
{
    Philox rng = stream_of(draw);
    if (kind == WHOLE)
        return bounds[0] + (double)philox_below(&rng, (uint64_t)(bounds[1] - bounds[0]) + 1);
    const double share = philox_double(&rng);
    if (kind == LOG_UNIFORM) return exp(log(bounds[0]) + share * log(bounds[1] / bounds[0]));
    return bounds[0] + share * (bounds[1] - bounds[0]);
}

Status tune_draw_number(const TuneDraw *draw, const SuiteKey *key, const Json *value, Arena *arena,
                        JsonDocument **out, Error *err)
{
    Distribution kind = UNIFORM;
    double bounds[2] = {0, 1};
    char digits[64];
    if (!find_distribution(value, &kind))
        return error_set(err, STATUS_INTERNAL, "no distribution to draw from");
    TRY(read_bounds(key, value, kind, arena, bounds, err));
    const double number = draw_number(draw, kind, bounds);
    const bool is_whole = kind == WHOLE || (key && key->kind == KEY_COUNT);
    // Six digits say enough of a hyperparameter, are read by people, and do not hang on the last bit of exp.
    snprintf(digits, sizeof digits, is_whole ? "%.0f" : "%.6g", number);
    double rounded = 0;
    if (!slice_to_double(slice_from_cstr(digits), &rounded))
        return error_set(err, STATUS_INTERNAL, "a drawn number is none");
    if (rounded < bounds[0] || rounded > bounds[1]) // by its rounding
        snprintf(digits, sizeof digits, "%.17g", rounded < bounds[0] ? bounds[0] : bounds[1]);
    return json_parse(SLICE("drawn"), slice_from_cstr(digits), JSON_STRICT, out, err);
}
