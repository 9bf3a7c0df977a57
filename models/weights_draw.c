// Parameters that no file has: drawn at random, or by a formula.
#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "models/model_internal.h"

// FNV-1a: each tensor has a stream of its own, so that its numbers do not depend on what else is drawn.
static uint64_t stream_of(Slice name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.ptr[i]) * 0x100000001b3u;
    return hash;
}

static void draw_sinusoids(const Param *param, float *rows)
{
    const size_t n_sines = (param->cols + 1) / 2;
    for (size_t p = 0; p < param->rows; p++, rows += param->cols) {
        for (size_t j = 0; j < param->cols; j++) {
            const size_t pair = j < n_sines ? j : j - n_sines;
            const double angle = (double)p / pow(10000.0, 2.0 * (double)pair / (double)param->cols);
            rows[j] = (float)(j < n_sines ? sin(angle) : cos(angle)) * param->factor;
        }
    }
}

// In the floats of Transformers' M2M100, whose angles are no nearer to the truth.
static void draw_wide_sinusoids(const Param *param, float *rows)
{
    const size_t n = param->cols / 2;
    const float step = (float)-(log(10000.0) / (double)(n - 1));
    for (size_t p = 0; p < param->rows; p++, rows += param->cols) {
        for (size_t j = 0; j < n; j++) {
            const float frequency = (float)exp((double)((float)j * step));
            const double angle = (double)((float)p * frequency);
            rows[j] = (float)sin(angle) * param->factor;
            rows[n + j] = (float)cos(angle) * param->factor;
        }
        if (param->cols % 2 != 0) rows[param->cols - 1] = 0.0f;
    }
}

static void zero_row(const Param *param, float *rows)
{
    if (param->zero_row >= 0 && (size_t)param->zero_row < param->rows)
        memset(rows + (size_t)param->zero_row * param->cols, 0, param->cols * sizeof *rows);
}

static double alibi_slope(size_t n_heads, size_t head)
{
    size_t power = 1;
    while (2 * power <= n_heads) power *= 2;
    if (head < power) return exp2(-8.0 * (double)(head + 1) / (double)power);
    return exp2(-4.0 * (double)(2 * (head - power) + 1) / (double)power);
}

static void draw_slopes(const Param *param, float *rows)
{
    for (size_t h = 0; h < param->rows; h++, rows += param->cols) {
        const float slope = (float)alibi_slope(param->rows, h) * param->factor;
        for (size_t j = 0; j < param->cols; j++) rows[j] = -slope * (float)j;
    }
}

void weights_draw_param(const Param *param, float range, uint64_t seed, float *rows)
{
    const size_t n = param->rows * param->cols;
    if (param->init == INIT_SINUSOIDS) {
        draw_sinusoids(param, rows);
        return;
    }
    if (param->init == INIT_WIDE_SINUSOIDS) {
        draw_wide_sinusoids(param, rows);
        zero_row(param, rows);
        return;
    }
    if (param->init == INIT_SLOPES) {
        draw_slopes(param, rows);
        return;
    }
    if (param->init != INIT_NORMAL) {
        for (size_t i = 0; i < n; i++) rows[i] = param->init == INIT_ONE ? 1.0f : 0.0f;
        return;
    }
    for (size_t p = 0; p < param->n_parts; p++) {
        const ParamPart *part = &param->parts[p];
        Philox rng = philox_stream(seed, stream_of(part->name));
        for (size_t i = part->begin * param->cols; i < part->end * param->cols; i++)
            rows[i] = (float)(philox_normal(&rng) * (double)range);
    }
    zero_row(param, rows);
}
