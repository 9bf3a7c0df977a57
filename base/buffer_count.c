#include "base/buffer_count.h"

#include <stdio.h>

void buffer_append_count(Buffer *buffer, uint64_t n)
{
    char digits[24];
    const int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) buffer_append_byte(buffer, ',');
        buffer_append_byte(buffer, digits[i]);
    }
}

void buffer_append_size(Buffer *buffer, uint64_t bytes)
{
    if (bytes < 1 << 19)
        buffer_printf(buffer, "%.1f KiB", (double)bytes / 0x1p10);
    else if (bytes < 10ull << 30)
        buffer_printf(buffer, "%.1f MiB", (double)bytes / 0x1p20);
    else
        buffer_printf(buffer, "%.1f GiB", (double)bytes / 0x1p30);
}
