#include "models/program/rope.h"

#include <math.h>

static const double two_pi = 6.28318530717958647693;

const char *rope_kind_name(RopeKind kind)
{
    static const char *const names[ROPE_KIND_COUNT] = {
        [ROPE_DEFAULT] = "default",
        [ROPE_LINEAR] = "linear",
        [ROPE_DYNAMIC] = "dynamic",
        [ROPE_LLAMA3] = "llama3",
        [ROPE_YARN] = "yarn",
        [ROPE_LONGROPE] = "longrope",
        [ROPE_PROPORTIONAL] = "proportional",
    };
    return names[kind];
}

// Waves longer than the original context over low_freq_factor are slowed down, those shorter than it over
// high_freq_factor stay.
static float llama3_frequency(const RopeConfig *c, float frequency)
{
    const float context = (float)c->original_positions, factor = (float)c->factor,
                low = (float)c->low_freq_factor, high = (float)c->high_freq_factor;
    const float wave = 1.0f / frequency * (float)two_pi;
    if ((double)wave > (double)c->original_positions / c->low_freq_factor)
        return frequency / factor;
    if ((double)wave < (double)c->original_positions / c->high_freq_factor) return frequency;
    const float smooth = (1.0f / wave * context - low) / (high - low);
    return (1.0f - smooth) * frequency / factor + smooth * frequency;
}

// The pair that turns so many times within the original context.
static double yarn_dimension(const RopeConfig *c, double n_turns, double n_dims)
{
    return n_dims * log((double)c->original_positions / (n_turns * two_pi)) / (2 * log(c->theta));
}

static double yarn_frequency(const RopeConfig *c, double frequency, size_t pair, size_t n_dims)
{
    double low = yarn_dimension(c, c->beta_fast, (double)n_dims);
    double high = yarn_dimension(c, c->beta_slow, (double)n_dims);
    if (!c->keeps_fractions) {
        low = floor(low);
        high = ceil(high);
    }
    low = fmax(low, 0);
    high = fmin(high, (double)n_dims - 1);
    if (low == high) high += 0.001;
    const double ramp = fmin(1, fmax(0, ((double)pair - low) / (high - low)));
    return frequency / c->factor * ramp + frequency * (1 - ramp);
}

void rope_frequencies(const RopeConfig *c, size_t n_dims, bool is_long, float *out)
{
    for (size_t i = 0; i < n_dims / 2; i++) {
        const float exponent = (float)(2 * i) / (float)n_dims;
        const float power = (float)pow(c->theta, (double)exponent);
        const double frequency = (double)(1.0f / power);
        switch (c->kind) {
        case ROPE_DEFAULT:
        case ROPE_DYNAMIC: // up to the first context
        case ROPE_KIND_COUNT:
            out[i] = (float)frequency;
            break;
        case ROPE_LINEAR:
            out[i] = (float)(frequency / c->factor);
            break;
        case ROPE_LLAMA3:
            out[i] = llama3_frequency(c, (float)frequency);
            break;
        case ROPE_YARN:
            out[i] = (float)yarn_frequency(c, frequency, i, n_dims);
            break;
        case ROPE_PROPORTIONAL:
            out[i] =
                i < (size_t)(c->part * (double)n_dims / 2) ? (float)(frequency / c->factor) : 0;
            break;
        case ROPE_LONGROPE:
            out[i] = 1.0f / ((is_long ? c->long_factors : c->short_factors)[i] * power);
            break;
        }
    }
}

// In float where Transformers has tensors.
void rope_stretched_frequencies(double theta, double factor, size_t original_positions,
                                size_t n_positions, size_t n_dims, float *out)
{
    const float length = (float)factor * (float)n_positions / (float)original_positions;
    const float stretch = length - (float)(factor - 1);
    const double power = (double)n_dims / (double)(n_dims - 2);
    const float base = (float)theta * powf(stretch, (float)power);
    for (size_t i = 0; i < n_dims / 2; i++)
        out[i] = 1.0f / powf(base, (float)(2 * i) / (float)n_dims);
}

static double yarn_magnitude(double factor, double mscale)
{
    return factor <= 1 ? 1.0 : 0.1 * mscale * log(factor) + 1.0;
}

float rope_scale(const RopeConfig *c, size_t max_positions)
{
    const double original = (double)c->original_positions;
    if (c->attention_factor > 0) return (float)c->attention_factor;
    if (c->kind == ROPE_YARN) {
        if (c->mscale > 0 && c->mscale_all_dim > 0)
            return (float)(yarn_magnitude(c->factor, c->mscale) /
                           yarn_magnitude(c->factor, c->mscale_all_dim));
        return (float)yarn_magnitude(c->factor, 1.0);
    }
    if (c->kind == ROPE_LONGROPE) {
        const double factor = c->factor > 0 ? c->factor : (double)max_positions / original;
        return factor <= 1 ? 1.0f : (float)sqrt(1.0 + log(factor) / log(original));
    }
    return 1.0f;
}

RopeId rope_record(Tape *tape, const RopeConfig *config, size_t n_dims, size_t max_positions)
{
    const bool has_long = config->kind == ROPE_LONGROPE;
    float *frequencies = arena_alloc(tape->arena, n_dims + 1, sizeof *frequencies);
    if (!frequencies) {
        tape_fail(tape, STATUS_MEMORY, "a rotary embedding's frequencies");
        return 0;
    }
    TapeRope rope = {
        .n_dims = n_dims, .frequencies = frequencies, .scale = rope_scale(config, max_positions)};
    rope_frequencies(config, n_dims, false, frequencies);
    rope.growth = (float)config->growth;
    rope.growth_from = config->original_positions;
    if (has_long) {
        rope_frequencies(config, n_dims, true, frequencies + n_dims / 2);
        rope.long_frequencies = frequencies + n_dims / 2;
        rope.long_from = config->original_positions;
        rope.rereads = config->rereads;
    }
    for (size_t i = 0; config->is_backward && i < (has_long ? n_dims : n_dims / 2); i++)
        frequencies[i] = -frequencies[i];
    if (config->kind == ROPE_DYNAMIC) {
        rope.long_from = config->original_positions;
        rope.theta = config->theta;
        rope.stretch = config->factor;
    }
    return tape_rope_angles(tape, &rope);
}

double rope_part_of(size_t n_columns, size_t head_dim)
{
    double part = (double)n_columns / (double)head_dim;
    while (part < 1 && (size_t)((double)head_dim * part) < n_columns) part = nextafter(part, 1);
    return part;
}
