// kernels/cpu/amx.h: tiles of AMX, for the files *_amx.c alone: eight registers of up to 16 rows of up to 64 bytes.
//
// A kernel says the shapes of its tiles with amx_configure before it uses them and gives them back with _tile_release at its end:
// they belong to the thread, and a thread that holds none is switched without saving 8 KiB. Intel's SDM, volume 1, chapter 18.
// gcc 12 does not know that TILELOADD reads memory: AMX_WRITTEN stands between stores by C and the loads that want them.
#ifndef ASSAY_KERNELS_CPU_AMX_H
#define ASSAY_KERNELS_CPU_AMX_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define AMX_WRITTEN() __asm__ volatile("" ::: "memory")

enum { AMX_TILES = 8, AMX_ROWS = 16, AMX_ROW_BYTES = 64 };

// What LDTILECFG reads.
typedef struct AmxConfig {
    uint8_t palette, start_row, unused[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} AmxConfig;
_Static_assert(sizeof(AmxConfig) == 64, "LDTILECFG reads 64 bytes");

// The shape of one tile; rows 1 .. AMX_ROWS, row_bytes 4 .. AMX_ROW_BYTES, a multiple of 4.
static inline void amx_shape(AmxConfig *config, int tile, size_t rows, size_t row_bytes)
{
    config->palette = 1;
    config->rows[tile] = (uint8_t)rows;
    config->row_bytes[tile] = (uint16_t)row_bytes;
}

// _tile_loadconfig, of which gcc 12 believes that it reads eight bytes.
static inline void amx_configure(const AmxConfig *config)
{
    __asm__ volatile("ldtilecfg %0" ::"m"(*config));
}

#endif
