#include "kernels/pack.h"

#include "base/size.h"

void pack_panels(const float *rows, size_t n, size_t k, float *panels)
{
    for (size_t first = 0; first < n; first += PANEL_WIDTH, panels += k * PANEL_WIDTH) {
        const size_t width = size_min(PANEL_WIDTH, n - first);
        for (size_t j = 0; j < k; j++) {
            float *column = panels + j * PANEL_WIDTH;
            for (size_t lane = 0; lane < width; lane++) column[lane] = rows[(first + lane) * k + j];
            for (size_t lane = width; lane < PANEL_WIDTH; lane++) column[lane] = 0.0f;
        }
    }
}

void unpack_panels(const float *panels, size_t n, size_t k, float *rows)
{
    for (size_t first = 0; first < n; first += PANEL_WIDTH, panels += k * PANEL_WIDTH) {
        const size_t width = size_min(PANEL_WIDTH, n - first);
        for (size_t lane = 0; lane < width; lane++) {
            for (size_t j = 0; j < k; j++) {
                rows[(first + lane) * k + j] = panels[j * PANEL_WIDTH + lane];
            }
        }
    }
}
